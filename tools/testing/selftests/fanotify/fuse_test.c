// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: file systems that hang or lie. A FUSE server with one
 * file is the means: it answers when, and as badly as, the test wants.
 */

#define _GNU_SOURCE
#include <linux/fuse.h>
#include <signal.h>
#include <sys/prctl.h>

#include "common.h"

#define MNT TMP "/fuse"
#define FILE_PATH MNT "/file"
#define ROOT_ID 1
#define FILE_ID 2

/**
 * struct server - what the server does
 *
 * @dev: /dev/fuse, mounted.
 * @image: What is in the file.
 * @owner: Who mounted it, as far as FUSE knows: nobody else gets in.
 * @opens: How many times the file can be opened.
 * @open_error: With what opening it fails after that; 0 for never.
 * @reading: An eventfd that tells of the first read from the file, or -1.
 * @go: An eventfd: once it is set, that read is answered.
 */
struct server {
	int dev;
	int image;
	int owner;
	int opens;
	int open_error;
	int reading;
	int go;
};

static void fill_attr(struct server *server, __u64 id, struct fuse_attr *attr)
{
	struct stat st;

	fstat(server->image, &st);
	*attr = (struct fuse_attr){
		.ino = id,
		.nlink = 1,
		.mode = id == ROOT_ID ? S_IFDIR | 0755 : S_IFREG | 0644,
		.size = id == ROOT_ID ? 0 : st.st_size,
		.blksize = 4096,
	};
}

/* Writes the answer into @out; returns its length or -errno. */
static int answer(struct server *server, const struct fuse_in_header *in,
		  void *out)
{
	const struct fuse_read_in *rd = (const void *)(in + 1);
	struct fuse_entry_out *entry = out;
	struct fuse_attr_out *attr = out;
	struct fuse_init_out *init = out;
	eventfd_t val;

	memset(out, 0, 256);
	switch (in->opcode) {
	case FUSE_INIT:
		init->major = FUSE_KERNEL_VERSION;
		init->minor = FUSE_KERNEL_MINOR_VERSION;
		init->max_write = 4096;
		return sizeof(*init);
	case FUSE_LOOKUP:
		if (strcmp((const char *)(in + 1), "file"))
			return -ENOENT;
		entry->nodeid = FILE_ID;
		entry->entry_valid = 3600;
		entry->attr_valid = 3600;
		fill_attr(server, FILE_ID, &entry->attr);
		return sizeof(*entry);
	case FUSE_GETATTR:
		attr->attr_valid = 3600;
		fill_attr(server, in->nodeid, &attr->attr);
		return sizeof(*attr);
	case FUSE_OPEN:
		if (server->open_error && !server->opens--)
			return -server->open_error;
		return sizeof(struct fuse_open_out);
	case FUSE_READ:
		if (server->reading >= 0) {
			eventfd_write(server->reading, 1);
			server->reading = -1;
			eventfd_read(server->go, &val);
		}
		return pread(server->image, out, rd->size, rd->offset);
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

/* Serves until the file system is unmounted. */
static void serve(struct server *server)
{
	static char request[1 << 16], reply[1 << 20];
	struct fuse_in_header *in = (void *)request;
	struct fuse_out_header *out = (void *)reply;
	int ret;

	for (;;) {
		if (read(server->dev, request, sizeof(request)) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(errno == ENODEV ? 0 : 1);
		}
		/* These have no answer. */
		if (in->opcode == FUSE_FORGET ||
		    in->opcode == FUSE_BATCH_FORGET ||
		    in->opcode == FUSE_INTERRUPT)
			continue;
		ret = answer(server, in, out + 1);
		out->unique = in->unique;
		out->error = ret < 0 ? ret : 0;
		out->len = sizeof(*out) + (ret < 0 ? 0 : ret);
		/* It may be gone, by a signal. */
		if (write(server->dev, reply, out->len) < 0 && errno != ENOENT)
			_exit(2);
	}
}

/* Mounts it and starts the server: its process, or -errno. */
static pid_t start_server(struct server *server)
{
	pid_t child, parent = getpid();
	char opts[128];

	server->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server->dev < 0)
		return -errno;
	sprintf(opts, "fd=%d,rootmode=40000,user_id=%d,group_id=%d",
		server->dev, server->owner, server->owner);
	if (mkdir(MNT, 0755) ||
	    mount("fanotify_test", MNT, "fuse", MS_NOSUID | MS_NODEV, opts))
		return -errno;
	child = fork();
	if (!child) {
		/* A test that fails must not leave anything that hangs. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(server);
		_exit(3);
	}
	/* If the server dies, the file system must not wait for it. */
	close(server->dev);
	return child;
}

/* A mount that hangs in the middle of reading the superblock. */
FIXTURE(hanging)
{
	char dev[32];
	int loop;
	int go;
	pid_t server;
	pid_t mounter;
};

FIXTURE_SETUP(hanging)
{
	struct server server = {};
	struct pollfd pfd = { .events = POLLIN };

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/m", 0755));
	ASSERT_EQ(0, make_ext4(TMP "/image"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	server.reading = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.reading);
	server.go = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.go);
	self->go = server.go;
	self->server = start_server(&server);
	ASSERT_LT(0, self->server);

	self->loop = loop_attach(FILE_PATH, O_RDONLY, self->dev);
	ASSERT_LE(0, self->loop);
	self->mounter = fork();
	ASSERT_LE(0, self->mounter);
	if (!self->mounter)
		_exit(mount(self->dev, TMP "/m", "ext4", MS_RDONLY, NULL) ?
		      errno : 0);
	pfd.fd = server.reading;
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
}

FIXTURE_TEARDOWN(hanging)
{
	/* Whatever still waits for the server gets an error then. */
	kill(self->server, SIGKILL);
}

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

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
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
		_exit(become_nobody() || open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(sock, NULL, &ev));
	EXPECT_EQ(child, ev.pid);
	/* The server, had it been asked, would have said -EIO. */
	EXPECT_EQ(-EACCES, ev.fd);
	close(sock);
	kill(pid, SIGKILL);
}

TEST_HARNESS_MAIN
