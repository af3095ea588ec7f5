/* SPDX-License-Identifier: MIT */
/*
 * Exception syndromes in words (DDI 0487J.a, D19.2.37): for what the process
 * took itself (ESR_EL1) and for what stopped it (ESR_EL2, in its entry).
 */
#include "os.h"
#include "sysreg.h"

#include <signal.h>
#include <string.h>

enum {
	EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_FP_TRAP = 0x07, EC_ILLEGAL = 0x0e,
	EC_SVC32 = 0x11, EC_SVC64 = 0x15, EC_HVC64 = 0x16, EC_SMC64 = 0x17, EC_SYSREG = 0x18,
	EC_IABORT_LOW = 0x20, EC_IABORT = 0x21, EC_PC = 0x22,
	EC_DABORT_LOW = 0x24, EC_DABORT = 0x25, EC_SP = 0x26,
	EC_FP_EXC = 0x2c, EC_SERROR = 0x2f, EC_BKPT32 = 0x38, EC_BRK = 0x3c,
};

static const struct {
	uint8_t ec;
	uint8_t sig;
	const char *words;
} classes[] = {
	{ EC_UNKNOWN, SIGILL, "undefined instruction" },
	{ EC_WFX, SIGILL, "trapped WFI or WFE" },
	{ 0x03, SIGILL, "trapped AArch32 MCR or MRC" },
	{ 0x04, SIGILL, "trapped AArch32 MCRR or MRRC" },
	{ 0x05, SIGILL, "trapped AArch32 MCR or MRC" },
	{ 0x06, SIGILL, "trapped AArch32 LDC or STC" },
	{ EC_FP_TRAP, SIGILL, "FP or SIMD instruction trapped" },
	{ 0x0d, SIGILL, "branch target exception" },
	{ EC_ILLEGAL, SIGILL, "illegal execution state" },
	{ EC_SVC32, SIGSYS, "AArch32 SVC" },
	{ 0x12, SIGSYS, "AArch32 HVC" },
	{ 0x13, SIGSYS, "AArch32 SMC" },
	{ EC_SVC64, SIGSYS, "SVC" },
	{ EC_HVC64, SIGSYS, "HVC" },
	{ EC_SMC64, SIGSYS, "SMC" },
	{ EC_SYSREG, SIGILL, "trapped system register" },
	{ EC_IABORT_LOW, SIGSEGV, "instruction abort" },
	{ EC_IABORT, SIGSEGV, "instruction abort" },
	{ EC_PC, SIGBUS, "misaligned PC" },
	{ EC_DABORT_LOW, SIGSEGV, "data abort" },
	{ EC_DABORT, SIGSEGV, "data abort" },
	{ EC_SP, SIGBUS, "misaligned SP" },
	{ 0x28, SIGFPE, "AArch32 FP exception" },
	{ EC_FP_EXC, SIGFPE, "FP exception" },
	{ EC_SERROR, SIGBUS, "SError" },
	{ 0x30, SIGTRAP, "hardware breakpoint" },
	{ 0x31, SIGTRAP, "hardware breakpoint" },
	{ 0x32, SIGTRAP, "software step" },
	{ 0x33, SIGTRAP, "software step" },
	{ 0x34, SIGTRAP, "watchpoint" },
	{ 0x35, SIGTRAP, "watchpoint" },
	{ EC_BKPT32, SIGTRAP, "AArch32 BKPT" },
	{ EC_BRK, SIGTRAP, "BRK" },
	{ HV_ESR_IRQ >> 26, SIGILL, "interrupt that nobody handles" },
};

static bool is_abort(uint64_t ec)
{
	return ec == EC_IABORT || ec == EC_IABORT_LOW || ec == EC_DABORT || ec == EC_DABORT_LOW;
}

int hv_signal_of_esr(uint64_t esr)
{
	uint64_t ec = esr >> 26 & 0x3f;

	if (is_abort(ec) && ((esr & 0x3f) == 0x21 || (esr & 0x30) == 0x10))
		return SIGBUS;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (classes[i].ec == ec)
			return classes[i].sig;
	return SIGILL;
}

/* Fault status code of an abort, without the level in bits 1:0. */
static const char *fault_words(uint64_t status)
{
	switch (status >> 2) {
	case 0: return "address size fault";
	case 1: return "translation fault";
	case 2: return "access flag fault";
	case 3: return "permission fault";
	case 5: return "external abort on a table walk";
	case 7: return "parity error on a table walk";
	}
	switch (status) {
	case 0x10: return "external abort";
	case 0x11: return "tag check fault";
	case 0x18: return "parity error";
	case 0x21: return "alignment fault";
	case 0x30: return "TLB conflict";
	}
	return "fault of unknown status";
}

static void describe_abort(uint64_t esr, uint64_t ec, char *buf, size_t n)
{
	uint64_t status = esr & 0x3f;
	bool is_data = ec == EC_DABORT || ec == EC_DABORT_LOW;
	bool has_level = status >> 2 <= 3 || status >> 2 == 5 || status >> 2 == 7;
	const char *access = !is_data ? "fetch" : esr & 1 << 6 ? "write" : "read";

	if (has_level)
		hv_snprintf(buf, n, "%s: %s, level %u, %s",
			is_data ? "data abort" : "instruction abort",
			fault_words(status), (unsigned)(status & 3), access);
	else
		hv_snprintf(buf, n, "%s: %s, %s", is_data ? "data abort" : "instruction abort",
			fault_words(status), access);
}

static void describe_sysreg(uint64_t iss, char *buf, size_t n)
{
	const char *name = sysreg_name(iss), *access = iss & 1 ? "read of" : "write of";

	if (name != NULL && (iss >> 20 & 3) == 1)	/* an instruction */
		hv_snprintf(buf, n, "trapped %s", name);
	else if (name != NULL)
		hv_snprintf(buf, n, "trapped %s %s", access, name);
	else
		hv_snprintf(buf, n, "trapped %s system register S%u_%u_C%u_C%u_%u", access,
			(unsigned)(iss >> 20 & 3), (unsigned)(iss >> 14 & 7),
			(unsigned)(iss >> 10 & 15), (unsigned)(iss >> 1 & 15),
			(unsigned)(iss >> 17 & 7));
}

char *hv_describe_esr(uint64_t esr, char *buf, size_t n)
{
	uint64_t ec = esr >> 26 & 0x3f;
	bool has_immediate = ec == EC_SVC64 || ec == EC_HVC64 || ec == EC_SMC64 || ec == EC_BRK;

	if (is_abort(ec)) {
		describe_abort(esr, ec, buf, n);
		return buf;
	}
	if (ec == EC_SYSREG) {
		describe_sysreg(esr & 0x1ffffff, buf, n);
		return buf;
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (classes[i].ec != ec)
			continue;
		if (has_immediate)
			hv_snprintf(buf, n, "%s #%u", classes[i].words, (unsigned)(esr & 0xffff));
		else
			hv_snprintf(buf, n, "%s", classes[i].words);
		return buf;
	}
	hv_snprintf(buf, n, "exception class 0x%x", (unsigned)ec);
	return buf;
}
