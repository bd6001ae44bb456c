// SPDX-License-Identifier: Apache-2.0
// Good configurations: what is left out gets its default, what is said arrives where it belongs.
#include "config/config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/rundir.h"
#include "http/method.h"
#include "tap.h"

static const char minimal[] = "{ \"listeners\": { \"http\": \"127.0.0.1:8080\" },\n"
			      "  \"routes\": [ { \"respond\": {} } ] }\n";

static const char full[] =
	"// a comment\n"
	"{ \"$schema\": \"x\",\n"
	"  \"kernel\": { \"interfaces\": [ \"eth0\", \"eth1\" ], \"mode\": \"require\",\n"
	"    \"pins\": \"/p\", \"management\": [ \"10.0.0.1\" ],\n"
	"    \"allow\": [ { \"prefix\": \"10.0.0.0/8\", \"port\": 80 } ],\n"
	"    \"deny\": [ \"2001:db8::/32\", { \"prefix\": \"::1\", \"action\": \"reject\",\n"
	"      \"reason\": \"spam\" } ], \"scope\": \"ports\", \"shadow\": true,\n"
	"    \"client_limits\": { \"packets\": \"20000/s\", \"bytes\": \"1KiB/s\",\n"
	"      \"connections\": { \"rate\": \"10/m\", \"burst\": 7 } },\n"
	"    \"syn_flood\": { \"rate\": \"20000/s\", \"burst\": 40000, \"answer\": \"drop\" },\n"
	"    \"punish\": { \"after\": \"1 failure in 1m\", \"for\": \"1s\" } },\n"
	"  \"gateway\": { \"workers\": 3, \"run_dir\": \"/r\", \"user\": \"u-1\",\n"
	"    \"group\": \"_g.2\" },\n"
	"  \"listeners\": { \"a\": { \"address\": \"[::]:80\", // \"no\"\n"
	"    \"proxy_protocol\": { \"from\": [ \"10.0.0.0/8\", \"::1\" ] } }, \"b\": \"unix:/b\" "
	"},\n"
	"  \"routes\": [\n"
	"    { \"name\": \"r\", \"match\": { \"hosts\": [ \"API.Example.com\", \"*.example.COM\",\n"
	"      \"[::1]\" ], \"path\": \"/items/{id}\", \"methods\": [ \"GET\", \"POST\" ],\n"
	"      \"headers\": { \"X-V\": \"2\", \"x-d\": { \"present\": true } },\n"
	"      \"query\": { \"q\": { \"value\": \"\" }, \"no\": { \"present\": false } } },\n"
	"      \"rewrite\": { \"path\": \"/i?n={id}\", \"host\": \"upstream\" },\n"
	"      \"request_headers\": { \"set\": { \"A\": \"{id}{route}\" }, \"remove\": [ \"b\", "
	"\"c\" ] },\n"
	"      \"response_headers\": { \"add\": { \"D\": \"{{}}\" } }, \"upstream\": \"two\" },\n"
	"    { \"match\": { \"path\": \"/v1/*\" }, \"rewrite\": { \"strip_prefix\": \"/v1\" },\n"
	"      \"upstream\": \"one\" },\n"
	"    { \"match\": { \"path\": \"/r/{x}\" },\n"
	"      \"redirect\": { \"status\": 308, \"location\": \"/{x}{path}?{query}\" } },\n"
	"    { \"match\": { \"path\": \"/hi\" }, \"respond\": { \"status\": 201,\n"
	"      \"headers\": { \"X-A\": \"1\", \"content-type\": \"text/plain\" },\n"
	"      \"body\": \"hi\\n\" } } ],\n"
	"  \"upstreams\": { \"one\": { \"targets\": [ \"127.0.0.1:1\" ] },\n"
	"    \"two\": { \"targets\": [ \"unix:/t\", { \"address\": \"[::1]:2\", \"weight\": 7 } "
	"],\n"
	"      \"balance\": \"consistent_hash\", \"hash_on\": \"header:X-User\",\n"
	"      \"sticky\": { \"cookie\": \"s\", \"max_age\": \"1h\", \"secure\": true,\n"
	"        \"secret\": \"x\" },\n"
	"      \"idle_connections\": 0, \"down_for\": \"1m\",\n"
	"      \"timeouts\": { \"connect\": \"250ms\", \"response\": 0, \"read\": \"9s\",\n"
	"        \"idle\": \"1h\" },\n"
	"      \"outlier_detection\": { \"consecutive_failures\": 7, \"statuses\": [ 500, 563 ],\n"
	"        \"eject_for\": \"1s\", \"max_eject_for\": \"2s\", \"max_ejected_percent\": 3 },\n"
	"      \"health_check\": { \"path\": \"/h?x\", \"host\": \"h.test:80\", \"status\": "
	"\"204\",\n"
	"        \"interval\": \"1s\", \"timeout\": \"2s\", \"healthy_after\": 4,\n"
	"        \"unhealthy_after\": 5 },\n"
	"      \"retries\": { \"attempts\": 2, \"on\": [ \"connect_failure\", \"timeout\", \"504\" "
	"],\n"
	"        \"budget\": 6 }, \"slow_start\": \"30s\", \"panic_threshold\": 8,\n"
	"      \"max_connections\": 11, \"max_pending\": 12, \"max_requests\": 13,\n"
	"      \"max_connection_age\": \"14s\", \"max_connection_requests\": 15,\n"
	"      \"send_proxy_protocol\": \"v2\" } },\n"
	"  \"limits\": { \"request_line_bytes\": 512, \"header_bytes\": \"64KiB\",\n"
	"    \"header_count\": 256, \"body_bytes\": \"10MB\", \"header_timeout\": \"1s\",\n"
	"    \"idle_timeout\": \"2s\", \"send_timeout\": \"3s\", \"total_timeout\": \"4s\",\n"
	"    \"body_rate\": \"1KiB/s\", \"connections\": 5, \"client_connections\": 6,\n"
	"    \"handshakes\": 7, \"client_handshakes\": 8,\n"
	"    \"memory\": \"1MiB\" },\n"
	"  \"forwarded\": { \"x_forwarded\": \"pass\", \"forwarded\": \"replace\", \"via\": "
	"false,\n"
	"    \"trusted_proxies\": [ \"10.0.0.0/8\" ] },\n"
	"  \"paths\": { \"encoded_slashes\": \"keep\" },\n"
	"  \"logs\": { \"access\": { \"format\": \"json\", \"path\": \"/l\" }, \"level\": "
	"\"debug\" } }\n";

