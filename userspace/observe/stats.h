/* SPDX-License-Identifier: Apache-2.0 */
/* Live counters: each worker adds to its own cells, whoever reads sums them up. */
#ifndef SL_OBSERVE_STATS_H
#define SL_OBSERVE_STATS_H

#include <stdint.h>

/* One list makes the struct, the names in `sluicectl status` and the metrics: X(name, kind, metric,
 * labels, help).  A metric of NULL is one whose parts are counted by route.  Lines of one metric
 * stand together. */
/* clang-format off */
#define SL_STATS(X) \
	X(connections_accepted, COUNTER, "sluice_connections_accepted", "", \
	  "Client connections accepted") \
	X(connections_open, GAUGE, "sluice_connections", "state=\"open\"", \
	  "Client connections, by state") \
	X(connections_refused, COUNTER, "sluice_connections_refused", "", \
	  "Client connections closed because a limit was reached") \
	X(connections_closed_client, COUNTER, "sluice_connections_closed", "reason=\"client\"", \
	  "Client connections closed, by who or what ended them") \
	X(connections_closed_error, COUNTER, "sluice_connections_closed", "reason=\"error\"", \
	  "they were reset, or broke") \
	X(connections_closed_idle, COUNTER, "sluice_connections_closed", "reason=\"idle\"", \
	  "no request within limits.idle_timeout") \
	X(connections_closed_done, COUNTER, "sluice_connections_closed", "reason=\"done\"", \
	  "they could carry no other request") \
	X(connections_closed_limit, COUNTER, "sluice_connections_closed", "reason=\"limit\"", \
	  "a limit, or memory, was reached") \
	X(connections_closed_stopping, COUNTER, "sluice_connections_closed", \
	  "reason=\"stopping\"", \
	  "they were idle when the daemon ended") \
	X(requests, COUNTER, NULL, "", "requests answered") \
	X(requests_active, GAUGE, "sluice_http_requests_active", "", "Requests being answered") \
	X(responses_1xx, COUNTER, NULL, "", "interim responses passed on") \
	X(responses_2xx, COUNTER, NULL, "", "responses with a 2xx status") \
	X(responses_3xx, COUNTER, NULL, "", "responses with a 3xx status") \
	X(responses_4xx, COUNTER, NULL, "", "responses with a 4xx status") \
	X(responses_5xx, COUNTER, NULL, "", "responses with a 5xx status") \
	X(requests_bad, COUNTER, "sluice_http_requests_malformed", "", \
	  "Requests refused as malformed") \
	X(requests_aborted, COUNTER, "sluice_http_requests_aborted", "", \
	  "Clients that left before their answer was complete") \
	X(upstream_connects, COUNTER, "sluice_upstream_connects", "", \
	  "Connections made to targets") \
	X(upstream_reuses, COUNTER, "sluice_upstream_reuses", "", \
	  "Requests sent over a kept connection") \
	X(upstream_failures, COUNTER, NULL, "", "connections to targets that failed") \
	X(upstream_retries, COUNTER, "sluice_upstream_retries", "", \
	  "Requests sent again after a lost connection") \
	X(upstream_ejections, COUNTER, "sluice_upstream_ejections", "", \
	  "Targets ejected after failures in a row") \
	X(upstream_overloads, COUNTER, "sluice_upstream_overloads", "", \
	  "Requests refused because an upstream had no room") \
	X(upstream_tls_handshakes, COUNTER, "sluice_upstream_tls_handshakes", "session=\"new\"", \
	  "TLS handshakes with targets, by whether they began a session") \
	X(upstream_tls_resumed, COUNTER, "sluice_upstream_tls_handshakes", "session=\"resumed\"", \
	  "or went on with an earlier one") \
	X(upstream_tls_failures, COUNTER, "sluice_upstream_tls_failures", "", \
	  "TLS handshakes with targets that failed") \
	X(shortages, COUNTER, "sluice_shortages", "", \
	  "Times that no descriptor, memory or local port was left for a connection") \
	X(tunnels, COUNTER, "sluice_http_tunnels", "", "Connections upgraded to tunnels") \
	X(bytes_received, COUNTER, "sluice_http_request_bytes", "", "Bytes of request bodies") \
	X(bytes_sent, COUNTER, "sluice_http_response_bytes", "", "Bytes of response bodies") \
	X(log_lines_lost, COUNTER, "sluice_log_lines_lost", "", \
	  "Access log lines that could not be written") \
	X(tls_handshakes, COUNTER, "sluice_tls_handshakes", "session=\"new\"", \
	  "TLS handshakes that were completed, by whether they began a session") \
	X(tls_resumed, COUNTER, "sluice_tls_handshakes", "session=\"resumed\"", \
	  "or went on with an earlier one") \
	X(tls_active, GAUGE, "sluice_tls_handshakes_active", "", "TLS handshakes in progress") \
	X(tls_1_2, COUNTER, "sluice_tls_versions", "version=\"TLSv1.2\"", \
	  "The same handshakes, by the version that was agreed on") \
	X(tls_1_3, COUNTER, "sluice_tls_versions", "version=\"TLSv1.3\"", \
	  "connections of TLS 1.3") \
	X(tls_refused, COUNTER, "sluice_tls_failures", "reason=\"refused\"", \
	  "Connections to TLS listeners that came to no handshake, by reason") \
	X(tls_malformed, COUNTER, "sluice_tls_failures", "reason=\"malformed\"", \
	  "what came was no ClientHello") \
	X(tls_bad_version, COUNTER, "sluice_tls_failures", "reason=\"version\"", \
	  "the client speaks no version that tls.profile has") \
	X(tls_bad_name, COUNTER, "sluice_tls_failures", "reason=\"name\"", \
	  "it asked for a name that no certificate is for (tls.unknown_names)") \
	X(tls_bad_ja4, COUNTER, "sluice_tls_failures", "reason=\"ja4\"", \
	  "its fingerprint is one of tls.deny_ja4") \
	X(tls_plain, COUNTER, "sluice_tls_failures", "reason=\"plain_http\"", \
	  "a plain HTTP request was sent instead") \
	X(tls_left, COUNTER, "sluice_tls_failures", "reason=\"client\"", \
	  "the client left, or the connection broke") \
	X(tls_slow, COUNTER, "sluice_tls_failures", "reason=\"timeout\"", \
	  "it took longer than tls.handshake_timeout") \
	X(tls_limit, COUNTER, "sluice_tls_failures", "reason=\"limit\"", \
	  "limits.handshakes or limits.client_handshakes was reached") \
	X(tls_no_memory, COUNTER, "sluice_tls_failures", "reason=\"memory\"", \
	  "limits.memory was reached") \
	X(tls_no_kernel, COUNTER, "sluice_tls_failures", "reason=\"kernel\"", \
	  "tls.kernel_tls requires the kernel, which could not take it over") \
	X(tls_kernel_sent, COUNTER, "sluice_tls_kernel", "records=\"sent\"", \
	  "TLS connections that the kernel was to take over, by which records it did") \
	X(tls_kernel_both, COUNTER, "sluice_tls_kernel", "records=\"both\"", \
	  "those that are sent and those that come") \
	X(tls_kernel_none, COUNTER, "sluice_tls_kernel", "records=\"none\"", \
	  "it could not: they stay with this process") \
	X(denied_by_list, COUNTER, "sluice_denials", "reason=\"list\"", \
	  "Connections, and requests behind proxies, of clients that are not let in, by reason") \
	X(denied_punished, COUNTER, "sluice_denials", "reason=\"punished\"", \
	  "the client is denied for a while") \
	X(denied_by_limit, COUNTER, "sluice_denials", "reason=\"limit\"", \
	  "beyond the client's limit of new connections") \
	X(shadow_denials, COUNTER, "sluice_shadow_denials", "", \
	  "What would be denied, were it not on trial") \
	X(policy_unauthorized, COUNTER, "sluice_policy_refusals", "reason=\"unauthorized\"", \
	  "Requests that a policy refused, by reason") \
	X(policy_forbidden, COUNTER, "sluice_policy_refusals", "reason=\"forbidden\"", \
	  "the client is known, and may not do that") \
	X(policy_limited, COUNTER, "sluice_policy_refusals", "reason=\"limited\"", \
	  "a limit was reached") \
	X(punishments, COUNTER, "sluice_punishments", "result=\"punished\"", \
	  "Clients that failed too often, by what became of it") \
	X(punishments_shadow, COUNTER, "sluice_punishments", "result=\"shadow\"", \
	  "they would be punished, were it not on trial") \
	X(punishments_spared, COUNTER, "sluice_punishments", "result=\"spared\"", \
	  "they were not, as too many had been that minute")
