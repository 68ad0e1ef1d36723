// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: io_uring
 */

#define _GNU_SOURCE
#include <signal.h>

#include "marks.h"
#include "uring.h"

#define LEN ((int)FAN_SO_EVENT_LEN)
#define NFILES 4

static const char * const paths[NFILES] = {
	TMP "/file0", TMP "/file1", TMP "/file2", TMP "/file3",
};

/* What the requests are told apart by. */
enum { NONE, RECV, POLL, TIMEOUT, CANCEL, BUFFERS };

static void make_files(struct __test_metadata *_metadata, struct stat *st)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++) {
		ASSERT_EQ(0, write_file(paths[i], "text"));
		ASSERT_EQ(0, stat(paths[i], &st[i]));
	}
}

/* Causes the event of one file. */
static int cause(int i)
{
	return open_close(paths[i], O_RDONLY);
}

/* Every operation that reads, in every way to run it. */
FIXTURE(reading)
{
	int sock;
	struct stat st[NFILES];
	struct ring ring;
	struct fanotify_so_event_metadata ev;
	struct iovec iov;
	struct msghdr msg;
	struct io_uring_sqe sqe;
};

FIXTURE_VARIANT(reading) {
	int opcode;
	int sqe_flags;
	unsigned int setup;
};

FIXTURE_VARIANT_ADD(reading, read) {
	.opcode = IORING_OP_READ,
};

FIXTURE_VARIANT_ADD(reading, readv) {
	.opcode = IORING_OP_READV,
};

FIXTURE_VARIANT_ADD(reading, recv) {
	.opcode = IORING_OP_RECV,
};

FIXTURE_VARIANT_ADD(reading, recvmsg) {
	.opcode = IORING_OP_RECVMSG,
};

/* By a worker thread of the kernel, which shares the process's files. */
FIXTURE_VARIANT_ADD(reading, read_async) {
	.opcode = IORING_OP_READ,
	.sqe_flags = IOSQE_ASYNC,
};

FIXTURE_VARIANT_ADD(reading, recv_async) {
	.opcode = IORING_OP_RECV,
	.sqe_flags = IOSQE_ASYNC,
};

FIXTURE_VARIANT_ADD(reading, recvmsg_async) {
	.opcode = IORING_OP_RECVMSG,
	.sqe_flags = IOSQE_ASYNC,
};

/* Not before the process comes for it. */
FIXTURE_VARIANT_ADD(reading, recv_deferred) {
	.opcode = IORING_OP_RECV,
	.setup = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

FIXTURE_SETUP(reading)
{
	make_files(_metadata, self->st);
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, ring_init_flags(&self->ring, variant->setup));
	self->iov.iov_base = &self->ev;
	self->iov.iov_len = LEN;
	self->msg.msg_iov = &self->iov;
	self->msg.msg_iovlen = 1;
	self->sqe.opcode = variant->opcode;
	self->sqe.flags = variant->sqe_flags;
	self->sqe.fd = self->sock;
	switch (variant->opcode) {
	case IORING_OP_RECVMSG:
		self->sqe.addr = (uintptr_t)&self->msg;
		self->sqe.len = 1;
		break;
	case IORING_OP_READV:
		self->sqe.addr = (uintptr_t)&self->iov;
		self->sqe.len = 1;
		break;
	default:
		self->sqe.addr = (uintptr_t)&self->ev;
		self->sqe.len = LEN;
	}
}

FIXTURE_TEARDOWN(reading)
{
	ring_exit(&self->ring);
	close(self->sock);
}

/* Is the event that was read what it has to be? Closes its descriptor. */
static bool is_event_of(struct fanotify_so_event_metadata *ev,
			const struct stat *st)
{
	char text[8] = "";
	bool good;

	good = ev->event_len == LEN && ev->mask == FAN_OPEN &&
	       ev->pid == getpid() && is_file(ev->fd, st) &&
	       read(ev->fd, text, sizeof(text)) == 4 && !strcmp(text, "text") &&
	       fcntl(ev->fd, F_GETFD) == FD_CLOEXEC;
	close_event(ev);
	return good;
}

