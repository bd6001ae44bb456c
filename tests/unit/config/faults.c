// SPDX-License-Identifier: Apache-2.0
// Every kind of fault: its exact words, its place, its pointer; and all of a file at once.
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>

#include "nobody.h"
#include "tap.h"

struct fault {
	const char *text, *want;
};

/* Quotes are written as ', to be read more easily. */
static void expect(const char *text, const char *want)
{
	struct sl_rules *rules = NULL;
	char *said = NULL, *json = strdup(text);
	size_t said_len;
	FILE *errors = open_memstream(&said, &said_len);

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	is_int(sl_config_parse(sl_str_of(json), "t", NULL, errors, &rules), -EINVAL, "refused: %s",
	       text);
	fclose(errors);
	is_str((struct sl_str){ said, said_len }, want, "for its reason");
	ok(!rules, "and without rules");
	sl_config_free(rules);
	free(json);
	free(said);
}

static void expect_all(const struct fault *table)
{
	for (; table->text; table++)
		expect(table->text, table->want);
}

/* A table of faults in one object: the text around it is always the same. */
static void expect_in(const char *before, const char *after, const struct fault *table)
{
	char text[1024], want[1024];

	for (; table->text; table++) {
		snprintf(text, sizeof(text), "%s\n%s%s", before, table->text, after);
		snprintf(want, sizeof(want), "t:2:%s\n", table->want);
		expect(text, want);
	}
}

#define BRACKETS8 "[[[[[[[["
#define BRACKETS BRACKETS8 BRACKETS8 BRACKETS8 BRACKETS8 BRACKETS8 BRACKETS8 BRACKETS8 BRACKETS8

static const struct fault syntax[] = {
	{ "", "t:1:1: '[' or '{' expected near end of file\n" },
	{ "[]", "t:1:1: must be an object, not an array\n" },
	{ "{\n  'a': }", "t:2:8: unexpected token near '}'\n" },
	{ "{ 'a': 1, 'a': 2 }", "t:1:13: duplicate object key near '\"a\"'\n" },
	{ "{}\n{}", "t:2:1: end of file expected near '{'\n" },
	{ "{ 'a': '\\u0000' }",
	  "t:1:15: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"\\u0000\"'\n" },
	{ BRACKETS "[]", "t:1:65: more than 64 brackets inside each other\n" },
	{ "{ 'listeners': { 'a': [ 'x', ] } }",
	  "t:1:30: unexpected token near ']': the ',' before it is one too many\n" },
	{ "{\n'a': 1,\n}",
	  "t:3:1: string or '}' expected near '}': the ',' before it is one too many\n" },
	{ "{ 'a: 1 }", "t:1:9: premature end of input near '\"a: 1 }'\n" },
	{ "{ 'a': 1e999 }", "t:1:12: real number overflow near '1e999'\n" },
	{ "{ 'a': 9223372036854775808 }", "t:1:26: too big integer near '9223372036854775808'\n" },
	{ "{}", "t:1:1: 'listeners' is missing\nt:1:1: 'routes' is missing\n" },
	{ NULL, NULL },
};

#define LISTENER "'listeners':{'l':'127.0.0.1:1'},"
#define UPSTREAM "'upstreams':{'origin':{'targets':['127.0.0.1:2']}},"
#define ROUTE "'routes':[{'respond':{}}]"

#define DIGEST "'0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef'"

#define NO_USER                                                                                    \
	"is not the name of a user or a group: 1 to 32 letters, digits, '-', '_' and '.', not "    \
	"beginning with '-'"

