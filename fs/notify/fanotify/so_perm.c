// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that wait for an answer, and those who give it.
 *
 * An operation that is to be allowed or denied puts itself, from its stack, on
 * the queue and into a hash by its cookie, and sleeps. Each of these can end
 * the wait, the first wins, and all of them go through so_perm_settle() under
 * group->lock: an answer, the clock, the end of the group, and the death of the
 * task. Nothing here needs memory, and nothing is looked for but by hash.
 */
#include <linux/freezer.h>
#include <linux/fs.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/path.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/wake_q.h>
#include <linux/time64.h>

#include "so.h"

#define CREATE_TRACE_POINTS
#include <trace/events/fanotify_socket.h>

/* Nobody looks more often than that whether somebody has its event. */
#define SO_MIN_QUARTER		((u64)NSEC_PER_MSEC)

/* As many operations are let go under one hold of the lock. */
#define SO_RELEASE_BATCH	64

void fanotify_so_perm_init(struct fanotify_so_group *group)
{
	INIT_LIST_HEAD(&group->waiting);
}

static struct hlist_head *so_asked_bucket(struct fanotify_so_group *group,
					  u64 cookie)
{
	return &group->asked[hash_64(cookie, FANOTIFY_SO_ASKED_BITS)];
}

static struct fanotify_so_perm *so_perm_of(struct fanotify_so_event *event)
{
	return container_of(event, struct fanotify_so_perm, event);
}

static struct fanotify_so_perm *so_perm_find(struct fanotify_so_group *group,
					     u64 cookie)
{
	struct fanotify_so_perm *perm;

	lockdep_assert_held(&group->lock);
	hlist_for_each_entry(perm, so_asked_bucket(group, cookie), event.hash)
		if (perm->cookie == cookie)
			return perm;
	return NULL;
}

static void so_perm_dequeue(struct fanotify_so_group *group,
			    struct fanotify_so_perm *perm)
{
	lockdep_assert_held(&group->lock);
	if (list_empty(&perm->event.list))
		return;
	list_del_init(&perm->event.list);
	group->asking--;
}

/* The end of the wait, whoever brings it about */
static void so_perm_settle(struct fanotify_so_group *group,
			   struct fanotify_so_perm *perm, u32 verdict)
{
	lockdep_assert_held(&group->lock);
	so_perm_dequeue(group, perm);
	hlist_del(&perm->event.hash);
	list_del(&perm->waiting);
	list_del_init(&perm->taken);
	group->nr_waiting--;
	perm->verdict = verdict;
}

/* What so_perm_queue() does not fill in; no references, see @event. */
static void so_perm_init(struct fanotify_so_perm *perm, const struct file *file,
			 u32 mask, u32 report, __kernel_fsid_t fsid)
{
	perm->event.path = file->f_path;
	perm->event.pid = task_pid(current);
	perm->event.tgid = task_tgid(current);
	perm->event.mask = mask;
	perm->event.f_flags = fanotify_so_shown_flags(file);
	perm->event.report = report;
	perm->event.info = NULL;
	perm->event.held = 0;
	perm->cookie = 0;
	perm->task = current;
	perm->taker = NULL;
	perm->verdict = 0;
	perm->mark = NULL;
	perm->generation = 0;
	perm->fsid = fsid;
}

/*
 * Returns true, and when the clock started in @now; or false, and there is a
 * verdict, if the group asks nobody any more, or too many wait already.
 */
static bool so_perm_queue(struct fanotify_so_group *group,
			  struct fanotify_so_perm *perm, u64 *now)
{
	spin_lock(&group->lock);
	if (group->shutdown || !fanotify_so_may_wait(group->nr_waiting)) {
		perm->verdict = group->rules.policy;
		group->unasked++;
		spin_unlock(&group->lock);
		return false;
	}
	/* Under the lock, for which it may have had to wait */
	*now = fanotify_so_now();
	fanotify_so_clock_start(&perm->clock, *now, group->rules.timeout,
				++group->turn);
	perm->cookie = ++group->last_cookie;
	if (!group->asks_since)
		group->asks_since = *now;
	INIT_LIST_HEAD(&perm->taken);
	hlist_add_head(&perm->event.hash, so_asked_bucket(group, perm->cookie));
	list_add_tail(&perm->waiting, &group->waiting);
	group->nr_waiting++;
	list_add_tail(&perm->event.list, &group->queue);
	group->asking++;
	spin_unlock(&group->lock);

	fanotify_so_wake(group);
	return true;
}

/*
 * The freezer of the old control groups asks each task once, and forgets one
 * that is only on its way to sleep. If that is missed here, too, the next alarm
 * comes by.
 */
