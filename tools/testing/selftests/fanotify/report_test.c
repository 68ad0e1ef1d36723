// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what FANOTIFY_REPORT takes, and when, and how events that
 * have records, or no descriptor, are read
 */

#define _GNU_SOURCE
#include "marks.h"
#include "records.h"
#include "share.h"

#define OTHER_PATH DIR_PATH "/other"

/* Every bit that the option knows */
#define ALL_REPORT (REPORT_HANDLES | FAN_REPORT_PIDFD | FAN_REPORT_PATH | \
		    FAN_REPORT_NOFD)

/* All but the last two of these tell where something happened. */
static const __u32 good[] = {
	FAN_REPORT_FID,
	FAN_REPORT_DIR_FID,
	FAN_REPORT_DIR_FID | FAN_REPORT_FID,
	FAN_REPORT_DFID_NAME,
	FAN_REPORT_DFID_NAME | FAN_REPORT_FID,
	FAN_REPORT_DFID_NAME_TARGET,
	FAN_REPORT_PATH,
	ALL_REPORT,
	FAN_REPORT_PIDFD,
	FAN_REPORT_NOFD,
};

#define NR_TELLING (ARRAY_SIZE(good) - 2)

/* Apart from bits that it knows nothing of */
static const __u32 bad[] = {
	FAN_REPORT_NAME,
	FAN_REPORT_NAME | FAN_REPORT_FID,
	FAN_REPORT_NAME | FAN_REPORT_PATH,
	FAN_REPORT_TARGET_FID,
	FAN_REPORT_TARGET_FID | FAN_REPORT_FID,
	FAN_REPORT_TARGET_FID | FAN_REPORT_DIR_FID,
	FAN_REPORT_TARGET_FID | FAN_REPORT_FID | FAN_REPORT_DIR_FID,
	FAN_REPORT_TARGET_FID | FAN_REPORT_DFID_NAME,
	FAN_REPORT_TARGET_FID | FAN_REPORT_FID | FAN_REPORT_NAME,
	FAN_REPORT_TARGET_FID | FAN_REPORT_PATH,
};

/* The option of a socket that is not bound yet, and of one that is */
FIXTURE(option)
{
	int sock;
};

FIXTURE_VARIANT(option) {
	bool bound;
};

FIXTURE_VARIANT_ADD(option, unbound) {
	.bound = false,
};

FIXTURE_VARIANT_ADD(option, bound) {
	.bound = true,
};

FIXTURE_SETUP(option)
{
	self->sock = variant->bound ? deaf_listener() : new_socket();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(option)
{
	close(self->sock);
}

static int set_raw(int sock, const void *val, socklen_t len)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_REPORT, val,
				 len));
}

static int get_raw(int sock, void *val, socklen_t *len)
{
	return result(getsockopt(sock, SOL_FANOTIFY, FANOTIFY_REPORT, val,
				 len));
}

TEST_F(option, good)
{
	size_t i;

	EXPECT_EQ(0, get_report(self->sock));
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(0, set_report(self->sock, good[i]));
		EXPECT_EQ(good[i], get_report(self->sock));
		EXPECT_EQ(0, set_report(self->sock, 0));
		EXPECT_EQ(0, get_report(self->sock));
	}
}

TEST_F(option, bad)
{
	__u32 bit;
	size_t i;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, set_report(self->sock, bad[i])) {
			TH_LOG("value %x", bad[i]);
		}
	}
	for (bit = 1; bit; bit <<= 1) {
		if (bit & ALL_REPORT)
			continue;
		EXPECT_EQ(-EINVAL, set_report(self->sock, bit)) {
			TH_LOG("bit %x", bit);
		}
		EXPECT_EQ(-EINVAL, set_report(self->sock,
					      bit | FAN_REPORT_PATH));
	}
	EXPECT_EQ(FAN_REPORT_PATH, get_report(self->sock));
}

