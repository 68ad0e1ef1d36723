// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: who waits for a listener dies, and nothing of it is left
 *
 * The timeout is as long as it can be, so that it is never the clock that has
 * let somebody go.
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "lease.h"
#include "marks.h"
#include "waiting.h"

#define FILE_PATH TMP "/file"
#define PROGRAM_PATH TMP "/program"
#define NEVER_MS 600000

/* How many die at once, and how many of them were read */
#define NR_WAITING 500
#define NR_READ 200

/* For the race: how many wait, how many are read at a time, and how often */
#define NR_CROWDS 4
#define NR_EACH 8
#define NR_BATCH 6
#define NR_ROUNDS 16

FIXTURE(victim)
{
	struct stat st;
	int sock;
};

FIXTURE_SETUP(victim)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_IGNORE_SELF, 1));
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
}

FIXTURE_TEARDOWN(victim)
{
	close(self->sock);
}

/* Nothing waits and nothing is queued: the dead have taken all with them. */
static void expect_nothing_left(struct __test_metadata *_metadata, int sock)
{
	struct fanotify_so_event_metadata ev;
	int bytes = -1;

	EXPECT_EQ(0, nr_waiting());
	EXPECT_EQ(0, ioctl(sock, FIONREAD, &bytes));
	EXPECT_EQ(0, bytes);
	EXPECT_EQ(POLLOUT, poll_now(sock, POLLIN | POLLOUT));
	EXPECT_EQ(-EAGAIN, result(recv(sock, &ev, sizeof(ev), MSG_DONTWAIT)));
}

/* Many die at once: some were not read, some were, some had a new period. */
TEST_F(victim, many_in_all_states)
{
	struct fanotify_so_event_metadata ev[NR_READ];
	struct crowd crowd;
	int i;

	ASSERT_TRUE(crowd_start(&crowd, NR_WAITING, do_open, FILE_PATH));
	ASSERT_EQ(NR_WAITING, until_waiting(NR_WAITING));
	for (i = 0; i < NR_READ; i++) {
		ASSERT_EQ(1, take_event(self->sock, &ev[i]));
		ASSERT_TRUE(is_file(ev[i].fd, &self->st));
		close_event(&ev[i]);
		if (i % 2)
			ASSERT_EQ(0, answer(self->sock, ev[i].cookie,
					    FAN_RESET_TIMEOUT));
	}
	ASSERT_EQ(0, kill(crowd.pid, SIGKILL));
	EXPECT_EQ(-SIGKILL, crowd_end(&crowd));
	for (i = 0; i < NR_READ; i++)
		ASSERT_EQ(-ENOENT, answer(self->sock, ev[i].cookie, FAN_DENY));
	expect_nothing_left(_metadata, self->sock);
}

/* Opens, and opens again, until it is killed. */
static long open_for_ever(const char *path)
{
	long ret;

	do {
		ret = open_close(path, O_RDONLY);
	} while (!ret);
	return ret;
}

static int forget(int sock)
{
	return result(setsockopt(sock, SOL_FANOTIFY, FANOTIFY_FORGET, NULL, 0));
}

/*
 * Answers race with kills: each is accepted, or comes too late. The kills hit
 * those who are being queued, read and answered and those who are on their way
 * to the next open, as it happens.
 */
