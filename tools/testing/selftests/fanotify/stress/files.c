// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: programs that work on files
 *
 * They share few names, so that they meet, and mounts come and go under them.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "stress.h"
#include "../passed.h"

/* Any file is a program. */
#define PROGRAM	"#!/bin/true\n"

static const char * const roots[] = {
	PLAIN, DISK "/plain",
	STRESS_DIR "/tmpfs0", STRESS_DIR "/ext4-0", STRESS_DIR "/overlay0",
	STRESS_DIR "/bind0",
	STRESS_DIR "/tmpfs1", STRESS_DIR "/ext4-1", STRESS_DIR "/overlay1",
	STRESS_DIR "/bind1",
};

/* One that need not be there. */
static const char *random_subdir(struct worker *w, char *path)
{
	const char *root = roots[below(w, ARRAY_SIZE(roots))];

	sprintf(path, "%s/d%u", root, below(w, 3));
	return path;
}

const char *random_dir(struct worker *w, char *path)
{
	if (once_in(w, 2))
		return random_subdir(w, path);
	sprintf(path, "%s", roots[below(w, ARRAY_SIZE(roots))]);
	return path;
}

const char *random_file(struct worker *w, char *path)
{
	random_dir(w, path);
	sprintf(path + strlen(path), "/f%u", below(w, 6));
	return path;
}

/* Any worker may get it, or nobody. */
int pass_fd(struct worker *w, int fd)
{
	return send_fd(w->give, fd, MSG_DONTWAIT);
}

int take_fd(struct worker *w)
{
	return recv_fd(w->take, MSG_DONTWAIT);
}

/* Makes what @fd has the beginning of a program again. */
static int fill(struct worker *w, int fd)
{
	char text[2048];
	size_t len = sizeof(PROGRAM) - 1 + below(w, sizeof(text) / 2);

	memset(text, '\n', sizeof(text));
	memcpy(text, PROGRAM, sizeof(PROGRAM) - 1);
	return result(write(fd, text, len));
}

static int op_write(struct worker *w)
{
	static const int flags[] = { 0, O_TRUNC, O_APPEND, O_EXCL, O_SYNC };
	char path[128];
	int fd, ret;

	random_file(w, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags[below(w, 5)],
		  0755);
	if (fd < 0)
		return -errno;
	ret = fill(w, fd);
	close(fd);
	return ret;
}

static int op_read(struct worker *w)
{
	char path[128], buf[4096];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	int fd, ret;

	fd = open(random_file(w, path), O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	switch (below(w, 3)) {
	case 0:
		ret = result(read(fd, buf, sizeof(buf)));
		break;
	case 1:
		ret = result(pread(fd, buf, 100, 10));
		break;
	default:
		ret = result(readv(fd, &iov, 1));
	}
	close(fd);
	return ret;
}

/*
 * Through system calls, since a file that has become shorter means SIGBUS for
 * everybody but the kernel, which says EFAULT.
 */
static int op_map(struct worker *w)
{
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int shared = once_in(w, 2) ? MAP_SHARED : MAP_PRIVATE;
	int fd, ret = 0;
	char path[128];
	char *map;

	fd = open(random_file(w, path), O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		ret = -errno;
		goto out;
	}
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, shared, fd, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
		goto out_close;
	}
	if (read(zero, map + 1024, 64) < 0 || write(null, map, 64) < 0)
		ret = -errno;
	munmap(map, 4096);
out_close:
	close(fd);
out:
	close(zero);
	close(null);
	return ret;
}

static int op_exec(struct worker *w)
{
	char path[128];
	pid_t child;
	int status;

	random_file(w, path);
	child = fork();
	if (child < 0)
		return -errno;
	if (!child) {
		execl(path, path, NULL);
		_exit(errno);
	}
	status = exit_status(child);
	if (status < 0)
		worker_failed(w, "%s was killed by signal %d", path, -status);
	return -status;
}

static int op_rename(struct worker *w)
{
	unsigned int flags = once_in(w, 4) ? RENAME_EXCHANGE : 0;
	char from[128], to[128];

	if (once_in(w, 8)) {
		random_subdir(w, from);
		random_subdir(w, to);
	} else {
		random_file(w, from);
		random_file(w, to);
	}
	return result(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
			      flags));
}

