// SPDX-License-Identifier: GPL-2.0
/* What fanotify_init() says to all flags, with and without privileges */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fanotify.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "regress.h"

#define NOBODY 65534
#define GROUPS_LIMIT "/proc/sys/user/max_fanotify_groups"

static const unsigned int classes[] = {
	FAN_CLASS_NOTIF, FAN_CLASS_CONTENT, FAN_CLASS_PRE_CONTENT,
	FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT,
};

/* FAN_REPORT_PIDFD and those above it, up to one that nobody knows */
#define FIRST_REPORT FAN_REPORT_PIDFD
#define NR_REPORTS 256

static void try(unsigned int flags, unsigned int f_flags)
{
	int fd = result(fanotify_init(flags, f_flags));

	tell("  %#x %#x: ", flags, f_flags);
	tell_result(fd < 0 ? fd : 0);
	tell("\n");
	if (fd >= 0)
		close(fd);
}

static void try_all(const char *who)
{
	unsigned int i, report;

	tell("fanotify_init() by %s\n", who);
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		for (report = 0; report < NR_REPORTS; report++)
			try(classes[i] | report * FIRST_REPORT, O_RDONLY);
	}
	for (i = 0; i < 32; i++) {
		try(1U << i, O_RDONLY);
		try(1U << i | FAN_REPORT_FID, O_RDONLY);
		try(FAN_CLASS_NOTIF, 1U << i);
		try(FAN_REPORT_FID, 1U << i);
	}
	try(FAN_CLASS_NOTIF, O_ACCMODE);
	try(FAN_CLASS_NOTIF, O_RDWR | O_CLOEXEC | O_LARGEFILE | O_NOATIME);
}

static int by_nobody(void)
{
	if (setgid(NOBODY) || setuid(NOBODY))
		fail("becoming nobody");
	try_all("nobody");
	fflush(stdout);
	return 0;
}

static int by_another_root(void)
{
	if (setgid(NOBODY) || setuid(NOBODY) || unshare(CLONE_NEWUSER))
		fail("a user namespace");
	try_all("nobody who is root of a user namespace");
	fflush(stdout);
	return 0;
}

/* Groups are counted, and nothing else is. */
static void exhaust(void)
{
	long before = swap_knob(GROUPS_LIMIT, 10);
	int fds[20], i, n;

	for (n = 0; n < 20; n++) {
		fds[n] = fanotify_init(FAN_CLASS_NOTIF, 0);
		if (fds[n] < 0)
			break;
	}
	tell("%d groups, then ", n);
	tell_result(result(fds[n]));
	tell("\n");
	for (i = 0; i < n; i++)
		close(fds[i]);
	swap_knob(GROUPS_LIMIT, before);
}

void init_calls(void)
{
	try_all("root");
	if (in_child(by_nobody) || in_child(by_another_root))
		fail("a child");
	exhaust();
}
