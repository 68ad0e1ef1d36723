/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * PF_FANOTIFY: file access notification through a socket.
 *
 * Programs include <linux/fanotify.h>, which includes this file and declares
 * the event bits (FAN_OPEN and its siblings) that both interfaces share. The
 * guide is Documentation/filesystems/fanotify.txt.
 *
 * All fields are native-endian, no struct has a hole, and every reserved
 * field must be zero.
 */
#ifndef _UAPI_LINUX_FANOTIFY_SOCKET_H
#define _UAPI_LINUX_FANOTIFY_SOCKET_H

#include <linux/types.h>
#include <linux/fanotify.h>
#include <linux/socket.h>

#ifndef __KERNEL__
#ifndef AF_FANOTIFY
#define AF_FANOTIFY		46
#define PF_FANOTIFY		AF_FANOTIFY
#endif
#ifndef SOL_FANOTIFY
#define SOL_FANOTIFY		288
#endif
#endif

/**
 * struct fanotify_addr - what a socket is bound to
 *
 * @family: AF_FANOTIFY.
 * @priority: The lower, the earlier the listener is asked. It hears what
 *            listeners with higher numbers do with the files of their events.
 * @group_num: 0 for a group of this socket's own, else one that all sockets
 *             share that are bound to this number, in a network namespace.
 * @mask: With FAN_GLOBAL_LISTENER, the events to report, and FAN_ONDIR to
 *        report them for directories too. Ignored without it. The events of
 *        directories (FAN_CREATE and its siblings) need FANOTIFY_REPORT, which
 *        can be set before.
 * @f_flags: The open(2) flags of the descriptors that come with events.
 * @unused: Must be 0.
 */
struct fanotify_addr {
	__kernel_sa_family_t family;
	__u32 priority;
	__u32 group_num;
	__u32 mask;
	__u32 f_flags;
	__u32 unused[16];
} __attribute__((packed, aligned(2)));	/* as aligned as a struct sockaddr */

/**
 * struct fanotify_so_event_metadata - one event, as read from a socket
 *
 * @event_len: Bytes from here to the next event; at least the size of this
 *             struct. Step with FAN_SO_EVENT_NEXT().
 * @fd: An open descriptor of the file; FAN_NOFD in an FAN_Q_OVERFLOW event, in
 *      one that is not about an open file, and with FAN_REPORT_NOFD; below
 *      FAN_NOFD, the negated errno of the open that failed (EPERM is reported
 *      as EACCES, because -EPERM is FAN_NOFD).
 * @mask: What happened.
 * @f_flags: How the process that caused the event has the file open: the
 *           flags that fcntl(F_GETFL) would give it.
 * @pid: The thread that caused the event, in the reader's pid namespace; 0
 *       if it is not visible there.
 * @tgid: The process of that thread, likewise.
 * @cookie: In a permission event (FAN_OPEN_PERM and its siblings) what to give
 *          with the answer, never 0 and never the same twice in a group; in an
 *          FAN_Q_OVERFLOW event the number of events lost, else 0.
 *
 * After it come, up to @event_len, the records that FANOTIFY_REPORT asks for.
 * Each begins with a struct fanotify_event_info_header, at a multiple of 8
 * bytes, and has a multiple of 8 bytes, of which the last are 0 if need be.
 */
struct fanotify_so_event_metadata {
	__u32 event_len;
	__s32 fd;
	__u32 mask;
	__u32 f_flags;
	__s32 pid;
	__s32 tgid;
	__u64 cookie;
} __attribute__((packed));

/**
 * struct fanotify_event_info_path - record of where a file is
 *
 * @hdr: Of type FAN_EVENT_INFO_TYPE_PATH, _OLD_PATH or _NEW_PATH.
 * @flags: FAN_PATH_* bits.
 * @path: The path as the reader's root sees it, ending in a 0 byte. Empty with
 *        FAN_PATH_UNKNOWN and FAN_PATH_TOO_LONG.
 */
struct fanotify_event_info_path {
	struct fanotify_event_info_header hdr;
	__u32 flags;
	char path[];
};

/* The file, or the directory it was in, has been deleted. */
#define FAN_PATH_DELETED	0x00000001
/* The path does not begin at the reader's root, and leads nowhere from there. */
#define FAN_PATH_UNREACHABLE	0x00000002
/* The event is about a file whatever its name is, and does not tell one. */
#define FAN_PATH_UNKNOWN	0x00000004
/* The path has no room in PATH_MAX bytes. */
#define FAN_PATH_TOO_LONG	0x00000008

