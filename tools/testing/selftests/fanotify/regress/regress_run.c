// SPDX-License-Identifier: GPL-2.0
/*
 * What the fanotify system calls, inotify and dnotify do, as a text: it is the
 * same in a kernel that has the socket family and in one that has not, and with
 * sockets that listen to the same beside it.
 *
 *	regress_run [company]
 *
 * Runs as root in a guest that has just started, where nobody else is. The text
 * goes to stdout. It depends neither on time nor on what a kernel may choose:
 * who listens is read out after each step, and pids, inodes, handles and the
 * like are called by names in the order in which they appear.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "regress.h"

static void tell_all_fdinfo(void)
{
	groups_fdinfo();
	answerer_fdinfo();
	inotify_fdinfo();
}

static void run_place(const struct place *place)
{
	tell("=== %s: the calls\n", place->name);
	place->make();
	if (chdir(place->path))
		fail(place->path);
	company_mark();
	mark_calls();
	queue_calls();
	inotify_calls();
	dnotify_calls();

	tell("=== %s: the script\n", place->name);
	below_start(place->below);
	dnotify_start();
	groups_start();
	inotify_start();
	answerer_start();
	tell_all_fdinfo();
	run_steps(steps_files);
	tell_all_fdinfo();
	run_steps(steps_evict);
	run_steps(steps_mounts);
	run_steps(steps_last);
	tell_all_fdinfo();
	answerer_stop();
	inotify_stop();
	groups_stop();
	dnotify_stop();
	below_stop();
	company_settle();
	place_unmake(place);
}

int main(int argc, char **argv)
{
	unsigned int i;

	/* The program that the script has executed */
	if (argc == 3 || (argc == 2 && !strcmp(argv[1], "nothing")))
		return 0;
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	if (mkdir(TOP, 0755) && errno != EEXIST)
		fail(TOP);
	dnotify_init();
	if (argc == 2 && !strcmp(argv[1], "company"))
		company_start();
	else if (argc != 1)
		return 2;
	init_calls();
	for (i = 0; i < nr_places; i++)
		run_place(&places[i]);
	company_stop();
	tell("=== end\n");
	return fflush(stdout) != 0;
}
