// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: where the file of an event is, if it can be reached in
 * several ways, or not by the reader
 */

#define _GNU_SOURCE
#include <sys/mman.h>

#include "marks.h"
#include "paths.h"

#define FILE_PATH TMP "/file"
#define JAIL TMP "/jail"
#define JAILED JAIL "/file"

/* Another file system, and what is to be on it */
#define MNT TMP "/mnt"
#define SUB MNT "/sub"
#define SUB_FILE SUB "/file"
#define OTHER_MNT TMP "/other"
#define BIND TMP "/bind"

/* What a directory's entries are asked about, and files that are opened */
#define SUB_EVENTS (FAN_OPEN | ENTRY_EVENTS | DIR_FLAGS)

FIXTURE(mounts)
{
	int sock;
	struct reader r;
	/* The directory, by which a file is made that no path leads to */
	int sub;
};

FIXTURE_SETUP(mounts)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(JAIL, 0755));
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, mkdir(OTHER_MNT, 0755));
	ASSERT_EQ(0, mkdir(BIND, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(SUB, 0755));
	ASSERT_EQ(0, write_file(SUB_FILE, "text"));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, write_file(JAILED, "text"));
	self->sock = telling_listener(0, FAN_REPORT_PATH | FAN_REPORT_NOFD);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, mark_path(self->sock, SUB, SUB_EVENTS, 0));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(self->sock, JAIL, SUB_EVENTS, 0));
	reader_init(&self->r, self->sock);
	self->sub = open(SUB, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->sub);
}

FIXTURE_TEARDOWN(mounts)
{
	close(self->sub);
	close(self->sock);
}

static int bind_mount(const char *from, const char *to)
{
	return result(mount(from, to, NULL, MS_BIND, NULL));
}

/* The rest of the statement is done by a child, which is then waited for. */
#define IN_CHILD(...) do { \
	pid_t child_ = fork(); \
	\
	ASSERT_LE(0, child_); \
	if (!child_) { \
		__VA_ARGS__ \
		_exit(0); \
	} \
	ASSERT_EQ(0, exit_status(child_)); \
} while (0)

/* As the reader's root sees it, whoever reads */
TEST_F(mounts, reader_in_a_jail)
{
	ASSERT_EQ(0, open_close(JAILED, O_RDONLY));
	ASSERT_EQ(0, open_close(JAIL, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, mkdir(JAIL "/dir", 0755));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	IN_CHILD({
		EXPECT_EQ(0, chroot(JAIL));
		EXPECT_PATH(FAN_OPEN, 0, "/file");
		EXPECT_PATH(FAN_OPEN | FAN_ONDIR, 0, "/");
		EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, "/dir");
		/* From the outside, where the path begins at another root */
		EXPECT_PATH(FAN_OPEN, FAN_PATH_UNREACHABLE, FILE_PATH);
		EXPECT_PATH(FAN_CREATE | FAN_ONDIR, FAN_PATH_UNREACHABLE,
			    SUB "/dir");
		EXPECT_NO_MORE();
	});
	ASSERT_EQ(0, open_close(JAILED, O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, JAILED);
}

/* Whoever it was that opened it */
TEST_F(mounts, opened_in_a_jail)
{
	IN_CHILD({
		EXPECT_EQ(0, chroot(JAIL));
		EXPECT_EQ(0, open_close("/file", O_RDONLY));
		EXPECT_EQ(0, mkdir("/dir", 0755));
	});
	EXPECT_PATH(FAN_OPEN, 0, JAILED);
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, JAIL "/dir");
}

/* By which way a file was opened is known, and told. */
TEST_F(mounts, file_on_a_bind_mount)
{
	ASSERT_EQ(0, bind_mount(SUB, BIND));
	ASSERT_EQ(0, open_close(BIND "/file", O_RDONLY));
	ASSERT_EQ(0, open_close(SUB_FILE, O_RDONLY));
	ASSERT_EQ(0, open_close(BIND, O_RDONLY | O_DIRECTORY));
	EXPECT_PATH(FAN_OPEN, 0, BIND "/file");
	EXPECT_PATH(FAN_OPEN, 0, SUB_FILE);
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, 0, BIND);
	EXPECT_NO_MORE();
}

