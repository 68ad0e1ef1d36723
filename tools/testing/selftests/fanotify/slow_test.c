// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who makes a scan slow on purpose, again and again, until
 * the scanner is evicted, has gained nothing
 *
 * The scanner fails closed. Meanwhile others try all the time to open what it
 * would never let pass, and the file that it takes so long for.
 */

#define _GNU_SOURCE
#include <sys/mman.h>

#include "crowd.h"
#include "waiting.h"

#define DIR_PATH TMP "/dir"
#define SLOW_PATH DIR_PATH "/slow"
#define EVIL_PATH DIR_PATH "/evil"
#define CLEAN_PATH DIR_PATH "/clean"

#define NR_INTRUDERS 4

/* How long a scan may take */
#define SCAN_MS 100

/* How many scans it takes */
#define NR_SCANS FAN_SO_MAX_TIMEOUTS

/**
 * struct intrusion - how those who try fare; in shared memory
 *
 * @tries: How often it was tried.
 * @passed: How often it was not denied.
 * @odd: An error that it should not have been, or 0.
 */
struct intrusion {
	unsigned long tries;
	unsigned long passed;
	long odd;
};

static void intrude(struct intrusion *intrusion, const char *path)
{
	long ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Nothing of the scanner's. */
	syscall(SYS_close_range, 3, ~0U, 0);
	for (;;) {
		ret = open_close(path, O_RDONLY);
		if (!ret)
			__atomic_add_fetch(&intrusion->passed, 1,
					   __ATOMIC_RELAXED);
		else if (ret != -EPERM)
			__atomic_store_n(&intrusion->odd, ret,
					 __ATOMIC_RELAXED);
		__atomic_add_fetch(&intrusion->tries, 1, __ATOMIC_RELEASE);
	}
}

/* Waits until they have tried that often. */
static bool until_tried(const struct intrusion *intrusion, unsigned long tries)
{
	long long end = now_ms() + WAIT_MS;

	while (__atomic_load_n(&intrusion->tries, __ATOMIC_ACQUIRE) < tries) {
		if (now_ms() > end)
			return false;
		usleep(1000);
	}
	return true;
}

FIXTURE(slow)
{
	int sock;
	struct stat slow, clean;
	struct intrusion *intrusion;
	pid_t intruders[NR_INTRUDERS];
};

FIXTURE_VARIANT(slow)
{
	bool global;
};

FIXTURE_VARIANT_ADD(slow, directed) {
	.global = false,
};

FIXTURE_VARIANT_ADD(slow, global) {
	.global = true,
};

FIXTURE_SETUP(slow)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(SLOW_PATH, "text"));
	ASSERT_EQ(0, write_file(EVIL_PATH, "text"));
	ASSERT_EQ(0, write_file(CLEAN_PATH, "text"));
	ASSERT_EQ(0, stat(SLOW_PATH, &self->slow));
	ASSERT_EQ(0, stat(CLEAN_PATH, &self->clean));
	self->intrusion = mmap(NULL, sizeof(*self->intrusion),
			       PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->intrusion);

	self->sock = variant->global ? global_listener(FAN_OPEN_PERM) :
				       dir_listener(DIR_PATH, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	if (variant->global)
		ASSERT_EQ(0, ignore_proc(self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SCAN_MS));
}

FIXTURE_TEARDOWN(slow)
{
	close(self->sock);
}

static void start_intruders(struct __test_metadata *_metadata,
			    FIXTURE_DATA(slow) *self)
{
	int i;

	for (i = 0; i < NR_INTRUDERS; i++) {
		self->intruders[i] = fork();
		if (!self->intruders[i])
			intrude(self->intrusion, i % 2 ? EVIL_PATH : SLOW_PATH);
		ASSERT_LT(0, self->intruders[i]);
	}
}

