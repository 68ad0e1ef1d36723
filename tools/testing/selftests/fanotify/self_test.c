// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a listener that does itself what it is asked about
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>

#include "marks.h"
#include "sentry.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/* Short enough to be waited for, in milliseconds */
#define SHORT 300

#define NOTIFICATION (FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE)

FIXTURE(self)
{
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(self) {
	enum kind kind;
	__u32 event;
	long (*call)(const char *path);
};

#define VARIANT(name, kind_, event_, call_) \
	FIXTURE_VARIANT_ADD(self, name) { \
		.kind = kind_, \
		.event = event_, \
		.call = call_, \
	}

VARIANT(global_open, GLOBAL, FAN_OPEN_PERM, do_open);
VARIANT(global_read, GLOBAL, FAN_ACCESS_PERM, do_read);
VARIANT(by_file_open, BY_FILE, FAN_OPEN_PERM, do_open);
VARIANT(by_file_read, BY_FILE, FAN_ACCESS_PERM, do_read);
VARIANT(by_parent_open, BY_PARENT, FAN_OPEN_PERM, do_open_rdwr);
VARIANT(by_parent_read, BY_PARENT, FAN_ACCESS_PERM, do_read);

FIXTURE_SETUP(self)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0,
				variant->event | NOTIFICATION, DIR_PATH,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(self) {}

#define SET(option, value) \
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_##option, value))
#define CHILD_IS_ASKED() \
	EXPECT_EQ(1, asks(self->sock, &self->st, variant->call, FILE_PATH, \
			  FAN_ALLOW))

/* Nobody else reads, so the time has to run out; then it goes on as before. */
TEST_F(self, waits_for_its_own_timeout)
{
	long long start;

	SET(RESPONSE_TIMEOUT, SHORT);
	start = now_ms();
	EXPECT_EQ(0, variant->call(FILE_PATH));
	EXPECT_LE(SHORT, now_ms() - start);
	/* The question is over, and what happened then was told. */
	EXPECT_EQ(0, all_events(self->sock, &self->st) & ALL_PERM);
	SET(RESPONSE_TIMEOUT, FOREVER);
	CHILD_IS_ASKED();
}

TEST_F(self, is_denied_by_its_own_timeout)
{
	SET(RESPONSE_TIMEOUT, SHORT);
	SET(TIMEOUT_POLICY, FAN_DENY);
	EXPECT_EQ(-EPERM, variant->call(FILE_PATH));
	EXPECT_EQ(0, all_events(self->sock, &self->st) & ALL_PERM);
	SET(RESPONSE_TIMEOUT, FOREVER);
	CHILD_IS_ASKED();
}

/* The thread's @fd is not used: the call is made by name. */
static long (*waiter_does)(const char *path);

static long wait_in_call(struct waiter *w)
{
	return waiter_does(FILE_PATH);
}

/* One thread does it, and another one of the same process answers. */
TEST_F(self, asks_itself)
{
	static const __u32 responses[] = { FAN_ALLOW, FAN_DENY };
	struct fanotify_so_event_metadata ev;
	struct waiter w;
	size_t i;

	SET(RESPONSE_TIMEOUT, FOREVER);
	waiter_does = variant->call;
	for (i = 0; i < ARRAY_SIZE(responses); i++) {
		ASSERT_TRUE(waiter_run(&w, self->sock, wait_in_call));
		ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
		EXPECT_EQ(w.tid, ev.pid);
		EXPECT_EQ(getpid(), ev.tgid);
		EXPECT_FALSE(waiter_returned(&w, 0));
		close_event(&ev);
		EXPECT_EQ(0, answer(self->sock, ev.cookie, responses[i]));
		ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
		EXPECT_EQ(responses[i] == FAN_ALLOW ? 0 : -EPERM, w.ret);
		ASSERT_EQ(0, pthread_join(w.thread, NULL));
	}
}

TEST_F(self, is_not_heard)
{
	struct waiter w;

	SET(RESPONSE_TIMEOUT, FOREVER);
	SET(TIMEOUT_POLICY, FAN_DENY);
	SET(IGNORE_SELF, 1);
	EXPECT_EQ(0, variant->call(FILE_PATH));
	EXPECT_EQ(0, write_file(FILE_PATH, SCRIPT));
	EXPECT_EQ(0, own_events(self->sock));
	/* Nor is any other thread of it. */
	waiter_does = variant->call;
	ASSERT_TRUE(waiter_run(&w, self->sock, wait_in_call));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(0, w.ret);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_EQ(0, all_events(self->sock, &self->st));
	CHILD_IS_ASKED();
}

TEST_F(self, is_heard_again)
{
	struct fanotify_so_event_metadata ev;
	struct waiter w;

	SET(RESPONSE_TIMEOUT, FOREVER);
	SET(IGNORE_SELF, 1);
	EXPECT_EQ(0, variant->call(FILE_PATH));
	SET(IGNORE_SELF, 0);
	waiter_does = variant->call;
	ASSERT_TRUE(waiter_run(&w, self->sock, wait_in_call));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	/* Who has been asked about waits on. */
	SET(IGNORE_SELF, 1);
	EXPECT_EQ(0, variant->call(FILE_PATH));
	EXPECT_FALSE(waiter_returned(&w, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(-EPERM, w.ret);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
}

/* Asks itself, from another thread: 0 or an exit status. */
static int ask_self(int sock, const struct stat *st,
		    long (*call)(const char *path))
{
	struct fanotify_so_event_metadata ev;
	struct waiter w;

	waiter_does = call;
	if (!waiter_run(&w, sock, wait_in_call))
		return 20;
	if (next_question(sock, st, &ev))
		return 21;
	close_event(&ev);
	if (ev.tgid != getpid())
		return 22;
	if (answer(sock, ev.cookie, FAN_ALLOW))
		return 23;
	if (!waiter_returned(&w, WAIT_MS))
		return 24;
	pthread_join(w.thread, NULL);
	return w.ret ? 25 : 0;
}

/* A child has the socket as well, but it is another process. */
TEST_F(self, child_is_heard)
{
	pid_t child;

	SET(RESPONSE_TIMEOUT, FOREVER);
	SET(IGNORE_SELF, 1);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(ask_self(self->sock, &self->st, variant->call));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, variant->call(FILE_PATH));
	EXPECT_EQ(0, own_events(self->sock));
}

/* It is who has bound the socket, and nobody who has it otherwise. */
TEST(who_has_bound_it)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();
	struct stat st;
	int ready[2];
	pid_t child;
	char c;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (do_bind(sock, &addr) || set_patient(sock) ||
		    mark_path(sock, FILE_PATH, ALL_PERM, 0) ||
		    do_read(FILE_PATH))
			_exit(10);
		if (write(ready[1], "", 1) != 1)
			_exit(11);
		/* Even as another program it is the same process. */
		_exit(do_exec(FILE_PATH) ? 12 : 13);
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, only_event(sock, &st));

	/* Who is gone has left nobody to take its place. */
	EXPECT_EQ(0, ask_self(sock, &st, do_open));
	EXPECT_EQ(2, asks(sock, &st, do_read, FILE_PATH, FAN_ALLOW));
	EXPECT_EQ(1, get_u32(sock, FANOTIFY_IGNORE_SELF));
}

