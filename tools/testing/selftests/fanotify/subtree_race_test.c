// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a subtree in which, and around which, much is renamed, made
 * and mounted while something happens in it
 *
 * Whatever the others do, the thread whose events count knows of each whether it
 * was in the tree: it is the only one that moves what it looks at, or that was
 * inside all the time, under one name or another.
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "noise.h"
#include "sentry.h"
#include "subtree.h"

/* The directory with the file is TREE/a/d or TREE/b/d. */
#define IN_A TREE "/a/d"
#define IN_B TREE "/b/d"

/* For how long a test goes on, and how often at least */
#define RACE_MS 1500
#define MIN_ROUNDS 20

/* So deep in it is the file that is opened: that is a long way up. */
#define DEPTH 25

/* And so far it is from LONG to the top: two renames fit into one walk. */
#define LONG_WAY 1500
#define LONG TREE "/long"

/* Trees that each of some processes makes, all at the same time */
#define BUILDERS 4
#define BUILT 500
#define LEVELS 4

static void make_files(struct __test_metadata *_metadata, enum place place)
{
	make_tree(_metadata, place);
	ASSERT_EQ(0, mkdir(TREE "/a", 0755));
	ASSERT_EQ(0, mkdir(TREE "/b", 0755));
	ASSERT_EQ(0, mkdir(IN_A, 0755));
	ASSERT_EQ(0, write_file(IN_A "/file", "text"));
	ASSERT_EQ(0, write_file(TREE "/file", "text"));
	ASSERT_EQ(0, write_file(BESIDE "/file", "text"));
	ASSERT_EQ(0, write_file(BESIDE "/x", "text"));
	ASSERT_EQ(0, mkdir(BESIDE "/d", 0755));
	ASSERT_EQ(0, write_file(BESIDE "/d/file", "text"));
}

static int move(const char *from, const char *to)
{
	return result(rename(from, to));
}

/* Noise: it is elsewhere that something is renamed. */
static int rename_elsewhere(void)
{
	return move(BESIDE "/x", BESIDE "/y") ?: move(BESIDE "/y", BESIDE "/x");
}

/* The directory changes its place in the tree. */
static int rename_inside(void)
{
	return move(IN_A, IN_B) ?: move(IN_B, IN_A);
}

/* The directory that it is in changes its name. */
static int rename_parent(void)
{
	return move(TREE "/a", TREE "/c") ?: move(TREE "/c", TREE "/a");
}

/* The directory goes, and then that which it was in leaves the tree. */
static int leave(void)
{
	return move(IN_A, IN_B) ?: move(TREE "/a", BESIDE "/a") ?:
	       move(BESIDE "/a", TREE "/a") ?: move(IN_B, IN_A);
}

/* Directories: TREE, BESIDE, TREE/b, and that at the end of the long way */
static int top_fd, beside_fd, b_fd, far_fd;

/* Makes a directory far below LONG. */
static void make_long_way(struct __test_metadata *_metadata)
{
	int i, below;

	top_fd = open(TREE, O_PATH | O_CLOEXEC);
	beside_fd = open(BESIDE, O_PATH | O_CLOEXEC);
	b_fd = open(TREE "/b", O_PATH | O_CLOEXEC);
	ASSERT_TRUE(top_fd >= 0 && beside_fd >= 0 && b_fd >= 0);
	ASSERT_EQ(0, move(IN_A, IN_B));
	ASSERT_EQ(0, mkdir(LONG, 0755));
	far_fd = open(LONG, O_PATH | O_CLOEXEC);
	for (i = 0; i < LONG_WAY; i++) {
		ASSERT_EQ(0, mkdirat(far_fd, "d", 0755));
		below = openat(far_fd, "d", O_PATH | O_CLOEXEC);
		ASSERT_LE(0, below);
		ASSERT_EQ(0, close(far_fd));
		far_fd = below;
	}
}

static int move_at(int from, int to, const char *name)
{
	return result(renameat(from, name, to, name));
}

/*
 * The directory comes to the end of the long way and leaves it again, and then
 * the way leaves the tree: who has begun to go it does not get into the tree.
 */
static int leave_on_the_way(void)
{
	return move_at(b_fd, far_fd, "d") ?: move_at(far_fd, b_fd, "d") ?:
	       move_at(top_fd, beside_fd, "long") ?:
	       move_at(beside_fd, top_fd, "long");
}

static int open_outside(void)
{
	return open_close(BESIDE "/file", O_RDONLY);
}

