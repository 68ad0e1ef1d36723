// SPDX-License-Identifier: GPL-2.0
/*
 * Setting the marks that a user asks for: of some files, mounts, file systems
 * and subtrees at once, all or none.
 *
 * That is done in three passes. The first sees that every mark is there, which
 * is all that can fail; the second sets masks; the third detaches the marks
 * that are not needed any more.
 */
#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/security.h>
#include <linux/user_namespace.h>

#include "../fsnotify.h"
#include "so.h"

/* Which of the marks of a request */
#define SO_REQ_MARK	1
#define SO_REQ_HUB	2

static struct inode *so_req_inode(const struct fanotify_so_mark_req *req)
{
	return d_inode(req->file->f_path.dentry);
}

static struct super_block *so_req_sb(const struct fanotify_so_mark_req *req)
{
	return req->file->f_path.mnt->mnt_sb;
}

static bool so_req_removes(const struct fanotify_so_mark_req *req)
{
	return !req->mask && !req->ignored_mask;
}

/* Which part of a mark it is about, see @scopes */
static u8 so_req_scope(const struct fanotify_so_mark_req *req)
{
	return req->scope == FAN_ON_SUBTREE ? FANOTIFY_SO_SUBTREE :
					      FANOTIFY_SO_OBJECT;
}

static unsigned int so_req_type(const struct fanotify_so_mark_req *req)
{
	switch (req->scope) {
	case FAN_ON_MOUNT:
		return FSNOTIFY_OBJ_TYPE_VFSMOUNT;
	case FAN_ON_FILESYSTEM:
		return FSNOTIFY_OBJ_TYPE_SB;
	default:
		return FSNOTIFY_OBJ_TYPE_INODE;
	}
}

/* What has the mark */
static void *so_req_object(const struct fanotify_so_mark_req *req)
{
	switch (req->scope) {
	case FAN_ON_MOUNT:
		return req->file->f_path.mnt;
	case FAN_ON_FILESYSTEM:
		return so_req_sb(req);
	default:
		return so_req_inode(req);
	}
}

static struct fsnotify_mark *
so_req_find(const struct fanotify_so_group *group,
	    const struct fanotify_so_mark_req *req)
{
	return fsnotify_find_mark(so_req_object(req), so_req_type(req),
				  group->fsn);
}

/* The mark that a subtree hangs on */
static struct fsnotify_mark *
so_req_find_hub(const struct fanotify_so_group *group,
		const struct fanotify_so_mark_req *req)
{
	return fsnotify_find_mark(so_req_sb(req), FSNOTIFY_OBJ_TYPE_SB,
				  group->fsn);
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
	if (req->scope)
		return -EPERM;
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

/* May this be marked so? */
static int so_may_mark(const struct fanotify_so_group *group,
		       const struct fanotify_so_mark_req *req)
{
	struct inode *inode = so_req_inode(req);
	u32 both = req->mask | req->ignored_mask;
	u32 only_dirs = FAN_ONDIR | FAN_EVENT_ON_CHILD | FANOTIFY_DIRENT_EVENTS;
	unsigned int obj_type = so_req_type(req);
	int err;

	if (!S_ISREG(inode->i_mode) && !S_ISDIR(inode->i_mode))
		return -EINVAL;
	/* What the kernel mounts for itself can only be marked by the file. */
	if (req->scope && so_req_sb(req)->s_flags & SB_NOUSER)
		return -EINVAL;
	if (!S_ISDIR(inode->i_mode) &&
	    (req->scope == FAN_ON_SUBTREE || (!req->scope && both & only_dirs)))
		return -ENOTDIR;
	if (req->mask) {
		err = so_may_have_reported(group, req);
		if (err)
			return err;
	}
	/* What is below a directory can be anything that is there. */
	if (req->scope == FAN_ON_SUBTREE)
		obj_type = FSNOTIFY_OBJ_TYPE_SB;
	return security_path_notify(&req->file->f_path,
				    both & ALL_FSNOTIFY_EVENTS, obj_type);
}

/*
 * What the mark was there for when the call began, or has been set for by the
 * call since: that can be removed.
 */
static u8 *so_planned(const struct fanotify_so_group *group,
		      struct fsnotify_mark *mark)
{
	struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);

	if (so_mark->call != group->call) {
		so_mark->call = group->call;
		so_mark->planned = so_mark->scopes;
	}
	return &so_mark->planned;
}

/* A mark that only keeps verdicts, or only others hang on, is not there. */
static int so_plan_removal(struct fanotify_so_group *group,
			   struct fanotify_so_mark_req *req)
{
	if (!req->mark || !(*so_planned(group, req->mark) & so_req_scope(req)))
		return -ENOENT;
	if (req->scope == FAN_ON_SUBTREE)
		req->hub = so_req_find_hub(group, req);
	return 0;
}