/* Two listeners, each of which guards what the other one runs */
#define ROUNDS 3

/**
 * struct pair - what the two share
 *
 * @begun: How many rounds each has begun, and @done: has done.
 * @asked: How many questions each has answered.
 */
struct pair {
	int begun[2];
	int done[2];
	int asked[2];
};

FIXTURE(pair)
{
	struct pair *pair;
};

FIXTURE_VARIANT(pair) {
	enum kind kind;
	__u32 event;
	/* A thread answers, so that the time never runs out. */
	bool threaded;
};

#define PAIR(name, kind_, event_, threaded_) \
	FIXTURE_VARIANT_ADD(pair, name) { \
		.kind = kind_, \
		.event = event_, \
		.threaded = threaded_, \
	}

PAIR(by_file, BY_FILE, FAN_OPEN_EXEC_PERM, false);
PAIR(by_file_open, BY_FILE, FAN_OPEN_PERM | FAN_ACCESS_PERM, false);
PAIR(by_parent, BY_PARENT, FAN_OPEN_EXEC_PERM, false);
PAIR(global, GLOBAL, FAN_OPEN_EXEC_PERM, false);
PAIR(by_file_threaded, BY_FILE, ALL_PERM, true);
PAIR(by_parent_threaded, BY_PARENT, FAN_OPEN_EXEC_PERM, true);
PAIR(global_threaded, GLOBAL, FAN_OPEN_PERM, true);
PAIR(global_all_threaded, GLOBAL, ALL_PERM, true);

