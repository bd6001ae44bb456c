// SPDX-License-Identifier: Apache-2.0
// Policy mtls.
#include "policy/mtls.h"

#include "policy/roster.h"
#include "tls/shown.h"

/* Nobody is told what was wrong; the log is.  No scheme is registered for it: the word is ours. */
#define REFUSAL(word, counts_as)                                                                   \
	{                                                                                          \
		.status = 401, .error = (word),                                                    \
		.detail = "A valid client certificate is needed here.", .offence = (counts_as),    \
		.fields = SL_STR("WWW-Authenticate: Certificate realm=\"sluice\"\r\n")             \
	}

static const struct sl_refusal missing = REFUSAL("certificate_missing", NULL);
static const struct sl_refusal unknown = REFUSAL("certificate_unknown", "credentials");
static const struct sl_refusal disabled = REFUSAL("certificate_disabled", "credentials");

/* The first of them that is somebody's.  Commas and spaces in a name are percent-encoded. */
static const struct sl_consumer *find_by_san(const struct sl_roster *roster, struct sl_str names)
{
	static const struct sl_str between = SL_STR(", ");
	const char *end = names.ptr + names.len;

	for (const char *at = names.ptr; at < end;) {
		const char *stop = memmem(at, (size_t)(end - at), between.ptr, between.len) ?: end;
		const struct sl_str name = { at, (size_t)(stop - at) };
		const struct sl_consumer *c =
			sl_roster_find_certificate(roster, SL_CERTIFICATE_SAN, name);

		if (c)
			return c;
		at = stop < end ? stop + between.len : end;
	}
	return NULL;
}

/* What names one certificate goes before what many may say of themselves. */
static const struct sl_consumer *find_owner(const struct sl_roster *roster,
					    const struct sl_tls_client *shown)
{
	const struct sl_consumer *c;

	c = sl_roster_find_certificate(roster, SL_CERTIFICATE_SHA256, shown->fingerprint);
	if (!c)
		c = find_by_san(roster, shown->san);
	if (!c)
		c = sl_roster_find_certificate(roster, SL_CERTIFICATE_SUBJECT, shown->subject);
	return c;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_mtls *conf = policy;
	const struct sl_consumer *owner;

	if (!call->certificate)
		return conf->optional ? NULL : &missing;
	owner = find_owner(call->roster, call->certificate);
	if (!owner)
		return conf->consumer_optional ? NULL : &unknown;
	if (!owner->enabled)
		return &disabled;
	if (owner != call->consumer) {
		call->consumer = owner;
		call->key = NULL;
	}
	return NULL;
}

const struct sl_policy_kind sl_policy_mtls = {
	.name = "mtls",
	.identifies = true,
	.run = run,
};
