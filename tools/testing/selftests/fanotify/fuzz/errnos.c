// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: the errors that the guide has for each call
 *
 * And those that calls of any socket have, before the family is asked: EFAULT
 * and EINVAL for addresses and lengths, for example.
 */
#include "fuzz.h"

const int socket_errnos[] = {
	ESOCKTNOSUPPORT, EPROTONOSUPPORT, EMFILE, ENFILE, ENOMEM, EINVAL, 0
};

const int bind_errnos[] = {
	EINVAL, EAFNOSUPPORT, EPERM, EACCES, EINTR, EMFILE, ENOMEM, EFAULT, 0
};

const int mark_errnos[] = {
	ENOTCONN, ESHUTDOWN, EINVAL, E2BIG, EFAULT, EBADF, ENOTDIR, EPERM,
	EROFS, EACCES, ENOENT, ENOSPC, ENOMEM, 0
};

const int ignore_errnos[] = {
	ENOTCONN, ESHUTDOWN, EINVAL, EFAULT, ENOENT, ENOSPC, 0
};

const int answer_errnos[] = {
	ENOTCONN, ESHUTDOWN, EINVAL, EFAULT, EINTR, ENOENT, 0
};

/* EMSGSIZE and ENOBUFS: too many buffers, or too large control data */
const int send_errnos[] = {
	ENOTCONN, ESHUTDOWN, EINVAL, EFAULT, EINTR, ENOENT, EOPNOTSUPP,
	EMSGSIZE, ENOBUFS, 0
};

const int number_errnos[] = { ENOTCONN, ESHUTDOWN, EINVAL, EFAULT, 0 };

const int linger_errnos[] = {
	ENOTCONN, ESHUTDOWN, EINVAL, EOPNOTSUPP, EFAULT, 0
};

const int report_errnos[] = { ESHUTDOWN, EINVAL, EFAULT, EBUSY, 0 };

const int forget_errnos[] = { ENOTCONN, ESHUTDOWN, EINVAL, 0 };

const int unknown_errnos[] = { ENOPROTOOPT, EINVAL, 0 };

const int get_errnos[] = { ENOTCONN, EINVAL, EFAULT, ENOPROTOOPT, 0 };

const int rcvbuf_errnos[] = { EINVAL, EFAULT, EPERM, 0 };

/* EMSGSIZE: too many buffers */
const int read_errnos[] = {
	EOPNOTSUPP, ENOTCONN, EINVAL, EAGAIN, EMFILE, ENFILE, ENOMEM, EINTR,
	EFAULT, ETIMEDOUT, EMSGSIZE, 0
};

const int shutdown_errnos[] = { EOPNOTSUPP, ENOTCONN, EINVAL, 0 };

/* What there is not; an address is looked at before. */
const int none_errnos[] = { EOPNOTSUPP, EFAULT, EINVAL, EMFILE, 0 };

const int name_errnos[] = { EFAULT, EINVAL, 0 };

const int ioctl_errnos[] = { ENOTCONN, ENOTTY, EFAULT, 0 };

bool is_documented(const int *errnos, int err)
{
	for (; *errnos; errnos++)
		if (*errnos == err)
			return true;
	return false;
}

/* ENFILE and ENOBUFS are what socket() and sendmsg() make of ENOMEM. */
bool is_of_fault(int err)
{
	return err == ENOMEM || err == EFAULT || err == ENFILE ||
	       err == ENOBUFS;
}
