// SPDX-License-Identifier: GPL-2.0
/*
 * Those who wait for the queue.
 *
 * WAKE-UPS: each queued event wakes one of those who wait exclusively (blocked
 * readers, EPOLLEXCLUSIVE) and all others. A waiter that was woken may go away
 * without taking the event, because of a signal, its timeout, a bad buffer;
 * therefore every reader calls fanotify_so_pass_on() on its way out, which
 * wakes the next if the queue is not empty. The event is put on the queue
 * before its wake-up, so whoever ate the wake-up sees it there.
 */
#include <linux/poll.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <net/sock.h>

#include "so.h"

static bool so_pending(const struct fanotify_so_group *group)
{
	return !list_empty(&group->returned) || !list_empty(&group->queue);
}

/* SIGIO for those who asked for it, and get events */
static inline void so_signal_event(struct fanotify_so_group *group)
{
	struct fanotify_so_member *member;

	rcu_read_lock();
	list_for_each_entry_rcu(member, &group->members, list)
		if (sock_flag(member->sk, SOCK_FASYNC) &&
		    !READ_ONCE(member->gone))
			sk_wake_async_rcu(member->sk, SOCK_WAKE_WAITD, POLL_IN);
	rcu_read_unlock();
}

/* And once for those who get none any more, if they had asked for it by then */
static void so_signal_end(struct fanotify_so_group *group)
{
	struct fanotify_so_member *member;

	rcu_read_lock();
	list_for_each_entry_rcu(member, &group->members, list)
		if (READ_ONCE(member->gone) &&
		    !test_and_set_bit(FANOTIFY_SO_SIGNALLED, &member->told))
			sk_wake_async_rcu(member->sk, SOCK_WAKE_WAITD, POLL_HUP);
	rcu_read_unlock();
}

/*
 * One of those who wait exclusively; but all, if that could be one who waits
 * for a member that is gone.
 */
static void so_wake_one(struct fanotify_so_group *group)
{
	/* Pairs with prepare_to_wait_exclusive(), and with fanotify_so_poll() */
	if (!wq_has_sleeper(&group->wait))
		return;
	if (READ_ONCE(group->live) == READ_ONCE(group->sockets))
		wake_up_poll(&group->wait, EPOLLIN | EPOLLRDNORM);
	else
		wake_up_all(&group->wait);
}

/**
 * fanotify_so_wake - an event was queued
 * @group: the group, without its lock
 *
 * Context: Process context.
 */
void fanotify_so_wake(struct fanotify_so_group *group)
{
	so_wake_one(group);
	so_signal_event(group);
}

/**
 * fanotify_so_wake_everyone - an event was queued and nobody takes it
 * @group: the group, without its lock
 *
 * Context: Process context.
 */
void fanotify_so_wake_everyone(struct fanotify_so_group *group)
{
	wake_up_all(&group->wait);
	so_signal_event(group);
}

/**
 * fanotify_so_wake_all - for some members there will be no more events
 * @group: the group, without its lock
 *
 * Context: Process context.
 */
void fanotify_so_wake_all(struct fanotify_so_group *group)
{
	wake_up_all(&group->wait);
	so_signal_end(group);
}

/**
 * fanotify_so_wait - wait until there is an event to take
 * @group: the group
 * @member: the socket
 * @timeo: jiffies to wait at most; is set to what is left of them
 *
 * Another reader may be faster, so the caller has to try again. However this
 * ends, the caller must call fanotify_so_pass_on() before it goes.
 *
 * Context: Process context. Sleeps.
 * Return: 0, -ESHUTDOWN if there will be none any more, -EAGAIN if the time is
 * up, or what sock_intr_errno() has for a signal.
 */
int fanotify_so_wait(struct fanotify_so_group *group,
		     const struct fanotify_so_member *member, long *timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait_exclusive(&group->wait, &wait,
					  TASK_INTERRUPTIBLE);
		/* First: what is still queued then is nobody's any more. */
		err = -ESHUTDOWN;
		if (fanotify_so_is_over(member))
			break;
		err = 0;
		if (so_pending(group))
			break;
		err = -EAGAIN;
		if (!*timeo)
			break;
		err = sock_intr_errno(*timeo);
		if (signal_pending(current))
			break;
		*timeo = schedule_timeout(*timeo);
	}
	finish_wait(&group->wait, &wait);
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_wait);

/**
 * fanotify_so_pass_on - a reader leaves: wake the next if there is work left
 * @group: the group
 *
 * Context: Process context.
 */
void fanotify_so_pass_on(struct fanotify_so_group *group)
{
	if (so_pending(group))
		so_wake_one(group);
}
EXPORT_SYMBOL_GPL(fanotify_so_pass_on);

/**
 * fanotify_so_poll - is there an event to take?
 * @group: the group
 * @member: the socket
 * @file: the socket's file
 * @wait: where poll() wants to be told of a change
 *
 * Context: Process context.
 * Return: EPOLL* bits.
 */
__poll_t fanotify_so_poll(struct fanotify_so_group *group,
			  const struct fanotify_so_member *member,
			  struct file *file, struct poll_table_struct *wait)
{
	/* Its barrier pairs with so_wake_one(). */
	poll_wait(file, &group->wait, wait);
	if (fanotify_so_is_over(member))
		return EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLHUP;
	/* An answer can always be written. */
	return EPOLLOUT | EPOLLWRNORM |
	       (so_pending(group) ? EPOLLIN | EPOLLRDNORM : 0);
}
EXPORT_SYMBOL_GPL(fanotify_so_poll);
