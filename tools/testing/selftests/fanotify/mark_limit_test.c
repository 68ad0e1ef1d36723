// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: how many marks a user can have
 */

#define _GNU_SOURCE
#include "marks.h"

#define USER_NS_MARKS "/proc/sys/user/max_fanotify_socket_marks"

/* The limit of the tests; there are more files than that. */
#define LIMIT 4
#define NFILES 8

FIXTURE(limit)
{
	int sock;
	int fds[NFILES];
	long old;
};

/* The same limit has two names. */
FIXTURE_VARIANT(limit) {
	const char *path;
};

FIXTURE_VARIANT_ADD(limit, fs) {
	.path = MAX_USER_MARKS,
};

FIXTURE_VARIANT_ADD(limit, user) {
	.path = USER_NS_MARKS,
};

FIXTURE_SETUP(limit)
{
	char path[64];
	int i;

	private_tmp(_metadata);
	for (i = 0; i < NFILES; i++) {
		sprintf(path, TMP "/%d", i);
		ASSERT_EQ(0, write_file(path, "text"));
		self->fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, self->fds[i]);
	}
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	self->old = read_number(variant->path);
	ASSERT_LT(NFILES, self->old);
	/* The tests count on being the only ones who have marks. */
	ASSERT_EQ(0, write_number(variant->path, 1));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, 0));
	ASSERT_EQ(0, write_number(variant->path, LIMIT));
}

FIXTURE_TEARDOWN(limit)
{
	EXPECT_EQ(0, write_number(variant->path, self->old));
	close(self->sock);
}

/* How many of the files can be marked? They are unmarked again. */
static int room(int sock, const int *fds, int nfds)
{
	int count, i;

	for (count = 0; count < nfds; count++) {
		if (set_mark(sock, fds[count], FAN_OPEN, 0))
			break;
	}
	for (i = 0; i < count; i++)
		set_mark(sock, fds[i], 0, 0);
	return count;
}

TEST_F(limit, one_by_one)
{
	struct stat st;
	int i;

	for (i = 0; i < LIMIT; i++)
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	/* One that only ignores counts as well. */
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[i], 0, FAN_OPEN));
	ASSERT_EQ(0, fstat(self->fds[i], &st));
	EXPECT_EQ(-ENOENT, shown_masks(self->sock, &st));
	EXPECT_EQ(LIMIT, shown_marks(self->sock));
	ASSERT_EQ(0, open_close(TMP "/4", O_RDONLY));
	EXPECT_EQ(0, own_events(self->sock));

	/* What is there can be changed, and removed. */
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], FAN_CLOSE, FAN_OPEN));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
}

/* Every socket of the user takes from the same limit, of either kind. */
TEST_F(limit, of_all_sockets)
{
	int other = deaf_listener();
	int global = global_listener(FAN_OPEN);

	ASSERT_LE(0, other);
	ASSERT_LE(0, global);
	/* The marks of superblocks do not count; nor is the file a third. */
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(other, self->fds[0], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(global, self->fds[0], 0, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[2], FAN_OPEN, 0));
	EXPECT_EQ(-ENOSPC, set_mark(other, self->fds[2], FAN_OPEN, 0));
	EXPECT_EQ(-ENOSPC, set_mark(global, self->fds[2], 0, FAN_OPEN));
	ASSERT_EQ(0, set_mark(global, self->fds[0], 0, 0));
	EXPECT_EQ(0, set_mark(other, self->fds[2], FAN_OPEN, 0));
	EXPECT_EQ(-ENOSPC, set_mark(global, self->fds[2], 0, FAN_OPEN));
}

/* An array that does not fit as a whole changes nothing. */
TEST_F(limit, array)
{
	struct fanotify_so_inode_mark marks[NFILES];
	char before[4096], after[4096];
	int i;

	for (i = 0; i < NFILES; i++)
		marks[i] = (struct fanotify_so_inode_mark){
			.fd = self->fds[i],
			.mask = FAN_ACCESS,
		};
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	ASSERT_EQ(0, read_fdinfo(self->sock, before, sizeof(before)));

	EXPECT_EQ(-ENOSPC, set_marks(self->sock, marks, LIMIT + 1));
	EXPECT_EQ(-ENOSPC, set_marks(self->sock, marks, NFILES));
	EXPECT_EQ(-ENOSPC, set_marks(self->sock, marks + 2, LIMIT - 1));
	ASSERT_EQ(0, read_fdinfo(self->sock, after, sizeof(after)));
	EXPECT_STREQ(before, after);
	ASSERT_EQ(0, read_one_byte(TMP "/0"));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, TMP "/0"));
	ASSERT_EQ(0, read_one_byte(TMP "/2"));
	EXPECT_EQ(0, own_events(self->sock));

	/* Nothing of it is counted, and those that are there are no new ones. */
	EXPECT_EQ(2, room(self->sock, self->fds + 2, NFILES - 2));
	EXPECT_EQ(0, set_marks(self->sock, marks, LIMIT));
	ASSERT_EQ(0, read_one_byte(TMP "/3"));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, TMP "/3"));
	EXPECT_EQ(0, set_marks(self->sock, marks, LIMIT));

	/* New marks come before old ones go. */
	marks[0].mask = 0;
	EXPECT_EQ(-ENOSPC, set_marks(self->sock, marks, LIMIT + 1));
	EXPECT_EQ(LIMIT, shown_marks(self->sock));
	EXPECT_EQ(0, set_marks(self->sock, marks, 1));
	EXPECT_EQ(0, set_marks(self->sock, marks + 1, LIMIT));
	EXPECT_EQ(0, room(self->sock, self->fds, NFILES));
}

