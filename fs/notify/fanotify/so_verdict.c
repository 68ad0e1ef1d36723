// SPDX-License-Identifier: GPL-2.0
/*
 * Answers that hold for the next time as well (FAN_CACHE).
 *
 * A verdict about the contents of a file is kept in the ignore mask of the
 * file's own mark, with which the next operation passes without a call. It must
 * not outlive the contents it is about:
 *
 * - The mark counts, in its generation, each modification and each open for
 *   writing, by whomever, and drops at the same time what it has kept. Both are
 *   done under mark->lock, and so is keeping a verdict, which is done only if
 *   the generation is still that from when the question was queued.
 * - Nothing is kept while the file is open for writing: what is written through
 *   a mapping, or through io_submit(2), is not heard of. The open for writing
 *   raises the inode's count first and is heard of later, so either the count is
 *   seen here or the generation changes.
 *
 * Such a mark does not pin the inode, so that what is kept goes with it.
 */
#include <linux/atomic.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/sched.h>

#include "../fsnotify.h"
#include "so.h"

/**
 * fanotify_so_verdict_start - from now on verdicts may have to be kept
 * @group: the group
 *
 * Context: Process context. May sleep.
 */
void fanotify_so_verdict_start(struct fanotify_so_group *group)
{
	might_lock(&group->fsn->mark_mutex);
	/* Pair with the end of this, and with who shuts it down. */
	if (READ_ONCE(group->keeps) || READ_ONCE(group->shutdown))
		return;

	fsnotify_group_lock(group->fsn);
	if (!group->closed && !group->keeps) {
		atomic_inc(&fsnotify_nr_keepers);
		/*
		 * First, so that whoever sees @keeps keeps nothing that is not
		 * heard of. Pairs with the barriers of get_write_access() and
		 * of srcu_read_lock(), behind which the count is read.
		 */
		smp_mb__after_atomic();
		/* Pairs with fanotify_so_verdict_prepare() */
		smp_store_release(&group->keeps, true);
	}
	fsnotify_group_unlock(group->fsn);
}

/**
 * fanotify_so_verdict_end - no verdict has to be kept any more
 * @group: a group without marks
 *
 * Context: Any.
 */
void fanotify_so_verdict_end(struct fanotify_so_group *group)
{
	if (group->keeps)
		atomic_dec(&fsnotify_nr_keepers);
}

/*
 * On a stacked file system the real file can be mapped while this one is shut.
 * What the kernel makes for itself, as memfds, is open for writing without
 * being counted.
 */
static bool so_may_change_unheard(struct dentry *dentry)
{
	/* That of the data can take a lookup, but what is written is this. */
	struct inode *real = d_inode(d_real(dentry, D_REAL_METADATA));

	return dentry->d_sb->s_flags & SB_NOUSER ||
	       inode_is_open_for_write(d_inode(dentry)) ||
	       inode_is_open_for_write(real) ||
	       mapping_writably_mapped(real->i_mapping);
}

/**
 * fanotify_so_verdict_prepare - see that the verdict can be kept
 * @group: the group that will give it
 * @file: what it will be about
 * @perm: the question, not queued yet
 *
 * Where it cannot be kept, for want of memory for one, nothing else is wrong.
 *
 * Context: Process context. May sleep. The caller puts @perm->mark.
 */
void fanotify_so_verdict_prepare(struct fanotify_so_group *group,
				 const struct file *file,
				 struct fanotify_so_perm *perm)
{
	struct dentry *dentry = file->f_path.dentry;
	struct fsnotify_mark *mark;

	/* Pairs with fanotify_so_verdict_start() */
	if (!smp_load_acquire(&group->keeps) || !d_is_reg(dentry) ||
	    dentry->d_sb->s_flags & SB_NOUSER)
		return;
	mark = fanotify_so_get_keeper(group, d_inode(dentry));
	if (!mark)
		return;

	spin_lock(&mark->lock);
	perm->generation = fanotify_so_mark(mark)->generation;
	spin_unlock(&mark->lock);
	/*
	 * Those who are in already are not heard of again. Pairs with the
	 * barrier of get_write_access(): who is not seen here is heard of, and
	 * changes the generation after it was read.
	 */
	smp_mb();
	if (so_may_change_unheard(dentry)) {
		fsnotify_put_mark(mark);
		return;
	}
	perm->mark = mark;
}

/**
 * fanotify_so_verdict_keep - let the file pass unasked until it changes
 * @perm: the question, which has just been answered with FAN_ALLOW
 *
 * Context: Process context, group->lock held. Takes mark->lock.
 */
void fanotify_so_verdict_keep(const struct fanotify_so_perm *perm)
{
	struct fsnotify_mark *fsn = perm->mark;
	struct fanotify_so_group *group;
	struct fanotify_so_mark *mark;

	if (!fsn)
		return;
	group = fsn->group->private;
	lockdep_assert_held(&group->lock);
	mark = fanotify_so_mark(fsn);

	spin_lock(&fsn->lock);
	if (mark->generation == perm->generation &&
	    fsn->flags & FSNOTIFY_MARK_FLAG_ATTACHED &&
	    !so_may_change_unheard(perm->event.path.dentry)) {
		mark->kept |= perm->event.mask & ~fsn->ignore_mask;
		WRITE_ONCE(fsn->ignore_mask, fsn->ignore_mask | perm->event.mask);
	}
	spin_unlock(&fsn->lock);
}

/**
 * fanotify_so_verdict_outdate - the contents have changed, or can unheard
 * @fsn: the mark of the file
 *
 * Context: Process context. Takes mark->lock.
 */
void fanotify_so_verdict_outdate(struct fsnotify_mark *fsn)
{
	struct fanotify_so_mark *mark = fanotify_so_mark(fsn);

	if (!READ_ONCE(mark->keeps))
		return;

	spin_lock(&fsn->lock);
	mark->generation++;
	WRITE_ONCE(fsn->ignore_mask, fsn->ignore_mask & ~mark->kept);
	mark->kept = 0;
	spin_unlock(&fsn->lock);
}

/**
 * fanotify_so_forget - drop all verdicts that are kept
 * @group: the group
 *
 * Those who give them know better now. What was asked before is answered, but
 * not kept.
 *
 * Context: Process context. May sleep. Takes the mark mutex.
 * Return: 0 or -ESHUTDOWN.
 */
int fanotify_so_forget(struct fanotify_so_group *group)
{
	struct fsnotify_mark *mark;
	int err = 0;

	fsnotify_group_lock(group->fsn);
	if (group->closed)
		err = -ESHUTDOWN;
	list_for_each_entry(mark, &group->fsn->marks_list, g_list) {
		cond_resched();
		fanotify_so_verdict_outdate(mark);
	}
	fsnotify_group_unlock(group->fsn);
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_forget);
