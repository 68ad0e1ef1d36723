// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: which events become one while they wait to be read
 */

#define _GNU_SOURCE
#include "common.h"

#define DIR_PATH TMP "/dir"
#define A DIR_PATH "/a"
#define B DIR_PATH "/b"
#define C DIR_PATH "/c"

#define READ_IT (FAN_OPEN | FAN_CLOSE_NOWRITE)

/* What an event is expected to be. */
struct want {
	const struct stat *st;
	__u32 mask;
	pid_t pid;
};

FIXTURE(merge)
{
	int sock;
	struct stat a, b;
};

FIXTURE_VARIANT(merge) {
	bool global;
};

FIXTURE_VARIANT_ADD(merge, directed) {
	.global = false,
};

FIXTURE_VARIANT_ADD(merge, global) {
	.global = true,
};

FIXTURE_SETUP(merge)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(A, "text of a"));
	ASSERT_EQ(0, write_file(B, "text of b"));
	ASSERT_EQ(0, stat(A, &self->a));
	ASSERT_EQ(0, stat(B, &self->b));
	self->sock = variant->global ? global_listener(ALL_EVENTS) :
				       dir_listener(DIR_PATH, ALL_EVENTS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(merge)
{
	close(self->sock);
}

/*
 * Takes all that is queued. It has to be, apart from events of other file
 * systems, exactly this, in this order.
 */
static void expect_events(struct __test_metadata *_metadata, int sock,
			  const struct want *want, int nr)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int ret, i = 0;

	while ((ret = take_event(sock, &ev)) > 0) {
		ASSERT_LE(0, ev.fd);
		ASSERT_EQ(0, fstat(ev.fd, &st));
		if (st.st_dev == want->st->st_dev) {
			ASSERT_GT(nr, i);
			EXPECT_EQ(want[i].st->st_ino, st.st_ino);
			EXPECT_EQ(want[i].mask, ev.mask);
			EXPECT_EQ(want[i].pid, ev.pid);
			i++;
		}
		close_event(&ev);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(nr, i);
}

/* All that one thread does to a file. */
TEST_F(merge, whole_life)
{
	const struct want want[] = {
		{ &self->a, FAN_OPEN | FAN_ACCESS | FAN_MODIFY |
			    FAN_CLOSE_WRITE, getpid() },
	};
	int fds, fd;
	char c;

	fd = open(A, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ(1, pwrite(fd, &c, 1, 0));
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ(0, close(fd));
	fds = count_fds();
	expect_events(_metadata, self->sock, want, 1);
	EXPECT_EQ(fds, count_fds());
}

TEST_F(merge, keeps_its_place)
{
	const struct want want[] = {
		{ &self->a, READ_IT | FAN_ACCESS, getpid() },
		{ &self->b, READ_IT, getpid() },
	};
	int a, b;
	char c;

	a = open(A, O_RDONLY);
	ASSERT_LE(0, a);
	b = open(B, O_RDONLY);
	ASSERT_LE(0, b);
	EXPECT_EQ(0, close(b));
	EXPECT_EQ(1, read(a, &c, 1));
	EXPECT_EQ(0, close(a));
	expect_events(_metadata, self->sock, want, 2);
}

TEST_F(merge, again_and_again)
{
	const struct want want[] = { { &self->a, READ_IT, getpid() } };
	int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, open_close(A, O_RDONLY));
	expect_events(_metadata, self->sock, want, 1);
}

/* What is read is gone. */
TEST_F(merge, not_with_one_that_was_read)
{
	const struct want opened[] = { { &self->a, FAN_OPEN, getpid() } };
	const struct want closed[] = {
		{ &self->a, FAN_CLOSE_NOWRITE, getpid() },
	};
	int fd;

	fd = open(A, O_RDONLY);
	ASSERT_LE(0, fd);
	expect_events(_metadata, self->sock, opened, 1);
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, self->sock, closed, 1);
}

