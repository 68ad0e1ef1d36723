// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who guards a subtree, alone or with others, and what is not
 * known to be in it
 */

#define _GNU_SOURCE
#include "policies.h"
#include "rounds.h"
#include "sentry.h"
#include "share.h"
#include "subtree.h"

#define SHALLOW TREE "/file"
#define INNER TREE "/dir"
#define DEEP INNER "/sub/file"
#define OUTSIDE BESIDE "/file"

#define PERM (FAN_OPEN_PERM | FAN_ACCESS_PERM)

static void make_files(struct __test_metadata *_metadata, enum place place)
{
	make_tree(_metadata, place);
	ASSERT_EQ(0, mkdir(INNER, 0755));
	ASSERT_EQ(0, mkdir(INNER "/sub", 0755));
	ASSERT_EQ(0, write_file(SHALLOW, SCRIPT));
	ASSERT_EQ(0, write_file(DEEP, SCRIPT));
	ASSERT_EQ(0, write_file(OUTSIDE, SCRIPT));
}

/* A listener that is asked about everything in a tree */
FIXTURE(guard)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(guard) {
	enum place place;
};

FIXTURE_VARIANT_ADD(guard, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(guard, ext4) {
	.place = ON_EXT4,
};

FIXTURE_VARIANT_ADD(guard, overlay) {
	.place = ON_OVERLAY_OF_EXT4,
};

FIXTURE_SETUP(guard)
{
	make_files(_metadata, variant->place);
	ASSERT_EQ(0, stat(DEEP, &self->st));
	self->sock = subtree_listener(PERM, 0);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
}

FIXTURE_TEARDOWN(guard)
{
	close(self->sock);
}

/* How often is it asked about the file, if somebody reads it? Or -errno. */
static int asked_of_read(int sock, const char *path, __u32 response)
{
	struct stat st;

	return stat(path, &st) ? -errno :
	       asks(sock, &st, do_read, path, response);
}

TEST_F(guard, allows)
{
	EXPECT_EQ(2, asked_of_read(self->sock, SHALLOW, FAN_ALLOW));
	EXPECT_EQ(2, asked_of_read(self->sock, DEEP, FAN_ALLOW));
	EXPECT_EQ(0, asked_of_read(self->sock, OUTSIDE, FAN_DENY));
}

TEST_F(guard, denies)
{
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, SHALLOW, FAN_DENY));
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, DEEP, FAN_DENY));
	EXPECT_EQ(0, asked_of_read(self->sock, OUTSIDE, FAN_DENY));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_ACCESS_PERM, 0));
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, DEEP, FAN_DENY));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_OPEN_EXEC_PERM, 0));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	EXPECT_EQ(-EPERM, asks(self->sock, &self->st, do_exec, DEEP, FAN_DENY));
	EXPECT_EQ(1, asks(self->sock, &self->st, do_exec, DEEP, FAN_ALLOW));
}

/* As it is when it is opened, and read: not as it was. */
TEST_F(guard, moved)
{
	ASSERT_EQ(0, rename(INNER, BESIDE "/dir"));
	EXPECT_EQ(0, asked_of_read(self->sock, BESIDE "/dir/sub/file",
				   FAN_DENY));
	ASSERT_EQ(0, rename(BESIDE "/dir", TREE "/other"));
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, TREE "/other/sub/file",
					FAN_DENY));
	ASSERT_EQ(0, rename(OUTSIDE, TREE "/other/in"));
	EXPECT_EQ(2, asked_of_read(self->sock, TREE "/other/in", FAN_ALLOW));
}

static long do_list(const char *path)
{
	return list_dir(path);
}

TEST_F(guard, directories)
{
	struct stat st;

	ASSERT_EQ(0, stat(INNER, &st));
	EXPECT_EQ(0, asks(self->sock, &st, do_list, INNER, FAN_DENY));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, PERM | FAN_ONDIR, 0));
	EXPECT_EQ(2, asks(self->sock, &st, do_list, INNER, FAN_ALLOW));
	EXPECT_EQ(-EPERM, asks(self->sock, &st, do_list, INNER, FAN_DENY));
	ASSERT_EQ(0, stat(TREE, &st));
	EXPECT_EQ(-EPERM, asks(self->sock, &st, do_list, TREE, FAN_DENY));
	ASSERT_EQ(0, stat(PLACE, &st));
	EXPECT_EQ(0, asks(self->sock, &st, do_list, PLACE, FAN_DENY));
}

