// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the bound of the queue, and the overflow that comes when
 * it is reached
 */

#define _GNU_SOURCE
#include <linux/capability.h>

#include "many.h"
#include "marks.h"

#define LEN FAN_SO_EVENT_LEN
#define COST FAN_SO_EVENT_COST

#define DEFAULT_EVENTS 16384
#define DEFAULT_BYTES (DEFAULT_EVENTS * COST)

#define MAX_QUEUE_BYTES "/proc/sys/fs/fanotify_socket/max_queue_bytes"
#define DEFAULT_MAX_BYTES 67108864

#define DIR_PATH TMP "/dir"

static int set_buf(int sock, int option, int bytes)
{
	return result(setsockopt(sock, SOL_SOCKET, option, &bytes,
				 sizeof(bytes)));
}

/* What SO_RCVBUF is, or -errno. */
static int get_buf(int sock)
{
	socklen_t len = sizeof(int);
	int bytes = -1;

	if (getsockopt(sock, SOL_SOCKET, SO_RCVBUF, &bytes, &len))
		return -errno;
	return len == sizeof(bytes) ? bytes : -EPROTO;
}

static long read_sysctl(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return text[0] ? atol(text) : -EIO;
}

/* Sets whether the effective capabilities include CAP_NET_ADMIN. */
static int set_net_admin(bool on)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	data[0].effective &= ~(1U << CAP_NET_ADMIN);
	if (on)
		data[0].effective |= 1U << CAP_NET_ADMIN;
	return result(syscall(SYS_capset, &hdr, data));
}

/* Opens the files with these names. 0 or -errno. */
static int cause(const char *names)
{
	char path[64];
	int ret = 0;

	for (; *names && !ret; names++) {
		sprintf(path, DIR_PATH "/%c", *names);
		ret = open_close(path, O_RDONLY);
	}
	return ret;
}

/* What is in a file: its name. */
static char name_of(int fd)
{
	char c;

	return pread(fd, &c, 1, 0) == 1 ? c : '?';
}

/*
 * Takes @nr events, or as many as there are, and tells them: names of files,
 * and "(n)" for an overflow that says that n are lost.
 */
static const char *take(int sock, int nr)
{
	static char text[64 * LEN];
	struct fanotify_so_event_metadata ev;
	char *end = text;
	int ret = 0;

	while (nr-- && (ret = take_event(sock, &ev)) > 0) {
		if (ev.mask != FAN_Q_OVERFLOW)
			end += sprintf(end, "%c", name_of(ev.fd));
		else if (ev.fd != FAN_NOFD || ev.pid || ev.tgid || ev.f_flags)
			end += sprintf(end, "(bad)");
		else
			end += sprintf(end, "(%llu)",
				       (unsigned long long)ev.cookie);
		close_event(&ev);
	}
	if (ret < 0)
		end += sprintf(end, "error %d", -ret);
	*end = 0;
	return text;
}

static const char *take_all(int sock)
{
	return take(sock, INT_MAX);
}

static void make_files(struct __test_metadata *_metadata)
{
	char path[64], c;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	for (c = 'a'; c <= 'z'; c++) {
		char text[2] = { c };

		sprintf(path, DIR_PATH "/%c", c);
		ASSERT_EQ(0, write_file(path, text));
	}
}

/* A listener to the opening of 26 files, and ways to bound its queue. */
FIXTURE(bound)
{
	int sock;
};

FIXTURE_VARIANT(bound) {
	int option;
	bool before_bind;
	bool global;
};

FIXTURE_VARIANT_ADD(bound, after_bind) {
	.option = SO_RCVBUF,
};

FIXTURE_VARIANT_ADD(bound, before_bind) {
	.option = SO_RCVBUF,
	.before_bind = true,
};

FIXTURE_VARIANT_ADD(bound, force_after_bind) {
	.option = SO_RCVBUFFORCE,
};

FIXTURE_VARIANT_ADD(bound, force_before_bind) {
	.option = SO_RCVBUFFORCE,
	.before_bind = true,
};

FIXTURE_VARIANT_ADD(bound, global) {
	.option = SO_RCVBUF,
	.global = true,
};

FIXTURE_VARIANT_ADD(bound, global_before_bind) {
	.option = SO_RCVBUF,
	.global = true,
	.before_bind = true,
};

FIXTURE_SETUP(bound)
{
	make_files(_metadata);
	self->sock = -1;
}

