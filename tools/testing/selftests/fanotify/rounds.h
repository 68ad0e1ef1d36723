/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: operations whose time runs out, and who keeps count
 */
#ifndef FANOTIFY_TEST_ROUNDS_H
#define FANOTIFY_TEST_ROUNDS_H

#include "perm.h"

/* Short enough for ten of them */
#define SHORT_MS 50

/* How long the kernel bears with a reader that it holds up */
#define EXCUSED_MS 60000

/**
 * struct told - what /proc/net/fanotify tells of a socket
 *
 * @state: Its columns, those that matter here.
 */
struct told {
	char state[16];
	unsigned int queued;
	unsigned int waiting;
	unsigned long long timeouts;
	unsigned long long unasked;
};

/* 0 or -errno */
static inline int tell(int sock, struct told *told)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	unsigned long long ino;
	int ret = -ENOENT;
	char line[256];
	struct stat st;

	if (!f || fstat(sock, &st))
		return -errno;
	/* The first is the names of the columns. */
	if (!fgets(line, sizeof(line), f))
		ret = -EIO;
	while (ret == -ENOENT && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llu %15s %*u %*u %*s %*s %u %*u %*u %*u %*u %*d %u %llu %llu",
			   &ino, told->state, &told->queued, &told->waiting,
			   &told->timeouts, &told->unasked) != 6)
			ret = -EPROTO;
		else if (ino == st.st_ino)
			ret = 0;
	}
	fclose(f);
	return ret;
}

/* Operations that ran out of time, or -errno. */
static inline long long told_timeouts(int sock)
{
	struct told told;

	return tell(sock, &told) ?: (long long)told.timeouts;
}

static inline bool is_evicted(int sock)
{
	struct told told;

	return !tell(sock, &told) && !strcmp(told.state, "evicted");
}

/*
 * Opens the file so many times, one after the other, in a child. Returns how
 * many times that came to @ret, or -errno.
 */
static inline int open_often(const char *path, int times, long ret)
{
	int i, count = 0;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		for (i = 0; i < times; i++)
			count += do_open(path) == ret;
		_exit(count);
	}
	return exit_status(child);
}

#endif /* FANOTIFY_TEST_ROUNDS_H */
