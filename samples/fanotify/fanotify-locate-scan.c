// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: bring the database in line with directories as they are.
 *
 * A directory is read whole, and then compared with what is known of it, so
 * that what is right already is never missing in between. That others change
 * the tree meanwhile does no harm: each change has an event, which is in the
 * queue by now and is replayed later, see fanotify-locate-events.c.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "fanotify-locate.h"

/* In milliseconds: of a progress line on a terminal, of those in a file */
#define SHOW_TERMINAL	100
#define SHOW_FILE	5000
/* Others see what was found so far, and the log is kept small. */
#define COMMIT_MS	500

/**
 * struct scan - one walk down the tree
 * @todo: Directories that are to be read.
 * @lost: Those that were not where they were known to be. They may be found
 *        elsewhere, and are forgotten at the end if they were not.
 * @all: Whether it is a walk over everything, which is shown.
 * @dirs: How many directories were read.
 * @names: How many names were found in them.
 * @shown_ms: When the progress was last shown.
 * @commit_ms: When a transaction began.
 */
struct scan {
	struct listing todo, lost;
	bool all;
	size_t dirs, names;
	long long shown_ms, commit_ms;
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void add(struct listing *dirs, struct bytes dir)
{
	listing_add(dirs, (struct bytes){ "", 0 }, dir, true);
}

static void show_progress(struct scan *scan, bool last)
{
	bool terminal = isatty(STDERR_FILENO);
	long long now = now_ms();

	if (!last && now - scan->shown_ms <
		     (terminal ? SHOW_TERMINAL : SHOW_FILE))
		return;
	scan->shown_ms = now;
	fprintf(stderr, "%s%zu directories, %zu names%s",
		terminal ? "\r" : "", scan->dirs, scan->names,
		terminal && !last ? "" : "\n");
}

static void lose(struct scan *scan, struct bytes dir)
{
	add(&scan->lost, dir);
	/* It is not only known here, if a transaction ends before the scan. */
	if (scan->all)
		db_put(LIMBO, dir, dir, true);
}

/* Both are sorted. Directories are read whether they are known or not. */
static void compare(struct scan *scan, struct bytes dir,
		    const struct listing *found, const struct listing *kept)
{
	size_t f = 0, k = 0;
	bool equal;
	int order;

	while (f < found->n || k < kept->n) {
		if (f == found->n || k == kept->n)
			order = f == found->n ? 1 : -1;
		else
			order = compare_bytes(listed_name(found, f),
					      listed_name(kept, k));
		equal = !order &&
			same(listed_key(found, f), listed_key(kept, k)) &&
			found->list[f].is_dir == kept->list[k].is_dir;
		if (order <= 0) {
			if (!equal)
				db_put(dir, listed_name(found, f),
				       listed_key(found, f),
				       found->list[f].is_dir);
			if (found->list[f].is_dir)
				add(&scan->todo, listed_key(found, f));
			f++;
		}
		if (order >= 0) {
			if (order > 0)
				db_remove(dir, listed_name(kept, k));
			if (!equal && kept->list[k].is_dir)
				lose(scan, listed_key(kept, k));
			k++;
		}
	}
}

/* One that is gone is an empty one until its event comes. False if so. */
static bool read_dir(struct scan *scan, struct bytes dir)
{
	struct listing found = { }, kept = { };
	bool there = tree_list(dir, &found);

	db_list(dir, &kept);
	db_add_dir(dir);
	compare(scan, dir, &found, &kept);
	scan->dirs++;
	scan->names += found.n;
	listing_free(&found);
	listing_free(&kept);
	return there;
}

static void commit_now_and_then(struct scan *scan)
{
	long long now = now_ms();

	if (now - scan->commit_ms < COMMIT_MS)
		return;
	db_commit();
	db_begin();
	scan->commit_ms = now;
}

static void walk(struct scan *scan)
{
	struct key dir;

	while (scan->todo.n) {
		dir = listing_pop(&scan->todo);
		read_dir(scan, key_bytes(&dir));
		if (scan->all) {
			show_progress(scan, false);
			commit_now_and_then(scan);
		}
	}
	while (scan->lost.n) {
		dir = listing_pop(&scan->lost);
		if (scan->all)
			db_remove(LIMBO, key_bytes(&dir));
		db_drop_dir(key_bytes(&dir));
	}
	listing_free(&scan->todo);
	listing_free(&scan->lost);
}

void scan_dir(struct bytes dir)
{
	struct scan scan = { };

	add(&scan.todo, dir);
	walk(&scan);
}

bool scan_all(const struct key *root)
{
	struct scan scan = { .all = true };
	bool there;

	db_begin();
	scan.commit_ms = now_ms();
	scan.shown_ms = scan.commit_ms;
	/* What a watcher left there that was killed is where it is, or nowhere. */
	db_list(LIMBO, &scan.lost);

	there = read_dir(&scan, key_bytes(root));
	walk(&scan);
	if (there)
		db_set_state(STATE_COMPLETE, (struct bytes){ "1", 1 });
	db_commit();
	show_progress(&scan, true);
	return there;
}
