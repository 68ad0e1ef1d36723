// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the freezers of control groups, old and new. Those who
 * wait are frozen, and those who answer.
 */

#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include "marks.h"
#include "perm.h"

#define DIR_PATH TMP "/dir"
#define PROG_PATH DIR_PATH "/true"
#define SCRIPT_PATH DIR_PATH "/script"
#define FILE_PATH DIR_PATH "/file"

#define MNT_PATH TMP "/cgroup"
#define CGROUP MNT_PATH "/fanotify_test"

/* A time that one waits, and one in which that has surely run out */
#define SHORT_MS 200
#define LATER_US (3 * SHORT_MS * 1000)

FIXTURE(freezer)
{
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(freezer)
{
	const char *type, *options;
	/* What to write where, and what can be read where then */
	const char *knob, *on, *off;
	const char *state, *frozen;
	/* Somebody who waits for something is frozen where he stands. */
	bool freezes_sleepers;
};

FIXTURE_VARIANT_ADD(freezer, v2) {
	.type = "cgroup2",
	.knob = CGROUP "/cgroup.freeze",
	.on = "1",
	.off = "0",
	.state = CGROUP "/cgroup.events",
	.frozen = "frozen 1",
};

FIXTURE_VARIANT_ADD(freezer, v1) {
	.type = "cgroup",
	.options = "freezer",
	.knob = CGROUP "/freezer.state",
	.on = "FROZEN",
	.off = "THAWED",
	.state = CGROUP "/freezer.state",
	.frozen = "FROZEN",
	.freezes_sleepers = true,
};

FIXTURE_SETUP(freezer)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(MNT_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, write_file(PROG_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(SCRIPT_PATH, "#!" PROG_PATH "\n"));
	ASSERT_EQ(0, result(mount("fanotify_test", MNT_PATH, variant->type, 0,
				  variant->options)));
	ASSERT_EQ(0, mkdir(CGROUP, 0755));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
}

FIXTURE_TEARDOWN(freezer)
{
	EXPECT_EQ(0, write_knob(variant->knob, variant->off));
	close(self->sock);
	/* Those who have exited are in there until they are gone. */
	while (rmdir(CGROUP) && errno == EBUSY)
		usleep(1000);
}

static int move_to_cgroup(pid_t pid)
{
	return write_number(CGROUP "/cgroup.procs", pid);
}

/* Is it written in the file within this time? */
static bool comes_to_say(const char *path, const char *what)
{
	long long end = now_ms() + WAIT_MS;
	char text[256];
	ssize_t len;
	int fd;

	do {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		len = read(fd, text, sizeof(text) - 1);
		close(fd);
		text[len > 0 ? len : 0] = 0;
		if (strstr(text, what))
			return true;
		usleep(1000);
	} while (now_ms() < end);
	return false;
}

#define EXPECT_FROZEN() \
	EXPECT_TRUE(comes_to_say(variant->state, variant->frozen))

/* Starts somebody who has asked, and sits in the cgroup, which is frozen. */
static void freeze_asker(struct __test_metadata *_metadata,
			 FIXTURE_DATA(freezer) *self,
			 const FIXTURE_VARIANT(freezer) *variant,
			 long (*call)(const char *path), const char *path,
			 const struct stat *st, struct doer *doer,
			 struct fanotify_so_event_metadata *ev)
{
	bool found;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_TRUE(doer_start(doer, call, path));
	for (;;) {
		ASSERT_EQ((long)sizeof(*ev),
			  result(read(self->sock, ev, sizeof(*ev))));
		found = is_file(ev->fd, st);
		close_event(ev);
		if (found)
			break;
		/* What comes before */
		ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_ALLOW));
	}
	ASSERT_EQ(0, move_to_cgroup(doer->pid));
	ASSERT_EQ(0, write_knob(variant->knob, variant->on));
	/* That goes on while somebody waits. */
	if (variant->freezes_sleepers)
		EXPECT_FROZEN();
	EXPECT_FALSE(doer_returned(doer, 0));
}

#define FREEZE(call, path, st, doer, ev) \
	freeze_asker(_metadata, self, variant, call, path, st, doer, ev)

/* The answer is kept for him, and he is not thawed by it. */
TEST_F(freezer, answered)
{
	static const __u32 responses[] = { FAN_ALLOW, FAN_DENY };
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(responses); i++) {
		FREEZE(do_open, FILE_PATH, &self->st, &doer, &ev);
		EXPECT_EQ(0, answer(self->sock, ev.cookie, responses[i]));
		EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
		EXPECT_FROZEN();
		EXPECT_FALSE(doer_returned(&doer, 0));
		ASSERT_EQ(0, write_knob(variant->knob, variant->off));
		EXPECT_EQ(i ? -EPERM : 0, doer_result(&doer));
	}
}

