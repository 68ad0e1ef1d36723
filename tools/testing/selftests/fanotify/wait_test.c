// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: how long calls wait, and of how much they are told
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/time.h>

#include "waiting.h"

#define LEN ((long)FAN_SO_EVENT_LEN)
#define NFILES 4

/*
 * A short time, but one that a call can be seen to wait: for this much of it,
 * because sockets count in ticks, and a busy machine may be some behind.
 */
#define SHORT_MS 600
#define SURELY_MS 200

static const char * const paths[NFILES] = {
	TMP "/file0", TMP "/file1", TMP "/file2", TMP "/file3",
};

/*
 * Directed, so that nothing is queued but what a test causes: looking into
 * /proc, for one, is not heard.
 */
FIXTURE(wait)
{
	int sock;
	struct stat st[NFILES];
};

FIXTURE_SETUP(wait)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++) {
		ASSERT_EQ(0, write_file(paths[i], "text"));
		ASSERT_EQ(0, stat(paths[i], &self->st[i]));
	}
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(wait)
{
	close(self->sock);
}

/* Causes the event of one file. */
static int cause(int i)
{
	return open_close(paths[i], O_RDONLY);
}

static int set_rcvtimeo(int sock, int ms)
{
	struct timeval tv = {
		.tv_sec = ms / 1000,
		.tv_usec = ms % 1000 * 1000,
	};

	return result(setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv,
				 sizeof(tv)));
}

/**
 * struct messages - what recvmmsg() fills
 *
 * @buf: Each message has room for one event.
 * @iov: Describes @buf.
 * @msg: Describes @iov.
 */
struct messages {
	struct fanotify_so_event_metadata buf[NFILES + 1];
	struct iovec iov[NFILES + 1];
	struct mmsghdr msg[NFILES + 1];
};

static void messages_init(struct messages *m)
{
	int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < NFILES + 1; i++) {
		m->iov[i].iov_base = &m->buf[i];
		m->iov[i].iov_len = sizeof(m->buf[i]);
		m->msg[i].msg_hdr.msg_iov = &m->iov[i];
		m->msg[i].msg_hdr.msg_iovlen = 1;
	}
}

/* Are messages @first to @last the events of the files of these numbers? */
static bool messages_are(struct messages *m, const struct stat *st, int first,
			 int last)
{
	bool good = true;
	int i;

	for (i = first; i <= last; i++) {
		if (m->msg[i - first].msg_len != LEN ||
		    !is_file(m->buf[i - first].fd, &st[i]))
			good = false;
		close_event(&m->buf[i - first]);
	}
	return good;
}

/* The time is looked at after each message; one that is up ends the call. */
TEST_F(wait, recvmmsg_timeout_is_up)
{
	struct timespec ts = { .tv_nsec = 1 };
	struct messages m;

	messages_init(&m);
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(1));
	ASSERT_EQ(1, result(recvmmsg(self->sock, m.msg, NFILES, 0, &ts)));
	EXPECT_TRUE(messages_are(&m, self->st, 0, 0));
	EXPECT_EQ(0, ts.tv_sec);
	EXPECT_EQ(0, ts.tv_nsec);
	/* 0 is a time, too. */
	ASSERT_EQ(1, result(recvmmsg(self->sock, m.msg, NFILES, 0, &ts)));
	EXPECT_TRUE(messages_are(&m, self->st, 1, 1));
	EXPECT_EQ(0, take_event(self->sock, &m.buf[0]));
}

TEST_F(wait, recvmmsg_timeout_is_long)
{
	struct timespec ts = { .tv_sec = 3600 };
	struct messages m;
	int i;

	messages_init(&m);
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	/* As many as are asked for; that there are more does not matter. */
	ASSERT_EQ(2, result(recvmmsg(self->sock, m.msg, 2, 0, &ts)));
	EXPECT_TRUE(messages_are(&m, self->st, 0, 1));
	EXPECT_EQ(3599, ts.tv_sec);
	/* As many as there are. */
	ts.tv_sec = 3600;
	ASSERT_EQ(2, result(recvmmsg(self->sock, m.msg, NFILES, MSG_WAITFORONE,
				     &ts)));
	EXPECT_TRUE(messages_are(&m, self->st, 2, 3));
	/* And not even for one, if it is not to wait. */
	EXPECT_EQ(-EAGAIN, result(recvmmsg(self->sock, m.msg, NFILES,
					   MSG_DONTWAIT, &ts)));
}

TEST_F(wait, recvmmsg_bad_timeout)
{
	struct timespec ts = { .tv_nsec = 1000000000 };
	struct messages m;

	messages_init(&m);
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(-EINVAL, result(recvmmsg(self->sock, m.msg, 1, 0, &ts)));
	ts = (struct timespec){ .tv_sec = -1 };
	EXPECT_EQ(-EINVAL, result(recvmmsg(self->sock, m.msg, 1, 0, &ts)));
	EXPECT_EQ(1, own_events(self->sock));
}

