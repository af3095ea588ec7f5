/* SPDX-License-Identifier: MIT */
/* Interrupt lines: found, given to children, and taken back from dead ones. */
#include "os.h"

#include <hv8/irq.h>

int64_t hv_irq_line(uint64_t intid)
{
	if (!hv_has_view())
		return -HV_ENOENT;
	for (hv_irq line = HV_IRQ_TIMER + 1; line < HV_NIRQ; line++)
		if (hv_irqs[line].state != HV_IRQ_NONE && hv_irqs[line].intid == intid)
			return (int64_t)line;
	return -HV_ENOENT;
}

void hv_irq_lines(uint64_t lines[HV_NIRQ / 64])
{
	for (hv_irq line = 0; line < HV_NIRQ; line += 64)
		lines[line / 64] = 0;
	if (!hv_has_view() || hv_procs[os.pid].irqs_count == 0)
		return;
	for (hv_irq line = 1; line < HV_NIRQ; line++)
		if (hv_irqs[line].state == HV_IRQ_FREE && hv_irqs[line].owner == os.pid)
			lines[line / 64] |= 1UL << line % 64;
}

/* A cell is a big-endian number; the binding is arm,gic: type (0 SPI, 1 PPI), number, flags. */
uint64_t hv_irq_intid(const uint8_t cells[HV_IRQ_CELLS])
{
	uint64_t number = (uint64_t)cells[4] << 24 | (uint64_t)cells[5] << 16 |
		(uint64_t)cells[6] << 8 | cells[7];

	return (cells[3] == 0 ? 32 : 16) + number;
}

int64_t os_lines_grant(hv_pid child, const uint64_t lines[HV_NIRQ / 64])
{
	for (hv_irq word = 0; word < HV_NIRQ / 64; word++) {
		for (uint64_t left = lines[word]; left != 0; left &= left - 1) {
			int64_t error = hv_grant_irq(child,
						     64 * word + (hv_irq)__builtin_ctzl(left));

			if (error < 0)
				return error;
		}
	}
	return 0;
}

void os_lines_take(hv_pid pid)
{
	bool see = hv_has_view();

	for (hv_irq line = 1; line < HV_NIRQ; line++)
		if (!see || hv_irqs[line].owner == pid)
			hv_revoke_irq(line);
}