static int open_inside(void)
{
	return open_close(TREE "/file", O_RDONLY);
}

/* A file that is always in the tree is opened, and others make noise. */
FIXTURE(inside)
{
	struct noise noises[MAX_NOISES];
	int nr;
	char path[256];
	int dirfd;
	struct stat st;
};

FIXTURE_VARIANT(inside) {
	int (*noises[MAX_NOISES])(void);
	enum place place;
	bool long_way;
};

FIXTURE_VARIANT_ADD(inside, quiet_place) {
	.place = ON_TMPFS,
	.noises = { rename_elsewhere, open_outside },
};

FIXTURE_VARIANT_ADD(inside, moved) {
	.place = ON_TMPFS,
	.noises = { rename_inside },
};

FIXTURE_VARIANT_ADD(inside, moved_in_noise) {
	.place = ON_TMPFS,
	.noises = { rename_inside, rename_elsewhere, open_outside },
};

FIXTURE_VARIANT_ADD(inside, parent_renamed) {
	.place = ON_TMPFS,
	.noises = { rename_parent, rename_elsewhere },
};

FIXTURE_VARIANT_ADD(inside, parent_leaves) {
	.place = ON_TMPFS,
	.noises = { leave, rename_elsewhere },
};

FIXTURE_VARIANT_ADD(inside, long_way) {
	.place = ON_TMPFS,
	.noises = { leave_on_the_way },
	.long_way = true,
};

FIXTURE_VARIANT_ADD(inside, ext4_moved) {
	.place = ON_EXT4,
	.noises = { rename_inside, rename_elsewhere },
};

FIXTURE_VARIANT_ADD(inside, overlay_moved) {
	.place = ON_OVERLAY_OF_EXT4,
	.noises = { rename_inside, rename_elsewhere },
};

FIXTURE_SETUP(inside)
{
	char dir[256];

	make_files(_metadata, variant->place);
	if (variant->long_way)
		make_long_way(_metadata);
	ASSERT_EQ(0, make_deep(variant->long_way ? IN_B : IN_A, DEPTH,
			       self->path));
	ASSERT_EQ(0, stat(self->path, &self->st));
	snprintf(dir, sizeof(dir), "%.*s",
		 (int)(strrchr(self->path, '/') - self->path), self->path);
	self->dirfd = open(dir, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, self->dirfd);
}

/* When the test's listeners are there */
static void begin(struct __test_metadata *_metadata,
		  FIXTURE_DATA(inside) *self,
		  const FIXTURE_VARIANT(inside) *variant)
{
	while (self->nr < MAX_NOISES && variant->noises[self->nr]) {
		ASSERT_TRUE(noise_start(&self->noises[self->nr],
					variant->noises[self->nr]));
		self->nr++;
	}
}

static void end(struct __test_metadata *_metadata, FIXTURE_DATA(inside) *self)
{
	while (self->nr--)
		EXPECT_EQ(0, noise_end(&self->noises[self->nr]));
}

FIXTURE_TEARDOWN(inside)
{
	close(self->dirfd);
}

/* 0 or -errno */
static int open_it(FIXTURE_DATA(inside) *self)
{
	int fd = openat(self->dirfd, "file", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : result(close(fd));
}

/* Not one is missed. */
TEST_F(inside, heard)
{
	int sock = subtree_listener(FAN_OPEN, 0), round;
	long long until;

	ASSERT_LE(0, sock);
	begin(_metadata, self, variant);
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		ASSERT_EQ(0, open_it(self));
		ASSERT_EQ(FAN_OPEN, all_events(sock, &self->st)) {
			TH_LOG("round %d", round);
		}
	}
	end(_metadata, self);
	ASSERT_EQ(0, close(sock));
}

static __u32 deny(struct sentry *sentry,
		  const struct fanotify_so_event_metadata *ev)
{
	return FAN_DENY;
}

/* Not one gets by. */
TEST_F(inside, denied)
{
	int sock = subtree_listener(FAN_OPEN_PERM, 0), round;
	struct sentry sentry = { .judge = deny };
	long long until;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FOREVER));
	ASSERT_TRUE(sentry_start(&sentry, sock, self->path));
	begin(_metadata, self, variant);
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		ASSERT_EQ(-EPERM, open_it(self)) {
			TH_LOG("round %d", round);
		}
	}
	end(_metadata, self);
	EXPECT_EQ(round, sentry_about(&sentry));
	EXPECT_EQ(0, sentry_end(&sentry));
	ASSERT_EQ(0, close(sock));
}