/* Sees that there is a mark on the superblock for subtrees to hang on. */
static int so_plan_hub(struct fanotify_so_group *group,
		       struct fanotify_so_mark_req *req)
{
	struct super_block *sb = so_req_sb(req);
	struct fsnotify_mark *mark;

	req->hub = so_req_find_hub(group, req);
	if (!req->hub) {
		mark = fanotify_so_mark_make(group, sb, FSNOTIFY_OBJ_TYPE_SB,
					     sb, 0, false, GFP_KERNEL_ACCOUNT);
		if (IS_ERR(mark))
			return PTR_ERR(mark);
		fanotify_so_mark(mark)->fsid = req->fsid;
		req->hub = mark;
		req->made |= SO_REQ_HUB;
	}
	return fanotify_so_hub_prepare(req->hub);
}

static int so_plan_scope(struct fanotify_so_group *group,
			 struct fanotify_so_mark_req *req)
{
	switch (req->scope) {
	case FAN_ON_SUBTREE:
		return fanotify_so_subtree_prepare(req->mark) ?:
		       so_plan_hub(group, req);
	case FAN_ON_FILESYSTEM:
		/* It may be there already for others. */
		return fanotify_so_mark_count(group, req->mark) ?:
		       fanotify_so_hub_prepare(req->mark);
	default:
		return 0;
	}
}

/*
 * Sees that there is a mark, which is everything that may fail, and leaves it in
 * the request, made or found. Under the mutex that is held it stays.
 */
static int so_plan(struct fanotify_so_group *group,
		   struct fanotify_so_mark_req *req)
{
	struct fsnotify_mark *mark;
	int err;

	req->mark = so_req_find(group, req);
	if (so_req_removes(req))
		return so_plan_removal(group, req);

	if (!req->mark) {
		mark = fanotify_so_mark_make(group, so_req_object(req),
					     so_req_type(req), so_req_sb(req),
					     0, true, GFP_KERNEL_ACCOUNT);
		if (IS_ERR(mark))
			return PTR_ERR(mark);
		fanotify_so_mark(mark)->fsid = req->fsid;
		req->mark = mark;
		req->made |= SO_REQ_MARK;
	}
	err = so_plan_scope(group, req);
	*so_planned(group, req->mark) |= so_req_scope(req);
	return err;
}

/* What is asked for must not go with the memory of the inode. */
static void so_pin_inode(struct fsnotify_mark *mark)
{
	spin_lock(&mark->lock);
	/* Pairs with __fsnotify_recalc_mask() */
	WRITE_ONCE(mark->flags, mark->flags & ~FSNOTIFY_MARK_FLAG_NO_IREF);
	spin_unlock(&mark->lock);
}

/* The mark of an inode, a mount or a superblock for itself */
static void so_apply_object(struct fanotify_so_group *group,
			    const struct fanotify_so_mark_req *req)
{
	u32 ignored_mask = req->ignored_mask, mask = req->mask;

	switch (req->scope) {
	case FAN_ON_MOUNT:
		if (ignored_mask)
			ignored_mask |= FAN_SURVIVE_MODIFY;
		break;
	case FAN_ON_FILESYSTEM:
		WRITE_ONCE(fanotify_so_mark(req->mark)->hub->ignored,
			   ignored_mask);
		/* A global listener hears of it anyway, and ignores kinds. */
		mask |= group->mask;
		if (group->mask)
			ignored_mask = fanotify_so_ignored_mask(group,
								so_req_sb(req));
		else if (ignored_mask)
			ignored_mask |= FAN_SURVIVE_MODIFY;
		break;
	default:
		so_pin_inode(req->mark);
	}
	fanotify_so_mark_set(req->mark, mask, ignored_mask);
	fanotify_so_mark_update(req->mark);
}

static void so_apply(struct fanotify_so_group *group,
		     const struct fanotify_so_mark_req *req)
{
	u8 *scopes = &fanotify_so_mark(req->mark)->scopes;

	if (so_req_removes(req))
		*scopes &= ~so_req_scope(req);
	else
		*scopes |= so_req_scope(req);

	if (req->scope != FAN_ON_SUBTREE) {
		so_apply_object(group, req);
	} else if (!so_req_removes(req)) {
		so_pin_inode(req->mark);
		fanotify_so_subtree_set(req->mark, req->hub, req->mask,
					req->ignored_mask);
	}
}

/* One that others hang on counts only while a user has set it. */
static void so_uncount_unset(struct fanotify_so_group *group,
			     struct fsnotify_mark *mark)
{
	if (mark->connector->type == FSNOTIFY_OBJ_TYPE_SB &&
	    !(fanotify_so_mark(mark)->scopes & FANOTIFY_SO_OBJECT))
		fanotify_so_mark_uncount(group, mark);
}

