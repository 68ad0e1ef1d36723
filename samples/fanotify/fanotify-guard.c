// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-guard: an on-access scanner, which lets nobody open bad files.
 *
 * A guard to use, and to copy from. In short: socket(), bind() with a mask of
 * permission events, and in each of some threads: read() one event, look at the
 * file through its descriptor, answer with its cookie. FAN_CACHE with the answer
 * lets the file pass from then on, until it is modified.
 *
 * The threads can be those of several processes, each with a socket of its own
 * that it has bound to the same group. What one of them has read and not
 * answered when it dies, the others get; and what all of them had, those who
 * take their places.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fanotify-guard.h"
#include "fanotify-watch.h"

#define MAX_THREADS	256
#define MAX_WORKERS	64
/* So long, in seconds, the files are guarded by nobody: then by none. */
#define LINGER		10
/* How a worker ends that was evicted; otherwise as the program does */
#define EVICTED		3
/* A long scan asks for more time so often. */
#define ALIVE_MS	1000

static const char help[] =
"Usage: fanotify-guard [OPTION]... [DIRECTORY]...\n"
"Scan each file before it is opened or executed, and deny it if it is bad. With\n"
"DIRECTORY, which can be many, only the files directly in these; without, all\n"
"files on every file system, those that are mounted later too.\n"
"\n"
"  -p, --patterns=FILE  a file is bad that has one of these bytes in it: a line\n"
"                       for each, hexadecimal, and then what to call it\n"
"  -s, --sums=FILE      a file is bad whose SHA-256 sum is one of these: lines\n"
"                       as sha256sum(1) prints them\n"
"                       Both can be repeated. Without any it is the EICAR test\n"
"                       string that is bad.\n"
"  -I, --ignore-fs=LIST without DIRECTORY: not what is on file systems of these\n"
"                       types, separated by commas. Those of the kernel's own\n"
"                       (proc, sysfs, cgroup2 and others) are always left out.\n"
"  -j, --threads=N      so many threads that scan (default 4)\n"
"  -w, --workers=N      in so many processes each. One that dies is replaced,\n"
"                       and the others scan meanwhile what it had begun to scan.\n"
"  -g, --group=N        the number of their group (default: the process id). If\n"
"                       all of them die, a guard that is started with the same\n"
"                       number within 10 seconds takes their place. With\n"
"                       DIRECTORY, that is: without, it is guarded as well,\n"
"                       and takes a timeout or two to start.\n"
"  -t, --timeout=MS     who waits for a scan that does not go on gets in after\n"
"                       so many milliseconds (default 5000)\n"
"  -c, --fail-closed    or rather does not\n"
"  -P, --priority=N     0 (default) to 4294967295: lower ones are asked first\n"
"\n"
"A line on stdout for each file that is denied, or cannot be scanned:\n"
"\n"
"  14:03:07.125 DENY 97 /mnt/bad: EICAR test string\n"
"  14:03:08.012 PASS 98 /mnt/odd: cannot be read: Input/output error\n"
"\n"
"with the time, the process, and the reason. What cannot be scanned gets in, or\n"
"with -c does not. \"guarding\" on stderr says that it has begun; the last line\n"
"there counts. A clean file is scanned once, until it changes. SIGHUP has the\n"
"signatures read again, and everything scanned again; if they are wrong, those\n"
"of before stay. SIGINT and SIGTERM end the guard, and all files can be opened.\n"
"\n"
"Exit status: 0 stopped by a signal; 1 an error; 2 a mistake on the command line.\n"
"Needs CAP_SYS_ADMIN in the initial user namespace (root) and a kernel with\n"
"CONFIG_NET_FANOTIFY and CONFIG_FANOTIFY_ACCESS_PERMISSIONS.\n";

/* What the kernel makes up has nothing bad in it, and everybody needs it. */
static char * const kernel_types[] = {
	"proc", "sysfs", "cgroup", "cgroup2", "debugfs", "tracefs", "securityfs",
	"devpts",
};

static char *pattern_files[64], *sum_files[64];
static size_t n_pattern_files, n_sum_files;
static char *ignored_types[64];
static size_t n_ignored_types;
static unsigned int threads = 4, workers;
static __u32 group;
static bool fail_closed;
static __u32 timeout, priority;
static char **directories;
static size_t n_directories;

static int sock;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct signatures *signatures;		/* [lock] */

/**
 * struct counts - what was done, by all processes
 * @scanned: Files that were looked at.
 * @denied: Those of them that were bad.
 * @passed: Those that could not be scanned.
 */
struct counts {
	unsigned long long scanned, denied, passed;	/* atomic */
};

static struct counts *counts;

