/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of the certificate that a client showed, as text. */
#ifndef SL_TLS_SHOWN_H
#define SL_TLS_SHOWN_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/str.h"

/* The longest values.  What is longer is left out, as half a name may be another's. */
enum { SL_TLS_NAME_MAX = 512, SL_TLS_SAN_MAX = 2048, SL_TLS_SERIAL_MAX = 64 };

/* Made once a connection, in one piece: free() ends it.  Every byte of the values is printable
 * ASCII, so they can stand in a line of a head and of a log as they are. */
struct sl_tls_client {
	struct sl_str subject, issuer; /* as RFC 2253 writes them */
	struct sl_str serial;	       /* in hexadecimal, in capitals */
	struct sl_str fingerprint;     /* SHA-256 of all of it, in hexadecimal */
	struct sl_str san; /* "DNS:a.example, URI:spiffe://b/c": what could be read otherwise, such
			    * as a comma, is percent-encoded; empty: it has none */
	struct sl_str fields; /* all of these as lines X-Client-Cert-* of a head */
	char text[];
};

/* Whether a field's name begins with X-Client-Cert-, with '_' for '-' as CGI reads it, too: only we
 * say such a thing. */
bool sl_tls_client_is_field(struct sl_str name);

/* NULL without memory. */
struct sl_tls_client *sl_tls_client_new(X509 *x);

/* The same, piece by piece, each with a '\0' behind it.  What does not fit, or has any other byte,
 * is "". */
void sl_x509_print_name(X509_NAME *name, char to[SL_TLS_NAME_MAX]);
void sl_x509_print_serial(const X509 *x, char to[SL_TLS_SERIAL_MAX]);
void sl_x509_print_fingerprint(const X509 *x, char to[65]);
void sl_x509_print_san(X509 *x, char to[SL_TLS_SAN_MAX]);

#endif
