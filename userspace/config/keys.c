// SPDX-License-Identifier: Apache-2.0
// Every key of the configuration: what users may write, and the text that explains it.
#include "config/check.h"
#include "config/key.h"

/* clang-format off */
/* NOLINTNEXTLINE(bugprone-macro-parentheses): an initialiser, not an expression */
#define LATER(key_name) { .name = key_name }
#define END { .name = NULL }
/* clang-format on */
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define ITEMS(type, field, nr)                                                                     \
	SL_KEY_AT(type, field), .item_size = sizeof(*((struct type *)0)->field),                   \
				.nr_offset = offsetof(struct type, nr)

static const struct sl_key net_item = {
	.kind = &sl_kind_net,
	.doc = "An address, or a prefix such as \"192.0.2.0/24\" or \"2001:db8::/32\".",
};

static const struct sl_key gateway_keys[] = {
	{ "workers", &sl_kind_int, SL_KEY_AT(sl_rules, workers), .min = 1, .max = 1024,
	  .automatic = sl_auto_workers, .def = "\"auto\"",
	  .doc = "Worker threads; \"auto\" is one for each CPU that the gateway may run on." },
	{ "run_dir", &sl_kind_string, SL_KEY_AT(sl_rules, run_dir), .check = sl_check_run_dir,
	  .doc = "Directory of the control socket. Default: /run/sluice, or without root "
		 "$XDG_RUNTIME_DIR/sluice." },
	{ "state_dir", &sl_kind_string, SL_KEY_AT(sl_rules, state_dir), .check = sl_check_path,
	  .def = "\"/var/lib/sluice\"", .doc = "Directory of what must outlive a restart." },
	END,
};

static const struct sl_key proxy_protocol_keys[] = {
	{ "from", &sl_kind_array, ITEMS(sl_listener_conf, proxy_from, proxy_from_nr),
	  .item = &net_item, .min = 1, .max = 1024, .required = true,
	  .doc = "Peers whose connections begin with a PROXY protocol header; nobody else's do." },
	END,
};

static const struct sl_key listener_keys[] = {
	{ "address", &sl_kind_address, SL_KEY_AT(sl_listener_conf, address), .required = true,
	  .doc = "Where to listen: \"0.0.0.0:8080\", \"[::]:8080\" or \"unix:/path\"." },
	{ "defer_accept", &sl_kind_bool, SL_KEY_AT(sl_listener_conf, defer_accept), .def = "true",
	  .doc = "Take a connection when its first bytes are there, not before "
		 "(TCP_DEFER_ACCEPT)." },
	{ "proxy_protocol", &sl_kind_object,
	  .object = &(const struct sl_object){ .keys = proxy_protocol_keys },
	  .doc = "PROXY protocol, versions 1 and 2, from load balancers in front." },
	LATER("tls"),
	END,
};

static const struct sl_key listener_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = listener_keys,
					     .shorthand = "address",
					     .finish = sl_check_listener },
};

static const struct sl_key target_keys[] = {
	{ "address", &sl_kind_address, SL_KEY_AT(sl_target_conf, address), .required = true,
	  .may_resolve = true,
	  .doc = "Address or host name, with a port; of a name each address is a target." },
	{ "weight", &sl_kind_int, SL_KEY_AT(sl_target_conf, weight), .min = 1, .max = 1000,
	  .def = "1", .doc = "Share of the requests, relative to the other targets." },
	END,
};

static const struct sl_key target_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = target_keys,
					     .shorthand = "address",
					     .finish = sl_check_target },
};

static const struct sl_key timeout_keys[] = {
	{ "connect", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, connect_timeout_ns),
	  .def = "\"5s\"", .doc = "To open a connection; 0 is no limit." },
	{ "response", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, response_timeout_ns),
	  .def = "\"60s\"",
	  .doc = "From the last byte of the request to the end of the answer's head, and while the "
		 "target takes no byte of the request; 0 is no limit." },
	{ "read", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, read_timeout_ns), .def = "\"60s\"",
	  .doc = "Between two parts of an answer's body; 0 is no limit." },
	{ "idle", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, idle_timeout_ns), .def = "\"60s\"",
	  .doc = "An unused connection is closed after this; 0 is never." },
	END,
};

