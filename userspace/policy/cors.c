// SPDX-License-Identifier: Apache-2.0
// Policy cors.
#include "policy/cors.h"

#include <string.h>

/* A preflight is the gateway's to answer: no credential comes with it. */
static const struct sl_refusal preflight = { .status = 204 };

static const struct sl_field *find(const struct sl_head *req, struct sl_str name)
{
	for (unsigned i = 0; i < req->fields_nr; i++)
		if (sl_str_ieq((struct sl_str){ req->fields[i].name, req->fields[i].name_len },
			       name))
			return &req->fields[i];
	return NULL;
}

bool sl_cors_matches(struct sl_str pattern, struct sl_str origin)
{
	const char *star = memchr(pattern.ptr, '*', pattern.len);
	size_t before = star ? (size_t)(star - pattern.ptr) : 0, after = pattern.len - before - 1;
	struct sl_str end;

	if (!star)
		return sl_str_ieq(pattern, origin);
	if (pattern.len == 1)
		return true;
	if (origin.len <= before + after || !sl_str_ieq((struct sl_str){ origin.ptr, before },
							(struct sl_str){ pattern.ptr, before }))
		return false;
	end = (struct sl_str){ origin.ptr + origin.len - after, after };
	/* The star is for names, not for what comes before or behind them. */
	return sl_str_ieq(end, (struct sl_str){ star + 1, after }) &&
	       !memchr(origin.ptr + before, '/', origin.len - before) &&
	       !memchr(origin.ptr + before, '@', origin.len - before);
}

static bool is_allowed(const struct sl_cors *conf, struct sl_str origin)
{
	for (unsigned i = 0; i < conf->origins_nr; i++)
		if (sl_cors_matches(conf->origins[i], origin))
			return true;
	return false;
}

static void put_origin(const struct sl_cors *conf, struct sl_out *o, struct sl_str origin)
{
	sl_out_lit(o, "Access-Control-Allow-Origin: ");
	sl_out_str(o, conf->allows_all ? SL_S("*") : origin);
	sl_out_lit(o, "\r\n");
	if (conf->credentials)
		sl_out_lit(o, "Access-Control-Allow-Credentials: true\r\n");
}

/* An origin that is not allowed is told nothing: its browser keeps the answer from the page. */
static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_field *field = find(call->req, SL_S("origin"));
	const struct sl_cors *conf = policy;
	struct sl_str origin = field ? sl_field_value(field) : SL_S("");
	bool is_preflight = field && call->req->method_id == SL_METHOD_OPTIONS &&
			    find(call->req, SL_S("access-control-request-method"));
	bool tells = field && origin.len <= 512 && is_allowed(conf, origin);

	call->owns_cors = true;
	if (!sl_policy_want_fields(call))
		return &sl_refusal_no_memory;
	/* Without it a cache would give one origin's answer to another. */
	if (!conf->allows_all)
		sl_out_lit(&call->fields, "Vary: Origin\r\n");
	if (tells) {
		put_origin(conf, &call->fields, origin);
		sl_out_str(&call->fields,
			   is_preflight ? conf->preflight_fields : conf->answer_fields);
	}
	return is_preflight ? &preflight : NULL;
}

const struct sl_policy_kind sl_policy_cors = {
	.name = "cors",
	.run = run,
};
