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
 * RENAMES: the walk takes no lock, and begins again if something was renamed
 * meanwhile, anywhere. When that was in vain a few times, it was below a
 * directory if one of the walks says so, and is ignored if all of them do: each
 * of them saw nothing but parents that were parents just now.
 */
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/slab.h>

#include "../fsnotify.h"
#include "so.h"

/* So often the walk begins again because of renames. */
#define SO_MAX_RETRIES	3

/* What the marks on the way up say, of one walk or of some */
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
		/* Pairs with fanotify_so_subtree_prepare() */
		tree = smp_load_acquire(&fanotify_so_mark(mark)->subtree);
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

static struct so_below so_walk_up(const struct dentry *dentry,
				  const struct fsnotify_group *fsn, bool is_dir)
{
	const struct dentry *parent, *root = dentry->d_sb->s_root;
	struct so_below below = {};
	struct inode *inode;

	for (;; dentry = parent) {
		inode = d_inode_rcu(dentry);
		if (inode && READ_ONCE(inode->i_fsnotify_mask) & FAN_ON_SUBTREE)
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
	struct so_below below = { .ignored = ~0 }, once;
	unsigned int seq;
	int i;

	for (i = 0; i <= SO_MAX_RETRIES; i++) {
		seq = read_seqbegin(&rename_lock);
		once = so_walk_up(dentry, fsn, is_dir);
		if (likely(!read_seqretry(&rename_lock, seq)))
			return once;
		below.asked |= once.asked;
		below.ignored &= once.ignored;
		below.connected |= once.connected;
	}
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
 * known: who guards is asked about it.
 *
 * Context: Process context, inside fsnotify_mark_srcu. Takes no lock but that
 * of @dir.
 * Return: FAN_* bits.
 */
u32 fanotify_so_subtrees_wanted(struct fsnotify_mark *mark,
				const struct dentry *dentry, struct inode *dir,
				bool is_dir, u32 *ignored)
{
	const struct fanotify_so_hub *hub = fanotify_so_mark(mark)->hub;
	struct so_below below = { .connected = true };

	rcu_read_lock();
	if (!dentry && dir)
		dentry = d_find_alias_rcu(dir);
	if (dentry)
		below = so_walk_up_often(dentry, mark->group, is_dir);
	rcu_read_unlock();

	*ignored |= below.ignored;
	if (!below.connected)
		below.asked |= READ_ONCE(hub->asked) & FANOTIFY_PERM_EVENTS;
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

	if (fanotify_so_mark(mark)->subtree)
		return 0;
	tree = kzalloc(sizeof(*tree), GFP_KERNEL_ACCOUNT);
	if (!tree)
		return -ENOMEM;
	INIT_LIST_HEAD(&tree->list);
	/* Pairs with so_add_mark() */
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

	if (fanotify_so_mark(mark)->hub)
		return 0;
	hub = kzalloc(sizeof(*hub), GFP_KERNEL_ACCOUNT);
	if (!hub)
		return -ENOMEM;
	INIT_LIST_HEAD(&hub->subtrees);
	/* Pairs with fanotify_so_has_subtrees() */
	smp_store_release(&fanotify_so_mark(mark)->hub, hub);
	return 0;
}

/* The hub asks for what one of its directories asks for. */
static void so_update_hub(struct fsnotify_mark *mark)
{
	struct fanotify_so_hub *hub = fanotify_so_mark(mark)->hub;
	const struct fanotify_so_subtree *tree;
	u32 asked = 0;

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
 * Both masks 0: it is not looked for any more.
 *
 * Context: Process context, mark_mutex held.
 */
void fanotify_so_subtree_set(struct fsnotify_mark *mark,
			     struct fsnotify_mark *hub, u32 mask,
			     u32 ignored_mask)
{
	struct fanotify_so_subtree *tree = fanotify_so_mark(mark)->subtree;

	WRITE_ONCE(tree->asked, mask);
	WRITE_ONCE(tree->ignored, ignored_mask);
	fanotify_so_mark_update(mark);
	if (!mask && !ignored_mask) {
		so_unlist(tree);
		return;
	}
	if (list_empty(&tree->list)) {
		list_add(&tree->list, &fanotify_so_mark(hub)->hub->subtrees);
		fsnotify_get_mark(hub);
		tree->hub = hub;
	}
	so_update_hub(hub);
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
		idle = fanotify_so_mark_is_idle(hub);
		if (idle)
			fsnotify_detach_mark(hub);
	}
	fsnotify_group_unlock(mark->group);

	if (idle)
		fsnotify_free_mark(hub);
	if (hub)
		fsnotify_put_mark(hub);
}
