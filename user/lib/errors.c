/* SPDX-License-Identifier: MIT */
/*
 * Errors: the kernel's numbers are Linux's, the C library has its own for
 * some of them.
 */
#include "os.h"

#include <errno.h>

static const struct {
	int64_t error;
	int value;
	const char *words;
} table[] = {
	{ HV_EPERM, EPERM, "EPERM: no authority over that process or object" },
	{ HV_ENOENT, ENOENT, "ENOENT: the table entry does not hold that page" },
	{ HV_ESRCH, ESRCH, "ESRCH: pid out of range" },
	{ HV_EINTR, EINTR, "EINTR: a child has died, or the break key was typed" },
	{ HV_E2BIG, E2BIG, "E2BIG: too many arguments" },
	{ HV_ENOEXEC, ENOEXEC, "ENOEXEC: not a program" },
	{ HV_EBADF, EBADF, "EBADF: handle out of range or empty" },
	{ HV_EAGAIN, EAGAIN, "EAGAIN: would have to wait" },
	{ HV_ENOMEM, ENOMEM, "ENOMEM: no free page left" },
	{ HV_EACCES, EACCES, "EACCES: the page or object does not belong to whom it must" },
	{ HV_EFAULT, EFAULT, "EFAULT: fault in the sandbox" },
	{ HV_EBUSY, EBUSY, "EBUSY: still holds something, or still in use" },
	{ HV_EEXIST, EEXIST, "EEXIST: already in use" },
	{ HV_EINVAL, EINVAL, "EINVAL: argument out of range, or thing of the wrong type" },
	{ HV_EPIPE, EPIPE, "EPIPE: nobody is left at the other end" },
	{ HV_ENOSYS, ENOSYS, "ENOSYS: no such hypercall" },
	{ HV_ENOBUFS, ENOBUFS, "ENOBUFS: the receiver has no free slot for the handle" },
	{ HV_ETIMEDOUT, ETIMEDOUT, "ETIMEDOUT: the deadline has passed" },
	{ HV_ESTATE, EBUSY, "ESTATE: the process is in the wrong state" },
};

enum { COUNT = sizeof(table) / sizeof(table[0]) };

int hv_errno_of(int64_t result)
{
	for (int i = 0; i < COUNT; i++)
		if (table[i].error == -result)
			return table[i].value;
	return EINVAL;
}

int64_t hv_set_errno(int64_t result)
{
	if (result >= 0)
		return result;
	errno = hv_errno_of(result);
	return -1;
}

const char *hv_strerror(int64_t result)
{
	if (result >= 0)
		return "no error";
	for (int i = 0; i < COUNT; i++)
		if (table[i].error == -result)
			return table[i].words;
	return "unknown error";
}
