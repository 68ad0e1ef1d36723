// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: shutdown(), which ends a listener that others still hold
 */

#define _GNU_SOURCE
#include <signal.h>

#include "blocked.h"
#include "marks.h"
#include "uring.h"

#define FILE_PATH TMP "/file"
#define LEN FAN_SO_EVENT_LEN

/* What poll() says of a socket that is shut down */
#define POLL_END (POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP)

/* FAN_CLOSE_WRITE only, so that looking into /proc is not heard. */
FIXTURE(shutdown)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(shutdown) {
	bool global;
};

FIXTURE_VARIANT_ADD(shutdown, directed) {
	.global = false,
};

FIXTURE_VARIANT_ADD(shutdown, global) {
	.global = true,
};

FIXTURE_SETUP(shutdown)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = variant->global ? global_listener(FAN_CLOSE_WRITE) :
				       deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, variant->global ? 0 : mark_path(self->sock, FILE_PATH,
						     FAN_CLOSE_WRITE, 0));
}

FIXTURE_TEARDOWN(shutdown)
{
	close(self->sock);
}

static int cause(void)
{
	return open_close(FILE_PATH, O_WRONLY);
}

static int end(int sock)
{
	return result(shutdown(sock, SHUT_RDWR));
}

static int fionread(int sock)
{
	int bytes = -1;

	return ioctl(sock, FIONREAD, &bytes) ? -errno : bytes;
}

TEST(unbound)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, end(sock));
	EXPECT_EQ(-ENOTCONN, end(sock));
	EXPECT_EQ(-EINVAL, result(shutdown(sock, 3)));
	/* It was left as it is. */
	EXPECT_EQ(POLLHUP, poll_now(sock, POLL_ALL));
	EXPECT_EQ(0, do_bind(sock, &addr));
	EXPECT_EQ(CAN_WRITE, poll_now(sock, POLL_ALL));
}

/* There are no two directions of which one could be ended. */
TEST_F(shutdown, other_ways)
{
	static const int bad[] = { 3, 4, -1, 0x7fffffff };
	size_t i;

	EXPECT_EQ(-EOPNOTSUPP, result(shutdown(self->sock, SHUT_RD)));
	EXPECT_EQ(-EOPNOTSUPP, result(shutdown(self->sock, SHUT_WR)));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, result(shutdown(self->sock, bad[i]))) {
			TH_LOG("how %d", bad[i]);
		}
	}
	ASSERT_EQ(0, cause());
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st));
}

TEST_F(shutdown, reads_end)
{
	char buf[4 * LEN];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};

	/* What is queued is dropped. */
	ASSERT_EQ(0, cause());
	ASSERT_EQ(0, end(self->sock));
	EXPECT_EQ(0, result(recv(self->sock, buf, sizeof(buf), MSG_DONTWAIT)));
	EXPECT_EQ(0, result(recv(self->sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, result(read(self->sock, buf, sizeof(buf))));
	EXPECT_EQ(0, result(readv(self->sock, &iov, 1)));
	EXPECT_EQ(0, result(recvmsg(self->sock, &msg.msg_hdr, 0)));
	EXPECT_EQ(1, result(recvmmsg(self->sock, &msg, 1, 0, NULL)));
	EXPECT_EQ(0, msg.msg_len);
	ASSERT_EQ(0, fcntl(self->sock, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(0, result(read(self->sock, buf, sizeof(buf))));
	/* Nothing comes any more. */
	ASSERT_EQ(0, cause());
	EXPECT_EQ(0, result(recv(self->sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, fionread(self->sock));
}

TEST_F(shutdown, for_pollers)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	struct timeval tv = {};
	fd_set in;
	int epfd;

	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(0, end(self->sock));
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(POLLIN | POLLHUP, poll_now(self->sock, POLLIN));
	EXPECT_EQ(POLLHUP, poll_now(self->sock, 0));

	epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->sock, &ev));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP | EPOLLHUP, ev.events);

	FD_ZERO(&in);
	FD_SET(self->sock, &in);
	EXPECT_EQ(1, select(self->sock + 1, &in, NULL, NULL, &tv));
}

/* It is over for good. */
TEST_F(shutdown, other_calls)
{
	struct fanotify_addr addr = address(0, O_RDONLY), was = {};
	struct fanotify_so_sb sb = { .magic = 1, .mask = FAN_OPEN };
	struct fanotify_addr now = {};
	socklen_t len = sizeof(was);

	ASSERT_EQ(0, getsockname(self->sock, sockaddr_of(&was), &len));
	ASSERT_EQ(0, end(self->sock));
	EXPECT_EQ(0, end(self->sock));
	EXPECT_EQ(-EOPNOTSUPP, result(shutdown(self->sock, SHUT_RD)));
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr));
	EXPECT_EQ(-ESHUTDOWN, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(-ESHUTDOWN, mark_path(self->sock, FILE_PATH, 0, FAN_OPEN));
	EXPECT_EQ(-ESHUTDOWN, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(-ESHUTDOWN, result(setsockopt(self->sock, SOL_FANOTIFY,
						FANOTIFY_IGNORE_SB, &sb,
						sizeof(sb))));
	EXPECT_EQ(0, fionread(self->sock));
	EXPECT_EQ(0, getsockname(self->sock, sockaddr_of(&now), &len));
	EXPECT_EQ(0, memcmp(&was, &now, sizeof(was)));
}

/* They are gone when the call returns. */
TEST_F(shutdown, drops_the_marks)
{
	char text[4096];

	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, variant->global ? "\nfanotify sdev:" :
						       "\nfanotify ino:"));
	ASSERT_EQ(0, end(self->sock));
	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "\nfanotify "));
}

