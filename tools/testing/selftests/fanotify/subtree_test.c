// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: marks of a directory and everything below it: what belongs
 * to it, wherever it came from
 */

#define _GNU_SOURCE
#include "subtree.h"

#define FILE_PATH TREE "/file"
#define DIR_PATH TREE "/dir"
#define CHILD DIR_PATH "/file"
#define OUTSIDE BESIDE "/file"

#define READ_EVENTS (FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE)

/* A listener to everything in a tree */
FIXTURE(subtree)
{
	int sock;
};

FIXTURE_VARIANT(subtree) {
	enum place place;
};

FIXTURE_VARIANT_ADD(subtree, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(subtree, ext4) {
	.place = ON_EXT4,
};

FIXTURE_VARIANT_ADD(subtree, overlay) {
	.place = ON_OVERLAY_OF_EXT4,
};

FIXTURE_VARIANT_ADD(subtree, bind_mount) {
	.place = ON_BIND_MOUNT,
};

FIXTURE_SETUP(subtree)
{
	make_tree(_metadata, variant->place);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, write_file(OUTSIDE, SCRIPT));
	self->sock = subtree_listener(ALL_EVENTS, 0);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(subtree)
{
	close(self->sock);
}

/* Reads a file through: what was heard of it, and of nothing else */
static long heard_of_read(int sock, const char *path)
{
	return read_one_byte(path) ?: heard(sock, path);
}

/* The same through its descriptor */
static long heard_of_access(int sock, int fd)
{
	struct stat st;
	char c;

	if (fstat(fd, &st))
		return -errno;
	if (pread(fd, &c, 1, 0) != 1)
		return -EIO;
	return heard_of(sock, &st);
}

/* It makes no difference what was there first, the mark or the file. */
TEST_F(subtree, depths)
{
	static const int depths[] = { 1, 2, 3, 8, 40 };
	char paths[2][256];
	int late;
	size_t i, j;

	ASSERT_EQ(0, mkdir(TREE "/a", 0755));
	ASSERT_EQ(0, mkdir(TREE "/b", 0755));
	for (i = 0; i < ARRAY_SIZE(depths); i++) {
		ASSERT_EQ(0, make_deep(TREE "/a", depths[i], paths[0]));
		ASSERT_EQ(0, drain(self->sock));
		late = subtree_listener(ALL_EVENTS, 0);
		ASSERT_LE(0, late);
		ASSERT_EQ(0, make_deep(TREE "/b", depths[i], paths[1]));
		EXPECT_EQ(FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE,
			  heard(late, paths[1]));
		ASSERT_EQ(0, drain(self->sock));
		for (j = 0; j < 2; j++) {
			ASSERT_EQ(0, do_everything(paths[j]));
			EXPECT_EQ(ALL_EVENTS, heard(self->sock, paths[j])) {
				TH_LOG("at %d", depths[i]);
			}
			EXPECT_EQ(ALL_EVENTS, heard(late, paths[j])) {
				TH_LOG("at %d", depths[i]);
			}
		}
		ASSERT_EQ(0, close(late));
	}
}

/*
 * Can nobody hear what a listener with a higher number does with a file of that
 * file system? Then no mark of the others is there. Or -errno.
 */
static int is_quiet(int listener)
{
	struct fanotify_so_event_metadata ev;
	int flags, ret;

	ret = open_close(OUTSIDE, O_RDONLY) ?: take_event(listener, &ev);
	if (ret != 1)
		return ret ?: -ENODATA;
	flags = fcntl(ev.fd, F_GETFL);
	close_event(&ev);
	return flags < 0 ? -errno : !!(flags & QUIET);
}

/* One that causes events for the fixture's, where that has marks */
static int higher_listener(void)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();

	addr.priority = 1;
	if (sock < 0 || do_bind(sock, &addr) ||
	    mark_path(sock, OUTSIDE, FAN_OPEN, 0))
		return -1;
	return sock;
}

