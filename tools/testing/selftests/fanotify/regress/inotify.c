// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "regress.h"

#ifndef INOTIFY_IOC_SETNEXTWD
#define INOTIFY_IOC_SETNEXTWD _IOW('I', 0, int)
#endif

#define MAX_WATCHES 4

static const struct bit in_bits[] = {
	{ IN_ACCESS, "ACCESS" },
	{ IN_MODIFY, "MODIFY" },
	{ IN_ATTRIB, "ATTRIB" },
	{ IN_CLOSE_WRITE, "CLOSE_WRITE" },
	{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
	{ IN_OPEN, "OPEN" },
	{ IN_MOVED_FROM, "MOVED_FROM" },
	{ IN_MOVED_TO, "MOVED_TO" },
	{ IN_CREATE, "CREATE" },
	{ IN_DELETE, "DELETE" },
	{ IN_DELETE_SELF, "DELETE_SELF" },
	{ IN_MOVE_SELF, "MOVE_SELF" },
	{ IN_UNMOUNT, "UNMOUNT" },
	{ IN_Q_OVERFLOW, "Q_OVERFLOW" },
	{ IN_IGNORED, "IGNORED" },
	{ IN_ISDIR, "ISDIR" },
	{ }
};

static const struct {
	const char *name;
	struct {
		uint32_t mask;
		const char *path;
	} watches[MAX_WATCHES];
} instances[] = {
	{ "inotify", {
		{ IN_ALL_EVENTS, "." },
		{ IN_ALL_EVENTS, "dir" },
		{ IN_ALL_EVENTS, "file" },
		{ IN_ALL_EVENTS | IN_DONT_FOLLOW, "symlink" },
	} },
	{ "inotify, unlinked", {
		{ IN_ALL_EVENTS | IN_EXCL_UNLINK, "." },
		{ IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONLYDIR, "dir" },
		{ IN_ALL_EVENTS, "symlink" },
		{ IN_ALL_EVENTS, "fifo" },
	} },
	{ "inotify, once", {
		{ IN_MODIFY | IN_ONESHOT, "." },
		{ IN_ALL_EVENTS | IN_ONESHOT, "file" },
		{ IN_DELETE | IN_ONESHOT, "dir" },
		{ IN_ATTRIB | IN_ONESHOT, "other" },
	} },
	{ "inotify, added", {
		{ IN_OPEN, "." },
		{ IN_CLOSE | IN_MASK_ADD, "." },
		{ IN_ACCESS, "dir" },
		{ IN_MODIFY | IN_MASK_CREATE, "dir" },
	} },
	{ "inotify, ACCESS", { { IN_ACCESS, "." } } },
	{ "inotify, MODIFY", { { IN_MODIFY, "." } } },
	{ "inotify, ATTRIB", { { IN_ATTRIB, "." } } },
	{ "inotify, CLOSE_WRITE", { { IN_CLOSE_WRITE, "." } } },
	{ "inotify, CLOSE_NOWRITE", { { IN_CLOSE_NOWRITE, "." } } },
	{ "inotify, OPEN", { { IN_OPEN, "." } } },
	{ "inotify, MOVED_FROM", { { IN_MOVED_FROM, "." } } },
	{ "inotify, MOVED_TO", { { IN_MOVED_TO, "." } } },
	{ "inotify, CREATE", { { IN_CREATE, "." } } },
	{ "inotify, DELETE", { { IN_DELETE, "." } } },
	{ "inotify, DELETE_SELF", { { IN_DELETE_SELF, "dir/sub" } } },
	{ "inotify, MOVE_SELF", { { IN_MOVE_SELF, "dir" } } },
};

static int fds[ARRAY_SIZE(instances)];

void tell_watch(const char *who, int fd)
{
	const struct inotify_event *ev;
	uint64_t buf[512];
	const char *p;
	ssize_t len;

	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		for (p = (char *)buf; p < (char *)buf + len; p += sizeof(*ev) + ev->len) {
			ev = (const struct inotify_event *)p;
			tell("  %s: wd %d ", who, ev->wd);
			tell_bits(in_bits, ev->mask);
			if (ev->cookie)
				tell(" %s", name_of(NAME_COOKIE, "%x",
						    ev->cookie));
			tell(" len %u '%s'\n", ev->len, ev->len ? ev->name : "");
		}
	}
	if (len < 0 && errno != EAGAIN) {
		tell("  %s: read ", who);
		tell_result(-errno);
		tell("\n");
	}
}

