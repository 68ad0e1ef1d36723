/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front of PF_FANOTIFY: sockets and what users pass in and out.
 *
 * af_fanotify.c  the family and its sockets
 * addr.c         checks of what a user wants to bind to
 * recv.c         events on their way to the user
 */
#ifndef _NET_FANOTIFY_SOCK_H
#define _NET_FANOTIFY_SOCK_H

#include <linux/fanotify.h>
#include <linux/fanotify_socket.h>
#include <net/sock.h>

/**
 * struct fanotify_sock - a PF_FANOTIFY socket
 * @sk: The socket. Must be first.
 * @group: What it is bound to; NULL until then. Written once, by bind(),
 *         under lock_sock(sk), and cleared by release() alone, which nobody
 *         runs beside. Read without the lock through fanotify_sock_group().
 * @addr: What bind() was given [lock_sock(sk)]. Constant once @group is set.
 */
struct fanotify_sock {
	struct sock sk;
	struct fanotify_so_group *group;
	struct fanotify_addr addr;
};

static inline struct fanotify_sock *fanotify_sk(const struct sock *sk)
{
	return container_of(sk, struct fanotify_sock, sk);
}

static inline struct fanotify_so_group *
fanotify_sock_group(const struct fanotify_sock *fsk)
{
	/* Pairs with the store in fanotify_sock_bind(): @addr is there as well. */
	return smp_load_acquire(&fsk->group);
}

/* addr.c */
int fanotify_addr_check(const struct fanotify_addr *addr);

/* recv.c */
int fanotify_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		     int flags);

#endif /* _NET_FANOTIFY_SOCK_H */
