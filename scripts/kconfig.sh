# shellcheck shell=bash disable=SC2154,SC2034
# kconfig TREE BUILD FRAGMENT...: configure TREE in BUILD with what the
# fragments ask for and nothing else. Fails when an option that is asked for
# does not make it, and prints it. A configuration that does not change keeps
# its date, so that nothing is rebuilt.

fragments_test=("$top/$selftests/config" "$top/$selftests/qemu/kernel.config")
fragments_debug=("${fragments_test[@]}" "$top/$selftests/qemu/debug.config")

kconfig()
{
	local tree=$1 build=$2 lost
	shift 2
	mkdir -p "$build"
	cat "$@" >"$build/.config.asked"
	make -C "$tree" O="$build" CC="ccache gcc" \
		KCONFIG_ALLCONFIG="$build/.config.asked" allnoconfig || return 1
	lost=$(awk -F= '
		{ option = $1 }
		/^# CONFIG_.* is not set/ { option = substr($1, 3, length($1) - 13) }
		option !~ /^CONFIG_/ { next }
		{ value = /^#/ ? "n" : substr($0, length($1) + 2) }
		FNR == NR { have[option] = value; next }
		{ want[option] = value }
		END {
			for (o in want) {
				h = o in have ? have[o] : "n"
				if (h != want[o])
					print o "=" want[o] " (is " h ")"
			}
		}' "$build/.config" "$build/.config.asked" | sort)
	# The base does not have it, nor do the first commits.
	if ! grep -qrs '^config NET_FANOTIFY$' "$tree/net/fanotify"; then
		lost=$(grep -v '^CONFIG_NET_FANOTIFY=' <<<"$lost" || true)
	fi
	if ! grep -qs '^config SAMPLE_FANOTIFY_SOCKET$' "$tree/samples/Kconfig"; then
		lost=$(grep -v '^CONFIG_SAMPLE_FANOTIFY_SOCKET=' <<<"$lost" || true)
	fi
	[ -z "$lost" ] || {
		printf '%s\n' "these options are not in the kernel:" "$lost"
		return 1
	}
}
