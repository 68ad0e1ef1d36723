// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the options that are a number, and the one that is nothing
 */

#define _GNU_SOURCE
#include "perm.h"

/* Those that can only be set */
static const int set_only[] = {
	FANOTIFY_ACCESS_RESPONSE,
	FANOTIFY_SET_MARK,
	FANOTIFY_IGNORE_SB,
	FANOTIFY_FORGET,
};

#define MAX_VALUES 8

FIXTURE(option)
{
	int sock;
};

FIXTURE_VARIANT(option)
{
	int opt;
	__u32 unset;
	int nr_good;
	__u32 good[MAX_VALUES];
	int nr_bad;
	__u32 bad[MAX_VALUES];
};

FIXTURE_VARIANT_ADD(option, timeout) {
	.opt = FANOTIFY_RESPONSE_TIMEOUT,
	.unset = 5000,
	.nr_good = 5,
	.good = { 1, 2, 5000, 599999, 600000 },
	.nr_bad = 5,
	.bad = { 0, 600001, 0x7fffffff, 0x80000001, 0xffffffff },
};

FIXTURE_VARIANT_ADD(option, policy) {
	.opt = FANOTIFY_TIMEOUT_POLICY,
	.unset = FAN_ALLOW,
	.nr_good = 3,
	.good = { FAN_DENY, FAN_ALLOW, FAN_DENY },
	.nr_bad = 8,
	.bad = { 0, FAN_ALLOW | FAN_DENY, FAN_RESET_TIMEOUT, FAN_CACHE,
		 FAN_ALLOW | FAN_CACHE, FAN_DENY | FAN_AUDIT, 0x80000001,
		 0xffffffff },
};

FIXTURE_VARIANT_ADD(option, ignore_self) {
	.opt = FANOTIFY_IGNORE_SELF,
	.unset = 0,
	.nr_good = 4,
	.good = { 0, 1, 0, 1 },
	.nr_bad = 4,
	.bad = { 2, 3, 0x80000000, 0xffffffff },
};

FIXTURE_SETUP(option)
{
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(option)
{
	close(self->sock);
}

static int set_raw(int sock, int opt, const void *val, socklen_t len)
{
	return result(setsockopt(sock, SOL_FANOTIFY, opt, val, len));
}

static int get_raw(int sock, int opt, void *val, socklen_t *len)
{
	return result(getsockopt(sock, SOL_FANOTIFY, opt, val, len));
}

TEST_F(option, unset)
{
	EXPECT_EQ(variant->unset, get_u32(self->sock, variant->opt));
}

TEST_F(option, good)
{
	int i;

	for (i = 0; i < variant->nr_good; i++) {
		EXPECT_EQ(0, set_u32(self->sock, variant->opt,
				     variant->good[i]));
		EXPECT_EQ(variant->good[i], get_u32(self->sock, variant->opt));
	}
}

TEST_F(option, bad)
{
	__u32 last = variant->good[0];
	int i;

	ASSERT_EQ(0, set_u32(self->sock, variant->opt, last));
	for (i = 0; i < variant->nr_bad; i++) {
		EXPECT_EQ(-EINVAL, set_u32(self->sock, variant->opt,
					   variant->bad[i])) {
			TH_LOG("value %x", variant->bad[i]);
		}
		EXPECT_EQ(last, get_u32(self->sock, variant->opt));
	}
}

/* It is a number of 32 bits, and nothing else that begins with one. */
TEST_F(option, bad_length)
{
	static const socklen_t lens[] = { 0, 1, 3, 5, 8, 12, 4096, -1 };
	__u32 val[1024] = { variant->good[variant->nr_good - 1] };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, set_raw(self->sock, variant->opt, val,
					   lens[i])) {
			TH_LOG("length %u", lens[i]);
		}
	}
	EXPECT_EQ(variant->unset, get_u32(self->sock, variant->opt));
}

TEST_F(option, bad_buffer)
{
	socklen_t len = sizeof(__u32);
	__u32 val;

	EXPECT_EQ(-EFAULT, set_raw(self->sock, variant->opt, NULL, 4));
	EXPECT_EQ(-EFAULT, set_raw(self->sock, variant->opt, (void *)8, 4));
	EXPECT_EQ(-EFAULT, get_raw(self->sock, variant->opt, (void *)8, &len));
	EXPECT_EQ(-EFAULT, get_raw(self->sock, variant->opt, &val, NULL));
	EXPECT_EQ(-EFAULT, get_raw(self->sock, variant->opt, &val, (void *)8));
	EXPECT_EQ(variant->unset, get_u32(self->sock, variant->opt));
}

TEST_F(option, small_buffer)
{
	static const socklen_t lens[] = { 0, 1, 3, -1, 0x80000000 };
	__u32 val = 0x5a5a5a5a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		socklen_t len = lens[i];

		EXPECT_EQ(-EINVAL, get_raw(self->sock, variant->opt, &val,
					   &len)) {
			TH_LOG("length %u", lens[i]);
		}
		EXPECT_EQ(lens[i], len);
		EXPECT_EQ(0x5a5a5a5a, val);
	}
}

