/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a directory on a file system of each kind
 */
#ifndef FANOTIFY_TEST_PLACE_H
#define FANOTIFY_TEST_PLACE_H

#include "common.h"

/* The directory, and what it is a bind mount of. */
#define PLACE TMP "/place"
#define BOUND TMP "/bound"

enum place {
	ON_TMPFS,
	ON_EXT4,
	/* The first has its files in the upper layer, the second in the lower. */
	ON_OVERLAY_OF_TMPFS,
	ON_OVERLAY_OF_EXT4,
	ON_BIND_MOUNT,
	/* Not at PLACE: files that can be read and written are elsewhere. */
	ON_PROC,
};

static inline bool is_overlay(enum place place)
{
	return place == ON_OVERLAY_OF_TMPFS || place == ON_OVERLAY_OF_EXT4;
}

/* Mounts an ext4 of the test's own; the loop device goes with the test. */
static inline void mount_ext4(struct __test_metadata *_metadata,
			      const char *path)
{
	char dev[32];

	ASSERT_EQ(0, make_ext4(TMP "/image"));
	ASSERT_LE(0, loop_attach(TMP "/image", O_RDWR, dev));
	ASSERT_EQ(0, result(mount(dev, path, "ext4", 0, NULL)));
}

/* Mounts TMP/layers/{lower,upper} on PLACE. */
static inline void mount_overlay(struct __test_metadata *_metadata)
{
	char options[256];

	snprintf(options, sizeof(options),
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work",
		 TMP "/layers", TMP "/layers", TMP "/layers");
	ASSERT_EQ(0, result(mount("fanotify_test", PLACE, "overlay", 0,
				  options)));
}

static inline void make_layers(struct __test_metadata *_metadata)
{
	ASSERT_EQ(0, mkdir(TMP "/layers/lower", 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers/upper", 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers/work", 0755));
}

/*
 * Makes PLACE a directory on a file system of the kind, with these files in it
 * (the list ends with NULL). All goes away with the test's mounts.
 */
static inline void make_place(struct __test_metadata *_metadata,
			      enum place place, const char * const *names,
			      const char *text)
{
	const char *born = PLACE;
	char path[64];

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers", 0755));
	switch (place) {
	case ON_EXT4:
		mount_ext4(_metadata, PLACE);
		break;
	case ON_OVERLAY_OF_EXT4:
		mount_ext4(_metadata, TMP "/layers");
		make_layers(_metadata);
		born = TMP "/layers/lower";
		break;
	case ON_OVERLAY_OF_TMPFS:
		make_layers(_metadata);
		born = TMP "/layers/upper";
		break;
	case ON_BIND_MOUNT:
		ASSERT_EQ(0, mkdir(BOUND, 0755));
		ASSERT_EQ(0, mount(BOUND, PLACE, NULL, MS_BIND, NULL));
		break;
	default:
		break;
	}
	for (; *names; names++) {
		snprintf(path, sizeof(path), "%s/%s", born, *names);
		ASSERT_EQ(0, write_file(path, text));
	}
	if (is_overlay(place))
		mount_overlay(_metadata);
}

#endif /* FANOTIFY_TEST_PLACE_H */
