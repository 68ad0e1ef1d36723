// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: file systems that come and go under a global listener
 */

#define _GNU_SOURCE
#include <sys/prctl.h>

#include "common.h"

/* A file system that is mounted while the listener is there. */
FIXTURE(mounted)
{
	int sock;
	char dev[32];
};

FIXTURE_VARIANT(mounted) {
	const char *type;
};

FIXTURE_VARIANT_ADD(mounted, tmpfs) {
	.type = "tmpfs",
};

FIXTURE_VARIANT_ADD(mounted, ext4) {
	.type = "ext4",
};

FIXTURE_SETUP(mounted)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/a", 0755));
	ASSERT_EQ(0, mkdir(TMP "/b", 0755));
	if (!strcmp(variant->type, "ext4")) {
		ASSERT_EQ(0, make_ext4(TMP "/image"));
		/* The device goes with the test. */
		ASSERT_LE(0, loop_attach(TMP "/image", O_RDWR, self->dev));
	} else {
		sprintf(self->dev, "fanotify_test");
	}
	self->sock = global_listener(ALL_EVENTS);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, result(mount(self->dev, TMP "/a", variant->type, 0,
				  NULL)));
}

FIXTURE_TEARDOWN(mounted)
{
	close(self->sock);
	umount2(TMP "/a", MNT_DETACH);
	umount2(TMP "/b", MNT_DETACH);
}

TEST_F(mounted, is_heard)
{
	struct stat st;

	ASSERT_EQ(0, write_file(TMP "/a/file", "text"));
	ASSERT_EQ(0, stat(TMP "/a/file", &st));
	EXPECT_EQ(FAN_OPEN | FAN_MODIFY | FAN_CLOSE_WRITE,
		  all_events(self->sock, &st));
}

/* It is heard once, however often it is mounted. */
TEST_F(mounted, at_two_places)
{
	bool tmpfs = !strcmp(variant->type, "tmpfs");
	struct stat st;
	int fd;

	ASSERT_EQ(0, write_file(TMP "/a/file", "text"));
	ASSERT_EQ(0, stat(TMP "/a/file", &st));
	/* The same device brings the same superblock. */
	ASSERT_EQ(0, tmpfs ? mount(TMP "/a", TMP "/b", NULL, MS_BIND, NULL) :
			     mount(self->dev, TMP "/b", "ext4", 0, NULL));
	ASSERT_EQ(0, drain(self->sock));
	fd = open(TMP "/b/file", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, only_event(self->sock, &st));
}

/* A listener that has read its events does not hold the file system. */
TEST_F(mounted, unmounts_under_an_idle_listener)
{
	int late = global_listener(ALL_EVENTS);
	struct stat st;
	int i;

	/* One was there before the mount, one came after it. */
	ASSERT_LE(0, late);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, write_file(TMP "/a/file", "text"));
		EXPECT_EQ(0, drain(self->sock));
		EXPECT_EQ(0, drain(late));
		ASSERT_EQ(0, result(umount(TMP "/a")));
		/* Mounted again it is heard again. */
		ASSERT_EQ(0, mount(self->dev, TMP "/a", variant->type, 0,
				   NULL));
		ASSERT_EQ(0, write_file(TMP "/a/file", "text"));
		ASSERT_EQ(0, stat(TMP "/a/file", &st));
		EXPECT_NE(0, all_events(self->sock, &st) & FAN_MODIFY);
		EXPECT_NE(0, all_events(late, &st) & FAN_MODIFY);
	}
}

TEST(mounted_in_a_user_namespace)
{
	int sock = global_listener(FAN_MODIFY);
	struct fanotify_so_event_metadata ev;
	char text[8] = "";
	pid_t child;

	ASSERT_LE(0, sock);
	private_tmp(_metadata);
	ASSERT_EQ(0, chmod(TMP, 0777));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		/* Nobody's own file system is in reach of the listener. */
		if (become_nobody() || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) ||
		    unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
		    write_file("/proc/self/uid_map", "0 65534 1") ||
		    write_file("/proc/self/setgroups", "deny") ||
		    write_file("/proc/self/gid_map", "0 65534 1") ||
		    mount("fanotify_test", TMP, "tmpfs", 0, NULL))
			_exit(1);
		_exit(write_file(TMP "/file", "hidden") ? 2 : 0);
	}
	ASSERT_EQ(0, exit_status(child));
	do {
		ASSERT_EQ(1, take_event(sock, &ev));
	} while (ev.pid != child || pread(ev.fd, text, 6, 0) != 6 ||
		 strcmp(text, "hidden"));
}

/* Files that a child makes on file systems of its own. */
static int mount_and_write(int nr)
{
	while (nr--) {
		if (mount("fanotify_test", TMP "/m", "tmpfs", 0, NULL) ||
		    write_file(TMP "/m/file", "text") ||
		    umount2(TMP "/m", MNT_DETACH))
			return 1;
	}
	return 0;
}

#define NMOUNTS 40

/* Mounts, unmounts, binds and closes at once: none hinders another. */
TEST(mounts_against_binds)
{
	int sock, heard = 0, binds = 0, status;
	struct fanotify_so_event_metadata ev;
	pid_t child;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/m", 0755));
	sock = global_listener(FAN_CLOSE_WRITE);
	ASSERT_LE(0, sock);
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(mount_and_write(NMOUNTS));
	while (!waitpid(child, &status, WNOHANG)) {
		int other = global_listener(ALL_EVENTS);

		ASSERT_LE(0, other);
		ASSERT_EQ(0, close(other));
		binds++;
	}
	EXPECT_EQ(0, status);
	EXPECT_LT(0, binds);
	while (take_event(sock, &ev) > 0) {
		heard += ev.pid == child && ev.fd >= 0;
		close_event(&ev);
	}
	EXPECT_EQ(NMOUNTS, heard);
}

TEST_HARNESS_MAIN
