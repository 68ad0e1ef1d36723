// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: groups of the fanotify system calls that are asked for
 * permission, beside socket listeners that are not
 *
 * They are asked the same questions, and what they deny is denied. What is
 * opened for a socket listener they are not asked about: the one who is to
 * answer may be waiting for the listener.
 */

#define _GNU_SOURCE
#include "common.h"
#include "company.h"
#include "place.h"
#include "subject.h"

#define SCRIPT "#!/bin/busybox true\n"
#define FILE_PATH PLACE "/file"
/* Where an overlay keeps its files. */
#define BELOW TMP "/layers/upper"

static const char * const names[] = { "file", "denied", "unreadable", NULL };

/* Runs the file: its exit status. */
static int run_it(void)
{
	pid_t child = fork();

	if (!child) {
		execl(FILE_PATH, FILE_PATH, NULL);
		_exit(100);
	}
	return exit_status(child);
}

/**
 * struct judge - a thread that answers for a group with permission events
 *
 * @group: The group.
 * @stop: An eventfd that ends the thread.
 * @asked: How many questions were put.
 * @r: What was asked, and what the answer was.
 * @thread: The thread.
 *
 * It denies to open what is called "denied", and to read "unreadable".
 */
struct judge {
	int group;
	int stop;
	int asked;
	struct record *r;
	pthread_t thread;
};

static void judge_one(struct judge *j, const struct fanotify_event_metadata *ev)
{
	struct fanotify_response answer = { .fd = ev->fd };
	char name[128];
	bool deny;

	name_of(ev->fd, name, sizeof(name));
	deny = ev->mask & FAN_ACCESS_PERM ? strstr(name, "unreadable") :
					    strstr(name, "denied");
	answer.response = deny ? FAN_DENY : FAN_ALLOW;
	note(j->r, "  asked %llx of %s by %s: %s\n",
	     (unsigned long long)ev->mask, name,
	     ev->pid == getpid() ? "me" : "another", deny ? "no" : "yes");
	j->asked++;
	if (write(j->group, &answer, sizeof(answer)) != sizeof(answer))
		note(j->r, "  no answer: %d\n", errno);
	close(ev->fd);
}

static void *judge_main(void *arg)
{
	struct judge *j = arg;
	struct pollfd pfds[] = {
		{ .fd = j->group, .events = POLLIN },
		{ .fd = j->stop, .events = POLLIN },
	};
	struct fanotify_event_metadata ev;

	while (poll(pfds, 2, -1) > 0 && !pfds[1].revents) {
		while (read(j->group, &ev, sizeof(ev)) == sizeof(ev))
			judge_one(j, &ev);
	}
	return NULL;
}

static void judge_start(struct __test_metadata *_metadata, struct judge *j,
			int group, struct record *r)
{
	*j = (struct judge){ .group = group, .r = r };
	j->stop = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, j->stop);
	ASSERT_EQ(0, pthread_create(&j->thread, NULL, judge_main, j));
}

static void judge_end(struct __test_metadata *_metadata, struct judge *j)
{
	ASSERT_EQ(0, eventfd_write(j->stop, 1));
	ASSERT_EQ(0, pthread_join(j->thread, NULL));
	close(j->stop);
	close(j->group);
}

/* Opens @path, reads, and tells both results. */
static void try(struct record *r, const char *path)
{
	int fd = result(open(path, O_RDWR | O_CLOEXEC));
	char c;

	note(r, "%s: open %d", path, fd < 0 ? fd : 0);
	if (fd >= 0) {
		note(r, " read %ld", result(read(fd, &c, 1)));
		note(r, " again %ld", result(read(fd, &c, 1)));
		close(fd);
	}
	note(r, "\n");
}

#define PERMISSION_EVENTS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)

/* Groups that are asked for permission. */
FIXTURE(permission)
{
	struct record *alone, *together;
};

FIXTURE_VARIANT(permission) {
	enum place place;
	unsigned int mark;
	/* What is marked. */
	const char *path;
};

FIXTURE_VARIANT_ADD(permission, sb) {
	.mark = FAN_MARK_FILESYSTEM,
	.path = PLACE,
};

FIXTURE_VARIANT_ADD(permission, mount) {
	.mark = FAN_MARK_MOUNT,
	.path = PLACE,
};

FIXTURE_VARIANT_ADD(permission, inode) {
	.mark = 0,
	.path = PLACE "/unreadable",
};

FIXTURE_VARIANT_ADD(permission, ext4_sb) {
	.place = ON_EXT4,
	.mark = FAN_MARK_FILESYSTEM,
	.path = PLACE,
};

FIXTURE_VARIANT_ADD(permission, overlay_mount) {
	.place = ON_OVERLAY_OF_TMPFS,
	.mark = FAN_MARK_MOUNT,
	.path = PLACE,
};

FIXTURE_VARIANT_ADD(permission, below_overlay_inode) {
	.place = ON_OVERLAY_OF_TMPFS,
	.mark = 0,
	.path = BELOW "/unreadable",
};

FIXTURE_SETUP(permission)
{
	self->alone = calloc(2, sizeof(*self->alone));
	ASSERT_NE(NULL, self->alone);
	self->together = self->alone + 1;
}