struct question {
	__u64 cookie;
	struct timespec alive;
};

static void answer(__u64 cookie, __u32 response)
{
	struct fanotify_so_access access = {
		.cookie = cookie,
		.response = response,
	};

	/* ENOENT: whoever waited was killed, or the time was up. */
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_ACCESS_RESPONSE, &access,
		       sizeof(access)) && errno != ENOENT && errno != ESHUTDOWN)
		err(FAILURE, "giving a verdict");
}

/* Called while a scan goes on: it is not to run out of time. */
static void still_alive(void *arg)
{
	struct question *question = arg;
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (now.tv_sec - question->alive.tv_sec) * 1000LL +
	     (now.tv_nsec - question->alive.tv_nsec) / 1000000;
	if (ms < ALIVE_MS && ms < timeout / 4)
		return;
	question->alive = now;
	answer(question->cookie, FAN_RESET_TIMEOUT);
}

/* Control characters in a name are not to break a line or a terminal. */
static void print_path(int fd)
{
	char link[32], path[PATH_MAX], *c;
	ssize_t len = -1;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd >= 0)
		len = readlink(link, path, sizeof(path) - 1);
	if (len < 0) {
		printf("?");
		return;
	}
	path[len] = '\0';
	for (c = path; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '\\')
			printf("\\%03o", (unsigned char)*c);
		else
			putchar(*c);
}

static void report(const char *what, const struct fanotify_so_event_metadata *ev,
		   const char *why, const char *more)
{
	struct timespec now;
	char hms[16];
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
	flockfile(stdout);
	printf("%s.%03ld %s %d ", hms, now.tv_nsec / 1000000, what, ev->tgid);
	print_path(ev->fd);
	printf(": %s%s\n", why, more);
	fflush(stdout);
	funlockfile(stdout);
}

static void count(unsigned long long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static __u32 unknown(const struct fanotify_so_event_metadata *ev, int error)
{
	count(&counts->passed);
	report(fail_closed ? "DENY" : "PASS", ev, "cannot be read: ",
	       strerror(error));
	return fail_closed ? FAN_DENY : FAN_ALLOW;
}

static __u32 judge(const struct fanotify_so_event_metadata *ev, int hash_fd)
{
	struct question question = { .cookie = ev->cookie };
	struct scan scan = {
		.open_fd = ev->fd,
		.hash_fd = hash_fd,
		.alive = still_alive,
		.arg = &question,
	};
	__u32 response = FAN_ALLOW | FAN_CACHE;

	if (ev->fd < 0)
		return unknown(ev, -ev->fd);

	clock_gettime(CLOCK_MONOTONIC, &question.alive);
	pthread_rwlock_rdlock(&lock);
	count(&counts->scanned);
	if (!scan_file(signatures, &scan)) {
		response = unknown(ev, errno);
	} else if (scan.found) {
		count(&counts->denied);
		report("DENY", ev, scan.found, "");
		response = FAN_DENY;
	}
	pthread_rwlock_unlock(&lock);
	return response;
}

/* One event at a time: the others are for those who have nothing to do. */
static void *work(void *arg)
{
	struct fanotify_so_event_metadata ev;
	int hash_fd = n_sum_files ? new_hash() : -1;
	ssize_t len;

	while ((len = read(sock, &ev, sizeof(ev)))) {
		if (len < 0 && errno == ETIMEDOUT)
			errx(workers ? EVICTED : FAILURE,
			     "the kernel has evicted this guard: its scans take too long");
		if (len < 0 && errno != EINTR && errno != EMFILE &&
		    errno != ENFILE && errno != ENOMEM)
			err(FAILURE, "cannot read events");
		if (len < 0)
			continue;
		answer(ev.cookie, judge(&ev, hash_fd));
		if (ev.fd >= 0)
			close(ev.fd);
	}
	return NULL;
}

static void load(void)
{
	struct signatures *new, *old;

	new = load_signatures(pattern_files, n_pattern_files, sum_files,
			      n_sum_files);
	if (!new && !signatures)
		exit(USAGE);
	if (!new) {
		warnx("the signatures of before stay");
		return;
	}
	pthread_rwlock_wrlock(&lock);
	old = signatures;
	signatures = new;
	pthread_rwlock_unlock(&lock);
	if (old)
		warnx("%zu signatures", count_signatures(new));
	free_signatures(old);
}

static void fail(const char *what)
{
	errx(FAILURE, "%s: %s%s", what, strerror(errno),
	     errno == EAFNOSUPPORT ? "; use a kernel with CONFIG_NET_FANOTIFY" :
	     errno == EPERM ? "; be root, in the initial user namespace" :
	     errno == EMFILE ? "; raise the sysctl fs.fanotify_socket.max_user_groups" :
	     errno == EINVAL ?
	     "; use a kernel with CONFIG_FANOTIFY_ACCESS_PERMISSIONS" : "");
}

static void set_option(int option, __u32 value)
{
	if (setsockopt(sock, SOL_FANOTIFY, option, &value, sizeof(value)))
		fail("cannot set an option");
}

static void guard_directory(const char *path)
{
	struct fanotify_so_inode_mark mark = {
		.mask = FAN_OPEN_PERM | FAN_EVENT_ON_CHILD,
	};

	mark.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mark.fd < 0)
		err(USAGE, "%s", path);
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_SET_MARK, &mark,
		       sizeof(mark)))
		fail(path);
	close(mark.fd);
}

