/* SPDX-License-Identifier: Apache-2.0 */
/* TLS records that the kernel seals and opens (kTLS): whether it can, handing a socket over to it,
 * and what is not application data. */
#ifndef SL_NET_KTLS_H
#define SL_NET_KTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum sl_ktls_cipher {
	SL_KTLS_AES128,
	SL_KTLS_AES256,
	SL_KTLS_CHACHA20,
	SL_KTLS_CIPHERS,
};
extern const char *const sl_ktls_names[SL_KTLS_CIPHERS]; /* "AES-128-GCM" */

enum sl_ktls_way { SL_KTLS_SEALS, SL_KTLS_OPENS };

enum { SL_KTLS_KEY_MAX = 32, SL_KTLS_IV_BYTES = 12 };

/* One direction of a connection: what its next record is sealed with, or opened. */
struct sl_ktls_keys {
	enum sl_ktls_cipher cipher;
	bool is_1_2;			    /* TLS 1.2; else 1.3 */
	unsigned char key[SL_KTLS_KEY_MAX]; /* 16 bytes of it for SL_KTLS_AES128 */
	/* Of TLS 1.3, and of ChaCha20: all of it.  Of AES-GCM in TLS 1.2: the first 4 bytes are the
	 * salt, and the rest is what the next record's nonce shall be. */
	unsigned char iv[SL_KTLS_IV_BYTES];
	uint64_t record; /* the number of the next record, from 0 */
};

/* What this kernel was found to do. */
struct sl_ktls {
	unsigned ciphers; /* bit (1 << enum sl_ktls_cipher): it seals and opens these */
	int error;	  /* a negative errno: it has not even begun; 0: it has kTLS */
};

enum { SL_KTLS_ALL = (1 << SL_KTLS_CIPHERS) - 1, SL_KTLS_WHY_BYTES = 128 };

/* Tries it on a connection of our own over the loopback, for well under a millisecond, or as long
 * as it takes to load the modules: for that the process has to have CAP_NET_ADMIN. */
struct sl_ktls sl_ktls_probe(void);
/* What it lacks, as "the kernel has no module tls"; empty: nothing. */
void sl_ktls_explain(const struct sl_ktls *k, char to[SL_KTLS_WHY_BYTES]);
/* Of sl_ktls_start() and sl_ktls_hand_over(). */
const char *sl_ktls_reason(int error);

/* Readies an established socket.  0 or a negative errno, with which it goes on as it was: -ENOENT
 * without the module, and -ENOTCONN when the peer is gone already. */
int sl_ktls_start(int fd);
/* Behind this everything that is sent is sealed, or what comes is opened.  0, or a negative errno
 * with which the socket goes on as it was: -ENOENT when the kernel has not this cipher. */
int sl_ktls_hand_over(int fd, enum sl_ktls_way way, const struct sl_ktls_keys *keys);

/* Types of records (RFC 8446 5.1). */
enum { SL_RECORD_ALERT = 21, SL_RECORD_HANDSHAKE = 22, SL_RECORD_DATA = 23 };
/* Alerts (RFC 8446 6). */
enum {
	SL_ALERT_WARNING = 1,
	SL_ALERT_FATAL = 2,
	SL_ALERT_CLOSE_NOTIFY = 0,
	SL_ALERT_UNEXPECTED_MESSAGE = 10,
	SL_ALERT_BAD_RECORD_MAC = 20,
	SL_ALERT_RECORD_OVERFLOW = 22,
	SL_ALERT_USER_CANCELED = 90,
	SL_ALERT_NO_RENEGOTIATION = 100, /* RFC 5246 7.2.2 */
};

/* Seals an alert and sends it, without waiting.  0 or a negative errno: -EAGAIN when the socket is
 * full. */
int sl_ktls_send_alert(int fd, int level, int alert);
/* The record that made a receive fail with -EIO: its bytes and its type, without waiting.  The
 * number of bytes, or a negative errno. */
ssize_t sl_ktls_receive(int fd, void *to, size_t size, int *ret_type);

#endif
