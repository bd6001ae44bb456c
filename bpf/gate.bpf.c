/* SPDX-License-Identifier: GPL-2.0 OR Apache-2.0 */
/* XDP: allow and deny lists, punishments, clients' limits; one verdict and one counter a packet. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "maps.h"
#include "parse.h"
#include "reject.h"
#include "sluice/client.h"
#include "syn.h"

/* What a packet is judged by; read top to bottom it is the order of the verdicts. */
struct judgement {
	struct xdp_md *ctx;
	struct sl_control *control;
	struct packet packet;
	__u32 entry; /* of the image, 0: none */
};

/* What the list is asked, and the entry that answered: 0 if none did. */
struct listed {
	struct sl_question question;
	__u32 revert_at;
	__u32 entry;
	__u32 zero; /* 0, and the verifier does not know it: struct sl_walk */
};

static __always_inline void count_frame(__u32 verdict, __u32 length)
{
	__u32 key = interface_slot * SL_VERDICTS + verdict;
	struct sl_counter *c = bpf_map_lookup_elem(&counters, &key);

	if (!c)
		return;
	c->packets++;
	c->bytes += length;
}

static __always_inline void count(struct xdp_md *ctx, __u32 verdict)
{
	count_frame(verdict, length_of(ctx));
}

static __always_inline int is_ours(const struct packet *p)
{
	__u32 word = p->port >> 6;
	__u64 *bits;

	if (p->is_port_unknown)
		return 1;
	bits = bpf_map_lookup_elem(&ports, &word);
	return bits && *bits >> (p->port & 63) & 1;
}

static __always_inline int verdict_of(__u32 action)
{
	switch (action) {
	case SL_ACTION_MANAGE:
		return SL_PASS_MANAGE;
	case SL_ACTION_ALLOW:
		return SL_PASS_ALLOW;
	case SL_ACTION_DROP:
		return SL_DROP_DENY;
	case SL_ACTION_REJECT:
		return SL_REJECT_DENY;
	}
	return SL_PASS;
}

static __always_inline __u32 get_ticks(void)
{
	return (__u32)(get_now_ns() >> SL_TICK_SHIFT);
}

/* Finds the list that holds; 0 if there is none. */
static __always_inline int open_image(struct sl_walk *walk, __u32 revert_at)
{
	__u32 slot = revert_at && get_ticks() >= revert_at;

	walk->image = bpf_map_lookup_elem(&image, &slot);
	if (walk->image)
		walk->head = sl_image_line(walk->image, 0);
	return walk->image && walk->head;
}

/*
 * The word of a list that may have one.  Not inlined: the verifier goes through it once, and not
 * once for each way to parse a packet.
 */
__noinline int judge_list(struct xdp_md *ctx, struct listed *l)
{
	struct sl_question question;
	struct sl_walk walk = { .question = &question };

	if (!l)
		return SL_PASS;
	question = l->question;
	walk.chain = walk.length_at = walk.shadows = l->zero;
	if (!open_image(&walk, l->revert_at))
		return SL_PASS;
	sl_image_find(&walk);
	if (walk.shadow) {
		sl_entry_hit(walk.shadow, question.now);
		count(ctx, SL_SHADOW_DENY);
	}
	if (!walk.found.rule)
		return SL_PASS;
	sl_entry_hit(walk.found.entry, question.now);
	l->entry = walk.number;
	return verdict_of(walk.found.rule->action);
}

/* The list's word on an address: a verdict, or SL_PASS if it has none.  Most addresses are in no
 * list, or in one that says the same whatever the port and the time are: that needs no call. */
