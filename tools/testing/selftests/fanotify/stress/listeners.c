// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: listeners of all sorts
 *
 * Each has some sockets and treats them badly: the readers take what comes,
 * the slow ones take their time, and the deaf ones never read. Some of them are
 * asked for permission as well, and answer, or do not: so they are evicted
 * every now and then, which is nothing that they expect.
 */
#include <linux/magic.h>
#include <linux/sockios.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>

#include "stress.h"

#define NR_SLOTS	4
#define NR_KEPT		8
#define MAX_BATCH	64
#define MAX_FAMILY	4	/* children at a time */
/* All wait for those who never answer, so not for long. */
#define MAX_TIMEOUT_MS	40

#define PERM_EVENTS	(FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)

/**
 * struct slot - a socket of this process
 *
 * @sock: The socket, or 0.
 * @marked: A file that was marked, or 0.
 * @global: Does it hear all files?
 * @guard: Is it asked for permission? Then it can be evicted at any time.
 * @shut: Was shutdown() called?
 * @cookie: That of the last question.
 */
struct slot {
	int sock;
	int marked;
	bool global;
	bool guard;
	bool shut;
	__u64 cookie;
};

static struct slot slots[NR_SLOTS];
static int kept[NR_KEPT];	/* descriptors of events, or 0 */
static int family;		/* children that are not waited for */

static int set_number(const struct slot *slot, int opt, __u32 number)
{
	return result(setsockopt(slot->sock, SOL_FANOTIFY, opt, &number,
				 sizeof(number)));
}

/* While a global guard that fails closed is evicted nobody gets any further. */
static __u32 random_policy(struct worker *w, bool global)
{
	return once_in(w, global ? 20 : 3) ? FAN_DENY : FAN_ALLOW;
}

/* What a slot's socket says when it is, or may be, over */
static bool is_over(const struct slot *slot, int ret)
{
	return (slot->shut || slot->guard) && ret == -ESHUTDOWN;
}

static __u32 random_events(struct worker *w)
{
	__u32 mask = below(w, 1 << 16) & ALL_EVENTS;

	return mask ?: FAN_OPEN;
}

/* For a mark, or a listener, that is asked for permission */
static __u32 random_questions(struct worker *w)
{
	__u32 mask = below(w, 1 << 20) & PERM_EVENTS;

	return mask ?: FAN_OPEN_PERM;
}

static void close_slot(struct slot *slot)
{
	if (slot->sock)
		close(slot->sock);
	if (slot->marked)
		close(slot->marked);
	*slot = (struct slot){};
}

/* Closes the slot's socket and binds a new one. */
static int rebind(struct worker *w, struct slot *slot)
{
	static const __u32 flags[] = {
		O_RDONLY, O_RDONLY, O_RDWR, O_WRONLY | O_APPEND,
		O_RDONLY | O_NOATIME, O_RDWR | O_SYNC,
	};
	static const __u32 priorities[] = { 0, 1, 1, 2, 3, UINT32_MAX };
	struct fanotify_addr addr = address(0, O_CLOEXEC | O_NONBLOCK);
	bool global = once_in(w, 2);
	bool guard = once_in(w, 3);
	__u32 timeout = 1 + below(w, MAX_TIMEOUT_MS);
	__u32 policy = random_policy(w, global);
	__u32 questions = random_questions(w);
	int sock, ret;

	addr.priority = priorities[below(w, 6)];
	addr.f_flags |= flags[below(w, 6)];
	if (global)
		addr.mask = FAN_GLOBAL_LISTENER | random_events(w) |
			    (once_in(w, 2) ? FAN_ONDIR : 0) |
			    (guard ? questions : 0);

	close_slot(slot);
	sock = new_socket();
	if (sock < 0)
		return sock;
	ret = do_bind(sock, &addr);
	if (ret) {
		close(sock);
		return ret;
	}
	*slot = (struct slot){
		.sock = sock,
		.global = global,
		.guard = guard,
	};
	/* Until this is done it is asked in earnest, if it is a global one. */
	if (guard)
		ret = set_number(slot, FANOTIFY_RESPONSE_TIMEOUT, timeout) ?:
		      set_number(slot, FANOTIFY_TIMEOUT_POLICY, policy);
	return is_over(slot, ret) ? 0 : ret;
}

