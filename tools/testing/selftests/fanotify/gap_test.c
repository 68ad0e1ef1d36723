// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: marks come and go, and nothing slips through meanwhile
 *
 * A guard that fails closed denies to open a file. A child opens it again and
 * again: each time it must be denied, because the guard was asked and said so.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>

#include "marks.h"
#include "sentry.h"
#include "subject.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define OTHER_PATH DIR_PATH "/other"

/* For how long a test goes on, and how many opens there are at least */
#define RACE_MS 3000
#define MIN_OPENS 50

/**
 * struct gap - what the threads and the child share
 *
 * @sock: The guard, that asked by its @kind.
 * @other: Somebody else who has the file marked, or -1.
 * @fd: The file, and @dir: its directory, both opened with O_PATH.
 * @opens: How many opens the child has tried.
 * @stop: Ends the threads.
 * @moves: How often the marks have come and gone.
 * @error: What that failed with, or 0.
 */
struct gap {
	int sock;
	enum kind kind;
	int other;
	int fd;
	int dir;
	long opens;
	bool stop;
	long moves;
	int error;
};

/* How the marks come and go, each once: 0 or -errno */
static int move_own(struct gap *gap)
{
	__u32 mask = gap->kind == BY_FILE ? FAN_OPEN_PERM : 0;

	return set_mark(gap->sock, gap->fd, mask, FAN_CLOSE) ?:
	       set_mark(gap->sock, gap->fd, mask, FAN_CLOSE | FAN_MODIFY |
			FAN_SURVIVE_MODIFY) ?:
	       set_mark(gap->sock, gap->fd, mask, 0);
}

/* Both in one call, and in between it is not there. */
static int move_in_one_call(struct gap *gap)
{
	struct fanotify_so_inode_mark marks[] = {
		{ .fd = gap->fd, .ignored_mask = FAN_CLOSE },
		{ .fd = gap->fd },
		{ .fd = gap->fd, .ignored_mask = FAN_CLOSE },
	};

	return set_marks(gap->sock, marks, ARRAY_SIZE(marks)) ?:
	       set_mark(gap->sock, gap->fd, 0, 0);
}

/* That of the directory, of which the file is asked about */
static int move_parent(struct gap *gap)
{
	__u32 mask = FAN_OPEN_PERM | FAN_EVENT_ON_CHILD;

	if (gap->kind != BY_PARENT)
		return set_mark(gap->sock, gap->dir, 0, FAN_CLOSE) ?:
		       set_mark(gap->sock, gap->dir, 0, 0);
	return set_mark(gap->sock, gap->dir, mask, FAN_CLOSE) ?:
	       set_mark(gap->sock, gap->dir, mask | FAN_ACCESS_PERM, 0) ?:
	       set_mark(gap->sock, gap->dir, mask, 0);
}

/* Another socket that is asked first, of the file or its directory, or all */
static int move_other(struct gap *gap)
{
	return set_mark(gap->other, gap->fd, FAN_OPEN_PERM, 0) ?:
	       set_mark(gap->other, gap->fd, 0, 0);
}

static int move_other_parent(struct gap *gap)
{
	return set_mark(gap->other, gap->dir,
			FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, 0) ?:
	       set_mark(gap->other, gap->dir, 0, 0);
}

static int move_listener(struct gap *gap)
{
	int sock = global_listener(FAN_CLOSE_WRITE);

	return sock < 0 ? sock : close(sock);
}

static int move_inotify(struct gap *gap)
{
	int wd = inotify_add_watch(gap->other, FILE_PATH, IN_ALL_EVENTS);

	return wd < 0 ? -errno : result(inotify_rm_watch(gap->other, wd));
}

static int move_group(struct gap *gap)
{
	return fan_mark(gap->other, 0, FAN_OPEN, FILE_PATH) ?:
	       result(fanotify_mark(gap->other, FAN_MARK_REMOVE, FAN_OPEN,
				    AT_FDCWD, FILE_PATH));
}

static int no_other(void)
{
	return -1;
}

static int other_socket(void)
{
	return new_sentry(BY_FILE, 1, FAN_OPEN_PERM, NULL, OTHER_PATH);
}

static int other_inotify(void)
{
	return inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
}

static int other_group(void)
{
	return fan_group(FAN_CLASS_NOTIF);
}

static int other_content_group(void)
{
	return fan_group(FAN_CLASS_CONTENT);
}

FIXTURE(gap)
{
	struct gap *gap;
	struct sentry guard;
	struct sentry other;
};

FIXTURE_VARIANT(gap) {
	enum kind kind;
	int (*move)(struct gap *gap);
	int (*other)(void);
	/* It is asked as well, and allows everything. */
	bool allows;
};

