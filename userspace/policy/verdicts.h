/* SPDX-License-Identifier: Apache-2.0 */
/* What was found out about credentials that take long to check, for a while. */
#ifndef SL_POLICY_VERDICTS_H
#define SL_POLICY_VERDICTS_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/digest.h"

enum { SL_VERDICT_SETS = 256, SL_VERDICT_WAYS = 4 };

/* Of one thread; 48 KiB. */
struct sl_verdicts {
	uint8_t secret[16]; /* goes into each digest: nobody can choose where one stands */
	struct sl_verdict {
		uint8_t digest[SL_DIGEST_BYTES];
		uint64_t until_ns; /* 0: nothing stands here */
		bool is_good;
	} sets[SL_VERDICT_SETS][SL_VERDICT_WAYS];
};

struct sl_verdicts *sl_verdicts_new(void); /* NULL: no memory, or no randomness; free(3) ends it */
/* 1: good, 0: bad, -ENOENT: that is not known. */
int sl_verdicts_find(const struct sl_verdicts *v, const uint8_t digest[SL_DIGEST_BYTES],
		     uint64_t now_ns);
/* In place of the one of its set that ends first. */
void sl_verdicts_put(struct sl_verdicts *v, const uint8_t digest[SL_DIGEST_BYTES],
		     uint64_t until_ns, bool is_good);

#endif