/* A read that fails puts it back, to be joined as before. */
TEST_F(merge, after_a_failed_read)
{
	const struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &self->b, READ_IT, getpid() },
	};
	int fd;

	ASSERT_EQ(0, drain(self->sock));
	fd = open(A, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, 64, 0)));
	ASSERT_EQ(0, open_close(B, O_RDONLY));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, 64, 0)));
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, self->sock, want, 2);
}

/* Nor does one that had no descriptor for it keep others from joining. */
TEST_F(merge, after_a_read_without_descriptors)
{
	const struct want want[] = { { &self->a, READ_IT, getpid() } };
	struct fanotify_so_event_metadata ev;
	struct rlimit old;
	int fd;

	ASSERT_EQ(0, drain(self->sock));
	fd = open(A, O_RDONLY);
	ASSERT_LE(0, fd);
	old = leave_fds(0);
	EXPECT_EQ(-EMFILE, take_event(self->sock, &ev));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, self->sock, want, 1);
}

static void *open_close_main(void *arg)
{
	*(pid_t *)arg = gettid();
	return (void *)(long)open_close(A, O_RDONLY);
}

/* Each thread has its own, and they do not come between each other. */
TEST_F(merge, threads)
{
	struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &self->a, READ_IT, 0 },
	};
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, open_close(A, O_RDONLY));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_close_main,
				    &want[1].pid));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	ASSERT_NE(getpid(), want[1].pid);
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	expect_events(_metadata, self->sock, want, 2);
}

TEST_F(merge, processes)
{
	struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &self->a, READ_IT, 0 },
	};

	ASSERT_EQ(0, open_close(A, O_RDONLY));
	want[1].pid = fork();
	ASSERT_LE(0, want[1].pid);
	if (!want[1].pid)
		_exit(open_close(A, O_RDONLY) ? 1 : 0);
	ASSERT_EQ(0, exit_status(want[1].pid));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	expect_events(_metadata, self->sock, want, 2);
}

/* An open file that two processes have is closed by the last of them. */
TEST_F(merge, one_file_of_two_processes)
{
	struct want want[] = {
		{ &self->a, FAN_OPEN, getpid() },
		{ &self->a, FAN_ACCESS | FAN_CLOSE_NOWRITE, 0 },
	};
	int fd, go[2];
	char c;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	fd = open(A, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	want[1].pid = fork();
	ASSERT_LE(0, want[1].pid);
	if (!want[1].pid) {
		close(go[1]);
		if (read(go[0], &c, 1) || read(fd, &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, close(go[1]));
	ASSERT_EQ(0, exit_status(want[1].pid));
	expect_events(_metadata, self->sock, want, 2);
}

/* Two ways to have the file open are two events, as f_flags tells them. */
TEST_F(merge, f_flags)
{
	const struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &self->a, READ_IT, getpid() },
		{ &self->a, FAN_OPEN | FAN_CLOSE_WRITE, getpid() },
	};

	ASSERT_EQ(0, open_close(A, O_RDONLY));
	ASSERT_EQ(0, open_close(A, O_RDONLY | O_NONBLOCK));
	ASSERT_EQ(0, open_close(A, O_RDWR));
	/* Each of them takes the next of its kind. */
	ASSERT_EQ(0, open_close(A, O_RDWR));
	ASSERT_EQ(0, open_close(A, O_RDONLY | O_NONBLOCK));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	expect_events(_metadata, self->sock, want, 3);
}

TEST_F(merge, f_flags_that_change)
{
	const struct want want[] = {
		{ &self->a, FAN_OPEN, getpid() },
		{ &self->a, FAN_MODIFY | FAN_CLOSE_WRITE, getpid() },
	};
	int fd;

	fd = open(A, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND));
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, self->sock, want, 2);
}

