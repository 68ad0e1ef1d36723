// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: those who ask and those who answer are in different
 * namespaces
 */

#define _GNU_SOURCE
#include <sys/prctl.h>

#include "marks.h"
#include "perm.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define TEXT "text of the file"

/**
 * struct told - what a listener in a child has to tell
 *
 * @err: 0 or -errno: if it is not 0, the rest is nothing.
 * @pid: Of the event.
 * @tgid: Likewise.
 * @text: What the event's file begins with.
 */
struct told {
	int err;
	pid_t pid, tgid;
	char text[32];
};

/* Takes one event of a file with the text, and answers it. */
static struct told listen_once(int sock, __u32 response)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	struct fanotify_so_event_metadata ev;
	struct told told = {};
	int ret;

	do {
		memset(told.text, 0, sizeof(told.text));
		if (poll(&pfd, 1, WAIT_MS) != 1) {
			told.err = -ETIMEDOUT;
			return told;
		}
		ret = take_event(sock, &ev);
		if (ret < 0) {
			told.err = ret;
			return told;
		}
		if (!ret)
			continue;
		if (pread(ev.fd, told.text, sizeof(told.text) - 1, 0) < 0)
			told.err = -errno;
		/* Whatever else there is in the system goes on. */
		if (strcmp(told.text, TEXT))
			answer(sock, ev.cookie, FAN_ALLOW);
		close_event(&ev);
	} while (!told.err && strcmp(told.text, TEXT));
	told.pid = ev.pid;
	told.tgid = ev.tgid;
	if (!told.err)
		told.err = answer(sock, ev.cookie, response);
	return told;
}

/*
 * A listener in namespaces of its own. @ready is readable when it listens, and
 * then has what it was told.
 */
struct listener {
	pid_t pid;
	int ready;
};

/* Where it listens from */
struct where {
	int flags;
	/* It was bound by the parent. */
	int sock;
	bool global;
};

static int start_listening(const struct where *where)
{
	int sock = where->sock;

	if (sock < 0)
		sock = where->global ? global_listener(FAN_OPEN_PERM) :
				       dir_listener(DIR_PATH, FAN_OPEN_PERM);
	return sock < 0 ? sock :
	       set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000) ?:
	       set_u32(sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY) ?: sock;
}

static int listener_start(struct listener *listener, const struct where *where,
			  __u32 response)
{
	int fds[2], sock, ret = -1;
	struct told told;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	listener->pid = fork();
	if (!listener->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(where->flags))
			_exit(1);
		/* Only a child is in the new pid namespace. */
		child = fork();
		if (child)
			_exit(exit_status(child));
		sock = start_listening(where);
		ret = sock < 0 ? sock : 0;
		if (write(fds[1], &ret, sizeof(ret)) != sizeof(ret) || ret)
			_exit(2);
		told = listen_once(sock, response);
		_exit(write(fds[1], &told, sizeof(told)) != sizeof(told));
	}
	close(fds[1]);
	listener->ready = fds[0];
	return read(fds[0], &ret, sizeof(ret)) == sizeof(ret) ? ret : -EIO;
}

static struct told listener_end(struct listener *listener)
{
	struct told told = {};

	if (read(listener->ready, &told, sizeof(told)) != sizeof(told))
		told.err = -EIO;
	if (exit_status(listener->pid))
		told.err = told.err ?: -ECHILD;
	close(listener->ready);
	return told;
}

FIXTURE(apart)
{
	struct where where;
	struct listener listener;
};

FIXTURE_VARIANT(apart)
{
	int flags;
	bool global;
	/* It only reads what the parent has bound. */
	bool inherits;
	/* Can it see who asks? */
	bool sees;
};

FIXTURE_VARIANT_ADD(apart, nowhere) {
	.sees = true,
};

FIXTURE_VARIANT_ADD(apart, pidns) {
	.flags = CLONE_NEWPID,
};

FIXTURE_VARIANT_ADD(apart, pidns_bound_outside) {
	.flags = CLONE_NEWPID,
	.inherits = true,
};

FIXTURE_VARIANT_ADD(apart, pidns_global) {
	.flags = CLONE_NEWPID,
	.global = true,
};

FIXTURE_VARIANT_ADD(apart, mntns) {
	.flags = CLONE_NEWNS,
	.sees = true,
};

FIXTURE_VARIANT_ADD(apart, mntns_global) {
	.flags = CLONE_NEWNS,
	.global = true,
	.sees = true,
};

FIXTURE_VARIANT_ADD(apart, netns_global) {
	.flags = CLONE_NEWNET,
	.global = true,
	.sees = true,
};

/* Authority is the socket's from bind() on. */
FIXTURE_VARIANT_ADD(apart, userns_bound_outside) {
	.flags = CLONE_NEWUSER,
	.inherits = true,
	.sees = true,
};

FIXTURE_VARIANT_ADD(apart, all_bound_outside) {
	.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
		 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
	.inherits = true,
};

FIXTURE_SETUP(apart)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
	self->where = (struct where){
		.flags = variant->flags,
		.global = variant->global,
		.sock = -1,
	};
	if (variant->inherits) {
		self->where.sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
		ASSERT_LE(0, self->where.sock);
	}
}

FIXTURE_TEARDOWN(apart) {}

