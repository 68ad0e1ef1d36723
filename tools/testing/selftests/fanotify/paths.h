/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: the path that an event tells
 */
#ifndef FANOTIFY_TEST_PATHS_H
#define FANOTIFY_TEST_PATHS_H

#include <limits.h>

#include "place.h"
#include "records.h"

/* A path record: what it is to be */
struct want_path {
	int type;
	__u32 flags;
	const char *path;
};

#define PATH_IS(flags_, path_) \
	{ FAN_EVENT_INFO_TYPE_PATH, flags_, path_ }
#define OLD_PATH_IS(flags_, path_) \
	{ FAN_EVENT_INFO_TYPE_OLD_PATH, flags_, path_ }
#define NEW_PATH_IS(flags_, path_) \
	{ FAN_EVENT_INFO_TYPE_NEW_PATH, flags_, path_ }

/* The next event has this mask, these records and no others. */
static inline void
expect_told(struct __test_metadata *_metadata, struct reader *r, int line,
	    __u32 mask, const struct want_path *want, int nr)
{
	const struct fanotify_event_info_path *info;
	const struct fanotify_so_event_metadata *ev;
	int i;

	EXPECT_EQ(1, take_told(r, &ev)) {
		TH_LOG("of line %d", line);
	}
	EXPECT_EQ(mask, ev->mask) {
		TH_LOG("of line %d", line);
	}
	EXPECT_EQ(nr, count_records(ev)) {
		TH_LOG("of line %d", line);
	}
	for (i = 0; i < nr; i++) {
		info = path_record(ev, want[i].type);
		EXPECT_NE(NULL, info) {
			TH_LOG("of line %d", line);
		}
		if (!info)
			continue;
		EXPECT_EQ(want[i].flags, info->flags) {
			TH_LOG("of line %d: %s", line, info->path);
		}
		EXPECT_STREQ(want[i].path, info->path) {
			TH_LOG("of line %d", line);
		}
	}
	close_told(ev);
}

/* In tests that have a reader in self */
#define EXPECT_TOLD(mask, ...) do { \
	const struct want_path want_[] = { __VA_ARGS__ }; \
	\
	expect_told(_metadata, &self->r, __LINE__, mask, want_, \
		    ARRAY_SIZE(want_)); \
} while (0)

#define EXPECT_PATH(mask, flags_, path_) \
	EXPECT_TOLD(mask, PATH_IS(flags_, path_))

#define EXPECT_NO_MORE() EXPECT_EQ(0, drain_told(&self->r))

/* Adds so many characters as a name to @path, which has room for them. */
static inline const char *add_name(char *path, size_t len)
{
	char *end = path + strlen(path);

	*end = '/';
	memset(end + 1, 'n', len);
	end[1 + len] = 0;
	return end + 1;
}

/*
 * Makes directories in the directory @path, in each other, until the path has
 * @len bytes, however many that are, and appends them to it. A descriptor of
 * the last one, or -errno.
 */
static inline int make_deep(char *path, size_t len)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t left;

	while (fd >= 0 && (left = len - strlen(path))) {
		/* A slash and a name; what is left has to have room for both. */
		size_t part = left > 201 ? 200 : left;
		const char *name = add_name(path, part - 1);
		int next;

		if (mkdirat(fd, name, 0755))
			return -errno;
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close(fd);
		fd = next;
	}
	return result(fd);
}

#endif /* FANOTIFY_TEST_PATHS_H */
