/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* An answer to a packet that is rejected, made of the packet itself: RST to TCP, to UDP the ICMP
 * error "communication administratively prohibited". */
#ifndef BPF_REJECT_H
#define BPF_REJECT_H

#include <stddef.h>

#include "maps.h"
#include "parse.h"

/* The answer never is larger than 36 bytes more than the question, and nothing is answered that is
 * itself an answer (RST, ICMP), so we are of no use to those who lie about their source. */
#define QUOTE_L4 8 /* RFC 792: of what follows the IP header */
#define ICMP_DST_UNREACH 3
#define ICMP_ADMIN_PROHIBITED 13 /* RFC 1812 5.2.7.1 */
#define ICMPV6_DST_UNREACH 1
#define ICMPV6_ADMIN_PROHIBITED 1 /* RFC 4443 3.1 */
#define ANSWER_TTL 64

static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

/* RFC 1071, over 32-bit words in the order of the wire; len is a constant. */
static __always_inline __u64 sum_words(const void *data, __u32 len, __u64 sum)
{
	const __u32 *words = data;

#pragma unroll
	for (__u32 i = 0; i < len / 4; i++)
		sum += words[i];
	return sum;
}

static __always_inline void swap_link(struct ethhdr *eth)
{
	__u8 source[ETH_ALEN];

	__builtin_memcpy(source, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, source, ETH_ALEN);
}

/* RFC 9293 3.10.7.1: what a closed port would say. */
static __always_inline struct tcphdr make_rst(const struct tcphdr *in, __u32 payload)
{
	struct tcphdr rst = { .source = in->dest, .dest = in->source, .doff = 5, .rst = 1 };

	if (in->ack) {
		rst.seq = in->ack_seq;
		return rst;
	}
	rst.ack = 1;
	rst.ack_seq = bpf_htonl(bpf_ntohl(in->seq) + payload + in->syn + in->fin);
	return rst;
}

static __always_inline int finish(struct xdp_md *ctx, __u32 end)
{
	struct ethhdr *eth = HEADER(ctx, struct ethhdr, 0);
	int shrink = (int)end - (int)length_of(ctx);

	/* IEEE 802: a group is nobody's source. */
	if (!eth || eth->h_dest[0] & 1)
		return XDP_DROP;
	swap_link(eth);
	return shrink && bpf_xdp_adjust_tail(ctx, shrink) ? XDP_DROP : XDP_TX;
}

/* RFC 1122 3.2.2: what was for many is answered by nobody. */
static __always_inline int is_group4(__be32 destination)
{
	return bpf_ntohl(destination) >> 28 >= 14;
}

static __always_inline int is_group6(const struct in6_addr *destination)
{
	return destination->in6_u.u6_addr8[0] == 0xff;
}

static __always_inline int reset_ipv4(struct xdp_md *ctx, const struct packet *p)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} *out = HEADER(ctx, typeof(*out), p->l3);
	struct tcphdr *tcp = HEADER(ctx, struct tcphdr, p->l4), rst;
	struct iphdr ip;
	__u64 pseudo;

	if (!out || !tcp || tcp->rst || is_group4(out->ip.daddr))
		return XDP_DROP;
	rst = make_rst(tcp, bpf_ntohs(out->ip.tot_len) - out->ip.ihl * 4 - tcp->doff * 4);
	ip = (struct iphdr){ .version = 4,
			     .ihl = 5,
			     .tot_len = bpf_htons(sizeof(*out)),
			     .frag_off = bpf_htons(0x4000),
			     .ttl = ANSWER_TTL,
			     .protocol = IPPROTO_TCP,
			     .saddr = out->ip.daddr,
			     .daddr = out->ip.saddr };
	ip.check = sum_fold(sum_words(&ip, sizeof(ip), 0));
	pseudo = (__u64)ip.saddr + ip.daddr + bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(rst));
	rst.check = sum_fold(sum_words(&rst, sizeof(rst), pseudo));
	out->ip = ip;
	out->tcp = rst;
	return finish(ctx, p->l3 + sizeof(*out));
}

static __always_inline int reset_ipv6(struct xdp_md *ctx, const struct packet *p)
{
	struct {
		struct ipv6hdr ip;
		struct tcphdr tcp;
	} *out = HEADER(ctx, typeof(*out), p->l3);
	struct tcphdr *tcp = HEADER(ctx, struct tcphdr, p->l4), rst;
	struct ipv6hdr ip;
	__u64 pseudo;

	if (!out || !tcp || tcp->rst || is_group6(&out->ip.daddr))
		return XDP_DROP;
	rst = make_rst(tcp, bpf_ntohs(out->ip.payload_len) - (p->l4 - p->l3 - (__u32)sizeof(ip)) -
				    tcp->doff * 4);
	ip = (struct ipv6hdr){ .version = 6,
			       .payload_len = bpf_htons(sizeof(rst)),
			       .nexthdr = IPPROTO_TCP,
			       .hop_limit = ANSWER_TTL,
			       .saddr = out->ip.daddr,
			       .daddr = out->ip.saddr };
	pseudo = sum_words(&ip.saddr, 32, bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(rst)));
	rst.check = sum_fold(sum_words(&rst, sizeof(rst), pseudo));
	out->ip = ip;
	out->tcp = rst;
	return finish(ctx, p->l3 + sizeof(*out));
}

