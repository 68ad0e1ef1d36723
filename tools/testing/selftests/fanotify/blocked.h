/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: the fixture for threads that are blocked in a call
 */
#ifndef FANOTIFY_TEST_BLOCKED_H
#define FANOTIFY_TEST_BLOCKED_H

#include "waiting.h"

/* A thread in a call, and what that returns in the end */
FIXTURE(blocked)
{
	int sock;
};

FIXTURE_VARIANT(blocked) {
	long (*call)(struct waiter *w);
	long nr;
	long ret;
};

/* The variant in wait_in_@name(), which is the system call @number */
#define WAITS_IN(name, number) .call = wait_in_##name, .nr = number

#endif /* FANOTIFY_TEST_BLOCKED_H */
