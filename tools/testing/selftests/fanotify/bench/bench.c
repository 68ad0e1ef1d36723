// SPDX-License-Identifier: GPL-2.0
/*
 * bench_run [--brief] [ROW...]: all rows, or those; a figure to the line, as
 * JSON. Briefly, to see that they work, the figures mean nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

/* Runs of which the least counts: the first ones fill caches. */
#define RUNS 4

bool brief;

static const char *current;

void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s: %s\n", current ?: "start", what,
		strerror(errno));
	exit(1);
}

double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

int times(int full)
{
	return brief && full > 2 ? 2 : full;
}

void result(const char *row, const char *who, long n, double value)
{
	printf("{\"row\": \"%s\", \"who\": \"%s\", \"n\": %ld, \"value\": %.1f}\n",
	       row, who, n, value);
	fflush(stdout);
}

double least(double (*run)(void *arg), void *arg)
{
	double best = run(arg);
	int i;

	for (i = 1; i < times(RUNS); i++) {
		double value = run(arg);

		if (value < best)
			best = value;
	}
	return best;
}

/* A child has descriptors and listeners of its own, which end with it. */
static bool run_row(const struct row *row)
{
	int status;
	pid_t pid;

	fprintf(stderr, "bench: %s\n", row->name);
	current = row->name;
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		row->run();
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	if (status)
		fprintf(stderr, "bench: %s failed\n", row->name);
	return !status;
}

static bool is_wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	/* In this order: a file system that was watched once remembers it. */
	const struct row *const all[] = {
		rows_open, rows_queue, rows_guard, rows_waiting, rows_mark,
		rows_memory, rows_tree,
	};
	struct rlimit limit = { 65536, 65536 };
	int ran = 0, failed = 0;
	const struct row *row;
	size_t i;

	argv++;
	if (*argv && !strcmp(*argv, "--brief")) {
		brief = true;
		argv++;
	}
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("RLIMIT_NOFILE");
	if (mkdir(BENCH_DIR, 0700) && errno != EEXIST)
		fail(BENCH_DIR);
	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		for (row = all[i]; row->name; row++) {
			if (!is_wanted(row->name, argv))
				continue;
			ran++;
			failed += !run_row(row);
		}
	}
	if (!ran)
		fprintf(stderr, "bench: no such row\n");
	return !ran || failed;
}