static const struct fault top[] = {
	{ "'rootes':1", "1: /rootes: unknown key 'rootes'; did you mean 'routes'?" },
	{ "'zzz':1", "1: /zzz: unknown key 'zzz'" },
	{ "'admin':{'address':'0.0.0.0:9901'}",
	  "20: /admin/address: can be reached from elsewhere, and 'public' does not allow that" },
	{ "'admin':{'address':'[::]:9901','public':false}",
	  "20: /admin/address: can be reached from elsewhere, and 'public' does not allow that" },
	{ "'admin':{'address':'[::ffff:10.0.0.1]:9901'}",
	  "20: /admin/address: can be reached from elsewhere, and 'public' does not allow that" },
	{ "'admin':{'address':'127.0.0.1:9901','mode':'0600'}",
	  "44: /admin/mode: is of an address such as \"unix:/path\"" },
	{ "'admin':{'address':'unix:/a','mode':'0777'}",
	  "37: /admin/mode: unknown value '0777'; must be 'umask', '0600', '0660' or '0666'" },
	{ "'admin':{'public':true}", "9: /admin: 'address' is missing" },
	{ "'metrics':{'routes':0}", "21: /metrics/routes: must be between 1 and 10000" },
	{ "'metrics':{'targets':10001}", "22: /metrics/targets: must be between 1 and 10000" },
	{ "'a/b~c':1", "1: /a~1b~0c: unknown key 'a/b~c'" },
	{ "'\\u001b[2J':1", "1: /?[2J: unknown key '?[2J'" },
	{ "'policies':{'p':[]}", "17: /policies/p: needs at least 1 element, not 0" },
	{ "'policies':{'p':[{}]}",
	  "18: /policies/p/0: needs 'key_auth', 'basic_auth', 'jwt', 'oidc', 'mtls', 'hmac', "
	  "'require', "
	  "'rate_limit', "
	  "'quota', 'concurrency_limit', "
	  "'any_of', 'anonymous', 'ip_access', 'cors', 'body_limit', 'redirect_https', "
	  "'headers', 'request_id' or 'maintenance'" },
	{ "'policies':{'p':['q']}", "18: /policies/p/0: must be an object, not a string" },
	{ "'policies':{'p':[{'use':'q','key_auth':{}}]}",
	  "19: /policies/p/0/use: unknown key 'use'" },
	{ "'policies':{'p':[{'key_auth':{},'require':{'groups':['g']}}]}",
	  "18: /policies/p/0: 'key_auth' and 'require' exclude each other" },
	{ "'policies':{'p':[{'key_auth':{'header':'a b'}}]}",
	  "40: /policies/p/0/key_auth/header: 'a b' is not the name of a header field" },
	{ "'policies':{'p':[{'key_auth':{'header':'Connection'}}]}",
	  "40: /policies/p/0/key_auth/header: 'Connection' is set by the gateway itself" },
	{ "'policies':{'p':[{'key_auth':{'query':'a&b'}}]}",
	  "39: /policies/p/0/key_auth/query: 'a&b' is looked for as it is written: without '&', "
	  "'=', '%', '+' and what a query encodes" },
	{ "'policies':{'p':[{'require':{}}]}",
	  "29: /policies/p/0/require: needs 'groups', 'consumers', 'scopes' or 'when'" },
	{ "'policies':{'p':[{'rate_limit':{}}]}",
	  "32: /policies/p/0/rate_limit: 'rate' is missing" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'0'}}]}",
	  "40: /policies/p/0/rate_limit/rate: must be more than 0" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'5/d'}}]}",
	  "40: /policies/p/0/rate_limit/rate: '5/d' must be a rate such as \"200/s\", \"10/m\" "
	  "or 0" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'5/s','cost':6}}]}",
	  "53: /policies/p/0/rate_limit/cost: is more than the burst: no request would pass" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'1/h','burst':5}}]}",
	  "54: /policies/p/0/rate_limit/burst: takes longer than 4 h 48 min to come together at "
	  "this rate: make it smaller, or the rate larger" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'1/s','per':[]}}]}",
	  "52: /policies/p/0/rate_limit/per: needs at least a word, or 'header' or 'claim' beside "
	  "it" },
	{ "'consumers':{'a':{'basic_auth':[{}]}}",
	  "33: /consumers/a/basic_auth/0: 'password_hash' is missing" },
	{ "'consumers':{'a':{'basic_auth':['secret']}}",
	  "33: /consumers/a/basic_auth/0: what stands here is no hash that crypt(5) knows: make "
	  "one with "
	  "\"htpasswd -nB\" or \"mkpasswd\"" },
	{ "'consumers':{'a':{'basic_auth':['$1$abcdefgh$irWbblnpmw.5z7wgBnprh0']}}",
	  "33: /consumers/a/basic_auth/0: what stands here is a hash of a kind "
	  "that is too weak: make one with \"htpasswd -nB\" or \"mkpasswd\"" },
	{ "'consumers':{'a':{'basic_auth':[{'username':'b:c','password_hash':'$5$a$b'}]}}",
	  "45: /consumers/a/basic_auth/0/username: 'b:c' must be without ':' and control "
	  "characters" },
	{ "'consumers':{'a':{'basic_auth':['$5$a$b']},'b':{'basic_auth':[{'username':'a',"
	  "'password_hash':'$5$a$b'}]}}",
	  "63: /consumers/b/basic_auth/0: the same username is there before: nobody could tell "
	  "whose "
	  "it is" },
	{ "'policies':{'p':[{'basic_auth':{'cache':'2d'}}]}",
	  "41: /policies/p/0/basic_auth/cache: must be between 0 and 1d" },
	{ "'policies':{'p':[{'concurrency_limit':{}}]}",
	  "39: /policies/p/0/concurrency_limit: 'limit' is missing" },
	{ "'policies':{'p':[{'concurrency_limit':{'limit':1,'per':[]}}]}",
	  "56: /policies/p/0/concurrency_limit/per: needs at least a word, or 'header' or 'claim' "
	  "beside it" },
	{ "'policies':{'p':[{'ip_access':{}}]}",
	  "31: /policies/p/0/ip_access: needs 'allow', 'deny', 'allow_files' or 'deny_files'" },
	{ "'policies':{'p':[{'ip_access':{'deny_files':['/no/such']}}]}",
	  "46: /policies/p/0/ip_access/deny_files/0: cannot be read: No such file or directory" },
	{ "'policies':{'p':[{'cors':{'origins':['a.example']}}]}",
	  "38: /policies/p/0/cors/origins/0: 'a.example' must be an origin such as "
	  "\"https://app.example\", in lower case and without a path, \"https://*.app.example\", "
	  "\"null\" or \"*\"" },
	{ "'policies':{'p':[{'cors':{'origins':['*'],'credentials':true}}]}",
	  "57: /policies/p/0/cors/credentials: are for origins that are named, not for \"*\": any "
	  "page could act as its reader" },
	{ "'policies':{'p':[{'body_limit':{'bytes':0}}]}",
	  "41: /policies/p/0/body_limit/bytes: must be between 1B and 1TiB" },
	{ "'policies':{'p':[{'redirect_https':{'port':0}}]}",
	  "44: /policies/p/0/redirect_https/port: must be between 1 and 65535" },
	{ "'policies':{'p':[{'any_of':[]}]}",
	  "28: /policies/p/0/any_of: needs at least 1 element, not 0" },
	{ "'policies':{'p':[{'any_of':{}}]}", "28: /policies/p/0/any_of: 'lists' is missing" },
	{ "'policies':{'p':[{'any_of':['q']}]}",
	  "18: /policies/p/0: there is no list 'q' in 'policies'" },
	{ "'policies':{'p':[{'any_of':['p']}]}",
	  "18: /policies/p/0: the list 'p' has an 'any_of' itself" },
	{ "'policies':{'p':[{'anonymous':'q'}]}",
	  "18: /policies/p/0: there is no consumer 'q' in 'consumers'" },
	{ "'policies':{'p':[{'quota':{'every':'day'}}]}",
	  "27: /policies/p/0/quota: 'limit' is missing" },
	{ "'policies':{'p':[{'quota':{'limit':0,'every':'day'}}]}",
	  "36: /policies/p/0/quota/limit: must be between 1 and 4000000000" },
	{ "'policies':{'p':[{'quota':{'limit':5,'every':'week'}}]}",
	  "46: /policies/p/0/quota/every: unknown value 'week'; must be 'minute', 'hour', 'day' "
	  "or 'month'" },
	{ "'policies':{'p':[{'quota':{'limit':5,'every':'day','cost':6}}]}",
	  "59: /policies/p/0/quota/cost: is more than the limit: no request would pass" },
	{ "'policies':{'p':[{'quota':{'limit':5,'every':'day','per':[]}}]}",
	  "58: /policies/p/0/quota/per: needs at least a word, or 'header' or 'claim' beside it" },
	{ "'policies':{'p':[{'rate_limit':{'rate':'1/s','per':'cunsomer'}}]}",
	  "52: /policies/p/0/rate_limit/per: unknown value 'cunsomer'; did you mean 'consumer'?" },
	{ "'consumers':{'a b':{}}",
	  "14: /consumers/a b: 'a b' is not a name: 1 to 64 letters, digits, '-', '_' and '.'" },
	{ "'consumers':{'a':{'api_keys':[{}]}}",
	  "31: /consumers/a/api_keys/0: 'sha256' is missing" },
	{ "'consumers':{'a':{'api_keys':[{'sha256':'0123'}]}}",
	  "41: /consumers/a/api_keys/0/sha256: is no SHA-256: 64 hexadecimal digits, as \"printf "
	  "%s KEY | sha256sum\" prints them" },
	{ "'consumers':{'a':{'api_keys':[{'sha256':" DIGEST ",'expires':'2027-02-30'}]}}",
	  "118: /consumers/a/api_keys/0/expires: '2027-02-30' must be a time such as "
	  "\"2027-01-31\" or \"2027-01-31T12:00:00Z\"" },
	{ "'consumers':{'a':{'api_keys':[{'sha256':" DIGEST "}]},"
	  "'b':{'api_keys':[{'sha256':" DIGEST "}]}}",
	  "128: /consumers/b/api_keys/0: the same key is there before: nobody could tell whose it "
	  "is" },
	{ "'$schema':1", "11: /$schema: must be a string, not an integer" },
	{ "'gateway':null", "11: /gateway: must be an object, not null" },
	{ "'gateway':{'workers':0}", "22: /gateway/workers: must be between 1 and 1024" },
	{ "'gateway':{'workers':1025}", "22: /gateway/workers: must be between 1 and 1024" },
	{ "'gateway':{'workers':-1}", "22: /gateway/workers: must not be negative" },
	{ "'gateway':{'workers':'all'}",
	  "22: /gateway/workers: must be an integer or \"auto\", not a string" },
	{ "'gateway':{'workers':1.5}",
	  "22: /gateway/workers: must be an integer or \"auto\", not a number with a fraction" },
	{ "'gateway':{'run_dir':'run'}", "22: /gateway/run_dir: 'run' must be an absolute path" },
	{ "'gateway':{'run_dir':'/23456789012345678901234567890123456789012345678901234567890"
	  "123456789012345678901234567890'}",
	  "22: /gateway/run_dir: '/2345678901234567890123456789012345678901234567890123456789"
	  "01234' is too long: the path of a socket in it has 80 bytes left" },
	{ "'gateway':{'state_dir':'s'}", "24: /gateway/state_dir: 's' must be an absolute path" },
	{ "'gateway':{'user':''}", "19: /gateway/user: '' " NO_USER },
	{ "'gateway':{'user':'-a'}", "19: /gateway/user: '-a' " NO_USER },
	{ "'gateway':{'user':'a b'}", "19: /gateway/user: 'a b' " NO_USER },
	{ "'gateway':{'user':'a','group':'23456789_23456789_23456789_23456789'}",
	  "31: /gateway/group: '23456789_23456789_23456789_23456789' " NO_USER },
	{ "'gateway':{'user':0}", "19: /gateway/user: must be a string, not an integer" },
	{ "'gateway':{'sandbox':'on'}",
	  "22: /gateway/sandbox: unknown value 'on'; must be 'auto', 'off' or 'require'" },
	{ "'gateway':{'sandbox':true}", "22: /gateway/sandbox: must be a string, not true" },
	{ "'gateway':{'group':'a'}", "20: /gateway/group: does nothing without 'user'" },
	{ "'limits':{'header_bytes':'1MiB'}",
	  "26: /limits/header_bytes: must be between 1KiB and 64KiB" },
	{ "'limits':{'header_bytes':1023}",
	  "26: /limits/header_bytes: must be between 1KiB and 64KiB" },
	{ "'limits':{'header_bytes':'64K'}",
	  "26: /limits/header_bytes: '64K' must be a size such as \"64KiB\" or a number of bytes" },
	{ "'limits':{'body_bytes':'99999999TiB'}",
	  "24: /limits/body_bytes: '99999999TiB' is too large" },
	{ "'limits':{'idle_timeout':5}",
	  "26: /limits/idle_timeout: must be a duration such as \"250ms\", \"5s\", \"1h\" or 0, "
	  "not an integer" },
	{ "'limits':{'idle_timeout':'5'}", "26: /limits/idle_timeout: '5' must be a duration such "
					   "as \"250ms\", \"5s\", \"1h\" or 0" },
	{ "'limits':{'body_rate':'5GiB/s'}",
	  "23: /limits/body_rate: must be between 0 and 4294967295B/s" },
	{ "'limits':{'body_rate':'10/m'}",
	  "23: /limits/body_rate: '10/m' must come to a whole number a second" },
	{ "'limits':{'body_rate':'100'}",
	  "23: /limits/body_rate: '100' must be a rate such as \"100/s\", \"64KiB/s\" or 0" },
	{ "'limits':{'body_rate':7}", "23: /limits/body_rate: must be a rate such as \"100/s\", "
				      "\"64KiB/s\" or 0, not an integer" },
	{ "'limits':{'connections':4294967296}",
	  "25: /limits/connections: must be between 1 and 4294967295" },
	{ "'kernel':{'interfaces':['eth0/1']}",
	  "25: /kernel/interfaces/0: 'eth0/1' is not the name of a network interface" },
	{ "'kernel':{'interfaces':['a','a']}", "29: /kernel/interfaces/1: 'a' is there twice" },
	{ "'kernel':{'mode':'nativ'}",
	  "18: /kernel/mode: unknown value 'nativ'; did you mean 'native'?" },
	{ "'kernel':{'mode':'require'}", "18: /kernel/mode: does nothing without 'interfaces'" },
	{ "'kernel':{'pins':'x'}", "18: /kernel/pins: 'x' must be an absolute path" },
	{ "'kernel':{'deny':['192.0.2.1/24']}",
	  "19: /kernel/deny/0: '192.0.2.1/24' is not an address or a prefix such as "
	  "\"192.0.2.0/24\" (all bits beyond the prefix are 0)" },
	{ "'kernel':{'deny':[{'action':'drop'}]}", "19: /kernel/deny/0: 'prefix' is missing" },
	{ "'kernel':{'deny':[{'prefix':'::1','reason':'0123456789abcdef'}]}",
	  "44: /kernel/deny/0/reason: '0123456789abcdef' is not a word: 1 to 15 letters, digits, "
	  "'-', '_' and '.'" },
	{ "'kernel':{'allow':[{'prefix':'::1','port':0}]}",
	  "43: /kernel/allow/0/port: must be between 1 and 65535" },
	{ "'kernel':{'management':[{'prefix':'::1','port':1}]}",
	  "41: /kernel/management/0/port: unknown key 'port'" },
	{ "'kernel':{'client_limits':{'packets':'10KiB/s'}}",
	  "38: /kernel/client_limits/packets: '10KiB/s' must be a rate such as \"200/s\", "
	  "\"10/m\" or 0" },
	{ "'kernel':{'client_limits':{'packets':'2000000000/s'}}",
	  "38: /kernel/client_limits/packets: '2000000000/s' is too large: 1000000000 at the "
	  "most" },
	{ "'kernel':{'client_limits':{'bytes':'100/s'}}",
	  "36: /kernel/client_limits/bytes: '100/s' is too small: 1024 a second at the least" },
	{ "'kernel':{'client_limits':{'bytes':{'rate':'1MiB/s','burst':'1KiB'}}}",
	  "61: /kernel/client_limits/bytes/burst: must be 65536 at the least" },
	{ "'kernel':{'client_limits':{'connections':{'rate':'1/h','burst':9}}}",
	  "64: /kernel/client_limits/connections/burst: takes more than 4 hours to come together "
	  "at this rate" },
	{ "'kernel':{'client_limits':{'connections':7}}",
	  "42: /kernel/client_limits/connections: must be a string or an object, not an integer" },
	{ "'kernel':{'syn_flood':{'rate':'1/h','burst':9}}",
	  "45: /kernel/syn_flood/burst: takes more than 4 hours to come together at this rate" },
	{ "'kernel':{'syn_flood':{'rate':'5/s','answer':'cookies'}}",
	  "46: /kernel/syn_flood/answer: unknown value 'cookies'; did you mean 'cookie'?" },
	{ "'kernel':{'scope':'port'}",
	  "19: /kernel/scope: unknown value 'port'; did you mean 'ports'?" },
	{ "'kernel':{'punish':{'after':'ten'}}",
	  "29: /kernel/punish/after: 'ten' must be a number and a time such as \"50 failures in "
	  "10s\"" },
	{ "'kernel':{'punish':{'after':'0 failures in 1s'}}",
	  "29: /kernel/punish/after: '0 failures in 1s' must be 1 to 1000000 failures in 1s to "
	  "1h" },
	{ "'kernel':{'punish':{'for':'1h','max':'1m'}}",
	  "38: /kernel/punish/max: must not be shorter than 'for'" },
	{ "'kernel':{'punish':{'budget':0}}",
	  "30: /kernel/punish/budget: must be between 1 and 60000" },
	{ "'forwarded':{'via':1}", "20: /forwarded/via: must be true or false, not an integer" },
	{ "'forwarded':{'forwarded':'of'}",
	  "26: /forwarded/forwarded: unknown value 'of'; did you mean 'off'?" },
	{ "'forwarded':{'forwarded':'qqq'}",
	  "26: /forwarded/forwarded: unknown value 'qqq'; must be 'append', 'replace', 'off' or "
	  "'pass'" },
	{ "'forwarded':{'trusted_proxies':['10.0.0.0/8','10.0.0.1/8']}",
	  "46: /forwarded/trusted_proxies/1: '10.0.0.1/8' is not an address or a prefix such as "
	  "\"192.0.2.0/24\" (all bits beyond the prefix are 0)" },
	{ "'paths':{'encoded_slashes':[]}",
	  "28: /paths/encoded_slashes: must be a string, not an array" },
	{ "'logs':{'access':true}", "18: /logs/access: must be false or an object, not true" },
	{ "'logs':{'access':{'format':'cobmined'}}",
	  "28: /logs/access/format: unknown value 'cobmined'; did you mean 'combined'?" },
	{ "'logs':{'access':{'format':''}}", "28: /logs/access/format: unknown value ''; must be "
					     "'json', 'combined', 'common' or a text "
					     "with variables such as $status" },
	{ "'logs':{'access':{'format':'$statsu'}}",
	  "28: /logs/access/format: unknown variable '$statsu'; did you mean '$status'?" },
	{ "'logs':{'access':{'format':'$zzzzzzzzzzzz'}}",
	  "28: /logs/access/format: unknown variable '$zzzzzzzzzzzz'" },
	{ "'logs':{'access':{'format':'$status $'}}",
	  "28: /logs/access/format: '$status $' has a '$' without a name; '$$' is a dollar sign" },
	{ "'logs':{'access':{'format':'$status\\n'}}",
	  "28: /logs/access/format: '$status?' has a control character; a request is one line" },
	{ "'logs':{'access':{'format':1}}",
	  "28: /logs/access/format: must be a string, not an integer" },
	{ "'logs':{'access':{'redact_query':['a=']}}",
	  "35: /logs/access/redact_query/0: 'a=' is not the name of a query parameter: it has no "
	  "'&', '=' or ';'" },
	{ "'logs':{'access':{'redact_query':['']}}",
	  "35: /logs/access/redact_query/0: '' is not the name of a query parameter: 1 to 64 "
	  "bytes" },
	{ "'logs':{'access':{'path':'x.log'}}",
	  "26: /logs/access/path: 'x.log' must be an absolute path" },
	{ NULL, NULL },
};

