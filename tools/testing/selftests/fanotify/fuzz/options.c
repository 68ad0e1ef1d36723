// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: options
 */
#include <linux/magic.h>

#include "fuzz.h"

#define MAX_MARKS	24

static long set_option(struct task *t, struct own *own, int opt,
		       const void *value, size_t len)
{
	return CALL(t, setsockopt(own->fd, SOL_FANOTIFY, opt,
				  in(t, value, len), near_len(t, len)));
}

static long set_number(struct task *t, struct own *own, int opt, __u32 valid)
{
	__u32 number = near_number(t, valid);

	return set_option(t, own, opt, &number, sizeof(number));
}

static __u32 random_scope(struct task *t)
{
	static const __u32 scopes[] = {
		FAN_ON_MOUNT, FAN_ON_FILESYSTEM, FAN_ON_SUBTREE, FAN_ON_SUBTREE,
	};

	return once_in(t, 3) ? one_of(t, scopes) : 0;
}

/* Valid, most likely; its descriptor has to be closed. */
static struct fanotify_so_inode_mark random_mark(struct task *t,
						 struct own *own)
{
	__u32 scope = random_scope(t), flags = 0, dirs = 0;
	struct fanotify_so_inode_mark mark = {};
	bool global = own->global != once_in(t, 30);
	bool wants = !global, ignores = global || once_in(t, 3);
	bool of_dir = scope == FAN_ON_SUBTREE || once_in(t, 2);
	__u32 questions = own->guard ? random_questions(t) : 0;
	char path[128];

	if (of_dir) {
		random_dir(t, path);
		flags = (once_in(t, 2) ? FAN_ONDIR : 0) |
			(once_in(t, 2) ? FAN_EVENT_ON_CHILD : 0);
		dirs = once_in(t, 4) ? WHERE_EVENTS : 0;
	} else {
		random_path(t, path);
	}
	mark.fd = open(path, O_CLOEXEC | O_NONBLOCK |
		       (once_in(t, 3) ? O_RDONLY : O_PATH));
	if (mark.fd < 0 && !of_dir)
		mark.fd = open(path, O_CLOEXEC | O_RDWR | O_CREAT, 0755);
	if (mark.fd < 0)
		mark.fd = open(FUZZ_DIR "/plain", O_CLOEXEC | O_PATH);
	if (wants)
		mark.mask = random_events(t) | questions | flags | dirs | scope;
	if (ignores)
		mark.ignored_mask = random_events(t) | questions | flags |
				    scope | (once_in(t, 2) ?
					     FAN_SURVIVE_MODIFY : 0);
	if (once_in(t, 6)) {
		mark.mask = scope;
		mark.ignored_mask = scope;
	}
	return mark;
}

static long call_set_mark(struct task *t)
{
	struct own *own = any_socket(t);
	struct fanotify_so_inode_mark marks[MAX_MARKS], spoilt[MAX_MARKS];
	unsigned int nr = once_in(t, 8) ? 1 + below(t, MAX_MARKS) : 1, i;
	long ret;

	for (i = 0; i < nr; i++)
		marks[i] = random_mark(t, own);
	memcpy(spoilt, marks, sizeof(marks));
	spoil(t, spoilt, nr * sizeof(*spoilt));
	t->allowed = mark_errnos;
	ret = set_option(t, own, FANOTIFY_SET_MARK, spoilt,
			 nr * sizeof(*spoilt));
	for (i = 0; i < nr; i++)
		if (marks[i].fd >= 0)
			close(marks[i].fd);
	return ret;
}

static long call_ignore_sb(struct task *t)
{
	static const __u32 magics[] = {
		TMPFS_MAGIC, EXT4_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC,
		PROC_SUPER_MAGIC, 1, 2, 3, 4,
	};
	struct own *own = any_socket(t);
	struct fanotify_so_sb sb = { .magic = one_of(t, magics) };

	if (!once_in(t, 3))
		sb.mask = random_events(t) | random_questions(t) |
			  (once_in(t, 2) ? FAN_ONDIR : 0);
	spoil(t, &sb, sizeof(sb));
	t->allowed = ignore_errnos;
	return set_option(t, own, FANOTIFY_IGNORE_SB, &sb, sizeof(sb));
}