/* A file that an array has twice gets one mark. */
TEST_F(limit, same_file_twice)
{
	struct fanotify_so_inode_mark marks[LIMIT + 1];
	int i;

	for (i = 0; i <= LIMIT; i++)
		marks[i] = (struct fanotify_so_inode_mark){
			.fd = self->fds[i % LIMIT],
			.mask = FAN_OPEN,
		};
	EXPECT_EQ(0, set_marks(self->sock, marks, LIMIT + 1));
	EXPECT_EQ(LIMIT, shown_marks(self->sock));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, 0));
	EXPECT_EQ(1, room(self->sock, self->fds + LIMIT,
			  NFILES - LIMIT));
}

/* A removed mark counts no longer, and no other one is counted for it. */
TEST_F(limit, given_back_on_removal)
{
	struct fanotify_so_inode_mark marks[LIMIT] = {};
	int round, i;

	for (i = 0; i < LIMIT; i++)
		marks[i].fd = self->fds[i];
	for (round = 0; round < 10; round++) {
		ASSERT_EQ(LIMIT, room(self->sock, self->fds, NFILES));
		for (i = 0; i < LIMIT; i++)
			marks[i].mask = FAN_OPEN;
		ASSERT_EQ(0, set_marks(self->sock, marks, LIMIT));
		ASSERT_EQ(0, room(self->sock, self->fds + LIMIT,
				  NFILES - LIMIT));
		for (i = 0; i < LIMIT; i++)
			marks[i].mask = 0;
		ASSERT_EQ(0, set_marks(self->sock, marks, LIMIT));
	}
}

/* The modification that empties a mark does not remove it. */
TEST_F(limit, not_given_back_on_modification)
{
	ASSERT_EQ(0, write_number(variant->path, 1));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, FAN_OPEN));
	ASSERT_EQ(0, write_file(TMP "/0", "text"));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, 0));
	EXPECT_EQ(0, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
}

/*
 * Marks are counted no longer when @end returns. Again and again, since what
 * is late is not late each time.
 */
static void check_given_back(struct __test_metadata *_metadata,
			     FIXTURE_DATA(limit) *self, int (*end)(int sock))
{
	int round, i, other;

	for (round = 0; round < 50; round++) {
		other = deaf_listener();
		ASSERT_LE(0, other);
		for (i = 0; i < LIMIT; i++)
			ASSERT_EQ(0, set_mark(other, self->fds[i], FAN_OPEN,
					      0));
		ASSERT_EQ(-ENOSPC, set_mark(self->sock, self->fds[0],
					    FAN_OPEN, 0));
		ASSERT_EQ(0, result(end(other)));
		ASSERT_EQ(LIMIT, room(self->sock, self->fds, NFILES));
		/* One that is only shut down is still to be closed. */
		close(other);
	}
}

TEST_F(limit, given_back_on_close)
{
	check_given_back(_metadata, self, close);
}

static int shut_down(int sock)
{
	return shutdown(sock, SHUT_RDWR);
}

TEST_F(limit, given_back_on_shutdown)
{
	check_given_back(_metadata, self, shut_down);
}