/* Makes room for new headers behind the link's, which may have tags. */
static __always_inline int make_room(struct xdp_md *ctx, __u32 l3, int room)
{
	__u8 link[ETH_HLEN + VLAN_TAGS_MAX * sizeof(struct vlan_tag)] = {};
	__u8 *from, *to;

	from = HEADER(ctx, __u8, 0);
	if (!from || bpf_xdp_load_bytes(ctx, 0, link, ETH_HLEN))
		return -1;
	if (l3 > ETH_HLEN && l3 <= sizeof(link) &&
	    bpf_xdp_load_bytes(ctx, ETH_HLEN, link + ETH_HLEN, l3 == sizeof(link) ? 8 : 4))
		return -1;
	if (bpf_xdp_adjust_head(ctx, -room))
		return -1;
	to = (__u8 *)(long)ctx->data;
	if ((void *)(to + sizeof(link)) > (void *)(long)ctx->data_end)
		return -1;
	/* What is too much is behind the link header, where the new ones go. */
	__builtin_memcpy(to, link, sizeof(link));
	return 0;
}

/* Of both families; linux/icmp.h wants the C library of a machine that has none. */
struct icmp_error {
	__u8 type, code;
	__sum16 checksum;
	__be32 unused;
};

struct quote4 {
	struct iphdr ip;
	__u8 l4[QUOTE_L4];
};

struct error4 {
	struct iphdr ip;
	struct icmp_error icmp;
	struct quote4 quote;
};

static __always_inline int prohibit_ipv4(struct xdp_md *ctx, const struct packet *p)
{
	struct quote4 *in = HEADER(ctx, struct quote4, p->l3);
	struct error4 *out;
	struct iphdr ip;

	if (!in || in->ip.ihl != 5 || is_group4(in->ip.daddr))
		return XDP_DROP;
	ip = (struct iphdr){ .version = 4,
			     .ihl = 5,
			     .tot_len = bpf_htons(sizeof(*out)),
			     .ttl = ANSWER_TTL,
			     .protocol = IPPROTO_ICMP,
			     .saddr = in->ip.daddr,
			     .daddr = in->ip.saddr };
	ip.check = sum_fold(sum_words(&ip, sizeof(ip), 0));
	if (make_room(ctx, p->l3, offsetof(struct error4, quote)))
		return XDP_DROP;
	out = HEADER(ctx, struct error4, p->l3);
	if (!out)
		return XDP_DROP;
	out->ip = ip;
	out->icmp = (struct icmp_error){ .type = ICMP_DST_UNREACH, .code = ICMP_ADMIN_PROHIBITED };
	out->icmp.checksum = sum_fold(sum_words(&out->icmp, sizeof(out->icmp) + sizeof(*in), 0));
	return finish(ctx, p->l3 + sizeof(*out));
}

struct quote6 {
	struct ipv6hdr ip;
	__u8 l4[QUOTE_L4];
};

struct error6 {
	struct ipv6hdr ip;
	struct icmp_error icmp;
	struct quote6 quote;
};

static __always_inline int prohibit_ipv6(struct xdp_md *ctx, const struct packet *p)
{
	__u32 length = sizeof(struct error6) - sizeof(struct ipv6hdr);
	struct quote6 *in = HEADER(ctx, struct quote6, p->l3);
	struct error6 *out;
	struct ipv6hdr ip;
	__u64 pseudo;

	if (!in || is_group6(&in->ip.daddr))
		return XDP_DROP;
	ip = (struct ipv6hdr){ .version = 6,
			       .payload_len = bpf_htons(length),
			       .nexthdr = IPPROTO_ICMPV6,
			       .hop_limit = ANSWER_TTL,
			       .saddr = in->ip.daddr,
			       .daddr = in->ip.saddr };
	pseudo = sum_words(&ip.saddr, 32, bpf_htons(IPPROTO_ICMPV6) + bpf_htons(length));
	if (make_room(ctx, p->l3, offsetof(struct error6, quote)))
		return XDP_DROP;
	out = HEADER(ctx, struct error6, p->l3);
	if (!out)
		return XDP_DROP;
	out->ip = ip;
	out->icmp =
		(struct icmp_error){ .type = ICMPV6_DST_UNREACH, .code = ICMPV6_ADMIN_PROHIBITED };
	out->icmp.checksum = sum_fold(sum_words(&out->icmp, length, pseudo));
	return finish(ctx, p->l3 + sizeof(*out));
}

/* XDP_TX with the answer in place of the packet, or XDP_DROP for what gets none.  Not inlined: few
 * packets get here, and the others shall not carry what this needs. */
__noinline int reject(struct xdp_md *ctx, struct packet *p)
{
	/* A later fragment is answered when the first one is, or not at all. */
	if (!p || p->problem || p->is_port_unknown)
		return XDP_DROP;
	if (p->protocol == IPPROTO_TCP)
		return p->is_v6 ? reset_ipv6(ctx, p) : reset_ipv4(ctx, p);
	if (p->protocol == IPPROTO_UDP)
		return p->is_v6 ? prohibit_ipv6(ctx, p) : prohibit_ipv4(ctx, p);
	return XDP_DROP;
}

#endif