/* A part that is not to be asked about */
TEST_F(guard, ignored)
{
	ASSERT_EQ(0, mark_subtree(self->sock, INNER, 0, PERM));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, SHALLOW, FAN_DENY));
	ASSERT_EQ(0, mark_subtree(self->sock, INNER, 0, FAN_OPEN_PERM));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, FAN_ALLOW));
	ASSERT_EQ(0, mark_subtree(self->sock, INNER, 0, 0));
	EXPECT_EQ(2, asked_of_read(self->sock, DEEP, FAN_ALLOW));
}

/* A part that is to be asked about in addition */
TEST_F(guard, nested)
{
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_MODIFY, 0));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	ASSERT_EQ(0, mark_subtree(self->sock, INNER, FAN_ACCESS_PERM, 0));
	EXPECT_EQ(0, asked_of_read(self->sock, SHALLOW, FAN_DENY));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, FAN_ALLOW));
	ASSERT_EQ(0, mark_subtree(self->sock, INNER "/sub", FAN_OPEN_PERM,
				  0));
	EXPECT_EQ(2, asked_of_read(self->sock, DEEP, FAN_ALLOW));
	ASSERT_EQ(0, mark_subtree(self->sock, INNER, 0, 0));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, FAN_ALLOW));
}

static void check_policy(struct __test_metadata *_metadata, int sock,
			 const struct policy *fails)
{
	struct doer doer;

	ASSERT_EQ(0, set_u32(sock, FANOTIFY_TIMEOUT_POLICY, fails->policy));
	/* It takes no time to find out that nobody answers. */
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(fails->verdict, doer_result(&doer));
	ASSERT_TRUE(doer_start(&doer, do_open, OUTSIDE));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(1, told_timeouts(sock));
	/* Who waits when the listener goes */
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FOREVER));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_FALSE(doer_returned(&doer, 100));
	ASSERT_EQ(0, shutdown(sock, SHUT_RDWR));
	EXPECT_EQ(fails->verdict, doer_result(&doer));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
}

TEST_F(guard, fails_open)
{
	check_policy(_metadata, self->sock, &fails_open);
}

TEST_F(guard, fails_closed)
{
	check_policy(_metadata, self->sock, &fails_closed);
}

/* Who was slow on purpose, and denies for it, does so in the tree only. */
TEST_F(guard, evicted)
{
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	EXPECT_EQ(FAN_SO_MAX_TIMEOUTS,
		  open_often(DEEP, FAN_SO_MAX_TIMEOUTS, -EPERM));
	ASSERT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(5, open_often(DEEP, 5, -EPERM));
	EXPECT_EQ(5, open_often(SHALLOW, 5, -EPERM));
	EXPECT_EQ(5, open_often(OUTSIDE, 5, 0));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(5, open_often(DEEP, 5, 0));
}

/* A verdict is kept for the file, until it is another one. */
TEST_F(guard, cache)
{
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_OPEN_PERM, 0));
	/* The first one in its life is not kept. */
	EXPECT_EQ(1, asked_of_read(self->sock, SHALLOW, KEEP));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, KEEP));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	EXPECT_EQ(1, asked_of_read(self->sock, SHALLOW, KEEP));
	EXPECT_EQ(0, asked_of_read(self->sock, SHALLOW, FAN_DENY));

	/* By whatever name it is modified */
	ASSERT_EQ(0, link(DEEP, BESIDE "/link"));
	ASSERT_EQ(0, write_file(BESIDE "/link", SCRIPT));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, KEEP));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
	ASSERT_EQ(0, result(setsockopt(self->sock, SOL_FANOTIFY,
				       FANOTIFY_FORGET, NULL, 0)));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, KEEP));
	EXPECT_EQ(-EPERM, asked_of_read(self->sock, SHALLOW, FAN_DENY));
}

