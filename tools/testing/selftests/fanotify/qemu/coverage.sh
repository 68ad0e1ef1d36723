#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh PROGRAM [ARG...]: runs it, with what it prints on standard error.
# On standard output comes an archive of what the kernel has counted meanwhile.

"$@" >&2 || exit 1

# The files of debugfs have no size, so an archiver would take nothing of them.
out=/tmp/gcda.$$
mkdir $out || exit 1
find /sys/kernel/debug/gcov -name '*.gcda' | while read -r file; do
	cat "$file" >"$out/$(basename "$file")" || exit 1
done || exit 1
tar -c -C $out .
