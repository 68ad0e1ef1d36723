// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what is told without waiting: FIONREAD and signals
 */

#define _GNU_SOURCE
#include <signal.h>

#include "common.h"

#define LEN ((int)FAN_SO_EVENT_LEN)
#define NFILES 4

static const char * const paths[NFILES] = {
	TMP "/file0", TMP "/file1", TMP "/file2", TMP "/file3",
};

/* FAN_OPEN, so that each cause() is one event. */
FIXTURE(async)
{
	int sock;
};

FIXTURE_VARIANT(async) {
	bool global;
};

FIXTURE_VARIANT_ADD(async, directed) {
	.global = false,
};

FIXTURE_VARIANT_ADD(async, global) {
	.global = true,
};

static void make_files(struct __test_metadata *_metadata)
{
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, write_file(paths[i], "text"));
}

/* Binds the socket; nothing has been queued when it returns 0. */
static int start(int sock, bool global)
{
	struct fanotify_addr addr = address(global ? FAN_GLOBAL_LISTENER |
						     FAN_OPEN : 0,
					    O_RDONLY | O_CLOEXEC);
	int ret = do_bind(sock, &addr);

	if (ret || global)
		return ret;
	return mark_path(sock, TMP, FAN_OPEN | FAN_EVENT_ON_CHILD, 0);
}

FIXTURE_SETUP(async)
{
	make_files(_metadata);
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, start(self->sock, variant->global));
}

FIXTURE_TEARDOWN(async)
{
	close(self->sock);
}

/* Causes the event of one file. */
static int cause(int i)
{
	return open_close(paths[i], O_RDONLY);
}

static int set_rcvbuf(int sock, int events)
{
	int bytes = events * FAN_SO_EVENT_COST;

	return result(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes)));
}

/* What FIONREAD tells, or -errno. */
static int fionread(int sock)
{
	int bytes = -1;

	return ioctl(sock, FIONREAD, &bytes) ? -errno : bytes;
}

TEST(fionread_unbound)
{
	int sock = new_socket();
	int bytes = -1;

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, result(ioctl(sock, FIONREAD, &bytes)));
	EXPECT_EQ(-1, bytes);
	EXPECT_EQ(-ENOTCONN, result(ioctl(sock, FIONREAD, (void *)8)));
}

TEST_F(async, fionread)
{
	struct fanotify_so_event_metadata ev;
	int i;

	EXPECT_EQ(0, fionread(self->sock));
	for (i = 0; i < NFILES; i++) {
		ASSERT_EQ(0, cause(i));
		EXPECT_EQ((i + 1) * LEN, fionread(self->sock));
	}
	/* What is merged is not there to be read. */
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(NFILES * LEN, fionread(self->sock));
	EXPECT_EQ(-EFAULT, result(ioctl(self->sock, FIONREAD, (void *)8)));
	for (i = NFILES; i > 0; i--) {
		EXPECT_EQ(i * LEN, fionread(self->sock));
		ASSERT_EQ(1, take_event(self->sock, &ev));
		close_event(&ev);
	}
	EXPECT_EQ(0, fionread(self->sock));
}

/* The number is what one read with such a buffer returns. */
TEST_F(async, fionread_is_true)
{
	struct fanotify_so_event_metadata evs[NFILES + 1];
	int bytes, i;

	ASSERT_EQ(0, set_rcvbuf(self->sock, 2));
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	/* Two events and an overflow. */
	bytes = fionread(self->sock);
	EXPECT_EQ(3 * LEN, bytes);
	EXPECT_EQ(bytes, result(recv(self->sock, evs, sizeof(evs), 0)));
	EXPECT_EQ(FAN_Q_OVERFLOW, evs[2].mask);
	close_event(&evs[0]);
	close_event(&evs[1]);
	EXPECT_EQ(0, fionread(self->sock));
}

