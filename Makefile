# SPDX-License-Identifier: MIT
#
# hv8: `make help` lists what there is to make.
#
# Nothing here runs a tool while the file is being read, so that `make help`
# and `make run` work on a machine that has only git, make and a C compiler:
# `run`, `test`, `bench` and their like first call tools/setup.sh, which
# installs the rest, and then this same Makefile for `build`.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := build
export LC_ALL := C

# ---- options of `make run` -----------------------------------------------------

CPUS ?= 1
GIC ?= 3
CPU ?= cortex-a57
MEM ?= 512M
DMA ?= off
# Whose the UART is: the kernel's, or that of a process, the console's server.
UART ?= kernel
# Images that are virtio disks of the machine; programs can use them with DMA=on.
DISK ?=
DISK2 ?=
# QEMU's virt, or versal (xlnx-versal-virt), or zcu102 (xlnx-zcu102): both with RAM at 0.
MACHINE ?= virt
# What starts the kernel: QEMU itself (kernel), EDK2 (efi) or U-Boot (uboot).
BOOT ?= kernel
# Whether EDK2 offers ACPI tables, or else the device tree.
ACPI ?= 1

# ---- tools -------------------------------------------------------------------

CROSS ?= aarch64-linux-gnu-
XCC := $(CROSS)gcc
XAR := $(CROSS)ar
XOBJCOPY := $(CROSS)objcopy
PYTHON := /usr/bin/python3
QEMU := qemu-system-aarch64
V ?= 0
ifeq ($(V),0)
say = @printf '  %-8s%s\n' '$(1)' '$(2)'
Q := @
else
say = @:
Q :=
endif

B := build
# What ships is -O2. `make verify-all` proves the others, too, in folders of their own.
OPT := -O2

# ---- code generation -----------------------------------------------------------
#
# What boots is what is to be proved, so each flag that shapes the code has its
# reason. They hold for kernel and user alike unless a section says otherwise.

CODEGEN :=
# Cortex-A53 is the baseline: no LSE atomics, no PAN, no VHE.
CODEGEN += -march=armv8-a
# One fixed address, no GOT: Debian's GCC makes position-independent code by
# default. Everything is within reach of adrp.
CODEGEN += -fno-pic -mcmodel=small
# Atomics stay LDXR/STXR in place and do not become calls to __aarch64_*.
CODEGEN += -mno-outline-atomics
# Device memory and memory with the MMU off take no unaligned access.
CODEGEN += -mstrict-align
# Signed overflow wraps, types do not promise that pointers differ, a null
# pointer is an address: one meaning for each line of C, at each level of
# optimisation.
CODEGEN += -fwrapv -fno-strict-aliasing -fno-delete-null-pointer-checks
# Otherwise a path that dereferences null becomes `brk #0x3e8`.
CODEGEN += -fno-isolate-erroneous-paths-dereference
# No code or data that the source does not show: guards, BTI and PAC
# landing pads, unwind tables, tentative definitions merged by the linker.
CODEGEN += -fno-stack-protector -mbranch-protection=none
CODEGEN += -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-common
# x18 is the platform register: no code of ours touches it.
CODEGEN += -ffixed-x18
# Cortex-A53 erratum 843419: an adrp in the last two words of a 4 KiB page,
# followed by a load or store and then by one that uses the adrp's result, may
# access a wrong address. The linker turns such an adrp into adr, or moves the
# last access into a veneer. HiKey is a Cortex-A53 and an early one, so the fix
# is on; tests/layout checks that no such sequence is left.
CODEGEN += -mfix-cortex-a53-843419
# Cortex-A53 erratum 835769: a 64-bit multiply-accumulate directly after a load
# or store may give a wrong result. GCC puts a nop between the two. On for the
# same reason; handlers hardly multiply, so it costs next to nothing.
CODEGEN += -mfix-cortex-a53-835769

