// SPDX-License-Identifier: GPL-2.0
/* A mark that keeps nothing in memory goes with the inode, when that goes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fanotify.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "regress.h"

/* What was used is dropped when it is met for the second time. */
#define TRIES 10

static int count_marks(int group)
{
	char path[64], line[1024];
	int count = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", group);
	f = fopen(path, "re");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f))
		count += !strncmp(line, "fanotify ino:", 13);
	fclose(f);
	return count;
}

/* How many of two marks are left, of which one keeps its inode? */
static long evict(void)
{
	int group = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	int left, tries = 0;

	if (group < 0 ||
	    fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN,
			  AT_FDCWD, "evictable") ||
	    fanotify_mark(group, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "script"))
		fail("an evictable mark");
	sync();
	do {
		write_knob("/proc/sys/vm/drop_caches", "3");
		left = count_marks(group);
	} while (left > 1 && ++tries < TRIES);
	close(group);
	return left;
}

/* Who was asked about it may have noted the answer. */
static long use(void)
{
	int fd = open("evictable", O_RDONLY | O_CLOEXEC);
	char c;

	if (fd < 0 || read(fd, &c, 1) != 1)
		fail("evictable");
	return result(close(fd));
}

const struct step steps_evict[] = {
	{ "use a file with evictable marks", use },
	{ "evict it", evict },
	{ "use it again", use },
	{ }
};
