// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: while an operation waits for an answer everybody else goes
 * on, whoever it is that does not answer
 */

#define _GNU_SOURCE
#include <signal.h>

#include "marks.h"
#include "sentry.h"
#include "subject.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define OTHER_PATH DIR_PATH "/other"
#define ELSEWHERE TMP "/elsewhere"
#define FAR_PATH ELSEWHERE "/file"

static void make_files(struct __test_metadata *_metadata)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER_PATH, SCRIPT));
	ASSERT_EQ(0, mkdir(ELSEWHERE, 0755));
	ASSERT_EQ(0, mount("fanotify_test", ELSEWHERE, "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(FAR_PATH, SCRIPT));
}

/* What is done while another one waits: 0 or -errno, with an fd to do it to */
static long do_close(struct waiter *w)
{
	return result(close(w->fd));
}

static long do_shutdown(struct waiter *w)
{
	return result(shutdown(w->fd, SHUT_RDWR));
}

/* Sets the file's mark, and another one's, and removes both. */
static long do_mark(struct waiter *w)
{
	return mark_path(w->fd, FILE_PATH, 0, FAN_CLOSE) ?:
	       mark_path(w->fd, OTHER_PATH, 0, FAN_CLOSE) ?:
	       mark_path(w->fd, FILE_PATH, 0, 0) ?:
	       mark_path(w->fd, OTHER_PATH, 0, 0);
}

static long do_umount(struct waiter *w)
{
	return result(umount(ELSEWHERE));
}

static long do_remount(struct waiter *w)
{
	return result(mount(NULL, TMP, NULL, MS_REMOUNT | MS_RDONLY, NULL)) ?:
	       result(mount(NULL, TMP, NULL, MS_REMOUNT, NULL));
}

static long do_mount(struct waiter *w)
{
	return result(mount("fanotify_test", ELSEWHERE, "tmpfs", 0, NULL)) ?:
	       do_umount(w);
}

/* Listeners come and go. */
static long do_listen(struct waiter *w)
{
	int global = global_listener(ALL_PERM);
	int by_file = deaf_listener();
	long ret;

	if (global < 0 || by_file < 0)
		return -EIO;
	ret = mark_path(by_file, FILE_PATH, ALL_PERM, 0);
	close(by_file);
	close(global);
	return ret;
}

static long do_fork(struct waiter *w)
{
	pid_t child = fork();

	if (!child)
		_exit(0);
	return exit_status(child);
}

/* Uses the file in every way that nobody is asked about. */
static long do_use(struct waiter *w)
{
	struct stat st;

	if (stat(FILE_PATH, &st) || chmod(FILE_PATH, 0700) ||
	    truncate(FILE_PATH, 30) ||
	    link(FILE_PATH, DIR_PATH "/link") ||
	    rename(DIR_PATH "/link", DIR_PATH "/renamed") ||
	    unlink(DIR_PATH "/renamed"))
		return -errno;
	return 0;
}

/* Makes the call in a thread: is it through in time, and did it do well? */
static bool goes_on(int fd, long (*call)(struct waiter *w))
{
	struct waiter w;
	bool good;

	if (!waiter_run(&w, fd, call))
		return false;
	if (!waiter_returned(&w, WAIT_MS))
		return false;
	good = !w.ret;
	pthread_join(w.thread, NULL);
	close(w.done);
	return good;
}

#define GOES_ON(fd, call) \
	EXPECT_TRUE(goes_on(fd, call)) { \
		TH_LOG("in %s", #call); \
	}

/*
 * A task waits for a group of the system calls that does not answer, while
 * there are socket listeners that may be about to be asked the same.
 */
FIXTURE(group)
{
	struct stat st;
	struct doer doer;
	int sock, group;
};

FIXTURE_VARIANT(group) {
	unsigned int mark;
	enum kind kind;
	__u32 mask;
};

#define GROUP(name, mark_, kind_, mask_) \
	FIXTURE_VARIANT_ADD(group, name) { \
		.mark = mark_, \
		.kind = kind_, \
		.mask = mask_, \
	}

GROUP(file_and_global, 0, GLOBAL, FAN_OPEN_PERM);
GROUP(file_and_file, 0, BY_FILE, FAN_OPEN_PERM);
GROUP(file_and_parent, 0, BY_PARENT, FAN_OPEN_PERM);
GROUP(sb_and_global, FAN_MARK_FILESYSTEM, GLOBAL, FAN_OPEN_PERM);
GROUP(sb_and_file, FAN_MARK_FILESYSTEM, BY_FILE, FAN_OPEN_PERM);
GROUP(mount_and_global, FAN_MARK_MOUNT, GLOBAL, FAN_OPEN_PERM);
GROUP(mount_and_notification, FAN_MARK_MOUNT, GLOBAL, FAN_OPEN);
GROUP(file_and_notification, 0, BY_FILE, FAN_OPEN);

FIXTURE_SETUP(group)
{
	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0, variant->mask, DIR_PATH,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	self->group = fan_group(FAN_CLASS_CONTENT);
	ASSERT_LE(0, self->group);
	ASSERT_EQ(0, fan_mark(self->group, variant->mark, FAN_OPEN_PERM,
			      FILE_PATH));
}

FIXTURE_TEARDOWN(group) {}

/* The doer waits for the group, for ever. */
static int doer_waits(struct doer *doer, int group)
{
	struct pollfd pfd = { .fd = group, .events = POLLIN };

	if (!doer_start(doer, do_open, FILE_PATH))
		return -ENOMEM;
	return poll(&pfd, 1, WAIT_MS) == 1 ? 0 : -ETIMEDOUT;
}

/* The group answers all that it is asked, until the doer is through. */
static long let_go(struct doer *doer, int group, __u32 response)
{
	struct pollfd pfds[] = {
		{ .fd = group, .events = POLLIN },
		{ .fd = doer->done, .events = POLLIN },
	};
	struct fanotify_response resp = { .response = response };
	struct fanotify_event_metadata ev;

	while (!pfds[1].revents && poll(pfds, 2, WAIT_MS) > 0) {
		while (read(group, &ev, sizeof(ev)) == sizeof(ev)) {
			resp.fd = ev.fd;
			if (write(group, &resp, sizeof(resp)) < 0)
				return -EPROTO;
			close(ev.fd);
		}
	}
	return doer_result(doer);
}

TEST_F(group, socket_is_closed)
{
	ASSERT_EQ(0, doer_waits(&self->doer, self->group));
	GOES_ON(self->sock, do_close);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(0, let_go(&self->doer, self->group, FAN_ALLOW));
}

TEST_F(group, socket_is_shut_down)
{
	ASSERT_EQ(0, doer_waits(&self->doer, self->group));
	GOES_ON(self->sock, do_shutdown);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(-EPERM, let_go(&self->doer, self->group, FAN_DENY));
	GOES_ON(self->sock, do_close);
}

/* Nor is its end held up if it comes with that of the process. */
TEST_F(group, listener_is_killed)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		pause();
		_exit(0);
	}
	ASSERT_EQ(0, close(self->sock));
	ASSERT_EQ(0, doer_waits(&self->doer, self->group));
	ASSERT_EQ(0, kill(child, SIGKILL));
	EXPECT_EQ(-SIGKILL, exit_status(child));
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(0, let_go(&self->doer, self->group, FAN_ALLOW));
}

