/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what is left when all listeners are gone
 *
 * Groups end in the background, so who looks waits for what is to be seen.
 */
#ifndef FANOTIFY_TEST_LEFT_H
#define FANOTIFY_TEST_LEFT_H

#include <stdio.h>

#include "marks.h"

/* So many marks can be set, if no other is counted. */
#define LEFT_MARKS 5

static inline bool left_wait(long long end)
{
	return now_ms() < end && !usleep(10000);
}

/* How many sockets /proc/net/fanotify shows, or -errno */
static inline int left_sockets(void)
{
	FILE *f = fopen("/proc/net/fanotify", "re");
	char line[256];
	int lines = 0;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		lines++;
	fclose(f);
	return lines ? lines - 1 : -ENODATA;
}

/* Waits until there is none: how many there are then, or -errno */
static inline int left_no_socket(long long end)
{
	int ret;

	do {
		ret = left_sockets();
	} while (ret > 0 && left_wait(end));
	return ret;
}

/*
 * How many of LEFT_MARKS + 1 files in @dir, which are made for it, can be marked
 * up to the limit? Or -errno, for what is not the limit.
 */
static inline int left_settable(const char *dir)
{
	int sock = deaf_listener(), i, count = 0, ret = 0;
	char path[256];

	if (sock < 0)
		return sock;
	for (i = 0; !ret && i <= LEFT_MARKS; i++) {
		snprintf(path, sizeof(path), "%s/left%d", dir, i);
		ret = write_file(path, "text") ?:
		      mark_path(sock, path, FAN_OPEN, 0);
		count += !ret;
	}
	close(sock);
	/* Not before: a mark goes with its file. */
	for (i = 0; i <= LEFT_MARKS; i++) {
		snprintf(path, sizeof(path), "%s/left%d", dir, i);
		unlink(path);
	}
	return ret && ret != -ENOSPC ? ret : count;
}

/*
 * With a limit of LEFT_MARKS, how many marks can the user have? Fewer, if some
 * are counted that are gone; that is waited for. -errno if it cannot be told.
 */
static inline int left_room(const char *dir, long long end)
{
	long limit = read_number(MAX_USER_MARKS);
	int count, ret;

	if (limit < 0)
		return limit;
	ret = write_number(MAX_USER_MARKS, LEFT_MARKS);
	if (ret)
		return ret;
	do {
		count = left_settable(dir);
	} while (count >= 0 && count != LEFT_MARKS && left_wait(end));
	return write_number(MAX_USER_MARKS, limit) ?: count;
}

/*
 * Can the user have one group, if that is the limit, and no more? Waits until
 * those that are gone are not counted. 0 or -errno: -EUSERS if there are more.
 */
static inline int left_no_group(long long end)
{
	long limit = read_number(MAX_USER_GROUPS);
	int sock, other, ret;

	if (limit < 0)
		return limit;
	ret = write_number(MAX_USER_GROUPS, 1);
	if (ret)
		return ret;
	do {
		sock = deaf_listener();
	} while (sock == -EMFILE && left_wait(end));
	other = deaf_listener();
	ret = write_number(MAX_USER_GROUPS, limit);
	if (other >= 0)
		close(other);
	if (sock < 0)
		return sock;
	close(sock);
	return ret ?: other == -EMFILE ? 0 : -EUSERS;
}

/* Does a new listener hear of a file? 0, -errno, or -EPROTO for another event */
static inline int left_hears(const char *path)
{
	int sock = global_listener(FAN_CLOSE_WRITE), ret;
	struct fanotify_so_event_metadata ev;
	struct stat st;

	if (sock < 0)
		return sock;
	ret = write_file(path, "text") ?: result(stat(path, &st)) ?:
	      next_event(sock, &st, &ev);
	if (!ret) {
		if (ev.mask != FAN_CLOSE_WRITE || ev.tgid != getpid())
			ret = -EPROTO;
		close_event(&ev);
	}
	close(sock);
	unlink(path);
	return ret;
}

#endif /* FANOTIFY_TEST_LEFT_H */
