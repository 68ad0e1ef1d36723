// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: marks of a mount, of a file system and of a subtree, in
 * what they have in common
 */

#define _GNU_SOURCE
#include "perm.h"
#include "scope.h"
#include "sentry.h"

/* A file system with a bind mount of one of its directories, and another one */
#define MNT TMP "/mnt"
#define DIR_PATH MNT "/dir"
#define FILE_PATH DIR_PATH "/file"
#define SIBLING DIR_PATH "/sibling"
#define DEEP DIR_PATH "/sub/file"
#define BESIDE MNT "/beside"
#define BIND TMP "/bind"
#define BIND_FILE BIND "/file"
#define OTHER TMP "/other"
#define OTHER_FILE OTHER "/file"

#define READ_EVENTS (FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE)

/* What is marked with a descriptor of DIR_PATH */
FIXTURE(scope)
{
	int sock;
	int dir;
};

FIXTURE_VARIANT(scope) {
	__u32 flag;
	/* Can a file say what is marked? */
	bool by_file;
	/* Is BIND_FILE in it, and is BESIDE? */
	bool bind;
	bool beside;
};

FIXTURE_VARIANT_ADD(scope, mount) {
	.flag = FAN_ON_MOUNT,
	.by_file = true,
	.bind = false,
	.beside = true,
};

FIXTURE_VARIANT_ADD(scope, filesystem) {
	.flag = FAN_ON_FILESYSTEM,
	.by_file = true,
	.bind = true,
	.beside = true,
};

FIXTURE_VARIANT_ADD(scope, subtree) {
	.flag = FAN_ON_SUBTREE,
	.by_file = false,
	.bind = true,
	.beside = false,
};

static void make_files(struct __test_metadata *_metadata)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mkdir(BIND, 0755));
	ASSERT_EQ(0, mkdir(OTHER, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, mount("fanotify_test", OTHER, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(DIR_PATH "/sub", 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(SIBLING, SCRIPT));
	ASSERT_EQ(0, write_file(DEEP, SCRIPT));
	ASSERT_EQ(0, write_file(BESIDE, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER_FILE, SCRIPT));
	ASSERT_EQ(0, mount(DIR_PATH, BIND, NULL, MS_BIND, NULL));
}

FIXTURE_SETUP(scope)
{
	make_files(_metadata);
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	self->dir = open(DIR_PATH, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
}

FIXTURE_TEARDOWN(scope)
{
	close(self->sock);
}

/* Reads a file through: what was heard of it, and of nothing else. */
static long heard_of_read(int sock, const char *path)
{
	return read_one_byte(path) ?: heard(sock, path);
}

TEST_F(scope, hears)
{
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | ALL_EVENTS,
			      0));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(ALL_EVENTS, heard(self->sock, FILE_PATH));
	ASSERT_EQ(0, do_everything(DEEP));
	EXPECT_EQ(ALL_EVENTS, heard(self->sock, DEEP));
	ASSERT_EQ(0, do_everything(BESIDE));
	EXPECT_EQ(variant->beside ? ALL_EVENTS : 0,
		  heard(self->sock, BESIDE));
	ASSERT_EQ(0, do_everything(BIND_FILE));
	EXPECT_EQ(variant->bind ? ALL_EVENTS : 0,
		  heard(self->sock, BIND_FILE));
	ASSERT_EQ(0, do_everything(OTHER_FILE));
	EXPECT_EQ(0, own_events(self->sock));
	/* A new file makes no difference. */
	ASSERT_EQ(0, write_file(DIR_PATH "/new", SCRIPT));
	EXPECT_EQ(FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE,
		  heard(self->sock, DIR_PATH "/new"));
}

/* The same file is heard where it was opened, not where it is. */
TEST_F(scope, hears_one_of_two_openings)
{
	int here = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	int there = open(BIND_FILE, O_RDONLY | O_CLOEXEC);
	char c;

	ASSERT_LE(0, here);
	ASSERT_LE(0, there);
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_ACCESS,
			      0));
	ASSERT_EQ(1, read(here, &c, 1));
	EXPECT_EQ(FAN_ACCESS, heard(self->sock, FILE_PATH));
	ASSERT_EQ(1, read(there, &c, 1));
	EXPECT_EQ(variant->bind ? FAN_ACCESS : 0, heard(self->sock, FILE_PATH));
	ASSERT_EQ(0, close(here));
	ASSERT_EQ(0, close(there));
}

