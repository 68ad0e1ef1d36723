// SPDX-License-Identifier: GPL-2.0
/* A socket of the family */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "side.h"

#ifndef SO_RCVBUFFORCE
#define SO_RCVBUFFORCE 33
#endif

/* Bytes of queued events: of half a million */
#define NO_LIMIT (512 << 20)

static int socket_listen(bool guards)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.f_flags = O_RDONLY | O_CLOEXEC,
	};
	__u32 timeout = FAN_SO_MAX_TIMEOUT;
	int sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);
	int room = NO_LIMIT;

	if (sock < 0 && errno == EAFNOSUPPORT)
		return -1;
	if (sock < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    (guards && setsockopt(sock, SOL_FANOTIFY, FANOTIFY_RESPONSE_TIMEOUT,
				  &timeout, sizeof(timeout))))
		fail("socket");
	/* root has a limit here, too. */
	write_limit("/proc/sys/fs/fanotify_socket/max_user_marks");
	return sock;
}

static void set_mark(int fd, int file, uint32_t mask, uint32_t ignored)
{
	struct fanotify_so_inode_mark mark = {
		.fd = file,
		.mask = mask,
		.ignored_mask = ignored,
	};

	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_SET_MARK, &mark,
		       sizeof(mark)))
		fail("FANOTIFY_SET_MARK");
}

static uint32_t place_flag(enum place place)
{
	return place == ON_FILESYSTEM ? FAN_ON_FILESYSTEM : 0;
}

static void socket_mark(int fd, int file, enum place place, uint32_t mask,
			uint32_t ignored)
{
	set_mark(fd, file, mask | place_flag(place),
		 ignored ? ignored | FAN_SURVIVE_MODIFY : 0);
}

static void socket_unmark(int fd, int file, enum place place, uint32_t mask,
			  uint32_t ignored)
{
	set_mark(fd, file, place_flag(place), 0);
}

static void socket_mark_all(int fd, const int *files, int nr, uint32_t mask)
{
	struct fanotify_so_inode_mark marks[MAX_MARKS];
	int i;

	for (i = 0; i < nr; i++)
		marks[i] = (struct fanotify_so_inode_mark){
			.fd = files[i],
			.mask = mask,
		};
	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_SET_MARK, marks,
		       nr * sizeof(*marks)))
		fail("FANOTIFY_SET_MARK");
}

static void socket_ignore(int fd, int file, uint32_t mask)
{
	set_mark(fd, file, 0, mask);
}

static struct fanotify_so_event_metadata events[MAX_EVENTS];

static void close_all(ssize_t len)
{
	struct fanotify_so_event_metadata *ev = events;

	for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len))
		close(ev->fd);
}

static void socket_skip(int fd, int nr)
{
	ssize_t len = read(fd, events, nr * sizeof(*events));

	if (len != (ssize_t)(nr * sizeof(*events)))
		fail("read");
	close_all(len);
}

static void socket_tell_paths(int fd)
{
	__u32 report = FAN_REPORT_PATH | FAN_REPORT_NOFD;

	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_REPORT, &report,
		       sizeof(report)))
		fail("FANOTIFY_REPORT");
}

/* An event that tells the path of one of the files: all are as long. */
#define TOLD_LEN 72

static void socket_learn(int fd, int nr)
{
	static __u64 told[MAX_EVENTS * TOLD_LEN / sizeof(__u64)];
	struct fanotify_so_event_metadata *ev = (void *)told;
	ssize_t len = read(fd, told, nr * TOLD_LEN);

	if (len != nr * TOLD_LEN)
		fail("read");
	for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len)) {
		struct fanotify_event_info_path *info = (void *)(ev + 1);

		if (info->hdr.info_type != FAN_EVENT_INFO_TYPE_PATH ||
		    info->path[0] != '/')
			fail("a path");
	}
}

static void socket_drain(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t len;

	while (poll(&pfd, 1, 0) == 1) {
		len = read(fd, events, sizeof(events));
		if (len <= 0)
			fail("read");
		close_all(len);
	}
}

static void socket_ask(int fd, struct question *question)
{
	struct fanotify_so_event_metadata ev;

	if (read(fd, &ev, sizeof(ev)) != sizeof(ev))
		fail("read");
	question->fd = ev.fd;
	question->cookie = ev.cookie;
}

static void give(int fd, const struct question *question, __u32 response)
{
	struct fanotify_so_access access = {
		.cookie = question->cookie,
		.response = response,
	};

	/* write() would do, and goes through more hands. */
	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE, &access,
		       sizeof(access)))
		fail("FANOTIFY_ACCESS_RESPONSE");
}

static void socket_allow(int fd, const struct question *question)
{
	give(fd, question, FAN_ALLOW);
}

static void socket_allow_and_keep(int fd, const struct question *question)
{
	give(fd, question, FAN_ALLOW | FAN_CACHE);
}

static void socket_allow_all(int fd, const struct question *questions, int nr)
{
	struct fanotify_so_access access[MAX_EVENTS];
	int i;

	for (i = 0; i < nr; i++) {
		access[i].cookie = questions[i].cookie;
		access[i].response = FAN_ALLOW;
	}
	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE, access,
		       nr * sizeof(*access)))
		fail("FANOTIFY_ACCESS_RESPONSE");
}

const struct side side_socket = {
	.name = "socket",
	.listen = socket_listen,
	.mark = socket_mark,
	.unmark = socket_unmark,
	.mark_all = socket_mark_all,
	.ignore = socket_ignore,
	.skip = socket_skip,
	.learn = socket_learn,
	.tell_paths = socket_tell_paths,
	.drain = socket_drain,
	.ask = socket_ask,
	.allow = socket_allow,
	.allow_and_keep = socket_allow_and_keep,
	.allow_all = socket_allow_all,
};
