// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: where the file of an event is said to be
 */

#define _GNU_SOURCE
#include "marks.h"
#include "paths.h"

#define TEXT "text of the file"

#define FILE_PATH PLACE "/file"
#define NEW_PATH PLACE "/new"
#define DIR_PATH PLACE "/dir"
#define CHILD DIR_PATH "/child"
/* One that every overlayfs can rename: its parent is in no lower layer */
#define SUBDIR DIR_PATH "/sub"

#define DELETED " (deleted)"

static const char * const names[] = { "file", NULL };

/*
 * A file and a directory on a file system of each kind, and a listener that is
 * told where things happen to what it will mark.
 */
FIXTURE(path)
{
	int sock;
	struct reader r;
};

FIXTURE_VARIANT(path) {
	enum place place;
};

FIXTURE_VARIANT_ADD(path, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(path, ext4) {
	.place = ON_EXT4,
};

FIXTURE_VARIANT_ADD(path, overlay_of_tmpfs) {
	.place = ON_OVERLAY_OF_TMPFS,
};

/* The file is in the lower layer. */
FIXTURE_VARIANT_ADD(path, overlay_of_ext4) {
	.place = ON_OVERLAY_OF_EXT4,
};

FIXTURE_SETUP(path)
{
	make_place(_metadata, variant->place, names, TEXT);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, TEXT));
	self->sock = telling_listener(0, FAN_REPORT_PATH | FAN_REPORT_NOFD);
	ASSERT_LE(0, self->sock);
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(path)
{
	close(self->sock);
}

/* All that is done to open files, and to directories */
TEST_F(path, of_an_open_file)
{
	int fd;
	char c;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, ALL_EVENTS, 0));
	fd = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_PATH(FAN_OPEN, 0, FILE_PATH);
	ASSERT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_PATH(FAN_ACCESS, 0, FILE_PATH);
	ASSERT_EQ(1, pwrite(fd, &c, 1, 0));
	EXPECT_PATH(FAN_MODIFY, 0, FILE_PATH);
	ASSERT_EQ(0, close(fd));
	EXPECT_PATH(FAN_CLOSE_WRITE, 0, FILE_PATH);
	EXPECT_NO_MORE();
}

TEST_F(path, of_directories)
{
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_OPEN | DIR_FLAGS, 0));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_OPEN | DIR_FLAGS, 0));
	ASSERT_EQ(0, mark_path(self->sock, "/", FAN_OPEN | FAN_ONDIR, 0));
	ASSERT_EQ(0, list_dir(DIR_PATH));
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, 0, DIR_PATH);
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, CHILD);
	/* For all but tmpfs the root of the mount */
	ASSERT_EQ(0, list_dir(PLACE));
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, 0, PLACE);
	ASSERT_EQ(0, list_dir("/"));
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, 0, "/");
	EXPECT_NO_MORE();
}

/* However it was opened, there is one path that leads there. */
TEST_F(path, is_canonical)
{
	ASSERT_EQ(0, symlink("dir/child", PLACE "/symlink"));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(PLACE "/symlink", O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, CHILD);
	ASSERT_EQ(0, open_close(DIR_PATH "/../dir/./child", O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, CHILD);
	ASSERT_EQ(0, chdir(DIR_PATH));
	ASSERT_EQ(0, open_close("child", O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, CHILD);
}

/* Of several names it is that by which it was opened. */
TEST_F(path, of_hard_links)
{
	ASSERT_EQ(0, link(CHILD, NEW_PATH));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(NEW_PATH, O_RDONLY));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, NEW_PATH);
	EXPECT_PATH(FAN_OPEN, 0, CHILD);
	EXPECT_NO_MORE();
}

/* What was deleted in between has the last path that it had. */
TEST_F(path, deleted)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_DELETED, FILE_PATH);
	EXPECT_NO_MORE();
}

/* Even if there is another file by now. */
TEST_F(path, deleted_and_made_anew)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, write_file(NEW_PATH, TEXT));
	ASSERT_EQ(0, rename(NEW_PATH, FILE_PATH));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_DELETED, FILE_PATH);
	EXPECT_NO_MORE();
}