/* Another mount namespace has mounts of its own of the same file systems. */
TEST_F(scope, hears_another_namespace)
{
	struct stat st;
	pid_t child;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_OPEN,
			      0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(unshare(CLONE_NEWNS) || open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(variant->flag == FAN_ON_MOUNT ? 0 : FAN_OPEN,
		  heard_of(self->sock, &st));
}

TEST_F(scope, hears_directories)
{
	static const char * const dirs[] = { DIR_PATH, DIR_PATH "/sub" };
	size_t i;

	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | ALL_EVENTS,
			      0));
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, list_dir(dirs[i]));
	EXPECT_EQ(0, own_events(self->sock));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag |
			      ALL_EVENTS | FAN_ONDIR, 0));
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		ASSERT_EQ(0, list_dir(dirs[i]));
		EXPECT_EQ(DIR_EVENTS, heard(self->sock, dirs[i]));
	}
	ASSERT_EQ(0, list_dir(MNT));
	EXPECT_EQ(variant->beside ? DIR_EVENTS : 0, heard(self->sock, MNT));
	ASSERT_EQ(0, list_dir(TMP));
	EXPECT_EQ(0, own_events(self->sock));
}

TEST_F(scope, each_event)
{
	__u32 bit;

	for (bit = 1; bit <= FAN_OPEN_EXEC; bit <<= 1) {
		if (!(bit & ALL_EVENTS))
			continue;
		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      variant->flag | bit, 0));
		EXPECT_EQ(MASKS(bit, 0), scope_masks(self->sock, variant->flag,
						     DIR_PATH));
		ASSERT_EQ(0, do_everything(DEEP));
		EXPECT_EQ(bit, heard(self->sock, DEEP));
	}
}

/* Absolutely: nothing of the masks before is left. */
TEST_F(scope, replaced)
{
	static const struct {
		__u32 mask;
		__u32 ignored_mask;
	} steps[] = {
		{ FAN_OPEN, 0 },
		{ FAN_OPEN | FAN_ACCESS, FAN_OPEN },
		{ FAN_CLOSE_NOWRITE, 0 },
		{ 0, FAN_OPEN },
		{ FAN_OPEN, FAN_ACCESS },
		{ FAN_OPEN, FAN_ACCESS },
		{ ALL_EVENTS, FAN_CLOSE },
		{ FAN_ACCESS, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		__u32 mask = steps[i].mask, ignored = steps[i].ignored_mask;

		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      variant->flag | mask, ignored));
		EXPECT_EQ(1, all_marks(self->sock));
		EXPECT_EQ(MASKS(mask, ignored),
			  scope_masks(self->sock, variant->flag, DIR_PATH));
		EXPECT_EQ(mask & ~ignored & READ_EVENTS,
			  heard_of_read(self->sock, DEEP)) {
			TH_LOG("mask %x ignored %x", mask, ignored);
		}
	}
}

TEST_F(scope, removed)
{
	/* Where the flag is that says of what the mark is. */
	const __u32 flags[][2] = {
		{ variant->flag, 0 },
		{ 0, variant->flag },
		{ variant->flag, variant->flag },
	};
	char before[4096], after[4096];
	size_t i;

	ASSERT_EQ(0, read_fdinfo(self->sock, before, sizeof(before)));
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		EXPECT_EQ(-ENOENT, set_mark(self->sock, self->dir, flags[i][0],
					    flags[i][1]));
		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      variant->flag | FAN_OPEN, FAN_ACCESS));
		/* It is no mark of the file, nor one of anything else. */
		EXPECT_EQ(-ENOENT, set_mark(self->sock, self->dir, 0, 0));
		ASSERT_EQ(FAN_OPEN, heard_of_read(self->sock, FILE_PATH));
		ASSERT_EQ(0, set_mark(self->sock, self->dir, flags[i][0],
				      flags[i][1]));
		EXPECT_EQ(-ENOENT, set_mark(self->sock, self->dir, flags[i][0],
					    flags[i][1]));
		ASSERT_EQ(0, do_everything(FILE_PATH));
		ASSERT_EQ(0, do_everything(BESIDE));
		EXPECT_EQ(0, own_events(self->sock));
		ASSERT_EQ(0, read_fdinfo(self->sock, after, sizeof(after)));
		EXPECT_STREQ(before, after);
	}
}

