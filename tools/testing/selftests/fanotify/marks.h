/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what the tests of marks share
 */
#ifndef FANOTIFY_TEST_MARKS_H
#define FANOTIFY_TEST_MARKS_H

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "common.h"

/* A file that is a program as well: it can have every event. */
#define SCRIPT "#!/bin/busybox true\n"

/* Every flag that only a directory can have. */
#define DIR_FLAGS (FAN_ONDIR | FAN_EVENT_ON_CHILD)

/* The limits of the family */
#define SYSCTLS "/proc/sys/fs/fanotify_socket/"
#define MAX_USER_GROUPS SYSCTLS "max_user_groups"
#define MAX_USER_MARKS SYSCTLS "max_user_marks"

/* Writes what a file of /proc or /sys takes at once. 0 or -errno. */
static inline int write_knob(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = result(write(fd, text, strlen(text)));
	close(fd);
	return ret < 0 ? ret : 0;
}

/* What a file of /proc/sys says, or -errno. */
static inline long read_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	int ret;

	if (fd < 0)
		return -errno;
	ret = result(read(fd, text, sizeof(text) - 1));
	close(fd);
	return ret < 0 ? ret : atol(text);
}

static inline int write_number(const char *path, long number)
{
	char text[32];

	sprintf(text, "%ld", number);
	return write_knob(path, text);
}

/* Becomes a user who has these capabilities, and no other. 0 or -errno. */
static inline int become_nobody_with(__u32 caps)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
	};
	int ret;

	if (prctl(PR_SET_KEEPCAPS, 1))
		return -errno;
	ret = become_nobody();
	return ret ?: result(syscall(SYS_capset, &hdr, data));
}

/* Sets the masks of several files. 0 or -errno. */
static inline int set_marks(int sock,
			    const struct fanotify_so_inode_mark *marks, size_t n)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, marks,
				 n * sizeof(*marks)));
}

/* What fdinfo tells of the socket. 0 or -errno. */
static inline int read_fdinfo(int sock, char *text, size_t size)
{
	size_t len = 0;
	char path[64];
	ssize_t ret;
	int fd;

	sprintf(path, "/proc/self/fdinfo/%d", sock);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		ret = read(fd, text + len, size - 1 - len);
		if (ret > 0)
			len += ret;
	} while (ret > 0);
	text[len] = 0;
	close(fd);
	if (ret)
		return -EIO;
	return len < size - 1 ? 0 : -E2BIG;
}

/* Both masks of a mark as one number, to be compared at once */
#define MASKS(mask, ignored_mask) \
	((long long)(__u32)(mask) << 32 | (__u32)(ignored_mask))

/* The masks that fdinfo shows behind @what, or -errno: -ENOENT for none. */
static inline long long masks_behind(int sock, const char *what)
{
	unsigned int mask, ignored_mask;
	char text[16384], *found;
	int ret;

	ret = read_fdinfo(sock, text, sizeof(text));
	if (ret)
		return ret;
	found = strstr(text, what);
	if (!found)
		return -ENOENT;
	if (sscanf(found + strlen(what), "mask:%x ignored_mask:%x", &mask,
		   &ignored_mask) != 2)
		return -EPROTO;
	return MASKS(mask, ignored_mask);
}

/* The file system's number, of whose bits the kernel has 20 for the minor. */
static inline unsigned int shown_dev(const struct stat *st)
{
	return major(st->st_dev) << 20 | minor(st->st_dev);
}

/* The masks of the file, as fdinfo shows them, or -errno: -ENOENT for none. */
static inline long long shown_masks(int sock, const struct stat *st)
{
	char what[64];

	sprintf(what, "\nfanotify ino:%llx sdev:%x ",
		(unsigned long long)st->st_ino, shown_dev(st));
	return masks_behind(sock, what);
}

/* How many lines of fdinfo, after the first, begin so, or -errno. */
static inline int count_lines(int sock, const char *begin)
{
	char text[16384], *pos;
	int ret;

	ret = read_fdinfo(sock, text, sizeof(text));
	if (ret)
		return ret;
	for (pos = text; (pos = strstr(pos, begin)); pos++)
		ret++;
	return ret;
}

/* How many marks of inodes it shows, or -errno. */
static inline int shown_marks(int sock)
{
	return count_lines(sock, "\nfanotify ino:");
}

/* And of any kind */
static inline int all_marks(int sock)
{
	return count_lines(sock, "\nfanotify ");
}

/*
 * Takes all that is queued; returns the masks, or-ed, or -errno: -EXDEV says
 * that there was an event of something else than the file @st.
 */
static inline long heard_of(int sock, const struct stat *st)
{
	struct fanotify_so_event_metadata ev;
	long mask = 0;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0) {
		if (!is_file(ev.fd, st))
			mask = -EXDEV;
		else if (mask >= 0)
			mask |= ev.mask;
		close_event(&ev);
	}
	return ret ?: mask;
}

/* The same by name. */
static inline long heard(int sock, const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	return heard_of(sock, &st);
}

/* Runs @path: its exit status. */
static inline int run_file(const char *path)
{
	pid_t child = fork();

	if (!child) {
		execl(path, path, NULL);
		_exit(100);
	}
	return exit_status(child);
}

/* Opens, reads and closes a file: FAN_OPEN, FAN_ACCESS, FAN_CLOSE_NOWRITE. */
static inline int read_one_byte(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int ret = 0;
	char c;

	if (fd < 0)
		return -errno;
	if (read(fd, &c, 1) != 1)
		ret = -EIO;
	close(fd);
	return ret;
}

/* Makes every event there is of a SCRIPT. 0 or -errno. */
static inline int do_everything(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, "#", 1) != 1)
		ret = -EIO;
	close(fd);
	return ret ?: read_one_byte(path) ?: run_file(path);
}

/* Lists a directory: FAN_OPEN, FAN_ACCESS, FAN_CLOSE_NOWRITE. 0 or -errno. */
static inline int list_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char names[4096];
	int ret;

	if (fd < 0)
		return -errno;
	ret = result(syscall(SYS_getdents64, fd, names, sizeof(names)));
	close(fd);
	return ret < 0 ? ret : 0;
}

#define DIR_EVENTS (FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE)

#endif /* FANOTIFY_TEST_MARKS_H */