/* Events and marks hold a mount; when they are dropped it can go. */
TEST_F(shutdown, lets_go_of_mounts)
{
	long long limit = now_ms() + WAIT_MS;
	int ret;

	ASSERT_EQ(0, mkdir(TMP "/m", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/m", "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(TMP "/m/file", "text"));
	ASSERT_EQ(0, variant->global ? 0 : mark_path(self->sock, TMP "/m/file",
						     FAN_CLOSE_WRITE, 0));
	ASSERT_EQ(0, open_close(TMP "/m/file", O_WRONLY));
	EXPECT_EQ(-EBUSY, result(umount(TMP "/m")));
	ASSERT_EQ(0, end(self->sock));
	/* At once, but for what a reference of the kernel's own may hold. */
	do {
		ret = result(umount(TMP "/m"));
	} while (ret == -EBUSY && now_ms() < limit);
	EXPECT_EQ(0, ret);
}

/* Nobody else is concerned. */
TEST_F(shutdown, of_this_listener_only)
{
	int other = variant->global ? global_listener(FAN_CLOSE_WRITE) :
				      dir_listener(TMP, FAN_CLOSE_WRITE);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, cause());
	ASSERT_EQ(0, end(self->sock));
	ASSERT_EQ(0, cause());
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(other, &self->st));
	EXPECT_EQ(CAN_WRITE, poll_now(other, POLL_ALL));
	EXPECT_EQ(0, close(other));
}

/* A descriptor that came with an event is the reader's. */
TEST_F(shutdown, leaves_event_fds)
{
	struct fanotify_so_event_metadata ev;
	char text[8] = "";

	ASSERT_EQ(0, cause());
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	ASSERT_EQ(0, end(self->sock));
	EXPECT_EQ(4, read(ev.fd, text, sizeof(text)));
	EXPECT_STREQ("text", text);
	close_event(&ev);
}

