/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: threads that are blocked in a call until there is an event
 */
#ifndef FANOTIFY_TEST_WOKEN_H
#define FANOTIFY_TEST_WOKEN_H

#include "blocked.h"

/* What they return then. */
FIXTURE_VARIANT_ADD(blocked, poll) {
	WAITS_IN(poll, SYS_ppoll),
	.ret = POLLIN,
};

FIXTURE_VARIANT_ADD(blocked, select) {
	WAITS_IN(select, SYS_pselect6),
	.ret = 1,
};

FIXTURE_VARIANT_ADD(blocked, epoll) {
	WAITS_IN(epoll, SYS_epoll_pwait),
	.ret = EPOLLIN,
};

FIXTURE_VARIANT_ADD(blocked, epoll_exclusive) {
	WAITS_IN(epoll_exclusive, SYS_epoll_pwait),
	.ret = EPOLLIN,
};

FIXTURE_VARIANT_ADD(blocked, read) {
	WAITS_IN(read, SYS_read),
	.ret = FAN_SO_EVENT_LEN,
};

FIXTURE_VARIANT_ADD(blocked, recv) {
	WAITS_IN(recv, SYS_recvfrom),
	.ret = FAN_SO_EVENT_LEN,
};

#endif /* FANOTIFY_TEST_WOKEN_H */
