// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: readers that the kernel holds up, with the file of an event
 * that does not open
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "lease.h"
#include "place.h"
#include "rounds.h"
#include "waiting.h"

#define DIR_PATH TMP "/dir"
#define HELD_PATH DIR_PATH "/held"
#define FREE_PATH DIR_PATH "/free"
#define OTHER_PATH DIR_PATH "/other"

/* The same, on a file system that lies on top of another one */
#define LOWER_PATH TMP "/layers/lower/held"
#define UPPER_PATH PLACE "/held"

FIXTURE(lease)
{
	int sock;
	int lease;
	struct stat held, free;
};

FIXTURE_SETUP(lease)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(HELD_PATH, "text"));
	ASSERT_EQ(0, write_file(FREE_PATH, "text"));
	ASSERT_EQ(0, write_file(OTHER_PATH, "text"));
	ASSERT_EQ(0, stat(HELD_PATH, &self->held));
	ASSERT_EQ(0, stat(FREE_PATH, &self->free));
	self->lease = lease_start(HELD_PATH);
	ASSERT_LE(0, self->lease);
	self->sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
}

FIXTURE_TEARDOWN(lease)
{
	close(self->sock);
}

/* A question about the file with the lease has a reader held up. */
static bool hold_up(int sock, int lease, struct doer *doer,
		    struct waiter *reader)
{
	return doer_start(doer, do_open, HELD_PATH) &&
	       until_waiting(1) == 1 &&
	       waiter_run(reader, sock, wait_in_read) &&
	       lease_is_being_broken(lease);
}

/* Who can bring it about that a scanner does not answer does not get rid of it. */
TEST_F(lease, no_eviction)
{
	const int often = 2 * FAN_SO_MAX_TIMEOUTS;
	struct waiter reader;
	struct doer doer;
	struct told told;

	ASSERT_TRUE(hold_up(self->sock, self->lease, &doer, &reader));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	EXPECT_EQ(often, open_often(FREE_PATH, often, 0));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_STREQ("bound", told.state);
	EXPECT_EQ(often, told.timeouts);
	EXPECT_FALSE(waiter_returned(&reader, 0));

	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ((long)FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_TRUE(is_file(reader.ev.fd, &self->held));
	close_event(&reader.ev);
	EXPECT_EQ(0, answer(self->sock, reader.ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));

	/* Now it is its own fault again. */
	EXPECT_EQ(10, open_often(FREE_PATH, 10, 0));
	EXPECT_TRUE(is_evicted(self->sock));
}

/*
 * Not even if it was held up before there was anybody to wait for it. If that
 * counted from when the system was started, it would be no excuse any more.
 */
TEST_F(lease, no_eviction_by_an_earlier_event)
{
	const int often = 2 * FAN_SO_MAX_TIMEOUTS;
	struct waiter reader;
	struct doer doer;

	while (now_ms() <= EXCUSED_MS)
		usleep(100000);
	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, HELD_PATH));
	ASSERT_EQ(0, doer_result(&doer));
	self->lease = lease_start(HELD_PATH);
	ASSERT_LE(0, self->lease);
	ASSERT_TRUE(waiter_run(&reader, self->sock, wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(self->lease));

	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	EXPECT_EQ(often, open_often(FREE_PATH, often, 0));
	EXPECT_FALSE(is_evicted(self->sock));
	EXPECT_FALSE(waiter_returned(&reader, 0));

	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_OPEN, reader.ev.mask);
	close_event(&reader.ev);
	/* Now it is its own fault. */
	EXPECT_EQ(10, open_often(FREE_PATH, 10, 0));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* What has been read before is as hard to answer for who is held up. */
TEST_F(lease, no_eviction_for_what_was_read)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer, read;
	struct waiter reader;
	int i;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	for (i = 0; i < FAN_SO_MAX_TIMEOUTS - 1; i++)
		ASSERT_EQ(1, open_often(FREE_PATH, 1, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1000));
	ASSERT_TRUE(doer_start(&read, do_open, FREE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->free, &ev));
	close_event(&ev);
	ASSERT_TRUE(doer_start(&doer, do_open, HELD_PATH));
	ASSERT_TRUE(waiter_run(&reader, self->sock, wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(self->lease));
	EXPECT_EQ(0, doer_result(&read));
	EXPECT_FALSE(is_evicted(self->sock));

	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	close_event(&reader.ev);
	EXPECT_EQ(0, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/* Nor does one that is held up take the excuse from one who has been so before. */
TEST_F(lease, no_eviction_with_two_readers)
{
	struct doer doers[2], last;
	struct waiter readers[2];
	int leases[2], i;

	leases[0] = self->lease;
	leases[1] = lease_start(FREE_PATH);
	ASSERT_LE(0, leases[1]);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(9, open_often(OTHER_PATH, 9, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));

	/* Of one that waits for 4 s, the first takes all, the second the end. */
	ASSERT_TRUE(hold_up(self->sock, leases[0], &doers[0], &readers[0]));
	ASSERT_TRUE(doer_start(&doers[1], do_open, FREE_PATH));
	ASSERT_EQ(2, until_waiting(2));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 4000));
	ASSERT_TRUE(doer_start(&last, do_open, OTHER_PATH));
	ASSERT_EQ(3, until_waiting(3));
	EXPECT_FALSE(doer_returned(&last, 2500));
	ASSERT_TRUE(waiter_run(&readers[1], self->sock, wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(leases[1]));
	EXPECT_EQ(0, doer_result(&last));
	EXPECT_FALSE(is_evicted(self->sock));

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, lease_end(leases[i]));
		ASSERT_TRUE(waiter_returned(&readers[i], WAIT_MS));
		close_event(&readers[i].ev);
		EXPECT_EQ(0, answer(self->sock, readers[i].ev.cookie,
				    FAN_ALLOW));
		EXPECT_EQ(0, doer_result(&doers[i]));
	}
}

