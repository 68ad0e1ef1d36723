// SPDX-License-Identifier: GPL-2.0
/*
 * Options of a socket.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sockptr.h>

#include "fanotify_sock.h"

/* What the mark is of, and what is left of its masks without that */
static void set_masks(struct fanotify_so_mark_req *req,
		      const struct fanotify_so_inode_mark *mark)
{
	req->scope = (mark->mask | mark->ignored_mask) & FANOTIFY_SO_SCOPES;
	req->mask = mark->mask & ~FANOTIFY_SO_SCOPES;
	req->ignored_mask = mark->ignored_mask & ~FANOTIFY_SO_SCOPES;
	/* Everything else has no children but those that belong to it anyway. */
	if (req->scope) {
		req->mask &= ~FAN_EVENT_ON_CHILD;
		req->ignored_mask &= ~FAN_EVENT_ON_CHILD;
	}
}

/* Get a reference of the file of each mark; what was got is in @reqs. */
static int get_files(struct fanotify_so_mark_req *reqs,
		     const struct fanotify_so_inode_mark *marks,
		     unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		/* O_PATH will do: it says which file, and opens nothing. */
		reqs[i].file = fget_raw(marks[i].fd);
		if (!reqs[i].file)
			return -EBADF;
		set_masks(&reqs[i], &marks[i]);
	}
	return 0;
}

static void put_files(struct fanotify_so_mark_req *reqs, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && reqs[i].file; i++)
		fput(reqs[i].file);
}

static int set_checked_marks(struct fanotify_so_group *group,
			     const struct fanotify_so_inode_mark *marks,
			     unsigned int nr, u32 report)
{
	struct fanotify_so_mark_req one = {}, *reqs = &one;
	int err;

	if (nr > 1)
		reqs = kvcalloc(nr, sizeof(*reqs), GFP_KERNEL_ACCOUNT);
	if (!reqs)
		return -ENOMEM;

	err = get_files(reqs, marks, nr);
	if (!err)
		err = fanotify_so_set_marks(group, reqs, nr, report);

	put_files(reqs, nr);
	if (reqs != &one)
		kvfree(reqs);
	return err;
}

static int check_and_set_marks(struct fanotify_sock *fsk,
			       struct fanotify_so_group *group,
			       const struct fanotify_so_inode_mark *marks,
			       unsigned int nr)
{
	struct fanotify_so_rules rules;
	unsigned int i;
	int err = 0;

	fanotify_so_get_rules(group, &rules);
	for (i = 0; i < nr && !err; i++)
		err = fanotify_mark_check(&marks[i], &fsk->addr, rules.report);
	return err ?: set_checked_marks(group, marks, nr, rules.report);
}

/*
 * -EINVAL for a length that is not that of some marks, -E2BIG for too many,
 * what fanotify_mark_check() says, -EBADF, and what fanotify_so_set_marks()
 * says. Whatever it is, no mark has changed.
 */
static int set_mark(struct fanotify_sock *fsk, struct fanotify_so_group *group,
		    sockptr_t optval, unsigned int optlen)
{
	struct fanotify_so_inode_mark one, *marks = &one;
	unsigned int nr = optlen / sizeof(*marks);
	int err = 0;

	if (!nr || optlen % sizeof(*marks))
		return -EINVAL;
	if (nr > FAN_SO_MAX_MARKS)
		return -E2BIG;

	/* Mostly it is one, for which no memory is needed. */
	if (nr > 1)
		marks = kvmalloc(optlen, GFP_KERNEL_ACCOUNT);
	if (!marks)
		return -ENOMEM;
	if (copy_from_sockptr(marks, optval, optlen))
		err = -EFAULT;
	/* Again if FANOTIFY_REPORT is set meanwhile, which nobody does all day */
	while (!err) {
		err = check_and_set_marks(fsk, group, marks, nr);
		if (err <= 0)
			break;
		err = signal_pending(current) ? -EINTR : 0;
	}
	if (marks != &one)
		kvfree(marks);
	return err;
}

/*
 * -EINVAL for a wrong length, what fanotify_sb_check() says, and what
 * fanotify_so_ignore_sb() says.
 */
static int ignore_sb(struct fanotify_sock *fsk, struct fanotify_so_group *group,
		     sockptr_t optval, unsigned int optlen)
{
	struct fanotify_so_sb sb;
	int err;

	if (optlen != sizeof(sb))
		return -EINVAL;
	if (copy_from_sockptr(&sb, optval, sizeof(sb)))
		return -EFAULT;
	err = fanotify_sb_check(&sb);
	if (err)
		return err;
	return fanotify_so_ignore_sb(group, sb.magic, sb.mask);
}

