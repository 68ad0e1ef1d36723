// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who can answer what, and how the questions are told apart
 */

#define _GNU_SOURCE
#include "asked.h"
#include "passed.h"
#include "ways.h"

static int fionread(int sock)
{
	int bytes = -1;

	return ioctl(sock, FIONREAD, &bytes) ? -errno : bytes;
}

FIXTURE(answerer)
{
	int sock;
	struct stat st;
	struct asked asked;
};

FIXTURE_SETUP(answerer)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, mkdir(DIR_PATH, 0755));
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = guard();
	ASSERT_LE(0, self->sock);
}

FIXTURE_TEARDOWN(answerer) {}

TEST_F(answerer, as_many_as_there_are)
{
	struct fanotify_so_access access[MANY_ANSWERS];
	int i;

	ASSERT_EQ(0, ask(&self->asked, self->sock, MANY_ANSWERS));
	for (i = 0; i < MANY_ANSWERS; i++) {
		/* In another order than they were asked in. */
		access[i].cookie = self->asked.cookies[i * 37 % MANY_ANSWERS];
		access[i].response = i * 37 % MANY_ANSWERS % 2 ? FAN_DENY :
								 FAN_ALLOW;
	}
	EXPECT_EQ(sizeof(access), write(self->sock, access, sizeof(access)));
	for (i = 0; i < MANY_ANSWERS; i++)
		EXPECT_EQ(i % 2 ? -EPERM : 0,
			  doer_result(&self->asked.doers[i]));
	EXPECT_EQ(0, take_event(self->sock,
				&(struct fanotify_so_event_metadata){}));
}

TEST_F(answerer, to_an_address)
{
	struct fanotify_addr addr = address(0, O_RDONLY);
	struct fanotify_so_access access = { .response = FAN_ALLOW };
	char control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = &access, .iov_len = sizeof(access) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	access.cookie = self->asked.cookies[0];
	EXPECT_EQ(-EOPNOTSUPP, result(sendto(self->sock, &access,
					     sizeof(access), 0,
					     sockaddr_of(&addr),
					     sizeof(addr))));
	msg.msg_name = &addr;
	msg.msg_namelen = sizeof(addr);
	EXPECT_EQ(-EOPNOTSUPP, result(sendmsg(self->sock, &msg, 0)));
	msg.msg_name = NULL;
	msg.msg_namelen = 0;

	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &self->sock, sizeof(int));
	EXPECT_EQ(-EOPNOTSUPP, result(sendmsg(self->sock, &msg, 0)));
	msg.msg_control = NULL;
	msg.msg_controllen = 0;

	EXPECT_EQ(-EOPNOTSUPP, result(sendmsg(self->sock, &msg, MSG_OOB)));
	EXPECT_EQ(-EOPNOTSUPP, result(send(self->sock, &access, sizeof(access),
					   MSG_OOB)));
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(sizeof(access), result(sendmsg(self->sock, &msg, 0)));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
}

/* By a pipe, for who gets the answers from elsewhere */
TEST_F(answerer, spliced)
{
	struct fanotify_so_access access[2] = {
		{ .response = FAN_ALLOW },
		{ .response = FAN_DENY },
	};
	int fds[2];

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	ASSERT_EQ(0, ask(&self->asked, self->sock, 2));
	access[0].cookie = self->asked.cookies[0];
	access[1].cookie = self->asked.cookies[1];
	ASSERT_EQ(sizeof(access), write(fds[1], access, sizeof(access)));
	EXPECT_EQ(sizeof(access), result(splice(fds[0], NULL, self->sock, NULL,
						sizeof(access), 0)));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[1]));
	ASSERT_EQ(sizeof(access), write(fds[1], access, sizeof(access)));
	EXPECT_EQ(-ENOENT, result(splice(fds[0], NULL, self->sock, NULL,
					 sizeof(access), 0)));
}

/* A long array, of which only the last entry is for somebody */
TEST_F(answerer, needle_in_a_haystack)
{
	const size_t nr = 100000;
	struct fanotify_so_access *access = calloc(nr, sizeof(*access));
	size_t i;

	ASSERT_NE(NULL, access);
	for (i = 0; i < nr; i++) {
		access[i].cookie = NO_COOKIE;
		access[i].response = FAN_ALLOW;
	}
	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	access[nr - 1].cookie = self->asked.cookies[0];
	access[nr - 1].response = FAN_DENY;
	EXPECT_EQ(-ENOENT, by_setsockopt(self->sock, access,
					 nr * sizeof(*access)));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	access[nr - 1].cookie = self->asked.cookies[0];
	EXPECT_EQ(nr * sizeof(*access), by_write(self->sock, access,
						 nr * sizeof(*access)));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
	free(access);
}

/*
 * Those who wait do not have to be read. The cookie can be had only by
 * guessing then; it is not far from the last one.
 */
static int answer_unread(int sock, __u64 last, __u32 response)
{
	int i, ret = -ENOENT;

	for (i = 1; i <= 100 && ret == -ENOENT; i++)
		ret = answer(sock, last + i, response);
	return ret;
}

