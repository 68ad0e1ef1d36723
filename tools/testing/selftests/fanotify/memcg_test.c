// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the memory of queued events is the listener's
 *
 * A child binds the listener in one memory cgroup; the test, which causes the
 * events, is in another one.
 */

#define _GNU_SOURCE
#include "many.h"
#include "marks.h"
#include "perm.h"

#define CGROUP TMP "/cgroup"
#define BINDER CGROUP "/fanotify_binder"
#define CAUSER CGROUP "/fanotify_causer"

/* The bytes that an event cannot do without: its list, path, pids, flags */
#define EVENT_BYTES 64

#define NR_EVENTS 10000L

/* How many are caused when there is no room any more */
#define NR_LOST 100L

/* How many files it is asked about */
#define NR_QUESTIONS 200

/*
 * The number in a file of a cgroup; if @key is not NULL, that which follows
 * this word.
 */
static long read_knob(const char *path, const char *key)
{
	FILE *f = fopen(path, "re");
	char word[64];
	long value = -1, n;

	if (!f)
		return -errno;
	if (!key) {
		if (fscanf(f, "%ld", &value) != 1)
			value = -EIO;
	} else {
		while (value < 0 && fscanf(f, "%63s %ld", word, &n) == 2) {
			if (!strcmp(word, key))
				value = n;
		}
	}
	fclose(f);
	return value;
}

/*
 * Waits until the cgroup's slab memory is at least @low and below @high bytes:
 * the kernel may take seconds to sum up what each CPU has counted.
 */
static bool slab_gets_to(const char *stat, long low, long high)
{
	long long end = now_ms() + WAIT_MS;
	long bytes;

	do {
		bytes = read_knob(stat, "slab");
		if (bytes >= low && bytes < high)
			return true;
		usleep(10000);
	} while (now_ms() < end);
	return false;
}

/* Binds the socket in the cgroup; in a child, who is then gone. */
static int bind_in(int sock, const char *procs, __u32 mask)
{
	struct fanotify_addr addr = address(mask, O_RDONLY | O_CLOEXEC);
	pid_t child = fork();

	if (!child) {
		if (write_knob(procs, "0"))
			_exit(100);
		_exit(-do_bind(sock, &addr));
	}
	return exit_status(child);
}

FIXTURE(memcg)
{
	int sock;
	struct many got;
};

FIXTURE_SETUP(memcg)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, many_init(&self->got));
	ASSERT_EQ(0, mkdir(CGROUP, 0755));
	ASSERT_EQ(0, mount("fanotify_test", CGROUP, "cgroup2", 0, NULL));
	ASSERT_EQ(0, write_knob(CGROUP "/cgroup.subtree_control", "+memory"));
	/* Of a test that was killed. */
	rmdir(BINDER);
	rmdir(CAUSER);
	ASSERT_EQ(0, mkdir(BINDER, 0755));
	ASSERT_EQ(0, mkdir(CAUSER, 0755));
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, bind_in(self->sock, BINDER "/cgroup.procs",
			     FAN_GLOBAL_LISTENER | FAN_OPEN));
	ASSERT_EQ(0, write_knob(CAUSER "/cgroup.procs", "0"));
}

FIXTURE_TEARDOWN(memcg)
{
	close(self->sock);
	EXPECT_EQ(0, write_knob(CGROUP "/cgroup.procs", "0"));
	EXPECT_EQ(0, rmdir(BINDER));
	EXPECT_EQ(0, rmdir(CAUSER));
	EXPECT_EQ(0, write_knob(CGROUP "/cgroup.subtree_control", "-memory"));
}

