/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY: events, from when something happens to when it is told, and the
 * operations that wait for an answer. For the lock order see so.h.
 */
#ifndef _FS_NOTIFY_FANOTIFY_SO_EVENT_H
#define _FS_NOTIFY_FANOTIFY_SO_EVENT_H

#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/fanotify.h>
#include <linux/fanotify_socket.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/path.h>
#include <linux/pid.h>

struct fanotify_so_group;
struct fsnotify_mark;

/**
 * struct fanotify_so_event - an event that waits to be read
 * @list: In group->queue, or in group->returned [group->lock]. Empty while a
 *        reader has it.
 * @hash: In group->merge while it is in group->queue; that of a permission
 *        event in group->asked while there is no answer [group->lock]. In
 *        group->spare it is memory, and nothing in it but this means anything.
 * @path: The open file; a reference. Empty if it is not about one. Constant.
 * @pid: The thread that caused it; a reference. Constant.
 * @tgid: The process of that thread; a reference, unless it is @pid. Constant.
 * @mask: FAN_* bits [group->lock]; constant while a reader has it.
 * @f_flags: O_* flags that the thread has the file open with. Constant.
 * @report: What was to be told besides when it happened: FAN_REPORT_* bits.
 *          Constant.
 * @info: What of that is known already; NULL if nothing, as of a permission
 *        event. Its own. Constant.
 * @held: How long readers have had it in their hands in vain, in nanoseconds
 *        [group->lock].
 */
struct fanotify_so_event {
	struct list_head list;
	struct hlist_node hash;
	struct path path;
	struct pid *pid;
	struct pid *tgid;
	u32 mask;
	u32 f_flags;
	u32 report;
	struct fanotify_so_info *info;
	u64 held;
};

/* Records begin at a multiple of so many bytes. */
#define FANOTIFY_SO_RECORD_ALIGN	8

/* The most handles that an event tells of: old and new directory, and file */
#define FANOTIFY_SO_MAX_FIDS		3

/* Of which two have a name, and some file systems have long ones */
#define FANOTIFY_SO_MAX_FIDS_LEN \
	(2 * ALIGN(sizeof(struct fanotify_event_info_fid) + \
		   sizeof(struct file_handle) + MAX_HANDLE_SZ + PATH_MAX, \
		   FANOTIFY_SO_RECORD_ALIGN) + \
	 ALIGN(sizeof(struct fanotify_event_info_fid) + \
	       sizeof(struct file_handle) + MAX_HANDLE_SZ, \
	       FANOTIFY_SO_RECORD_ALIGN))

/**
 * struct fanotify_so_subject - what an event is about
 * @file: The open file; NULL if it is not about one.
 * @dentry: By which name, NULL if the event is about an inode, or about the
 *          entry of a directory.
 * @inode: The file; NULL for a new entry that has none yet.
 * @dir: The directory that it is in; of a rename the old one. NULL if it is not
 *       known, or nobody is to be told of it.
 * @name: What it is, or was, called there.
 * @new_dir: Of FAN_RENAME: the new directory, or NULL likewise.
 * @new_name: What it is called there.
 *
 * Lives on the stack of the task that causes the event; no references.
 */
struct fanotify_so_subject {
	const struct file *file;
	struct dentry *dentry;
	struct inode *inode;
	struct inode *dir;
	const struct qstr *name;
	struct inode *new_dir;
	const struct qstr *new_name;
};

/**
 * struct fanotify_so_info - what an event tells besides a descriptor
 * @path: Whose path is told: the directory, if it is about an entry of that;
 *        else the file; a reference, with whatever mount there is. Empty if it
 *        is not known, or not wanted, or the event has an open file.
 * @new_path: Of FAN_RENAME: the new directory, likewise.
 * @name: What is to be added to @path; NULL if nothing.
 * @new_name: Likewise for @new_path.
 * @records_len: Bytes of records that are encoded already.
 * @records: These, and the names behind them.
 *
 * Constant.
 */
struct fanotify_so_info {
	struct path path;
	struct path new_path;
	char *name;
	char *new_name;
	unsigned int records_len;
	u8 records[] __aligned(FANOTIFY_SO_RECORD_ALIGN);
};

/**
 * struct fanotify_so_clock - how long an operation waits
 * @started: The turn of the group in which it last started.
 * @period: How long from then on, if nothing comes in between. Constant.
 * @end: When the time is up.
 * @limit: When it is up in any case. Constant.
 * @stopped: It stands still, because the kernel opens the event's file.
 * @left: What is then left.
 *
 * All under group->lock, and but for @started in nanoseconds of
 * fanotify_so_now().
 */
struct fanotify_so_clock {
	u64 started;
	u64 period;
	u64 end;
	u64 limit;
	bool stopped;
	s64 left;
};

