// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: guards of file systems whose server is a process, which
 * is asked about itself
 */

#define _GNU_SOURCE
#include "guard.h"
#include "hanging.h"

#define OWN_PATH TMP "/own"
#define TEXT "text of the file"

#define OPEN_AND_ACCESS (FAN_OPEN_PERM | FAN_ACCESS_PERM)

/* A server that opens and reads a file for each open and read of its own. */
FIXTURE(served)
{
	int sock;
	pid_t server;
};

FIXTURE_SETUP(served)
{
	struct server server = {
		.reading = -1,
		.opening = -1,
		.own = OWN_PATH,
	};

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(TMP "/image", TEXT));
	ASSERT_EQ(0, write_file(OWN_PATH, TEXT));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	self->server = start_server(&server);
	ASSERT_LT(0, self->server);
	self->sock = global_listener(OPEN_AND_ACCESS);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(served)
{
	close(self->sock);
	kill(self->server, SIGKILL);
}

/* The threads read what they are asked about, and by that the server asks. */
TEST_F(served, several_threads)
{
	struct guard guard;
	struct doer doer;

	ASSERT_EQ(0, guard_start(&guard, self->sock, 3));
	ASSERT_TRUE(doer_start(&doer, do_read, FUSE_FILE));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_STREQ("OPEN fuse/file, ACCESS fuse/file",
		     guard_story(&guard, doer.pid));
	/* For the guard's open and for that of the other one */
	EXPECT_LE(2, guard_asked(&guard, "own", FAN_OPEN_PERM));
	EXPECT_LE(2, guard_asked(&guard, "own", FAN_ACCESS_PERM));
	EXPECT_EQ(0, strncmp(guard_story(&guard, self->server),
			     "OPEN own, ACCESS own", 20));

	/* What the server may not have, its users get not. */
	guard_deny(&guard, "own", FAN_OPEN_PERM);
	ASSERT_TRUE(doer_start(&doer, do_read, FUSE_FILE));
	EXPECT_EQ(-EIO, doer_result(&doer));

	guard_deny(&guard, "fuse/file", FAN_ACCESS_PERM);
	ASSERT_TRUE(doer_start(&doer, do_read, FUSE_FILE));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	guard_deny(&guard, NULL, 0);
	ASSERT_TRUE(doer_start(&doer, do_read, FUSE_FILE));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(0, guard_stop(&guard));
}

/*
 * One thread waits, while it opens what it is asked about, for the server, and
 * that for the thread, until its time is up.
 */
TEST_F(served, one_thread)
{
	struct fanotify_so_event_metadata ev;
	long long start = now_ms();
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 300));
	ASSERT_TRUE(doer_start(&doer, do_open, FUSE_FILE));
	ASSERT_EQ(0, stat(FUSE_FILE, &st));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	EXPECT_EQ(FAN_OPEN_PERM, ev.mask);
	EXPECT_EQ(doer.pid, ev.tgid);
	/* The open and the read of the server's own file have run out. */
	EXPECT_LE(600, now_ms() - start);
	/* But the time of this one stood still. */
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	close_event(&ev);
}

/* A server that dies while the guard waits for it. */
TEST_F(served, server_dies)
{
	struct fanotify_so_event_metadata ev;
	struct stat own, file;
	struct doer doer;
	struct waiter w;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, 600000));
	ASSERT_EQ(0, stat(OWN_PATH, &own));
	ASSERT_EQ(0, stat(FUSE_FILE, &file));
	ASSERT_TRUE(waiter_start(&w, self->sock, wait_in_read, SYS_read));
	ASSERT_TRUE(doer_start(&doer, do_open, FUSE_FILE));
	/* The server asks, since the other thread opens the file. */
	ASSERT_TRUE(sleeps_in(self->server, SYS_openat));
	ASSERT_EQ(0, next_event(self->sock, &own, &ev));
	EXPECT_EQ(self->server, ev.tgid);
	close_event(&ev);
	EXPECT_FALSE(waiter_returned(&w, 0));
	ASSERT_EQ(0, kill(self->server, SIGKILL));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_EQ((long)sizeof(w.ev), w.ret);
	EXPECT_GT(-1, w.ev.fd);
	EXPECT_EQ(doer.pid, w.ev.tgid);
	/* It is answered without an fd, and the file cannot be opened. */
	EXPECT_EQ(0, answer(self->sock, w.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(-ENOTCONN, doer_result(&doer));
}

static long wait_in_bind(struct waiter *w)
{
	w->fd = global_listener(OPEN_AND_ACCESS | FAN_ONDIR);
	return w->fd;
}

/* It hangs neither bind() nor what is asked about, and is guarded later. */
TEST_F(hanging, guard)
{
	struct guard guard;
	struct doer doer;
	struct waiter w;

	ASSERT_TRUE(waiter_run(&w, -1, wait_in_bind));
	ASSERT_TRUE(waiter_returned(&w, WAIT_MS));
	ASSERT_LE(0, w.ret);
	ASSERT_EQ(0, guard_start(&guard, w.ret, 1));
	ASSERT_EQ(0, waitpid(self->mounter, NULL, WNOHANG));
	ASSERT_TRUE(doer_start(&doer, do_open, TMP "/m"));
	EXPECT_EQ(0, doer_result(&doer));
	EXPECT_EQ(1, guard_asked(&guard, "m", FAN_OPEN_PERM));
	ASSERT_EQ(0, waitpid(self->mounter, NULL, WNOHANG));

	eventfd_write(self->go, 1);
	ASSERT_EQ(0, exit_status(self->mounter));
	guard_deny(&guard, "m/lost+found", FAN_OPEN_PERM);
	ASSERT_TRUE(doer_start(&doer, do_open, TMP "/m/lost+found"));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	EXPECT_EQ(1, guard_asked(&guard, "m/lost+found", FAN_OPEN_PERM));
	EXPECT_EQ(0, guard_stop(&guard));
	EXPECT_EQ(0, result(umount(TMP "/m")));
}

TEST_HARNESS_MAIN
