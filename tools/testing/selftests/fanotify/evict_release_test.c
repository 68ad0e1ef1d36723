// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what an eviction means for those who have asked, or will,
 * and listeners that are stopped until they are evicted
 */

#define _GNU_SOURCE
#include "evict.h"

/* Evicts a listener whose timeout is such that nobody must have to wait. */
static bool evict_with_a_long_timeout(int sock, long ret)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	struct doer doer;

	if (open_often(FILE_PATH, 9, ret) != 9 ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, MIDDLE_MS) ||
	    !doer_start(&doer, do_open, FILE_PATH) ||
	    poll(&pfd, 1, WAIT_MS) != 1 ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS))
		return false;
	return doer_result(&doer) == ret && is_evicted(sock);
}

/* What holds after it, without anybody being asked, until the end */
TEST_F(evict, holds_until_closed)
{
	struct told told;
	struct doer doer;
	int i;

	ASSERT_TRUE(evict_with_a_long_timeout(self->sock, variant->ret));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		EXPECT_EQ(variant->ret, doer_result(&doer));
	}
	ASSERT_EQ(0, tell(self->sock, &told));
	EXPECT_EQ(0, told.waiting);
	EXPECT_EQ(10, told.timeouts);
	EXPECT_TRUE(variant->policy == FAN_ALLOW || told.unasked == 20);
	/* That it knows of it changes nothing. */
	EXPECT_EQ(-ETIMEDOUT, take_event(self->sock, &self->ev));
	EXPECT_EQ(0, result(read(self->sock, &self->ev, sizeof(self->ev))));
	EXPECT_EQ(1, open_often(FILE_PATH, 1, variant->ret));

	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));
}

/* It is the last who has the socket that counts. */
TEST_F(evict, holds_until_closed_by_all)
{
	int other = fcntl(self->sock, F_DUPFD_CLOEXEC, 0);

	ASSERT_LE(0, other);
	ASSERT_TRUE(evict(self->sock, variant->ret));
	ASSERT_EQ(0, close(self->sock));
	self->sock = other;
	EXPECT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	EXPECT_EQ(-ETIMEDOUT, take_event(self->sock, &self->ev));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));
}

