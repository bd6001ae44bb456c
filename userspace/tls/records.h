/* SPDX-License-Identifier: Apache-2.0 */
/* A connection that speaks TLS: its records, sealed and opened by OpenSSL. */
#ifndef SL_TLS_RECORDS_H
#define SL_TLS_RECORDS_H

#include <openssl/ssl.h>

#include "net/conn.h"
#include "net/layer.h"
#include "tls/blocks.h"
#include "tls/ja4.h"
#include "tls/keys.h"
#include "tls/shown.h"

struct sl_tls_sessions;

/* Where in a stream of records somebody is: a header of five bytes ends in a length. */
struct sl_tls_frame {
	uint16_t at;		/* bytes of the record so far, to 13; 0: between two */
	uint16_t left;		/* and, behind its header, those still to come */
	unsigned char first[8]; /* bytes behind the last header: of AES-GCM in TLS 1.2 the nonce */
};

/* What was agreed on. */
struct sl_tls_facts {
	struct sl_str version;		    /* "TLSv1.3" */
	struct sl_str cipher;		    /* "TLS_AES_128_GCM_SHA256" */
	struct sl_str name;		    /* that the client asked for (SNI); empty: none */
	struct sl_str ja4;		    /* of its hello; empty: nobody asked for it */
	const char *protocol;		    /* ALPN; NULL: none */
	const struct sl_tls_client *client; /* NULL: it showed no certificate */
	bool is_resumed;
};

/*
 * During the handshake the connection is a plain one, whose bytes go to OpenSSL a record at a time:
 * none of what follows is taken with it.  Afterwards the layer is put on it, and whoever reads and
 * writes need not know.  The kernel may take over from OpenSSL: layer.passes_out, layer.passes_in.
 */
struct sl_tls {
	struct sl_layer layer;
	struct sl_conn *conn;
	struct sl_tls_blocks *blocks;
	SSL *ssl;		   /* NULL: the kernel seals and opens */
	struct sl_tls_keys keys;   /* for the kernel; wiped when they are of no use any more */
	unsigned ktls_ciphers;	   /* struct sl_ktls; 0: it is not to be tried */
	const char *why_userspace; /* why the kernel could not take over; NULL: not tried */
	char *early;		   /* opened before the kernel took over; may be plain, or held */
	char *name;		   /* without ssl: that the client asked for */
	struct sl_tls_facts facts; /* without ssl */
	uint32_t charge;	   /* drawn from the budget */
	struct sl_tls_frame sealed, opened; /* what OpenSSL wrote and read */
	struct sl_tls_client *client;	    /* NULL: it showed no certificate */
	struct sl_tls_sessions *sessions;   /* of the target; NULL: a client's, or none are kept */
	char *out;			    /* sealed, not yet sent; NULL: nothing */
	uint32_t out_at, out_end;
	char *in; /* a hello that came in pieces: before what is queued; NULL: nothing */
	uint32_t in_at, in_end;
	bool is_sending; /* a fiber sends what is in out */
	bool is_broken;	 /* OpenSSL will not go on */
	bool is_mute;	 /* the socket takes nothing more: what has come is opened all the same */
	bool has_said_end;
	bool has_heard_end;	  /* before the kernel took over */
	bool is_1_2;		  /* without ssl: TLS 1.2 */
	bool reads_socket;	  /* to the end of a record, with nothing queued any more */
	char ja4[SL_JA4_LEN + 1]; /* "": nobody asked for it */
};

/* A connection that is to shake hands.  Takes ssl over; NULL without it, or without memory. */
struct sl_tls *sl_tls_new(struct sl_conn *c, SSL *ssl, struct sl_tls_blocks *blocks);
/* When its connection is closed.  NULL is fine. */
void sl_tls_free(struct sl_tls *t);

/* For what goes on behind a handshake: what OpenSSL has sealed is sent, all of it, or dropped. */
int sl_tls_flush(struct sl_tls *t, uint64_t deadline_ns);
void sl_tls_drop_out(struct sl_tls *t);

/* What was agreed on, borrowed from the connection. */
void sl_tls_describe(const struct sl_tls *t, struct sl_tls_facts *ret_facts);

#endif
