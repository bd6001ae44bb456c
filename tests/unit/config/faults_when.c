// SPDX-License-Identifier: Apache-2.0
// Conditions in a configuration: where they are at fault, and that nobody has to be known for all.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static const struct {
	const char *policies, *want; /* NULL: it is good */
} cases[] = {
	{ "{'require':{'when':'method == `GET`'}}", NULL },
	{ "{'require':{'when':['method == `GET`','client in [`10.0.0.0/8`]']}}", NULL },
	{ "{'key_auth':{}},{'require':{'when':'groups has `a`'}}", NULL },
	{ "{'require':{'when':'method = `GET`'}}",
	  "/routes/0/policies/0/require/when: character 8, '= 'GET'': no word begins so" },
	{ "{'require':{'when':['method == `GET`','nothing == 1']}}",
	  "/routes/0/policies/0/require/when/1: character 1, 'nothing == 1': 'nothing' is "
	  "unknown: method, path, path.NAME, host, client, consumer, groups, scopes, "
	  "claims.NAME, header(\"NAME\")" },
	{ "{'require':{'when':''}}",
	  "/require/when: character 1, '': a name, a string or a number" },
	{ "{'require':{'when':[]}}", "/require/when" },
	{ "{'require':{'when':1}}", "/require/when: must be a string or an array" },
	{ "{'require':{'when':[1]}}", "/require/when/0: must be a string" },
	{ "{'require':{}}", "/require: needs 'groups', 'consumers', 'scopes' or 'when'" },
	{ "{'require':{'when':'groups has `a`'}}",
	  "'require' stands before any policy that finds out who asks, such as 'key_auth'" },
	{ "{'key_auth':{}},{'require':{'when':'claims.sub == `a`'}}",
	  "'require' wants scopes or claims before any 'jwt' that could have found some" },
	{ "{'key_auth':{}},{'require':{'when':'scopes has `a`'}}",
	  "'require' wants scopes or claims before any 'jwt' that could have found some" },
};

/* Quotes are written as ', and those of an expression as `. */
static char *spell(const char *policies)
{
	char *text;

	if (asprintf(
		    &text,
		    "{'listeners':{'l':'127.0.0.1:1'},\n'routes':[{'respond':{},'policies':[%s]}]}",
		    policies) < 0)
		abort();
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	return text;
}

static void judge(const char *policies, const char *want)
{
	struct sl_rules *rules = NULL;
	char *said = NULL, *text = spell(policies);
	size_t len;
	FILE *errors = open_memstream(&said, &len);
	int ret = sl_config_parse(sl_str_of(text), "t", NULL, errors, &rules);

	fclose(errors);
	is_int(ret, want ? -EINVAL : 0, "%s: %s", want ? "refused" : "good", policies);
	ok(want ? strstr(said, want) != NULL : said[0] == '\0', "what is said: %s", said);
	sl_config_free(rules);
	free(said);
	free(text);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(cases[i].policies, cases[i].want);
	return done_testing();
}