/* One after the other, many are closed. */
TEST_F(group, many_come_and_go)
{
	int i, sock;

	ASSERT_EQ(0, doer_waits(&self->doer, self->group));
	for (i = 0; i < 50; i++) {
		sock = new_sentry(variant->kind, i, variant->mask, DIR_PATH,
				  FILE_PATH);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, close(sock));
	}
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	ASSERT_EQ(0, close(self->sock));
	EXPECT_EQ(0, let_go(&self->doer, self->group, FAN_ALLOW));
}

TEST_F(group, everybody_goes_on)
{
	ASSERT_EQ(0, doer_waits(&self->doer, self->group));
	GOES_ON(self->sock, do_mark);
	GOES_ON(-1, do_listen);
	GOES_ON(-1, do_umount);
	GOES_ON(-1, do_mount);
	GOES_ON(-1, do_remount);
	GOES_ON(-1, do_fork);
	GOES_ON(-1, do_use);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	ASSERT_EQ(0, close(self->sock));
	EXPECT_EQ(0, let_go(&self->doer, self->group, FAN_ALLOW));
}

/*
 * A task waits for a socket listener that does not answer, and somebody else
 * has the same file marked.
 */
FIXTURE(waits)
{
	struct stat st;
	struct doer doer;
	/* Who is asked, with what is known of the question, and the other */
	int sock, other;
	__u64 cookie;
};

