/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says of itself before anything is agreed on: its ClientHello (RFC 8446 4.1.2). */
#ifndef SL_TLS_HELLO_H
#define SL_TLS_HELLO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum {
	SL_TLS_RECORD_HEAD = 5,
	SL_TLS_HELLO_MAX = 16384, /* bytes of the message: it has room in one record */
	SL_TLS_HELLO_ROOM = SL_TLS_RECORD_HEAD + SL_TLS_HELLO_MAX,
};

/* Points into the message.  A list that the client did not send has a ptr of NULL; one that it did
 * send is not empty.  Numbers in lists have two bytes, the upper one first. */
struct sl_tls_hello {
	uint16_t version;	  /* legacy_version: the best one, where there are no versions */
	struct sl_str ciphers;	  /* numbers */
	struct sl_str types;	  /* of all extensions, as they came: type, length, so many bytes */
	struct sl_str name;	  /* server_name: 1..255 bytes, none of them NUL */
	struct sl_str protocols;  /* ALPN: a byte of length before each */
	struct sl_str versions;	  /* numbers */
	struct sl_str signatures; /* signature_algorithms, numbers */
};

/* The message with its header of four bytes, whole.  0; -EBADMSG when it is none that is well
 * formed, or has an extension twice (types up to 63, which are all that matter to us). */
int sl_tls_hello_read(struct sl_str message, struct sl_tls_hello *ret_hello);
/* Number `at` of a list. */
static inline uint16_t sl_tls_number(struct sl_str list, size_t at)
{
	const unsigned char *p = (const unsigned char *)list.ptr + 2 * at;

	return (uint16_t)(p[0] << 8 | p[1]);
}
/* The next extension's type, cut off `types`; false when there are no more. */
bool sl_tls_hello_next_type(struct sl_str *types, uint16_t *ret_type);
/* Can it speak a version (0x0303, 0x0304)? */
bool sl_tls_hello_offers(const struct sl_tls_hello *h, uint16_t version);
/* RFC 8701: a number that means nothing, sent so that nobody gets used to a few. */
bool sl_tls_is_grease(uint16_t number);

/* ---- from records to the message (RFC 8446 5.1) ---- */

/* How long the record at the beginning is, if it is here and is a hello from end to end, as nearly
 * every one is: the message is what follows its header.  0: it is not; take it in pieces. */
size_t sl_tls_hello_whole(struct sl_str in);

/* Puts together what comes cut into pieces, over records and over reads: as one record. */
struct sl_tls_pieces {
	unsigned char *to; /* lent: SL_TLS_HELLO_ROOM bytes */
	uint32_t len;	   /* of the record made so far; 0: nothing yet */
	uint32_t left;	   /* of the record that is being read */
	uint32_t head_len; /* of its header, so far */
	unsigned char head[SL_TLS_RECORD_HEAD];
};

/* Takes bytes, and none beyond the hello; *ret_taken of them.  1: it is whole, `len` bytes at `to`;
 * 0: all was taken, and more is wanted; -EBADMSG: this is no hello; -EMSGSIZE: it is too long. */
int sl_tls_pieces_take(struct sl_tls_pieces *p, struct sl_str in, size_t *ret_taken);

#endif