TEST_F(reading, event_that_is_there)
{
	int fds = count_fds();
	int i;

	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	for (i = 0; i < NFILES; i++) {
		EXPECT_EQ(LEN, ring_do(&self->ring, &self->sqe));
		EXPECT_TRUE(is_event_of(&self->ev, &self->st[i]));
	}
	EXPECT_EQ(0, take_event(self->sock, &self->ev));
	EXPECT_EQ(fds, count_fds());
}

TEST_F(reading, event_to_come)
{
	int res, i;

	for (i = 0; i < NFILES; i++) {
		memset(&self->ev, 0, sizeof(self->ev));
		ASSERT_EQ(1, ring_submit(&self->ring, &self->sqe));
		EXPECT_EQ(0, ring_result(&self->ring, &res));
		ASSERT_EQ(0, cause(i));
		ASSERT_EQ(0, ring_wait(&self->ring));
		ASSERT_EQ(1, ring_result(&self->ring, &res));
		ASSERT_EQ(LEN, res);
		EXPECT_TRUE(is_event_of(&self->ev, &self->st[i]));
	}
}

TEST_F(reading, out_of_descriptors)
{
	struct rlimit old;

	ASSERT_EQ(0, cause(0));
	old = leave_fds(0);
	EXPECT_EQ(-EMFILE, ring_do(&self->ring, &self->sqe));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(LEN, ring_do(&self->ring, &self->sqe));
	EXPECT_TRUE(is_event_of(&self->ev, &self->st[0]));
}

TEST_F(reading, after_shutdown)
{
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, ring_do(&self->ring, &self->sqe));
}

TEST_F(reading, unbound)
{
	self->sqe.fd = new_socket();
	ASSERT_LE(0, self->sqe.fd);
	EXPECT_EQ(-ENOTCONN, ring_do(&self->ring, &self->sqe));
}

/* The other operations, with one ring. */
FIXTURE(uring)
{
	int sock;
	struct stat st[NFILES];
	struct ring ring;
};

FIXTURE_SETUP(uring)
{
	make_files(_metadata, self->st);
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, ring_init(&self->ring));
}

FIXTURE_TEARDOWN(uring)
{
	ring_exit(&self->ring);
	close(self->sock);
}

static struct io_uring_sqe recv_sqe(int sock,
				    struct fanotify_so_event_metadata *ev)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_RECV,
		.fd = sock,
		.addr = (uintptr_t)ev,
		.len = LEN,
		.user_data = RECV,
	};
}

TEST_F(uring, bad_buffers)
{
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe sqe = recv_sqe(self->sock, &ev);

	ASSERT_EQ(0, cause(0));
	sqe.len = LEN - 1;
	EXPECT_EQ(-EINVAL, ring_do(&self->ring, &sqe));
	sqe.len = LEN;
	sqe.addr = 8;
	EXPECT_EQ(-EFAULT, ring_do(&self->ring, &sqe));
	sqe = recv_sqe(self->sock, &ev);
	sqe.msg_flags = MSG_PEEK;
	EXPECT_EQ(-EOPNOTSUPP, ring_do(&self->ring, &sqe));
	sqe.msg_flags = MSG_DONTWAIT;
	EXPECT_EQ(LEN, ring_do(&self->ring, &sqe));
	EXPECT_TRUE(is_event_of(&ev, &self->st[0]));
	EXPECT_EQ(-EAGAIN, ring_do(&self->ring, &sqe));
}

/* As many whole events as fit. */
TEST_F(uring, several_events_at_once)
{
	struct fanotify_so_event_metadata evs[NFILES];
	struct io_uring_sqe sqe = recv_sqe(self->sock, evs);
	int i;

	sqe.len = 3 * LEN + 31;
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	EXPECT_EQ(3 * LEN, ring_do(&self->ring, &sqe));
	EXPECT_EQ(LEN, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.fd = self->sock,
		.addr = (uintptr_t)&evs[3],
		.len = LEN,
	}));
	for (i = 0; i < NFILES; i++)
		EXPECT_TRUE(is_event_of(&evs[i], &self->st[i]));
}

/* One event is for one of those who wait. */
TEST_F(uring, several_requests)
{
	struct fanotify_so_event_metadata evs[NFILES];
	struct io_uring_cqe cqe;
	int i;

	for (i = 0; i < NFILES; i++) {
		struct io_uring_sqe sqe = recv_sqe(self->sock, &evs[i]);

		sqe.user_data = i;
		ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	}
	for (i = 0; i < NFILES; i++) {
		EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
		ASSERT_EQ(0, cause(i));
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		ASSERT_EQ(LEN, cqe.res);
		ASSERT_GT(NFILES, cqe.user_data);
		EXPECT_TRUE(is_event_of(&evs[cqe.user_data], &self->st[i]));
	}
}

