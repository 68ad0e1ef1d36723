/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what they share
 *
 * The tests run as root. A global listener hears the whole system, so a test
 * looks only at the events of its own files, tells them by their inode, and
 * closes every descriptor that it is handed.
 */
#ifndef FANOTIFY_TEST_COMMON_H
#define FANOTIFY_TEST_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/loop.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* For a program of several files, which the harness cannot be in. */
#ifdef FANOTIFY_NO_HARNESS
#include "../kselftest.h"
#else
#include "../kselftest_harness.h"
#endif

/* The checking kernel under emulation is some 50 times slower. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

/* What must happen happens within this, or the test has failed. */
#define WAIT_MS 60000

/* A tmpfs of the test's own; private_tmp() mounts it. */
#define TMP "/tmp/fanotify_test"

/* The bits of which a global listener asks for at least one. */
#define ALL_EVENTS (FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | FAN_OPEN | \
		    FAN_OPEN_EXEC)
#define ALL_PERM (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)

/* Only for who asks where they happened. */
#define WHERE_EVENTS (FAN_CREATE | FAN_DELETE | FAN_DELETE_SELF | FAN_MOVE | \
		      FAN_MOVE_SELF | FAN_RENAME | FAN_ATTRIB)

#define NOBODY 65534

/* What F_GETFL shows of a descriptor that makes no events */
#define QUIET 0x2000000

/* What a call returned, or its negated errno. */
static inline long result(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Milliseconds on the clock that never jumps. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static inline struct fanotify_addr address(__u32 mask, __u32 f_flags)
{
	return (struct fanotify_addr){
		.family = AF_FANOTIFY,
		.mask = mask,
		.f_flags = f_flags,
	};
}

/* Through a function, because the compiler warns of a plain cast. */
static inline struct sockaddr *sockaddr_of(const void *addr)
{
	return (struct sockaddr *)addr;
}

static inline int new_socket(void)
{
	return result(socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static inline int do_bind(int sock, const struct fanotify_addr *addr)
{
	return result(bind(sock, (const struct sockaddr *)addr, sizeof(*addr)));
}

/* A bound socket, or -errno. */
static inline int new_listener(__u32 mask, __u32 f_flags)
{
	struct fanotify_addr addr = address(mask, f_flags);
	int sock = new_socket();
	int ret;

	if (sock < 0)
		return sock;
	ret = do_bind(sock, &addr);
	if (ret) {
		close(sock);
		return ret;
	}
	return sock;
}

/* A listener to every file of the system whose event fds are for reading. */
static inline int global_listener(__u32 mask)
{
	return new_listener(FAN_GLOBAL_LISTENER | mask, O_RDONLY | O_CLOEXEC);
}

/* A listener that hears nothing: it is directed and has no marks. */
static inline int deaf_listener(void)
{
	return new_listener(0, O_RDONLY | O_CLOEXEC);
}

/* Sets the masks of the file behind @fd. 0 or -errno. */
static inline int set_mark(int sock, int fd, __u32 mask, __u32 ignored_mask)
{
	struct fanotify_so_inode_mark mark = {
		.fd = fd,
		.mask = mask,
		.ignored_mask = ignored_mask,
	};

	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, &mark,
				 sizeof(mark)));
}

/* The same by name. */
static inline int mark_path(int sock, const char *path, __u32 mask,
			    __u32 ignored_mask)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = set_mark(sock, fd, mask, ignored_mask);
	close(fd);
	return ret;
}

/* A listener to what is in a directory, and to nothing else. */
static inline int dir_listener(const char *dir, __u32 mask)
{
	int sock = deaf_listener();
	int ret;

	if (sock < 0)
		return sock;
	ret = mark_path(sock, dir, mask | FAN_EVENT_ON_CHILD, 0);
	if (ret) {
		close(sock);
		return ret;
	}
	return sock;
}

#ifndef FANOTIFY_NO_HARNESS
/* Gives the test mounts of its own, which go away with it, and TMP. */
static inline void private_tmp(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_TRUE(!mkdir(TMP, 0755) || errno == EEXIST);
	ASSERT_EQ(0, mount("fanotify_test", TMP, "tmpfs", 0, "mode=755"));
}
#endif

