/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* From a frame to what is judged: source address, destination port, SYN or not. */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sluice/abi.h"

#define VLAN_TAGS_MAX 2
#define EXTENSIONS_MAX 8
#define OFFSET_MAX 2047 /* of a header in a frame: eight extension headers may be 2 KiB each */

struct packet {
	__u64 hi, lo;	      /* source, as in struct sl_address */
	__u32 l3, l4;	      /* offsets in the frame */
	__u16 port;	      /* destination; 0 if there is none */
	__u8 protocol;	      /* of the transport */
	__u8 is_syn;	      /* a TCP segment that opens a connection */
	__u8 is_port_unknown; /* a later fragment, or headers that could not be followed */
	__u8 is_v6;
	__u8 problem; /* enum sl_verdict of what is malformed behind the addresses, 0: nothing */
};

struct vlan_tag {
	__be16 control, protocol;
};

/* The header at the offset, if the frame has all of it.  No offset is beyond OFFSET_MAX, which the
 * verifier does not always know. */
#define HEADER(ctx, type, offset)                                                                  \
	({                                                                                         \
		void *end_ = (void *)(long)(ctx)->data_end;                                        \
		type *header_ = (void *)(long)(ctx)->data + ((offset)&OFFSET_MAX);                 \
		(void *)(header_ + 1) <= end_ ? header_ : (type *)0;                               \
	})

static __always_inline int is_vlan(__be16 protocol)
{
	return protocol == bpf_htons(ETH_P_8021Q) || protocol == bpf_htons(ETH_P_8021AD);
}

/* SL_PASS, or what is wrong; *ret_protocol is that of the header at *ret_offset. */
static __always_inline int parse_link(struct xdp_md *ctx, __be16 *ret_protocol, __u32 *ret_offset)
{
	struct ethhdr *eth = HEADER(ctx, struct ethhdr, 0);
	__u32 offset = sizeof(*eth);
	__be16 protocol;

	if (!eth)
		return SL_DROP_SHORT_ETH;
	protocol = eth->h_proto;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		struct vlan_tag *tag;

		if (!is_vlan(protocol))
			break;
		tag = HEADER(ctx, struct vlan_tag, offset);
		if (!tag)
			return SL_DROP_SHORT_ETH;
		protocol = tag->protocol;
		offset += sizeof(*tag);
	}
	*ret_protocol = protocol;
	*ret_offset = offset;
	return is_vlan(protocol) ? SL_DROP_VLAN_DEPTH : SL_PASS;
}

static __always_inline int parse_tcp(struct xdp_md *ctx, struct packet *p)
{
	struct tcphdr *tcp = HEADER(ctx, struct tcphdr, p->l4);

	if (!tcp) {
		p->is_port_unknown = 1;
		return SL_DROP_SHORT_L4;
	}
	p->port = bpf_ntohs(tcp->dest);
	p->is_syn = tcp->syn && !tcp->ack;
	return tcp->doff < 5 ? SL_DROP_BAD_L4 : SL_PASS;
}

static __always_inline int parse_udp(struct xdp_md *ctx, struct packet *p)
{
	struct udphdr *udp = HEADER(ctx, struct udphdr, p->l4);

	if (!udp) {
		p->is_port_unknown = 1;
		return SL_DROP_SHORT_L4;
	}
	p->port = bpf_ntohs(udp->dest);
	return SL_PASS;
}

static __always_inline int parse_transport(struct xdp_md *ctx, struct packet *p)
{
	if (p->protocol == IPPROTO_TCP)
		return parse_tcp(ctx, p);
	if (p->protocol == IPPROTO_UDP)
		return parse_udp(ctx, p);
	return SL_PASS;
}

#define IP_OFFSET_MASK 0x1fff
#define IP_MORE_FRAGMENTS 0x2000

static __always_inline int parse_ipv4(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = HEADER(ctx, struct iphdr, p->l3);
	__u32 size;

	if (!ip)
		return SL_DROP_SHORT_IP;
	size = ip->ihl * 4;
	if (ip->version != 4 || size < sizeof(*ip) || bpf_ntohs(ip->tot_len) < size)
		return SL_DROP_BAD_IP;
	p->lo = 0xffffull << 32 | bpf_ntohl(ip->saddr);
	p->protocol = ip->protocol;
	p->l4 = p->l3 + size;
	if ((void *)(long)ctx->data + p->l4 > (void *)(long)ctx->data_end)
		p->problem = SL_DROP_SHORT_IP;
	/* The payload of a later fragment has no ports, whatever it looks like. */
	if (p->problem || ip->frag_off & bpf_htons(IP_OFFSET_MASK))
		p->is_port_unknown = 1;
	else
		p->problem = parse_transport(ctx, p);
	return SL_PASS;
}

struct extension {
	__u8 next, length;
	__be16 fragment; /* of a fragment header: offset and flags */
};

/* RFC 8200 4, RFC 4302, RFC 7401, RFC 5533. */
static __always_inline int is_extension(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
	case IPPROTO_DSTOPTS:
	case 135: /* mobility */
	case 139: /* host identity */
	case 140: /* shim6 */
		return 1;
	}
	return 0;
}

