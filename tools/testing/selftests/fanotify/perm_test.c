// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: an operation is asked about, allowed and denied
 */

#define _GNU_SOURCE
#include <signal.h>

#include "common.h"
#include "marks.h"
#include "perm.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define OTHER_PATH TMP "/other"

/* How a listener comes to be asked */
enum kind {
	GLOBAL,
	BY_FILE,
	BY_PARENT,
};

static int guard(enum kind kind, __u32 mask)
{
	int sock, ret;

	if (kind == GLOBAL)
		return global_listener(mask);
	if (kind == BY_PARENT)
		return dir_listener(DIR_PATH, mask);
	sock = deaf_listener();
	if (sock < 0)
		return sock;
	ret = mark_path(sock, FILE_PATH, mask, 0);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

FIXTURE(perm)
{
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(perm)
{
	enum kind kind;
	__u32 event;
	long (*call)(const char *path);
};

#define VARIANT(name, kind_, event_, call_) \
	FIXTURE_VARIANT_ADD(perm, name) { \
		.kind = kind_, \
		.event = event_, \
		.call = call_, \
	}

VARIANT(global_open, GLOBAL, FAN_OPEN_PERM, do_open);
VARIANT(global_access, GLOBAL, FAN_ACCESS_PERM, do_read);
VARIANT(global_exec, GLOBAL, FAN_OPEN_EXEC_PERM, do_exec);
VARIANT(by_file_open, BY_FILE, FAN_OPEN_PERM, do_open);
VARIANT(by_file_access, BY_FILE, FAN_ACCESS_PERM, do_read);
VARIANT(by_file_exec, BY_FILE, FAN_OPEN_EXEC_PERM, do_exec);
VARIANT(by_parent_open, BY_PARENT, FAN_OPEN_PERM, do_open);
VARIANT(by_parent_access, BY_PARENT, FAN_ACCESS_PERM, do_read);
VARIANT(by_parent_exec, BY_PARENT, FAN_OPEN_EXEC_PERM, do_exec);

FIXTURE_SETUP(perm)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = guard(variant->kind, variant->event);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
}

FIXTURE_TEARDOWN(perm) {}

TEST_F(perm, allow)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(variant->event, ev.mask);
	EXPECT_EQ(doer.pid, ev.tgid);
	EXPECT_EQ(doer.pid, ev.pid);
	EXPECT_NE(0, ev.cookie);
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	close_event(&ev);
	EXPECT_EQ(0, doer_result(&doer));
	/* It was asked once, and nothing waits. */
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
}

TEST_F(perm, deny)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(0, write_answer(self->sock, ev.cookie, FAN_DENY));
	close_event(&ev);
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(-ENOENT, write_answer(self->sock, ev.cookie, FAN_DENY));
}

TEST_F(perm, killed_before_the_read)
{
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	/* The event has gone with it. */
	EXPECT_EQ(0, only_event(self->sock, &self->st));
}

TEST_F(perm, killed_after_the_read)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
	close_event(&ev);
}

TEST_F(perm, closed)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	close(self->sock);
	EXPECT_EQ(0, doer_result(&doer));
}

TEST_F(perm, closed_by_one_that_fails_closed)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	close(self->sock);
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

TEST_F(perm, times_out)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
}

TEST_HARNESS_MAIN
