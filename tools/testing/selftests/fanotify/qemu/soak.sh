#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# soak.sh SECONDS [ROUND]: the stress test again and again, in one boot, for so
# long, ROUND seconds (300) each time with another seed, and at least four times.
# What the kernel has in memory and cannot give back must not grow: in the last
# two rounds it is not more than in the second and the third, by when caches have
# found their size. Runs as root in the guest of this directory, with stress_run
# in the current directory.

end=$(($(date +%s) + ${1:?SECONDS}))
each=${2:-300}
allowed=2048		# KiB
rounds=0 history=

# What does not go by itself, in KiB
held()
{
	# What a round has left for a work item or a grace period to free
	sync
	for _ in 1 2 3; do
		echo 3 >/proc/sys/vm/drop_caches
		sleep 1
	done
	awk '/^(SUnreclaim|KernelStack|PageTables|Percpu|VmallocUsed):/ { sum += $2 }
	     END { print sum }' /proc/meminfo
}

while [ "$(date +%s)" -lt $end ] || [ $rounds -lt 4 ]; do
	rounds=$((rounds + 1))
	./stress_run "$each" >/tmp/soak.out 2>/tmp/soak.err || {
		echo "FAIL round $rounds"
		tail -n 20 /tmp/soak.err
		exit 1
	}
	history="$history $(held)"
	echo "round $rounds: ${history##* } KiB cannot be given back; $(tail -n 1 /tmp/soak.out)"
done
grown=$(echo "$history" | awk '
	function least(a, b) { return a < b ? a : b }
	{ print least($(NF - 1), $NF) - least($2, $3) }')
echo "after $rounds rounds: $grown KiB more than in the second and third"
[ "$grown" -le $allowed ] || {
	echo "FAIL that is more than $allowed"
	exit 1
}
