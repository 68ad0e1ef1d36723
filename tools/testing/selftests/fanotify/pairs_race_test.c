// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY tests: any two of the things that can happen to a group, at once
 *
 * In each round there is a new group, on a file system of its own, with one
 * member or two, with notifications that nobody has read and with tasks that
 * wait. Two threads on two CPUs do one thing each. How long one of them holds
 * back is found out by looking which of them came first, and is spread a little,
 * so that they meet in every way. Then what is left is settled, and it must all
 * add up: each task has got the one verdict that it can have got, each event was
 * read once, and each call has returned what it may.
 */

#define _GNU_SOURCE
#include "left.h"
#include "marks.h"
#include "rounds.h"
#include "scene.h"

/* For how long a test goes on, and how often at least, and at most */
#define RACE_MS 1200
#define MIN_ROUNDS 16
#define MAX_ROUNDS 400

/* The shortest timeout; jiffies make more of it. */
#define TIMEOUT_MS 1

/* So many groups are brought close to their eviction at a time. */
#define BATCH 16

/* The farthest that the threads are kept apart, and the least spread */
#define MAX_LEAD_NS 100000000LL
#define LEAST_SPREAD_NS 4000LL

/* Events that one read can take */
#define MAX_EVENTS 4

enum act { READ, ANSWER, CLOSE, JOIN, MARK, EVICT, TIMEOUT, KILL, UNMOUNT };

/**
 * struct racer - a thread
 *
 * @race: What it takes part in.
 * @nr: 0 or 1.
 * @act: What it does.
 * @wait_ns: How long it holds back.
 * @ret: What its call returned, or -errno.
 * @removed: What the second call did, which removes the mark.
 * @at: When it was through, in nanoseconds.
 * @evs: The events that it has read.
 * @nr_evs: How many.
 * @thread: The thread.
 */
struct racer {
	struct race *race;
	int nr;
	enum act act;
	long long wait_ns;
	long ret;
	long removed;
	long long at;
	struct fanotify_so_event_metadata evs[MAX_EVENTS + 1];
	int nr_evs;
	pthread_t thread;
};

/**
 * struct race - what they share
 *
 * @round: Which round it is.
 * @scene: That of the round.
 * @tasks: Those who ask.
 * @racers: The threads.
 * @start: Where they wait for a round.
 * @end: Where their end is waited for.
 * @here: How many are ready in this round, or were in earlier ones.
 * @over: There is no further round.
 * @lead: How long the second is to start after the first, in nanoseconds.
 * @tick: From one tick to the next, if times run out; else 0.
 * @phase: When there was a tick, likewise.
 * @seed: Of the spread.
 * @first: How often the first came first.
 * @answered: How often there was an answer in the race.
 * @evicted: How often a member was evicted.
 */
struct race {
	int round;
	struct scene *scene;
	struct task tasks[2];
	struct racer racers[2];
	pthread_barrier_t start;
	pthread_barrier_t end;
	int here;
	bool over;
	long long lead;
	long long tick;
	long long phase;
	unsigned int seed;
	int first;
	int answered;
	int evicted;
};

FIXTURE(pair)
{
	struct race race;
	struct scene scenes[BATCH];
};

FIXTURE_VARIANT(pair) {
	enum act acts[2];
};

