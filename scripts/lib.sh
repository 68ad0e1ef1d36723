# shellcheck shell=bash disable=SC2034
# Shared by all scripts: where things are, stages, failures.

set -euo pipefail

# An outer make's flags and variables (DEBUG=1, BASE=1) must not reach the
# kernel's own makefiles.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
export LC_ALL=C

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${FANOTIFY_CACHE:-$HOME/.cache/fanotify-socket}
mkdir -p "$cache"
# Depend mode: a miss costs no run of the preprocessor.
export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=3G CCACHE_DEPEND=1
selftests=tools/testing/selftests/fanotify

# What the generator, git am and the base use as committer: ids must not
# depend on who runs them or when.
export GIT_COMMITTER_NAME=fanotify-socket GIT_COMMITTER_EMAIL=fanotify-socket@invalid
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1

# stages N: this script is a target of N stages. A script called by another
# one leaves the counting to its caller.
stages()
{
	stage_quiet=${FANOTIFY_NESTED:-}
	stage_n=$1 stage_k=0 SECONDS=0
	export FANOTIFY_NESTED=1
}

elapsed()
{
	printf '%02d:%02d' $((SECONDS / 60)) $((SECONDS % 60))
}

# stage WHAT: the next stage starts.
stage()
{
	stage_k=$((stage_k + 1))
	if [ -z "$stage_quiet" ]; then
		echo "[$stage_k/$stage_n $(elapsed)] $*" >&2
	fi
}

say()
{
	echo "      $*" >&2
}

# die CAUSE CURE [LOG [PATTERN]]: shows the end of the log, or what follows
# the pattern in it.
die()
{
	{
		echo "error: $1"
		[ -z "${2:-}" ] || echo "cure:  $2"
		if [ -n "${3:-}" ]; then
			echo "log:   $3, which says:"
			{ grep -m 1 -aA 15 -E "${4:-^\$nothing}" "$3" || tail -n 15 "$3"; } | sed 's/^/  | /'
		fi
	} >&2
	exit "${die_status:-1}"
}

# new_files MAIL...: the plain files that the mails name
new_files()
{
	awk 'FNR == 1 { head = 1 } /^diff --git / { head = 0 } head && sub(/^new: /, "")' "$@"
}

# scratch: a temporary directory in $tmp, gone when the script ends.
scratch()
{
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/fanotify.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# lock NAME: wait for others that do the same, until this shell ends.
#   build   one kernel build at a time, and one user of the build trees
#   check   one user of the checks' tree
lock()
{
	exec {lock_fd}>"$cache/$1.lock"
	if ! flock -n "$lock_fd"; then
		say "waiting for another $1 to end ($cache/$1.lock)"
		flock "$lock_fd"
	fi
}
