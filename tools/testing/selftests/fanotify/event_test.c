// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what an event says, and the descriptor that it brings
 */

#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/utsname.h>

#include "common.h"

#define FILE_PATH TMP "/file"
#define TEXT "text of the file"

/* What the kernel calls O_LARGEFILE; the C library says 0 on 64 bits. */
#define LARGEFILE 0100000
/* What F_GETFL shows of a descriptor that makes no events */
#define QUIET 0x2000000

/* The status flags that a descriptor can be asked about. */
#define STATUS_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | \
		      O_NOATIME)

/* A file, and a listener for everything that happens to it. */
FIXTURE(event)
{
	int sock;
	struct stat st;
};

FIXTURE_SETUP(event)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = global_listener(ALL_EVENTS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(event)
{
	close(self->sock);
}

TEST_F(event, every_field)
{
	struct fanotify_so_event_metadata ev;
	char text[64] = "";
	int fd, flags;

	memset(&ev, 0xaa, sizeof(ev));
	fd = open(FILE_PATH, O_RDWR | O_APPEND);
	ASSERT_LE(0, fd);
	flags = fcntl(fd, F_GETFL);
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(32, ev.event_len);
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_EQ(flags, ev.f_flags);
	EXPECT_EQ(getpid(), ev.pid);
	EXPECT_EQ(getpid(), ev.tgid);
	EXPECT_EQ(0, ev.cookie);

	/* next_event() saw that it is the file; this is its text. */
	EXPECT_EQ(strlen(TEXT), pread(ev.fd, text, sizeof(text), 0));
	EXPECT_STREQ(TEXT, text);
	/* It is an opening of its own, with its own place in the file. */
	EXPECT_EQ(3, lseek(ev.fd, 3, SEEK_SET));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_CUR));
	EXPECT_EQ(0, close(ev.fd));

	EXPECT_EQ(1, write(fd, "x", 1));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_MODIFY, ev.mask);
	EXPECT_EQ(flags, ev.f_flags);
	EXPECT_EQ(0, close(ev.fd));

	EXPECT_EQ(1, pread(fd, text, 1, 0));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_ACCESS, ev.mask);
	EXPECT_EQ(flags, ev.f_flags);
	EXPECT_EQ(0, close(ev.fd));

	EXPECT_EQ(0, close(fd));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_CLOSE_WRITE, ev.mask);
	EXPECT_EQ(flags, ev.f_flags);
	EXPECT_EQ(getpid(), ev.pid);
	EXPECT_EQ(0, close(ev.fd));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
}

/* The file's name may be gone by then; the event still has the file. */
TEST_F(event, of_an_unlinked_file)
{
	struct fanotify_so_event_metadata ev;
	char text[64] = "";

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, unlink(FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(strlen(TEXT), read(ev.fd, text, sizeof(text)));
	EXPECT_STREQ(TEXT, text);
	close_event(&ev);
}

/* Is the kernel one of 32 bits, not only the program? */
static bool is_kernel_32(void)
{
	struct utsname uts;

	return !uname(&uts) && !strcmp(uts.machine, "i686");
}

/*
 * Two gigabytes and more are no obstacle, whatever flags the group has; but to a
 * kernel of 32 bits they are, as for anybody who opens them there.
 */
TEST_F(event, of_a_large_file)
{
	struct fanotify_so_event_metadata ev;
	int sock;

	ASSERT_EQ(0, truncate(FILE_PATH, 3LL << 30));
	ASSERT_EQ(0, drain(self->sock));
	sock = new_listener(FAN_GLOBAL_LISTENER | FAN_OPEN,
			    O_RDONLY | O_CLOEXEC | LARGEFILE);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	if (is_kernel_32()) {
		EXPECT_EQ(-EOVERFLOW, ev.fd);
	} else {
		EXPECT_LE(0, ev.fd);
		EXPECT_TRUE(is_file(ev.fd, &self->st));
	}
	close_event(&ev);
	ASSERT_EQ(1, take_event(sock, &ev));
	EXPECT_LE(0, ev.fd);
	EXPECT_TRUE(is_file(ev.fd, &self->st));
	close_event(&ev);
	close(sock);
}

/* f_flags are those at the time of the event, not of the opening. */
TEST_F(event, flags_changed_later)
{
	struct fanotify_so_event_metadata ev;
	int fd = open(FILE_PATH, O_RDWR);

	ASSERT_LE(0, fd);
	ASSERT_EQ(FAN_OPEN, only_event(self->sock, &self->st));
	ASSERT_EQ(0, fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK));
	ASSERT_EQ(1, write(fd, "x", 1));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_MODIFY, ev.mask);
	EXPECT_EQ(fcntl(fd, F_GETFL), ev.f_flags);
	EXPECT_EQ(O_APPEND | O_NONBLOCK, ev.f_flags & (O_APPEND | O_NONBLOCK));
	close_event(&ev);
	EXPECT_EQ(0, close(fd));
}

