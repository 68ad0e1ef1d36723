// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the life of a socket. It goes through fork() and exec()
 * and to other processes, is closed under a reader, and its owner is killed.
 */

#define _GNU_SOURCE
#include <signal.h>

#include "passed.h"

#define FILE_PATH TMP "/file"
#define TEXT "text of the file"

/* FAN_CLOSE_WRITE only, so that looking into /proc is not heard. */
FIXTURE(life)
{
	int sock;
	struct stat st;
};

FIXTURE_SETUP(life)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = global_listener(FAN_CLOSE_WRITE);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(life)
{
	close(self->sock);
}

static int cause(void)
{
	return open_close(FILE_PATH, O_WRONLY);
}

/*
 * Reads one event, of any file with the text, and looks through its fd: 0 or
 * an errno.
 */
static int read_one(int sock)
{
	struct fanotify_so_event_metadata ev;
	char text[64] = "";
	int ret;

	ret = take_event(sock, &ev);
	if (ret <= 0)
		return ret ? -ret : ENOMSG;
	if (pread(ev.fd, text, sizeof(text), 0) < 0)
		return errno;
	return strcmp(text, TEXT) ? EPROTO : result(close(ev.fd));
}

TEST_F(life, child_reads)
{
	int fds = count_fds();
	pid_t child;

	ASSERT_EQ(0, cause());
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(read_one(self->sock));
	EXPECT_EQ(0, exit_status(child));
	/* The descriptor was the child's, and the event is taken. */
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(ENOMSG, read_one(self->sock));
	/* The socket is still there, for the parent too. */
	ASSERT_EQ(0, cause());
	EXPECT_EQ(0, read_one(self->sock));
}

/* The listener lives on in a child. */
TEST_F(life, parent_closes)
{
	int pipefds[2];
	pid_t child;
	char c;

	ASSERT_EQ(0, pipe(pipefds));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(pipefds[1]);
		if (read(pipefds[0], &c, 1))
			_exit(100);
		_exit(read_one(self->sock));
	}
	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, cause());
	ASSERT_EQ(0, close(pipefds[1]));
	EXPECT_EQ(0, exit_status(child));
}

/* Runs this program as a reader of the socket: its exit status. */
static int exec_reader(int sock)
{
	pid_t child = fork();
	char arg[16];

	if (!child) {
		sprintf(arg, "%d", sock);
		execl("/proc/self/exe", "life_test", "--read", arg, NULL);
		_exit(100);
	}
	return exit_status(child);
}

TEST_F(life, exec_keeps_it)
{
	ASSERT_EQ(0, fcntl(self->sock, F_SETFD, 0));
	ASSERT_EQ(0, cause());
	EXPECT_EQ(0, exec_reader(self->sock));
	EXPECT_EQ(ENOMSG, read_one(self->sock));
}

TEST_F(life, exec_loses_it)
{
	ASSERT_EQ(0, cause());
	EXPECT_EQ(EBADF, exec_reader(self->sock));
	EXPECT_EQ(0, read_one(self->sock));
}

/*
 * Who holds the socket can read what it reports: the right was bind()'s. The
 * file of this event is one that the reader cannot open by himself.
 */
FIXTURE(passed) {};

FIXTURE_VARIANT(passed) {
	const char *path;
};

FIXTURE_VARIANT_ADD(passed, tmpfs) {
	.path = TMP "/lower/file",
};

/* One of those with rules of its own. */
FIXTURE_VARIANT_ADD(passed, overlay) {
	.path = TMP "/merged/file",
};

FIXTURE_SETUP(passed)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/lower", 0755));
	ASSERT_EQ(0, mkdir(TMP "/lower2", 0755));
	ASSERT_EQ(0, mkdir(TMP "/merged", 0755));
	ASSERT_EQ(0, write_file(TMP "/lower/file", TEXT));
	ASSERT_EQ(0, chmod(TMP "/lower/file", 0600));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/merged", "overlay", 0,
			   "lowerdir=" TMP "/lower:" TMP "/lower2"));
}

FIXTURE_TEARDOWN(passed) {}

TEST_F(passed, to_nobody)
{
	int sock = global_listener(FAN_OPEN);
	struct stat st;
	int pair[2];
	pid_t child;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, stat(variant->path, &st));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(sock);
		if (become_nobody() || open(variant->path, O_RDONLY) >= 0)
			_exit(100);
		sock = recv_fd(pair[1], 0);
		_exit(only_event(sock, &st) == FAN_OPEN ? 0 : 101);
	}
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	ASSERT_EQ(0, send_fd(pair[0], sock, 0));
	ASSERT_EQ(0, close(sock));
	EXPECT_EQ(0, exit_status(child));
}

