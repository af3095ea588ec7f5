/* SPDX-License-Identifier: MIT */
/*
 * The cores that the device tree names (Devicetree Specification 0.4, 3.8).
 * Invariant: facts.mpidr has each affinity once, that of the core that boots
 * first; who is left off is named in a line.
 */
#include <libfdt.h>

#include "boot.h"
#include "boot_dt.h"

static bool has_string(int node, const char *name, const char *word)
{
	int bytes;
	const char *list = dt_property(node, name, &bytes);

	return list != NULL && fdt_stringlist_contains(list, bytes, word);
}

static bool is_known(uint64_t mpidr)
{
	for (uint64_t i = 0; i < facts.mpidr_count; i++)
		if (facts.mpidr[i] == mpidr)
			return true;
	return false;
}

/* Why a core cannot be started, or NULL. `reg` is its affinity in one or two cells (3.8.1). */
static const char *problem_of(int node, uint64_t *mpidr)
{
	struct region reg;

	if (!dt_reg_on_bus(node, 0, &reg))
		return "its reg cannot be read";
	*mpidr = reg.pa;
	if (is_known(reg.pa))
		return NULL;
	if (!dt_is_okay(node))
		return "its status is not okay";
	if (!has_string(node, "enable-method", "psci"))
		return "its enable-method is not psci";
	if (facts.mpidr_count == HV_NCPU)
		return "it is one too many";
	return NULL;
}

static void add_cpu(int node)
{
	uint64_t mpidr;
	const char *problem = problem_of(node, &mpidr);

	if (problem != NULL)
		boot_print("hv8: %s stays off: %s\n", dt_name(node), problem);
	else if (!is_known(mpidr))
		facts.mpidr[facts.mpidr_count++] = mpidr;
}

void dt_parse_cpus(uint64_t self)
{
	int cpus = dt_at_root("cpus");

	facts.mpidr[0] = self;
	facts.mpidr_count = 1;
	if (cpus < 0)
		return;
	for (int node = dt_next_child(cpus, -1); node >= 0; node = dt_next_child(cpus, node))
		if (has_string(node, "device_type", "cpu"))
			add_cpu(node);
}