#define PAIR(a, b) \
	FIXTURE_VARIANT_ADD(pair, a##_and_##b) { .acts = { a, b } }

PAIR(READ, READ);
PAIR(READ, ANSWER);
PAIR(READ, CLOSE);
PAIR(READ, JOIN);
PAIR(READ, MARK);
PAIR(READ, EVICT);
PAIR(READ, TIMEOUT);
PAIR(READ, KILL);
PAIR(READ, UNMOUNT);
PAIR(ANSWER, ANSWER);
PAIR(ANSWER, CLOSE);
PAIR(ANSWER, JOIN);
PAIR(ANSWER, MARK);
PAIR(ANSWER, EVICT);
PAIR(ANSWER, TIMEOUT);
PAIR(ANSWER, KILL);
PAIR(ANSWER, UNMOUNT);
PAIR(CLOSE, CLOSE);
PAIR(CLOSE, JOIN);
PAIR(CLOSE, MARK);
PAIR(CLOSE, EVICT);
PAIR(CLOSE, TIMEOUT);
PAIR(CLOSE, KILL);
PAIR(CLOSE, UNMOUNT);
PAIR(JOIN, JOIN);
PAIR(JOIN, MARK);
PAIR(JOIN, EVICT);
PAIR(JOIN, TIMEOUT);
PAIR(JOIN, KILL);
PAIR(JOIN, UNMOUNT);
PAIR(MARK, MARK);
PAIR(MARK, EVICT);
PAIR(MARK, TIMEOUT);
PAIR(MARK, KILL);
PAIR(MARK, UNMOUNT);
PAIR(EVICT, EVICT);
PAIR(EVICT, TIMEOUT);
PAIR(EVICT, KILL);
PAIR(EVICT, UNMOUNT);
PAIR(TIMEOUT, TIMEOUT);
PAIR(TIMEOUT, KILL);
PAIR(TIMEOUT, UNMOUNT);
PAIR(KILL, KILL);
PAIR(KILL, UNMOUNT);
PAIR(UNMOUNT, UNMOUNT);

/* Is it a timeout that the thread brings about, by its own task? */
static bool runs_out(enum act act)
{
	return act == EVICT || act == TIMEOUT;
}

static bool has_act(const struct race *race, enum act act)
{
	return race->racers[0].act == act || race->racers[1].act == act;
}

/* The task that the racer has to do with */
static int task_of(const struct race *race, int nr)
{
	enum act act = race->racers[nr].act, other = race->racers[!nr].act;

	if (runs_out(act) || runs_out(other))
		return runs_out(act) ? nr : !nr;
	return act == other && (act == READ || act == KILL) ? nr : 0;
}

/* What the threads do */

static int sock_of(const struct racer *racer)
{
	const struct scene *scene = racer->race->scene;

	return scene->same ? 0 : racer->nr;
}

static void act_read(struct racer *racer)
{
	const struct scene *scene = racer->race->scene;
	size_t len = (racer->race->round & 1 ? 1 : MAX_EVENTS) *
		     sizeof(*racer->evs);

	racer->ret = result(recv(scene->socks[sock_of(racer)],
				 racer->evs + racer->nr_evs, len,
				 MSG_DONTWAIT));
	if (racer->ret > 0)
		racer->nr_evs += racer->ret / sizeof(*racer->evs);
}

/* The cookie of the last event that it has read, or 0 */
static __u64 last_cookie(const struct racer *racer)
{
	return racer->nr_evs ? racer->evs[racer->nr_evs - 1].cookie : 0;
}

/* What is asked only now has to be read before it can be answered. */
static void find_question(struct racer *racer)
{
	struct race *race = racer->race;
	int sock = race->scene->socks[sock_of(racer)];

	if (race->tick && !last_cookie(racer) && racer->nr_evs < MAX_EVENTS &&
	    take_event(sock, &racer->evs[racer->nr_evs]) == 1)
		racer->nr_evs++;
}

static void act_answer(struct racer *racer)
{
	struct race *race = racer->race;
	struct task *task = &race->tasks[task_of(race, racer->nr)];
	int sock = race->scene->socks[sock_of(racer)];
	__u32 response = race->scene->policy->opposite;
	__u64 cookie = race->tick ? last_cookie(racer) : task->cookie;

	if (!cookie)
		racer->ret = -ENODATA;
	else if (race->round & 2)
		racer->ret = write_answer(sock, cookie, response);
	else
		racer->ret = answer(sock, cookie, response);
	if (!racer->ret)
		__atomic_add_fetch(&task->answers, 1, __ATOMIC_RELAXED);
}

static void act_close(struct racer *racer)
{
	struct scene *scene = racer->race->scene;

	racer->ret = result(close(scene->socks[sock_of(racer)]));
}

static void act_join(struct racer *racer)
{
	struct scene *scene = racer->race->scene;
	struct fanotify_addr addr = scene_address(scene);

	racer->ret = new_member(&addr);
	scene->socks[2 + racer->nr] = racer->ret;
}

static void act_mark(struct racer *racer)
{
	const struct scene *scene = racer->race->scene;
	const char *path = file_in(scene->dir, "marked");
	int sock = scene->socks[sock_of(racer)];

	racer->ret = mark_path(sock, path, scene->global ? 0 : FAN_CLOSE,
			       scene->global ? FAN_OPEN_PERM : 0);
	racer->removed = mark_path(sock, path, 0, 0);
}

static void act_time_out(struct racer *racer)
{
	struct race *race = racer->race;
	struct task *task = &race->tasks[racer->nr];

	/* It may have been killed before it began. */
	racer->ret = 0;
	if (!task_order(task, race->scene->dir, false, true))
		task->killed = true;
	else if (!task_wait(task))
		racer->ret = -ETIMEDOUT;
	if (!task->killed)
		racer->at = task->report.at;
}

static void act_kill(struct racer *racer)
{
	struct race *race = racer->race;

	racer->ret = result(kill(race->tasks[task_of(race, racer->nr)].pid,
				 SIGKILL));
}

static void act_unmount(struct racer *racer)
{
	const struct scene *scene = racer->race->scene;

	racer->ret = result(umount2(scene->dir, scene->lazy ? MNT_DETACH : 0));
}

static void (*const acts[])(struct racer *racer) = {
	[READ] = act_read,
	[ANSWER] = act_answer,
	[CLOSE] = act_close,
	[JOIN] = act_join,
	[MARK] = act_mark,
	[EVICT] = act_time_out,
	[TIMEOUT] = act_time_out,
	[KILL] = act_kill,
	[UNMOUNT] = act_unmount,
};

/*
 * At once; but a time that runs out does so when the timer ticks, and is hit
 * if it begins right after a tick.
 */
static long long next_start(const struct race *race)
{
	long long now = now_ns();

	if (!race->tick)
		return now;
	return now + race->tick - (now - race->phase) % race->tick;
}

static void *racer_main(void *arg)
{
	struct racer *racer = arg;
	struct race *race = racer->race;
	long long start;

	pin_to(racer->nr);
	for (;;) {
		pthread_barrier_wait(&race->start);
		if (race->over)
			return NULL;
		__atomic_add_fetch(&race->here, 1, __ATOMIC_ACQ_REL);
		while (__atomic_load_n(&race->here, __ATOMIC_ACQUIRE) <
		       2 * (race->round + 1))
			sched_yield();
		start = next_start(race);
		do {
			if (racer->act == ANSWER)
				find_question(racer);
		} while (now_ns() < start + racer->wait_ns);
		acts[racer->act](racer);
		racer->at = racer->at ?: now_ns();
		pthread_barrier_wait(&race->end);
	}
}

/* Before the race */

/* What the round of this number is about, but for the tasks */
static void make_scene(struct __test_metadata *_metadata,
		       const struct race *race, struct scene *scene, int nr,
		       int round)
{
	scene->nr = nr;
	scene->alone = round % 3 == 2;
	scene->same = round % 3;
	scene->lazy = round / 3 & 1;
	scene->policy = round / 6 & 1 ? &fails_closed : &fails_open;
	scene->timeout = race->tick ? TIMEOUT_MS : FAN_SO_MAX_TIMEOUT;
	/* A global one would be asked of what all others are. */
	scene->global = round / 2 & 1 && has_act(race, UNMOUNT) &&
			!has_act(race, EVICT);
	scene->marks = 2;
	scene->notes = 0;
	scene->notes_read = 0;
	memset(scene->evicted, 0, sizeof(scene->evicted));
	if (!scene->mounted)
		scene_mount(_metadata, scene);
	scene_bind(_metadata, scene);
}

/* Makes the scenes of some rounds. */
static void make_scenes(struct __test_metadata *_metadata, struct race *race,
			struct scene *scenes, int nr)
{
	pthread_t threads[BATCH];
	void *count;
	int i;

	for (i = 0; i < nr; i++)
		make_scene(_metadata, race, &scenes[i], i, race->round + i);
	if (!has_act(race, EVICT))
		return;
	for (i = 0; i < nr; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, scene_wear_out,
					    &scenes[i]));
	for (i = 0; i < nr; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], &count));
		ASSERT_EQ(FAN_SO_MAX_TIMEOUTS - 1, (long)count);
	}
}

