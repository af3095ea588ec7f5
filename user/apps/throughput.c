/* SPDX-License-Identifier: MIT */
/*
 * throughput: how much several cores do beside what one does, if what they do
 * has nothing to do with each other. Each core has a worker of its own, or a
 * caller and its server, who stay there; all begin at one time, and end at one.
 */
#include <hv8/app.h>
#include <hv8/libos.h>
#include <hv8/view.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP = 1, AHEAD_US = 2000, PATIENCE_US = 600000000 };

static const uint64_t LEAST_NS = 1000000, MOST_NS = 60000000000;

/* What a worker has done, and on which cores: bit i is core i. */
struct work {
	uint64_t count;
	uint64_t cores;
	uint64_t finished;	/* counter */
	uint64_t wrong;		/* answers that were not as they should be */
};

/* Does one of its kind: false if the answer is wrong. */
typedef bool (*operation_fn)(hv_handle server, uint64_t n);

static hv_handle gate;		/* workers report here */
static hv_handle servers[HV_NCPU];

/* ---- workers ------------------------------------------------------------------- */

static uint64_t core_bit(hv_pid self)
{
	return 1ULL << hv_sched->core[self] % HV_NCPU;
}

/* Blocks of `block` operations until the counter is at `end`, and one at least. */
static inline __attribute__((always_inline)) void repeat(struct work *work, uint64_t end,
	unsigned block, operation_fn operation, hv_handle server)
{
	hv_pid self = (hv_pid)hv_self();

	do {
		for (unsigned i = 0; i < block; i++)
			work->wrong += !operation(server, work->count + i);
		work->count += block;
		work->cores |= core_bit(self);
		work->finished = hv_now();
	} while (work->finished < end);
}

/* As long as a null hypercall, and without the kernel: what the machine itself has to offer. */
static bool loop_once(hv_handle server, uint64_t n)
{
	(void)server;
	(void)n;
	__asm__ volatile(".rept 32\n\tnop\n\t.endr");
	return true;
}

static bool null_call(hv_handle server, uint64_t n)
{
	(void)server;
	(void)n;
	return hv_self() > 0;
}

static bool call_server(hv_handle server, uint64_t n)
{
	struct hv_msg m = hv_call_msg(server, HV_FOREVER, 0, HV_NONE, n, 0, 0, 0);

	return m.result == 0 && m.w[0] == ~n;
}

static void run_loop(struct work *work, uint64_t end, hv_handle server)
{
	repeat(work, end, 1000, loop_once, server);
}

static void run_null(struct work *work, uint64_t end, hv_handle server)
{
	repeat(work, end, 1000, null_call, server);
}

static void run_calls(struct work *work, uint64_t end, hv_handle server)
{
	repeat(work, end, 16, call_server, server);
}

static const struct kind {
	const char *name;
	void (*run)(struct work *work, uint64_t end, hv_handle server);
	bool has_server;
} kinds[] = {
	{ "own loop", run_loop, false },
	{ "null hypercall", run_null, false },
	{ "call and reply", run_calls, true },
};

/* Answers until it is told to stop; then says how many calls there were, and where it was. */
static int be_server(hv_handle endpoint)
{
	hv_pid self = (hv_pid)hv_self();
	struct hv_msg m = hv_recv_msg(endpoint, HV_FOREVER, 0);
	uint64_t count = 0, cores = 0;

	while (m.result == 0 && m.w[1] != STOP) {
		count++;
		cores |= core_bit(self);
		m = hv_reply_wait_msg(endpoint, HV_FOREVER, 0, HV_NONE, ~m.w[0], 0, 0, 0);
	}
	return m.result != 0 || hv_reply(m.from, 0, HV_NONE, count, cores, 0, 0) != 0;
}

/* What the server has counted is what its caller has. */
static void ask_server(struct work *work, hv_handle server)
{
	struct hv_msg m = hv_call_msg(server, HV_FOREVER, 0, HV_NONE, 0, STOP, 0, 0);

	work->wrong += m.result != 0 || m.w[0] != work->count;
	work->cores |= m.w[1];
}

/* A place to stop at, for tools/lockstep.py: from here on all work. */
#define MARK_MAGIC 0x7468726f75676870
void throughput_mark(uint64_t magic);
__attribute__((noinline)) void throughput_mark(uint64_t magic)
{
	__asm__ volatile("" : : "r"(magic) : "memory");
}

static int be_worker(const struct kind *kind, uint64_t core)
{
	struct work work = { 0 };
	uint64_t before;
	struct hv_msg go;

	kind->run(&work, 0, servers[core]);	/* what is touched first is touched now */
	before = work.count;
	go = hv_call_msg(gate, HV_FOREVER, 0, HV_NONE, core, 0, 0, 0);
	if (go.result != 0)
		return 1;
	while (hv_now() < go.w[0])
		;
	throughput_mark(MARK_MAGIC);
	kind->run(&work, go.w[1], servers[core]);
	if (kind->has_server)
		ask_server(&work, servers[core]);
	return hv_call(gate, HV_FOREVER, 0, HV_NONE, work.count - before, work.cores,
		       work.finished, work.wrong) != 0;
}

/* ---- who starts them ------------------------------------------------------------- */

/* A worker starts no process. */
static const struct hv_grants lean = { .pages = 16 };

