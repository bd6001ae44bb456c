/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with files that the configuration names, and who is told. */
#ifndef SL_TLS_FAULTS_H
#define SL_TLS_FAULTS_H

/* Which member of the configuration is wrong. */
enum sl_tls_member {
	SL_TLS_CERTIFICATE,
	SL_TLS_KEY,
	SL_TLS_OCSP,
	SL_TLS_TICKET_KEY,
	SL_TLS_CLIENT_CA,
	SL_TLS_CLIENT_CRL,
	SL_TLS_CA, /* of an upstream, as the next */
	SL_TLS_CRL,
};

/* Told of each fault: the member, of that index where there are many, its file, and what is wrong
 * with it. */
struct sl_tls_faults {
	void (*tell)(void *arg, enum sl_tls_member member, unsigned index, const char *path,
		     const char *why);
	void *arg;
};

#endif
