/* SPDX-License-Identifier: GPL-2.0 */
/* fanotify-locate: what its files share */
#ifndef FANOTIFY_LOCATE_H
#define FANOTIFY_LOCATE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Exit status, as grep(1) and diff(1) have it */
#define NONE		1	/* nothing found; a difference */
#define TROUBLE		2	/* an error, or a mistake on the command line */

#define NAME_LEN	1024
#define KEY_LEN		(sizeof(int) + MAX_HANDLE_SZ)

/* Names and keys can have any byte in them, and stay where they are. */
struct bytes {
	const void *at;
	size_t len;
};

static inline bool same(struct bytes a, struct bytes b)
{
	return a.len == b.len && !memcmp(a.at, b.at, a.len);
}

/**
 * struct key - who a file is, whatever it is called: its handle
 * @len: Of @at.
 * @at: handle_type and f_handle of a struct file_handle.
 */
struct key {
	size_t len;
	unsigned char at[KEY_LEN];
};

static inline struct bytes handle_bytes(const struct file_handle *handle)
{
	return (struct bytes){ &handle->handle_type,
			       sizeof(int) + handle->handle_bytes };
}

static inline struct bytes key_bytes(const struct key *key)
{
	return (struct bytes){ key->at, key->len };
}

static inline struct key to_key(struct bytes bytes)
{
	struct key key = { .len = bytes.len < KEY_LEN ? bytes.len : KEY_LEN };

	memcpy(key.at, bytes.at, key.len);
	return key;
}

struct real_path {
	size_t len;
	char at[4096];
};

/**
 * struct listing - names, and who is behind them; or keys of directories only
 * @list: Where in @pool a name and then a key is, and whether of a directory.
 * @n: How many.
 * @max: As many have room.
 * @pool: The bytes of all.
 * @used: Of @pool.
 * @size: Of @pool.
 */
struct listing {
	struct listed {
		size_t at;
		unsigned short name_len;
		unsigned short key_len;
		bool is_dir;
	} *list;
	size_t n, max;
	char *pool;
	size_t used, size;
};

static inline struct bytes listed_name(const struct listing *l, size_t i)
{
	return (struct bytes){ l->pool + l->list[i].at, l->list[i].name_len };
}

static inline struct bytes listed_key(const struct listing *l, size_t i)
{
	return (struct bytes){ l->pool + l->list[i].at + l->list[i].name_len,
			       l->list[i].key_len };
}

/* The results are valid until something is added. */
void listing_add(struct listing *l, struct bytes name, struct bytes key,
		 bool is_dir);
struct key listing_pop(struct listing *l);
void listing_sort(struct listing *l);
void listing_free(struct listing *l);
int compare_bytes(struct bytes a, struct bytes b);

/*
 * fanotify-locate-tree.c: the directories as they are. What fails for another
 * reason than that the file is gone leaves the program.
 */

/* Gives the directory's key; the descriptor, of O_PATH, is the caller's. */
int tree_open(const char *path, struct key *root);
/* What it is called by now; false if there is no such directory any more */
bool tree_path(struct bytes dir, struct real_path *path);
/* False if there is no such directory any more; @l is sorted. */
bool tree_list(struct bytes dir, struct listing *l);

/* fanotify-locate-db.c: each leaves the program if it fails. */

enum state {
	STATE_ROOT,		/* the key of the directory that is watched */
	STATE_PATH,		/* its path */
	STATE_COMPLETE,		/* has a byte if it was once scanned whole */
	N_STATES
};

void db_create(const char *path);	/* or opens it */
void db_open(const char *path);		/* and only reads it */
void db_close(void);
void db_begin(void);
void db_commit(void);

/* False if it was never set; @buf is filled, and ends in a 0 byte. */
bool db_get_state(enum state state, char *buf, size_t size, size_t *len);
void db_set_state(enum state state, struct bytes value);

/* The top of all paths */
void db_set_root(const struct key *root);

/* Is all known of what is in this directory? */
bool db_knows(struct bytes dir);
void db_add_dir(struct bytes dir);
/* Unless a path leads there, forget it, and all to which only it leads. */
void db_drop_dir(struct bytes dir);

/* False if the directory has no such name */
bool db_get(struct bytes dir, struct bytes name, struct key *child,
	    bool *is_dir);
void db_put(struct bytes dir, struct bytes name, struct bytes child,
	    bool is_dir);
void db_remove(struct bytes dir, struct bytes name);
void db_list(struct bytes dir, struct listing *l);	/* sorted by name */
void db_count(size_t *dirs, size_t *names);

/*
 * To the database this is a directory, of those that have lost their name and
 * may get another one at once; their keys are their names in it. There is a
 * path to what is in there.
 */
#define LIMBO ((struct bytes){ "", 0 })

/* fanotify-locate-scan.c */

/* From one directory down. */
void scan_dir(struct bytes dir);
/*
 * Everything, showing how far it has come, and with a transaction now and then.
 * False if the directory that is watched is gone.
 */
bool scan_all(const struct key *root);

/* fanotify-locate-events.c: exit status */
int watch(const char *db, const char *path, unsigned long long max_queued);
int wait_for_watcher(const char *db);

/* fanotify-locate-find.c: exit status */
int find(const char *text, char end);
int check(const char *path, char end);

#endif /* FANOTIFY_LOCATE_H */
