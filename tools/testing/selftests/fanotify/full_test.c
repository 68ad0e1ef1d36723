// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a queue that is full has room for those who wait
 */

#define _GNU_SOURCE
#include <stdlib.h>

#include "crowd.h"

#define FILE_PATH TMP "/file"
#define NEVER_MS 600000

/* The queue has room for so many events, and there are so many files. */
#define NR_ROOM 2
#define NR_NOISES 8

#define NR_WAITING 300

/* A listener to noise, and who is asked about one file */
FIXTURE(full)
{
	struct stat st;
	struct stat noises[NR_NOISES];
	int sock;
};

static const char *noise_path(int i)
{
	static char path[64];

	sprintf(path, TMP "/noise%d", i);
	return path;
}

static int make_noise(int i)
{
	return open_close(noise_path(i), O_RDONLY);
}

FIXTURE_SETUP(full)
{
	int i, bytes = NR_ROOM * FAN_SO_EVENT_COST;

	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, setsockopt(self->sock, SOL_SOCKET, SO_RCVBUF, &bytes,
				sizeof(bytes)));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
	for (i = 0; i < NR_NOISES; i++) {
		ASSERT_EQ(0, write_file(noise_path(i), "text"));
		ASSERT_EQ(0, stat(noise_path(i), &self->noises[i]));
		ASSERT_EQ(0, mark_path(self->sock, noise_path(i), FAN_OPEN, 0));
	}
}

FIXTURE_TEARDOWN(full)
{
	close(self->sock);
}

static int queued(int sock)
{
	int bytes = -1;

	if (ioctl(sock, FIONREAD, &bytes))
		return -errno;
	return bytes / (int)FAN_SO_EVENT_LEN;
}

