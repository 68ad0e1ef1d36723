// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: ignored masks of mounts, file systems and subtrees
 *
 * What one mark ignores no other mark of the group reports, whatever the two are
 * marks of.
 */

#define _GNU_SOURCE
#include <linux/magic.h>

#include "perm.h"
#include "scope.h"

#define MNT TMP "/mnt"
#define TREE MNT "/tree"
#define INNER TREE "/inner"
#define FILE_PATH INNER "/file"
#define DEEP INNER "/sub/file"
/* In the tree, in the file system, and on another one */
#define AROUND TREE "/file"
#define BESIDE MNT "/file"
#define OTHER TMP "/file"
#define BIND TMP "/bind"

#define READ_EVENTS (FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE)

static void make_files(struct __test_metadata *_metadata)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mkdir(BIND, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, mkdir(TREE, 0755));
	ASSERT_EQ(0, mkdir(INNER, 0755));
	ASSERT_EQ(0, mkdir(INNER "/sub", 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(DEEP, SCRIPT));
	ASSERT_EQ(0, write_file(AROUND, SCRIPT));
	ASSERT_EQ(0, write_file(BESIDE, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER, SCRIPT));
	ASSERT_EQ(0, mount(INNER, BIND, NULL, MS_BIND, NULL));
}

/* What can be marked so that FILE_PATH is covered */
struct cover {
	const char *name;
	const char *path;
	__u32 flag;
};

static const struct cover covers[] = {
	{ "file", FILE_PATH, 0 },
	{ "parent", INNER, FAN_EVENT_ON_CHILD },
	{ "mount", INNER, FAN_ON_MOUNT },
	{ "filesystem", INNER, FAN_ON_FILESYSTEM },
	{ "outer subtree", TREE, FAN_ON_SUBTREE },
	{ "inner subtree", INNER, FAN_ON_SUBTREE },
	{ "subtree of all", MNT, FAN_ON_SUBTREE },
};

static int listen_at(int sock, const struct cover *cover, __u32 mask,
		     __u32 ignored_mask)
{
	return mark_path(sock, cover->path, mask ? mask | cover->flag : 0,
			 ignored_mask ? ignored_mask | cover->flag : 0);
}

/* The mark is removed: it is named by its flag, unless that is none. */
static int forget_at(int sock, const struct cover *cover)
{
	return mark_path(sock, cover->path, cover->flag & SCOPES, 0);
}

/* Each as what listens, each as what ignores */
TEST(each_with_each)
{
	int sock = deaf_listener();
	size_t i, j;

	make_files(_metadata);
	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		for (j = 0; j < ARRAY_SIZE(covers); j++) {
			if (i == j)
				continue;
			ASSERT_EQ(0, listen_at(sock, &covers[i], READ_EVENTS,
					       0));
			ASSERT_EQ(0, listen_at(sock, &covers[j], 0, FAN_OPEN));
			ASSERT_EQ(0, read_one_byte(FILE_PATH));
			EXPECT_EQ(FAN_ACCESS | FAN_CLOSE_NOWRITE,
				  heard(sock, FILE_PATH)) {
				TH_LOG("of the %s ignored by the %s",
				       covers[i].name, covers[j].name);
			}
			ASSERT_EQ(0, forget_at(sock, &covers[j]));
			ASSERT_EQ(0, read_one_byte(FILE_PATH));
			EXPECT_EQ(READ_EVENTS, heard(sock, FILE_PATH)) {
				TH_LOG("of the %s without the %s",
				       covers[i].name, covers[j].name);
			}
			ASSERT_EQ(0, forget_at(sock, &covers[i]));
		}
	}
	EXPECT_EQ(0, all_marks(sock));
	ASSERT_EQ(0, close(sock));
}

/* It is the union of all that is ignored which is not heard. */
TEST(union_of_all)
{
	static const __u32 ignored[] = { FAN_OPEN, FAN_ACCESS,
					 FAN_CLOSE_NOWRITE, FAN_MODIFY,
					 FAN_CLOSE_WRITE, FAN_OPEN_EXEC, 0 };
	int sock = deaf_listener();
	__u32 left = ALL_EVENTS;
	size_t i;

	make_files(_metadata);
	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(covers); i++)
		ASSERT_EQ(0, listen_at(sock, &covers[i], ALL_EVENTS, 0));
	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		ASSERT_EQ(0, listen_at(sock, &covers[i], ALL_EVENTS,
				       ignored[i] ? ignored[i] |
				       FAN_SURVIVE_MODIFY : 0));
		left &= ~ignored[i];
		ASSERT_EQ(0, do_everything(FILE_PATH));
		EXPECT_EQ(left, heard(sock, FILE_PATH)) {
			TH_LOG("up to the %s", covers[i].name);
		}
	}
	EXPECT_EQ(0, left);
	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		ASSERT_EQ(0, listen_at(sock, &covers[i], ALL_EVENTS, 0));
		left |= ignored[i];
		ASSERT_EQ(0, do_everything(FILE_PATH));
		EXPECT_EQ(left, heard(sock, FILE_PATH));
	}
	ASSERT_EQ(0, close(sock));
}

