// SPDX-License-Identifier: GPL-2.0
/*
 * The open file that comes with an event.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/fanotify_socket.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/signal.h>

#include "../../internal.h"

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

/**
 * fanotify_so_open - open the file of an event for its reader
 * @taken: the event; not an overflow
 * @flags: how to open it: O_* flags
 * @filp: is set to the open file, or, if the file itself cannot be opened, to
 *        an ERR_PTR with an errno that may be reported to the reader
 *
 * An error that has nothing to do with this file, but with the reader, is not
 * one to report: with it the event has to be kept for a better time. Which is
 * which is told by where it comes from and not by its number, since a file
 * system of the user's own may answer an open with any number.
 *
 * What the reader does with the file causes no events.
 *
 * Context: Process context, no lock held. Sleeps as long as the file system
 * takes to open a file.
 * Return: 0 if @filp is set; -ENFILE or -ENOMEM if no struct file could be
 * had; -ERESTARTSYS if a signal came while the open waited.
 */
int fanotify_so_open(const struct fanotify_so_taken *taken, int flags,
		     struct file **filp)
{
	struct file *file;
	int err;

	file = alloc_empty_file(flags | __FMODE_NONOTIFY, current_cred());
	if (IS_ERR(file))
		return PTR_ERR(file);

	/* The one check of a path lookup that vfs_open() counts on. */
	if (d_is_dir(taken->path.dentry) && (flags & O_ACCMODE) != O_RDONLY)
		err = -EISDIR;
	else
		err = vfs_open(&taken->path, file);
	if (err) {
		fput(file);
		if (signal_pending(current) && so_open_errno(err) == -EINTR)
			return -ERESTARTSYS;
		*filp = ERR_PTR(so_open_errno(err));
		return 0;
	}
	/* f_mode has it now; in f_flags it would show in fcntl(F_GETFL). */
	file->f_flags &= ~__FMODE_NONOTIFY;
	*filp = file;
	return 0;
}
EXPORT_SYMBOL_GPL(fanotify_so_open);
