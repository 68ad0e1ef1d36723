// SPDX-License-Identifier: GPL-2.0
/*
 * What opening and closing a file costs, and reading a byte of it.
 *
 * Under the instruction clock a nanosecond is an instruction, and the patched
 * kernel can be compared with the unpatched one to the digit.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PATH	"/tmp/open_cost"
#define ROUNDS	20000

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e9 + ts.tv_nsec;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

int main(void)
{
	int fd = open(PATH, O_RDWR | O_CREAT | O_TRUNC, 0600);
	double start;
	char c = 0;
	int i, run;

	if (fd < 0 || write(fd, &c, 1) != 1)
		fail(PATH);
	/* The first run warms up. */
	for (run = 0; run < 3; run++) {
		start = now_ns();
		for (i = 0; i < ROUNDS; i++)
			if (close(open(PATH, O_RDONLY)))
				fail("open");
		printf("open+close  %8.1f\n", (now_ns() - start) / ROUNDS);
	}
	for (run = 0; run < 3; run++) {
		start = now_ns();
		for (i = 0; i < ROUNDS; i++)
			if (pread(fd, &c, 1, 0) != 1)
				fail("pread");
		printf("read 1 byte %8.1f\n", (now_ns() - start) / ROUNDS);
	}
	return 0;
}