static const struct fault listeners[] = {
	{ "{}", "1: /listeners: needs at least 1 element, not 0" },
	{ "{'a b':'127.0.0.1:1'}",
	  "2: /listeners/a b: 'a b' is not a name: 1 to 64 letters, digits, '-', '_' and '.'" },
	{ "{'a':1}", "6: /listeners/a: must be a string or an object, not an integer" },
	{ "{'a':{}}", "6: /listeners/a: 'address' is missing" },
	{ "{'a':{'address':'127.0.0.1:1','mode':'0600'}}",
	  "38: /listeners/a/mode: is of an address such as \"unix:/path\"" },
	{ "{'a':'localhost:80'}",
	  "6: /listeners/a: 'localhost:80' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\" or \"unix:/path\"" },
	{ "{'a':{'address':'1.2.3.4:0'}}",
	  "17: /listeners/a/address: '1.2.3.4:0' needs a port from 1 to 65535" },
	{ "{'a':'1.2.3.4:1','b':{'address':'1.2.3.4:1'}}",
	  "22: /listeners/b: listener 'a' has the same address" },
	{ "{'a':'*:80'}", "6: /listeners/a: '*:80' has no address: every one is \"0.0.0.0:80\", or "
			  "\"[::]:80\" with those of IPv6" },
	{ "{'a':':80'}", "6: /listeners/a: ':80' has no address: every one is \"0.0.0.0:80\", or "
			 "\"[::]:80\" with those of IPv6" },
	{ "{'a':'1:1','b':'1:1'}",
	  "6: /listeners/a: '1:1' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\" or \"unix:/path\"\n"
	  "t:2:16: /listeners/b: '1:1' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\" or \"unix:/path\"" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{}}}",
	  "35: /listeners/a/tls: 'certificates' is missing" },
	{ "{'a':{'address':'1.2.3.4:1','tls':true}}",
	  "35: /listeners/a/tls: must be an object, not true" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':[]}}}",
	  "51: /listeners/a/tls/certificates: needs at least 1 element, not 0" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':[{'certificate':'/a'}]}}}",
	  "52: /listeners/a/tls/certificates/0: 'key' is missing" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':[{'certificate':'a','key':'/b'}]}}}",
	  "67: /listeners/a/tls/certificates/0/certificate: 'a' must be an absolute path" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':[{'certificate':'/','key':'/b'}]}}}",
	  "67: /listeners/a/tls/certificates/0/certificate: /: is not a regular file" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'profile':'old'}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:63: /listeners/a/tls/profile: unknown value 'old'; must be 'intermediate' or "
	  "'modern'" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'handshake_timeout':'2m'}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:73: /listeners/a/tls/handshake_timeout: must be between 100ms and 1m" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'client_crl':'/c'}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:66: /listeners/a/tls/client_crl: does nothing without 'client_ca'" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'client_headers':true}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:70: /listeners/a/tls/client_headers: does nothing without 'client_ca'" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'client_ca':'/"
	  "c','client_depth':17}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:85: /listeners/a/tls/client_depth: must be between 0 and 16" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'kernel_tls':'on','certificates':5}}}",
	  "49: /listeners/a/tls/kernel_tls: unknown value 'on'; must be 'auto', 'off' or "
	  "'require'\n"
	  "t:2:69: /listeners/a/tls/certificates: must be an array, not an integer" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'unknown_names':'drop'}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:69: /listeners/a/tls/unknown_names: unknown value 'drop'; must be 'serve' or "
	  "'refuse'" },
	{ "{'a':{'address':'1.2.3.4:1','tls':{'certificates':5,'deny_ja4':['q13']}}}",
	  "51: /listeners/a/tls/certificates: must be an array, not an integer\n"
	  "t:2:65: /listeners/a/tls/deny_ja4/0: 'q13' is no JA4 of TLS over TCP: 't', nine "
	  "characters, and two times '_' and twelve hexadecimal digits in lower case" },
	{ "{'a':{'address':'1.2.3.4:1','proxy_protocol':{'from':[]}}}",
	  "54: /listeners/a/proxy_protocol/from: needs at least 1 element, not 0" },
	{ NULL, NULL },
};