/* In one mask or the other, it holds for both. */
TEST_F(scope, flag_in_either_mask)
{
	const __u32 flags[][2] = {
		{ variant->flag, 0 },
		{ 0, variant->flag },
		{ variant->flag, variant->flag },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      flags[i][0] | FAN_OPEN | FAN_ACCESS,
				      flags[i][1] | FAN_OPEN));
		EXPECT_EQ(1, all_marks(self->sock));
		EXPECT_EQ(MASKS(FAN_OPEN | FAN_ACCESS, FAN_OPEN),
			  scope_masks(self->sock, variant->flag, DIR_PATH));
		EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, DEEP));
		/* It takes no event with it. */
		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      flags[i][0] | FAN_CLOSE, flags[i][1]));
		EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_read(self->sock, DEEP));
		ASSERT_EQ(0, set_mark(self->sock, self->dir, flags[i][0],
				      flags[i][1] | FAN_CLOSE));
		EXPECT_EQ(MASKS(0, FAN_CLOSE),
			  scope_masks(self->sock, variant->flag, DIR_PATH));
		EXPECT_EQ(0, heard_of_read(self->sock, DEEP));
		ASSERT_EQ(0, set_mark(self->sock, self->dir, flags[i][0],
				      flags[i][1]));
	}
}

/* It means nothing here: what is deeper is heard with it and without. */
TEST_F(scope, event_on_child)
{
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag |
			      FAN_EVENT_ON_CHILD | FAN_OPEN, 0));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, DEEP));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag |
			      FAN_OPEN | FAN_ACCESS, FAN_EVENT_ON_CHILD |
			      FAN_OPEN));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, DEEP));
	/* An ignored mask without it does not begin at a depth of one, either. */
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag |
			      FAN_EVENT_ON_CHILD | FAN_OPEN | FAN_ACCESS,
			      FAN_OPEN));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, DEEP));
}

/* Any file of it can say what is meant. */
TEST_F(scope, by_a_file)
{
	if (!variant->by_file) {
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH,
					      variant->flag | FAN_OPEN, 0));
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH, FAN_OPEN,
					      variant->flag));
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH, 0,
					      variant->flag | FAN_OPEN));
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH,
					      variant->flag, 0));
		EXPECT_EQ(0, all_marks(self->sock));
		return;
	}
	/* What is marked has directories in it, though this is none. */
	ASSERT_EQ(0, mark_path(self->sock, DEEP, variant->flag | FAN_OPEN |
			       FAN_ONDIR | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, list_dir(DIR_PATH));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, DIR_PATH));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, BESIDE));
	ASSERT_EQ(0, mark_path(self->sock, BESIDE, variant->flag | FAN_ACCESS,
			       0));
	EXPECT_EQ(1, all_marks(self->sock));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
	/* The file may be gone, and that of a mount is another mount's. */
	ASSERT_EQ(0, unlink(BESIDE));
	ASSERT_EQ(variant->bind ? 0 : -ENOENT,
		  mark_path(self->sock, BIND_FILE, variant->flag, 0));
	ASSERT_EQ(variant->bind ? -ENOENT : 0,
		  mark_path(self->sock, MNT, variant->flag, 0));
	EXPECT_EQ(0, all_marks(self->sock));
}

/* What is ignored so stays ignored, whoever modifies what. */
TEST_F(scope, survives_modification)
{
	static const __u32 survive[] = { 0, FAN_SURVIVE_MODIFY };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(survive); i++) {
		ASSERT_EQ(0, set_mark(self->sock, self->dir,
				      variant->flag | FAN_OPEN | FAN_ACCESS,
				      FAN_OPEN | survive[i]));
		ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
		ASSERT_EQ(0, write_file(DEEP, SCRIPT));
		ASSERT_EQ(0, write_file(BIND_FILE, SCRIPT));
		ASSERT_EQ(0, truncate(DEEP, 2));
		EXPECT_EQ(0, own_events(self->sock));
		EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
		EXPECT_EQ(FAN_ACCESS, heard_of_read(self->sock, DEEP));
		EXPECT_EQ(MASKS(FAN_OPEN | FAN_ACCESS, FAN_OPEN),
			  scope_masks(self->sock, variant->flag, DIR_PATH));
	}
}

