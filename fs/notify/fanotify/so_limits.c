// SPDX-License-Identifier: GPL-2.0
/*
 * Limits, for the administrator to set: /proc/sys/fs/fanotify_socket/.
 */
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sysctl.h>
#include <linux/user_namespace.h>

#include "so.h"

/* 262144 events */
#define SO_DEFAULT_MAX_QUEUE_BYTES	(64 << 20)

/* More than have a turn at the listener in any time that is worth waiting */
#define SO_DEFAULT_MAX_GROUP_WAITING	65536

/* What the system calls allow */
#define SO_DEFAULT_MAX_USER_GROUPS	128

/* What the system calls allow: 1 % of memory, but so many at least, at most */
#define SO_LEAST_MAX_USER_MARKS		8192
#define SO_MOST_MAX_USER_MARKS		1048576
#define SO_INODE_MARK_COST		(2 * sizeof(struct inode))

/* The most that SO_RCVBUF can be; read and written without a lock. */
static unsigned int so_max_queue_bytes __read_mostly =
	SO_DEFAULT_MAX_QUEUE_BYTES;

/* How many operations can wait for a group; likewise. */
static unsigned int so_max_group_waiting __read_mostly =
	SO_DEFAULT_MAX_GROUP_WAITING;

/**
 * fanotify_so_clamp_queue_bytes - how much of a queue can be asked for
 * @bytes: how much is asked for
 *
 * Context: Any.
 * Return: the bytes to be had: at least room for one event.
 */
u32 fanotify_so_clamp_queue_bytes(u32 bytes)
{
	return clamp_t(u32, bytes, FAN_SO_EVENT_COST,
		       READ_ONCE(so_max_queue_bytes));
}
EXPORT_SYMBOL_GPL(fanotify_so_clamp_queue_bytes);

/**
 * fanotify_so_may_wait - may one more operation wait for an answer?
 * @waiting: how many of the group do
 *
 * Context: Any.
 * Return: true if so.
 */
bool fanotify_so_may_wait(unsigned int waiting)
{
	return waiting < READ_ONCE(so_max_group_waiting);
}

#ifdef CONFIG_SYSCTL
static unsigned int so_one = 1;
static unsigned int so_many = INT_MAX;
static unsigned int so_least_queue_bytes = FAN_SO_EVENT_COST;
static long so_zero;
static long so_int_max = INT_MAX;

static struct ctl_table so_table[] = {
	{
		.procname	= "max_group_waiting",
		.data		= &so_max_group_waiting,
		.maxlen		= sizeof(so_max_group_waiting),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &so_one,
		.extra2		= &so_many,
	},
	{
		.procname	= "max_queue_bytes",
		.data		= &so_max_queue_bytes,
		.maxlen		= sizeof(so_max_queue_bytes),
		.mode		= 0644,
		.proc_handler	= proc_douintvec_minmax,
		.extra1		= &so_least_queue_bytes,
		.extra2		= &so_many,
	},
	{
		.procname	= "max_user_groups",
		.data		=
			&init_user_ns.ucount_max[UCOUNT_FANOTIFY_SO_GROUPS],
		.maxlen		= sizeof(long),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
		.extra1		= &so_zero,
		.extra2		= &so_int_max,
	},
	{
		.procname	= "max_user_marks",
		.data		=
			&init_user_ns.ucount_max[UCOUNT_FANOTIFY_SO_MARKS],
		.maxlen		= sizeof(long),
		.mode		= 0644,
		.proc_handler	= proc_doulongvec_minmax,
		.extra1		= &so_zero,
		.extra2		= &so_int_max,
	},
};

static void __init so_sysctls_init(void)
{
	register_sysctl_init("fs/fanotify_socket", so_table);
}
#else
static inline void so_sysctls_init(void)
{
}
#endif /* CONFIG_SYSCTL */

static int __init fanotify_so_limits_init(void)
{
	struct sysinfo si;
	unsigned long marks;

	si_meminfo(&si);
	marks = (((si.totalram - si.totalhigh) / 100) << PAGE_SHIFT) /
		SO_INODE_MARK_COST;
	init_user_ns.ucount_max[UCOUNT_FANOTIFY_SO_GROUPS] =
		SO_DEFAULT_MAX_USER_GROUPS;
	init_user_ns.ucount_max[UCOUNT_FANOTIFY_SO_MARKS] =
		clamp_t(unsigned long, marks, SO_LEAST_MAX_USER_MARKS,
			SO_MOST_MAX_USER_MARKS);
	so_sysctls_init();
	return 0;
}
fs_initcall(fanotify_so_limits_init);
