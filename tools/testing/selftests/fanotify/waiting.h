/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what poll() says of a socket, and the calls in which a
 * thread can wait for it
 *
 * The calls are made directly, and not by the C library, which has other ways
 * to make them on some machines: that the thread sleeps is told by the number
 * of the call.
 */
#ifndef FANOTIFY_TEST_WAITING_H
#define FANOTIFY_TEST_WAITING_H

#include <sys/epoll.h>
#include <sys/select.h>

#include "common.h"

/* All that can be asked of poll() */
#define POLL_ALL (POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLRDBAND | \
		  POLLWRNORM | POLLWRBAND | POLLMSG | POLLRDHUP)

/* An answer can be written; an event can be read. */
#define CAN_WRITE (POLLOUT | POLLWRNORM)
#define CAN_READ (POLLIN | POLLRDNORM)

/* What poll() says, or -errno. */
static inline int poll_now(int sock, short events)
{
	struct pollfd pfd = { .fd = sock, .events = events };

	if (poll(&pfd, 1, 0) < 0)
		return -errno;
	return pfd.revents;
}

static inline long wait_in_recv(struct waiter *w)
{
	return result(syscall(SYS_recvfrom, w->fd, &w->ev, sizeof(w->ev), 0,
			      NULL, NULL));
}

/* These return what there is: POLL* or EPOLL* bits. */
static inline long wait_in_poll_for(struct waiter *w, short events)
{
	struct pollfd pfd = { .fd = w->fd, .events = events };
	int ret;

	ret = syscall(SYS_ppoll, &pfd, 1, NULL, NULL, 0);
	return ret == 1 ? pfd.revents : result(ret);
}

static inline long wait_in_poll(struct waiter *w)
{
	return wait_in_poll_for(w, POLLIN | POLLRDHUP);
}

static inline long wait_in_epoll_flags(struct waiter *w, unsigned int flags)
{
	struct epoll_event ev = { .events = EPOLLIN | flags };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	long ret;

	if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, w->fd, &ev))
		return -errno;
	ret = syscall(SYS_epoll_pwait, epfd, &ev, 1, -1, NULL, 8);
	close(epfd);
	return ret == 1 ? ev.events : result(ret);
}

static inline long wait_in_epoll(struct waiter *w)
{
	return wait_in_epoll_flags(w, EPOLLRDHUP);
}

static inline long wait_in_epoll_exclusive(struct waiter *w)
{
	return wait_in_epoll_flags(w, EPOLLEXCLUSIVE);
}

/* This one how many there are. */
static inline long wait_in_select(struct waiter *w)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(w->fd, &in);
	return result(syscall(SYS_pselect6, w->fd + 1, &in, NULL, NULL, NULL,
			      NULL));
}

#endif /* FANOTIFY_TEST_WAITING_H */
