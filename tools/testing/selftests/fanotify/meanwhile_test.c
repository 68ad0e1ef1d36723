// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what happens to a file, its file system and its listener
 * while a task waits for the answer about it
 *
 * Whatever it is: the event can be read and answered, the answer is obeyed, and
 * nobody else has to wait.
 */

#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>

#include "crowd.h"
#include "marks.h"
#include "place.h"
#include "waiting.h"

#define FILE_PATH PLACE "/file"
#define OTHER_PATH PLACE "/other"
#define NEVER_MS 600000

static const char * const names[] = { "file", "other", NULL };

/* A doer that waits, and whether its event has been read already */
FIXTURE(meanwhile)
{
	struct stat st;
	int sock;
	struct doer doer;
	struct fanotify_so_event_metadata ev;
};

FIXTURE_VARIANT(meanwhile)
{
	enum place place;
	bool global;
	bool read;
	__u32 response;
	long ret;
};

#define VARIANT(name, place_, global_, read_, response_, ret_) \
	FIXTURE_VARIANT_ADD(meanwhile, name) { \
		.place = place_, \
		.global = global_, \
		.read = read_, \
		.response = response_, \
		.ret = ret_, \
	}

VARIANT(allowed, ON_TMPFS, false, true, FAN_ALLOW, 0);
VARIANT(denied, ON_TMPFS, false, true, FAN_DENY, -EPERM);
VARIANT(denied_unread, ON_TMPFS, false, false, FAN_DENY, -EPERM);
VARIANT(ext4_allowed_unread, ON_EXT4, false, false, FAN_ALLOW, 0);
VARIANT(ext4_denied, ON_EXT4, false, true, FAN_DENY, -EPERM);
VARIANT(global_ext4_denied_unread, ON_EXT4, true, false, FAN_DENY, -EPERM);
VARIANT(global_overlay_denied, ON_OVERLAY_OF_EXT4, true, true, FAN_DENY,
	-EPERM);
VARIANT(global_bind_allowed, ON_BIND_MOUNT, true, true, FAN_ALLOW, 0);

/* Whoever listens, the test itself is not asked. */
static int guard(bool global, int f_flags)
{
	int sock = new_listener(global ? FAN_GLOBAL_LISTENER | FAN_OPEN_PERM :
				0, f_flags | O_CLOEXEC);

	if (sock < 0)
		return sock;
	if (set_u32(sock, FANOTIFY_IGNORE_SELF, 1) ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS))
		return -EPROTO;
	return sock;
}

FIXTURE_SETUP(meanwhile)
{
	make_place(_metadata, variant->place, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = guard(variant->global, O_RDONLY);
	ASSERT_LE(0, self->sock);
	if (!variant->global)
		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM,
				       0));
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	if (variant->read)
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
}

FIXTURE_TEARDOWN(meanwhile)
{
	close(self->sock);
}

/* It still waits; then it is answered, and that is that. */
static void finish(struct __test_metadata *_metadata,
		   FIXTURE_DATA(meanwhile) *self,
		   const FIXTURE_VARIANT(meanwhile) *variant)
{
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(1, nr_waiting());
	if (!variant->read)
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
	EXPECT_EQ(FAN_OPEN_PERM, self->ev.mask);
	EXPECT_EQ(self->doer.pid, self->ev.tgid);
	EXPECT_EQ(0, answer(self->sock, self->ev.cookie, variant->response));
	EXPECT_EQ(variant->ret, doer_result(&self->doer));
	EXPECT_EQ(-ENOENT, answer(self->sock, self->ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, nr_waiting());
	EXPECT_EQ(0, drain(self->sock));
}

/* Of a global listener a mark can only ignore. */
TEST_F(meanwhile, unmarked)
{
	__u32 ignored_mask = variant->global ? FAN_OPEN_PERM : 0;
	struct doer doer;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, ignored_mask));
	/* The file below is another one, which is opened as well. */
	if (is_overlay(variant->place))
		ASSERT_EQ(0, mark_path(self->sock, TMP "/layers/lower/file", 0,
				       ignored_mask));
	/* Whoever comes later is not asked. */
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	EXPECT_EQ(0, doer_result(&doer));
	finish(_metadata, self, variant);
	close_event(&self->ev);
}

