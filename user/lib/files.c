/* SPDX-License-Identifier: MIT */
/*
 * File descriptors: descriptor n is handle n. Kinds: the console, files of the
 * initrd (an inode object whose value holds place and size in the archive and
 * whose offset all sharers move), pipes (endpoints).
 */
#include "os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Value of an inode object. */
#define INODE_VALUE(at, size)	((size) << 32 | (at))
#define INODE_AT(value)		((value) & 0xffffffff)
#define INODE_SIZE(value)	((value) >> 32)

/* ---- the table ---------------------------------------------------------------- */

void fd_set_open(struct fd_table *table, int fd, enum fd_kind kind, hv_right rights)
{
	uint64_t bit = 1UL << fd;

	table->kind[fd] = (uint8_t)kind;
	table->rights[fd] = (uint8_t)rights;
	table->is_open |= bit;
	table->is_pipe = kind == FD_PIPE ? table->is_pipe | bit : table->is_pipe & ~bit;
	table->is_cloexec &= ~bit;
	table->is_nonblock &= ~bit;
}

void fd_set_closed(struct fd_table *table, int fd)
{
	table->kind[fd] = FD_NONE;
	table->is_open &= ~(1UL << fd);
	table->is_pipe &= ~(1UL << fd);
}

bool fd_is_open(int fd)
{
	return (unsigned)fd < HV8_NFD && os.fd.kind[fd] != FD_NONE;
}

int fd_lowest(int from)
{
	uint64_t unused = ~os.fd.is_open & ((1UL << HV8_NFD) - 1);

	unused = (unsigned)from < HV8_NFD ? unused & ~0UL << from : 0;
	return unused == 0 ? -1 : __builtin_ctzl(unused);
}

static int bad_fd(void)
{
	errno = EBADF;
	return -1;
}

static bool has_right(int fd, hv_right right)
{
	return fd_is_open(fd) && (os.fd.rights[fd] & right) != 0;
}

static const volatile struct hv_file_entry *object_of(int fd)
{
	return &hv_files[hv_handles[os.pid][fd].file];
}

/* ---- files of the initrd ------------------------------------------------------ */

static int64_t open_inode(int fd, const struct hv_initrd_file *file)
{
	uint64_t at = (uint64_t)(file->data - (const uint8_t *)HV_VIEW_INITRD);
	hv_file object = hv_file_alloc();

	if (object == 0)
		return -HV_ENOBUFS;
	return hv_create((hv_handle)fd, object, HV_FILE_INODE, INODE_VALUE(at, file->size));
}

int open(const char *path, int flags, ...)
{
	struct hv_initrd_file file;
	int fd = fd_lowest(0);
	int64_t error;

	if (!hv_has_view()) {
		errno = EACCES;
		return -1;
	}
	if (!hv_initrd_find(path, &file)) {
		errno = flags & O_CREAT ? EROFS : ENOENT;
		return -1;
	}
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC) {
		errno = EROFS;
		return -1;
	}
	if (fd < 0) {
		errno = EMFILE;
		return -1;
	}
	error = open_inode(fd, &file);
	if (error < 0) {
		errno = error == -HV_ENOBUFS ? ENFILE : hv_errno_of(error);
		return -1;
	}
	fd_set_open(&os.fd, fd, FD_FILE, HV_RIGHT_ALL);
	os.fd.rights[fd] = HV_RIGHT_READ;
	if (flags & O_CLOEXEC)
		os.fd.is_cloexec |= 1UL << fd;
	return fd;
}

static int64_t file_read(int fd, void *buf, uint64_t n)
{
	uint64_t value, offset;

	if (!hv_has_view())
		return -HV_EACCES;
	value = object_of(fd)->value;
	offset = object_of(fd)->offset;
	if (offset >= INODE_SIZE(value))
		return 0;
	if (n > INODE_SIZE(value) - offset)
		n = INODE_SIZE(value) - offset;
	memcpy(buf, (const uint8_t *)HV_VIEW_INITRD + INODE_AT(value) + offset, n);
	return hv_seek((hv_handle)fd, offset + n) < 0 ? -HV_EBADF : (int64_t)n;
}

off_t lseek(int fd, off_t offset, int whence)
{
	int64_t base = 0;

	if (!fd_is_open(fd))
		return bad_fd();
	if (os.fd.kind[fd] != FD_FILE || !hv_has_view()) {
		errno = ESPIPE;
		return -1;
	}
	if (whence == SEEK_CUR)
		base = (int64_t)object_of(fd)->offset;
	else if (whence == SEEK_END)
		base = (int64_t)INODE_SIZE(object_of(fd)->value);
	else if (whence != SEEK_SET)
		base = -1;
	if (base < 0 || base + offset < 0) {
		errno = EINVAL;
		return -1;
	}
	if (hv_set_errno(hv_seek((hv_handle)fd, (uint64_t)(base + offset))) < 0)
		return -1;
	return (off_t)(base + offset);
}

/* ---- read and write ----------------------------------------------------------- */

ssize_t read(int fd, void *buf, size_t n)
{
	if (!has_right(fd, HV_RIGHT_READ))
		return bad_fd();
	if (n == 0)
		return 0;
	switch (os.fd.kind[fd]) {
	case FD_CONSOLE:
	case FD_TTY:
		return (ssize_t)hv_set_errno(console_read_line(fd, buf, n));
	case FD_FILE:
		return (ssize_t)hv_set_errno(file_read(fd, buf, n));
	default:
		return (ssize_t)hv_set_errno(pipe_read(fd, buf, n));
	}
}

