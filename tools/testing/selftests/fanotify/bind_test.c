// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: bind() and getsockname()
 */

#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/prctl.h>

#include "common.h"
#include "perm.h"

/* What the kernel calls O_LARGEFILE; the C library says 0 on 64 bits. */
#define LARGEFILE 0100000

/* Does the call say that the socket is bound to nothing? */
static bool is_unbound(int sock)
{
	struct fanotify_addr none = { .family = AF_FANOTIFY };
	struct fanotify_addr addr;
	socklen_t len = sizeof(addr);
	char buf[64];

	memset(&addr, 0xaa, sizeof(addr));
	return !getsockname(sock, sockaddr_of(&addr), &len) &&
	       len == sizeof(addr) && !memcmp(&addr, &none, sizeof(addr)) &&
	       recv(sock, buf, sizeof(buf), MSG_DONTWAIT) < 0 &&
	       errno == ENOTCONN;
}

/* Is it bound to exactly this? */
static bool is_bound_to(int sock, const struct fanotify_addr *want)
{
	struct fanotify_addr addr = {};
	socklen_t len = sizeof(addr);

	return !getsockname(sock, sockaddr_of(&addr), &len) &&
	       len == sizeof(addr) && !memcmp(&addr, want, sizeof(addr));
}

/* Binds a socket of its own to @addr; 0 or -errno. */
static int try_bind(const struct fanotify_addr *addr)
{
	int sock = new_socket();
	int ret;

	if (sock < 0)
		return sock;
	ret = do_bind(sock, addr);
	/* It did what it says. */
	if (ret ? !is_unbound(sock) : !is_bound_to(sock, addr))
		ret = -EPROTO;
	close(sock);
	return ret;
}

/* Sets whether the effective capabilities include CAP_SYS_ADMIN. */
static int set_sys_admin(bool on)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	if (on)
		data[0].effective |= 1U << CAP_SYS_ADMIN;
	return result(syscall(SYS_capset, &hdr, data));
}

FIXTURE(bind)
{
	int sock;
	struct fanotify_addr good;
};

FIXTURE_SETUP(bind)
{
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	self->good = address(FAN_GLOBAL_LISTENER | FAN_OPEN, O_RDONLY);
}

FIXTURE_TEARDOWN(bind)
{
	EXPECT_EQ(0, close(self->sock));
}

TEST_F(bind, good)
{
	ASSERT_TRUE(is_unbound(self->sock));
	self->good.priority = 0x12345678;
	self->good.mask |= FAN_ONDIR;
	self->good.f_flags = O_RDWR | O_CLOEXEC;
	ASSERT_EQ(0, do_bind(self->sock, &self->good));
	EXPECT_TRUE(is_bound_to(self->sock, &self->good));
}

TEST_F(bind, bad_length)
{
	/* From 129 on it is the socket layer that refuses. */
	static const socklen_t lens[] = {
		0, 1, 2, 14, 16, 64, 80, 81, 83, 84, 96, 127, 128, 129, 4096,
		0x7fffffff, 0x80000000, 0xffffffff,
	};
	struct {
		struct fanotify_addr addr;
		char more[4096];
	} buf = { .addr = self->good };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, result(bind(self->sock, sockaddr_of(&buf),
					       lens[i]))) {
			TH_LOG("length %u", lens[i]);
		}
	}
	/* The length is looked at before the family. */
	buf.addr.family = AF_INET;
	EXPECT_EQ(-EINVAL, result(bind(self->sock, sockaddr_of(&buf), 81)));

	EXPECT_TRUE(is_unbound(self->sock));
	EXPECT_EQ(0, do_bind(self->sock, &self->good));
}

TEST_F(bind, bad_family)
{
	static const int families[] = { AF_UNSPEC, AF_UNIX, AF_INET,
					AF_FANOTIFY - 1, AF_FANOTIFY + 1,
					AF_FANOTIFY << 8, 0xffff };
	struct fanotify_addr addr = self->good;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		addr.family = families[i];
		EXPECT_EQ(-EAFNOSUPPORT, do_bind(self->sock, &addr)) {
			TH_LOG("family %d", families[i]);
		}
	}
	/* The family is looked at before anything else in the address. */
	memset(&addr, 0xff, sizeof(addr));
	EXPECT_EQ(-EAFNOSUPPORT, do_bind(self->sock, &addr));

	EXPECT_TRUE(is_unbound(self->sock));
	EXPECT_EQ(0, do_bind(self->sock, &self->good));
}