/* Any of them, bound. */
static struct slot *random_slot(struct worker *w)
{
	struct slot *slot = &slots[below(w, NR_SLOTS)];
	int ret;

	if (!slot->sock) {
		ret = rebind(w, slot);
		if (ret)
			worker_failed(w, "bind: %s", strerror(-ret));
	}
	return slot;
}

static int op_rebind(struct worker *w)
{
	return rebind(w, &slots[below(w, NR_SLOTS)]);
}

static int op_close(struct worker *w)
{
	close_slot(random_slot(w));
	return 0;
}

/* Of the root, or of /proc? */
static bool is_outside(dev_t dev)
{
	static dev_t outside[2];
	struct stat st;

	if (!outside[0] && !stat("/", &st))
		outside[0] = st.st_dev;
	if (!outside[1] && !stat("/proc", &st))
		outside[1] = st.st_dev;
	return dev == outside[0] || dev == outside[1];
}

/*
 * What to say to a question, or 0 to say nothing. What the workers need to go
 * on is not denied: /proc, and the rest of the system.
 */
static __u32 random_response(struct worker *w, int fd)
{
	static const __u32 responses[] = {
		FAN_ALLOW, FAN_ALLOW, FAN_ALLOW, FAN_ALLOW | FAN_CACHE,
		FAN_RESET_TIMEOUT, FAN_DENY, FAN_DENY, 0,
	};
	__u32 response = responses[below(w, ARRAY_SIZE(responses))];
	struct stat st;

	if (response == FAN_DENY && (fstat(fd, &st) || is_outside(st.st_dev)))
		return FAN_ALLOW;
	return response;
}

/* One of both ways to answer. 0 or -errno. */
static int give_answers(struct worker *w, const struct slot *slot,
			const struct fanotify_so_access *access, size_t n)
{
	if (once_in(w, 2))
		return result(setsockopt(slot->sock, SOL_FANOTIFY,
					 FANOTIFY_ACCESS_RESPONSE, access,
					 n * sizeof(*access)));
	return result(send(slot->sock, access, n * sizeof(*access), 0));
}

/* Who has asked may be dead meanwhile, or out of patience. */
static void answer_all(struct worker *w, const struct slot *slot,
		       const struct fanotify_so_access *access, size_t n)
{
	int ret;

	if (!n)
		return;
	ret = give_answers(w, slot, access, n);
	if (ret < 0 && ret != -ENOENT && !is_over(slot, ret))
		worker_failed(w, "%zu answers: %s", n, strerror(-ret));
}

/* What can be done with the descriptor of an event. */
static void treat_fd(struct worker *w, int fd)
{
	int i = below(w, NR_KEPT);
	char buf[64];

	switch (below(w, 8)) {
	case 0:
		if (kept[i])
			close(kept[i]);
		kept[i] = fd;
		return;
	case 1:
		pass_fd(w, fd);
		break;
	case 2:
		(void)!pread(fd, buf, sizeof(buf), 0);
		break;
	}
	close(fd);
}

static bool is_event(const struct fanotify_so_event_metadata *ev)
{
	__u32 questions = ev->mask & PERM_EVENTS;

	if (questions)
		return ev->cookie && !(questions & (questions - 1)) &&
		       !(ev->mask & ~(PERM_EVENTS | FAN_ONDIR));
	if (ev->mask & FAN_Q_OVERFLOW)
		return ev->fd == FAN_NOFD && ev->cookie;
	return !ev->cookie && ev->mask & ALL_EVENTS &&
	       !(ev->mask & ~(ALL_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD));
}

