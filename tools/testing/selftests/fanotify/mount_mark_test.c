// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: marks of mounts and file systems: how many there can be,
 * what becomes of them, and that they hear what those of the system calls hear
 */

#define _GNU_SOURCE
#include <sys/fanotify.h>

#include "perm.h"
#include "scope.h"

#define MNT TMP "/mnt"
#define DIR_PATH MNT "/dir"
#define FILE_PATH DIR_PATH "/file"
#define BIND TMP "/bind"
#define BIND_FILE BIND "/file"
#define OTHER TMP "/other"

/* The limit of the tests */
#define LIMIT 4

/* A file system, a bind mount of one of its directories, and a listener */
FIXTURE(mark)
{
	int sock;
	long old;
};

FIXTURE_SETUP(mark)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mkdir(BIND, 0755));
	ASSERT_EQ(0, mkdir(OTHER, 0755));
	ASSERT_EQ(0, write_file(OTHER "/file", SCRIPT));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(DIR_PATH "/sub", 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, mount(DIR_PATH, BIND, NULL, MS_BIND, NULL));
	self->old = read_number(MAX_USER_MARKS);
	ASSERT_LT(LIMIT, self->old);
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(mark)
{
	EXPECT_EQ(0, write_number(MAX_USER_MARKS, self->old));
	close(self->sock);
}

static int set_path(int sock, const char *path, __u32 mask)
{
	return mark_path(sock, path, mask, 0);
}

/* How many files below OTHER can be marked? They are unmarked again. */
static int room(int sock)
{
	char path[64];
	int count, i;

	for (count = 0; count < 2 * LIMIT; count++) {
		sprintf(path, OTHER "/%d", count);
		if (write_file(path, "") || set_path(sock, path, FAN_OPEN))
			break;
	}
	for (i = 0; i < count; i++) {
		sprintf(path, OTHER "/%d", i);
		set_path(sock, path, 0);
	}
	return count;
}

/* That of a directory itself and that of what is below it count as one. */
TEST_F(mark, limit_of_one_directory)
{
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, LIMIT));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_OPEN | FAN_ONDIR));
	EXPECT_EQ(LIMIT - 1, room(self->sock));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_ON_SUBTREE | FAN_OPEN));
	EXPECT_EQ(LIMIT - 1, room(self->sock));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, 0));
	EXPECT_EQ(LIMIT - 1, room(self->sock));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_ON_SUBTREE));
	EXPECT_EQ(LIMIT, room(self->sock));
}

/* Each of them is one, whatever it covers, and so is that of the file. */
TEST_F(mark, limit)
{
	static const __u32 kinds[] = { FAN_ON_MOUNT, FAN_ON_FILESYSTEM,
				       FAN_ON_SUBTREE, 0 };
	static const char * const paths[] = { MNT, MNT, MNT, DIR_PATH };
	size_t i, j;

	ASSERT_EQ(0, write_number(MAX_USER_MARKS, LIMIT));
	ASSERT_EQ(LIMIT, room(self->sock));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, set_path(self->sock, paths[i],
				      kinds[i] | FAN_OPEN));
		EXPECT_EQ((int)i + 1, all_marks(self->sock));
		EXPECT_EQ(LIMIT - 1 - (int)i, room(self->sock));
		/* To set it again takes no other one. */
		ASSERT_EQ(0, set_path(self->sock, paths[i],
				      kinds[i] | FAN_CLOSE));
		EXPECT_EQ(LIMIT - 1 - (int)i, room(self->sock));
	}
	EXPECT_EQ(-ENOSPC, set_path(self->sock, BIND, FAN_ON_MOUNT | FAN_OPEN));
	EXPECT_EQ(-ENOSPC, mark_path(self->sock, BIND, 0,
				     FAN_ON_MOUNT | FAN_OPEN));
	EXPECT_EQ(-ENOSPC, set_path(self->sock, OTHER,
				    FAN_ON_FILESYSTEM | FAN_OPEN));
	EXPECT_EQ(-ENOSPC, set_path(self->sock, DIR_PATH "/sub",
				    FAN_ON_SUBTREE | FAN_OPEN));
	EXPECT_EQ(LIMIT, all_marks(self->sock));
	ASSERT_EQ(0, open_close(OTHER "/0", O_RDONLY));
	EXPECT_EQ(0, own_events(self->sock));

	/* Whichever goes makes room for one of any other kind. */
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		ASSERT_EQ(0, set_path(self->sock, paths[i], kinds[i]));
		for (j = 0; j < ARRAY_SIZE(kinds); j++) {
			const char *path = kinds[j] == FAN_ON_FILESYSTEM ?
				OTHER : kinds[j] == FAN_ON_SUBTREE ?
				DIR_PATH "/sub" : BIND "/sub";

			ASSERT_EQ(0, set_path(self->sock, path,
					      kinds[j] | FAN_OPEN));
			EXPECT_EQ(0, room(self->sock));
			ASSERT_EQ(0, set_path(self->sock, path, kinds[j]));
		}
		ASSERT_EQ(0, set_path(self->sock, paths[i],
				      kinds[i] | FAN_CLOSE));
	}
}

