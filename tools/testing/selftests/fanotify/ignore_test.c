// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: ignored masks, and what becomes of them when the file is
 * modified
 */

#define _GNU_SOURCE
#include <sys/file.h>
#include <sys/sendfile.h>

#include "marks.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"
#define SUBDIR DIR_PATH "/sub"
#define GRANDCHILD SUBDIR "/file"
#define OTHER TMP "/other"
/* What bytes are copied from */
#define SOURCE TMP "/source"

#define SURVIVE FAN_SURVIVE_MODIFY

/* Who hears everything about a file, and where it is ignored. */
FIXTURE(ignore)
{
	int sock;
	struct stat marked;
};

FIXTURE_VARIANT(ignore) {
	bool global;
	/* A mark that only listens */
	const char *listening;
	/* The mark that ignores, and its mask */
	const char *marked;
	__u32 mask;
	/* The flags that its ignored mask needs */
	__u32 flags;
};

FIXTURE_VARIANT_ADD(ignore, directed) {
	.marked = FILE_PATH,
	.mask = ALL_EVENTS,
};

/* The directory has the mask, the file has what is to be ignored of it. */
FIXTURE_VARIANT_ADD(ignore, directed_by_parent) {
	.listening = DIR_PATH,
	.marked = FILE_PATH,
};

/* The other way round */
FIXTURE_VARIANT_ADD(ignore, directed_of_parent) {
	.listening = FILE_PATH,
	.marked = DIR_PATH,
	.flags = FAN_EVENT_ON_CHILD,
};

FIXTURE_VARIANT_ADD(ignore, directed_children) {
	.marked = DIR_PATH,
	.mask = ALL_EVENTS | FAN_EVENT_ON_CHILD,
	.flags = FAN_EVENT_ON_CHILD,
};

FIXTURE_VARIANT_ADD(ignore, global) {
	.global = true,
	.marked = FILE_PATH,
};

FIXTURE_VARIANT_ADD(ignore, global_children) {
	.global = true,
	.marked = DIR_PATH,
	.flags = FAN_EVENT_ON_CHILD,
};

static void make_files(struct __test_metadata *_metadata)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, mkdir(SUBDIR, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
	ASSERT_EQ(0, write_file(GRANDCHILD, SCRIPT));
	ASSERT_EQ(0, write_file(OTHER, SCRIPT));
	ASSERT_EQ(0, write_file(SOURCE, SCRIPT));
}

FIXTURE_SETUP(ignore)
{
	__u32 flags = 0;

	make_files(_metadata);
	ASSERT_EQ(0, stat(variant->marked, &self->marked));
	self->sock = variant->global ? global_listener(ALL_EVENTS) :
				       deaf_listener();
	ASSERT_LE(0, self->sock);
	if (variant->listening && !strcmp(variant->listening, DIR_PATH))
		flags = FAN_EVENT_ON_CHILD;
	ASSERT_EQ(0, variant->listening ?
		     mark_path(self->sock, variant->listening,
			       ALL_EVENTS | flags, 0) : 0);
}

FIXTURE_TEARDOWN(ignore)
{
	close(self->sock);
}

/* Ignores these events of the file, and no other. 0 or -errno. */
static int ignore(FIXTURE_DATA(ignore) *self,
		  const FIXTURE_VARIANT(ignore) *variant, __u32 ignored_mask)
{
	if (ignored_mask)
		ignored_mask |= variant->flags;
	return mark_path(self->sock, variant->marked, variant->mask,
			 ignored_mask);
}

/* What fdinfo shows if these events are ignored */
static long long shown(const FIXTURE_VARIANT(ignore) *variant,
		       __u32 ignored_mask)
{
	if (ignored_mask)
		ignored_mask |= variant->flags;
	return MASKS(variant->mask, ignored_mask);
}

/* What is heard of the file; the events of other files are thrown away. */
static long heard_of_file(int sock)
{
	struct stat st;

	if (stat(FILE_PATH, &st))
		return -errno;
	return all_events(sock, &st);
}