/* Or if another name of it is left. */
TEST_F(path, deleted_by_one_name)
{
	ASSERT_EQ(0, link(CHILD, NEW_PATH));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	ASSERT_EQ(0, open_close(NEW_PATH, O_RDONLY));
	ASSERT_EQ(0, unlink(CHILD));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_DELETED, CHILD);
	EXPECT_PATH(FAN_OPEN, 0, NEW_PATH);
}

TEST_F(path, deleted_with_its_directory)
{
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_OPEN | DIR_FLAGS, 0));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	ASSERT_EQ(0, open_close(DIR_PATH, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_DELETED, CHILD);
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, FAN_PATH_DELETED, DIR_PATH);
	EXPECT_NO_MORE();
}

/* It is no part of the path, so that a file can be called so. */
TEST_F(path, with_a_name_that_says_deleted)
{
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_OPEN | DIR_FLAGS, 0));
	ASSERT_EQ(0, write_file(FILE_PATH DELETED, TEXT));
	EXPECT_PATH(FAN_OPEN, 0, FILE_PATH DELETED);
	ASSERT_EQ(0, open_close(FILE_PATH DELETED, O_RDONLY));
	ASSERT_EQ(0, unlink(FILE_PATH DELETED));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_DELETED, FILE_PATH DELETED);
}

/* A path is that of the moment when it is read. */
TEST_F(path, renamed)
{
	ASSERT_EQ(0, mkdir(SUBDIR, 0755));
	ASSERT_EQ(0, rename(CHILD, SUBDIR "/file"));
	ASSERT_EQ(0, mark_path(self->sock, SUBDIR "/file",
			       FAN_OPEN | FAN_CLOSE, 0));
	ASSERT_EQ(0, open_close(SUBDIR "/file", O_RDONLY));
	ASSERT_EQ(0, rename(SUBDIR "/file", SUBDIR "/other"));
	ASSERT_EQ(0, rename(SUBDIR, DIR_PATH "/moved"));
	/* It is the same file, and one event. */
	ASSERT_EQ(0, open_close(DIR_PATH "/moved/other", O_RDONLY));
	EXPECT_PATH(FAN_OPEN | FAN_CLOSE_NOWRITE, 0, DIR_PATH "/moved/other");
	ASSERT_EQ(0, open_close(DIR_PATH "/moved/other", O_RDONLY));
	ASSERT_EQ(0, rename(DIR_PATH "/moved/other", NEW_PATH));
	EXPECT_PATH(FAN_OPEN | FAN_CLOSE_NOWRITE, 0, NEW_PATH);
	EXPECT_NO_MORE();
}

TEST_F(path, with_every_byte)
{
	char path[PATH_MAX] = PLACE "/";
	char *name = path + strlen(path);
	int byte;

	for (byte = 255; byte; byte--) {
		if (byte != '/')
			*name++ = byte;
	}
	*name = 0;
	ASSERT_EQ(0, mark_path(self->sock, PLACE,
			       FAN_OPEN | FAN_CREATE | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, write_file(path, TEXT));
	EXPECT_PATH(FAN_CREATE, 0, path);
	EXPECT_PATH(FAN_OPEN, 0, path);
	EXPECT_NO_MORE();
}

/* As long as a path can be, and longer by a byte */
TEST_F(path, long_one)
{
	static const int longer[] = { 0, 1, 50 };
	char path[PATH_MAX + 256] = PLACE;
	int dir = make_deep(path, PATH_MAX - 101);
	size_t i, len = strlen(path);

	ASSERT_LE(0, dir);
	ASSERT_EQ(PATH_MAX - 101, len);
	ASSERT_EQ(0, set_mark(self->sock, dir, FAN_CREATE | FAN_OPEN |
			      FAN_DELETE | FAN_EVENT_ON_CHILD, 0));
	for (i = 0; i < ARRAY_SIZE(longer); i++) {
		__u32 flags = longer[i] ? FAN_PATH_TOO_LONG : 0;
		const char *name, *want;
		int fd;

		path[len] = 0;
		name = add_name(path, 99 + longer[i]);
		want = longer[i] ? "" : path;
		ASSERT_EQ(PATH_MAX - 1 + longer[i], strlen(path));
		fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		ASSERT_LE(0, fd);
		EXPECT_PATH(FAN_CREATE, flags, want);
		EXPECT_PATH(FAN_OPEN, flags, want);
		/* That it is gone is told all the same. */
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, close(openat(dir, name, O_RDONLY | O_CLOEXEC)));
		ASSERT_EQ(0, unlinkat(dir, name, 0));
		EXPECT_PATH(FAN_OPEN, flags | FAN_PATH_DELETED, want);
		EXPECT_PATH(FAN_DELETE, flags, want);
		EXPECT_NO_MORE();
	}
	close(dir);
}