/* Who is not covered by what ignores is heard. */
TEST(only_what_is_covered)
{
	static const struct {
		const char *path;
		__u32 flag;
		/* Are these ignored by it? */
		bool file, deep, around, beside, bind;
	} cases[] = {
		{ INNER, FAN_ON_SUBTREE, true, true, false, false, true },
		{ INNER "/sub", FAN_ON_SUBTREE, false, true, false, false,
		  false },
		{ TREE, FAN_ON_SUBTREE, true, true, true, false, true },
		{ MNT, FAN_ON_SUBTREE, true, true, true, true, true },
		{ MNT, FAN_ON_MOUNT, true, true, true, true, false },
		{ BIND, FAN_ON_MOUNT, false, false, false, false, true },
		{ BIND, FAN_ON_SUBTREE, true, true, false, false, true },
		{ INNER, FAN_ON_FILESYSTEM, true, true, true, true, true },
		{ TMP, FAN_ON_FILESYSTEM, false, false, false, false, false },
		{ TMP, FAN_ON_MOUNT, false, false, false, false, false },
		{ TMP, FAN_ON_SUBTREE, false, false, false, false, false },
	};
	int socks[2] = { deaf_listener(), global_listener(FAN_OPEN) };
	size_t i, s;

	make_files(_metadata);
	ASSERT_LE(0, socks[0]);
	ASSERT_LE(0, socks[1]);
	ASSERT_EQ(0, mark_path(socks[0], TREE, FAN_OPEN | FAN_EVENT_ON_CHILD,
			       0));
	ASSERT_EQ(0, mark_path(socks[0], BESIDE, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(socks[0], FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(socks[0], DEEP, FAN_OPEN, 0));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct {
			const char *path;
			bool ignored;
		} checks[] = {
			{ FILE_PATH, cases[i].file },
			{ DEEP, cases[i].deep },
			{ AROUND, cases[i].around },
			{ BESIDE, cases[i].beside },
			{ BIND "/file", cases[i].bind },
		};
		size_t j;

		for (s = 0; s < 2; s++)
			ASSERT_EQ(0, mark_path(socks[s], cases[i].path, 0,
					       cases[i].flag | FAN_OPEN));
		for (j = 0; j < ARRAY_SIZE(checks); j++) {
			struct stat st;

			ASSERT_EQ(0, stat(checks[j].path, &st));
			ASSERT_EQ(0, drain(socks[1]));
			ASSERT_EQ(0, open_close(checks[j].path, O_RDONLY));
			for (s = 0; s < 2; s++)
				EXPECT_EQ(checks[j].ignored ? 0 : FAN_OPEN,
					  all_events(socks[s], &st)) {
					TH_LOG("%zu: %s by %x of %s", s,
					       checks[j].path, cases[i].flag,
					       cases[i].path);
				}
		}
		for (s = 0; s < 2; s++)
			ASSERT_EQ(0, mark_path(socks[s], cases[i].path, 0,
					       cases[i].flag));
	}
	ASSERT_EQ(0, close(socks[0]));
	ASSERT_EQ(0, close(socks[1]));
}

/* Directories are ignored only if that is asked for. */
TEST(directories)
{
	int sock = deaf_listener();
	size_t i;

	make_files(_metadata);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, INNER, DIR_EVENTS | FAN_ONDIR, 0));
	for (i = 0; i < ARRAY_SIZE(covers); i++) {
		if (!(covers[i].flag & SCOPES))
			continue;
		ASSERT_EQ(0, mark_path(sock, covers[i].path, FAN_OPEN_EXEC |
				       covers[i].flag, DIR_EVENTS));
		ASSERT_EQ(0, list_dir(INNER));
		EXPECT_EQ(DIR_EVENTS, heard(sock, INNER)) {
			TH_LOG("%s", covers[i].name);
		}
		ASSERT_EQ(0, mark_path(sock, covers[i].path, FAN_OPEN_EXEC |
				       covers[i].flag, FAN_OPEN | FAN_ONDIR));
		ASSERT_EQ(0, list_dir(INNER));
		EXPECT_EQ(DIR_EVENTS & ~FAN_OPEN, heard(sock, INNER)) {
			TH_LOG("%s", covers[i].name);
		}
		ASSERT_EQ(0, forget_at(sock, &covers[i]));
	}
	ASSERT_EQ(0, close(sock));
}

/* A global listener, which can leave out what it does not want to hear */
FIXTURE(global)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(global) {
	__u32 flag;
};

FIXTURE_VARIANT_ADD(global, mount) {
	.flag = FAN_ON_MOUNT,
};

FIXTURE_VARIANT_ADD(global, filesystem) {
	.flag = FAN_ON_FILESYSTEM,
};

FIXTURE_VARIANT_ADD(global, subtree) {
	.flag = FAN_ON_SUBTREE,
};