static struct sl_rules *load(const char *text)
{
	struct sl_rules *rules = NULL;

	if (!is_int(sl_config_parse(sl_str_of(text), "t.json", NULL, stdout, &rules), 0,
		    "it is read"))
		exit(done_testing());
	return rules;
}

#define is_number(rules, field, want) is_int((int64_t)(rules)->field, (int64_t)(want), #field)
#define is_text(z, want) is_str(sl_str_of((z) ? (z) : "NULL"), want, #z)

static void test_minimal(void)
{
	struct sl_rules *r = load(minimal);

	is_text(r->file, "t.json");
	is_number(r, listeners_nr, 1);
	is_text(r->listeners[0].name, "http");
	is_number(r, listeners[0].address.in.sin_port, htons(8080));
	is_number(r, listeners[0].proxy_from_nr, 0);
	is_number(r, upstreams_nr, 0);
	is_number(r, routes_nr, 1);
	is_text(r->routes[0].name, "route[0]");
	is_str(r->routes[0].path, "/*", "path");
	is_number(r, routes[0].hosts_nr, 0);
	is_number(r, routes[0].methods, 0);
	is_number(r, routes[0].action, SL_ROUTE_RESPOND);
	is_number(r, routes[0].respond.status, 200);
	is_number(r, routes[0].respond.headers_nr, 0);
	is_number(r, routes[0].respond.body.len, 0);
	ok(r->table != NULL, "there is a route table");
	sl_config_free(r);
}

