// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who hears first, and who hears what another listener does
 * with the files of its events
 */

#define _GNU_SOURCE
#include <signal.h>

#include "common.h"
#include "heard.h"
#include "place.h"

#define TEXT "text of the file"
/* So often others may come in between. */
#define MAX_AGAIN 10
#define FILE_PATH PLACE "/file"
/* Where overlayfs keeps it. */
#define BACKING TMP "/layers/upper/file"

/* How a listener comes to hear the file; MIXED is one of the others each. */
enum kind {
	GLOBAL,
	BY_FILE,
	BY_PARENT,
	MIXED,
};

static const char * const names[] = { "file", "unrelated", NULL };

/* A listener of that number, which writes to the files of its events. */
static int listener(__u32 priority, __u32 mask)
{
	struct fanotify_addr addr = address(mask, O_RDWR | O_CLOEXEC);
	int sock = new_socket();
	int ret;

	addr.priority = priority;
	ret = sock < 0 ? sock : do_bind(sock, &addr);
	return ret ? ret : sock;
}

/* A listener to FILE_PATH, and if that is on overlayfs to its backing file. */
static int file_listener(__u32 priority, enum kind kind, bool layered)
{
	__u32 mask = ALL_EVENTS;
	int sock, ret;

	if (kind == GLOBAL)
		return listener(priority, FAN_GLOBAL_LISTENER | ALL_EVENTS);
	sock = listener(priority, 0);
	if (sock < 0)
		return sock;
	if (kind == BY_FILE) {
		ret = mark_path(sock, FILE_PATH, mask, 0);
		if (!ret && layered)
			ret = mark_path(sock, BACKING, mask, 0);
	} else {
		mask |= FAN_EVENT_ON_CHILD;
		ret = mark_path(sock, PLACE, mask, 0);
		if (!ret && layered)
			ret = mark_path(sock, TMP "/layers/upper", mask, 0);
	}
	return ret ? ret : sock;
}

/* In ascending order, and the orders they bind in. */
static const __u32 numbers[] = { 0, 1, 2, 300, 0x7fffffff, 0x80000000,
				 0xffffffff };
#define NUMBERS ARRAY_SIZE(numbers)
static const int bind_orders[][NUMBERS] = {
	{ 0, 1, 2, 3, 4, 5, 6 },
	{ 6, 5, 4, 3, 2, 1, 0 },
	{ 3, 6, 0, 4, 1, 5, 2 },
	{ 5, 0, 2, 6, 4, 1, 3 },
};

/* Listeners that tell by a signal when an event is queued for them. */
FIXTURE(order)
{
	int socks[NUMBERS];
	sigset_t signal;
};

FIXTURE_VARIANT(order) {
	enum kind kind;
};

