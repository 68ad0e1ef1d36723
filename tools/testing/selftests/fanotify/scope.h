/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: marks of more than one file
 */
#ifndef FANOTIFY_TEST_SCOPE_H
#define FANOTIFY_TEST_SCOPE_H

#include <stdio.h>

#include "marks.h"

/* The flags that say that it is not the file that is marked */
#define SCOPES (FAN_ON_MOUNT | FAN_ON_FILESYSTEM | FAN_ON_SUBTREE)

/* What such a mark is free to show or not: it makes no difference there. */
#define SCOPE_NOISE (SCOPES | FAN_SURVIVE_MODIFY | FAN_EVENT_ON_CHILD)

/* The number of the mount that @path is on, or -errno. */
static inline long mount_number(const char *path)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx))
		return -errno;
	return stx.stx_mask & STATX_MNT_ID ? (long)stx.stx_mnt_id : -EIO;
}

/* How the line begins that fdinfo has for a mark of that kind. 0 or -errno. */
static inline int scope_line(__u32 scope, const char *path, char *line)
{
	long mount = mount_number(path);
	struct stat st;

	if (mount < 0)
		return mount;
	if (stat(path, &st))
		return -errno;
	if (scope == FAN_ON_MOUNT)
		sprintf(line, "\nfanotify mnt_id:%lx ", mount);
	else if (scope == FAN_ON_FILESYSTEM)
		sprintf(line, "\nfanotify sdev:%x ", shown_dev(&st));
	else if (scope == FAN_ON_SUBTREE)
		sprintf(line, "\nfanotify subtree ino:%llx sdev:%x ",
			(unsigned long long)st.st_ino, shown_dev(&st));
	else
		sprintf(line, "\nfanotify ino:%llx sdev:%x ",
			(unsigned long long)st.st_ino, shown_dev(&st));
	return 0;
}

/* The masks in the line that begins so, or -errno: -ENOENT for no such line. */
static inline long long masks_in(int sock, const char *line)
{
	long long masks = masks_behind(sock, line);

	return masks < 0 ? masks : masks & ~MASKS(SCOPE_NOISE, SCOPE_NOISE);
}

/*
 * The masks of the mark of @path of that kind (0: of the file itself) as fdinfo
 * shows them, or -errno: -ENOENT for none.
 */
static inline long long scope_masks(int sock, __u32 scope, const char *path)
{
	char line[64];
	int ret = scope_line(scope, path, line);

	return ret ?: masks_in(sock, line);
}

#endif /* FANOTIFY_TEST_SCOPE_H */
