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
 * come finds the mark in place. The static key is part of A: where D's CPU
 * still runs the code without the branch, the interrupt that makes it run the
 * new code comes after C, and before B.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mutex.h>

#include "../../internal.h"
#include "so.h"

DEFINE_STATIC_KEY_FALSE(fanotify_so_global_key);

/* Protects so_global_groups. For its place in the lock order see so.h. */
static DEFINE_MUTEX(so_global_lock);
/* The groups that want a mark on every superblock [so_global_lock] */
static LIST_HEAD(so_global_groups);

/*
 * What the kernel mounts for itself (pipes, sockets, block devices) holds no
 * files to listen to, except for its tmpfs: memfds and deleted mappings live
 * there, and what a memfd holds can be run.
 */
static bool so_sb_has_files(const struct super_block *sb)
{
	return !(sb->s_flags & SB_KERNMOUNT) || sb->s_magic == TMPFS_MAGIC;
}

/**
 * __fanotify_so_sb_born - give a superblock the marks of the global listeners
 * @sb: the superblock
 *
 * See fanotify_so_sb_born(). A listener that cannot be attached gets an
 * overflow instead: from then on it does not hear everything, and knows.
 */
int __fanotify_so_sb_born(struct super_block *sb)
{
	struct fanotify_so_group *group;
	int err = 0;

	lockdep_assert_held_write(&sb->s_umount);

	if (!so_sb_has_files(sb))
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

	if (!walk->err && so_sb_has_files(sb))
		walk->err = fanotify_so_add_sb_mark(walk->group, sb);
}

/**
 * fanotify_so_global_add - let a group hear of every superblock
 * @group: a new group with the mask that its marks shall have
 *
 * Context: Process context, no lock of a file system held. Does not wait for
 * a superblock that is still being filled.
 * Return: 0 or -ENOMEM. In either case fanotify_so_global_remove() has to be
 * called, and the marks that were set go with the group.
 */
int fanotify_so_global_add(struct fanotify_so_group *group)
{
	struct so_walk walk = { .group = group };

	static_branch_inc(&fanotify_so_global_key);
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
	static_branch_dec(&fanotify_so_global_key);
}
