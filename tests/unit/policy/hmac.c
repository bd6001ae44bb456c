// SPDX-License-Identifier: Apache-2.0
// Signed requests: the vector of RFC 9421, what is signed of a request, and what is no signature.
#include "policy/hmac.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/content_digest.h"
#include "policy/dictionary.h"
#include "policy/digest.h"
#include "policy/hmac_keys.h"
#include "policy/seen.h"
#include "policy/signed.h"
#include "tap.h"

#define FIELDS                                                                                     \
	"Host: Example.com:80\r\nDate: Tue, 20 Apr 2021 02:07:55 GMT\r\n"                          \
	"Content-Type: application/json\r\nX-Two: a\r\nX-Two:   b \r\nX-Empty:\r\n"
#define SIGNATURE "Signature: sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:\r\n"
#define INPUT                                                                                      \
	"(\"date\" \"@authority\" "                                                                \
	"\"content-type\");created=1618884473;keyid=\"test-shared-secret\""

static char first[16384], text[8192];
static struct sl_arena arena, kept;
static struct sl_field fields[32];
static struct sl_head head;
static struct sl_policy_call call;
static struct sl_digest *digest;
static struct sl_seen *seen;
static struct sl_hmac_key secrets[2];
static struct sl_consumer consumers[2] = {
	{ .name = "tester", .enabled = true, .hmac_keys = &secrets[0], .hmac_keys_nr = 1 },
	{ .name = "off", .hmac_keys = &secrets[1], .hmac_keys_nr = 1 },
};
static struct sl_str components[] = { SL_STR("@authority") };
static struct sl_hmac conf = {
	.components = components,
	.components_nr = 1,
	.max_age_ns = 300000000000,
	.leeway_ns = 30000000000,
	.hide_credentials = true,
};

static void parse(const char *line, const char *more)
{
	const struct sl_head_limits limits = { 4096, 8000, 32 };
	int n = snprintf(text, sizeof(text), "%s HTTP/1.1\r\n%s%s\r\n", line, FIELDS, more);

	sl_arena_init(&arena, first, sizeof(first), 0);
	head = (struct sl_head){ .fields = fields };
	if (sl_h1_request_parse(&head, text, (size_t)n, &limits) != n)
		abort();
}

static struct sl_signed_request request(bool is_secure)
{
	return (struct sl_signed_request){ &head, is_secure, &arena };
}

/* ---- parts ---- */

static void macs(void)
{
	unsigned char want[32], got[32];
	char secret[200], message[300];
	struct sl_mac_key key;
	unsigned same = 0;

	memset(secret, 'k', sizeof(secret));
	memset(message, 'm', sizeof(message));
	for (unsigned n = 0; n < sizeof(secret); n++) {
		sl_mac_key_make(&key, (struct sl_str){ secret, n });
		sl_digest_mac(digest, &key, (struct sl_str){ message, n + 100 }, got);
		HMAC(EVP_sha256(), secret, (int)n, (unsigned char *)message, n + 100, want, NULL);
		same += memcmp(want, got, sizeof(got)) == 0;
	}
	is_int(same, sizeof(secret), "a MAC is OpenSSL's, for secrets of any length");
}

static void base64(void)
{
	unsigned char out[8];

	is_int(sl_base64_read(SL_S("AAEC"), out, 8), 3, "three bytes");
	is_int(sl_base64_read(SL_S("AAECAw=="), out, 8), 4, "one more");
	is_int(out[3], 3, "the last one");
	is_int(sl_base64_read(SL_S("AAECAwQ="), out, 5), 5, "two more");
	is_int(sl_base64_read(SL_S("AAECAwQ="), out, 4), -EBADMSG, "that is one too many");
	for (const char **bad = (const char *[]){ "", "A", "AA=", "AAE", "A===", "AA==AAEC", "AA C",
						  "AAE\t", " AAEC", "AA-_", "====", NULL };
	     *bad; bad++)
		is_int(sl_base64_read(sl_str_of(*bad), out, 8), -EBADMSG, "'%s'", *bad);
	ok(sl_dictionary_bytes(SL_S(":AAEC:"), out, 3) &&
		   !sl_dictionary_bytes(SL_S(":AAEC:"), out, 4) &&
		   !sl_dictionary_bytes(SL_S(":AAEC"), out, 3) &&
		   !sl_dictionary_bytes(SL_S(":"), out, 0),
	   "a byte sequence stands between colons, and has so many");
}

