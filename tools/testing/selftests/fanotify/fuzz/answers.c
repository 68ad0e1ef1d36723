// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: answers, in all the ways that there are
 */
#include <sys/sendfile.h>

#include "fuzz.h"

#define MAX_ANSWERS	24

static __u32 random_response(struct task *t)
{
	static const __u32 responses[] = {
		FAN_ALLOW, FAN_ALLOW, FAN_ALLOW, FAN_ALLOW | FAN_CACHE,
		FAN_ALLOW | FAN_CACHE, FAN_DENY, FAN_RESET_TIMEOUT,
	};

	return one_of(t, responses);
}

/* What was just read, mostly, before anybody gets impatient. */
void answer_pending(struct task *t, struct own *own)
{
	struct fanotify_so_access access[NR_PENDING];
	unsigned int i;

	if (!own->nr_pending || once_in(t, 3))
		return;
	for (i = 0; i < own->nr_pending; i++)
		access[i] = (struct fanotify_so_access){
			.cookie = own->pending[i],
			.response = random_response(t),
		};
	send(own->fd, access, i * sizeof(*access), 0);
	own->nr_pending = 0;
}

/* Returns their bytes. */
static size_t random_answers(struct task *t, struct own *own,
			     struct fanotify_so_access *access)
{
	unsigned int nr = once_in(t, 3) ? 1 + below(t, MAX_ANSWERS) : 1, i;

	for (i = 0; i < nr; i++) {
		access[i].response = random_response(t);
		if (own->nr_pending && !once_in(t, 6))
			access[i].cookie = own->pending[--own->nr_pending];
		else if (once_in(t, 4))
			access[i].cookie = below(t, 1000);
		else
			access[i].cookie = one_of(t, shared->cookies);
	}
	spoil(t, access, nr * sizeof(*access));
	return nr * sizeof(*access);
}

/* Takes questions that are there. */
static void read_questions(struct own *own)
{
	struct fanotify_so_event_metadata ev[NR_PENDING];
	ssize_t len = recv(own->fd, ev, sizeof(ev), MSG_DONTWAIT);
	int i;

	for (i = 0; i < len / (long)sizeof(*ev); i++) {
		/* It has records, which hide the next one. */
		if (ev[i].event_len != sizeof(*ev))
			len = 0;
		if (ev[i].fd >= 0)
			close(ev[i].fd);
		if (ev[i].mask & ALL_PERM && own->nr_pending < NR_PENDING)
			own->pending[own->nr_pending++] = ev[i].cookie;
	}
}

/* One that has something to answer, if the task has any. */
static struct own *asked(struct task *t)
{
	struct own *own = any_socket(t);
	unsigned int i;

	if (!t->used || own->nr_pending || once_in(t, 12))
		return own;
	for (i = 0; i < NR_SOCKETS; i++) {
		own = &t->sockets[i];
		if (own->fd > 0 && own->guard && !own->nr_pending)
			read_questions(own);
		if (own->nr_pending)
			return t->used = own;
	}
	return own_socket(t);
}

static long call_response(struct task *t)
{
	struct own *own = asked(t);
	struct fanotify_so_access access[MAX_ANSWERS];
	size_t len = random_answers(t, own, access);

	t->allowed = answer_errnos;
	return CALL(t, setsockopt(own->fd, SOL_FANOTIFY,
				  FANOTIFY_ACCESS_RESPONSE, in(t, access, len),
				  near_len(t, len)));
}

static long call_write(struct task *t)
{
	struct own *own = asked(t);
	struct fanotify_so_access access[MAX_ANSWERS];
	size_t len = random_answers(t, own, access);

	t->allowed = send_errnos;
	/* Other files are not written to, whatever they are. */
	if (!t->may_check)
		return -EAGAIN;
	return CALL(t, write(own->fd, in(t, access, len), near_len(t, len)));
}

static long call_send(struct task *t)
{
	struct own *own = asked(t);
	struct fanotify_so_access access[MAX_ANSWERS];
	size_t len = random_answers(t, own, access);
	struct fanotify_addr addr = address(0, 0);
	bool is_sent_to = once_in(t, 12);
	int flags = once_in(t, 4) ? 1 << below(t, 31) : MSG_NOSIGNAL;

	t->allowed = send_errnos;
	return CALL(t, sendto(own->fd, in(t, access, len), near_len(t, len),
			      flags, is_sent_to ? sockaddr_of(&addr) : NULL,
			      is_sent_to ? near_len(t, sizeof(addr)) : 0));
}

static long call_sendmsg(struct task *t)
{
	struct own *own = asked(t);
	struct fanotify_so_access access[MAX_ANSWERS];
	size_t len = random_answers(t, own, access);
	char *p = in(t, access, len);
	size_t first = below(t, len);
	struct iovec iov[2] = { { p, first }, { p + first, len - first } };
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = iov, .msg_iovlen = 2 } };

	t->allowed = send_errnos;
	if (once_in(t, 12)) {
		msg.msg_hdr.msg_control = t->arena;
		msg.msg_hdr.msg_controllen = near_len(t, 32);
	}
	if (once_in(t, 2))
		return CALL(t, sendmmsg(own->fd, &msg, 1, MSG_NOSIGNAL));
	return CALL(t, sendmsg(own->fd, &msg.msg_hdr, MSG_NOSIGNAL));
}

/* From a pipe, or from a file */
static long call_splice(struct task *t)
{
	struct own *own = asked(t);
	struct fanotify_so_access access[MAX_ANSWERS];
	size_t len = random_answers(t, own, access);
	bool is_file = once_in(t, 2);
	int fds[2];
	long ret;

	if (!t->may_check)
		return -EAGAIN;
	t->allowed = NULL;
	if (is_file) {
		fds[0] = memfd_create("fuzz", MFD_CLOEXEC);
		fds[1] = dup(fds[0]);
	} else if (pipe2(fds, O_CLOEXEC | O_NONBLOCK)) {
		return -errno;
	}
	if (write(fds[1], access, len) != (ssize_t)len)
		ret = -EIO;
	else if (is_file)
		ret = CALL(t, sendfile(own->fd, fds[0], &(off_t){ 0 },
				       near_len(t, len)));
	else
		ret = CALL(t, splice(fds[0], NULL, own->fd, NULL, len,
				     SPLICE_F_NONBLOCK));
	close(fds[0]);
	close(fds[1]);
	return ret;
}

const struct call answer_calls[] = {
	{ "set response", call_response, 16 },
	{ "write", call_write, 16 },
	{ "send", call_send, 10 },
	{ "sendmsg", call_sendmsg, 10 },
	{ "splice to", call_splice, 5 },
	{ }
};
