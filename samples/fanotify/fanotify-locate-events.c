// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: keep up with the tree, by what its events tell.
 *
 * The subtree is marked first, and scanned then. Each event tells of one name
 * in one directory, which is not known by a path but by its handle: so it does
 * not matter that the tree was another one by the time of the event, or that
 * the scan has seen already what the event tells. The events are replayed in
 * their order, the last one of each name decides, and what has had none since
 * it was scanned is as it was scanned.
 *
 * That holds for directories of which every event was heard since they were
 * read, or created. Only these are kept as known, and names in others are not
 * recorded. So a directory is read, with all below it, whether it is known or
 * not,
 *
 * - when it was moved in from outside, where nobody heard what happened to it;
 * - when it was renamed and was not known under its old name: then a scan has
 *   missed it, because it was just on its way.
 *
 * And it is forgotten, with all below it, when it is moved out, or deleted, or
 * no path leads to it any more for whatever reason.
 *
 * A directory whose name is given to something else has been deleted, or it has
 * changed places (RENAME_EXCHANGE), and then the event of its own renaming comes
 * next, or almost. It would not be wrong to forget it and to read it again, but
 * a directory can be large: it waits in a limbo, known as it is.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fanotify-locate.h"

#define READ_LEN	(256 << 10)
#define DEFAULT_QUEUED	(256 << 10)
#define MAX_WAITERS	64
/* Exchanges that can be half told: not more than happen at the same time */
#define LIMBO_SIZE	16

/* A directory and a name in it; no name if the event does not tell it */
struct place {
	struct bytes dir, name;
};

/**
 * struct change - what an event tells
 * @mask: What happened.
 * @from: In a FAN_RENAME the old name.
 * @to: In a FAN_RENAME the new name; in others the name.
 * @child: The file.
 * @is_dir: Whether it is a directory.
 */
struct change {
	__u32 mask;
	struct place from, to;
	struct bytes child;
	bool is_dir;
};

/* Who asked to be told when all that is in the queue now has been handled */
struct waiter {
	int fd;
	unsigned long long until;	/* that many events have been read */
};

static struct {
	struct key dir, child;
	size_t len;
	char name[NAME_LEN];
} limbo[LIMBO_SIZE];
static unsigned int next_limbo;

static struct key root;
static int sock;
static unsigned long long n_read;
static struct waiter waiters[MAX_WAITERS];
static unsigned int n_waiters;

static void leave_limbo(unsigned int i)
{
	if (limbo[i].child.len)
		db_remove(LIMBO, key_bytes(&limbo[i].child));
	limbo[i].child.len = 0;
}

static void enter_limbo(const struct place *place, const struct key *child)
{
	unsigned int i = next_limbo++ % LIMBO_SIZE;
	struct key oldest = limbo[i].child;

	leave_limbo(i);
	limbo[i].dir = to_key(place->dir);
	limbo[i].child = *child;
	limbo[i].len = place->name.len;
	memcpy(limbo[i].name, place->name.at, place->name.len);
	db_put(LIMBO, key_bytes(child), key_bytes(child), true);
	if (oldest.len)
		db_drop_dir(key_bytes(&oldest));
}

/* Is it there, since this place was taken from it? Then it is not any more. */
static bool was_in_limbo(const struct place *place, struct bytes child)
{
	bool was = false;
	unsigned int i;

	for (i = 0; i < LIMBO_SIZE; i++) {
		if (!same(key_bytes(&limbo[i].child), child))
			continue;
		was |= same(key_bytes(&limbo[i].dir), place->dir) &&
		       same((struct bytes){ limbo[i].name, limbo[i].len },
			    place->name);
		leave_limbo(i);
	}
	return was;
}

/* For who looks whether all is right. To do so too early does no harm. */
static void empty_limbo(void)
{
	struct key child;
	unsigned int i;

	db_begin();
	for (i = 0; i < LIMBO_SIZE; i++) {
		child = limbo[i].child;
		leave_limbo(i);
		if (child.len)
			db_drop_dir(key_bytes(&child));
	}
	db_commit();
}

