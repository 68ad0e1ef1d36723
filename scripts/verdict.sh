# shellcheck shell=bash disable=SC2154
# Checks that are counted: sourced after lib.sh by scripts that end with
# "N passed, N failed".

passed=0 failed=0

# check NAME COMMAND...: one check. The command's output is shown when it
# fails. It runs in a shell of its own: set -e is off in what || guards.
check()
{
	local name=$1 log=$tmp/check.log began=$SECONDS
	shift
	if (set +e; "$@") >"$log" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $name ($((SECONDS - began)) s)"
	else
		failed=$((failed + 1))
		echo "FAIL $name: $(grep -v '^[[:space:]]*$' "$log" | tail -n 1)"
		tail -n "${check_lines:-40}" "$log" | sed 's/^/  | /'
	fi
}

# verdict: the last line, and the status.
verdict()
{
	echo
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}
