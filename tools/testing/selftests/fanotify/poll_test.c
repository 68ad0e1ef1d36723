// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: poll, select, epoll, and who wakes up
 */

#define _GNU_SOURCE
#include "woken.h"

#define LEN ((long)FAN_SO_EVENT_LEN)
#define NFILES 4

/* The same of epoll */
#define EPOLL_ALL (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDNORM | \
		   EPOLLRDBAND | EPOLLWRNORM | EPOLLWRBAND | EPOLLMSG | \
		   EPOLLRDHUP)

static const char * const paths[NFILES] = {
	TMP "/file0", TMP "/file1", TMP "/file2", TMP "/file3",
};

/*
 * The listener hears FAN_CLOSE_WRITE only, so that a look into /proc, which
 * shows whether a thread sleeps, does not wake it.
 */
FIXTURE(poll)
{
	int sock;
	struct stat st[NFILES];
};

FIXTURE_SETUP(poll)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++) {
		ASSERT_EQ(0, write_file(paths[i], "text"));
		ASSERT_EQ(0, stat(paths[i], &self->st[i]));
	}
	self->sock = global_listener(FAN_CLOSE_WRITE);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(poll)
{
	close(self->sock);
}

/* Causes the event of one file. */
static int cause(int i)
{
	return open_close(paths[i], O_WRONLY);
}

TEST(unbound)
{
	struct epoll_event ev = { .events = EPOLL_ALL };
	int sock = new_socket();
	struct timeval tv = {};
	fd_set in, out, ex;
	int epfd;

	ASSERT_LE(0, sock);
	EXPECT_EQ(POLLHUP, poll_now(sock, POLL_ALL));
	EXPECT_EQ(POLLHUP, poll_now(sock, POLLIN));
	EXPECT_EQ(POLLHUP, poll_now(sock, 0));

	epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, sock, &ev));
	ev.events = 0;
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(EPOLLHUP, ev.events);

	/* For select() that is readable, as the end of a file is. */
	FD_ZERO(&in);
	FD_SET(sock, &in);
	out = in;
	ex = in;
	EXPECT_EQ(1, select(sock + 1, &in, &out, &ex, &tv));
	EXPECT_TRUE(FD_ISSET(sock, &in));
}

TEST(bound_and_empty)
{
	struct epoll_event ev = { .events = EPOLL_ALL };
	int sock = deaf_listener();
	struct timeval tv = {};
	fd_set in, out, ex;
	int epfd;

	ASSERT_LE(0, sock);
	EXPECT_EQ(CAN_WRITE, poll_now(sock, POLL_ALL));
	EXPECT_EQ(0, poll_now(sock, POLLIN));

	epfd = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, sock, &ev));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(EPOLLOUT | EPOLLWRNORM, ev.events);

	FD_ZERO(&in);
	FD_SET(sock, &in);
	out = in;
	ex = in;
	EXPECT_EQ(1, select(sock + 1, &in, &out, &ex, &tv));
	EXPECT_TRUE(FD_ISSET(sock, &out));
}

TEST_F(poll, with_an_event)
{
	struct timeval tv = {};
	fd_set in, out, ex;

	ASSERT_EQ(0, drain(self->sock));
	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(CAN_READ | CAN_WRITE, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(POLLIN, poll_now(self->sock, POLLIN));
	EXPECT_EQ(POLLRDNORM, poll_now(self->sock, POLLRDNORM));
	EXPECT_EQ(0, poll_now(self->sock, POLLPRI));

	FD_ZERO(&in);
	FD_SET(self->sock, &in);
	out = in;
	ex = in;
	EXPECT_EQ(2, select(self->sock + 1, &in, &out, &ex, &tv));
	EXPECT_TRUE(FD_ISSET(self->sock, &in));
	EXPECT_TRUE(FD_ISSET(self->sock, &out));

	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st[0]));
	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
}

/* Readable until the last event is read. */
TEST_F(poll, epoll_level_triggered)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDNORM };
	struct fanotify_so_event_metadata meta;
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	int i;

	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->sock, &ev));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(1));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
		EXPECT_EQ(EPOLLIN | EPOLLRDNORM, ev.events);
		EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
		EXPECT_EQ(1, take_event(self->sock, &meta));
		close_event(&meta);
	}
	EXPECT_EQ(0, drain(self->sock));
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
}

/* Told of once per event, read or not. */
TEST_F(poll, epoll_edge_triggered)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->sock, &ev));
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(EPOLLIN, ev.events);
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
	EXPECT_EQ(0, drain(self->sock));
	EXPECT_EQ(0, epoll_wait(epfd, &ev, 1, 0));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
}

/* An event that was there before the socket was added counts as an edge. */
TEST_F(poll, epoll_added_late)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	ASSERT_LE(0, epfd);
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_ADD, self->sock, &ev));
	EXPECT_EQ(1, epoll_wait(epfd, &ev, 1, 0));
}

static long wait_in_bad_recv(struct waiter *w)
{
	return result(syscall(SYS_recvfrom, w->fd, (void *)8, sizeof(w->ev), 0,
			      NULL, NULL));
}

