// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who can join a group, and for how long there is one
 */

#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/time.h>

#include "marks.h"
#include "share.h"
#include "waiting.h"

FIXTURE(join)
{
	int sock;
	struct stat st;
};

FIXTURE_SETUP(join)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = first_member(FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(join)
{
	close(self->sock);
}

/* Are these two of one group? Takes what both have queued. */
static bool are_one(int a, int b, const struct stat *st)
{
	long mask;

	if (drain(a) || drain(b) || open_close(FILE_PATH, O_RDONLY))
		return false;
	if (!has_event(a) || !has_event(b))
		return false;
	mask = only_event(b, st);
	return mask == FAN_OPEN && !has_event(a);
}

TEST_F(join, joins)
{
	int other = directed_member();

	ASSERT_LE(0, other);
	EXPECT_TRUE(are_one(self->sock, other, &self->st));
	EXPECT_TRUE(are_one(other, self->sock, &self->st));
}

/* Marks are the group's, whoever sets them. */
TEST_F(join, shares_marks)
{
	int other = directed_member();

	ASSERT_LE(0, other);
	EXPECT_EQ(1, shown_marks(other));
	ASSERT_EQ(0, mark_path(other, FILE_PATH, 0, FAN_OPEN));
	EXPECT_EQ(2, shown_marks(self->sock));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_FALSE(has_event(self->sock));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(1, shown_marks(other));
	EXPECT_TRUE(are_one(self->sock, other, &self->st));
}

/* So are the rules. */
TEST_F(join, shares_rules)
{
	int other = directed_member();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_u32(other, FANOTIFY_RESPONSE_TIMEOUT, 1234));
	ASSERT_EQ(0, set_u32(other, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(other, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(other, FANOTIFY_LINGER, 5));
	EXPECT_EQ(1234, get_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT));
	EXPECT_EQ(FAN_DENY, get_u32(self->sock, FANOTIFY_TIMEOUT_POLICY));
	EXPECT_EQ(1, get_u32(self->sock, FANOTIFY_IGNORE_SELF));
	EXPECT_EQ(5, get_u32(self->sock, FANOTIFY_LINGER));
	EXPECT_EQ(0, set_u32(self->sock, FANOTIFY_LINGER, 0));
}

/* Another number, or none, is another group. */
TEST_F(join, other_groups)
{
	static const __u32 numbers[] = { 0, 0, GROUP_NUM + 1, 0xffffffff };
	struct fanotify_addr addr = group_address(0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		int sock;

		addr.group_num = numbers[i];
		sock = new_member(&addr);
		ASSERT_LE(0, sock);
		EXPECT_EQ(0, shown_marks(sock));
		EXPECT_EQ(FAN_SO_DEFAULT_TIMEOUT,
			  get_u32(sock, FANOTIFY_RESPONSE_TIMEOUT));
	}
}

/* Without FAN_GLOBAL_LISTENER the mask says nothing, here neither. */
TEST_F(join, mask_of_directed)
{
	struct fanotify_addr addr = group_address(FAN_MODIFY | 0x40000000);
	int other = new_member(&addr);

	ASSERT_LE(0, other);
	EXPECT_TRUE(are_one(self->sock, other, &self->st));
}

/* What is wrong has no effect, and the socket can join yet. */
TEST_F(join, wrong_address)
{
	struct fanotify_addr addr;
	int sock = new_socket();

	ASSERT_LE(0, sock);
	addr = group_address(0);
	addr.priority = 1;
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	addr = group_address(0);
	addr.f_flags |= O_NOATIME;
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	addr = group_address(FAN_GLOBAL_LISTENER | FAN_OPEN);
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	EXPECT_EQ(POLLHUP, poll_now(sock, POLLIN));
	addr = group_address(0);
	EXPECT_EQ(0, do_bind(sock, &addr));
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	EXPECT_TRUE(are_one(self->sock, sock, &self->st));
}

TEST_F(join, wrong_mask_of_global)
{
	struct fanotify_addr addr = group_address(FAN_GLOBAL_LISTENER |
						  FAN_OPEN);
	int global, sock = new_socket();

	ASSERT_LE(0, sock);
	addr.group_num++;
	global = new_member(&addr);
	ASSERT_LE(0, global);
	addr.mask |= FAN_MODIFY;
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	addr.mask = FAN_GLOBAL_LISTENER | FAN_OPEN | FAN_ONDIR;
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	addr.mask = 0;
	EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	addr.mask = FAN_GLOBAL_LISTENER | FAN_OPEN;
	EXPECT_EQ(0, do_bind(sock, &addr));
}

/* Somebody else, who has the right to bind all the same. 0 or -errno. */
static int other_gid(void)
{
	return result(setresgid(NOBODY, NOBODY, NOBODY));
}

static int other_fsgid(void)
{
	setfsgid(NOBODY);
	return setfsgid(NOBODY) == NOBODY ? 0 : -EPERM;
}

static int other_groups(void)
{
	static const gid_t groups[] = { 0, NOBODY };

	return result(setgroups(ARRAY_SIZE(groups), groups));
}

static int set_caps(__u64 caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = (__u32)caps, .permitted = (__u32)caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return result(syscall(SYS_capset, &head, data));
}

static int fewer_capabilities(void)
{
	return set_caps(1ULL << CAP_SYS_ADMIN);
}

static int other_uid(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1) || setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return set_caps(1ULL << CAP_SYS_ADMIN);
}