static void treat_events(struct worker *w, struct slot *slot, const void *buf,
			 ssize_t len)
{
	const struct fanotify_so_event_metadata *ev = buf;
	struct fanotify_so_access access[MAX_BATCH + 1];
	size_t n = 0;

	for (; FAN_SO_EVENT_OK(ev, len); ev = FAN_SO_EVENT_NEXT(ev, len)) {
		if (!is_event(ev))
			worker_failed(w, "no event: mask %#x, fd %d, cookie %llu",
				      ev->mask, ev->fd, ev->cookie);
		if (ev->mask & PERM_EVENTS) {
			slot->cookie = ev->cookie;
			access[n].cookie = ev->cookie;
			access[n].response = random_response(w, ev->fd);
			n += !!access[n].response;
		}
		/* One by one, or all at once. */
		if (once_in(w, 4)) {
			answer_all(w, slot, access, n);
			n = 0;
		}
		if (ev->fd >= 0)
			treat_fd(w, ev->fd);
	}
	if (len)
		worker_failed(w, "%zd bytes after the last event", len);
	answer_all(w, slot, access, n);
}

/* What is there: bytes, 0 after shutdown, or -errno. */
static int read_some(struct worker *w, struct slot *slot, unsigned int max)
{
	char buf[MAX_BATCH * FAN_SO_EVENT_LEN];
	size_t size = (1 + below(w, max)) * FAN_SO_EVENT_LEN;
	struct iovec iov[2] = {
		{ .iov_base = buf, .iov_len = 50 },
		{ .iov_base = buf + 50, .iov_len = sizeof(buf) - 50 },
	};
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = iov, .msg_iovlen = 2 } };
	int ret;

	switch (below(w, 4)) {
	case 0:
		ret = result(recvmsg(slot->sock, &msg.msg_hdr, MSG_DONTWAIT));
		break;
	case 1:
		ret = result(recvmmsg(slot->sock, &msg, 1, MSG_DONTWAIT, NULL));
		if (ret > 0)
			ret = msg.msg_len;
		break;
	default:
		ret = result(recv(slot->sock, buf, size, MSG_DONTWAIT));
	}
	if (ret > 0)
		treat_events(w, slot, buf, ret);
	else if (!ret && !slot->shut && !slot->guard)
		worker_failed(w, "read 0 from a socket that was not shut down");
	/* Evicted: whoever hears that goes. */
	if (slot->guard && (!ret || ret == -ETIMEDOUT) && once_in(w, 2))
		close_slot(slot);
	return ret;
}

static int op_read(struct worker *w)
{
	return read_some(w, random_slot(w), MAX_BATCH);
}

static int op_read_slowly(struct worker *w)
{
	struct slot *slot = random_slot(w);
	int ret;

	ret = read_some(w, slot, 1);
	usleep(below(w, 50000));
	return ret;
}

static int op_poll(struct worker *w)
{
	struct slot *slot = random_slot(w);
	struct pollfd pfd = { .fd = slot->sock, .events = POLLIN };
	int bytes, ret;

	ret = result(poll(&pfd, 1, below(w, 3)));
	if (ret < 0)
		return ret;
	if (slot->shut && !(pfd.revents & POLLHUP))
		worker_failed(w, "after shutdown() poll says %#x", pfd.revents);
	ret = result(ioctl(slot->sock, FIONREAD, &bytes));
	if (!ret && (bytes < 0 || bytes % FAN_SO_EVENT_LEN))
		worker_failed(w, "FIONREAD says %d bytes", bytes);
	return ret;
}

/* The socket, or the one who polls it, goes first. */
static int op_epoll(struct worker *w)
{
	struct slot *slot = random_slot(w);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(EPOLL_CLOEXEC);
	int ret;

	if (epfd < 0)
		return -errno;
	ret = result(epoll_ctl(epfd, EPOLL_CTL_ADD, slot->sock, &ev));
	if (!ret)
		ret = result(epoll_wait(epfd, &ev, 1, below(w, 3)));
	if (once_in(w, 2))
		close_slot(slot);
	close(epfd);
	return ret;
}