FIXTURE_TEARDOWN(bound)
{
	close(self->sock);
}

/* Makes the listener with room for so many bytes. 0 or -errno. */
static int start(FIXTURE_DATA(bound) *self,
		 const FIXTURE_VARIANT(bound) *variant, int bytes)
{
	struct fanotify_addr addr = address(variant->global ?
					    FAN_GLOBAL_LISTENER | FAN_OPEN : 0,
					    O_RDONLY | O_CLOEXEC);
	int ret = 0;

	self->sock = new_socket();
	if (self->sock < 0)
		return self->sock;
	if (variant->before_bind)
		ret = set_buf(self->sock, variant->option, bytes);
	if (!ret)
		ret = do_bind(self->sock, &addr);
	if (!ret && !variant->global)
		ret = mark_path(self->sock, DIR_PATH,
				FAN_OPEN | FAN_EVENT_ON_CHILD, 0);
	if (!ret && !variant->before_bind)
		ret = set_buf(self->sock, variant->option, bytes);
	return ret;
}

TEST_F(bound, exact_number)
{
	ASSERT_EQ(0, start(self, variant, 10 * COST));
	EXPECT_EQ(10 * COST, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcdefghij"));
	EXPECT_STREQ("abcdefghij", take_all(self->sock));
	ASSERT_EQ(0, cause("abcdefghijklm"));
	EXPECT_STREQ("abcdefghij(3)", take_all(self->sock));
	/* And all is as before. */
	ASSERT_EQ(0, cause("abcdefghij"));
	EXPECT_STREQ("abcdefghij", take_all(self->sock));
}

TEST_F(bound, rounds_down)
{
	ASSERT_EQ(0, start(self, variant, 4 * COST - 1));
	EXPECT_EQ(4 * COST - 1, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcd"));
	EXPECT_STREQ("abc(1)", take_all(self->sock));
}

/* One event always has room. */
TEST_F(bound, smallest)
{
	static const int small[] = { 0, 1, COST - 1, COST };
	size_t i;

	ASSERT_EQ(0, start(self, variant, COST));
	for (i = 0; i < ARRAY_SIZE(small); i++) {
		ASSERT_EQ(0, set_buf(self->sock, variant->option, small[i]));
		EXPECT_EQ(COST, get_buf(self->sock));
		ASSERT_EQ(0, cause("abc"));
		EXPECT_STREQ("a(2)", take_all(self->sock));
	}
}

TEST_F(bound, largest)
{
	static const int large[] = { DEFAULT_MAX_BYTES, DEFAULT_MAX_BYTES + 1,
				     0x7fffffff };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(large); i++) {
		ASSERT_EQ(0, start(self, variant, large[i]));
		EXPECT_EQ(DEFAULT_MAX_BYTES, get_buf(self->sock));
		ASSERT_EQ(0, close(self->sock));
	}
	self->sock = -1;
}

/* The overflow stands where the first of the lost would have stood. */
TEST_F(bound, place_of_the_overflow)
{
	ASSERT_EQ(0, start(self, variant, 3 * COST));
	ASSERT_EQ(0, cause("abcde"));
	EXPECT_STREQ("a", take(self->sock, 1));
	/* One has room, behind it. The next one is lost, too. */
	ASSERT_EQ(0, cause("fg"));
	EXPECT_STREQ("bc(3)f", take_all(self->sock));
}

TEST_F(bound, one_overflow_after_another)
{
	ASSERT_EQ(0, start(self, variant, 2 * COST));
	ASSERT_EQ(0, cause("abcd"));
	EXPECT_STREQ("ab(2)", take(self->sock, 3));
	/* That one was read, so these make a new one. */
	ASSERT_EQ(0, cause("efghi"));
	EXPECT_STREQ("e", take(self->sock, 1));
	ASSERT_EQ(0, cause("jk"));
	EXPECT_STREQ("f(4)j", take_all(self->sock));
	EXPECT_STREQ("", take_all(self->sock));
}

/* Only the overflow is left, and it takes no room. */
TEST_F(bound, overflow_costs_nothing)
{
	ASSERT_EQ(0, start(self, variant, 2 * COST));
	ASSERT_EQ(0, cause("abcd"));
	EXPECT_STREQ("ab", take(self->sock, 2));
	ASSERT_EQ(0, cause("ef"));
	EXPECT_STREQ("(2)ef", take_all(self->sock));
}

TEST_F(bound, shrinking_a_full_queue)
{
	ASSERT_EQ(0, start(self, variant, 8 * COST));
	ASSERT_EQ(0, cause("abcdefgh"));
	ASSERT_EQ(0, set_buf(self->sock, variant->option, 2 * COST));
	EXPECT_EQ(2 * COST, get_buf(self->sock));
	/* What is there stays there. */
	ASSERT_EQ(0, cause("i"));
	EXPECT_STREQ("abcdef", take(self->sock, 6));
	ASSERT_EQ(0, cause("j"));
	EXPECT_STREQ("g", take(self->sock, 1));
	ASSERT_EQ(0, cause("kl"));
	EXPECT_STREQ("h(3)k", take_all(self->sock));
	ASSERT_EQ(0, cause("abc"));
	EXPECT_STREQ("ab(1)", take_all(self->sock));
}

TEST_F(bound, growing_a_full_queue)
{
	ASSERT_EQ(0, start(self, variant, 2 * COST));
	ASSERT_EQ(0, cause("abc"));
	ASSERT_EQ(0, set_buf(self->sock, variant->option, 4 * COST));
	ASSERT_EQ(0, cause("def"));
	EXPECT_STREQ("ab(2)de", take_all(self->sock));
}

/* A full queue has no bad effect on those who cause the events. */
TEST_F(bound, of_one_listener_only)
{
	int other;

	ASSERT_EQ(0, start(self, variant, COST));
	other = self->sock;
	ASSERT_EQ(0, start(self, variant, 8 * COST));
	ASSERT_EQ(0, cause("abcd"));
	EXPECT_STREQ("abcd", take_all(self->sock));
	EXPECT_STREQ("a(3)", take_all(other));
	EXPECT_EQ(0, close(other));
}

/* Nor is an event lost to a reader who has no descriptor for it. */
TEST_F(bound, out_of_descriptors)
{
	struct fanotify_so_event_metadata ev;
	struct rlimit old;
	int i;

	ASSERT_EQ(0, start(self, variant, 3 * COST));
	ASSERT_EQ(0, cause("abc"));
	old = leave_fds(0);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(-EMFILE, take_event(self->sock, &ev));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	/* It is as full as before. */
	ASSERT_EQ(0, cause("de"));
	old = leave_fds(0);
	EXPECT_EQ(-EMFILE, take_event(self->sock, &ev));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_STREQ("abc(2)", take_all(self->sock));
}

/* Nor, to one whose buffer is bad, is the number of those that were lost. */
TEST_F(bound, overflow_and_a_bad_buffer)
{
	ASSERT_EQ(0, start(self, variant, COST));
	ASSERT_EQ(0, cause("abc"));
	EXPECT_STREQ("a", take(self->sock, 1));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, LEN, 0)));
	ASSERT_EQ(0, cause("de"));
	EXPECT_EQ(-EFAULT, result(recv(self->sock, (void *)8, LEN, 0)));
	EXPECT_STREQ("(3)d", take_all(self->sock));
}

