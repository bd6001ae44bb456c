// SPDX-License-Identifier: Apache-2.0
// Signed tokens, made worse.
#include "mangle.h"

#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jose/base64url.h"
#include "jose/jws.h"
#include "mint.h"

static void replace(char **token, size_t from, size_t len, const char *by)
{
	char *made = NULL;

	if (asprintf(&made, "%.*s%s%s", (int)from, *token, by, *token + from + len) < 0)
		abort();
	free(*token);
	*token = made;
}

static size_t signature_of(const char *token)
{
	return (size_t)(strrchr(token, '.') - token) + 1;
}

static void put_signature(char **t, const unsigned char *mem, size_t len)
{
	char *text = mint_base64url(mem, len);

	replace(t, signature_of(*t), strlen(*t) - signature_of(*t), text);
	free(text);
}

void mangle_no_signature(char **t)
{
	replace(t, signature_of(*t), strlen(*t) - signature_of(*t), "");
}

void mangle_no_third_part(char **t)
{
	replace(t, signature_of(*t) - 1, strlen(*t) - signature_of(*t) + 1, "");
}

void mangle_no_header(char **t)
{
	replace(t, 0, strcspn(*t, "."), "");
}

void mangle_fourth_part(char **t)
{
	replace(t, strlen(*t), 0, ".AAAA");
}

void mangle_five_parts(char **t)
{
	replace(t, strlen(*t), 0, ".AAAA.AAAA");
}

void mangle_padded(char **t)
{
	replace(t, strcspn(*t, "."), 0, "=");
}

void mangle_padded_signature(char **t)
{
	replace(t, strlen(*t), 0, "=");
}

void mangle_line_end(char **t)
{
	replace(t, strlen(*t), 0, "\n");
}

void mangle_space_in_front(char **t)
{
	replace(t, 0, 0, " ");
}

void mangle_space_within(char **t)
{
	replace(t, strcspn(*t, ".") + 1, 0, " ");
}

/* A letter of the other alphabet, which lenient readers take for the same. */
void mangle_plus(char **t)
{
	replace(t, strcspn(*t, ".") + 4, 1, "+");
}

void mangle_slash(char **t)
{
	replace(t, strcspn(*t, ".") + 4, 1, "/");
}

/* 256 bytes of RSA are 342 letters, the last of which has four bits that mean nothing. */
void mangle_unused_bits(char **t)
{
	(*t)[strlen(*t) - 1]++;
}

void mangle_cut_signature(char **t)
{
	unsigned char mem[1024];
	int len = sl_base64url_read(sl_str_of(*t + signature_of(*t)), mem, sizeof(mem));

	put_signature(t, mem, (size_t)len - 1);
}

void mangle_longer_signature(char **t)
{
	replace(t, signature_of(*t), 0, "AAAA");
}

void mangle_other_signature(char **t)
{
	(*t)[signature_of(*t) + 10] ^= 1;
	if (strchr("@[`{:./", (*t)[signature_of(*t) + 10]))
		(*t)[signature_of(*t) + 10] = 'Q';
}

void mangle_other_claims(char **t)
{
	char *claims = mint_base64url("{\"exp\":1999}", 12);
	size_t from = strcspn(*t, ".") + 1;

	replace(t, from, signature_of(*t) - 1 - from, claims);
	free(claims);
}

/* CVE-2022-21449: r and s of 0 satisfy the equation of whoever does not look. */
void mangle_zeros(char **t)
{
	char *from = *t + signature_of(*t);

	memset(from, 'A', strlen(from));
}

static void take_signature(const char *t, unsigned char mem[64])
{
	if (sl_base64url_read(sl_str_of(t + signature_of(t)), mem, 64) != 64)
		abort();
}

void mangle_swapped_halves(char **t)
{
	unsigned char was[64], mem[64];

	take_signature(*t, was);
	memcpy(mem, was + 32, 32);
	memcpy(mem + 32, was, 32);
	put_signature(t, mem, sizeof(mem));
}

/* r and s, each with a zero in front: the same numbers. */
void mangle_longer_halves(char **t)
{
	unsigned char was[64], mem[66] = { 0 };

	take_signature(*t, was);
	memcpy(mem + 1, was, 32);
	memcpy(mem + 34, was + 32, 32);
	put_signature(t, mem, sizeof(mem));
}

/* The same numbers as certificates have them. */
void mangle_der(char **t)
{
	unsigned char was[64], mem[80], *end = mem;
	ECDSA_SIG *sig = ECDSA_SIG_new();

	take_signature(*t, was);
	ECDSA_SIG_set0(sig, BN_bin2bn(was, 32, NULL), BN_bin2bn(was + 32, 32, NULL));
	i2d_ECDSA_SIG(sig, &end);
	ECDSA_SIG_free(sig);
	put_signature(t, mem, (size_t)(end - mem));
}

void mangle_too_long(char **t)
{
	char *more = malloc(SL_JWT_BYTES_MAX + 1);

	if (!more)
		abort();
	memset(more, 'A', SL_JWT_BYTES_MAX);
	more[SL_JWT_BYTES_MAX] = '\0';
	replace(t, strlen(*t), 0, more);
	free(more);
}

void mangle_nothing_at_all(char **t)
{
	**t = '\0';
}

void mangle_only_dots(char **t)
{
	replace(t, 0, strlen(*t), "..");
}