static const struct sl_key sticky_keys[] = {
	{ "cookie", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, sticky.cookie), .required = true,
	  .check = sl_check_cookie_name, .doc = "Name of the cookie that the gateway sets." },
	{ "max_age", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, sticky.max_age_ns), .def = "0",
	  .doc = "How long a browser keeps it; 0 is until the browser ends." },
	{ "secure", &sl_kind_bool, SL_KEY_AT(sl_upstream_conf, sticky.secure), .def = "false",
	  .doc = "Only for https: set it where clients come by TLS." },
	{ "secret", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, sticky.secret),
	  .check = sl_check_secret,
	  .doc = "Makes the cookie's value, a hash of the target's name, impossible to guess "
		 "back. "
		 "All gateways of a site need the same one." },
	END,
};

static const struct sl_key outlier_keys[] = {
	{ "consecutive_failures", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, outlier.failures),
	  .min = 1, .max = 10000, .def = "5",
	  .doc = "Failures in a row that eject a target: no connection, a reset, no answer in "
		 "time, "
		 "a malformed or broken answer, or a status of statuses. All workers count "
		 "together." },
	{ "statuses", &sl_kind_statuses, SL_KEY_AT(sl_upstream_conf, outlier.statuses), .def = "[]",
	  .doc = "Status codes from 500 to 563 that count as failures too." },
	{ "eject_for", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, outlier.base_ns),
	  .min = 1000000, .max = 86400000000000, .def = "\"30s\"",
	  .doc = "How long the first time; each time twice as long as the one before." },
	{ "max_eject_for", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, outlier.max_ns),
	  .min = 1000000, .max = 86400000000000, .def = "\"5m\"",
	  .doc = "At the most. A target that was in service for as long begins anew." },
	{ "max_ejected_percent", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, outlier.max_percent),
	  .max = 100, .def = "50", .doc = "So many of the targets are ejected at the most." },
	END,
};

static const struct sl_key health_keys[] = {
	{ "path", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, health.path),
	  .check = sl_check_health_path, .pattern = "^/",
	  .doc = "What a GET asks for. Default: a connection that opens is enough." },
	{ "host", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, health.host),
	  .check = sl_check_health_host,
	  .doc = "Host of the request. Default: the target as it is written." },
	{ "status", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, health.status),
	  .check = sl_check_status_range, .def = "\"200-399\"",
	  .pattern = "^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$",
	  .doc = "Status codes of a healthy target: one, or the first and the last." },
	{ "interval", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, health.interval_ns),
	  .min = 100000000, .max = 86400000000000, .def = "\"5s\"",
	  .doc = "From the end of a check to the next, a tenth more or less." },
	{ "timeout", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, health.timeout_ns),
	  .min = 1000000, .max = 3600000000000, .def = "\"2s\"",
	  .doc = "For a whole check, from the connection to the answer's head." },
	{ "healthy_after", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, health.healthy_after),
	  .min = 1, .max = 1000, .def = "2",
	  .doc = "Good results in a row that bring a target back." },
	{ "unhealthy_after", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, health.unhealthy_after),
	  .min = 1, .max = 1000, .def = "3", .doc = "Bad results in a row that take it out." },
	END,
};

static const struct sl_key retry_keys[] = {
	{ "attempts", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, retries.attempts), .max = 10,
	  .def = "3",
	  .doc = "How often a request is sent again at the most; 0 is never, and no other target "
		 "is "
		 "tried after a refused connection either." },
	{ "on", &sl_kind_words, SL_KEY_AT(sl_upstream_conf, retries.on),
	  .words = WORDS("connect_failure", "reset", "timeout", "502", "503", "504"),
	  .def = "[\"connect_failure\", \"reset\"]",
	  .doc = "After what: no connection (then any request goes on to the next target, and it "
		 "is "
		 "no attempt, for nothing was sent), a connection lost before an answer, no answer "
		 "in "
		 "time, an answer with this status. But for the first, only requests without body "
		 "whose method is idempotent." },
	{ "budget", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, retries.budget_percent), .max = 100,
	  .def = "20",
	  .doc = "Retries, in percent of the requests, with ten a second more for each worker; 100 "
		 "is "
		 "no limit." },
	END,
};

