// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: an answer that is kept (FAN_CACHE), and what ends that
 *
 * The listener's own process changes the files, and is not heard itself
 * (FANOTIFY_IGNORE_SELF): a verdict must not outlive that either.
 */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/xattr.h>

#include "place.h"
#include "change.h"
#include "marks.h"
#include "sentry.h"

#define FILE_PATH PLACE "/file"
#define OTHER_PATH PLACE "/other"
#define LINK_PATH PLACE "/link"

static const char * const names[] = { "file", "other", NULL };

FIXTURE(verdict)
{
	struct stat st;
	int sock;
	long limit;
};

FIXTURE_VARIANT(verdict) {
	enum place place;
	enum kind kind;
	__u32 event;
	long (*call)(const char *path);
};

#define VARIANT(name, place_, kind_, event_) \
	FIXTURE_VARIANT_ADD(verdict, name) { \
		.place = place_, \
		.kind = kind_, \
		.event = event_, \
		.call = event_ == FAN_OPEN_PERM ? do_open : do_read, \
	}

VARIANT(global_open, ON_TMPFS, GLOBAL, FAN_OPEN_PERM);
VARIANT(global_read, ON_TMPFS, GLOBAL, FAN_ACCESS_PERM);
VARIANT(by_file_open, ON_TMPFS, BY_FILE, FAN_OPEN_PERM);
VARIANT(by_file_read, ON_TMPFS, BY_FILE, FAN_ACCESS_PERM);
VARIANT(by_parent_open, ON_TMPFS, BY_PARENT, FAN_OPEN_PERM);
VARIANT(by_parent_read, ON_TMPFS, BY_PARENT, FAN_ACCESS_PERM);
VARIANT(ext4_global_open, ON_EXT4, GLOBAL, FAN_OPEN_PERM);
VARIANT(ext4_by_file_read, ON_EXT4, BY_FILE, FAN_ACCESS_PERM);
VARIANT(ext4_by_parent_open, ON_EXT4, BY_PARENT, FAN_OPEN_PERM);
VARIANT(upper_global_read, ON_OVERLAY_OF_TMPFS, GLOBAL, FAN_ACCESS_PERM);
VARIANT(upper_by_file_open, ON_OVERLAY_OF_TMPFS, BY_FILE, FAN_OPEN_PERM);
VARIANT(lower_global_open, ON_OVERLAY_OF_EXT4, GLOBAL, FAN_OPEN_PERM);
VARIANT(lower_by_parent_read, ON_OVERLAY_OF_EXT4, BY_PARENT, FAN_ACCESS_PERM);

