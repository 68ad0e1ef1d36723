// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: every way to read is asked about, and nothing else
 */

#define _GNU_SOURCE
#include "guard.h"
#include "marks.h"
#include "operation.h"
#include "place.h"

#define TEXT "text of the file"

#define OPEN_AND_ACCESS (FAN_OPEN_PERM | FAN_ACCESS_PERM)

/* Every way to read, and what is none. */
FIXTURE(ways)
{
	const char *path[2];
	/* What the guard calls the first one */
	const char *name;
	struct guard guard;
};

FIXTURE_VARIANT(ways)
{
	enum place place;
	bool global;
};

FIXTURE_VARIANT_ADD(ways, tmpfs) {
	.place = ON_TMPFS,
};

FIXTURE_VARIANT_ADD(ways, ext4) {
	.place = ON_EXT4,
};

FIXTURE_VARIANT_ADD(ways, overlay_of_tmpfs) {
	.place = ON_OVERLAY_OF_TMPFS,
};

FIXTURE_VARIANT_ADD(ways, overlay_of_ext4) {
	.place = ON_OVERLAY_OF_EXT4,
};

FIXTURE_VARIANT_ADD(ways, procfs) {
	.place = ON_PROC,
};

FIXTURE_VARIANT_ADD(ways, global_tmpfs) {
	.place = ON_TMPFS,
	.global = true,
};

FIXTURE_VARIANT_ADD(ways, global_ext4) {
	.place = ON_EXT4,
	.global = true,
};

FIXTURE_VARIANT_ADD(ways, global_overlay_of_ext4) {
	.place = ON_OVERLAY_OF_EXT4,
	.global = true,
};

FIXTURE_VARIANT_ADD(ways, global_procfs) {
	.place = ON_PROC,
	.global = true,
};

FIXTURE_SETUP(ways)
{
	static const char * const names[] = { "file", "other", NULL };
	int sock;

	if (variant->place == ON_PROC) {
		ASSERT_EQ(0, unshare(CLONE_NEWUTS));
		ASSERT_EQ(0, sethostname(TEXT, strlen(TEXT)));
		ASSERT_EQ(0, setdomainname(TEXT, strlen(TEXT)));
		self->path[0] = "/proc/sys/kernel/hostname";
		self->path[1] = "/proc/sys/kernel/domainname";
		self->name = self->path[0];
	} else {
		make_place(_metadata, variant->place, names, TEXT);
		self->path[0] = PLACE "/file";
		self->path[1] = PLACE "/other";
		self->name = "place/file";
	}
	sock = variant->global ? global_listener(OPEN_AND_ACCESS) :
				 deaf_listener();
	ASSERT_LE(0, sock);
	if (!variant->global)
		ASSERT_EQ(0, mark_path(sock, self->path[0], OPEN_AND_ACCESS,
				       0));
	ASSERT_EQ(0, guard_start(&self->guard, sock, 1));
}

FIXTURE_TEARDOWN(ways)
{
	EXPECT_EQ(0, guard_stop(&self->guard));
}

/* The completion of a ring is no errno. */
static long do_operation(const struct operation *op, struct work *w)
{
	long ret;

	errno = 0;
	ret = op->call(w);
	return ret == -1 && errno ? -errno : ret;
}

/* What is asked even if it turns out that there is nothing to be heard of */
static bool is_read(const struct operation *op)
{
	return op->file & FAN_ACCESS || op->call == op_aio_read ||
	       op->call == op_pread_at_end;
}

TEST_F(ways, allowed_and_denied)
{
	bool on_proc = variant->place == ON_PROC;
	const char *name = self->name;
	const struct operation *op;
	int denying, asked;
	struct work w;
	long ret;

	work_init(_metadata, &w, self->path);
	for (op = operations; op < operations + ARRAY_SIZE(operations); op++) {
		if (op->not_on_proc && on_proc)
			continue;
		for (denying = 0; denying < 2; denying++) {
			ASSERT_EQ(4, pwrite(w.file, "text", 4, 0));
			ASSERT_EQ(0, lseek(w.file, 0, SEEK_SET));
			ASSERT_EQ(0, lseek(w.other, 0, SEEK_SET));
			memset(w.buf, 0, sizeof(w.buf));
			guard_deny(&self->guard, denying ? name : NULL,
				   FAN_ACCESS_PERM);
			ret = do_operation(op, &w);
			asked = guard_asked(&self->guard, name,
					    FAN_ACCESS_PERM);
			if (denying && is_read(op)) {
				EXPECT_EQ(-EPERM, ret)
					TH_LOG("%s", op->name);
				/* It has not moved on. */
				EXPECT_EQ(0, lseek(w.file, 0, SEEK_CUR))
					TH_LOG("%s", op->name);
			} else {
				EXPECT_LE(op->least, ret)
					TH_LOG("%s", op->name);
			}
			EXPECT_EQ(is_read(op), !!asked)
				TH_LOG("%s: asked %d times", op->name, asked);
			EXPECT_EQ(op->call == op_uring_open,
				  guard_asked(&self->guard, name,
					      FAN_OPEN_PERM))
				TH_LOG("%s", op->name);
			empty(w.in);
			empty(w.out);
			close(w.opened);
			w.opened = -1;
		}
	}
	guard_deny(&self->guard, name, FAN_OPEN_PERM);
	EXPECT_EQ(-EPERM, do_open(self->path[0]));
	EXPECT_EQ(-EPERM, do_open_rdwr(self->path[0]));
	errno = 0;
	EXPECT_EQ(-EPERM, op_uring_open(&w));
	EXPECT_EQ(0, do_open(self->path[1]));
}

/* By a worker of the kernel's, it is still the process that asked for it. */
TEST_F(ways, worker)
{
	struct question *q = &self->guard.asked[0];
	struct work w;

	work_init(_metadata, &w, self->path);
	guard_deny(&self->guard, NULL, 0);
	EXPECT_EQ(4, op_uring_read_async(&w));
	pthread_mutex_lock(&self->guard.lock);
	EXPECT_LE(1, self->guard.nasked);
	EXPECT_EQ(getpid(), q->tgid);
	EXPECT_NE(0, q->pid);
	EXPECT_NE(getpid(), q->pid);
	pthread_mutex_unlock(&self->guard.lock);
}

TEST_HARNESS_MAIN
