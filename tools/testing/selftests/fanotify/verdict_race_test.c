// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a file that is changed while a verdict on it is kept
 *
 * The file has a version, which the listener reads before it answers each
 * question, with an answer to be kept. In each round a writer makes a new
 * version, lets go of the file, and opens it: then somebody must have been asked
 * about that version, whether it is this open or an earlier one. Others open
 * the file all the time, so that verdicts are given before, during and after the
 * change.
 */

#define _GNU_SOURCE
#include "place.h"
#include "change.h"
#include "marks.h"
#include "sentry.h"

#define FILE_PATH PLACE "/file"
#define LINK_PATH PLACE "/link"
#define TEXT "12345678"

/* For how long a test goes on, and how often at least */
#define RACE_MS 3000
#define MIN_ROUNDS 10
#define MAX_OPENERS 3

/* Higher than that before, by which way of telling ever */
#define FIRST_VERSION 100

static const char * const names[] = { "file", "other", NULL };

/**
 * struct race - what the processes share
 *
 * @call: What may be asked about.
 * @change: Makes a new version.
 * @version: Finds out which one it is.
 * @judged: The highest version that an answer was about.
 * @calls: How many calls were made.
 * @stop: Ends the openers.
 * @error: What a call of an opener failed with, or 0.
 */
struct race {
	long (*call)(const char *path);
	bool (*change)(__u64 version);
	__u64 (*version)(int fd);
	__u64 judged;
	long calls;
	bool stop;
	long error;
};

/* Versions in the first bytes of the file, or in its length */
static __u64 version_inside(int fd)
{
	__u64 version = 0;

	return pread(fd, &version, sizeof(version), 0) == sizeof(version) ?
	       version : 0;
}

static __u64 version_of_length(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_size;
}

static bool put_version(int fd, __u64 version)
{
	return pwrite(fd, &version, sizeof(version), 0) == sizeof(version);
}

static bool write_version(__u64 version)
{
	int fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	bool good = put_version(fd, version);

	close(fd);
	return good;
}

static bool link_version(__u64 version)
{
	int fd = open(LINK_PATH, O_WRONLY | O_CLOEXEC);
	bool good = put_version(fd, version);

	close(fd);
	return good;
}

