// SPDX-License-Identifier: GPL-2.0
/*
 * What it costs to answer one permission event while many tasks wait, for a
 * group of the system calls and for a socket: the call alone, and all that is
 * done until the thread that was answered has ended.
 *
 * Under the instruction clock a nanosecond is an instruction. It counts what
 * every task does, those too that are woken only to sleep again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATH		"/tmp/answer_cost"
/* As many answers are measured. */
#define ANSWERS		10
#define MAX_WAITING	10000
/* With more a group of the system calls takes minutes. */
#define MAX_GROUP	800

static int group_fds[MAX_WAITING];
static __u64 cookies[MAX_WAITING];

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

static void *open_it(void *arg)
{
	int fd = open(PATH, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail("open");
	close(fd);
	return NULL;
}

static int group_start(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC |
			       FAN_UNLIMITED_QUEUE, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD,
				    PATH))
		fail("fanotify");
	return fd;
}

static void group_take(int fd, int i)
{
	struct fanotify_event_metadata event;

	if (read(fd, &event, sizeof(event)) != sizeof(event))
		fail("read");
	group_fds[i] = event.fd;
}

static void group_answer(int fd, int i)
{
	struct fanotify_response response = {
		.fd = group_fds[i],
		.response = FAN_ALLOW,
	};

	if (write(fd, &response, sizeof(response)) != sizeof(response))
		fail("write");
}

static void group_done(int i)
{
	close(group_fds[i]);
}

static int socket_start(void)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.f_flags = O_RDONLY | O_CLOEXEC,
	};
	struct fanotify_so_inode_mark mark = { .mask = FAN_OPEN_PERM };
	__u32 timeout = FAN_SO_MAX_TIMEOUT;
	int sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("socket");
	mark.fd = open(PATH, O_PATH | O_CLOEXEC);
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, &mark,
		       sizeof(mark)) ||
	    setsockopt(sock, SOL_FANOTIFY, FANOTIFY_RESPONSE_TIMEOUT, &timeout,
		       sizeof(timeout)))
		fail("setsockopt");
	close(mark.fd);
	return sock;
}

static void socket_take(int fd, int i)
{
	struct fanotify_so_event_metadata event;

	if (read(fd, &event, sizeof(event)) != sizeof(event))
		fail("read");
	cookies[i] = event.cookie;
	close(event.fd);
}

static void socket_answer(int fd, int i)
{
	struct fanotify_so_access access = {
		.cookie = cookies[i],
		.response = FAN_ALLOW,
	};

	if (setsockopt(fd, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE, &access,
		       sizeof(access)))
		fail("FANOTIFY_ACCESS_RESPONSE");
}

static void socket_write(int fd, int i)
{
	struct fanotify_so_access access = {
		.cookie = cookies[i],
		.response = FAN_ALLOW,
	};

	if (write(fd, &access, sizeof(access)) != sizeof(access))
		fail("write");
}

static void socket_done(int i)
{
}

static const struct listener {
	const char *name;
	int (*start)(void);
	void (*take)(int fd, int i);
	void (*answer)(int fd, int i);
	void (*done)(int i);
	int most;
} listeners[] = {
	{ "group, write()", group_start, group_take, group_answer, group_done,
	  MAX_GROUP },
	{ "socket, setsockopt()", socket_start, socket_take, socket_answer,
	  socket_done, MAX_WAITING },
	{ "socket, write()", socket_start, socket_take, socket_write,
	  socket_done, MAX_WAITING },
};

static const int waiting[] = { 1, 10, 100, 800, 10000 };

/* Instructions: of the call, and until that is done what was waited for. */
struct costs {
	double call, through;
};

static struct costs cost(const struct listener *listener, int n)
{
	static pthread_t threads[MAX_WAITING];
	int answers = n < ANSWERS ? n : ANSWERS;
	int i, fd = listener->start();
	struct costs costs = {};
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (i = 0; i < n; i++) {
		errno = pthread_create(&threads[i], &attr, open_it, NULL);
		if (errno)
			fail("pthread_create");
	}
	for (i = 0; i < n; i++)
		listener->take(fd, i);
	/* Until all of them sleep */
	usleep(100000);

	for (i = 0; i < answers; i++) {
		double start = now_ns();

		listener->answer(fd, i);
		costs.call += (now_ns() - start) / answers;
		pthread_join(threads[i], NULL);
		costs.through += (now_ns() - start) / answers;
	}

	close(fd);
	for (i = 0; i < n; i++) {
		if (i >= answers)
			pthread_join(threads[i], NULL);
		listener->done(i);
	}
	return costs;
}

int main(void)
{
	struct rlimit limit = { 3 * MAX_WAITING, 3 * MAX_WAITING };
	size_t i, j;
	int fd;

	fd = open(PATH, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(PATH);
	close(fd);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("RLIMIT_NOFILE");

	printf("%-22s %8s %10s %12s\n", "", "waiting", "the call",
	       "all is done");
	for (i = 0; i < sizeof(listeners) / sizeof(*listeners); i++) {
		/* The first time warms up. */
		cost(&listeners[i], 10);
		for (j = 0; j < sizeof(waiting) / sizeof(*waiting); j++) {
			struct costs costs;

			if (waiting[j] > listeners[i].most)
				continue;
			costs = cost(&listeners[i], waiting[j]);
			printf("%-22s %8d %10.0f %12.0f\n", listeners[i].name,
			       waiting[j], costs.call, costs.through);
			fflush(stdout);
		}
	}
	return 0;
}
