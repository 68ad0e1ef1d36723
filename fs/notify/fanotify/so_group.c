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
 * fanotify_so_group_create - make the group that a socket is bound to
 * @addr: what the group shall be; checked by the caller
 * @member: the socket
 *
 * Context: Process context, no lock of a file system held. May sleep.
 * Return: the group, whose one reference is the caller's until
 * fanotify_so_group_leave(), or an ERR_PTR: -ENOMEM, or what a security module
 * has against a global listener, usually -EACCES.
 */
struct fanotify_so_group *
fanotify_so_group_create(const struct fanotify_addr *addr,
			 struct fanotify_so_member *member)
{
	struct fanotify_so_group *group;
	struct fsnotify_group *fsn;
	u32 mask = 0;
	int err;

	if (addr->mask & FAN_GLOBAL_LISTENER) {
		mask = addr->mask & ~FAN_GLOBAL_LISTENER;
		err = so_may_watch(mask);
		if (err)
			return ERR_PTR(err);
	}

	group = kvzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&group->global);
	INIT_WORK(&group->destroy, so_destroy_work);
	xa_init_flags(&group->sbs, XA_FLAGS_ACCOUNT);
	fanotify_so_evict_init(group);
	fanotify_so_rules_init(group);
	fanotify_so_queue_init(group);
	group->mask = mask;
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

	fanotify_so_order_add(group);
	fanotify_so_queue_join(group, member);
	if (group->mask) {
		err = fanotify_so_global_add(group);
		if (err) {
			fanotify_so_group_leave(group, member);
			/* The socket may be bound, and so listed, again. */
			synchronize_rcu();
			return ERR_PTR(err);
		}
	}
	return group;

out_put_ucounts:
	put_ucounts(group->ucounts);
out_free_group:
	kvfree(group);
	return ERR_PTR(err);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_create);

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
	fanotify_so_queue_shutdown(group);
	/* From here on no mount adds a mark, as no SET_MARK does any more. */
	fanotify_so_global_remove(group);
	fsnotify_clear_marks_by_group(group->fsn, FSNOTIFY_OBJ_TYPE_ANY);
	fanotify_so_order_remove(group);
	queue_work(so_destroy_wq, &group->destroy);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_shutdown);

/**
 * fanotify_so_group_is_shutdown - was the group shut down?
 * @group: the group
 *
 * Context: Any.
 * Return: true if it hears of nothing any more. Then the sockets of a group
 * that was evicted have their error.
 */
bool fanotify_so_group_is_shutdown(const struct fanotify_so_group *group)
{
	/* Pairs with fanotify_so_count_timeout() */
	return smp_load_acquire(&group->shutdown);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_is_shutdown);

/**
 * fanotify_so_group_is_evicted - was the group shut down for not answering?
 * @group: the group
 *
 * Context: Any.
 * Return: true if so.
 */
bool fanotify_so_group_is_evicted(const struct fanotify_so_group *group)
{
	return READ_ONCE(group->evicted);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_is_evicted);

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
	fanotify_so_group_shutdown(group);
	/* If it has been evicted just now, this is who drops what is queued. */
	flush_work(&group->evict);
	fanotify_so_queue_leave(group, member);
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
