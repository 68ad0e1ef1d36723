// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what a directed listener hears of the files it marked
 */

#define _GNU_SOURCE
#include "marks.h"

#define FILE_PATH TMP "/file"
#define OTHER TMP "/other"
#define DIR_PATH TMP "/dir"
#define CHILD DIR_PATH "/file"
#define SUBDIR DIR_PATH "/sub"
#define GRANDCHILD SUBDIR "/file"

/* Two files, a tree, and a listener that has marked nothing yet. */
FIXTURE(mark)
{
	int sock;
};

FIXTURE_SETUP(mark)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(SUBDIR, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER, SCRIPT));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, write_file(GRANDCHILD, SCRIPT));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(mark)
{
	close(self->sock);
}

TEST_F(mark, none)
{
	ASSERT_EQ(0, do_everything(FILE_PATH));
	ASSERT_EQ(0, list_dir(DIR_PATH));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* The mask of the address is no mark. */
TEST_F(mark, mask_of_the_address)
{
	int sock = new_listener(ALL_EVENTS | FAN_ONDIR, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, OTHER, FAN_OPEN, 0));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	ASSERT_EQ(0, do_everything(OTHER));
	EXPECT_EQ(FAN_OPEN, heard(sock, OTHER));
}

TEST_F(mark, each_event)
{
	struct stat st;
	__u32 bit;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	for (bit = 1; bit <= FAN_OPEN_EXEC; bit <<= 1) {
		if (!(bit & ALL_EVENTS))
			continue;
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, bit, 0));
		EXPECT_EQ(MASKS(bit, 0), shown_masks(self->sock, &st));
		ASSERT_EQ(0, do_everything(FILE_PATH));
		ASSERT_EQ(0, do_everything(OTHER));
		EXPECT_EQ(bit, heard(self->sock, FILE_PATH));
	}
}

/* Absolutely: nothing of the mask before is left. */
TEST_F(mark, replaced)
{
	static const __u32 masks[] = {
		FAN_OPEN,
		FAN_CLOSE,			/* another one */
		FAN_CLOSE | FAN_OPEN,		/* more */
		FAN_CLOSE_WRITE,		/* less */
		ALL_EVENTS,
		FAN_MODIFY | FAN_OPEN_EXEC,
		FAN_MODIFY | FAN_OPEN_EXEC,	/* the same */
		FAN_ACCESS,
	};
	struct stat st;
	size_t i;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, masks[i], 0));
		EXPECT_EQ(MASKS(masks[i], 0), shown_masks(self->sock, &st));
		EXPECT_EQ(1, shown_marks(self->sock));
		ASSERT_EQ(0, do_everything(FILE_PATH));
		EXPECT_EQ(masks[i], heard(self->sock, FILE_PATH)) {
			TH_LOG("mask %x", masks[i]);
		}
	}
}

TEST_F(mark, removed)
{
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, ALL_EVENTS, 0));
		ASSERT_EQ(0, mark_path(self->sock, OTHER, FAN_OPEN, 0));
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
		EXPECT_EQ(1, shown_marks(self->sock));
		ASSERT_EQ(0, do_everything(FILE_PATH));
		ASSERT_EQ(0, do_everything(OTHER));
		EXPECT_EQ(FAN_OPEN, heard(self->sock, OTHER));
		EXPECT_EQ(-ENOENT, mark_path(self->sock, FILE_PATH, 0, 0));
		ASSERT_EQ(0, mark_path(self->sock, OTHER, 0, 0));
		EXPECT_EQ(0, shown_marks(self->sock));
	}
}

/* What was queued before the mark went is still delivered. */
TEST_F(mark, removed_after_an_event)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, FILE_PATH));
}

/* A mark that only ignores is one, though nothing is heard by it. */
TEST_F(mark, that_only_ignores)
{
	struct stat st;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, ALL_EVENTS, 0));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, FAN_OPEN));
	EXPECT_EQ(MASKS(0, FAN_OPEN), shown_masks(self->sock, &st));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* The entry of @path, which is opened for it. */
static struct fanotify_so_inode_mark entry(const char *path, __u32 mask)
{
	return (struct fanotify_so_inode_mark){
		.fd = open(path, O_RDONLY | O_CLOEXEC),
		.mask = mask,
	};
}