/* The mark of the directory itself is another one. */
TEST_F(scope, beside_that_of_the_file)
{
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_OPEN,
			      0));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      FAN_ACCESS | FAN_EVENT_ON_CHILD, 0));
	EXPECT_EQ(2, all_marks(self->sock));
	EXPECT_EQ(MASKS(FAN_ACCESS, 0), scope_masks(self->sock, 0, DIR_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, DEEP));

	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_CLOSE,
			      0));
	EXPECT_EQ(FAN_CLOSE_NOWRITE | FAN_ACCESS,
		  heard_of_read(self->sock, FILE_PATH));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	EXPECT_EQ(FAN_CLOSE_NOWRITE | FAN_OPEN,
		  heard_of_read(self->sock, FILE_PATH));

	ASSERT_EQ(0, set_mark(self->sock, self->dir, 0, 0));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_read(self->sock, FILE_PATH));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      FAN_OPEN | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag, 0));
	EXPECT_EQ(FAN_OPEN, heard_of_read(self->sock, FILE_PATH));
	EXPECT_EQ(0, heard_of_read(self->sock, DEEP));
	EXPECT_EQ(1, all_marks(self->sock));
}

/* Each listener has its own. */
TEST_F(scope, of_two_sockets)
{
	int other = deaf_listener();

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_OPEN,
			      0));
	EXPECT_EQ(-ENOENT, set_mark(other, self->dir, variant->flag, 0));
	ASSERT_EQ(0, set_mark(other, self->dir,
			      variant->flag | FAN_OPEN | FAN_ACCESS, FAN_OPEN));
	ASSERT_EQ(0, read_one_byte(DEEP));
	EXPECT_EQ(FAN_OPEN, heard(self->sock, DEEP));
	EXPECT_EQ(FAN_ACCESS, heard(other, DEEP));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag, 0));
	ASSERT_EQ(0, read_one_byte(DEEP));
	EXPECT_EQ(0, own_events(self->sock));
	EXPECT_EQ(FAN_ACCESS, heard(other, DEEP));
	ASSERT_EQ(0, close(other));
}

/* Whoever opens it is asked about, where it is marked. */
TEST_F(scope, asks)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, stat(DEEP, &st));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      variant->flag | FAN_OPEN_PERM | FAN_ACCESS_PERM,
			      0));
	ASSERT_TRUE(doer_start(&doer, do_read, DEEP));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(FAN_OPEN_PERM, ev.mask);
	EXPECT_EQ(doer.pid, ev.tgid);
	close_event(&ev);
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(FAN_ACCESS_PERM, ev.mask);
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));

	/* Through the other mount it may be another matter. */
	ASSERT_EQ(0, stat(BIND_FILE, &st));
	ASSERT_TRUE(doer_start(&doer, do_open, BIND_FILE));
	if (variant->bind) {
		ASSERT_EQ(0, next_event(self->sock, &st, &ev));
		close_event(&ev);
		EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
		EXPECT_EQ(-EPERM, doer_result(&doer));
	} else {
		EXPECT_EQ(0, doer_result(&doer));
	}
	ASSERT_TRUE(doer_start(&doer, do_open, OTHER_FILE));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, take_event(self->sock, &ev));

	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag, 0));
	ASSERT_TRUE(doer_start(&doer, do_read, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
}

/* What is ignored is not asked, either. */
TEST_F(scope, asks_not)
{
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	ASSERT_EQ(0, mark_path(self->sock, DEEP, FAN_OPEN_PERM, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag,
			      FAN_OPEN_PERM));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* A verdict is kept for the file, whatever the mark is that asked. */
TEST_F(scope, asks_once)
{
	struct stat st;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, set_patient(self->sock));
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      variant->flag | FAN_OPEN_PERM, 0));
	/* The first one in its life is not kept. */
	EXPECT_EQ(1, asks(self->sock, &st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(1, asks(self->sock, &st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(self->sock, &st, do_open, FILE_PATH, FAN_DENY));
	EXPECT_EQ(0, asks(self->sock, &st, do_open, BIND_FILE, FAN_DENY));
	ASSERT_EQ(0, truncate(FILE_PATH, 3));
	EXPECT_EQ(-EPERM, asks(self->sock, &st, do_open, FILE_PATH, FAN_DENY));
	EXPECT_EQ(variant->bind ? -EPERM : 0,
		  asks(self->sock, &st, do_open, BIND_FILE, FAN_DENY));
}

/* How fdinfo tells of it, in a line of its own */
TEST_F(scope, shown)
{
	char line[160], text[4096];
	int len;

	ASSERT_EQ(0, scope_line(variant->flag, DIR_PATH, line));
	len = strlen(line);
	ASSERT_EQ(0, set_mark(self->sock, self->dir,
			      variant->flag | FAN_OPEN | FAN_ONDIR, 0));
	sprintf(line + len, "mask:%x ignored_mask:0", FAN_OPEN | FAN_ONDIR);
	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, line)) {
		TH_LOG("%s is not in %s", line, text);
	}
	EXPECT_EQ(1, all_marks(self->sock));
}