static __always_inline int ask_list(struct judgement *j)
{
	const struct packet *p = &j->packet;
	struct sl_question question = { .hi = p->hi, .lo = p->lo };
	struct sl_walk walk = { .question = &question };
	struct listed l = {};
	__u32 settled;
	__u64 leaf;
	int verdict;

	if (!open_image(&walk, j->control->revert_at))
		return SL_PASS;
	leaf = sl_image_leaf(&walk);
	if (!leaf)
		return SL_PASS;
	question.now = get_ticks();
	settled = sl_leaf_settles(leaf, p->lo);
	if (settled) {
		j->entry = (__u32)leaf & SL_LEAF_NUMBER;
		sl_leaf_hit(&walk, leaf, question.now);
		return verdict_of(settled - 1);
	}
	l.question = question;
	l.question.ifindex = j->ctx->ingress_ifindex;
	l.question.port = p->port;
	l.question.is_port_any = p->is_port_unknown;
	l.revert_at = j->control->revert_at;
	verdict = judge_list(j->ctx, &l);
	j->entry = l.entry;
	return verdict;
}

static __always_inline int judge_punished(const struct sl_address *client, __u64 now_ns)
{
	struct sl_punishment *p = bpf_map_lookup_elem(&punished, client);

	if (!p || now_ns >= p->until_ns)
		return SL_PASS;
	__sync_fetch_and_add(&p->hits, 1);
	p->last_hit_ns = now_ns;
	return SL_DROP_PUNISHED;
}

/* How much of a kind of credit the packet takes. */
static __always_inline __u64 price(const struct judgement *j, __u32 kind)
{
	switch (kind) {
	case SL_CREDIT_CONNECTIONS:
		return j->packet.is_syn;
	case SL_CREDIT_BYTES:
		return length_of(j->ctx);
	}
	return 1;
}

/* Takes what the packet takes of one kind.  Not inlined for the reason of judge_list(). */
__noinline int take_any(__u64 hash, __u32 kind, __u64 n, __u64 now)
{
	struct sl_control *c = get_control();
	struct sl_gcra_rate rate;
	struct sl_gcra_set *set;
	__u32 number;

	if (!c)
		return SL_GCRA_TAKEN;
	rate = kind == SL_CREDIT_PACKETS ? c->packets
	       : kind == SL_CREDIT_BYTES ? c->bytes
					 : c->connections;
	number = (__u32)hash & c->cells_mask;
	set = bpf_map_lookup_elem(&cells, &number);
	return set ? sl_gcra_take(set, sl_credit_tag(hash, kind), &rate, n, now) : SL_GCRA_TAKEN;
}

static __always_inline int judge_limits(struct judgement *j, const struct sl_address *client,
					__u64 now_ns)
{
	const struct sl_control *c = j->control;
	__u64 hash = sl_client_hash(c, client), now = sl_gcra_now(now_ns);
	__u32 number = (__u32)hash & c->cells_mask;
	struct sl_gcra_set *set = bpf_map_lookup_elem(&cells, &number);

	if (!set)
		return SL_PASS;
	SL_NO_UNROLL
	for (__u32 kind = SL_CREDIT_CONNECTIONS; kind <= SL_CREDITS; kind++) {
		const struct sl_gcra_rate *rate = &c->rates[kind - 1];
		__u64 n = price(j, kind);
		int taken;

		if (!rate->burst || !n)
			continue;
		/* Without a call, if it can be. */
		taken = sl_gcra_take_own(set, sl_credit_tag(hash, kind), rate, n, now);
		if (taken == SL_GCRA_UNKNOWN)
			taken = take_any(hash, kind, n, now);
		if (taken == SL_GCRA_EVICTED)
			count(j->ctx, SL_NOTE_EVICTED);
		if (taken == SL_GCRA_REFUSED)
			return SL_DROP_CONNECTIONS + kind - SL_CREDIT_CONNECTIONS;
	}
	return SL_PASS;
}

/* What all clients together may open; after what each may, so that the one who floods alone is
 * stopped alone. */
static __always_inline int judge_syns(struct judgement *j, __u64 now_ns)
{
	struct sl_control *c = j->control;

	if (!j->packet.is_syn || !c->syns.burst ||
	    sl_gcra_take(&c->syns_taken, 1, &c->syns, 1, sl_gcra_now(now_ns)) != SL_GCRA_REFUSED)
		return SL_PASS;
	return SL_DROP_SYN_FLOOD;
}

