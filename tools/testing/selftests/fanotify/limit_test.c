// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: how many groups a user can have, and how many operations
 * can wait for one of them
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "marks.h"
#include "rounds.h"
#include "share.h"

#define USER_NS_GROUPS "/proc/sys/user/max_fanotify_socket_groups"
#define MAX_GROUP_WAITING SYSCTLS "max_group_waiting"

/* The limit of the tests */
#define LIMIT 3

#define NR_BINDERS 4

FIXTURE(groups)
{
	int socks[LIMIT];
	long old;
};

/* The same limit has two names. */
FIXTURE_VARIANT(groups)
{
	const char *path;
};

FIXTURE_VARIANT_ADD(groups, fs) {
	.path = MAX_USER_GROUPS,
};

FIXTURE_VARIANT_ADD(groups, user) {
	.path = USER_NS_GROUPS,
};

/* All that can be had, and the first of them is one that can be joined. */
FIXTURE_SETUP(groups)
{
	int i;

	make_shared_dir(_metadata);
	self->old = read_number(variant->path);
	ASSERT_EQ(128, self->old);
	ASSERT_EQ(0, write_number(variant->path, LIMIT));
	self->socks[0] = directed_member();
	for (i = 1; i < LIMIT; i++)
		self->socks[i] = deaf_listener();
	/* The tests count on being the only ones who have any. */
	for (i = 0; i < LIMIT; i++)
		ASSERT_LE(0, self->socks[i]);
}

FIXTURE_TEARDOWN(groups)
{
	int i;

	EXPECT_EQ(0, write_number(variant->path, self->old));
	for (i = 0; i < LIMIT; i++)
		close(self->socks[i]);
}

TEST_F(groups, no_more)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EMFILE, do_bind(sock, &addr));
	EXPECT_EQ(-EMFILE, global_listener(FAN_OPEN));
	/* Nothing has become of the socket. */
	EXPECT_EQ(-ENOTCONN, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = sock;
	EXPECT_EQ(0, do_bind(sock, &addr));
	EXPECT_EQ(-EMFILE, deaf_listener());
}

/* There is room again at once, however long the rest takes, and only once. */
TEST_F(groups, room_again)
{
	int i;

	for (i = 0; i < 200; i++) {
		ASSERT_EQ(0, close(self->socks[1]));
		self->socks[1] = i % 2 ? deaf_listener() :
					 global_listener(FAN_OPEN);
		ASSERT_LE(0, self->socks[1]);
	}
	EXPECT_EQ(-EMFILE, deaf_listener());
	/* Who is shut down has no group any more, though it is not closed. */
	ASSERT_EQ(0, shutdown(self->socks[1], SHUT_RDWR));
	ASSERT_EQ(0, close(self->socks[2]));
	self->socks[2] = deaf_listener();
	ASSERT_LE(0, self->socks[2]);
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = deaf_listener();
	EXPECT_LE(0, self->socks[1]);
	EXPECT_EQ(-EMFILE, deaf_listener());
}

/* A bind that does not succeed takes nothing from the limit. */
TEST_F(groups, failed_binds)
{
	struct fanotify_addr other = group_address(0);
	struct fanotify_addr addr = address(0, O_RDONLY);
	int sock = new_socket(), i;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = sock;
	other.priority = 1;
	for (i = 0; i < 2 * LIMIT; i++) {
		EXPECT_EQ(-EINVAL, do_bind(sock, &other));
		addr.mask = FAN_GLOBAL_LISTENER;
		EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	}
	addr.mask = 0;
	EXPECT_EQ(0, do_bind(sock, &addr));
	for (i = 0; i < 2 * LIMIT; i++)
		EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
	EXPECT_EQ(-EMFILE, deaf_listener());
}

/* Those that share a group have one, which is whoever's made it. */
TEST_F(groups, shared)
{
	struct fanotify_addr addr = group_address(0);
	int members[2 * LIMIT], i;

	for (i = 0; i < 2 * LIMIT; i++) {
		members[i] = directed_member();
		ASSERT_LE(0, members[i]);
	}
	addr.group_num++;
	EXPECT_EQ(-EMFILE, new_member(&addr));
	/* It is there until the last of them goes. */
	ASSERT_EQ(0, close(self->socks[0]));
	self->socks[0] = -1;
	EXPECT_EQ(-EMFILE, new_member(&addr));
	for (i = 0; i < 2 * LIMIT; i++)
		close(members[i]);
	self->socks[0] = new_member(&addr);
	EXPECT_LE(0, self->socks[0]);
}