/* The mark that the group has on the file system for it goes with the last. */
TEST_F(subtree, leaves_nothing_behind)
{
	int other = higher_listener();

	ASSERT_LE(0, other);
	EXPECT_EQ(0, is_quiet(other));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(0, is_quiet(other));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, 0));
	EXPECT_EQ(1, is_quiet(other));

	/* It was there for something else as well. */
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_ON_FILESYSTEM | FAN_MODIFY,
			       0));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, 0));
	EXPECT_EQ(0, is_quiet(other));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_ON_FILESYSTEM, 0));
	EXPECT_EQ(1, is_quiet(other));

	/* It is the directory that goes. */
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
	EXPECT_EQ(0, is_quiet(other));
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_EQ(1, is_quiet(other));
	ASSERT_EQ(0, close(other));
}

/* The mark of the directory and that of what is below it are one, and go as one. */
TEST_F(subtree, removed_in_one_call)
{
	struct fanotify_so_inode_mark both[2] = {};
	int other = higher_listener(), dir, order;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	dir = open(DIR_PATH, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, dir);
	both[0].fd = dir;
	both[1].fd = dir;
	for (order = 0; order < 2; order++) {
		ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
				       FAN_ONDIR | FAN_OPEN, 0));
		both[order].mask = FAN_ON_SUBTREE;
		both[!order].mask = 0;
		ASSERT_EQ(0, set_marks(self->sock, both, 2));
		EXPECT_EQ(0, all_marks(self->sock));
		EXPECT_EQ(1, is_quiet(other));
	}

	/* Nothing hangs where the next one will. */
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, 0));
	EXPECT_EQ(1, is_quiet(other));
	close(dir);
	ASSERT_EQ(0, close(other));
}

/* The directory itself is part of it, and those below are. */
TEST_F(subtree, directories)
{
	char path[256];

	ASSERT_EQ(0, make_deep(TREE, 8, path));
	*strrchr(path, '/') = 0;
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, list_dir(TREE));
	ASSERT_EQ(0, list_dir(DIR_PATH));
	ASSERT_EQ(0, list_dir(path));
	EXPECT_EQ(0, own_events(self->sock));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, ALL_EVENTS | FAN_ONDIR, 0));
	ASSERT_EQ(0, list_dir(TREE));
	EXPECT_EQ(DIR_EVENTS, heard(self->sock, TREE));
	ASSERT_EQ(0, list_dir(DIR_PATH));
	EXPECT_EQ(DIR_EVENTS, heard(self->sock, DIR_PATH));
	ASSERT_EQ(0, list_dir(path));
	EXPECT_EQ(DIR_EVENTS, heard(self->sock, path));
	ASSERT_EQ(0, list_dir(PLACE));
	ASSERT_EQ(0, list_dir(BESIDE));
	EXPECT_EQ(0, own_events(self->sock));
}

TEST_F(subtree, outside)
{
	char path[256];

	ASSERT_EQ(0, do_everything(OUTSIDE));
	ASSERT_EQ(0, write_file(PLACE "/file", SCRIPT));
	ASSERT_EQ(0, do_everything(PLACE "/file"));
	/* What has the names, but in another order */
	ASSERT_EQ(0, mkdir(BESIDE "/tree", 0755));
	ASSERT_EQ(0, make_deep(BESIDE "/tree", 8, path));
	ASSERT_EQ(0, do_everything(path));
	EXPECT_EQ(0, own_events(self->sock));
}

/* Inside it starts to be heard, at any depth, and outside it ends. */
TEST_F(subtree, moved)
{
	static const struct {
		const char *dir;
		bool inside;
	} places[] = {
		{ TREE "/moved", true },
		{ DIR_PATH "/other", true },
		{ BESIDE "/moved", false },
		{ PLACE "/moved", false },
		{ TREE "/again", true },
		{ TREE "/renamed", true },
		{ BESIDE "/moved", false },
	};
	const char *dir = BESIDE "/home";
	char deep[256], path[512];
	size_t i, start;
	int fd, dirfd;

	ASSERT_EQ(0, mkdir(dir, 0755));
	ASSERT_EQ(0, make_deep(dir, 5, deep));
	start = strlen(dir);
	fd = open(deep, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	dirfd = open(BESIDE "/home/d", O_PATH | O_CLOEXEC);
	ASSERT_LE(0, dirfd);
	EXPECT_EQ(0, heard_of_access(self->sock, fd));
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		long mask = places[i].inside ? READ_EVENTS : 0;
		char c;
		int in;

		ASSERT_EQ(0, result(rename(dir, places[i].dir)));
		dir = places[i].dir;
		sprintf(path, "%s%s", dir, deep + start);
		EXPECT_EQ(mask, heard_of_read(self->sock, path)) {
			TH_LOG("%s", path);
		}
		/* So is what was open before, and what is reached from there. */
		EXPECT_EQ(mask & FAN_ACCESS, heard_of_access(self->sock, fd)) {
			TH_LOG("%s", path);
		}
		in = openat(dirfd, "d/d/d/file", O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, in);
		ASSERT_EQ(1, read(in, &c, 1));
		ASSERT_EQ(0, close(in));
		EXPECT_EQ(mask, heard(self->sock, path)) {
			TH_LOG("%s", path);
		}
	}
	close(fd);
	close(dirfd);
}

