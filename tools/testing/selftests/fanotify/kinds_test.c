// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: which operation causes which events, on which file
 * systems, for which kind of listener
 *
 * All of them must agree: the table of operations knows of no file system and
 * no listener, but for what procfs cannot do.
 */

#define _GNU_SOURCE
#include "common.h"
#include "heard.h"
#include "operation.h"
#include "place.h"

#define TEXT "text of the file"

/* Files of procfs that can be written to, and a directory. */
#define PROC_DIR "/proc/sys/kernel"
#define PROC_FILE PROC_DIR "/hostname"
#define PROC_OTHER PROC_DIR "/domainname"
#define PROC_SUBDIR PROC_DIR "/random"

#define ON_EXEC (FAN_OPEN | FAN_OPEN_EXEC | FAN_ACCESS | FAN_CLOSE_NOWRITE)

enum kind {
	/* Directed, with a mark on the file or on its parent. */
	BY_FILE,
	BY_PARENT,
	GLOBAL,
};

/* A file, another one to copy to, and a listener for both. */
FIXTURE(kinds)
{
	const char *dir;
	const char *path[2];
	struct stat st[2];
	/* The inodes of procfs would come and go. */
	int pinned[2];
	int sock;
};

FIXTURE_VARIANT(kinds) {
	enum place place;
	enum kind kind;
};

FIXTURE_VARIANT_ADD(kinds, tmpfs_file) {
	.place = ON_TMPFS,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, tmpfs_parent) {
	.place = ON_TMPFS,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, tmpfs_global) {
	.place = ON_TMPFS,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(kinds, ext4_file) {
	.place = ON_EXT4,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, ext4_parent) {
	.place = ON_EXT4,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, ext4_global) {
	.place = ON_EXT4,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(kinds, overlay_of_tmpfs_file) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, overlay_of_tmpfs_parent) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, overlay_of_tmpfs_global) {
	.place = ON_OVERLAY_OF_TMPFS,
	.kind = GLOBAL,
};

/* The marks are there before the files are copied up. */
FIXTURE_VARIANT_ADD(kinds, overlay_of_ext4_file) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, overlay_of_ext4_parent) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, overlay_of_ext4_global) {
	.place = ON_OVERLAY_OF_EXT4,
	.kind = GLOBAL,
};

/* The marks are set by the other path. */
FIXTURE_VARIANT_ADD(kinds, bind_mount_file) {
	.place = ON_BIND_MOUNT,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, bind_mount_parent) {
	.place = ON_BIND_MOUNT,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, bind_mount_global) {
	.place = ON_BIND_MOUNT,
	.kind = GLOBAL,
};

FIXTURE_VARIANT_ADD(kinds, proc_file) {
	.place = ON_PROC,
	.kind = BY_FILE,
};

FIXTURE_VARIANT_ADD(kinds, proc_parent) {
	.place = ON_PROC,
	.kind = BY_PARENT,
};

FIXTURE_VARIANT_ADD(kinds, proc_global) {
	.place = ON_PROC,
	.kind = GLOBAL,
};

/* Marks by the path that the operations do not come by. */
static int mark(int sock, enum place place, const char *path, __u32 mask)
{
	char other[128];

	if (place != ON_BIND_MOUNT)
		return mark_path(sock, path, mask, 0);
	snprintf(other, sizeof(other), "%s%s", BOUND, path + strlen(PLACE));
	return mark_path(sock, other, mask, 0);
}

FIXTURE_SETUP(kinds)
{
	static const char * const names[] = { "file", "other", NULL };
	int i;

	if (variant->place == ON_PROC) {
		ASSERT_EQ(0, unshare(CLONE_NEWUTS));
		ASSERT_EQ(0, sethostname(TEXT, strlen(TEXT)));
		ASSERT_EQ(0, setdomainname(TEXT, strlen(TEXT)));
		self->dir = PROC_DIR;
		self->path[0] = PROC_FILE;
		self->path[1] = PROC_OTHER;
	} else {
		make_place(_metadata, variant->place, names, TEXT);
		ASSERT_EQ(0, mkdir(PLACE "/dir", 0755));
		self->dir = PLACE;
		self->path[0] = PLACE "/file";
		self->path[1] = PLACE "/other";
	}
	for (i = 0; i < 2; i++) {
		self->pinned[i] = open(self->path[i], O_PATH | O_CLOEXEC);
		ASSERT_LE(0, self->pinned[i]);
		ASSERT_EQ(0, fstat(self->pinned[i], &self->st[i]));
	}
	self->sock = variant->kind == GLOBAL ? global_listener(ALL_EVENTS) :
					       deaf_listener();
	ASSERT_LE(0, self->sock);
	for (i = 0; i < 2 && variant->kind == BY_FILE; i++)
		ASSERT_EQ(0, mark(self->sock, variant->place, self->path[i],
				  ALL_EVENTS));
	if (variant->kind == BY_PARENT)
		ASSERT_EQ(0, mark(self->sock, variant->place, self->dir,
				  ALL_EVENTS | FAN_EVENT_ON_CHILD));
}

