// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: every allocation and every copy fails once
 */
#define _GNU_SOURCE
#include <linux/magic.h>

#include "fault.h"
#include "marks.h"

/* More than a call needs */
#define MAX_BYTES 1000000L

FIXTURE(fault)
{
	struct faults faults;
};

FIXTURE_SETUP(fault)
{
	int ret = faults_init(&self->faults);

	if (ret == -ENOENT)
		SKIP(return, "the kernel has no fault injection");
	ASSERT_EQ(0, ret);
	private_tmp(_metadata);
}

FIXTURE_TEARDOWN(fault)
{
	close(self->faults.nth);
}

/* A bind that fails changes nothing. */
static void fail_bind(struct __test_metadata *_metadata, struct faults *faults,
		      __u32 group_num)
{
	struct fanotify_addr addr = address(FAN_GLOBAL_LISTENER | FAN_OPEN,
					    O_RDONLY);
	struct fanotify_addr seen;
	int sock, ret, failures = 0;
	socklen_t len;
	bool failed;

	addr.group_num = group_num;
	do {
		sock = new_socket();
		ASSERT_LE(0, sock);
		faults_on(faults);
		ret = do_bind(sock, &addr);
		failed = faults_off(faults);
		if (ret) {
			ASSERT_TRUE(failed && (ret == -ENOMEM ||
					       ret == -EFAULT))
				TH_LOG("fault %d: %d", faults->n - 1, ret);
			failures++;
			len = sizeof(seen);
			ASSERT_EQ(0, getsockname(sock, sockaddr_of(&seen),
						 &len));
			ASSERT_EQ(0, seen.mask);
			ASSERT_EQ(0, do_bind(sock, &addr));
		}
		/* It is bound, and hears. */
		ASSERT_EQ(0, drain(sock));
		ASSERT_EQ(0, write_file(TMP "/file", "text"));
		ASSERT_NE(0, poll(&(struct pollfd){ sock, POLLIN }, 1, 0));
		ASSERT_EQ(0, close(sock));
	} while (failed && faults->n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The address, the two halves of the group, marks and connectors. */
	EXPECT_LT(4, failures);
}

TEST_F(fault, bind)
{
	fail_bind(_metadata, &self->faults, 0);
}

/* It does not leave a group to be joined, either. */
TEST_F(fault, bind_to_a_number)
{
	fail_bind(_metadata, &self->faults, 7);
}

TEST_F(fault, socket)
{
	int sock, failures = 0;
	bool failed;

	do {
		faults_on(&self->faults);
		sock = new_socket();
		failed = faults_off(&self->faults);
		if (sock < 0) {
			ASSERT_TRUE(failed);
			ASSERT_TRUE(sock == -ENOMEM || sock == -ENFILE ||
				    sock == -ENOBUFS);
			failures++;
		} else {
			ASSERT_EQ(0, close(sock));
		}
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(0, failures);
}

/* A read that fails leaves the event where it is, and no descriptor behind. */
TEST_F(fault, read)
{
	struct fanotify_so_event_metadata ev;
	int sock = global_listener(FAN_OPEN);
	int fds, ret, failures = 0, no_memory = 0;
	struct stat st;
	bool failed;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	do {
		ASSERT_EQ(0, drain(sock));
		fds = count_fds();
		ASSERT_EQ(0, open_close(TMP "/file", O_RDONLY));
		faults_on(&self->faults);
		ret = take_event(sock, &ev);
		failed = faults_off(&self->faults);
		if (ret != 1) {
			ASSERT_TRUE(failed);
			ASSERT_TRUE(ret == -ENOMEM || ret == -ENFILE ||
				    ret == -EFAULT)
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
			no_memory += ret == -ENOMEM;
			ASSERT_EQ(fds, count_fds());
			ASSERT_EQ(1, take_event(sock, &ev));
		}
		/* What fails in the file system is reported in the event. */
		ASSERT_TRUE(is_file(ev.fd, &st) || ev.fd == -ENOMEM);
		ASSERT_EQ(FAN_OPEN, ev.mask);
		close_event(&ev);
		ASSERT_EQ(fds, count_fds());
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The file and the copy of the event. */
	EXPECT_LT(1, failures);
	EXPECT_LT(0, no_memory);
}

/* What cannot be queued is counted, and no failure is the caller's. */
TEST_F(fault, event)
{
	struct fanotify_so_event_metadata ev;
	int sock = global_listener(FAN_ACCESS);
	int fd, ret, error, told, lost = 0;
	struct stat st;
	ssize_t len;
	char c;
	bool failed;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	fd = open(TMP "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	do {
		/* One that has no memory left over from an event */
		close(sock);
		sock = global_listener(FAN_ACCESS);
		ASSERT_LE(0, sock);
		faults_on(&self->faults);
		len = pread(fd, &c, 1, 0);
		error = errno;
		failed = faults_off(&self->faults);
		told = 0;
		while ((ret = take_event(sock, &ev)) > 0) {
			if (ev.mask == FAN_Q_OVERFLOW) {
				ASSERT_TRUE(failed);
				ASSERT_EQ(1, ev.cookie);
				lost++;
				told++;
			}
			told += is_file(ev.fd, &st);
			close_event(&ev);
		}
		ASSERT_EQ(0, ret);
		/* The copy to the user fails before there is an event. */
		ASSERT_TRUE(len == 1 || (failed && error == EFAULT));
		ASSERT_EQ(len == 1, told);
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(0, lost);
}

/* One that has been told something needs no memory for the next event. */
TEST_F(fault, next_event)
{
	struct fanotify_so_event_metadata ev;
	int sock = deaf_listener(), fd, error;
	struct stat st;
	ssize_t len;
	bool failed;
	char c;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, mark_path(sock, TMP "/file", FAN_ACCESS, 0));
	fd = open(TMP "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(1, read(fd, &c, 1));
	ASSERT_EQ(FAN_ACCESS, only_event(sock, &st));
	do {
		faults_on(&self->faults);
		len = pread(fd, &c, 1, 0);
		error = errno;
		failed = faults_off(&self->faults);
		ASSERT_TRUE(len == 1 || (failed && error == EFAULT));
		ASSERT_EQ(len == 1, take_event(sock, &ev));
		if (len != 1)
			continue;
		EXPECT_EQ(FAN_ACCESS, ev.mask);
		close_event(&ev);
	} while (failed && self->faults.n < MAX_FAULTS);
	EXPECT_FALSE(failed);
	close(fd);
	EXPECT_EQ(0, close(sock));
}

/* A superblock without a mark is not one that nobody knows of. */
TEST_F(fault, mount)
{
	struct fanotify_so_event_metadata ev;
	int sock = global_listener(FAN_MODIFY);
	int ret, lost = 0, failures = 0;
	struct stat st;
	bool failed, told;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mkdir(TMP "/dir", 0755));
	do {
		ASSERT_EQ(0, drain(sock));
		faults_on(&self->faults);
		ret = mount("fanotify_test", TMP "/dir", "tmpfs", 0, NULL);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed);
			failures++;
			continue;
		}
		ASSERT_EQ(0, write_file(TMP "/dir/file", "text"));
		ASSERT_EQ(0, stat(TMP "/dir/file", &st));
		told = false;
		while ((ret = take_event(sock, &ev)) > 0) {
			if (ev.mask == FAN_Q_OVERFLOW) {
				ASSERT_TRUE(failed);
				told = true;
				lost++;
			}
			told |= is_file(ev.fd, &st);
			close_event(&ev);
		}
		ASSERT_EQ(0, ret);
		ASSERT_TRUE(told);
		ASSERT_EQ(0, umount(TMP "/dir"));
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(0, failures);
	/* The mark, its connector and what the superblock knows of its marks. */
	EXPECT_LT(2, lost);
}

/* The files of the tests of marks, and how they are marked before a call */
#define NFILES 4

/**
 * struct marked - a listener and files that it can mark
 *
 * @sock: The listener.
 * @fds: The files.
 * @limit: How many marks a user can have.
 * @text: What fdinfo says before the call that may fail.
 */
struct marked {
	int sock;
	int fds[NFILES];
	long limit;
	char text[4096];
};

static void make_marked(struct __test_metadata *_metadata,
			struct marked *marked)
{
	char path[64];
	int i;

	marked->limit = read_number(MAX_USER_MARKS);
	ASSERT_LE(0, marked->limit);
	marked->sock = deaf_listener();
	ASSERT_LE(0, marked->sock);
	for (i = 0; i < NFILES; i++) {
		sprintf(path, TMP "/%d", i);
		ASSERT_EQ(0, write_file(path, "text"));
		marked->fds[i] = open(path, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, marked->fds[i]);
	}
}

/* No more and no less than what is shown is counted: this many can be had. */
static void check_count(struct __test_metadata *_metadata,
			struct marked *marked)
{
	int i;

	for (i = 0; i < NFILES; i++)
		set_mark(marked->sock, marked->fds[i], 0, 0);
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, 3));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, set_mark(marked->sock, marked->fds[i], FAN_OPEN,
				      0));
	EXPECT_EQ(-ENOSPC, set_mark(marked->sock, marked->fds[3], FAN_OPEN,
				    0));
	EXPECT_EQ(0, write_number(MAX_USER_MARKS, marked->limit));
}

