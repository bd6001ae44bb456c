// SPDX-License-Identifier: Apache-2.0
// Keys of tickets: how long one seals and opens, and whose they are.
#include "tls/tickets.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/clock.h"
#include "tap.h"

static const uint64_t life = SL_TICKET_KEY_SECONDS * SL_SEC;

/* What sl_tickets_crypt() says, on contexts as OpenSSL hands them in. */
static int crypt_at(struct sl_tickets *t, unsigned char name[16], bool is_new, uint64_t now_ns)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	unsigned char iv[16] = { 0 };
	int ret = sl_tickets_crypt(t, name, iv, cipher, mac, is_new, now_ns);

	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	EVP_CIPHER_CTX_free(cipher);
	return ret;
}

static void test_own(void)
{
	struct sl_tickets *t = sl_tickets_new();
	unsigned char first[16], again[16], other[16] = "nobody's";
	uint64_t start = 5 * SL_SEC;

	is_int(crypt_at(t, first, true, start), 1, "a ticket is sealed");
	is_int(crypt_at(t, again, true, start + life - 1), 1, "and another");
	ok(memcmp(first, again, 16) == 0, "with the same key for an hour");
	is_int(crypt_at(t, first, false, start + life - 1), 1, "which opens it");
	is_int(crypt_at(t, other, false, start), 0, "nobody's key opens nothing");
	is_int(crypt_at(t, again, true, start + life), 1, "then another one");
	ok(memcmp(first, again, 16) != 0, "seals");
	is_int(crypt_at(t, first, false, start + life), 2, "the first still opens, to seal anew");
	is_int(crypt_at(t, again, true, start + 2 * life), 1, "an hour later");
	is_int(crypt_at(t, first, false, start + 3 * life - 1), 2, "it does, too");
	is_int(crypt_at(t, again, true, start + 3 * life), 1, "three hours after it was made");
	is_int(crypt_at(t, first, false, start + 3 * life), 0, "it does not");
	sl_tickets_put(t);
}

static void test_quiet(void)
{
	struct sl_tickets *t = sl_tickets_new();
	unsigned char first[16];

	crypt_at(t, first, true, SL_SEC);
	is_int(crypt_at(t, first, false, SL_SEC + 3 * life - 1), 2,
	       "after two quiet hours it opens");
	sl_tickets_put(t);
	t = sl_tickets_new();
	crypt_at(t, first, true, SL_SEC);
	is_int(crypt_at(t, first, false, SL_SEC + 3 * life), 0, "after three it does not");
	sl_tickets_put(t);
}

static void test_given(void)
{
	unsigned char keys[2][SL_TICKET_KEY_BYTES] = { "the first key...", "the second key.." };
	unsigned char name[16];
	struct sl_tickets *t = sl_tickets_of((const unsigned char(*)[SL_TICKET_KEY_BYTES])keys, 2);

	is_int(crypt_at(t, name, true, 1), 1, "with given keys");
	ok(memcmp(name, "the first key...", 16) == 0, "the first seals");
	is_int(crypt_at(t, keys[1], false, 1), 2, "the second opens");
	is_int(crypt_at(t, name, false, 1000 * life), 1, "for ever");
	ok(sl_tickets_get(t) == t, "a second reference");
	sl_tickets_put(t);
	is_int(crypt_at(t, name, false, 1), 1, "outlives the first");
	sl_tickets_put(t);
	sl_tickets_put(NULL);
}

int main(void)
{
	test_own();
	test_quiet();
	test_given();
	return done_testing();
}
