/* SPDX-License-Identifier: Apache-2.0 */
/* How TLS with a target fails: negative numbers beyond all errnos, so that they go where those go.
 */
#ifndef SL_TLS_ERROR_H
#define SL_TLS_ERROR_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* What has just failed, by OpenSSL's queue of complaints, which stays; never 0.  It fits into 16
 * bits. */
int sl_tls_error_of(const SSL *ssl);
/* Is it one of these? */
bool sl_tls_is_error(int error);
/* A word for programs, which never changes: "tls_expired", "tls_not_yet_valid", "tls_wrong_name",
 * "tls_self_signed", "tls_unknown_ca", "tls_revoked", "tls_untrusted" (what else is wrong with its
 * certificate), "tls_refused" (its alert), "tls_garbage" (what came is no TLS), "tls_failed". */
const char *sl_tls_error_word(int error);
/* OpenSSL's words for it, for people. */
const char *sl_tls_error_text(int error);

#endif