TEST_F(bind, bad_pointer)
{
	EXPECT_EQ(-EFAULT, result(bind(self->sock, (struct sockaddr *)8,
				       sizeof(self->good))));
	EXPECT_EQ(-EFAULT, result(bind(self->sock, NULL,
				       sizeof(self->good))));
	EXPECT_TRUE(is_unbound(self->sock));
	EXPECT_EQ(0, do_bind(self->sock, &self->good));
}

TEST_F(bind, reserved_fields)
{
	struct fanotify_addr addr = self->good;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(addr.unused); i++) {
		addr.unused[i] = 1;
		EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr)) {
			TH_LOG("unused[%zu]", i);
		}
		addr.unused[i] = 0x80000000;
		EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr)) {
			TH_LOG("unused[%zu]", i);
		}
		addr.unused[i] = 0;
	}
	EXPECT_TRUE(is_unbound(self->sock));
	EXPECT_EQ(0, do_bind(self->sock, &addr));
}

/* Reserved fields count for a directed listener as well. */
TEST_F(bind, reserved_fields_of_directed)
{
	struct fanotify_addr addr = address(0, O_RDONLY);

	addr.unused[15] = 1;
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &addr));
	EXPECT_TRUE(is_unbound(self->sock));
}

static const unsigned int numbers[] = {
	0, 1, 0x7fffffff, 0x80000000, 0xffffffff
};

TEST_F(bind, any_group_number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		self->good.group_num = numbers[i];
		EXPECT_EQ(0, try_bind(&self->good));
	}
}

TEST_F(bind, any_priority)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		self->good.priority = numbers[i];
		EXPECT_EQ(0, try_bind(&self->good));
	}
}

TEST_F(bind, second_time)
{
	struct fanotify_addr other = address(FAN_GLOBAL_LISTENER | FAN_CLOSE,
					     O_RDWR);

	ASSERT_EQ(0, do_bind(self->sock, &self->good));
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &self->good));
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &other));
	other.group_num = 1;
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &other));
	/* That it is bound is looked at last. */
	other.family = AF_INET;
	EXPECT_EQ(-EAFNOSUPPORT, do_bind(self->sock, &other));
	EXPECT_TRUE(is_bound_to(self->sock, &self->good));
}

/* A second bind does not change what the listener hears. */
TEST_F(bind, second_time_changes_nothing)
{
	struct fanotify_addr other = address(FAN_GLOBAL_LISTENER | ALL_EVENTS,
					     O_RDONLY);
	struct stat st;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));

	ASSERT_EQ(0, do_bind(self->sock, &self->good));
	EXPECT_EQ(-EINVAL, do_bind(self->sock, &other));
	ASSERT_EQ(0, open_close(TMP "/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
}

static void *bind_main(void *arg)
{
	int *fds = arg;
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN,
					    O_RDONLY);
	char c;

	/* Released by the closing of the pipe, as near together as can be. */
	if (read(fds[1], &c, 1))
		return (void *)1L;
	return (void *)(long)do_bind(fds[0], &addr);
}

TEST(bind_race)
{
	int round, i;

	for (round = 0; round < 50; round++) {
		int good = 0, pipefds[2], fds[2];
		pthread_t threads[2];

		fds[0] = new_socket();
		ASSERT_LE(0, fds[0]);
		ASSERT_EQ(0, pipe2(pipefds, O_CLOEXEC));
		fds[1] = pipefds[0];
		for (i = 0; i < 2; i++)
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    bind_main, fds));
		ASSERT_EQ(0, close(pipefds[1]));
		for (i = 0; i < 2; i++) {
			void *ret;

			ASSERT_EQ(0, pthread_join(threads[i], &ret));
			EXPECT_TRUE(!ret || (long)ret == -EINVAL);
			good += !ret;
		}
		EXPECT_EQ(1, good);
		EXPECT_EQ(0, close(pipefds[0]));
		EXPECT_EQ(0, close(fds[0]));
	}
}

/* Every open flag for itself: which ones may event descriptors have? */
TEST(open_flags_one_by_one)
{
	const __u32 legal = O_WRONLY | O_RDWR | O_APPEND | O_NONBLOCK |
			    O_DSYNC | O_CLOEXEC | LARGEFILE | O_NOATIME;
	struct fanotify_addr addr;
	int global, i;

	for (global = 0; global < 2; global++) {
		for (i = 0; i < 32; i++) {
			__u32 bit = 1U << i;

			/* Half of O_SYNC; alone it means nothing. */
			if (bit == (O_SYNC & ~O_DSYNC))
				continue;
			addr = address(global ? FAN_GLOBAL_LISTENER | FAN_OPEN :
						0, bit);
			EXPECT_EQ(bit & legal ? 0 : -EINVAL, try_bind(&addr)) {
				TH_LOG("flag %#o", bit);
			}
		}
	}
}

