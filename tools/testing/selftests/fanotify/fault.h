/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: every allocation and every copy of a call fails once
 *
 * Needs CONFIG_FAILSLAB and CONFIG_FAULT_INJECTION_USERCOPY, as the checking
 * kernel of qemu/debug.config has them. Such a test does the same thing again
 * and again and lets the first, the second, ... chance to fail be taken, until
 * there is none left.
 */
#ifndef FANOTIFY_TEST_FAULT_H
#define FANOTIFY_TEST_FAULT_H

#include <stdlib.h>

#include "marks.h"

#define DEBUGFS "/sys/kernel/debug/"
#define FAILSLAB DEBUGFS "failslab/"
#define MAX_FAULTS 1000

/**
 * struct faults - the faults of one thread
 *
 * @nth: /proc/thread-self/fail-nth. What is written there counts down, and at
 *       0 a call fails.
 * @n: Which chance to fail is to be taken.
 */
struct faults {
	int nth;
	int n;
};

static inline void faults_on(struct faults *faults)
{
	char text[16];
	int len = sprintf(text, "%d", faults->n);

	if (pwrite(faults->nth, text, len, 0) != len)
		abort();
}

/*
 * Was the fault used up? If not, there is no chance left to take. Reading the
 * file is a chance too: when the read fails, nothing before it has.
 */
static inline bool faults_off(struct faults *faults)
{
	char text[16] = "";
	bool used;

	used = pread(faults->nth, text, sizeof(text) - 1, 0) > 0 &&
	       !atoi(text);
	faults->n++;
	/* What is left must not hit the test itself; nor what hits this. */
	while (pwrite(faults->nth, "0", 1, 0) != 1)
		continue;
	return used;
}

/* Of this thread. 0, -ENOENT if the kernel has no fault injection, or -errno. */
static inline int faults_init(struct faults *faults)
{
	*faults = (struct faults){ .n = 1 };
	faults->nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (faults->nth < 0)
		return -errno;
	return write_knob(FAILSLAB "ignore-gfp-wait", "N") ?:
	       write_knob(FAILSLAB "verbose", "0") ?:
	       write_knob(DEBUGFS "fail_usercopy/verbose", "0");
}

#endif /* FANOTIFY_TEST_FAULT_H */
