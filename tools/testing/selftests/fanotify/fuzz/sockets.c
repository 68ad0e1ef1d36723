// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: sockets, and the calls that every socket has
 */
#include "fuzz.h"

#define REPORTS_WHERE	(FAN_REPORT_DFID_NAME | FAN_REPORT_FID | FAN_REPORT_PATH)
#define NR_GROUPS	3

void drop(int *slot)
{
	if (*slot > 0)
		close(*slot);
	*slot = 0;
}

/* In any of the places, for which another one goes. */
void keep(struct task *t, int *slots, unsigned int nr, int fd)
{
	int *slot = &slots[below(t, nr)];

	if (fd < 0)
		return;
	drop(slot);
	*slot = fd;
}

void close_own(struct own *own)
{
	drop(&own->fd);
	*own = (struct own){};
}

static __u32 random_f_flags(struct task *t)
{
	static const __u32 flags[] = {
		O_RDONLY, O_RDONLY, O_RDONLY | O_NONBLOCK, O_RDWR, O_WRONLY,
		O_WRONLY | O_APPEND, O_RDONLY | O_NOATIME, O_RDWR | O_SYNC,
		O_RDONLY | O_LARGEFILE, O_RDWR | O_DSYNC,
	};

	return one_of(t, flags) | O_CLOEXEC;
}

static __u32 random_report(struct task *t)
{
	static const __u32 reports[] = {
		0, FAN_REPORT_FID, FAN_REPORT_DIR_FID, FAN_REPORT_DFID_NAME,
		FAN_REPORT_DFID_NAME_TARGET, FAN_REPORT_PATH,
		FAN_REPORT_PATH | FAN_REPORT_DFID_NAME, FAN_REPORT_PIDFD,
		FAN_REPORT_NOFD | FAN_REPORT_PATH, FAN_REPORT_NOFD,
		FAN_REPORT_PATH | FAN_REPORT_PIDFD | FAN_REPORT_DIR_FID,
	};

	return one_of(t, reports);
}

static void set_number(int sock, int opt, __u32 number)
{
	setsockopt(sock, SOL_FANOTIFY, opt, &number, sizeof(number));
}

/* All wait for those who never answer, so mostly not for long. */
__u32 short_ms(struct task *t)
{
	return 1 << below(t, once_in(t, 4) ? 9 : 5);
}

/* So that what nobody answers is over soon */
void set_up(struct task *t, struct own *own)
{
	__u32 policy = once_in(t, own->global ? 40 : 4) ? FAN_DENY : FAN_ALLOW;
	__u32 ms = short_ms(t);
	bool linger = once_in(t, 3);

	set_number(own->fd, FANOTIFY_RESPONSE_TIMEOUT, ms);
	set_number(own->fd, FANOTIFY_TIMEOUT_POLICY, policy);
	if (linger)
		set_number(own->fd, FANOTIFY_LINGER, 1);
}

/* Valid, but for what it needs of FANOTIFY_REPORT. */
static struct fanotify_addr random_address(struct task *t, struct own *own)
{
	struct fanotify_addr addr = address(0, random_f_flags(t));
	__u32 questions = random_questions(t);

	own->guard = once_in(t, 3);
	own->global = once_in(t, 4);
	addr.priority = once_in(t, 8) ? below(t, UINT_MAX) : below(t, 4);
	addr.mask = random_events(t) | (own->guard ? questions : 0) |
		    (once_in(t, 2) ? FAN_ONDIR : 0) |
		    (once_in(t, 4) ? WHERE_EVENTS : 0) |
		    (own->global ? FAN_GLOBAL_LISTENER : 0);
	if (once_in(t, 4)) {
		/* So that others can join. */
		addr.group_num = 1 + below(t, NR_GROUPS);
		own->global = addr.group_num == 1;
		own->guard = own->global;
		addr.priority = addr.group_num;
		addr.f_flags = O_RDONLY | O_CLOEXEC;
		addr.mask = !own->global ? 0 :
			    FAN_GLOBAL_LISTENER | FAN_OPEN_PERM | FAN_CLOSE;
	}
	return addr;
}

/* Valid, unless @spoilt. */
static long bind_somehow(struct task *t, struct own *own, bool spoilt)
{
	struct fanotify_addr addr = random_address(t, own);
	__u32 report = random_report(t);
	bool reports = once_in(t, 2) && !addr.group_num;
	long ret;

	if (reports)
		set_number(own->fd, FANOTIFY_REPORT, report);
	if (!reports || !(report & REPORTS_WHERE))
		addr.mask &= ~WHERE_EVENTS;
	if (spoilt) {
		spoil(t, &addr, sizeof(addr));
		ret = CALL(t, bind(own->fd, in(t, &addr, sizeof(addr)),
				   near_len(t, sizeof(addr))));
	} else {
		ret = do_bind(own->fd, &addr);
	}
	if (!ret)
		set_up(t, own);
	return ret;
}

/* A socket of the task, which is bound, most likely. */
struct own *own_socket(struct task *t)
{
	struct own *own = &t->sockets[below(t, NR_SOCKETS)];
	bool binds = !once_in(t, 12);

	if (own->fd <= 0) {
		*own = (struct own){ .fd = new_socket() };
		if (own->fd > 0 && binds)
			bind_somehow(t, own, false);
	}
	t->used = own;
	t->may_check = own->fd > 0;
	t->record->last[t->record->step % NR_LAST].fd = own->fd;
	return own;
}

/* One that is not the task's own, for the moment */
static __thread struct own other;