TEST_F(mark, array)
{
	struct fanotify_so_inode_mark marks[] = {
		entry(FILE_PATH, FAN_OPEN),
		entry(OTHER, FAN_MODIFY),
		entry(DIR_PATH, FAN_ACCESS | FAN_EVENT_ON_CHILD),
	};

	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(3, shown_marks(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, FILE_PATH));
	ASSERT_EQ(0, do_everything(OTHER));
	EXPECT_EQ(FAN_MODIFY, heard(self->sock, OTHER));
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, CHILD));

	/* New, changed, removed and left alone at once. */
	marks[0].mask = 0;
	marks[1].mask = FAN_CLOSE_WRITE;
	marks[2] = entry(CHILD, FAN_OPEN_EXEC);
	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(3, shown_marks(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(0, own_events(self->sock));
	ASSERT_EQ(0, do_everything(OTHER));
	EXPECT_EQ(FAN_CLOSE_WRITE, heard(self->sock, OTHER));
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(FAN_ACCESS | FAN_OPEN_EXEC, heard(self->sock, CHILD));
}

/* Of entries of the same file the last one holds, and it is one mark. */
TEST_F(mark, same_file_twice)
{
	struct fanotify_so_inode_mark marks[] = {
		entry(FILE_PATH, FAN_OPEN),
		entry(OTHER, FAN_OPEN),
		entry(FILE_PATH, FAN_ACCESS),
	};

	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(2, shown_marks(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, FILE_PATH));

	/* Removed and set: it is there. */
	marks[0].mask = 0;
	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(2, shown_marks(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, FILE_PATH));

	/* Set and removed: it is not. */
	marks[0].mask = FAN_OPEN;
	marks[2].mask = 0;
	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(1, shown_marks(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(0, own_events(self->sock));

	/* It was there before this call, so it can be removed twice. */
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	marks[0].mask = 0;
	ASSERT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	EXPECT_EQ(1, shown_marks(self->sock));
}

TEST_F(mark, largest_array)
{
	static struct fanotify_so_inode_mark marks[FAN_SO_MAX_MARKS];
	struct rlimit limit = { 4096, 4096 };
	char path[64];
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(0, mkdir(TMP "/many", 0755));
	for (i = 0; i < FAN_SO_MAX_MARKS; i++) {
		sprintf(path, TMP "/many/%d", i);
		marks[i].fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		ASSERT_LE(0, marks[i].fd);
		marks[i].mask = FAN_MODIFY;
	}
	ASSERT_EQ(0, set_marks(self->sock, marks, FAN_SO_MAX_MARKS));
	for (i = 0; i < FAN_SO_MAX_MARKS; i += 93) {
		struct stat st;

		ASSERT_EQ(1, write(marks[i].fd, "x", 1));
		ASSERT_EQ(0, fstat(marks[i].fd, &st));
		EXPECT_EQ(FAN_MODIFY, heard_of(self->sock, &st));
	}
	for (i = 0; i < FAN_SO_MAX_MARKS; i++)
		marks[i].mask = 0;
	ASSERT_EQ(0, set_marks(self->sock, marks, FAN_SO_MAX_MARKS));
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* What a mark on a directory is about, as its flags have it. */
FIXTURE(reach)
{
	int sock;
};

FIXTURE_VARIANT(reach) {
	__u32 flags;
};

FIXTURE_VARIANT_ADD(reach, none) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(reach, ondir) {
	.flags = FAN_ONDIR,
};

FIXTURE_VARIANT_ADD(reach, on_child) {
	.flags = FAN_EVENT_ON_CHILD,
};

FIXTURE_VARIANT_ADD(reach, ondir_and_on_child) {
	.flags = FAN_ONDIR | FAN_EVENT_ON_CHILD,
};

FIXTURE_SETUP(reach)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(SUBDIR, 0755));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, write_file(GRANDCHILD, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER, SCRIPT));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(reach)
{
	close(self->sock);
}

TEST_F(reach, of_the_mask)
{
	bool ondir = variant->flags & FAN_ONDIR;
	bool on_child = variant->flags & FAN_EVENT_ON_CHILD;
	struct stat st;

	ASSERT_EQ(0, stat(DIR_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       ALL_EVENTS | variant->flags, 0));
	EXPECT_EQ(MASKS(ALL_EVENTS | variant->flags, 0),
		  shown_masks(self->sock, &st));

	ASSERT_EQ(0, list_dir(DIR_PATH));
	EXPECT_EQ(ondir ? DIR_EVENTS : 0, heard(self->sock, DIR_PATH));
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(on_child ? ALL_EVENTS : 0, heard(self->sock, CHILD));
	ASSERT_EQ(0, list_dir(SUBDIR));
	EXPECT_EQ(on_child && ondir ? DIR_EVENTS : 0,
		  heard(self->sock, SUBDIR));

	ASSERT_EQ(0, do_everything(GRANDCHILD));
	ASSERT_EQ(0, do_everything(OTHER));
	ASSERT_EQ(0, list_dir(TMP));
	EXPECT_EQ(0, own_events(self->sock));
}

/* The flags are part of the mask: replaced with it, both ways. */
TEST_F(reach, replaced)
{
	bool ondir = variant->flags & FAN_ONDIR;
	bool on_child = variant->flags & FAN_EVENT_ON_CHILD;
	int round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
				       FAN_OPEN | DIR_FLAGS, 0));
		ASSERT_EQ(0, list_dir(SUBDIR));
		EXPECT_EQ(FAN_OPEN, heard(self->sock, SUBDIR));
		ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
		EXPECT_EQ(FAN_OPEN, heard(self->sock, CHILD));

		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
				       FAN_OPEN | variant->flags, 0));
		ASSERT_EQ(0, list_dir(SUBDIR));
		EXPECT_EQ(on_child && ondir ? FAN_OPEN : 0,
			  heard(self->sock, SUBDIR));
		ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
		EXPECT_EQ(on_child ? FAN_OPEN : 0, heard(self->sock, CHILD));
	}
}

