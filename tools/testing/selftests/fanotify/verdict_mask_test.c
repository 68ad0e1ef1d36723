// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: permission events in ignored masks that the listener sets,
 * and how these get along with the verdicts that it has the kernel keep
 */

#define _GNU_SOURCE
#include <sys/vfs.h>

#include "place.h"
#include "change.h"
#include "marks.h"
#include "sentry.h"

#define FILE_PATH PLACE "/file"
#define OTHER_PATH PLACE "/other"

/* Nothing that the tests ask about, but what must not hide a modification */
#define UNRELATED (FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_ACCESS)

static const char * const names[] = { "file", "other", NULL };

FIXTURE(masks)
{
	struct stat st;
	int sock;
	/* What the file is asked about if it has a mark, as it has BY_FILE */
	__u32 mask;
	/* The permission event that is not asked about */
	__u32 foreign;
};

FIXTURE_VARIANT(masks) {
	enum place place;
	enum kind kind;
	__u32 event;
	long (*call)(const char *path);
};

#define VARIANT(name, place_, kind_, event_, call_) \
	FIXTURE_VARIANT_ADD(masks, name) { \
		.place = place_, \
		.kind = kind_, \
		.event = event_, \
		.call = call_, \
	}

VARIANT(global_open, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, do_open);
VARIANT(global_read, ON_TMPFS, GLOBAL, FAN_ACCESS_PERM, do_read);
VARIANT(by_file_open, ON_TMPFS, BY_FILE, FAN_OPEN_PERM, do_open);
VARIANT(by_file_read, ON_TMPFS, BY_FILE, FAN_ACCESS_PERM, do_read);
VARIANT(by_parent_open, ON_TMPFS, BY_PARENT, FAN_OPEN_PERM, do_open);
VARIANT(by_parent_read, ON_TMPFS, BY_PARENT, FAN_ACCESS_PERM, do_read);
VARIANT(ext4_global_read, ON_EXT4, GLOBAL, FAN_ACCESS_PERM, do_read);
VARIANT(ext4_by_file_open, ON_EXT4, BY_FILE, FAN_OPEN_PERM, do_open);
VARIANT(upper_by_parent_open, ON_OVERLAY_OF_TMPFS, BY_PARENT, FAN_OPEN_PERM,
	do_open);
VARIANT(lower_global_open, ON_OVERLAY_OF_EXT4, GLOBAL, FAN_OPEN_PERM, do_open);
VARIANT(lower_by_file_read, ON_OVERLAY_OF_EXT4, BY_FILE, FAN_ACCESS_PERM,
	do_read);

FIXTURE_SETUP(masks)
{
	make_place(_metadata, variant->place, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->mask = variant->kind == BY_FILE ? variant->event : 0;
	self->foreign = (FAN_OPEN_PERM | FAN_ACCESS_PERM) & ~variant->event;
	self->sock = new_sentry(variant->kind, 0, variant->event, PLACE,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
}

FIXTURE_TEARDOWN(masks) {}

#define ASKS(response) \
	asks(self->sock, &self->st, variant->call, FILE_PATH, response)
#define PASSES() EXPECT_EQ(0, ASKS(FAN_DENY))
#define IS_ASKED() EXPECT_EQ(1, ASKS(FAN_ALLOW))
#define IGNORE(mask_) \
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, self->mask, mask_))

/* The file has a verdict now, whether it is the listener's first or not. */
#define HAVE_KEPT() \
	do { \
		ASSERT_EQ(1, ASKS(KEEP)); \
		ASSERT_LE(0, ASKS(KEEP)); \
		ASSERT_EQ(0, ASKS(FAN_DENY)); \
	} while (0)

/* Without FAN_CACHE: what the listener itself has to see to */
TEST_F(masks, set_by_the_listener)
{
	IS_ASKED();
	IGNORE(variant->event);
	PASSES();
	PASSES();
	/* It need not be about what is in the file. */
	ASSERT_EQ(0, by_open_wronly(FILE_PATH));
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	IS_ASKED();
	IGNORE(variant->event);
	PASSES();
	ASSERT_EQ(0, by_truncate(FILE_PATH));
	IS_ASKED();
	IGNORE(variant->event | FAN_CLOSE);
	PASSES();
	IGNORE(self->foreign);
	IS_ASKED();
	IGNORE(variant->event);
	PASSES();
	IGNORE(0);
	EXPECT_EQ(variant->kind != GLOBAL, shown_marks(self->sock));
	IS_ASKED();
	EXPECT_EQ(0, drain(self->sock));
}

TEST_F(masks, set_to_survive)
{
	IGNORE(variant->event | FAN_SURVIVE_MODIFY);
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	ASSERT_EQ(0, by_truncate(FILE_PATH));
	ASSERT_EQ(0, by_mapping(FILE_PATH));
	PASSES();
	EXPECT_EQ(MASKS(self->mask, variant->event | FAN_SURVIVE_MODIFY),
		  shown_masks(self->sock, &self->st));
	IGNORE(FAN_CLOSE | FAN_SURVIVE_MODIFY);
	IS_ASKED();
}

