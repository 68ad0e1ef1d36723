// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY stress: many listeners, marks, files and mounts at random, and
 * nothing is left of them in the end.
 *
 *	stress_run SECONDS [SEED]
 *
 * Runs as root, where nobody else listens. Workers do what they like for so
 * long, some are killed, and then all of it is taken down and checked. How it
 * fares goes to stderr, the result to stdout. Exit status: 0 all is well; 1 a
 * check failed, stderr names it; 2 wrong arguments.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "stress.h"

#define MAX_SECONDS	86400
/* Whoever takes longer than that to end hangs. */
#define END_MS		100000
/* From so long a run on, everything must have come about. */
#define LONG_RUN	60

const struct kind kinds[] = {
	{ "reader", listener_ops, 0, 3, true },
	{ "slow reader", listener_ops, 1, 2, true },
	{ "deaf listener", listener_ops, 2, 2, true },
	{ "program", file_ops, 0, 4 },
	{ "mounter", mount_ops, 0, NR_MOUNTERS },
};

const unsigned int nr_kinds = ARRAY_SIZE(kinds);

struct report *reports;
unsigned int nr_workers;

static unsigned long long seed;
static unsigned int seconds;
static long long deadline;
static int sockets[2];
static unsigned int kills;

void check_failed(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "stress: FAILED: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nstress: again with: stress_run %u %llu\n", seconds,
		seed);
	exit(1);
}

/* "reader 2 (life 1, step 345, rebind)" */
static const char *describe(const struct report *report)
{
	const struct kind *kind = &kinds[report->kind];
	static char text[128];

	snprintf(text, sizeof(text), "%s %u (life %u, step %lu, %s)",
		 kind->name, report->number, report->life, report->step,
		 kind->ops[report->op].name);
	return text;
}

void worker_failed(struct worker *w, const char *fmt, ...)
{
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	fprintf(stderr, "stress: %s: %s\n", describe(w->report), what);
	_exit(1);
}

static void seed_step(struct worker *w)
{
	const struct report *report = w->report;
	const unsigned long values[] = {
		report->kind, report->number, report->life, report->step,
	};
	size_t i;

	w->random = seed;
	for (i = 0; i < ARRAY_SIZE(values); i++)
		w->random = (w->random ^ values[i]) * 0xff51afd7ed558ccd +
			    (below(w, 1 << 31) ^ w->random >> 29);
}

static unsigned int random_op(struct worker *w, const struct kind *kind)
{
	const struct op *ops = kind->ops;
	unsigned int sum = 0, i;

	for (i = 0; ops[i].name; i++)
		sum += ops[i].weights[kind->variant];
	sum = below(w, sum);
	for (i = 0; sum >= ops[i].weights[kind->variant]; i++)
		sum -= ops[i].weights[kind->variant];
	return i;
}

static void do_step(struct worker *w)
{
	struct report *report = w->report;
	const struct op *op;
	int ret, i;

	seed_step(w);
	report->op = random_op(w, &kinds[report->kind]);
	op = &kinds[report->kind].ops[report->op];
	ret = op->run(w);
	if (ret >= 0) {
		report->done[report->op]++;
		return;
	}
	for (i = 0; i < MAX_REFUSALS && op->refusals[i] != -ret; i++)
		;
	if (i == MAX_REFUSALS)
		worker_failed(w, "unexpected: %s", strerror(-ret));
	report->refused[report->op]++;
}

static void start_worker(struct report *report)
{
	struct worker w = {
		.report = report,
		.give = sockets[0],
		.take = sockets[1],
	};
	pid_t self = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		check_failed("fork: %m");
	if (pid) {
		report->pid = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != self)
		_exit(1);
	for (report->step = 0; now_ms() < deadline; report->step++)
		do_step(&w);
	_exit(0);
}

/* Whoever was killed starts again, with other random numbers. */
static void worker_ended(struct report *report, int status, bool was_killed)
{
	bool over = now_ms() >= deadline;

	report->pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status) && over)
		return;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL || !was_killed)
		check_failed("%s ended with status %#x", describe(report),
			     status);
	report->life++;
	if (!over)
		start_worker(report);
}

/* Workers, and what the killed ones have left. True if there are more. */
static bool reap(bool *killed)
{
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < nr_workers && reports[i].pid != pid; i++)
			;
		if (i == nr_workers)
			continue;
		worker_ended(&reports[i], status, killed[i]);
		killed[i] = false;
	}
	return !pid;
}

