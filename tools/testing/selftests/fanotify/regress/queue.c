// SPDX-License-Identifier: GPL-2.0
/* Queues that are full, reads and answers that are wrong, and who waits */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "regress.h"

#define QUEUE_LIMIT "/proc/sys/fs/fanotify/max_queued_events"

static void say(const char *what, long ret)
{
	tell("  %s: ", what);
	tell_result(ret);
	tell("\n");
}

static int group_of(unsigned int flags, unsigned int mark, uint64_t mask)
{
	int fd = fanotify_init(flags | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);

	if (fd < 0 || fanotify_mark(fd, FAN_MARK_ADD | mark, mask, AT_FDCWD,
				    "."))
		fail("a group");
	return fd;
}

static void open_close(const char *path)
{
	close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

/* More happens than the queues have room for, but for one of them. */
static void fill_up(void)
{
	long before = swap_knob(QUEUE_LIMIT, 4);
	uint64_t events = FAN_OPEN | FAN_CLOSE | FAN_EVENT_ON_CHILD;
	int fds[3], i, bytes = -1;
	char path[32];

	fds[0] = group_of(FAN_CLASS_NOTIF, FAN_MARK_INODE, events);
	fds[1] = group_of(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE,
			  FAN_MARK_MOUNT, FAN_OPEN | FAN_CLOSE);
	fds[2] = group_of(FAN_REPORT_DFID_NAME, FAN_MARK_INODE,
			  events | FAN_CREATE);
	swap_knob(QUEUE_LIMIT, before);
	for (i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "many%d", i);
		open_close(path);
	}
	company_settle();
	for (i = 0; i < 3; i++) {
		say("FIONREAD", result(ioctl(fds[i], FIONREAD, &bytes)));
		tell("  %d bytes\n", bytes);
		tell_group("overflow", fds[i]);
		open_close("many0");
		tell_group("after overflow", fds[i]);
		close(fds[i]);
	}
	for (i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "many%d", i);
		unlink(path);
	}
}

/* Reads that get nothing, or not all */
static void read_badly(void)
{
	int fd = group_of(FAN_CLASS_NOTIF, FAN_MARK_INODE,
			  FAN_OPEN | FAN_EVENT_ON_CHILD);
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };
	struct fanotify_event_metadata evs[2];
	struct rlimit before, none;
	int value;

	say("empty", result(read(fd, evs, sizeof(evs))));
	say("poll", result(poll(&pfd, 1, 0)));
	open_close("file");
	open_close("other");
	open_close("file");
	say("poll", result(poll(&pfd, 1, 0)));
	say("no such ioctl", result(ioctl(fd, 0x1234, &value)));
	say("no length", result(read(fd, evs, 0)));
	say("too small", result(read(fd, evs, sizeof(*evs) - 1)));
	say("pread", result(pread(fd, evs, sizeof(evs), 0)));
	say("lseek", result(lseek(fd, 0, SEEK_SET)));
	/* Such events are lost, and so is one that cannot be opened. */
	say("bad address", result(read(fd, bad_address, sizeof(*evs))));
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){ 0, before.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	say("no descriptor", result(read(fd, evs, sizeof(*evs))));
	setrlimit(RLIMIT_NOFILE, &before);
	open_close("script");
	tell_group("what is left", fd);
	close(fd);
}

