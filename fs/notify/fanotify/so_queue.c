// SPDX-License-Identifier: GPL-2.0
/*
 * The queue between those who cause events and those who read them.
 *
 * WAKE-UPS: each queued event wakes one of those who wait exclusively (blocked
 * readers, EPOLLEXCLUSIVE) and all others. A waiter that was woken may go away
 * without taking the event, because of a signal, its timeout, a bad buffer;
 * therefore every reader calls fanotify_so_pass_on() on its way out, which
 * wakes the next if the queue is not empty. The event is put on the queue
 * before its wake-up, so whoever ate the wake-up sees it there.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "so.h"

/* What open(2) acts on and fcntl(F_GETFL) never shows, and what is internal */
#define SO_HIDDEN_F_FLAGS	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | \
				 __FMODE_EXEC | __FMODE_NONOTIFY)

static struct kmem_cache *so_event_cache __ro_after_init;

static void so_event_free(struct fanotify_so_event *event)
{
	path_put(&event->path);
	put_pid(event->pid);
	put_pid(event->tgid);
	kmem_cache_free(so_event_cache, event);
}

/*
 * The listener pays. Its cgroup is not to run into the OOM killer for the sake
 * of an event: an overflow tells the listener as much.
 */
static struct fanotify_so_event *so_event_alloc(struct fanotify_so_group *group)
{
	struct fanotify_so_event *event;
	struct mem_cgroup *old_memcg;

	old_memcg = set_active_memcg(group->fsn->memcg);
	event = kmem_cache_alloc(so_event_cache,
				 GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL);
	set_active_memcg(old_memcg);
	return event;
}

void fanotify_so_queue_init(struct fanotify_so_group *group)
{
	spin_lock_init(&group->lock);
	INIT_LIST_HEAD(&group->queue);
	INIT_LIST_HEAD(&group->overflow);
	init_waitqueue_head(&group->wait);
}

static void so_wake(struct fanotify_so_group *group)
{
	wake_up_poll(&group->wait, EPOLLIN | EPOLLRDNORM);
}

/* Returns true if this is the first one lost, and somebody has to be told. */
static bool so_lose(struct fanotify_so_group *group)
{
	lockdep_assert_held(&group->lock);

	if (group->shutdown)
		return false;
	group->lost++;
	if (!list_empty(&group->overflow))
		return false;
	list_add_tail(&group->overflow, &group->queue);
	return true;
}

/**
 * fanotify_so_queue_lost - tell a group that an event did not reach it
 * @group: the group
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_queue_lost(struct fanotify_so_group *group)
{
	bool wake;

	spin_lock(&group->lock);
	wake = so_lose(group);
	spin_unlock(&group->lock);

	if (wake)
		so_wake(group);
}

/**
 * fanotify_so_queue - queue an event
 * @group: the group to tell
 * @file: the file it happened to, as the current task has it open
 * @mask: what happened: FAN_* bits
 *
 * If there is no memory or no room for it, the event is counted as lost.
 *
 * Context: Process context, inside fsnotify_mark_srcu, which keeps the group.
 * May sleep. Takes group->lock.
 */
void fanotify_so_queue(struct fanotify_so_group *group,
		       const struct file *file, u32 mask)
{
	struct fanotify_so_event *event = NULL;
	bool wake = true;

	/* Racy, and made good below: spares the work when it is in vain. */
	if (READ_ONCE(group->queued) < FANOTIFY_SO_MAX_QUEUED)
		event = so_event_alloc(group);
	if (!event) {
		fanotify_so_queue_lost(group);
		return;
	}

	event->path = file->f_path;
	path_get(&event->path);
	event->pid = get_pid(task_pid(current));
	event->tgid = get_pid(task_tgid(current));
	event->mask = mask;
	event->f_flags = file->f_flags & ~SO_HIDDEN_F_FLAGS;

	spin_lock(&group->lock);
	if (!group->shutdown && group->queued < FANOTIFY_SO_MAX_QUEUED) {
		list_add_tail(&event->list, &group->queue);
		WRITE_ONCE(group->queued, group->queued + 1);
		event = NULL;
	} else {
		wake = so_lose(group);
	}
	spin_unlock(&group->lock);

	if (event)
		so_event_free(event);
	if (wake)
		so_wake(group);
}

/**
 * fanotify_so_take - take the first event off the queue
 * @group: the group
 * @taken: is filled with the event
 *
 * Context: Process context. Takes group->lock.
 * Return: true if there was one. It is then the caller's, who must end with
 * fanotify_so_put_back() or fanotify_so_finish().
 */
bool fanotify_so_take(struct fanotify_so_group *group,
		      struct fanotify_so_taken *taken)
{
	struct fanotify_so_event *event = NULL;
	struct list_head *first;
	bool found;

