// SPDX-License-Identifier: GPL-2.0
/*
 * The marks of a group, for people.
 */
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>

#include "../fdinfo.h"
#include "../fsnotify.h"
#include "so.h"

static void so_show_inode(struct seq_file *m, struct fsnotify_mark *mark,
			  const char *what, u32 asked, u32 ignored)
{
	/* Its memory is there for as long as this mark, under the mutex. */
	struct inode *inode = fsnotify_conn_inode(mark->connector);

	seq_printf(m, "%s ino:%lx sdev:%x mask:%x ignored_mask:%x ", what,
		   inode->i_ino, inode->i_sb->s_dev, asked, ignored);
	/*
	 * A stacked one may have to write to make a handle, and one that the
	 * mark does not keep may be half gone.
	 */
	if (!inode->i_sb->s_stack_depth &&
	    !(mark->flags & FSNOTIFY_MARK_FLAG_NO_IREF))
		fsnotify_show_fhandle(m, inode);
	seq_putc(m, '\n');
}

static void so_show_mark(struct seq_file *m, struct fsnotify_mark *mark)
{
	const struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);
	u32 ignored = READ_ONCE(mark->ignore_mask);
	u32 asked = so_mark->asked;

	if (ignored && mark->flags & FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY)
		ignored |= FAN_SURVIVE_MODIFY;

	switch (mark->connector->type) {
	case FSNOTIFY_OBJ_TYPE_INODE:
		/* One that is there for what is below only has no line. */
		if (so_mark->scopes != FANOTIFY_SO_SUBTREE || ignored)
			so_show_inode(m, mark, "fanotify", asked, ignored);
		if (so_mark->scopes & FANOTIFY_SO_SUBTREE)
			so_show_inode(m, mark, "fanotify subtree",
				      so_mark->subtree->asked,
				      so_mark->subtree->ignored);
		break;
	case FSNOTIFY_OBJ_TYPE_VFSMOUNT:
		seq_printf(m, "fanotify mnt_id:%x mask:%x ignored_mask:%x\n",
			   fsnotify_conn_mount(mark->connector)->mnt_id,
			   asked, ignored);
		break;
	case FSNOTIFY_OBJ_TYPE_SB:
		ignored |= so_mark->hub ? so_mark->hub->ignored : 0;
		if (so_mark->scopes || !so_mark->on)
			seq_printf(m, "fanotify sdev:%x mask:%x ignored_mask:%x\n",
				   fsnotify_conn_sb(mark->connector)->s_dev,
				   asked, ignored);
		break;
	}
}

/**
 * fanotify_so_show_marks - a line for each mark, as fdinfo has them
 * @group: the group
 * @m: where to
 *
 * Context: Process context. Takes the mark mutex.
 */
void fanotify_so_show_marks(struct fanotify_so_group *group,
			    struct seq_file *m)
{
	struct fsnotify_mark *mark;

	fsnotify_group_lock(group->fsn);
	list_for_each_entry(mark, &group->fsn->marks_list, g_list) {
		cond_resched();
		so_show_mark(m, mark);
		if (seq_has_overflowed(m))
			break;
	}
	fsnotify_group_unlock(group->fsn);
}
EXPORT_SYMBOL_GPL(fanotify_so_show_marks);
