/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY: marks of socket groups. For the lock order see so.h.
 */
#ifndef _FS_NOTIFY_FANOTIFY_SO_MARK_H
#define _FS_NOTIFY_FANOTIFY_SO_MARK_H

#include <linux/fanotify.h>
#include <linux/fanotify_socket.h>
#include <linux/fsnotify_backend.h>
#include <linux/list.h>

struct dentry;
struct fanotify_so_group;

/* What is reported of the directory of a subtree by its own mark */
#define FANOTIFY_SO_TOP_EVENTS	FAN_DELETE_SELF

/* What a mark was set for by a user, see @scopes below */
#define FANOTIFY_SO_OBJECT	0x1
#define FANOTIFY_SO_SUBTREE	0x2

/**
 * struct fanotify_so_subtree - what is wanted below a directory
 * @list: In the hub's subtrees while anything is [mark_mutex].
 * @hub: The mark of the hub, a reference, while it is on @list [mark_mutex].
 * @asked: The events to report [mark_mutex]. May be read without it, as
 * @ignored: the events not to report [mark_mutex].
 */
struct fanotify_so_subtree {
	struct list_head list;
	struct fsnotify_mark *hub;
	u32 asked;
	u32 ignored;
};

/**
 * struct fanotify_so_hub - what the mark on a superblock is there for besides
 * @subtrees: What is wanted below directories of it [mark_mutex].
 * @asked: What one of them asks for [mark_mutex]. May be read without it, as
 * @used: whether there are any [mark_mutex].
 * @ignored: What a user wants not to hear of the superblock [mark_mutex]. May be
 *           read without it.
 */
struct fanotify_so_hub {
	struct list_head subtrees;
	u32 asked;
	u32 ignored;
	bool used;
};

/**
 * struct fanotify_so_mark - a mark of a socket group
 * @fsn: The mark as fsnotify knows it. Must be first.
 * @on: Where it is counted for its superblock, in group->sbs. NULL for one that a
 *      global listener has on every superblock, which is not. Constant.
 * @subtree: Of a directory: what is wanted below it; NULL until anything is.
 * @hub: Of a superblock, likewise; both go with the mark.
 * @fsid: The file system, for handles; 0 if it is not known. Constant.
 * @counted: It counts against the limit of the user [mark_mutex].
 * @scopes: What a user has set it for: FANOTIFY_SO_OBJECT, that what is marked
 *          itself, FANOTIFY_SO_SUBTREE, what is below it. It cannot go by the
 *          masks, which a modification clears [mark_mutex].
 * @planned: What @scopes has been since the group's call @call began
 *           [mark_mutex].
 * @call: See @planned [mark_mutex].
 * @asked: The events to report; @fsn.mask has those as well that the mark needs
 *         to keep verdicts, and for what is below [fsn.lock, mark_mutex].
 * @keeps: It keeps verdicts, and so hears of what outdates them [fsn.lock,
 *         mark_mutex].
 * @kept: The events in @fsn.ignore_mask that it got with a verdict [fsn.lock].
 * @generation: Counts what outdates verdicts [fsn.lock].
 */
struct fanotify_so_mark {
	struct fsnotify_mark fsn;
	struct fanotify_so_sb_count *on;
	struct fanotify_so_subtree *subtree;
	struct fanotify_so_hub *hub;
	__kernel_fsid_t fsid;
	bool counted;
	bool keeps;
	u8 scopes;
	u8 planned;
	u64 call;
	u32 asked;
	u32 kept;
	u32 generation;
};

/* so_mark.c */
int fanotify_so_add_sb_mark(struct fanotify_so_group *group,
			    struct super_block *sb);
void fanotify_so_mark_set(struct fsnotify_mark *mark, u32 mask,
			  u32 ignored_mask);
void fanotify_so_mark_update(struct fsnotify_mark *mark);
struct fsnotify_mark *fanotify_so_mark_make(struct fanotify_so_group *group,
					    void *obj, unsigned int obj_type,
					    struct super_block *sb,
					    unsigned int flags, bool counted,
					    gfp_t gfp);
int fanotify_so_mark_count(struct fanotify_so_group *group,
			   struct fsnotify_mark *mark);
void fanotify_so_mark_uncount(struct fanotify_so_group *group,
			      struct fsnotify_mark *mark);
bool fanotify_so_mark_is_idle(struct fsnotify_mark *mark);
u32 fanotify_so_subtree_mask(const struct fsnotify_mark *mark);
struct fsnotify_mark *fanotify_so_get_keeper(struct fanotify_so_group *group,
					     struct inode *inode);
void fanotify_so_freeing_mark(struct fsnotify_mark *mark,
			      struct fsnotify_group *fsn);
void fanotify_so_free_mark(struct fsnotify_mark *mark);

/* so_subtree.c */
u32 fanotify_so_subtrees_wanted(struct fsnotify_mark *mark,
				const struct dentry *dentry, struct inode *dir,
				bool is_dir, u32 *ignored);
int fanotify_so_subtree_prepare(struct fsnotify_mark *mark);
int fanotify_so_hub_prepare(struct fsnotify_mark *mark);
void fanotify_so_subtree_set(struct fsnotify_mark *mark,
			     struct fsnotify_mark *hub, u32 mask,
			     u32 ignored_mask);
void fanotify_so_subtree_clear(struct fsnotify_mark *mark);
void fanotify_so_subtree_gone(struct fsnotify_mark *mark);

/* so_fsid.c */
__kernel_fsid_t fanotify_so_file_fsid(const struct file *file);
__kernel_fsid_t fanotify_so_sb_fsid(const struct fanotify_so_group *group,
				    struct super_block *sb);
__kernel_fsid_t fanotify_so_event_fsid(struct fsnotify_iter_info *iter_info);

static inline struct fanotify_so_mark *fanotify_so_mark(struct fsnotify_mark *mark)
{
	return container_of(mark, struct fanotify_so_mark, fsn);
}

static inline struct fanotify_so_subtree *
fanotify_so_subtree(struct fsnotify_mark *mark)
{
	/* Pairs with fanotify_so_subtree_prepare() */
	return smp_load_acquire(&fanotify_so_mark(mark)->subtree);
}

static inline struct fanotify_so_hub *fanotify_so_hub(struct fsnotify_mark *mark)
{
	/* Pairs with fanotify_so_hub_prepare() */
	return smp_load_acquire(&fanotify_so_mark(mark)->hub);
}

#endif /* _FS_NOTIFY_FANOTIFY_SO_MARK_H */