static void kill_one(struct worker *w, bool *killed)
{
	unsigned int i = below(w, nr_workers);

	if (!kinds[reports[i].kind].is_killed || killed[i])
		return;
	killed[i] = true;
	kills++;
	kill(reports[i].pid, SIGKILL);
}

static unsigned long total(bool done)
{
	unsigned long sum = 0;
	unsigned int i, op;

	for (i = 0; i < nr_workers; i++)
		for (op = 0; op < MAX_OPS; op++)
			sum += done ? reports[i].done[op] :
				      reports[i].refused[op];
	return sum;
}

static void show_progress(void)
{
	fprintf(stderr,
		"stress: %3lld of %u s: %lu operations, %lu more were refused, %u listeners killed\n",
		seconds - (deadline - now_ms()) / 1000, seconds, total(true),
		total(false), kills);
}

static void run_workers(void)
{
	long long next_kill = 0, next_show, interval;
	struct worker self = { .random = seed };
	bool killed[MAX_WORKERS] = {};
	unsigned int i;

	interval = seconds < 100 ? 5000 : seconds * 50;
	deadline = now_ms() + seconds * 1000LL;
	next_show = now_ms() + interval;
	for (i = 0; i < nr_workers; i++)
		start_worker(&reports[i]);

	while (now_ms() < deadline) {
		usleep(20000);
		reap(killed);
		if (now_ms() > next_kill) {
			kill_one(&self, killed);
			next_kill = now_ms() + below(&self, 1000);
		}
		if (now_ms() > next_show) {
			show_progress();
			next_show += interval;
		}
	}
	while (reap(killed)) {
		usleep(20000);
		if (now_ms() < deadline + END_MS)
			continue;
		for (i = 0; i < nr_workers - 1 && !reports[i].pid; i++)
			;
		check_failed("%s does not end", describe(&reports[i]));
	}
	show_progress();
}

static void prepare_reports(void)
{
	unsigned int i, kind;

	reports = mmap(NULL, MAX_WORKERS * sizeof(*reports),
		       PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		       0);
	if (reports == MAP_FAILED)
		check_failed("mmap: %m");
	for (kind = 0; kind < nr_kinds; kind++) {
		for (i = 0; i < kinds[kind].count; i++) {
			reports[nr_workers].kind = kind;
			reports[nr_workers++].number = i;
		}
	}
}

static void prepare_workers(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		check_failed("socketpair: %m");
	/* What a killed listener leaves behind is reaped here. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGIO, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* What came about, by kind and operation: all of it, in a long run. */
static void show_operations(void)
{
	const char *missing = NULL;
	unsigned int kind, op, i;

	for (kind = 0; kind < nr_kinds; kind++) {
		const struct op *ops = kinds[kind].ops;

		printf("     %u * %s:", kinds[kind].count, kinds[kind].name);
		for (op = 0; ops[op].name; op++) {
			unsigned long done = 0, refused = 0;

			if (!ops[op].weights[kinds[kind].variant])
				continue;
			for (i = 0; i < nr_workers; i++) {
				if (reports[i].kind != kind)
					continue;
				done += reports[i].done[op];
				refused += reports[i].refused[op];
			}
			printf(" %s %lu", ops[op].name, done);
			if (refused)
				printf("(+%lu)", refused);
			if (!done)
				missing = ops[op].name;
		}
		printf("\n");
	}
	if (missing && seconds >= LONG_RUN)
		check_failed("\"%s\" never came about", missing);
}

int main(int argc, char **argv)
{
	char *rest = NULL;

	if (argc == 2 || argc == 3)
		seconds = strtoul(argv[1], &rest, 10);
	if (!rest || *rest || seconds < 1 || seconds > MAX_SECONDS) {
		fprintf(stderr, "Usage: stress_run SECONDS [SEED]\n");
		return 2;
	}
	if (argc == 3)
		seed = strtoull(argv[2], NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		check_failed("getrandom: %m");
	fprintf(stderr, "stress: %u seconds with seed %llu\n", seconds, seed);

	/* What stays comes first: shared memory, a file to the kernel; mounts. */
	prepare_reports();
	mounts_unshare();
	verify_before();
	prepare_workers();
	mounts_setup();
	run_workers();
	show_operations();
	printf("ok   all workers ended as expected, %u of them killed\n",
	       kills);

	close(sockets[0]);
	close(sockets[1]);
	mounts_teardown();
	printf("ok   all file systems were unmounted\n");
	verify_after();
	printf("all is well: %lu operations, %lu more were refused, seed %llu\n",
	       total(true), total(false), seed);
	return 0;
}
