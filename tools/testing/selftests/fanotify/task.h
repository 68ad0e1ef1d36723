/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: tasks that open a file when they are told to, again and
 * again, and say when they were through
 */
#ifndef FANOTIFY_TEST_TASK_H
#define FANOTIFY_TEST_TASK_H

#include <signal.h>
#include <sys/prctl.h>

#include "perm.h"

/**
 * struct order - what a task is to do
 *
 * @dir: Where the files are.
 * @note: Open the one of which there is a notification.
 * @ask: And then that which it has to ask for.
 */
struct order {
	char dir[32];
	bool note;
	bool ask;
};

/**
 * struct report - how a task fared
 *
 * @noted: 0 or -errno.
 * @asked: Likewise.
 * @at: When it was through, in nanoseconds.
 */
struct report {
	long noted;
	long asked;
	long long at;
};

/**
 * struct task - a child that opens files
 *
 * @pid: The child.
 * @orders: A pipe to it.
 * @done: A pipe from it.
 * @asked: It has been ordered to ask in this round.
 * @asking: And has not reported yet.
 * @late: That was during the race, so it may have come too late to be asked.
 * @killed: It died before it could report.
 * @report: Its last report.
 * @cookie: What it has asked, if anybody has read that.
 * @reads: How often that was read.
 * @answers: How many answers were taken.
 */
struct task {
	pid_t pid;
	int orders;
	int done;
	bool asked;
	bool asking;
	bool late;
	bool killed;
	struct report report;
	__u64 cookie;
	int reads;
	int answers;
};

static inline long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static inline void pin_to(int nr)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(nr % sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

/* The file of this name in @dir; valid until the thread's next call. */
static inline char *file_in(const char *dir, const char *name)
{
	static __thread char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline void task_main(int nr)
{
	struct order order;

	pin_to(nr);
	while (read(3, &order, sizeof(order)) == sizeof(order)) {
		struct report report = {};

		if (order.note)
			report.noted = do_open(file_in(order.dir, "noted"));
		if (order.ask)
			report.asked = do_open(file_in(order.dir, "asked"));
		report.at = now_ns();
		if (write(4, &report, sizeof(report)) != sizeof(report))
			_exit(1);
	}
	_exit(0);
}

/* Has no descriptor of anything else when this returns. */
static inline bool task_start(struct task *task, int nr)
{
	int orders[2], done[2];
	char ready;

	if (pipe2(orders, O_CLOEXEC) || pipe2(done, O_CLOEXEC))
		return false;
	*task = (struct task){ .orders = orders[1], .done = done[0] };
	task->pid = fork();
	if (!task->pid) {
		int in = fcntl(orders[0], F_DUPFD, 5);
		int out = fcntl(done[1], F_DUPFD, 5);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(in, 3) != 3 || dup2(out, 4) != 4 ||
		    syscall(SYS_close_range, 5, ~0U, 0) ||
		    write(4, "r", 1) != 1)
			_exit(1);
		task_main(nr);
	}
	close(orders[0]);
	close(done[1]);
	return task->pid > 0 && read(task->done, &ready, 1) == 1;
}

static inline int task_end(struct task *task)
{
	close(task->orders);
	close(task->done);
	return exit_status(task->pid);
}

static inline bool task_order(struct task *task, const char *dir, bool note,
			      bool ask)
{
	struct order order = { .note = note, .ask = ask };

	snprintf(order.dir, sizeof(order.dir), "%s", dir);
	if (write(task->orders, &order, sizeof(order)) != sizeof(order))
		return false;
	task->asked = ask;
	task->asking = ask;
	return true;
}

/* Waits for its report, or its death. False if there is none. */
static inline bool task_wait(struct task *task)
{
	struct pollfd pfd = { .fd = task->done, .events = POLLIN };
	ssize_t len;

	if (poll(&pfd, 1, WAIT_MS) != 1)
		return false;
	len = read(task->done, &task->report, sizeof(task->report));
	task->asking = false;
	task->killed = !len;
	return !len || len == sizeof(task->report);
}

#endif /* FANOTIFY_TEST_TASK_H */
