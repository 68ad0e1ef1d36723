/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM fanotify_socket

#if !defined(_TRACE_FANOTIFY_SOCKET_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_FANOTIFY_SOCKET_H

#include <linux/sched.h>
#include <linux/tracepoint.h>
#include <uapi/linux/fanotify.h>

/* An operation is through with one listener; cookie 0: it was not asked. */
TRACE_EVENT(fanotify_so_verdict,
	TP_PROTO(u64 number, u64 cookie, u32 mask, u32 verdict),

	TP_ARGS(number, cookie, mask, verdict),

	TP_STRUCT__entry(
		__field(u64, number)
		__field(u64, cookie)
		__field(u32, mask)
		__field(u32, verdict)
	),

	TP_fast_assign(
		__entry->number = number;
		__entry->cookie = cookie;
		__entry->mask = mask;
		__entry->verdict = verdict;
	),

	TP_printk("number=%llu cookie=%llu mask=%#x verdict=%s",
		  __entry->number, __entry->cookie, __entry->mask,
		  __print_symbolic(__entry->verdict,
				   { 0, "killed" },
				   { FAN_ALLOW, "allow" },
				   { FAN_DENY, "deny" }))
);

/* The clock of an operation has run out. */
TRACE_EVENT(fanotify_so_timeout,
	TP_PROTO(u64 number, u64 cookie),

	TP_ARGS(number, cookie),

	TP_STRUCT__entry(
		__field(u64, number)
		__field(u64, cookie)
	),

	TP_fast_assign(
		__entry->number = number;
		__entry->cookie = cookie;
	),

	TP_printk("number=%llu cookie=%llu", __entry->number, __entry->cookie)
);

/* A listener is let go of, because it does not answer. */
TRACE_EVENT(fanotify_so_evict,
	TP_PROTO(u64 number, pid_t pid, const char *comm),

	TP_ARGS(number, pid, comm),

	TP_STRUCT__entry(
		__field(u64, number)
		__field(pid_t, pid)
		__array(char, comm, TASK_COMM_LEN)
	),

	TP_fast_assign(
		__entry->number = number;
		__entry->pid = pid;
		memcpy(__entry->comm, comm, TASK_COMM_LEN);
	),

	TP_printk("number=%llu pid=%d comm=%s", __entry->number, __entry->pid,
		  __entry->comm)
);

#endif /* _TRACE_FANOTIFY_SOCKET_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
