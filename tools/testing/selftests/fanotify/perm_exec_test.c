// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what a program is made of, and that all of it is asked about
 */

#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "guard.h"

#define DIR_PATH TMP "/dir"
/* busybox knows what to be by the name of what is run. */
#define PROG_PATH DIR_PATH "/true"
#define SCRIPT_PATH DIR_PATH "/script"

static int copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ssize_t len;

	while ((len = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	close(in);
	return len ? -errno : result(close(out));
}

/* By a descriptor that says nothing of how it is used. */
static long do_execveat(const char *path)
{
	char * const argv[] = { "true", NULL };
	char * const envp[] = { NULL };
	int fd = open(path, O_PATH);

	if (fd < 0)
		return -errno;
	return result(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

static long do_fexecve(const char *path)
{
	char * const argv[] = { "true", NULL };
	char * const envp[] = { NULL };
	/* As it is for reading it is opened, and asked about, once more. */
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -errno;
	return result(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

/* A program, and a script that is run by it. */
FIXTURE(exec)
{
	struct guard guard;
};

FIXTURE_VARIANT(exec)
{
	long (*call)(const char *path);
	const char *path;
	const char *story;
};

#define STORY_EXEC(name) "EXEC dir/" name ", OPEN dir/" name ", ACCESS dir/" name

FIXTURE_VARIANT_ADD(exec, program) {
	.call = do_exec,
	.path = PROG_PATH,
	.story = STORY_EXEC("true"),
};

FIXTURE_VARIANT_ADD(exec, program_by_descriptor) {
	.call = do_execveat,
	.path = PROG_PATH,
	.story = STORY_EXEC("true"),
};

FIXTURE_VARIANT_ADD(exec, program_opened_before) {
	.call = do_fexecve,
	.path = PROG_PATH,
	.story = "OPEN dir/true, " STORY_EXEC("true"),
};

FIXTURE_VARIANT_ADD(exec, script) {
	.call = do_exec,
	.path = SCRIPT_PATH,
	.story = STORY_EXEC("script") ", " STORY_EXEC("true"),
};

FIXTURE_SETUP(exec)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, copy_file("/bin/busybox", PROG_PATH));
	ASSERT_EQ(0, write_file(SCRIPT_PATH, "#!" PROG_PATH "\n"));
	ASSERT_EQ(0, guard_start(&self->guard,
				 dir_listener(DIR_PATH, ALL_PERM), 1));
}

FIXTURE_TEARDOWN(exec)
{
	EXPECT_EQ(0, guard_stop(&self->guard));
}

TEST_F(exec, allowed)
{
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, variant->call, variant->path));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_STREQ(variant->story, guard_story(&self->guard, doer.pid));
}

/* Each question of the story, denied, is the end of it. */
TEST_F(exec, denied)
{
	static const struct {
		const char *name;
		__u32 mask;
	} denials[] = {
		{ "dir/true", FAN_OPEN_EXEC_PERM },
		{ "dir/true", FAN_OPEN_PERM },
		{ "dir/true", FAN_ACCESS_PERM },
		{ "dir/script", FAN_OPEN_EXEC_PERM },
		{ "dir/script", FAN_OPEN_PERM },
		{ "dir/script", FAN_ACCESS_PERM },
	};
	struct doer doer;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(denials); i++) {
		const char *story;
		long ret;

		guard_deny(&self->guard, denials[i].name, denials[i].mask);
		ASSERT_TRUE(doer_start(&doer, variant->call, variant->path));
		ret = doer_result(&doer);
		story = guard_story(&self->guard, doer.pid);
		if (!guard_asked(&self->guard, denials[i].name,
				 denials[i].mask)) {
			/* Of a program there is no script. */
			EXPECT_STREQ(PROG_PATH, variant->path);
			EXPECT_STREQ(variant->story, story);
			continue;
		}
		EXPECT_EQ(-EPERM, ret)
			TH_LOG("denial %zu: %s", i, story);
		/* Nothing is asked after that. */
		EXPECT_EQ(0, strncmp(variant->story, story, strlen(story)))
			TH_LOG("denial %zu: %s", i, story);
		EXPECT_EQ(1, guard_asked(&self->guard, denials[i].name,
					 denials[i].mask));
	}
}