/* Is the opening of the file ignored? 0, 1, or -errno. */
static int ignores_open(int sock)
{
	long mask;
	int ret;

	ret = drain(sock) ?: open_close(FILE_PATH, O_RDONLY);
	if (ret)
		return ret;
	mask = heard_of_file(sock);
	return mask < 0 ? mask : !(mask & FAN_OPEN);
}

TEST_F(ignore, each_event)
{
	__u32 bit;

	for (bit = 1; bit <= FAN_OPEN_EXEC; bit <<= 1) {
		if (!(bit & ALL_EVENTS))
			continue;
		ASSERT_EQ(0, ignore(self, variant, bit | SURVIVE));
		EXPECT_EQ(shown(variant, bit | SURVIVE),
			  shown_masks(self->sock, &self->marked));
		ASSERT_EQ(0, drain(self->sock));
		ASSERT_EQ(0, do_everything(FILE_PATH));
		EXPECT_EQ(ALL_EVENTS & ~bit, heard_of_file(self->sock));
	}
}

TEST_F(ignore, all_events)
{
	ASSERT_EQ(0, ignore(self, variant, ALL_EVENTS | SURVIVE));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, do_everything(FILE_PATH));
	EXPECT_EQ(0, heard_of_file(self->sock));
}

/* Not once, but as long as nothing modifies the file. */
TEST_F(ignore, again_and_again)
{
	int i;

	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN | FAN_CLOSE_NOWRITE));
	ASSERT_EQ(0, drain(self->sock));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, read_one_byte(FILE_PATH));
		EXPECT_EQ(FAN_ACCESS, heard_of_file(self->sock));
	}
	EXPECT_EQ(shown(variant, FAN_OPEN | FAN_CLOSE_NOWRITE),
		  shown_masks(self->sock, &self->marked));
}

TEST_F(ignore, replaced)
{
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_ACCESS | FAN_CLOSE_NOWRITE, heard_of_file(self->sock));

	ASSERT_EQ(0, ignore(self, variant, FAN_ACCESS));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_CLOSE_NOWRITE, heard_of_file(self->sock));

	ASSERT_EQ(0, ignore(self, variant, FAN_ACCESS | FAN_OPEN));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_CLOSE_NOWRITE, heard_of_file(self->sock));

	ASSERT_EQ(0, ignore(self, variant, 0));
	ASSERT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_OPEN | FAN_ACCESS | FAN_CLOSE_NOWRITE,
		  heard_of_file(self->sock));
}

/* That it survives is part of the mask as well. */
TEST_F(ignore, survival_is_replaced)
{
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN | SURVIVE));
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	EXPECT_EQ(shown(variant, FAN_OPEN),
		  shown_masks(self->sock, &self->marked));
	EXPECT_EQ(1, ignores_open(self->sock));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	EXPECT_EQ(0, ignores_open(self->sock));

	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN | SURVIVE));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	EXPECT_EQ(1, ignores_open(self->sock));

	/* Nor does it outlive the mask. */
	ASSERT_EQ(0, ignore(self, variant, 0));
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	EXPECT_EQ(0, ignores_open(self->sock));
}

/* It is no matter of other files, nor of other listeners. */
TEST_F(ignore, nobody_else)
{
	int other = deaf_listener();
	int global = global_listener(FAN_OPEN);
	struct stat st;

	ASSERT_LE(0, other);
	ASSERT_LE(0, global);
	ASSERT_EQ(0, stat(OTHER, &st));
	ASSERT_EQ(0, mark_path(other, FILE_PATH, FAN_OPEN, 0));
	ASSERT_EQ(0, variant->global ? 0 :
		     mark_path(self->sock, OTHER, FAN_OPEN, 0));
	ASSERT_EQ(0, ignore(self, variant, ALL_EVENTS));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, open_close(OTHER, O_RDONLY));
	EXPECT_EQ(FAN_OPEN, all_events(self->sock, &st) & FAN_OPEN);
	EXPECT_EQ(1, ignores_open(self->sock));
	EXPECT_EQ(FAN_OPEN, heard(other, FILE_PATH));
	EXPECT_EQ(FAN_OPEN, heard_of_file(global));
}

