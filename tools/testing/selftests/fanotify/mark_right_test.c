// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: which rights it takes to set a mark
 */

#define _GNU_SOURCE
#include "marks.h"

#define FILE_PATH TMP "/file"
#define DIR_PATH TMP "/dir"
#define CHILD DIR_PATH "/file"
#define VIEW TMP "/view"

/*
 * Nobody can make a listener report with a descriptor what he could not open
 * so himself.
 */
FIXTURE(holder)
{
	int sock;
};

FIXTURE_VARIANT(holder) {
	int flags;	/* of the descriptor */
	int f_flags;	/* of the listener */
	mode_t mode;	/* of the file; S_IFDIR: it is a directory */
	__u32 child;	/* FAN_EVENT_ON_CHILD, or not */
	bool root;	/* is who marks, or else nobody, with: */
	bool own_userns;
	__u32 caps;
	int error;
};

FIXTURE_VARIANT_ADD(holder, o_path_secret) {
	.flags = O_PATH,
	.mode = 0600,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, wronly_secret) {
	.flags = O_WRONLY,
	.mode = 0622,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, o_path_for_others) {
	.flags = O_PATH,
	.mode = 0604,
};

FIXTURE_VARIANT_ADD(holder, wronly_for_others) {
	.flags = O_WRONLY,
	.mode = 0604,
};

/* The right was that of open(). */
FIXTURE_VARIANT_ADD(holder, rdonly_secret) {
	.flags = O_RDONLY,
	.mode = 0600,
};

FIXTURE_VARIANT_ADD(holder, rdwr_secret) {
	.flags = O_RDWR,
	.mode = 0600,
};

FIXTURE_VARIANT_ADD(holder, secret_dir) {
	.flags = O_PATH,
	.mode = S_IFDIR | 0711,
	.error = EPERM,
};

/* There is a way up from what others opened, whatever the holder's root is. */
FIXTURE_VARIANT_ADD(holder, dir_for_others) {
	.flags = O_PATH,
	.mode = S_IFDIR | 0755,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, dir_opened) {
	.flags = O_RDONLY,
	.mode = S_IFDIR | 0755,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, dir_own_userns) {
	.flags = O_RDONLY,
	.mode = S_IFDIR | 0755,
	.own_userns = true,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, dir_read_all) {
	.flags = O_PATH,
	.mode = S_IFDIR | 0700,
	.caps = 1U << CAP_DAC_READ_SEARCH,
};

FIXTURE_VARIANT_ADD(holder, dir_to_write_read_all) {
	.flags = O_RDONLY,
	.f_flags = O_RDWR,
	.mode = S_IFDIR | 0777,
	.caps = 1U << CAP_DAC_READ_SEARCH,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, root_o_path) {
	.flags = O_PATH,
	.mode = 0,
	.root = true,
};

FIXTURE_VARIANT_ADD(holder, root_wronly) {
	.flags = O_WRONLY,
	.mode = 0,
	.root = true,
};

/* A listener whose descriptors are for writing, too */
FIXTURE_VARIANT_ADD(holder, to_write_opened_to_read) {
	.flags = O_RDONLY,
	.f_flags = O_RDWR,
	.mode = 0644,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, to_write_opened_to_write) {
	.flags = O_WRONLY,
	.f_flags = O_RDWR,
	.mode = 0622,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, to_write_o_path) {
	.flags = O_PATH,
	.f_flags = O_RDWR,
	.mode = 0644,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, to_write_opened_for_both) {
	.flags = O_RDWR,
	.f_flags = O_RDWR,
	.mode = 0600,
};

FIXTURE_VARIANT_ADD(holder, to_write_for_others) {
	.flags = O_PATH,
	.f_flags = O_RDWR,
	.mode = 0606,
};

