// SPDX-License-Identifier: Apache-2.0
// How TLS with a target fails, in numbers and in words.
#include "tls/error.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

enum {
	CERTIFICATE = 8192, /* and an X509_V_ERR_, below 256 */
	PROTOCOL = 16384,   /* and a reason of OpenSSL's, those of alerts too; 0: it gives none */
	REASONS = 4096,
	ALERTS = 1000, /* from here on a reason is an alert that came */
};

int sl_tls_error_of(const SSL *ssl)
{
	unsigned long e = ERR_peek_error();
	int reason = ERR_GET_LIB(e) == ERR_LIB_SSL ? ERR_GET_REASON(e) : 0;

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return -(CERTIFICATE + (int)(SSL_get_verify_result(ssl) & 255));
	return -(PROTOCOL + (reason > 0 && reason < REASONS ? reason : 0));
}

bool sl_tls_is_error(int error)
{
	return error <= -CERTIFICATE && error > -(PROTOCOL + REASONS);
}

static const char *word_of_certificate(int why)
{
	switch (why) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "tls_expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "tls_not_yet_valid";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return "tls_wrong_name";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return "tls_self_signed";
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "tls_unknown_ca";
	case X509_V_ERR_CERT_REVOKED:
		return "tls_revoked";
	default:
		return "tls_untrusted";
	}
}

static const char *word_of_reason(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER: /* of the record: "HTTP/", for one */
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_UNEXPECTED_MESSAGE:
	case SSL_R_UNEXPECTED_RECORD:
	case SSL_R_BAD_RECORD_TYPE:
		return "tls_garbage";
	default:
		return reason >= ALERTS ? "tls_refused" : "tls_failed";
	}
}

const char *sl_tls_error_word(int error)
{
	return -error >= PROTOCOL ? word_of_reason(-error - PROTOCOL)
				  : word_of_certificate(-error - CERTIFICATE);
}

const char *sl_tls_error_text(int error)
{
	const char *text = NULL;

	if (-error < PROTOCOL)
		return X509_verify_cert_error_string(-error - CERTIFICATE);
	if (-error > PROTOCOL)
		text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, -error - PROTOCOL));
	return text ? text : "TLS failed";
}
