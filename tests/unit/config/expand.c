// SPDX-License-Identifier: Apache-2.0
// What is substituted in strings, and that no message tells of it.
#include "config/expand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/config.h"
#include "config/hide.h"
#include "tap.h"

static char path[] = "/tmp/sluice-unit-XXXXXX"; /* of a file to substitute */

/* Quotes are written as '; "@" stands for the file. */
static char *spell(const char *text)
{
	size_t len;
	char *spelt;
	FILE *f = open_memstream(&spelt, &len);

	for (; *text; text++) {
		if (*text == '@')
			fputs(path, f);
		else
			fputc(*text == '\'' ? '"' : *text, f);
	}
	fclose(f);
	return spelt;
}

static int parse(const char *text, char **ret_said, struct sl_rules **ret_rules)
{
	size_t len;
	FILE *errors = open_memstream(ret_said, &len);
	char *json = spell(text);
	int ret = sl_config_parse(sl_str_of(json), "t", NULL, errors, ret_rules);

	fclose(errors);
	free(json);
	return ret;
}

static void fill_file(const void *content, size_t len)
{
	FILE *f = fopen(path, "w");

	fwrite(content, 1, len, f);
	fclose(f);
}

#define BODY(text) "{'listeners':{'l':'127.0.0.1:1'},'routes':[{'respond':{'body':\n'" text "'}}]}"

static void test_text(void)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ BODY("${WORD}"), "word" },
		{ BODY("<${WORD}${WORD}>"), "<wordword>" },
		{ BODY("${EMPTY}"), "" },
		{ BODY("${NESTED}"), "${WORD}" }, /* once, not again */
		{ BODY("$${WORD}"), "${WORD}" },
		{ BODY("$$${WORD}"), "$${WORD}" },
		{ BODY("${WORD}$${WORD}"), "word${WORD}" },
		{ BODY("$ $$ $x {WORD} }"), "$ $$ $x {WORD} }" },
		{ BODY("${file:@}"), "first\n" },
		{ BODY("${NUMBER}"), "5" }, /* a body is no number */
		{ BODY("${_9}"), "nine" },
		{ BODY("${UTF8}"), "\xc3\xa9" },
	};

	fill_file("first\n\n", 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct sl_rules *r = NULL;
		char *said;

		if (is_int(parse(cases[i].text, &said, &r), 0, "read"))
			is_str(r->routes[0].respond.body, cases[i].want, "as '%s'", cases[i].want);
		sl_config_free(r);
		free(said);
	}
}

static void test_values(void)
{
	struct sl_rules *r = NULL;
	char *said;

	if (!is_int(parse("{'gateway':{'workers':'${NUMBER}'},"
			  "'listeners':{'l':{'address':'127.0.0.1:${PORT}','defer_accept':'${NO}'}}"
			  ","
			  "'upstreams':{'u':{'targets':['127.0.0.1:${PORT}',"
			  "{'address':'127.0.0.1:1','weight':'${NUMBER}'}],"
			  "'timeouts':{'connect':'${NUMBER}s','idle':'${ZERO}'}}},"
			  "'limits':{'memory':'${PORT}','client_connections':'${NUMBER}'},"
			  "'routes':[{'upstream':'${U}'}]}",
			  &said, &r),
		    0, "numbers, booleans, addresses and units"))
		exit(done_testing());
	is_int(r->workers, 5, "an integer");
	is_int(r->listeners[0].address.in.sin_port, htons(8080), "part of an address");
	ok(!r->listeners[0].defer_accept, "a boolean");
	is_str(sl_str_of(r->upstreams[0].targets[0].name), "127.0.0.1:${PORT}",
	       "a target is called as it is written");
	is_str(sl_str_of(r->upstreams[0].targets[1].name), "127.0.0.1:1", "whatever that is");
	is_int(r->upstreams[0].targets[1].weight, 5, "an integer in an array");
	ok(r->upstreams[0].connect_timeout_ns == 5 * SL_SEC, "part of a duration");
	ok(r->upstreams[0].idle_timeout_ns == 0, "a duration of 0");
	is_int((int64_t)r->limits.memory_bytes, 8080, "a size");
	is_int(r->routes[0].upstream, 0, "the name of an upstream");
	ok(!strstr(r->document, "8080"), "the document has no value of them");
	ok(strstr(r->document, "${PORT}"), "it has what is written");
	sl_config_free(r);
	free(said);
}

#define TOP(text)                                                                                  \
	"{'listeners':{'l':'127.0.0.1:1'},'upstreams':{'u':{'targets':['127.0.0.1:2']}}," text     \
	"\n,'routes':[{'respond':{}}]}"
#define ROUTE(text)                                                                                \
	"{'listeners':{'l':'127.0.0.1:1'},'upstreams':{'u':{'targets':['127.0.0.1:2']}},"          \
	"'routes':[\n{" text "}]}"

