// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a file that is modified while an ignored mask is set
 *
 * In each round one thread sets the ignored mask and another one modifies the
 * file, at once or nearly so. Each notes when a call of its begins and when it
 * ends. If the two calls did not overlap, it is known whether the ignored mask
 * has to be in force afterwards; if they did, either is right, but whatever it
 * is must last until the next call.
 */

#define _GNU_SOURCE
#include "marks.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/* For how long a test goes on, and how often at least */
#define RACE_MS 5000
#define MIN_ROUNDS 20

/* How the first mask of the rounds survives, and that of the second, ... */
enum survival { NEVER, ALWAYS, BY_TURNS };

/**
 * struct call - the last call of a thread
 *
 * @begin: When it began: a ticket.
 * @end: When it had ended, likewise.
 */
struct call {
	unsigned long begin;
	unsigned long end;
};

/**
 * struct race - what the threads share
 *
 * @sock: The listener.
 * @other: Another one, whose marks come and go, or -1.
 * @mark: What the setter sets, constant during a round.
 * @file: The file, open for reading and writing.
 * @round: The round to be run; -1 ends the threads.
 * @running: How many threads have not finished it.
 * @ticket: The next ticket. It orders the beginnings and ends of all calls.
 * @set: The setter's last call.
 * @modify: The modifier's last call.
 * @error: What failed in a thread, or 0.
 */
struct race {
	int sock;
	int other;
	struct fanotify_so_inode_mark mark;
	int file;
	int round;
	int running;
	unsigned long ticket;
	struct call set;
	struct call modify;
	int error;
};

FIXTURE(race)
{
	struct race race;
	struct stat st;
	struct stat marked;
	__u32 mask;
};

FIXTURE_VARIANT(race) {
	bool global;
	bool parent;
	bool other;
	enum survival survival;
};

FIXTURE_VARIANT_ADD(race, directed) {
	.survival = NEVER,
};

FIXTURE_VARIANT_ADD(race, directed_survives) {
	.survival = ALWAYS,
};

FIXTURE_VARIANT_ADD(race, directed_by_turns) {
	.survival = BY_TURNS,
};

/* What is computed from all marks of the file changes all the time. */
FIXTURE_VARIANT_ADD(race, directed_beside_another) {
	.survival = BY_TURNS,
	.other = true,
};

FIXTURE_VARIANT_ADD(race, children) {
	.survival = BY_TURNS,
	.parent = true,
};

FIXTURE_VARIANT_ADD(race, global) {
	.survival = NEVER,
	.global = true,
};

FIXTURE_VARIANT_ADD(race, global_beside_another) {
	.survival = BY_TURNS,
	.global = true,
	.other = true,
};

FIXTURE_SETUP(race)
{
	const char *path = variant->parent ? DIR_PATH : FILE_PATH;
	__u32 flags = variant->parent ? FAN_EVENT_ON_CHILD : 0;
	struct race *race = &self->race;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	race->file = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, race->file);
	ASSERT_EQ(0, fstat(race->file, &self->st));
	ASSERT_EQ(0, stat(path, &self->marked));
	race->sock = variant->global ? global_listener(FAN_ACCESS) :
				       deaf_listener();
	ASSERT_LE(0, race->sock);
	race->other = variant->other ? deaf_listener() : -1;
	race->mark.fd = open(path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, race->mark.fd);
	race->mark.mask = variant->global ? 0 : FAN_ACCESS | flags;
	race->mark.ignored_mask = FAN_ACCESS | flags;
	ASSERT_EQ(0, set_marks(race->sock, &race->mark, 1));
}

FIXTURE_TEARDOWN(race)
{
	close(self->race.sock);
	if (self->race.other >= 0)
		close(self->race.other);
}

static unsigned long take_ticket(struct race *race)
{
	return __atomic_fetch_add(&race->ticket, 1, __ATOMIC_SEQ_CST);
}

static int modify(struct race *race)
{
	race->modify.begin = take_ticket(race);
	if (pwrite(race->file, "x", 1, 0) != 1)
		return -EIO;
	race->modify.end = take_ticket(race);
	return 0;
}

static int set(struct race *race)
{
	int ret;

	race->set.begin = take_ticket(race);
	ret = set_marks(race->sock, &race->mark, 1);
	race->set.end = take_ticket(race);
	return ret;
}

static int set_other(struct race *race)
{
	return set_mark(race->other, race->file, FAN_CLOSE, 0) ?:
	       set_mark(race->other, race->file, 0, 0);
}

/**
 * struct racer - a thread
 *
 * @race: What it takes part in.
 * @call: What it does in each round.
 * @seed: Of its random numbers.
 * @thread: The thread.
 */
struct racer {
	struct race *race;
	int (*call)(struct race *race);
	unsigned int seed;
	pthread_t thread;
};

static void *racer_main(void *arg)
{
	struct racer *racer = arg;
	struct race *race = racer->race;
	int round, spin, seen = 0;

	for (;;) {
		do {
			sched_yield();
			round = __atomic_load_n(&race->round, __ATOMIC_ACQUIRE);
		} while (round == seen);
		if (round < 0)
			return NULL;
		seen = round;
		/* Mostly at the same time, sometimes a little apart */
		for (spin = rand_r(&racer->seed) % 2000; spin > 0; spin--)
			asm volatile("");
		if (racer->call(race))
			race->error = 1;
		__atomic_sub_fetch(&race->running, 1, __ATOMIC_RELEASE);
	}
}