/* The mount of a single file */
TEST_F(mounts, bound_file)
{
	ASSERT_EQ(0, bind_mount(SUB_FILE, FILE_PATH));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_PATH(FAN_OPEN, 0, FILE_PATH);
	EXPECT_NO_MORE();
}

/* A mount that is moved takes its files with it. */
TEST_F(mounts, moved_mount)
{
	ASSERT_EQ(0, open_close(SUB_FILE, O_RDONLY));
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, result(mount(MNT, OTHER_MNT, NULL, MS_MOVE, NULL)));
	EXPECT_PATH(FAN_OPEN, 0, OTHER_MNT "/sub/file");
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, OTHER_MNT "/sub/dir");
}

/* No path leads to what is taken off lazily, and still used. */
TEST_F(mounts, file_on_a_detached_mount)
{
	int fd = open(SUB_FILE, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_PATH(FAN_OPEN, 0, SUB_FILE);
	ASSERT_EQ(0, open_close(SUB_FILE, O_RDONLY));
	ASSERT_EQ(0, umount2(MNT, MNT_DETACH));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_UNREACHABLE, "/sub/file");
	ASSERT_EQ(0, close(openat(self->sub, "file", O_RDONLY | O_CLOEXEC)));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_UNREACHABLE, "/sub/file");
	ASSERT_EQ(0, close(openat(self->sub, ".", O_RDONLY | O_CLOEXEC)));
	EXPECT_PATH(FAN_OPEN | FAN_ONDIR, FAN_PATH_UNREACHABLE, "/sub");
	ASSERT_EQ(0, unlinkat(self->sub, "file", 0));
	ASSERT_EQ(0, close(fd));
	EXPECT_PATH(FAN_DELETE, FAN_PATH_UNREACHABLE, "/sub/file");
	EXPECT_NO_MORE();
}

/* Of all that happens to entries */
TEST_F(mounts, entries)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/dir");
	ASSERT_EQ(0, symlinkat("nowhere", self->sub, "symlink"));
	EXPECT_PATH(FAN_CREATE, 0, SUB "/symlink");
	ASSERT_EQ(0, linkat(self->sub, "file", self->sub, "link", 0));
	EXPECT_PATH(FAN_CREATE, 0, SUB "/link");
	ASSERT_EQ(0, mknodat(self->sub, "fifo", S_IFIFO | 0644, 0));
	EXPECT_PATH(FAN_CREATE, 0, SUB "/fifo");
	ASSERT_EQ(0, unlinkat(self->sub, "link", 0));
	EXPECT_PATH(FAN_DELETE, 0, SUB "/link");
	ASSERT_EQ(0, renameat(self->sub, "dir", self->sub, "moved"));
	EXPECT_TOLD(FAN_RENAME | FAN_ONDIR, OLD_PATH_IS(0, SUB "/dir"),
		    NEW_PATH_IS(0, SUB "/moved"));
	EXPECT_PATH(FAN_MOVED_FROM | FAN_ONDIR, 0, SUB "/dir");
	EXPECT_PATH(FAN_MOVED_TO | FAN_ONDIR, 0, SUB "/moved");
	ASSERT_EQ(0, unlinkat(self->sub, "moved", AT_REMOVEDIR));
	EXPECT_PATH(FAN_DELETE | FAN_ONDIR, 0, SUB "/moved");
	EXPECT_NO_MORE();
}

/* Who watches one of the directories is told of that one. */
TEST_F(mounts, rename_to_and_fro)
{
	ASSERT_EQ(0, mark_path(self->sock, SUB, FAN_RENAME, 0));
	ASSERT_EQ(0, rename(SUB_FILE, MNT "/file"));
	EXPECT_TOLD(FAN_RENAME, OLD_PATH_IS(0, SUB_FILE));
	ASSERT_EQ(0, rename(MNT "/file", SUB "/back"));
	EXPECT_TOLD(FAN_RENAME, NEW_PATH_IS(0, SUB "/back"));

	ASSERT_EQ(0, mark_path(self->sock, MNT, FAN_RENAME, 0));
	ASSERT_EQ(0, rename(SUB "/back", MNT "/file"));
	EXPECT_TOLD(FAN_RENAME, OLD_PATH_IS(0, SUB "/back"),
		    NEW_PATH_IS(0, MNT "/file"));
	EXPECT_NO_MORE();
}

