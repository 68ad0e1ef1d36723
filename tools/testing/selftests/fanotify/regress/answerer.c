// SPDX-License-Identifier: GPL-2.0
/*
 * Groups of the system calls that are asked, one of each class, since the order
 * of several of one class is that of their addresses. A thread answers; what it
 * tells is in order, because who asks waits meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "regress.h"

#define PERM_EVENTS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)

static const struct {
	const char *name;
	unsigned int class;
} classes[] = {
	{ "asked before", FAN_CLASS_PRE_CONTENT },
	{ "asked", FAN_CLASS_CONTENT },
};

#define NR ARRAY_SIZE(classes)

/* Behind the groups, what says that it is over */
static struct pollfd pfds[NR + 1];
static pthread_t thread;

/* What is denied, by the one that is asked last */
static const struct {
	uint64_t mask;
	const char *name;
} denied[] = {
	{ FAN_OPEN_PERM, "/denied-open" },
	{ FAN_ACCESS_PERM, "/denied-read" },
	{ FAN_OPEN_EXEC_PERM, "/denied-exec" },
};

static bool is_denied(const struct fanotify_event_metadata *ev)
{
	char link[64], path[512];
	ssize_t len;
	size_t i;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", ev->fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return false;
	path[len] = 0;
	for (i = 0; i < ARRAY_SIZE(denied); i++) {
		if (ev->mask & denied[i].mask && strstr(path, denied[i].name))
			return true;
	}
	return false;
}

static void respond(int i, const struct fanotify_event_metadata *ev)
{
	struct fanotify_response response = {
		.fd = ev->fd,
		.response = i == NR - 1 && is_denied(ev) ? FAN_DENY : FAN_ALLOW,
	};
	int n;

	tell_event(classes[i].name, ev);
	tell(", %s\n", response.response == FAN_DENY ? "denied" : "allowed");
	/* On overlayfs that can be heard, and who asked goes on when answered. */
	close(ev->fd);
	n = write(pfds[i].fd, &response, sizeof(response));
	if (n != sizeof(response))
		fail("an answer");
}

static void *answer_all(void *arg)
{
	struct fanotify_event_metadata ev;
	size_t i;

	while (!pfds[NR].revents) {
		if (poll(pfds, NR + 1, -1) < 0)
			fail("poll");
		for (i = 0; i < NR; i++) {
			/* One by one, as they come */
			if (pfds[i].revents &&
			    read(pfds[i].fd, &ev, sizeof(ev)) == sizeof(ev))
				respond(i, &ev);
		}
	}
	return NULL;
}

static void add_mark(size_t i, unsigned int flags, uint64_t mask,
		     const char *path)
{
	tell("  %s: mark %s: ", classes[i].name, path);
	tell_result(result(fanotify_mark(pfds[i].fd, FAN_MARK_ADD | flags, mask,
					 AT_FDCWD, path)));
	tell("\n");
}

void answerer_start(void)
{
	size_t i;

	for (i = 0; i < NR; i++) {
		pfds[i].fd = fanotify_init(classes[i].class | FAN_CLOEXEC |
					   FAN_NONBLOCK, O_RDONLY | O_CLOEXEC);
		pfds[i].events = POLLIN;
		if (pfds[i].fd < 0)
			fail(classes[i].name);
	}
	pfds[NR].fd = eventfd(0, EFD_CLOEXEC);
	pfds[NR].events = POLLIN;
	add_mark(0, FAN_MARK_FILESYSTEM, PERM_EVENTS, ".");
	add_mark(0, FAN_MARK_IGNORED_MASK, FAN_ACCESS_PERM, "other");
	add_mark(0, FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
		 FAN_OPEN_PERM, "other");
	add_mark(1, FAN_MARK_MOUNT, PERM_EVENTS | FAN_ONDIR, ".");
	add_mark(1, FAN_MARK_INODE, PERM_EVENTS | FAN_EVENT_ON_CHILD, "dir");
	add_mark(1, FAN_MARK_IGNORE_SURV, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD,
		 "dir/sub");
	/* What it tells is complete before who asked goes on. */
	fflush(stdout);
	pfds[NR].revents = 0;
	if (pthread_create(&thread, NULL, answer_all, NULL))
		fail("a thread");
}

void answerer_fdinfo(void)
{
	size_t i;

	for (i = 0; i < NR; i++)
		tell_fdinfo(classes[i].name, pfds[i].fd);
}

void answerer_stop(void)
{
	size_t i;

	if (eventfd_write(pfds[NR].fd, 1) || pthread_join(thread, NULL))
		fail("the thread that answers");
	for (i = 0; i <= NR; i++)
		close(pfds[i].fd);
}
