// SPDX-License-Identifier: Apache-2.0
// Every key of the configuration: what users may write, and the text that explains it.
#include "config/table.h"
#include "observe/metrics.h"
#include "tls/conf.h"

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
		 "$XDG_RUNTIME_DIR/sluice, or without that variable /run/sluice if it is the "
		 "user's own, or else /tmp/sluice-UID, which nobody else may enter." },
	{ "user", &sl_kind_string, SL_KEY_AT(sl_rules, user), .check = sl_check_user,
	  .pattern = SL_USER_PATTERN,
	  .doc = "Started as root, the gateway becomes this user once it has read the "
		 "configuration; of root's capabilities it keeps CAP_NET_BIND_SERVICE, for ports "
		 "below 1024. Logs, sockets and, at a reload, the configuration and what it names "
		 "are opened as this user. \"root\" stays root. Default: whoever starts it." },
	{ "group", &sl_kind_string, SL_KEY_AT(sl_rules, group), .check = sl_check_user,
	  .pattern = SL_USER_PATTERN,
	  .doc = "The group of gateway.user, instead of the one that the system has for it." },
	{ "sandbox", &sl_kind_enum, SL_KEY_AT(sl_rules, sandbox),
	  .words = WORDS("auto", "off", "require"), .def = "\"auto\"",
	  .doc = "What workers give up before they read the first byte of a stranger: "
		 "capabilities, files (Landlock), system calls but those of a list (seccomp), "
		 "operations of io_uring but those of a list. auto: as far as the kernel has it, "
		 "and the log tells what is lost; require: the gateway does not start without all "
		 "of it. A change takes a restart." },
	{ "state_dir", &sl_kind_string, SL_KEY_AT(sl_rules, state_dir), .check = sl_check_path,
	  .doc = "Directory of what has to survive a restart: keys that were given out by "
		 "sluicectl, the audit, and what is used of quotas. Made if it is not there. "
		 "Default: $STATE_DIRECTORY, as "
		 "systemd sets it; else of root /var/lib/sluice, once there is something to keep; "
		 "of others there is none, and keys stand in this file alone. A change takes a "
		 "restart." },
	{ "upgrade_timeout", &sl_kind_duration, SL_KEY_AT(sl_rules, upgrade_timeout_ns),
	  .def = "\"60s\"", .min = 1000000000, .max = 3600000000000,
	  .doc = "USR2: the new process is ended, and the old one goes on, if it is not ready in "
		 "this time." },
	END,
};

static const struct sl_key proxy_protocol_keys[] = {
	{ "from", &sl_kind_array, ITEMS(sl_listener_conf, proxy_from, proxy_from_nr),
	  .item = &net_item, .min = 1, .max = 1024, .required = true,
	  .doc = "Peers whose connections begin with a PROXY protocol header; nobody else's do." },
	END,
};

#define SOCKET_MODES WORDS("umask", "0600", "0660", "0666") /* enum sl_socket_mode */

static const struct sl_key listener_keys[] = {
	{ "address", &sl_kind_address, SL_KEY_AT(sl_listener_conf, address), .required = true,
	  .doc = "Where to listen: \"0.0.0.0:8080\", \"[::]:8080\" or \"unix:/path\"." },
	{ "mode", &sl_kind_enum, SL_KEY_AT(sl_listener_conf, mode), .words = SOCKET_MODES,
	  .doc = "Who may connect to a unix socket: the gateway's user, its group too, or "
		 "everybody here. Default: umask, what the process's umask leaves." },
	{ "defer_accept", &sl_kind_bool, SL_KEY_AT(sl_listener_conf, defer_accept), .def = "true",
	  .doc = "Take a connection when its first bytes are there, not before "
		 "(TCP_DEFER_ACCEPT)." },
	{ "proxy_protocol", &sl_kind_object,
	  .object = &(const struct sl_object){ .keys = proxy_protocol_keys },
	  .doc = "PROXY protocol, versions 1 and 2, from load balancers in front." },
	{ "tls", &sl_kind_object, SL_KEY_AT(sl_listener_conf, tls), .object = &sl_tls_object,
	  .item_size = sizeof(struct sl_tls_conf),
	  .doc = "Connections are encrypted: https. Default: they are not." },
	END,
};

