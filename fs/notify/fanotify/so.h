/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back of PF_FANOTIFY: groups of socket listeners, their events and their
 * marks. Only the so_*.c files beside this header include it.
 *
 * so_group.c  groups, from bind() to the last reference
 * so_order.c  the order of the groups, and who hears of whose open files
 * so_mark.c   marks: on files, on superblocks, and how many a user has
 * so_ignore.c what a global listener ignores by the kind of file system
 * so_global.c global listeners: a mark on every superblock
 * so_show.c   the marks of a group, for people
 * so_set.c    setting the marks that a user asks for
 * so_subtree.c marks on everything below a directory
 * so_fsid.c   what file system a file is on, for a handle
 * so_handle.c what fsnotify calls when something happens to a file
 * so_info.c   what an event tells of its file when it happens
 * so_path.c   where the file is when the event is read
 * so_clock.c  how long they wait
 * so_perm.c   operations that wait for an answer, and those who give it
 * so_evict.c  listeners that do not answer
 * so_member.c sockets that share the events of a group
 * so_share.c  groups that have a number, and can be joined
 * so_verdict.c answers that hold for the next time as well
 * so_rules.c  what the members of a group agree on
 * so_queue.c  the queue between those who cause events and those who read
 * so_merge.c  finding an event that another one can join
 * so_wait.c   those who wait for the queue
 * so_open.c   the open file that comes with an event
 * so_limits.c sysctls
 *
 * LOCK ORDER:
 *	sb->s_umount
 *	  so_global_lock
 *	    fsnotify_group->mark_mutex
 *	      fsnotify_mark->lock, connector->lock
 *	      group->sbs (its xa_lock)
 *	so_order_lock
 *	so_share_lock
 *	group->lock
 *	  fsnotify_mark->lock
 *	  what mod_delayed_work() takes
 * Making a path takes mount_lock, and looking for subtrees an i_lock, and
 * rename_lock if it has to: nothing under any of these. Nothing else is taken
 * under so_order_lock, under so_share_lock, nor under group->sbs. Above all of
 * them are the front's lock_sock(), in bind() and for FANOTIFY_REPORT, the list
 * of its sockets, and, when a socket is closed, the lock of its inode.
 *
 * Whoever holds so_global_lock never goes for an s_umount.
 *
 * LIFETIME: a group is born with two references of its fsnotify group. One is
 * the socket's and goes when it leaves, as each further socket has one; the
 * other goes when the group is taken down. Each mark holds one more, and so do
 * the work items that end a lingering group and let go of an evicted one, while
 * they are queued. Taking down has two phases: the group is shut down, so that
 * no event and no mark gets in any more, and what is there is dropped; to wait
 * for those who are still inside is left to a work item. The memory is freed
 * with the last reference, after a grace period.
 *
 * A mark that is set on a subtree holds the mark on the superblock that it hangs
 * on. Whichever goes first, by its directory, its superblock or the group: that
 * one is told when the other is freed, which takes mark_mutex.
 */
#ifndef _FS_NOTIFY_FANOTIFY_SO_H
#define _FS_NOTIFY_FANOTIFY_SO_H

#include <linux/cred.h>
#include <linux/fanotify.h>
#include <linux/fanotify_socket.h>
#include <linux/fsnotify_backend.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "so_event.h"
#include "so_mark.h"

/* Queued events are hashed into so many lists to find those to merge with. */
#define FANOTIFY_SO_MERGE_BITS	10

/* Operations that wait are hashed into so many lists, by their cookies. */
#define FANOTIFY_SO_ASKED_BITS	10

/* As many magic numbers can be ignored by a group. */
#define FANOTIFY_SO_MAX_IGNORED	32

/* Bits of what has been told of a member that is gone: in the log, by SIGIO */
#define FANOTIFY_SO_REPORTED	0
#define FANOTIFY_SO_SIGNALLED	1

/**
 * struct fanotify_so_ignored - file systems that are not listened to
 * @magic: The magic number of their superblocks.
 * @mask: FAN_* bits of the events to ignore; 0 if this slot is free.
 *
 * All under mark_mutex.
 */
struct fanotify_so_ignored {
	u64 magic;
	u32 mask;
};

/**
 * struct fanotify_so_sb_count - a superblock that a group has marks on
 * @sb: The superblock; never looked into. Constant.
 * @marks: How many marks that say so [lock of group->sbs].
 */
struct fanotify_so_sb_count {
	const struct super_block *sb;
	unsigned long marks;
};

