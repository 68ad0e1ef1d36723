# shellcheck shell=bash disable=SC2154,SC2034
# Test programs in several guests at a time. Whoever uses this has $dir with the
# programs, $tmp, and counts in $passed and $failed.

# Guests wait more than they work, so several run at a time.
declare -A guest names

# deal N PROGRAM...: the programs for each of N guests, to hands[0..N-1].
deal()
{
	local n=$1 i=0 p
	shift
	hands=()
	for p in "$@"; do
		hands[i]="${hands[i]:-} $p"
		i=$(((i + 1) % n))
	done
}

# guest_start NAME PROGRAM...: a guest that runs the programs; options for it
# come in the environment. Its status goes to a file: this shell has so many
# children meanwhile that it may forget the first ones.
guest_start()
{
	local name=$1 files
	shift
	files=("${@/#/$dir/}")
	names[$name]=$*
	(
		trap 'kill %% 2>/dev/null' TERM
		for try in 1 2 3; do
			status=0
			FILES="${files[*]}" "$top/scripts/guest" "$top/$selftests/qemu/run_tests.sh" "$@" \
				>"$tmp/$name.tap" 2>"$tmp/$name.err" &
			wait %% || status=$?
			if [ $status != 124 ] || grep -q '^not ok' "$tmp/$name.tap"; then
				break
			fi
			say "the $name guest begins again (try $try of 3):"
			cat "$tmp/$name.err" >&2
		done
		echo $status >"$tmp/$name.status"
	) &
	guest[$name]=$!
}

# guests_run NAME...: waits for these, and shows how they fare meanwhile.
guests_run()
{
	local name line running=1 ticks=0
	while [ -n "$running" ]; do
		sleep 1
		running='' line=''
		for name in "$@"; do
			if [ ! -s "$tmp/$name.status" ] && kill -0 "${guest[$name]}" 2>/dev/null; then
				running=1
			fi
			line+=", $name $(grep -c '^## end' "$tmp/$name.tap" || true) of $(wc -w <<<"${names[$name]}")"
		done
		[ $((++ticks % 30)) != 0 ] || say "programs run: ${line#, }"
	done
}

# guest_judge NAME: every test case counts, and the guest itself.
guest_judge()
{
	local p f status what
	status=$(cat "$tmp/$1.status" 2>/dev/null || echo 125)
	unset "guest[$1]"
	echo "in the ${1%%-*} kernel:"
	awk -v names="${names[$1]}" -f "$top/scripts/tap.awk" "$tmp/$1.tap" >"$tmp/judged"
	sed '$d' "$tmp/judged"
	read -r _ p f < <(tail -n 1 "$tmp/judged")
	passed=$((passed + p)) failed=$((failed + f))
	what="the guest ends well, with no complaint of the kernel and no leak"
	if [ "$status" = 0 ]; then
		passed=$((passed + 1))
		echo "ok   $what"
	else
		failed=$((failed + 1))
		echo "FAIL $what (status $status)"
		sed 's/^/  | /' "$tmp/$1.err"
	fi
}

# programs_of DIR: the test programs, in $waiting, $racing, which take two CPUs
# and the real clock, and $faults, for which a kernel must be made to fail. Not
# those that only fit one kernel.
programs_of()
{
	local p
	racing=() waiting=() faults=()
	for p in "$1"/*_test; do
		p=$(basename "$p")
		case $p in
		module_test | noperm_test) ;;
		*fault_test) faults+=("$p") ;;
		*race_test | *storm_test | gap_test | suspend_test) racing+=("$p") ;;
		*) waiting+=("$p") ;;
		esac
	done
}
