/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: tasks that have all asked, and wait for their answers
 */
#ifndef FANOTIFY_TEST_ASKED_H
#define FANOTIFY_TEST_ASKED_H

#include "perm.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

#define ANSWER_LEN sizeof(struct fanotify_so_access)

/* An array of this many is more than is looked at a time. */
#define MANY_ANSWERS 100

/* No event has it: the cookies of a group count from its beginning. */
#define NO_COOKIE 0xfedcba9876543210ULL

static inline int guard(void)
{
	int sock = dir_listener(DIR_PATH, FAN_OPEN_PERM);
	int ret;

	if (sock < 0)
		return sock;
	/* Nothing is let go but by an answer. */
	ret = set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ?:
	      set_u32(sock, FANOTIFY_IGNORE_SELF, 1);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/**
 * struct asked - tasks that wait, and what their listener was asked
 *
 * @doers: The tasks.
 * @cookies: That of the event of each.
 */
struct asked {
	struct doer doers[MANY_ANSWERS];
	__u64 cookies[MANY_ANSWERS];
};

/* Lets @nr tasks ask. 0 or -errno. */
static inline int ask(struct asked *asked, int sock, int nr)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int i, n, ret;

	if (stat(FILE_PATH, &st))
		return -errno;
	memset(asked->cookies, 0, sizeof(asked->cookies));
	for (n = 0; n < nr; n++) {
		if (!doer_start(&asked->doers[n], do_open, FILE_PATH))
			return -errno;
	}
	for (n = 0; n < nr; n++) {
		ret = next_event(sock, &st, &ev);
		if (ret)
			return ret;
		close_event(&ev);
		for (i = 0; i < nr && asked->doers[i].pid != ev.tgid; i++)
			;
		if (i == nr || asked->cookies[i] || !ev.cookie)
			return -EPROTO;
		asked->cookies[i] = ev.cookie;
	}
	return 0;
}

#endif /* FANOTIFY_TEST_ASKED_H */