ssize_t write(int fd, const void *buf, size_t n)
{
	int64_t result;

	if (!has_right(fd, HV_RIGHT_WRITE))
		return bad_fd();
	if (os.fd.kind[fd] == FD_CONSOLE)
		return (ssize_t)hv_set_errno(console_write_all(fd, buf, n));
	if (os.fd.kind[fd] == FD_TTY)
		return (ssize_t)hv_set_errno(tty_write(fd, buf, n));
	if (os.fd.kind[fd] == FD_LOG)
		return (ssize_t)hv_set_errno(log_write(fd, buf, n));
	result = pipe_write(fd, buf, n);
	if (result == -HV_EPIPE)
		raise(SIGPIPE);		/* by default the end of self */
	return (ssize_t)hv_set_errno(result);
}

/* ---- descriptors -------------------------------------------------------------- */

int close(int fd)
{
	if (!fd_is_open(fd))
		return bad_fd();
	pipe_forget(fd);
	fd_set_closed(&os.fd, fd);
	return (int)hv_set_errno(hv_close(os.pid, (hv_handle)fd));
}

static int dup_from(int fd, int lowest)
{
	int to = fd_lowest(lowest);

	if (!fd_is_open(fd))
		return bad_fd();
	if (to < 0) {
		errno = EMFILE;
		return -1;
	}
	if (hv_set_errno(hv_dup2((hv_handle)fd, (hv_handle)to)) < 0)
		return -1;
	fd_set_open(&os.fd, to, os.fd.kind[fd], os.fd.rights[fd]);
	return to;
}

int dup(int fd)
{
	return dup_from(fd, 0);
}

int dup2(int fd, int to)
{
	if (!fd_is_open(fd) || (unsigned)to >= HV8_NFD)
		return bad_fd();
	if (fd == to)
		return to;
	pipe_forget(to);
	if (hv_set_errno(hv_dup2((hv_handle)fd, (hv_handle)to)) < 0)
		return -1;
	fd_set_open(&os.fd, to, os.fd.kind[fd], os.fd.rights[fd]);
	return to;
}

static int set_flag(uint64_t *set, int fd, bool on)
{
	*set = on ? *set | 1UL << fd : *set & ~(1UL << fd);
	return 0;
}

int fcntl(int fd, int command, ...)
{
	va_list args;
	int arg;

	va_start(args, command);
	arg = va_arg(args, int);
	va_end(args);
	if (!fd_is_open(fd))
		return bad_fd();
	switch (command) {
	case F_DUPFD:
		return dup_from(fd, arg < 0 ? HV8_NFD : arg);
	case F_GETFD:
		return os.fd.is_cloexec >> fd & 1 ? FD_CLOEXEC : 0;
	case F_SETFD:
		return set_flag(&os.fd.is_cloexec, fd, arg & FD_CLOEXEC);
	case F_GETFL:
		return (os.fd.is_nonblock >> fd & 1 ? O_NONBLOCK : 0)
			| (os.fd.rights[fd] == HV_RIGHT_ALL ? O_RDWR
			: os.fd.rights[fd] == HV_RIGHT_WRITE ? O_WRONLY : O_RDONLY);
	case F_SETFL:
		return set_flag(&os.fd.is_nonblock, fd, arg & O_NONBLOCK);
	}
	errno = EINVAL;
	return -1;
}

static bool is_terminal(int fd)
{
	return os.fd.kind[fd] == FD_CONSOLE || os.fd.kind[fd] == FD_TTY;
}

int isatty(int fd)
{
	if (fd_is_open(fd) && is_terminal(fd))
		return 1;
	errno = fd_is_open(fd) ? ENOTTY : EBADF;
	return 0;
}

/* ---- stat --------------------------------------------------------------------- */

static void fill_stat(struct stat *st, mode_t mode, uint64_t size)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = mode;
	st->st_nlink = 1;
	st->st_size = (off_t)size;
	st->st_blksize = 512;
	st->st_blocks = (blkcnt_t)((size + 511) / 512);
}

int fstat(int fd, struct stat *st)
{
	if (!fd_is_open(fd))
		return bad_fd();
	if (is_terminal(fd))
		fill_stat(st, S_IFCHR | 0600, 0);
	else if (os.fd.kind[fd] == FD_FILE && hv_has_view())
		fill_stat(st, S_IFREG | 0444, INODE_SIZE(object_of(fd)->value));
	else
		fill_stat(st, S_IFIFO | 0600, 0);
	return 0;
}

int stat(const char *path, struct stat *st)
{
	struct hv_initrd_file file;

	if (!hv_initrd_find(path, &file)) {
		errno = ENOENT;
		return -1;
	}
	fill_stat(st, S_IFREG | 0444, file.size);
	return 0;
}

int access(const char *path, int mode)
{
	struct hv_initrd_file file;

	if (hv_initrd_find(path, &file) && !(mode & W_OK))
		return 0;
	errno = mode & W_OK ? EROFS : ENOENT;
	return -1;
}

int unlink(const char *path)
{
	struct hv_initrd_file file;

	errno = hv_initrd_find(path, &file) ? EROFS : ENOENT;
	return -1;
}
