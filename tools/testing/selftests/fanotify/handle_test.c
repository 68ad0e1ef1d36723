// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what the handles and names of events are good for, and of
 * which moment they are
 */

#define _GNU_SOURCE
#include <limits.h>
#include <sys/statfs.h>

#include "fuse.h"
#include "marks.h"
#include "place.h"
#include "records.h"

#define FILE_PATH PLACE "/file"
#define NEW_PATH PLACE "/new"
#define DIR_PATH PLACE "/dir"

/* For a handle that need not lead back to the file */
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif

/* A listener to one file system, a file on it and a directory */
FIXTURE(handle)
{
	int sock;
	struct reader r;
	struct stat file, dir;
};

FIXTURE_VARIANT(handle) {
	enum place place;
};

FIXTURE_VARIANT_ADD(handle, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(handle, ext4) {
	.place = ON_EXT4,
};

FIXTURE_SETUP(handle)
{
	static const char * const names[] = { "file", NULL };

	make_place(_metadata, variant->place, names, "text");
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, stat(FILE_PATH, &self->file));
	ASSERT_EQ(0, stat(PLACE, &self->dir));
	self->sock = telling_listener(0, FAN_REPORT_DFID_NAME_TARGET |
				      FAN_REPORT_NOFD);
	ASSERT_LE(0, self->sock);
	reader_init(&self->r, self->sock);
}

FIXTURE_TEARDOWN(handle)
{
	close(self->sock);
}

/* A copy, since what is read into is never so long as to be opened itself */
union handle {
	struct file_handle fh;
	char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

/* Opens what the record is about, or says -errno. */
static int open_handle(const struct fanotify_event_info_fid *fid, int flags)
{
	const struct file_handle *fh = handle_of(fid);
	int fd, mnt = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	union handle copy;

	memcpy(&copy, fh, sizeof(*fh) + fh->handle_bytes);
	fd = result(open_by_handle_at(mnt, &copy.fh, flags | O_CLOEXEC));
	close(mnt);
	return fd;
}

/* Is that the handle of the file @path, as it is got with these flags? */
static bool is_handle_by(const struct fanotify_event_info_fid *fid,
			 const char *path, int flags)
{
	union handle want = { .fh.handle_bytes = MAX_HANDLE_SZ };
	const struct file_handle *fh = handle_of(fid);
	int id;

	return !name_to_handle_at(AT_FDCWD, path, &want.fh, &id, flags) &&
	       fh->handle_bytes == want.fh.handle_bytes &&
	       fh->handle_type == want.fh.handle_type &&
	       !memcmp(fh->f_handle, want.fh.f_handle, fh->handle_bytes);
}

static bool is_handle(const struct fanotify_event_info_fid *fid,
		      const char *path)
{
	return is_handle_by(fid, path, 0);
}

/* Are these the record of the directory and that of a file in it? */
#define EXPECT_FIDS(ev, dir, name_, file) do { \
	const struct fanotify_event_info_fid *dfid_ = \
		fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME); \
	const struct fanotify_event_info_fid *fid_ = \
		fid_record(ev, FAN_EVENT_INFO_TYPE_FID); \
	\
	ASSERT_NE(NULL, dfid_); \
	ASSERT_NE(NULL, fid_); \
	EXPECT_TRUE(is_handle(dfid_, dir)); \
	EXPECT_STREQ(name_, name_behind(dfid_)); \
	EXPECT_TRUE(is_handle(fid_, file)); \
} while (0)