/* Of a tree that is left out nothing is heard. */
TEST_F(inside, ignored)
{
	int sock = deaf_listener(), round;
	long long until;

	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, PLACE, FAN_ON_FILESYSTEM | FAN_OPEN, 0));
	ASSERT_EQ(0, mark_subtree(sock, TREE, 0, FAN_OPEN));
	begin(_metadata, self, variant);
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		long mask;

		ASSERT_EQ(0, open_it(self));
		mask = all_events(sock, &self->st);
		ASSERT_LE(0, mask);
		ASSERT_EQ(0, mask) {
			TH_LOG("round %d", round);
		}
	}
	end(_metadata, self);
	ASSERT_EQ(0, close(sock));
}

/* Takes all that is queued; the masks of this thread's events of the file */
static long own_events_of(int sock, const struct stat *st)
{
	struct fanotify_so_event_metadata ev;
	long mask = 0;
	int ret;

	while ((ret = take_event(sock, &ev)) > 0) {
		if (ev.pid == gettid() && is_file(ev.fd, st))
			mask |= ev.mask;
		close_event(&ev);
	}
	return ret ?: mask;
}

/* Another directory goes in and out, too. */
static int other_in_and_out(void)
{
	return move(IN_A, BESIDE "/e") ?: move(BESIDE "/e", IN_A);
}

/* Whoever else opens the file does so wherever it is. */
static int dir_of_it;

static int open_it_anywhere(void)
{
	int fd = openat(dir_of_it, "file", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : result(close(fd));
}

/* Who moves it knows where it is. */
TEST(in_and_out)
{
	static int (* const onces[])(void) = { other_in_and_out,
					       open_it_anywhere,
					       rename_elsewhere };
	struct noise noises[ARRAY_SIZE(onces)];
	long long until;
	struct stat st;
	int sock, round;
	size_t i;

	make_files(_metadata, ON_TMPFS);
	ASSERT_EQ(0, stat(BESIDE "/d/file", &st));
	dir_of_it = open(BESIDE "/d", O_PATH | O_CLOEXEC);
	ASSERT_LE(0, dir_of_it);
	sock = subtree_listener(FAN_OPEN, 0);
	ASSERT_LE(0, sock);
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		ASSERT_TRUE(noise_start(&noises[i], onces[i]));
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		ASSERT_EQ(0, move(BESIDE "/d", TREE "/d"));
		ASSERT_EQ(0, open_close(TREE "/d/file", O_RDONLY));
		ASSERT_EQ(FAN_OPEN, own_events_of(sock, &st)) {
			TH_LOG("round %d", round);
		}
		ASSERT_EQ(0, move(TREE "/d", BESIDE "/d"));
		ASSERT_EQ(0, open_close(BESIDE "/d/file", O_RDONLY));
		ASSERT_EQ(0, own_events_of(sock, &st)) {
			TH_LOG("round %d", round);
		}
	}
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		EXPECT_EQ(0, noise_end(&noises[i]));
	ASSERT_EQ(0, close(sock));
	ASSERT_EQ(0, close(dir_of_it));
}

/* How often each directory, and the file in the last, was said to be created */
static int created[BUILDERS][BUILT][LEVELS];

static int build(int who)
{
	static const char * const below[] = { "", "/b", "/b/c" };
	char path[128];
	size_t i;
	int n;

	for (n = 0; n < BUILT; n++) {
		for (i = 0; i < ARRAY_SIZE(below); i++) {
			sprintf(path, TREE "/%d.%d%s", who, n, below[i]);
			if (mkdir(path, 0755))
				return 1;
		}
		sprintf(path, TREE "/%d.%d/b/c/file", who, n);
		if (write_file(path, ""))
			return 2;
	}
	return 0;
}

/* Notes one event. 0 or -errno. */
static int note_created(const struct fanotify_so_event_metadata *ev)
{
	static const char * const below[LEVELS] = { "", "/b", "/b/c",
						    "/b/c/file" };
	const struct fanotify_event_info_path *info =
		path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	int who, n, len = 0, i;
	__u32 mask;

	if (!info || info->flags ||
	    sscanf(info->path, TREE "/%d.%d%n", &who, &n, &len) != 2 ||
	    who < 0 || who >= BUILDERS || n < 0 || n >= BUILT)
		return -EPROTO;
	for (i = 0; i < LEVELS && strcmp(info->path + len, below[i]); i++)
		;
	mask = FAN_CREATE | (i < LEVELS - 1 ? FAN_ONDIR : 0);
	if (i == LEVELS || ev->mask != mask)
		return -EPROTO;
	created[who][n][i]++;
	return 0;
}

