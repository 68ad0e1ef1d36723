/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a tree that is watched, and what was told of it, as text
 */
#ifndef FANOTIFY_TEST_SUBTREE_H
#define FANOTIFY_TEST_SUBTREE_H

#include <stdarg.h>

#include "place.h"
#include "records.h"
#include "scope.h"

/* The tree, and a directory beside it whose name begins with the same. */
#define TREE PLACE "/tree"
#define BESIDE PLACE "/tree2"

/* Records of the path, and no descriptor */
#define REPORT_PATHS (FAN_REPORT_PATH | FAN_REPORT_NOFD)

/* Makes a mark of the subtree below @dir. 0 or -errno. */
static inline int mark_subtree(int sock, const char *dir, __u32 mask,
			       __u32 ignored_mask)
{
	return mark_path(sock, dir, FAN_ON_SUBTREE | mask, ignored_mask);
}

/* A listener to what is below TREE, with these records. Or -errno. */
static inline int subtree_listener(__u32 mask, __u32 report)
{
	int sock = telling_listener(0, report);
	int ret;

	if (sock < 0)
		return sock;
	ret = mark_subtree(sock, TREE, mask, 0);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/*
 * Makes directories in @dir, each in the one before, and a file in the last:
 * @path is that file's. 0 or -errno.
 */
static inline int make_deep(const char *dir, int depth, char *path)
{
	char *end = path + sprintf(path, "%s", dir);

	while (--depth > 0) {
		end += sprintf(end, "/d");
		if (mkdir(path, 0755) && errno != EEXIST)
			return -errno;
	}
	sprintf(end, "/file");
	return write_file(path, SCRIPT);
}

/**
 * struct story - what was told, as text
 *
 * @text: The events: "CREATE tree/file, DELETE tree/file".
 * @len: How much of it there is.
 */
struct story {
	char text[8192];
	size_t len;
};

static inline __printf(2, 3)
void tell_story(struct story *story, const char *format, ...)
{
	size_t room = sizeof(story->text) - story->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(story->text + story->len, room, format, args);
	va_end(args);
	story->len += len < (int)room ? len : (int)room - 1;
}

static inline void tell_mask(struct story *story, __u32 mask)
{
	static const struct {
		__u32 bit;
		const char *name;
	} bits[] = {
		{ FAN_OPEN, "OPEN" },
		{ FAN_OPEN_EXEC, "OPEN_EXEC" },
		{ FAN_ACCESS, "ACCESS" },
		{ FAN_MODIFY, "MODIFY" },
		{ FAN_ATTRIB, "ATTRIB" },
		{ FAN_CLOSE_WRITE, "CLOSE_WRITE" },
		{ FAN_CLOSE_NOWRITE, "CLOSE_NOWRITE" },
		{ FAN_CREATE, "CREATE" },
		{ FAN_DELETE, "DELETE" },
		{ FAN_MOVED_FROM, "MOVED_FROM" },
		{ FAN_MOVED_TO, "MOVED_TO" },
		{ FAN_RENAME, "RENAME" },
		{ FAN_DELETE_SELF, "DELETE_SELF" },
		{ FAN_MOVE_SELF, "MOVE_SELF" },
		{ FAN_OPEN_PERM, "OPEN_PERM" },
		{ FAN_ACCESS_PERM, "ACCESS_PERM" },
		{ FAN_OPEN_EXEC_PERM, "OPEN_EXEC_PERM" },
		{ FAN_Q_OVERFLOW, "OVERFLOW" },
		{ FAN_ONDIR, "ONDIR" },
	};
	const char *between = story->len ? ", " : "";
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (mask & bits[i].bit) {
			tell_story(story, "%s%s", between, bits[i].name);
			between = "|";
			mask &= ~bits[i].bit;
		}
	}
	if (mask)
		tell_story(story, "%s%x", between, mask);
}

/* Below PLACE the path is told from there on. */
static inline void tell_path(struct story *story, const char *before,
			     const struct fanotify_event_info_path *info)
{
	const char *path = info->path;

	if (!strncmp(path, PLACE "/", strlen(PLACE "/")))
		path += strlen(PLACE "/");
	tell_story(story, "%s%s%s%s%s%s", before, path,
		   info->flags & FAN_PATH_DELETED ? " (deleted)" : "",
		   info->flags & FAN_PATH_UNREACHABLE ? " (unreachable)" : "",
		   info->flags & FAN_PATH_UNKNOWN ? "(unknown)" : "",
		   info->flags & FAN_PATH_TOO_LONG ? "(too long)" : "");
}

static inline void tell_event(struct story *story,
			      const struct fanotify_so_event_metadata *ev)
{
	const struct fanotify_event_info_path *info;

	tell_mask(story, ev->mask);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_PATH);
	if (info)
		tell_path(story, " ", info);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_OLD_PATH);
	if (info)
		tell_path(story, " from ", info);
	info = path_record(ev, FAN_EVENT_INFO_TYPE_NEW_PATH);
	if (info)
		tell_path(story, " to ", info);
}

/* Takes all that is queued: all of it, and if it went wrong also how. */
static inline char *told_by(int sock)
{
	static struct story story;
	const struct fanotify_so_event_metadata *ev;
	struct reader reader;
	int ret;

	story.text[0] = 0;
	story.len = 0;
	reader_init(&reader, sock);
	while ((ret = take_told(&reader, &ev)) > 0) {
		tell_event(&story, ev);
		close_told(ev);
	}
	if (ret)
		tell_story(&story, "(error %d)", -ret);
	return story.text;
}

#ifndef FANOTIFY_NO_HARNESS
/* Makes TREE and BESIDE on a file system of the kind. */
static inline void make_tree(struct __test_metadata *_metadata,
			     enum place place)
{
	static const char * const names[] = { NULL };

	make_place(_metadata, place, names, "");
	ASSERT_EQ(0, mkdir(TREE, 0755));
	ASSERT_EQ(0, mkdir(BESIDE, 0755));
}
#endif

#endif /* FANOTIFY_TEST_SUBTREE_H */
