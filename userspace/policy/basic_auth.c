// SPDX-License-Identifier: Apache-2.0
// Policy basic_auth.
#include "policy/basic_auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "policy/credential.h"
#include "policy/digest.h"
#include "policy/passwords.h"
#include "policy/roster.h"
#include "policy/verdicts.h"

/* Nobody is told whether it was the name or the password. */
#define DETAIL "A valid name and password are needed here."
#define CHALLENGE SL_STR("WWW-Authenticate: Basic realm=\"sluice\", charset=\"UTF-8\"\r\n")

static const struct sl_refusal none = {
	.status = 401,
	.error = "password_missing",
	.detail = DETAIL,
	.fields = CHALLENGE,
};
static const struct sl_refusal malformed = {
	.status = 401,
	.error = "password_malformed",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal wrong = {
	.status = 401,
	.error = "password_wrong",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal disabled = {
	.status = 401,
	.error = "password_disabled",
	.detail = DETAIL,
	.offence = "credentials",
	.fields = CHALLENGE,
};
static const struct sl_refusal busy = {
	.status = 503,
	.error = "passwords_busy",
	.detail = "Too many passwords are being checked: come back in a moment.",
	.fields = SL_STR("Retry-After: 1\r\n"),
};

enum { ENCODED_MAX = 680, DECODED_MAX = ENCODED_MAX / 4 * 3 };

struct login {
	char text[DECODED_MAX + 4];
	struct sl_str name, password;
};

/* base64 of "name:password"; a name has no colon (RFC 7617 2). */
static bool decode(struct sl_str credentials, struct login *l)
{
	size_t padding = 0;
	const char *colon;
	int n;

	if (credentials.len == 0 || credentials.len % 4 || credentials.len > ENCODED_MAX)
		return false;
	while (padding < 2 && credentials.ptr[credentials.len - 1 - padding] == '=')
		padding++;
	n = EVP_DecodeBlock((unsigned char *)l->text, (const unsigned char *)credentials.ptr,
			    (int)credentials.len);
	if (n < (int)padding)
		return false;
	n -= (int)padding;
	colon = memchr(l->text, ':', (size_t)n);
	if (!colon || memchr(l->text, '\0', (size_t)n))
		return false;
	l->name = (struct sl_str){ l->text, (size_t)(colon - l->text) };
	l->password = (struct sl_str){ colon + 1, (size_t)n - l->name.len - 1 };
	return l->password.len <= SL_PASSWORD_MAX;
}

/* Of the hash too: a password that was changed is another. */
static bool digest_of(struct sl_policy_call *call, struct sl_str hash, struct sl_str password,
		      uint8_t ret[SL_DIGEST_BYTES])
{
	char text[sizeof(call->verdicts->secret) + SL_PASSWORD_HASH_MAX + 1 + SL_PASSWORD_MAX];
	struct sl_out o;
	bool is_made;

	sl_out_init(&o, text, sizeof(text));
	sl_out_mem(&o, call->verdicts->secret, sizeof(call->verdicts->secret));
	sl_out_str(&o, hash);
	sl_out_char(&o, '\0');
	sl_out_str(&o, password);
	is_made = !o.overflow && sl_digest_sha256(call->digest, sl_out_done(&o), ret);
	OPENSSL_cleanse(text, sizeof(text));
	return is_made;
}

/* 1, 0 or a negative errno, as sl_passwords_check() has it. */
static int check(const struct sl_basic_auth *conf, struct sl_policy_call *call, struct sl_str hash,
		 struct sl_str password)
{
	uint8_t digest[SL_DIGEST_BYTES];
	int verdict;

	if (!digest_of(call, hash, password, digest))
		return -ENOMEM;
	verdict = conf->cache_ns ? sl_verdicts_find(call->verdicts, digest, call->now_ns) : -ENOENT;
	if (verdict >= 0)
		return verdict;
	verdict = sl_passwords_check(call->passwords, call->loop, call->client, hash, password);
	if (verdict >= 0 && conf->cache_ns)
		sl_verdicts_put(call->verdicts, digest, call->loop->now_ns + conf->cache_ns,
				verdict);
	return verdict;
}

/* A name that nobody has takes as long as one that somebody has. */
static struct sl_str hash_of(const struct sl_policy_call *call, const struct sl_login *login)
{
	return login ? login->hash : call->roster->login[0]->hash;
}

static const struct sl_refusal *know(const struct sl_basic_auth *conf, struct sl_policy_call *call,
				     const struct login *l)
{
	const struct sl_consumer *consumer;
	const struct sl_login *login;
	int verdict;

	if (call->roster->logins_nr == 0)
		return &wrong;
	sl_roster_find_login(call->roster, l->name, &login, &consumer);
	verdict = check(conf, call, hash_of(call, login), l->password);
	if (verdict == -ENOMEM)
		return &sl_refusal_no_memory;
	if (verdict < 0)
		return &busy;
	if (!verdict || !login)
		return &wrong;
	if (!consumer->enabled)
		return &disabled;
	call->consumer = consumer;
	call->key = NULL;
	return NULL;
}

static const struct sl_refusal *run(const void *policy, struct sl_policy_call *call)
{
	const struct sl_basic_auth *conf = policy;
	const struct sl_refusal *refusal;
	struct sl_str credentials;
	struct login l;
	int ret = sl_credential_take_basic(call, &credentials);

	if (ret == 0)
		return conf->optional ? NULL : &none;
	if (ret < 0 || !decode(credentials, &l))
		return &malformed;
	refusal = know(conf, call, &l);
	OPENSSL_cleanse(l.text, sizeof(l.text));
	return refusal;
}

const struct sl_policy_kind sl_policy_basic_auth = {
	.name = "basic_auth",
	.identifies = true,
	.run = run,
};
