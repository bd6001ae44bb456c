/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that session tickets are sealed with: the same for all workers, and changed in time. */
#ifndef SL_TLS_TICKETS_H
#define SL_TLS_TICKETS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

/* A key of our own seals for an hour and opens for two more.  Whoever has it can read what TLS 1.2
 * sessions resumed by it carried, so it is short-lived, and kept in memory only. */
enum { SL_TICKET_KEY_SECONDS = 3600, SL_TICKET_KEYS_OWN = 3 };
/* Of a ticket, and of what is in it. */
enum { SL_TICKET_SECONDS = 7200 };
/* A key in a file, as nginx and HAProxy have it: 16 bytes of name, 32 for HMAC-SHA256, 32 for
 * AES-256; or, an older one, 16 of name, 16 for AES-128, 16 for HMAC-SHA256. */
enum { SL_TICKET_KEY_BYTES = 80, SL_TICKET_KEY_OLD_BYTES = 48 };

struct sl_ticket_key {
	unsigned char bytes[SL_TICKET_KEY_BYTES];
	unsigned len; /* one of the two */
};

struct sl_tickets;

/* Keys of our own.  One reference; NULL: out of memory. */
struct sl_tickets *sl_tickets_new(void);
/* Keys that somebody else made, for any number of hosts: the first seals, all open, for as long as
 * they are given. */
struct sl_tickets *sl_tickets_of(const struct sl_ticket_key *keys, unsigned nr);
/* On any thread. */
struct sl_tickets *sl_tickets_get(struct sl_tickets *t);
void sl_tickets_put(struct sl_tickets *t); /* NULL is fine */

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants, with the keys behind it. */
int sl_tickets_crypt(struct sl_tickets *t, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool is_new, uint64_t now_ns);

#endif