static long call_set_timeout(struct task *t)
{
	struct own *own = any_socket(t);
	__u32 ms = short_ms(t);

	t->allowed = number_errnos;
	if (once_in(t, 400))
		ms = FAN_SO_MAX_TIMEOUT;
	return once_in(t, 4) ?
	       set_number(t, own, FANOTIFY_RESPONSE_TIMEOUT, ms) :
	       set_option(t, own, FANOTIFY_RESPONSE_TIMEOUT, &ms, sizeof(ms));
}

static long call_set_policy(struct task *t)
{
	struct own *own = any_socket(t);
	__u32 policy = once_in(t, own->global ? 40 : 4) ? FAN_DENY : FAN_ALLOW;

	t->allowed = number_errnos;
	return set_number(t, own, FANOTIFY_TIMEOUT_POLICY, policy);
}

static long call_set_report(struct task *t)
{
	struct own *own = any_socket(t);
	__u32 report = (FAN_REPORT_DFID_NAME_TARGET | FAN_REPORT_PIDFD |
			FAN_REPORT_PATH | FAN_REPORT_NOFD) &
		       (below(t, 1 << 31) | below(t, 1 << 31));

	if (!(report & FAN_REPORT_DIR_FID))
		report &= ~FAN_REPORT_NAME;
	if (!(report & FAN_REPORT_NAME) || !(report & FAN_REPORT_FID))
		report &= ~FAN_REPORT_TARGET_FID;
	t->allowed = report_errnos;
	return set_number(t, own, FANOTIFY_REPORT, report);
}

static long call_set_ignore_self(struct task *t)
{
	struct own *own = any_socket(t);

	t->allowed = number_errnos;
	return set_number(t, own, FANOTIFY_IGNORE_SELF, below(t, 2));
}

static long call_set_linger(struct task *t)
{
	struct own *own = any_socket(t);
	__u32 seconds = below(t, 3);

	t->allowed = linger_errnos;
	if (once_in(t, 50))
		seconds = FAN_SO_MAX_LINGER + below(t, 2);
	return set_option(t, own, FANOTIFY_LINGER, &seconds, sizeof(seconds));
}

static long call_forget(struct task *t)
{
	struct own *own = any_socket(t);
	void *value = once_in(t, 2) ? NULL : bad_pointer(t, 1);

	t->allowed = forget_errnos;
	return CALL(t, setsockopt(own->fd, SOL_FANOTIFY, FANOTIFY_FORGET,
				  value, near_len(t, 0)));
}

static long call_set_unknown(struct task *t)
{
	struct own *own = any_socket(t);
	char value[64] = {};
	int opt = once_in(t, 2) ? 0 : FANOTIFY_FORGET + 1 + below(t, INT_MAX);

	t->allowed = unknown_errnos;
	return set_option(t, own, opt, value, sizeof(value));
}

static long call_get(struct task *t)
{
	struct own *own = any_socket(t);
	int opt = once_in(t, 8) ? below(t, UINT_MAX) :
				  FANOTIFY_RESPONSE_TIMEOUT + below(t, 5);
	socklen_t len = near_len(t, sizeof(__u32));
	void *value = out(t, sizeof(__u32));
	void *plen = once_in(t, 12) ? bad_pointer(t, sizeof(len)) : &len;

	t->allowed = get_errnos;
	return CALL(t, getsockopt(own->fd, SOL_FANOTIFY, opt, value, plen));
}

