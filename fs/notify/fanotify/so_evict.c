// SPDX-License-Identifier: GPL-2.0
/*
 * Listeners that do not answer: counting, and the end of patience.
 *
 * Timeouts are counted in rounds: of all the events that waited through one
 * hiccup of a listener only the first that runs out counts, since the clocks of
 * the others had started before that.
 */
#include <linux/fs.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/time64.h>
#include <net/sock.h>

#include "so.h"

#include <trace/events/fanotify_socket.h>

/* So long a reader is excused by an open that takes its time. */
#define SO_MAX_OPENING		(60 * (u64)NSEC_PER_SEC)

/*
 * One with a reader that has been in the kernel's hands for most of the time
 * cannot answer what that has read, nor read more. It can be brought about,
 * with a lease for example, and must not be a way to get rid of a listener; nor
 * must a server that never answers be one to have everybody wait for ever.
 */
static bool so_is_excused(const struct fanotify_so_group *group,
			  struct fanotify_so_member *member, u64 period)
{
	u64 held, now = fanotify_so_now();
	struct fanotify_so_taken *taken;

	for (;;) {
		taken = list_first_entry_or_null(&member->opening,
						 struct fanotify_so_taken,
						 opening);
		if (!taken)
			return false;
		/* If it was taken before the first question: since that one. */
		held = now - (taken->since ?: group->asks_since);
		if (held < SO_MAX_OPENING)
			return held > period / 2;
		/* It is never an excuse again. */
		list_del_init(&taken->opening);
	}
}

/* What nobody has taken is no fault of the others while one of them is. */
static bool so_any_is_excused(struct fanotify_so_group *group, u64 period)
{
	struct fanotify_so_member *member;

	list_for_each_entry(member, &group->members, list)
		if (!member->gone && so_is_excused(group, member, period))
			return true;
	return false;
}

/*
 * How many rounds of events that nobody had taken a member answers for: those
 * since anybody has answered anything.
 */
static unsigned int so_unread(const struct fanotify_so_group *group,
			      const struct fanotify_so_member *member)
{
	return member->unread_since < group->answered ? 0 : member->unread;
}

/* Returns true if that was the last straw. */
static bool so_blame(struct fanotify_so_group *group,
		     struct fanotify_so_member *member,
		     const struct fanotify_so_perm *perm)
{
	if (perm->clock.started < member->counted)
		return false;

	member->counted = ++group->turn;
	if (perm->taker) {
		member->timeouts++;
	} else {
		member->unread = so_unread(group, member) + 1;
		member->unread_since = group->turn;
	}
	return member->timeouts + so_unread(group, member) >=
	       FAN_SO_MAX_TIMEOUTS;
}

/**
 * fanotify_so_count_timeout - an operation got no answer in time
 * @group: the group, with its lock held
 * @perm: the operation
 *
 * It counts against the member that took the event, or against all if none
 * did, but not while the kernel keeps one of these from answering. Those for
 * whom it was the last straw are gone, and with the last member the group hears
 * of nothing any more.
 *
 * Return: true if there is such a one: then the caller has to call
 * fanotify_so_evict() without the lock.
 */
bool fanotify_so_count_timeout(struct fanotify_so_group *group,
			       const struct fanotify_so_perm *perm)
{
	struct fanotify_so_member *member;
	bool evict = false;

	lockdep_assert_held(&group->lock);
	if (group->shutdown || perm->clock.stopped)
		return false;
	if (perm->taker ?
		    so_is_excused(group, perm->taker, perm->clock.period) :
		    so_any_is_excused(group, perm->clock.period))
		return false;

	list_for_each_entry(member, &group->members, list) {
		if (member->gone || (perm->taker && perm->taker != member) ||
		    !so_blame(group, member, perm))
			continue;
		fanotify_so_member_end(group, member, true);
		evict = true;
	}
	if (evict && !group->live) {
		WRITE_ONCE(group->evicted, true);
		if (group->rules.policy == FAN_DENY)
			WRITE_ONCE(group->shutdown, true);
		else
			fanotify_so_group_end(group);
	}
	return evict;
}

static void so_report(struct fanotify_so_group *group)
{
	struct fanotify_so_member *member;

	rcu_read_lock();
	list_for_each_entry_rcu(member, &group->members, list) {
		if (!READ_ONCE(member->evicted) ||
		    test_and_set_bit(FANOTIFY_SO_REPORTED, &member->told))
			continue;
		pr_warn_ratelimited("fanotify: listener %s (pid %d) evicted: %u times in a row it gave no answer in time\n",
				    member->comm, pid_nr(member->binder),
				    FAN_SO_MAX_TIMEOUTS);
		trace_fanotify_so_evict(group->number, pid_nr(member->binder),
					member->comm);
	}
	rcu_read_unlock();
}

/*
 * A group that fails closed keeps its marks, and so_perm_queue() denies at
 * once, until its last socket is closed.
 */
static void so_evict_work(struct work_struct *work)
{
	struct fanotify_so_group *group =
		container_of(work, struct fanotify_so_group, evict);
	u32 policy;

	spin_lock(&group->lock);
	policy = group->rules.policy;
	spin_unlock(&group->lock);

	if (policy == FAN_DENY)
		fanotify_so_queue_shutdown(group);
	else
		fanotify_so_group_shutdown(group);
	fsnotify_put_group(group->fsn);
}

void fanotify_so_evict_init(struct fanotify_so_group *group)
{
	INIT_WORK(&group->evict, so_evict_work);
}

/**
 * fanotify_so_evict - let go of listeners that do not answer
 * @group: their group, for which fanotify_so_count_timeout() said so
 *
 * What they had is for the others. If there are none, the operations that wait
 * are let go here, and the rest is left to a work item: it is the affair of
 * none of them, and they may hold any locks.
 *
 * Context: Process context, from an operation that has waited, so that one of
 * its marks holds the group.
 */
void fanotify_so_evict(struct fanotify_so_group *group)
{
	so_report(group);
	if (!READ_ONCE(group->evicted)) {
		fanotify_so_hand_on(group);
		fanotify_so_wake_all(group);
		return;
	}
	fanotify_so_share_remove(group);
	fanotify_so_perm_release_all(group);
	fanotify_so_wake_all(group);
	/* Several may come here, each with the last straw of another member. */
	fsnotify_get_group(group->fsn);
	if (!queue_work(system_unbound_wq, &group->evict))
		fsnotify_put_group(group->fsn);
}