FIXTURE_SETUP(global)
{
	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = global_listener(READ_EVENTS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(global)
{
	close(self->sock);
}

/* What is heard of a read of the file, whatever else is heard */
static long heard_of_read(FIXTURE_DATA(global) *self)
{
	return drain(self->sock) ?: read_one_byte(FILE_PATH) ?:
	       all_events(self->sock, &self->st);
}

static int ignore_sb(int sock, __u64 magic, __u32 mask)
{
	struct fanotify_so_sb sb = { .magic = magic, .mask = mask };

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb,
				 sizeof(sb)));
}

/* It hears everything: nothing is to be added. */
TEST_F(global, einval)
{
	EXPECT_EQ(-EINVAL, mark_path(self->sock, INNER, variant->flag |
				     FAN_OPEN, 0));
	EXPECT_EQ(-EINVAL, mark_path(self->sock, INNER, variant->flag |
				     FAN_OPEN, FAN_OPEN));
	EXPECT_EQ(-EINVAL, mark_path(self->sock, INNER, FAN_OPEN,
				     variant->flag));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self));
}

TEST_F(global, ignores)
{
	EXPECT_EQ(-ENOENT, mark_path(self->sock, INNER, 0, variant->flag));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag | FAN_OPEN));
	EXPECT_EQ(READ_EVENTS & ~FAN_OPEN, heard_of_read(self));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	EXPECT_EQ(READ_EVENTS & ~FAN_OPEN, heard_of_read(self));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0,
			       variant->flag | FAN_ACCESS));
	EXPECT_EQ(READ_EVENTS & ~FAN_ACCESS, heard_of_read(self));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, INNER, 0, variant->flag));
}

/* Two reasons to ignore: each goes for itself, and what is left counts. */
TEST_F(global, and_by_magic)
{
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag |
			       FAN_OPEN | FAN_ACCESS));
	EXPECT_EQ(-ENOENT, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC,
			       FAN_OPEN | FAN_CLOSE_NOWRITE));
	EXPECT_EQ(0, heard_of_read(self));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_read(self));

	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC,
			       FAN_OPEN | FAN_CLOSE_NOWRITE));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, INNER, 0, variant->flag));
	/* The other way round, to begin with */
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag |
			       FAN_OPEN | FAN_ACCESS));
	EXPECT_EQ(0, heard_of_read(self));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag |
			       FAN_OPEN));
	EXPECT_EQ(FAN_ACCESS, heard_of_read(self));
	ASSERT_EQ(0, ignore_sb(self->sock, TMPFS_MAGIC, 0));
	EXPECT_EQ(FAN_ACCESS | FAN_CLOSE_NOWRITE, heard_of_read(self));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag));
	EXPECT_EQ(READ_EVENTS, heard_of_read(self));
}

/* That directories are ignored is a matter of each of the two as well. */
TEST_F(global, directories_and_by_magic)
{
	int sock = global_listener(DIR_EVENTS | FAN_ONDIR);
	struct stat st;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, stat(INNER, &st));
	ASSERT_EQ(0, ignore_sb(sock, TMPFS_MAGIC, DIR_EVENTS));
	ASSERT_EQ(0, mark_path(sock, INNER, 0, variant->flag | FAN_OPEN |
			       FAN_ONDIR));
	ASSERT_EQ(0, drain(sock));
	ASSERT_EQ(0, list_dir(INNER));
	EXPECT_EQ(DIR_EVENTS & ~FAN_OPEN, all_events(sock, &st));
	ASSERT_EQ(0, mark_path(sock, INNER, 0, variant->flag));
	ASSERT_EQ(0, ignore_sb(sock, TMPFS_MAGIC, FAN_OPEN | FAN_ONDIR));
	ASSERT_EQ(0, mark_path(sock, INNER, 0, variant->flag | DIR_EVENTS));
	ASSERT_EQ(0, drain(sock));
	ASSERT_EQ(0, list_dir(INNER));
	EXPECT_EQ(DIR_EVENTS & ~FAN_OPEN, all_events(sock, &st));
	ASSERT_EQ(0, close(sock));
}

/* It is not what is mounted, but this: the next one is heard. */
TEST_F(global, not_the_next_one)
{
	struct stat st;

	ASSERT_EQ(0, umount(BIND));
	ASSERT_EQ(0, mark_path(self->sock, INNER, 0, variant->flag |
			       READ_EVENTS));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, result(umount(MNT)));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, "mode=755"));
	ASSERT_EQ(0, mkdir(TREE, 0755));
	ASSERT_EQ(0, mkdir(INNER, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(READ_EVENTS, all_events(self->sock, &st));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, INNER, 0, variant->flag));
}

/* What is not heard is not asked. */
TEST_F(global, guard)
{
	int sock = global_listener(FAN_OPEN_PERM);
	struct doer doer;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, mark_path(sock, INNER, 0, variant->flag | FAN_OPEN_PERM));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 1));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_TRUE(doer_start(&doer, do_open, OTHER));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	ASSERT_EQ(0, mark_path(sock, INNER, 0, variant->flag));
	ASSERT_TRUE(doer_start(&doer, do_open, DEEP));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	ASSERT_EQ(0, close(sock));
}

TEST_HARNESS_MAIN
