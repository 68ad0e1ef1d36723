// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who may do what
 *
 * Each test is a call, and each variant somebody who makes it: they are the
 * rows and the columns of a table. To bind takes CAP_SYS_ADMIN in the initial
 * user namespace; from then on the authority is the socket's, and who was given
 * it can do with it all but to have it report what it could not see otherwise.
 */

#define _GNU_SOURCE
#include "marks.h"
#include "passed.h"

#define OPEN_TO_ALL TMP "/for-others"
#define SECRET TMP "/secret"
#define DIR_PATH TMP "/dir"
#define GUARDED TMP "/guarded"
#define GROUP_NUM 41

enum who {
	ROOT,
	ADMIN,		/* CAP_SYS_ADMIN, and no other */
	NS_ADMIN,	/* All capabilities, in a user namespace of its own */
	NONE,
	RECEIVER,	/* None, but it was given bound sockets */
	NS_RECEIVER,	/* Those of NS_ADMIN, likewise */
	FALLEN,		/* None, but it was root, and bound sockets, before */
	NR_WHO,
};

/* What root prepares, and who is given something is given */
struct things {
	int directed;
	int global;
	int shared;
	int open_to_all;	/* O_PATH */
	int secret;		/* O_PATH */
	int dir;		/* O_PATH */
};

#define NR_THINGS (sizeof(struct things) / sizeof(int))

static int shared_listener(void)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();

	addr.group_num = GROUP_NUM;
	return do_bind(sock, &addr) ?: sock;
}

static void make_sockets(struct things *t)
{
	t->directed = deaf_listener();
	t->global = global_listener(FAN_CLOSE_WRITE);
	t->shared = shared_listener();
}

FIXTURE(rights)
{
	struct things own;
	int giver;
	pid_t keeper;
};

FIXTURE_VARIANT(rights) {
	enum who who;
};

FIXTURE_VARIANT_ADD(rights, root) { .who = ROOT };
FIXTURE_VARIANT_ADD(rights, admin) { .who = ADMIN };
FIXTURE_VARIANT_ADD(rights, ns_admin) { .who = NS_ADMIN };
FIXTURE_VARIANT_ADD(rights, none) { .who = NONE };
FIXTURE_VARIANT_ADD(rights, receiver) { .who = RECEIVER };
FIXTURE_VARIANT_ADD(rights, ns_receiver) { .who = NS_RECEIVER };
FIXTURE_VARIANT_ADD(rights, fallen) { .who = FALLEN };

/* What root is told to do */
#define ORDER_WRITE	'w'	/* write to the secret */
#define ORDER_OPEN	'o'	/* open what is guarded */

/*
 * A process of root, who has a socket of the group that others try to join, and
 * gives all it has away, if anybody takes it. It lives as long as the test.
 */
