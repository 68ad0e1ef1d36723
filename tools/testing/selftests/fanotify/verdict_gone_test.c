// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: files that go, while there is a verdict on them that does
 * not keep them
 *
 * Those of a cgroup go when it is removed, and the kernel's memory of them with
 * them: a debug kernel sees who looks there after that.
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>

#include "marks.h"
#include "sentry.h"

#define MNT_PATH TMP "/cgroup"
#define NR_GROUPS 20
#define NR_ROUNDS 10

static void group_path(char *path, int i, const char *file)
{
	sprintf(path, MNT_PATH "/fanotify_gone%d%s", i, file);
}

/* Looks at all marks, again and again. */
static pid_t start_looking(int sock)
{
	static char text[65536];
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (!read_fdinfo(sock, text, sizeof(text)))
			;
		_exit(1);
	}
	return child;
}

FIXTURE(gone)
{
	int sock;
};

FIXTURE_SETUP(gone)
{
	char path[64];
	int i;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(MNT_PATH, 0755));
	ASSERT_EQ(0, mount("fanotify_test", MNT_PATH, "cgroup2", 0, NULL));
	/* Of a test that was killed. */
	for (i = 0; i < NR_GROUPS; i++) {
		group_path(path, i, "");
		rmdir(path);
	}
	self->sock = new_sentry(GLOBAL, 0, FAN_OPEN_PERM, NULL, NULL);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_patient(self->sock));
}

FIXTURE_TEARDOWN(gone) {}

/*
 * Everything that fdinfo tells of such a file is in the inode: it does not go
 * to the file system for a handle.
 */
TEST_F(gone, shown)
{
	char text[16384], line[128], *pos;
	struct stat st;

	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	ASSERT_EQ(0, stat(TMP "/file", &st));
	ASSERT_EQ(1, asks(self->sock, &st, do_open, TMP "/file", KEEP));
	ASSERT_EQ(1, asks(self->sock, &st, do_open, TMP "/file", KEEP));
	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	sprintf(line, "\nfanotify ino:%lx sdev:%x mask:0 ignored_mask:%x ",
		(unsigned long)st.st_ino, shown_dev(&st), FAN_OPEN_PERM);
	pos = strstr(text, line);
	ASSERT_NE(NULL, pos);
	EXPECT_EQ('\n', pos[strlen(line)]);

	/* One that the listener sets keeps the inode, and has a handle. */
	ASSERT_EQ(0, mark_path(self->sock, TMP "/file", 0, FAN_OPEN_PERM));
	ASSERT_EQ(0, read_fdinfo(self->sock, text, sizeof(text)));
	pos = strstr(text, line);
	ASSERT_NE(NULL, pos);
	EXPECT_EQ(0, strncmp(pos + strlen(line), "fhandle-bytes:", 14));
}

TEST_F_TIMEOUT(gone, looked_at, 300)
{
	char path[64];
	struct stat st;
	pid_t looker;
	int i, n;

	for (n = 0; n < NR_ROUNDS; n++) {
		for (i = 0; i < NR_GROUPS; i++) {
			group_path(path, i, "");
			ASSERT_EQ(0, result(mkdir(path, 0755)));
			group_path(path, i, "/cgroup.procs");
			ASSERT_EQ(0, stat(path, &st));
			ASSERT_EQ(1, asks(self->sock, &st, do_open, path,
					  KEEP));
			/* The first verdict of all is not kept. */
			if (!n && !i)
				ASSERT_EQ(1, asks(self->sock, &st, do_open,
						  path, KEEP));
			ASSERT_EQ(0, asks(self->sock, &st, do_open, path,
					  FAN_DENY));
		}
		ASSERT_EQ(NR_GROUPS, shown_marks(self->sock));
		looker = start_looking(self->sock);
		ASSERT_LT(0, looker);
		for (i = 0; i < NR_GROUPS; i++) {
			group_path(path, i, "");
			ASSERT_EQ(0, result(rmdir(path)));
		}
		ASSERT_EQ(0, kill(looker, SIGKILL));
		ASSERT_EQ(-SIGKILL, exit_status(looker));
		EXPECT_EQ(0, shown_marks(self->sock));
	}
}

TEST_HARNESS_MAIN