/* The directory is where it is by now, the name is what it was then. */
TEST_F(mounts, entry_of_a_directory_that_is_renamed)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, renameat(self->sub, "dir", self->sub, "new"));
	ASSERT_EQ(0, rename(SUB, MNT "/moved"));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, MNT "/moved/dir");
	EXPECT_TOLD(FAN_RENAME | FAN_ONDIR,
		    OLD_PATH_IS(0, MNT "/moved/dir"),
		    NEW_PATH_IS(0, MNT "/moved/new"));
	EXPECT_PATH(FAN_MOVED_FROM | FAN_ONDIR, 0, MNT "/moved/dir");
	EXPECT_PATH(FAN_MOVED_TO | FAN_ONDIR, 0, MNT "/moved/new");
	EXPECT_NO_MORE();
}

/* It is the directory that is gone, or not, and not the entry. */
TEST_F(mounts, entry_of_a_directory_that_is_deleted)
{
	ASSERT_EQ(0, unlinkat(self->sub, "file", 0));
	EXPECT_PATH(FAN_DELETE, 0, SUB_FILE);
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, unlinkat(self->sub, "dir", AT_REMOVEDIR));
	ASSERT_EQ(0, rmdir(SUB));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, FAN_PATH_DELETED, SUB "/dir");
	EXPECT_PATH(FAN_DELETE | FAN_ONDIR, FAN_PATH_DELETED, SUB "/dir");
	EXPECT_NO_MORE();
}

/* In the root directories of file systems */
TEST_F(mounts, entry_of_a_root)
{
	ASSERT_EQ(0, mark_path(self->sock, MNT, FAN_CREATE | FAN_ONDIR, 0));
	ASSERT_EQ(0, mark_path(self->sock, "/", FAN_CREATE | FAN_ONDIR, 0));
	ASSERT_EQ(0, mkdir(MNT "/dir", 0755));
	ASSERT_EQ(0, mkdir("/fanotify_dir", 0755));
	ASSERT_EQ(0, rmdir("/fanotify_dir"));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, MNT "/dir");
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, "/fanotify_dir");
	EXPECT_NO_MORE();
}

