// SPDX-License-Identifier: GPL-2.0
/*
 * How long an operation waits: clocks that stand still now and then.
 *
 * All of them stand still while the system is suspended. CLOCK_MONOTONIC may go
 * on then: where the machine does not really sleep, and while devices are put
 * to sleep and woken. Nobody can answer in that time, since everybody is frozen.
 * Jiffies would not do: where they are counted late, nobody would have to wait
 * for as long as was said.
 */
#include <linux/device.h>
#include <linux/init.h>
#include <linux/minmax.h>
#include <linux/pm.h>
#include <linux/seqlock.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>

#include "so.h"

/* An operation waits so many periods for one group, and so long, at most. */
#define SO_MAX_PERIODS		10
#define SO_MAX_WAIT		(600 * (u64)NSEC_PER_SEC)

/* Nobody looks more often than that whether a clock still stands still. */
#define SO_MIN_LOOK		(50 * NSEC_PER_MSEC)

/* Protects both of these. */
static DEFINE_SEQLOCK(so_sleep_lock);
/* Since when nobody runs, in nanoseconds; 0 while the system is awake. */
static u64 so_asleep_since;
/* How long it has been asleep in all. */
static u64 so_slept;

/**
 * fanotify_so_now - what time is it?
 *
 * Context: Any, but for interrupts.
 * Return: nanoseconds in which the system was awake.
 */
u64 fanotify_so_now(void)
{
	unsigned int seq;
	u64 now;

	do {
		seq = read_seqbegin(&so_sleep_lock);
		now = so_asleep_since ?: ktime_get_ns();
		now -= so_slept;
	} while (read_seqretry(&so_sleep_lock, seq));
	return now;
}

/**
 * fanotify_so_clock_start - an operation begins to wait
 * @clock: its clock
 * @now: what fanotify_so_now() says
 * @timeout: for so many milliseconds
 * @turn: the group's turn
 *
 * Context: Process context, group->lock held, as for all of these.
 */
void fanotify_so_clock_start(struct fanotify_so_clock *clock, u64 now,
			     u32 timeout, u64 turn)
{
	clock->started = turn;
	clock->period = timeout * (u64)NSEC_PER_MSEC;
	clock->end = now + clock->period;
	clock->limit = now + min(SO_MAX_PERIODS * clock->period, SO_MAX_WAIT);
	clock->stopped = false;
	clock->left = 0;
}

/**
 * fanotify_so_clock_restart - let it start anew
 * @clock: the clock, which may be standing still
 * @turn: the group's turn
 */
void fanotify_so_clock_restart(struct fanotify_so_clock *clock, u64 turn)
{
	clock->started = turn;
	clock->end = fanotify_so_now() + clock->period;
	clock->left = clock->period;
}

/**
 * fanotify_so_clock_stop - let it stand still, if there is time left
 * @clock: the clock
 * @now: what fanotify_so_now() says
 */
void fanotify_so_clock_stop(struct fanotify_so_clock *clock, u64 now)
{
	clock->left = clock->end - now;
	clock->stopped = clock->left > 0;
}

/**
 * fanotify_so_clock_go_on - let it run again
 * @clock: the clock
 */
void fanotify_so_clock_go_on(struct fanotify_so_clock *clock)
{
	if (!clock->stopped)
		return;
	clock->end = fanotify_so_now() + clock->left;
	clock->stopped = false;
}

/**
 * fanotify_so_clock_left - how long until there is something to see to?
 * @clock: the clock
 * @now: what fanotify_so_now() says, or said just now
 *
 * While it stands still no less than this will be left when it goes on, or not
 * much less, so that nobody has to be woken for that.
 *
 * Return: nanoseconds; 0 or less if the time is up.
 */
s64 fanotify_so_clock_left(const struct fanotify_so_clock *clock, u64 now)
{
	s64 left = clock->stopped ? max_t(s64, clock->left, SO_MIN_LOOK) :
				    (s64)(clock->end - now);

	return min_t(s64, left, clock->limit - now);
}

#ifdef CONFIG_PM_SLEEP
/*
 * A device that is not there: the first that is prepared for a suspend is when
 * everybody has been frozen, the last that is completed before all are thawed.
 * While user space runs the clocks run, or a listener that is stopped could
 * hold up a suspend for ever.
 */
static int so_sleep_prepare(struct device *dev)
{
	write_seqlock(&so_sleep_lock);
	so_asleep_since = ktime_get_ns();
	write_sequnlock(&so_sleep_lock);
	return 0;
}

static void so_sleep_complete(struct device *dev)
{
	write_seqlock(&so_sleep_lock);
	so_slept += ktime_get_ns() - so_asleep_since;
	so_asleep_since = 0;
	write_sequnlock(&so_sleep_lock);
}

static const struct dev_pm_ops so_sleep_ops = {
	.prepare = so_sleep_prepare,
	.complete = so_sleep_complete,
};

static const struct device_type so_sleep_type = {
	.name = "fanotify_socket",
	.pm = &so_sleep_ops,
};

/* It is never unregistered. */
static void so_sleep_release(struct device *dev)
{
}

static struct device so_sleep_device = {
	.init_name = "fanotify_socket",
	.type = &so_sleep_type,
	.release = so_sleep_release,
};

static int __init fanotify_so_clock_init(void)
{
	int err = device_register(&so_sleep_device);

	if (err)
		put_device(&so_sleep_device);
	return err;
}
fs_initcall(fanotify_so_clock_init);
#endif /* CONFIG_PM_SLEEP */
