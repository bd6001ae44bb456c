#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluicectl asks a running daemon; without one, or misused, its exit status says what is wrong too.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

ctl=$build/sluicectl
run_dir=$dir/run
socket=$run_dir/control.sock

start_daemon()
{
	reserve 1
	start_origin
	make_config "${ports[0]}" "$origin_port" "$run_dir" >"$dir/sluice.json"
	start "$dir/log" "$build/sluiced" -c "$dir/sluice.json"
	daemon=$pid
	wait_for grep -q started "$dir/log"
}

# EXPRESSION of jq over the last output is true.
json()
{
	ok "$1" jq -e "$2" "$dir/out"
}

status_text()
{
	for path in hello hello other; do
		curl -sS -m 10 -o "$dir/body" "http://127.0.0.1:${ports[0]}/$path"
	done
	run "$ctl" -r "$run_dir" status
	is "$status$err" 0 "status ends with 0 and without complaint"
	has "$out" "it names the daemon, its file, its addresses" "sluiced" "$daemon" \
		"$dir/sluice.json" "127.0.0.1:${ports[0]}" "127.0.0.1:$origin_port"
	ok "it runs, and says since when" grep -qE '^sluiced [0-9.]+, running for .*[0-9]s$' "$dir/out"
	ok "it has counted the requests" grep -qE '^requests +total 3  active 0 ' "$dir/out"
	ok "and the answers by their class" grep -qE '^responses .*  2xx 3  3xx 0 ' "$dir/out"
	is "$(grep -cE '^(connections|requests|responses|upstream|other) ' "$dir/out")" 5 \
		"it groups what it has counted"
}

status_json()
{
	run "$ctl" -j -s "$socket" status show
	is "$status$err" 0 "-j status show ends with 0 and without complaint"
	is "$(wc -l <"$dir/out")" 1 "it is one line"
	json "of JSON with the daemon's own pid" ".pid == $daemon"
	json "version, uptime and workers" '.version != "" and .uptime_s >= 0 and .workers == 2'
	json "state, routes and logs" '[.state, .routes, .access_log, .log_level] ==
		["running", 2, null, "info"]'
	json "the listener's address" ".listeners[0].address == \"127.0.0.1:${ports[0]}\""
	json "the upstream's target" ".upstreams[0].targets[0] == \"127.0.0.1:$origin_port\""
	json "the counters" \
		'.counters | .requests == 3 and .responses_2xx == 3 and .upstream_connects == 1'
	cp "$dir/out" "$dir/compact"
	run "$ctl" --pretty --run-dir="$run_dir" status
	ok "--pretty takes more lines" test "$(wc -l <"$dir/out")" -gt 20
	is "$(jq -S 'del(.uptime_s)' "$dir/out")" "$(jq -S 'del(.uptime_s)' "$dir/compact")" \
		"for the same facts"
}

# NAME STATUS TEXT WORDS...: what stands on stderr when sluicectl is given WORDS.
misuse()
{
	local name=$1 want=$2 text=$3

	shift 3
	run "$ctl" "$@"
	is "$status:$out" "$want:" "$name ends with $want, and nothing on stdout"
	has "$err" "$name: the message tells the word" "$text"
}

misuses()
{
	misuse "an unknown object" 64 "'statsu'; did you mean 'status'?" statsu
	misuse "an unknown command" 64 "'chek'; did you mean 'check'?" config chek
	misuse "a command without its object" 64 "'reload'; did you mean 'config reload'?" reload
	misuse "an argument without its command" 64 "'debug'; did you mean 'log level debug'?" log debug
	misuse "a URL without its method" 64 "'http://a/b' is not all: it takes METHOD URL" \
		route match http://a/b
	misuse "an object without its command" 64 "log help" log
	misuse "an unknown option" 64 "'jsno'; did you mean 'json'?" --jsno status
	misuse "an unknown letter" 64 "'-z'" -z status
	misuse "a short form of an option" 64 "'js'" --js status
	misuse "an option without its value" 64 "DIR" status -r
	misuse "an option with a value too many" 64 "--json" --json=1 status
	misuse "a word too many" 64 "'now'" status show now
	misuse "a word too few" 64 "FILE" config check
	misuse "a path too long for a socket" 64 "too long" -r "/$(printf 'x%.0s' {1..200})" status
	misuse "nothing at all" 64 "usage"
	misuse "an empty word" 64 "unknown object ''" ""
	misuse "a level that is none" 64 "'debgu'; did you mean 'debug'?" log level debgu
	run "$ctl" version
	is "$status:$out" "0:sluicectl $("$build/sluiced" -V | cut -d' ' -f2)" \
		"version is that of the daemon"
	run "$ctl" -j statsu
	is "$status" 64 "with -j the exit status is the same"
	json "and the message is JSON on stdout" '.error | test("statsu")'
}

