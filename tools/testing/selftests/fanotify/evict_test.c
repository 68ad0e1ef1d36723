// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a listener that gives no answer ten times in a row is
 * evicted, and how it learns of that
 */

#define _GNU_SOURCE
#include "evict.h"
#include "ways.h"

static int fionread(int sock)
{
	int bytes = -1;

	return ioctl(sock, FIONREAD, &bytes) ? -errno : bytes;
}

static int so_error(int sock)
{
	socklen_t len = sizeof(int);
	int err = -1;

	return getsockopt(sock, SOL_SOCKET, SO_ERROR, &err, &len) ? -errno :
								   err;
}

/* Causes a notification, in a child. */
static int write_to(int fd)
{
	pid_t child = fork();

	if (!child)
		_exit(write(fd, "x", 1) != 1);
	return exit_status(child);
}

/* What has to be dropped is dropped a little later. */
static int until_nothing_queued(int sock)
{
	long long end = now_ms() + WAIT_MS;

	while (fionread(sock) && now_ms() < end)
		usleep(1000);
	return fionread(sock);
}

TEST_F(evict, at_ten)
{
	struct told told;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_STREQ("bound", told.state);
	EXPECT_EQ(9, told.timeouts);
	EXPECT_EQ(self->marks, all_marks(self->sock));
	EXPECT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));

	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	EXPECT_EQ(POLL_END | POLLERR, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(POLLHUP | POLLERR, poll_now(self->sock, 0));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_STREQ("evicted", told.state);
	EXPECT_EQ(10, told.timeouts);
	EXPECT_EQ(0, told.waiting);
	EXPECT_EQ(0, told.unasked);
}

/* A listener that reads all, and answers nothing */
TEST_F(evict, one_that_reads)
{
	struct doer doer;
	int i;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(false, is_evicted(self->sock));
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
		close_event(&self->ev);
		ASSERT_EQ(variant->ret, doer_result(&doer));
	}
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(-ESHUTDOWN, answer(self->sock, self->ev.cookie, FAN_ALLOW));
	EXPECT_EQ(-ETIMEDOUT, take_event(self->sock, &self->ev));
}

/* SO_ERROR tells it, once, and then nobody else does. */
TEST_F(evict, so_error)
{
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(ETIMEDOUT, so_error(self->sock));
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(0, so_error(self->sock));
	EXPECT_EQ(0, result(read(self->sock, &self->ev, sizeof(self->ev))));
	EXPECT_EQ(0, result(recv(self->sock, &self->ev, sizeof(self->ev),
				 MSG_DONTWAIT)));
	EXPECT_EQ(0, so_error(self->sock));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* Or else the next read. */
TEST_F(evict, next_recv)
{
	struct iovec iov = {
		.iov_base = &self->ev,
		.iov_len = sizeof(self->ev),
	};
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};

	ASSERT_TRUE(evict(self->sock, variant->ret));
	/* Not one that could not be a read at all. */
	EXPECT_EQ(-EINVAL, result(read(self->sock, &self->ev, 8)));
	EXPECT_EQ(-EOPNOTSUPP, result(recv(self->sock, &self->ev,
					   sizeof(self->ev), MSG_PEEK)));
	EXPECT_EQ(POLL_END | POLLERR, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(-ETIMEDOUT, result(recv(self->sock, &self->ev,
					  sizeof(self->ev), 0)));
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(0, so_error(self->sock));
	EXPECT_EQ(0, result(read(self->sock, &self->ev, sizeof(self->ev))));
	EXPECT_EQ(0, result(recvmsg(self->sock, &msg.msg_hdr, 0)));
	EXPECT_EQ(1, result(recvmmsg(self->sock, &msg, 1, 0, NULL)));
	EXPECT_EQ(0, msg.msg_len);
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
}

TEST_F(evict, next_read)
{
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(-ETIMEDOUT, result(read(self->sock, &self->ev,
					  sizeof(self->ev))));
	EXPECT_EQ(0, result(read(self->sock, &self->ev, sizeof(self->ev))));
}

TEST_F(evict, next_recvmsg)
{
	struct iovec iov = {
		.iov_base = &self->ev,
		.iov_len = sizeof(self->ev),
	};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(-ETIMEDOUT, result(recvmsg(self->sock, &msg, MSG_DONTWAIT)));
	EXPECT_EQ(0, result(recvmsg(self->sock, &msg, MSG_DONTWAIT)));
}

TEST_F(evict, next_io_uring_recv)
{
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_RECV,
		.fd = self->sock,
		.addr = (uintptr_t)&self->ev,
		.len = sizeof(self->ev),
	};
	struct ring ring;

	ASSERT_EQ(0, ring_init(&ring));
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(-ETIMEDOUT, ring_do(&ring, &sqe));
	EXPECT_EQ(0, ring_do(&ring, &sqe));
	ring_exit(&ring);
}

