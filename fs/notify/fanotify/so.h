/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The back of PF_FANOTIFY: groups of socket listeners, their events and their
 * marks. Only the so_*.c files beside this header include it.
 *
 * so_group.c  groups, from bind() to the last reference
 * so_global.c global listeners: a mark on every superblock
 * so_handle.c what fsnotify calls when something happens to a file
 * so_queue.c  the queue between the two sides, and those who wait for it
 * so_open.c   the open file that comes with an event
 *
 * LOCK ORDER:
 *	sb->s_umount
 *	  so_global_lock
 *	    fsnotify_group->mark_mutex
 *	      fsnotify_mark->lock, connector->lock
 *	group->lock (innermost; nothing is taken under it)
 *
 * Whoever holds so_global_lock never goes for an s_umount.
 *
 * LIFETIME: a group is born with one reference of its fsnotify group, which
 * the socket holds, and each mark holds one more. The socket's goes back when
 * it leaves, in two phases: under group->lock the group is shut down, so that
 * no event gets in any more; the rest, which waits for others, is done by a
 * work item. The memory is freed with the last mark.
 */
#ifndef _FS_NOTIFY_FANOTIFY_SO_H
#define _FS_NOTIFY_FANOTIFY_SO_H

#include <linux/cred.h>
#include <linux/fanotify.h>
#include <linux/fanotify_socket.h>
#include <linux/fsnotify_backend.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

/* Events that wait to be read, before the next one is lost */
#define FANOTIFY_SO_MAX_QUEUED	16384

/**
 * struct fanotify_so_event - an event that waits to be read
 * @list: In group->queue [group->lock]. Empty while a reader has it.
 * @path: The file; a reference.
 * @pid: The thread that caused it; a reference.
 * @tgid: The process of that thread; a reference.
 * @mask: FAN_* bits.
 * @f_flags: O_* flags that the thread has the file open with.
 *
 * All but @list is constant from fanotify_so_queue() on.
 */
struct fanotify_so_event {
	struct list_head list;
	struct path path;
	struct pid *pid;
	struct pid *tgid;
	u32 mask;
	u32 f_flags;
};

/**
 * struct fanotify_so_group - a group of listeners
 * @fsn: The group as fsnotify knows it. Constant.
 * @cred: Who bound the first socket; a reference. Constant.
 * @mask: The events of a global listener, and FAN_ONDIR; 0 for a directed
 *        one. Constant.
 * @global: In so_global_groups [so_global_lock]. Empty unless global.
 * @lock: Protects the queue. Innermost, and never taken from an interrupt.
 * @queue: Events to be read, oldest first [@lock]. May be tested for
 *         emptiness without it by those who then sleep on @wait or wake it.
 * @overflow: Stands in @queue where the first of the lost events would have
 *            stood, and is not on it while none is lost [@lock].
 * @queued: Events on @queue but for @overflow [@lock].
 * @lost: Events that did not get in since @overflow was last taken [@lock].
 * @shutdown: No event gets in any more [@lock].
 * @wait: Readers and pollers of every member sleep here.
 * @destroy: Takes down what may have to wait for others.
 */
struct fanotify_so_group {
	struct fsnotify_group *fsn;
	const struct cred *cred;
	u32 mask;
	struct list_head global;

	spinlock_t lock;	/* see @lock above */
	struct list_head queue;
	struct list_head overflow;
	unsigned int queued;
	u64 lost;
	bool shutdown;

	wait_queue_head_t wait;
	struct work_struct destroy;
};

/* so_group.c */
int fanotify_so_add_sb_mark(struct fanotify_so_group *group,
			    struct super_block *sb);

/* so_global.c */
int fanotify_so_global_add(struct fanotify_so_group *group);
void fanotify_so_global_remove(struct fanotify_so_group *group);

/* so_handle.c */
int fanotify_so_handle_event(struct fsnotify_group *fsn, u32 mask,
			     const void *data, int data_type,
			     struct inode *dir, const struct qstr *name,
			     u32 cookie, struct fsnotify_iter_info *iter_info);

/* so_queue.c */
void fanotify_so_queue_init(struct fanotify_so_group *group);
void fanotify_so_queue(struct fanotify_so_group *group,
		       const struct file *file, u32 mask);
void fanotify_so_queue_lost(struct fanotify_so_group *group);
void fanotify_so_queue_shutdown(struct fanotify_so_group *group);

#endif /* _FS_NOTIFY_FANOTIFY_SO_H */
