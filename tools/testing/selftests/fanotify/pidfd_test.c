// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: events that bring a pidfd of who caused them
 */

#define _GNU_SOURCE
#include "marks.h"
#include "records.h"
#include "share.h"

/* The process that a pidfd is of: -1 if it is gone, or -errno */
static long pid_behind(int pidfd)
{
	char text[4096], *found;
	int ret = read_fdinfo(pidfd, text, sizeof(text));

	if (ret)
		return -1000 + ret;
	found = strstr(text, "\nPid:");
	return found ? atol(found + strlen("\nPid:")) : -1000;
}

static int send_signal(int pidfd, int sig)
{
	return result(syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0));
}

/* A child that has opened the file, and does nothing more until it is killed */
static pid_t idle_child(void)
{
	int fds[2];
	pid_t child;
	char c;

	if (pipe2(fds, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (open_close(FILE_PATH, O_RDONLY) || write(fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	if (read(fds[0], &c, 1) != 1)
		return -1;
	close(fds[0]);
	return child;
}

/* A listener whose events have pidfds and no other descriptors */
FIXTURE(pidfd)
{
	struct reader r;
	struct stat st;
	int sock;
};

FIXTURE_SETUP(pidfd)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = telling_listener(0, FAN_REPORT_PIDFD | FAN_REPORT_NOFD);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(pidfd)
{
	close(self->sock);
}

TEST_F(pidfd, of_a_process)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child = idle_child();
	int pidfd;

	ASSERT_LT(0, child);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	EXPECT_EQ(40, ev->event_len);
	EXPECT_EQ(child, ev->tgid);
	pidfd = pidfd_of(ev);
	ASSERT_LE(0, pidfd);
	EXPECT_EQ(child, pid_behind(pidfd));
	EXPECT_EQ(FD_CLOEXEC, fcntl(pidfd, F_GETFD));
	EXPECT_EQ(0, send_signal(pidfd, 0));
	EXPECT_EQ(0, send_signal(pidfd, SIGKILL));
	EXPECT_EQ(-SIGKILL, exit_status(child));
	EXPECT_EQ(-ESRCH, send_signal(pidfd, 0));
	EXPECT_EQ(0, close(pidfd));
}

/* It is the process's, whichever thread did it, and whether that is gone. */
static void *open_main(void *arg)
{
	*(pid_t *)arg = gettid();
	return (void *)(long)open_close(FILE_PATH, O_RDONLY);
}

TEST_F(pidfd, of_a_thread)
{
	const struct fanotify_so_event_metadata *ev;
	pthread_t thread;
	pid_t tid = 0;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, open_main, &tid));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(tid, ev->pid);
	ASSERT_LE(0, pidfd_of(ev));
	EXPECT_EQ(getpid(), pid_behind(pidfd_of(ev)));
	close_told(ev);
}

/* Each event has its own, and they are of those who did it. */
TEST_F(pidfd, of_several)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child = idle_child();
	int first;

	ASSERT_LT(0, child);
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	first = pidfd_of(ev);
	EXPECT_EQ(child, pid_behind(first));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_NE(first, pidfd_of(ev));
	EXPECT_EQ(getpid(), pid_behind(pidfd_of(ev)));
	close_told(ev);
	close(first);
	kill(child, SIGKILL);
	EXPECT_EQ(-SIGKILL, exit_status(child));
}

TEST_F(pidfd, of_one_who_is_gone)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child = fork();
	int fds;

	ASSERT_LE(0, child);
	if (!child)
		_exit(-open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, exit_status(child));
	fds = count_fds();
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(child, ev->tgid);
	EXPECT_EQ(FAN_NOPIDFD, pidfd_of(ev));
	EXPECT_EQ(fds, count_fds());
}

/* A reader that cannot see the process gets none, one that can does. */
TEST_F(pidfd, of_one_who_is_not_visible)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child;

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		EXPECT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(0, ev->tgid);
		EXPECT_EQ(FAN_NOPIDFD, pidfd_of(ev));

		EXPECT_EQ(0, open_close(FILE_PATH, O_RDONLY));
		EXPECT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(1, ev->tgid);
		EXPECT_LE(0, pidfd_of(ev));
		EXPECT_EQ(0, send_signal(pidfd_of(ev), 0));
		close_told(ev);
		_exit(0);
	}
	ASSERT_EQ(0, exit_status(child));
}

/* Without a descriptor for it the event stays where it is. */
TEST_F(pidfd, without_descriptors)
{
	const struct fanotify_so_event_metadata *ev;
	struct rlimit old;
	int i;

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	old = leave_fds(0);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EMFILE, take_told(&self->r, &ev));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	EXPECT_EQ(getpid(), pid_behind(pidfd_of(ev)));
	close_told(ev);
	EXPECT_EQ(0, drain_told(&self->r));
}

/* Nor is that of the file kept, if there is one for that only. */
TEST_F(pidfd, with_one_descriptor)
{
	const struct fanotify_so_event_metadata *ev;
	struct rlimit old;
	int i, fds;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PIDFD));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	fds = count_fds();
	old = leave_fds(1);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EMFILE, take_told(&self->r, &ev));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_TRUE(is_file(ev->fd, &self->st));
	EXPECT_EQ(getpid(), pid_behind(pidfd_of(ev)));
	EXPECT_NE(ev->fd, pidfd_of(ev));
	EXPECT_LE(fds + 2, count_fds());
	close_told(ev);
	EXPECT_EQ(0, drain_told(&self->r));
}

/* The events that came before one without a descriptor are not lost either. */
TEST_F(pidfd, without_a_second_descriptor)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child = idle_child();
	struct rlimit old;

	ASSERT_LT(0, child);
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	old = leave_fds(1);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(child, ev->tgid);
	close_told(ev);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(getpid(), ev->tgid);
	close_told(ev);
	EXPECT_EQ(0, drain_told(&self->r));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	kill(child, SIGKILL);
	EXPECT_EQ(-SIGKILL, exit_status(child));
}

TEST_HARNESS_MAIN