/* Clearing comes before reporting, so this modification is heard. */
TEST_F(ignore, modify)
{
	int fd = open(FILE_PATH, O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ignore(self, variant, FAN_MODIFY | FAN_OPEN));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(FAN_MODIFY, heard_of_file(self->sock));
	/* All of it is gone, not only that. */
	EXPECT_EQ(0, ignores_open(self->sock));

	ASSERT_EQ(0, ignore(self, variant, FAN_MODIFY | SURVIVE));
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(0, heard_of_file(self->sock));
	EXPECT_EQ(0, close(fd));
}

/* Whatever is done with an fd of the file that was opened with @flags */
static int with_fd(int flags, int (*call)(int fd))
{
	int fd = open(FILE_PATH, flags | O_CLOEXEC, 0644);
	int ret;

	if (fd < 0)
		return -errno;
	ret = call(fd);
	close(fd);
	return ret;
}

/* Did a call do all of what it was asked for? 0 or -errno. */
static int all_of(ssize_t ret, ssize_t len)
{
	return ret == len ? 0 : ret < 0 ? -errno : -EIO;
}

static int do_write(int fd)
{
	return all_of(write(fd, "text", 4), 4);
}

static int do_pwrite(int fd)
{
	return all_of(pwrite(fd, "text", 4, 100), 4);
}

static int do_writev(int fd)
{
	struct iovec iov = { .iov_base = "text", .iov_len = 4 };

	return all_of(writev(fd, &iov, 1), 4);
}

static int do_pwritev2(int fd)
{
	struct iovec iov = { .iov_base = "text", .iov_len = 4 };

	return all_of(pwritev2(fd, &iov, 1, 0, RWF_SYNC), 4);
}

static int do_ftruncate(int fd)
{
	return result(ftruncate(fd, 2));
}

static int do_fallocate(int fd)
{
	return result(fallocate(fd, 0, 0, 8192));
}

static int do_punch_hole(int fd)
{
	return result(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				0, 4096));
}

static int do_copy_file_range(int fd)
{
	int source = open(SOURCE, O_RDONLY | O_CLOEXEC);
	int ret = all_of(copy_file_range(source, NULL, fd, NULL, 4, 0), 4);

	close(source);
	return ret;
}

static int do_sendfile(int fd)
{
	int source = open(SOURCE, O_RDONLY | O_CLOEXEC);
	int ret = all_of(sendfile(fd, source, NULL, 4), 4);

	close(source);
	return ret;
}

static int do_splice(int fd)
{
	int pipefds[2], ret;

	if (pipe2(pipefds, O_CLOEXEC) || write(pipefds[1], "text", 4) != 4)
		return -errno;
	ret = all_of(splice(pipefds[0], NULL, fd, NULL, 4, 0), 4);
	close(pipefds[0]);
	close(pipefds[1]);
	return ret;
}

static int do_nothing(int fd)
{
	return 0;
}

static int do_truncate(int fd)
{
	return result(truncate(FILE_PATH, 3));
}

static int do_grow(int fd)
{
	return result(truncate(FILE_PATH, 10000));
}

/* Something to be done with the file, opened with these flags */
struct deed {
	const char *name;
	int flags;
	int (*call)(int fd);
};