static pid_t children[2 * HV_NCPU];
static uint64_t child_count;

static int64_t must(int64_t result, const char *what)
{
	if (result >= 0)
		return result;
	fprintf(stderr, "throughput: %s: %s\n", what, hv_strerror(result));
	while (child_count > 0)
		hv_stop((hv_pid)children[--child_count], 0);
	exit(1);
}

/* On a core of its own: a worker of that kind, or its server. */
static void start(const struct kind *kind, uint64_t core, bool is_server)
{
	pid_t pid = hv_fork_attr(&lean);

	if (pid == 0) {
		child_count = 0;
		must(hv_set_affinity((hv_pid)hv_self(), 1ULL << core), "affinity");
		_exit(is_server ? be_server(servers[core]) : be_worker(kind, core));
	}
	must(pid < 0 ? -HV_EAGAIN : 0, "fork");
	children[child_count++] = pid;
}

static struct hv_msg next_report(void)
{
	struct hv_msg m = hv_recv_msg(gate, hv_deadline_us(PATIENCE_US), 0);

	must(m.result, "a worker does not report");
	return m;
}

/* Lets all go together; when that is. */
static uint64_t open_gate(uint64_t cores, uint64_t ticks)
{
	hv_pid waiting[HV_NCPU];
	uint64_t begin;

	for (uint64_t i = 0; i < cores; i++)
		waiting[i] = next_report().from;
	begin = hv_now() + hv_ticks_of_us(AHEAD_US);
	for (uint64_t i = 0; i < cores; i++)
		must(hv_reply(waiting[i], 0, HV_NONE, begin, begin + ticks, 0, 0), "reply");
	return begin;
}

/* Of all together, what they did, and when the last had finished; the least that one did. */
static struct work collect(uint64_t cores, uint64_t *least)
{
	struct work all = { 0 };

	*least = UINT64_MAX;
	for (uint64_t i = 0; i < cores; i++) {
		struct hv_msg m = next_report();

		all.count += m.w[0];
		all.wrong += m.w[3] + ((m.w[1] & (m.w[1] - 1)) != 0 || (all.cores & m.w[1]) != 0);
		all.cores |= m.w[1];
		all.finished = m.w[2] > all.finished ? m.w[2] : all.finished;
		*least = m.w[0] < *least ? m.w[0] : *least;
		must(hv_reply(m.from, 0, HV_NONE, 0, 0, 0, 0), "reply");
	}
	return all;
}

static uint64_t bury_all(void)
{
	uint64_t wrong = 0;
	int status;

	for (; child_count > 0; child_count--)
		wrong += wait(&status) < 0 || status != 0;
	return wrong;
}

static void print_row(const char *name, uint64_t cores, const struct work *all, uint64_t least,
	uint64_t rate, uint64_t one)
{
	uint64_t hundredths = one == 0 ? 0 : rate * 100 / one;

	printf("%-16s %5" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64, name, cores, all->count,
	       least, rate);
	printf(" %6" PRIu64 ".%02" PRIu64 " %6" PRIx64 "%s\n", hundredths / 100, hundredths % 100,
	       all->cores, all->wrong == 0 ? "" : "  WRONG");
}

/* A row of the table; `one`, the rate of one core, is of the row of one core. */
static bool run(const struct kind *kind, uint64_t cores, uint64_t ticks, uint64_t *one)
{
	uint64_t begin, least, rate;
	struct work all;

	for (uint64_t i = 0; i < cores; i++) {
		servers[i] = (hv_handle)must(hv_endpoint_new(0), "endpoint");
		if (kind->has_server)
			start(kind, i, true);
		start(kind, i, false);
	}
	begin = open_gate(cores, ticks);
	all = collect(cores, &least);
	all.wrong += all.cores != (1ULL << cores) - 1;
	all.wrong += bury_all();
	for (uint64_t i = 0; i < cores; i++)
		hv_endpoint_close(servers[i]);
	rate = all.count * 1000000 / hv_us_of_ticks(all.finished - begin);
	if (cores == 1)
		*one = rate;
	print_row(kind->name, cores, &all, least, rate, *one);
	return all.wrong == 0;
}

int main(int argc, char **argv)
{
	uint64_t nanoseconds = 1000000000, cores, one = 0, ticks;
	bool is_right = true;

	view_require("throughput");
	cores = hv_bootinfo->cpu_count;
	if (argc > 3 || (argc > 1 && !app_seconds(argv[1], &nanoseconds)) ||
	    (argc > 2 && !app_number(argv[2], cores, &cores)) || cores == 0 ||
	    nanoseconds < LEAST_NS || nanoseconds > MOST_NS)
		app_usage("throughput [SECONDS [CORES]]    (0.001 to 60; at most those there are)");
	ticks = hv_ticks_of_us(nanoseconds / 1000);
	gate = (hv_handle)must(hv_endpoint_new(0), "endpoint");
	printf("%-16s %5s %12s %12s %12s %9s %6s\n", "operation", "cores", "in all", "least of one",
	       "a second", "ratio", "on");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (uint64_t n = 1; n <= cores; n++)
			is_right = run(&kinds[i], n, ticks, &one) && is_right;
	hv_endpoint_close(gate);
	printf("throughput: %s\n", is_right ? "all as expected" : "WRONG");
	return app_finish(!is_right);
}