/* The socket is one, whoever has it. */
TEST_F(shutdown, by_a_child)
{
	char buf[LEN];
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(-end(self->sock));
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(0, result(recv(self->sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
}

/* A new listener can take its place. */
TEST_F(shutdown, again_and_again)
{
	int i, sock;

	for (i = 0; i < 20; i++) {
		sock = variant->global ? global_listener(FAN_CLOSE_WRITE) :
					 dir_listener(TMP, FAN_CLOSE_WRITE);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, cause());
		EXPECT_NE(0, fionread(sock));
		ASSERT_EQ(0, end(sock));
		EXPECT_EQ(0, fionread(sock));
		ASSERT_EQ(0, close(sock));
	}
}

static long wait_in_recvmsg(struct waiter *w)
{
	struct iovec iov = { .iov_base = &w->ev, .iov_len = sizeof(w->ev) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return result(syscall(SYS_recvmsg, w->fd, &msg, 0));
}

/* One message, of no length. */
static long wait_in_recvmmsg(struct waiter *w)
{
	struct iovec iov = { .iov_base = &w->ev, .iov_len = sizeof(w->ev) };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
		.msg_len = -1,
	};
	long ret;

	ret = syscall(SYS_recvmmsg, w->fd, &msg, 1, 0, NULL);
	return ret == 1 ? msg.msg_len : ret < 0 ? -errno : -EPROTO;
}

/* For which the end is an exceptional condition only if nothing is asked. */
static long wait_in_poll_for_nothing(struct waiter *w)
{
	return wait_in_poll_for(w, 0);
}

static long wait_in_epoll_edge(struct waiter *w)
{
	return wait_in_epoll_flags(w, EPOLLET);
}

static long wait_in_ring(struct waiter *w, struct io_uring_sqe *sqe)
{
	struct ring ring;
	long ret;

	sqe->fd = w->fd;
	ret = ring_init(&ring);
	if (ret)
		return ret;
	ret = ring_do(&ring, sqe);
	ring_exit(&ring);
	return ret;
}

/* Lets the ring read an event: by which request, and with which IOSQE_*. */
static long wait_in_uring(struct waiter *w, __u8 opcode, __u8 flags)
{
	return wait_in_ring(w, &(struct io_uring_sqe){
		.opcode = opcode,
		.flags = flags,
		.addr = (uintptr_t)&w->ev,
		.len = sizeof(w->ev),
	});
}

static long wait_in_uring_recv(struct waiter *w)
{
	return wait_in_uring(w, IORING_OP_RECV, 0);
}

/* A thread of the ring's own sleeps for this one. */
static long wait_in_uring_recv_async(struct waiter *w)
{
	return wait_in_uring(w, IORING_OP_RECV, IOSQE_ASYNC);
}

static long wait_in_uring_read(struct waiter *w)
{
	return wait_in_uring(w, IORING_OP_READ, 0);
}

static long wait_in_uring_poll(struct waiter *w)
{
	return wait_in_ring(w, &(struct io_uring_sqe){
		.opcode = IORING_OP_POLL_ADD,
		.poll32_events = POLLIN,
	});
}

/* What blocked calls return when the socket is shut down. */
FIXTURE_VARIANT_ADD(blocked, read) {
	WAITS_IN(read, SYS_read),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, recv) {
	WAITS_IN(recv, SYS_recvfrom),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, recvmsg) {
	WAITS_IN(recvmsg, SYS_recvmsg),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, recvmmsg) {
	WAITS_IN(recvmmsg, SYS_recvmmsg),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, poll) {
	WAITS_IN(poll, SYS_ppoll),
	.ret = POLLIN | POLLRDHUP | POLLHUP,
};

FIXTURE_VARIANT_ADD(blocked, poll_for_nothing) {
	WAITS_IN(poll_for_nothing, SYS_ppoll),
	.ret = POLLHUP,
};

FIXTURE_VARIANT_ADD(blocked, select) {
	WAITS_IN(select, SYS_pselect6),
	.ret = 1,
};

FIXTURE_VARIANT_ADD(blocked, epoll) {
	WAITS_IN(epoll, SYS_epoll_pwait),
	.ret = EPOLLIN | EPOLLRDHUP | EPOLLHUP,
};

FIXTURE_VARIANT_ADD(blocked, epoll_edge) {
	WAITS_IN(epoll_edge, SYS_epoll_pwait),
	.ret = EPOLLIN | EPOLLHUP,
};

FIXTURE_VARIANT_ADD(blocked, epoll_exclusive) {
	WAITS_IN(epoll_exclusive, SYS_epoll_pwait),
	.ret = EPOLLIN | EPOLLHUP,
};

FIXTURE_VARIANT_ADD(blocked, uring_recv) {
	WAITS_IN(uring_recv, SYS_io_uring_enter),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, uring_recv_async) {
	WAITS_IN(uring_recv_async, SYS_io_uring_enter),
	.ret = 0,
};

FIXTURE_VARIANT_ADD(blocked, uring_read) {
	WAITS_IN(uring_read, SYS_io_uring_enter),
	.ret = 0,
};

/* Asked for or not, a ring tells of POLLRDHUP. */
FIXTURE_VARIANT_ADD(blocked, uring_poll) {
	WAITS_IN(uring_poll, SYS_io_uring_enter),
	.ret = POLLIN | POLLRDHUP | POLLHUP,
};

FIXTURE_SETUP(blocked)
{
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(blocked)
{
	close(self->sock);
}

TEST_F(blocked, wakes)
{
	struct waiter w;

	ASSERT_TRUE(waiter_start(&w, self->sock, variant->call, variant->nr));
	EXPECT_FALSE(waiter_returned(&w, 0));
	ASSERT_EQ(0, end(self->sock));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(variant->ret, w.ret);
}

/* All of them, those too who wait exclusively. */
TEST_F(blocked, wakes_all)
{
	struct waiter w[3];
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock, variant->call,
					 variant->nr));
	ASSERT_EQ(0, end(self->sock));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_EQ(variant->ret, w[i].ret);
	}
}