FIXTURE_SETUP(verdict)
{
	self->limit = read_number(MAX_USER_MARKS);
	ASSERT_LT(0, self->limit);
	make_place(_metadata, variant->place, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0, variant->event, PLACE,
				FILE_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	/* With this the listener begins to keep: not yet this one. */
	ASSERT_EQ(1, asks(self->sock, &self->st, variant->call, FILE_PATH,
			  KEEP));
}

FIXTURE_TEARDOWN(verdict)
{
	EXPECT_EQ(0, write_number(MAX_USER_MARKS, self->limit));
}

/* How often is asked about the file, or -EPERM if it is denied? */
#define ASKS(response) \
	asks(self->sock, &self->st, variant->call, FILE_PATH, response)
#define PASSES() EXPECT_EQ(0, ASKS(FAN_DENY))
#define IS_ASKED() EXPECT_EQ(1, ASKS(FAN_ALLOW))

/* The file has a verdict now. */
#define HAVE_KEPT() \
	do { \
		ASSERT_EQ(1, ASKS(KEEP)); \
		ASSERT_EQ(0, ASKS(FAN_DENY)); \
	} while (0)

TEST_F(verdict, kept)
{
	__u32 mask = variant->kind == BY_FILE ? variant->event : 0;
	struct stat other;
	int i;

	IS_ASKED();
	IS_ASKED();
	EXPECT_EQ(1, ASKS(KEEP));
	for (i = 0; i < 3; i++)
		PASSES();
	EXPECT_EQ(MASKS(mask, variant->event),
		  shown_masks(self->sock, &self->st));
	EXPECT_EQ(0, drain(self->sock));

	/* It holds for no other file. */
	ASSERT_EQ(0, stat(OTHER_PATH, &other));
	EXPECT_EQ(variant->kind != BY_FILE,
		  asks(self->sock, &other, variant->call, OTHER_PATH,
		       FAN_ALLOW));
}

/* What does not change what is in the file */
TEST_F(verdict, outlives_what_changes_nothing)
{
	char *mem;
	int fd;

	HAVE_KEPT();
	EXPECT_EQ(0, read_one_byte(FILE_PATH));
	PASSES();
	EXPECT_EQ(0, chmod(FILE_PATH, 0700));
	PASSES();
	EXPECT_EQ(0, utimensat(AT_FDCWD, FILE_PATH, NULL, 0));
	PASSES();
	EXPECT_EQ(0, rename(FILE_PATH, LINK_PATH));
	EXPECT_EQ(0, rename(LINK_PATH, FILE_PATH));
	PASSES();
	EXPECT_EQ(0, link(FILE_PATH, LINK_PATH));
	EXPECT_EQ(0, unlink(LINK_PATH));
	PASSES();
	fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, mem);
	mem[0] = '!';
	PASSES();
	EXPECT_EQ(0, munmap(mem, 4096));
	EXPECT_EQ(0, close(fd));
	/* Who may not is no writer. */
	fd = open(FILE_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	EXPECT_EQ(-EEXIST, result(fd));
	PASSES();
	EXPECT_EQ(0, by_write(OTHER_PATH));
	PASSES();
}

TEST_F(verdict, dropped_by_each_change)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		HAVE_KEPT();
		ASSERT_EQ(0, changes[i].change(FILE_PATH))
			TH_LOG("%s", changes[i].name);
		EXPECT_EQ(1, ASKS(FAN_ALLOW)) {
			TH_LOG("%s", changes[i].name);
		}
	}
	/* The answer after the change is one to be kept again. */
	HAVE_KEPT();
}

/* Its own open is not asked about: it changes nothing yet. */
TEST_F(verdict, dropped_by_another_process)
{
	HAVE_KEPT();
	EXPECT_EQ(0, asks(self->sock, &self->st, by_write, FILE_PATH,
			  FAN_ALLOW));
	IS_ASKED();
}

TEST_F(verdict, not_kept_if_changed_before_the_answer)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++) {
		ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
		ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
		ASSERT_EQ(0, changes[i].change(FILE_PATH));
		close_event(&ev);
		EXPECT_EQ(0, answer(self->sock, ev.cookie, KEEP));
		EXPECT_EQ(0, answer_doer(self->sock, &self->st, &doer,
					 FAN_DENY));
		EXPECT_EQ(1, ASKS(FAN_ALLOW)) {
			TH_LOG("%s", changes[i].name);
		}
	}
	HAVE_KEPT();
}

/* A writer that is there when the file is asked about, and no longer */
TEST_F(verdict, not_kept_with_a_writer_at_the_question)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int fd;

	fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, KEEP));
	EXPECT_EQ(0, answer_doer(self->sock, &self->st, &doer, FAN_DENY));
	IS_ASKED();
	HAVE_KEPT();
}

TEST_F(verdict, not_kept_with_a_writer_at_the_answer)
{
	int fd, i;

	HAVE_KEPT();
	fd = open(FILE_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, ASKS(KEEP));
	EXPECT_EQ(1, write(fd, "#", 1));
	EXPECT_EQ(1, ASKS(KEEP));
	ASSERT_EQ(0, close(fd));
	IS_ASKED();
	HAVE_KEPT();
}

/* What is written through a mapping nobody hears of. */
TEST_F(verdict, not_kept_while_mapped_writable)
{
	char *mem;
	int i;

	HAVE_KEPT();
	mem = map_writable(FILE_PATH);
	ASSERT_NE(MAP_FAILED, mem);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, ASKS(KEEP));
	mem[1] = '!';
	EXPECT_EQ(1, ASKS(KEEP));
	ASSERT_EQ(0, munmap(mem, 4096));
	IS_ASKED();
	HAVE_KEPT();
}

