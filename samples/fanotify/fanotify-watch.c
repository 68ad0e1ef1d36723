// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-watch: show what happens to files, as a PF_FANOTIFY socket tells it.
 *
 * A listener to use, and to copy from. In short: socket(), bind() with a mask
 * for all files or set marks on some, read(), which yields many events at once,
 * and close() the fd of each.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/fanotify.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fanotify-watch.h"

/* No system makes more processes than that. */
#define FORKS_PER_MS	10
/* How long to go on reading what is queued after the order to stop */
#define DRAIN_MS	2000
#define DELETED		" (deleted)"

static const char help[] =
"Usage: fanotify-watch [OPTION]... [PATH]...\n"
"Show who opens, reads, writes, closes and executes files: one line for each\n"
"event, from now on until Ctrl-C. Without PATH of all files, on every file\n"
"system, those that are mounted later too. With PATH, which can be many, only\n"
"of these files and directories, and nothing else costs anything.\n"
"\n"
"  -e, --events=LIST    only these events, separated by commas:\n"
"                         open_exec      opened to be executed\n"
"                         open           opened\n"
"                         access         read\n"
"                         modify         written to\n"
"                         close_write    closed, after being open for writing\n"
"                         close_nowrite  closed, any other\n"
"                         close, all     both of these, all of these (default)\n"
"  -d, --dirs           directories too\n"
"  -c, --children       of a PATH that is a directory: the files in it, but not\n"
"                       what is in its subdirectories; with -d these and itself\n"
"                       too. Without -c it is only the directory itself.\n"
"  -i, --ignore=PATH    not this file, or this directory and the files in it,\n"
"                       but for its subdirectories'; can be repeated\n"
"  -I, --ignore-fs=LIST without PATH: not what is on file systems of these\n"
"                       types, separated by commas, mounted now or later. The\n"
"                       names are those of /proc/filesystems. Types that share a\n"
"                       number go together: ext2 to ext4, nfs and nfs4, vfat and\n"
"                       msdos, the kinds of fuse, tmpfs and devtmpfs.\n"
"  -p, --prefix=PATH    show only PATH and what is below it; can be repeated\n"
"  -x, --exclude=PATH   do not show PATH and what is below it; can be repeated\n"
"  -n, --count=N        stop after N lines\n"
"  -o, --output=FILE    write the lines to FILE rather than to stdout\n"
"  -P, --priority=N     0 (default) to 4294967295: listeners with lower numbers\n"
"                       are told first, and hear what this one does with the\n"
"                       files of its events, as it hears those with higher ones\n"
"\n"
"PATH, -i and -I are for the kernel: what is unwanted is not even queued. PATH\n"
"and -i mean the file that has the name now, whatever it will be called. Many\n"
"programs save a file by giving its name to a new one: so rather watch the\n"
"directory with -c. -p and -x are for this program, and go by name, as of when\n"
"the event was read.\n"
"\n"
"  TIME            PID COMMAND    EVENT         PATH\n"
"  14:03:07.125     97 cat        OPEN          /mnt/a\n"
"\n"
"TIME is when the event was read, and all else is as of then: the PID of the\n"
"process (0: in a foreign pid namespace), its name (?: it is gone), and PATH,\n"
"where the file is, with \"" DELETED "\" if it is nowhere any more, or\n"
"? (REASON) if it could not be opened; that passes -p and -x. EVENT can be\n"
"several that happened to the file, as in OPEN+ACCESS. An OVERFLOW line tells\n"
"how many events were lost because they came faster than they were read: ask for\n"
"fewer with -e, -I, -i or PATH. To be fast, the program runs at nice level -10.\n"
"Control characters, backslashes and, in COMMAND, blanks are written as \\ooo\n"
"(octal), so that an event is one line and PATH all of it from column five on.\n"
"\n"
"\"watching\" on stderr says that from now on nothing is missed. SIGINT (Ctrl-C)\n"
"and SIGTERM make it show what is queued and stop, a second one at once; the\n"
"last line on stderr counts the events heard, shown and lost. What this program\n"
"does itself is not shown, but what others do with its output is: to pipe it\n"
"into \"tee FILE\" tells of FILE for ever, so add -x FILE, or use -o FILE.\n"
"\n"
"Exit status: 0 stopped by SIGINT, SIGTERM or -n; 1 an error; 2 a mistake on the\n"
"command line. Needs CAP_SYS_ADMIN in the initial user namespace (root) and a\n"
"kernel with CONFIG_NET_FANOTIFY.\n"
"\n"
"Examples:\n"
"  fanotify-watch -p /etc                 who uses the configuration?\n"
"  fanotify-watch -I proc,sysfs,tmpfs     what happens on the disks?\n"
"  fanotify-watch -e open_exec            which programs run?\n"
"  fanotify-watch -e open -n 1 -c /srv    wait until somebody opens a file there\n"
"  fanotify-watch -e modify /etc/passwd /etc/shadow\n"
"  fanotify-watch -e modify -i /var/log/syslog -P 1000\n";

