// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: reading events
 */
#include "fuzz.h"

#define MAX_IOVS	4
#define MAX_MSGS	3

/* For one event, some, many, or too little. */
static size_t random_size(struct task *t)
{
	/* What comes from others is not looked at, so it is to be little. */
	if (!t->may_check)
		return below(t, 100);
	switch (below(t, 6)) {
	case 0:
		return FAN_SO_EVENT_LEN;
	case 1:
		return below(t, 64);
	case 2:
		return FAN_SO_MAX_EVENT_LEN;
	default:
		return 1 + below(t, once_in(t, 8) ? ARENA / 4 : 1024);
	}
}

static int random_flags(struct task *t)
{
	static const int odd[] = {
		MSG_PEEK, MSG_OOB, MSG_ERRQUEUE, MSG_WAITALL, MSG_TRUNC,
		MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, 1 << 27, MSG_WAITFORONE,
	};
	int flags = once_in(t, 4) ? 0 : MSG_DONTWAIT;

	return once_in(t, 8) ? flags | one_of(t, odd) : flags;
}

static struct own *begin(struct task *t)
{
	struct timeval time = { .tv_usec = 10000 };
	struct own *own = any_socket(t);

	t->allowed = read_errnos;
	impatient(t);
	/* Signals do not come with faults. */
	if (has_fault(t))
		setsockopt(own->fd, SOL_SOCKET, SO_RCVTIMEO, &time,
			   sizeof(time));
	return own;
}

/* What was read is events, if it was one of our sockets. */
static long end(struct task *t, struct own *own, const void *buf, long ret)
{
	if (ret > 0 && t->may_check && is_good(t, buf, ret))
		check_events(t, own, buf, ret);
	return ret;
}

static long call_read(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);

	return end(t, own, buf, CALL(t, read(own->fd, buf, near_len(t, len))));
}

static long call_recv(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);
	int flags = random_flags(t);

	return end(t, own, buf,
		   CALL(t, recv(own->fd, buf, near_len(t, len), flags)));
}

static long call_recvfrom(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);
	int flags = random_flags(t);
	char from[128];
	socklen_t from_len = near_len(t, sizeof(from));

	return end(t, own, buf, CALL(t, recvfrom(own->fd, buf, len, flags,
						 sockaddr_of(from),
						 &from_len)));
}

/* Parts of one buffer, which follow each other, mostly. */
static unsigned int scatter(struct task *t, struct iovec *iov, void *buf,
			    size_t len)
{
	unsigned int nr = 1 + below(t, MAX_IOVS), i;
	size_t part;

	for (i = 0; i < nr; i++) {
		part = i == nr - 1 ? len : below(t, len + 1);
		iov[i].iov_base = buf;
		iov[i].iov_len = part;
		buf += part;
		len -= part;
	}
	return nr;
}

static long call_readv(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);
	struct iovec iov[MAX_IOVS];
	unsigned int nr = scatter(t, iov, buf, len);

	if (once_in(t, 12))
		nr = near_number(t, nr) % 2000;
	if (nr > MAX_IOVS)
		return CALL(t, readv(own->fd, bad_pointer(t, 100), nr));
	return end(t, own, buf, CALL(t, readv(own->fd, iov, nr)));
}

/* By a position, which a socket has not */
static long call_preadv2(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);
	struct iovec iov[MAX_IOVS];
	unsigned int nr = scatter(t, iov, buf, len);
	long offset = once_in(t, 2) ? -1L : below(t, 100);
	int flags = once_in(t, 2) ? RWF_NOWAIT : below(t, 64);

	t->allowed = NULL;
	return end(t, own, buf,
		   CALL(t, preadv2(own->fd, iov, nr, offset, flags)));
}

static void random_msg(struct task *t, struct msghdr *msg, struct iovec *iov,
		       void *buf, size_t len)
{
	*msg = (struct msghdr){ .msg_iov = iov };
	msg->msg_iovlen = scatter(t, iov, buf, len);
	if (once_in(t, 4)) {
		msg->msg_control = t->arena;
		msg->msg_controllen = near_len(t, 64);
	}
	if (once_in(t, 4)) {
		msg->msg_name = t->arena;
		msg->msg_namelen = near_len(t, 82);
	}
}

static long call_recvmsg(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t);
	void *buf = out(t, len);
	int flags = random_flags(t);
	struct iovec iov[MAX_IOVS];
	struct msghdr msg;
	void *pmsg;

	random_msg(t, &msg, iov, buf, len);
	pmsg = once_in(t, 24) ? bad_pointer(t, sizeof(msg)) : &msg;
	return end(t, own, buf, CALL(t, recvmsg(own->fd, pmsg, flags)));
}

static long call_recvmmsg(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t) / 4;
	void *buf = out(t, len * MAX_MSGS);
	int flags = random_flags(t);
	struct iovec iov[MAX_MSGS][MAX_IOVS];
	struct mmsghdr msgs[MAX_MSGS] = {};
	struct timespec time = { .tv_nsec = below(t, 10000000) };
	unsigned int i;
	long ret;

	spoil(t, &time, sizeof(time));
	for (i = 0; i < MAX_MSGS; i++)
		random_msg(t, &msgs[i].msg_hdr, iov[i], buf + i * len, len);
	ret = CALL(t, recvmmsg(own->fd, msgs, 1 + below(t, MAX_MSGS), flags,
			       once_in(t, 2) ? &time : NULL));
	for (i = 0; ret > 0 && i < ret; i++)
		end(t, own, buf + i * len, msgs[i].msg_len);
	return ret;
}

/* Through a pipe. */
static long call_splice(struct task *t)
{
	struct own *own = begin(t);
	size_t len = random_size(t), got;
	int fds[2];
	void *buf;
	long ret;

	t->allowed = NULL;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		t->may_check = false;
		return -errno;
	}
	ret = CALL(t, splice(own->fd, NULL, fds[1], NULL, near_len(t, len),
			     once_in(t, 4) ? 0 : SPLICE_F_NONBLOCK));
	if (ret > 0 && ret <= ARENA) {
		buf = t->arena;
		for (got = 0; got < (size_t)ret; got += len) {
			len = read(fds[0], buf + got, ret - got);
			if ((long)len <= 0)
				found(t, "%zu bytes in the pipe, not %zu", got,
				      (size_t)ret);
		}
		end(t, own, buf, ret);
	}
	close(fds[0]);
	close(fds[1]);
	return ret;
}

const struct call read_calls[] = {
	{ "read", call_read, 40 },
	{ "recv", call_recv, 40 },
	{ "recvfrom", call_recvfrom, 6 },
	{ "readv", call_readv, 10 },
	{ "preadv2", call_preadv2, 4 },
	{ "recvmsg", call_recvmsg, 12 },
	{ "recvmmsg", call_recvmmsg, 12 },
	{ "splice from", call_splice, 6 },
	{ }
};
