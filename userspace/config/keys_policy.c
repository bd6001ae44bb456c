// SPDX-License-Identifier: Apache-2.0
// The keys of consumers and of policies.
#include "base/clock.h"
#include "config/table.h"
#include "policy/anonymous.h"
#include "policy/any_of.h"
#include "policy/basic_auth.h"
#include "policy/body_limit.h"
#include "policy/concurrency_limit.h"
#include "policy/cors.h"
#include "policy/headers.h"
#include "policy/hmac.h"
#include "policy/ip_access.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "policy/maintenance.h"
#include "policy/mtls.h"
#include "policy/quota.h"
#include "policy/rate_limit.h"
#include "policy/redirect_https.h"
#include "policy/request_id.h"
#include "policy/require.h"
#include "policy/seats.h"

static const struct sl_key group_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_name,
	.pattern = SL_NAME_PATTERN,
};

/* ---- consumers ---- */

static const struct sl_key api_key_keys[] = {
	{ "sha256", &sl_kind_sha256, SL_KEY_AT(sl_api_key, sha256), .required = true,
	  .doc = "SHA-256 of the key in 64 hexadecimal digits: \"printf %s KEY | sha256sum\". The "
		 "key itself stands nowhere." },
	{ "id", &sl_kind_string, SL_KEY_AT(sl_api_key, id), .check = sl_check_name,
	  .pattern = SL_NAME_PATTERN,
	  .doc = "What the key is called: upstreams get it as X-Credential-Identifier." },
	{ "expires", &sl_kind_time, SL_KEY_AT(sl_api_key, expires_s),
	  .doc = "From when on the key is refused: \"2027-01-31\" or \"2027-01-31T12:00:00Z\" "
		 "(RFC 3339, UTC). Default: never." },
	{ "enabled", &sl_kind_bool, SL_KEY_AT(sl_api_key, enabled), .def = "true",
	  .doc = "false: the key is refused." },
	END,
};

static const struct sl_key api_key_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = api_key_keys },
};

static const struct sl_key login_keys[] = {
	{ "username", &sl_kind_string, SL_KEY_AT(sl_login, username), .check = sl_check_username,
	  .doc = "Without ':', which ends it in a request. Default: the consumer's name." },
	{ "password_hash", &sl_kind_string, SL_KEY_AT(sl_login, hash), .required = true,
	  .check = sl_check_password_hash, .is_secret = true,
	  .doc = "As crypt(5) has it: bcrypt, yescrypt, scrypt, SHA-512 or SHA-256. \"htpasswd -nB "
		 "NAME\" and \"mkpasswd\" make one." },
	END,
};

static const struct sl_key login_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = login_keys, .shorthand = "password_hash" },
};

static const struct sl_key consumer_keys[] = {
	{ "groups", &sl_kind_array, ITEMS(sl_consumer, groups, groups_nr), .item = &group_item,
	  .max = 64, .doc = "What policies ask for; upstreams get them as X-Consumer-Groups." },
	{ "tags", &sl_kind_array, ITEMS(sl_consumer, tags, tags_nr), .item = &group_item, .max = 64,
	  .doc = "Words of your own, which mean nothing to the gateway." },
	{ "enabled", &sl_kind_bool, SL_KEY_AT(sl_consumer, enabled), .def = "true",
	  .doc = "false: none of its credentials is good." },
	{ "api_keys", &sl_kind_array, ITEMS(sl_consumer, api_keys, api_keys_nr),
	  .item = &api_key_item, .max = 1024, .doc = "Keys by which key_auth knows it." },
	{ "basic_auth", &sl_kind_array, ITEMS(sl_consumer, logins, logins_nr), .item = &login_item,
	  .max = 16, .doc = "Names and passwords by which basic_auth knows it." },
	{ "certificates", &sl_kind_array, ITEMS(sl_consumer, certificates, certificates_nr),
	  .item = &sl_certificate_item, .max = 64,
	  .doc = "Certificates of clients by which mtls knows it; each is named by one thing." },
	{ "hmac_keys", &sl_kind_array, ITEMS(sl_consumer, hmac_keys, hmac_keys_nr),
	  .item = &sl_hmac_key_item, .max = 16,
	  .doc = "Secrets with which it signs requests, for hmac." },
	LATER("jwt_subject"),
	END,
};