/**
 * struct fanotify_so_perm - an operation that waits for an answer
 * @event: What is asked. It has no references of its own: the operation has
 *         the file open for as long as it waits.
 * @waiting: In group->waiting while there is no answer [group->lock].
 * @taken: In the taken of the member that has it, from when that has got it
 *         until there is an answer; else empty [group->lock].
 * @cookie: What it is known by. Constant.
 * @task: Whom to wake. Constant.
 * @clock: How long it waits.
 * @taker: The member that has read it, or is about to; NULL if none has
 *         [group->lock].
 * @verdict: FAN_ALLOW or FAN_DENY; 0 while there is no answer [group->lock].
 * @mark: The file's own mark, which may keep the answer; a reference of the
 *        operation's. NULL if none is to keep it. Constant.
 * @generation: That of @mark when the event was queued. Constant.
 * @fsid: The file system, for what the reader is to be told. Constant.
 *
 * Lives on the stack of the task that waits, which takes group->lock before it
 * leaves. So it costs no memory, and whoever finds it under that lock may use
 * it until the lock is dropped.
 */
struct fanotify_so_perm {
	struct fanotify_so_event event;
	struct list_head waiting;
	struct list_head taken;
	u64 cookie;
	struct task_struct *task;
	struct fanotify_so_clock clock;
	struct fanotify_so_member *taker;
	u32 verdict;
	struct fsnotify_mark *mark;
	u32 generation;
	__kernel_fsid_t fsid;
};

/* so_clock.c */
u64 fanotify_so_now(void);
void fanotify_so_clock_start(struct fanotify_so_clock *clock, u64 now,
			     u32 timeout, u64 turn);
void fanotify_so_clock_restart(struct fanotify_so_clock *clock, u64 turn);
void fanotify_so_clock_stop(struct fanotify_so_clock *clock, u64 now);
void fanotify_so_clock_go_on(struct fanotify_so_clock *clock);
s64 fanotify_so_clock_left(const struct fanotify_so_clock *clock, u64 now);

/* so_perm.c */
void fanotify_so_perm_init(struct fanotify_so_group *group);
int fanotify_so_ask(struct fanotify_so_group *group, const struct file *file,
		    u32 mask, u32 report, __kernel_fsid_t fsid);
void fanotify_so_perm_take(struct fanotify_so_group *group,
			   struct fanotify_so_event *event,
			   struct fanotify_so_member *member, u64 now,
			   struct fanotify_so_taken *taken);
void fanotify_so_perm_put_back(struct fanotify_so_group *group,
			       const struct fanotify_so_taken *taken);
void fanotify_so_perm_return(struct fanotify_so_group *group,
			     struct fanotify_so_perm *perm);
bool fanotify_so_perm_delivered(struct fanotify_so_group *group, u64 cookie);
void fanotify_so_perm_release_all(struct fanotify_so_group *group);

/* so_queue.c */
void fanotify_so_queue_init(struct fanotify_so_group *group);
u32 fanotify_so_shown_flags(const struct file *file);
void fanotify_so_queue(struct fanotify_so_group *group,
		       const struct fanotify_so_subject *sub, u32 mask,
		       u32 report, __kernel_fsid_t fsid);
void fanotify_so_queue_lost(struct fanotify_so_group *group);
void fanotify_so_queue_shutdown(struct fanotify_so_group *group);

/* so_merge.c */
struct hlist_head *fanotify_so_merge_list(struct fanotify_so_group *group,
					  const struct fanotify_so_event *event);
bool fanotify_so_merge(struct fanotify_so_group *group,
		       const struct fanotify_so_event *with,
		       struct hlist_head *list);

/* so_info.c */
struct fanotify_so_info *
fanotify_so_info_alloc(u32 report, const struct fanotify_so_subject *sub,
		       u32 mask, __kernel_fsid_t fsid, gfp_t gfp);
void fanotify_so_info_free(struct fanotify_so_info *info);
bool fanotify_so_info_equal(const struct fanotify_so_info *a,
			    const struct fanotify_so_info *b);
unsigned int fanotify_so_info_encode(u32 report, const struct path *path,
				     __kernel_fsid_t fsid, u8 *buf);
struct dentry *fanotify_so_get_parent(struct fanotify_so_subject *sub,
				      u32 report, struct name_snapshot *name);
void fanotify_so_put_parent(struct dentry *parent, struct name_snapshot *name);

/* so_path.c */
struct vfsmount *fanotify_so_get_any_mount(struct super_block *sb);

/* Mostly the thread is the process, and has one reference for both. */
static inline void fanotify_so_get_pids(struct pid *pid, struct pid *tgid)
{
	get_pid(pid);
	if (tgid != pid)
		get_pid(tgid);
}

static inline void fanotify_so_put_pids(struct pid *pid, struct pid *tgid)
{
	if (tgid != pid)
		put_pid(tgid);
	put_pid(pid);
}

#endif /* _FS_NOTIFY_FANOTIFY_SO_EVENT_H */
