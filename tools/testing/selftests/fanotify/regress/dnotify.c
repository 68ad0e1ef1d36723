// SPDX-License-Identifier: GPL-2.0
/* Signals say that something happened in a directory, and in which one. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "regress.h"

#define DN_ALL (DN_ACCESS | DN_MODIFY | DN_CREATE | DN_DELETE | DN_RENAME | \
		DN_ATTRIB)

static const struct {
	const char *name;
	const char *path;
	long mask;
} watches[] = {
	{ "dnotify", ".", DN_ALL | DN_MULTISHOT },
	{ "dnotify, dir", "dir", DN_ALL | DN_MULTISHOT },
	{ "dnotify, once", ".", DN_MODIFY | DN_DELETE },
	{ "dnotify, ACCESS", ".", DN_ACCESS | DN_MULTISHOT },
	{ "dnotify, MODIFY", ".", DN_MODIFY | DN_MULTISHOT },
	{ "dnotify, CREATE", ".", DN_CREATE | DN_MULTISHOT },
	{ "dnotify, DELETE", ".", DN_DELETE | DN_MULTISHOT },
	{ "dnotify, RENAME", ".", DN_RENAME | DN_MULTISHOT },
	{ "dnotify, ATTRIB", ".", DN_ATTRIB | DN_MULTISHOT },
};

#define NR ARRAY_SIZE(watches)

static int fds[NR];

void dnotify_init(void)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	for (i = 0; i < NR; i++)
		sigaddset(&set, SIGRTMIN + i);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void dnotify_start(void)
{
	size_t i;

	for (i = 0; i < NR; i++) {
		fds[i] = open(watches[i].path, O_RDONLY | O_DIRECTORY |
			      O_CLOEXEC);
		if (fds[i] < 0 || fcntl(fds[i], F_SETSIG, SIGRTMIN + i) ||
		    fcntl(fds[i], F_NOTIFY, watches[i].mask))
			fail(watches[i].name);
	}
}

/* Each has a signal of its own, and signals of one number come in order. */
void dnotify_tell(void)
{
	struct timespec now = { };
	siginfo_t info;
	sigset_t set;
	int count;
	size_t i;

	for (i = 0; i < NR; i++) {
		sigemptyset(&set);
		sigaddset(&set, SIGRTMIN + i);
		for (count = 0; sigtimedwait(&set, &info, &now) > 0; count++) {
			if (info.si_fd != fds[i] || info.si_code != POLL_MSG)
				tell("  %s: code %d\n", watches[i].name,
				     info.si_code);
		}
		if (count)
			tell("  %s: %d times\n", watches[i].name, count);
	}
}

void dnotify_stop(void)
{
	size_t i;

	for (i = 0; i < NR; i++)
		close(fds[i]);
}

static void notify(const char *what, int fd, long mask)
{
	tell("  dnotify: %s: ", what);
	tell_result(result(fcntl(fd, F_NOTIFY, mask)));
	tell("\n");
}

void dnotify_calls(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file = open("file", O_RDONLY | O_CLOEXEC);
	int i;

	tell("dnotify's calls\n");
	for (i = 0; i < 32; i++)
		notify("one bit", dir, 1L << i);
	notify("nothing", dir, 0);
	notify("a file", file, DN_ALL);
	notify("closed", 1023, DN_ALL);
	close(file);
	close(dir);
}