TEST_F(uring, registered_file)
{
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe sqe = recv_sqe(0, &ev);

	ASSERT_EQ(0, result(syscall(SYS_io_uring_register, self->ring.fd,
				    IORING_REGISTER_FILES, &self->sock, 1)));
	/* The ring has it; the number is free for others. */
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	sqe.flags = IOSQE_FIXED_FILE;
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(LEN, ring_do(&self->ring, &sqe));
	EXPECT_TRUE(is_event_of(&ev, &self->st[0]));
}

static struct io_uring_sqe poll_sqe(int sock, unsigned int flags)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD,
		.fd = sock,
		.poll32_events = POLLIN,
		.len = flags,
		.user_data = POLL,
	};
}

TEST_F(uring, poll)
{
	struct io_uring_sqe sqe = poll_sqe(self->sock, 0);
	struct io_uring_cqe cqe;

	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(POLLIN, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	/* That was that. */
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
	/* What is there is told at once. */
	EXPECT_EQ(POLLIN, ring_do(&self->ring, &sqe));
}

/* One completion for each event, read or not. */
TEST_F(uring, multishot_poll)
{
	struct io_uring_sqe sqe = poll_sqe(self->sock, IORING_POLL_ADD_MULTI);
	struct fanotify_so_event_metadata evs[NFILES];
	struct io_uring_cqe cqe;
	int i, round;

	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < NFILES; i++) {
			ASSERT_EQ(0, cause(i));
			ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
			EXPECT_EQ(POLL, cqe.user_data);
			EXPECT_EQ(POLLIN, cqe.res);
			EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
			EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
		}
		/* What is merged is none. */
		ASSERT_EQ(0, cause(0));
		EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
		/*
		 * All in one read: one that leaves some behind wakes others,
		 * so that they come and get them.
		 */
		ASSERT_EQ(NFILES * LEN, result(recv(self->sock, evs,
						    sizeof(evs), 0)));
		for (i = 0; i < NFILES; i++)
			close_event(&evs[i]);
		EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
	}
	/* The end is the last one. */
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(POLLIN | POLLHUP | POLLRDHUP, cqe.res);
}

TEST_F(uring, multishot_poll_of_what_is_there)
{
	struct io_uring_sqe sqe = poll_sqe(self->sock, IORING_POLL_ADD_MULTI);
	struct io_uring_cqe cqe;

	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(POLLIN, cqe.res);
	EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags);
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
}

TEST_F(uring, multishot_poll_is_removed)
{
	struct io_uring_sqe sqe = poll_sqe(self->sock, IORING_POLL_ADD_MULTI);
	struct io_uring_cqe cqe;
	int i;

	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	ASSERT_EQ(1, ring_submit(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_POLL_REMOVE,
		.addr = POLL,
		.user_data = CANCEL,
	}));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(cqe.user_data == POLL ? -ECANCELED : 0, cqe.res);
		EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	}
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
}

#define GROUP 7

/* Lends the ring @nr buffers of the size of an event. Result or -errno. */
static long lend(struct ring *ring, struct fanotify_so_event_metadata *evs,
		 int nr)
{
	return ring_do(ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_PROVIDE_BUFFERS,
		.fd = nr,
		.addr = (uintptr_t)evs,
		.len = LEN,
		.buf_group = GROUP,
		.user_data = BUFFERS,
	});
}

static struct io_uring_sqe multishot_sqe(int sock)
{
	return (struct io_uring_sqe){
		.opcode = IORING_OP_RECV,
		.flags = IOSQE_BUFFER_SELECT,
		.ioprio = IORING_RECV_MULTISHOT,
		.fd = sock,
		.buf_group = GROUP,
		.user_data = RECV,
	};
}

/* The event of a completion, in the buffer that was picked for it. */
static struct fanotify_so_event_metadata *
picked(struct fanotify_so_event_metadata *evs, const struct io_uring_cqe *cqe)
{
	unsigned int i = cqe->flags >> IORING_CQE_BUFFER_SHIFT;

	return cqe->flags & IORING_CQE_F_BUFFER && i < NFILES ? &evs[i] : NULL;
}