static int op_unlink(struct worker *w)
{
	char path[128];

	return result(unlink(random_file(w, path)));
}

static int op_mkdir(struct worker *w)
{
	char path[128];

	return result(mkdir(random_subdir(w, path), 0755));
}

static int op_rmdir(struct worker *w)
{
	char path[128];

	return result(rmdir(random_subdir(w, path)));
}

static int op_list(struct worker *w)
{
	char path[128];
	DIR *dir = opendir(random_dir(w, path));

	if (!dir)
		return -errno;
	while (readdir(dir))
		;
	return result(closedir(dir));
}

static int op_link(struct worker *w)
{
	char from[128], to[128];

	random_file(w, from);
	random_file(w, to);
	return result(link(from, to));
}

static int op_symlink(struct worker *w)
{
	char from[128], to[128];

	random_file(w, from);
	random_file(w, to);
	return result(symlink(from, to));
}

static int op_truncate(struct worker *w)
{
	off_t length = below(w, 8192);
	char path[128];
	int fd, ret;

	random_file(w, path);
	if (once_in(w, 2))
		return result(truncate(path, length));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = result(ftruncate(fd, length));
	close(fd);
	return ret;
}

static int op_copy(struct worker *w)
{
	char path[128];
	int from, to, ret = -EBADF;

	from = open(random_file(w, path), O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = open(random_file(w, path), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (to < 0)
		ret = -errno;
	else if (once_in(w, 2))
		ret = result(sendfile(to, from, NULL, 4096));
	else
		ret = result(copy_file_range(from, NULL, to, NULL, 4096, 0));
	close(from);
	if (to >= 0)
		close(to);
	return ret;
}

/* A file of the kernel's own tmpfs. */
static int op_memfd(struct worker *w)
{
	int fd = memfd_create("stress", MFD_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = fill(w, fd);
	close(fd);
	return ret;
}

static int op_fsync(struct worker *w)
{
	char path[128];
	int fd, ret;

	fd = open(random_file(w, path), O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = fill(w, fd);
	if (ret > 0)
		ret = result(fsync(fd));
	close(fd);
	return ret;
}

/*
 * What a listener was given, and passed on. That can be any file of the
 * system, so nothing is written to it.
 */
static int op_take(struct worker *w)
{
	int fd = take_fd(w);
	struct stat st;
	char buf[64];
	int ret;

	if (fd < 0)
		return fd;
	ret = result(fstat(fd, &st));
	/* It may be open for writing only. */
	if (!ret && S_ISREG(st.st_mode))
		(void)!pread(fd, buf, sizeof(buf), 0);
	close(fd);
	return ret;
}

/*
 * What others do to the same names, what the mounts do below them, and what
 * listeners do not want.
 */
#define OTHERS_WORK	EPERM, ENOENT, ENOTDIR, EISDIR, EEXIST, ENOTEMPTY, EXDEV, \
			ELOOP, EROFS, ENOSPC, EBUSY, ETXTBSY, ESTALE

const struct op file_ops[] = {
	{ "write", op_write, { 20 }, { OTHERS_WORK } },
	{ "read", op_read, { 20 }, { OTHERS_WORK } },
	{ "map", op_map, { 6 }, { OTHERS_WORK, EFAULT } },
	{ "exec", op_exec, { 2 }, { OTHERS_WORK, ENOEXEC, EACCES } },
	{ "rename", op_rename, { 6 }, { OTHERS_WORK, EINVAL } },
	{ "unlink", op_unlink, { 6 }, { OTHERS_WORK } },
	{ "mkdir", op_mkdir, { 4 }, { OTHERS_WORK } },
	{ "rmdir", op_rmdir, { 2 }, { OTHERS_WORK } },
	{ "list", op_list, { 4 }, { OTHERS_WORK } },
	{ "link", op_link, { 2 }, { OTHERS_WORK } },
	{ "symlink", op_symlink, { 1 }, { OTHERS_WORK } },
	{ "truncate", op_truncate, { 4 }, { OTHERS_WORK } },
	{ "copy", op_copy, { 4 }, { OTHERS_WORK, EINVAL } },
	{ "memfd", op_memfd, { 2 } },
	{ "fsync", op_fsync, { 1 }, { OTHERS_WORK } },
	{ "take", op_take, { 6 }, { EAGAIN } },
	{ }
};
