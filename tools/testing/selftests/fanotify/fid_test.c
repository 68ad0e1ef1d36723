// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: handles and names, which must be those that the system
 * calls tell of the same
 *
 * Both listen to the same files while one thing after the other is done, and
 * what they were told is compared after each.
 */

#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/xattr.h>

#include "marks.h"
#include "place.h"
#include "their.h"

/* What is marked, for both */
enum kind {
	/* The directory, as it is, or with what is in it */
	DIRECTORY,
	CHILDREN,
	/* The same, and the other directory as well */
	BOTH_DIRECTORIES,
	/* A file in it */
	A_FILE,
	FILE_SYSTEM,
	/* The socket listens to everything, and the system calls to this. */
	GLOBAL,
};

/* What is asked for, one after the other */
static const __u32 reports[] = {
	FAN_REPORT_FID,
	FAN_REPORT_DIR_FID,
	FAN_REPORT_DIR_FID | FAN_REPORT_FID,
	FAN_REPORT_DFID_NAME,
	FAN_REPORT_DFID_NAME | FAN_REPORT_FID,
	FAN_REPORT_DFID_NAME_TARGET,
};

FIXTURE(fid)
{
	int group;
	int sock;
	struct reader r;
	struct statfs fs;
	struct tales theirs, ours;
	char their_text[16384], our_text[16384];
};

FIXTURE_VARIANT(fid) {
	enum place place;
	enum kind kind;
};

FIXTURE_VARIANT_ADD(fid, tmpfs_directory) {
	.place = ON_TMPFS,
	.kind = DIRECTORY,
};

FIXTURE_VARIANT_ADD(fid, tmpfs_children) {
	.place = ON_TMPFS,
	.kind = CHILDREN,
};

FIXTURE_VARIANT_ADD(fid, tmpfs_both_directories) {
	.place = ON_TMPFS,
	.kind = BOTH_DIRECTORIES,
};

FIXTURE_VARIANT_ADD(fid, tmpfs_file) {
	.place = ON_TMPFS,
	.kind = A_FILE,
};

FIXTURE_VARIANT_ADD(fid, tmpfs_file_system) {
	.place = ON_TMPFS,
	.kind = FILE_SYSTEM,
};

FIXTURE_VARIANT_ADD(fid, tmpfs_global) {
	.place = ON_TMPFS,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(fid, ext4_children) {
	.place = ON_EXT4,
	.kind = CHILDREN,
};

FIXTURE_VARIANT_ADD(fid, ext4_file) {
	.place = ON_EXT4,
	.kind = A_FILE,
};

FIXTURE_VARIANT_ADD(fid, ext4_file_system) {
	.place = ON_EXT4,
	.kind = FILE_SYSTEM,
};

FIXTURE_VARIANT_ADD(fid, ext4_global) {
	.place = ON_EXT4,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(fid, overlay_of_tmpfs_children) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = CHILDREN,
};

FIXTURE_VARIANT_ADD(fid, overlay_of_ext4_both_directories) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = BOTH_DIRECTORIES,
};

/* The system calls mark no file system whose handles cannot be opened. */
FIXTURE_VARIANT_ADD(fid, overlay_of_ext4_file) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = A_FILE,
};

FIXTURE_SETUP(fid)
{
	static const char * const names[] = { NULL };

	make_place(_metadata, variant->place, names, SCRIPT);
	self->group = -1;
	self->sock = -1;
}

FIXTURE_TEARDOWN(fid)
{
	close(self->group);
	close(self->sock);
}

/*
 * What is done, in this order, in the directory in which all has the names that
 * are given here. Each is one call, but for those that end what another began.
 */
static int opened;
static char byte;

static long step_open(void)
{
	opened = open("file", O_RDWR | O_CLOEXEC);
	return opened;
}

static long step_read(void)
{
	return pread(opened, &byte, 1, 0);
}

static long step_write(void)
{
	return pwrite(opened, &byte, 1, 0);
}

static long step_ftruncate(void)
{
	return ftruncate(opened, 100);
}

static long step_fchmod(void)
{
	return fchmod(opened, 0755);
}

static long step_close(void)
{
	return close(opened);
}

static long step_run(void)
{
	return run_file("./script");
}

static long step_open_dir(void)
{
	opened = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return opened;
}

static long step_open_this(void)
{
	opened = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return opened;
}

static long step_list(void)
{
	char buf[1024];

	return syscall(SYS_getdents64, opened, buf, sizeof(buf));
}

static long step_create(void)
{
	opened = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return opened;
}

static long step_mkdir(void)
{
	return mkdir("newdir", 0755);
}

