// SPDX-License-Identifier: GPL-2.0
/*
 * The open file that comes with an event.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>

#include "../../internal.h"
#include "so.h"

/*
 * How a failed open is reported in place of a descriptor. -EPERM would be
 * FAN_NOFD, and some errors mean something to the kernel only.
 */
static int so_open_errno(int err)
{
	switch (err) {
	case -EPERM:
		return -EACCES;
	case -EOPENSTALE:
		return -ESTALE;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	default:
		return err;
	}
}

/*
 * What a path lookup would have checked and vfs_open() counts on: nobody
 * writes to a directory or to a file that is immutable, or elsewhere than at
 * the end of one that is append-only, only an owner reads without a trace, and
 * a file system with rules of its own is asked. FUSE keeps even root out of a
 * mount that is not open to others, so that its server, which may be anybody's,
 * cannot hold up who has no business there. The rights are those of the one who
 * bound the socket, whoever reads from it now.
 */
static int so_may_open(const struct fanotify_so_group *group,
		       const struct path *path, int flags)
{
	struct inode *inode = d_inode(path->dentry);
	struct mnt_idmap *idmap = mnt_idmap(path->mnt);
	bool for_reading = (flags & O_ACCMODE) == O_RDONLY;
	const struct cred *reader;
	int err;

	if (S_ISDIR(inode->i_mode) && !for_reading)
		return -EISDIR;
	if (IS_APPEND(inode) && !for_reading && !(flags & O_APPEND))
		return -EPERM;
	if (for_reading && !(flags & O_NOATIME) && !inode->i_op->permission)
		return 0;

	reader = override_creds(group->cred);
	err = inode_permission(idmap, inode, MAY_OPEN | ACC_MODE(flags));
	if (!err && flags & O_NOATIME && !inode_owner_or_capable(idmap, inode))
		err = -EPERM;
	revert_creds(reader);
	return err;
}

static bool so_has_lease(const struct inode *inode)
{
	const struct file_lock_context *ctx = locks_inode_context(inode);

	return ctx && !list_empty_careful(&ctx->flc_lease);
}

/*
 * Whoever has the lease is asked for it by the open, and may take its time. On
 * a stacked file system that is the lease on the file below.
 */
static bool so_is_leased(struct dentry *dentry)
{
	return so_has_lease(d_inode(dentry)) ||
	       so_has_lease(d_inode(d_real(dentry, D_REAL_METADATA)));
}

/**
 * fanotify_so_open_may_wait - will the open of a file wait for somebody?
 * @taken: the event
 *
 * Context: Process context.
 * Return: true if fanotify_so_open() may have to wait for another listener, or
 * for who has a lease.
 */
bool fanotify_so_open_may_wait(const struct fanotify_so_taken *taken)
{
	return fanotify_so_opens(taken) &&
	       (taken->heard || so_is_leased(taken->path.dentry));
}
EXPORT_SYMBOL_GPL(fanotify_so_open_may_wait);

/**
 * fanotify_so_open - open the file of an event for its reader
 * @group: the group it was taken from
 * @taken: the event; not an overflow
 * @flags: how to open it: O_* flags
 * @filp: is set to the open file, or, if the file itself cannot be opened, to
 *        an ERR_PTR with an errno that may be reported to the reader
 *
 * An error that has nothing to do with this file, but with the reader, is not
 * one to report: with it the event has to be kept for a better time. Which is
 * which is told by where it comes from and not by its number, since a file
 * system of the user's own may answer an open with any number, and would hold
 * up the queue for ever.
 *
 * What the reader does with the file causes events for the listeners with
 * smaller numbers only, and none at all if there were none when the event was
 * taken.
 *
 * Context: Process context, no lock held. Sleeps as long as the file system
 * takes to open a file.
 * Return: 0 if @filp is set; -ENFILE or -ENOMEM if no struct file could be
 * had; -ERESTARTSYS if a signal came while the open waited.
 */
int fanotify_so_open(const struct fanotify_so_group *group,
		     const struct fanotify_so_taken *taken, int flags,
		     struct file **filp)
{
	u64 listener = 0;
	struct file *file;
	int err;

	/* Like open(2), which keeps O_CLOEXEC to the descriptor. */
	flags &= ~O_CLOEXEC;

	if (taken->heard)
		listener = group->number;
	else
		flags |= __FMODE_NONOTIFY;

	file = alloc_empty_file(flags, current_cred());
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		if (err == -ENFILE || err == -ENOMEM)
			return err;
		goto out_report;
	}

	file_set_listener(file, listener);
	err = so_may_open(group, &taken->path, flags);
	if (!err)
		err = vfs_open(&taken->path, file);
	if (!err) {
		*filp = file;
		return 0;
	}
	fput(file);
	if (signal_pending(current) && so_open_errno(err) == -EINTR)
		return -ERESTARTSYS;
out_report:
	*filp = ERR_PTR(so_open_errno(err));
	return 0;
}
EXPORT_SYMBOL_GPL(fanotify_so_open);

/**
 * fanotify_so_open_pid - open a pidfd of the process that caused an event
 * @taken: the event; not an overflow
 * @filp: is set to the file, if there is a descriptor
 *
 * Context: Process context, no lock held. May sleep.
 * Return: a descriptor that is reserved for @filp; FAN_NOPIDFD if the process
 * is gone or not visible to the reader, FAN_EPIDFD if there is none to be had of
 * it; -EMFILE, -ENFILE or -ENOMEM, which are about the reader.
 */
int fanotify_so_open_pid(const struct fanotify_so_taken *taken,
			 struct file **filp)
{
	int fd;

	if (!pid_nr_ns(taken->tgid, task_active_pid_ns(current)) ||
	    !pid_has_task(taken->tgid, PIDTYPE_TGID))
		return FAN_NOPIDFD;

	fd = pidfd_prepare(taken->tgid, 0, filp);
	switch (fd) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return fd;
	case -ESRCH:
	case -EINVAL:
		/* It has gone just now. */
		return FAN_NOPIDFD;
	default:
		return fd < 0 ? FAN_EPIDFD : fd;
	}
}
EXPORT_SYMBOL_GPL(fanotify_so_open_pid);