/* They lead there, by the handle or by that of the directory and the name. */
TEST_F(handle, opens_the_file)
{
	const struct fanotify_event_info_fid *dfid, *fid;
	const struct fanotify_so_event_metadata *ev;
	__u64 kept[32];
	int dir, fd;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(2, count_records(ev));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
	fid = fid_record(ev, FAN_EVENT_INFO_TYPE_FID);
	ASSERT_NE(NULL, dfid);
	ASSERT_NE(NULL, fid);

	fd = open_handle(fid, O_RDWR);
	EXPECT_TRUE(is_file(fd, &self->file));
	ASSERT_EQ(0, close(fd));
	dir = open_handle(dfid, O_RDONLY | O_DIRECTORY);
	EXPECT_TRUE(is_file(dir, &self->dir));
	fd = openat(dir, name_behind(dfid), O_RDONLY | O_CLOEXEC);
	EXPECT_TRUE(is_file(fd, &self->file));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, close(dir));

	/* Or nowhere, once no queued event holds it any more. */
	ASSERT_GE(sizeof(kept), fid->hdr.len);
	memcpy(kept, fid, fid->hdr.len);
	ASSERT_LT(0, drain_told(&self->r));
	ASSERT_EQ(0, unlink(FILE_PATH));
	fid = (const struct fanotify_event_info_fid *)kept;
	EXPECT_EQ(-ESTALE, open_handle(fid, O_RDONLY));
}

/* Those of a directory itself */
TEST_F(handle, of_a_directory)
{
	const struct fanotify_event_info_fid *dfid;
	const struct fanotify_so_event_metadata *ev;
	int fd;

	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_OPEN | FAN_ONDIR, 0));
	ASSERT_EQ(0, open_close(PLACE, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_ONDIR, ev->mask);
	EXPECT_EQ(1, count_records(ev));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
	ASSERT_NE(NULL, dfid);
	EXPECT_STREQ(".", name_behind(dfid));
	fd = open_handle(dfid, O_RDONLY | O_DIRECTORY);
	EXPECT_TRUE(is_file(fd, &self->dir));
	close(fd);
}

/* The file system that they belong to */
TEST_F(handle, fsid)
{
	const struct fanotify_event_info_fid *fid;
	const struct fanotify_so_event_metadata *ev;
	struct statfs fs;
	int round, global;

	ASSERT_EQ(0, statfs(PLACE, &fs));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	global = telling_listener(FAN_GLOBAL_LISTENER | FAN_OPEN,
				  FAN_REPORT_FID);
	ASSERT_LE(0, global);
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	for (round = 0; round < 2; round++) {
		int ret;

		while ((ret = take_told(&self->r, &ev)) == 1 && round &&
		       !is_file(ev->fd, &self->file))
			close_told(ev);
		ASSERT_EQ(1, ret);
		fid = fid_record(ev, FAN_EVENT_INFO_TYPE_FID);
		ASSERT_NE(NULL, fid);
		EXPECT_EQ(0, memcmp(&fid->fsid, &fs.f_fsid, sizeof(fid->fsid)));
		EXPECT_TRUE(is_handle(fid, FILE_PATH));
		close_told(ev);
		reader_init(&self->r, global);
	}
	close(global);
}

/* Handle and name are those of the moment when it happened. */
TEST_F(handle, renamed_before_the_reading)
{
	const struct fanotify_so_event_metadata *ev;

	ASSERT_EQ(0, mark_path(self->sock, PLACE,
			       FAN_OPEN | FAN_CREATE | FAN_EVENT_ON_CHILD, 0));
	ASSERT_EQ(0, write_file(NEW_PATH, "text"));
	ASSERT_EQ(0, rename(NEW_PATH, DIR_PATH "/moved"));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_CREATE, ev->mask);
	EXPECT_FIDS(ev, PLACE, "new", DIR_PATH "/moved");
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	EXPECT_FIDS(ev, PLACE, "new", DIR_PATH "/moved");
	EXPECT_EQ(0, drain_told(&self->r));
}

/* So what is done under another name is another event, */
TEST_F(handle, renamed_in_between)
{
	const struct fanotify_so_event_metadata *ev;
	int fd;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN | FAN_CLOSE, 0));
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, open_close(NEW_PATH, O_RDONLY));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN, ev->mask);
	EXPECT_FIDS(ev, PLACE, "file", NEW_PATH);
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, ev->mask);
	EXPECT_FIDS(ev, PLACE, "new", NEW_PATH);
	EXPECT_EQ(0, drain_told(&self->r));
}