FIXTURE_VARIANT(waits) {
	enum kind kind;
	/* Makes the other listener, and @remove ends what it has marked. */
	int (*start)(void);
	long (*remove)(struct waiter *w);
};

/* Those with a smaller number were asked before, the others will be. */
static int with_smaller_global(void)
{
	return new_sentry(GLOBAL, 1, FAN_OPEN, NULL, NULL);
}

static int with_smaller_by_file(void)
{
	return new_sentry(BY_FILE, 1, FAN_OPEN | FAN_CLOSE, NULL, FILE_PATH);
}

static int with_larger_global(void)
{
	return new_sentry(GLOBAL, 9, ALL_PERM, NULL, NULL);
}

static int with_larger_by_file(void)
{
	return new_sentry(BY_FILE, 9, ALL_PERM, NULL, FILE_PATH);
}

static int with_larger_by_parent(void)
{
	return new_sentry(BY_PARENT, 9, ALL_PERM, DIR_PATH, NULL);
}

static int with_inotify_file(void)
{
	return start_inotify_file(DIR_PATH, FILE_PATH);
}

static int with_inotify_dir(void)
{
	return start_inotify_dir(DIR_PATH, FILE_PATH);
}

static int with_notify_inode(void)
{
	return start_marked(FAN_CLASS_NOTIF, 0, NOTIFY_EVENTS, FILE_PATH);
}

static int with_notify_sb(void)
{
	return start_marked(FAN_CLASS_NOTIF, FAN_MARK_FILESYSTEM,
			    NOTIFY_EVENTS, FILE_PATH);
}

static int with_content_inode(void)
{
	return start_marked(FAN_CLASS_CONTENT, 0, NOTIFY_EVENTS, FILE_PATH);
}

static long no_mark(struct waiter *w)
{
	return 0;
}

static long unmark_file(struct waiter *w)
{
	return mark_path(w->fd, FILE_PATH, 0, 0);
}

static long unmark_dir(struct waiter *w)
{
	return mark_path(w->fd, DIR_PATH, 0, 0);
}

/* The first watch of an inotify instance */
static long unwatch(struct waiter *w)
{
	return result(inotify_rm_watch(w->fd, 1));
}

static long flush_inodes(struct waiter *w)
{
	return result(fanotify_mark(w->fd, FAN_MARK_FLUSH, 0, AT_FDCWD,
				    FILE_PATH));
}

static long flush_sbs(struct waiter *w)
{
	return result(fanotify_mark(w->fd, FAN_MARK_FLUSH |
				    FAN_MARK_FILESYSTEM, 0, AT_FDCWD,
				    FILE_PATH));
}

#define WAITS(name, kind_, start_, remove_) \
	FIXTURE_VARIANT_ADD(waits, name) { \
		.kind = kind_, \
		.start = start_, \
		.remove = remove_, \
	}

