// SPDX-License-Identifier: Apache-2.0
// The keys of policies jwt and oidc, and the key sets that they name.
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/denied.h"
#include "config/source.h"
#include "config/table.h"
#include "fetch/document.h"
#include "fetch/keysets.h"
#include "policy/jwt.h"
#include "tls/files.h"

/* ---- values ---- */

static const char *check_claim(struct sl_str text)
{
	return text.len && text.len <= 256 ? NULL : "is not 1 to 256 bytes long";
}

const char *sl_check_scope(struct sl_str text)
{
	if (text.len == 0 || text.len > 256)
		return "is not 1 to 256 bytes long";
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '!' || text.ptr[i] > '~' || text.ptr[i] == '"' ||
		    text.ptr[i] == '\\')
			return "is no scope: it has a character that RFC 6749 3.3 does not allow";
	return NULL;
}

/* Most often there is only one. */
static void read_list(struct sl_reader *r, const struct sl_key *key, json_t *value, void *to)
{
	json_t *list;

	if (!json_is_string(value) && !json_is_array(value)) {
		sl_reader_type_fault(r, "a string or an array", value);
		return;
	}
	list = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
	if (list)
		sl_kind_array.read(r, key, list, to);
	else
		r->out_of_memory = true;
	json_decref(list);
}

static json_t *describe_list(const struct sl_key *key)
{
	return json_pack("{s:[o, o]}", "anyOf", sl_key_describe(key->item),
			 sl_kind_array.describe(key));
}

const struct sl_kind sl_kind_list = { read_list, describe_list, "string or array" };

static const struct sl_key claim_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = check_claim,
};

#define ALGORITHMS                                                                                 \
	WORDS("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",     \
	      "EdDSA", "HS256", "HS384", "HS512")

/* What both policies have. */
/* clang-format off */
#define TOKEN_KEYS \
	{ "audience", &sl_kind_list, ITEMS(sl_jwt, audiences, audiences_nr), \
	  .item = &claim_item, .min = 1, .max = 16, \
	  .doc = "One of these is in 'aud'. Default: anything, also nothing; a token that " \
		 "was " \
		 "meant for another service of the same issuer is then as good." }, \
	{ "algorithms", &sl_kind_words, SL_KEY_AT(sl_jwt, algs), .words = ALGORITHMS, \
	  .def = "[\"RS256\", \"RS384\", \"RS512\", \"PS256\", \"PS384\", \"PS512\", " \
		 "\"ES256\", \"ES384\", \"ES512\", \"EdDSA\"]", \
	  .doc = "By which tokens may be signed. A key is good for those of its type only, " \
		 "or for " \
		 "its 'alg' alone. HS256, HS384 and HS512, by a secret that can also sign, " \
		 "have to " \
		 "be named." }, \
	{ "type", &sl_kind_string, SL_KEY_AT(sl_jwt, type), .check = check_claim, \
	  .doc = "What 'typ' in the header has to be, such as \"at+jwt\" (RFC 9068). " \
		 "Default: " \
		 "anything, also nothing." }, \
	{ "required_claims", &sl_kind_array, ITEMS(sl_jwt, required, required_nr), \
	  .item = &claim_item, .max = 16, .def = "[\"exp\"]", \
	  .doc = "Claims that have to be there, whatever they say." }, \
	{ "leeway", &sl_kind_duration, SL_KEY_AT(sl_jwt, leeway_ns), .max = 600 * SL_SEC, \
	  .def = "\"30s\"", \
	  .doc = "By how much clocks may differ: of exp, nbf and iat. In whole " \
		 "seconds." }, \
	{ "max_age", &sl_kind_duration, SL_KEY_AT(sl_jwt, max_age_ns), \
	  .max = 366ull * 86400 * SL_SEC, .def = "0", \
	  .doc = "For how long from 'iat' on, which has to be there then; in whole " \
		 "seconds. 0: as exp says." }, \
	{ "header", &sl_kind_string, SL_KEY_AT(sl_jwt, header), \
	  .check = sl_check_field_name, \
	  .doc = "A field that holds the token; in \"authorization\" it stands behind " \
		 "Bearer, in " \
		 "others it may. Default, if there is neither 'query' nor 'cookie': " \
		 "authorization." }, \
	{ "query", &sl_kind_string, SL_KEY_AT(sl_jwt, query), .check = sl_check_parameter, \
	  .doc = "A parameter of the query that holds the token. It is taken out of the " \
		 "request, " \
		 "and logs hide it." }, \
	{ "cookie", &sl_kind_string, SL_KEY_AT(sl_jwt, cookie), \
	  .check = sl_check_cookie_name, \
	  .doc = "A cookie that holds the token. It is taken out of the request." }, \
	{ "hide_credentials", &sl_kind_bool, SL_KEY_AT(sl_jwt, hide_credentials), \
	  .def = "false", \
	  .doc = "The field is taken out of the request too: upstreams do not get the " \
		 "token." }, \
	{ "optional", &sl_kind_bool, SL_KEY_AT(sl_jwt, optional), .def = "false", \
	  .doc = "A request without a token goes on, as nobody's; a wrong token is " \
		 "refused." }, \
	{ "consumer_claim", &sl_kind_string, SL_KEY_AT(sl_jwt, consumer_claim), \
	  .check = check_claim, \
	  .doc = "The claim whose value is a consumer's name, such as \"sub\". Default: " \
		 "who shows " \
		 "a " \
		 "good token goes on, and is no consumer." }, \
	{ "consumer_optional", &sl_kind_bool, SL_KEY_AT(sl_jwt, consumer_optional), \
	  .def = "false", \
	  .doc = "A good token goes on also when it names no consumer; else it is " \
		 "refused." }, \
	{ "certificate_bound", &sl_kind_bool, SL_KEY_AT(sl_jwt, certificate_bound), \
	  .def = "false", \
	  .doc = "Tokens have to be bound to the certificate that the client has shown in " \
		 "its TLS " \
		 "handshake (RFC 8705: 'cnf' has its x5t#S256). One that is bound is good " \
		 "with " \
		 "that certificate alone, whatever this says." }, \
	{ "groups_claim", &sl_kind_string, SL_KEY_AT(sl_jwt, groups_claim), \
	  .check = check_claim, \
	  .doc = "The claim that has groups for 'require', beside the consumer's own: an " \
		 "array of " \
		 "strings, or a string with spaces between." }