static bool trunc_version(__u64 version)
{
	int fd = open(FILE_PATH, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool good = put_version(fd, version);

	close(fd);
	return good;
}

static bool map_version(__u64 version)
{
	char *mem = map_writable(FILE_PATH);

	if (mem == MAP_FAILED)
		return false;
	__atomic_store_n((__u64 *)mem, version, __ATOMIC_RELAXED);
	return !munmap(mem, 4096);
}

static bool length_version(__u64 version)
{
	return !truncate(FILE_PATH, version);
}

FIXTURE(race)
{
	struct race *race;
	struct sentry sentry;
	int sock;
};

FIXTURE_VARIANT(race) {
	enum place place;
	enum kind kind;
	__u32 event;
	bool (*change)(__u64 version);
	__u64 (*version)(int fd);
	int openers;
};

#define VARIANT(name, place_, kind_, event_, change_, version_, openers_) \
	FIXTURE_VARIANT_ADD(race, name) { \
		.place = place_, \
		.kind = kind_, \
		.event = event_, \
		.change = change_, \
		.version = version_, \
		.openers = openers_, \
	}

VARIANT(write, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, write_version,
	version_inside, 1);
VARIANT(write_and_read, ON_TMPFS, BY_FILE, FAN_ACCESS_PERM, write_version,
	version_inside, 1);
VARIANT(write_with_many, ON_TMPFS, BY_PARENT, FAN_OPEN_PERM, write_version,
	version_inside, MAX_OPENERS);
VARIANT(write_alone, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, write_version,
	version_inside, 0);
VARIANT(write_by_link, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, link_version,
	version_inside, 1);
VARIANT(truncating, ON_TMPFS, BY_FILE, FAN_OPEN_PERM, trunc_version,
	version_inside, 1);
VARIANT(mapping, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, map_version,
	version_inside, 1);
VARIANT(length, ON_TMPFS, GLOBAL, FAN_OPEN_PERM, length_version,
	version_of_length, 1);
VARIANT(ext4_write, ON_EXT4, BY_PARENT, FAN_OPEN_PERM, write_version,
	version_inside, 1);
VARIANT(ext4_mapping, ON_EXT4, BY_FILE, FAN_ACCESS_PERM, map_version,
	version_inside, 1);
VARIANT(ext4_length, ON_EXT4, GLOBAL, FAN_OPEN_PERM, length_version,
	version_of_length, 1);
VARIANT(overlay_write, ON_OVERLAY_OF_TMPFS, BY_FILE, FAN_OPEN_PERM,
	write_version, version_inside, 1);
VARIANT(overlay_mapping, ON_OVERLAY_OF_EXT4, BY_PARENT, FAN_OPEN_PERM,
	map_version, version_inside, 1);
VARIANT(overlay_length, ON_OVERLAY_OF_TMPFS, BY_PARENT, FAN_ACCESS_PERM,
	length_version, version_of_length, 1);

/* The only one who writes to @judged */
static __u32 judge_version(struct sentry *sentry,
			   const struct fanotify_so_event_metadata *ev)
{
	struct race *race = sentry->arg;
	__u64 version;

	if (!is_file(ev->fd, &sentry->st))
		return FAN_ALLOW;
	version = race->version(ev->fd);
	if (version > race->judged)
		__atomic_store_n(&race->judged, version, __ATOMIC_RELEASE);
	return KEEP;
}

FIXTURE_SETUP(race)
{
	struct race *race;

	make_place(_metadata, variant->place, names, TEXT);
	ASSERT_EQ(0, link(FILE_PATH, LINK_PATH));
	ASSERT_TRUE(write_version(1));
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, race);
	race->call = variant->event == FAN_OPEN_PERM ? do_open : do_read;
	race->change = variant->change;
	race->version = variant->version;
	self->race = race;
	self->sock = new_sentry(variant->kind, 0, variant->event, PLACE,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	self->sentry.judge = judge_version;
	self->sentry.arg = race;
	ASSERT_TRUE(sentry_start(&self->sentry, self->sock, FILE_PATH));
}

FIXTURE_TEARDOWN(race) {}

static void *opener_main(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		long ret = race->call(FILE_PATH);

		if (ret)
			race->error = ret;
		__atomic_fetch_add(&race->calls, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* One version after the other: 0 or an exit status */
static int make_versions(struct race *race)
{
	long long end = now_ms() + RACE_MS;
	unsigned int seed = 1;
	__u64 version, judged;
	int i, round;

	for (round = 0; round < MIN_ROUNDS || now_ms() < end; round++) {
		version = FIRST_VERSION + round;
		if (!race->change(version))
			return 10;
		for (i = 0; i < 2; i++) {
			if (race->call(FILE_PATH))
				return 11;
			__atomic_fetch_add(&race->calls, 1, __ATOMIC_RELAXED);
			judged = __atomic_load_n(&race->judged,
						 __ATOMIC_ACQUIRE);
			if (judged < version) {
				printf("# version %llu passed, %llu did not\n",
				       (unsigned long long)version,
				       (unsigned long long)judged);
				return 12;
			}
		}
		/* Not always the moment the last verdict was given */
		if (rand_r(&seed) % 2)
			usleep(rand_r(&seed) % 1000);
	}
	return 0;
}

static int race_with(struct race *race, int openers)
{
	pthread_t threads[MAX_OPENERS];
	int i, ret;

	for (i = 0; i < openers; i++) {
		if (pthread_create(&threads[i], NULL, opener_main, race))
			return 13;
	}
	ret = make_versions(race);
	__atomic_store_n(&race->stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < openers; i++)
		pthread_join(threads[i], NULL);
	return ret;
}

TEST_F(race, no_stale_verdict)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child) {
		close(self->sock);
		_exit(race_with(self->race, variant->openers));
	}
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(0, self->race->error);
	EXPECT_EQ(0, sentry_end(&self->sentry));
	/* Else it would prove nothing. */
	EXPECT_LT(0, sentry_about(&self->sentry));
	EXPECT_LT(sentry_about(&self->sentry), self->race->calls);
}

TEST_HARNESS_MAIN
