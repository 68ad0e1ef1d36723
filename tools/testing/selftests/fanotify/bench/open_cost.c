// SPDX-License-Identifier: GPL-2.0
/*
 * What opening and closing a file costs, and reading a byte of it, while
 * others listen to other files of the same file system.
 *
 * Under the instruction clock a nanosecond is an instruction, and the patched
 * kernel can be compared with the unpatched one to the digit: that one leaves
 * out the lines of the sockets. A socket listener that asks for no permission
 * must not cost more than a group of the system calls in the line before, and
 * one on a subtree not 2 % more than what ignores the file system.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define PATH		"/tmp/open_cost"
#define UNRELATED	"/tmp/open_cost.unrelated"
#define ELSEWHERE	"/tmp/open_cost.d"
#define ROUNDS		20000
#define RUNS		3

#define EVENTS		(FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE)

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int nobody(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A group of the system calls with one mark. */
static int group(unsigned int flags, unsigned long long mask, const char *path)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD | flags, mask, AT_FDCWD,
				    path))
		fail("fanotify");
	return fd;
}

static int group_on_unrelated(void)
{
	return group(0, EVENTS, UNRELATED);
}

static int group_ignoring(void)
{
	int fd = group(FAN_MARK_FILESYSTEM, EVENTS, PATH);

	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM |
			  FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
			  EVENTS, AT_FDCWD, PATH))
		fail("fanotify_mark");
	return fd;
}

/* A bound socket, or -1 if this kernel knows none. */
static int listener(unsigned int mask)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.mask = mask,
		.f_flags = O_RDONLY | O_CLOEXEC,
	};
	int sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (sock < 0) {
		if (errno != EAFNOSUPPORT)
			fail("socket");
		return -1;
	}
	if (bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("bind");
	return sock;
}

/* A socket with one mark, or -1. */
static int directed(unsigned int mask, const char *path)
{
	struct fanotify_so_inode_mark mark = { .mask = mask };
	int sock = listener(0);

	if (sock < 0)
		return sock;
	mark.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, &mark,
		       sizeof(mark)))
		fail("FANOTIFY_SET_MARK");
	close(mark.fd);
	return sock;
}

static int socket_on_unrelated(void)
{
	return directed(EVENTS, UNRELATED);
}

static int socket_on_subtree(void)
{
	return directed(EVENTS | FAN_ON_SUBTREE, ELSEWHERE);
}

static int socket_ignoring(void)
{
	int sock = listener(FAN_GLOBAL_LISTENER | EVENTS);
	struct fanotify_so_sb sb = { .mask = EVENTS };
	struct statfs st;

	if (sock < 0)
		return sock;
	if (statfs(PATH, &st))
		fail("statfs");
	sb.magic = st.f_type;
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb, sizeof(sb)))
		fail("FANOTIFY_IGNORE_SB");
	return sock;
}

/* In this order: a file system that was watched once remembers it. */
static const struct {
	const char *name;
	int (*start)(void);
} listeners[] = {
	{ "nobody listens", nobody },
	{ "group, mark on another file", group_on_unrelated },
	{ "socket, mark on another file", socket_on_unrelated },
	{ "group, ignores the file system", group_ignoring },
	{ "socket, ignores the file system", socket_ignoring },
	{ "socket, a subtree elsewhere", socket_on_subtree },
	{ "nobody listens any more", nobody },
};

static void open_and_close(int fd)
{
	if (close(open(PATH, O_RDONLY)))
		fail("open");
}

static void read_byte(int fd)
{
	char c;

	if (pread(fd, &c, 1, 0) != 1)
		fail("pread");
}

/* The best of some runs: the others warm up, or the listener before leaves. */
static double cost(void (*what)(int fd), int fd)
{
	double best = 0;
	int i, run;

	for (run = 0; run < RUNS; run++) {
		double start = now_ns(), took;

		for (i = 0; i < ROUNDS; i++)
			what(fd);
		took = (now_ns() - start) / ROUNDS;
		if (!run || took < best)
			best = took;
	}
	return best;
}

static void create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "", 1) != 1)
		fail(path);
	close(fd);
}

int main(void)
{
	size_t i;

	create(PATH);
	create(UNRELATED);
	if (mkdir(ELSEWHERE, 0700) && errno != EEXIST)
		fail(ELSEWHERE);
	printf("%-32s %10s %11s\n", "", "open+close", "read 1 byte");
	for (i = 0; i < sizeof(listeners) / sizeof(*listeners); i++) {
		int listener = listeners[i].start();
		double opening, reading;
		int fd;

		if (listener < 0)
			continue;
		/* Whether its reads may be asked about is settled here. */
		fd = open(PATH, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail(PATH);
		opening = cost(open_and_close, fd);
		reading = cost(read_byte, fd);
		printf("%-32s %10.1f %11.1f\n", listeners[i].name, opening,
		       reading);
		fflush(stdout);
		close(fd);
		close(listener);
	}
	return 0;
}