TEST_F(option, bad_length)
{
	static const socklen_t lens[] = { 0, 1, 3, 5, 8, 4096, -1 };
	__u32 val[1024] = { FAN_REPORT_PATH };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, set_raw(self->sock, val, lens[i])) {
			TH_LOG("length %u", lens[i]);
		}
	}
	EXPECT_EQ(0, get_report(self->sock));
}

TEST_F(option, bad_buffer)
{
	socklen_t len = sizeof(__u32);
	__u32 val;

	EXPECT_EQ(-EFAULT, set_raw(self->sock, NULL, 4));
	EXPECT_EQ(-EFAULT, set_raw(self->sock, (void *)8, 4));
	EXPECT_EQ(-EFAULT, get_raw(self->sock, (void *)8, &len));
	EXPECT_EQ(-EFAULT, get_raw(self->sock, &val, (void *)8));
	EXPECT_EQ(0, get_report(self->sock));
}

TEST_F(option, other_lengths_to_get)
{
	__u32 val[2] = { 0x5a5a5a5a, 0x5a5a5a5a };
	socklen_t len = 3;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	EXPECT_EQ(-EINVAL, get_raw(self->sock, val, &len));
	EXPECT_EQ(3, len);
	EXPECT_EQ(0x5a5a5a5a, val[0]);

	len = sizeof(val);
	EXPECT_EQ(0, get_raw(self->sock, val, &len));
	EXPECT_EQ(4, len);
	EXPECT_EQ(FAN_REPORT_PATH, val[0]);
	EXPECT_EQ(0x5a5a5a5a, val[1]);
}

/* Whoever has the socket sets it, without any capability. */
TEST_F(option, set_by_nobody)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(-(become_nobody() ?:
			set_report(self->sock, FAN_REPORT_PATH)));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(FAN_REPORT_PATH, get_report(self->sock));
}

TEST(shut_down)
{
	int sock = deaf_listener();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, shutdown(sock, SHUT_RDWR));
	EXPECT_EQ(-ESHUTDOWN, set_report(sock, FAN_REPORT_PATH));
	EXPECT_EQ(-ESHUTDOWN, set_report(sock, 0));
	/* It is told of this before all that is wrong with the call. */
	EXPECT_EQ(-ESHUTDOWN, set_report(sock, 1));
	EXPECT_EQ(-ESHUTDOWN, set_raw(sock, NULL, 3));
	close(sock);
}

/* What is set before bind() holds after it, even if bind() fails first. */
TEST(bound_later)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	size_t i;
	int sock;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		sock = new_socket();
		ASSERT_LE(0, sock);
		EXPECT_EQ(0, set_report(sock, good[i]));
		addr.unused[3] = 1;
		EXPECT_EQ(-EINVAL, do_bind(sock, &addr));
		EXPECT_EQ(good[i], get_report(sock));
		addr.unused[3] = 0;
		EXPECT_EQ(0, do_bind(sock, &addr));
		EXPECT_EQ(good[i], get_report(sock));
		EXPECT_EQ(0, close(sock));
	}
}

/* A global listener says before bind() that it wants to know where. */
TEST(global)
{
	static const __u32 masks[] = {
		FAN_CREATE, FAN_DELETE, FAN_MOVED_FROM, FAN_MOVED_TO,
		FAN_RENAME, FAN_ATTRIB, FAN_DELETE_SELF, FAN_MOVE_SELF,
		FAN_OPEN | FAN_CREATE | FAN_ONDIR,
	};
	struct fanotify_addr addr;
	size_t i, k;
	int sock;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		addr = address(FAN_GLOBAL_LISTENER | masks[i],
			       O_RDONLY | O_CLOEXEC);
		sock = new_socket();
		ASSERT_LE(0, sock);
		EXPECT_EQ(-EINVAL, do_bind(sock, &addr)) {
			TH_LOG("mask %x", masks[i]);
		}
		EXPECT_EQ(0, close(sock));
		for (k = 0; k < ARRAY_SIZE(good); k++) {
			sock = telling_listener(addr.mask, good[k]);
			if (k < NR_TELLING) {
				EXPECT_LE(0, sock) {
					TH_LOG("mask %x report %x", masks[i],
					       good[k]);
				}
			} else {
				EXPECT_EQ(-EINVAL, sock) {
					TH_LOG("mask %x report %x", masks[i],
					       good[k]);
				}
			}
			close(sock);
		}
	}
}