/* -EINVAL for a wrong length or a number out of bounds, or -EFAULT */
static int copy_u32(u32 *val, u32 min, u32 max, sockptr_t optval,
		    unsigned int optlen)
{
	if (optlen != sizeof(*val))
		return -EINVAL;
	if (copy_from_sockptr(val, optval, sizeof(*val)))
		return -EFAULT;
	return *val < min || *val > max ? -EINVAL : 0;
}

static int set_timeout(struct fanotify_sock *fsk,
		       struct fanotify_so_group *group, sockptr_t optval,
		       unsigned int optlen)
{
	u32 val;

	return copy_u32(&val, 1, FAN_SO_MAX_TIMEOUT, optval, optlen) ?:
	       fanotify_so_set_timeout(group, val);
}

static int set_policy(struct fanotify_sock *fsk,
		      struct fanotify_so_group *group, sockptr_t optval,
		      unsigned int optlen)
{
	u32 val;

	BUILD_BUG_ON(FAN_ALLOW + 1 != FAN_DENY);
	return copy_u32(&val, FAN_ALLOW, FAN_DENY, optval, optlen) ?:
	       fanotify_so_set_policy(group, val);
}

static int set_ignore_self(struct fanotify_sock *fsk,
			   struct fanotify_so_group *group, sockptr_t optval,
			   unsigned int optlen)
{
	u32 val;

	return copy_u32(&val, 0, 1, optval, optlen) ?:
	       fanotify_so_set_ignore_self(group, val);
}

/* Likewise; -EOPNOTSUPP for a group that nobody can join */
static int set_linger(struct fanotify_sock *fsk,
		      struct fanotify_so_group *group, sockptr_t optval,
		      unsigned int optlen)
{
	u32 val;

	return copy_u32(&val, 0, FAN_SO_MAX_LINGER, optval, optlen) ?:
	       fanotify_so_set_linger(group, val);
}

/*
 * Likewise, what fanotify_report_check() says, and, once the socket is bound,
 * what fanotify_so_set_report() says.
 */
static int set_report(struct fanotify_sock *fsk,
		      struct fanotify_so_group *group, sockptr_t optval,
		      unsigned int optlen)
{
	int err;
	u32 val;

	err = copy_u32(&val, 0, U32_MAX, optval, optlen) ?:
	      fanotify_report_check(val);
	if (err)
		return err;

	/* It may be bound just now. */
	lock_sock(&fsk->sk);
	if (fsk->group)
		err = fanotify_so_set_report(fsk->group, val);
	else
		WRITE_ONCE(fsk->report, val);
	release_sock(&fsk->sk);
	return err;
}

/* -EINVAL for any value. */
static int forget(struct fanotify_sock *fsk, struct fanotify_so_group *group,
		  sockptr_t optval, unsigned int optlen)
{
	return optlen ? -EINVAL : fanotify_so_forget(group);
}

typedef int (*setter)(struct fanotify_sock *fsk,
		      struct fanotify_so_group *group, sockptr_t optval,
		      unsigned int optlen);

static setter find_setter(int optname)
{
	switch (optname) {
	case FANOTIFY_ACCESS_RESPONSE:
		return fanotify_set_answers;
	case FANOTIFY_SET_MARK:
		return set_mark;
	case FANOTIFY_IGNORE_SB:
		return ignore_sb;
	case FANOTIFY_RESPONSE_TIMEOUT:
		return set_timeout;
	case FANOTIFY_TIMEOUT_POLICY:
		return set_policy;
	case FANOTIFY_REPORT:
		return set_report;
	case FANOTIFY_IGNORE_SELF:
		return set_ignore_self;
	case FANOTIFY_LINGER:
		return set_linger;
	case FANOTIFY_FORGET:
		return forget;
	default:
		return NULL;
	}
}

/* What a bind() can depend on is set before, if need be: there is no group. */
static bool is_for_bind(int optname)
{
	return optname == FANOTIFY_REPORT;
}

/*
 * The size of the queue is not that of any memory of the socket: it is not
 * doubled, as for other sockets, and has a limit of its own.
 */