no_daemon()
{
	misuse "no socket" 69 "$dir/none/control.sock: no such socket" -r "$dir/none" status
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/dead.sock"
	misuse "a socket that nobody listens at" 69 "nobody answers" -s "$dir/dead.sock" status
	if [[ $EUID -ne 0 ]]; then
		skip "a socket that is not for us ends with 77" "only root can be somebody else"
		return
	fi
	chmod 755 "$dir"
	cp "$ctl" "$dir/sluicectl"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$dir/sluicectl" -r "$run_dir" status
	is "$status" 77 "a socket that is not for us ends with 77"
	has "$err" "and the message tells which" "$socket" "permission denied"
}

# NAME TEXT WORDS...: help that was asked for is data.
helps()
{
	local name=$1 text=$2

	shift 2
	run "$ctl" "$@"
	is "$status:$err" "0:" "$name ends with 0, and nothing on stderr"
	has "$out" "$name: it is there" "usage: sluicectl" "$text"
}

help()
{
	local object

	helps "help" "config check FILE" help
	helps "--help" "config check FILE" --help
	helps "help on an object" "config check FILE" config help
	helps "--help on an object" "log reopen" log --help
	run "$ctl" log help
	ok "it is about no other object" test "$(grep -c '^  config' "$dir/out")" -eq 0
	run "$ctl" -j help
	json "as JSON, commands and options" \
		'(.commands | length) > 5 and (.options | map(.name) | index("json")) == 0'
	for object in $(jq -r '.commands[].object' "$dir/out" | sort -u); do
		run "$ctl" "$object" help
		[[ $object == help ]] || is "$status" 0 "$object has a help"
	done
}

# A word may be cut as long as nothing else begins so.
prefixes()
{
	run "$ctl" -j -r "$run_dir" st
	is "$status:$(jq .pid "$dir/out")" "0:$daemon" "'st' is status"
	run "$ctl" -j -r "$run_dir" stat sh
	is "$status:$(jq .pid "$dir/out")" "0:$daemon" "'stat sh' is status show"
	run "$ctl" conf ch "$dir/sluice.json"
	is "$status" 0 "'conf ch' is config check"
	run "$ctl" -r "$run_dir" lo l
	is "$status:$out" "0:info" "'lo l' is log level"
	run "$ctl" conf h
	is "$status" 0 "'h' is help on every object"
}

log_level()
{
	local port=${ports[0]}

	run "$ctl" -r "$run_dir" log level debug
	is "$status:$out$err" "0:debug" "log level debug turns it up"
	is "$(grep -c ' info control command="log level" uid='"$(id -u)"' pid=[1-9]' "$dir/log")" 1 \
		"the log says who did, and not who only asked"
	curl -sS -m 10 -o "$dir/body" "http://127.0.0.1:$port/other"
	wait_for grep -q client.closed "$dir/log"
	ok "then connections tell why they are closed" \
		grep -q 'debug client.closed client=127.0.0.1 .* reason="the client closed it"' "$dir/log"
	ok "and the log tells who turned it" grep -q 'log.level level=debug was=info' "$dir/log"
	run "$ctl" -j -r "$run_dir" log level
	is "$(jq -c . "$dir/out")" '{"level":"debug","configured":"info"}' "it is shown as JSON"
	run "$ctl" -r "$run_dir" log level inf
	is "$status:$out" "0:info" "a level may be cut, too"
}

# The daemon's own log in a file: from the end of the start on, moved away and opened anew.
error_log()
{
	local log=$dir/error.log

	reserve 1
	make_config "${ports[0]}" "$origin_port" "$dir/run2" \
		"\"logs\": { \"error\": { \"path\": \"$log\" } }" >"$dir/error.json"
	start "$dir/stderr" "$build/sluiced" -c "$dir/error.json"
	wait_for grep -q started "$log"
	ok "an error log takes what the daemon says" grep -q ' info started ' "$log"
	ok "and standard error takes nothing" test ! -s "$dir/stderr"
	mv "$log" "$log.1"
	run "$ctl" -r "$dir/run2" log reopen
	has "$status:$out" "log reopen names the file" "0:" "error log" "$log"
	run "$ctl" -r "$dir/run2" log level debug
	ok "then lines go to the new file" grep -q 'log.level' "$log"
	ok "and no longer to the old one" test "$(grep -c 'log.level' "$log.1")" -eq 0
	end "$pid"
	ok "to the last" grep -q ' info stopped ' "$log"
	make_config "${ports[0]}" "$origin_port" "$dir/run2" \
		"\"logs\": { \"error\": { \"path\": \"$dir/none/error.log\" } }" >"$dir/error.json"
	run "$build/sluiced" -c "$dir/error.json"
	is "$status" 1 "an error log that cannot be opened ends it with 1"
	has "$err" "the message, on standard error, names it" "$dir/none/error.log" "No such file"
}

