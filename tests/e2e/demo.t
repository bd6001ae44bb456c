#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The demo shows one request and goes: it leaves no process, no port, and no file.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

# Processes that were started with our own TMPDIR, by their environment.
left_over()
{
	grep -lsz "^TMPDIR=$dir/tmp\$" /proc/[0-9]*/environ | wc -l
}

once()
{
	free_ports 2
	port=${ports[0]} origin_port=${ports[1]}
	run env DEMO_ONCE=1 PORT="$port" ORIGIN_PORT="$origin_port" TMPDIR="$dir/tmp" \
		"$top/tools/demo" "$build"
	is "$status" 0 "DEMO_ONCE=1 ends with 0"
	has "$out" "it shows the command, and the answer of the gateway" \
		"curl -i \"http://127.0.0.1:$port/" "HTTP/1.1 200" "/orders/7?from=demo"
	ok "the gateway's port is free again" eval "! is_open $port"
	ok "the origin's port is free again" eval "! is_open $origin_port"
	is "$(left_over)" 0 "no process is left"
	is "$(ls -A "$dir/tmp")" "" "no file is left"
}

until_a_signal()
{
	local signal=$1

	free_ports 2
	port=${ports[0]} origin_port=${ports[1]}
	start "$dir/log" env PORT="$port" ORIGIN_PORT="$origin_port" TMPDIR="$dir/tmp" \
		"$top/tools/demo" "$build"
	wait_for grep -q Ctrl-C "$dir/log"
	grep -o "[^ ]*sluicectl -r [^ ]* status" "$dir/log" >"$dir/hint"
	run bash "$dir/hint"
	has "$status$out" "its hint, 'sluicectl status', works as it stands" 0 ":$port"
	end "$pid" "$signal"
	is "$status" 0 "SIG$signal ends it with 0"
	is "$(left_over):$(ls -A "$dir/tmp")" "0:" "no process and no file is left"
}

taken()
{
	start_origin
	PORT=$origin_port TMPDIR=$dir/tmp run "$top/tools/demo" "$build"
	is "$status" 1 "a port that is in use ends with 1"
	has "$err" "the message tells it, and a way out" "port $origin_port is in use" "make demo"
}

mkdir "$dir/tmp" "$dir/here"
cd "$dir/here" || exit 1
once
until_a_signal INT
until_a_signal TERM
taken
is "$(ls -A "$dir/here")" "" "no file is left where it was started"
done_testing