/* Children are those that the directory has at the time. */
TEST_F(mark, children_come_and_go)
{
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       ALL_EVENTS | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, write_file(DIR_PATH "/new", "text"));
	EXPECT_EQ(FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE,
		  heard(self->sock, DIR_PATH "/new"));

	ASSERT_EQ(0, rename(OTHER, DIR_PATH "/moved"));
	ASSERT_EQ(0, open_close(DIR_PATH "/moved", O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard(self->sock, DIR_PATH "/moved"));

	ASSERT_EQ(0, rename(DIR_PATH "/moved", OTHER));
	ASSERT_EQ(0, rename(CHILD, SUBDIR "/moved"));
	ASSERT_EQ(0, open_close(OTHER, O_RDONLY));
	ASSERT_EQ(0, open_close(SUBDIR "/moved", O_RDONLY));
	EXPECT_EQ(0, own_events(self->sock));
}

/* A child with a mark of its own is reported once, as both marks have it. */
TEST_F(mark, of_child_and_parent)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	char c;
	int fd;

	ASSERT_EQ(0, stat(CHILD, &st));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN | FAN_ACCESS | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_OPEN | FAN_MODIFY, 0));
	fd = open(CHILD, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(FAN_OPEN, ev.mask);
	close_event(&ev);
	EXPECT_EQ(0, own_events(self->sock));
	ASSERT_EQ(1, write(fd, "#", 1));
	EXPECT_EQ(FAN_MODIFY, only_event(self->sock, &st));
	ASSERT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, CHILD));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, own_events(self->sock));

	/* One goes, the other stays. */
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0, 0));
	ASSERT_EQ(0, do_everything(CHILD));
	EXPECT_EQ(FAN_OPEN | FAN_MODIFY, heard(self->sock, CHILD));
}

/* How the descriptor was got by which a file is marked. */
FIXTURE(by)
{
	int sock;
	const char *target;
};

FIXTURE_VARIANT(by) {
	const char *path;
	int flags;
	/* What that leads to, if it is not FILE_PATH */
	const char *target;
};

FIXTURE_VARIANT_ADD(by, rdonly) {
	.path = FILE_PATH,
	.flags = O_RDONLY,
};

FIXTURE_VARIANT_ADD(by, wronly) {
	.path = FILE_PATH,
	.flags = O_WRONLY,
};

FIXTURE_VARIANT_ADD(by, rdwr) {
	.path = FILE_PATH,
	.flags = O_RDWR,
};

