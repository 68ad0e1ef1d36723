/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: what a listener leaves behind to those who wait
 */
#ifndef FANOTIFY_TEST_POLICIES_H
#define FANOTIFY_TEST_POLICIES_H

#include "common.h"

/**
 * struct policy - how a listener fails
 *
 * @policy: For FANOTIFY_TIMEOUT_POLICY.
 * @verdict: What those who wait get: 0 or -errno.
 * @opposite: The answer that cannot be mistaken for it.
 * @opposite_verdict: What they get by that.
 */
struct policy {
	__u32 policy;
	long verdict;
	__u32 opposite;
	long opposite_verdict;
};

static const struct policy fails_open = {
	.policy = FAN_ALLOW,
	.verdict = 0,
	.opposite = FAN_DENY,
	.opposite_verdict = -EPERM,
};

static const struct policy fails_closed = {
	.policy = FAN_DENY,
	.verdict = -EPERM,
	.opposite = FAN_ALLOW,
	.opposite_verdict = 0,
};

#endif /* FANOTIFY_TEST_POLICIES_H */
