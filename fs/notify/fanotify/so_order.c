// SPDX-License-Identifier: GPL-2.0
/*
 * The order of the groups, and who hears of whose open files.
 *
 * fsnotify asks the groups in ascending order of their numbers. What a listener
 * does with the files of its events is heard by those with smaller numbers and
 * by nobody else, see fsnotify(). Where there is none to hear it, the file is
 * opened so that it costs nothing to find out; the question is asked when the
 * event is taken, and of the file's superblock, for marks come and go.
 */
#include <linux/fs.h>
#include <linux/rculist.h>

#include "so.h"

/* Protects so_order against other writers. */
static DEFINE_SPINLOCK(so_order_lock);
/* All groups, by ascending number [so_order_lock, RCU]. */
static LIST_HEAD(so_order);

/**
 * fanotify_so_order_add - let a group listen to the files of those above it
 * @group: a group that has its number, and no mark yet
 *
 * Context: Process context. Takes so_order_lock.
 */
void fanotify_so_order_add(struct fanotify_so_group *group)
{
	struct list_head *before = &so_order;
	struct fanotify_so_group *other;

	spin_lock(&so_order_lock);
	list_for_each_entry(other, &so_order, order) {
		if (other->number > group->number) {
			before = &other->order;
			break;
		}
	}
	list_add_tail_rcu(&group->order, before);
	spin_unlock(&so_order_lock);
}

/**
 * fanotify_so_order_remove - the group listens no more
 * @group: the group, whose memory has to stay for a grace period
 *
 * Context: Process context. Takes so_order_lock.
 */
void fanotify_so_order_remove(struct fanotify_so_group *group)
{
	spin_lock(&so_order_lock);
	list_del_rcu(&group->order);
	spin_unlock(&so_order_lock);
}

/**
 * fanotify_so_order_get_sb - count a mark on something of a superblock
 * @group: the group of the mark, with mark_mutex held
 * @sb: the superblock
 * @gfp: for the memory it may take
 *
 * Context: Process context. May sleep.
 * Return: where it is counted, for fanotify_so_order_put_sb(), or NULL for want
 * of memory.
 */
struct fanotify_so_sb_count *
fanotify_so_order_get_sb(struct fanotify_so_group *group,
			 struct super_block *sb, gfp_t gfp)
{
	struct fanotify_so_sb_count *count;

	lockdep_assert_held(&group->fsn->mark_mutex);

	xa_lock(&group->sbs);
	/* Mostly it is that of the mark before. */
	count = group->last_sb;
	if (!count || count->sb != sb)
		count = xa_load(&group->sbs, (unsigned long)sb);
	group->last_sb = count;
	if (count)
		count->marks++;
	xa_unlock(&group->sbs);
	if (count)
		return count;

	/* Only mark_mutex lets one appear. */
	count = kmalloc(sizeof(*count), gfp);
	if (!count)
		return NULL;
	count->sb = sb;
	count->marks = 1;
	if (xa_err(xa_store(&group->sbs, (unsigned long)sb, count, gfp))) {
		kfree(count);
		return NULL;
	}
	return count;
}

/**
 * fanotify_so_order_put_sb - a mark on something of a superblock is gone
 * @group: the group of the mark
 * @count: what fanotify_so_order_get_sb() returned
 *
 * Context: Process context. Takes the lock of group->sbs.
 */
void fanotify_so_order_put_sb(struct fanotify_so_group *group,
			      struct fanotify_so_sb_count *count)
{
	bool last;

	xa_lock(&group->sbs);
	last = !--count->marks;
	if (last)
		__xa_erase(&group->sbs, (unsigned long)count->sb);
	if (last && group->last_sb == count)
		group->last_sb = NULL;
	xa_unlock(&group->sbs);

	/* Those who read only ask whether there is one. */
	if (last)
		kfree(count);
}

static bool so_listens(struct fanotify_so_group *group,
		       const struct super_block *sb)
{
	unsigned long first = 0;

	if (group->mask)
		return fanotify_so_sb_has_files(sb);
	/* The files below a stacked file system are on other superblocks. */
	if (sb->s_stack_depth)
		return xa_find(&group->sbs, &first, ULONG_MAX, XA_PRESENT);
	return xa_load(&group->sbs, (unsigned long)sb);
}

/**
 * fanotify_so_order_heard - is there somebody to hear what a listener does?
 * @group: the listener's group
 * @sb: where the file is that it opens
 *
 * Context: Process context.
 * Return: true if a group with a smaller number has marks on the superblock.
 */
bool fanotify_so_order_heard(const struct fanotify_so_group *group,
			     const struct super_block *sb)
{
	struct fanotify_so_group *other;
	bool heard = false;

	rcu_read_lock();
	list_for_each_entry_rcu(other, &so_order, order) {
		if (other->number >= group->number)
			break;
		heard = so_listens(other, sb);
		if (heard)
			break;
	}
	rcu_read_unlock();
	return heard;
}
