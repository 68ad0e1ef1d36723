// SPDX-License-Identifier: GPL-2.0
/*
 * What fsnotify calls when something happens to a file.
 */
#include <linux/dcache.h>
#include <linux/fs.h>

#include "so.h"

static bool so_has_subtrees(struct fsnotify_mark *mark)
{
	const struct fanotify_so_hub *hub = fanotify_so_hub(mark);

	return hub && READ_ONCE(hub->used);
}

/*
 * What a global listener ignores of a superblock itself. It has flags of its
 * own, and cannot be part of the mark's ignore mask, which is for its magic.
 */
static u32 so_ignored_of_sb(struct fsnotify_mark *mark, bool is_dir)
{
	const struct fanotify_so_hub *hub = fanotify_so_hub(mark);
	u32 ignored = hub ? READ_ONCE(hub->ignored) : 0;

	return is_dir && !(ignored & FAN_ONDIR) ? 0 : ignored;
}

/* The directory of a subtree, when it is not in the tree any more */
static u32 so_wanted_of_top(struct fsnotify_mark *mark, bool is_dir)
{
	const struct fanotify_so_subtree *tree = fanotify_so_subtree(mark);
	u32 asked = tree ? READ_ONCE(tree->asked) : 0;

	return is_dir && !(asked & FAN_ONDIR) ?
		       0 : asked & FANOTIFY_SO_TOP_EVENTS;
}

/*
 * The bits of an event that the marks of this group ask for, but for the mark
 * of type @but. send_to_group() has compared the masks already, but not looked
 * at what they say of directories and children, nor where the file is.
 */
static u32 so_wanted_at(struct fsnotify_iter_info *iter_info, u32 mask,
			const struct fanotify_so_subject *sub,
			struct inode *dir, int but)
{
	unsigned int types = iter_info->report_mask & ~(1U << but);
	u32 wanted = 0, ignored = 0, asked;
	bool is_dir = mask & FS_ISDIR;
	struct fsnotify_mark *mark;
	int type;

	/* Mostly there is one mark, so the others are not looked for. */
	for (; types; types &= types - 1) {
		type = __ffs(types);
		mark = iter_info->marks[type];
		if (!mark)
			continue;
		ignored |= fsnotify_effective_ignore_mask(mark, is_dir, type);
		/* Once: it may be replaced meanwhile. */
		asked = READ_ONCE(fanotify_so_mark(mark)->asked);
		if (fsnotify_mask_applicable(asked, is_dir, type))
			wanted |= asked;
		if (type == FSNOTIFY_ITER_TYPE_INODE)
			wanted |= so_wanted_of_top(mark, is_dir);
		if (type != FSNOTIFY_ITER_TYPE_SB)
			continue;
		ignored |= so_ignored_of_sb(mark, is_dir);
		if (so_has_subtrees(mark))
			wanted |= fanotify_so_subtrees_wanted(mark, sub->dentry,
							      dir, is_dir,
							      &ignored);
	}
	return mask & wanted & ~ignored & ALL_FSNOTIFY_EVENTS;
}

/*
 * A rename is about two directories, each with marks of its own. Only those
 * stay in @sub of which this group is to be told.
 */
static u32 so_wanted_rename(struct fsnotify_iter_info *iter_info, u32 mask,
			    struct fanotify_so_subject *sub)
{
	u32 old = so_wanted_at(iter_info, mask, sub, sub->dir,
			       FSNOTIFY_ITER_TYPE_INODE2);
	u32 new = so_wanted_at(iter_info, mask, sub, sub->new_dir,
			       FSNOTIFY_ITER_TYPE_INODE);

	if (!old)
		sub->dir = NULL;
	if (!new)
		sub->new_dir = NULL;
	return old | new;
}

static inline u32 so_wanted(struct fsnotify_iter_info *iter_info, u32 mask,
			    struct fanotify_so_subject *sub)
{
	struct inode *dir = sub->dir;

	if (mask & FS_RENAME)
		return so_wanted_rename(iter_info, mask, sub);
	/* Of one of which no name is told, it is known where it is if it is one. */
	if (!dir && !sub->dentry && S_ISDIR(sub->inode->i_mode))
		dir = sub->inode;
	return so_wanted_at(iter_info, mask, sub, dir,
			    FSNOTIFY_ITER_TYPE_COUNT);
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

/* Who is told more than a descriptor. */
static void so_queue_where(struct fanotify_so_group *group,
			   struct fanotify_so_subject *sub, u32 mask,
			   u32 report, struct fsnotify_iter_info *iter_info)
{
	struct name_snapshot name;
	struct dentry *parent;

	parent = fanotify_so_get_parent(sub, report, &name);
	/* Who asks for directories only has no use for a file without one. */
	if (sub->file || sub->dir || sub->new_dir || mask & FAN_ONDIR ||
	    report & (FAN_REPORT_FID | FAN_REPORT_PATH))
		fanotify_so_queue(group, sub, mask, report,
				  fanotify_so_event_fsid(iter_info));
	fanotify_so_put_parent(parent, &name);
}

/*
 * What the event is about. Returns false if it is nothing for this group: an
 * open file is one if there is something to open for the listener, and another
 * event if the listener is told where it happened.
 */
static bool so_make_subject(struct fanotify_so_subject *sub, u32 mask,
			    u32 report, const void *data, int data_type,
			    struct inode *dir, const struct qstr *name)
{
	const struct dentry *moved;

