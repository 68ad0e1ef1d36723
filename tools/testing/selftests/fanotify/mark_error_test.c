// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: every way in which FANOTIFY_SET_MARK fails, and that
 * nothing is changed then
 */

#define _GNU_SOURCE
#include <limits.h>
#include <sys/epoll.h>

#include "marks.h"

#define FILE_PATH TMP "/file"
#define UNMARKED TMP "/unmarked"
#define DIR_PATH TMP "/dir"
#define CHILD DIR_PATH "/file"

/* What a mask can consist of */
#define LEGAL (ALL_EVENTS | ALL_PERM | DIR_FLAGS)

/*
 * A listener with marks on a file and on a directory. However often it is
 * refused something, it has them in the end, and no other.
 */
FIXTURE(refusal)
{
	int sock;
	int file;
	int unmarked;
	int dir;
	char before[4096];
};

FIXTURE_SETUP(refusal)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(UNMARKED, SCRIPT));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	self->file = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->file);
	self->unmarked = open(UNMARKED, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->unmarked);
	self->dir = open(DIR_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_mark(self->sock, self->file, FAN_OPEN | FAN_ACCESS,
			      FAN_ACCESS | FAN_SURVIVE_MODIFY));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      FAN_CLOSE | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, read_fdinfo(self->sock, self->before,
				 sizeof(self->before)));
}

FIXTURE_TEARDOWN(refusal)
{
	char after[sizeof(self->before)];

	EXPECT_EQ(2, shown_marks(self->sock));
	EXPECT_EQ(0, read_fdinfo(self->sock, after, sizeof(after)));
	EXPECT_STREQ(self->before, after);

	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, FILE_PATH));
	EXPECT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(FAN_CLOSE, heard(self->sock, CHILD));
	EXPECT_EQ(0, do_everything(UNMARKED));
	EXPECT_EQ(0, list_dir(DIR_PATH));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(0, close(self->sock));
}

/* setsockopt() itself. 0 or -errno. */
static int set_bytes(int sock, const void *value, socklen_t len)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, value,
				 len));
}

/* Before anything else is looked at. */
TEST(not_bound)
{
	struct fanotify_so_inode_mark mark = { .fd = -1, .mask = ~0U };
	int sock = new_socket();
	struct stat st;

	private_tmp(_metadata);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	EXPECT_EQ(-ENOTCONN, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(-ENOTCONN, mark_path(sock, FILE_PATH, 0, 0));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, &mark, sizeof(mark)));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, &mark, 1));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, NULL, 0));
	EXPECT_EQ(-ENOTCONN, set_bytes(sock, NULL, sizeof(mark)));
	EXPECT_EQ(0, close(sock));
}

TEST(shut_down)
{
	struct fanotify_so_inode_mark mark = { .fd = -1, .mask = ~0U };
	int sock = deaf_listener();
	struct stat st;

	private_tmp(_metadata);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, result(shutdown(sock, SHUT_RDWR)));
	EXPECT_EQ(-ESHUTDOWN, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(-ESHUTDOWN, mark_path(sock, FILE_PATH, 0, 0));
	EXPECT_EQ(-ESHUTDOWN, set_bytes(sock, &mark, sizeof(mark)));
	EXPECT_EQ(-ESHUTDOWN, set_bytes(sock, &mark, 1));
	EXPECT_EQ(-ESHUTDOWN, set_bytes(sock, NULL, 0));
	EXPECT_EQ(0, close(sock));
}

TEST_F(refusal, einval_length)
{
	static const socklen_t lens[] = {
		0, 1, 4, 8, 11, 13, 23, 25, 12 * FAN_SO_MAX_MARKS - 1,
		12 * FAN_SO_MAX_MARKS + 1, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	static struct fanotify_so_inode_mark marks[FAN_SO_MAX_MARKS + 1];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		marks[i].fd = self->unmarked;
		marks[i].mask = FAN_OPEN;
	}
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		EXPECT_EQ(-EINVAL, set_bytes(self->sock, marks, lens[i])) {
			TH_LOG("length %u", lens[i]);
		}
	}
	/* The length is looked at before the memory. */
	EXPECT_EQ(-EINVAL, set_bytes(self->sock, NULL, 0));
	EXPECT_EQ(-EINVAL, set_bytes(self->sock, NULL, 11));
}

