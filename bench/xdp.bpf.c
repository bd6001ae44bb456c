/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* For bench/xdp: puts a fresh source into a packet and goes on to the program that is measured, so
 * that caches are as cold as in life; and what sluice is measured beside. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} measured SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lpm_key);
	__type(value, __u32);
} lpm SEC(".maps");

struct sources sources;

/* Knuth's generator for 64 bits; the upper half is good enough. */
static __always_inline __u32 next_random(void)
{
	sources.state = sources.state * 6364136223846793005ull + 1442695040888963407ull;
	return sources.state >> 32;
}

static __always_inline int write_source6(struct xdp_md *ctx, __u32 number)
{
	struct ipv6hdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	__u64 *halves = (__u64 *)&ip->saddr;

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	halves[0] = bpf_cpu_to_be64(listed6(number));
	halves[1] = bpf_cpu_to_be64(1);
	return 0;
}

static __always_inline int write_source4(struct xdp_md *ctx, __u32 number)
{
	struct iphdr *ip = (void *)(long)ctx->data + sizeof(struct ethhdr);

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return -1;
	ip->saddr = bpf_htonl(listed4(number));
	return 0;
}

SEC("xdp")
int make_source(struct xdp_md *ctx)
{
	__u32 number = next_random(), kind = sources.kind;
	int ret;

	if (kind == SOURCE_LISTED4 || kind == SOURCE_LISTED6)
		number = (__u64)number * sources.nr >> 32;
	if (kind == SOURCE_RANDOM6 || kind == SOURCE_LISTED6)
		ret = write_source6(ctx, number);
	else
		ret = write_source4(ctx, number);
	if (ret == 0)
		bpf_tail_call(ctx, &measured, 0);
	return XDP_ABORTED;
}

/* What everything costs that is not the measured program's. */
SEC("xdp")
int nothing(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* RFC 1071; without it the stack would take the frame for a broken one. */
static __always_inline void write_checksum(struct iphdr *ip)
{
	__u16 *words = (__u16 *)ip;
	__u32 sum = 0;

	ip->check = 0;
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~((sum & 0xffff) + (sum >> 16));
}

/* For bench/veth: a fresh source, and out of an interface. */
SEC("xdp")
int send_source(struct xdp_md *ctx)
{
	__u32 number = (__u64)next_random() * sources.nr >> 32;
	struct iphdr *ip;

	if (write_source4(ctx, number) < 0)
		return XDP_ABORTED;
	ip = (void *)(long)ctx->data + sizeof(struct ethhdr);
	if ((void *)(ip + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	write_checksum(ip);
	return bpf_redirect(sources.ifindex, 0);
}

/* What every program that drops pays. */
SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* What one would write first: the kernel's own longest prefix match. */
SEC("xdp")
int lpm_deny(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct lpm_key key = { .length = 32 };

	if ((void *)(ip + 1) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	key.address = ip->saddr;
	return bpf_map_lookup_elem(&lpm, &key) ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
