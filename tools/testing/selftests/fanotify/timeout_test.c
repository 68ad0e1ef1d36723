// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: operations that get no answer in time, and how that is
 * counted
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>

#include "crowd.h"
#include "rounds.h"
#include "waiting.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/* Nobody waits for so long here. */
#define LONG_MS FAN_SO_MAX_TIMEOUT

/* For what can be seen to go on meanwhile, however slow the machine */
#define MIDDLE_MS 3000

static int guard(__u32 policy, __u32 timeout)
{
	int sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	int ret;

	if (sock < 0)
		return sock;
	ret = set_u32(sock, FANOTIFY_TIMEOUT_POLICY, policy) ?:
	      set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, timeout) ?:
	      set_u32(sock, FANOTIFY_IGNORE_SELF, 1);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

static int fionread(int sock)
{
	int bytes = -1;

	return ioctl(sock, FIONREAD, &bytes) ? -errno : bytes;
}

FIXTURE(timeout)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(timeout)
{
	__u32 policy;
	__u32 other_policy;
	long ret;
	long other_ret;
};

FIXTURE_VARIANT_ADD(timeout, allow) {
	.policy = FAN_ALLOW,
	.other_policy = FAN_DENY,
	.ret = 0,
	.other_ret = -EPERM,
};

FIXTURE_VARIANT_ADD(timeout, deny) {
	.policy = FAN_DENY,
	.other_policy = FAN_ALLOW,
	.ret = -EPERM,
	.other_ret = 0,
};

FIXTURE_SETUP(timeout)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = guard(variant->policy, SHORT_MS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(timeout)
{
	close(self->sock);
}

/* Starts one whose event waits in the queue. */
static bool start_unread(struct doer *doer, int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };

	return doer_start(doer, do_open, FILE_PATH) &&
	       poll(&pfd, 1, WAIT_MS) == 1;
}

/* A listener that never reads */
TEST_F(timeout, unread)
{
	long long start = now_ms();
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	EXPECT_EQ(variant->ret, doer_result(&doer));
	EXPECT_LE(500, now_ms() - start);
	/* It is not to be read any more. */
	EXPECT_EQ(0, fionread(self->sock));
	EXPECT_EQ(POLLOUT | POLLWRNORM, poll_now(self->sock, POLL_ALL));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
	EXPECT_EQ(1, told_timeouts(self->sock));
}

/* One that reads and never answers */
TEST_F(timeout, read)
{
	struct fanotify_so_event_metadata ev;
	long long start = now_ms();
	struct told told;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_EQ(0, told.queued);
	EXPECT_EQ(1, told.waiting);
	EXPECT_EQ(0, told.timeouts);
	EXPECT_EQ(variant->ret, doer_result(&doer));
	EXPECT_LE(MIDDLE_MS, now_ms() - start);
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_EQ(0, told.waiting);
	EXPECT_EQ(1, told.timeouts);
	EXPECT_EQ(0, told.unasked);
	EXPECT_STREQ("bound", told.state);
	/* The descriptor is the listener's all the same. */
	EXPECT_TRUE(is_file(ev.fd, &self->st));
	close_event(&ev);
}

TEST_F(timeout, unset_is_five_seconds)
{
	int sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	long long start;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, close(self->sock));
	self->sock = sock;
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_TIMEOUT_POLICY, variant->policy));
	start = now_ms();
	EXPECT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	EXPECT_LE(5000, now_ms() - start);
	EXPECT_GT(WAIT_MS, now_ms() - start);
}

/* The shortest that there is */
TEST_F(timeout, of_a_millisecond)
{
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	EXPECT_EQ(5, open_often(FILE_PATH, 5, variant->ret));
	EXPECT_EQ(5, told_timeouts(self->sock));
}