static void do_nothing(int sig)
{
}

/* Has the reader begin its call again, all the time, until it returns. */
static void *interrupt(void *arg)
{
	struct waiter *reader = arg;

	while (!waiter_returned(reader, 1))
		syscall(SYS_tgkill, getpid(), reader->tid, SIGUSR1);
	return NULL;
}

/* Each time it is held up, and held up by the same open. */
TEST_F(lease, no_eviction_with_signals)
{
	struct sigaction act = {
		.sa_handler = do_nothing,
		.sa_flags = SA_RESTART,
	};
	struct waiter reader;
	pthread_t thread;
	struct doer doer;

	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_TRUE(hold_up(self->sock, self->lease, &doer, &reader));
	ASSERT_EQ(0, pthread_create(&thread, NULL, interrupt, &reader));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	EXPECT_EQ(10, open_often(FREE_PATH, 10, 0));
	EXPECT_FALSE(is_evicted(self->sock));

	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ((long)FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
	EXPECT_EQ(0, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/* A reader that stays away for another reason is not excused by a read. */
TEST_F(lease, eviction_after_it)
{
	struct waiter reader;
	struct doer doer;

	ASSERT_TRUE(hold_up(self->sock, self->lease, &doer, &reader));
	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	close_event(&reader.ev);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	EXPECT_EQ(10, open_often(FREE_PATH, 10, 0));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(0, doer_result(&doer));
}

/* Who can be answered now is not kept waiting by the next event's file. */
TEST_F(lease, left_for_the_next_read)
{
	struct fanotify_so_event_metadata ev[2];
	struct doer first, second;

	ASSERT_TRUE(doer_start(&first, do_open, FREE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_TRUE(doer_start(&second, do_open, HELD_PATH));
	ASSERT_EQ(2, until_waiting(2));
	ASSERT_EQ((long)sizeof(ev[0]), result(recv(self->sock, ev, sizeof(ev),
						   0)));
	EXPECT_TRUE(is_file(ev[0].fd, &self->free));
	close_event(&ev[0]);
	EXPECT_EQ(0, answer(self->sock, ev[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&first));

	ASSERT_EQ(0, lease_end(self->lease));
	ASSERT_EQ(0, next_event(self->sock, &self->held, &ev[0]));
	close_event(&ev[0]);
	EXPECT_EQ(0, answer(self->sock, ev[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&second));
}

/* That the lease is on the file below makes no difference. */
TEST(left_for_the_next_read_on_top)
{
	static const char * const names[] = { "held", NULL };
	struct fanotify_so_event_metadata ev[2];
	struct doer first, second;
	struct stat st;
	int sock, lease;

	make_place(_metadata, ON_OVERLAY_OF_EXT4, names, "text");
	ASSERT_EQ(0, write_file(TMP "/free", "text"));
	ASSERT_EQ(0, stat(TMP "/free", &st));
	lease = lease_start(LOWER_PATH);
	ASSERT_LE(0, lease);
	sock = new_listener(0, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, TMP "/free", FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, mark_path(sock, UPPER_PATH, FAN_OPEN_PERM, 0));
	ASSERT_TRUE(doer_start(&first, do_open, TMP "/free"));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_TRUE(doer_start(&second, do_open, UPPER_PATH));
	ASSERT_EQ(2, until_waiting(2));
	ASSERT_EQ((long)sizeof(ev[0]), result(recv(sock, ev, sizeof(ev), 0)));
	EXPECT_TRUE(is_file(ev[0].fd, &st));
	close_event(&ev[0]);
	EXPECT_EQ(0, answer(sock, ev[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&first));

	ASSERT_EQ(0, lease_end(lease));
	ASSERT_EQ(1, take_event(sock, &ev[0]));
	close_event(&ev[0]);
	EXPECT_EQ(0, answer(sock, ev[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&second));
}

/* Who does not want to wait for it is told. */
TEST_F(lease, nonblock)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_NONBLOCK |
					       O_CLOEXEC);
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(0, close(self->sock));
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, mark_path(self->sock, HELD_PATH, FAN_OPEN_PERM, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, HELD_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(-EAGAIN, ev.fd);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

TEST_HARNESS_MAIN
