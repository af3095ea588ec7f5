/* SPDX-License-Identifier: MIT */
/* Answers "STATUS OFFSET SIZE SUM" for the file "init" of an archive. */
#include "boot_cpio.h"
#include "driver.h"

int main(void)
{
	for (;;) {
		uint32_t size;
		uint8_t *archive = driver_request(&size);
		struct cpio_file file = { archive, 0 };
		enum cpio_status status = cpio_find(archive, size, "init", &file);
		uint64_t sum = 0;

		if (cpio_message(status)[0] == 0)
			abort();
		if (status != CPIO_OK)
			file = (struct cpio_file){ archive, 0 };
		for (uint64_t i = 0; i < file.size; i++)
			sum += file.data[i];
		printf("%d %llu %llu %llu", (int)status, (unsigned long long)(file.data - archive),
		       (unsigned long long)file.size, (unsigned long long)sum);
		driver_answered(archive);
	}
}
