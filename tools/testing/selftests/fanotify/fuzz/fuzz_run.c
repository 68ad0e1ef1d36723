// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: a random caller of the whole interface
 *
 * fuzz_run [CALLS [SEED]] has some workers make calls until there are enough,
 * starts those anew that end or are killed, and checks that nothing is left.
 * What is found is told with the last steps of all, and the seed.
 *
 * Best in a kernel with KASAN, lockdep, kmemleak and fault injection, such as
 * that of qemu/debug.config: whether that one complains is told by the guest.
 *
 * Exits with 0 if all is well, 1 if not, 2 for wrong arguments.
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include "fuzz.h"

#define DEFAULT_CALLS	1000000
/* From so many on, everything must have come about. */
#define LONG_RUN	200000
/* Whoever makes no step for so long is killed, */
#define STALL_MS	15000
/* and is to be gone after this. */
#define DEATH_MS	100000
#define SHOW_MS		10000
#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_USERCOPY	"/sys/kernel/debug/fail_usercopy/"

struct shared *shared;
unsigned long long seed;
int common_sockets[NR_COMMON];
int pass_sockets[2];

/**
 * struct child - what the parent knows of a worker
 *
 * @pid: Its process, or 0.
 * @life: How often it was started.
 * @step: Of each task, the last time that it moved,
 * @moved: and when that was.
 * @killed: When it was killed for making no step, or 0.
 */
static struct child {
	pid_t pid;
	unsigned int life;
	unsigned int step[NR_TASKS];
	long long moved[NR_TASKS];
	long long killed;
} children[NR_WORKERS];

static unsigned long calls = DEFAULT_CALLS;
static unsigned int kills, stalls;
static long long began;
/* What is open needs nobody's permission. */
static int sysrq;

static void show_last(unsigned int worker, unsigned int number)
{
	struct record *record = &shared->records[worker][number];
	unsigned int i;

	fprintf(stderr, "fuzz: worker %u.%u, life %u, pid %d, step %u:", worker,
		number, children[worker].life, record->pid, record->step);
	for (i = 1; i <= NR_LAST; i++) {
		struct step *step = &record->last[(record->step + i) % NR_LAST];

		if (!step->over && !step->number)
			continue;
		fprintf(stderr, " %u %s(%d", step->number,
			call_of(step->call)->name, step->fd);
		if (step->nth)
			fprintf(stderr, ", nth %u", step->nth);
		if (step->over)
			fprintf(stderr, ")=%ld", step->ret);
		else
			fprintf(stderr, "...");
	}
	fprintf(stderr, "\n");
}

void check_failed(const char *fmt, ...)
{
	unsigned int worker, number;
	va_list args;

	fflush(stdout);
	fprintf(stderr, "fuzz: FAILED: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\n");
	for (worker = 0; shared && worker < NR_WORKERS; worker++)
		for (number = 0; number < NR_TASKS; number++)
			show_last(worker, number);
	fprintf(stderr, "fuzz: again with: fuzz_run %lu %llu\n", calls, seed);
	exit(1);
}

static unsigned long total(const unsigned long *counts)
{
	unsigned long sum = 0;
	unsigned int i;

	for (i = 0; i < MAX_CALLS; i++)
		sum += counts[i];
	return sum;
}

static unsigned long all_calls(void)
{
	return total(shared->done) + total(shared->failed);
}

/* New ones now and then, for they are shut down and evicted, and bound. */
static void renew_common(unsigned int i)
{
	if (common_sockets[i] > 0)
		close(common_sockets[i]);
	common_sockets[i] = new_socket();
	if (common_sockets[i] < 0)
		check_failed("socket: %s", strerror(-common_sockets[i]));
}

static void start_worker(unsigned int worker)
{
	struct child *child = &children[worker];
	pid_t self = getpid(), pid;
	unsigned int i;

	if (child->life % 4 == 3)
		renew_common((worker + child->life) % NR_COMMON);
	memset(shared->records[worker], 0, sizeof(shared->records[worker]));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		check_failed("fork: %m");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(1);
		worker_run(worker, child->life);
	}
	child->pid = pid;
	child->killed = 0;
	for (i = 0; i < NR_TASKS; i++)
		child->moved[i] = now_ms();
}

static void worker_ended(unsigned int worker, int status)
{
	struct child *child = &children[worker];

	child->pid = 0;
	if (*shared->finding)
		check_failed("%s", shared->finding);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		kills++;
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		check_failed("worker %u, life %u, ended with status %#x",
			     worker, child->life, status);
	child->life++;
	if (!shared->stop)
		start_worker(worker);
}

/* Workers, and what the killed ones have left. False if there are none. */
static bool reap(void)
{
	unsigned int i;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < NR_WORKERS && children[i].pid != pid; i++)
			;
		if (i < NR_WORKERS)
			worker_ended(i, status);
	}
	if (*shared->finding)
		check_failed("%s", shared->finding);
	return !pid;
}