KERNEL_CODEGEN := $(CODEGEN)
# FP and SIMD registers belong to processes: the kernel saves them lazily, so
# no struct copy may use q0 and no zeroing loop v0.
KERNEL_CODEGEN += -mgeneral-regs-only
# A switch stays compares and branches: no indirect `br`, no table in rodata.
KERNEL_CODEGEN += -fno-jump-tables -fno-tree-switch-conversion
# Loops and struct copies do not become calls of memset and memcpy. GCC may
# still emit them for large copies, and then the link fails: there are none.
KERNEL_CODEGEN += -ffreestanding -fno-tree-loop-distribute-patterns
# A function stays one symbol with one body that keeps to the procedure call
# standard: no merging, splitting, cloning, or callers that know which
# registers a callee leaves alone.
KERNEL_CODEGEN += -fno-ipa-icf -fno-ipa-sra -fno-ipa-cp -fno-ipa-ra
KERNEL_CODEGEN += -fno-partial-inlining -fno-reorder-blocks-and-partition
# Frames have a size known at compile time, which the stack bound rests on.
KERNEL_CODEGEN += -Wvla -Wframe-larger-than=512

WARN := -Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wmissing-prototypes -Wstrict-prototypes
# The ELF does not depend on where it was built.
DEBUG := -g -fdebug-prefix-map=$(CURDIR)=. -fdebug-prefix-map=$(B)/=build/

PICOLIBC := /usr/lib/picolibc/aarch64-linux-gnu

# ---- kernel --------------------------------------------------------------------