FIXTURE_VARIANT_ADD(order, global) {
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(order, by_file) {
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(order, by_parent) {
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(order, mixed) {
	.kind = MIXED,
};

FIXTURE_SETUP(order)
{
	make_place(_metadata, ON_TMPFS, names, TEXT);
	sigemptyset(&self->signal);
	sigaddset(&self->signal, SIGRTMIN);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &self->signal, NULL));
}

FIXTURE_TEARDOWN(order) {}

static int signal_of(int sock)
{
	int flags = fcntl(sock, F_GETFL);

	if (fcntl(sock, F_SETOWN, getpid()) || fcntl(sock, F_SETSIG, SIGRTMIN))
		return -errno;
	return result(fcntl(sock, F_SETFL, flags | O_ASYNC));
}

/* The socket of the next signal, or -errno: -EAGAIN for none. */
static int next_signal(const sigset_t *set)
{
	struct timespec zero = {};
	siginfo_t info;

	return sigtimedwait(set, &info, &zero) < 0 ? -errno : info.si_fd;
}

/*
 * Empties the queues: how many of the events are not this process's? A global
 * listener hears it, too, when a file is closed of a test that has ended.
 */
static int strangers(const int *socks, int n)
{
	struct fanotify_so_event_metadata ev;
	int ret = 0, count = 0;

	while (n--) {
		while ((ret = take_event(socks[n], &ev)) > 0) {
			count += ev.tgid != getpid();
			close_event(&ev);
		}
		if (ret)
			return ret;
	}
	return count;
}

/* Empties the queues, and what that makes those hear whose number is lower. */
static int settle(const int *socks, int n, int but)
{
	int ret;

	while (n--) {
		ret = n == but ? 0 : drain(socks[n]);
		if (ret)
			return ret;
	}
	return 0;
}

static int step_open(int fd)
{
	int new = open(FILE_PATH, O_RDWR | O_CLOEXEC);

	return new < 0 ? -1 : dup2(new, fd) != fd || close(new);
}

static int step_read(int fd)
{
	char c;

	return pread(fd, &c, 1, 0) != 1;
}

static int step_write(int fd)
{
	return pwrite(fd, "t", 1, 0) != 1;
}

/* What causes one event each, in this order. */
static int (*const steps[])(int fd) = {
	step_open, step_read, step_write, close,
};

TEST_F(order, ascending)
{
	int got[NUMBERS + 1], fd, s, foreign, again = 0;
	size_t i, o;

	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (o = 0; o < ARRAY_SIZE(bind_orders); o++) {
		for (i = 0; i < NUMBERS; i++) {
			int nr = bind_orders[o][i];
			int sock;

			sock = file_listener(numbers[nr],
					     variant->kind == MIXED ?
					     i % MIXED : variant->kind, false);
			ASSERT_LE(0, sock);
			ASSERT_EQ(0, signal_of(sock));
			self->socks[nr] = sock;
		}
		for (s = 0; s < (int)ARRAY_SIZE(steps); s++) {
			ASSERT_EQ(0, settle(self->socks, NUMBERS, -1));
			while (next_signal(&self->signal) >= 0)
				;
			ASSERT_EQ(0, steps[s](fd));
			for (i = 0; i <= NUMBERS; i++)
				got[i] = next_signal(&self->signal);
			foreign = strangers(self->socks, NUMBERS);
			ASSERT_LE(0, foreign);
			if (foreign) {
				ASSERT_GE(MAX_AGAIN, ++again);
				ASSERT_LE(0, dup2(0, fd));
				s = -1;
				continue;
			}
			for (i = 0; i < NUMBERS; i++) {
				EXPECT_EQ(self->socks[i], got[i])
					TH_LOG("order %zu step %d number %u",
					       o, s, numbers[i]);
			}
			EXPECT_EQ(-EAGAIN, got[NUMBERS]);
		}
		for (i = 0; i < NUMBERS; i++)
			ASSERT_EQ(0, close(self->socks[i]));
		ASSERT_LE(0, dup2(0, fd));
	}
}

#define MAX_LISTENERS 3

/*
 * Listeners that are told of the same file, in ascending order of their
 * numbers. On overlayfs there is a file below the file; who hears the one
 * hears the other.
 */
FIXTURE(hears)
{
	int socks[MAX_LISTENERS];
	/* What is opened for a listener. */
	struct stat st[2];
};

FIXTURE_VARIANT(hears) {
	enum place place;
	enum kind kind;
	int n;
	/* Ascending, but bound in the order of @bind. */
	__u32 numbers[MAX_LISTENERS];
	int bind[MAX_LISTENERS];
};

FIXTURE_VARIANT_ADD(hears, two) {
	.n = 2,
	.numbers = { 1, 2 },
	.bind = { 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, two_extremes) {
	.n = 2,
	.numbers = { 0, 0xffffffff },
	.bind = { 1, 0 },
};

FIXTURE_VARIANT_ADD(hears, two_equals) {
	.n = 2,
	.numbers = { 5, 5 },
	.bind = { 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, two_equals_by_file) {
	.kind = BY_FILE,
	.n = 2,
	.numbers = { 0xffffffff, 0xffffffff },
	.bind = { 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, two_by_file) {
	.kind = BY_FILE,
	.n = 2,
	.numbers = { 1, 2 },
	.bind = { 1, 0 },
};

FIXTURE_VARIANT_ADD(hears, two_by_parent) {
	.kind = BY_PARENT,
	.n = 2,
	.numbers = { 1, 2 },
	.bind = { 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, three) {
	.n = 3,
	.numbers = { 1, 2, 3 },
	.bind = { 2, 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, three_mixed) {
	.kind = MIXED,
	.n = 3,
	.numbers = { 7, 8, 9 },
	.bind = { 1, 2, 0 },
};

FIXTURE_VARIANT_ADD(hears, three_equals) {
	.n = 3,
	.numbers = { 0, 0, 0 },
	.bind = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(hears, three_equals_mixed) {
	.kind = MIXED,
	.n = 3,
	.numbers = { 4, 4, 4 },
	.bind = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(hears, two_equals_below_one) {
	.n = 3,
	.numbers = { 1, 1, 2 },
	.bind = { 2, 0, 1 },
};

FIXTURE_VARIANT_ADD(hears, two_equals_above_one) {
	.n = 3,
	.numbers = { 1, 2, 2 },
	.bind = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(hears, three_on_ext4) {
	.place = ON_EXT4,
	.kind = MIXED,
	.n = 3,
	.numbers = { 1, 2, 3 },
	.bind = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(hears, three_on_overlay) {
	.place = ON_OVERLAY_OF_TMPFS,
	.n = 3,
	.numbers = { 1, 2, 3 },
	.bind = { 0, 1, 2 },
};

FIXTURE_VARIANT_ADD(hears, three_on_overlay_by_file) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = BY_FILE,
	.n = 3,
	.numbers = { 1, 2, 3 },
	.bind = { 2, 1, 0 },
};

FIXTURE_VARIANT_ADD(hears, three_on_overlay_mixed) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = MIXED,
	.n = 3,
	.numbers = { 1, 2, 2 },
	.bind = { 1, 0, 2 },
};

FIXTURE_VARIANT_ADD(hears, three_equals_on_overlay) {
	.place = ON_OVERLAY_OF_TMPFS,
	.n = 3,
	.numbers = { 1, 1, 1 },
	.bind = { 0, 1, 2 },
};

FIXTURE_SETUP(hears)
{
	bool layered = is_overlay(variant->place);
	int i;

	make_place(_metadata, variant->place, names, TEXT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st[0]));
	if (layered)
		ASSERT_EQ(0, stat(BACKING, &self->st[1]));
	for (i = 0; i < variant->n; i++) {
		int nr = variant->bind[i];

		self->socks[nr] = file_listener(variant->numbers[nr],
						variant->kind == MIXED ?
						nr % MIXED : variant->kind,
						layered);
		ASSERT_LE(0, self->socks[nr]);
	}
}

FIXTURE_TEARDOWN(hears) {}

/*
 * The listener @reader takes the event that another opening has caused. No one
 * has anything queued then but for the opening of its fd, and itself.
 */
static int take_for(const int *socks, int n, int reader, const struct stat *st,
		    struct fanotify_so_event_metadata *ev)
{
	int ret;

	for (;;) {
		ret = settle(socks, n, reader);
		if (ret)
			return ret;
		ret = take_event(socks[reader], ev);
		if (ret <= 0)
			return ret ?: -ENOENT;
		if (is_file(ev->fd, st))
			return 0;
		/* Of overlayfs's backing file. */
		close_event(ev);
	}
}

/*
 * One event of the file, and of what is below it, for those whose number is
 * smaller than the reader's, none for the others, and nothing more after that.
 * From the lowest number up, since looking is heard by those below.
 */
static void expect_smaller_hear(struct __test_metadata *_metadata,
				FIXTURE_DATA(hears) *self,
				const FIXTURE_VARIANT(hears) *variant,
				int reader, __u32 mask, int flags)
{
	int layers = is_overlay(variant->place) ? 2 : 1;
	struct heard heard;
	int i, layer;

	for (i = 0; i < variant->n; i++) {
		bool hears = variant->numbers[i] < variant->numbers[reader];

		/* It has more of what the others did before. */
		if (i == reader)
			continue;
		ASSERT_EQ(0, hear(self->socks[i], self->st, false, &heard));
		for (layer = 0; layer < layers; layer++) {
			EXPECT_EQ(hears ? mask : 0, heard.mask[layer])
				TH_LOG("%d of %d, layer %d", i, reader, layer);
			EXPECT_EQ(hears, heard.count[layer])
				TH_LOG("%d of %d, layer %d", i, reader, layer);
			if (!hears || !heard.count[layer])
				continue;
			EXPECT_EQ(getpid(), heard.last[layer].tgid);
			if (!layer)
				EXPECT_EQ(flags, heard.last[layer].f_flags);
		}
		EXPECT_EQ(0, heard.strangers);
	}
	ASSERT_EQ(0, settle(self->socks, variant->n, -1));
	for (i = 0; i < variant->n; i++)
		EXPECT_EQ(0, own_events(self->socks[i]));
}

/* All that a listener does with the file, for each of them. */
TEST_F(hears, smaller_numbers)
{
	struct fanotify_so_event_metadata ev;
	int reader, i, fd, flags;

	for (reader = 0; reader < variant->n; reader++) {
		bool heard = variant->numbers[0] < variant->numbers[reader];
		char c;

		ASSERT_EQ(0, settle(self->socks, variant->n, -1));
		fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, take_for(self->socks, variant->n, reader,
				      &self->st[0], &ev));
		EXPECT_EQ(FAN_OPEN, ev.mask);
		EXPECT_EQ(fcntl(fd, F_GETFL), ev.f_flags);
		flags = fcntl(ev.fd, F_GETFL);
		EXPECT_EQ(heard ? 0 : QUIET, flags & QUIET);

		expect_smaller_hear(_metadata, self, variant, reader, FAN_OPEN,
				    flags);
		EXPECT_EQ(1, pread(ev.fd, &c, 1, 0));
		expect_smaller_hear(_metadata, self, variant, reader,
				    FAN_ACCESS, flags);
		EXPECT_EQ(1, pwrite(ev.fd, &c, 1, 0));
		expect_smaller_hear(_metadata, self, variant, reader,
				    FAN_MODIFY, flags);
		EXPECT_EQ(0, close(ev.fd));
		expect_smaller_hear(_metadata, self, variant, reader,
				    FAN_CLOSE_WRITE, flags);

		/* All of them hear what is not done for a listener. */
		EXPECT_EQ(0, close(fd));
		for (i = 0; i < variant->n; i++)
			EXPECT_EQ(FAN_CLOSE_NOWRITE,
				  all_events(self->socks[i], &self->st[0]) &
				  ~(FAN_OPEN | FAN_CLOSE_WRITE));
	}
}

/*
 * A daemon that reads until there is nothing more gets done: each event is
 * taken, read through, and closed.
 */
TEST_F(hears, and_it_ends)
{
	struct fanotify_so_event_metadata ev;
	int i, round, events = 0, last;
	char c;

	ASSERT_EQ(0, settle(self->socks, variant->n, -1));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	for (round = 0; round < 100; round++) {
		last = events;
		for (i = 0; i < variant->n; i++) {
			/* One each, so that they come in each other's way. */
			if (take_event(self->socks[i], &ev) != 1)
				continue;
			ASSERT_LE(0, ev.fd);
			EXPECT_EQ(1, pread(ev.fd, &c, 1, 0));
			EXPECT_EQ(1, pwrite(ev.fd, &c, 1, 0));
			close_event(&ev);
			events++;
		}
		if (events == last)
			break;
	}
	EXPECT_LE(variant->n, events);
	EXPECT_GT(100, round);
	for (i = 0; i < variant->n; i++)
		EXPECT_EQ(0, own_events(self->socks[i]));
}

/* What the descriptors of a listener are like, by who else is there. */
FIXTURE(descriptor)
{
	/* Of number 10, whose descriptors these are, and another. */
	int sock, other;
	struct stat st;
};

FIXTURE_SETUP(descriptor)
{
	make_place(_metadata, ON_TMPFS, names, TEXT);
	ASSERT_EQ(0, mkdir(TMP "/elsewhere", 0755));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/elsewhere", "tmpfs", 0,
			   NULL));
	ASSERT_EQ(0, write_file(TMP "/elsewhere/file", TEXT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = file_listener(10, BY_FILE, false);
	ASSERT_LE(0, self->sock);
	self->other = listener(9, 0);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(descriptor) {}

/* An event of the file, and if @flags is not NULL what its fd is like. */
static int next_fd(int sock, const struct stat *st, int *flags)
{
	struct fanotify_so_event_metadata ev;
	int ret;

	ret = drain(sock) ?: open_close(FILE_PATH, O_RDONLY) ?:
	      next_event(sock, st, &ev);
	if (ret)
		return ret;
	if (flags)
		*flags = fcntl(ev.fd, F_GETFL) & QUIET;
	return ev.fd;
}

TEST_F(descriptor, nobody_else)
{
	int flags, fd;

	/* The other one has no mark, and so had this one once. */
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(QUIET, flags);
	EXPECT_EQ(0, close(fd));
	/* Nor does a socket that is not bound listen. */
	ASSERT_LE(0, new_socket());
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(QUIET, flags);
	EXPECT_EQ(0, close(fd));
}

TEST_F(descriptor, mark_on_an_unrelated_file)
{
	int flags, fd;

	ASSERT_EQ(0, mark_path(self->other, PLACE "/unrelated", FAN_MODIFY,
			       0));
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flags);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, own_events(self->other));

	/* The mark goes, and with it what it did. */
	ASSERT_EQ(0, mark_path(self->other, PLACE "/unrelated", 0, 0));
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(QUIET, flags);
	EXPECT_EQ(0, close(fd));
}

TEST_F(descriptor, mark_on_another_file_system)
{
	int flags, fd;

	ASSERT_EQ(0, mark_path(self->other, TMP "/elsewhere/file", ALL_EVENTS,
			       0));
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(QUIET, flags);
	EXPECT_EQ(0, close(fd));
}

/* The same number, or a larger one, whatever it has marked. */
TEST_F(descriptor, no_smaller_number)
{
	int flags, fd;

	ASSERT_LE(0, file_listener(10, BY_FILE, false));
	ASSERT_LE(0, file_listener(10, GLOBAL, false));
	ASSERT_LE(0, file_listener(11, BY_PARENT, false));
	ASSERT_LE(0, file_listener(0xffffffff, GLOBAL, false));
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(QUIET, flags);
	EXPECT_EQ(0, close(fd));
}

TEST_F(descriptor, global_listener)
{
	int global = file_listener(9, GLOBAL, false);
	long long end = now_ms() + WAIT_MS;
	int flags, fd;

	ASSERT_LE(0, global);
	fd = next_fd(self->sock, &self->st, &flags);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flags);
	EXPECT_EQ(0, close(fd));
	ASSERT_EQ(0, close(global));
	/* How a listener leaves takes a moment. */
	do {
		ASSERT_GT(end, now_ms());
		fd = next_fd(self->sock, &self->st, &flags);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, close(fd));
	} while (flags != QUIET);
}

/* A mark that is set when the file is open already: it depends. */
TEST_F(descriptor, mark_that_comes_late)
{
	int quiet, loud;
	char c;

	quiet = next_fd(self->sock, &self->st, NULL);
	ASSERT_LE(0, quiet);
	ASSERT_EQ(0, mark_path(self->other, PLACE "/unrelated", FAN_MODIFY,
			       0));
	loud = next_fd(self->sock, &self->st, NULL);
	ASSERT_LE(0, loud);
	ASSERT_EQ(0, mark_path(self->other, FILE_PATH, ALL_EVENTS, 0));

	/* Nobody was there who could ever hear it. */
	EXPECT_EQ(1, pread(quiet, &c, 1, 0));
	EXPECT_EQ(1, pwrite(quiet, &c, 1, 0));
	EXPECT_EQ(0, close(quiet));
	EXPECT_EQ(0, only_event(self->other, &self->st));
	EXPECT_EQ(1, pread(loud, &c, 1, 0));
	EXPECT_EQ(FAN_ACCESS, only_event(self->other, &self->st));
	EXPECT_EQ(1, pwrite(loud, &c, 1, 0));
	EXPECT_EQ(FAN_MODIFY, only_event(self->other, &self->st));
	EXPECT_EQ(0, close(loud));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(self->other, &self->st));
	/* Its own are none of the first listener's business. */
	EXPECT_EQ(0, own_events(self->sock));
}

/*
 * Who listens only to what is below an overlay hears there what is done above.
 * The listener above hears only of the overlay, and has a larger number.
 */
TEST(only_below_an_overlay)
{
	struct fanotify_so_event_metadata ev;
	int above, below, equal;
	struct stat st, backing;
	char c;

	make_place(_metadata, ON_OVERLAY_OF_TMPFS, names, TEXT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, stat(BACKING, &backing));
	above = listener(10, 0);
	below = listener(9, 0);
	equal = listener(10, 0);
	ASSERT_LE(0, above);
	ASSERT_LE(0, below);
	ASSERT_LE(0, equal);
	ASSERT_EQ(0, mark_path(above, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, mark_path(below, BACKING, ALL_EVENTS, 0));
	ASSERT_EQ(0, mark_path(equal, BACKING, ALL_EVENTS, 0));

	ASSERT_EQ(0, open_close(FILE_PATH, O_RDONLY));
	/* In this order, for the one below hears the equal one look. */
	ASSERT_LT(0, own_events(equal));
	ASSERT_LT(0, own_events(below));
	ASSERT_EQ(0, next_event(above, &st, &ev));
	EXPECT_EQ(FAN_OPEN, only_event(below, &backing));
	EXPECT_EQ(1, pread(ev.fd, &c, 1, 0));
	EXPECT_EQ(FAN_ACCESS, only_event(below, &backing));
	EXPECT_EQ(1, pwrite(ev.fd, &c, 1, 0));
	EXPECT_EQ(FAN_MODIFY, only_event(below, &backing));
	EXPECT_EQ(0, close(ev.fd));
	EXPECT_EQ(FAN_CLOSE_WRITE, only_event(below, &backing));
	EXPECT_EQ(0, own_events(equal));
	EXPECT_EQ(0, own_events(above));
}

TEST_HARNESS_MAIN
