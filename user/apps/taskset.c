/* SPDX-License-Identifier: MIT */
/* taskset: runs a command on some cores alone; what the command starts stays on them too. */
#include <hv8/app.h>
#include <hv8/libos.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_FOUND = 127 };

/* Hexadecimal digits and nothing else. */
static bool read_mask(const char *text, uint64_t *mask)
{
	char *end;

	errno = 0;
	*mask = strtoull(text, &end, 16);
	return text[0] != '\0' && text[0] != '-' && *end == '\0' && errno == 0;
}

int main(int argc, char **argv)
{
	uint64_t mask;
	int64_t result;

	if (argc < 3 || !read_mask(argv[1], &mask))
		app_usage("taskset MASK COMMAND [ARGUMENT]...    (hexadecimal: bit i is core i)");
	result = hv_set_affinity((hv_pid)hv_self(), mask);
	if (result < 0) {
		fprintf(stderr, "taskset: %s: %s\n", argv[1],
			result == -HV_EINVAL ? "not a mask of cores of this machine" :
					       hv_strerror(result));
		return 1;
	}
	execv(argv[2], argv + 2);
	fprintf(stderr, "taskset: %s: %s\n", argv[2],
		errno == ENOENT ? "not found" : strerror(errno));
	return NOT_FOUND;
}
