// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: a listener dies, and those who wait for it go on
 *
 * The timeout is as long as it can be, so that it is never the clock that has
 * let somebody go.
 */

#define _GNU_SOURCE
#include "crowd.h"
#include "policies.h"
#include "waiting.h"

#define FILE_PATH TMP "/file"
#define NEVER_MS 600000

/* How many wait for the one that is killed, and how many of them it has read */
#define NR_WAITING 500
#define NR_READ 200

/* For the races: how many wait, and how often */
#define NR_RACERS 40
#define NR_ROUNDS 8

/* A listener that fails in this way, and what that means to those who wait */
FIXTURE(death)
{
	struct stat st;
};

FIXTURE_VARIANT(death)
{
	bool global;
	const struct policy *fails;
};

FIXTURE_VARIANT_ADD(death, directed_fails_open) {
	.global = false,
	.fails = &fails_open,
};

FIXTURE_VARIANT_ADD(death, directed_fails_closed) {
	.global = false,
	.fails = &fails_closed,
};

FIXTURE_VARIANT_ADD(death, global_fails_open) {
	.global = true,
	.fails = &fails_open,
};

FIXTURE_VARIANT_ADD(death, global_fails_closed) {
	.global = true,
	.fails = &fails_closed,
};

FIXTURE_SETUP(death)
{
	private_tmp(_metadata);
	ASSERT_EQ(0, write_file(FILE_PATH, "text"));
	ASSERT_EQ(0, stat(FILE_PATH, &self->st));
}

FIXTURE_TEARDOWN(death) {}

static int guard(const FIXTURE_VARIANT(death) *variant)
{
	int sock = variant->global ? global_listener(FAN_OPEN_PERM) :
				     deaf_listener();

	if (sock < 0)
		return sock;
	if (set_u32(sock, FANOTIFY_TIMEOUT_POLICY, variant->fails->policy) ||
	    set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, NEVER_MS) ||
	    set_u32(sock, FANOTIFY_IGNORE_SELF, 1))
		return -EPROTO;
	if (variant->global ? ignore_proc(sock) :
			      mark_path(sock, FILE_PATH, FAN_OPEN_PERM, 0))
		return -EPROTO;
	return sock;
}

/* Reads @nr events, which it answers unless @response is 0. 0 or -errno. */
static int take_events(int sock, int nr, __u32 response)
{
	struct fanotify_so_event_metadata ev;
	int ret = 0;

	while (!ret && nr--) {
		if (read(sock, &ev, sizeof(ev)) != sizeof(ev))
			return -EIO;
		close_event(&ev);
		if (response)
			ret = answer(sock, ev.cookie, response);
	}
	return ret;
}

/**
 * struct holder - a child that holds a listener
 *
 * @pid: The child.
 * @orders: A socket. It is told there how many events to read, and to answer
 *          with what, and says how that went.
 */
struct holder {
	pid_t pid;
	int orders;
};

struct order {
	int nr;
	__u32 response;
};