FIXTURE_VARIANT_ADD(by, o_path) {
	.path = FILE_PATH,
	.flags = O_PATH,
};

FIXTURE_VARIANT_ADD(by, symlink) {
	.path = TMP "/symlink",
};

FIXTURE_VARIANT_ADD(by, symlink_o_path) {
	.path = TMP "/symlink",
	.flags = O_PATH,
};

FIXTURE_VARIANT_ADD(by, hard_link) {
	.path = TMP "/link",
};

FIXTURE_VARIANT_ADD(by, bind_mount) {
	.path = TMP "/bind/file",
	.target = CHILD,
};

FIXTURE_VARIANT_ADD(by, read_only_bind_mount) {
	.path = TMP "/ro/file",
	.target = CHILD,
};

FIXTURE_SETUP(by)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(TMP "/bind", 0755));
	ASSERT_EQ(0, mkdir(TMP "/ro", 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(CHILD, SCRIPT));
	ASSERT_EQ(0, symlink("file", TMP "/symlink"));
	ASSERT_EQ(0, link(FILE_PATH, TMP "/link"));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/bind", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/ro", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, TMP "/ro", NULL,
			   MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	self->target = variant->target ?: FILE_PATH;
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(by)
{
	close(self->sock);
}

TEST_F(by, fd)
{
	int fd = open(variant->path, variant->flags | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_mark(self->sock, fd, ALL_EVENTS, 0));
	/* The mark is not the descriptor's, whose own close may be heard. */
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, heard(self->sock, self->target) & ~FAN_CLOSE);

	ASSERT_EQ(0, do_everything(self->target));
	EXPECT_EQ(ALL_EVENTS, heard(self->sock, self->target));
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard(self->sock, self->target));

	/* It is one mark, however it is reached. */
	ASSERT_EQ(0, mark_path(self->sock, self->target, FAN_ACCESS, 0));
	EXPECT_EQ(1, shown_marks(self->sock));
	ASSERT_EQ(0, read_one_byte(variant->path));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, self->target));
	ASSERT_EQ(0, mark_path(self->sock, variant->path, 0, 0));
	EXPECT_EQ(0, shown_marks(self->sock));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, self->target, 0, 0));
}

/* The event is about the name by which the file was opened. */
TEST_F(by, name)
{
	struct fanotify_so_event_metadata ev;
	char path[64], link[64] = "";
	struct stat st;

	ASSERT_EQ(0, stat(self->target, &st));
	ASSERT_EQ(0, mark_path(self->sock, variant->path, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(self->target, O_RDONLY));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	sprintf(path, "/proc/self/fd/%d", ev.fd);
	ASSERT_LT(0, readlink(path, link, sizeof(link) - 1));
	EXPECT_STREQ(self->target, link);
	close_event(&ev);
}

/* As for the file, so for the directory. */
TEST_F(mark, children_through_a_bind_mount)
{
	ASSERT_EQ(0, mkdir(TMP "/bind", 0755));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/bind", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mark_path(self->sock, TMP "/bind",
			       FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, CHILD));
	ASSERT_EQ(0, open_close(TMP "/bind/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, CHILD));
	ASSERT_EQ(0, umount(TMP "/bind"));
	ASSERT_EQ(0, open_close(CHILD, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, CHILD));
}

TEST_F(mark, of_an_unlinked_file)
{
	struct stat st;
	char c;
	int fd;

	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	/* Marked before and after: neither goes with the name. */
	ASSERT_EQ(0, set_mark(self->sock, fd, FAN_OPEN, 0));
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), shown_masks(self->sock, &st));
	ASSERT_EQ(0, set_mark(self->sock, fd, FAN_ACCESS | FAN_CLOSE, 0));
	ASSERT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(FAN_ACCESS, heard_of(self->sock, &st));
	ASSERT_EQ(0, set_mark(self->sock, fd, 0, 0));
	ASSERT_EQ(0, set_mark(self->sock, fd, FAN_ACCESS | FAN_CLOSE, 0));
	ASSERT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(FAN_ACCESS, heard_of(self->sock, &st));

	/* It goes with the file, which the event has for a while. */
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of(self->sock, &st));
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* A file that never had a name. */
TEST_F(mark, of_a_memfd)
{
	int fd = memfd_create("fanotify_test", MFD_CLOEXEC);
	struct stat st;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, set_mark(self->sock, fd, FAN_MODIFY | FAN_CLOSE, 0));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(FAN_MODIFY, heard_of(self->sock, &st));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_WRITE, heard_of(self->sock, &st));
}

