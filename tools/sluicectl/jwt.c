// SPDX-License-Identifier: Apache-2.0
// jwt: a token, judged as the gateway would.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/denied.h"
#include "config/source.h"
#include "ctl.h"
#include "jose/verify.h"

enum keyword { JWKS, ISSUER, AUDIENCE, ALG, TYP, AT, LEEWAY, MAX_AGE, KEYWORDS };

static const char *const keywords[KEYWORDS + 1] = { "jwks", "issuer", "audience", "alg",
						    "typ",  "at",     "leeway",	  "max-age" };

/* What was asked for. */
struct question {
	const char *token, *values[KEYWORDS];
	struct sl_str issuer, audience;
	struct sl_jwt_rules rules;
	uint64_t now_s;
};

/* ---- words ---- */

static bool is_keyword(const char *word)
{
	for (unsigned i = 0; i < KEYWORDS; i++)
		if (strcmp(keywords[i], word) == 0)
			return true;
	return false;
}

/* The token may stand anywhere; what is left are keywords. */
static enum ctl_exit read_words(struct ctl *ctl, char **words, struct question *q)
{
	char *left[CTL_WORDS_MAX + 1] = { NULL };
	unsigned nr = 0;
	enum ctl_exit code;

	for (unsigned i = 0; words[i]; i++) {
		if (nr % 2 == 0 && !q->token && !is_keyword(words[i]))
			q->token = words[i];
		else
			left[nr++] = words[i];
	}
	code = ctl_read_keywords(ctl, left, keywords, "jwt help", q->values);
	if (code != CTL_OK)
		return code;
	if (!q->token)
		return ctl_fail(ctl, CTL_USAGE, "TOKEN is missing, or - for standard input");
	if (!q->values[JWKS])
		return ctl_fail(ctl, CTL_USAGE, "'jwks FILE' is missing: the keys to verify with");
	return CTL_OK;
}

static enum ctl_exit read_algorithms(const struct ctl *ctl, const char *list, unsigned *ret_algs)
{
	enum sl_jwt_alg alg;

	*ret_algs = 0;
	while (*list) {
		size_t len = strcspn(list, ",");

		if (!sl_jwt_algorithm_find((struct sl_str){ list, len }, &alg))
			return ctl_fail(ctl, CTL_USAGE,
					"alg '%.*s': RS, PS, ES or HS with 256, 384 or 512, or "
					"EdDSA",
					(int)(len < 64 ? len : 64), list);
		*ret_algs |= SL_JWT_BIT(alg);
		list += len + (list[len] == ',');
	}
	return CTL_OK;
}

static enum ctl_exit read_time(const struct ctl *ctl, const char *word, uint64_t *ret_s)
{
	struct tm tm = { 0 };
	const char *end = strptime(word, "%Y-%m-%dT%H:%M:%SZ", &tm);
	char *number_end;
	time_t t = end && !*end ? timegm(&tm) : -1;

	errno = 0;
	if (t < 0 && *word >= '0' && *word <= '9') {
		t = strtol(word, &number_end, 10);
		t = errno || *number_end ? -1 : t;
	}
	if (t < 0)
		return ctl_fail(ctl, CTL_USAGE,
				"at '%.64s': seconds since 1970, or a time such as "
				"2027-01-31T12:00:00Z",
				word);
	*ret_s = (uint64_t)t;
	return CTL_OK;
}

static enum ctl_exit read_seconds(const struct ctl *ctl, const char *what, const char *word,
				  uint32_t *ret_s)
{
	uint64_t ns = 0;
	enum ctl_exit code = strcmp(word, "0") == 0 ? CTL_OK : ctl_read_span(ctl, what, word, &ns);

	*ret_s = (uint32_t)(ns / SL_SEC);
	return code;
}

static enum ctl_exit read_values(const struct ctl *ctl, struct question *q)
{
	const char **v = q->values;
	enum ctl_exit code = CTL_OK;

	q->now_s = (uint64_t)time(NULL);
	q->rules.algs = SL_JWT_BITS_DEFAULT;
	if (v[ISSUER]) {
		q->issuer = sl_str_of(v[ISSUER]);
		q->rules.issuers = &q->issuer;
		q->rules.issuers_nr = 1;
	}
	if (v[AUDIENCE]) {
		q->audience = sl_str_of(v[AUDIENCE]);
		q->rules.audiences = &q->audience;
		q->rules.audiences_nr = 1;
	}
	if (v[TYP])
		q->rules.type = sl_str_of(v[TYP]);
	if (v[ALG])
		code = read_algorithms(ctl, v[ALG], &q->rules.algs);
	if (code == CTL_OK && v[AT])
		code = read_time(ctl, v[AT], &q->now_s);
	if (code == CTL_OK && v[LEEWAY])
		code = read_seconds(ctl, "leeway", v[LEEWAY], &q->rules.leeway_s);
	if (code == CTL_OK && v[MAX_AGE])
		code = read_seconds(ctl, "max-age", v[MAX_AGE], &q->rules.max_age_s);
	return code;
}