/*
 * One mark of a file. False if there is no file, or none that can be marked.
 * The flags are only for directories.
 */
static bool random_mark(struct worker *w, struct slot *slot,
			struct fanotify_so_inode_mark *mark)
{
	__u32 flags = (once_in(w, 2) ? FAN_ONDIR : 0) |
		      (once_in(w, 2) ? FAN_EVENT_ON_CHILD : 0);
	__u32 survive = once_in(w, 2) ? FAN_SURVIVE_MODIFY : 0;
	bool ignore = slot->global || once_in(w, 3);
	bool want = !slot->global && (!ignore || once_in(w, 2));
	__u32 mask = random_events(w);
	__u32 ignored = random_events(w);
	__u32 questions = random_questions(w);
	struct stat st;
	char path[128];

	if (once_in(w, 3))
		random_dir(w, path);
	else
		random_file(w, path);
	mark->fd = open(path, O_CLOEXEC | O_NONBLOCK |
			(once_in(w, 3) ? O_RDONLY : O_PATH));
	if (mark->fd < 0)
		return false;
	if (fstat(mark->fd, &st) ||
	    (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
		close(mark->fd);
		return false;
	}
	if (slot->guard && once_in(w, 2))
		mask = (mask | questions) & ~(once_in(w, 2) ? ALL_EVENTS : 0);
	if (slot->guard && once_in(w, 4))
		ignored |= questions;
	if (!S_ISDIR(st.st_mode))
		flags = 0;
	mark->mask = want ? mask | flags : 0;
	mark->ignored_mask = ignore ? ignored | flags | survive : 0;
	return true;
}

static int set_marks(struct slot *slot,
		     const struct fanotify_so_inode_mark *marks, size_t n)
{
	return result(setsockopt(slot->sock, SOL_FANOTIFY, FANOTIFY_SET_MARK,
				 marks, n * sizeof(*marks)));
}

/* There is nothing wrong with them, so they are set. */
static int op_mark(struct worker *w)
{
	struct slot *slot = random_slot(w);
	struct fanotify_so_inode_mark marks[32];
	unsigned int max = once_in(w, 4) ? 32 : 2;
	unsigned int want = 1 + below(w, max), i, n = 0;
	int ret;

	for (i = 0; i < want; i++)
		n += random_mark(w, slot, &marks[n]);
	if (!n)
		return -ENOENT;
	ret = set_marks(slot, marks, n);
	if (slot->marked)
		close(slot->marked);
	slot->marked = marks[0].fd;
	for (i = 1; i < n; i++)
		close(marks[i].fd);
	if (ret != (slot->shut ? -ESHUTDOWN : 0) && !is_over(slot, ret))
		worker_failed(w, "setting %u marks: %s", n, strerror(-ret));
	return ret;
}

/* The last file that was marked, or any. */
static int op_unmark(struct worker *w)
{
	struct slot *slot = random_slot(w);
	struct fanotify_so_inode_mark mark = { .fd = slot->marked };
	int ret;

	slot->marked = 0;
	if (!mark.fd && !random_mark(w, slot, &mark))
		return -EAGAIN;
	mark.mask = 0;
	mark.ignored_mask = 0;
	ret = set_marks(slot, &mark, 1);
	close(mark.fd);
	return ret;
}

static int op_ignore_fs(struct worker *w)
{
	static const __u32 magics[] = {
		TMPFS_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
		PROC_SUPER_MAGIC,
	};
	struct slot *slot = random_slot(w);
	struct fanotify_so_sb sb = { .magic = magics[below(w, 4)] };
	int expected = slot->shut ? -ESHUTDOWN : slot->global ? 0 : -EINVAL;
	int ret;

	sb.mask = random_events(w) | random_questions(w) |
		  (once_in(w, 2) ? FAN_ONDIR : 0);
	if (once_in(w, 3))
		sb.mask = 0;
	ret = result(setsockopt(slot->sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB,
				&sb, sizeof(sb)));
	/* There may be nothing to stop ignoring. */
	if (ret != expected && (expected || sb.mask || ret != -ENOENT) &&
	    !is_over(slot, ret))
		worker_failed(w, "ignoring file systems: %s", strerror(-ret));
	return ret;
}

/* How long who waits for whom, and what then */
static int op_rules(struct worker *w)
{
	__u32 timeout = 1 + below(w, MAX_TIMEOUT_MS);
	struct slot *slot = random_slot(w);
	int what = below(w, 3);

	switch (what) {
	case 0:
		return set_number(slot, FANOTIFY_RESPONSE_TIMEOUT, timeout);
	case 1:
		return set_number(slot, FANOTIFY_TIMEOUT_POLICY,
				  random_policy(w, slot->global));
	default:
		return set_number(slot, FANOTIFY_IGNORE_SELF, once_in(w, 2));
	}
}

static int op_forget(struct worker *w)
{
	struct slot *slot = random_slot(w);

	return result(setsockopt(slot->sock, SOL_FANOTIFY, FANOTIFY_FORGET,
				 NULL, 0));
}

/* Answers to questions that it has not read, or that there are not */
static int op_guess(struct worker *w)
{
	struct fanotify_so_access access[16];
	struct slot *slot = random_slot(w);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(access); i++) {
		access[i].cookie = slot->cookie + i;
		access[i].response = once_in(w, 2) ? FAN_ALLOW :
						     FAN_ALLOW | FAN_CACHE;
	}
	/* This fails only if none of them is one. */
	return result(send(slot->sock, access, sizeof(access), 0));
}

