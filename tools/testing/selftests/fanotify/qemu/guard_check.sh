#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does fanotify-guard do what its --help says, beyond what guard_demo.sh shows?
# Sums and patterns, several workers, what it leaves out, what it logs, and what
# it does with signals. Runs as root in the guest of this directory, with
# busybox, and with fanotify-guard in the current directory.

dir=/mnt/checked
tmp=/tmp/guard_check.$$
limit=300	# seconds until it gives up
guard=

fail()
{
	echo "FAIL $*" >&2
	sed 's/^/  guard: /' "$tmp/lines" "$tmp/status" >&2
	exit 1
}

# start OPTION...: a guard that has begun
start()
{
	: >"$tmp/status"
	./fanotify-guard "$@" >"$tmp/lines" 2>"$tmp/status" &
	guard=$!
	until_says "guarding with"
}

# until_says TEXT: waits until it has said that.
until_says()
{
	while ! grep -q "$1" "$tmp/status"; do
		kill -0 $guard 2>/dev/null || fail "it ended before it said '$1'"
		usleep 10000
	done
}

# workers: their process ids
workers()
{
	# Through cat, which does not stop at a process that has gone.
	cat /proc/[0-9]*/stat 2>/dev/null | awk -v g=$guard '$4 == g { print $1 }'
}

# stop SIGNAL: it ends well.
stop()
{
	kill -"$1" $guard
	wait $guard || fail "it ended with status $? after SIG$1"
	guard=
	grep -q "scans, .* denied" "$tmp/status" || fail "it has not counted"
}

# Who opens a file in the way that ls or cat would
opens()
{
	cat "$1" >/dev/null 2>"$tmp/error"
}

denies()
{
	opens "$1" && fail "$1 can be opened: $2"
	grep -q "Operation not permitted" "$tmp/error" || fail "$(cat "$tmp/error")"
}

allows()
{
	opens "$1" || fail "$1 cannot be opened: $2"
}

[ -x ./fanotify-guard ] || fail "there is no fanotify-guard in $PWD"
mkdir $dir "$tmp" || fail "$dir is to be made here"
(
	sleep $limit >/dev/null 2>&1
	echo "FAIL it took more than $limit s" >&2
	kill $$
) &
watchdog=$!
trap 'kill -KILL $watchdog $guard 2>/dev/null; rm -rf "$tmp" $dir' EXIT

# In two parts, or every scanner would deny this script.
echo 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-'"STANDARD-ANTIVIRUS-TEST-FILE"'!$H+H*' >$dir/eicar
echo "bad contents" >$dir/bad
echo "worse contents" >$dir/worse
echo "good contents" >$dir/good
# A pattern across two of the pieces in which a file is read
{
	dd if=/dev/zero bs=262140 count=1 2>/dev/null
	printf 'needle in a haystack'
	dd if=/dev/zero bs=4096 count=1 2>/dev/null
} >$dir/large

echo "sums and patterns, of several files"
(cd $dir && sha256sum bad) >"$tmp/sums"
needle=$(printf needle | od -An -tx1 | tr -d ' \n')
printf '# what is bad\n\n%s a needle\n' "$needle" >"$tmp/patterns"
start --sums="$tmp/sums" --patterns="$tmp/patterns" $dir
denies $dir/bad "by its sum"
denies $dir/large "by a pattern in it"
allows $dir/good "it is good"
allows $dir/worse "it is not on the list"
allows $dir/eicar "another list was given"

echo "what it logs: the time, the process, the path and why"
sh -c "echo \$\$ >$tmp/pid; exec cat $dir/bad" >"$tmp/out" 2>&1
pid=$(cat "$tmp/pid")
grep -Eq "^[0-9:]{8}\.[0-9]{3} DENY $pid $dir/bad: bad$" "$tmp/lines" ||
	fail "there is no line about process $pid and $dir/bad"
grep -q " $dir/large: a needle$" "$tmp/lines" || fail "there is no line about $dir/large"
grep -Eq " $dir/(good|worse|eicar):" "$tmp/lines" && fail "a good file was logged"

echo "SIGHUP: the signatures are read again, and what was good is scanned again"
allows $dir/worse "its verdict is kept now"
(cd $dir && sha256sum worse) >"$tmp/sums"
kill -HUP $guard
until_says "^fanotify-guard: 2 signatures"
denies $dir/worse "it is on the list now"
allows $dir/bad "it is on the list no more"

echo "SIGHUP with a mistake in them: those of before stay"
echo "no sum" >>"$tmp/sums"
kill -HUP $guard
until_says "line 2 has no SHA-256 sum"
until_says "the signatures of before stay"
denies $dir/worse "it was on the list"
allows $dir/bad "it was not"