/* Does it go on? */
static void look_at(unsigned int worker, unsigned int number)
{
	struct record *record = &shared->records[worker][number];
	struct child *child = &children[worker];
	pid_t pid = record->pid;

	if (!pid || record->step != child->step[number]) {
		child->step[number] = record->step;
		child->moved[number] = now_ms();
		return;
	}
	if (now_ms() < child->moved[number] + STALL_MS)
		return;
	child->moved[number] = now_ms();
	stalls++;
	show_last(worker, number);
	kill(pid, SIGKILL);
	if (number != TASK_CHILD)
		child->killed = child->killed ?: now_ms();
	else
		record->pid = 0;
}

/* The console tells who sleeps where. */
static void show_tasks(void)
{
	if (write(sysrq, "t", 1) != 1)
		fprintf(stderr, "fuzz: sysrq: %m\n");
}

static void look_after(void)
{
	unsigned int worker, number;

	for (worker = 0; worker < NR_WORKERS; worker++) {
		for (number = 0; number < NR_TASKS; number++)
			look_at(worker, number);
		if (children[worker].killed &&
		    now_ms() > children[worker].killed + DEATH_MS) {
			show_tasks();
			check_failed("worker %u was killed, and does not end",
				     worker);
		}
	}
}

static void show_progress(void)
{
	unsigned long all = all_calls();

	fprintf(stderr,
		"fuzz: %lu of %lu calls in %lld s, %lu came about; %u killed, %u stalled\n",
		all, calls, (now_ms() - began) / 1000, total(shared->done),
		kills, stalls);
}

static void run_workers(void)
{
	long long next_show = now_ms() + SHOW_MS, end;
	unsigned int i;

	for (i = 0; i < NR_COMMON; i++)
		renew_common(i);
	for (i = 0; i < NR_WORKERS; i++)
		start_worker(i);
	while (all_calls() < calls) {
		usleep(20000);
		reap();
		look_after();
		if (now_ms() > next_show) {
			show_progress();
			next_show += SHOW_MS;
		}
	}
	shared->stop = true;
	end = now_ms() + STALL_MS + DEATH_MS;
	while (reap()) {
		usleep(20000);
		look_after();
		if (now_ms() < end)
			continue;
		show_tasks();
		check_failed("there are processes that do not end");
	}
	show_progress();
	for (i = 0; i < NR_COMMON; i++)
		close(common_sockets[i]);
	close(pass_sockets[0]);
	close(pass_sockets[1]);
}

/* Where memory that is worth waiting for may run out, too */
static void prepare_faults(void)
{
	static const char *const knobs[][2] = {
		{ FAILSLAB "ignore-gfp-wait", "N" },
		{ FAILSLAB "verbose", "0" },
		{ FAIL_USERCOPY "verbose", "0" },
	};
	unsigned int i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		fd = open(knobs[i][0], O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, knobs[i][1], 1) != 1)
			check_failed("%s: %m", knobs[i][0]);
		close(fd);
	}
	printf("     memory and copies %s\n",
	       access("/proc/thread-self/fail-nth", F_OK) ?
	       "never fail: the kernel has no fault injection" :
	       "are made to fail");
}

static void prepare(void)
{
	static const int ignored[] = { SIGIO, SIGPIPE, SIGUSR1 };
	unsigned int i;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		check_failed("mmap: %m");
	if (nr_calls() > MAX_CALLS)
		check_failed("MAX_CALLS is too low");
	sysrq = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pass_sockets))
		check_failed("socketpair: %m");
	/* What a killed worker leaves behind is reaped here. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
}

/* Why it failed: the most frequent reasons */
static void show_errnos(const unsigned int *errnos)
{
	unsigned int counts[MAX_ERRNOS], i, n, most;

	memcpy(counts, errnos, sizeof(counts));
	for (n = 0; n < 5; n++) {
		for (most = 0, i = 1; i < MAX_ERRNOS; i++)
			if (counts[i] > counts[most])
				most = i;
		if (!most)
			break;
		printf(" %s %u", strerrorname_np(most), counts[most]);
		counts[most] = 0;
	}
}

static void show_calls_made(void)
{
	const char *missing = NULL;
	unsigned int i;

	printf("     %-18s  came about      ms   failed, with\n", "");
	for (i = 0; i < nr_calls(); i++) {
		const struct call *call = call_of(i);

		printf("     %-18s %11lu %7lu %8lu ", call->name,
		       shared->done[i], shared->ms[i], shared->failed[i]);
		show_errnos(shared->errnos[i]);
		printf("\n");
		if (!shared->done[i] && !call->never)
			missing = call->name;
	}
	if (missing && calls >= LONG_RUN)
		check_failed("\"%s\" never came about", missing);
}

int main(int argc, char **argv)
{
	char *rest = "";

	if (argc > 1)
		calls = strtoul(argv[1], &rest, 10);
	if (argc > 3 || *rest || !calls) {
		fprintf(stderr, "Usage: fuzz_run [CALLS [SEED]]\n");
		return 2;
	}
	if (argc == 3)
		seed = strtoull(argv[2], NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		check_failed("getrandom: %m");
	fprintf(stderr, "fuzz: %lu calls with seed %llu\n", calls, seed);

	began = now_ms();
	left_before();
	prepare_faults();
	prepare();
	mounts_prepare();
	run_workers();
	show_calls_made();
	left_after();
	mounts_remove();
	printf("ok   all file systems were unmounted\n");
	printf("all is well: %lu calls, %lu came about, seed %llu\n",
	       all_calls(), total(shared->done), seed);
	return 0;
}
