// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what happens to the entries of directories: who hears of
 * it, when, and as how many events
 */

#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/sysmacros.h>

#include "marks.h"
#include "unopened.h"

#define MAX_MASKS 16

FIXTURE(dirent)
{
	int sock;
	struct reader r;
};

FIXTURE_VARIANT(dirent) {
	enum place place;
	enum kind kind;
	__u32 report;
};

FIXTURE_VARIANT_ADD(dirent, tmpfs_path) {
	.place = ON_TMPFS,
	.kind = DIRECTED,
	.report = FAN_REPORT_PATH,
};

FIXTURE_VARIANT_ADD(dirent, tmpfs_fid) {
	.place = ON_TMPFS,
	.kind = DIRECTED,
	.report = FAN_REPORT_FID,
};

FIXTURE_VARIANT_ADD(dirent, tmpfs_name) {
	.place = ON_TMPFS,
	.kind = DIRECTED,
	.report = FAN_REPORT_DFID_NAME,
};

FIXTURE_VARIANT_ADD(dirent, tmpfs_file_system) {
	.place = ON_TMPFS,
	.kind = FILE_SYSTEM,
	.report = FAN_REPORT_PATH | FAN_REPORT_PIDFD,
};

FIXTURE_VARIANT_ADD(dirent, tmpfs_global) {
	.place = ON_TMPFS,
	.kind = GLOBAL,
	.report = FAN_REPORT_PATH,
};

FIXTURE_VARIANT_ADD(dirent, ext4_global) {
	.place = ON_EXT4,
	.kind = GLOBAL,
	.report = FAN_REPORT_PATH | FAN_REPORT_DFID_NAME_TARGET,
};

/* On the other one directories cannot be renamed. */
FIXTURE_VARIANT_ADD(dirent, overlay_path) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = DIRECTED,
	.report = FAN_REPORT_PATH,
};

FIXTURE_VARIANT_ADD(dirent, overlay_global) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = GLOBAL,
	.report = FAN_REPORT_PATH | FAN_REPORT_FID,
};

FIXTURE_SETUP(dirent)
{
	static const char * const names[] = { "file", NULL };

	make_place(_metadata, variant->place, names, "text");
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(CHILD, "text"));
	self->sock = -1;
}

FIXTURE_TEARDOWN(dirent)
{
	close(self->sock);
}

/* Begins to listen to these events of PLACE. 0 or -errno */
static int listen_to(FIXTURE_DATA(dirent) *self,
		     const FIXTURE_VARIANT(dirent) *variant, __u32 mask)
{
	bool global = variant->kind == GLOBAL;

	close(self->sock);
	self->sock = telling_listener(global ? FAN_GLOBAL_LISTENER | mask : 0,
				      variant->report);
	reader_init(&self->r, self->sock);
	if (self->sock < 0)
		return self->sock;
	if (global)
		return 0;
	if (variant->kind == FILE_SYSTEM)
		mask |= FAN_ON_FILESYSTEM;
	return mark_path(self->sock, PLACE, mask, 0);
}

/* Things to do, in PLACE. 0 or -errno */
static int do_create(void)
{
	return result(mknod(NEW_PATH, S_IFREG | 0644, 0));
}

static int do_mkfifo(void)
{
	return result(mknod(NEW_PATH, S_IFIFO | 0644, 0));
}

static int do_mknod(void)
{
	return result(mknod(NEW_PATH, S_IFCHR | 0644, makedev(1, 3)));
}

static int do_socket(void)
{
	return result(mknod(NEW_PATH, S_IFSOCK | 0644, 0));
}

static int do_symlink(void)
{
	return result(symlink("nowhere", NEW_PATH));
}

static int do_link(void)
{
	return result(link(CHILD, NEW_PATH));
}

static int do_mkdir(void)
{
	return result(mkdir(NEW_PATH, 0755));
}

static int do_unlink(void)
{
	return result(unlink(NEW_PATH));
}

static int do_rmdir(void)
{
	return result(rmdir(NEW_PATH));
}

static int do_rename(void)
{
	return result(rename(NEW_PATH, PLACE "/newer"));
}

static int do_rename_back(void)
{
	return result(rename(PLACE "/newer", NEW_PATH));
}

/* What makes a file, or a directory, and takes it away */
static const struct maker {
	const char *name;
	int (*make)(void);
	int (*take)(void);
	__u32 ondir;
} makers[] = {
	{ "file", do_create, do_unlink, 0 },
	{ "fifo", do_mkfifo, do_unlink, 0 },
	{ "device", do_mknod, do_unlink, 0 },
	{ "socket", do_socket, do_unlink, 0 },
	{ "symlink", do_symlink, do_unlink, 0 },
	{ "link", do_link, do_unlink, 0 },
	{ "directory", do_mkdir, do_rmdir, FAN_ONDIR },
};