/* A file alone as well */
TEST_F(subtree, moved_file)
{
	int fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, rename(FILE_PATH, BESIDE "/moved"));
	EXPECT_EQ(0, heard_of_access(self->sock, fd));
	EXPECT_EQ(0, heard_of_read(self->sock, BESIDE "/moved"));
	ASSERT_EQ(0, rename(BESIDE "/moved", DIR_PATH "/moved"));
	EXPECT_EQ(FAN_ACCESS, heard_of_access(self->sock, fd));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, DIR_PATH "/moved"));
	/* Those that change places */
	ASSERT_EQ(0, renameat2(AT_FDCWD, DIR_PATH "/moved", AT_FDCWD, OUTSIDE,
			       RENAME_EXCHANGE));
	EXPECT_EQ(0, heard_of_access(self->sock, fd));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, DIR_PATH "/moved"));
	EXPECT_EQ(0, heard_of_read(self->sock, OUTSIDE));
	close(fd);
}

/* The mark is that of the directory, whatever it is called. */
TEST_F(subtree, moved_as_a_whole)
{
	ASSERT_EQ(0, rename(TREE, BESIDE "/inner"));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock,
					     BESIDE "/inner/dir/file"));
	EXPECT_EQ(0, heard_of_read(self->sock, OUTSIDE));
	/* A new one of the same name is another one. */
	ASSERT_EQ(0, mkdir(TREE, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(-ENOENT, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(0, mark_subtree(self->sock, BESIDE "/inner", 0, 0));
}

/* It belongs to where it was opened. */
TEST_F(subtree, hard_link)
{
	ASSERT_EQ(0, link(CHILD, BESIDE "/link"));
	ASSERT_EQ(0, link(OUTSIDE, DIR_PATH "/link"));
	EXPECT_EQ(0, heard_of_read(self->sock, BESIDE "/link"));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(0, heard_of_read(self->sock, OUTSIDE));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, DIR_PATH "/link"));
	/* The other name is no reason to hear of it. */
	ASSERT_EQ(0, unlink(CHILD));
	EXPECT_EQ(0, heard_of_read(self->sock, BESIDE "/link"));
	ASSERT_EQ(0, unlink(OUTSIDE));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, DIR_PATH "/link"));
}

/* Those that are open belong to where they were. */
TEST_F(subtree, deleted)
{
	struct stat st;
	int in, out;

	in = open(CHILD, O_RDWR | O_CLOEXEC);
	out = open(OUTSIDE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, in);
	ASSERT_LE(0, out);
	ASSERT_EQ(0, fstat(in, &st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(0, unlink(OUTSIDE));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(FAN_ACCESS, heard_of_access(self->sock, in));
	EXPECT_EQ(0, heard_of_access(self->sock, out));
	/* And even if the directory goes after them */
	ASSERT_EQ(0, rmdir(DIR_PATH));
	ASSERT_EQ(0, rmdir(BESIDE));
	EXPECT_EQ(FAN_ACCESS, heard_of_access(self->sock, in));
	EXPECT_EQ(0, heard_of_access(self->sock, out));
	ASSERT_EQ(1, write(in, "x", 1));
	ASSERT_EQ(1, write(out, "x", 1));
	EXPECT_EQ(FAN_MODIFY, heard_of(self->sock, &st));
	ASSERT_EQ(0, close(in));
	ASSERT_EQ(0, close(out));
	EXPECT_EQ(FAN_CLOSE_WRITE, heard_of(self->sock, &st));
}

/* One that another one has taken the name of has been deleted, too. */
TEST_F(subtree, replaced_file)
{
	int in = open(CHILD, O_RDONLY | O_CLOEXEC);
	int out = open(OUTSIDE, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, in);
	ASSERT_LE(0, out);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, rename(OUTSIDE, CHILD));
	EXPECT_EQ(FAN_ACCESS, heard_of_access(self->sock, in));
	EXPECT_EQ(FAN_ACCESS, heard_of_access(self->sock, out));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, CHILD));
	close(in);
	close(out);
}