static int shut_down(int sock)
{
	return shutdown(sock, SHUT_RDWR);
}

/* With the listener they are counted no longer. */
TEST_F(mark, limit_after_the_end)
{
	static int (* const ends[])(int sock) = { close, shut_down };
	int i;

	ASSERT_EQ(0, write_number(MAX_USER_MARKS, LIMIT));
	for (i = 0; i < 20; i++) {
		int other = deaf_listener();

		ASSERT_LE(0, other);
		ASSERT_EQ(0, set_path(other, MNT, FAN_ON_MOUNT | FAN_OPEN));
		ASSERT_EQ(0, set_path(other, MNT,
				      FAN_ON_FILESYSTEM | FAN_OPEN));
		ASSERT_EQ(0, set_path(other, MNT, FAN_ON_SUBTREE | FAN_OPEN));
		ASSERT_EQ(0, set_path(other, DIR_PATH, FAN_OPEN | FAN_ONDIR));
		ASSERT_EQ(0, room(self->sock));
		ASSERT_EQ(0, result(ends[i % 2](other)));
		ASSERT_EQ(LIMIT, room(self->sock));
		close(other);
	}
}

/* They do not hold what they are marks of, and go with it. */
TEST_F(mark, umount)
{
	char mount_line[64], sb_line[64], tree_line[64], bind_line[64];

	ASSERT_EQ(0, write_number(MAX_USER_MARKS, LIMIT));
	ASSERT_EQ(0, scope_line(FAN_ON_MOUNT, MNT, mount_line));
	ASSERT_EQ(0, scope_line(FAN_ON_MOUNT, BIND, bind_line));
	ASSERT_EQ(0, scope_line(FAN_ON_FILESYSTEM, MNT, sb_line));
	ASSERT_EQ(0, scope_line(FAN_ON_SUBTREE, DIR_PATH, tree_line));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_MOUNT | FAN_OPEN));
	ASSERT_EQ(0, set_path(self->sock, BIND, FAN_ON_MOUNT | FAN_OPEN));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_FILESYSTEM | FAN_OPEN));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_ON_SUBTREE | FAN_OPEN));
	ASSERT_EQ(0, room(self->sock));

	/* What is still mounted elsewhere keeps the other marks. */
	ASSERT_EQ(0, result(umount(MNT)));
	EXPECT_EQ(-ENOENT, masks_in(self->sock, mount_line));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), masks_in(self->sock, bind_line));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), masks_in(self->sock, sb_line));
	EXPECT_EQ(MASKS(FAN_OPEN, 0), masks_in(self->sock, tree_line));
	EXPECT_EQ(1, room(self->sock));
	ASSERT_EQ(0, open_close(BIND_FILE, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, BIND_FILE));

	ASSERT_EQ(0, result(umount(BIND)));
	EXPECT_EQ(0, all_marks(self->sock));
	EXPECT_EQ(LIMIT, room(self->sock));
	EXPECT_EQ(-ENOENT, set_path(self->sock, OTHER, FAN_ON_MOUNT));

	/* Who comes after it has no mark of it. */
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, write_file(MNT "/file", SCRIPT));
	EXPECT_EQ(0, own_events(self->sock));
}

/* A mount that is gone from sight is there until nobody uses it. */
TEST_F(mark, lazy_umount)
{
	struct stat st;
	int fd;
	char c;

	ASSERT_EQ(0, set_path(self->sock, BIND, FAN_ON_MOUNT | FAN_ACCESS));
	fd = open(BIND_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, umount2(BIND, MNT_DETACH));
	ASSERT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(FAN_ACCESS, heard_of(self->sock, &st));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, all_marks(self->sock));
}