/* A tree that is built is watched as far as it is. */
TEST(built)
{
	const struct fanotify_so_event_metadata *ev;
	pid_t children[BUILDERS];
	struct reader reader;
	struct noise noise;
	int sock, ret, i, n, level;

	make_files(_metadata, ON_TMPFS);
	sock = subtree_listener(FAN_CREATE | FAN_ONDIR, REPORT_PATHS);
	ASSERT_LE(0, sock);
	for (i = 0; i < BUILDERS; i++) {
		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i])
			_exit(build(i));
	}
	ASSERT_TRUE(noise_start(&noise, rename_elsewhere));
	for (i = 0; i < BUILDERS; i++)
		EXPECT_EQ(0, exit_status(children[i]));
	EXPECT_EQ(0, noise_end(&noise));
	reader_init(&reader, sock);
	while ((ret = take_told(&reader, &ev)) > 0) {
		ASSERT_EQ(0, note_created(ev)) {
			struct story story = { .len = 0 };

			tell_event(&story, ev);
			TH_LOG("%s", story.text);
		}
	}
	EXPECT_EQ(0, ret);
	for (i = 0; i < BUILDERS; i++) {
		for (n = 0; n < BUILT; n++) {
			for (level = 0; level < LEVELS; level++)
				ASSERT_EQ(1, created[i][n][level]) {
					TH_LOG("%d.%d at %d", i, n, level);
				}
		}
	}
	ASSERT_EQ(0, close(sock));
}

/* The listener of the test, for its noise */
static int noisy_sock;

/* Another mark of the same listener comes and goes. */
static int mark_another(void)
{
	return mark_subtree(noisy_sock, TREE "/a", FAN_ACCESS, 0) ?:
	       mark_subtree(noisy_sock, TREE "/a", 0, FAN_MODIFY) ?:
	       mark_subtree(noisy_sock, TREE "/a", 0, 0);
}

/* One by itself changes what the first is for. */
static int mark_the_same(void)
{
	return mark_path(noisy_sock, TREE, FAN_ACCESS | FAN_ONDIR, 0) ?:
	       mark_path(noisy_sock, TREE, 0, 0);
}

/* What is set counts, and what is removed does not, from the next call on. */
TEST(set_and_removed)
{
	static int (* const onces[])(void) = { mark_another, mark_the_same,
					       open_inside, rename_inside };
	struct noise noises[ARRAY_SIZE(onces)];
	struct stat st;
	long long until;
	int round;
	size_t i;

	make_files(_metadata, ON_TMPFS);
	ASSERT_EQ(0, stat(TREE "/file", &st));
	noisy_sock = deaf_listener();
	ASSERT_LE(0, noisy_sock);
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		ASSERT_TRUE(noise_start(&noises[i], onces[i]));
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		ASSERT_EQ(0, mark_subtree(noisy_sock, TREE, FAN_OPEN, 0));
		ASSERT_EQ(0, open_inside());
		ASSERT_EQ(FAN_OPEN, own_events_of(noisy_sock, &st)) {
			TH_LOG("round %d", round);
		}
		ASSERT_EQ(0, mark_subtree(noisy_sock, TREE, FAN_OPEN,
					  FAN_OPEN));
		ASSERT_EQ(0, open_inside());
		ASSERT_EQ(0, own_events_of(noisy_sock, &st)) {
			TH_LOG("round %d", round);
		}
		ASSERT_EQ(0, mark_subtree(noisy_sock, TREE, 0, 0));
		ASSERT_EQ(0, open_inside());
		ASSERT_EQ(0, own_events_of(noisy_sock, &st)) {
			TH_LOG("round %d", round);
		}
	}
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		EXPECT_EQ(0, noise_end(&noises[i]));
	EXPECT_EQ(0, all_marks(noisy_sock));
	ASSERT_EQ(0, close(noisy_sock));
}

#define MNT TMP "/mnt"