/* Opening for execution shows nothing but what a user knows. */
TEST_F(event, flags_of_an_exec)
{
	struct fanotify_so_event_metadata ev;
	pid_t child;

	ASSERT_EQ(0, write_file(FILE_PATH, "#!/bin/busybox true\n"));
	ASSERT_EQ(0, drain(self->sock));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		execl(FILE_PATH, FILE_PATH, NULL);
		_exit(errno);
	}
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_OPEN_EXEC, ev.mask & (FAN_OPEN |
						       FAN_OPEN_EXEC));
	EXPECT_EQ(0, ev.f_flags & ~LARGEFILE);
	EXPECT_EQ(child, ev.pid);
	EXPECT_EQ(child, ev.tgid);
	close_event(&ev);
}

/* How a process has the file open, as its own fcntl() tells it. */
FIXTURE(original)
{
	int sock;
	struct stat st;
};

FIXTURE_VARIANT(original) {
	int flags;
	bool create;
};

FIXTURE_VARIANT_ADD(original, rdonly) {
	.flags = O_RDONLY,
};

FIXTURE_VARIANT_ADD(original, wronly) {
	.flags = O_WRONLY,
};

FIXTURE_VARIANT_ADD(original, rdwr) {
	.flags = O_RDWR,
};

FIXTURE_VARIANT_ADD(original, accmode_3) {
	.flags = O_ACCMODE,
};

FIXTURE_VARIANT_ADD(original, append) {
	.flags = O_WRONLY | O_APPEND,
};

FIXTURE_VARIANT_ADD(original, nonblock) {
	.flags = O_RDONLY | O_NONBLOCK,
};

FIXTURE_VARIANT_ADD(original, sync) {
	.flags = O_RDWR | O_SYNC,
};

FIXTURE_VARIANT_ADD(original, dsync) {
	.flags = O_RDWR | O_DSYNC,
};

FIXTURE_VARIANT_ADD(original, noatime) {
	.flags = O_RDONLY | O_NOATIME,
};

FIXTURE_VARIANT_ADD(original, nofollow) {
	.flags = O_RDONLY | O_NOFOLLOW,
};

FIXTURE_VARIANT_ADD(original, cloexec) {
	.flags = O_RDONLY | O_CLOEXEC,
};

FIXTURE_VARIANT_ADD(original, trunc) {
	.flags = O_RDWR | O_TRUNC,
};

FIXTURE_VARIANT_ADD(original, creat_trunc) {
	.flags = O_WRONLY | O_CREAT | O_TRUNC,
};

FIXTURE_VARIANT_ADD(original, creat_excl) {
	.flags = O_RDWR | O_CREAT | O_EXCL | O_NOCTTY,
	.create = true,
};

FIXTURE_VARIANT_ADD(original, tmpfile) {
	.flags = O_RDWR | O_TMPFILE,
	.create = true,
};

