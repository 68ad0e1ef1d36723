// SPDX-License-Identifier: GPL-2.0
/*
 * The queue between those who cause events and those who read them.
 */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "so.h"

/* What open(2) acts on and fcntl(F_GETFL) never shows, and what is internal */
#define SO_HIDDEN_F_FLAGS	(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | \
				 __FMODE_EXEC | __FMODE_NONOTIFY)

static struct kmem_cache *so_event_cache __ro_after_init;

static void so_event_free(struct fanotify_so_event *event)
{
	fanotify_so_info_free(event->info);
	path_put(&event->path);
	put_pid(event->pid);
	put_pid(event->tgid);
	kmem_cache_free(so_event_cache, event);
}

/*
 * The listener pays. Its cgroup is not to run into the OOM killer for the sake
 * of an event, nor the current task to search it for memory again and again: an
 * overflow tells the listener as much.
 */
#define SO_EVENT_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

/* A copy of one on the stack, with references */
static struct fanotify_so_event *
so_event_alloc(struct fanotify_so_group *group,
	       const struct fanotify_so_event *like)
{
	struct fanotify_so_event *event;
	struct mem_cgroup *old_memcg;

	old_memcg = set_active_memcg(group->fsn->memcg);
	event = kmem_cache_alloc(so_event_cache, SO_EVENT_GFP);
	set_active_memcg(old_memcg);
	if (!event)
		return NULL;

	*event = *like;
	path_get(&event->path);
	get_pid(event->pid);
	get_pid(event->tgid);
	return event;
}

/* Returns -ENOMEM if it could not be told what is wanted. */
static int so_get_info(struct fanotify_so_group *group,
		       struct fanotify_so_event *event,
		       const struct fanotify_so_subject *sub,
		       __kernel_fsid_t fsid)
{
	u32 report = READ_ONCE(group->rules.report);
	struct mem_cgroup *old_memcg;

	if (!report)
		return 0;
	old_memcg = set_active_memcg(group->fsn->memcg);
	event->info = fanotify_so_info_alloc(report, sub, event->mask, fsid,
					     SO_EVENT_GFP);
	set_active_memcg(old_memcg);
	return event->info ? 0 : -ENOMEM;
}

void fanotify_so_queue_init(struct fanotify_so_group *group)
{
	spin_lock_init(&group->lock);
	INIT_LIST_HEAD(&group->returned);
	INIT_LIST_HEAD(&group->queue);
	INIT_LIST_HEAD(&group->overflow);
	INIT_LIST_HEAD(&group->members);
	init_waitqueue_head(&group->wait);
	fanotify_so_perm_init(group);
}

/**
 * fanotify_so_shown_flags - how fcntl(F_GETFL) would say a file is open
 * @file: the file, which may still be being opened
 *
 * Return: O_* flags.
 */
u32 fanotify_so_shown_flags(const struct file *file)
{
	/* Once: F_SETFL may come in between. */
	return READ_ONCE(file->f_flags) & ~SO_HIDDEN_F_FLAGS;
}

static void so_enqueue(struct fanotify_so_group *group,
		       struct fanotify_so_event *event, struct list_head *prev)
{
	lockdep_assert_held(&group->lock);
	list_add(&event->list, prev);
	fanotify_so_merge_add(group, event);
	group->queued++;
}

static void so_dequeue(struct fanotify_so_group *group,
		       struct fanotify_so_event *event)
{
	lockdep_assert_held(&group->lock);
	list_del_init(&event->list);
	fanotify_so_merge_remove(group, event);
	group->queued--;
}

/* Returns true if this is the first one lost, and somebody has to be told. */
static bool so_lose(struct fanotify_so_group *group)
{
	lockdep_assert_held(&group->lock);

	if (group->shutdown)
		return false;
	group->lost++;
	group->lost_ever++;
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
		fanotify_so_wake(group);
}

/**
 * fanotify_so_queue - queue an event
 * @group: the group to tell
 * @sub: what it is about
 * @mask: what happened: FAN_* bits
 * @fsid: the file system, for handles
 *
 * If there is no memory or no room for it, the event is counted as lost.
 *
 * Context: Process context, inside fsnotify_mark_srcu, which keeps the group.
 * May sleep. Takes group->lock.
 */
