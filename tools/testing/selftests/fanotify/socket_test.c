// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the layout of the interface, socket() and what a socket
 * of this family cannot do
 */

#define _GNU_SOURCE
#include <linux/sockios.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "common.h"

TEST(constants)
{
	EXPECT_EQ(46, AF_FANOTIFY);
	EXPECT_EQ(46, PF_FANOTIFY);
	EXPECT_EQ(288, SOL_FANOTIFY);
	EXPECT_EQ(0x80000000, FAN_GLOBAL_LISTENER);
	EXPECT_EQ(0x20000000, FAN_SURVIVE_MODIFY);
	EXPECT_EQ(4, FAN_RESET_TIMEOUT);
	EXPECT_EQ(32, FAN_SO_EVENT_LEN);
	EXPECT_EQ(-1, FAN_NOFD);
	EXPECT_EQ(2, FANOTIFY_SET_MARK);
	EXPECT_EQ(3, FANOTIFY_IGNORE_SB);
	EXPECT_EQ(256, FAN_SO_EVENT_COST);
	EXPECT_EQ(1024, FAN_SO_MAX_MARKS);
}

/* The member of the structure @var is there, and takes as many bytes. */
#define EXPECT_MEMBER(offset, size, var, member) do {		\
	EXPECT_EQ(offset, offsetof(typeof(var), member));	\
	EXPECT_EQ(size, sizeof((var).member));			\
} while (0)

TEST(layout_of_fanotify_addr)
{
	struct fanotify_addr addr;

	EXPECT_EQ(82, sizeof(addr));
	EXPECT_MEMBER(0, 2, addr, family);
	EXPECT_MEMBER(2, 4, addr, priority);
	EXPECT_MEMBER(6, 4, addr, group_num);
	EXPECT_MEMBER(10, 4, addr, mask);
	EXPECT_MEMBER(14, 4, addr, f_flags);
	EXPECT_MEMBER(18, 64, addr, unused);
}

TEST(layout_of_event)
{
	struct fanotify_so_event_metadata ev;

	EXPECT_EQ(32, sizeof(ev));
	EXPECT_MEMBER(0, 4, ev, event_len);
	EXPECT_MEMBER(4, 4, ev, fd);
	EXPECT_MEMBER(8, 4, ev, mask);
	EXPECT_MEMBER(12, 4, ev, f_flags);
	EXPECT_MEMBER(16, 4, ev, pid);
	EXPECT_MEMBER(20, 4, ev, tgid);
	EXPECT_MEMBER(24, 8, ev, cookie);

	/* These are signed, the others are not. */
	memset(&ev, 0xff, sizeof(ev));
	EXPECT_TRUE(ev.fd < 0 && ev.pid < 0 && ev.tgid < 0);
	EXPECT_TRUE(ev.event_len > 0 && ev.mask > 0 && ev.f_flags > 0 &&
		    ev.cookie > 0);
}

TEST(layout_of_marks)
{
	struct fanotify_so_inode_mark mark;
	struct fanotify_so_sb sb;

	EXPECT_EQ(12, sizeof(mark));
	EXPECT_MEMBER(0, 4, mark, fd);
	EXPECT_MEMBER(4, 4, mark, mask);
	EXPECT_MEMBER(8, 4, mark, ignored_mask);

	EXPECT_EQ(16, sizeof(sb));
	EXPECT_MEMBER(0, 8, sb, magic);
	EXPECT_MEMBER(8, 4, sb, mask);
	EXPECT_MEMBER(12, 4, sb, flags);

	memset(&mark, 0xff, sizeof(mark));
	memset(&sb, 0xff, sizeof(sb));
	EXPECT_TRUE(mark.fd < 0 && mark.mask > 0 && mark.ignored_mask > 0);
	EXPECT_TRUE(sb.magic > 0 && sb.mask > 0 && sb.flags > 0);
}