static long step_mknod(void)
{
	return mknod("fifo", S_IFIFO | 0644, 0);
}

static long step_symlink(void)
{
	return symlink("nowhere", "symlink");
}

static long step_link(void)
{
	return link("file", "link");
}

static long step_link_away(void)
{
	return link("file", "dir/link");
}

static long step_open_link(void)
{
	opened = open("link", O_RDONLY | O_CLOEXEC);
	return opened;
}

static long step_chmod(void)
{
	return chmod("file", 0700);
}

static long step_chmod_dir(void)
{
	return chmod("dir", 0700);
}

static long step_chmod_this(void)
{
	return chmod(".", 0700);
}

static long step_chown(void)
{
	return chown("file", NOBODY, NOBODY);
}

static long step_truncate(void)
{
	return truncate("file", 50);
}

static long set_times(long atime, long mtime)
{
	struct timespec times[2] = {
		{ .tv_sec = 1, .tv_nsec = atime },
		{ .tv_sec = 1, .tv_nsec = mtime },
	};

	return utimensat(AT_FDCWD, "file", times, 0);
}

static long step_utimes(void)
{
	return set_times(0, 0);
}

static long step_atime(void)
{
	return set_times(0, UTIME_OMIT);
}

static long step_mtime(void)
{
	return set_times(UTIME_OMIT, 0);
}

/* Some of the file systems know no attributes. */
static long step_setxattr(void)
{
	return setxattr("file", "user.name", "value", 5, 0) &&
	       errno != EOPNOTSUPP ? -1 : 0;
}

static long step_removexattr(void)
{
	return removexattr("file", "user.name") && errno != EOPNOTSUPP ? -1 : 0;
}

static long step_rename(void)
{
	return rename("new", "newer");
}

static long step_rename_away(void)
{
	return rename("newer", "dir/newest");
}

static long step_rename_back(void)
{
	return rename("dir/newest", "back");
}

static long step_rename_marked(void)
{
	return rename("file", "moved");
}

static long step_rename_marked_back(void)
{
	return rename("moved", "file");
}

static long step_rename_dir(void)
{
	return rename("newdir", "dir/sub");
}

static long step_replace(void)
{
	return rename("back", "victim");
}

static long step_replace_one_name(void)
{
	return rename("victim", "link");
}

static long step_replace_marked(void)
{
	return rename("script", "file");
}

static long step_exchange(void)
{
	return renameat2(AT_FDCWD, "link", AT_FDCWD, "dir/link",
			 RENAME_EXCHANGE);
}

static long step_exchange_with_dir(void)
{
	return renameat2(AT_FDCWD, "link", AT_FDCWD, "dir/sub",
			 RENAME_EXCHANGE);
}

static long step_tmpfile(void)
{
	opened = open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	return opened;
}

static long step_link_tmpfile(void)
{
	return linkat(opened, "", AT_FDCWD, "linked", AT_EMPTY_PATH);
}

static long step_open_linked(void)
{
	opened = open("linked", O_RDONLY | O_CLOEXEC);
	return opened;
}

static long step_unlink_open(void)
{
	return unlink("linked");
}

static long step_unlink_in_dir(void)
{
	return unlink("dir/sub");
}

static long step_unlink_in_dir_too(void)
{
	return unlink("dir/link");
}

static long step_unlink_fifo(void)
{
	return unlink("fifo");
}

static long step_unlink_symlink(void)
{
	return unlink("symlink");
}

static long step_unlink(void)
{
	return unlink("file");
}

static long step_rmdir(void)
{
	return rmdir("dir");
}

static long step_rmdir_of_files_name(void)
{
	return rmdir("link");
}

#define STEP(name_) { #name_, step_##name_ }

static const struct step {
	const char *name;
	long (*call)(void);
} steps[] = {
	STEP(open), STEP(read), STEP(write), STEP(ftruncate), STEP(fchmod),
	STEP(close), STEP(run),
	STEP(open_dir), STEP(list), STEP(close),
	STEP(open_this), STEP(list), STEP(close),
	STEP(create), STEP(close),
	STEP(mkdir), STEP(mknod), STEP(symlink),
	STEP(link), STEP(link_away), STEP(open_link), STEP(read), STEP(close),
	STEP(chmod), STEP(chmod_dir), STEP(chmod_this), STEP(chown),
	STEP(truncate), STEP(utimes), STEP(atime), STEP(mtime),
	STEP(setxattr), STEP(removexattr),
	STEP(rename), STEP(rename_away), STEP(rename_back),
	STEP(rename_marked), STEP(rename_marked_back), STEP(rename_dir),
	STEP(replace), STEP(replace_one_name),
	STEP(exchange), STEP(exchange_with_dir),
	STEP(tmpfile), STEP(write), STEP(link_tmpfile), STEP(close),
	STEP(open_linked), STEP(unlink_open), STEP(close),
	STEP(replace_marked),
	STEP(unlink_in_dir), STEP(unlink_in_dir_too), STEP(rmdir),
	STEP(unlink_fifo), STEP(unlink_symlink), STEP(unlink),
	STEP(rmdir_of_files_name),
};