void fanotify_so_queue(struct fanotify_so_group *group,
		       const struct fanotify_so_subject *sub, u32 mask,
		       __kernel_fsid_t fsid)
{
	struct fanotify_so_event *event = NULL, like = {
		.pid = task_pid(current),
		.tgid = task_tgid(current),
		.mask = mask,
	};
	bool merged, full, wake = true;

	if (sub->file) {
		like.path = sub->file->f_path;
		like.f_flags = fanotify_so_shown_flags(sub->file);
	}
	if (so_get_info(group, &like, sub, fsid)) {
		fanotify_so_queue_lost(group);
		return;
	}

	spin_lock(&group->lock);
	merged = fanotify_so_merge(group, &like);
	full = group->queued >= group->max_queued;
	spin_unlock(&group->lock);

	/* Racy, and made good below: spares the work when it is in vain. */
	if (!merged && !full)
		event = so_event_alloc(group, &like);
	if (!event) {
		fanotify_so_info_free(like.info);
		if (!merged)
			fanotify_so_queue_lost(group);
		return;
	}

	spin_lock(&group->lock);
	if (!group->shutdown && group->queued < group->max_queued) {
		so_enqueue(group, event, group->queue.prev);
		event = NULL;
	} else {
		wake = so_lose(group);
	}
	spin_unlock(&group->lock);

	if (event)
		so_event_free(event);
	if (wake)
		fanotify_so_wake(group);
}

/*
 * From here on it is the kernel that keeps the reader from answering. A signal
 * may have it begin again, but the time that it has been held up goes on.
 */
static void so_begin_opening(struct fanotify_so_group *group,
			     struct fanotify_so_member *member,
			     struct fanotify_so_taken *taken,
			     struct fanotify_so_event *event)
{
	struct fanotify_so_taken *before;

	lockdep_assert_held(&group->lock);
	taken->member = member;
	taken->since = fanotify_so_now() - (event ? event->held : 0);
	list_for_each_entry_reverse(before, &member->opening, opening)
		if (before->since <= taken->since)
			break;
	list_add(&taken->opening, &before->opening);
}

static void so_take_overflow(struct fanotify_so_group *group,
			     struct fanotify_so_taken *taken)
{
	taken->mask = FAN_Q_OVERFLOW;
	taken->cookie = group->lost;
	group->lost = 0;
	list_del_init(&group->overflow);
}

static void so_take_event(struct fanotify_so_group *group,
			  struct fanotify_so_event *event,
			  struct fanotify_so_taken *taken)
{
	so_dequeue(group, event);
	taken->event = event;
	taken->path = event->path;
	taken->pid = event->pid;
	taken->tgid = event->tgid;
	taken->mask = event->mask;
	taken->f_flags = event->f_flags;
	taken->info = event->info;
	taken->report = event->info ? event->info->report : 0;
}

/* The event or, of a permission event, what the reader got a hold of */
static void so_let_go(struct fanotify_so_taken *taken)
{
	if (taken->event) {
		so_event_free(taken->event);
		return;
	}
	path_put(&taken->path);
	put_pid(taken->pid);
	put_pid(taken->tgid);
}

/**
 * fanotify_so_take - take the first event off the queue
 * @group: the group
 * @member: the socket that is read from
 * @taken: is filled with the event
 *
 * Context: Process context. Takes group->lock.
 * Return: true if there was one. It is then the caller's, who must end with
 * fanotify_so_put_back() or fanotify_so_finish().
 */
bool fanotify_so_take(struct fanotify_so_group *group,
		      struct fanotify_so_member *member,
		      struct fanotify_so_taken *taken)
{
	struct fanotify_so_event *event;
	struct list_head *queue, *first;
	bool found;

	*taken = (struct fanotify_so_taken){};