FIXTURE_SETUP(blocked)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(paths[0], "text"));
	self->sock = global_listener(FAN_CLOSE_WRITE);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, drain(self->sock));
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
	ASSERT_EQ(0, cause(0));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(variant->ret, w.ret);
}

/* A blocked reader's event comes from another process as well. */
TEST_F(blocked, wakes_for_a_child)
{
	struct waiter w;
	pid_t child;

	ASSERT_TRUE(waiter_start(&w, self->sock, variant->call, variant->nr));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(cause(0) ? 1 : 0);
	ASSERT_EQ(0, exit_status(child));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(variant->ret, w.ret);
}

/* Of two sleepers, the one who returned; the other one sleeps on. */
static int returned_of_two(struct waiter *w, long nr)
{
	struct pollfd pfds[2] = {
		{ .fd = w[0].done, .events = POLLIN },
		{ .fd = w[1].done, .events = POLLIN },
	};
	int one;

	if (poll(pfds, 2, WAIT_MS) < 1)
		return -ETIMEDOUT;
	one = pfds[0].revents ? 0 : 1;
	/* It may have woken up, but then it has seen that nothing is there. */
	if (!sleeps_in(w[!one].tid, nr) || waiter_returned(&w[!one], 0))
		return -EPROTO;
	return one;
}

TEST_F(poll, two_readers_one_event)
{
	struct waiter w[2];
	int one;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&w[0], self->sock, wait_in_read, SYS_read));
	ASSERT_TRUE(waiter_start(&w[1], self->sock, wait_in_read, SYS_read));

	ASSERT_EQ(0, cause(0));
	one = returned_of_two(w, SYS_read);
	ASSERT_LE(0, one);
	EXPECT_EQ(LEN, w[one].ret);
	EXPECT_TRUE(is_file(w[one].ev.fd, &self->st[0]));

	ASSERT_EQ(0, cause(1));
	ASSERT_TRUE(waiter_returned(&w[!one], WAIT_MS));
	EXPECT_EQ(LEN, w[!one].ret);
	EXPECT_TRUE(is_file(w[!one].ev.fd, &self->st[1]));
}

TEST_F(poll, two_readers_two_events)
{
	struct waiter w[2];
	int i;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&w[0], self->sock, wait_in_read, SYS_read));
	ASSERT_TRUE(waiter_start(&w[1], self->sock, wait_in_read, SYS_read));

	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(0, cause(1));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_EQ(LEN, w[i].ret);
	}
	EXPECT_TRUE(is_file(w[0].ev.fd, &self->st[0]) ||
		    is_file(w[0].ev.fd, &self->st[1]));
	EXPECT_TRUE(is_file(w[1].ev.fd, &self->st[0]) ||
		    is_file(w[1].ev.fd, &self->st[1]));
	EXPECT_FALSE(is_file(w[0].ev.fd, &self->st[0]) &&
		     is_file(w[1].ev.fd, &self->st[0]));
}

/* A reader that fails does not keep the event from the next one. */
TEST_F(poll, failing_reader_wakes_the_next)
{
	struct waiter bad, good;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&bad, self->sock, wait_in_bad_recv,
				 SYS_recvfrom));
	ASSERT_TRUE(waiter_start(&good, self->sock, wait_in_read, SYS_read));
	ASSERT_EQ(0, cause(0));
	ASSERT_TRUE(waiter_returned(&good, WAIT_MS));
	EXPECT_EQ(LEN, good.ret);
	EXPECT_TRUE(is_file(good.ev.fd, &self->st[0]));

	/* Whether it had its turn before or has it now. */
	ASSERT_EQ(0, cause(1));
	ASSERT_TRUE(waiter_returned(&bad, WAIT_MS));
	EXPECT_EQ(-EFAULT, bad.ret);
}

/* All who only look are woken. */
TEST_F(poll, all_pollers_wake)
{
	struct waiter w[4];
	int i;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&w[0], self->sock, wait_in_poll, SYS_ppoll));
	ASSERT_TRUE(waiter_start(&w[1], self->sock, wait_in_poll, SYS_ppoll));
	ASSERT_TRUE(waiter_start(&w[2], self->sock, wait_in_epoll,
				 SYS_epoll_pwait));
	ASSERT_TRUE(waiter_start(&w[3], self->sock, wait_in_epoll,
				 SYS_epoll_pwait));
	ASSERT_EQ(0, cause(0));
	for (i = 0; i < 4; i++) {
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
		EXPECT_EQ(POLLIN, w[i].ret);
	}
}

/* But of those who asked for it, one per event. */
TEST_F(poll, exclusive_pollers)
{
	struct waiter w[2];
	int one;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&w[0], self->sock, wait_in_epoll_exclusive,
				 SYS_epoll_pwait));
	ASSERT_TRUE(waiter_start(&w[1], self->sock, wait_in_epoll_exclusive,
				 SYS_epoll_pwait));
	ASSERT_EQ(0, cause(0));
	one = returned_of_two(w, SYS_epoll_pwait);
	ASSERT_LE(0, one);
	EXPECT_EQ(EPOLLIN, w[one].ret);

	ASSERT_EQ(0, cause(1));
	ASSERT_TRUE(waiter_returned(&w[!one], WAIT_MS));
	EXPECT_EQ(EPOLLIN, w[!one].ret);
}

TEST_HARNESS_MAIN