/* Each event, of files of each type, by itself and all together */
TEST_F(dirent, of_every_type)
{
	static const __u32 asked[] = {
		FAN_CREATE, FAN_DELETE, FAN_MOVED_FROM, FAN_MOVED_TO,
		FAN_RENAME, ENTRY_EVENTS,
	};
	const struct maker *m;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		ASSERT_EQ(0, listen_to(self, variant, asked[i] | FAN_ONDIR));
		for (m = makers; m < makers + ARRAY_SIZE(makers); m++) {
			const __u32 want[] = { FAN_CREATE, FAN_RENAME,
				FAN_MOVED_FROM, FAN_MOVED_TO, FAN_DELETE };
			__u32 masks[MAX_MASKS];
			int k, nr = 0;

			ASSERT_EQ(0, m->make()) {
				TH_LOG("%s", m->name);
			}
			ASSERT_EQ(0, do_rename());
			for (k = 0; k < ARRAY_SIZE(want) - 1; k++) {
				if (want[k] & asked[i])
					masks[nr++] = want[k] | m->ondir;
			}
			expect_masks(_metadata, &self->r, __LINE__,
				     variant->kind == GLOBAL, masks, nr);
			ASSERT_EQ(0, do_rename_back());
			ASSERT_EQ(0, m->take());
			/* Back again, and gone */
			for (nr = 0, k = 1; k < ARRAY_SIZE(want); k++) {
				if (want[k] & asked[i])
					masks[nr++] = want[k] | m->ondir;
			}
			expect_masks(_metadata, &self->r, __LINE__,
				     variant->kind == GLOBAL, masks, nr);
		}
	}
}

/* Of directories it is told only to who asks. */
TEST_F(dirent, of_directories)
{
	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS));
	ASSERT_EQ(0, do_mkdir());
	ASSERT_EQ(0, do_rename());
	ASSERT_EQ(0, rmdir(PLACE "/newer"));
	EXPECT_NO_MASKS();
	ASSERT_EQ(0, do_create());
	EXPECT_MASKS(FAN_CREATE);
}

/* Nothing is merged: what came after what is told. */
TEST_F(dirent, again_and_again)
{
	ASSERT_EQ(0, listen_to(self, variant, FAN_CREATE | FAN_DELETE));
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_unlink());
	ASSERT_EQ(0, do_create());
	EXPECT_MASKS(FAN_CREATE, FAN_DELETE, FAN_CREATE);
	ASSERT_EQ(0, do_unlink());
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_unlink());
	EXPECT_MASKS(FAN_DELETE, FAN_CREATE, FAN_DELETE);
}

TEST_F(dirent, to_and_fro)
{
	ASSERT_EQ(0, listen_to(self, variant, FAN_MOVE));
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_rename());
	ASSERT_EQ(0, do_rename_back());
	ASSERT_EQ(0, do_rename());
	EXPECT_MASKS(FAN_MOVED_FROM, FAN_MOVED_TO,
		     FAN_MOVED_FROM, FAN_MOVED_TO,
		     FAN_MOVED_FROM, FAN_MOVED_TO);
}

/* To another directory: who watches one of them hears half of it. */
TEST_F(dirent, from_directory_to_directory)
{
	bool both = variant->kind != DIRECTED;

	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS));
	ASSERT_EQ(0, rename(FILE_PATH, DIR_PATH "/moved"));
	if (both)
		EXPECT_MASKS(FAN_RENAME, FAN_MOVED_FROM, FAN_MOVED_TO);
	else
		EXPECT_MASKS(FAN_RENAME, FAN_MOVED_FROM);
	ASSERT_EQ(0, rename(DIR_PATH "/moved", FILE_PATH));
	if (both)
		EXPECT_MASKS(FAN_RENAME, FAN_MOVED_FROM, FAN_MOVED_TO);
	else
		EXPECT_MASKS(FAN_RENAME, FAN_MOVED_TO);
}

/* An exchange is two renames. */
TEST_F(dirent, exchange)
{
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS | FAN_ONDIR));
	ASSERT_EQ(0, result(renameat2(AT_FDCWD, NEW_PATH, AT_FDCWD, DIR_PATH,
				      RENAME_EXCHANGE)));
	EXPECT_MASKS(FAN_RENAME, FAN_MOVED_FROM, FAN_MOVED_TO,
		     FAN_RENAME | FAN_ONDIR, FAN_MOVED_FROM | FAN_ONDIR,
		     FAN_MOVED_TO | FAN_ONDIR);
}

/* What is replaced has not been deleted from a directory. */
TEST_F(dirent, replaced)
{
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS));
	ASSERT_EQ(0, rename(NEW_PATH, FILE_PATH));
	EXPECT_MASKS(FAN_RENAME, FAN_MOVED_FROM, FAN_MOVED_TO);
}

/* A file without a name is created when it gets one. */
TEST_F(dirent, tmpfile)
{
	int fd;

	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS));
	fd = open(PLACE, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	ASSERT_LE(0, fd);
	EXPECT_NO_MASKS();
	ASSERT_EQ(0, result(linkat(fd, "", AT_FDCWD, NEW_PATH, AT_EMPTY_PATH)));
	EXPECT_MASKS(FAN_CREATE);
	ASSERT_EQ(0, close(fd));
	EXPECT_NO_MASKS();
}

