// SPDX-License-Identifier: GPL-2.0
/*
 * Marks on everything below a directory.
 *
 * The directory has a mark, which says what is to be reported below it, and a
 * bit in its i_fsnotify_mask. The group hears of the whole superblock by a
 * second mark, the hub, which asks for what all its directories there ask for.
 * With each event the way up is walked, and the bit looked for; nothing below
 * has a mark, so that nothing can slip through while it is moved or made.
 *
 * That is done twice: fsnotify asks first whether there is such a directory, of
 * whatever group, since most events are about files that are elsewhere.
 *
 * RENAMES: the walk takes no lock, and begins again if something was renamed
 * meanwhile, anywhere: what it has seen may be parents that were so at different
 * times. When that was in vain a few times, renames have to wait for it.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "../fsnotify.h"
#include "so.h"

/* So often the walk begins again because of renames. */
#define SO_MAX_RETRIES	3

/* What the marks on the way up say, and whether it goes up to the root */
struct so_below {
	u32 asked;
	u32 ignored;
	bool connected;
};

/* The masks of this group's mark on a directory on the way up */
static void so_add_mark(struct inode *inode,
			const struct fsnotify_group *fsn, bool is_dir,
			struct so_below *below)
{
	struct fsnotify_mark_connector *conn;
	const struct fanotify_so_subtree *tree;
	struct fsnotify_mark *mark;
	u32 mask;

	conn = srcu_dereference(inode->i_fsnotify_marks, &fsnotify_mark_srcu);
	if (!conn)
		return;
	hlist_for_each_entry_srcu(mark, &conn->list, obj_list,
				  srcu_read_lock_held(&fsnotify_mark_srcu)) {
		if (mark->group != fsn)
			continue;
		tree = fanotify_so_subtree(mark);
		if (!tree)
			continue;
		mask = READ_ONCE(tree->asked);
		if (!is_dir || mask & FAN_ONDIR)
			below->asked |= mask;
		mask = READ_ONCE(tree->ignored);
		if (!is_dir || mask & FAN_ONDIR)
			below->ignored |= mask;
	}
}

/* Is there a directory of anybody's on the way up, or is the way not known? */
static bool so_may_be_below(const struct dentry *dentry)
{
	const struct dentry *parent, *root = dentry->d_sb->s_root;
	const struct inode *inode;

	for (;; dentry = parent) {
		inode = d_inode_rcu(dentry);
		if (inode && READ_ONCE(inode->i_fsnotify_mask) & FS_ON_SUBTREE)
			return true;
		parent = READ_ONCE(dentry->d_parent);
		if (parent == dentry)
			return dentry != root;
	}
}

/* After a rename anywhere it is the groups that find out. */
static bool so_is_below_any(const struct dentry *dentry)
{
	unsigned int seq = read_seqbegin(&rename_lock);

	return so_may_be_below(dentry) || read_seqretry(&rename_lock, seq);
}

static bool so_is_dir_below_any(struct inode *dir)
{
	const struct dentry *dentry = d_find_alias_rcu(dir);

	return !dentry || so_is_below_any(dentry);
}

/**
 * __fsnotify_subtree_watched - does an event happen below a marked directory?
 * @mask: what happened: FS_* bits
 * @data: what it happened to
 * @data_type: what @data is
 * @dir: the directory whose entry changes, if it is about that
 *
 * Context: Process context. Takes no lock but that of a directory.
 * Return: false if it is for no group that asks for what is below a directory;
 * true if it may be, for each of them to look.
 */
bool __fsnotify_subtree_watched(u32 mask, const void *data, int data_type,
				struct inode *dir)
{
	struct dentry *dentry = fsnotify_data_dentry(data, data_type);
	struct inode *inode;
	bool watched;

	rcu_read_lock();
	if (mask & ALL_FSNOTIFY_DIRENT_EVENTS) {
		watched = so_is_dir_below_any(dir) ||
			  (mask & FS_RENAME && dentry &&
			   so_is_below_any(dentry->d_parent));
	} else if (dentry) {
		watched = so_is_below_any(dentry);
	} else {
		inode = fsnotify_data_inode(data, data_type);
		watched = inode && S_ISDIR(inode->i_mode) &&
			  so_is_dir_below_any(inode);
	}
	rcu_read_unlock();
	return watched;
}

