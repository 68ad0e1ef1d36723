// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: inotify, dnotify and the fanotify system calls beside
 * socket listeners to the same files
 *
 * Each of them gets exactly what it gets alone: the same things are done
 * without and with socket listeners, who read, open, read through and write to
 * all that they are told of, and what was heard is compared.
 */

#define _GNU_SOURCE
#include "common.h"
#include "company.h"
#include "place.h"
#include "subject.h"

#define SCRIPT "#!/bin/busybox true\n"
#define FILE_PATH PLACE "/file"
#define NEW PLACE "/new"
#define SUBDIR PLACE "/dir"
/* Where an overlay keeps its files. */
#define BELOW TMP "/layers/upper"

static const char * const names[] = { "file", NULL };

static int step_create(void)
{
	return write_file(NEW, SCRIPT);
}

static int step_read(void)
{
	int fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	char buf[64];

	while (read(fd, buf, 8) > 0)
		;
	return close(fd);
}

static int step_open(void)
{
	return open_close(FILE_PATH, O_RDONLY);
}

static int step_write(void)
{
	int fd = open(FILE_PATH, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (write(fd, "#\n", 2) != 2 || write(fd, "#\n", 2) != 2)
		return -1;
	return close(fd);
}

static int step_two_openings(void)
{
	int one = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	int other = open(NEW, O_RDONLY | O_CLOEXEC);
	char c;

	if (pread(one, &c, 1, 0) != 1 || pread(other, &c, 1, 0) != 1 ||
	    pwrite(one, &c, 1, 0) != 1)
		return -1;
	return close(one) || close(other);
}

static int step_truncate(void)
{
	return truncate(FILE_PATH, strlen(SCRIPT));
}

static int step_exec(void)
{
	pid_t child = fork();

	if (!child) {
		execl(FILE_PATH, FILE_PATH, NULL);
		_exit(100);
	}
	return exit_status(child);
}

static int step_child(void)
{
	pid_t child = fork();

	if (!child)
		_exit(step_read() || step_write());
	return exit_status(child);
}

static int step_chmod(void)
{
	return chmod(FILE_PATH, 0700) || chmod(FILE_PATH, 0755);
}

static int step_link(void)
{
	return link(FILE_PATH, PLACE "/link") ||
	       open_close(PLACE "/link", O_RDONLY) || unlink(PLACE "/link");
}

static int step_rename(void)
{
	return rename(NEW, PLACE "/newer") || open_close(PLACE "/newer", O_RDWR) ||
	       rename(PLACE "/newer", NEW);
}

static int step_mkdir(void)
{
	return mkdir(SUBDIR, 0755) || write_file(SUBDIR "/file", SCRIPT);
}

static int step_readdir(void)
{
	int fd = open(SUBDIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[1024];

	while (syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0)
		;
	return close(fd);
}

static int step_rmdir(void)
{
	return unlink(SUBDIR "/file") || rmdir(SUBDIR);
}

static int step_replace(void)
{
	return rename(NEW, FILE_PATH);
}

static int step_unlink(void)
{
	return unlink(FILE_PATH);
}

/* In this order. */
static const struct step {
	const char *name;
	int (*call)(void);
} steps[] = {
	{ "create", step_create },
	{ "read", step_read },
	{ "open", step_open },
	{ "write", step_write },
	{ "read again", step_read },
	{ "two openings", step_two_openings },
	{ "truncate", step_truncate },
	{ "exec", step_exec },
	{ "child", step_child },
	{ "chmod", step_chmod },
	{ "link", step_link },
	{ "rename", step_rename },
	{ "mkdir", step_mkdir },
	{ "readdir", step_readdir },
	{ "rmdir", step_rmdir },
	{ "replace", step_replace },
	{ "read the new one", step_read },
	{ "unlink", step_unlink },
};

FIXTURE(coexist)
{
	struct record *alone, *together;
};

FIXTURE_VARIANT(coexist) {
	enum place place;
	/* Listens to what is below the overlay. */
	bool below;
	const struct subject *subject;
};

FIXTURE_VARIANT_ADD(coexist, inotify_file) {
	.subject = &inotify_file,
};

FIXTURE_VARIANT_ADD(coexist, inotify_dir) {
	.subject = &inotify_dir,
};

FIXTURE_VARIANT_ADD(coexist, inotify_oneshot) {
	.subject = &inotify_oneshot,
};

FIXTURE_VARIANT_ADD(coexist, dnotify) {
	.subject = &dnotify,
};

FIXTURE_VARIANT_ADD(coexist, notify_inode) {
	.subject = &notify_inode,
};

FIXTURE_VARIANT_ADD(coexist, notify_mount) {
	.subject = &notify_mount,
};

FIXTURE_VARIANT_ADD(coexist, notify_sb) {
	.subject = &notify_sb,
};

FIXTURE_VARIANT_ADD(coexist, content_inode) {
	.subject = &content_inode,
};

FIXTURE_VARIANT_ADD(coexist, content_mount) {
	.subject = &content_mount,
};

FIXTURE_VARIANT_ADD(coexist, content_sb) {
	.subject = &content_sb,
};

FIXTURE_VARIANT_ADD(coexist, fid_inode) {
	.subject = &fid_inode,
};

FIXTURE_VARIANT_ADD(coexist, name_sb) {
	.subject = &name_sb,
};

FIXTURE_VARIANT_ADD(coexist, ignoring) {
	.subject = &ignoring,
};

FIXTURE_VARIANT_ADD(coexist, ext4_inotify_dir) {
	.place = ON_EXT4,
	.subject = &inotify_dir,
};

FIXTURE_VARIANT_ADD(coexist, ext4_dnotify) {
	.place = ON_EXT4,
	.subject = &dnotify,
};

FIXTURE_VARIANT_ADD(coexist, ext4_content_sb) {
	.place = ON_EXT4,
	.subject = &content_sb,
};

FIXTURE_VARIANT_ADD(coexist, ext4_name_sb) {
	.place = ON_EXT4,
	.subject = &name_sb,
};

FIXTURE_VARIANT_ADD(coexist, overlay_inotify_file) {
	.place = ON_OVERLAY_OF_TMPFS,
	.subject = &inotify_file,
};

FIXTURE_VARIANT_ADD(coexist, overlay_notify_mount) {
	.place = ON_OVERLAY_OF_TMPFS,
	.subject = &notify_mount,
};

FIXTURE_VARIANT_ADD(coexist, overlay_content_inode) {
	.place = ON_OVERLAY_OF_TMPFS,
	.subject = &content_inode,
};

FIXTURE_VARIANT_ADD(coexist, below_overlay_inotify_dir) {
	.place = ON_OVERLAY_OF_TMPFS,
	.below = true,
	.subject = &inotify_dir,
};

FIXTURE_VARIANT_ADD(coexist, below_overlay_dnotify) {
	.place = ON_OVERLAY_OF_TMPFS,
	.below = true,
	.subject = &dnotify,
};

FIXTURE_VARIANT_ADD(coexist, below_overlay_notify_inode) {
	.place = ON_OVERLAY_OF_TMPFS,
	.below = true,
	.subject = &notify_inode,
};

FIXTURE_VARIANT_ADD(coexist, below_overlay_content_inode) {
	.place = ON_OVERLAY_OF_TMPFS,
	.below = true,
	.subject = &content_inode,
};

FIXTURE_SETUP(coexist)
{
	self->alone = calloc(2, sizeof(*self->alone));
	ASSERT_NE(NULL, self->alone);
	self->together = self->alone + 1;
}

FIXTURE_TEARDOWN(coexist)
{
	free(self->alone);
}

/* Does it all on a fresh file system and records what the subject hears. */
static void run(struct __test_metadata *_metadata,
		const FIXTURE_VARIANT(coexist) *variant, struct company *c,
		struct record *r)
{
	const char *dir = variant->below ? BELOW : PLACE;
	const char *file = variant->below ? BELOW "/file" : FILE_PATH;
	const struct step *step;
	int fd;

	make_place(_metadata, variant->place, names, SCRIPT);
	/* The numbers in the record are the same if these are. */
	fd = variant->subject->start(dir, file);
	ASSERT_LE(0, fd);
	/*
	 * To open a directory of an overlay is to open those below, which is
	 * an event as any other: see the limits in the documentation.
	 */
	if (c)
		company_start(_metadata, c, variant->below ? 0 : FAN_ONDIR);
	for (step = steps; step < steps + ARRAY_SIZE(steps); step++) {
		note(r, "%s\n", step->name);
		ASSERT_EQ(0, step->call())
			TH_LOG("%s", step->name);
		if (c)
			ASSERT_EQ(0, company_work(c));
		variant->subject->take(r, fd);
	}
	if (c)
		company_leave(c);
	ASSERT_EQ(0, close(fd));
}

static int lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

TEST_F(coexist, same_as_alone)
{
	const char *line;
	struct company c;
	int i;

	run(_metadata, variant, NULL, self->alone);
	run(_metadata, variant, &c, self->together);
	line = first_difference(self->alone->text, self->together->text);
	EXPECT_EQ(NULL, line) {
		TH_LOG("alone:\n%s", self->alone->text);
		TH_LOG("together:\n%s", self->together->text);
		TH_LOG("they part at: %s", line);
	}
	/* It did hear something, and it is all there. */
	EXPECT_LT(ARRAY_SIZE(steps) + 5, lines(self->alone->text));
	EXPECT_GT(sizeof(self->alone->text) - 1, self->alone->len);
	/* The company was there as well, and heard what it did itself. */
	for (i = 0; i < 3; i++)
		EXPECT_LT(10, c.heard[i]);
	EXPECT_LT(10, c.loud);
	EXPECT_LT(10, c.quiet);
}

/* Nor do socket listeners hear what is opened for a group of the calls. */
FIXTURE(their_fds) {};

FIXTURE_VARIANT(their_fds) {
	enum place place;
	unsigned int class;
};

FIXTURE_VARIANT_ADD(their_fds, notify) {
	.class = FAN_CLASS_NOTIF,
};

FIXTURE_VARIANT_ADD(their_fds, content) {
	.class = FAN_CLASS_CONTENT,
};

FIXTURE_VARIANT_ADD(their_fds, notify_overlay) {
	.place = ON_OVERLAY_OF_TMPFS,
	.class = FAN_CLASS_NOTIF,
};

FIXTURE_SETUP(their_fds)
{
	make_place(_metadata, variant->place, names, SCRIPT);
}

FIXTURE_TEARDOWN(their_fds) {}

TEST_F(their_fds, are_silent)
{
	int group = result(fanotify_init(variant->class | FAN_NONBLOCK,
					 O_RDWR | O_LARGEFILE));
	struct fanotify_event_metadata ev;
	struct company c;
	int i;

	ASSERT_LE(0, group);
	ASSERT_EQ(0, fan_mark(group, 0, FAN_OPEN, FILE_PATH));
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDWR));
	company_start(_metadata, &c, FAN_ONDIR);
	ASSERT_EQ(sizeof(ev), read(group, &ev, sizeof(ev)));
	ASSERT_LE(0, ev.fd);
	use_fd(ev.fd, O_RDWR);
	ASSERT_EQ(0, close(ev.fd));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, own_events(c.socks[i]));
	/* They do hear others. */
	ASSERT_EQ(0, open_close(FILE_PATH, O_RDWR));
	for (i = 0; i < 3; i++)
		EXPECT_LT(0, own_events(c.socks[i]));
	company_leave(&c);
}

TEST_HARNESS_MAIN