/* The mark is set anew, and others are, again and again. */
TEST_F(meanwhile, marked_again)
{
	int i;

	for (i = 0; i < 100; i++) {
		__u32 mask = variant->global ? 0 : FAN_OPEN_PERM;

		ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, mask,
				       FAN_ACCESS));
		ASSERT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, FAN_ACCESS));
		ASSERT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, 0));
	}
	finish(_metadata, self, variant);
	close_event(&self->ev);
}

TEST_F(meanwhile, unlinked)
{
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_EQ(-ENOENT, do_open(FILE_PATH));
	finish(_metadata, self, variant);
	/* As long as the event's descriptor is there the file is. */
	EXPECT_TRUE(is_file(self->ev.fd, &self->st));
	EXPECT_EQ(0, fstat(self->ev.fd, &self->st));
	/* An overlay shows the links of the lower file. */
	if (!is_overlay(variant->place))
		EXPECT_EQ(0, self->st.st_nlink);
	close_event(&self->ev);
}

TEST_F(meanwhile, renamed)
{
	char name[64], path[64];

	ASSERT_EQ(0, rename(FILE_PATH, PLACE "/new"));
	/* Another one has its name now. */
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	finish(_metadata, self, variant);
	EXPECT_TRUE(is_file(self->ev.fd, &self->st));
	sprintf(path, "/proc/self/fd/%d", self->ev.fd);
	memset(name, 0, sizeof(name));
	EXPECT_LT(0, readlink(path, name, sizeof(name) - 1));
	EXPECT_STREQ(PLACE "/new", name);
	close_event(&self->ev);
}

TEST_F(meanwhile, modified)
{
	ASSERT_EQ(0, write_file(FILE_PATH, "another text"));
	ASSERT_EQ(0, truncate(FILE_PATH, 3));
	finish(_metadata, self, variant);
	EXPECT_EQ(0, fstat(self->ev.fd, &self->st));
	EXPECT_EQ(3, self->st.st_size);
	close_event(&self->ev);
}

static bool on_mount(enum place place)
{
	return place != ON_TMPFS;
}

/* The mount is gone; the file system stays for the task. */
TEST_F(meanwhile, unmounted)
{
	const char *path = on_mount(variant->place) ? PLACE : TMP;

	EXPECT_EQ(-EBUSY, result(umount2(path, 0)));
	ASSERT_EQ(0, result(umount2(path, MNT_DETACH)));
	EXPECT_EQ(-ENOENT, do_open(FILE_PATH));
	finish(_metadata, self, variant);
	EXPECT_TRUE(is_file(self->ev.fd, &self->st));
	close_event(&self->ev);
}

/* The superblock: who only reads does not stand in the way. */
TEST_F(meanwhile, remounted_read_only)
{
	const char *path = variant->place == ON_EXT4 ? PLACE : TMP;

	/* An overlay has a writable mount below for itself. */
	if (variant->place == ON_OVERLAY_OF_EXT4)
		path = PLACE;
	ASSERT_EQ(0, result(mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY,
				  NULL)));
	EXPECT_EQ(-EROFS, write_file(FILE_PATH, "text"));
	finish(_metadata, self, variant);
	EXPECT_TRUE(is_file(self->ev.fd, &self->st));
	close_event(&self->ev);
}

/* A file system that is frozen holds up nobody who only reads. */
TEST_F(meanwhile, file_system_frozen)
{
	int fd;

	fd = open(variant->place == ON_EXT4 ? PLACE :
		  variant->place == ON_OVERLAY_OF_EXT4 ? TMP "/layers" : TMP,
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	/* There are some that cannot be. */
	if (ioctl(fd, FIFREEZE, 0)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		ASSERT_TRUE(variant->place == ON_TMPFS ||
			    variant->place == ON_BIND_MOUNT);
	}
	finish(_metadata, self, variant);
	EXPECT_TRUE(is_file(self->ev.fd, &self->st));
	close_event(&self->ev);
	if (variant->place != ON_TMPFS && variant->place != ON_BIND_MOUNT)
		EXPECT_EQ(0, result(ioctl(fd, FITHAW, 0)));
	close(fd);
}

/* Other file systems come and go, and others look at this one. */
TEST_F(meanwhile, others_go_on)
{
	int sock = guard(false, O_RDONLY);
	int i;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mkdir(TMP "/another", 0755));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, mount("fanotify_test", TMP "/another", "tmpfs", 0,
				   NULL));
		ASSERT_EQ(0, write_file(TMP "/another/file", "text"));
		ASSERT_EQ(0, mark_path(sock, TMP "/another/file", FAN_OPEN_PERM,
				       0));
		ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
		ASSERT_EQ(0, mark_path(sock, FILE_PATH, 0, 0));
		ASSERT_EQ(0, result(umount(TMP "/another")));
	}
	/* A listener to the same file ends, with its mark. */
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(0, close(sock));
	finish(_metadata, self, variant);
	close_event(&self->ev);
}