static void dictionaries(void)
{
	static const struct {
		const char *text;
		int found;
		const char *value;
	} cases[] = {
		{ "a=1, b=2", 1, "2" },
		{ "b=(\"x,y\" \"\\\"\");k=\"b=3\" ,\ta=1", 1, "(\"x,y\" \"\\\"\");k=\"b=3\"" },
		{ "a, b", 1, "" },
		{ "a=1", 0, "" },
		{ "", 0, "" },
		{ "b=1,b=1", -EBADMSG, "" },
		{ "b=1,", -EBADMSG, "" },
		{ ",b=1", -EBADMSG, "" },
		{ "b=\"1", -EBADMSG, "" },
		{ "b=\"1\\", -EBADMSG, "" },
		{ "B=1", -EBADMSG, "" },
		{ "1b=1", -EBADMSG, "" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_str value = { "", 0 };

		is_int(sl_dictionary_find(sl_str_of(cases[i].text), SL_S("b"), &value),
		       cases[i].found, "%s", cases[i].text);
		if (cases[i].found == 1)
			is_str(value, cases[i].value, "its value");
	}
}

/* ---- Signature-Input ---- */

static void inputs(void)
{
	static const char *const good[] = {
		"()", "(\"a\")", INPUT, "(\"a\");nonce=\"\\\"\\\\\"",
		"(\"a\" \"b\");created=0;expires=999999999999999;alg=\"\""
	};
	static const char *const bad[] = {
		"",
		"(",
		"\"a\"",
		"( \"a\")",
		"(\"a\" )",
		"(\"a\"  \"b\")",
		"(\"a\"\"b\")",
		"(a)",
		"(\"a\" \"a\")",
		"(\"a\") ;created=1",
		"(\"a\"); created=1",
		"(\"a\");created",
		"(\"a\");created=",
		"(\"a\");created=01",
		"(\"a\");created=-1",
		"(\"a\");created=+1",
		"(\"a\");created=1.0",
		"(\"a\");created=1;created=1",
		"(\"a\");created=\"1\"",
		"(\"a\");created=1000000000000000",
		"(\"a\");keyid=a",
		"(\"a\");keyid=\"a\";keyid=\"a\"",
		"(\"a\");keyid=\"a",
		"(\"a\");keyid=\"a\\\"",
		"(\"a\");keyid=\"\\a\"",
		"(\"a\");keyid=\"\t\"",
		"(\"a\");Created=1",
		"(\"a\");unknown=1",
		"(\"a\");",
		"(\"a\")x",
		"(\"a\";)",
		"(\"a\";key=)",
	};
	struct sl_signed s;
	char many[512] = "(";

	for (unsigned i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(sl_signed_read(sl_str_of(good[i]), &s) && !s.is_odd, "%s", good[i]);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!sl_signed_read(sl_str_of(bad[i]), &s), "not %s", bad[i]);
	for (size_t n = 0; n < sizeof(INPUT) - 1; n++) {
		char *copy = malloc(n + 1); /* its end is known to the sanitizer */

		memcpy(copy, INPUT, n);
		sl_signed_read((struct sl_str){ copy, n }, &s);
		free(copy);
	}
	ok(sl_signed_read(SL_S("(\"a\";sf \"b\";key=\"c\")"), &s) && s.is_odd, "how to read one");
	ok(sl_signed_read(SL_S("(\"@status\")"), &s) && s.is_odd, "of an answer");
	ok(sl_signed_read(SL_S("(\"A\")"), &s) && s.is_odd, "in upper case");
	for (unsigned i = 0; i <= SL_SIGNED_COMPONENTS_MAX; i++)
		sprintf(many + strlen(many), "%s\"a%u\"", i ? " " : "", i);
	strcat(many, ")");
	ok(!sl_signed_read(sl_str_of(many), &s), "too many components");
}

/* ---- what is signed ---- */

static const char *base_of(const char *component, bool is_secure)
{
	struct sl_signed_request req = request(is_secure);
	static char input[256], out[1024];
	struct sl_signed s;
	struct sl_str base;

	snprintf(input, sizeof(input), "(\"%s\")", component);
	if (!sl_signed_read(sl_str_of(input), &s))
		return "malformed";
	if (sl_signed_base(&s, &req, &base) < 0)
		return "absent";
	snprintf(out, sizeof(out), "%.*s", SL_STR_ARG(base));
	return out;
}

static void bases(void)
{
	static const struct {
		const char *line, *component;
		bool is_secure;
		const char *value; /* NULL: there is none */
	} cases[] = {
		{ "POST /foo?a=%7eb", "@method", false, "POST" },
		{ "POST /foo?a=%7eb", "@authority", false, "example.com" },
		{ "POST /foo?a=%7eb", "@authority", true, "example.com:80" },
		{ "POST /foo?a=%7eb", "@scheme", false, "http" },
		{ "POST /foo?a=%7eb", "@scheme", true, "https" },
		{ "POST /foo/../%41?a=%7eb", "@path", false, "/foo/../%41" },
		{ "POST /foo?a=%7eb", "@query", false, "?a=%7eb" },
		{ "POST /foo", "@query", false, "?" },
		{ "POST /foo?", "@query", false, "?" },
		{ "POST /foo?a", "@request-target", false, "/foo?a" },
		{ "POST /foo?a", "@target-uri", false, "http://example.com/foo?a" },
		{ "POST http://Example.com:80?a", "@path", false, "/" },
		{ "POST http://Example.com:80?a", "@target-uri", false, "http://example.com/?a" },
		{ "POST http://Example.com:80?a", "@request-target", false, NULL },
		{ "POST /", "x-two", false, "a, b" },
		{ "POST /", "x-empty", false, "" },
		{ "POST /", "x-none", false, NULL },
	};
	char want[256];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		parse(cases[i].line, "");
		snprintf(want, sizeof(want), "\"%s\": %s\n\"@signature-params\": (\"%s\")",
			 cases[i].component, cases[i].value, cases[i].component);
		is_str(sl_str_of(base_of(cases[i].component, cases[i].is_secure)),
		       cases[i].value ? want : "absent", "%s: %s", cases[i].line,
		       cases[i].component);
	}
}

