// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a kernel without CONFIG_FANOTIFY_ACCESS_PERMISSIONS knows
 * no permission events, and says so
 */

#define _GNU_SOURCE
#include "common.h"
#include "marks.h"
#include "perm.h"

#define FILE_PATH TMP "/file"

static const __u32 bits[] = { FAN_OPEN_PERM, FAN_ACCESS_PERM,
			      FAN_OPEN_EXEC_PERM };

FIXTURE(noperm)
{
	int sock;
};

FIXTURE_VARIANT(noperm)
{
	__u32 mask;
};

FIXTURE_VARIANT_ADD(noperm, directed)
{
	.mask = 0,
};

FIXTURE_VARIANT_ADD(noperm, global)
{
	.mask = FAN_GLOBAL_LISTENER | FAN_OPEN,
};

FIXTURE_SETUP(noperm)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	self->sock = new_listener(variant->mask, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(noperm)
{
	close(self->sock);
}

TEST(no_address_with_them)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		EXPECT_EQ(-EINVAL, global_listener(bits[i]));
		EXPECT_EQ(-EINVAL, global_listener(bits[i] | FAN_OPEN));
	}
}

TEST_F(noperm, marks)
{
	struct fanotify_so_sb sb = { .magic = 0x01021994 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		EXPECT_EQ(-EINVAL, mark_path(self->sock, FILE_PATH, bits[i], 0));
		EXPECT_EQ(-EINVAL, mark_path(self->sock, FILE_PATH, 0, bits[i]));
		EXPECT_EQ(-EINVAL, mark_path(self->sock, FILE_PATH, 0,
					     FAN_OPEN | bits[i]));
		sb.mask = bits[i];
		EXPECT_EQ(-EINVAL, result(setsockopt(self->sock, SOL_FANOTIFY,
						     FANOTIFY_IGNORE_SB, &sb,
						     sizeof(sb))));
	}
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* There is nothing to answer, which is not to say that the options are not. */
TEST_F(noperm, options)
{
	EXPECT_EQ(-ENOENT, answer(self->sock, 1, FAN_ALLOW));
	EXPECT_EQ(-ENOENT, write_answer(self->sock, 1, FAN_DENY));
	EXPECT_EQ(FAN_SO_DEFAULT_TIMEOUT,
		  get_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT));
	EXPECT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	EXPECT_EQ(FAN_DENY, get_u32(self->sock, FANOTIFY_TIMEOUT_POLICY));
	EXPECT_EQ(0, result(setsockopt(self->sock, SOL_FANOTIFY,
				       FANOTIFY_FORGET, NULL, 0)));
}

/* Nobody waits. */
TEST_F(noperm, notification)
{
	struct stat st;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	if (!variant->mask)
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
}

TEST_HARNESS_MAIN
