/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children. The kernel names the lowest dead child; one that is
 * not asked for is emptied at once and remembered until it is. Its pid is not
 * used again before that.
 */
#include "os.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { PENDING_MAX = HV_NPROC };	/* more than a process can have children */

static struct hv_exit pending[PENDING_MAX];
static unsigned pending_count;

void os_wait_forget(void)
{
	pending_count = 0;
}

/* ---- how it ended ------------------------------------------------------------- */

static void read_exit(hv_pid pid, struct hv_exit *exit)
{
	const volatile struct hv_proc *proc = &hv_procs[pid];

	memset(exit, 0, sizeof(*exit));
	exit->pid = (pid_t)pid;
	if (!hv_has_view())
		return;		/* nothing more can be known: a plain exit */
	hv_name_of(pid, exit->name);
	exit->raw = proc->status;
	exit->esr = HV_STATUS_ESR(exit->raw);
	exit->by_kernel = proc->cause_esr != 0;
	if (exit->by_kernel) {
		exit->esr = proc->cause_esr;
		exit->elr = proc->cause_elr;
		exit->far = proc->cause_far;
		exit->status = hv_signal_of_esr(exit->esr);
	} else if (exit->raw & HV_STATUS_SIGNAL) {
		exit->status = (int)(exit->raw & 0x7f);
	} else {
		exit->status = (int)(exit->raw & 0xff) << 8;
	}
}

/* ---- what has died ------------------------------------------------------------ */

/* The record of pid, or any if pid is -1, leaves the list. */
static bool take_pending(pid_t pid, struct hv_exit *exit)
{
	for (unsigned i = 0; i < pending_count; i++) {
		if (pid != -1 && pending[i].pid != pid)
			continue;
		*exit = pending[i];
		pending_count--;
		memmove(&pending[i], &pending[i + 1], (pending_count - i) * sizeof(*exit));
		hv_pid_free((hv_pid)exit->pid);
		return true;
	}
	return false;
}

/* Empties a dead child. Returns 1 if somebody may wait for it, 0 if nobody,
 * or a negated error. */
static int64_t bury(hv_pid pid, struct hv_exit *exit)
{
	bool is_adopted = set_has(&os.adopted, pid);
	int64_t error;

	read_exit(pid, exit);
	error = os_reclaim_dead(pid);
	if (error == 0 && is_adopted)
		hv_pid_free(pid);
	return error < 0 ? error : !is_adopted;
}

/*
 * Takes note of every dead child, so that nothing that it held stays open and
 * nobody waits for it in vain. Returns false if a dead one had to stay.
 */
