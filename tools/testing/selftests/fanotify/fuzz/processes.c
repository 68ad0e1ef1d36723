// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: processes, their namespaces, rights and ends
 */
#include <signal.h>
#include <sys/prctl.h>

#include "fuzz.h"

/* What is left of a life without rights, which is not good for much */
#define STEPS_WITHOUT	60
#define STEPS_OF_CHILD	100

static void end_soon(struct task *t)
{
	unsigned int end = t->record->step + STEPS_WITHOUT;

	if (t->end > end)
		t->end = end;
	/* It may have been the thread. */
	if (t->mate && t->mate->end > t->mate->record->step + STEPS_WITHOUT)
		t->mate->end = t->mate->record->step + STEPS_WITHOUT;
}

/* Somebody, at random, at any point */
static long call_kill(struct task *t)
{
	unsigned int worker = below(t, NR_WORKERS);
	pid_t pid = shared->records[worker][below(t, NR_TASKS)].pid;

	/* Not 0, which is the group. */
	if (pid <= 0)
		return -ESRCH;
	return CALL(t, kill(pid, once_in(t, 2) ? SIGKILL : SIGUSR1));
}

/* Its parent is to know it from the start. */
static noreturn void child_run(struct task *t, const int go[2])
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(go[1]);
	if (read(go[0], &c, 1) != 1)
		_exit(1);
	close(go[0]);
	t->number = TASK_CHILD;
	t->record = &shared->records[t->worker][TASK_CHILD];
	t->mate = NULL;
	t->child = 0;
	ring_forget();
	t->end = t->record->step + STEPS_OF_CHILD;
	task_prepare(t);
	task_run(t);
	t->record->pid = 0;
	_exit(0);
}

static bool child_ended(struct task *t)
{
	struct record *record = &shared->records[t->worker][TASK_CHILD];

	if (t->child && waitpid(t->child, NULL, WNOHANG) == 0)
		return false;
	if (t->child)
		record->pid = 0;
	t->child = 0;
	return true;
}

/* A child that has all that the task has, and makes calls of its own */
static long call_child(struct task *t)
{
	struct record *record = &shared->records[t->worker][TASK_CHILD];
	pid_t pid;
	int go[2];

	if (t->number != TASK_MAIN || !child_ended(t))
		return -EAGAIN;
	if (pipe2(go, O_CLOEXEC))
		return -errno;
	record->step = t->record->step;
	pid = CALL(t, fork());
	if (!pid)
		child_run(t, go);
	if (pid > 0) {
		t->child = pid;
		record->pid = pid;
		(void)!write(go[1], "g", 1);
	}
	close(go[0]);
	close(go[1]);
	return pid;
}

static long call_exec(struct task *t)
{
	char path[128];
	pid_t pid;
	int status;

	random_path(t, path);
	if (once_in(t, 2))
		sprintf(path, FUZZ_DISK "/lower/f0");
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, NULL);
		_exit(errno);
	}
	status = exit_status(pid);
	return status > 0 ? -status : status;
}

/* By the system calls, which are for the thread alone. */
static long call_nobody(struct task *t)
{
	long ret;

	ret = CALL(t, syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY));
	if (!ret)
		ret = result(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY));
	end_soon(t);
	return ret;
}

static long call_unshare(struct task *t)
{
	static const int flags[] = {
		CLONE_NEWNS, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID,
		CLONE_FILES, CLONE_FS, CLONE_NEWIPC,
	};

	return CALL(t, unshare(one_of(t, flags)));
}

static long call_unshare_user(struct task *t)
{
	int flags = once_in(t, 2) ? CLONE_NEWUSER :
				    CLONE_NEWUSER | CLONE_NEWNS;
	long ret = CALL(t, unshare(flags));

	if (!ret)
		end_soon(t);
	return ret;
}

/* Those of process 1, or of any other */
static long call_setns(struct task *t)
{
	static const char *const names[] = { "mnt", "net", "pid", "user" };
	const char *name = one_of(t, names);
	unsigned int worker = below(t, NR_WORKERS);
	pid_t pid = shared->records[worker][TASK_MAIN].pid;
	char path[64];
	long ret;
	int fd;

	sprintf(path, "/proc/%d/ns/%s", once_in(t, 4) ? 1 : pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = CALL(t, setns(fd, 0));
	close(fd);
	if (!ret && *name == 'u')
		end_soon(t);
	return ret;
}

/* For a moment there are few descriptors to be had, or none. */
static long call_limit(struct task *t)
{
	struct rlimit old, few = { .rlim_cur = below(t, 40) };
	struct own *own = any_socket(t);
	char buf[8 * FAN_SO_EVENT_LEN];
	long ret;

	if (getrlimit(RLIMIT_NOFILE, &old) || !t->may_check)
		return -EAGAIN;
	few.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	t->allowed = read_errnos;
	ret = CALL(t, recv(own->fd, buf, sizeof(buf), MSG_DONTWAIT));
	setrlimit(RLIMIT_NOFILE, &old);
	if (ret > 0)
		check_events(t, own, buf, ret);
	return ret;
}

const struct call process_calls[] = {
	{ "kill", call_kill, 3 },
	{ "child", call_child, 5 },
	{ "exec", call_exec, 2 },
	{ "setuid nobody", call_nobody, 1 },
	{ "unshare", call_unshare, 2 },
	{ "unshare user", call_unshare_user, 1 },
	{ "setns", call_setns, 3 },
	{ "recv without fds", call_limit, 8 },
	{ }
};