/* With the last name and the last descriptor the mark goes, too. */
TEST_F(limit, given_back_on_unlink)
{
	ASSERT_EQ(0, write_number(variant->path, 1));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
	ASSERT_EQ(0, unlink(TMP "/0"));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	ASSERT_EQ(0, close(self->fds[0]));
	EXPECT_EQ(0, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	EXPECT_EQ(1, shown_marks(self->sock));
}

TEST_F(limit, given_back_on_umount)
{
	ASSERT_EQ(0, write_number(variant->path, 1));
	ASSERT_EQ(0, mkdir(TMP "/mnt", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mark_path(self->sock, TMP "/mnt",
			       FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	/* The mark does not hold the file system. */
	ASSERT_EQ(0, result(umount(TMP "/mnt")));
	EXPECT_EQ(0, set_mark(self->sock, self->fds[1], FAN_OPEN, 0));
	EXPECT_EQ(1, shown_marks(self->sock));
}

/* Who has more than there may be keeps them. */
TEST_F(limit, lowered)
{
	int i;

	for (i = 0; i < LIMIT; i++)
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	ASSERT_EQ(0, write_number(variant->path, 1));
	EXPECT_EQ(LIMIT, shown_marks(self->sock));
	ASSERT_EQ(0, open_close(TMP "/3", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, TMP "/3"));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[3], FAN_CLOSE, 0));
	for (i = 0; i < LIMIT; i++) {
		EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[LIMIT],
					    FAN_OPEN, 0));
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], 0, 0));
	}
	EXPECT_EQ(0, set_mark(self->sock, self->fds[LIMIT], FAN_OPEN, 0));
}

/* To hear everything is no matter of marks of inodes. */
TEST_F(limit, zero)
{
	int global;

	ASSERT_EQ(0, write_number(variant->path, 0));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[0], FAN_OPEN, 0));
	global = global_listener(FAN_OPEN);
	ASSERT_LE(0, global);
	EXPECT_EQ(-ENOSPC, set_mark(global, self->fds[0], 0, FAN_OPEN));
	ASSERT_EQ(0, mkdir(TMP "/mnt", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(TMP "/mnt/file", "text"));
	EXPECT_NE(0, own_events(global));
	EXPECT_EQ(0, close(global));
	ASSERT_EQ(0, umount(TMP "/mnt"));
}

/* It is the user who bound the socket for whom its marks are counted. */
TEST_F(limit, of_the_binder)
{
	pid_t child;
	int i;

	for (i = 0; i < LIMIT - 1; i++)
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (become_nobody())
			_exit(100);
		if (set_mark(self->sock, self->fds[i], FAN_OPEN, 0))
			_exit(101);
		_exit(-set_mark(self->sock, self->fds[i + 1], FAN_OPEN, 0));
	}
	EXPECT_EQ(ENOSPC, exit_status(child));
	EXPECT_EQ(-ENOSPC, set_mark(self->sock, self->fds[LIMIT], FAN_OPEN,
				    0));
	ASSERT_EQ(0, open_close(TMP "/3", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, TMP "/3"));
	ASSERT_EQ(0, set_mark(self->sock, self->fds[0], 0, 0));
	EXPECT_EQ(0, set_mark(self->sock, self->fds[LIMIT], FAN_OPEN, 0));
}

/* Somebody who may bind, and is not root, has a limit of its own. */
TEST_F(limit, of_each_user)
{
	pid_t child;
	int i;

	for (i = 0; i < LIMIT; i++)
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		int sock;

		if (become_nobody_with(1U << CAP_SYS_ADMIN))
			_exit(100);
		sock = deaf_listener();
		if (sock < 0)
			_exit(101);
		_exit(room(sock, self->fds, NFILES));
	}
	EXPECT_EQ(LIMIT, exit_status(child));
}

/* A namespace of the caller's own has nothing to say, either way. */
TEST_F(limit, user_namespace_of_the_caller)
{
	pid_t child;
	int i;

	for (i = 0; i < LIMIT - 1; i++)
		ASSERT_EQ(0, set_mark(self->sock, self->fds[i], FAN_OPEN, 0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (unshare(CLONE_NEWUSER))
			_exit(100);
		if (write_number(USER_NS_MARKS, 0))
			_exit(101);
		if (set_mark(self->sock, self->fds[i], FAN_OPEN, 0))
			_exit(102);
		if (write_number(USER_NS_MARKS, 1000))
			_exit(103);
		_exit(-set_mark(self->sock, self->fds[i + 1], FAN_OPEN, 0));
	}
	EXPECT_EQ(ENOSPC, exit_status(child));
}

TEST_F(limit, values)
{
	static const char * const bad[] = { "-1", "x", "2147483648" };
	pid_t child;
	size_t i;

	EXPECT_EQ(LIMIT, read_number(MAX_USER_MARKS));
	EXPECT_EQ(LIMIT, read_number(USER_NS_MARKS));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		write_knob(variant->path, bad[i]);
		EXPECT_EQ(LIMIT, read_number(variant->path)) {
			TH_LOG("%s was taken", bad[i]);
		}
	}
	ASSERT_EQ(0, write_number(variant->path, 2147483647));
	EXPECT_EQ(2147483647, read_number(variant->path));

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(become_nobody() ? 100 :
		      -write_number(variant->path, 1000000));
	EXPECT_EQ(EACCES, exit_status(child));
}

TEST_HARNESS_MAIN