/* By whatever mount it is reached: it is the file system's. */
TEST_F(subtree, through_a_bind_mount)
{
	ASSERT_EQ(0, mkdir(TMP "/elsewhere", 0755));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/elsewhere", NULL, MS_BIND, NULL));
	EXPECT_EQ(READ_EVENTS,
		  heard_of_read(self->sock, TMP "/elsewhere/file"));
	/* A mark by that way is one of the same directory. */
	ASSERT_EQ(0, mark_subtree(self->sock, TMP "/elsewhere", FAN_OPEN, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, TMP "/elsewhere/file"));
	EXPECT_EQ(0, heard_of_read(self->sock, FILE_PATH));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, 0));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, umount(TMP "/elsewhere"));
}

/* What is mounted in it is another file system's. */
TEST_F(subtree, mounted_inside)
{
	ASSERT_EQ(0, mount("fanotify_test", DIR_PATH, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, FILE_PATH));
	ASSERT_EQ(0, result(umount(DIR_PATH)));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, CHILD));
	/* So is a part of this one that comes from outside. */
	ASSERT_EQ(0, mount(BESIDE, DIR_PATH, NULL, MS_BIND, NULL));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, umount(DIR_PATH));
}

/* In a file the name of which comes last */
TEST_F(subtree, tmpfile)
{
	struct stat st;
	char path[64];
	int fd;

	fd = open(DIR_PATH, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(FAN_MODIFY, heard_of(self->sock, &st));
	sprintf(path, "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, result(linkat(AT_FDCWD, path, AT_FDCWD, TREE "/linked",
				   AT_SYMLINK_FOLLOW)));
	ASSERT_EQ(0, drain(self->sock));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, TREE "/linked"));
	close(fd);
}

/* Each has its own masks, set and removed alone. */
TEST_F(subtree, nested)
{
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_CLOSE, 0));
	EXPECT_EQ(2, all_marks(self->sock));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, PLACE, FAN_ACCESS, 0));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, OUTSIDE));

	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, 0));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, PLACE, 0, 0));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(0, all_marks(self->sock));
}

/* A directory that was ignored within is left out only as long as it is in. */
TEST_F(subtree, nested_and_moved)
{
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, ALL_EVENTS));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));

	ASSERT_EQ(0, rename(FILE_PATH, DIR_PATH "/moved"));
	EXPECT_EQ(0, heard_of_read(self->sock, DIR_PATH "/moved"));
	ASSERT_EQ(0, rename(CHILD, FILE_PATH));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, FILE_PATH));
	ASSERT_EQ(0, rename(DIR_PATH, TREE "/other"));
	EXPECT_EQ(0, heard_of_read(self->sock, TREE "/other/moved"));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE "/other", 0, 0));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, TREE "/other/moved"));
}

