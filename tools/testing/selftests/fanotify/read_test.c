// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the calls that read events, their buffers and errors
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "common.h"

#define LEN FAN_SO_EVENT_LEN
#define NFILES 8

static void file_path(char *path, int i)
{
	sprintf(path, TMP "/file%d", i);
}

/* The files; every test is a process of its own. */
static struct stat files[NFILES];

/* Which files the events were for that seen_in() was shown. */
static int seen[NFILES];
static int nr_seen;

/*
 * A listener for FAN_OPEN and some files. Opening each but once gives events
 * that nothing will ever merge.
 */
FIXTURE(read)
{
	int sock;
};

FIXTURE_SETUP(read)
{
	char path[64];
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++) {
		file_path(path, i);
		ASSERT_EQ(0, write_file(path, "text"));
		ASSERT_EQ(0, stat(path, &files[i]));
	}
	self->sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(read)
{
	close(self->sock);
}

/* Opens the files from @first on, @nr of them. */
static int open_files(int first, int nr)
{
	char path[64];
	int i, ret = 0;

	for (i = first; i < first + nr && !ret; i++) {
		file_path(path, i);
		ret = open_close(path, O_RDONLY);
	}
	return ret;
}

/* Notes whose events are in the buffer, and closes them. How many bytes? */
static long seen_in(void *buf, long len)
{
	struct fanotify_so_event_metadata *ev = buf;
	long used = 0;
	int i;

	while (FAN_SO_EVENT_OK(ev, len)) {
		for (i = 0; i < NFILES; i++) {
			if (is_file(ev->fd, &files[i]) && nr_seen < NFILES)
				seen[nr_seen++] = i;
		}
		close_event(ev);
		used += ev->event_len;
		ev = FAN_SO_EVENT_NEXT(ev, len);
	}
	return used;
}

/* Takes the rest of the queue: was each event seen once and in order? */
static bool seen_all(int sock, int nr)
{
	struct fanotify_so_event_metadata evs[NFILES];
	ssize_t len;
	int i;

	while ((len = recv(sock, evs, sizeof(evs), MSG_DONTWAIT)) > 0)
		seen_in(evs, len);
	if (errno != EAGAIN || nr_seen != nr)
		return false;
	for (i = 0; i < nr; i++) {
		if (seen[i] != i)
			return false;
	}
	return true;
}

FIXTURE(flag) {};

FIXTURE_VARIANT(flag) {
	int flag;
};

FIXTURE_SETUP(flag) {}

FIXTURE_TEARDOWN(flag) {}

FIXTURE_VARIANT_ADD(flag, peek) {
	.flag = MSG_PEEK,
};

FIXTURE_VARIANT_ADD(flag, oob) {
	.flag = MSG_OOB,
};

FIXTURE_VARIANT_ADD(flag, errqueue) {
	.flag = MSG_ERRQUEUE,
};

TEST_F(flag, not_supported)
{
	char buf[64];
	int sock = new_socket();
	struct stat st;

	/* The flags are looked at first: this socket is not bound. */
	ASSERT_LE(0, sock);
	EXPECT_EQ(-EOPNOTSUPP, result(recv(sock, buf, 64, variant->flag)));
	EXPECT_EQ(-EOPNOTSUPP, result(recv(sock, buf, 0, variant->flag)));
	EXPECT_EQ(0, close(sock));

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, open_close(TMP "/file", O_RDONLY));
	EXPECT_EQ(-EOPNOTSUPP, result(recv(sock, buf, 64, variant->flag)));
	EXPECT_EQ(-EOPNOTSUPP, result(recv(sock, buf, 64, variant->flag |
							  MSG_DONTWAIT)));
	EXPECT_EQ(-EOPNOTSUPP, result(recv(sock, buf, 0, variant->flag)));
	EXPECT_EQ(FAN_OPEN, only_event(sock, &st));
	EXPECT_EQ(0, close(sock));
}

TEST(unbound)
{
	char buf[64];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, result(read(sock, buf, 64)));
	EXPECT_EQ(-ENOTCONN, result(readv(sock, &iov, 1)));
	EXPECT_EQ(-ENOTCONN, result(recv(sock, buf, 64, 0)));
	EXPECT_EQ(-ENOTCONN, result(recv(sock, buf, 64, MSG_DONTWAIT)));
	EXPECT_EQ(-ENOTCONN, result(recvmsg(sock, &msg.msg_hdr, 0)));
	EXPECT_EQ(-ENOTCONN, result(recvmmsg(sock, &msg, 1, 0, NULL)));
	/* That comes before the size of the buffer. */
	EXPECT_EQ(-ENOTCONN, result(recv(sock, buf, 31, 0)));
	EXPECT_EQ(-ENOTCONN, result(recv(sock, buf, 0, 0)));
	EXPECT_EQ(0, close(sock));
}