TEST_F(bound, bad_arguments)
{
	static const int negative[] = { -1, -4 * COST, INT_MIN };
	int bytes = 8 * COST;
	size_t len, i;

	ASSERT_EQ(0, start(self, variant, 4 * COST));
	for (i = 0; i < ARRAY_SIZE(negative); i++) {
		EXPECT_EQ(-EINVAL, set_buf(self->sock, variant->option,
					   negative[i]));
	}
	for (len = 0; len < sizeof(bytes); len++) {
		EXPECT_EQ(-EINVAL, result(setsockopt(self->sock, SOL_SOCKET,
						     variant->option, &bytes,
						     len)));
	}
	EXPECT_EQ(-EFAULT, result(setsockopt(self->sock, SOL_SOCKET,
					     variant->option, (void *)8,
					     sizeof(bytes))));
	EXPECT_EQ(4 * COST, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcde"));
	EXPECT_STREQ("abcd(1)", take_all(self->sock));
}

/* Without the right, nothing is changed. */
TEST(force_without_the_right)
{
	int sock = new_socket();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_net_admin(false));
	EXPECT_EQ(0, set_buf(sock, SO_RCVBUF, 8 * COST));
	EXPECT_EQ(-EPERM, set_buf(sock, SO_RCVBUFFORCE, 4 * COST));
	EXPECT_EQ(8 * COST, get_buf(sock));
	ASSERT_EQ(0, set_net_admin(true));
	EXPECT_EQ(0, set_buf(sock, SO_RCVBUFFORCE, 4 * COST));
	EXPECT_EQ(4 * COST, get_buf(sock));
	EXPECT_EQ(0, close(sock));
}

