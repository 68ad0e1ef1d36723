// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets of the family that use all that it has, to hear of what the script
 * does, and be asked about it. A process of its own reads and answers, which the
 * script's listeners do not hear: the kernel sees to that.
 *
 * To read the descriptor of a directory on overlayfs is heard below it, as the
 * guide says; so those who ask for directories get no descriptors of them there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/magic.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress.h"

#define FILE_EVENTS (FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_MODIFY | \
		     FAN_CLOSE)
#define ENTRY_EVENTS (FAN_CREATE | FAN_DELETE | FAN_DELETE_SELF | FAN_MOVE | \
		      FAN_MOVE_SELF | FAN_RENAME | FAN_ATTRIB)
#define PERM_EVENTS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)
#define EVERYTHING (FILE_EVENTS | ENTRY_EVENTS | FAN_ONDIR)
#define ALL_RECORDS (FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_PIDFD | \
		     FAN_REPORT_PATH)
#define MAX_MARKS 8

/**
 * struct listener - a socket, or several that share a group
 *
 * @name: For messages.
 * @addr: What it is bound to.
 * @report: FANOTIFY_REPORT.
 * @ignore_dirs_on: A file system of whose directories it does not hear.
 * @guards: It is asked. It does not hear what its own process does then, and
 *          denies if it does not answer.
 * @keeps: It answers so that it is not asked again.
 * @marks: What it marks in each place.
 */
static const struct listener {
	const char *name;
	struct fanotify_addr addr;
	uint32_t report;
	uint64_t ignore_dirs_on;
	bool guards;
	bool keeps;
	struct {
		const char *path;
		uint32_t mask;
		uint32_t ignored;
	} marks[MAX_MARKS];
} listeners[] = {
	{ "all", { .mask = FAN_GLOBAL_LISTENER | EVERYTHING },
	  ALL_RECORDS | FAN_REPORT_NOFD },
	{ "guard", { .priority = 10, .mask = FAN_GLOBAL_LISTENER | PERM_EVENTS },
	  FAN_REPORT_PATH, .guards = true, .keeps = true },
	{ "guard of directories", { .priority = 20, .mask =
	    FAN_GLOBAL_LISTENER | PERM_EVENTS | FAN_ONDIR },
	  FAN_REPORT_FID, OVERLAYFS_SUPER_MAGIC, .guards = true },
	{ "shared", { .priority = 30, .group_num = 7,
	    .mask = FAN_GLOBAL_LISTENER | FILE_EVENTS } },
	{ "shared", { .priority = 30, .group_num = 7,
	    .mask = FAN_GLOBAL_LISTENER | FILE_EVENTS } },
	{ "shared", { .priority = 30, .group_num = 7,
	    .mask = FAN_GLOBAL_LISTENER | FILE_EVENTS } },
	{ "ignoring", { .priority = 30,
	    .mask = FAN_GLOBAL_LISTENER | FILE_EVENTS | FAN_ONDIR },
	  FAN_REPORT_PIDFD, OVERLAYFS_SUPER_MAGIC, .marks = {
		{ "file", 0, FILE_EVENTS },
		{ "other", 0, FILE_EVENTS | FAN_SURVIVE_MODIFY },
		{ "dir", 0, FAN_OPEN | FAN_EVENT_ON_CHILD | FAN_SURVIVE_MODIFY },
	  } },
	{ "marks", { .priority = 40 }, .guards = true, .keeps = true, .marks = {
		{ "file", FILE_EVENTS | PERM_EVENTS, 0 },
		{ "program", PERM_EVENTS, 0 },
		{ ".", FILE_EVENTS | FAN_EVENT_ON_CHILD, FAN_ACCESS },
		{ "dir", FAN_OPEN | FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, 0 },
		{ ".", FILE_EVENTS | FAN_OPEN_PERM | FAN_ON_MOUNT, 0 },
		{ ".", FAN_MODIFY | FAN_ACCESS_PERM | FAN_ON_FILESYSTEM, 0 },
	  } },
	{ "tree", { .priority = 50 }, ALL_RECORDS | FAN_REPORT_NOFD,
	  .guards = true, .marks = {
		{ ".", EVERYTHING | FAN_OPEN_PERM | FAN_ON_SUBTREE, 0 },
		{ "dir/sub", 0, EVERYTHING | FAN_ON_SUBTREE },
		{ "dir", ENTRY_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD, 0 },
		{ ".", ENTRY_EVENTS | FAN_ONDIR | FAN_ON_FILESYSTEM, 0 },
	  } },
};

