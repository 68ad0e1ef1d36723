/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: listeners that are asked, and threads that answer for them
 */
#ifndef FANOTIFY_TEST_SENTRY_H
#define FANOTIFY_TEST_SENTRY_H

#include "common.h"
#include "perm.h"

/* An answer that is to be kept */
#define KEEP (FAN_ALLOW | FAN_CACHE)

/* A time limit that no test reaches, in milliseconds */
#define FOREVER FAN_SO_MAX_TIMEOUT

/* How a listener comes to be asked */
enum kind {
	GLOBAL,
	BY_FILE,
	BY_PARENT,
};

/* A listener of that number to a file, a directory's files or all: or -errno. */
static inline int new_sentry(enum kind kind, __u32 priority, __u32 mask,
			     const char *dir, const char *file)
{
	struct fanotify_addr addr = address(0, O_RDONLY | O_CLOEXEC);
	int sock = new_socket();
	int ret;

	if (sock < 0)
		return sock;
	addr.priority = priority;
	if (kind == GLOBAL)
		addr.mask = FAN_GLOBAL_LISTENER | mask;
	ret = do_bind(sock, &addr);
	if (!ret && kind == BY_FILE)
		ret = mark_path(sock, file, mask, 0);
	if (!ret && kind == BY_PARENT)
		ret = mark_path(sock, dir, mask | FAN_EVENT_ON_CHILD, 0);
	if (!ret)
		return sock;
	close(sock);
	return ret;
}

/* It is patient, and does not hear of its own process. 0 or -errno. */
static inline int set_patient(int sock)
{
	return set_u32(sock, FANOTIFY_IGNORE_SELF, 1) ?:
	       set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FOREVER);
}

/*
 * Waits for the next question about the file @st and leaves it, and its fd, to
 * the caller; what is asked about other files is allowed. 0 or -errno.
 */
static inline int next_question(int sock, const struct stat *st,
				struct fanotify_so_event_metadata *ev)
{
	struct pollfd pfd = { .fd = sock, .events = POLLIN };
	long long end = now_ms() + WAIT_MS;
	int ret;

	while (now_ms() < end) {
		ret = poll(&pfd, 1, WAIT_MS);
		if (ret <= 0)
			return ret ? -errno : -ETIMEDOUT;
		ret = take_event(sock, ev);
		if (ret < 0)
			return ret;
		if (!ret)
			continue;
		if (is_file(ev->fd, st) && ev->cookie)
			return 0;
		close_event(ev);
		if (ev->cookie)
			answer(sock, ev->cookie, FAN_ALLOW);
	}
	return -ETIMEDOUT;
}

/*
 * Answers what the doer causes until it is through: @response about the file
 * @st, FAN_ALLOW about others. Returns how often it was asked about the file, or
 * what the doer got: -errno.
 */
static inline int answer_doer(int sock, const struct stat *st,
			      struct doer *doer, __u32 response)
{
	struct pollfd pfds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = doer->done, .events = POLLIN },
	};
	struct fanotify_so_event_metadata ev;
	int asked = 0, ret = 0;
	long got;

	while (!ret && !pfds[1].revents && poll(pfds, 2, WAIT_MS) > 0) {
		while ((ret = take_event(sock, &ev)) > 0) {
			bool about = is_file(ev.fd, st);

			close_event(&ev);
			if (!ev.cookie)
				continue;
			asked += about;
			answer(sock, ev.cookie, about ? response : FAN_ALLOW);
		}
	}
	got = doer_result(doer);
	return got ? got : ret ? ret : asked;
}

/* Has a child do something: as above. */
static inline int asks(int sock, const struct stat *st,
		       long (*call)(const char *path), const char *path,
		       __u32 response)
{
	struct doer doer;

	if (!doer_start(&doer, call, path))
		return -ENOMEM;
	return answer_doer(sock, st, &doer, response);
}

/**
 * struct sentry - a thread that reads from a listener's socket, and answers
 *
 * @sock: The socket.
 * @judge: Finds the answer to a question, or returns 0 for none; NULL for one
 *         that allows everything.
 * @arg: For @judge.
 * @st: The file that @about counts.
 * @asked: How many questions were put.
 * @about: How many of them about @st.
 * @error: What a read or an answer failed with, or 0.
 * @stop: An eventfd that ends the thread.
 * @thread: The thread.
 */
struct sentry {
	int sock;
	__u32 (*judge)(struct sentry *sentry,
		       const struct fanotify_so_event_metadata *ev);
	void *arg;
	struct stat st;
	int asked;
	int about;
	int error;
	int stop;
	pthread_t thread;
};

/* How many questions about its file? What was counted is over by then. */
static inline int sentry_about(struct sentry *sentry)
{
	return __atomic_load_n(&sentry->about, __ATOMIC_ACQUIRE);
}

static inline void sentry_one(struct sentry *sentry,
			      const struct fanotify_so_event_metadata *ev)
{
	__u32 response = FAN_ALLOW;
	int ret;

	if (!ev->cookie) {
		close_event(ev);
		return;
	}
	sentry->asked++;
	if (is_file(ev->fd, &sentry->st))
		__atomic_fetch_add(&sentry->about, 1, __ATOMIC_RELEASE);
	if (sentry->judge)
		response = sentry->judge(sentry, ev);
	close_event(ev);
	ret = response ? answer(sentry->sock, ev->cookie, response) : 0;
	/* Who asked may have been killed, or timed out, meanwhile. */
	if (ret && ret != -ENOENT)
		sentry->error = ret;
}

static inline void *sentry_main(void *arg)
{
	struct sentry *sentry = arg;
	struct pollfd pfds[] = {
		{ .fd = sentry->sock, .events = POLLIN },
		{ .fd = sentry->stop, .events = POLLIN },
	};
	struct fanotify_so_event_metadata ev;
	ssize_t len;

	while (poll(pfds, 2, -1) > 0 && !pfds[1].revents) {
		len = recv(sentry->sock, &ev, sizeof(ev), MSG_DONTWAIT);
		if (len == sizeof(ev)) {
			sentry_one(sentry, &ev);
		} else if (len >= 0 || errno != EAGAIN) {
			sentry->error = len < 0 ? -errno : -EIO;
			break;
		}
	}
	return NULL;
}

/* Starts the thread, which is about the file @path. */
static inline bool sentry_start(struct sentry *sentry, int sock,
				const char *path)
{
	sentry->sock = sock;
	sentry->stop = eventfd(0, EFD_CLOEXEC);
	return sentry->stop >= 0 && !stat(path, &sentry->st) &&
	       !pthread_create(&sentry->thread, NULL, sentry_main, sentry);
}

/* Ends the thread; the socket stays. Returns what went wrong, or 0. */
static inline int sentry_end(struct sentry *sentry)
{
	if (eventfd_write(sentry->stop, 1) ||
	    pthread_join(sentry->thread, NULL))
		return -EIO;
	close(sentry->stop);
	return sentry->error;
}

#endif /* FANOTIFY_TEST_SENTRY_H */