/* Stepping goes by event_len and never past the end of the buffer. */
TEST(event_macros)
{
	static const unsigned int lens[] = { 32, 48, 56 };
	struct fanotify_so_event_metadata *ev;
	int len = 32 + 48 + 40;
	char buf[256] = {};

	memcpy(buf, &lens[0], 4);
	memcpy(buf + 32, &lens[1], 4);
	memcpy(buf + 80, &lens[2], 4);
	ev = (struct fanotify_so_event_metadata *)buf;

	ASSERT_TRUE(FAN_SO_EVENT_OK(ev, len));
	ev = FAN_SO_EVENT_NEXT(ev, len);
	EXPECT_EQ(buf + 32, (char *)ev);
	EXPECT_EQ(48 + 40, len);
	ASSERT_TRUE(FAN_SO_EVENT_OK(ev, len));
	ev = FAN_SO_EVENT_NEXT(ev, len);
	EXPECT_EQ(buf + 80, (char *)ev);
	EXPECT_EQ(40, len);
	/* The last one claims more than there is. */
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, len));
	EXPECT_TRUE(FAN_SO_EVENT_OK(ev, 56));

	ev->event_len = 32;
	EXPECT_TRUE(FAN_SO_EVENT_OK(ev, 32));
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, 31));
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, 0));
	/* What recv() returns when it fails, in types of either width. */
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, -1));
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, (ssize_t)-1));

	ev->event_len = 0;
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, 256));
	ev->event_len = 31;
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, 256));
	ev->event_len = 0xffffffff;
	EXPECT_FALSE(FAN_SO_EVENT_OK(ev, 256));
}

FIXTURE(type) {};

FIXTURE_VARIANT(type) {
	int type;
	int protocol;
	long error;
};

FIXTURE_SETUP(type) {}

FIXTURE_TEARDOWN(type) {}

FIXTURE_VARIANT_ADD(type, zero) {
	.type = 0,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, stream) {
	.type = SOCK_STREAM,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, dgram) {
	.type = SOCK_DGRAM,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, rdm) {
	.type = SOCK_RDM,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, seqpacket) {
	.type = SOCK_SEQPACKET,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, dccp) {
	.type = SOCK_DCCP,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, packet) {
	.type = SOCK_PACKET,
	.error = -ESOCKTNOSUPPORT,
};

/* The type is looked at before the protocol. */
FIXTURE_VARIANT_ADD(type, stream_and_protocol) {
	.type = SOCK_STREAM,
	.protocol = 1,
	.error = -ESOCKTNOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, protocol_1) {
	.type = SOCK_RAW,
	.protocol = 1,
	.error = -EPROTONOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, protocol_255) {
	.type = SOCK_RAW,
	.protocol = 255,
	.error = -EPROTONOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, protocol_negative) {
	.type = SOCK_RAW,
	.protocol = -1,
	.error = -EPROTONOSUPPORT,
};

FIXTURE_VARIANT_ADD(type, protocol_family) {
	.type = SOCK_RAW,
	.protocol = PF_FANOTIFY,
	.error = -EPROTONOSUPPORT,
};

TEST_F(type, refused)
{
	int fds = count_fds();

	EXPECT_EQ(variant->error, result(socket(PF_FANOTIFY, variant->type,
						variant->protocol)));
	EXPECT_EQ(variant->error,
		  result(socket(PF_FANOTIFY, variant->type | SOCK_CLOEXEC,
				variant->protocol)));
	EXPECT_EQ(fds, count_fds());
}

FIXTURE(flags) {};

FIXTURE_VARIANT(flags) {
	int flags;
};

FIXTURE_SETUP(flags) {}

FIXTURE_TEARDOWN(flags) {}

FIXTURE_VARIANT_ADD(flags, none) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(flags, cloexec) {
	.flags = SOCK_CLOEXEC,
};

FIXTURE_VARIANT_ADD(flags, nonblock) {
	.flags = SOCK_NONBLOCK,
};

FIXTURE_VARIANT_ADD(flags, both) {
	.flags = SOCK_CLOEXEC | SOCK_NONBLOCK,
};