/* Each pair of two kinds, in each place */
TEST(two_kinds)
{
	static const __u32 flags[] = { FAN_ON_MOUNT, FAN_ON_FILESYSTEM,
				       FAN_ON_SUBTREE };
	int sock = deaf_listener();
	size_t i, j;

	make_files(_metadata);
	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (j = 0; j < ARRAY_SIZE(flags); j++) {
			if (i == j)
				continue;
			EXPECT_EQ(-EINVAL, mark_path(sock, DIR_PATH, flags[i] |
						     flags[j] | FAN_OPEN, 0));
			EXPECT_EQ(-EINVAL, mark_path(sock, DIR_PATH, FAN_OPEN,
						     flags[i] | flags[j]));
			EXPECT_EQ(-EINVAL, mark_path(sock, DIR_PATH,
						     flags[i] | FAN_OPEN,
						     flags[j] | FAN_OPEN));
			EXPECT_EQ(-EINVAL, mark_path(sock, DIR_PATH, flags[i],
						     flags[j]));
		}
	}
	EXPECT_EQ(-EINVAL, mark_path(sock, DIR_PATH, SCOPES | FAN_OPEN, 0));
	EXPECT_EQ(0, all_marks(sock));
	ASSERT_EQ(0, close(sock));
}

TEST_F(scope, einval)
{
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
				    variant->flag | FAN_ONDIR, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
				    variant->flag | FAN_EVENT_ON_CHILD, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, variant->flag,
				    FAN_SURVIVE_MODIFY));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
				    variant->flag | FAN_OPEN,
				    FAN_SURVIVE_MODIFY | FAN_ONDIR));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, variant->flag |
				    FAN_SURVIVE_MODIFY | FAN_OPEN, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir, variant->flag |
				    FAN_GLOBAL_LISTENER | FAN_OPEN, 0));
	/* Nothing tells where it would be. */
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
				    variant->flag | FAN_CREATE, 0));
	EXPECT_EQ(-EINVAL, set_mark(self->sock, self->dir,
				    variant->flag | FAN_ATTRIB, 0));
	EXPECT_EQ(-EBADF, set_mark(self->sock, -1, variant->flag | FAN_OPEN,
				   0));
	EXPECT_EQ(-EBADF, set_mark(self->sock, -1, variant->flag, 0));
	EXPECT_EQ(-EINVAL, mark_path(self->sock, "/dev/null",
				     variant->flag | FAN_OPEN, 0));
	EXPECT_EQ(0, all_marks(self->sock));
	EXPECT_EQ(0, heard_of_read(self->sock, FILE_PATH));
}

/* Who was given the socket does not get with it what only root has. */
TEST_F(scope, eperm)
{
	pid_t child;

	ASSERT_EQ(0, set_mark(self->sock, self->dir, variant->flag | FAN_OPEN |
			      FAN_ACCESS, 0));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		__u32 caps = 1U << CAP_DAC_READ_SEARCH | 1U << CAP_DAC_OVERRIDE;

		if (become_nobody_with(caps))
			_exit(1);
		if (set_mark(self->sock, self->dir, variant->flag | FAN_OPEN,
			     0) != -EPERM)
			_exit(2);
		if (set_mark(self->sock, self->dir, FAN_OPEN,
			     variant->flag) != -EPERM)
			_exit(3);
		/* A mark of the file is one that it could have anyway. */
		if (set_mark(self->sock, self->dir,
			     FAN_OPEN | FAN_EVENT_ON_CHILD, 0) ||
		    set_mark(self->sock, self->dir, 0, 0))
			_exit(4);
		/* That is so even in a namespace where it has all of them. */
		if (unshare(CLONE_NEWUSER) ||
		    set_mark(self->sock, self->dir, variant->flag | FAN_OPEN,
			     0) != -EPERM)
			_exit(5);
		_exit(0);
	}
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(1, all_marks(self->sock));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS, heard_of_read(self->sock, DEEP));

	/* Not to hear is nobody's privilege. */
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(become_nobody() ? 1 :
		      -set_mark(self->sock, self->dir, 0,
				variant->flag | FAN_OPEN));
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(0, heard_of_read(self->sock, DEEP));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(become_nobody() ? 1 :
		      -set_mark(self->sock, self->dir, 0, variant->flag));
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(0, all_marks(self->sock));
}

TEST_HARNESS_MAIN