/* Makes @path a file with this text. 0 or -errno. */
static inline int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t len = strlen(text);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != len)
		ret = -EIO;
	close(fd);
	return ret;
}

/* Opens @path and closes it again. 0 or -errno. */
static inline int open_close(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	return result(close(fd));
}

static inline bool is_file(int fd, const struct stat *st)
{
	struct stat seen;

	return fd >= 0 && !fstat(fd, &seen) && seen.st_dev == st->st_dev &&
	       seen.st_ino == st->st_ino;
}

static inline void close_event(const struct fanotify_so_event_metadata *ev)
{
	if (ev->fd >= 0)
		close(ev->fd);
}

/* No queue of a test is so long, but who hears itself finds no end of it. */
#define MAX_TAKEN 200000

/* Takes one event if one is queued. 1, 0 for an empty queue, or -errno. */
static inline int take_event(int sock, struct fanotify_so_event_metadata *ev)
{
	/* Since a queue was empty */
	static int taken;
	ssize_t len = recv(sock, ev, sizeof(*ev), MSG_DONTWAIT);

	if (len < 0) {
		taken = 0;
		return errno == EAGAIN ? 0 : -errno;
	}
	if (++taken > MAX_TAKEN)
		return -ELOOP;
	return len == sizeof(*ev) && ev->event_len == len ? 1 : -EIO;
}

/*
 * Takes all that is queued. Returns the mask of the only event of the file
 * @st, 0 if there was none, or -errno: -E2BIG says that there were several.
 * What a system call causes is queued before the call returns, so there is
 * nothing to wait for.
 */
static inline long only_event(int sock, const struct stat *st)
{
	long mask = 0;
	struct fanotify_so_event_metadata ev;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0) {
		if (is_file(ev.fd, st))
			mask = mask ? -E2BIG : ev.mask;
		close_event(&ev);
	}
	return ret ?: mask;
}

/* Takes all that is queued; returns the masks of the file's events, or-ed. */
static inline long all_events(int sock, const struct stat *st)
{
	long mask = 0;
	struct fanotify_so_event_metadata ev;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0) {
		if (is_file(ev.fd, st))
			mask |= ev.mask;
		close_event(&ev);
	}
	return ret ?: mask;
}

/* Takes all that is queued: how many of them did this process cause? */
static inline int own_events(int sock)
{
	struct fanotify_so_event_metadata ev;
	int ret, count = 0;

	while ((ret = take_event(sock, &ev)) > 0) {
		count += ev.tgid == getpid();
		close_event(&ev);
	}
	return ret ?: count;
}

/* Takes all that is queued. 0 or -errno. */
static inline int drain(int sock)
{
	struct fanotify_so_event_metadata ev;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0)
		close_event(&ev);
	return ret;
}

/*
 * Waits for the next event of the file @st, or if @st is NULL for the next
 * one without an fd, and leaves its fd to the caller. 0 or -errno.
 */
static inline int next_event(int sock, const struct stat *st,
			     struct fanotify_so_event_metadata *ev)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	int ret;

	for (;;) {
		ret = poll(&pfd, 1, WAIT_MS);
		if (ret <= 0)
			return ret ? -errno : -ETIMEDOUT;
		ret = take_event(sock, ev);
		if (ret < 0)
			return ret;
		if (!ret)
			continue;
		if (st ? is_file(ev->fd, st) : ev->fd < 0)
			return 0;
		close_event(ev);
	}
}