TEST_F(answerer, unread)
{
	struct pollfd pfd = { .fd = self->sock, .events = POLLIN };
	struct doer unread[3];
	int i, bytes;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(doer_start(&unread[i], do_open, FILE_PATH));
		ASSERT_TRUE(sleeps_in(unread[i].pid, SYS_openat));
		ASSERT_EQ(1, poll(&pfd, 1, WAIT_MS));
	}
	bytes = fionread(self->sock);
	EXPECT_EQ(3 * FAN_SO_EVENT_LEN, bytes);
	/* The first, with the others behind it; to reset it changes nothing. */
	EXPECT_EQ(0, answer_unread(self->sock, self->asked.cookies[0],
				   FAN_RESET_TIMEOUT));
	EXPECT_EQ(bytes, fionread(self->sock));
	EXPECT_EQ(0, answer_unread(self->sock, self->asked.cookies[0],
				   FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&unread[0]));
	EXPECT_EQ(2 * FAN_SO_EVENT_LEN, fionread(self->sock));
	EXPECT_EQ(0, answer_unread(self->sock, self->asked.cookies[0],
				   FAN_ALLOW | FAN_CACHE));
	EXPECT_EQ(0, doer_result(&unread[1]));
	EXPECT_EQ(0, answer_unread(self->sock, self->asked.cookies[0],
				   FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&unread[2]));
	/* They are not to be read any more. */
	EXPECT_EQ(0, fionread(self->sock));
	EXPECT_EQ(0, poll(&pfd, 1, 0));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
	/* That was none of them. */
	EXPECT_FALSE(doer_returned(&self->asked.doers[0], 0));
	EXPECT_EQ(0, answer(self->sock, self->asked.cookies[0], FAN_ALLOW));
	EXPECT_EQ(0, doer_result(&self->asked.doers[0]));
}

/* In another thread than the one that has read */
struct job {
	int sock;
	__u64 cookie;
	__u32 response;
};

static void *answer_main(void *arg)
{
	struct job *job = arg;

	return (void *)(long)answer(job->sock, job->cookie, job->response);
}

TEST_F(answerer, from_another_thread)
{
	struct job job = { .sock = self->sock, .response = FAN_DENY };
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 1));
	job.cookie = self->asked.cookies[0];
	ASSERT_EQ(0, pthread_create(&thread, NULL, answer_main, &job));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
}

static void *open_main(void *arg)
{
	return (void *)do_open(FILE_PATH);
}

/* One thread answers what another of the same process asks. */
TEST_F(answerer, to_oneself)
{
	struct fanotify_so_event_metadata ev;
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 0));
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_main, NULL));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	EXPECT_EQ(getpid(), ev.tgid);
	EXPECT_NE(getpid(), ev.pid);
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EPERM, (long)ret);
}

/* Authority is the socket's: who has it needs nothing else. */
TEST_F(answerer, from_a_child)
{
	pid_t child;

	ASSERT_EQ(0, ask(&self->asked, self->sock, 2));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(-(become_nobody() ?:
			answer(self->sock, self->asked.cookies[0], FAN_DENY) ?:
			write_answer(self->sock, self->asked.cookies[1],
				     FAN_ALLOW)));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(-EPERM, doer_result(&self->asked.doers[0]));
	EXPECT_EQ(0, doer_result(&self->asked.doers[1]));
	EXPECT_EQ(-ENOENT, answer(self->sock, self->asked.cookies[0],
				  FAN_ALLOW));
}

/* A child that has read dies; its parent answers. */
TEST_F(answerer, to_what_a_child_has_read)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;
	int fds[2];
	pid_t child;

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(next_event(self->sock, &self->st, &ev) ||
		      write(fds[1], &ev, sizeof(ev)) != sizeof(ev));
	ASSERT_EQ(0, exit_status(child));
	ASSERT_EQ(sizeof(ev), read(fds[0], &ev, sizeof(ev)));
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

static int serve_as_nobody(int over)
{
	struct fanotify_so_event_metadata ev;
	struct stat st;
	int sock, ret;

	ret = become_nobody();
	if (ret)
		return ret;
	sock = recv_fd(over, 0);
	if (sock < 0)
		return sock;
	if (stat(FILE_PATH, &st))
		return -errno;
	ret = next_event(sock, &st, &ev);
	return ret ?: answer(sock, ev.cookie, FAN_DENY);
}

TEST_F(answerer, from_whom_the_socket_was_sent_to)
{
	int pair[2];
	struct doer doer;
	pid_t child;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(self->sock);
		close(pair[0]);
		_exit(-serve_as_nobody(pair[1]));
	}
	ASSERT_EQ(0, send_fd(pair[0], self->sock, 0));
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	EXPECT_EQ(0, exit_status(child));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

#define NASKERS 4
#define NTIMES 500

static long do_open_often(const char *path)
{
	int i;

	for (i = 0; i < NTIMES; i++) {
		long ret = do_open(path);

		if (ret)
			return ret;
	}
	return 0;
}

/* A cookie is that of no other event, and the later one is the higher. */
TEST_F(answerer, cookies_count_up)
{
	struct doer doers[NASKERS];
	__u64 last = 0;
	int i;

	for (i = 0; i < NASKERS; i++)
		ASSERT_TRUE(doer_start(&doers[i], do_open_often, FILE_PATH));
	for (i = 0; i < NASKERS * NTIMES; i++) {
		struct fanotify_so_event_metadata ev;

		ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
		close_event(&ev);
		ASSERT_LT(last, ev.cookie);
		last = ev.cookie;
		ASSERT_EQ(0, answer(self->sock, ev.cookie, FAN_ALLOW));
	}
	for (i = 0; i < NASKERS; i++)
		EXPECT_EQ(0, doer_result(&doers[i]));
	EXPECT_EQ(0, only_event(self->sock, &self->st));
}

TEST_HARNESS_MAIN
