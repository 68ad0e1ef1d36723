// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what poll() says of a listener that can answer, and whom a
 * question wakes
 */

#define _GNU_SOURCE
#include <signal.h>

#include "rounds.h"
#include "woken.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/*
 * Of this period a quarter is what it takes to wake the others, and the rest is
 * for them to be seen.
 */
#define PERIOD_MS 12000

FIXTURE(question)
{
	int sock;
	struct stat st;
	struct doer doer;
};

FIXTURE_SETUP(question)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     PERIOD_MS));
}

FIXTURE_TEARDOWN(question)
{
	close(self->sock);
}

/* Answers are taken at any time, from bind() to the end. */
TEST_F(question, poll_out)
{
	struct fanotify_so_event_metadata ev;
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	int unbound = new_socket();

	ASSERT_LE(0, unbound);
	EXPECT_EQ(POLLHUP, poll_now(unbound, POLL_ALL));
	EXPECT_EQ(0, close(unbound));

	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(POLLOUT, poll_now(self->sock, POLLOUT));
	EXPECT_EQ(POLLWRNORM, poll_now(self->sock, POLLWRNORM));
	EXPECT_EQ(0, poll_now(self->sock, POLLIN));
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	EXPECT_EQ(CAN_WRITE | CAN_READ, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	close_event(&ev);
	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->doer));
	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(CAN_READ | POLLRDHUP | POLLHUP,
		  poll_now(self->sock, POLL_ALL));
}

/* What is gone from the queue is not to be read. */
TEST_F(question, killed)
{
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };

	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	ASSERT_EQ(0, kill(self->doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&self->doer));
	EXPECT_EQ(CAN_WRITE, poll_now(self->sock, POLL_ALL));
}

/* Every way to wait is woken by a question. */
FIXTURE_SETUP(blocked)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	self->sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
}

FIXTURE_TEARDOWN(blocked)
{
	close(self->sock);
}

TEST_F(blocked, woken)
{
	struct waiter w;
	struct doer doer;

	ASSERT_TRUE(waiter_start(&w, self->sock, variant->call, variant->nr));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(variant->ret, w.ret);
	EXPECT_FALSE(doer_returned(&doer, 0));
	if (w.ret == FAN_SO_EVENT_LEN)
		close_event(&w.ev);
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, doer_result(&doer));
}

#define NWAITERS 4

static int nr_returned(struct waiter *w, int nr)
{
	int i, count = 0;

	for (i = 0; i < nr; i++)
		count += waiter_returned(&w[i], 0);
	return count;
}

/*
 * One is woken, and does nothing; when a quarter of the time is gone, all of
 * the others are.
 */
TEST_F(question, wakes_all_after_a_quarter)
{
	struct waiter w[NWAITERS];
	long long start;
	int i;

	for (i = 0; i < NWAITERS; i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock,
					 wait_in_epoll_exclusive,
					 SYS_epoll_pwait));
	start = now_ms();
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	/* It is the one that came first. */
	ASSERT_TRUE(waiter_returned(&w[0], WAIT_MS));
	EXPECT_EQ(1, nr_returned(w, NWAITERS));
	for (i = 1; i < NWAITERS; i++)
		ASSERT_TRUE(waiter_returned(&w[i], WAIT_MS));
	EXPECT_LE(PERIOD_MS / 4, now_ms() - start);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	for (i = 0; i < NWAITERS; i++)
		EXPECT_EQ(EPOLLIN, w[i].ret);
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, doer_result(&self->doer));
}

/* Among them is one that reads. */
TEST_F(question, gets_to_a_reader_after_a_quarter)
{
	struct waiter stuck, reader;
	long long start;

	ASSERT_TRUE(waiter_start(&stuck, self->sock, wait_in_epoll_exclusive,
				 SYS_epoll_pwait));
	ASSERT_TRUE(waiter_start(&reader, self->sock, wait_in_read, SYS_read));
	start = now_ms();
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_TRUE(waiter_returned(&stuck, WAIT_MS));
	EXPECT_FALSE(waiter_returned(&reader, 0));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_LE(PERIOD_MS / 4, now_ms() - start);
	ASSERT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(0, answer(self->sock, reader.ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->doer));
	close_event(&reader.ev);
}

/* An event that was taken wakes nobody else, however late the answer. */
TEST_F(question, that_was_taken_wakes_nobody)
{
	struct fanotify_so_event_metadata ev;
	struct waiter w[NWAITERS];
	int i;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 6000));
	for (i = 0; i < NWAITERS; i++)
		ASSERT_TRUE(waiter_start(&w[i], self->sock,
					 wait_in_epoll_exclusive,
					 SYS_epoll_pwait));
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_TRUE(waiter_returned(&w[0], WAIT_MS));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	close_event(&ev);
	/* All the four quarters go by. */
	EXPECT_EQ(0, doer_result(&self->doer));
	EXPECT_EQ(1, nr_returned(w, NWAITERS));
	for (i = 1; i < NWAITERS; i++)
		EXPECT_TRUE(sleeps_in(w[i].tid, SYS_epoll_pwait));
}

TEST_HARNESS_MAIN