#define NR ARRAY_SIZE(listeners)

static int socks[NR];
static long heard[NR], asked;

static int set_option(int sock, int name, const void *value, socklen_t len)
{
	return setsockopt(sock, SOL_FANOTIFY, name, value, len);
}

static int set_number(int sock, int name, uint32_t value)
{
	return set_option(sock, name, &value, sizeof(value));
}

static int open_listener(const struct listener *l)
{
	struct fanotify_addr addr = l->addr;
	struct fanotify_so_sb sb = {
		.magic = l->ignore_dirs_on,
		.mask = FILE_EVENTS | PERM_EVENTS | FAN_ONDIR,
	};
	int sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);
	int room = 1 << 24;

	addr.family = AF_FANOTIFY;
	addr.f_flags = O_RDONLY | O_CLOEXEC;
	/* Nothing is ever late. */
	if (sock < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) ||
	    (l->report && set_number(sock, FANOTIFY_REPORT, l->report)) ||
	    bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    set_number(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ||
	    (l->guards && set_number(sock, FANOTIFY_IGNORE_SELF, 1)) ||
	    (l->guards && set_number(sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY)) ||
	    (addr.group_num && set_number(sock, FANOTIFY_LINGER, 60)) ||
	    (sb.magic && set_option(sock, FANOTIFY_IGNORE_SB, &sb, sizeof(sb))))
		fail(l->name);
	return sock;
}

/* O_PATH: nobody hears of that. */
static void mark_place(void)
{
	struct fanotify_so_inode_mark mark;
	size_t i;
	int m;

	for (i = 0; i < NR; i++) {
		for (m = 0; m < MAX_MARKS && listeners[i].marks[m].path; m++) {
			mark.fd = open(listeners[i].marks[m].path,
				       O_PATH | O_CLOEXEC);
			mark.mask = listeners[i].marks[m].mask;
			mark.ignored_mask = listeners[i].marks[m].ignored;
			if (mark.fd < 0 ||
			    set_option(socks[i], FANOTIFY_SET_MARK, &mark,
				       sizeof(mark)))
				fail(listeners[i].marks[m].path);
			close(mark.fd);
		}
		if (listeners[i].keeps &&
		    set_option(socks[i], FANOTIFY_FORGET, NULL, 0))
			fail("FANOTIFY_FORGET");
	}
}

/* Looks into the file, as a listener would. */
static void use(int fd)
{
	struct stat st;
	char buf[512];

	if (fd < 0 || fstat(fd, &st))
		return;
	if (S_ISDIR(st.st_mode))
		syscall(SYS_getdents64, fd, buf, sizeof(buf));
	else if (S_ISREG(st.st_mode))
		pread(fd, buf, sizeof(buf), 0);
	close(fd);
}

static void close_pidfd(const struct fanotify_so_event_metadata *ev)
{
	const char *p = (const char *)(ev + 1);
	const char *end = (const char *)ev + ev->event_len;
	const struct fanotify_event_info_pidfd *info;

	for (; p < end; p += info->hdr.len) {
		info = (const struct fanotify_event_info_pidfd *)p;
		if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_PIDFD &&
		    info->pidfd >= 0)
			close(info->pidfd);
	}
}

