// SPDX-License-Identifier: GPL-2.0
/*
 * What fsnotify calls when something happens to a file.
 */
#include <linux/dcache.h>
#include <linux/fs.h>

#include "so.h"

/*
 * The bits of an event that the marks of this group ask for. send_to_group()
 * has compared the masks already, but not looked at what they say of
 * directories and children.
 */
static u32 so_wanted(struct fsnotify_iter_info *iter_info, u32 mask)
{
	bool is_dir = mask & FS_ISDIR;
	struct fsnotify_mark *mark;
	u32 wanted = 0, ignored = 0, asked;
	int type;

	fsnotify_foreach_iter_mark_type(iter_info, mark, type) {
		ignored |= fsnotify_effective_ignore_mask(mark, is_dir, type);
		/* Once: it may be replaced meanwhile. */
		asked = READ_ONCE(fanotify_so_mark(mark)->asked);
		if (fsnotify_mask_applicable(asked, is_dir, type))
			wanted |= asked;
	}
	return mask & wanted & ~ignored & ALL_FSNOTIFY_EVENTS;
}

/*
 * Go on without the marks of this group that are just being removed: also those
 * that do not ask about this, and there may be several on one object, since
 * they stay there for as long as somebody has a reference.
 */
static void so_pass_dying(struct fsnotify_iter_info *iter_info)
{
	struct fsnotify_mark *mark;
	int type;

	fsnotify_foreach_iter_type(type) {
		mark = iter_info->marks[type];
		while (mark && mark->group == iter_info->current_group &&
		       !(READ_ONCE(mark->flags) &
			 FSNOTIFY_MARK_FLAG_ATTACHED)) {
			iter_info->report_mask &= ~(1U << type);
			mark = fsnotify_next_mark(mark);
		}
		iter_info->marks[type] = mark;
	}
}

/*
 * Waits for the answer outside fsnotify_mark_srcu, or everybody who removes a
 * mark would wait as well.
 */
static int so_ask(struct fanotify_so_group *group, const struct file *file,
		  u32 mask, struct fsnotify_iter_info *iter_info)
{
	int err;

	/*
	 * A worker of a loop device reads for a file system, at whose files the
	 * listener may be looking right now.
	 */
	if (current->flags & PF_KTHREAD && current->flags & PF_MEMALLOC_NOIO)
		return 0;

	while (!fsnotify_prepare_group_wait(iter_info)) {
		so_pass_dying(iter_info);
		mask = so_wanted(iter_info, mask);
		if (!mask)
			return 0;
	}
	err = fanotify_so_ask(group, file, mask);
	fsnotify_finish_user_wait(iter_info);
	return err ?: FSNOTIFY_WAITED;
}

/**
 * fanotify_so_handle_event - queue an event for a group, or ask it
 * @fsn: the group, as fsnotify knows it
 * @mask: what happened
 * @data: what it happened to
 * @data_type: what @data is
 * @dir: not used: the path says where
 * @name: not used, likewise
 * @cookie: not used: inotify's
 * @iter_info: the marks of this group on the objects concerned
 *
 * Only an open regular file or directory is reported: of anything else
 * (truncate() by name, for one) there is nothing to open for the listener.
 *
 * Context: Process context, inside fsnotify_mark_srcu, which is left for as
 * long as the group is asked. May sleep.
 * Return: 0 or FSNOTIFY_WAITED; -EPERM if the group denies it, -EINTR if the
 * caller is killed while it waits.
 */
int fanotify_so_handle_event(struct fsnotify_group *fsn, u32 mask,
			     const void *data, int data_type,
			     struct inode *dir, const struct qstr *name,
			     u32 cookie, struct fsnotify_iter_info *iter_info)
{
	const struct file *file = fsnotify_data_file(data, data_type);
	struct fanotify_so_group *group = fsn->private;
	const struct dentry *dentry;

	BUILD_BUG_ON(FAN_ACCESS != FS_ACCESS);
	BUILD_BUG_ON(FAN_MODIFY != FS_MODIFY);
	BUILD_BUG_ON(FAN_CLOSE_WRITE != FS_CLOSE_WRITE);
	BUILD_BUG_ON(FAN_CLOSE_NOWRITE != FS_CLOSE_NOWRITE);
	BUILD_BUG_ON(FAN_OPEN != FS_OPEN);
	BUILD_BUG_ON(FAN_OPEN_EXEC != FS_OPEN_EXEC);
	BUILD_BUG_ON(FAN_OPEN_PERM != FS_OPEN_PERM);
	BUILD_BUG_ON(FAN_ACCESS_PERM != FS_ACCESS_PERM);
	BUILD_BUG_ON(FAN_OPEN_EXEC_PERM != FS_OPEN_EXEC_PERM);
	BUILD_BUG_ON(FAN_Q_OVERFLOW != FS_Q_OVERFLOW);
	BUILD_BUG_ON(FAN_ONDIR != FS_ISDIR);

	if (!file)
		return 0;
	dentry = file->f_path.dentry;
	if (!d_is_reg(dentry) && !d_is_dir(dentry))
		return 0;
	/* Memory that only looks like a file to the kernel. */
	if (IS_PRIVATE(d_inode(dentry)))
		return 0;

	mask = so_wanted(iter_info, mask);
	if (!mask || fanotify_so_ignores_current(group))
		return 0;
	if (mask & FANOTIFY_PERM_EVENTS)
		return so_ask(group, file, mask, iter_info);
	fanotify_so_queue(group, file, mask);
	return 0;
}
