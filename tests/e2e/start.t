#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluiced begins: its options, what it says when it cannot, and how soon it answers.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

sluiced=$build/sluiced
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all)

options()
{
	run "$sluiced" --version
	is "$status$err" 0 "--version ends with 0 and without complaint"
	ok "it prints name and version" grep -qE '^sluiced [0-9]+\.[0-9]+\.[0-9]+$' "$dir/out"
	run "$sluiced" --help
	is "$status$err" 0 "--help ends with 0 and without complaint"
	has "$out" "it names every option" --config --check --schema --version --help
	run "$sluiced" --confg x
	is "$status" 64 "an unknown option ends with 64"
	has "$err" "the message names it, and the way to help" confg --help
	run "$sluiced" -c
	is "$status" 64 "an option without its value ends with 64"
	run "$sluiced" sluice.json
	is "$status" 64 "an argument that is no option ends with 64"
	has "$err" "the message names it" "'sluice.json'"
}

schema()
{
	run "$sluiced" --schema
	is "$status$err" 0 "--schema ends with 0 and without complaint"
	is "$(jq -r '."$schema"' "$dir/out" 2>&1)" "https://json-schema.org/draft/2020-12/schema" \
		"it is JSON, and names its dialect"
	cp "$dir/out" "$dir/schema.json"
	run "$build/sluicectl" config check "$top/tools/packaging/sluice.json"
	is "$status" 0 "the configuration that is installed is checked, and fine"
	if python3 -c 'import jsonschema' 2>/dev/null; then
		ok "and the schema, read by somebody else's validator" python3 -c '
import json, jsonschema, sys
schema, conf = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(conf)
' "$dir/schema.json" "$top/tools/packaging/sluice.json"
	else
		skip "and the schema, read by somebody else's validator" "no jsonschema for python3"
	fi
}

no_file()
{
	run "$sluiced" -c "$dir/missing.json"
	is "$status" 2 "a configuration that is not there ends with 2"
	has "$err" "the message names the file and the reason" "$dir/missing.json" "No such file"
	echo '{ "listeners": {} }' >"$dir/bad.json"
	run "$sluiced" -c "$dir/bad.json"
	is "$status" 2 "a configuration with faults ends with 2"
	has "$err" "the message has the place" "$dir/bad.json:1:"
}

first_answer()
{
	local begin taken

	reserve 1
	start_origin
	make_config "${ports[0]}" "$origin_port" "$dir/run" >"$dir/sluice.json"
	begin=$(date +%s%N)
	start "$dir/log" "$sluiced" -c "$dir/sluice.json"
	wait_for is_open "${ports[0]}"
	run curl -sS -m 10 "http://127.0.0.1:${ports[0]}/first"
	taken=$((($(date +%s%N) - begin) / 1000000))
	is "$status:$out" "0:origin" "the first request is passed on and answered"
	echo "# from exec to the first answer: $taken ms"
	end "$pid"
	is "$status" 0 "SIGTERM ends it with 0"
	ok "it said that it started and that it stopped" grep -q stopped "$dir/log"
	ok "and nothing alarming" test -z "$(grep -E ' (warn|error) ' "$dir/log")"
	ok "its socket is gone" test ! -e "$dir/run/control.sock"
}

port_in_use()
{
	make_config "$origin_port" "$origin_port" "$dir/run" >"$dir/taken.json"
	run "$sluiced" -c "$dir/taken.json"
	is "$status" 1 "a port that another program has ends with 1"
	has "$err" "the message says so, and names listener and address" \
		"Address already in use" "http" "127.0.0.1:$origin_port"
}

# Both would get connections, and one of them has another configuration than its operator thinks.
two_of_us()
{
	local first

	reserve 1
	make_config "${ports[0]}" "$origin_port" "$dir/run" >"$dir/sluice.json"
	start "$dir/log" "$sluiced" -c "$dir/sluice.json"
	first=$pid
	wait_for grep -q started "$dir/log"
	run "$sluiced" -c "$dir/sluice.json"
	is "$status" 1 "a run_dir that another sluiced has ends with 1"
	has "$err" "the message names it, whose it is, and the key" "control.taken" "run_dir=$dir/run" \
		"pid=$first " "/gateway/run_dir"
	sed "s|$dir/run|$dir/run2|" "$dir/sluice.json" >"$dir/second.json"
	run "$sluiced" -c "$dir/second.json"
	is "$status" 1 "a port that another sluiced has ends with 1"
	has "$err" "the message says so" "Address already in use" "127.0.0.1:${ports[0]}"
	run curl -sS -m 10 "http://127.0.0.1:${ports[0]}/hello"
	is "$status:$out" "0:hello" "and the first one goes on"
	ok "with its control socket" "$build/sluicectl" -r "$dir/run" status
	end "$first" KILL
	start "$dir/again" "$sluiced" -c "$dir/sluice.json"
	wait_for eval "grep -q started '$dir/again' || ! kill -0 $pid"
	ok "one that was killed is started again at once" grep started "$dir/again"
	ok "and is reached by sluicectl" "$build/sluicectl" -r "$dir/run" status
	end "$pid"
}

# A socket file of a killed daemon is in nobody's way; that of a living one is.
unix_socket()
{
	local socket=$dir/web.sock first

	make_config 1 "$origin_port" "$dir/run" | sed "s|127.0.0.1:1\"|unix:$socket\"|" >"$dir/unix.json"
	start "$dir/log" "$sluiced" -c "$dir/unix.json"
	first=$pid
	wait_for grep -q started "$dir/log"
	run curl -sS -m 10 --unix-socket "$socket" http://test.example/hello
	is "$status:$out" "0:hello" "a UNIX socket is listened at"
	sed "s|$dir/run|$dir/run2|" "$dir/unix.json" >"$dir/unix2.json"
	run "$sluiced" -c "$dir/unix2.json"
	is "$status" 1 "one that another sluiced listens at ends with 1"
	end "$first" KILL
	start "$dir/log" "$sluiced" -c "$dir/unix.json"
	wait_for eval "grep -q started '$dir/log' || ! kill -0 $pid"
	run curl -sS -m 10 --unix-socket "$socket" http://test.example/hello
	is "$status:$out" "0:hello" "one of a sluiced that was killed is taken over"
	end "$pid"
	is "$status" 0 "SIGTERM ends it with 0"
	ok "its socket is gone" test ! -e "$socket"
}

# The build may be where nobody may not look.
port_of_root()
{
	local name="a port for root only ends with 1 for nobody"

	if [[ $EUID -ne 0 || $(</proc/sys/net/ipv4/ip_unprivileged_port_start) -le 80 ]]; then
		skip "$name" "only as root, where port 80 is for root only"
		return
	fi
	chmod 755 "$dir"
	cp "$sluiced" "$dir/sluiced"
	make_config 80 9 "$dir/run" >"$dir/low.json"
	run "${nobody[@]}" "$dir/sluiced" -c "$dir/low.json"
	is "$status" 1 "$name"
	has "$err" "the message says so, and names listener and address" \
		"Permission denied" "http" "127.0.0.1:80"
	has "$err" "and what helps" "CAP_NET_BIND_SERVICE" "setcap" "ip_unprivileged_port_start"
}

options
schema
no_file
first_answer
port_in_use
two_of_us
unix_socket
port_of_root
done_testing