/* After that it is too late for handles, but for nothing else. */
TEST(global_too_late)
{
	int sock = global_listener(FAN_OPEN);
	size_t i;

	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(good[i] & REPORT_HANDLES ? -EBUSY : 0,
			  set_report(sock, good[i])) {
			TH_LOG("report %x", good[i]);
		}
	}
	EXPECT_EQ(FAN_REPORT_NOFD, get_report(sock));
	EXPECT_EQ(0, set_report(sock, 0));
	EXPECT_EQ(0, close(sock));
}

/* Nor can it say that it does not want to know any more. */
TEST(global_for_ever)
{
	int sock = telling_listener(FAN_GLOBAL_LISTENER | FAN_CREATE,
				    FAN_REPORT_FID);

	ASSERT_LE(0, sock);
	EXPECT_EQ(-EBUSY, set_report(sock, 0));
	EXPECT_EQ(-EBUSY, set_report(sock, FAN_REPORT_PIDFD));
	EXPECT_EQ(-EBUSY, set_report(sock, FAN_REPORT_NOFD));
	EXPECT_EQ(FAN_REPORT_FID, get_report(sock));
	EXPECT_EQ(0, set_report(sock, FAN_REPORT_FID | FAN_REPORT_PATH));
	EXPECT_EQ(0, set_report(sock, FAN_REPORT_PATH));
	EXPECT_EQ(-EBUSY, set_report(sock, FAN_REPORT_FID));
	EXPECT_EQ(-EBUSY, set_report(sock, FAN_REPORT_FID | FAN_REPORT_PATH));
	EXPECT_EQ(FAN_REPORT_PATH, get_report(sock));
	EXPECT_EQ(0, close(sock));
}

/* A listener that has yet to mark something, a directory and two files */
FIXTURE(report)
{
	int sock;
	struct reader r;
	struct stat st;
};

FIXTURE_SETUP(report)
{
	make_shared_dir(_metadata);
	ASSERT_EQ(0, write_file(OTHER_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(report)
{
	close(self->sock);
}

/* Handles are too late when there is a mark of any kind, and only then. */
TEST_F(report, handles_after_marks)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		bool handles = good[i] & REPORT_HANDLES;

		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
		EXPECT_EQ(handles ? -EBUSY : 0,
			  set_report(self->sock, good[i])) {
			TH_LOG("report %x", good[i]);
		}
		EXPECT_EQ(handles ? 0 : good[i], get_report(self->sock));
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
		EXPECT_EQ(0, set_report(self->sock, good[i]));
		EXPECT_EQ(0, set_report(self->sock, 0));
	}
	/* One that only ignores is one. */
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, FAN_OPEN));
	EXPECT_EQ(-EBUSY, set_report(self->sock, FAN_REPORT_FID));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_FID));
}

