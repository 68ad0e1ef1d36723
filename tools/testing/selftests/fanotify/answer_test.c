// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: answers, by every way to give them
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>

#include "asked.h"
#include "ways.h"

/* Bits that an answer has for the system calls, and some that nobody has */
static const __u32 bad_responses[] = {
	0,
	FAN_ALLOW | FAN_DENY,
	FAN_ALLOW | FAN_RESET_TIMEOUT,
	FAN_DENY | FAN_RESET_TIMEOUT,
	FAN_CACHE,
	FAN_DENY | FAN_CACHE,
	FAN_RESET_TIMEOUT | FAN_CACHE,
	FAN_ALLOW | FAN_DENY | FAN_RESET_TIMEOUT | FAN_CACHE,
	FAN_AUDIT,
	FAN_ALLOW | FAN_AUDIT,
	FAN_DENY | FAN_INFO,
	FAN_ALLOW | 0x80000000,
	FAN_ALLOW | 0x100,
	FAN_DENY | 0x01000000,
	0xffffffff,
};

static const size_t bad_lengths[] = {
	0, 1, ANSWER_LEN - 1, ANSWER_LEN + 1, 16, 2 * ANSWER_LEN - 1,
};

/* Allows what still waits: how many of the first @nr that were, or -errno. */
static int allow_the_rest(struct asked *asked, int sock, int nr)
{
	int i, ret, rest = 0;

	for (i = 0; i < nr; i++) {
		ret = answer(sock, asked->cookies[i], FAN_ALLOW);
		if (ret && ret != -ENOENT)
			return ret;
		rest += !ret;
	}
	return rest;
}

/* Through every way, with one answer at a time */
FIXTURE(answer)
{
	int sock;
	const struct way *way;
	struct asked asked;
	struct fanotify_so_access access;
};

FIXTURE_VARIANT(answer)
{
	int way;
};

#define VARIANT(name, nr) \
	FIXTURE_VARIANT_ADD(answer, name) { \
		.way = nr, \
	}

VARIANT(setsockopt, 0);
VARIANT(write, 1);
VARIANT(writev, 2);
VARIANT(send, 3);
VARIANT(sendto, 4);
VARIANT(sendmsg, 5);
VARIANT(sendmmsg, 6);
VARIANT(uring_write, 7);
VARIANT(uring_send, 8);
VARIANT(uring_sendmsg, 9);
VARIANT(uring_worker, 10);

FIXTURE_SETUP(answer)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	self->sock = guard();
	ASSERT_LE(0, self->sock);
	ASSERT_GT(ARRAY_SIZE(ways), variant->way);
	self->way = &ways[variant->way];
}

FIXTURE_TEARDOWN(answer) {}

/* Gives an answer. */
static long give(const struct way *way, int sock, __u64 cookie, __u32 response)
{
	struct fanotify_so_access access = {
		.cookie = cookie,
		.response = response,
	};

	return way->call(sock, &access, sizeof(access));
}

TEST_F(answer, every_response)
{
	static const struct {
		__u32 response;
		long ret;
	} good[] = {
		{ FAN_ALLOW, 0 },
		{ FAN_DENY, -EPERM },
		/* The first of these keeps nothing: the next is asked. */
		{ FAN_ALLOW | FAN_CACHE, 0 },
		{ FAN_DENY, -EPERM },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
		EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
		EXPECT_EQ(applied(self->way, ANSWER_LEN),
			  give(self->way, self->sock, self->asked.cookies[0],
			       good[i].response));
		EXPECT_EQ(good[i].ret, doer_result(&self->asked.doers[0]));
		/* That was it. */
		EXPECT_EQ(-ENOENT, give(self->way, self->sock,
					self->asked.cookies[0],
					good[i].response));
	}
}

TEST_F(answer, reset_is_no_answer)
{
	int i;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(applied(self->way, ANSWER_LEN),
			  give(self->way, self->sock, self->asked.cookies[0],
			       FAN_RESET_TIMEOUT));
	EXPECT_TRUE(sleeps_in(self->asked.doers[0].pid, SYS_openat));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(0, answer(self->sock, self->asked.cookies[0], FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, self->asked.cookies[0],
				FAN_RESET_TIMEOUT));
}

