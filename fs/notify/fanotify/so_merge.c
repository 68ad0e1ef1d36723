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

/* The order of what happens to the entries of a directory is not to be lost. */
static bool so_can_merge(const struct fanotify_so_event *event)
{
	return !(event->mask & (FANOTIFY_DIRENT_EVENTS | FAN_DELETE_SELF |
				FAN_MOVE_SELF));
}

static struct hlist_head *so_merge_bucket(struct fanotify_so_group *group,
					  const struct fanotify_so_event *event)
{
	const struct dentry *dentry = event->path.dentry;
	unsigned long key;

	if (!dentry && event->info)
		dentry = event->info->path.dentry;
	key = (unsigned long)dentry ^
	      hash_long((unsigned long)event->pid, BITS_PER_LONG);

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
	INIT_HLIST_NODE(&event->hash);
	if (so_can_merge(event))
		hlist_add_head(&event->hash, so_merge_bucket(group, event));
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
	hlist_del_init(&event->hash);
}

/**
 * fanotify_so_merge - join an event that is on the queue
 * @group: the group, with its lock held
 * @with: the event, which is to be queued
 *
 * Only the current thread adds an event that it could join: if there is none
 * now there will be none when it comes back with one of its own, but for one
 * that a reader puts back meanwhile, and then there are two.
 *
 * Return: true if there was one, which now has its mask as well.
 */
bool fanotify_so_merge(struct fanotify_so_group *group,
		       const struct fanotify_so_event *with)
{
	struct fanotify_so_event *event;
	int looks = 0;

	lockdep_assert_held(&group->lock);
	if (!so_can_merge(with))
		return false;

	hlist_for_each_entry(event, so_merge_bucket(group, with), hash) {
		if (++looks > SO_MERGE_MAX_LOOKS)
			return false;
		if (event->pid == with->pid &&
		    event->f_flags == with->f_flags &&
		    path_equal(&event->path, &with->path) &&
		    fanotify_so_info_equal(event->info, with->info)) {
			event->mask |= with->mask;
			return true;
		}
	}
	return false;
}