FIXTURE_TEARDOWN(kinds)
{
	close(self->sock);
}

/* One event with this mask, or if that is 0 none, of the file and the other. */
static void expect_heard(struct __test_metadata *_metadata,
			 FIXTURE_DATA(kinds) *self, bool layered,
			 __u32 file, __u32 other, const char *what)
{
	struct heard heard;

	ASSERT_EQ(0, hear(self->sock, self->st, layered, &heard));
	EXPECT_EQ(file, heard.mask[0])
		TH_LOG("%s", what);
	EXPECT_EQ(!!file, heard.count[0])
		TH_LOG("%s", what);
	EXPECT_EQ(other, heard.mask[1])
		TH_LOG("%s: the other file", what);
	EXPECT_EQ(!!other, heard.count[1])
		TH_LOG("%s: the other file", what);
	EXPECT_EQ(0, heard.strangers)
		TH_LOG("%s: other files", what);
}

/* For the tests, which know the rest. */
#define EXPECT_HEARD(file, other, what) \
	expect_heard(_metadata, self, is_overlay(variant->place), file, other, \
		     what)

TEST_F(kinds, operations)
{
	const struct operation *op;
	struct work w;

	work_init(_metadata, &w, self->path);
	for (op = operations; op < operations + ARRAY_SIZE(operations); op++) {
		bool never = op->not_on_proc && variant->place == ON_PROC;
		long ret;

		/* Whatever the last one left. */
		ASSERT_EQ(4, pwrite(w.file, "text", 4, 0));
		ASSERT_EQ(0, lseek(w.file, 0, SEEK_SET));
		ASSERT_EQ(0, lseek(w.other, 0, SEEK_SET));
		ASSERT_EQ(0, drain(self->sock));
		ret = result(op->call(&w));
		if (never) {
			EXPECT_GE(0, ret)
				TH_LOG("%s", op->name);
		} else {
			EXPECT_LE(op->least, ret)
				TH_LOG("%s", op->name);
		}
		EXPECT_HEARD(never ? 0 : op->file, never ? 0 : op->other,
			     op->name);
		empty(w.in);
		empty(w.out);
		close(w.opened);
		w.opened = -1;
	}
}

/* From pipe to pipe goes no file, even if the bytes are those of one. */
TEST_F(kinds, tee)
{
	struct work w;

	work_init(_metadata, &w, self->path);
	ASSERT_LT(0, op_splice_to_pipe(&w));
	ASSERT_EQ(0, drain(self->sock));
	EXPECT_LT(0, op_tee(&w));
	EXPECT_HEARD(0, 0, "tee");
	EXPECT_LT(0, read(w.out[0], w.buf, 4));
	EXPECT_HEARD(0, 0, "read from the pipe");
}

/* A way to open the file, what it returns, and the events of open and close. */
static const struct opening {
	const char *name;
	int flags;
	int ret;
	__u32 opened, closed;
} openings[] = {
	{ "reading", O_RDONLY, 0, FAN_OPEN, FAN_CLOSE_NOWRITE },
	{ "writing", O_WRONLY, 0, FAN_OPEN, FAN_CLOSE_WRITE },
	{ "both", O_RDWR, 0, FAN_OPEN, FAN_CLOSE_WRITE },
	{ "appending", O_WRONLY | O_APPEND, 0, FAN_OPEN, FAN_CLOSE_WRITE },
	{ "creating", O_RDWR | O_CREAT, 0, FAN_OPEN, FAN_CLOSE_WRITE },
	{ "truncating", O_WRONLY | O_TRUNC, 0, FAN_OPEN, FAN_CLOSE_WRITE },
	{ "as a path", O_PATH, 0, 0, 0 },
	{ "as new", O_RDWR | O_CREAT | O_EXCL, -EEXIST, 0, 0 },
	{ "as a directory", O_RDONLY | O_DIRECTORY, -ENOTDIR, 0, 0 },
};

TEST_F(kinds, opening)
{
	const struct opening *how;
	int fd;

	ASSERT_EQ(0, drain(self->sock));
	for (how = openings; how < openings + ARRAY_SIZE(openings); how++) {
		fd = result(open(self->path[0], how->flags | O_CLOEXEC, 0644));
		if (how->ret) {
			EXPECT_EQ(how->ret, fd)
				TH_LOG("%s", how->name);
		} else {
			EXPECT_LE(0, fd)
				TH_LOG("%s", how->name);
		}
		EXPECT_HEARD(how->opened, 0, how->name);
		if (fd < 0)
			continue;
		EXPECT_EQ(0, close(fd));
		EXPECT_HEARD(how->closed, 0, how->name);
	}
}

