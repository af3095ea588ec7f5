/* SPDX-License-Identifier: MIT */
/*
 * The standard streams of the C library: stdout by the line on the console,
 * which the shell may open later, and by the block elsewhere, stderr at each
 * newline, everything written out at exit.
 * Linked only into programs that use stdio.
 */
#include "os.h"

#include <stdio-bufio.h>
#include <stdio.h>
#include <unistd.h>

static char in_buffer[512], out_buffer[1024], err_buffer[128];

static struct __file_bufio in = FDEV_SETUP_BUFIO(0, in_buffer, sizeof(in_buffer),
	read, write, lseek, close, __SRD, 0);
static struct __file_bufio out = FDEV_SETUP_BUFIO(1, out_buffer, sizeof(out_buffer),
	read, write, lseek, close, __SWR, 0);
static struct __file_bufio err = FDEV_SETUP_BUFIO(2, err_buffer, sizeof(err_buffer),
	read, write, lseek, close, __SWR, __BLBF);

FILE *const stdin = &in.xfile.cfile.file;
FILE *const stdout = &out.xfile.cfile.file;
FILE *const stderr = &err.xfile.cfile.file;

__attribute__((constructor)) static void start_streams(void)
{
	__bufio_lock_init(stdin);
	__bufio_lock_init(stdout);
	__bufio_lock_init(stderr);
	if (os.fd.kind[1] == FD_CONSOLE || os.fd.kind[1] == FD_TTY || os.fd.kind[1] == FD_NONE)
		out.bflags |= __BLBF;
}

__attribute__((destructor)) static void flush_streams(void)
{
	fflush(stdout);
	fflush(stderr);
}
