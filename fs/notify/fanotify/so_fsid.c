// SPDX-License-Identifier: GPL-2.0
/*
 * What file system a file is on, for who gets handles. statfs(2) tells, which
 * may ask a server; so it is asked once, when a mark is made, and not where
 * that would be the mount of a file system that has no server yet.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/statfs.h>

#include "so.h"

static bool so_statfs_is_local(const struct super_block *sb)
{
	int flags = sb->s_type->fs_flags;

	/* FUSE has subtypes, on block devices too. */
	if (flags & FS_REQUIRES_DEV && !(flags & FS_HAS_SUBTYPE))
		return true;
	/* Not overlayfs, which asks what it lies on. */
	return sb->s_op->statfs == simple_statfs ||
	       sb->s_magic == TMPFS_MAGIC;
}

static __kernel_fsid_t so_get_fsid(struct dentry *dentry)
{
	__kernel_fsid_t fsid;

	if (vfs_get_fsid(dentry, &fsid))
		return (__kernel_fsid_t){};
	return fsid;
}

/**
 * fanotify_so_file_fsid - on what file system is a file?
 * @file: the file
 *
 * Context: Process context, no lock held. Sleeps as long as the file system
 * takes.
 * Return: its number; 0 if it has none.
 */
__kernel_fsid_t fanotify_so_file_fsid(const struct file *file)
{
	return so_get_fsid(file->f_path.dentry);
}

/**
 * fanotify_so_sb_fsid - what is the number of a file system?
 * @group: who wants to know
 * @sb: its superblock
 *
 * Context: Process context, sb->s_umount held. May sleep.
 * Return: the number; 0 if somebody else would have to be asked, or if the
 * group does not get handles.
 */
__kernel_fsid_t fanotify_so_sb_fsid(const struct fanotify_so_group *group,
				    struct super_block *sb)
{
	if (!(READ_ONCE(group->rules.report) & FANOTIFY_FID_BITS) ||
	    !sb->s_root || !so_statfs_is_local(sb))
		return (__kernel_fsid_t){};
	return so_get_fsid(sb->s_root);
}

/**
 * fanotify_so_event_fsid - on what file system did it happen?
 * @iter_info: the marks of a group that the event has met
 *
 * Context: Process context, inside fsnotify_mark_srcu.
 * Return: the number; 0 if none of them knows it.
 */
__kernel_fsid_t fanotify_so_event_fsid(struct fsnotify_iter_info *iter_info)
{
	struct fsnotify_mark *mark;
	__kernel_fsid_t fsid;
	int type;

	fsnotify_foreach_iter_mark_type(iter_info, mark, type) {
		fsid = fanotify_so_mark(mark)->fsid;
		if (fsid.val[0] || fsid.val[1])
			return fsid;
	}
	return (__kernel_fsid_t){};
}
