// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: memory fails while events tell where, and while more than
 * files are marked
 */
#define _GNU_SOURCE
#include "fault.h"
#include "place.h"
#include "records.h"
#include "scope.h"

#define FILE_PATH PLACE "/file"
#define DIR_PATH PLACE "/dir"
#define FILEID_INVALID 0xff

FIXTURE(fault)
{
	struct faults faults;
	struct reader reader;
};

FIXTURE_VARIANT(fault) {
	enum place place;
};

FIXTURE_VARIANT_ADD(fault, tmpfs) {
	.place = ON_TMPFS,
};

/* Which needs memory to make a handle. */
FIXTURE_VARIANT_ADD(fault, overlay) {
	.place = ON_OVERLAY_OF_TMPFS,
};

FIXTURE_SETUP(fault)
{
	static const char * const names[] = { "file", NULL };
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	make_place(_metadata, variant->place, names, "text");
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
}

FIXTURE_TEARDOWN(fault)
{
	close(self->faults.nth);
}

static bool has_handle(const struct fanotify_event_info_fid *fid)
{
	return handle_of(fid)->handle_bytes &&
	       handle_of(fid)->handle_type != FILEID_INVALID;
}

/*
 * An event is there, or it is told that one is lost. What could not be had of a
 * handle is told by the handle.
 */
TEST_F(fault, open_tells_handles)
{
	int sock = -1;
	const struct fanotify_event_info_fid *dir, *file;
	const struct fanotify_so_event_metadata *ev;
	int fd, lost = 0, without = 0;
	bool failed;

	do {
		/* One that has no memory left over from an event */
		close(sock);
		sock = telling_listener(0, FAN_REPORT_DFID_NAME |
					FAN_REPORT_FID | FAN_REPORT_NOFD);
		ASSERT_LE(0, sock);
		reader_init(&self->reader, sock);
		ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
		faults_on(&self->faults);
		fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
		failed = faults_off(&self->faults);
		if (fd < 0) {
			ASSERT_TRUE(failed);
			ASSERT_EQ(0, drain_told(&self->reader));
			continue;
		}
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(1, take_told(&self->reader, &ev));
		if (ev->mask == FAN_Q_OVERFLOW) {
			ASSERT_TRUE(failed);
			ASSERT_EQ(1, ev->cookie);
			lost++;
			continue;
		}
		ASSERT_EQ(FAN_OPEN, ev->mask);
		dir = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
		file = fid_record(ev, FAN_EVENT_INFO_TYPE_FID);
		ASSERT_TRUE(dir && file);
		ASSERT_STREQ("file", name_behind(dir));
		if (has_handle(dir) && has_handle(file))
			continue;
		ASSERT_TRUE(failed);
		without++;
		if (!has_handle(file)) {
			ASSERT_EQ(0, handle_of(file)->handle_bytes);
			ASSERT_EQ(FILEID_INVALID, handle_of(file)->handle_type);
		}
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* What it tells, and the event */
	EXPECT_LT(1, lost);
	EXPECT_EQ(variant->place != ON_TMPFS, without > 1);
	EXPECT_EQ(variant->place == ON_TMPFS, !without);
	EXPECT_EQ(0, close(sock));
}

/* The same for the entry of a directory, whose path is told */
TEST_F(fault, mkdir_tells_paths)
{
	int sock = -1;
	const struct fanotify_event_info_path *path;
	const struct fanotify_so_event_metadata *ev;
	int ret, lost = 0;
	bool failed;

	do {
		close(sock);
		sock = telling_listener(0, FAN_REPORT_PATH |
					FAN_REPORT_DFID_NAME);
		ASSERT_LE(0, sock);
		reader_init(&self->reader, sock);
		ASSERT_EQ(0, mark_path(sock, DIR_PATH, FAN_CREATE | FAN_ONDIR,
				       0));
		faults_on(&self->faults);
		ret = mkdir(DIR_PATH "/new", 0755);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed);
			ASSERT_EQ(0, drain_told(&self->reader));
			continue;
		}
		ASSERT_EQ(1, take_told(&self->reader, &ev));
		if (ev->mask == FAN_Q_OVERFLOW) {
			ASSERT_TRUE(failed);
			lost++;
		} else {
			path = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
			ASSERT_NE(NULL, path);
			ASSERT_EQ(0, path->flags);
			ASSERT_STREQ(DIR_PATH "/new", path->path);
		}
		ASSERT_EQ(0, rmdir(DIR_PATH "/new"));
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(1, lost);
	EXPECT_EQ(0, close(sock));
	/* Nothing holds the file system any more. */
	if (variant->place == ON_OVERLAY_OF_TMPFS)
		EXPECT_EQ(0, result(umount(PLACE)));
}

