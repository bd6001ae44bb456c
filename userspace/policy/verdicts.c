// SPDX-License-Identifier: Apache-2.0
// A small cache of verdicts by digests.
#include "policy/verdicts.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sl_verdicts *sl_verdicts_new(void)
{
	struct sl_verdicts *v = calloc(1, sizeof(*v));

	if (v && getrandom(v->secret, sizeof(v->secret), 0) == sizeof(v->secret))
		return v;
	free(v);
	return NULL;
}

int sl_verdicts_find(const struct sl_verdicts *v, const uint8_t digest[SL_DIGEST_BYTES],
		     uint64_t now_ns)
{
	const struct sl_verdict *set = v->sets[digest[0] % SL_VERDICT_SETS];

	for (unsigned i = 0; i < SL_VERDICT_WAYS; i++)
		if (set[i].until_ns > now_ns &&
		    CRYPTO_memcmp(set[i].digest, digest, SL_DIGEST_BYTES) == 0)
			return set[i].is_good;
	return -ENOENT;
}

void sl_verdicts_put(struct sl_verdicts *v, const uint8_t digest[SL_DIGEST_BYTES],
		     uint64_t until_ns, bool is_good)
{
	struct sl_verdict *set = v->sets[digest[0] % SL_VERDICT_SETS], *place = set;

	for (unsigned i = 1; i < SL_VERDICT_WAYS; i++)
		if (set[i].until_ns < place->until_ns)
			place = &set[i];
	memcpy(place->digest, digest, SL_DIGEST_BYTES);
	place->until_ns = until_ns;
	place->is_good = is_good;
}