/* What open() creates is created, and then opened. */
TEST_F(dirent, created_by_open)
{
	const struct fanotify_so_event_metadata *ev;
	const __u32 want[] = { FAN_CREATE, FAN_OPEN, FAN_CLOSE_WRITE };
	int ret, i = 0;

	ASSERT_EQ(0, listen_to(self, variant, FAN_CREATE | FAN_OPEN |
			       FAN_CLOSE_WRITE | (variant->kind == DIRECTED ?
						  FAN_EVENT_ON_CHILD : 0)));
	ASSERT_EQ(0, open_close(NEW_PATH, O_WRONLY | O_CREAT | O_EXCL));
	/* Those of the open file become one, with a descriptor of it. */
	while ((ret = take_told(&self->r, &ev)) > 0) {
		if (variant->kind != GLOBAL || !is_elsewhere(ev)) {
			ASSERT_GT(2, i);
			EXPECT_EQ(i ? want[1] | want[2] : want[0], ev->mask);
			EXPECT_EQ(i, ev->fd >= 0);
			i++;
		}
		close_told(ev);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(2, i);
}

/* A failure is none. */
TEST_F(dirent, failures)
{
	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS | SELF_EVENTS |
			       FAN_ONDIR));
	EXPECT_EQ(-EEXIST, result(mkdir(DIR_PATH, 0755)));
	EXPECT_EQ(-EEXIST, result(link(CHILD, FILE_PATH)));
	EXPECT_EQ(-ENOTEMPTY, result(rmdir(DIR_PATH)));
	EXPECT_EQ(-EISDIR, result(unlink(DIR_PATH)));
	EXPECT_EQ(-ENOENT, do_rename());
	EXPECT_EQ(-EISDIR, result(rename(FILE_PATH, DIR_PATH)));
	EXPECT_EQ(-ENOENT, result(chmod(NEW_PATH, 0644)));
	EXPECT_NO_MASKS();
}

/* Who does not want to hear itself hears others. */
TEST_F(dirent, ignoring_self)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t child;
	int ret, seen = 0;

	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_rename());
	EXPECT_NO_MASKS();
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-do_rename_back());
	ASSERT_EQ(0, exit_status(child));
	while ((ret = take_told(&self->r, &ev)) > 0) {
		if (variant->kind != GLOBAL ||
		    (ev->tgid == child && !is_elsewhere(ev)))
			seen |= ev->mask;
		EXPECT_NE(getpid(), ev->tgid);
		close_told(ev);
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(FAN_RENAME | FAN_MOVE, seen);
}

/* Ignored masks of the directory, with a flag of their own for directories */
TEST_F(dirent, ignored)
{
	__u32 mask = variant->kind == DIRECTED ? ENTRY_EVENTS | FAN_ONDIR : 0;

	ASSERT_EQ(0, listen_to(self, variant, ENTRY_EVENTS | FAN_ONDIR));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, mask, FAN_CREATE |
			       FAN_RENAME | FAN_SURVIVE_MODIFY));
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_rename());
	ASSERT_EQ(0, unlink(PLACE "/newer"));
	EXPECT_MASKS(FAN_MOVED_FROM, FAN_MOVED_TO, FAN_DELETE);
	ASSERT_EQ(0, do_mkdir());
	ASSERT_EQ(0, do_rmdir());
	EXPECT_MASKS(FAN_CREATE | FAN_ONDIR, FAN_DELETE | FAN_ONDIR);

	ASSERT_EQ(0, mark_path(self->sock, PLACE, mask, FAN_CREATE |
			       FAN_ONDIR | FAN_SURVIVE_MODIFY));
	ASSERT_EQ(0, do_mkdir());
	ASSERT_EQ(0, do_rmdir());
	EXPECT_MASKS(FAN_DELETE | FAN_ONDIR);

	ASSERT_EQ(0, mark_path(self->sock, PLACE, mask, 0));
	ASSERT_EQ(0, do_create());
	EXPECT_MASKS(FAN_CREATE);
}

/* Several who listen hear the same, whatever their priorities are. */
TEST_F(dirent, several_listeners)
{
	static const __u32 priorities[] = { 7, 0, 0xffffffff };
	int i, socks[ARRAY_SIZE(priorities)];
	struct fanotify_addr addr;

	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		socks[i] = new_socket();
		ASSERT_LE(0, socks[i]);
		addr = address(variant->kind == GLOBAL ?
			       FAN_GLOBAL_LISTENER | FAN_CREATE | FAN_DELETE : 0,
			       O_RDONLY | O_CLOEXEC);
		addr.priority = priorities[i];
		ASSERT_EQ(0, set_report(socks[i], variant->report));
		ASSERT_EQ(0, do_bind(socks[i], &addr));
		if (variant->kind != GLOBAL)
			ASSERT_EQ(0, mark_path(socks[i], PLACE,
					       FAN_CREATE | FAN_DELETE, 0));
	}
	ASSERT_EQ(0, do_create());
	ASSERT_EQ(0, do_unlink());
	for (i = 0; i < ARRAY_SIZE(priorities); i++) {
		reader_init(&self->r, socks[i]);
		EXPECT_MASKS(FAN_CREATE, FAN_DELETE);
		close(socks[i]);
	}
}

TEST_HARNESS_MAIN