/* A mark that cannot be set is not there, and counted for nobody. */
TEST_F(fault, set_mark)
{
	int ret, failures = 0, no_memory = 0;
	struct marked marked;
	struct stat st;
	bool failed;

	make_marked(_metadata, &marked);
	ASSERT_EQ(0, fstat(marked.fds[0], &st));
	do {
		faults_on(&self->faults);
		ret = set_mark(marked.sock, marked.fds[0], FAN_MODIFY, 0);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed && (ret == -ENOMEM ||
					       ret == -EFAULT))
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
			no_memory += ret == -ENOMEM;
		}
		ASSERT_EQ(ret ? 0 : 1, shown_marks(marked.sock));
		ASSERT_EQ(1, write(marked.fds[0], "x", 1));
		ASSERT_EQ(ret ? 0 : FAN_MODIFY, heard_of(marked.sock, &st));
		/* The next one is to be a new one again. */
		ASSERT_EQ(ret ? -ENOENT : 0,
			  set_mark(marked.sock, marked.fds[0], 0, 0));
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* The array, the mark, its connector, what the superblock knows */
	EXPECT_LT(2, failures);
	EXPECT_LT(1, no_memory);
	check_count(_metadata, &marked);
}

/* An array is set as a whole, or not at all. */
TEST_F(fault, set_marks)
{
	struct fanotify_so_inode_mark marks[NFILES] = {};
	int ret, i, failures = 0, no_memory = 0;
	char text[sizeof(((struct marked *)0)->text)];
	struct marked marked;
	bool failed;

	make_marked(_metadata, &marked);
	/* One is changed, one removed, and two are new. */
	for (i = 0; i < NFILES; i++) {
		marks[i].fd = marked.fds[i];
		marks[i].mask = i == 1 ? 0 : FAN_MODIFY;
	}
	do {
		for (i = 0; i < NFILES; i++)
			set_mark(marked.sock, marked.fds[i], 0, 0);
		ASSERT_EQ(0, set_mark(marked.sock, marked.fds[0], FAN_OPEN,
				      FAN_ACCESS | FAN_SURVIVE_MODIFY));
		ASSERT_EQ(0, set_mark(marked.sock, marked.fds[1], FAN_OPEN, 0));
		ASSERT_EQ(0, read_fdinfo(marked.sock, marked.text,
					 sizeof(marked.text)));

		faults_on(&self->faults);
		ret = set_marks(marked.sock, marks, NFILES);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed && (ret == -ENOMEM ||
					       ret == -EFAULT))
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
			no_memory += ret == -ENOMEM;
			ASSERT_EQ(0, read_fdinfo(marked.sock, text,
						 sizeof(text)));
			ASSERT_STREQ(marked.text, text);
			for (i = 0; i < NFILES; i++)
				ASSERT_EQ(1, write(marked.fds[i], "x", 1));
			ASSERT_EQ(0, own_events(marked.sock));
		} else {
			ASSERT_EQ(3, shown_marks(marked.sock));
		}
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	/* At least the two marks and their connectors, besides the array */
	EXPECT_LT(4, failures);
	EXPECT_LT(3, no_memory);
	check_count(_metadata, &marked);
}

