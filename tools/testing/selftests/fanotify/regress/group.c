// SPDX-License-Identifier: GPL-2.0
/* Groups of the system calls that are told, but not asked: see answerer.c */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "regress.h"

#define FILE_EVENTS (FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_MODIFY | \
		     FAN_CLOSE)
#define IN_DIR (FILE_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD)
#define EVERYWHERE (FILE_EVENTS | FAN_ONDIR)
#define ENTRY_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVE)
#define SELF_EVENTS (FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF)
#define ALL_FID (EVERYWHERE | ENTRY_EVENTS | SELF_EVENTS)
#define MAX_MARKS 8

#define ON_INODE FAN_MARK_INODE
#define ON_MOUNT FAN_MARK_MOUNT
#define ON_SB FAN_MARK_FILESYSTEM
/* The old form of ignore masks, and the new one */
#define IGNORED FAN_MARK_IGNORED_MASK
#define IGNORED_FOR_GOOD (FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY)
#define IGNORE_SURV FAN_MARK_IGNORE_SURV

static const struct group {
	const char *name;
	unsigned int init;
	unsigned int f_flags;
	struct {
		unsigned int flags;
		uint64_t mask;
		const char *path;
	} marks[MAX_MARKS];
} groups[] = {
	{ "directory", FAN_CLASS_NOTIF, O_RDONLY | O_CLOEXEC, {
		{ ON_INODE, IN_DIR, "." },
	} },
	{ "directory alone", FAN_CLASS_NOTIF, O_RDONLY | O_CLOEXEC, {
		{ ON_INODE, EVERYWHERE, "." },
		{ ON_INODE | FAN_MARK_ONLYDIR, EVERYWHERE, "dir" },
	} },
	{ "children", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_INODE, FILE_EVENTS | FAN_EVENT_ON_CHILD, "." },
	} },
	{ "file", FAN_CLASS_NOTIF, O_RDONLY | O_CLOEXEC, {
		{ ON_INODE, FILE_EVENTS, "file" },
		{ ON_INODE, FILE_EVENTS, "program" },
		{ ON_INODE, FILE_EVENTS, "fifo" },
		{ ON_INODE | FAN_MARK_DONT_FOLLOW, FILE_EVENTS, "symlink" },
	} },
	{ "writing", FAN_CLASS_NOTIF, O_RDWR | O_LARGEFILE | O_NOATIME, {
		{ ON_INODE, FILE_EVENTS | FAN_EVENT_ON_CHILD, "dir" },
	} },
	{ "mount", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_MOUNT, EVERYWHERE, "." },
	} },
	{ "filesystem", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_SB, EVERYWHERE, "." },
	} },
	{ "content", FAN_CLASS_CONTENT, O_RDONLY, {
		{ ON_MOUNT, FILE_EVENTS, "." },
	} },
	{ "pre-content", FAN_CLASS_PRE_CONTENT, O_RDONLY, {
		{ ON_SB, FILE_EVENTS, "." },
	} },
	{ "pidfd", FAN_CLASS_NOTIF | FAN_REPORT_PIDFD, O_RDONLY, {
		{ ON_MOUNT, FAN_OPEN | FAN_CLOSE, "." },
	} },
	{ "tid", FAN_CLASS_NOTIF | FAN_REPORT_TID, O_RDONLY, {
		{ ON_SB, FAN_OPEN | FAN_MODIFY, "." },
	} },
	{ "both masks", FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE |
			FAN_UNLIMITED_MARKS, O_RDONLY, {
		{ ON_SB, EVERYWHERE, "." },
		{ ON_INODE, IN_DIR, "." },
		{ ON_INODE, FAN_CLOSE, "file" },
		{ ON_MOUNT, FAN_MODIFY, "." },
	} },
	{ "fid", FAN_CLASS_NOTIF | FAN_REPORT_FID, 0, {
		{ ON_SB, ALL_FID, "." },
	} },
	{ "fid of inodes", FAN_CLASS_NOTIF | FAN_REPORT_FID, 0, {
		{ ON_INODE, ALL_FID | FAN_EVENT_ON_CHILD, "." },
		{ ON_INODE, FILE_EVENTS | SELF_EVENTS, "file" },
		{ ON_INODE, FILE_EVENTS | SELF_EVENTS, "other" },
		{ ON_INODE, ALL_FID, "dir" },
	} },
	{ "dir fid", FAN_CLASS_NOTIF | FAN_REPORT_DIR_FID, 0, {
		{ ON_SB, ALL_FID, "." },
	} },
	{ "name", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0, {
		{ ON_SB, ALL_FID, "." },
	} },
	{ "name of inodes", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0, {
		{ ON_INODE, ALL_FID | FAN_EVENT_ON_CHILD, "." },
		{ ON_INODE, ENTRY_EVENTS | FAN_RENAME | FAN_ONDIR, "dir" },
	} },
	{ "target", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET, 0, {
		{ ON_SB, ALL_FID | FAN_RENAME, "." },
	} },
	{ "renames", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME_TARGET, 0, {
		{ ON_INODE, FAN_RENAME | FAN_ONDIR, "." },
	} },
	{ "files' names", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME |
			  FAN_REPORT_FID | FAN_REPORT_PIDFD, 0, {
		{ ON_SB, ALL_FID & ~FAN_ONDIR, "." },
	} },
	{ "name and tid", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME |
			  FAN_REPORT_TID, 0, {
		{ ON_SB, ENTRY_EVENTS | FAN_OPEN, "." },
	} },
	{ "ignored", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_SB, FILE_EVENTS, "." },
		{ IGNORED, FILE_EVENTS, "file" },
		{ IGNORED_FOR_GOOD, FILE_EVENTS, "other" },
		{ IGNORED_FOR_GOOD, FAN_OPEN | FAN_ACCESS, "dir" },
	} },
	{ "ignored, new form", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_SB, EVERYWHERE, "." },
		{ IGNORE_SURV, FAN_OPEN | FAN_EVENT_ON_CHILD, "." },
		{ IGNORE_SURV, EVERYWHERE | FAN_EVENT_ON_CHILD, "dir" },
		{ FAN_MARK_IGNORE, FAN_CLOSE, "file" },
		{ FAN_MARK_IGNORE, FAN_CLOSE | FAN_EVENT_ON_CHILD, "dir" },
	} },
	{ "ignored mount", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_INODE, IN_DIR, "." },
		{ ON_MOUNT | IGNORED_FOR_GOOD, FAN_OPEN, "." },
	} },
	{ "ignored filesystem", FAN_CLASS_NOTIF, O_RDONLY, {
		{ ON_MOUNT, EVERYWHERE, "." },
		{ ON_SB | IGNORE_SURV, FAN_CLOSE | FAN_ONDIR, "." },
		{ ON_SB | IGNORED, FAN_OPEN, "." },
	} },
	{ "ignored names", FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME, 0, {
		{ ON_SB, ALL_FID, "." },
		{ IGNORE_SURV, FAN_CREATE | FAN_ONDIR, "." },
		{ IGNORE_SURV, FAN_MOVE | FAN_DELETE | FAN_EVENT_ON_CHILD, "dir" },
	} },
	{ "evictable", FAN_CLASS_NOTIF | FAN_REPORT_FID, 0, {
		{ ON_SB, FILE_EVENTS, "." },
		{ FAN_MARK_EVICTABLE | IGNORED_FOR_GOOD, FAN_OPEN, "evictable" },
		{ FAN_MARK_EVICTABLE, FAN_ATTRIB, "dir" },
	} },
};

static int fds[ARRAY_SIZE(groups)];

static void group_start(int i)
{
	const struct group *g = &groups[i];
	int m;

	fds[i] = fanotify_init(g->init | FAN_CLOEXEC | FAN_NONBLOCK,
			       g->f_flags);
	if (fds[i] < 0)
		fail(g->name);
	for (m = 0; m < MAX_MARKS && g->marks[m].path; m++) {
		tell("  %s: mark %d: ", g->name, m);
		tell_result(result(fanotify_mark(fds[i], FAN_MARK_ADD |
						 g->marks[m].flags,
						 g->marks[m].mask, AT_FDCWD,
						 g->marks[m].path)));
		tell("\n");
	}
}

void groups_start(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		group_start(i);
}

void groups_tell(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		tell_group(groups[i].name, fds[i]);
}

void groups_fdinfo(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		tell_fdinfo(groups[i].name, fds[i]);
}

void groups_stop(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(groups); i++)
		close(fds[i]);
}