const struct sl_key sl_consumer_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = consumer_keys, .finish = sl_check_consumer },
};

/* ---- policies ---- */

static const struct sl_key key_auth_keys[] = {
	{ "header", &sl_kind_string, SL_KEY_AT(sl_key_auth, header), .check = sl_check_field_name,
	  .doc = "A field that holds the key; in \"authorization\" it stands behind Bearer, Key or "
		 "ApiKey. Default, if there is neither 'query' nor 'cookie': x-api-key." },
	{ "query", &sl_kind_string, SL_KEY_AT(sl_key_auth, query), .check = sl_check_parameter,
	  .doc = "A parameter of the query that holds the key. Logs hide its value." },
	{ "cookie", &sl_kind_string, SL_KEY_AT(sl_key_auth, cookie), .check = sl_check_cookie_name,
	  .doc = "A cookie that holds the key." },
	{ "optional", &sl_kind_bool, SL_KEY_AT(sl_key_auth, optional), .def = "false",
	  .doc = "A request without a key goes on, as nobody's; a wrong key is refused." },
	END,
};

static const struct sl_key basic_auth_keys[] = {
	{ "optional", &sl_kind_bool, SL_KEY_AT(sl_basic_auth, optional), .def = "false",
	  .doc = "A request without a password goes on, as nobody's; a wrong one is refused." },
	{ "cache", &sl_kind_duration, SL_KEY_AT(sl_basic_auth, cache_ns), .def = "\"5m\"",
	  .max = SL_SEC * 3600 * 24,
	  .doc = "For so long what was found out about a password is kept, each worker for itself: "
		 "checking one takes as long as its hash is made to take. 0s: never." },
	END,
};

static const struct sl_key scope_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_scope,
	.pattern = "^[!#-\\[\\]-~]{1,256}$",
};

static const struct sl_key condition_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
};

static const struct sl_key require_keys[] = {
	{ "groups", &sl_kind_array, ITEMS(sl_require, groups, groups_nr), .item = &group_item,
	  .min = 1, .max = 64, .doc = "The consumer, or its token, is in one of these groups." },
	{ "consumers", &sl_kind_array, ITEMS(sl_require, consumers, consumers_nr),
	  .item = &group_item, .min = 1, .max = 1024, .doc = "The consumer is one of these." },
	{ "scopes", &sl_kind_array, ITEMS(sl_require, scopes, scopes_nr), .item = &scope_item,
	  .min = 1, .max = 64,
	  .doc = "The token that 'jwt' has found has all of these in its 'scope' or 'scp'; else "
		 "the answer is 403 with the error insufficient_scope (RFC 6750)." },
	{ "when", &sl_kind_list, ITEMS(sl_require, when, when_nr), .item = &condition_item,
	  .min = 1, .max = 16,
	  .doc = "Conditions, a string or several that all have to hold, such as "
		 "\"claims.sub == path.user || groups has 'admin'\": comparisons of method, path, "
		 "path.NAME, host, client, consumer, groups, scopes, claims.NAME and "
		 "header('NAME') by ==, !=, in, not in, has, starts_with, ends_with and exists(), "
		 "joined by &&, || and !. Of what is missing neither a comparison holds nor its "
		 "opposite. Up to 2048 "
		 "bytes and 64 comparisons." },
	END,
};

