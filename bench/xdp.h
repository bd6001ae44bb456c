/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* What bench/xdp.c tells bench/xdp.bpf.c about the packets to make. */
#ifndef BENCH_XDP_H
#define BENCH_XDP_H

#include <linux/types.h>

enum source_kind {
	SOURCE_RANDOM4, /* any address */
	SOURCE_LISTED4, /* one of the first nr of listed4() */
	SOURCE_RANDOM6, /* any below 2000::/3 */
	SOURCE_LISTED6, /* one of the first nr of listed6() */
};

struct sources {
	__u64 state; /* of the generator */
	__u32 kind;  /* enum source_kind */
	__u32 nr;
	__u32 ifindex; /* of where bench/veth sends them */
};

/* Spread over all addresses, and none twice. */
static inline __u32 listed4(__u32 i)
{
	return i * 2654435761u;
}

/* The first half of an address; the other half is 1. */
static inline __u64 listed6(__u32 i)
{
	__u32 spread = listed4(i);

	return (__u64)(0x20000000u | spread >> 3) << 32 | (__u32)(spread * 2246822519u);
}

struct lpm_key {
	__u32 length;
	__u32 address; /* in the order of the wire */
};

#endif