echo "SIGTERM: it ends, and everything can be opened"
stop TERM
allows $dir/worse "nobody guards"

echo "several threads, and the EICAR test string without a list"
start --threads=8 $dir
threads=$(find /proc/$guard/task -maxdepth 1 -mindepth 1 | wc -l)
[ "$threads" = 9 ] || fail "it has $threads threads and not 1 and 8"
for i in $(seq 40); do
	cp $dir/good "$dir/good$i"
	{
		cat $dir/eicar && echo eicar >>"$tmp/wrong"
		cat "$dir/good$i" || echo "good$i" >>"$tmp/wrong"
	} >/dev/null 2>&1 &
	opened="$opened $!"
done
# shellcheck disable=SC2086 # a list of numbers
wait $opened
[ ! -s "$tmp/wrong" ] || fail "not as it should be: $(sort "$tmp/wrong")"
[ "$(grep -c "DENY .* $dir/eicar: EICAR" "$tmp/lines")" = 40 ] ||
	fail "not all of 40 were logged"
stop INT

echo "several workers, killed at random: nothing bad gets in, nobody waits for long"
start --workers=3 --threads=2 --timeout=20000 $dir
(
	while [ ! -e "$tmp/enough" ]; do
		# shellcheck disable=SC2046 # a list of numbers
		set -- $(workers)
		[ $# -gt 0 ] || {
			usleep 10000
			continue
		}
		shift $(($(od -An -N1 -tu1 /dev/urandom) % $#))
		kill -KILL "$1"
		usleep 50000
	done
) 2>/dev/null &
killer=$!
opened=
for n in 1 2 3 4; do
	for i in $(seq 25); do
		cp $dir/good "$dir/good$n-$i"
		cat $dir/eicar >/dev/null 2>&1 && echo eicar >>"$tmp/wrong"
		cat "$dir/good$n-$i" >/dev/null 2>&1 || echo "good$n-$i" >>"$tmp/wrong"
	done &
	opened="$opened $!"
done
# shellcheck disable=SC2086 # a list of numbers
wait $opened
while [ "$(grep -c "killed by signal 9, another one takes its place" "$tmp/status")" -lt 3 ]; do
	kill -0 $guard || fail "it ended"
	usleep 10000
done
: >"$tmp/enough"
wait $killer
[ ! -s "$tmp/wrong" ] || fail "not as it should be: $(sort "$tmp/wrong")"
awk 'NR > 1 && $14 { exit 1 }' /proc/net/fanotify || fail "somebody waited too long"
stop TERM

echo "all of them killed: who is started in time takes their place"
start --workers=2 --group=77 --timeout=20000 $dir
dead=$(workers)
kill -KILL $guard
wait $guard 2>/dev/null
for worker in $dead; do
	while [ -e "/proc/$worker/cwd/." ]; do
		usleep 10000
	done
done
cat $dir/eicar >/dev/null 2>"$tmp/error" &
opened=$!
start --workers=2 --group=77 $dir
wait $opened && fail "$dir/eicar can be opened: nobody guarded"
grep -q "Operation not permitted" "$tmp/error" || fail "$(cat "$tmp/error")"
stop TERM
allows $dir/eicar "nobody guards"

echo "all of them stuck: it ends, and does not go on guarding nothing"
start --workers=2 --timeout=300 $dir
# shellcheck disable=SC2046 # a list of numbers
kill -STOP $(workers)
for i in $(seq 10); do
	cp $dir/good "$dir/late$i" && allows "$dir/late$i" "who waits gets in at last"
done
wait $guard
status=$?
[ $status = 1 ] || fail "it ended with status $status"
grep -q "has evicted this guard: all of its workers" "$tmp/status" || fail "it has not said why"
guard=

echo "every file of the machine, but for those of some file systems"
cp $dir/eicar "$tmp/eicar"
start
denies $dir/eicar "it is on the disk"
denies "$tmp/eicar" "it is on a tmpfs"
stop TERM
start --ignore-fs=tmpfs
denies $dir/eicar "it is on the disk"
allows "$tmp/eicar" "it is on a tmpfs"
stop TERM

echo "a guard that cannot start says why"
for options in "--workers=0" "--threads=0" "--group=7" "--timeout=x" "--no-such" \
	"--ignore-fs=tmpfs $dir" \
	"--sums=$tmp/none" "/no/such/directory"; do
	# shellcheck disable=SC2086 # a list of options
	./fanotify-guard $options >"$tmp/lines" 2>"$tmp/status"
	status=$?
	[ $status = 2 ] || fail "status $status after $options"
	[ -s "$tmp/status" ] || fail "nothing was said of $options"
done