/* The rest of an array is taken back if one of its entries fails. */
TEST_F(mark, all_or_nothing)
{
	struct fanotify_so_inode_mark good[] = {
		/* New, changed, new, removed, changed again, new */
		{ .mask = FAN_ON_MOUNT | FAN_OPEN },
		{ .mask = FAN_ON_FILESYSTEM | FAN_ACCESS,
		  .ignored_mask = FAN_OPEN },
		{ .mask = FAN_ON_SUBTREE | FAN_CLOSE },
		{ .mask = 0 },
		{ .ignored_mask = FAN_ON_MOUNT | FAN_OPEN },
		{ .mask = FAN_ON_SUBTREE },
		{ .mask = FAN_ON_SUBTREE | FAN_OPEN },
	};
	static const struct {
		struct fanotify_so_inode_mark mark;
		int error;
	} bad[] = {
		{ { -1, FAN_ON_MOUNT | FAN_OPEN, 0 }, EBADF },
		{ { 0, FAN_ON_MOUNT | FAN_CREATE, 0 }, EINVAL },
		{ { 0, FAN_ON_MOUNT | FAN_OPEN, FAN_ON_SUBTREE }, EINVAL },
		{ { 1, FAN_ON_SUBTREE | FAN_OPEN, 0 }, ENOTDIR },
		/* There is none to remove. */
		{ { 2, FAN_ON_MOUNT, 0 }, ENOENT },
		{ { 2, FAN_ON_FILESYSTEM, 0 }, ENOENT },
		{ { 2, FAN_ON_SUBTREE, 0 }, ENOENT },
		{ { 2, 0, 0 }, ENOENT },
	};
	struct fanotify_so_inode_mark marks[ARRAY_SIZE(good) + 1];
	char before[4096], after[4096];
	size_t i, j, pos;
	int fds[3];

	fds[0] = open(DIR_PATH, O_PATH | O_CLOEXEC);
	fds[1] = open(FILE_PATH, O_PATH | O_CLOEXEC);
	fds[2] = open(OTHER, O_PATH | O_CLOEXEC);
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, fds[i]);
	for (i = 0; i < ARRAY_SIZE(good); i++)
		good[i].fd = fds[0];
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH,
			      FAN_ON_FILESYSTEM | FAN_CLOSE));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_OPEN | FAN_ONDIR));
	ASSERT_EQ(0, read_fdinfo(self->sock, before, sizeof(before)));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (pos = 0; pos <= ARRAY_SIZE(good); pos++) {
			memcpy(marks, good, pos * sizeof(*good));
			marks[pos] = bad[i].mark;
			if (marks[pos].fd >= 0)
				marks[pos].fd = fds[marks[pos].fd];
			for (j = pos; j < ARRAY_SIZE(good); j++)
				marks[j + 1] = good[j];
			EXPECT_EQ(-bad[i].error,
				  set_marks(self->sock, marks,
					    ARRAY_SIZE(marks))) {
				TH_LOG("%zu at %zu", i, pos);
			}
			ASSERT_EQ(0, read_fdinfo(self->sock, after,
						 sizeof(after)));
			ASSERT_STREQ(before, after);
		}
	}
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard(self->sock, FILE_PATH));

	/* As a whole it is taken in its order. */
	ASSERT_EQ(0, set_marks(self->sock, good, ARRAY_SIZE(good)));
	EXPECT_EQ(MASKS(0, FAN_OPEN),
		  scope_masks(self->sock, FAN_ON_MOUNT, DIR_PATH));
	EXPECT_EQ(MASKS(FAN_ACCESS, FAN_OPEN),
		  scope_masks(self->sock, FAN_ON_FILESYSTEM, DIR_PATH));
	EXPECT_EQ(MASKS(FAN_OPEN, 0),
		  scope_masks(self->sock, FAN_ON_SUBTREE, DIR_PATH));
	EXPECT_EQ(-ENOENT, scope_masks(self->sock, 0, DIR_PATH));
	EXPECT_EQ(3, all_marks(self->sock));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, FILE_PATH));
}