TEST_F(flags, honoured)
{
	int sock = socket(PF_FANOTIFY, SOCK_RAW | variant->flags, 0);
	int fl;

	ASSERT_LE(0, sock);
	EXPECT_EQ(variant->flags & SOCK_CLOEXEC ? FD_CLOEXEC : 0,
		  fcntl(sock, F_GETFD));
	fl = fcntl(sock, F_GETFL);
	EXPECT_EQ(O_RDWR, fl & O_ACCMODE);
	EXPECT_EQ(variant->flags & SOCK_NONBLOCK, fl & O_NONBLOCK);
	EXPECT_EQ(0, close(sock));
}

FIXTURE(sock)
{
	int fd;
};

FIXTURE_VARIANT(sock) {
	bool bound;
};

FIXTURE_VARIANT_ADD(sock, unbound) {
	.bound = false,
};

FIXTURE_VARIANT_ADD(sock, bound) {
	.bound = true,
};

FIXTURE_SETUP(sock)
{
	self->fd = variant->bound ? deaf_listener() : new_socket();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(sock)
{
	EXPECT_EQ(0, close(self->fd));
}

TEST_F(sock, is_a_socket)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	EXPECT_EQ(-ESPIPE, result(lseek(self->fd, 0, SEEK_SET)));
}

TEST_F(sock, connects_to_nothing)
{
	struct fanotify_addr addr = address(0, 0);
	struct sockaddr *sa = sockaddr_of(&addr);
	socklen_t len = sizeof(addr);
	int pair[2] = { -1, -1 };
	int fds = count_fds();

	EXPECT_EQ(-EOPNOTSUPP,
		  result(socketpair(PF_FANOTIFY, SOCK_RAW, 0, pair)));
	EXPECT_EQ(-EOPNOTSUPP, result(connect(self->fd, sa, len)));
	EXPECT_EQ(-EOPNOTSUPP, result(listen(self->fd, 1)));
	EXPECT_EQ(-EOPNOTSUPP, result(accept(self->fd, NULL, NULL)));
	EXPECT_EQ(-EOPNOTSUPP, result(accept4(self->fd, NULL, NULL,
					      SOCK_CLOEXEC)));
	EXPECT_EQ(-EOPNOTSUPP, result(getpeername(self->fd, sa, &len)));
	EXPECT_EQ(fds, count_fds());
}

TEST_F(sock, answers_nothing)
{
	struct fanotify_addr addr = address(0, 0);
	struct sockaddr *sa = sockaddr_of(&addr);
	char text[16] = "text";
	struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
	struct mmsghdr msg = {
		.msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 },
	};
	int no_answer = variant->bound ? -EINVAL : -ENOTCONN;
	int memfd;

	EXPECT_EQ(no_answer, result(write(self->fd, text, sizeof(text))));
	EXPECT_EQ(no_answer, result(writev(self->fd, &iov, 1)));
	EXPECT_EQ(no_answer, result(send(self->fd, text, sizeof(text), 0)));
	EXPECT_EQ(no_answer, result(send(self->fd, text, 0, 0)));
	EXPECT_EQ(-EOPNOTSUPP, result(sendto(self->fd, text, sizeof(text),
					     MSG_DONTWAIT, sa, sizeof(addr))));
	EXPECT_EQ(no_answer, result(sendmsg(self->fd, &msg.msg_hdr, 0)));
	EXPECT_EQ(no_answer, result(sendmmsg(self->fd, &msg, 1, 0)));

	memfd = memfd_create("sends_nothing", MFD_CLOEXEC);
	ASSERT_LE(0, memfd);
	ASSERT_EQ(sizeof(text), write(memfd, text, sizeof(text)));
	ASSERT_EQ(0, lseek(memfd, 0, SEEK_SET));
	EXPECT_EQ(no_answer,
		  result(sendfile(self->fd, memfd, NULL, sizeof(text))));
	EXPECT_EQ(0, close(memfd));
}

TEST_F(sock, maps_nothing)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0);

	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(ENODEV, errno);
}

