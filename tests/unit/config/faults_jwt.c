// SPDX-License-Identifier: Apache-2.0
// Faults of policy jwt: their exact words, their place, their pointer.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "nobody.h"
#include "tap.h"

#define ED "'kty':'OKP','crv':'Ed25519','x':'11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'"

static char good[] = "/tmp/sluice-jwks-XXXXXX", bad[] = "/tmp/sluice-jwks-XXXXXX";

/* Quotes are written as '; $ is the good key set's path, % the bad one's. */
static char *spell(const char *text)
{
	char *made = NULL;
	size_t len;
	FILE *f = open_memstream(&made, &len);

	for (; *text; text++) {
		if (*text == '$')
			fputs(good, f);
		else if (*text == '%')
			fputs(bad, f);
		else
			fputc(*text == '\'' ? '"' : *text, f);
	}
	fclose(f);
	return made;
}

static void save(char *path, const char *text)
{
	int fd = mkstemp(path);
	char *spelt = spell(text);

	if (fd < 0 || write(fd, spelt, strlen(spelt)) < 0)
		abort();
	close(fd);
	free(spelt);
}

static int parse(const char *policies, FILE *errors)
{
	struct sl_rules *rules = NULL;
	char *json = spell(policies), *text = NULL;
	int ret;

	if (asprintf(
		    &text,
		    "{\"listeners\":{\"a\":\"127.0.0.1:1\"},\"consumers\":{\"c\":{}},"
		    "\"routes\":[{\"match\":{\"path\":\"/\"},\"respond\":{},\"policies\":[\n%s]}]}",
		    json) < 0)
		abort();
	ret = sl_config_parse(sl_str_of(text), "t", NULL, errors, &rules);
	sl_config_free(rules);
	free(json);
	free(text);
	return ret;
}

static const struct {
	const char *text, *want; /* NULL: it is good */
} cases[] = {
	{ "{'jwt':{'jwks_file':'$'}}", NULL },
	{ "{'jwt':{'jwks_file':'$','issuer':'a','audience':['b','c'],'consumer_claim':'sub'}},"
	  "{'require':{'scopes':['read:all']}}",
	  NULL },
	{ "{'jwt':{'jwks_file':'$'}},{'jwt':{'jwks_file':'$','algorithms':['EdDSA']}}", NULL },
	{ "{'jwt':{}}", "2:8: /routes/0/policies/0/jwt: needs 'jwks_file' or 'jwks_url'" },
	{ "{'jwt':{'jwks_file':'keys'}}",
	  "2:21: /routes/0/policies/0/jwt/jwks_file: needs an absolute path" },
	{ "{'jwt':{'jwks_file':'/nowhere/at-all'}}",
	  "2:21: /routes/0/policies/0/jwt/jwks_file: /nowhere/at-all: No such file or directory" },
	{ "{'jwt':{'jwks_file':'/'}}",
	  "2:21: /routes/0/policies/0/jwt/jwks_file: /: is a directory" },
	{ "{'jwt':{'jwks_file':'/dev/null'}}",
	  "2:21: /routes/0/policies/0/jwt/jwks_file: /dev/null: is not a plain file" },
	{ "{'jwt':{'jwks_file':'%'}}",
	  "2:21: /routes/0/policies/0/jwt/jwks_file: %: key 0: 'kty' has to be there, and a "
	  "string" },
	{ "{'jwt':{'algorithms':[],'jwks_file':'$'}}",
	  "2:22: /routes/0/policies/0/jwt/algorithms: needs one at least" },
	{ "{'jwt':{'algorithms':['RS256'],'jwks_file':'$'}}",
	  "2:22: /routes/0/policies/0/jwt/algorithms: no key of $ is good for any of these: no "
	  "token would pass" },
	{ "{'jwt':{'issuer':'','jwks_file':'$'}}",
	  "2:18: /routes/0/policies/0/jwt/issuer/0: '' is not 1 to 256 bytes long" },
	{ "{'jwt':{'issuer':1,'jwks_file':'$'}}",
	  "2:18: /routes/0/policies/0/jwt/issuer: must be a string or an array, not an integer" },
	{ "{'jwt':{'leeway':'11m','jwks_file':'$'}}",
	  "2:18: /routes/0/policies/0/jwt/leeway: must be between 0 and 10m" },
	{ "{'jwt':{'consumer_optional':true,'jwks_file':'$'}}",
	  "2:29: /routes/0/policies/0/jwt/consumer_optional: needs 'consumer_claim' beside it" },
	{ "{'key_auth':{}},{'require':{'scopes':['read']}}",
	  "1:111: /routes/0/policies: 'require' wants scopes before any 'jwt' that could have "
	  "found some" },
	{ "{'jwt':{'jwks_file':'$'}},{'require':{'scopes':['a b']}}",
	  "scopes/0: 'a b' is no scope: it has a character that RFC 6749 3.3 does not allow" },
	{ "{'jwt':{'jwks_file':'$'}},{'require':{}}",
	  "policies/1/require: needs 'groups', 'consumers', 'scopes' or 'when'" },
};

static void judge(const char *text, const char *wanted)
{
	char *said = NULL, *want = wanted ? spell(wanted) : NULL;
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);
	int ret = parse(text, errors);

	fclose(errors);
	is_int(ret, want ? -EINVAL : 0, "%s", text);
	for (char *p = want; p && *p; p++)
		*p = *p == '"' ? '\'' : *p;
	ok(want ? strstr(said, want) != NULL : said_len == 0, "for its reason");
	if (want && !strstr(said, want))
		printf("# got %s# want %s\n", said, want);
	free(said);
	free(want);
}

int main(void)
{
	save(good, "{'keys':[{" ED "}]}");
	save(bad, "{'keys':[{'x':'AA'}]}");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(cases[i].text, cases[i].want);
	unlink(good);
	unlink(bad);
	return done_testing();
}
