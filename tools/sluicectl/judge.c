// SPDX-License-Identifier: Apache-2.0
// Frames through the kernel program, or through the same lookup in userspace.
#include "judge.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kern/attach.h"
#include "kern/image.h"
#include "kern/why.h"

/* ---- reading a frame here ---- */

/* What is left of a frame.  All that is taken off it has been there. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static const uint8_t *take(struct cursor *c, size_t nr)
{
	const uint8_t *at = c->at;

	if (c->left < nr)
		return NULL;
	c->at += nr;
	c->left -= nr;
	return at;
}

static uint64_t get(const uint8_t *p, int bytes)
{
	uint64_t value = 0;

	for (int i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static void read_transport(struct cursor *c, uint8_t protocol, struct sl_question *q)
{
	const uint8_t *p = take(c, protocol == IPPROTO_TCP ? 20 : 8);

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return;
	q->is_port_any = !p;
	q->port = p ? (uint16_t)get(p + 2, 2) : 0;
}

static bool read_ipv4(struct cursor *c, struct sl_question *q)
{
	const uint8_t *ip = take(c, 20);
	size_t size = ip ? (size_t)(ip[0] & 15) * 4 : 0;

	if (!ip || ip[0] >> 4 != 4 || size < 20 || get(ip + 2, 2) < size)
		return false;
	q->lo = 0xffffull << 32 | get(ip + 12, 4);
	if (get(ip + 6, 2) & 0x1fff || !take(c, size - 20))
		q->is_port_any = 1;
	else
		read_transport(c, ip[9], q);
	return true;
}

/* The same headers, and as many of them, as in bpf/parse.h. */
static bool is_extension(uint8_t protocol)
{
	static const uint8_t known[] = { IPPROTO_HOPOPTS,
					 IPPROTO_ROUTING,
					 IPPROTO_FRAGMENT,
					 IPPROTO_AH,
					 IPPROTO_DSTOPTS,
					 135,
					 139,
					 140 };

	return memchr(known, protocol, sizeof(known)) != NULL;
}

static bool read_ipv6(struct cursor *c, struct sl_question *q)
{
	const uint8_t *ip = take(c, 40), *e = ip;
	uint8_t protocol;

	if (!ip || ip[0] >> 4 != 6)
		return false;
	q->hi = get(ip + 8, 8);
	q->lo = get(ip + 16, 8);
	protocol = ip[6];
	for (int i = 0; i < 8 && is_extension(protocol); i++) {
		size_t size;

		e = take(c, 4);
		if (!e)
			break;
		size = protocol == IPPROTO_FRAGMENT ? 8
		       : protocol == IPPROTO_AH	    ? (e[1] + 2u) * 4
						    : (e[1] + 1u) * 8;
		if (protocol == IPPROTO_FRAGMENT && get(e + 2, 2) & 0xfff8)
			break;
		protocol = e[0];
		if (!take(c, size - 4))
			e = NULL;
		if (!e)
			break;
	}
	if (!e || is_extension(protocol))
		q->is_port_any = 1;
	else
		read_transport(c, protocol, q);
	return true;
}

static bool read_frame(const uint8_t *frame, size_t len, struct sl_question *q)
{
	struct cursor c = { frame, len };
	const uint8_t *head = take(&c, ETHER_HDR_LEN);
	uint64_t protocol = head ? get(head + 12, 2) : 0;

	for (int tags = 0; tags < 2 && (protocol == 0x8100 || protocol == 0x88a8); tags++) {
		head = take(&c, 4);
		protocol = head ? get(head + 2, 2) : 0;
	}
	if (protocol == ETHERTYPE_IP)
		return read_ipv4(&c, q);
	return protocol == ETHERTYPE_IPV6 && read_ipv6(&c, q);
}

/* ---- judging here ---- */

static struct judged ask(struct judge *j, struct sl_question *q)
{
	struct sl_walk walk = { .image = &j->image, .question = q };
	struct judged answer = { .has_source = true, .source = { q->hi, q->lo } };

	q->now = (uint32_t)(sl_now_ns() >> SL_TICK_SHIFT);
	if (j->ports && !q->is_port_any && !(j->ports[q->port / 64] >> (q->port & 63) & 1))
		return answer;
	walk.head = sl_image_line(&j->image, 0);
	sl_image_find(&walk);
	answer.is_shadow = walk.shadow != NULL;
	answer.is_cut = walk.found.rule && walk.found.rule->action >= SL_ACTION_DROP;
	answer.entry = answer.is_cut ? walk.number : 0;
	return answer;
}