static void test_default_limits(void)
{
	struct sl_rules *r = load(minimal);

	is_number(r, limits.request_line_bytes, 8192);
	is_number(r, limits.header_bytes, 32768);
	is_number(r, limits.header_count, 100);
	is_number(r, limits.body_bytes, 1ll << 30);
	is_number(r, limits.header_timeout_ns, 10 * SL_SEC);
	is_number(r, limits.idle_timeout_ns, 60 * SL_SEC);
	is_number(r, limits.send_timeout_ns, 60 * SL_SEC);
	is_number(r, limits.total_timeout_ns, 0);
	is_number(r, limits.body_rate_bytes, 100);
	ok(r->limits.connections >= 64, "limits.connections follows the descriptor limit");
	is_number(r, limits.client_connections, 0);
	is_number(r, limits.handshakes, 4096);
	is_number(r, limits.client_handshakes, 0);
	is_number(r, limits.memory_bytes, 256 << 20);
	sl_config_free(r);
}

static void test_default_rest(void)
{
	struct sl_rules *r = load(minimal);

	ok(r->workers >= 1 && r->workers <= 1024, "workers is the number of CPUs");
	ok(!r->user && !r->group, "nobody that root is to become");
	is_number(r, encoded_slash, SL_ENCODED_SLASH_REFUSE);
	is_number(r, forwarded.x_forwarded, SL_FORWARD_APPEND);
	is_number(r, forwarded.forwarded, SL_FORWARD_OFF);
	is_number(r, forwarded.via, 1);
	is_number(r, forwarded.trusted_proxies_nr, 0);
	ok(!r->logs.access_path, "no access log");
	is_number(r, logs.level, SL_LOG_INFO);
	sl_config_free(r);
}

static void test_run_dir(void)
{
	struct sl_rules *r;
	char path[SL_RUN_DIR_MAX];

	unsetenv("XDG_RUNTIME_DIR");
	r = load(minimal);
	sl_run_dir_default(path);
	is_text(r->run_dir, path);
	sl_config_free(r);
}

static void test_full_gateway(void)
{
	struct sl_rules *r = load(full);

	is_number(r, workers, 3);
	is_text(r->run_dir, "/r");
	is_text(r->user, "u-1");
	is_text(r->group, "_g.2");
	is_number(r, listeners_nr, 2);
	is_number(r, listeners[0].proxy_from_nr, 2);
	is_number(r, listeners[0].proxy_from[0].bits, 104);
	is_number(r, listeners[1].address.sa.sa_family, AF_UNIX);
	is_number(r, limits.request_line_bytes, 512);
	is_number(r, limits.header_bytes, 65536);
	is_number(r, limits.header_count, 256);
	is_number(r, limits.body_bytes, 10000000);
	is_number(r, limits.header_timeout_ns, SL_SEC);
	is_number(r, limits.idle_timeout_ns, 2 * SL_SEC);
	is_number(r, limits.send_timeout_ns, 3 * SL_SEC);
	is_number(r, limits.total_timeout_ns, 4 * SL_SEC);
	is_number(r, limits.body_rate_bytes, 1024);
	is_number(r, limits.connections, 5);
	is_number(r, limits.client_connections, 6);
	is_number(r, limits.handshakes, 7);
	is_number(r, limits.client_handshakes, 8);
	is_number(r, limits.memory_bytes, 1 << 20);
	is_number(r, forwarded.x_forwarded, SL_FORWARD_PASS);
	is_number(r, forwarded.forwarded, SL_FORWARD_REPLACE);
	is_number(r, forwarded.via, 0);
	is_number(r, forwarded.trusted_proxies_nr, 1);
	is_number(r, encoded_slash, SL_ENCODED_SLASH_KEEP);
	is_text(r->logs.access_path, "/l");
	is_number(r, logs.access_format.pieces_nr, 0);
	ok(r->logs.redact.names_nr > 5, "a list of secrets by default");
	is_number(r, logs.level, SL_LOG_DEBUG);
	sl_config_free(r);
}