/*
 * Without a descriptor the read fails, and that is all: the event waits for the
 * next read, as the first.
 */
TEST_F(meanwhile, out_of_descriptors)
{
	struct fanotify_so_event_metadata ev;
	struct rlimit old;
	struct doer second;
	int i, bytes;

	if (variant->read) {
		/* Then it is the next one that is meant. */
		close_event(&self->ev);
		ASSERT_EQ(0, answer(self->sock, self->ev.cookie,
				    variant->response));
		ASSERT_EQ(variant->ret, doer_result(&self->doer));
		ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
		ASSERT_EQ(1, until_waiting(1));
	}
	ASSERT_TRUE(doer_start(&second, do_open, FILE_PATH));
	ASSERT_EQ(2, until_waiting(2));

	old = leave_fds(0);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EMFILE, result(read(self->sock, &ev, sizeof(ev))));
		EXPECT_EQ(-EMFILE, take_event(self->sock, &ev));
		EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->sock,
						     POLLIN | POLLOUT));
		EXPECT_EQ(0, ioctl(self->sock, FIONREAD, &bytes));
		EXPECT_EQ(2 * (int)FAN_SO_EVENT_LEN, bytes);
	}
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));

	ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
	EXPECT_EQ(self->doer.pid, self->ev.tgid);
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(second.pid, ev.tgid);
	EXPECT_EQ(2, nr_waiting());
	EXPECT_EQ(0, answer(self->sock, self->ev.cookie, variant->response));
	EXPECT_EQ(variant->ret, doer_result(&self->doer));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&second));
	close_event(&self->ev);
	close_event(&ev);
}

/* One descriptor is free: the read has one event, and the rest is left. */
TEST_F(meanwhile, one_descriptor_left)
{
	struct fanotify_so_event_metadata ev[3];
	struct rlimit old;
	struct crowd crowd;
	int i;

	if (!variant->read)
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
	ASSERT_EQ(0, answer(self->sock, self->ev.cookie, variant->response));
	EXPECT_EQ(variant->ret, doer_result(&self->doer));
	close_event(&self->ev);

	ASSERT_TRUE(crowd_start(&crowd, 3, do_open, FILE_PATH));
	ASSERT_EQ(3, until_waiting(3));
	for (i = 0; i < 3; i++) {
		old = leave_fds(1);
		EXPECT_EQ((long)FAN_SO_EVENT_LEN,
			  result(read(self->sock, ev, sizeof(ev))));
		EXPECT_TRUE(is_file(ev[0].fd, &self->st));
		/* Now there is none. */
		EXPECT_EQ(i < 2 ? -EMFILE : 0, take_event(self->sock, &ev[1]));
		close_event(&ev[0]);
		ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
		EXPECT_EQ(3 - i, nr_waiting());
		EXPECT_EQ(0, answer(self->sock, ev[0].cookie, FAN_DENY));
		EXPECT_EQ(1, crowd_count(&crowd, 1, -EPERM));
	}
	EXPECT_EQ(0, crowd_end(&crowd));
}

