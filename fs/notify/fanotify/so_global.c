// SPDX-License-Identifier: GPL-2.0
/*
 * Global listeners: a mark on every superblock, present and future.
 *
 * A superblock gets its marks from one of two sides, and must not slip
 * through between them:
 *
 *	bind()				mount()
 *	A publish the group		C set SB_BORN
 *	  smp_mb()			  smp_mb() in super_wake()
 *	B walk the superblocks that	D walk the published groups
 *	  have SB_BORN
 *
 * If B does not see C, then D sees A. If both see the other, the second to
 * come finds the mark in place.
 */
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/magic.h>
#include <linux/mutex.h>

#include "../../internal.h"
#include "so.h"

/* Protects so_global_groups. For its place in the lock order see so.h. */
static DEFINE_MUTEX(so_global_lock);
/*
 * The groups that want a mark on every superblock [so_global_lock]. May be
 * tested for emptiness without it after the barrier above.
 */
static LIST_HEAD(so_global_groups);

/**
 * fanotify_so_sb_has_files - does a global listener hear of a superblock?
 * @sb: the superblock
 *
 * What no user can mount, because the kernel keeps it for itself (pipes,
 * sockets, block devices), holds no files to listen to, except for the tmpfs
 * of memfds: what a memfd holds can be run. nsfs counts among it, though it
 * lets its files be bind mounted.
 *
 * Return: true if so.
 */
bool fanotify_so_sb_has_files(const struct super_block *sb)
{
	if (sb->s_magic == NSFS_MAGIC)
		return false;
	return !(sb->s_flags & SB_NOUSER) || sb->s_magic == TMPFS_MAGIC;
}

/**
 * fanotify_so_sb_born - tell the global listeners of a mounted superblock
 * @sb: the superblock, which has SB_BORN set; it may have been mounted before
 *
 * A listener that cannot be attached gets an overflow instead: from then on it
 * does not hear everything, and knows.
 *
 * Context: Process context, s_umount held for writing. May sleep. Must come
 * after the barrier that follows the setting of SB_BORN.
 * Return: 0, or -ENOMEM if the mount has to fail because a listener that
 * guards files could not be attached.
 */
int fanotify_so_sb_born(struct super_block *sb)
{
	struct fanotify_so_group *group;
	int err = 0;

	lockdep_assert_held_write(&sb->s_umount);

	if (list_empty(&so_global_groups) || !fanotify_so_sb_has_files(sb))
		return 0;

	mutex_lock(&so_global_lock);
	list_for_each_entry(group, &so_global_groups, global) {
		if (!fanotify_so_add_sb_mark(group, sb))
			continue;
		if (group->mask & FANOTIFY_PERM_EVENTS) {
			err = -ENOMEM;
			break;
		}
		fanotify_so_queue_lost(group);
	}
	mutex_unlock(&so_global_lock);
	return err;
}

struct so_walk {
	struct fanotify_so_group *group;
	int err;
};

static void so_walk_sb(struct super_block *sb, void *arg)
{
	struct so_walk *walk = arg;

	if (!walk->err && fanotify_so_sb_has_files(sb))
		walk->err = fanotify_so_add_sb_mark(walk->group, sb);
}

/**
 * fanotify_so_global_add - let a group hear of every superblock
 * @group: a new group with the mask that its marks shall have
 *
 * Context: Process context, no lock of a file system held. Does not wait for
 * a superblock that is being filled, but for the s_umount of those in use.
 * Return: 0 or -ENOMEM. In either case fanotify_so_global_remove() has to be
 * called, and the marks that were set go with the group.
 */
int fanotify_so_global_add(struct fanotify_so_group *group)
{
	struct so_walk walk = { .group = group };

	mutex_lock(&so_global_lock);
	list_add_tail(&group->global, &so_global_groups);
	mutex_unlock(&so_global_lock);

	/* Between A and B, see the top of this file. */
	smp_mb();
	iterate_supers_born(so_walk_sb, &walk);
	return walk.err;
}

/**
 * fanotify_so_global_remove - let a group hear of no further superblock
 * @group: any group; one that is not global is left as it is
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_global_remove(struct fanotify_so_group *group)
{
	if (!group->mask)
		return;

	mutex_lock(&so_global_lock);
	list_del_init(&group->global);
	mutex_unlock(&so_global_lock);
}
