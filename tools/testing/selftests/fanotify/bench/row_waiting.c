// SPDX-License-Identifier: GPL-2.0
/*
 * Answers while many tasks wait for theirs: what the listener's call takes.
 * Whom it lets go on does so when the listener sleeps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/fanotify.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"
#include "tasks.h"

/* As many answers, or all, are measured. */
#define ANSWERS 64
/* With more waiting, each answer of a group takes ever longer. */
#define MAX_OF_GROUP 1000

static struct question questions[MAX_TASKS];

static void be_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
		fail("SCHED_FIFO");
}

static int ask_all(const struct side *side, int nr)
{
	int fd = side->listen(true), i;

	mark_files(side, fd, 1, FAN_OPEN_PERM, 0);
	tasks_start(nr);
	tasks_go(BENCH_DIR "/f00000");
	for (i = 0; i < nr; i++)
		side->ask(fd, &questions[i]);
	return fd;
}

static void end_all(int fd, int nr)
{
	int i;

	close(fd);
	for (i = 0; i < nr; i++)
		close(questions[i].fd);
	tasks_end(nr);
}

/* All tasks sleep when they are asked about: the last has been read then. */
static double answering(const struct side *side, int waiting)
{
	int nr = brief && waiting > 10 ? 10 : waiting;
	int answers = nr < ANSWERS ? nr : ANSWERS, i;
	int fd = ask_all(side, nr);
	double start;

	usleep(10000);
	start = now_ns();
	for (i = 0; i < answers; i++)
		side->allow(fd, &questions[i]);
	start = (now_ns() - start) / answers;
	end_all(fd, nr);
	return start;
}

static void answer(void)
{
	static const int numbers[] = { 1, 10, 100, 1000, 10000 };
	int i, n, nr, run;
	double value, best;

	make_files(1);
	be_first();
	for_each_side(i) {
		if (!sides[i]->allow)
			continue;
		for (n = 0; n < 5; n++) {
			nr = numbers[n];
			if (sides[i] == &side_group && nr > MAX_OF_GROUP)
				continue;
			/* The first time warms up. */
			for (run = 0, best = 0; run < (nr > 1000 ? 1 : 3); run++) {
				value = answering(sides[i], nr);
				if (!run || value < best)
					best = value;
			}
			result("answer", sides[i]->name, nr, best);
		}
	}
}

static double in_one_call(const struct side *side, int nr)
{
	int fd = ask_all(side, nr);
	double start;

	usleep(10000);
	start = now_ns();
	side->allow_all(fd, questions, nr);
	start = (now_ns() - start) / nr;
	end_all(fd, nr);
	return start;
}

static void batch(void)
{
	double value, best;
	int i, run;

	make_files(1);
	be_first();
	for_each_side(i) {
		if (!sides[i]->allow_all)
			continue;
		for (run = 0, best = 0; run < 3; run++) {
			value = in_one_call(sides[i], MAX_EVENTS);
			if (!run || value < best)
				best = value;
		}
		result("batch", sides[i]->name, MAX_EVENTS, best);
	}
}

const struct row rows_waiting[] = {
	{ "answer", answer },
	{ "batch", batch },
	{ NULL }
};
