/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a group with one member or two, on a file system of its own
 */
#ifndef FANOTIFY_TEST_SCENE_H
#define FANOTIFY_TEST_SCENE_H

#include "policies.h"
#include "share.h"
#include "task.h"

/* The two members, and those that join during the race */
#define NR_SOCKS 4

/**
 * struct scene - what a round is about
 *
 * @nr: Says which group it is, and which file system.
 * @global: It is a global listener's.
 * @same: Both threads use the same member. If there is no other, @alone.
 * @alone: There is one member.
 * @lazy: The file system is unmounted lazily.
 * @dir: Where it is mounted.
 * @mounted: It is.
 * @timeout: How long a task waits for an answer, in milliseconds.
 * @policy: What it gets then. It is answered in the opposite way.
 * @socks: The sockets; -1 for none.
 * @evicted: Which of the members was evicted.
 * @marks: How many marks there are to be in the end.
 * @notes: How many notifications there were.
 * @notes_read: How many of them were read.
 */
struct scene {
	int nr;
	bool global;
	bool same;
	bool alone;
	bool lazy;
	char dir[32];
	bool mounted;
	__u32 timeout;
	const struct policy *policy;
	int socks[NR_SOCKS];
	bool evicted[2];
	int marks;
	int notes;
	int notes_read;
};

static inline struct fanotify_addr scene_address(const struct scene *scene)
{
	struct fanotify_addr addr =
		group_address(scene->global ? FAN_GLOBAL_LISTENER |
					      FAN_OPEN_PERM : 0);

	addr.group_num = scene->nr + 1;
	return addr;
}

/* The first member says what the group is about. */
static inline void scene_bind(struct __test_metadata *_metadata,
			      struct scene *scene)
{
	struct fanotify_addr addr = scene_address(scene);
	int i, sock;

	for (i = 0; i < NR_SOCKS; i++)
		scene->socks[i] = -1;
	sock = new_member(&addr);
	ASSERT_LE(0, sock);
	scene->socks[0] = sock;
	if (!scene->alone) {
		scene->socks[1] = new_member(&addr);
		ASSERT_LE(0, scene->socks[1]);
	}
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, scene->timeout));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_TIMEOUT_POLICY,
			     scene->policy->policy));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, scene->global));
	if (scene->global)
		return;
	ASSERT_EQ(0, mark_path(sock, file_in(scene->dir, "asked"),
			       FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, mark_path(sock, file_in(scene->dir, "noted"),
			       FAN_OPEN, 0));
}

static inline void scene_mount(struct __test_metadata *_metadata,
			       struct scene *scene)
{
	snprintf(scene->dir, sizeof(scene->dir), TMP "/%d", scene->nr);
	ASSERT_EQ(0, mount("fanotify_test", scene->dir, "tmpfs", 0, NULL));
	scene->mounted = true;
	ASSERT_EQ(0, write_file(file_in(scene->dir, "asked"), "text"));
	ASSERT_EQ(0, write_file(file_in(scene->dir, "noted"), "text"));
	ASSERT_EQ(0, write_file(file_in(scene->dir, "marked"), "text"));
}

/* Nothing is left of the group to hold the file system. */
static inline void scene_unmount(struct __test_metadata *_metadata,
				 struct scene *scene)
{
	if (!scene->mounted)
		return;
	EXPECT_EQ(0, result(umount2(scene->dir, 0)));
	scene->mounted = false;
}

static inline void scene_close(struct __test_metadata *_metadata,
			       struct scene *scene)
{
	int i;

	for (i = 0; i < NR_SOCKS; i++)
		if (scene->socks[i] >= 0)
			EXPECT_EQ(0, result(close(scene->socks[i])));
}

/* With one timeout more the members are evicted. Returns how many there were. */
static inline void *scene_wear_out(void *arg)
{
	const struct scene *scene = arg;
	const char *path = file_in(scene->dir, "asked");
	long count = 0;
	int i;

	for (i = 1; i < FAN_SO_MAX_TIMEOUTS; i++)
		count += do_open(path) == scene->policy->verdict;
	return (void *)count;
}

#endif /* FANOTIFY_TEST_SCENE_H */
