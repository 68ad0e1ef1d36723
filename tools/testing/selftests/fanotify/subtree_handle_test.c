// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: files that are opened by handle, of which it may not be
 * known whether they are in a subtree
 */

#define _GNU_SOURCE
#include "sentry.h"
#include "subtree.h"

#define DIR_PATH TREE "/dir"
#define FILE_PATH DIR_PATH "/file"
#define OUT_DIR BESIDE "/dir"
#define OUT_FILE OUT_DIR "/file"

/* A handle, and the file that it is of */
struct held {
	struct stat st;
	union {
		struct file_handle handle;
		unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

static struct held in_file, in_dir, out_file, out_dir;

/* A file system of whose files nothing is in memory */
FIXTURE(handle)
{
	int sock;
	/* To see that something did happen */
	int witness;
};

/* Why not */
FIXTURE_VARIANT(handle) {
	bool mounted_anew;
};

FIXTURE_VARIANT_ADD(handle, mounted_anew) {
	.mounted_anew = true,
};

FIXTURE_VARIANT_ADD(handle, forgotten) {
	.mounted_anew = false,
};

/* 0 or -errno */
static int hold(struct held *held, const char *path)
{
	int mount;

	held->handle.handle_bytes = MAX_HANDLE_SZ;
	if (stat(path, &held->st))
		return -errno;
	return result(name_to_handle_at(AT_FDCWD, path, &held->handle, &mount,
					0));
}

/* A descriptor or -errno */
static int open_held(struct held *held, int flags)
{
	int mount = open(PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (mount < 0)
		return -errno;
	fd = result(open_by_handle_at(mount, &held->handle, flags | O_CLOEXEC));
	close(mount);
	return fd;
}

FIXTURE_SETUP(handle)
{
	char dev[32];

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, make_ext4(TMP "/image"));
	ASSERT_LE(0, loop_attach(TMP "/image", O_RDWR, dev));
	ASSERT_EQ(0, result(mount(dev, PLACE, "ext4", 0, NULL)));
	ASSERT_EQ(0, mkdir(TREE, 0755));
	ASSERT_EQ(0, mkdir(BESIDE, 0755));
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(OUT_DIR, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(OUT_FILE, SCRIPT));
	ASSERT_EQ(0, hold(&in_file, FILE_PATH));
	ASSERT_EQ(0, hold(&in_dir, DIR_PATH));
	ASSERT_EQ(0, hold(&out_file, OUT_FILE));
	ASSERT_EQ(0, hold(&out_dir, OUT_DIR));
	if (variant->mounted_anew) {
		ASSERT_EQ(0, result(umount(PLACE)));
		ASSERT_EQ(0, result(mount(dev, PLACE, "ext4", 0, NULL)));
	}
	self->sock = subtree_listener(ALL_EVENTS, 0);
	ASSERT_LE(0, self->sock);
	self->witness = deaf_listener();
	ASSERT_LE(0, self->witness);
	ASSERT_EQ(0, mark_path(self->witness, PLACE, FAN_ON_FILESYSTEM |
			       FAN_OPEN, 0));
	if (!variant->mounted_anew) {
		sync();
		ASSERT_EQ(0, write_knob("/proc/sys/vm/drop_caches", "2"));
		ASSERT_EQ(0, write_knob("/proc/sys/vm/drop_caches", "2"));
	}
}

FIXTURE_TEARDOWN(handle)
{
	close(self->sock);
	close(self->witness);
}

/* Whether the kernel knows a way to what is open, it tells by the path. */
static bool is_known(int fd)
{
	char path[64], link[256] = "";

	sprintf(path, "/proc/self/fd/%d", fd);
	return readlink(path, link, sizeof(link) - 1) > 1;
}

/* Nothing is told of a file of which it is not known where it is. */
TEST_F(handle, file)
{
	struct held *held[] = { &in_file, &out_file };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(held); i++) {
		int fd = open_held(held[i], O_RDWR);
		char c;

