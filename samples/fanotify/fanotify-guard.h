/* SPDX-License-Identifier: GPL-2.0 */
/* fanotify-guard: what its files share */
#ifndef FANOTIFY_GUARD_H
#define FANOTIFY_GUARD_H

#include <stdbool.h>
#include <stddef.h>

struct signatures;

/**
 * struct scan - one look at a file
 * @open_fd: The file.
 * @hash_fd: From new_hash().
 * @alive: Is called now and then while it takes long.
 * @arg: For @alive.
 * @found: Is set to what was found, or NULL; a string of the signatures'.
 */
struct scan {
	int open_fd;
	int hash_fd;
	void (*alive)(void *arg);
	void *arg;
	const char *found;
};

/* fanotify-guard-scan.c */

/* NULL, with a message on stderr, if a file is not what it should be. */
struct signatures *load_signatures(char *const *pattern_files, size_t n_patterns,
				   char *const *sum_files, size_t n_sums);
void free_signatures(struct signatures *signatures);
size_t count_signatures(const struct signatures *signatures);
/* A descriptor to compute sums with; leaves the program if it fails. */
int new_hash(void);
/* False, with errno, if the file cannot be read. */
bool scan_file(const struct signatures *signatures, struct scan *scan);

#endif /* FANOTIFY_GUARD_H */
