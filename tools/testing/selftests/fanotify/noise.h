/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY tests: threads that do something all the time, while the test looks
 * at something else
 */
#ifndef FANOTIFY_TEST_NOISE_H
#define FANOTIFY_TEST_NOISE_H

#include "common.h"

/* So many at once */
#define MAX_NOISES 4

/**
 * struct noise - a thread
 *
 * @once: What it does; in the end all is as it was. Returns 0 or -errno, which
 *        ends the thread.
 * @stop: Ends it as well.
 * @error: What @once returned last.
 * @rounds: How often it was called.
 * @thread: The thread.
 */
struct noise {
	int (*once)(void);
	bool stop;
	int error;
	long rounds;
	pthread_t thread;
};

static inline void *noise_main(void *arg)
{
	struct noise *noise = arg;

	while (!noise->error &&
	       !__atomic_load_n(&noise->stop, __ATOMIC_ACQUIRE)) {
		noise->error = noise->once();
		noise->rounds++;
	}
	return NULL;
}

static inline bool noise_start(struct noise *noise, int (*once)(void))
{
	*noise = (struct noise){ .once = once };
	return !pthread_create(&noise->thread, NULL, noise_main, noise);
}

/* What went wrong, or 0; that it has done nothing at all is -ENODATA. */
static inline int noise_end(struct noise *noise)
{
	__atomic_store_n(&noise->stop, true, __ATOMIC_RELEASE);
	if (pthread_join(noise->thread, NULL))
		return -EIO;
	return noise->error ?: noise->rounds ? 0 : -ENODATA;
}

#endif /* FANOTIFY_TEST_NOISE_H */