/* In a listener that has verdicts kept its own masks are what they were. */
TEST_F(masks, set_beside_verdicts)
{
	struct stat other;

	ASSERT_EQ(0, stat(OTHER_PATH, &other));
	HAVE_KEPT();
	IGNORE(variant->event);
	PASSES();
	ASSERT_EQ(0, by_open_rdwr(FILE_PATH));
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	IS_ASKED();
	IGNORE(variant->event | FAN_SURVIVE_MODIFY);
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	PASSES();
	IGNORE(FAN_CLOSE | FAN_SURVIVE_MODIFY);
	HAVE_KEPT();
	/* A verdict goes, and leaves what was set. */
	ASSERT_EQ(0, by_open_rdwr(FILE_PATH));
	IS_ASKED();
	EXPECT_EQ(MASKS(self->mask, FAN_CLOSE | FAN_SURVIVE_MODIFY),
		  shown_masks(self->sock, &self->st));
}

/* Both masks are set as they are given: a verdict is gone with that. */
TEST_F(masks, set_over_a_verdict)
{
	HAVE_KEPT();
	IGNORE(FAN_CLOSE);
	IS_ASKED();
	HAVE_KEPT();
	IGNORE(FAN_CLOSE | FAN_SURVIVE_MODIFY);
	IS_ASKED();
	HAVE_KEPT();
	EXPECT_EQ(MASKS(self->mask, variant->event | FAN_CLOSE |
			FAN_SURVIVE_MODIFY),
		  shown_masks(self->sock, &self->st));
	IGNORE(0);
	IS_ASKED();
	HAVE_KEPT();
}

/* Of a mark that only keeps a verdict nothing is to be removed. */
TEST_F(masks, nothing_to_remove)
{
	struct fanotify_so_inode_mark marks[2] = {};
	int before;

	HAVE_KEPT();
	before = shown_marks(self->sock);
	marks[0].fd = open(FILE_PATH, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, marks[0].fd);
	marks[1].fd = marks[0].fd;
	if (variant->kind != BY_FILE) {
		EXPECT_EQ(-ENOENT, mark_path(self->sock, FILE_PATH, 0, 0));
		EXPECT_EQ(-ENOENT, set_marks(self->sock, marks, 2));
		PASSES();
	}
	/* Of one that has just been set there is. */
	marks[0].ignored_mask = FAN_CLOSE;
	EXPECT_EQ(0, set_marks(self->sock, marks, 2));
	EXPECT_EQ(-ENOENT, set_marks(self->sock, &marks[1], 1));
	EXPECT_EQ(before - 1, shown_marks(self->sock));
	/* A call that failed has set none. */
	if (variant->kind != BY_FILE) {
		HAVE_KEPT();
		marks[1].fd = -1;
		EXPECT_EQ(-EBADF, set_marks(self->sock, marks, 2));
		marks[1].fd = marks[0].fd;
		EXPECT_EQ(-ENOENT, set_marks(self->sock, &marks[1], 1));
	}
	close(marks[0].fd);
}

/* The mark that was to keep the verdict goes before that is given. */
TEST_F(masks, set_while_asked)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	HAVE_KEPT();
	ASSERT_EQ(0, by_write(FILE_PATH));
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	/* One that nobody has set can only be removed after that. */
	if (variant->kind != BY_FILE)
		IGNORE(FAN_CLOSE);
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, KEEP));
	EXPECT_EQ(0, answer_doer(self->sock, &self->st, &doer, FAN_DENY));
	if (variant->kind == BY_FILE)
		EXPECT_EQ(0, mark_path(self->sock, FILE_PATH, self->mask, 0));
	IS_ASKED();
	HAVE_KEPT();
}

/* A verdict goes with a modification, whatever else is to survive that. */
TEST_F(masks, survivors_beside_a_verdict)
{
	static const __u32 survivors[] = {
		FAN_CLOSE, FAN_OPEN, FAN_MODIFY, UNRELATED, ALL_EVENTS,
	};
	static long (*const ways[])(const char *path) = {
		by_write, by_truncate, by_open_wronly, by_mapping,
	};
	size_t i, j;

	HAVE_KEPT();
	for (i = 0; i < ARRAY_SIZE(survivors); i++) {
		__u32 mask = survivors[i] | self->foreign | FAN_SURVIVE_MODIFY;

		IGNORE(mask);
		for (j = 0; j < ARRAY_SIZE(ways); j++) {
			HAVE_KEPT();
			ASSERT_EQ(0, ways[j](FILE_PATH));
			EXPECT_EQ(1, ASKS(FAN_ALLOW)) {
				TH_LOG("ignored %x, change %zu", mask, j);
			}
		}
		EXPECT_EQ(MASKS(self->mask, mask),
			  shown_masks(self->sock, &self->st));
	}
}

