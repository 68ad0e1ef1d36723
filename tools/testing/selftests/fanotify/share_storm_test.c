// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: members come, go and are killed under load, and all that
 * happens is accounted for
 */

#define _GNU_SOURCE
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rounds.h"
#include "share.h"

/* 10 000 events take their time in a kernel that checks everything. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 600

#define BAD_PATH DIR_PATH "/bad"
#define NOTED_PATH DIR_PATH "/noted"

/* Members at a time, and all that ever were */
#define NR_MEMBERS 3
#define MAX_MEMBERS 400

/* Processes that work side by side, and how many children each has */
#define NR_LOADS 4
#define NR_CHILDREN 100

/* So many events one member can note. */
#define NR_SLOTS 2048

/**
 * struct notes - what a member has read
 *
 * In memory of everybody's, so that what the kernel has given to one that was
 * killed can be seen.
 *
 * @bad: The inode number of the file that nobody may open.
 * @evs: The events. Zero, where there is none.
 */
struct notes {
	ino_t bad;
	struct fanotify_so_event_metadata evs[NR_SLOTS];
};

static void *shared_memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* What a member does: it reads and answers. */
static void note(int sock, void *arg)
{
	struct notes *notes = arg;
	struct fanotify_so_event_metadata *ev;
	struct stat st;

	for (ev = notes->evs; ev < notes->evs + NR_SLOTS; ev++) {
		if (read(sock, ev, sizeof(*ev)) != sizeof(*ev) ||
		    fstat(ev->fd, &st))
			return;
		if (ev->cookie)
			answer(sock, ev->cookie, st.st_ino == notes->bad ?
						 FAN_DENY : FAN_ALLOW);
		close(ev->fd);
	}
}

/**
 * struct crew - members that take each other's places
 *
 * @notes: What each has read, of all that ever were.
 * @nr: How many these are.
 * @bad: The inode number of the file that nobody may open.
 * @pids: Those that live.
 */
struct crew {
	struct notes *notes;
	int nr;
	ino_t bad;
	pid_t pids[NR_MEMBERS];
};

static bool start_member(struct crew *crew, int i)
{
	struct fanotify_addr addr = group_address(0);
	struct notes *notes = &crew->notes[crew->nr++];

	notes->bad = crew->bad;
	crew->pids[i] = member_process(&addr, note, notes);
	return crew->pids[i] > 0;
}

static bool kill_member(struct crew *crew, int i)
{
	return !kill(crew->pids[i], SIGKILL) &&
	       exit_status(crew->pids[i]) == -SIGKILL;
}

/* Kills the members from @first to before @end, and then replaces them. */
static bool replace_members(struct crew *crew, int first, int end)
{
	int i;

	for (i = first; i < end; i++)
		if (!kill_member(crew, i))
			return false;
	for (i = first; i < end; i++)
		if (!start_member(crew, i))
			return false;
	return true;
}

/* What one child of the load does: it is told of by its pid. */
static void work(int noted)
{
	if (open_close(FILE_PATH, O_RDONLY))
		_exit(1);
	if (open_close(BAD_PATH, O_RDONLY) != -EPERM)
		_exit(2);
	_exit(write(noted, "x", 1) == 1 ? 0 : 3);
}

static pid_t start_load(pid_t *pids, int noted)
{
	pid_t load = fork();
	int i;

	if (load)
		return load;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < NR_CHILDREN; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			work(noted);
		pids[i] = child;
		status = exit_status(child);
		if (status)
			_exit(status);
	}
	_exit(0);
}

/* Is exactly one notification of this process in the notes? */
static bool noted_once(const struct notes *notes, int nr, pid_t pid)
{
	const struct fanotify_so_event_metadata *ev;
	int i, count = 0;

	for (i = 0; i < nr; i++)
		for (ev = notes[i].evs; ev->event_len; ev++)
			count += ev->mask == FAN_MODIFY && ev->tgid == pid;
	return count == 1;
}

/*
 * Each operation gets its verdict, by whomever, and each notification is read
 * once.
 */
