// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "bench.h"
#include "tasks.h"

static pthread_t threads[MAX_TASKS];
static pthread_barrier_t ready, go;
static const char *opened;

static void *open_it(void *arg)
{
	int fd;

	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	fd = open(opened, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail(opened);
	close(fd);
	return NULL;
}

void tasks_start(int nr)
{
	pthread_attr_t attr;
	int i;

	pthread_barrier_init(&ready, NULL, nr + 1);
	pthread_barrier_init(&go, NULL, nr + 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 16384);
	for (i = 0; i < nr; i++) {
		errno = pthread_create(&threads[i], &attr, open_it, NULL);
		if (errno)
			fail("pthread_create");
	}
	pthread_barrier_wait(&ready);
}

void tasks_go(const char *path)
{
	opened = path;
	pthread_barrier_wait(&go);
}

void tasks_end(int nr)
{
	int i;

	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
}