TEST_F(option, large_buffer)
{
	__u32 val[2] = { 0x5a5a5a5a, 0x5a5a5a5a };
	socklen_t len = sizeof(val);

	EXPECT_EQ(0, get_raw(self->sock, variant->opt, val, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(variant->unset, val[0]);
	EXPECT_EQ(0x5a5a5a5a, val[1]);
}

/* Each group has its own. */
TEST_F(option, of_another_socket)
{
	int other = deaf_listener();
	int i;

	ASSERT_LE(0, other);
	for (i = 0; i < variant->nr_good; i++)
		ASSERT_EQ(0, set_u32(self->sock, variant->opt,
				     variant->good[i]));
	EXPECT_EQ(variant->unset, get_u32(other, variant->opt));
	EXPECT_EQ(0, close(other));
}

TEST_F(option, unbound)
{
	int sock = new_socket();

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, set_u32(sock, variant->opt, variant->good[0]));
	EXPECT_EQ(-ENOTCONN, get_u32(sock, variant->opt));
	EXPECT_EQ(0, close(sock));
}

TEST_F(option, shut_down)
{
	__u32 last = variant->good[variant->nr_good - 1];

	ASSERT_EQ(0, set_u32(self->sock, variant->opt, last));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(-ESHUTDOWN, set_u32(self->sock, variant->opt,
				      variant->good[0]));
	/* What it was can still be asked. */
	EXPECT_EQ(last, get_u32(self->sock, variant->opt));
}

/* To set one does not touch the others. */
TEST_F(option, others)
{
	static const struct {
		int opt;
		__u32 unset;
	} all[] = {
		{ FANOTIFY_RESPONSE_TIMEOUT, 5000 },
		{ FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW },
		{ FANOTIFY_IGNORE_SELF, 0 },
	};
	size_t i;

	ASSERT_EQ(0, set_u32(self->sock, variant->opt,
			     variant->good[variant->nr_good - 1]));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if (all[i].opt != variant->opt)
			EXPECT_EQ(all[i].unset,
				  get_u32(self->sock, all[i].opt));
	}
}

TEST(get_what_can_only_be_set)
{
	int bound = deaf_listener(), unbound = new_socket();
	size_t i;

	ASSERT_LE(0, bound);
	ASSERT_LE(0, unbound);
	for (i = 0; i < ARRAY_SIZE(set_only); i++) {
		EXPECT_EQ(-ENOPROTOOPT, get_u32(bound, set_only[i]));
		EXPECT_EQ(-ENOTCONN, get_u32(unbound, set_only[i]));
	}
	ASSERT_EQ(0, shutdown(bound, SHUT_RDWR));
	for (i = 0; i < ARRAY_SIZE(set_only); i++)
		EXPECT_EQ(-ENOPROTOOPT, get_u32(bound, set_only[i]));
	close(bound);
	close(unbound);
}

TEST(no_option)
{
	static const int opts[] = { 0, 10, 100, -1, 0x7fffffff };
	int sock = deaf_listener();
	size_t i;

	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(opts); i++) {
		EXPECT_EQ(-ENOPROTOOPT, set_u32(sock, opts[i], 1));
		EXPECT_EQ(-ENOPROTOOPT, get_u32(sock, opts[i]));
	}
	close(sock);
}

/* To forget takes no value. */
TEST(forget)
{
	int bound = deaf_listener(), unbound = new_socket();
	__u32 val = 0;

	ASSERT_LE(0, bound);
	ASSERT_LE(0, unbound);
	EXPECT_EQ(0, set_raw(bound, FANOTIFY_FORGET, NULL, 0));
	EXPECT_EQ(0, set_raw(bound, FANOTIFY_FORGET, &val, 0));
	EXPECT_EQ(-EINVAL, set_raw(bound, FANOTIFY_FORGET, &val, 1));
	EXPECT_EQ(-EINVAL, set_raw(bound, FANOTIFY_FORGET, &val, 4));
	EXPECT_EQ(-ENOTCONN, set_raw(unbound, FANOTIFY_FORGET, NULL, 0));
	ASSERT_EQ(0, shutdown(bound, SHUT_RDWR));
	EXPECT_EQ(-ESHUTDOWN, set_raw(bound, FANOTIFY_FORGET, NULL, 0));
	close(bound);
	close(unbound);
}

/* Whoever has the socket sets them, without any capability. */
TEST_F(option, set_by_nobody)
{
	__u32 val = variant->good[variant->nr_good - 1];
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(-(become_nobody() ?:
			set_u32(self->sock, variant->opt, val)));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(val, get_u32(self->sock, variant->opt));
}

TEST_HARNESS_MAIN
