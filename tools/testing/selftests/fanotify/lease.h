/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: the lease on a file holds up who opens it, a reader for
 * example, which has the file of its event opened
 */
#ifndef FANOTIFY_TEST_LEASE_H
#define FANOTIFY_TEST_LEASE_H

#include <signal.h>

#include "common.h"

static inline int lease_start(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	signal(SIGIO, SIG_IGN);
	if (!fcntl(fd, F_SETLEASE, F_WRLCK))
		return fd;
	close(fd);
	return -errno;
}

/* Waits until somebody is held up. */
static inline bool lease_is_being_broken(int fd)
{
	long long end = now_ms() + WAIT_MS;

	while (fcntl(fd, F_GETLEASE) != F_RDLCK) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

static inline int lease_end(int fd)
{
	int ret = result(fcntl(fd, F_SETLEASE, F_UNLCK));

	close(fd);
	return ret;
}

#endif /* FANOTIFY_TEST_LEASE_H */
