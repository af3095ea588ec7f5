/* SPDX-License-Identifier: MIT */
/*
 * date: the time of the day, in UTC: shows it, sets it, waits for it. It asks
 * the server of the machine's clock, which the registry starts if it must.
 */
#include <hv8/app.h>
#include <hv8/clock.h>

#include <string.h>
#include <time.h>

static const char usage[] =
	"date [-v] | date -s TIME | date -w TIME\n"
	"       -s sets the clock, -w waits until TIME, which is 'YYYY-MM-DD HH:MM:SS' or "
	"+SECONDS;\n"
	"       -v tells how many wait at the clock's server, and how many interrupts it has had";

static int fail(int64_t error)
{
	fprintf(stderr, "date: %s\n",
		error == -HV_ENOENT   ? "this machine has no clock (arm,pl031)"
		: error == -HV_EBUSY  ? "the clock is another process's"
		: error == -HV_EPIPE  ? "the clock's server has failed"
		: error == -HV_EINVAL ? "the clock does not go as far as that"
				      : hv_strerror(error));
	return app_finish(1);
}

static int show(const struct hv_clock_state *state)
{
	time_t now = (time_t)state->seconds;
	char words[40];

	strftime(words, sizeof(words), "%a %b %e %H:%M:%S UTC %Y", gmtime(&now));
	puts(words);
	return app_finish(0);
}

static bool read_date(const char *text, uint64_t *seconds)
{
	struct tm tm = { 0 };
	char end;
	int count = sscanf(text, "%d-%d-%d %d:%d:%d%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
			   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end);
	struct tm copy;

	tm.tm_year -= 1900;
	tm.tm_mon--;
	copy = tm;
	*seconds = (uint64_t)mktime(&tm);
	/* mktime makes the 1st of March of the 31st of February */
	return count == 6 && tm.tm_sec == copy.tm_sec && tm.tm_min == copy.tm_min &&
	       tm.tm_hour == copy.tm_hour && tm.tm_mday == copy.tm_mday && tm.tm_mon == copy.tm_mon;
}

static int64_t read_time(const char *text, uint64_t *seconds)
{
	struct hv_clock_state state;
	int64_t error;

	if (*text != '+')
		return read_date(text, seconds) ? 0 : -HV_EINVAL;
	if (!app_number(text + 1, HV_CLOCK_MAX, seconds))
		app_usage(usage);
	error = hv_clock_call(HV_CLOCK_GET, 0, HV_FOREVER, &state, NULL);
	*seconds += state.seconds;
	return error;
}

int main(int argc, char **argv)
{
	bool is_verbose = argc == 2 && strcmp(argv[1], "-v") == 0;
	enum hv_clock_op op = HV_CLOCK_GET;
	struct hv_clock_state state = { 0 };
	unsigned restarts = 0;
	uint64_t seconds = 0;
	int64_t error = 0;

	if (argc == 3 && strcmp(argv[1], "-s") == 0)
		op = HV_CLOCK_SET;
	else if (argc == 3 && strcmp(argv[1], "-w") == 0)
		op = HV_CLOCK_WAIT;
	else if (argc > 1 && !is_verbose)
		app_usage(usage);
	if (op != HV_CLOCK_GET)
		error = read_time(argv[2], &seconds);
	if (error == 0)
		error = hv_clock_call(op, seconds, HV_FOREVER, &state, &restarts);
	if (error < 0)
		return fail(error);
	if (restarts > 0)
		fprintf(stderr, "date: the clock's server died, and the next one was asked\n");
	if (is_verbose)
		printf("%lu wait, %lu interrupts\n", (unsigned long)state.waiting,
		       (unsigned long)state.interrupts);
	return show(&state);
}