/* ---- what is read ---- */

static enum ctl_exit read_keys(const struct ctl *ctl, const char *path, struct sl_jwks **ret_set)
{
	struct sl_jwks_report report;
	struct sl_source_id id;
	char *text;
	size_t len;
	int ret = sl_source_read(path, &text, &len, &id);

	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%.200s: %s", path, strerror(-ret));
	ret = sl_jwks_read((struct sl_str){ text, len }, ret_set, &report);
	free(text);
	if (ret == -EBADMSG)
		return ctl_fail(ctl, CTL_FAILED, "%.200s: %s", path, report.why);
	if (ret < 0)
		return ctl_fail(ctl, CTL_FAILED, "%.200s: %s", path, strerror(-ret));
	if (report.private_nr && !ctl->is_json)
		fprintf(stderr, "sluicectl: %s: %.200s has private keys, which nobody needs here\n",
			ctl->what, path);
	return CTL_OK;
}

/* Of standard input the white space behind it is dropped: an editor's line end is not a token's. */
static struct sl_str read_token(const char *word, char *mem, size_t size)
{
	size_t len;

	if (strcmp(word, "-") != 0)
		return sl_str_of(word);
	len = fread(mem, 1, size, stdin);
	while (len > 0 && strchr(" \t\r\n", mem[len - 1]) && mem[len - 1])
		len--;
	return (struct sl_str){ mem, len };
}

/* ---- what is said ---- */

static json_t *describe_key(const struct sl_jwk *key, enum sl_jwt_alg alg)
{
	if (!key)
		return json_null();
	return json_pack("{s:i, s:s?, s:s}", "index", (int)key->index, "kid", key->kid.ptr, "alg",
			 sl_jwt_algorithm(alg)->name);
}

static json_t *describe(const struct sl_jwt_token *t, enum sl_jwt_why why)
{
	json_t *answer = json_pack(
		"{s:b, s:s, s:s, s:b, s:o, s:O?, s:O?}", "valid", why == SL_JWT_VALID, "why",
		sl_jwt_why_word(why), "text", sl_jwt_why_text(why), "signature",
		why == SL_JWT_VALID || why > SL_JWT_BAD_SIGNATURE, "key",
		describe_key(t->jws.key, t->jws.alg), "header", t->jws.header, "claims", t->claims);

	if (answer && why == SL_JWT_VALID && t->until_s != SL_JWT_FOREVER)
		json_object_set_new(answer, "until", json_integer((json_int_t)t->until_s));
	return answer;
}

/* As JSON in ASCII: a token is a stranger's, and terminals obey what is not. */
static void print_object(const char *name, const json_t *object)
{
	char *text = object ? json_dumps(object, JSON_ENSURE_ASCII | JSON_ENCODE_ANY) : NULL;

	if (text)
		printf("%-9s%s\n", name, text);
	free(text);
}

static void print_text(const struct sl_jwt_token *t, enum sl_jwt_why why)
{
	printf("%s: %s\n", sl_jwt_why_word(why), sl_jwt_why_text(why));
	if (t->jws.key)
		printf("%-9s%u, %s\n", "key", t->jws.key->index,
		       sl_jwt_algorithm(t->jws.alg)->name);
	print_object("header", t->jws.header);
	print_object("claims", t->claims);
}

/* CTL_FAULTS: it is not good. */
static enum ctl_exit judge(struct ctl *ctl, const struct question *q, const struct sl_jwks *set)
{
	static char mem[SL_JWT_BYTES_MAX + 16];
	struct sl_str text = read_token(q->token, mem, sizeof(mem));
	struct sl_jwt_token token;
	enum sl_jwt_why why = sl_jwt_verify(text, set, &q->rules, q->now_s, &token);
	enum ctl_exit code = why == SL_JWT_VALID ? CTL_OK : CTL_FAULTS;

	if (!ctl->is_json)
		print_text(&token, why);
	else if (ctl_print_json(ctl, describe(&token, why)) != CTL_OK)
		code = CTL_FAILED;
	sl_jwt_token_fini(&token);
	return code;
}

enum ctl_exit ctl_jwt_verify(struct ctl *ctl, char **arguments)
{
	struct question q = { .token = NULL };
	struct sl_jwks *set = NULL;
	enum ctl_exit code = read_words(ctl, arguments, &q);

	if (code == CTL_OK)
		code = read_values(ctl, &q);
	if (code == CTL_OK)
		code = read_keys(ctl, q.values[JWKS], &set);
	if (code == CTL_OK)
		code = judge(ctl, &q, set);
	sl_jwks_free(set);
	return code;
}
