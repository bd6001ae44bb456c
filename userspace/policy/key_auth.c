// SPDX-License-Identifier: Apache-2.0
// Policy key_auth.
#include "policy/key_auth.h"

#include "policy/credential.h"
#include "policy/digest.h"
#include "policy/keyring.h"
#include "policy/keystore.h"
#include "policy/roster.h"

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

struct found {
	const struct sl_api_key *key; /* NULL: there is no such key */
	const struct sl_consumer *consumer;
};

static struct found look_up(const struct sl_policy_call *call, const uint8_t *sha256)
{
	const struct sl_keyring_entry *e = sl_keyring_find(call->keys, sha256);
	const struct sl_kept_key *k;

	if (e)
		return (struct found){ e->key, e->consumer };
	k = sl_keystore_find(call->kept, sha256);
	if (!k)
		return (struct found){ NULL, NULL };
	return (struct found){ &k->key, sl_roster_find(call->roster, k->consumer) };
}

static const struct sl_refusal *know(struct sl_policy_call *call, struct sl_str key)
{
	uint8_t sha256[SL_DIGEST_BYTES];
	struct found found;
	uint64_t expires_s;

	if (key.len == 0 || !sl_digest_sha256(call->digest, key, sha256))
		return &unknown;
	found = look_up(call, sha256);
	if (!found.key || !found.consumer)
		return &unknown;
	expires_s = __atomic_load_n(&found.key->expires_s, __ATOMIC_RELAXED);
	if (expires_s && call->wall_s >= expires_s)
		return &expired;
	if (!__atomic_load_n(&found.key->enabled, __ATOMIC_RELAXED) || !found.consumer->enabled)
		return &disabled;
	call->consumer = found.consumer;
	call->key = found.key;
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
