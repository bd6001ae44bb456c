// SPDX-License-Identifier: Apache-2.0
// Policy redirect_https.
#include "policy/redirect_https.h"

#include "base/clock.h"

/* 308: the method and the body stay (RFC 9110 15.4.9). */
static const struct sl_refusal elsewhere = { .status = 308, .error = "redirect_https" };

static const struct sl_refusal no_host = {
	.status = 400,
	.error = "host_missing",
	.detail = "Without Host it is not known where to go: ask by https.",
};

/* RFC 6797 7.2: not a word of it in the clear. */
static void put_hsts(const struct sl_redirect_https *conf, struct sl_policy_call *call)
{
	if (!conf->hsts_max_age_ns || !sl_policy_want_fields(call))
		return;
	sl_out_lit(&call->fields, "Strict-Transport-Security: max-age=");
	sl_out_u64(&call->fields, conf->hsts_max_age_ns / SL_SEC);
	if (conf->hsts_subdomains)
		sl_out_lit(&call->fields, "; includeSubDomains");
	if (conf->hsts_preload)
		sl_out_lit(&call->fields, "; preload");
	sl_out_lit(&call->fields, "\r\n");
}

/* What is long is cut off nowhere: without room there is no answer but 503. */
static bool put_location(const struct sl_redirect_https *conf, struct sl_policy_call *call,
			 struct sl_str host)
{
	size_t room = host.len + call->uri->path.len + call->uri->query.len + 64;
	char *mem = sl_arena_alloc(call->arena, room);
	struct sl_out o;

	if (!mem)
		return false;
	sl_out_init(&o, mem, room);
	sl_out_lit(&o, "Location: https://");
	sl_out_str(&o, host);
	if (conf->port != 443) {
		sl_out_char(&o, ':');
		sl_out_u64(&o, conf->port);
	}
	sl_out_str(&o, call->uri->path);
	if (call->uri->query.ptr) {
		sl_out_char(&o, '?');
		sl_out_str(&o, call->uri->query);
	}
	sl_out_lit(&o, "\r\n");
	call->answer_fields = sl_out_done(&o);
	return !o.overflow;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_redirect_https *conf = policy;
	struct sl_str host, port;

	if (call->is_secure) {
		put_hsts(conf, call);
		return NULL;
	}
	if (!sl_authority_split(call->req->authority, &host, &port))
		return &no_host;
	return put_location(conf, call, host) ? &elsewhere : &sl_refusal_no_memory;
}

const struct sl_policy_kind sl_policy_redirect_https = {
	.name = "redirect_https",
	.run = run,
};