TEST(force_in_a_user_namespace)
{
	int sock = new_socket();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, unshare(CLONE_NEWUSER));
	EXPECT_EQ(-EPERM, set_buf(sock, SO_RCVBUFFORCE, 4 * COST));
	EXPECT_EQ(DEFAULT_BYTES, get_buf(sock));
}

TEST(default_value)
{
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN,
					    O_RDONLY);
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(DEFAULT_BYTES, get_buf(sock));
	ASSERT_EQ(0, do_bind(sock, &addr));
	EXPECT_EQ(DEFAULT_BYTES, get_buf(sock));
	EXPECT_EQ(0, close(sock));
}

/* The ceiling of all, which the tests change and put back. */
FIXTURE(ceiling)
{
	int sock;
	char rmem_max[16], rmem_default[16];
};

#define RMEM_MAX "/proc/sys/net/core/rmem_max"
#define RMEM_DEFAULT "/proc/sys/net/core/rmem_default"

FIXTURE_SETUP(ceiling)
{
	make_files(_metadata);
	sprintf(self->rmem_max, "%ld", read_sysctl(RMEM_MAX));
	sprintf(self->rmem_default, "%ld", read_sysctl(RMEM_DEFAULT));
	self->sock = dir_listener(DIR_PATH, FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(ceiling)
{
	EXPECT_EQ(0, write_knob(RMEM_MAX, self->rmem_max));
	EXPECT_EQ(0, write_knob(RMEM_DEFAULT, self->rmem_default));
	EXPECT_EQ(0, write_knob(MAX_QUEUE_BYTES, "67108864"));
	close(self->sock);
}

TEST_F(ceiling, values)
{
	static const char * const bad[] = { "0", "255", "-1", "2147483648",
					    "4294967296", "x" };
	size_t i;

	EXPECT_EQ(DEFAULT_MAX_BYTES, read_sysctl(MAX_QUEUE_BYTES));
	EXPECT_EQ(0, write_knob(MAX_QUEUE_BYTES, "256"));
	EXPECT_EQ(256, read_sysctl(MAX_QUEUE_BYTES));
	EXPECT_EQ(0, write_knob(MAX_QUEUE_BYTES, "2147483647"));
	EXPECT_EQ(2147483647, read_sysctl(MAX_QUEUE_BYTES));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, write_knob(MAX_QUEUE_BYTES, bad[i])) {
			TH_LOG("value %s", bad[i]);
		}
	}
	EXPECT_EQ(2147483647, read_sysctl(MAX_QUEUE_BYTES));
}

TEST_F(ceiling, is_for_root_to_change)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		if (become_nobody())
			_exit(100);
		_exit(-write_knob(MAX_QUEUE_BYTES, "1024"));
	}
	EXPECT_EQ(EACCES, exit_status(child));
	EXPECT_EQ(DEFAULT_MAX_BYTES, read_sysctl(MAX_QUEUE_BYTES));
}

TEST_F(ceiling, clamps)
{
	ASSERT_EQ(0, write_knob(MAX_QUEUE_BYTES, "1024"));
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 8 * COST));
	EXPECT_EQ(1024, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcdef"));
	EXPECT_STREQ("abcd(2)", take_all(self->sock));
	/* No right helps. */
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 2 * COST));
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUFFORCE, 8 * COST));
	EXPECT_EQ(1024, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcdef"));
	EXPECT_STREQ("abcd(2)", take_all(self->sock));
	/* It is looked at when the bound is set. */
	ASSERT_EQ(0, write_knob(MAX_QUEUE_BYTES, "2048"));
	EXPECT_EQ(1024, get_buf(self->sock));
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 8 * COST));
	EXPECT_EQ(2048, get_buf(self->sock));
	ASSERT_EQ(0, write_knob(MAX_QUEUE_BYTES, "512"));
	EXPECT_EQ(2048, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcdef"));
	EXPECT_STREQ("abcdef", take_all(self->sock));
}