	*taken = (struct fanotify_so_taken){};

	spin_lock(&group->lock);
	first = group->queue.next;
	found = first != &group->queue;
	if (first == &group->overflow) {
		taken->mask = FAN_Q_OVERFLOW;
		taken->cookie = group->lost;
		group->lost = 0;
		list_del_init(first);
	} else if (found) {
		event = list_entry(first, struct fanotify_so_event, list);
		list_del_init(first);
		WRITE_ONCE(group->queued, group->queued - 1);
	}
	spin_unlock(&group->lock);

	if (event) {
		taken->event = event;
		taken->path = event->path;
		taken->pid = event->pid;
		taken->tgid = event->tgid;
		taken->mask = event->mask;
		taken->f_flags = event->f_flags;
	}
	return found;
}
EXPORT_SYMBOL_GPL(fanotify_so_take);

/**
 * fanotify_so_put_back - make an event that was taken the first again
 * @group: the group it was taken from
 * @taken: the event, which is no longer the caller's
 *
 * The queue may be over its bound by one event for each reader after that. If
 * several readers put events back at the same time, these may change places.
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_put_back(struct fanotify_so_group *group,
			  struct fanotify_so_taken *taken)
{
	spin_lock(&group->lock);
	if (taken->event) {
		list_add(&taken->event->list, &group->queue);
		WRITE_ONCE(group->queued, group->queued + 1);
	} else {
		group->lost += taken->cookie;
		list_move(&group->overflow, &group->queue);
	}
	spin_unlock(&group->lock);
}
EXPORT_SYMBOL_GPL(fanotify_so_put_back);

/**
 * fanotify_so_finish - let go of an event that was delivered
 * @taken: the event, which is no longer the caller's
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_finish(struct fanotify_so_taken *taken)
{
	if (taken->event)
		so_event_free(taken->event);
}
EXPORT_SYMBOL_GPL(fanotify_so_finish);

static bool so_pending(const struct fanotify_so_group *group)
{
	return !list_empty(&group->queue);
}

/**
 * fanotify_so_wait - wait until there is an event to take
 * @group: the group
 * @timeo: jiffies to wait at most; is set to what is left of them
 *
 * Another reader may be faster, so the caller has to try again. However this
 * ends, the caller must call fanotify_so_pass_on() before it goes.
 *
 * Context: Process context. Sleeps.
 * Return: 0, -EAGAIN if the time is up, or what sock_intr_errno() has for a
 * signal.
 */
int fanotify_so_wait(struct fanotify_so_group *group, long *timeo)
{
	DEFINE_WAIT(wait);
	int err = 0;

	for (;;) {
		prepare_to_wait_exclusive(&group->wait, &wait,
					  TASK_INTERRUPTIBLE);
		if (so_pending(group))
			break;
		err = -EAGAIN;
		if (!*timeo)
			break;
		err = *timeo == MAX_SCHEDULE_TIMEOUT ? -ERESTARTSYS : -EINTR;
		if (signal_pending(current))
			break;
		err = 0;
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
		so_wake(group);
}
EXPORT_SYMBOL_GPL(fanotify_so_pass_on);

/**
 * fanotify_so_poll - is there an event to take?
 * @group: the group
 * @file: the socket's file
 * @wait: where poll() wants to be told of a change
 *
 * Context: Process context.
 * Return: true if there is one.
 */
bool fanotify_so_poll(struct fanotify_so_group *group, struct file *file,
		      struct poll_table_struct *wait)
{
	poll_wait(file, &group->wait, wait);
	return so_pending(group);
}
EXPORT_SYMBOL_GPL(fanotify_so_poll);

/**
 * fanotify_so_queue_shutdown - let no event in any more, and drop what is there
 * @group: the group, which has no reader
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_queue_shutdown(struct fanotify_so_group *group)
{
	struct fanotify_so_event *event, *next;
	LIST_HEAD(dropped);

	spin_lock(&group->lock);
	group->shutdown = true;
	list_del_init(&group->overflow);
	list_splice_init(&group->queue, &dropped);
	WRITE_ONCE(group->queued, 0);
	spin_unlock(&group->lock);

	list_for_each_entry_safe(event, next, &dropped, list) {
		so_event_free(event);
		cond_resched();
	}
}

static int __init fanotify_so_queue_setup(void)
{
	so_event_cache = kmem_cache_create("fanotify_so_event",
					   sizeof(struct fanotify_so_event), 0,
					   SLAB_ACCOUNT | SLAB_PANIC, NULL);
	return 0;
}
fs_initcall(fanotify_so_queue_setup);
