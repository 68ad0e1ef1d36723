// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: which of the members of a group gets an event, and what
 * becomes of it if that one goes
 *
 * Those who wait do so for ever, unless the test is about their time, so that it
 * is never the clock that has let somebody go.
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "fuse.h"
#include "lease.h"
#include "rounds.h"
#include "share.h"
#include "waiting.h"

#define HELD_PATH DIR_PATH "/held"

/* How many of them a member has read when it goes */
#define NR_READ 150

FIXTURE(share)
{
	int socks[2];
	struct stat st;
};

FIXTURE_SETUP(share)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, write_file(HELD_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->socks[0] = first_member(FAN_OPEN_PERM | FAN_MODIFY);
	ASSERT_LE(0, self->socks[0]);
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_IGNORE_SELF, 1));
	self->socks[1] = directed_member();
	ASSERT_LE(0, self->socks[1]);
}

FIXTURE_TEARDOWN(share)
{
	close(self->socks[0]);
	close(self->socks[1]);
}

/* The operations that wait for this group */
static long waiting(int sock)
{
	struct told told;

	return tell(sock, &told) ?: (long)told.waiting;
}

static bool until_group_has(int sock, long nr)
{
	long long end = now_ms() + WAIT_MS;

	while (waiting(sock) != nr && now_ms() < end)
		usleep(1000);
	return waiting(sock) == nr;
}

/* Reads one permission event, without waiting. Its cookie, or 0. */
static __u64 take_cookie(int sock)
{
	struct fanotify_so_event_metadata ev;

	if (take_event(sock, &ev) != 1)
		return 0;
	close_event(&ev);
	return ev.cookie;
}

/* Any of them can answer, but only once. */
TEST_F(share, any_answers)
{
	struct doer doer;
	__u64 cookie;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_TRUE(until_group_has(self->socks[0], 1));
		cookie = take_cookie(self->socks[i]);
		ASSERT_NE(0, cookie);
		EXPECT_FALSE(has_event(self->socks[!i]));
		EXPECT_EQ(0, answer(self->socks[!i], cookie, FAN_DENY));
		EXPECT_EQ(-ENOENT, answer(self->socks[i], cookie, FAN_ALLOW));
		EXPECT_EQ(-EPERM, doer_result(&doer));
	}
}

/* Nor need it have been read. */
TEST_F(share, answers_for_the_other)
{
	struct doer doer;
	__u64 cookie;

	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_TRUE(until_group_has(self->socks[0], 1));
	cookie = take_cookie(self->socks[0]);
	ASSERT_NE(0, cookie);
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	EXPECT_TRUE(has_event(self->socks[1]));
	EXPECT_EQ(0, answer(self->socks[1], cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_FALSE(has_event(self->socks[1]));
	EXPECT_EQ(-ENOENT, answer(self->socks[1], cookie, FAN_DENY));
}

/* How a member goes */
static void by_close(int sock)
{
	close(sock);
}

static void by_shutdown(int sock)
{
	shutdown(sock, SHUT_RDWR);
}

FIXTURE(go)
{
	int socks[2];
	struct crowd crowd;
};

FIXTURE_VARIANT(go)
{
	void (*go)(int sock);
};

FIXTURE_VARIANT_ADD(go, closed) {
	.go = by_close,
};

FIXTURE_VARIANT_ADD(go, shut_down) {
	.go = by_shutdown,
};

FIXTURE_SETUP(go)
{
	make_shared_dir(_metadata);
	self->socks[0] = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, self->socks[0]);
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_IGNORE_SELF, 1));
	self->socks[1] = directed_member();
	ASSERT_LE(0, self->socks[1]);
	ASSERT_TRUE(crowd_start(&self->crowd, NR_READ + 50, do_open, FILE_PATH));
	ASSERT_TRUE(until_group_has(self->socks[1], NR_READ + 50));
}

FIXTURE_TEARDOWN(go) {}

/* What it had not answered comes first, and in the order it has waited in. */
TEST_F(go, hands_on_in_order)
{
	__u64 cookies[NR_READ], last = 0;
	int i;

	for (i = 0; i < NR_READ; i++) {
		cookies[i] = take_cookie(self->socks[0]);
		ASSERT_LT(last, cookies[i]);
		last = cookies[i];
	}
	/* Some have an answer already. */
	for (i = 0; i < NR_READ; i += 3)
		ASSERT_EQ(0, answer(self->socks[0], cookies[i], FAN_DENY));
	EXPECT_EQ(50, crowd_count(&self->crowd, 50, -EPERM));
	variant->go(self->socks[0]);
	last = 0;
	for (i = 0; i < NR_READ; i++) {
		if (i % 3)
			EXPECT_EQ(cookies[i], take_cookie(self->socks[1]));
	}
	for (i = 0; i < 50; i++) {
		__u64 cookie = take_cookie(self->socks[1]);

		ASSERT_LT(cookies[NR_READ - 1], cookie);
		ASSERT_EQ(0, answer(self->socks[1], cookie, FAN_ALLOW));
	}
	EXPECT_EQ(0, take_cookie(self->socks[1]));
	EXPECT_EQ(50, crowd_count(&self->crowd, 50, 0));
	EXPECT_TRUE(crowd_waits(&self->crowd));
	for (i = 0; i < NR_READ; i++) {
		if (i % 3)
			ASSERT_EQ(0, answer(self->socks[1], cookies[i],
					    FAN_ALLOW));
	}
	EXPECT_EQ(100, crowd_count(&self->crowd, 100, 0));
	EXPECT_EQ(0, crowd_end(&self->crowd));
}

