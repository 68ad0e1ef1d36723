// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: nothing is left when all is over
 */
#include "fuzz.h"

#define MAX_MARKS	"/proc/sys/fs/fanotify_socket/max_user_marks"
#define MAX_BYTES	"/proc/sys/fs/fanotify_socket/max_queue_bytes"
#define LEASE_TIME	"/proc/sys/fs/lease-break-time"
#define NR_MARKS	5

/* Groups linger, and end in the background. */
#define LEFT_MS		(FAN_SO_MAX_LINGER * 1000 + WAIT_MS)

static long marks_before, bytes_before, lease_before;

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
	if (sockets())
		check_failed("there are listeners already: stop them");
	marks_before = get_number(MAX_MARKS);
	bytes_before = get_number(MAX_BYTES);
	lease_before = get_number(LEASE_TIME);
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
	int count;

	set_number(MAX_MARKS, NR_MARKS);
	do {
		count = settable_marks();
	} while (count != NR_MARKS && wait_a_bit(end));
	set_number(MAX_MARKS, marks_before);
	if (count != NR_MARKS)
		check_failed("of %d marks %d could be set: the user's count of marks is not 0",
			     NR_MARKS, count);
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

	set_number(LEASE_TIME, lease_before);
	set_number(MAX_MARKS, marks_before);
	set_number(MAX_BYTES, bytes_before);
	while (sockets() && wait_a_bit(end))
		;
	if (sockets())
		check_failed("%d sockets are left in /proc/net/fanotify",
			     sockets());
	printf("ok   /proc/net/fanotify has no socket\n");
	check_marks(end);
	printf("ok   the user's count of marks is 0\n");
	check_listener(FUZZ_DIR "/plain/new");
	check_listener(FUZZ_DISK "/plain/new");
	check_listener(FUZZ_DIR "/overlay/new");
	printf("ok   a new listener hears of every file system\n");
}