/* In flight it listens, too. */
TEST_F(life, in_flight)
{
	int pair[2], sock;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	ASSERT_EQ(0, send_fd(pair[0], self->sock, 0));
	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, cause());
	sock = recv_fd(pair[1], 0);
	ASSERT_LE(0, sock);
	EXPECT_EQ(0, read_one(sock));
	/* And goes away when nobody receives it. */
	ASSERT_EQ(0, send_fd(pair[0], sock, 0));
	ASSERT_EQ(0, close(sock));
	ASSERT_EQ(0, close(pair[0]));
	ASSERT_EQ(0, close(pair[1]));
	ASSERT_EQ(0, cause());
}

/* The reader has the file; so it goes on until its read is over. */
TEST_F(life, closed_under_a_reader)
{
	int other = global_listener(FAN_CLOSE_WRITE);
	struct waiter w;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_TRUE(waiter_start(&w, self->sock, wait_in_read, SYS_read));
	ASSERT_EQ(0, close(self->sock));
	ASSERT_TRUE(sleeps_in(w.tid, SYS_read));
	EXPECT_FALSE(waiter_returned(&w, 0));

	ASSERT_EQ(0, cause());
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(FAN_SO_EVENT_LEN, w.ret);
	EXPECT_TRUE(is_file(w.ev.fd, &self->st));
	close_event(&w.ev);

	/* With that it is gone. */
	EXPECT_EQ(-EBADF, result(read(self->sock, &w.ev, sizeof(w.ev))));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(other, &self->st));
	ASSERT_EQ(0, cause());
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(other, &self->st));
	self->sock = other;
}

/* A process whose listener has a full hand; it tells when it is ready. */
static pid_t start_victim(const char *path, bool reads)
{
	int ready[2], sock;
	pid_t child;
	char buf[64], c;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		sock = global_listener(FAN_CLOSE_WRITE);
		if (sock < 0 || drain(sock) ||
		    (!reads && open_close(path, O_WRONLY | O_CREAT)))
			_exit(100);
		close(ready[1]);
		if (!reads)
			pause();
		read(sock, buf, sizeof(buf));
		_exit(101);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1))
		return -1;
	close(ready[0]);
	return child;
}

/* Unmounts what the dead listener's queue may hold for a moment longer. */
static int umount_soon(const char *path)
{
	long long end = now_ms() + WAIT_MS;

	while (umount(path)) {
		if (errno != EBUSY || now_ms() > end)
			return -errno;
		usleep(1000);
	}
	return 0;
}

TEST_F(life, killed_with_events_queued)
{
	struct stat st;
	pid_t child;

	ASSERT_EQ(0, mkdir(TMP "/m", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/m", "tmpfs", 0, NULL));
	child = start_victim(TMP "/m/file", false);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, stat(TMP "/m/file", &st));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(child));

	/* The living one has its event, and then nothing holds the mount. */
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &st));
	EXPECT_EQ(0, umount_soon(TMP "/m"));
	ASSERT_EQ(0, cause());
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st));
}

TEST_F(life, killed_while_reading)
{
	pid_t child = start_victim(NULL, true);

	ASSERT_LT(0, child);
	ASSERT_TRUE(sleeps_in(child, SYS_read));
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(-SIGKILL, exit_status(child));
	ASSERT_EQ(0, cause());
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st));
}

#define NLISTENERS 50

TEST_F(life, many_listeners)
{
	int socks[NLISTENERS];
	int i, round;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < NLISTENERS; i++) {
			socks[i] = global_listener(FAN_CLOSE_WRITE);
			ASSERT_LE(0, socks[i]);
		}
		ASSERT_EQ(0, cause());
		/* Every second one goes with its event unread. */
		for (i = 0; i < NLISTENERS; i += 2)
			EXPECT_EQ(FAN_CLOSE_WRITE,
				  only_event(socks[i], &self->st));
		for (i = 0; i < NLISTENERS; i++)
			ASSERT_EQ(0, close(socks[i]));
	}
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st));
}

/* How many files the system may have open; only root may have more. */
static int set_file_max(const char *text)
{
	int fd = open("/proc/sys/fs/file-max", O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -errno : result(write(fd, text, strlen(text)));

	close(fd);
	return ret < 0 ? ret : 0;
}

/* An unprivileged reader is out of files: the event waits for a better time. */
TEST_F(life, no_file_left)
{
	struct fanotify_so_event_metadata ev;
	pid_t child;

	ASSERT_EQ(0, cause());
	ASSERT_EQ(0, set_file_max("1"));
	child = fork();
	if (!child)
		_exit(become_nobody() ? 1 : -take_event(self->sock, &ev));
	EXPECT_EQ(ENFILE, exit_status(child));
	ASSERT_EQ(0, set_file_max("100000"));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->sock, &self->st));
}

int main(int argc, char **argv)
{
	/* What exec_reader() runs. */
	if (argc == 3 && !strcmp(argv[1], "--read"))
		return read_one(atoi(argv[2]));
	return test_harness_run(argc, argv);
}