static const struct {
	const char *text, *want;
} faults[] = {
	{ BODY("${NOWHERE}"), "t:2:1: /routes/0/respond/body: there is no 'NOWHERE' in the "
			      "environment\n" },
	{ BODY("${WORD"), "t:2:1: /routes/0/respond/body: has \"${\" without a '}'; \"$${\" stands "
			  "for \"${\" itself\n" },
	{ BODY("${}"), "t:2:1: /routes/0/respond/body: '${}' is neither \"${NAME}\" of the "
		       "environment nor \"${file:/PATH}\"; \"$${\" stands for \"${\" itself\n" },
	{ BODY("${9}"), "t:2:1: /routes/0/respond/body: '${9}' is neither \"${NAME}\" of the "
			"environment nor \"${file:/PATH}\"; \"$${\" stands for \"${\" itself\n" },
	{ BODY("${env:X}"), "t:2:1: /routes/0/respond/body: '${env:X}' is neither \"${NAME}\" of "
			    "the environment nor \"${file:/PATH}\"; \"$${\" stands for \"${\" "
			    "itself\n" },
	{ BODY("${file:x}"), "t:2:1: /routes/0/respond/body: file 'x': needs an absolute path\n" },
	{ BODY("${file:/nowhere/x}"),
	  "t:2:1: /routes/0/respond/body: file '/nowhere/x': No such file or directory\n" },
	{ BODY("${file:/tmp}"), "t:2:1: /routes/0/respond/body: file '/tmp': is a directory\n" },
	{ BODY("${file:/dev/zero}"),
	  "t:2:1: /routes/0/respond/body: file '/dev/zero': is not a plain file\n" },
	{ BODY("${LATIN1}"), "t:2:1: /routes/0/respond/body: what is substituted is not UTF-8\n" },
	{ "{'listeners':{'l':'${SECRET}'},'routes':[{'respond':{}}]}",
	  "t:1:19: /listeners/l: '${SECRET}' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\" or \"unix:/path\"\n" },
	{ "{'listeners':{'l':'<${LONG}>'},'routes':[{'respond':{}}]}",
	  "t:1:19: /listeners/l: '<${LONG}>' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\" or \"unix:/path\"\n" },
	{ TOP("'gateway':{'workers':'${WORD}'}"),
	  "t:1:101: /gateway/workers: must be an integer or \"auto\", not what '${WORD}' stands "
	  "for\n" },
	{ TOP("'gateway':{'workers':'0${NUMBER}'}"),
	  "t:1:101: /gateway/workers: must be an integer or \"auto\", not what '0${NUMBER}' stands "
	  "for\n" },
	{ TOP("'forwarded':{'via':'${NUMBER}'}"),
	  "t:1:99: /forwarded/via: must be true or false, not what '${NUMBER}' stands for\n" },
	{ TOP("'gateway':{'workers':'${NO}'}"),
	  "t:1:101: /gateway/workers: what '${NO}' stands for does not fit here\n" },
	{ TOP("'limits':'${WORD}'"),
	  "t:1:89: /limits: must be an object, not what '${WORD}' stands for\n" },
	{ TOP("'gateway':{'workers':'${ZERO}'}"),
	  "t:1:101: /gateway/workers: must be between 1 and 1024\n" },
	{ TOP("'gateway':{'run_dir':'${SECRET}'}"),
	  "t:1:101: /gateway/run_dir: '${SECRET}' must be an absolute path\n" },
	{ TOP("'limits':{'idle_timeout':'${SECRET}'}"),
	  "t:1:105: /limits/idle_timeout: '${SECRET}' must be a duration such as \"250ms\", "
	  "\"5s\", \"1h\" or 0\n" },
	{ TOP("'logs':{'level':'${NEAR}'}"), "t:1:96: /logs/level: unknown value '${NEAR}'; must "
					     "be 'error', 'warn', 'info' or 'debug'\n" },
	{ TOP("'forwarded':{'trusted_proxies':['${SECRET}']}"),
	  "t:1:112: /forwarded/trusted_proxies/0: '${SECRET}' is not an address or a prefix such "
	  "as \"192.0.2.0/24\" (all bits beyond the prefix are 0)\n" },
	{ TOP("'nokey':['${SECRET}']"), "t:1:80: /nokey: unknown key 'nokey'\n" },
	{ ROUTE("'upstream':'${SECRET}'"),
	  "t:2:13: /routes/0/upstream: there is no upstream '${SECRET}'\n" },
	{ ROUTE("'name':'${WORD}','respond':{}"),
	  "t:2:9: /routes/0/name: nothing is substituted in a name: logs show it\n" },
	{ ROUTE("'match':{'hosts':['${QUOTED}']},'respond':{}"),
	  "t:2:20: /routes/0/match/hosts/0: '${QUOTED}' is not a host such as "
	  "\"api.example.com\" or \"*.example.com\" (no port, '*' only as the first label)\n" },
	{ ROUTE("'redirect':{'location':'${BRACED}'}"),
	  "t:2:25: /routes/0/redirect/location: what '${BRACED}' stands for does not fit here\n" },
	{ ROUTE("'redirect':{'location':'/{${LONG}}'}"),
	  "t:2:25: /routes/0/redirect/location: what '/{${LONG}}' stands for does not fit here\n" },
	{ ROUTE("'upstream':'${NOWHERE}'"),
	  "t:2:13: /routes/0/upstream: there is no 'NOWHERE' in the environment\n" },
	{ ROUTE("'match':{'path':'${NOWHERE}'},'redirect':{'location':'{x}'}"),
	  "t:2:18: /routes/0/match/path: there is no 'NOWHERE' in the environment\n" },
};

