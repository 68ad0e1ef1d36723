// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-guard: an on-access scanner, which lets nobody open bad files.
 *
 * A guard to use, and to copy from. In short: socket(), bind() with a mask of
 * permission events, and in each of some threads: read() one event, look at the
 * file through its descriptor, answer with its cookie. FAN_CACHE with the answer
 * lets the file pass from then on, until it is modified.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fanotify.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fanotify-guard.h"
#include "fanotify-watch.h"

#define MAX_THREADS	256
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
"  -w, --workers=N      so many threads that scan (default 4)\n"
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
static unsigned int workers = 4;
static bool fail_closed;
static __u32 timeout, priority;
static char **directories;
static size_t n_directories;

static int sock;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct signatures *signatures;		/* [lock] */
static unsigned long long scanned, denied, passed;	/* atomic */

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
	count(&passed);
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
	count(&scanned);
	if (!scan_file(signatures, &scan)) {
		response = unknown(ev, errno);
	} else if (scan.found) {
		count(&denied);
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
			errx(FAILURE, "the kernel has evicted this guard: its scans take too long");
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

/* Nothing waits for an answer before there are threads to give it. */
static void start(void)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.priority = priority,
		.f_flags = O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME,
	};
	pthread_t thread;
	unsigned int i;

	if (!n_directories)
		addr.mask = FAN_GLOBAL_LISTENER | FAN_OPEN_PERM;
	sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("cannot guard");
	set_option(FANOTIFY_IGNORE_SELF, 1);
	for (i = 0; i < workers; i++) {
		errno = pthread_create(&thread, NULL, work, NULL);
		if (errno)
			err(FAILURE, "no more threads");
	}

	if (timeout)
		set_option(FANOTIFY_RESPONSE_TIMEOUT, timeout);
	if (fail_closed)
		set_option(FANOTIFY_TIMEOUT_POLICY, FAN_DENY);
	for (i = 0; i < n_directories; i++)
		guard_directory(directories[i]);
	if (n_directories)
		return;
	for (i = 0; i < ARRAY_SIZE(kernel_types); i++)
		ignore_type(kernel_types[i]);
	for (i = 0; i < n_ignored_types; i++)
		ignore_type(ignored_types[i]);
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
		{ "workers",	required_argument,	NULL, 'w' },
		{ "timeout",	required_argument,	NULL, 't' },
		{ "fail-closed", no_argument,		NULL, 'c' },
		{ "priority",	required_argument,	NULL, 'P' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	char *name;
	int opt;

	while ((opt = getopt_long(argc, argv, "p:s:I:w:t:cP:h", options,
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
			workers = parse_number(optarg, MAX_THREADS);
			if (!workers)
				errx(USAGE, "somebody has to scan");
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
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	if (fd < 0)
		err(FAILURE, "signalfd");
	return fd;
}

int main(int argc, char **argv)
{
	struct signalfd_siginfo info;
	int signals;

	parse_options(argc, argv);
	load();
	signals = catch_signals();
	start();
	fprintf(stderr, "guarding with %zu signatures, stop with Ctrl-C\n",
		count_signatures(signatures));

	while (read(signals, &info, sizeof(info)) == sizeof(info) &&
	       info.ssi_signo == SIGHUP) {
		load();
		/* What was found good by the old ones need not be so. */
		if (setsockopt(sock, SOL_FANOTIFY, FANOTIFY_FORGET, NULL, 0))
			err(FAILURE, "cannot forget");
	}

	/* Who waits now gets in, rather than to wait for a scan in vain. */
	set_option(FANOTIFY_TIMEOUT_POLICY, FAN_ALLOW);
	fprintf(stderr, "%llu scans, %llu denied, %llu could not be scanned\n",
		scanned, denied, passed);
	exit(0);
}
