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

/* As many events are kept, when they have been read, for those to come. */
#define SO_MAX_SPARE		256

static void so_event_free(struct fanotify_so_event *event)
{
	fanotify_so_info_free(event->info);
	path_put(&event->path);
	fanotify_so_put_pids(event->pid, event->tgid);
	kmem_cache_free(so_event_cache, event);
}

/* A copy of one on the stack, with references */
static inline void so_event_init(struct fanotify_so_event *event,
				 const struct fanotify_so_event *like)
{
	event->path = like->path;
	event->pid = like->pid;
	event->tgid = like->tgid;
	event->mask = like->mask;
	event->f_flags = like->f_flags;
	event->report = like->report;
	event->info = like->info;
	event->held = 0;
	path_get(&event->path);
	fanotify_so_get_pids(event->pid, event->tgid);
}

/*
 * The listener pays. Its cgroup is not to run into the OOM killer for the sake
 * of an event, nor the current task to search it for memory again and again: an
 * overflow tells the listener as much.
 */
#define SO_EVENT_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN)

static struct fanotify_so_event *
so_event_alloc(struct fanotify_so_group *group,
	       const struct fanotify_so_event *like)
{
	struct fanotify_so_event *event;
	struct mem_cgroup *old_memcg;

	old_memcg = set_active_memcg(group->fsn->memcg);
	event = kmem_cache_alloc(so_event_cache, SO_EVENT_GFP);
	set_active_memcg(old_memcg);
	if (event)
		so_event_init(event, like);
	return event;
}

/* Memory for an event, without references, which the listener has paid for */
static struct fanotify_so_event *so_get_spare(struct fanotify_so_group *group)
{
	struct fanotify_so_event *event;

	lockdep_assert_held(&group->lock);
	if (!group->nr_spare)
		return NULL;
	event = hlist_entry(group->spare.first, struct fanotify_so_event, hash);
	hlist_del(&event->hash);
	group->nr_spare--;
	return event;
}

/* Returns false if there are enough, or none is needed any more. */
static bool so_put_spare(struct fanotify_so_group *group,
			 struct fanotify_so_event *event)
{
	lockdep_assert_held(&group->lock);
	if (group->nr_spare == SO_MAX_SPARE || group->shutdown)
		return false;
	hlist_add_head(&event->hash, &group->spare);
	group->nr_spare++;
	return true;
}

/* Returns -ENOMEM if it could not be told what is wanted. */
static int so_get_info(struct fanotify_so_group *group,
		       struct fanotify_so_event *event,
		       const struct fanotify_so_subject *sub, u32 report,
		       __kernel_fsid_t fsid)
{
	struct mem_cgroup *old_memcg;

	/* The path of an open file is made when the event is read. */
	if (sub->file && !(report & FANOTIFY_FID_BITS))
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
		       struct fanotify_so_event *event, struct list_head *prev,
		       struct hlist_head *merge_list)
{
	lockdep_assert_held(&group->lock);
	list_add(&event->list, prev);
	INIT_HLIST_NODE(&event->hash);
	if (merge_list)
		hlist_add_head(&event->hash, merge_list);
	group->queued++;
}

static void so_dequeue(struct fanotify_so_group *group,
		       struct fanotify_so_event *event)
{
	lockdep_assert_held(&group->lock);
	list_del_init(&event->list);
	hlist_del_init(&event->hash);
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

/* What became of an event for which no memory was allocated */
enum so_outcome {
	SO_MERGED,	/* another one has its mask */
	SO_QUEUED,	/* it took the memory of one that has been read */
	SO_REFUSED,	/* there is no room, or the group is shut down */
	SO_NO_MEMORY,	/* it needs some */
};

static enum so_outcome so_queue_cheaply(struct fanotify_so_group *group,
					const struct fanotify_so_event *like,
					struct hlist_head *merge_list)
{
	enum so_outcome outcome = SO_NO_MEMORY;
	struct fanotify_so_event *event;

	spin_lock(&group->lock);
	if (merge_list && fanotify_so_merge(group, like, merge_list)) {
		outcome = SO_MERGED;
	} else if (group->queued >= group->max_queued || group->shutdown) {
		outcome = SO_REFUSED;
	} else {
		event = so_get_spare(group);
		if (event) {
			so_event_init(event, like);
			so_enqueue(group, event, group->queue.prev, merge_list);
			outcome = SO_QUEUED;
		}
	}
	spin_unlock(&group->lock);
	return outcome;
}

/* Returns true if somebody has to be told, be it of a loss. */
static bool so_queue_new(struct fanotify_so_group *group,
			 const struct fanotify_so_event *like,
			 struct hlist_head *merge_list)
{
	struct fanotify_so_event *event = so_event_alloc(group, like);
	bool wake = true;

	if (!event)
		fanotify_so_info_free(like->info);
	spin_lock(&group->lock);
	if (event && !group->shutdown && group->queued < group->max_queued) {
		so_enqueue(group, event, group->queue.prev, merge_list);
		event = NULL;
	} else {
		wake = so_lose(group);
	}
	spin_unlock(&group->lock);