/* Keeps account of an event that was read, whoever has read it. */
static void account_for(struct race *race,
			const struct fanotify_so_event_metadata *ev)
{
	int i;

	close_event(ev);
	if (ev->mask == FAN_OPEN)
		race->scene->notes_read++;
	for (i = 0; i < 2; i++) {
		if (!ev->cookie || ev->tgid != race->tasks[i].pid)
			continue;
		race->tasks[i].cookie = ev->cookie;
		race->tasks[i].reads++;
	}
}

static bool until_queued(int sock, int nr)
{
	long long end = now_ms() + WAIT_MS;
	int bytes = 0;

	do {
		if (ioctl(sock, FIONREAD, &bytes))
			return false;
		if (bytes == nr * FAN_SO_EVENT_LEN)
			return true;
		sched_yield();
	} while (now_ms() < end);
	return false;
}

static void note(struct __test_metadata *_metadata, struct race *race, int nr)
{
	ASSERT_TRUE(task_order(&race->tasks[nr], race->scene->dir,
			       true, false));
	ASSERT_TRUE(task_wait(&race->tasks[nr]));
	ASSERT_EQ(0, race->tasks[nr].report.noted);
	race->scene->notes++;
}

/* Has the tasks ask, and makes notifications; reads what is to be answered. */
static void prepare(struct __test_metadata *_metadata, struct race *race)
{
	struct scene *scene = race->scene;
	int reader = scene->socks[!scene->alone && race->round & 1], i;
	int asking = 1 << task_of(race, 0) | 1 << task_of(race, 1), queued = 0;
	bool late = race->tick;
	struct fanotify_so_event_metadata ev;

	/* What nobody needs is there in some rounds only. */
	if (!has_act(race, READ) && !has_act(race, ANSWER) &&
	    !has_act(race, KILL) && race->round & 4)
		asking = 0;
	for (i = 0; i < 2; i++) {
		struct task *task = &race->tasks[i];

		task->late = late;
		task->asked = false;
		task->killed = false;
		task->cookie = 0;
		task->reads = 0;
		task->answers = 0;
		task->report = (struct report){};
		if (!scene->global)
			note(_metadata, race, i);
		if (!late && asking & 1 << i) {
			ASSERT_TRUE(task_order(task, scene->dir, false,
					       true));
			queued++;
		}
	}
	ASSERT_TRUE(until_queued(reader, queued + scene->notes));
	if (late || !has_act(race, ANSWER))
		return;
	while (take_event(reader, &ev) == 1)
		account_for(race, &ev);
	ASSERT_NE(0, race->tasks[0].cookie);
	if (!scene->global)
		note(_metadata, race, 1);
}

