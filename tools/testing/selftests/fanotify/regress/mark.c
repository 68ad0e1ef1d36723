// SPDX-License-Identifier: GPL-2.0
/* What fanotify_mark() says to all bits, for all kinds of groups and objects */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "regress.h"

#define MARKS_LIMIT "/proc/sys/user/max_fanotify_marks"
#define NR_BITS 64

static const struct {
	const char *name;
	unsigned int init;
} kinds[] = {
	{ "notify", FAN_CLASS_NOTIF },
	{ "content", FAN_CLASS_CONTENT },
	{ "pre-content", FAN_CLASS_PRE_CONTENT },
	{ "fid", FAN_CLASS_NOTIF | FAN_REPORT_FID },
	{ "dir fid", FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID },
	{ "name", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME },
	{ "target", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET },
};

static const unsigned int objects[] = {
	FAN_MARK_INODE, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM,
	FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM,
};

static const unsigned int forms[] = {
	0, FAN_MARK_IGNORED_MASK,
	FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
	FAN_MARK_IGNORED_SURV_MODIFY, FAN_MARK_IGNORE, FAN_MARK_IGNORE_SURV,
	FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK, FAN_MARK_EVICTABLE,
	FAN_MARK_ONLYDIR, FAN_MARK_DONT_FOLLOW, 0x800, 0x80000000,
};

static const char *const paths[] = { "file", "dir", "fifo", "/proc/version" };

static long mark(int fd, unsigned int flags, uint64_t mask, const char *path)
{
	return result(fanotify_mark(fd, flags, mask, AT_FDCWD, path));
}

/* All bits, each with @with, and for each result those that had it */
static void try_bits(int fd, unsigned int flags, uint64_t with,
		     const char *path)
{
	static uint64_t with_result[4096];
	unsigned int object = flags & (FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM);
	int i;

	for (i = 0; i < NR_BITS; i++) {
		long ret = mark(fd, FAN_MARK_ADD | flags, 1ULL << i | with,
				path);

		with_result[-ret] |= 1ULL << i;
		if (!ret && mark(fd, FAN_MARK_FLUSH | object, 0, path))
			fail("FAN_MARK_FLUSH");
	}
	tell("  flags %#x, bits with %#llx:", flags, (unsigned long long)with);
	for (i = 0; i < ARRAY_SIZE(with_result); i++) {
		if (!with_result[i])
			continue;
		tell(" ");
		tell_result(-i);
		tell(" for %#llx", (unsigned long long)with_result[i]);
		with_result[i] = 0;
	}
	tell("\n");
}

static void try_kind(unsigned int init, const char *path)
{
	int fd = fanotify_init(init, O_RDONLY | O_CLOEXEC);
	size_t o, f;

	if (fd < 0)
		fail("fanotify_init");
	for (o = 0; o < ARRAY_SIZE(objects); o++) {
		for (f = 0; f < ARRAY_SIZE(forms); f++) {
			try_bits(fd, objects[o] | forms[f], 0, path);
			try_bits(fd, objects[o] | forms[f], FAN_OPEN, path);
		}
	}
	close(fd);
}

static void say(const char *what, long ret)
{
	tell("  %s: ", what);
	tell_result(ret);
	tell("\n");
}

