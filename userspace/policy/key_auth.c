// SPDX-License-Identifier: Apache-2.0
// Policy key_auth.
#include "policy/key_auth.h"

#include "policy/credential.h"
#include "policy/digest.h"
#include "policy/keyring.h"

/* Nobody is told whether a key was missing, unknown, expired or switched off; the log is. */
#define DETAIL "A valid API key is needed here."
#define CHALLENGE SL_STR("WWW-Authenticate: Key realm=\"sluice\"\r\n")

static const struct sl_refusal none = {
	.status = 401,
	.error = "key_missing",
	.detail = DETAIL,
	.fields = CHALLENGE,
};
static const struct sl_refusal twice = {
	.status = 401,
	.error = "key_twice",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal unknown = {
	.status = 401,
	.error = "key_unknown",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal expired = {
	.status = 401,
	.error = "key_expired",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal disabled = {
	.status = 401,
	.error = "key_disabled",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};

/* Takes all keys out of the request, also where one was found already: 1 with *ret_key, 0 without
 * one, or a negative errno. */
static int take_key(const struct sl_key_auth *conf, struct sl_policy_call *call,
		    struct sl_str *ret_key)
{
	int header = 0, query = 0, cookie = 0;

	if (conf->header.len)
		header = sl_credential_take_field(call, conf->header, ret_key);
	if (conf->query.len)
		query = sl_credential_take_query(call, conf->query, ret_key);
	if (conf->cookie.len)
		cookie = sl_credential_take_cookie(call, conf->cookie, ret_key);
	if (header == -ENOMEM || query == -ENOMEM || cookie == -ENOMEM)
		return -ENOMEM;
	if (header < 0 || query < 0 || cookie < 0 || header + query + cookie > 1)
		return -EEXIST;
	return header + query + cookie;
}

static const struct sl_refusal *know(struct sl_policy_call *call, struct sl_str key)
{
	uint8_t sha256[SL_DIGEST_BYTES];
	const struct sl_keyring_entry *e = NULL;

	if (key.len == 0 || !sl_digest_sha256(call->digest, key, sha256))
		return &unknown;
	if (call->keys)
		e = sl_keyring_find(call->keys, sha256);
	if (!e)
		return &unknown;
	if (e->key->expires_s && call->wall_s >= e->key->expires_s)
		return &expired;
	if (!e->key->enabled || !e->consumer->enabled)
		return &disabled;
	call->consumer = e->consumer;
	call->key = e->key;
	return NULL;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_key_auth *conf = policy;
	struct sl_str key;
	int found = take_key(conf, call, &key);

	if (found == -ENOMEM)
		return &sl_refusal_no_memory;
	if (found < 0)
		return &twice;
	if (found == 0)
		return conf->optional ? NULL : &none;
	return know(call, key);
}

const struct sl_policy_kind sl_policy_key_auth = {
	.name = "key_auth",
	.identifies = true,
	.run = run,
};
