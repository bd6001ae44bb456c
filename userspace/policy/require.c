// SPDX-License-Identifier: Apache-2.0
// Policy require.
#include "policy/require.h"

#include "expr/expr.h"
#include "tls/shown.h"

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
	.detail = "That is not allowed here: policy require.",
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

/* ---- conditions ---- */

static struct sl_str find_param(const void *arg, struct sl_str name)
{
	const struct sl_policy_call *call = arg;

	for (unsigned i = 0; i < call->match->params_nr; i++)
		if (sl_str_eq(call->match->params[i].name, name))
			return call->match->params[i].value;
	return (struct sl_str){ NULL, 0 };
}

/* One that is there twice is missing, as nobody knows which of them others would read; so is one
 * that goes no further. */
static struct sl_str find_field(const void *arg, struct sl_str name)
{
	const struct sl_policy_call *call = arg;
	struct sl_str value = { NULL, 0 };
	unsigned nr = 0;

	/* Only we say such a thing; here a stranger would. */
	if (sl_consumer_is_field(name) || sl_tls_client_is_field(name))
		return value;
	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		const struct sl_field *f = &call->req->fields[i];

		if (f->is_hop || !sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			continue;
		value = sl_field_value(f);
		nr++;
	}
	return nr == 1 ? value : (struct sl_str){ NULL, 0 };
}

static bool is_met(const struct sl_require *conf, const struct sl_policy_call *call)
{
	const struct sl_consumer *c = call->consumer;
	const struct sl_expr_request request = {
		.method = call->req->method,
		.path = call->uri->path,
		.host = call->req->host,
		.client = call->client,
		.consumer = c ? sl_str_of(c->name) : (struct sl_str){ NULL, 0 },
		.groups = c ? c->groups : NULL,
		.groups_nr = c ? c->groups_nr : 0,
		.token_groups = call->token_groups,
		.scopes = call->scopes,
		.claims = call->claims,
		.arg = call,
		.find_param = find_param,
		.find_field = find_field,
	};

	for (unsigned i = 0; i < conf->when_nr; i++)
		if (!sl_expr_holds(conf->conditions[i], &request))
			return false;
	return true;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_require *conf = policy;

	if (conf->asks_who && !call->consumer && !call->has_token)
		return call->takes_token ? &no_token : &nobody;
	if (!is_in_any(conf, call) || !is_named(conf, call->consumer))
		return &not_allowed;
	if (!has_scopes(conf, call))
		return &too_narrow;
	return conf->when_nr == 0 || is_met(conf, call) ? NULL : &not_allowed;
}

const struct sl_policy_kind sl_policy_require = {
	.name = "require",
	.asks_who = true,
	.run = run,
};