static const struct sl_key rate_limit_keys[] = {
	{ "per", &sl_kind_words, SL_KEY_AT(sl_rate_limit, subject.per),
	  .words = WORDS("client", "consumer", "key", "route"), .def = "\"client\"",
	  .doc = "Who has a credit of its own: a word, or several that count together. client: an "
		 "address, of IPv6 a /64; consumer, and key: as they were found out before, else "
		 "as client; route. With 'header' or 'claim' it may be []." },
	{ "header", &sl_kind_string, SL_KEY_AT(sl_rate_limit, subject.header),
	  .check = sl_check_field_name,
	  .doc = "Besides, each value of this field has a credit of its own." },
	{ "claim", &sl_kind_string, SL_KEY_AT(sl_rate_limit, subject.claim),
	  .check = sl_check_claim,
	  .doc = "Besides, each value of this claim, which 'jwt' has found before, has a credit of "
		 "its "
		 "own; who has no such claim counts by its address." },
	{ "rate", &sl_kind_count_rate, SL_KEY_AT(sl_rate_limit, rate), .required = true,
	  .max = 1000000000, .doc = "Requests, such as \"100/s\", \"600/m\" or \"1000/h\"." },
	{ "algorithm", &sl_kind_enum, SL_KEY_AT(sl_rate_limit, algorithm),
	  .words = WORDS("gcra", "sliding_window"), .def = "\"gcra\"",
	  .doc = "gcra: credit comes back evenly, up to 'burst'. sliding_window: as many as stand "
		 "in 'rate' (at most 1048575) in its second, minute or hour, where what was used "
		 "in "
		 "the one before counts by the part of it that is not over yet." },
	{ "burst", &sl_kind_int, SL_KEY_AT(sl_rate_limit, burst), .min = 1, .max = 1000000000,
	  .doc = "As many at once; not with sliding_window. Default: as many as stand in "
		 "'rate'." },
	{ "cost", &sl_kind_int, SL_KEY_AT(sl_rate_limit, cost), .min = 1, .max = 1000000,
	  .def = "1", .doc = "What a request takes of it." },
	{ "headers", &sl_kind_enum, SL_KEY_AT(sl_rate_limit, headers),
	  .words = WORDS("draft", "x", "retry-after", "off"), .def = "\"draft\"",
	  .doc = "What answers tell of it. draft: RateLimit-Policy and RateLimit (IETF draft 08 to "
		 "11); x: X-RateLimit-Limit, -Remaining and -Reset; both, and retry-after alone, "
		 "with Retry-After in a refusal." },
	END,
};

static const struct sl_key quota_keys[] = {
	{ "limit", &sl_kind_int, SL_KEY_AT(sl_quota, limit), .required = true, .min = 1,
	  .max = 4000000000, .doc = "As many requests; more exactly, what they cost together." },
	{ "every", &sl_kind_enum, SL_KEY_AT(sl_quota, every), .required = true,
	  .words = WORDS("minute", "hour", "day", "month"), .doc = "In which they may come." },
	{ "window", &sl_kind_enum, SL_KEY_AT(sl_quota, window),
	  .words = WORDS("calendar", "rolling"), .def = "\"calendar\"",
	  .doc = "calendar: it begins anew with each minute, hour, day or month, in UTC; rolling: "
		 "so long after a subject's first request (a month is 30 days)." },
	{ "per", &sl_kind_words, SL_KEY_AT(sl_quota, subject.per),
	  .words = WORDS("client", "consumer", "key", "route"), .def = "\"consumer\"",
	  .doc = "Who has a quota of its own, as for rate_limit." },
	{ "header", &sl_kind_string, SL_KEY_AT(sl_quota, subject.header),
	  .check = sl_check_field_name,
	  .doc = "Besides, each value of this field has a quota of its own." },
	{ "claim", &sl_kind_string, SL_KEY_AT(sl_quota, subject.claim), .check = sl_check_claim,
	  .doc = "Besides, each value of this claim, which 'jwt' has found before, has a quota of "
		 "its "
		 "own; who has no such claim counts by its address." },
	{ "cost", &sl_kind_int, SL_KEY_AT(sl_quota, cost), .min = 1, .max = 1000000, .def = "1",
	  .doc = "What a request takes of it." },
	{ "headers", &sl_kind_enum, SL_KEY_AT(sl_quota, headers),
	  .words = WORDS("draft", "x", "retry-after", "off"), .def = "\"draft\"",
	  .doc = "What answers tell of it, as for rate_limit." },
	END,
};