static void ignore_type(const char *type)
{
	struct fanotify_so_sb sb = {
		.magic = magic_of_fs_type(type),
		.mask = FAN_OPEN_PERM,
	};

	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_IGNORE_SB, &sb,
		       sizeof(sb)))
		fail(type);
}

static void start_threads(void)
{
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < threads; i++) {
		errno = pthread_create(&thread, NULL, work, NULL);
		if (errno)
			err(FAILURE, "no more threads");
	}
}

/* A socket of this process: the first one makes the group, the others join. */
static void open_socket(void)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.priority = priority,
		.group_num = group,
		.f_flags = O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME,
	};

	if (!n_directories)
		addr.mask = FAN_GLOBAL_LISTENER | FAN_OPEN_PERM;
	sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("cannot guard");
}

static void set_up_group(void)
{
	size_t i;

	if (timeout)
		set_option(FANOTIFY_RESPONSE_TIMEOUT, timeout);
	if (fail_closed)
		set_option(FANOTIFY_TIMEOUT_POLICY, FAN_DENY);
	for (i = 0; i < n_directories; i++)
		guard_directory(directories[i]);
	for (i = 0; i < ARRAY_SIZE(kernel_types) && !n_directories; i++)
		ignore_type(kernel_types[i]);
	for (i = 0; i < n_ignored_types; i++)
		ignore_type(ignored_types[i]);
	/* Last: one that is not whole yet need not outlive us. */
	if (workers)
		set_option(FANOTIFY_LINGER, LINGER);
}

static unsigned long long parse_number(const char *arg, unsigned long long max)
{
	unsigned long long n;
	char rest;

	if (*arg == '-' || sscanf(arg, "%llu%c", &n, &rest) != 1 || n > max)
		errx(USAGE, "'%s' is not a number up to %llu", arg, max);
	return n;
}

static void add_name(char **list, size_t *n, size_t max, char *name)
{
	if (*n == max)
		errx(USAGE, "more than %zu: '%s'", max, name);
	list[(*n)++] = name;
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "patterns",	required_argument,	NULL, 'p' },
		{ "sums",	required_argument,	NULL, 's' },
		{ "ignore-fs",	required_argument,	NULL, 'I' },
		{ "threads",	required_argument,	NULL, 'j' },
		{ "workers",	required_argument,	NULL, 'w' },
		{ "group",	required_argument,	NULL, 'g' },
		{ "timeout",	required_argument,	NULL, 't' },
		{ "fail-closed", no_argument,		NULL, 'c' },
		{ "priority",	required_argument,	NULL, 'P' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	char *name;
	int opt;

	while ((opt = getopt_long(argc, argv, "p:s:I:j:w:g:t:cP:h", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'p':
			add_name(pattern_files, &n_pattern_files,
				 ARRAY_SIZE(pattern_files), optarg);
			break;
		case 's':
			add_name(sum_files, &n_sum_files, ARRAY_SIZE(sum_files),
				 optarg);
			break;
		case 'I':
			while ((name = strsep(&optarg, ",")))
				add_name(ignored_types, &n_ignored_types,
					 ARRAY_SIZE(ignored_types), name);
			break;
		case 'w':
			workers = parse_number(optarg, MAX_WORKERS);
			if (!workers)
				errx(USAGE, "somebody has to scan");
			break;
		case 'j':
			threads = parse_number(optarg, MAX_THREADS);
			if (!threads)
				errx(USAGE, "somebody has to scan");
			break;
		case 'g':
			group = parse_number(optarg, UINT_MAX);
			break;
		case 't':
			timeout = parse_number(optarg, FAN_SO_MAX_TIMEOUT);
			if (!timeout)
				errx(USAGE, "a scan takes some time");
			break;
		case 'c':
			fail_closed = true;
			break;
		case 'P':
			priority = parse_number(optarg, UINT_MAX);
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			errx(USAGE, "see --help");
		}
	}
	directories = argv + optind;
	n_directories = argc - optind;
	if (group && !workers)
		errx(USAGE, "--group is for --workers");
	if (workers && !group)
		group = getpid();
	if (n_ignored_types && n_directories)
		errx(USAGE, "--ignore-fs is for all files, not with DIRECTORY '%s'",
		     *directories);
}

/* Blocked before there are threads, so that only this one takes them */
static int catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(FAILURE, "signalfd");
	return fd;
}

