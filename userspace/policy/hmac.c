// SPDX-License-Identifier: Apache-2.0
// Policy hmac.
#include "policy/hmac.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "base/clock.h"
#include "policy/content_digest.h"
#include "policy/dictionary.h"
#include "policy/digest.h"
#include "policy/hmac_keys.h"
#include "policy/seen.h"
#include "policy/signed.h"

enum {
	MEMBERS_MAX = 8, /* signatures of one request */
	CLOCKS_S = 2,	 /* by how much those of workers may differ */
	SIGNATURE_BYTES = SL_DIGEST_BYTES,
};

/* Nobody is told what is wrong with a signature; the log is. */
#define DETAIL "A valid signature is needed here."
#define CHALLENGE SL_STR("WWW-Authenticate: Signature realm=\"sluice\"\r\n")
#define INVALID(word)                                                                              \
	{                                                                                          \
		.status = 401, .error = (word), .detail = DETAIL, .offence = "credentials",        \
		.fields = CHALLENGE                                                                \
	}

static const struct sl_refusal missing = {
	.status = 401,
	.error = "hmac_missing",
	.detail = DETAIL,
	.fields = CHALLENGE,
};
static const struct sl_refusal malformed = INVALID("hmac_malformed");
static const struct sl_refusal twice = INVALID("hmac_twice");
static const struct sl_refusal odd = INVALID("hmac_unknown_component");
static const struct sl_refusal absent = INVALID("hmac_absent_component");
static const struct sl_refusal uncovered = INVALID("hmac_uncovered");
static const struct sl_refusal algorithm = INVALID("hmac_algorithm");
static const struct sl_refusal no_nonce = INVALID("hmac_no_nonce");
static const struct sl_refusal expired = INVALID("hmac_expired");
static const struct sl_refusal early = INVALID("hmac_not_yet_valid");
static const struct sl_refusal unknown_key = INVALID("hmac_unknown_key");
static const struct sl_refusal key_expired = INVALID("hmac_key_expired");
static const struct sl_refusal key_disabled = INVALID("hmac_key_disabled");
static const struct sl_refusal bad_signature = INVALID("hmac_bad_signature");
static const struct sl_refusal bad_digest = INVALID("hmac_bad_digest");
static const struct sl_refusal replayed = INVALID("hmac_replayed");
const struct sl_refusal sl_hmac_wrong_body = INVALID("hmac_wrong_body");

static const struct sl_refusal full = {
	.status = 503,
	.error = "hmac_full",
	.detail = "More signatures are in use than the gateway can remember.",
	.fields = SL_STR("Retry-After: 1\r\n"),
};

/* ---- which signature ---- */

struct shown {
	struct sl_signed is; /* what it says that it signs */
	uint8_t mac[SIGNATURE_BYTES];
	uint64_t until_s; /* it is good */
};

/* The one member that is for us.  Of two, another reader could take the other. */
static const struct sl_refusal *choose(const struct sl_hmac *conf, struct sl_str inputs,
				       struct sl_signed *ret, struct sl_str *ret_label)
{
	struct sl_signed one;
	struct sl_member m;
	unsigned all = 0, nr = 0;
	int more;

	while ((more = sl_dictionary_next(&inputs, &m)) > 0) {
		if (++all > MEMBERS_MAX || !sl_signed_read(m.value, &one))
			return &malformed;
		if (conf->tag.len && !sl_str_eq(one.tag, conf->tag))
			continue;
		*ret = one;
		*ret_label = m.name;
		nr++;
	}
	if (more < 0 || nr > 1)
		return more < 0 ? &malformed : &twice;
	return nr ? NULL : &missing;
}

static void hide(struct sl_policy_call *call)
{
	static const struct sl_str names[] = { SL_STR("signature"), SL_STR("signature-input") };

	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		struct sl_field *f = &call->req->fields[i];
		struct sl_str name = { f->name, f->name_len };

		f->is_hop |= sl_str_ieq(name, names[0]) || sl_str_ieq(name, names[1]);
	}
}

static const struct sl_refusal *find(const struct sl_hmac *conf, struct sl_policy_call *call,
				     const struct sl_signed_request *req, struct shown *ret)
{
	struct sl_str inputs = { NULL, 0 }, signatures = { NULL, 0 }, label, value;
	int has_input = sl_signed_field(req, SL_S("signature-input"), &inputs);
	int has_signature = sl_signed_field(req, SL_S("signature"), &signatures);
	const struct sl_refusal *refusal;

	if (has_input < 0 || has_signature < 0)
		return &sl_refusal_no_memory;
	if (!has_input && !has_signature)
		return &missing;
	if (!has_input || !has_signature)
		return &malformed;
	refusal = choose(conf, inputs, &ret->is, &label);
	if (refusal)
		return refusal;
	if (sl_dictionary_find(signatures, label, &value) != 1 ||
	    !sl_dictionary_bytes(value, ret->mac, sizeof(ret->mac)))
		return &malformed;
	if (conf->hide_credentials)
		hide(call);
	return NULL;
}

/* ---- whether it is good ---- */

