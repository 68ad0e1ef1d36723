/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: events of what nobody has open
 */
#ifndef FANOTIFY_TEST_UNOPENED_H
#define FANOTIFY_TEST_UNOPENED_H

#include "place.h"
#include "records.h"

#define FILE_PATH PLACE "/file"
#define NEW_PATH PLACE "/new"
#define DIR_PATH PLACE "/dir"
#define CHILD DIR_PATH "/child"

enum kind {
	/* A mark on the directory PLACE, on its file system, or everything */
	DIRECTED,
	FILE_SYSTEM,
	GLOBAL,
};

/* For a global listener: of whatever else goes on, and what overlayfs does */
static inline bool is_elsewhere(const struct fanotify_so_event_metadata *ev)
{
	static const int types[] = {
		FAN_EVENT_INFO_TYPE_PATH, FAN_EVENT_INFO_TYPE_OLD_PATH,
		FAN_EVENT_INFO_TYPE_NEW_PATH,
	};
	const struct fanotify_event_info_path *info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		info = path_record(ev, types[i]);
		if (info && !(info->flags & FAN_PATH_UNKNOWN))
			return strncmp(info->path, PLACE, strlen(PLACE));
	}
	return ev->tgid != getpid();
}

/*
 * Takes all that is queued, which has to be events with these masks, in this
 * order. They are about nothing that is open, and from this process.
 */
static inline void
expect_masks(struct __test_metadata *_metadata, struct reader *r, int line,
	     bool global, const __u32 *masks, int nr)
{
	const struct fanotify_so_event_metadata *ev;
	int ret, i = 0;

	while ((ret = take_told(r, &ev)) > 0) {
		close_told(ev);
		if (global && is_elsewhere(ev))
			continue;
		EXPECT_EQ(i < nr ? masks[i] : 0, ev->mask) {
			TH_LOG("event %d of line %d", i, line);
		}
		EXPECT_EQ(FAN_NOFD, ev->fd);
		EXPECT_EQ(0, ev->f_flags);
		EXPECT_EQ(0, ev->cookie);
		EXPECT_EQ(getpid(), ev->pid);
		EXPECT_EQ(getpid(), ev->tgid);
		EXPECT_LT(FAN_SO_EVENT_LEN, ev->event_len);
		i++;
	}
	EXPECT_EQ(0, ret);
	EXPECT_EQ(nr, i) {
		TH_LOG("events of line %d", line);
	}
}

/* In tests that have a reader in self, and a kind in their variant */
#define EXPECT_MASKS(...) do { \
	const __u32 masks_[] = { __VA_ARGS__ }; \
	\
	expect_masks(_metadata, &self->r, __LINE__, \
		     variant->kind == GLOBAL, masks_, ARRAY_SIZE(masks_)); \
} while (0)

#define EXPECT_NO_MASKS() \
	expect_masks(_metadata, &self->r, __LINE__, \
		     variant->kind == GLOBAL, NULL, 0)

#endif /* FANOTIFY_TEST_UNOPENED_H */
