// SPDX-License-Identifier: Apache-2.0
// Keys of tickets: how long one seals and opens, and whose they are.
#include "tls/tickets.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
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
	struct sl_ticket_key keys[2] = {
		{ "the first key...", SL_TICKET_KEY_BYTES },
		{ "the second key..", SL_TICKET_KEY_OLD_BYTES },
	};
	unsigned char name[16];
	struct sl_tickets *t = sl_tickets_of(keys, 2);

	is_int(crypt_at(t, name, true, 1), 1, "with given keys");
	ok(memcmp(name, "the first key...", 16) == 0, "the first seals");
	is_int(crypt_at(t, keys[1].bytes, false, 1), 2, "the second opens");
	is_int(crypt_at(t, name, false, 1000 * life), 1, "for ever");
	ok(sl_tickets_get(t) == t, "a second reference");
	sl_tickets_put(t);
	is_int(crypt_at(t, name, false, 1), 1, "outlives the first");
	sl_tickets_put(t);
	sl_tickets_put(NULL);
}

/* What is sealed with a key as nginx lays out its bytes. */
static void test_layout(void)
{
	static const struct {
		const char *what;
		unsigned len, mac, mac_len, cipher;
	} layouts[] = {
		{ "80 bytes", SL_TICKET_KEY_BYTES, 16, 32, 48 },
		{ "48 bytes", SL_TICKET_KEY_OLD_BYTES, 32, 16, 16 },
	};

	for (unsigned i = 0; i < 2; i++) {
		struct sl_ticket_key key = { .len = layouts[i].len };
		unsigned char name[16], iv[16], ours[32], theirs[32];
		EVP_CIPHER_CTX *mine = EVP_CIPHER_CTX_new(), *other = EVP_CIPHER_CTX_new();
		EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
		struct sl_tickets *t;
		size_t mac_len = 0;
		int n = 0;

		for (unsigned k = 0; k < key.len; k++)
			key.bytes[k] = (unsigned char)(k * 7 + 1);
		t = sl_tickets_of(&key, 1);
		is_int(sl_tickets_crypt(t, name, iv, mine, mac, true, 1), 1, "%s: a ticket",
		       layouts[i].what);
		EVP_CipherInit_ex(other, i ? EVP_aes_128_cbc() : EVP_aes_256_cbc(), NULL,
				  key.bytes + layouts[i].cipher, iv, 1);
		EVP_CipherUpdate(mine, ours, &n, (const unsigned char *)"sixteen bytes...", 16);
		EVP_CipherUpdate(other, theirs, &n, (const unsigned char *)"sixteen bytes...", 16);
		ok(memcmp(ours, theirs, 16) == 0, "%s: the cipher's key is where nginx has it",
		   layouts[i].what);
		EVP_MAC_init(mac, NULL, 0, NULL);
		EVP_MAC_update(mac, ours, 16);
		EVP_MAC_final(mac, ours, &mac_len, sizeof(ours));
		HMAC(EVP_sha256(), key.bytes + layouts[i].mac, (int)layouts[i].mac_len, theirs, 16,
		     theirs, NULL);
		ok(mac_len == 32 && memcmp(ours, theirs, 32) == 0, "%s: so is that of the MAC",
		   layouts[i].what);
		EVP_MAC_CTX_free(mac);
		EVP_MAC_free(hmac);
		EVP_CIPHER_CTX_free(mine);
		EVP_CIPHER_CTX_free(other);
		sl_tickets_put(t);
	}
}

int main(void)
{
	test_own();
	test_quiet();
	test_given();
	test_layout();
	return done_testing();
}