/* Marks what is mounted just now, if anything is. */
static int mark_the_mount(void)
{
	static const __u32 scopes[] = { FAN_ON_SUBTREE, FAN_ON_FILESYSTEM,
					FAN_ON_MOUNT, 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scopes); i++) {
		int ret = mark_path(noisy_sock, MNT "/dir",
				    scopes[i] | FAN_OPEN | FAN_ONDIR, 0);

		if (ret && ret != -ENOENT)
			return ret;
	}
	return 0;
}

static int list_the_mount(void)
{
	int ret = list_dir(MNT "/dir");

	return ret == -ENOENT ? 0 : ret;
}

/* A file system goes with its marks, and while some are being set. */
TEST(mounts)
{
	static int (* const onces[])(void) = { mark_the_mount,
					       list_the_mount };
	struct noise noises[ARRAY_SIZE(onces)];
	long long until;
	int sock, round;
	size_t i;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT, 0755));
	sock = deaf_listener();
	ASSERT_LE(0, sock);
	noisy_sock = deaf_listener();
	ASSERT_LE(0, noisy_sock);
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		ASSERT_TRUE(noise_start(&noises[i], onces[i]));
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		ASSERT_EQ(0, mount("fanotify_test", MNT, "tmpfs", 0,
				   "mode=755"));
		ASSERT_EQ(0, mkdir(MNT "/dir", 0755));
		ASSERT_EQ(0, mkdir(MNT "/dir/sub", 0755));
		ASSERT_EQ(0, write_file(MNT "/dir/sub/file", "text"));
		ASSERT_EQ(0, mark_subtree(sock, MNT "/dir", FAN_OPEN, 0));
		ASSERT_EQ(0, mark_subtree(sock, MNT "/dir/sub", FAN_ACCESS,
					  0));
		ASSERT_EQ(0, mark_path(sock, MNT, FAN_ON_MOUNT | FAN_OPEN, 0));
		ASSERT_EQ(0, read_one_byte(MNT "/dir/sub/file"));
		ASSERT_EQ(FAN_OPEN | FAN_ACCESS,
			  heard(sock, MNT "/dir/sub/file"));
		ASSERT_EQ(0, umount2(MNT, MNT_DETACH));
	}
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		EXPECT_EQ(0, noise_end(&noises[i]));
	ASSERT_EQ(0, drain(noisy_sock));
	/* Nobody holds any of them any more. */
	EXPECT_EQ(0, all_marks(sock));
	EXPECT_EQ(0, all_marks(noisy_sock));
	ASSERT_EQ(0, close(sock));
	ASSERT_EQ(0, close(noisy_sock));
}

/* In a child: guards the tree, and sees it for some time. */
static void guard_tree(int ready)
{
	struct fanotify_so_event_metadata ev;
	int sock = subtree_listener(FAN_OPEN_PERM, 0), nr = 0;

	if (sock < 0 || set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FOREVER) ||
	    write(ready, "x", 1) != 1)
		_exit(1);
	while (read(sock, &ev, sizeof(ev)) == sizeof(ev)) {
		close_event(&ev);
		/* Some are open when it is killed. */
		if (++nr % 5)
			answer(sock, ev.cookie, nr % 3 ? FAN_ALLOW : KEEP);
	}
	_exit(2);
}

static int write_inside(void)
{
	return write_file(TREE "/file", "text");
}

/* Whoever waits is let go when the listener dies, and nobody is kept out. */
TEST(killed)
{
	static int (* const onces[])(void) = { open_inside, write_inside,
					       open_it_anywhere,
					       rename_inside };
	struct noise noises[ARRAY_SIZE(onces)];
	unsigned int seed = 1;
	long long until;
	int round;
	size_t i;

	make_files(_metadata, ON_TMPFS);
	dir_of_it = open(IN_A, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, dir_of_it);
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		ASSERT_TRUE(noise_start(&noises[i], onces[i]));
	until = now_ms() + RACE_MS;
	for (round = 0; round < MIN_ROUNDS || now_ms() < until; round++) {
		pid_t child;
		int ready[2];
		char byte;

		ASSERT_EQ(0, pipe2(ready, O_CLOEXEC));
		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			guard_tree(ready[1]);
		close(ready[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		close(ready[0]);
		/* At another moment each time */
		usleep(rand_r(&seed) % 20000);
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(-SIGKILL, exit_status(child));
	}
	for (i = 0; i < ARRAY_SIZE(onces); i++)
		EXPECT_EQ(0, noise_end(&noises[i]));
	EXPECT_EQ(0, nr_waiting());
	ASSERT_EQ(0, close(dir_of_it));
}

TEST_HARNESS_MAIN
