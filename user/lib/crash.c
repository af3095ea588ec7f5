/* SPDX-License-Identifier: MIT */
/*
 * The end of a process by an exception that nobody handled: it says itself
 * what happened and where, then dies with the cause in its status.
 */
#include "os.h"
#include "dispatch.h"

#include <string.h>

enum { BACKTRACE_MAX = 16 };

/* The two words of a frame record at fp, if they can be read. */
static bool read_record(uint64_t fp, uint64_t record[2])
{
	const uint64_t *word = (const uint64_t *)fp;

	if (fp % 8 != 0 || hv_lookup(fp).pte == 0 || hv_lookup(fp + 8).pte == 0)
		return false;
	record[0] = word[0];
	record[1] = word[1];
	return true;
}

static void print_place(int fd, unsigned n, uint64_t pc, const char *prog)
{
	char place[80];

	hv_symbolize(prog, pc, place, sizeof(place));
	hv_dprintf(fd, "  #%-2u 0x%08lx  %s\n", n, pc, place);
}

/*
 * A function that has not saved its return address has it in x30: one that
 * calls nothing, or has just begun. In any other x30 is either saved already
 * or points into the function itself, behind its last call.
 */
static bool is_return_address(const char *prog, uint64_t lr, uint64_t pc, uint64_t fp)
{
	char here[80], there[80];
	uint64_t record[2];

	if (lr == 0 || (read_record(fp, record) && record[1] == lr))
		return false;
	hv_symbolize(prog, pc, here, sizeof(here));
	hv_symbolize(prog, lr - 4, there, sizeof(there));
	return strcspn(here, "+") != strcspn(there, "+") ||
	       strncmp(here, there, strcspn(here, "+")) != 0;
}

static void backtrace(int fd, uint64_t pc, uint64_t lr, uint64_t fp)
{
	char name[HV_NAME_BYTES + 1];
	uint64_t record[2];
	unsigned n = 0;

	hv_name_of(os.pid, name);
	print_place(fd, n++, pc, name);
	/* the call is what precedes the return address */
	if (is_return_address(name, lr, pc, fp))
		print_place(fd, n++, lr - 4, name);
	for (; n < BACKTRACE_MAX && read_record(fp, record); n++) {
		if (record[1] == 0)
			return;
		print_place(fd, n, record[1] - 4, name);
		if (record[0] <= fp)	/* callers' frames lie higher */
			return;
		fp = record[0];
	}
}

void hv_backtrace(int fd, uint64_t pc, uint64_t fp)
{
	backtrace(fd, pc, 0, fp);
}

static bool has_address(uint64_t esr)
{
	uint64_t ec = esr >> 26 & 0x3f;

	return (ec >= 0x20 && ec <= 0x25) || ec == 0x34 || ec == 0x35;
}

void hv_print_crash(int fd, const struct hv_frame *frame)
{
	char name[HV_NAME_BYTES + 1], cause[112];

	hv_name_of(os.pid, name);
	hv_dprintf(fd, "%s[%u] crashed: %s", name, (unsigned)os.pid,
		hv_describe_esr(frame->esr, cause, sizeof(cause)));
	if (has_address(frame->esr))
		hv_dprintf(fd, " at 0x%lx", frame->far);
	if (has_address(frame->esr) && frame->far >= HV_STACK_LIMIT - (1UL << 20)
	    && frame->far < HV_STACK_LIMIT)
		hv_dprintf(fd, " (stack overflow)");
	hv_dprintf(fd, "\n  pc %016lx  sp %016lx  spsr %08lx  esr %08lx\n",
		frame->elr, frame->sp, frame->spsr, frame->esr);
	for (int i = 0; i < 31; i++)
		hv_dprintf(fd, "%sx%-2d %016lx%s", i % 4 == 0 ? "  " : "", i, frame->x[i],
			i % 4 == 3 || i == 30 ? "\n" : "  ");
	backtrace(fd, frame->elr, frame->x[30], frame->x[29]);
}

_Noreturn static void die(uint64_t esr)
{
	os_end(HV_STATUS_SIGNAL | (uint64_t)hv_signal_of_esr(esr) | esr << 32);
}

_Noreturn void os_die(const struct hv_frame *frame)
{
	hv_print_crash(2, frame);
	die(frame->esr);
}

_Noreturn void os_die_nested(uint64_t esr, uint64_t elr, uint64_t far)
{
	char cause[112];

	hv_dprintf(2, "pid %u crashed: exception handlers nested too deep: %s at 0x%lx, pc 0x%lx\n",
		(unsigned)os.pid, hv_describe_esr(esr, cause, sizeof(cause)), far, elr);
	die(esr);
}