static void keep(int to, const struct things *opened)
{
	struct things t = *opened;
	char order;

	make_sockets(&t);
	if (send_fds(to, (const int *)&t, NR_THINGS, 0))
		_exit(1);
	while (read(to, &order, 1) > 0) {
		if (order == ORDER_WRITE)
			order = !!write_file(SECRET, "more text");
		else
			order = !!open_close(GUARDED, O_RDONLY);
		if (write(to, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static int give_order(int to, char order)
{
	return write(to, &order, 1) != 1;
}

/* 0 if it was done */
static int wait_done(int from)
{
	char failed;

	return read(from, &failed, 1) != 1 || failed;
}

static int become(enum who who)
{
	int ret;

	switch (who) {
	case ROOT:
		return 0;
	case ADMIN:
		return become_nobody_with(1U << CAP_SYS_ADMIN);
	case NS_ADMIN:
	case NS_RECEIVER:
		ret = become_nobody();
		return ret ?: result(unshare(CLONE_NEWUSER));
	default:
		return become_nobody();
	}
}

/* Sockets that nobody could bind */
static void open_sockets(struct things *t)
{
	t->directed = new_socket();
	t->global = new_socket();
	t->shared = new_socket();
}

static bool is_given(enum who who)
{
	return who == RECEIVER || who == NS_RECEIVER;
}

FIXTURE_SETUP(rights)
{
	struct things given;
	int ends[2];

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(OPEN_TO_ALL, "text"));
	ASSERT_EQ(0, chmod(OPEN_TO_ALL, 0644));
	ASSERT_EQ(0, write_file(SECRET, "text"));
	ASSERT_EQ(0, chmod(SECRET, 0600));
	ASSERT_EQ(0, write_file(GUARDED, "text"));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	self->own = (struct things){
		.directed = -1, .global = -1, .shared = -1,
		.open_to_all = open(OPEN_TO_ALL, O_PATH | O_CLOEXEC),
		.secret = open(SECRET, O_PATH | O_CLOEXEC),
		.dir = open(DIR_PATH, O_PATH | O_CLOEXEC),
	};
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	self->keeper = fork();
	ASSERT_LE(0, self->keeper);
	if (!self->keeper) {
		close(ends[0]);
		keep(ends[1], &self->own);
	}
	close(ends[1]);
	self->giver = ends[0];

	if (variant->who == FALLEN)
		make_sockets(&self->own);
	ASSERT_EQ(0, become(variant->who));
	ASSERT_EQ(0, recv_fds(self->giver, (int *)&given, NR_THINGS, 0));
	if (is_given(variant->who)) {
		self->own = given;
	} else {
		close(given.directed);
		close(given.global);
		close(given.shared);
	}
	if (variant->who == ROOT || variant->who == ADMIN)
		make_sockets(&self->own);
	else if (variant->who == NS_ADMIN || variant->who == NONE)
		open_sockets(&self->own);
	ASSERT_LE(0, self->own.directed);
	ASSERT_LE(0, self->own.global);
}

FIXTURE_TEARDOWN(rights)
{
	close(self->giver);
}

/* What a call returned is what the table has for this column. */
#define EXPECT_CELLS(call, ...) \
do { \
	static const int cells[NR_WHO] = { __VA_ARGS__ }; \
	long ret_ = (call); \
\
	EXPECT_EQ(cells[variant->who], ret_ > 0 ? 0 : ret_); \
} while (0)

/* Root, admin; admin of a user namespace, nobody; receivers, and who fell */
#define BINDERS_ONLY(error) \
	0, 0, -(error), -(error), -(error), -(error), -(error)
#define HOLDERS(value) \
	(value), (value), -ENOTCONN, -ENOTCONN, (value), (value), (value)
#define TRUSTED_HOLDERS(error) \
	0, 0, -ENOTCONN, -ENOTCONN, -(error), -(error), -(error)
#define ALL(value) \
	(value), (value), (value), (value), (value), (value), (value)

static int bind_new(__u32 group_num, __u32 mask)
{
	struct fanotify_addr addr = address(mask, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();
	int ret;

	addr.group_num = group_num;
	ret = do_bind(sock, &addr);
	close(sock);
	return ret;
}

TEST_F(rights, socket)
{
	EXPECT_CELLS(new_socket(), ALL(0));
}

TEST_F(rights, bind_directed)
{
	EXPECT_CELLS(bind_new(0, 0), BINDERS_ONLY(EPERM));
}

TEST_F(rights, bind_global)
{
	EXPECT_CELLS(bind_new(0, FAN_GLOBAL_LISTENER | FAN_OPEN),
		     BINDERS_ONLY(EPERM));
}

TEST_F(rights, make_a_group)
{
	EXPECT_CELLS(bind_new(GROUP_NUM + 1, 0), BINDERS_ONLY(EPERM));
}

/* The group was made by root: to be admin is not to be the same. */
TEST_F(rights, join_a_group)
{
	EXPECT_CELLS(bind_new(GROUP_NUM, 0),
		     0, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM);
}

/* Who may not learns of no other mistake but the first ones. */
TEST_F(rights, bind_badly)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	int sock = new_socket();

	EXPECT_CELLS(result(bind(sock, sockaddr_of(&addr), sizeof(addr) - 1)),
		     ALL(-EINVAL));
	addr.unused[0] = 1;
	EXPECT_CELLS(do_bind(sock, &addr), -EINVAL, -EINVAL, -EPERM, -EPERM,
		     -EPERM, -EPERM, -EPERM);
	addr.family = AF_UNIX;
	EXPECT_CELLS(do_bind(sock, &addr), ALL(-EAFNOSUPPORT));
}

TEST_F(rights, bind_again)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);

	EXPECT_CELLS(do_bind(self->own.directed, &addr), -EINVAL, -EINVAL,
		     -EPERM, -EPERM, -EPERM, -EPERM, -EPERM);
}

TEST_F(rights, mark_what_others_may_read)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.open_to_all,
			      FAN_OPEN, 0), HOLDERS(0));
}

TEST_F(rights, mark_a_secret)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.secret, FAN_OPEN,
			      0), TRUSTED_HOLDERS(EPERM));
}

TEST_F(rights, mark_a_directory)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.dir, FAN_OPEN |
			      FAN_EVENT_ON_CHILD, 0), TRUSTED_HOLDERS(EPERM));
	EXPECT_CELLS(set_mark(self->own.directed, self->own.dir, FAN_OPEN |
			      FAN_ONDIR, 0), TRUSTED_HOLDERS(EPERM));
}

