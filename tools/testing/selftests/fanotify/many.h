/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: any number of FAN_OPEN events that do not merge
 */
#ifndef FANOTIFY_TEST_MANY_H
#define FANOTIFY_TEST_MANY_H

#include <limits.h>

#include "common.h"

#define MANY TMP "/many"

/* Each file can be opened in so many ways: to no two events that merge. */
#define MANY_FILES 200
#define MANY_WAYS 96

/**
 * struct many - what came out of a queue
 *
 * @dev: The device that counts.
 * @events: How many events of its files.
 * @overflows: How many overflows.
 * @lost: What these say was lost.
 */
struct many {
	dev_t dev;
	long events;
	long overflows;
	unsigned long long lost;
};

static inline void many_path(char *path, int i)
{
	sprintf(path, MANY "/file%d", i);
}

/* Makes the files. 0 or -errno. */
static inline int many_init(struct many *many)
{
	struct stat st;
	char path[64];
	int i, ret;

	*many = (struct many){};
	if (mkdir(MANY, 0755) || stat(MANY, &st))
		return -errno;
	many->dev = st.st_dev;
	for (i = 0; i < MANY_FILES; i++) {
		many_path(path, i);
		ret = write_file(path, "");
		if (ret)
			return ret;
	}
	return 0;
}

/* Causes @nr events; 16384 in a row are sure not to merge. 0 or -errno. */
static inline int many_cause(long nr)
{
	/* The next opening: which file, and which way. */
	static int file, way;
	static const int flags[] = { O_APPEND, O_NONBLOCK, O_SYNC, O_NOATIME,
				     O_NOFOLLOW };
	char path[64];

	while (nr--) {
		int how = way / 32;
		size_t i;
		int ret;

		for (i = 0; i < ARRAY_SIZE(flags); i++) {
			if (way & (1 << i))
				how |= flags[i];
		}
		many_path(path, file);
		ret = open_close(path, how);
		if (ret)
			return ret;
		if (++file == MANY_FILES) {
			file = 0;
			way = (way + 1) % MANY_WAYS;
		}
	}
	return 0;
}

/* Takes and counts @nr events, or as many as there are. 0 or -errno. */
static inline int many_count(struct many *many, int sock, long nr)
{
	struct fanotify_so_event_metadata evs[64], *ev;

	while (nr > 0) {
		size_t want = nr < 64 ? nr : 64;
		struct stat st;
		long len;

		len = recv(sock, evs, want * FAN_SO_EVENT_LEN, MSG_DONTWAIT);
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (ev = evs; FAN_SO_EVENT_OK(ev, len);
		     ev = FAN_SO_EVENT_NEXT(ev, len)) {
			nr--;
			if (ev->mask != FAN_Q_OVERFLOW) {
				if (!fstat(ev->fd, &st) &&
				    st.st_dev == many->dev)
					many->events++;
				close_event(ev);
				continue;
			}
			many->overflows++;
			many->lost += ev->cookie;
			if (ev->fd != FAN_NOFD || ev->pid || ev->tgid ||
			    ev->f_flags)
				return -EPROTO;
		}
	}
	return 0;
}

#endif /* FANOTIFY_TEST_MANY_H */
