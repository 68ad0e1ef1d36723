// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: descriptors on their way from anybody to anybody
 */
#include "fuzz.h"
#include "../passed.h"

/* Into the pair of sockets that all have */
int pass_fd(struct task *t, int fd)
{
	call_begins(t);
	return call_ends(t, send_fd(pass_sockets[0], fd, MSG_DONTWAIT));
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
	int fd;

	call_begins(t);
	fd = call_ends(t, recv_fd(pass_sockets[1], MSG_DONTWAIT));
	if (fd < 0)
		return fd;
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
