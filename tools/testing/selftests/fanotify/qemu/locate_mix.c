// SPDX-License-Identifier: GPL-2.0
/*
 * Changes two trees at random, and moves things between them: what a listener
 * for one of them has to keep up with.
 *
 * locate_mix [-n OPERATIONS] [-s SEED] [-j JOBS | -r] IN OUT
 *
 * IN is the tree that is listened to, OUT is on the same file system, and both
 * are empty. One job knows what there is, and hardly any operation of its own
 * fails; with one seed it always does the same. Several jobs know nothing of
 * each other: each tries what it likes, in a small tree where they meet, and
 * only the operating system's own answers say what became of it.
 *
 * With -r nothing is at random: a directory is made in OUT, moved into IN and
 * removed, again and again. A listener comes too late for each of them, and many
 * a file system gives the next one the same number at once.
 *
 * Every tenth part is told on standard output.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define SLOTS		24	/* names in a directory */
#define MAX_DIRS	400	/* as many are too many */
#define MAX_DEPTH	8
#define MAX_NAMES	5000	/* likewise */
#define PATH_LEN	4096
#define MAX_JOBS	16

enum type { NOTHING, FILE_, DIR_ };

struct dir {
	struct dir *up;		/* NULL for the two tops */
	const char *top;	/* only for them */
	unsigned int slot;	/* under which name in @up */
	unsigned int index;	/* in dirs */
	unsigned int n;		/* names in it */
	struct {
		enum type type;
		struct dir *dir;
	} slots[SLOTS];
};

static struct dir *dirs[2 * MAX_DIRS];
static unsigned int n_dirs, n_names;
static struct dir *in;
static unsigned long long seed, done, failed, max_ops = 100000;
static unsigned int depth_seen, names_seen;
static unsigned long long counts[16];

/* xorshift64* */
static unsigned int any(unsigned int n)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (seed * 2685821657736338717ULL >> 33) % n;
}

/* Some are what only a program that is careful copes with. */
static const char *name_of(unsigned int slot)
{
	static const char *const odd[] = {
		"with blanks in it", "two\nlines", "\xff\xfe\x80", "-n", "'\"\\",
		"%s", "\xc3\xa4", "*",
	};
	static char buf[256];

	if (slot < ARRAY_SIZE(odd))
		return odd[slot];
	if (slot == SLOTS - 1) {
		memset(buf, 'x', sizeof(buf) - 1);
		return buf;
	}
	snprintf(buf, sizeof(buf), "name-%u", slot);
	return buf;
}

static char *path_of_dir(const struct dir *dir, char *buf)
{
	size_t len;

	if (!dir->up) {
		snprintf(buf, PATH_LEN, "%s", dir->top);
		return buf;
	}
	path_of_dir(dir->up, buf);
	len = strlen(buf);
	snprintf(buf + len, PATH_LEN - len, "/%s", name_of(dir->slot));
	return buf;
}

/* One of two buffers: an operation has no more than two paths. */
static const char *path_of(const struct dir *dir, unsigned int slot)
{
	static char bufs[2][PATH_LEN];
	static unsigned int next;
	char *buf = bufs[next++ % 2];
	size_t len;

	path_of_dir(dir, buf);
	len = strlen(buf);
	snprintf(buf + len, PATH_LEN - len, "/%s", name_of(slot));
	return buf;
}

static unsigned int depth_of(const struct dir *dir)
{
	unsigned int depth = 0;

	for (; dir->up; dir = dir->up)
		depth++;
	return depth;
}

static bool is_below(const struct dir *dir, const struct dir *top)
{
	for (; dir; dir = dir->up)
		if (dir == top)
			return true;
	return false;
}

static struct dir *new_dir(struct dir *up, unsigned int slot, const char *top)
{
	struct dir *dir = calloc(1, sizeof(*dir));

	if (!dir)
		err(1, NULL);
	dir->up = up;
	dir->slot = slot;
	dir->top = top;
	dir->index = n_dirs;
	dirs[n_dirs++] = dir;
	return dir;
}

static void set(struct dir *dir, unsigned int slot, enum type type,
		struct dir *child)
{
	const bool was = dir->slots[slot].type, is = type;

	dir->n += is - was;
	n_names += is - was;
	dir->slots[slot].type = type;
	dir->slots[slot].dir = child;
	if (child) {
		child->up = dir;
		child->slot = slot;
	}
	if (n_names > names_seen)
		names_seen = n_names;
}

/* An empty one */
static void forget_dir(struct dir *dir)
{
	dirs[dir->index] = dirs[--n_dirs];
	dirs[dir->index]->index = dir->index;
	free(dir);
}

/* As the operation was done, or not. */
static bool did(int ret)
{
	done++;
	if (!ret)
		return true;
	failed++;
	return false;
}

/* Mostly in the tree that somebody listens to */
static struct dir *any_dir(void)
{
	const bool inside = any(5);
	struct dir *dir;
	int i;

