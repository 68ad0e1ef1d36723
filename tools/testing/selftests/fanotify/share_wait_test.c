// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: those who wait for the events of a group, when one of its
 * members goes, or is stuck
 */

#define _GNU_SOURCE
#include "rounds.h"
#include "share.h"
#include "waiting.h"

/* Each open is one event, which nobody waits for. */
FIXTURE(crew)
{
	int socks[2];
	struct stat st;
};

FIXTURE_SETUP(crew)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->socks[0] = first_member(FAN_OPEN);
	ASSERT_LE(0, self->socks[0]);
	self->socks[1] = directed_member();
	ASSERT_LE(0, self->socks[1]);
}

FIXTURE_TEARDOWN(crew)
{
	close(self->socks[0]);
	close(self->socks[1]);
}

static long wait_for_the_end(struct waiter *w)
{
	return wait_in_poll_for(w, POLLRDHUP);
}

/* An end that is seen once, and wakes again for each event */
static long wait_in_epoll_edge(struct waiter *w)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, w->fd, &ev) ||
	    epoll_wait(epfd, &ev, 1, WAIT_MS) != 1)
		return -EIO;
	return result(syscall(SYS_epoll_pwait, epfd, &ev, 1, -1, NULL, 8));
}

static const struct {
	long (*call)(struct waiter *w);
	long nr;
	long ret;
} ways[] = {
	{ wait_in_read, SYS_read, 0 },
	{ wait_in_recv, SYS_recvfrom, 0 },
	{ wait_in_poll, SYS_ppoll, POLLIN | POLLRDHUP | POLLHUP },
	{ wait_for_the_end, SYS_ppoll, POLLRDHUP | POLLHUP },
	{ wait_in_select, SYS_pselect6, 1 },
	{ wait_in_epoll, SYS_epoll_pwait, EPOLLIN | EPOLLRDHUP | EPOLLHUP },
	{ wait_in_epoll_exclusive, SYS_epoll_pwait, EPOLLIN | EPOLLHUP },
};

