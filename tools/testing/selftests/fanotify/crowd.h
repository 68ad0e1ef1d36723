/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: many tasks that have to wait at the same time
 */
#ifndef FANOTIFY_TEST_CROWD_H
#define FANOTIFY_TEST_CROWD_H

#include <signal.h>
#include <sys/prctl.h>

#include "perm.h"

/* What one of them can do with. */
#define CROWD_STACK (64 << 10)

/**
 * struct crowd - a child whose threads all do the same thing once
 *
 * @pid: The child. It exits with 0 when all are through.
 * @done: The end of a pipe that has what each of them returned.
 */
struct crowd {
	pid_t pid;
	int done;
};

/* In the child: what its threads do. */
struct crowd_task {
	long (*call)(const char *path);
	const char *path;
	int done;
};

static inline void *crowd_main(void *arg)
{
	const struct crowd_task *task = arg;
	long ret = task->call(task->path);

	if (write(task->done, &ret, sizeof(ret)) != sizeof(ret))
		_exit(1);
	return NULL;
}

static inline void crowd_run(int nr, struct crowd_task *task)
{
	pthread_t threads[nr];
	pthread_attr_t attr;
	int i;

	if (pthread_attr_init(&attr) ||
	    pthread_attr_setstacksize(&attr, CROWD_STACK))
		_exit(2);
	for (i = 0; i < nr; i++) {
		if (pthread_create(&threads[i], &attr, crowd_main, task))
			_exit(3);
	}
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

/*
 * Starts a child, @nr threads of which call @call with @path. It ends with the
 * test, and has no descriptors of it.
 */
static inline bool crowd_start(struct crowd *crowd, int nr,
			       long (*call)(const char *path), const char *path)
{
	struct crowd_task task = { .call = call, .path = path, .done = 3 };
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return false;
	crowd->pid = fork();
	if (!crowd->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup3(fds[1], 3, O_CLOEXEC) != 3 && fds[1] != 3)
			_exit(4);
		syscall(SYS_close_range, 4, ~0U, 0);
		crowd_run(nr, &task);
	}
	close(fds[1]);
	crowd->done = fds[0];
	return crowd->pid > 0;
}

/* Is nobody through yet? */
static inline bool crowd_waits(const struct crowd *crowd)
{
	struct pollfd pfd = { .fd = crowd->done, .events = POLLIN };

	return !poll(&pfd, 1, 0);
}

/*
 * Of the next @nr that are through, how many have returned @ret? Waits for
 * them, but not for longer than WAIT_MS each.
 */
static inline int crowd_count(const struct crowd *crowd, int nr, long ret)
{
	struct pollfd pfd = { .fd = crowd->done, .events = POLLIN };
	int count = 0;
	long told;

	while (nr--) {
		if (poll(&pfd, 1, WAIT_MS) != 1 ||
		    read(crowd->done, &told, sizeof(told)) != sizeof(told))
			break;
		count += told == ret;
	}
	return count;
}

/* Waits for its end: its exit status, or minus the signal it died of. */
static inline int crowd_end(struct crowd *crowd)
{
	close(crowd->done);
	return exit_status(crowd->pid);
}

/*
 * How many operations wait for any listener, as /proc/net/fanotify has it, or
 * -errno. What is left of the dead would be seen here.
 */
static inline long nr_waiting(void)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	long sum = 0, n;
	char line[256];

	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f) || !strstr(line, " Pid Waiting "))
		sum = -EPROTO;
	while (sum >= 0 && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
			   &n) != 1)
			sum = -EPROTO;
		else
			sum += n;
	}
	fclose(f);
	return sum;
}

/* Waits until that many wait: how many do. */
static inline long until_waiting(long nr)
{
	long long end = now_ms() + WAIT_MS;
	long n;

	do {
		n = nr_waiting();
		if (n == nr)
			break;
		usleep(1000);
	} while (now_ms() < end);
	return n;
}

/*
 * A global guard is not to be asked about the files that the test itself reads
 * to see how it fares, if it is another process that listens.
 */
static inline int ignore_proc(int sock)
{
	struct fanotify_so_sb sb = {
		.magic = 0x9fa0,	/* PROC_SUPER_MAGIC */
		.mask = ALL_PERM,
	};

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb,
				 sizeof(sb)));
}

#endif /* FANOTIFY_TEST_CROWD_H */