/* Each socket has marks of its own. */
TEST_F(mark, of_two_sockets)
{
	int other = deaf_listener();
	struct stat st;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(-ENOENT, mark_path(other, FILE_PATH, 0, 0));
	ASSERT_EQ(0, mark_path(other, FILE_PATH, FAN_OPEN | FAN_ACCESS,
			       FAN_OPEN));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), shown_masks(self->sock, &st));
	EXPECT_EQ(MASKS(FAN_OPEN | FAN_ACCESS, FAN_OPEN),
		  shown_masks(other, &st));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard(other, FILE_PATH));

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(FAN_ACCESS, heard(other, FILE_PATH));

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_CLOSE, 0));
	ASSERT_EQ(0, close(other));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard(self->sock, FILE_PATH));
}

/* Who holds the socket marks, and who else holds it hears. */
TEST_F(mark, set_by_a_child)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(-mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, FILE_PATH));
}

/* The marks of each file system are inodes that memory pressure spares. */
FIXTURE(fs)
{
	int sock;
};

FIXTURE_VARIANT(fs) {
	const char *path;
	/* Of an overlay: where the file is born. */
	const char *layer;
};

#define EXT4 "/mnt/fanotify_mark"

FIXTURE_VARIANT_ADD(fs, tmpfs) {
	.path = TMP "/born/file",
};

FIXTURE_VARIANT_ADD(fs, ext4) {
	.path = EXT4 "/file",
};

FIXTURE_VARIANT_ADD(fs, overlay_upper) {
	.path = TMP "/merged/file",
	.layer = TMP "/upper/file",
};

FIXTURE_VARIANT_ADD(fs, overlay_lower) {
	.path = TMP "/merged/file",
	.layer = TMP "/lower/file",
};

FIXTURE_SETUP(fs)
{
	private_tmp(_metadata);
	ASSERT_TRUE(!mkdir(EXT4, 0755) || errno == EEXIST);
	ASSERT_EQ(0, mkdir(TMP "/born", 0755));
	ASSERT_EQ(0, mkdir(TMP "/lower", 0755));
	ASSERT_EQ(0, mkdir(TMP "/upper", 0755));
	ASSERT_EQ(0, mkdir(TMP "/work", 0755));
	ASSERT_EQ(0, mkdir(TMP "/merged", 0755));
	ASSERT_EQ(0, write_file(variant->layer ?: variant->path, SCRIPT));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/merged", "overlay", 0,
			   "lowerdir=" TMP "/lower,upperdir=" TMP
			   "/upper,workdir=" TMP "/work"));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(fs)
{
	close(self->sock);
	unlink(EXT4 "/file");
	rmdir(EXT4);
}

TEST_F(fs, everything)
{
	ASSERT_EQ(0, mark_path(self->sock, variant->path, ALL_EVENTS, 0));
	/* This copies up what is in a lower layer. */
	ASSERT_EQ(0, do_everything(variant->path));
	EXPECT_EQ(ALL_EVENTS, heard(self->sock, variant->path));
	ASSERT_EQ(0, do_everything(variant->path));
	EXPECT_EQ(ALL_EVENTS, heard(self->sock, variant->path));
}

TEST_F(fs, drop_caches)
{
	const char *name = strrchr(variant->path, '/');
	char dir[64];

	snprintf(dir, sizeof(dir), "%.*s", (int)(name - variant->path),
		 variant->path);
	ASSERT_EQ(0, mark_path(self->sock, variant->path, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(self->sock, dir,
			       FAN_CLOSE | FAN_EVENT_ON_CHILD, 0));
	sync();
	ASSERT_EQ(0, write_knob("/proc/sys/vm/drop_caches", "3"));
	EXPECT_EQ(2, shown_marks(self->sock));
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard(self->sock, variant->path));
	ASSERT_EQ(0, mark_path(self->sock, variant->path, 0, 0));
	ASSERT_EQ(0, mark_path(self->sock, dir, 0, 0));
}

TEST_HARNESS_MAIN
