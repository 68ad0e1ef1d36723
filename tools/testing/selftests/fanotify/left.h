/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what is left when all listeners are gone
 */
#ifndef FANOTIFY_TEST_LEFT_H
#define FANOTIFY_TEST_LEFT_H

#include "marks.h"

/* /proc/net/fanotify has nothing but the names of its columns. */
static inline bool left_no_socket(void)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	char line[256];
	bool none;

	if (!f)
		return false;
	none = fgets(line, sizeof(line), f) && !fgets(line, sizeof(line), f);
	fclose(f);
	return none;
}

/*
 * Can the user set as many marks as there can be, and no more? Those of the
 * groups that are gone are freed a little later.
 */
static inline void left_no_mark(struct __test_metadata *_metadata)
{
	long old = read_number(MAX_USER_MARKS);
	long long end = now_ms() + WAIT_MS;
	int sock = deaf_listener(), ret;

	ASSERT_LT(0, old);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, 1));
	do {
		ret = mark_path(sock, TMP "/0", FAN_OPEN, 0);
		if (ret)
			sched_yield();
	} while (ret == -ENOSPC && now_ms() < end);
	EXPECT_EQ(0, ret);
	EXPECT_EQ(-ENOSPC, mark_path(sock, TMP "/1", FAN_OPEN, 0));
	EXPECT_EQ(0, write_number(MAX_USER_MARKS, old));
	EXPECT_EQ(0, close(sock));
}

#endif /* FANOTIFY_TEST_LEFT_H */