TEST_F(refusal, e2big)
{
	static struct fanotify_so_inode_mark marks[FAN_SO_MAX_MARKS + 1];
	socklen_t len = sizeof(marks);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		marks[i].fd = self->unmarked;
		marks[i].mask = FAN_OPEN;
	}
	EXPECT_EQ(-E2BIG, set_bytes(self->sock, marks, len));
	/* It is not even read. */
	EXPECT_EQ(-E2BIG, set_bytes(self->sock, NULL, len));
	EXPECT_EQ(-E2BIG, set_bytes(self->sock, NULL, INT_MAX / 12 * 12));
	/* One less is not too many. */
	ASSERT_EQ(0, set_bytes(self->sock, marks, len - 12));
	ASSERT_EQ(0, set_mark(self->sock, self->unmarked, 0, 0));
}

TEST_F(refusal, efault)
{
	struct fanotify_so_inode_mark *marks;
	long page = sysconf(_SC_PAGESIZE);
	char *mem;
	int i;

	EXPECT_EQ(-EFAULT, set_bytes(self->sock, NULL, 12));
	EXPECT_EQ(-EFAULT, set_bytes(self->sock, (void *)8, 12));
	EXPECT_EQ(-EFAULT, set_bytes(self->sock, (void *)-4096L, 24));

	/* The end of the array is missing, or a part of its last entry. */
	mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, munmap(mem + page, page));
	for (i = 12; i <= 35; i++) {
		marks = (struct fanotify_so_inode_mark *)(mem + page - i);
		marks[0].fd = self->unmarked;
		marks[0].mask = FAN_OPEN;
		marks[0].ignored_mask = 0;
		EXPECT_EQ(-EFAULT, set_bytes(self->sock, marks, 36)) {
			TH_LOG("%d bytes of 36", i);
		}
	}
	EXPECT_EQ(-EFAULT, set_bytes(self->sock, mem + page - 11, 12));
}

/*
 * Each bit of both masks, for itself and with an event; but for those that say
 * what is marked.
 */
TEST_F(refusal, einval_mask)
{
	int i;

	ASSERT_EQ(0, mkdir(TMP "/scratch", 0755));
	for (i = 0; i < 32; i++) {
		__u32 bit = 1U << i;
		bool event = bit & (ALL_EVENTS | ALL_PERM);
		bool legal = bit & LEGAL, quiet = bit & WHERE_EVENTS;
		bool survive = bit & FAN_SURVIVE_MODIFY;

		if (bit & (FAN_ON_MOUNT | FAN_ON_FILESYSTEM | FAN_ON_SUBTREE))
			continue;
		EXPECT_EQ(event ? 0 : -EINVAL,
			  mark_path(self->sock, TMP "/scratch", bit, 0)) {
			TH_LOG("mask %x", bit);
		}
		EXPECT_EQ(legal ? 0 : -EINVAL,
			  mark_path(self->sock, TMP "/scratch",
				    FAN_OPEN | bit, 0)) {
			TH_LOG("mask %x", FAN_OPEN | bit);
		}
		EXPECT_EQ(event || quiet ? 0 : -EINVAL,
			  mark_path(self->sock, TMP "/scratch", 0, bit)) {
			TH_LOG("ignored mask %x", bit);
		}
		EXPECT_EQ(legal || survive || quiet ? 0 : -EINVAL,
			  mark_path(self->sock, TMP "/scratch", FAN_OPEN,
				    FAN_OPEN | bit)) {
			TH_LOG("ignored mask %x", FAN_OPEN | bit);
		}
		if (legal || survive || quiet)
			ASSERT_EQ(0, mark_path(self->sock, TMP "/scratch",
					       0, 0));
	}
}