batch()
{
	cat >"$dir/batch" <<'END'
# a comment
status	show   # behind a command
log \
  level

"log" 'level' de"bu"g
log level info
END
	run "$ctl" -r "$run_dir" batch file "$dir/batch"
	is "$status:$err" "0:" "a batch ends with 0"
	is "$(grep -cE '^(sluiced|debug|info) ?' "$dir/out")" 4 "its commands were run"
	is "$(tail -1 "$dir/out")" "processed 4 commands" "it says how many"
	run "$ctl" -j -r "$run_dir" batch file "$dir/batch"
	is "$(jq -c '[.[] | [.command, .output.level]]' "$dir/out")" \
		'[[["status","show"],null],[["log","level"],"info"],[["log","level","debug"],"debug"],[["log","level","info"],"info"]]' \
		"as JSON: one array, of commands and outputs"
	status=0
	printf 'log level\nlog levle\nlog level debug\n' |
		"$ctl" -r "$run_dir" batch file - >"$dir/out" 2>"$dir/err" || status=$?
	is "$status:$(<"$dir/out")" "64:info" "the first that fails ends it, with its status"
	has "$(<"$dir/err")" "the message names the line" "standard input:2:" "'levle'"
	run "$ctl" -r "$run_dir" log level
	is "$out" info "what is behind it was not run"
	for bad in '"log level' 'log level "de' "$(printf 'x %.0s' {1..20})" "batch file $dir/bad"; do
		echo "$bad" >"$dir/bad"
		run "$ctl" -r "$run_dir" batch file "$dir/bad"
		is "$status" 64 "refused in a batch: ${bad:0:20}"
		run "$ctl" -j -r "$run_dir" batch file "$dir/bad"
		is "$status" 64 "with -j too"
		json "with the reason" 'last | .output.error != ""'
	done
	misuse "a batch that is not there" 1 "$dir/none" batch file "$dir/none"
}

# Whatever answers there, the answer is not taken for what it is not.
strange_daemons()
{
	local answer

	for answer in '' 'hello' '[1]' '{"error":"not today"}' '{"version":1,"counters":7}'; do
		rm -f "$dir/odd.sock"
		start "$dir/odd" python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
c.recv(100)
c.sendall(sys.argv[2].encode())
' "$dir/odd.sock" "$answer"
		wait_for test -S "$dir/odd.sock"
		run "$ctl" -s "$dir/odd.sock" status
		case $answer in
		*version*) is "$status" 0 "an answer of odd types is printed as far as it goes" ;;
		*today*) is "$status:$err" "1:sluicectl: status show: the daemon says: not today" \
			"an error of the daemon's is passed on" ;;
		*) is "$status:$out" "1:" "the answer '$answer' is an error" ;;
		esac
	done
}

# What comes by the socket does not disturb the daemon.
strange_clients()
{
	ok "unknown, long, binary and unfinished lines get an error or a close" python3 -c '
import json, socket, sys
def ask(data):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(sys.argv[1])
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    out = b""
    try:
        while part := s.recv(65536):
            out += part
    except ConnectionResetError:
        pass
    return out
assert "error" in json.loads(ask(b"statsu\n"))
assert "error" in json.loads(ask(b"status now\n"))
assert "error" in json.loads(ask(b"log level loud\n"))
assert "error" in json.loads(ask(b"log level info now\n"))
assert "error" in json.loads(ask(b"log\n"))
assert "error" in json.loads(ask(b"\n"))
assert ask(b"status") == b""
assert ask(b"x" * 4096) == b""
answer = ask(bytes(range(128, 256)) + b"\n")
assert answer == b"" or "error" in json.loads(answer), answer
assert "version" in json.loads(ask(b"status\nstatus\n"))
' "$socket"
	for _ in {1..20}; do
		"$ctl" -j -r "$run_dir" status &
	done >"$dir/many" 2>&1
	wait_for eval "[[ \$(wc -l <'$dir/many') -eq 20 ]]"
	is "$(jq -s 'map(select(.pid)) | length' "$dir/many")" 20 "twenty at once are all answered"
	run timeout 5 python3 -c '
import socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
sys.exit(subprocess.call(sys.argv[2:]))
' "$socket" "$ctl" -j -r "$run_dir" status
	is "$status" 0 "one that says nothing does not keep the next one out"
}

full_disk()
{
	status=0
	"$ctl" -r "$run_dir" status >/dev/full 2>"$dir/err" || status=$?
	is "$status" 1 "an answer that could not be written ends with 1"
}

start_daemon
status_text
status_json
help
prefixes
log_level
batch
misuses
no_daemon
strange_daemons
strange_clients
full_disk
end "$daemon"
is "$status" 0 "the daemon ends in good order"
error_log
done_testing