/* Each stands where it came, whether there was room for the others or not. */
TEST_F(full, in_order)
{
	struct fanotify_so_event_metadata ev[8];
	struct doer doers[3];
	int i;

	ASSERT_EQ(0, make_noise(0));
	ASSERT_TRUE(doer_start(&doers[0], do_open, FILE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_EQ(0, make_noise(1));
	/* These two are lost, which is said in the place of the first. */
	ASSERT_EQ(0, make_noise(2));
	ASSERT_TRUE(doer_start(&doers[1], do_open, FILE_PATH));
	ASSERT_EQ(2, until_waiting(2));
	ASSERT_EQ(0, make_noise(3));
	ASSERT_TRUE(doer_start(&doers[2], do_open, FILE_PATH));
	ASSERT_EQ(3, until_waiting(3));
	EXPECT_EQ(6, queued(self->sock));

	ASSERT_EQ(6 * (long)FAN_SO_EVENT_LEN,
		  result(recv(self->sock, ev, sizeof(ev), MSG_DONTWAIT)));
	EXPECT_TRUE(is_file(ev[0].fd, &self->noises[0]));
	EXPECT_EQ(FAN_OPEN, ev[0].mask);
	EXPECT_TRUE(is_file(ev[1].fd, &self->st));
	EXPECT_EQ(doers[0].pid, ev[1].tgid);
	EXPECT_TRUE(is_file(ev[2].fd, &self->noises[1]));
	EXPECT_EQ(FAN_Q_OVERFLOW, ev[3].mask);
	EXPECT_EQ(2, ev[3].cookie);
	EXPECT_TRUE(is_file(ev[4].fd, &self->st));
	EXPECT_EQ(doers[1].pid, ev[4].tgid);
	EXPECT_TRUE(is_file(ev[5].fd, &self->st));
	EXPECT_EQ(doers[2].pid, ev[5].tgid);
	EXPECT_EQ(0, queued(self->sock));

	/* Answers in another order: each is for its own. */
	EXPECT_EQ(0, answer(self->sock, ev[4].cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doers[1]));
	EXPECT_EQ(0, answer(self->sock, ev[5].cookie, FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&doers[2]));
	EXPECT_EQ(0, answer(self->sock, ev[1].cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doers[0]));
	for (i = 0; i < 6; i++)
		close_event(&ev[i]);
}

static int compare_cookies(const void *a, const void *b)
{
	const struct fanotify_so_access *x = a, *y = b;

	return x->cookie < y->cookie ? -1 : x->cookie > y->cookie;
}

/* However many they are, they take no room, and none of them is lost. */
TEST_F(full, none_is_lost)
{
	struct fanotify_so_access access[NR_WAITING];
	struct fanotify_so_event_metadata ev;
	unsigned long long lost = 0;
	int i, noise = 0, nr = 0;
	struct crowd crowd;

	for (i = 0; i < NR_NOISES; i++)
		ASSERT_EQ(0, make_noise(i));
	ASSERT_TRUE(crowd_start(&crowd, NR_WAITING, do_open, FILE_PATH));
	ASSERT_EQ(NR_WAITING, until_waiting(NR_WAITING));
	for (i = 0; i < NR_NOISES; i++)
		ASSERT_EQ(0, make_noise(i));
	EXPECT_EQ(NR_ROOM + 1 + NR_WAITING, queued(self->sock));

	while (take_event(self->sock, &ev) == 1) {
		if (ev.mask == FAN_Q_OVERFLOW) {
			EXPECT_EQ(0, lost);
			lost = ev.cookie;
		} else if (ev.mask == FAN_OPEN) {
			noise++;
		} else {
			ASSERT_EQ(FAN_OPEN_PERM, ev.mask);
			ASSERT_TRUE(is_file(ev.fd, &self->st));
			ASSERT_GT(NR_WAITING, nr);
			access[nr].cookie = ev.cookie;
			access[nr++].response = FAN_DENY;
		}
		close_event(&ev);
	}
	EXPECT_EQ(NR_ROOM, noise);
	/* The second time, what is queued already is merged with. */
	EXPECT_EQ(2 * (NR_NOISES - NR_ROOM), lost);
	ASSERT_EQ(NR_WAITING, nr);

	qsort(access, nr, sizeof(*access), compare_cookies);
	for (i = 0; i < nr; i++)
		ASSERT_LT(i ? access[i - 1].cookie : 0, access[i].cookie);
	EXPECT_EQ((long)sizeof(access),
		  result(write(self->sock, access, sizeof(access))));
	EXPECT_EQ(NR_WAITING, crowd_count(&crowd, NR_WAITING, -EPERM));
	EXPECT_EQ(0, crowd_end(&crowd));

	/* There is room again. */
	ASSERT_EQ(0, make_noise(0));
	ASSERT_EQ(1, take_event(self->sock, &ev));
	EXPECT_TRUE(is_file(ev.fd, &self->noises[0]));
	EXPECT_EQ(0, ev.cookie);
	close_event(&ev);
}

/* Nor do those who wait take the room of the others. */
TEST_F(full, takes_no_room)
{
	struct fanotify_so_event_metadata ev;
	struct crowd crowd;
	int i, noise = 0;

	ASSERT_TRUE(crowd_start(&crowd, NR_WAITING, do_open, FILE_PATH));
	ASSERT_EQ(NR_WAITING, until_waiting(NR_WAITING));
	for (i = 0; i < NR_ROOM; i++)
		ASSERT_EQ(0, make_noise(i));
	EXPECT_EQ(NR_WAITING + NR_ROOM, queued(self->sock));
	while (take_event(self->sock, &ev) == 1) {
		EXPECT_NE(FAN_Q_OVERFLOW, ev.mask);
		if (ev.mask == FAN_OPEN)
			noise++;
		else
			ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
		close_event(&ev);
	}
	EXPECT_EQ(NR_ROOM, noise);
	EXPECT_EQ(NR_WAITING, crowd_count(&crowd, NR_WAITING, 0));
	EXPECT_EQ(0, crowd_end(&crowd));
}

TEST_HARNESS_MAIN
