// SPDX-License-Identifier: GPL-2.0
/*
 * Process 1 of the test guest: mounts what programs expect, runs one program
 * with its output on virtio-serial ports of their own, reports how it ended
 * on a third port and powers off. The console is for the kernel and people.
 *
 * "init run [settle]" runs the argument vector in /args, in /work. "init shell
 * ROWS COLS" is a shell on the second serial line instead.
 *
 * The report is "started", "status N" as a shell counts it (128 + signal),
 * "scanned" if kmemleak has looked for leaks, and what it found, and "end".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KMEMLEAK	"/sys/kernel/debug/kmemleak"

/*
 * By a reset, which ends QEMU with -no-reboot: once the machine has slept (S3),
 * its firmware has lost the port by which to power it off.
 */
static noreturn void power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	_exit(1);
}

/* No report is sent, so the host tells that the guest failed. */
static noreturn void die(const char *what)
{
	fprintf(stderr, "init: %s: %m\n", what);
	power_off();
}

static const struct {
	const char *source, *target, *type, *data;
	bool required;
} mounts[] = {
	{ "proc",	"/proc",			"proc",		NULL, true },
	{ "sysfs",	"/sys",				"sysfs",	NULL, true },
	{ "devtmpfs",	"/dev",				"devtmpfs",	NULL, true },
	{ "devpts",	"/dev/pts",			"devpts",	"mode=620,ptmxmode=666" },
	{ "tmpfs",	"/dev/shm",			"tmpfs",	"mode=1777" },
	{ "tmpfs",	"/tmp",				"tmpfs",	"mode=1777" },
	{ "tmpfs",	"/run",				"tmpfs",	"mode=755" },
	{ "cgroup2",	"/sys/fs/cgroup",		"cgroup2" },
	{ "fusectl",	"/sys/fs/fuse/connections",	"fusectl" },
	{ "selinuxfs",	"/sys/fs/selinux",		"selinuxfs" },
	{ "debugfs",	"/sys/kernel/debug",		"debugfs" },
	{ "securityfs",	"/sys/kernel/security",		"securityfs" },
	{ "tracefs",	"/sys/kernel/tracing",		"tracefs" },
	{ "/dev/vda",	"/mnt",				"ext4",		NULL, true },
};

static void mount_all(void)
{
	size_t i;

	if (chmod("/", 0755))
		die("/");
	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		/* Fails where the directory is the kernel's, or exists. */
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].source, mounts[i].target, mounts[i].type, 0,
			  mounts[i].data) && mounts[i].required)
			die(mounts[i].target);
	}
	if (symlink("/proc/self/fd", "/dev/fd") ||
	    symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") ||
	    symlink("/proc/self/fd/2", "/dev/stderr"))
		die("/dev/fd");
}

/* The ports' names arrive some time after the device. */
static int open_port(const char *name)
{
	char path[512], line[64];
	struct dirent *d;
	int tries, fd = -1;
	FILE *f;
	DIR *dir;

	for (tries = 0; fd < 0 && tries < 1000; tries++, usleep(10000)) {
		dir = opendir("/sys/class/virtio-ports");
		while (dir && fd < 0 && (d = readdir(dir))) {
			snprintf(path, sizeof(path),
				 "/sys/class/virtio-ports/%s/name", d->d_name);
			f = fopen(path, "r");
			if (!f)
				continue;
			if (!fgets(line, sizeof(line), f))
				line[0] = 0;
			fclose(f);
			line[strcspn(line, "\n")] = 0;
			if (strcmp(line, name))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			fd = open(path, O_WRONLY | O_CLOEXEC);
		}
		if (dir)
			closedir(dir);
	}
	if (fd < 0)
		die(name);
	return fd;
}

static void write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len; buf += n, len -= n) {
		n = write(fd, buf, len);
		if (n < 0)
			die("write to a port");
	}
}

/*
 * One end of the program's output. A pipe stands between the program and the
 * port, because a port cannot be opened twice, as /dev/stderr does.
 */
struct stream {
	int pipe[2];
	int port;
};

static void stream_open(struct stream *s, const char *name)
{
	s->port = open_port(name);
	if (pipe2(s->pipe, O_CLOEXEC) ||
	    fcntl(s->pipe[0], F_SETFL, O_NONBLOCK))
		die("pipe");
	/* Let short output pass without a switch to this process. */
	fcntl(s->pipe[0], F_SETPIPE_SZ, 1 << 20);
}

/*
 * Moves what the pipe has. The port's write returns when the host has taken
 * the data, so nothing is on its way when the report is sent.
 */