#define VARIANT(name, kind_, move_, other_, allows_) \
	FIXTURE_VARIANT_ADD(gap, name) { \
		.kind = kind_, \
		.move = move_, \
		.other = other_, \
		.allows = allows_, \
	}

VARIANT(global, GLOBAL, move_own, no_other, false);
VARIANT(global_in_one_call, GLOBAL, move_in_one_call, no_other, false);
VARIANT(global_parent, GLOBAL, move_parent, no_other, false);
VARIANT(by_file, BY_FILE, move_own, no_other, false);
VARIANT(by_parent, BY_PARENT, move_parent, no_other, false);
VARIANT(by_parent_file, BY_PARENT, move_own, no_other, false);
VARIANT(other_of_global, GLOBAL, move_other, other_socket, true);
VARIANT(other_parent_of_global, GLOBAL, move_other_parent, other_socket, true);
VARIANT(other_of_by_file, BY_FILE, move_other, other_socket, true);
VARIANT(other_parent_of_by_file, BY_FILE, move_other_parent, other_socket,
	true);
VARIANT(other_of_by_parent, BY_PARENT, move_other, other_socket, true);
VARIANT(listener_of_by_file, BY_FILE, move_listener, no_other, false);
VARIANT(inotify_of_global, GLOBAL, move_inotify, other_inotify, false);
VARIANT(inotify_of_by_file, BY_FILE, move_inotify, other_inotify, false);
VARIANT(group_of_global, GLOBAL, move_group, other_group, false);
VARIANT(group_of_by_parent, BY_PARENT, move_group, other_group, false);
VARIANT(content_group_of_global, GLOBAL, move_group, other_content_group,
	false);

static __u32 judge_denying(struct sentry *sentry,
			   const struct fanotify_so_event_metadata *ev)
{
	return is_file(ev->fd, &sentry->st) ? FAN_DENY : FAN_ALLOW;
}

FIXTURE_SETUP(gap)
{
	struct gap *gap;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER_PATH, SCRIPT));
	gap = mmap(NULL, sizeof(*gap), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, gap);
	gap->kind = variant->kind;
	gap->fd = open(FILE_PATH, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, gap->fd);
	gap->dir = open(DIR_PATH, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, gap->dir);
	gap->sock = new_sentry(variant->kind, 5, FAN_OPEN_PERM, DIR_PATH,
			       FILE_PATH);
	ASSERT_LE(0, gap->sock);
	ASSERT_EQ(0, set_patient(gap->sock));
	ASSERT_EQ(0, set_u32(gap->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	self->guard.judge = judge_denying;
	ASSERT_TRUE(sentry_start(&self->guard, gap->sock, FILE_PATH));
	gap->other = variant->other();
	ASSERT_TRUE(gap->other >= 0 || variant->other == no_other);
	if (variant->allows) {
		ASSERT_EQ(0, set_patient(gap->other));
		ASSERT_TRUE(sentry_start(&self->other, gap->other, FILE_PATH));
	}
	self->gap = gap;
}

FIXTURE_TEARDOWN(gap) {}

/**
 * struct mover - a thread that has marks come and go
 * @gap: Whose, and @move: how.
 */
struct mover {
	struct gap *gap;
	int (*move)(struct gap *gap);
};

static void *mover_main(void *arg)
{
	struct mover *mover = arg;
	struct gap *gap = mover->gap;

	while (!__atomic_load_n(&gap->stop, __ATOMIC_RELAXED) && !gap->error) {
		gap->error = mover->move(gap);
		gap->moves++;
	}
	return NULL;
}

/* An exit status: 0 if each open was denied */
static int open_again_and_again(struct gap *gap)
{
	long long end = now_ms() + RACE_MS;
	long ret;

	do {
		ret = do_open(FILE_PATH);
		gap->opens++;
		if (ret != -EPERM)
			return ret ? 11 : 10;
	} while (gap->opens < MIN_OPENS || now_ms() < end);
	return 0;
}

TEST_F(gap, nothing_slips_through)
{
	struct mover mover = { .gap = self->gap, .move = variant->move };
	struct gap *gap = self->gap;
	pthread_t thread;
	pid_t child;

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(open_again_and_again(gap));
	ASSERT_EQ(0, pthread_create(&thread, NULL, mover_main, &mover));
	EXPECT_EQ(0, exit_status(child)) {
		TH_LOG("after %ld opens", gap->opens);
	}
	__atomic_store_n(&gap->stop, true, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, gap->error);
	EXPECT_LT(10, gap->moves);
	/* Nor was it denied for want of an answer. */
	EXPECT_EQ(gap->opens, sentry_about(&self->guard));
	EXPECT_EQ(0, sentry_end(&self->guard));
	if (variant->allows)
		EXPECT_EQ(0, sentry_end(&self->other));
}

TEST_HARNESS_MAIN
