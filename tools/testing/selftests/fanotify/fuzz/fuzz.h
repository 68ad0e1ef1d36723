/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PF_FANOTIFY fuzz: what its files share
 *
 * Workers make calls at random. Which ones, and with what, follows from the
 * seed, the worker, its life, the task in it and the number of the step; what
 * comes of them depends on what the others do meanwhile.
 */
#ifndef FANOTIFY_FUZZ_H
#define FANOTIFY_FUZZ_H

#include <stdio.h>
#include <limits.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/mman.h>

#define FANOTIFY_NO_HARNESS
#include "../common.h"

/* A tmpfs that has everything but what is on the disk of the guest. */
#define FUZZ_DIR	"/tmp/fanotify_fuzz"
#define FUZZ_DISK	"/mnt/fanotify_fuzz"

#define NR_WORKERS	8
/* Of a worker: its main thread, perhaps another one, perhaps a child. */
enum { TASK_MAIN, TASK_THREAD, TASK_CHILD, NR_TASKS };

#define MAX_CALLS	96
#define MAX_ERRNOS	134
#define NR_LAST		16	/* steps that are remembered */
#define NR_COOKIES	64
#define NR_COMMON	4	/* sockets that all workers have */

#define NR_SOCKETS	4	/* of a task; likewise: */
#define NR_FILES	6
#define NR_SEEN		4
#define NR_OTHERS	4
#define NR_PENDING	8

#define PAGE		4096
#define ARENA		(24 * PAGE)

struct task;

/**
 * struct call - something to call
 *
 * @name: Its name in reports.
 * @run: Makes up the arguments and calls: 0 or more if it came about, else
 *       -errno.
 * @weight: How often as against the others.
 * @never: It never comes about.
 */
struct call {
	const char *name;
	long (*run)(struct task *t);
	unsigned int weight;
	bool never;
};

extern const struct call socket_calls[], option_calls[], read_calls[];
extern const struct call answer_calls[], wait_calls[], pass_calls[];
extern const struct call ring_calls[], file_calls[], mount_calls[];
extern const struct call process_calls[], show_calls[];

/**
 * struct step - what a task did
 *
 * @number: The number of the step.
 * @call: An index.
 * @over: Has it returned?
 * @nth: Which chance to fail was to be taken, or 0.
 * @fd: On what.
 * @ret: What it returned, or -errno.
 */
struct step {
	unsigned int number;
	unsigned short call;
	bool over;
	unsigned char nth;
	int fd;
	long ret;
};

/**
 * struct record - what a task shows of itself; in shared memory
 *
 * @pid: Its process; 0 if there is none.
 * @step: The step that it is at.
 * @last: The last ones.
 */
struct record {
	pid_t pid;
	unsigned int step;
	struct step last[NR_LAST];
};

/**
 * struct shared - what the processes share
 *
 * @stop: It is over.
 * @done: How many calls of each kind came about.
 * @failed: How many did not.
 * @errnos: And why.
 * @ms: How long they took, all in all.
 * @cookies: Some, of any group.
 * @finding: What was found, or empty.
 * @records: See above.
 */
struct shared {
	bool stop;
	unsigned long done[MAX_CALLS];
	unsigned long failed[MAX_CALLS];
	unsigned int errnos[MAX_CALLS][MAX_ERRNOS];
	unsigned long ms[MAX_CALLS];
	__u64 cookies[NR_COOKIES];
	char finding[512];
	struct record records[NR_WORKERS][NR_TASKS];
};

extern struct shared *shared;
extern unsigned long long seed;
/* The parent's, which has new ones now and then. */
extern int common_sockets[NR_COMMON];
/* A pair of sockets that descriptors go through, from anybody to anybody. */
extern int pass_sockets[2];

/**
 * struct own - a socket of a task
 *
 * @fd: The socket, or 0.
 * @global: Was it to be global?
 * @guard: Was it to be asked?
 * @pending: Cookies of events that it has read, and not answered.
 * @nr_pending: So many.
 */
struct own {
	int fd;
	bool global;
	bool guard;
	__u64 pending[NR_PENDING];
	unsigned int nr_pending;
};