/* Lets the threads make their calls, and waits until they have. */
static void run_round(struct race *race, int threads)
{
	race->running = threads;
	__atomic_add_fetch(&race->round, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&race->running, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* Is a read of the file ignored? 0, 1, or -errno. */
static int ignores(struct race *race, const struct stat *st)
{
	long mask;
	char c;

	if (pread(race->file, &c, 1, 0) != 1)
		return -EIO;
	mask = all_events(race->sock, st);
	return mask < 0 ? mask : !(mask & FAN_ACCESS);
}

TEST_F(race, modify_and_set)
{
	struct race *race = &self->race;
	struct racer racers[] = {
		{ .race = race, .call = set, .seed = 1 },
		{ .race = race, .call = modify, .seed = 2 },
		{ .race = race, .call = set_other, .seed = 3 },
	};
	int threads = variant->other ? 3 : 2, i, in_force, expected;
	long long end = now_ms() + RACE_MS;
	unsigned int ignored_mask = race->mark.ignored_mask, seed = 4;

	for (i = 0; i < threads; i++)
		ASSERT_EQ(0, pthread_create(&racers[i].thread, NULL,
					    racer_main, &racers[i]));
	while (race->round < MIN_ROUNDS || now_ms() < end) {
		bool survives = variant->survival == ALWAYS ||
				(variant->survival == BY_TURNS &&
				 rand_r(&seed) % 2);

		race->mark.ignored_mask = ignored_mask |
				(survives ? FAN_SURVIVE_MODIFY : 0);
		run_round(race, threads);
		ASSERT_EQ(0, race->error);

		in_force = ignores(race, &self->st);
		ASSERT_LE(0, in_force);
		/* Those who overlapped can be one way or the other. */
		expected = in_force;
		if (survives || race->modify.end < race->set.begin)
			expected = 1;
		else if (race->set.end < race->modify.begin)
			expected = 0;
		ASSERT_EQ(expected, in_force)
			TH_LOG("round %d: a %s was lost", race->round,
			       expected ? "set" : "clear");
		/* And whatever it is, it stays so. */
		ASSERT_EQ(in_force, ignores(race, &self->st));
		if (race->round % 16 == 0)
			ASSERT_EQ(MASKS(race->mark.mask, !in_force ? 0 :
					race->mark.ignored_mask),
				  shown_masks(race->sock, &self->marked));

		/* What the race has left behind still works, either way. */
		if (rand_r(&seed) % 2) {
			ASSERT_EQ(0, modify(race));
			ASSERT_EQ(survives, ignores(race, &self->st))
				TH_LOG("round %d: a later clear was lost",
				       race->round);
		}
		if (rand_r(&seed) % 2) {
			ASSERT_EQ(0, set(race));
			ASSERT_EQ(1, ignores(race, &self->st))
				TH_LOG("round %d: a later set was lost",
				       race->round);
		}
	}
	__atomic_store_n(&race->round, -1, __ATOMIC_RELEASE);
	for (i = 0; i < threads; i++)
		ASSERT_EQ(0, pthread_join(racers[i].thread, NULL));
}

/* How many entries an array has between those of the race and its end */
#define FILLING 200

static void *modifier_main(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->round, __ATOMIC_ACQUIRE) &&
	       !race->error)
		race->error = modify(race);
	return NULL;
}

/*
 * An array removes a mark and sets it again, so that it is there afterwards,
 * even if it is cleared before the whole array is done. What comes behind in
 * the array is there to take some time.
 */
TEST(removed_and_set_in_one_call)
{
	static struct fanotify_so_inode_mark marks[FILLING + 2];
	struct race race = {};
	int i, other, round;
	pthread_t modifier;
	long long shown;
	struct stat st;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, write_file(TMP "/other", "text"));
	race.file = open(TMP "/file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, race.file);
	ASSERT_EQ(0, fstat(race.file, &st));
	other = open(TMP "/other", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, other);
	race.sock = deaf_listener();
	ASSERT_LE(0, race.sock);
	for (i = 0; i < FILLING + 2; i++) {
		marks[i].fd = i < 2 ? race.file : other;
		marks[i].ignored_mask = i ? FAN_OPEN : 0;
	}
	ASSERT_EQ(0, pthread_create(&modifier, NULL, modifier_main, &race));
	for (round = 0; round < 100; round++) {
		ASSERT_EQ(0, set_mark(race.sock, race.file, 0, FAN_OPEN));
		ASSERT_EQ(0, set_marks(race.sock, marks, FILLING + 2));
		/* There, whether it was cleared or not yet */
		shown = shown_masks(race.sock, &st);
		ASSERT_TRUE(shown == MASKS(0, FAN_OPEN) ||
			    shown == MASKS(0, 0))
			TH_LOG("round %d: %lld", round, shown);
		ASSERT_EQ(0, set_mark(race.sock, race.file, 0, 0));
	}
	__atomic_store_n(&race.round, -1, __ATOMIC_RELEASE);
	ASSERT_EQ(0, pthread_join(modifier, NULL));
	EXPECT_EQ(0, race.error);
	EXPECT_EQ(0, close(race.sock));
}

TEST_HARNESS_MAIN
