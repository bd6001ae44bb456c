// SPDX-License-Identifier: Apache-2.0
// A client's words in the kernel's cells, read and cleared; its punishment.
#include "credit.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"

static const enum sl_credit kinds[SL_CREDITS] = { [SL_LIMIT_CONNECTIONS] = SL_CREDIT_CONNECTIONS,
						  [SL_LIMIT_PACKETS] = SL_CREDIT_PACKETS,
						  [SL_LIMIT_BYTES] = SL_CREDIT_BYTES };

static struct credit read_one(const struct sl_gcra_set *set, uint64_t tag,
			      const struct sl_gcra_rate *rate, uint64_t now_ns)
{
	struct credit c = { .is_limited = rate->burst && rate->period };
	uint64_t ahead = 0, left;

	if (!c.is_limited)
		return c;
	for (int i = 0; i < SL_GCRA_WAYS; i++)
		if (set->words[i] >> SL_GCRA_TAT_BITS == tag)
			ahead = sl_gcra_ahead(set->words[i], sl_gcra_now(now_ns),
					      rate->burst + SL_GCRA_SLACK);
	if (ahead > rate->burst)
		ahead = rate->burst;
	sl_limit_read(rate, &c.per_s, &c.burst);
	c.used = (double)ahead / (double)rate->burst;
	left = ((rate->burst - ahead) << SL_GCRA_PERIOD_SHIFT) / rate->period;
	c.left = (double)left; /* whole ones, as the kernel gives them */
	c.ahead_ms = (double)(ahead << SL_GCRA_UNIT_SHIFT) / SL_MS;
	return c;
}

void credit_read(const struct sl_gate *gate, const struct sl_address *client, uint64_t now_ns,
		 struct credit ret_credit[SL_CREDITS])
{
	const struct sl_control *c = gate->switches;
	const struct sl_gcra_rate *rates[SL_CREDITS] = { [SL_LIMIT_CONNECTIONS] = &c->connections,
							 [SL_LIMIT_PACKETS] = &c->packets,
							 [SL_LIMIT_BYTES] = &c->bytes };
	uint64_t hash = sl_client_hash(c, client);
	uint32_t number = (uint32_t)hash & c->cells_mask;
	struct sl_gcra_set set = { 0 };

	bpf_map_lookup_elem(gate->cells, &number, &set);
	for (int i = 0; i < SL_CREDITS; i++)
		ret_credit[i] = read_one(&set, sl_credit_tag(hash, kinds[i]), rates[i], now_ns);
}

/* Word by word, where packets change them: an update of the whole set would undo what others of its
 * clients take meanwhile. */
static int clear_words(struct sl_gcra_set *set, uint64_t hash)
{
	int nr = 0;

	for (int i = 0; i < SL_GCRA_WAYS; i++) {
		uint64_t word = __atomic_load_n(&set->words[i], __ATOMIC_RELAXED);

		for (int kind = 0; kind < SL_CREDITS; kind++)
			while (word >> SL_GCRA_TAT_BITS == sl_credit_tag(hash, kinds[kind])) {
				if (!__sync_bool_compare_and_swap(&set->words[i], word, 0)) {
					word = __atomic_load_n(&set->words[i], __ATOMIC_RELAXED);
					continue;
				}
				nr++;
				word = 0;
			}
	}
	return nr;
}

int credit_clear(const struct sl_gate *gate, const struct sl_address *client)
{
	uint64_t hash = sl_client_hash(gate->switches, client);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t at = (hash & gate->switches->cells_mask) * sizeof(struct sl_gcra_set);
	char *mem;
	int nr;

	mem = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, gate->cells,
		   (off_t)(at & ~(page - 1)));
	if (mem == MAP_FAILED)
		return -errno;
	nr = clear_words((struct sl_gcra_set *)(mem + (at & (page - 1))), hash);
	munmap(mem, page);
	return nr;
}

json_t *credit_json(const struct credit credit[SL_CREDITS])
{
	json_t *list = json_array();

	for (unsigned i = 0; i < SL_CREDITS; i++)
		if (credit[i].is_limited)
			json_array_append_new(
				list, json_pack("{s:s, s:f, s:I, s:I, s:f, s:f}", "limit",
						sl_limit_name(i), "per_s", credit[i].per_s, "burst",
						(json_int_t)credit[i].burst, "left",
						(json_int_t)credit[i].left, "used", credit[i].used,
						"ahead_ms", credit[i].ahead_ms));
	return list;
}

void credit_print(const struct credit credit[SL_CREDITS])
{
	for (unsigned i = 0; i < SL_CREDITS; i++)
		if (credit[i].is_limited)
			printf("limit of %s: %.6g a second, burst %.0f, left now %.0f, all of it "
			       "in %.3f s\n",
			       sl_limit_name(i), credit[i].per_s, credit[i].burst, credit[i].left,
			       credit[i].ahead_ms / 1000);
}

bool credit_find_punishment(const struct sl_gate *gate, const struct sl_address *client,
			    uint64_t now_ns, struct sl_punishment *ret_punishment)
{
	struct sl_punishment *p = ret_punishment;

	if (bpf_map_lookup_elem(gate->punished, client, p) < 0)
		*p = (struct sl_punishment){ 0 };
	p->reason[SL_REASON_MAX - 1] = '\0';
	p->request_id[SL_CAUSE_MAX - 1] = '\0';
	return gate->switches->flags & SL_FLAG_PUNISHED && now_ns < p->until_ns;
}
