/* SPDX-License-Identifier: MIT */
/*
 * date: the time of the day, in UTC. It drives the machine's clock itself, a
 * PL031 (Arm DDI 0224): whoever starts it must give it that device.
 */
#include <hv8/app.h>
#include <hv8/device.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { RTCDR = 0x000 };	/* seconds since 1970 */

static int complain_about(hv_device clock)
{
	if (clock == 0)
		fprintf(stderr, "date: this machine has no clock (arm,pl031)\n");
	else if (errno == EACCES)
		fprintf(stderr, "date: the clock is not this process's but that of process %lu\n",
			(unsigned long)hv_devices[clock].owner);
	else
		fprintf(stderr, "date: %s\n", strerror(errno));
	return app_finish(1);
}

int main(int argc, char **argv)
{
	struct hv_dt_node node = { 0 };
	volatile void *registers;
	char words[40];
	hv_device clock;
	time_t now;

	(void)argv;
	if (argc > 1)
		app_usage("date");
	if (!hv_has_view()) {
		fprintf(stderr, "date: this process has no right to see the device tree\n");
		return app_finish(1);
	}
	clock = hv_device_find("arm,pl031", &node);
	registers = clock == 0 ? NULL : hv_device_open(clock, 0);
	if (registers == NULL)
		return complain_about(clock);
	now = (time_t)hv_register_read(registers, node.address % HV_PAGE_SIZE + RTCDR);
	strftime(words, sizeof(words), "%a %b %e %H:%M:%S UTC %Y", gmtime(&now));
	puts(words);
	return app_finish(0);
}
