// SPDX-License-Identifier: GPL-2.0
/* A group of the fanotify system calls */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "bench.h"
#include "side.h"

static int group_listen(bool guards)
{
	int fd = fanotify_init((guards ? FAN_CLASS_CONTENT : FAN_CLASS_NOTIF) |
			       FAN_CLOEXEC | FAN_UNLIMITED_QUEUE |
			       FAN_UNLIMITED_MARKS, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("fanotify_init");
	return fd;
}

static void change(int fd, unsigned int flags, uint32_t mask, int file)
{
	if (mask && fanotify_mark(fd, flags, mask, file, NULL))
		fail("fanotify_mark");
}

static unsigned int place_flag(enum place place)
{
	return place == ON_FILESYSTEM ? FAN_MARK_FILESYSTEM : 0;
}

#define SURVIVING (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY)

static void group_mark(int fd, int file, enum place place, uint32_t mask,
		       uint32_t ignored)
{
	change(fd, FAN_MARK_ADD | place_flag(place), mask, file);
	change(fd, FAN_MARK_ADD | place_flag(place) | SURVIVING, ignored, file);
}

static void group_unmark(int fd, int file, enum place place, uint32_t mask,
			 uint32_t ignored)
{
	change(fd, FAN_MARK_REMOVE | place_flag(place), mask, file);
	change(fd, FAN_MARK_REMOVE | place_flag(place) | FAN_MARK_IGNORED_MASK,
	       ignored, file);
}

static void group_ignore(int fd, int file, uint32_t mask)
{
	change(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, mask, file);
}

static struct fanotify_event_metadata events[MAX_EVENTS];

static void group_skip(int fd, int nr)
{
	struct fanotify_event_metadata *ev = events;
	ssize_t len = read(fd, events, nr * sizeof(*events));

	if (len != (ssize_t)(nr * sizeof(*events)))
		fail("read");
	for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len))
		close(ev->fd);
}

static void group_learn(int fd, int nr)
{
	struct fanotify_event_metadata *ev = events;
	ssize_t len = read(fd, events, nr * sizeof(*events));
	char link[32], path[PATH_MAX];

	if (len != (ssize_t)(nr * sizeof(*events)))
		fail("read");
	for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len)) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", ev->fd);
		if (readlink(link, path, sizeof(path)) <= 0)
			fail("readlink");
		close(ev->fd);
	}
}

static void group_drain(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct fanotify_event_metadata *ev;
	ssize_t len;

	while (poll(&pfd, 1, 0) == 1) {
		len = read(fd, events, sizeof(events));
		if (len <= 0)
			fail("read");
		for (ev = events; FAN_EVENT_OK(ev, len);
		     ev = FAN_EVENT_NEXT(ev, len))
			close(ev->fd);
	}
}

static void group_ask(int fd, struct question *question)
{
	struct fanotify_event_metadata ev;

	if (read(fd, &ev, sizeof(ev)) != sizeof(ev))
		fail("read");
	question->fd = ev.fd;
}

static void group_allow(int fd, const struct question *question)
{
	struct fanotify_response response = {
		.fd = question->fd,
		.response = FAN_ALLOW,
	};

	if (write(fd, &response, sizeof(response)) != sizeof(response))
		fail("write");
}

static void group_allow_and_keep(int fd, const struct question *question)
{
	change(fd, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN_PERM,
	       question->fd);
	group_allow(fd, question);
}

/* It takes one answer to the call. */
static void group_allow_all(int fd, const struct question *questions, int nr)
{
	while (nr--)
		group_allow(fd, questions++);
}

const struct side side_group = {
	.name = "group",
	.listen = group_listen,
	.mark = group_mark,
	.unmark = group_unmark,
	.ignore = group_ignore,
	.skip = group_skip,
	.learn = group_learn,
	.drain = group_drain,
	.ask = group_ask,
	.allow = group_allow,
	.allow_and_keep = group_allow_and_keep,
	.allow_all = group_allow_all,
};