static void test_full_upstreams(void)
{
	struct sl_rules *r = load(full);

	is_number(r, upstreams_nr, 2);
	is_text(r->upstreams[0].name, "one");
	is_number(r, upstreams[0].targets_nr, 1);
	is_text(r->upstreams[0].targets[0].name, "127.0.0.1:1");
	is_number(r, upstreams[0].targets[0].weight, 1);
	is_number(r, upstreams[0].balance, SL_BALANCE_ROUND_ROBIN);
	is_number(r, upstreams[0].hash_on.source, SL_HASH_CLIENT);
	is_number(r, upstreams[0].sticky.cookie.len, 0);
	ok(!r->upstreams[0].ring, "there is a ring only where it is used");
	is_number(r, upstreams[0].connect_timeout_ns, 5 * SL_SEC);
	is_number(r, upstreams[0].response_timeout_ns, 60 * SL_SEC);
	is_number(r, upstreams[0].idle_timeout_ns, 60 * SL_SEC);
	is_number(r, upstreams[0].down_for_ns, 2 * SL_SEC);
	is_number(r, upstreams[0].idle_connections, 256);
	is_number(r, upstreams[0].send_proxy, SL_PROXY_OFF);
	is_number(r, upstreams[1].targets_nr, 2);
	is_text(r->upstreams[1].targets[0].name, "unix:/t");
	is_text(r->upstreams[1].targets[1].name, "[::1]:2");
	is_number(r, upstreams[1].targets[1].weight, 7);
	is_number(r, upstreams[1].balance, SL_BALANCE_CONSISTENT_HASH);
	is_number(r, upstreams[1].hash_on.source, SL_HASH_HEADER);
	is_str(r->upstreams[1].hash_on.name, "X-User", "hash_on.name");
	is_number(r, upstreams[1].ring_nr, 8 * 160);
	is_str(r->upstreams[1].sticky.cookie, "s", "sticky.cookie");
	is_number(r, upstreams[1].sticky.max_age_ns, 3600 * SL_SEC);
	is_number(r, upstreams[1].sticky.secure, 1);
	is_str(r->upstreams[1].sticky.secret, "x", "sticky.secret");
	ok(r->upstreams[1].targets[0].session != r->upstreams[1].targets[1].session,
	   "each target has a session name");
	is_number(r, upstreams[1].connect_timeout_ns, 250 * SL_MS);
	is_number(r, upstreams[1].response_timeout_ns, 0);
	is_number(r, upstreams[1].idle_timeout_ns, 3600 * SL_SEC);
	is_number(r, upstreams[1].down_for_ns, 60 * SL_SEC);
	is_number(r, upstreams[1].idle_connections, 0);
	is_number(r, upstreams[1].send_proxy, SL_PROXY_V2);
	sl_config_free(r);
}

static void test_target_text(void)
{
	struct sl_rules *r;

	setenv("SL_TEST_PORT", "4711", 1);
	r = load("{ \"listeners\": { \"http\": \"127.0.0.1:8080\" }, \"upstreams\": { \"u\": {\n"
		 "\"targets\": [ \"127.0.0.1:${SL_TEST_PORT}\", { \"address\": \"127.0.0.2:1\" } ] "
		 "} },\n"
		 "\"routes\": [ { \"upstream\": \"u\" } ] }\n");
	is_text(r->upstreams[0].targets[0].name, "127.0.0.1:${SL_TEST_PORT}");
	is_text(r->upstreams[0].targets[0].text, "127.0.0.1:4711");
	is_text(r->upstreams[0].targets[1].text, "127.0.0.2:1");
	sl_config_free(r);
}

static void test_default_care(void)
{
	struct sl_rules *r = load(full);

	is_number(r, upstreams[0].read_timeout_ns, 60 * SL_SEC);
	is_number(r, upstreams[0].outlier.failures, 0);
	is_number(r, upstreams[0].health.interval_ns, 0);
	is_number(r, upstreams[0].slow_start_ns, 0);
	is_number(r, upstreams[0].panic_percent, 0);
	is_number(r, upstreams[0].retries.attempts, 3);
	is_number(r, upstreams[0].retries.on, SL_RETRY_CONNECT | SL_RETRY_RESET);
	is_number(r, upstreams[0].retries.budget_percent, 20);
	is_number(r, upstreams[0].max_connections, 0);
	is_number(r, upstreams[0].max_pending, 1024);
	is_number(r, upstreams[0].max_requests, 0);
	is_number(r, upstreams[0].max_age_ns, 0);
	is_number(r, upstreams[0].max_uses, 0);
	sl_config_free(r);
}