FIXTURE(stranger)
{
	int sock;
};

FIXTURE_VARIANT(stranger)
{
	int (*become)(void);
};

#define STRANGER(who) \
	FIXTURE_VARIANT_ADD(stranger, who) { \
		.become = who, \
	}

STRANGER(other_uid);
STRANGER(other_gid);
STRANGER(other_fsgid);
STRANGER(other_groups);
STRANGER(fewer_capabilities);

FIXTURE_SETUP(stranger)
{
	make_shared_dir(_metadata);
	self->sock = first_member(FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(stranger)
{
	close(self->sock);
}

/* In a child: bind as somebody else to group @num. What bind() says. */
static int bind_as(int (*become)(void), __u32 num)
{
	struct fanotify_addr addr = group_address(0);
	int sock = new_socket();
	pid_t child = fork();

	if (!child) {
		addr.group_num = num;
		if (sock < 0 || become())
			_exit(255);
		_exit(-do_bind(sock, &addr));
	}
	close(sock);
	return -exit_status(child);
}

TEST_F(stranger, is_refused)
{
	EXPECT_EQ(-EPERM, bind_as(variant->become, GROUP_NUM));
	/* But can have one of its own, and nobody else can join that. */
	EXPECT_EQ(0, bind_as(variant->become, GROUP_NUM + 1));
}

/* The number is one of the network namespace. */
TEST_F(join, other_net)
{
	struct fanotify_addr addr = group_address(0);
	pid_t child = fork();

	if (!child) {
		int sock;

		addr.priority = 1;
		if (unshare(CLONE_NEWNET))
			_exit(1);
		sock = new_member(&addr);
		_exit(sock < 0 ? 2 : shown_marks(sock) ? 3 : 0);
	}
	EXPECT_EQ(0, exit_status(child));
	/* It is that of the socket, and not of who binds it. */
	child = fork();
	if (!child) {
		int sock = new_socket();

		addr.priority = 0;
		if (unshare(CLONE_NEWNET) || do_bind(sock, &addr))
			_exit(1);
		_exit(shown_marks(sock) == 1 ? 0 : 2);
	}
	EXPECT_EQ(0, exit_status(child));
}

/* So many superblocks the first bind() of a global listener has to look at. */
#define NR_MOUNTS 200

/* @path: A file on the one that comes last */
FIXTURE(first)
{
	struct fanotify_addr addr;
	struct stat st;
	char path[64];
};

FIXTURE_SETUP(first)
{
	int i;

	make_shared_dir(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	for (i = 0; i < NR_MOUNTS; i++) {
		snprintf(self->path, sizeof(self->path), TMP "/m%d", i);
		ASSERT_EQ(0, mkdir(self->path, 0755));
		ASSERT_EQ(0, mount("fanotify_test", self->path, "tmpfs", 0,
				   NULL));
	}
	strcat(self->path, "/file");
	ASSERT_EQ(0, write_file(self->path, "text"));
	self->addr = group_address(FAN_GLOBAL_LISTENER | FAN_OPEN);
}

FIXTURE_TEARDOWN(first) {}

/* In a child: who has joined hears of everything from then on. */
static int join_and_hear(int sock, const struct fanotify_addr *addr,
			 const char *path)
{
	if (do_bind(sock, addr))
		return 1;
	if (open_close(path, O_RDONLY))
		return 2;
	return has_event(sock) ? 0 : 3;
}

/* The second one waits for it to be through. */
TEST_F(first, at_once)
{
	int i;

	for (i = 0; i < 100; i++) {
		int a = new_socket(), b = new_socket();
		pid_t child;

		ASSERT_LE(0, a);
		ASSERT_LE(0, b);
		child = fork();
		if (!child)
			_exit(join_and_hear(b, &self->addr, self->path));
		EXPECT_EQ(0, do_bind(a, &self->addr));
		EXPECT_EQ(0, exit_status(child));
		EXPECT_TRUE(are_one(a, b, &self->st));
		ASSERT_EQ(0, close(a));
		ASSERT_EQ(0, close(b));
	}
}

static void ignore(int sig) {}

#define INTERRUPTED 1

/* In a child: 0, or INTERRUPTED if a signal has ended the first try. */
static int join_with_signals(int sock, const struct fanotify_addr *addr)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = {};
	struct sigaction action = { .sa_handler = ignore };
	int ret;

	if (sigaction(SIGALRM, &action, NULL) ||
	    setitimer(ITIMER_REAL, &often, NULL))
		return 2;
	ret = do_bind(sock, addr);
	if (setitimer(ITIMER_REAL, &never, NULL))
		return 3;
	if (ret != -EINTR)
		return ret ? 4 : 0;
	/* It is as if that had not been. */
	return do_bind(sock, addr) ? 5 : INTERRUPTED;
}

/* And can be interrupted meanwhile. */
TEST_F(first, is_not_waited_for_for_ever)
{
	long long end = now_ms() + WAIT_MS;
	int status = 0;

	while (!status && now_ms() < end) {
		int a = new_socket(), b = new_socket();
		pid_t child;

		ASSERT_LE(0, a);
		ASSERT_LE(0, b);
		child = fork();
		if (!child)
			_exit(join_with_signals(b, &self->addr));
		EXPECT_EQ(0, do_bind(a, &self->addr));
		status = exit_status(child);
		EXPECT_TRUE(are_one(a, b, &self->st));
		ASSERT_EQ(0, close(a));
		ASSERT_EQ(0, close(b));
	}
	EXPECT_EQ(INTERRUPTED, status);
}

/* It lives as long as one member, whichever that is. */
TEST_F(join, lives_with_one_member)
{
	struct fanotify_addr addr = group_address(0);
	int other = directed_member(), third;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(1, shown_marks(other));
	third = directed_member();
	ASSERT_LE(0, third);
	EXPECT_TRUE(are_one(other, third, &self->st));
	ASSERT_EQ(0, close(other));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(third, &self->st));

	/* Then the number is free for another one. */
	ASSERT_EQ(0, close(third));
	addr.priority = 9;
	other = new_member(&addr);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, shown_marks(other));
}

