// SPDX-License-Identifier: GPL-2.0
/* Marks: what it takes to add, change and remove one, beside many others */
#define _GNU_SOURCE
#include <linux/fanotify.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

/* So many others, and none */
static const int numbers[] = { 0, 1000, 10000, 100000 };
#define MANY 100000
/* As many, each on a file of its own, are measured. */
#define MEASURED 1000

static int fds[MEASURED];

static double one_round(const struct side *side, int fd, uint32_t mask,
			void (*what)(int fd, int file, enum place place,
				     uint32_t mask, uint32_t ignored))
{
	double start = now_ns();
	int i;

	for (i = 0; i < MEASURED; i++)
		what(fd, fds[i], ON_FILE, mask, 0);
	return (now_ns() - start) / MEASURED;
}

static void beside(const struct side *side, int others)
{
	double add = 0, change = 0, remove = 0, value;
	int fd = side->listen(false), r, i;

	for (i = MEASURED; i < MEASURED + times(others); i++) {
		int file = file_open(i);

		side->mark(fd, file, ON_FILE, FAN_OPEN, 0);
		close(file);
	}
	for (r = 0; r < 3; r++) {
		value = one_round(side, fd, FAN_OPEN, side->mark);
		if (!r || value < add)
			add = value;
		value = one_round(side, fd, FAN_OPEN | FAN_MODIFY, side->mark);
		if (!r || value < change)
			change = value;
		value = one_round(side, fd, FAN_OPEN | FAN_MODIFY, side->unmark);
		if (!r || value < remove)
			remove = value;
	}
	result("mark_add", side->name, others, add);
	result("mark_change", side->name, others, change);
	result("mark_remove", side->name, others, remove);
	close(fd);
}

static void marks(void)
{
	size_t n;
	int i;

	make_files(MEASURED + times(MANY));
	for (i = 0; i < MEASURED; i++)
		fds[i] = file_open(i);
	for_each_side(i) {
		if (!sides[i]->unmark)
			continue;
		for (n = 0; n < sizeof(numbers) / sizeof(*numbers); n++)
			beside(sides[i], numbers[n]);
	}
}

const struct row rows_mark[] = {
	{ "marks", marks },
	{ NULL }
};
