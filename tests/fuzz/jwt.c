// SPDX-License-Identifier: Apache-2.0
// Fuzz target of key sets and tokens: any text is read or refused, and nothing passes that no key
// has signed.  The input is a key set, a byte FS (0x1c), and a token, whose header and claims stand
// there as they are, with a byte FS between: they are encoded here.
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>

#include "jose/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FS = 0x1c };

static void demand(bool held)
{
	if (!held)
		abort();
}

static struct sl_str cut(struct sl_str *rest)
{
	const char *at = rest->len ? memchr(rest->ptr, FS, rest->len) : NULL;
	struct sl_str first = { rest->ptr, at ? (size_t)(at - rest->ptr) : rest->len };

	rest->ptr += at ? first.len + 1 : rest->len;
	rest->len -= at ? first.len + 1 : rest->len;
	return first;
}

static size_t encode(char *to, const void *mem, size_t len)
{
	size_t n = (size_t)EVP_EncodeBlock((unsigned char *)to, mem, (int)len);

	for (size_t i = 0; i < n; i++)
		to[i] = to[i] == '+' ? '-' : to[i] == '/' ? '_' : to[i];
	while (n && to[n - 1] == '=')
		n--;
	return n;
}

static enum sl_jwt_why verify(const char *text, size_t len, const struct sl_jwks *set)
{
	static const struct sl_str here = SL_STR("here");
	const struct sl_jwt_rules rules = {
		.algs = SL_JWT_BITS_DEFAULT | SL_JWT_BITS_HS,
		.issuers = &here,
		.issuers_nr = len % 2,
		.audiences = &here,
		.audiences_nr = len % 3 == 0,
		.max_age_s = len % 5 ? 0 : 100,
		.leeway_s = 10,
	};
	char *copy = malloc(len ? len : 1);
	struct sl_jwt_token jwt;
	enum sl_jwt_why why;

	demand(copy != NULL);
	memcpy(copy, text, len);
	why = sl_jwt_verify((struct sl_str){ copy, len }, set, &rules, 1500, &jwt);
	demand(why < SL_JWT_WHYS && sl_jwt_why_word(why) && sl_jwt_why_text(why));
	demand(why != SL_JWT_VALID || (jwt.claims && jwt.until_s > 1500));
	demand(!jwt.claims || jwt.jws.key);
	sl_jwt_token_fini(&jwt);
	free(copy);
	return why;
}

/* The same texts, signed by the first secret of the set if it has one: then claims are judged. */
static void verify_signed(struct sl_str header, struct sl_str claims, const struct sl_jwks *set)
{
	char *text = malloc((header.len + claims.len) * 2 + 256);
	unsigned char mac[EVP_MAX_MD_SIZE] = { 0 };
	unsigned mac_len = 32;
	size_t len;

	demand(text != NULL);
	len = encode(text, header.ptr, header.len);
	text[len++] = '.';
	len += encode(text + len, claims.ptr, claims.len);
	if (set->keys[0].secret)
		HMAC(EVP_sha256(), set->keys[0].secret, (int)set->keys[0].secret_len,
		     (unsigned char *)text, len, mac, &mac_len);
	text[len++] = '.';
	len += encode(text + len, mac, mac_len);
	demand(set->keys[0].secret || verify(text, len, set) != SL_JWT_VALID);
	if (set->keys[0].secret)
		verify(text, len, set);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sl_str rest = { (const char *)data, size }, keys = cut(&rest), token = rest, header;
	struct sl_jwks_report report;
	struct sl_jwks *set = NULL;
	int ret = sl_jwks_read(keys, &set, &report);

	demand(ret < 0 ? !set && report.why[0] : set && set->keys_nr > 0);
	if (ret < 0)
		return 0;
	verify(token.ptr, token.len, set);
	header = cut(&rest);
	verify_signed(header, rest, set);
	sl_jwks_free(set);
	return 0;
}
