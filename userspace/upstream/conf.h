/* SPDX-License-Identifier: Apache-2.0 */
/* What an upstream is to be: its targets and how to talk to them. */
#ifndef SL_UPSTREAM_CONF_H
#define SL_UPSTREAM_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "net/addr.h"
#include "tls/conf.h"

enum sl_balance { SL_BALANCE_ROUND_ROBIN, SL_BALANCE_LEAST_REQUESTS, SL_BALANCE_CONSISTENT_HASH };

enum sl_proxy_version { SL_PROXY_OFF, SL_PROXY_V1, SL_PROXY_V2 };

/* What of a request says where it goes, with SL_BALANCE_CONSISTENT_HASH. */
enum sl_hash_source { SL_HASH_CLIENT, SL_HASH_PATH, SL_HASH_HEADER, SL_HASH_COOKIE };

struct sl_hash_conf {
	struct sl_str text; /* as written: "client", "path", "header:NAME", "cookie:NAME" */
	enum sl_hash_source source;
	struct sl_str name; /* of the header field or the cookie */
};

/* A place on the ring of SL_BALANCE_CONSISTENT_HASH, and whose it is. */
struct sl_ring_point {
	uint32_t hash;
	uint32_t target;
};

struct sl_sticky_conf {
	struct sl_str cookie; /* its name; empty: sessions are not bound to targets */
	uint64_t max_age_ns;  /* 0: as long as the browser runs */
	struct sl_str secret; /* makes the values unguessable; may be empty */
	bool secure;
};

struct sl_outlier_conf {
	uint32_t failures; /* in a row, until a target is ejected; 0: never */
	uint64_t statuses; /* that count as failures: a bit for each from 500 to 563 */
	uint64_t base_ns, max_ns;
	uint32_t max_percent; /* of the targets */
};

struct sl_health_conf {
	uint64_t interval_ns; /* 0: no health checks */
	uint64_t timeout_ns;
	struct sl_str path;   /* of a GET; empty: a connection is enough */
	struct sl_str host;   /* empty: the target's name */
	struct sl_str status; /* as written: "200-399" */
	uint16_t status_first, status_last;
	uint32_t healthy_after, unhealthy_after; /* results in a row */
};

/* What a request may be sent again after: bits of sl_retry_conf.on. */
enum {
	SL_RETRY_CONNECT = 1, /* no connection: nothing was sent, so any request goes on */
	SL_RETRY_RESET = 2,   /* the connection ended without an answer */
	SL_RETRY_TIMEOUT = 4, /* no answer came in time */
	SL_RETRY_502 = 8,
	SL_RETRY_503 = 16,
	SL_RETRY_504 = 32,
};

struct sl_retry_conf {
	uint32_t attempts; /* after the first */
	uint32_t on;
	uint32_t budget_percent; /* of the requests; 100: no limit */
};

struct sl_target_conf {
	const char *name; /* as written in the configuration: for logs and status */
	const char *text; /* the same with its variables replaced: what ends up on the wire */
	const char *key;  /* what hashes are made of: the text, or of a name one of its addresses */
	struct sl_addr address;
	uint32_t weight;		    /* 1..1000 */
	struct sl_tls_target_name tls_name; /* with TLS only */
	uint64_t session;		    /* what a sticky cookie calls it; never 0 */
};

struct sl_upstream_conf {
	const char *name;
	struct sl_target_conf *targets;
	uint32_t targets_nr; /* at least 1 */
	enum sl_balance balance;
	struct sl_hash_conf hash_on;
	struct sl_ring_point *ring; /* by hash; NULL without SL_BALANCE_CONSISTENT_HASH */
	uint32_t ring_nr;
	struct sl_sticky_conf sticky;
	struct sl_outlier_conf outlier;
	struct sl_retry_conf retries;
	struct sl_health_conf health;
	uint64_t slow_start_ns;	  /* until a target that came back has its full share; 0: none */
	uint32_t panic_percent;	  /* with no more targets than this in service, all are used */
	uint32_t max_connections; /* to each target, in equal parts to the workers; 0: no limit */
	uint32_t max_pending;	  /* requests that wait for one of them, likewise */
	uint32_t max_requests;	  /* in flight, of all workers; 0: no limit */
	uint64_t connect_timeout_ns;
	uint64_t response_timeout_ns; /* from the last byte of the request to the first of the
					 answer */
	uint64_t read_timeout_ns;     /* between two parts of an answer's body */
	uint64_t max_age_ns;	      /* of a connection, for another request; 0: any */
	uint32_t max_uses;	      /* requests on one connection; 0: any */
	uint64_t idle_timeout_ns;     /* an unused connection is closed after this */
	uint64_t down_for_ns; /* a target that refused a connection is left alone for this long */
	uint32_t idle_connections; /* kept open at the most, for each worker and target */
	enum sl_proxy_version send_proxy;
	struct sl_tls_origin_conf *tls; /* NULL: bytes go as they are */
};

#endif
