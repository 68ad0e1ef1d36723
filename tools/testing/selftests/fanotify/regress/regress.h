/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fanotify system calls, inotify and dnotify tell of a fixed script of
 * operations, and what their calls return, as a text that is the same in every
 * kernel that behaves the same: see regress_run.c
 */
#ifndef FANOTIFY_REGRESS_H
#define FANOTIFY_REGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>

#include "../../kselftest.h"

/* All that is mounted is mounted here, and /mnt is an ext4. */
#define TOP	"/tmp/fanotify_regress"

/* text.c: the text */

/* Something without which there is nothing to compare */
noreturn void fail(const char *what);

__printf(1, 2) void tell(const char *format, ...);

/* The name of the error, or the number if it is none */
void tell_result(long ret);

/* What a call returned, or its negated errno */
long result(long ret);

/* Nothing is there; a variable, since compilers warn of what they see. */
extern void *bad_address;

struct bit {
	uint64_t bit;
	const char *name;
};

/* Those that are set, by their names; the list ends with a name of NULL. */
void tell_bits(const struct bit *bits, uint64_t mask);

/* names.c: what differs from boot to boot, by the order of appearance */

#define NAME_PID	'P'
#define NAME_INODE	'I'
#define NAME_DEV	'D'
#define NAME_HANDLE	'H'
#define NAME_FSID	'F'
#define NAME_MOUNT	'M'
#define NAME_COOKIE	'C'

__printf(2, 3) const char *name_of(char kind, const char *format, ...);

/* This process is P1. */
const char *name_of_pid(int pid);
/* So that one too many does not change the names of all that follow */
void forget_pids(void);

/* The file behind a descriptor: its path, its inode and how it is open */
void tell_fd(int fd);

/* What fdinfo says */
void tell_fdinfo(const char *who, int fd);

/* record.c: the events of a group of the system calls */
extern const struct bit fan_bits[];

/* Takes all that is queued, and tells it as heard by @who. */
void tell_group(const char *who, int group);

struct fanotify_event_metadata;
void tell_event(const char *who, const struct fanotify_event_metadata *ev);

/* group.c: groups of the system calls, of all kinds */
void groups_start(void);
void groups_tell(void);
void groups_fdinfo(void);
void groups_stop(void);

/* answerer.c: those that are asked, and the thread that answers */
void answerer_start(void);
void answerer_fdinfo(void);
void answerer_stop(void);

/* inotify.c */
void inotify_start(void);
void inotify_tell(void);
void inotify_fdinfo(void);
void inotify_stop(void);
void inotify_calls(void);
void tell_watch(const char *who, int fd);

/* dnotify.c; init blocks the signals, before there is another thread. */
void dnotify_init(void);
void dnotify_start(void);
void dnotify_tell(void);
void dnotify_stop(void);
void dnotify_calls(void);

/* below.c: those that listen to where an overlay keeps its files */
void below_start(const char *path);
void below_tell(void);
void below_stop(void);

/* place.c: where the script runs */

/**
 * struct place - a directory of some file system
 *
 * @name: What the text calls it.
 * @path: The directory.
 * @make: Mounts it, with its files.
 * @below: Where the file system keeps its files, or NULL.
 */
struct place {
	const char *name;
	const char *path;
	void (*make)(void);
	const char *below;
};

extern const struct place places[];
extern const unsigned int nr_places;

void place_unmake(const struct place *place);
void write_text(const char *path, const char *text);
void write_knob(const char *path, const char *text);
/* The number that the file has, which becomes @value */
long swap_knob(const char *path, long value);

/* script.c, evict.c, mounts.c: the operations; they are relative to the place. */
struct step {
	const char *name;
	long (*run)(void);
};

extern const struct step steps_files[], steps_evict[], steps_mounts[];
extern const struct step steps_last[];

/* steps.c: does them, and has all tell what they heard. */
void run_steps(const struct step *steps);
void listeners_tell(void);

/* A child that does this: its exit status, or minus the signal it died of */
long in_child(int (*run)(void));

/* init.c, mark.c, queue.c: calls of the system calls, and what they return */
void init_calls(void);
void mark_calls(void);
void queue_calls(void);

/* company.c: sockets of the family, beside it all */
void company_start(void);
/* They mark what is in the current directory. */
void company_mark(void);
/* Nothing is queued, and nothing of theirs is open, when this returns. */
void company_settle(void);
void company_stop(void);

#endif /* FANOTIFY_REGRESS_H */