/*
 * There is so much memory for the thread: what comes when it is used up fails,
 * each time. One fault is not enough where a failed allocation is tried again
 * in another way.
 */
static void memory_on(struct __test_metadata *_metadata, int make_it_fail,
		      long bytes)
{
	ASSERT_EQ(0, write_number(FAILSLAB "space", bytes));
	ASSERT_EQ(1, pwrite(make_it_fail, "1", 1, 0));
}

/* This needs memory as well, or the kernel's copy of it may fail. */
static void memory_off(int make_it_fail)
{
	while (pwrite(make_it_fail, "0", 1, 0) != 1)
		continue;
}

/*
 * The first mark on a superblock, by a listener that never gets one. It leaves
 * nothing behind, although some of what the mark needs was had.
 */
TEST_F(fault, first_mark)
{
	int make_it_fail, fd, sock, ret, failures = 0;
	long bytes = 0;

	make_it_fail = open("/proc/thread-self/make-it-fail",
			    O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, make_it_fail);
	ASSERT_EQ(0, write_knob(FAILSLAB "task-filter", "Y"));
	ASSERT_EQ(0, write_knob(FAILSLAB "times", "-1"));
	ASSERT_EQ(0, write_knob(FAILSLAB "probability", "100"));
	fd = open(TMP "/file", O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_LE(0, fd);
	do {
		sock = deaf_listener();
		ASSERT_LE(0, sock);
		memory_on(_metadata, make_it_fail, bytes);
		ret = set_mark(sock, fd, FAN_MODIFY, 0);
		memory_off(make_it_fail);
		if (ret) {
			ASSERT_EQ(-ENOMEM, ret);
			failures++;
			ASSERT_EQ(0, shown_marks(sock));
			ASSERT_EQ(-ENOENT, set_mark(sock, fd, 0, 0));
		}
		ASSERT_EQ(0, close(sock));
		/* Less than a node of the count by superblock */
		bytes += 128;
	} while (ret && bytes < MAX_BYTES);
	ASSERT_EQ(0, ret);
	/* A node, of 576 bytes, for each 6 bits of the superblock's address */
	EXPECT_LT(64 / 6 * 4, failures);
	ASSERT_EQ(0, write_knob(FAILSLAB "probability", "0"));
}

static int ignore_sb(int sock, __u64 magic, __u32 mask)
{
	struct fanotify_so_sb sb = { .magic = magic, .mask = mask };

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb,
				 sizeof(sb)));
}