static const struct sl_key concurrency_limit_keys[] = {
	{ "limit", &sl_kind_int, SL_KEY_AT(sl_concurrency_limit, limit), .required = true, .min = 1,
	  .max = SL_SEATS_LIMIT_MAX, .doc = "As many requests at once, tunnels too." },
	{ "per", &sl_kind_words, SL_KEY_AT(sl_concurrency_limit, subject.per),
	  .words = WORDS("client", "consumer", "key", "route"), .def = "\"client\"",
	  .doc = "Whose requests count together, as for rate_limit." },
	{ "header", &sl_kind_string, SL_KEY_AT(sl_concurrency_limit, subject.header),
	  .check = sl_check_field_name,
	  .doc = "Besides, those with the same value of this field." },
	{ "claim", &sl_kind_string, SL_KEY_AT(sl_concurrency_limit, subject.claim),
	  .check = sl_check_claim,
	  .doc = "Besides, those with the same value of this claim, as for rate_limit." },
	END,
};

static const struct sl_key any_of_keys[] = {
	{ "lists", &sl_kind_array, ITEMS(sl_any_of, names, names_nr), .item = &group_item,
	  .required = true, .min = 1, .max = SL_ALTERNATIVES_MAX,
	  .doc = "Names of lists in 'policies', which have no 'any_of' themselves." },
	END,
};

static const struct sl_key anonymous_keys[] = {
	{ "consumer", &sl_kind_string, SL_KEY_AT(sl_anonymous, consumer), .required = true,
	  .check = sl_check_name, .pattern = SL_NAME_PATTERN,
	  .doc = "Whom somebody that nobody knows counts as: its groups, its limits." },
	END,
};