static void test_full_care(void)
{
	struct sl_rules *r = load(full);

	is_number(r, upstreams[1].read_timeout_ns, 9 * SL_SEC);
	is_number(r, upstreams[1].outlier.failures, 7);
	is_number(r, upstreams[1].outlier.statuses, 1ull | 1ull << 63);
	is_number(r, upstreams[1].outlier.base_ns, SL_SEC);
	is_number(r, upstreams[1].outlier.max_ns, 2 * SL_SEC);
	is_number(r, upstreams[1].outlier.max_percent, 3);
	is_str(r->upstreams[1].health.path, "/h?x", "health.path");
	is_str(r->upstreams[1].health.host, "h.test:80", "health.host");
	is_number(r, upstreams[1].health.status_first, 204);
	is_number(r, upstreams[1].health.status_last, 204);
	is_number(r, upstreams[1].health.interval_ns, SL_SEC);
	is_number(r, upstreams[1].health.timeout_ns, 2 * SL_SEC);
	is_number(r, upstreams[1].health.healthy_after, 4);
	is_number(r, upstreams[1].health.unhealthy_after, 5);
	is_number(r, upstreams[1].retries.attempts, 2);
	is_number(r, upstreams[1].retries.on, SL_RETRY_CONNECT | SL_RETRY_TIMEOUT | SL_RETRY_504);
	is_number(r, upstreams[1].retries.budget_percent, 6);
	is_number(r, upstreams[1].slow_start_ns, 30 * SL_SEC);
	is_number(r, upstreams[1].panic_percent, 8);
	is_number(r, upstreams[1].max_connections, 11);
	is_number(r, upstreams[1].max_pending, 12);
	is_number(r, upstreams[1].max_requests, 13);
	is_number(r, upstreams[1].max_age_ns, 14 * SL_SEC);
	is_number(r, upstreams[1].max_uses, 15);
	sl_config_free(r);
}

static void test_full_routes(void)
{
	struct sl_rules *r = load(full);

	is_number(r, routes_nr, 4);
	is_text(r->routes[0].name, "r");
	is_number(r, routes[0].hosts_nr, 3);
	is_str(r->routes[0].hosts[0], "api.example.com", "a host in lower case");
	is_str(r->routes[0].hosts[1], "*.example.com", "a wildcard in lower case");
	is_str(r->routes[0].path, "/items/{id}", "path");
	is_number(r, routes[0].methods, 1 << SL_METHOD_GET | 1 << SL_METHOD_POST);
	is_str(r->routes[0].rewrite_path, "/i?n={id}", "rewrite_path");
	is_number(r, routes[0].action, SL_ROUTE_UPSTREAM);
	is_number(r, routes[0].upstream, 1);
	is_text(r->routes[1].name, "route[1]");
	is_str(r->routes[1].strip_prefix, "/v1", "strip_prefix");
	is_number(r, routes[1].upstream, 0);
	is_number(r, routes[1].headers_nr, 0);
	is_number(r, routes[2].action, SL_ROUTE_REDIRECT);
	is_number(r, routes[2].redirect.status, 308);
	is_str(r->routes[2].redirect.location, "/{x}{path}?{query}", "location");
	is_number(r, routes[3].action, SL_ROUTE_RESPOND);
	is_number(r, routes[3].respond.status, 201);
	is_number(r, routes[3].respond.headers_nr, 2);
	is_str(r->routes[3].respond.headers[0].name, "X-A", "a header's name");
	is_str(r->routes[3].respond.headers[0].value, "1", "its value");
	is_str(r->routes[3].respond.body, "hi\n", "body");
	sl_config_free(r);
}

