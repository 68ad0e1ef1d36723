// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: marks that are removed while somebody still waits on them
 *
 * A mark stays with its file for as long as a task that waits has a hold of it.
 * Whoever comes meanwhile is to pass it by, and not to wait for its end.
 */

#define _GNU_SOURCE
#include <sys/inotify.h>

#include "marks.h"
#include "perm.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

FIXTURE(dying)
{
	struct stat st;
	int sock;
	int inotify;
};

FIXTURE_VARIANT(dying)
{
	bool global;
};

FIXTURE_VARIANT_ADD(dying, directed)
{
	.global = false,
};

FIXTURE_VARIANT_ADD(dying, global)
{
	.global = true,
};

FIXTURE_SETUP(dying)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = variant->global ? global_listener(FAN_OPEN_PERM) :
				       deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	if (!variant->global)
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	/* Makes the directory's marks part of what is walked for its files. */
	self->inotify = inotify_init1(IN_CLOEXEC);
	ASSERT_LE(0, self->inotify);
	ASSERT_LE(0, inotify_add_watch(self->inotify, DIR_PATH, IN_ALL_EVENTS));
}

FIXTURE_TEARDOWN(dying) {}

/* A mark of the directory that does not ask about what is in it. */
TEST_F(dying, of_the_directory)
{
	struct fanotify_so_event_metadata first, second;
	struct doer doers[2];

	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0,
			       FAN_OPEN_PERM | FAN_ONDIR));
	ASSERT_TRUE(doer_start(&doers[0], do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &first));
	close_event(&first);
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0, 0));

	ASSERT_TRUE(doer_start(&doers[1], do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &second));
	close_event(&second);
	EXPECT_EQ(0, answer(self->sock, second.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doers[1]));
	EXPECT_EQ(0, answer(self->sock, first.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doers[0]));
}

/* Several of the file, each of which somebody waits on. */
TEST_F(dying, of_the_file)
{
	__u32 mask = variant->global ? 0 : FAN_OPEN_PERM;
	struct fanotify_so_event_metadata evs[4];
	struct doer doers[4];
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, mask, FAN_CLOSE));
		ASSERT_TRUE(doer_start(&doers[i], do_open, FILE_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->st, &evs[i]));
		close_event(&evs[i]);
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	}
	EXPECT_EQ(0, shown_marks(self->sock));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, answer(self->sock, evs[i].cookie,
				    i % 2 ? FAN_DENY : FAN_ALLOW));
		EXPECT_EQ(i % 2 ? -EPERM : 0, doer_result(&doers[i]));
	}
	/* A directed listener is asked no more. */
	if (!variant->global)
		EXPECT_EQ(0, do_open(FILE_PATH));
}

/* An answer to what was asked of a mark that is gone is not kept in it. */
TEST_F(dying, verdict)
{
	__u32 mask = variant->global ? 0 : FAN_OPEN_PERM;
	struct fanotify_so_event_metadata evs[3];
	struct doer doers[3];
	int i;

	/* The first answer of a group is never kept. */
	for (i = 0; i < 3; i++) {
		if (i)
			ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, mask,
					       FAN_CLOSE));
		ASSERT_TRUE(doer_start(&doers[i], do_open, FILE_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->st, &evs[i]));
		close_event(&evs[i]);
		if (!i) {
			EXPECT_EQ(0, answer(self->sock, evs[i].cookie,
					    FAN_ALLOW | FAN_CACHE));
			EXPECT_EQ(0, doer_result(&doers[i]));
			continue;
		}
		if (i == 1)
			ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	}
	EXPECT_EQ(0, answer(self->sock, evs[1].cookie, FAN_ALLOW | FAN_CACHE));
	EXPECT_EQ(0, doer_result(&doers[1]));
	/* Neither the old mark nor the new one has it. */
	EXPECT_EQ(MASKS(mask, FAN_CLOSE), shown_masks(self->sock, &self->st));
	EXPECT_EQ(0, answer(self->sock, evs[2].cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doers[2]));
	ASSERT_TRUE(doer_start(&doers[0], do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &evs[0]));
	close_event(&evs[0]);
	EXPECT_EQ(0, answer(self->sock, evs[0].cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doers[0]));
}

TEST_HARNESS_MAIN
