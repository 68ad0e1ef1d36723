/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: every way to give answers
 */
#ifndef FANOTIFY_TEST_WAYS_H
#define FANOTIFY_TEST_WAYS_H

#include "perm.h"
#include "uring.h"

static inline long by_setsockopt(int sock, const void *buf, size_t len)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE,
				 buf, len));
}

static inline long by_write(int sock, const void *buf, size_t len)
{
	return result(write(sock, buf, len));
}

/* The first answer is in both of the parts. */
static inline long by_writev(int sock, const void *buf, size_t len)
{
	size_t first = len < 5 ? len : 5;
	struct iovec iov[] = {
		{ .iov_base = (void *)buf, .iov_len = first },
		{ .iov_base = (char *)buf + first, .iov_len = len - first },
	};

	return result(writev(sock, iov, ARRAY_SIZE(iov)));
}

static inline long by_send(int sock, const void *buf, size_t len)
{
	return result(send(sock, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static inline long by_sendto(int sock, const void *buf, size_t len)
{
	return result(sendto(sock, buf, len, 0, NULL, 0));
}

static inline long by_sendmsg(int sock, const void *buf, size_t len)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return result(sendmsg(sock, &msg, 0));
}

static inline long by_sendmmsg(int sock, const void *buf, size_t len)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};
	long ret = result(sendmmsg(sock, &msg, 1, 0));

	return ret == 1 ? msg.msg_len : ret;
}

static inline long by_uring_op(int sock, int opcode, int flags,
			       const void *buf, size_t len)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	bool is_msg = opcode == IORING_OP_SENDMSG;
	struct io_uring_sqe sqe = {
		.opcode = opcode,
		.flags = flags,
		.fd = sock,
		.addr = is_msg ? (uintptr_t)&msg : (uintptr_t)buf,
		.len = is_msg ? 1 : len,
	};
	struct ring ring;
	long ret = ring_init(&ring);

	if (ret)
		return ret;
	ret = ring_do(&ring, &sqe);
	ring_exit(&ring);
	return ret;
}

static inline long by_uring_write(int sock, const void *buf, size_t len)
{
	return by_uring_op(sock, IORING_OP_WRITE, 0, buf, len);
}

static inline long by_uring_send(int sock, const void *buf, size_t len)
{
	return by_uring_op(sock, IORING_OP_SEND, 0, buf, len);
}

static inline long by_uring_sendmsg(int sock, const void *buf, size_t len)
{
	return by_uring_op(sock, IORING_OP_SENDMSG, 0, buf, len);
}

/* By a worker thread of the kernel */
static inline long by_uring_worker(int sock, const void *buf, size_t len)
{
	return by_uring_op(sock, IORING_OP_WRITE, IOSQE_ASYNC, buf, len);
}

/**
 * struct way - a way to give answers
 *
 * @name: For messages.
 * @call: Returns what the call returned, or -errno.
 * @counts: It returns the length if it went well, and if it went well for one.
 */
struct way {
	const char *name;
	long (*call)(int sock, const void *buf, size_t len);
	bool counts;
};

#define WAY(name_, counts_) \
	{ .name = #name_, .call = by_##name_, .counts = counts_ }

static const struct way ways[] = {
	WAY(setsockopt, false),
	WAY(write, true),
	WAY(writev, true),
	WAY(send, true),
	WAY(sendto, true),
	WAY(sendmsg, true),
	WAY(sendmmsg, true),
	WAY(uring_write, true),
	WAY(uring_send, true),
	WAY(uring_sendmsg, true),
	WAY(uring_worker, true),
};

/* What it returns when at least one of so many bytes of answers was applied */
static inline long applied(const struct way *way, size_t len)
{
	return way->counts ? len : 0;
}

#endif /* FANOTIFY_TEST_WAYS_H */
