// SPDX-License-Identifier: Apache-2.0
// Subjects of limits and quotas, as one number each.
#include "policy/subject.h"

#include <string.h>

#include "expr/claims.h"

static uint64_t hash_part(struct sl_sipkey secret, uint64_t so_far, const void *mem, size_t len)
{
	secret.k0 ^= so_far;
	return sl_siphash(secret, mem, len);
}

static uint64_t hash_client(struct sl_sipkey secret, uint64_t so_far, const struct sl_ip *ip)
{
	/* Whoever has one address of a /64 has them all (RFC 4291 2.5.4). */
	return hash_part(secret, so_far, ip->b, sl_ip_is_v4(ip) ? sizeof(ip->b) : 8);
}

static uint64_t hash_consumer(struct sl_sipkey secret, uint64_t so_far,
			      const struct sl_policy_call *call)
{
	if (!call->consumer)
		return hash_client(secret, so_far, call->client);
	return hash_part(secret, so_far, call->consumer->name, strlen(call->consumer->name));
}

static uint64_t hash_field(struct sl_sipkey secret, uint64_t so_far,
			   const struct sl_policy_call *call, struct sl_str name)
{
	for (unsigned i = 0; i < call->req->fields_nr; i++) {
		const struct sl_field *f = &call->req->fields[i];

		if (f->name_len == name.len &&
		    sl_str_ieq((struct sl_str){ f->name, f->name_len }, name))
			so_far = hash_part(secret, so_far, f->value, f->value_len);
	}
	return so_far;
}

static uint64_t hash_claim(struct sl_sipkey secret, uint64_t so_far,
			   const struct sl_policy_call *call, unsigned index)
{
	struct sl_claim claim = sl_claim_find(call->claims, index);
	uint8_t kind = (uint8_t)claim.kind;

	so_far = hash_part(secret, so_far, &kind, sizeof(kind));
	if (claim.kind == SL_CLAIM_MISSING)
		return hash_client(secret, so_far, call->client);
	return hash_part(secret, so_far, claim.bytes.ptr, claim.bytes.len);
}

uint64_t sl_subject_hash(const struct sl_subject_conf *conf, uint64_t id, struct sl_sipkey secret,
			 const struct sl_policy_call *call)
{
	uint64_t h = hash_part(secret, 0, &id, sizeof(id));

	if (conf->per & 1u << SL_SUBJECT_CLIENT)
		h = hash_client(secret, h, call->client);
	if (conf->per & 1u << SL_SUBJECT_KEY && call->key)
		h = hash_part(secret, h, call->key->sha256, sizeof(call->key->sha256));
	else if (conf->per & (1u << SL_SUBJECT_CONSUMER | 1u << SL_SUBJECT_KEY))
		h = hash_consumer(secret, h, call);
	if (conf->per & 1u << SL_SUBJECT_ROUTE)
		h = hash_part(secret, h, call->match->route->name,
			      strlen(call->match->route->name));
	if (conf->claim.len)
		h = hash_claim(secret, h, call, conf->claim_index);
	return conf->header.len ? hash_field(secret, h, call, conf->header) : h;
}
