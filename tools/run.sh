#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/run.sh [--gdb] [--machine virt|versal|zcu102] [--boot kernel|efi|uboot] [--acpi 0|1]
# --cpu CPU --gic 2|3 --cpus N --mem SIZE --dma on|off [--uart kernel|process] [--disk FILE]
# [--disk2 FILE]: boots build/hv8.img in QEMU with the serial console on this terminal; by
# firmware from an EFI image, or by QEMU itself.
#
# `mon:stdio` passes every key to the guest, ^C included, but for Ctrl-A:
# Ctrl-A x ends QEMU. It reads its standard input only as fast as the guest
# takes bytes from the UART, and goes on when the input has ended, so a pipe
# will do for a keyboard.
set -euo pipefail
fail() { echo "hv8: $*" >&2; exit 2; }

machine=virt boot=kernel acpi=1 cpu=cortex-a57 gic=3 cpus=1 mem=512M dma=off uart=kernel
disk= disk2= gdb=()
while [ $# -gt 0 ]; do
	case $1 in
	--gdb) gdb=(-S -s); shift; continue ;;
	--machine) machine=$2 ;;
	--boot) boot=$2 ;;
	--acpi) acpi=$2 ;;
	--cpu) cpu=$2 ;;
	--gic) gic=$2 ;;
	--cpus) cpus=$2 ;;
	--mem) mem=$2 ;;
	--dma) dma=$2 ;;
	--uart) uart=$2 ;;
	--disk) disk=$2 ;;
	--disk2) disk2=$2 ;;
	*) fail "unknown option $1" ;;
	esac
	shift 2
done
case $gic in 2 | 3) ;; *) fail "GIC=$gic: only 2 and 3 exist" ;; esac
case $dma in on | off) ;; *) fail "DMA=$dma: on or off" ;; esac
case $uart in kernel | process) ;; *) fail "UART=$uart: kernel or process" ;; esac
case $cpus in [1-8]) ;; *) fail "CPUS=$cpus: 1 to 8" ;; esac
case $boot in kernel | efi | uboot) ;; *) fail "BOOT=$boot: kernel, efi or uboot" ;; esac
case $acpi in
0) acpi=off ;;
1) acpi=on ;;
*) fail "ACPI=$acpi: 0 or 1" ;;
esac

words=(-m "$mem" -nodefaults -display none)
case $machine in
virt)
	machine=virt,virtualization=on,gic-version=$gic
	words+=(-cpu "$cpu" -smp "$cpus") ;;
versal)	# its cores and its interrupt controller are what they are
	[ "$boot" = kernel ] || fail "MACHINE=versal: only with BOOT=kernel"
	machine=xlnx-versal-virt
	words+=(-audiodev none,id=none) ;;
zcu102)	# the same, and QEMU makes no device tree for it
	[ "$boot" = kernel ] || fail "MACHINE=zcu102: only with BOOT=kernel"
	machine=xlnx-zcu102,virtualization=on
	words+=(-audiodev none,id=none -dtb build/zcu102.dtb) ;;
*) fail "MACHINE=$machine: virt, versal or zcu102" ;;
esac
# The first slots: before the disk that firmware boots from, so that they are disk0 and disk1.
attach() {
	case $machine in xlnx*) fail "$1=$2: this machine has no virtio-mmio" ;; esac
	[ -f "$2" ] || fail "$1=$2: no such file; truncate -s 64M FILE makes one"
	words+=(-drive "file=${2//,/,,},format=raw,if=none,id=$1"
		-device "virtio-blk-device,drive=$1,bus=virtio-mmio-bus.$3")
}
[ -z "$disk" ] || attach DISK "$disk" 0
[ -z "$disk2" ] || attach DISK2 "$disk2" 1
if [ ${#gdb[@]} -gt 0 ]; then
	echo "hv8: waiting for gdb; in another terminal:"
	echo "    gdb-multiarch build/hv8.elf -ex 'target remote :1234'"
fi
qemu=(qemu-system-aarch64 -machine "$machine" "${words[@]}" -serial mon:stdio "${gdb[@]}")
by_qemu=(-kernel build/hv8.img -initrd build/initrd.cpio -append "dma=$dma uart=$uart")
case $boot:$machine in
kernel:xlnx-zcu102*) ;;
kernel:*) exec "${qemu[@]}" "${by_qemu[@]}" ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A firmware takes keys, and a key stops U-Boot; a UART whose receiver is off drops them. So what a
# pipe holds waits until the guest has said something.
start_after() {
	if [ -t 0 ]; then
		"${qemu[@]}"
		return
	fi
	exec 3<&0
	mkfifo "$folder/keys"
	: > "$folder/said"
	{
		until grep -q "$1" "$folder/said"; do
			sleep 0.2
			[ -e "$folder/said" ] || exit 0	# killed while it waited
		done
		exec cat <&3
	} > "$folder/keys" &
	local keys=$! status=0
	"${qemu[@]}" < "$folder/keys" | tee "$folder/said" || status=$?
	kill "$keys" 2>/dev/null || true
	return "$status"
}

if [ "$boot" = kernel ]; then
	qemu+=("${by_qemu[@]}")
	start_after "hv8: version"
	exit
fi

# A firmware that offers ACPI offers no device tree: QEMU's own goes into the image.
tree=()
firmware=/usr/lib/u-boot/qemu_arm64/u-boot.bin
if [ "$boot" = efi ]; then
	firmware=/usr/share/qemu-efi-aarch64/QEMU_EFI.fd
	machine+=,acpi=$acpi
fi
if [ "$boot" = efi ] && [ "$acpi" = on ]; then
	qemu-system-aarch64 -machine "$machine,dumpdtb=$folder/machine.dtb" "${words[@]}" \
		>"$folder/log" 2>&1 || fail "QEMU makes no device tree: $(cat "$folder/log")"
	tree=(--dtb "$folder/machine.dtb")
fi
/usr/bin/python3 tools/efi_image.py --out "$folder/disk.img" --loader build/BOOTAA64.EFI \
	--kernel build/hv8.img --initrd build/initrd.cpio --args "dma=$dma uart=$uart" "${tree[@]}"

qemu+=(-machine "$machine" -bios "$firmware"
	-drive "file=$folder/disk.img,format=raw,if=none,id=disk,snapshot=on"
	-device virtio-blk-device,drive=disk)
start_after "leaving the firmware for the kernel"