	spin_lock(&group->lock);
	queue = list_empty(&group->returned) ? &group->queue : &group->returned;
	first = queue->next;
	found = first != queue && !member->gone;
	if (!found)
		goto out_unlock;
	event = first == &group->overflow ? NULL :
		list_entry(first, struct fanotify_so_event, list);
	so_begin_opening(group, member, taken, event);
	if (!event)
		so_take_overflow(group, taken);
	else if (event->mask & FANOTIFY_PERM_EVENTS)
		fanotify_so_perm_take(group, event, taken);
	else
		so_take_event(group, event, taken);
out_unlock:
	spin_unlock(&group->lock);
	return found;
}
EXPORT_SYMBOL_GPL(fanotify_so_take);

/**
 * fanotify_so_put_back - make an event that was taken the first again
 * @group: the group it was taken from
 * @taken: the event, which is no longer the caller's
 *
 * The queue may be over its bound by one event for each reader after that. If
 * several readers put events back at the same time, these may change places,
 * and permission events that came back come before all others.
 * If the group was shut down meanwhile, the event goes the way of the others.
 *
 * Context: Process context. May sleep. Takes group->lock.
 */
void fanotify_so_put_back(struct fanotify_so_group *group,
			  struct fanotify_so_taken *taken)
{
	bool kept = false;

	spin_lock(&group->lock);
	list_del(&taken->opening);
	if (group->shutdown) {
		;
	} else if (taken->mask & FAN_Q_OVERFLOW) {
		group->lost += taken->cookie;
		list_move(&group->overflow, &group->queue);
	} else if (taken->event) {
		taken->event->held = fanotify_so_now() - taken->since;
		so_enqueue(group, taken->event, &group->queue);
		kept = true;
	} else {
		fanotify_so_perm_put_back(group, taken);
	}
	spin_unlock(&group->lock);

	if (!kept)
		so_let_go(taken);
}
EXPORT_SYMBOL_GPL(fanotify_so_put_back);

/**
 * fanotify_so_finish - let go of an event that was delivered
 * @group: the group it was taken from
 * @taken: the event, which is no longer the caller's
 *
 * Context: Process context. May sleep. Takes group->lock.
 */
void fanotify_so_finish(struct fanotify_so_group *group,
			struct fanotify_so_taken *taken)
{
	bool returned = false;

	spin_lock(&group->lock);
	list_del(&taken->opening);
	if (taken->mask & FANOTIFY_PERM_EVENTS)
		returned = fanotify_so_perm_delivered(group, taken->cookie);
	spin_unlock(&group->lock);

	if (returned)
		fanotify_so_wake_everyone(group);
	so_let_go(taken);
}
EXPORT_SYMBOL_GPL(fanotify_so_finish);

/**
 * fanotify_so_get_stats - how is the queue doing?
 * @group: the group
 * @member: a socket; if it is gone, nothing is queued for it
 * @stats: is filled in
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_get_stats(struct fanotify_so_group *group,
			   const struct fanotify_so_member *member,
			   struct fanotify_so_stats *stats)
{
	bool gone;

	spin_lock(&group->lock);
	gone = member->gone;
	stats->queued = gone ? 0 : group->queued + group->asking +
				   !list_empty(&group->overflow);
	stats->bytes = gone ? 0 : group->queued * FAN_SO_EVENT_COST;
	stats->waiting = group->nr_waiting;
	stats->lost = group->lost_ever;
	stats->timeouts = group->timeouts;
	stats->unasked = group->unasked;
	spin_unlock(&group->lock);
}
EXPORT_SYMBOL_GPL(fanotify_so_get_stats);

/**
 * fanotify_so_queue_shutdown - let no event in any more, drop what is there,
 * and let the waiters go
 * @group: the group
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_queue_shutdown(struct fanotify_so_group *group)
{
	struct fanotify_so_event *event, *next;
	LIST_HEAD(dropped);

	spin_lock(&group->lock);
	WRITE_ONCE(group->shutdown, true);
	spin_unlock(&group->lock);
	fanotify_so_perm_release_all(group);

	spin_lock(&group->lock);
	list_del_init(&group->overflow);
	list_splice_init(&group->queue, &dropped);
	memset(group->merge, 0, sizeof(group->merge));
	group->queued = 0;
	spin_unlock(&group->lock);

	fanotify_so_wake_all(group);
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