/* Both at once, and each is too long or not by itself. */
TEST_F(path, two_long_ones)
{
	char path[PATH_MAX + 256] = PLACE;
	char other[sizeof(path)], short_one[sizeof(path)];
	const char *name, *new;
	int dir = make_deep(path, PATH_MAX - 101);

	ASSERT_LE(0, dir);
	memcpy(other, path, sizeof(path));
	memcpy(short_one, path, sizeof(path));
	name = add_name(path, 100);
	new = add_name(other, 99);
	add_name(short_one, 1);
	ASSERT_EQ(0, close(openat(dir, name, O_RDWR | O_CREAT, 0644)));
	ASSERT_EQ(0, set_mark(self->sock, dir, FAN_RENAME, 0));
	ASSERT_EQ(0, renameat(dir, name, dir, new));
	EXPECT_TOLD(FAN_RENAME, OLD_PATH_IS(FAN_PATH_TOO_LONG, ""),
		    NEW_PATH_IS(0, other));
	ASSERT_EQ(0, renameat(dir, new, dir, "n"));
	ASSERT_EQ(0, renameat(dir, "n", dir, new));
	EXPECT_TOLD(FAN_RENAME, OLD_PATH_IS(0, other),
		    NEW_PATH_IS(0, short_one));
	EXPECT_TOLD(FAN_RENAME, OLD_PATH_IS(0, short_one),
		    NEW_PATH_IS(0, other));
	close(dir);
}

/* With all that can be told besides: as long as an event can be */
TEST_F(path, longest_event)
{
	const struct fanotify_event_info_fid *dfid;
	const struct fanotify_so_event_metadata *ev;
	char path[PATH_MAX + 256] = PLACE;
	char other[sizeof(path)];
	const char *name, *new;
	int dir = make_deep(path, PATH_MAX - 1 - 1 - NAME_MAX);

	ASSERT_LE(0, dir);
	memcpy(other, path, sizeof(path));
	name = add_name(path, NAME_MAX);
	new = add_name(other, NAME_MAX);
	*(char *)new = 'N';
	ASSERT_EQ(PATH_MAX - 1, strlen(path));
	ASSERT_EQ(0, close(openat(dir, name, O_RDWR | O_CREAT, 0644)));
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH |
				FAN_REPORT_DFID_NAME_TARGET |
				FAN_REPORT_PIDFD));
	ASSERT_EQ(0, set_mark(self->sock, dir, FAN_RENAME, 0));
	ASSERT_EQ(0, renameat(dir, name, dir, new));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_RENAME, ev->mask);
	EXPECT_GE(FAN_SO_MAX_EVENT_LEN, ev->event_len);
	EXPECT_EQ(6, count_records(ev));
	EXPECT_STREQ(path, path_record(ev, FAN_EVENT_INFO_TYPE_OLD_PATH)->path);
	EXPECT_STREQ(other, path_record(ev, FAN_EVENT_INFO_TYPE_NEW_PATH)->path);
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME);
	EXPECT_STREQ(name, name_behind(dfid));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME);
	EXPECT_STREQ(new, name_behind(dfid));
	close_told(ev);
	close(dir);
}

