/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what can be done to an open file, and the events of it
 */
#ifndef FANOTIFY_TEST_OPERATION_H
#define FANOTIFY_TEST_OPERATION_H

#include <linux/aio_abi.h>
#include <sys/sendfile.h>

#include "common.h"
#include "uring.h"

/**
 * struct work - what an operation works with
 *
 * @path: The file.
 * @file: The file, open for reading and writing, at its beginning.
 * @other: The other file, likewise.
 * @in: A pipe, which is empty before and after, and does not block.
 * @out: Another one.
 * @ring: For io_uring.
 * @aio: For io_submit().
 * @opened: What the operation opened and leaves open, or -1.
 * @buf: For what is read and written.
 */
struct work {
	const char *path;
	int file, other;
	int in[2], out[2];
	struct ring ring;
	aio_context_t aio;
	int opened;
	char buf[16];
};

static long op_read(struct work *w)
{
	return read(w->file, w->buf, 4);
}

static long op_pread(struct work *w)
{
	return pread(w->file, w->buf, 4, 1);
}

static long op_pread_at_end(struct work *w)
{
	return pread(w->file, w->buf, 4, 1 << 20);
}

static const struct iovec *iov_of(struct work *w)
{
	static struct iovec iov[2];

	iov[0] = (struct iovec){ .iov_base = w->buf, .iov_len = 2 };
	iov[1] = (struct iovec){ .iov_base = w->buf + 2, .iov_len = 2 };
	return iov;
}

static long op_readv(struct work *w)
{
	return readv(w->file, iov_of(w), 2);
}

static long op_preadv(struct work *w)
{
	return preadv(w->file, iov_of(w), 2, 1);
}

static long op_preadv2(struct work *w)
{
	return preadv2(w->file, iov_of(w), 2, 1, 0);
}

static long op_preadv_at_end(struct work *w)
{
	return preadv(w->file, iov_of(w), 2, 1 << 20);
}

static long op_write(struct work *w)
{
	return write(w->file, "text", 4);
}

static long op_pwrite(struct work *w)
{
	return pwrite(w->file, "ext", 3, 1);
}

static long op_writev(struct work *w)
{
	memcpy(w->buf, "text", 4);
	return writev(w->file, iov_of(w), 2);
}

static long op_pwritev(struct work *w)
{
	memcpy(w->buf, "text", 4);
	return pwritev(w->file, iov_of(w), 2, 0);
}

static long op_pwritev2(struct work *w)
{
	memcpy(w->buf, "text", 4);
	return pwritev2(w->file, iov_of(w), 2, 0, 0);
}

static long op_write_nothing(struct work *w)
{
	return write(w->file, w->buf, 0);
}

/* A failure, which is none here. */
static long op_write_bad_buffer(struct work *w)
{
	return write(w->file, (void *)-4096, 4) == -1 && errno == EFAULT;
}

static long op_sendfile(struct work *w)
{
	off_t off = 0;

	return sendfile(w->other, w->file, &off, 4);
}

static long op_sendfile_to_pipe(struct work *w)
{
	off_t off = 0;

	return sendfile(w->in[1], w->file, &off, 4);
}

static long op_splice_to_pipe(struct work *w)
{
	return splice(w->file, NULL, w->in[1], NULL, 4, 0);
}

static long op_splice_from_pipe(struct work *w)
{
	if (write(w->in[1], "text", 4) != 4)
		return -1;
	return splice(w->in[0], NULL, w->file, NULL, 4, 0);
}

/* What is in the pipe is the file's page, but that is not reading the file. */
static inline long op_tee(struct work *w)
{
	return tee(w->in[0], w->out[1], 4, 0);
}

static long op_copy_file_range(struct work *w)
{
	return copy_file_range(w->file, NULL, w->other, NULL, 4, 0);
}

static long op_copy_inside(struct work *w)
{
	loff_t from = 0, to = 8;

	return copy_file_range(w->file, &from, w->file, &to, 4, 0);
}

static long op_fallocate(struct work *w)
{
	return fallocate(w->file, 0, 0, 64) ? -1 : 1;
}

static long uring_rw(struct work *w, int opcode, int flags)
{
	struct io_uring_sqe sqe = {
		.opcode = opcode,
		.flags = flags,
		.fd = w->file,
		.addr = (uintptr_t)w->buf,
		.len = 4,
	};

	memcpy(w->buf, "text", 4);
	return ring_do(&w->ring, &sqe);
}

static long op_uring_read(struct work *w)
{
	return uring_rw(w, IORING_OP_READ, 0);
}

static long op_uring_write(struct work *w)
{
	return uring_rw(w, IORING_OP_WRITE, 0);
}

/* By a worker thread of the kernel. */
static long op_uring_read_async(struct work *w)
{
	return uring_rw(w, IORING_OP_READ, IOSQE_ASYNC);
}

static long op_uring_write_async(struct work *w)
{
	return uring_rw(w, IORING_OP_WRITE, IOSQE_ASYNC);
}

static long op_uring_open(struct work *w)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = (uintptr_t)w->path,
		.open_flags = O_RDONLY | O_CLOEXEC,
	};

	w->opened = ring_do(&w->ring, &sqe);
	return w->opened;
}