/* To say where is not to be stopped while something is marked that needs it. */
TEST_F(report, nowhere_after_marks)
{
	static const __u32 masks[] = {
		FAN_CREATE, FAN_DELETE, FAN_MOVED_FROM, FAN_MOVED_TO,
		FAN_RENAME, FAN_ATTRIB, FAN_DELETE_SELF, FAN_MOVE_SELF,
	};
	static const __u32 nowhere[] = {
		0, FAN_REPORT_NOFD, FAN_REPORT_PIDFD,
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, masks[i], 0));
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
		for (k = 0; k < ARRAY_SIZE(nowhere); k++)
			EXPECT_EQ(-EBUSY, set_report(self->sock, nowhere[k])) {
				TH_LOG("mask %x, report %x", masks[i],
				       nowhere[k]);
			}
		EXPECT_EQ(-EBUSY, set_report(self->sock, FAN_REPORT_FID));
		EXPECT_EQ(FAN_REPORT_PATH, get_report(self->sock));
		EXPECT_EQ(0, set_report(self->sock,
					FAN_REPORT_PATH | FAN_REPORT_PIDFD));
		EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));

		/* Other marks do not count. */
		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_OPEN, 0));
		for (k = 0; k < ARRAY_SIZE(nowhere); k++)
			EXPECT_EQ(0, set_report(self->sock, nowhere[k]));
	}
}

/* Who had handles can have others, or stop having them, or have a path. */
TEST_F(report, from_handles)
{
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_FID));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_CREATE, 0));
	EXPECT_EQ(-EBUSY, set_report(self->sock, FAN_REPORT_NOFD));
	EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_FID | FAN_REPORT_PATH));
	EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_FID));
	EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_FID | FAN_REPORT_PATH));
	EXPECT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	EXPECT_EQ(-EBUSY, set_report(self->sock,
				     FAN_REPORT_FID | FAN_REPORT_PATH));
	EXPECT_EQ(FAN_REPORT_PATH, get_report(self->sock));
}