	if (event)
		so_event_free(event);
	return wake;
}

/**
 * fanotify_so_queue - queue an event
 * @group: the group to tell
 * @sub: what it is about
 * @mask: what happened: FAN_* bits
 * @report: what is to be told besides: FAN_REPORT_* bits
 * @fsid: the file system, for handles
 *
 * If there is no memory or no room for it, the event is counted as lost.
 *
 * Context: Process context, inside fsnotify_mark_srcu, which keeps the group.
 * May sleep. Takes group->lock.
 */
void fanotify_so_queue(struct fanotify_so_group *group,
		       const struct fanotify_so_subject *sub, u32 mask,
		       u32 report, __kernel_fsid_t fsid)
{
	struct hlist_head *merge_list;
	struct fanotify_so_event like;
	bool wake = true;

	like.path = (struct path){};
	like.f_flags = 0;
	if (sub->file) {
		like.path = sub->file->f_path;
		like.f_flags = fanotify_so_shown_flags(sub->file);
	}
	like.pid = task_pid(current);
	like.tgid = task_tgid(current);
	like.mask = mask;
	like.report = report;
	like.info = NULL;
	if (report && so_get_info(group, &like, sub, report, fsid)) {
		fanotify_so_queue_lost(group);
		return;
	}

	merge_list = fanotify_so_merge_list(group, &like);
	switch (so_queue_cheaply(group, &like, merge_list)) {
	case SO_QUEUED:
		break;
	case SO_NO_MEMORY:
		wake = so_queue_new(group, &like, merge_list);
		break;
	case SO_REFUSED:
		fanotify_so_queue_lost(group);
		fallthrough;
	case SO_MERGED:
		fanotify_so_info_free(like.info);
		wake = false;
		break;
	}
	if (wake)
		fanotify_so_wake(group);
}

/*
 * From here on it is the kernel that keeps the reader from answering. A signal
 * may have it begin again, but the time that it has been held up goes on.
 */
static void so_begin_opening(struct fanotify_so_member *member, u64 since,
			     struct fanotify_so_taken *taken)
{
	struct fanotify_so_taken *before;

	taken->member = member;
	taken->since = since;
	list_for_each_entry_reverse(before, &member->opening, opening)
		if (before->since <= since)
			break;
	list_add(&taken->opening, &before->opening);
}

/* How long the event has been in readers' hands in vain, as far as it matters */
static u64 so_held(const struct fanotify_so_group *group,
		   const struct fanotify_so_taken *taken)
{
	u64 since = taken->since ?: group->asks_since;

	return since ? fanotify_so_now() - since : 0;
}

static void so_take_overflow(struct fanotify_so_group *group,
			     struct fanotify_so_taken *taken)
{
	*taken = (struct fanotify_so_taken){
		.mask = FAN_Q_OVERFLOW,
		.cookie = group->lost,
	};
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
	taken->cookie = 0;
	taken->report = event->report;
	taken->info = event->info;
	taken->fsid = (__kernel_fsid_t){};
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
	struct fanotify_so_event *event = NULL;
	struct list_head *queue, *first;
	u64 now = 0, held = 0;
	bool found;

	spin_lock(&group->lock);
	queue = list_empty(&group->returned) ? &group->queue : &group->returned;
	first = queue->next;
	found = first != queue && !member->gone;
	if (!found)
		goto out_unlock;
	/* Who asks nobody holds up nobody. */
	if (group->asks_since)
		now = fanotify_so_now();
	if (first != &group->overflow) {
		event = list_entry(first, struct fanotify_so_event, list);
		held = event->held;
	}
	if (!event)
		so_take_overflow(group, taken);
	else if (event->mask & FANOTIFY_PERM_EVENTS)
		fanotify_so_perm_take(group, event, member, now, taken);
	else
		so_take_event(group, event, taken);
	so_begin_opening(member, now ? now - held : 0, taken);
out_unlock:
	spin_unlock(&group->lock);
	if (found && fanotify_so_opens(taken))
		taken->heard = fanotify_so_order_heard(group,
						       taken->path.dentry->d_sb);
	return found;
}
EXPORT_SYMBOL_GPL(fanotify_so_take);

/* What the event refers to; its memory may be somebody else's by now. */
static void so_let_go(struct fanotify_so_taken *taken)
{
	fanotify_so_info_free(taken->info);
	path_put(&taken->path);
	fanotify_so_put_pids(taken->pid, taken->tgid);
}

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
		taken->event->held = so_held(group, taken);
		so_enqueue(group, taken->event, &group->queue,
			   fanotify_so_merge_list(group, taken->event));
		kept = true;
	} else {
		fanotify_so_perm_put_back(group, taken);
	}
	spin_unlock(&group->lock);

	if (kept)
		return;
	so_let_go(taken);
	if (taken->event)
		kmem_cache_free(so_event_cache, taken->event);
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
	bool returned = false, kept = true;

	spin_lock(&group->lock);
	list_del(&taken->opening);
	if (taken->event)
		kept = so_put_spare(group, taken->event);
	else if (taken->mask & FANOTIFY_PERM_EVENTS)
		returned = fanotify_so_perm_delivered(group, taken->cookie);
	spin_unlock(&group->lock);

	if (returned)
		fanotify_so_wake_everyone(group);
	so_let_go(taken);
	if (!kept)
		kmem_cache_free(so_event_cache, taken->event);
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
	struct hlist_head spare;
	struct hlist_node *tmp;
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
	hlist_move_list(&group->spare, &spare);
	group->nr_spare = 0;
	spin_unlock(&group->lock);

	fanotify_so_wake_all(group);
	list_for_each_entry_safe(event, next, &dropped, list) {
		so_event_free(event);
		cond_resched();
	}
	hlist_for_each_entry_safe(event, tmp, &spare, hash)
		kmem_cache_free(so_event_cache, event);
}

static int __init fanotify_so_queue_setup(void)
{
	so_event_cache = kmem_cache_create("fanotify_so_event",
					   sizeof(struct fanotify_so_event), 0,
					   SLAB_ACCOUNT | SLAB_PANIC, NULL);
	return 0;
}
fs_initcall(fanotify_so_queue_setup);