/* Nor does one that does not survive hide the modification that ends it. */
TEST_F(masks, ignored_modification)
{
	HAVE_KEPT();
	IGNORE(UNRELATED);
	HAVE_KEPT();
	ASSERT_EQ(0, by_open_wronly(FILE_PATH));
	IS_ASKED();
	HAVE_KEPT();
	ASSERT_EQ(0, by_truncate(FILE_PATH));
	EXPECT_EQ(MASKS(self->mask, 0), shown_masks(self->sock, &self->st));
	IS_ASKED();
}

/* Changed between question and answer, with a mask that hides the change */
TEST_F(masks, survivors_while_asked)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	HAVE_KEPT();
	IGNORE(UNRELATED | FAN_SURVIVE_MODIFY);
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, by_truncate(FILE_PATH));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, KEEP));
	EXPECT_EQ(0, answer_doer(self->sock, &self->st, &doer, FAN_DENY));
	IS_ASKED();
	HAVE_KEPT();
}

/* What is ignored by the kind of the file system */
FIXTURE(kind)
{
	struct stat st;
	struct fanotify_so_sb sb;
	int sock;
};

FIXTURE_VARIANT(kind) {
	enum place place;
	__u32 event;
	long (*call)(const char *path);
};

#define KIND(name, place_, event_, call_) \
	FIXTURE_VARIANT_ADD(kind, name) { \
		.place = place_, \
		.event = event_, \
		.call = call_, \
	}

KIND(tmpfs_open, ON_TMPFS, FAN_OPEN_PERM, do_open);
KIND(tmpfs_read, ON_TMPFS, FAN_ACCESS_PERM, do_read);
KIND(ext4_open, ON_EXT4, FAN_OPEN_PERM, do_open);
KIND(overlay_open, ON_OVERLAY_OF_TMPFS, FAN_OPEN_PERM, do_open);
KIND(overlay_read, ON_OVERLAY_OF_EXT4, FAN_ACCESS_PERM, do_read);

FIXTURE_SETUP(kind)
{
	struct statfs fs;

	make_place(_metadata, variant->place, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	ASSERT_EQ(0, statfs(FILE_PATH, &fs));
	self->sb.magic = (__u32)fs.f_type;
	self->sock = global_listener(variant->event);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
}

FIXTURE_TEARDOWN(kind) {}

static int ignore_sb(int sock, struct fanotify_so_sb *sb, __u32 mask)
{
	sb->mask = mask;
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, sb,
				 sizeof(*sb)));
}

TEST_F(kind, ignored)
{
	IS_ASKED();
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, variant->event));
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	PASSES();
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, ALL_EVENTS));
	IS_ASKED();
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, ALL_PERM));
	PASSES();
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, 0));
	IS_ASKED();
	EXPECT_EQ(0, drain(self->sock));
}

TEST_F(kind, hides_no_modification_from_a_verdict)
{
	size_t i;

	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb,
			       ALL_PERM & ~variant->event));
	HAVE_KEPT();
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, UNRELATED));
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	IS_ASKED();
	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		HAVE_KEPT();
		ASSERT_EQ(0, changes[i].change(FILE_PATH));
		EXPECT_EQ(1, ASKS(FAN_ALLOW)) {
			TH_LOG("%s", changes[i].name);
		}
	}
	/* One for a kind of file systems is none for a file. */
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, variant->event));
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	ASSERT_EQ(0, ignore_sb(self->sock, &self->sb, 0));
	IS_ASKED();
}

/*
 * Everything that fdinfo tells of a file whose mark is there for verdicts alone
 * is in the inode: it may be half gone, and is not asked for a handle.
 */
TEST(shown_without_a_handle)
{
	char text[16384], line[128], *pos;
	struct stat st;
	int sock;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	sock = new_sentry(GLOBAL, 0, FAN_OPEN_PERM, NULL, NULL);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	ASSERT_EQ(1, asks(sock, &st, do_open, TMP "/file", KEEP));
	ASSERT_EQ(1, asks(sock, &st, do_open, TMP "/file", KEEP));
	ASSERT_EQ(0, read_fdinfo(sock, text, sizeof(text)));
	sprintf(line, "\nfanotify ino:%lx sdev:%x mask:0 ignored_mask:%x ",
		(unsigned long)st.st_ino, shown_dev(&st), FAN_OPEN_PERM);
	pos = strstr(text, line);
	ASSERT_NE(NULL, pos);
	EXPECT_EQ('\n', pos[strlen(line)]);

	/* One that the listener sets keeps the inode, and has a handle. */
	ASSERT_EQ(0, mark_path(sock, TMP "/file", 0, FAN_OPEN_PERM));
	ASSERT_EQ(0, read_fdinfo(sock, text, sizeof(text)));
	pos = strstr(text, line);
	ASSERT_NE(NULL, pos);
	EXPECT_EQ(0, strncmp(pos + strlen(line), "fhandle-bytes:", 14));
}

TEST_HARNESS_MAIN
