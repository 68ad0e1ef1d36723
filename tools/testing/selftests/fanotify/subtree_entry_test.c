// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what happens to the entries of directories, and to what has
 * no place of its own, in a subtree
 */

#define _GNU_SOURCE
#include "subtree.h"

#define FILE_PATH TREE "/file"
#define DIR_PATH TREE "/dir"
#define CHILD DIR_PATH "/file"

/* A listener that is told where something happens, and has no mark yet */
FIXTURE(entry)
{
	int sock;
};

FIXTURE_VARIANT(entry) {
	enum place place;
};

FIXTURE_VARIANT_ADD(entry, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(entry, ext4) {
	.place = ON_EXT4,
};

FIXTURE_VARIANT_ADD(entry, overlay) {
	.place = ON_OVERLAY_OF_EXT4,
};

FIXTURE_SETUP(entry)
{
	make_tree(_metadata, variant->place);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, write_file(CHILD, "text"));
	self->sock = telling_listener(0, REPORT_PATHS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(entry)
{
	close(self->sock);
}

/* From now on these are told of. */
static int tell_of(int sock, __u32 mask)
{
	return mark_subtree(sock, TREE, mask, 0);
}

/* Needs a record that says where. */
TEST(needs_a_report)
{
	int sock = deaf_listener();

	make_tree(_metadata, ON_TMPFS);
	ASSERT_LE(0, sock);
	EXPECT_EQ(-EINVAL, tell_of(sock, FAN_CREATE));
	EXPECT_EQ(-EINVAL, tell_of(sock, FAN_OPEN | FAN_RENAME));
	EXPECT_EQ(-EINVAL, tell_of(sock, FAN_ATTRIB));
	EXPECT_EQ(0, all_marks(sock));
	ASSERT_EQ(0, set_report(sock, REPORT_PATHS));
	EXPECT_EQ(0, tell_of(sock, FAN_CREATE));
	EXPECT_EQ(0, tell_of(sock, FAN_OPEN | FAN_RENAME));
	EXPECT_EQ(0, tell_of(sock, FAN_ATTRIB));
	ASSERT_EQ(0, close(sock));
}

TEST_F(entry, create)
{
	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE | FAN_ONDIR));
	ASSERT_EQ(0, open_close(TREE "/new", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE tree/new", told_by(self->sock));
	ASSERT_EQ(0, mkdir(TREE "/n", 0755));
	EXPECT_STREQ("CREATE|ONDIR tree/n", told_by(self->sock));
	/* In what was just made, too, at once */
	ASSERT_EQ(0, mkdir(TREE "/n/a", 0755));
	ASSERT_EQ(0, mkdir(TREE "/n/a/b", 0755));
	ASSERT_EQ(0, open_close(TREE "/n/a/b/c", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE|ONDIR tree/n/a, CREATE|ONDIR tree/n/a/b, CREATE tree/n/a/b/c",
		     told_by(self->sock));
	/* Files of any type, and names */
	ASSERT_EQ(0, symlink("file", DIR_PATH "/symlink"));
	ASSERT_EQ(0, mkfifo(DIR_PATH "/fifo", 0644));
	ASSERT_EQ(0, link(FILE_PATH, DIR_PATH "/link"));
	EXPECT_STREQ("CREATE tree/dir/symlink, CREATE tree/dir/fifo, CREATE tree/dir/link",
		     told_by(self->sock));
	/* Not elsewhere */
	ASSERT_EQ(0, mkdir(BESIDE "/n", 0755));
	ASSERT_EQ(0, open_close(BESIDE "/new", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, link(FILE_PATH, BESIDE "/link"));
	ASSERT_EQ(0, link(BESIDE "/new", DIR_PATH "/from outside"));
	EXPECT_STREQ("CREATE tree/dir/from outside", told_by(self->sock));
	/* Directories only if asked for */
	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE));
	ASSERT_EQ(0, mkdir(TREE "/unheard", 0755));
	ASSERT_EQ(0, open_close(TREE "/unheard/new", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE tree/unheard/new", told_by(self->sock));
}

/* The directory itself is in another one, which counts for its own name. */
TEST_F(entry, of_the_directory_itself)
{
	ASSERT_EQ(0, tell_of(self->sock, ENTRY_EVENTS | FAN_ONDIR));
	ASSERT_EQ(0, rename(TREE, BESIDE "/away"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, open_close(BESIDE "/away/dir/new", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE tree2/away/dir/new", told_by(self->sock));
	ASSERT_EQ(0, rename(BESIDE "/away", TREE));
	EXPECT_STREQ("", told_by(self->sock));
}

TEST_F(entry, delete)
{
	ASSERT_EQ(0, write_file(BESIDE "/file", "text"));
	ASSERT_EQ(0, mkdir(BESIDE "/dir", 0755));
	ASSERT_EQ(0, tell_of(self->sock, FAN_DELETE | FAN_ONDIR));
	ASSERT_EQ(0, unlink(CHILD));
	EXPECT_STREQ("DELETE tree/dir/file", told_by(self->sock));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_STREQ("DELETE|ONDIR tree/dir", told_by(self->sock));
	ASSERT_EQ(0, unlink(BESIDE "/file"));
	ASSERT_EQ(0, rmdir(BESIDE "/dir"));
	ASSERT_EQ(0, link(FILE_PATH, BESIDE "/link"));
	ASSERT_EQ(0, unlink(BESIDE "/link"));
	EXPECT_STREQ("", told_by(self->sock));
	/* What is told later than it happened */
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, "text"));
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_STREQ("DELETE tree/dir/file (deleted), DELETE|ONDIR tree/dir",
		     told_by(self->sock));
}

/* A mark that is not there any more is told nothing, and no other one is. */
TEST_F(entry, removed)
{
	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE));
	ASSERT_EQ(0, open_close(TREE "/new", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, tell_of(self->sock, 0));
	ASSERT_EQ(0, unlink(TREE "/new"));
	EXPECT_STREQ("CREATE tree/new", told_by(self->sock));
	ASSERT_EQ(0, tell_of(self->sock, FAN_DELETE));
	ASSERT_EQ(0, open_close(TREE "/new", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, unlink(TREE "/new"));
	EXPECT_STREQ("DELETE tree/new", told_by(self->sock));
}

/* Both directories count, each for a mark of its own. */
TEST_F(entry, rename_and_marks_of_directories)
{
	ASSERT_EQ(0, tell_of(self->sock, FAN_RENAME));
	ASSERT_EQ(0, mark_path(self->sock, BESIDE, FAN_RENAME, 0));
	ASSERT_EQ(0, rename(CHILD, BESIDE "/x"));
	EXPECT_STREQ("RENAME from tree/dir/file to tree2/x",
		     told_by(self->sock));
	ASSERT_EQ(0, rename(BESIDE "/x", CHILD));
	EXPECT_STREQ("RENAME from tree2/x to tree/dir/file",
		     told_by(self->sock));
	ASSERT_EQ(0, tell_of(self->sock, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, FAN_RENAME, 0));
	ASSERT_EQ(0, rename(FILE_PATH, BESIDE "/y"));
	EXPECT_STREQ("RENAME to tree2/y", told_by(self->sock));
	ASSERT_EQ(0, rename(CHILD, TREE "/z"));
	EXPECT_STREQ("RENAME from tree/dir/file", told_by(self->sock));
}

/* Who has one of the two directories in his tree is told of that one. */
static const struct {
	const char *from, *to;
	const char *rename, *move;
} renames[] = {
	{ TREE "/x", TREE "/y", "from tree/x to tree/y",
	  "MOVED_FROM tree/x, MOVED_TO tree/y" },
	{ TREE "/y", DIR_PATH "/y", "from tree/y to tree/dir/y",
	  "MOVED_FROM tree/y, MOVED_TO tree/dir/y" },
	{ DIR_PATH "/y", TREE "/x", "from tree/dir/y to tree/x",
	  "MOVED_FROM tree/dir/y, MOVED_TO tree/x" },
	{ TREE "/x", BESIDE "/x", "from tree/x", "MOVED_FROM tree/x" },
	{ BESIDE "/x", BESIDE "/y", "", "" },
	{ BESIDE "/y", PLACE "/z", "", "" },
	{ PLACE "/z", DIR_PATH "/z", "to tree/dir/z", "MOVED_TO tree/dir/z" },
	{ DIR_PATH "/z", PLACE "/z", "from tree/dir/z",
	  "MOVED_FROM tree/dir/z" },
	{ PLACE "/z", TREE "/x", "to tree/x", "MOVED_TO tree/x" },
};

TEST_F(entry, rename_file)
{
	char text[128];
	size_t i;

	ASSERT_EQ(0, write_file(TREE "/x", "text"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_RENAME));
	for (i = 0; i < ARRAY_SIZE(renames); i++) {
		ASSERT_EQ(0, rename(renames[i].from, renames[i].to));
		sprintf(text, "%s%s", *renames[i].rename ? "RENAME " : "",
			renames[i].rename);
		EXPECT_STREQ(text, told_by(self->sock));
	}
}

TEST_F(entry, rename_directory)
{
	char text[128];
	size_t i;

	ASSERT_EQ(0, tell_of(self->sock, FAN_RENAME | FAN_ONDIR));
	ASSERT_EQ(0, mkdir(TREE "/x", 0755));
	for (i = 0; i < ARRAY_SIZE(renames); i++) {
		ASSERT_EQ(0, result(rename(renames[i].from, renames[i].to)));
		sprintf(text, "%s%s", *renames[i].rename ? "RENAME|ONDIR " : "",
			renames[i].rename);
		EXPECT_STREQ(text, told_by(self->sock));
	}
	ASSERT_EQ(0, tell_of(self->sock, FAN_RENAME));
	ASSERT_EQ(0, rename(TREE "/x", TREE "/y"));
	EXPECT_STREQ("", told_by(self->sock));
}

TEST_F(entry, move_file)
{
	size_t i;

	ASSERT_EQ(0, write_file(TREE "/x", "text"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_MOVE));
	for (i = 0; i < ARRAY_SIZE(renames); i++) {
		ASSERT_EQ(0, rename(renames[i].from, renames[i].to));
		EXPECT_STREQ(renames[i].move, told_by(self->sock));
	}
}

/* With handles it is the same: those of a directory outside are not told. */
TEST_F(entry, rename_with_handles)
{
	const __u32 report = FAN_REPORT_DFID_NAME | FAN_REPORT_NOFD;
	const struct fanotify_so_event_metadata *ev;
	const struct fanotify_event_info_fid *old, *new;
	struct reader reader;
	size_t i;
	int sock;

	ASSERT_EQ(0, write_file(TREE "/x", "text"));
	sock = subtree_listener(FAN_RENAME, report);
	ASSERT_LE(0, sock);
	reader_init(&reader, sock);
	for (i = 0; i < ARRAY_SIZE(renames); i++) {
		ASSERT_EQ(0, rename(renames[i].from, renames[i].to));
		if (!*renames[i].rename) {
			EXPECT_EQ(0, take_told(&reader, &ev));
			continue;
		}
		ASSERT_EQ(1, take_told(&reader, &ev));
		EXPECT_EQ(FAN_RENAME, ev->mask);
		old = fid_record(ev, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME);
		new = fid_record(ev, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME);
		EXPECT_EQ(!!strstr(renames[i].rename, "from"), !!old);
		EXPECT_EQ(!!strstr(renames[i].rename, "to tree"), !!new);
		EXPECT_EQ(!!old + !!new, count_records(ev));
		if (old)
			EXPECT_STREQ(strrchr(renames[i].from, '/') + 1,
				     name_behind(old));
		if (new)
			EXPECT_STREQ(strrchr(renames[i].to, '/') + 1,
				     name_behind(new));
		EXPECT_EQ(0, take_told(&reader, &ev));
	}
	ASSERT_EQ(0, close(sock));
}

/* What comes in with a directory is there, and is told of from then on. */
TEST_F(entry, moved_in)
{
	char path[256];

	ASSERT_EQ(0, mkdir(BESIDE "/dir", 0755));
	ASSERT_EQ(0, make_deep(BESIDE "/dir", 4, path));
	ASSERT_EQ(0, tell_of(self->sock, FAN_DELETE | FAN_RENAME | FAN_ONDIR));
	ASSERT_EQ(0, rename(BESIDE "/dir", TREE "/in"));
	EXPECT_STREQ("RENAME|ONDIR to tree/in", told_by(self->sock));
	ASSERT_EQ(0, unlink(TREE "/in/d/d/d/file"));
	EXPECT_STREQ("DELETE tree/in/d/d/d/file", told_by(self->sock));
	ASSERT_EQ(0, rename(TREE "/in", BESIDE "/out"));
	EXPECT_STREQ("RENAME|ONDIR from tree/in", told_by(self->sock));
	ASSERT_EQ(0, rmdir(BESIDE "/out/d/d/d"));
	EXPECT_STREQ("", told_by(self->sock));
}

/* Two renames in one */
TEST_F(entry, exchange)
{
	ASSERT_EQ(0, write_file(BESIDE "/x", "text"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_MOVE));
	ASSERT_EQ(0, renameat2(AT_FDCWD, BESIDE "/x", AT_FDCWD, FILE_PATH,
			       RENAME_EXCHANGE));
	EXPECT_STREQ("MOVED_TO tree/file, MOVED_FROM tree/file",
		     told_by(self->sock));
}

/* Marks of directories in the tree add what they ask for. */
TEST_F(entry, and_of_a_directory)
{
	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_DELETE, 0));
	ASSERT_EQ(0, open_close(DIR_PATH "/new", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, open_close(TREE "/new", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, unlink(DIR_PATH "/new"));
	ASSERT_EQ(0, unlink(TREE "/new"));
	EXPECT_STREQ("CREATE tree/dir/new, CREATE tree/new, DELETE tree/dir/new",
		     told_by(self->sock));
	/* Of one thing once, whatever marks it is the matter of */
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_CREATE, 0));
	ASSERT_EQ(0, mark_subtree(self->sock, PLACE, FAN_CREATE, 0));
	ASSERT_EQ(0, mark_path(self->sock, PLACE,
			       FAN_ON_FILESYSTEM | FAN_CREATE, 0));
	ASSERT_EQ(0, open_close(DIR_PATH "/new", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE tree/dir/new", told_by(self->sock));
}

/* The directory of the entry says whether it is ignored. */
TEST_F(entry, ignored)
{
	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE | FAN_MOVE | FAN_ONDIR));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, FAN_CREATE |
				  FAN_MOVE | FAN_ONDIR));
	ASSERT_EQ(0, mkdir(DIR_PATH "/a", 0755));
	ASSERT_EQ(0, mkdir(DIR_PATH "/a/b", 0755));
	ASSERT_EQ(0, mkdir(TREE "/c", 0755));
	EXPECT_STREQ("CREATE|ONDIR tree/c", told_by(self->sock));
	ASSERT_EQ(0, rename(TREE "/c", DIR_PATH "/a/b/c"));
	EXPECT_STREQ("MOVED_FROM|ONDIR tree/c", told_by(self->sock));
	ASSERT_EQ(0, rename(DIR_PATH "/a/b/c", DIR_PATH "/c"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, rename(DIR_PATH "/c", TREE "/c"));
	EXPECT_STREQ("MOVED_TO|ONDIR tree/c", told_by(self->sock));
	/* Of a rename, that side is told of which is not ignored. */
	ASSERT_EQ(0, tell_of(self->sock, FAN_RENAME | FAN_CREATE | FAN_ONDIR));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0,
				  FAN_RENAME | FAN_ONDIR));
	ASSERT_EQ(0, rename(TREE "/c", DIR_PATH "/c"));
	EXPECT_STREQ("RENAME|ONDIR from tree/c", told_by(self->sock));
	ASSERT_EQ(0, rename(DIR_PATH "/c", TREE "/c"));
	EXPECT_STREQ("RENAME|ONDIR to tree/c", told_by(self->sock));
	/* Without FAN_ONDIR directories are told of. */
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH, 0, FAN_CREATE));
	ASSERT_EQ(0, mkdir(DIR_PATH "/d", 0755));
	ASSERT_EQ(0, open_close(DIR_PATH "/d/new", O_WRONLY | O_CREAT));
	EXPECT_STREQ("CREATE|ONDIR tree/dir/d", told_by(self->sock));
}

