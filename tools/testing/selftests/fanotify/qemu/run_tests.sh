#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the test programs of the current directory that it is given, inside the
# guest, with a line before and after each that the host looks for. A test has
# the harness's own time limit; the one here is for a program that outlives it.

for prog in "$@"; do
	echo "## start $prog"
	start=$(date +%s)
	timeout -s KILL 1200 "./$prog" 2>&1
	echo "## end $prog $? $(($(date +%s) - start))"
done