TEST_F(memcg, the_binder_pays)
{
	long binder = read_knob(BINDER "/memory.current", NULL);
	long slab = read_knob(BINDER "/memory.stat", "slab");
	long causer = read_knob(CAUSER "/memory.stat", "slab");
	const long bytes = NR_EVENTS * EVENT_BYTES;

	ASSERT_LE(0, binder);
	ASSERT_LE(0, slab);
	ASSERT_LE(0, causer);
	ASSERT_EQ(0, many_cause(NR_EVENTS));

	EXPECT_LE(binder + bytes, read_knob(BINDER "/memory.current", NULL));
	EXPECT_TRUE(slab_gets_to(BINDER "/memory.stat", slab + bytes,
				 LONG_MAX));
	EXPECT_TRUE(slab_gets_to(CAUSER "/memory.stat", 0, causer + bytes / 2));

	/* Until they are read. */
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(NR_EVENTS, self->got.events);
	EXPECT_EQ(0, self->got.lost);
	EXPECT_TRUE(slab_gets_to(BINDER "/memory.stat", 0, slab + bytes / 2));
}

/* What is dropped by close() is paid back, too. */
TEST_F(memcg, closed_with_a_full_queue)
{
	long slab = read_knob(BINDER "/memory.stat", "slab");
	const long bytes = NR_EVENTS * EVENT_BYTES;

	ASSERT_LE(0, slab);
	ASSERT_EQ(0, many_cause(NR_EVENTS));
	EXPECT_TRUE(slab_gets_to(BINDER "/memory.stat", slab + bytes,
				 LONG_MAX));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_TRUE(slab_gets_to(BINDER "/memory.stat", 0, slab + bytes / 2));
}

/* How often the binder was refused memory, from its memory.events. */
static long nr_refused(int fd)
{
	char text[256] = "";
	const char *line;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return -EIO;
	line = strstr(text, "\nmax ");
	return line ? atol(line + strlen("\nmax ")) : -EPROTO;
}

/*
 * Causes events until the binder was refused memory so often that some are
 * lost: how many events, or -errno. What CPUs hold for the binder in advance
 * may be enough for thousands of them.
 */
static long cause_to_the_limit(int fd)
{
	long nr, before = nr_refused(fd);
	int ret;

	for (nr = 0; nr < NR_EVENTS && nr_refused(fd) < before + 100; nr += 10) {
		ret = many_cause(10);
		if (ret)
			return ret;
	}
	return nr;
}

/* Leaves the binder room for some events. 0 or -errno. */
static int limit_binder(void)
{
	long bytes = read_knob(BINDER "/memory.current", NULL);

	return write_number(BINDER "/memory.max", bytes + 100 * EVENT_BYTES);
}

/* At the limit an overflow says so, and nobody is killed or refused. */
TEST_F(memcg, at_the_limit)
{
	int fd = open(BINDER "/memory.events", O_RDONLY | O_CLOEXEC);
	long round, nr, caused = 0;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, limit_binder());
	for (round = 1; round < 3; round++) {
		/* Each of these succeeds: here, in the causer. */
		nr = cause_to_the_limit(fd);
		ASSERT_LT(0, nr);
		ASSERT_GT(NR_EVENTS, nr);
		caused += nr;
		EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
		EXPECT_EQ(round, self->got.overflows);
		EXPECT_EQ(caused, self->got.events + self->got.lost);
		EXPECT_LE(round, self->got.lost);
		EXPECT_LT(0, self->got.events);
	}
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, read_knob(BINDER "/memory.events", "oom"));
	EXPECT_EQ(0, read_knob(BINDER "/memory.events", "oom_kill"));
	EXPECT_EQ(0, read_knob(CAUSER "/memory.events", "oom_kill"));

	/* With more memory all is as before. */
	ASSERT_EQ(0, write_knob(BINDER "/memory.max", "max"));
	self->got = (struct many){ .dev = self->got.dev };
	ASSERT_EQ(0, many_cause(NR_EVENTS));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(NR_EVENTS, self->got.events);
	EXPECT_EQ(0, self->got.lost);
}

/*
 * The causer of a lost event has not looked for memory again and again: once,
 * and once more when it had got back what the CPUs hold for the binder.
 */
