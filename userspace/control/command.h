/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that a running daemon understands, whoever sends them. */
#ifndef SL_CONTROL_COMMAND_H
#define SL_CONTROL_COMMAND_H

#include <jansson.h>
#include <sys/socket.h>

#include "control/daemon.h"

enum { SL_COMMAND_ARGS_MAX = 16 };

/* What follows the command's own words, cut at single spaces. */
struct sl_command_args {
	char *word[SL_COMMAND_ARGS_MAX];
	unsigned nr;
	const char *who; /* the caller, as a log has it: "uid=0 pid=17" */
};

/* Runs in the main thread.  The answer is a JSON object, the caller's to put; never NULL but when
 * memory is out.  line is cut up.  The log says who the caller is, if the command changes
 * something. */
json_t *sl_command_run(struct sl_daemon *d, const struct ucred *caller, char *line);
/* { "error": text }.  Nothing of what a caller sent belongs into it: that may be any bytes, and
 * JSON is UTF-8. */
json_t *sl_command_error(const char *text);
/* An address as the configuration has it: a JSON string, or NULL without memory. */
json_t *sl_command_addr(const struct sl_addr *addr);
/* The keys of a mask of sl_daemon_needs_restart(): a JSON array. */
json_t *sl_command_restart_keys(unsigned mask);

/* The commands, a file each or a few that belong together. */
json_t *sl_command_status(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_log_level(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_log_reopen(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_route_show(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_route_match(struct sl_daemon *d, const struct sl_command_args *args);

/* CONSUMER [id ID] [expires TIME|SPAN|never]: { "key", "id", "consumer", "created", "expires" };
 * the key is told here and nowhere else. */
json_t *sl_command_key_create(struct sl_daemon *d, const struct sl_command_args *args);
/* [CONSUMER]: { "keys": [{ "id", "consumer", "created", "expires", "enabled", "source": "file" or
 * "store" }], "count" }: the first 10,000. */
json_t *sl_command_key_show(struct sl_daemon *d, const struct sl_command_args *args);
/* ID [overlap SPAN] [id ID] [expires ...]: as create; the old one is good for so long (a day). */
json_t *sl_command_key_rotate(struct sl_daemon *d, const struct sl_command_args *args);
/* ID: { "revoked": id, "consumer" }; what it has open is cut off. */
json_t *sl_command_key_revoke(struct sl_daemon *d, const struct sl_command_args *args);
/* [N]: { "audit": [{ "seq", "at", "who", "what", "object", "detail" }] }, the newest first. */
json_t *sl_command_audit_show(struct sl_daemon *d, const struct sl_command_args *args);

/* { "reloaded": true, "generation", "ms", "needs_restart": [key...] } or { "reloaded": false,
 * "faults": [line...] | "reason" }. */
json_t *sl_command_reload(struct sl_daemon *d, const struct sl_command_args *args);
/* { "config": what runs, with every default }. */
json_t *sl_command_config_show(struct sl_daemon *d, const struct sl_command_args *args);
/* { "changes": what a reload would change, as sl_config_diff() tells it, "needs_restart": [key...]:
 * what it would not, though the file has it otherwise than what runs }, or as a refused reload. */
json_t *sl_command_config_diff(struct sl_daemon *d, const struct sl_command_args *args);
/* { "open", "connections": [{ "client", "port", "listener", "worker", "state", "requests",
 * "age_ms", "busy_ms", "route", "upstream", "tls": { "version", "cipher", "alpn", "name",
 * "records", "reason" } }] }: of each worker the first 4096. */
json_t *sl_command_connections(struct sl_daemon *d, const struct sl_command_args *args);
/* { "certificates": [{ "listener", "names", "subject", "issuer", "serial", "sha256", "key",
 * "key_bits", "not_before", "not_after", "left_s", "certificate_file", "key_file", "ocsp": {
 * "file", "state", "until" } }] }, in the order of the configuration. */
json_t *sl_command_certificates(struct sl_daemon *d, const struct sl_command_args *args);
/* For "status": { "count", "first_to_end": name, "left_s" }. */
json_t *sl_command_certificates_sum(const struct sl_daemon *d);
/* { "upstreams": [{ "name", "targets": [{ "name", "address", "state", "weight", "in_flight",
 * "connections", "requests", "failures", "checks", "checks_failed", "ejected_ms" }] }] }; state is
 * ready, drain, disabled, unhealthy, ejected or failing: no connection is to be had, since
 * "failing_ms".  Once something has failed there are "last_error", a word, and "last_error_ms", how
 * long ago. */
json_t *sl_command_upstreams(struct sl_daemon *d, const struct sl_command_args *args);
/* TARGET, or UPSTREAM/TARGET: { "targets": how many, "state" }.  It lasts over reloads. */
json_t *sl_command_drain(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_disable(struct sl_daemon *d, const struct sl_command_args *args);
json_t *sl_command_enable(struct sl_daemon *d, const struct sl_command_args *args);

#endif
