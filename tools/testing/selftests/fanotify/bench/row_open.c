// SPDX-License-Identifier: GPL-2.0
/* What others pay: files that nobody is told of are opened, and read. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fanotify.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

/* All that a listener may be told of, but for questions */
#define EVENTS (FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE)

#define OPENS 20

static double opening(void *arg)
{
	double start = now_ns();
	int i;

	for (i = 0; i < times(OPENS); i++)
		open_one();
	return (now_ns() - start) / (times(OPENS) * NR_FILES);
}

static double reading(void *arg)
{
	int nr = times(OPENS) * NR_FILES, *fd = arg, i;
	double start = now_ns();
	char c;

	for (i = 0; i < nr; i++)
		if (pread(*fd, &c, 1, 0) != 1)
			fail("pread");
	return (now_ns() - start) / nr;
}

static void measure(const char *what, const char *who)
{
	char row[32];
	/* Whether its reads may be asked about is settled here. */
	int fd = file_open(0);

	snprintf(row, sizeof(row), "open_%s", what);
	result(row, who, 0, least(opening, NULL));
	snprintf(row, sizeof(row), "read_%s", what);
	result(row, who, 0, least(reading, &fd));
	close(fd);
}

static void nobody(void)
{
	make_files(1);
	measure("unheard", "nobody");
}

/* There is a listener, but to another file. */
static void elsewhere(void)
{
	int i, fd, file;

	make_files(2);
	for_each_side(i) {
		if (!sides[i]->mark)
			continue;
		fd = sides[i]->listen(false);
		file = file_open(1);
		sides[i]->mark(fd, file, ON_FILE, EVENTS, 0);
		measure("elsewhere", sides[i]->name);
		close(file);
		close(fd);
	}
}

/* A listener to the file system ignores it. */
static void ignored(void)
{
	int i, fd, file;

	make_files(1);
	for_each_side(i) {
		if (!sides[i]->unmark)
			continue;
		fd = sides[i]->listen(false);
		file = file_open(0);
		sides[i]->mark(fd, file, ON_FILESYSTEM, EVENTS, EVENTS);
		measure("ignored", sides[i]->name);
		close(file);
		close(fd);
	}
}

const struct row rows_open[] = {
	{ "unheard", nobody },
	{ "elsewhere", elsewhere },
	{ "ignored", ignored },
	{ NULL }
};