/* Nothing can be said to it any more; and that does not tell why. */
TEST_F(evict, options_and_answers)
{
	static const struct {
		int opt;
		__u32 val;
	} opts[] = {
		{ FANOTIFY_RESPONSE_TIMEOUT, 1000 },
		{ FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW },
		{ FANOTIFY_TIMEOUT_POLICY, FAN_DENY },
		{ FANOTIFY_IGNORE_SELF, 0 },
	};
	struct fanotify_so_access access = { 1, FAN_ALLOW };
	struct fanotify_addr addr = address(0, O_RDONLY);
	struct fanotify_so_sb sb = { .magic = 1, .mask = FAN_OPEN_PERM };
	size_t i;

	ASSERT_TRUE(evict(self->sock, variant->ret));
	for (i = 0; i < ARRAY_SIZE(opts); i++)
		EXPECT_EQ(-ESHUTDOWN, set_u32(self->sock, opts[i].opt,
					      opts[i].val));
	EXPECT_EQ(-ESHUTDOWN, set_mark(self->sock, self->file, 0,
				       FAN_OPEN_PERM));
	EXPECT_EQ(-ESHUTDOWN, set_mark(self->sock, self->file, 0, 0));
	EXPECT_EQ(-ESHUTDOWN, result(setsockopt(self->sock, SOL_FANOTIFY,
						FANOTIFY_IGNORE_SB, &sb,
						sizeof(sb))));
	EXPECT_EQ(-ESHUTDOWN, result(setsockopt(self->sock, SOL_FANOTIFY,
						FANOTIFY_FORGET, NULL, 0)));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_EQ(-ESHUTDOWN, ways[i].call(self->sock, &access,
						   sizeof(access))) {
			TH_LOG("%s", ways[i].name);
		}
	}
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr));
	EXPECT_EQ(POLL_END | POLLERR, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(ETIMEDOUT, so_error(self->sock));
}

/* What it was told before is dropped. */
TEST_F(evict, drops_what_is_queued)
{
	struct told told;

	ASSERT_EQ(0, write_to(self->file));
	ASSERT_EQ(FAN_SO_EVENT_LEN, fionread(self->sock));
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(-ETIMEDOUT, take_event(self->sock, &self->ev));
	EXPECT_EQ(0, result(recv(self->sock, &self->ev, sizeof(self->ev), 0)));
	EXPECT_EQ(0, until_nothing_queued(self->sock));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_EQ(0, told.queued);
	/* And nothing is told any more. */
	ASSERT_EQ(0, write_to(self->file));
	EXPECT_EQ(0, fionread(self->sock));
	EXPECT_EQ(0, result(recv(self->sock, &self->ev, sizeof(self->ev), 0)));
}

/* At a priority at which nothing else runs on this CPU until it is through. */
static long poll_and_read_to_the_end(struct waiter *w)
{
	struct pollfd pfd = { .fd = w->fd, .events = POLLRDHUP };
	struct sched_param param = { .sched_priority = 1 };
	long ret;

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		return -errno;
	ret = syscall(SYS_ppoll, &pfd, 1, NULL, NULL, 0);
	if (ret != 1)
		return -EPROTO;
	ret = result(read(w->fd, &w->ev, sizeof(w->ev)));
	if (ret != -ETIMEDOUT)
		return ret;
	return result(read(w->fd, &w->ev, sizeof(w->ev)));
}

#define MAX_CPUS 8

/*
 * Those who are woken by it find the end at once, and do not wait for what is
 * still to be dropped: on no CPU is room for who does that.
 */
TEST_F(evict, reads_end_at_once)
{
	long i, nr = sysconf(_SC_NPROCESSORS_ONLN);
	struct waiter w[MAX_CPUS];

	if (nr > MAX_CPUS)
		nr = MAX_CPUS;
	ASSERT_EQ(0, write_to(self->file));
	for (i = 0; i < nr; i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock,
					 poll_and_read_to_the_end, SYS_ppoll));
	ASSERT_TRUE(evict(self->sock, variant->ret));
	for (i = 0; i < nr; i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_EQ(0, w[i].ret);
	}
}

/* The marks go, or stay to deny. */
TEST_F(evict, marks)
{
	/* Something by whose end it is seen that all is done */
	ASSERT_EQ(0, write_to(self->file));
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(0, until_nothing_queued(self->sock));
	if (variant->policy == FAN_ALLOW) {
		EXPECT_EQ(0, until_marks(self->sock, 0));
		return;
	}
	EXPECT_EQ(self->marks, all_marks(self->sock));
	EXPECT_EQ(1, open_often(FILE_PATH, 1, -EPERM));
	EXPECT_EQ(self->marks, all_marks(self->sock));
}

/* Shutdown after it says nothing new. */
TEST_F(evict, then_shut_down)
{
	ASSERT_TRUE(evict(self->sock, variant->ret));
	EXPECT_EQ(0, result(shutdown(self->sock, SHUT_RDWR)));
	EXPECT_EQ(ETIMEDOUT, so_error(self->sock));
	EXPECT_EQ(0, result(read(self->sock, &self->ev, sizeof(self->ev))));
	EXPECT_TRUE(is_evicted(self->sock));
	/* Nor does it end what holds until the socket is closed. */
	EXPECT_EQ(variant->policy == FAN_ALLOW ? 0 : self->marks,
		  until_marks(self->sock, variant->policy == FAN_ALLOW ?
						  0 : self->marks));
	EXPECT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
}