/* With the last one everybody is let go. */
TEST_F(go, last)
{
	int i;

	for (i = 0; i < NR_READ; i++)
		ASSERT_NE(0, take_cookie(self->socks[i % 2]));
	variant->go(self->socks[0]);
	EXPECT_TRUE(crowd_waits(&self->crowd));
	variant->go(self->socks[1]);
	EXPECT_EQ(NR_READ + 50, crowd_count(&self->crowd, NR_READ + 50, 0));
	EXPECT_EQ(0, crowd_end(&self->crowd));
}

static void read_all(int sock, void *arg)
{
	struct fanotify_so_event_metadata ev;

	while (read(sock, &ev, sizeof(ev)) == sizeof(ev))
		close_event(&ev);
}

static bool until_empty(int sock)
{
	long long end = now_ms() + WAIT_MS;

	while (has_event(sock) && now_ms() < end)
		usleep(1000);
	return !has_event(sock);
}

/* That it is killed makes no difference. */
TEST_F(share, killed)
{
	struct fanotify_addr addr = group_address(0);
	struct crowd crowd;
	pid_t reader;
	int i;

	ASSERT_TRUE(crowd_start(&crowd, NR_READ, do_open, FILE_PATH));
	ASSERT_TRUE(until_group_has(self->socks[0], NR_READ));
	reader = member_process(&addr, read_all, NULL);
	ASSERT_LT(0, reader);
	ASSERT_TRUE(until_empty(self->socks[0]));
	ASSERT_EQ(0, kill(reader, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(reader));
	for (i = 0; i < NR_READ; i++) {
		__u64 cookie = take_cookie(self->socks[i % 2]);

		ASSERT_NE(0, cookie);
		ASSERT_EQ(0, answer(self->socks[0], cookie, FAN_DENY));
	}
	EXPECT_EQ(NR_READ, crowd_count(&crowd, NR_READ, -EPERM));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_EQ(0, told_timeouts(self->socks[0]));
}

/* The time that the first had it in its hands counts. */
TEST_F(share, keeps_the_clock)
{
	long long start;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_RESPONSE_TIMEOUT, 8000));
	start = now_ms();
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_TRUE(until_group_has(self->socks[0], 1));
	ASSERT_NE(0, take_cookie(self->socks[0]));
	EXPECT_FALSE(doer_returned(&doer, 4000));
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	ASSERT_NE(0, take_cookie(self->socks[1]));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_LE(8000, now_ms() - start);
	EXPECT_GT(11500, now_ms() - start);
	EXPECT_EQ(1, told_timeouts(self->socks[1]));
}

