// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "regress.h"

void listeners_tell(void)
{
	/* What they hold, they hold of the files that go next. */
	company_settle();
	groups_tell();
	below_tell();
	inotify_tell();
	dnotify_tell();
}

void run_steps(const struct step *steps)
{
	long ret;

	for (; steps->name; steps++) {
		forget_pids();
		tell("%s\n", steps->name);
		/* Who is asked tells that before it returns. */
		ret = steps->run();
		tell("  returns ");
		tell_result(ret);
		tell("\n");
		listeners_tell();
	}
}

long in_child(int (*run)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid)
		_exit(run());
	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
