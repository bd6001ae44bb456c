/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that listeners have: until when each is good, and who is told of it. */
#ifndef SL_CONTROL_CERTIFICATES_H
#define SL_CONTROL_CERTIFICATES_H

#include "control/daemon.h"
#include "observe/expose.h"
#include "tls/server.h"

/* One of a listener's.  All of it is borrowed from the rules. */
struct sl_certificate {
	const char *listener;
	unsigned index; /* in its list */
	const struct sl_tls_certificate_conf *conf;
	const struct sl_tls_pair *pair;
	const struct sl_tls_ocsp *ocsp;
	int64_t until_s; /* its end, since 1970 */
};

enum { SL_CERTIFICATE_NAME_MAX = 256 };

/* The i-th of the rules' certificates, listener by listener; false: there are not so many. */
bool sl_certificate_at(const struct sl_rules *r, unsigned i, struct sl_certificate *ret);
/* The first name that it is for, or else its subject; what is not printable ASCII is left out. */
void sl_certificate_name(const struct sl_certificate *c, char to[SL_CERTIFICATE_NAME_MAX]);

/* Now and then: warns of those in use that have expired, or will within 14 days, and of responses
 * (OCSP) that are not told: when they come into use, when the moment passes, and each day. */
void sl_certificates_tick(struct sl_daemon *d);
/* A gauge for each: when it ends. */
void sl_certificates_expose(FILE *to, enum sl_exposition form, const struct sl_daemon *d);

#endif