/* Of the mounts that begin at the root it is the first, however it was made. */
TEST_F(mounts, entry_seen_by_several_mounts)
{
	ASSERT_EQ(0, bind_mount(SUB, BIND));
	ASSERT_EQ(0, mkdir(BIND "/1", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/1");
	ASSERT_EQ(0, bind_mount(MNT, OTHER_MNT));
	ASSERT_EQ(0, mkdir(OTHER_MNT "/sub/2", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/2");

	/* The root can be had, even if something else could before that. */
	ASSERT_EQ(0, result(umount(BIND)));
	ASSERT_EQ(0, close(self->sub));
	self->sub = -1;
	ASSERT_EQ(0, result(umount(MNT)));
	ASSERT_EQ(0, bind_mount(OTHER_MNT "/sub", BIND));
	ASSERT_EQ(0, bind_mount(OTHER_MNT, MNT));
	ASSERT_EQ(0, result(umount(OTHER_MNT)));
	ASSERT_EQ(0, mkdir(BIND "/3", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/3");

	/* And if it cannot, what there is. */
	ASSERT_EQ(0, result(umount(MNT)));
	ASSERT_EQ(0, mkdir(BIND "/4", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, BIND "/4");
	ASSERT_EQ(0, bind_mount(BIND, MNT));
	ASSERT_EQ(0, mkdir(MNT "/5", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, BIND "/5");
	EXPECT_NO_MORE();
}

/* A mount that shows something else leads nowhere. */
TEST_F(mounts, entry_that_no_mount_shows)
{
	ASSERT_EQ(0, mkdir(MNT "/shown", 0755));
	ASSERT_EQ(0, bind_mount(MNT "/shown", BIND));
	ASSERT_EQ(0, umount2(MNT, MNT_DETACH));
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, FAN_PATH_UNREACHABLE, "/sub/dir");
}

/* What others have mounted is not the reader's. */
TEST_F(mounts, not_mounted_where_the_reader_is)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, renameat(self->sub, "dir", self->sub, "new"));
	ASSERT_EQ(0, open_close(SUB_FILE, O_RDONLY));
	IN_CHILD({
		close(self->sub);
		EXPECT_EQ(0, unshare(CLONE_NEWNS));
		EXPECT_EQ(0, result(umount(MNT)));
		EXPECT_PATH(FAN_CREATE | FAN_ONDIR, FAN_PATH_UNREACHABLE,
			    "/sub/dir");
		EXPECT_TOLD(FAN_RENAME | FAN_ONDIR,
			    OLD_PATH_IS(FAN_PATH_UNREACHABLE, "/sub/dir"),
			    NEW_PATH_IS(FAN_PATH_UNREACHABLE, "/sub/new"));
		EXPECT_PATH(FAN_MOVED_FROM | FAN_ONDIR, FAN_PATH_UNREACHABLE,
			    "/sub/dir");
		EXPECT_PATH(FAN_MOVED_TO | FAN_ONDIR, FAN_PATH_UNREACHABLE,
			    "/sub/new");
		/* That is known to be reached by a mount of others. */
		EXPECT_PATH(FAN_OPEN, FAN_PATH_UNREACHABLE, SUB_FILE);
		EXPECT_NO_MORE();
	});
}

/* The reader's own mounts are those that count. */
TEST_F(mounts, mounted_elsewhere_where_the_reader_is)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	IN_CHILD({
		EXPECT_EQ(0, unshare(CLONE_NEWNS));
		EXPECT_EQ(0, result(mount(MNT, OTHER_MNT, NULL, MS_MOVE,
					  NULL)));
		EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, OTHER_MNT "/sub/dir");
	});
}

/* Opened by somebody who has mounts of his own, and still has them */
TEST_F(mounts, opened_where_the_reader_is_not)
{
	int ready[2], go[2];
	pid_t child;
	char c;

	ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		if (unshare(CLONE_NEWNS) || bind_mount(SUB, BIND) ||
		    open_close(BIND "/file", O_RDONLY) || mkdir(BIND "/dir", 0755))
			_exit(1);
		_exit(write(ready[1], "x", 1) != 1 || read(go[0], &c, 1));
	}
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EXPECT_PATH(FAN_OPEN, FAN_PATH_UNREACHABLE, BIND "/file");
	/* This is about no mount, and the reader has one that will do. */
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/dir");
	ASSERT_EQ(0, close(go[1]));
	ASSERT_EQ(0, exit_status(child));
}

/* An event whose path is to be told holds the file system until it is read. */
TEST_F(mounts, unmounted)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, unlinkat(self->sub, "file", 0));
	ASSERT_EQ(0, close(self->sub));
	self->sub = -1;
	EXPECT_EQ(-EBUSY, result(umount(MNT)));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, 0, SUB "/dir");
	EXPECT_PATH(FAN_DELETE, 0, SUB_FILE);
	EXPECT_NO_MORE();
	EXPECT_EQ(0, result(umount(MNT)));
}

/* Who does not want to wait for that leaves no path. */
TEST_F(mounts, unmounted_lazily)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, renameat(self->sub, "dir", self->sub, "new"));
	ASSERT_EQ(0, close(self->sub));
	self->sub = -1;
	ASSERT_EQ(0, umount2(MNT, MNT_DETACH));
	EXPECT_PATH(FAN_CREATE | FAN_ONDIR, FAN_PATH_UNREACHABLE, "/sub/dir");
	EXPECT_TOLD(FAN_RENAME | FAN_ONDIR,
		    OLD_PATH_IS(FAN_PATH_UNREACHABLE, "/sub/dir"),
		    NEW_PATH_IS(FAN_PATH_UNREACHABLE, "/sub/new"));
	EXPECT_PATH(FAN_MOVED_FROM | FAN_ONDIR, FAN_PATH_UNREACHABLE,
		    "/sub/dir");
	EXPECT_PATH(FAN_MOVED_TO | FAN_ONDIR, FAN_PATH_UNREACHABLE, "/sub/new");
	EXPECT_NO_MORE();
}

