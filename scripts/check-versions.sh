# shellcheck shell=bash disable=SC2154
# Part of scripts/check: the series applies with git am to every version of
# the base that Debian offers. Of each only the files that the series touches
# are kept, in a git repository of their own.

touched=$(git -C "$base" diff-tree -r --name-only --diff-filter=M base "$commit")

# version_tree VERSION: fetch it and print its repository
version_tree()
{
	local version=$1 dir work tarball
	dir=$cache/versions/$version-$(sha256sum <<<"$touched" | cut -c1-12)
	if [ -d "$dir" ]; then
		echo "$dir"
		return
	fi
	work=$tmp/version
	rm -rf "$work"
	mkdir -p "$work/tree" "$cache/versions"
	chmod 755 "$tmp" "$work"
	(cd "$work" && apt-get -q download "linux-source-6.12=$version") >&2 || return 1
	dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -x -C "$work" ./usr/src/linux-source-6.12.tar.xz || return 1
	tarball=$work/usr/src/linux-source-6.12.tar.xz
	# A file that this version does not have is for git am to complain of.
	awk '{ print "linux-source-6.12/" $0 }' <<<"$touched" >"$work/list"
	tar -x -C "$work/tree" --strip-components=1 -f "$tarball" -T "$work/list" >&2 || true
	git -C "$work/tree" init -q
	git -C "$work/tree" add -A -f
	git -C "$work/tree" -c user.name=check -c user.email=check@invalid commit -q -m "$version"
	git -C "$work/tree" tag base
	mv "$work/tree" "$dir"
	rm -rf "$work"
	echo "$dir"
}

applies_to_version()
{
	local dir
	dir=$(version_tree "$1") || { echo "apt-get download failed"; return 1; }
	git -C "$dir" am --abort 2>/dev/null
	git -C "$dir" checkout -q -f --detach base || return 1
	GIT_COMMITTER_NAME=check GIT_COMMITTER_EMAIL=check@invalid \
		git -C "$dir" am -q --empty=drop "$tmp"/out/*.patch
}

mapfile -t versions < <(apt-cache madison linux-source-6.12 |
	awk -F'|' '{ gsub(/ /, "", $2); print $2 }' | sort -u)
if [ ${#versions[@]} -lt 3 ]; then
	say "Debian offers ${#versions[@]} version(s) of linux-source-6.12 here, less than the three that there should be"
fi
check "Debian offers a version of linux-source-6.12" [ ${#versions[@]} -gt 0 ]
for version in "${versions[@]}"; do
	check "git am on linux-source-6.12 $version" applies_to_version "$version"
done