static const struct sl_key upstream_keys[] = {
	{ "targets", &sl_kind_array, ITEMS(sl_upstream_conf, targets, targets_nr),
	  .item = &target_item, .min = 1, .max = 1024, .required = true,
	  .doc = "The servers that requests are spread over." },
	{ "balance", &sl_kind_enum, SL_KEY_AT(sl_upstream_conf, balance),
	  .words = WORDS("round_robin", "least_requests", "consistent_hash"),
	  .def = "\"round_robin\"",
	  .doc = "How a target is chosen: in turn, by the fewest requests in flight (of two drawn "
		 "at random), or by a hash of hash_on; all by weight." },
	{ "hash_on", &sl_kind_string, SL_KEY_AT(sl_upstream_conf, hash_on.text),
	  .check = sl_check_hash_on, .pattern = "^(client|path|(header|cookie):.+)$",
	  .doc = "For consistent_hash: \"client\" (its address), \"path\", \"header:NAME\" or "
		 "\"cookie:NAME\". A request without it goes in turn. Default: client." },
	{ "sticky", &sl_kind_object, .object = &(const struct sl_object){ .keys = sticky_keys },
	  .doc = "Binds a client's session to the target that served it first, by a cookie." },
	{ "max_connections", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, max_connections),
	  .max = 1000000, .def = "0",
	  .doc = "To each target, in equal parts to the workers, one each at least; 0 is no "
		 "limit." },
	{ "max_pending", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, max_pending), .max = 65536,
	  .def = "1024",
	  .doc = "Requests that wait for one of these connections, for as long as "
		 "timeouts.connect, "
		 "in equal parts to the workers; more are answered 503." },
	{ "max_requests", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, max_requests), .max = 1000000,
	  .def = "0",
	  .doc = "Requests in flight, of all workers; more are answered 503. 0 is no limit." },
	{ "max_connection_age", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, max_age_ns),
	  .def = "0",
	  .doc = "An older connection gets no further request; each is given up to a tenth less. "
		 "0 is "
		 "no limit." },
	{ "max_connection_requests", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, max_uses),
	  .def = "0",
	  .doc = "Requests on one connection, up to a tenth less for each; 0 is no limit." },
	{ "outlier_detection", &sl_kind_object,
	  .object = &(const struct sl_object){ .keys = outlier_keys, .finish = sl_check_outlier },
	  .doc = "Ejects a target that fails several times in a row. Default: none is." },
	{ "health_check", &sl_kind_object,
	  .object = &(const struct sl_object){ .keys = health_keys, .finish = sl_check_health },
	  .doc = "Asks each target from time to time, once for all workers. Default: nobody "
		 "does." },
	{ "slow_start", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, slow_start_ns), .def = "0",
	  .max = 86400000000000,
	  .doc = "A target that became healthy, or whose ejection is over, comes to its full share "
		 "in "
		 "this time, from a tenth of it; not with consistent_hash. 0 is at once." },
	{ "retries", &sl_kind_object, .def = "{}",
	  .object = &(const struct sl_object){ .keys = retry_keys },
	  .doc = "When a request is sent again, to another target where there is one." },
	{ "panic_threshold", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, panic_percent), .max = 100,
	  .def = "0",
	  .doc = "With this percentage of the targets in service, or less, all are used again, the "
		 "unhealthy and the ejected too; 0 is with none." },
	{ "timeouts", &sl_kind_object, .def = "{}",
	  .object = &(const struct sl_object){ .keys = timeout_keys },
	  .doc = "How long to wait for a target." },
	{ "idle_connections", &sl_kind_int, SL_KEY_AT(sl_upstream_conf, idle_connections),
	  .max = 65536, .def = "256",
	  .doc = "Unused connections kept open at the most, for each worker and target." },
	{ "down_for", &sl_kind_duration, SL_KEY_AT(sl_upstream_conf, down_for_ns), .def = "\"2s\"",
	  .doc = "A target that refused a connection is left alone for this long." },
	{ "send_proxy_protocol", &sl_kind_enum, SL_KEY_AT(sl_upstream_conf, send_proxy),
	  .words = WORDS("off", "v1", "v2"), .def = "\"off\"",
	  .doc = "Begin each connection with a PROXY protocol header that names the client." },
	LATER("tls"),
	END,
};

