// SPDX-License-Identifier: GPL-2.0
/*
 * Marks: on files, on superblocks, and how many a user has.
 *
 * A mark on a file pins its inode, so that it is there until it is removed,
 * and is therefore counted: against the limit of the user who bound the
 * socket, and in group->sbs. A mark on a superblock is counted nowhere.
 */
#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/mount.h>
#include <linux/sched/mm.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "../fsnotify.h"
#include "so.h"

static struct kmem_cache *so_mark_cache __ro_after_init;

/* What a mark that keeps verdicts has to hear of, whatever it is asked for */
#define SO_KEEPER_MASK	FS_MODIFY

static struct fsnotify_mark *so_mark_alloc(struct fanotify_so_group *group,
					   gfp_t gfp)
{
	struct fanotify_so_mark *mark = kmem_cache_zalloc(so_mark_cache, gfp);

	if (!mark)
		return NULL;
	fsnotify_init_mark(&mark->fsn, group->fsn);
	/* Each of the two masks says for itself what it is about. */
	mark->fsn.flags |= FSNOTIFY_MARK_FLAG_HAS_IGNORE_FLAGS;
	return &mark->fsn;
}

void fanotify_so_free_mark(struct fsnotify_mark *mark)
{
	kmem_cache_free(so_mark_cache, fanotify_so_mark(mark));
}

/**
 * fanotify_so_freeing_mark - a mark is no longer one
 * @mark: the mark, or one that never became one
 * @fsn: its group
 *
 * Context: Process context. Called once for each mark. Takes the lock of
 * group->sbs.
 */
void fanotify_so_freeing_mark(struct fsnotify_mark *mark,
			      struct fsnotify_group *fsn)
{
	struct fanotify_so_group *group = fsn->private;
	struct super_block *sb = fanotify_so_mark(mark)->sb;

	if (!sb)
		return;
	fanotify_so_order_put_sb(group, sb);
	dec_ucount(group->ucounts, UCOUNT_FANOTIFY_SO_MARKS);
}

/**
 * fanotify_so_mark_set - give a mark both of its masks
 * @mark: the mark
 * @mask: the events to report
 * @ignored_mask: the events not to report; FAN_SURVIVE_MODIFY
 *
 * If the mark is attached, the caller has to let fsnotify know.
 *
 * Context: Process context. Takes mark->lock: what a modification clears at
 * the same time is either what was there before, or all of this.
 */
void fanotify_so_mark_set(struct fsnotify_mark *mark, u32 mask,
			  u32 ignored_mask)
{
	struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);

	spin_lock(&mark->lock);
	/* The bit means another thing inside fsnotify, and is a flag there. */
	if (ignored_mask & FAN_SURVIVE_MODIFY)
		mark->flags |= FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY;
	else
		mark->flags &= ~FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY;
	WRITE_ONCE(so_mark->asked, mask);
	so_mark->kept = 0;
	/* What is being asked now is not for this ignored mask. */
	so_mark->generation++;
	WRITE_ONCE(mark->mask, mask | (so_mark->keeps ? SO_KEEPER_MASK : 0));
	WRITE_ONCE(mark->ignore_mask, ignored_mask & ~FAN_SURVIVE_MODIFY);
	spin_unlock(&mark->lock);
}

/**
 * fanotify_so_add_sb_mark - let a global listener hear of a superblock
 * @group: the group, which has not been taken off the global list
 * @sb: the superblock; it may have the mark already
 *
 * The mark is charged to nobody: not to who mounts, who may be at its limit
 * and must not mount unheard for that, and not to the listener, who would be
 * at the mercy of everybody who mounts.
 *
 * Context: Process context, sb->s_umount held. Takes the mark mutex.
 * Return: 0 or -ENOMEM.
 */
int fanotify_so_add_sb_mark(struct fanotify_so_group *group,
			    struct super_block *sb)
{
	struct fsnotify_mark *mark;
	int err;

	lockdep_assert_held(&sb->s_umount);

	/* A further mount of a superblock must not fail for want of memory. */
	mark = fsnotify_find_mark(sb, FSNOTIFY_OBJ_TYPE_SB, group->fsn);
	if (mark) {
		fsnotify_put_mark(mark);
		return 0;
	}

	mark = so_mark_alloc(group, GFP_KERNEL);
	if (!mark)
		return -ENOMEM;