static struct so_below so_walk_up(const struct dentry *dentry,
				  const struct fsnotify_group *fsn, bool is_dir)
{
	const struct dentry *parent, *root = dentry->d_sb->s_root;
	struct so_below below = {};
	struct inode *inode;

	for (;; dentry = parent) {
		inode = d_inode_rcu(dentry);
		if (inode && READ_ONCE(inode->i_fsnotify_mask) & FS_ON_SUBTREE)
			so_add_mark(inode, fsn, is_dir, &below);
		parent = READ_ONCE(dentry->d_parent);
		if (parent == dentry)
			break;
	}
	below.connected = dentry == root;
	return below;
}

static struct so_below so_walk_up_often(const struct dentry *dentry,
					const struct fsnotify_group *fsn,
					bool is_dir)
{
	struct so_below below;
	unsigned int seq;
	int i;

	for (i = 0; i <= SO_MAX_RETRIES; i++) {
		seq = read_seqbegin(&rename_lock);
		below = so_walk_up(dentry, fsn, is_dir);
		if (likely(!read_seqretry(&rename_lock, seq)))
			return below;
	}
	read_seqlock_excl(&rename_lock);
	below = so_walk_up(dentry, fsn, is_dir);
	read_sequnlock_excl(&rename_lock);
	return below;
}

/**
 * fanotify_so_subtrees_wanted - what is wanted of a file for where it is?
 * @mark: the group's mark on the superblock, with a hub
 * @dentry: the file, or, if it is about an entry of a directory, that; NULL if
 *          it is not known by which name, or
 * @dir: the directory is known as an inode
 * @is_dir: it happened to a directory
 * @ignored: is told what is not wanted
 *
 * Where a file is that was opened by handle and has no directory yet is not
 * known: who guards is asked about it. So it is of all files of a file system
 * that does not know its own root, as NFS.
 *
 * Context: Process context, inside fsnotify_mark_srcu. Takes the lock of @dir,
 * and rename_lock.
 * Return: FAN_* bits.
 */
u32 fanotify_so_subtrees_wanted(struct fsnotify_mark *mark,
				const struct dentry *dentry, struct inode *dir,
				bool is_dir, u32 *ignored)
{
	const struct fanotify_so_hub *hub = fanotify_so_mark(mark)->hub;
	struct so_below below = { .connected = true };
	u32 asked;

	rcu_read_lock();
	if (!dentry && dir)
		dentry = d_find_alias_rcu(dir);
	if (dentry)
		below = so_walk_up_often(dentry, mark->group, is_dir);
	rcu_read_unlock();

	*ignored |= below.ignored;
	asked = READ_ONCE(hub->asked);
	if (!below.connected && (!is_dir || asked & FAN_ONDIR))
		below.asked |= asked & FANOTIFY_PERM_EVENTS;
	return below.asked;
}

/**
 * fanotify_so_subtree_prepare - see that a directory can be one to look below
 * @mark: the mark of the directory
 *
 * Context: Process context, mark_mutex held. May sleep.
 * Return: 0 or -ENOMEM.
 */
int fanotify_so_subtree_prepare(struct fsnotify_mark *mark)
{
	struct fanotify_so_subtree *tree;

	fsnotify_group_assert_locked(mark->group);
	if (fanotify_so_mark(mark)->subtree)
		return 0;
	tree = kzalloc(sizeof(*tree), GFP_KERNEL_ACCOUNT);
	if (!tree)
		return -ENOMEM;
	INIT_LIST_HEAD(&tree->list);
	/* Pairs with fanotify_so_subtree() */
	smp_store_release(&fanotify_so_mark(mark)->subtree, tree);
	return 0;
}

/**
 * fanotify_so_hub_prepare - see that a mark on a superblock can be a hub
 * @mark: the mark of the superblock
 *
 * Context: Process context, mark_mutex held. May sleep.
 * Return: 0 or -ENOMEM.
 */