TEST_F(fault, ignore_sb)
{
	int sock = global_listener(FAN_MODIFY);
	int fd, ret, i, failures = 0;
	struct stat st;
	bool failed;

	ASSERT_LE(0, sock);
	fd = open(TMP "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	/* To ask for a fault is a write, which could use it up for its event. */
	ASSERT_EQ(0, ignore_sb(sock, PROC_SUPER_MAGIC, FAN_MODIFY));
	do {
		ASSERT_EQ(0, drain(sock));
		faults_on(&self->faults);
		ret = ignore_sb(sock, TMPFS_MAGIC, FAN_MODIFY);
		failed = faults_off(&self->faults);
		if (ret) {
			ASSERT_TRUE(failed && (ret == -ENOMEM ||
					       ret == -EFAULT))
				TH_LOG("fault %d: %d", self->faults.n - 1, ret);
			failures++;
		}
		ASSERT_EQ(1, write(fd, "x", 1));
		ASSERT_EQ(ret ? FAN_MODIFY : 0, all_events(sock, &st));
		ASSERT_EQ(ret ? -ENOENT : 0, ignore_sb(sock, TMPFS_MAGIC, 0));
	} while (failed && self->faults.n < MAX_FAULTS);
	ASSERT_FALSE(failed);
	EXPECT_LT(0, failures);
	ASSERT_EQ(0, ignore_sb(sock, PROC_SUPER_MAGIC, 0));
	/* What failed has taken no place. */
	for (i = 1; i <= 32; i++)
		ASSERT_EQ(0, ignore_sb(sock, i, FAN_OPEN));
	EXPECT_EQ(-ENOSPC, ignore_sb(sock, i, FAN_OPEN));
	EXPECT_EQ(0, close(sock));
}

TEST_HARNESS_MAIN