/* After the race */

/* May the call have returned this? */
static bool is_documented(const struct racer *racer, enum act other, bool same,
			  bool lazy)
{
	long ret = racer->ret;

	if (same && other == CLOSE && racer->act != JOIN &&
	    (ret == -EBADF || ret == -ENOTSOCK))
		return true;
	switch (racer->act) {
	case READ:
		return ret == -EAGAIN ||
		       (ret > 0 && ret % FAN_SO_EVENT_LEN == 0) ||
		       (other == EVICT && (!ret || ret == -ETIMEDOUT));
	case ANSWER:
		/* The question may have been over, or not have been read. */
		if (ret == -ENOENT)
			return other == ANSWER || other == EVICT ||
			       other == TIMEOUT || other == KILL;
		return !ret || (ret == -ENODATA && runs_out(other)) ||
		       (ret == -ESHUTDOWN && other == EVICT);
	case JOIN:
		return ret >= 0;
	case MARK:
		return !ret || (ret == -ESHUTDOWN && other == EVICT) ||
		       (ret == -ENOENT && other == UNMOUNT);
	case UNMOUNT:
		return !ret || (ret == -EBUSY && !lazy) ||
		       (ret == -EINVAL && other == UNMOUNT);
	default:
		return !ret;
	}
}

/* And the one that removes the mark? */
static bool is_removed(const struct racer *racer, enum act other)
{
	return !racer->removed || racer->removed == racer->ret ||
	       (racer->removed == -ESHUTDOWN && other == EVICT) ||
	       (racer->removed == -ENOENT &&
		(other == MARK || other == UNMOUNT)) ||
	       ((racer->removed == -EBADF || racer->removed == -ENOTSOCK) &&
		other == CLOSE && racer->race->scene->same);
}

static void look_at_calls(struct __test_metadata *_metadata, struct race *race)
{
	struct scene *scene = race->scene;
	int i, n;

	for (i = 0; i < 2; i++) {
		struct racer *racer = &race->racers[i];
		enum act other = race->racers[!i].act;

		EXPECT_TRUE(is_documented(racer, other, scene->same,
					  scene->lazy))
			TH_LOG("round %d: call %d returned %ld", race->round, i,
			       racer->ret);
		if (racer->act == MARK)
			EXPECT_TRUE(is_removed(racer, other))
				TH_LOG("round %d: call %d returned %ld, and %ld",
				       race->round, i, racer->ret,
				       racer->removed);
		for (n = 0; n < racer->nr_evs; n++)
			account_for(race, &racer->evs[n]);
		/* It was closed before it could remove what it had set. */
		scene->marks += racer->act == MARK && !racer->ret &&
				(racer->removed == -EBADF ||
				 racer->removed == -ENOTSOCK);
		race->answered += racer->act == ANSWER && !racer->ret;
		if (racer->act == CLOSE && !racer->ret)
			scene->socks[sock_of(racer)] = -1;
		if (racer->act == UNMOUNT && !racer->ret)
			scene->mounted = false;
	}
	for (i = 0; i < 2 && has_act(race, EVICT); i++) {
		if (scene->socks[i] < 0)
			continue;
		scene->evicted[i] = is_evicted(scene->socks[i]);
		race->evicted += scene->evicted[i];
	}
}

