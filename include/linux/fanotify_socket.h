/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The seam of PF_FANOTIFY: what the socket family (net/fanotify/, the front)
 * asks of the groups and their events (fs/notify/fanotify/so_*.c, the back),
 * and the one hook by which the VFS tells the back of a new superblock.
 *
 * The front calls the back, never the other way round, and no pointer into
 * the front is kept by the back but to the sockets that are members: the
 * front can be a module.
 *
 * LIFETIME: fanotify_so_group_bind() gives the socket a group, and
 * fanotify_so_group_leave() takes it back. Between the two the socket may use
 * the group from any number of threads. An event that was taken belongs to
 * the taker until fanotify_so_put_back() or fanotify_so_finish().
 */
#ifndef _LINUX_FANOTIFY_SOCKET_H
#define _LINUX_FANOTIFY_SOCKET_H

#include <linux/fanotify.h>
#include <linux/list.h>
#include <linux/path.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <uapi/linux/fanotify_socket.h>

struct fanotify_so_event;
struct fanotify_so_group;
struct fanotify_so_info;
struct file;
struct fsnotify_mark;
struct pid;
struct seq_file;
struct sock;
struct super_block;

/**
 * struct fanotify_so_member - a socket as its group knows it
 * @list: In the group's members. The back's own.
 * @sk: The socket, which must outlive an RCU grace period after it has left, as
 *      must @binder. Constant.
 * @binder: The process that bound it; a reference of the socket's. Constant.
 * @comm: The name of that process, for people. Constant.
 * @queue_bytes: How much of the queue it asks for, in bytes; set before the
 *               socket is bound, then by fanotify_so_set_queue_bytes() only.
 * @timeouts: Rounds of timeouts of events that it had taken, since its last
 *            answer. The back's own, as all from here on.
 * @unread: Rounds of timeouts of events that nobody had taken, and
 * @unread_since: the group's turn when the last of them was counted.
 * @counted: The group's turn when the last round was counted.
 * @opening: Events that its readers have taken and not got yet, oldest first,
 *           but for those that have taken too long.
 * @taken: Permission events that it has got and not answered, oldest first.
 * @gone: It gets no event any more; see fanotify_so_is_over().
 * @evicted: And that because it did not answer.
 * @told: Bits of what has been told of that.
 */
struct fanotify_so_member {
	struct list_head list;
	struct sock *sk;
	struct pid *binder;
	char comm[TASK_COMM_LEN];
	u32 queue_bytes;
	unsigned int timeouts;
	unsigned int unread;
	u64 unread_since;
	u64 counted;
	struct list_head opening;
	struct list_head taken;
	bool gone;
	bool evicted;
	unsigned long told;
};

/**
 * struct fanotify_so_taken - an event in the hands of a reader
 * @event: The queued event that the references below come from. NULL for an
 *         overflow, which has none, and for a permission event, of which the
 *         reader got some, for the operation may be over.
 * @path: The open file. Empty for an overflow, and for an event that is not
 *        about one.
 * @pid: The thread that caused the event; NULL for an overflow.
 * @tgid: The process of that thread, with a reference of its own unless it is
 *        @pid; NULL for an overflow.
 * @mask: What happened: FAN_* bits.
 * @f_flags: How that thread has the file open: O_* flags.
 * @cookie: For a permission event what it is known by, for an overflow the
 *          number of events lost, else 0.
 * @report: What is to be told besides: FAN_REPORT_* bits.
 * @info: What of that is known already. Came with @event, too. The back's own.
 * @fsid: The file system, where it is not known. The back's own.
 * @heard: If a file is opened: others hear of it, and of what is done with it.
 *         The back's own.
 * @member: Whose reader it is.
 * @opening: In the member's list. The back's own.
 * @since: When it was taken, or as much earlier as others have had it in vain;
 *         0 if the group had asked nobody anything then. The back's own.
 *
 * Lives on the reader's stack, who alone reads and writes it, but for what is
 * the back's own: no lock.
 */