/* What those who bind at the same time have in common */
struct binders {
	struct fanotify_addr addr;
	pthread_barrier_t start;
};

/* Returns a bound socket, or -errno. */
static void *bind_member(void *arg)
{
	struct binders *binders = arg;
	int sock = new_socket(), ret;

	pthread_barrier_wait(&binders->start);
	ret = sock < 0 ? sock : do_bind(sock, &binders->addr);
	if (ret && sock >= 0)
		close(sock);
	return (void *)(long)(ret ?: sock);
}

/* Nor does who comes when another one is just about to make it. */
TEST_F(groups, made_at_once)
{
	struct binders binders = { .addr = group_address(0) };
	pthread_t threads[NR_BINDERS];
	void *socks[NR_BINDERS];
	int round, i;

	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = -1;
	ASSERT_EQ(0, pthread_barrier_init(&binders.start, NULL, NR_BINDERS));
	for (round = 0; round < 100; round++) {
		binders.addr.group_num++;
		for (i = 0; i < NR_BINDERS; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    bind_member, &binders));
		for (i = 0; i < NR_BINDERS; i++)
			pthread_join(threads[i], &socks[i]);
		for (i = 0; i < NR_BINDERS; i++) {
			ASSERT_LE(0, (long)socks[i]);
			close((long)socks[i]);
		}
	}
	pthread_barrier_destroy(&binders.start);
	self->socks[1] = deaf_listener();
	EXPECT_LE(0, self->socks[1]);
	EXPECT_EQ(-EMFILE, deaf_listener());
}

/* And who comes when it is just about to be over makes the next one. */
TEST_F(groups, made_again_at_once)
{
	struct binders binders = { .addr = group_address(0) };
	pthread_t thread;
	void *sock;
	int round;

	ASSERT_EQ(0, close(self->socks[1]));
	self->socks[1] = -1;
	ASSERT_EQ(0, pthread_barrier_init(&binders.start, NULL, 2));
	for (round = 0; round < 200; round++) {
		self->socks[1] = new_member(&binders.addr);
		ASSERT_LE(0, self->socks[1]);
		ASSERT_EQ(0, pthread_create(&thread, NULL, bind_member,
					    &binders));
		pthread_barrier_wait(&binders.start);
		close(self->socks[1]);
		self->socks[1] = -1;
		pthread_join(thread, &sock);
		ASSERT_LE(0, (long)sock);
		close((long)sock);
	}
	pthread_barrier_destroy(&binders.start);
}

/* One that lingers is there, too. */
TEST_F(groups, lingering)
{
	ASSERT_EQ(0, set_u32(self->socks[0], FANOTIFY_LINGER, FAN_SO_MAX_LINGER));
	ASSERT_EQ(0, close(self->socks[0]));
	EXPECT_EQ(-EMFILE, deaf_listener());
	self->socks[0] = directed_member();
	ASSERT_LE(0, self->socks[0]);
	EXPECT_EQ(-EMFILE, deaf_listener());
	ASSERT_EQ(0, shutdown(self->socks[0], SHUT_RDWR));
	close(self->socks[0]);
	self->socks[0] = deaf_listener();
	EXPECT_LE(0, self->socks[0]);
}

/* Each user has a limit. */
TEST_F(groups, of_another_user)
{
	pid_t child = fork();

	if (!child) {
		if (become_nobody_with(1 << CAP_SYS_ADMIN))
			_exit(1);
		_exit(deaf_listener() < 0 ? 2 : 0);
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(-EMFILE, deaf_listener());
}

/* What is there stays there. */
TEST_F(groups, lowered)
{
	ASSERT_EQ(0, write_number(variant->path, 0));
	ASSERT_EQ(0, mark_path(self->socks[1], FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->socks[1], FILE_PATH));
	ASSERT_EQ(0, close(self->socks[2]));
	self->socks[2] = deaf_listener();
	EXPECT_EQ(-EMFILE, self->socks[2]);
	EXPECT_EQ(-EINVAL, write_number(variant->path, -1));
	EXPECT_EQ(0, read_number(variant->path));
}

FIXTURE(waits)
{
	int sock;
	int waiter;
	struct crowd crowd;
	struct fanotify_so_event_metadata ev;
	long old;
};

FIXTURE_VARIANT(waits)
{
	__u32 policy;
	long ret;
};

FIXTURE_VARIANT_ADD(waits, allow) {
	.policy = FAN_ALLOW,
	.ret = 0,
};

FIXTURE_VARIANT_ADD(waits, deny) {
	.policy = FAN_DENY,
	.ret = -EPERM,
};

/* As many wait as can. */
FIXTURE_SETUP(waits)
{
	make_shared_dir(_metadata);
	self->old = read_number(MAX_GROUP_WAITING);
	ASSERT_EQ(65536, self->old);
	ASSERT_EQ(0, write_number(MAX_GROUP_WAITING, LIMIT));
	self->sock = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY,
			     variant->policy));
	ASSERT_TRUE(crowd_start(&self->crowd, LIMIT, do_open, FILE_PATH));
	ASSERT_EQ(LIMIT, until_waiting(LIMIT));
}

