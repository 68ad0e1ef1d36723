// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of socket listeners: from bind() to the last reference.
 */
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/init.h>
#include <linux/memcontrol.h>
#include <linux/path.h>
#include <linux/sched/task.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/time64.h>
#include <linux/user_namespace.h>

#include "so.h"

/*
 * fsnotify_destroy_group() waits for every task that stands in the permission
 * wait of any listener on an object that this group has marked too, so it may
 * take long: not on a queue that others need, and never in close() or exit().
 */
static struct workqueue_struct *so_destroy_wq __ro_after_init;

static void so_free_group_priv(struct fsnotify_group *fsn)
{
	struct fanotify_so_group *group = fsn->private;

	/* No count is left, but nodes may be, had before memory ran out. */
	xa_destroy(&group->sbs);
	put_ucounts(group->ucounts);
	put_cred(group->cred);
	kvfree_rcu(group, rcu);
}

static const struct fsnotify_ops so_fsnotify_ops = {
	.handle_event = fanotify_so_handle_event,
	.free_group_priv = so_free_group_priv,
	.freeing_mark = fanotify_so_freeing_mark,
	.outdate = fanotify_so_verdict_outdate,
	.subtree_mask = fanotify_so_subtree_mask,
	.free_mark = fanotify_so_free_mark,
};

/*
 * May this process watch every superblock? Neither the walk nor a later mount
 * has a path to ask for, nor is it the listener who mounts. One question stands
 * for all of them, and is asked of the root that init sees: the caller can
 * choose its own.
 */
static int so_may_watch(u32 mask)
{
	struct path root;
	int err;

	task_lock(&init_task);
	get_fs_root(init_task.fs, &root);
	task_unlock(&init_task);
	err = security_path_notify(&root, mask, FSNOTIFY_OBJ_TYPE_SB);
	path_put(&root);
	return err;
}

static void so_destroy_work(struct work_struct *work)
{
	struct fanotify_so_group *group =
		container_of(work, struct fanotify_so_group, destroy);

	fanotify_so_verdict_end(group);
	fsnotify_destroy_group(group->fsn);
}

/**
 * fanotify_so_addr_mask - what a group hears of everywhere
 * @addr: what a socket is bound to
 *
 * Return: FAN_* bits of a global listener; 0 for a directed one.
 */
u32 fanotify_so_addr_mask(const struct fanotify_addr *addr)
{
	return addr->mask & FAN_GLOBAL_LISTENER ?
	       addr->mask & ~FAN_GLOBAL_LISTENER : 0;
}

/*
 * It counts for who makes it, until it hears of nothing any more: what then
 * still has to be destroyed must not be in the way of the next one. Not before
 * it is listed: who comes at the same time, and joins it, makes none.
 */
static int so_group_count(struct fanotify_so_group *group)
{
	struct ucounts *ucounts = group->ucounts;

	group->counted = inc_ucount(ucounts->ns, ucounts->uid,
				    UCOUNT_FANOTIFY_SO_GROUPS);
	return group->counted ? 0 : -EMFILE;
}

/**
 * fanotify_so_group_uncount - who has made it may make another one
 * @group: the group, with its lock held
 *
 * Not after anybody can see that this one is over, or who then binds its number
 * would be refused for one group too many.
 *
 * Context: Any, under group->lock.
 */
void fanotify_so_group_uncount(struct fanotify_so_group *group)
{
	lockdep_assert_held(&group->lock);
	if (!group->counted)
		return;
	group->counted = false;
	dec_ucount(group->ucounts, UCOUNT_FANOTIFY_SO_GROUPS);
}

/**
 * fanotify_so_group_end - from here on nobody joins, and nothing is queued
 * @group: the group, with its lock held
 *
 * The caller has to call fanotify_so_group_shutdown() without the lock.
 *
 * Context: Any, under group->lock.
 */
void fanotify_so_group_end(struct fanotify_so_group *group)
{
	fanotify_so_group_uncount(group);
	WRITE_ONCE(group->shutdown, true);
}