/* It could be written to, even if it cannot right now. */
TEST_F(verdict, not_kept_while_mapped_to_become_writable)
{
	char *mem = map_writable(FILE_PATH);

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, mprotect(mem, 4096, PROT_READ));
	EXPECT_EQ(1, ASKS(KEEP));
	IS_ASKED();
	ASSERT_EQ(0, mprotect(mem, 4096, PROT_READ | PROT_WRITE));
	mem[1] = '!';
	ASSERT_EQ(0, munmap(mem, 4096));
	HAVE_KEPT();
}

/* A verdict is about what is in the file, whatever name it has. */
TEST_F(verdict, hard_link)
{
	HAVE_KEPT();
	ASSERT_EQ(0, link(FILE_PATH, LINK_PATH));
	ASSERT_EQ(0, stat(LINK_PATH, &self->st));
	EXPECT_EQ(0, asks(self->sock, &self->st, variant->call, LINK_PATH,
			  FAN_DENY));
	ASSERT_EQ(0, by_write(LINK_PATH));
	IS_ASKED();
	EXPECT_EQ(1, ASKS(KEEP));
	EXPECT_EQ(0, asks(self->sock, &self->st, variant->call, LINK_PATH,
			  FAN_DENY));
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_EQ(0, asks(self->sock, &self->st, variant->call, LINK_PATH,
			  FAN_DENY));
	ASSERT_EQ(0, by_mapping(LINK_PATH));
	EXPECT_EQ(1, asks(self->sock, &self->st, variant->call, LINK_PATH,
			  FAN_ALLOW));
}

static int forget(int sock)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_FORGET, NULL,
				 0));
}

TEST_F(verdict, forgotten)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	/* None is fine as well. */
	EXPECT_EQ(0, forget(self->sock));
	HAVE_KEPT();
	ASSERT_EQ(0, forget(self->sock));
	IS_ASKED();
	HAVE_KEPT();
	ASSERT_EQ(0, forget(self->sock));

	/* Nor is one kept that was given before. */
	ASSERT_TRUE(doer_start(&doer, variant->call, FILE_PATH));
	ASSERT_EQ(0, next_question(self->sock, &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, forget(self->sock));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, KEEP));
	EXPECT_EQ(0, answer_doer(self->sock, &self->st, &doer, FAN_DENY));
	IS_ASKED();
	HAVE_KEPT();
}

/*
 * A mark is needed to keep it. That there can be none is nobody's fault; who
 * has one already needs no other.
 */
TEST_F(verdict, limit_of_marks)
{
	int marks = shown_marks(self->sock);
	struct stat other;

	/* There may be one of what is below an overlay. */
	ASSERT_LE(variant->kind != GLOBAL, marks);
	ASSERT_EQ(0, stat(OTHER_PATH, &other));
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, 0));
	EXPECT_EQ(1, ASKS(KEEP));
	EXPECT_EQ(variant->kind != BY_FILE, ASKS(FAN_ALLOW));
	EXPECT_EQ(marks, shown_marks(self->sock));

	/* Room for one more, in the half that there is for such marks */
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, 2 * marks + 2));
	ASSERT_EQ(0, forget(self->sock));
	HAVE_KEPT();
	if (variant->kind != BY_FILE) {
		EXPECT_EQ(1, asks(self->sock, &other, variant->call,
				  OTHER_PATH, KEEP));
		EXPECT_EQ(1, asks(self->sock, &other, variant->call,
				  OTHER_PATH, FAN_ALLOW));
		/* The other half is the listener's. */
		EXPECT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, FAN_CLOSE));
		EXPECT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, 0));
	}
	PASSES();
	ASSERT_EQ(0, by_write(FILE_PATH));
	HAVE_KEPT();
}

/* Others have not given it. */
TEST_F(verdict, holds_for_nobody_else)
{
	int other = new_sentry(GLOBAL, 1, variant->event, NULL, NULL);
	struct sentry sentry = {};

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_patient(other));
	ASSERT_TRUE(sentry_start(&sentry, other, FILE_PATH));
	HAVE_KEPT();
	EXPECT_EQ(2, sentry_about(&sentry));
	PASSES();
	EXPECT_EQ(3, sentry_about(&sentry));
	EXPECT_EQ(0, sentry_end(&sentry));
}

