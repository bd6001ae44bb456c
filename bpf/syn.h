/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* A flood of SYNs: what is more than all clients together may send is answered here, with a cookie
 * (RFC 4987 3.6), and costs the TCP stack nothing until its sender has shown that it is there. */
#ifndef BPF_SYN_H
#define BPF_SYN_H

#include "reject.h"

#define TCP_HEADER_MAX 60
#define MSS_IPV4 1460 /* of Ethernet; a path that holds less says so (RFC 1191, RFC 8201) */
#define MSS_IPV6 1440

struct syn_ack {
	struct tcphdr tcp;
	__u8 mss_kind, mss_length;
	__be16 mss;
};

/* The cookie is the kernel's own, of its own secret: whoever brings it back is let in by the stack
 * itself, if net.ipv4.tcp_syncookies is 2.  No option but the MSS is taken up, as in any cookie
 * without timestamps. */
static __always_inline struct syn_ack make_syn_ack(const struct tcphdr *syn, __u32 cookie,
						   __u16 mss)
{
	return (struct syn_ack){
		.tcp = { .source = syn->dest,
			 .dest = syn->source,
			 .seq = bpf_htonl(cookie),
			 .ack_seq = bpf_htonl(bpf_ntohl(syn->seq) + 1),
			 .doff = sizeof(struct syn_ack) / 4,
			 .syn = 1,
			 .ack = 1,
			 .window = bpf_htons(65535) },
		.mss_kind = 2,
		.mss_length = 4,
		.mss = bpf_htons(mss),
	};
}

/* Only a socket of this host that listens may be spoken for: what is for other ports, or only
 * passes through, is not ours to answer. */
static __always_inline int is_for_listener(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
					   __u32 size)
{
	struct bpf_sock *sk = bpf_skc_lookup_tcp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	int is_listener;

	if (!sk)
		return 0;
	is_listener = sk->state == BPF_TCP_LISTEN;
	bpf_sk_release(sk);
	return is_listener;
}

/* The frame becomes as long as the answer: its headers have been read. */
static __always_inline int resize(struct xdp_md *ctx, __u32 end)
{
	int more = (int)end - (int)length_of(ctx);

	return more ? (int)bpf_xdp_adjust_tail(ctx, more) : 0;
}

/* The whole header of a SYN, to a place whose size the verifier knows.  Its length, or 0. */
static __always_inline __u32 read_syn(struct xdp_md *ctx, const struct packet *p, __u8 *to)
{
	struct tcphdr *tcp = HEADER(ctx, struct tcphdr, p->l4);
	__u32 length;

	if (!tcp)
		return 0;
	length = tcp->doff * 4;
	if (length < sizeof(*tcp) || length > TCP_HEADER_MAX ||
	    bpf_xdp_load_bytes(ctx, p->l4, to, length))
		return 0;
	return length;
}

static __always_inline int answer_ipv4(struct xdp_md *ctx, const struct packet *p)
{
	struct {
		struct iphdr ip;
		struct syn_ack tcp;
	} __attribute__((packed)) * out;
	__u8 header[TCP_HEADER_MAX] = {};
	struct tcphdr *syn = (struct tcphdr *)header;
	__u32 length = read_syn(ctx, p, header);
	struct iphdr *in = HEADER(ctx, struct iphdr, p->l3), ip;
	struct bpf_sock_tuple tuple = {};
	struct syn_ack answer;
	__s64 cookie;

	if (!in || !length || is_group4(in->daddr))
		return XDP_DROP;
	ip = *in;
	tuple.ipv4.saddr = ip.saddr;
	tuple.ipv4.daddr = ip.daddr;
	tuple.ipv4.sport = syn->source;
	tuple.ipv4.dport = syn->dest;
	if (!is_for_listener(ctx, &tuple, sizeof(tuple.ipv4)))
		return XDP_DROP;
	cookie = bpf_tcp_raw_gen_syncookie_ipv4(&ip, syn, length);
	if (cookie < 0 || resize(ctx, p->l3 + sizeof(*out)))
		return XDP_DROP;
	answer = make_syn_ack(syn, (__u32)cookie, MSS_IPV4);
	answer.tcp.check = sum_fold(sum_words(&answer, sizeof(answer),
					      (__u64)ip.saddr + ip.daddr + bpf_htons(IPPROTO_TCP) +
						      bpf_htons(sizeof(answer))));
	out = HEADER(ctx, typeof(*out), p->l3);
	if (!out)
		return XDP_DROP;
	out->ip = (struct iphdr){ .version = 4,
				  .ihl = 5,
				  .tot_len = bpf_htons(sizeof(*out)),
				  .frag_off = bpf_htons(0x4000),
				  .ttl = ANSWER_TTL,
				  .protocol = IPPROTO_TCP,
				  .saddr = ip.daddr,
				  .daddr = ip.saddr };
	out->ip.check = sum_fold(sum_words(&out->ip, sizeof(out->ip), 0));
	out->tcp = answer;
	return finish(ctx, p->l3 + sizeof(*out));
}

static __always_inline int answer_ipv6(struct xdp_md *ctx, const struct packet *p)
{
	struct {
		struct ipv6hdr ip;
		struct syn_ack tcp;
	} __attribute__((packed)) * out;
	__u8 header[TCP_HEADER_MAX] = {};
	struct tcphdr *syn = (struct tcphdr *)header;
	__u32 length = read_syn(ctx, p, header);
	struct ipv6hdr *in = HEADER(ctx, struct ipv6hdr, p->l3), ip;
	struct bpf_sock_tuple tuple = {};
	struct syn_ack answer;
	__s64 cookie;
	__u64 pseudo;

	if (!in || !length || is_group6(&in->daddr))
		return XDP_DROP;
	ip = *in;
	__builtin_memcpy(tuple.ipv6.saddr, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(tuple.ipv6.daddr, &ip.daddr, sizeof(ip.daddr));
	tuple.ipv6.sport = syn->source;
	tuple.ipv6.dport = syn->dest;
	if (!is_for_listener(ctx, &tuple, sizeof(tuple.ipv6)))
		return XDP_DROP;
	cookie = bpf_tcp_raw_gen_syncookie_ipv6(&ip, syn, length);
	if (cookie < 0 || resize(ctx, p->l3 + sizeof(*out)))
		return XDP_DROP;
	answer = make_syn_ack(syn, (__u32)cookie, MSS_IPV6);
	pseudo = sum_words(&ip.saddr, 32, bpf_htons(IPPROTO_TCP) + bpf_htons(sizeof(answer)));
	answer.tcp.check = sum_fold(sum_words(&answer, sizeof(answer), pseudo));
	out = HEADER(ctx, typeof(*out), p->l3);
	if (!out)
		return XDP_DROP;
	out->ip = (struct ipv6hdr){ .version = 6,
				    .payload_len = bpf_htons(sizeof(answer)),
				    .nexthdr = IPPROTO_TCP,
				    .hop_limit = ANSWER_TTL,
				    .saddr = ip.daddr,
				    .daddr = ip.saddr };
	out->tcp = answer;
	return finish(ctx, p->l3 + sizeof(*out));
}

/* XDP_TX with the cookie in place of the SYN, or XDP_DROP.  Not inlined: it is rare, and its stack
 * is its own. */
__noinline int answer_syn(struct xdp_md *ctx, struct packet *p)
{
	if (!p || !has_cookies)
		return XDP_DROP;
	return p->is_v6 ? answer_ipv6(ctx, p) : answer_ipv4(ctx, p);
}

#endif