WAITS(global_smaller_global, GLOBAL, with_smaller_global, no_mark);
WAITS(global_smaller_by_file, GLOBAL, with_smaller_by_file, unmark_file);
WAITS(global_larger_global, GLOBAL, with_larger_global, no_mark);
WAITS(global_larger_by_file, GLOBAL, with_larger_by_file, unmark_file);
WAITS(global_larger_by_parent, GLOBAL, with_larger_by_parent, unmark_dir);
WAITS(by_file_larger_global, BY_FILE, with_larger_global, no_mark);
WAITS(by_file_larger_by_file, BY_FILE, with_larger_by_file, unmark_file);
WAITS(by_parent_larger_by_file, BY_PARENT, with_larger_by_file, unmark_file);
WAITS(by_parent_larger_by_parent, BY_PARENT, with_larger_by_parent, unmark_dir);
WAITS(global_inotify_file, GLOBAL, with_inotify_file, unwatch);
WAITS(global_inotify_dir, GLOBAL, with_inotify_dir, unwatch);
WAITS(by_file_inotify_file, BY_FILE, with_inotify_file, unwatch);
WAITS(global_notify_inode, GLOBAL, with_notify_inode, flush_inodes);
WAITS(by_file_notify_inode, BY_FILE, with_notify_inode, flush_inodes);
WAITS(by_file_notify_sb, BY_FILE, with_notify_sb, flush_sbs);
WAITS(global_content_inode, GLOBAL, with_content_inode, flush_inodes);
WAITS(by_file_content_inode, BY_FILE, with_content_inode, flush_inodes);

FIXTURE_SETUP(waits)
{
	struct fanotify_so_event_metadata ev;

	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 5, FAN_OPEN_PERM, DIR_PATH,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	self->other = variant->start();
	ASSERT_LE(0, self->other);
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	self->cookie = ev.cookie;
}

FIXTURE_TEARDOWN(waits) {}

/* The doer is still there, and is let go now. */
#define DOER_WAITED(response, ret) \
	do { \
		EXPECT_FALSE(doer_returned(&self->doer, 0)); \
		EXPECT_EQ(0, answer(self->sock, self->cookie, response)); \
		EXPECT_EQ(ret, doer_result(&self->doer)); \
	} while (0)

TEST_F(waits, mark_is_removed)
{
	GOES_ON(self->other, variant->remove);
	DOER_WAITED(FAN_DENY, -EPERM);
}

static void close_other(struct __test_metadata *_metadata,
			FIXTURE_DATA(waits) * self)
{
	struct waiter w;

	ASSERT_TRUE(waiter_run(&w, self->other, do_close));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	DOER_WAITED(FAN_ALLOW, 0);
	EXPECT_EQ(0, w.ret);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
}

TEST_F(waits, other_is_closed)
{
	close_other(_metadata, self);
}

TEST_F(waits, mark_is_removed_and_other_closed)
{
	GOES_ON(self->other, variant->remove);
	close_other(_metadata, self);
}

TEST_F(waits, everybody_goes_on)
{
	GOES_ON(self->sock, do_mark);
	GOES_ON(-1, do_listen);
	GOES_ON(-1, do_umount);
	GOES_ON(-1, do_mount);
	GOES_ON(-1, do_remount);
	GOES_ON(-1, do_fork);
	GOES_ON(-1, do_use);
	DOER_WAITED(FAN_DENY, -EPERM);
}

/* The mark that the question is about goes, and the question stays. */
TEST_F(waits, own_mark_is_removed)
{
	const char *marked = variant->kind == BY_FILE ? FILE_PATH : DIR_PATH;

	if (variant->kind == GLOBAL)
		EXPECT_EQ(0, mark_path(self->sock, marked, 0, FAN_CLOSE));
	ASSERT_EQ(0, mark_path(self->sock, marked, 0, 0));
	DOER_WAITED(FAN_DENY, -EPERM);
}

/* So does the file's name, and its file system if it can. */
TEST_F(waits, file_is_unlinked)
{
	ASSERT_EQ(0, unlink(FILE_PATH));
	ASSERT_EQ(0, umount2(TMP, MNT_DETACH));
	DOER_WAITED(FAN_DENY, -EPERM);
}

TEST_HARNESS_MAIN
