/* SPDX-License-Identifier: Apache-2.0 */
/* What sluicectl and the daemon say to each other over RUN_DIR/control.sock. */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

/*
 * The caller sends one line, a command and its words separated by single spaces; the daemon sends
 * one JSON object and closes.  An error is { "error": "..." }.
 *
 *   status             { "version", "pid", "uptime_s", "state": "running" | "stopping", "config",
 *                        "generation", "needs_restart": [KEY...], "workers", "routes",
 *                        "access_log": PATH | null, "log_level", "listeners": [ { "name",
 *                        "address" } ], "upstreams": [ { "name", "targets": [] } ], "names": [ {
 *                        "host", "addresses", "stale", "failures" } ], "certificates": { "count",
 *                        "first_to_end", "left_s" }, "counters": { NAME: SUM } }
 *   config reload      { "reloaded": true, "generation", "ms", "needs_restart": [KEY...] } or
 *                      { "reloaded": false, "faults": [LINE...] } or { ..., "reason" }
 *   config show        { "config": what runs, with every default }
 *   config diff        { "changes": [ { "pointer", "name", "old", "new" } ], "needs_restart":
 *                        [KEY...] }, or faults as above.  A key of needs_restart has another value
 *                        in the file than the running daemon, which a reload does not change
 *   upstream show      { "upstreams": [ { "name", "targets": [ { "name", "address", "state",
 *                        "weight", "in_flight", "connections", "requests", "failures", "checks",
 *                        "checks_failed", "ejected_ms" } ] } ] }
 *   upstream drain|disable|enable [UPSTREAM/]TARGET
 *                      { "targets": how many, "state" }
 *   connection show    { "open", "connections": [ { "client", "port", "listener", "worker",
 *                        "state", "requests", "age_ms", "busy_ms", "route", "upstream", "tls": {
 *                        "version", "cipher", "alpn", "name", "records", "reason" } } ] }
 *   certificate show   { "certificates": [ { "listener", "names", "subject", "issuer", "serial",
 *                        "sha256", "key", "key_bits", "not_before", "not_after", "left_s",
 *                        "certificate_file", "key_file", "ocsp": { "file", "state", "until" } } ] }
 *   log level [LEVEL]  { "level": the present one, "configured": the file's }
 *   log reopen         { "access": PATH | null, "error_log": PATH | null }: what was opened anew
 *   route show         { "routes": [ROUTE...] }, in the order of the file.  A ROUTE has "name",
 *                        "index", "hosts", "methods", "path" or "path_regex", "headers" and
 *                        "query" as in the configuration, and "upstream", "respond" (status) or
 *                        "redirect"
 *   route match METHOD URL [NAME:VALUE...]
 *                   which route takes the request.  URL is "http://host/path?query" or a path
 *                   alone, NAME:VALUE a header field; in all words %XX stands for a byte, '%'
 *                   itself for "%25".  { "result": "found", "route", "takes": ROUTE, "params" } or
 *                   { "result": "none" | "method" | "gave up" | "refused", "status", ... }; with
 *                   "host", "path", "candidates": [ROUTE with "verdict" and "failed"...] in their
 *                   precedence (256 of "candidates_nr"), "other_hosts" and "other_paths": numbers
 *                   of routes that are for other requests
 */
#define SL_ADMIN_SOCKET "control.sock"
#define SL_ADMIN_LINE_MAX 4096
#define SL_ADMIN_RUN_DIR "/run/sluice"

#endif