TEST_F(refusal, einval_flags_without_an_event)
{
	static const __u32 flags[] = {
		FAN_ONDIR, FAN_EVENT_ON_CHILD, DIR_FLAGS, FAN_SURVIVE_MODIFY,
		FAN_SURVIVE_MODIFY | DIR_FLAGS,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
					    flags[i] & DIR_FLAGS ?:
					    FAN_ONDIR, 0));
		EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, FAN_OPEN,
					    flags[i]));
		EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, 0,
					    flags[i]));
	}
	/* What others of the system calls have */
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, FAN_CREATE, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->file, FAN_ATTRIB, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->file, FAN_Q_OVERFLOW,
				    0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->file,
				    FAN_GLOBAL_LISTENER | FAN_OPEN, 0));
}

/* Masks are looked at before descriptors, and all of them. */
TEST_F(refusal, einval_before_ebadf)
{
	struct fanotify_so_inode_mark marks[] = {
		{ .fd = -1, .mask = FAN_OPEN },
		{ .fd = self->unmarked, .mask = FAN_OPEN },
		{ .fd = self->unmarked },
		{ .fd = self->file, .mask = FAN_ONDIR },
	};

	EXPECT_EQ(-EINVAL, set_mark(self->sock, -1, FAN_ONDIR, 0));
	EXPECT_EQ(-EINVAL, set_marks(self->sock, marks, 4));
	EXPECT_EQ(-EBADF, set_marks(self->sock, marks, 3));
}

TEST_F(refusal, ebadf)
{
	int fds[] = { -1, AT_FDCWD, INT_MIN, INT_MAX, 1000, 0 };
	size_t i;

	fds[5] = open(UNMARKED, O_RDONLY);
	ASSERT_LE(0, fds[5]);
	ASSERT_EQ(0, close(fds[5]));
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT_EQ(-EBADF, set_mark(self->sock, fds[i], FAN_OPEN, 0)) {
			TH_LOG("fd %d", fds[i]);
		}
		EXPECT_EQ(-EBADF, set_mark(self->sock, fds[i], 0, FAN_OPEN));
		EXPECT_EQ(-EBADF, set_mark(self->sock, fds[i], 0, 0));
		EXPECT_EQ(-EBADF, set_mark(self->sock, fds[i],
					   FAN_OPEN | DIR_FLAGS, 0));
	}
}

/* Only regular files and directories make events that are reported. */
TEST_F(refusal, einval_special_file)
{
	int pipefds[2], pair[2], fds[13], n = 0, i;

	ASSERT_EQ(0, mkfifo(TMP "/fifo", 0644));
	ASSERT_EQ(0, symlink("file", TMP "/symlink"));
	ASSERT_EQ(0, symlink("nowhere", TMP "/dangling"));
	ASSERT_EQ(0, mknod(TMP "/null", S_IFCHR | 0644, makedev(1, 3)));
	ASSERT_EQ(0, pipe2(pipefds, O_CLOEXEC));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[n++] = pipefds[0];
	fds[n++] = pipefds[1];
	fds[n++] = pair[0];
	fds[n++] = self->sock;
	fds[n++] = eventfd(0, EFD_CLOEXEC);
	fds[n++] = epoll_create1(EPOLL_CLOEXEC);
	fds[n++] = open(TMP "/fifo", O_PATH | O_CLOEXEC);
	fds[n++] = open(TMP "/fifo", O_RDWR | O_CLOEXEC);
	fds[n++] = open(TMP "/null", O_RDONLY | O_CLOEXEC);
	fds[n++] = open(TMP "/null", O_PATH | O_CLOEXEC);
	fds[n++] = open("/dev/vda", O_RDONLY | O_CLOEXEC);
	fds[n++] = open(TMP "/symlink", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	fds[n++] = open(TMP "/dangling", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ASSERT_EQ(ARRAY_SIZE(fds), n);
	for (i = 0; i < n; i++) {
		ASSERT_LE(0, fds[i]);
		EXPECT_EQ(-EINVAL, set_mark(self->sock, fds[i], FAN_OPEN, 0)) {
			TH_LOG("the %dth", i);
		}
		EXPECT_EQ(-EINVAL, set_mark(self->sock, fds[i], 0, FAN_OPEN));
		EXPECT_EQ(-EINVAL, set_mark(self->sock, fds[i], 0, 0));
		EXPECT_EQ(-EINVAL, set_mark(self->sock, fds[i],
					    FAN_OPEN | FAN_ONDIR, 0));
		close(i == 3 ? -1 : fds[i]);
	}
	close(pair[1]);
}

TEST_F(refusal, enotdir)
{
	static const __u32 flags[] = { FAN_ONDIR, FAN_EVENT_ON_CHILD,
				       DIR_FLAGS };
	int fds[] = { self->file, self->unmarked, 0, 0 };
	size_t i, j;

	fds[2] = open(UNMARKED, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, fds[2]);
	fds[3] = memfd_create("fanotify_test", MFD_CLOEXEC);
	ASSERT_LE(0, fds[3]);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			EXPECT_EQ(-ENOTDIR, set_mark(self->sock, fds[i],
						     FAN_OPEN | flags[j], 0));
			EXPECT_EQ(-ENOTDIR, set_mark(self->sock, fds[i], 0,
						     FAN_OPEN | flags[j]));
			EXPECT_EQ(-ENOTDIR, set_mark(self->sock, fds[i],
						     FAN_OPEN,
						     FAN_OPEN | flags[j] |
						     FAN_SURVIVE_MODIFY));
		}
	}
}