/* clang-format on */

const struct sl_key sl_jwt_keys[] = {
	{ "jwks_url", &sl_kind_string, SL_KEY_AT(sl_jwt, jwks_url), .check = sl_fetch_check_url,
	  .doc = "Instead of a file: where the set is got, https:// or http:// of this machine. "
		 "It is got again as its Cache-Control says, and early for a key that it does not "
		 "have; while nobody answers, the last one is good. Until the first has come, "
		 "tokens are answered 503." },
	{ "ca", &sl_kind_string, SL_KEY_AT(sl_jwt, ca), .check = sl_check_path,
	  .doc = "File in PEM: the authorities that the server of 'jwks_url' is believed by. "
		 "Default: the system's." },
	{ "jwks_file", &sl_kind_string, SL_KEY_AT(sl_jwt, jwks_file),
	  .doc = "The absolute path of a JSON Web Key set (RFC 7517), or of one key: whose "
		 "signatures are believed. At most 1 MiB and 256 keys. Read with the "
		 "configuration, "
		 "and again when it changes." },
	{ "issuer", &sl_kind_list, ITEMS(sl_jwt, issuers, issuers_nr), .item = &claim_item,
	  .min = 1, .max = 16,
	  .doc = "What 'iss' has to be, exactly: a string, or several of which one. Default: "
		 "anything, also nothing." },
	TOKEN_KEYS,
	END,
};

const struct sl_key sl_oidc_keys[] = {
	{ "issuer", &sl_kind_string, SL_KEY_AT(sl_jwt, oidc_issuer), .required = true,
	  .check = sl_fetch_check_url,
	  .doc = "Who signs: what 'iss' has to be, exactly, and where "
		 "/.well-known/openid-configuration says which keys he has (OpenID Connect "
		 "Discovery 1.0)." },
	{ "ca", &sl_kind_string, SL_KEY_AT(sl_jwt, ca), .check = sl_check_path,
	  .doc = "File in PEM: the authorities that his servers are believed by. Default: the "
		 "system's." },
	TOKEN_KEYS,
	END,
};

/* ---- the key set ---- */

static const struct sl_jwks_file *find_file(const struct sl_rules *rules, const char *path)
{
	const struct sl_jwks_file *f = rules->jwks;

	while (f && !(f->path && strcmp(f->path, path) == 0))
		f = f->next;
	return f;
}

static const char *reason(struct sl_denied *denied, int error)
{
	switch (error) {
	case -EFBIG:
		return "is longer than 1 MiB";
	case -ENOTSUP:
		return "is not a plain file";
	case -EISDIR:
		return "is a directory";
	default:
		return sl_denied(denied, -error);
	}
}

static void tell(struct sl_reader *r, const char *path, int error, const char *why)
{
	struct sl_denied denied;

	if (error == -ENOMEM)
		r->out_of_memory = true;
	else
		sl_reader_fault_member(r, "jwks_file", "%.256s: %s", path,
				       why ? why : reason(&denied, error));
}

static const struct sl_jwks_file *read_file(struct sl_reader *r, const char *path)
{
	struct sl_jwks_file *f = sl_reader_alloc(r, 1, sizeof(*f));
	struct sl_jwks_report report;
	struct sl_source_id id;
	char *text;
	size_t len;
	int ret;

	if (!f)
		return NULL;
	f->print = sl_tls_file_print(0, path); /* before: a change in between is seen later */
	ret = sl_source_read_plain(path, SL_JWKS_BYTES_MAX, &text, &len, &id);
	if (ret < 0) {
		tell(r, path, ret, NULL);
		return NULL;
	}
	ret = sl_jwks_read((struct sl_str){ text, len }, &f->set, &report);
	free(text);
	if (ret < 0) {
		tell(r, path, ret, ret == -EBADMSG ? report.why : NULL);
		return NULL;
	}
	f->path = path;
	f->next = r->rules->jwks;
	r->rules->jwks = f;
	return f;
}

