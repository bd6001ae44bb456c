/* SPDX-License-Identifier: Apache-2.0 */
/* Key sets (RFC 7517) by URL, or by an issuer's discovery document: got by a thread of its own, got
 * again in time, and remembered while nobody answers. */
#ifndef SL_FETCH_KEYSETS_H
#define SL_FETCH_KEYSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	SL_KEYSET_AGE_MIN_S = 60,      /* a set is not asked for more often, whatever it says */
	SL_KEYSET_AGE_MAX_S = 86400,   /* nor less often */
	SL_KEYSET_AGE_DEFAULT_S = 600, /* what does not say */
	SL_KEYSET_EARLY_S = 10,	       /* a key that is not in it is looked for so often */
	SL_KEYSET_RETRY_MAX_S = 300,   /* after failures: 1, 2, 4... seconds */
};

struct sl_keyset_conf {
	const char *url;    /* of the set; NULL: the issuer's document tells it */
	const char *issuer; /* without url: OpenID Connect Discovery 1.0, section 4 */
	const char *ca;	    /* file in PEM; NULL: the system's authorities */
};

struct sl_keysets;
struct sl_keyset;

/* changed_fd is an eventfd, borrowed: 1 is added when there is another text.  0 or -ENOMEM. */
int sl_keysets_new(struct sl_keysets **ret_keysets, int changed_fd);
struct sl_keysets *sl_keysets_ref(struct sl_keysets *k);
void sl_keysets_unref(struct sl_keysets *k); /* the last one waits for the thread; NULL is fine */
/* Once for all that it will be asked for.  0 or a negative errno. */
int sl_keysets_start(struct sl_keysets *k);

/* One that is there already, or a new one; held until sl_keyset_put().  NULL without memory. */
struct sl_keyset *sl_keysets_get(struct sl_keysets *k, const struct sl_keyset_conf *conf);
void sl_keyset_put(struct sl_keyset *s);
/* A copy of the last text that was good, the caller's to free; NULL: none came yet. */
char *sl_keyset_text(struct sl_keyset *s, size_t *ret_len);
/* A token has a key that is not in it: it is asked for soon, though not each time.  Any thread. */
void sl_keyset_want(struct sl_keyset *s);

#endif
