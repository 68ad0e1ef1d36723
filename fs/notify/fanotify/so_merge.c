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

/**
 * fanotify_so_merge_list - among which events is one that this can join?
 * @group: the group
 * @event: the event, or one that is like it
 *
 * Context: Any.
 * Return: a list of group->merge; NULL if it joins none, and none joins it.
 */
struct hlist_head *fanotify_so_merge_list(struct fanotify_so_group *group,
					  const struct fanotify_so_event *event)
{
	const struct dentry *dentry = event->path.dentry;
	unsigned long key;

	if (!so_can_merge(event))
		return NULL;
	if (!dentry && event->info)
		dentry = event->info->path.dentry;
	key = (unsigned long)dentry ^
	      hash_long((unsigned long)event->pid, BITS_PER_LONG);

	return &group->merge[hash_long(key, FANOTIFY_SO_MERGE_BITS)];
}

/**
 * fanotify_so_merge - join an event that is on the queue
 * @group: the group, with its lock held
 * @with: the event, which is to be queued
 * @list: the list for it
 *
 * Only the current thread adds an event that it could join: if there is none
 * now there will be none when it comes back with one of its own, but for one
 * that a reader puts back meanwhile, and then there are two.
 *
 * Return: true if there was one, which now has its mask as well.
 */
bool fanotify_so_merge(struct fanotify_so_group *group,
		       const struct fanotify_so_event *with,
		       struct hlist_head *list)
{
	struct fanotify_so_event *event;
	int looks = 0;

	lockdep_assert_held(&group->lock);
	hlist_for_each_entry(event, list, hash) {
		if (++looks > SO_MERGE_MAX_LOOKS)
			return false;
		if (event->pid == with->pid &&
		    event->f_flags == with->f_flags &&
		    event->report == with->report &&
		    path_equal(&event->path, &with->path) &&
		    fanotify_so_info_equal(event->info, with->info)) {
			event->mask |= with->mask;
			return true;
		}
	}
	return false;
}