/* FIONREAD is the only one of its own. */
TEST_F(sock, other_ioctls)
{
	static const unsigned int requests[] = { SIOCOUTQ, SIOCATMARK,
						 SIOCADDRT, TCGETS, TIOCGWINSZ,
						 0, 0x12345678, 0xffffffff };
	char arg[256] = {};
	int on = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		EXPECT_EQ(-ENOTTY, result(ioctl(self->fd, requests[i], arg))) {
			TH_LOG("request %#x", requests[i]);
		}
	}
	/* This one is of files, not of sockets. */
	EXPECT_EQ(0, ioctl(self->fd, FIONBIO, &on));
	EXPECT_EQ(O_NONBLOCK, fcntl(self->fd, F_GETFL) & O_NONBLOCK);
}

static bool is_option(int level, int opt)
{
	return level == SOL_FANOTIFY && opt >= FANOTIFY_ACCESS_RESPONSE &&
	       opt <= FANOTIFY_FORGET;
}

/* There are but a few; option_test and mark_error_test know them. */
TEST_F(sock, no_other_options)
{
	static const int levels[] = { 0, 6, 41, SOL_FANOTIFY - 1, SOL_FANOTIFY,
				      SOL_FANOTIFY + 1, 0x7fffffff };
	char val[64] = {};
	socklen_t len;
	size_t i;
	int opt;

	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		for (opt = -1; opt < 20; opt++) {
			if (is_option(levels[i], opt))
				continue;
			len = sizeof(val);
			EXPECT_EQ(-ENOPROTOOPT,
				  result(getsockopt(self->fd, levels[i], opt,
						    val, &len))) {
				TH_LOG("level %d option %d", levels[i], opt);
			}
			EXPECT_EQ(sizeof(val), len);
			EXPECT_EQ(-ENOPROTOOPT,
				  result(setsockopt(self->fd, levels[i], opt,
						    val, sizeof(val)))) {
				TH_LOG("level %d option %d", levels[i], opt);
			}
			EXPECT_EQ(-ENOPROTOOPT,
				  result(setsockopt(self->fd, levels[i], opt,
						    NULL, 0)));
		}
	}
}

TEST_F(sock, options_of_every_socket)
{
	static const struct {
		int opt;
		int val;
	} opts[] = {
		{ SO_TYPE, SOCK_RAW },
		{ SO_DOMAIN, PF_FANOTIFY },
		{ SO_PROTOCOL, 0 },
		{ SO_ERROR, 0 },
		{ SO_ACCEPTCONN, 0 },
	};
	socklen_t len;
	size_t i;
	int val;

	for (i = 0; i < ARRAY_SIZE(opts); i++) {
		val = -1;
		len = sizeof(val);
		EXPECT_EQ(0, result(getsockopt(self->fd, SOL_SOCKET,
					       opts[i].opt, &val, &len))) {
			TH_LOG("option %d", opts[i].opt);
		}
		EXPECT_EQ(sizeof(val), len);
		EXPECT_EQ(opts[i].val, val) {
			TH_LOG("option %d", opts[i].opt);
		}
	}
}

FIXTURE(unprivileged) {};

FIXTURE_VARIANT(unprivileged) {
	bool userns;
};

FIXTURE_VARIANT_ADD(unprivileged, nobody) {
	.userns = false,
};

FIXTURE_VARIANT_ADD(unprivileged, user_namespace) {
	.userns = true,
};

FIXTURE_SETUP(unprivileged)
{
	ASSERT_EQ(0, variant->userns ? unshare(CLONE_NEWUSER | CLONE_NEWNET) :
				       become_nobody());
}

FIXTURE_TEARDOWN(unprivileged) {}

/* A socket is harmless, what it takes a right for is bind(). */
TEST_F(unprivileged, may_have_a_socket)
{
	int sock = new_socket();
	char buf[64];

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, result(recv(sock, buf, sizeof(buf), 0)));
	EXPECT_EQ(0, close(sock));
}

/* Without a descriptor or a file to spare. */
TEST(shortage)
{
	struct rlimit limit = { .rlim_cur = count_fds(), .rlim_max = 1024 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, new_socket());
}

TEST_HARNESS_MAIN
