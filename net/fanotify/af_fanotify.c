// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY: the family and its sockets.
 *
 * A socket is unbound, then bound, then perhaps shut down, then released; there
 * is no way back. Everything that a socket reports comes from its group, see
 * linux/fanotify_socket.h.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/pid.h>
#include <linux/poll.h>
#include <linux/socket.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>

#include <asm/ioctls.h>

#include "fanotify_sock.h"

/* Room for 16384 events, as the system calls' queues have */
#define DEFAULT_QUEUE_BYTES	(16384 * FAN_SO_EVENT_COST)

static int fanotify_sock_release(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct fanotify_sock *fsk;

	if (!sk)
		return 0;

	fsk = fanotify_sk(sk);
	/* First, for who looks at the list looks at the group as well. */
	fanotify_proc_remove(fsk);
	if (fsk->group)
		fanotify_so_group_leave(fsk->group, &fsk->member);
	fsk->group = NULL;

	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

/* After a grace period: the group looks at its members under RCU. */
static void fanotify_sock_destruct(struct sock *sk)
{
	put_pid(fanotify_sk(sk)->member.binder);
}

/* For people, and to know it again */
static void set_binder(struct fanotify_so_member *member)
{
	struct pid *old = member->binder;

	member->binder = get_pid(task_tgid(current));
	get_task_comm(member->comm, current->group_leader);
	put_pid(old);
}

/*
 * -EINVAL for a wrong length or an address that fanotify_addr_check() refuses,
 * or if the socket is bound; -EAFNOSUPPORT for another family; -EPERM without
 * CAP_SYS_ADMIN in the initial user namespace, because a listener sees the files
 * of everybody; and what fanotify_so_group_bind() says.
 */
static int fanotify_sock_bind(struct socket *sock, struct sockaddr *uaddr,
			      int addr_len)
{
	struct fanotify_addr *addr = (struct fanotify_addr *)uaddr;
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group;
	int err;

	if (addr_len != sizeof(*addr))
		return -EINVAL;
	if (addr->family != AF_FANOTIFY)
		return -EAFNOSUPPORT;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	lock_sock(sock->sk);
	err = fanotify_addr_check(addr, fsk->report);
	if (err)
		goto out_release_sock;
	err = -EINVAL;
	if (fsk->group)
		goto out_release_sock;

	set_binder(&fsk->member);
	group = fanotify_so_group_bind(sock_net(sock->sk)->net_cookie, addr,
				       fsk->report, &fsk->member);
	err = PTR_ERR_OR_ZERO(group);
	if (err)
		goto out_release_sock;

	fsk->addr = *addr;
	/* Pairs with fanotify_sock_group() */
	smp_store_release(&fsk->group, group);
out_release_sock:
	release_sock(sock->sk);
	return err;
}

static int fanotify_sock_getname(struct socket *sock, struct sockaddr *uaddr,
				 int peer)
{
	struct fanotify_addr *addr = (struct fanotify_addr *)uaddr;
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);

	if (peer)
		return -EOPNOTSUPP;

	lock_sock(sock->sk);
	*addr = fsk->addr;
	release_sock(sock->sk);
	addr->family = AF_FANOTIFY;
	return sizeof(*addr);
}

static __poll_t fanotify_sock_poll(struct file *file, struct socket *sock,
				   struct poll_table_struct *wait)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);
	__poll_t events;

	if (!group)
		return EPOLLHUP;
	events = fanotify_so_poll(group, &fsk->member, file, wait);
	/* ETIMEDOUT, for an evicted listener that does not know yet */
	if (READ_ONCE(sock->sk->sk_err))
		events |= EPOLLERR;
	return events;
}

/* -ENOTCONN before bind(), -EFAULT; FIONREAD is all there is. */
static int fanotify_sock_ioctl(struct socket *sock, unsigned int cmd,
			       unsigned long arg)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);
	struct fanotify_so_stats stats;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	if (!group)
		return -ENOTCONN;

	fanotify_so_get_stats(group, &fsk->member, &stats);
	return put_user(stats.queued *
			(int)sizeof(struct fanotify_so_event_metadata),
			(int __user *)arg);
}

/* -EOPNOTSUPP for half of it: there is only one direction; -ENOTCONN. */
static int fanotify_sock_shutdown(struct socket *sock, int how)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);

	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (how != SHUT_RDWR)
		return -EOPNOTSUPP;
	if (!group)
		return -ENOTCONN;

	fanotify_so_group_quit(group, &fsk->member);
	return 0;
}

static const struct proto_ops fanotify_ops = {
	.family		= PF_FANOTIFY,
	.owner		= THIS_MODULE,
	.release	= fanotify_sock_release,
	.bind		= fanotify_sock_bind,
	.connect	= sock_no_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= fanotify_sock_getname,
	.poll		= fanotify_sock_poll,
	.ioctl		= fanotify_sock_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= fanotify_sock_shutdown,
	.setsockopt	= fanotify_setsockopt,
	.getsockopt	= fanotify_getsockopt,
	.show_fdinfo	= fanotify_sock_show_fdinfo,
	.sendmsg	= fanotify_sendmsg,
	.recvmsg	= fanotify_recvmsg,
	.mmap		= sock_no_mmap,
};

