// SPDX-License-Identifier: Apache-2.0
// Policy require.
#include "policy/require.h"

static const struct sl_refusal nobody = {
	.status = 401,
	.error = "identity_missing",
	.detail = "Whoever asks here has to say who it is.",
	.fields = SL_STR("WWW-Authenticate: Key realm=\"sluice\"\r\n"),
};
static const struct sl_refusal not_allowed = {
	.status = 403,
	.error = "not_allowed",
	.detail = "This consumer may not do that: policy require.",
	.offence = "forbidden",
};

static bool is_in_any(const struct sl_require *conf, const struct sl_consumer *c)
{
	for (unsigned i = 0; i < conf->groups_nr; i++)
		if (sl_consumer_is_in(c, conf->groups[i]))
			return true;
	return conf->groups_nr == 0;
}

static bool is_named(const struct sl_require *conf, const struct sl_consumer *c)
{
	for (unsigned i = 0; i < conf->consumers_nr; i++)
		if (sl_str_eq(conf->consumers[i], sl_str_of(c->name)))
			return true;
	return conf->consumers_nr == 0;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_require *conf = policy;

	if (!call->consumer)
		return &nobody;
	return is_in_any(conf, call->consumer) && is_named(conf, call->consumer) ? NULL
										 : &not_allowed;
}

const struct sl_policy_kind sl_policy_require = {
	.name = "require",
	.asks_who = true,
	.run = run,
};
