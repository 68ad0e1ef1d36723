// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers that the kernel chooses get names in the order in which they appear:
 * P1 is the first process, I7 the seventh inode.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "regress.h"

struct name {
	char kind;
	char key[300];
	char name[12];
};

/* The thread that answers tells only what others wait for. */
static struct name names[8192];
static int nr_names;

const char *name_of(char kind, const char *format, ...)
{
	struct name *n = &names[nr_names];
	int i, count = 1;
	va_list args;

	if (nr_names == ARRAY_SIZE(names))
		fail("too many names");
	va_start(args, format);
	vsnprintf(n->key, sizeof(n->key), format, args);
	va_end(args);
	for (i = 0; i < nr_names; i++) {
		if (names[i].kind != kind)
			continue;
		if (!strcmp(names[i].key, n->key))
			return names[i].name;
		count++;
	}
	n->kind = kind;
	snprintf(n->name, sizeof(n->name), "%c%d", kind, count);
	nr_names++;
	return n->name;
}

void forget_pids(void)
{
	int i;

	for (i = 0; i < nr_names; i++) {
		if (names[i].kind == NAME_PID)
			names[i].kind = 0;
	}
	name_of_pid(getpid());
}

/* 0 and -1 mean something. */
const char *name_of_pid(int pid)
{
	static char plain[12];

	if (pid > 0)
		return name_of(NAME_PID, "%d", pid);
	snprintf(plain, sizeof(plain), "%d", pid);
	return plain;
}

/* As fdinfo shows the number of a file system */
static unsigned int shown_dev(const struct stat *st)
{
	return major(st->st_dev) << 20 | minor(st->st_dev);
}

static const char *name_of_inode(unsigned int dev, unsigned long ino)
{
	return name_of(NAME_INODE, "%x %lx", dev, ino);
}

static const char *name_of_dev(unsigned int dev)
{
	return name_of(NAME_DEV, "%x", dev);
}

void tell_fd(int fd)
{
	char link[64], path[512];
	struct stat st;
	ssize_t len;

	if (fd < 0) {
		tell("fd ");
		tell_result(fd);
		return;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0 || fstat(fd, &st))
		fail("an event's descriptor");
	path[len] = 0;
	tell("%s %s %s mode %#o flags %#x cloexec %d", path,
	     name_of_dev(shown_dev(&st)),
	     name_of_inode(shown_dev(&st), st.st_ino), st.st_mode,
	     fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
}

/* A word "key:value" of a line; @ino is that which stood before. */
static void tell_word(const char *key, const char *value, int base,
		      unsigned long *ino)
{
	unsigned long number = strtoul(value, NULL, base);

	if (!strcmp(key, "ino")) {
		/* Nothing without the file system's number, which follows. */
		*ino = number;
	} else if (!strcmp(key, "sdev")) {
		if (*ino)
			tell(" ino:%s", name_of_inode(number, *ino));
		tell(" sdev:%s", name_of_dev(number));
	} else if (!strcmp(key, "f_handle")) {
		tell(" f_handle:%s", name_of(NAME_HANDLE, "%s", value));
	} else if (!strcmp(key, "mnt_id")) {
		tell(" mnt_id:%s", name_of(NAME_MOUNT, "%lx", number));
	} else {
		tell(" %s:%s", key, value);
	}
}

static void tell_words(char *line)
{
	int base = strstr(line, "notify ") ? 16 : 10;
	char *word, *colon, *value, *rest;
	unsigned long ino = 0;

	for (word = strtok_r(line, " \t", &rest); word;
	     word = strtok_r(NULL, " \t", &rest)) {
		colon = strchr(word, ':');
		if (!colon) {
			tell(" %s", word);
			continue;
		}
		*colon = 0;
		value = colon[1] ? colon + 1 : strtok_r(NULL, " \t", &rest);
		tell_word(word, value ?: "", base, &ino);
	}
	tell("\n");
}

void tell_fdinfo(const char *who, int fd)
{
	char path[64], line[1024];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		tell("  fdinfo of %s:", who);
		tell_words(line);
	}
	fclose(f);
}