FIXTURE_SETUP(original)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, variant->create ? 0 : write_file(FILE_PATH, TEXT));
	self->sock = global_listener(FAN_OPEN | FAN_CLOSE);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(original)
{
	close(self->sock);
}

TEST_F(original, flags)
{
	bool tmpfile = (variant->flags & O_TMPFILE) == O_TMPFILE;
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int fd, flags;

	fd = open(tmpfile ? TMP : FILE_PATH, variant->flags, 0644);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	flags = fcntl(fd, F_GETFL);
	ASSERT_EQ(variant->flags & O_ACCMODE, flags & O_ACCMODE);

	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_EQ(flags, ev.f_flags);
	EXPECT_EQ(0, ev.f_flags & (O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY |
				   O_CLOEXEC));
	close_event(&ev);

	EXPECT_EQ(0, close(fd));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_NE(0, ev.mask & FAN_CLOSE);
	EXPECT_EQ(0, ev.mask & ~FAN_CLOSE);
	EXPECT_EQ(flags, ev.f_flags);
	close_event(&ev);
}

/* The descriptors are as the listener asked for at bind(). */
FIXTURE(descriptor)
{
	int sock;
	struct stat st;
	struct fanotify_so_event_metadata ev;
};

FIXTURE_VARIANT(descriptor) {
	int f_flags;
};

FIXTURE_VARIANT_ADD(descriptor, rdonly) {
	.f_flags = O_RDONLY,
};

FIXTURE_VARIANT_ADD(descriptor, wronly) {
	.f_flags = O_WRONLY,
};

FIXTURE_VARIANT_ADD(descriptor, rdwr) {
	.f_flags = O_RDWR,
};

FIXTURE_VARIANT_ADD(descriptor, cloexec) {
	.f_flags = O_RDONLY | O_CLOEXEC,
};

FIXTURE_VARIANT_ADD(descriptor, append) {
	.f_flags = O_RDWR | O_APPEND,
};

FIXTURE_VARIANT_ADD(descriptor, nonblock) {
	.f_flags = O_RDONLY | O_NONBLOCK,
};

FIXTURE_VARIANT_ADD(descriptor, sync) {
	.f_flags = O_WRONLY | O_SYNC,
};

FIXTURE_VARIANT_ADD(descriptor, dsync) {
	.f_flags = O_WRONLY | O_DSYNC,
};

FIXTURE_VARIANT_ADD(descriptor, noatime) {
	.f_flags = O_RDONLY | O_NOATIME,
};

/* On 64 bits they have it anyway. */
FIXTURE_VARIANT_ADD(descriptor, largefile) {
	.f_flags = O_RDONLY | LARGEFILE,
};

FIXTURE_VARIANT_ADD(descriptor, all) {
	.f_flags = O_RDWR | O_APPEND | O_NONBLOCK | O_SYNC | O_NOATIME |
		   O_CLOEXEC,
};

FIXTURE_SETUP(descriptor)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_listener(FAN_GLOBAL_LISTENER | FAN_OPEN,
				  variant->f_flags);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
}

FIXTURE_TEARDOWN(descriptor)
{
	close_event(&self->ev);
	close(self->sock);
}

TEST_F(descriptor, flags)
{
	int fl = fcntl(self->ev.fd, F_GETFL);

	/*
	 * As after any open(), where O_CLOEXEC is no part; but for the bit by
	 * which layered file systems know that this file is to be quiet.
	 */
	EXPECT_EQ(variant->f_flags & ~O_CLOEXEC & ~LARGEFILE,
		  fl & ~LARGEFILE & ~QUIET);
	EXPECT_EQ(variant->f_flags & O_CLOEXEC ? FD_CLOEXEC : 0,
		  fcntl(self->ev.fd, F_GETFD));
	/* What is reported is the way of the other process. */
	EXPECT_EQ(O_RDONLY, self->ev.f_flags & STATUS_FLAGS);
}