/* A buffer without room for an event is refused at once, event or no event. */
TEST_F(read, small_buffer)
{
	int deaf = deaf_listener();
	char buf[64];
	size_t len;

	ASSERT_LE(0, deaf);
	ASSERT_EQ(0, open_files(0, 1));
	for (len = 0; len < LEN; len++) {
		EXPECT_EQ(-EINVAL, result(recv(deaf, buf, len, 0)));
		EXPECT_EQ(-EINVAL, result(recv(deaf, buf, len, MSG_DONTWAIT)));
		EXPECT_EQ(-EINVAL, result(recv(self->sock, buf, len, 0)));
		/* The socket layer answers a read() of nothing. */
		EXPECT_EQ(len ? -EINVAL : 0, result(read(deaf, buf, len)));
		EXPECT_EQ(len ? -EINVAL : 0,
			  result(read(self->sock, buf, len)));
	}
	EXPECT_TRUE(seen_all(self->sock, 1));
}

TEST(nothing_queued)
{
	struct timeval tv = { .tv_usec = 10000 };
	int sock = deaf_listener();
	char buf[64];

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EAGAIN, result(recv(sock, buf, sizeof(buf), MSG_DONTWAIT)));
	ASSERT_EQ(0, setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	EXPECT_EQ(-EAGAIN, result(recv(sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(-EAGAIN, result(read(sock, buf, sizeof(buf))));
	tv.tv_usec = 0;
	ASSERT_EQ(0, setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv,
				sizeof(tv)));
	ASSERT_EQ(0, fcntl(sock, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, result(read(sock, buf, sizeof(buf))));
	EXPECT_EQ(-EAGAIN, result(recv(sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, close(sock));
}

static void on_alarm(int sig)
{
	int saved = errno;

	open_files(0, 1);
	errno = saved;
}

/* Alarms until the end of the test, so that one comes while it sleeps. */
static int start_alarms(int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = {
		.it_interval = { .tv_usec = 50000 },
		.it_value = { .tv_usec = 50000 },
	};

	return sigaction(SIGALRM, &sa, NULL) ?:
	       setitimer(ITIMER_REAL, &it, NULL);
}

TEST_F(read, interrupted)
{
	int sock = deaf_listener();
	char buf[64];

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, start_alarms(0));
	EXPECT_EQ(-EINTR, result(read(sock, buf, sizeof(buf))));
	EXPECT_EQ(-EINTR, result(recv(sock, buf, sizeof(buf), 0)));
}

/* The handler causes the event for which the call then goes on to wait. */
TEST_F(read, restarted)
{
	struct fanotify_so_event_metadata ev;

	bool found;

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, start_alarms(SA_RESTART));
	do {
		ASSERT_EQ(LEN, result(read(self->sock, &ev, sizeof(ev))));
		found = is_file(ev.fd, &files[0]);
		close_event(&ev);
	} while (!found);
}

/* Two pages, of which the second one is out of bounds: its start. */
static char *before_hole(void)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED || mprotect(map + 4096, 4096, PROT_NONE))
		return NULL;
	return map + 4096;
}

TEST_F(read, bad_pointer)
{
	static const size_t room[] = { 0, 1, 4, 16, 31 };
	char *hole = before_hole();
	int fds = count_fds();
	void *rdonly;
	size_t i;

	ASSERT_NE(NULL, hole);
	rdonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	ASSERT_NE(MAP_FAILED, rdonly);

	ASSERT_EQ(0, open_files(0, 2));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, LEN, 0)));
	EXPECT_EQ(-EFAULT, result(read(self->sock, hole, LEN)));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, rdonly, LEN, 0)));
	for (i = 0; i < ARRAY_SIZE(room); i++) {
		EXPECT_EQ(-EFAULT, result(recv(self->sock, hole - room[i],
					       LEN, 0)));
	}
	/* Neither an event nor a descriptor was lost. */
	EXPECT_EQ(fds, count_fds());
	EXPECT_TRUE(seen_all(self->sock, 2));
	EXPECT_EQ(fds, count_fds());
}