/* At the limit, too: those that go make no room for those that come. */
TEST_F(mark, all_or_nothing_at_the_limit)
{
	struct fanotify_so_inode_mark marks[] = {
		{ .mask = FAN_ON_MOUNT },
		{ .mask = FAN_ON_FILESYSTEM | FAN_OPEN },
		{ .mask = FAN_ON_SUBTREE | FAN_OPEN },
		{ .mask = FAN_OPEN | FAN_ONDIR },
	};
	char before[4096], after[4096];
	int dir = open(DIR_PATH, O_PATH | O_CLOEXEC);
	size_t i;

	ASSERT_LE(0, dir);
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		marks[i].fd = dir;
	marks[3].fd = open(MNT, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, marks[3].fd);
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH, FAN_ON_MOUNT | FAN_OPEN));
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, 3));
	ASSERT_EQ(0, read_fdinfo(self->sock, before, sizeof(before)));
	EXPECT_EQ(-ENOSPC, set_marks(self->sock, marks, ARRAY_SIZE(marks)));
	ASSERT_EQ(0, read_fdinfo(self->sock, after, sizeof(after)));
	EXPECT_STREQ(before, after);
	EXPECT_EQ(2, room(self->sock));
	ASSERT_EQ(0, open_close(BIND_FILE, O_RDONLY));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(0, set_marks(self->sock, marks, ARRAY_SIZE(marks) - 1));
	EXPECT_EQ(2, all_marks(self->sock));
	EXPECT_EQ(1, room(self->sock));
}

/* Whoever is asked by several marks is asked once. */
TEST_F(mark, several_of_one_file)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, set_path(self->sock, FILE_PATH, FAN_OPEN_PERM));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH,
			      FAN_OPEN_PERM | FAN_EVENT_ON_CHILD));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_MOUNT | FAN_OPEN_PERM));
	ASSERT_EQ(0, set_path(self->sock, MNT,
			      FAN_ON_FILESYSTEM | FAN_OPEN_PERM));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_SUBTREE | FAN_OPEN_PERM));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH,
			      FAN_ON_SUBTREE | FAN_OPEN_PERM));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, take_event(self->sock, &ev));
}

/* One event says what any of the marks has of it. */
TEST_F(mark, several_of_one_event)
{
	ASSERT_EQ(0, set_path(self->sock, FILE_PATH, FAN_OPEN));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_MOUNT | FAN_OPEN |
			      FAN_ACCESS));
	ASSERT_EQ(0, set_path(self->sock, MNT, FAN_ON_FILESYSTEM | FAN_CLOSE));
	ASSERT_EQ(0, set_path(self->sock, DIR_PATH,
			      FAN_ON_SUBTREE | FAN_MODIFY));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS | FAN_CLOSE | FAN_MODIFY,
		  heard(self->sock, FILE_PATH));
	ASSERT_EQ(0, read_one_byte(BIND_FILE));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, heard(self->sock, FILE_PATH));
}

/* What the system calls report of a mount and of a file system, too */
#define COMMON_EVENTS (FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_MODIFY | \
		       FAN_CLOSE | FAN_ONDIR)

#define MAX_FILES 16

/**
 * struct sum - what was heard of each file by its name
 *
 * @nr: How many names.
 * @files: Names and masks, in the order of the first event of each.
 */
struct sum {
	int nr;
	struct {
		char name[64];
		__u64 mask;
	} files[MAX_FILES];
};

/* Closes the descriptor. */
static void add_to_sum(struct sum *sum, int fd, __u64 mask)
{
	char link[64], name[64] = "?";
	int i;

	sprintf(link, "/proc/self/fd/%d", fd);
	i = readlink(link, name, sizeof(name) - 1);
	name[i > 0 ? i : 0] = 0;
	if (fd >= 0)
		close(fd);
	for (i = 0; i < sum->nr && strcmp(sum->files[i].name, name); i++)
		;
	if (i == MAX_FILES)
		return;
	if (i == sum->nr) {
		sum->nr++;
		memcpy(sum->files[i].name, name, sizeof(name));
		sum->files[i].mask = 0;
	}
	sum->files[i].mask |= mask;
}

static void sum_socket(struct sum *sum, int sock)
{
	struct fanotify_so_event_metadata ev;

	memset(sum, 0, sizeof(*sum));
	while (take_event(sock, &ev) > 0)
		add_to_sum(sum, ev.fd, ev.mask);
}

static void sum_calls(struct sum *sum, int fd)
{
	const struct fanotify_event_metadata *ev;
	__u64 buf[512];
	ssize_t len;

	memset(sum, 0, sizeof(*sum));
	while ((len = read(fd, buf, sizeof(buf))) > 0) {
		ev = (const struct fanotify_event_metadata *)buf;
		for (; FAN_EVENT_OK(ev, len); ev = FAN_EVENT_NEXT(ev, len))
			add_to_sum(sum, ev->fd, ev->mask);
	}
}

static int read_here(void)
{
	return read_one_byte(FILE_PATH);
}

static int read_there(void)
{
	return read_one_byte(BIND_FILE);
}

static int write_here(void)
{
	return write_file(FILE_PATH, SCRIPT);
}

