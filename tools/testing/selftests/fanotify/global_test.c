// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what a global listener hears, on which file systems,
 * and what it leaves alone
 */

#define _GNU_SOURCE
#include <ftw.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "common.h"

/* The fresh ext4 that the guest has. */
#define EXT4 "/mnt/fanotify_test"

#define SCRIPT "#!/bin/busybox true\n"

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* Runs @path: its exit status. */
static int run(const char *path)
{
	pid_t child = fork();

	if (!child) {
		execl(path, path, NULL);
		_exit(100);
	}
	return exit_status(child);
}

/* A file on each file system of interest. */
FIXTURE(fs)
{
	struct stat st;
};

FIXTURE_VARIANT(fs) {
	const char *path;
	/* Of an overlay: where the file is born. */
	const char *layer;
	/* What to mount on TMP. */
	const char *type;
	bool readonly;
};

FIXTURE_VARIANT_ADD(fs, tmpfs) {
	.path = TMP "/file",
};

FIXTURE_VARIANT_ADD(fs, ext4) {
	.path = EXT4 "/file",
};

FIXTURE_VARIANT_ADD(fs, overlay_upper) {
	.path = EXT4 "/merged/file",
	.layer = EXT4 "/upper/file",
};

/* Writing copies it up. */
FIXTURE_VARIANT_ADD(fs, overlay_lower) {
	.path = EXT4 "/merged/file",
	.layer = EXT4 "/lower/file",
};

FIXTURE_VARIANT_ADD(fs, proc) {
	.path = "/proc/version",
	.readonly = true,
};

/* The kernel itself was the first to mount this one. */
FIXTURE_VARIANT_ADD(fs, securityfs) {
	.path = TMP "/lsm",
	.type = "securityfs",
	.readonly = true,
};

FIXTURE_SETUP(fs)
{
	static const char * const dirs[] = { EXT4 "/lower", EXT4 "/upper",
					     EXT4 "/work", EXT4 "/merged" };
	const char *born = variant->layer ?: variant->path;
	size_t i;

	private_tmp(_metadata);
	remove_tree(EXT4);
	ASSERT_EQ(0, mkdir(EXT4, 0755));
	for (i = 0; i < ARRAY_SIZE(dirs); i++)
		ASSERT_EQ(0, mkdir(dirs[i], 0755));
	ASSERT_EQ(0, variant->readonly ? 0 : write_file(born, SCRIPT));
	ASSERT_EQ(0, variant->layer ?
		     mount("fanotify_test", EXT4 "/merged", "overlay", 0,
			   "lowerdir=" EXT4 "/lower,upperdir=" EXT4
			   "/upper,workdir=" EXT4 "/work") : 0);
	ASSERT_EQ(0, variant->type ?
		     mount("fanotify_test", TMP, variant->type, 0, NULL) : 0);
	ASSERT_EQ(0, stat(variant->path, &self->st));
}

FIXTURE_TEARDOWN(fs)
{
	umount2(EXT4 "/merged", MNT_DETACH);
	remove_tree(EXT4);
}

TEST_F(fs, reading)
{
	int sock = global_listener(ALL_EVENTS);
	char buf[4096];
	int fd;

	ASSERT_LE(0, sock);
	fd = open(variant->path, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FAN_OPEN, only_event(sock, &self->st));
	EXPECT_LT(0, read(fd, buf, sizeof(buf)));
	EXPECT_EQ(FAN_ACCESS, only_event(sock, &self->st));
	EXPECT_LT(0, pread(fd, buf, sizeof(buf), 0));
	EXPECT_EQ(FAN_ACCESS, only_event(sock, &self->st));
	/* At the end nothing is read. */
	EXPECT_EQ(0, pread(fd, buf, sizeof(buf), sizeof(buf)));
	EXPECT_EQ(0, only_event(sock, &self->st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, only_event(sock, &self->st));
}

TEST_F(fs, writing)
{
	int sock = global_listener(ALL_EVENTS);
	int fd;

	ASSERT_LE(0, sock);
	fd = open(variant->path, O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FAN_OPEN, only_event(sock, &self->st));
	if (variant->readonly) {
		EXPECT_GT(0, write(fd, "text", 4));
		EXPECT_EQ(0, only_event(sock, &self->st));
	} else {
		EXPECT_EQ(4, write(fd, "text", 4));
		EXPECT_EQ(FAN_MODIFY, only_event(sock, &self->st));
		EXPECT_EQ(4, pwrite(fd, "text", 4, 100));
		EXPECT_EQ(FAN_MODIFY, only_event(sock, &self->st));
		EXPECT_EQ(0, fsync(fd));
		EXPECT_EQ(0, only_event(sock, &self->st));
	}
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(sock, &self->st));

	/* Opened for writing is what counts, not written. */
	ASSERT_EQ(0, open_close(variant->path, O_WRONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_WRITE, all_events(sock, &self->st));
}

TEST_F(fs, executing)
{
	int sock = global_listener(ALL_EVENTS);

	ASSERT_LE(0, sock);
	EXPECT_EQ(variant->readonly ? 100 : 0, run(variant->path));
	EXPECT_EQ(variant->readonly ? 0 : FAN_OPEN | FAN_OPEN_EXEC |
					  FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  all_events(sock, &self->st));
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, all_events(sock, &self->st));
}

