/* SPDX-License-Identifier: Apache-2.0 */
/* What sluicectl and the daemon say to each other over RUN_DIR/control.sock. */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

/*
 * The caller sends one line, a command and its words separated by single spaces; the daemon sends
 * one JSON object and closes.  An error is { "error": "..." }.
 *
 *   status             { "version", "pid", "uptime_s", "state": "running" | "stopping", "config",
 *                        "generation", "workers", "routes", "access_log": PATH | null, "log_level",
 *                        "listeners": [ { "name", "address" } ],
 *                        "upstreams": [ { "name", "targets": [] } ], "counters": { NAME: SUM } }
 *   config reload      { "reloaded": true, "generation", "ms", "needs_restart": [KEY...] } or
 *                      { "reloaded": false, "faults": [LINE...] } or { ..., "reason" }
 *   log level [LEVEL]  { "level": the present one, "configured": the file's }
 *   log reopen         { "access": PATH | null, "error_log": PATH | null }: what was opened anew
 */
#define SL_ADMIN_SOCKET "control.sock"
#define SL_ADMIN_LINE_MAX 4096
#define SL_ADMIN_RUN_DIR "/run/sluice"

#endif
