// SPDX-License-Identifier: Apache-2.0
// What all policies share.
#include "policy/policy.h"

#include "policy/seats.h"

const struct sl_refusal sl_refusal_no_memory = {
	.status = 503,
	.error = "memory",
	.detail = "The gateway is out of memory.",
};

void sl_policies_give_back(struct sl_policy_call *call, unsigned from)
{
	while (call->charges_nr > from) {
		const struct sl_charge *c = &call->charges[--call->charges_nr];

		if (c->seat)
			sl_seats_leave(c->seat);
		else if (c->rate)
			sl_account_refund(&c->account, c->rate, c->n);
		else if (c->window)
			sl_windows_give_back(call->windows, c->subject, c->window, &c->window_use,
					     (uint32_t)c->n);
		else
			sl_ledger_give_back(call->ledger, c->subject, &c->use, (uint32_t)c->n);
	}
}

const struct sl_refusal *sl_policies_run(const struct sl_policy *const *policies, unsigned nr,
					 struct sl_policy_call *call)
{
	for (unsigned i = 0; i < nr; i++) {
		const struct sl_refusal *refusal = policies[i]->kind->run(policies[i]->conf, call);

		if (!refusal)
			continue;
		sl_policies_give_back(call, 0);
		return refusal;
	}
	return NULL;
}

bool sl_policy_want_fields(struct sl_policy_call *call)
{
	char *mem;

	if (call->fields.start)
		return true;
	mem = sl_arena_alloc(call->arena, SL_POLICY_FIELDS_MAX);
	if (!mem)
		return false;
	sl_out_init(&call->fields, mem, SL_POLICY_FIELDS_MAX);
	return true;
}
