// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: waiting for sockets, and what else can be done with them
 */
#include <linux/sockios.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "fuzz.h"

#define MAX_POLLED	5

static long call_poll(struct task *t)
{
	struct pollfd fds[MAX_POLLED];
	unsigned int nr = 1 + below(t, MAX_POLLED), i;

	for (i = 0; i < nr; i++) {
		fds[i].fd = any_socket(t)->fd;
		fds[i].events = below(t, 4) ? POLLIN : below(t, 1 << 16);
	}
	impatient(t);
	return CALL(t, poll(in(t, fds, nr * sizeof(*fds)),
			    near_number(t, nr) % 1000, below(t, 12)));
}

static long call_select(struct task *t)
{
	struct timeval time = { .tv_usec = below(t, 10000) };
	unsigned int i;
	fd_set set;
	int fd;

	FD_ZERO(&set);
	for (i = 0; i < MAX_POLLED; i++) {
		fd = any_socket(t)->fd;
		if (fd >= 0 && fd < FD_SETSIZE)
			FD_SET(fd, &set);
	}
	impatient(t);
	return CALL(t, select(FD_SETSIZE, &set, once_in(t, 2) ? &set : NULL,
			      once_in(t, 12) ? bad_pointer(t, 16) : NULL,
			      &time));
}

static long call_epoll_create(struct task *t)
{
	int fd = CALL(t, epoll_create1(near_number(t, EPOLL_CLOEXEC)));

	keep(t, t->others, NR_OTHERS, fd);
	return fd;
}

/* An epoll set, most likely, which is made if need be */
static int any_epoll(struct task *t)
{
	int *slot = &t->others[below(t, NR_OTHERS)];

	if (*slot <= 0)
		*slot = epoll_create1(EPOLL_CLOEXEC);
	return *slot;
}

static long call_epoll_ctl(struct task *t)
{
	static const __u32 flags[] = {
		0, EPOLLET, EPOLLONESHOT, EPOLLEXCLUSIVE, EPOLLWAKEUP,
		EPOLLET | EPOLLEXCLUSIVE,
	};
	struct epoll_event ev = { .events = EPOLLIN | one_of(t, flags) };
	int epfd = any_epoll(t);
	int fd = any_socket(t)->fd;

	spoil(t, &ev.events, sizeof(ev.events));
	return CALL(t, epoll_ctl(epfd, 1 + below(t, 3), fd,
				 in(t, &ev, sizeof(ev))));
}

static long call_epoll_wait(struct task *t)
{
	struct epoll_event *evs = out(t, 4 * sizeof(*evs));
	int epfd = any_epoll(t);

	impatient(t);
	return CALL(t, epoll_wait(epfd, evs, near_number(t, 4), below(t, 12)));
}

static long call_setfl(struct task *t)
{
	struct own *own = any_socket(t);
	int flags = (once_in(t, 2) ? O_ASYNC : 0) |
		    (once_in(t, 2) ? O_NONBLOCK : 0);

	spoil(t, &flags, sizeof(flags));
	return CALL(t, fcntl(own->fd, F_SETFL, flags));
}

static pid_t any_pid(struct task *t)
{
	return shared->records[below(t, NR_WORKERS)][below(t, NR_TASKS)].pid;
}

static long call_setown(struct task *t)
{
	struct own *own = any_socket(t);
	struct f_owner_ex ex = { below(t, 4), any_pid(t) };

	/* Of nobody, of a process, of its group */
	switch (below(t, 4)) {
	case 0:
		return CALL(t, fcntl(own->fd, F_SETOWN, 0));
	case 1:
		return CALL(t, fcntl(own->fd, F_SETOWN, any_pid(t)));
	case 2:
		return CALL(t, fcntl(own->fd, F_SETOWN,
				     once_in(t, 2) ? -getpgrp() : INT_MIN));
	default:
		return CALL(t, fcntl(own->fd, F_SETOWN_EX,
				     in(t, &ex, sizeof(ex))));
	}
}

/* They are ignored, or interrupt a call. */
static long call_setsig(struct task *t)
{
	const int sigs[] = { 0, SIGIO, SIGUSR1, SIGRTMIN + 1, 65, -1 };
	struct own *own = any_socket(t);

	return CALL(t, fcntl(own->fd, F_SETSIG, one_of(t, sigs)));
}

static long call_getfl(struct task *t)
{
	static const int cmds[] = {
		F_GETFL, F_GETFD, F_GETOWN, F_GETSIG, F_GETLK, F_GETLEASE,
		F_GETPIPE_SZ, F_SETLEASE, F_NOTIFY, F_ADD_SEALS,
	};
	struct own *own = any_socket(t);

	return CALL(t, fcntl(own->fd, one_of(t, cmds), out(t, 64)));
}

static long call_ioctl(struct task *t)
{
	static const unsigned long cmds[] = {
		FIONREAD, FIONREAD, FIONREAD, FIONREAD, SIOCOUTQ, SIOCATMARK,
		0xdeadbeef,
	};
	struct own *own = any_socket(t);
	unsigned long cmd = one_of(t, cmds);

	t->allowed = ioctl_errnos;
	return CALL(t, ioctl(own->fd, cmd, out(t, sizeof(int))));
}

/* Those that are for any file, or any socket */
static long call_ioctl_any(struct task *t)
{
	static const unsigned long cmds[] = {
		FIONBIO, FIOASYNC, FIOCLEX, FIOSETOWN, FIOGETOWN, SIOCGIFCONF,
		SIOCGIFINDEX, SIOCGSTAMP_OLD,
	};
	struct own *own = any_socket(t);
	int value[16] = { below(t, 3) };
	unsigned long cmd = one_of(t, cmds);

	return CALL(t, ioctl(own->fd, cmd, in(t, value, sizeof(value))));
}

static long call_mmap(struct task *t)
{
	struct own *own = any_socket(t);
	int type = once_in(t, 2) ? MAP_SHARED : MAP_PRIVATE;
	void *p = MAP_FAILED;
	long ret;

	/* Other files can be mapped. */
	if (!t->may_check)
		return -EAGAIN;
	ret = CALL(t, (p = mmap(NULL, PAGE, PROT_READ, type, own->fd, 0)) ==
		      MAP_FAILED ? -1 : 0);
	if (!ret)
		munmap(p, PAGE);
	return ret;
}

static long call_fstat(struct task *t)
{
	struct own *own = any_socket(t);
	struct stat st;

	switch (below(t, 4)) {
	case 0:
		return CALL(t, fsync(own->fd));
	case 1:
		return CALL(t, lseek(own->fd, below(t, 100), SEEK_SET));
	case 2:
		return CALL(t, fchmod(own->fd, 0600));
	default:
		return CALL(t, fstat(own->fd, &st));
	}
}

const struct call wait_calls[] = {
	{ "poll", call_poll, 15 },
	{ "select", call_select, 6 },
	{ "epoll create", call_epoll_create, 6 },
	{ "epoll ctl", call_epoll_ctl, 16 },
	{ "epoll wait", call_epoll_wait, 10 },
	{ "fcntl setfl", call_setfl, 8 },
	{ "fcntl setown", call_setown, 8 },
	{ "fcntl setsig", call_setsig, 4 },
	{ "fcntl get", call_getfl, 4 },
	{ "ioctl fionread", call_ioctl, 6 },
	{ "ioctl any", call_ioctl_any, 4 },
	{ "mmap", call_mmap, 2, .never = true },
	{ "fstat", call_fstat, 4 },
	{ }
};