/* How many descriptors are open. */
static inline int count_fds(void)
{
	int count = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Leaves @free descriptors to be had; returns the old limit. */
static inline struct rlimit leave_fds(int free)
{
	struct rlimit old, now;
	int fd, highest = 0;

	getrlimit(RLIMIT_NOFILE, &old);
	/* No number below the highest is free. */
	for (fd = 0; fd < 256; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			highest = fd;
	}
	do {
		fd = dup(0);
	} while (fd >= 0 && fd < highest);
	close(fd);
	now = old;
	now.rlim_cur = fd + free;
	setrlimit(RLIMIT_NOFILE, &now);
	return old;
}

/* Waits for @pid to exit: its exit status, or minus the signal it died of. */
static inline int exit_status(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Becomes a user without any privilege. 0 or -errno. */
static inline int become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return result(setresuid(NOBODY, NOBODY, NOBODY));
}

/* Makes @path an image of a fresh ext4. 0, -errno or an exit status. */
static inline int make_ext4(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	pid_t child;

	if (fd < 0 || ftruncate(fd, 4 << 20))
		return -errno;
	close(fd);
	child = fork();
	if (!child) {
		execl("/sbin/mke2fs", "mke2fs", "-q", "-F", "-t", "ext4", path,
		      NULL);
		_exit(100);
	}
	return exit_status(child);
}

/*
 * Puts a loop device before the image: its descriptor or -errno. The device
 * is gone when that is closed and nothing is mounted.
 */
static inline int loop_attach(const char *image, int flags, char *dev)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int rw, ro;

	config.fd = open(image, flags | O_CLOEXEC);
	sprintf(dev, "/dev/loop%d", ioctl(ctl, LOOP_CTL_GET_FREE));
	rw = open(dev, O_RDWR | O_CLOEXEC);
	if (rw < 0 || ioctl(rw, LOOP_CONFIGURE, &config))
		return -errno;
	/* A kernel may refuse to mount what is open for writing. */
	ro = open(dev, O_RDONLY | O_CLOEXEC);
	close(rw);
	close(config.fd);
	close(ctl);
	return result(ro);
}

/*
 * Waits until the thread sleeps in the system call @nr. This reads a file of
 * /proc, so a listener that must not hear that asks for FAN_CLOSE_WRITE only.
 */
static inline bool sleeps_in(pid_t tid, long nr)
{
	long long end = now_ms() + WAIT_MS;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	do {
		char text[32] = "";
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		char *rest;

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0) {
			close(fd);
			return false;
		}
		close(fd);
		/* Else it says "running". */
		if (strtol(text, &rest, 10) == nr && rest != text)
			return true;
		usleep(1000);
	} while (now_ms() < end);
	return false;
}

/**
 * struct waiter - a thread in one blocking call
 *
 * @call: Makes the call; returns its result or -errno.
 * @fd: What the call is made on.
 * @ev: For an event that the call reads.
 * @ret: What @call returned; valid once @done is readable.
 * @done: An eventfd, readable when the call has returned.
 * @tid: The thread's id, 0 until it runs.
 * @thread: The thread.
 */
struct waiter {
	long (*call)(struct waiter *w);
	int fd;
	struct fanotify_so_event_metadata ev;
	long ret;
	int done;
	pid_t tid;
	pthread_t thread;
};

static inline void *waiter_main(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->ret = w->call(w);
	eventfd_write(w->done, 1);
	return NULL;
}

/* Starts the thread. */
static inline bool waiter_run(struct waiter *w, int fd,
			      long (*call)(struct waiter *w))
{
	*w = (struct waiter){ .call = call, .fd = fd };
	w->done = eventfd(0, EFD_CLOEXEC);
	return w->done >= 0 &&
	       !pthread_create(&w->thread, NULL, waiter_main, w);
}

/* Starts the thread and waits until it sleeps in the system call @nr. */
static inline bool waiter_start(struct waiter *w, int fd,
				long (*call)(struct waiter *w), long nr)
{
	if (!waiter_run(w, fd, call))
		return false;
	while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	return sleeps_in(w->tid, nr);
}

static inline bool waiter_returned(struct waiter *w, int timeout_ms)
{
	struct pollfd pfd = { .fd = w->done, .events = POLLIN };

	return poll(&pfd, 1, timeout_ms) == 1;
}

static inline long wait_in_read(struct waiter *w)
{
	return result(read(w->fd, &w->ev, sizeof(w->ev)));
}

#endif /* FANOTIFY_TEST_COMMON_H */