/* One of the task, of its mate, of everybody, or something else altogether. */
struct own *any_socket(struct task *t)
{
	static const int none[] = { -1, 1 << 20, INT_MAX, INT_MIN, AT_FDCWD };
	unsigned int which = below(t, 64);
	unsigned int i = below(t, NR_SOCKETS);

	if (which >= 12)
		return own_socket(t);
	t->may_check = false;
	t->used = NULL;
	other = (struct own){};
	if (which < 4) {
		other.fd = common_sockets[i % NR_COMMON];
		t->may_check = other.fd > 0;
	} else if (which < 9) {
		if (!t->mate)
			return own_socket(t);
		other.fd = t->mate->sockets[i].fd;
	} else if (which < 10) {
		other.fd = t->others[i % NR_OTHERS];
	} else if (which < 11) {
		other.fd = any_file(t);
	} else {
		other.fd = one_of(t, none);
	}
	/* Not standard input. */
	if (!other.fd)
		other.fd = -1;
	t->record->last[t->record->step % NR_LAST].fd = other.fd;
	return &other;
}

static long call_socket(struct task *t)
{
	struct own *own = &t->sockets[below(t, NR_SOCKETS)];
	int type = near_number(t, SOCK_RAW |
			       (once_in(t, 2) ? SOCK_NONBLOCK : 0) |
			       (once_in(t, 8) ? 0 : SOCK_CLOEXEC));
	int protocol = near_number(t, 0);
	int fd;

	t->may_check = true;
	t->allowed = socket_errnos;
	fd = CALL(t, socket(PF_FANOTIFY, type, protocol));
	if (fd >= 0) {
		close_own(own);
		own->fd = fd;
	}
	return fd;
}

static long call_socketpair(struct task *t)
{
	int *fds = out(t, 2 * sizeof(int));

	return CALL(t, socketpair(PF_FANOTIFY, near_number(t, SOCK_RAW),
				  0, fds));
}

/* Mostly of a new one. */
static long call_bind(struct task *t)
{
	struct own *own = &t->sockets[below(t, NR_SOCKETS)];

	if (once_in(t, 5)) {
		own = any_socket(t);
	} else {
		close_own(own);
		own->fd = new_socket();
		t->may_check = own->fd > 0;
	}
	t->allowed = bind_errnos;
	return bind_somehow(t, own, true);
}

static long call_connect(struct task *t)
{
	struct own *own = any_socket(t);
	struct fanotify_addr addr = address(0, 0);

	t->allowed = none_errnos;
	return CALL(t, connect(own->fd, in(t, &addr, sizeof(addr)),
			       near_len(t, sizeof(addr))));
}

static long call_listen(struct task *t)
{
	struct own *own = any_socket(t);

	t->allowed = none_errnos;
	return CALL(t, listen(own->fd, below(t, UINT_MAX)));
}

static long call_accept(struct task *t)
{
	struct own *own = any_socket(t);
	socklen_t len = near_len(t, 82);

	t->allowed = none_errnos;
	return CALL(t, accept4(own->fd, out(t, 82), in(t, &len, sizeof(len)),
			       SOCK_CLOEXEC));
}

static long call_getsockname(struct task *t)
{
	struct own *own = any_socket(t);
	socklen_t len = near_len(t, 82);
	void *addr = out(t, 82);
	/* They would be in each other's way. */
	void *plen = once_in(t, 8) ? bad_pointer(t, sizeof(len)) : &len;

	t->allowed = name_errnos;
	return CALL(t, getsockname(own->fd, addr, plen));
}

static long call_getpeername(struct task *t)
{
	struct own *own = any_socket(t);
	socklen_t len = near_len(t, 82);

	t->allowed = none_errnos;
	return CALL(t, getpeername(own->fd, out(t, 82),
				   in(t, &len, sizeof(len))));
}

static long call_shutdown(struct task *t)
{
	struct own *own = any_socket(t);

	t->allowed = shutdown_errnos;
	return CALL(t, shutdown(own->fd, near_number(t, SHUT_RDWR)));
}

/* Those that every task has stay. */
static long call_close(struct task *t)
{
	struct own *own = &t->sockets[below(t, NR_SOCKETS)];
	int fd = own->fd;

	if (once_in(t, 4))
		fd = once_in(t, 2) ? -1 : INT_MAX;
	else
		*own = (struct own){};
	return fd ? CALL(t, close(fd)) : -EBADF;
}

/* The same socket twice, and then perhaps once more. */
static long call_dup(struct task *t)
{
	struct own *own = any_socket(t);
	struct own copy = { .global = own->global, .guard = own->guard };
	struct own *to = &t->sockets[below(t, NR_SOCKETS)];
	bool may_keep = t->may_check;

	if (once_in(t, 2))
		copy.fd = CALL(t, dup(own->fd));
	else
		copy.fd = CALL(t, fcntl(own->fd, F_DUPFD_CLOEXEC,
					near_number(t, 3)));
	if (copy.fd < 0)
		return copy.fd;
	if (!may_keep) {
		close(copy.fd);
		return 0;
	}
	close_own(to);
	*to = copy;
	return 0;
}

const struct call socket_calls[] = {
	{ "socket", call_socket, 20 },
	{ "socketpair", call_socketpair, 1, .never = true },
	{ "bind", call_bind, 60 },
	{ "connect", call_connect, 2, .never = true },
	{ "listen", call_listen, 2, .never = true },
	{ "accept", call_accept, 2, .never = true },
	{ "getsockname", call_getsockname, 6 },
	{ "getpeername", call_getpeername, 2, .never = true },
	{ "shutdown", call_shutdown, 10 },
	{ "close", call_close, 30 },
	{ "dup", call_dup, 12 },
	{ }
};
