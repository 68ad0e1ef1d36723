/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a mount that hangs
 */
#ifndef FANOTIFY_TEST_HANGING_H
#define FANOTIFY_TEST_HANGING_H

#include <signal.h>

#include "fuse.h"

/* A mount that hangs in the middle of reading the superblock. */
FIXTURE(hanging)
{
	char dev[32];
	int loop;
	int go;
	pid_t server;
	pid_t mounter;
};

FIXTURE_SETUP(hanging)
{
	struct server server = { .opening = -1 };
	struct pollfd pfd = { .events = POLLIN };

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/m", 0755));
	ASSERT_EQ(0, make_ext4(TMP "/image"));
	server.image = open(TMP "/image", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, server.image);
	server.reading = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.reading);
	server.go = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, server.go);
	self->go = server.go;
	self->server = start_server(&server);
	ASSERT_LT(0, self->server);

	self->loop = loop_attach(FUSE_FILE, O_RDONLY, self->dev);
	ASSERT_LE(0, self->loop);
	self->mounter = fork();
	ASSERT_LE(0, self->mounter);
	if (!self->mounter)
		_exit(mount(self->dev, TMP "/m", "ext4", MS_RDONLY, NULL) ?
		      errno : 0);
	pfd.fd = server.reading;
	ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
}

FIXTURE_TEARDOWN(hanging)
{
	/* Whatever still waits for the server gets an error then. */
	kill(self->server, SIGKILL);
}

#endif /* FANOTIFY_TEST_HANGING_H */