static int copy_program(const char *to)
{
	int in = open("/bin/busybox", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t len;

	while ((len = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	close(in);
	return len ? -errno : result(close(out));
}

/* Runs @path as @name: the exit status, or the errno of exec(). */
static int run(const char *path, const char *name, pid_t *child)
{
	*child = fork();
	if (!*child) {
		execl(path, name, NULL);
		_exit(errno);
	}
	return exit_status(*child);
}

/* Running a program, and a script by it, is one thread's doing: one event. */
TEST_F(kinds, executing)
{
	struct heard heard;
	pid_t child;
	int i;

	if (variant->place == ON_PROC) {
		ASSERT_EQ(0, drain(self->sock));
		EXPECT_EQ(EACCES, run(self->path[0], "true", &child));
		EXPECT_HEARD(0, 0, "what cannot be run");
		return;
	}
	self->path[0] = PLACE "/busybox";
	self->path[1] = PLACE "/script";
	ASSERT_EQ(0, copy_program(self->path[0]));
	ASSERT_EQ(0, write_file(self->path[1], "#!" PLACE "/busybox true\n"));
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, stat(self->path[i], &self->st[i]));
		ASSERT_EQ(0, variant->kind == BY_FILE ?
			     mark(self->sock, variant->place, self->path[i],
				  ALL_EVENTS) : 0);
	}

	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, run(self->path[0], "true", &child));
	EXPECT_HEARD(ON_EXEC, 0, "a program");

	ASSERT_EQ(0, run(self->path[1], self->path[1], &child));
	ASSERT_EQ(0, hear(self->sock, self->st, is_overlay(variant->place),
			  &heard));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(ON_EXEC, heard.mask[i]);
		EXPECT_EQ(1, heard.count[i]);
		EXPECT_EQ(child, heard.last[i].pid);
		EXPECT_EQ(child, heard.last[i].tgid);
	}
	EXPECT_EQ(0, heard.strangers);
}

/* Directories are reported to those who ask with FAN_ONDIR. */
TEST_F(kinds, directory)
{
	const char *dir = variant->place == ON_PROC ? PROC_SUBDIR :
						      PLACE "/dir";
	char names[1024];
	int ondir, fd;

	ASSERT_EQ(0, stat(dir, &self->st[0]));
	if (variant->kind == BY_FILE)
		ASSERT_EQ(0, mark(self->sock, variant->place, dir,
				  ALL_EVENTS));
	ASSERT_EQ(0, drain(self->sock));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, syscall(SYS_getdents64, fd, names, sizeof(names)));
	EXPECT_EQ(0, close(fd));
	EXPECT_HEARD(0, 0, "without FAN_ONDIR");
	close(self->sock);

	ondir = variant->kind == GLOBAL ?
		global_listener(ALL_EVENTS | FAN_ONDIR) : deaf_listener();
	ASSERT_LE(0, ondir);
	self->sock = ondir;
	if (variant->kind == BY_FILE)
		ASSERT_EQ(0, mark(ondir, variant->place, dir,
				  ALL_EVENTS | FAN_ONDIR));
	if (variant->kind == BY_PARENT)
		ASSERT_EQ(0, mark(ondir, variant->place, self->dir,
				  ALL_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD));

	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_HEARD(FAN_OPEN, 0, "opening");
	EXPECT_LT(0, syscall(SYS_getdents64, fd, names, sizeof(names)));
	EXPECT_HEARD(FAN_ACCESS, 0, "reading");
	/* The end of it is read as well. */
	EXPECT_EQ(0, syscall(SYS_getdents64, fd, names, sizeof(names)));
	EXPECT_HEARD(FAN_ACCESS, 0, "reading the end");
	EXPECT_EQ(0, close(fd));
	EXPECT_HEARD(FAN_CLOSE_NOWRITE, 0, "closing");
}

static void *write_main(void *arg)
{
	long ret = write(*(int *)arg, "text", 4);

	*(int *)arg = gettid();
	return (void *)ret;
}

/* The thread, its process, and how the file is open. */
TEST_F(kinds, who_and_how)
{
	int fd = open(self->path[0], O_RDWR | O_APPEND | O_CLOEXEC);
	const struct fanotify_so_event_metadata *ev;
	int flags = fcntl(fd, F_GETFL);
	struct heard heard;
	pthread_t thread;
	int arg = fd;
	void *ret;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, drain(self->sock));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_main, &arg));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	ASSERT_EQ((void *)4, ret);
	ASSERT_EQ(0, hear(self->sock, self->st, is_overlay(variant->place),
			  &heard));
	ASSERT_EQ(1, heard.count[0]);
	ev = &heard.last[0];
	EXPECT_EQ(FAN_MODIFY, ev->mask);
	EXPECT_EQ(arg, ev->pid);
	EXPECT_EQ(getpid(), ev->tgid);
	EXPECT_EQ(flags, ev->f_flags);
	EXPECT_EQ(0, ev->cookie);
	EXPECT_EQ(0, close(fd));
}

TEST_HARNESS_MAIN