static const struct sl_key upstream_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = upstream_keys, .finish = sl_check_upstream },
};

static const struct sl_key host_item = {
	.kind = &sl_kind_host,
	.size = sizeof(struct sl_str),
	.doc = "\"api.example.com\"; \"*.example.com\" is every name below.",
};

#define PRESENT_KEY                                                                                \
	{                                                                                          \
		"present", &sl_kind_bool, SL_KEY_AT(sl_condition, present),                        \
			.doc = "true: it is there, with any value; false: it is not there."        \
	}

#define REGEX_KEY                                                                                  \
	{                                                                                          \
		"regex", &sl_kind_string, SL_KEY_AT(sl_condition, value),                          \
			.doc = "An expression (PCRE2) that takes the whole value."                 \
	}

static const struct sl_key header_condition_keys[] = {
	{ "value", &sl_kind_string, SL_KEY_AT(sl_condition, value), .check = sl_check_match_value,
	  .doc = "The whole value, in the same case. A field that comes twice has none." },
	REGEX_KEY,
	PRESENT_KEY,
	END,
};

static const struct sl_key query_condition_keys[] = {
	{ "value", &sl_kind_string, SL_KEY_AT(sl_condition, value),
	  .doc = "The whole value, decoded. A parameter that comes twice has none." },
	REGEX_KEY,
	PRESENT_KEY,
	END,
};

static const struct sl_key header_condition_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = header_condition_keys,
					     .shorthand = "value",
					     .one_of = WORDS("value", "regex", "present"),
					     .finish = sl_check_condition },
};

static const struct sl_key query_condition_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = query_condition_keys,
					     .shorthand = "value",
					     .one_of = WORDS("value", "regex", "present"),
					     .finish = sl_check_condition },
};

static const struct sl_key match_keys[] = {
	{ "hosts", &sl_kind_array, ITEMS(sl_route, hosts, hosts_nr), .item = &host_item, .min = 1,
	  .max = 4096, .doc = "Host names of the request. Default: every host." },
	{ "path", &sl_kind_string, SL_KEY_AT(sl_route, path), .check = sl_check_rooted,
	  .def = "\"/*\"", .pattern = "^/",
	  .doc = "\"/exact\", \"/prefix/*\" or \"/items/{id}\", where {id} is one segment." },
	{ "path_regex", &sl_kind_string, SL_KEY_AT(sl_route, path_regex),
	  .check = sl_check_path_regex,
	  .doc = "Instead of 'path': an expression (PCRE2) that takes the whole path, from its "
		 "first to its last byte. Asked after every 'path' of the host, in the order of "
		 "the file. Named "
		 "groups, (?<name>...), are parameters as in 'path'." },
	{ "methods", &sl_kind_methods, SL_KEY_AT(sl_route, methods),
	  .doc = "Request methods; GET includes HEAD. Default: every method." },
	{ "headers", &sl_kind_map, ITEMS(sl_route, headers, headers_nr), .max = 16,
	  .check_name = sl_check_match_header, .item = &header_condition_item,
	  .name_offset = offsetof(struct sl_condition, name), .name_size = sizeof(struct sl_str),
	  .doc = "Header fields that the request must have: a name and its exact value, or "
		 "{ \"regex\": \"...\" } or { \"present\": BOOL }. All have to hold; else the next "
		 "best route is asked." },
	{ "query", &sl_kind_map, ITEMS(sl_route, queries, queries_nr), .max = 16,
	  .check_name = sl_check_match_parameter, .item = &query_condition_item,
	  .name_offset = offsetof(struct sl_condition, name), .name_size = sizeof(struct sl_str),
	  .doc = "The same for parameters of the query, decoded ('+' and %XX)." },
	END,
};

static const struct sl_key header_item = {
	.kind = &sl_kind_string,
	SL_KEY_AT(sl_header_conf, value),
	.check = sl_check_field_value,
};

#define HEADER_MAP(type, field, nr)                                                                \
	&sl_kind_map, ITEMS(type, field, nr),                                                      \
		.item = &header_item, .max = 64,                                                   \
		.name_offset = offsetof(struct sl_header_conf, name),                              \
		.name_size = sizeof(struct sl_str)
