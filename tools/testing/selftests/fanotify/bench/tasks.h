/* SPDX-License-Identifier: GPL-2.0 */
/* Many threads, each of which opens a file and ends */
#ifndef FANOTIFY_BENCH_TASKS_H
#define FANOTIFY_BENCH_TASKS_H

#define MAX_TASKS 10000

/* Starts @nr threads that wait for tasks_go(). */
void tasks_start(int nr);

/* Lets them open @path for writing. */
void tasks_go(const char *path);

/* Waits until all of them have ended. */
void tasks_end(int nr);

#endif /* FANOTIFY_BENCH_TASKS_H */