	/* What is ignored does not change before the mark can be found. */
	fsnotify_group_lock(group->fsn);
	fanotify_so_mark_set(mark, group->mask,
			     fanotify_so_ignored_mask(group, sb));
	/* Evicted while it is still being bound: nobody would take it down. */
	err = group->closed ? 0 :
	      fsnotify_add_mark_locked(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
	fsnotify_group_unlock(group->fsn);
	fsnotify_put_mark(mark);

	/* bind() and mount() both want to set it, or a racing umount. */
	return err == -EEXIST || err == -ENOENT ? 0 : err;
}

static struct inode *so_req_inode(const struct fanotify_so_mark_req *req)
{
	return d_inode(req->file->f_path.dentry);
}

static bool so_req_removes(const struct fanotify_so_mark_req *req)
{
	return !req->mask && !req->ignored_mask;
}

/*
 * Who holds the socket need not have the rights of the one who bound it, and is
 * not to gain by a mark a descriptor that it could not have got by itself. What
 * will be in a directory is not known yet, and the directory itself comes as
 * others see it, with a way up that the holder's root does not end: the rights
 * have to be those that no file can refuse. The mount that others have a file
 * from need not be read-only as the holder's is. Who could have bound the
 * socket is not asked: all of that is to be had with another one.
 */
static int so_may_have_reported(const struct fanotify_so_group *group,
				const struct fanotify_so_mark_req *req)
{
	fmode_t fmode = OPEN_FMODE(group->f_flags) & (FMODE_READ | FMODE_WRITE);
	int err;

	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return 0;
	if (req->mask & (FAN_EVENT_ON_CHILD | FAN_ONDIR) &&
	    !capable(fmode & FMODE_WRITE ? CAP_DAC_OVERRIDE :
					   CAP_DAC_READ_SEARCH))
		return -EPERM;
	if ((req->file->f_mode & fmode) == fmode)
		return 0;
	if (fmode & FMODE_WRITE && __mnt_is_readonly(req->file->f_path.mnt))
		return -EROFS;
	err = inode_permission(file_mnt_idmap(req->file), so_req_inode(req),
			       ACC_MODE(group->f_flags));
	return err == -EACCES ? -EPERM : err;
}

/* May this file be marked so? */
static int so_may_mark(const struct fanotify_so_group *group,
		       const struct fanotify_so_mark_req *req)
{
	struct inode *inode = so_req_inode(req);
	u32 both = req->mask | req->ignored_mask;
	int err;

	if (!S_ISREG(inode->i_mode) && !S_ISDIR(inode->i_mode))
		return -EINVAL;
	if (!S_ISDIR(inode->i_mode) && both & (FAN_ONDIR | FAN_EVENT_ON_CHILD))
		return -ENOTDIR;
	if (req->mask) {
		err = so_may_have_reported(group, req);
		if (err)
			return err;
	}
	return security_path_notify(&req->file->f_path,
				    both & ALL_FSNOTIFY_EVENTS,
				    FSNOTIFY_OBJ_TYPE_INODE);
}

/* A counted mark that asks for nothing yet, and is not attached yet either */
static struct fsnotify_mark *so_new_mark(struct fanotify_so_group *group,
					 struct super_block *sb, gfp_t gfp)
{
	struct ucounts *ucounts = group->ucounts;
	struct fsnotify_mark *mark;
	int err;

	if (!inc_ucount(ucounts->ns, ucounts->uid, UCOUNT_FANOTIFY_SO_MARKS))
		return ERR_PTR(-ENOSPC);

	err = fanotify_so_order_get_sb(group, sb, gfp);
	if (err)
		goto out_dec_ucount;

	err = -ENOMEM;
	mark = so_mark_alloc(group, gfp);
	if (!mark)
		goto out_put_sb;
	fanotify_so_mark(mark)->sb = sb;
	return mark;

out_put_sb:
	fanotify_so_order_put_sb(group, sb);
out_dec_ucount:
	dec_ucount(ucounts, UCOUNT_FANOTIFY_SO_MARKS);
	return ERR_PTR(err);
}

/* A mark that only keeps verdicts is nobody's to remove. */
static bool so_mark_is_set(const struct fanotify_so_group *group,
			   struct fsnotify_mark *mark)
{
	return !(mark->flags & FSNOTIFY_MARK_FLAG_NO_IREF) ||
	       fanotify_so_mark(mark)->set_in == group->call;
}

/*
 * Sees that there is a mark, which is everything that may fail. A new one is
 * left in the request.
 */
static int so_req_attach(struct fanotify_so_group *group,
			 struct fanotify_so_mark_req *req)
{
	struct inode *inode = so_req_inode(req);
	struct fsnotify_mark *mark;
	int err = 0;

