// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: nothing is left when all is over
 */
#include "fuzz.h"

#define MAX_MARKS	SYSCTLS "max_user_marks"
#define MAX_GROUPS	SYSCTLS "max_user_groups"
#define LEASE_TIME	"/proc/sys/fs/lease-break-time"
#define NR_MARKS	5

/* What the calls change, and is to be as before in the end */
static struct {
	const char *path;
	long before;
} limits[] = {
	{ MAX_MARKS },
	{ MAX_GROUPS },
	{ SYSCTLS "max_queue_bytes" },
	{ SYSCTLS "max_group_waiting" },
	{ LEASE_TIME },
};

/* Groups linger, and end in the background. */
#define LEFT_MS		(FAN_SO_MAX_LINGER * 1000 + WAIT_MS)

static long get_number(const char *path)
{
	FILE *f = fopen(path, "re");
	long number;

	if (!f || fscanf(f, "%ld", &number) != 1)
		check_failed("%s: %m", path);
	fclose(f);
	return number;
}

static void set_number(const char *path, long number)
{
	FILE *f = fopen(path, "we");

	if (!f || fprintf(f, "%ld", number) < 0 || fclose(f))
		check_failed("%s: %m", path);
}

/* Lines about sockets */
static int sockets(void)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	char line[256];
	int lines = 0;

	if (!f)
		check_failed("/proc/net/fanotify: %m");
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	if (!lines)
		check_failed("/proc/net/fanotify is empty");
	return lines - 1;
}

void left_before(void)
{
	size_t i;

	if (sockets())
		check_failed("there are listeners already: stop them");
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		limits[i].before = get_number(limits[i].path);
	/* Nobody gives one back. */
	set_number(LEASE_TIME, 1);
}

static bool wait_a_bit(long long end)
{
	return now_ms() < end && !usleep(100000);
}

/* How many marks can be set before the limit, which is NR_MARKS? */
static int settable_marks(void)
{
	int sock = deaf_listener(), i, count = 0, ret = 0;
	char path[64];

	if (sock < 0)
		check_failed("bind: %s", strerror(-sock));
	for (i = 0; !ret && i <= NR_MARKS; i++) {
		sprintf(path, "/tmp/fanotify_fuzz_mark%d", i);
		ret = write_file(path, "text") ?:
		      mark_path(sock, path, FAN_OPEN, 0);
		count += !ret;
	}
	close(sock);
	for (i = 0; i <= NR_MARKS; i++) {
		sprintf(path, "/tmp/fanotify_fuzz_mark%d", i);
		unlink(path);
	}
	if (ret && ret != -ENOSPC)
		check_failed("setting a mark: %s", strerror(-ret));
	return count;
}

static void check_marks(long long end)
{
	long before = get_number(MAX_MARKS);
	int count;

	set_number(MAX_MARKS, NR_MARKS);
	do {
		count = settable_marks();
	} while (count != NR_MARKS && wait_a_bit(end));
	set_number(MAX_MARKS, before);
	if (count != NR_MARKS)
		check_failed("of %d marks %d could be set: the user's count of marks is not 0",
			     NR_MARKS, count);
}

/* All of them can be had, and no more. */
static void check_groups(long long end)
{
	long before = get_number(MAX_GROUPS);
	int sock, other;

	set_number(MAX_GROUPS, 1);
	do {
		sock = deaf_listener();
	} while (sock == -EMFILE && wait_a_bit(end));
	other = deaf_listener();
	set_number(MAX_GROUPS, before);
	if (sock < 0 || other != -EMFILE)
		check_failed("the user's count of groups is not 0: %s, %s",
			     strerror(sock < 0 ? -sock : 0),
			     strerror(other < 0 ? -other : 0));
	close(sock);
}

static void check_listener(const char *path)
{
	int sock = global_listener(FAN_CLOSE_WRITE), ret;
	struct fanotify_so_event_metadata ev;
	struct stat st;

	if (sock < 0)
		check_failed("bind: %s", strerror(-sock));
	if (write_file(path, "text") || stat(path, &st))
		check_failed("%s: %m", path);
	ret = next_event(sock, &st, &ev);
	if (ret || ev.mask != FAN_CLOSE_WRITE || ev.tgid != getpid())
		check_failed("a new listener does not hear of %s: %s", path,
			     strerror(-ret));
	close(ev.fd);
	close(sock);
	unlink(path);
}

/* Before it is unmounted. */
void left_after(void)
{
	long long end = now_ms() + LEFT_MS;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_number(limits[i].path, limits[i].before);
	while (sockets() && wait_a_bit(end))
		;
	if (sockets())
		check_failed("%d sockets are left in /proc/net/fanotify",
			     sockets());
	printf("ok   /proc/net/fanotify has no socket\n");
	check_marks(end);
	check_groups(end);
	printf("ok   the user's counts of marks and groups are 0\n");
	check_listener(FUZZ_DIR "/plain/new");
	check_listener(FUZZ_DISK "/plain/new");
	check_listener(FUZZ_DIR "/overlay/new");
	printf("ok   a new listener hears of every file system\n");
}
