// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: look something up, and look whether it is all true.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fanotify-locate.h"

/* A directory that is being looked at, and that in which it is */
struct level {
	struct bytes dir;
	const struct level *up;
};

/**
 * struct path - what is being looked at
 * @at: Its name and those of the directories it is in, not ending in 0.
 * @len: How long.
 * @size: How long it can be.
 */
struct path {
	char *at;
	size_t len, size;
};

static char end_of_line;
static size_t n_found, n_dirs, n_names;

static void path_add(struct path *path, const char *sep, struct bytes name)
{
	size_t sep_len = strlen(sep);

	if (path->size < path->len + sep_len + name.len) {
		path->size = 2 * path->size + sep_len + name.len;
		path->at = realloc(path->at, path->size);
		if (!path->at)
			errx(TROUBLE, "out of memory");
	}
	memcpy(path->at + path->len, sep, sep_len);
	memcpy(path->at + path->len + sep_len, name.at, name.len);
	path->len += sep_len + name.len;
}

static void print(const char *what, const struct path *path)
{
	n_found++;
	fputs(what, stdout);
	fwrite(path->at, 1, path->len, stdout);
	putchar(end_of_line);
}

/* The root is "/", and all others do not end so. */
static const char *separator(const struct path *path)
{
	return path->len && path->at[path->len - 1] == '/' ? "" : "/";
}

/*
 * Events that are older than the scan can make the database have a directory
 * in one that is below it, until those are replayed that came in between.
 */
static bool is_loop(const struct level *level, struct bytes dir)
{
	for (; level; level = level->up)
		if (same(level->dir, dir))
			return true;
	return false;
}

/* @found: of the path so far */
static void find_in(struct path *path, const struct level *level,
		    const char *text, bool found)
{
	const size_t len = path->len, text_len = strlen(text);
	struct listing l = { };
	struct level below;
	size_t i, from;
	bool is;

	db_list(level->dir, &l);
	for (i = 0; i < l.n; i++) {
		path_add(path, separator(path), listed_name(&l, i));
		/* What was not in the path so far ends in the new name. */
		from = text_len > len ? 0 : len - text_len;
		is = found || memmem(path->at + from, path->len - from, text,
				     text_len);
		if (is)
			print("", path);
		below = (struct level){ listed_key(&l, i), level };
		if (l.list[i].is_dir && !is_loop(level, below.dir))
			find_in(path, &below, text, is);
		path->len = len;
	}
	listing_free(&l);
}

static void get_root(struct key *root, struct path *path)
{
	char complete[2];
	size_t len;

	path->size = 4097;
	path->at = malloc(path->size);
	if (!path->at)
		errx(TROUBLE, "out of memory");
	if (!db_get_state(STATE_ROOT, (char *)root->at, sizeof(root->at),
			  &root->len) ||
	    !db_get_state(STATE_PATH, path->at, path->size, &path->len))
		errx(TROUBLE, "the database is empty: begin with 'watch'");
	if (!db_get_state(STATE_COMPLETE, complete,
			  sizeof(complete), &len))
		warnx("the first scan is still running: names are missing");
}

static int finish_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		err(TROUBLE, "cannot write the output");
	return n_found;
}

int find(const char *text, char end)
{
	struct level top = { };
	struct path path = { };
	struct key root;

	end_of_line = end;
	/* All of it as of one moment */
	db_begin();
	get_root(&root, &path);
	top.dir = key_bytes(&root);
	find_in(&path, &top, text, memmem(path.at, path.len, text, strlen(text)));
	db_commit();
	free(path.at);
	return finish_output() ? 0 : NONE;
}

static void check_in(struct path *path, struct bytes dir);

/* One name that both have */
static void check_name(struct path *path, const struct listing *is, size_t i,
		       const struct listing *db, size_t d)
{
	if (is->list[i].is_dir != db->list[d].is_dir)
		print("is not what it was: ", path);
	else if (!same(listed_key(is, i), listed_key(db, d)))
		print("is another file: ", path);
	else if (is->list[i].is_dir)
		check_in(path, listed_key(is, i));
}

static void check_in(struct path *path, struct bytes dir)
{
	struct listing is = { }, db = { };
	const size_t len = path->len;
	size_t i = 0, d = 0;
	int order;

	n_dirs++;
	if (!db_knows(dir))
		print("is not known: ", path);
	tree_list(dir, &is);
	db_list(dir, &db);
	n_names += db.n;
	while (i < is.n || d < db.n) {
		if (i == is.n || d == db.n)
			order = i == is.n ? 1 : -1;
		else
			order = compare_bytes(listed_name(&is, i),
					      listed_name(&db, d));
		path_add(path, separator(path), order <= 0 ?
			 listed_name(&is, i) : listed_name(&db, d));
		if (!order)
			check_name(path, &is, i, &db, d);
		else
			print(order < 0 ? "is missing: " : "does not exist: ",
			      path);
		path->len = len;
		i += order <= 0;
		d += order >= 0;
	}
	listing_free(&is);
	listing_free(&db);
}

int check(const char *path, char end)
{
	struct path at = { };
	struct key root, is;
	size_t dirs, names;

	end_of_line = end;
	close(tree_open(path, &is));
	db_begin();
	get_root(&root, &at);
	if (!same(key_bytes(&root), key_bytes(&is)))
		errx(TROUBLE, "the database is about %s, not about %s", at.at,
		     path);
	check_in(&at, key_bytes(&root));
	db_count(&dirs, &names);
	db_commit();
	/* Beyond the differences above, which may lead to more */
	if (!n_found && (dirs != n_dirs || names != n_names)) {
		n_found++;
		printf("no path leads to %zd directories and %zd names%c",
		       dirs - n_dirs, names - n_names, end);
	}
	free(at.at);
	return finish_output() ? NONE : 0;
}