/* A group that hears of nothing yet, with both its references */
static struct fanotify_so_group *
so_group_alloc(u64 net, const struct fanotify_addr *addr, u32 report)
{
	struct fanotify_so_group *group;
	struct fsnotify_group *fsn;
	int err;

	group = kvzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&group->global);
	INIT_LIST_HEAD(&group->order);
	INIT_WORK(&group->destroy, so_destroy_work);
	xa_init_flags(&group->sbs, XA_FLAGS_ACCOUNT);
	fanotify_so_share_init(group, net, addr);
	fanotify_so_evict_init(group);
	fanotify_so_rules_init(group);
	fanotify_so_queue_init(group);
	group->rules.report = report;
	group->mask = fanotify_so_addr_mask(addr);
	group->f_flags = addr->f_flags;

	err = -ENOMEM;
	group->ucounts = alloc_ucounts(current_user_ns(), current_euid());
	if (!group->ucounts)
		goto out_free_group;

	fsn = fsnotify_alloc_group(&so_fsnotify_ops, FSNOTIFY_GROUP_USER);
	err = PTR_ERR_OR_ZERO(fsn);
	if (err)
		goto out_put_ucounts;

	group->cred = get_current_cred();
	fsn->private = group;
	fsn->memcg = get_mem_cgroup_from_mm(current->mm);
	/* For the order; see fsnotify_mark_counts_prio() for what it costs. */
	fsn->priority = FSNOTIFY_PRIO_CONTENT;
	group->number = (u64)addr->priority + 1;
	fsn->number = group->number;
	group->fsn = fsn;
	/* The socket's; the first one is that of so_destroy_work(). */
	fsnotify_get_group(fsn);
	return group;

out_put_ucounts:
	put_ucounts(group->ucounts);
out_free_group:
	kvfree(group);
	return ERR_PTR(err);
}

/* One that nobody else has seen */
static void so_group_free(struct fanotify_so_group *group)
{
	fsnotify_put_group(group->fsn);
	fsnotify_put_group(group->fsn);
}

/* The first member comes, and the group begins to hear. */
static int so_group_start(struct fanotify_so_group *group,
			  struct fanotify_so_member *member)
{
	int err;

	fanotify_so_order_add(group);
	fanotify_so_member_add(group, member);
	err = so_group_count(group);
	if (!err && group->mask)
		err = fanotify_so_global_add(group);
	if (err) {
		fanotify_so_group_leave(group, member);
		/* The socket may be bound, and so listed, again. */
		synchronize_rcu();
		return err;
	}
	fanotify_so_share_born(group);
	return 0;
}

/*
 * The group that is listed under the number, or a new one that has been listed
 * there. One that is going away is followed by another one.
 */
static struct fanotify_so_group *
so_group_find(u64 net, const struct fanotify_addr *addr, u32 report,
	      struct fanotify_so_group **new)
{
	struct fanotify_so_group *group;

	group = addr->group_num ?
		fanotify_so_share_find(net, addr->group_num, *new) : *new;
	if (group)
		return group;

	*new = so_group_alloc(net, addr, report);
	if (IS_ERR(*new) || !addr->group_num)
		return *new;
	return fanotify_so_share_find(net, addr->group_num, *new);
}

/**
 * fanotify_so_group_bind - make or join the group that a socket is bound to
 * @net: the cookie of the socket's network namespace, in which groups with the
 *       same number are the same
 * @addr: what the group is, or shall be; checked by the caller
 * @report: what its events shall tell: FAN_REPORT_* bits, checked likewise; 0
 *          if it is all the same, or nothing
 * @member: the socket
 *
 * Context: Process context, no lock of a file system held. May sleep.
 * Return: the group, of which one reference is the caller's until
 * fanotify_so_group_leave(), or an ERR_PTR: -ENOMEM; -EMFILE if the user has too
 * many groups; what a security module has against a global listener, usually
 * -EACCES; and what fanotify_so_share_join() has against a member.
 */
struct fanotify_so_group *
fanotify_so_group_bind(u64 net, const struct fanotify_addr *addr, u32 report,
		       struct fanotify_so_member *member)
{
	struct fanotify_so_group *group, *new = NULL;
	u32 mask = fanotify_so_addr_mask(addr);
	int err = 0;

	if (mask)
		err = so_may_watch(mask);
	if (err)
		return ERR_PTR(err);

	do {
		group = so_group_find(net, addr, report, &new);
		if (IS_ERR(group))
			return group;
		if (group == new) {
			new = NULL;
			err = so_group_start(group, member);
		} else {
			err = fanotify_so_share_join(group, addr, report,
						     member);
		}
	} while (err == -ESHUTDOWN);

