// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what happens to files that nobody opens, but for being the
 * entries of directories; and who can ask for both
 */

#define _GNU_SOURCE
#include "marks.h"
#include "unopened.h"

/* Files that are marked themselves, by a directed listener */
FIXTURE(self)
{
	int sock;
	struct reader r;
};

FIXTURE_VARIANT(self) {
	enum place place;
	/* Always DIRECTED; for EXPECT_MASKS() */
	enum kind kind;
	__u32 report;
};

FIXTURE_VARIANT_ADD(self, tmpfs_path) {
	.place = ON_TMPFS,
	.report = FAN_REPORT_PATH,
};

FIXTURE_VARIANT_ADD(self, tmpfs_fid) {
	.place = ON_TMPFS,
	.report = FAN_REPORT_FID,
};

FIXTURE_VARIANT_ADD(self, ext4_fid) {
	.place = ON_EXT4,
	.report = FAN_REPORT_DFID_NAME | FAN_REPORT_FID,
};

FIXTURE_VARIANT_ADD(self, overlay_fid) {
	.place = ON_OVERLAY_OF_EXT4,
	.report = FAN_REPORT_FID,
};

FIXTURE_SETUP(self)
{
	static const char * const names[] = { "file", NULL };

	make_place(_metadata, variant->place, names, "text");
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, "text"));
	self->sock = telling_listener(0, variant->report);
	ASSERT_LE(0, self->sock);
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(self)
{
	close(self->sock);
}

/* Each of the events by itself: what it is that causes it */
TEST_F(self, attrib)
{
	static const struct timespec times[2] = { { 1 }, { 2 } };

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_ATTRIB, 0));
	ASSERT_EQ(0, chmod(FILE_PATH, 0600));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, chown(FILE_PATH, NOBODY, NOBODY));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, utimensat(AT_FDCWD, FILE_PATH, times, 0));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, link(FILE_PATH, NEW_PATH));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, unlink(NEW_PATH));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, truncate(FILE_PATH, 0));
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	EXPECT_NO_MASKS();
}

/* They are merged as others are, since their order says nothing. */
TEST_F(self, merged)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_ATTRIB | FAN_MODIFY,
			       0));
	ASSERT_EQ(0, chmod(FILE_PATH, 0600));
	ASSERT_EQ(0, chmod(FILE_PATH, 0644));
	ASSERT_EQ(0, chmod(FILE_PATH, 0600));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, chmod(FILE_PATH, 0644));
	ASSERT_EQ(0, truncate(FILE_PATH, 1));
	EXPECT_MASKS(FAN_ATTRIB | FAN_MODIFY);
}

/* But those of two files are two, even if no record tells which is which. */
TEST_F(self, merged_by_file)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_MOVE_SELF, 0));
	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_MOVE_SELF, 0));
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	ASSERT_EQ(0, rename(CHILD, DIR_PATH "/moved"));
	EXPECT_MASKS(FAN_MOVE_SELF, FAN_MOVE_SELF);
}

TEST_F(self, move_self)
{
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_MOVE_SELF, 0));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_MOVE_SELF | FAN_ONDIR,
			       0));
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	EXPECT_MASKS(FAN_MOVE_SELF);
	ASSERT_EQ(0, rename(DIR_PATH, PLACE "/moved"));
	EXPECT_MASKS(FAN_MOVE_SELF | FAN_ONDIR);
	/* It is not itself that is moved. */
	ASSERT_EQ(0, rename(PLACE "/moved/child", PLACE "/child"));
	EXPECT_NO_MASKS();
	ASSERT_EQ(0, mark_path(self->sock, PLACE "/moved", FAN_MOVE_SELF, 0));
	ASSERT_EQ(0, rename(PLACE "/moved", DIR_PATH));
	EXPECT_NO_MASKS();
}

/* The last name and the last descriptor */
TEST_F(self, delete_self)
{
	int fd;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_DELETE_SELF, 0));
	ASSERT_EQ(0, link(FILE_PATH, NEW_PATH));
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_NO_MASKS();
	fd = open(NEW_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, unlink(NEW_PATH));
	EXPECT_NO_MASKS();
	ASSERT_EQ(0, close(fd));
	EXPECT_MASKS(FAN_DELETE_SELF);

	ASSERT_EQ(0, mark_path(self->sock, CHILD, FAN_DELETE_SELF, 0));
	ASSERT_EQ(0, rename(DIR_PATH "/child", FILE_PATH));
	ASSERT_EQ(0, write_file(NEW_PATH, "text"));
	ASSERT_EQ(0, rename(NEW_PATH, FILE_PATH));
	EXPECT_MASKS(FAN_DELETE_SELF);

	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_DELETE_SELF | FAN_ONDIR, 0));
	ASSERT_EQ(0, rmdir(DIR_PATH));
	EXPECT_MASKS(FAN_DELETE_SELF | FAN_ONDIR);
}