/* Makes a directory for one round, with what is in it first. 0 or -errno */
static int make_round(int round)
{
	char path[64];

	sprintf(path, PLACE "/%d", round);
	if (mkdir(path, 0755) || chdir(path) || mkdir("dir", 0755))
		return -errno;
	return write_file("file", "text") ?: write_file("script", SCRIPT) ?:
	       write_file("victim", "text");
}

/* What is asked of a directory, a file system, or everything */
static __u32 events_of(__u32 report)
{
	__u32 mask = FID_EVENTS | FAN_ONDIR;

	/* The system calls have no records for it without names. */
	return report & FAN_REPORT_NAME ? mask | FAN_RENAME : mask;
}

static int mark_both(FIXTURE_DATA(fid) *self, __u32 mask, const char *path)
{
	return fan_mark(self->group, 0, mask, path) ?:
	       mark_path(self->sock, path, mask, 0);
}

static int mark_for_both(FIXTURE_DATA(fid) *self, enum kind kind, __u32 mask)
{
	switch (kind) {
	case DIRECTORY:
		return mark_both(self, mask, ".");
	case CHILDREN:
		return mark_both(self, mask | FAN_EVENT_ON_CHILD, ".");
	case BOTH_DIRECTORIES:
		return mark_both(self, mask | FAN_EVENT_ON_CHILD, ".") ?:
		       mark_both(self, mask | FAN_EVENT_ON_CHILD, "dir");
	case A_FILE:
		return mark_both(self, NOTIFY_EVENTS | SELF_EVENTS, "file");
	case FILE_SYSTEM:
		return fan_mark(self->group, FAN_MARK_FILESYSTEM, mask, ".") ?:
		       mark_path(self->sock, ".", mask | FAN_ON_FILESYSTEM, 0);
	default:
		return fan_mark(self->group, FAN_MARK_FILESYSTEM, mask, ".");
	}
}

static int listen_both(FIXTURE_DATA(fid) *self, enum kind kind, __u32 report)
{
	__u32 mask = events_of(report);

	self->group = fan_group(FAN_CLASS_NOTIF | report);
	self->sock = telling_listener(kind == GLOBAL ?
				      FAN_GLOBAL_LISTENER | mask : 0,
				      report | FAN_REPORT_NOFD);
	reader_init(&self->r, self->sock);
	if (self->group < 0 || self->sock < 0)
		return -EIO;
	return mark_for_both(self, kind, mask);
}

static void compare_step(struct __test_metadata *_metadata,
			 FIXTURE_DATA(fid) *self, const struct step *step,
			 bool global, __u32 report)
{
	/* First, since a queued event holds its file, whose end is an event. */
	ASSERT_EQ(0, take_ours(&self->ours, &self->r,
			       global ? &self->fs : NULL)) {
		TH_LOG("step %zu: %s, report %x", step - steps, step->name,
		       report);
	}
	ASSERT_EQ(0, take_theirs(&self->theirs, self->group,
				 report == FAN_REPORT_DIR_FID));
	all_tales(&self->theirs, self->their_text, sizeof(self->their_text));
	all_tales(&self->ours, self->our_text, sizeof(self->our_text));
	EXPECT_STREQ(self->their_text, self->our_text) {
		TH_LOG("step %zu: %s, report %x", step - steps, step->name,
		       report);
	}
}

TEST_F(fid, as_the_system_calls_tell_it)
{
	bool global = variant->kind == GLOBAL;
	const struct step *step;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		ASSERT_EQ(0, make_round(i));
		ASSERT_EQ(0, statfs(".", &self->fs));
		ASSERT_EQ(0, listen_both(self, variant->kind, reports[i]));
		for (step = steps; step < steps + ARRAY_SIZE(steps); step++) {
			ASSERT_LE(0, result(step->call())) {
				TH_LOG("%s", step->name);
			}
			compare_step(_metadata, self, step, global, reports[i]);
		}
		ASSERT_EQ(0, chdir("/"));
		close(self->group);
		close(self->sock);
	}
}

TEST_HARNESS_MAIN