static long call_set_rcvbuf(struct task *t)
{
	struct own *own = any_socket(t);
	int opt = once_in(t, 4) ? SO_RCVBUFFORCE : SO_RCVBUF;
	int bytes = FAN_SO_EVENT_COST * (1 + below(t, 64));

	if (once_in(t, 3))
		bytes = near_number(t, 1 << 22);
	t->allowed = rcvbuf_errnos;
	return CALL(t, setsockopt(own->fd, SOL_SOCKET, opt,
				  in(t, &bytes, sizeof(bytes)),
				  near_len(t, sizeof(bytes))));
}

/* Those of every socket. */
static long call_set_sol(struct task *t)
{
	static const int opts[] = {
		SO_SNDBUF, SO_DEBUG, SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER,
		SO_PRIORITY, SO_PASSCRED, SO_TIMESTAMP, SO_RCVLOWAT, SO_MARK,
		SO_BUSY_POLL, SO_PEEK_OFF, SO_INCOMING_CPU, SO_ATTACH_FILTER,
		SO_DETACH_FILTER, SO_LOCK_FILTER, SO_ZEROCOPY, SO_TXTIME,
		SO_BINDTODEVICE, SO_BROADCAST, SO_RXQ_OVFL, SO_SELECT_ERR_QUEUE,
	};
	struct own *own = any_socket(t);
	int opt = once_in(t, 8) ? below(t, 100) : one_of(t, opts);
	int value[2] = { below(t, 3), below(t, 3) };

	/* These wait, or are tried elsewhere. */
	if (opt == SO_RCVTIMEO_OLD || opt == SO_RCVTIMEO_NEW)
		opt = SO_SNDTIMEO_OLD;
	return CALL(t, setsockopt(own->fd, SOL_SOCKET, opt,
				  in(t, value, sizeof(value)),
				  once_in(t, 2) ? sizeof(*value) :
						  near_len(t, sizeof(value))));
}

static long call_set_rcvtimeo(struct task *t)
{
	struct own *own = any_socket(t);
	struct timeval tv = { .tv_usec = 1 + below(t, 20000) };

	spoil(t, &tv, sizeof(tv));
	return CALL(t, setsockopt(own->fd, SOL_SOCKET, SO_RCVTIMEO,
				  in(t, &tv, sizeof(tv)),
				  near_len(t, sizeof(tv))));
}

static long call_get_sol(struct task *t)
{
	static const int opts[] = {
		SO_ERROR, SO_ERROR, SO_RCVBUF, SO_RCVTIMEO, SO_TYPE, SO_DOMAIN,
		SO_PROTOCOL, SO_ACCEPTCONN, SO_PEERCRED, SO_PEERSEC, SO_COOKIE,
		SO_MEMINFO, SO_GET_FILTER, SO_NETNS_COOKIE, SO_PEERPIDFD,
		SO_PEERGROUPS, SO_PEERNAME, SO_SNDBUF,
	};
	struct own *own = any_socket(t);
	int opt = once_in(t, 8) ? below(t, 100) : one_of(t, opts);
	socklen_t len = near_len(t, 64);
	void *plen = once_in(t, 12) ? bad_pointer(t, sizeof(len)) : &len;

	return CALL(t, getsockopt(own->fd, SOL_SOCKET, opt, out(t, 64), plen));
}

const struct call option_calls[] = {
	{ "set mark", call_set_mark, 60 },
	{ "ignore sb", call_ignore_sb, 10 },
	{ "set timeout", call_set_timeout, 10 },
	{ "set policy", call_set_policy, 6 },
	{ "set report", call_set_report, 12 },
	{ "set ignore-self", call_set_ignore_self, 8 },
	{ "set linger", call_set_linger, 6 },
	{ "forget", call_forget, 6 },
	{ "set unknown", call_set_unknown, 2, .never = true },
	{ "get option", call_get, 12 },
	{ "set rcvbuf", call_set_rcvbuf, 10 },
	{ "set sol_socket", call_set_sol, 8 },
	{ "set rcvtimeo", call_set_rcvtimeo, 4 },
	{ "get sol_socket", call_get_sol, 10 },
	{ }
};