/* Each finds the file with some text in it. */
static const struct deed modifications[] = {
	{ "write", O_WRONLY, do_write },
	{ "append", O_WRONLY | O_APPEND, do_write },
	{ "pwrite", O_RDWR, do_pwrite },
	{ "writev", O_WRONLY, do_writev },
	{ "pwritev2", O_WRONLY, do_pwritev2 },
	{ "truncate", O_PATH, do_truncate },
	{ "truncate to grow", O_PATH, do_grow },
	{ "ftruncate", O_WRONLY, do_ftruncate },
	{ "O_TRUNC", O_WRONLY | O_TRUNC, do_nothing },
	{ "O_TRUNC for reading", O_RDONLY | O_TRUNC, do_nothing },
	{ "creat", O_RDWR | O_CREAT | O_TRUNC, do_nothing },
	{ "fallocate", O_WRONLY, do_fallocate },
	{ "a hole", O_WRONLY, do_punch_hole },
	{ "copy_file_range", O_WRONLY, do_copy_file_range },
	{ "sendfile", O_WRONLY, do_sendfile },
	{ "splice", O_WRONLY, do_splice },
};

TEST_F(ignore, cleared_by_modification)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modifications); i++) {
		ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
		ASSERT_EQ(0, ignore(self, variant, FAN_OPEN | FAN_ACCESS));
		ASSERT_EQ(1, ignores_open(self->sock));
		ASSERT_EQ(0, with_fd(modifications[i].flags,
				     modifications[i].call)) {
			TH_LOG("%s", modifications[i].name);
		}
		EXPECT_EQ(shown(variant, 0),
			  shown_masks(self->sock, &self->marked));
		EXPECT_EQ(0, ignores_open(self->sock)) {
			TH_LOG("%s", modifications[i].name);
		}
	}
	/* What is left is an empty mark, and can be removed once. */
	EXPECT_EQ(0, mark_path(self->sock, variant->marked, 0, 0));
	EXPECT_EQ(-ENOENT, mark_path(self->sock, variant->marked, 0, 0));
}

TEST_F(ignore, survives_modification)
{
	size_t i;

	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN | SURVIVE));
	for (i = 0; i < ARRAY_SIZE(modifications); i++) {
		ASSERT_EQ(0, write_file(FILE_PATH, SCRIPT));
		ASSERT_EQ(0, with_fd(modifications[i].flags,
				     modifications[i].call));
		EXPECT_EQ(shown(variant, FAN_OPEN | SURVIVE),
			  shown_masks(self->sock, &self->marked));
		EXPECT_EQ(1, ignores_open(self->sock)) {
			TH_LOG("%s", modifications[i].name);
		}
	}
}

/* Not what the name, the mount or the process is that modifies it */
TEST_F(ignore, cleared_from_elsewhere)
{
	pid_t child;

	ASSERT_EQ(0, mkdir(TMP "/bind", 0755));
	ASSERT_EQ(0, mount(DIR_PATH, TMP "/bind", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	ASSERT_EQ(0, write_file(TMP "/bind/file", "text"));
	EXPECT_EQ(0, ignores_open(self->sock));

	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-with_fd(O_WRONLY, do_write));
	ASSERT_EQ(0, exit_status(child));
	EXPECT_EQ(0, ignores_open(self->sock));

	/* Another parent has nothing to do with it. */
	ASSERT_EQ(0, link(FILE_PATH, TMP "/link"));
	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	ASSERT_EQ(0, write_file(TMP "/link", "text"));
	EXPECT_EQ(variant->flags ? 1 : 0, ignores_open(self->sock));
}

static int do_read(int fd)
{
	char c;

	return all_of(read(fd, &c, 1), 1);
}

static int do_write_nothing(int fd)
{
	return all_of(write(fd, "x", 0), 0);
}

static int do_write_badly(int fd)
{
	/* The compiler would warn of the function. */
	return syscall(SYS_write, fd, 8, 1) < 0 && errno == EFAULT ? 0 : -EIO;
}

static int do_fsync(int fd)
{
	return result(fsync(fd));
}

/* This one does modify it, but the kernel does not see it. */
static int do_mmap(int fd)
{
	char *mem = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem == MAP_FAILED)
		return -errno;
	mem[0] = '!';
	if (msync(mem, 4, MS_SYNC))
		return -errno;
	return result(munmap(mem, 4));
}

static int do_failing_truncate(int fd)
{
	return truncate(FILE_PATH, -1) < 0 ? 0 : -EIO;
}

