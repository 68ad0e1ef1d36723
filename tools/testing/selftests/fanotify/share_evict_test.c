// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: members of a group that do not answer, and those who do
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "lease.h"
#include "marks.h"
#include "policies.h"
#include "rounds.h"
#include "share.h"

#define HELD_PATH DIR_PATH "/held"

/* For events that are taken, and then time out */
#define TAKEN_MS 1500

FIXTURE(stuck)
{
	int socks[2];
	struct stat st;
};

FIXTURE_VARIANT(stuck)
{
	const struct policy *fails;
};

FIXTURE_VARIANT_ADD(stuck, fails_open) {
	.fails = &fails_open,
};

FIXTURE_VARIANT_ADD(stuck, fails_closed) {
	.fails = &fails_closed,
};

FIXTURE_SETUP(stuck)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->socks[0] = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, self->socks[0]);
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_TIMEOUT_POLICY,
			     variant->fails->policy));
	self->socks[1] = directed_member();
	ASSERT_LE(0, self->socks[1]);
}

FIXTURE_TEARDOWN(stuck)
{
	close(self->socks[0]);
	close(self->socks[1]);
}

/* An operation that this member takes, and lets time out. */
static bool let_time_out(int sock, const struct stat *st, long verdict)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	if (set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, TAKEN_MS) ||
	    !doer_start(&doer, do_open, FILE_PATH) || next_event(sock, st, &ev))
		return false;
	close_event(&ev);
	return doer_result(&doer) == verdict;
}

/* One that this member takes and answers. */
static bool let_pass(int sock, const struct stat *st)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	if (set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ||
	    !doer_start(&doer, do_open, FILE_PATH) || next_event(sock, st, &ev))
		return false;
	close_event(&ev);
	return !answer(sock, ev.cookie, FAN_ALLOW) && !doer_result(&doer);
}

/* It is evicted alone, and the others get what it had. */
TEST_F(stuck, one_of_two)
{
	struct fanotify_so_event_metadata ev;
	struct crowd crowd;
	__u64 cookies[20];
	int i;

	/* These wait for longer than it lives. */
	ASSERT_TRUE(crowd_start(&crowd, 20, do_open, FILE_PATH));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, next_event(self->socks[0], &self->st, &ev));
		close_event(&ev);
		cookies[i] = ev.cookie;
	}
	for (i = 0; i < FAN_SO_MAX_TIMEOUTS; i++) {
		EXPECT_FALSE(is_evicted(self->socks[0]));
		EXPECT_FALSE(has_event(self->socks[1]));
		ASSERT_TRUE(let_time_out(self->socks[0], &self->st,
					 variant->fails->verdict));
		/* That the other one answers is of no use to it. */
		if (i < FAN_SO_MAX_TIMEOUTS - 1)
			ASSERT_TRUE(let_pass(self->socks[1], &self->st));
	}
	EXPECT_TRUE(is_evicted(self->socks[0]));
	EXPECT_EQ(-ETIMEDOUT, take_event(self->socks[0], &ev));
	EXPECT_EQ(0, result(read(self->socks[0], &ev, sizeof(ev))));
	EXPECT_EQ(-ESHUTDOWN, answer(self->socks[0], cookies[0], FAN_DENY));
	EXPECT_EQ(-ESHUTDOWN, set_u32(self->socks[0], FANOTIFY_LINGER, 1));

	EXPECT_FALSE(is_evicted(self->socks[1]));
	EXPECT_EQ(1, shown_marks(self->socks[1]));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, next_event(self->socks[1], &self->st, &ev));
		close_event(&ev);
		EXPECT_EQ(cookies[i], ev.cookie);
		EXPECT_EQ(0, answer(self->socks[1], ev.cookie, FAN_ALLOW));
	}
	EXPECT_EQ(20, crowd_count(&crowd, 20, 0));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_TRUE(let_pass(self->socks[1], &self->st));
	/* Its end is not that of the others. */
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	EXPECT_TRUE(let_pass(self->socks[1], &self->st));
}

/* Who never reads is not at fault while somebody answers, and nor is that one. */
TEST_F(stuck, idle_beside_busy)
{
	int i;

	for (i = 0; i < 2 * FAN_SO_MAX_TIMEOUTS; i++) {
		ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
				     SHORT_MS));
		ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->fails->verdict));
		if (i % 5 == 4)
			ASSERT_TRUE(let_pass(self->socks[1], &self->st));
	}
	EXPECT_FALSE(is_evicted(self->socks[0]));
	EXPECT_FALSE(is_evicted(self->socks[1]));
}

