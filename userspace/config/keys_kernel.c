// SPDX-License-Identifier: Apache-2.0
// The keys of the section "kernel".
#include "config/table.h"
#include "sluice/abi.h"

enum { LISTED_MAX = 1 << 20 };

#define BURST_MAX (1ull << 40)

static const struct sl_key interface_item = {
	.kind = &sl_kind_string,
	.size = sizeof(struct sl_str),
	.check = sl_check_interface,
	.doc = "The name of a network interface, such as \"eth0\".",
};

#define PORT_KEY                                                                                   \
	{                                                                                          \
		"port", &sl_kind_int, SL_KEY_AT(sl_listed, port),                                  \
			.min = 1, .max = 65535, .doc = "Only what is for this port. Default: any." \
	}
#define PREFIX_KEY                                                                                 \
	{                                                                                          \
		"prefix", &sl_kind_net, SL_KEY_AT(sl_listed, net),                                 \
			.required = true,                                                          \
			.doc = "An address, or a prefix such as \"192.0.2.0/24\" or "              \
			       "\"2001:db8::/32\"."                                                \
	}

static const struct sl_key management_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = (const struct sl_key[]){ PREFIX_KEY, END },
					     .shorthand = "prefix" },
};

static const struct sl_key allow_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = (const struct sl_key[]){ PREFIX_KEY, PORT_KEY,
									      END },
					     .shorthand = "prefix" },
};

static const struct sl_key deny_keys[] = {
	PREFIX_KEY,
	{ "action", &sl_kind_enum, SL_KEY_AT(sl_listed, action),
	  .words = WORDS("drop", "reject", "shadow"), .def = "\"drop\"",
	  .doc = "No answer; an answer (RST, or an ICMP error); or count it and let it pass." },
	PORT_KEY,
	{ "reason", &sl_kind_string, SL_KEY_AT(sl_listed, reason), .check = sl_check_reason,
	  .pattern = SL_REASON_PATTERN, .doc = "A word that \"sluicectl\" shows with it." },
	END,
};

static const struct sl_key deny_item = {
	.kind = &sl_kind_object,
	.object = &(const struct sl_object){ .keys = deny_keys, .shorthand = "prefix" },
};

static const struct sl_key count_limit_keys[] = {
	{ "rate", &sl_kind_count_rate, SL_KEY_AT(sl_limit_conf, rate), .required = true,
	  .max = 1000000000, .doc = "\"20000/s\", \"10/m\" or \"5/h\"; 0 is no limit." },
	{ "burst", &sl_kind_size, SL_KEY_AT(sl_limit_conf, burst), .min = 1, .max = BURST_MAX,
	  .doc = "What a client may use at once when it was quiet before. Default: what a second "
		 "brings, and 1 at least." },
	END,
};

static const struct sl_key byte_limit_keys[] = {
	{ "rate", &sl_kind_byte_rate, SL_KEY_AT(sl_limit_conf, rate), .required = true, .min = 1024,
	  .max = 100000000000, .doc = "\"10MiB/s\"; 0 is no limit." },
	{ "burst", &sl_kind_size, SL_KEY_AT(sl_limit_conf, burst), .min = 1, .max = BURST_MAX,
	  .doc = "What a client may use at once when it was quiet before, 64KiB at least. "
		 "Default: what a second brings, and 64KiB at least." },
	END,
};

static const struct sl_object count_limit = { .keys = count_limit_keys,
					      .shorthand = "rate",
					      .finish = sl_check_count_limit };
static const struct sl_object byte_limit = { .keys = byte_limit_keys,
					     .shorthand = "rate",
					     .finish = sl_check_byte_limit };

static const struct sl_key client_limit_keys[] = {
	{ "packets", &sl_kind_object, SL_KEY_AT(sl_client_limits, packets), .object = &count_limit,
	  .doc = "Packets; in the kernel only." },
	{ "bytes", &sl_kind_object, SL_KEY_AT(sl_client_limits, bytes), .object = &byte_limit,
	  .doc = "Bytes of frames; in the kernel only." },
	{ "connections", &sl_kind_object, SL_KEY_AT(sl_client_limits, connections),
	  .object = &count_limit, .doc = "New connections." },
	END,
};

static const struct sl_key syn_flood_keys[] = {
	{ "rate", &sl_kind_count_rate, SL_KEY_AT(sl_syn_flood_conf, limit.rate), .required = true,
	  .max = 1000000000, .doc = "\"20000/s\"; 0 is no limit." },
	{ "burst", &sl_kind_size, SL_KEY_AT(sl_syn_flood_conf, limit.burst), .min = 1,
	  .max = BURST_MAX, .doc = "How many may come at once. Default: what a second brings." },
	{ "answer", &sl_kind_enum, SL_KEY_AT(sl_syn_flood_conf, answer),
	  .words = WORDS("cookie", "drop"), .def = "\"cookie\"",
	  .doc = "To a SYN beyond that: a SYN cookie, made in the kernel's XDP program, or "
		 "nothing. "
		 "Cookies take net.ipv4.tcp_syncookies=2; without it they are not made, and the "
		 "log "
		 "says so." },
	END,
};

