#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Show fanotify-guard while programs open files: a bad one, a clean one, one that
# changes, and what the machine does when the guard is stopped. Each step checks
# what it shows. Runs as root in the guest of this directory, with busybox, and
# with fanotify-guard in the current directory.

dir=/mnt/guarded
tmp=/tmp/guard_demo.$$
timeout=500	# ms that an open waits for a guard that does not answer
limit=300	# seconds until the demo gives up
step=0

fail()
{
	echo "demo failed: $*" >&2
	exit 1
}

step()
{
	step=$((step + 1))
	printf '\n%d. %s\n' $step "$*"
}

# What the guard has said of a file since the last time
said()
{
	tail -n +$((lines + 1)) "$tmp/lines" | sed 's/^/  guard: /'
	lines=$(wc -l <"$tmp/lines")
}

# How many questions it has read: it is silent about clean files.
asked()
{
	awk -v pid="$guard" '$12 == pid { print $9 }' /proc/net/fanotify
}

# show COMMAND...: run it, show what it prints
show()
{
	echo "  \$ $*"
	"$@" 2>&1 | sed 's/^/  /'
}

# Who opens a file in the way that ls or cat would
opens()
{
	cat "$1" >"$tmp/out" 2>&1
}

[ -x ./fanotify-guard ] || fail "there is no fanotify-guard in $PWD"
mkdir "$dir" "$tmp" || fail "$dir is to be made here"
(
	sleep $limit >/dev/null 2>&1
	echo "demo failed: it took more than $limit s" >&2
	kill $$
) &
watchdog=$!
guard=
trap 'kill -KILL $watchdog $guard 2>/dev/null; rm -rf "$tmp" "$dir"' EXIT

# In two parts, or every scanner would deny this script.
echo 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-'"STANDARD-ANTIVIRUS-TEST-FILE"'!$H+H*' >$dir/eicar.com
echo "A clean file." >$dir/clean.txt
cp $dir/eicar.com $dir/renamed.txt
: >"$tmp/lines"
lines=0

echo "Who may open the files in $dir?"
echo
echo "fanotify-guard --timeout=$timeout $dir"
./fanotify-guard --timeout=$timeout $dir >"$tmp/lines" 2>"$tmp/status" &
guard=$!
while ! grep -q guarding "$tmp/status"; do
	kill -0 $guard 2>/dev/null || fail "the guard does not start: $(cat "$tmp/status")"
	usleep 10000
done

step "The EICAR test file, under two names"
show cat $dir/eicar.com
show cat $dir/renamed.txt
said
opens $dir/eicar.com && fail "the guard let a bad file be opened"
opens $dir/renamed.txt && fail "the guard went by the name"

step "A clean file is opened: scanned once, and then not asked about"
show cat $dir/clean.txt
# The first verdict of a guard is not kept, see the documentation.
opens $dir/clean.txt || fail "the guard denied a clean file"
before=$(asked)
for i in 1 2 3; do
	opens $dir/clean.txt || fail "the guard denied a clean file"
done
[ "$(asked)" = "$before" ] || fail "a clean file was scanned again"
echo "  opened three more times, scanned $(($(asked) - before)) times"

step "It changes: it is scanned again"
cat $dir/clean.txt >"$tmp/copy"
echo "Now it is longer." >>$dir/clean.txt
before=$(asked)
show cat $dir/clean.txt
[ "$(asked)" -gt "$before" ] || fail "a modified file was not scanned again"
echo "  scanned $(($(asked) - before)) times"

step "It turns bad"
# A child of the shell that has it open already: who may write may do that.
echo 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-'"STANDARD-ANTIVIRUS-TEST-FILE"'!$H+H*' >>$dir/clean.txt
show cat $dir/clean.txt
said
opens $dir/clean.txt && fail "the guard let a file be opened that turned bad"

step "The guard is stopped (SIGSTOP), and files are still opened"
kill -STOP $guard
echo "A new file." >$dir/new.txt
for i in 1 2 3 4 5 6 7 8 9 10; do
	opens $dir/new.txt || fail "a guard that does not answer froze or denied an open"
done
show cat $dir/new.txt
awk -v pid="$guard" '$12 == pid {
	print "  the guard is " $2 ": " $14 " opens got no answer in time"
}' /proc/net/fanotify
grep -q " evicted " /proc/net/fanotify || fail "a guard that let ten opens time out was not evicted"
dmesg | grep "fanotify: listener" | tail -n 1 | sed 's/^/  log: /'
opens $dir/eicar.com || fail "an evicted guard still denies"

kill -KILL $guard
wait $guard
guard=
echo
echo "The machine went on working, with each open waiting half a second at most."