TEST_F(answer, bad_response)
{
	size_t i;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	for (i = 0; i < ARRAY_SIZE(bad_responses); i++) {
		EXPECT_EQ(-EINVAL, give(self->way, self->sock,
					self->asked.cookies[0],
					bad_responses[i])) {
			TH_LOG("response %x", bad_responses[i]);
		}
	}
	EXPECT_TRUE(sleeps_in(self->asked.doers[0].pid, SYS_openat));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(0, answer(self->sock, self->asked.cookies[0], FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
}

TEST_F(answer, bad_cookie)
{
	__u64 cookie;

	/* In a group that was never asked, and in one that is. */
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, 1, FAN_ALLOW));
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	cookie = self->asked.cookies[0];
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, 0, FAN_ALLOW));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie + 1, FAN_ALLOW));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie - 1, FAN_DENY));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, -cookie, FAN_ALLOW));
	/* All 64 bits of it count. */
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie | 1ULL << 32,
				FAN_ALLOW));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie | 1ULL << 63,
				FAN_ALLOW | FAN_CACHE));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, ~0ULL,
				FAN_RESET_TIMEOUT));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(applied(self->way, ANSWER_LEN),
		  give(self->way, self->sock, cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
}

/* What has come to an end in another way takes no answer. */
TEST_F(answer, late)
{
	struct doer *doer = &self->asked.doers[0];
	__u64 cookie;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 500));
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	cookie = self->asked.cookies[0];
	EXPECT_EQ(0, doer_result(doer));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie, FAN_ALLOW));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie, FAN_DENY));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie,
				FAN_RESET_TIMEOUT));

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	EXPECT_LT(cookie, self->asked.cookies[0]);
	cookie = self->asked.cookies[0];
	ASSERT_EQ(0, kill(doer->pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(doer));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie, FAN_ALLOW));
	EXPECT_EQ(-ENOENT, give(self->way, self->sock, cookie,
				FAN_ALLOW | FAN_CACHE));
}

TEST_F(answer, bad_length)
{
	struct fanotify_so_access access[2] = {};
	size_t i;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	access[0].cookie = self->asked.cookies[0];
	access[0].response = FAN_ALLOW;
	access[1] = access[0];
	for (i = 0; i < ARRAY_SIZE(bad_lengths); i++) {
		/* This one does not even get to the socket. */
		if (self->way->call == by_writev && !bad_lengths[i])
			continue;
		EXPECT_EQ(-EINVAL, self->way->call(self->sock, access,
						   bad_lengths[i])) {
			TH_LOG("length %zu", bad_lengths[i]);
		}
	}
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	/* The second is for nobody. */
	EXPECT_EQ(self->way->counts ? 2 * ANSWER_LEN : -ENOENT,
		  self->way->call(self->sock, access, 2 * ANSWER_LEN));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
}

TEST_F(answer, bad_buffer)
{
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, edge);
	ASSERT_EQ(0, mprotect(edge + 4096, 4096, PROT_NONE));
	edge += 4096;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	memcpy(edge - ANSWER_LEN, &(struct fanotify_so_access){
		.cookie = self->asked.cookies[0],
		.response = FAN_DENY,
	}, ANSWER_LEN);
	EXPECT_EQ(-EFAULT, self->way->call(self->sock, (void *)8, ANSWER_LEN));
	EXPECT_EQ(-EFAULT, self->way->call(self->sock, edge, ANSWER_LEN));
	EXPECT_EQ(-EFAULT, self->way->call(self->sock, edge - 1, ANSWER_LEN));
	EXPECT_EQ(-EFAULT, self->way->call(self->sock, edge - ANSWER_LEN + 1,
					   ANSWER_LEN));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(applied(self->way, ANSWER_LEN),
		  self->way->call(self->sock, edge - ANSWER_LEN, ANSWER_LEN));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
}

TEST_F(answer, unbound)
{
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, give(self->way, sock, 1, FAN_ALLOW));
	EXPECT_EQ(-ENOTCONN, give(self->way, sock, 1, FAN_RESET_TIMEOUT));
}

TEST_F(answer, shut_down)
{
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
	EXPECT_EQ(-ESHUTDOWN, give(self->way, self->sock,
				   self->asked.cookies[0], FAN_ALLOW));
	EXPECT_EQ(-ESHUTDOWN, give(self->way, self->sock, NO_COOKIE,
				   FAN_RESET_TIMEOUT));
}