static const struct sl_key punish_keys[] = {
	{ "after", &sl_kind_failures, SL_KEY_AT(sl_punish_conf, after),
	  .def = "\"50 failures in 10s\"", .max = 1000000,
	  .doc = "\"N failures in TIME\": malformed requests, answers 403 and 429 that the "
		 "gateway gives itself, and what a TLS listener refuses for its ClientHello. N at "
		 "once, or for long more than N in such a time." },
	{ "for", &sl_kind_duration, SL_KEY_AT(sl_punish_conf, for_ns), .def = "\"5m\"",
	  .min = 1000000000, .max = 86400000000000 * 30,
	  .doc = "How long the first one lasts; each further one is twice as long." },
	{ "max", &sl_kind_duration, SL_KEY_AT(sl_punish_conf, max_ns), .def = "\"24h\"",
	  .min = 1000000000, .max = 86400000000000 * 30,
	  .doc = "The longest. Each time that long without a punishment, one of the earlier ones "
		 "is forgotten." },
	{ "budget", &sl_kind_int, SL_KEY_AT(sl_punish_conf, budget), .def = "100", .min = 1,
	  .max = 60000,
	  .doc = "Punishments in a minute, of all clients; what is beyond is counted and logged, "
		 "and nobody is punished for it." },
	{ "shadow", &sl_kind_bool, SL_KEY_AT(sl_punish_conf, shadow), .def = "false",
	  .doc = "Log and count whom it would hit, and punish nobody." },
	END,
};

static const struct sl_key kernel_keys[] = {
	{ "interfaces", &sl_kind_array, ITEMS(sl_kernel_conf, interfaces, interfaces_nr),
	  .item = &interface_item, .max = SL_INTERFACES_MAX,
	  .doc = "Where the kernel enforces, by XDP. Default: nowhere, the gateway itself does it "
		 "when it accepts a connection." },
	{ "mode", &sl_kind_enum, SL_KEY_AT(sl_kernel_conf, mode), .def = "\"auto\"",
	  .words = WORDS("auto", "native", "generic", "off", "require"),
	  .doc = "Where in the kernel: in the driver, behind it, or what is better for this "
		 "interface (auto); off leaves the kernel alone; require is auto, and the gateway "
		 "does not start without it." },
	{ "pins", &sl_kind_string, SL_KEY_AT(sl_kernel_conf, pins), .check = sl_check_pins,
	  .def = "\"/sys/fs/bpf/sluice\"",
	  .doc = "Directory in a BPF file system, where lists and counters outlive the gateway." },
	{ "management", &sl_kind_array, ITEMS(sl_kernel_conf, management, management_nr),
	  .item = &management_item, .max = 1024,
	  .doc = "Who is never locked out, whatever lists, limits and punishments say." },
	{ "allow", &sl_kind_array, ITEMS(sl_kernel_conf, allow, allow_nr), .item = &allow_item,
	  .max = LISTED_MAX,
	  .doc = "Who is let in without limits. Of several entries the longest prefix counts, of "
		 "equal ones allow before deny." },
	{ "deny", &sl_kind_array, ITEMS(sl_kernel_conf, deny, deny_nr), .item = &deny_item,
	  .max = LISTED_MAX, .doc = "Who is not let in." },
	{ "client_limits", &sl_kind_object, SL_KEY_AT(sl_kernel_conf, limits),
	  .object = &(const struct sl_object){ .keys = client_limit_keys },
	  .doc = "What a client may use up: an IPv4 address, or 64 bits of an IPv6 one." },
	{ "syn_flood", &sl_kind_object, SL_KEY_AT(sl_kernel_conf, syn_flood),
	  .object = &(const struct sl_object){ .keys = syn_flood_keys,
					       .shorthand = "rate",
					       .finish = sl_check_syn_flood },
	  .doc = "New connections of all clients together, after what each may open, against "
		 "floods from forged addresses; in the kernel only. Default: no limit." },
	{ "scope", &sl_kind_enum, SL_KEY_AT(sl_kernel_conf, scope), .words = WORDS("host", "ports"),
	  .def = "\"host\"",
	  .doc = "Whether the kernel judges all packets, or those to the ports of listeners." },
	{ "shadow", &sl_kind_bool, SL_KEY_AT(sl_kernel_conf, shadow), .def = "false",
	  .doc = "Count what would be denied, limited or punished, and let it pass." },
	{ "punish", &sl_kind_object, SL_KEY_AT(sl_kernel_conf, punish),
	  .object = &(const struct sl_object){ .keys = punish_keys, .finish = sl_check_punish },
	  .doc = "Clients that fail too often are denied for a while. Default: nobody is." },
	END,
};

const struct sl_object sl_kernel_object = { .keys = kernel_keys, .finish = sl_check_kernel };