/* Flags that are gone once the file is open make no difference. */
TEST_F(merge, flags_of_the_opening)
{
	const struct want want[] = {
		{ &self->a, FAN_OPEN | FAN_CLOSE_WRITE, getpid() },
	};

	ASSERT_EQ(0, open_close(A, O_WRONLY));
	ASSERT_EQ(0, open_close(A, O_WRONLY | O_CREAT | O_NOCTTY));
	expect_events(_metadata, self->sock, want, 1);
}

/* Another name of the same file: the event's descriptor shows which one. */
TEST_F(merge, hard_link)
{
	const struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &self->a, READ_IT, getpid() },
	};

	ASSERT_EQ(0, link(A, C));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	ASSERT_EQ(0, open_close(C, O_RDONLY));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	ASSERT_EQ(0, open_close(C, O_RDONLY));
	expect_events(_metadata, self->sock, want, 2);
}

TEST_F(merge, bind_mount)
{
	static const char * const paths[] = { A, TMP "/bind/a" };
	struct fanotify_so_event_metadata ev;
	char link[64], path[64];
	int i, len;

	ASSERT_EQ(0, mkdir(TMP "/bind", 0755));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/bind", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, drain(self->sock));
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, open_close(paths[i % 2], O_RDONLY));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, take_event(self->sock, &ev));
		EXPECT_TRUE(is_file(ev.fd, &self->a));
		EXPECT_EQ(READ_IT, ev.mask);
		sprintf(link, "/proc/self/fd/%d", ev.fd);
		len = readlink(link, path, sizeof(path) - 1);
		ASSERT_LT(0, len);
		path[len] = 0;
		EXPECT_STREQ(paths[i], path);
		close_event(&ev);
	}
	EXPECT_EQ(0, drain(self->sock));
}

/* Under a new name it is the same file. */
TEST_F(merge, renamed)
{
	const struct want want[] = { { &self->a, READ_IT, getpid() } };
	int fd;

	fd = open(A, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rename(A, C));
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, self->sock, want, 1);
}

/* Under the same name it is another file. */
TEST_F(merge, replaced)
{
	struct stat st;
	struct want want[] = {
		{ &self->a, READ_IT, getpid() },
		{ &st, READ_IT, getpid() },
	};

	ASSERT_EQ(0, write_file(TMP "/new", "text"));
	ASSERT_EQ(0, stat(TMP "/new", &st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	ASSERT_EQ(0, rename(TMP "/new", A));
	ASSERT_EQ(0, open_close(A, O_RDONLY));
	expect_events(_metadata, self->sock, want, 2);
}

TEST_F(merge, directory)
{
	int sock = variant->global ? global_listener(ALL_EVENTS | FAN_ONDIR) :
				     dir_listener(DIR_PATH,
						  ALL_EVENTS | FAN_ONDIR);
	struct stat st;
	const struct want want[] = { { &st, READ_IT | FAN_ACCESS, getpid() } };
	char names[4096];
	int fd;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, stat(DIR_PATH, &st));
	fd = open(DIR_PATH, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, syscall(SYS_getdents64, fd, names, sizeof(names)));
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, sock, want, 1);
	EXPECT_EQ(0, close(sock));
}

/* To open it for that is no other way to have it open. */
TEST_F(merge, execution)
{
	struct want want[] = {
		{ &self->a, READ_IT | FAN_OPEN_EXEC | FAN_ACCESS, 0 },
	};

	ASSERT_EQ(0, write_file(A, "#!/bin/busybox true\n"));
	ASSERT_EQ(0, drain(self->sock));
	want->pid = fork();
	ASSERT_LE(0, want->pid);
	if (!want->pid) {
		int fd = open(A, O_RDONLY);
		char c;

		if (read(fd, &c, 1) != 1 || close(fd))
			_exit(100);
		execl(A, A, NULL);
		_exit(errno);
	}
	ASSERT_EQ(0, exit_status(want->pid));
	expect_events(_metadata, self->sock, want, 1);
}

