/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: socket listeners for others to be compared with and
 * without
 */
#ifndef FANOTIFY_TEST_COMPANY_H
#define FANOTIFY_TEST_COMPANY_H

#include "common.h"
#include "place.h"

#define COMPANY_FILE PLACE "/file"

/**
 * struct company - socket listeners who listen to the same files
 *
 * @socks: One that has marks on a file and its directory, a global one that
 *         writes to what it hears of, and one that has a mark on the directory.
 *         Their numbers ascend, so that the first hears all that the others do.
 * @heard: How many events each has had.
 * @loud: Descriptors that the others can hear, and @quiet: those they cannot.
 */
struct company {
	int socks[3];
	int heard[3];
	int loud, quiet;
};

static inline int numbered_listener(__u32 priority, __u32 mask, int f_flags)
{
	struct fanotify_addr addr = address(mask, f_flags | O_CLOEXEC);
	int sock = new_socket();
	int ret;

	addr.priority = priority;
	ret = sock < 0 ? sock : do_bind(sock, &addr);
	return ret ?: sock;
}

/* @ondir: FAN_ONDIR, if they are to hear of directories, or 0. */
static inline void company_start(struct __test_metadata *_metadata,
				 struct company *c, __u32 ondir)
{
	__u32 in_dir = ALL_EVENTS | ondir | FAN_EVENT_ON_CHILD;

	memset(c, 0, sizeof(*c));
	c->socks[0] = numbered_listener(0, 0, O_RDONLY);
	c->socks[1] = numbered_listener(5, FAN_GLOBAL_LISTENER | ondir |
					ALL_EVENTS, O_RDWR);
	c->socks[2] = numbered_listener(0xffffffff, 0, O_RDONLY);
	ASSERT_LE(0, c->socks[0]);
	ASSERT_LE(0, c->socks[1]);
	ASSERT_LE(0, c->socks[2]);
	ASSERT_EQ(0, mark_path(c->socks[0], COMPANY_FILE, ALL_EVENTS, 0));
	ASSERT_EQ(0, mark_path(c->socks[0], PLACE, in_dir, 0));
	ASSERT_EQ(0, mark_path(c->socks[2], PLACE, in_dir, 0));
}

static inline void company_leave(struct company *c)
{
	int i;

	for (i = 0; i < 3; i++)
		close(c->socks[i]);
}

/* All that can be done with the fd of an event without changing anything. */
static inline void use_fd(int fd, int accmode)
{
	char buf[1024];

	if (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
		return;
	if (pread(fd, buf, 1, 0) == 1 && accmode == O_RDWR)
		pwrite(fd, buf, 1, 0);
}

/*
 * They take all that they have been told, and what that makes them hear of
 * each other, from the highest number down.
 */
static inline int company_work(struct company *c)
{
	struct fanotify_so_event_metadata ev;
	int i, ret, flags;

	for (i = 2; i >= 0; i--) {
		while ((ret = take_event(c->socks[i], &ev)) > 0) {
			c->heard[i]++;
			if (ev.fd < 0)
				continue;
			flags = fcntl(ev.fd, F_GETFL);
			if (flags & QUIET)
				c->quiet++;
			else
				c->loud++;
			use_fd(ev.fd, flags & O_ACCMODE);
			close(ev.fd);
		}
		if (ret)
			return ret;
	}
	return 0;
}

#endif /* FANOTIFY_TEST_COMPANY_H */
