// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY: how much faster are two members of a group than one?
 *
 * Members that do real work for each event, which is to compute a sum over the
 * file, while many processes open files. Wall clock, on at least two CPUs: only
 * the ratio means something, and only within one boot.
 */
#define _GNU_SOURCE
#define FANOTIFY_NO_HARNESS
#include "../share.h"

#include <stdio.h>
#include <stdlib.h>

#define NR_OPENERS 8
#define NR_ROUNDS 3
#define FILE_SIZE (256 << 10)

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* FNV-1a: a byte at a time, as slow as it should be. */
static uint64_t sum_of(int fd)
{
	static unsigned char buf[FILE_SIZE];
	uint64_t sum = 0xcbf29ce484222325;
	ssize_t len, i;

	while ((len = read(fd, buf, sizeof(buf))) > 0)
		for (i = 0; i < len; i++)
			sum = (sum ^ buf[i]) * 0x100000001b3;
	return sum;
}

static void look_at_files(int sock, void *arg)
{
	struct fanotify_so_event_metadata ev;

	while (read(sock, &ev, sizeof(ev)) == sizeof(ev)) {
		answer(sock, ev.cookie, sum_of(ev.fd) ? FAN_ALLOW : FAN_DENY);
		close(ev.fd);
	}
}

static void open_files(const char *path, int nr)
{
	while (nr--)
		if (open_close(path, O_RDONLY))
			_exit(1);
	_exit(0);
}

/* Milliseconds for the same work without events: what the machine can do */
static long long run_bare(const char *path, int members, int nr)
{
	long long start = now_ms();
	pid_t pids[2];
	int i, n;

	for (i = 0; i < members; i++) {
		pids[i] = fork();
		for (n = 0; !pids[i] && n < nr / members; n++) {
			int fd = open(path, O_RDONLY);

			if (fd < 0 || !sum_of(fd))
				_exit(1);
			close(fd);
		}
		if (!pids[i])
			_exit(0);
	}
	for (i = 0; i < members; i++)
		if (exit_status(pids[i]))
			die("hashing files");
	return now_ms() - start;
}

/* Milliseconds for @nr events */
static long long run(const char *path, int members, int nr)
{
	struct fanotify_addr addr = group_address(0);
	pid_t pids[2], openers[NR_OPENERS];
	int sock = directed_member(), i;
	long long start;

	if (sock < 0 || set_u32(sock, FANOTIFY_RESPONSE_TIMEOUT, FAN_SO_MAX_TIMEOUT) ||
	    mark_path(sock, path, FAN_OPEN_PERM, 0))
		die("setting up the group");
	for (i = 0; i < members; i++) {
		pids[i] = member_process(&addr, look_at_files, NULL);
		if (!sleeps_in(pids[i], SYS_read))
			die("starting a member");
	}
	start = now_ms();
	for (i = 0; i < NR_OPENERS; i++) {
		openers[i] = fork();
		if (!openers[i])
			open_files(path, nr / NR_OPENERS);
	}
	for (i = 0; i < NR_OPENERS; i++)
		if (exit_status(openers[i]))
			die("opening files");
	start = now_ms() - start;
	for (i = 0; i < members; i++) {
		kill(pids[i], SIGKILL);
		exit_status(pids[i]);
	}
	close(sock);
	return start;
}

static const struct {
	const char *name;
	long long (*run)(const char *path, int members, int nr);
} kinds[] = {
	{ "no events", run_bare },
	{ "events", run },
};

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 1000, round, members;
	const char *path = "/tmp/share_scale";
	static char text[FILE_SIZE + 1];
	size_t i;

	memset(text, 'x', FILE_SIZE);
	if (write_file(path, text))
		die(path);
	printf("%d files of %d KiB are hashed, milliseconds:\n", nr,
	       FILE_SIZE >> 10);
	printf("%-10s %10s %10s %6s\n", "", "1 process", "2", "ratio");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		long long ms, best[3] = { 0 };

		for (round = 0; round < NR_ROUNDS; round++) {
			for (members = 1; members <= 2; members++) {
				ms = kinds[i].run(path, members, nr);
				if (!best[members] || ms < best[members])
					best[members] = ms;
			}
		}
		printf("%-10s %10lld %10lld %6.2f\n", kinds[i].name, best[1],
		       best[2], (double)best[1] / best[2]);
		fflush(stdout);
	}
	return 0;
}