/* To hear less is nothing gained. */
TEST_F(rights, ignore_a_secret)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.secret, 0,
			      FAN_OPEN), HOLDERS(0));
	EXPECT_CELLS(set_mark(self->own.global, self->own.secret, 0,
			      FAN_OPEN | FAN_SURVIVE_MODIFY), HOLDERS(0));
}

TEST_F(rights, remove_a_mark)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.secret, 0, 0),
		     HOLDERS(-ENOENT));
	set_mark(self->own.directed, self->own.secret, 0, FAN_OPEN);
	EXPECT_CELLS(set_mark(self->own.directed, self->own.secret, 0, 0),
		     HOLDERS(0));
}

TEST_F(rights, mark_a_mount)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.open_to_all,
			      FAN_OPEN | FAN_ON_MOUNT, 0),
		     TRUSTED_HOLDERS(EPERM));
	EXPECT_CELLS(set_mark(self->own.directed, self->own.open_to_all, 0,
			      FAN_OPEN | FAN_ON_MOUNT), HOLDERS(0));
}

TEST_F(rights, mark_a_filesystem)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.open_to_all,
			      FAN_OPEN | FAN_ON_FILESYSTEM, 0),
		     TRUSTED_HOLDERS(EPERM));
	EXPECT_CELLS(set_mark(self->own.directed, self->own.open_to_all, 0,
			      FAN_OPEN | FAN_ON_FILESYSTEM), HOLDERS(0));
}

TEST_F(rights, mark_a_subtree)
{
	EXPECT_CELLS(set_mark(self->own.directed, self->own.dir,
			      FAN_OPEN | FAN_ON_SUBTREE, 0),
		     TRUSTED_HOLDERS(EPERM));
	EXPECT_CELLS(set_mark(self->own.directed, self->own.dir, 0,
			      FAN_OPEN | FAN_ON_SUBTREE), HOLDERS(0));
}

TEST_F(rights, ignore_a_superblock)
{
	struct fanotify_so_sb sb = { .magic = 0x1234, .mask = FAN_OPEN };

	EXPECT_CELLS(result(setsockopt(self->own.global, SOL_FANOTIFY,
				       FANOTIFY_IGNORE_SB, &sb, sizeof(sb))),
		     HOLDERS(0));
}

static int set_number(int sock, int level, int name, __u32 value)
{
	return result(setsockopt(sock, level, name, &value, sizeof(value)));
}

static int get_number(int sock, int name)
{
	socklen_t len = sizeof(__u32);
	__u32 value;

	return result(getsockopt(sock, SOL_FANOTIFY, name, &value, &len));
}

TEST_F(rights, timeout)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_FANOTIFY,
				FANOTIFY_RESPONSE_TIMEOUT, 1000), HOLDERS(0));
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_RESPONSE_TIMEOUT),
		     HOLDERS(0));
}

TEST_F(rights, policy)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_FANOTIFY,
				FANOTIFY_TIMEOUT_POLICY, FAN_DENY), HOLDERS(0));
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_TIMEOUT_POLICY),
		     HOLDERS(0));
}

TEST_F(rights, ignore_self)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_FANOTIFY,
				FANOTIFY_IGNORE_SELF, 1), HOLDERS(0));
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_IGNORE_SELF),
		     HOLDERS(0));
}

/* The only one that comes before bind() as well */
TEST_F(rights, report)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_FANOTIFY,
				FANOTIFY_REPORT, FAN_REPORT_PATH), ALL(0));
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_REPORT), ALL(0));
}

TEST_F(rights, linger)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_FANOTIFY,
				FANOTIFY_LINGER, 1), HOLDERS(-EOPNOTSUPP));
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_LINGER),
		     HOLDERS(0));
}

/* To make a group outlive its sockets takes no more than to hold one. */
TEST_F(rights, linger_shared)
{
	/* Of those who tried, only root was let in. */
	if (variant->who == ADMIN) {
		EXPECT_EQ(-EPERM, self->own.shared);
		self->own.shared = new_socket();
	}
	EXPECT_CELLS(set_number(self->own.shared, SOL_FANOTIFY,
				FANOTIFY_LINGER, 1), 0, -ENOTCONN, -ENOTCONN,
		     -ENOTCONN, 0, 0, 0);
}

TEST_F(rights, forget)
{
	EXPECT_CELLS(result(setsockopt(self->own.directed, SOL_FANOTIFY,
				       FANOTIFY_FORGET, NULL, 0)), HOLDERS(0));
}

TEST_F(rights, get_what_can_only_be_set)
{
	EXPECT_CELLS(get_number(self->own.directed, FANOTIFY_SET_MARK),
		     HOLDERS(-ENOPROTOOPT));
	EXPECT_CELLS(get_number(self->own.directed, 1000), ALL(-ENOPROTOOPT));
}

