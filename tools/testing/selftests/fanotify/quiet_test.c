// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: what is no event
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/shm.h>

#include "common.h"

FIXTURE(quiet)
{
	int sock;
};

FIXTURE_SETUP(quiet)
{
	private_tmp(_metadata);
	self->sock = global_listener(ALL_EVENTS | FAN_ONDIR);
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(quiet)
{
	close(self->sock);
}

/* The listener is not deaf: every test here would pass with one that is. */
TEST_F(quiet, but_not_deaf)
{
	ASSERT_EQ(0, write_file(TMP "/file", "text"));
	/* Of what it did to the file, one event tells. */
	EXPECT_EQ(1, own_events(self->sock));
}

TEST_F(quiet, anonymous_memory)
{
	size_t len = 1 << 20;
	char *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, map);
	memset(map, 1, len);
	ASSERT_EQ(0, munmap(map, len));
	EXPECT_EQ(0, own_events(self->sock));
}

TEST_F(quiet, system_v_memory)
{
	int id = shmget(IPC_PRIVATE, 1 << 20, IPC_CREAT | 0600);
	char *map;

	ASSERT_LE(0, id);
	map = shmat(id, NULL, 0);
	ASSERT_NE((void *)-1, map);
	*map = 1;
	ASSERT_EQ(0, shmdt(map));
	ASSERT_EQ(0, shmctl(id, IPC_RMID, NULL));
	EXPECT_EQ(0, own_events(self->sock));
}

TEST_F(quiet, namespaces)
{
	struct stat st;
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, only_event(self->sock, &st));
}

/*
 * A descriptor of a lower file of overlayfs outlives the copy to the upper
 * layer. What reads it then opens the upper file, and is as quiet.
 */
TEST(descriptor_of_a_file_that_is_copied_up)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	char buf[8];
	int sock;

	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(TMP "/lower", 0755));
	ASSERT_EQ(0, mkdir(TMP "/upper", 0755));
	ASSERT_EQ(0, mkdir(TMP "/work", 0755));
	ASSERT_EQ(0, mkdir(TMP "/merged", 0755));
	ASSERT_EQ(0, write_file(TMP "/lower/file", "text"));
	ASSERT_EQ(0, mount("fanotify_test", TMP "/merged", "overlay", 0,
			   "lowerdir=" TMP "/lower,upperdir=" TMP
			   "/upper,workdir=" TMP "/work"));
	ASSERT_EQ(0, stat(TMP "/merged/file", &st));

	sock = global_listener(ALL_EVENTS);
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, open_close(TMP "/merged/file", O_RDONLY));
	ASSERT_EQ(0, next_event(sock, &st, &ev));
	ASSERT_EQ(0, write_file(TMP "/merged/file", "new text"));
	ASSERT_LT(0, own_events(sock));

	ASSERT_EQ(8, pread(ev.fd, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "new text", 8));
	EXPECT_EQ(0, own_events(sock));
	ASSERT_EQ(0, close(ev.fd));
	EXPECT_EQ(0, own_events(sock));
	close(sock);
}

TEST_HARNESS_MAIN