static int add_watch(const char *who, int fd, uint32_t mask, const char *path)
{
	long ret = result(inotify_add_watch(fd, path, mask));

	tell("  %s: watch %s for %#x: ", who, path ?: "NULL", mask);
	tell_result(ret);
	tell("\n");
	return ret;
}

void inotify_start(void)
{
	size_t i;
	int w;

	for (i = 0; i < ARRAY_SIZE(instances); i++) {
		fds[i] = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (fds[i] < 0)
			fail(instances[i].name);
		for (w = 0; w < MAX_WATCHES && instances[i].watches[w].path; w++)
			add_watch(instances[i].name, fds[i],
				  instances[i].watches[w].mask,
				  instances[i].watches[w].path);
	}
}

void inotify_tell(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(instances); i++)
		tell_watch(instances[i].name, fds[i]);
}

void inotify_fdinfo(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(instances); i++)
		tell_fdinfo(instances[i].name, fds[i]);
}

void inotify_stop(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(instances); i++)
		close(fds[i]);
}

static void tell_call(const char *what, long ret)
{
	tell("  inotify: %s: ", what);
	tell_result(ret);
	tell("\n");
}

static void open_close(const char *path)
{
	close(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

/* More happens than the queue has room for. */
static void fill_up(void)
{
	long before = swap_knob("/proc/sys/fs/inotify/max_queued_events", 4);
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[32];
	int i, bytes;

	add_watch("overflow", fd, IN_ALL_EVENTS, ".");
	for (i = 0; i < 10; i++) {
		snprintf(path, sizeof(path), "many%d", i);
		open_close(path);
	}
	tell_call("FIONREAD", result(ioctl(fd, FIONREAD, &bytes)));
	tell("  inotify: %d bytes\n", bytes);
	tell_watch("overflow", fd);
	open_close("many0");
	tell_watch("after overflow", fd);
	close(fd);
	swap_knob("/proc/sys/fs/inotify/max_queued_events", before);
}

void inotify_calls(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int wd, i, bytes = -1;
	char small[8];

	tell("inotify's calls\n");
	tell_call("flags", result(inotify_init1(1)));
	/* The bits that have a meaning are heard of elsewhere. */
	for (i = 0; i < 32; i++)
		add_watch("one bit", fd, 1U << i, ".");
	add_watch("both", fd, IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE, ".");
	add_watch("again", fd, IN_OPEN | IN_MASK_CREATE, ".");
	add_watch("none", fd, 0, ".");
	add_watch("not there", fd, IN_OPEN, "nothing");
	add_watch("a file", fd, IN_OPEN | IN_ONLYDIR, "file");
	add_watch("bad name", fd, IN_OPEN, NULL);
	add_watch("not inotify", 0, IN_OPEN, ".");
	add_watch("closed", 1023, IN_OPEN, ".");
	wd = add_watch("a file", fd, IN_OPEN, "file");
	tell_call("remove", result(inotify_rm_watch(fd, wd)));
	tell_call("remove again", result(inotify_rm_watch(fd, wd)));
	tell_call("too small", result(read(fd, small, sizeof(small))));
	tell_call("bad address", result(read(fd, bad_address, 100)));
	tell_watch("removed", fd);
	tell_call("empty", result(read(fd, small, sizeof(small))));
	tell_call("set next", result(ioctl(fd, INOTIFY_IOC_SETNEXTWD, 100)));
	add_watch("next", fd, IN_OPEN, "file");
	tell_call("FIONREAD", result(ioctl(fd, FIONREAD, &bytes)));
	tell("  inotify: %d bytes\n", bytes);
	tell_call("no such ioctl", result(ioctl(fd, 0x1234, &bytes)));
	tell_fdinfo("inotify", fd);
	close(fd);
	fill_up();
}
