/* SPDX-License-Identifier: MIT */
/* pstree: draws the tree of processes. */
#include <hv8/app.h>
#include <hv8/view.h>

#include <inttypes.h>
#include <string.h>

enum { INDENT = 3, PREFIX_BYTES = INDENT * HV_NPROC + 1 };

/* One look at the table, so that the tree is consistent. */
static struct hv_proc procs[HV_NPROC];

static hv_pid next_child(hv_pid parent, hv_pid after)
{
	for (hv_pid pid = after + 1; pid < HV_NPROC; pid++)
		if (procs[pid].state != HV_PROC_UNUSED && procs[pid].ppid == parent &&
		    pid != parent)
			return pid;
	return 0;
}

/* `prefix` holds the lines that run past this process, `depth` steps of them. */
static void draw(hv_pid pid, char *prefix, int depth)
{
	char name[VIEW_NAME_BYTES];
	char words[VIEW_STATE_BYTES];
	hv_pid child = next_child(pid, 0);

	view_name(&procs[pid], name);
	view_state_words(pid, words);
	printf("%s (%" PRIu64 ") %s\n", name, pid, words);
	if (depth >= HV_NPROC - 1)
		return;
	while (child != 0) {
		hv_pid next = next_child(pid, child);
		size_t length = strlen(prefix);

		printf("%s%s", prefix, next != 0 ? "|- " : "`- ");
		strcpy(prefix + length, next != 0 ? "|  " : "   ");
		draw(child, prefix, depth + 1);
		prefix[length] = '\0';
		child = next;
	}
}

int main(int argc, char **argv)
{
	char prefix[PREFIX_BYTES] = "";

	(void)argv;
	if (argc > 1)
		app_usage("pstree");
	view_require("pstree");
	for (hv_pid pid = 1; pid < HV_NPROC; pid++)
		procs[pid] = view_proc(pid);
	for (hv_pid pid = 1; pid < HV_NPROC; pid++) {
		bool is_root = procs[pid].ppid == 0 || procs[pid].ppid == pid;

		if (procs[pid].state != HV_PROC_UNUSED && is_root)
			draw(pid, prefix, 0);
	}
	return app_finish(0);
}
