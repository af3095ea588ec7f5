/* SPDX-License-Identifier: MIT */
/*
 * Sets of processes, and who runs. A live process is in exactly one of three
 * places: in sched.ready, on the core that sched.core names, or blocked (neither).
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <stdbool.h>

#include "prim.h"
#include "state.h"
#include "timer.h"

/* The core that executes this; TPIDR_EL2 is set by boot and never changed. */
static inline struct hv_cpu *this_cpu(void)
{
	return (struct hv_cpu *)sysreg_read(tpidr_el2);
}

static inline void set_add(struct hv_set *set, uint64_t pid)
{
	set->word[pid / 64] |= 1ULL << (pid % 64);
}

static inline void set_remove(struct hv_set *set, uint64_t pid)
{
	set->word[pid / 64] &= ~(1ULL << (pid % 64));
}

static inline bool set_has(const struct hv_set *set, uint64_t pid)
{
	return (set->word[pid / 64] >> (pid % 64)) & 1;
}

/* Is it in both? */
static inline bool set_has_both(const struct hv_set *set, const struct hv_set *other, uint64_t pid)
{
	return ((set->word[pid / 64] & other->word[pid / 64]) >> (pid % 64)) & 1;
}

static inline bool set_is_empty(const struct hv_set *set)
{
	return (set->word[0] | set->word[1]) == 0;
}

/* Of the two words of a set, the one that has the bit of `after`, and the other. */
static inline uint64_t words_next(uint64_t own, uint64_t other, uint64_t after)
{
	_Static_assert(HV_SET_WORDS == 2, "two words are looked at");
	uint64_t w = after / 64;
	uint64_t above_mask = (~0ULL << 1) << (after % 64);
	uint64_t above = own & above_mask;
	uint64_t below = own & ~above_mask;
	uint64_t rest = other ? other : below;
	uint64_t rest_word = other ? w ^ 1 : w;
	uint64_t bits = above ? above : rest;
	uint64_t bits_word = above ? w : rest_word;

	return bits ? bits_word * 64 + ctz64(bits) : 0;
}

/*
 * The member that follows `after` in circular order (`after` itself comes
 * last); 0 if the set is empty. Pid 0 is never a member.
 */
static inline uint64_t set_next(const struct hv_set *set, uint64_t after)
{
	uint64_t w = after / 64;

	return words_next(set->word[w], set->word[w ^ 1], after);
}

/* The same, of those that are in both sets. */
static inline uint64_t set_next_both(const struct hv_set *set, const struct hv_set *other,
				     uint64_t after)
{
	uint64_t w = after / 64, x = w ^ 1;

	return words_next(set->word[w] & other->word[w], set->word[x] & other->word[x], after);
}

static inline uint64_t words_lowest(uint64_t low, uint64_t high)
{
	if (low)
		return ctz64(low);
	return high ? 64 + ctz64(high) : 0;
}

/* The lowest member; 0 if the set is empty. */
static inline uint64_t set_lowest(const struct hv_set *set)
{
	return words_lowest(set->word[0], set->word[1]);
}

/* Is somebody in both? */
static inline bool have_common(const struct hv_set *set, const struct hv_set *other)
{
	return ((set->word[0] & other->word[0]) | (set->word[1] & other->word[1])) != 0;
}

/* Makes every member ready at once; their results were set when they blocked. */
static inline void set_wake_all(struct hv_set *set)
{
	sched.ready.word[0] |= set->word[0];
	sched.ready.word[1] |= set->word[1];
	set->word[0] = 0;
	set->word[1] = 0;
}

/* The saved registers of a process. */
static inline uint64_t *ctx_of(uint64_t pid)
{
	return pages[procs[pid].ctx];
}

bool sched_is_blocked(uint64_t pid);

/* Gives the core to a process that is in no set. Its present one must have left. */
static inline void sched_enter(struct hv_cpu *cpu, uint64_t pid)
{
	sched.core[pid] = cpu->number;
	cpu->current = pid;
}

/* Gives the core to a ready process. Its present one must have left. */
static inline void sched_run(struct hv_cpu *cpu, uint64_t pid)
{
	set_remove(&sched.ready, pid);
	sched_enter(cpu, pid);
}

/* Takes the core from its present process, which stays ready. */
static inline void sched_set_aside(struct hv_cpu *cpu)
{
	sched.core[cpu->current] = 0;
	set_add(&sched.ready, cpu->current);
}

/* Gives it to whose turn it is, or to the next who is ready and may run here, or idles. */
void sched_run_next(struct hv_cpu *cpu);
/* Gives it to a process that is in no set; if that may not run here it is ready instead. */
void sched_hand_over(struct hv_cpu *cpu, uint64_t pid, bool may_run);
/* Ends the turn; the present one stays ready. */
void sched_yield(struct hv_cpu *cpu);
/* The present one, which may not run here any more, leaves; it stays ready. */
void sched_leave(struct hv_cpu *cpu);

/* Takes the present process, whose deadline is set, off the core and blocks it. */
static inline void sched_block_timed(uint64_t self, uint64_t file, uint64_t peer, uint64_t flags)
{
	procs[self].wait_file = file;
	procs[self].wait_peer = peer;
	procs[self].wait_flags = flags;
	sched.core[self] = 0;
}

/* The same with a deadline, a counter value or HV_FOREVER. */
static inline void sched_block(struct hv_cpu *cpu, uint64_t file, uint64_t peer, uint64_t flags,
			       uint64_t deadline)
{
	timer_set(cpu->current, deadline);
	sched_block_timed(cpu->current, file, peer, flags);
}

/* Another core that waits gets to look, if there is one that may run who is ready. */
void sched_kick(struct hv_cpu *cpu);

/* Takes a blocked process out of the sets that it waits in. */
void sched_unwait(uint64_t pid);

/* Another core runs the process, and is to stop it. */
void proc_doom(uint64_t pid, uint64_t status);
/* Stops a live process that runs on no other core, or an embryo, for good. */
void proc_stop(struct hv_cpu *cpu, uint64_t pid, uint64_t status);

#endif
