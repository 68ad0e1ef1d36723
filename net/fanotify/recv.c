// SPDX-License-Identifier: GPL-2.0
/*
 * Events on their way to the user.
 *
 * Nothing gets lost between the queue and the user: the descriptor is reserved
 * before the file is opened and installed after the event has been copied, so
 * that up to that point everything can be undone and the event put back.
 */
#include <linux/fanotify.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "fanotify_sock.h"

/**
 * struct event_fd - a descriptor that the user does not have yet
 * @nr: What the event says: the descriptor, or why there is none.
 * @file: Its file; NULL if there is none.
 */
struct event_fd {
	int nr;
	struct file *file;
};

/**
 * struct reading - a read on its way
 * @group: The group.
 * @flags: How to open files: O_* flags.
 * @to: The buffer.
 * @event: Where an event with records is made, if there is any; else NULL.
 */
struct reading {
	struct fanotify_so_group *group;
	int flags;
	struct iov_iter *to;
	u8 *event;
};

static void event_fd_drop(struct event_fd *fd)
{
	if (!fd->file)
		return;
	fput(fd->file);
	put_unused_fd(fd->nr);
}

/* Errors are the reader's; that the file cannot be opened is not one. */
static int event_fd_open(struct event_fd *fd,
			 const struct fanotify_so_group *group, int flags,
			 const struct fanotify_so_taken *taken)
{
	struct file *file;
	int err;

	*fd = (struct event_fd){ .nr = FAN_NOFD };
	if (!fanotify_so_opens(taken))
		return 0;

	fd->nr = get_unused_fd_flags(flags);
	if (fd->nr < 0)
		return fd->nr;

	err = fanotify_so_open(group, taken, flags, &file);
	if (!err && !IS_ERR(file)) {
		fd->file = file;
		return 0;
	}
	put_unused_fd(fd->nr);
	if (!err)
		fd->nr = PTR_ERR(file);
	return err;
}

static void event_fd_install(const struct event_fd *fd)
{
	if (fd->file)
		fd_install(fd->nr, fd->file);
}

static int pidfd_open(struct event_fd *fd, const struct fanotify_so_taken *taken)
{
	*fd = (struct event_fd){ .nr = FAN_NOPIDFD };
	if (!(taken->report & FAN_REPORT_PIDFD))
		return 0;

	fd->nr = fanotify_so_open_pid(taken, &fd->file);
	/* These two are for the user; all others are the reader's. */
	return fd->nr < 0 && fd->nr != FAN_NOPIDFD && fd->nr != FAN_EPIDFD ?
	       fd->nr : 0;
}

/* Is there anything behind the 32 bytes? */
static bool has_records(const struct fanotify_so_taken *taken)
{
	return taken->report & ~FAN_REPORT_NOFD;
}

/* Returns the bytes of records that the event has, or -ENOMEM. */
static int make_records(struct reading *rd, const struct fanotify_so_taken *taken)
{
	struct fanotify_event_info_pidfd *pidfd;
	unsigned int len;
	u8 *records;

	if (!rd->event)
		rd->event = kvmalloc(FAN_SO_MAX_EVENT_LEN, GFP_KERNEL_ACCOUNT);
	if (!rd->event)
		return -ENOMEM;

	records = rd->event + FAN_SO_EVENT_LEN;
	len = fanotify_so_encode_records(taken, records);
	if (taken->report & FAN_REPORT_PIDFD) {
		pidfd = (void *)(records + len);
		pidfd->hdr = (struct fanotify_event_info_header){
			.info_type = FAN_EVENT_INFO_TYPE_PIDFD,
			.len = sizeof(*pidfd),
		};
		len += sizeof(*pidfd);
	}
	return len;
}

/* The last record, which could not be completed before there was room */
static void set_pidfd(struct reading *rd, unsigned int event_len, int nr)
{
	struct fanotify_event_info_pidfd *pidfd;

	pidfd = (void *)(rd->event + event_len - sizeof(*pidfd));
	pidfd->pidfd = nr;
}

static bool copy_event(struct reading *rd,
		       const struct fanotify_so_event_metadata *meta)
{
	if (meta->event_len == sizeof(*meta))
		return copy_to_iter_full(meta, sizeof(*meta), rd->to);
	memcpy(rd->event, meta, sizeof(*meta));
	return copy_to_iter_full(rd->event, meta->event_len, rd->to);
}

/* As the reader sees it: 0 if its pid namespace does not have this process. */
static s32 reader_pid(struct pid *pid)
{
	return pid_nr_ns(pid, task_active_pid_ns(current));
}

