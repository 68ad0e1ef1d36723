/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what a listener heard of two files
 */
#ifndef FANOTIFY_TEST_HEARD_H
#define FANOTIFY_TEST_HEARD_H

#include "common.h"

/**
 * struct heard - what was queued
 *
 * @count: How many events there were of each of the two files.
 * @mask: Their masks, or-ed.
 * @last: The last of these events; its fd is closed.
 * @strangers: Events of this process and of files that it knows nothing of.
 */
struct heard {
	int count[2];
	__u32 mask[2];
	struct fanotify_so_event_metadata last[2];
	int strangers;
};

/*
 * Takes all that is queued. 0 or -errno. A global listener hears what overlayfs
 * does with the files that it keeps its own in, as it should; if @layered,
 * those on another device than the first file are no strangers.
 */
static inline int hear(int sock, const struct stat *st, bool layered,
		       struct heard *heard)
{
	struct fanotify_so_event_metadata ev;
	struct stat seen;
	int ret, i;

	memset(heard, 0, sizeof(*heard));
	while ((ret = take_event(sock, &ev)) > 0) {
		for (i = 0; i < 2 && !is_file(ev.fd, &st[i]); i++)
			;
		if (i < 2) {
			heard->count[i]++;
			heard->mask[i] |= ev.mask;
			heard->last[i] = ev;
		} else if (ev.tgid == getpid() &&
			   (!layered || ev.fd < 0 || fstat(ev.fd, &seen) ||
			    seen.st_dev == st[0].st_dev)) {
			heard->strangers++;
		}
		close_event(&ev);
	}
	return ret;
}

#endif /* FANOTIFY_TEST_HEARD_H */