static const struct sl_refusal *check_terms(const struct sl_hmac *conf,
					    const struct sl_policy_call *call,
					    const struct sl_signed *s)
{
	if (s->is_odd)
		return &odd;
	if (!s->keyid.ptr || !s->has_created)
		return &malformed;
	if (s->alg.ptr && !sl_str_eq(s->alg, SL_S("hmac-sha256")))
		return &algorithm;
	if (conf->require_nonce && !s->nonce.len)
		return &no_nonce;
	for (unsigned i = 0; i < conf->components_nr; i++)
		if (!sl_signed_has(s, call->req, conf->components[i]))
			return &uncovered;
	return NULL;
}

static const struct sl_refusal *check_time(const struct sl_hmac *conf,
					   const struct sl_policy_call *call, struct shown *shown)
{
	uint64_t leeway_s = conf->leeway_ns / SL_SEC, now_s = call->wall_s;
	const struct sl_signed *s = &shown->is;
	uint64_t end_s = s->created_s + conf->max_age_ns / SL_SEC;

	if (s->has_expires && s->expires_s < end_s)
		end_s = s->expires_s;
	shown->until_s = end_s + leeway_s;
	if (shown->until_s <= now_s)
		return &expired;
	return s->created_s > now_s + leeway_s ? &early : NULL;
}

/* Who has no key is told after as long a time as who has one. */
static const struct sl_refusal *check_mac(struct sl_policy_call *call,
					  const struct sl_signed_request *req,
					  const struct shown *shown,
					  const struct sl_hmac_key **ret_key,
					  const struct sl_consumer **ret_owner)
{
	static const struct sl_hmac_key nobodys;
	const struct sl_hmac_key *key;
	uint8_t mac[SIGNATURE_BYTES];
	struct sl_str base;
	bool is_good;
	int ret = sl_signed_base(&shown->is, req, &base);

	if (ret < 0)
		return ret == -ENOMEM ? &sl_refusal_no_memory : &absent;
	key = sl_hmac_keys_find(call->hmac_keys, shown->is.keyid, ret_owner);
	if (!sl_digest_mac(call->digest, key ? &key->mac : &nobodys.mac, base, mac))
		return &sl_refusal_no_memory;
	is_good = CRYPTO_memcmp(mac, shown->mac, sizeof(mac)) == 0;
	if (!key)
		return &unknown_key;
	if (!is_good)
		return &bad_signature;
	if (key->key.expires_s && call->wall_s >= key->key.expires_s)
		return &key_expired;
	if (!key->key.enabled || !(*ret_owner)->enabled)
		return &key_disabled;
	*ret_key = key;
	return NULL;
}

/* What is signed of a body is its digest: the body itself is judged as it passes. */
static const struct sl_refusal *check_body(struct sl_policy_call *call,
					   const struct sl_signed_request *req,
					   const struct sl_signed *s)
{
	struct sl_content_digest *digest;
	struct sl_str value = { NULL, 0 };
	bool is_signed = false;

	for (unsigned i = 0; i < s->components_nr; i++)
		is_signed |= sl_str_eq(s->components[i], SL_S("content-digest"));
	if (!is_signed)
		return NULL;
	digest = sl_arena_alloc(call->arena, sizeof(*digest));
	if (!digest || sl_signed_field(req, SL_S("content-digest"), &value) < 0)
		return &sl_refusal_no_memory;
	if (!sl_content_digest_init(digest, value))
		return &bad_digest;
	if (call->req->body == SL_BODY_NONE)
		return sl_content_digest_is_good(digest) ? NULL : &sl_hmac_wrong_body;
	call->content = digest;
	return NULL;
}

/* Only good ones are remembered, so strangers cannot fill the table.  One that this request has
 * shown before, to another alternative of any_of, is no replay. */
static const struct sl_refusal *check_replay(const struct sl_hmac *conf,
					     struct sl_policy_call *call, const struct shown *shown)
{
	uint64_t hash = sl_siphash(call->seen->secret, shown->mac, sizeof(shown->mac));

	if (conf->allow_replays || (call->has_signed && call->signature == hash))
		return NULL;
	switch (sl_seen_add(call->seen, hash, call->wall_s, shown->until_s + CLOCKS_S)) {
	case SL_SEEN_BEFORE:
		return &replayed;
	case SL_SEEN_FULL:
		return &full;
	case SL_SEEN_NEW:
		break;
	}
	call->has_signed = true;
	call->signature = hash;
	return NULL;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_hmac *conf = policy;
	struct sl_signed_request req = { call->req, call->is_secure, call->arena };
	const struct sl_consumer *owner;
	const struct sl_hmac_key *key;
	const struct sl_refusal *refusal;
	struct shown shown;

	refusal = find(conf, call, &req, &shown);
	if (refusal)
		return refusal == &missing && conf->optional ? NULL : refusal;
	refusal = check_terms(conf, call, &shown.is);
	if (!refusal)
		refusal = check_time(conf, call, &shown);
	if (!refusal)
		refusal = check_mac(call, &req, &shown, &key, &owner);
	if (!refusal)
		refusal = check_body(call, &req, &shown.is);
	if (!refusal)
		refusal = check_replay(conf, call, &shown);
	if (refusal)
		return refusal;
	call->consumer = owner;
	call->key = &key->key;
	return NULL;
}

const struct sl_policy_kind sl_policy_hmac = {
	.name = "hmac",
	.identifies = true,
	.run = run,
};
