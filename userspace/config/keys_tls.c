// SPDX-License-Identifier: Apache-2.0
// Keys of TLS, of a listener and of an upstream.
#include "config/table.h"
#include "tls/conf.h"

static const struct sl_key certificate_keys[] = {
	{ "certificate", &sl_kind_string, SL_KEY_AT(sl_tls_certificate_conf, certificate),
	  .check = sl_check_path, .required = true,
	  .doc = "File in PEM: the certificate for the listener's names, then those that signed "
		 "it, "
		 "in their order, without the root." },
	{ "key", &sl_kind_string, SL_KEY_AT(sl_tls_certificate_conf, key), .check = sl_check_path,
	  .required = true,
	  .doc = "File in PEM: the private key of that certificate, not encrypted. It may be the "
		 "same file." },
	{ "ocsp", &sl_kind_string, SL_KEY_AT(sl_tls_certificate_conf, ocsp), .check = sl_check_path,
	  .doc = "File in DER: what the certificate's authority says of it (an OCSP response), "
		 "told to clients that ask (stapling) for as long as it is good; whoever renews it "
		 "replaces the file. Its signature is checked if the issuer is in the file of the "
		 "certificate. Default: nothing is said." },
	END,
};

static const struct sl_key certificate_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = certificate_keys },
	.doc = "Files of up to 1 MiB, read at the start and at each reload.",
};

static const struct sl_key ticket_key_item = {
	.kind = &sl_kind_string,
	.size = sizeof(char *),
	.check = sl_check_path,
	.doc = "File of 80 random bytes (openssl rand -out FILE 80), or of 48 for AES-128, as "
	       "nginx "
	       "and HAProxy take it.",
};

static const struct sl_key ja4_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_tls_ja4_conf),
	.check = sl_check_ja4,
	.doc = "As the access log has it: \"t13d1516h2_8daaf6152771_b186095e22b6\".",
};

static const struct sl_key tls_keys[] = {
	{ "certificates", &sl_kind_array, ITEMS(sl_tls_conf, certificates, certificates_nr),
	  .item = &certificate_item, .min = 1, .max = SL_TLS_CERTIFICATES_MAX, .required = true,
	  .doc = "Which one a client gets goes by the name that it asks for (SNI): the exact name, "
		 "then \"*.\" above it, then the first certificate. A name may have one for each "
		 "kind of key (RSA, ECDSA, EdDSA); of the same kind the first in the list "
		 "counts." },
	{ "profile", &sl_kind_enum, SL_KEY_AT(sl_tls_conf, profile),
	  .words = WORDS("intermediate", "modern"), .def = "\"intermediate\"",
	  .doc = "Mozilla's recommendations: \"intermediate\" is TLS 1.2 and 1.3, with forward "
		 "secrecy and authenticated encryption only; \"modern\" is TLS 1.3." },
	{ "handshake_timeout", &sl_kind_duration, SL_KEY_AT(sl_tls_conf, handshake_timeout_ns),
	  .min = 100000000, .max = 60000000000, .def = "\"10s\"",
	  .doc = "From a client's first byte to the end of its handshake; then the connection is "
		 "closed." },
	{ "unknown_names", &sl_kind_enum, SL_KEY_AT(sl_tls_conf, unknown_names),
	  .words = WORDS("serve", "refuse"), .def = "\"serve\"",
	  .doc = "What of a client that asks for a name which no certificate is for: it is served "
		 "with the first certificate, or refused (alert unrecognized_name) before any "
		 "cryptography. Who asks for no name is served." },
	{ "deny_ja4", &sl_kind_array, ITEMS(sl_tls_conf, deny_ja4, deny_ja4_nr), .item = &ja4_item,
	  .max = SL_TLS_DENIED_MAX,
	  .doc = "Fingerprints (JA4) of clients that are refused (alert access_denied); so are "
		 "then those that have none, naming more than 256 ciphers or extensions." },
	{ "ja4", &sl_kind_bool, SL_KEY_AT(sl_tls_conf, ja4), .def = "false",
	  .doc = "Find the fingerprint of every client for access logs in JSON, where it is "
		 "\"tls_ja4\"; a template that has $ssl_ja4 need not be told." },
	{ "session_tickets", &sl_kind_bool, SL_KEY_AT(sl_tls_conf, tickets), .def = "true",
	  .doc = "A client that comes back within two hours goes on with its session, for less "
		 "work; it is kept by the client, sealed." },
	{ "ticket_keys", &sl_kind_array, ITEMS(sl_tls_conf, ticket_keys, ticket_keys_nr),
	  .item = &ticket_key_item, .max = SL_TLS_TICKET_KEYS_MAX,
	  .doc = "What sessions are sealed with, so that several hosts can go on with them: the "
		 "first seals, all open. A new one goes behind the others on all hosts, then to "
		 "the "
		 "front; a file that changes is read by itself. Default: keys that this process "
		 "makes, and changes every hour." },
	{ "client_ca", &sl_kind_string, SL_KEY_AT(sl_tls_conf, client_ca), .check = sl_check_path,
	  .doc = "File in PEM: the authorities whose certificates clients show. Their names are "
		 "told "
		 "to every client. Default: no client is asked for a certificate." },
	{ "client_certificate", &sl_kind_enum, SL_KEY_AT(sl_tls_conf, client_certificate),
	  .words = WORDS("required", "optional"), .def = "\"required\"",
	  .doc = "Whether a client that shows none is refused; one whose certificate is not good "
		 "always is." },
	{ "client_depth", &sl_kind_int, SL_KEY_AT(sl_tls_conf, client_depth), .max = 16, .def = "3",
	  .doc = "The most authorities between a client's certificate and the one that "
		 "is trusted." },
	{ "client_crl", &sl_kind_string, SL_KEY_AT(sl_tls_conf, client_crl), .check = sl_check_path,
	  .doc = "File in PEM: what was revoked, a list for each authority on the way; a client "
		 "whose authority has none, or one that is out of date, is refused." },
	{ "kernel_tls", &sl_kind_enum, SL_KEY_AT(sl_tls_conf, kernel),
	  .words = WORDS("auto", "off", "require"), .def = "\"auto\"",
	  .doc = "Whether the kernel encrypts: with \"auto\" it does on a connection from the "
		 "first body of 64 KiB and more on, which then is not copied to this process; "
		 "with \"require\" it encrypts and decrypts all, a kernel that cannot is a fault, "
		 "and a connection that it cannot take over is closed." },
	{ "client_headers", &sl_kind_bool, SL_KEY_AT(sl_tls_conf, client_headers), .def = "false",
	  .doc = "Upstreams get X-Client-Cert-Verified (SUCCESS, or NONE where a client showed "
		 "none) and of the certificate X-Client-Cert-Subject, -Issuer, -Serial, "
		 "-Fingerprint (SHA-256) and -San. Fields whose name begins with X-Client-Cert- "
		 "never come through from a client, whatever this says, and on plain listeners "
		 "too." },
	END,
};

