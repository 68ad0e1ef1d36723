// SPDX-License-Identifier: GPL-2.0
/* What the kernel allocates for a mark, an event, and a task that waits */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "files.h"
#include "side.h"
#include "tasks.h"

#define MARKS 50000
#define EVENTS 50000
#define TASKS 5000
#define RUNS 4

/* Bytes of all slab caches */
static double slab_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = -1;

	if (!file)
		fail("/proc/meminfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "Slab: %ld kB", &kb) == 1)
			break;
	fclose(file);
	if (kb < 0)
		fail("Slab");
	return kb * 1024.0;
}

static void mark_all(const struct side *side, int fd, int from, int nr)
{
	int i, file;

	for (i = from; i < from + nr; i++) {
		file = file_open(i);
		side->mark(fd, file, ON_FILE, FAN_OPEN, 0);
		close(file);
	}
}

static void open_all(int from, int nr)
{
	int i;

	for (i = from; i < from + nr; i++)
		close(file_open(i));
}

/* The first tenth fills what partial slabs there are. */
static void of_marks_and_events(void)
{
	int nr = times(MARKS), spare = nr / 10, i, fd;
	double before;

	make_files(nr);
	for_each_side(i) {
		if (!sides[i]->mark)
			continue;
		fd = sides[i]->listen(false);
		mark_all(sides[i], fd, 0, spare);
		before = slab_bytes();
		mark_all(sides[i], fd, spare, nr - spare);
		result("bytes_mark", sides[i]->name, 0,
		       (slab_bytes() - before) / (nr - spare));
		open_all(0, spare);
		before = slab_bytes();
		open_all(spare, nr - spare);
		result("bytes_event", sides[i]->name, 0,
		       (slab_bytes() - before) / (nr - spare));
		sides[i]->drain(fd);
		close(fd);
	}
}

#define FIFO BENCH_DIR "/fifo"

/* Tasks that sleep in open() all the same, and not because they are asked */
static double of_sleepers(int nr)
{
	double bytes;
	int fd;

	if (mkfifo(FIFO, 0600) && errno != EEXIST)
		fail(FIFO);
	tasks_start(nr);
	bytes = slab_bytes();
	tasks_go(FIFO);
	usleep(500000);
	bytes = slab_bytes() - bytes;
	fd = open(FIFO, O_RDONLY | O_CLOEXEC);
	tasks_end(nr);
	close(fd);
	return bytes / nr;
}

static double of_waiting(const struct side *side, int nr)
{
	int fd = side->listen(true);
	double bytes;

	mark_files(side, fd, 1, FAN_OPEN_PERM, 0);
	tasks_start(nr);
	bytes = slab_bytes();
	tasks_go(BENCH_DIR "/f00000");
	usleep(500000);
	bytes = slab_bytes() - bytes;
	/* Nobody is left to ask: all of them go on. */
	close(fd);
	tasks_end(nr);
	return bytes / nr;
}

static void of_tasks(void)
{
	int nr = times(TASKS), i, run;
	double most, bytes;

	make_files(1);
	/* What was left over from the time before makes it less. */
	for (run = 0, most = 0; run < RUNS; run++) {
		bytes = of_sleepers(nr);
		most = bytes > most ? bytes : most;
	}
	result("bytes_waiting", "nobody", 0, most);
	for_each_side(i) {
		if (!sides[i]->allow)
			continue;
		for (run = 0, most = 0; run < RUNS; run++) {
			bytes = of_waiting(sides[i], nr);
			most = bytes > most ? bytes : most;
		}
		result("bytes_waiting", sides[i]->name, 0, most);
	}
}

const struct row rows_memory[] = {
	{ "memory", of_marks_and_events },
	{ "memory_waiting", of_tasks },
	{ NULL }
};
