// SPDX-License-Identifier: Apache-2.0
// The keys of a route.
#include "config/table.h"
#include "policy/headers.h"
#include "policy/request_id.h"

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

#define REGEX_BOUNDS                                                                               \
	"A request that would take too many steps, or whose text here is longer than 8192 bytes, " \
	"is refused: 400, route_gave_up in the access log."

#define REGEX_KEY                                                                                  \
	{                                                                                          \
		"regex", &sl_kind_string, SL_KEY_AT(sl_condition, value),                          \
			.doc = "An expression (PCRE2) that takes the whole value. " REGEX_BOUNDS   \
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
		 "groups, (?<name>...), are parameters as in 'path'. " REGEX_BOUNDS },
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
		  .doc = "Fields instead of those of that name, which go no further, as with "     \
			 "'remove'. " TEMPLATE_DOC },                                              \
			{ "add", HEADER_MAP(sl_header_edit, add, add_nr),                          \
			  .check_name = (check_of_name),                                           \
			  .doc = "Fields beside those of that name. Values as in 'set'." },        \
			{ "remove",                                                                \
			  &sl_kind_array,                                                          \
			  ITEMS(sl_header_edit, remove, remove_nr),                                \
			  .item = &(field_item),                                                   \
			  .max = 64,                                                               \
			  .doc = "Names of fields that go no further: not in the head, not in a "  \
				 "trailer section, and not in an interim answer (1xx). '_' and "   \
				 "'-' count as one character." },                                  \
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

const struct sl_object sl_request_edit_object = { .keys = request_edit_keys,
						  .finish = sl_check_header_edit };
const struct sl_object sl_response_edit_object = { .keys = response_edit_keys,
						   .finish = sl_check_header_edit };

/* The same as policies, for any number of routes. */
const struct sl_key sl_headers_keys[] = {
	{ "request", &sl_kind_object, SL_KEY_AT(sl_headers, request),
	  .object = &sl_request_edit_object,
	  .doc = "Changes the header fields that upstreams get, as 'request_headers' of a route." },
	{ "response", &sl_kind_object, SL_KEY_AT(sl_headers, response),
	  .object = &sl_response_edit_object,
	  .doc = "Changes the header fields that clients get, as 'response_headers' of a route." },
	END,
};

const struct sl_key sl_request_id_keys[] = {
	{ "header", &sl_kind_string, SL_KEY_AT(sl_request_id, header),
	  .check = sl_check_response_field, .def = "\"X-Request-Id\"",
	  .doc = "The field of answers that has it, in errors of the gateway X-Request-Id always; "
		 "what upstreams say in it goes no further." },
	END,
};

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
	  .object = &sl_request_edit_object,
	  .doc = "Changes the header fields that the upstream gets." },
	{ "response_headers", &sl_kind_object, SL_KEY_AT(sl_route, response_headers),
	  .object = &sl_response_edit_object,
	  .doc = "Changes the header fields that the client gets, of the upstream's answer or of "
		 "the route's own. Of interim answers (1xx) only 101 has fields set and added." },
	{ "upstream", &sl_kind_upstream, SL_KEY_AT(sl_route, upstream),
	  .doc = "Name of the upstream that answers." },
	{ "respond", &sl_kind_object, SL_KEY_AT(sl_route, respond),
	  .object = &(const struct sl_object){ .keys = respond_keys, .finish = sl_check_respond },
	  .doc = "The gateway answers by itself." },
	{ "redirect", &sl_kind_object, SL_KEY_AT(sl_route, redirect),
	  .object = &(const struct sl_object){ .keys = redirect_keys },
	  .doc = "The client is sent elsewhere." },
	{ "policies", &sl_kind_array, ITEMS(sl_route, asked, asked_nr), .item = &sl_policy_item,
	  .max = 16,
	  .doc = "What is asked of a request before anything answers it, in this order: names of "
		 "lists in 'policies', and policies themselves." },
	END,
};

const struct sl_key sl_route_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = route_keys,
					     .one_of = WORDS("upstream", "respond", "redirect"),
					     .finish = sl_check_route },
};
