#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Show fanotify-watch while programs work on files, then check that it told
# exactly what they did. Runs as root in the guest of this directory, with
# busybox, and with fanotify-watch in the current directory.

root=/mnt
dir=$root/demo
tmp=/tmp/demo.$$
pages=36		# files that most steps work on
lines=6			# of each step that are printed
limit=600		# seconds until the demo gives up
step=0

fail()
{
	echo "demo failed: $*" >&2
	exit 1
}

each_page()
{
	seq -w 1 $pages
}

# Keep what the watcher tells, print the first lines of each step as they come,
# and say when the mark is told that ends the step.
show()
{
	local n=0 line
	while read -r line; do
		case $line in
		*" OPEN"*" $dir/end-"*)
			[ $n -gt 0 ] || echo "  (nothing)"
			[ $n -le $lines ] || echo "  ... and $((n - lines)) more"
			n=0
			echo told >&5
			;;
		*" $dir/end-"*)
			;;
		*)
			echo "$line" >>"$tmp/told"
			n=$((n + 1))
			[ $n -gt $lines ] || printf '  %.78s\n' "$line"
			;;
		esac
	done
	echo gone >&5
}

# Run a command once $tmp/go says so. It has ended when it is a zombie, which it
# remains while cat, its parent, waits for something else: so the watcher can
# look up its name, and we its status.
hold()
{
	{
		read -r _ <"$tmp/go"
		case $1 in
		write_pages) write_pages ;;
		*) exec "$@" ;;
		esac
	} >"$tmp/out" &
	echo $! >"$tmp/pid"
	exec cat "$tmp/held"
}

# step TITLE COMMAND...: run it as process $pid, wait until all of it is told.
step()
{
	step=$((step + 1))
	printf '\n%d. %s\n' $step "$1"
	shift

	hold "$@" &
	holder=$!
	exec 4>"$tmp/held"
	read -r pid <"$tmp/pid"
	echo >"$tmp/go"
	while read -r _ _ state _ <"/proc/$pid/stat" && [ "$state" != Z ]; do
		usleep 5000
	done

	# Events are told in order.
	: >"$dir/end-$step"
	read -r mark <&5
	[ "$mark" = told ] || fail "the watcher is gone: $(cat <&3)"
	read -r status <"/proc/$pid/stat"
	[ "${status##* }" = 0 ] || fail "$* exited with wait status ${status##* }"
	exec 4>&-
	wait $holder
}

# expect COMMAND PATH EVENT...: that is what process $pid did. COMMAND can be
# several: a|b
expect()
{
	local command=$1 path=$2 event
	shift 2
	for event; do
		echo "$pid $command $event $path"
	done >>"$tmp/done"
}

# The same for each page of a directory
expect_pages()
{
	local command=$1 path=$2 i
	shift 2
	for i in $(each_page); do
		expect "$command" "$path/$i.txt" "$@"
	done
}

# watch OPTION...: start the watcher and wait until it misses nothing any more.
watch()
{
	printf '\nfanotify-watch %s\n' "$*"
	show <"$tmp/lines" &
	shower=$!
	./fanotify-watch "$@" >"$tmp/lines" 2>"$tmp/status" &
	watcher=$!
	exec 3<"$tmp/status"
	read -r status <&3
	case $status in
	watching*) ;;
	*) fail "the watcher does not start: $status" ;;
	esac
}

# Stop it; it tells how many events it heard.
unwatch()
{
	kill -INT $watcher
	wait $watcher || fail "the watcher exited with status $?: $(cat <&3)"
	watcher=
	read -r status <&3
	wait $shower
	read -r mark <&5
	[ "$mark" = gone ] || fail "a mark was told twice: $mark"
	printf '\nThe watcher, stopped: %s\n' "$status"
	case $status in
	*" heard, "*" shown, 0 lost") ;;
	*) fail "it lost events, or cannot count them" ;;
	esac
}

write_pages()
{
	local i
	for i in $(each_page); do
		echo "Page $i: hay, and one needle." >"$dir/book/$i.txt"
	done
}

