// SPDX-License-Identifier: GPL-2.0
/*
 * Finding a queued event that another one can join: on the same file by the
 * same path, from the same thread, which has the file open with the same flags.
 */
#include <linux/hash.h>
#include <linux/path.h>
#include <linux/pid.h>

#include "so.h"

/* As many events of one list are looked at, from the latest on. */
#define SO_MERGE_MAX_LOOKS	32

static struct hlist_head *so_merge_bucket(struct fanotify_so_group *group,
					  const struct path *path,
					  const struct pid *pid)
{
	unsigned long key = (unsigned long)path->dentry ^
			    hash_long((unsigned long)pid, BITS_PER_LONG);

	return &group->merge[hash_long(key, FANOTIFY_SO_MERGE_BITS)];
}

/**
 * fanotify_so_merge_add - let others join an event
 * @group: the group, with its lock held
 * @event: the event, which is on the queue
 */
void fanotify_so_merge_add(struct fanotify_so_group *group,
			   struct fanotify_so_event *event)
{
	lockdep_assert_held(&group->lock);
	hlist_add_head(&event->hash,
		       so_merge_bucket(group, &event->path, event->pid));
}

/**
 * fanotify_so_merge_remove - let nobody join an event any more
 * @group: the group, with its lock held
 * @event: the event, which goes from the queue
 */
void fanotify_so_merge_remove(struct fanotify_so_group *group,
			      struct fanotify_so_event *event)
{
	lockdep_assert_held(&group->lock);
	hlist_del(&event->hash);
}

/**
 * fanotify_so_merge - join an event that is on the queue
 * @group: the group, with its lock held
 * @path: the file that the current thread has done something to
 * @f_flags: how it has the file open
 * @mask: what it has done
 *
 * Only the current thread adds an event that it could join: if there is none
 * now there will be none when it comes back with one of its own, but for one
 * that a reader puts back meanwhile, and then there are two.
 *
 * Return: true if there was one, which now has @mask as well.
 */
bool fanotify_so_merge(struct fanotify_so_group *group,
		       const struct path *path, u32 f_flags, u32 mask)
{
	struct pid *pid = task_pid(current);
	struct fanotify_so_event *event;
	int looks = 0;

	lockdep_assert_held(&group->lock);
	hlist_for_each_entry(event, so_merge_bucket(group, path, pid), hash) {
		if (++looks > SO_MERGE_MAX_LOOKS)
			return false;
		if (event->pid == pid && event->f_flags == f_flags &&
		    path_equal(&event->path, path)) {
			event->mask |= mask;
			return true;
		}
	}
	return false;
}