#define TEMPLATE_DOC                                                                               \
	"Values may have {name} of the route's path, {client_ip}, {host}, {path}, {query}, "       \
	"{request_id} and {route}; \"{{\" and \"}}\" stand for one brace."
#define EDIT_KEYS(check_of_name, field_item)                                                       \
	{                                                                                          \
		{ "set", HEADER_MAP(sl_header_edit, set, set_nr), .check_name = (check_of_name),   \
		  .doc = "Fields instead of those of that name. " TEMPLATE_DOC },                  \
			{ "add", HEADER_MAP(sl_header_edit, add, add_nr),                          \
			  .check_name = (check_of_name),                                           \
			  .doc = "Fields beside those of that name. Values as in 'set'." },        \
			{ "remove",                                                                \
			  &sl_kind_array,                                                          \
			  ITEMS(sl_header_edit, remove, remove_nr),                                \
			  .item = &(field_item),                                                   \
			  .max = 64,                                                               \
			  .doc = "Names of fields that go no further." },                          \
			END                                                                        \
	}

static const struct sl_key request_field_item = { .kind = &sl_kind_string,
						  .size = sizeof(struct sl_str),
						  .check = sl_check_request_field };
static const struct sl_key response_field_item = { .kind = &sl_kind_string,
						   .size = sizeof(struct sl_str),
						   .check = sl_check_response_field };
static const struct sl_key request_edit_keys[] =
	EDIT_KEYS(sl_check_request_field, request_field_item);
static const struct sl_key response_edit_keys[] =
	EDIT_KEYS(sl_check_response_field, response_field_item);

static const struct sl_key rewrite_keys[] = {
	{ "strip_prefix", &sl_kind_string, SL_KEY_AT(sl_route, strip_prefix),
	  .check = sl_check_prefix, .pattern = "^/.*[^/]$",
	  .doc = "Cut off the front of the path, where it is there." },
	{ "path", &sl_kind_string, SL_KEY_AT(sl_route, rewrite_path),
	  .check = sl_check_rewrite_path, .pattern = "^/",
	  .doc = "The whole new path; {name} is replaced from match.path, '?' starts a query." },
	{ "host", &sl_kind_string, SL_KEY_AT(sl_route, rewrite_host), .check = sl_check_host,
	  .doc = "What the upstream gets as Host: \"upstream\" is the target as it is named in "
		 "'upstreams', anything else itself. Default: as it came." },
	END,
};

static const struct sl_key respond_keys[] = {
	{ "status", &sl_kind_int, SL_KEY_AT(sl_respond_conf, status), .min = 200, .max = 599,
	  .def = "200", .doc = "Status code of the answer." },
	{ "headers", HEADER_MAP(sl_respond_conf, headers, headers_nr),
	  .check_name = sl_check_field_name,
	  .doc = "Header fields of the answer; those of framing are the gateway's." },
	{ "body", &sl_kind_string, SL_KEY_AT(sl_respond_conf, body), .def = "\"\"",
	  .doc = "Content of the answer." },
	END,
};

static const struct sl_key redirect_keys[] = {
	{ "status", &sl_kind_int, SL_KEY_AT(sl_redirect_conf, status), .def = "302",
	  .numbers = (const unsigned[]){ 301, 302, 303, 307, 308, 0 }, .doc = "Status code." },
	{ "location", &sl_kind_string, SL_KEY_AT(sl_redirect_conf, location), .required = true,
	  .check = sl_check_location,
	  .doc = "Where to; {name} of the route's path, {path}, {query}, {host}, {client_ip}, "
		 "{request_id} and {route} are replaced." },
	END,
};