/* SO_RCVTIMEO is what ends a call that finds too few. */
TEST_F(wait, recvmmsg_finds_too_few)
{
	struct timespec ts = { .tv_sec = 3600 };
	long long start = now_ms();
	struct messages m;

	messages_init(&m);
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(1));
	ASSERT_EQ(0, set_rcvtimeo(self->sock, SHORT_MS));
	ASSERT_EQ(2, result(recvmmsg(self->sock, m.msg, NFILES, 0, &ts)));
	EXPECT_LE(SURELY_MS, now_ms() - start);
	EXPECT_TRUE(messages_are(&m, self->st, 0, 1));
	/* That was no error to be told of later. */
	EXPECT_EQ(-EAGAIN, result(recvmmsg(self->sock, m.msg, NFILES, 0, &ts)));
	ASSERT_EQ(0, cause(2));
	ASSERT_EQ(1, result(recvmmsg(self->sock, m.msg, 1, 0, &ts)));
	EXPECT_TRUE(messages_are(&m, self->st, 2, 2));
}

static long wait_in_recvmmsg(struct waiter *w)
{
	struct messages m;
	long ret;

	messages_init(&m);
	ret = result(syscall(SYS_recvmmsg, w->fd, m.msg, 2, 0, NULL));
	w->ev = m.buf[1];
	close_event(&m.buf[0]);
	return ret;
}

/* It waits for each of the messages. */
TEST_F(wait, recvmmsg_blocks_for_the_second)
{
	struct waiter w;

	ASSERT_EQ(0, cause(0));
	ASSERT_TRUE(waiter_start(&w, self->sock, wait_in_recvmmsg,
				 SYS_recvmmsg));
	EXPECT_FALSE(waiter_returned(&w, 0));
	ASSERT_EQ(0, cause(1));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(2, w.ret);
	EXPECT_TRUE(is_file(w.ev.fd, &self->st[1]));
	close_event(&w.ev);
}

/* What goes wrong after the first message is told by the next call, once. */
TEST_F(wait, recvmmsg_runs_out_of_descriptors)
{
	struct messages m;
	struct rlimit old;

	messages_init(&m);
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(1));
	old = leave_fds(1);
	ASSERT_EQ(1, result(recvmmsg(self->sock, m.msg, 2, 0, NULL)));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(messages_are(&m, self->st, 0, 0));
	EXPECT_EQ(-EMFILE, result(recvmmsg(self->sock, m.msg, 2, 0, NULL)));
	ASSERT_EQ(1, result(recvmmsg(self->sock, m.msg, 2, MSG_DONTWAIT,
				     NULL)));
	EXPECT_TRUE(messages_are(&m, self->st, 1, 1));
}

/* Every call that reads, with a time to wait for an event. */
static long call_read(int sock, struct fanotify_so_event_metadata *ev)
{
	return result(read(sock, ev, sizeof(*ev)));
}

static long call_readv(int sock, struct fanotify_so_event_metadata *ev)
{
	struct iovec iov = { .iov_base = ev, .iov_len = sizeof(*ev) };

	return result(readv(sock, &iov, 1));
}

static long call_recv(int sock, struct fanotify_so_event_metadata *ev)
{
	return result(recv(sock, ev, sizeof(*ev), 0));
}

static long call_recvmsg(int sock, struct fanotify_so_event_metadata *ev)
{
	struct iovec iov = { .iov_base = ev, .iov_len = sizeof(*ev) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	return result(recvmsg(sock, &msg, 0));
}

static long call_recvmmsg(int sock, struct fanotify_so_event_metadata *ev)
{
	struct iovec iov = { .iov_base = ev, .iov_len = sizeof(*ev) };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};
	long ret = result(recvmmsg(sock, &msg, 1, 0, NULL));

	return ret == 1 ? msg.msg_len : ret;
}

FIXTURE(timeo)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(timeo) {
	long (*call)(int sock, struct fanotify_so_event_metadata *ev);
};

FIXTURE_VARIANT_ADD(timeo, read) {
	.call = call_read,
};

FIXTURE_VARIANT_ADD(timeo, readv) {
	.call = call_readv,
};

FIXTURE_VARIANT_ADD(timeo, recv) {
	.call = call_recv,
};

FIXTURE_VARIANT_ADD(timeo, recvmsg) {
	.call = call_recvmsg,
};

FIXTURE_VARIANT_ADD(timeo, recvmmsg) {
	.call = call_recvmmsg,
};

FIXTURE_SETUP(timeo)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(paths[0], "text"));
	ASSERT_EQ(0, stat(paths[0], &self->st));
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(timeo)
{
	close(self->sock);
}

