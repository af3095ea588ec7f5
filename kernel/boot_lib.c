/* SPDX-License-Identifier: MIT */
/*
 * What libfdt wants of a C library (memcpy is in boot.S). The linker script
 * keeps the rest of the kernel from reaching these by a call that GCC makes up.
 */
#include <stddef.h>
#include <stdint.h>

/* GCC and libfdt call these by name; there is no <string.h> to declare them. */
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
void *memchr(const void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
_Noreturn void __stack_chk_fail(void);

/* libfdt is built with stack guards. Boot reads no secret, so the guard is a constant. */
extern const uintptr_t __stack_chk_guard;
const uintptr_t __stack_chk_guard = 0x00ff0a0d68763800;

void __stack_chk_fail(void)
{
	for (;;)
		;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != 0)
		n++;
	return n;
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	for (size_t n = strlen(s) + 1; n > 0; n--)
		if (s[n - 1] == (char)c)
			return (char *)(uintptr_t)&s[n - 1];
	return NULL;
}

void *memchr(const void *p, int c, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		if (bytes[i] == (uint8_t)c)
			return (void *)(uintptr_t)&bytes[i];
	return NULL;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < n; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

void *memmove(void *to, const void *from, size_t n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	if ((uintptr_t)to - (uintptr_t)from < n)
		for (size_t i = n; i > 0; i--)
			t[i - 1] = f[i - 1];
	else
		for (size_t i = 0; i < n; i++)
			t[i] = f[i];
	return to;
}

void *memset(void *p, int c, size_t n)
{
	uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)c;
	return p;
}