		ASSERT_LE(0, fd);
		ASSERT_FALSE(is_known(fd));
		ASSERT_EQ(1, read(fd, &c, 1));
		ASSERT_EQ(1, write(fd, "x", 1));
		ASSERT_EQ(0, close(fd));
		EXPECT_EQ(0, own_events(self->sock));
		EXPECT_EQ(FAN_OPEN, heard_of(self->witness, &held[i]->st));
	}
	/* By its path it is told of. */
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  heard_of(self->sock, &in_file.st));
}

/* One that is known is found by its handle as well as by its path. */
TEST_F(handle, known_file)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, stat(OUT_FILE, &st));
	fd = open_held(&in_file, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(is_known(fd));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE,
		  heard_of(self->sock, &in_file.st));
	fd = open_held(&out_file, O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(is_known(fd));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, own_events(self->sock));
}

/* Of a directory the way up is always found. */
TEST_F(handle, directory)
{
	int fd, file;
	char c;

	ASSERT_EQ(0, mark_subtree(self->sock, TREE, ALL_EVENTS | FAN_ONDIR, 0));
	fd = open_held(&in_dir, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(is_known(fd));
	/* The kernel looks for its name in the one above, which is heard, too. */
	EXPECT_EQ(FAN_OPEN, all_events(self->sock, &in_dir.st));
	/* And with it that to what is in it */
	file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	ASSERT_EQ(1, read(file, &c, 1));
	ASSERT_EQ(0, close(file));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  heard_of(self->sock, &in_file.st));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of(self->sock, &in_dir.st));

	fd = open_held(&out_dir, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	file = openat(fd, "file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, close(file));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, own_events(self->sock));
}

/* What is done in a child */
static long do_open_held(struct held *held, int flags)
{
	int fd = open_held(held, flags);

	return fd < 0 ? fd : result(close(fd));
}

static long do_in_file(const char *path)
{
	return do_open_held(&in_file, O_RDONLY);
}

static long do_out_file(const char *path)
{
	return do_open_held(&out_file, O_RDONLY);
}

static long do_in_dir(const char *path)
{
	return do_open_held(&in_dir, O_RDONLY | O_DIRECTORY);
}

static long do_out_dir(const char *path)
{
	return do_open_held(&out_dir, O_RDONLY | O_DIRECTORY);
}

/* Who guards the tree is asked, since that file may be in it. */
TEST_F(handle, guard)
{
	int sock = subtree_listener(FAN_OPEN_PERM | FAN_ONDIR, 0);

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	EXPECT_EQ(-EPERM, asks(sock, &in_file.st, do_in_file, NULL, FAN_DENY));
	EXPECT_EQ(1, asks(sock, &in_file.st, do_in_file, NULL, FAN_ALLOW));
	EXPECT_EQ(-EPERM, asks(sock, &out_file.st, do_out_file, NULL,
			       FAN_DENY));
	EXPECT_EQ(1, asks(sock, &out_file.st, do_out_file, NULL, FAN_ALLOW));
	/* Where the way is known there is no doubt. */
	EXPECT_EQ(-EPERM, asks(sock, &in_dir.st, do_in_dir, NULL, FAN_DENY));
	EXPECT_EQ(0, asks(sock, &out_dir.st, do_out_dir, NULL, FAN_DENY));
	EXPECT_EQ(0, asks(sock, &out_file.st, do_open, OUT_FILE, FAN_DENY));
	EXPECT_EQ(-EPERM, asks(sock, &in_file.st, do_open, FILE_PATH,
			       FAN_DENY));
	ASSERT_EQ(0, close(sock));
}

/* Without a mark that asks, nothing is asked of what might be in the tree. */
TEST_F(handle, no_guard)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, do_in_file, NULL));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, take_event(self->sock, &ev));
}

TEST_HARNESS_MAIN