static int set_rcvbuf(struct sock *sk, sockptr_t optval, unsigned int optlen)
{
	struct fanotify_sock *fsk = fanotify_sk(sk);
	int val;

	if (optlen < sizeof(val))
		return -EINVAL;
	if (copy_from_sockptr(&val, optval, sizeof(val)))
		return -EFAULT;
	if (val < 0)
		return -EINVAL;
	val = fanotify_so_clamp_queue_bytes(val);

	lock_sock(sk);
	WRITE_ONCE(sk->sk_rcvbuf, val);
	if (fsk->group)
		fanotify_so_set_queue_bytes(fsk->group, &fsk->member, val);
	else
		fsk->member.queue_bytes = val;
	release_sock(sk);
	return 0;
}

static int set_socket_option(struct socket *sock, int optname,
			     sockptr_t optval, unsigned int optlen)
{
	switch (optname) {
	case SO_RCVBUFFORCE:
		if (!sockopt_capable(CAP_NET_ADMIN))
			return -EPERM;
		fallthrough;
	case SO_RCVBUF:
		return set_rcvbuf(sock->sk, optval, optlen);
	default:
		return sock_setsockopt(sock, SOL_SOCKET, optname, optval,
				       optlen);
	}
}

/**
 * fanotify_setsockopt - set an option
 * @sock: the socket
 * @level: SOL_FANOTIFY, or SOL_SOCKET, of which some are different here
 * @optname: the option
 * @optval: its value
 * @optlen: size of the value in bytes
 *
 * Context: Process context, no lock held. May sleep.
 * Return: 0; -ENOPROTOOPT for what is no option; -ENOTCONN before bind(),
 * -ESHUTDOWN after shutdown(), -EFAULT, -ENOMEM, and what is said at the
 * option.
 */
int fanotify_setsockopt(struct socket *sock, int level, int optname,
			sockptr_t optval, unsigned int optlen)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group;
	setter set;

	if (level == SOL_SOCKET)
		return set_socket_option(sock, optname, optval, optlen);
	if (level != SOL_FANOTIFY)
		return -ENOPROTOOPT;
	set = find_setter(optname);
	if (!set)
		return -ENOPROTOOPT;

	group = fanotify_sock_group(fsk);
	if (!group && !is_for_bind(optname))
		return -ENOTCONN;
	/* Again under the locks that it takes; here so that it comes first. */
	if (group && fanotify_so_is_over(&fsk->member))
		return -ESHUTDOWN;
	return set(fsk, group, optval, optlen);
}

/* 0, or -ENOPROTOOPT for what cannot be got */
static int get_rule(struct fanotify_so_group *group, int optname, u32 *val)
{
	struct fanotify_so_rules rules;

	fanotify_so_get_rules(group, &rules);
	switch (optname) {
	case FANOTIFY_RESPONSE_TIMEOUT:
		*val = rules.timeout;
		return 0;
	case FANOTIFY_TIMEOUT_POLICY:
		*val = rules.policy;
		return 0;
	case FANOTIFY_IGNORE_SELF:
		*val = rules.ignore_self;
		return 0;
	case FANOTIFY_LINGER:
		*val = rules.linger;
		return 0;
	case FANOTIFY_REPORT:
		*val = rules.report;
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

/**
 * fanotify_getsockopt - get an option
 * @sock: the socket
 * @level: SOL_FANOTIFY; the options of other levels are got elsewhere
 * @optname: the option
 * @optval: where to
 * @optlen: size of that in bytes; is set to the size of the value
 *
 * Context: Process context, no lock held. May sleep.
 * Return: 0; -ENOPROTOOPT for what is no option; -ENOTCONN before bind(), and
 * -ENOPROTOOPT after it for what can only be set; -EINVAL if @optval is too
 * small; -EFAULT.
 */
int fanotify_getsockopt(struct socket *sock, int level, int optname,
			char __user *optval, int __user *optlen)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);
	int err = 0, len;
	u32 val;

	if (level != SOL_FANOTIFY)
		return -ENOPROTOOPT;
	if (group)
		err = get_rule(group, optname, &val);
	else if (is_for_bind(optname))
		val = READ_ONCE(fsk->report);
	else
		err = find_setter(optname) ? -ENOTCONN : -ENOPROTOOPT;
	if (err)
		return err;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(val))
		return -EINVAL;
	len = sizeof(val);
	if (put_user(len, optlen) || copy_to_user(optval, &val, len))
		return -EFAULT;
	return 0;
}
