// SPDX-License-Identifier: Apache-2.0
// A certificate as text that can stand in a head, and in a log.
#include "tls/shown.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/out.h"

/* ---- a value ---- */

static bool is_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (s[i] < ' ' || s[i] > '~')
			return false;
	return true;
}

/* What was written to bio, which goes. */
static void take(BIO *bio, char *to, size_t size)
{
	char *text = NULL;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;

	to[0] = '\0';
	if (len > 0 && (size_t)len < size && is_printable(text, (size_t)len)) {
		memcpy(to, text, (size_t)len);
		to[len] = '\0';
	}
	BIO_free(bio);
}

void sl_x509_print_name(X509_NAME *name, char to[SL_TLS_NAME_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
	take(bio, to, SL_TLS_NAME_MAX);
	ERR_clear_error();
}

/* Of more than RFC 5280 allows (4.1.2.2) OpenSSL makes several lines: none is taken. */
void sl_x509_print_serial(const X509 *x, char to[SL_TLS_SERIAL_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio)
		i2a_ASN1_INTEGER(bio, X509_get0_serialNumber(x));
	take(bio, to, SL_TLS_SERIAL_MAX);
}

void sl_x509_print_fingerprint(const X509 *x, char to[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (X509_digest(x, EVP_sha256(), digest, &len) != 1)
		len = 0;
	for (unsigned i = 0; i < len; i++) {
		to[(size_t)2 * i] = digits[digest[i] >> 4];
		to[(size_t)2 * i + 1] = digits[digest[i] & 15];
	}
	to[(size_t)2 * len] = '\0';
}

/* ---- its other names ---- */

static void put_encoded(struct sl_out *o, const ASN1_STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);

	for (int i = 0; i < ASN1_STRING_length(s); i++) {
		if (p[i] > ' ' && p[i] <= '~' && !strchr(",%\"\\", p[i])) {
			sl_out_char(o, (char)p[i]);
			continue;
		}
		sl_out_char(o, '%');
		sl_out_hex_fixed(o, p[i], 2);
	}
}

static void put_ip(struct sl_out *o, const ASN1_STRING *s)
{
	int len = ASN1_STRING_length(s);
	char text[INET6_ADDRSTRLEN] = "";

	if (len == 4 || len == 16)
		inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(s), text,
			  sizeof(text));
	sl_out_str(o, sl_str_of(text));
}

static void put_general_name(struct sl_out *o, const GENERAL_NAME *n)
{
	static const char *const kinds[] = {
		[GEN_EMAIL] = "email:",
		[GEN_DNS] = "DNS:",
		[GEN_URI] = "URI:",
		[GEN_IPADD] = "IP:",
	};

	if (n->type < 0 || n->type > GEN_IPADD || !kinds[n->type])
		return;
	if (sl_out_len(o) > 0)
		sl_out_lit(o, ", ");
	sl_out_str(o, sl_str_of(kinds[n->type]));
	if (n->type == GEN_IPADD)
		put_ip(o, n->d.iPAddress);
	else
		put_encoded(o, n->d.ia5);
}

void sl_x509_print_san(X509 *x, char to[SL_TLS_SAN_MAX])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	struct sl_out o;

	sl_out_init(&o, to, SL_TLS_SAN_MAX - 1);
	for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++)
		put_general_name(&o, sk_GENERAL_NAME_value(names, i));
	to[o.overflow ? 0 : sl_out_len(&o)] = '\0';
	GENERAL_NAMES_free(names);
	ERR_clear_error();
}

/* ---- all of it ---- */

struct texts {
	char subject[SL_TLS_NAME_MAX], issuer[SL_TLS_NAME_MAX], serial[SL_TLS_SERIAL_MAX],
		fingerprint[65], san[SL_TLS_SAN_MAX];
};

#define VERIFIED "X-Client-Cert-Verified: SUCCESS\r\n"

/* The value, where it stands now. */
static struct sl_str put_field(struct sl_out *o, struct sl_str name, const char *value)
{
	struct sl_str written = sl_str_of(value);

	if (!written.len)
		return written;
	sl_out_str(o, name);
	written.ptr = o->pos;
	sl_out_mem(o, value, strlen(value));
	sl_out_lit(o, "\r\n");
	return written;
}

static void put_fields(struct sl_tls_client *c, struct sl_out *o, const struct texts *t)
{
	sl_out_lit(o, VERIFIED);
	c->subject = put_field(o, SL_S("X-Client-Cert-Subject: "), t->subject);
	c->issuer = put_field(o, SL_S("X-Client-Cert-Issuer: "), t->issuer);
	c->serial = put_field(o, SL_S("X-Client-Cert-Serial: "), t->serial);
	c->fingerprint = put_field(o, SL_S("X-Client-Cert-Fingerprint: "), t->fingerprint);
	c->san = put_field(o, SL_S("X-Client-Cert-San: "), t->san);
	c->fields = sl_out_done(o);
}

static struct sl_tls_client *keep(const struct texts *t)
{
	size_t room = sizeof(VERIFIED) + 5 * sizeof("X-Client-Cert-Fingerprint: \r\n") +
		      strlen(t->subject) + strlen(t->issuer) + strlen(t->serial) +
		      strlen(t->fingerprint) + strlen(t->san);
	struct sl_tls_client *c = malloc(sizeof(*c) + room);
	struct sl_out o;

	if (!c)
		return NULL;
	sl_out_init(&o, c->text, room);
	put_fields(c, &o, t);
	return c;
}

struct sl_tls_client *sl_tls_client_new(X509 *x)
{
	struct texts t;

	sl_x509_print_name(X509_get_subject_name(x), t.subject);
	sl_x509_print_name(X509_get_issuer_name(x), t.issuer);
	sl_x509_print_serial(x, t.serial);
	sl_x509_print_fingerprint(x, t.fingerprint);
	sl_x509_print_san(x, t.san);
	return keep(&t);
}

bool sl_tls_client_is_field(struct sl_str name)
{
	static const char family[] = "x-client-cert-";

	if (name.len < sizeof(family) - 1)
		return false;
	for (size_t i = 0; i < sizeof(family) - 1; i++) {
		char c = name.ptr[i] == '_' ? '-' : sl_lower(name.ptr[i]);

		if (c != family[i])
			return false;
	}
	return true;
}
