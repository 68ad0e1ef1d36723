// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: what happens to files
 *
 * They share few names, so that they meet.
 */
#include <dirent.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "fuzz.h"

#define PROGRAM	"#!/bin/true\n"

static const char *const roots[] = {
	FUZZ_DIR "/plain", FUZZ_DIR "/plain", FUZZ_DISK "/plain",
	FUZZ_DIR "/overlay", FUZZ_DIR "/point0", FUZZ_DIR "/point1",
	FUZZ_DIR "/point2",
};

const char *random_dir(struct task *t, char *path)
{
	const char *root = one_of(t, roots);

	if (once_in(t, 2))
		sprintf(path, "%s/d%u", root, below(t, 2));
	else
		sprintf(path, "%s", root);
	return path;
}

const char *random_path(struct task *t, char *path)
{
	random_dir(t, path);
	sprintf(path + strlen(path), "/f%u", below(t, 4));
	return path;
}

/* In the same directory, mostly. */
static void random_pair(struct task *t, char *from, char *to)
{
	random_path(t, from);
	random_path(t, to);
	if (once_in(t, 4))
		return;
	sprintf(to, "%s", from);
	to[strlen(to) - 1] = '0' + below(t, 6);
}

/* One of the tree, which is opened if need be, or one of an event */
int any_file(struct task *t)
{
	int *slot = &t->files[below(t, NR_FILES)];
	int seen = t->seen[below(t, NR_SEEN)];
	char path[128];

	random_path(t, path);
	if (once_in(t, 4) && seen > 0)
		return seen;
	if (*slot <= 0)
		*slot = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK,
			     0755);
	return *slot > 0 ? *slot : -1;
}

/* Likewise, but no file that is not of the tree. */
static int own_file(struct task *t)
{
	int *slot = &t->files[below(t, NR_FILES)];
	char path[128];

	random_path(t, path);
	if (*slot <= 0)
		*slot = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK,
			     0755);
	return *slot > 0 ? *slot : -1;
}

static long call_open(struct task *t)
{
	static const int flags[] = {
		O_RDONLY, O_RDONLY, O_RDWR | O_CREAT, O_RDWR | O_CREAT,
		O_WRONLY | O_TRUNC, O_RDWR | O_APPEND, O_PATH,
		O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECT,
		O_RDWR | O_CREAT | O_EXCL,
	};
	char path[128];
	int fd;

	random_path(t, path);
	fd = CALL(t, open(path, one_of(t, flags) | O_CLOEXEC | O_NONBLOCK,
			  0755));
	keep(t, t->files, NR_FILES, fd);
	return fd;
}

static long call_open_dir(struct task *t)
{
	char path[128], buf[1024];
	int fd;

	random_dir(t, path);
	fd = CALL(t, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	if (once_in(t, 2))
		(void)!syscall(SYS_getdents64, fd, buf, sizeof(buf));
	keep(t, t->seen, NR_SEEN, fd);
	return 0;
}

static long call_open_tmpfile(struct task *t)
{
	char path[128], link[64];
	bool links = once_in(t, 2);
	int fd, ret;

	random_dir(t, path);
	fd = CALL(t, open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0755));
	if (fd < 0)
		return fd;
	ret = 0;
	if (links) {
		sprintf(link, "/proc/self/fd/%d", fd);
		random_path(t, path);
		ret = result(linkat(AT_FDCWD, link, AT_FDCWD, path,
				    AT_SYMLINK_FOLLOW));
	}
	keep(t, t->files, NR_FILES, fd);
	return ret;
}

