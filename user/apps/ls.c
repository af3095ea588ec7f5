/* SPDX-License-Identifier: MIT */
/* ls: lists the files of the initrd, in columns, or with sizes (-l). */
#include <hv8/app.h>
#include <hv8/libos.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SCREEN_WIDTH = 78 };

static const char usage[] = "ls [-l] [NAME]...";

struct listing {
	struct hv_initrd_file *files;
	size_t count;
	size_t capacity;
};

static void append(struct listing *list, const struct hv_initrd_file *file)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
		list->files = realloc(list->files, list->capacity * sizeof(*list->files));
		if (list->files == NULL) {
			fprintf(stderr, "ls: out of memory\n");
			exit(1);
		}
	}
	list->files[list->count++] = *file;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct hv_initrd_file *)left)->name,
		      ((const struct hv_initrd_file *)right)->name);
}

static void print_long(const struct listing *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct hv_initrd_file *file = &list->files[i];
		bool is_program = file->size >= 4 && memcmp(file->data, "\177ELF", 4) == 0;

		printf("%-8s %8" PRIu64 "  %s\n", is_program ? "program" : "file", file->size,
		       file->name);
	}
}

/* Down the columns, like every other ls. */
static void print_columns(const struct listing *list)
{
	size_t width = 1, columns, rows;

	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->files[i].name) + 2 > width)
			width = strlen(list->files[i].name) + 2;
	columns = SCREEN_WIDTH / width > 0 ? SCREEN_WIDTH / width : 1;
	rows = (list->count + columns - 1) / columns;
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < list->count; i += rows) {
			bool is_last = i + rows >= list->count;

			printf("%-*s", is_last ? 0 : (int)width, list->files[i].name);
		}
		printf("\n");
	}
}

static int collect(struct listing *list, char **names)
{
	struct hv_initrd_file file;
	int status = 0;

	memset(&file, 0, sizeof(file));
	if (*names == NULL)
		while (hv_initrd_next(&file))
			append(list, &file);
	for (; *names != NULL; names++) {
		if (hv_initrd_find(*names, &file)) {
			append(list, &file);
			continue;
		}
		fprintf(stderr, "ls: %s: no such file\n", *names);
		status = 1;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct listing list = { 0 };
	bool is_long = false;
	int option, status;

	while ((option = getopt(argc, argv, "l")) != -1) {
		if (option != 'l')
			app_usage(usage);
		is_long = true;
	}
	status = collect(&list, argv + optind);
	qsort(list.files, list.count, sizeof(*list.files), by_name);
	if (is_long)
		print_long(&list);
	else
		print_columns(&list);
	return app_finish(status);
}
