// SPDX-License-Identifier: GPL-2.0
/* A mark on a subtree: events at some depth, and outside */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

#define TOP BENCH_DIR "/tree"
#define ROUNDS 8

/* A descriptor of the directory at this depth, where TOP has depth 0 */
static int make_dirs(int depth)
{
	int dir = open(TOP, O_PATH | O_CLOEXEC), next;

	if (dir < 0)
		fail(TOP);
	while (depth--) {
		if (mkdirat(dir, "d", 0700) && errno != EEXIST)
			fail("mkdirat");
		next = openat(dir, "d", O_PATH | O_CLOEXEC);
		if (next < 0)
			fail("openat");
		close(dir);
		dir = next;
	}
	return dir;
}

struct below {
	int fd;
	int dir;
};

/* The path is as short at any depth. All but the first event are merged. */
static double opening(void *arg)
{
	struct below *below = arg;
	double start, took = 0;
	int i, n, fd;

	for (i = 0; i < times(ROUNDS); i++) {
		start = now_ns();
		for (n = 0; n < NR_FILES; n++) {
			fd = openat(below->dir, "file", O_RDONLY | O_CLOEXEC);
			if (fd < 0)
				fail("openat");
			close(fd);
		}
		took += now_ns() - start;
		side_socket.drain(below->fd);
	}
	return took / (times(ROUNDS) * NR_FILES);
}

static void inside(void)
{
	static const int depths[] = { 0, 2, 8, 32 };
	struct below below;
	int i, top, fd;

	if (!side_exists(&side_socket))
		return;
	if (mkdir(TOP, 0700) && errno != EEXIST)
		fail(TOP);
	below.fd = side_socket.listen(false);
	top = make_dirs(0);
	side_socket.mark(below.fd, top, ON_FILE, FAN_OPEN | FAN_ON_SUBTREE, 0);
	for (i = 0; i < 4; i++) {
		below.dir = make_dirs(depths[i]);
		fd = openat(below.dir, "file", O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			fail("openat");
		close(fd);
		side_socket.drain(below.fd);
		result("subtree", "socket", depths[i], least(opening, &below));
		close(below.dir);
	}
}

/* Beside a mark that ignores the file system, as the other row has it */
static void outside(void)
{
	int i, fd, dir, file;

	make_files(1);
	if (mkdir(TOP, 0700) && errno != EEXIST)
		fail(TOP);
	for_each_side(i) {
		if (!sides[i]->unmark)
			continue;
		fd = sides[i]->listen(false);
		file = file_open(0);
		sides[i]->mark(fd, file, ON_FILESYSTEM, FAN_OPEN, FAN_OPEN);
		result("fs_ignored", sides[i]->name, 0, cost_of_open());
		close(file);
		close(fd);
	}
	if (!side_exists(&side_socket))
		return;
	fd = side_socket.listen(false);
	dir = make_dirs(0);
	side_socket.mark(fd, dir, ON_FILE, FAN_OPEN | FAN_ON_SUBTREE, 0);
	result("subtree_outside", "socket", 0, cost_of_open());
}

const struct row rows_tree[] = {
	{ "subtree", inside },
	{ "subtree_outside", outside },
	{ NULL }
};
