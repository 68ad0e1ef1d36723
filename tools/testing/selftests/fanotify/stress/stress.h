/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY stress: what its files share
 *
 * Worker processes do operations at random until the time is up. Which ones,
 * and with what, follows from the seed, the worker, how often it was killed
 * and the number of the step, and from nothing else: so a worker repeats its
 * sequence, however the others get in its way.
 */
#ifndef FANOTIFY_STRESS_H
#define FANOTIFY_STRESS_H

#include <stdnoreturn.h>

#define FANOTIFY_NO_HARNESS
#include "../common.h"

/* All that is mounted is mounted here, in a tmpfs. */
#define STRESS_DIR	"/tmp/fanotify_stress"
/* Where mount workers never mount, and what is below their overlays. */
#define PLAIN		STRESS_DIR "/plain"
#define DISK		STRESS_DIR "/disk"

#define NR_MOUNTERS	2
#define MAX_WORKERS	16
#define MAX_OPS		24
#define MAX_REFUSALS	20
#define MAX_VARIANTS	3

struct worker;

/**
 * struct op - something that a worker does
 *
 * @name: Its name in reports.
 * @run: Does it: 0 or more if it came about, else -errno.
 * @weights: How often it is done as against the others, for each variant of
 *           the kinds that share the operations; 0 is never.
 * @refusals: The errors that may happen; any other is a failure of the run.
 */
struct op {
	const char *name;
	int (*run)(struct worker *w);
	unsigned int weights[MAX_VARIANTS];
	int refusals[MAX_REFUSALS];
};

/**
 * struct kind - a kind of workers
 *
 * @name: Its name in reports.
 * @ops: What they do; ends with one that has no name.
 * @variant: Which of the weights counts.
 * @count: How many there are.
 * @is_killed: Are they killed at random?
 */
struct kind {
	const char *name;
	const struct op *ops;
	unsigned int variant;
	unsigned int count;
	bool is_killed;
};

extern const struct kind kinds[];
extern const unsigned int nr_kinds;
extern const struct op listener_ops[], file_ops[], mount_ops[];

/**
 * struct report - what a worker shows of itself; in shared memory
 *
 * @kind: Index into kinds[].
 * @number: Counts the workers of the kind.
 * @pid: Its process, 0 when that is over.
 * @life: How often it was started before.
 * @step: The operation that it is at.
 * @op: Likewise, as an index.
 * @done: How many of each came about.
 * @refused: How many of each failed as they may.
 */
struct report {
	unsigned int kind;
	unsigned int number;
	pid_t pid;
	unsigned int life;
	unsigned long step;
	unsigned int op;
	unsigned long done[MAX_OPS];
	unsigned long refused[MAX_OPS];
};

extern struct report *reports;
extern unsigned int nr_workers;

/**
 * struct worker - the state of a worker process
 *
 * @report: Where it tells how it fares.
 * @random: The state of its random numbers.
 * @give: A socket that takes descriptors, for any worker.
 * @take: A socket that has descriptors, from any worker.
 */
struct worker {
	struct report *report;
	unsigned long long random;
	int give;
	int take;
};

/* A random number below @n. */
static inline unsigned int below(struct worker *w, unsigned int n)
{
	unsigned long long x = w->random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31) % n;
}

/* True once in @n times. */
static inline bool once_in(struct worker *w, unsigned int n)
{
	return !below(w, n);
}

/* stress_run.c */
noreturn __printf(1, 2) void check_failed(const char *fmt, ...);
noreturn __printf(2, 3) void worker_failed(struct worker *w, const char *fmt,
					   ...);

/* files.c */
const char *random_file(struct worker *w, char *path);
const char *random_dir(struct worker *w, char *path);
int pass_fd(struct worker *w, int fd);
int take_fd(struct worker *w);

/* mounts.c */
void mounts_unshare(void);
void mounts_setup(void);
void mounts_teardown(void);

/* verify.c */
void verify_before(void);
void verify_after(void);
int read_whole(const char *path);

#endif /* FANOTIFY_STRESS_H */