bool os_bury_dead(void)
{
	struct hv_exit exit;
	int64_t dead;

	while ((dead = hv_wait(HV_NOWAIT, HV_NONE)) >= 0) {
		if (pending_count == PENDING_MAX)
			return false;
		switch (bury((hv_pid)dead, &exit)) {
		case 0:
			break;
		case 1:
			pending[pending_count++] = exit;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* ---- may pid still die? ------------------------------------------------------- */

static bool is_child(hv_pid pid)
{
	const volatile struct hv_proc *proc = &hv_procs[pid];

	return proc->ppid == os.pid && proc->state != HV_PROC_UNUSED && !set_has(&os.adopted, pid);
}

static bool has_child(pid_t pid)
{
	if (!hv_has_view())
		return true;	/* the kernel will say */
	if (pid != -1)
		return pid > 0 && pid < HV_NPROC && is_child((hv_pid)pid);
	for (hv_pid i = 1; i < HV_NPROC; i++)
		if (is_child(i))
			return true;
	return false;
}

/* ---- wait --------------------------------------------------------------------- */

enum outcome { FOUND, OTHER, NOBODY, FAILED };

static enum outcome failed(int64_t error)
{
	hv_set_errno(error);
	return FAILED;
}

/* ... or for the break key. */
static int64_t wait_for_one(hv_handle console)
{
	if (console >= HV8_NFD || os.fd.kind[console] != FD_TTY)
		return hv_wait(HV_FOREVER, console);
	if (os.tty_event == 0)		/* the break key is another's */
		return hv_wait(HV_FOREVER, HV_NONE);
	tty_wait((int)console);
	return -HV_EINTR;
}

/* Looks at one dead child; if there is none, waits for one. */
static enum outcome next_dead(pid_t pid, int options, hv_handle console, struct hv_exit *exit)
{
	int64_t dead = hv_wait(HV_NOWAIT, HV_NONE);
	int64_t error;

	if (dead == -HV_EAGAIN) {
		if (!has_child(pid)) {
			errno = ECHILD;
			return FAILED;
		}
		if (options & WNOHANG)
			return NOBODY;
		dead = wait_for_one(console);
		if (dead == -HV_EINTR)
			dead = hv_wait(HV_NOWAIT, HV_NONE);
		if (dead == -HV_EAGAIN)		/* nobody died: the break key */
			dead = -HV_EINTR;
	}
	if (dead < 0)
		return failed(dead);
	error = bury((hv_pid)dead, exit);
	if (error <= 0)
		return error < 0 ? failed(error) : OTHER;
	if (pid != -1 && pid != exit->pid && pending_count < PENDING_MAX) {
		pending[pending_count++] = *exit;
		return OTHER;
	}
	hv_pid_free((hv_pid)exit->pid);
	return pid == -1 || pid == exit->pid ? FOUND : OTHER;	/* OTHER: too many to remember */
}

pid_t hv_waitpid(pid_t pid, int options, hv_handle console, struct hv_exit *exit)
{
	enum outcome outcome;

	if (pid == 0 || pid < -1)
		pid = -1;	/* there are no process groups */
	if (take_pending(pid, exit))
		return exit->pid;
	do {
		outcome = next_dead(pid, options, console, exit);
	} while (outcome == OTHER);
	os_pages_give_back();
	return outcome == FOUND ? exit->pid : outcome == NOBODY ? 0 : -1;
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	struct hv_exit exit;
	pid_t result = hv_waitpid(pid, options, HV_NONE, &exit);

	if (result > 0 && status != NULL)
		*status = exit.status;
	return result;
}

pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

int kill(pid_t pid, int sig)
{
	int64_t error = 0;

	if (sig < 0 || sig > 63 || pid <= 0 || pid >= HV_NPROC) {
		errno = sig < 0 || sig > 63 ? EINVAL : ESRCH;
		return -1;
	}
	if (sig != 0 && (hv_pid)pid == os.pid)
		os_end(HV_STATUS_SIGNAL | (uint64_t)sig);
	if (sig != 0) {
		error = hv_stop((hv_pid)pid, HV_STATUS_SIGNAL | (uint64_t)sig);
		if (error == 0)
			os_close_handles((hv_pid)pid);	/* its pipes end now */
	} else if ((hv_pid)pid != os.pid && hv_has_view() && !is_child((hv_pid)pid)) {
		error = hv_procs[pid].state == HV_PROC_UNUSED ? -HV_ESRCH : -HV_EPERM;
	}
	if (error == -HV_ESTATE)
		error = hv_has_view() && hv_procs[pid].state == HV_PROC_ZOMBIE ? 0 : -HV_ESRCH;
	return (int)hv_set_errno(error);
}

/* ---- in words ----------------------------------------------------------------- */

/* The C library's strsignal would bring all of printf with it. */
static const char *signal_name(int sig)
{
	switch (sig) {
	case SIGHUP: return "hang-up";
	case SIGINT: return "interrupted";
	case SIGQUIT: return "quit";
	case SIGABRT: return "aborted";
	case SIGKILL: return "killed";
	case SIGPIPE: return "broken pipe";
	case SIGTERM: return "terminated";
	}
	return "signal";
}

char *hv_describe_exit(const struct hv_exit *exit, char *buf, size_t n)
{
	char cause[112], place[80];
	int at = 0;

	buf[0] = 0;
	if (WIFEXITED(exit->status))
		return buf;
	if (exit->esr == 0) {
		hv_snprintf(buf, n, "%s[%d] %s (signal %d)", exit->name, (int)exit->pid,
			signal_name(WTERMSIG(exit->status)), WTERMSIG(exit->status));
		return buf;
	}
	hv_describe_esr(exit->esr, cause, sizeof(cause));
	at = hv_snprintf(buf, n, "%s[%d] %s: %s", exit->name, (int)exit->pid,
		exit->by_kernel ? "stopped by the kernel" : "crashed", cause);
	if (exit->by_kernel && (size_t)at < n)
		hv_snprintf(buf + at, n - (size_t)at, ", at 0x%lx (%s), far 0x%lx", exit->elr,
			hv_symbolize(exit->name, exit->elr, place, sizeof(place)), exit->far);
	return buf;
}