static const struct sl_key route_keys[] = {
	{ "name", &sl_kind_string, SL_KEY_AT(sl_route, name), .check = sl_check_name,
	  .pattern = SL_NAME_PATTERN, .doc = "For logs and counters. Default: \"route[N]\"." },
	{ "match", &sl_kind_object, .object = &(const struct sl_object){ .keys = match_keys },
	  .def = "{}", .doc = "Which requests the route takes. Default: all." },
	{ "rewrite", &sl_kind_object,
	  .object = &(const struct sl_object){ .keys = rewrite_keys, .finish = sl_check_rewrite },
	  .doc = "Changes path and host before the request goes to the upstream." },
	{ "request_headers", &sl_kind_object, SL_KEY_AT(sl_route, request_headers),
	  .object = &(const struct sl_object){ .keys = request_edit_keys,
					       .finish = sl_check_header_edit },
	  .doc = "Changes the header fields that the upstream gets." },
	{ "response_headers", &sl_kind_object, SL_KEY_AT(sl_route, response_headers),
	  .object = &(const struct sl_object){ .keys = response_edit_keys,
					       .finish = sl_check_header_edit },
	  .doc = "Changes the header fields that the client gets, of the upstream's answer or of "
		 "the route's own." },
	{ "upstream", &sl_kind_upstream, SL_KEY_AT(sl_route, upstream),
	  .doc = "Name of the upstream that answers." },
	{ "respond", &sl_kind_object, SL_KEY_AT(sl_route, respond),
	  .object = &(const struct sl_object){ .keys = respond_keys, .finish = sl_check_respond },
	  .doc = "The gateway answers by itself." },
	{ "redirect", &sl_kind_object, SL_KEY_AT(sl_route, redirect),
	  .object = &(const struct sl_object){ .keys = redirect_keys },
	  .doc = "The client is sent elsewhere." },
	LATER("policies"),
	END,
};

static const struct sl_key route_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = route_keys,
					     .one_of = WORDS("upstream", "respond", "redirect"),
					     .finish = sl_check_route },
};

static const struct sl_key limits_keys[] = {
	{ "request_line_bytes", &sl_kind_size, SL_KEY_AT(sl_limits, request_line_bytes), .min = 512,
	  .max = 65536, .def = "\"8KiB\"", .doc = "A longer one is answered 414." },
	{ "header_bytes", &sl_kind_size, SL_KEY_AT(sl_limits, header_bytes), .min = 1024,
	  .max = 65536, .def = "\"32KiB\"",
	  .doc = "Heads of requests and responses; a larger one is answered 431, or 502." },
	{ "header_count", &sl_kind_int, SL_KEY_AT(sl_limits, header_count), .min = 8, .max = 256,
	  .def = "100", .doc = "Header fields of a request or response." },
	{ "body_bytes", &sl_kind_size, SL_KEY_AT(sl_limits, body_bytes), .def = "\"1GiB\"",
	  .doc = "Body of a request; a larger one is answered 413. 0 is no limit." },
	{ "header_timeout", &sl_kind_duration, SL_KEY_AT(sl_limits, header_timeout_ns),
	  .def = "\"10s\"",
	  .doc = "From the first byte of a request to the end of its head; later is answered "
		 "408." },
	{ "idle_timeout", &sl_kind_duration, SL_KEY_AT(sl_limits, idle_timeout_ns),
	  .def = "\"60s\"", .doc = "Between requests, before the first one, and in tunnels." },
	{ "send_timeout", &sl_kind_duration, SL_KEY_AT(sl_limits, send_timeout_ns),
	  .def = "\"60s\"", .doc = "A client that takes no byte for this long is cut off." },
	{ "total_timeout", &sl_kind_duration, SL_KEY_AT(sl_limits, total_timeout_ns), .def = "0",
	  .doc = "A whole exchange; 0 is no limit." },
	{ "body_rate", &sl_kind_rate, SL_KEY_AT(sl_limits, body_rate_bytes), .def = "\"100/s\"",
	  .doc = "Least average rate of a request body after 5 s; 0 is no limit." },
	{ "connections", &sl_kind_int, SL_KEY_AT(sl_limits, connections), .min = 1,
	  .automatic = sl_auto_connections, .def = "\"auto\"",
	  .doc = "Connections of clients in all; \"auto\" is half of the descriptors that the "
		 "gateway may open, less a reserve of 64." },
	{ "client_connections", &sl_kind_int, SL_KEY_AT(sl_limits, client_connections), .def = "0",
	  .max = 1000000, .doc = "Connections from one address; 0 is no limit." },
	{ "memory", &sl_kind_size, SL_KEY_AT(sl_limits, memory_bytes), .def = "\"256MiB\"",
	  .doc = "Heap held by all exchanges; beyond it the answer is 503. 0 is no limit." },
	END,
};

