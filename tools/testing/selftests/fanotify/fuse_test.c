// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: file systems that hang or lie
 */

#define _GNU_SOURCE
#include "hanging.h"

/* Lets the mount go on: how it ends. */
static int finish_mount(int go, pid_t mounter)
{
	eventfd_write(go, 1);
	return exit_status(mounter);
}

static bool mount_hangs(pid_t mounter)
{
	return !waitpid(mounter, NULL, WNOHANG);
}

static long wait_in_bind(struct waiter *w)
{
	w->fd = global_listener(FAN_OPEN | FAN_ONDIR);
	return w->fd;
}

static long wait_in_close(struct waiter *w)
{
	return result(close(w->fd));
}

/* bind() does not wait for it, and hears the file system once it is there. */
TEST_F(hanging, bind)
{
	struct waiter w;
	struct stat st;

	ASSERT_TRUE(mount_hangs(self->mounter));
	ASSERT_TRUE(waiter_run(&w, -1, wait_in_bind));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_LE(0, w.ret);
	ASSERT_TRUE(mount_hangs(self->mounter));
	/* What is mounted is heard meanwhile. */
	ASSERT_EQ(0, stat(TMP "/m", &st));
	ASSERT_EQ(0, open_close(TMP "/m", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(w.fd, &st));

	ASSERT_EQ(0, finish_mount(self->go, self->mounter));
	ASSERT_EQ(0, stat(TMP "/m", &st));
	ASSERT_EQ(0, drain(w.fd));
	ASSERT_EQ(0, open_close(TMP "/m", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(w.fd, &st));
	EXPECT_EQ(0, result(umount(TMP "/m")));
	EXPECT_EQ(0, close(w.fd));
}

/* Nor does close(). */
TEST_F(hanging, close)
{
	struct waiter w;
	int sock;

	ASSERT_TRUE(waiter_run(&w, -1, wait_in_bind));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_LE(0, w.ret);
	sock = w.ret;
	ASSERT_TRUE(waiter_run(&w, sock, wait_in_close));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	EXPECT_EQ(0, w.ret);
	ASSERT_TRUE(mount_hangs(self->mounter));
	EXPECT_EQ(0, finish_mount(self->go, self->mounter));
}

/* And it may come to nothing. */
TEST_F(hanging, mount_fails)
{
	struct stat st;
	struct waiter w;

	ASSERT_TRUE(waiter_run(&w, -1, wait_in_bind));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_LE(0, w.ret);
	ASSERT_TRUE(mount_hangs(self->mounter));
	ASSERT_EQ(0, kill(self->server, SIGKILL));
	EXPECT_NE(0, exit_status(self->mounter));
	ASSERT_EQ(0, stat(TMP "/m", &st));
	ASSERT_EQ(0, drain(w.fd));
	ASSERT_EQ(0, open_close(TMP "/m", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(w.fd, &st));
}

/* The file can be opened by its user, and then not by the listener. */
FIXTURE(lying)
{
	int sock;
	pid_t server;
};

FIXTURE_VARIANT(lying) {
	int error;
	int fd;
};

FIXTURE_VARIANT_ADD(lying, eio) {
	.error = EIO,
	.fd = -EIO,
};

FIXTURE_VARIANT_ADD(lying, eacces) {
	.error = EACCES,
	.fd = -EACCES,
};

/* -EPERM is FAN_NOFD, which says that there is nothing to open. */
FIXTURE_VARIANT_ADD(lying, eperm) {
	.error = EPERM,
	.fd = -EACCES,
};

/* Not to be taken for an empty queue, nor for a signal. */
FIXTURE_VARIANT_ADD(lying, eagain) {
	.error = EAGAIN,
	.fd = -EAGAIN,
};

FIXTURE_VARIANT_ADD(lying, eintr) {
	.error = EINTR,
	.fd = -EINTR,
};

/* Not to be taken for a shortage of the reader's own, which ends a read. */
FIXTURE_VARIANT_ADD(lying, emfile) {
	.error = EMFILE,
	.fd = -EMFILE,
};

FIXTURE_VARIANT_ADD(lying, enfile) {
	.error = ENFILE,
	.fd = -ENFILE,
};

FIXTURE_VARIANT_ADD(lying, enomem) {
	.error = ENOMEM,
	.fd = -ENOMEM,
};

FIXTURE_SETUP(lying)
{
	struct server server = {
		.opens = 1,
		.open_error = variant->error,
		.reading = -1,
		.opening = -1,
	};

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/image", "text"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	self->server = start_server(&server);
	ASSERT_LT(0, self->server);
	self->sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(lying)
{
	close(self->sock);
	kill(self->server, SIGKILL);
}

TEST_F(lying, open)
{
	struct fanotify_so_event_metadata ev;
	int fds = count_fds();
	struct stat st;

	ASSERT_EQ(0, open_close(FUSE_FILE, O_RDONLY));
	/* One behind it, which must not suffer. */
	ASSERT_EQ(0, stat(TMP "/image", &st));
	ASSERT_EQ(0, open_close(TMP "/image", O_RDONLY));

	ASSERT_EQ(0, next_event(self->sock, NULL, &ev));
	EXPECT_EQ(variant->fd, ev.fd);
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_EQ(getpid(), ev.pid);
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
	EXPECT_EQ(0, result(umount(MNT)));
	EXPECT_EQ(0, exit_status(self->server));
}

/*
 * A file system of one user only, as fusermount makes it, whose server is not
 * asked on behalf of others: it would hold them up for as long as it liked.
 */
TEST(private_mount_does_not_hold_up_the_listener)
{
	struct server server = {
		.owner = NOBODY,
		.opens = 1,
		.open_error = EIO,
		.reading = -1,
		.opening = -1,
	};
	struct fanotify_so_event_metadata ev;
	pid_t child, pid;
	int sock;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/image", "text"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	pid = start_server(&server);
	ASSERT_LT(0, pid);
	sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, sock);

	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(become_nobody() || open_close(FUSE_FILE, O_RDONLY));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(sock, NULL, &ev));
	EXPECT_EQ(child, ev.pid);
	/* The server, had it been asked, would have said -EIO. */
	EXPECT_EQ(-EACCES, ev.fd);
	close(sock);
	kill(pid, SIGKILL);
}

TEST_HARNESS_MAIN