static void coverage(void)
{
	static const struct {
		const char *line, *signs, *wants;
		bool has;
	} cases[] = {
		{ "GET /?a", "@path", "@path", true },
		{ "GET /?a", "@path", "@query", false },
		{ "GET /", "@path", "@query", true },
		{ "GET /?", "@path", "@query", false },
		{ "GET /?a", "@target-uri", "@query", true },
		{ "GET /?a", "@target-uri", "@path", true },
		{ "GET /?a", "@target-uri", "@scheme", true },
		{ "GET /", "@target-uri", "@authority", true },
		{ "GET /", "@target-uri", "@method", false },
		{ "GET /?a", "@request-target", "@query", true },
		{ "GET /", "@request-target", "@authority", false },
		{ "GET /", "@path", "content-digest", true },
		{ "GET /", "@path", "date", false },
		{ "GET /", "date", "date", true },
	};
	struct sl_signed s;
	char input[64];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		parse(cases[i].line, "");
		snprintf(input, sizeof(input), "(\"%s\")", cases[i].signs);
		sl_signed_read(sl_str_of(input), &s);
		is_int(sl_signed_has(&s, &head, sl_str_of(cases[i].wants)), cases[i].has,
		       "%s: who signs %s signs %s", cases[i].line, cases[i].signs, cases[i].wants);
	}
	parse("POST /", "Content-Length: 1\r\n");
	sl_signed_read(SL_S("(\"@path\")"), &s);
	ok(!sl_signed_has(&s, &head, SL_S("content-digest")), "a body has to be signed");
}