void sl_config_free_jwks(struct sl_rules *rules)
{
	for (struct sl_jwks_file *f = rules->jwks; f; f = f->next) {
		sl_jwks_free(f->set);
		sl_keyset_put(f->source);
	}
	rules->jwks = NULL;
	sl_keysets_unref(rules->keysets);
	rules->keysets = NULL;
}

/* Those of the running configuration, with what has come so far. */
static struct sl_keysets *need_keysets(struct sl_reader *r)
{
	struct sl_rules *rules = r->rules;

	if (!rules->keysets && r->running && r->running->keysets)
		rules->keysets = sl_keysets_ref(r->running->keysets);
	if (!rules->keysets && sl_keysets_new(&rules->keysets, r->changed_fd) < 0)
		r->out_of_memory = true;
	return rules->keysets;
}

/* The thread has found it good. */
static void read_text(struct sl_jwks_file *f)
{
	struct sl_jwks_report report;
	size_t len = 0;
	char *text = sl_keyset_text(f->source, &len);

	if (text)
		sl_jwks_read((struct sl_str){ text, len }, &f->set, &report);
	free(text);
}

static void use_source(struct sl_reader *r, struct sl_jwt *self)
{
	const struct sl_keyset_conf conf = { self->jwks_url, self->oidc_issuer, self->ca };
	struct sl_jwks_file *f;

	if (r->is_trial || !need_keysets(r))
		return;
	f = sl_reader_alloc(r, 1, sizeof(*f));
	if (!f)
		return;
	f->source = sl_keysets_get(r->rules->keysets, &conf);
	if (!f->source) {
		r->out_of_memory = true;
		return;
	}
	f->next = r->rules->jwks;
	r->rules->jwks = f;
	read_text(f);
	self->keys = f->set;
	self->source = f->source;
}

static bool has_key_for(const struct sl_jwks *set, unsigned algs)
{
	for (unsigned i = 0; i < set->keys_nr; i++)
		if (set->keys[i].algs & algs)
			return true;
	return false;
}

static void read_keys(struct sl_reader *r, struct sl_jwt *self)
{
	const struct sl_jwks_file *f;

	if (self->jwks_file[0] != '/') {
		sl_reader_fault_member(r, "jwks_file", "needs an absolute path");
		return;
	}
	f = find_file(r->rules, self->jwks_file);
	if (!f)
		f = read_file(r, self->jwks_file);
	if (!f)
		return;
	self->keys = f->set;
	if (!has_key_for(f->set, self->algs))
		sl_reader_fault_member(r, "algorithms",
				       "no key of %.256s is good for any of these: no token would "
				       "pass",
				       self->jwks_file);
}

static void check_token(struct sl_reader *r, json_t *value, struct sl_jwt *self)
{
	const json_t *algorithms = json_object_get(value, "algorithms");

	if (!json_object_get(value, "header") && !json_object_get(value, "query") &&
	    !json_object_get(value, "cookie"))
		self->header = SL_S("authorization");
	if (json_is_array(algorithms) && json_array_size(algorithms) == 0)
		sl_reader_fault_member(r, "algorithms", "needs one at least");
	if (self->consumer_optional && !self->consumer_claim.len)
		sl_reader_fault_member(r, "consumer_optional", "needs 'consumer_claim' beside it");
	self->claims = &r->rules->claims;
	self->rules = (struct sl_jwt_rules){
		.algs = self->algs,
		.type = self->type,
		.issuers = self->issuers,
		.audiences = self->audiences,
		.required = self->required,
		.issuers_nr = self->issuers_nr,
		.audiences_nr = self->audiences_nr,
		.required_nr = self->required_nr,
		.leeway_s = (uint32_t)(self->leeway_ns / SL_SEC),
		.max_age_s = (uint32_t)(self->max_age_ns / SL_SEC),
	};
	if (getrandom(&self->id, sizeof(self->id), 0) != sizeof(self->id))
		r->out_of_memory = true;
}

void sl_check_jwt(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_jwt *self = to;
	bool has_file = json_object_get(value, "jwks_file"),
	     has_url = json_object_get(value, "jwks_url");

	if (has_file == has_url)
		sl_report_fault(&r->report, has_file ? "has 'jwks_file' and 'jwks_url'"
						     : "needs 'jwks_file' or 'jwks_url'");
	if (self->ca && has_file)
		sl_reader_fault_member(r, "ca", "does nothing without 'jwks_url'");
	if (self->jwks_file && self->algs)
		read_keys(r, self);
	if (self->jwks_url)
		use_source(r, self);
	check_token(r, value, self);
}

void sl_check_oidc(struct sl_reader *r, json_t *value, void *to)
{
	struct sl_jwt *self = &((struct sl_oidc *)to)->jwt;
	struct sl_str *issuer = sl_reader_alloc(r, 1, sizeof(*issuer));

	if (issuer && self->oidc_issuer) {
		*issuer = sl_str_of(self->oidc_issuer);
		self->issuers = issuer;
		self->issuers_nr = 1;
		use_source(r, self);
	}
	check_token(r, value, self);
}
