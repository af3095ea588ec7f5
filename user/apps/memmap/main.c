/* SPDX-License-Identifier: MIT */
/*
 * memmap: draws the address space of this very process, and all RAM by owner.
 * A process sees its own translation tables only, so it cannot draw another's.
 */
#include "memmap.h"

#include <hv8/app.h>
#include <hv8/view.h>

#include <getopt.h>

static const char usage[] = "memmap [-s] [-r] [-v]    (-s: only the address space, -r: only RAM,\n"
			    "                          -v: every run of physical pages)";

int main(int argc, char **argv)
{
	bool space = false, ram = false, every_run = false;
	int option;

	while ((option = getopt(argc, argv, "srv")) != -1) {
		space |= option == 's';
		ram |= option == 'r';
		every_run |= option == 'v';
		if (option == '?')
			app_usage(usage);
	}
	if (optind < argc)
		app_usage(usage);
	view_require("memmap");
	if (space || !ram)
		draw_space(every_run);
	if (!space && !ram)
		printf("\n");
	if (ram || !space)
		draw_ram();
	return app_finish(0);
}