/* unless nobody asks for that. */
TEST_F(handle, renamed_in_between_without_names)
{
	const struct fanotify_so_event_metadata *ev;
	int fd;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_FID | FAN_REPORT_NOFD));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN | FAN_CLOSE, 0));
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, ev->mask);
	EXPECT_EQ(0, drain_told(&self->r));
}

/* With a question it is the moment when it is read. */
TEST_F(handle, of_a_question)
{
	const struct fanotify_so_event_metadata *ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH,
			       FAN_OPEN_PERM | FAN_ACCESS_PERM, 0));
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	ASSERT_EQ(0, await_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN_PERM, ev->mask);
	EXPECT_EQ(2, count_records(ev));
	EXPECT_FIDS(ev, PLACE, "file", FILE_PATH);
	ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_ALLOW));

	ASSERT_EQ(1, poll(&(struct pollfd){ self->sock, POLLIN }, 1, WAIT_MS));
	ASSERT_EQ(0, rename(FILE_PATH, DIR_PATH "/moved"));
	ASSERT_EQ(0, await_told(&self->r, &ev));
	EXPECT_EQ(FAN_ACCESS_PERM, ev->mask);
	EXPECT_FIDS(ev, DIR_PATH, "moved", DIR_PATH "/moved");
	ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* A directory has a name of its own for that. */
TEST_F(handle, of_a_question_about_a_directory)
{
	const struct fanotify_event_info_fid *dfid;
	const struct fanotify_so_event_metadata *ev;
	struct doer doer;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT,
			     FAN_SO_MAX_TIMEOUT));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH,
			       FAN_OPEN_PERM | FAN_ONDIR, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, DIR_PATH));
	ASSERT_EQ(0, await_told(&self->r, &ev));
	EXPECT_EQ(FAN_OPEN_PERM | FAN_ONDIR, ev->mask);
	EXPECT_EQ(1, count_records(ev));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
	ASSERT_NE(NULL, dfid);
	EXPECT_TRUE(is_handle(dfid, DIR_PATH));
	EXPECT_STREQ(".", name_behind(dfid));
	ASSERT_EQ(0, answer(self->sock, ev->cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
}

/* A name can have any bytes, and as many as the file system allows. */
TEST_F(handle, with_every_byte)
{
	const struct fanotify_event_info_fid *dfid;
	const struct fanotify_so_event_metadata *ev;
	char path[PATH_MAX] = PLACE "/x";
	char *name = path + strlen(path);
	int byte;

	for (byte = 1; byte < 256; byte++) {
		if (byte != '/')
			*name++ = byte;
	}
	*name = 0;
	name = path + strlen(PLACE "/");
	ASSERT_EQ(NAME_MAX, strlen(name));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_CREATE | FAN_DELETE, 0));
	ASSERT_EQ(0, write_file(path, "text"));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_FIDS(ev, PLACE, name, path);
	ASSERT_EQ(0, unlink(path));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
	ASSERT_NE(NULL, dfid);
	EXPECT_STREQ(name, name_behind(dfid));
}

