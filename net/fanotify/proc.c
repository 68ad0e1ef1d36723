// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/net/fanotify: the sockets of a network namespace, a line for each.
 * /proc/PID/fdinfo: one socket, with its marks.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "fanotify_sock.h"

/**
 * struct fanotify_net - the sockets of a network namespace
 * @lock: Protects @socks. While it is held a socket on it stays, and its group.
 * @socks: All of them, in the order of their birth [@lock].
 */
struct fanotify_net {
	struct mutex lock;	/* see @lock above */
	struct list_head socks;
};

static unsigned int fanotify_net_id __ro_after_init;

static struct fanotify_net *fanotify_net(const struct net *net)
{
	return net_generic(net, fanotify_net_id);
}

/**
 * fanotify_proc_add - a socket is born
 * @fsk: the socket
 *
 * Context: Process context. May sleep.
 */
void fanotify_proc_add(struct fanotify_sock *fsk)
{
	struct fanotify_net *fnet = fanotify_net(sock_net(&fsk->sk));

	mutex_lock(&fnet->lock);
	list_add_tail(&fsk->socks, &fnet->socks);
	mutex_unlock(&fnet->lock);
}

/**
 * fanotify_proc_remove - a socket is being released
 * @fsk: the socket, which still has its group
 *
 * Context: Process context. May sleep.
 */
void fanotify_proc_remove(struct fanotify_sock *fsk)
{
	struct fanotify_net *fnet = fanotify_net(sock_net(&fsk->sk));

	mutex_lock(&fnet->lock);
	list_del(&fsk->socks);
	mutex_unlock(&fnet->lock);
}

static void *sockets_start(struct seq_file *m, loff_t *pos)
{
	struct fanotify_net *fnet = fanotify_net(seq_file_net(m));

	mutex_lock(&fnet->lock);
	return seq_list_start_head(&fnet->socks, *pos);
}

static void *sockets_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &fanotify_net(seq_file_net(m))->socks, pos);
}

static void sockets_stop(struct seq_file *m, void *v)
{
	mutex_unlock(&fanotify_net(seq_file_net(m))->lock);
}

static const char *state_of(const struct fanotify_so_member *member)
{
	if (fanotify_so_is_evicted(member))
		return "evicted";
	return fanotify_so_is_over(member) ? "shutdown" : "bound";
}

static int sockets_show(struct seq_file *m, void *v)
{
	struct fanotify_net *fnet = fanotify_net(seq_file_net(m));
	struct fanotify_so_stats stats = {};
	struct fanotify_so_group *group;
	const struct fanotify_addr *addr;
	const char *state = "unbound";
	struct fanotify_sock *fsk;
	pid_t pid = 0;

	if (v == &fnet->socks) {
		seq_puts(m, "Inode State Group Priority Mask Flags Queued Bytes Delivered Dropped Uid Pid Waiting Timeouts Unasked\n");
		return 0;
	}

	fsk = list_entry(v, struct fanotify_sock, socks);
	addr = &fsk->addr;
	group = fanotify_sock_group(fsk);
	if (group) {
		state = state_of(&fsk->member);
		fanotify_so_get_stats(group, &fsk->member, &stats);
		pid = pid_nr_ns(fsk->member.binder, task_active_pid_ns(current));
	}
	seq_printf(m, "%lu %s %u %u %08x %08o %u %u %llu %llu %u %d %u %llu %llu\n",
		   sock_i_ino(&fsk->sk), state,
		   group ? addr->group_num : 0, group ? addr->priority : 0,
		   group ? addr->mask : 0, group ? addr->f_flags : 0,
		   stats.queued, stats.bytes,
		   (u64)atomic64_read(&fsk->delivered), stats.lost,
		   from_kuid_munged(seq_user_ns(m), sock_i_uid(&fsk->sk)), pid,
		   stats.waiting, stats.timeouts, stats.unasked);
	return 0;
}

static const struct seq_operations sockets_ops = {
	.start	= sockets_start,
	.next	= sockets_next,
	.stop	= sockets_stop,
	.show	= sockets_show,
};

/**
 * fanotify_sock_show_fdinfo - what fdinfo says of a socket
 * @m: where to
 * @sock: the socket
 *
 * Context: Process context. May sleep.
 */
void fanotify_sock_show_fdinfo(struct seq_file *m, struct socket *sock)
{
	struct fanotify_sock *fsk = fanotify_sk(sock->sk);
	struct fanotify_so_group *group = fanotify_sock_group(fsk);

	if (!group)
		return;
	seq_printf(m, "fanotify-socket group:%u priority:%u mask:%x f_flags:%o queue-bytes:%u\n",
		   fsk->addr.group_num, fsk->addr.priority, fsk->addr.mask,
		   fsk->addr.f_flags, READ_ONCE(fsk->sk.sk_rcvbuf));
	fanotify_so_show_marks(group, m);
}

static int __net_init fanotify_net_init(struct net *net)
{
	struct fanotify_net *fnet = fanotify_net(net);

	mutex_init(&fnet->lock);
	INIT_LIST_HEAD(&fnet->socks);
	if (!proc_create_net("fanotify", 0444, net->proc_net, &sockets_ops,
			     sizeof(struct seq_net_private)))
		return -ENOMEM;
	return 0;
}

static void __net_exit fanotify_net_exit(struct net *net)
{
	remove_proc_entry("fanotify", net->proc_net);
}

static struct pernet_operations fanotify_net_ops = {
	.init	= fanotify_net_init,
	.exit	= fanotify_net_exit,
	.id	= &fanotify_net_id,
	.size	= sizeof(struct fanotify_net),
};

int __init fanotify_proc_init(void)
{
	return register_pernet_subsys(&fanotify_net_ops);
}

void fanotify_proc_exit(void)
{
	unregister_pernet_subsys(&fanotify_net_ops);
}