/* clang-format on */

/* What the main thread counts: X(name, kind, metric, labels, divisor, help). */
/* clang-format off */
#define SL_DAEMON_STATS(X) \
	X(config_revision, GAUGE, "sluice_config_revision", "", 1, \
	  "Configurations that came into use since the start") \
	X(reload_ok, GAUGE, "sluice_config_last_reload_successful", "", 1, \
	  "1 if the configuration that was read last is in use") \
	X(reload_ns, GAUGE, "sluice_config_last_reload_timestamp_seconds", "", 1000000000, \
	  "When a configuration came into use last") \
	X(reloads, COUNTER, "sluice_config_reloads", "result=\"success\"", 1, \
	  "Configurations that were read anew, by result") \
	X(reloads_failed, COUNTER, "sluice_config_reloads", "result=\"failure\"", 1, "") \
	X(is_ready, GAUGE, "sluice_ready", "", 1, "1 unless the daemon is ending") \
	X(workers, GAUGE, "sluice_workers", "", 1, "Worker threads") \
	X(sandbox_refused, COUNTER, "sluice_sandbox_refusals", "", 1, \
	  "System calls that a worker may not make, and tried") \
	X(info, GAUGE, "sluice_build_info", "version=\"" SL_VERSION "\"", 1, \
	  "1, and the daemon's version") \
	X(start_ns, GAUGE, "process_start_time_seconds", "", 1000000000, \
	  "When the daemon was started")
/* clang-format on */

struct sl_stats {
#define SL_STATS_CELL(name, kind, metric, labels, help) uint64_t name;
	SL_STATS(SL_STATS_CELL)
#undef SL_STATS_CELL
} __attribute__((aligned(64)));

struct sl_daemon_stats {
#define SL_STATS_CELL(name, kind, metric, labels, divisor, help) uint64_t name;
	SL_DAEMON_STATS(SL_STATS_CELL)
#undef SL_STATS_CELL
} __attribute__((aligned(64)));

/* One writer a cell: a plain add that no reader can see half of. */
static inline void sl_count(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell + n, __ATOMIC_RELAXED);
}

static inline void sl_gauge_set(uint64_t *cell, uint64_t value)
{
	__atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static inline void sl_uncount(uint64_t *cell, uint64_t n)
{
	__atomic_store_n(cell, *cell - n, __ATOMIC_RELAXED);
}

#endif