/**
 * struct fanotify_so_group - a group of listeners
 * @fsn: The group as fsnotify knows it. Constant; gone before an RCU reader
 *       of so_order may be through with this group.
 * @number: The priority plus 1, as in @fsn. Constant.
 * @net: The cookie of the network namespace of its sockets. Constant.
 * @group_num: Its number there; 0 if nobody can join it. Constant.
 * @cred: Who bound the first socket; a reference. Constant.
 * @sid: What security modules know that one as. Constant.
 * @ucounts: Whom the group and its marks count for; a reference. Constant.
 * @counted: The group does [@lock]; also who makes it sets it, without.
 * @mask: The events of a global listener, and FAN_ONDIR; 0 for a directed
 *        one. Constant.
 * @f_flags: How the files of the events are opened: O_* flags. Constant.
 * @order: In so_order [so_order_lock, RCU].
 * @global: In so_global_groups [so_global_lock]. Empty unless global.
 * @shared: In so_shared while it can be joined [so_share_lock].
 * @born: It can be joined already [so_share_lock].
 * @rcu: Frees the group.
 * @sbs: struct fanotify_so_sb_count of each superblock that the group has marks
 *       on, by its address. Grows under mark_mutex; its own lock for the rest;
 *       whether there is one is read under RCU.
 * @last_sb: The one that was looked for last, or NULL [lock of @sbs].
 * @ignored: What the marks on superblocks ignore [mark_mutex].
 * @call: Counts the calls that set marks [mark_mutex].
 * @closed: Nobody sets a mark any more [mark_mutex]. Superblocks still get
 *          theirs, until the group is off @global.
 * @lock: Protects the queue and the members. Never taken from an interrupt.
 * @returned: Permission events that members took in vain, oldest first, to be
 *            read before those of @queue [@lock].
 * @queue: Events to be read, oldest first [@lock]. May be tested for
 *         emptiness, as @returned, without it by those who then sleep on @wait
 *         or wake it.
 * @overflow: Stands in @queue where the first of the lost events would have
 *            stood, and is not on it while none is lost [@lock].
 * @merge: The events of @queue by fanotify_so_merge_list() [@lock].
 * @spare: Events that have been read, to be used again [@lock].
 * @nr_spare: How many [@lock].
 * @queued: Events on @queue but for @overflow and permission events [@lock].
 * @asking: Permission events on @queue and @returned [@lock].
 * @max_queued: As many may be on it [@lock].
 * @lost: Events that did not get in since @overflow was last taken [@lock].
 * @lost_ever: Events that did not get in, ever [@lock].
 * @shutdown: No event gets in any more, and nobody joins; all members are gone
 *            [@lock]. May be read without it, as it is never taken back.
 * @evicted: And that because no answers came [@lock]. May be read without it.
 * @asked: Operations that wait for an answer, by the hash of their cookies
 *         [@lock].
 * @waiting: All of them, oldest first [@lock].
 * @nr_waiting: How many [@lock].
 * @last_cookie: The one that was given out last [@lock].
 * @asks_since: When the first one was, in nanoseconds of fanotify_so_now(); 0
 *              while nobody has been asked anything [@lock].
 * @turn: Goes on with each start of a clock and each timeout that counts, to
 *        tell which came first [@lock].
 * @rules: What the members agree on [@lock].
 * @keeps: Verdicts are kept, since a member has asked for it once. Set once,
 *         and read without a lock.
 * @timeouts: Operations whose time was up, ever [@lock].
 * @unasked: Operations that got the policy's verdict at once, ever [@lock].
 * @members: The sockets [@lock, RCU].
 * @sockets: How many [@lock]. May be read without it.
 * @live: How many of them are not gone [@lock]. May be read without it.
 * @answered: The turn of the last answer [@lock].
 * @linger_until: While none is left: when the group ends, in nanoseconds of
 *                fanotify_so_now() [@lock].
 * @wait: Readers and pollers of every member sleep here.
 * @linger: Ends a group that has no member any more.
 * @evict: Does for a group that was evicted what must not hold up an operation.
 * @destroy: Takes down what may have to wait for others.
 */
struct fanotify_so_group {
	struct fsnotify_group *fsn;
	u64 number;
	u64 net;
	u32 group_num;
	const struct cred *cred;
	u32 sid;
	struct ucounts *ucounts;
	bool counted;
	u32 mask;
	u32 f_flags;
	struct list_head order;
	struct list_head global;
	struct list_head shared;
	bool born;
	struct rcu_head rcu;	/* kvfree_rcu() wants it near the start */

	struct xarray sbs;
	struct fanotify_so_sb_count *last_sb;
	struct fanotify_so_ignored ignored[FANOTIFY_SO_MAX_IGNORED];
	u64 call;
	bool closed;