/* Returns the length of the event. */
static int deliver(struct reading *rd, const struct fanotify_so_taken *taken)
{
	struct fanotify_so_event_metadata meta = {
		.mask = taken->mask,
		.f_flags = taken->f_flags,
		.pid = reader_pid(taken->pid),
		.cookie = taken->cookie,
	};
	struct event_fd fd, pidfd;
	int err, len = 0;

	meta.tgid = taken->tgid == taken->pid ? meta.pid :
						reader_pid(taken->tgid);
	if (has_records(taken))
		len = make_records(rd, taken);
	if (len < 0)
		return len;
	meta.event_len = sizeof(meta) + len;
	if (meta.event_len > iov_iter_count(rd->to))
		return -EINVAL;

	err = event_fd_open(&fd, rd->group, rd->flags, taken);
	if (err)
		return err;
	err = pidfd_open(&pidfd, taken);
	if (err)
		goto out_drop_fd;

	/* It would not come to know of it, and others may. */
	err = -EINTR;
	if (fatal_signal_pending(current))
		goto out_drop_pidfd;

	meta.fd = fd.nr;
	if (taken->report & FAN_REPORT_PIDFD)
		set_pidfd(rd, meta.event_len, pidfd.nr);
	err = -EFAULT;
	if (!copy_event(rd, &meta))
		goto out_drop_pidfd;

	event_fd_install(&fd);
	event_fd_install(&pidfd);
	return meta.event_len;

out_drop_pidfd:
	event_fd_drop(&pidfd);
out_drop_fd:
	event_fd_drop(&fd);
	return err;
}

/*
 * What there is to tell, once. recvmmsg() leaves there that a signal came after
 * its first message, which is nothing to tell, and no number for user space.
 */
static int take_error(struct sock *sk)
{
	int err = sock_error(sk);

	return err == -ERESTARTSYS ? 0 : err;
}

/**
 * fanotify_recvmsg - read as many whole events as fit
 * @sock: the socket
 * @msg: where to
 * @len: size of the buffer in bytes
 * @flags: MSG_*
 *
 * Waits for the first event and for no other, nor for somebody who can hold up
 * the open of another one's file. An error after the first event ends the read,
 * and meets the next one again.
 *
 * Context: Process context, no lock held. Sleeps. Any number of threads may
 * be in here for one socket.
 * Return: the bytes read, 0 after shutdown(), or -EOPNOTSUPP for a flag that
 * asks for something events do not have or for a kernel thread, -ENOTCONN
 * before bind(), -EINVAL if the buffer cannot hold the event, -EAGAIN if there
 * is none and waiting is not wanted or took too long, -EMFILE, -ENFILE or
 * -ENOMEM if there is no descriptor or memory for its file, -EFAULT for a bad
 * buffer, and -EINTR or -ERESTARTSYS after a signal. After any of them the
 * event is still the first of the queue (if several readers fail at the same
 * time, theirs are, in any order). -ETIMEDOUT, once, for a listener that was
 * evicted.
 */
int fanotify_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		     int flags)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);
	size_t least = sizeof(struct fanotify_so_event_metadata);
	struct reading rd = { .group = group, .to = &msg->msg_iter };
	struct fanotify_so_taken taken;
	size_t done = 0;
	long timeo;
	int err;

	if (flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE))
		return -EOPNOTSUPP;
	/* It has no descriptors that anybody could close. */
	if (current->flags & PF_KTHREAD)
		return -EOPNOTSUPP;
	if (!group)
		return -ENOTCONN;
	if (len < least)
		return -EINVAL;
	err = take_error(sock->sk);
	if (err)
		return err;

	rd.flags = fsk->addr.f_flags | (force_o_largefile() ? O_LARGEFILE : 0);
	msg->msg_namelen = 0;
	timeo = sock_rcvtimeo(sock->sk, flags & MSG_DONTWAIT);
	do {
		/* What it takes now would be lost with it. */
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		if (!fanotify_so_take(group, &fsk->member, &taken)) {
			if (done)
				break;
			err = fanotify_so_wait(group, &fsk->member, &timeo);
			continue;
		}
		if (done && fanotify_so_open_may_wait(&taken)) {
			fanotify_so_put_back(group, &taken);
			break;
		}
		err = deliver(&rd, &taken);
		if (err < 0) {
			fanotify_so_put_back(group, &taken);
			break;
		}
		fanotify_so_finish(group, &taken);
		atomic64_inc(&fsk->delivered);
		done += err;
		err = 0;
		cond_resched();
	} while (!err && len - done >= least);

	kvfree(rd.event);
	fanotify_so_pass_on(group);
	/* There will be nothing any more: that is the end of the file. */
	if (err == -ESHUTDOWN && !done)
		err = take_error(sock->sk);
	return done ? done : err;
}
