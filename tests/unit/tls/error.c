// SPDX-License-Identifier: Apache-2.0
// How TLS with a target fails: numbers that go where errnos go, and a word for each.
#include "tls/error.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#include "tap.h"

static const struct {
	int reason;
	long verified;
	const char *word, *text;
} table[] = {
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_CERT_HAS_EXPIRED, "tls_expired", "expired" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_CERT_NOT_YET_VALID, "tls_not_yet_valid",
	  "not yet valid" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_HOSTNAME_MISMATCH, "tls_wrong_name",
	  "mismatch" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_IP_ADDRESS_MISMATCH, "tls_wrong_name",
	  "mismatch" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
	  "tls_self_signed", "self-signed" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	  "tls_unknown_ca", "issuer" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_CERT_REVOKED, "tls_revoked", "revoked" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, X509_V_ERR_CERT_CHAIN_TOO_LONG, "tls_untrusted",
	  "chain too long" },
	{ SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, X509_V_OK, "tls_refused",
	  "certificate required" },
	{ SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, X509_V_OK, "tls_refused", "handshake failure" },
	{ SSL_R_WRONG_VERSION_NUMBER, X509_V_OK, "tls_garbage", "wrong version" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, X509_V_OK, "tls_failed", "excessive message size" },
	{ 0, X509_V_OK, "tls_failed", "TLS failed" },
};

static void test_words(SSL *ssl)
{
	for (unsigned i = 0; i < sizeof(table) / sizeof(*table); i++) {
		int error;

		ERR_clear_error();
		if (table[i].reason)
			ERR_raise(ERR_LIB_SSL, table[i].reason);
		SSL_set_verify_result(ssl, table[i].verified);
		error = sl_tls_error_of(ssl);
		ok(sl_tls_is_error(error) && error > INT16_MIN, "%s: a number of ours",
		   table[i].word);
		is_str(sl_str_of(sl_tls_error_word(error)), table[i].word, "%s: its word",
		       table[i].word);
		ok(strstr(sl_tls_error_text(error), table[i].text) != NULL, "%s: says '%s'",
		   table[i].word, table[i].text);
	}
	ERR_clear_error();
}

static void test_others(void)
{
	static const int others[] = { 0, -ECONNRESET, -ETIMEDOUT, -4095, INT16_MIN };

	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		ok(!sl_tls_is_error(others[i]), "%d is none", others[i]);
}

int main(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);

	test_words(ssl);
	test_others();
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return done_testing();
}