/* A new one begins with nothing. */
TEST_F(evict, next_listener)
{
	int next = new_socket();
	struct told told;
	struct doer doer;

	ASSERT_LE(0, next);
	ASSERT_TRUE(evict(self->sock, variant->ret));
	ASSERT_EQ(0, close(self->sock));
	self->sock = next;
	ASSERT_EQ(0, begin(next, variant->global, variant->policy));
	ASSERT_EQ(0, set_u32(next, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(next, &self->st, &self->ev));
	close_event(&self->ev);
	EXPECT_EQ(0, answer(next, self->ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_EQ(0, tell(next, &told));
	EXPECT_EQ(0, told.timeouts);
	EXPECT_STREQ("bound", told.state);
}

#define MNT_PATH TMP "/mnt"
#define NR_FILES 500
#define NR_WRITERS 4

/*
 * Has the listener told of many files, by processes that are not its own, and by
 * operations that nobody is asked about. False if that does not do.
 */
static bool fill_queue(int sock)
{
	int fds[NR_FILES], i, n;
	struct told told;
	char path[64];

	for (i = 0; i < NR_FILES; i++) {
		sprintf(path, MNT_PATH "/file%d", i);
		fds[i] = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	}
	for (n = 0; n < NR_WRITERS; n++) {
		pid_t child = fork();

		if (!child) {
			for (i = 0; i < NR_FILES; i++)
				if (write(fds[i], "x", 1) != 1)
					_exit(1);
			_exit(0);
		}
		if (exit_status(child))
			return false;
	}
	for (i = 0; i < NR_FILES; i++)
		close(fds[i]);
	return !tell(sock, &told) && told.queued >= NR_FILES * NR_WRITERS;
}

/* What it had queued is nobody's when its last descriptor is closed. */
TEST_F(evict, holds_no_file_system)
{
	int i;

	/* It would hear of the files as well, if it is a global one. */
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	ASSERT_EQ(0, mkdir(MNT_PATH, 0755));
	for (i = 0; i < 3; i++) {
		int sock = new_socket();

		ASSERT_EQ(0, mount("fanotify_test", MNT_PATH, "tmpfs", 0,
				   NULL));
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, begin(sock, variant->global, variant->policy));
		if (!variant->global)
			ASSERT_EQ(0, mark_path(sock, MNT_PATH, FAN_MODIFY |
					       FAN_EVENT_ON_CHILD, 0));
		ASSERT_TRUE(fill_queue(sock));
		ASSERT_EQ(10, open_often(FILE_PATH, 10, variant->ret));
		ASSERT_EQ(0, close(sock));
		ASSERT_EQ(0, result(umount2(MNT_PATH, 0)));
	}
}

/*
 * All who wait are let go at once: those whose events were taken, and those
 * whose were not.
 */
TEST_F(evict, lets_everybody_go)
{
	struct crowd taken, queued;
	struct doer doer;
	int i;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(crowd_start(&taken, 70, do_open, FILE_PATH));
	for (i = 0; i < 70; i++) {
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
		close_event(&self->ev);
	}
	ASSERT_TRUE(crowd_start(&queued, 70, do_open, FILE_PATH));
	ASSERT_EQ(140, until_waiting(140));
	EXPECT_TRUE(crowd_waits(&taken));
	EXPECT_TRUE(crowd_waits(&queued));

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	EXPECT_EQ(variant->ret, doer_result(&doer));
	EXPECT_EQ(70, crowd_count(&taken, 70, variant->ret));
	EXPECT_EQ(70, crowd_count(&queued, 70, variant->ret));
	EXPECT_EQ(0, crowd_end(&taken));
	EXPECT_EQ(0, crowd_end(&queued));
	EXPECT_TRUE(is_evicted(self->sock));
	/* None of them ran out of time. */
	EXPECT_EQ(10, told_timeouts(self->sock));
	EXPECT_EQ(0, nr_waiting());
}

/* The policy is that of the moment. */
TEST_F(evict, with_another_policy)
{
	__u32 other = variant->policy == FAN_ALLOW ? FAN_DENY : FAN_ALLOW;
	long ret = variant->policy == FAN_ALLOW ? -EPERM : 0;

	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, other));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, ret));
	EXPECT_TRUE(is_evicted(self->sock));
	EXPECT_EQ(5, open_often(FILE_PATH, 5, ret));
	EXPECT_EQ(other == FAN_ALLOW ? 0 : self->marks,
		  until_marks(self->sock, other == FAN_ALLOW ? 0 :
						  self->marks));
}

/*
 * A listener in a process of its own, which does what it has to until it is
 * stopped. What it exits with says that it was told.
 */
static int listen_and_allow(int sock, int ready)
{
	struct fanotify_so_event_metadata ev;
	long ret;

	if (eventfd_write(ready, 1))
		return 1;
	for (;;) {
		ret = result(read(sock, &ev, sizeof(ev)));
		if (ret != FAN_SO_EVENT_LEN)
			break;
		close_event(&ev);
		ret = ev.cookie ? answer(sock, ev.cookie, FAN_ALLOW) : 0;
		if (ret && ret != -ENOENT && ret != -ESHUTDOWN)
			return 2;
	}
	if (ret != -ETIMEDOUT)
		return 3;
	return read(sock, &ev, sizeof(ev)) ? 4 : 0;
}

/* Binds the socket in a child, which allows everything. Its pid, or -errno. */
static pid_t start_allowing(int sock, bool global, __u32 policy)
{
	int listens = eventfd(0, EFD_CLOEXEC);
	pid_t child = fork();
	eventfd_t ready;

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(begin(sock, global, policy) ? 5 :
		      listen_and_allow(sock, listens));
	}
	if (child < 0 || eventfd_read(listens, &ready))
		return -errno;
	close(listens);
	return child;
}

