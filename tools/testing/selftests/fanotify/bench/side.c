// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bench.h"
#include "side.h"

const struct side *const sides[] = {
	&side_group, &side_socket, &side_inotify, NULL
};

bool side_exists(const struct side *side)
{
	int fd = side->listen(false);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

void write_limit(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "1000000", 7) != 7)
		fail(path);
	close(fd);
}
