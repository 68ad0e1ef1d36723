#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# locate_check.sh [OPERATIONS [SEED]]: is the database of fanotify-locate right,
# whatever happens to the tree and to the watcher? Runs as root in the guest of
# this directory, with busybox, and with fanotify-locate and locate_mix in the
# current directory.

ops=${1:-100000}
seed=${2:-}
tmp=/run/locate_check.$$
db=$tmp/db
top=			# a directory of the file system in question
in=			# in it, what is watched
out=			# and what is not
limit=1500		# seconds until it gives up
watcher=
mixer=

fail()
{
	echo "FAIL $*" >&2
	{
		tail -n 5 "$tmp/status"
		tail -n 5 "$tmp/mix"
		tail -n 30 "$tmp/differs" | cut -c1-300
	} 2>/dev/null | sed 's/^/  /' >&2
	exit 1
}

locate()
{
	./fanotify-locate -d $db "$@"
}

# start OPTION...: a watcher that has begun
start()
{
	: >"$tmp/status"
	# Not by the function, or it would be its shell that gets signals.
	./fanotify-locate -d "$db" "$@" watch "$in" 2>"$tmp/status" &
	watcher=$!
	until_says "$tmp/status" "^watching" $watcher
}

# until_says FILE TEXT PID: waits until a process has said that.
until_says()
{
	until grep -q "$2" "$1"; do
		kill -0 "$3" 2>/dev/null || grep -q "$2" "$1" ||
			fail "it ended before it said '$2'"
		usleep 10000
	done
}

stop()
{
	kill $watcher
	wait $watcher || fail "the watcher ended with status $?"
	watcher=
}

# mix OPERATIONS [OPTION...]: begins to change the trees at random.
mix()
{
	: >"$tmp/mix"
	./locate_mix -n "$@" ${seed:+-s $seed} "$in" "$out" >"$tmp/mix" 2>&1 &
	mixer=$!
}

mixed()
{
	wait $mixer || fail "locate_mix ended with status $?"
	sed '/names$/d; s/^/  /' "$tmp/mix"
}

clear_trees()
{
	find "$in" "$out" -mindepth 1 -maxdepth 1 -exec rm -rf {} + ||
		fail "cannot clear $top"
}

# The database is what the tree is, and so are answers.
is_right()
{
	locate sync || fail "it does not keep up"
	locate check "$in" >"$tmp/differs" || fail "the database differs"
	locate -0 find / | sort -z >"$tmp/found"
	find "$in" -mindepth 1 -print0 | sort -z >"$tmp/there"
	cmp "$tmp/found" "$tmp/there" || fail "not all is found that is there"
	echo "  right, $(tr -cd '\0' <"$tmp/there" | wc -c) names, $(($(date +%s) - begun)) s"
}

# Asks all the time, and looks whether answers can be true.
ask()
{
	n=0
	while [ ! -e "$tmp/enough" ]; do
		locate -0 find name-1 >"$tmp/answer"
		status=$?
		[ $status -lt 2 ] || echo "find ended with status $status"
		tr '\n\0' ' \n' <"$tmp/answer" | grep -v "^$in/.*name-1"
		n=$((n + 1))
	done >"$tmp/wrong"
	echo $n >"$tmp/asked"
}

# begin FILESYSTEM DIR WHAT
begin()
{
	[ -z "$top" ] || rm -rf "$top"
	begun=$(date +%s)
	top=$2/located.$$
	in=$top/in
	out=$top/out
	rm -f $db*
	mkdir -p "$in" "$out" || fail "$top is to be made here"
	echo "$1: $3"
}

for program in fanotify-locate locate_mix; do
	[ -x ./$program ] || fail "there is no $program in $PWD"
done
mkdir -p $tmp || exit 1
(
	sleep $limit >/dev/null 2>&1
	echo "FAIL it took more than $limit s" >&2
	kill $$
) &
watchdog=$!
trap 'kill -KILL $watchdog $watcher $mixer 2>/dev/null; rm -rf "$tmp" "$top"' EXIT