static const struct fault upstreams[] = {
	{ "{'a':{}}", "6: /upstreams/a: 'targets' is missing" },
	{ "{'a':{'targets':{}}}", "17: /upstreams/a/targets: must be an array, not an object" },
	{ "{'a':{'targets':['nobody.test:80']}}",
	  "18: /upstreams/a/targets/0: the host name of 'nobody.test:80' does not resolve" },
	{ "{'a':{'targets':['nobody']}}",
	  "18: /upstreams/a/targets/0: 'nobody' is not an address such as \"192.0.2.1:80\", "
	  "\"[2001:db8::1]:80\", \"name.example:80\" or \"unix:/path\"" },
	{ "{'a':{'targets':[{'address':'1.2.3.4:1','weight':1001}]}}",
	  "50: /upstreams/a/targets/0/weight: must be between 1 and 1000" },
	{ "{'a':{'targets':['1.2.3.4:1'],'balance':'least_request'}}",
	  "41: /upstreams/a/balance: unknown value 'least_request'; did you mean "
	  "'least_requests'?" },
	{ "{'a':{'targets':['1.2.3.4:1'],'hash_on':'path'}}",
	  "41: /upstreams/a/hash_on: does nothing without 'balance': 'consistent_hash'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'balance':'consistent_hash','hash_on':'ip'}}",
	  "69: /upstreams/a/hash_on: 'ip' must be \"client\", \"path\", \"header:NAME\" or "
	  "\"cookie:NAME\"" },
	{ "{'a':{'targets':['1.2.3.4:1'],'balance':'consistent_hash','hash_on':'header:'}}",
	  "69: /upstreams/a/hash_on: 'header:' does not name a header field behind its colon" },
	{ "{'a':{'targets':['1.2.3.4:1'],'balance':'consistent_hash','hash_on':'cookie:a b'}}",
	  "69: /upstreams/a/hash_on: 'cookie:a b' does not name a cookie behind its colon" },
	{ "{'a':{'targets':['1.2.3.4:1'],'sticky':{}}}",
	  "40: /upstreams/a/sticky: 'cookie' is missing" },
	{ "{'a':{'targets':['1.2.3.4:1'],'sticky':{'cookie':'a;b'}}}",
	  "50: /upstreams/a/sticky/cookie: 'a;b' is not the name of a cookie: 1 to 64 characters "
	  "of a token" },
	{ "{'a':{'targets':['1.2.3.4:1'],'sticky':{'cookie':'a','secret':''}}}",
	  "63: /upstreams/a/sticky/secret: what stands here must have 1 to 256 bytes" },
	{ "{'a':{'targets':['1.2.3.4:1'],'outlier_detection':{'statuses':[500,404]}}}",
	  "68: /upstreams/a/outlier_detection/statuses/1: must be between 500 and 563" },
	{ "{'a':{'targets':['1.2.3.4:1'],'outlier_detection':{'statuses':['502']}}}",
	  "64: /upstreams/a/outlier_detection/statuses/0: must be an integer, not a string" },
	{ "{'a':{'targets':['1.2.3.4:1'],'outlier_detection':{'eject_for':'0'}}}",
	  "64: /upstreams/a/outlier_detection/eject_for: must be between 1ms and 1d" },
	{ "{'a':{'targets':['1.2.3.4:1'],'outlier_detection':{'max_eject_for':'29s'}}}",
	  "68: /upstreams/a/outlier_detection/max_eject_for: must not be less than 'eject_for'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'outlier_detection':{'consecutive_failures':0}}}",
	  "75: /upstreams/a/outlier_detection/consecutive_failures: must be between 1 and 10000" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'path':'up'}}}",
	  "54: /upstreams/a/health_check/path: 'up' must start with '/'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'host':'a b'}}}",
	  "54: /upstreams/a/health_check/host: 'a b' is not a host such as \"api.example.com\" or "
	  "\"api.example.com:80\"" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'status':'399-200'}}}",
	  "56: /upstreams/a/health_check/status: '399-200' must be a status such as \"204\" or a "
	  "range such as \"200-399\"" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'status':'2xx'}}}",
	  "56: /upstreams/a/health_check/status: '2xx' must be a status such as \"204\" or a "
	  "range such as \"200-399\"" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'interval':'99ms'}}}",
	  "58: /upstreams/a/health_check/interval: must be between 100ms and 1d" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'timeout':0}}}",
	  "57: /upstreams/a/health_check/timeout: must be between 1ms and 1h" },
	{ "{'a':{'targets':['1.2.3.4:1'],'health_check':{'healthy_after':0}}}",
	  "63: /upstreams/a/health_check/healthy_after: must be between 1 and 1000" },
	{ "{'a':{'targets':['1.2.3.4:1'],'slow_start':'25h'}}",
	  "44: /upstreams/a/slow_start: must be between 0 and 1d" },
	{ "{'a':{'targets':['1.2.3.4:1'],'retries':{'attempts':11}}}",
	  "53: /upstreams/a/retries/attempts: must be between 0 and 10" },
	{ "{'a':{'targets':['1.2.3.4:1'],'retries':{'on':['502','resets']}}}",
	  "54: /upstreams/a/retries/on/1: unknown value 'resets'; did you mean 'reset'?" },
	{ "{'a':{'targets':['1.2.3.4:1'],'retries':{'on':[502]}}}",
	  "48: /upstreams/a/retries/on/0: must be a string, not an integer" },
	{ "{'a':{'targets':['1.2.3.4:1'],'retries':{'budget':101}}}",
	  "51: /upstreams/a/retries/budget: must be between 0 and 100" },
	{ "{'a':{'targets':['1.2.3.4:1'],'panic_threshold':101}}",
	  "49: /upstreams/a/panic_threshold: must be between 0 and 100" },
	{ "{'a':{'targets':['1.2.3.4:1'],'timeouts':{'conect':'1s'}}}",
	  "43: /upstreams/a/timeouts/conect: unknown key 'conect'; did you mean 'connect'?" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':true}}",
	  "37: /upstreams/a/tls: must be an object, not true" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'ca':'a'}}}",
	  "43: /upstreams/a/tls/ca: 'a' must be an absolute path" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'ca':'/'}}}",
	  "43: /upstreams/a/tls/ca: /: is not a regular file" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'ca':'/nowhere/ca.pem'}}}",
	  "43: /upstreams/a/tls/ca: /nowhere/ca.pem: No such file or directory" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'ca':'/dev/null','crl':'/nowhere/crl'}}}",
	  "43: /upstreams/a/tls/ca: /dev/null: is not a regular file\n"
	  "t:2:61: /upstreams/a/tls/crl: /nowhere/crl: No such file or directory" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':'no'}}}",
	  "47: /upstreams/a/tls/verify: must be true or false, not a string" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'crl':'/c'}}}",
	  "59: /upstreams/a/tls/crl: does nothing without 'verify'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'key':'/k'}}}",
	  "59: /upstreams/a/tls/key: does nothing without 'certificate'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'certificate':'/c'}}}",
	  "67: /upstreams/a/tls/certificate: needs its 'key'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'certificate':'/c','key':'/k'}}}",
	  "67: /upstreams/a/tls/certificate: /c: No such file or directory" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'server_name':'a.example:443'}}}",
	  "67: /upstreams/a/tls/server_name: 'a.example:443' is neither a host name, without a "
	  "port, nor an address" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'server_name':'a b'}}}",
	  "67: /upstreams/a/tls/server_name: 'a b' is neither a host name, without a port, nor an "
	  "address" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'server_name':''}}}",
	  "67: /upstreams/a/tls/server_name: '' is neither a host name, without a port, nor an "
	  "address" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'depth':17}}}",
	  "61: /upstreams/a/tls/depth: must be between 0 and 16" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verify':false,'profile':'old'}}}",
	  "63: /upstreams/a/tls/profile: unknown value 'old'; must be 'intermediate' or 'modern'" },
	{ "{'a':{'targets':['1.2.3.4:1'],'tls':{'verfy':false}}}",
	  "38: /upstreams/a/tls/verfy: unknown key 'verfy'; did you mean 'verify'?" },
	{ "{'a':{'targets':['unix:/a'],'tls':{'ca':'/nowhere'}}}",
	  "35: /upstreams/a/tls: needs 'server_name' for 'unix:/a', which has none\n"
	  "t:2:41: /upstreams/a/tls/ca: /nowhere: No such file or directory" },
	{ NULL, NULL },
};

