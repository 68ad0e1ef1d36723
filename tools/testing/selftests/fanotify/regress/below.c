// SPDX-License-Identifier: GPL-2.0
/* What the file system hears that an overlay keeps its files on */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fanotify.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "regress.h"

static int opened = -1, named = -1, watch = -1;

void below_start(const char *path)
{
	if (!path)
		return;
	opened = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC,
			       O_RDONLY);
	named = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC |
			      FAN_REPORT_DFID_NAME_TARGET, 0);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (opened < 0 || named < 0 || watch < 0 ||
	    fanotify_mark(opened, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			  FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE |
			  FAN_OPEN_EXEC | FAN_ONDIR, AT_FDCWD, path) ||
	    fanotify_mark(named, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
			  FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE |
			  FAN_CREATE | FAN_DELETE | FAN_RENAME | FAN_MOVE |
			  FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF |
			  FAN_ONDIR, AT_FDCWD, path) ||
	    inotify_add_watch(watch, "/mnt/below/upper", IN_ALL_EVENTS) < 0 ||
	    inotify_add_watch(watch, "/mnt/below/lower", IN_ALL_EVENTS) < 0)
		fail(path);
}

void below_tell(void)
{
	if (opened < 0)
		return;
	tell_group("below", opened);
	tell_group("below, names", named);
	tell_watch("below, inotify", watch);
}

void below_stop(void)
{
	if (opened < 0)
		return;
	close(opened);
	close(named);
	close(watch);
	opened = -1;
}