/* ---- bodies ---- */

#define EMPTY_256 "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
#define HELLO_512                                                                                  \
	"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwE"    \
	"mTHWXvJwew==:"
#define HELLO_256 "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"

static bool is_hello(const char *field)
{
	struct sl_content_digest d;

	if (!sl_content_digest_init(&d, sl_str_of(field)))
		return false;
	sl_content_digest_add(&d, "{\"hello\": ", 10);
	sl_content_digest_add(&d, "\"world\"}", 8);
	return sl_content_digest_is_good(&d) && sl_content_digest_is_good(&d);
}

static void bodies(void)
{
	struct sl_content_digest d;

	ok(is_hello(HELLO_512), "the body of RFC 9421, B.2");
	ok(is_hello(HELLO_256) && is_hello(HELLO_256 ", " HELLO_512), "by the other, and by both");
	ok(is_hello("md5=:AA==:, " HELLO_256), "what is not known says nothing");
	ok(!is_hello(EMPTY_256) && !is_hello(HELLO_512 "," EMPTY_256),
	   "one that is wrong is enough");
	ok(!sl_content_digest_init(&d, SL_S("md5=:AA==:")) && !sl_content_digest_init(&d, SL_S("")),
	   "none that is known");
	ok(!sl_content_digest_init(&d, SL_S(HELLO_256 "," HELLO_256)) &&
		   !sl_content_digest_init(&d, SL_S("sha-256=:AA==:")) &&
		   !sl_content_digest_init(&d, SL_S("sha-256=47DE")),
	   "twice, too short, no bytes");
	ok(sl_content_digest_init(&d, SL_S(EMPTY_256)) && sl_content_digest_is_good(&d), "nothing");
}

/* ---- the policy ---- */

static const char *ask(const char *input, const char *signature, uint64_t wall_s)
{
	const struct sl_refusal *refusal;
	char more[1024];

	snprintf(more, sizeof(more), "%s%s%s%s", input ? "Signature-Input: sig-b25=" : "",
		 input ? input : "", input ? "\r\n" : "", signature);
	parse("POST /foo?param=Value&Pet=dog", more);
	call = (struct sl_policy_call){ .req = &head,
					.arena = &arena,
					.wall_s = wall_s,
					.digest = digest,
					.hmac_keys = call.hmac_keys,
					.seen = seen };
	refusal = sl_policy_hmac.run(&conf, &call);
	return refusal ? refusal->error : "";
}

static void is_word(const char *got, const char *want)
{
	is_str(sl_str_of(got), want, "%s", *want ? want : "good");
}