/* In the order in which they happen; CLOSE and ALL are to be asked for only */
static const struct {
	const char *name;
	__u32 mask;
} events[] = {
	{ "OPEN_EXEC",		FAN_OPEN_EXEC },
	{ "OPEN",		FAN_OPEN },
	{ "ACCESS",		FAN_ACCESS },
	{ "MODIFY",		FAN_MODIFY },
	{ "CLOSE_WRITE",	FAN_CLOSE_WRITE },
	{ "CLOSE_NOWRITE",	FAN_CLOSE_NOWRITE },
	{ "CLOSE",		FAN_CLOSE },
	{ "ALL",		EVENTS_ALL },
	{ "OVERFLOW",		FAN_Q_OVERFLOW },	/* is not asked for */
};

struct path_list {
	char **paths;
	size_t n;
};

static struct path_list prefixes, excludes, ignores;
static struct path_list targets;	/* the PATH arguments */
static struct {
	const char *name;
	__u64 magic;
} ignored_types[64];
static unsigned int n_ignored_types;
static bool dirs, children;
static __u32 mask, priority;
static unsigned long long max_shown = ULLONG_MAX;
static const char *output = "stdout";
static unsigned long long heard, shown, lost;
static unsigned int batch;		/* number of the read */
static struct timespec batch_time;	/* when that was */
static long long empty_ms;		/* when the queue was last empty */
static int reuse_ms;			/* no pid comes round in that time */

/* On the clock that start times of processes are given in */
static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* A line "TGID (COMM) STATE PPID ...", in which COMM can be anything */
static bool read_proc_stat(int tgid, char *comm, size_t size, long long *start)
{
	char path[32], stat[1024], *name, *end;
	int fd, field;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", tgid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (len <= 0)
		return false;

	stat[len] = '\0';
	name = strchr(stat, '(');
	end = strrchr(stat, ')');
	if (!name || !end)
		return false;
	*end = '\0';
	snprintf(comm, size, "%s", name + 1);

	/* The blank after COMM ends field 2, that before the start time 21. */
	for (field = 2, end++; end && field < 21; field++)
		end = strchr(end + 1, ' ');
	*start = end ? strtoll(end, NULL, 10) * 1000 / sysconf(_SC_CLK_TCK) : 0;
	return true;
}

/*
 * The name of a process as of now, which is after all events of this batch. By
 * now it may be gone and another one may have its pid. One that was there when
 * the queue was last empty is the right one: what is in the queue happened
 * later. So is one that started since, until pids can have come round again.
 */
static const char *name_of(int tgid)
{
	static struct name {
		int tgid;
		unsigned int batch;
		char comm[64];
	} names[256];
	struct name *name = &names[(unsigned int)tgid % ARRAY_SIZE(names)];
	long long start;

	if (name->tgid == tgid && name->batch == batch)
		return name->comm;

	if (!read_proc_stat(tgid, name->comm, sizeof(name->comm), &start) ||
	    start > empty_ms + reuse_ms)
		snprintf(name->comm, sizeof(name->comm), "?");
	name->tgid = tgid;
	name->batch = batch;
	return name->comm;
}

