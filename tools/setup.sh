#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/setup.sh run|tree|image|efi|uboot|boards|test|verify|second|gdb: makes
# sure that the Debian packages which that target needs are there. What is
# missing is installed as root or through sudo; without either, the one command
# that would do it is printed and the script fails. When nothing is missing it
# only asks dpkg, and takes no time.
set -euo pipefail

target=${1:-test}
fail() { echo "hv8: $*" >&2; exit 1; }

command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
	fail "this needs Debian 12, or a system with its packages"

packages=(
	gcc-aarch64-linux-gnu		# compiles kernel and programs
	binutils-aarch64-linux-gnu
	picolibc-aarch64-linux-gnu	# the programs' C library
	qemu-system-arm			# the machine
	cpio				# packs the initrd
	python3				# writes the kernel's hash into it
	ca-certificates			# for mirrors reached by https
)
if [ "$(dpkg --print-architecture)" = arm64 ]; then
	packages+=(libfdt-dev)		# elsewhere tools/get_libfdt.sh gets it
fi
case $target in
run) ;;
tree) packages+=(device-tree-compiler) ;;	# for a machine that QEMU makes none for
image) packages+=(mtools) ;;	# writes FAT volumes without privilege
efi) packages+=(mtools qemu-efi-aarch64) ;;
uboot) packages+=(mtools u-boot-qemu) ;;
boards) packages+=(mtools u-boot-qemu qemu-efi-aarch64 device-tree-compiler) ;;	# all of them
gdb) packages+=(gdb-multiarch) ;;
verify) packages+=(python3 python3-z3 python3-pyelftools python3-numpy python3-pytest
	python3-hypothesis) ;;
second) packages+=(python3 python3-z3 python3-pyelftools python3-numpy cvc5) ;;
test) packages+=(gcc libc6-dev python3 python3-pexpect python3-pyelftools python3-hypothesis
	python3-z3 python3-numpy python3-pytest	# the specification's and the verifier's tests
	cvc5 z3 parallel		# the second opinion on exported queries
	qemu-user			# the machine that instructions are compared with
	libfdt-dev			# boot's reading of device trees, on this machine
	mtools dosfstools gdisk		# make the EFI image, and look at it
	qemu-efi-aarch64 u-boot-qemu	# firmware that starts it
	device-tree-compiler) ;;
*) fail "usage: tools/setup.sh run|tree|image|efi|uboot|boards|test|verify|second|gdb" ;;
esac

missing=()
# dpkg-query fails if it has never heard of one; what it says of the others counts.
installed=" $({
	dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true
} | sed -n 's/^installed //p' | tr '\n' ' ') "
for package in "${packages[@]}"; do
	case $installed in
	*" $package "*) ;;
	*) missing+=("$package") ;;
	esac
done

if [ ${#missing[@]} -gt 0 ]; then
	command="apt-get install -y --no-install-recommends ${missing[*]}"
	if [ "$(id -u)" = 0 ]; then
		as_root=(env DEBIAN_FRONTEND=noninteractive)
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
	else
		echo "hv8: some packages are missing; this installs them:" >&2
		echo "    sudo apt-get update && sudo $command" >&2
		exit 1
	fi
	echo "hv8: installing ${missing[*]}"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	for try in 1 2 3; do
		# The lists may be old, or not there at all.
		if "${as_root[@]}" apt-get -q update >"$log" 2>&1 &&
		   "${as_root[@]}" $command -q >>"$log" 2>&1 </dev/null; then
			break
		fi
		if [ "$try" = 3 ]; then
			tail -n 15 "$log" >&2
			fail "apt-get failed; the command was: $command"
		fi
		sleep 3
	done
fi

# Versions. What Debian 12 has is what is tested; older tools are refused.
at_least() {	# at_least NAME HAVE WANT
	local lowest
	lowest=$(printf '%s\n%s\n' "$2" "$3" | sort -V | head -n 1)
	[ "$lowest" = "$3" ] || fail "$1 $2 is too old: $3 or later is needed"
}
version_of() { dpkg-query -W -f '${Version}' "$1" | sed 's/^[0-9]*://'; }
at_least gcc-aarch64-linux-gnu "$(version_of gcc-aarch64-linux-gnu)" 12
at_least qemu-system-arm "$(version_of qemu-system-arm)" 7.2
at_least picolibc-aarch64-linux-gnu "$(version_of picolibc-aarch64-linux-gnu)" 1.8
