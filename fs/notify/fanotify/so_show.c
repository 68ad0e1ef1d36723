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

static void so_show_mark(struct seq_file *m, struct fsnotify_mark *mark)
{
	u32 ignored = READ_ONCE(mark->ignore_mask);
	u32 asked = fanotify_so_mark(mark)->asked;
	struct inode *inode;

	if (ignored && mark->flags & FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY)
		ignored |= FAN_SURVIVE_MODIFY;

	if (mark->connector->type == FSNOTIFY_OBJ_TYPE_INODE) {
		/* Its memory is there for as long as this mark, under the mutex. */
		inode = fsnotify_conn_inode(mark->connector);
		seq_printf(m, "fanotify ino:%lx sdev:%x mask:%x ignored_mask:%x ",
			   inode->i_ino, inode->i_sb->s_dev, asked, ignored);
		/*
		 * A stacked one may have to write to make a handle, and one
		 * that the mark does not keep may be half gone.
		 */
		if (!inode->i_sb->s_stack_depth &&
		    !(mark->flags & FSNOTIFY_MARK_FLAG_NO_IREF))
			fsnotify_show_fhandle(m, inode);
		seq_putc(m, '\n');
	} else if (mark->connector->type == FSNOTIFY_OBJ_TYPE_SB) {
		seq_printf(m, "fanotify sdev:%x mask:%x ignored_mask:%x\n",
			   fsnotify_conn_sb(mark->connector)->s_dev,
			   asked, ignored);
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