struct judged judge_address(struct judge *j, const struct sl_address *address)
{
	struct sl_question q = { .hi = address->hi, .lo = address->lo, .is_port_any = 1 };

	return ask(j, &q);
}

/* ---- judging by the kernel ---- */

static int on_event(void *context, void *data, size_t size)
{
	struct judge *j = context;

	if (size >= sizeof(j->event))
		memcpy(&j->event, data, sizeof(j->event));
	return 0;
}

/* -1: it could not be run. */
static int run_frame(struct judge *j, const uint8_t *frame, size_t len, struct judged *answer)
{
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)len);

	j->event.verdict = SL_PASS;
	if (bpf_prog_test_run_opts(sl_gate_program_fd(j->program), &options) < 0)
		return -1;
	if (options.retval != XDP_PASS)
		ring_buffer__consume(j->ring);
	answer->is_cut = j->event.verdict == SL_DROP_DENY || j->event.verdict == SL_REJECT_DENY;
	if (!answer->is_cut)
		return 0;
	answer->has_source = true;
	answer->source = j->event.source;
	answer->entry = j->event.entry;
	return 0;
}

struct judged judge_frame(struct judge *j, const uint8_t *frame, size_t len)
{
	struct judged answer = { .has_source = false };
	struct sl_question q = { .hi = 0 };

	if (read_frame(frame, len, &q))
		answer = ask(j, &q);
	if (j->is_kernel && len >= ETHER_HDR_LEN)
		run_frame(j, frame, len, &answer);
	return answer;
}

/* ---- open and close ---- */

static int open_kernel(struct judge *j, struct sl_prefixes *list, struct sl_why *why)
{
	struct sl_gate_options options = { .image_lines = sl_image_lines_for(list->nr),
					   .cell_sets = 1 };
	int ret = sl_gate_load(&j->gate, &options, &j->program, why);

	if (ret < 0)
		return ret;
	ret = sl_gate_publish(&j->gate, list, why);
	if (ret == 0 && sl_gate_map_image(&j->gate, 0, &j->image) < 0)
		ret = sl_why_text(why, -EIO, "the list cannot be read back");
	if (ret == 0)
		j->ring = ring_buffer__new(j->gate.events, on_event, j, NULL);
	if (ret == 0 && !j->ring)
		ret = sl_why_errno(why, -errno, "mapping the events");
	if (ret < 0)
		return ret;
	/* A capture has the beginnings of packets: what is cut short is not malformed. */
	j->gate.switches->flags = SL_FLAG_ENFORCE | (j->ports ? SL_FLAG_PORTS : 0);
	j->gate.switches->sample = 1;
	for (uint32_t i = 0; j->ports && i < SL_PORT_WORDS; i++)
		bpf_map_update_elem(j->gate.ports, &i, &j->ports[i], BPF_ANY);
	return 0;
}

static void close_kernel(struct judge *j)
{
	if (j->image.lines)
		sl_gate_unmap_image(&j->image);
	if (j->ring)
		ring_buffer__free(j->ring);
	if (j->program) {
		sl_gate_program_free(j->program);
		sl_gate_close(&j->gate);
	}
	j->image.lines = NULL;
	j->ring = NULL;
	j->program = NULL;
}

static int open_here(struct judge *j, struct sl_prefixes *list, struct sl_why *why)
{
	size_t culprit;
	int ret;

	j->image.nr = sl_image_lines_for(list->nr);
	j->image.lines = calloc(j->image.nr, sizeof(*j->image.lines));
	if (!j->image.lines)
		return sl_why_errno(why, -ENOMEM, "the list");
	ret = sl_image_compile(&j->image, list, 1, sl_now_ns(), &culprit);
	return ret < 0 ? sl_why_errno(why, ret, "compiling the list") : 0;
}

int judge_open(struct judge *j, struct sl_prefixes *list, const uint64_t *ports, struct sl_why *why)
{
	int ret;

	*j = (struct judge){ .ports = ports };
	ret = open_kernel(j, list, &j->why_not);
	j->is_kernel = ret == 0;
	if (j->is_kernel)
		return 0;
	if (ret == -EPERM)
		sl_why_text(&j->why_not, ret, "this user may not load kernel programs; be root");
	close_kernel(j);
	ret = open_here(j, list, why);
	if (ret < 0)
		judge_close(j);
	return ret;
}

void judge_close(struct judge *j)
{
	if (j->is_kernel)
		close_kernel(j);
	else
		free(j->image.lines);
	j->image.lines = NULL;
}
