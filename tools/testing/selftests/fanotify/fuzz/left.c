// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: nothing is left when all is over
 */
#include "fuzz.h"
#include "../left.h"

#define LEASE_TIME	"/proc/sys/fs/lease-break-time"

/* What the calls change, and is to be as before in the end */
static struct {
	const char *path;
	long before;
} limits[] = {
	{ MAX_USER_MARKS },
	{ MAX_USER_GROUPS },
	{ SYSCTLS "max_queue_bytes" },
	{ SYSCTLS "max_group_waiting" },
	{ LEASE_TIME },
};

/* Groups linger, and end in the background. */
#define LEFT_MS		(FAN_SO_MAX_LINGER * 1000 + WAIT_MS)

static void set_number(const char *path, long number)
{
	int ret = write_number(path, number);

	if (ret)
		check_failed("%s: %s", path, strerror(-ret));
}

void left_before(void)
{
	size_t i;

	if (left_sockets())
		check_failed("there are listeners already: stop them");
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		limits[i].before = read_number(limits[i].path);
		if (limits[i].before < 0)
			check_failed("%s: %s", limits[i].path,
				     strerror(-limits[i].before));
	}
	/* Nobody gives one back. */
	set_number(LEASE_TIME, 1);
}

static void check_listener(const char *path)
{
	int ret = left_hears(path);

	if (ret)
		check_failed("a new listener does not hear of %s: %s", path,
			     strerror(-ret));
}

/* Before it is unmounted. */
void left_after(void)
{
	long long end = now_ms() + LEFT_MS;
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(limits); i++)
		set_number(limits[i].path, limits[i].before);
	ret = left_no_socket(end);
	if (ret)
		check_failed("%d sockets are left in /proc/net/fanotify", ret);
	printf("ok   /proc/net/fanotify has no socket\n");
	ret = left_room("/tmp", end);
	if (ret != LEFT_MARKS)
		check_failed("of %d marks %d could be set: the user's count of marks is not 0",
			     LEFT_MARKS, ret);
	ret = left_no_group(end);
	if (ret)
		check_failed("the user's count of groups is not 0: %s",
			     strerror(-ret));
	printf("ok   the user's counts of marks and groups are 0\n");
	check_listener(FUZZ_DIR "/plain/new");
	check_listener(FUZZ_DISK "/plain/new");
	check_listener(FUZZ_DIR "/overlay/new");
	printf("ok   a new listener hears of every file system\n");
}