/* Of the file system there is another mark, which goes for itself. */
TEST_F(subtree, and_of_the_file_system)
{
	const __u32 fs = FAN_ON_FILESYSTEM;

	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_ACCESS, 0));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, TREE, fs, 0));
	EXPECT_EQ(-ENOENT, scope_masks(self->sock, fs, TREE));
	ASSERT_EQ(0, mark_path(self->sock, TREE, fs | FAN_OPEN, 0));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), scope_masks(self->sock, fs, TREE));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, OUTSIDE));
	ASSERT_EQ(0, mark_path(self->sock, TREE, fs, 0));
	EXPECT_EQ(-ENOENT, scope_masks(self->sock, fs, TREE));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(0, heard_of_read(self->sock, OUTSIDE));

	ASSERT_EQ(0, mark_path(self->sock, TREE, fs | FAN_OPEN, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, OUTSIDE));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, FAN_ACCESS, FAN_OPEN));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, OUTSIDE));
	ASSERT_EQ(0, mark_path(self->sock, TREE, fs, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	EXPECT_EQ(0, all_marks(self->sock));
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
}

/* Of one directory, what the one mark ignores is cleared and the other is not. */
TEST_F(subtree, survives_beside_one_that_does_not)
{
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, READ_EVENTS, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, FAN_ACCESS));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0,
			       FAN_OPEN | FAN_EVENT_ON_CHILD));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, truncate(CHILD, 5));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard_of_read(self->sock, CHILD));
	EXPECT_EQ(MASKS(0, FAN_ACCESS),
		  scope_masks(self->sock, FAN_ON_SUBTREE, DIR_PATH));
	/* Nor does it make the other survive. */
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0,
			       FAN_OPEN | FAN_EVENT_ON_CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, FAN_CLOSE_NOWRITE));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, CHILD));
	ASSERT_EQ(0, truncate(CHILD, 4));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS, heard_of_read(self->sock, CHILD));
}

#define MANY 500

/* Many of them, set and removed at once */
TEST_F(subtree, many)
{
	static struct fanotify_so_inode_mark marks[MANY];
	char path[64];
	int i;

	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	for (i = 0; i < MANY; i++) {
		sprintf(path, DIR_PATH "/%d", i);
		ASSERT_EQ(0, mkdir(path, 0755));
		marks[i].fd = open(path, O_PATH | O_CLOEXEC);
		ASSERT_LE(0, marks[i].fd);
		marks[i].mask = FAN_ON_SUBTREE | FAN_CLOSE;
	}
	ASSERT_EQ(0, set_marks(self->sock, marks, MANY));
	for (i = 0; i < MANY; i += 50) {
		sprintf(path, DIR_PATH "/%d/file", i);
		ASSERT_EQ(0, write_file(path, SCRIPT));
		EXPECT_EQ(FAN_CLOSE_WRITE, heard(self->sock, path));
	}
	EXPECT_EQ(0, heard_of_read(self->sock, CHILD));
	for (i = 0; i < MANY; i++)
		marks[i].mask = FAN_ON_SUBTREE | (i % 2 ? FAN_OPEN : 0);
	ASSERT_EQ(0, set_marks(self->sock, marks, MANY));
	EXPECT_EQ(0, heard_of_read(self->sock, DIR_PATH "/100/file"));
	ASSERT_EQ(0, write_file(DIR_PATH "/101/file", SCRIPT));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, DIR_PATH "/101/file"));
	/* Of those that are still there */
	for (i = 0; i < MANY / 2; i++) {
		marks[i].fd = marks[2 * i + 1].fd;
		marks[i].mask = FAN_ON_SUBTREE;
	}
	ASSERT_EQ(0, set_marks(self->sock, marks, MANY / 2));
	EXPECT_EQ(0, all_marks(self->sock));
	EXPECT_EQ(0, heard_of_read(self->sock, DIR_PATH "/101/file"));
}

/* Nothing of it is left: not in what is told, nor in what has to be looked at. */
TEST_F(subtree, removed)
{
	char before[4096], after[4096], tree[64];
	int round, sock = deaf_listener();

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, scope_line(FAN_ON_SUBTREE, TREE, tree));
	ASSERT_EQ(0, read_fdinfo(sock, before, sizeof(before)));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, mark_subtree(sock, TREE, ALL_EVENTS, 0));
		EXPECT_EQ(MASKS(ALL_EVENTS, 0), masks_in(sock, tree));
		ASSERT_EQ(0, mark_subtree(sock, DIR_PATH, ALL_EVENTS, 0));
		ASSERT_EQ(READ_EVENTS, heard_of_read(sock, CHILD));
		ASSERT_EQ(0, mark_subtree(sock, TREE, 0, 0));
		EXPECT_EQ(-ENOENT, masks_in(sock, tree));
		EXPECT_EQ(0, heard_of_read(sock, FILE_PATH));
		EXPECT_EQ(READ_EVENTS, heard_of_read(sock, CHILD));
		ASSERT_EQ(0, mark_subtree(sock, DIR_PATH, 0, 0));
		ASSERT_EQ(0, do_everything(CHILD));
		ASSERT_EQ(0, do_everything(OUTSIDE));
		EXPECT_EQ(0, own_events(sock));
		ASSERT_EQ(0, read_fdinfo(sock, after, sizeof(after)));
		EXPECT_STREQ(before, after);
	}
	ASSERT_EQ(0, close(sock));
}

