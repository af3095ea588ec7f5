/* SPDX-License-Identifier: MIT */
/* sleep: waits for some seconds, without using the processor. */
#include <hv8/app.h>
#include <hv8/libos.h>

int main(int argc, char **argv)
{
	uint64_t ns;

	if (argc != 2 || !app_seconds(argv[1], &ns))
		app_usage("sleep SECONDS    (such as 2 or 0.5)");
	hv_sleep_until(hv_now() + hv_ticks_of_us(ns / 1000));
	return 0;
}