static const struct fault routes[] = {
	{ "[]", "1: /routes: needs at least 1 element, not 0" },
	{ "[{}]", "2: /routes/0: needs 'upstream', 'respond' or 'redirect'" },
	{ "[{'upstream':'origin','respond':{}}]",
	  "2: /routes/0: 'upstream' and 'respond' exclude each other" },
	{ "[{'upstream':'orgin'}]",
	  "14: /routes/0/upstream: there is no upstream 'orgin'; did you mean 'origin'?" },
	{ "[{'upstream':'zz'}]", "14: /routes/0/upstream: there is no upstream 'zz'" },
	{ "[{'name':'','upstream':'origin'}]",
	  "10: /routes/0/name: '' is not a name: 1 to 64 letters, digits, '-', '_' and '.'" },
	{ "[{'name':'a','match':{'path':'/a'},'respond':{}},{'name':'a','respond':{}}]",
	  "58: /routes/1/name: route 0 has the same name" },
	{ "[{'upstream':'origin'},{'respond':{}}]",
	  "24: /routes/1: takes the same requests as route 'route[0]' (/routes/0): host, path, "
	  "method and conditions are alike" },
	{ "[{'match':{'path':'/a/*/b'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a/*/b': '*' stands only at the end, as \"/*\"" },
	{ "[{'match':{'path':'v1'},'respond':{}}]",
	  "19: /routes/0/match/path: 'v1' must start with '/'" },
	{ "[{'match':{'hosts':[]},'respond':{}}]",
	  "20: /routes/0/match/hosts: needs at least 1 element, not 0" },
	{ "[{'match':{'hosts':['a.*.b']},'respond':{}}]",
	  "21: /routes/0/match/hosts/0: 'a.*.b' is not a host such as \"api.example.com\" or "
	  "\"*.example.com\" (no port, '*' only as the first label)" },
	{ "[{'match':{'methods':['GET','get']},'respond':{}}]",
	  "29: /routes/0/match/methods/1: unknown method 'get'; did you mean 'GET'?" },
	{ "[{'match':{'methods':[]},'respond':{}}]",
	  "22: /routes/0/match/methods: needs at least 1 element; leave it out for all" },
	{ "[{'match':{'headers':{'A':'1','b':{'present':true}}},'respond':{}},"
	  "{'match':{'headers':{'B':{'present':true},'a':'1'}},'respond':{}}]",
	  "68: /routes/1: takes the same requests as route 'route[0]' (/routes/0): host, path, "
	  "method and conditions are alike" },
	{ "[{'match':{'headers':{'a b':'1'}},'respond':{}}]",
	  "23: /routes/0/match/headers/a b: 'a b' is not the name of a header field" },
	{ "[{'match':{'headers':{'host':'1'}},'respond':{}}]",
	  "23: /routes/0/match/headers/host: 'host' is matched by 'hosts'" },
	{ "[{'match':{'headers':{'X-Request-Id':'1'}},'respond':{}}]",
	  "23: /routes/0/match/headers/X-Request-Id: 'X-Request-Id' is not passed on as it came, "
	  "so "
	  "no route can look at it" },
	{ "[{'match':{'headers':{'X_Client_Cert_SAN':'1'}},'respond':{}}]",
	  "23: /routes/0/match/headers/X_Client_Cert_SAN: 'X_Client_Cert_SAN' is not passed on as "
	  "it came, so no route can look at it" },
	{ "[{'match':{'headers':{'te':'1'}},'respond':{}}]",
	  "23: /routes/0/match/headers/te: 'te' is not passed on as it came, so no route can look "
	  "at "
	  "it" },
	{ "[{'match':{'headers':{'a':' 1'}},'respond':{}}]",
	  "27: /routes/0/match/headers/a: ' 1' has white space at an end, where no field has any" },
	{ "[{'match':{'headers':{'a':'\\u0001'}},'respond':{}}]",
	  "27: /routes/0/match/headers/a: '?' has a control character" },
	{ "[{'match':{'headers':{'a':1}},'respond':{}}]",
	  "27: /routes/0/match/headers/a: must be a string or an object, not an integer" },
	{ "[{'match':{'headers':{'a':{}}},'respond':{}}]",
	  "27: /routes/0/match/headers/a: needs 'value', 'regex' or 'present'" },
	{ "[{'match':{'headers':{'a':{'value':'1','present':true}}},'respond':{}}]",
	  "27: /routes/0/match/headers/a: 'value' and 'present' exclude each other" },
	{ "[{'match':{'headers':{'x-a':'1','X-A':'2'}},'respond':{}}]",
	  "39: /routes/0/match/headers/X-A: is there twice: case does not tell fields apart" },
	{ "[{'match':{'headers':{'a':{'regex':'a(b'}}},'respond':{}}]",
	  "36: /routes/0/match/headers/a/regex: 'a(b': missing closing parenthesis, at character "
	  "4" },
	{ "[{'match':{'query':{'a':{'regex':7}}},'respond':{}}]",
	  "34: /routes/0/match/query/a/regex: must be a string, not an integer" },
	{ "[{'match':{'path_regex':'/[a'},'respond':{}}]",
	  "25: /routes/0/match/path_regex: '/[a': missing terminating ] for character class, at "
	  "character 4" },
	{ "[{'match':{'path_regex':''},'respond':{}}]",
	  "25: /routes/0/match/path_regex: '' takes no path" },
	{ "[{'match':{'path_regex':'/a','path':'/a'},'respond':{}}]",
	  "11: /routes/0/match: 'path' and 'path_regex' exclude each other" },
	{ "[{'match':{'path_regex':'/(?<path>.*)'},'respond':{}}]",
	  "25: /routes/0/match/path_regex: the names \"path\" and \"query\" are taken: redirects "
	  "use them" },
	{ "[{'match':{'path_regex':'/(?<a>.*)'},'rewrite':{'path':'/{b}'},'upstream':'origin'}]",
	  "56: /routes/0/rewrite/path: '{b}' is not a parameter of match.path_regex" },
	{ "[{'match':{'path_regex':'/a'},'respond':{}},{'match':{'path_regex':'/a'},'respond':{}}]",
	  "45: /routes/1: takes the same requests as route 'route[0]' (/routes/0): host, path, "
	  "method and conditions are alike" },
	{ "[{'match':{'path_regex':'/a'},'respond':{}},{'respond':{}}]",
	  "2: /routes/0: takes no request: paths go before path_regex, and a route of the same "
	  "host "
	  "takes \"/*\"" },
	{ "[{'match':{'query':{'':'1'}},'respond':{}}]",
	  "21: /routes/0/match/query/: '' is not the name of a parameter" },
	{ "[{'match':{'query':['a']},'respond':{}}]",
	  "20: /routes/0/match/query: must be an object, not an array" },
	{ "[{'rewrite':{'path':'/x'},'respond':{}}]",
	  "13: /routes/0/rewrite: does nothing without 'upstream'" },
	{ "[{'rewrite':{},'upstream':'origin'}]",
	  "13: /routes/0/rewrite: needs 'strip_prefix', 'path' or 'host'" },
	{ "[{'rewrite':{'path':'/x','strip_prefix':'/y'},'upstream':'origin'}]",
	  "13: /routes/0/rewrite: 'strip_prefix' and 'path' exclude each other" },
	{ "[{'rewrite':{'strip_prefix':'/y/'},'upstream':'origin'}]",
	  "29: /routes/0/rewrite/strip_prefix: '/y/' must not end with '/'" },
	{ "[{'rewrite':{'path':'/a b'},'upstream':'origin'}]",
	  "21: /routes/0/rewrite/path: '/a b' must be ASCII without spaces, control characters and "
	  "'#'" },
	{ "[{'match':{'path':'/{id}'},'rewrite':{'path':'/{id}/{no}'},'upstream':'origin'}]",
	  "46: /routes/0/rewrite/path: '{no}' is not a parameter of match.path" },
	{ "[{'rewrite':{'path':'/{id'},'upstream':'origin'}]",
	  "21: /routes/0/rewrite/path: has a '{' or '}' without its partner; \"{{\" and "
	  "\"}}\" stand for one" },
	{ "[{'match':{'path':'/a/*'},'rewrite':{'strip_prefix':'/b'},'upstream':'origin'}]",
	  "53: /routes/0/rewrite/strip_prefix: '/b' begins no path that match.path takes" },
	{ "[{'rewrite':{'strip_prefix':'/%61'},'upstream':'origin'}]",
	  "29: /routes/0/rewrite/strip_prefix: '/%61' begins no path that match.path takes" },
	{ "[{'rewrite':{'host':'a b'},'upstream':'origin'}]",
	  "21: /routes/0/rewrite/host: 'a b' is neither \"upstream\" nor a host such as "
	  "\"api.example.com\", with or without a port" },
	{ "[{'request_headers':{'remove':['a']},'respond':{}}]",
	  "21: /routes/0/request_headers: does nothing without 'upstream'" },
	{ "[{'request_headers':{},'upstream':'origin'}]",
	  "21: /routes/0/request_headers: needs 'set', 'add' or 'remove'" },
	{ "[{'request_headers':{'set':{'host':'a'}},'upstream':'origin'}]",
	  "29: /routes/0/request_headers/set/host: 'host' is changed by 'rewrite.host'" },
	{ "[{'request_headers':{'add':{'Transfer-Encoding':'chunked'}},'upstream':'origin'}]",
	  "29: /routes/0/request_headers/add/Transfer-Encoding: 'Transfer-Encoding' is set by the "
	  "gateway itself" },
	{ "[{'request_headers':{'remove':['x','X-Forwarded-For']},'upstream':'origin'}]",
	  "36: /routes/0/request_headers/remove/1: 'X-Forwarded-For' is set by the gateway itself, "
	  "as 'forwarded' says" },
	{ "[{'request_headers':{'set':{'x-client-cert-san':'a'}},'upstream':'origin'}]",
	  "29: /routes/0/request_headers/set/x-client-cert-san: 'x-client-cert-san' is set by the "
	  "gateway itself, as 'client_headers' says" },
	{ "[{'request_headers':{'remove':['a b']},'upstream':'origin'}]",
	  "32: /routes/0/request_headers/remove/0: 'a b' is not the name of a header field" },
	{ "[{'request_headers':{'set':{'a':'1'},'remove':['A']},'upstream':'origin'}]",
	  "21: /routes/0/request_headers: 'A' is there twice" },
	{ "[{'request_headers':{'set':{'a':'{id}'}},'upstream':'origin'}]",
	  "33: /routes/0/request_headers/set/a: '{id}' is not a parameter of match.path" },
	{ "[{'response_headers':{'add':{'a':'}'}},'respond':{}}]",
	  "34: /routes/0/response_headers/add/a: has a '{' or '}' without its partner; \"{{\" and "
	  "\"}}\" stand for one" },
	{ "[{'response_headers':{'set':{'a':'x\\ny'}},'respond':{}}]",
	  "34: /routes/0/response_headers/set/a: 'x?y' has a control character" },
	{ "[{'response_headers':{'set':{'Via':'1.1 x'}},'respond':{}}]",
	  "30: /routes/0/response_headers/set/Via: 'Via' is set by the gateway itself, as "
	  "'forwarded' says" },
	{ "[{'response_headers':{'remove':['Content-Length']},'respond':{}}]",
	  "33: /routes/0/response_headers/remove/0: 'Content-Length' is set by the gateway "
	  "itself" },
	{ "[{'redirect':{}}]", "14: /routes/0/redirect: 'location' is missing" },
	{ "[{'redirect':{'location':'/{path}{x}'}}]",
	  "26: /routes/0/redirect/location: '{x}' is not a parameter of match.path" },
	{ "[{'redirect':{'location':'/a\\r\\nb'}}]",
	  "26: /routes/0/redirect/location: '/a??b' is not a URI reference: ASCII without spaces "
	  "and "
	  "control characters" },
	{ "[{'redirect':{'location':'/','status':300}}]",
	  "39: /routes/0/redirect/status: must be 301, 302, 303, 307 or 308" },
	{ "[{'respond':{'status':101}}]",
	  "23: /routes/0/respond/status: must be between 200 and 599" },
	{ "[{'respond':{'status':204,'body':'x'}}]",
	  "34: /routes/0/respond/body: a 204 has no body" },
	{ "[{'respond':{'headers':{'Content-Length':'1'}}}]",
	  "25: /routes/0/respond/headers/Content-Length: 'Content-Length' is set by the gateway "
	  "itself" },
	{ "[{'respond':{'headers':{'a b':'1'}}}]",
	  "25: /routes/0/respond/headers/a b: 'a b' is not the name of a header field" },
	{ "[{'respond':{'headers':{'a':'1\\r\\nb: 2'}}}]",
	  "29: /routes/0/respond/headers/a: '1??b: 2' has a control character" },
	{ "[{'match':{'methods':['BREW']},'respond':{}}]",
	  "23: /routes/0/match/methods/0: unknown method 'BREW'" },
	{ "[{'redirect':{'location':''}}]", "26: /routes/0/redirect/location: '' is not a URI "
					    "reference: ASCII without spaces and control "
					    "characters" },
	{ "[{'match':{'path':'/a%2fb'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a%2fb': '%' is followed by two hexadecimal digits in upper "
	  "case" },
	{ "[{'match':{'path':'/%41'},'respond':{}}]",
	  "19: /routes/0/match/path: '/%41': letters, digits and -._~ are written without a "
	  "percent-escape" },
	{ "[{'match':{'path':'/a/../b'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a/../b': dot segments are never left in a path" },
	{ "[{'match':{'path':'/a//b'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a//b': repeated slashes are never left in a path" },
	{ "[{'match':{'path':'/a{b}'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a{b}': a parameter is a whole segment, \"/{name}\"" },
	{ "[{'match':{'path':'/{b.c}'},'respond':{}}]",
	  "19: /routes/0/match/path: '/{b.c}': a parameter's name is letters, digits, '_' and "
	  "'-'" },
	{ "[{'match':{'path':'/{path}'},'respond':{}}]",
	  "19: /routes/0/match/path: '/{path}': the names \"path\" and \"query\" are taken: "
	  "redirects use them" },
	{ "[{'match':{'path':'/{a}/{a}'},'respond':{}}]",
	  "19: /routes/0/match/path: '/{a}/{a}': a parameter's name is used twice" },
	{ "[{'match':{'path':'/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}'},'respond':{}}]",
	  "19: /routes/0/match/path: '/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}': a path has at most 8 "
	  "parameters" },
	{ "[{'match':{'path':'/a?b'},'respond':{}}]",
	  "19: /routes/0/match/path: '/a?b': a path has no query and no fragment" },
	{ "[{'policies':['p'],'respond':{}}]",
	  "15: /routes/0/policies/0: there is no list 'p' in 'policies'" },
	{ "[{'policies':[{'require':{'groups':['g']}},{'key_auth':{}}],'respond':{}}]",
	  "14: /routes/0/policies: 'require' stands before any policy that finds out who asks, "
	  "such as 'key_auth'" },
	{ "[{'policies':[{'key_auth':{},'use':'p'}],'respond':{}}]",
	  "15: /routes/0/policies/0: 'use' and 'key_auth' exclude each other" },
	{ NULL, NULL },
};

