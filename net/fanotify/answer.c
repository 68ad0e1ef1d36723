// SPDX-License-Identifier: GPL-2.0
/*
 * Answers on their way from the user: by setsockopt() or by write() and its
 * siblings, one or many. Every answer is tried, whatever became of those before
 * it, since each is about a task of its own that waits. None of it needs
 * memory.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sockptr.h>
#include <linux/uio.h>

#include "fanotify_sock.h"

/* As many are copied at a time. */
#define ANSWERS_AT_A_TIME	16

/**
 * struct answers - how it went
 * @applied: So many were applied.
 * @err: The first error, or 0.
 */
struct answers {
	size_t applied;
	int err;
};

static void apply(struct fanotify_sock *fsk, struct fanotify_so_group *group,
		  const struct fanotify_so_access *access, size_t nr,
		  struct answers *answers)
{
	size_t i;
	int err;

	for (i = 0; i < nr; i++) {
		err = fanotify_access_check(&access[i]);
		if (!err)
			err = fanotify_so_answer(group, &fsk->member,
						 access[i].cookie,
						 access[i].response);
		if (!err)
			answers->applied++;
		else if (!answers->err)
			answers->err = err;
	}
}

/* Those before a bad address are applied, one by one if need be. */
static void apply_all(struct fanotify_sock *fsk,
		      struct fanotify_so_group *group, struct iov_iter *from,
		      size_t all, struct answers *answers)
{
	struct fanotify_so_access access[ANSWERS_AT_A_TIME];
	size_t nr, at_a_time = ANSWERS_AT_A_TIME;
	int err = 0;

	while (all && !err) {
		nr = min(all, at_a_time);
		if (copy_from_iter_full(access, nr * sizeof(*access), from)) {
			apply(fsk, group, access, nr, answers);
			all -= nr;
			cond_resched();
			if (all && fatal_signal_pending(current))
				err = -EINTR;
		} else if (nr > 1) {
			at_a_time = 1;
		} else {
			err = -EFAULT;
		}
	}
	if (!answers->err)
		answers->err = err;
}

/**
 * fanotify_set_answers - FANOTIFY_ACCESS_RESPONSE
 * @fsk: the socket
 * @group: its group
 * @optval: struct fanotify_so_access, one or more
 * @optlen: size of them in bytes
 *
 * Context: Process context, no lock held. May sleep.
 * Return: 0 if all were applied, else the first error: -EINVAL for a length
 * that is not that of some answers, or a response that there is not; -ENOENT if
 * nothing waits for this answer; -ESHUTDOWN; -EFAULT or -EINTR, after which the
 * rest was not tried.
 */
int fanotify_set_answers(struct fanotify_sock *fsk,
			 struct fanotify_so_group *group, sockptr_t optval,
			 unsigned int optlen)
{
	size_t all = optlen / sizeof(struct fanotify_so_access);
	struct answers answers = {};
	struct iov_iter from;
	struct kvec kvec;
	int err;

	if (!all || optlen % sizeof(struct fanotify_so_access))
		return -EINVAL;

	if (sockptr_is_kernel(optval)) {
		kvec = (struct kvec){ optval.kernel, optlen };
		iov_iter_kvec(&from, ITER_SOURCE, &kvec, 1, optlen);
	} else {
		err = import_ubuf(ITER_SOURCE, optval.user, optlen, &from);
		if (err)
			return err;
	}
	apply_all(fsk, group, &from, all, &answers);
	return answers.err;
}

/**
 * fanotify_sendmsg - write(), send() and their siblings: answers
 * @sock: the socket
 * @msg: struct fanotify_so_access, one or more
 * @len: size of them in bytes
 *
 * Context: Process context, no lock held. May sleep.
 * Return: @len if at least one answer was applied, else the first error, as
 * fanotify_set_answers() has them; -ENOTCONN before bind(); -EOPNOTSUPP for an
 * address, control data or MSG_OOB.
 */
int fanotify_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);
	size_t all = len / sizeof(struct fanotify_so_access);
	struct answers answers = {};

	if (msg->msg_flags & MSG_OOB || msg->msg_namelen || msg->msg_controllen)
		return -EOPNOTSUPP;
	if (!group)
		return -ENOTCONN;
	if (fanotify_so_is_over(&fsk->member))
		return -ESHUTDOWN;
	if (!all || len % sizeof(struct fanotify_so_access))
		return -EINVAL;

	apply_all(fsk, group, &msg->msg_iter, all, &answers);
	return answers.applied ? len : answers.err;
}