TEST_F(descriptor, access)
{
	int accmode = variant->f_flags & O_ACCMODE;
	char text[64] = "";
	int len = strlen(TEXT);

	if (accmode == O_WRONLY) {
		EXPECT_EQ(-EBADF, result(read(self->ev.fd, text, 1)));
	} else {
		EXPECT_EQ(len, read(self->ev.fd, text, sizeof(text)));
		EXPECT_STREQ(TEXT, text);
		EXPECT_EQ(0, lseek(self->ev.fd, 0, SEEK_SET));
	}

	if (accmode == O_RDONLY) {
		EXPECT_EQ(-EBADF, result(write(self->ev.fd, "new", 3)));
		return;
	}
	EXPECT_EQ(3, write(self->ev.fd, "new", 3));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	EXPECT_EQ(variant->f_flags & O_APPEND ? len + 3 : len,
		  self->st.st_size);
}

/* Who did it: pid is the thread, tgid is its process. */
TEST_F(event, of_a_child)
{
	struct fanotify_so_event_metadata ev;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(open_close(FILE_PATH, O_RDONLY) ? 1 : 0);
	/* It is long gone when the event is read. */
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, ev.mask);
	EXPECT_EQ(child, ev.pid);
	EXPECT_EQ(child, ev.tgid);
	close_event(&ev);
}

static void *open_close_main(void *arg)
{
	*(pid_t *)arg = gettid();
	return (void *)(long)open_close(FILE_PATH, O_RDONLY);
}

TEST_F(event, of_a_thread)
{
	struct fanotify_so_event_metadata ev;
	pthread_t thread;
	pid_t tid = 0;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, open_close_main, &tid));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ(NULL, ret);
	ASSERT_NE(getpid(), tid);
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(tid, ev.pid);
	EXPECT_EQ(getpid(), ev.tgid);
	close_event(&ev);
}

/* A file is closed by the last one who has it. */
TEST_F(event, close_by_the_last)
{
	struct fanotify_so_event_metadata ev;
	int pipefds[2], fd;
	pid_t child;
	char c;

	ASSERT_EQ(0, pipe(pipefds));
	fd = open(FILE_PATH, O_RDONLY);
	ASSERT_LE(0, fd);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(pipefds[1]);
		/* Until the parent has closed its own. */
		_exit(read(pipefds[0], &c, 1));
	}
	ASSERT_EQ(FAN_OPEN, only_event(self->sock, &self->st));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
	EXPECT_EQ(0, close(pipefds[1]));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, ev.mask);
	EXPECT_EQ(child, ev.pid);
	close_event(&ev);
}

/* The reader's part of pid_namespace, as process 1 of the namespace. */
static void read_in_namespace(struct __test_metadata *_metadata,
			      int sock, const struct stat *st)
{
	struct fanotify_so_event_metadata ev;
	pid_t child;

	EXPECT_EQ(1, getpid());
	/* From outside, before this process began. */
	EXPECT_EQ(0, next_event(sock, st, &ev));
	EXPECT_EQ(FAN_MODIFY, ev.mask);
	EXPECT_EQ(0, ev.pid);
	EXPECT_EQ(0, ev.tgid);
	close_event(&ev);
	EXPECT_EQ(0, drain(sock));

	/* Its own. */
	EXPECT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	EXPECT_EQ(0, next_event(sock, st, &ev));
	EXPECT_EQ(1, ev.pid);
	EXPECT_EQ(1, ev.tgid);
	close_event(&ev);
	EXPECT_EQ(0, drain(sock));

	/* From inside. */
	child = fork();
	if (!child)
		_exit(open_close(FILE_PATH, O_RDONLY) ? 1 : 0);
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, next_event(sock, st, &ev));
	EXPECT_LT(1, child);
	EXPECT_EQ(child, ev.pid);
	EXPECT_EQ(child, ev.tgid);
	close_event(&ev);
	EXPECT_EQ(0, drain(sock));

	/* For the parent to read. */
	EXPECT_EQ(0, open_close(FILE_PATH, O_RDONLY));
}