# Compare what was told with what was done, as sets: one line can tell several
# events.
check()
{
	awk '
	function problem(what) {
		if (++problems <= 20)
			print "  " what
	}
	FNR == NR {
		commands[$1 " " $3 " " $4] = "|" $2 "|"
		operations++
		next
	}
	{
		if ($1 !~ /^[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9][0-9][0-9]$/)
			problem("no time: " $0)
		path = $5
		for (i = 6; i <= NF; i++)
			path = path " " $i
		# sed writes a new file and gives it the name of the old one.
		sub(/\/07\.txt(......| \(deleted\))$/, "/07.txt", path)

		n = split($4, events, "+")
		for (i = 1; i <= n; i++) {
			key = $2 " " events[i] " " path
			told[key] = 1
			if (!(key in commands))
				problem("told, but not done: " $0)
			else if (!index(commands[key], "|" $3 "|"))
				problem("wrong command: " $0)
		}
	}
	END {
		for (key in commands)
			if (!(key in told))
				problem("done, but not told: " key)
		if (problems) {
			print problems " problems, the first of them above."
			exit 1
		}
		print "Every one of " operations " operations was heard, and nothing else."
	}' "$tmp/done" "$tmp/told"
}

[ -x ./fanotify-watch ] || fail "there is no fanotify-watch in $PWD"
mkdir "$dir" || fail "$dir is to be made here"
mkdir "$tmp" "$dir/book" "$dir/new" "$dir/bin" &&
	cp /bin/busybox "$dir/bin/echo" &&
	mkfifo "$tmp/lines" "$tmp/status" "$tmp/mark" "$tmp/go" "$tmp/held" &&
	: >"$tmp/told" >"$tmp/done" || fail "cannot prepare $dir and $tmp"
# The watcher trusts that a process is the right one for as long as its pid
# cannot have been used again. In a slow guest that has to be long.
echo 4194304 >/proc/sys/kernel/pid_max
read -r self <"/proc/$$/comm"

# Do not hang, whatever happens.
(
	sleep $limit >/dev/null 2>&1
	echo "demo failed: it took more than $limit s" >&2
	kill $$
) &
watchdog=$!
watcher=
trap 'kill $watchdog $watcher 2>/dev/null; rm -rf "$tmp" "$dir"' EXIT

echo "What happens to the files below $root?"
echo "A line has: time, process, its name, what it did, and the file."
exec 5<>"$tmp/mark"
watch -p $root

step "The shell writes $pages files" write_pages
expect_pages "$self" $dir/book OPEN MODIFY CLOSE_WRITE

step "tar packs them" tar -cf $dir/book.tar -C $dir/book .
expect tar $dir/book.tar OPEN MODIFY CLOSE_WRITE
expect_pages tar $dir/book OPEN ACCESS CLOSE_NOWRITE

step "tar unpacks them elsewhere" tar -xf $dir/book.tar -C $dir/new
expect tar $dir/book.tar OPEN ACCESS CLOSE_NOWRITE
expect_pages tar $dir/new OPEN MODIFY CLOSE_WRITE

step "grep looks for a needle in them" grep -r needle $dir/new
expect_pages grep $dir/new OPEN ACCESS CLOSE_NOWRITE

step "sed edits one: it writes a new file and renames it" \
	sed -i s/needle/camel/ $dir/new/07.txt
expect sed $dir/new/07.txt OPEN ACCESS CLOSE_NOWRITE MODIFY CLOSE_WRITE

step "cp copies it" cp $dir/new/07.txt $dir/copy.txt
expect cp $dir/new/07.txt OPEN ACCESS CLOSE_NOWRITE
expect cp $dir/copy.txt OPEN MODIFY CLOSE_WRITE

step "cat reads the copy" cat $dir/copy.txt
expect cat $dir/copy.txt OPEN ACCESS CLOSE_NOWRITE

# It is the shell that opens a program, and becomes it then.
step "A program on $root is run" $dir/bin/echo hello
expect "$self|echo" $dir/bin/echo OPEN OPEN_EXEC ACCESS CLOSE_NOWRITE

step "cp copies a file that is not on $root" cp "$tmp/out" "$tmp/copy"

unwatch

printf '\nThe same, but the kernel need not tell of other files at all:\n'
echo "only of those directly in one directory, and of one file."
watch --children $dir $dir/new/07.txt

step "cat reads two in the directory, one elsewhere, and that one" \
	cat $dir/copy.txt $dir/book.tar $dir/new/06.txt $dir/new/07.txt
for file in copy.txt book.tar new/07.txt; do
	expect cat $dir/$file OPEN ACCESS CLOSE_NOWRITE
done

unwatch

printf '\nEvery file of the machine, but for the file systems without a disk:\n'
watch --ignore-fs=proc,sysfs,tmpfs

step "cp copies a file from the disk to $tmp, which is a tmpfs" \
	cp $dir/copy.txt "$tmp/copy"
expect cp $dir/copy.txt OPEN ACCESS CLOSE_NOWRITE

unwatch
echo
check || fail "what was told is not what was done"