/* The file of an event that can be written to is one that is open for that. */
TEST(event_fds_for_writing)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;
	int sock, i;

	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	sock = new_listener(0, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, mark_path(sock, FILE_PATH, FAN_OPEN_PERM, 0));
	ASSERT_EQ(0, set_patient(sock));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
		ASSERT_EQ(0, next_question(sock, &st, &ev));
		EXPECT_EQ(0, answer(sock, ev.cookie, KEEP));
		EXPECT_EQ(0, doer_result(&doer));
		close_event(&ev);
	}
	/* This closes it first, but has it opened all the same. */
	EXPECT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(-EPERM, asks(sock, &st, do_open, FILE_PATH, FAN_DENY));
}

/* Who has a memfd can write to it through a mapping, and is not counted. */
TEST(memfd)
{
	char path[64];
	struct stat st;
	int sock, fd, i;

	fd = memfd_create("verdict_test", MFD_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(4, write(fd, "text", 4));
	ASSERT_EQ(0, fstat(fd, &st));
	sock = global_listener(FAN_OPEN_PERM);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_u32(sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_patient(sock));
	sprintf(path, "/proc/%d/fd/%d", getpid(), fd);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(1, asks(sock, &st, do_open, path, KEEP));
	EXPECT_EQ(-EPERM, asks(sock, &st, do_open, path, FAN_DENY));
}

TEST(executed)
{
	struct stat st;
	int sock;

	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	sock = new_sentry(GLOBAL, 0, FAN_OPEN_EXEC_PERM, NULL, NULL);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	ASSERT_EQ(1, asks(sock, &st, do_exec, FILE_PATH, KEEP));
	ASSERT_EQ(1, asks(sock, &st, do_exec, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(sock, &st, do_exec, FILE_PATH, FAN_DENY));
	ASSERT_EQ(0, by_write(FILE_PATH));
	EXPECT_EQ(1, asks(sock, &st, do_exec, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(sock, &st, do_exec, FILE_PATH, FAN_DENY));
}

/* Each event has a verdict of its own. */
TEST(event_by_event)
{
	struct stat st;
	int sock;

	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	sock = new_sentry(BY_FILE, 0, FAN_OPEN_PERM | FAN_ACCESS_PERM, NULL,
			  FILE_PATH);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	/* The open passes, and the read is asked about. */
	EXPECT_EQ(1, asks(sock, &st, do_read, FILE_PATH, FAN_ALLOW));
	EXPECT_EQ(1, asks(sock, &st, do_read, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(sock, &st, do_read, FILE_PATH, FAN_DENY));
	ASSERT_EQ(0, asks(sock, &st, by_write, FILE_PATH, FAN_DENY));
	EXPECT_EQ(2, asks(sock, &st, do_read, FILE_PATH, FAN_ALLOW));
}

TEST(through_another_mount)
{
	struct stat st;
	int sock;

	make_place(_metadata, ON_BIND_MOUNT, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	sock = new_sentry(GLOBAL, 0, FAN_OPEN_PERM, NULL, NULL);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(sock, &st, do_open, BOUND "/file", FAN_DENY));
	ASSERT_EQ(0, by_write(BOUND "/file"));
	EXPECT_EQ(1, asks(sock, &st, do_open, FILE_PATH, FAN_ALLOW));
}

/* What overlayfs only finds when it is opened may not be there. */
TEST(overlay_without_data)
{
	struct stat st, other;
	int sock, i;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(PLACE, 0755));
	ASSERT_EQ(0, mkdir(TMP "/layers", 0755));
	mount_ext4(_metadata, TMP "/layers");
	make_layers(_metadata);
	ASSERT_EQ(0, write_file(TMP "/layers/lower/file", SCRIPT));
	ASSERT_EQ(0, write_file(TMP "/layers/lower/other", SCRIPT));
	ASSERT_EQ(0, setxattr(TMP "/layers/lower/file",
			      "trusted.overlay.metacopy", "", 0, 0));
	ASSERT_EQ(0, setxattr(TMP "/layers/lower/file",
			      "trusted.overlay.redirect", "/absent", 7, 0));
	ASSERT_EQ(0, result(mount("fanotify_test", PLACE, "overlay", 0,
				  "metacopy=on,lowerdir=" TMP
				  "/layers/lower::" TMP "/layers/upper")));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, stat(OTHER_PATH, &other));
	sock = new_sentry(BY_PARENT, 0, FAN_OPEN_PERM, PLACE, NULL);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	EXPECT_EQ(1, asks(sock, &other, do_open, OTHER_PATH, KEEP));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ENOENT, asks(sock, &st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(1, asks(sock, &other, do_open, OTHER_PATH, KEEP));
	EXPECT_EQ(0, asks(sock, &other, do_open, OTHER_PATH, FAN_DENY));
}

/*
 * What a listener with a smaller number writes to the file of its event this
 * one does not hear of; it has to drop its verdict all the same.
 */
TEST(written_by_another_listener)
{
	struct fanotify_addr addr = address(0, O_RDWR | O_CLOEXEC);
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int sock, other;

	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	sock = new_sentry(BY_FILE, 5, FAN_OPEN_PERM, NULL, FILE_PATH);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, set_patient(sock));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	ASSERT_EQ(1, asks(sock, &st, do_open, FILE_PATH, KEEP));
	other = new_socket();
	ASSERT_LE(0, other);
	addr.priority = 4;
	ASSERT_EQ(0, do_bind(other, &addr));
	ASSERT_EQ(0, mark_path(other, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, asks(sock, &st, do_open, FILE_PATH, FAN_DENY));
	ASSERT_EQ(0, next_event(other, &st, &ev));
	EXPECT_EQ(1, write(ev.fd, "#", 1));
	close_event(&ev);
	EXPECT_EQ(1, asks(sock, &st, do_open, FILE_PATH, FAN_ALLOW));
}

/* What is in a directory changes without a word. */
FIXTURE(directory)
{
	struct stat st;
	int sock;
};

FIXTURE_VARIANT(directory) {
	enum kind kind;
	__u32 event;
	long (*call)(const char *path);
};

#define DIR_VARIANT(name, kind_, event_, call_) \
	FIXTURE_VARIANT_ADD(directory, name) { \
		.kind = kind_, \
		.event = event_, \
		.call = call_, \
	}

static long do_list(const char *path)
{
	return list_dir(path);
}

DIR_VARIANT(global_open, GLOBAL, FAN_OPEN_PERM, do_open);
DIR_VARIANT(global_list, GLOBAL, FAN_ACCESS_PERM, do_list);
DIR_VARIANT(by_file_open, BY_FILE, FAN_OPEN_PERM, do_open);
DIR_VARIANT(by_file_list, BY_FILE, FAN_ACCESS_PERM, do_list);
DIR_VARIANT(by_parent_open, BY_PARENT, FAN_OPEN_PERM, do_open);
DIR_VARIANT(by_parent_list, BY_PARENT, FAN_ACCESS_PERM, do_list);

#define DIR_PATH PLACE "/dir"

FIXTURE_SETUP(directory)
{
	make_place(_metadata, ON_TMPFS, names, SCRIPT);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, stat(DIR_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0, FAN_ONDIR | variant->event,
				PLACE, DIR_PATH);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
}

FIXTURE_TEARDOWN(directory) {}

TEST_F(directory, never_kept)
{
	int i;

	for (i = 0; i < 4; i++)
		EXPECT_EQ(1, asks(self->sock, &self->st, variant->call,
				  DIR_PATH, KEEP));
	EXPECT_EQ(variant->kind != GLOBAL, shown_marks(self->sock));
}

/* What is kept goes with the inode, when memory is short. */
FIXTURE(memory)
{
	struct stat st;
	int sock;
	long old;
};

FIXTURE_VARIANT(memory) {
	enum place place;
	enum kind kind;
};

FIXTURE_VARIANT_ADD(memory, ext4_global) {
	.place = ON_EXT4,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(memory, ext4_by_parent) {
	.place = ON_EXT4,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(memory, lower_global) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = GLOBAL,
};

FIXTURE_SETUP(memory)
{
	int marks;

	make_place(_metadata, variant->place, names, SCRIPT);
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = new_sentry(variant->kind, 0, FAN_OPEN_PERM, PLACE, NULL);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
	ASSERT_EQ(1, asks(self->sock, &self->st, do_open, FILE_PATH, KEEP));
	ASSERT_EQ(1, asks(self->sock, &self->st, do_open, FILE_PATH, KEEP));
	ASSERT_EQ(0, asks(self->sock, &self->st, do_open, FILE_PATH,
			  FAN_DENY));
	marks = shown_marks(self->sock);
	ASSERT_LE(1 + (variant->kind != GLOBAL), marks);
	/* That is all there may be. */
	self->old = read_number(MAX_USER_MARKS);
	ASSERT_LT(marks, self->old);
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, marks));
	EXPECT_EQ(-ENOSPC, mark_path(self->sock, OTHER_PATH, 0, FAN_CLOSE));
}

FIXTURE_TEARDOWN(memory)
{
	EXPECT_EQ(0, write_number(MAX_USER_MARKS, self->old));
}

/* Waits until memory that is needed for nothing has only so many marks left. */
static bool dropped_to(int sock, int marks)
{
	long long end = now_ms() + WAIT_MS;

	do {
		if (write_knob("/proc/sys/vm/drop_caches", "3"))
			return false;
		if (shown_marks(sock) <= marks)
			return true;
	} while (now_ms() < end);
	return false;
}

TEST_F(memory, evicted)
{
	EXPECT_TRUE(dropped_to(self->sock, variant->kind != GLOBAL));
	/* It does not count any more. */
	EXPECT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, FAN_CLOSE));
	ASSERT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, 0));
	ASSERT_EQ(0, write_number(MAX_USER_MARKS, self->old));
	EXPECT_EQ(1, asks(self->sock, &self->st, do_open, FILE_PATH, KEEP));
	EXPECT_EQ(0, asks(self->sock, &self->st, do_open, FILE_PATH,
			  FAN_DENY));
}

