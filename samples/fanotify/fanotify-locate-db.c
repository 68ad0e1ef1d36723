// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: the database.
 *
 * A table has the names, each with the key of the directory it is in and of
 * the file it is for, so that it takes one row to rename a directory, whatever
 * is below it. Another one has the keys of the directories of which everything
 * is known. Others can read while the watcher writes (SQLite's WAL mode).
 */
#define _GNU_SOURCE
#include <err.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fanotify-locate.h"

#define FORMAT		1
#define BUSY_MS		60000

static const char schema[] =
"CREATE TABLE IF NOT EXISTS entry(dir BLOB NOT NULL, name BLOB NOT NULL,\n"
" child BLOB NOT NULL, isdir INTEGER NOT NULL, PRIMARY KEY(dir, name))\n"
" WITHOUT ROWID;\n"
"CREATE INDEX IF NOT EXISTS parent ON entry(child) WHERE isdir;\n"
"CREATE TABLE IF NOT EXISTS directory(key BLOB PRIMARY KEY) WITHOUT ROWID;\n"
"CREATE TABLE IF NOT EXISTS state(id INTEGER PRIMARY KEY, value BLOB);\n";

/* UNION, and not UNION ALL: for a moment there can be a loop. */
static const char reaches[] =
"WITH RECURSIVE up(key) AS (\n"
" SELECT dir FROM entry WHERE child = ? AND isdir\n"
" UNION\n"
" SELECT dir FROM up JOIN entry ON child = key WHERE isdir)\n"
"SELECT 1 FROM up WHERE key = ? OR key = ? LIMIT 1\n";

enum statement {
	BEGIN, COMMIT, GET_STATE, SET_STATE, KNOWS, ADD_DIR, DROP_DIR, REACHES,
	GET, PUT, REMOVE, REMOVE_ALL, LIST, LIST_DIRS, COUNT_DIRS, COUNT_NAMES,
	N_STATEMENTS
};

static const char *const sql[] = {
	[BEGIN]		= "BEGIN",
	[COMMIT]	= "COMMIT",
	[GET_STATE]	= "SELECT value FROM state WHERE id = ?",
	[SET_STATE]	= "INSERT OR REPLACE INTO state VALUES(?, ?)",
	[KNOWS]		= "SELECT 1 FROM directory WHERE key = ?",
	[ADD_DIR]	= "INSERT OR IGNORE INTO directory VALUES(?)",
	[DROP_DIR]	= "DELETE FROM directory WHERE key = ?",
	[REACHES]	= reaches,
	[GET]		= "SELECT child, isdir FROM entry WHERE dir = ? AND name = ?",
	[PUT]		= "INSERT OR REPLACE INTO entry VALUES(?, ?, ?, ?)",
	[REMOVE]	= "DELETE FROM entry WHERE dir = ? AND name = ?",
	[REMOVE_ALL]	= "DELETE FROM entry WHERE dir = ?",
	[LIST]		= "SELECT name, child, isdir FROM entry WHERE dir = ? ORDER BY name",
	[LIST_DIRS]	= "SELECT x'', child, isdir FROM entry WHERE dir = ? AND isdir",
	[COUNT_DIRS]	= "SELECT count(*) FROM directory",
	[COUNT_NAMES]	= "SELECT count(*) FROM entry",
};

static sqlite3 *db;
static const char *db_path;
static sqlite3_stmt *statements[N_STATEMENTS];
static struct key root;

static void fail(const char *what)
{
	int code = sqlite3_errcode(db);

	errx(TROUBLE, "cannot %s the database %s: %s%s", what, db_path,
	     sqlite3_errmsg(db),
	     code == SQLITE_CANTOPEN ? "; see -d" :
	     code == SQLITE_NOTADB ? "; it is something else, see -d" :
	     code == SQLITE_CORRUPT ? "; delete it, and have it made anew" :
	     code == SQLITE_FULL ? "; make room, or see -d" :
	     code == SQLITE_BUSY ? "; another program keeps it locked" : "");
}

static void run(const char *script)
{
	if (sqlite3_exec(db, script, NULL, NULL, NULL))
		fail("use");
}

/* What is bound has to stay until done(). */
static void bind_blob(sqlite3_stmt *s, int at, struct bytes bytes)
{
	if (sqlite3_bind_blob(s, at, bytes.len ? bytes.at : "", bytes.len,
			      SQLITE_STATIC))
		fail("use");
}

/* With the first parameters, all of them blobs */
static sqlite3_stmt *prepare(enum statement statement, int n, ...)
{
	sqlite3_stmt **s = &statements[statement];
	va_list args;
	int i;

	if (!*s && sqlite3_prepare_v3(db, sql[statement], -1,
				      SQLITE_PREPARE_PERSISTENT, s, NULL))
		fail("use");
	va_start(args, n);
	for (i = 1; i <= n; i++)
		bind_blob(*s, i, va_arg(args, struct bytes));
	va_end(args);
	return *s;
}

static bool step(sqlite3_stmt *s)
{
	switch (sqlite3_step(s)) {
	case SQLITE_ROW:
		return true;
	case SQLITE_DONE:
		return false;
	}
	fail("use");
	return false;
}

static struct bytes column(sqlite3_stmt *s, int i)
{
	const void *at = sqlite3_column_blob(s, i);

	return (struct bytes){ at ?: "", sqlite3_column_bytes(s, i) };
}

static void done(sqlite3_stmt *s)
{
	sqlite3_reset(s);
}

/* Is there a row? */
static bool finish(sqlite3_stmt *s)
{
	bool row = step(s);

	done(s);
	return row;
}

static long long pragma(const char *what)
{
	long long value = 0;
	sqlite3_stmt *s;

	if (sqlite3_prepare_v2(db, what, -1, &s, NULL))
		fail("open");
	if (step(s))
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static void connect_db(const char *path, int flags)
{
	db_path = path;
	if (sqlite3_open_v2(path, &db, flags, NULL))
		fail("open");
	sqlite3_busy_timeout(db, BUSY_MS);
}

void db_create(const char *path)
{
	/* It has the names in directories that not everybody may read. */
	mode_t mask = umask(077);
	long long format;

	connect_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	format = pragma("PRAGMA user_version");
	if (format > FORMAT || (!format && pragma("PRAGMA schema_version")))
		errx(TROUBLE, "%s is a database of another program, see -d",
		     path);
	run("PRAGMA journal_mode = WAL");
	umask(mask);
	/* What is lost when the machine crashes is found by the next scan. */
	run("PRAGMA synchronous = OFF");
	run("PRAGMA cache_size = -32768");
	run("PRAGMA temp_store = MEMORY");
	run(schema);
	run("PRAGMA user_version = 1");
}

void db_open(const char *path)
{
	if (access(path, F_OK))
		err(TROUBLE, "%s: begin with 'watch', or see -d", path);
	/* Readers take part in the log, which is a file that they write. */
	connect_db(path, SQLITE_OPEN_READWRITE);
	if (pragma("PRAGMA user_version") != FORMAT)
		errx(TROUBLE, "%s is a database of another program, see -d",
		     path);
}

void db_close(void)
{
	size_t i;

	for (i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(statements[i]);
	sqlite3_close(db);
}

void db_begin(void)
{
	finish(prepare(BEGIN, 0));
}

void db_commit(void)
{
	finish(prepare(COMMIT, 0));
}

bool db_get_state(enum state state, char *buf, size_t size, size_t *len)
{
	sqlite3_stmt *s = prepare(GET_STATE, 0);
	struct bytes value;
	bool found;

	sqlite3_bind_int(s, 1, state);
	found = step(s);
	if (found) {
		value = column(s, 0);
		*len = value.len < size ? value.len : size - 1;
		memcpy(buf, value.at, *len);
		buf[*len] = '\0';
	}
	done(s);
	return found;
}

void db_set_state(enum state state, struct bytes value)
{
	sqlite3_stmt *s = prepare(SET_STATE, 0);

	sqlite3_bind_int(s, 1, state);
	bind_blob(s, 2, value);
	finish(s);
}

void db_set_root(const struct key *key)
{
	root = *key;
}

bool db_knows(struct bytes dir)
{
	return finish(prepare(KNOWS, 1, dir));
}

void db_add_dir(struct bytes dir)
{
	finish(prepare(ADD_DIR, 1, dir));
}

static void list(sqlite3_stmt *s, struct listing *l)
{
	while (step(s))
		listing_add(l, column(s, 0), column(s, 1),
			    sqlite3_column_int(s, 2));
	done(s);
}

void db_drop_dir(struct bytes dir)
{
	struct bytes top = key_bytes(&root), none = { "", 0 };
	struct listing doubtful = { };
	struct key key;

	listing_add(&doubtful, none, dir, true);
	while (doubtful.n) {
		key = listing_pop(&doubtful);
		dir = key_bytes(&key);
		if (same(dir, top) ||
		    finish(prepare(REACHES, 3, dir, top, LIMBO)))
			continue;
		finish(prepare(DROP_DIR, 1, dir));
		if (!sqlite3_changes(db))
			continue;
		list(prepare(LIST_DIRS, 1, dir), &doubtful);
		finish(prepare(REMOVE_ALL, 1, dir));
	}
	listing_free(&doubtful);
}

bool db_get(struct bytes dir, struct bytes name, struct key *child,
	    bool *is_dir)
{
	sqlite3_stmt *s = prepare(GET, 2, dir, name);
	bool found = step(s);

	if (found) {
		*child = to_key(column(s, 0));
		*is_dir = sqlite3_column_int(s, 1);
	}
	done(s);
	return found;
}

void db_put(struct bytes dir, struct bytes name, struct bytes child,
	    bool is_dir)
{
	sqlite3_stmt *s = prepare(PUT, 3, dir, name, child);

	sqlite3_bind_int(s, 4, is_dir);
	finish(s);
}

void db_remove(struct bytes dir, struct bytes name)
{
	finish(prepare(REMOVE, 2, dir, name));
}

void db_list(struct bytes dir, struct listing *l)
{
	list(prepare(LIST, 1, dir), l);
}

static size_t count(enum statement statement)
{
	sqlite3_stmt *s = prepare(statement, 0);
	size_t n = step(s) ? sqlite3_column_int64(s, 0) : 0;

	done(s);
	return n;
}

void db_count(size_t *dirs, size_t *names)
{
	*dirs = count(COUNT_DIRS);
	*names = count(COUNT_NAMES);
}
