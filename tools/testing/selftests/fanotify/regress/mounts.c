// SPDX-License-Identifier: GPL-2.0
/* Mounts in the directory that is listened to */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "regress.h"

#define ON "dir/sub"

/* Listeners that go with what is mounted */
static int group = -1, watch = -1;

static long mount_tmpfs(void)
{
	return result(mount("inside", ON, "tmpfs", 0, "mode=755"));
}

static long listen_inside(void)
{
	group = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC,
			      O_RDONLY);
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	return result(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_MOUNT,
				    FAN_OPEN | FAN_CLOSE, AT_FDCWD, ON)) ?:
	       result(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
				    FAN_MODIFY, AT_FDCWD, ON)) ?:
	       result(fanotify_mark(group, FAN_MARK_ADD,
				    FAN_ACCESS | FAN_EVENT_ON_CHILD, AT_FDCWD,
				    ON)) ?:
	       result(inotify_add_watch(watch, ON, IN_ALL_EVENTS));
}

static long use_inside(void)
{
	int fd = open(ON "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char c;

	if (fd < 0 || write(fd, "text", 4) != 4 || pread(fd, &c, 1, 0) != 1)
		return -errno;
	return result(close(fd));
}

static void tell_inside(void)
{
	company_settle();
	tell_group("inside", group);
	tell_watch("inside, inotify", watch);
}

static long told_inside(void)
{
	tell_inside();
	tell_fdinfo("inside", group);
	tell_fdinfo("inside, inotify", watch);
	return 0;
}

static long umount_busy(void)
{
	int fd = open(ON "/file", O_RDONLY | O_CLOEXEC);
	long ret;

	tell_inside();
	ret = result(umount(ON));
	close(fd);
	tell_inside();
	return ret;
}

static long do_umount(void)
{
	return result(umount(ON));
}

static long bind_dir(void)
{
	return result(mount("dir", "empty", NULL, MS_BIND, NULL));
}

static long make_empty(void)
{
	return result(mkdir("empty", 0755));
}

static long use_bound(void)
{
	int fd = open("empty/bound", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "text", 4) != 4)
		return -errno;
	close(fd);
	fd = open("dir/bound", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return result(unlink("empty/bound"));
}

static long remount(void)
{
	return result(mount(NULL, "empty", NULL,
			    MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
}

static long write_read_only(void)
{
	return result(open("empty/bound", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
}

static long umount_bound(void)
{
	return result(umount("empty"));
}

static long remove_empty(void)
{
	return result(rmdir("empty"));
}

static long stop_inside(void)
{
	return result(close(group) ?: close(watch));
}

const struct step steps_mounts[] = {
	{ "mount a tmpfs", mount_tmpfs },
	{ "listen to it", listen_inside },
	{ "create, write and read on it", use_inside },
	{ "what they heard who listen to it", told_inside },
	{ "unmount while it is in use", umount_busy },
	{ "unmount", do_umount },
	{ "what is left of their marks", told_inside },
	{ "close them", stop_inside },
	{ "make a directory", make_empty },
	{ "bind another to it", bind_dir },
	{ "create and write by either way", use_bound },
	{ "make it read-only", remount },
	{ "create on it", write_read_only },
	{ "unmount it", umount_bound },
	{ "remove the directory", remove_empty },
	{ }
};