TEST_F(timeo, is_up)
{
	struct fanotify_so_event_metadata ev;
	long long start = now_ms();

	ASSERT_EQ(0, set_rcvtimeo(self->sock, SHORT_MS));
	EXPECT_EQ(-EAGAIN, variant->call(self->sock, &ev));
	EXPECT_LE(SURELY_MS, now_ms() - start);
	/* It begins anew with each call. */
	start = now_ms();
	EXPECT_EQ(-EAGAIN, variant->call(self->sock, &ev));
	EXPECT_LE(SURELY_MS, now_ms() - start);
	/* And does not matter if there is an event. */
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(LEN, variant->call(self->sock, &ev));
	EXPECT_TRUE(is_file(ev.fd, &self->st));
	close_event(&ev);
}

static void *cause_main(void *arg)
{
	return (void *)(long)cause(0);
}

TEST_F(timeo, is_long_enough)
{
	struct fanotify_so_event_metadata ev;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, set_rcvtimeo(self->sock, WAIT_MS));
	ASSERT_EQ(0, pthread_create(&thread, NULL, cause_main, NULL));
	EXPECT_EQ(LEN, variant->call(self->sock, &ev));
	EXPECT_TRUE(is_file(ev.fd, &self->st));
	EXPECT_NE(getpid(), ev.pid);
	close_event(&ev);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
}

static void on_alarm(int sig)
{
}

/* A call that counts the time cannot be restarted after a signal. */
TEST_F(timeo, is_interrupted)
{
	struct sigaction sa = {
		.sa_handler = on_alarm,
		.sa_flags = SA_RESTART,
	};
	struct itimerval it = {
		.it_interval = { .tv_usec = 50000 },
		.it_value = { .tv_usec = 50000 },
	};
	struct fanotify_so_event_metadata ev;

	ASSERT_EQ(0, set_rcvtimeo(self->sock, WAIT_MS));
	ASSERT_EQ(0, sigaction(SIGALRM, &sa, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &it, NULL));
	EXPECT_EQ(-EINTR, variant->call(self->sock, &ev));
}

/* The time of a socket is that of no other. */
TEST_F(wait, timeout_is_of_the_socket)
{
	socklen_t len = sizeof(struct timeval);
	int other = deaf_listener();
	struct timeval tv = {};

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_rcvtimeo(self->sock, 2500));
	ASSERT_EQ(0, getsockopt(self->sock, SOL_SOCKET, SO_RCVTIMEO, &tv,
				&len));
	EXPECT_EQ(2, tv.tv_sec);
	EXPECT_EQ(500000, tv.tv_usec);
	ASSERT_EQ(0, getsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &tv, &len));
	EXPECT_EQ(0, tv.tv_sec);
	EXPECT_EQ(0, tv.tv_usec);
}

static int poll_for(int sock, int timeout_ms)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int ret = poll(&pfd, 1, timeout_ms);

	return ret == 1 ? pfd.revents : result(ret);
}

TEST_F(wait, poll_times_out)
{
	long long start = now_ms();

	EXPECT_EQ(0, poll_for(self->sock, SHORT_MS));
	EXPECT_LE(SURELY_MS, now_ms() - start);
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(POLLIN, poll_for(self->sock, WAIT_MS));
}

FIXTURE(epoll)
{
	int sock;
	int epfd;
};

FIXTURE_SETUP(epoll)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, write_file(paths[i], "text"));
	self->sock = dir_listener(TMP, FAN_OPEN);
	ASSERT_LE(0, self->sock);
	self->epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->epfd);
}

FIXTURE_TEARDOWN(epoll)
{
	close(self->epfd);
	close(self->sock);
}

static int epoll_set(int epfd, int op, int sock, __u32 events)
{
	struct epoll_event ev = { .events = events };

	return result(epoll_ctl(epfd, op, sock, &ev));
}

/* What epoll tells now. */
static int epoll_now(int epfd)
{
	struct epoll_event ev;
	int ret = epoll_wait(epfd, &ev, 1, 0);

	return ret == 1 ? ev.events : result(ret);
}

/* Takes one event: 1 if there was one. */
static int take_one(int sock)
{
	struct fanotify_so_event_metadata ev;
	int ret = take_event(sock, &ev);

	if (ret == 1)
		close_event(&ev);
	return ret;
}

/* The usual loop: wait for an edge, read until there is nothing. */
TEST_F(epoll, edge_and_drain)
{
	int i;

	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN | EPOLLET));
	for (i = 0; i < 3; i++) {
		/* Several events before one look are one edge. */
		ASSERT_EQ(0, cause(0));
		ASSERT_EQ(0, cause(1));
		EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
		EXPECT_EQ(0, epoll_now(self->epfd));
		EXPECT_EQ(1, take_one(self->sock));
		EXPECT_EQ(1, take_one(self->sock));
		EXPECT_EQ(0, take_one(self->sock));
		EXPECT_EQ(0, epoll_now(self->epfd));
	}
	/* What is drained before the look is no edge. */
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, take_one(self->sock));
	EXPECT_EQ(0, epoll_now(self->epfd));
}