/* One that nobody will read holds nothing. */
TEST_F(mounts, unmounted_after_the_end)
{
	ASSERT_EQ(0, mkdirat(self->sub, "dir", 0755));
	ASSERT_EQ(0, close(self->sub));
	self->sub = -1;
	EXPECT_EQ(-EBUSY, result(umount(MNT)));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, result(umount(MNT)));
}

/* What an event of a directory keeps: for a path the mount, else nothing. */
FIXTURE(device)
{
	char dev[32];
	int sock;
	struct reader r;
};

FIXTURE_VARIANT(device) {
	__u32 report;
};

FIXTURE_VARIANT_ADD(device, path) {
	.report = FAN_REPORT_PATH,
};

FIXTURE_VARIANT_ADD(device, handles) {
	.report = FAN_REPORT_DFID_NAME_TARGET,
};

FIXTURE_SETUP(device)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	ASSERT_EQ(0, make_ext4(TMP "/image"));
	ASSERT_LE(0, loop_attach(TMP "/image", O_RDWR, self->dev));
	ASSERT_EQ(0, result(mount(self->dev, MNT, "ext4", 0, NULL)));
	self->sock = telling_listener(0, variant->report | FAN_REPORT_NOFD);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, mark_path(self->sock, MNT,
			       ENTRY_EVENTS | SELF_EVENTS | FAN_ONDIR, 0));
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(device)
{
	close(self->sock);
}

/* That is: by nothing that is mounted. */
static int open_unused(const char *dev)
{
	return open_close(dev, O_RDONLY | O_EXCL);
}

TEST_F(device, of_a_queued_event)
{
	bool kept = variant->report & FAN_REPORT_PATH;

	ASSERT_EQ(0, mkdir(MNT "/dir", 0755));
	ASSERT_EQ(0, chmod(MNT, 0700));
	ASSERT_EQ(0, rename(MNT "/dir", MNT "/new"));
	EXPECT_EQ(kept ? -EBUSY : 0, result(umount(MNT)));
	EXPECT_EQ(kept ? -EBUSY : 0, open_unused(self->dev));
	/* Created, changed, renamed thrice over */
	EXPECT_EQ(5, drain_told(&self->r));
	EXPECT_EQ(0, kept ? result(umount(MNT)) : 0);
	EXPECT_EQ(0, open_unused(self->dev));
}

TEST_F(device, of_an_event_that_is_never_read)
{
	bool kept = variant->report & FAN_REPORT_PATH;

	ASSERT_EQ(0, mkdir(MNT "/dir", 0755));
	EXPECT_EQ(kept ? -EBUSY : 0, result(umount(MNT)));
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(0, kept ? result(umount(MNT)) : 0);
	EXPECT_EQ(0, open_unused(self->dev));
}

/* A global listener hears of files that are nowhere. */
TEST(memfd)
{
	int sock = telling_listener(FAN_GLOBAL_LISTENER | FAN_MODIFY,
				    FAN_REPORT_PATH);
	const struct fanotify_event_info_path *info;
	const struct fanotify_so_event_metadata *ev;
	struct reader *r = malloc(sizeof(*r));
	int fd = memfd_create("some name", MFD_CLOEXEC);
	struct stat st;
	int ret;

	ASSERT_NE(NULL, r);
	ASSERT_LE(0, sock);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	reader_init(r, sock);
	ASSERT_EQ(1, write(fd, "x", 1));
	while ((ret = take_told(r, &ev)) == 1 && !is_file(ev->fd, &st))
		close_told(ev);
	ASSERT_EQ(1, ret);
	EXPECT_EQ(FAN_MODIFY, ev->mask);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(FAN_PATH_UNREACHABLE, info->flags & ~FAN_PATH_DELETED);
	EXPECT_EQ('/', info->path[0]);
	close_told(ev);
	close(fd);
	close(sock);
	free(r);
}

TEST_HARNESS_MAIN