/* And one whose descriptors are for writing only */
FIXTURE_VARIANT_ADD(holder, only_to_write_opened_to_read) {
	.flags = O_RDONLY,
	.f_flags = O_WRONLY,
	.mode = 0644,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, only_to_write_opened_to_write) {
	.flags = O_WRONLY,
	.f_flags = O_WRONLY,
	.mode = 0600,
};

FIXTURE_VARIANT_ADD(holder, only_to_write_for_others) {
	.flags = O_PATH,
	.f_flags = O_WRONLY,
	.mode = 0602,
};

/* To list a directory is not to open what is in it. */
FIXTURE_VARIANT_ADD(holder, children) {
	.flags = O_RDONLY,
	.mode = S_IFDIR | 0755,
	.child = FAN_EVENT_ON_CHILD,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, children_own_userns) {
	.flags = O_RDONLY,
	.mode = S_IFDIR | 0755,
	.child = FAN_EVENT_ON_CHILD,
	.own_userns = true,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, children_read_all) {
	.flags = O_PATH,
	.mode = S_IFDIR | 0700,
	.child = FAN_EVENT_ON_CHILD,
	.caps = 1U << CAP_DAC_READ_SEARCH,
};

/* The one right does not stand for the other, though it goes further. */
FIXTURE_VARIANT_ADD(holder, children_override) {
	.flags = O_RDONLY,
	.mode = S_IFDIR | 0755,
	.child = FAN_EVENT_ON_CHILD,
	.caps = 1U << CAP_DAC_OVERRIDE,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, children_to_write_read_all) {
	.flags = O_RDONLY,
	.f_flags = O_RDWR,
	.mode = S_IFDIR | 0777,
	.child = FAN_EVENT_ON_CHILD,
	.caps = 1U << CAP_DAC_READ_SEARCH,
	.error = EPERM,
};

FIXTURE_VARIANT_ADD(holder, children_to_write_override) {
	.flags = O_PATH,
	.f_flags = O_RDWR,
	.mode = S_IFDIR | 0700,
	.child = FAN_EVENT_ON_CHILD,
	.caps = 1U << CAP_DAC_OVERRIDE,
};

FIXTURE_VARIANT_ADD(holder, children_only_to_write_read_all) {
	.flags = O_RDONLY,
	.f_flags = O_WRONLY,
	.mode = S_IFDIR | 0777,
	.child = FAN_EVENT_ON_CHILD,
	.caps = 1U << CAP_DAC_READ_SEARCH,
	.error = EPERM,
};

FIXTURE_SETUP(holder)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, chmod(S_ISDIR(variant->mode) ? DIR_PATH : FILE_PATH,
			   variant->mode & 0777));
	self->sock = new_listener(0, variant->f_flags | O_CLOEXEC);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(holder)
{
	close(self->sock);
}

/* What set_mark() returns to the one who marks, as an exit status */
static int set_as(const FIXTURE_VARIANT(holder) *variant, int sock, int fd,
		  __u32 mask, __u32 ignored_mask)
{
	pid_t child = fork();

	if (!child) {
		if (!variant->root && become_nobody_with(variant->caps))
			_exit(100);
		if (variant->own_userns && unshare(CLONE_NEWUSER))
			_exit(101);
		_exit(-set_mark(sock, fd, mask, ignored_mask));
	}
	return exit_status(child);
}

