// SPDX-License-Identifier: GPL-2.0
/*
 * $(become COMMAND): GNU make replaces itself by the command. make turns the
 * status of any recipe that fails into 2, and "make guest" has to exit with
 * the program's own.
 */
#include <gnumake.h>
#include <stdio.h>
#include <unistd.h>

int plugin_is_GPL_compatible;
int make_become_gmk_setup(void);

static char *become(const char *name, unsigned int argc, char **argv)
{
	(void)argc;
	fflush(NULL);
	execl("/bin/sh", "sh", "-c", argv[0], (char *)NULL);
	perror(name);
	_exit(125);
}

int make_become_gmk_setup(void)
{
	gmk_add_function("become", become, 1, 1, GMK_FUNC_DEFAULT);
	return 1;
}
