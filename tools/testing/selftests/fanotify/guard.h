/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: a listener that answers, and what it was asked
 *
 * Its threads belong to the test, which may do what is asked about, but must
 * not hold anything back from them meanwhile. They read the file of each
 * question, as a scanner does.
 */
#ifndef FANOTIFY_TEST_GUARD_H
#define FANOTIFY_TEST_GUARD_H

#include <stdio.h>

#include "perm.h"

#define MAX_ASKED 2048
#define MAX_GUARDS 4

/**
 * struct question - what a guard was asked
 *
 * @mask: What was to be done.
 * @pid: By which thread.
 * @tgid: By which process.
 * @st: The file; all zero if it could not be opened.
 * @name: The file's name, as guard_name() has it.
 */
struct question {
	__u32 mask;
	pid_t pid, tgid;
	struct stat st;
	char name[128];
};

/**
 * struct guard - a listener and the threads that answer
 *
 * @sock: The listener; what is not answered within WAIT_MS it denies.
 * @denied: What is denied: the file's name, or NULL for nothing.
 * @denied_mask: Of the questions about @denied, those with these bits.
 * @nthreads: How many there are.
 * @threads: The threads.
 * @lock: Guards the rest.
 * @nasked: How many questions there were; all that fit are in @asked.
 * @asked: The questions, in the order in which they were taken.
 * @failed: A guard could not do its work: the errno.
 */
struct guard {
	int sock;
	const char *denied;
	__u32 denied_mask;
	int nthreads;
	pthread_t threads[MAX_GUARDS];
	pthread_mutex_t lock;
	int nasked;
	struct question asked[MAX_ASKED];
	int failed;
};

/*
 * What the file behind @fd is called: below TMP, from there on. The layers of
 * an overlay are no place's: their files are "/file".
 */
static inline void guard_name(int fd, struct question *q)
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, q->name, sizeof(q->name) - 1);
	if (len > (ssize_t)sizeof(TMP) &&
	    !strncmp(q->name, TMP "/", sizeof(TMP))) {
		len -= sizeof(TMP);
		memmove(q->name, q->name + sizeof(TMP), len);
	}
	q->name[len > 0 ? len : 0] = 0;
}

/* Elsewhere there are some that cannot be read, or block. */
static inline bool guard_can_read(const struct question *q)
{
	return S_ISREG(q->st.st_mode) && strncmp(q->name, "/proc/", 6) &&
	       strncmp(q->name, "/sys/", 5);
}

/* What was asked is known before the answer is, so that nobody waits for it. */
static inline __u32 guard_judge(struct guard *guard,
				const struct fanotify_so_event_metadata *ev)
{
	struct question q = { .mask = ev->mask, .pid = ev->pid,
			      .tgid = ev->tgid };
	__u32 response;
	char text[16];

	if (ev->fd >= 0) {
		fstat(ev->fd, &q.st);
		guard_name(ev->fd, &q);
		if (guard_can_read(&q) &&
		    pread(ev->fd, text, sizeof(text), 0) < 0)
			__atomic_store_n(&guard->failed, errno,
					 __ATOMIC_RELAXED);
	}
	pthread_mutex_lock(&guard->lock);
	response = guard->denied && (ev->mask & guard->denied_mask) &&
		   !strcmp(q.name, guard->denied) ? FAN_DENY : FAN_ALLOW;
	if (guard->nasked < MAX_ASKED)
		guard->asked[guard->nasked] = q;
	guard->nasked++;
	pthread_mutex_unlock(&guard->lock);
	return response;
}

static inline void *guard_main(void *arg)
{
	struct fanotify_so_event_metadata ev;
	struct guard *guard = arg;
	ssize_t len;
	int ret;

	while ((len = read(guard->sock, &ev, sizeof(ev))) == sizeof(ev)) {
		__u32 response = guard_judge(guard, &ev);

		close_event(&ev);
		ret = ev.cookie ? answer(guard->sock, ev.cookie, response) : 0;
		/* Whoever asked may have been killed. */
		if (ret && ret != -ENOENT)
			__atomic_store_n(&guard->failed, -ret,
					 __ATOMIC_RELAXED);
	}
	if (len)
		__atomic_store_n(&guard->failed, len < 0 ? errno : EIO,
				 __ATOMIC_RELAXED);
	return NULL;
}

/* Answers with @nthreads threads. 0 or -errno. */
static inline int guard_start(struct guard *guard, int sock, int nthreads)
{
	int ret;

	memset(guard, 0, sizeof(*guard));
	guard->sock = sock;
	pthread_mutex_init(&guard->lock, NULL);
	ret = set_u32(sock, FANOTIFY_TIMEOUT_POLICY, FAN_DENY) ?:
	      set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, WAIT_MS);
	while (!ret && guard->nthreads < nthreads) {
		ret = -pthread_create(&guard->threads[guard->nthreads], NULL,
				      guard_main, guard);
		guard->nthreads += !ret;
	}
	return ret;
}

/* From now on that is denied, and nothing was asked before. */
static inline void guard_deny(struct guard *guard, const char *denied,
			      __u32 mask)
{
	pthread_mutex_lock(&guard->lock);
	guard->denied = denied;
	guard->denied_mask = mask;
	guard->nasked = 0;
	pthread_mutex_unlock(&guard->lock);
}

/* Ends the threads; 0, or an errno if one could not do its work. */
static inline int guard_stop(struct guard *guard)
{
	shutdown(guard->sock, SHUT_RDWR);
	while (guard->nthreads)
		pthread_join(guard->threads[--guard->nthreads], NULL);
	close(guard->sock);
	return guard->failed;
}

/* How often was the guard asked that of the file with this name? */
static inline int guard_asked(struct guard *guard, const char *name,
			      __u32 mask)
{
	int i, count = 0;

	pthread_mutex_lock(&guard->lock);
	for (i = 0; i < guard->nasked && i < MAX_ASKED; i++)
		count += guard->asked[i].mask == mask &&
			 !strcmp(guard->asked[i].name, name);
	pthread_mutex_unlock(&guard->lock);
	return count;
}

/*
 * All that a process asked, as text: "OPEN file, ACCESS file", without
 * repetitions.
 */
static inline const char *guard_story(struct guard *guard, pid_t tgid)
{
	static char story[4096];
	char step[160], last[160] = "";
	size_t len = 0;
	int i;

	story[0] = 0;
	pthread_mutex_lock(&guard->lock);
	for (i = 0; i < guard->nasked && i < MAX_ASKED; i++) {
		const struct question *q = &guard->asked[i];
		const char *what = q->mask == FAN_OPEN_PERM ? "OPEN" :
				   q->mask == FAN_ACCESS_PERM ? "ACCESS" :
				   q->mask == FAN_OPEN_EXEC_PERM ? "EXEC" : "?";

		if (q->tgid != tgid)
			continue;
		snprintf(step, sizeof(step), "%s %s", what, q->name);
		if (!strcmp(step, last))
			continue;
		memcpy(last, step, sizeof(step));
		len += snprintf(story + len, sizeof(story) - len, "%s%s",
				len ? ", " : "", step);
		if (len >= sizeof(story))
			break;
	}
	pthread_mutex_unlock(&guard->lock);
	return story;
}

#endif /* FANOTIFY_TEST_GUARD_H */