const struct sl_object sl_tls_object = { .keys = tls_keys, .finish = sl_check_tls_clients };

static const struct sl_key origin_keys[] = {
	{ "ca", &sl_kind_string, SL_KEY_AT(sl_tls_origin_conf, ca), .check = sl_check_path,
	  .def = "\"/etc/ssl/certs/ca-certificates.crt\"",
	  .doc = "File in PEM of up to 1 MiB and 256 certificates: who is trusted to have signed a "
		 "target's. One that another has signed is trusted as well. The default is what "
		 "Debian's package ca-certificates installs. Not read without verify." },
	{ "verify", &sl_kind_bool, SL_KEY_AT(sl_tls_origin_conf, verify), .def = "true",
	  .doc = "A target has to show a certificate that is in its time, signed by ca, and for "
		 "its "
		 "name. false: whoever answers is believed, and anybody on the way can listen and "
		 "change what is said." },
	{ "server_name", &sl_kind_string, SL_KEY_AT(sl_tls_origin_conf, server_name),
	  .check = sl_check_server_name,
	  .doc = "The name, or address, that the certificate must be for; a name is also what the "
		 "target is asked for (SNI). Default: each target's own, as it is written, without "
		 "its port. Targets that are sockets need one." },
	{ "depth", &sl_kind_int, SL_KEY_AT(sl_tls_origin_conf, depth), .max = 16, .def = "3",
	  .doc = "The most authorities between a target's certificate and the one that is "
		 "trusted." },
	{ "crl", &sl_kind_string, SL_KEY_AT(sl_tls_origin_conf, crl), .check = sl_check_path,
	  .doc = "File in PEM: what was revoked, a list for each authority on the way; a target "
		 "whose authority has none, or one that is out of date, is refused." },
	{ "certificate", &sl_kind_string, SL_KEY_AT(sl_tls_origin_conf, certificate),
	  .check = sl_check_path,
	  .doc = "File in PEM: the certificate that the gateway shows to a target that asks for "
		 "one, "
		 "then those that signed it, in their order, without the root. Default: none." },
	{ "key", &sl_kind_string, SL_KEY_AT(sl_tls_origin_conf, key), .check = sl_check_path,
	  .doc = "File in PEM: the private key of that certificate, not encrypted. It may be the "
		 "same file." },
	{ "profile", &sl_kind_enum, SL_KEY_AT(sl_tls_origin_conf, profile),
	  .words = WORDS("intermediate", "modern"), .def = "\"intermediate\"",
	  .doc = "As that of a listener: \"intermediate\" is TLS 1.2 and 1.3, \"modern\" is TLS "
		 "1.3." },
	{ "session_reuse", &sl_kind_bool, SL_KEY_AT(sl_tls_origin_conf, session_reuse),
	  .def = "true",
	  .doc = "A new connection goes on with a session of an earlier one to the same target, "
		 "for "
		 "less work, for two hours at the most." },
	END,
};

const struct sl_object sl_origin_tls_object = { .keys = origin_keys,
						.finish = sl_check_origin_tls };