TEST_F(victim, answers_race_kills)
{
	static const __u32 responses[] = {
		FAN_ALLOW, FAN_ALLOW, FAN_DENY, FAN_RESET_TIMEOUT,
		FAN_ALLOW | FAN_CACHE,
	};
	int round, batch, i, nr, ret, given = 0, late = 0;
	struct fanotify_so_event_metadata ev[NR_BATCH];
	struct crowd crowds[NR_CROWDS];
	__u32 response;

	for (round = 0; round < NR_ROUNDS; round++) {
		ASSERT_EQ(0, forget(self->sock));
		for (i = 0; i < NR_CROWDS; i++)
			ASSERT_TRUE(crowd_start(&crowds[i], NR_EACH,
						open_for_ever, FILE_PATH));
		/* All of them are at it. */
		ASSERT_EQ(NR_CROWDS * NR_EACH,
			  until_waiting(NR_CROWDS * NR_EACH));
		for (batch = 0; batch < 20; batch++) {
			for (nr = 0; nr < NR_BATCH; nr++) {
				ret = take_event(self->sock, &ev[nr]);
				ASSERT_LE(0, ret);
				if (!ret)
					break;
				close_event(&ev[nr]);
			}
			if (batch < NR_CROWDS)
				ASSERT_EQ(0, kill(crowds[batch].pid, SIGKILL));
			for (i = 0; i < nr; i++) {
				response = responses[(i + batch + round) % 5];
				ret = answer(self->sock, ev[i].cookie,
					     response);
				ASSERT_TRUE(!ret || ret == -ENOENT) {
					TH_LOG("answer %#x: %d", response, ret);
				}
				given += !ret;
				late += !!ret;
				/* Once answered or dead is so for ever. */
				if (!ret && response == FAN_RESET_TIMEOUT)
					continue;
				ASSERT_EQ(-ENOENT, answer(self->sock,
							  ev[i].cookie,
							  FAN_ALLOW));
			}
		}
		for (i = 0; i < NR_CROWDS; i++)
			ASSERT_EQ(-SIGKILL, crowd_end(&crowds[i]));
		expect_nothing_left(_metadata, self->sock);
	}
	/* How many came too late is luck. */
	EXPECT_LT(0, given);
	TH_LOG("%d answers were in time, %d too late", given, late);
}

/* In the middle of a delivery, which a lease holds up */
TEST_F(victim, killed_during_the_delivery)
{
	struct waiter reader;
	struct doer doer;
	int lease;

	lease = lease_start(FILE_PATH);
	ASSERT_LE(0, lease);
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_TRUE(waiter_run(&reader, self->sock, wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(lease));

	ASSERT_EQ(0, kill(doer.pid, SIGKILL));
	EXPECT_EQ(-ECHILD, doer_result(&doer));
	EXPECT_EQ(0, nr_waiting());
	EXPECT_FALSE(waiter_returned(&reader, 0));

	EXPECT_EQ(0, lease_end(lease));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	EXPECT_EQ((long)FAN_SO_EVENT_LEN, reader.ret);
	EXPECT_TRUE(is_file(reader.ev.fd, &self->st));
	close_event(&reader.ev);
	EXPECT_EQ(-ENOENT, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	expect_nothing_left(_metadata, self->sock);
}

TEST_F(victim, shut_down_during_the_delivery)
{
	struct waiter reader;
	struct doer doer;
	int lease;

	lease = lease_start(FILE_PATH);
	ASSERT_LE(0, lease);
	ASSERT_TRUE(doer_start(&doer, do_open, FILE_PATH));
	ASSERT_EQ(1, until_waiting(1));
	ASSERT_TRUE(waiter_run(&reader, self->sock, wait_in_read));
	ASSERT_TRUE(lease_is_being_broken(lease));

	/* Now there is only the lease that the doer waits for. */
	EXPECT_EQ(0, result(shutdown(self->sock, SHUT_RDWR)));
	EXPECT_EQ(0, nr_waiting());
	EXPECT_FALSE(waiter_returned(&reader, 0));

	EXPECT_EQ(0, lease_end(lease));
	EXPECT_EQ(0, doer_result(&doer));
	ASSERT_TRUE(waiter_returned(&reader, WAIT_MS));
	/* It was on its way already. */
	EXPECT_EQ((long)FAN_SO_EVENT_LEN, reader.ret);
	close_event(&reader.ev);
	EXPECT_EQ(-ESHUTDOWN, answer(self->sock, reader.ev.cookie, FAN_ALLOW));
	EXPECT_EQ(0, result(recv(self->sock, &reader.ev, sizeof(reader.ev), 0)));
}

static void do_nothing(int sig)
{
	(void)sig;
}

static long open_with_handler(const char *path)
{
	struct sigaction action = { .sa_handler = do_nothing };

	if (sigaction(SIGUSR1, &action, NULL))
		return -errno;
	return open_close(path, O_RDONLY);
}

/* Only a signal that kills ends the wait. */
TEST_F(victim, other_signals)
{
	struct fanotify_so_event_metadata ev;
	struct doer doer;

	ASSERT_TRUE(doer_start(&doer, open_with_handler, FILE_PATH));
	ASSERT_EQ(0, next_event(self->sock, &self->st, &ev));
	close_event(&ev);
	ASSERT_EQ(0, kill(doer.pid, SIGUSR1));
	ASSERT_EQ(0, kill(doer.pid, SIGSTOP));
	ASSERT_EQ(0, kill(doer.pid, SIGCONT));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_RESET_TIMEOUT));
	EXPECT_EQ(1, nr_waiting());
	EXPECT_FALSE(doer_returned(&doer, 0));
	EXPECT_EQ(0, answer(self->sock, ev.cookie, FAN_DENY));
	EXPECT_EQ(-EPERM, doer_result(&doer));
}

