/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection's records are sealed with, and how many there were, so that somebody else than
 * OpenSSL can go on with them. */
#ifndef SL_TLS_KEYS_H
#define SL_TLS_KEYS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { SL_TLS_SECRET_MAX = 48, SL_TLS_KEY_MAX = 32, SL_TLS_IV_BYTES = 12 };

/* Of one direction, from the end of its side of the handshake on. */
struct sl_tls_stream {
	unsigned char secret[SL_TLS_SECRET_MAX]; /* RFC 8446 7.1: application_traffic_secret_N */
	uint64_t records;			 /* sealed, or opened, under these keys */
	bool has_begun;				 /* Finished went by: records count */
};

struct sl_tls_keys {
	struct sl_tls_stream sent, came;
	unsigned secret_len;	/* 0: there are none (yet), as in TLS 1.2 */
	bool is_changed;	/* our KeyUpdate was sealed: the peer expects the new keys */
	unsigned char alert[2]; /* the last one that was sealed, level and description; or 0 */
};

/* Once a context: whoever watches is told its secrets. */
void sl_tls_keys_prepare(SSL_CTX *ssl);
/* Before the handshake; keys have to be there for as long as ssl. */
void sl_tls_keys_watch(struct sl_tls_keys *k, SSL *ssl);
/* Nothing more is needed: secrets are wiped. */
void sl_tls_keys_forget(struct sl_tls_keys *k);

/* RFC 8446 7.3 and RFC 5246 6.3, the server's side: the key, of key_len bytes, and the iv of what
 * is sent, or of what comes.  Of AES-GCM in TLS 1.2 only the first four bytes are written, the
 * salt.  False if there are none. */
bool sl_tls_keys_derive(const struct sl_tls_keys *k, SSL *ssl, bool is_sent, unsigned char *ret_key,
			unsigned key_len, unsigned char ret_iv[SL_TLS_IV_BYTES]);

#endif