all_checks()
{
	begin "$1" "$2" "the first scan"
	mix $((ops / 20))
	mixed
	start
	is_right

	echo "$1: $ops changes, while somebody asks all the time"
	begun=$(date +%s)
	clear_trees
	rm -f "$tmp/enough"
	ask &
	asking=$!
	mix "$ops"
	mixed
	echo "  mixed, $(($(date +%s) - begun)) s"
	: >"$tmp/enough"
	wait $asking
	[ ! -s "$tmp/wrong" ] || fail "an answer that cannot be true: $(head -n 5 "$tmp/wrong")"
	grep -q "lost" "$tmp/status" && fail "events were lost"
	echo "  asked $(cat "$tmp/asked") times"
	is_right

	echo "$1: four processes that do not know of each other, in one tree"
	begun=$(date +%s)
	clear_trees
	mix $((ops / 20)) -j 4
	mixed
	is_right

	echo "$1: directories that are gone, and another one has their number"
	begun=$(date +%s)
	mix $((ops / 5)) -r
	mixed
	is_right

	echo "$1: what happened while no watcher was running"
	begun=$(date +%s)
	stop
	clear_trees
	mix $((ops / 20))
	mixed
	locate sync 2>/dev/null && fail "nobody is there to wait for"
	start
	is_right

	echo "$1: killed in the middle, and started in the middle"
	begun=$(date +%s)
	clear_trees
	mix $((ops / 2))
	until_says "$tmp/mix" "operations, " $mixer
	kill -KILL $watcher
	wait $watcher 2>/dev/null
	start
	mixed
	is_right

	echo "$1: a queue that is too short, several times"
	begun=$(date +%s)
	stop
	clear_trees
	start --queue=64
	kill -STOP $watcher
	mix 500
	mixed
	kill -CONT $watcher
	is_right
	grep -q "events were lost" "$tmp/status" || fail "no event was lost"
	clear_trees
	mix $((ops / 4))
	mixed
	is_right
	mix $((ops / 40)) -j 4
	mixed
	is_right
	echo "  $(grep -c "events were lost" "$tmp/status") scans"
	stop
}

all_checks tmpfs /tmp
ops=$((ops / 10))
all_checks ext4 /mnt

begin tmpfs /tmp "what is mounted on a directory of the tree is left out"
mkdir -p "$in/in/before" "$in/in/after"
mount -t tmpfs none "$in/in/before"
: >"$in/in/before/hidden"
start
mount -t tmpfs none "$in/in/after"
: >"$in/in/after/hidden"
# So that it is read again
mv "$in/in" "$out/in"
mv "$out/in" "$in/in"
locate sync
locate check "$in" >"$tmp/differs" || fail "the database differs"
locate find hidden && fail "what is mounted is found"
umount "$in/in/before"
umount "$in/in/after"
is_right

echo "tmpfs: large directories moved in, out, and exchanged with another one"
begun=$(date +%s)
for i in $(seq 20); do
	mkdir -p "$out/a/$i/b" "$in/c/$i/d" || fail "mkdir"
	for j in $(seq 20); do
		: >"$out/a/$i/b/$j"
		: >"$in/c/$i/d/$j"
	done
done
mv "$out/a" "$in/a"
is_right
mv "$in/c/7" "$in/a/moved"
is_right
mv "$in/a" "$out/a"
is_right
mv "$out/a" "$in/c/a"
is_right
rm -r "$in/c"
is_right

echo "tmpfs: the directory itself is renamed, and deleted"
mkdir "$in/last"
mv "$in" "$top/other"
locate sync
[ "$(locate find last)" = "$top/other/last" ] || fail "it does not know the new name"
rm -r "$top/other"
wait $watcher
status=$?
watcher=
[ $status = 2 ] || fail "it ended with status $status"
grep -q "has been deleted" "$tmp/status" || fail "it has not said why it ended"

begin tmpfs /tmp "what cannot be done, it says"
for args in "" "watch" "sync $in" "nothing $in" "watch /no/such/directory" \
	"watch /proc" "find x" "sync" "check $in" "--queue=0 watch $in" "--no-such"; do
	# shellcheck disable=SC2086 # a list of words
	locate $args >"$tmp/lines" 2>"$tmp/status"
	status=$?
	[ $status = 2 ] || fail "status $status after '$args'"
	[ -s "$tmp/status" ] || fail "nothing was said of '$args'"
done
rm -f $db*
start
locate watch "$in" 2>"$tmp/second" && fail "two watchers have one database"
grep -q "another watcher" "$tmp/second" || fail "$(cat "$tmp/second")"
locate find x && fail "something is found in an empty directory"
: >"$in/x"
locate sync
[ "$(locate find x)" = "$in/x" ] || fail "it is not found"
stop
[ "$(locate find x)" = "$in/x" ] || fail "it is not found without the watcher"
locate watch "$out" 2>"$tmp/second" && fail "one database is for two directories"
rm "$in/x"
locate check "$in" >"$tmp/differs"
status=$?
[ $status = 1 ] || fail "status $status of a check"
grep -qx "does not exist: $in/x" "$tmp/differs" || fail "a difference is not told"
echo "all is right"
