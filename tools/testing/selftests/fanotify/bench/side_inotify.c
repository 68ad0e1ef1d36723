// SPDX-License-Identifier: GPL-2.0
/* inotify: it opens nothing, and cannot ask; its bits have the same values. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "bench.h"
#include "side.h"

static int inotify_listen(bool guards)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0)
		fail("inotify_init1");
	write_limit("/proc/sys/fs/inotify/max_user_watches");
	return fd;
}

static int watch(int fd, int file, uint32_t mask)
{
	char path[32];
	int wd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	wd = inotify_add_watch(fd, path, mask);
	if (wd < 0)
		fail("inotify_add_watch");
	return wd;
}

static void inotify_mark(int fd, int file, enum place place, uint32_t mask,
			 uint32_t ignored)
{
	watch(fd, file, mask);
}

static char events[MAX_EVENTS * sizeof(struct inotify_event)];

static void inotify_skip(int fd, int nr)
{
	ssize_t len = nr * sizeof(struct inotify_event);

	if (read(fd, events, len) != len)
		fail("read");
}

static void inotify_drain(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (poll(&pfd, 1, 0) == 1)
		if (read(fd, events, sizeof(events)) <= 0)
			fail("read");
}

const struct side side_inotify = {
	.name = "inotify",
	.listen = inotify_listen,
	.mark = inotify_mark,
	.skip = inotify_skip,
	.drain = inotify_drain,
};