/* The cookie of one group says nothing to another. */
TEST_F(answer, another_group)
{
	int other = deaf_listener();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	EXPECT_EQ(-ENOENT, give(self->way, other, self->asked.cookies[0],
				FAN_ALLOW));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(0, close(other));
	EXPECT_EQ(applied(self->way, ANSWER_LEN),
		  give(self->way, self->sock, self->asked.cookies[0],
		       FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
}

/* Every entry is tried, and each of them is for a task of its own. */
TEST_F(answer, array)
{
	static const int sizes[] = { 1, 2, 15, 17, 33 };
	struct fanotify_so_access access[MANY_ANSWERS];
	size_t n;
	int i;

	for (n = 0; n < ARRAY_SIZE(sizes); n++) {
		ASSERT_EQ(0, ask(&self->asked, self->sock, sizes[n]));
		for (i = 0; i < sizes[n]; i++) {
			access[i].cookie = self->asked.cookies[i];
			access[i].response = i % 3 ? FAN_ALLOW : FAN_DENY;
		}
		EXPECT_EQ(applied(self->way, sizes[n] * ANSWER_LEN),
			  self->way->call(self->sock, access,
					  sizes[n] * ANSWER_LEN));
		for (i = 0; i < sizes[n]; i++)
			EXPECT_EQ(i % 3 ? 0 : -EPERM,
				  doer_result(&self->asked.doers[i]));
		EXPECT_EQ(-ENOENT, self->way->call(self->sock, access,
						   sizes[n] * ANSWER_LEN));
	}
}

/* One that is wrong does not keep the others from being tried. */
TEST_F(answer, array_partly_wrong)
{
	struct fanotify_so_access access[] = {
		{ .cookie = NO_COOKIE, .response = FAN_ALLOW },
		{ .response = FAN_ALLOW },
		{ .response = 0x40 },
		{ .response = FAN_DENY },
		{ .response = FAN_RESET_TIMEOUT },
		{ .cookie = 0, .response = FAN_DENY },
		{ .response = FAN_ALLOW | FAN_CACHE },
	};
	const size_t n = ARRAY_SIZE(access);

	ASSERT_EQ(0, ask(&self->asked, self->sock, 5));
	access[1].cookie = self->asked.cookies[0];
	access[2].cookie = self->asked.cookies[1];
	access[3].cookie = self->asked.cookies[2];
	access[4].cookie = self->asked.cookies[3];
	access[6].cookie = self->asked.cookies[4];
	/* The first error, or that it did something. */
	EXPECT_EQ(self->way->counts ? n * ANSWER_LEN : -ENOENT,
		  self->way->call(self->sock, access, n * ANSWER_LEN));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[2]));
	EXPECT_EQ(0, doer_result(&self->asked.doers[4]));
	/* The wrong response, and the one that is no answer */
	EXPECT_FALSE(doer_returned(&self->asked.doers[1], 0));
	EXPECT_FALSE(doer_returned(&self->asked.doers[3], 0));

	/* The other one is the first now. */
	access[0].cookie = self->asked.cookies[1];
	access[0].response = 0;
	access[1].cookie = NO_COOKIE;
	access[2] = access[4];
	EXPECT_EQ(self->way->counts ? 3 * ANSWER_LEN : -EINVAL,
		  self->way->call(self->sock, access, 3 * ANSWER_LEN));
	EXPECT_FALSE(doer_returned(&self->asked.doers[3], 0));
	access[2].cookie = self->asked.cookies[1];
	access[2].response = FAN_DENY;
	EXPECT_EQ(self->way->counts ? 3 * ANSWER_LEN : -EINVAL,
		  self->way->call(self->sock, access, 3 * ANSWER_LEN));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[1]));

	EXPECT_EQ(0, answer(self->sock, self->asked.cookies[3], FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->asked.doers[3]));
}

/* If none was applied it is the first error by every way. */
TEST_F(answer, array_all_wrong)
{
	struct fanotify_so_access access[MANY_ANSWERS];
	int i;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	for (i = 0; i < MANY_ANSWERS; i++) {
		access[i].cookie = self->asked.cookies[0];
		access[i].response = bad_responses[i %
						   ARRAY_SIZE(bad_responses)];
	}
	EXPECT_EQ(-EINVAL, self->way->call(self->sock, access,
					   sizeof(access)));
	access[0].cookie = NO_COOKIE;
	access[0].response = FAN_ALLOW;
	EXPECT_EQ(-ENOENT, self->way->call(self->sock, access,
					   sizeof(access)));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	/* And the very last is tried, too. */
	access[MANY_ANSWERS - 1].response = FAN_DENY;
	EXPECT_EQ(self->way->counts ? sizeof(access) : -ENOENT,
		  self->way->call(self->sock, access, sizeof(access)));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
}

/* Of two answers to the same question the first counts. */
TEST_F(answer, array_says_it_twice)
{
	struct fanotify_so_access access[] = {
		{ .response = FAN_RESET_TIMEOUT },
		{ .response = FAN_DENY },
		{ .response = FAN_ALLOW },
	};

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	access[0].cookie = self->asked.cookies[0];
	access[1].cookie = self->asked.cookies[0];
	access[2].cookie = self->asked.cookies[0];
	EXPECT_EQ(self->way->counts ? sizeof(access) : -ENOENT,
		  self->way->call(self->sock, access, sizeof(access)));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
}

/* The memory ends in the middle: those before the end are applied. */
TEST_F(answer, array_is_cut_off)
{
	static const int readable[] = { 1, 15, 32, 40 };
	const int nr = 48;
	size_t len = nr * ANSWER_LEN, n;
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, rest;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	for (n = 0; n < ARRAY_SIZE(readable); n++) {
		struct fanotify_so_access *access = (void *)
			(page + 4096 - readable[n] * ANSWER_LEN);
		long ret;

		ASSERT_EQ(0, ask(&self->asked, self->sock, nr));
		for (i = 0; i < readable[n]; i++) {
			access[i].cookie = self->asked.cookies[i];
			access[i].response = FAN_DENY;
		}
		ret = self->way->call(self->sock, access, len);
		EXPECT_EQ(self->way->counts ? (long)len : -EFAULT, ret);
		/* The rest of them is told from these by the verdict. */
		rest = allow_the_rest(&self->asked, self->sock, nr);
		EXPECT_EQ(nr - readable[n], rest);
		for (i = 0; i < nr; i++)
			EXPECT_EQ(i < nr - rest ? -EPERM : 0,
				  doer_result(&self->asked.doers[i]));
	}
}

TEST_HARNESS_MAIN