/* Ids are those of the reader's pid namespace. */
TEST_F(event, pid_namespace)
{
	struct fanotify_so_event_metadata ev;
	pid_t child;
	int fd;

	fd = open(FILE_PATH, O_WRONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(1, write(fd, "x", 1));

	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		read_in_namespace(_metadata, self->sock, &self->st);
		_exit(0);
	}
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, ev.mask);
	EXPECT_EQ(child, ev.pid);
	EXPECT_EQ(child, ev.tgid);
	close_event(&ev);
}

/* Openings that fail: the event comes all the same and says why. */
FIXTURE(failure)
{
	int sock;
};

FIXTURE_SETUP(failure)
{
	private_tmp(_metadata);
	self->sock = new_listener(FAN_GLOBAL_LISTENER | FAN_OPEN | FAN_ONDIR,
				  O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(failure)
{
	close(self->sock);
}

TEST_F(failure, read_only_mount)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int fds;

	ASSERT_EQ(0, mkdir(TMP "/rw", 0755));
	ASSERT_EQ(0, mkdir(TMP "/ro", 0755));
	ASSERT_EQ(0, write_file(TMP "/rw/file", TEXT));
	ASSERT_EQ(0, stat(TMP "/rw/file", &st));
	ASSERT_EQ(0, mount(TMP "/rw", TMP "/ro", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, TMP "/ro", NULL,
			   MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	ASSERT_EQ(0, drain(self->sock));
	fds = count_fds();

	ASSERT_EQ(0, open_close(TMP "/ro/file", O_RDONLY));
	ASSERT_EQ(0, next_event(self->sock, NULL, &ev));
	EXPECT_EQ(-EROFS, ev.fd);
	EXPECT_EQ(32, ev.event_len);
	EXPECT_EQ(FAN_OPEN, ev.mask);
	EXPECT_EQ(O_RDONLY, ev.f_flags & STATUS_FLAGS);
	EXPECT_EQ(getpid(), ev.pid);
	EXPECT_EQ(getpid(), ev.tgid);
	EXPECT_EQ(0, ev.cookie);
	EXPECT_EQ(fds, count_fds());

	/* The path counts by which the process came. */
	ASSERT_EQ(0, open_close(TMP "/rw/file", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
}

/* Whichever way it asks to write, and if the file system is read-only. */
TEST_F(failure, read_only_file_system)
{
	static const int f_flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND,
				       O_RDONLY, O_RDONLY | O_NOATIME };
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int sock, fds;
	size_t i;

	ASSERT_EQ(0, mkdir(TMP "/ro", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/ro", "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(TMP "/ro/file", TEXT));
	ASSERT_EQ(0, stat(TMP "/ro/file", &st));
	ASSERT_EQ(0, mount(NULL, TMP "/ro", NULL, MS_REMOUNT | MS_RDONLY,
			   NULL));
	fds = count_fds();
	for (i = 0; i < ARRAY_SIZE(f_flags); i++) {
		bool reads = (f_flags[i] & O_ACCMODE) == O_RDONLY;

		sock = new_listener(0, f_flags[i]);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, mark_path(sock, TMP "/ro/file", FAN_OPEN, 0));
		ASSERT_EQ(0, open_close(TMP "/ro/file", O_RDONLY));
		ASSERT_EQ(1, take_event(sock, &ev));
		EXPECT_EQ(FAN_OPEN, ev.mask);
		EXPECT_EQ(reads, is_file(ev.fd, &st));
		EXPECT_EQ(reads ? ev.fd : -EROFS, ev.fd);
		close_event(&ev);
		EXPECT_EQ(0, take_event(sock, &ev));
		EXPECT_EQ(0, close(sock));
		EXPECT_EQ(fds, count_fds());
	}
}

/* One that fails does not keep the others out of the same read. */
TEST_F(failure, in_a_batch)
{
	struct fanotify_so_event_metadata evs[3];
	struct stat st;

	ASSERT_EQ(0, write_file(TMP "/file", TEXT));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	ASSERT_EQ(0, mkdir(TMP "/dir", 0755));
	ASSERT_EQ(0, drain(self->sock));

	ASSERT_EQ(0, open_close(TMP "/file", O_RDONLY));
	ASSERT_EQ(0, open_close(TMP "/dir", O_RDONLY));
	ASSERT_EQ(0, open_close(TMP "/file", O_WRONLY));
	ASSERT_EQ(sizeof(evs), recv(self->sock, evs, sizeof(evs), 0));
	EXPECT_TRUE(is_file(evs[0].fd, &st));
	EXPECT_EQ(-EISDIR, evs[1].fd);
	EXPECT_TRUE(is_file(evs[2].fd, &st));
	close_event(&evs[0]);
	close_event(&evs[2]);
}

TEST_F(failure, directory)
{
	struct fanotify_so_event_metadata ev;

	ASSERT_EQ(0, open_close(TMP, O_RDONLY | O_DIRECTORY));
	ASSERT_EQ(0, next_event(self->sock, NULL, &ev));
	EXPECT_EQ(-EISDIR, ev.fd);
	EXPECT_EQ(FAN_OPEN, ev.mask & FAN_OPEN);
}

#define EXT4_FILE "/mnt/fanotify_event"

/* Root itself could not open these for writing. */
TEST_F(failure, protected_file)
{
	static const int protections[] = { FS_APPEND_FL, FS_IMMUTABLE_FL };
	struct fanotify_so_event_metadata ev;
	int fd, none = 0;
	size_t i;

	ASSERT_EQ(0, write_file(EXT4_FILE, TEXT));
	fd = open(EXT4_FILE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < ARRAY_SIZE(protections); i++) {
		ASSERT_EQ(0, result(ioctl(fd, FS_IOC_SETFLAGS,
					  &protections[i])));
		ASSERT_EQ(0, drain(self->sock));
		ASSERT_EQ(0, open_close(EXT4_FILE, O_RDONLY));
		ASSERT_EQ(0, next_event(self->sock, NULL, &ev));
		EXPECT_EQ(-EACCES, ev.fd);
	}
	EXPECT_EQ(0, result(ioctl(fd, FS_IOC_SETFLAGS, &none)));
	close(fd);
	EXPECT_EQ(0, unlink(EXT4_FILE));
}

/* A copy of busybox that runs until its input ends. */
static pid_t run_program(const char *path, int input)
{
	int ready[2];
	pid_t child;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	child = fork();
	if (!child) {
		dup2(input, 0);
		execl(path, "cat", NULL);
		_exit(errno);
	}
	close(ready[1]);
	/* It ends when exec() has closed the other end. */
	if (read(ready[0], &c, 1))
		child = -1;
	close(ready[0]);
	return child;
}

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t len;

	while ((len = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, len) != len)
			return -EIO;
	}
	close(in);
	close(out);
	return len;
}

TEST_F(failure, running_program)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int input[2];
	pid_t child;

	ASSERT_EQ(0, copy_file("/bin/busybox", TMP "/prog"));
	ASSERT_EQ(0, stat(TMP "/prog", &st));
	ASSERT_EQ(0, pipe2(input, O_CLOEXEC));
	child = run_program(TMP "/prog", input[0]);
	ASSERT_LT(0, child);
	ASSERT_EQ(0, drain(self->sock));

	ASSERT_EQ(0, open_close(TMP "/prog", O_RDONLY));
	ASSERT_EQ(0, next_event(self->sock, NULL, &ev));
	EXPECT_EQ(-ETXTBSY, ev.fd);
	EXPECT_EQ(FAN_OPEN, ev.mask);

	EXPECT_EQ(0, close(input[1]));
	EXPECT_EQ(0, exit_status(child));
	/* Now it is as any other file. */
	ASSERT_EQ(0, open_close(TMP "/prog", O_RDONLY));
	EXPECT_EQ(FAN_OPEN, only_event(self->sock, &st));
}

TEST_HARNESS_MAIN
