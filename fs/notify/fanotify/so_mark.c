// SPDX-License-Identifier: GPL-2.0
/*
 * Marks: on files, mounts and superblocks, and how many a user has.
 *
 * A mark that a user has set is counted against the limit of the one who bound
 * the socket, one on a file pins its inode, and each one is counted in
 * group->sbs. What is counted nowhere are the marks that a global listener has
 * on every superblock.
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
	kfree(fanotify_so_mark(mark)->subtree);
	kfree(fanotify_so_mark(mark)->hub);
	kmem_cache_free(so_mark_cache, fanotify_so_mark(mark));
}

/**
 * fanotify_so_freeing_mark - a mark is no longer one
 * @mark: the mark, or one that never became one
 * @fsn: its group
 *
 * Context: Process context. Called once for each mark. Takes the lock of
 * group->sbs, and of one on a subtree the mark mutex.
 */
void fanotify_so_freeing_mark(struct fsnotify_mark *mark,
			      struct fsnotify_group *fsn)
{
	struct fanotify_so_group *group = fsn->private;
	struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);

	/* By what hangs there, whatever it was asked for last */
	if (so_mark->subtree)
		fanotify_so_subtree_gone(mark);
	if (so_mark->on)
		fanotify_so_order_put_sb(group, so_mark->on);
	fanotify_so_mark_uncount(group, mark);
}

/**
 * fanotify_so_mark_count - count a mark against the limit of its user
 * @group: the group
 * @mark: the mark; may be counted already
 *
 * Context: Process context, mark_mutex held.
 * Return: 0, or -ENOSPC if there are too many.
 */
int fanotify_so_mark_count(struct fanotify_so_group *group,
			   struct fsnotify_mark *mark)
{
	struct ucounts *ucounts = group->ucounts;

	fsnotify_group_assert_locked(group->fsn);
	if (fanotify_so_mark(mark)->counted)
		return 0;
	if (!inc_ucount(ucounts->ns, ucounts->uid, UCOUNT_FANOTIFY_SO_MARKS))
		return -ENOSPC;
	fanotify_so_mark(mark)->counted = true;
	return 0;
}

/**
 * fanotify_so_mark_uncount - count a mark no more
 * @group: the group
 * @mark: the mark; may not be counted
 *
 * Context: Process context, mark_mutex held or the mark detached.
 */
void fanotify_so_mark_uncount(struct fanotify_so_group *group,
			      struct fsnotify_mark *mark)
{
	if (!fanotify_so_mark(mark)->counted)
		return;
	fanotify_so_mark(mark)->counted = false;
	dec_ucount(group->ucounts, UCOUNT_FANOTIFY_SO_MARKS);
}

/**
 * fanotify_so_mark_is_idle - is there nothing that a mark is there for?
 * @mark: an attached mark that has been one of a user's
 *
 * Context: Process context, mark_mutex held.
 * Return: true if so.
 */
bool fanotify_so_mark_is_idle(struct fsnotify_mark *mark)
{
	struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);

	fsnotify_group_assert_locked(mark->group);
	if (so_mark->scopes ||
	    (so_mark->subtree && !list_empty(&so_mark->subtree->list)))
		return false;
	/* The mark of a global listener, and one that others hang on */
	return mark->connector->type != FSNOTIFY_OBJ_TYPE_SB ||
	       (so_mark->on && !(so_mark->hub && so_mark->hub->used));
}

/* What the mark has to hear of, for all that it is there for */
static u32 so_mask(const struct fanotify_so_mark *mark)
{
	u32 mask = mark->asked;

	if (mark->keeps)
		mask |= SO_KEEPER_MASK;
	if (mark->hub)
		mask |= mark->hub->asked;
	/* What is looked for in i_fsnotify_mask, and is no event */
	if (mark->subtree && (mark->subtree->asked || mark->subtree->ignored))
		mask |= FS_ON_SUBTREE;
	/* When it happens there is no way up any more, but to start from here. */
	if (mark->subtree)
		mask |= mark->subtree->asked & FANOTIFY_SO_TOP_EVENTS;
	return mask;
}

/**
 * fanotify_so_subtree_mask - what a mark asks for below some directories only
 * @mark: a mark on a superblock
 *
 * Context: Any.
 * Return: FAN_* bits.
 */
u32 fanotify_so_subtree_mask(const struct fsnotify_mark *mark)
{
	const struct fanotify_so_mark *so_mark =
		container_of(mark, struct fanotify_so_mark, fsn);

	return READ_ONCE(mark->mask) & ~READ_ONCE(so_mark->asked);
}

/**
 * fanotify_so_mark_update - something that a mark asks for has changed
 * @mark: an attached mark
 *
 * Context: Process context, mark_mutex held.
 */
void fanotify_so_mark_update(struct fsnotify_mark *mark)
{
	u32 old;

	fsnotify_group_assert_locked(mark->group);
	spin_lock(&mark->lock);
	old = mark->mask;
	WRITE_ONCE(mark->mask, so_mask(fanotify_so_mark(mark)));
	spin_unlock(&mark->lock);

	fsnotify_recalc_mask(mark->connector);
	if ((old ^ mark->mask) & ALL_FSNOTIFY_PERM_EVENTS)
		fsnotify_recalc_prio(mark->connector);
}