static int do_attributes(int fd)
{
	struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };

	if (chmod(FILE_PATH, 0700) || chmod(FILE_PATH, 0755) ||
	    chown(FILE_PATH, 0, 0))
		return -errno;
	return result(utimensat(AT_FDCWD, FILE_PATH, times, 0));
}

static int do_rename(int fd)
{
	if (rename(FILE_PATH, DIR_PATH "/renamed"))
		return -errno;
	return result(rename(DIR_PATH "/renamed", FILE_PATH));
}

static int do_link(int fd)
{
	if (link(FILE_PATH, DIR_PATH "/link"))
		return -errno;
	return result(unlink(DIR_PATH "/link"));
}

/* Neither another file is, nor what is in a child. */
static int do_other_file(int fd)
{
	return write_file(OTHER, "text") ?: write_file(GRANDCHILD, "text");
}

/* A new child is no modification of the directory, before it is written. */
static int do_new_file(int fd)
{
	if (mknod(DIR_PATH "/new", S_IFREG | 0644, 0))
		return -errno;
	return result(unlink(DIR_PATH "/new"));
}

static const struct deed no_modifications[] = {
	{ "read", O_RDONLY, do_read },
	{ "open for writing", O_RDWR, do_nothing },
	{ "fsync", O_RDWR, do_fsync },
	{ "write of nothing", O_WRONLY, do_write_nothing },
	{ "failing write", O_WRONLY, do_write_badly },
	{ "failing truncate", O_PATH, do_failing_truncate },
	{ "mmap", O_RDWR, do_mmap },
	{ "attributes", O_PATH, do_attributes },
	{ "rename", O_PATH, do_rename },
	{ "link", O_PATH, do_link },
	{ "other file", O_PATH, do_other_file },
	{ "new file", O_PATH, do_new_file },
};

TEST_F(ignore, not_cleared_by)
{
	size_t i;

	ASSERT_EQ(0, ignore(self, variant, FAN_OPEN));
	for (i = 0; i < ARRAY_SIZE(no_modifications); i++) {
		ASSERT_EQ(0, with_fd(no_modifications[i].flags,
				     no_modifications[i].call)) {
			TH_LOG("%s", no_modifications[i].name);
		}
		EXPECT_EQ(shown(variant, FAN_OPEN),
			  shown_masks(self->sock, &self->marked));
		EXPECT_EQ(1, ignores_open(self->sock)) {
			TH_LOG("%s", no_modifications[i].name);
		}
	}
}

/* What an ignored mask on a directory is about; it has flags of its own. */
FIXTURE(reach)
{
	int sock;
};

