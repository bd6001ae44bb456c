// SPDX-License-Identifier: Apache-2.0
// What is agreed on: versions, ciphers, groups.
#include "tls/protocol.h"

#include "tls/conf.h"

bool sl_tls_set_protocol(SSL_CTX *ssl, unsigned profile)
{
	static const char suites[] =
		"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
	static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
	int least = profile == SL_TLS_MODERN ? TLS1_3_VERSION : TLS1_2_VERSION;

	return SSL_CTX_set_min_proto_version(ssl, least) == 1 &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(ssl, suites) == 1 &&
	       SSL_CTX_set_cipher_list(ssl, ciphers) == 1 &&
	       SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") == 1;
}