/**
 * struct fanotify_so_access - the answer to a permission event
 *
 * @cookie: The event's.
 * @response: FAN_ALLOW, or with FAN_CACHE if the event's file shall pass
 *            unasked until it is modified; FAN_DENY; FAN_RESET_TIMEOUT, which
 *            is no answer yet, but has the clock of the event start anew.
 */
struct fanotify_so_access {
	__u64 cookie;
	__u32 response;
} __attribute__((packed));

/**
 * struct fanotify_so_inode_mark - what to report, and not to report, of a file
 *
 * @fd: An open descriptor of the regular file or directory; one that was
 *      opened with O_PATH will do.
 * @mask: The events to report; FAN_ONDIR and FAN_EVENT_ON_CHILD say of a
 *        directory whether they are reported for itself and directories in
 *        it, and for what is in it. Must be 0 for a global listener.
 * @ignored_mask: The events not to report, likewise, until the file is
 *                modified, or with FAN_SURVIVE_MODIFY even then.
 *
 * With FANOTIFY_SET_MARK: replaces both masks of the file; if both are 0 its
 * mark is removed. What is marked is something else than the file if one of the
 * masks has FAN_ON_MOUNT, FAN_ON_FILESYSTEM (the mount, the file system that it
 * is on) or FAN_ON_SUBTREE (the directory and everything below it); then the
 * mark is removed if neither has anything else.
 */
struct fanotify_so_inode_mark {
	__s32 fd;
	__u32 mask;
	__u32 ignored_mask;
} __attribute__((packed));

/**
 * struct fanotify_so_sb - what not to report of all file systems of a kind
 *
 * @magic: Their magic number, see statfs(2) and linux/magic.h.
 * @mask: The events not to report, and FAN_ONDIR not to report them for
 *        directories either; 0 to stop ignoring.
 * @flags: Must be 0.
 */
struct fanotify_so_sb {
	__u64 magic;
	__u32 mask;
	__u32 flags;
} __attribute__((packed));

/* Options at level SOL_FANOTIFY */
#define FANOTIFY_ACCESS_RESPONSE	1	/* struct fanotify_so_access, or more */
#define FANOTIFY_SET_MARK		2	/* struct fanotify_so_inode_mark, or more */
#define FANOTIFY_IGNORE_SB		3	/* struct fanotify_so_sb */
#define FANOTIFY_RESPONSE_TIMEOUT	4	/* __u32, in milliseconds */
#define FANOTIFY_TIMEOUT_POLICY		5	/* __u32, FAN_ALLOW or FAN_DENY */
#define FANOTIFY_REPORT			6	/* __u32, FAN_REPORT_* bits */
#define FANOTIFY_IGNORE_SELF		7	/* __u32, 0 or 1 */
#define FANOTIFY_LINGER			8	/* __u32, in seconds */
#define FANOTIFY_FORGET			9	/* nothing: drop what FAN_CACHE kept */

/* As many marks can be set by one call. */
#define FAN_SO_MAX_MARKS	1024

/* What an event takes, while it waits to be read, of SO_RCVBUF bytes */
#define FAN_SO_EVENT_COST	256

#define FAN_SO_EVENT_LEN	(sizeof(struct fanotify_so_event_metadata))

/* No event is longer, whatever FANOTIFY_REPORT asks for. */
#define FAN_SO_MAX_EVENT_LEN	16896

/* FANOTIFY_RESPONSE_TIMEOUT, in milliseconds: unless set, and at most */
#define FAN_SO_DEFAULT_TIMEOUT	5000
#define FAN_SO_MAX_TIMEOUT	600000

/* FANOTIFY_LINGER, in seconds, at most */
#define FAN_SO_MAX_LINGER	60

/* A listener that lets so many rounds of events time out is evicted. */
#define FAN_SO_MAX_TIMEOUTS	10

/* Does a whole event start at @meta, with @len bytes of the buffer left? */
#define FAN_SO_EVENT_OK(meta, len) \
	((long)(len) >= (long)FAN_SO_EVENT_LEN && \
	 (long)(meta)->event_len >= (long)FAN_SO_EVENT_LEN && \
	 (long)(meta)->event_len <= (long)(len))

/* The event after @meta; takes the bytes of @meta off @len. */
#define FAN_SO_EVENT_NEXT(meta, len) \
	((len) -= (meta)->event_len, \
	 (struct fanotify_so_event_metadata *)((char *)(meta) + \
					       (meta)->event_len))

#endif /* _UAPI_LINUX_FANOTIFY_SOCKET_H */