/* A reader that is held up brings home what is not its member's any more. */
TEST_F(share, reader_underway)
{
	struct fanotify_so_event_metadata ev;
	struct waiter reader;
	struct stat held;
	struct doer doer;
	int lease;

	ASSERT_EQ(0, stat(HELD_PATH, &held));
	lease = lease_start(HELD_PATH);
	ASSERT_LE(0, lease);
	/* No signal, though ignored, has the reader begin its read() again. */
	ASSERT_EQ(0, fcntl(lease, F_SETOWN, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, HELD_PATH));
	ASSERT_TRUE(until_group_has(self->socks[0], 1));
	ASSERT_TRUE(waiter_run(&reader, self->socks[0], wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(lease));
	ASSERT_EQ(0, shutdown(self->socks[0], SHUT_RDWR));
	EXPECT_FALSE(has_event(self->socks[1]));
	ASSERT_EQ(0, lease_end(lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ((long)FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
	EXPECT_EQ(-ESHUTDOWN, answer(self->socks[0], reader.ev.cookie,
				     FAN_DENY));
	ASSERT_EQ(0, next_event(self->socks[1], &held, &ev));
	close_event(&ev);
	EXPECT_EQ(reader.ev.cookie, ev.cookie);
	EXPECT_EQ(0, answer(self->socks[1], ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/*
 * A member is killed while the kernel opens a file for it, which goes well in
 * the end: what it would have read is for the others, be it only a notification.
 */
TEST_F(share, killed_in_an_open)
{
	struct fanotify_addr addr = group_address(0);
	struct server server = {
		.image = open(HELD_PATH, O_RDONLY | O_CLOEXEC),
		.reading = -1,
		.opening = eventfd(0, EFD_CLOEXEC),
		.before = 1,
		.go = eventfd(0, EFD_CLOEXEC),
	};
	struct pollfd pfd = { .fd = server.opening, .events = POLLIN };
	struct fanotify_so_event_metadata ev;
	pid_t reader, served;
	struct doer doer;
	struct stat st;

	ASSERT_LE(0, server.image);
	ASSERT_LE(0, server.opening);
	ASSERT_LE(0, server.go);
	served = start_server(&server);
	ASSERT_LT(0, served);
	ASSERT_EQ(0, stat(FUSE_FILE, &st));
	ASSERT_EQ(0, mark_path(self->socks[0], FUSE_FILE, FAN_OPEN, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, FUSE_FILE));
	ASSERT_EQ(0, doer_result(&doer));

	reader = member_process(&addr, read_all, NULL);
	ASSERT_LT(0, reader);
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	ASSERT_EQ(0, kill(reader, SIGKILL));
	ASSERT_EQ(0, eventfd_write(server.go, 1));
	ASSERT_EQ(-SIGKILL, exit_status(reader));
	ASSERT_EQ(0, next_event(self->socks[1], &st, &ev));
	EXPECT_EQ(FAN_OPEN, ev.mask);
	close_event(&ev);
	ASSERT_EQ(0, kill(served, SIGKILL));
}

/* How often has this thread gone to sleep? */
static long nr_sleeps(pid_t tid)
{
	char path[64], line[256];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "re");
	while (f && nr < 0 && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %ld", &nr);
	if (f)
		fclose(f);
	return nr;
}

/* Of those who wait in a read one is woken, and gets it. */
TEST_F(share, one_reader_wakes)
{
	struct waiter readers[4];
	long slept[4];
	struct doer doer;
	int i, n, woken;

	for (i = 0; i < 4; i++)
		ASSERT_TRUE(waiter_start(&readers[i], self->socks[i % 2],
					 wait_in_read, SYS_read));
	for (n = 0; n < 4; n++) {
		for (i = n; i < 4; i++)
			ASSERT_LT(0, slept[i] = nr_sleeps(readers[i].tid));
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		/* It is the one that came first. */
		ASSERT_TRUE(waiter_returned(&readers[n], WAIT_MS));
		close_event(&readers[n].ev);
		for (woken = 0, i = n + 1; i < 4; i++) {
			ASSERT_TRUE(sleeps_in(readers[i].tid, SYS_read));
			woken += nr_sleeps(readers[i].tid) != slept[i];
		}
		EXPECT_EQ(0, woken);
		ASSERT_EQ(0, answer(self->socks[0], readers[n].ev.cookie,
				    FAN_ALLOW));
		EXPECT_EQ(0, doer_result(&doer));
	}
}

/* One that is stopped gets nothing, and keeps nothing from the others. */
TEST_F(share, stopped_member)
{
	struct fanotify_addr addr = group_address(0);
	struct fanotify_so_event_metadata ev;
	pid_t reader = member_process(&addr, read_all, NULL);
	struct doer doer;
	int i, status;

	ASSERT_LT(0, reader);
	ASSERT_TRUE(sleeps_in(reader, SYS_read));
	ASSERT_EQ(0, kill(reader, SIGSTOP));
	ASSERT_EQ(reader, waitpid(reader, &status, WUNTRACED));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(0, next_event(self->socks[i % 2], &self->st, &ev));
		close_event(&ev);
		EXPECT_EQ(0, answer(self->socks[0], ev.cookie, FAN_ALLOW));
		EXPECT_EQ(0, doer_result(&doer));
	}
	ASSERT_EQ(0, kill(reader, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(reader));
}

/* The queue is as long as the most demanding of them wants it. */
TEST_F(share, longest_queue)
{
	int small = 2 * FAN_SO_EVENT_COST, big = 10 * FAN_SO_EVENT_COST;
	int fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	struct told told;
	int i, n;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setsockopt(self->socks[0], SOL_SOCKET, SO_RCVBUF, &big,
				sizeof(big)));
	ASSERT_EQ(0, setsockopt(self->socks[1], SOL_SOCKET, SO_RCVBUF, &small,
				sizeof(small)));
	for (n = 10; n > 0; n -= 8) {
		for (i = 0; i < 20; i++) {
			pid_t child = fork();

			if (!child)
				_exit(write(fd, "x", 1) != 1);
			ASSERT_EQ(0, exit_status(child));
		}
		ASSERT_EQ(0, tell(self->socks[1], &told));
		EXPECT_EQ(n + 1, told.queued);
		ASSERT_EQ(0, drain(self->socks[1]));
		close(self->socks[0]);
		self->socks[0] = -1;
	}
}

/* Nobody hears himself, nor the other members. */
TEST_F(share, ignores_all_members)
{
	struct fanotify_addr addr = group_address(0);
	int ready[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	if (!child) {
		int sock = new_member(&addr);

		_exit(sock < 0 || open_close(FILE_PATH, O_RDONLY) ||
		      write(ready[1], "x", 1) != 1);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_FALSE(has_event(self->socks[0]));
}

TEST_HARNESS_MAIN
