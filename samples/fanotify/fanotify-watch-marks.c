// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-watch: tell the kernel which files to report, and which not.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fanotify-watch.h"

/* What is meant by "no space left on device" */
#define TOO_MANY_MARKS \
	"the sysctl fs.fanotify_socket.max_user_marks allows no more marks: raise it"

static void fail(const char *what, const char *name)
{
	errx(FAILURE, "cannot %s %s: %s%s", what, name, strerror(errno),
	     errno == ENOSPC ? "; " TOO_MANY_MARKS :
	     errno == EPERM ? "; be a user who may read it" :
	     errno == EACCES ? "; you or the security module do not allow it" :
	     errno == EINVAL ? "; not all events are known here, see -e" :
	     errno == EMFILE ? "; raise the limit of open files, ulimit -n" :
	     errno == ENFILE ? "; raise the sysctl fs.file-max" :
	     errno == ENOPROTOOPT ? "; this kernel knows no marks" : "");
}

/*
 * Marks are set all or none, and the kernel does not say which one it does not
 * like: halve the array until that is alone.
 */
static void set_marks(int sock, const struct fanotify_so_inode_mark *marks,
		      char **paths, size_t n)
{
	if (!setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, marks,
			n * sizeof(*marks)))
		return;
	if (n == 1)
		fail(marks->mask ? "watch" : "ignore", *paths);
	set_marks(sock, marks, paths, n / 2);
	set_marks(sock, marks + n / 2, paths + n / 2, n - n / 2);
}

/* The descriptor is for the mark only: with O_PATH nothing is opened. */
static int open_to_mark(const char *path, mode_t *type)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE))
		fail("open", path);
	if (fd < 0 || fstat(fd, &st))
		err(USAGE, "%s", path);
	*type = st.st_mode & S_IFMT;
	if (*type != S_IFREG && *type != S_IFDIR)
		errx(USAGE, "%s: neither a file nor a directory: nothing is reported of it",
		     path);
	return fd;
}

/* One of both masks is 0. Directories get the flags as well. */
static void mark_paths(int sock, char **paths, size_t n,
		       struct fanotify_so_inode_mark mark, __u32 dir_flags)
{
	static struct fanotify_so_inode_mark marks[FAN_SO_MAX_MARKS];
	/* Half of the descriptors that there can be, as for reading. */
	const size_t open_max = sysconf(_SC_OPEN_MAX) / 2;
	const size_t max = open_max < ARRAY_SIZE(marks) ? open_max :
							  ARRAY_SIZE(marks);
	size_t i, part;
	mode_t type;

	for (; n; n -= part, paths += part) {
		part = n < max ? n : max;
		for (i = 0; i < part; i++) {
			marks[i] = mark;
			marks[i].fd = open_to_mark(paths[i], &type);
			if (type != S_IFDIR)
				continue;
			if (mark.mask)
				marks[i].mask |= dir_flags;
			else
				marks[i].ignored_mask |= dir_flags;
		}
		set_marks(sock, marks, paths, part);
		for (i = 0; i < part; i++)
			close(marks[i].fd);
	}
}

void watch_paths(int sock, char **paths, size_t n, __u32 mask, __u32 dir_flags)
{
	struct fanotify_so_inode_mark mark = { .mask = mask };

	mark_paths(sock, paths, n, mark, dir_flags);
}

void ignore_paths(int sock, char **paths, size_t n)
{
	/* For good, and not only until the file is written to */
	struct fanotify_so_inode_mark mark = {
		.ignored_mask = EVENTS_ALL | FAN_SURVIVE_MODIFY,
	};

	mark_paths(sock, paths, n, mark, FAN_ONDIR | FAN_EVENT_ON_CHILD);
}

void ignore_fs_type(int sock, const char *type, __u64 magic)
{
	struct fanotify_so_sb sb = {
		.magic = magic,
		.mask = EVENTS_ALL | FAN_ONDIR,
	};

	if (!setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb,
			sizeof(sb)))
		return;
	if (errno == ENOSPC)
		errx(FAILURE, "cannot ignore %s: there is a limit, ignore fewer types",
		     type);
	fail("ignore", type);
}
