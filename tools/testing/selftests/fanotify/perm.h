/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: operations that wait, and their answers
 */
#ifndef FANOTIFY_TEST_PERM_H
#define FANOTIFY_TEST_PERM_H

#include "common.h"

/* 0 or -errno */
static inline int answer(int sock, __u64 cookie, __u32 response)
{
	struct fanotify_so_access access = {
		.cookie = cookie,
		.response = response,
	};

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE,
				 &access, sizeof(access)));
}

/* The same with write(): 0 or -errno */
static inline int write_answer(int sock, __u64 cookie, __u32 response)
{
	struct fanotify_so_access access = {
		.cookie = cookie,
		.response = response,
	};
	long ret = result(write(sock, &access, sizeof(access)));

	return ret == sizeof(access) ? 0 : ret < 0 ? ret : -EIO;
}

static inline int set_u32(int sock, int opt, __u32 val)
{
	return result(setsockopt(sock, SOL_FANOTIFY, opt, &val, sizeof(val)));
}

/* The value, or -errno */
static inline long get_u32(int sock, int opt)
{
	socklen_t len = sizeof(__u32);
	__u32 val;

	if (getsockopt(sock, SOL_FANOTIFY, opt, &val, &len))
		return -errno;
	return len == sizeof(val) ? (long)val : -EIO;
}

/**
 * struct doer - a child that does something which may have to wait
 *
 * @pid: The child.
 * @done: The end of a pipe which has @ret, when it is through, and then its end.
 */
struct doer {
	pid_t pid;
	int done;
};

/*
 * Starts a child that calls @call with @path and reports what it returns. It has
 * no other descriptor than it needs for that, above all not the listener's.
 */
static inline bool doer_start(struct doer *doer, long (*call)(const char *path),
			      const char *path)
{
	int fds[2];
	long ret;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	doer->pid = fork();
	if (!doer->pid) {
		if (dup3(fds[1], 3, O_CLOEXEC) != 3 && fds[1] != 3)
			_exit(2);
		syscall(SYS_close_range, 4, ~0U, 0);
		ret = call(path);
		if (write(3, &ret, sizeof(ret)) != sizeof(ret))
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	doer->done = fds[0];
	return doer->pid > 0;
}

/* Is it through within this time? */
static inline bool doer_returned(const struct doer *doer, int timeout_ms)
{
	struct pollfd pfd = { .fd = doer->done, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

/*
 * What it returned, or 0 if it became another program that did well;
 * -ETIMEDOUT if there is no end of it, -ECHILD if it died.
 */
static inline long doer_result(struct doer *doer)
{
	bool returned = doer_returned(doer, WAIT_MS);
	long ret = -ETIMEDOUT, told = 0;
	int status;

	if (!returned)
		kill(doer->pid, SIGKILL);
	status = exit_status(doer->pid);
	if (returned)
		ret = read(doer->done, &told, sizeof(told)) < 0 ? -EIO : told;
	close(doer->done);
	return returned && status ? -ECHILD : ret;
}

/* Things to do: 0 or -errno */
static inline long do_open(const char *path)
{
	return open_close(path, O_RDONLY);
}

static inline long do_open_rdwr(const char *path)
{
	return open_close(path, O_RDWR);
}

static inline long do_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	long ret;

	if (fd < 0)
		return -errno;
	ret = result(read(fd, &byte, 1));
	close(fd);
	return ret < 0 ? ret : 0;
}

static inline long do_exec(const char *path)
{
	execl(path, path, NULL);
	return -errno;
}

#endif /* FANOTIFY_TEST_PERM_H */
