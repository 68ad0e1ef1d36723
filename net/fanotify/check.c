// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of what a user passes in. No policy and no state here.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/string.h>

#include "fanotify_sock.h"

/* What can be asked for */
#ifdef CONFIG_FANOTIFY_ACCESS_PERMISSIONS
#define FANOTIFY_SO_PERM_EVENTS	FANOTIFY_PERM_EVENTS
#else
#define FANOTIFY_SO_PERM_EVENTS	0
#endif
#define FANOTIFY_SO_EVENTS	(FAN_ACCESS | FAN_MODIFY | FAN_CLOSE | \
				 FAN_OPEN | FAN_OPEN_EXEC | \
				 FANOTIFY_SO_PERM_EVENTS | \
				 FANOTIFY_SO_DIR_EVENTS)
#define FANOTIFY_SO_ADDR_MASK	(FANOTIFY_SO_EVENTS | FAN_ONDIR | \
				 FAN_GLOBAL_LISTENER)
#define FANOTIFY_SO_MARK_MASK	(FANOTIFY_SO_EVENTS | FAN_ONDIR | \
				 FAN_EVENT_ON_CHILD)
#define FANOTIFY_SO_IGNORED_MASK (FANOTIFY_SO_MARK_MASK | FAN_SURVIVE_MODIFY)
#define FANOTIFY_SO_SB_MASK	(FANOTIFY_SO_EVENTS | FAN_ONDIR | \
				 FAN_SURVIVE_MODIFY)

/*
 * How the files of events can be opened: nothing that creates, truncates or
 * resolves, and the same flags that fanotify_init(2) takes.
 */
#define FANOTIFY_SO_F_FLAGS	(O_ACCMODE | O_APPEND | O_NONBLOCK | \
				 __O_SYNC | O_DSYNC | O_CLOEXEC | \
				 O_LARGEFILE | O_NOATIME)

/* Some events can only be reported to who is told where it was. */
static bool mask_suits_report(u32 mask, u32 report)
{
	return !(mask & FANOTIFY_SO_DIR_EVENTS) || report & FANOTIFY_SO_WHERE;
}

/**
 * fanotify_addr_check - is this something to bind to?
 * @addr: the whole address, in kernel memory, of the right family
 * @report: what events shall tell: FAN_REPORT_* bits
 *
 * Context: Any. Pure.
 * Return: 0; -EINVAL for a reserved field that is not 0, open flags that an
 * event's file cannot be opened with, or, with FAN_GLOBAL_LISTENER, no event
 * at all or a bit that is not one to ask for, or not with @report.
 */
int fanotify_addr_check(const struct fanotify_addr *addr, u32 report)
{
	if (memchr_inv(addr->unused, 0, sizeof(addr->unused)))
		return -EINVAL;

	if (addr->f_flags & ~FANOTIFY_SO_F_FLAGS ||
	    (addr->f_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;

	/* Without FAN_GLOBAL_LISTENER the mask says nothing. */
	if (addr->mask & FAN_GLOBAL_LISTENER &&
	    (addr->mask & ~FANOTIFY_SO_ADDR_MASK ||
	     !(addr->mask & FANOTIFY_SO_EVENTS) ||
	     !mask_suits_report(addr->mask, report)))
		return -EINVAL;

	return 0;
}

/* No bit that does not belong there, and no flags without an event */
static bool mask_is_valid(u32 mask, u32 valid)
{
	return !mask || (!(mask & ~valid) && mask & FANOTIFY_SO_EVENTS);
}

/* At most one */
static bool scope_is_valid(u32 scope)
{
	return !(scope & (scope - 1));
}

/**
 * fanotify_mark_check - is this something to set a mark to?
 * @mark: the mark, in kernel memory
 * @addr: what the socket is bound to
 * @report: what events tell: FAN_REPORT_* bits
 *
 * What @mark->fd is does not matter here.
 *
 * Context: Any. Pure.
 * Return: 0; -EINVAL for a bit that is not one to ask for, for flags without
 * an event, for more than one thing to mark, for events that a mount or @report
 * cannot tell of, or if a global listener asks for events of one file.
 */
int fanotify_mark_check(const struct fanotify_so_inode_mark *mark,
			const struct fanotify_addr *addr, u32 report)
{
	u32 scope = (mark->mask | mark->ignored_mask) & FANOTIFY_SO_SCOPES;
	u32 ignored_mask = mark->ignored_mask & ~FANOTIFY_SO_SCOPES;
	u32 mask = mark->mask & ~FANOTIFY_SO_SCOPES;

	if (!mask_is_valid(mask, FANOTIFY_SO_MARK_MASK) ||
	    !mask_is_valid(ignored_mask, FANOTIFY_SO_IGNORED_MASK) ||
	    !scope_is_valid(scope))
		return -EINVAL;
	if (mask && addr->mask & FAN_GLOBAL_LISTENER)
		return -EINVAL;
	/* They do not tell by which mount it was. */
	if (scope == FAN_ON_MOUNT && mask & FANOTIFY_SO_DIR_EVENTS)
		return -EINVAL;
	return mask_suits_report(mask, report) ? 0 : -EINVAL;
}

/**
 * fanotify_report_check - is this something for events to tell?
 * @report: FAN_REPORT_* bits
 *
 * Context: Any. Pure.
 * Return: 0; -EINVAL for a bit that there is not, or that says nothing without
 * another one.
 */
int fanotify_report_check(u32 report)
{
	if (report & ~FANOTIFY_SO_REPORT)
		return -EINVAL;
	if (report & FAN_REPORT_NAME && !(report & FAN_REPORT_DIR_FID))
		return -EINVAL;
	if (report & FAN_REPORT_TARGET_FID &&
	    (!(report & FAN_REPORT_NAME) || !(report & FAN_REPORT_FID)))
		return -EINVAL;
	return 0;
}

/**
 * fanotify_sb_check - is this something to ignore?
 * @sb: what to ignore, in kernel memory
 *
 * Context: Any. Pure.
 * Return: 0; -EINVAL for a reserved field that is not 0, a bit that is not one
 * to ignore, or flags without an event.
 */
int fanotify_sb_check(const struct fanotify_so_sb *sb)
{
	if (sb->flags || !mask_is_valid(sb->mask, FANOTIFY_SO_SB_MASK))
		return -EINVAL;
	return 0;
}

/**
 * fanotify_access_check - is this an answer?
 * @access: the answer, in kernel memory
 *
 * Context: Any. Pure.
 * Return: 0; -EINVAL for a response that there is not.
 */
int fanotify_access_check(const struct fanotify_so_access *access)
{
	switch (access->response) {
	case FAN_ALLOW:
	case FAN_ALLOW | FAN_CACHE:
	case FAN_DENY:
	case FAN_RESET_TIMEOUT:
		return 0;
	default:
		return -EINVAL;
	}
}