/* An event that is merged is there already. */
TEST_F(epoll, merged_is_no_edge)
{
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN | EPOLLET));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
}

/* For who waits for a level it makes no difference. */
TEST_F(epoll, merged_is_still_readable)
{
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	EXPECT_EQ(1, take_one(self->sock));
	EXPECT_EQ(0, epoll_now(self->epfd));
}

TEST_F(epoll, overflow_is_an_edge)
{
	int bytes = FAN_SO_EVENT_COST;

	ASSERT_EQ(0, setsockopt(self->sock, SOL_SOCKET, SO_RCVBUF, &bytes,
				sizeof(bytes)));
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN | EPOLLET));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	/* That it counts one more is not. */
	ASSERT_EQ(0, cause(2));
	EXPECT_EQ(0, epoll_now(self->epfd));
}

TEST_F(epoll, one_shot)
{
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN | EPOLLONESHOT));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(0, epoll_now(self->epfd));
	/* Armed again, it tells of what is there. */
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_MOD, self->sock,
			       EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	EXPECT_EQ(1, take_one(self->sock));
	EXPECT_EQ(1, take_one(self->sock));
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_MOD, self->sock,
			       EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(0, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(2));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
}

/* An epoll in an epoll is told as well. */
TEST_F(epoll, nested)
{
	int outer = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, outer);
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN));
	ASSERT_EQ(0, epoll_set(outer, EPOLL_CTL_ADD, self->epfd, EPOLLIN));
	EXPECT_EQ(0, epoll_now(outer));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(outer));
	EXPECT_EQ(1, take_one(self->sock));
	EXPECT_EQ(0, epoll_now(outer));
	EXPECT_EQ(0, close(outer));
}

/* A socket that is closed is in no set any more. */
TEST_F(epoll, closed)
{
	ASSERT_EQ(0, epoll_set(self->epfd, EPOLL_CTL_ADD, self->sock,
			       EPOLLIN));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(EPOLLIN, epoll_now(self->epfd));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(0, epoll_now(self->epfd));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, epoll_now(self->epfd));
}

/* It does what it was woken for. */
static long wait_exclusively(struct waiter *w)
{
	long ret = wait_in_epoll_exclusive(w);

	return ret == EPOLLIN ? take_one(w->fd) : ret;
}

#define NWAITERS 4

/* How many of the sleepers have returned; the others do sleep. */
static int returned(struct waiter *w, int nr)
{
	int i, count = 0;

	for (i = 0; i < nr; i++) {
		if (waiter_returned(&w[i], 0))
			count++;
		else if (!sleeps_in(w[i].tid, SYS_epoll_pwait))
			return -EPROTO;
	}
	return count;
}

/* One of them wakes for each event. */
TEST_F(wait, exclusive_waiters)
{
	struct waiter w[NWAITERS];
	struct pollfd pfds[NWAITERS];
	int i, n;

	for (i = 0; i < NWAITERS; i++) {
		ASSERT_TRUE(waiter_start(&w[i], self->sock, wait_exclusively,
					 SYS_epoll_pwait));
		pfds[i] = (struct pollfd){ .fd = w[i].done, .events = POLLIN };
	}
	for (n = 1; n <= NWAITERS; n++) {
		ASSERT_EQ(0, cause(n % NFILES));
		ASSERT_EQ(1, poll(pfds, NWAITERS, WAIT_MS));
		for (i = 0; i < NWAITERS; i++) {
			if (pfds[i].revents)
				pfds[i].fd = -1;
		}
		EXPECT_EQ(n, returned(w, NWAITERS));
	}
	for (i = 0; i < NWAITERS; i++)
		EXPECT_EQ(1, w[i].ret);
}

/* Who only looks takes no wake-up away from who reads. */
TEST_F(wait, pollers_and_a_reader)
{
	struct waiter pollers[2], reader;
	int i;

	ASSERT_TRUE(waiter_start(&pollers[0], self->sock, wait_in_poll,
				 SYS_ppoll));
	ASSERT_TRUE(waiter_start(&reader, self->sock, wait_in_read, SYS_read));
	ASSERT_TRUE(waiter_start(&pollers[1], self->sock, wait_in_poll,
				 SYS_ppoll));
	ASSERT_EQ(0, cause(0));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(LEN, reader.ret);
	close_event(&reader.ev);
	/* They may have found nothing left, then it is the next one's turn. */
	ASSERT_EQ(0, cause(1));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(waiter_returned(&pollers[i], WAIT_MS));
		EXPECT_EQ(POLLIN, pollers[i].ret);
	}
}

TEST_HARNESS_MAIN
