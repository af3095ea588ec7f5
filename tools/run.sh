#!/bin/bash
# SPDX-License-Identifier: MIT
#
# tools/run.sh [--gdb] --cpu CPU --gic 2|3 --cpus N --mem SIZE --dma on|off:
# boots build/hv8.img in QEMU with the serial console on this terminal.
#
# `mon:stdio` passes every key to the guest, ^C included, but for Ctrl-A:
# Ctrl-A x ends QEMU. It reads its standard input only as fast as the guest
# takes bytes from the UART, and goes on when the input has ended, so a pipe
# will do for a keyboard.
set -euo pipefail
fail() { echo "hv8: $*" >&2; exit 2; }

cpu=cortex-a57 gic=3 cpus=1 mem=512M dma=off gdb=()
while [ $# -gt 0 ]; do
	case $1 in
	--gdb) gdb=(-S -s); shift; continue ;;
	--cpu) cpu=$2 ;;
	--gic) gic=$2 ;;
	--cpus) cpus=$2 ;;
	--mem) mem=$2 ;;
	--dma) dma=$2 ;;
	*) fail "unknown option $1" ;;
	esac
	shift 2
done
case $gic in 2 | 3) ;; *) fail "GIC=$gic: only 2 and 3 exist" ;; esac
case $dma in on | off) ;; *) fail "DMA=$dma: on or off" ;; esac
case $cpus in [1-8]) ;; *) fail "CPUS=$cpus: 1 to 8" ;; esac

if [ ${#gdb[@]} -gt 0 ]; then
	echo "hv8: waiting for gdb; in another terminal:"
	echo "    gdb-multiarch build/hv8.elf -ex 'target remote :1234'"
fi
exec qemu-system-aarch64 \
	-machine "virt,virtualization=on,gic-version=$gic" \
	-cpu "$cpu" -smp "$cpus" -m "$mem" \
	-nodefaults -display none -serial mon:stdio \
	-kernel build/hv8.img -initrd build/initrd.cpio -append "dma=$dma" "${gdb[@]}"