TEST_F(async, fionread_of_an_overflow)
{
	struct fanotify_so_event_metadata ev;
	int i;

	ASSERT_EQ(0, set_rcvbuf(self->sock, 1));
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	EXPECT_EQ(2 * LEN, fionread(self->sock));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	close_event(&ev);
	EXPECT_EQ(LEN, fionread(self->sock));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(FAN_Q_OVERFLOW, ev.mask);
	EXPECT_EQ(0, fionread(self->sock));
}

/* A read that fails takes nothing away. */
TEST_F(async, fionread_after_an_error)
{
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, LEN, 0)));
	EXPECT_EQ(-EINVAL, result(recv(self->sock, NULL, 0, 0)));
	EXPECT_EQ(LEN, fionread(self->sock));
}

/* A real-time signal, because those queue up and bring what they are about. */
#define SIGNAL SIGRTMIN

/* Keeps the signals for take_signal(). */
static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	sigaddset(&set, SIGIO);
	return result(sigprocmask(SIG_BLOCK, &set, NULL));
}

/* Asks for @sig, or for plain SIGIO if it is 0, to be sent to @pid. */
static int ask_for_signal(int sock, int sig, pid_t pid)
{
	int flags = fcntl(sock, F_GETFL);

	if (fcntl(sock, F_SETOWN, pid) || fcntl(sock, F_SETSIG, sig))
		return -errno;
	return result(fcntl(sock, F_SETFL, flags | O_ASYNC));
}

/* Takes one signal: which one, or 0 if none comes within the time. */
static int take_signal(siginfo_t *info, int timeout_ms)
{
	struct timespec ts = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000,
	};
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL);
	sigaddset(&set, SIGIO);
	sig = sigtimedwait(&set, info, &ts);
	return sig < 0 && errno == EAGAIN ? 0 : sig;
}

/*
 * How many signals are there? What a system call causes is sent before the
 * call returns.
 */
static int count_signals(void)
{
	siginfo_t info;
	int count = 0;

	while (take_signal(&info, 0) > 0)
		count++;
	return count;
}

TEST_F(async, says_what_and_where)
{
	siginfo_t info;

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(SIGNAL, take_signal(&info, 0));
	EXPECT_EQ(POLL_IN, info.si_code);
	EXPECT_EQ(self->sock, info.si_fd);
	EXPECT_EQ(POLLIN | POLLRDNORM, info.si_band);
	EXPECT_EQ(0, take_signal(&info, 0));
}

/* It is one signal for each event, read or not, and for no other reason. */
TEST_F(async, one_per_event)
{
	struct fanotify_so_event_metadata ev;
	int i;

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	for (i = 0; i < NFILES; i++)
		ASSERT_EQ(0, cause(i));
	EXPECT_EQ(NFILES, count_signals());

	/* Merged. */
	ASSERT_EQ(0, cause(1));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, count_signals());
	/* Reading, or failing to. */
	ASSERT_EQ(1, take_event(self->sock, &ev));
	close_event(&ev);
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, LEN, 0)));
	EXPECT_EQ(0, count_signals());
	/* What was read is no longer there to merge with. */
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, count_signals());
}

/* The overflow is an event, what it counts is not. */
TEST_F(async, one_per_overflow)
{
	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, set_rcvbuf(self->sock, 1));
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, count_signals());
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(1, count_signals());
	ASSERT_EQ(0, cause(2));
	ASSERT_EQ(0, cause(3));
	EXPECT_EQ(0, count_signals());
}

/* Without F_SETSIG it is SIGIO, and says nothing more. */
TEST_F(async, plain_sigio)
{
	siginfo_t info;

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, ask_for_signal(self->sock, 0, getpid()));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(SIGIO, take_signal(&info, 0));
	EXPECT_EQ(SI_KERNEL, info.si_code);
	/* Of this kind, one waits for all. */
	ASSERT_EQ(0, cause(1));
	ASSERT_EQ(0, cause(2));
	EXPECT_EQ(1, count_signals());
}

