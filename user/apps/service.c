/* SPDX-License-Identifier: MIT */
/* service: lists the servers that the registry knows, starts, stops and kills them. */
#include <hv8/app.h>
#include <hv8/service.h>

#include <string.h>

static const char usage[] =
	"service | service start NAME [NUMBER] | service stop NAME | service kill NAME"
	" [NUMBER]\n"
	"       stop ends a server, and its devices are the shell's again; one that is killed is "
	"replaced\n"
	"       at once; NUMBER is for the server's command line";

static const char *words_of(enum hv_service_state state)
{
	return state == HV_SERVICE_UP ? "up" : state == HV_SERVICE_FAILED ? "failed" : "down";
}

static int list(void)
{
	struct hv_service service;
	int64_t error = 0;

	for (uint64_t n = 0; (error = hv_service_list(n, &service)) == 0; n++) {
		if (n == 0)
			printf("NAME              PID  STATE   STARTS\n");
		printf("%-16s %4d  %-7s %6u", service.name, (int)service.pid,
		       words_of(service.state), service.starts);
		if (service.units > 1)
			printf("  and the next %u", service.units - 1);
		putchar('\n');
	}
	if (error != -HV_ENOENT)
		fprintf(stderr, "service: %s\n", hv_strerror(error));
	return error != -HV_ENOENT;
}

static int control(enum hv_registry_op op, const char *name, uint64_t number)
{
	int64_t error = hv_service_control(op, name, number);

	/* nobody is left to say that the registry was killed */
	if (error == 0 || (error == -HV_EPIPE && strcmp(name, "registry") == 0))
		return 0;
	fprintf(stderr, "service: %s: %s\n", name,
		error == -HV_ENOENT   ? "no such service, or no device for it"
		: error == -HV_EBUSY  ? "its device is another process's"
		: error == -HV_EEXIST ? "it is up"
		: error == -HV_ESTATE ? "it is not up"
		: error == -HV_EPIPE  ? "it cannot be started"
				      : hv_strerror(error));
	return 1;
}

int main(int argc, char **argv)
{
	uint64_t number = 0;

	if (argc == 1)
		return app_finish(list());
	if (argc == 4 && !app_number(argv[3], UINT32_MAX, &number))
		app_usage(usage);
	if (strcmp(argv[1], "start") == 0 && (argc == 3 || argc == 4))
		return app_finish(control(HV_REGISTRY_START, argv[2], number));
	if (strcmp(argv[1], "stop") == 0 && argc == 3)
		return app_finish(control(HV_REGISTRY_STOP, argv[2], 0));
	if (strcmp(argv[1], "kill") == 0 && (argc == 3 || argc == 4))
		return app_finish(control(HV_REGISTRY_KILL, argv[2], number));
	app_usage(usage);
}