/* What a question is about */
TEST_F(path, of_a_question)
{
	const struct fanotify_event_info_path *info;
	const struct fanotify_so_event_metadata *ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, mark_path(self->sock, CHILD,
			       FAN_OPEN_PERM | FAN_ACCESS_PERM, 0));
	ASSERT_TRUE(doer_start(&doer, do_read, CHILD));

	ASSERT_EQ(0, await_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN_PERM, ev->mask);
	EXPECT_EQ(doer.pid, ev->tgid);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(0, info->flags);
	EXPECT_STREQ(CHILD, info->path);
	ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_ALLOW));

	/* That of the moment when it is read */
	ASSERT_EQ(1, poll(&(struct pollfd){ self->sock, POLLIN }, 1, WAIT_MS));
	ASSERT_EQ(0, rename(CHILD, NEW_PATH));
	ASSERT_EQ(0, await_told(&self->r, &ev));
	EXPECT_EQ(FAN_ACCESS_PERM, ev->mask);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(0, info->flags);
	EXPECT_STREQ(NEW_PATH, info->path);
	ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* What is done to a file by its name, or to one without its name mattering */
TEST_F(path, of_a_file_that_is_not_open)
{
	static const struct timespec times[2] = { { 1 }, { 2 } };
	int fd;

	ASSERT_EQ(0, link(CHILD, NEW_PATH));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_MODIFY | SELF_EVENTS, 0));
	ASSERT_EQ(0, chmod(CHILD, 0600));
	EXPECT_PATH(FAN_ATTRIB, 0, CHILD);
	ASSERT_EQ(0, chmod(NEW_PATH, 0644));
	EXPECT_PATH(FAN_ATTRIB, 0, NEW_PATH);
	ASSERT_EQ(0, utimensat(AT_FDCWD, CHILD, times, 0));
	EXPECT_PATH(FAN_ATTRIB, 0, CHILD);
	ASSERT_EQ(0, truncate(CHILD, 1));
	EXPECT_PATH(FAN_MODIFY, 0, CHILD);

	/* With it, and without it, are two things. */
	fd = open(CHILD, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, write(fd, "x", 1));
	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EQ(0, close(fd));
	EXPECT_PATH(FAN_MODIFY, 0, CHILD);
	EXPECT_PATH(FAN_MODIFY, 0, CHILD);

	ASSERT_EQ(0, chmod(CHILD, 0600));
	ASSERT_EQ(0, rename(CHILD, DIR_PATH "/moved"));
	EXPECT_PATH(FAN_ATTRIB, 0, DIR_PATH "/moved");
	EXPECT_PATH(FAN_MOVE_SELF, FAN_PATH_UNKNOWN, "");
	ASSERT_EQ(0, unlink(NEW_PATH));
	EXPECT_PATH(FAN_ATTRIB, FAN_PATH_UNKNOWN, "");
	ASSERT_EQ(0, link(DIR_PATH "/moved", NEW_PATH));
	EXPECT_PATH(FAN_ATTRIB, FAN_PATH_UNKNOWN, "");
	ASSERT_EQ(0, unlink(NEW_PATH));
	EXPECT_PATH(FAN_ATTRIB, FAN_PATH_UNKNOWN, "");
	EXPECT_NO_MORE();
}

/* The end of a file, which nobody can be led to */
TEST_F(path, of_a_file_that_is_no_more)
{
	const struct fanotify_event_info_path *info;
	const struct fanotify_so_event_metadata *ev;

	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_DELETE_SELF, 0));
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_DELETE_SELF, ev->mask);
	EXPECT_EQ(FAN_NOFD, ev->fd);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(FAN_PATH_UNKNOWN, info->flags & ~FAN_PATH_DELETED);
	EXPECT_STREQ("", info->path);
	EXPECT_NO_MORE();
}

/* Directories have one name, and that is known. */
TEST_F(path, of_a_directory_itself)
{
	ASSERT_EQ(0, mkdir(SUBDIR, 0755));
	ASSERT_EQ(0, mark_path(self->sock, SUBDIR, SELF_EVENTS | FAN_ONDIR, 0));
	ASSERT_EQ(0, chmod(SUBDIR, 0700));
	EXPECT_PATH(FAN_ATTRIB | FAN_ONDIR, 0, SUBDIR);
	ASSERT_EQ(0, rename(SUBDIR, DIR_PATH "/moved"));
	EXPECT_PATH(FAN_MOVE_SELF | FAN_ONDIR, 0, DIR_PATH "/moved");
	EXPECT_NO_MORE();
}

TEST_HARNESS_MAIN