/* One that is told of both directories, without names */
TEST_F(handle, of_a_rename_without_names)
{
	static const __u32 reports[] = {
		FAN_REPORT_DIR_FID, FAN_REPORT_DIR_FID | FAN_REPORT_FID,
	};
	const struct fanotify_event_info_fid *old, *new;
	const struct fanotify_so_event_metadata *ev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reports); i++) {
		ASSERT_EQ(0, set_report(self->sock, reports[i]));
		ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_RENAME, 0));
		ASSERT_EQ(0, rename(FILE_PATH, DIR_PATH "/moved"));
		ASSERT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(FAN_RENAME, ev->mask);
		EXPECT_EQ(1, count_records(ev));
		old = fid_record(ev, FAN_EVENT_INFO_TYPE_OLD_DFID);
		ASSERT_NE(NULL, old);
		EXPECT_TRUE(is_handle(old, PLACE));

		ASSERT_EQ(0, rename(DIR_PATH "/moved", FILE_PATH));
		ASSERT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(1, count_records(ev));
		new = fid_record(ev, FAN_EVENT_INFO_TYPE_NEW_DFID);
		ASSERT_NE(NULL, new);
		EXPECT_TRUE(is_handle(new, PLACE));

		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, FAN_RENAME, 0));
		ASSERT_EQ(0, rename(FILE_PATH, DIR_PATH "/moved"));
		ASSERT_EQ(1, take_told(&self->r, &ev));
		EXPECT_EQ(2, count_records(ev));
		old = fid_record(ev, FAN_EVENT_INFO_TYPE_OLD_DFID);
		new = fid_record(ev, FAN_EVENT_INFO_TYPE_NEW_DFID);
		ASSERT_NE(NULL, old);
		ASSERT_NE(NULL, new);
		EXPECT_TRUE(is_handle(old, PLACE));
		EXPECT_TRUE(is_handle(new, DIR_PATH));

		ASSERT_EQ(0, rename(DIR_PATH "/moved", FILE_PATH));
		EXPECT_EQ(1, drain_told(&self->r));
		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0, 0));
		ASSERT_EQ(0, mark_path(self->sock, PLACE, 0, 0));
	}
}

/* All that there is, at once; check_records() knows the order. */
TEST_F(handle, with_everything)
{
	static const int types[] = {
		FAN_EVENT_INFO_TYPE_OLD_PATH, FAN_EVENT_INFO_TYPE_NEW_PATH,
		FAN_EVENT_INFO_TYPE_OLD_DFID_NAME,
		FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, FAN_EVENT_INFO_TYPE_FID,
		FAN_EVENT_INFO_TYPE_PIDFD,
	};
	const struct fanotify_so_event_metadata *ev;
	size_t i;

	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_DFID_NAME_TARGET |
				FAN_REPORT_PATH | FAN_REPORT_PIDFD));
	ASSERT_EQ(0, mark_path(self->sock, PLACE, FAN_RENAME, 0));
	ASSERT_EQ(0, rename(FILE_PATH, NEW_PATH));
	ASSERT_EQ(1, take_told(&self->r, &ev));
	EXPECT_EQ(FAN_RENAME, ev->mask);
	EXPECT_EQ(FAN_NOFD, ev->fd);
	EXPECT_EQ(ARRAY_SIZE(types), count_records(ev));
	for (i = 0; i < ARRAY_SIZE(types); i++)
		EXPECT_NE(NULL, find_record(ev, types[i]));
	EXPECT_TRUE(is_handle(fid_record(ev, FAN_EVENT_INFO_TYPE_FID),
			      NEW_PATH));
	close_told(ev);
}

/* A file system that has no such handles is given some, to tell files by. */
TEST(of_a_file_that_cannot_be_opened_so)
{
	const struct fanotify_event_info_fid *dfid, *fid;
	const struct fanotify_so_event_metadata *ev;
	struct reader *r = malloc(sizeof(*r));
	int sock;

	ASSERT_NE(NULL, r);
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, result(mount("fanotify_test", PLACE, "ramfs", 0, NULL)));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	sock = telling_listener(0, FAN_REPORT_DFID_NAME_TARGET |
				FAN_REPORT_NOFD);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, PLACE, FAN_CREATE, 0));
	reader_init(r, sock);

	ASSERT_EQ(0, link(FILE_PATH, NEW_PATH));
	ASSERT_EQ(1, take_told(r, &ev));
	EXPECT_EQ(2, count_records(ev));
	dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
	fid = fid_record(ev, FAN_EVENT_INFO_TYPE_FID);
	ASSERT_NE(NULL, dfid);
	ASSERT_NE(NULL, fid);
	EXPECT_TRUE(is_handle_by(dfid, PLACE, AT_HANDLE_FID));
	EXPECT_STREQ("new", name_behind(dfid));
	EXPECT_TRUE(is_handle_by(fid, FILE_PATH, AT_HANDLE_FID));
	EXPECT_LT(0, handle_of(fid)->handle_bytes);
	EXPECT_EQ(-ESTALE, open_handle(fid, O_RDONLY));
	close(sock);
	free(r);
}

