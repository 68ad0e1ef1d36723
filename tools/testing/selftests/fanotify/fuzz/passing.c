// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: descriptors on their way from anybody to anybody
 */
#include "fuzz.h"

union control {
	struct cmsghdr hdr;
	char buf[CMSG_SPACE(sizeof(int))];
};

/* Into the pair of sockets that all have */
int pass_fd(struct task *t, int fd)
{
	union control control = { .hdr = {
		.cmsg_len = CMSG_LEN(sizeof(int)),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	} };
	struct iovec iov = { .iov_base = "f", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.hdr), &fd, sizeof(fd));
	return CALL(t, sendmsg(pass_sockets[0], &msg, MSG_DONTWAIT));
}

static long call_give(struct task *t)
{
	int fd = once_in(t, 4) ? any_file(t) : any_socket(t)->fd;

	t->allowed = NULL;
	return pass_fd(t, fd);
}

/* Is it a socket of ours? */
static bool is_ours(int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       domain == PF_FANOTIFY;
}

static long call_take(struct task *t)
{
	struct own *own = &t->sockets[below(t, NR_SOCKETS)];
	union control control;
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	long ret;
	int fd;

	ret = CALL(t, recvmsg(pass_sockets[1], &msg,
			      MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	if (ret < 0 || msg.msg_controllen < CMSG_LEN(sizeof(int)))
		return ret < 0 ? ret : -ENOMSG;
	memcpy(&fd, CMSG_DATA(&control.hdr), sizeof(fd));
	if (!is_ours(fd)) {
		keep(t, t->seen, NR_SEEN, fd);
		return 0;
	}
	close_own(own);
	own->fd = fd;
	return 0;
}

const struct call pass_calls[] = {
	{ "give", call_give, 10 },
	{ "take", call_take, 10 },
	{ }
};