FIXTURE_TEARDOWN(permission)
{
	free(self->alone);
}

/*
 * The thread that asks waits for the answer, so the two write to the record in
 * turn. The listeners' event fds are not asked about.
 */
static void run_permission(struct __test_metadata *_metadata,
			   const FIXTURE_VARIANT(permission) *variant,
			   struct company *c, struct record *r)
{
	static const char * const paths[] = {
		FILE_PATH, PLACE "/denied", PLACE "/unreadable", FILE_PATH,
	};
	struct judge j;
	int group, asked;
	size_t i;

	make_place(_metadata, variant->place, names, SCRIPT);
	group = fan_group(FAN_CLASS_CONTENT);
	ASSERT_LE(0, group);
	ASSERT_EQ(0, fan_mark(group, variant->mark, PERMISSION_EVENTS,
			      variant->path));
	judge_start(_metadata, &j, group, r);
	if (c)
		company_start(_metadata, c, FAN_ONDIR);
	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		try(r, paths[i]);
		asked = j.asked;
		if (c)
			ASSERT_EQ(0, company_work(c));
		EXPECT_EQ(asked, j.asked);
	}
	note(r, "exec: %d\n", run_it());
	asked = j.asked;
	if (c) {
		ASSERT_EQ(0, company_work(c));
		EXPECT_EQ(asked, j.asked);
		company_leave(c);
	}
	EXPECT_LT(0, asked);
	judge_end(_metadata, &j);
}

TEST_F(permission, same_verdicts)
{
	const char *line;
	struct company c;
	int i;

	run_permission(_metadata, variant, NULL, self->alone);
	run_permission(_metadata, variant, &c, self->together);
	line = first_difference(self->alone->text, self->together->text);
	EXPECT_EQ(NULL, line) {
		TH_LOG("alone:\n%s", self->alone->text);
		TH_LOG("together:\n%s", self->together->text);
		TH_LOG("they part at: %s", line);
	}
	EXPECT_NE(NULL, strstr(self->alone->text, "read -1"));
	for (i = 0; i < 3; i++)
		EXPECT_LT(0, c.heard[i]);
}

/*
 * A file is open when the first permission mark comes. Whether its reads are
 * asked about was settled when it was opened: they are if a group of the class
 * that may ask had any mark on the file system. Socket listeners, who are of
 * that class inside, are none that count, and none that hide another.
 */
FIXTURE(opened_before)
{
	struct company c;
	struct record *r;
};

FIXTURE_VARIANT(opened_before) {
	/* What has a mark without a permission bit then, if anything has. */
	const char *marked;
	/* It is that of a group that may ask. */
	bool content;
	bool company;
	int asked;
};

FIXTURE_VARIANT_ADD(opened_before, marked) {
	.marked = FILE_PATH,
	.content = true,
	.asked = 1,
};

FIXTURE_VARIANT_ADD(opened_before, marked_together) {
	.marked = FILE_PATH,
	.content = true,
	.company = true,
	.asked = 1,
};

FIXTURE_VARIANT_ADD(opened_before, another_marked) {
	.marked = PLACE "/denied",
	.content = true,
	.asked = 1,
};

FIXTURE_VARIANT_ADD(opened_before, another_marked_together) {
	.marked = PLACE "/denied",
	.content = true,
	.company = true,
	.asked = 1,
};

FIXTURE_VARIANT_ADD(opened_before, marked_to_notify) {
	.marked = FILE_PATH,
};

FIXTURE_VARIANT_ADD(opened_before, marked_to_notify_together) {
	.marked = FILE_PATH,
	.company = true,
};

FIXTURE_VARIANT_ADD(opened_before, nothing_marked) {
};

FIXTURE_VARIANT_ADD(opened_before, nothing_marked_together) {
	.company = true,
};

FIXTURE_SETUP(opened_before)
{
	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	self->r = calloc(1, sizeof(*self->r));
	ASSERT_NE(NULL, self->r);
	if (variant->company)
		company_start(_metadata, &self->c, FAN_ONDIR);
}

FIXTURE_TEARDOWN(opened_before)
{
	if (variant->company)
		company_leave(&self->c);
	free(self->r);
}

TEST_F(opened_before, the_first_permission_mark)
{
	int group, notify = -1, fd;
	struct judge j;
	char c;

	group = fan_group(FAN_CLASS_CONTENT);
	ASSERT_LE(0, group);
	if (variant->marked) {
		notify = fan_group(FAN_CLASS_NOTIF);
		ASSERT_LE(0, notify);
		ASSERT_EQ(0, fan_mark(variant->content ? group : notify, 0,
				      FAN_MODIFY, variant->marked));
	}
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fan_mark(group, 0, FAN_ACCESS_PERM, FILE_PATH));
	judge_start(_metadata, &j, group, self->r);

	EXPECT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(variant->asked, j.asked);
	EXPECT_EQ(0, close(fd));
	/* What is opened from now on is asked about in any case. */
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, read(fd, &c, 1));
	EXPECT_EQ(variant->asked + 1, j.asked);
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, variant->company ? company_work(&self->c) : 0);
	EXPECT_EQ(variant->asked + 1, j.asked);
	judge_end(_metadata, &j);
	close(notify);
}

TEST_HARNESS_MAIN