	for (i = 0; i < 16; i++) {
		dir = dirs[any(n_dirs)];
		if (is_below(dir, in) == inside)
			break;
	}
	return dir;
}

/* A name for something of that type; false if there is none in sight */
static bool any_name(enum type type, struct dir **dir, unsigned int *slot)
{
	int i;

	for (i = 0; i < 64; i++) {
		*dir = any_dir();
		*slot = any(SLOTS);
		if ((*dir)->slots[*slot].type == type)
			return true;
	}
	return false;
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -1 : 0;
}

/* A file that gets its name when it is there already */
static int make_linked(const char *dir, const char *path)
{
	int fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0644);
	char link[32];
	int ret;

	if (fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ret = linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
	close(fd);
	return ret;
}

static void create(void)
{
	char at[PATH_LEN];
	unsigned int slot;
	struct dir *dir;
	const char *path;
	int ret;

	if (!any_name(NOTHING, &dir, &slot))
		return;
	path = path_of(dir, slot);
	switch (any(8)) {
	case 0:
		ret = symlink("nowhere", path);
		break;
	case 1:
		ret = mkfifo(path, 0600);
		break;
	case 2:
		ret = make_linked(path_of_dir(dir, at), path);
		break;
	default:
		ret = make_file(path);
	}
	if (did(ret))
		set(dir, slot, FILE_, NULL);
}

static void make_dir(void)
{
	unsigned int slot, depth;
	struct dir *dir;

	if (n_dirs >= MAX_DIRS || !any_name(NOTHING, &dir, &slot))
		return;
	depth = depth_of(dir) + 1;
	if (depth > MAX_DEPTH || !did(mkdir(path_of(dir, slot), 0755)))
		return;
	set(dir, slot, DIR_, new_dir(dir, slot, NULL));
	if (depth > depth_seen)
		depth_seen = depth;
}

static void make_link(void)
{
	struct dir *from, *to;
	unsigned int f, t;

	if (any_name(FILE_, &from, &f) && any_name(NOTHING, &to, &t) &&
	    did(link(path_of(from, f), path_of(to, t))))
		set(to, t, FILE_, NULL);
}

static void rename_file(void)
{
	struct dir *from, *to;
	unsigned int f, t;
	struct stat a, b;

	if (!any_name(FILE_, &from, &f))
		return;
	to = any(3) ? any_dir() : from;
	t = any(SLOTS);
	if (to->slots[t].type == DIR_ || (from == to && f == t))
		return;
	/* Between names of one file nothing is done. */
	if (to->slots[t].type && !lstat(path_of(from, f), &a) &&
	    !lstat(path_of(to, t), &b) && a.st_ino == b.st_ino)
		return;
	if (!did(rename(path_of(from, f), path_of(to, t))))
		return;
	set(from, f, NOTHING, NULL);
	set(to, t, FILE_, NULL);
}

static void rename_dir(void)
{
	struct dir *from, *to, *child, *over;
	unsigned int f, t;

	if (!any_name(DIR_, &from, &f))
		return;
	child = from->slots[f].dir;
	to = any(3) ? any_dir() : from;
	t = any(SLOTS);
	over = to->slots[t].dir;
	if (to->slots[t].type == FILE_ || over == child ||
	    is_below(to, child) || (over && over->n) ||
	    depth_of(to) + 1 > MAX_DEPTH ||
	    !did(rename(path_of(from, f), path_of(to, t))))
		return;
	set(from, f, NOTHING, NULL);
	set(to, t, DIR_, child);
	if (over)
		forget_dir(over);
}

static void exchange(void)
{
	enum type ft = any(2) ? DIR_ : FILE_, tt = any(2) ? DIR_ : FILE_;
	struct dir *from, *to, *fc, *tc;
	unsigned int f, t;

	if (!any_name(ft, &from, &f) || !any_name(tt, &to, &t))
		return;
	fc = from->slots[f].dir;
	tc = to->slots[t].dir;
	if ((from == to && f == t) || (fc && is_below(to, fc)) ||
	    (tc && is_below(from, tc)) ||
	    !did(renameat2(AT_FDCWD, path_of(from, f), AT_FDCWD,
			   path_of(to, t), RENAME_EXCHANGE)))
		return;
	set(from, f, tt, tc);
	set(to, t, ft, fc);
}

static void delete_file(void)
{
	struct dir *dir;
	unsigned int slot;

	if (any_name(FILE_, &dir, &slot) && did(unlink(path_of(dir, slot))))
		set(dir, slot, NOTHING, NULL);
}

static void empty_dir(struct dir *dir)
{
	struct dir *child;
	unsigned int i;

	for (i = 0; i < SLOTS; i++) {
		child = dir->slots[i].dir;
		if (child)
			empty_dir(child);
		if (!dir->slots[i].type ||
		    !did(child ? rmdir(path_of(dir, i)) :
				 unlink(path_of(dir, i))))
			continue;
		set(dir, i, NOTHING, NULL);
		if (child)
			forget_dir(child);
	}
}