TEST_F(holder, eperm)
{
	const char *path = S_ISDIR(variant->mode) ? DIR_PATH : FILE_PATH;
	const char *heard_path = variant->child ? CHILD : path;
	__u32 flags = variant->child ?: S_ISDIR(variant->mode) ? FAN_ONDIR : 0;
	int fd = open(path, variant->flags | O_CLOEXEC);
	long expected = variant->error ? 0 : FAN_OPEN;
	struct stat st, heard_st;
	int other;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, stat(heard_path, &heard_st));
	EXPECT_EQ(variant->error, set_as(variant, self->sock, fd,
					 FAN_OPEN | flags, 0));
	EXPECT_EQ(variant->error ? -ENOENT : MASKS(FAN_OPEN | flags, 0),
		  shown_masks(self->sock, &st));
	ASSERT_EQ(0, open_close(heard_path, O_RDONLY));
	EXPECT_EQ(expected, heard(self->sock, heard_path));
	EXPECT_EQ(variant->error, set_as(variant, self->sock, fd,
					 FAN_OPEN | flags, FAN_OPEN));

	/* To hear less takes no right. */
	EXPECT_EQ(0, set_as(variant, self->sock, fd, 0, FAN_OPEN));
	EXPECT_EQ(MASKS(0, FAN_OPEN), shown_masks(self->sock, &st));
	EXPECT_EQ(0, set_as(variant, self->sock, fd, 0, FAN_OPEN | flags));
	EXPECT_EQ(MASKS(0, FAN_OPEN | flags), shown_masks(self->sock, &st));
	EXPECT_EQ(0, set_as(variant, self->sock, fd, 0, 0));
	EXPECT_EQ(ENOENT, set_as(variant, self->sock, fd, 0, 0));
	other = global_listener(FAN_OPEN | FAN_ONDIR);
	ASSERT_LE(0, other);
	EXPECT_EQ(0, set_as(variant, other, fd, 0, FAN_OPEN | flags));
	ASSERT_EQ(0, open_close(heard_path, O_RDONLY));
	EXPECT_EQ(0, all_events(other, &heard_st));
	EXPECT_EQ(0, close(other));
}

/* A listener that is told to write, and a file as its holder sees it */
FIXTURE(read_only)
{
	int sock;
};

FIXTURE_SETUP(read_only)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(VIEW, 0755));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, chmod(CHILD, 0666));
	ASSERT_EQ(0, mount(DIR_PATH, VIEW, NULL, MS_BIND, NULL));
	self->sock = new_listener(0, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(read_only)
{
	close(self->sock);
}

/* What nobody gets who marks the file at @path, as an exit status */
static int mark_as_nobody(int sock, const char *path, __u32 mask,
			  __u32 ignored_mask)
{
	pid_t child = fork();

	if (!child) {
		if (become_nobody())
			_exit(100);
		_exit(-mark_path(sock, path, mask, ignored_mask));
	}
	return exit_status(child);
}

/* That nobody can write to a file system is its answer, and handed on. */
TEST_F(read_only, file_system)
{
	ASSERT_EQ(0, mark_as_nobody(self->sock, CHILD, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_as_nobody(self->sock, CHILD, 0, 0));
	ASSERT_EQ(0, mount(NULL, TMP, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(EROFS, mark_as_nobody(self->sock, CHILD, FAN_OPEN, 0));
	EXPECT_EQ(0, shown_marks(self->sock));
	EXPECT_EQ(0, mark_as_nobody(self->sock, CHILD, 0, FAN_OPEN));
	/* Its events tell why there is no descriptor. */
	EXPECT_EQ(0, mark_path(self->sock, CHILD, FAN_OPEN, 0));
}

/*
 * The mount that a file is marked through is read-only, the one that it is then
 * opened through is not: its descriptor comes from the other one.
 */
TEST_F(read_only, mount)
{
	int fd;

	ASSERT_EQ(0, mount(NULL, VIEW, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			   NULL));
	EXPECT_EQ(EROFS, mark_as_nobody(self->sock, VIEW "/file", FAN_OPEN, 0));
	EXPECT_EQ(0, shown_marks(self->sock));
	EXPECT_EQ(0, mark_as_nobody(self->sock, VIEW "/file", 0, FAN_OPEN));
	EXPECT_EQ(0, mark_as_nobody(self->sock, CHILD, FAN_OPEN, 0));
	EXPECT_EQ(0, mark_path(self->sock, VIEW "/file", FAN_ACCESS, 0));

	/* What is open for writing already was opened elsewhere. */
	fd = open(CHILD, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, set_mark(self->sock, fd, FAN_OPEN | FAN_ACCESS, 0));
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