static int op_shutdown(struct worker *w)
{
	struct slot *slot = random_slot(w);

	slot->shut = true;
	return result(shutdown(slot->sock, SHUT_RDWR));
}

static int op_rcvbuf(struct worker *w)
{
	struct slot *slot = random_slot(w);
	int size = FAN_SO_EVENT_COST * (1 + below(w, once_in(w, 2) ? 8 : 4096));

	return result(setsockopt(slot->sock, SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size)));
}

static int op_async(struct worker *w)
{
	struct slot *slot = random_slot(w);

	if (fcntl(slot->sock, F_SETOWN, getpid()))
		return -errno;
	return result(fcntl(slot->sock, F_SETFL, once_in(w, 2) ? O_ASYNC : 0));
}

static int op_proc_net(struct worker *w)
{
	(void)w;
	return read_whole("/proc/net/fanotify");
}

/* Of a socket of its own, and of whatever another worker has. */
static int op_fdinfo(struct worker *w)
{
	struct slot *slot = random_slot(w);
	pid_t pid = reports[below(w, nr_workers)].pid;
	char path[64];
	int ret;

	sprintf(path, "/proc/self/fdinfo/%d", slot->sock);
	ret = read_whole(path);
	if (ret == -EPERM)
		return ret;
	if (ret < 0)
		worker_failed(w, "%s: %s", path, strerror(-ret));
	sprintf(path, "/proc/%d/fdinfo/%u", pid, 3 + below(w, 20));
	return read_whole(path);
}

/* Somebody else's file, or socket: that is read, closed, and gone. */
static int op_take(struct worker *w)
{
	struct slot taken = {
		.sock = take_fd(w),
		.guard = true,
		.shut = true,
	};
	struct stat st;

	if (taken.sock < 0)
		return taken.sock;
	if (!fstat(taken.sock, &st) && S_ISSOCK(st.st_mode))
		read_some(w, &taken, MAX_BATCH);
	close_slot(&taken);
	return 0;
}

static int op_give(struct worker *w)
{
	struct slot *slot = random_slot(w);
	int ret = pass_fd(w, slot->sock);

	close_slot(slot);
	return ret;
}