/* By the directory: of what has a name there, but not of its end or moves */
TEST_F(self, children)
{
	ASSERT_EQ(0, mark_path(self->sock, PLACE, SELF_EVENTS | FAN_MODIFY |
			       DIR_FLAGS, 0));
	ASSERT_EQ(0, chmod(FILE_PATH, 0600));
	EXPECT_MASKS(FAN_ATTRIB);
	ASSERT_EQ(0, chmod(DIR_PATH, 0700));
	EXPECT_MASKS(FAN_ATTRIB | FAN_ONDIR);
	ASSERT_EQ(0, truncate(FILE_PATH, 1));
	EXPECT_MASKS(FAN_MODIFY);
	ASSERT_EQ(0, chmod(CHILD, 0600));
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	ASSERT_EQ(0, unlink(NEW_PATH));
	EXPECT_NO_MASKS();
	ASSERT_EQ(0, chmod(PLACE, 0700));
	EXPECT_MASKS(FAN_ATTRIB | FAN_ONDIR);
}

/* What each of the events can be asked for, of what, and by whom. */
FIXTURE(asking)
{
	int sock;
};

FIXTURE_SETUP(asking)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(asking)
{
	close(self->sock);
}

static const __u32 entry_events[] = {
	FAN_CREATE, FAN_DELETE, FAN_MOVED_FROM, FAN_MOVED_TO, FAN_RENAME,
};

static const __u32 self_events[] = {
	FAN_ATTRIB, FAN_DELETE_SELF, FAN_MOVE_SELF,
};

TEST_F(asking, without_a_report)
{
	static const __u32 not_where[] = {
		0, FAN_REPORT_NOFD, FAN_REPORT_PIDFD,
		FAN_REPORT_NOFD | FAN_REPORT_PIDFD,
	};
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(not_where); i++) {
		ASSERT_EQ(0, set_report(self->sock, not_where[i]));
		for (k = 0; k < ARRAY_SIZE(entry_events); k++) {
			EXPECT_EQ(-EINVAL, mark_path(self->sock, DIR_PATH,
						     entry_events[k], 0)) {
				TH_LOG("mask %x", entry_events[k]);
			}
		}
		for (k = 0; k < ARRAY_SIZE(self_events); k++) {
			EXPECT_EQ(-EINVAL, mark_path(self->sock, FILE_PATH,
						     self_events[k], 0)) {
				TH_LOG("mask %x", self_events[k]);
			}
			EXPECT_EQ(-EINVAL, mark_path(self->sock, FILE_PATH,
						     self_events[k] | FAN_OPEN,
						     0));
		}
	}
	EXPECT_EQ(0, shown_marks(self->sock));
}

/* A file has no entries. */
TEST_F(asking, of_a_file)
{
	size_t k;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	for (k = 0; k < ARRAY_SIZE(entry_events); k++) {
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH,
					      entry_events[k], 0)) {
			TH_LOG("mask %x", entry_events[k]);
		}
		EXPECT_EQ(-ENOTDIR, mark_path(self->sock, FILE_PATH,
					      entry_events[k] | FAN_OPEN, 0));
		EXPECT_EQ(0, mark_path(self->sock, DIR_PATH, entry_events[k],
				       0));
	}
	for (k = 0; k < ARRAY_SIZE(self_events); k++) {
		EXPECT_EQ(0, mark_path(self->sock, FILE_PATH, self_events[k],
				       0)) {
			TH_LOG("mask %x", self_events[k]);
		}
		EXPECT_EQ(0, mark_path(self->sock, DIR_PATH, self_events[k],
				       0));
	}
}

/* A mount does not know of them. */
TEST_F(asking, of_a_mount)
{
	size_t k;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH));
	for (k = 0; k < ARRAY_SIZE(entry_events); k++)
		EXPECT_EQ(-EINVAL, mark_path(self->sock, DIR_PATH,
					     entry_events[k] | FAN_ON_MOUNT,
					     0));
	for (k = 0; k < ARRAY_SIZE(self_events); k++)
		EXPECT_EQ(-EINVAL, mark_path(self->sock, DIR_PATH,
					     self_events[k] | FAN_ON_MOUNT, 0));
	EXPECT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_OPEN | FAN_ON_MOUNT,
			       0));
}

/* By anything that says where, and with it what could be asked for before. */
TEST_F(asking, with_a_report)
{
	static const __u32 where[] = {
		FAN_REPORT_FID, FAN_REPORT_DIR_FID, FAN_REPORT_DFID_NAME,
		FAN_REPORT_PATH, FAN_REPORT_PATH | FAN_REPORT_NOFD,
	};
	struct stat st;
	size_t i;

	ASSERT_EQ(0, stat(DIR_PATH, &st));
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		ASSERT_EQ(0, set_report(self->sock, where[i]));
		EXPECT_EQ(0, mark_path(self->sock, DIR_PATH, ENTRY_EVENTS |
				       SELF_EVENTS | ALL_EVENTS | DIR_FLAGS,
				       0)) {
			TH_LOG("report %x", where[i]);
		}
		EXPECT_EQ(MASKS(ENTRY_EVENTS | SELF_EVENTS | ALL_EVENTS |
				DIR_FLAGS, 0), shown_masks(self->sock, &st));
		EXPECT_EQ(0, mark_path(self->sock, DIR_PATH, 0, 0));
	}
}

TEST_HARNESS_MAIN