static bool path_listed(const char *path, const struct path_list *list)
{
	size_t i, len;

	for (i = 0; i < list->n; i++) {
		len = strlen(list->paths[i]);
		if (!strncmp(path, list->paths[i], len) &&
		    (path[len] == '\0' || path[len] == '/' ||
		     !strcmp(path + len, DELETED)))
			return true;
	}
	return false;
}

static bool path_wanted(const char *path)
{
	return !path_listed(path, &excludes) &&
	       (!prefixes.n || path_listed(path, &prefixes));
}

/*
 * Copy, with what could break a line, a column or a terminal as \ooo. What 0xc2
 * and a byte from 0x80 to 0x9f make in UTF-8 is a control character as well.
 */
static const char *escape(const char *text, bool blanks)
{
	static char buf[4 * PATH_MAX + 16];
	unsigned char c, last = 0;
	char *to = buf;

	for (; (c = *text) && to < buf + sizeof(buf) - 5; text++, last = c)
		if (c < ' ' || c == 0x7f || c == '\\' || (blanks && c == ' ') ||
		    (last == 0xc2 && c >= 0x80 && c <= 0x9f))
			to += sprintf(to, "\\%03o", c);
		else
			*to++ = c;
	*to = '\0';
	return buf;
}

static const char *names_of_events(__u32 bits)
{
	static char buf[160];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (!(bits & events[i].mask))
			continue;
		len += sprintf(buf + len, "+%s", events[i].name);
		bits &= ~events[i].mask;
	}
	return buf + 1;
}

static void show_event(const struct fanotify_so_event_metadata *event)
{
	char hms[16], link[32], path[PATH_MAX + 16] = "";
	bool overflow = event->mask & FAN_Q_OVERFLOW;
	int err = -event->fd;
	struct tm tm;

	if (event->fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", event->fd);
		err = readlink(link, path, PATH_MAX) < 0 ? errno : 0;
	}
	if (overflow)
		snprintf(path, sizeof(path), "%llu events lost",
			 (unsigned long long)event->cookie);
	else if (err)
		snprintf(path, sizeof(path), "? (%s)", strerror(err));

	lost += overflow ? event->cookie : 0;
	heard += !overflow;
	if (!err && !path_wanted(path))
		return;
	shown += !overflow;

	localtime_r(&batch_time.tv_sec, &tm);
	strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
	printf("%s.%03ld %6d %-10s %-13s ", hms,
	       (long)batch_time.tv_nsec / 1000000, event->tgid,
	       escape(name_of(event->tgid), true),
	       names_of_events(event->mask));
	printf("%s\n", escape(path, false));
}

/* False if it is time to stop */
static bool show_batch(char *buf, ssize_t len)
{
	struct fanotify_so_event_metadata *event = (void *)buf;
	pid_t self = getpid();

	batch++;
	clock_gettime(CLOCK_REALTIME, &batch_time);
	for (; FAN_SO_EVENT_OK(event, len);
	     event = FAN_SO_EVENT_NEXT(event, len)) {
		if (event->tgid != self && shown < max_shown)
			show_event(event);
		if (event->fd >= 0)
			close(event->fd);
	}

	if (fflush(stdout))
		err(FAILURE, "cannot write to %s", output);
	return shown < max_shown;
}

#define RAISE_FILES	"; raise the limit of open files, ulimit -n, or "
#define RAISE_GROUPS	"the sysctl fs.fanotify_socket.max_user_groups"

static void fail(const char *what)
{
	errx(FAILURE, "%s: %s%s", what, strerror(errno),
	     errno == EAFNOSUPPORT ? "; use a kernel with CONFIG_NET_FANOTIFY" :
	     errno == EPERM ? "; be root, in the initial user namespace" :
	     errno == EINVAL ? "; not all events are known here, see -e" :
	     errno == EMFILE ? RAISE_FILES RAISE_GROUPS :
	     errno == ENFILE ? "; raise the sysctl fs.file-max" : "");
}

