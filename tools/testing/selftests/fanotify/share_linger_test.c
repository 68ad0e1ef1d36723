// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a group outlives its last member for a while, and who comes
 * in that time goes on where that one stopped
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "marks.h"
#include "policies.h"
#include "rounds.h"
#include "share.h"

/* How many wait when the last member is killed, and how many it has read */
#define NR_WAITING 500
#define NR_READ 200

/* As long as it can be: what has to happen happens within that. */
#define LONG_S FAN_SO_MAX_LINGER

FIXTURE(linger)
{
	struct fanotify_addr addr;
	struct stat st;
};

FIXTURE_VARIANT(linger)
{
	bool global;
	const struct policy *fails;
};

FIXTURE_VARIANT_ADD(linger, directed_fails_open) {
	.global = false,
	.fails = &fails_open,
};

FIXTURE_VARIANT_ADD(linger, directed_fails_closed) {
	.global = false,
	.fails = &fails_closed,
};

FIXTURE_VARIANT_ADD(linger, global_fails_open) {
	.global = true,
	.fails = &fails_open,
};

FIXTURE_VARIANT_ADD(linger, global_fails_closed) {
	.global = true,
	.fails = &fails_closed,
};

FIXTURE_SETUP(linger)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->addr = group_address(variant->global ?
				   FAN_GLOBAL_LISTENER | FAN_OPEN_PERM : 0);
}

/* When the test has ended, or the next one would find its group. */
FIXTURE_TEARDOWN_PARENT(linger)
{
	int sock = new_member(&self->addr);

	if (sock < 0)
		return;
	shutdown(sock, SHUT_RDWR);
	close(sock);
}

/* The group's first member, which sets it up. */
static int set_up(const struct fanotify_addr *addr, __u32 policy, __u32 linger)
{
	int sock = new_member(addr);

	if (sock < 0)
		return sock;
	return set_u32(sock, FANOTIFY_TIMEOUT_POLICY, policy) ?:
	       set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ?:
	       set_u32(sock, FANOTIFY_IGNORE_SELF, 1) ?:
	       set_u32(sock, FANOTIFY_LINGER, linger) ?:
	       (addr->mask ? ignore_proc(sock) :
		mark_path(sock, FILE_PATH, FAN_OPEN_PERM, 0)) ?: sock;
}

/**
 * struct first - a child that is the only member
 *
 * @pid: The child.
 * @said: The end of a pipe: a byte when it is set up, another when it has read.
 */
struct first {
	pid_t pid;
	int said;
};

/* It reads @nr events, answers none, and waits to be killed. */
static bool first_start(struct first *first, const struct fanotify_addr *addr,
			__u32 policy, __u32 linger, int nr)
{
	struct fanotify_so_event_metadata ev;
	int fds[2], sock;
	char byte = 0;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	first->pid = fork();
	if (!first->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sock = set_up(addr, policy, linger);
		if (sock < 0 || write(fds[1], &byte, 1) != 1)
			_exit(1);
		while (nr--) {
			if (read(sock, &ev, sizeof(ev)) != sizeof(ev))
				_exit(2);
			close_event(&ev);
		}
		if (write(fds[1], &byte, 1) != 1)
			_exit(3);
		pause();
		_exit(4);
	}
	close(fds[1]);
	first->said = fds[0];
	return first->pid > 0 && read(first->said, &byte, 1) == 1;
}

static bool first_has_read(struct first *first)
{
	char byte;

	return read(first->said, &byte, 1) == 1;
}

static int first_kill(struct first *first)
{
	close(first->said);
	if (kill(first->pid, SIGKILL))
		return -errno;
	return exit_status(first->pid);
}

/* No mark is lost, no event is lost or doubled, nobody waits for ever. */
TEST_F(linger, taken_over)
{
	__u64 last = 0;
	struct crowd crowd;
	struct first first;
	struct told told;
	int sock, i;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, LONG_S,
				NR_READ));
	ASSERT_TRUE(crowd_start(&crowd, NR_WAITING, do_open, FILE_PATH));
	ASSERT_TRUE(first_has_read(&first));
	ASSERT_EQ(NR_WAITING, until_waiting(NR_WAITING));
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	EXPECT_TRUE(crowd_waits(&crowd));

	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, tell(sock, &told));
	EXPECT_EQ(NR_WAITING, told.waiting);
	EXPECT_EQ(NR_WAITING, told.queued);
	EXPECT_EQ(0, told.timeouts);
	EXPECT_EQ(variant->fails->policy, get_u32(sock, FANOTIFY_TIMEOUT_POLICY));
	EXPECT_EQ(LONG_S, get_u32(sock, FANOTIFY_LINGER));
	for (i = 0; i < NR_WAITING; i++) {
		struct fanotify_so_event_metadata ev;

		ASSERT_EQ(0, next_event(sock, &self->st, &ev));
		close_event(&ev);
		ASSERT_LT(last, ev.cookie);
		last = ev.cookie;
		ASSERT_EQ(0, answer(sock, ev.cookie, variant->fails->opposite));
	}
	EXPECT_EQ(NR_WAITING, crowd_count(&crowd, NR_WAITING,
					  variant->fails->opposite_verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
}

/* What happens while nobody is there waits, too. */
TEST_F(linger, asked_meanwhile)
{
	struct fanotify_so_event_metadata ev;
	struct first first;
	struct doer doer;
	int sock;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, LONG_S,
				0));
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	EXPECT_FALSE(doer_returned(&doer, 500));
	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, next_event(sock, &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(sock, ev.cookie, variant->fails->opposite));
	EXPECT_EQ(variant->fails->opposite_verdict, doer_result(&doer));
}