static void test_all_at_once(void)
{
	expect("{\n"
	       "  'limits': { 'header_count': 7, 'memori': 1 }, // twice\n"
	       "  'routes': [\n"
	       "    { 'upstream': 'x' },\n"
	       "    { 'respond': { 'status': '200' } }\n"
	       "  ],\n"
	       "  'listeners': { 'a': 5 }\n"
	       "}\n",
	       "t:2:31: /limits/header_count: must be between 8 and 256\n"
	       "t:2:34: /limits/memori: unknown key 'memori'; did you mean 'memory'?\n"
	       "t:4:19: /routes/0/upstream: there is no upstream 'x'\n"
	       "t:5:30: /routes/1/respond/status: must be an integer, not a string\n"
	       "t:7:23: /listeners/a: must be a string or an object, not an integer\n");
}

/* One more than a map may have. */
static void test_too_many(void)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs("{" LISTENER "'routes':[{'respond':{'headers':{", f);
	for (int i = 0; i < 65; i++)
		fprintf(f, "%s'h%d':''", i ? "," : "", i);
	fputs("}}}]}", f);
	fclose(f);
	expect(text, "t:1:66: /routes/0/respond/headers: needs at most 64 elements, not 65\n");
	free(text);
}

/* The last that may be there, and one more. */
static void test_targets(void)
{
	for (int nr = 1024; nr <= 1025; nr++) {
		struct sl_rules *rules = NULL;
		char *text;
		size_t len;
		FILE *f = open_memstream(&text, &len);

		fputs("{" LISTENER ROUTE ",'upstreams':{'a':{'targets':[", f);
		for (int i = 0; i < nr; i++)
			fprintf(f, "%s'1.2.3.4:%d'", i ? "," : "", i + 1);
		fputs("]}}}", f);
		fclose(f);
		if (nr == 1025)
			expect(text, "t:1:88: /upstreams/a/targets: needs at most 1024 elements, "
				     "not 1025\n");
		for (char *p = text; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		is_int(sl_config_parse(sl_str_of(text), "t", NULL, NULL, &rules),
		       nr == 1024 ? 0 : -EINVAL, "%d targets", nr);
		sl_config_free(rules);
		free(text);
	}
}

static void test_flood(void)
{
	enum { FAULTS = 90000 };
	char *text = malloc(FAULTS * 2 + 64), *said = NULL, *last;
	struct sl_rules *rules = NULL;
	size_t len, n;
	FILE *errors = open_memstream(&said, &len);

	n = (size_t)sprintf(text, "{\"routes\":[");
	for (size_t i = 0; i < FAULTS; i++)
		n += (size_t)sprintf(text + n, i ? ",7" : "7");
	n += (size_t)sprintf(text + n, "]}");
	is_int(sl_config_parse((struct sl_str){ text, n }, "t", NULL, errors, &rules), -EINVAL,
	       "90,000 faults");
	fclose(errors);
	last = memmem(said, len, "\nt: ", 4);
	is_str(sl_str_of(last ? last + 1 : ""), "t: 89937 more faults are not shown\n",
	       "are counted, and the first 64 shown");
	free(text);
	free(said);
}

int main(void)
{
	expect_all(syntax);
	expect_in("{" LISTENER ROUTE ",", "}", top);
	expect_in("{" ROUTE ",'listeners':", "}", listeners);
	expect_in("{" LISTENER ROUTE ",'upstreams':", "}", upstreams);
	expect_in("{" LISTENER UPSTREAM "'routes':", "}", routes);
	test_all_at_once();
	test_too_many();
	test_targets();
	test_flood();
	return done_testing();
}
