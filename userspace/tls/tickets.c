// SPDX-License-Identifier: Apache-2.0
// The keys that session tickets are sealed with.
#include "tls/tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tls/conf.h"

enum { NAME_BYTES = 16, SECRET_BYTES = 32, OLD_SECRET_BYTES = 16, IV_BYTES = 16 };

struct key {
	unsigned char name[NAME_BYTES];
	unsigned char mac[SECRET_BYTES];
	unsigned char cipher[SECRET_BYTES];
	bool is_old; /* both secrets are half as long, and the cipher is AES-128 */
};

struct sl_tickets {
	_Atomic unsigned users;
	/* Held for as long as it takes to copy a key, once a handshake, which takes a thousand
	 * times as long. */
	pthread_mutex_t lock;
	struct key keys[SL_TLS_TICKET_KEYS_MAX]; /* the first seals */
	unsigned nr;
	uint64_t change_ns; /* when the next one of our own is due; SL_NEVER: they are given */
};

static struct sl_tickets *make(void)
{
	struct sl_tickets *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->users = 1;
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct sl_tickets *sl_tickets_new(void)
{
	return make();
}

static void read_key(struct key *to, const struct sl_ticket_key *from)
{
	const unsigned char *at = from->bytes + NAME_BYTES;

	memcpy(to->name, from->bytes, NAME_BYTES);
	to->is_old = from->len == SL_TICKET_KEY_OLD_BYTES;
	if (to->is_old) {
		memcpy(to->cipher, at, OLD_SECRET_BYTES);
		memcpy(to->mac, at + OLD_SECRET_BYTES, OLD_SECRET_BYTES);
	} else {
		memcpy(to->mac, at, SECRET_BYTES);
		memcpy(to->cipher, at + SECRET_BYTES, SECRET_BYTES);
	}
}

struct sl_tickets *sl_tickets_of(const struct sl_ticket_key *keys, unsigned nr)
{
	struct sl_tickets *t = make();

	if (!t)
		return NULL;
	for (unsigned i = 0; i < nr; i++)
		read_key(&t->keys[i], &keys[i]);
	t->nr = nr;
	t->change_ns = SL_NEVER;
	return t;
}

static void forget_all(struct sl_tickets *t)
{
	OPENSSL_cleanse(t->keys, sizeof(t->keys));
	t->nr = 0;
}

struct sl_tickets *sl_tickets_get(struct sl_tickets *t)
{
	atomic_fetch_add_explicit(&t->users, 1, memory_order_relaxed);
	return t;
}

void sl_tickets_put(struct sl_tickets *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->users, 1, memory_order_acq_rel) > 1)
		return;
	pthread_mutex_destroy(&t->lock);
	forget_all(t);
	free(t);
}

/* After a quiet night all of them are too old. */
static bool change(struct sl_tickets *t, uint64_t now_ns)
{
	const uint64_t life_ns = SL_TICKET_KEY_SECONDS * SL_SEC;
	struct key fresh;

	if (RAND_bytes((unsigned char *)&fresh, sizeof(fresh)) != 1)
		return false;
	fresh.is_old = false;
	if (now_ns - t->change_ns >= (SL_TICKET_KEYS_OWN - 1) * life_ns)
		forget_all(t);
	memmove(&t->keys[1], &t->keys[0], (SL_TICKET_KEYS_OWN - 1) * sizeof(fresh));
	t->keys[0] = fresh;
	if (t->nr < SL_TICKET_KEYS_OWN)
		t->nr++;
	t->change_ns = now_ns + life_ns;
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return true;
}

/* The index of the key with this name, or of the one that seals; -1: there is none. */
static int find(struct sl_tickets *t, const unsigned char *name, uint64_t now_ns,
		struct key *ret_key)
{
	int found = -1;

	pthread_mutex_lock(&t->lock);
	if (now_ns < t->change_ns || change(t, now_ns))
		for (unsigned i = 0; i < t->nr && found < 0; i++)
			if (!name || memcmp(t->keys[i].name, name, NAME_BYTES) == 0)
				found = (int)i;
	if (found >= 0)
		*ret_key = t->keys[found];
	pthread_mutex_unlock(&t->lock);
	return found;
}

static bool set_keys(const struct key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
		     EVP_MAC_CTX *mac, bool is_new)
{
	const EVP_CIPHER *kind = key->is_old ? EVP_aes_128_cbc() : EVP_aes_256_cbc();
	size_t secret = key->is_old ? OLD_SECRET_BYTES : SECRET_BYTES;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, secret),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1 &&
	       EVP_CipherInit_ex(cipher, kind, NULL, key->cipher, iv, is_new) == 1;
}

/* 1: go on; 2: go on, and seal it anew; 0: nobody knows this key; -1: it failed. */
int sl_tickets_crypt(struct sl_tickets *t, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool is_new, uint64_t now_ns)
{
	struct key key;
	int index, ret = -1;

	index = find(t, is_new ? NULL : name, now_ns, &key);
	if (index < 0)
		return is_new ? -1 : 0;
	if (is_new) {
		memcpy(name, key.name, NAME_BYTES);
		if (RAND_bytes(iv, IV_BYTES) != 1)
			index = -1;
	}
	if (index >= 0 && set_keys(&key, iv, cipher, mac, is_new))
		ret = index == 0 ? 1 : 2;
	OPENSSL_cleanse(&key, sizeof(key));
	return ret;
}
