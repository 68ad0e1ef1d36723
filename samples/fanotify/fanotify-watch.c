// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-watch: show what happens to files, as a PF_FANOTIFY socket tells it.
 *
 * A listener to use, and to copy from. In short: socket(), bind() with a mask,
 * read(), which yields many events at once, and close() the fd of each.
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
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define FAILURE		1	/* exit status, as USAGE */
#define USAGE		2
/* No system makes more processes than that. */
#define FORKS_PER_MS	10
/* How long to go on reading what is queued after the order to stop */
#define DRAIN_MS	2000
#define EVENTS_ALL	(FAN_OPEN_EXEC | FAN_OPEN | FAN_ACCESS | FAN_MODIFY | \
			 FAN_CLOSE)
#define DELETED		" (deleted)"

static const char help[] =
"Usage: fanotify-watch [OPTION]...\n"
"Show who opens, reads, writes, closes and executes files: one line for each\n"
"event, on every file system, from now on until Ctrl-C.\n"
"\n"
"  -e, --events=LIST    only these events, separated by commas:\n"
"                         open_exec      opened to be executed\n"
"                         open           opened\n"
"                         access         read\n"
"                         modify         written to\n"
"                         close_write    closed, after being open for writing\n"
"                         close_nowrite  closed, any other\n"
"                         close, all     both of these, all of these (default)\n"
"  -p, --prefix=PATH    only PATH and what is below it; can be repeated\n"
"  -x, --exclude=PATH   not PATH and what is below it; can be repeated\n"
"  -d, --dirs           directories too\n"
"  -n, --count=N        stop after N lines\n"
"  -o, --output=FILE    write the lines to FILE rather than to stdout\n"
"  -P, --priority=N     the number to bind with (default 0); of no effect yet\n"
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
"fewer with -e, for what is unwanted is not even queued. To be fast, the program\n"
"runs at nice level -10.\n"
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
"  fanotify-watch -e modify -x /proc      what is being written, and by whom?\n"
"  fanotify-watch -e open_exec            which programs run?\n"
"  fanotify-watch -p /srv -e open -n 1    wait until somebody opens a file there\n";

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
	char *paths[64];
	unsigned int n;
};

static struct path_list prefixes, excludes;
static __u32 mask = FAN_GLOBAL_LISTENER, priority;
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
	unsigned int i;
	size_t len;

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

static void fail(const char *what)
{
	errx(FAILURE, "%s: %s%s", what, strerror(errno),
	     errno == EAFNOSUPPORT ? "; use a kernel with CONFIG_NET_FANOTIFY" :
	     errno == EPERM ? "; be root, in the initial user namespace" :
	     errno == EINVAL ? "; not all events are known here, see -e" :
	     errno == EMFILE ? "; raise the limit of open files, ulimit -n" :
	     errno == ENFILE ? "; raise the sysctl fs.file-max" : "");
}

static int listen_to_files(void)
{
	struct fanotify_addr addr = {
		.family = AF_FANOTIFY,
		.priority = priority,
		.mask = mask,
		.f_flags = O_RDONLY | O_LARGEFILE | O_CLOEXEC,
	};
	int sock;

	sock = socket(PF_FANOTIFY, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)))
		fail("cannot listen");
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
	static char buf[512 * FAN_SO_EVENT_LEN];
	/* Each event of a read takes a descriptor: use half of them. */
	const size_t max = sysconf(_SC_OPEN_MAX) / 2 * FAN_SO_EVENT_LEN;
	struct signalfd_siginfo info;
	struct pollfd fds[] = {
		{ .fd = sock, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	long long now, deadline = LLONG_MAX;
	ssize_t len;

	while ((now = now_ms()) < deadline) {
		len = read(sock, buf, max < sizeof(buf) ? max : sizeof(buf));
		if (!len)
			errx(FAILURE, "the kernel has ended this listener");
		if (len < 0 && errno != EAGAIN)
			fail("cannot read events");
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

/* As events have it: absolute, without links and final slashes */
static void add_path(struct path_list *list, const char *arg)
{
	char *path = realpath(arg, NULL);
	size_t len;

	/* It may come into being later. */
	if (!path && *arg == '/')
		path = strdup(arg);
	if (!path)
		err(USAGE, "%s", arg);
	if (list->n == ARRAY_SIZE(list->paths))
		errx(USAGE, "more than %zu paths", ARRAY_SIZE(list->paths));

	for (len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	list->paths[list->n++] = path;
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
		{ "prefix",	required_argument,	NULL, 'p' },
		{ "exclude",	required_argument,	NULL, 'x' },
		{ "dirs",	no_argument,		NULL, 'd' },
		{ "count",	required_argument,	NULL, 'n' },
		{ "output",	required_argument,	NULL, 'o' },
		{ "priority",	required_argument,	NULL, 'P' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "e:p:x:dn:o:P:h", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'e':
			mask |= parse_events(optarg);
			break;
		case 'p':
			add_path(&prefixes, optarg);
			break;
		case 'x':
			add_path(&excludes, optarg);
			break;
		case 'd':
			mask |= FAN_ONDIR;
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
	if (optind < argc)
		errx(USAGE, "unexpected '%s': to watch a path, use -p",
		     argv[optind]);
	if (!(mask & EVENTS_ALL))
		mask |= EVENTS_ALL;
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