/* It goes with the directory, when that has no name and no user any more. */
TEST_F(subtree, deleted_directory)
{
	int dirfd;

	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, unlink(CHILD));
	dirfd = open(DIR_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, dirfd);
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_EQ(1, all_marks(self->sock));
	ASSERT_EQ(0, close(dirfd));
	EXPECT_EQ(0, all_marks(self->sock));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(-ENOENT, mark_subtree(self->sock, DIR_PATH, 0, 0));
}

/* What memory pressure forgets it has to find again. */
TEST_F(subtree, drop_caches)
{
	char path[256];

	ASSERT_EQ(0, make_deep(TREE, 40, path));
	ASSERT_EQ(0, drain(self->sock));
	sync();
	ASSERT_EQ(0, write_knob("/proc/sys/vm/drop_caches", "3"));
	EXPECT_EQ(1, all_marks(self->sock));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, path));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self->sock, CHILD));
	EXPECT_EQ(0, heard_of_read(self->sock, OUTSIDE));
}

/* Deeper than what one would count on */
TEST_F(subtree, very_deep)
{
	int here = open(".", O_PATH | O_CLOEXEC);
	struct stat st;
	int i;

	ASSERT_LE(0, here);
	ASSERT_EQ(0, chdir(TREE));
	for (i = 0; i < 600; i++) {
		ASSERT_EQ(0, mkdir("d", 0755));
		ASSERT_EQ(0, chdir("d"));
	}
	ASSERT_EQ(0, write_file("file", SCRIPT));
	ASSERT_EQ(0, stat("file", &st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, read_one_byte("file"));
	EXPECT_EQ(READ_EVENTS, heard_of(self->sock, &st));
	ASSERT_EQ(0, mark_subtree(self->sock, TREE, 0, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, ".", FAN_OPEN, 0));
	ASSERT_EQ(0, read_one_byte("file"));
	EXPECT_EQ(FAN_OPEN, heard_of(self->sock, &st));
	ASSERT_EQ(0, fchdir(here));
	close(here);
}

/* An overlay's tree: what is below it is not what is heard. */
TEST(overlay_with_a_lower_layer)
{
	int sock, below;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers", 0755));
	make_layers(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/layers/lower/tree", 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers/lower/tree/dir", 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers/lower/tree2", 0755));
	ASSERT_EQ(0, write_file(TMP "/layers/lower/tree/dir/file", SCRIPT));
	ASSERT_EQ(0, write_file(TMP "/layers/lower/tree2/file", SCRIPT));
	mount_overlay(_metadata);
	sock = subtree_listener(ALL_EVENTS, 0);
	ASSERT_LE(0, sock);
	EXPECT_EQ(READ_EVENTS, heard_of_read(sock, CHILD));
	EXPECT_EQ(0, heard_of_read(sock, OUTSIDE));
	/* Copied up, with the directories that it is in */
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(ALL_EVENTS, heard(sock, CHILD));
	ASSERT_EQ(0, do_everything(OUTSIDE));
	EXPECT_EQ(0, own_events(sock));
	ASSERT_EQ(0, rename(CHILD, OUTSIDE));
	EXPECT_EQ(0, heard_of_read(sock, OUTSIDE));
	/* One who watches the layer hears of it where it is stored. */
	below = deaf_listener();
	ASSERT_LE(0, below);
	ASSERT_EQ(0, mark_subtree(below, TMP "/layers/upper/tree2", FAN_MODIFY,
				  0));
	ASSERT_EQ(0, write_file(OUTSIDE, "text"));
	EXPECT_EQ(FAN_MODIFY, heard(below, TMP "/layers/upper/tree2/file"));
	EXPECT_EQ(0, own_events(sock));
	ASSERT_EQ(0, close(below));
	ASSERT_EQ(0, close(sock));
}

TEST_HARNESS_MAIN
