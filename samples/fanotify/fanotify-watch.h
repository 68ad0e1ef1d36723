/* SPDX-License-Identifier: GPL-2.0 */
/* fanotify-watch: what its files share */
#ifndef FANOTIFY_WATCH_H
#define FANOTIFY_WATCH_H

#include <linux/fanotify.h>
#include <stddef.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define FAILURE		1	/* exit status, as USAGE */
#define USAGE		2

#define EVENTS_ALL	(FAN_OPEN_EXEC | FAN_OPEN | FAN_ACCESS | FAN_MODIFY | \
			 FAN_CLOSE)

/* fanotify-watch-marks.c: each leaves the program if it fails */
void watch_paths(int sock, char **paths, size_t n, __u32 mask, __u32 dir_flags);
void ignore_paths(int sock, char **paths, size_t n);
void ignore_fs_type(int sock, const char *type, __u64 magic);

/* fanotify-watch-types.c: likewise */
__u64 magic_of_fs_type(const char *type);

#endif /* FANOTIFY_WATCH_H */