FIXTURE_TEARDOWN(waits)
{
	EXPECT_EQ(0, write_number(MAX_GROUP_WAITING, self->old));
	close(self->sock);
	kill(self->crowd.pid, SIGKILL);
	crowd_end(&self->crowd);
}

/* Takes the next question and answers it. 0 or -errno. */
static int allow_one(int sock, struct fanotify_so_event_metadata *ev)
{
	int ret = take_event(sock, ev);

	if (ret != 1)
		return ret ?: -ENOENT;
	close_event(ev);
	return answer(sock, ev->cookie, FAN_ALLOW);
}

static long unasked(int sock)
{
	struct told told;
	int ret = tell(sock, &told);

	return ret ?: (long)told.unasked;
}

/* Who comes then gets the verdict of the policy, and holds up nobody. */
TEST_F(waits, no_more)
{
	struct doer doer;
	int i;

	for (i = 1; i <= 10; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(variant->ret, doer_result(&doer));
		EXPECT_EQ(i, unasked(self->sock));
	}
	EXPECT_EQ(LIMIT, nr_waiting());
	EXPECT_TRUE(crowd_waits(&self->crowd));
	/* Neither is that the listener's fault. */
	EXPECT_FALSE(is_evicted(self->sock));

	/* One more for each that is answered. */
	ASSERT_EQ(0, allow_one(self->sock, &self->ev));
	ASSERT_EQ(LIMIT - 1, until_waiting(LIMIT - 1));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(LIMIT, until_waiting(LIMIT));
	for (i = 0; i < LIMIT; i++)
		ASSERT_EQ(0, allow_one(self->sock, &self->ev));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(LIMIT, crowd_count(&self->crowd, LIMIT, 0));
	EXPECT_EQ(10, unasked(self->sock));
}

/* One that is killed while it waits makes room as well. */
TEST_F(waits, room_by_death)
{
	struct doer doer;

	kill(self->crowd.pid, SIGKILL);
	ASSERT_EQ(0, until_waiting(0));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_EQ(0, allow_one(self->sock, &self->ev));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, unasked(self->sock));
}

/* Each group has as many. */
TEST_F(waits, of_another_group)
{
	int other = dir_listener(DIR_PATH, FAN_ACCESS_PERM);
	struct doer doer;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_u32(other, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW));
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	ASSERT_EQ(LIMIT + 1, until_waiting(LIMIT + 1));
	EXPECT_EQ(1, unasked(self->sock));
	ASSERT_EQ(0, allow_one(other, &self->ev));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, unasked(other));
	close(other);
}

/* It is for the administrator to set, and counts from then on. */
TEST_F(waits, set)
{
	struct doer doer;

	EXPECT_EQ(-EINVAL, write_number(MAX_GROUP_WAITING, 0));
	EXPECT_EQ(-EINVAL, write_number(MAX_GROUP_WAITING, 1L << 31));
	EXPECT_EQ(LIMIT, read_number(MAX_GROUP_WAITING));
	ASSERT_EQ(0, write_number(MAX_GROUP_WAITING, LIMIT + 1));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(LIMIT + 1, until_waiting(LIMIT + 1));
	/* Those who wait go on. */
	ASSERT_EQ(0, write_number(MAX_GROUP_WAITING, 1));
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_TRUE(crowd_waits(&self->crowd));
	while (!allow_one(self->sock, &self->ev))
		continue;
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(LIMIT, crowd_count(&self->crowd, LIMIT, 0));
}

TEST_HARNESS_MAIN
