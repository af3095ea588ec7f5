/* SPDX-License-Identifier: MIT */
/* seq: counts, one number a line. */
#include <hv8/app.h>

#include <inttypes.h>
#include <stdlib.h>

static int64_t number(const char *text)
{
	bool negative = *text == '-';
	uint64_t value;

	if (!app_number(text + negative, INT64_MAX / 2, &value))
		app_usage("seq [FIRST [STEP]] LAST");
	return negative ? -(int64_t)value : (int64_t)value;
}

int main(int argc, char **argv)
{
	int64_t first = 1;
	int64_t step = 1;
	int64_t last;

	if (argc < 2 || argc > 4)
		app_usage("seq [FIRST [STEP]] LAST");
	last = number(argv[argc - 1]);
	if (argc > 2)
		first = number(argv[1]);
	if (argc > 3)
		step = number(argv[2]);
	if (step == 0)
		app_usage("seq [FIRST [STEP]] LAST    (STEP is not 0)");
	for (int64_t i = first; step > 0 ? i <= last : i >= last; i += step) {
		printf("%" PRId64 "\n", i);
		if (ferror(stdout))
			return 1;
	}
	return app_finish(0);
}