static bool so_freeze(void)
{
	/* Not try_to_freeze(): the caller may hold locks, see below. */
	return freezing(current) && __refrigerator(false);
}

/*
 * Sleeps until there is a verdict, @perm->verdict, or the task is killed, in
 * which case it is 0. Each quarter of the period an event that nobody has, or
 * has any more, wakes everybody: the one that was woken for it may be stuck.
 */
static void so_perm_wait(struct fanotify_so_group *group,
			 struct fanotify_so_perm *perm, u64 now)
{
	u64 quarter = max(perm->clock.period / 4, SO_MIN_QUARTER);
	u64 alarm = now + quarter;
	bool evicted = false, wake;
	s64 left;

	/* On one CPU the listener may have answered before this goes to sleep. */
	cond_resched();
	spin_lock(&group->lock);
	while (!perm->verdict) {
		if (fatal_signal_pending(current)) {
			so_perm_settle(group, perm, 0);
			break;
		}
		left = fanotify_so_clock_left(&perm->clock, now);
		if (left <= 0) {
			so_perm_settle(group, perm, group->rules.policy);
			group->timeouts++;
			trace_fanotify_so_timeout(group->number, perm->cookie);
			evicted = fanotify_so_count_timeout(group, perm);
			break;
		}

		wake = false;
		if (now >= alarm) {
			wake = !list_empty(&perm->event.list);
			alarm = now + quarter;
		}
		left = min_t(s64, left, alarm - now);
		/*
		 * Locks of the caller may be held over the freezer: who needs
		 * them is not worse off than without it.
		 */
		set_current_state(TASK_KILLABLE | TASK_FREEZABLE_UNSAFE);
		spin_unlock(&group->lock);

		if (wake)
			fanotify_so_wake_everyone(group);
		if (!so_freeze())
			schedule_timeout(nsecs_to_jiffies(left) + 1);
		spin_lock(&group->lock);
		if (!perm->verdict)
			now = fanotify_so_now();
	}
	spin_unlock(&group->lock);

	if (evicted)
		fanotify_so_evict(group);
}

/**
 * fanotify_so_ask - may the current task do this?
 * @group: whom to ask
 * @file: what it has open, or is opening
 * @mask: what it wants to do: one permission event
 * @report: what the reader is to be told besides: FAN_REPORT_* bits
 * @fsid: the file system, for handles
 *
 * Context: Process context, with no lock of fsnotify's held. Sleeps.
 * Return: 0 if it may, -EPERM if not, -EINTR if it was killed meanwhile.
 */
int fanotify_so_ask(struct fanotify_so_group *group, const struct file *file,
		    u32 mask, u32 report, __kernel_fsid_t fsid)
{
	struct fanotify_so_perm perm;
	u64 now;

	so_perm_init(&perm, file, mask, report, fsid);
	if (!READ_ONCE(group->shutdown))
		fanotify_so_verdict_prepare(group, file, &perm);
	if (so_perm_queue(group, &perm, &now))
		so_perm_wait(group, &perm, now);
	if (perm.mark)
		fsnotify_put_mark(perm.mark);

	trace_fanotify_so_verdict(group->number, perm.cookie, mask,
				  perm.verdict);
	switch (perm.verdict) {
	case FAN_ALLOW:
		return 0;
	case FAN_DENY:
		return -EPERM;
	default:
		return -EINTR;
	}
}

/**
 * fanotify_so_perm_take - a reader takes a permission event off the queue
 * @group: the group, with its lock held
 * @event: the event
 * @member: the reader's
 * @now: what fanotify_so_now() says
 * @taken: is filled with references of its own
 *
 * The clock of the event stands still until fanotify_so_perm_delivered() or
 * fanotify_so_perm_put_back().
 */
void fanotify_so_perm_take(struct fanotify_so_group *group,
			   struct fanotify_so_event *event,
			   struct fanotify_so_member *member, u64 now,
			   struct fanotify_so_taken *taken)
{
	struct fanotify_so_perm *perm = so_perm_of(event);

	so_perm_dequeue(group, perm);
	perm->taker = member;
	fanotify_so_clock_stop(&perm->clock, now);

	path_get(&event->path);
	fanotify_so_get_pids(event->pid, event->tgid);
	taken->event = NULL;
	taken->path = event->path;
	taken->pid = event->pid;
	taken->tgid = event->tgid;
	taken->mask = event->mask;
	taken->f_flags = event->f_flags;
	taken->cookie = perm->cookie;
	taken->report = event->report;
	taken->info = NULL;
	taken->fsid = perm->fsid;
}

