// SPDX-License-Identifier: GPL-2.0
/*
 * What the members of a group agree on: how long is waited for an answer, what
 * holds without one, whether they listen to themselves, and how long the group
 * lingers.
 */
#include <linux/errno.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>

#include "so.h"

void fanotify_so_rules_init(struct fanotify_so_group *group)
{
	group->rules.timeout = FAN_SO_DEFAULT_TIMEOUT;
	group->rules.policy = FAN_ALLOW;
}

/**
 * fanotify_so_get_rules - what do the members agree on?
 * @group: the group
 * @rules: is filled in
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_get_rules(struct fanotify_so_group *group,
			   struct fanotify_so_rules *rules)
{
	spin_lock(&group->lock);
	*rules = group->rules;
	spin_unlock(&group->lock);
}
EXPORT_SYMBOL_GPL(fanotify_so_get_rules);

static int so_set_rule(struct fanotify_so_group *group, u32 *rule, u32 val)
{
	int err = 0;

	spin_lock(&group->lock);
	if (group->shutdown)
		err = -ESHUTDOWN;
	else
		WRITE_ONCE(*rule, val);
	spin_unlock(&group->lock);
	return err;
}

/**
 * fanotify_so_set_timeout - how long shall an operation wait for an answer?
 * @group: the group
 * @timeout: milliseconds, for the operations that begin to wait from now on
 *
 * Context: Process context. Takes group->lock.
 * Return: 0 or -ESHUTDOWN.
 */
int fanotify_so_set_timeout(struct fanotify_so_group *group, u32 timeout)
{
	return so_set_rule(group, &group->rules.timeout, timeout);
}
EXPORT_SYMBOL_GPL(fanotify_so_set_timeout);

/**
 * fanotify_so_set_policy - what holds without an answer?
 * @group: the group
 * @policy: FAN_ALLOW or FAN_DENY, from now on, for those who wait as well
 *
 * Context: Process context. Takes group->lock.
 * Return: 0 or -ESHUTDOWN.
 */
int fanotify_so_set_policy(struct fanotify_so_group *group, u32 policy)
{
	return so_set_rule(group, &group->rules.policy, policy);
}
EXPORT_SYMBOL_GPL(fanotify_so_set_policy);

/**
 * fanotify_so_set_ignore_self - shall the members hear of themselves?
 * @group: the group
 * @ignore: 1 if not
 *
 * Context: Process context. Takes group->lock.
 * Return: 0 or -ESHUTDOWN.
 */
int fanotify_so_set_ignore_self(struct fanotify_so_group *group, u32 ignore)
{
	return so_set_rule(group, &group->rules.ignore_self, ignore);
}
EXPORT_SYMBOL_GPL(fanotify_so_set_ignore_self);

/**
 * fanotify_so_set_linger - how long shall the group outlive its last member?
 * @group: the group
 * @linger: seconds
 *
 * Context: Process context. Takes group->lock.
 * Return: 0; -EOPNOTSUPP if nobody else can join the group; -ESHUTDOWN.
 */
int fanotify_so_set_linger(struct fanotify_so_group *group, u32 linger)
{
	if (!group->group_num)
		return -EOPNOTSUPP;
	return so_set_rule(group, &group->rules.linger, linger);
}
EXPORT_SYMBOL_GPL(fanotify_so_set_linger);

/* Who is told nothing of where it was could not make use of these. */
static bool so_has_dir_events(struct fanotify_so_group *group)
{
	const struct fanotify_so_subtree *tree;
	struct fsnotify_mark *mark;
	u32 asked = group->mask;

	list_for_each_entry(mark, &group->fsn->marks_list, g_list) {
		cond_resched();
		tree = fanotify_so_mark(mark)->subtree;
		asked |= fanotify_so_mark(mark)->asked;
		asked |= tree ? tree->asked : 0;
	}
	return asked & FANOTIFY_SO_DIR_EVENTS;
}

/**
 * fanotify_so_set_report - what shall events tell besides a descriptor?
 * @group: the group
 * @report: FAN_REPORT_* bits, of the events that happen from now on
 *
 * Context: Process context. May sleep. Takes the mark mutex.
 * Return: 0; -EBUSY if there are marks that do not go with it; -ESHUTDOWN.
 */
int fanotify_so_set_report(struct fanotify_so_group *group, u32 report)
{
	u32 old;
	int err;

	fsnotify_group_lock(group->fsn);
	old = group->rules.report;
	/* Marks know the file system for handles from when they were set. */
	if ((report & FANOTIFY_FID_BITS && !(old & FANOTIFY_FID_BITS) &&
	     !list_empty(&group->fsn->marks_list)) ||
	    (!(report & FANOTIFY_SO_WHERE) && old & FANOTIFY_SO_WHERE &&
	     so_has_dir_events(group)))
		err = group->closed ? -ESHUTDOWN : -EBUSY;
	else
		err = so_set_rule(group, &group->rules.report, report);
	fsnotify_group_unlock(group->fsn);
	return err;
}
EXPORT_SYMBOL_GPL(fanotify_so_set_report);

/**
 * fanotify_so_ignores_current - is it one of the members itself that does this?
 * @group: the group
 *
 * Context: Process context.
 * Return: true if the group is not to hear of it.
 */
bool fanotify_so_ignores_current(struct fanotify_so_group *group)
{
	struct pid *tgid = task_tgid(current);
	struct fanotify_so_member *member;
	bool own = false;

	if (likely(!READ_ONCE(group->rules.ignore_self)))
		return false;

	rcu_read_lock();
	list_for_each_entry_rcu(member, &group->members, list) {
		own = member->binder == tgid;
		if (own)
			break;
	}
	rcu_read_unlock();
	return own;
}