static void put(const struct place *place, struct bytes child, bool is_dir)
{
	bool was_dir;
	struct key was;

	if (!db_get(place->dir, place->name, &was, &was_dir))
		was_dir = false;
	else if (same(key_bytes(&was), child) && was_dir == is_dir)
		return;
	db_put(place->dir, place->name, child, is_dir);
	/* Last, since who leaves for it can take along what was just put. */
	if (was_dir)
		enter_limbo(place, &was);
}

static void created(const struct change *c)
{
	if (!db_knows(c->to.dir))
		return;
	/* All that is put into it is told, too. */
	if (c->is_dir)
		db_add_dir(c->child);
	put(&c->to, c->child, c->is_dir);
}

static void deleted(const struct change *c)
{
	bool was_dir;
	struct key was;

	if (!db_get(c->to.dir, c->to.name, &was, &was_dir))
		return;
	db_remove(c->to.dir, c->to.name);
	if (was_dir)
		db_drop_dir(key_bytes(&was));
}

static void renamed(const struct change *c)
{
	bool was_there = false, trusted, was_dir;
	struct key was;

	if (c->from.name.len)
		was_there = db_get(c->from.dir, c->from.name, &was, &was_dir) &&
			    same(key_bytes(&was), c->child);
	trusted = was_there;
	if (c->is_dir)
		trusted |= was_in_limbo(&c->from, c->child);

	/* In this order, lest for a moment no path leads to it */
	if (c->to.name.len && db_knows(c->to.dir)) {
		put(&c->to, c->child, c->is_dir);
		if (c->is_dir && (!trusted || !db_knows(c->child)))
			scan_dir(c->child);
	}
	/* In an exchange the second one finds its old name taken by the first. */
	if (was_there)
		db_remove(c->from.dir, c->from.name);
	if (c->is_dir)
		db_drop_dir(c->child);
}

static struct place place_of(const struct file_handle *handle)
{
	struct place place = {
		.dir = handle_bytes(handle),
		.name.at = handle->f_handle + handle->handle_bytes,
	};

	place.name.len = strlen(place.name.at);
	return place;
}

static void parse(const struct fanotify_so_event_metadata *event,
		  struct change *c)
{
	const struct fanotify_event_info_header *hdr;
	const struct file_handle *handle;
	const char *at = (char *)(event + 1);
	const char *end = (char *)event + event->event_len;

	*c = (struct change){
		.mask = event->mask,
		.is_dir = event->mask & FAN_ONDIR,
	};
	for (; at < end; at += hdr->len) {
		hdr = (void *)at;
		handle = (void *)(at + sizeof(struct fanotify_event_info_fid));
		switch (hdr->info_type) {
		case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
			c->from = place_of(handle);
			break;
		case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		case FAN_EVENT_INFO_TYPE_DFID_NAME:
			c->to = place_of(handle);
			break;
		case FAN_EVENT_INFO_TYPE_FID:
			c->child = handle_bytes(handle);
			break;
		}
	}
}

static void set_path(void)
{
	struct real_path path;

	if (tree_path(key_bytes(&root), &path))
		db_set_state(STATE_PATH, (struct bytes){ path.at, path.len });
}

enum outcome { GO_ON, LOST_EVENTS, GONE };

static enum outcome replay_event(const struct fanotify_so_event_metadata *event)
{
	struct change c;

	if (event->mask & FAN_Q_OVERFLOW) {
		warnx("%llu events were lost: scanning again",
		      (unsigned long long)event->cookie);
		return LOST_EVENTS;
	}
	parse(event, &c);
	if (c.mask & FAN_CREATE)
		created(&c);
	else if (c.mask & FAN_DELETE)
		deleted(&c);
	else if (c.mask & FAN_RENAME)
		renamed(&c);
	else if (c.mask & FAN_DELETE_SELF)
		return GONE;
	else if (c.mask & FAN_MOVE_SELF)
		set_path();
	return GO_ON;
}