static long wait_in_bind(struct waiter *w)
{
	return telling_listener(FAN_GLOBAL_LISTENER | FAN_OPEN,
				FAN_REPORT_FID | FAN_REPORT_NOFD);
}

/* A server that would have to be asked for the fsid is not: it is 0. */
TEST(of_a_file_system_that_hangs)
{
	struct server server = { .reading = -1, .opening = -1, .go = -1 };
	static const __kernel_fsid_t none;
	const struct fanotify_event_info_fid *fid;
	const struct fanotify_so_event_metadata *ev;
	struct reader *r = malloc(sizeof(*r));
	struct waiter w;
	int ret, seen = 0;
	pid_t child;

	ASSERT_NE(NULL, r);
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/image", "text"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	child = start_server(&server);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, open_close(FUSE_FILE, O_RDONLY));

	ASSERT_EQ(0, kill(child, SIGSTOP));
	ASSERT_TRUE(waiter_run(&w, -1, wait_in_bind));
	EXPECT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_EQ(0, kill(child, SIGCONT));
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	ASSERT_LE(0, w.ret);

	reader_init(r, w.ret);
	ASSERT_EQ(0, open_close(FUSE_FILE, O_RDONLY));
	while ((ret = take_told(r, &ev)) > 0) {
		fid = fid_record(ev, FAN_EVENT_INFO_TYPE_FID);
		if (ev->tgid != getpid() || !fid ||
		    !is_handle(fid, FUSE_FILE))
			continue;
		EXPECT_EQ(0, memcmp(&none, &fid->fsid, sizeof(none)));
		seen++;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(1, seen);
	close(w.ret);
	EXPECT_EQ(0, result(umount(MNT)));
	EXPECT_EQ(0, exit_status(child));
	free(r);
}

/* Moves the file to and fro until it is told to stop. */
static void *move_main(void *arg)
{
	while (!__atomic_load_n((bool *)arg, __ATOMIC_ACQUIRE)) {
		if (rename(FILE_PATH, DIR_PATH "/another name") ||
		    rename(DIR_PATH "/another name", FILE_PATH))
			return (void *)1L;
	}
	return NULL;
}

/* Whatever is told was so at some time, and is nothing in between. */
TEST_F(handle, while_it_is_moved)
{
	int i, fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	const struct fanotify_event_info_path *path;
	const struct fanotify_event_info_fid *dfid;
	const struct fanotify_so_event_metadata *ev;
	bool stop = false;
	pthread_t thread;
	void *ret;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_report(self->sock, FAN_REPORT_PATH | FAN_REPORT_NOFD |
				FAN_REPORT_DFID_NAME_TARGET));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_MODIFY, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, move_main, &stop));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(1, pwrite(fd, "x", 1, 0));
		ASSERT_EQ(1, take_told(&self->r, &ev));
		path = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
		dfid = fid_record(ev, FAN_EVENT_INFO_TYPE_DFID_NAME);
		ASSERT_NE(NULL, path);
		ASSERT_NE(NULL, dfid);
		ASSERT_EQ(0, path->flags);
		ASSERT_TRUE(!strcmp(path->path, FILE_PATH) ||
			    !strcmp(path->path, DIR_PATH "/another name")) {
			TH_LOG("%s", path->path);
		}
		ASSERT_TRUE(is_handle(dfid, PLACE) ||
			    is_handle(dfid, DIR_PATH));
		ASSERT_TRUE(!strcmp(name_behind(dfid), "file") ||
			    !strcmp(name_behind(dfid), "another name")) {
			TH_LOG("%s", name_behind(dfid));
		}
		ASSERT_NE(NULL, fid_record(ev, FAN_EVENT_INFO_TYPE_FID));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	close(fd);
}

TEST_HARNESS_MAIN
