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

#include "so.h"

static struct kmem_cache *so_mark_cache __ro_after_init;

/*
 * fsnotify_destroy_group() waits for every task that stands in the permission
 * wait of any listener on an object that this group has marked too, so it may
 * take long: not on a queue that others need, and never in close() or exit().
 */
static struct workqueue_struct *so_destroy_wq __ro_after_init;

static void so_free_group_priv(struct fsnotify_group *fsn)
{
	struct fanotify_so_group *group = fsn->private;

	put_cred(group->cred);
	kfree(group);
}

static void so_free_mark(struct fsnotify_mark *mark)
{
	kmem_cache_free(so_mark_cache, mark);
}

static const struct fsnotify_ops so_fsnotify_ops = {
	.handle_event = fanotify_so_handle_event,
	.free_group_priv = so_free_group_priv,
	.free_mark = so_free_mark,
};

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

	mark = kmem_cache_alloc(so_mark_cache, GFP_KERNEL);
	if (!mark)
		return -ENOMEM;

	fsnotify_init_mark(mark, group->fsn);
	mark->mask = group->mask;
	err = fsnotify_add_mark(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
	fsnotify_put_mark(mark);

	/* bind() and mount() both want to set it, or a racing umount. */
	return err == -EEXIST || err == -ENOENT ? 0 : err;
}

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

	/* First, so that no new superblock gets a mark behind our back. */
	fanotify_so_global_remove(group);
	fsnotify_destroy_group(group->fsn);
}

/**
 * fanotify_so_group_create - make the group that a socket is bound to
 * @addr: what the group shall be; checked by the caller
 *
 * Context: Process context, no lock of a file system held. May sleep.
 * Return: the group, whose one reference is the caller's until
 * fanotify_so_group_leave(), or an ERR_PTR: -ENOMEM, or what a security module
 * has against a global listener, usually -EACCES.
 */
struct fanotify_so_group *
fanotify_so_group_create(const struct fanotify_addr *addr)
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

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return ERR_PTR(-ENOMEM);

	INIT_LIST_HEAD(&group->global);
	INIT_WORK(&group->destroy, so_destroy_work);
	fanotify_so_queue_init(group);
	group->mask = mask;

	fsn = fsnotify_alloc_group(&so_fsnotify_ops, FSNOTIFY_GROUP_USER);
	if (IS_ERR(fsn)) {
		kfree(group);
		return ERR_CAST(fsn);
	}
	group->cred = get_current_cred();
	fsn->private = group;
	fsn->memcg = get_mem_cgroup_from_mm(current->mm);
	group->fsn = fsn;

	if (group->mask) {
		err = fanotify_so_global_add(group);
		if (err) {
			fanotify_so_group_leave(group);
			return ERR_PTR(err);
		}
	}
	return group;
}
EXPORT_SYMBOL_GPL(fanotify_so_group_create);

/**
 * fanotify_so_group_leave - a socket lets go of its group
 * @group: the group, which the caller may not touch any more
 *
 * Drops the events that nobody has read, and leaves to a work item what may
 * have to wait for others.
 *
 * Context: Process context. May sleep, but waits for no other listener.
 */
void fanotify_so_group_leave(struct fanotify_so_group *group)
{
	fanotify_so_queue_shutdown(group);
	queue_work(so_destroy_wq, &group->destroy);
}
EXPORT_SYMBOL_GPL(fanotify_so_group_leave);

static int __init fanotify_so_group_init(void)
{
	so_mark_cache = kmem_cache_create("fanotify_so_mark",
					  sizeof(struct fsnotify_mark), 0,
					  SLAB_PANIC, NULL);
	so_destroy_wq = alloc_workqueue("fanotify_so", WQ_UNBOUND, 0);
	if (!so_destroy_wq)
		panic("fanotify: no memory for a workqueue\n");
	return 0;
}
fs_initcall(fanotify_so_group_init);