TEST_F(evict, stopped_and_continued)
{
	int sock = new_socket(), i;
	pid_t child;
	int status;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, close(self->sock));
	self->sock = sock;
	child = start_allowing(sock, variant->global, variant->policy);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	/* While it is well, everything is answered. */
	EXPECT_EQ(20, open_often(FILE_PATH, 20, 0));
	EXPECT_EQ(0, told_timeouts(sock));

	ASSERT_EQ(0, kill(child, SIGSTOP));
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	for (i = 1; i <= 10; i++) {
		long long start = now_ms();

		EXPECT_FALSE(is_evicted(sock));
		EXPECT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
		EXPECT_LE(SHORT_MS, now_ms() - start);
		EXPECT_EQ(i, told_timeouts(sock));
	}
	EXPECT_TRUE(is_evicted(sock));
	EXPECT_EQ(POLL_END | POLLERR, poll_now(sock, POLL_ALL));
	EXPECT_EQ(5, open_often(FILE_PATH, 5, variant->ret));

	ASSERT_EQ(0, kill(child, SIGCONT));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(5, open_often(FILE_PATH, 5, variant->ret));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(5, open_often(FILE_PATH, 5, 0));
}

/* One that is stopped for a while only goes on as before. */
TEST_F(evict, continued_in_time)
{
	int sock = new_socket();
	struct doer doer;
	pid_t child;
	int status;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, close(self->sock));
	self->sock = sock;
	child = start_allowing(sock, variant->global, variant->policy);
	ASSERT_LE(0, child);
	ASSERT_EQ(0, kill(child, SIGSTOP));
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_TRUE(sleeps_in(doer.pid, SYS_openat));
	ASSERT_EQ(0, kill(child, SIGCONT));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_FALSE(is_evicted(sock));
	/* Nine more are nothing then. */
	ASSERT_EQ(0, kill(child, SIGSTOP));
	ASSERT_EQ(child, waitpid(child, &status, WUNTRACED));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(9, open_often(FILE_PATH, 9, variant->ret));
	EXPECT_FALSE(is_evicted(sock));
	ASSERT_EQ(1, open_often(FILE_PATH, 1, variant->ret));
	EXPECT_TRUE(is_evicted(sock));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(-SIGKILL, exit_status(child));
}

/* A slow scan that is provoked on purpose gets nothing through. */
TEST_F(evict, provoked)
{
	struct crowd crowd;
	int i;

	/* Time enough for all of a crowd to have begun to wait */
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1000));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(crowd_start(&crowd, 10, do_open, FILE_PATH));
		EXPECT_EQ(10, crowd_count(&crowd, 10, variant->ret));
		EXPECT_EQ(0, crowd_end(&crowd));
	}
	EXPECT_FALSE(is_evicted(self->sock));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	/* Several at a time, again and again, until it is over and after. */
	for (i = 0; i < 10; i++)
		ASSERT_EQ(5, open_often(FILE_PATH, 5, variant->ret));
	EXPECT_TRUE(is_evicted(self->sock));
	ASSERT_TRUE(crowd_start(&crowd, 10, do_open, FILE_PATH));
	EXPECT_EQ(10, crowd_count(&crowd, 10, variant->ret));
	EXPECT_EQ(0, crowd_end(&crowd));
}

/* Another listener on the same file is neither told nor disturbed. */
TEST_F(evict, not_the_next_one)
{
	int other = new_socket(), i;
	struct doer doer;

	ASSERT_LE(0, other);
	ASSERT_TRUE(evict(self->sock, variant->ret));
	ASSERT_EQ(0, begin(other, variant->global, FAN_DENY));
	ASSERT_EQ(0, set_u32(other, FANOTIFY_RESPONSE_TIMEOUT, LONG_MS));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		if (variant->policy == FAN_ALLOW) {
			ASSERT_EQ(0, next_event(other, &self->st, &self->ev));
			close_event(&self->ev);
			EXPECT_EQ(0, answer(other, self->ev.cookie,
					    FAN_ALLOW));
			EXPECT_EQ(0, doer_result(&doer));
			continue;
		}
		/* If it comes first it is asked in vain. */
		while (!doer_returned(&doer, 10)) {
			if (take_event(other, &self->ev) != 1)
				continue;
			close_event(&self->ev);
			answer(other, self->ev.cookie, FAN_ALLOW);
		}
		EXPECT_EQ(-EPERM, doer_result(&doer));
	}
	EXPECT_FALSE(is_evicted(other));
	EXPECT_EQ(0, told_timeouts(other));
	close(other);
}

TEST_HARNESS_MAIN