/* A new one is for those who come then. */
TEST_F(timeout, longer_one)
{
	struct doer first, second;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1000));
	ASSERT_TRUE(start_unread(&first, self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(doer_start(&second, do_open, FILE_PATH));
	EXPECT_EQ(variant->ret, doer_result(&first));
	EXPECT_TRUE(sleeps_in(second.pid, SYS_openat));
	EXPECT_FALSE(doer_returned(&second, 0));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(variant->ret, doer_result(&second));
}

TEST_F(timeout, shorter_one)
{
	struct doer first, second;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(start_unread(&first, self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_TRUE(doer_start(&second, do_open, FILE_PATH));
	EXPECT_EQ(variant->ret, doer_result(&second));
	EXPECT_TRUE(sleeps_in(first.pid, SYS_openat));
	EXPECT_FALSE(doer_returned(&first, 0));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(variant->ret, doer_result(&first));
}

/* A new policy is for those as well who wait. */
TEST_F(timeout, other_policy)
{
	struct fanotify_so_event_metadata ev;
	struct doer unread, read;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(doer_start(&read, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	ASSERT_TRUE(start_unread(&unread, self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY,
			     variant->other_policy));
	EXPECT_EQ(variant->other_ret, doer_result(&read));
	EXPECT_EQ(variant->other_ret, doer_result(&unread));
}

TEST_F(timeout, other_policy_before_shutdown)
{
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(start_unread(&doer, self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY,
			     variant->other_policy));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(variant->other_ret, doer_result(&doer));
}

/* To ask for more time again and again gets ten times as much, and no more. */
TEST_F(timeout, reset_ten_times)
{
	struct fanotify_so_event_metadata ev;
	long long start = now_ms(), resets = 0;
	struct doer doer;
	int ret;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	while (now_ms() - start < WAIT_MS) {
		ret = answer(self->sock, ev.cookie, FAN_RESET_TIMEOUT);
		if (ret)
			break;
		resets++;
		usleep(1000);
	}
	EXPECT_EQ(-ENOENT, ret);
	EXPECT_LT(1, resets);
	EXPECT_LE(10 * 500, now_ms() - start);
	EXPECT_EQ(variant->ret, doer_result(&doer));
	EXPECT_EQ(1, told_timeouts(self->sock));
}

/* One reset is worth a period from then on. */
TEST_F(timeout, reset_once)
{
	struct fanotify_so_event_metadata ev;
	long long start;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	/* Half of the time passes. */
	EXPECT_FALSE(doer_returned(&doer, MIDDLE_MS / 2));
	start = now_ms();
	ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_RESET_TIMEOUT));
	EXPECT_EQ(variant->ret, doer_result(&doer));
	EXPECT_LE(MIDDLE_MS, now_ms() - start);
	EXPECT_GT(WAIT_MS / 2, now_ms() - start);
}

/*
 * A round of timeouts counts once, so that it takes ten of them for an
 * eviction, however many operations run out of time.
 */
FIXTURE(count)
{
	int sock;
	struct stat st;
};

FIXTURE_SETUP(count)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = guard(FAN_ALLOW, SHORT_MS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(count)
{
	close(self->sock);
}

/* Each is asked after the time of the one before it ran out. */
TEST_F(count, ten_in_a_row)
{
	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	EXPECT_FALSE(is_evicted(self->sock));
	EXPECT_EQ(9, told_timeouts(self->sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(10, told_timeouts(self->sock));
}

/* No pause is too short to be one. */
TEST_F(count, ten_in_a_row_without_a_pause)
{
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	ASSERT_EQ(10, open_often(FILE_PATH, 10, 0));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(10, told_timeouts(self->sock));
}

static int *gate;

/* All of them at the same time */
static long open_at_the_gate(const char *path)
{
	while (!__atomic_load_n(gate, __ATOMIC_ACQUIRE))
		usleep(1000);
	return do_open(path);
}

static bool gate_init(void)
{
	gate = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return gate != MAP_FAILED;
}

#define NMANY 50

/* Fifty that wait through one hiccup of six seconds are one. */
TEST_F(count, a_crowd_is_one)
{
	long long start = now_ms();
	struct crowd crowd;

	ASSERT_TRUE(gate_init());
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_DEFAULT_TIMEOUT));
	ASSERT_TRUE(crowd_start(&crowd, NMANY, open_at_the_gate, FILE_PATH));
	__atomic_store_n(gate, 1, __ATOMIC_RELEASE);
	ASSERT_EQ(NMANY, until_waiting(NMANY));
	EXPECT_TRUE(crowd_waits(&crowd));
	EXPECT_EQ(NMANY, crowd_count(&crowd, NMANY, 0));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_LE(FAN_SO_DEFAULT_TIMEOUT, now_ms() - start);
	EXPECT_EQ(NMANY, told_timeouts(self->sock));
	EXPECT_FALSE(is_evicted(self->sock));

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(8, open_often(FILE_PATH, 8, 0));
	EXPECT_FALSE(is_evicted(self->sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(NMANY + 9, told_timeouts(self->sock));
}

/* So are fifty that were taken: it is about when their clocks have started. */
TEST_F(count, a_crowd_that_was_read_is_one)
{
	struct fanotify_so_event_metadata ev;
	struct crowd crowd;
	int i;

	ASSERT_TRUE(gate_init());
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(crowd_start(&crowd, NMANY, open_at_the_gate, FILE_PATH));
	__atomic_store_n(gate, 1, __ATOMIC_RELEASE);
	for (i = 0; i < NMANY; i++) {
		ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
		close_event(&ev);
	}
	EXPECT_EQ(NMANY, crowd_count(&crowd, NMANY, 0));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_EQ(NMANY, told_timeouts(self->sock));

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(8, open_often(FILE_PATH, 8, 0));
	EXPECT_FALSE(is_evicted(self->sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* Ten rounds of a crowd are ten. */
TEST_F(count, ten_crowds)
{
	struct crowd crowd;
	int i;

	ASSERT_TRUE(gate_init());
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1000));
	for (i = 1; i <= 10; i++) {
		__atomic_store_n(gate, 0, __ATOMIC_RELEASE);
		ASSERT_TRUE(crowd_start(&crowd, 5, open_at_the_gate,
					FILE_PATH));
		__atomic_store_n(gate, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(5, crowd_count(&crowd, 5, 0));
		ASSERT_EQ(0, crowd_end(&crowd));
		EXPECT_EQ(i == 10, is_evicted(self->sock));
	}
}

/* An operation that waited already when the last timeout was counted is not. */
TEST_F(count, overlapping)
{
	struct doer first, second, third;

	ASSERT_EQ(8, open_often(FILE_PATH, 8, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(start_unread(&first, self->sock));
	EXPECT_FALSE(doer_returned(&first, MIDDLE_MS / 3));
	ASSERT_TRUE(start_unread(&second, self->sock));
	EXPECT_EQ(0, doer_result(&first));
	/* That was the ninth; this one is none, but the next. */
	ASSERT_TRUE(doer_start(&third, do_open, FILE_PATH));
	EXPECT_EQ(0, doer_result(&second));
	EXPECT_EQ(10, told_timeouts(self->sock));
	EXPECT_FALSE(is_evicted(self->sock));
	EXPECT_EQ(0, doer_result(&third));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* To reset a clock starts it anew, after the last one that counted. */
TEST_F(count, overlapping_and_reset)
{
	struct fanotify_so_event_metadata ev;
	struct doer first, second;

	ASSERT_EQ(8, open_often(FILE_PATH, 8, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(start_unread(&first, self->sock));
	EXPECT_FALSE(doer_returned(&first, MIDDLE_MS / 2));
	ASSERT_TRUE(doer_start(&second, do_open, FILE_PATH));
	do {
		ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
		close_event(&ev);
	} while (ev.tgid != second.pid);
	EXPECT_EQ(0, doer_result(&first));
	EXPECT_FALSE(is_evicted(self->sock));
	ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_RESET_TIMEOUT));
	EXPECT_EQ(0, doer_result(&second));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* Answers one operation. 0 or -errno. */
static int answer_one(int sock, const struct stat *st, __u32 response,
		      long ret)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int err;

	if (set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS) ||
	    !doer_start(&doer, do_open, FILE_PATH))
		return -errno;
	err = next_event(sock, st, &ev);
	if (err)
		return err;
	close_event(&ev);
	err = answer(sock, ev.cookie, response);
	if (doer_result(&doer) != ret)
		return -EPROTO;
	return err ?: set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS);
}

/* It is in a row that they count: any answer begins a new one. */
TEST_F(count, an_answer_begins_anew)
{
	static const struct {
		__u32 response;
		long ret;
	} answers[] = {
		{ FAN_ALLOW, 0 },
		{ FAN_DENY, -EPERM },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
		ASSERT_EQ(0, answer_one(self->sock, &self->st,
					answers[i].response, answers[i].ret));
	}
	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	EXPECT_FALSE(is_evicted(self->sock));
	EXPECT_EQ(27, told_timeouts(self->sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* An answer to what nobody has read is one, too. */
TEST_F(count, a_guessed_answer_begins_anew)
{
	struct doer doer;
	__u64 cookie;
	int ret;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(start_unread(&doer, self->sock));
	for (cookie = 1, ret = -ENOENT; cookie < 100 && ret; cookie++)
		ret = answer(self->sock, cookie, FAN_ALLOW);
	ASSERT_EQ(0, ret);
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	EXPECT_FALSE(is_evicted(self->sock));
}

/* What is no answer does not. */
TEST_F(count, no_answer)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     MIDDLE_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_RESET_TIMEOUT));
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie + 1, FAN_ALLOW));
	EXPECT_EQ(-EINVAL, answer(self->sock, ev.cookie, FAN_CACHE));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* Nor does it count that a task was killed while it waited, either way. */
TEST_F(count, killed)
{
	struct doer doer;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(start_unread(&doer, self->sock));
	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	EXPECT_FALSE(is_evicted(self->sock));
	EXPECT_EQ(9, told_timeouts(self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
}

/* Each socket has its own count. */
TEST_F(count, of_two_listeners)
{
	int other;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, 0));
	other = guard(FAN_ALLOW, SHORT_MS);
	ASSERT_LE(0, other);
	/* Both are asked, one after the other. */
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_FALSE(is_evicted(other));
	EXPECT_EQ(1, told_timeouts(other));
	ASSERT_EQ(8, open_often(FILE_PATH, 8, 0));
	EXPECT_FALSE(is_evicted(other));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, 0));
	EXPECT_TRUE(is_evicted(other));
	EXPECT_EQ(10, told_timeouts(self->sock));
	close(other);
}

TEST_HARNESS_MAIN