/* A line of the tables below: keys, the check that ends them, the text. */
#define POLICY(kind_name, key_table, check_of_all, text)                                           \
	{                                                                                          \
#kind_name, &sl_kind_object, SL_KEY_AT(sl_policy, kind_name),                      \
			.item_size = sizeof(struct sl_##kind_name),                                \
			.object = &(const struct sl_object){                                       \
				.keys = (key_table), .finish = (check_of_all) }, .doc = (text)     \
	}

/* The same, where one member's value may stand for all. */
#define POLICY_IN_SHORT(kind_name, key_table, member, text)                                        \
	{                                                                                          \
#kind_name, &sl_kind_object, SL_KEY_AT(sl_policy, kind_name),                      \
			.item_size = sizeof(struct sl_##kind_name),                                \
			.object = &(const struct sl_object){                                       \
				.keys = (key_table), .shorthand = (member) }, .doc = (text)        \
	}

/* clang-format off */
#define POLICY_KEYS \
	POLICY(key_auth, key_auth_keys, sl_check_key_auth, \
	       "Only who shows a key of a consumer goes on; else the answer is 401. The key is " \
	       "taken out of the request."), \
	POLICY(basic_auth, basic_auth_keys, NULL, \
	       "Only who tells the name and password of a consumer goes on (RFC 7617); else the " \
	       "answer is 401. A thread of its own checks passwords."), \
	POLICY(jwt, sl_jwt_keys, sl_check_jwt, \
	       "Only who shows a good JSON Web Token goes on; else the answer is 401."), \
	POLICY(oidc, sl_oidc_keys, sl_check_oidc, \
	       "As jwt, with an issuer whose keys are found by OpenID Connect Discovery."), \
	POLICY(mtls, sl_mtls_keys, NULL, \
	       "Only who has shown a consumer's certificate in its TLS handshake goes on; else " \
	       "the answer is 401. Some listener's 'client_ca' asks for them."), \
	POLICY(hmac, sl_hmac_keys_table, NULL, \
	       "Only who signs its request goes on (RFC 9421, hmac-sha256; a body by its " \
	       "Content-Digest, RFC 9530); else the answer is 401."), \
	POLICY(require, require_keys, sl_check_require, \
	       "What the consumer has to be; else the answer is 403. All keys have to hold."), \
	POLICY(rate_limit, rate_limit_keys, sl_check_rate_limit, \
	       "How many requests may come; beyond, the answer is 429. What is refused costs " \
	       "nothing. Several may stand in a route."), \
	POLICY(quota, quota_keys, sl_check_quota, \
	       "How many requests may come in a minute, an hour, a day or a month; beyond, the " \
	       "answer is 429. What is used survives reloads and upgrades, and in " \
	       "gateway.state_dir restarts too, kill -9 included."), \
	POLICY(concurrency_limit, concurrency_limit_keys, sl_check_concurrency_limit, \
	       "How many requests are served at once, until their answers have ended; beyond, " \
	       "the answer is 429. A route asks four of them at the most."), \
	POLICY_IN_SHORT(any_of, any_of_keys, "lists", \
	       "A request goes on if one of these lists lets it, all policies of it; they are " \
	       "tried in their order. A list of names stands for the object."), \
	POLICY_IN_SHORT(anonymous, anonymous_keys, "consumer", \
	       "Whoever has not been found out before, by policies that are 'optional', goes on " \
	       "as this consumer; upstreams get X-Anonymous-Consumer besides. A name stands for " \
	       "the object."), \
	POLICY(ip_access, sl_ip_access_keys, sl_check_ip_access, \
	       "Which addresses may come, behind trusted proxies too; else the answer is 403."), \
	POLICY(cors, sl_cors_keys, sl_check_cors, \
	       "Pages of which origins may read answers. Preflights are answered here, so it " \
	       "stands before policies that ask who somebody is, and the route takes OPTIONS; " \
	       "what the upstream says of it is replaced."), \
	POLICY(body_limit, sl_body_limit_keys, NULL, \
	       "How large a request's body may be; beyond, the answer is 413."), \
	POLICY(redirect_https, sl_redirect_https_keys, sl_check_redirect_https, \
	       "Who comes in the clear is sent to https by 308; X-Forwarded-Proto of a trusted " \
	       "proxy counts."), \
	POLICY(headers, sl_headers_keys, sl_check_headers, \
	       "Changes of header fields, of all requests of the routes that ask it, wherever it " \
	       "stands; a field is changed once on a route."), \
	POLICY_IN_SHORT(request_id, sl_request_id_keys, "header", \
	       "Answers tell the request's id, as logs have it and upstreams get it; errors that " \
	       "the gateway answers do so always. A name stands for the object."), \
	POLICY(maintenance, sl_maintenance_keys, sl_check_maintenance, \
	       "Nobody but 'allow' is served: the answer is 503 with Retry-After.")

#define NAME_OF(kind_name) #kind_name,
static const char *const kind_names[] = { SL_POLICIES(NAME_OF) NULL };
static const char *const kind_names_or_use[] = { "use", SL_POLICIES(NAME_OF) NULL };
#undef NAME_OF
/* clang-format on */

static const struct sl_key listed_keys[] = { POLICY_KEYS, END };

static const struct sl_key listed_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = listed_keys,
					     .one_of = kind_names,
					     .finish = sl_check_policy },
};

static const struct sl_key asked_keys[] = {
	{ "use", &sl_kind_string, SL_KEY_AT(sl_policy, use), .check = sl_check_name,
	  .pattern = SL_NAME_PATTERN, .doc = "The name of a list in 'policies': all of it." },
	POLICY_KEYS,
	END,
};

const struct sl_key sl_policy_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = asked_keys,
					     .shorthand = "use",
					     .one_of = kind_names_or_use,
					     .finish = sl_check_policy },
};

const struct sl_key sl_policy_list_item = {
	.kind = &sl_kind_array,
	ITEMS(sl_policy_list, policies, policies_nr),
	.item = &listed_item,
	.min = 1,
	.max = SL_POLICIES_MAX,
};