/* A buffer that is none, or too small, costs nobody anything. */
TEST_F(meanwhile, bad_buffer)
{
	struct fanotify_so_event_metadata ev;
	struct doer second;
	int i;

	ASSERT_TRUE(doer_start(&second, do_open, FILE_PATH));
	ASSERT_EQ(2, until_waiting(2));
	if (!variant->read) {
		ASSERT_EQ(-EFAULT, result(recv(self->sock, NULL, sizeof(ev),
					       0)));
		ASSERT_EQ(0, next_event(self->sock, &self->st, &self->ev));
	}
	for (i = 0; i < 3; i++) {
		int fds = count_fds();

		EXPECT_EQ(-EFAULT, result(recv(self->sock, NULL, sizeof(ev),
					       0)));
		EXPECT_EQ(-EINVAL, result(recv(self->sock, &ev, sizeof(ev) - 1,
					       0)));
		EXPECT_EQ(fds, count_fds());
	}
	EXPECT_EQ(2, nr_waiting());
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(second.pid, ev.tgid);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&second));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, self->ev.cookie, variant->response));
	EXPECT_EQ(variant->ret, doer_result(&self->doer));
	close_event(&self->ev);
}

/* A listener who wants to write */
FIXTURE(writer)
{
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(writer)
{
	int f_flags;
};

FIXTURE_VARIANT_ADD(writer, rdwr) {
	.f_flags = O_RDWR,
};

FIXTURE_VARIANT_ADD(writer, wronly) {
	.f_flags = O_WRONLY,
};

FIXTURE_SETUP(writer)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	self->sock = guard(false, variant->f_flags);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(writer)
{
	close(self->sock);
}

/* The event has no descriptor, but says why; and is answered all the same. */
static void expect_no_fd(struct __test_metadata *_metadata, int sock, int error,
			 long (*call)(const char *path), long allowed)
{
	static const __u32 responses[] = { FAN_DENY, FAN_ALLOW };
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(doer_start(&doer, call, FILE_PATH));
		ASSERT_EQ(0, next_event(sock, NULL, &ev));
		EXPECT_EQ(error, ev.fd);
		EXPECT_NE(0, ev.cookie);
		EXPECT_EQ(doer.pid, ev.tgid);
		EXPECT_FALSE(doer_returned(&doer, 0));
		EXPECT_EQ(0, answer(sock, ev.cookie, responses[i]));
		EXPECT_EQ(i ? allowed : -EPERM, doer_result(&doer));
	}
	EXPECT_EQ(0, nr_waiting());
}

TEST_F(writer, read_only_mount)
{
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, mount(PLACE, PLACE, NULL, MS_BIND, NULL));
	ASSERT_EQ(0, mount(NULL, PLACE, NULL,
			   MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	expect_no_fd(_metadata, self->sock, -EROFS, do_open, 0);
}

TEST_F(writer, read_only_file_system)
{
	ASSERT_EQ(0, mount("fanotify_test", PLACE, "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH,
			       FAN_OPEN_PERM | FAN_ACCESS_PERM, 0));
	ASSERT_EQ(0, mount(NULL, PLACE, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	expect_no_fd(_metadata, self->sock, -EROFS, do_open, 0);
}

static int copy_program(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	int ret = 0;

	if (in < 0 || out < 0)
		return -errno;
	do {
		ret = result(sendfile(out, in, NULL, 1 << 20));
	} while (ret > 0);
	close(in);
	close(out);
	return ret;
}

/* A program that runs cannot be written, by a listener no more than by others. */
TEST_F(writer, running_program)
{
	struct fanotify_so_event_metadata ev;
	int in[2], out[2];
	struct doer doer;
	pid_t child;
	char byte;

	ASSERT_EQ(0, copy_program("/bin/busybox", FILE_PATH));
	ASSERT_EQ(0, pipe2(in, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(out, O_CLOEXEC));
	child = fork();
	if (!child) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(FILE_PATH, "cat", NULL);
		_exit(100);
	}
	/* It runs: it has copied a byte. */
	ASSERT_EQ(1, write(in[1], "x", 1));
	ASSERT_EQ(1, read(out[0], &byte, 1));
	EXPECT_EQ(-ETXTBSY, open_close(FILE_PATH, O_WRONLY));

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	expect_no_fd(_metadata, self->sock, -ETXTBSY, do_open, 0);
	close(in[1]);
	EXPECT_EQ(0, exit_status(child));
	/* When it has ended, there is a descriptor. */
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doer));
	close_event(&ev);
}

TEST_HARNESS_MAIN
