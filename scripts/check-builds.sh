# shellcheck shell=bash disable=SC2154
# Part of scripts/check: every commit builds the directories that the series
# touches, with W=1 and sparse, with the option =y, =m and =n, and SELinux.
# No warning may be there that the base does not have.

# shellcheck source=kconfig.sh
. "$top/scripts/kconfig.sh"

directories=(fs/notify net/fanotify security/selinux samples/fanotify)
objects=(fs/backing-file.o fs/super.o kernel/ucount.o net/socket.o net/core/sock.o)

# What a message says, without the place in a file that an edit moves, and
# without the lines that show the code. Those of a header come once for each
# file that includes it, and count once.
messages()
{
	grep -iE '(warning|error):' "$1" | sed -E "s,$tree/,,g; s/:[0-9]+(:[0-9]+)?:/:/g" |
		awk '!/\.h:/ || !seen[$0]++' | sort
}

# build_touched OPTION COMMIT: builds anew all that the series touches, since
# the compiler and sparse speak of a file only when they read it. The messages
# go to $tmp/messages.
build_touched()
{
	local option=$1 build=$cache/build/check-$1 dir targets=("${objects[@]}")
	git -C "$tree" checkout -q -f --detach "$2" || return 1
	for dir in "${directories[@]}"; do
		[ ! -d "$build/$dir" ] || find "$build/$dir" -name '*.o' -delete
		case $dir in
		net/fanotify | samples/fanotify)
			if [ "$option" = n ] || [ ! -f "$tree/net/fanotify/Makefile" ]; then
				continue
			fi
			;;
		esac
		targets+=("$dir/")
	done
	(cd "$build" 2>/dev/null && rm -f "${objects[@]}")
	{
		cat <<-END
			CONFIG_AUDIT=y
			CONFIG_SECURITY_SELINUX=y
			CONFIG_NET_FANOTIFY=$option
		END
		[ "$option" = n ] || cat <<-END
			CONFIG_HEADERS_INSTALL=y
			CONFIG_SAMPLES=y
			CONFIG_SAMPLE_FANOTIFY_SOCKET=y
		END
	} >"$tmp/fragment"
	(
		lock build
		kconfig "$tree" "$build" "${fragments_test[@]}" "$tmp/fragment" >"$tmp/build" 2>&1 || exit 1
		make -C "$tree" O="$build" CC="ccache gcc" -j"$(nproc)" LOCALVERSION= W=1 C=1 \
			headers "${targets[@]}" >"$tmp/build" 2>&1
	) || {
		cat "$tmp/build"
		return 1
	}
	messages "$tmp/build" >"$tmp/messages"
}

# What a build reads: the commit, but for what no kernel is built from.
build_key()
{
	{
		git -C "$base" ls-tree "$2" | grep -vE '	(Documentation|MAINTAINERS|tools)$'
		cat "${fragments_test[@]}" "$top"/scripts/{check-builds.sh,kconfig.sh}
		echo "$1"
		gcc --version
		sparse --version
	} | sha256sum | cut -c1-16
}

# The messages of the base are kept, and so is the fact that a commit is well.
builds()
{
	local option=$1 commit=$2 known well
	known=$cache/checked/messages-$(build_key "$option" base)
	well=$cache/checked/commit-$(build_key "$option" "$commit")
	mkdir -p "$cache/checked"
	if [ ! -f "$known" ]; then
		build_touched "$option" base || return 1
		mv "$tmp/messages" "$known"
	fi
	if [ ! -f "$well" ]; then
		build_touched "$option" "$commit" || return 1
		! comm -13 "$known" "$tmp/messages" | grep . || return 1
		touch "$well"
	fi
}

for option in y m n; do
	while read -r id subject; do
		check "builds with NET_FANOTIFY=$option: $subject" builds "$option" "$id"
	done < <(git -C "$base" log --reverse --format='%h %s' "base..$commit")
done
find "$cache/checked" -type f -mtime +30 -delete