FIXTURE_VARIANT(reach) {
	bool global;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(reach, directed_none) {
	.flags = 0,
};

FIXTURE_VARIANT_ADD(reach, directed_ondir) {
	.flags = FAN_ONDIR,
};

FIXTURE_VARIANT_ADD(reach, directed_on_child) {
	.flags = FAN_EVENT_ON_CHILD,
};

FIXTURE_VARIANT_ADD(reach, directed_both) {
	.flags = DIR_FLAGS,
};

FIXTURE_VARIANT_ADD(reach, global_none) {
	.global = true,
};

FIXTURE_VARIANT_ADD(reach, global_ondir) {
	.global = true,
	.flags = FAN_ONDIR,
};

FIXTURE_VARIANT_ADD(reach, global_on_child) {
	.global = true,
	.flags = FAN_EVENT_ON_CHILD,
};

FIXTURE_VARIANT_ADD(reach, global_both) {
	.global = true,
	.flags = DIR_FLAGS,
};

FIXTURE_SETUP(reach)
{
	make_files(_metadata);
	self->sock = variant->global ? global_listener(FAN_OPEN | FAN_ONDIR) :
				       deaf_listener();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(reach)
{
	close(self->sock);
}

/* What is heard when @path is opened */
static long heard_of_open(int sock, const char *path)
{
	struct stat st;
	int ret;

	if (stat(path, &st))
		return -errno;
	ret = drain(sock) ?: open_close(path, O_RDONLY);
	return ret ?: all_events(sock, &st);
}

TEST_F(reach, of_the_ignored_mask)
{
	__u32 mask = variant->global ? 0 : FAN_OPEN | DIR_FLAGS;
	bool ondir = variant->flags & FAN_ONDIR;
	bool on_child = variant->flags & FAN_EVENT_ON_CHILD;
	struct stat st;

	ASSERT_EQ(0, stat(DIR_PATH, &st));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, mask,
			       FAN_OPEN | variant->flags));
	EXPECT_EQ(MASKS(mask, FAN_OPEN | variant->flags),
		  shown_masks(self->sock, &st));
	EXPECT_EQ(ondir ? 0 : FAN_OPEN, heard_of_open(self->sock, DIR_PATH));
	EXPECT_EQ(on_child ? 0 : FAN_OPEN,
		  heard_of_open(self->sock, FILE_PATH));
	EXPECT_EQ(ondir && on_child ? 0 : FAN_OPEN,
		  heard_of_open(self->sock, SUBDIR));

	/* Further down, or outside, nothing is ignored. */
	EXPECT_EQ(variant->global ? FAN_OPEN : 0,
		  heard_of_open(self->sock, GRANDCHILD));
	EXPECT_EQ(variant->global ? FAN_OPEN : 0,
		  heard_of_open(self->sock, OTHER));
}

/* A directory listens to its children if either mask does. */
TEST_F(reach, cleared_by_a_child)
{
	__u32 masks[] = { 0, FAN_CLOSE, FAN_CLOSE | FAN_EVENT_ON_CHILD };
	bool on_child = variant->flags & FAN_EVENT_ON_CHILD;
	struct stat st;
	size_t i;

	ASSERT_EQ(0, stat(DIR_PATH, &st));
	for (i = 0; i < (variant->global ? 1 : ARRAY_SIZE(masks)); i++) {
		bool clears = on_child || (masks[i] & FAN_EVENT_ON_CHILD);

		ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, masks[i],
				       FAN_OPEN | variant->flags));
		ASSERT_EQ(0, write_file(GRANDCHILD, SCRIPT));
		EXPECT_EQ(MASKS(masks[i], FAN_OPEN | variant->flags),
			  shown_masks(self->sock, &st));
		ASSERT_EQ(0, with_fd(O_WRONLY, do_write));
		EXPECT_EQ(MASKS(masks[i],
				clears ? 0 : FAN_OPEN | variant->flags),
			  shown_masks(self->sock, &st)) {
			TH_LOG("mask %x", masks[i]);
		}
	}
}

/* A file clears its own mark and its parent's; each listener has its own. */
TEST_F(reach, cleared_in_every_mark)
{
	__u32 dir_ignored = FAN_OPEN | FAN_EVENT_ON_CHILD | variant->flags;
	int other = global_listener(FAN_OPEN);
	struct stat dir, file;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, stat(DIR_PATH, &dir));
	ASSERT_EQ(0, stat(FILE_PATH, &file));
	ASSERT_EQ(0, mark_path(self->sock, DIR_PATH, 0, dir_ignored));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, 0, FAN_ACCESS));
	ASSERT_EQ(0, mark_path(other, DIR_PATH, 0, dir_ignored | SURVIVE));
	ASSERT_EQ(0, mark_path(other, FILE_PATH, 0, FAN_ACCESS));
	ASSERT_EQ(0, with_fd(O_RDWR, do_pwrite));
	EXPECT_EQ(MASKS(0, 0), shown_masks(self->sock, &dir));
	EXPECT_EQ(MASKS(0, 0), shown_masks(self->sock, &file));
	EXPECT_EQ(MASKS(0, dir_ignored | SURVIVE), shown_masks(other, &dir));
	EXPECT_EQ(MASKS(0, 0), shown_masks(other, &file));
	EXPECT_EQ(0, close(other));
}

TEST_HARNESS_MAIN