/* Each listener has a queue of its own. */
TEST_F(merge, listeners)
{
	const struct want whole[] = { { &self->a, READ_IT, getpid() } };
	const struct want opened[] = { { &self->a, FAN_OPEN, getpid() } };
	const struct want closed[] = {
		{ &self->a, FAN_CLOSE_NOWRITE, getpid() },
	};
	int other = global_listener(READ_IT);
	int fd;

	ASSERT_LE(0, other);
	fd = open(A, O_RDONLY);
	ASSERT_LE(0, fd);
	expect_events(_metadata, other, opened, 1);
	EXPECT_EQ(0, close(fd));
	expect_events(_metadata, other, closed, 1);
	expect_events(_metadata, self->sock, whole, 1);
	EXPECT_EQ(0, close(other));
}

static int set_rcvbuf(int sock, int events)
{
	int bytes = events * FAN_SO_EVENT_COST;

	return result(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes,
				 sizeof(bytes)));
}

/* What is merged takes no room, so it is not lost for want of room. */
TEST_F(merge, into_a_full_queue)
{
	const struct want want[] = {
		{ &self->a, READ_IT | FAN_ACCESS, getpid() },
		{ &self->b, READ_IT, getpid() },
	};
	struct fanotify_so_event_metadata evs[2], over;
	int i, a, b;
	char c;

	ASSERT_EQ(0, write_file(C, "text of c"));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, set_rcvbuf(self->sock, 2));
	a = open(A, O_RDONLY);
	ASSERT_LE(0, a);
	b = open(B, O_RDONLY);
	ASSERT_LE(0, b);
	/* Both of its events are lost. */
	ASSERT_EQ(0, open_close(C, O_RDONLY));
	EXPECT_EQ(1, read(a, &c, 1));
	EXPECT_EQ(0, close(b));
	EXPECT_EQ(0, close(a));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, take_event(self->sock, &evs[i]));
		EXPECT_TRUE(is_file(evs[i].fd, want[i].st));
		EXPECT_EQ(want[i].mask, evs[i].mask);
		close_event(&evs[i]);
	}
	ASSERT_EQ(1, take_event(self->sock, &over));
	EXPECT_EQ(FAN_Q_OVERFLOW, over.mask);
	EXPECT_EQ(2, over.cookie);
	EXPECT_EQ(0, drain(self->sock));
}

#define DEPTH 1000

/* However many are between them. */
TEST_F(merge, in_a_deep_queue)
{
	struct fanotify_so_event_metadata ev;
	int i, round, ret, seen = 0;
	char path[64];

	for (i = 0; i < DEPTH; i++) {
		sprintf(path, DIR_PATH "/deep%d", i);
		ASSERT_EQ(0, write_file(path, ""));
	}
	ASSERT_EQ(0, drain(self->sock));
	for (round = 0; round < 2; round++) {
		for (i = 0; i < DEPTH; i++) {
			sprintf(path, DIR_PATH "/deep%d", i);
			ASSERT_EQ(0, open_close(path, O_RDONLY));
		}
	}
	while ((ret = take_event(self->sock, &ev)) > 0) {
		EXPECT_EQ(READ_IT, ev.mask);
		close_event(&ev);
		seen++;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(DEPTH, seen);
}

/* Opens and closes the file until it is told to stop. */
static void *busy_main(void *arg)
{
	while (!__atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE)) {
		if (open_close(A, O_WRONLY))
			return (void *)1L;
	}
	return NULL;
}

/*
 * While a reader takes events that others want to merge into: an open that is
 * told of before its file is closed is followed by an event of the close.
 */
TEST_F(merge, against_a_reader)
{
	bool stop = false;
	pthread_t thread;
	void *ret;
	int i, fd;

	ASSERT_EQ(0, pthread_create(&thread, NULL, busy_main, &stop));
	for (i = 0; i < 500; i++) {
		fd = open(B, O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(FAN_OPEN, all_events(self->sock, &self->b));
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(FAN_CLOSE_NOWRITE,
			  all_events(self->sock, &self->b));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
}

TEST_HARNESS_MAIN