/* What a client has done lately: punishments, then limits. */
static __always_inline int judge_client(struct judgement *j)
{
	struct sl_control *c = j->control;
	int has_limits = c->connections.burst || c->packets.burst || c->bytes.burst;
	int has_any = has_limits || c->syns.burst;
	struct sl_address client;
	int verdict = SL_PASS;
	__u64 now_ns;

	if (!(c->flags & SL_FLAG_PUNISHED) && !has_any)
		return SL_PASS;
	client = sl_client_of(c, j->packet.hi, j->packet.lo);
	now_ns = get_now_ns();
	if (c->flags & SL_FLAG_PUNISHED)
		verdict = judge_punished(&client, now_ns);
	if (verdict == SL_PASS && has_limits)
		verdict = judge_limits(j, &client, now_ns);
	if (verdict == SL_PASS)
		verdict = judge_syns(j, now_ns);
	if (verdict == SL_PASS || !(c->flags & SL_FLAG_SHADOW))
		return verdict;
	count(j->ctx, verdict - SL_DROP_PUNISHED + SL_SHADOW_PUNISHED);
	return SL_PASS;
}

static __always_inline int judge(struct judgement *j)
{
	int verdict;

	if (!(j->control->flags & SL_FLAG_ENFORCE))
		return SL_PASS_OFF;
	verdict = parse(j->ctx, &j->packet);
	if (verdict)
		return verdict;
	if (j->control->flags & SL_FLAG_PORTS && !is_ours(&j->packet))
		return SL_PASS_PORT;
	verdict = ask_list(j);
	if (verdict)
		return verdict;
	if (j->packet.problem && j->control->flags & SL_FLAG_MALFORMED)
		return j->packet.problem;
	verdict = judge_client(j);
	return verdict == SL_PASS ? j->packet.problem : verdict;
}

static __always_inline void tell(struct judgement *j, __u32 verdict)
{
	struct sl_event *e;

	if (!j->control->sample || bpf_get_prandom_u32() % j->control->sample)
		return;
	e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	if (!e)
		return;
	*e = (struct sl_event){ .ns = bpf_ktime_get_ns(),
				.source = { j->packet.hi, j->packet.lo },
				.ifindex = j->ctx->ingress_ifindex,
				.length = length_of(j->ctx),
				.entry = j->entry,
				.port = j->packet.port,
				.protocol = j->packet.protocol,
				.verdict = verdict };
	/* Whoever watches looks now and then: a wake-up a drop would be the attacker's gain. */
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
}

static __always_inline int conclude(struct judgement *j, __u32 verdict)
{
	if (verdict == SL_DROP_SYN_FLOOD && j->control->flags & SL_FLAG_COOKIES) {
		__u32 length = length_of(j->ctx); /* before it becomes an answer */
		struct packet p = j->packet;

		if (answer_syn(j->ctx, &p) == XDP_TX) {
			count_frame(SL_REPLY_SYN_FLOOD, length);
			return XDP_TX;
		}
	}
	if (verdict >= SL_DROP_SHORT_ETH && !(j->control->flags & SL_FLAG_MALFORMED))
		verdict = SL_PASS_MALFORMED;
	count(j->ctx, verdict);
	if (verdict < SL_DROP_DENY)
		return XDP_PASS;
	tell(j, verdict);
	if (verdict == SL_REJECT_DENY) {
		struct packet p = j->packet;

		return reject(j->ctx, &p);
	}
	return XDP_DROP;
}

SEC("xdp")
int sl_gate(struct xdp_md *ctx)
{
	struct judgement j = { .ctx = ctx, .control = get_control() };

	if (!j.control)
		return XDP_PASS;
	return conclude(&j, judge(&j));
}

/* Some of the helpers ask for a licence that GPL-2.0 is compatible with. */
char _license[] SEC("license") = "GPL";