static enum outcome replay(char *buf, ssize_t len)
{
	struct fanotify_so_event_metadata *event = (void *)buf;
	enum outcome outcome = GO_ON;

	db_begin();
	for (; outcome == GO_ON && FAN_SO_EVENT_OK(event, len);
	     event = FAN_SO_EVENT_NEXT(event, len))
		outcome = replay_event(event);
	db_commit();
	return outcome;
}

static ssize_t read_events(char **events)
{
	static __u64 buf[READ_LEN / sizeof(__u64)];
	struct fanotify_so_event_metadata *event = (void *)buf;
	ssize_t len = read(sock, buf, sizeof(buf)), rest = len;

	if (!len)
		errx(TROUBLE, "the kernel has ended this listener");
	if (len < 0 && errno != EAGAIN)
		err(TROUBLE, "cannot read events");
	for (; FAN_SO_EVENT_OK(event, rest);
	     event = FAN_SO_EVENT_NEXT(event, rest))
		n_read++;
	*events = (char *)buf;
	return len;
}

/* When so many have been read, then all that is in the queue now, at least */
static unsigned long long n_until_now(void)
{
	int queued;

	if (ioctl(sock, FIONREAD, &queued))
		err(TROUBLE, "cannot tell what is queued");
	return n_read + queued / FAN_SO_EVENT_LEN;
}

/* Of what is queued by now the scan sees the outcome. */
static enum outcome recover(void)
{
	const unsigned long long until = n_until_now();
	char *events;

	while (n_read < until && read_events(&events) > 0)
		;
	/* Who was in there is in the database, for the scan. */
	memset(limbo, 0, sizeof(limbo));
	return scan_all(&root) ? GO_ON : GONE;
}

static void fail(const char *what)
{
	errx(TROUBLE, "%s: %s%s", what, strerror(errno),
	     errno == EAFNOSUPPORT ? "; use a kernel with CONFIG_NET_FANOTIFY" :
	     errno == EPERM ? "; be root, in the initial user namespace" :
	     errno == EINVAL ? "; this kernel cannot watch a subtree" :
	     errno == EMFILE ? "; raise the sysctl fs.fanotify_socket.max_user_groups" :
	     errno == ENOSPC ? "; raise the sysctl fs.fanotify_socket.max_user_marks" :
	     "");
}

static void listen_to_tree(int dir, unsigned long long max_queued)
{
	const struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.f_flags = O_RDONLY | O_CLOEXEC,
	};
	/* The kernel takes less if that is too much. */
	const int size = (max_queued ?: DEFAULT_QUEUED) * FAN_SO_EVENT_COST;
	const __u32 report = FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_NOFD;
	const struct fanotify_so_inode_mark marks[] = {
		{ .fd = dir, .mask = FAN_ON_SUBTREE | FAN_ONDIR | FAN_CREATE |
				     FAN_DELETE | FAN_RENAME },
		{ .fd = dir, .mask = FAN_ONDIR | FAN_DELETE_SELF |
				     FAN_MOVE_SELF },
	};

	sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) ||
	    setsockopt(sock, SOL_FANOTIFY, FANOTIFY_REPORT, &report,
		       sizeof(report)) ||
	    setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, marks,
		       sizeof(marks)))
		fail("cannot listen");
}