/* Nobody hangs, and nobody has passed. */
static void stop_intruders(struct __test_metadata *_metadata,
			   FIXTURE_DATA(slow) *self)
{
	int i;

	for (i = 0; i < NR_INTRUDERS; i++) {
		kill(self->intruders[i], SIGKILL);
		EXPECT_EQ(-SIGKILL, exit_status(self->intruders[i]));
	}
	EXPECT_LT(0, self->intrusion->tries);
	EXPECT_EQ(0, self->intrusion->passed);
	EXPECT_EQ(0, self->intrusion->odd);
}

static bool is_evicted(int sock)
{
	return poll_now(sock, POLLIN) & POLLHUP;
}

/* Takes what comes, and is in no hurry to answer. */
static int scan_slowly(int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	struct fanotify_so_event_metadata ev;
	int ret;

	if (poll(&pfd, 1, WAIT_MS) != 1)
		return -ETIME;
	ret = result(recv(sock, &ev, sizeof(ev), MSG_DONTWAIT));
	if (ret != sizeof(ev))
		return ret == -EAGAIN || ret == -ETIMEDOUT ? 0 : ret;
	close_event(&ev);
	return 0;
}

static void check_intrusion(struct __test_metadata *_metadata,
			    FIXTURE_DATA(slow) *self, bool reads)
{
	long long end = now_ms() + 4 * WAIT_MS;
	unsigned long tries;
	struct doer doer;

	start_intruders(_metadata, self);
	while (!is_evicted(self->sock) && now_ms() < end) {
		/* Who does not even read is as slow as can be. */
		ASSERT_EQ(0, reads ? scan_slowly(self->sock) : usleep(1000));
	}
	ASSERT_TRUE(is_evicted(self->sock));

	/* From now on it is denied at once, whoever asks. */
	tries = __atomic_load_n(&self->intrusion->tries, __ATOMIC_ACQUIRE);
	EXPECT_TRUE(until_tried(self->intrusion, tries + 1000));
	EXPECT_EQ(0, nr_waiting());
	ASSERT_TRUE(doer_start(&doer, do_open, CLEAN_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	stop_intruders(_metadata, self);

	/* It is over when the scanner has closed. */
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	ASSERT_TRUE(doer_start(&doer, do_open, EVIL_PATH));
	EXPECT_EQ(0, doer_result(&doer));
}

TEST_F(slow, nothing_gets_through)
{
	check_intrusion(_metadata, self, true);
}

TEST_F(slow, nothing_gets_through_unread)
{
	check_intrusion(_metadata, self, false);
}

/*
 * One after the other, as somebody would who wants the scanner to go: each scan
 * that takes too long is denied, and the answer that comes then is too late.
 */
TEST_F(slow, one_after_the_other)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int i;

	for (i = 1; i <= NR_SCANS; i++) {
		ASSERT_FALSE(is_evicted(self->sock));
		ASSERT_TRUE(doer_start(&doer, do_open, SLOW_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->slow, &ev));
		close_event(&ev);
		EXPECT_EQ(-EPERM, doer_result(&doer));
		EXPECT_EQ(i < NR_SCANS ? -ENOENT : -ESHUTDOWN,
			  answer(self->sock, ev.cookie, FAN_ALLOW));
	}
	EXPECT_TRUE(is_evicted(self->sock));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, EVIL_PATH));
		EXPECT_EQ(-EPERM, doer_result(&doer));
	}
	EXPECT_EQ(0, nr_waiting());
}

/* Nor does it help if there is too little of it: one answer, and all is well. */
TEST_F(slow, with_scans_in_between)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int i;

	for (i = 1; i <= 2 * NR_SCANS; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, SLOW_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->slow, &ev));
		close_event(&ev);
		EXPECT_EQ(-EPERM, doer_result(&doer));
		if (i % (NR_SCANS - 1))
			continue;
		/* There is time enough for this one. */
		ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
				     WAIT_MS));
		ASSERT_TRUE(doer_start(&doer, do_open, CLEAN_PATH));
		ASSERT_EQ(0, next_event(self->sock, &self->clean, &ev));
		close_event(&ev);
		EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
		EXPECT_EQ(0, doer_result(&doer));
		ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
				     SCAN_MS));
	}
	EXPECT_FALSE(is_evicted(self->sock));
}

TEST_HARNESS_MAIN