FIXTURE(f_flags) {};

FIXTURE_VARIANT(f_flags) {
	__u32 f_flags;
	int error;
};

FIXTURE_SETUP(f_flags) {}

FIXTURE_TEARDOWN(f_flags) {}

FIXTURE_VARIANT_ADD(f_flags, rdonly) {
	.f_flags = O_RDONLY,
};

FIXTURE_VARIANT_ADD(f_flags, sync) {
	.f_flags = O_RDWR | O_SYNC,
};

FIXTURE_VARIANT_ADD(f_flags, all) {
	.f_flags = O_RDWR | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC |
		   O_CLOEXEC | LARGEFILE | O_NOATIME,
};

FIXTURE_VARIANT_ADD(f_flags, accmode_3) {
	.f_flags = O_ACCMODE,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, accmode_3_cloexec) {
	.f_flags = O_ACCMODE | O_CLOEXEC,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, creat) {
	.f_flags = O_CREAT,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, excl) {
	.f_flags = O_EXCL,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, trunc) {
	.f_flags = O_RDWR | O_TRUNC,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, directory) {
	.f_flags = O_DIRECTORY,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, path) {
	.f_flags = O_PATH,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, tmpfile) {
	.f_flags = O_RDWR | O_TMPFILE,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, direct) {
	.f_flags = O_DIRECT,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, noctty) {
	.f_flags = O_NOCTTY,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, nofollow) {
	.f_flags = O_NOFOLLOW,
	.error = -EINVAL,
};

FIXTURE_VARIANT_ADD(f_flags, async) {
	.f_flags = O_ASYNC,
	.error = -EINVAL,
};

TEST_F(f_flags, bind)
{
	struct fanotify_addr addr;

	addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN, variant->f_flags);
	EXPECT_EQ(variant->error, try_bind(&addr));
	/* They count for a directed listener as well. */
	addr = address(0, variant->f_flags);
	EXPECT_EQ(variant->error, try_bind(&addr));
}

TEST(global_mask)
{
	struct fanotify_addr addr;
	int i;

	for (i = 0; i < 31; i++) {
		__u32 bit = 1U << i;
		bool event = bit & (ALL_EVENTS | ALL_PERM);

		/* Alone it must be an event. */
		addr = address(FAN_GLOBAL_LISTENER | bit, O_RDONLY);
		EXPECT_EQ(event ? 0 : -EINVAL, try_bind(&addr)) {
			TH_LOG("bit %#x", bit);
		}
		/* With an event it may be FAN_ONDIR. */
		addr.mask |= FAN_OPEN;
		EXPECT_EQ(event || bit == FAN_ONDIR ? 0 : -EINVAL,
			  try_bind(&addr)) {
			TH_LOG("bit %#x", bit);
		}
	}
	addr = address(FAN_GLOBAL_LISTENER, O_RDONLY);
	EXPECT_EQ(-EINVAL, try_bind(&addr));
	addr = address(FAN_GLOBAL_LISTENER | ALL_EVENTS | FAN_ONDIR, O_RDONLY);
	EXPECT_EQ(0, try_bind(&addr));
	addr = address(0xffffffff, O_RDONLY);
	EXPECT_EQ(-EINVAL, try_bind(&addr));
}

TEST(directed_mask_is_ignored)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	int i;

	EXPECT_EQ(0, try_bind(&addr));
	for (i = 0; i < 31; i++) {
		addr.mask = 1U << i;
		EXPECT_EQ(0, try_bind(&addr)) {
			TH_LOG("bit %#x", addr.mask);
		}
	}
	addr.mask = ~FAN_GLOBAL_LISTENER;
	EXPECT_EQ(0, try_bind(&addr));
}

TEST_F(bind, directed_hears_nothing)
{
	struct fanotify_addr addr = address(~FAN_GLOBAL_LISTENER, O_RDONLY);
	struct stat st;
	int control;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	control = global_listener(FAN_OPEN);
	ASSERT_LE(0, control);
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	ASSERT_EQ(0, open_close(TMP "/file", O_RDWR));
	EXPECT_EQ(FAN_OPEN, only_event(control, &st));
	EXPECT_EQ(-EAGAIN, result(recv(self->sock, &addr, sizeof(addr),
				       MSG_DONTWAIT)));
}

FIXTURE(rights)
{
	int sock;
	struct fanotify_addr good;
};

FIXTURE_VARIANT(rights) {
	enum { CAP_DROPPED, IS_NOBODY, USERNS_ROOT } lack;
};