TEST_F(rights, read)
{
	char buf[64];

	EXPECT_CELLS(result(recv(self->own.directed, buf, sizeof(buf),
				 MSG_DONTWAIT)), HOLDERS(-EAGAIN));
}

/* The descriptor is there, whatever the reader could have opened. */
TEST_F(rights, read_of_a_secret)
{
	struct stat st;

	ASSERT_EQ(0, give_order(self->giver, ORDER_WRITE));
	ASSERT_EQ(0, wait_done(self->giver));
	ASSERT_EQ(0, stat(SECRET, &st));
	EXPECT_CELLS(only_event(self->own.global, &st), HOLDERS(0));
	EXPECT_CELLS(only_event(self->own.global, &st) ?: -EAGAIN,
		     HOLDERS(-EAGAIN));
}

static int answer_by_option(int sock, __u64 cookie)
{
	struct fanotify_so_access access = { cookie, FAN_ALLOW };

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE,
				 &access, sizeof(access)));
}

static int answer_by_write(int sock, __u64 cookie)
{
	struct fanotify_so_access access = { cookie, FAN_ALLOW };

	return result(write(sock, &access, sizeof(access)));
}

TEST_F(rights, answer)
{
	EXPECT_CELLS(answer_by_option(self->own.directed, 1), HOLDERS(-ENOENT));
	EXPECT_CELLS(answer_by_write(self->own.directed, 1), HOLDERS(-ENOENT));
}

/* Any holder can let root pass. */
TEST_F(rights, answer_root)
{
	struct fanotify_so_event_metadata ev;
	int ret, fd = open(GUARDED, O_PATH | O_CLOEXEC);
	struct stat st;

	ASSERT_EQ(0, stat(GUARDED, &st));
	ret = set_mark(self->own.directed, fd, FAN_OPEN_PERM, 0);
	EXPECT_CELLS(ret, HOLDERS(0));
	ASSERT_EQ(0, give_order(self->giver, ORDER_OPEN));
	if (!ret) {
		ASSERT_EQ(0, next_event(self->own.directed, &st, &ev));
		close_event(&ev);
		EXPECT_EQ(0, answer_by_option(self->own.directed, ev.cookie));
	}
	EXPECT_EQ(0, wait_done(self->giver));
}

TEST_F(rights, rcvbuf)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_SOCKET, SO_RCVBUF,
				4096), ALL(0));
}

TEST_F(rights, rcvbufforce)
{
	EXPECT_CELLS(set_number(self->own.directed, SOL_SOCKET, SO_RCVBUFFORCE,
				4096), 0, -EPERM, -EPERM, -EPERM, -EPERM, -EPERM,
		     -EPERM);
}

TEST_F(rights, getsockname)
{
	struct fanotify_addr addr;
	socklen_t len = sizeof(addr);

	EXPECT_CELLS(result(getsockname(self->own.directed, sockaddr_of(&addr),
					&len)), ALL(0));
}

TEST_F(rights, count_bytes)
{
	int bytes;

	EXPECT_CELLS(result(ioctl(self->own.directed, FIONREAD, &bytes)),
		     HOLDERS(0));
}

TEST_F(rights, shutdown)
{
	EXPECT_CELLS(result(shutdown(self->own.directed, SHUT_RDWR)),
		     HOLDERS(0));
}

TEST_F(rights, proc_net)
{
	EXPECT_CELLS(open_close("/proc/net/fanotify", O_RDONLY), ALL(0));
	EXPECT_CELLS(open_close("/proc/net/fanotify", O_WRONLY), ALL(-EACCES));
}

TEST_F(rights, fdinfo)
{
	char text[4096];

	EXPECT_CELLS(read_fdinfo(self->own.directed, text, sizeof(text)),
		     ALL(0));
}

TEST_F(rights, sysctls)
{
	static const char *const names[] = {
		"max_group_waiting", "max_queue_bytes", "max_user_groups",
		"max_user_marks",
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		sprintf(path, "/proc/sys/fs/fanotify_socket/%s", names[i]);
		EXPECT_CELLS(read_number(path), ALL(0));
		EXPECT_CELLS(open_close(path, O_WRONLY), 0, -EACCES, -EACCES,
			     -EACCES, -EACCES, -EACCES, -EACCES);
	}
}

/* A user namespace limits itself. */
TEST_F(rights, sysctls_of_the_namespace)
{
	static const char *const names[] = {
		"max_fanotify_socket_groups", "max_fanotify_socket_marks",
	};
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		sprintf(path, "/proc/sys/user/%s", names[i]);
		EXPECT_CELLS(read_number(path), ALL(0));
		EXPECT_CELLS(open_close(path, O_WRONLY), 0, -EACCES, 0, -EACCES,
			     -EACCES, 0, -EACCES);
	}
}

TEST_HARNESS_MAIN