static long call_by_handle(struct task *t)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = { .handle.handle_bytes = MAX_HANDLE_SZ };
	char path[128];
	int mount_id, dir, fd;

	random_path(t, path);
	if (name_to_handle_at(AT_FDCWD, path, &u.handle, &mount_id, 0))
		return -errno;
	*strrchr(path, '/') = '\0';
	dir = open(path, O_RDONLY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	spoil(t, u.handle.f_handle, u.handle.handle_bytes);
	fd = CALL(t, open_by_handle_at(dir, &u.handle,
				       O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	close(dir);
	keep(t, t->seen, NR_SEEN, fd);
	return fd;
}

static long call_read_file(struct task *t)
{
	int fd = any_file(t);
	char *buf = out(t, 256);

	t->may_check = false;
	switch (below(t, 3)) {
	case 0:
		return CALL(t, pread(fd, buf, 256, below(t, 100)));
	case 1:
		return CALL(t, syscall(SYS_getdents64, fd, buf, 256));
	default:
		impatient(t);
		return CALL(t, read(fd, buf, 256));
	}
}

static long call_write_file(struct task *t)
{
	int fd = own_file(t);
	char buf[256] = PROGRAM;
	size_t len = 1 + below(t, sizeof(buf));

	if (once_in(t, 2))
		return CALL(t, pwrite(fd, in(t, buf, len), len, below(t, 4096)));
	return CALL(t, pwrite(fd, PROGRAM, sizeof(PROGRAM) - 1, 0));
}

static long call_truncate(struct task *t)
{
	off_t len = below(t, 8192);
	char path[128];

	random_path(t, path);
	return once_in(t, 2) ? CALL(t, truncate(path, len)) :
			       CALL(t, ftruncate(own_file(t), len));
}

static long call_fallocate(struct task *t)
{
	int fd = own_file(t);

	return once_in(t, 2) ? CALL(t, fsync(fd)) :
	       CALL(t, fallocate(fd, below(t, 4), below(t, 4096), 4096));
}

static long call_rename(struct task *t)
{
	static const unsigned int flags[] = {
		0, 0, 0, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT,
	};
	char from[128], to[128];

	if (once_in(t, 4)) {
		random_dir(t, from);
		random_dir(t, to);
	} else {
		random_pair(t, from, to);
	}
	if (once_in(t, 2))
		return CALL(t, rename(from, to));
	return CALL(t, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
			       one_of(t, flags)));
}

static long call_link(struct task *t)
{
	char from[128], to[128];

	random_pair(t, from, to);
	return CALL(t, link(from, to));
}

static long call_symlink(struct task *t)
{
	char from[128], to[128];

	random_pair(t, from, to);
	return CALL(t, symlink(from, to));
}

static long call_unlink(struct task *t)
{
	char path[128];

	return CALL(t, unlink(random_path(t, path)));
}

static long call_mkdir(struct task *t)
{
	char path[128];

	return CALL(t, mkdir(random_dir(t, path), 0755));
}

static long call_rmdir(struct task *t)
{
	char path[128];

	return CALL(t, rmdir(random_dir(t, path)));
}

static long call_mknod(struct task *t)
{
	static const mode_t types[] = { S_IFIFO, S_IFCHR, S_IFSOCK, S_IFREG };
	char path[128];

	random_path(t, path);
	return CALL(t, mknod(path, one_of(t, types) | 0600, makedev(1, 3)));
}

static long call_attrib(struct task *t)
{
	char path[128];

	random_path(t, path);
	switch (below(t, 4)) {
	case 0:
		return CALL(t, chmod(path, 0700 | below(t, 0100)));
	case 1:
		return CALL(t, chown(path, below(t, 2), 0));
	case 2:
		return CALL(t, setxattr(path, "user.fuzz", path, 5, 0));
	default:
		return CALL(t, utimensat(AT_FDCWD, path, NULL, 0));
	}
}

/* Through system calls, since a file can become shorter at any time. */
static long call_map(struct task *t)
{
	int type = once_in(t, 2) ? MAP_SHARED : MAP_PRIVATE;
	int fd = own_file(t);
	char *map = MAP_FAILED;
	long ret;

	ret = CALL(t, (map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, type, fd,
				  0)) == MAP_FAILED ? -1 : 0);
	if (ret)
		return ret;
	(void)!getrandom(map, 16, 0);
	munmap(map, PAGE);
	return 0;
}

static long call_copy(struct task *t)
{
	int from = any_file(t), to = own_file(t);

	if (once_in(t, 2))
		return CALL(t, sendfile(to, from, &(off_t){ 0 }, 512));
	return CALL(t, copy_file_range(from, &(loff_t){ 0 }, to,
				       &(loff_t){ 0 }, 512, 0));
}

static long call_close_file(struct task *t)
{
	int *slots = once_in(t, 2) ? t->files : t->seen;
	int *slot = &slots[below(t, NR_SEEN)];
	int fd = *slot;

	*slot = 0;
	return fd > 0 ? CALL(t, close(fd)) : -EBADF;
}

static long call_memfd(struct task *t)
{
	int fd = CALL(t, memfd_create("fuzz", MFD_CLOEXEC));

	keep(t, t->files, NR_FILES, fd);
	return fd;
}

static long call_lease(struct task *t)
{
	static const int leases[] = { F_RDLCK, F_RDLCK, F_WRLCK, F_UNLCK };
	char path[128];
	int fd;

	fd = open(random_path(t, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	keep(t, t->files, NR_FILES, fd);
	return CALL(t, fcntl(fd, F_SETLEASE, one_of(t, leases)));
}

const struct call file_calls[] = {
	{ "open", call_open, 50 },
	{ "open directory", call_open_dir, 12 },
	{ "open O_TMPFILE", call_open_tmpfile, 5 },
	{ "open by handle", call_by_handle, 6 },
	{ "read file", call_read_file, 30 },
	{ "write file", call_write_file, 30 },
	{ "truncate", call_truncate, 8 },
	{ "fallocate", call_fallocate, 2 },
	{ "rename", call_rename, 12 },
	{ "link", call_link, 5 },
	{ "symlink", call_symlink, 2 },
	{ "unlink", call_unlink, 10 },
	{ "mkdir", call_mkdir, 10 },
	{ "rmdir", call_rmdir, 4 },
	{ "mknod", call_mknod, 2 },
	{ "attributes", call_attrib, 6 },
	{ "map", call_map, 6 },
	{ "copy", call_copy, 5 },
	{ "close file", call_close_file, 30 },
	{ "memfd", call_memfd, 3 },
	{ "lease", call_lease, 2 },
	{ }
};