static int member_that_asks_for(__u32 report)
{
	struct fanotify_addr addr = group_address(0);
	int sock = new_socket();
	int ret = set_report(sock, report) ?: do_bind(sock, &addr);

	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/* The group has one value, whoever sets it. */
TEST_F(report, of_a_group)
{
	struct fanotify_addr addr = group_address(0);
	int a = member_that_asks_for(FAN_REPORT_PATH);
	int b, c, d;

	ASSERT_LE(0, a);
	/* Who has not asked for anything takes what there is. */
	b = new_member(&addr);
	ASSERT_LE(0, b);
	EXPECT_EQ(FAN_REPORT_PATH, get_report(b));
	c = member_that_asks_for(FAN_REPORT_PATH);
	ASSERT_LE(0, c);

	ASSERT_EQ(0, set_report(c, FAN_REPORT_FID));
	EXPECT_EQ(FAN_REPORT_FID, get_report(a));
	EXPECT_EQ(FAN_REPORT_FID, get_report(b));
	ASSERT_EQ(0, mark_path(a, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(0, set_report(b, 0));
	EXPECT_EQ(-EBUSY, set_report(c, FAN_REPORT_FID));
	EXPECT_EQ(0, get_report(c));
	ASSERT_EQ(0, set_report(b, FAN_REPORT_PATH));

	/* What the group has now counts, and not what it had first. */
	EXPECT_EQ(-EINVAL, member_that_asks_for(FAN_REPORT_FID));
	EXPECT_EQ(-EINVAL, member_that_asks_for(FAN_REPORT_PATH |
						FAN_REPORT_NOFD));
	d = new_socket();
	ASSERT_EQ(0, set_report(d, FAN_REPORT_NOFD));
	EXPECT_EQ(-EINVAL, do_bind(d, &addr));
	EXPECT_EQ(FAN_REPORT_NOFD, get_report(d));
	EXPECT_EQ(FAN_REPORT_PATH, get_report(a));
	ASSERT_EQ(0, set_report(d, FAN_REPORT_PATH));
	EXPECT_EQ(0, do_bind(d, &addr));
	EXPECT_EQ(FAN_REPORT_PATH, get_report(d));

	/* Whoever reads gets the record. */
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	reader_init(&self->r, d);
	EXPECT_EQ(1, drain_told(&self->r));
	close(a);
	close(b);
	close(c);
	close(d);
}

/* Who joins those who are told of directories has to ask for it, too. */
TEST_F(report, of_a_global_group)
{
	struct fanotify_addr addr = group_address(FAN_GLOBAL_LISTENER |
						  FAN_CREATE);
	int i, socks[2], unset = new_socket();

	for (i = 0; i < 2; i++) {
		socks[i] = new_socket();
		ASSERT_LE(0, socks[i]);
		ASSERT_EQ(0, set_report(socks[i], FAN_REPORT_PATH));
		EXPECT_EQ(0, do_bind(socks[i], &addr));
	}
	EXPECT_EQ(-EINVAL, do_bind(unset, &addr));
	EXPECT_EQ(0, set_report(unset, FAN_REPORT_FID));
	EXPECT_EQ(-EINVAL, do_bind(unset, &addr));
	EXPECT_EQ(0, set_report(unset, FAN_REPORT_PATH));
	EXPECT_EQ(0, do_bind(unset, &addr));
	close(unset);
	close(socks[0]);
	close(socks[1]);
}

/* Without it events are as they were before there was such an option. */
TEST_F(report, none)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;

	ASSERT_EQ(0, stat(DIR_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN | FAN_MODIFY | DIR_FLAGS, 0));
	ASSERT_EQ(0, open_close(DIR_PATH, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, truncate(FILE_PATH, 1));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_TRUE(is_file(ev.fd, &st));
	close_event(&ev);
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_TRUE(is_file(ev.fd, &self->st));
	close_event(&ev);
	EXPECT_EQ(0, take_event(self->sock, &ev));
}

/* Those who report nothing but where say as well if it is a directory. */
TEST_F(report, ondir)
{
	const struct fanotify_so_event_metadata *ev;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, open_close(DIR_PATH, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_ONDIR, ev->mask);
	close_told(ev);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	close_told(ev);
}

/* It holds for what happens from then on, which joins nothing from before. */
TEST_F(report, from_now_on)
{
	const struct fanotify_so_event_metadata *ev;
	int i, fds = count_fds();

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH | FAN_REPORT_NOFD));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PIDFD));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, set_report(self->sock, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));

	/* The last is the same as the first, and has joined that. */
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(FAN_OPEN, ev->mask);
		EXPECT_EQ(i == 1, !!path_record(ev, FAN_EVENT_INFO_TYPE_PATH));
		EXPECT_EQ(i == 2, pidfd_of(ev) >= 0);
		EXPECT_EQ(i > 0, count_records(ev));
		EXPECT_EQ(i != 1, is_file(ev->fd, &self->st));
		close_told(ev);
	}
	EXPECT_EQ(0, drain_told(&self->r));
	EXPECT_EQ(fds, count_fds());
}

/* A buffer that has no room for the records has none for the event. */
TEST_F(report, small_buffer)
{
	const struct fanotify_so_event_metadata *ev;
	__u64 buf[64];
	size_t len, least;
	int fds;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH |
				FAN_REPORT_DFID_NAME | FAN_REPORT_PIDFD));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	least = ev->event_len;
	ASSERT_LT(FAN_SO_EVENT_LEN, least);
	close_told(ev);

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	fds = count_fds();
	for (len = 0; len < least; len++) {
		ASSERT_EQ(-EINVAL, result(recv(self->sock, buf, len,
					       MSG_DONTWAIT))) {
			TH_LOG("length %zu of %zu", len, least);
		}
	}
	EXPECT_EQ(fds, count_fds());
	ASSERT_EQ(least, result(recv(self->sock, buf, least, MSG_DONTWAIT)));
	ev = (const void *)buf;
	EXPECT_EQ(least, ev->event_len);
	EXPECT_EQ(0, check_records(ev));
	EXPECT_EQ(3, count_records(ev));
	EXPECT_TRUE(is_file(ev->fd, &self->st));
	close_told(ev);
}