/* The lock goes with the process. Closing it would undo SQLite's own. */
static void be_the_only_one(const char *db)
{
	int fd = open(db, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(TROUBLE, "cannot open %s", db);
	if (flock(fd, LOCK_EX | LOCK_NB))
		errx(TROUBLE, "another watcher keeps %s up to date: give this one its own, see -d",
		     db);
}

static void open_database(const char *db, const char *path)
{
	char buf[KEY_LEN + 1];
	size_t len;

	db_create(db);
	be_the_only_one(db);
	if (db_get_state(STATE_ROOT, buf, sizeof(buf), &len) &&
	    !same((struct bytes){ buf, len }, key_bytes(&root)))
		errx(TROUBLE, "%s is not about %s: delete it, or take another one, see -d",
		     db, path);
	db_set_root(&root);
	db_set_state(STATE_ROOT, key_bytes(&root));
	set_path();
}

static struct sockaddr_un waiters_address(const char *db)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if ((size_t)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s.sync",
			     db) >= sizeof(addr.sun_path))
		errx(TROUBLE, "%s.sync is too long a name for a socket: use a shorter one, see -d",
		     db);
	return addr;
}

static int listen_to_waiters(const char *db)
{
	const struct sockaddr_un addr = waiters_address(db);
	int fd;

	/* One that a watcher left which was killed. */
	unlink(addr.sun_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, MAX_WAITERS))
		err(TROUBLE, "cannot listen at %s", addr.sun_path);
	return fd;
}

static void accept_waiter(int door)
{
	struct waiter *waiter = &waiters[n_waiters];

	if (n_waiters == MAX_WAITERS)
		return;
	waiter->fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
	if (waiter->fd < 0)
		return;
	waiter->until = n_until_now();
	n_waiters++;
}

static void tell_waiters(bool all)
{
	unsigned int i = 0;

	while (i < n_waiters) {
		if (!all && waiters[i].until > n_read) {
			i++;
			continue;
		}
		empty_limbo();
		send(waiters[i].fd, "1", 1, MSG_NOSIGNAL);
		close(waiters[i].fd);
		waiters[i] = waiters[--n_waiters];
	}
}

static int catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err(TROUBLE, "signalfd");
	return fd;
}

/* Until a signal comes, or the directory is gone */
static enum outcome keep_up(int signals, int door)
{
	struct pollfd fds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = door, .events = POLLIN },
	};
	enum outcome outcome;
	char *events;
	ssize_t len;

	for (;;) {
		len = read_events(&events);
		if (len > 0) {
			outcome = replay(events, len);
			if (outcome == LOST_EVENTS)
				outcome = recover();
			if (outcome == GONE)
				return GONE;
		}
		tell_waiters(len < 0);
		/* Nothing is queued: sleep. Else only look who is there. */
		if (poll(fds, ARRAY_SIZE(fds), len < 0 ? -1 : 0) < 0) {
			if (errno != EINTR)
				err(TROUBLE, "poll");
			continue;
		}
		if (fds[1].revents)
			return GO_ON;
		if (fds[2].revents)
			accept_waiter(door);
	}
}

int watch(const char *db, const char *path, unsigned long long max_queued)
{
	int dir, door, signals = catch_signals();
	enum outcome outcome = GONE;

	dir = tree_open(path, &root);
	open_database(db, path);
	door = listen_to_waiters(db);
	/* First, so that of what the scan cannot see there is an event */
	listen_to_tree(dir, max_queued);
	close(dir);

	if (scan_all(&root)) {
		fprintf(stderr, "watching %s, stop with Ctrl-C\n", path);
		outcome = keep_up(signals, door);
	}
	unlink(waiters_address(db).sun_path);
	if (outcome == GONE)
		errx(TROUBLE, "%s has been deleted, and nothing is left to do", path);
	empty_limbo();
	db_close();
	return 0;
}

int wait_for_watcher(const char *db)
{
	const struct sockaddr_un addr = waiters_address(db);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	char byte;

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		err(TROUBLE, "no watcher is at %s: begin with 'watch', or see -d",
		    addr.sun_path);
	if (recv(fd, &byte, 1, 0) != 1)
		errx(TROUBLE, "the watcher has ended before it was done");
	return 0;
}
