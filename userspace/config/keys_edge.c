// SPDX-License-Identifier: Apache-2.0
// The keys of policies that do not ask who somebody is.
#include "base/clock.h"
#include "config/table.h"
#include "policy/body_limit.h"
#include "policy/cors.h"
#include "policy/ip_access.h"
#include "policy/maintenance.h"
#include "policy/redirect_https.h"

enum { NETS_MAX = 10000, FILES_MAX = 64 };

static const struct sl_key net_item = {
	.kind = &sl_kind_net,
	.size = sizeof(struct sl_net),
};

static const struct sl_key file_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_path,
};

static const struct sl_key origin_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_origin,
};

static const struct sl_key field_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_field_name,
};

const struct sl_key sl_ip_access_keys[] = {
	{ "allow", &sl_kind_array, ITEMS(sl_ip_access, allow, allow_nr), .item = &net_item,
	  .max = NETS_MAX,
	  .doc = "Addresses and prefixes that may come. Of all that have an address in them the "
		 "longest decides, and allows if it stands in both. With neither 'deny' nor "
		 "'deny_files', nobody else may." },
	{ "deny", &sl_kind_array, ITEMS(sl_ip_access, deny, deny_nr), .item = &net_item,
	  .max = NETS_MAX, .doc = "Those that may not." },
	{ "allow_files", &sl_kind_array, ITEMS(sl_ip_access, allow_files, allow_files_nr),
	  .item = &file_item, .max = FILES_MAX,
	  .doc = "Lists of prefixes in files, in all formats that \"sluicectl allow load\" reads; "
		 "they are read with the configuration." },
	{ "deny_files", &sl_kind_array, ITEMS(sl_ip_access, deny_files, deny_files_nr),
	  .item = &file_item, .max = FILES_MAX, .doc = "Likewise, of those that may not." },
	END,
};

const struct sl_key sl_cors_keys[] = {
	{ "origins", &sl_kind_array, ITEMS(sl_cors, origins, origins_nr), .item = &origin_item,
	  .required = true, .min = 1, .max = 256,
	  .doc = "\"https://app.example\", \"https://*.app.example\" (any name below it), \"null\" "
		 "or \"*\"." },
	{ "methods", &sl_kind_methods, SL_KEY_AT(sl_cors, methods),
	  .def = "[\"GET\", \"HEAD\", \"POST\"]", .doc = "What a page may ask with." },
	{ "headers", &sl_kind_array, ITEMS(sl_cors, headers, headers_nr), .item = &field_item,
	  .max = 64, .doc = "Fields that a page may send beyond those that all may." },
	{ "expose", &sl_kind_array, ITEMS(sl_cors, expose, expose_nr), .item = &field_item,
	  .max = 64, .doc = "Fields of an answer that a page may read." },
	{ "credentials", &sl_kind_bool, SL_KEY_AT(sl_cors, credentials), .def = "false",
	  .doc = "Whether cookies and the like may come along; not with the origin \"*\"." },
	{ "max_age", &sl_kind_duration, SL_KEY_AT(sl_cors, max_age_ns), .def = "\"10m\"",
	  .max = SL_SEC * 3600 * 24, .doc = "For how long a browser need not ask again." },
	END,
};

const struct sl_key sl_body_limit_keys[] = {
	{ "bytes", &sl_kind_size, SL_KEY_AT(sl_body_limit, bytes), .required = true, .min = 1,
	  .max = 1ull << 40, .doc = "At the most; more than limits.body_bytes has no effect." },
	END,
};

const struct sl_key sl_redirect_https_keys[] = {
	{ "port", &sl_kind_int, SL_KEY_AT(sl_redirect_https, port), .min = 1, .max = 65535,
	  .def = "443", .doc = "Where https is served, as clients see it." },
	{ "hsts", &sl_kind_duration, SL_KEY_AT(sl_redirect_https, hsts_max_age_ns), .def = "\"0s\"",
	  .doc = "For so long browsers are to come by https at once: Strict-Transport-Security "
		 "(RFC 6797), in answers over TLS. 0s: nothing is told." },
	{ "include_subdomains", &sl_kind_bool, SL_KEY_AT(sl_redirect_https, hsts_subdomains),
	  .def = "false", .doc = "And to all names below this one; needs 'hsts'." },
	{ "preload", &sl_kind_bool, SL_KEY_AT(sl_redirect_https, hsts_preload), .def = "false",
	  .doc = "Browsers may bring this along: that is hard to take back. Their list takes only "
		 "names with 'include_subdomains' and a year of 'hsts', and so do we." },
	END,
};

const struct sl_key sl_maintenance_keys[] = {
	{ "retry_after", &sl_kind_duration, SL_KEY_AT(sl_maintenance, retry_after_ns),
	  .def = "\"10m\"", .min = SL_SEC, .doc = "When to come back." },
	{ "allow", &sl_kind_array, ITEMS(sl_maintenance, allow, allow_nr), .item = &net_item,
	  .max = 256, .doc = "Addresses and prefixes that are served all the same." },
	{ "detail", &sl_kind_string, SL_KEY_AT(sl_maintenance, detail), .check = sl_check_sentence,
	  .def = "\"This is being worked on: come back later, as Retry-After says.\"",
	  .doc = "What clients are told, in the form that they accept: 1 to 256 printable ASCII "
		 "characters." },
	END,
};