/* Everything that makes events, failures included. */
static int do_everything(const char *path, bool readonly)
{
	char c;
	int fd;

	open_close(path, O_RDWR | O_CREAT | O_EXCL);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, &c, 1) != 1 || write(fd, &c, 1) >= 0)
		return -1;
	close(fd);
	if (readonly)
		return 0;
	fd = open(path, O_RDWR);
	if (fd < 0 || pwrite(fd, "#", 1, 0) != 1)
		return -1;
	close(fd);
	return run(path);
}

TEST_F(fs, only_what_was_asked_for)
{
	__u32 bit;

	for (bit = FAN_ACCESS; bit <= FAN_OPEN_EXEC; bit <<= 1) {
		bool writes = bit & (FAN_MODIFY | FAN_CLOSE_WRITE |
				     FAN_OPEN_EXEC);
		int sock;

		if (!(bit & ALL_EVENTS))
			continue;
		sock = global_listener(bit);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, do_everything(variant->path, variant->readonly));
		EXPECT_EQ(variant->readonly && writes ? 0 : bit,
			  all_events(sock, &self->st));
		ASSERT_EQ(0, close(sock));
	}
}

TEST_F(fs, two_listeners)
{
	int first = global_listener(ALL_EVENTS);
	int second = global_listener(FAN_OPEN | FAN_ACCESS);
	char c;
	int fd;

	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	fd = open(variant->path, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FAN_OPEN, only_event(first, &self->st));
	EXPECT_EQ(FAN_OPEN, only_event(second, &self->st));
	EXPECT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(FAN_ACCESS, only_event(second, &self->st));
	EXPECT_EQ(FAN_ACCESS, only_event(first, &self->st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, only_event(first, &self->st));
	EXPECT_EQ(0, only_event(second, &self->st));
	/* One goes, the other stays. */
	EXPECT_EQ(0, close(first));
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(second, &self->st));
}

/*
 * What a listener does with its event fds is heard by nobody, not even on the
 * layers of an overlay.
 */
TEST_F(fs, event_fds_are_silent)
{
	int accmode = variant->readonly ? O_RDONLY : O_RDWR;
	struct fanotify_so_event_metadata ev;
	int sock, other;
	char c;

	sock = new_listener(FAN_GLOBAL_LISTENER | ALL_EVENTS, accmode);
	ASSERT_LE(0, sock);
	/* What is copied up is so by now, and not for the listener. */
	ASSERT_EQ(0, open_close(variant->path, accmode));
	other = global_listener(ALL_EVENTS);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, next_event(sock, &self->st, &ev));
	EXPECT_EQ(FAN_OPEN | (variant->readonly ? FAN_CLOSE_NOWRITE :
						  FAN_CLOSE_WRITE), ev.mask);
	EXPECT_EQ(1, read(ev.fd, &c, 1));
	EXPECT_EQ(variant->readonly ? -1 : 1, pwrite(ev.fd, "#", 1, 0));
	EXPECT_EQ(0, close(ev.fd));
	EXPECT_EQ(0, own_events(other));
	/* All that was done to the file before is in the one event. */
	EXPECT_EQ(0, all_events(sock, &self->st));
	EXPECT_EQ(0, own_events(sock));
	EXPECT_EQ(0, own_events(other));
	/* The other one does listen. */
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, all_events(other, &self->st));
}

TEST_F(fs, from_another_net_namespace)
{
	int sock;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	sock = global_listener(FAN_OPEN);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, open_close(variant->path, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(sock, &self->st));
}

/* O_PATH opens no file. */
TEST_F(fs, o_path)
{
	int sock = global_listener(ALL_EVENTS);

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, open_close(variant->path, O_PATH));
	EXPECT_EQ(0, only_event(sock, &self->st));
}

