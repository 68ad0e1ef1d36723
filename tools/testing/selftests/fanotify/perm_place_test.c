// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what is asked on file systems that lie on top of others
 */

#define _GNU_SOURCE
#include "guard.h"
#include "marks.h"
#include "place.h"

#define TEXT "text of the file"

#define OPEN_AND_ACCESS (FAN_OPEN_PERM | FAN_ACCESS_PERM)

/* The overlay and what it is made of, in one file system's files */
#define LOWER TMP "/layers/lower/file"
#define UPPER TMP "/layers/upper/file"
#define FILE_PATH PLACE "/file"

FIXTURE(overlay)
{
	struct guard guard;
};

FIXTURE_SETUP(overlay)
{
	static const char * const names[] = { "file", NULL };

	make_place(_metadata, ON_OVERLAY_OF_EXT4, names, TEXT);
}

FIXTURE_TEARDOWN(overlay) {}

static long do_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	long ret;

	if (fd < 0)
		return -errno;
	ret = result(pwrite(fd, "TEXT", 4, 0));
	close(fd);
	return ret < 0 ? ret : 0;
}

/* A guard of everything: what is on top comes first. */
TEST_F(overlay, order)
{
	struct guard *guard = &self->guard;
	struct doer doer;

	ASSERT_EQ(0, guard_start(guard, global_listener(OPEN_AND_ACCESS), 1));
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_STREQ("OPEN place/file, OPEN /file, ACCESS place/file, ACCESS /file",
		     guard_story(guard, doer.pid));

	guard_deny(guard, "/file", FAN_ACCESS_PERM);
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	guard_deny(guard, "/file", FAN_OPEN_PERM);
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	guard_deny(guard, "place/file", FAN_OPEN_PERM);
	ASSERT_TRUE(doer_start(&doer, do_read, FILE_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_STREQ("OPEN place/file", guard_story(guard, doer.pid));
	EXPECT_EQ(0, guard_stop(guard));
}

/* Who opens it for writing makes the copy, from what may be refused, too. */
TEST_F(overlay, copy_up)
{
	struct guard *guard = &self->guard;
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, guard_start(guard, global_listener(OPEN_AND_ACCESS), 1));
	guard_deny(guard, "/file", OPEN_AND_ACCESS);
	ASSERT_TRUE(doer_start(&doer, do_write, FILE_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(-ENOENT, result(stat(UPPER, &st)));

	guard_deny(guard, NULL, 0);
	ASSERT_TRUE(doer_start(&doer, do_write, FILE_PATH));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, result(stat(UPPER, &st)));
	EXPECT_EQ(1, guard_asked(guard, "place/file", FAN_OPEN_PERM));
	/* That below, to copy from, and then the copy */
	EXPECT_EQ(2, guard_asked(guard, "/file", FAN_OPEN_PERM));
	EXPECT_LE(1, guard_asked(guard, "/file", FAN_ACCESS_PERM));
	EXPECT_EQ(0, guard_stop(guard));
}

static long do_read_new(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4];

	if (fd < 0)
		return -errno;
	if (read(fd, text, 4) != 4)
		return -EIO;
	close(fd);
	return memcmp(text, "TEXT", 4) ? -ESTALE : 0;
}

/* Is asked about the lower file, and opens the upper one in the end. */
TEST_F(overlay, copied_up_while_asked)
{
	struct fanotify_so_event_metadata ev;
	int sock = deaf_listener();
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_TRUE(doer_start(&doer, do_read_new, FILE_PATH));
	ASSERT_EQ(0, next_event(sock, &st, &ev));
	ASSERT_EQ(0, do_write(FILE_PATH));
	ASSERT_EQ(0, result(stat(UPPER, &st)));
	EXPECT_FALSE(doer_returned(&doer, 0));
	ASSERT_EQ(0, answer(sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
	close_event(&ev);
	close(sock);
}

/*
 * While the copier waits for the answer about the lower file, others open,
 * read and stat the same file.
 */
TEST_F(overlay, asked_while_copying_up)
{
	struct fanotify_so_event_metadata ev, ev2;
	int sock = deaf_listener();
	struct doer copier, reader;
	struct stat st;

	ASSERT_EQ(0, mark_path(sock, LOWER, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, stat(LOWER, &st));
	ASSERT_TRUE(doer_start(&copier, do_write, FILE_PATH));
	ASSERT_EQ(0, next_event(sock, &st, &ev));
	close_event(&ev);
	/* This one is not asked. */
	EXPECT_EQ(0, do_read(FILE_PATH));
	EXPECT_EQ(0, result(stat(FILE_PATH, &st)));
	/* This one is, for itself. */
	ASSERT_EQ(0, stat(LOWER, &st));
	ASSERT_TRUE(doer_start(&reader, do_read, FILE_PATH));
	ASSERT_EQ(0, next_event(sock, &st, &ev2));
	EXPECT_EQ(reader.pid, ev2.tgid);
	close_event(&ev2);
	EXPECT_EQ(0, answer(sock, ev2.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&reader));
	EXPECT_FALSE(doer_returned(&copier, 0));
	EXPECT_EQ(0, answer(sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&copier));
	close(sock);
}

/*
 * A guard of everything, with one thread, that reads what it is asked about:
 * the reads that this causes further below are not asked about, or it would
 * wait for itself.
 */
FIXTURE(stacked)
{
	char dev[32];
	int loop;
	struct guard guard;
};

FIXTURE_VARIANT(stacked)
{
	bool overlay;
};

FIXTURE_VARIANT_ADD(stacked, loop) {
	.overlay = false,
};

FIXTURE_VARIANT_ADD(stacked, overlay_over_loop) {
	.overlay = true,
};

#define NFILES 8

/* Larger than what is read ahead of the first read */
#define FILE_SIZE (128 << 10)

FIXTURE_SETUP(stacked)
{
	static char text[FILE_SIZE];
	char path[64];
	int i, fd;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers", 0755));
	ASSERT_EQ(0, mkdir(TMP "/disk", 0755));
	ASSERT_EQ(0, make_ext4(TMP "/disk/image"));
	self->loop = loop_attach(TMP "/disk/image", O_RDWR, self->dev);
	ASSERT_LE(0, self->loop);
	ASSERT_EQ(0, mount(self->dev, TMP "/layers", "ext4", 0, NULL));
	make_layers(_metadata);
	memset(text, 'x', sizeof(text));
	for (i = 0; i < NFILES; i++) {
		sprintf(path, TMP "/layers/lower/file%d", i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		ASSERT_LE(0, fd);
		ASSERT_EQ(FILE_SIZE, write(fd, text, sizeof(text)));
		close(fd);
	}
	ASSERT_EQ(0, umount(TMP "/layers"));
	ASSERT_EQ(0, close(self->loop));

	/* All that follows is guarded, and nothing is in memory yet. */
	ASSERT_EQ(0, guard_start(&self->guard,
				 global_listener(OPEN_AND_ACCESS), 1));
	self->loop = loop_attach(TMP "/disk/image", O_RDWR, self->dev);
	ASSERT_LE(0, self->loop);
	ASSERT_EQ(0, result(mount(self->dev, TMP "/layers", "ext4", 0, NULL)));
	if (variant->overlay)
		mount_overlay(_metadata);
	else
		ASSERT_EQ(0, mount(TMP "/layers/lower", PLACE, NULL, MS_BIND,
				   NULL));
}

FIXTURE_TEARDOWN(stacked)
{
	EXPECT_EQ(0, guard_stop(&self->guard));
	close(self->loop);
}

static long do_read_all(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char text[4096];
	ssize_t len;

	if (fd < 0)
		return -errno;
	while ((len = read(fd, text, sizeof(text))) > 0)
		;
	if (len || pwrite(fd, text, 1, 0) != 1 || fsync(fd))
		return -errno;
	close(fd);
	return 0;
}

TEST_F(stacked, one_thread)
{
	struct doer doers[NFILES];
	const struct question *q;
	char path[64];
	int i;

	for (i = 0; i < NFILES; i++) {
		sprintf(path, PLACE "/file%d", i);
		ASSERT_TRUE(doer_start(&doers[i], do_read_all, path));
	}
	for (i = 0; i < NFILES; i++)
		EXPECT_EQ(0, doer_result(&doers[i]));
	EXPECT_LE(1, guard_asked(&self->guard, "place/file0", FAN_OPEN_PERM));
	EXPECT_LE(1, guard_asked(&self->guard, "place/file0", FAN_ACCESS_PERM));
	/* The image was asked about when it was opened, and not by a worker. */
	EXPECT_EQ(1, guard_asked(&self->guard, "disk/image", FAN_OPEN_PERM));
	EXPECT_EQ(0, guard_asked(&self->guard, "disk/image", FAN_ACCESS_PERM));
	pthread_mutex_lock(&self->guard.lock);
	EXPECT_GE(MAX_ASKED, self->guard.nasked);
	for (q = self->guard.asked; q - self->guard.asked < MAX_ASKED &&
	     q - self->guard.asked < self->guard.nasked; q++)
		EXPECT_NE(0, q->tgid);
	pthread_mutex_unlock(&self->guard.lock);
}

TEST_HARNESS_MAIN