static __always_inline __u32 extension_size(__u8 protocol, const struct extension *e)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	return protocol == IPPROTO_AH ? (e->length + 2) * 4 : (e->length + 1) * 8;
}

/* Goes through the extension headers; each one that cannot be followed leaves the port unknown. */
static __always_inline int parse_extensions(struct xdp_md *ctx, struct packet *p)
{
	SL_NO_UNROLL
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		struct extension *e;

		if (!is_extension(p->protocol))
			return parse_transport(ctx, p);
		e = HEADER(ctx, struct extension, p->l4);
		if (!e) {
			p->is_port_unknown = 1;
			return SL_DROP_SHORT_EXT;
		}
		if (p->protocol == IPPROTO_FRAGMENT && e->fragment & bpf_htons(0xfff8)) {
			p->is_port_unknown = 1;
			return SL_PASS;
		}
		p->l4 += extension_size(p->protocol, e);
		p->protocol = e->next;
		if (p->l4 > OFFSET_MAX)
			break;
		if ((void *)(long)ctx->data + p->l4 > (void *)(long)ctx->data_end) {
			p->is_port_unknown = 1;
			return SL_DROP_SHORT_EXT;
		}
	}
	if (p->l4 <= OFFSET_MAX && !is_extension(p->protocol))
		return parse_transport(ctx, p);
	p->is_port_unknown = 1;
	return SL_DROP_EXT_DEPTH;
}

static __always_inline int parse_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = HEADER(ctx, struct ipv6hdr, p->l3);
	__u64 *halves;

	if (!ip)
		return SL_DROP_SHORT_IP;
	if (ip->version != 6)
		return SL_DROP_BAD_IP;
	halves = (__u64 *)&ip->saddr;
	p->is_v6 = 1;
	p->hi = bpf_be64_to_cpu(halves[0]);
	p->lo = bpf_be64_to_cpu(halves[1]);
	p->protocol = ip->nexthdr;
	p->l4 = p->l3 + sizeof(*ip);
	p->problem = parse_extensions(ctx, p);
	return SL_PASS;
}

/* Any frame, to the same effect as parse().  Not inlined: what comes after it is verified once, and
 * not once for each shape of a packet. */
__noinline int parse_any(struct xdp_md *ctx, struct packet *p)
{
	__be16 protocol;
	int verdict;

	if (!p)
		return SL_PASS_OTHER;
	verdict = parse_link(ctx, &protocol, &p->l3);
	if (verdict)
		return verdict;
	if (protocol == bpf_htons(ETH_P_IP))
		return parse_ipv4(ctx, p);
	if (protocol == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(ctx, p);
	return SL_PASS_OTHER;
}

/* Whether its transport header is where it most often is, and whole: *p is complete then. */
static __always_inline int parse_common_transport(struct xdp_md *ctx, struct packet *p)
{
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return 0;
	return parse_transport(ctx, p) == SL_PASS;
}

static __always_inline int parse_common_ipv4(struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = HEADER(ctx, struct iphdr, ETH_HLEN);

	if (!ip || *(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(IP_OFFSET_MASK) ||
	    bpf_ntohs(ip->tot_len) < sizeof(*ip))
		return 0;
	p->lo = 0xffffull << 32 | bpf_ntohl(ip->saddr);
	p->protocol = ip->protocol;
	p->l4 = ETH_HLEN + sizeof(*ip);
	return parse_common_transport(ctx, p);
}

static __always_inline int parse_common_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = HEADER(ctx, struct ipv6hdr, ETH_HLEN);
	__u64 *halves;

	if (!ip || ip->version != 6)
		return 0;
	halves = (__u64 *)&ip->saddr;
	p->is_v6 = 1;
	p->hi = bpf_be64_to_cpu(halves[0]);
	p->lo = bpf_be64_to_cpu(halves[1]);
	p->protocol = ip->nexthdr;
	p->l4 = ETH_HLEN + sizeof(*ip);
	return parse_common_transport(ctx, p);
}

/* Frames without tags, options or extension headers, which most are: without a call, which costs
 * some processors more than all that is done here. */
static __always_inline int parse_common(struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = HEADER(ctx, struct ethhdr, 0);

	p->l3 = ETH_HLEN;
	if (eth && eth->h_proto == bpf_htons(ETH_P_IP))
		return parse_common_ipv4(ctx, p);
	return eth && eth->h_proto == bpf_htons(ETH_P_IPV6) && parse_common_ipv6(ctx, p);
}

/*
 * SL_PASS: *p, which was zero, says what to judge, and p->problem what is wrong behind the
 * addresses: it must not keep an address from being judged.  Anything else is the verdict.
 */
static __always_inline int parse(struct xdp_md *ctx, struct packet *p)
{
	struct packet other = {};
	int verdict;

	if (parse_common(ctx, p))
		return SL_PASS;
	verdict = parse_any(ctx, &other);
	*p = other;
	return verdict;
}

#endif
