/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* The maps of include/sluice/abi.h, and what of them every packet reads. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "sluice/abi.h"

/* How many lines an image has: set at load time, and one number for all, since only lookups in
 * inner maps of a fixed size are inlined by the kernel. */
struct image_lines {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_IMAGE_LINES_DEFAULT);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sl_line);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct image_lines);
} image SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sl_control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_PORT_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, SL_PUNISHED_MAX);
	__type(key, struct sl_address);
	__type(value, struct sl_punishment);
} punished SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_CELL_SETS_MAX);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sl_gcra_set);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SL_INTERFACES_MAX *SL_VERDICTS);
	__type(key, __u32);
	__type(value, struct sl_counter);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SL_EVENT_BYTES);
} events SEC(".maps");

/* Which interfaces have a program, for those who read the counters; no packet asks. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct sl_interface);
} interfaces SEC(".maps");

/* What the clock said when this CPU last asked it, and in which tick that was. */
struct clock {
	__u64 tick, ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct clock);
} clocks SEC(".maps");

/* libbpf takes the size of a map's value from BTF, where a struct is only if something uses it. */
struct sl_line btf_line = {};

/* Each interface has a program of its own, whose constants the verifier folds into it. */
const volatile __u32 interface_slot = 0;
/* The program was loaded for frames of several buffers: data_end is not where they end. */
const volatile __u8 has_fragments = 0;
/* This kernel makes SYN cookies (CONFIG_SYN_COOKIES). */
const volatile __u8 has_cookies = 0;

/* Of the whole frame, all its buffers. */
static __always_inline __u32 length_of(struct xdp_md *ctx)
{
	return has_fragments ? (__u32)bpf_xdp_get_buff_len(ctx)
			     : (__u32)(ctx->data_end - ctx->data);
}

static __always_inline struct sl_control *get_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

/*
 * CLOCK_MONOTONIC as of the last timer tick, as bpf_ktime_get_coarse_ns() has it: it changes only
 * when jiffies do, which the kernel compiles to one load, so the clock is called once a tick and
 * CPU.  It changes a moment after them: what is asked in between, and is what was known before, is
 * not kept.  So it is late by two ticks at most, 8 ms where there are 250 a second.
 */
static __always_inline __u64 get_now_ns(void)
{
	__u32 zero = 0;
	struct clock *clock = bpf_map_lookup_elem(&clocks, &zero);
	__u64 tick = bpf_jiffies64(), ns;

	if (!clock)
		return 0;
	if (clock->tick == tick)
		return clock->ns;
	ns = bpf_ktime_get_coarse_ns();
	if (ns != clock->ns)
		*clock = (struct clock){ tick, ns };
	return ns;
}

#endif