TEST_F(refusal, enoent)
{
	struct fanotify_so_inode_mark marks[] = {
		{ .fd = self->unmarked },
		{ .fd = self->unmarked, .mask = FAN_OPEN },
		{ .fd = self->unmarked },
	};
	int other = deaf_listener();

	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, set_mark(self->sock, self->unmarked, 0, 0));
	/* The mark of another listener is none. */
	ASSERT_EQ(0, set_mark(other, self->unmarked, FAN_OPEN, 0));
	EXPECT_EQ(-ENOENT, set_mark(self->sock, self->unmarked, 0, 0));
	EXPECT_EQ(-ENOENT, set_mark(other, self->file, 0, 0));
	ASSERT_EQ(0, set_mark(other, self->unmarked, 0, 0));
	EXPECT_EQ(-ENOENT, set_mark(other, self->unmarked, 0, 0));
	/* The entries of an array are taken in their order. */
	EXPECT_EQ(-ENOENT, set_marks(self->sock, marks, 3));
	EXPECT_EQ(-ENOENT, set_mark(self->sock, self->unmarked, 0, 0));
	EXPECT_EQ(0, set_marks(self->sock, marks + 1, 2));
	EXPECT_EQ(-ENOENT, set_mark(self->sock, self->unmarked, 0, 0));
	/* The mark of a directory is not that of what is in it. */
	EXPECT_EQ(-ENOENT, mark_path(self->sock, CHILD, 0, 0));
	EXPECT_EQ(0, close(other));
}

/* One bad entry among good ones */
FIXTURE(entry)
{
	FIXTURE_DATA(refusal) refusal;
};

FIXTURE_VARIANT(entry) {
	const char *path;	/* NULL: not open */
	int flags;
	__u32 mask;
	__u32 ignored_mask;
	int error;
};

FIXTURE_VARIANT_ADD(entry, not_open) {
	.mask = FAN_OPEN,
	.error = EBADF,
};

FIXTURE_VARIANT_ADD(entry, device) {
	.path = "/dev/null",
	.mask = FAN_OPEN,
	.error = EINVAL,
};

FIXTURE_VARIANT_ADD(entry, directory_event) {
	.path = UNMARKED,
	.mask = FAN_CREATE,
	.error = EINVAL,
};

FIXTURE_VARIANT_ADD(entry, survive_in_the_mask) {
	.path = UNMARKED,
	.mask = FAN_OPEN | FAN_SURVIVE_MODIFY,
	.error = EINVAL,
};

