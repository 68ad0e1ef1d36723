/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front of PF_FANOTIFY: sockets and what users pass in and out.
 *
 * af_fanotify.c  the family and its sockets
 * answer.c       answers on their way from the user
 * check.c        checks of what a user passes in
 * proc.c         sockets for people to look at
 * recv.c         events on their way to the user
 * sockopt.c      options of a socket
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
 * @report: What events shall tell, for bind(): FAN_REPORT_* bits
 *          [lock_sock(sk)]. From then on the group's counts.
 * @member: What the group knows of the socket [lock_sock(sk)].
 * @delivered: Events that were read from this socket. Atomic.
 * @socks: In the list of its network namespace; proc.c's own.
 */
struct fanotify_sock {
	struct sock sk;
	struct fanotify_so_group *group;
	struct fanotify_addr addr;
	u32 report;
	struct fanotify_so_member member;
	atomic64_t delivered;
#ifdef CONFIG_PROC_FS
	struct list_head socks;
#endif
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

/* answer.c */
int fanotify_set_answers(struct fanotify_sock *fsk,
			 struct fanotify_so_group *group, sockptr_t optval,
			 unsigned int optlen);
int fanotify_sendmsg(struct socket *sock, struct msghdr *msg, size_t len);

/* check.c */
int fanotify_addr_check(const struct fanotify_addr *addr, u32 report);
int fanotify_mark_check(const struct fanotify_so_inode_mark *mark,
			const struct fanotify_addr *addr, u32 report);
int fanotify_report_check(u32 report);
int fanotify_sb_check(const struct fanotify_so_sb *sb);
int fanotify_access_check(const struct fanotify_so_access *access);

/* proc.c */
#ifdef CONFIG_PROC_FS
void fanotify_proc_add(struct fanotify_sock *fsk);
void fanotify_proc_remove(struct fanotify_sock *fsk);
void fanotify_sock_show_fdinfo(struct seq_file *m, struct socket *sock);
int fanotify_proc_init(void);
void fanotify_proc_exit(void);
#else
static inline void fanotify_proc_add(struct fanotify_sock *fsk)
{
}

static inline void fanotify_proc_remove(struct fanotify_sock *fsk)
{
}

#define fanotify_sock_show_fdinfo	NULL

static inline int fanotify_proc_init(void)
{
	return 0;
}

static inline void fanotify_proc_exit(void)
{
}
#endif /* CONFIG_PROC_FS */

/* recv.c */
int fanotify_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		     int flags);

/* sockopt.c */
int fanotify_setsockopt(struct socket *sock, int level, int optname,
			sockptr_t optval, unsigned int optlen);
int fanotify_getsockopt(struct socket *sock, int level, int optname,
			char __user *optval, int __user *optlen);

#endif /* _NET_FANOTIFY_SOCK_H */