/* The first processor only, and before anybody else there or not */
static int run_first(bool first)
{
	struct sched_param param = { .sched_priority = first };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return -errno;
	return result(sched_setscheduler(0, SCHED_RESET_ON_FORK |
					 (first ? SCHED_FIFO : SCHED_OTHER),
					 &param));
}

/* Goes there, and opens the file when it is told to go on. */
static long do_open_there(const char *path)
{
	int ret = move_to_cgroup(getpid());

	if (ret)
		return ret;
	raise(SIGSTOP);
	return do_open(path);
}

/*
 * Whoever has asked, and is about to sleep, is frozen, too: the one that reads
 * his event keeps him from going on until he is to be frozen.
 */
TEST_F(freezer, about_to_sleep)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int round, status;

	for (round = 0; round < 20; round++) {
		ASSERT_EQ(0, run_first(false));
		ASSERT_TRUE(doer_start(&doer, do_open_there, FILE_PATH));
		ASSERT_EQ(doer.pid, waitpid(doer.pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		EXPECT_EQ(0, run_first(true));
		ASSERT_EQ(0, kill(doer.pid, SIGCONT));
		ASSERT_EQ((long)sizeof(ev),
			  result(read(self->sock, &ev, sizeof(ev))));
		ASSERT_EQ(0, write_knob(variant->knob, variant->on));
		if (variant->freezes_sleepers)
			ASSERT_TRUE(comes_to_say(variant->state,
						 variant->frozen));
		EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
		EXPECT_FROZEN();
		EXPECT_FALSE(doer_returned(&doer, 0));
		close_event(&ev);
		ASSERT_EQ(0, write_knob(variant->knob, variant->off));
		EXPECT_EQ(-EPERM, doer_result(&doer));
	}
}

TEST_F(freezer, thawed_before_the_answer)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	FREEZE(do_open, FILE_PATH, &self->st, &doer, &ev);
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

TEST_F(freezer, killed)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	FREEZE(do_open, FILE_PATH, &self->st, &doer, &ev);
	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	/* In the old one nobody dies. */
	if (variant->freezes_sleepers)
		ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
}

/* The listener is gone meanwhile. */
TEST_F(freezer, shut_down)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	FREEZE(do_open, FILE_PATH, &self->st, &doer, &ev);
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_FROZEN();
	EXPECT_FALSE(doer_returned(&doer, 0));
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(0, doer_result(&doer));
}

/* No answer comes, in no time. */
TEST_F(freezer, times_out)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	FREEZE(do_open, FILE_PATH, &self->st, &doer, &ev);
	usleep(LATER_US);
	EXPECT_FROZEN();
	EXPECT_FALSE(doer_returned(&doer, 0));
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, ev.cookie, FAN_ALLOW));
}

/* In the middle of becoming another program, with locks that this needs */
TEST_F(freezer, executing)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, stat(PROG_PATH, &st));
	FREEZE(do_exec, SCRIPT_PATH, &st, &doer, &ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_FROZEN();
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(0, doer_result(&doer));
}

/* Denies until the socket is shut down. */
static pid_t start_denier(int sock)
{
	struct fanotify_so_event_metadata ev;
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(sock, &ev, sizeof(ev)) == sizeof(ev)) {
		close_event(&ev);
		answer(sock, ev.cookie, FAN_DENY);
	}
	_exit(0);
}

/* A listener that is frozen is like one that hangs, and then goes on. */
TEST_F(freezer, listener)
{
	pid_t denier = start_denier(self->sock);

	ASSERT_LT(0, denier);
	EXPECT_EQ(-EPERM, do_open(FILE_PATH));
	ASSERT_EQ(0, move_to_cgroup(denier));
	ASSERT_EQ(0, write_knob(variant->knob, variant->on));
	EXPECT_FROZEN();
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	EXPECT_EQ(0, do_open(FILE_PATH));
	EXPECT_EQ(0, do_open(FILE_PATH));

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(-EPERM, do_open(FILE_PATH));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, exit_status(denier));
}

/* What was asked before and during the frost is answered after it. */
TEST_F(freezer, listener_is_thawed)
{
	pid_t denier = start_denier(self->sock);
	struct doer doer;

	ASSERT_LT(0, denier);
	ASSERT_EQ(0, move_to_cgroup(denier));
	ASSERT_EQ(0, write_knob(variant->knob, variant->on));
	EXPECT_FROZEN();
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_TRUE(sleeps_in(doer.pid, SYS_openat));
	EXPECT_FALSE(doer_returned(&doer, 0));
	ASSERT_EQ(0, write_knob(variant->knob, variant->off));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, exit_status(denier));
}

TEST_HARNESS_MAIN