/* A child inherits a socket, and reads for a while when we have closed it. */
static int op_fork(struct worker *w)
{
	struct slot *slot = random_slot(w);
	bool keep = once_in(w, 2);
	char buf[8 * FAN_SO_EVENT_LEN];
	struct fanotify_so_event_metadata *ev;
	ssize_t len;
	pid_t child;
	int i;

	if (family == MAX_FAMILY)
		return -EAGAIN;
	child = fork();
	if (child < 0)
		return -errno;
	for (i = 0; !child && i < 20; i++) {
		len = recv(slot->sock, buf, sizeof(buf), MSG_DONTWAIT);
		for (ev = (void *)buf; FAN_SO_EVENT_OK(ev, len);
		     ev = FAN_SO_EVENT_NEXT(ev, len))
			close_event(ev);
		usleep(1000);
	}
	if (!child)
		_exit(0);
	family++;
	if (!keep)
		close_slot(slot);
	return 0;
}

/* A child blocks until there is something, shutdown() wakes it, or it dies. */
static int op_block(struct worker *w)
{
	struct slot *slot = random_slot(w);
	bool stop = once_in(w, 2);
	char buf[4 * FAN_SO_EVENT_LEN];
	unsigned int pause = below(w, 5000);
	pid_t self = getpid(), child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		/* We may be killed ourselves. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == self)
			(void)!read(slot->sock, buf, sizeof(buf));
		/* What descriptors it got go with it. */
		_exit(0);
	}
	usleep(pause);
	if (stop) {
		slot->shut = true;
		if (shutdown(slot->sock, SHUT_RDWR))
			worker_failed(w, "shutdown: %m");
	} else {
		kill(child, SIGKILL);
	}
	status = exit_status(child);
	if (status && (stop || status != -SIGKILL))
		worker_failed(w, "a blocked reader ended with %d", status);
	return 0;
}

/* The children of op_fork() */
static int op_wait(struct worker *w)
{
	int status;

	while (family && waitpid(-1, &status, WNOHANG) > 0) {
		if (status)
			worker_failed(w, "a child ended with status %#x",
				      status);
		family--;
	}
	return 0;
}

/* Of readers, slow readers, and deaf listeners. */
const struct op listener_ops[] = {
	{ "rebind", op_rebind, { 6, 6, 6 } },
	{ "close", op_close, { 2, 2, 2 } },
	{ "poll", op_poll, { 4, 4, 4 } },
	{ "epoll", op_epoll, { 2, 2, 2 } },
	{ "mark", op_mark, { 30, 30, 30 }, { ENOENT, ESHUTDOWN } },
	{ "unmark", op_unmark, { 10, 10, 10 }, { EAGAIN, ENOENT, ESHUTDOWN } },
	{ "ignore_fs", op_ignore_fs, { 5, 5, 5 },
		{ EINVAL, ENOENT, ESHUTDOWN } },
	{ "rules", op_rules, { 4, 4, 4 }, { ESHUTDOWN } },
	{ "forget", op_forget, { 2, 2, 2 }, { ESHUTDOWN } },
	{ "guess", op_guess, { 4, 4, 4 }, { ENOENT, ESHUTDOWN } },
	{ "shutdown", op_shutdown, { 1, 1, 1 } },
	{ "rcvbuf", op_rcvbuf, { 4, 4, 4 } },
	{ "async", op_async, { 2, 2, 2 } },
	/* The process, or its descriptor, may be gone. */
	{ "proc_net", op_proc_net, { 2, 2, 2 }, { EPERM } },
	{ "fdinfo", op_fdinfo, { 4, 4, 4 }, { ENOENT, ESRCH, EPERM } },
	{ "give", op_give, { 2, 2, 2 }, { EAGAIN, ETOOMANYREFS } },
	{ "read", op_read, { 60 }, { EAGAIN, ETIMEDOUT } },
	{ "read_slowly", op_read_slowly, { 0, 30 }, { EAGAIN, ETIMEDOUT } },
	{ "take", op_take, { 4 }, { EAGAIN } },
	{ "fork", op_fork, { 2 }, { EAGAIN } },
	{ "wait", op_wait, { 4 } },
	{ "block", op_block, { 2 } },
	{ }
};