/**
 * struct task - a thread that makes calls
 *
 * @worker: Whose it is.
 * @number: TASK_*.
 * @life: How often the worker was started before.
 * @end: The step to stop at.
 * @record: Where it tells how it fares.
 * @random: The state of its random numbers.
 * @mate: The other thread, whose sockets can be used, but not closed.
 * @sockets: Its own; likewise:
 * @files: Files of the tree, or 0.
 * @seen: Files of events, or 0.
 * @others: Whatever else can be open, or 0.
 * @arena: Memory that ends at a page that is not there.
 * @readonly: A page of that kind.
 * @nth: /proc/thread-self/fail-nth, or negative.
 * @timer: Interrupts a call, if @ticking.
 * @used: The socket of this call, or NULL.
 * @may_check: Is the descriptor of this call a PF_FANOTIFY socket for sure?
 * @allowed: The errors that it may have then, or NULL for any.
 * @child: A child, or 0.
 */
struct task {
	unsigned int worker;
	unsigned int number;
	unsigned int life;
	unsigned int end;
	struct record *record;
	unsigned long long random;
	struct task *mate;
	struct own sockets[NR_SOCKETS];
	int files[NR_FILES];
	int seen[NR_SEEN];
	int others[NR_OTHERS];
	char *arena;
	char *readonly;
	int nth;
	timer_t timer;
	bool ticking;
	struct own *used;
	bool may_check;
	const int *allowed;
	pid_t child;
};

/* A random number below @n. */
static inline unsigned int below(struct task *t, unsigned int n)
{
	unsigned long long x = t->random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31) % n;
}

/* True once in @n times. */
static inline bool once_in(struct task *t, unsigned int n)
{
	return !below(t, n);
}

#define one_of(t, array) ((array)[below(t, ARRAY_SIZE(array))])

/*
 * Makes the call that it is about: with it alone faults are injected, and it
 * is interrupted, where that is wanted.
 */
#define CALL(t, call) (call_begins(t), call_ends(t, result(call)))

/* fuzz_run.c */
noreturn __printf(1, 2) void check_failed(const char *fmt, ...);

/* task.c */
void task_run(struct task *t);
noreturn void worker_run(unsigned int worker, unsigned int life);
const struct call *call_of(unsigned int index);
unsigned int nr_calls(void);
void call_begins(struct task *t);
long call_ends(struct task *t, long ret);
bool has_fault(const struct task *t);
void impatient(struct task *t);
void task_prepare(struct task *t);
noreturn __printf(2, 3) void found(struct task *t, const char *fmt, ...);

/* values.c */
void *bad_pointer(struct task *t, size_t len);
void *in(struct task *t, const void *value, size_t len);
void *out(struct task *t, size_t len);
bool is_good(const struct task *t, const void *p, size_t len);
size_t near_len(struct task *t, size_t len);
__u32 near_number(struct task *t, __u32 valid);
void spoil(struct task *t, void *value, size_t len);
__u32 random_events(struct task *t);
__u32 random_questions(struct task *t);

/* sockets.c */
struct own *any_socket(struct task *t);
struct own *own_socket(struct task *t);
void close_own(struct own *own);
void drop(int *slot);
void keep(struct task *t, int *slots, unsigned int nr, int fd);
__u32 short_ms(struct task *t);
void set_up(struct task *t, struct own *own);

/* events.c */
void check_events(struct task *t, struct own *own, const void *buf, size_t len);

/* answers.c */
void answer_pending(struct task *t, struct own *own);

/* passing.c */
int pass_fd(struct task *t, int fd);

/* ring.c */
void ring_forget(void);

/* files.c */
const char *random_path(struct task *t, char *path);
const char *random_dir(struct task *t, char *path);
int any_file(struct task *t);
void files_prepare(void);

/* mounts.c */
void mounts_prepare(void);
void mounts_remove(void);

/* errnos.c */
extern const int bind_errnos[], mark_errnos[], ignore_errnos[];
extern const int answer_errnos[], send_errnos[], number_errnos[];
extern const int linger_errnos[], report_errnos[], forget_errnos[];
extern const int unknown_errnos[], get_errnos[], rcvbuf_errnos[];
extern const int read_errnos[], shutdown_errnos[], socket_errnos[];
extern const int none_errnos[], name_errnos[], ioctl_errnos[];
bool is_documented(const int *errnos, int err);
bool is_of_fault(int err);

/* left.c */
void left_before(void);
void left_after(void);

#endif /* FANOTIFY_FUZZ_H */