/**
 * fanotify_so_perm_put_back - a permission event was not delivered
 * @group: the group, with its lock held
 * @taken: the event, which may be over meanwhile
 */
void fanotify_so_perm_put_back(struct fanotify_so_group *group,
			       const struct fanotify_so_taken *taken)
{
	struct fanotify_so_perm *perm = so_perm_find(group, taken->cookie);

	if (!perm)
		return;
	perm->taker = NULL;
	perm->event.held = fanotify_so_now() - taken->since;
	fanotify_so_clock_go_on(&perm->clock);
	list_add(&perm->event.list, &group->returned);
	group->asking++;
}

/**
 * fanotify_so_perm_return - who has taken an event will not answer it
 * @group: the group, with its lock held
 * @perm: the operation, which waits, and whose clock runs
 *
 * The caller must call fanotify_so_wake_everyone() without the lock.
 */
void fanotify_so_perm_return(struct fanotify_so_group *group,
			     struct fanotify_so_perm *perm)
{
	lockdep_assert_held(&group->lock);
	list_del_init(&perm->taken);
	perm->taker = NULL;
	list_add_tail(&perm->event.list, &group->returned);
	group->asking++;
}

/**
 * fanotify_so_perm_delivered - the reader has the event, and the time runs
 * @group: the group, with its lock held
 * @cookie: that of the event, which may be over meanwhile
 *
 * Return: true if it is for the others all the same, because the reader's
 * member is gone by now. Then fanotify_so_wake_everyone() has to follow.
 */
bool fanotify_so_perm_delivered(struct fanotify_so_group *group, u64 cookie)
{
	struct fanotify_so_perm *perm = so_perm_find(group, cookie);

	if (!perm)
		return false;
	fanotify_so_clock_go_on(&perm->clock);
	if (perm->taker->gone) {
		fanotify_so_perm_return(group, perm);
		return true;
	}
	list_add_tail(&perm->taken, &perm->taker->taken);
	return false;
}

/**
 * fanotify_so_answer - answer a permission event
 * @group: the group
 * @member: who answers, whoever has taken the event
 * @cookie: which event
 * @response: FAN_ALLOW or FAN_DENY, perhaps with FAN_CACHE; FAN_RESET_TIMEOUT
 *
 * Context: Process context. Takes group->lock, and may sleep if it is the first
 * answer to be kept.
 * Return: 0; -ENOENT if no operation with this cookie waits; -ESHUTDOWN if the
 * member is gone.
 */
int fanotify_so_answer(struct fanotify_so_group *group,
		       struct fanotify_so_member *member, u64 cookie,
		       u32 response)
{
	struct fanotify_so_perm *perm;
	DEFINE_WAKE_Q(wake_q);
	int err = 0;

	if (response & FAN_CACHE)
		fanotify_so_verdict_start(group);

	spin_lock(&group->lock);
	perm = so_perm_find(group, cookie);
	if (member->gone) {
		err = -ESHUTDOWN;
	} else if (!perm) {
		err = -ENOENT;
	} else if (response == FAN_RESET_TIMEOUT) {
		fanotify_so_clock_restart(&perm->clock, ++group->turn);
	} else {
		if (response & FAN_CACHE)
			fanotify_so_verdict_keep(perm);
		member->timeouts = 0;
		if (perm->taker)
			perm->taker->timeouts = 0;
		group->answered = ++group->turn;
		so_perm_settle(group, perm, response & ~FAN_CACHE);
		wake_q_add(&wake_q, perm->task);
	}
	spin_unlock(&group->lock);
	wake_up_q(&wake_q);
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_answer);

/**
 * fanotify_so_perm_release_all - nobody will answer any more
 * @group: a group that lets no event in any more
 *
 * Context: Process context. May sleep. Takes group->lock, for a few of the
 * operations at a time.
 */
void fanotify_so_perm_release_all(struct fanotify_so_group *group)
{
	struct fanotify_so_perm *perm;
	bool more;

	do {
		DEFINE_WAKE_Q(wake_q);
		int i;

		spin_lock(&group->lock);
		for (i = 0; i < SO_RELEASE_BATCH; i++) {
			perm = list_first_entry_or_null(&group->waiting,
							struct fanotify_so_perm,
							waiting);
			if (!perm)
				break;
			so_perm_settle(group, perm, group->rules.policy);
			wake_q_add(&wake_q, perm->task);
		}
		more = !list_empty(&group->waiting);
		spin_unlock(&group->lock);
		wake_up_q(&wake_q);
		cond_resched();
	} while (more);
}
