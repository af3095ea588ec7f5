#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/get_libfdt.sh DIR: puts Debian's static libfdt for AArch64 and its
# headers at DIR/libfdt.a and DIR/include.
#
# On an arm64 host the installed package serves. Elsewhere the package of the
# foreign architecture is downloaded with package lists, cache and status of
# our own, so that the configuration of the host stays as it is and no
# privilege is needed. apt checks the archive's signature as always.
set -euo pipefail

dest=$1
fail() { echo "hv8: $*" >&2; exit 1; }

place() {	# place LIBRARY HEADERS
	mkdir -p "$dest/include"
	cp "$2"/fdt.h "$2"/libfdt.h "$2"/libfdt_env.h "$dest/include/"
	cp "$1" "$dest/libfdt.a.new"
	mv "$dest/libfdt.a.new" "$dest/libfdt.a"
}

if [ "$(dpkg --print-architecture)" = arm64 ]; then
	lib=/usr/lib/aarch64-linux-gnu/libfdt.a
	[ -e "$lib" ] || fail "libfdt-dev is not installed: run tools/setup.sh"
	place "$lib" /usr/include
	exit 0
fi

mkdir -p "$dest"
work=$(cd "$dest" && pwd)/apt
log=$work/log
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/parts" "$work/deb"
: > "$work/status"
: > "$log"

# Only Debian's own archive, from the mirror that the host uses for it if that
# can be told, else from the public one.
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
mirror=$(sed -n -E \
	-e 's/^URIs:\s*(\S*\/debian\/?)(\s.*)?$/\1/p' \
	-e 's/^deb\s+(\[[^]]*\]\s+)?(\S*\/debian\/?)\s.*$/\2/p' \
	/etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
	2>/dev/null | head -n 1 || true)

options=(
	-o APT::Architecture=arm64 -o APT::Architectures::=arm64
	-o Dir::State="$work" -o Dir::State::Lists="$work/lists"
	-o Dir::State::status="$work/status"
	-o Dir::Cache="$work/cache" -o Dir::Etc::SourceParts="$work/parts"
	-o Dir::Etc::SourceList="$work/sources.list"
	-o Acquire::Languages=none -o Acquire::Retries=3 -o Acquire::http::Timeout=30
	-o APT::Sandbox::User=root -o Debug::NoLocking=1 -q
)

get() {		# get MIRROR
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$keyring] $1 $release main" > "$work/sources.list"
	rm -f "$work"/deb/*.deb
	apt-get "${options[@]}" update >> "$log" 2>&1 || return 1
	(cd "$work/deb" &&
		apt-get "${options[@]}" download libfdt-dev:arm64 >> "$log" 2>&1) || return 1
}

got=
for m in "$mirror" "$mirror" http://deb.debian.org/debian; do
	[ -n "$m" ] || continue
	if get "$m"; then got=yes; break; fi
	sleep 2
done
if [ -z "$got" ]; then
	tail -n 5 "$log" >&2
	fail "libfdt-dev:arm64 could not be downloaded from Debian's archive" \
		"(is this machine offline?); all of apt's words are in $log"
fi

deb=$(ls "$work"/deb/libfdt-dev_*_arm64.deb)
dpkg -x "$deb" "$work/root"
lib=$(find "$work/root/usr/lib" -name libfdt.a)
place "$lib" "$work/root/usr/include"
rm -rf "$work"