static void stream_pump(struct stream *s)
{
	static char buf[32768];
	ssize_t n;

	while ((n = read(s->pipe[0], buf, sizeof(buf))) > 0)
		write_all(s->port, buf, n);
}

static char **read_args(void)
{
	static char buf[1 << 17];
	char **argv;
	size_t n, i;
	FILE *f = fopen("/args", "r");

	if (!f)
		die("/args");
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	argv = calloc(n + 1, sizeof(*argv));
	if (!argv)
		die("/args");
	for (i = 0; n > 0; i++) {
		argv[i] = i ? argv[i - 1] + strlen(argv[i - 1]) + 1 : buf;
		n -= strlen(argv[i]) + 1;
	}
	return argv;
}

static void exec_in_work(char **argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (chdir("/work"))
		die("/work");
	execv(argv[0], argv);
	fprintf(stderr, "%s: %m\n", argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Runs the program, returns its status as a shell gives it. */
static int run(char **argv)
{
	struct signalfd_siginfo si;
	struct stream out, err;
	struct pollfd fds[3];
	int status = -1, st;
	sigset_t chld;
	pid_t pid, p;

	stream_open(&out, "org.fanotify.out");
	stream_open(&err, "org.fanotify.err");
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);

	fds[0] = (struct pollfd){ .fd = out.pipe[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = err.pipe[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .events = POLLIN };
	fds[2].fd = signalfd(-1, &chld, SFD_CLOEXEC);
	if (fds[2].fd < 0)
		die("signalfd");

	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		setsid();
		close(0);
		if (open("/dev/null", O_RDONLY) ||
		    dup2(out.pipe[1], 1) < 0 || dup2(err.pipe[1], 2) < 0)
			_exit(125);
		exec_in_work(argv);
	}

	/* The write ends stay open here, so that the pipes never hang up. */
	while (status < 0) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			die("poll");
		stream_pump(&out);
		stream_pump(&err);
		if (!fds[2].revents)
			continue;
		if (read(fds[2].fd, &si, sizeof(si)) < 0)
			die("signalfd");
		while ((p = waitpid(-1, &st, WNOHANG)) > 0)
			if (p == pid)
				status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) :
							   WEXITSTATUS(st);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	stream_pump(&out);
	stream_pump(&err);
	return status;
}

/* Was the kernel told to do without kmemleak? One that gives up is a failure. */
static bool no_kmemleak(void)
{
	char line[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/cmdline");
	close(fd);
	return strstr(line, " kmemleak=off");
}

/*
 * Reports what kmemleak finds. It takes two scans to be sure of an object,
 * and none of them looks at objects younger than five seconds.
 */
static void report_leaks(int port)
{
	char buf[4096];
	ssize_t n;
	int fd, i;

	if (no_kmemleak())
		return;
	fd = open(KMEMLEAK, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	sleep(6);
	for (i = 0; i < 2; i++)
		if (write(fd, "scan", 4) < 0)
			die(KMEMLEAK);
	write_all(port, "scanned\n", 8);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		write_all(port, buf, n);
	close(fd);
}

/*
 * Under the instruction clock a run is to be like the next one: what the boot
 * left in motion ends, and the program starts at the same time of the clock.
 */
static void settle(void)
{
	struct timespec start = { .tv_sec = 10 };

	sync();
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL);
}

static void shell(char **size)
{
	struct winsize ws = { .ws_row = 24, .ws_col = 80 };
	int fd;

	if (size[0] && size[1]) {
		ws.ws_row = atoi(size[0]);
		ws.ws_col = atoi(size[1]);
	}
	if (!fork()) {
		setsid();
		fd = open("/dev/ttyS1", O_RDWR);
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) ||
		    ioctl(fd, TIOCSWINSZ, &ws))
			die("/dev/ttyS1");
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
		if (chdir("/work"))
			die("/work");
		execl("/bin/sh", "-sh", NULL);
		die("/bin/sh");
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	char report[32];
	int port;

	mount_all();
	/* Nothing is inherited from the kernel but HOME and TERM. */
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);

	/* The kernel passes on what it does not know of its own command line. */
	while (argc > 1 && strcmp(argv[1], "run") && strcmp(argv[1], "shell"))
		argc--, argv++;
	if (argc > 1 && !strcmp(argv[1], "shell")) {
		shell(argv + 2);
		power_off();
	}
	port = open_port("org.fanotify.status");
	if (argc > 2 && !strcmp(argv[2], "settle"))
		settle();
	write_all(port, "started\n", 8);
	snprintf(report, sizeof(report), "status %d\n", run(read_args()));
	write_all(port, report, strlen(report));
	report_leaks(port);
	write_all(port, "end\n", 4);
	power_off();
}
