/* SPDX-License-Identifier: MIT */
/*
 * Boot's reading of a device tree, up to the list of free pages. A request is
 * the physical address of the tree, that of the kernel, and the tree; the
 * tree is put at that very address, with nothing readable behind it. Each is
 * answered by a child, since boot runs once: "FAIL message", "DIED signal", or
 * "OK" and what was found, as words name=number[,number...].
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot.h"
#include "boot_dt.h"
#include "driver.h"

enum { SECONDS = 20, HOST_PAGE = 4096 };

struct hv_proc procs[HV_NPROC];
struct hv_page_desc page_descs[HV_NPAGE];
struct hv_bootinfo bootinfo;
struct machine machine;

static struct region mapped[256];
static uint64_t mapped_count;

void boot_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL ");
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
	_exit(0);
}

void boot_print(const char *format, ...)
{
	(void)format;
}

void boot_uart_start(uint64_t kind, uint64_t pa)
{
	machine.uart_kind = kind;
	(void)pa;
}

void boot_psci_known(void)
{
}

void boot_zero(void *start, void *end)
{
	(void)start;
	(void)end;
}

const uint8_t *boot_map_identity(uint64_t pa, uint64_t size)
{
	(void)size;
	return (const uint8_t *)(uintptr_t)pa;
}

void boot_map_pages(uint64_t first, uint64_t end)
{
	if (mapped_count == sizeof(mapped) / sizeof(mapped[0]))
		abort();
	mapped[mapped_count++] = (struct region){ first, end };
}

static void show(const char *name, const struct region *regions, uint64_t count)
{
	printf(" %s=", name);
	for (uint64_t i = 0; i < count; i++)
		printf("%s%llu,%llu", i == 0 ? "" : ",", (unsigned long long)regions[i].pa,
		       (unsigned long long)regions[i].size);
}

static void number(const char *name, uint64_t value)
{
	printf(" %s=%llu", name, (unsigned long long)value);
}

static void boot(uint64_t dtb, uint64_t kernel)
{
	facts.kernel_pa = kernel;
	if (!dt_open(dtb))
		boot_fail("no valid device tree");
	dt_parse_uart();
	dt_parse_psci();
	dt_parse_gic();
	dt_parse_interrupts();
	dt_parse_memory();
	dt_parse_initrd();
	dt_parse_cpus(0);
	ram_start();
	printf("OK");
	number("uart", facts.uart_pa);
	number("uart_intid", machine.uart_intid);
	number("uart_kind", machine.uart_kind);
	number("timer_intid", machine.timer_intid);
	number("gic", facts.gic_version);
	number("base", machine.pages_pa);
	show("gicd", &facts.gicd, 1);
	show("gicc", &facts.gicc, 1);
	show("gicv", &facts.gicv, 1);
	show("gicr", facts.gicr, facts.gicr_count);
	show("bank", facts.bank, facts.bank_count);
	show("reserved", facts.reserved, facts.reserved_count);
	show("initrd", &facts.initrd, 1);
	printf(" cpus=");
	for (uint64_t i = 0; i < facts.mpidr_count; i++)
		printf("%s%llu", i == 0 ? "" : ",", (unsigned long long)facts.mpidr[i]);
	show("free", mapped, mapped_count);	/* first page and end */
	fflush(stdout);
	_exit(0);
}

static uint64_t room(uint64_t size)
{
	return (size + HOST_PAGE - 1) / HOST_PAGE * HOST_PAGE;
}

/* A tree that is no multiple of 8 long has up to 7 readable bytes behind it. */
static void place(uint64_t pa, const uint8_t *tree, uint64_t size)
{
	uint64_t start = pa / HOST_PAGE * HOST_PAGE, end = start + room(pa - start + size);
	void *p = mmap((void *)(uintptr_t)start, end - start + HOST_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED || mprotect((uint8_t *)p + (end - start), HOST_PAGE, PROT_NONE) != 0)
		abort();
	memcpy((void *)(uintptr_t)pa, tree, size);
}

int main(void)
{
	for (;;) {
		uint32_t size;
		uint8_t *request = driver_request(&size);
		uint64_t where[2];
		int status;
		pid_t child;

		if (size < sizeof(where))
			return 1;
		memcpy(where, request, sizeof(where));
		child = fork();
		if (child == 0) {
			alarm(SECONDS);
			place(where[0], request + sizeof(where), size - sizeof(where));
			boot(where[0], where[1]);
		}
		if (child < 0 || waitpid(child, &status, 0) != child)
			return 1;
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			printf("DIED %d", WIFSIGNALED(status) ? WTERMSIG(status) :
								WEXITSTATUS(status));
		driver_answered(request);
	}
}