static const struct sl_key listener_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = listener_keys,
					     .shorthand = "address",
					     .finish = sl_check_listener },
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
	{ "handshakes", &sl_kind_int, SL_KEY_AT(sl_limits, handshakes), .def = "4096",
	  .max = 1000000,
	  .doc = "TLS handshakes in progress in all, from a client's first byte on; beyond them "
		 "connections are closed. 0 is no limit but that of memory." },
	{ "client_handshakes", &sl_kind_int, SL_KEY_AT(sl_limits, client_handshakes), .def = "0",
	  .max = 1000000, .doc = "The same from one address; 0 is no limit." },
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
	  .doc = "Peers whose word on the client's address is taken. The section 'kernel' allows "
		 "them, too: limits are of their clients, not of them. Default: nobody." },
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
		 "$bytes_received $consumer $error $error_detail $host $http_referer "
		 "$http_user_agent $msec "
		 "$remote_addr $remote_port $remote_user $request $request_id $request_method "
		 "$request_time $request_uri $route $scheme $server_protocol $ssl_cipher "
		 "$ssl_client_i_dn $ssl_client_s_dn $ssl_client_san $ssl_client_serial "
		 "$ssl_client_sha256 $ssl_client_verify $ssl_ja4 $ssl_protocol $ssl_server_name "
		 "$ssl_session_reused $status $time_iso8601 $time_local $upstream_addr "
		 "$upstream_response_time $upstream_status $uri; $$ is a dollar sign." },
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
	  .max = 16,
	  .doc = "Name servers. Default: those of /etc/resolv.conf, read again when it changes." },
	{ "timeout", &sl_kind_duration, SL_KEY_AT(sl_dns, timeout_ns), .def = "\"2s\"",
	  .min = 100000000, .max = 60000000000, .doc = "Of a look-up, with all its tries." },
	{ "min_ttl", &sl_kind_duration, SL_KEY_AT(sl_dns, min_ns), .def = "\"5s\"",
	  .min = 1000000000, .doc = "A name is not asked for more often, whatever its TTL." },
	{ "max_ttl", &sl_kind_duration, SL_KEY_AT(sl_dns, max_ns), .def = "\"1h\"",
	  .min = 1000000000, .doc = "Nor less often." },
	END,
};

static const struct sl_key metrics_keys[] = {
	{ "routes", &sl_kind_int, SL_KEY_AT(sl_measured, routes), .min = 1,
	  .max = SL_METRICS_NAMES_MAX, .def = "1000",
	  .doc = "Routes that are counted each for itself, by their names; the others are counted "
		 "together, as \"other\". A name that a reload takes away keeps its place until a "
		 "restart." },
	{ "targets", &sl_kind_int, SL_KEY_AT(sl_measured, targets), .min = 1,
	  .max = SL_METRICS_NAMES_MAX, .def = "1000", .doc = "The same for targets." },
	END,
};

static const struct sl_key admin_keys[] = {
	{ "address", &sl_kind_address, SL_KEY_AT(sl_admin_conf, address), .required = true,
	  .doc = "Where to listen for /metrics, /healthz and /readyz: \"127.0.0.1:9901\", "
		 "\"[::1]:9901\" or \"unix:/path\". Nobody is asked who they are." },
	{ "mode", &sl_kind_enum, SL_KEY_AT(sl_admin_conf, mode), .words = SOCKET_MODES,
	  .doc = "As of a listener." },
	{ "public", &sl_kind_bool, SL_KEY_AT(sl_admin_conf, is_public), .def = "false",
	  .doc = "Allow an address that others than this machine can reach." },
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
	  .item = &sl_upstream_item, .max = 65536, .check_name = sl_check_name,
	  .name_offset = offsetof(struct sl_upstream_conf, name), .name_size = sizeof(char *),
	  .pattern = SL_NAME_PATTERN, .doc = "Groups of servers that answer requests, by name." },
	{ "consumers", &sl_kind_map, ITEMS(sl_rules, consumers, consumers_nr),
	  .item = &sl_consumer_item, .max = 1000000, .check_name = sl_check_name,
	  .name_offset = offsetof(struct sl_consumer, name), .name_size = sizeof(char *),
	  .pattern = SL_NAME_PATTERN,
	  .doc = "Who asks, by name, and what they prove it by. Upstreams get the name as "
		 "X-Consumer-Username; what clients send of X-Consumer-* goes no further." },
	{ "policies", &sl_kind_map, ITEMS(sl_rules, policies, policies_nr),
	  .item = &sl_policy_list_item, .max = 10000, .check_name = sl_check_name,
	  .name_offset = offsetof(struct sl_policy_list, name), .name_size = sizeof(char *),
	  .pattern = SL_NAME_PATTERN,
	  .doc = "Lists of policies, by name, for the routes that use them. A rate_limit in a list "
		 "counts for all these routes together." },
	{ "routes", &sl_kind_array, ITEMS(sl_rules, routes, routes_nr), .item = &sl_route_item,
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
	{ "metrics", &sl_kind_object, SL_KEY_AT(sl_rules, metrics), .def = "{}",
	  .object = &(const struct sl_object){ .keys = metrics_keys },
	  .doc = "What is counted, and can be read by \"sluicectl metrics\". A change takes a "
		 "restart." },
	{ "kernel", &sl_kind_object, SL_KEY_AT(sl_rules, kernel), .object = &sl_kernel_object,
	  .doc = "Who is let in, and what a client may use up, before its bytes are read." },
	{ "admin", &sl_kind_object, SL_KEY_AT(sl_rules, admin),
	  .object = &(const struct sl_object){ .keys = admin_keys, .finish = sl_check_admin },
	  .doc = "A listener for those who watch the gateway. Default: there is none." },
	END,
};

const struct sl_key sl_config_root = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = root_keys },
};
