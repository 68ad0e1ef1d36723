// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: an io_uring for each task
 *
 * What was asked for can come whenever it wants to, so each request has memory
 * of its own, and a ring that has no such is given up, with what is underway.
 */
#include "fuzz.h"
#include "../uring.h"

#define ROOM	4096

/* What the request is for. */
struct request {
	bool is_busy;
	bool reads;
	struct iovec iov;
	struct msghdr msg;
	struct own own;
	char room[ROOM];
};

static __thread struct ring ring;
static __thread bool has_ring;
static __thread struct request *requests;

/* In a child, which has the parent's. */
void ring_forget(void)
{
	has_ring = false;
}

static bool get_ring(struct task *t)
{
	unsigned int i;

	if (has_ring && once_in(t, 24)) {
		ring_exit(&ring);
		has_ring = false;
	}
	if (has_ring)
		return true;
	if (!requests)
		requests = calloc(RING_ENTRIES, sizeof(*requests));
	if (!requests)
		return false;
	/* Never the memory of one that may still be underway */
	for (i = 0; i < RING_ENTRIES; i++)
		if (requests[i].is_busy)
			break;
	if (i < RING_ENTRIES)
		requests = calloc(RING_ENTRIES, sizeof(*requests));
	has_ring = requests && !ring_init(&ring);
	return has_ring;
}

static void complete(struct task *t)
{
	struct io_uring_cqe cqe;
	struct request *request;

	while (ring_cqe(&ring, &cqe)) {
		if (cqe.user_data >= RING_ENTRIES)
			continue;
		request = &requests[cqe.user_data];
		request->is_busy = false;
		if (request->reads && cqe.res > 0)
			check_events(t, &request->own, request->room, cqe.res);
	}
}

static void prepare(struct task *t, struct request *request, struct own *own,
		    struct io_uring_sqe *sqe)
{
	struct fanotify_so_access access = { .response = FAN_ALLOW };
	size_t len = 1 + below(t, ROOM);

	request->own = *own;
	request->own.nr_pending = 0;
	request->reads = false;
	request->iov = (struct iovec){ request->room, len };
	request->msg = (struct msghdr){
		.msg_iov = &request->iov,
		.msg_iovlen = 1,
	};
	sqe->fd = own->fd;
	sqe->addr = (unsigned long)request->room;
	sqe->len = len;
	switch (below(t, 8)) {
	case 0:
		sqe->opcode = IORING_OP_READ;
		sqe->off = -1;
		request->reads = true;
		return;
	case 1:
		sqe->opcode = IORING_OP_RECV;
		sqe->msg_flags = once_in(t, 2) ? MSG_DONTWAIT : 0;
		request->reads = true;
		return;
	case 2:
		sqe->opcode = IORING_OP_RECVMSG;
		sqe->addr = (unsigned long)&request->msg;
		sqe->len = 1;
		request->reads = true;
		return;
	case 3:
		sqe->opcode = IORING_OP_POLL_ADD;
		sqe->poll32_events = POLLIN;
		return;
	case 4:
		sqe->opcode = IORING_OP_ASYNC_CANCEL;
		sqe->addr = below(t, RING_ENTRIES);
		sqe->len = 0;
		return;
	case 5:
		sqe->opcode = below(t, IORING_OP_LAST);
		/* What waits, opens or closes anything is another matter. */
		if (sqe->opcode != IORING_OP_ACCEPT &&
		    sqe->opcode != IORING_OP_SHUTDOWN &&
		    sqe->opcode != IORING_OP_CONNECT)
			sqe->opcode = IORING_OP_NOP;
		return;
	default:
		sqe->opcode = once_in(t, 2) ? IORING_OP_WRITE : IORING_OP_SEND;
		access.cookie = one_of(t, shared->cookies);
		memcpy(request->room, &access, sizeof(access));
		sqe->len = sizeof(access);
		return;
	}
}

/* Asks for something, and takes what has come of what was asked for before. */
static long call_ring(struct task *t)
{
	struct io_uring_sqe sqe = {};
	struct own *own = any_socket(t);
	unsigned int i = below(t, RING_ENTRIES);
	long ret;

	if (!get_ring(t))
		return -ENOMEM;
	complete(t);
	if (!t->may_check || requests[i].is_busy)
		return -EBUSY;
	prepare(t, &requests[i], own, &sqe);
	sqe.user_data = i;
	if (once_in(t, 4))
		sqe.flags = IOSQE_ASYNC;
	t->allowed = NULL;
	requests[i].is_busy = true;
	ret = CALL(t, ring_submit(&ring, &sqe));
	complete(t);
	return ret;
}

const struct call ring_calls[] = {
	{ "io_uring", call_ring, 20 },
	{ }
};