/**
 * fanotify_so_mark_set - give a mark both of its masks
 * @mark: the mark
 * @mask: the events to report
 * @ignored_mask: the events not to report; FAN_SURVIVE_MODIFY
 *
 * fanotify_so_mark_update() has to follow.
 *
 * Context: Process context. Takes mark->lock: what a modification clears at
 * the same time is either what was there before, or all of this.
 */
void fanotify_so_mark_set(struct fsnotify_mark *mark, u32 mask,
			  u32 ignored_mask)
{
	struct fanotify_so_mark *so_mark = fanotify_so_mark(mark);
	unsigned int flags;

	spin_lock(&mark->lock);
	/* The bit means another thing inside fsnotify, and is a flag there. */
	flags = mark->flags & ~FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY;
	if (ignored_mask & FAN_SURVIVE_MODIFY)
		flags |= FSNOTIFY_MARK_FLAG_IGNORED_SURV_MODIFY;
	/* These pair with send_to_group(), fsnotify_calc_mask(), so_wanted_at() */
	WRITE_ONCE(mark->flags, flags);
	WRITE_ONCE(so_mark->asked, mask);
	so_mark->kept = 0;
	/* What is being asked now is not for this ignored mask. */
	so_mark->generation++;
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
	__kernel_fsid_t fsid;
	int err;

	lockdep_assert_held(&sb->s_umount);

	/* A further mount of a superblock must not fail for want of memory. */
	mark = fsnotify_find_mark(sb, FSNOTIFY_OBJ_TYPE_SB, group->fsn);
	if (mark) {
		fsnotify_put_mark(mark);
		return 0;
	}

	fsid = fanotify_so_sb_fsid(group, sb);
	mark = so_mark_alloc(group, GFP_KERNEL);
	if (!mark)
		return -ENOMEM;
	fanotify_so_mark(mark)->fsid = fsid;

	/* What is ignored does not change before the mark can be found. */
	fsnotify_group_lock(group->fsn);
	fanotify_so_mark_set(mark, group->mask,
			     fanotify_so_ignored_mask(group, sb));
	mark->mask = so_mask(fanotify_so_mark(mark));
	/* Evicted while it is still being bound: nobody would take it down. */
	err = group->closed ? 0 :
	      fsnotify_add_mark_locked(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
	fsnotify_group_unlock(group->fsn);
	fsnotify_put_mark(mark);

	/* bind() and mount() both want to set it, or a racing umount. */
	return err == -EEXIST || err == -ENOENT ? 0 : err;
}

/**
 * fanotify_so_mark_make - make a mark that asks for nothing yet
 * @group: the group
 * @obj: what to mark: an inode, a mount or a superblock
 * @obj_type: which of them: FSNOTIFY_OBJ_TYPE_*
 * @sb: the superblock that @obj is, or is on
 * @flags: FSNOTIFY_MARK_FLAG_* bits
 * @counted: it counts against the limit of the user
 * @gfp: for the memory it may take
 *
 * Context: Process context, mark_mutex held. May sleep.
 * Return: the attached mark, with a reference, or an ERR_PTR: -ENOMEM; -ENOSPC
 * at the limit; -ENOENT if the object is just going away.
 */
struct fsnotify_mark *fanotify_so_mark_make(struct fanotify_so_group *group,
					    void *obj, unsigned int obj_type,
					    struct super_block *sb,
					    unsigned int flags, bool counted,
					    gfp_t gfp)
{
	struct fanotify_so_sb_count *on;
	struct fsnotify_mark *mark;
	int err;

	mark = so_mark_alloc(group, gfp);
	if (!mark)
		return ERR_PTR(-ENOMEM);
	mark->flags |= flags;

	err = counted ? fanotify_so_mark_count(group, mark) : 0;
	if (err)
		goto out_put_mark;
	err = -ENOMEM;
	on = fanotify_so_order_get_sb(group, sb, gfp);
	if (!on)
		goto out_uncount;
	fanotify_so_mark(mark)->on = on;
	err = fsnotify_add_mark_locked(mark, obj, obj_type, 0);
	if (!err)
		return mark;

	/* fsnotify tells only of marks that were attached. */
	fanotify_so_order_put_sb(group, on);
out_uncount:
	fanotify_so_mark_uncount(group, mark);
out_put_mark:
	fsnotify_put_mark(mark);
	return ERR_PTR(err);
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
		mark = fanotify_so_mark_make(group, inode,
					     FSNOTIFY_OBJ_TYPE_INODE,
					     inode->i_sb,
					     FSNOTIFY_MARK_FLAG_NO_IREF, true,
					     GFP_KERNEL_ACCOUNT |
					     __GFP_NORETRY | __GFP_NOWARN);
		if (IS_ERR(mark))
			return NULL;
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

	might_lock(&group->fsn->mark_mutex);
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

static int __init fanotify_so_mark_init(void)
{
	so_mark_cache = KMEM_CACHE(fanotify_so_mark, SLAB_PANIC);
	return 0;
}
fs_initcall(fanotify_so_mark_init);
