// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: the directories as they are.
 *
 * They are opened by handle, so that it does not matter what they are called by
 * now, and read through a mount of our own, on which nothing is mounted: what
 * is mounted on a directory of a tree does not belong to the tree.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fanotify-locate.h"

/*
 * The handle as it is in events. Where it can be opened it is the same without
 * this, but then it need not be the same function that makes it.
 */
#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID	0x200
#endif

union handle {
	struct file_handle fh;
	char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

/* By which mount a handle is opened: as others see it, and our own */
static int mount_fd = -1, own_fd = -1;

static void *grown(void *array, size_t n, size_t *max, size_t size)
{
	if (n <= *max)
		return array;
	*max = n > 2 * *max ? n + 64 : 2 * *max;
	array = reallocarray(array, *max, size);
	if (!array)
		errx(TROUBLE, "out of memory: a directory has too many names");
	return array;
}

void listing_add(struct listing *l, struct bytes name, struct bytes key,
		 bool is_dir)
{
	l->list = grown(l->list, l->n + 1, &l->max, sizeof(*l->list));
	l->pool = grown(l->pool, l->used + name.len + key.len, &l->size, 1);
	l->list[l->n++] = (struct listed){ l->used, name.len, key.len, is_dir };
	memcpy(l->pool + l->used, name.at, name.len);
	memcpy(l->pool + l->used + name.len, key.at, key.len);
	l->used += name.len + key.len;
}

struct key listing_pop(struct listing *l)
{
	struct key key = to_key(listed_key(l, --l->n));

	l->used = l->list[l->n].at;
	return key;
}

void listing_free(struct listing *l)
{
	free(l->list);
	free(l->pool);
	*l = (struct listing){ };
}

/* As SQLite sorts blobs */
int compare_bytes(struct bytes a, struct bytes b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ?: (a.len > b.len) - (a.len < b.len);
}

static int compare_listed(const void *a, const void *b, void *pool)
{
	const struct listed *la = a, *lb = b;
	struct bytes na = { (char *)pool + la->at, la->name_len };
	struct bytes nb = { (char *)pool + lb->at, lb->name_len };

	return compare_bytes(na, nb);
}

/* A name that was removed and created while it was read may be there twice. */
void listing_sort(struct listing *l)
{
	size_t from, to = 0;

	if (l->n)
		qsort_r(l->list, l->n, sizeof(*l->list), compare_listed,
			l->pool);
	for (from = 0; from < l->n; from++)
		if (!to || !same(listed_name(l, from), listed_name(l, to - 1)))
			l->list[to++] = l->list[from];
	l->n = to;
}

/* False, with errno */
static bool get_key(int dir, const char *name, struct key *key)
{
	union handle handle;
	int mount_id;

	handle.fh.handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(dir, name, &handle.fh, &mount_id,
			      AT_HANDLE_FID | (*name ? 0 : AT_EMPTY_PATH)))
		return false;
	*key = to_key(handle_bytes(&handle.fh));
	return true;
}

static int open_path(int dir, const char *path, struct statx *st)
{
	int fd = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_INO,
			    st))
		err(TROUBLE, "cannot open %s", path);
	return fd;
}

static bool same_dir(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino &&
	       a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

/*
 * Not the directory itself: while somebody has it open it can be deleted, but
 * nobody is told.
 */
static int open_top_of_mount(const char *path)
{
	struct statx here, above;
	int fd, up;

	fd = open_path(AT_FDCWD, path, &here);
	for (;;) {
		up = open_path(fd, "..", &above);
		if (above.stx_mnt_id != here.stx_mnt_id ||
		    same_dir(&above, &here))
			break;
		close(fd);
		fd = up;
		here = above;
	}
	close(up);
	return fd;
}

static void open_mount(const char *path)
{
	int top = open_top_of_mount(path), copy;

	copy = open_tree(top, "", AT_EMPTY_PATH | OPEN_TREE_CLONE |
				  OPEN_TREE_CLOEXEC);
	/* Some mounts cannot be copied: then what is mounted is seen as well. */
	own_fd = openat(copy < 0 ? top : copy, ".",
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mount_fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0 || own_fd < 0)
		err(TROUBLE, "cannot open the file system of %s", path);
	/* The copy has to stay open: it is mounted nowhere else. */
	close(top);
}

/*
 * -1, with errno. Where a file is just being created that gets the number of the
 * one that is looked for, which is gone, some file systems say ENOMEM: what they
 * say a moment later counts.
 */
static int open_key(int mount, struct bytes key)
{
	union handle handle;
	int tries = 1000, fd;

	handle.fh.handle_bytes = key.len - sizeof(int);
	memcpy(&handle.fh.handle_type, key.at, key.len);
	while ((fd = open_by_handle_at(mount, &handle.fh, O_RDONLY |
				       O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC |
				       O_NOATIME)) < 0 &&
	       errno == ENOMEM && --tries)
		usleep(1000);
	return fd;
}

int tree_open(const char *path, struct key *root)
{
	int dir, fd;

	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		err(TROUBLE, "cannot open %s", path);
	if (!get_key(dir, "", root))
		errx(TROUBLE, "%s: its file system has no handles (%s): watch another one",
		     path, strerror(errno));

	open_mount(path);
	fd = open_key(own_fd, key_bytes(root));
	if (fd < 0)
		errx(TROUBLE, "%s: cannot be opened by its handle: %s%s", path,
		     strerror(errno), errno == EPERM ? "; be root" :
		     "; some file systems do not allow it, watch another one");
	close(fd);
	return dir;
}

bool tree_path(struct bytes dir, struct real_path *path)
{
	int fd = open_key(mount_fd, dir);
	char link[32];
	ssize_t len;

	if (fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path->at, sizeof(path->at));
	close(fd);
	path->len = len > 0 ? len : 0;
	return len > 0;
}

static int open_dir(struct bytes dir)
{
	int fd = open_key(own_fd, dir);

	if (fd < 0 && errno != ESTALE && errno != ENOENT && errno != ENOTDIR &&
	    errno != ELOOP)
		err(TROUBLE, "cannot open a directory by its handle%s",
		    errno == EMFILE || errno == ENFILE ?
		    "; raise the limit of open files" : "");
	return fd;
}

/* It may be gone, or be another file than the one that was listed. */
static bool is_dir_at(int dir, const struct dirent *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

bool tree_list(struct bytes dir, struct listing *l)
{
	int fd = open_dir(dir);
	struct bytes name;
	struct dirent *d;
	struct key key;
	DIR *stream;

	if (fd < 0)
		return false;
	stream = fdopendir(fd);
	if (!stream)
		err(TROUBLE, "cannot read a directory");
	while (errno = 0, d = readdir(stream)) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		name = (struct bytes){ d->d_name, strlen(d->d_name) };
		if (get_key(fd, d->d_name, &key))
			listing_add(l, name, key_bytes(&key), is_dir_at(fd, d));
		else if (errno != ENOENT && errno != ESTALE)
			warn("cannot get the handle of %s; it is left out",
			     d->d_name);
	}
	if (errno && errno != ENOENT)
		warn("cannot read a directory to its end; names will be missing");
	closedir(stream);
	listing_sort(l);
	return true;
}
