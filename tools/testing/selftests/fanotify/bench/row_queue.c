// SPDX-License-Identifier: GPL-2.0
/* Events that are queued, merged and read */
#define _GNU_SOURCE
#include <linux/fanotify.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

#define ROUNDS 8
#define AT_A_TIME 16

/* A listener, and what fills its queue in between */
struct queue {
	const struct side *side;
	int fd;
	void (*fill)(void);
	void (*take)(int fd, int nr);
};

static double filling(void *arg)
{
	struct queue *q = arg;
	double start, took = 0;
	int i;

	for (i = 0; i < times(ROUNDS); i++) {
		start = now_ns();
		q->fill();
		took += now_ns() - start;
		if (q->side)
			q->side->drain(q->fd);
	}
	return took / (times(ROUNDS) * NR_FILES);
}

static double taking(void *arg)
{
	struct queue *q = arg;
	double start, took = 0;
	int i, n;

	for (i = 0; i < times(ROUNDS); i++) {
		q->fill();
		start = now_ns();
		for (n = 0; n < NR_FILES; n += AT_A_TIME)
			q->take(q->fd, AT_A_TIME);
		took += now_ns() - start;
	}
	return took / (times(ROUNDS) * NR_FILES);
}

static void fill_with(const char *row, void (*fill)(void), uint32_t ignored)
{
	struct queue q = { .fill = fill };
	int i;

	make_files(NR_FILES);
	for_each_side(i) {
		if (!sides[i]->mark)
			continue;
		if (ignored && !sides[i]->unmark)
			continue;
		q.side = sides[i];
		q.fd = q.side->listen(false);
		mark_files(q.side, q.fd, NR_FILES, FAN_OPEN, ignored);
		result(row, q.side->name, 0, least(filling, &q));
		close(q.fd);
	}
}

/* What all that follows is more than */
static void unmarked(void)
{
	struct queue q = { .fill = open_files };

	make_files(NR_FILES);
	result("unmarked", "nobody", 0, least(filling, &q));
}

/* fsnotify looks at the mark of the file, and goes away again. */
static void walked(void)
{
	fill_with("walked", open_files, FAN_OPEN);
}

static void queued(void)
{
	fill_with("queued", open_files, 0);
}

static void merged(void)
{
	fill_with("merged", open_one, 0);
}

static void take_with(const struct side *side, const char *row,
		      void (*take)(int fd, int nr), bool paths)
{
	struct queue q = {
		.side = side,
		.fd = side->listen(false),
		.fill = open_files,
		.take = take,
	};

	if (paths && side->tell_paths)
		side->tell_paths(q.fd);
	mark_files(side, q.fd, NR_FILES, FAN_OPEN, 0);
	result(row, side->name, AT_A_TIME, least(taking, &q));
	close(q.fd);
}

/* Read, and what was opened for it closed. */
static void taken(void)
{
	int i;

	make_files(NR_FILES);
	for_each_side(i)
		take_with(sides[i], "taken", sides[i]->skip, false);
}

/* The path of what was opened */
static void learned(void)
{
	int i;

	make_files(NR_FILES);
	for_each_side(i) {
		if (sides[i]->learn)
			take_with(sides[i], "learned", sides[i]->learn, true);
	}
}

/* Many who are told of the same */
#define MAX_LISTENERS 16

static void listeners(void)
{
	static const int numbers[] = { 1, 4, MAX_LISTENERS };
	int i, n, l, fds[MAX_LISTENERS], r;
	double start, took, best;
	size_t k;

	make_files(NR_FILES);
	for_each_side(i) {
		if (!sides[i]->mark)
			continue;
		for (k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
			n = numbers[k];
			for (l = 0; l < n; l++) {
				fds[l] = sides[i]->listen(false);
				mark_files(sides[i], fds[l], NR_FILES,
					   FAN_OPEN, 0);
			}
			for (r = 0, best = 0; r < ROUNDS; r++) {
				start = now_ns();
				open_files();
				took = (now_ns() - start) / NR_FILES;
				if (!r || took < best)
					best = took;
				for (l = 0; l < n; l++)
					sides[i]->drain(fds[l]);
			}
			result("listeners", sides[i]->name, n, best);
			for (l = 0; l < n; l++)
				close(fds[l]);
		}
	}
}

const struct row rows_queue[] = {
	{ "unmarked", unmarked },
	{ "walked", walked },
	{ "queued", queued },
	{ "merged", merged },
	{ "taken", taken },
	{ "learned", learned },
	{ "listeners", listeners },
	{ NULL }
};
