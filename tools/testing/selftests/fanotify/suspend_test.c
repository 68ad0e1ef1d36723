// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the machine sleeps while somebody waits for an answer
 *
 * The clock of the hardware wakes it: where there is none, or where that cannot
 * wake it, the machine does not wake up.
 */

#define _GNU_SOURCE
#include <sys/prctl.h>

#include "marks.h"
#include "perm.h"

#define DIR_PATH TMP "/dir"
#define PROG_PATH DIR_PATH "/true"
#define SCRIPT_PATH DIR_PATH "/script"
#define FILE_PATH DIR_PATH "/file"

#define WAKEALARM "/sys/class/rtc/rtc0/wakealarm"
#define TEST_DELAY "/sys/module/suspend/parameters/pm_test_delay"

/*
 * A time to wait, and one that is longer. In a rehearsal that is a busy loop, for
 * which a busy machine takes many times as long, and that must be less than it
 * takes to make the kernel complain of a stall.
 */
#define PERIOD_MS 2000
#define SLEEP_S 6
#define REHEARSAL_S 3

/* A time for a group to linger, between the two */
#define LINGER_S 4

/* On the clock that goes on while the machine sleeps */
static long long boottime_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

FIXTURE(suspend)
{
	int sock;
};

FIXTURE_VARIANT(suspend)
{
	const char *state;
	/* Up to where, if it is a rehearsal only, in which the clocks run on */
	const char *rehearsal;
};

FIXTURE_VARIANT_ADD(suspend, to_memory) {
	.state = "mem",
	.rehearsal = "none",
};

/* From that no clock wakes the machine, if it is an emulated one. */
FIXTURE_VARIANT_ADD(suspend, to_idle) {
	.state = "freeze",
	.rehearsal = "devices",
};

static bool is_rehearsal(const FIXTURE_VARIANT(suspend) *variant)
{
	return strcmp(variant->rehearsal, "none");
}

/* Lets the machine sleep. 0 or -errno. */
static int fall_asleep(const FIXTURE_VARIANT(suspend) *variant)
{
	char text[16];
	int ret;

	if (!is_rehearsal(variant)) {
		/* A new alarm is refused while there is an old one. */
		snprintf(text, sizeof(text), "+%d", SLEEP_S);
		ret = write_knob(WAKEALARM, "0") ?: write_knob(WAKEALARM, text);
		if (ret)
			return ret;
	}
	return write_knob("/sys/power/state", variant->state);
}

FIXTURE_SETUP(suspend)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, write_file(PROG_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(SCRIPT_PATH, "#!" PROG_PATH "\n"));
	self->sock = dir_listener(DIR_PATH, ALL_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, PERIOD_MS));
	ASSERT_EQ(0, write_knob("/sys/power/mem_sleep", "deep"));
	ASSERT_EQ(0, write_knob("/sys/power/pm_test", variant->rehearsal));
	ASSERT_EQ(0, write_number(TEST_DELAY, REHEARSAL_S));
}

FIXTURE_TEARDOWN(suspend)
{
	EXPECT_EQ(0, write_knob("/sys/power/pm_test", "none"));
	close(self->sock);
}

/* Of each there is one who waits, in the question that is said. */
static const struct asker {
	long (*call)(const char *path);
	const char *path, *file;
	__u32 mask;
} askers[] = {
	{ do_open, FILE_PATH, FILE_PATH, FAN_OPEN_PERM },
	{ do_read, FILE_PATH, FILE_PATH, FAN_ACCESS_PERM },
	/* With the locks of one who becomes another program */
	{ do_exec, SCRIPT_PATH, PROG_PATH, FAN_OPEN_EXEC_PERM },
	{ do_exec, SCRIPT_PATH, PROG_PATH, FAN_ACCESS_PERM },
};

/* Starts it, and allows what it asks before. 0 or -errno. */
static int start_asker(int sock, const struct asker *asker, struct doer *doer,
		       __u64 *cookie)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	bool found;
	int ret;

	if (stat(asker->file, &st) ||
	    !doer_start(doer, asker->call, asker->path))
		return -errno;
	for (;;) {
		if (read(sock, &ev, sizeof(ev)) != sizeof(ev))
			return -EIO;
		found = ev.mask == asker->mask && is_file(ev.fd, &st);
		close_event(&ev);
		if (found)
			break;
		ret = answer(sock, ev.cookie, FAN_ALLOW);
		if (ret)
			return ret;
	}
	*cookie = ev.cookie;
	return ev.tgid == doer->pid ? 0 : -EPROTO;
}

/*
 * Nobody who waits keeps the machine from sleeping, and they go on to wait: the
 * time that they slept, longer than they would have waited, does not count.
 */
TEST_F(suspend, waiting)
{
	struct doer doers[ARRAY_SIZE(askers)], unread;
	struct fanotify_so_event_metadata ev;
	__u64 cookies[ARRAY_SIZE(askers)];
	long long start = boottime_ms();
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(askers); i++)
		ASSERT_EQ(0, start_asker(self->sock, &askers[i], &doers[i],
					 &cookies[i]));
	/* And one that nobody has taken. */
	ASSERT_TRUE(doer_start(&unread, do_open, FILE_PATH));
	ASSERT_TRUE(sleeps_in(unread.pid, SYS_openat));

	/* A rehearsal can be a short one. */
	do {
		ASSERT_EQ(0, fall_asleep(variant));
	} while (boottime_ms() - start <= PERIOD_MS);
	for (i = 0; i < ARRAY_SIZE(askers); i++) {
		EXPECT_FALSE(doer_returned(&doers[i], 0));
		EXPECT_EQ(0, answer(self->sock, cookies[i], FAN_DENY));
		EXPECT_EQ(-EPERM, doer_result(&doers[i]));
	}
	EXPECT_FALSE(doer_returned(&unread, 0));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	close_event(&ev);
	EXPECT_EQ(-EPERM, doer_result(&unread));
}

/* Awake, they wait as long as ever. */
TEST_F(suspend, goes_on)
{
	long long start = now_ms(), slept;
	struct doer doer;
	__u64 cookie;

	ASSERT_EQ(0, start_asker(self->sock, &askers[0], &doer, &cookie));
	slept = now_ms();
	ASSERT_EQ(0, fall_asleep(variant));
	/* Of that, it takes less than a second until all are frozen. */
	slept = now_ms() - slept - 1000;
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_LE(PERIOD_MS + (is_rehearsal(variant) ? slept : 0),
		  now_ms() - start);
	EXPECT_EQ(-ENOENT, answer(self->sock, cookie, FAN_ALLOW));
}

static int bind_to_group(int sock)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);

	addr.group_num = 7;
	return do_bind(sock, &addr);
}

/* Nor does a group linger for less: nobody could have come. */
TEST_F(suspend, lingering)
{
	int first = new_socket(), second = new_socket();
	long long start = boottime_ms();

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	ASSERT_EQ(0, bind_to_group(first));
	ASSERT_EQ(0, set_u32(first, FANOTIFY_LINGER, LINGER_S));
	ASSERT_EQ(0, mark_path(first, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, close(first));
	do {
		ASSERT_EQ(0, fall_asleep(variant));
	} while (boottime_ms() - start <= LINGER_S * 1000);
	ASSERT_EQ(0, bind_to_group(second));
	EXPECT_EQ(1, shown_marks(second));
	EXPECT_EQ(0, set_u32(second, FANOTIFY_LINGER, 0));
	EXPECT_EQ(0, close(second));
}

TEST_HARNESS_MAIN
