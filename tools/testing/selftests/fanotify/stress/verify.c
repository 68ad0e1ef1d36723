// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: nothing is left when all is over
 *
 * Groups end in the background, so each check waits for what it wants to see,
 * until the limit.
 */
#include <dirent.h>

#include "stress.h"
#include "../left.h"

#define OUR_CACHES	"fanotify_so_"
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

void verify_before(void)
{
	size_t i;

	if (left_sockets() || objects(OUR_CACHES, false))
		check_failed("there are listeners already: stop them");
	for (i = 0; i < ARRAY_SIZE(others); i++)
		others[i].before = objects_of(i);
}

static void verify_marks(long long end)
{
	int count;

	if (mkdir(MARKED, 0755) && errno != EEXIST)
		check_failed("%s: %m", MARKED);
	count = left_room(MARKED, end);
	rmdir(MARKED);
	if (count < 0)
		check_failed("setting marks: %s", strerror(-count));
	if (count != LEFT_MARKS)
		check_failed("of %d marks %d could be set: the user's count of marks is not 0",
			     LEFT_MARKS, count);
}

static void verify_listener(void)
{
	int ret = left_hears(MARKED);

	if (ret)
		check_failed("a new listener does not hear: %s",
			     strerror(-ret));
}

static void verify_slabs(long long end)
{
	long now;
	size_t i;

	do {
		now = objects(OUR_CACHES, false);
	} while (now && left_wait(end));
	if (now)
		check_failed("%ld objects are left in the slabs " OUR_CACHES "*",
			     now);

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		long max = others[i].before + others[i].slack;

		do {
			/* Inodes of /proc have references to pids. */
			write_to("/proc/sys/vm/drop_caches", "2");
			now = objects_of(i);
		} while (now > max && left_wait(end));
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
	int ret;

	ret = left_no_socket(end);
	if (ret < 0)
		check_failed("/proc/net/fanotify: %s", strerror(-ret));
	if (ret)
		check_failed("%d sockets are left in /proc/net/fanotify", ret);
	printf("ok   /proc/net/fanotify has no socket\n");

	verify_marks(end);
	ret = left_no_group(end);
	if (ret)
		check_failed("the user's count of groups is not 0: %s",
			     strerror(-ret));
	printf("ok   the user's counts of marks and groups are 0\n");
	verify_listener();
	printf("ok   a new listener hears\n");
	verify_slabs(end);
	printf("ok   the slabs " OUR_CACHES "* have no object\n");
}
