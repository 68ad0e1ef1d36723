// SPDX-License-Identifier: GPL-2.0
/*
 * PF_FANOTIFY fuzz: what /proc shows, and what is set there
 */
#include "fuzz.h"
#include "../marks.h"

static long read_some(struct task *t, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 1 + below(t, 4096);
	bool twice = once_in(t, 2);
	long ret;

	if (fd < 0)
		return -errno;
	if (once_in(t, 4))
		lseek(fd, below(t, 2000), SEEK_SET);
	ret = CALL(t, read(fd, out(t, len), len));
	if (ret > 0 && twice)
		(void)!read(fd, t->arena, len);
	close(fd);
	return ret;
}

static long call_proc_net(struct task *t)
{
	return read_some(t, "/proc/thread-self/net/fanotify");
}

/* Of this process, or of any other */
static long call_fdinfo(struct task *t)
{
	struct own *own = any_socket(t);
	unsigned int worker = below(t, NR_WORKERS);
	char path[64];

	t->may_check = false;
	if (once_in(t, 3))
		sprintf(path, "/proc/%d/fdinfo/%d",
			shared->records[worker][TASK_MAIN].pid,
			3 + below(t, 30));
	else
		sprintf(path, "/proc/thread-self/fdinfo/%d", own->fd);
	return read_some(t, path);
}

/* With what is little and still enough, mostly */
static const struct {
	const char *path;
	unsigned int little;
} sysctls[] = {
	{ SYSCTLS "max_queue_bytes", 1 << 22 },
	{ MAX_USER_MARKS, 1 << 22 },
	{ MAX_USER_GROUPS, 128 },
	{ SYSCTLS "max_group_waiting", 64 },
};

static long call_get_sysctl(struct task *t)
{
	return read_some(t, sysctls[below(t, ARRAY_SIZE(sysctls))].path);
}

static long call_set_sysctl(struct task *t)
{
	unsigned int i = below(t, ARRAY_SIZE(sysctls));
	int fd = open(sysctls[i].path, O_WRONLY | O_CLOEXEC);
	char text[32];
	long ret;
	int len;

	if (fd < 0)
		return -errno;
	len = sprintf(text, "%u", near_number(t, once_in(t, 4) ?
					      1 + below(t, 2000) :
					      sysctls[i].little));
	spoil(t, text, len);
	ret = CALL(t, write(fd, in(t, text, len), len));
	close(fd);
	return ret;
}

const struct call show_calls[] = {
	{ "/proc/net/fanotify", call_proc_net, 5 },
	{ "fdinfo", call_fdinfo, 8 },
	{ "get sysctl", call_get_sysctl, 2 },
	{ "set sysctl", call_set_sysctl, 2 },
	{ }
};
