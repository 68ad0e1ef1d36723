// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: the family as a module comes with the first socket, stays
 * while there is one, and takes nothing along that its listeners still need
 */

#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "left.h"
#include "passed.h"
#include "share.h"

#define MODULE "fanotify_sock"
#define NR_ROUNDS 1000

/* How long it may take to be unloaded when there is nothing against it */
#define UNLOAD_MS 60000

static int unload(void)
{
	return result(syscall(SYS_delete_module, MODULE, O_NONBLOCK));
}

static bool is_loaded(void)
{
	return !access("/sys/module/" MODULE "/initstate", F_OK);
}

/* The last close of a socket may be on its way still. */
static int unload_soon(void)
{
	long long end = now_ms() + UNLOAD_MS;
	int ret;

	do {
		ret = unload();
	} while (ret == -EWOULDBLOCK && now_ms() < end && !usleep(1000));
	return ret;
}

FIXTURE(module)
{
	int sock;
};

FIXTURE_SETUP(module)
{
	int ret;

	make_shared_dir(_metadata);
	if (access("/proc/modules", F_OK))
		SKIP(return, "the kernel has no modules");
	ret = unload_soon();
	if (ret)
		ASSERT_EQ(-ENOENT, ret);
	ASSERT_FALSE(is_loaded());
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	if (!is_loaded())
		SKIP(return, "the family is part of the kernel");
}

FIXTURE_TEARDOWN(module)
{
	if (self->sock >= 0)
		close(self->sock);
	EXPECT_EQ(0, unload_soon());
	EXPECT_FALSE(is_loaded());
}

TEST_F(module, is_held_by_a_socket)
{
	struct fanotify_addr addr = group_address(0);

	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, do_bind(self->sock, &addr));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN, 0));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_TRUE(is_loaded());
}

/* One that is on its way in a message is one, too. */
TEST_F(module, is_held_by_a_message)
{
	int fds[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	ASSERT_EQ(0, send_fd(fds[0], self->sock, 0));
	ASSERT_EQ(0, close(self->sock));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	self->sock = recv_fd(fds[1], 0);
	EXPECT_LE(0, self->sock);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(fds[0]);
	close(fds[1]);
}

/* The file of an event stays what it is, and of what is done with it none hear. */
TEST_F(module, is_not_held_by_the_file_of_an_event)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	char byte;

	close(self->sock);
	self->sock = global_listener(FAN_CLOSE_WRITE | FAN_ACCESS);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, next_event(self->sock, &st, &ev));
	ASSERT_EQ(0, close(self->sock));
	EXPECT_EQ(0, unload_soon());
	EXPECT_EQ(1, read(ev.fd, &byte, 1));

	self->sock = global_listener(FAN_CLOSE_WRITE | FAN_ACCESS);
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(1, read(ev.fd, &byte, 1));
	close_event(&ev);
	EXPECT_EQ(0, only_event(self->sock, &st));
	EXPECT_EQ(0, read_one_byte(FILE_PATH));
	EXPECT_EQ(FAN_ACCESS, only_event(self->sock, &st));
}

/* Nobody is let go, and nothing forgotten, because it is not there meanwhile. */
TEST_F(module, is_not_held_by_a_group_that_lingers)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	struct stat st;

	ASSERT_EQ(0, stat(FILE_PATH, &st));
	ASSERT_EQ(0, close(self->sock));
	self->sock = first_member(FAN_OPEN_PERM);
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_LINGER, FAN_SO_MAX_LINGER));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ((long)sizeof(ev), result(read(self->sock, &ev, sizeof(ev))));
	close_event(&ev);
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	EXPECT_EQ(0, unload_soon());
	EXPECT_FALSE(doer_returned(&doer, 0));

	self->sock = directed_member();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ((long)sizeof(ev), result(read(self->sock, &ev, sizeof(ev))));
	EXPECT_TRUE(is_file(ev.fd, &st));
	close_event(&ev);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
	/* Nothing lingers then. */
	ASSERT_EQ(0, shutdown(self->sock, SHUT_RDWR));
}