/* What the listener has set itself is its own to remove. */
TEST_F(memory, pinned_by_a_mark)
{
	int i;

	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0,
			       FAN_OPEN_PERM | FAN_CLOSE));
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, write_knob("/proc/sys/vm/drop_caches", "3"));
	EXPECT_EQ(MASKS(0, FAN_OPEN_PERM | FAN_CLOSE),
		  shown_masks(self->sock, &self->st));
	EXPECT_EQ(0, asks(self->sock, &self->st, do_open, FILE_PATH,
			  FAN_DENY));
}

/* With its last name a file goes, and so does the verdict. */
TEST_F(memory, unlinked)
{
	ASSERT_EQ(0, unlink(FILE_PATH));
	EXPECT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, FAN_CLOSE));
	ASSERT_EQ(0, mark_path(self->sock, OTHER_PATH, 0, 0));
	/* Another file of that name, and perhaps of that number */
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	EXPECT_EQ(1, asks(self->sock, &self->st, do_open, FILE_PATH,
			  FAN_ALLOW));
}

TEST_F(memory, unmounted)
{
	ASSERT_EQ(0, result(umount(PLACE)));
	/* What was below an overlay is still there. */
	EXPECT_EQ(is_overlay(variant->place), shown_marks(self->sock));
	EXPECT_EQ(0, mark_path(self->sock, PLACE, 0, FAN_CLOSE));
}

/* FANOTIFY_FORGET takes no value, and has none. */
TEST(forget_errors)
{
	int sock = new_socket(), global;
	__u32 val = 1;
	socklen_t len = sizeof(val);

	ASSERT_LE(0, sock);
	EXPECT_EQ(-ENOTCONN, forget(sock));
	global = global_listener(FAN_CLOSE_WRITE);
	ASSERT_LE(0, global);
	EXPECT_EQ(0, forget(global));
	EXPECT_EQ(-EINVAL, set_u32(global, FANOTIFY_FORGET, 1));
	EXPECT_EQ(-EINVAL, result(setsockopt(global, SOL_FANOTIFY,
					     FANOTIFY_FORGET, &val, 1)));
	EXPECT_EQ(-ENOPROTOOPT, result(getsockopt(global, SOL_FANOTIFY,
						  FANOTIFY_FORGET, &val,
						  &len)));
	ASSERT_EQ(0, shutdown(global, SHUT_RDWR));
	EXPECT_EQ(-ESHUTDOWN, forget(global));
}

TEST_HARNESS_MAIN