static int open_file(void)
{
	return open("file", O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

/* Starts a child that opens the file, and waits until it is asked about. */
static pid_t ask(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	pid_t pid;

	forget_pids();
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* Whoever waits must not keep the group. */
		close(fd);
		_exit(open_file());
	}
	if (pid < 0 || poll(&pfd, 1, -1) != 1)
		fail("a child that is asked about");
	return pid;
}

static void tell_end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	tell("  the child: %s %d\n", WIFEXITED(status) ? "exit" : "signal",
	     WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static long respond(int fd, int event_fd, uint32_t response, size_t len)
{
	struct fanotify_response r = { event_fd, response };

	return result(write(fd, &r, len));
}

struct answer {
	struct fanotify_response response;
	struct fanotify_response_info_audit_rule info;
};

static long respond_info(int fd, int event_fd, uint32_t flags, int type,
			 int info_len, size_t len)
{
	struct answer a = {
		.response = { event_fd, FAN_ALLOW | flags },
		.info = { .hdr = { .type = type, .len = info_len } },
	};

	return result(write(fd, &a, len));
}

static void try_answers(int fd, int event_fd)
{
	const size_t len = sizeof(struct fanotify_response);
	const size_t info = sizeof(struct fanotify_response_info_audit_rule);
	int i;

	for (i = 0; i < 32; i++) {
		if (1U << i == FAN_ALLOW || 1U << i == FAN_DENY)
			continue;
		say("a bit", respond(fd, event_fd, 1U << i, len));
		say("a bit and allow", respond(fd, event_fd,
					       1U << i | FAN_ALLOW, len));
	}
	say("neither", respond(fd, event_fd, 0, len));
	say("both", respond(fd, event_fd, FAN_ALLOW | FAN_DENY, len));
	say("too short", respond(fd, event_fd, FAN_ALLOW, len - 1));
	say("nothing", respond(fd, event_fd, FAN_ALLOW, 0));
	say("another fd", respond(fd, 1000, FAN_ALLOW, len));
	say("a negative fd", respond(fd, -1, FAN_ALLOW, len));
	say("FAN_NOFD with info", respond_info(fd, FAN_NOFD, FAN_INFO,
					       FAN_RESPONSE_INFO_AUDIT_RULE,
					       info, len + info));
	say("info", respond_info(fd, 1000, FAN_INFO, FAN_RESPONSE_INFO_NONE,
				 info, len + info));
	say("info that is not there", respond_info(fd, event_fd, FAN_INFO,
						   FAN_RESPONSE_INFO_AUDIT_RULE,
						   info, len));
	say("another length", respond_info(fd, event_fd, FAN_INFO,
					   FAN_RESPONSE_INFO_AUDIT_RULE,
					   info - 1, len + info));
	say("audit", respond(fd, event_fd, FAN_ALLOW | FAN_AUDIT, len));
	say("bad address", result(write(fd, bad_address, len)));
}

static int take(int fd, struct fanotify_event_metadata *ev)
{
	if (read(fd, ev, sizeof(*ev)) != sizeof(*ev))
		fail("an event");
	tell_event("asked", ev);
	tell("\n");
	return ev->fd;
}

static void answers(void)
{
	const size_t len = sizeof(struct fanotify_response);
	struct fanotify_event_metadata ev;
	int fd = group_of(FAN_CLASS_CONTENT, FAN_MARK_INODE,
			  FAN_OPEN_PERM | FAN_EVENT_ON_CHILD);
	pid_t pid = ask(fd);

	say("before it is read", respond(fd, 3, FAN_ALLOW, len));
	take(fd, &ev);
	try_answers(fd, ev.fd);
	say("allow", respond(fd, ev.fd, FAN_ALLOW, len));
	say("once more", respond(fd, ev.fd, FAN_ALLOW, len));
	close(ev.fd);
	tell_end(pid);

	pid = ask(fd);
	take(fd, &ev);
	say("deny", respond(fd, ev.fd, FAN_DENY, len));
	close(ev.fd);
	tell_end(pid);

	pid = ask(fd);
	take(fd, &ev);
	say("allow, longer", respond_info(fd, ev.fd, 0, 0, 0,
					  sizeof(struct answer)));
	close(ev.fd);
	tell_end(pid);

	/* Who waits is killed. */
	pid = ask(fd);
	take(fd, &ev);
	kill(pid, SIGKILL);
	tell_end(pid);
	say("who is dead", respond(fd, ev.fd, FAN_ALLOW, len));
	close(ev.fd);

	/* It cannot be opened for who would answer. */
	pid = ask(fd);
	say("bad address", result(read(fd, bad_address, sizeof(ev))));
	tell_end(pid);

	/* Who waits is let go, read about or not. */
	pid = ask(fd);
	take(fd, &ev);
	close(ev.fd);
	close(fd);
	tell_end(pid);
	fd = group_of(FAN_CLASS_PRE_CONTENT, FAN_MARK_INODE,
		      FAN_OPEN_PERM | FAN_EVENT_ON_CHILD);
	pid = ask(fd);
	close(fd);
	tell_end(pid);
}

/* FAN_ENABLE_AUDIT takes a kernel with audit. */
static void other_groups(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY);

	say("an answer to one that is not asked",
	    respond(fd, 3, FAN_ALLOW, sizeof(struct fanotify_response)));
	close(fd);
	say("audit", result(fanotify_init(FAN_CLASS_CONTENT | FAN_ENABLE_AUDIT,
					  O_RDONLY)));
}

void queue_calls(void)
{
	tell("queues\n");
	fill_up();
	read_badly();
	answers();
	other_groups();
}