/* Reads up to @len bytes into @buf: how many events there are, or -errno */
static int read_several(int sock, void *buf, size_t len,
			const struct fanotify_so_event_metadata **evs)
{
	const struct fanotify_so_event_metadata *ev = buf;
	ssize_t left = result(recv(sock, buf, len, MSG_DONTWAIT));
	int nr = 0;

	if (left < 0)
		return left;
	for (; FAN_SO_EVENT_OK(ev, left); ev = FAN_SO_EVENT_NEXT(ev, left)) {
		if (check_records(ev))
			return -EPROTO;
		evs[nr++] = ev;
	}
	return left ? -EPROTO : nr;
}

#define LONG_PATH DIR_PATH "/a file whose name is somewhat longer"

/* As many as fit come with one read, of whatever lengths they are. */
TEST_F(report, several)
{
	static const char * const paths[] = { FILE_PATH, LONG_PATH, OTHER_PATH };
	const struct fanotify_so_event_metadata *evs[4];
	size_t len = 1024;
	struct stat st[3];
	__u64 buf[128];
	int i, round;

	ASSERT_EQ(0, write_file(LONG_PATH, "text"));
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, stat(paths[i], &st[i]));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 3; i++)
			ASSERT_EQ(0, open_close(paths[i], O_RDONLY));
		/* There is room for more, for exactly these, and for less. */
		i = read_several(self->sock, buf, len, evs);
		ASSERT_EQ(round < 2 ? 3 : 2, i);
		EXPECT_TRUE(is_file(evs[0]->fd, &st[0]));
		EXPECT_TRUE(is_file(evs[1]->fd, &st[1]));
		EXPECT_LT(evs[0]->event_len, evs[1]->event_len);
		if (i == 2) {
			close_told(evs[0]);
			close_told(evs[1]);
			ASSERT_EQ(1, read_several(self->sock, buf, sizeof(buf),
						  evs + 2));
			EXPECT_TRUE(is_file(evs[2]->fd, &st[2]));
			close_told(evs[2]);
			break;
		}
		EXPECT_TRUE(is_file(evs[2]->fd, &st[2]));
		len = evs[0]->event_len + evs[1]->event_len +
		      evs[2]->event_len - round;
		for (i = 0; i < 3; i++)
			close_told(evs[i]);
	}
	EXPECT_EQ(0, drain_told(&self->r));
}

/* What FIONREAD tells leaves the records out. */
TEST_F(report, bytes_to_be_read)
{
	const struct fanotify_so_event_metadata *evs[4];
	__u64 buf[128];
	int i, bytes = -1;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_DFID_NAME_TARGET |
				FAN_REPORT_NOFD));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_CREATE, 0));
	ASSERT_EQ(0, write_file(DIR_PATH "/1", ""));
	ASSERT_EQ(0, write_file(LONG_PATH, ""));
	ASSERT_EQ(0, result(ioctl(self->sock, FIONREAD, &bytes)));
	i = read_several(self->sock, buf, sizeof(buf), evs);
	ASSERT_EQ(2, i);
	EXPECT_EQ(2 * FAN_SO_EVENT_LEN, bytes);
}

/* A bad buffer costs neither the event nor descriptors, wherever it ends. */
TEST_F(report, bad_buffer)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct fanotify_so_event_metadata *ev;
	int fds, room;

	ASSERT_NE(MAP_FAILED, page);
	ASSERT_EQ(0, mprotect(page + 4096, 4096, PROT_NONE));
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH | FAN_REPORT_FID |
				FAN_REPORT_PIDFD));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	fds = count_fds();
	/* All of them are less than the event has. */
	for (room = 0; room <= 64; room += 8) {
		EXPECT_EQ(-EFAULT, result(recv(self->sock, page + 4096 - room,
					       4096, MSG_DONTWAIT))) {
			TH_LOG("room for %d bytes", room);
		}
	}
	EXPECT_EQ(fds, count_fds());
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_TRUE(is_file(ev->fd, &self->st));
	EXPECT_EQ(3, count_records(ev));
	close_told(ev);
	EXPECT_EQ(0, drain_told(&self->r));
	munmap(page, 8192);
}

