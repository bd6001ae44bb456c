// SPDX-License-Identifier: Apache-2.0
// Policy require.
#include "policy/require.h"

static const struct sl_refusal nobody = {
	.status = 401,
	.error = "identity_missing",
	.detail = "Whoever asks here has to say who it is.",
	.fields = SL_STR("WWW-Authenticate: Key realm=\"sluice\"\r\n"),
};
static const struct sl_refusal no_token = {
	.status = 401,
	.error = "identity_missing",
	.detail = "Whoever asks here has to say who it is.",
	.fields = SL_STR("WWW-Authenticate: Bearer realm=\"sluice\"\r\n"),
};
static const struct sl_refusal not_allowed = {
	.status = 403,
	.error = "not_allowed",
	.detail = "This consumer may not do that: policy require.",
	.offence = "forbidden",
};

/* RFC 6750 3.1. */
static const struct sl_refusal too_narrow = {
	.status = 403,
	.error = "scope_missing",
	.detail = "This token does not reach as far as that: policy require.",
	.offence = "forbidden",
	.fields = SL_STR("WWW-Authenticate: Bearer realm=\"sluice\", "
			 "error=\"insufficient_scope\"\r\n"),
};

/* One of several words with a space between. */
static bool has_word(struct sl_str words, struct sl_str word)
{
	for (size_t i = 0; i < words.len;) {
		const char *end = memchr(words.ptr + i, ' ', words.len - i);
		size_t len = end ? (size_t)(end - words.ptr) - i : words.len - i;

		if (sl_str_eq((struct sl_str){ words.ptr + i, len }, word))
			return true;
		i += len + 1;
	}
	return false;
}

static bool is_in_any(const struct sl_require *conf, const struct sl_policy_call *call)
{
	for (unsigned i = 0; i < conf->groups_nr; i++)
		if ((call->consumer && sl_consumer_is_in(call->consumer, conf->groups[i])) ||
		    (call->has_token && has_word(call->token_groups, conf->groups[i])))
			return true;
	return conf->groups_nr == 0;
}

static bool is_named(const struct sl_require *conf, const struct sl_consumer *c)
{
	for (unsigned i = 0; c && i < conf->consumers_nr; i++)
		if (sl_str_eq(conf->consumers[i], sl_str_of(c->name)))
			return true;
	return conf->consumers_nr == 0;
}

static bool has_scopes(const struct sl_require *conf, const struct sl_policy_call *call)
{
	for (unsigned i = 0; i < conf->scopes_nr; i++)
		if (!call->has_token || !has_word(call->scopes, conf->scopes[i]))
			return false;
	return true;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_require *conf = policy;

	if (!call->consumer && !call->has_token)
		return call->takes_token ? &no_token : &nobody;
	if (!is_in_any(conf, call) || !is_named(conf, call->consumer))
		return &not_allowed;
	return has_scopes(conf, call) ? NULL : &too_narrow;
}

const struct sl_policy_kind sl_policy_require = {
	.name = "require",
	.asks_who = true,
	.run = run,
};
