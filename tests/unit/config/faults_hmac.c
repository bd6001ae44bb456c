// SPDX-License-Identifier: Apache-2.0
// Faults of policy hmac and of the secrets for it: their words, their place; no secret is shown.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nobody.h"
#include "tap.h"

#define SECRET "'0123456789abcdef'"

/* A consumer's keys and a policy. */
static const struct {
	const char *keys, *policy, *want; /* NULL: it is good */
} cases[] = {
	{ "{'id':'a','secret':" SECRET "},{'id':'b','secret_base64':'MDEyMzQ1Njc4OWFiY2RlZg=='}",
	  "", NULL },
	{ "", "'components':['@target-uri','date','content-digest'],'max_age':'1h','leeway':0",
	  NULL },
	{ "{'secret':" SECRET "}", "", "2:1: /consumers/c/hmac_keys/0: 'id' is missing" },
	{ "{'id':'a'}", "", "2:1: /consumers/c/hmac_keys/0: needs 'secret' or 'secret_base64'" },
	{ "{'id':'a','secret':" SECRET ",'secret_base64':'AA=='}", "",
	  "/consumers/c/hmac_keys/0: 'secret' and 'secret_base64' exclude each other" },
	{ "{'id':'a','secret':'0123456789abcde'}", "",
	  "2:20: /consumers/c/hmac_keys/0/secret: what stands here must have 16 to 1024 bytes" },
	{ "{'id':'a','secret_base64':'MDEyMzQ1Njc4OWFiY2Rl'}", "",
	  "2:27: /consumers/c/hmac_keys/0/secret_base64: what stands here must be 16 to 1024 bytes "
	  "in "
	  "base64, with their padding" },
	{ "{'id':'a b','secret':" SECRET "}", "", "2:7: /consumers/c/hmac_keys/0/id: 'a b' " },
	{ "{'id':'a','secret':" SECRET "},{'id':'a','secret':" SECRET "}", "",
	  "/consumers/c/hmac_keys/1: the same id is there before: nobody could tell whose it is" },
	{ "", "'components':[]", "/hmac/components: needs at least 1 element, not 0" },
	{ "", "'components':['@status']",
	  "/hmac/components/0: '@status' is neither the name of a header field nor '@method'" },
	{ "", "'components':['Date']",
	  "/hmac/components/0: 'Date' has to be in lower case, as it is signed (RFC 9421 2.1)" },
	{ "", "'max_age':'61m'", "/hmac/max_age: must be between 1s and 1h" },
	{ "", "'max_age':0", "/hmac/max_age: must be between 1s and 1h" },
	{ "", "'leeway':'11m'", "/hmac/leeway: must be between 0 and 10m" },
	{ "", "'tag':''", "/hmac/tag: '' must be 1 to 64 printable ASCII characters" },
	{ "", "'tag':'a\\u0022b'", "printable ASCII characters, without '\"' and '\\'" },
};

static int parse(unsigned i, FILE *errors)
{
	struct sl_rules *rules = NULL;
	char *text = NULL;
	int ret;

	if (asprintf(&text,
		     "{'listeners':{'a':'127.0.0.1:1'},'consumers':{'c':{'hmac_keys':[\n%s]}},"
		     "'routes':[{'respond':{},'policies':[{'hmac':{%s}}]}]}",
		     cases[i].keys, cases[i].policy) < 0)
		abort();
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	ret = sl_config_parse(sl_str_of(text), "t", NULL, errors, &rules);
	sl_config_free(rules);
	free(text);
	return ret;
}

static void judge(unsigned i)
{
	const char *want = cases[i].want;
	char *said = NULL;
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);
	int ret = parse(i, errors);

	fclose(errors);
	is_int(ret, want ? -EINVAL : 0, "%s %s", cases[i].keys, cases[i].policy);
	if (!ok(want ? strstr(said, want) != NULL : said_len == 0, "for its reason"))
		printf("# got %s# want %s\n", said, want ? want : "nothing");
	ok(!strstr(said, "0123456789"), "and no secret is shown");
	free(said);
}

int main(void)
{
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(i);
	return done_testing();
}