KERNEL_C := $(filter-out kernel/asm-offsets.c,$(sort $(wildcard kernel/*.c)))
KERNEL_S := $(sort $(wildcard kernel/*.S))
KERNEL_OBJ := $(KERNEL_C:%.c=$(B)/%.o) $(KERNEL_S:%.S=$(B)/%.S.o)

KERNEL_CPPFLAGS := -Iinclude -Ikernel -I$(B)/gen
# Only the boot section sees libfdt's headers, which include a few of the C
# library's; picolibc's serve, for their declarations alone.
BOOT_CPPFLAGS := -isystem $(B)/libfdt/include -isystem $(PICOLIBC)/include
KERNEL_CFLAGS := -std=gnu11 $(OPT) $(DEBUG) $(WARN) $(KERNEL_CODEGEN)
KERNEL_LDFLAGS := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,--fatal-warnings \
	-Wl,--orphan-handling=error -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 \
	-Wl,-Map=$(B)/hv8.map -mfix-cortex-a53-843419 -mfix-cortex-a53-835769

boot_flags = $(if $(filter kernel/boot%,$(1)),$(BOOT_CPPFLAGS))
kernel_cc = $(XCC) $(KERNEL_CPPFLAGS) $(call boot_flags,$(1)) $(KERNEL_CFLAGS)
kernel_as = $(XCC) $(KERNEL_CPPFLAGS) $(DEBUG) -march=armv8-a -D__ASSEMBLY__

# ---- EFI loader ------------------------------------------------------------------

LOADER_C := $(sort $(wildcard bootloader/*.c))
LOADER_S := $(sort $(wildcard bootloader/*.S))
LOADER_OBJ := $(LOADER_C:%.c=$(B)/%.o) $(LOADER_S:%.S=$(B)/%.S.o)
LOADER_CPPFLAGS := -Iinclude -Ibootloader $(BOOT_CPPFLAGS)
LOADER_CODEGEN := $(filter-out -fno-pic -mcmodel=small,$(CODEGEN))
# The firmware chooses where it runs.
LOADER_CODEGEN += -fpie -fvisibility=hidden -ffreestanding
LOADER_CFLAGS := -std=gnu11 -O2 $(DEBUG) $(WARN) $(LOADER_CODEGEN)
LOADER_LDFLAGS := -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,--build-id=none \
	-Wl,--fatal-warnings -Wl,--orphan-handling=error -Wl,-z,noexecstack -Wl,-z,text \
	-Wl,-Bsymbolic -T bootloader/efi.ld
loader_cc = $(XCC) $(LOADER_CPPFLAGS) $(LOADER_CFLAGS)
loader_as = $(XCC) $(LOADER_CPPFLAGS) $(DEBUG) -march=armv8-a -D__ASSEMBLY__

# ---- user ------------------------------------------------------------------------

LIB_C := $(sort $(wildcard user/lib/*.c))
LIB_S := $(sort $(wildcard user/lib/*.S))
LIB_OBJ := $(LIB_C:%.c=$(B)/%.o) $(LIB_S:%.S=$(B)/%.S.o)

# A program is a file user/apps/NAME.c or all the files of user/apps/NAME/; a
# server, which others start and call, all the files of user/servers/NAME/.
APP_FILES := $(sort $(wildcard user/apps/*.c))
APP_DIR_C := $(sort $(wildcard user/apps/*/*.c user/servers/*/*.c))
APP_DIR_S := $(sort $(wildcard user/apps/*/*.S user/servers/*/*.S))
APP_DIRS := $(sort $(notdir $(patsubst %/,%,$(dir $(APP_DIR_C)))))
APPS := $(sort $(APP_FILES:user/apps/%.c=%) $(APP_DIRS))
APP_ELF := $(APPS:%=$(B)/user/bin/%)
APP_OBJ := $(APP_FILES:%.c=$(B)/%.o) $(APP_DIR_C:%.c=$(B)/%.o) $(APP_DIR_S:%.S=$(B)/%.S.o)

USER_CPPFLAGS := -Iinclude -Iuser/lib/include -Iuser/lib -isystem $(PICOLIBC)/include
USER_CFLAGS := -std=gnu11 -O2 $(DEBUG) $(WARN) $(CODEGEN)
# A program that dies prints its own backtrace along the frame pointers.
USER_CFLAGS += -fno-omit-frame-pointer
# Programs are linked statically: the offset of a thread variable is known.
USER_CFLAGS += -ftls-model=local-exec
# The linker drops what a program does not use.
USER_CFLAGS += -ffunction-sections -fdata-sections
user_cc = $(XCC) $(USER_CPPFLAGS) $(USER_CFLAGS)
user_as = $(XCC) $(USER_CPPFLAGS) $(DEBUG) -march=armv8-a -D__ASSEMBLY__
USER_LDFLAGS := -nostartfiles -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,-z,max-page-size=4096 -Wl,--gc-sections -L$(PICOLIBC)/lib -T user/user.ld \
	-mfix-cortex-a53-843419 -mfix-cortex-a53-835769
USER_LDLIBS := -Wl,--start-group $(B)/user/libhv8.a -lc -lm -lgcc -Wl,--end-group

FILES := $(sort $(wildcard user/files/*))

# ---- what to make ------------------------------------------------------------------

.PHONY: build kernel trees user initrd efi-image dist setup run test verify verify-all export \
	report trust mutants test-spec replay stress bench throughput gdb size docs clean help

build: kernel initrd
kernel: $(B)/hv8.img
trees: $(B)/zcu102.dtb
user: $(APP_ELF)
initrd: $(B)/initrd.cpio

# For a machine that QEMU makes no device tree for.
$(B)/%.dtb: tools/boards/%.dts
	@mkdir -p $(@D)
	$(call say,DTC,$@)
	$(Q)dtc -q -I dts -O dtb -o $@ $<

# ---- for other machines ------------------------------------------------------------

# DTB: a device tree for firmware that offers none. SIZE in MiB.
IMAGE_OPTIONS = $(if $(DTB),--dtb '$(DTB)' --dtb-from $(or $(DTB_FROM),firmware)) \
	$(if $(ARGS),--args '$(ARGS)') $(if $(SIZE),--size '$(SIZE)')
efi-image:
	@tools/setup.sh image </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build $(B)/BOOTAA64.EFI </dev/null
	@$(PYTHON) tools/efi_image.py --out $(B)/hv8-efi.img --loader $(B)/BOOTAA64.EFI \
		--kernel $(B)/hv8.img --initrd $(B)/initrd.cpio $(IMAGE_OPTIONS)
	@echo '$(B)/hv8-efi.img: docs/boards.md says how to put it on a card'

# What is given away, and its checksums. The same sources give the same bytes.
DIST := hv8.elf hv8.img initrd.cpio BOOTAA64.EFI
dist: efi-image
	@rm -rf $(B)/dist && mkdir -p $(B)/dist
	@cp $(DIST:%=$(B)/%) LICENSE $(B)/dist/
	@gzip -n -9 < $(B)/hv8-efi.img > $(B)/dist/hv8-efi.img.gz
	@cd $(B)/dist && chmod 644 * && sha256sum * > SHA256SUMS && cat SHA256SUMS

help:
	@printf '%s\n' \
	'make run       install what is missing, build, boot; the shell is on this terminal' \
	'               (leave with `halt`, or with Ctrl-A x). Options, with their defaults:' \
	'               CPUS=1 GIC=3 (or 2) CPU=cortex-a57 (cortex-a53, cortex-a72, max) MEM=512M' \
	'               DMA=off (on: devices that may do DMA are handed out too)' \
	'               UART=kernel (process: the console'"'"'s server drives it)' \
	'               DISK= DISK2= (files that are virtio disks: with DMA=on, for blk)' \
	'               MACHINE=virt (versal: xlnx-versal-virt, RAM at 0, GICv3;' \
	'               zcu102: xlnx-zcu102, RAM at 0, GICv2, Cortex-A53, another UART)' \
	'               BOOT=kernel (efi: by EDK2, uboot: by U-Boot, both from the EFI image)' \
	'               ACPI=1' \
	'make efi-image a disk image for UEFI machines: build/hv8-efi.img (DTB= ARGS= SIZE=64);' \
	'               docs/boards.md says what to do with it' \
	'make dist      images and checksums in build/dist/' \
	'make test      install what is missing, build, run every test;' \
	'               the last line is "N passed, N failed". Some: make test T="host layout"' \
	'               HICCUPS=500: machines are stopped at random, for as many ms at most' \
	'make bench     instructions for each operation, beside other systems; fails if one takes' \
	'               more than is proved' \
	'make throughput  null hypercalls and calls on 1 to CPUS=4 cores beside one: by the' \
	'               clock (SECONDS=1) and, whatever the host has, an instruction of each' \
	'               core at a time; GIC=3' \
	'make verify    prove hypercalls of build/hv8.elf against spec/. Some: HC=alloc_frame' \
	'               T=T1; HC=vectors is the assembly from exception to eret, HC=trap_irq a' \
	'               trap; T=T4 boots it on each supported machine and checks the state that' \
	'               boot leaves; docs/verify.md says what is proved' \
	'               SOLVER=both: cvc5 is asked all that Z3 has proved, LIMIT=60 seconds each' \
	'make export    prove, and write each query of the proofs into an empty folder:' \
	'               OUT=folder HC= T=;' \
	'               docs/verify.md says how to spread them over several machines' \
	'make verify-all  the same of the kernel built with -O0, -O1, -O2 and -Os: LEVELS="O0 Os"' \
	'make mutants   plant 300 faults, one at a time, and show that the verifier notices' \
	'               each: SEED=1 COUNT=300 MUTANT=text-of-its-name' \
	'               KIND=c (binary, spec, invariant, barrier, vectors)' \
	'make report    where the last report of make verify is, as a page' \
	'make trust     write the generated section of TRUST.md, from that report' \
	'make test-spec random hypercalls on the specification: invariants after each step' \
	'make replay    the running kernel beside spec/, hypercall by hypercall: SEED=1' \
	'               COUNT=100000' \
	'make stress    several cores under load, stopped at random, and every invariant looked' \
	'               at: MINUTES=5 CPUS=4 GIC=3 SEED=1' \
	'make gdb       boot, stop before the first instruction, and wait for gdb' \
	'make build     build only: build/hv8.img and build/initrd.cpio (V=1 shows the commands)' \
	'make size      how large the kernel is once boot is over, and its specification' \
	'make docs      write docs/hypercalls.md from include/uapi and spec/' \
	'make compile_commands.json   for clangd and other tools' \
	'make setup     only install what is missing' \
	'make clean     remove build/'

setup:
	@tools/setup.sh test </dev/null

# All cores, unless make was told how many.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc))

# In its own make, because the files to build are looked at after set-up, and
# one at a time, because several of these may be started at once.
RUN_PACKAGES = $(if $(filter efi uboot,$(BOOT)),$(BOOT),$(if $(filter zcu102,$(MACHINE)),tree,run))
run:
	@tools/setup.sh $(RUN_PACKAGES) </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build \
		$(if $(filter efi uboot,$(BOOT)),$(B)/BOOTAA64.EFI) \
		$(if $(filter zcu102,$(MACHINE)),trees) </dev/null
	@$(PYTHON) tools/proved.py $(B)
	@exec tools/run.sh --machine '$(MACHINE)' --boot '$(BOOT)' --acpi '$(ACPI)' --cpu '$(CPU)' \
		--gic '$(GIC)' --cpus '$(CPUS)' --mem '$(MEM)' --dma '$(DMA)' --uart '$(UART)' \
		--disk '$(DISK)' --disk2 '$(DISK2)'

gdb:
	@tools/setup.sh gdb </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec tools/run.sh --gdb --cpu '$(CPU)' --gic '$(GIC)' --cpus '$(CPUS)' --mem '$(MEM)' \
		--dma '$(DMA)' --uart '$(UART)'

test:
	@tools/setup.sh test </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build trees $(B)/BOOTAA64.EFI \
		compile_commands.json </dev/null
	@exec $(PYTHON) tests/run.py $(T)

# HC=name[,name] and T=T1|T2|... choose some: hypercalls, vectors, traps. T4, which is of no
# hypercall, boots: for it the programs are built too. SOLVER=both asks cvc5, too, with LIMIT
# seconds of processor time for each query; EXPORT=folder writes all queries there.
verify:
	@tools/setup.sh $(if $(filter both,$(SOLVER)),second,verify) </dev/null
	@$(if $(findstring T4,$(T)),tools/setup.sh boards </dev/null)
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) $(if $(HC),kernel,build \
		$(if $(findstring T4,$(T)),trees) $(B)/BOOTAA64.EFI) </dev/null
	@exec $(PYTHON) -m verif --out $(B)/verify $(if $(HC),--hc '$(HC)') \
		$(if $(T),--theorem $(T)) $(if $(SOLVER),--solver $(SOLVER)) \
		$(if $(LIMIT),--limit $(LIMIT)) $(if $(EXPORT),--export '$(EXPORT)')

# The queries of a proof, for other solvers and machines.
export:
	@test -n '$(OUT)' || { echo 'make export OUT=folder' >&2; exit 2; }
	@exec $(MAKE) verify EXPORT='$(OUT)'

# The same source by other levels of optimisation, each in a folder of its own: shows
# that the proofs rest on no habit of one of them. LEVELS=O1 chooses; HC and T as above.
LEVELS := O0 O1 O2 Os
# What several hypercalls end with is proved by itself, and entered by a branch: -O1 would call it.
TAIL_CALLS := -foptimize-sibling-calls
verify-all:
	@tools/setup.sh verify </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build $(B)/BOOTAA64.EFI </dev/null
	@status=0; for level in $(LEVELS); do d=$(B)/levels/$$level; \
	  mkdir -p $$d; cp -a $(B)/libfdt $(B)/BOOTAA64.EFI $$d/; \
	  flock $$d/lock $(MAKE) $(JOBS) kernel B=$$d OPT="-$$level $(TAIL_CALLS)" </dev/null; \
	  $(PYTHON) -m verif --elf $$d/hv8.elf --initrd $(B)/initrd.cpio --out $$d/verify \
		$(if $(HC),--hc '$(HC)') $(if $(T),--theorem $(T)) || status=1; \
	done; exit $$status

# Goes on where it was interrupted, unless a source has changed.
mutants:
	@tools/setup.sh verify </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec $(PYTHON) tests/verif/mutants.py $(if $(SEED),--seed $(SEED)) \
		$(if $(COUNT),--count $(COUNT)) $(if $(KIND),--kind $(KIND)) \
		$(if $(MUTANT),--only $(MUTANT))

report:
	@test -f $(B)/verify/report.html || { echo 'no report: run make verify' >&2; exit 1; }
	@echo '$(CURDIR)/$(B)/verify/report.html'

trust:
	@tools/setup.sh verify </dev/null
	@exec $(PYTHON) tools/trust.py

test-spec:
	@tools/setup.sh verify </dev/null
	@exec $(PYTHON) -m pytest -p no:cacheprovider tests/spec

# SEED and COUNT choose; docs/verify.md says what is compared.
replay:
	@tools/setup.sh test </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec $(PYTHON) tests/replay/main.py $(if $(SEED),--seed $(SEED)) \
		$(if $(COUNT),--count $(COUNT))

# MINUTES, CPUS, GIC and SEED choose.
stress:
	@tools/setup.sh test </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec $(PYTHON) tests/stress/main.py $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) --gic $(GIC) \
		--cpus $(if $(filter file,$(origin CPUS)),4,$(CPUS))

bench:
	@tools/setup.sh test </dev/null
	@tools/setup.sh verify </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec $(PYTHON) tools/bench.py

# CPUS, GIC, CPU and SECONDS, of each row, choose.
throughput:
	@tools/setup.sh test </dev/null
	@mkdir -p $(B) && flock $(B)/lock $(MAKE) $(JOBS) build </dev/null
	@exec $(PYTHON) tools/throughput.py --cpus $(if $(filter file,$(origin CPUS)),4,$(CPUS)) \
		--gic '$(GIC)' --cpu '$(CPU)' $(if $(SECONDS),--seconds '$(SECONDS)')

size: $(B)/hv8.elf
	@$(PYTHON) tools/size.py $<
	@exec $(PYTHON) tools/spec_lines.py

docs:
	@tools/setup.sh verify </dev/null
	@exec $(PYTHON) tools/gen_reference.py \
		include/uapi/hypercall.def include/uapi/abi.h docs/hypercalls.md

clean:
	rm -rf $(B) compile_commands.json

# ---- rules: kernel -------------------------------------------------------------------

$(B)/kernel/%.o: kernel/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(call kernel_cc,$<) -MMD -MP -c -o $@ $<

$(B)/kernel/%.S.o: kernel/%.S Makefile
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(kernel_as) -MMD -MP -c -o $@ $<

# The compiler works the offsets out; nobody types them. Each line
# `->NAME value` of its assembly becomes a #define.
$(B)/gen/asm-offsets.s: kernel/asm-offsets.c Makefile
	$(call say,GEN,$(B)/gen/asm-offsets.h)
	@mkdir -p $(@D)
	$(Q)$(call kernel_cc,$<) -MMD -MP -S -o $@ $<

$(B)/gen/asm-offsets.h: $(B)/gen/asm-offsets.s
	$(Q){ echo '/* Generated from kernel/asm-offsets.c. */'; \
	  sed -nE 's/^\s*\.ascii\s*"->(\w+) [$$#]*(-?[0-9]+).*"$$/#define \1 \2/p' $<; } > $@.new
	@grep -q '^#define' $@.new || { echo 'asm-offsets.c defines nothing' >&2; exit 1; }
	$(Q)mv $@.new $@

# All that includes a generated header waits for it to exist.
$(KERNEL_S:%.S=$(B)/%.S.o): | $(if $(wildcard kernel/asm-offsets.c),$(B)/gen/asm-offsets.h)
$(patsubst %.c,$(B)/%.o,$(filter kernel/boot%,$(KERNEL_C))): | $(B)/libfdt/libfdt.a

$(B)/gen/linker.lds: linker.ld Makefile
	@mkdir -p $(@D)
	$(Q)$(XCC) -E -P -undef -x assembler-with-cpp $(KERNEL_CPPFLAGS) -D__ASSEMBLY__ \
		-MMD -MP -MT $@ -MF $@.d -o $@ $<

# What boots prints the hash of this file, and what is proved must hold it.
$(B)/hv8.elf: $(KERNEL_OBJ) $(B)/gen/linker.lds $(B)/libfdt/libfdt.a tools/stamp.py
	$(call say,LD,$@)
	$(Q)$(XCC) $(KERNEL_LDFLAGS) -T $(B)/gen/linker.lds -o $@.new \
		$(KERNEL_OBJ) $(B)/libfdt/libfdt.a
	$(Q)$(PYTHON) tools/stamp.py $@.new && mv $@.new $@

$(B)/hv8.img: $(B)/hv8.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(XOBJCOPY) -O binary $< $@

# ---- rules: EFI loader -----------------------------------------------------------------

$(B)/bootloader/%.o: bootloader/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(loader_cc) -MMD -MP -c -o $@ $<

$(B)/bootloader/%.S.o: bootloader/%.S Makefile
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(loader_as) -MMD -MP -c -o $@ $<

$(LOADER_OBJ): | $(B)/libfdt/libfdt.a

$(B)/loader.elf: $(LOADER_OBJ) bootloader/efi.ld $(B)/libfdt/libfdt.a
	$(call say,LD,$@)
	$(Q)$(XCC) $(LOADER_LDFLAGS) -o $@ $(LOADER_OBJ) \
		$(B)/libfdt/libfdt.a -L$(PICOLIBC)/lib -lc -lgcc

$(B)/BOOTAA64.EFI: $(B)/loader.elf
	$(call say,OBJCOPY,$@)
	$(Q)$(XOBJCOPY) -O binary $< $@

# libfdt for AArch64 is Debian's; no other code is linked into the kernel.
$(B)/libfdt/libfdt.a: tools/get_libfdt.sh
	$(call say,GET,libfdt-dev:arm64)
	$(Q)tools/get_libfdt.sh $(B)/libfdt </dev/null

# ---- rules: user -----------------------------------------------------------------------

$(B)/user/%.o: user/%.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(user_cc) -MMD -MP -c -o $@ $<

$(B)/user/%.S.o: user/%.S Makefile
	$(call say,AS,$<)
	@mkdir -p $(@D)
	$(Q)$(user_as) -MMD -MP -c -o $@ $<

$(B)/user/libhv8.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(XAR) rcsD $@ $(LIB_OBJ)

app_objects = $(filter $(B)/user/apps/$(1).o $(B)/user/apps/$(1)/% \
	$(B)/user/servers/$(1)/%,$(APP_OBJ))
define app_rule
$(B)/user/bin/$(1): $(call app_objects,$(1)) $(B)/user/libhv8.a user/user.ld
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(XCC) $$(USER_LDFLAGS) -o $$@ $(call app_objects,$(1)) $$(USER_LDLIBS)
endef
$(foreach app,$(APPS),$(eval $(call app_rule,$(app))))

# The archive holds each program without its debug information but with its
# symbols, which its backtraces name, and the files of user/files/; all are
# owned by root and dated 1970: same input, same bytes.
# The name list changes when a program comes or goes.
$(B)/initrd.list: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(APPS) $(notdir $(FILES)) | sort | cmp -s - $@ || \
		printf '%s\n' $(APPS) $(notdir $(FILES)) | sort > $@

$(B)/initrd.cpio: $(APP_ELF) $(FILES) $(B)/initrd.list Makefile
	$(call say,CPIO,$@)
	$(Q)rm -rf $(B)/initrd && mkdir -p $(B)/initrd
	$(Q)for f in $(APP_ELF); do $(XOBJCOPY) --strip-debug "$$f" "$(B)/initrd/$${f##*/}"; done
	$(Q)$(if $(FILES),cp $(FILES) $(B)/initrd)
	$(Q)find $(B)/initrd -type f -exec chmod 0644 {} + -exec touch -d @0 {} +
	$(Q)cd $(B)/initrd && \
		cpio --quiet --reproducible -R 0:0 -o -H newc < ../initrd.list > ../initrd.new
	$(Q)mv $(B)/initrd.new $@

.PHONY: FORCE
FORCE:

# ---- compile_commands.json ---------------------------------------------------------------

NONE :=
TAB := $(NONE)	$(NONE)
cc_line = $(file >>$(B)/commands.tsv,$(1)$(TAB)$(2) -c $(1))
compile_commands.json: FORCE | $(B)/gen
	$(file >$(B)/commands.tsv)
	$(foreach f,$(KERNEL_C),$(call cc_line,$(f),$(call kernel_cc,$(f))))
	$(foreach f,$(KERNEL_S),$(call cc_line,$(f),$(kernel_as)))
	$(foreach f,$(LOADER_C),$(call cc_line,$(f),$(loader_cc)))
	$(foreach f,$(LOADER_S),$(call cc_line,$(f),$(loader_as)))
	$(foreach f,$(LIB_C) $(APP_FILES) $(APP_DIR_C),$(call cc_line,$(f),$(user_cc)))
	$(foreach f,$(LIB_S) $(APP_DIR_S),$(call cc_line,$(f),$(user_as)))
	@$(PYTHON) tools/compile_commands.py $(B)/commands.tsv $@

$(B)/gen:
	@mkdir -p $@

-include $(KERNEL_OBJ:.o=.d) $(LOADER_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(APP_OBJ:.o=.d)
-include $(B)/gen/asm-offsets.d $(B)/gen/linker.lds.d
