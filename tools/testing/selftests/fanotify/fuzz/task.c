// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: the tasks of a worker, and their steps
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "fuzz.h"

/* How often what can be interrupted is, until it is over */
#define TICK_NS		10000000
#define MAX_FDS		300

static const struct call *const tables[] = {
	socket_calls, option_calls, read_calls, answer_calls, wait_calls,
	pass_calls, ring_calls, file_calls, mount_calls, process_calls,
	show_calls,
};

/* By index, counted through all tables; NULL past the last one. */
const struct call *call_of(unsigned int index)
{
	const struct call *call;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (call = tables[i]; call->name; call++)
			if (!index--)
				return call;
	return NULL;
}

unsigned int nr_calls(void)
{
	unsigned int nr = 0;

	while (call_of(nr))
		nr++;
	return nr;
}

static unsigned int random_call(struct task *t)
{
	unsigned int sum = 0, i;

	for (i = 0; call_of(i); i++)
		sum += call_of(i)->weight;
	sum = below(t, sum);
	for (i = 0; sum >= call_of(i)->weight; i++)
		sum -= call_of(i)->weight;
	return i;
}

static struct step *this_step(struct task *t)
{
	return &t->record->last[t->record->step % NR_LAST];
}

void found(struct task *t, const char *fmt, ...)
{
	char what[256], text[sizeof(shared->finding)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	snprintf(text, sizeof(text), "worker %u.%u, life %u, step %u, %s: %s",
		 t->worker, t->number, t->life, t->record->step,
		 call_of(this_step(t)->call)->name, what);
	/* One is enough. */
	if (!*shared->finding)
		memcpy(shared->finding, text, sizeof(text));
	_exit(1);
}

/* The next call can be interrupted, and is to be. */
void impatient(struct task *t)
{
	t->ticking = true;
}

static void tick(struct task *t, long ns)
{
	struct itimerspec every = {
		.it_interval.tv_nsec = ns,
		.it_value.tv_nsec = ns,
	};

	timer_settime(t->timer, 0, &every, NULL);
}

/* Until it is taken, or set to 0, a chance to fail counts. */
static void set_nth(struct task *t, unsigned int nth)
{
	char text[16];
	int len = sprintf(text, "%u", nth);

	/* What is left of the last one can hit this. */
	while (pwrite(t->nth, text, len, 0) != len && !nth)
		continue;
}

/* A signal whose frame cannot be written kills, so none comes with a fault. */
static void mask_signals(int how)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(how, &all, NULL);
}

bool has_fault(const struct task *t)
{
	return t->nth >= 0 && t->record->last[t->record->step % NR_LAST].nth;
}

void call_begins(struct task *t)
{
	if (has_fault(t)) {
		mask_signals(SIG_BLOCK);
		set_nth(t, this_step(t)->nth);
	} else if (t->ticking) {
		tick(t, TICK_NS);
	}
}

long call_ends(struct task *t, long ret)
{
	if (has_fault(t)) {
		set_nth(t, 0);
		mask_signals(SIG_UNBLOCK);
	} else if (t->ticking) {
		tick(t, 0);
	}
	t->ticking = false;
	return ret;
}

static void seed_step(struct task *t)
{
	const unsigned long values[] = {
		t->worker, t->number, t->life, t->record->step,
	};
	size_t i;

	t->random = seed;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		t->random = (t->random ^ values[i]) * 0xff51afd7ed558ccd +
			    (below(t, 1 << 31) ^ t->random >> 29);
}

static void check_errno(struct task *t, const struct call *call, long ret)
{
	struct step *step = this_step(t);

	if (!t->may_check)
		return;
	if (ret >= 0) {
		if (call->never)
			found(t, "returned %ld", ret);
		return;
	}
	if (t->allowed && !is_documented(t->allowed, -ret) &&
	    !(step->nth && is_of_fault(-ret)))
		found(t, "fd %d: %s, which the guide does not have", step->fd,
		      strerror(-ret));
}

