// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the clock of an operation that waits stands still while
 * the kernel opens the file for the listener, on a file system that is slow to
 * do so
 */

#define _GNU_SOURCE
#include "fuse.h"
#include "rounds.h"

/* On a file system that is not slow */
#define OWN_PATH TMP "/own"

/* How long the file system lets the listener wait */
#define PERIOD_MS 2000
#define SLOW_MS (PERIOD_MS * 5 / 2)

/* The policy is FAN_DENY, so that what is allowed was answered. */
FIXTURE(clock)
{
	int sock;
	int opening;
	int go;
	pid_t server;
};

FIXTURE_SETUP(clock)
{
	struct server server = { .reading = -1 };

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/image", "text"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	server.opening = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.opening);
	server.go = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.go);
	self->opening = server.opening;
	self->go = server.go;
	self->server = start_server(&server);
	ASSERT_LT(0, self->server);

	self->sock = dir_listener(MNT, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     PERIOD_MS));
}

FIXTURE_TEARDOWN(clock)
{
	kill(self->server, SIGKILL);
}

/* Starts a task, and a reader that is held up while its event is opened. */
static bool start(struct doer *doer, struct waiter *reader, int sock,
		  int opening)
{
	struct pollfd pfd = { .fd = opening, .events = POLLIN };

	return doer_start(doer, do_open, FUSE_FILE) &&
	       waiter_run(reader, sock, wait_in_read) &&
	       poll(&pfd, 1, WAIT_MS) == 1;
}

TEST_F(clock, stands_still)
{
	struct waiter reader;
	struct doer doer;

	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	/* More than a period, of which nothing passes */
	EXPECT_FALSE(doer_returned(&doer, SLOW_MS));
	EXPECT_FALSE(waiter_returned(&reader, 0));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_LE(0, reader.ev.fd);
	EXPECT_EQ(0, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, told_timeouts(self->sock));
	close_event(&reader.ev);
}

/* And goes on then. */
TEST_F(clock, goes_on)
{
	struct waiter reader;
	struct doer doer;

	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	EXPECT_FALSE(doer_returned(&doer, SLOW_MS));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(1, told_timeouts(self->sock));
	close_event(&reader.ev);
}

/* It can be reset meanwhile, and answered by who knows the cookie. */
TEST_F(clock, answered_while_it_is_opened)
{
	struct waiter reader;
	struct doer doer;
	__u64 cookie;
	int ret;

	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	for (cookie = 1, ret = -ENOENT; cookie < 100 && ret; cookie++)
		ret = answer(self->sock, cookie, FAN_RESET_TIMEOUT);
	ASSERT_EQ(0, ret);
	cookie--;
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, cookie, FAN_ALLOW));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	EXPECT_EQ(0, doer_result(&doer));
	/* The reader had it already. */
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_EQ(cookie, reader.ev.cookie);
	EXPECT_LE(0, reader.ev.fd);
	EXPECT_EQ(-ENOENT, answer(self->sock, cookie, FAN_ALLOW));
	close_event(&reader.ev);
}

TEST_F(clock, killed_while_it_is_opened)
{
	struct waiter reader;
	struct doer doer;

	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_EQ(-ENOENT, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	close_event(&reader.ev);
}

/* Ten periods are all that there are, even so; whose fault is it then? */
TEST_F(clock, ten_periods)
{
	long long begin = now_ms();
	struct waiter reader;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_LE(10 * 500, now_ms() - begin);
	EXPECT_FALSE(waiter_returned(&reader, 0));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
	/* Not the listener's: it has not had the event. */
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(9, open_often(FUSE_FILE, 9, -EPERM));
	EXPECT_FALSE(is_evicted(self->sock));
	ASSERT_EQ(1, open_often(FUSE_FILE, 1, -EPERM));
	EXPECT_TRUE(is_evicted(self->sock));
}

/*
 * The one whose reader is held up is excused, but not for ever: a server that
 * never answers is not to have everybody wait. It is evicted meanwhile.
 */
TEST_F_TIMEOUT(clock, evicted_while_it_is_opened, 2 * EXCUSED_MS / 1000)
{
	struct fanotify_so_event_metadata ev;
	long long begin = now_ms();
	struct doer doer, other;
	struct waiter reader;
	struct stat st;

	ASSERT_EQ(0, write_file(OWN_PATH, "text"));
	ASSERT_EQ(0, stat(OWN_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, OWN_PATH, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_TRUE(start(&doer, &reader, self->sock, self->opening));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1000));
	while (!is_evicted(self->sock) && now_ms() - begin < 2 * EXCUSED_MS) {
		/* Another reader, which is not held up, but does not answer. */
		ASSERT_TRUE(doer_start(&other, do_open, OWN_PATH));
		ASSERT_EQ(0, next_event(self->sock, &st, &ev));
		close_event(&ev);
		EXPECT_EQ(-EPERM, doer_result(&other));
	}
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_LE(EXCUSED_MS, now_ms() - begin);
	/* Everybody is let go, this one too. */
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_FALSE(waiter_returned(&reader, 0));
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_EQ(-ESHUTDOWN, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	close_event(&reader.ev);
	EXPECT_EQ(-ETIMEDOUT, result(read(self->sock, &reader.ev,
					  FAN_SO_EVENT_LEN)));
	EXPECT_EQ(0, result(read(self->sock, &reader.ev, FAN_SO_EVENT_LEN)));
}

/* A read that fails with what it has opened puts the event back. */
TEST_F(clock, put_back)
{
	struct fanotify_so_event_metadata ev;
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	struct doer doer;
	struct told told;

	/* The file system is slow for the first one only. */
	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_TRUE(doer_start(&doer, do_open, FUSE_FILE));
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, sizeof(ev), 0)));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_EQ(1, told.queued);
	EXPECT_EQ(1, told.waiting);
	EXPECT_FALSE(doer_returned(&doer, 0));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	close_event(&ev);
	EXPECT_EQ(0, doer_result(&doer));
}

/* And its time runs out there. */
TEST_F(clock, put_back_and_forgotten)
{
	struct fanotify_so_event_metadata ev;
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	struct doer doer;

	ASSERT_EQ(0, eventfd_write(self->go, 1));
	ASSERT_TRUE(doer_start(&doer, do_open, FUSE_FILE));
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, sizeof(ev), 0)));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(1, told_timeouts(self->sock));
	EXPECT_EQ(0, take_event(self->sock, &ev));
}

TEST_HARNESS_MAIN
