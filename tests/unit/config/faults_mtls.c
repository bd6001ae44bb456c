// SPDX-License-Identifier: Apache-2.0
// Faults of certificates by which consumers are known, and of the policies that ask for them.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define PRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *consumers, *policy, *want; /* NULL: it is good but for the listener */
} cases[] = {
	{ "{'sha256':'" PRINT "'},{'san':'DNS:a'},{'san':'URI:spiffe://a/b%20c'},"
	  "{'san':'IP:::1'},{'san':'email:a@b'},{'subject':'CN=a,O=b c'}",
	  "{'mtls':{}}", NULL },
	{ "{'sha256':'01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:"
	  "23:45:67:89:AB:CD:EF'}",
	  "{'mtls':{'optional':true,'consumer_optional':true}}", NULL },
	{ "{'sha256':'01:23'}", "{'mtls':{}}",
	  "/consumers/c/certificates/0/sha256: '01:23' is no SHA-256: 64 hexadecimal digits" },
	{ "{'san':'a.example'}", "{'mtls':{}}",
	  "/consumers/c/certificates/0/san: 'a.example' is no name such as \"DNS:a.example\"" },
	{ "{'san':'DNS:'}", "{'mtls':{}}", "/certificates/0/san: 'DNS:' is no name such as" },
	{ "{'san':'DNS:a, DNS:b'}", "{'mtls':{}}",
	  "/certificates/0/san: 'DNS:a, DNS:b' is written as X-Client-Cert-San has it" },
	{ "{'subject':''}", "{'mtls':{}}",
	  "/certificates/0/subject: '' is not 1 to 511 bytes long" },
	{ "{}", "{'mtls':{}}", "/certificates/0: needs 'sha256', 'san' or 'subject'" },
	{ "{'san':'DNS:a','subject':'CN=a'}", "{'mtls':{}}", "/certificates/0" },
	{ "{'san':'DNS:a'},{'san':'DNS:a'}", "{'mtls':{}}",
	  "/consumers/c/certificates/1: the same certificate is there before: nobody could tell "
	  "whose it is" },
	{ "{'sha256':'" PRINT "'},{'sha256':'0123456789ABCDEF0123456789abcdef0123456789abcdef01:23:"
	  "4567:89abcdef'}",
	  "{'mtls':{}}", "/consumers/c/certificates/1: the same certificate is there before" },
	{ "{'san':'DNS:a'}", "{'mtls':{'required':true}}", "/policies/0/mtls" },
};

static const char no_listener[] = "/routes/0/policies/0: no listener asks clients for "
				  "certificates: 'client_ca' in its 'tls'";

/* Quotes are written as '. */
static char *spell(const char *consumers, const char *policy)
{
	char *text;

	if (asprintf(&text,
		     "{'listeners':{'l':'127.0.0.1:1'},\n'consumers':{'c':{'certificates':[%s]}},"
		     "\n'routes':[{'respond':{},'policies':[%s]}]}",
		     consumers, policy) < 0)
		abort();
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return text;
}

static void expect(const char *consumers, const char *policy, const char *want)
{
	struct sl_rules *rules = NULL;
	char *said = NULL, *text = spell(consumers, policy);
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	is_int(sl_config_parse(sl_str_of(text), "t", NULL, errors, &rules), -EINVAL, "refused: %s",
	       text);
	fclose(errors);
	ok(strstr(said, want), "for its reason: %s", said);
	sl_config_free(rules);
	free(said);
	free(text);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect(cases[i].consumers, cases[i].policy,
		       cases[i].want ? cases[i].want : no_listener);
	return done_testing();
}