	/* One by one: to fill so little memory with zeros takes longer. */
	sub->file = fsnotify_data_file(data, data_type);
	sub->inode = fsnotify_data_inode(data, data_type);
	sub->dentry = NULL;
	sub->dir = NULL;
	sub->name = NULL;
	sub->new_dir = NULL;
	sub->new_name = NULL;
	if (sub->file) {
		sub->dentry = sub->file->f_path.dentry;
		/* Memory that only looks like a file to the kernel. */
		return (d_is_reg(sub->dentry) || d_is_dir(sub->dentry)) &&
		       !IS_PRIVATE(sub->inode);
	}

	if (!(report & FANOTIFY_SO_WHERE))
		return false;
	if (mask & ALL_FSNOTIFY_DIRENT_EVENTS) {
		sub->dir = dir;
		sub->name = name;
		if (mask & FS_RENAME) {
			moved = fsnotify_data_dentry(data, data_type);
			sub->new_dir = d_inode(moved->d_parent);
			sub->new_name = &moved->d_name;
		}
		return dir && name;
	}
	if (!sub->inode || IS_PRIVATE(sub->inode) ||
	    sub->inode->i_sb->s_flags & SB_NOUSER)
		return false;
	if (data_type == FSNOTIFY_EVENT_DENTRY)
		sub->dentry = fsnotify_data_dentry(data, data_type);
	return true;
}

/*
 * Waits for the answer outside fsnotify_mark_srcu, or everybody who removes a
 * mark would wait as well.
 */
static int so_ask(struct fanotify_so_group *group,
		  struct fanotify_so_subject *sub, u32 mask, u32 flags,
		  u32 report, struct fsnotify_iter_info *iter_info)
{
	__kernel_fsid_t fsid = {};
	int err;

	/*
	 * A worker of a loop device reads for a file system, at whose files the
	 * listener may be looking right now.
	 */
	if (current->flags & PF_KTHREAD && current->flags & PF_MEMALLOC_NOIO)
		return 0;

	if (report)
		fsid = fanotify_so_event_fsid(iter_info);
	while (!fsnotify_prepare_group_wait(iter_info)) {
		so_pass_dying(iter_info);
		mask = so_wanted(iter_info, mask | flags, sub);
		if (!mask)
			return 0;
	}
	err = fanotify_so_ask(group, sub->file, mask | (report ? flags : 0),
			      report, fsid);
	fsnotify_finish_user_wait(iter_info);
	return err ?: FSNOTIFY_WAITED;
}

/**
 * fanotify_so_handle_event - queue an event for a group, or ask it
 * @fsn: the group, as fsnotify knows it
 * @mask: what happened
 * @data: what it happened to
 * @data_type: what @data is
 * @dir: the directory whose entry changes; not used of other events: the path
 *       says where
 * @name: that of the entry, likewise
 * @cookie: not used: inotify's
 * @iter_info: the marks of this group on the objects concerned
 *
 * Of open files, only regular ones and directories are reported. What happens
 * to others than open files is reported to who is told where.
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
	struct fanotify_so_group *group = fsn->private;
	struct fanotify_so_subject sub;
	u32 report = READ_ONCE(group->rules.report);
	u32 flags = mask & FS_ISDIR;

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
	BUILD_BUG_ON(FAN_ATTRIB != FS_ATTRIB);
	BUILD_BUG_ON(FAN_MOVED_FROM != FS_MOVED_FROM);
	BUILD_BUG_ON(FAN_MOVED_TO != FS_MOVED_TO);
	BUILD_BUG_ON(FAN_CREATE != FS_CREATE);
	BUILD_BUG_ON(FAN_DELETE != FS_DELETE);
	BUILD_BUG_ON(FAN_DELETE_SELF != FS_DELETE_SELF);
	BUILD_BUG_ON(FAN_MOVE_SELF != FS_MOVE_SELF);
	BUILD_BUG_ON(FAN_RENAME != FS_RENAME);
	BUILD_BUG_ON(FANOTIFY_DIRENT_EVENTS != ALL_FSNOTIFY_DIRENT_EVENTS);
	BUILD_BUG_ON(FAN_ON_SUBTREE != FS_ON_SUBTREE);
	/* What is a flag here is no event there. */
	BUILD_BUG_ON(FANOTIFY_SO_SCOPES & ALL_FSNOTIFY_BITS);

	if (!so_make_subject(&sub, mask, report, data, data_type, dir, name))
		return 0;
	mask = so_wanted(iter_info, mask, &sub);
	if (!mask || fanotify_so_ignores_current(group))
		return 0;
	if (mask & FANOTIFY_PERM_EVENTS)
		return so_ask(group, &sub, mask, flags, report, iter_info);
	if (report)
		so_queue_where(group, &sub, mask | flags, report, iter_info);
	else
		fanotify_so_queue(group, &sub, mask, 0, (__kernel_fsid_t){});
	return 0;
}
