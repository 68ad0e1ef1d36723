# shellcheck shell=bash disable=SC2154
# Part of scripts/check: every commit builds the directories that the series
# touches, with W=1 and sparse, with the option =y, =m and =n, and SELinux.
# No warning may be there that the base does not have.

export CCACHE_DIR=$cache/ccache
qemu=$selftests/qemu
targets=(fs/notify/ fs/super.o net/socket.o net/core/sock.o security/selinux/)

# What a message says, without the place in a file that an edit moves, and
# without the lines that show the code.
messages()
{
	grep -E '(warning|error|Warning|Error)' "$1" |
		sed -E "s,$tree/,,g; s/:[0-9]+(:[0-9]+)?:/:/g" | sort -u
}

# check_make OPTION TARGET...
check_make()
{
	local option=$1
	shift
	make -C "$tree" O="$cache/build/check-$option" CC="ccache gcc" -j"$(nproc)" \
		LOCALVERSION= W=1 C=1 "$@"
}

check_config()
{
	local option=$1 build=$cache/build/check-$1
	mkdir -p "$build"
	{
		cat "$top/$selftests/config" "$top/$qemu/kernel.config"
		echo "CONFIG_AUDIT=y"
		echo "CONFIG_SECURITY_SELINUX=y"
		echo "CONFIG_HEADERS_INSTALL=y"
		echo "CONFIG_SAMPLES=y"
		echo "CONFIG_SAMPLE_FANOTIFY_SOCKET=y"
		echo "CONFIG_NET_FANOTIFY=$option"
	} >"$build/asked"
	make -s -C "$tree" O="$build" allnoconfig >/dev/null
	# A copy that does not change keeps its date, and nothing is rebuilt.
	(
		cd "$build"
		"$tree/scripts/kconfig/merge_config.sh" -m -Q .config asked >/dev/null 2>&1
	)
	make -s -C "$tree" O="$build" olddefconfig
}

# The messages of the base, with everything built anew.
base_messages()
{
	local option=$1 build=$cache/build/check-$1 key
	key=$(cat "$top/$selftests/config" "$top/$qemu/kernel.config" "$top/scripts/check-builds.sh" \
		<(git -C "$base" rev-parse base) <(gcc --version) <(sparse --version) | sha256sum | cut -c1-16)
	known=$cache/versions/messages-$option-$key
	[ ! -f "$known" ] || return 0
	git -C "$tree" checkout -q -f --detach base
	rm -rf "$build"
	check_config "$option" || return 1
	check_make "$option" "${targets[@]}" >"$tmp/build" 2>&1 || { cat "$tmp/build"; return 1; }
	mkdir -p "$cache/versions"
	messages "$tmp/build" >"$tmp/known"
	mv "$tmp/known" "$known"
}

commit_builds()
{
	local option=$1 extra=()
	git -C "$tree" checkout -q -f --detach "$2" || return 1
	if [ -f "$tree/net/fanotify/Makefile" ] && [ "$option" != n ]; then
		extra+=(net/fanotify/)
	fi
	if [ -f "$tree/samples/fanotify/fanotify-watch.c" ] && [ "$option" != n ]; then
		extra+=(headers samples/fanotify/)
	fi
	check_config "$option" || return 1
	check_make "$option" "${targets[@]}" "${extra[@]}" >"$tmp/build" 2>&1 || { cat "$tmp/build"; return 1; }
	messages "$tmp/build" >"$tmp/messages"
	! comm -13 "$known" "$tmp/messages" | grep .
}

for option in y m n; do
	say "NET_FANOTIFY=$option"
	check "base builds, for its warnings, NET_FANOTIFY=$option" base_messages "$option"
	known=$(find "$cache/versions" -name "messages-$option-*" -printf '%T@ %p\n' | sort -rn | head -n 1 | cut -d' ' -f2)
	while read -r id subject; do
		check "builds with =$option: $subject" commit_builds "$option" "$id"
	done < <(git -C "$base" log --reverse --format='%h %s' "base..$commit")
done
