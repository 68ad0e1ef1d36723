// SPDX-License-Identifier: GPL-2.0
/* Questions, one at a time: from the open() to its return, and verdicts kept */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"

#define ROUNDS 8

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

/* A process on @cpu that does @what for ever */
static pid_t start_process(int cpu, void (*what)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run_on(cpu);
	for (;;)
		what();
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct guard {
	const struct side *side;
	int fd;
};

static double trips(void *arg)
{
	int nr = times(ROUNDS) * NR_FILES, i;
	struct guard *guard = arg;
	struct question question;
	double start = now_ns();

	for (i = 0; i < nr; i++) {
		guard->side->ask(guard->fd, &question);
		guard->side->allow(guard->fd, &question);
		close(question.fd);
	}
	return (now_ns() - start) / nr;
}

/* The listener, and the one that is asked about, on @cpus CPUs */
static void round_trip_on(int cpus)
{
	struct guard guard;
	pid_t pid;
	int i;

	for_each_side(i) {
		if (!sides[i]->allow)
			continue;
		guard.side = sides[i];
		guard.fd = guard.side->listen(true);
		mark_files(guard.side, guard.fd, 1, FAN_OPEN_PERM, 0);
		pid = start_process(cpus - 1, open_one);
		result("round_trip", guard.side->name, cpus,
		       least(trips, &guard));
		/* What it still asks is answered by that. */
		close(guard.fd);
		end_process(pid);
	}
}

static void round_trip(void)
{
	make_files(1);
	run_on(0);
	round_trip_on(1);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		round_trip_on(2);
}

/* The first answer that is to be kept has the next ones kept. */
static void open_both(void)
{
	close(file_open(1));
	close(file_open(0));
	pause();
}

/*
 * A file that was asked about and is not any more. The guard's mark is on it,
 * or on all of its file system.
 */
static void cached_at(const char *row, enum place place)
{
	struct question question;
	int i, n, fd, files[2];
	pid_t pid;

	for_each_side(i) {
		if (!sides[i]->allow_and_keep)
			continue;
		fd = sides[i]->listen(true);
		for (n = 0; n < 2; n++)
			files[n] = file_open(n);
		for (n = 0; n < 2; n++)
			sides[i]->mark(fd, files[n], place, FAN_OPEN_PERM, 0);
		pid = start_process(0, open_both);
		for (n = 0; n < 2; n++) {
			sides[i]->ask(fd, &question);
			sides[i]->allow_and_keep(fd, &question);
			close(question.fd);
			close(files[n]);
		}
		result(row, sides[i]->name, 0, cost_of_open());
		close(fd);
		end_process(pid);
	}
}

static void cached(void)
{
	make_files(2);
	run_on(0);
	cached_at("cached", ON_FILE);
	cached_at("cached_fs", ON_FILESYSTEM);
}

static double keeping(void *arg)
{
	struct guard *guard = arg;
	struct question question;
	double start, took = 0;
	pid_t pid;
	int i;

	pid = start_process(0, open_files);
	for (i = 0; i < NR_FILES; i++) {
		guard->side->ask(guard->fd, &question);
		start = now_ns();
		guard->side->allow_and_keep(guard->fd, &question);
		took += now_ns() - start;
		close(question.fd);
	}
	end_process(pid);
	return took / NR_FILES;
}

/* What is allowed is not asked about again: of files that have no mark yet. */
static void kept(void)
{
	struct sched_param first = { .sched_priority = 1 };
	struct guard guard;
	double value, best;
	int i, r, file;

	make_files(NR_FILES);
	run_on(0);
	/* Those that go on do so when the call has returned. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
		fail("SCHED_FIFO");
	for_each_side(i) {
		if (!sides[i]->allow_and_keep)
			continue;
		for (r = 0, best = 0; r < times(4); r++) {
			guard.side = sides[i];
			guard.fd = guard.side->listen(true);
			file = file_open(0);
			guard.side->mark(guard.fd, file, ON_FILESYSTEM,
					 FAN_OPEN_PERM, 0);
			close(file);
			value = keeping(&guard);
			if (!r || value < best)
				best = value;
			close(guard.fd);
		}
		result("kept", sides[i]->name, 0, best);
	}
}

const struct row rows_guard[] = {
	{ "round_trip", round_trip },
	{ "cached", cached },
	{ "kept", kept },
	{ NULL }
};
