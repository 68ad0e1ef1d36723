// SPDX-License-Identifier: GPL-2.0
/*
 * fanotify-locate: locate(1) with a database that is never out of date.
 *
 * It shows what it takes to keep a copy of a tree's names by its events alone:
 * one mark of the subtree, handles instead of paths, one scan, and another one
 * only if events were lost.
 */
#define _GNU_SOURCE
#include <err.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "fanotify-locate.h"

#define DEFAULT_DB	"/var/lib/fanotify-locate.db"
/* As many as have room in the largest SO_RCVBUF there is */
#define MAX_QUEUED	(INT_MAX / 256)

static const char help[] =
"Usage: fanotify-locate [OPTION]... COMMAND\n"
"Keep a database of the names in a directory, and of all below it, up to date.\n"
"\n"
"  watch DIR            scan the directory, and keep up with it until SIGINT\n"
"                       (Ctrl-C) or SIGTERM comes. \"watching\" on stderr says\n"
"                       that the scan is done.\n"
"  find TEXT            print the paths that have TEXT in them, in a moment,\n"
"                       whether a watcher runs or not\n"
"  sync                 wait until the watcher has handled all that has\n"
"                       happened so far\n"
"  check DIR            compare the database with the directory, and print what\n"
"                       differs. Without 'sync', or while files come and go, that\n"
"                       can be what the watcher has not got to yet.\n"
"\n"
"  -d, --database=FILE  which database (default " DEFAULT_DB ");\n"
"                       beside it there are FILE-wal, FILE-shm and FILE.sync\n"
"  -q, --queue=N        let so many events wait (default 262144, or as many as\n"
"                       the sysctl fs.fanotify_socket.max_queue_bytes allows)\n"
"  -0, --null           end paths with a 0 byte instead of a newline, since names\n"
"                       can have newlines in them\n"
"  -h, --help           this\n"
"\n"
"What happened while no watcher was running, and what was lost because events\n"
"came faster than it could handle them, is found by another scan; what is known\n"
"stays there meanwhile. Names on file systems that are mounted below DIR are not\n"
"in the database. Who moves a directory above DIR should start the watcher anew:\n"
"paths have the name of before.\n"
"\n"
"Exit status: 0 done; 1 nothing was found, or something differs; 2 an error, or a\n"
"mistake on the command line. Only root can watch and check, and find as well,\n"
"unless the database is made readable for others. Needs a kernel with\n"
"CONFIG_NET_FANOTIFY, and a file system whose files have handles.\n"
"\n"
"Examples:\n"
"  fanotify-locate watch /home &\n"
"  fanotify-locate find .bashrc\n"
"  fanotify-locate -0 find .orig | xargs -0 rm\n";

static const char *db = DEFAULT_DB;
static unsigned long long max_queued;
static char end = '\n';

static unsigned long long parse_number(const char *arg, unsigned long long max)
{
	unsigned long long n;
	char rest;

	if (*arg == '-' || sscanf(arg, "%llu%c", &n, &rest) != 1 || !n ||
	    n > max)
		errx(TROUBLE, "'%s' is not a number from 1 to %llu", arg, max);
	return n;
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "database",	required_argument,	NULL, 'd' },
		{ "queue",	required_argument,	NULL, 'q' },
		{ "null",	no_argument,		NULL, '0' },
		{ "help",	no_argument,		NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "d:q:0h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			db = optarg;
			break;
		case 'q':
			max_queued = parse_number(optarg, MAX_QUEUED);
			break;
		case '0':
			end = '\0';
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			errx(TROUBLE, "see --help");
		}
	}
}

int main(int argc, char **argv)
{
	const char *command, *arg;

	parse_options(argc, argv);
	argc -= optind;
	argv += optind;
	command = argc > 0 ? argv[0] : "";
	arg = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "sync") && argc == 1)
		return wait_for_watcher(db);
	if (argc != 2)
		errx(TROUBLE, "see --help");
	if (!strcmp(command, "watch"))
		return watch(db, arg, max_queued);
	if (strcmp(command, "find") && strcmp(command, "check"))
		errx(TROUBLE, "no such command: '%s'; see --help", command);
	db_open(db);
	return strcmp(command, "find") ? check(arg, end) : find(arg, end);
}