TEST(directories)
{
	char names[4096];
	struct stat st;
	int plain, ondir, fd;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/dir", 0755));
	ASSERT_EQ(0, stat(TMP "/dir", &st));
	plain = global_listener(ALL_EVENTS);
	ASSERT_LE(0, plain);
	ondir = global_listener(ALL_EVENTS | FAN_ONDIR);
	ASSERT_LE(0, ondir);

	/* As from the system calls: FAN_ONDIR is asked for, not reported. */
	fd = open(TMP "/dir", O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FAN_OPEN, only_event(ondir, &st));
	EXPECT_LT(0, syscall(SYS_getdents64, fd, names, sizeof(names)));
	EXPECT_EQ(FAN_ACCESS, only_event(ondir, &st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, only_event(ondir, &st));
	EXPECT_EQ(0, all_events(plain, &st));

	/* Files it hears like the other one. */
	ASSERT_EQ(0, write_file(TMP "/dir/file", "text"));
	ASSERT_EQ(0, stat(TMP "/dir/file", &st));
	ASSERT_EQ(0, open_close(TMP "/dir/file", O_RDONLY));
	EXPECT_NE(0, all_events(ondir, &st));
	EXPECT_NE(0, all_events(plain, &st));
}

/* Opens @path, moves a byte through it and closes it. */
static int use_special(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	char c = 'x';

	if (fd < 0 || write(fd, &c, 1) != 1 || read(fd, &c, 1) < 0)
		return -errno;
	return result(close(fd));
}

static int use_socket_file(void)
{
	struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
		.sun_path = TMP "/socket",
	};
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(server, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(server, 1) ||
	    connect(client, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	close(server);
	return result(close(client));
}

/* Opening a FIFO or a device for a listener could have effects or block. */
TEST(special_files)
{
	struct fanotify_so_event_metadata ev;
	struct stat fifo, null, sock_st, st;
	int sock, efd, pipefds[2];

	private_tmp(_metadata);
	ASSERT_EQ(0, mkfifo(TMP "/fifo", 0644));
	ASSERT_EQ(0, mknod(TMP "/null", S_IFCHR | 0644, makedev(1, 3)));
	ASSERT_EQ(0, stat(TMP "/fifo", &fifo));
	ASSERT_EQ(0, stat(TMP "/null", &null));
	sock = global_listener(ALL_EVENTS | FAN_ONDIR);
	ASSERT_LE(0, sock);

	ASSERT_EQ(0, use_special(TMP "/fifo"));
	ASSERT_EQ(0, use_special(TMP "/null"));
	ASSERT_EQ(0, use_special("/dev/null"));
	ASSERT_EQ(0, use_socket_file());
	ASSERT_EQ(0, stat(TMP "/socket", &sock_st));
	ASSERT_EQ(0, pipe(pipefds));
	ASSERT_EQ(1, write(pipefds[1], "x", 1));
	ASSERT_EQ(1, read(pipefds[0], &st, 1));
	ASSERT_EQ(0, close(pipefds[0]));
	ASSERT_EQ(0, close(pipefds[1]));
	efd = eventfd(0, 0);
	ASSERT_EQ(0, eventfd_write(efd, 1));
	ASSERT_EQ(0, close(efd));

	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	while (take_event(sock, &ev) > 0) {
		ASSERT_LE(0, ev.fd);
		ASSERT_EQ(0, fstat(ev.fd, &st));
		EXPECT_TRUE(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
			TH_LOG("mode %o mask %x", st.st_mode, ev.mask);
		}
		close_event(&ev);
	}
	/* It was listening all the time. */
	ASSERT_EQ(0, stat(TMP "/file", &st));
	ASSERT_EQ(0, open_close(TMP "/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, all_events(sock, &st));
}

/* Memory files live on a file system that nobody can mount. */
TEST(memfd)
{
	int sock = global_listener(ALL_EVENTS);
	struct fanotify_so_event_metadata ev;
	char path[64], text[64] = "";
	struct stat st;
	int fd, ro;

	ASSERT_LE(0, sock);
	fd = memfd_create("fanotify_test", 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, drain(sock));

	ASSERT_EQ(strlen(SCRIPT), write(fd, SCRIPT, strlen(SCRIPT)));
	ASSERT_EQ(1, take_event(sock, &ev));
	EXPECT_EQ(FAN_MODIFY, ev.mask);
	EXPECT_TRUE(is_file(ev.fd, &st));
	EXPECT_EQ(strlen(SCRIPT), read(ev.fd, text, sizeof(text)));
	EXPECT_STREQ(SCRIPT, text);
	close_event(&ev);

	EXPECT_EQ(1, pread(fd, text, 1, 0));
	EXPECT_EQ(FAN_ACCESS, only_event(sock, &st));

	/* Opened anew it is heard as well. */
	sprintf(path, "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	ASSERT_LE(0, ro);
	EXPECT_EQ(FAN_OPEN, only_event(sock, &st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(sock, &st));

	/* And so is running it: no code runs unseen. */
	sprintf(path, "/proc/self/fd/%d", ro);
	ASSERT_EQ(0, run(path));
	EXPECT_EQ(FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  all_events(sock, &st));
	EXPECT_EQ(0, close(ro));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, only_event(sock, &st));
}

TEST_HARNESS_MAIN
