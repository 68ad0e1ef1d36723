// SPDX-License-Identifier: GPL-2.0
/*
 * What a global listener ignores by the kind of file system: the ignore masks
 * of its marks on superblocks. Present ones are found among the marks of the
 * group, future ones ask when their mark is set, both under mark_mutex.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "../fsnotify.h"
#include "so.h"

/**
 * fanotify_so_ignored_mask - what to ignore of a superblock
 * @group: a group with mark_mutex held
 * @sb: the superblock
 *
 * Return: the ignored mask that its mark shall have, 0 if it is not ignored.
 */
u32 fanotify_so_ignored_mask(const struct fanotify_so_group *group,
			     const struct super_block *sb)
{
	const struct fanotify_so_ignored *slot = group->ignored;

	lockdep_assert_held(&group->fsn->mark_mutex);

	for (; slot < group->ignored + FANOTIFY_SO_MAX_IGNORED; slot++) {
		if (slot->mask && slot->magic == sb->s_magic)
			return slot->mask | FAN_SURVIVE_MODIFY;
	}
	return 0;
}

/* The slot of this magic number, else a free one, else NULL. */
static struct fanotify_so_ignored *so_find_slot(struct fanotify_so_group *group,
						u64 magic)
{
	struct fanotify_so_ignored *slot = group->ignored, *unused = NULL;

	for (; slot < group->ignored + FANOTIFY_SO_MAX_IGNORED; slot++) {
		if (!slot->mask)
			unused = slot;
		else if (slot->magic == magic)
			return slot;
	}
	return unused;
}

static void so_ignore_in_marks(struct fanotify_so_group *group, u64 magic)
{
	struct fsnotify_mark *mark;
	struct super_block *sb;

	list_for_each_entry(mark, &group->fsn->marks_list, g_list) {
		cond_resched();
		/* On the list and under the mutex: attached to its object. */
		if (mark->connector->type != FSNOTIFY_OBJ_TYPE_SB)
			continue;
		sb = fsnotify_connector_sb(mark->connector);
		if (sb->s_magic != magic)
			continue;
		fanotify_so_mark_set(mark, fanotify_so_mark(mark)->asked,
				     fanotify_so_ignored_mask(group, sb));
		fanotify_so_mark_update(mark);
	}
}

/**
 * fanotify_so_ignore_sb - ignore events of one kind of file system
 * @group: the group
 * @magic: the magic number of their superblocks
 * @mask: the events to ignore; 0 to ignore none any more
 *
 * Context: Process context, no lock held. Takes the mark mutex.
 * Return: 0; -EINVAL for a group that is not global; -ENOENT if there was
 * nothing ignored that @mask 0 could end; -ENOSPC for one magic number too
 * many; -ESHUTDOWN.
 */
int fanotify_so_ignore_sb(struct fanotify_so_group *group, u64 magic, u32 mask)
{
	struct fanotify_so_ignored *slot;
	int err = 0;

	if (!group->mask)
		return -EINVAL;

	fsnotify_group_lock(group->fsn);
	slot = so_find_slot(group, magic);
	if (group->closed)
		err = -ESHUTDOWN;
	else if (!mask && (!slot || !slot->mask))
		err = -ENOENT;
	else if (!slot)
		err = -ENOSPC;
	if (!err) {
		slot->magic = magic;
		slot->mask = mask;
		so_ignore_in_marks(group, magic);
	}
	fsnotify_group_unlock(group->fsn);
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_ignore_sb);
