/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that decides about requests: one immutable snapshot, built by config, read by workers.
 */
#ifndef SL_GATE_RULES_H
#define SL_GATE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "expr/expr.h"
#include "http/uri.h"
#include "kern/conf.h"
#include "net/addr.h"
#include "net/listener.h"
#include "observe/format.h"
#include "policy/hmac_keys.h"
#include "policy/keyring.h"
#include "policy/policy.h"
#include "policy/roster.h"
#include "route/route.h"
#include "route/table.h"
#include "upstream/conf.h"
#include "upstream/state.h"

/* Key "gateway.sandbox": what of it the kernel has, nothing, or all of it or no start. */
enum sl_sandbox_mode { SL_SANDBOX_AUTO, SL_SANDBOX_OFF, SL_SANDBOX_REQUIRE };

/* Key "limits".  A time or size of 0 means no limit unless noted. */
struct sl_limits {
	/* 512..65536; default 8 KiB; longer: 414 */
	uint32_t request_line_bytes;
	/* 1 KiB..64 KiB, of requests and responses; default 32 KiB; larger: 431 or 502 */
	uint32_t header_bytes;
	/* 8..256; default 100; more: 431 or 502 */
	uint32_t header_count;
	/* of a request; default 1 GiB; larger: 413 */
	uint64_t body_bytes;
	/* first byte to the end of the head; default 10 s; later: 408 */
	uint64_t header_timeout_ns;
	/* between requests, before the first one, and in tunnels; default 60 s */
	uint64_t idle_timeout_ns;
	/* no byte taken by the client; default 60 s */
	uint64_t send_timeout_ns;
	/* a whole exchange; default 0 */
	uint64_t total_timeout_ns;
	/* a second, least average of a request body after 5 s; default 100; slower: 408 */
	uint32_t body_rate_bytes;
	/* in all; default: half the descriptor limit, less a reserve */
	uint32_t connections;
	/* from one address; default 0 */
	uint32_t client_connections;
	/* of TLS, in progress, in all; default 4096 */
	uint32_t handshakes;
	/* from one address; default 0 */
	uint32_t client_handshakes;
	/* of all workers: half for receive buffers, half for what requests hold; default 256 MiB;
	 * beyond: 503 */
	uint64_t memory_bytes;
};

enum sl_forward_mode {
	SL_FORWARD_APPEND,  /* add the client to what a trusted peer sent; replace what others sent
			     */
	SL_FORWARD_REPLACE, /* only the connecting peer, whoever it is */
	SL_FORWARD_OFF,	    /* remove, add nothing */
	SL_FORWARD_PASS,    /* leave as it came */
};

/* Key "forwarded". */
struct sl_forwarded {
	enum sl_forward_mode x_forwarded; /* X-Forwarded-For, -Proto, -Host, -Port and X-Real-IP;
					     default append */
	enum sl_forward_mode forwarded;	  /* Forwarded (RFC 7239); default off */
	bool via;			  /* Via (RFC 9110 7.6.3); default on */
	struct sl_net *trusted_proxies;
	unsigned trusted_proxies_nr;
};

/* Key "dns": who is asked for the addresses of targets. */
struct sl_dns {
	struct sl_addr *servers; /* none: those of the system */
	unsigned servers_nr;
	uint64_t timeout_ns;	 /* of a look-up, with all its tries */
	uint64_t min_ns, max_ns; /* an answer holds for its TTL, within these */
};

struct sl_jwks_file;
struct sl_keysets;
struct sl_names;
struct sl_tickets;

/* Key "metrics": how many names have cells of their own. */
struct sl_measured {
	uint32_t routes, targets;
};

/* Key "admin". */
struct sl_admin_conf {
	struct sl_addr address; /* len 0: there is none */
	enum sl_socket_mode mode;
	bool is_public;
};

/* Key "logs". */
struct sl_logs {
	const char *access_path; /* NULL: no access log; "-" or "/dev/stdout": standard output */
	struct sl_log_format access_format;
	struct sl_redact redact; /* query parameters that access lines do not show */
	const char *error_path;	 /* of our own messages; NULL: standard error */
	unsigned level;		 /* enum sl_log_level, until somebody changes it */
};

enum { SL_LISTENERS_MAX = 64 };

struct sl_rules {
	struct sl_expr_claims claims; /* that conditions name */
	struct sl_arena arena;	      /* owns everything below but the table */
	const char *file;	      /* where it was read from */
	const char *document;	      /* all files merged, as JSON; nothing is substituted in it */
	uint64_t upgrade_timeout_ns;  /* for a successor to be ready */
	const char *run_dir;	      /* control socket; default: config/rundir.h */
	const char *state_dir;	      /* what has to survive a restart; NULL: nothing does */
	unsigned workers; /* 1..1024; "auto" is resolved to the number of CPUs we may run on */
	enum sl_sandbox_mode sandbox; /* of workers; set at the start */
	const char *user, *group; /* that root becomes at the start; NULL: stays, and the user's */
	enum sl_encoded_slash
		encoded_slash; /* key "paths": { "encoded_slashes": "refuse" | "keep" } */
	struct sl_limits limits;
	struct sl_forwarded forwarded;
	struct sl_logs logs;
	struct sl_dns dns;
	struct sl_measured metrics;
	struct sl_admin_conf admin;
	struct sl_kernel_conf kernel;
	struct sl_names *names;	    /* watched for changes; NULL: no target has a name */
	struct sl_tickets *tickets; /* keys for them, of listeners that name none; NULL: there is
				       no such listener */
	struct sl_listener_conf *listeners;
	unsigned listeners_nr; /* at least 1 */
	struct sl_upstream_conf *upstreams;
	unsigned upstreams_nr;
	struct sl_tls_origin_conf *origins; /* those with files of their own, or NULL */
	/* Not a setting: what is known of the targets, made when the rules come into use.  The
	 * rules own it, for it lives as long. */
	struct sl_states *states;
	struct sl_meters *meters; /* likewise: where its routes and targets are counted */
	struct sl_consumer *consumers;
	unsigned consumers_nr;
	struct sl_keyring *keys;	/* of the consumers */
	struct sl_roster *roster;	/* the consumers by name */
	struct sl_hmac_keys *hmac_keys; /* and by those that they sign with */
	struct sl_keysets *keysets;	/* of issuers; NULL: all are files */
	struct sl_jwks_file *jwks; /* keys of those who sign tokens; NULL: no policy wants any */
	struct sl_policy_list *policies;
	unsigned policies_nr;
	bool has_quota; /* one of them counts in shared->ledger */
	bool has_hmac;	/* one of them looks into shared->seen */
	struct sl_route *routes;
	unsigned routes_nr;
	struct sl_route_table *table;
};

#endif