static void test_full_conditions(void)
{
	struct sl_rules *r = load(full);

	is_number(r, routes[0].headers_nr, 2);
	is_str(r->routes[0].headers[0].name, "X-V", "the name of a header condition");
	is_number(r, routes[0].headers[0].kind, SL_CONDITION_EXACT);
	is_str(r->routes[0].headers[0].value, "2", "its value");
	is_number(r, routes[0].headers[1].kind, SL_CONDITION_PRESENT);
	is_number(r, routes[0].headers[1].present, 1);
	is_number(r, routes[0].queries_nr, 2);
	is_number(r, routes[0].queries[0].kind, SL_CONDITION_EXACT);
	is_number(r, routes[0].queries[0].value.len, 0);
	is_str(r->routes[0].queries[1].name, "no", "the name of a query condition");
	is_number(r, routes[0].queries[1].kind, SL_CONDITION_PRESENT);
	is_number(r, routes[0].queries[1].present, 0);
	sl_config_free(r);
}

static void test_full_edits(void)
{
	struct sl_rules *r = load(full);

	is_str(r->routes[0].rewrite_host, "upstream", "rewrite.host");
	is_number(r, routes[0].request_headers.set_nr, 1);
	is_str(r->routes[0].request_headers.set[0].name, "A", "a field to set");
	is_str(r->routes[0].request_headers.set[0].value, "{id}{route}", "its template");
	is_number(r, routes[0].request_headers.add_nr, 0);
	is_number(r, routes[0].request_headers.remove_nr, 2);
	is_str(r->routes[0].request_headers.remove[1], "c", "a field to remove");
	is_number(r, routes[0].response_headers.add_nr, 1);
	is_str(r->routes[0].response_headers.add[0].value, "{{}}", "braces");
	is_number(r, routes[1].request_headers.set_nr, 0);
	sl_config_free(r);
}

static size_t allocations_left;

static void *failing_malloc(size_t size)
{
	return allocations_left && allocations_left-- ? malloc(size) : NULL;
}

/* Every allocation of the JSON parser fails in turn; it may take that for a fault of the text. */
static void test_out_of_memory(void)
{
	struct sl_rules *r = NULL;
	size_t n = 0;
	int ret;

	json_set_alloc_funcs(failing_malloc, free);
	do {
		allocations_left = n++;
		ret = sl_config_parse(sl_str_of(full), "t.json", NULL, NULL, &r);
	} while ((ret == -ENOMEM || ret == -EINVAL) && !r && n < 10000);
	json_set_alloc_funcs(malloc, free);
	is_int(ret, 0, "refused with any of %zu allocations missing, read with all of them", n - 1);
	sl_config_free(r);
}

static bool described(json_t *schema)
{
	json_t *properties = json_object_get(schema, "properties"), *member;
	const char *name;

	json_object_foreach(properties, name, member)
	{
		if (!json_object_get(member, "description") || !described(member))
			return ok(false, "%s is described", name);
	}
	return true;
}

static void test_schema(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	json_t *schema;

	sl_config_print_schema(f);
	fclose(f);
	schema = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	ok(schema != NULL, "the schema is JSON");
	ok(described(schema), "every key of it has a description");
	ok(json_is_false(json_object_get(schema, "additionalProperties")),
	   "and no other key is let in");
	ok(!json_object_get(schema, "required"), "nor is any asked for: it may be in another file");
	json_decref(schema);
	free(text);
}

static void test_files(void)
{
	struct sl_rules *r = NULL;
	char *said = NULL;
	size_t len;
	FILE *errors = open_memstream(&said, &len);

	is_int(sl_config_load("/nowhere/x.json", NULL, errors, &r), -ENOENT, "a missing file");
	fclose(errors);
	is_str((struct sl_str){ said, len }, "/nowhere/x.json: No such file or directory\n",
	       "is named with the reason");
	ok(!r, "and no rules come of it");
	sl_config_free(NULL);
	free(said);
}

int main(void)
{
	test_minimal();
	test_default_limits();
	test_default_rest();
	test_run_dir();
	test_full_gateway();
	test_full_upstreams();
	test_target_text();
	test_default_care();
	test_full_care();
	test_full_routes();
	test_full_conditions();
	test_full_edits();
	test_out_of_memory();
	test_schema();
	test_files();
	return done_testing();
}