/* Who waits for a member that is shut down knows at once, and nobody else. */
TEST_F(crew, shut_down)
{
	struct waiter gone[ARRAY_SIZE(ways)], here;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		ASSERT_TRUE(waiter_start(&gone[i], self->socks[0],
					 ways[i].call, ways[i].nr));
	ASSERT_TRUE(waiter_start(&here, self->socks[1], wait_in_read,
				 SYS_read));
	ASSERT_EQ(0, shutdown(self->socks[0], SHUT_RDWR));
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		ASSERT_TRUE(waiter_returned(&gone[i], WAIT_MS));
		EXPECT_EQ(ways[i].ret, gone[i].ret) {
			TH_LOG("way %zu", i);
		}
	}
	EXPECT_FALSE(waiter_returned(&here, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_TRUE(waiter_returned(&here, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, here.ret);
	EXPECT_EQ(FAN_OPEN, here.ev.mask);
	close_event(&here.ev);
}

/* So does one that is evicted while the others stay. */
TEST(evicted)
{
	struct fanotify_so_event_metadata ev;
	struct waiter gone, here;
	int socks[2], i;
	struct stat st;

	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	socks[0] = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, socks[0]);
	ASSERT_EQ(0, set_u32(socks[0], FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(socks[0], FANOTIFY_RESPONSE_TIMEOUT, 1500));
	socks[1] = directed_member();
	ASSERT_LE(0, socks[1]);
	ASSERT_TRUE(waiter_start(&gone, socks[0], wait_for_the_end, SYS_ppoll));
	ASSERT_TRUE(waiter_start(&here, socks[1], wait_for_the_end, SYS_ppoll));
	for (i = 0; i < FAN_SO_MAX_TIMEOUTS; i++) {
		struct doer doer;

		ASSERT_FALSE(waiter_returned(&gone, 0));
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(0, next_event(socks[0], &st, &ev));
		close_event(&ev);
		ASSERT_EQ(0, doer_result(&doer));
	}
	ASSERT_TRUE(waiter_returned(&gone, WAIT_MS));
	EXPECT_EQ(POLLRDHUP | POLLHUP | POLLERR, gone.ret);
	EXPECT_FALSE(waiter_returned(&here, 0));
	ASSERT_EQ(0, shutdown(socks[1], SHUT_RDWR));
	ASSERT_TRUE(waiter_returned(&here, WAIT_MS));
	EXPECT_EQ(POLLRDHUP | POLLHUP, here.ret);
}

/*
 * A child that is a member and waits exclusively, so that it is woken first. The
 * other end of the pipe @said tells that it was; it takes nothing.
 */
static pid_t start_first(int *said)
{
	struct fanotify_addr addr = group_address(0);
	struct waiter w;
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		w.fd = new_member(&addr);
		if (wait_in_epoll_exclusive(&w) == EPOLLIN &&
		    write(fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(fds[1]);
	*said = fds[0];
	return child > 0 && sleeps_in(child, SYS_epoll_pwait) ? child : -1;
}

/* It was woken, and dies before it can take the event: that wakes the next. */
TEST_F(crew, woken_and_killed)
{
	struct waiter reader;
	pid_t first;
	char byte;
	int said;

	first = start_first(&said);
	ASSERT_LT(0, first);
	ASSERT_TRUE(waiter_start(&reader, self->socks[1], wait_in_read,
				 SYS_read));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, read(said, &byte, 1));
	/* One event wakes one. */
	ASSERT_TRUE(sleeps_in(reader.tid, SYS_read));
	ASSERT_EQ(0, kill(first, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(first));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_TRUE(is_file(reader.ev.fd, &self->st));
	close_event(&reader.ev);
}

#define PERIOD_MS 12000

/* If it is only stuck, a question wakes the others after a while. */
TEST(woken_and_stuck)
{
	int socks[2], said;
	struct waiter reader;
	struct doer doer;
	pid_t first;
	char byte;

	make_shared_dir(_metadata);
	socks[0] = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, socks[0]);
	ASSERT_EQ(0, set_u32(socks[0], FANOTIFY_RESPONSE_TIMEOUT, PERIOD_MS));
	socks[1] = directed_member();
	ASSERT_LE(0, socks[1]);
	first = start_first(&said);
	ASSERT_LT(0, first);
	ASSERT_TRUE(waiter_start(&reader, socks[1], wait_in_read, SYS_read));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(1, read(said, &byte, 1));
	ASSERT_TRUE(sleeps_in(reader.tid, SYS_read));
	ASSERT_TRUE(waiter_returned(&reader, PERIOD_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_EQ(0, answer(socks[0], reader.ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	close_event(&reader.ev);
	ASSERT_EQ(0, kill(first, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(first));
}

/* A socket that gets no event any more takes nobody's wake-up either. */
TEST_F(crew, gone_and_open)
{
	struct waiter gone, reader;

	ASSERT_EQ(0, shutdown(self->socks[0], SHUT_RDWR));
	ASSERT_TRUE(waiter_start(&gone, self->socks[0], wait_in_epoll_edge,
				 SYS_epoll_pwait));
	ASSERT_TRUE(waiter_start(&reader, self->socks[1], wait_in_read,
				 SYS_read));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
}

/* What this process was sent a signal for: POLL_*, or 0 if it was sent none. */
static int signalled(void)
{
	struct timespec now = {};
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	return sigtimedwait(&set, &info, &now) < 0 ? 0 : info.si_code;
}

static int ask_for_signals(int sock)
{
	int flags = fcntl(sock, F_GETFL);

	if (fcntl(sock, F_SETOWN, getpid()) || fcntl(sock, F_SETSIG, SIGRTMIN))
		return -errno;
	return result(fcntl(sock, F_SETFL, flags | O_ASYNC));
}

/* Signals, too, tell of the end only whom it is about. */
TEST_F(crew, signals)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &set, NULL));
	ASSERT_EQ(0, ask_for_signals(self->socks[1]));
	ASSERT_EQ(0, shutdown(self->socks[0], SHUT_RDWR));
	EXPECT_EQ(0, signalled());
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(POLL_IN, signalled());
	EXPECT_EQ(0, signalled());

	/* The other one has nothing to say any more. */
	ASSERT_EQ(0, ask_for_signals(self->socks[0]));
	ASSERT_EQ(0, shutdown(self->socks[1], SHUT_RDWR));
	EXPECT_EQ(POLL_HUP, signalled());
	EXPECT_EQ(0, signalled());
}

TEST_HARNESS_MAIN