/* When the time is up it goes as if it had been closed. */
TEST_F(linger, runs_out)
{
	struct first first;
	struct crowd crowd;
	long long start;
	int sock;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, 2, 10));
	ASSERT_TRUE(crowd_start(&crowd, 20, do_open, FILE_PATH));
	ASSERT_TRUE(first_has_read(&first));
	ASSERT_EQ(20, until_waiting(20));
	start = now_ms();
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	EXPECT_EQ(20, crowd_count(&crowd, 20, variant->fails->verdict));
	EXPECT_LE(1990, now_ms() - start);
	EXPECT_GT(10000, now_ms() - start);
	EXPECT_EQ(0, crowd_end(&crowd));
	/* Its marks go a little later. */
	while (open_often(FILE_PATH, 1, 0) != 1 && now_ms() < start + WAIT_MS)
		usleep(1000);
	EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));

	/* The number is free. */
	self->addr.priority = 9;
	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	EXPECT_EQ(0, get_u32(sock, FANOTIFY_LINGER));
}

/* Each time a last one goes it begins anew. */
TEST_F(linger, begins_anew)
{
	long long start;
	struct first first;
	struct doer doer;
	int i, sock;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, 6, 0));
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	for (i = 0; i < 3; i++) {
		EXPECT_FALSE(doer_returned(&doer, 2500));
		sock = new_member(&self->addr);
		ASSERT_LE(0, sock);
		start = now_ms();
		ASSERT_EQ(0, close(sock));
	}
	EXPECT_EQ(variant->fails->verdict, doer_result(&doer));
	EXPECT_LE(5990, now_ms() - start);
}

/* The clocks go on, and nobody is there to be evicted. */
TEST_F(linger, times_out)
{
	struct first first;
	int sock;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, LONG_S,
				0));
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS));
	ASSERT_EQ(0, close(sock));
	EXPECT_EQ(20, open_often(FILE_PATH, 20, variant->fails->verdict));
	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	EXPECT_EQ(20, told_timeouts(sock));
	EXPECT_FALSE(is_evicted(sock));
}

/* Only for those who could have joined before. */
TEST_F(linger, refuses)
{
	struct fanotify_addr wrong = self->addr;
	struct first first;
	pid_t child;
	int sock;

	ASSERT_TRUE(first_start(&first, &self->addr, variant->fails->policy, LONG_S,
				0));
	ASSERT_EQ(-SIGKILL, first_kill(&first));
	wrong.priority = 1;
	EXPECT_EQ(-EINVAL, new_member(&wrong));
	child = fork();
	if (!child) {
		if (setresgid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		_exit(new_member(&self->addr) == -EPERM ? 0 : 2);
	}
	EXPECT_EQ(0, exit_status(child));
	sock = new_member(&self->addr);
	ASSERT_LE(0, sock);
	EXPECT_EQ(LONG_S, get_u32(sock, FANOTIFY_LINGER));
}

/* Who says that it is over means it. */
TEST_F(linger, not_after_shutdown)
{
	int sock = set_up(&self->addr, variant->fails->policy, LONG_S);

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, shutdown(sock, SHUT_RDWR));
	EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));
	ASSERT_EQ(0, close(sock));
	EXPECT_EQ(1, open_often(FILE_PATH, 1, 0));
}

TEST(private_group)
{
	int sock = deaf_listener();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EOPNOTSUPP, set_u32(sock, FANOTIFY_LINGER, 1));
	EXPECT_EQ(0, get_u32(sock, FANOTIFY_LINGER));
}

TEST(bounds)
{
	int sock = directed_member();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EINVAL, set_u32(sock, FANOTIFY_LINGER,
				   FAN_SO_MAX_LINGER + 1));
	EXPECT_EQ(0, get_u32(sock, FANOTIFY_LINGER));
	EXPECT_EQ(0, set_u32(sock, FANOTIFY_LINGER, FAN_SO_MAX_LINGER));
	EXPECT_EQ(FAN_SO_MAX_LINGER, get_u32(sock, FANOTIFY_LINGER));
	EXPECT_EQ(0, set_u32(sock, FANOTIFY_LINGER, 0));
}

/* Events that nobody has to wait for are kept as well. */
TEST(notification)
{
	struct fanotify_addr addr = group_address(0);
	struct fanotify_so_event_metadata ev;
	int i, fd, sock, count = 0;

	make_shared_dir(_metadata);
	fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	sock = new_member(&addr);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_MODIFY, 0));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_LINGER, LONG_S));
	for (i = 0; i < 30; i++) {
		pid_t child;

		if (i % 10 == 5) {
			ASSERT_EQ(1, take_event(sock, &ev));
			close_event(&ev);
			count++;
		}
		/* One of those to come is caused while nobody is there. */
		if (i % 10 == 0 && i)
			ASSERT_EQ(0, close(sock));
		child = fork();
		if (!child)
			_exit(write(fd, "x", 1) != 1);
		ASSERT_EQ(0, exit_status(child));
		if (i % 10 == 0 && i) {
			sock = new_member(&addr);
			ASSERT_LE(0, sock);
		}
	}
	while (take_event(sock, &ev) == 1) {
		close_event(&ev);
		count++;
	}
	EXPECT_EQ(30, count);
	EXPECT_EQ(0, set_u32(sock, FANOTIFY_LINGER, 0));
}

TEST_HARNESS_MAIN