static const struct sl_key forwarded_keys[] = {
	{ "x_forwarded", &sl_kind_enum, SL_KEY_AT(sl_forwarded, x_forwarded),
	  .words = WORDS("append", "replace", "off", "pass"), .def = "\"append\"",
	  .doc = "X-Forwarded-For, -Proto, -Host, -Port and X-Real-IP: append to what a trusted "
		 "proxy sent, replace whatever came, remove (off), or pass as it came." },
	{ "forwarded", &sl_kind_enum, SL_KEY_AT(sl_forwarded, forwarded),
	  .words = WORDS("append", "replace", "off", "pass"), .def = "\"off\"",
	  .doc = "The same for Forwarded (RFC 7239)." },
	{ "via", &sl_kind_bool, SL_KEY_AT(sl_forwarded, via), .def = "true",
	  .doc = "Add Via (RFC 9110 7.6.3)." },
	{ "trusted_proxies", &sl_kind_array,
	  ITEMS(sl_forwarded, trusted_proxies, trusted_proxies_nr), .item = &net_item, .max = 4096,
	  .doc = "Peers whose word on the client's address is taken. Default: nobody." },
	END,
};

static const struct sl_key path_keys[] = {
	{ "encoded_slashes", &sl_kind_enum, SL_KEY_AT(sl_rules, encoded_slash),
	  .words = WORDS("refuse", "keep"), .def = "\"refuse\"",
	  .doc = "%2F and %5C in a path: answered 400, or kept as written." },
	END,
};

static const struct sl_key redact_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_redact,
	.doc = "The name of a query parameter, in upper or lower case.",
};

static const struct sl_key access_keys[] = {
	{ "format", &sl_kind_log_format, SL_KEY_AT(sl_logs, access_format), .def = "\"json\"",
	  .doc = "\"json\": one object a line; \"combined\" or \"common\": as Apache and nginx "
		 "write them; or a text of up to 4096 bytes with variables: $args $body_bytes_sent "
		 "$bytes_received $error $host $http_referer $http_user_agent $msec $remote_addr "
		 "$remote_port $remote_user $request $request_id $request_method $request_time "
		 "$request_uri $route $server_protocol $status $time_iso8601 $time_local "
		 "$upstream_addr $upstream_response_time $uri; $$ is a dollar sign." },
	{ "path", &sl_kind_string, SL_KEY_AT(sl_logs, access_path), .def = "\"-\"",
	  .check = sl_check_log_path, .doc = "File to append to; \"-\" is standard output." },
	{ "redact_query", &sl_kind_array, ITEMS(sl_logs, redact.names, redact.names_nr),
	  .item = &redact_item, .max = SL_REDACT_NAMES_MAX,
	  .def = "[ \"access_token\", \"api_key\", \"apikey\", \"auth\", "
		 "\"client_secret\", \"code\", \"id_token\", \"key\", \"passwd\", \"password\", "
		 "\"refresh_token\", \"secret\", "
		 "\"sig\", \"signature\", \"token\", \"x-amz-signature\" ]",
	  .doc = "Query parameters whose values are written as REDACTED, in the request and in its "
		 "Referer; [] is none." },
	END,
};

static const struct sl_key error_log_keys[] = {
	{ "path", &sl_kind_string, SL_KEY_AT(sl_logs, error_path), .check = sl_check_path,
	  .required = true, .doc = "File to append to, from the end of the start on." },
	END,
};

static const struct sl_key logs_keys[] = {
	{ "access", &sl_kind_object, .def = "false",
	  .object = &(const struct sl_object){ .keys = access_keys,
					       .may_be_false = true,
					       .finish = sl_check_access },
	  .doc = "A line for each request; false is none." },
	{ "error", &sl_kind_object, .object = &(const struct sl_object){ .keys = error_log_keys },
	  .doc = "The gateway's own messages. Default: they go to standard error." },
	{ "level", &sl_kind_enum, SL_KEY_AT(sl_logs, level),
	  .words = WORDS("error", "warn", "info", "debug"), .def = "\"info\"",
	  .doc = "The least severe of the gateway's own messages that is written; "
		 "\"sluicectl log level\" changes it at run time." },
	END,
};

