// SPDX-License-Identifier: Apache-2.0
// Faults of policies that do not ask who somebody is: their words, their place, their pointer.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nobody.h"
#include "tap.h"

/* Quotes are written as '. */
static char *spell(const char *format, const char *text)
{
	char *made;

	if (asprintf(&made, format, text) < 0)
		abort();
	for (char *p = made; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return made;
}

static const struct {
	const char *text, *want; /* NULL: it is good */
} cases[] = {
	{ "{'redirect_https':{'hsts':'365d','include_subdomains':true,'preload':true}}", NULL },
	{ "{'rate_limit':{'rate':'1048575/s','algorithm':'sliding_window'}}", NULL },
	{ "{'rate_limit':{'rate':'1048576/s','algorithm':'sliding_window'}}",
	  "2:23: /routes/0/policies/0/rate_limit/rate: is more than 1048575, the most of a sliding "
	  "window" },
	{ "{'rate_limit':{'rate':'5/s','algorithm':'sliding_window','burst':5}}",
	  "2:66: /routes/0/policies/0/rate_limit/burst: has no meaning with 'sliding_window'" },
	{ "{'rate_limit':{'rate':'5/s','algorithm':'sliding_window','cost':6}}",
	  "2:65: /routes/0/policies/0/rate_limit/cost: is more than the rate: no request would "
	  "pass" },
	{ "{'rate_limit':{'rate':'5/s','algorithm':'sliding'}}",
	  "/routes/0/policies/0/rate_limit/algorithm: unknown value 'sliding'" },
	{ "{'headers':{'request':{'set':{'X-A':'{client_ip}'}}}},"
	  "{'headers':{'request':{'add':{'X-B':'b'}},'response':{'remove':['X-A']}}},{'request_id':"
	  "'X-Trace'}",
	  NULL },
	{ "{'rate_limit':{'rate':'1/s','per':[],'claim':'tenant'}}",
	  "/routes/0/policies: 'rate_limit' counts by a claim before any 'jwt' that could have "
	  "found "
	  "it" },
	{ "{'quota':{'limit':1,'every':'day','claim':''}}",
	  "/quota/claim: '' is not 1 to 256 bytes long" },
	{ "{'concurrency_limit':{'limit':1,'claim':'a\\u001fb'}}",
	  "must be without control characters" },
	{ "{'headers':{}}", "2:12: /routes/0/policies/0/headers: needs 'request' or 'response'" },
	{ "{'headers':{'request':{}}}",
	  "/routes/0/policies/0/headers/request: needs 'set', 'add' or 'remove'" },
	{ "{'headers':{'request':{'set':{'Host':'a'}}}}",
	  "/headers/request/set/Host: 'Host' is changed by 'rewrite.host'" },
	{ "{'headers':{'request':{'set':{'X-A':'{id}'}}}}",
	  "/request/set/X-A: '{id}' is not a parameter of match.path" },
	{ "{'headers':{'response':{'set':{'X-A':'a'}}}},{'headers':{'response':{'add':{'x-a':'b'}}}"
	  "}",
	  "/routes/0/policies/1: 'x-a' is changed by another policy, or by the route itself" },
	{ "{'request_id':{}},{'headers':{'response':{'remove':['X-Request-Id']}}}",
	  "/routes/0/policies/1: 'X-Request-Id' is changed by another policy, or by the route" },
	{ "{'request_id':{'header':'a b'}}",
	  "/request_id/header: 'a b' is not the name of a header field" },
	{ "{'redirect_https':{'include_subdomains':true}}",
	  "2:41: /routes/0/policies/0/redirect_https/include_subdomains: needs 'hsts' beside it" },
	{ "{'redirect_https':{'hsts':'364d','include_subdomains':true,'preload':true}}",
	  "2:70: /routes/0/policies/0/redirect_https/preload: needs 'include_subdomains', and "
	  "'hsts' of 365d or more" },
	{ "{'redirect_https':{'hsts':'365d','preload':true}}",
	  "2:44: /routes/0/policies/0/redirect_https/preload: needs 'include_subdomains', and "
	  "'hsts' of 365d or more" },
	{ "{'maintenance':{'detail':'Back at <noon> & \\u0022not\\u0022 before.'}}", NULL },
	{ "{'maintenance':{'detail':''}}",
	  "2:26: /routes/0/policies/0/maintenance/detail: '' must be 1 to 256 printable ASCII "
	  "characters" },
	{ "{'maintenance':{'detail':'a\\nb'}}",
	  "2:26: /routes/0/policies/0/maintenance/detail: 'a?b' must be 1 to 256 printable ASCII "
	  "characters" },
	{ "{'maintenance':{'retry_after':'0s'}}",
	  "2:31: /routes/0/policies/0/maintenance/retry_after: must be " },
};

static int parse(const char *policies, FILE *errors)
{
	struct sl_rules *rules = NULL;
	char *text = spell("{'listeners':{'a':'127.0.0.1:1'},'routes':[{'match':{'path':'/'},"
			   "'respond':{},'policies':[\n%s]}]}",
			   policies);
	int ret = sl_config_parse(sl_str_of(text), "t", NULL, errors, &rules);

	sl_config_free(rules);
	free(text);
	return ret;
}

static void judge(const char *text, const char *want)
{
	char *said = NULL;
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);
	int ret = parse(text, errors);

	fclose(errors);
	is_int(ret, want ? -EINVAL : 0, "%s", text);
	ok(want ? strstr(said, want) != NULL : said_len == 0, "for its reason");
	if (want && !strstr(said, want))
		printf("# got %s# want %s\n", said, want);
	free(said);
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(cases[i].text, cases[i].want);
	return done_testing();
}