static void vector(void)
{
	const uint64_t now = 1618884473;

	conf.allow_replays = true;
	is_word(ask(INPUT, SIGNATURE, now), "");
	ok(call.consumer == &consumers[0] && call.key == &secrets[0].key, "RFC 9421, B.2.5: whose");
	ok(!call.content, "no digest is signed");
	is_word(ask(INPUT, SIGNATURE, now + 329), "");
	is_word(ask(INPUT, SIGNATURE, now + 330), "hmac_expired");
	is_word(ask(INPUT, SIGNATURE, now - 30), "");
	is_word(ask(INPUT, SIGNATURE, now - 31), "hmac_not_yet_valid");
	is_word(ask(INPUT ";expires=1618884480", SIGNATURE, now + 37), "hmac_expired");
	is_word(ask(INPUT ";nonce=\"a\"", SIGNATURE, now), "hmac_bad_signature");
	is_word(ask(INPUT ";alg=\"hmac-sha256\"", SIGNATURE, now), "hmac_bad_signature");
	is_word(ask(INPUT ";alg=\"hmac-sha512\"", SIGNATURE, now), "hmac_algorithm");
	is_word(ask("(\"@authority\");created=1618884473;keyid=\"who\"", SIGNATURE, now),
		"hmac_unknown_key");
	is_word(ask("(\"@authority\");created=1618884473", SIGNATURE, now), "hmac_malformed");
	is_word(ask("(\"@authority\");keyid=\"who\"", SIGNATURE, now), "hmac_malformed");
	is_word(ask("(\"@authority\" \"x\");created=1618884473;keyid=\"who\"", SIGNATURE, now),
		"hmac_absent_component");
	is_word(ask("(\"date\");created=1618884473;keyid=\"who\"", SIGNATURE, now),
		"hmac_uncovered");
	is_word(ask("(\"@query-param\";name=\"a\");created=1;keyid=\"a\"", SIGNATURE, now),
		"hmac_unknown_component");
	is_word(ask(NULL, "", now), "hmac_missing");
	is_word(ask(NULL, SIGNATURE, now), "hmac_malformed");
	is_word(ask(INPUT, "", now), "hmac_malformed");
	is_word(ask(INPUT, SIGNATURE SIGNATURE, now), "hmac_malformed");
	is_word(ask(INPUT, "Signature: sig-b25=:AAAA:\r\n", now), "hmac_malformed");
	is_word(ask(INPUT ", b=" INPUT, SIGNATURE, now), "hmac_twice");
	is_word(ask(INPUT ", b=" INPUT ";tag=\"t\"", SIGNATURE, now), "hmac_twice");
	conf.tag = SL_S("t");
	is_word(ask(INPUT ", b=" INPUT ";tag=\"t\"", SIGNATURE, now), "hmac_malformed");
	is_word(ask(INPUT, SIGNATURE, now), "hmac_missing");
	conf.tag = SL_S("");
	conf.require_nonce = true;
	is_word(ask(INPUT, SIGNATURE, now), "hmac_no_nonce");
	conf.require_nonce = false;
	secrets[0].key.expires_s = now;
	is_word(ask(INPUT, SIGNATURE, now), "hmac_key_expired");
	secrets[0].key.expires_s = 0;
	secrets[0].key.enabled = false;
	is_word(ask(INPUT, SIGNATURE, now), "hmac_key_disabled");
	secrets[0].key.enabled = true;
}

static void replays(void)
{
	const uint64_t now = 1618884473;

	conf.allow_replays = false;
	is_word(ask(INPUT, SIGNATURE, now), "");
	ok(call.has_signed && !sl_policy_hmac.run(&conf, &call), "asked twice by one request");
	is_word(ask(INPUT, SIGNATURE, now), "hmac_replayed");
	is_word(ask(INPUT, SIGNATURE, now + 329), "hmac_replayed");
	conf.optional = true;
	is_word(ask(NULL, "", now), "");
	ok(!call.consumer, "nobody");
	is_word(ask(NULL, SIGNATURE, now), "hmac_malformed");
}

static bool make_keys(void)
{
	const struct sl_hmac_key *twice;
	unsigned char secret[64];

	sl_arena_init(&kept, NULL, 0, 1 << 20);
	if (sl_base64_read(SL_S("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbm"
				"HhIDi6pcl8jsasjlTMtDQ=="),
			   secret, sizeof(secret)) != sizeof(secret))
		return false;
	secrets[0].key = (struct sl_api_key){ .id = SL_S("test-shared-secret"), .enabled = true };
	secrets[1].key = (struct sl_api_key){ .id = SL_S("test-shared-secret"), .enabled = true };
	sl_mac_key_make(&secrets[0].mac, (struct sl_str){ (char *)secret, sizeof(secret) });
	ok(!sl_hmac_keys_new(&kept, consumers, 2, &twice) && twice == &secrets[1],
	   "an id is one key's");
	secrets[1].key.id = SL_S("other");
	call.hmac_keys = sl_hmac_keys_new(&kept, consumers, 2, &twice);
	return call.hmac_keys;
}

int main(void)
{
	digest = sl_digest_new();
	if (sl_seen_open(NULL, &seen) < 0)
		seen = NULL;
	if (!ok(digest && seen && make_keys(), "keys"))
		return done_testing();
	macs();
	base64();
	dictionaries();
	inputs();
	bases();
	coverage();
	bodies();
	vector();
	replays();
	sl_arena_fini(&kept);
	sl_digest_free(digest);
	sl_seen_close(seen);
	return done_testing();
}