static const struct sl_key server_item = {
	.kind = &sl_kind_address,
	.size = sizeof(struct sl_addr),
	.doc = "\"192.0.2.53:53\" or \"[2001:db8::53]:53\".",
};

static const struct sl_key dns_keys[] = {
	{ "servers", &sl_kind_array, ITEMS(sl_dns, servers, servers_nr), .item = &server_item,
	  .max = 16, .doc = "Name servers. Default: those of /etc/resolv.conf." },
	{ "timeout", &sl_kind_duration, SL_KEY_AT(sl_dns, timeout_ns), .def = "\"2s\"",
	  .min = 100000000, .max = 60000000000, .doc = "Of a look-up, with all its tries." },
	{ "min_ttl", &sl_kind_duration, SL_KEY_AT(sl_dns, min_ns), .def = "\"5s\"",
	  .min = 1000000000, .doc = "A name is not asked for more often, whatever its TTL." },
	{ "max_ttl", &sl_kind_duration, SL_KEY_AT(sl_dns, max_ns), .def = "\"1h\"",
	  .min = 1000000000, .doc = "Nor less often." },
	END,
};

static const struct sl_key root_keys[] = {
	{ "$schema", &sl_kind_ignored, .doc = "For editors; the gateway does not look at it." },
	{ "include", &sl_kind_include,
	  .doc = "Files that are read with this one: a path, relative to this file's directory, of "
		 "a "
		 "file, of a directory (all \"*.json\" in it) or of a pattern; or an array of "
		 "such." },
	{ "gateway", &sl_kind_object, .def = "{}",
	  .object = &(const struct sl_object){ .keys = gateway_keys, .finish = sl_check_gateway },
	  .doc = "The process itself." },
	{ "listeners", &sl_kind_map, ITEMS(sl_rules, listeners, listeners_nr), .required = true,
	  .item = &listener_item, .min = 1, .max = 64,
	  .name_offset = offsetof(struct sl_listener_conf, name), .name_size = sizeof(char *),
	  .check_name = sl_check_name, .pattern = SL_NAME_PATTERN,
	  .doc = "Where clients connect, by name." },
	{ "dns", &sl_kind_object, SL_KEY_AT(sl_rules, dns), .def = "{}",
	  .object = &(const struct sl_object){ .keys = dns_keys },
	  .doc = "Who is asked for the addresses of targets that are names. A name is asked for "
		 "again when its time is over; while nobody answers, what was known stays." },
	{ "upstreams", &sl_kind_map, ITEMS(sl_rules, upstreams, upstreams_nr),
	  .item = &upstream_item, .max = 65536, .check_name = sl_check_name,
	  .name_offset = offsetof(struct sl_upstream_conf, name), .name_size = sizeof(char *),
	  .pattern = SL_NAME_PATTERN, .doc = "Groups of servers that answer requests, by name." },
	{ "routes", &sl_kind_array, ITEMS(sl_rules, routes, routes_nr), .item = &route_item,
	  .min = 1, .max = 100000, .required = true,
	  .doc = "Which request goes where. The most specific match wins: host (exact, longest "
		 "wildcard, any), path (exact, {param}, longest prefix, path_regex), method, most "
		 "headers, "
		 "most query parameters, then the first." },
	{ "limits", &sl_kind_object, SL_KEY_AT(sl_rules, limits), .def = "{}",
	  .object = &(const struct sl_object){ .keys = limits_keys },
	  .doc = "What a client may use up." },
	{ "forwarded", &sl_kind_object, SL_KEY_AT(sl_rules, forwarded), .def = "{}",
	  .object = &(const struct sl_object){ .keys = forwarded_keys },
	  .doc = "What upstreams are told of the client." },
	{ "paths", &sl_kind_object, .def = "{}",
	  .object = &(const struct sl_object){ .keys = path_keys },
	  .doc = "How request paths are read." },
	{ "logs", &sl_kind_object, SL_KEY_AT(sl_rules, logs), .def = "{}",
	  .object = &(const struct sl_object){ .keys = logs_keys },
	  .doc = "What is written down." },
	LATER("consumers"),
	LATER("policies"),
	LATER("kernel"),
	LATER("admin"),
	END,
};

const struct sl_key sl_config_root = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = root_keys },
};