TEST_F(memcg, refused_at_once)
{
	int fd = open(BINDER "/memory.events", O_RDONLY | O_CLOEXEC);
	long nr, before, refused;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, limit_binder());
	nr = cause_to_the_limit(fd);
	ASSERT_LT(0, nr);
	ASSERT_GT(NR_EVENTS, nr);
	before = nr_refused(fd);
	ASSERT_EQ(0, many_cause(NR_LOST));
	refused = nr_refused(fd) - before;
	EXPECT_LE(NR_LOST, refused);
	EXPECT_GE(2 * NR_LOST, refused);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_LE(NR_LOST, self->got.lost);
	EXPECT_EQ(nr + NR_LOST, self->got.events + self->got.lost);
}

/* Nor is the listener's cgroup's high mark a brake for those who do not pay. */
TEST_F(memcg, above_the_high_mark)
{
	ASSERT_EQ(0, write_knob(BINDER "/memory.high", "0"));
	ASSERT_EQ(0, many_cause(NR_EVENTS));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(NR_EVENTS, self->got.events + self->got.lost);
	EXPECT_EQ(0, read_knob(BINDER "/memory.events", "oom_kill"));
}

/* A causer without memory is no reason to lose its events. */
TEST_F(memcg, a_causer_at_its_limit)
{
	long causer;

	causer = read_knob(CAUSER "/memory.current", NULL);
	ASSERT_LE(0, causer);
	/* Some pages more, since the test itself goes on. */
	ASSERT_EQ(0, write_number(CAUSER "/memory.max",
				  causer + NR_EVENTS * EVENT_BYTES / 4));
	ASSERT_EQ(0, many_cause(NR_EVENTS));
	ASSERT_EQ(0, write_knob(CAUSER "/memory.max", "max"));
	EXPECT_EQ(0, many_count(&self->got, self->sock, LONG_MAX));
	EXPECT_EQ(NR_EVENTS, self->got.events);
	EXPECT_EQ(0, self->got.lost);
}

/*
 * Who waits costs the listener nothing: at its limit it is asked, and answers.
 * A verdict that is to be kept costs it a mark, and is then not kept.
 */
TEST_F(memcg, questions_at_the_limit)
{
	int fd = open(BINDER "/memory.events", O_RDONLY | O_CLOEXEC);
	int sock = new_socket();
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	char path[64];
	struct stat st;
	long nr;
	int i;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, bind_in(sock, BINDER "/cgroup.procs", 0));
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, mkdir(TMP "/guarded", 0755));
	ASSERT_EQ(0, mark_path(sock, TMP "/guarded",
			       FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, 0));
	for (i = 0; i < NR_QUESTIONS; i++) {
		/* It is not asked about those who make them. */
		sprintf(path, TMP "/guarded/%d", i);
		ASSERT_EQ(0, write_file(TMP "/new", "text"));
		ASSERT_EQ(0, rename(TMP "/new", path));
	}
	ASSERT_EQ(0, limit_binder());
	nr = cause_to_the_limit(fd);
	ASSERT_LT(0, nr);
	ASSERT_GT(NR_EVENTS, nr);

	for (i = 0; i < NR_QUESTIONS; i++) {
		bool allow = i % 2;

		sprintf(path, TMP "/guarded/%d", i);
		ASSERT_EQ(0, stat(path, &st));
		ASSERT_TRUE(doer_start(&doer, do_open, path));
		ASSERT_EQ(0, next_event(sock, &st, &ev));
		EXPECT_EQ(FAN_OPEN_PERM, ev.mask);
		close_event(&ev);
		EXPECT_EQ(0, answer(sock, ev.cookie, allow ?
				    FAN_ALLOW | FAN_CACHE : FAN_DENY));
		EXPECT_EQ(allow ? 0 : -EPERM, doer_result(&doer));
	}
	/* That of the directory, and what CPUs held in advance was enough for */
	EXPECT_LE(1, shown_marks(sock));
	EXPECT_GT(NR_QUESTIONS / 2, shown_marks(sock));
	/* Nobody of the listener's is killed for a question. */
	EXPECT_EQ(0, read_knob(BINDER "/memory.events", "oom"));
	EXPECT_EQ(0, read_knob(BINDER "/memory.events", "oom_kill"));

	ASSERT_EQ(0, write_knob(BINDER "/memory.max", "max"));
	EXPECT_EQ(0, close(sock));
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