static struct proto fanotify_proto = {
	.name		= "FANOTIFY",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct fanotify_sock),
};

static int fanotify_sock_create(struct net *net, struct socket *sock,
				int protocol, int kern)
{
	struct fanotify_sock *fsk;
	struct sock *sk;

	if (sock->type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	if (protocol)
		return -EPROTONOSUPPORT;

	sk = sk_alloc(net, PF_FANOTIFY, GFP_KERNEL, &fanotify_proto, kern);
	if (!sk)
		return -ENOMEM;

	sock->ops = &fanotify_ops;
	sock_init_data(sock, sk);
	/* The group reaches its members under RCU, to send them SIGIO. */
	sock_set_flag(sk, SOCK_RCU_FREE);
	sk->sk_destruct = fanotify_sock_destruct;
	/* SO_RCVBUF is different here. */
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
	sk->sk_rcvbuf = fanotify_so_clamp_queue_bytes(DEFAULT_QUEUE_BYTES);

	fsk = fanotify_sk(sk);
	fsk->member.sk = sk;
	fsk->member.queue_bytes = sk->sk_rcvbuf;
	fanotify_proc_add(fsk);
	return 0;
}

static const struct net_proto_family fanotify_family = {
	.family	= PF_FANOTIFY,
	.create	= fanotify_sock_create,
	.owner	= THIS_MODULE,
};

/*
 * The layouts that are promised to user space. The structs are packed, so that
 * the offset of each field and the size of the whole prove the size of each
 * field, on every architecture and for 32-bit programs alike.
 */
static void __init build_check_abi(void)
{
	BUILD_BUG_ON(offsetof(struct fanotify_addr, family) != 0);
	BUILD_BUG_ON(offsetof(struct fanotify_addr, priority) != 2);
	BUILD_BUG_ON(offsetof(struct fanotify_addr, group_num) != 6);
	BUILD_BUG_ON(offsetof(struct fanotify_addr, mask) != 10);
	BUILD_BUG_ON(offsetof(struct fanotify_addr, f_flags) != 14);
	BUILD_BUG_ON(offsetof(struct fanotify_addr, unused) != 18);
	BUILD_BUG_ON(sizeof(struct fanotify_addr) != 82);
	/* move_addr_to_kernel() takes no more. */
	BUILD_BUG_ON(sizeof(struct fanotify_addr) >
		     sizeof(struct sockaddr_storage));

	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata,
			      event_len) != 0);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata, fd) != 4);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata, mask) != 8);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata,
			      f_flags) != 12);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata, pid) != 16);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata, tgid) != 20);
	BUILD_BUG_ON(offsetof(struct fanotify_so_event_metadata, cookie) != 24);
	BUILD_BUG_ON(sizeof(struct fanotify_so_event_metadata) != 32);

	BUILD_BUG_ON(offsetof(struct fanotify_so_inode_mark, fd) != 0);
	BUILD_BUG_ON(offsetof(struct fanotify_so_inode_mark, mask) != 4);
	BUILD_BUG_ON(offsetof(struct fanotify_so_inode_mark,
			      ignored_mask) != 8);
	BUILD_BUG_ON(sizeof(struct fanotify_so_inode_mark) != 12);

	BUILD_BUG_ON(offsetof(struct fanotify_so_access, cookie) != 0);
	BUILD_BUG_ON(offsetof(struct fanotify_so_access, response) != 8);
	BUILD_BUG_ON(sizeof(struct fanotify_so_access) != 12);

	BUILD_BUG_ON(offsetof(struct fanotify_event_info_path, flags) != 4);
	BUILD_BUG_ON(offsetof(struct fanotify_event_info_path, path) != 8);

	BUILD_BUG_ON(offsetof(struct fanotify_so_sb, magic) != 0);
	BUILD_BUG_ON(offsetof(struct fanotify_so_sb, mask) != 8);
	BUILD_BUG_ON(offsetof(struct fanotify_so_sb, flags) != 12);
	BUILD_BUG_ON(sizeof(struct fanotify_so_sb) != 16);
}

static int __init fanotify_sock_init(void)
{
	int err;

	build_check_abi();

	err = fanotify_proc_init();
	if (err)
		return err;

	err = proto_register(&fanotify_proto, 1);
	if (err)
		goto out_proc_exit;

	err = sock_register(&fanotify_family);
	if (err)
		goto out_unregister_proto;
	return 0;

out_unregister_proto:
	proto_unregister(&fanotify_proto);
out_proc_exit:
	fanotify_proc_exit();
	return err;
}
module_init(fanotify_sock_init);

static void __exit fanotify_sock_exit(void)
{
	sock_unregister(PF_FANOTIFY);
	proto_unregister(&fanotify_proto);
	fanotify_proc_exit();
}
module_exit(fanotify_sock_exit);

MODULE_DESCRIPTION("File access notification sockets");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NETPROTO(PF_FANOTIFY);
