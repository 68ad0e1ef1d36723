/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: several sockets that are bound to one group
 */
#ifndef FANOTIFY_TEST_SHARE_H
#define FANOTIFY_TEST_SHARE_H

#include <signal.h>
#include <sys/prctl.h>

#include "perm.h"

#define DIR_PATH TMP "/dir"
#define FILE_PATH DIR_PATH "/file"

/* The number of the group, unless the test is about others. */
#define GROUP_NUM 7

static inline struct fanotify_addr group_address(__u32 mask)
{
	struct fanotify_addr addr = address(mask, O_RDONLY | O_CLOEXEC);

	addr.group_num = GROUP_NUM;
	return addr;
}

/* A socket that is bound to it, or -errno. */
static inline int new_member(const struct fanotify_addr *addr)
{
	int sock = new_socket();
	int ret;

	if (sock < 0)
		return sock;
	ret = do_bind(sock, addr);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/* A member of the directed group, or -errno. */
static inline int directed_member(void)
{
	struct fanotify_addr addr = group_address(0);

	return new_member(&addr);
}

/*
 * The first member of the directed group, which is asked about what is in
 * DIR_PATH, waits for ever, and does not listen to the test itself.
 */
static inline int first_member(__u32 mask)
{
	int sock = directed_member();
	int ret;

	if (sock < 0)
		return sock;
	ret = set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ?:
	      mark_path(sock, DIR_PATH, mask | FAN_EVENT_ON_CHILD, 0);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/*
 * A child that is a member of its own: what it does, @run, ends only when it is
 * killed. Its pid, or -1.
 */
static inline pid_t member_process(const struct fanotify_addr *addr,
				   void (*run)(int sock, void *arg), void *arg)
{
	pid_t child = fork();
	int sock;

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Or it would keep the other members' sockets open. */
	syscall(SYS_close_range, 3, ~0U, 0);
	sock = new_member(addr);
	if (sock >= 0)
		run(sock, arg);
	_exit(1);
}

/* Is anything to be read? */
static inline bool has_event(int sock)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && pfd.revents & POLLIN;
}

#ifndef FANOTIFY_NO_HARNESS
static inline void make_shared_dir(struct __test_metadata *_metadata)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
}
#endif

#endif /* FANOTIFY_TEST_SHARE_H */
