/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: listeners of all kinds that will be evicted
 */
#ifndef FANOTIFY_TEST_EVICT_H
#define FANOTIFY_TEST_EVICT_H

#include "crowd.h"
#include "marks.h"
#include "rounds.h"
#include "waiting.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/* What poll() says then, but for POLLERR */
#define POLL_END (POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP)

/* Nobody waits for so long here. */
#define LONG_MS FAN_SO_MAX_TIMEOUT

/* For what has to be seen before an operation runs out of time */
#define MIDDLE_MS 4000

/* The notification is that of a file that is open already. */
#define EVENTS (FAN_OPEN_PERM | FAN_MODIFY)

/* Binds @sock and has it listen. 0 or -errno. */
static inline int begin(int sock, bool global, __u32 policy)
{
	struct fanotify_addr addr = address(global ? FAN_GLOBAL_LISTENER |
					    EVENTS : 0, O_RDONLY | O_CLOEXEC);

	return do_bind(sock, &addr) ?:
	       (global ? ignore_proc(sock) :
		mark_path(sock, DIR_PATH, EVENTS | FAN_EVENT_ON_CHILD, 0)) ?:
	       set_u32(sock, FANOTIFY_TIMEOUT_POLICY, policy) ?:
	       set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, SHORT_MS) ?:
	       set_u32(sock, FANOTIFY_IGNORE_SELF, 1);
}

FIXTURE(evict)
{
	int sock;
	int file;
	int marks;
	struct stat st;
	struct fanotify_so_event_metadata ev;
};

FIXTURE_VARIANT(evict)
{
	bool global;
	__u32 policy;
	long ret;
};

FIXTURE_VARIANT_ADD(evict, directed_allow) {
	.global = false,
	.policy = FAN_ALLOW,
	.ret = 0,
};

FIXTURE_VARIANT_ADD(evict, directed_deny) {
	.global = false,
	.policy = FAN_DENY,
	.ret = -EPERM,
};

FIXTURE_VARIANT_ADD(evict, global_allow) {
	.global = true,
	.policy = FAN_ALLOW,
	.ret = 0,
};

FIXTURE_VARIANT_ADD(evict, global_deny) {
	.global = true,
	.policy = FAN_DENY,
	.ret = -EPERM,
};

FIXTURE_SETUP(evict)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->file = open(FILE_PATH, O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, self->file);
	self->sock = new_socket();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, begin(self->sock, variant->global, variant->policy));
	self->marks = all_marks(self->sock);
	ASSERT_LT(0, self->marks);
}

FIXTURE_TEARDOWN(evict)
{
	close(self->sock);
}

static inline bool evict(int sock, long ret)
{
	return open_often(FILE_PATH, 10, ret) == 10 && is_evicted(sock);
}

/*
 * What has to be dropped is dropped a little later, so that it holds up nobody.
 * Waits for there to be so many marks.
 */
static inline int until_marks(int sock, int nr)
{
	long long end = now_ms() + WAIT_MS;

	while (all_marks(sock) != nr && now_ms() < end)
		usleep(1000);
	return all_marks(sock);
}

#endif /* FANOTIFY_TEST_EVICT_H */