	mark = fsnotify_find_inode_mark(inode, group->fsn);
	if (mark) {
		if (!so_req_removes(req))
			fanotify_so_mark(mark)->set_in = group->call;
		else if (!so_mark_is_set(group, mark))
			err = -ENOENT;
		fsnotify_put_mark(mark);
		return err;
	}
	if (so_req_removes(req))
		return -ENOENT;

	mark = so_new_mark(group, inode->i_sb, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(mark))
		return PTR_ERR(mark);
	err = fsnotify_add_inode_mark_locked(mark, inode, 0);
	if (err) {
		/* fsnotify tells only of marks that were attached. */
		fanotify_so_freeing_mark(mark, group->fsn);
		fsnotify_put_mark(mark);
		return err;
	}
	req->mark = mark;
	return 0;
}

static void so_req_apply(struct fanotify_so_group *group,
			 const struct fanotify_so_mark_req *req)
{
	struct fsnotify_mark *mark;
	u32 old;

	mark = fsnotify_find_inode_mark(so_req_inode(req), group->fsn);
	/* It was there under the mutex that is held, and the file is open. */
	if (WARN_ON_ONCE(!mark))
		return;
	old = mark->mask;
	fanotify_so_mark(mark)->removed = so_req_removes(req);
	/* What is asked for must not go with the memory of the inode. */
	spin_lock(&mark->lock);
	mark->flags &= ~FSNOTIFY_MARK_FLAG_NO_IREF;
	spin_unlock(&mark->lock);
	fanotify_so_mark_set(mark, req->mask, req->ignored_mask);
	fsnotify_recalc_mask(mark->connector);
	if ((old ^ req->mask) & ALL_FSNOTIFY_PERM_EVENTS)
		fsnotify_recalc_prio(mark->connector);
	fsnotify_put_mark(mark);
}

/* Leaves a detached mark in the request, if the last word was to remove it. */
static void so_req_detach(struct fanotify_so_group *group,
			  struct fanotify_so_mark_req *req)
{
	struct fsnotify_mark *mark;

	if (!so_req_removes(req))
		return;
	mark = fsnotify_find_inode_mark(so_req_inode(req), group->fsn);
	if (!mark)
		return;
	if (!fanotify_so_mark(mark)->removed) {
		fsnotify_put_mark(mark);
		return;
	}
	fsnotify_detach_mark(mark);
	req->mark = mark;
}

/*
 * Everybody can open files for them to be asked about, and so make marks: they
 * get no more than half of what there can be, and leave the rest for those that
 * the listener sets.
 */
static bool so_room_for_keeper(const struct fanotify_so_group *group)
{
	struct ucounts *ucounts = group->ucounts;

	return atomic_long_read(&ucounts->ucount[UCOUNT_FANOTIFY_SO_MARKS]) <
	       READ_ONCE(ucounts->ns->ucount_max[UCOUNT_FANOTIFY_SO_MARKS]) / 2;
}

static struct fsnotify_mark *so_make_keeper(struct fanotify_so_group *group,
					    struct inode *inode)
{
	struct fsnotify_mark *mark;

	mark = fsnotify_find_inode_mark(inode, group->fsn);
	if (!mark && !so_room_for_keeper(group))
		return NULL;
	if (!mark) {
		/* As for an event: not worth a search, or a victim. */
		mark = so_new_mark(group, inode->i_sb,
				   GFP_KERNEL_ACCOUNT | __GFP_NORETRY |
				   __GFP_NOWARN);
		if (IS_ERR(mark))
			return NULL;
		mark->flags |= FSNOTIFY_MARK_FLAG_NO_IREF;
		if (fsnotify_add_inode_mark_locked(mark, inode, 0)) {
			fanotify_so_freeing_mark(mark, group->fsn);
			fsnotify_put_mark(mark);
			return NULL;
		}
	}