/* Somebody who does this for as long as there is the one who started him */
static pid_t start_busy(void (*once)(void))
{
	pid_t child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		once();
}

static void use_files(void)
{
	write_file(FILE_PATH, "text");
	read_one_byte(FILE_PATH);
}

static void mount_once(void)
{
	if (!mount("fanotify_test", TMP "/mnt", "tmpfs", 0, NULL)) {
		write_file(TMP "/mnt/file", "text");
		/* An event may still hold it. */
		umount2(TMP "/mnt", MNT_DETACH);
	}
}

/*
 * The module may go between its being loaded and its being found, and then there
 * is no such family. Nothing else may go wrong.
 */
static void listen_once(void)
{
	int sock = global_listener(FAN_CLOSE_WRITE | FAN_ACCESS), ret;
	struct fanotify_so_event_metadata ev;

	if (sock == -EAFNOSUPPORT)
		return;
	if (sock < 0)
		_exit(1);
	ret = mark_path(sock, FILE_PATH, 0, FAN_ACCESS);
	if (ret)
		_exit(2);
	/* If it is about a file that is not there any more it has no fd. */
	if (read(sock, &ev, sizeof(ev)) != sizeof(ev))
		_exit(3);
	close_event(&ev);
	close(sock);
	/* Without a pause now and then there is hardly a moment without one. */
	usleep(rand() % 40000);
}

/* With which status has one of them ended, who should go on? 0 if none has. */
static int ended(const pid_t *children, size_t nr)
{
	int status;
	size_t i;

	for (i = 0; i < nr; i++)
		if (waitpid(children[i], &status, WNOHANG))
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return 0;
}

/* One that somebody was loading when he was killed may not be there yet. */
static int socket_soon(void)
{
	long long end = now_ms() + WAIT_MS;
	int sock;

	do {
		sock = new_socket();
	} while (sock == -EAFNOSUPPORT && now_ms() < end && !usleep(1000));
	return sock;
}

/* While others listen, open and mount, it comes and goes. */
TEST_F_TIMEOUT(module, comes_and_goes, 1000)
{
	static void (*const busy[])(void) = {
		use_files, mount_once, listen_once
	};
	int unloaded = 0, held = 0, others = 0, ret, status;
	pid_t children[ARRAY_SIZE(busy)];
	size_t i;

	ASSERT_EQ(0, mkdir(TMP "/mnt", 0755));
	ASSERT_EQ(0, close(self->sock));
	self->sock = -1;
	for (i = 0; i < ARRAY_SIZE(busy); i++)
		children[i] = start_busy(busy[i]);
	while (unloaded < NR_ROUNDS && !others) {
		ret = unload();
		if (!ret)
			unloaded++;
		else if (ret == -EWOULDBLOCK)
			held++;
		else if (ret != -ENOENT && ret != -EBUSY)
			/* Neither gone, nor just being loaded */
			break;
		if (ret) {
			others = ended(children, ARRAY_SIZE(children));
			usleep(500);
		}
	}
	for (i = 0; i < ARRAY_SIZE(busy); i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], &status, 0);
	}
	umount2(TMP "/mnt", MNT_DETACH);
	EXPECT_EQ(NR_ROUNDS, unloaded);
	EXPECT_EQ(0, others);
	EXPECT_LT(0, held);

	self->sock = socket_soon();
	ASSERT_LE(0, self->sock);
	EXPECT_EQ(1, left_sockets());
	close(self->sock);
	self->sock = -1;
	EXPECT_EQ(0, left_hears(DIR_PATH "/heard"));
	EXPECT_EQ(LEFT_MARKS, left_room(DIR_PATH, now_ms() + WAIT_MS));
	EXPECT_EQ(0, left_no_group(now_ms() + WAIT_MS));
}

TEST_HARNESS_MAIN