static void count(unsigned int index, long ret, long long ms)
{
	__atomic_fetch_add(&shared->ms[index], ms, __ATOMIC_RELAXED);
	if (ret >= 0) {
		__atomic_fetch_add(&shared->done[index], 1, __ATOMIC_RELAXED);
		return;
	}
	__atomic_fetch_add(&shared->failed[index], 1, __ATOMIC_RELAXED);
	if (-ret < MAX_ERRNOS)
		__atomic_fetch_add(&shared->errnos[index][-ret], 1,
				   __ATOMIC_RELAXED);
}

static void do_step(struct task *t)
{
	struct step *step = this_step(t);
	const struct call *call;
	unsigned int index;
	long long began = now_ms();
	bool gives_up;
	long ret;

	seed_step(t);
	index = random_call(t);
	call = call_of(index);
	*step = (struct step){
		.number = t->record->step,
		.call = index,
		.nth = once_in(t, 4) ? 1 + below(t, 1 << below(t, 6)) : 0,
	};
	t->may_check = false;
	t->allowed = NULL;
	t->used = NULL;
	/* What is over, or never began, is of little use. */
	gives_up = !once_in(t, 3);
	ret = call->run(t);
	step->ret = ret;
	step->over = true;
	check_errno(t, call, ret);
	if (t->used && gives_up && (ret == -ENOTCONN || ret == -ESHUTDOWN))
		close_own(t->used);
	count(index, ret, now_ms() - began);
}

void task_run(struct task *t)
{
	for (; t->record->step < t->end && !shared->stop; t->record->step++)
		do_step(t);
}

static void interrupted(int sig)
{
	(void)sig;
}

/* What every thread has for itself */
void task_prepare(struct task *t)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGALRM,
		._sigev_un._tid = gettid(),
	};
	char name[16];

	sprintf(name, "fuzz %u.%u", t->worker, t->number);
	prctl(PR_SET_NAME, name);
	t->nth = open("/proc/thread-self/fail-nth", O_WRONLY | O_CLOEXEC);
	if (timer_create(CLOCK_MONOTONIC, &event, &t->timer))
		_exit(2);
	t->record->pid = t->number == TASK_CHILD ? t->record->pid : getpid();
}

static void get_arena(struct task *t)
{
	t->arena = mmap(NULL, ARENA + 2 * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t->arena == MAP_FAILED)
		_exit(2);
	t->readonly = t->arena + ARENA + PAGE;
	mprotect(t->arena + ARENA, PAGE, PROT_NONE);
	mprotect(t->readonly, PAGE, PROT_READ);
}

static void init_task(struct task *t, unsigned int worker, unsigned int number,
		      unsigned int life)
{
	*t = (struct task){
		.worker = worker,
		.number = number,
		.life = life,
		.record = &shared->records[worker][number],
	};
	t->record->step = 0;
	get_arena(t);
}

static void *thread_main(void *arg)
{
	struct task *t = arg;

	task_prepare(t);
	task_run(t);
	return NULL;
}

noreturn void worker_run(unsigned int worker, unsigned int life)
{
	struct sigaction action = { .sa_handler = interrupted };
	struct rlimit fds = { MAX_FDS, MAX_FDS };
	static struct task main_task, thread_task;
	struct task *t = &main_task;
	pthread_t thread;

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	setrlimit(RLIMIT_NOFILE, &fds);
	init_task(t, worker, TASK_MAIN, life);
	seed_step(t);
	t->end = 100 + below(t, 1500);
	task_prepare(t);
	if (worker % 2) {
		init_task(&thread_task, worker, TASK_THREAD, life);
		thread_task.end = UINT_MAX;
		thread_task.mate = t;
		t->mate = &thread_task;
		if (pthread_create(&thread, NULL, thread_main, &thread_task))
			_exit(2);
	}
	task_run(t);
	_exit(0);
}
