// SPDX-License-Identifier: GPL-2.0
/*
 * The members of a group: sockets that share its events.
 *
 * A member lives until it leaves: because its socket is closed or shut down, or
 * because it does not answer and is evicted. It is gone then, and gets no event
 * any more; it stays on the list until its socket is closed. The permission
 * events that it has had and not answered go to the others, and so does what a
 * reader of it that is still underway brings home.
 */
#include <linux/minmax.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <net/sock.h>

#include "so.h"

/* As many events change hands under one hold of the lock. */
#define SO_HAND_ON_BATCH	64

/* The bound is what the most demanding member asks for; of none, as it was. */
static void so_update_bound(struct fanotify_so_group *group)
{
	struct fanotify_so_member *member;
	u32 bytes = 0;

	lockdep_assert_held(&group->lock);
	list_for_each_entry(member, &group->members, list)
		if (!member->gone)
			bytes = max(bytes, member->queue_bytes);
	if (group->live)
		group->max_queued = bytes / FAN_SO_EVENT_COST;
}

static void so_add(struct fanotify_so_group *group,
		   struct fanotify_so_member *member)
{
	lockdep_assert_held(&group->lock);
	INIT_LIST_HEAD(&member->opening);
	INIT_LIST_HEAD(&member->taken);
	member->timeouts = 0;
	member->unread = 0;
	/* It is not to blame for what has begun to wait before. */
	member->counted = ++group->turn;
	member->told = 0;
	member->evicted = false;
	member->gone = false;
	/* Of an earlier bind() that did not succeed in the end. */
	WRITE_ONCE(member->sk->sk_err, 0);
	list_add_tail_rcu(&member->list, &group->members);
	WRITE_ONCE(group->live, group->live + 1);
	WRITE_ONCE(group->sockets, group->sockets + 1);
	so_update_bound(group);
}

/**
 * fanotify_so_member_add - a socket is the first member of a new group
 * @group: the group
 * @member: the socket
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_member_add(struct fanotify_so_group *group,
			    struct fanotify_so_member *member)
{
	spin_lock(&group->lock);
	so_add(group, member);
	spin_unlock(&group->lock);
}

/**
 * fanotify_so_member_join - a socket becomes a member
 * @group: the group
 * @member: the socket
 *
 * Context: Process context. Takes group->lock.
 * Return: 0, or -ESHUTDOWN if the group takes no member any more.
 */
int fanotify_so_member_join(struct fanotify_so_group *group,
			    struct fanotify_so_member *member)
{
	int err = 0;

	spin_lock(&group->lock);
	if (group->shutdown)
		err = -ESHUTDOWN;
	else
		so_add(group, member);
	spin_unlock(&group->lock);
	return err;
}

/**
 * fanotify_so_member_end - a member gets no event any more
 * @group: the group, with its lock held
 * @member: the member, which may be gone already
 * @evicted: because it does not answer
 *
 * What it has is still its own: see fanotify_so_hand_on().
 */
void fanotify_so_member_end(struct fanotify_so_group *group,
			    struct fanotify_so_member *member, bool evicted)
{
	lockdep_assert_held(&group->lock);
	if (member->gone)
		return;

	if (evicted) {
		WRITE_ONCE(member->evicted, true);
		WRITE_ONCE(member->sk->sk_err, ETIMEDOUT);
	}
	/* Pairs with fanotify_so_is_over(): not without the error */
	smp_store_release(&member->gone, true);
	WRITE_ONCE(group->live, group->live - 1);
	so_update_bound(group);
}

/**
 * fanotify_so_member_remove - the socket of a member is closed
 * @group: the group
 * @member: the socket, whose memory has to stay for a grace period; it is gone,
 *          and has handed on what it had
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_member_remove(struct fanotify_so_group *group,
			       struct fanotify_so_member *member)
{
	spin_lock(&group->lock);
	list_del_rcu(&member->list);
	spin_unlock(&group->lock);
}

/* Returns how many of its events a member that is gone has handed on. */
static unsigned int so_hand_on_some(struct fanotify_so_group *group,
				    struct fanotify_so_member *member,
				    unsigned int nr)
{
	struct fanotify_so_perm *perm, *next;
	unsigned int done = 0;

	list_for_each_entry_safe(perm, next, &member->taken, taken) {
		if (done == nr)
			break;
		fanotify_so_perm_return(group, perm);
		done++;
	}
	return done;
}

/**
 * fanotify_so_hand_on - what members had that are gone is for the others
 * @group: the group
 *
 * The events come before all that are queued, oldest first, and their clocks
 * have run on meanwhile.
 *
 * Context: Process context. May sleep. Takes group->lock, for a few of the
 * events at a time.
 */
void fanotify_so_hand_on(struct fanotify_so_group *group)
{
	struct fanotify_so_member *member;
	unsigned int left;

	do {
		left = SO_HAND_ON_BATCH;
		spin_lock(&group->lock);
		list_for_each_entry(member, &group->members, list)
			if (member->gone)
				left -= so_hand_on_some(group, member, left);
		spin_unlock(&group->lock);

		if (left < SO_HAND_ON_BATCH)
			fanotify_so_wake_everyone(group);
		cond_resched();
	} while (!left);
}

/**
 * fanotify_so_is_over - does a socket get no event any more?
 * @member: the socket
 *
 * Context: Any.
 * Return: true if so. Then one that was evicted has its error.
 */
bool fanotify_so_is_over(const struct fanotify_so_member *member)
{
	/* Pairs with fanotify_so_member_end() */
	return smp_load_acquire(&member->gone);
}
EXPORT_SYMBOL_GPL(fanotify_so_is_over);

/**
 * fanotify_so_is_evicted - was a socket let go of for not answering?
 * @member: the socket
 *
 * Context: Any.
 * Return: true if so.
 */
bool fanotify_so_is_evicted(const struct fanotify_so_member *member)
{
	return READ_ONCE(member->evicted);
}
EXPORT_SYMBOL_GPL(fanotify_so_is_evicted);

/**
 * fanotify_so_set_queue_bytes - a member asks for more, or less, of the queue
 * @group: the group
 * @member: the socket
 * @bytes: how much, as fanotify_so_clamp_queue_bytes() allows
 *
 * What is queued stays, even if it is more than that.
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_set_queue_bytes(struct fanotify_so_group *group,
				 struct fanotify_so_member *member, u32 bytes)
{
	spin_lock(&group->lock);
	member->queue_bytes = bytes;
	so_update_bound(group);
	spin_unlock(&group->lock);
}
EXPORT_SYMBOL_GPL(fanotify_so_set_queue_bytes);