	spinlock_t lock;	/* see @lock above */
	struct list_head returned;
	struct list_head queue;
	struct list_head overflow;
	struct hlist_head merge[1 << FANOTIFY_SO_MERGE_BITS];
	struct hlist_head spare;
	unsigned int nr_spare;
	unsigned int queued;
	unsigned int asking;
	unsigned int max_queued;
	u64 lost;
	u64 lost_ever;
	bool shutdown;
	bool evicted;
	bool keeps;
	struct list_head members;
	unsigned int sockets;
	unsigned int live;
	u64 answered;
	u64 linger_until;

	struct hlist_head asked[1 << FANOTIFY_SO_ASKED_BITS];
	struct list_head waiting;
	unsigned int nr_waiting;
	u64 last_cookie;
	u64 asks_since;
	u64 turn;
	struct fanotify_so_rules rules;
	u64 timeouts;
	u64 unasked;

	wait_queue_head_t wait;
	struct delayed_work linger;
	struct work_struct evict;
	struct work_struct destroy;
};

/* so_group.c */
u32 fanotify_so_addr_mask(const struct fanotify_addr *addr);
void fanotify_so_group_uncount(struct fanotify_so_group *group);
void fanotify_so_group_end(struct fanotify_so_group *group);
void fanotify_so_group_shutdown(struct fanotify_so_group *group);

/* so_share.c */
void fanotify_so_share_init(struct fanotify_so_group *group, u64 net,
			    const struct fanotify_addr *addr);
struct fanotify_so_group *
fanotify_so_share_find(u64 net, u32 group_num, struct fanotify_so_group *new);
void fanotify_so_share_born(struct fanotify_so_group *group);
void fanotify_so_share_remove(struct fanotify_so_group *group);
int fanotify_so_share_join(struct fanotify_so_group *group,
			   const struct fanotify_addr *addr, u32 report,
			   struct fanotify_so_member *member);
void fanotify_so_share_linger(struct fanotify_so_group *group);

/* so_member.c */
void fanotify_so_member_add(struct fanotify_so_group *group,
			    struct fanotify_so_member *member);
int fanotify_so_member_join(struct fanotify_so_group *group,
			    struct fanotify_so_member *member);
void fanotify_so_member_end(struct fanotify_so_group *group,
			    struct fanotify_so_member *member, bool evicted);
void fanotify_so_member_remove(struct fanotify_so_group *group,
			       struct fanotify_so_member *member);
void fanotify_so_hand_on(struct fanotify_so_group *group);

/* so_order.c */
void fanotify_so_order_add(struct fanotify_so_group *group);
void fanotify_so_order_remove(struct fanotify_so_group *group);
struct fanotify_so_sb_count *
fanotify_so_order_get_sb(struct fanotify_so_group *group,
			 struct super_block *sb, gfp_t gfp);
void fanotify_so_order_put_sb(struct fanotify_so_group *group,
			      struct fanotify_so_sb_count *count);
bool fanotify_so_order_heard(const struct fanotify_so_group *group,
			     const struct super_block *sb);

/* so_ignore.c */
u32 fanotify_so_ignored_mask(const struct fanotify_so_group *group,
			     const struct super_block *sb);

/* so_global.c */
bool fanotify_so_sb_has_files(const struct super_block *sb);
int fanotify_so_global_add(struct fanotify_so_group *group);
void fanotify_so_global_remove(struct fanotify_so_group *group);

/* so_handle.c */
int fanotify_so_handle_event(struct fsnotify_group *fsn, u32 mask,
			     const void *data, int data_type,
			     struct inode *dir, const struct qstr *name,
			     u32 cookie, struct fsnotify_iter_info *iter_info);

/* so_evict.c */
void fanotify_so_evict_init(struct fanotify_so_group *group);
bool fanotify_so_count_timeout(struct fanotify_so_group *group,
			       const struct fanotify_so_perm *perm);
void fanotify_so_evict(struct fanotify_so_group *group);

/* so_verdict.c */
void fanotify_so_verdict_start(struct fanotify_so_group *group);
void fanotify_so_verdict_end(struct fanotify_so_group *group);
void fanotify_so_verdict_prepare(struct fanotify_so_group *group,
				 const struct file *file,
				 struct fanotify_so_perm *perm);
void fanotify_so_verdict_keep(const struct fanotify_so_perm *perm);
void fanotify_so_verdict_outdate(struct fsnotify_mark *mark);

/* so_rules.c */
void fanotify_so_rules_init(struct fanotify_so_group *group);
bool fanotify_so_ignores_current(struct fanotify_so_group *group);

/* so_limits.c */
bool fanotify_so_may_wait(unsigned int waiting);

/* so_wait.c */
void fanotify_so_wake(struct fanotify_so_group *group);
void fanotify_so_wake_everyone(struct fanotify_so_group *group);
void fanotify_so_wake_all(struct fanotify_so_group *group);

#endif /* _FS_NOTIFY_FANOTIFY_SO_H */