/* An overflow is about nothing, and so has nothing to tell. */
TEST_F(report, overflow)
{
	int i, bytes = FAN_SO_EVENT_COST;
	const struct fanotify_so_event_metadata *ev;

	ASSERT_EQ(0, set_report(self->sock, ALL_REPORT));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_CREATE, 0));
	ASSERT_EQ(0, result(setsockopt(self->sock, SOL_SOCKET, SO_RCVBUF,
				       &bytes, sizeof(bytes))));
	ASSERT_EQ(0, write_file(DIR_PATH "/1", ""));
	ASSERT_EQ(0, write_file(DIR_PATH "/2", ""));
	ASSERT_EQ(0, write_file(DIR_PATH "/3", ""));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(i ? FAN_Q_OVERFLOW : FAN_CREATE, ev->mask);
		EXPECT_EQ(FAN_NOFD, ev->fd);
		close_told(ev);
	}
	EXPECT_EQ(FAN_SO_EVENT_LEN, ev->event_len);
	EXPECT_EQ(2, ev->cookie);
	EXPECT_EQ(0, drain_told(&self->r));
}

/* Without descriptors nothing is opened, and none need be there to be had. */
TEST_F(report, no_fd)
{
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN |
					    FAN_CLOSE | FAN_ACCESS, O_RDONLY);
	int first = new_socket(), second = new_socket();
	const struct fanotify_so_event_metadata *ev;
	struct rlimit old;
	struct stat st;

	/* What the second listener opened, the first would hear. */
	ASSERT_EQ(0, do_bind(first, &addr));
	addr = address(0, O_RDWR | O_CLOEXEC);
	addr.priority = 5;
	ASSERT_EQ(0, do_bind(second, &addr));
	ASSERT_EQ(0, set_report(second, FAN_REPORT_NOFD));
	ASSERT_EQ(0, mark_path(second, DIR_PATH,
			       FAN_OPEN | FAN_ONDIR | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	/* To open it so would fail. */
	ASSERT_EQ(0, open_close(DIR_PATH, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, stat(DIR_PATH, &st));
	ASSERT_EQ(0, drain(first));

	reader_init(&self->r, second);
	old = leave_fds(0);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	EXPECT_EQ(FAN_NOFD, ev->fd);
	EXPECT_EQ(FAN_SO_EVENT_LEN, ev->event_len);
	EXPECT_EQ(O_RDONLY, ev->f_flags & O_ACCMODE);
	EXPECT_EQ(getpid(), ev->tgid);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_ONDIR, ev->mask);
	EXPECT_EQ(FAN_NOFD, ev->fd);
	EXPECT_EQ(O_DIRECTORY, ev->f_flags & O_DIRECTORY);
	EXPECT_EQ(0, drain_told(&self->r));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(0, all_events(first, &self->st));
	close(first);
	close(second);
}

/* The cookie is all that an answer takes. */
TEST_F(report, no_fd_to_answer)
{
	static const __u32 answers[] = { FAN_ALLOW, FAN_DENY };
	const struct fanotify_so_event_metadata *ev;
	struct doer doer;
	size_t i;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_NOFD | FAN_REPORT_PIDFD));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(0, await_told(&self->r, &ev));
		EXPECT_EQ(FAN_OPEN_PERM, ev->mask);
		EXPECT_EQ(FAN_NOFD, ev->fd);
		EXPECT_EQ(doer.pid, ev->tgid);
		EXPECT_LE(0, pidfd_of(ev));
		EXPECT_EQ(0, answer(self->sock, ev->cookie, answers[i]));
		EXPECT_EQ(i ? -EPERM : 0, doer_result(&doer));
		close_told(ev);
	}
}

TEST_HARNESS_MAIN
