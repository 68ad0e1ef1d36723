// SPDX-License-Identifier: GPL-2.0
/* Marks: what it takes to add, change and remove one, beside many others */
#define _GNU_SOURCE
#include <linux/fanotify.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

/* So many others, and none */
static const int numbers[] = { 0, 1000, 10000, 100000 };
#define MANY 100000
/* As many, each on a file of its own, are measured. */
#define MEASURED (15 * MAX_MARKS)

static int fds[MEASURED];

/* Sets all that are measured, or removes those that have this mask. */
typedef void (*setter)(const struct side *side, int fd, uint32_t mask,
		       bool remove);

static void set_alone(const struct side *side, int fd, uint32_t mask,
		      bool remove)
{
	int i;

	for (i = 0; i < MEASURED; i++)
		(remove ? side->unmark : side->mark)(fd, fds[i], ON_FILE, mask,
						     0);
}

static void set_together(const struct side *side, int fd, uint32_t mask,
			 bool remove)
{
	int i;

	for (i = 0; i < MEASURED; i += MAX_MARKS)
		side->mark_all(fd, fds + i, MAX_MARKS, remove ? 0 : mask);
}

static const struct step {
	const char *name;
	uint32_t mask;
	bool remove;
} steps[] = {
	{ "add", FAN_OPEN, false },
	{ "change", FAN_OPEN | FAN_MODIFY, false },
	{ "remove", FAN_OPEN | FAN_MODIFY, true },
};

#define STEPS (sizeof(steps) / sizeof(*steps))

static double one_step(const struct side *side, int fd, setter set,
		       const struct step *step)
{
	double start = now_ns();

	set(side, fd, step->mask, step->remove);
	return (now_ns() - start) / MEASURED;
}

static void measure(const struct side *side, int fd, setter set,
		    const char *prefix, int n)
{
	double least[STEPS], value;
	char name[32];
	size_t s;
	int r;

	for (r = 0; r < 3; r++) {
		for (s = 0; s < STEPS; s++) {
			value = one_step(side, fd, set, &steps[s]);
			if (!r || value < least[s])
				least[s] = value;
		}
	}
	for (s = 0; s < STEPS; s++) {
		snprintf(name, sizeof(name), "%s_%s", prefix, steps[s].name);
		result(name, side->name, n, least[s]);
	}
}

static void beside(const struct side *side, int others)
{
	int fd = side->listen(false), i;

	for (i = MEASURED; i < MEASURED + times(others); i++) {
		int file = file_open(i);

		side->mark(fd, file, ON_FILE, FAN_OPEN, 0);
		close(file);
	}
	measure(side, fd, set_alone, "mark", others);
	if (!others && side->mark_all)
		measure(side, fd, set_together, "marks", MAX_MARKS);
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