FIXTURE_VARIANT_ADD(entry, no_event_to_ignore) {
	.path = UNMARKED,
	.mask = FAN_OPEN,
	.ignored_mask = FAN_SURVIVE_MODIFY,
	.error = EINVAL,
};

FIXTURE_VARIANT_ADD(entry, file_with_children) {
	.path = UNMARKED,
	.mask = FAN_OPEN | FAN_EVENT_ON_CHILD,
	.error = ENOTDIR,
};

FIXTURE_VARIANT_ADD(entry, file_as_directory) {
	.path = UNMARKED,
	.ignored_mask = FAN_OPEN | FAN_ONDIR,
	.error = ENOTDIR,
};

FIXTURE_VARIANT_ADD(entry, nothing_to_remove) {
	.path = CHILD,
	.error = ENOENT,
};

FIXTURE_SETUP(entry)
{
	refusal_setup(_metadata, &self->refusal, NULL);
}

FIXTURE_TEARDOWN(entry)
{
	refusal_teardown(_metadata, &self->refusal, NULL);
}

TEST_F(entry, changes_nothing)
{
	FIXTURE_DATA(refusal) *r = &self->refusal;
	struct fanotify_so_inode_mark good[] = {
		/* New, changed, removed, changed again */
		{ .fd = r->unmarked, .mask = FAN_OPEN },
		{ .fd = r->file, .mask = ALL_EVENTS },
		{ .fd = r->dir },
		{ .fd = r->file, .ignored_mask = FAN_OPEN },
	};
	struct fanotify_so_inode_mark marks[ARRAY_SIZE(good) + 1];
	struct fanotify_so_inode_mark bad = {
		.fd = -1,
		.mask = variant->mask,
		.ignored_mask = variant->ignored_mask,
	};
	char after[sizeof(r->before)];
	size_t pos;

	if (variant->path) {
		bad.fd = open(variant->path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, bad.fd);
	}
	EXPECT_EQ(-variant->error, set_marks(r->sock, &bad, 1));
	for (pos = 0; pos <= ARRAY_SIZE(good); pos++) {
		memcpy(marks, good, pos * sizeof(*good));
		marks[pos] = bad;
		memcpy(marks + pos + 1, good + pos,
		       sizeof(good) - pos * sizeof(*good));
		EXPECT_EQ(-variant->error,
			  set_marks(r->sock, marks, ARRAY_SIZE(marks))) {
			TH_LOG("entry %zu", pos);
		}
		ASSERT_EQ(0, read_fdinfo(r->sock, after, sizeof(after)));
		ASSERT_STREQ(r->before, after);
	}
}

/* A global listener hears everything; it can only ignore. */
TEST(global_listener_with_a_mask)
{
	struct fanotify_so_inode_mark marks[] = {
		{ .ignored_mask = FAN_OPEN | FAN_SURVIVE_MODIFY },
		{ .mask = FAN_OPEN },
	};
	int sock = global_listener(ALL_EVENTS);
	int fd;

	private_tmp(_metadata);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(UNMARKED, SCRIPT));
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	marks[0].fd = fd;
	marks[1].fd = open(UNMARKED, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, marks[1].fd);

	EXPECT_EQ(-EINVAL, set_mark(sock, fd, FAN_OPEN, 0));
	EXPECT_EQ(-EINVAL, set_mark(sock, fd, FAN_OPEN, FAN_OPEN));
	EXPECT_EQ(-EINVAL, set_mark(sock, -1, FAN_OPEN, 0));
	EXPECT_EQ(-EINVAL, set_marks(sock, marks, 2));
	EXPECT_EQ(-ENOENT, set_mark(sock, fd, 0, 0));
	EXPECT_EQ(0, shown_marks(sock));
	EXPECT_EQ(0, set_marks(sock, marks, 1));
	EXPECT_EQ(-EINVAL, set_mark(sock, fd, FAN_OPEN, 0));
	EXPECT_EQ(1, shown_marks(sock));
	EXPECT_EQ(0, set_mark(sock, fd, 0, 0));
	EXPECT_EQ(-ENOENT, set_mark(sock, fd, 0, 0));
}

TEST_HARNESS_MAIN
