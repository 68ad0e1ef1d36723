/* SPDX-License-Identifier: GPL-2.0 */
/* The files that things happen to: BENCH_DIR/f00000 and on */
#ifndef FANOTIFY_BENCH_FILES_H
#define FANOTIFY_BENCH_FILES_H

#include <stdint.h>

#include "side.h"

/* As many are opened one after another, and lie in a queue at a time. */
#define NR_FILES 256

/* Creates those that do not exist yet, with a byte in each. */
void make_files(int nr);

/* A descriptor of file @i, to read from and to mark it by */
int file_open(int i);

void open_close(const char *path);

/* Opens and closes each of the first NR_FILES. */
void open_files(void);

/* Opens and closes the first one as often. */
void open_one(void);

/* What one such open and close takes, on average and at best */
double cost_of_open(void);

/* Mark the first @nr. */
void mark_files(const struct side *side, int fd, int nr, uint32_t mask,
		uint32_t ignored);

#endif /* FANOTIFY_BENCH_FILES_H */