TEST(members_killed)
{
	struct crew crew = {
		.notes = shared_memory(MAX_MEMBERS * sizeof(*crew.notes)),
	};
	pid_t (*pids)[NR_CHILDREN] = shared_memory(NR_LOADS * sizeof(*pids));
	struct fanotify_so_event_metadata *ev;
	int sock, noted, once = 0, i, n, done;
	pid_t loads[NR_LOADS];
	struct stat bad;
	bool one;

	ASSERT_NE(NULL, crew.notes);
	ASSERT_NE(NULL, pids);
	make_shared_dir(_metadata);
	ASSERT_EQ(0, write_file(BAD_PATH, "text"));
	ASSERT_EQ(0, write_file(NOTED_PATH, "text"));
	ASSERT_EQ(0, stat(BAD_PATH, &bad));
	crew.bad = bad.st_ino;
	noted = open(NOTED_PATH, O_WRONLY | O_APPEND | O_CLOEXEC);
	ASSERT_LE(0, noted);

	sock = first_member(FAN_OPEN_PERM | FAN_MODIFY);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_LINGER, FAN_SO_MAX_LINGER));
	ASSERT_EQ(0, close(sock));

	for (i = 0; i < NR_MEMBERS; i++)
		ASSERT_TRUE(start_member(&crew, i));
	for (i = 0; i < NR_LOADS; i++) {
		loads[i] = start_load(pids[i], noted);
		ASSERT_LT(0, loads[i]);
	}
	srand(1);
	for (done = 0; done < NR_LOADS;) {
		usleep(rand() % 20000);
		/* Each third time or so it is all of them. */
		i = rand() % (NR_MEMBERS * 3 / 2);
		one = i < NR_MEMBERS;
		if (crew.nr < MAX_MEMBERS - NR_MEMBERS)
			ASSERT_TRUE(replace_members(&crew, one ? i : 0,
						    one ? i + 1 : NR_MEMBERS));
		for (n = 0; n < NR_LOADS; n++) {
			int status;

			if (!loads[n] || waitpid(loads[n], &status, WNOHANG) <= 0)
				continue;
			EXPECT_EQ(0, status);
			loads[n] = 0;
			done++;
		}
	}
	for (i = 0; i < NR_MEMBERS; i++)
		ASSERT_TRUE(kill_member(&crew, i));

	/* What is left is for the last. */
	sock = directed_member();
	ASSERT_LE(0, sock);
	ev = crew.notes[crew.nr++].evs;
	for (; take_event(sock, ev) == 1; ev++) {
		EXPECT_EQ(FAN_MODIFY, ev->mask);
		close_event(ev);
	}
	EXPECT_LT(NR_MEMBERS + 5, crew.nr);
	for (n = 0; n < NR_LOADS; n++)
		for (i = 0; i < NR_CHILDREN; i++)
			once += noted_once(crew.notes, crew.nr, pids[n][i]);
	EXPECT_EQ(NR_LOADS * NR_CHILDREN, once);
	EXPECT_EQ(0, told_timeouts(sock));
	EXPECT_EQ(0, set_u32(sock, FANOTIFY_LINGER, 0));
}

/* They come and go, take events and do not answer, and nobody is kept waiting. */
static int visit(unsigned int seed)
{
	struct fanotify_so_event_metadata ev;
	int i;

	srand(seed);
	for (i = 0; i < 150; i++) {
		int sock = directed_member();
		int what = rand() % 8;

		if (sock < 0)
			return 1;
		if (mark_path(sock, FILE_PATH, FAN_OPEN_PERM, 0) &&
		    errno != ESHUTDOWN)
			return 2;
		if (what & 1 && take_event(sock, &ev) == 1) {
			close_event(&ev);
			if (what & 4)
				answer(sock, ev.cookie, FAN_ALLOW);
		}
		if (what & 2 && shutdown(sock, SHUT_RDWR))
			return 3;
		close(sock);
	}
	return 0;
}

TEST(come_and_go)
{
	pid_t comers[4], openers[3];
	int i, n;

	make_shared_dir(_metadata);
	for (i = 0; i < 4; i++) {
		comers[i] = fork();
		if (!comers[i])
			_exit(visit(i));
	}
	for (i = 0; i < 3; i++) {
		openers[i] = fork();
		if (openers[i])
			continue;
		for (n = 0; n < 300; n++)
			if (open_close(FILE_PATH, O_RDONLY))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, exit_status(comers[i]));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, exit_status(openers[i]));
}

/* Counts in shared memory how many events it has had. */
static void count_events(int sock, void *count)
{
	struct fanotify_so_event_metadata ev;

	while (read(sock, &ev, sizeof(ev)) == sizeof(ev)) {
		close_event(&ev);
		if (answer(sock, ev.cookie, FAN_ALLOW))
			break;
		__atomic_add_fetch((int *)count, 1, __ATOMIC_RELAXED);
	}
}

#define NR_EQUAL 4
#define NR_EVENTS 10000
#define NR_OPENERS 8

/*
 * Of those who do the same none gets less than half of its share. On one CPU, so
 * that none is slower than the others because of what else the machine does.
 */
TEST(fair)
{
	int *counts = shared_memory(NR_EQUAL * sizeof(*counts));
	struct fanotify_addr addr = group_address(0);
	pid_t members[NR_EQUAL], openers[NR_OPENERS];
	cpu_set_t cpus;
	int i, n, sum = 0;

	ASSERT_NE(NULL, counts);
	make_shared_dir(_metadata);
	ASSERT_LE(0, first_member(FAN_OPEN_PERM));
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(cpus), &cpus));
	for (i = 0; i < NR_EQUAL; i++) {
		members[i] = member_process(&addr, count_events, &counts[i]);
		ASSERT_LT(0, members[i]);
		ASSERT_TRUE(sleeps_in(members[i], SYS_read));
	}
	for (i = 0; i < NR_OPENERS; i++) {
		openers[i] = fork();
		if (openers[i])
			continue;
		for (n = 0; n < NR_EVENTS / NR_OPENERS; n++)
			if (open_close(FILE_PATH, O_RDONLY))
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < NR_OPENERS; i++)
		EXPECT_EQ(0, exit_status(openers[i]));
	for (i = 0; i < NR_EQUAL; i++) {
		ASSERT_EQ(0, kill(members[i], SIGKILL));
		ASSERT_EQ(-SIGKILL, exit_status(members[i]));
		EXPECT_LE(NR_EVENTS / NR_EQUAL / 2, counts[i]);
		sum += counts[i];
		TH_LOG("member %d: %d", i, counts[i]);
	}
	/* One may have been killed before it counted its last. */
	EXPECT_LE(NR_EVENTS - NR_EQUAL, sum);
	EXPECT_GE(NR_EVENTS, sum);
}

TEST_HARNESS_MAIN