static long aio_rw(struct work *w, int opcode)
{
	struct iocb cb = {
		.aio_lio_opcode = opcode,
		.aio_fildes = w->file,
		.aio_buf = (uintptr_t)w->buf,
		.aio_nbytes = 4,
	};
	struct iocb *cbs[] = { &cb };
	struct io_event ev;

	memcpy(w->buf, "text", 4);
	if (syscall(SYS_io_submit, w->aio, 1, cbs) != 1 ||
	    syscall(SYS_io_getevents, w->aio, 1, 1, &ev, NULL) != 1)
		return -1;
	return ev.res;
}

static long op_aio_read(struct work *w)
{
	return aio_rw(w, IOCB_CMD_PREAD);
}

static long op_aio_write(struct work *w)
{
	return aio_rw(w, IOCB_CMD_PWRITE);
}

static long op_mmap(struct work *w)
{
	char *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			 w->file, 0);

	if (map == MAP_FAILED)
		return -1;
	map[1] = map[0];
	return munmap(map, 4096) ? -1 : 1;
}

static long op_fsync(struct work *w)
{
	return fsync(w->file);
}

static long op_lseek(struct work *w)
{
	return lseek(w->file, 1, SEEK_SET);
}

static long op_ftruncate(struct work *w)
{
	return ftruncate(w->file, 16);
}

static long op_fchmod(struct work *w)
{
	return fchmod(w->file, 0755);
}

/*
 * An operation, the events of the file and of the other file that it causes,
 * and what it returns at least. It fails or does nothing on procfs if that
 * knows no such thing.
 */
static const struct operation {
	const char *name;
	long (*call)(struct work *w);
	__u32 file, other;
	int least;
	bool not_on_proc;
} operations[] = {
	{ "read", op_read, FAN_ACCESS, 0, 1 },
	{ "pread", op_pread, FAN_ACCESS, 0, 1 },
	{ "readv", op_readv, FAN_ACCESS, 0, 1 },
	{ "preadv", op_preadv, FAN_ACCESS, 0, 1 },
	{ "preadv2", op_preadv2, FAN_ACCESS, 0, 1 },
	{ "write", op_write, FAN_MODIFY, 0, 1 },
	{ "pwrite", op_pwrite, FAN_MODIFY, 0, 1 },
	{ "writev", op_writev, FAN_MODIFY, 0, 1 },
	{ "pwritev", op_pwritev, FAN_MODIFY, 0, 1 },
	{ "pwritev2", op_pwritev2, FAN_MODIFY, 0, 1 },
	{ "sendfile", op_sendfile, FAN_ACCESS, FAN_MODIFY, 1 },
	{ "sendfile to a pipe", op_sendfile_to_pipe, FAN_ACCESS, 0, 1 },
	{ "splice to a pipe", op_splice_to_pipe, FAN_ACCESS, 0, 1 },
	{ "splice from a pipe", op_splice_from_pipe, FAN_MODIFY, 0, 1 },
	{ "copy_file_range", op_copy_file_range, FAN_ACCESS, FAN_MODIFY, 1,
	  true },
	{ "copy_file_range inside", op_copy_inside, FAN_ACCESS | FAN_MODIFY,
	  0, 1, true },
	{ "fallocate", op_fallocate, FAN_MODIFY, 0, 1, true },
	{ "io_uring read", op_uring_read, FAN_ACCESS, 0, 1 },
	{ "io_uring write", op_uring_write, FAN_MODIFY, 0, 1 },
	{ "io_uring async read", op_uring_read_async, FAN_ACCESS, 0, 1 },
	{ "io_uring async write", op_uring_write_async, FAN_MODIFY, 0, 1 },
	{ "io_uring open", op_uring_open, FAN_OPEN, 0, 1 },

	/* As the system calls have it: a vector counts even if it is empty. */
	{ "preadv at the end", op_preadv_at_end, FAN_ACCESS },
	{ "pread at the end", op_pread_at_end },
	{ "write nothing", op_write_nothing },
	{ "write from a bad buffer", op_write_bad_buffer, 0, 0, 1 },

	/* What the documentation says is not seen. */
	{ "mmap", op_mmap, 0, 0, 1, true },
	{ "ftruncate", op_ftruncate },
	{ "io_submit read", op_aio_read, 0, 0, 1 },
	{ "io_submit write", op_aio_write, 0, 0, 1 },

	/* What is no access. */
	{ "fsync", op_fsync, .not_on_proc = true },
	{ "lseek", op_lseek, 0, 0, 1 },
	{ "fchmod", op_fchmod, .not_on_proc = true },
};

static void empty(const int *pipefds)
{
	char buf[64];

	while (read(pipefds[0], buf, sizeof(buf)) > 0)
		;
}

static void work_init(struct __test_metadata *_metadata, struct work *w,
		      const char * const *path)
{
	memset(w, 0, sizeof(*w));
	w->path = path[0];
	w->opened = -1;
	w->file = open(path[0], O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, w->file);
	w->other = open(path[1], O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, w->other);
	ASSERT_EQ(0, pipe2(w->in, O_CLOEXEC | O_NONBLOCK));
	ASSERT_EQ(0, pipe2(w->out, O_CLOEXEC | O_NONBLOCK));
	ASSERT_EQ(0, ring_init(&w->ring));
	ASSERT_EQ(0, syscall(SYS_io_setup, 1, &w->aio));
}

#endif /* FANOTIFY_TEST_OPERATION_H */
