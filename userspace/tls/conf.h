/* SPDX-License-Identifier: Apache-2.0 */
/* What the TLS of a listener, or of an upstream, is to be, as the configuration says it. */
#ifndef SL_TLS_CONF_H
#define SL_TLS_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "net/ktls.h"

struct sl_tls_server;
struct sl_tls_origin;

/* Mozilla's recommendations for servers, version 6.0: since then without the ciphers with
 * finite-field Diffie-Hellman, which cost the server more than the client.  Their first group,
 * X25519MLKEM768, needs OpenSSL 3.5. */
enum sl_tls_profile {
	SL_TLS_INTERMEDIATE, /* TLS 1.2 and 1.3 */
	SL_TLS_MODERN,	     /* TLS 1.3 */
};

/* Whether a client has to show a certificate; one that is shown must be good in any case. */
enum sl_tls_client_certificate { SL_TLS_CLIENT_REQUIRED, SL_TLS_CLIENT_OPTIONAL };

/* Who seals and opens records: the kernel (kTLS) or this process. */
enum sl_tls_kernel {
	SL_TLS_KERNEL_AUTO,    /* the kernel seals, from a connection's first large body on */
	SL_TLS_KERNEL_OFF,     /* never the kernel */
	SL_TLS_KERNEL_REQUIRE, /* the kernel seals and opens, or the connection is closed */
};
/* What of clients that ask for a name which no certificate is for. */
enum sl_tls_unknown_names { SL_TLS_NAMES_SERVE, SL_TLS_NAMES_REFUSE };

struct sl_tls_certificate_conf {
	const char *certificate; /* file: PEM, the server's own first, then those that signed it */
	const char *key;	 /* file: PEM, not encrypted */
	const char *ocsp;	 /* file: DER, what its authority says of it; NULL: none */
};

enum { SL_TLS_CERTIFICATES_MAX = 1024, SL_TLS_TICKET_KEYS_MAX = 8, SL_TLS_DENIED_MAX = 1024 };

struct sl_tls_conf {
	struct sl_tls_certificate_conf *certificates; /* the first is for names that nobody has */
	unsigned certificates_nr;
	unsigned profile;	       /* enum sl_tls_profile */
	uint64_t handshake_timeout_ns; /* from the first byte; default 10 s */
	bool tickets;		       /* sessions can be resumed; default on */
	struct sl_tls_ticket_file {
		const char *path;
	} * ticket_keys; /* the first seals, all open; none: keys of our own */
	unsigned ticket_keys_nr;
	const char *client_ca;	     /* file: PEM, one or many; NULL: clients show none */
	unsigned client_certificate; /* enum sl_tls_client_certificate */
	uint32_t client_depth;	     /* authorities between it and one of these; default 3 */
	const char *client_crl;	     /* file: PEM, a list for each authority; NULL: none */
	bool client_headers;	     /* upstreams are told of it; default off */
	unsigned kernel;	     /* enum sl_tls_kernel; default auto */
	/* Not a setting: what the kernel was found to do; nothing where it is not to. */
	struct sl_ktls ktls;
	unsigned unknown_names; /* enum sl_tls_unknown_names */
	struct sl_tls_ja4_conf {
		const char *text;
	} * deny_ja4;
	unsigned deny_ja4_nr;
	bool ja4; /* of every hello, for the access log */
	/* Not a setting: what was made of these, one reference. */
	struct sl_tls_server *server;
	uint64_t files_print; /* of the files that it was made of */
};

/* What a target is asked for (SNI), and has to prove that it is. */
struct sl_tls_target_name {
	const char *text; /* NULL: none */
	bool is_address;
};

/* How an upstream's targets are talked to. */
struct sl_tls_origin_conf {
	const char *ca;		 /* file: PEM, whom to trust; default: those of the system */
	const char *crl;	 /* file: PEM, a list for each authority; NULL: none */
	const char *server_name; /* NULL: each target's own */
	const char *certificate; /* file: PEM, that we show when asked; NULL: none */
	const char *key;	 /* file: PEM, not encrypted */
	unsigned profile;	 /* enum sl_tls_profile */
	uint32_t depth;		 /* authorities between its certificate and ours; default 3 */
	bool verify;		 /* default on */
	bool session_reuse;	 /* default on */
	/* Not a setting: what was made of these, one reference. */
	struct sl_tls_origin *origin;
	uint64_t id; /* of its connections: other ones are not good for it; never 0 */
	uint64_t files_print;
	struct sl_tls_origin_conf *next; /* of the rules, that is made of others; NULL: last */
};

#endif
