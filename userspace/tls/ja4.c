// SPDX-License-Identifier: Apache-2.0
// JA4: what a client offers, sorted where clients shuffle it, and hashed where it is long.
#include "tls/ja4.h"

#include <openssl/sha.h>
#include <stdio.h>

enum {
	PART = 12,	/* hexadecimal digits of a hash that are kept */
	NUMBER = 5,	/* "1301," */
	SHOWN_MAX = 99, /* of a count */
	SERVER_NAME = 0,
	ALPN = 16,
};

static const char none[] = "000000000000";

/* What was offered, without what only says that anything may be. */
struct numbers {
	uint16_t number[SL_JA4_LIST_MAX];
	unsigned nr;
	bool is_full; /* there are more */
};

static void add(struct numbers *n, uint16_t number)
{
	if (sl_tls_is_grease(number))
		return;
	if (n->nr == SL_JA4_LIST_MAX)
		n->is_full = true;
	else
		n->number[n->nr++] = number;
}

static void add_list(struct numbers *n, struct sl_str list)
{
	for (size_t i = 0; i < list.len / 2 && !n->is_full; i++)
		add(n, sl_tls_number(list, i));
}

/* Insertion: a few dozen, that often come in order. */
static void sort(struct numbers *n)
{
	for (unsigned i = 1; i < n->nr; i++) {
		uint16_t number = n->number[i];
		unsigned k = i;

		for (; k > 0 && n->number[k - 1] > number; k--)
			n->number[k] = n->number[k - 1];
		n->number[k] = number;
	}
}

/* "1301,1302"; how many bytes. */
static size_t print_numbers(const struct numbers *n, char *to)
{
	static const char digits[] = "0123456789abcdef";
	char *p = to;

	for (unsigned i = 0; i < n->nr; i++) {
		if (i > 0)
			*p++ = ',';
		for (int shift = 12; shift >= 0; shift -= 4)
			*p++ = digits[n->number[i] >> shift & 15];
	}
	return (size_t)(p - to);
}

static void print_hash(const char *text, size_t len, char to[PART + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, len, digest);
	for (unsigned i = 0; i < PART / 2; i++)
		snprintf(to + (size_t)2 * i, 3, "%02x", digest[i]);
}

static const char *version_of(const struct sl_tls_hello *h)
{
	struct numbers n = { .nr = 0 };
	uint16_t best = h->version;

	if (h->versions.ptr) {
		add_list(&n, h->versions);
		best = 0;
		for (unsigned i = 0; i < n.nr; i++)
			best = n.number[i] > best ? n.number[i] : best;
	}
	switch (best) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	default:
		return "00";
	}
}

static bool is_alphanumeric(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* First and last character of the first protocol, or of its hexadecimal digits. */
static void print_protocol(const struct sl_tls_hello *h, char to[3])
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)h->protocols.ptr;
	unsigned char first, last;

	memcpy(to, "00", 3);
	if (!p)
		return;
	first = p[1];
	last = p[p[0]];
	if (is_alphanumeric(first) && is_alphanumeric(last)) {
		to[0] = (char)first;
		to[1] = (char)last;
	} else {
		to[0] = digits[first >> 4];
		to[1] = digits[last & 15];
	}
}

/* All extensions count; the name and the protocols, which change from host to host, are in no
 * list. */
static unsigned add_types(struct numbers *n, const struct sl_tls_hello *h)
{
	struct sl_str types = h->types;
	unsigned all = 0;
	uint16_t type;

	while (!n->is_full && sl_tls_hello_next_type(&types, &type)) {
		all += !sl_tls_is_grease(type);
		if (type != SERVER_NAME && type != ALPN)
			add(n, type);
	}
	return all;
}

static unsigned shown(unsigned nr)
{
	return nr < SHOWN_MAX ? nr : SHOWN_MAX;
}

static bool hash_ciphers(const struct sl_tls_hello *h, unsigned *ret_nr, char to[PART + 1])
{
	char text[SL_JA4_LIST_MAX * NUMBER];
	struct numbers n = { .nr = 0 };

	add_list(&n, h->ciphers);
	sort(&n);
	*ret_nr = n.nr;
	if (n.nr == 0)
		memcpy(to, none, sizeof(none));
	else
		print_hash(text, print_numbers(&n, text), to);
	return !n.is_full;
}

/* The extensions sorted, the signatures as they came: their order is a preference. */
static bool hash_extensions(const struct sl_tls_hello *h, unsigned *ret_nr, char to[PART + 1])
{
	char text[2 * SL_JA4_LIST_MAX * NUMBER];
	struct numbers n = { .nr = 0 }, signatures = { .nr = 0 };
	size_t len;

	*ret_nr = add_types(&n, h);
	add_list(&signatures, h->signatures);
	sort(&n);
	len = print_numbers(&n, text);
	if (signatures.nr > 0) {
		text[len++] = '_';
		len += print_numbers(&signatures, text + len);
	}
	if (n.nr == 0)
		memcpy(to, none, sizeof(none));
	else
		print_hash(text, len, to);
	return !n.is_full && !signatures.is_full;
}

bool sl_ja4_print(const struct sl_tls_hello *h, char ret_ja4[SL_JA4_LEN + 1])
{
	char ciphers[PART + 1], extensions[PART + 1], protocol[3];
	unsigned ciphers_nr, extensions_nr;

	ret_ja4[0] = '\0';
	if (!hash_ciphers(h, &ciphers_nr, ciphers) ||
	    !hash_extensions(h, &extensions_nr, extensions))
		return false;
	print_protocol(h, protocol);
	snprintf(ret_ja4, SL_JA4_LEN + 1, "t%s%c%02u%02u%s_%s_%s", version_of(h),
		 h->name.ptr ? 'd' : 'i', shown(ciphers_nr), shown(extensions_nr), protocol,
		 ciphers, extensions);
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool sl_ja4_is_valid(struct sl_str s)
{
	if (s.len != SL_JA4_LEN || s.ptr[0] != 't' || s.ptr[10] != '_' || s.ptr[23] != '_')
		return false;
	for (unsigned i = 1; i < 10; i++)
		if (!is_alphanumeric((unsigned char)s.ptr[i]))
			return false;
	for (unsigned i = 11; i < SL_JA4_LEN; i++)
		if (i != 23 && !is_hex(s.ptr[i]))
			return false;
	return true;
}