/* Reads and answers what there is. */
static void settle_some(struct race *race, int sock)
{
	struct fanotify_so_event_metadata ev;
	int i;

	while (take_event(sock, &ev) == 1)
		account_for(race, &ev);
	for (i = 0; i < 2; i++) {
		struct task *task = &race->tasks[i];

		if (task->asking && task->cookie)
			task->answers += !answer(sock, task->cookie,
						 race->scene->policy->opposite);
	}
}

/* Until nobody waits any more */
static void settle(struct __test_metadata *_metadata, struct race *race)
{
	const struct scene *scene = race->scene;
	int i;

	for (i = 0; i < 2; i++) {
		struct task *task = &race->tasks[i];

		while (task->asking) {
			struct pollfd pfds[NR_SOCKS + 1] = {
				{ .fd = task->done, .events = POLLIN },
			};
			int n;

			for (n = 0; n < NR_SOCKS; n++) {
				if (scene->socks[n] >= 0)
					settle_some(race, scene->socks[n]);
				pfds[n + 1].fd = scene->socks[n];
				pfds[n + 1].events = POLLIN;
			}
			ASSERT_LT(0, poll(pfds, NR_SOCKS + 1, WAIT_MS));
			if (pfds[0].revents)
				ASSERT_TRUE(task_wait(task));
		}
	}
	for (i = 0; i < NR_SOCKS; i++)
		if (scene->socks[i] >= 0)
			settle_some(race, scene->socks[i]);
}

/* Has each task got what it can have got? */
static void look_at_tasks(struct __test_metadata *_metadata, struct race *race)
{
	const struct policy *policy = race->scene->policy;
	bool leaves = has_act(race, CLOSE) || has_act(race, EVICT);
	int i;

	for (i = 0; i < 2; i++) {
		struct task *task = &race->tasks[i];
		long ret = task->report.asked;
		bool unasked = task->late && !task->answers &&
			       ((!ret && has_act(race, CLOSE)) ||
				(ret == -ENOENT && has_act(race, UNMOUNT)));

		EXPECT_GE(1, task->answers);
		/* Once, but for what comes back from a member that is gone. */
		EXPECT_TRUE(task->reads <= 1 || leaves)
			TH_LOG("round %d: task %d: read %d times", race->round,
			       i, task->reads);
		if (!task->asked || task->killed || unasked)
			continue;
		EXPECT_EQ(task->answers ? policy->opposite_verdict :
					  policy->verdict, ret)
			TH_LOG("round %d: task %d: %d answers", race->round, i,
			       task->answers);
	}
}

/* Those who were killed have died, and get successors. */
static void replace_tasks(struct __test_metadata *_metadata, struct race *race)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct task *task = &race->tasks[task_of(race, i)];

		if (race->racers[i].act != KILL)
			continue;
		EXPECT_EQ(-SIGKILL, task_end(task));
		ASSERT_TRUE(task_start(task, task_of(race, i)));
	}
}

/* A member that was there from the beginning, and still hears; -1 if none */
static int old_member(const struct scene *scene)
{
	int i;

	for (i = 0; i < 2; i++)
		if (scene->socks[i] >= 0 && !scene->evicted[i])
			return scene->socks[i];
	return -1;
}

static int until_all_marks(int sock, int nr)
{
	long long end = now_ms() + WAIT_MS;
	int n;

	do {
		n = all_marks(sock);
	} while (n != nr && now_ms() < end);
	return n;
}

/* Has the group what it should have? */
static void look_at_group(struct __test_metadata *_metadata, struct race *race)
{
	const struct scene *scene = race->scene;
	int sock = old_member(scene), marks = scene->mounted ? scene->marks : 0;

	EXPECT_GE(scene->notes, scene->notes_read);
	if (sock < 0)
		return;
	EXPECT_EQ(scene->notes, scene->notes_read)
		TH_LOG("round %d", race->round);
	if (!scene->global)
		EXPECT_EQ(marks, until_all_marks(sock, marks))
			TH_LOG("round %d", race->round);
}