TEST_F(uring, multishot_recv)
{
	struct io_uring_sqe sqe = multishot_sqe(self->sock);
	struct fanotify_so_event_metadata evs[NFILES], *ev;
	struct io_uring_cqe cqe;
	int i;

	ASSERT_EQ(0, lend(&self->ring, evs, NFILES));
	/* One is there, the others come. */
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	for (i = 0; i < NFILES; i++) {
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(RECV, cqe.user_data);
		ASSERT_EQ(LEN, cqe.res);
		EXPECT_EQ(IORING_CQE_F_MORE, cqe.flags & IORING_CQE_F_MORE);
		ev = picked(evs, &cqe);
		ASSERT_NE(NULL, ev);
		EXPECT_TRUE(is_event_of(ev, &self->st[i]));
		ASSERT_EQ(0, i < NFILES - 1 ? cause(i + 1) : 0);
	}

	/* Without a buffer it ends, and an event waits for the next. */
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(-ENOBUFS, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
	ASSERT_EQ(0, lend(&self->ring, evs, NFILES));
	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	ASSERT_EQ(LEN, cqe.res);
	ev = picked(evs, &cqe);
	ASSERT_NE(NULL, ev);
	EXPECT_TRUE(is_event_of(ev, &self->st[0]));

	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
	EXPECT_EQ(0, cqe.res);
	EXPECT_EQ(0, cqe.flags & IORING_CQE_F_MORE);
}

TEST_F(uring, cancel)
{
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe sqe = recv_sqe(self->sock, &ev);
	struct io_uring_cqe cqe;
	int i;

	ASSERT_EQ(1, ring_submit(&self->ring, &sqe));
	ASSERT_EQ(1, ring_submit(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_ASYNC_CANCEL,
		.addr = RECV,
		.user_data = CANCEL,
	}));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(cqe.user_data == RECV ? -ECANCELED : 0, cqe.res);
	}
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, ring_cqe(&self->ring, &cqe));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &self->st[0]));
}

/* A request with a time of its own: the event that comes later is not lost. */
TEST_F(uring, link_timeout)
{
	struct __kernel_timespec ts = { .tv_nsec = 50000000 };
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe recv = recv_sqe(self->sock, &ev);
	struct io_uring_sqe timeout = {
		.opcode = IORING_OP_LINK_TIMEOUT,
		.addr = (uintptr_t)&ts,
		.len = 1,
		.user_data = TIMEOUT,
	};
	struct io_uring_cqe cqe;
	int i;

	recv.flags = IOSQE_IO_LINK;
	ring_queue(&self->ring, &recv);
	ring_queue(&self->ring, &timeout);
	ASSERT_EQ(2, ring_enter(&self->ring, 2));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(cqe.user_data == RECV ? -ECANCELED : -ETIME,
			  cqe.res);
	}
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &self->st[0]));

	/* In time. */
	ts = (struct __kernel_timespec){ .tv_sec = 3600 };
	ring_queue(&self->ring, &recv);
	ring_queue(&self->ring, &timeout);
	ASSERT_EQ(2, ring_enter(&self->ring, 2));
	ASSERT_EQ(0, cause(1));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(cqe.user_data == RECV ? LEN : -ECANCELED, cqe.res);
	}
	EXPECT_TRUE(is_event_of(&ev, &self->st[1]));
}

/* A ring that goes takes no event with it. */
TEST_F(uring, ring_exits)
{
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe sqe = recv_sqe(self->sock, &ev);
	struct ring ring;
	int fds, i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, ring_init(&ring));
		ASSERT_EQ(1, ring_submit(&ring, &sqe));
		ring_exit(&ring);
		fds = count_fds();
		ASSERT_EQ(0, cause(0));
		EXPECT_EQ(fds, count_fds());
		EXPECT_EQ(FAN_OPEN, only_event(self->sock, &self->st[0]));
	}
}

/* Nor does a process that goes, whichever way. */
FIXTURE(process)
{
	int sock;
	struct stat st[NFILES];
};

FIXTURE_VARIANT(process) {
	int opcode;
	int flags;
	bool killed;
};

FIXTURE_VARIANT_ADD(process, exits) {
	.opcode = IORING_OP_RECV,
};

