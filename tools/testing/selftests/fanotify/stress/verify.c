// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: nothing is left when all is over
 *
 * Groups end in the background, so each check waits for what it wants to see,
 * until the limit.
 */
#include <dirent.h>

#include "stress.h"

#define OUR_CACHES	"fanotify_so_"
#define MAX_MARKS	"/proc/sys/fs/fanotify_socket/max_user_marks"
#define NR_MARKS	5
#define MARKED		"/tmp/fanotify_stress_marked"

/*
 * Objects that ours have references to: there are as many as before, but for
 * the pids of processes that are there. Those are the kernel's, which come and
 * go while they are counted.
 */
static struct {
	const char *name;
	bool of_process;
	long slack;
	long before;
} others[] = {
	{ "filp" },
	{ "mnt_cache" },
	{ "fsnotify_mark_connector" },
	{ "pid", true, 8 },
};

int read_whole(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[4096];
	int ret;

	if (fd < 0)
		return -errno;
	do {
		ret = result(read(fd, buf, sizeof(buf)));
	} while (ret > 0);
	close(fd);
	return ret;
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len)
		check_failed("%s: %m", path);
	close(fd);
}

/*
 * Sums up the objects in use of the caches whose names begin like this, or are
 * this. What is free counts only once the cache was shrunk: until then it may
 * lie in the slab of a CPU, or in quarantine.
 */
static long objects(const char *name, bool whole)
{
	FILE *f = fopen("/proc/slabinfo", "re");
	size_t len = strlen(name) + whole;
	char line[512], cache[64], path[128];
	long sum = 0, active;
	int count = 0, pass;

	if (!f)
		check_failed("/proc/slabinfo: %m");
	for (pass = 0; pass < 2; pass++) {
		rewind(f);
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "%63s %ld", cache, &active) != 2 ||
			    strncmp(cache, name, len))
				continue;
			if (pass) {
				sum += active;
				count++;
				continue;
			}
			snprintf(path, sizeof(path),
				 "/sys/kernel/slab/%s/shrink", cache);
			write_to(path, "1");
		}
	}
	fclose(f);
	if (!count)
		check_failed("no cache %s in /proc/slabinfo: boot with slab_nomerge",
			     name);
	return sum;
}

static int processes(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	if (!dir)
		check_failed("/proc: %m");
	while ((entry = readdir(dir)))
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	closedir(dir);
	return count;
}

static long objects_of(int i)
{
	return objects(others[i].name, true) -
	       (others[i].of_process ? processes() : 0);
}

/* How many lines about sockets? */
static int sockets(void)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	int lines = 0;
	char line[256];

	if (!f)
		check_failed("/proc/net/fanotify: %m");
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	if (!lines)
		check_failed("/proc/net/fanotify is empty");
	return lines - 1;
}

void verify_before(void)
{
	size_t i;

	if (sockets() || objects(OUR_CACHES, false))
		check_failed("there are listeners already: stop them");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i].before = objects_of(i);
}

static bool wait_a_bit(long long end)
{
	return now_ms() < end && !usleep(100000);
}

static long get_limit(void)
{
	FILE *f = fopen(MAX_MARKS, "re");
	long limit;

	if (!f || fscanf(f, "%ld", &limit) != 1)
		check_failed("%s: %m", MAX_MARKS);
	fclose(f);
	return limit;
}

static void set_limit(long limit)
{
	char text[32];

	sprintf(text, "%ld", limit);
	write_to(MAX_MARKS, text);
}

/* How many marks can be set before the limit, which is NR_MARKS? */
static int settable_marks(void)
{
	struct fanotify_so_inode_mark mark = { .mask = FAN_OPEN };
	int sock = deaf_listener();
	int i, count = 0, ret = 0;
	char path[64];

	if (sock < 0)
		check_failed("bind: %s", strerror(-sock));
	for (i = 0; !ret && i <= NR_MARKS; i++) {
		sprintf(path, MARKED "/%d", i);
		mark.fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
		if (mark.fd < 0)
			check_failed("%s: %m", path);
		ret = result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK,
					&mark, sizeof(mark)));
		count += !ret;
		close(mark.fd);
	}
	close(sock);
	/* Not before: a mark goes with its file. */
	for (i = 0; i <= NR_MARKS; i++) {
		sprintf(path, MARKED "/%d", i);
		unlink(path);
	}
	if (ret && ret != -ENOSPC)
		check_failed("setting a mark: %s", strerror(-ret));
	return count;
}

static void verify_marks(long long end)
{
	long limit = get_limit();
	int count;

	if (mkdir(MARKED, 0755) && errno != EEXIST)
		check_failed("%s: %m", MARKED);
	set_limit(NR_MARKS);
	do {
		count = settable_marks();
	} while (count != NR_MARKS && wait_a_bit(end));
	set_limit(limit);
	rmdir(MARKED);
	if (count != NR_MARKS)
		check_failed("of %d marks %d could be set: the user's count of marks is not 0",
			     NR_MARKS, count);
}

static void verify_listener(void)
{
	int sock = global_listener(FAN_CLOSE_WRITE);
	struct fanotify_so_event_metadata ev;
	const char *path = MARKED;
	struct stat st;
	int ret;

	if (sock < 0)
		check_failed("bind: %s", strerror(-sock));
	if (write_file(path, "text") || stat(path, &st))
		check_failed("%s: %m", path);
	ret = next_event(sock, &st, &ev);
	if (ret || ev.mask != FAN_CLOSE_WRITE || ev.tgid != getpid())
		check_failed("a new listener does not hear: %s",
			     strerror(-ret));
	close(ev.fd);
	close(sock);
	unlink(path);
}

static void verify_slabs(long long end)
{
	long now;
	size_t i;

	do {
		now = objects(OUR_CACHES, false);
	} while (now && wait_a_bit(end));
	if (now)
		check_failed("%ld objects are left in the slabs " OUR_CACHES "*",
			     now);

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		long max = others[i].before + others[i].slack;

		do {
			/* Inodes of /proc have references to pids. */
			write_to("/proc/sys/vm/drop_caches", "2");
			now = objects_of(i);
		} while (now > max && wait_a_bit(end));
		printf("     slab %s: %ld objects, %ld before\n",
		       others[i].name, now, others[i].before);
		if (now > max)
			check_failed("%ld objects are left in the slab %s: it had %ld before",
				     now, others[i].name, others[i].before);
	}
}

void verify_after(void)
{
	long long end = now_ms() + WAIT_MS;

	while (sockets() && wait_a_bit(end))
		;
	if (sockets())
		check_failed("%d sockets are left in /proc/net/fanotify",
			     sockets());
	printf("ok   /proc/net/fanotify has no socket\n");

	verify_marks(end);
	printf("ok   the user's count of marks is 0\n");
	verify_listener();
	printf("ok   a new listener hears\n");
	verify_slabs(end);
	printf("ok   the slabs " OUR_CACHES "* have no object\n");
}