static void expect_fault(const char *text, const char *want)
{
	struct sl_rules *r = NULL;
	char *said;

	is_int(parse(text, &said, &r), -EINVAL, "refused: %.*s", (int)strcspn(want, "\n"), want);
	is_str(sl_str_of(said), want, "for its reason");
	ok(!strstr(said, "hunt"), "and the secret is kept");
	ok(!r, "and without rules");
	sl_config_free(r);
	free(said);
}

/* In files and by their sum. */
static void test_limits(void)
{
	static char content[SL_EXPAND_FILE_MAX + 1];
	char *text = NULL, *json, want[160];
	size_t len;
	FILE *f;

	memset(content, 'x', sizeof(content));
	fill_file(content, sizeof(content));
	snprintf(want, sizeof(want),
		 "t:2:1: /routes/0/respond/body: file '%s': has more than 64 KiB\n", path);
	expect_fault(BODY("${file:@}"), want);
	fill_file("a\0b", 3);
	snprintf(want, sizeof(want), "t:2:1: /routes/0/respond/body: file '%s': has a NUL byte\n",
		 path);
	expect_fault(BODY("${file:@}"), want);

	fill_file(content, SL_EXPAND_FILE_MAX);
	f = open_memstream(&text, &len);
	for (int i = 0; i < SL_EXPAND_MAX_BYTES / SL_EXPAND_FILE_MAX + 1; i++)
		fputs("${file:@}", f);
	fclose(f);
	json = malloc(len + 200);
	sprintf(json, BODY("%s"), text);
	expect_fault(json, "t:2:1: /routes/0/respond/body: all that is substituted has at most 16 "
			   "MiB\n");
	free(json);
	free(text);
}

static void test_hide(void)
{
	static const struct {
		const char *text, *value, *want;
	} cases[] = {
		{ "'abc' is bad", "abc", "'${X}' is bad" },
		{ "a ' and 'abc'", "abc", "a ' and '${X}'" },
		{ "'bc' is bad", "abc", "what '${X}' stands for does not fit here" },
		{ "abcd is bad", "abcd", "what '${X}' stands for does not fit here" },
		{ "'a'b' is bad", "a'b", "'${X}' is bad" },
		{ "'b' is bad", "a'b", "what '${X}' stands for does not fit here" },
		{ "'{ab12}' is bad", "x{ab12345}", "what '${X}' stands for does not fit here" },
		{ "'abc' is not 'on'", "abc", "'${X}' is not 'on'" },
		{ "'abc' is not 'abc' either", "abc", "what '${X}' stands for does not fit here" },
		{ "'abcd' is not 'abcde'", "abcd", "what '${X}' stands for does not fit here" },
		{ "must be between 1 and 5", "5", "must be between 1 and 5" },
		{ "'' is bad", "", "'${X}' is bad" },
		{ "must be 'on' or 'off'", "no", "must be 'on' or 'off'" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "%s", cases[i].text);
		sl_hide(text, sizeof(text), "${X}", cases[i].value);
		is_str(sl_str_of(text), cases[i].want, "%s", cases[i].text);
	}
}

int main(void)
{
	static const char *const environment[] = {
		"WORD=word",	   "EMPTY=",	    "NESTED=${WORD}",
		"_9=nine",	   "UTF8=\xc3\xa9", "LATIN1=\xe9",
		"NUMBER=5",	   "ZERO=0",	    "PORT=8080",
		"NO=false",	   "U=u",	    "SECRET=hunter2",
		"QUOTED=hunt'er2", "NEAR=debog",    "BRACED=/{hunter2}/",
	};
	char secret[200];
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	for (size_t i = 0; i < sizeof(environment) / sizeof(*environment); i++)
		putenv((char *)environment[i]);
	memset(secret, 'h', sizeof(secret));
	memcpy(secret, "hunter2", 7);
	secret[sizeof(secret) - 1] = '\0';
	setenv("LONG", secret, 1);
	unsetenv("NOWHERE");
	test_text();
	test_values();
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		expect_fault(faults[i].text, faults[i].want);
	test_limits();
	test_hide();
	unlink(path);
	return done_testing();
}