/* Where it has a place, a file is told of. */
TEST_F(entry, attributes)
{
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };

	ASSERT_EQ(0, write_file(BESIDE "/file", "text"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_ATTRIB | FAN_ONDIR));
	ASSERT_EQ(0, chmod(CHILD, 0700));
	EXPECT_STREQ("ATTRIB tree/dir/file", told_by(self->sock));
	ASSERT_EQ(0, utimensat(AT_FDCWD, FILE_PATH, times, 0));
	EXPECT_STREQ("ATTRIB tree/file", told_by(self->sock));
	ASSERT_EQ(0, chmod(DIR_PATH, 0700));
	EXPECT_STREQ("ATTRIB|ONDIR tree/dir", told_by(self->sock));
	ASSERT_EQ(0, chmod(TREE, 0700));
	EXPECT_STREQ("ATTRIB|ONDIR tree", told_by(self->sock));
	ASSERT_EQ(0, mkfifo(DIR_PATH "/fifo", 0600));
	ASSERT_EQ(0, chmod(DIR_PATH "/fifo", 0644));
	EXPECT_STREQ("ATTRIB tree/dir/fifo", told_by(self->sock));
	ASSERT_EQ(0, chmod(BESIDE, 0700));
	ASSERT_EQ(0, chmod(BESIDE "/file", 0700));
	ASSERT_EQ(0, chmod(PLACE, 0700));
	EXPECT_STREQ("", told_by(self->sock));
	/* The number of names is not that of a file in this place. */
	ASSERT_EQ(0, link(CHILD, DIR_PATH "/link"));
	ASSERT_EQ(0, unlink(DIR_PATH "/link"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, tell_of(self->sock, FAN_ATTRIB));
	ASSERT_EQ(0, chmod(DIR_PATH, 0755));
	EXPECT_STREQ("", told_by(self->sock));
}

