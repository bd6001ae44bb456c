/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority says of a certificate (OCSP, RFC 6960), out of a file, for clients that ask. */
#ifndef SL_TLS_OCSP_H
#define SL_TLS_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "tls/pair.h"

/* What is said: to be stapled (RFC 6066 8) until then. */
struct sl_tls_ocsp {
	unsigned char *der; /* NULL: nothing is */
	size_t len;
	int64_t from_s, until_s; /* since 1970: its thisUpdate and nextUpdate */
	bool is_good;		 /* else it says "revoked", or "unknown" */
};

/* A response in DER, into what was zeroed.  It is for the certificate of p, and tells until when it
 * is good; while it is (now_s, since 1970) it is signed by the certificate's issuer, or by whom
 * that named for it, if the issuer is in the chain.  0, or a negative errno with `why`. */
int sl_tls_ocsp_read(struct sl_tls_ocsp *o, const struct sl_tls_pair *p, const char *path,
		     int64_t now_s, char why[SL_PEM_WHY_BYTES]);
void sl_tls_ocsp_fini(struct sl_tls_ocsp *o);

/* Whether a client is told so now. */
bool sl_tls_ocsp_is_stapled(const struct sl_tls_ocsp *o, int64_t now_s);

#endif
