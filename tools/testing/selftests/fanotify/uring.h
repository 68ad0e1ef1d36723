/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a small io_uring, without a library
 */
#ifndef FANOTIFY_TEST_URING_H
#define FANOTIFY_TEST_URING_H

#include <linux/io_uring.h>
#include <sys/mman.h>

#include "common.h"

/* More than any test has under way at a time. */
#define RING_ENTRIES 8

/**
 * struct ring - an io_uring for one thread
 *
 * @fd: Its descriptor.
 * @rings: The mapping that has both queues, less than a page.
 * @params: Where in @rings things are.
 * @sqes: The requests.
 */
struct ring {
	int fd;
	char *rings;
	struct io_uring_params params;
	struct io_uring_sqe *sqes;
};

/* @flags: IORING_SETUP_*. 0 or -errno. */
static inline int ring_init_flags(struct ring *ring, unsigned int flags)
{
	*ring = (struct ring){ .params.flags = flags };
	ring->fd = syscall(SYS_io_uring_setup, RING_ENTRIES, &ring->params);
	if (ring->fd < 0)
		return -errno;
	if (!(ring->params.features & IORING_FEAT_SINGLE_MMAP))
		return -EPROTO;
	ring->rings = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			   ring->fd, IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, IORING_OFF_SQES);
	if (ring->rings == MAP_FAILED || ring->sqes == MAP_FAILED)
		return -errno;
	return 0;
}

static inline int ring_init(struct ring *ring)
{
	return ring_init_flags(ring, 0);
}

static inline void ring_exit(struct ring *ring)
{
	munmap(ring->sqes, 4096);
	munmap(ring->rings, 4096);
	close(ring->fd);
}

/* Puts a request where ring_enter() will find it. */
static inline void ring_queue(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int *tail = (void *)(ring->rings + ring->params.sq_off.tail);
	unsigned int *array = (void *)(ring->rings + ring->params.sq_off.array);
	unsigned int i = *tail & (ring->params.sq_entries - 1);

	ring->sqes[i] = *sqe;
	array[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

/* Submits as many requests; what they wait for they wait for elsewhere. */
static inline int ring_enter(struct ring *ring, unsigned int nr)
{
	return result(syscall(SYS_io_uring_enter, ring->fd, nr, 0, 0, NULL, 0));
}

/* Submits a request. 1 or -errno. */
static inline int ring_submit(struct ring *ring, const struct io_uring_sqe *sqe)
{
	ring_queue(ring, sqe);
	return ring_enter(ring, 1);
}

/* Takes one completion: 1, or 0 if there is none. */
static inline int ring_cqe(struct ring *ring, struct io_uring_cqe *cqe)
{
	unsigned int *head = (void *)(ring->rings + ring->params.cq_off.head);
	unsigned int *tail = (void *)(ring->rings + ring->params.cq_off.tail);
	struct io_uring_cqe *cqes = (void *)(ring->rings +
					     ring->params.cq_off.cqes);

	if (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return 0;
	memcpy(cqe, &cqes[*head & (ring->params.cq_entries - 1)], sizeof(*cqe));
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return 1;
}

/* Likewise, for those who look at the result only. */
static inline int ring_result(struct ring *ring, int *res)
{
	struct io_uring_cqe cqe;

	if (!ring_cqe(ring, &cqe))
		return 0;
	*res = cqe.res;
	return 1;
}

/* Waits until there is a completion. 0 or -errno. */
static inline int ring_wait(struct ring *ring)
{
	return result(syscall(SYS_io_uring_enter, ring->fd, 0, 1,
			      IORING_ENTER_GETEVENTS, NULL, 0));
}

/* Waits for a completion and takes it. 0 or -errno. */
static inline int ring_wait_cqe(struct ring *ring, struct io_uring_cqe *cqe)
{
	int ret = 0;

	while (!ret && !ring_cqe(ring, cqe))
		ret = ring_wait(ring);
	return ret < 0 ? ret : 0;
}

/* Submits a request and waits for its completion: its result or -errno. */
static inline long ring_do(struct ring *ring, const struct io_uring_sqe *sqe)
{
	int ret, res;

	ret = ring_submit(ring, sqe);
	if (ret != 1)
		return ret ?: -EAGAIN;
	while (!ring_result(ring, &res)) {
		ret = ring_wait(ring);
		if (ret < 0)
			return ret;
	}
	return res;
}

#endif /* FANOTIFY_TEST_URING_H */