/* What fits before the fault is returned, the rest is left for later. */
TEST_F(read, bad_pointer_after_an_event)
{
	static const size_t room[] = { LEN, LEN + 1, LEN + 31 };
	char *hole = before_hole();
	int fds = count_fds();
	size_t i;

	ASSERT_NE(NULL, hole);
	ASSERT_EQ(0, open_files(0, 5));
	for (i = 0; i < ARRAY_SIZE(room); i++) {
		ASSERT_EQ(LEN, result(recv(self->sock, hole - room[i],
					   4 * LEN, 0)));
		EXPECT_EQ(fds + 1, count_fds());
		EXPECT_EQ(LEN, seen_in(hole - room[i], LEN));
		EXPECT_EQ(fds, count_fds());
	}
	EXPECT_TRUE(seen_all(self->sock, 5));
}

TEST_F(read, as_many_as_fit)
{
	unsigned char buf[8 * LEN];
	size_t i;

	ASSERT_EQ(0, open_files(0, 5));
	memset(buf, 0xaa, sizeof(buf));
	ASSERT_EQ(3 * LEN, result(recv(self->sock, buf, 3 * LEN + 31, 0)));
	for (i = 3 * LEN; i < sizeof(buf); i++)
		EXPECT_EQ(0xaa, buf[i]);
	EXPECT_EQ(3 * LEN, seen_in(buf, 3 * LEN));

	/* A blocking read does not wait for more than there is. */
	memset(buf, 0xaa, sizeof(buf));
	ASSERT_EQ(2 * LEN, result(read(self->sock, buf, sizeof(buf))));
	for (i = 2 * LEN; i < sizeof(buf); i++)
		EXPECT_EQ(0xaa, buf[i]);
	EXPECT_EQ(2 * LEN, seen_in(buf, 2 * LEN));
	EXPECT_TRUE(seen_all(self->sock, 5));
}

/* Not even MSG_WAITALL does. */
TEST_F(read, waitall)
{
	char buf[8 * LEN];

	ASSERT_EQ(0, open_files(0, 2));
	ASSERT_EQ(2 * LEN, result(recv(self->sock, buf, sizeof(buf),
				       MSG_WAITALL)));
	EXPECT_EQ(2 * LEN, seen_in(buf, 2 * LEN));
	EXPECT_TRUE(seen_all(self->sock, 2));
}

/* Pieces of every size, most of which end inside an event. */
static int split(struct iovec *iov, char *buf)
{
	static const size_t lens[] = { 1, 0, 7, 20, 4, 0, 33, 31 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		iov[i].iov_base = buf;
		iov[i].iov_len = lens[i];
		buf += lens[i];
	}
	return ARRAY_SIZE(lens);
}

TEST_F(read, readv)
{
	struct iovec iov[8];
	char buf[4 * LEN];
	int nr = split(iov, buf);

	ASSERT_EQ(0, open_files(0, 3));
	ASSERT_EQ(3 * LEN, result(readv(self->sock, iov, nr)));
	EXPECT_EQ(3 * LEN, seen_in(buf, 3 * LEN));
	EXPECT_TRUE(seen_all(self->sock, 3));
	/* Too small in all. */
	EXPECT_EQ(-EINVAL, result(readv(self->sock, iov, 3)));
}

TEST_F(read, recvmsg)
{
	struct fanotify_addr from;
	char control[64];
	struct iovec iov[8];
	char buf[4 * LEN];
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = iov,
		.msg_iovlen = split(iov, buf),
		.msg_control = control,
		.msg_controllen = sizeof(control),
		.msg_flags = -1,
	};

	memset(&from, 0xaa, sizeof(from));
	ASSERT_EQ(0, open_files(0, 4));
	ASSERT_EQ(3 * LEN, result(recvmsg(self->sock, &msg, 0)));
	EXPECT_EQ(0, msg.msg_namelen);
	EXPECT_EQ(0xaaaa, from.family);
	EXPECT_EQ(0, msg.msg_controllen);
	EXPECT_EQ(0, msg.msg_flags);
	EXPECT_EQ(3 * LEN, seen_in(buf, 3 * LEN));
	EXPECT_TRUE(seen_all(self->sock, 4));
}

TEST_F(read, recvfrom)
{
	struct fanotify_addr from;
	socklen_t len = sizeof(from);
	char buf[LEN];

	ASSERT_EQ(0, open_files(0, 1));
	ASSERT_EQ(LEN, result(recvfrom(self->sock, buf, LEN, 0,
				       sockaddr_of(&from), &len)));
	EXPECT_EQ(0, len);
	EXPECT_EQ(LEN, seen_in(buf, LEN));
	EXPECT_TRUE(seen_all(self->sock, 1));
}