static void expect_told(struct __test_metadata *_metadata,
			const struct told *told, bool sees)
{
	EXPECT_EQ(0, told->err);
	EXPECT_EQ(sees ? getpid() : 0, told->pid);
	EXPECT_EQ(sees ? getpid() : 0, told->tgid);
	EXPECT_STREQ(TEXT, told->text);
}

TEST_F(apart, allowed)
{
	struct told told;

	ASSERT_EQ(0, listener_start(&self->listener, &self->where, FAN_ALLOW));
	EXPECT_EQ(0, do_open(FILE_PATH));
	told = listener_end(&self->listener);
	expect_told(_metadata, &told, variant->sees);
}

TEST_F(apart, denied)
{
	struct told told;

	ASSERT_EQ(0, listener_start(&self->listener, &self->where, FAN_DENY));
	EXPECT_EQ(-EPERM, do_open(FILE_PATH));
	told = listener_end(&self->listener);
	expect_told(_metadata, &told, variant->sees);
}

/* The listener has no path to the file, but the fd of the event. */
TEST_F(apart, file_system_of_our_own)
{
	struct told told;

	ASSERT_EQ(0, listener_start(&self->listener, &self->where, FAN_DENY));
	/* What happens now is in no mount namespace but this one's. */
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount("fanotify_test", DIR_PATH, "tmpfs", 0, NULL));
	ASSERT_EQ(0, write_file(FILE_PATH, variant->global ? TEXT : "other"));
	if (variant->global) {
		EXPECT_EQ(-EPERM, do_open(FILE_PATH));
	} else {
		/* A directed one hears what it has marked, and only that. */
		EXPECT_EQ(0, do_open(FILE_PATH));
		ASSERT_EQ(0, umount(DIR_PATH));
		EXPECT_EQ(-EPERM, do_open(FILE_PATH));
	}
	told = listener_end(&self->listener);
	expect_told(_metadata, &told, variant->sees);
}

/* Nobody becomes a listener by being root of a namespace of one's own. */
FIXTURE(userns)
{
};

FIXTURE_VARIANT(userns)
{
	int flags;
};

FIXTURE_VARIANT_ADD(userns, alone) {
	.flags = CLONE_NEWUSER,
};

FIXTURE_VARIANT_ADD(userns, with_netns) {
	.flags = CLONE_NEWUSER | CLONE_NEWNET,
};

FIXTURE_VARIANT_ADD(userns, with_all) {
	.flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET |
		 CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
};

FIXTURE_SETUP(userns)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
}

FIXTURE_TEARDOWN(userns) {}

/* Root in there, with all capabilities: 0 or the number of what went wrong */
static int fail_to_bind(int flags)
{
	if (unshare(flags) || write_knob("/proc/self/uid_map", "0 0 1") ||
	    getuid() != 0)
		return 1;
	if (new_listener(FAN_OPEN_PERM, O_RDONLY) != -EPERM)
		return 2;
	if (new_listener(FAN_GLOBAL_LISTENER | FAN_OPEN_PERM, O_RDONLY) !=
	    -EPERM)
		return 3;
	if (new_listener(FAN_GLOBAL_LISTENER | FAN_OPEN, O_RDONLY) != -EPERM)
		return 4;
	return 0;
}

TEST_F(userns, bind)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(fail_to_bind(variant->flags));
	EXPECT_EQ(0, exit_status(child));
}

/* Opens the file in namespaces of its own, to which it may belong. */
static int open_flags;

static long do_open_apart(const char *path)
{
	pid_t child;

	if (unshare(open_flags))
		return -ENOTSUP;
	/* Only a child is in the new pid namespace. */
	child = fork();
	if (!child)
		_exit(-do_open(path));
	return -exit_status(child);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[256] = "", *end;
	int fd;

	sprintf(path, "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return -errno;
	close(fd);
	/* After the name, which may have anything in it, and the state */
	end = strrchr(text, ')');
	return end && strlen(end) > 4 ? atoi(end + 4) : -EPROTO;
}

/* Nor does anybody get away from a listener by that. */
TEST_F(userns, is_asked)
{
	int sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	open_flags = variant->flags;
	ASSERT_TRUE(doer_start(&doer, do_open_apart, FILE_PATH));
	ASSERT_EQ(0, next_event(sock, &st, &ev));
	/* By our name for it. */
	EXPECT_EQ(doer.pid, parent_of(ev.tgid));
	EXPECT_EQ(ev.tgid, ev.pid);
	EXPECT_EQ(0, answer(sock, ev.cookie, FAN_DENY));
	close_event(&ev);
	EXPECT_EQ(-EPERM, doer_result(&doer));
	close(sock);
}

/* Both in one namespace: the listener calls the other what it calls itself. */
static int ask_inside(void)
{
	int sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	if (getpid() != 1 || sock < 0 || stat(FILE_PATH, &st) ||
	    set_u32(sock, FANOTIFY_IGNORE_SELF, 1) ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000) ||
	    !doer_start(&doer, do_open, FILE_PATH) ||
	    next_event(sock, &st, &ev))
		return 1;
	if (ev.pid != doer.pid || ev.tgid != doer.pid || ev.pid > 100)
		return 2;
	if (answer(sock, ev.cookie, FAN_DENY) || doer_result(&doer) != -EPERM)
		return 3;
	return 0;
}

TEST(both_in_one_pid_namespace)
{
	pid_t child;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, TEXT));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(ask_inside());
	EXPECT_EQ(0, exit_status(child));
}

TEST_HARNESS_MAIN