static int write_there(void)
{
	return write_file(BIND "/new", SCRIPT);
}

static int run_here(void)
{
	return run_file(FILE_PATH);
}

static int run_there(void)
{
	return run_file(BIND_FILE);
}

static int list_here(void)
{
	return list_dir(MNT) ?: list_dir(DIR_PATH);
}

static int list_there(void)
{
	return list_dir(BIND) ?: list_dir(BIND "/sub");
}

static int truncate_here(void)
{
	return truncate(FILE_PATH, 3) ?: truncate(FILE_PATH, 30);
}

static int change_here(void)
{
	return chmod(FILE_PATH, 0700) ?: rename(FILE_PATH, MNT "/moved") ?:
	       rename(MNT "/moved", FILE_PATH) ?: link(FILE_PATH, MNT "/l") ?:
	       unlink(MNT "/l");
}

static int open_by_o_path(void)
{
	return open_close(FILE_PATH, O_PATH);
}

static int read_elsewhere(void)
{
	return read_one_byte(OTHER "/file");
}

static int read_in_a_namespace(void)
{
	pid_t child = fork();

	if (!child)
		_exit(unshare(CLONE_NEWNS) || read_one_byte(FILE_PATH));
	return exit_status(child);
}

static const struct {
	const char *name;
	int (*call)(void);
} steps[] = {
	{ "read", read_here },
	{ "read there", read_there },
	{ "write", write_here },
	{ "write there", write_there },
	{ "run", run_here },
	{ "run there", run_there },
	{ "list", list_here },
	{ "list there", list_there },
	{ "truncate", truncate_here },
	{ "change", change_here },
	{ "O_PATH", open_by_o_path },
	{ "elsewhere", read_elsewhere },
	{ "namespace", read_in_a_namespace },
};

/* A mark of either interface on the same thing, in the same boot */
FIXTURE(same)
{
	FIXTURE_DATA(mark) mark;
	int calls;
};

FIXTURE_VARIANT(same) {
	const char *path;
	__u32 flag;
	unsigned int calls_flag;
};

FIXTURE_VARIANT_ADD(same, mount) {
	.path = MNT,
	.flag = FAN_ON_MOUNT,
	.calls_flag = FAN_MARK_MOUNT,
};

FIXTURE_VARIANT_ADD(same, bind_mount) {
	.path = BIND,
	.flag = FAN_ON_MOUNT,
	.calls_flag = FAN_MARK_MOUNT,
};

FIXTURE_VARIANT_ADD(same, filesystem) {
	.path = MNT,
	.flag = FAN_ON_FILESYSTEM,
	.calls_flag = FAN_MARK_FILESYSTEM,
};

FIXTURE_VARIANT_ADD(same, filesystem_of_a_bind_mount) {
	.path = BIND,
	.flag = FAN_ON_FILESYSTEM,
	.calls_flag = FAN_MARK_FILESYSTEM,
};

FIXTURE_SETUP(same)
{
	mark_setup(_metadata, &self->mark, NULL);
	self->calls = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK |
				    FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->calls);
	ASSERT_EQ(0, fanotify_mark(self->calls, FAN_MARK_ADD |
				   variant->calls_flag, COMMON_EVENTS, AT_FDCWD,
				   variant->path));
	ASSERT_EQ(0, set_path(self->mark.sock, variant->path,
			      variant->flag | COMMON_EVENTS));
}

FIXTURE_TEARDOWN(same)
{
	close(self->calls);
	mark_teardown(_metadata, &self->mark, NULL);
}

TEST_F(same, as_the_system_calls)
{
	struct sum ours, theirs;
	int heard = 0, j;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		ASSERT_EQ(0, steps[i].call()) {
			TH_LOG("%s", steps[i].name);
		}
		sum_socket(&ours, self->mark.sock);
		sum_calls(&theirs, self->calls);
		EXPECT_EQ(theirs.nr, ours.nr) {
			TH_LOG("%s", steps[i].name);
		}
		for (j = 0; j < ours.nr && j < theirs.nr; j++) {
			EXPECT_STREQ(theirs.files[j].name, ours.files[j].name);
			EXPECT_EQ(theirs.files[j].mask, ours.files[j].mask) {
				TH_LOG("%s %s", steps[i].name,
				       ours.files[j].name);
			}
		}
		heard += ours.nr;
	}
	/* Or else they have agreed on nothing. */
	EXPECT_LT(4, heard);
}

TEST_HARNESS_MAIN
