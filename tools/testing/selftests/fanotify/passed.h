/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: descriptors that go from one process to another
 */
#ifndef FANOTIFY_TEST_PASSED_H
#define FANOTIFY_TEST_PASSED_H

#include "common.h"

/* So many at a time. */
#define MAX_PASSED 8

/* What goes with the one byte of a message */
union passed {
	struct cmsghdr hdr;
	char room[CMSG_SPACE(MAX_PASSED * sizeof(int))];
};

static inline struct msghdr passed_message(union passed *passed,
					   struct iovec *iov, size_t len)
{
	return (struct msghdr){
		.msg_iov = iov,
		.msg_iovlen = 1,
		.msg_control = passed,
		.msg_controllen = len,
	};
}

/* 0 or -errno */
static inline int send_fds(int over, const int *fds, int nr, int flags)
{
	union passed passed = { .hdr = {
		.cmsg_len = CMSG_LEN(nr * sizeof(*fds)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = passed_message(&passed, &iov,
					   CMSG_SPACE(nr * sizeof(*fds)));

	memcpy(CMSG_DATA(&passed.hdr), fds, nr * sizeof(*fds));
	return sendmsg(over, &msg, flags) < 0 ? -errno : 0;
}

/* 0, -errno, or -ENOMSG if there are not so many: some may have got lost. */
static inline int recv_fds(int over, int *fds, int nr, int flags)
{
	union passed passed = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = passed_message(&passed, &iov, sizeof(passed));

	if (recvmsg(over, &msg, flags | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	if (!CMSG_FIRSTHDR(&msg) ||
	    passed.hdr.cmsg_len != CMSG_LEN(nr * sizeof(*fds)))
		return -ENOMSG;
	memcpy(fds, CMSG_DATA(&passed.hdr), nr * sizeof(*fds));
	return 0;
}

static inline int send_fd(int over, int fd, int flags)
{
	return send_fds(over, &fd, 1, flags);
}

/* The descriptor, or as above */
static inline int recv_fd(int over, int flags)
{
	int fd = -1, ret;

	ret = recv_fds(over, &fd, 1, flags);
	return ret ?: fd;
}

#endif /* FANOTIFY_TEST_PASSED_H */