/* The listener is @sock, or one of its own. */
static bool holder_start(struct holder *holder, int sock,
			 const FIXTURE_VARIANT(death) *variant)
{
	struct order order;
	int ends[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	holder->pid = fork();
	if (!holder->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		if (sock < 0)
			sock = guard(variant);
		if (sock < 0)
			_exit(1);
		while (read(ends[1], &order, sizeof(order)) == sizeof(order)) {
			ret = take_events(sock, order.nr, order.response);
			(void)!write(ends[1], &ret, sizeof(ret));
		}
		_exit(0);
	}
	close(ends[1]);
	holder->orders = ends[0];
	return holder->pid > 0;
}

/* It does so: 0, or -errno. With 0 events it has a listener when this is back. */
static int holder_order(struct holder *holder, int nr, __u32 response)
{
	struct order order = { .nr = nr, .response = response };
	struct pollfd pfd = { .fd = holder->orders, .events = POLLIN };
	int ret;

	if (write(holder->orders, &order, sizeof(order)) != sizeof(order))
		return -errno;
	if (poll(&pfd, 1, WAIT_MS) != 1)
		return -ETIMEDOUT;
	if (read(holder->orders, &ret, sizeof(ret)) != sizeof(ret))
		return -EPIPE;
	return ret;
}

/* When this is back, it has no descriptors any more. */
static int holder_kill(struct holder *holder)
{
	kill(holder->pid, SIGKILL);
	close(holder->orders);
	return exit_status(holder->pid);
}

TEST_F(death, killed_while_many_wait)
{
	struct holder holder;
	struct crowd crowd;

	ASSERT_TRUE(holder_start(&holder, -1, variant));
	ASSERT_EQ(0, holder_order(&holder, 0, 0));
	ASSERT_TRUE(crowd_start(&crowd, NR_WAITING, do_open, FILE_PATH));
	ASSERT_EQ(NR_WAITING, until_waiting(NR_WAITING));
	ASSERT_EQ(0, holder_order(&holder, NR_READ, 0));
	EXPECT_TRUE(crowd_waits(&crowd));

	EXPECT_EQ(-SIGKILL, holder_kill(&holder));
	EXPECT_EQ(NR_WAITING, crowd_count(&crowd, NR_WAITING,
					  variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_EQ(0, nr_waiting());
	/* Nobody is in the way. */
	EXPECT_EQ(0, do_open(FILE_PATH));
}

TEST_F(death, killed_when_it_has_read_all)
{
	struct holder holder;
	struct crowd crowd;

	ASSERT_TRUE(holder_start(&holder, -1, variant));
	ASSERT_EQ(0, holder_order(&holder, 0, 0));
	ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
	ASSERT_EQ(0, holder_order(&holder, NR_RACERS, 0));
	EXPECT_EQ(NR_RACERS, nr_waiting());
	EXPECT_TRUE(crowd_waits(&crowd));

	EXPECT_EQ(-SIGKILL, holder_kill(&holder));
	EXPECT_EQ(NR_RACERS, crowd_count(&crowd, NR_RACERS, variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
}

/* It is over with the last who holds the socket, whoever bound it. */
TEST_F(death, shared_by_fork)
{
	const int nr_answered = 10;
	struct holder first, last;
	struct crowd crowd;
	int sock;

	/* Both of them have it from the one who bound it. */
	sock = guard(variant);
	ASSERT_LE(0, sock);
	ASSERT_TRUE(holder_start(&first, sock, variant));
	ASSERT_TRUE(holder_start(&last, sock, variant));
	ASSERT_EQ(0, close(sock));

	ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
	ASSERT_EQ(0, holder_order(&first, NR_RACERS / 2, 0));
	ASSERT_EQ(NR_RACERS, until_waiting(NR_RACERS));
	EXPECT_EQ(-SIGKILL, holder_kill(&first));
	EXPECT_EQ(NR_RACERS, nr_waiting());
	EXPECT_TRUE(crowd_waits(&crowd));

	EXPECT_EQ(0, holder_order(&last, nr_answered, variant->fails->opposite));
	EXPECT_EQ(nr_answered, crowd_count(&crowd, nr_answered,
					   variant->fails->opposite_verdict));
	EXPECT_EQ(NR_RACERS - nr_answered, nr_waiting());
	EXPECT_TRUE(crowd_waits(&crowd));

	EXPECT_EQ(-SIGKILL, holder_kill(&last));
	EXPECT_EQ(NR_RACERS - nr_answered,
		  crowd_count(&crowd, NR_RACERS - nr_answered,
			      variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
}

/* shutdown() finds readers that are blocked, and tasks that wait. */
TEST_F(death, shut_down)
{
	struct fanotify_so_event_metadata ev[NR_RACERS];
	struct waiter readers[2], poller;
	struct crowd crowd;
	int i, sock;

	sock = guard(variant);
	ASSERT_LE(0, sock);
	ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
	for (i = 0; i < NR_RACERS; i++) {
		ASSERT_EQ(0, next_event(sock, &self->st, &ev[i]));
		close_event(&ev[i]);
	}
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(waiter_start(&readers[i], sock, wait_in_read,
					 SYS_read));
	ASSERT_TRUE(waiter_start(&poller, sock, wait_in_poll, SYS_ppoll));
	EXPECT_TRUE(crowd_waits(&crowd));

	EXPECT_EQ(0, result(shutdown(sock, SHUT_RDWR)));
	for (i = 0; i < 2; i++) {
		EXPECT_TRUE(waiter_returned(&readers[i], WAIT_MS));
		EXPECT_EQ(0, readers[i].ret);
	}
	EXPECT_TRUE(waiter_returned(&poller, WAIT_MS));
	EXPECT_EQ(POLLIN | POLLRDHUP | POLLHUP, poller.ret);
	EXPECT_EQ(NR_RACERS, crowd_count(&crowd, NR_RACERS, variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
	for (i = 0; i < NR_RACERS; i++)
		EXPECT_EQ(-ESHUTDOWN, answer(sock, ev[i].cookie, FAN_ALLOW));
	EXPECT_EQ(-ESHUTDOWN, write_answer(sock, ev[0].cookie, FAN_ALLOW));
	EXPECT_EQ(0, nr_waiting());
	EXPECT_EQ(0, do_open(FILE_PATH));
	EXPECT_EQ(0, close(sock));
}

/* shutdown() when nobody has read anything yet */
TEST_F(death, shut_down_unread)
{
	struct fanotify_so_event_metadata ev;
	struct crowd crowd;
	int sock;

	sock = guard(variant);
	ASSERT_LE(0, sock);
	ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
	ASSERT_EQ(NR_RACERS, until_waiting(NR_RACERS));
	EXPECT_EQ(0, result(shutdown(sock, SHUT_RDWR)));
	EXPECT_EQ(NR_RACERS, crowd_count(&crowd, NR_RACERS, variant->fails->verdict));
	EXPECT_EQ(0, crowd_end(&crowd));
	EXPECT_EQ(0, result(recv(sock, &ev, sizeof(ev), 0)));
	EXPECT_EQ(0, close(sock));
}

/**
 * struct answerers - threads that read and answer until the socket has gone
 *
 * @sock: The socket, which is closed meanwhile.
 * @response: What they answer.
 * @given: How often that was the verdict.
 * @wrong: An error that should not have been, or 0.
 * @threads: Themselves.
 */
struct answerers {
	int sock;
	__u32 response;
	int given;
	int wrong;
	pthread_t threads[4];
};

/*
 * Once it is closed, its number says nothing, or is that of the next event's
 * file.
 */
static bool is_end(int ret)
{
	return ret == -EBADF || ret == -ENOTSOCK || ret == -ESHUTDOWN;
}

static void *answer_all(void *arg)
{
	struct answerers *a = arg;
	struct fanotify_so_event_metadata ev;
	int ret;

	for (;;) {
		ret = result(recv(a->sock, &ev, sizeof(ev), 0));
		if (ret != sizeof(ev))
			break;
		close_event(&ev);
		ret = answer(a->sock, ev.cookie, a->response);
		if (!ret)
			__atomic_add_fetch(&a->given, 1, __ATOMIC_RELAXED);
		else if (ret != -ENOENT)
			break;
	}
	if (ret && !is_end(ret))
		__atomic_store_n(&a->wrong, ret, __ATOMIC_RELAXED);
	return NULL;
}

static bool answerers_start(struct answerers *a, int sock, __u32 response)
{
	size_t i;

	*a = (struct answerers){ .sock = sock, .response = response };
	for (i = 0; i < ARRAY_SIZE(a->threads); i++) {
		if (pthread_create(&a->threads[i], NULL, answer_all, a))
			return false;
	}
	return true;
}

static void answerers_join(struct answerers *a)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(a->threads); i++)
		pthread_join(a->threads[i], NULL);
}

/*
 * The end comes at another moment each time, while threads read and answer.
 * Each answer that was accepted was obeyed, and each other task got what the
 * end means. A reader who is blocked keeps the socket that was closed, so it is
 * shut down as well then.
 */
TEST_F(death, ended_while_others_answer)
{
	struct answerers answerers;
	int round, sock, other, obeyed;
	struct crowd crowd;

	for (round = 0; round < NR_ROUNDS; round++) {
		sock = guard(variant);
		ASSERT_LE(0, sock);
		other = dup(sock);
		ASSERT_LE(0, other);
		ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
		ASSERT_EQ(NR_RACERS, until_waiting(NR_RACERS));
		ASSERT_TRUE(answerers_start(&answerers, sock,
					    variant->fails->opposite));
		while (__atomic_load_n(&answerers.given, __ATOMIC_RELAXED) <
		       round * 2)
			sched_yield();
		if (round % 2)
			ASSERT_EQ(0, close(sock));
		ASSERT_EQ(0, result(shutdown(other, SHUT_RDWR)));
		ASSERT_EQ(0, close(other));
		answerers_join(&answerers);
		if (round % 2 == 0)
			ASSERT_EQ(0, close(sock));

		EXPECT_EQ(0, answerers.wrong);
		obeyed = crowd_count(&crowd, NR_RACERS,
				     variant->fails->opposite_verdict);
		EXPECT_EQ(answerers.given, obeyed);
		EXPECT_EQ(0, crowd_end(&crowd));
	}
	EXPECT_EQ(0, nr_waiting());
}

/* Nobody shuts it down: close() by one, while another one answers. */
TEST_F(death, closed_while_another_answers)
{
	struct fanotify_so_event_metadata ev[NR_RACERS];
	int round, i, sock, ret, given;
	struct crowd crowd;
	pid_t child;

	for (round = 0; round < NR_ROUNDS; round++) {
		sock = guard(variant);
		ASSERT_LE(0, sock);
		ASSERT_TRUE(crowd_start(&crowd, NR_RACERS, do_open, FILE_PATH));
		for (i = 0; i < NR_RACERS; i++) {
			ASSERT_EQ(0, next_event(sock, &self->st, &ev[i]));
			close_event(&ev[i]);
		}
		/* Whoever is last, the child or the test, ends it. */
		child = fork();
		if (!child) {
			given = 0;
			for (i = 0; i < round * 4; i++) {
				ret = answer(sock, ev[i].cookie,
					     variant->fails->opposite);
				if (ret && ret != -ENOENT)
					_exit(255);
				given += !ret;
			}
			_exit(given);
		}
		for (i = round * 3; i >= 0; i--) {
			ret = answer(sock, ev[i].cookie, variant->fails->opposite);
			ASSERT_TRUE(!ret || ret == -ENOENT);
			/* Counts what the child does not. */
			ev[i].mask = ret;
		}
		ASSERT_EQ(0, close(sock));
		given = exit_status(child);
		ASSERT_LE(0, given);
		for (i = 0; i <= round * 3; i++)
			given += !ev[i].mask;
		EXPECT_EQ(given, crowd_count(&crowd, NR_RACERS,
					     variant->fails->opposite_verdict));
		EXPECT_EQ(0, crowd_end(&crowd));
	}
}

TEST_HARNESS_MAIN
