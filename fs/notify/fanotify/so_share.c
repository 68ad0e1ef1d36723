// SPDX-License-Identifier: GPL-2.0
/*
 * Groups that have a number: several sockets can be bound to one of them, and
 * it can outlive them for a while.
 *
 * A group is listed while it can be joined. It is listed before it hears of
 * anything, which takes a walk over all superblocks if it is global; who wants
 * to join it meanwhile waits for that.
 *
 *	listed, not born	bind() of the first socket is underway
 *	born			others join, leave
 *	lingering		nobody is left: until the time is up, or one joins
 *	not listed		it was shut down or evicted, or bind() failed
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/list.h>
#include <linux/security.h>
#include <linux/time64.h>
#include <linux/uidgid.h>

#include "so.h"

/* Protects so_shared, and what the groups on it have for this. */
static DEFINE_SPINLOCK(so_share_lock);
/* The groups that can be joined, or will be soon [so_share_lock]. */
static LIST_HEAD(so_shared);
/* Those sleep here who wait for one to be born. */
static DECLARE_WAIT_QUEUE_HEAD(so_share_wait);

static void so_linger_work(struct work_struct *work);

void fanotify_so_share_init(struct fanotify_so_group *group, u64 net,
			    const struct fanotify_addr *addr)
{
	security_current_getsecid_subj(&group->sid);
	group->net = net;
	group->group_num = addr->group_num;
	INIT_LIST_HEAD(&group->shared);
	INIT_DELAYED_WORK(&group->linger, so_linger_work);
}

/**
 * fanotify_so_share_find - find a group by its number
 * @net: the cookie of the network namespace
 * @group_num: the number, not 0
 * @new: is listed if there is no such group yet; may be NULL
 *
 * Context: Process context. Takes so_share_lock.
 * Return: the group, with a reference of its fsnotify group for the caller; or
 * @new, without one more; or NULL.
 */
struct fanotify_so_group *
fanotify_so_share_find(u64 net, u32 group_num, struct fanotify_so_group *new)
{
	struct fanotify_so_group *group;

	spin_lock(&so_share_lock);
	list_for_each_entry(group, &so_shared, shared) {
		if (group->net != net || group->group_num != group_num)
			continue;
		fsnotify_get_group(group->fsn);
		goto out_unlock;
	}
	group = new;
	if (new)
		list_add(&new->shared, &so_shared);
out_unlock:
	spin_unlock(&so_share_lock);
	return group;
}

/**
 * fanotify_so_share_born - a group can be joined from now on
 * @group: the group, listed
 *
 * Context: Process context. Takes so_share_lock.
 */
void fanotify_so_share_born(struct fanotify_so_group *group)
{
	spin_lock(&so_share_lock);
	group->born = true;
	spin_unlock(&so_share_lock);
	wake_up_all(&so_share_wait);
}

/**
 * fanotify_so_share_remove - nobody is to join a group any more
 * @group: the group, listed or not
 *
 * Context: Process context, that of an operation that has waited included.
 * Takes so_share_lock.
 */
void fanotify_so_share_remove(struct fanotify_so_group *group)
{
	spin_lock(&so_share_lock);
	list_del_init(&group->shared);
	spin_unlock(&so_share_lock);
	wake_up_all(&so_share_wait);
}

static bool so_is_settled(struct fanotify_so_group *group)
{
	bool settled;

	spin_lock(&so_share_lock);
	settled = group->born || list_empty(&group->shared);
	spin_unlock(&so_share_lock);
	return settled;
}

/*
 * A member does with the files of the events what the first one may do, who has
 * bound the group.
 */
static bool so_has_its_rights(const struct fanotify_so_group *group)
{
	const struct cred *a = group->cred, *b = current_cred();
	u32 sid = 0;

	security_current_getsecid_subj(&sid);
	return a->user_ns == b->user_ns && group->sid == sid &&
	       uid_eq(a->uid, b->uid) && uid_eq(a->euid, b->euid) &&
	       gid_eq(a->gid, b->gid) && gid_eq(a->egid, b->egid) &&
	       !cred_fscmp(a, b) &&
	       cap_issubset(a->cap_effective, b->cap_effective) &&
	       cap_issubset(b->cap_effective, a->cap_effective);
}

/**
 * fanotify_so_share_join - join a group that is there
 * @group: the group, with a reference that is the member's from now on, or is
 *         put if this fails
 * @addr: what the socket is bound to
 * @report: what it wants events to tell: FAN_REPORT_* bits; 0 if it is all the
 *          same
 * @member: the socket
 *
 * Context: Process context. Waits for the first bind() of the group to be done.
 * Return: 0; -EPERM if the group is somebody else's; -EINVAL if it is another
 * one than @addr describes; -ERESTARTSYS after a signal; -ESHUTDOWN if it is
 * going away, and another one can have its number.
 */
int fanotify_so_share_join(struct fanotify_so_group *group,
			   const struct fanotify_addr *addr, u32 report,
			   struct fanotify_so_member *member)
{
	int err;

	/* Before that it may come to nothing, and is nobody's then. */
	err = wait_event_interruptible(so_share_wait, so_is_settled(group));
	if (err)
		goto out_put_group;
	/* Whatever that one was, it is of no importance any more. */
	err = -ESHUTDOWN;
	if (READ_ONCE(group->shutdown))
		goto out_remove_group;
	err = -EPERM;
	if (!so_has_its_rights(group))
		goto out_put_group;
	err = -EINVAL;
	if (group->number != (u64)addr->priority + 1 ||
	    group->mask != fanotify_so_addr_mask(addr) ||
	    group->f_flags != addr->f_flags ||
	    (report && report != READ_ONCE(group->rules.report)))
		goto out_put_group;

	err = fanotify_so_member_join(group, member);
	if (err)
		goto out_remove_group;
	return 0;

out_remove_group:
	fanotify_so_share_remove(group);
out_put_group:
	fsnotify_put_group(group->fsn);
	return err;
}

/*
 * The time is up, unless somebody came meanwhile, or came and went, so that it
 * has begun anew.
 */
static void so_linger_work(struct work_struct *work)
{
	struct fanotify_so_group *group =
		container_of(to_delayed_work(work), struct fanotify_so_group,
			     linger);
	bool lingers, over = false;
	u64 now;

	spin_lock(&group->lock);
	now = fanotify_so_now();
	lingers = !group->live && !group->shutdown;
	if (lingers && now >= group->linger_until) {
		/* From here on nobody can join. */
		fanotify_so_group_end(group);
		over = true;
	}
	spin_unlock(&group->lock);

	if (over)
		fanotify_so_group_shutdown(group);
	else if (lingers)
		fanotify_so_share_linger(group);
	fsnotify_put_group(group->fsn);
}

/**
 * fanotify_so_share_linger - end a group that nobody joins until then
 * @group: the group, whose last member has gone
 *
 * Context: Process context. Takes group->lock.
 */
void fanotify_so_share_linger(struct fanotify_so_group *group)
{
	u64 left, now;

	/* Both under the lock: who is overtaken must not set another's time. */
	spin_lock(&group->lock);
	now = fanotify_so_now();
	left = group->linger_until > now ? group->linger_until - now : 0;
	/* The work's own, one for however often it is put off */
	fsnotify_get_group(group->fsn);
	if (mod_delayed_work(system_unbound_wq, &group->linger,
			     nsecs_to_jiffies(left) + 1))
		fsnotify_put_group(group->fsn);
	spin_unlock(&group->lock);
}