struct fanotify_so_taken {
	struct fanotify_so_event *event;
	struct path path;
	struct pid *pid;
	struct pid *tgid;
	u32 mask;
	u32 f_flags;
	u64 cookie;
	u32 report;
	struct fanotify_so_info *info;
	__kernel_fsid_t fsid;
	bool heard;
	struct fanotify_so_member *member;
	struct list_head opening;
	u64 since;
};

/* Does the reader get an open file? Not of an overflow, nor of an inode alone. */
static inline bool fanotify_so_opens(const struct fanotify_so_taken *taken)
{
	return taken->path.mnt && !(taken->report & FAN_REPORT_NOFD);
}

/* What FANOTIFY_REPORT can ask for, and what of that tells where things are */
#define FANOTIFY_SO_WHERE	(FAN_REPORT_FID | FAN_REPORT_DIR_FID | \
				 FAN_REPORT_NAME | FAN_REPORT_PATH)
#define FANOTIFY_SO_REPORT	(FANOTIFY_SO_WHERE | FAN_REPORT_TARGET_FID | \
				 FAN_REPORT_PIDFD | FAN_REPORT_NOFD)

/* What a mark is of, if it is not of the file */
#define FANOTIFY_SO_SCOPES	(FAN_ON_MOUNT | FAN_ON_FILESYSTEM | \
				 FAN_ON_SUBTREE)

/* What can only be reported to who is told where it was */
#define FANOTIFY_SO_DIR_EVENTS	(FANOTIFY_DIRENT_EVENTS | FAN_ATTRIB | \
				 FAN_DELETE_SELF | FAN_MOVE_SELF)

/**
 * struct fanotify_so_mark_req - what one mark shall be
 * @file: The open file that says what is marked; the caller's reference.
 * @scope: One of FANOTIFY_SO_SCOPES, or 0 for the file.
 * @mask: FAN_* bits of the events to report; both masks 0: no mark.
 * @ignored_mask: FAN_* bits of the events to ignore.
 * @fsid: The back's own, as all from here on, which the caller fills with 0.
 * @mark: What it is about; a reference.
 * @hub: A second mark that takes part; a reference.
 * @made: Which of them was made for this.
 * @detached: Which of them is one no more.
 */
struct fanotify_so_mark_req {
	struct file *file;
	u32 scope;
	u32 mask;
	u32 ignored_mask;
	__kernel_fsid_t fsid;
	struct fsnotify_mark *mark;
	struct fsnotify_mark *hub;
	u8 made;
	u8 detached;
};

/**
 * struct fanotify_so_stats - how a group is doing
 * @queued: Events that wait to be read, and the overflow if there is one.
 * @bytes: What the events among them take of the queue's bound.
 * @waiting: Operations that wait for an answer.
 * @lost: Events that did not get in, ever.
 * @timeouts: Operations that got the verdict of the policy for want of an
 *            answer in time, ever.
 * @unasked: Operations that got it without having been asked about, ever.
 */
struct fanotify_so_stats {
	u32 queued;
	u32 bytes;
	u32 waiting;
	u64 lost;
	u64 timeouts;
	u64 unasked;
};

/**
 * struct fanotify_so_rules - what the members of a group agree on
 * @timeout: How long an operation waits for an answer, in milliseconds.
 * @policy: FAN_ALLOW or FAN_DENY: the verdict when the time is up.
 * @ignore_self: 1: not to hear what the processes do that bound the members.
 * @linger: How long the group outlives its last member, in seconds.
 * @report: What events tell besides a descriptor: FAN_REPORT_* bits.
 */
struct fanotify_so_rules {
	u32 timeout;
	u32 policy;
	u32 ignore_self;
	u32 linger;
	u32 report;
};