/* Nor do the timeouts of what the others have taken count against it. */
TEST_F(stuck, idle_beside_stuck)
{
	int i;

	for (i = 0; i < FAN_SO_MAX_TIMEOUTS; i++)
		ASSERT_TRUE(let_time_out(self->socks[1], &self->st,
					 variant->fails->verdict));
	EXPECT_TRUE(is_evicted(self->socks[1]));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	EXPECT_TRUE(let_pass(self->socks[0], &self->st));
}

/*
 * Nor does what nobody can take: who can hold up the readers, with a lease for
 * example, does not get rid of a member that never reads.
 */
TEST_F(stuck, idle_beside_held_up)
{
	const int often = 2 * FAN_SO_MAX_TIMEOUTS;
	struct waiter reader;
	struct doer doer;
	int lease;

	ASSERT_EQ(0, write_file(HELD_PATH, "text"));
	lease = lease_start(HELD_PATH);
	ASSERT_LE(0, lease);
	ASSERT_TRUE(doer_start(&doer, do_open, HELD_PATH));
	ASSERT_TRUE(waiter_run(&reader, self->socks[1], wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(lease));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
			     SHORT_MS));
	EXPECT_EQ(often, open_often(FILE_PATH, often, variant->fails->verdict));
	EXPECT_FALSE(waiter_returned(&reader, 0));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	EXPECT_FALSE(is_evicted(self->socks[1]));

	ASSERT_EQ(0, lease_end(lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
	EXPECT_EQ(0, answer(self->socks[0], reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/* If another one answers for it, that is an answer. */
TEST_F(stuck, answered_for_it)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_TRUE(let_time_out(self->socks[0], &self->st,
					 variant->fails->verdict));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->socks[0], &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, answer(self->socks[1], ev.cookie, FAN_ALLOW));
	ASSERT_EQ(0, doer_result(&doer));

	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
			     SHORT_MS));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->fails->verdict));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->fails->verdict));
	EXPECT_TRUE(is_evicted(self->socks[0]));
}

/* Those that nobody has taken are everybody's, with those of one's own. */
TEST_F(stuck, own_and_unread)
{
	int i;

	for (i = 0; i < 4; i++)
		ASSERT_TRUE(let_time_out(self->socks[1], &self->st,
					 variant->fails->verdict));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
			     SHORT_MS));
	ASSERT_EQ(5, open_often(FILE_PATH, 5, variant->fails->verdict));
	EXPECT_FALSE(is_evicted(self->socks[1]));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->fails->verdict));
	EXPECT_TRUE(is_evicted(self->socks[1]));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	ASSERT_EQ(4, open_often(FILE_PATH, 4, variant->fails->verdict));
	EXPECT_TRUE(is_evicted(self->socks[0]));
}

/* If nobody answers anything, that is the end of the group. */
TEST_F(stuck, all)
{
	struct fanotify_addr addr = group_address(0);
	int sock, i;

	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_LINGER, 60));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT,
			     SHORT_MS));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->fails->verdict));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->fails->verdict));
	EXPECT_TRUE(is_evicted(self->socks[0]));
	EXPECT_TRUE(is_evicted(self->socks[1]));
	/* One that fails closed does so until its last socket is closed. */
	EXPECT_EQ(5, open_often(FILE_PATH, 5, variant->fails->verdict));
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = -1;
	EXPECT_EQ(5, open_often(FILE_PATH, 5, variant->fails->verdict));

	/* Whoever binds to the number now begins with nothing. */
	addr.priority = 5;
	sock = new_member(&addr);
	ASSERT_LE(0, sock);
	EXPECT_EQ(0, shown_marks(sock));
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));
}

/* Many that were read by one in one hiccup are one round. */
TEST_F(stuck, hiccup)
{
	struct fanotify_so_event_metadata ev;
	struct crowd crowd;
	int i;

	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT, 10000));
	ASSERT_TRUE(crowd_start(&crowd, 50, do_open, FILE_PATH));
	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, next_event(self->socks[i % 2], &self->st, &ev));
		close_event(&ev);
	}
	EXPECT_EQ(50, crowd_count(&crowd, 50, variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_FALSE(is_evicted(self->socks[0]));
	EXPECT_FALSE(is_evicted(self->socks[1]));
	EXPECT_EQ(50, told_timeouts(self->socks[0]));
}

TEST_HARNESS_MAIN
