// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-guard: what a bad file looks like, and whether this one does.
 *
 * A file is bad if it has one of the patterns in it, or if its SHA-256 sum is
 * one of the list. The kernel computes the sums, so that this needs no library.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <linux/if_alg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fanotify-guard.h"

#define SUM_LEN		32
#define MAX_PATTERN	1024
#define BUF_LEN		(256 << 10)

/* The harmless file that every scanner takes for bad; in two, lest this is. */
#define EICAR_PATTERN	"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" \
			"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

struct signature {
	size_t len;
	unsigned char *bytes;
	char *name;
};

/**
 * struct signatures - what is bad
 * @patterns: Bytes that no good file has in it.
 * @n_patterns: How many.
 * @longest: The length of the longest of them.
 * @sums: SHA-256 sums of bad files, in ascending order.
 * @n_sums: How many.
 */
struct signatures {
	struct signature *patterns;
	size_t n_patterns;
	size_t longest;
	struct signature *sums;
	size_t n_sums;
};

static void add(struct signature **list, size_t *n, const unsigned char *bytes,
		size_t len, const char *name)
{
	struct signature *signature;

	*list = reallocarray(*list, *n + 1, sizeof(**list));
	if (!*list)
		err(1, NULL);
	signature = *list + (*n)++;
	signature->len = len;
	signature->bytes = malloc(len);
	signature->name = strdup(name);
	if (!signature->bytes || !signature->name)
		err(1, NULL);
	memcpy(signature->bytes, bytes, len);
}

/* Hexadecimal digits: how many bytes, 0 for what is no such thing. */
static size_t parse_hex(const char *text, size_t digits, unsigned char *bytes)
{
	size_t i;

	if (!digits || digits % 2 || digits / 2 > MAX_PATTERN)
		return 0;
	for (i = 0; i < digits / 2; i++) {
		if (!isxdigit(text[2 * i]) || !isxdigit(text[2 * i + 1]) ||
		    sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
			return 0;
	}
	return i;
}

/*
 * A signature a line: hexadecimal digits and, after blanks, what to call it, as
 * sha256sum prints it. Empty lines and those that start with # say nothing.
 */
static bool load_file(const char *path, size_t len_wanted,
		      struct signature **list, size_t *n)
{
	unsigned char bytes[MAX_PATTERN];
	unsigned int number = 0;
	char *line = NULL, *name;
	size_t size = 0, digits, len;
	bool good = true;
	FILE *f = fopen(path, "re");

	if (!f) {
		warn("%s", path);
		return false;
	}
	while (good && getline(&line, &size, f) >= 0) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		digits = strcspn(line, " \t");
		if (!*line || *line == '#')
			continue;
		name = line + digits + strspn(line + digits, " \t*");
		len = parse_hex(line, digits, bytes);
		good = len && (!len_wanted || len == len_wanted);
		if (good)
			add(list, n, bytes, len, *name ? name : path);
		else
			warnx("%s: line %u has no %s", path, number,
			      len_wanted ? "SHA-256 sum" : "pattern");
	}
	if (ferror(f)) {
		warn("%s", path);
		good = false;
	}
	free(line);
	fclose(f);
	return good;
}

static int compare_sums(const void *a, const void *b)
{
	const struct signature *sum_a = a, *sum_b = b;

	return memcmp(sum_a->bytes, sum_b->bytes, SUM_LEN);
}

struct signatures *load_signatures(char *const *pattern_files, size_t n_patterns,
				   char *const *sum_files, size_t n_sums)
{
	struct signatures *all = calloc(1, sizeof(*all));
	bool good = true;
	size_t i;

	if (!all)
		err(1, NULL);
	if (!n_patterns && !n_sums)
		add(&all->patterns, &all->n_patterns,
		    (const unsigned char *)EICAR_PATTERN, strlen(EICAR_PATTERN),
		    "EICAR test string");
	for (i = 0; good && i < n_patterns; i++)
		good = load_file(pattern_files[i], 0, &all->patterns,
				 &all->n_patterns);
	for (i = 0; good && i < n_sums; i++)
		good = load_file(sum_files[i], SUM_LEN, &all->sums,
				 &all->n_sums);
	if (!good) {
		free_signatures(all);
		return NULL;
	}

	for (i = 0; i < all->n_patterns; i++)
		if (all->patterns[i].len > all->longest)
			all->longest = all->patterns[i].len;
	if (all->n_sums)
		qsort(all->sums, all->n_sums, sizeof(*all->sums), compare_sums);
	return all;
}

static void free_list(struct signature *list, size_t n)
{
	while (n--) {
		free(list[n].bytes);
		free(list[n].name);
	}
	free(list);
}

void free_signatures(struct signatures *all)
{
	if (!all)
		return;
	free_list(all->patterns, all->n_patterns);
	free_list(all->sums, all->n_sums);
	free(all);
}

size_t count_signatures(const struct signatures *all)
{
	return all->n_patterns + all->n_sums;
}

int new_hash(void)
{
	struct sockaddr_alg addr = {
		.salg_family = AF_ALG,
		.salg_type = "hash",
		.salg_name = "sha256",
	};
	int fd, alg = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (alg < 0 || bind(alg, (struct sockaddr *)&addr, sizeof(addr)))
		err(1, "no sums without CONFIG_CRYPTO_USER_API_HASH and CONFIG_CRYPTO_SHA256");
	fd = accept4(alg, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		err(1, "cannot compute sums");
	close(alg);
	return fd;
}

static const char *find_pattern(const struct signatures *all,
				const unsigned char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < all->n_patterns; i++)
		if (memmem(buf, len, all->patterns[i].bytes,
			   all->patterns[i].len))
			return all->patterns[i].name;
	return NULL;
}

/* The end of the sum, too: the next file's begins anew. */
static bool find_sum(const struct signatures *all, struct scan *scan)
{
	struct signature key, *found;
	unsigned char sum[SUM_LEN];

	if (send(scan->hash_fd, NULL, 0, 0) < 0 ||
	    recv(scan->hash_fd, sum, SUM_LEN, 0) != SUM_LEN)
		return false;
	key.bytes = sum;
	found = bsearch(&key, all->sums, all->n_sums, sizeof(*all->sums),
			compare_sums);
	if (found && !scan->found)
		scan->found = found->name;
	return true;
}

bool scan_file(const struct signatures *all, struct scan *scan)
{
	static __thread unsigned char buf[MAX_PATTERN + BUF_LEN];
	size_t kept = 0;	/* from before: a pattern may lie across */
	off_t pos = 0;
	ssize_t len;

	scan->found = NULL;
	for (;;) {
		len = pread(scan->open_fd, buf + kept, BUF_LEN, pos);
		if (len < 0)
			break;
		if (!len)
			return !all->n_sums || find_sum(all, scan) ||
			       scan->found;
		if (all->n_sums &&
		    send(scan->hash_fd, buf + kept, len, MSG_MORE) != len)
			break;
		pos += len;
		len += kept;
		if (!scan->found)
			scan->found = find_pattern(all, buf, len);
		/* Of a bad file no sum is needed, unless one has begun. */
		if (scan->found && !all->n_sums)
			return true;
		kept = all->longest ? all->longest - 1 : 0;
		if (kept > (size_t)len)
			kept = len;
		memmove(buf, buf + len - kept, kept);
		scan->alive(scan->arg);
	}
	len = errno;
	/* The sum that has begun is no more. */
	if (all->n_sums)
		find_sum(all, scan);
	scan->found = NULL;
	errno = len;
	return false;
}
