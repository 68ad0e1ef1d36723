/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What events cost: the same work on the same files, heard by sockets, by
 * groups of the system calls, and by inotify where it can.
 *
 * Under the instruction clock of the guest a nanosecond is an instruction of
 * one CPU, the kernel's and the program's; else only ratios mean something.
 */
#ifndef FANOTIFY_BENCH_H
#define FANOTIFY_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_DIR "/tmp/fanotify_bench"

/* Do little, to see that it works. */
extern bool brief;

/* What measures one row or some; a child runs it. */
struct row {
	const char *name;
	void (*run)(void);
};

/* Says what failed, with errno, and exits. */
void fail(const char *what);

double now_ns(void);

/* How often to do something that is done @full times, unless brief */
int times(int full);

/*
 * One figure: of @row, for @who, with @n of what the row is about. Nanoseconds
 * (instructions) for each, or bytes.
 */
void result(const char *row, const char *who, long n, double value);

/* The least of some runs of @run, each of which returns a figure. */
double least(double (*run)(void *arg), void *arg);

extern const struct row rows_open[];
extern const struct row rows_queue[];
extern const struct row rows_guard[];
extern const struct row rows_waiting[];
extern const struct row rows_mark[];
extern const struct row rows_memory[];
extern const struct row rows_tree[];

#endif /* FANOTIFY_BENCH_H */