FIXTURE_VARIANT_ADD(process, exits_async) {
	.opcode = IORING_OP_RECV,
	.flags = IOSQE_ASYNC,
};

FIXTURE_VARIANT_ADD(process, is_killed) {
	.opcode = IORING_OP_RECV,
	.killed = true,
};

FIXTURE_VARIANT_ADD(process, is_killed_async) {
	.opcode = IORING_OP_RECV,
	.flags = IOSQE_ASYNC,
	.killed = true,
};

FIXTURE_VARIANT_ADD(process, is_killed_reading) {
	.opcode = IORING_OP_READ,
	.killed = true,
};

FIXTURE_SETUP(process)
{
	make_files(_metadata, self->st);
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(process)
{
	close(self->sock);
}

TEST_F(process, with_a_request)
{
	struct fanotify_so_event_metadata ev;
	struct io_uring_sqe sqe = recv_sqe(self->sock, &ev);
	struct ring ring;
	int ready[2], i;
	pid_t child;
	char c;

	sqe.opcode = variant->opcode;
	sqe.flags = variant->flags;
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			if (ring_init(&ring) || ring_submit(&ring, &sqe) != 1)
				_exit(1);
			if (!variant->killed)
				_exit(0);
			close(ready[1]);
			pause();
		}
		close(ready[1]);
		ASSERT_EQ(0, read(ready[0], &c, 1));
		close(ready[0]);
		ASSERT_EQ(0, variant->killed ? kill(child, SIGKILL) : 0);
		ASSERT_EQ(variant->killed ? -SIGKILL : 0, exit_status(child));
		ASSERT_EQ(0, cause(i % NFILES));
		EXPECT_EQ(FAN_OPEN, only_event(self->sock,
					       &self->st[i % NFILES]));
	}
}

/* Making a listener takes no other system call either. */
TEST_F(uring, makes_a_listener)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	struct fanotify_so_inode_mark mark = { .mask = FAN_OPEN };
	int sock;

	sock = ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET,
		.fd = PF_FANOTIFY,
		.off = SOCK_RAW | SOCK_CLOEXEC,
	});
	ASSERT_LE(0, sock);
	EXPECT_EQ(0, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_BIND,
		.fd = sock,
		.addr = (uintptr_t)&addr,
		.addr2 = sizeof(addr),
	}));
	mark.fd = open(paths[2], O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, mark.fd);
	EXPECT_EQ(0, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_URING_CMD,
		.fd = sock,
		.cmd_op = SOCKET_URING_OP_SETSOCKOPT,
		.level = SOL_FANOTIFY,
		.optname = FANOTIFY_SET_MARK,
		.optval = (uintptr_t)&mark,
		.optlen = sizeof(mark),
	}));
	ASSERT_EQ(0, close(mark.fd));
	ASSERT_EQ(0, drain(sock));
	ASSERT_EQ(0, cause(1));
	ASSERT_EQ(0, cause(2));
	EXPECT_EQ(FAN_OPEN, heard_of(sock, &self->st[2]));
	EXPECT_EQ(0, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_SHUTDOWN,
		.fd = sock,
		.len = SHUT_RDWR,
	}));
	EXPECT_EQ(0, result(recv(sock, &addr, sizeof(addr), 0)));
	EXPECT_EQ(0, close(sock));
}

/* As the system calls, these say that there is nothing like that. */
TEST_F(uring, connects_to_nothing)
{
	struct fanotify_addr addr = address(0, O_RDONLY);

	/* To send it is to answer, and that is no answer. */
	EXPECT_EQ(-EINVAL, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_SEND,
		.fd = self->sock,
		.addr = (uintptr_t)&addr,
		.len = sizeof(addr),
	}));
	EXPECT_EQ(-EOPNOTSUPP, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_CONNECT,
		.fd = self->sock,
		.addr = (uintptr_t)&addr,
		.addr2 = sizeof(addr),
	}));
	EXPECT_EQ(-EOPNOTSUPP, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_LISTEN,
		.fd = self->sock,
		.len = 1,
	}));
	EXPECT_EQ(-EOPNOTSUPP, ring_do(&self->ring, &(struct io_uring_sqe){
		.opcode = IORING_OP_ACCEPT,
		.fd = self->sock,
	}));
}

TEST_HARNESS_MAIN