#define NREADERS 3

/* Starts an operation which is taken, and is the last to run out of time. */
static bool start_the_last(struct doer *doer, int sock, const struct stat *st,
			   long ret)
{
	struct fanotify_so_event_metadata ev;

	if (open_often(FILE_PATH, 9, ret) != 9 ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, MIDDLE_MS) ||
	    !doer_start(doer, do_open, FILE_PATH) || next_event(sock, st, &ev))
		return false;
	close_event(&ev);
	return true;
}

/* Those who block in a read are woken; one of them is told why. */
TEST_F(evict, blocked_readers)
{
	struct waiter w[NREADERS];
	struct doer doer;
	int i, told = 0;

	ASSERT_TRUE(start_the_last(&doer, self->sock, &self->st,
				   variant->ret));
	for (i = 0; i < NREADERS; i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock, wait_in_read,
					 SYS_read));
	EXPECT_EQ(variant->ret, doer_result(&doer));
	for (i = 0; i < NREADERS; i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_TRUE(!w[i].ret || w[i].ret == -ETIMEDOUT);
		told += w[i].ret == -ETIMEDOUT;
	}
	EXPECT_EQ(1, told);
	EXPECT_EQ(0, so_error(self->sock));
	EXPECT_EQ(POLL_END, poll_now(self->sock, POLL_ALL));
}

/* So are all who look, however they do. */
TEST_F(evict, pollers)
{
	static const struct {
		long (*call)(struct waiter *w);
		long nr;
		long ret;
	} ways_to_wait[] = {
		{ wait_in_poll, SYS_ppoll,
		  POLLIN | POLLRDHUP | POLLHUP | POLLERR },
		{ wait_in_epoll, SYS_epoll_pwait,
		  EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR },
		{ wait_in_epoll_exclusive, SYS_epoll_pwait,
		  EPOLLIN | EPOLLHUP | EPOLLERR },
		{ wait_in_epoll_exclusive, SYS_epoll_pwait,
		  EPOLLIN | EPOLLHUP | EPOLLERR },
		{ wait_in_select, SYS_pselect6, 1 },
	};
	struct waiter w[ARRAY_SIZE(ways_to_wait)];
	struct doer doer;
	size_t i;

	ASSERT_TRUE(start_the_last(&doer, self->sock, &self->st,
				   variant->ret));
	for (i = 0; i < ARRAY_SIZE(w); i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock,
					 ways_to_wait[i].call,
					 ways_to_wait[i].nr));
	EXPECT_EQ(variant->ret, doer_result(&doer));
	for (i = 0; i < ARRAY_SIZE(w); i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_EQ(ways_to_wait[i].ret, w[i].ret) {
			TH_LOG("poller %zu", i);
		}
	}
	EXPECT_EQ(ETIMEDOUT, so_error(self->sock));
}

/* Who asked for a signal gets one. */
TEST_F(evict, sigio)
{
	struct timespec ts = { .tv_sec = WAIT_MS / 1000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	ASSERT_EQ(0, fcntl(self->sock, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->sock, F_SETFL, O_ASYNC | O_RDWR));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	/* For the question, and for the end, which may be one. */
	EXPECT_EQ(SIGIO, sigtimedwait(&set, NULL, &ts));
}

/* Reads what the log has, from here on: how many lines name a victim so. */
static int log_lines(int kmsg, const char *what)
{
	char text[1024];
	int count = 0;
	ssize_t len;

	while ((len = read(kmsg, text, sizeof(text) - 1)) > 0 ||
	       (len < 0 && errno == EPIPE)) {
		if (len < 0)
			continue;
		text[len] = 0;
		count += !!strstr(text, what);
	}
	return errno == EAGAIN ? count : -errno;
}

/* One line in the log names it. */
TEST_F(evict, is_logged)
{
	char what[128];
	int kmsg, sock;

	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, prctl(PR_SET_NAME, "slow listener"));
	sock = new_socket();
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, begin(sock, variant->global, variant->policy));
	self->sock = sock;
	/* It is who bound it, whatever it is called later. */
	ASSERT_EQ(0, prctl(PR_SET_NAME, "another"));
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, kmsg);
	ASSERT_EQ(0, lseek(kmsg, 0, SEEK_END));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	EXPECT_EQ(0, log_lines(kmsg, "evicted"));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	ASSERT_TRUE(is_evicted(sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	ASSERT_EQ(0, lseek(kmsg, 0, SEEK_SET));
	sprintf(what, "fanotify: listener slow listener (pid %d) evicted: ",
		getpid());
	EXPECT_EQ(1, log_lines(kmsg, what));
	close(kmsg);
}

TEST_HARNESS_MAIN