static void handle(size_t i, const struct fanotify_so_event_metadata *ev)
{
	struct fanotify_so_access access = {
		.cookie = ev->cookie,
		.response = FAN_ALLOW | (listeners[i].keeps ? FAN_CACHE : 0),
	};

	if (ev->mask & FAN_Q_OVERFLOW)
		fail("an overflow");
	use(ev->fd);
	close_pidfd(ev);
	heard[i]++;
	if (!ev->cookie)
		return;
	asked++;
	if (set_option(socks[i], FANOTIFY_ACCESS_RESPONSE, &access,
		       sizeof(access)))
		fail("an answer");
}

/* Takes all that is queued: was there anything? */
static bool take_all(size_t i)
{
	static uint64_t buf[8192];
	struct fanotify_so_event_metadata *ev;
	bool any = false;
	ssize_t len;

	while ((len = recv(socks[i], buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		ev = (struct fanotify_so_event_metadata *)buf;
		for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len))
			handle(i, ev);
		any = true;
	}
	if (len < 0 && errno != EAGAIN)
		fail("recv");
	return any;
}

/* What they do is heard by those before them. */
static void take_everything(void)
{
	bool any;
	size_t i;

	do {
		any = false;
		for (i = NR; i--;)
			any |= take_all(i);
	} while (any);
}

/* Orders of the script, each of which is answered when it is done */
#define ORDER_MARK	'm'
#define ORDER_SETTLE	's'
#define ORDER_STOP	'q'

static int orders = -1;
static pid_t helper;

static void check_heard(void)
{
	size_t i;

	for (i = 0; i < NR; i++) {
		fprintf(stderr, "regress: %s: %ld events\n", listeners[i].name,
			heard[i]);
		/* Who reads for a group is anybody. */
		if (!heard[i] && !listeners[i].addr.group_num) {
			errno = ENODATA;
			fail(listeners[i].name);
		}
	}
	fprintf(stderr, "regress: %ld of them were asked about\n", asked);
}

static noreturn void serve(int from)
{
	struct pollfd pfds[NR + 1];
	char order, path[64];
	size_t i;

	for (i = 0; i < NR; i++) {
		socks[i] = open_listener(&listeners[i]);
		pfds[i] = (struct pollfd){ socks[i], POLLIN };
	}
	pfds[NR] = (struct pollfd){ from, POLLIN };
	order = 0;
	do {
		if (write(from, &order, 1) != 1)
			fail("the script");
		do {
			if (poll(pfds, NR + 1, -1) < 0)
				fail("poll");
			take_everything();
		} while (!pfds[NR].revents);
		if (read(from, &order, 1) != 1)
			fail("the script");
		if (order == ORDER_MARK) {
			snprintf(path, sizeof(path), "/proc/%d/cwd", getppid());
			if (chdir(path))
				fail(path);
			mark_place();
			if (chdir("/"))
				fail("/");
		}
		/* What was queued before the order came */
		take_everything();
	} while (order != ORDER_STOP);
	check_heard();
	_exit(0);
}

static void wait_done(void)
{
	char done;

	if (read(orders, &done, 1) != 1)
		fail("the company");
}

static void give_order(char order)
{
	if (orders < 0)
		return;
	if (write(orders, &order, 1) != 1)
		fail("the company");
	if (order != ORDER_STOP)
		wait_done();
}

void company_start(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		fail("socketpair");
	helper = fork();
	if (helper < 0)
		fail("fork");
	if (!helper) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	orders = ends[0];
	wait_done();
}

void company_mark(void)
{
	give_order(ORDER_MARK);
}

void company_settle(void)
{
	give_order(ORDER_SETTLE);
}

void company_stop(void)
{
	int status;

	if (orders < 0)
		return;
	give_order(ORDER_STOP);
	if (waitpid(helper, &status, 0) != helper || status)
		fail("the company");
	close(orders);
	orders = -1;
}