TEST_F(read, recvmmsg)
{
	char bufs[2][LEN + 8];
	struct iovec iov[2] = {
		{ .iov_base = bufs[0], .iov_len = LEN + 8 },
		{ .iov_base = bufs[1], .iov_len = LEN + 8 },
	};
	struct mmsghdr msg[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } },
	};
	int i;

	ASSERT_EQ(0, open_files(0, 3));
	ASSERT_EQ(2, result(recvmmsg(self->sock, msg, 2, 0, NULL)));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(LEN, msg[i].msg_len);
		EXPECT_EQ(LEN, seen_in(bufs[i], LEN));
	}
	/* One is left. */
	ASSERT_EQ(1, result(recvmmsg(self->sock, msg, 2, MSG_WAITFORONE,
				     NULL)));
	EXPECT_EQ(LEN, msg[0].msg_len);
	EXPECT_EQ(LEN, seen_in(bufs[0], LEN));
	EXPECT_TRUE(seen_all(self->sock, 3));
	EXPECT_EQ(-EAGAIN, result(recvmmsg(self->sock, msg, 2, MSG_DONTWAIT,
					   NULL)));
}

/* After the first message: it is not an error that the next call meets. */
TEST_F(read, recvmmsg_interrupted)
{
	char bufs[2][LEN], path[64];
	struct iovec iov[2] = {
		{ .iov_base = bufs[0], .iov_len = LEN },
		{ .iov_base = bufs[1], .iov_len = LEN },
	};
	struct mmsghdr msg[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } },
	};
	int sock = deaf_listener();

	ASSERT_LE(0, sock);
	file_path(path, 1);
	ASSERT_EQ(0, mark_path(sock, path, FAN_OPEN, 0));
	ASSERT_EQ(0, open_files(1, 1));
	ASSERT_EQ(0, start_alarms(0));
	ASSERT_EQ(1, result(recvmmsg(sock, msg, 2, 0, NULL)));
	EXPECT_EQ(LEN, seen_in(bufs[0], LEN));
	EXPECT_EQ(-EAGAIN, result(recv(sock, bufs[0], LEN, MSG_DONTWAIT)));
	EXPECT_EQ(0, close(sock));
}

TEST_F(read, out_of_descriptors)
{
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	struct rlimit old;
	char buf[4 * LEN];

	ASSERT_EQ(0, open_files(0, 2));
	old = leave_fds(0);
	ASSERT_EQ(-EMFILE, result(dup(0)));
	EXPECT_EQ(-EMFILE, result(read(self->sock, buf, sizeof(buf))));
	EXPECT_EQ(-EMFILE, result(recv(self->sock, buf, LEN, 0)));
	EXPECT_EQ(-EMFILE, result(recv(self->sock, buf, LEN, MSG_DONTWAIT)));
	EXPECT_EQ(1, poll(&pfd, 1, 0));
	EXPECT_EQ(POLLIN, pfd.revents);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(seen_all(self->sock, 2));
}

TEST_F(read, out_of_descriptors_on_the_way)
{
	struct rlimit old;
	char buf[4 * LEN], rest[4 * LEN];

	ASSERT_EQ(0, open_files(0, 4));
	old = leave_fds(2);
	ASSERT_EQ(2 * LEN, result(recv(self->sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(-EMFILE, result(recv(self->sock, rest, sizeof(rest), 0)));
	/* Closing them makes room for two more. */
	EXPECT_EQ(2 * LEN, seen_in(buf, 2 * LEN));
	EXPECT_EQ(2 * LEN, result(recv(self->sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(2 * LEN, seen_in(buf, 2 * LEN));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(seen_all(self->sock, 4));
}

/* Reading takes no descriptor but those of the events. */
TEST_F(read, no_descriptor_leaks)
{
	int fds = count_fds();
	char buf[8 * LEN];
	int i;

	for (i = 0; i < 100; i++) {
		nr_seen = 0;
		ASSERT_EQ(0, open_files(0, 4));
		ASSERT_EQ(3 * LEN, result(read(self->sock, buf, 3 * LEN)));
		EXPECT_EQ(fds + 3, count_fds());
		EXPECT_EQ(3 * LEN, seen_in(buf, 3 * LEN));
		EXPECT_TRUE(seen_all(self->sock, 4));
	}
	EXPECT_EQ(fds, count_fds());
}

TEST_HARNESS_MAIN
