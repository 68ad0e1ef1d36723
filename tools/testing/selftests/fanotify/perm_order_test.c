// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: several listeners are asked, one after the other, and
 * what a listener opens is asked about by those with smaller numbers only
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

/* Short enough to be waited for, in milliseconds */
#define SHORT 200

#define LISTENERS 3

/* In ascending order */
static const __u32 numbers[LISTENERS] = { 0, 5, 0xffffffff };

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

static bool is_asked(int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

FIXTURE(order)
{
	struct stat st;
	int socks[LISTENERS];
	struct doer doer;
};

FIXTURE_VARIANT(order) {
	enum kind kinds[LISTENERS];
	/* Who binds first */
	int bind[LISTENERS];
	__u32 event;
	long (*call)(const char *path);
};

#define VARIANT(name, first, second, third, event_, call_, ...) \
	FIXTURE_VARIANT_ADD(order, name) { \
		.kinds = { first, second, third }, \
		.bind = { __VA_ARGS__ }, \
		.event = event_, \
		.call = call_, \
	}

VARIANT(global_open, GLOBAL, GLOBAL, GLOBAL, FAN_OPEN_PERM, do_open, 0, 1, 2);
VARIANT(global_read, GLOBAL, GLOBAL, GLOBAL, FAN_ACCESS_PERM, do_read,
	2, 1, 0);
VARIANT(by_file_open, BY_FILE, BY_FILE, BY_FILE, FAN_OPEN_PERM, do_open,
	1, 2, 0);
VARIANT(by_file_exec, BY_FILE, BY_FILE, BY_FILE, FAN_OPEN_EXEC_PERM, do_exec,
	2, 0, 1);
VARIANT(by_parent_open, BY_PARENT, BY_PARENT, BY_PARENT, FAN_OPEN_PERM,
	do_open_rdwr, 2, 1, 0);
VARIANT(by_parent_read, BY_PARENT, BY_PARENT, BY_PARENT, FAN_ACCESS_PERM,
	do_read, 0, 2, 1);
VARIANT(mixed_open, GLOBAL, BY_FILE, BY_PARENT, FAN_OPEN_PERM, do_open,
	2, 0, 1);
VARIANT(mixed_open_otherwise, BY_PARENT, GLOBAL, BY_FILE, FAN_OPEN_PERM,
	do_open, 1, 0, 2);
VARIANT(mixed_read, BY_FILE, BY_PARENT, GLOBAL, FAN_ACCESS_PERM, do_read,
	2, 1, 0);
VARIANT(mixed_exec, BY_PARENT, BY_FILE, BY_PARENT, FAN_OPEN_EXEC_PERM, do_exec,
	1, 2, 0);

FIXTURE_SETUP(order)
{
	int i, nr;

	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	for (i = 0; i < LISTENERS; i++) {
		nr = variant->bind[i];
		self->socks[nr] = new_sentry(variant->kinds[nr], numbers[nr],
					     variant->event, DIR_PATH,
					     FILE_PATH);
		ASSERT_LE(0, self->socks[nr]);
		ASSERT_EQ(0, set_patient(self->socks[nr]));
	}
}

FIXTURE_TEARDOWN(order) {}

/* The listener @nr is asked, and no other; it answers nothing yet. */
static __u64 question_of(struct __test_metadata *_metadata,
			 FIXTURE_DATA(order) *self, int nr)
{
	struct fanotify_so_event_metadata ev;
	int i;

	ASSERT_EQ(0, next_question(self->socks[nr], &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(self->doer.pid, ev.tgid);
	for (i = 0; i < LISTENERS; i++)
		EXPECT_FALSE(is_asked(self->socks[i])) {
			TH_LOG("%d is asked beside %d", i, nr);
		}
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	return ev.cookie;
}

#define START() \
	ASSERT_TRUE(doer_start(&self->doer, variant->call, FILE_PATH))
#define QUESTION_OF(nr) question_of(_metadata, self, nr)
#define ANSWERS(nr, response) \
	ASSERT_EQ(0, answer(self->socks[nr], QUESTION_OF(nr), response))

/* It is over, and nobody has anything to answer. */
#define ENDS_WITH(ret) \
	do { \
		int sock; \
		EXPECT_EQ(ret, doer_result(&self->doer)); \
		for (sock = 0; sock < LISTENERS; sock++) \
			EXPECT_FALSE(is_asked(self->socks[sock])); \
	} while (0)

TEST_F(order, ascending)
{
	int i, round;

	for (round = 0; round < 3; round++) {
		START();
		for (i = 0; i < LISTENERS; i++)
			ANSWERS(i, FAN_ALLOW);
		ENDS_WITH(0);
	}
}

TEST_F(order, ends_with_a_denial)
{
	int i, denies;

	for (denies = 0; denies < LISTENERS; denies++) {
		START();
		for (i = 0; i < denies; i++)
			ANSWERS(i, FAN_ALLOW);
		ANSWERS(denies, FAN_DENY);
		ENDS_WITH(-EPERM);
	}
}

/* What a timeout means is the affair of each: the next is asked, or not. */
TEST_F(order, goes_on_after_a_timeout)
{
	int i, sleeps;

	for (sleeps = 0; sleeps < LISTENERS; sleeps++) {
		ASSERT_EQ(0, set_u32(self->socks[sleeps],
				     FANOTIFY_RESPONSE_TIMEOUT, SHORT));
		START();
		for (i = 0; i < LISTENERS; i++) {
			if (i != sleeps)
				ANSWERS(i, FAN_ALLOW);
		}
		EXPECT_EQ(0, doer_result(&self->doer));

		ASSERT_EQ(0, set_u32(self->socks[sleeps],
				     FANOTIFY_TIMEOUT_POLICY, FAN_DENY));
		START();
		for (i = 0; i < sleeps; i++)
			ANSWERS(i, FAN_ALLOW);
		ENDS_WITH(-EPERM);
		ASSERT_EQ(0, set_u32(self->socks[sleeps],
				     FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW));
		ASSERT_EQ(0, set_u32(self->socks[sleeps],
				     FANOTIFY_RESPONSE_TIMEOUT, FOREVER));
	}
}

/* One after the other, they all have the time they want. */
TEST_F(order, all_time_out)
{
	long long start = now_ms();
	int i;

	for (i = 0; i < LISTENERS; i++)
		ASSERT_EQ(0, set_u32(self->socks[i], FANOTIFY_RESPONSE_TIMEOUT,
				     SHORT));
	START();
	EXPECT_EQ(0, doer_result(&self->doer));
	EXPECT_LE(LISTENERS * SHORT, now_ms() - start);
}

/* Who leaves without an answer hands the question on. */
TEST_F(order, goes_on_after_a_close)
{
	int i, next;

	for (i = 0; i < LISTENERS; i++) {
		START();
		QUESTION_OF(i);
		ASSERT_EQ(0, close(self->socks[i]));
		/* Something on which there is never anything to read */
		self->socks[i] = eventfd(0, EFD_CLOEXEC);
		ASSERT_LE(0, self->socks[i]);
		for (next = i + 1; next < LISTENERS; next++)
			ANSWERS(next, FAN_ALLOW);
		ENDS_WITH(0);
	}
}

TEST_F(order, goes_on_for_nobody_who_was_killed)
{
	__u64 cookie;

	START();
	ANSWERS(0, FAN_ALLOW);
	cookie = QUESTION_OF(1);
	ASSERT_EQ(0, kill(self->doer.pid, SIGKILL));
	ENDS_WITH(-ECHILD);
	EXPECT_EQ(-ENOENT, answer(self->socks[1], cookie, FAN_ALLOW));
}

/* The same number: one after the other as well, but nobody knows in which. */
TEST(equal_numbers)
{
	struct fanotify_so_event_metadata ev;
	int socks[LISTENERS], i, turn, next;
	int asked[LISTENERS] = {};
	struct pollfd pfds[LISTENERS];
	struct doer doer;
	struct stat st;

	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	for (i = 0; i < LISTENERS; i++) {
		socks[i] = new_sentry(i, 7, FAN_OPEN_PERM, DIR_PATH,
				      FILE_PATH);
		ASSERT_LE(0, socks[i]);
		ASSERT_EQ(0, set_patient(socks[i]));
		pfds[i] = (struct pollfd){ .fd = socks[i], .events = POLLIN };
	}
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	for (turn = 0; turn < LISTENERS; turn++) {
		ASSERT_EQ(1, poll(pfds, LISTENERS, WAIT_MS));
		for (next = 0; !pfds[next].revents; next++)
			;
		asked[next]++;
		ASSERT_EQ(0, next_question(socks[next], &st, &ev));
		close_event(&ev);
		ASSERT_EQ(0, poll(pfds, LISTENERS, 0));
		EXPECT_FALSE(doer_returned(&doer, 0));
		ASSERT_EQ(0, answer(socks[next], ev.cookie, FAN_ALLOW));
	}
	EXPECT_EQ(0, doer_result(&doer));
	for (i = 0; i < LISTENERS; i++)
		EXPECT_EQ(1, asked[i]);
}

/*
 * A storage manager, number 1, which fills in what is opened, and a scanner,
 * number 2, whose opens it has to fill in, too. Both are of one process that
 * hears of itself.
 */
FIXTURE(scanner)
{
	struct stat st;
	struct doer doer;
	int manager, scanner;
};

FIXTURE_VARIANT(scanner) {
	enum kind manager;
	enum kind scanner;
};

FIXTURE_VARIANT_ADD(scanner, both_global) {
	.manager = GLOBAL,
	.scanner = GLOBAL,
};

FIXTURE_VARIANT_ADD(scanner, both_by_file) {
	.manager = BY_FILE,
	.scanner = BY_FILE,
};

FIXTURE_VARIANT_ADD(scanner, global_above_parent) {
	.manager = BY_PARENT,
	.scanner = GLOBAL,
};

FIXTURE_VARIANT_ADD(scanner, file_above_global) {
	.manager = GLOBAL,
	.scanner = BY_FILE,
};

FIXTURE_SETUP(scanner)
{
	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->scanner = new_sentry(variant->scanner, 2, FAN_OPEN_PERM,
				   DIR_PATH, FILE_PATH);
	ASSERT_LE(0, self->scanner);
	self->manager = new_sentry(variant->manager, 1,
				   FAN_OPEN_PERM | FAN_ACCESS_PERM, DIR_PATH,
				   FILE_PATH);
	ASSERT_LE(0, self->manager);
	ASSERT_EQ(0, set_u32(self->manager, FANOTIFY_RESPONSE_TIMEOUT,
			     FOREVER));
	ASSERT_EQ(0, set_u32(self->scanner, FANOTIFY_RESPONSE_TIMEOUT,
			     FOREVER));
}

FIXTURE_TEARDOWN(scanner) {}

/* The manager is asked what the thread or process @pid is about to do. */
static void manage(struct __test_metadata *_metadata,
		   FIXTURE_DATA(scanner) *self, __u32 mask, pid_t pid,
		   __u32 response)
{
	struct fanotify_so_event_metadata ev;
	char c;

	ASSERT_EQ(0, next_question(self->manager, &self->st, &ev));
	EXPECT_EQ(mask, ev.mask);
	EXPECT_EQ(pid, ev.pid);
	/* What it has opened itself nobody is asked about. */
	EXPECT_EQ(1, pread(ev.fd, &c, 1, 0));
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->manager, ev.cookie, response));
}

/* The thread's id, which it tells itself */
static pid_t tid_of(struct waiter *w)
{
	pid_t tid;

	while (!(tid = __atomic_load_n(&w->tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	return tid;
}

#define MANAGE(mask, pid, response) \
	manage(_metadata, self, mask, pid, response)

static long wait_in_pread(struct waiter *w)
{
	char c;

	return result(pread(w->fd, &c, 1, 0));
}

TEST_F(scanner, asks_the_manager)
{
	struct waiter scanner, reader;

	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	MANAGE(FAN_OPEN_PERM, self->doer.pid, FAN_ALLOW);

	/* The read of the event goes on when its open was allowed. */
	ASSERT_TRUE(waiter_run(&scanner, self->scanner, wait_in_read));
	MANAGE(FAN_OPEN_PERM, tid_of(&scanner), FAN_ALLOW);
	ASSERT_TRUE(waiter_returned(&scanner, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, scanner.ret);
	ASSERT_EQ(0, pthread_join(scanner.thread, NULL));
	EXPECT_TRUE(is_file(scanner.ev.fd, &self->st));
	EXPECT_EQ(self->doer.pid, scanner.ev.pid);

	/* So does the read of the file. */
	ASSERT_TRUE(waiter_run(&reader, scanner.ev.fd, wait_in_pread));
	MANAGE(FAN_ACCESS_PERM, tid_of(&reader), FAN_ALLOW);
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ(1, reader.ret);
	ASSERT_EQ(0, pthread_join(reader.thread, NULL));
	close_event(&scanner.ev);
	EXPECT_FALSE(is_asked(self->scanner));
	EXPECT_EQ(0, answer(self->scanner, scanner.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->doer));
	EXPECT_FALSE(is_asked(self->manager));
}

/* A file that the scanner may not open it can still answer for. */
TEST_F(scanner, is_denied_by_the_manager)
{
	struct waiter scanner;

	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	MANAGE(FAN_OPEN_PERM, self->doer.pid, FAN_ALLOW);
	ASSERT_TRUE(waiter_run(&scanner, self->scanner, wait_in_read));
	MANAGE(FAN_OPEN_PERM, tid_of(&scanner), FAN_DENY);
	ASSERT_TRUE(waiter_returned(&scanner, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, scanner.ret);
	ASSERT_EQ(0, pthread_join(scanner.thread, NULL));
	EXPECT_EQ(-EACCES, scanner.ev.fd);
	EXPECT_EQ(FAN_OPEN_PERM, scanner.ev.mask);
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(0, answer(self->scanner, scanner.ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->doer));
}

/* The manager dies while the scanner waits for it, which goes on. */
TEST_F(scanner, outlives_the_manager)
{
	struct fanotify_so_event_metadata ev;
	struct waiter scanner;

	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
	MANAGE(FAN_OPEN_PERM, self->doer.pid, FAN_ALLOW);
	ASSERT_TRUE(waiter_run(&scanner, self->scanner, wait_in_read));
	ASSERT_EQ(0, next_question(self->manager, &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, close(self->manager));
	ASSERT_TRUE(waiter_returned(&scanner, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, scanner.ret);
	ASSERT_EQ(0, pthread_join(scanner.thread, NULL));
	close_event(&scanner.ev);
	EXPECT_EQ(0, answer(self->scanner, scanner.ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->doer));
}

/*
 * Listeners that all read what they are asked about, and hear of their own
 * process: it comes to an end, and each question is put as often as it must.
 */
FIXTURE(circle)
{
	struct sentry sentries[LISTENERS];
};

FIXTURE_VARIANT(circle) {
	enum kind kinds[LISTENERS];
	__u32 numbers[LISTENERS];
	/* How often each is asked about one open */
	int asked[LISTENERS];
};

FIXTURE_VARIANT_ADD(circle, global) {
	.kinds = { GLOBAL, GLOBAL, GLOBAL },
	.numbers = { 1, 2, 3 },
	.asked = { 4, 2, 1 },
};

FIXTURE_VARIANT_ADD(circle, by_file) {
	.kinds = { BY_FILE, BY_FILE, BY_FILE },
	.numbers = { 0, 0x80000000, 0xffffffff },
	.asked = { 4, 2, 1 },
};

FIXTURE_VARIANT_ADD(circle, mixed) {
	.kinds = { BY_PARENT, GLOBAL, BY_FILE },
	.numbers = { 5, 6, 7 },
	.asked = { 4, 2, 1 },
};

FIXTURE_VARIANT_ADD(circle, equal) {
	.kinds = { GLOBAL, BY_FILE, BY_PARENT },
	.numbers = { 5, 5, 5 },
	.asked = { 1, 1, 1 },
};

FIXTURE_VARIANT_ADD(circle, two_equal) {
	.kinds = { GLOBAL, GLOBAL, GLOBAL },
	.numbers = { 1, 2, 2 },
	.asked = { 3, 1, 1 },
};

/* Reads what it is asked about. */
static __u32 judge_reading(struct sentry *sentry,
			   const struct fanotify_so_event_metadata *ev)
{
	char c;

	if (pread(ev->fd, &c, 1, 0) != 1)
		sentry->error = -EIO;
	return FAN_ALLOW;
}

FIXTURE_SETUP(circle)
{
	int i, sock;

	make_files(_metadata);
	for (i = 0; i < LISTENERS; i++) {
		sock = new_sentry(variant->kinds[i], variant->numbers[i],
				  FAN_OPEN_PERM, DIR_PATH, FILE_PATH);
		ASSERT_LE(0, sock);
		ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT,
				     FOREVER));
		self->sentries[i].judge = judge_reading;
		ASSERT_TRUE(sentry_start(&self->sentries[i], sock, FILE_PATH));
	}
}

FIXTURE_TEARDOWN(circle) {}

TEST_F(circle, comes_to_an_end)
{
	struct doer doers[20];
	int i;

	for (i = 0; i < ARRAY_SIZE(doers); i++)
		ASSERT_TRUE(doer_start(&doers[i], do_open, FILE_PATH));
	for (i = 0; i < ARRAY_SIZE(doers); i++)
		EXPECT_EQ(0, doer_result(&doers[i]));
	for (i = 0; i < LISTENERS; i++) {
		EXPECT_EQ(ARRAY_SIZE(doers) * variant->asked[i],
			  sentry_about(&self->sentries[i]));
		EXPECT_EQ(0, sentry_end(&self->sentries[i]));
	}
}

/* How many events come with one read, by who else is there */
FIXTURE(batch)
{
	int sock;
	struct doer doers[2];
};

FIXTURE_VARIANT(batch) {
	/* Another listener, and what it has marked */
	__u32 number;
	const char *marked;
	int events;
};

FIXTURE_VARIANT_ADD(batch, nobody) {
	.events = 2,
};

FIXTURE_VARIANT_ADD(batch, smaller_number) {
	.number = 4,
	.marked = OTHER_PATH,
	.events = 1,
};

FIXTURE_VARIANT_ADD(batch, same_number) {
	.number = 5,
	.marked = OTHER_PATH,
	.events = 2,
};

FIXTURE_VARIANT_ADD(batch, larger_number) {
	.number = 6,
	.marked = OTHER_PATH,
	.events = 2,
};

FIXTURE_VARIANT_ADD(batch, smaller_number_elsewhere) {
	.number = 4,
	.marked = FAR_PATH,
	.events = 2,
};

/* Waits until so many events are queued. */
static bool are_queued(int sock, int events)
{
	long long end = now_ms() + WAIT_MS;
	int bytes;

	while (now_ms() < end) {
		if (ioctl(sock, FIONREAD, &bytes))
			return false;
		if (bytes >= (int)(events * FAN_SO_EVENT_LEN))
			return true;
		usleep(1000);
	}
	return false;
}

FIXTURE_SETUP(batch)
{
	int i, other;

	make_files(_metadata);
	self->sock = new_sentry(BY_FILE, 5, FAN_OPEN_PERM, NULL, FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	if (variant->marked) {
		other = new_sentry(BY_FILE, variant->number, FAN_OPEN_PERM,
				   NULL, variant->marked);
		ASSERT_LE(0, other);
	}
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(doer_start(&self->doers[i], do_open, FILE_PATH));
	ASSERT_TRUE(are_queued(self->sock, 2));
}

FIXTURE_TEARDOWN(batch) {}

TEST_F(batch, ends_before_what_may_wait)
{
	struct fanotify_so_event_metadata evs[4];
	int i, left = 2;
	ssize_t len;

	while (left) {
		len = read(self->sock, evs, sizeof(evs));
		ASSERT_EQ(variant->events * FAN_SO_EVENT_LEN, len);
		for (i = 0; i < variant->events; i++) {
			close_event(&evs[i]);
			EXPECT_EQ(0, answer(self->sock, evs[i].cookie,
					    FAN_ALLOW));
		}
		left -= variant->events;
	}
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, doer_result(&self->doers[i]));
	EXPECT_FALSE(is_asked(self->sock));
}

/* The first event is not held back by the second, whose open waits. */
TEST(nothing_waits_behind_the_first)
{
	struct fanotify_so_event_metadata evs[4], ev;
	struct stat near, far;
	int manager, scanner;
	struct doer doers[2];
	struct waiter w;

	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &near));
	ASSERT_EQ(0, stat(FAR_PATH, &far));
	manager = new_sentry(BY_FILE, 1, FAN_OPEN_PERM, NULL, FILE_PATH);
	scanner = new_sentry(BY_FILE, 2, FAN_OPEN_PERM, NULL, FILE_PATH);
	ASSERT_LE(0, manager);
	ASSERT_LE(0, scanner);
	ASSERT_EQ(0, mark_path(scanner, FAR_PATH, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_u32(manager, FANOTIFY_RESPONSE_TIMEOUT, FOREVER));
	ASSERT_EQ(0, set_u32(scanner, FANOTIFY_RESPONSE_TIMEOUT, FOREVER));

	ASSERT_TRUE(doer_start(&doers[0], do_open, FAR_PATH));
	ASSERT_TRUE(are_queued(scanner, 1));
	ASSERT_TRUE(doer_start(&doers[1], do_open, FILE_PATH));
	ASSERT_EQ(0, next_question(manager, &near, &ev));
	close_event(&ev);
	ASSERT_EQ(0, answer(manager, ev.cookie, FAN_ALLOW));
	ASSERT_TRUE(are_queued(scanner, 2));

	/* No open has been tried, so that nobody is asked. */
	ASSERT_EQ(FAN_SO_EVENT_LEN, read(scanner, evs, sizeof(evs)));
	EXPECT_TRUE(is_file(evs[0].fd, &far));
	close_event(&evs[0]);
	EXPECT_FALSE(is_asked(manager));
	EXPECT_EQ(0, answer(scanner, evs[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doers[0]));

	ASSERT_TRUE(waiter_run(&w, scanner, wait_in_read));
	ASSERT_EQ(0, next_question(manager, &near, &ev));
	close_event(&ev);
	EXPECT_EQ(w.tid, ev.pid);
	EXPECT_FALSE(waiter_returned(&w, 0));
	ASSERT_EQ(0, answer(manager, ev.cookie, FAN_ALLOW));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_EQ(FAN_SO_EVENT_LEN, w.ret);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	EXPECT_TRUE(is_file(w.ev.fd, &near));
	close_event(&w.ev);
	EXPECT_EQ(0, answer(scanner, w.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doers[1]));
}

/* Groups of the system calls that are asked, and before any socket */
FIXTURE(group)
{
	struct stat st;
	struct doer doer;
	int sock, group;
};

FIXTURE_VARIANT(group) {
	unsigned int class;
	unsigned int mark;
	enum kind kind;
};

#define GROUP(name, class_, mark_, kind_) \
	FIXTURE_VARIANT_ADD(group, name) { \
		.class = class_, \
		.mark = mark_, \
		.kind = kind_, \
	}

GROUP(content_file_and_global, FAN_CLASS_CONTENT, 0, GLOBAL);
GROUP(content_file_and_file, FAN_CLASS_CONTENT, 0, BY_FILE);
GROUP(content_mount_and_parent, FAN_CLASS_CONTENT, FAN_MARK_MOUNT, BY_PARENT);
GROUP(content_sb_and_global, FAN_CLASS_CONTENT, FAN_MARK_FILESYSTEM, GLOBAL);
GROUP(content_sb_and_file, FAN_CLASS_CONTENT, FAN_MARK_FILESYSTEM, BY_FILE);
GROUP(pre_content_file_and_global, FAN_CLASS_PRE_CONTENT, 0, GLOBAL);
GROUP(pre_content_mount, FAN_CLASS_PRE_CONTENT, FAN_MARK_MOUNT, BY_FILE);

FIXTURE_SETUP(group)
{
	make_files(_metadata);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0, FAN_OPEN_PERM, DIR_PATH,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	self->group = fan_group(variant->class);
	ASSERT_LE(0, self->group);
	ASSERT_EQ(0, fan_mark(self->group, variant->mark, FAN_OPEN_PERM,
			      FILE_PATH));
	ASSERT_TRUE(doer_start(&self->doer, do_open, FILE_PATH));
}

FIXTURE_TEARDOWN(group) {}

/* What is asked about the doer, whose open is all that there is */
static int group_answers(int group, pid_t pid, __u32 response)
{
	struct pollfd pfd = { .fd = group, .events = POLLIN };
	struct fanotify_response resp = { .response = response };
	struct fanotify_event_metadata ev;

	if (poll(&pfd, 1, WAIT_MS) != 1)
		return -ETIMEDOUT;
	if (read(group, &ev, sizeof(ev)) != sizeof(ev))
		return -errno;
	close(ev.fd);
	if (ev.pid != pid || ev.mask != FAN_OPEN_PERM)
		return -EPROTO;
	resp.fd = ev.fd;
	return write(group, &resp, sizeof(resp)) == sizeof(resp) ? 0 : -errno;
}

TEST_F(group, both_allow)
{
	struct fanotify_so_event_metadata ev;

	EXPECT_FALSE(is_asked(self->sock));
	ASSERT_EQ(0, group_answers(self->group, self->doer.pid, FAN_ALLOW));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	/* It was not asked about the open for the listener. */
	EXPECT_FALSE(is_asked(self->group));
	EXPECT_FALSE(doer_returned(&self->doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->doer));
	EXPECT_FALSE(is_asked(self->group));
}

TEST_F(group, the_socket_denies)
{
	struct fanotify_so_event_metadata ev;

	ASSERT_EQ(0, group_answers(self->group, self->doer.pid, FAN_ALLOW));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->doer));
}

TEST_F(group, the_group_denies)
{
	ASSERT_EQ(0, group_answers(self->group, self->doer.pid, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&self->doer));
	EXPECT_FALSE(is_asked(self->sock));
}

TEST_HARNESS_MAIN
