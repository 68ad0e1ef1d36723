// SPDX-License-Identifier: GPL-2.0
/* A tmpfs, the ext4, and an overlay, with the same files in each */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "regress.h"

/* On the ext4, since a tmpfs may have no attributes */
#define BELOW "/mnt/below"
#define LOWER BELOW "/lower"

void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len)
		fail(path);
	close(fd);
}

void write_knob(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);

	if (fd < 0 || write(fd, text, len) != len)
		fail(path);
	close(fd);
}

long swap_knob(const char *path, long value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	long before;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		fail(path);
	close(fd);
	before = atol(text);
	snprintf(text, sizeof(text), "%ld", value);
	write_knob(path, text);
	return before;
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		fail(path);
}

/* This program, which does nothing if its argument is that. */
static void copy_program(const char *path)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (from < 0 || to < 0)
		fail(path);
	while (sendfile(to, from, NULL, 1 << 20) > 0)
		;
	close(from);
	close(to);
}

static void make_files(const char *path)
{
	if (chdir(path))
		fail(path);
	make_dir("dir");
	make_dir("dir/sub");
	make_dir("empty");
	write_text("file", "some text\n");
	write_text("other", "other text\n");
	write_text("evictable", "text\n");
	write_text("denied-open", "text\n");
	write_text("denied-read", "text\n");
	copy_program("denied-exec");
	copy_program("program");
	write_text("script", "#!./program nothing\n");
	write_text("dir/inner", "inner text\n");
	write_text("dir/second", "second text\n");
	write_text("dir/sub/deep", "deep text\n");
	if (symlink("file", "symlink") || mkfifo("fifo", 0644))
		fail(path);
	sync();
	if (chdir("/"))
		fail("/");
}

static void make_tmpfs(void)
{
	make_dir(TOP "/tmpfs");
	if (mount("regress", TOP "/tmpfs", "tmpfs", 0, "mode=755"))
		fail("a tmpfs");
	make_files(TOP "/tmpfs");
}

static void make_ext4(void)
{
	make_files("/mnt");
}

static void make_overlay(void)
{
	char options[256];

	make_dir(TOP "/overlay");
	make_dir(BELOW);
	make_dir(LOWER);
	make_dir(BELOW "/upper");
	make_dir(BELOW "/work");
	make_files(LOWER);
	snprintf(options, sizeof(options),
		 "redirect_dir=on,lowerdir=%s,upperdir=%s,workdir=%s", LOWER,
		 BELOW "/upper", BELOW "/work");
	if (mount("regress", TOP "/overlay", "overlay", 0, options))
		fail("an overlay");
}

void place_unmake(const struct place *place)
{
	if (chdir("/"))
		fail("/");
	if (strcmp(place->path, "/mnt") && umount(place->path))
		fail(place->path);
}

const struct place places[] = {
	{ "tmpfs", TOP "/tmpfs", make_tmpfs },
	{ "ext4", "/mnt", make_ext4 },
	{ "overlayfs", TOP "/overlay", make_overlay, "/mnt/below" },
};

const unsigned int nr_places = ARRAY_SIZE(places);