/* What is queued already, or -1 with EAGAIN. The buffer is the same every time. */
static ssize_t read_batch(int sock, char **events)
{
	static char buf[512 * FAN_SO_EVENT_LEN];
	/* Each event of a read takes a descriptor: use half of them. */
	const size_t max = sysconf(_SC_OPEN_MAX) / 2 * FAN_SO_EVENT_LEN;
	ssize_t len;

	len = read(sock, buf, max < sizeof(buf) ? max : sizeof(buf));
	if (!len)
		errx(FAILURE, "the kernel has ended this listener");
	if (len < 0 && errno != EAGAIN)
		fail("cannot read events");
	*events = buf;
	return len;
}

/* Until what is to be ignored was known, it was queued. */
static void discard_queued(int sock)
{
	struct fanotify_so_event_metadata *event;
	ssize_t len, rest;
	int queued;
	char *buf;

	if (ioctl(sock, FIONREAD, &queued))
		fail("cannot tell what is queued");
	for (; queued > 0; queued -= len) {
		len = read_batch(sock, &buf);
		if (len < 0)
			return;
		event = (void *)buf;
		for (rest = len; FAN_SO_EVENT_OK(event, rest);
		     event = FAN_SO_EVENT_NEXT(event, rest))
			if (event->fd >= 0)
				close(event->fd);
	}
}

static int listen_to_files(void)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.priority = priority,
		.f_flags = O_RDONLY | O_LARGEFILE | O_CLOEXEC,
	};
	unsigned int i;
	int sock;

	if (!targets.n)
		addr.mask = FAN_GLOBAL_LISTENER | mask |
			    (dirs ? FAN_ONDIR : 0);
	sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("cannot listen");

	/* A directory by itself reports only what FAN_ONDIR asks for. */
	watch_paths(sock, targets.paths, targets.n, mask,
		    (children ? FAN_EVENT_ON_CHILD : 0) |
		    (dirs || !children ? FAN_ONDIR : 0));
	ignore_paths(sock, ignores.paths, ignores.n);
	for (i = 0; i < n_ignored_types; i++)
		ignore_fs_type(sock, ignored_types[i].name,
			       ignored_types[i].magic);
	if (ignores.n || n_ignored_types)
		discard_queued(sock);
	return sock;
}

/* A descriptor that tells of SIGINT and SIGTERM, even if they are ignored */
static int catch_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		err(FAILURE, "signalfd");
	return fd;
}

static void watch(int sock, int signals)
{
	struct signalfd_siginfo info;
	struct pollfd fds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	long long now, deadline = LLONG_MAX;
	ssize_t len;
	char *buf;

	while ((now = now_ms()) < deadline) {
		len = read_batch(sock, &buf);
		if (len > 0 ? !show_batch(buf, len) : deadline != LLONG_MAX)
			return;

		/* Nothing is queued: sleep. Else only look for a signal. */
		if (len < 0)
			empty_ms = now;
		poll(fds, ARRAY_SIZE(fds), len < 0 ? reuse_ms : 0);
		if (read(signals, &info, sizeof(info)) != sizeof(info))
			continue;
		if (deadline != LLONG_MAX)
			return;
		deadline = now_ms() + DRAIN_MS;
	}
}

static __u32 parse_events(char *list)
{
	__u32 found = 0;
	char *name;
	size_t i;

	while ((name = strsep(&list, ","))) {
		for (i = 0; i < ARRAY_SIZE(events) - 1; i++)
			if (!strcasecmp(name, events[i].name))
				break;
		if (i == ARRAY_SIZE(events) - 1)
			errx(USAGE, "no such event: '%s'; see --help", name);
		found |= events[i].mask;
	}
	return found;
}