/* With nothing open, it is told by which name it was modified. */
TEST_F(entry, truncate)
{
	ASSERT_EQ(0, link(CHILD, BESIDE "/link"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_MODIFY));
	ASSERT_EQ(0, truncate(CHILD, 1));
	EXPECT_STREQ("MODIFY tree/dir/file", told_by(self->sock));
	ASSERT_EQ(0, truncate(BESIDE "/link", 2));
	EXPECT_STREQ("", told_by(self->sock));
}

/* Of a directory there is one place only. */
/* What is gone is below nothing any more: FAN_DELETE tells of it. */
TEST_F(entry, delete_self)
{
	ASSERT_EQ(0, mkdir(DIR_PATH "/a", 0755));
	ASSERT_EQ(0, mkdir(BESIDE "/a", 0755));
	ASSERT_EQ(0, write_file(BESIDE "/file", "text"));
	ASSERT_EQ(0, tell_of(self->sock, FAN_DELETE_SELF | FAN_ONDIR));
	ASSERT_EQ(0, unlink(CHILD));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, rmdir(DIR_PATH "/a"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, rmdir(BESIDE "/a"));
	ASSERT_EQ(0, unlink(BESIDE "/file"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, tell_of(self->sock, FAN_DELETE_SELF));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_STREQ("", told_by(self->sock));
}

TEST_F(entry, delete_self_of_the_directory_itself)
{
	ASSERT_EQ(0, unlink(CHILD));
	ASSERT_EQ(0, mark_subtree(self->sock, DIR_PATH,
				  FAN_DELETE_SELF | FAN_ONDIR, 0));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_STREQ("DELETE_SELF|ONDIR  (deleted)(unknown)",
		     told_by(self->sock));
	EXPECT_EQ(0, all_marks(self->sock));
}

TEST_F(entry, move_self)
{
	ASSERT_EQ(0, mkdir(DIR_PATH "/a", 0755));
	ASSERT_EQ(0, mkdir(BESIDE "/a", 0755));
	ASSERT_EQ(0, tell_of(self->sock, FAN_MOVE_SELF | FAN_ONDIR));
	ASSERT_EQ(0, rename(CHILD, TREE "/moved"));
	EXPECT_STREQ("", told_by(self->sock));
	ASSERT_EQ(0, rename(DIR_PATH "/a", TREE "/b"));
	EXPECT_STREQ("MOVE_SELF|ONDIR tree/b", told_by(self->sock));
	ASSERT_EQ(0, rename(BESIDE "/a", BESIDE "/b"));
	EXPECT_STREQ("", told_by(self->sock));
	/* The whole tree, which is still itself */
	ASSERT_EQ(0, rename(TREE, BESIDE "/tree"));
	EXPECT_STREQ("MOVE_SELF|ONDIR tree2/tree", told_by(self->sock));
}

/* All of it, in the order in which it happened */
TEST_F(entry, order)
{
	static const char story[] =
		"CREATE tree/1, RENAME from tree/1 to tree/2, DELETE tree/2, CREATE tree/1";

	ASSERT_EQ(0, tell_of(self->sock, FAN_CREATE | FAN_DELETE | FAN_RENAME));
	ASSERT_EQ(0, open_close(TREE "/1", O_WRONLY | O_CREAT));
	ASSERT_EQ(0, rename(TREE "/1", TREE "/2"));
	ASSERT_EQ(0, unlink(TREE "/2"));
	ASSERT_EQ(0, open_close(TREE "/1", O_WRONLY | O_CREAT));
	EXPECT_STREQ(story, told_by(self->sock));
}

TEST_HARNESS_MAIN