/* Returns false if it is detached already, for an earlier entry. */
static bool so_is_mark(const struct fsnotify_mark *mark)
{
	/* Pairs with fsnotify_free_mark(), which is not under the mutex. */
	return mark && READ_ONCE(mark->flags) & FSNOTIFY_MARK_FLAG_ATTACHED;
}

/* Detaches a mark that nothing needs. Returns true if it was one till then. */
static bool so_detach_idle(struct fanotify_so_group *group,
			   struct fsnotify_mark *mark)
{
	if (!so_is_mark(mark))
		return false;
	so_uncount_unset(group, mark);
	if (!fanotify_so_mark_is_idle(mark))
		return false;
	fsnotify_detach_mark(mark);
	return true;
}

/*
 * Of a subtree only now, so that what another one guards from now on is guarded
 * all the time.
 */
static void so_detach(struct fanotify_so_group *group,
		      struct fanotify_so_mark_req *req)
{
	if (req->scope == FAN_ON_SUBTREE && so_is_mark(req->mark) &&
	    !(fanotify_so_mark(req->mark)->scopes & FANOTIFY_SO_SUBTREE))
		fanotify_so_subtree_clear(req->mark);
	if (so_detach_idle(group, req->mark))
		req->detached |= SO_REQ_MARK;
	if (so_detach_idle(group, req->hub))
		req->detached |= SO_REQ_HUB;
}

/* Detaches what was made for this. */
static void so_undo(struct fanotify_so_group *group,
		    struct fanotify_so_mark_req *req)
{
	if (req->made & SO_REQ_HUB)
		fsnotify_detach_mark(req->hub);
	if (req->made & SO_REQ_MARK)
		fsnotify_detach_mark(req->mark);
	else if (req->scope == FAN_ON_FILESYSTEM && so_is_mark(req->mark))
		so_uncount_unset(group, req->mark);
	req->detached = req->made;
}

static int so_set_marks_locked(struct fanotify_so_group *group,
			       struct fanotify_so_mark_req *reqs,
			       unsigned int nr, u32 report)
{
	unsigned int i;
	int err = 0;

	lockdep_assert_held(&group->fsn->mark_mutex);

	if (group->closed)
		return -ESHUTDOWN;
	if (group->rules.report != report)
		return 1;

	group->call++;
	for (i = 0; i < nr && !err; i++)
		err = so_plan(group, &reqs[i]);
	if (err) {
		for (i = 0; i < nr; i++)
			so_undo(group, &reqs[i]);
		return err;
	}

	/* Nothing fails from here on. */
	for (i = 0; i < nr; i++)
		so_apply(group, &reqs[i]);
	for (i = 0; i < nr; i++)
		if (so_req_removes(&reqs[i]))
			so_detach(group, &reqs[i]);
	return 0;
}

/* Not under the mutex, see fsnotify. */
static void so_let_go(struct fsnotify_mark *mark, bool detached)
{
	if (!mark)
		return;
	if (detached)
		fsnotify_free_mark(mark);
	fsnotify_put_mark(mark);
}

/**
 * fanotify_so_set_marks - set some marks
 * @group: the group
 * @reqs: what is marked and what the marks shall be, taken in this order.
 *        Clobbered.
 * @nr: how many, at most FAN_SO_MAX_MARKS
 * @report: what the events of the group tell, as far as the caller knows: what
 *          the marks can be depends on it
 *
 * Everything is done or nothing. No mark is removed before all are set, so
 * that for a moment there can be as many as are both set and removed.
 *
 * Context: Process context, no lock held. May sleep.
 * Return: 0; -EINVAL for what is neither a regular file nor a directory, or is
 * on a mount that no user can make; -ENOTDIR if what is about directories is
 * asked of a file; -EPERM if the caller may not open what it wants reported,
 * -EROFS if nobody could on its mount, or what its file system says if asked
 * that; what a security module has against it, usually -EACCES; -ESHUTDOWN;
 * -ENOENT if there is no mark to remove or the file is just being deleted,
 * -ENOSPC at the user's limit, -ENOMEM; 1 if @report is not true any more, and
 * nothing is done.
 */
int fanotify_so_set_marks(struct fanotify_so_group *group,
			  struct fanotify_so_mark_req *reqs, unsigned int nr,
			  u32 report)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++) {
		err = so_may_mark(group, &reqs[i]);
		if (err)
			return err;
		if (!so_req_removes(&reqs[i]) && report & FANOTIFY_FID_BITS)
			reqs[i].fsid = fanotify_so_file_fsid(reqs[i].file);
	}

	fsnotify_group_lock(group->fsn);
	err = so_set_marks_locked(group, reqs, nr, report);
	fsnotify_group_unlock(group->fsn);

	for (i = 0; i < nr; i++) {
		so_let_go(reqs[i].mark, reqs[i].detached & SO_REQ_MARK);
		so_let_go(reqs[i].hub, reqs[i].detached & SO_REQ_HUB);
	}
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_set_marks);