/* An empty one, or one with all that is in it */
static void delete_dir(void)
{
	struct dir *dir, *child;
	unsigned int slot;

	if (!any_name(DIR_, &dir, &slot))
		return;
	child = dir->slots[slot].dir;
	if (child->n && any(n_dirs > MAX_DIRS / 4 * 3 ? 20 : 1000))
		return;
	empty_dir(child);
	if (!did(rmdir(path_of(dir, slot))))
		return;
	set(dir, slot, NOTHING, NULL);
	forget_dir(child);
}

static const struct {
	void (*what)(void);
	const char *name;
	unsigned int weight;
} operations[] = {
	{ create,	"create",	24 },
	{ make_dir,	"mkdir",	8 },
	{ make_link,	"link",		6 },
	{ rename_file,	"rename",	16 },
	{ rename_dir,	"rename dir",	8 },
	{ exchange,	"exchange",	5 },
	{ delete_file,	"unlink",	14 },
	{ delete_dir,	"rmdir",	6 },
};

static void operate(void)
{
	unsigned long long before = done;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(operations); i++)
		n += operations[i].weight;
	n = any(n);
	for (i = 0; n >= operations[i].weight; i++)
		n -= operations[i].weight;
	if (n_names > MAX_NAMES && i < 3)
		i = 6;
	operations[i].what();
	counts[i] += done - before;
}

static void mix(const char *in_path, const char *out_path)
{
	unsigned long long tell = max_ops / 10;
	unsigned int i;

	in = new_dir(NULL, 0, in_path);
	new_dir(NULL, 0, out_path);
	while (done < max_ops) {
		operate();
		if (done >= tell && done < max_ops) {
			printf("%llu operations, %u names\n", done, n_names);
			fflush(stdout);
			tell += max_ops / 10;
		}
	}
	printf("%llu operations done, %llu of them failed; at most %u names, depth %u\n",
	       done, failed, names_seen, depth_seen);
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		printf("%s %llu%s", operations[i].name, counts[i],
		       i < ARRAY_SIZE(operations) - 1 ? ", " : "\n");
}

static void repeat(const char *in_path, const char *out_path)
{
	char from[PATH_LEN], to[PATH_LEN];

	snprintf(from, sizeof(from), "%s/again", out_path);
	snprintf(to, sizeof(to), "%s/again", in_path);
	while (done < max_ops) {
		did(mkdir(from, 0755));
		did(rename(from, to));
		did(rmdir(to));
	}
	printf("%llu operations done, %llu of them failed\n", done, failed);
}

/* One of few paths, of which others have all as well */
static void any_path(const char *top, char *buf)
{
	unsigned int i, depth = 1 + any(4);
	size_t len = snprintf(buf, PATH_LEN, "%s", top);

	for (i = 0; i < depth; i++)
		len += snprintf(buf + len, PATH_LEN - len, "/%u", any(4));
}

static void grapple(const char *in_path, const char *out_path)
{
	char a[PATH_LEN], b[PATH_LEN];

	for (; done < max_ops; done++) {
		any_path(any(4) ? in_path : out_path, a);
		any_path(any(4) ? in_path : out_path, b);
		switch (any(8)) {
		case 0:
		case 1:
		case 2:
			mkdir(a, 0755);
			break;
		case 3:
			make_file(a);
			break;
		case 4:
			renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
			break;
		case 5:
			if (any(4))
				unlink(a);
			else
				rmdir(a);
			break;
		default:
			rename(a, b);
		}
	}
}

/* Whether all went well */
static bool grapple_all(unsigned int jobs, const char *in_path,
			const char *out_path)
{
	unsigned long long first = seed;
	bool well = true;
	int status;
	unsigned int i;

	for (i = 0; i < jobs; i++) {
		switch (fork()) {
		case -1:
			err(1, "fork");
		case 0:
			seed = first + i;
			any(2);
			grapple(in_path, out_path);
			_exit(0);
		}
	}
	for (i = 0; i < jobs; i++)
		well &= wait(&status) > 0 && !status;
	printf("%u times %llu operations tried\n", jobs, max_ops);
	return well;
}

int main(int argc, char **argv)
{
	unsigned int jobs = 1;
	bool again = false;
	int opt;

	seed = time(NULL) ^ (unsigned long long)getpid() << 32;
	while ((opt = getopt(argc, argv, "n:s:j:r")) != -1) {
		switch (opt) {
		case 'n':
			max_ops = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'j':
			jobs = strtoul(optarg, NULL, 0);
			break;
		case 'r':
			again = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || !seed || !max_ops || !jobs || jobs > MAX_JOBS)
		errx(2, "usage: locate_mix [-n OPERATIONS] [-s SEED] [-j JOBS | -r] IN OUT");
	printf("seed %llu\n", seed);
	fflush(stdout);
	umask(0);

	if (jobs > 1)
		return !grapple_all(jobs, argv[optind], argv[optind + 1]);
	(again ? repeat : mix)(argv[optind], argv[optind + 1]);
	/* Nothing that it tries can fail. */
	return failed != 0;
}
