// SPDX-License-Identifier: Apache-2.0
// The keys of an upstream.
#include "config/table.h"

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
	  .check = sl_check_secret, .is_secret = true,
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
		 "this time, from a tenth of it; not with consistent_hash, whose keys would move "
		 "twice. 0 is at once." },
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
	{ "tls", &sl_kind_object, SL_KEY_AT(sl_upstream_conf, tls), .object = &sl_origin_tls_object,
	  .item_size = sizeof(struct sl_tls_origin_conf),
	  .doc = "Connections to the targets are encrypted: https. {} is with all defaults. "
		 "Default: "
		 "they are not." },
	END,
};

const struct sl_key sl_upstream_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = upstream_keys, .finish = sl_check_upstream },
};