/* Who shuts its socket down leaves, and the others stay. */
TEST_F(join, shutdown)
{
	struct fanotify_so_event_metadata ev;
	int other = directed_member(), third;
	int bytes = -1;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, shutdown(other, SHUT_RDWR));
	EXPECT_EQ(0, result(read(other, &ev, sizeof(ev))));
	EXPECT_EQ(-ESHUTDOWN, set_u32(other, FANOTIFY_LINGER, 1));
	EXPECT_EQ(1, shown_marks(self->sock));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	/* What is queued is not for it. */
	EXPECT_EQ(0, result(read(other, &ev, sizeof(ev))));
	EXPECT_EQ(0, result(ioctl(other, FIONREAD, &bytes)));
	EXPECT_EQ(0, bytes);
	EXPECT_EQ(0, result(ioctl(self->sock, FIONREAD, &bytes)));
	EXPECT_EQ(FAN_SO_EVENT_LEN, bytes);
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &self->st));
	third = directed_member();
	ASSERT_LE(0, third);
	EXPECT_TRUE(are_one(self->sock, third, &self->st));

	/* The last two. */
	ASSERT_EQ(0, shutdown(third, SHUT_RDWR));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	third = directed_member();
	ASSERT_LE(0, third);
	EXPECT_EQ(0, shown_marks(third));
}

TEST_HARNESS_MAIN