	if (new)
		so_group_free(new);
	return err ? ERR_PTR(err) : group;
}
EXPORT_SYMBOL_GPL(fanotify_so_group_bind);

/**
 * fanotify_so_group_shutdown - let a group hear of nothing any more
 * @group: the group
 *
 * Drops the marks and the events that nobody has read, lets those go who wait
 * for one, and leaves to a work item what may have to wait for others.
 *
 * Context: Process context. May sleep, but waits for no other listener.
 */
void fanotify_so_group_shutdown(struct fanotify_so_group *group)
{
	bool first;

	fsnotify_group_lock(group->fsn);
	first = !group->closed;
	group->closed = true;
	fsnotify_group_unlock(group->fsn);

	if (!first)
		return;
	/* If it has guarded without a listener until now */
	spin_lock(&group->lock);
	fanotify_so_group_uncount(group);
	spin_unlock(&group->lock);
	fanotify_so_share_remove(group);
	fanotify_so_queue_shutdown(group);
	/* From here on no mount adds a mark, as no SET_MARK does any more. */
	fanotify_so_global_remove(group);
	fsnotify_clear_marks_by_group(group->fsn, FSNOTIFY_OBJ_TYPE_ANY);
	fanotify_so_order_remove(group);
	queue_work(so_destroy_wq, &group->destroy);
}

/**
 * fanotify_so_group_quit - a socket is to get no event any more
 * @group: its group
 * @member: the socket
 *
 * What it has had and not answered is for the others. If there are none, that
 * is the end of the group, which does not linger. One that was evicted is gone
 * already, and what its group guards it guards until close().
 *
 * Context: Process context. May sleep, but waits for no other listener.
 */
void fanotify_so_group_quit(struct fanotify_so_group *group,
			    struct fanotify_so_member *member)
{
	bool here, last;

	spin_lock(&group->lock);
	here = !member->gone;
	fanotify_so_member_end(group, member, false);
	last = here && !group->live;
	if (last)
		fanotify_so_group_end(group);
	spin_unlock(&group->lock);

	if (!here)
		return;
	if (last) {
		fanotify_so_group_shutdown(group);
		return;
	}
	fanotify_so_hand_on(group);
	fanotify_so_wake_all(group);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_quit);

/* Returns true if the group lingers from now on. */
static bool so_group_lingers(struct fanotify_so_group *group)
{
	lockdep_assert_held(&group->lock);
	if (group->live || !group->rules.linger)
		return false;
	group->linger_until = fanotify_so_now() +
			      group->rules.linger * (u64)NSEC_PER_SEC;
	return true;
}

/**
 * fanotify_so_group_leave - a socket lets go of its group
 * @group: the group, which the caller may not touch any more
 * @member: the socket, whose memory has to stay for a grace period
 *
 * Context: Process context. May sleep, but waits for no other listener.
 */
void fanotify_so_group_leave(struct fanotify_so_group *group,
			     struct fanotify_so_member *member)
{
	bool here, last, lingers, over;

	spin_lock(&group->lock);
	here = !member->gone;
	fanotify_so_member_end(group, member, false);
	WRITE_ONCE(group->sockets, group->sockets - 1);
	last = !group->sockets;
	lingers = here && so_group_lingers(group);
	/* One that was evicted guards until its last socket is closed. */
	over = group->evicted ? last : here && !group->live && !lingers;
	if (over)
		fanotify_so_group_end(group);
	spin_unlock(&group->lock);

	if (over) {
		fanotify_so_group_shutdown(group);
		/* If it has been evicted just now, this is who drops the queue. */
		flush_work(&group->evict);
	} else {
		fanotify_so_hand_on(group);
		/* It may have been woken for an event that it has not taken. */
		fanotify_so_pass_on(group);
	}
	fanotify_so_member_remove(group, member);
	if (lingers)
		fanotify_so_share_linger(group);
	fsnotify_put_group(group->fsn);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_leave);

static int __init fanotify_so_group_init(void)
{
	so_destroy_wq = alloc_workqueue("fanotify_so", WQ_UNBOUND, 0);
	if (!so_destroy_wq)
		panic("fanotify: no memory for a workqueue\n");
	return 0;
}
fs_initcall(fanotify_so_group_init);
