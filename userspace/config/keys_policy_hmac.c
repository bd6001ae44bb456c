// SPDX-License-Identifier: Apache-2.0
// The keys of policy hmac, and the secrets that consumers sign with.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "config/table.h"
#include "policy/dictionary.h"
#include "policy/digest.h"
#include "policy/hmac.h"
#include "policy/signed.h"

enum { SECRET_MIN = 16, SECRET_MAX = 1024 };

/* ---- the consumer's ---- */

static const char *check_hmac_secret(struct sl_str text)
{
	return text.len >= SECRET_MIN && text.len <= SECRET_MAX ? NULL
								: "must have 16 to 1024 bytes";
}

static const char *check_hmac_base64(struct sl_str text)
{
	uint8_t bytes[SECRET_MAX];

	return sl_base64_read(text, bytes, sizeof(bytes)) >= SECRET_MIN
		       ? NULL
		       : "must be 16 to 1024 bytes in base64, with their padding";
}

static const struct sl_key hmac_key_keys[] = {
	{ "id", &sl_kind_string, SL_KEY_AT(sl_hmac_key, key.id), .required = true,
	  .check = sl_check_name, .pattern = SL_NAME_PATTERN,
	  .doc = "What signatures name it by, as 'keyid'; no other key has the same. Upstreams get "
		 "it as X-Credential-Identifier." },
	{ "secret", &sl_kind_string, SL_KEY_AT(sl_hmac_key, secret), .check = check_hmac_secret,
	  .is_secret = true,
	  .doc = "16 to 1024 bytes, best from a file: \"${file:/PATH}\". 32 random ones are as "
		 "good as any." },
	{ "secret_base64", &sl_kind_string, SL_KEY_AT(sl_hmac_key, secret_base64),
	  .check = check_hmac_base64, .is_secret = true, .doc = "The same in base64: any bytes." },
	{ "expires", &sl_kind_time, SL_KEY_AT(sl_hmac_key, key.expires_s),
	  .doc = "From when on the key is refused, as for 'api_keys'. Default: never." },
	{ "enabled", &sl_kind_bool, SL_KEY_AT(sl_hmac_key, key.enabled), .def = "true",
	  .doc = "false: the key is refused." },
	END,
};

/* The digest stands for the key where one has a limit of its own, and where it is asked whether it
 * is still the same: with another id or another secret it is not. */
static void check_hmac_key(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_hmac_key *self = to;
	uint8_t bytes[SECRET_MAX];
	struct sl_str secret = self->secret;
	int len;

	if (!self->key.id.ptr || (!secret.ptr && !self->secret_base64.ptr))
		return; /* it is at fault already */
	if (!secret.ptr) {
		len = sl_base64_read(self->secret_base64, bytes, sizeof(bytes));
		secret = (struct sl_str){ (const char *)bytes, len < 0 ? 0 : (size_t)len };
	}
	if (!HMAC(EVP_sha256(), secret.ptr, (int)secret.len,
		  (const unsigned char *)self->key.id.ptr, self->key.id.len, self->key.sha256,
		  NULL))
		r->out_of_memory = true;
	sl_mac_key_make(&self->mac, secret);
}

const struct sl_key sl_hmac_key_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = hmac_key_keys,
					     .one_of = WORDS("secret", "secret_base64"),
					     .finish = check_hmac_key },
};

/* ---- the policy's ---- */

static const struct sl_key component_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_signed_check_component,
};

static const char *check_tag(struct sl_str text)
{
	bool is_good = text.len >= 1 && text.len <= 64;

	for (size_t i = 0; is_good && i < text.len; i++)
		is_good = text.ptr[i] >= ' ' && text.ptr[i] <= '~' && text.ptr[i] != '"' &&
			  text.ptr[i] != '\\';
	return is_good ? NULL : "must be 1 to 64 printable ASCII characters, without '\"' and '\\'";
}

const struct sl_key sl_hmac_keys_table[] = {
	{ "components", &sl_kind_array, ITEMS(sl_hmac, components, components_nr),
	  .item = &component_item, .min = 1, .max = SL_SIGNED_COMPONENTS_MAX,
	  .def = "[\"@method\", \"@authority\", \"@path\", \"@query\", \"content-digest\"]",
	  .doc = "What a signature has to cover, at the least: names of header fields in lower "
		 "case, "
		 "and '@method', '@authority', '@scheme', '@path', '@query', '@target-uri' (which "
		 "covers the four before it, too) and '@request-target' (path and query). '@query' "
		 "where there is one, 'content-digest' where there is a body." },
	{ "max_age", &sl_kind_duration, SL_KEY_AT(sl_hmac, max_age_ns), .def = "\"5m\"",
	  .min = SL_SEC, .max = 3600 * SL_SEC,
	  .doc = "For how long from 'created' on a signature is good, or as 'expires' says; in "
		 "whole seconds." },
	{ "leeway", &sl_kind_duration, SL_KEY_AT(sl_hmac, leeway_ns), .def = "\"30s\"",
	  .max = 600 * SL_SEC, .doc = "By how much clocks may differ; in whole seconds." },
	{ "require_nonce", &sl_kind_bool, SL_KEY_AT(sl_hmac, require_nonce), .def = "false",
	  .doc = "A signature has to have a 'nonce'. Without, two requests that are the same in "
		 "the "
		 "same second have one signature, and the second one is refused." },
	{ "allow_replays", &sl_kind_bool, SL_KEY_AT(sl_hmac, allow_replays), .def = "false",
	  .doc = "A signature is good as often as it is shown; else once, on whichever worker." },
	{ "tag", &sl_kind_string, SL_KEY_AT(sl_hmac, tag), .check = check_tag,
	  .doc = "Only a signature with this 'tag' is looked at. Default: a request has one "
		 "signature, and that is it." },
	{ "optional", &sl_kind_bool, SL_KEY_AT(sl_hmac, optional), .def = "false",
	  .doc = "A request without a signature goes on, as nobody's; a wrong one is refused." },
	{ "hide_credentials", &sl_kind_bool, SL_KEY_AT(sl_hmac, hide_credentials), .def = "true",
	  .doc = "Signature and Signature-Input are taken out of the request." },
	END,
};