static void parse_fs_types(char *list)
{
	char *name;

	while ((name = strsep(&list, ","))) {
		if (n_ignored_types == ARRAY_SIZE(ignored_types))
			errx(USAGE, "more than %zu types of file systems",
			     ARRAY_SIZE(ignored_types));
		ignored_types[n_ignored_types].name = name;
		ignored_types[n_ignored_types++].magic = magic_of_fs_type(name);
	}
}

static void add_path(struct path_list *list, char *path)
{
	list->paths = realloc(list->paths, (list->n + 1) * sizeof(path));
	if (!list->paths || !path)
		errx(FAILURE, "out of memory");
	list->paths[list->n++] = path;
}

/* As events have it: absolute, without links and final slashes */
static void add_name(struct path_list *list, const char *arg)
{
	char *path = realpath(arg, NULL);
	size_t len;

	/* It may come into being later. */
	if (!path && *arg == '/')
		path = strdup(arg);
	if (!path)
		err(USAGE, "%s", arg);
	for (len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	add_path(list, path);
}

static unsigned long long parse_number(const char *arg, unsigned long long max)
{
	unsigned long long n;
	char rest;

	if (*arg == '-' || sscanf(arg, "%llu%c", &n, &rest) != 1 || n > max)
		errx(USAGE, "'%s' is not a number up to %llu", arg, max);
	return n;
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "events",	required_argument,	NULL, 'e' },
		{ "dirs",	no_argument,		NULL, 'd' },
		{ "children",	no_argument,		NULL, 'c' },
		{ "ignore",	required_argument,	NULL, 'i' },
		{ "ignore-fs",	required_argument,	NULL, 'I' },
		{ "prefix",	required_argument,	NULL, 'p' },
		{ "exclude",	required_argument,	NULL, 'x' },
		{ "count",	required_argument,	NULL, 'n' },
		{ "output",	required_argument,	NULL, 'o' },
		{ "priority",	required_argument,	NULL, 'P' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "e:dci:I:p:x:n:o:P:h", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'e':
			mask |= parse_events(optarg);
			break;
		case 'd':
			dirs = true;
			break;
		case 'c':
			children = true;
			break;
		case 'i':
			add_path(&ignores, optarg);
			break;
		case 'I':
			parse_fs_types(optarg);
			break;
		case 'p':
			add_name(&prefixes, optarg);
			break;
		case 'x':
			add_name(&excludes, optarg);
			break;
		case 'n':
			max_shown = parse_number(optarg, ULLONG_MAX);
			break;
		case 'o':
			output = optarg;
			if (!freopen(output, "we", stdout))
				err(FAILURE, "cannot write to %s", output);
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
	targets.paths = argv + optind;
	targets.n = argc - optind;
	if (children && !targets.n)
		errx(USAGE, "--children needs a PATH; for all below it use -p");
	if (n_ignored_types && targets.n)
		errx(USAGE, "--ignore-fs is for all files, not with PATH '%s'",
		     *targets.paths);
	if (!mask)
		mask = EVENTS_ALL;
}

int main(int argc, char **argv)
{
	static char buf[1 << 20];
	int signals, sock;
	FILE *f;

	parse_options(argc, argv);
	f = fopen("/proc/sys/kernel/pid_max", "re");
	if (!f || fscanf(f, "%d", &reuse_ms) != 1)
		errx(FAILURE, "there is no /proc: mount it");
	reuse_ms /= FORKS_PER_MS;
	fclose(f);
	/* Lines are written a batch at a time. */
	setvbuf(stdout, buf, _IOFBF, sizeof(buf));

	/* Be there before the name of a short-lived process is gone. */
	setpriority(PRIO_PROCESS, 0, -10);
	signals = catch_signals();
	empty_ms = now_ms();
	sock = listen_to_files();
	fputs("watching, stop with Ctrl-C\n", stderr);

	watch(sock, signals);
	fprintf(stderr, "%llu events heard, %llu shown, %llu lost\n", heard,
		shown, lost);
	return 0;
}