/* A new socket has what it may have, and not what it would have else. */
TEST_F(ceiling, clamps_the_default)
{
	ASSERT_EQ(0, write_knob(MAX_QUEUE_BYTES, "512"));
	close(self->sock);
	self->sock = dir_listener(DIR_PATH, FAN_OPEN);
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(512, get_buf(self->sock));
	ASSERT_EQ(0, cause("abcdef"));
	EXPECT_STREQ("ab(4)", take_all(self->sock));
}

/* Those of other families do not matter. */
TEST_F(ceiling, is_not_rmem_max)
{
	int sock;

	ASSERT_EQ(0, write_knob(RMEM_DEFAULT, "2304"));
	sock = new_socket();
	ASSERT_LE(0, sock);
	EXPECT_EQ(DEFAULT_BYTES, get_buf(sock));
	EXPECT_EQ(0, close(sock));
	ASSERT_EQ(0, write_knob(RMEM_MAX, "2304"));
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 1 << 20));
	EXPECT_EQ(1 << 20, get_buf(self->sock));
	ASSERT_EQ(0, write_knob(RMEM_MAX, "2147483647"));
	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 0x7fffffff));
	EXPECT_EQ(DEFAULT_MAX_BYTES, get_buf(self->sock));
}

/* The queue as it is if nobody bounds it. */
FIXTURE(queue)
{
	int sock;
	struct many got;
};

FIXTURE_SETUP(queue)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, many_init(&self->got));
	self->sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->sock);
}

TEST_F(queue, full_but_nothing_lost)
{
	ASSERT_EQ(0, many_cause(DEFAULT_EVENTS));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(DEFAULT_EVENTS, self->got.events);
	EXPECT_EQ(0, self->got.overflows);
}

TEST_F(queue, overflow)
{
	struct fanotify_so_event_metadata ev;

	ASSERT_EQ(0, many_cause(DEFAULT_EVENTS + 77));
	/* It comes after all that was queued. */
	EXPECT_EQ(0, many_count(&self->got, self->sock, DEFAULT_EVENTS));
	EXPECT_EQ(DEFAULT_EVENTS, self->got.events);
	EXPECT_EQ(0, self->got.overflows);

	ASSERT_EQ(LEN, result(recv(self->sock, &ev, sizeof(ev), 0)));
	EXPECT_EQ(LEN, ev.event_len);
	EXPECT_EQ(FAN_Q_OVERFLOW, ev.mask);
	EXPECT_EQ(FAN_NOFD, ev.fd);
	EXPECT_EQ(77, ev.cookie);
	EXPECT_EQ(0, ev.pid);
	EXPECT_EQ(0, ev.tgid);
	EXPECT_EQ(0, ev.f_flags);
	EXPECT_EQ(-EAGAIN, result(recv(self->sock, &ev, sizeof(ev),
				       MSG_DONTWAIT)));

	/* And all is as before. */
	ASSERT_EQ(0, many_cause(10));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(DEFAULT_EVENTS + 10, self->got.events);
	EXPECT_EQ(0, self->got.overflows);
}

/* However reading and overflowing alternate: what is lost is counted. */
TEST_F(queue, nothing_lost_uncounted)
{
	long caused = DEFAULT_EVENTS + 5;
	int i;

	ASSERT_EQ(0, many_cause(caused));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, many_count(&self->got, self->sock, 30));
		ASSERT_EQ(0, many_cause(50));
		caused += 50;
	}
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(caused, self->got.events + self->got.lost);
	EXPECT_LE(5, self->got.lost);
	EXPECT_LE(1, self->got.overflows);
}

/* Reads as long as the socket says that there is something; then the rest. */
static void *many_reader(void *arg)
{
	FIXTURE_DATA(queue) *self = arg;
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };

	while (poll(&pfd, 1, WAIT_MS) == 1 && !(pfd.revents & POLLHUP)) {
		if (many_count(&self->got, self->sock, LONG_MAX))
			return (void *)1L;
		if (self->got.events + self->got.lost >= 3000)
			return NULL;
	}
	return (void *)2L;
}

/* Nor if they race. */
TEST_F(queue, nothing_lost_uncounted_in_a_race)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, set_buf(self->sock, SO_RCVBUF, 3 * COST));
	ASSERT_EQ(0, pthread_create(&thread, NULL, many_reader, self));
	EXPECT_EQ(0, many_cause(3000));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	EXPECT_EQ(3000, self->got.events + self->got.lost);
}

TEST_HARNESS_MAIN
