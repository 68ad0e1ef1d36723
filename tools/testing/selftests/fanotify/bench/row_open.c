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

#define READS 5000

static double reading(void *arg)
{
	int nr = times(READS), *fd = arg, i;
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
	result(row, who, 0, cost_of_open());
	snprintf(row, sizeof(row), "read_%s", what);
	result(row, who, 0, least(reading, &fd));
	close(fd);
}

static void nobody(void)
{
	make_files(1);
	measure("unheard", "nobody");
}

static void beside(const char *what, enum place place, uint32_t ignored)
{
	int i, fd, file;

	make_files(2);
	for_each_side(i) {
		if (!sides[i]->mark || (ignored && !sides[i]->unmark))
			continue;
		fd = sides[i]->listen(false);
		file = file_open(1);
		sides[i]->mark(fd, file, place, EVENTS, ignored);
		measure(what, sides[i]->name);
		close(file);
		close(fd);
	}
}

/* There is a listener, but to another file. */
static void elsewhere(void)
{
	beside("elsewhere", ON_FILE, 0);
}

/* A listener to the file system ignores it. */
static void ignored(void)
{
	beside("ignored", ON_FILESYSTEM, EVENTS);
}

const struct row rows_open[] = {
	{ "unheard", nobody },
	{ "elsewhere", elsewhere },
	{ "ignored", ignored },
	{ NULL }
};