FIXTURE_VARIANT_ADD(rights, cap_dropped) {
	.lack = CAP_DROPPED,
};

FIXTURE_VARIANT_ADD(rights, nobody) {
	.lack = IS_NOBODY,
};

FIXTURE_VARIANT_ADD(rights, user_namespace) {
	.lack = USERNS_ROOT,
};

FIXTURE_SETUP(rights)
{
	/* Made by root: what counts is who binds it. */
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	self->good = address(FAN_GLOBAL_LISTENER | FAN_OPEN, O_RDONLY);
	switch (variant->lack) {
	case CAP_DROPPED:
		ASSERT_EQ(0, set_sys_admin(false));
		break;
	case IS_NOBODY:
		ASSERT_EQ(0, become_nobody());
		break;
	case USERNS_ROOT:
		ASSERT_EQ(0, unshare(CLONE_NEWUSER));
		/* It does have the capability there. */
		ASSERT_EQ(0, unshare(CLONE_NEWNS));
		break;
	}
}

FIXTURE_TEARDOWN(rights)
{
	EXPECT_EQ(0, close(self->sock));
}

TEST_F(rights, refused)
{
	struct fanotify_addr addr = self->good;

	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));
	EXPECT_EQ(-EPERM, try_bind(&addr));
	addr.mask = 0;
	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));

	/* Rights come after length and family and before all the rest. */
	addr = self->good;
	addr.unused[0] = 1;
	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));
	addr = self->good;
	addr.f_flags = O_PATH;
	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));
	addr = self->good;
	addr.mask = FAN_GLOBAL_LISTENER;
	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));
	addr = self->good;
	addr.group_num = 1;
	EXPECT_EQ(-EPERM, do_bind(self->sock, &addr));
	EXPECT_EQ(-EINVAL, result(bind(self->sock, sockaddr_of(&addr), 81)));
	addr.family = AF_INET;
	EXPECT_EQ(-EAFNOSUPPORT, do_bind(self->sock, &addr));

	EXPECT_TRUE(is_unbound(self->sock));
}

/* The right is needed around the call, neither before nor after. */
TEST_F(bind, raised_around_the_call)
{
	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, set_sys_admin(false));
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(-EPERM, do_bind(self->sock, &self->good));
	ASSERT_EQ(0, set_sys_admin(true));
	EXPECT_EQ(0, do_bind(self->sock, &self->good));
	ASSERT_EQ(0, set_sys_admin(false));
	EXPECT_TRUE(is_bound_to(self->sock, &self->good));
	EXPECT_EQ(0, drain(self->sock));
}

/* CAP_SYS_ADMIN alone is enough. */
TEST_F(bind, nobody_with_the_capability)
{
	ASSERT_EQ(0, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EPERM, do_bind(self->sock, &self->good));
	ASSERT_EQ(0, set_sys_admin(true));
	EXPECT_EQ(0, do_bind(self->sock, &self->good));
}

TEST_F(bind, getsockname_buffers)
{
	struct fanotify_addr none = { .family = AF_FANOTIFY };
	static const socklen_t lens[] = { 0, 1, 2, 10, 18, 81, 82, 83, 128 };
	const struct fanotify_addr *want;
	size_t i, j, bound;

	self->good.priority = 0xa1a2a3a4;
	for (bound = 0; bound < 2; bound++) {
		want = bound ? &self->good : &none;
		ASSERT_EQ(0, bound ? do_bind(self->sock, &self->good) : 0);
		for (i = 0; i < ARRAY_SIZE(lens); i++) {
			socklen_t len = lens[i];
			socklen_t used = len < 82 ? len : 82;
			unsigned char buf[128];

			memset(buf, 0xaa, sizeof(buf));
			EXPECT_EQ(0, getsockname(self->sock, sockaddr_of(buf),
						 &len));
			EXPECT_EQ(82, len);
			EXPECT_EQ(0, memcmp(buf, want, used));
			for (j = used; j < sizeof(buf); j++)
				EXPECT_EQ(0xaa, buf[j]);
		}
	}
}

TEST_F(bind, getsockname_bad)
{
	struct fanotify_addr addr;
	socklen_t len = sizeof(addr);

	EXPECT_EQ(-EFAULT, result(getsockname(self->sock, (void *)8, &len)));
	EXPECT_EQ(-EFAULT, result(getsockname(self->sock, sockaddr_of(&addr),
					      (void *)8)));
	len = -1;
	EXPECT_EQ(-EINVAL, result(getsockname(self->sock, sockaddr_of(&addr),
					      &len)));
}

TEST_HARNESS_MAIN