/* What each runs: in a directory of its own. */
static const char * const own_dirs[] = { TMP "/first", TMP "/second" };
static const char * const own_files[] = {
	TMP "/first/program", TMP "/second/program",
};

FIXTURE_SETUP(pair)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mkdir(own_dirs[i], 0755));
		ASSERT_EQ(0, write_file(own_files[i], SCRIPT));
	}
	self->pair = mmap(NULL, sizeof(*self->pair), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->pair);
}

FIXTURE_TEARDOWN(pair) {}

static bool reached(int *counter, int value)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE) >= value;
}

static void reach(int *counter, int value)
{
	__atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

/* Answers, unless @threaded, until the counter has reached the value. */
static int serve(int sock, bool threaded, int *asked, int *counter, int value)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	long long end = now_ms() + WAIT_MS;
	struct fanotify_so_event_metadata ev;
	int ret;

	while (!reached(counter, value)) {
		if (now_ms() > end)
			return 30;
		if (threaded || !poll(&pfd, 1, 10)) {
			usleep(100);
			continue;
		}
		ret = take_event(sock, &ev);
		if (ret < 0)
			return 31;
		if (!ret)
			continue;
		close_event(&ev);
		ret = answer(sock, ev.cookie, FAN_ALLOW);
		if (ret && ret != -ENOENT)
			return 32;
		*asked += !ret;
	}
	return 0;
}

/* One of the two: an exit status */
static int one_of_pair(const FIXTURE_VARIANT(pair) *variant, struct pair *pair,
		       int me)
{
	struct sentry sentry = {};
	int other = !me, round, ret;
	int sock;

	sock = new_sentry(variant->kind, me, variant->event, own_dirs[other],
			  own_files[other]);
	if (sock < 0)
		return 10;
	if (set_u32(sock, FANOTIFY_IGNORE_SELF, 1) ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT,
		    variant->threaded ? FOREVER : SHORT))
		return 11;
	if (variant->threaded &&
	    !sentry_start(&sentry, sock, own_files[other]))
		return 12;
	for (round = 1; round <= ROUNDS; round++) {
		/* Both at once: neither can answer the other. */
		reach(&pair->begun[me], round);
		ret = serve(sock, true, NULL, &pair->begun[other], round);
		if (ret)
			return ret;
		if (run_file(own_files[me]))
			return 13;
		reach(&pair->done[me], round);
		ret = serve(sock, variant->threaded, &pair->asked[me],
			    &pair->done[other], round);
		if (ret)
			return ret;
	}
	if (!variant->threaded)
		return 0;
	/* Nobody is asked any more once both are here. */
	ret = sentry_end(&sentry);
	pair->asked[me] = sentry.asked;
	return ret ? 14 : 0;
}

TEST_F(pair, goes_on)
{
	pid_t pids[2];
	int i;

	for (i = 0; i < 2; i++) {
		pids[i] = fork();
		ASSERT_LE(0, pids[i]);
		if (!pids[i])
			_exit(one_of_pair(variant, self->pair, i));
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, exit_status(pids[i]));
	/* With time to answer each was asked at least once in each round. */
	for (i = 0; variant->threaded && i < 2; i++)
		EXPECT_LE(ROUNDS, self->pair->asked[i]);
}

TEST_HARNESS_MAIN
