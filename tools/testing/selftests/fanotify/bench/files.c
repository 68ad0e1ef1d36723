// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"

#define PATH_LEN 32

/* Nothing but the call is to be measured. */
static char paths[NR_FILES][PATH_LEN];

static void path_of(char *path, int i)
{
	snprintf(path, PATH_LEN, BENCH_DIR "/f%05d", i);
}

void make_files(int nr)
{
	char path[PATH_LEN];
	int i, fd;

	for (i = 0; i < NR_FILES; i++)
		path_of(paths[i], i);
	for (i = 0; i < nr; i++) {
		path_of(path, i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || write(fd, "", 1) != 1)
			fail(path);
		close(fd);
	}
}

int file_open(int i)
{
	char path[PATH_LEN];
	int fd;

	path_of(path, i);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(path);
	return fd;
}

void open_close(const char *path)
{
	if (close(open(path, O_RDONLY | O_CLOEXEC)))
		fail(path);
}

void open_files(void)
{
	int i;

	for (i = 0; i < NR_FILES; i++)
		open_close(paths[i]);
}

void open_one(void)
{
	int i;

	for (i = 0; i < NR_FILES; i++)
		open_close(paths[0]);
}

/* So often NR_FILES opens are one run */
#define OPENS 20

static double opening(void *arg)
{
	double start = now_ns();
	int i;

	for (i = 0; i < times(OPENS); i++)
		open_one();
	return (now_ns() - start) / (times(OPENS) * NR_FILES);
}

double cost_of_open(void)
{
	return least(opening, NULL);
}

void mark_files(const struct side *side, int fd, int nr, uint32_t mask,
		uint32_t ignored)
{
	int i, file;

	for (i = 0; i < nr; i++) {
		file = file_open(i);
		side->mark(fd, file, ON_FILE, mask, ignored);
		close(file);
	}
}