/* The end of a process, or of its threads, in which some of them wait */
FIXTURE(threads)
{
	int sock;
};

FIXTURE_VARIANT(threads)
{
	bool execs;
	bool by_leader;
	int status;
};

FIXTURE_VARIANT_ADD(threads, exec_by_the_leader) {
	.execs = true,
	.by_leader = true,
};

FIXTURE_VARIANT_ADD(threads, exec_by_another) {
	.execs = true,
};

FIXTURE_VARIANT_ADD(threads, exit_by_the_leader) {
	.by_leader = true,
	.status = 7,
};

FIXTURE_VARIANT_ADD(threads, exit_by_another) {
	.status = 8,
};

FIXTURE_SETUP(threads)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, write_file(PROGRAM_PATH, SCRIPT));
	self->sock = deaf_listener();
	ASSERT_LE(0, self->sock);
	ASSERT_EQ(0, set_u32(self->sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS));
	ASSERT_EQ(0, mark_path(self->sock, FILE_PATH, FAN_OPEN_PERM, 0));
}

FIXTURE_TEARDOWN(threads)
{
	close(self->sock);
}

/* What the one who does not wait does when it is told to */
struct ending {
	const FIXTURE_VARIANT(threads) *variant;
	int go;
};

static void *end_it(void *arg)
{
	const struct ending *ending = arg;
	char byte;

	if (read(ending->go, &byte, 1) != 1)
		_exit(100);
	if (ending->variant->execs)
		execl(PROGRAM_PATH, PROGRAM_PATH, NULL);
	else
		_exit(ending->variant->status);
	_exit(101);
}

static void *open_file(void *arg)
{
	open_close(FILE_PATH, O_RDONLY);
	return arg;
}

static void run_threads(struct ending *ending, int nr)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (--nr) {
		if (pthread_create(&thread, NULL, open_file, NULL))
			_exit(102);
	}
	if (pthread_create(&thread, NULL, ending->variant->by_leader ?
			   open_file : end_it, ending))
		_exit(103);
	if (ending->variant->by_leader)
		end_it(ending);
	open_file(NULL);
	/* Nobody has answered that. */
	_exit(104);
}

TEST_F(threads, end)
{
	struct fanotify_so_event_metadata ev[4];
	struct ending ending = { .variant = variant };
	const int nr = 8;
	int go[2], i;
	pid_t child;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ending.go = go[0];
	child = fork();
	if (!child)
		run_threads(&ending, nr);
	ASSERT_EQ(nr, until_waiting(nr));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(1, take_event(self->sock, &ev[i]));
		close_event(&ev[i]);
	}
	ASSERT_EQ(1, write(go[1], "", 1));
	EXPECT_EQ(variant->status, exit_status(child));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-ENOENT, answer(self->sock, ev[i].cookie, FAN_ALLOW));
	expect_nothing_left(_metadata, self->sock);
	close(go[0]);
	close(go[1]);
}

TEST_HARNESS_MAIN
