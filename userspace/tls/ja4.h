/* SPDX-License-Identifier: Apache-2.0 */
/* A client's fingerprint by JA4 (TLS client), which FoxIO publishes under the BSD licence. */
#ifndef SL_TLS_JA4_H
#define SL_TLS_JA4_H

#include "tls/hello.h"

enum {
	SL_JA4_LEN = 36, /* "t13d1516h2_8daaf6152771_b186095e22b6" */
	SL_JA4_LIST_MAX = 256,
};

/* False, and "" written, where the client names more ciphers, extensions or signatures than
 * SL_JA4_LIST_MAX. */
bool sl_ja4_print(const struct sl_tls_hello *h, char ret_ja4[SL_JA4_LEN + 1]);
/* Could it be one? */
bool sl_ja4_is_valid(struct sl_str s);

#endif