/* What a linker does with a library: it is not run, but opened and mapped. */
static long do_map_library(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char header[64];
	void *map;

	if (fd < 0)
		return -errno;
	if (read(fd, header, sizeof(header)) < 0)
		return -errno;
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	return map == MAP_FAILED ? -errno : 0;
}

TEST_F(exec, library)
{
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, do_map_library, PROG_PATH));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_STREQ("OPEN dir/true, ACCESS dir/true",
		     guard_story(&self->guard, doer.pid));

	guard_deny(&self->guard, "dir/true", FAN_OPEN_PERM);
	ASSERT_TRUE(doer_start(&doer, do_map_library, PROG_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	guard_deny(&self->guard, "dir/true", FAN_ACCESS_PERM);
	ASSERT_TRUE(doer_start(&doer, do_map_library, PROG_PATH));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* Runs the program which that file system is made by: 0 or its status. */
static long run_dynamic(const char *path)
{
	pid_t child = fork();

	if (!child) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		execl(path, path, "-V", NULL);
		_exit(errno);
	}
	return exit_status(child);
}

/*
 * A program of several files. What those are called depends on the machine, but
 * the loader is run, and libraries are opened.
 */
TEST(dynamic_program)
{
	struct guard guard;
	int i, loader = 0, libs = 0;
	char lib[128] = "";

	ASSERT_EQ(0, guard_start(&guard, global_listener(ALL_PERM), 1));
	ASSERT_EQ(0, run_dynamic("/sbin/mke2fs"));
	pthread_mutex_lock(&guard.lock);
	ASSERT_GE(MAX_ASKED, guard.nasked);
	for (i = 0; i < guard.nasked; i++) {
		const struct question *q = &guard.asked[i];

		if (q->mask == FAN_OPEN_EXEC_PERM && strstr(q->name, "/ld"))
			loader++;
		if (q->mask == FAN_OPEN_PERM && strstr(q->name, "/libc.so")) {
			libs++;
			memcpy(lib, q->name, sizeof(lib));
		}
	}
	pthread_mutex_unlock(&guard.lock);
	EXPECT_EQ(1, guard_asked(&guard, "/sbin/mke2fs", FAN_OPEN_EXEC_PERM));
	EXPECT_EQ(1, loader);
	EXPECT_EQ(1, libs);
	EXPECT_NE(0, guard_asked(&guard, lib, FAN_ACCESS_PERM));

	/* What the loader exits with */
	guard_deny(&guard, lib, FAN_OPEN_PERM);
	EXPECT_EQ(127, run_dynamic("/sbin/mke2fs"));
	guard_deny(&guard, lib, FAN_ACCESS_PERM);
	EXPECT_EQ(127, run_dynamic("/sbin/mke2fs"));
	guard_deny(&guard, "/sbin/mke2fs", FAN_OPEN_EXEC_PERM);
	EXPECT_EQ(EPERM, run_dynamic("/sbin/mke2fs"));
	guard_deny(&guard, NULL, 0);
	EXPECT_EQ(0, run_dynamic("/sbin/mke2fs"));
	EXPECT_EQ(0, guard_stop(&guard));
}

/* Runs a copy of the program that has no name anywhere. */
static long do_memfd(const char *path)
{
	char * const argv[] = { "true", NULL };
	char * const envp[] = { NULL };
	int in = open(path, O_RDONLY | O_CLOEXEC);
	int fd = syscall(SYS_memfd_create, "nameless", MFD_CLOEXEC);
	ssize_t len;

	if (in < 0 || fd < 0)
		return -errno;
	while ((len = sendfile(fd, in, NULL, 1 << 20)) > 0)
		;
	if (len)
		return -errno;
	return result(syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH));
}

TEST(memfd)
{
	static const char name[] = "/memfd:nameless (deleted)";
	struct guard guard;
	struct doer doer;

	ASSERT_EQ(0, guard_start(&guard, global_listener(FAN_OPEN_EXEC_PERM),
				 1));
	ASSERT_TRUE(doer_start(&doer, do_memfd, "/bin/busybox"));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(1, guard_asked(&guard, name, FAN_OPEN_EXEC_PERM));

	guard_deny(&guard, name, FAN_OPEN_EXEC_PERM);
	ASSERT_TRUE(doer_start(&doer, do_memfd, "/bin/busybox"));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(1, guard_asked(&guard, name, FAN_OPEN_EXEC_PERM));
	EXPECT_EQ(0, guard_stop(&guard));
}

TEST_HARNESS_MAIN