int fanotify_so_hub_prepare(struct fsnotify_mark *mark)
{
	struct fanotify_so_hub *hub;

	fsnotify_group_assert_locked(mark->group);
	if (fanotify_so_mark(mark)->hub)
		return 0;
	hub = kzalloc(sizeof(*hub), GFP_KERNEL_ACCOUNT);
	if (!hub)
		return -ENOMEM;
	INIT_LIST_HEAD(&hub->subtrees);
	/* Pairs with fanotify_so_hub() */
	smp_store_release(&fanotify_so_mark(mark)->hub, hub);
	return 0;
}

/* The hub asks for what one of its directories asks for. */
static void so_update_hub(struct fsnotify_mark *mark)
{
	struct fanotify_so_hub *hub = fanotify_so_mark(mark)->hub;
	const struct fanotify_so_subtree *tree;
	u32 asked = 0;

	fsnotify_group_assert_locked(mark->group);
	list_for_each_entry(tree, &hub->subtrees, list)
		asked |= tree->asked;
	WRITE_ONCE(hub->asked, asked);
	WRITE_ONCE(hub->used, !list_empty(&hub->subtrees));
	fanotify_so_mark_update(mark);
}

static void so_unlist(struct fanotify_so_subtree *tree)
{
	if (list_empty(&tree->list))
		return;
	list_del_init(&tree->list);
	so_update_hub(tree->hub);
	fsnotify_put_mark(tree->hub);
	tree->hub = NULL;
}

/**
 * fanotify_so_subtree_set - say what is wanted below a directory
 * @mark: the prepared mark of the directory
 * @hub: the prepared mark of its superblock
 * @mask: the events to report
 * @ignored_mask: the events not to report
 *
 * Context: Process context, mark_mutex held.
 */
void fanotify_so_subtree_set(struct fsnotify_mark *mark,
			     struct fsnotify_mark *hub, u32 mask,
			     u32 ignored_mask)
{
	struct fanotify_so_subtree *tree = fanotify_so_mark(mark)->subtree;

	fsnotify_group_assert_locked(mark->group);
	WRITE_ONCE(tree->asked, mask);
	WRITE_ONCE(tree->ignored, ignored_mask);
	fanotify_so_mark_update(mark);
	if (list_empty(&tree->list)) {
		list_add(&tree->list, &fanotify_so_mark(hub)->hub->subtrees);
		fsnotify_get_mark(hub);
		tree->hub = hub;
	}
	so_update_hub(hub);
}

/**
 * fanotify_so_subtree_clear - look for what is below a directory no more
 * @mark: the mark of the directory, on which that was set
 *
 * Context: Process context, mark_mutex held.
 */
void fanotify_so_subtree_clear(struct fsnotify_mark *mark)
{
	struct fanotify_so_subtree *tree = fanotify_so_mark(mark)->subtree;

	fsnotify_group_assert_locked(mark->group);
	WRITE_ONCE(tree->asked, 0);
	WRITE_ONCE(tree->ignored, 0);
	fanotify_so_mark_update(mark);
	so_unlist(tree);
}

/**
 * fanotify_so_subtree_gone - a directory is not one to look below any more
 * @mark: its mark, which goes away with the directory, or with the group
 *
 * Context: Process context, called once. Takes the mark mutex.
 */
void fanotify_so_subtree_gone(struct fsnotify_mark *mark)
{
	struct fanotify_so_subtree *tree = fanotify_so_mark(mark)->subtree;
	struct fsnotify_mark *hub;
	bool idle = false;

	fsnotify_group_lock(mark->group);
	hub = tree->hub;
	if (hub) {
		fsnotify_get_mark(hub);
		so_unlist(tree);
		/*
		 * If it is detached already its connector may be going. Pairs
		 * with fsnotify_free_mark(), which is not under the mutex.
		 */
		idle = READ_ONCE(hub->flags) & FSNOTIFY_MARK_FLAG_ATTACHED &&
		       fanotify_so_mark_is_idle(hub);
		if (idle)
			fsnotify_detach_mark(hub);
	}
	fsnotify_group_unlock(mark->group);

	if (idle)
		fsnotify_free_mark(hub);
	if (hub)
		fsnotify_put_mark(hub);
}