/* Groups: so_group.c */
struct fanotify_so_group *
fanotify_so_group_bind(u64 net, const struct fanotify_addr *addr, u32 report,
		       struct fanotify_so_member *member);
void fanotify_so_group_quit(struct fanotify_so_group *group,
			    struct fanotify_so_member *member);
void fanotify_so_group_leave(struct fanotify_so_group *group,
			     struct fanotify_so_member *member);

/* Members: so_member.c */
bool fanotify_so_is_over(const struct fanotify_so_member *member);
bool fanotify_so_is_evicted(const struct fanotify_so_member *member);
void fanotify_so_set_queue_bytes(struct fanotify_so_group *group,
				 struct fanotify_so_member *member, u32 bytes);

/* Marks: so_set.c, so_ignore.c, so_show.c */
int fanotify_so_set_marks(struct fanotify_so_group *group,
			  struct fanotify_so_mark_req *reqs, unsigned int nr,
			  u32 report);
int fanotify_so_ignore_sb(struct fanotify_so_group *group, u64 magic,
			  u32 mask);
void fanotify_so_show_marks(struct fanotify_so_group *group,
			    struct seq_file *m);

/* The queue: so_queue.c, so_limits.c */
bool fanotify_so_take(struct fanotify_so_group *group,
		      struct fanotify_so_member *member,
		      struct fanotify_so_taken *taken);
void fanotify_so_put_back(struct fanotify_so_group *group,
			  struct fanotify_so_taken *taken);
void fanotify_so_finish(struct fanotify_so_group *group,
			struct fanotify_so_taken *taken);
void fanotify_so_get_stats(struct fanotify_so_group *group,
			   const struct fanotify_so_member *member,
			   struct fanotify_so_stats *stats);
u32 fanotify_so_clamp_queue_bytes(u32 bytes);

/* Permission: so_perm.c, so_verdict.c, so_rules.c */
int fanotify_so_answer(struct fanotify_so_group *group,
		       struct fanotify_so_member *member, u64 cookie,
		       u32 response);
int fanotify_so_forget(struct fanotify_so_group *group);
void fanotify_so_get_rules(struct fanotify_so_group *group,
			   struct fanotify_so_rules *rules);
int fanotify_so_set_timeout(struct fanotify_so_group *group, u32 timeout);
int fanotify_so_set_policy(struct fanotify_so_group *group, u32 policy);
int fanotify_so_set_ignore_self(struct fanotify_so_group *group, u32 ignore);
int fanotify_so_set_linger(struct fanotify_so_group *group, u32 linger);
int fanotify_so_set_report(struct fanotify_so_group *group, u32 report);

/* Waiting: so_wait.c */
int fanotify_so_wait(struct fanotify_so_group *group,
		     const struct fanotify_so_member *member, long *timeo);
void fanotify_so_pass_on(struct fanotify_so_group *group);
__poll_t fanotify_so_poll(struct fanotify_so_group *group,
			  const struct fanotify_so_member *member,
			  struct file *file, struct poll_table_struct *wait);

/* Records: so_path.c */
unsigned int fanotify_so_encode_records(const struct fanotify_so_taken *taken,
					u8 *buf);

/* Opening: so_open.c */
bool fanotify_so_open_may_wait(const struct fanotify_so_taken *taken);
int fanotify_so_open(const struct fanotify_so_group *group,
		     const struct fanotify_so_taken *taken, int flags,
		     struct file **filp);
int fanotify_so_open_pid(const struct fanotify_so_taken *taken,
			 struct file **filp);

/* The VFS: so_global.c */
#ifdef CONFIG_FANOTIFY_SOCKET
int fanotify_so_sb_born(struct super_block *sb);
#else
static inline int fanotify_so_sb_born(struct super_block *sb)
{
	return 0;
}
#endif /* CONFIG_FANOTIFY_SOCKET */

#endif /* _LINUX_FANOTIFY_SOCKET_H */