TEST_F(async, not_before_and_not_after)
{
	int flags;

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, count_signals());
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	EXPECT_EQ(0, count_signals());
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(1, count_signals());
	flags = fcntl(self->sock, F_GETFL);
	EXPECT_EQ(O_ASYNC, flags & O_ASYNC);
	ASSERT_EQ(0, fcntl(self->sock, F_SETFL, flags & ~O_ASYNC));
	ASSERT_EQ(0, cause(2));
	EXPECT_EQ(0, count_signals());
}

/* FIOASYNC is another way to ask. */
TEST_F(async, by_ioctl)
{
	int on = 1, off = 0;
	pid_t pid = getpid();

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, fcntl(self->sock, F_SETSIG, SIGNAL));
	ASSERT_EQ(0, ioctl(self->sock, FIOSETOWN, &pid));
	ASSERT_EQ(0, ioctl(self->sock, FIOASYNC, &on));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(1, count_signals());
	ASSERT_EQ(0, ioctl(self->sock, FIOASYNC, &off));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(0, count_signals());
}

/* What is asked of an unbound socket holds when it is bound. */
TEST_F(async, asked_before_bind)
{
	siginfo_t info;
	int sock = new_socket();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, ask_for_signal(sock, SIGNAL, getpid()));
	ASSERT_EQ(0, start(sock, variant->global));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(SIGNAL, take_signal(&info, 0));
	EXPECT_EQ(sock, info.si_fd);
	EXPECT_EQ(0, count_signals());
	EXPECT_EQ(0, close(sock));
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(0, count_signals());
}

/* Each socket tells its own owner of its own events. */
TEST_F(async, two_listeners)
{
	int other = dir_listener(TMP, FAN_OPEN);
	siginfo_t info;
	int sum;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	ASSERT_EQ(0, ask_for_signal(other, SIGNAL, getpid()));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(SIGNAL, take_signal(&info, 0));
	sum = info.si_fd;
	ASSERT_EQ(SIGNAL, take_signal(&info, 0));
	EXPECT_EQ(self->sock + other, sum + info.si_fd);
	EXPECT_EQ(0, count_signals());

	EXPECT_EQ(0, drain(other));
	ASSERT_EQ(0, cause(0));
	ASSERT_EQ(SIGNAL, take_signal(&info, 0));
	EXPECT_EQ(other, info.si_fd);
	EXPECT_EQ(0, count_signals());
}

/* The owner can be another process: this one answers one signal. */
static int owner_main(int ready)
{
	siginfo_t info;

	if (block_signals() || write(ready, "x", 1) != 1)
		return 100;
	if (take_signal(&info, WAIT_MS) != SIGNAL)
		return 101;
	return info.si_code == POLL_IN ? 0 : 102;
}

TEST_F(async, another_owner)
{
	siginfo_t info;
	int ready[2];
	pid_t child;
	char c;

	ASSERT_EQ(0, block_signals());
	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(owner_main(ready[1]));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, child));
	EXPECT_EQ(child, fcntl(self->sock, F_GETOWN));
	ASSERT_EQ(0, cause(0));
	EXPECT_EQ(0, exit_status(child));
	/* To whom it happens is not who is told. */
	EXPECT_EQ(0, take_signal(&info, 0));
	/* Nobody is left to be told. */
	ASSERT_EQ(0, cause(1));
	EXPECT_EQ(0, take_signal(&info, 0));
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	struct fanotify_so_event_metadata ev;
	int saved = errno;

	/* A handler can take the event. */
	while (take_event(info->si_fd, &ev) > 0)
		close_event(&ev);
	errno = saved;
}

TEST_F(async, handler)
{
	struct sigaction sa = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};
	int i;

	ASSERT_EQ(0, sigaction(SIGNAL, &sa, NULL));
	ASSERT_EQ(0, ask_for_signal(self->sock, SIGNAL, getpid()));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, cause(i % NFILES));
		EXPECT_EQ(0, fionread(self->sock));
	}
}

TEST_HARNESS_MAIN