static void reload(void)
{
	load();
	/* What was found good by the old ones need not be so. */
	if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_FORGET, NULL, 0))
		err(FAILURE, "cannot forget");
}

/* What each process does that scans, until it is told to end. */
static void scan_until_told(int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info) &&
	       (info.ssi_signo == SIGHUP || info.ssi_signo == SIGCHLD))
		if (info.ssi_signo == SIGHUP)
			reload();
}

/* It ends with the one that started it. */
static pid_t start_worker(int signals)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		err(FAILURE, "no more processes");
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(FAILURE);
	close(sock);
	open_socket();
	start_threads();
	scan_until_told(signals);
	_exit(0);
}

/*
 * If all workers were stuck, the group was evicted with all that is in it. A
 * worker would then join a new one, in which nothing is guarded.
 */
static void check_evicted(void)
{
	struct pollfd pfd = { .fd = sock };

	if (poll(&pfd, 1, 0) == 1 && pfd.revents & POLLHUP)
		errx(FAILURE, "the kernel has evicted this guard: all of its workers are slow");
}

/* Whoever has died is replaced. One that gives up has said why. */
static void replace_workers(pid_t *pids, int signals)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < workers && pids[i] != pid; i++)
			;
		if (i == workers)
			continue;
		if (WIFEXITED(status) && (WEXITSTATUS(status) == FAILURE ||
					  WEXITSTATUS(status) == USAGE))
			exit(FAILURE);
		if (WIFSIGNALED(status))
			warnx("worker %d was killed by signal %d, another one takes its place",
			      pid, WTERMSIG(status));
		check_evicted();
		pids[i] = start_worker(signals);
	}
}

/* Waits for the next signal: its number. */
static int next_signal(int signals)
{
	struct pollfd pfds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = sock },	/* POLLHUP comes unasked for. */
	};
	struct signalfd_siginfo info;

	while (poll(pfds, ARRAY_SIZE(pfds), -1) < 0)
		if (errno != EINTR)
			err(FAILURE, "poll");
	check_evicted();
	if (read(signals, &info, sizeof(info)) != sizeof(info))
		err(FAILURE, "signalfd");
	return info.ssi_signo;
}

static void supervise(int signals)
{
	pid_t pids[MAX_WORKERS];
	int signo;
	size_t i;

	for (i = 0; i < workers; i++)
		pids[i] = start_worker(signals);
	set_up_group();
	fprintf(stderr, "guarding with %zu signatures and %u workers, stop with Ctrl-C\n",
		count_signatures(signatures), workers);

	while ((signo = next_signal(signals)) == SIGCHLD || signo == SIGHUP) {
		if (signo == SIGCHLD) {
			replace_workers(pids, signals);
			continue;
		}
		/* For those to come, and to say what is wrong. */
		load();
		for (i = 0; i < workers; i++)
			kill(pids[i], SIGHUP);
	}
	set_option(FANOTIFY_LINGER, 0);
	set_option(FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW);
	/* Not SIGTERM: one may be stopped, and has nothing to tidy up. */
	for (i = 0; i < workers; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < workers; i++)
		waitpid(pids[i], NULL, 0);
}

int main(int argc, char **argv)
{
	int signals;

	parse_options(argc, argv);
	/* A line is one write(), as other processes write there as well. */
	setvbuf(stdout, NULL, _IOFBF, 8 * PATH_MAX);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		err(FAILURE, NULL);
	load();
	signals = catch_signals();
	open_socket();
	set_option(FANOTIFY_IGNORE_SELF, 1);
	if (workers) {
		supervise(signals);
	} else {
		/* Nothing waits for an answer before there is one to give it. */
		start_threads();
		set_up_group();
		fprintf(stderr, "guarding with %zu signatures, stop with Ctrl-C\n",
			count_signatures(signatures));
		scan_until_told(signals);
		/* Who waits now gets in, rather than to wait for a scan in vain. */
		set_option(FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW);
	}
	fprintf(stderr, "%llu scans, %llu denied, %llu could not be scanned\n",
		counts->scanned, counts->denied, counts->passed);
	exit(0);
}