/* Which of them was first? The next time it is to be less so. */
static void steer(struct race *race)
{
	const struct racer *racers = race->racers;
	long long spread, by;

	race->first += racers[0].at < racers[1].at;
	if (race->tick)
		race->phase = racers[!runs_out(racers[0].act)].at;
	race->lead += (racers[0].at - racers[1].at) / 2;
	if (race->lead > MAX_LEAD_NS)
		race->lead = MAX_LEAD_NS;
	if (race->lead < -MAX_LEAD_NS)
		race->lead = -MAX_LEAD_NS;
	spread = LEAST_SPREAD_NS << rand_r(&race->seed) % 6;
	by = race->lead + rand_r(&race->seed) % (2 * spread) - spread;
	race->racers[0].wait_ns = by < 0 ? -by : 0;
	race->racers[1].wait_ns = by > 0 ? by : 0;
}

static void run_round(struct __test_metadata *_metadata, struct race *race)
{
	struct scene *scene = race->scene;
	int i;

	prepare(_metadata, race);
	for (i = 0; i < 2; i++) {
		race->racers[i].at = 0;
		race->racers[i].nr_evs = 0;
	}
	pthread_barrier_wait(&race->start);
	pthread_barrier_wait(&race->end);
	look_at_calls(_metadata, race);
	settle(_metadata, race);
	look_at_tasks(_metadata, race);
	look_at_group(_metadata, race);
	replace_tasks(_metadata, race);
	scene_close(_metadata, scene);
	if (has_act(race, UNMOUNT))
		scene_unmount(_metadata, scene);
	steer(race);
	race->round++;
}

FIXTURE_SETUP(pair)
{
	struct race *race = &self->race;
	struct timespec tick;
	char dir[32];
	int i;

	signal(SIGPIPE, SIG_IGN);
	private_tmp(_metadata);
	for (i = 0; i < BATCH; i++) {
		snprintf(dir, sizeof(dir), TMP "/%d", i);
		ASSERT_EQ(0, mkdir(dir, 0755));
	}
	ASSERT_EQ(0, pthread_barrier_init(&race->start, NULL, 3));
	ASSERT_EQ(0, pthread_barrier_init(&race->end, NULL, 3));
	race->seed = 1;
	ASSERT_EQ(0, clock_getres(CLOCK_MONOTONIC_COARSE, &tick));
	if (runs_out(variant->acts[0]) || runs_out(variant->acts[1]))
		race->tick = tick.tv_nsec;
	for (i = 0; i < 2; i++) {
		struct racer *racer = &race->racers[i];

		ASSERT_TRUE(task_start(&race->tasks[i], i));
		racer->race = race;
		racer->nr = i;
		racer->act = variant->acts[i];
		ASSERT_EQ(0, pthread_create(&racer->thread, NULL, racer_main,
					    racer));
	}
}

FIXTURE_TEARDOWN(pair) {}

TEST_F(pair, at_once)
{
	struct race *race = &self->race;
	int batch = has_act(race, EVICT) ? BATCH : 1, i;
	long long end = now_ms() + RACE_MS;

	while (race->round < MIN_ROUNDS ||
	       (race->round < MAX_ROUNDS && now_ms() < end)) {
		make_scenes(_metadata, race, self->scenes, batch);
		for (i = 0; i < batch; i++) {
			race->scene = &self->scenes[i];
			run_round(_metadata, race);
		}
	}
	race->over = true;
	pthread_barrier_wait(&race->start);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(race->racers[i].thread, NULL));
		EXPECT_EQ(0, task_end(&race->tasks[i]));
	}
	TH_LOG("%d rounds: %d times the first came first, %d answers, %d evicted",
	       race->round, race->first, race->answered, race->evicted);
	EXPECT_EQ(has_act(race, ANSWER), !!race->answered);
	EXPECT_EQ(has_act(race, EVICT), !!race->evicted);
	for (i = 0; i < BATCH; i++)
		scene_unmount(_metadata, &self->scenes[i]);
	EXPECT_EQ(0, left_sockets());
	EXPECT_EQ(LEFT_MARKS, left_room(TMP, now_ms() + WAIT_MS));
	EXPECT_EQ(0, left_no_group(now_ms() + WAIT_MS));
}

TEST_HARNESS_MAIN