/*
 * The descriptor is closed: the thread has the file. But for poll(), which
 * looks again at what the number stands for.
 */
TEST_F(blocked, wakes_one_whose_descriptor_is_closed)
{
	int other = dup(self->sock);
	struct waiter w;

	ASSERT_LE(0, other);
	ASSERT_TRUE(waiter_start(&w, self->sock, variant->call, variant->nr));
	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, end(other));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(variant->nr == SYS_ppoll ? POLLNVAL : variant->ret, w.ret);
	self->sock = other;
}

static void *busy_main(void *arg)
{
	while (!__atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE)) {
		if (cause())
			return (void *)1L;
	}
	return NULL;
}

static void *reader_main(void *arg)
{
	struct fanotify_so_event_metadata ev;
	long ret;

	while ((ret = read(*(int *)arg, &ev, sizeof(ev))) > 0)
		close_event(&ev);
	return (void *)ret;
}

/* Between those who cause events and those who read them. */
TEST_F(shutdown, in_the_middle)
{
	pthread_t causer, readers[2];
	bool stop = false;
	int round, i;
	void *ret;

	ASSERT_EQ(0, pthread_create(&causer, NULL, busy_main, &stop));
	for (round = 0; round < 20; round++) {
		int sock = variant->global ?
			   global_listener(FAN_CLOSE_WRITE) :
			   dir_listener(TMP, FAN_CLOSE_WRITE);
		struct pollfd pfd = { .fd = sock, .events = POLLIN };

		ASSERT_LE(0, sock);
		ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&readers[i], NULL,
						    reader_main, &sock));
		ASSERT_EQ(0, end(sock));
		for (i = 0; i < 2; i++) {
			ASSERT_EQ(0, pthread_join(readers[i], &ret));
			EXPECT_EQ(NULL, ret);
		}
		ASSERT_EQ(0, close(sock));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(causer, &ret));
	EXPECT_EQ(NULL, ret);
}

/**
 * struct marker - a thread that sets and removes a mark until that fails
 *
 * @sock: The socket.
 * @count: How often it did not fail; grows while the thread runs.
 */
struct marker {
	int sock;
	long count;
};

/* Returns why it failed. */
static void *marker_main(void *arg)
{
	struct marker *m = arg;
	long ret;

	for (;;) {
		ret = mark_path(m->sock, FILE_PATH, 0,
				m->count & 1 ? 0 : FAN_CLOSE_WRITE);
		if (ret)
			return (void *)ret;
		__atomic_fetch_add(&m->count, 1, __ATOMIC_RELEASE);
	}
}

/*
 * And one who sets marks: after the end each call says so, and of those that
 * were under way no mark is left behind.
 */
TEST_F(shutdown, in_the_middle_of_marks)
{
	pthread_t causer, thread;
	struct marker marker;
	bool stop = false;
	char text[4096];
	int round;
	void *ret;

	ASSERT_EQ(0, pthread_create(&causer, NULL, busy_main, &stop));
	for (round = 0; round < 20; round++) {
		marker = (struct marker){
			.sock = variant->global ?
				global_listener(FAN_CLOSE_WRITE) :
				dir_listener(TMP, FAN_CLOSE_WRITE),
		};
		ASSERT_LE(0, marker.sock);
		ASSERT_EQ(0, pthread_create(&thread, NULL, marker_main,
					    &marker));
		while (!__atomic_load_n(&marker.count, __ATOMIC_ACQUIRE))
			sched_yield();
		ASSERT_EQ(0, end(marker.sock));
		ASSERT_EQ(0, pthread_join(thread, &ret));
		EXPECT_EQ(-ESHUTDOWN, (long)ret);
		ASSERT_EQ(0, read_fdinfo(marker.sock, text, sizeof(text)));
		EXPECT_EQ(NULL, strstr(text, "\nfanotify "));
		ASSERT_EQ(0, close(marker.sock));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(causer, &ret));
	EXPECT_EQ(NULL, ret);
}

TEST_HARNESS_MAIN