	spin_lock(&mark->lock);
	WRITE_ONCE(mark->mask, mark->mask | SO_KEEPER_MASK);
	spin_unlock(&mark->lock);
	fsnotify_recalc_mask(mark->connector);
	/* Last: whoever sees it relies on hearing of modifications. */
	smp_store_release(&fanotify_so_mark(mark)->keeps, true);
	return mark;
}

/**
 * fanotify_so_get_keeper - get the mark that keeps the verdicts on a file
 * @group: the group
 * @inode: the file
 *
 * A mark that is made for this does not pin the inode, and is charged to the
 * listener and counted as its others are.
 *
 * Context: Process context. May sleep. Takes the mark mutex the first time.
 * Return: the mark, with a reference, or NULL if there is none to be had.
 */
struct fsnotify_mark *fanotify_so_get_keeper(struct fanotify_so_group *group,
					     struct inode *inode)
{
	struct fsnotify_mark *mark;
	struct mem_cgroup *old_memcg;

	mark = fsnotify_find_inode_mark(inode, group->fsn);
	/* Pairs with so_make_keeper() */
	if (mark && smp_load_acquire(&fanotify_so_mark(mark)->keeps))
		return mark;
	if (mark)
		fsnotify_put_mark(mark);

	old_memcg = set_active_memcg(group->fsn->memcg);
	fsnotify_group_lock(group->fsn);
	mark = group->closed ? NULL : so_make_keeper(group, inode);
	fsnotify_group_unlock(group->fsn);
	set_active_memcg(old_memcg);
	return mark;
}

static int so_set_marks_locked(struct fanotify_so_group *group,
			       struct fanotify_so_mark_req *reqs,
			       unsigned int nr)
{
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&group->fsn->mark_mutex);

	if (group->closed)
		return -ESHUTDOWN;

	group->call++;
	for (i = 0; i < nr && !err; i++)
		err = so_req_attach(group, &reqs[i]);
	if (err) {
		for (i = 0; i < nr; i++)
			if (reqs[i].mark)
				fsnotify_detach_mark(reqs[i].mark);
		return err;
	}

	/* Nothing fails from here on. */
	for (i = 0; i < nr; i++) {
		if (reqs[i].mark)
			fsnotify_put_mark(reqs[i].mark);
		reqs[i].mark = NULL;
		so_req_apply(group, &reqs[i]);
	}
	for (i = 0; i < nr; i++)
		so_req_detach(group, &reqs[i]);
	return 0;
}

/**
 * fanotify_so_set_marks - set the marks of some files
 * @group: the group
 * @reqs: the files and what their marks shall be, taken in this order.
 *        Clobbered.
 * @nr: how many, at most FAN_SO_MAX_MARKS
 *
 * Everything is done or nothing. No mark is removed before all are set, so
 * that for a moment there can be as many as are both set and removed.
 *
 * Context: Process context, no lock held. May sleep.
 * Return: 0; -EINVAL for what is neither a regular file nor a directory,
 * -ENOTDIR if bits that are about directories are given for a file, -EPERM if
 * the caller may not open what it wants reported, -EROFS if nobody could on its
 * mount, or what its file system says if asked that; what a security module has
 * against it, usually -EACCES; -ESHUTDOWN; -ENOENT if there is no mark to
 * remove or the file is just being deleted, -ENOSPC at the user's limit,
 * -ENOMEM.
 */
int fanotify_so_set_marks(struct fanotify_so_group *group,
			  struct fanotify_so_mark_req *reqs, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		err = so_may_mark(group, &reqs[i]);
		if (err)
			return err;
	}

	fsnotify_group_lock(group->fsn);
	err = so_set_marks_locked(group, reqs, nr);
	fsnotify_group_unlock(group->fsn);

	/* What was detached above: not under the mutex, see fsnotify. */
	for (i = 0; i < nr; i++) {
		if (!reqs[i].mark)
			continue;
		fsnotify_free_mark(reqs[i].mark);
		fsnotify_put_mark(reqs[i].mark);
	}
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_set_marks);

static int __init fanotify_so_mark_init(void)
{
	so_mark_cache = KMEM_CACHE(fanotify_so_mark, SLAB_PANIC);
	return 0;
}
fs_initcall(fanotify_so_mark_init);
