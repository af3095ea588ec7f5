/* SPDX-License-Identifier: MIT */
/*
 * Files of the volume that the loader itself was started from. Invariant: a
 * file is used only as far as as many bytes were read as it has.
 */
#include "loader.h"

#include <string.h>

static const struct efi_guid loaded_image = {
	0x5b1b31a1, 0x9562, 0x11d2, { 0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};
static const struct efi_guid simple_file_system = {
	0x964e5b22, 0x6459, 0x11d2, { 0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b }
};

bool volume_open(struct volume *volume, efi_handle image, struct efi_boot_services *boot)
{
	struct efi_loaded_image *self;
	struct efi_simple_file_system *files;
	void *found;
	efi_status status = boot->handle_protocol(image, &loaded_image, &found);

	if (status == EFI_SUCCESS) {
		self = found;
		status = boot->handle_protocol(self->device, &simple_file_system, &found);
	}
	if (status == EFI_SUCCESS) {
		files = found;
		status = files->open_volume(files, &volume->root);
	}
	if (status != EFI_SUCCESS)
		say("the volume that this loader is on cannot be read (status 0x%lx)", status);
	return status == EFI_SUCCESS;
}

void volume_close(struct volume *volume)
{
	if (volume->root != NULL)
		(void)volume->root->close(volume->root);
	volume->root = NULL;
}

static efi_status open_path(struct volume *volume, const char *path, struct efi_file **file)
{
	efi_char name[CONFIG_PATH];
	int n = 0;

	for (; path[n] != 0; n++)
		name[n] = (efi_char)(unsigned char)path[n];
	name[n] = 0;
	return volume->root->open(volume->root, file, name, EFI_FILE_READ, 0);
}

bool volume_has(struct volume *volume, const char *path)
{
	struct efi_file *file;

	if (open_path(volume, path, &file) != EFI_SUCCESS)
		return false;
	(void)file->close(file);
	return true;
}

/* A position at the end of a directory does not exist (13.5, SetPosition). */
static efi_status measure(struct file *file)
{
	efi_status status = file->handle->set_position(file->handle, EFI_FILE_END);

	if (status == EFI_SUCCESS)
		status = file->handle->get_position(file->handle, &file->size);
	return status;
}

bool file_open(struct file *file, struct volume *volume, const char *what,
	       const struct config_file *want)
{
	efi_status status = open_path(volume, want->path, &file->handle);

	file->want = want;
	file->what = what;
	if (status != EFI_SUCCESS) {
		file->handle = NULL;
		say("no %s: %s cannot be opened (status 0x%lx)", what, want->path, status);
		return false;
	}
	status = measure(file);
	if (status != EFI_SUCCESS)
		say("the %s %s is no file (status 0x%lx)", what, want->path, status);
	else if (file->size == 0)
		say("the %s %s is empty", what, want->path);
	return status == EFI_SUCCESS && file->size != 0;
}

bool file_read(struct file *file, uint64_t at, void *to, uint64_t bytes)
{
	efi_status status = file->handle->set_position(file->handle, at);
	uint8_t *p = to;
	uint64_t left = bytes;

	while (status == EFI_SUCCESS && left > 0) {
		uint64_t n = left;

		status = file->handle->read(file->handle, &n, p);
		if (n == 0 || n > left)
			break;
		left -= n;
		p += n;
	}
	if (status != EFI_SUCCESS || left > 0) {
		say("the %s %s cannot be read: %lu bytes of %lu are missing (status 0x%lx)",
		    file->what, file->want->path, left, bytes, status);
		return false;
	}
	return true;
}

bool file_load(struct file *file, void *to)
{
	uint8_t sum[SHA256_BYTES];
	const char *how = "no checksum given";

	if (!file_read(file, 0, to, file->size))
		return false;
	if (file->want->has_sum) {
		sha256(to, file->size, sum);
		if (memcmp(sum, file->want->sum, sizeof(sum)) != 0) {
			say("the %s %s is damaged, or another than \\hv8\\hv8.cfg names: "
			    "its SHA-256 is not %s-sha256",
			    file->what, file->want->path, file->what);
			return false;
		}
		how = "SHA-256 as it should be";
	}
	say("%s %s: %lu bytes at 0x%lx, %s", file->what, file->want->path, file->size,
	    (uint64_t)(uintptr_t)to, how);
	return true;
}

void file_close(struct file *file)
{
	if (file->handle != NULL)
		(void)file->handle->close(file->handle);
	file->handle = NULL;
}
