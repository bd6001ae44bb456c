/* SPDX-License-Identifier: Apache-2.0 */
/* What sluicectl and the daemon say to each other over RUN_DIR/control.sock. */
#ifndef SLUICE_ADMIN_H
#define SLUICE_ADMIN_H

/*
 * The caller sends one line, a command and its words separated by single spaces; the daemon sends
 * one JSON object and closes.  An error is { "error": "..." }.
 *
 *   config reload   { "reloaded": true, "generation", "ms", "needs_restart": [KEY...] } or
 *                   { "reloaded": false, "faults": [LINE...] } or { ..., "reason" }
 *   status    { "version", "pid", "uptime_s", "config", "generation", "workers", "counters": {
 * NAME: SUM }, "listeners": [], "upstreams": [] }
 */
#define SL_ADMIN_SOCKET "control.sock"
#define SL_ADMIN_LINE_MAX 4096
#define SL_ADMIN_RUN_DIR "/run/sluice"

#endif