static void try_commands(void)
{
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY | O_CLOEXEC);
	unsigned int add = FAN_MARK_ADD, remove = FAN_MARK_REMOVE;
	unsigned int flush = FAN_MARK_FLUSH, i;

	for (i = 0; i < 8; i++)
		say("no or several commands", mark(fd, (i & 3) | (i & 4 ? flush : 0),
						   FAN_OPEN, "file"));
	say("not there", mark(fd, add, FAN_OPEN, "nothing"));
	say("below a file", mark(fd, add, FAN_OPEN, "file/file"));
	say("bad name", mark(fd, add, FAN_OPEN, bad_address));
	say("only a directory", mark(fd, add | FAN_MARK_ONLYDIR, FAN_OPEN,
				     "file"));
	say("closed directory", result(fanotify_mark(fd, add, FAN_OPEN, 1023,
						     "file")));
	say("no name", result(fanotify_mark(fd, add, FAN_OPEN, 1023, NULL)));
	say("no group", mark(0, add, FAN_OPEN, "file"));
	say("closed group", mark(1023, add, FAN_OPEN, "file"));
	say("remove what is not there", mark(fd, remove, FAN_OPEN, "file"));
	say("add", mark(fd, add, FAN_OPEN, "file"));
	say("add more", mark(fd, add, FAN_CLOSE, "file"));
	say("remove another", mark(fd, remove, FAN_ACCESS, "file"));
	say("remove", mark(fd, remove, FAN_OPEN, "file"));
	say("evictable now", mark(fd, add | FAN_MARK_EVICTABLE, FAN_OPEN,
				  "file"));
	say("ignored", mark(fd, add | FAN_MARK_IGNORED_MASK, FAN_OPEN, "file"));
	say("by the other form", mark(fd, add | FAN_MARK_IGNORE_SURV, FAN_OPEN,
				      "file"));
	say("new form", mark(fd, add | FAN_MARK_IGNORE_SURV, FAN_OPEN, "dir"));
	say("old form after it", mark(fd, add | FAN_MARK_IGNORED_MASK, FAN_OPEN,
				      "dir"));
	say("not to survive", mark(fd, add | FAN_MARK_IGNORE,
				   FAN_CLOSE, "dir"));
	say("evictable", mark(fd, add | FAN_MARK_EVICTABLE, FAN_OPEN, "other"));
	tell_fdinfo("marks", fd);
	say("not evictable now", mark(fd, add, FAN_OPEN, "other"));
	say("evictable again", mark(fd, add | FAN_MARK_EVICTABLE, FAN_CLOSE,
				    "other"));
	say("remove all of it", mark(fd, remove, FAN_OPEN | FAN_CLOSE, "other"));
	tell_fdinfo("marks", fd);
	say("flush", mark(fd, flush, 0, "file"));
	say("flush with a mask", mark(fd, flush, FAN_OPEN, "file"));
	say("flush mounts", mark(fd, flush | FAN_MARK_MOUNT, 0, "file"));
	say("flush ignored", mark(fd, flush | FAN_MARK_IGNORED_MASK, 0, "file"));
	tell_fdinfo("marks", fd);
	close(fd);
}

/* Marks are counted, and those of nobody else. */
static void exhaust(void)
{
	static const char *const names[] = {
		"file", "dir", "other", "program", "script", "dir/inner",
		"dir/sub",
	};
	long before = swap_knob(MARKS_LIMIT, 5);
	int fd = fanotify_init(FAN_CLASS_NOTIF, O_RDONLY | O_CLOEXEC);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		say("one of many", mark(fd, FAN_MARK_ADD, FAN_OPEN, names[i]));
	close(fd);
	swap_knob(MARKS_LIMIT, before);
}

#define NOBODY 65534

static int by_nobody(void)
{
	static const unsigned int inits[] = {
		FAN_REPORT_FID, FAN_REPORT_DFID_NAME,
	};
	size_t i;

	if (setgid(NOBODY) || setuid(NOBODY))
		fail("becoming nobody");
	for (i = 0; i < ARRAY_SIZE(inits); i++) {
		tell("fanotify_mark() by nobody, %#x\n", inits[i]);
		try_kind(inits[i], "file");
		try_kind(inits[i], "dir");
	}
	fflush(stdout);
	return 0;
}

void mark_calls(void)
{
	size_t k, p;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (p = 0; p < ARRAY_SIZE(paths); p++) {
			tell("fanotify_mark() of %s, %s\n", kinds[k].name,
			     paths[p]);
			try_kind(kinds[k].init, paths[p]);
		}
	}
	if (in_child(by_nobody))
		fail("a child");
	tell("fanotify_mark()\n");
	try_commands();
	exhaust();
}