/* It goes with what is asked about, and comes again with that. */
TEST_F(guard, cache_and_moved)
{
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_OPEN_PERM, 0));
	EXPECT_EQ(1, asked_of_read(self->sock, SHALLOW, KEEP));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, KEEP));
	ASSERT_EQ(0, rename(INNER, BESIDE "/dir"));
	EXPECT_EQ(0, asked_of_read(self->sock, BESIDE "/dir/sub/file",
				   FAN_DENY));
	ASSERT_EQ(0, write_file(BESIDE "/dir/sub/file", SCRIPT));
	ASSERT_EQ(0, rename(BESIDE "/dir", INNER));
	EXPECT_EQ(1, asked_of_read(self->sock, DEEP, KEEP));
	EXPECT_EQ(0, asked_of_read(self->sock, DEEP, FAN_DENY));
}

/* Several processes, one of which may be killed, guard one tree. */
FIXTURE(shared)
{
	struct fanotify_addr addr;
	int socks[2];
	struct stat st;
};

FIXTURE_SETUP(shared)
{
	int i;

	make_files(_metadata, ON_TMPFS);
	ASSERT_EQ(0, stat(DEEP, &self->st));
	self->addr = group_address(0);
	for (i = 0; i < 2; i++) {
		self->socks[i] = new_member(&self->addr);
		ASSERT_LE(0, self->socks[i]);
	}
	ASSERT_EQ(0, set_patient(self->socks[0]));
}

FIXTURE_TEARDOWN(shared)
{
	close(self->socks[0]);
	close(self->socks[1]);
}

/* Their marks are those of all. */
TEST_F(shared, marks)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int i;

	ASSERT_EQ(0, mark_subtree(self->socks[0], TREE, FAN_OPEN_PERM, 0));
	EXPECT_EQ(MASKS(FAN_OPEN_PERM, 0),
		  scope_masks(self->socks[1], FAN_ON_SUBTREE, TREE));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
		ASSERT_EQ(0, next_event(self->socks[i], &self->st, &ev));
		close_event(&ev);
		EXPECT_FALSE(has_event(self->socks[!i]));
		EXPECT_EQ(0, answer(self->socks[!i], ev.cookie, FAN_DENY));
		EXPECT_EQ(-EPERM, doer_result(&doer));
	}
	ASSERT_EQ(0, mark_subtree(self->socks[1], INNER, 0, FAN_OPEN_PERM));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
	/* They do not go with the member that has set them. */
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = -1;
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_EQ(0, mark_subtree(self->socks[0], INNER, 0, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	ASSERT_EQ(0, next_event(self->socks[0], &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->socks[0], ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/* What a member has taken is the others', if it goes. */
TEST_F(shared, handed_on)
{
	struct fanotify_so_event_metadata ev, again;
	struct doer doer;

	ASSERT_EQ(0, mark_subtree(self->socks[0], TREE, FAN_OPEN_PERM, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	ASSERT_EQ(0, next_event(self->socks[0], &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	ASSERT_EQ(0, next_event(self->socks[1], &self->st, &again));
	close_event(&again);
	EXPECT_EQ(ev.cookie, again.cookie);
	EXPECT_EQ(0, answer(self->socks[1], ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* While nobody is there, the tree is guarded, and nothing else is. */
TEST_F(shared, linger)
{
	struct fanotify_so_event_metadata ev;
	struct doer inside, outside;

	ASSERT_EQ(0, mark_subtree(self->socks[0], TREE, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_LINGER,
			     FAN_SO_MAX_LINGER));
	ASSERT_EQ(0, close(self->socks[0]));
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = -1;
	ASSERT_TRUE(doer_start(&inside, do_open, DEEP));
	ASSERT_TRUE(doer_start(&outside, do_open, OUTSIDE));
	EXPECT_EQ(0, doer_result(&outside));
	EXPECT_FALSE(doer_returned(&inside, 100));
	self->socks[0] = new_member(&self->addr);
	ASSERT_LE(0, self->socks[0]);
	EXPECT_EQ(MASKS(FAN_OPEN_PERM, 0),
		  scope_masks(self->socks[0], FAN_ON_SUBTREE, TREE));
	ASSERT_EQ(0, next_event(self->socks[0], &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->socks[0], ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&inside));
	/* To set it again changes nothing. */
	ASSERT_EQ(0, mark_subtree(self->socks[0], TREE, FAN_OPEN_PERM, 0));
	EXPECT_EQ(1, all_marks(self->socks[0]));
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_LINGER, 0));
}

TEST_HARNESS_MAIN
