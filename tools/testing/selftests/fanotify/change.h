/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: how a file can be changed
 */
#ifndef FANOTIFY_TEST_CHANGE_H
#define FANOTIFY_TEST_CHANGE_H

#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "common.h"

/* Where bytes can be copied from. */
#define CHANGE_SOURCE PLACE "/other"

/* How a file is changed, or may be: 0 or -errno */
static inline long change_fd(const char *path, int flags, long (*change)(int fd))
{
	int fd = open(path, flags | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = change ? result(change(fd)) : 0;
	close(fd);
	return ret < 0 ? ret : 0;
}

static inline long put_byte(int fd)
{
	return write(fd, "#", 1);
}

static inline long put_vector(int fd)
{
	struct iovec iov = { .iov_base = "#", .iov_len = 1 };

	return pwritev(fd, &iov, 1, 0);
}

static inline long shorten(int fd)
{
	return ftruncate(fd, 3);
}

static inline long allocate(int fd)
{
	return fallocate(fd, 0, 0, 8192);
}

static inline long punch(int fd)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			 4096);
}

static inline long copy_range(int fd)
{
	int from = open(CHANGE_SOURCE, O_RDONLY | O_CLOEXEC);
	long ret = copy_file_range(from, NULL, fd, NULL, 1, 0);

	close(from);
	return ret;
}

static inline long send_file(int fd)
{
	int from = open(CHANGE_SOURCE, O_RDONLY | O_CLOEXEC);
	long ret = sendfile(fd, from, NULL, 1);

	close(from);
	return ret;
}

static inline long splice_in(int fd)
{
	int fds[2];
	long ret;

	if (pipe2(fds, O_CLOEXEC) || write(fds[1], "#", 1) != 1)
		return -1;
	ret = splice(fds[0], NULL, fd, NULL, 1, 0);
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static inline long by_write(const char *path)
{
	return change_fd(path, O_WRONLY, put_byte);
}

static inline long by_append(const char *path)
{
	return change_fd(path, O_WRONLY | O_APPEND, put_byte);
}

static inline long by_pwritev(const char *path)
{
	return change_fd(path, O_RDWR, put_vector);
}

static inline long by_ftruncate(const char *path)
{
	return change_fd(path, O_WRONLY, shorten);
}

static inline long by_fallocate(const char *path)
{
	return change_fd(path, O_RDWR, allocate);
}

static inline long by_hole(const char *path)
{
	return change_fd(path, O_RDWR, punch);
}

static inline long by_copy_range(const char *path)
{
	return change_fd(path, O_WRONLY, copy_range);
}

static inline long by_sendfile(const char *path)
{
	return change_fd(path, O_WRONLY, send_file);
}

static inline long by_splice(const char *path)
{
	return change_fd(path, O_WRONLY, splice_in);
}

static inline long by_truncate(const char *path)
{
	return result(truncate(path, 5));
}

static inline long by_o_trunc(const char *path)
{
	return change_fd(path, O_WRONLY | O_TRUNC, put_byte);
}

static inline long by_rdonly_trunc(const char *path)
{
	return change_fd(path, O_RDONLY | O_TRUNC, NULL);
}

static inline long by_open_wronly(const char *path)
{
	return change_fd(path, O_WRONLY, NULL);
}

static inline long by_open_rdwr(const char *path)
{
	return change_fd(path, O_RDWR, NULL);
}

/* A mapping of the file that can be written to; the file is shut again. */
static inline char *map_writable(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			 0);

	close(fd);
	return mem;
}

static inline long by_mapping(const char *path)
{
	char *mem = map_writable(path);

	if (mem == MAP_FAILED)
		return -errno;
	mem[0] = '#';
	return result(munmap(mem, 4096));
}

#define CHANGE(name) { #name, by_##name }

/* Each leaves a file that is not empty, but for the last. */
static const struct {
	const char *name;
	long (*change)(const char *path);
} changes[] = {
	CHANGE(write),
	CHANGE(append),
	CHANGE(pwritev),
	CHANGE(fallocate),
	CHANGE(hole),
	CHANGE(copy_range),
	CHANGE(sendfile),
	CHANGE(splice),
	CHANGE(mapping),
	CHANGE(truncate),
	CHANGE(ftruncate),
	CHANGE(o_trunc),
	CHANGE(open_wronly),
	CHANGE(open_rdwr),
	CHANGE(rdonly_trunc),
};

#endif /* FANOTIFY_TEST_CHANGE_H */
