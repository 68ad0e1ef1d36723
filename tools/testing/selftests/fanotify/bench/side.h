/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ways to listen, as one: what each row does is the same for all.
 */
#ifndef FANOTIFY_BENCH_SIDE_H
#define FANOTIFY_BENCH_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a mark is on: the object that a descriptor is of, or more. */
enum place { ON_FILE, ON_FILESYSTEM };

/* A question, and what names it in the answer */
struct question {
	int fd;
	uint64_t cookie;
};

/**
 * struct side - a way to listen
 *
 * A function that a side cannot do is NULL. All of them exit when they fail.
 *
 * @name: In the results.
 * @listen: A new listener, without limits; -1 if this kernel knows none. If
 *          @guards it may ask.
 * @mark: What to tell of the object of @file, and not to tell.
 * @unmark: Remove the mark with this mask, and ignored mask, from the object.
 * @mark_all: Mark @nr files with one call, or, with a mask of 0, none of them any
 *            more.
 * @ignore: Ignore @mask of the file until it is modified, beside a mark that
 *          exists elsewhere.
 * @skip: Read @nr events with one call, and close their descriptors.
 * @learn: Read @nr events, and learn the path of each.
 * @tell_paths: Have events tell paths, and open nothing.
 * @drain: Read what there is.
 * @ask: Wait for a question.
 * @allow: Answer one.
 * @allow_and_keep: Answer one, and have the file pass from now on until it is
 *                  modified.
 * @allow_all: Answer @nr with one call.
 */
struct side {
	const char *name;
	int (*listen)(bool guards);
	void (*mark)(int fd, int file, enum place place, uint32_t mask,
		     uint32_t ignored);
	void (*unmark)(int fd, int file, enum place place, uint32_t mask,
		       uint32_t ignored);
	void (*mark_all)(int fd, const int *files, int nr, uint32_t mask);
	void (*ignore)(int fd, int file, uint32_t mask);
	void (*skip)(int fd, int nr);
	void (*learn)(int fd, int nr);
	void (*tell_paths)(int fd);
	void (*drain)(int fd);
	void (*ask)(int fd, struct question *question);
	void (*allow)(int fd, const struct question *question);
	void (*allow_and_keep)(int fd, const struct question *question);
	void (*allow_all)(int fd, const struct question *questions, int nr);
};

/* Ends with a NULL. */
extern const struct side *const sides[];

extern const struct side side_group, side_socket, side_inotify;

/* Those that this kernel has */
#define for_each_side(i) \
	for ((i) = 0; sides[i]; (i)++) \
		if (side_exists(sides[i]))

bool side_exists(const struct side *side);

/* Has a limit of the system be far away. */
void write_limit(const char *path);

/* As many events at most are read with one call. */
#define MAX_EVENTS 64

/* And as many marks are set. */
#define MAX_MARKS 64

#endif /* FANOTIFY_BENCH_SIDE_H */