/* A read that fails takes no event and leaves no descriptor. */
TEST_F(fault, read)
{
	__u32 report = FAN_REPORT_PATH | FAN_REPORT_DFID_NAME | FAN_REPORT_FID |
		       FAN_REPORT_PIDFD;
	int sock = telling_listener(0, report);
	const struct fanotify_so_event_metadata *ev;
	int ret, fds, failures = 0, no_memory = 0;
	bool failed;

	ASSERT_LE(0, sock);
	reader_init(&self->reader, sock);
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	fds = count_fds();
	do {
		ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
		faults_on(&self->faults);
		ret = take_told(&self->reader, &ev);
		failed = faults_off(&self->faults);
		if (ret != 1) {
			ASSERT_TRUE(failed);
			ASSERT_TRUE(ret == -ENOMEM || ret == -ENFILE ||
				    ret == -EFAULT)
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
			no_memory += ret == -ENOMEM;
			ASSERT_EQ(fds, count_fds());
			ASSERT_EQ(1, take_told(&self->reader, &ev));
		}
		ASSERT_EQ(FAN_OPEN, ev->mask);
		ASSERT_EQ(4, count_records(ev));
		ASSERT_STREQ(FILE_PATH,
			     path_record(ev, FAN_EVENT_INFO_TYPE_PATH)->path);
		ASSERT_LE(0, pidfd_of(ev));
		close_told(ev);
		ASSERT_EQ(fds, count_fds());
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The records, the file and the pidfd, and each of the copies */
	EXPECT_LT(3, failures);
	EXPECT_LT(1, no_memory);
	EXPECT_EQ(0, close(sock));
}

/* Of all kinds at once, all are set or none, and none is left behind. */
TEST_F(fault, set_marks)
{
	int dir = open(DIR_PATH, O_RDONLY | O_CLOEXEC);
	struct fanotify_so_inode_mark marks[] = {
		{ dir, FAN_ON_SUBTREE | FAN_OPEN, 0 },
		{ dir, FAN_ON_MOUNT | FAN_OPEN, 0 },
		{ dir, FAN_ON_FILESYSTEM | FAN_OPEN, 0 },
		{ dir, FAN_OPEN | FAN_EVENT_ON_CHILD, 0 },
	};
	int sock = telling_listener(0, FAN_REPORT_FID | FAN_REPORT_NOFD);
	const struct fanotify_so_event_metadata *ev;
	size_t i, nr = ARRAY_SIZE(marks);
	int ret, failures = 0;
	bool failed;

	ASSERT_LE(0, dir);
	ASSERT_LE(0, sock);
	reader_init(&self->reader, sock);
	do {
		faults_on(&self->faults);
		ret = set_marks(sock, marks, nr);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed && (ret == -ENOMEM ||
					       ret == -EFAULT))
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
			ASSERT_EQ(0, all_marks(sock));
			ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
			ASSERT_EQ(0, take_told(&self->reader, &ev));
			continue;
		}
		/* The last of them, for itself and the subtree, has two lines. */
		ASSERT_EQ((int)nr, all_marks(sock));
		ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
		ASSERT_EQ(1, take_told(&self->reader, &ev));
		for (i = 0; i < nr; i++)
			marks[i].mask &= SCOPES;
		ASSERT_EQ(0, set_marks(sock, marks, nr));
		ASSERT_EQ(0, all_marks(sock));
		for (i = 0; i < nr; i++)
			marks[i].mask |= FAN_OPEN;
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The array, and of each mark itself and what connects it */
	EXPECT_LT(8, failures);
	EXPECT_EQ(0, close(sock));
	EXPECT_EQ(0, close(dir));
}

TEST_HARNESS_MAIN
