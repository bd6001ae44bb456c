#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A configuration is checked before it is used: by sluiced and by sluicectl alike, to the column.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

sluiced=$build/sluiced
ctl=$build/sluicectl

# Whether both of them say of FILE what is expected; the rest are words of their common message.
check()
{
	local name=$1 file=$2 want=$3

	shift 3
	run "$sluiced" --check -c "$file"
	is "$status" "$want" "$name: sluiced --check ends with $want"
	[[ $# -eq 0 ]] || has "$err" "$name: and says where and what" "$@"
	grep -v '^sluiced: ' "$dir/err" >"$dir/by-sluiced"
	run "$ctl" config check "$file"
	is "$status" "$want" "$name: sluicectl config check ends with $want"
	ok "$name: in the same words" cmp "$dir/by-sluiced" "$dir/err"
}

good()
{
	make_config 8080 9000 "$dir/run" >"$dir/good.json"
	check "a good file" "$dir/good.json" 0
	run "$sluiced" -t -c "$dir/good.json"
	has "$status$err" "-t says so too" "0" "$dir/good.json test is successful"
	{ echo '// of mine'; cat "$dir/good.json"; } >"$dir/comment.json"
	check "a file with a comment" "$dir/comment.json" 0
	run "$ctl" -j config check "$dir/good.json"
	is "$status:$(jq -c '[.ok, .faults]' "$dir/out" 2>&1)" '0:[true,[]]' "as JSON: fine, no faults"
	ok "a check leaves nothing behind" test ! -e "$dir/run"
}

# What only the machine can tell: by sluiced, whose business it is, and not by sluicectl.
trials()
{
	cat >"$dir/trial.json" <<END
{
	"gateway": { "user": "no-such-user", "group": "no-such-group" },
	"listeners": { "http": "192.0.2.1:80",
		"file": "unix:$dir/none/sock" },
	"admin": { "address": "192.0.2.1:81" },
	"routes": [ { "respond": { "body": "x" } } ],
	"logs": { "access": { "path": "$dir/none/log" }, "error": { "path": "$dir" } }
}
END
	sed -i 's|"address": "192.0.2.1:81"|&, "public": true|' "$dir/trial.json"
	run "$ctl" config check "$dir/trial.json"
	is "$status$err" 0 "a file that is fine elsewhere: sluicectl config check says so"
	run "$sluiced" --check -c "$dir/trial.json"
	is "$status" 2 "sluiced --check says that it is not fine here"
	has "$err" "with the place and the key of each fault" \
		"$dir/trial.json:3:25: /listeners/http/address: cannot be listened at: Cannot assign" \
		"$dir/trial.json:4:11: /listeners/file/address: cannot be listened at: No such file" \
		"$dir/trial.json:5:24: /admin/address: cannot be listened at: Cannot assign" \
		"/logs/access/path: $dir/none/log: No such file" "/logs/error/path: $dir: Is a directory"
	if [[ $EUID -eq 0 ]]; then
		has "$err" "user and group too, for root" \
			"$dir/trial.json:2:23: /gateway/user: there is no user 'no-such-user'" \
			"/gateway/group: there is no group 'no-such-group'"
	fi
	if [[ $EUID -eq 0 ]]; then
		mkdir "$dir/of-root"
		sed -e 's|"no-such-user", "group": "no-such-group"|"nobody"|' \
			-e "s|$dir/none/log|$dir/of-root/log|" "$dir/trial.json" >"$dir/nobody.json"
		run "$sluiced" --check -c "$dir/nobody.json"
		has "$err" "a log is judged as the user that will open it" \
			"/logs/access/path: $dir/of-root/log: Permission denied for user nobody"
	fi
	free_ports 1
	make_config "${ports[0]}" 9 "$dir/run" '"logs": { "access": { "path":
		"'"$dir/trial.log"'" } }' >"$dir/runs.json"
	start "$dir/log" "$sluiced" -c "$dir/runs.json"
	wait_for grep -q started "$dir/log"
	run "$sluiced" --check -c "$dir/runs.json"
	is "$status" 0 "beside the daemon that it runs with a file is fine"
	end "$pid"
	is "$status" 0 "which goes on until it is told to end"
	rm -f "$dir/trial.log"
	run "$sluiced" --check -c "$dir/runs.json"
	is "$status" 0 "and so it is without one"
	ok "a log is not made by that" test ! -e "$dir/trial.log"
}

# Four faults in one run, in the order of the text, each with its place and its pointer.
several_faults()
{
	cat >"$dir/bad.json" <<'END'
{
	"listeners": { "http": { "adress": "0.0.0.0:8080" } },
	"upstreams": { "o": { "targets": [ "127.0.0.1:99999" ], "timeouts": { "connect": "5x" } } },
	"routes": [
		{ "match": { "path": "/a" }, "upstream": "p" }
	]
}
END
	check "several faults" "$dir/bad.json" 2 \
		"$dir/bad.json:2:27: /listeners/http/adress: unknown key 'adress'; did you mean 'address'?" \
		"$dir/bad.json:3:37: /upstreams/o/targets/0" \
		"/upstreams/o/timeouts/connect" \
		"$dir/bad.json:5:44: /routes/0/upstream"
	ok "they come in the order of the text" sort -c -t: -k2,2n -k3,3n "$dir/by-sluiced"
	run "$ctl" -j config check "$dir/bad.json"
	is "$status:$(jq -c '[.ok, (.faults | length)]' "$dir/out" 2>&1)" \
		"2:[false,$(wc -l <"$dir/by-sluiced")]" "as JSON: all of the same faults"
	run "$sluiced" -c "$dir/bad.json"
	is "$status" 2 "started with it, sluiced ends with 2"
	ok "in the same words" cmp "$dir/by-sluiced" "$dir/err"
}

# FILE_TEXT as printf has it, and words of the message.
bad_text()
{
	local name=$1 text=$2

	shift 2
	# shellcheck disable=SC2059  # it is a format: some need a NUL
	printf "$text" >"$dir/text.json"
	check "$name" "$dir/text.json" 2 "$dir/text.json:" "$@"
}

broken_text()
{
	bad_text "an empty file" ''
	bad_text "half a file" '{\n  "listeners": {' ":2:"
	bad_text "a NUL byte" '{ "listeners": \000 {} }' ":1:16"
	bad_text "bytes that are not UTF-8" '{ "listeners": { "\377": 1 } }' ":1:"
	bad_text "a key twice" '{ "routes": [], "routes": [] }' "routes"
	bad_text "too many brackets" "$(printf '[%.0s' {1..200})" ":1:"
	bad_text "another type" '{ "listeners": [], "routes": {} }' "/listeners" "/routes"
}

unreadable()
{
	check "no file" "$dir/missing.json" 2 "$dir/missing.json: No such file or directory"
	check "a directory" "$dir" 2 "$dir: "
	check "a file without end" /dev/zero 2 "/dev/zero: "
}

# Routes in a directory of their own, an address in the environment, a body in a file.
several_files()
{
	mkdir "$dir/conf.d"
	cat >"$dir/main.json" <<'END'
{ "include": "conf.d", "listeners": { "http": "127.0.0.1:${TEST_PORT}" } }
END
	cat >"$dir/conf.d/10-hello.json" <<END
{ "routes": [ { "match": { "path": "/hello" }, "respond": { "body": "\${file:$dir/secret}" } } ] }
END
	echo '{ "routes": [ { "respond": { "status": "404" } } ] }' >"$dir/conf.d/20-rest.json"
	echo hunter2 >"$dir/secret"
	check "a variable that is not set" "$dir/main.json" 2 \
		"$dir/main.json:1:47: /listeners/http: there is no 'TEST_PORT' in the environment"
	export TEST_PORT=8080
	check "a fault in an included file" "$dir/main.json" 2 \
		"$dir/conf.d/20-rest.json:1:40: /routes/0/respond/status: must be an integer"
	sed -i 's/"404"/404/' "$dir/conf.d/20-rest.json"
	check "several files" "$dir/main.json" 0
	TEST_PORT=hunter2 check "a value that does not fit" "$dir/main.json" 2 \
		"/listeners/http: '127.0.0.1:\${TEST_PORT}' is not an address"
	ok "and nobody is told what it is" not grep -r hunter2 "$dir/out" "$dir/err" "$dir/by-sluiced"
}

# Whether the command fails with 1, as grep does when there is nothing.
# shellcheck disable=SC2317  # ok calls it
not()
{
	"$@"
	[[ $? -eq 1 ]]
}

serve_substituted()
{
	reserve 1
	export TEST_PORT=${ports[0]}
	sed -i "s|^{|{ \"gateway\": { \"run_dir\": \"$dir/run\", \"workers\": 1 },|" "$dir/main.json"
	start "$dir/log" "$sluiced" -c "$dir/main.json"
	wait_for grep -q started "$dir/log"
	is "$(curl -sS -m 10 "http://127.0.0.1:$TEST_PORT/hello")" "hunter2" \
		"a request is answered by the route of one file with the content of another"
	is "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$TEST_PORT/x")" 404 \
		"and by the route of a third"
	echo '{ "routes": [ {} ] }' >"$dir/conf.d/30-bad.json"
	echo hunter3 >"$dir/secret"
	run "$ctl" -r "$dir/run" config reload
	is "$status" 2 "a reload is refused when a file has come that has a fault"
	has "$out$err" "it says where" "$dir/conf.d/30-bad.json:1:15: /routes/0: needs"
	is "$(curl -sS -m 10 "http://127.0.0.1:$TEST_PORT/hello")" "hunter2" \
		"and nothing of the new files is in force"
	rm "$dir/conf.d/30-bad.json"
	run "$ctl" -r "$dir/run" config reload
	is "$status" 0 "a reload reads all files again"
	is "$(curl -sS -m 10 "http://127.0.0.1:$TEST_PORT/hello")" "hunter3" \
		"and the one that is substituted"
	end "$pid"
	is "$status" 0 "the daemon ends in good order"
	ok "its log has nothing of it" not grep "hunter[23]" "$dir/log"
}

shown()
{
	run "$ctl" -j config show "$dir/main.json"
	is "$status$err" 0 "config show ends with 0 and without complaint"
	is "$(jq -c '[.listeners.http.address, .limits.header_bytes, (.routes | length),
		.routes[0].respond.body]' "$dir/out")" \
		"[\"127.0.0.1:\${TEST_PORT}\",\"32KiB\",2,\"\${file:$dir/secret}\"]" \
		"all files, all defaults, nothing substituted"
	run "$ctl" config show "$dir/good.json"
	is "$status" 0 "without -j it ends with 0 as well"
	ok "and prints JSON on many lines" test "$(jq . "$dir/out" | wc -l)" -gt 20
	cp "$dir/out" "$dir/shown.json"
	check "what is shown" "$dir/shown.json" 0
	run "$ctl" config show "$dir/bad.json"
	is "$status$out" "2$dir/bad.json: has faults" "a file with faults ends with 2"
	has "$err" "and they are told" "$dir/bad.json:2:27: /listeners/http/adress"
}

differences()
{
	run "$ctl" config diff "$dir/good.json" "$dir/shown.json"
	is "$status$out$err" 0 "what is shown is no different: config diff ends with 0, in silence"
	jq '.limits.memory = "1GiB" | del(.logs.access) | .upstreams.spare = .upstreams.origin' \
		"$dir/good.json" >"$dir/changed.json"
	run "$ctl" config diff "$dir/good.json" "$dir/changed.json"
	is "$status$err" 2 "one that is different ends with 2 and without complaint"
	has "$out" "it names what is changed, what is new" \
		'~ /limits/memory: "256MiB" -> "1GiB"' '+ /upstreams/spare: {"targets":['
	run "$ctl" config diff "$dir/changed.json" "$dir/good.json"
	has "$out" "and the other way round what is gone" '- /upstreams/spare: {'
	run "$ctl" -j config diff "$dir/good.json" "$dir/changed.json"
	is "$status:$(jq -c '.changes[] | select(.pointer == "/limits/memory") | [.old, .new]' \
		"$dir/out")" '2:["256MiB","1GiB"]' "as JSON: the same"
	run "$ctl" config diff "$dir/good.json" "$dir/bad.json"
	is "$status" 1 "a file with faults ends with 1"
	run "$ctl" config diff "$dir/good.json"
	is "$status" 64 "one file alone ends with 64"
}

# Every configuration that the tree shows passes the reader, and the schema in other hands.
samples()
{
	local name

	mkdir "$dir/samples"
	cp "$top/tools/packaging/sluice.json" "$dir/samples/packaging.json"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a \
		-keyout "$dir/tls.pem" 2>/dev/null >"$dir/tls.crt"
	cat "$dir/tls.crt" >>"$dir/tls.pem"
	# The key of RFC 7515 A.3.
	echo '{ "keys": [ { "kty": "EC", "crv": "P-256",
		"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
		"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" } ] }' >"$dir/jwks.json"
	sed "s|@CERTIFICATE@|$dir/tls.pem|g; s|@TLS_PORT@|9001|; s|@DIR@|/tmp|; s|@WORKERS@|2|
		s|@ROUTES@||; s|@KEYS@|{}|; s|@TOKENS@|$dir|g; s|@[A-Z]*@|9000|" "$top/bench/conf/sluice.json" \
		>"$dir/samples/bench.json"
	awk '/^```json$/ { on = 1; next } /^```$/ { on = 0 } on' "$top/README.md" \
		>"$dir/samples/readme.json"
	awk '/^\.nf$/ { on = 1; next } /^\.fi$/ { on = 0 } on' "$build/sluice.json.5" |
		sed 's/\\-/-/g' >"$dir/samples/manual.json"
	cp "$dir/good.json" "$dir/shown.json" "$dir/main.json" "$dir/samples"
	mkdir "$dir/samples/conf.d" "$dir/samples/routes.d"
	cp "$dir"/conf.d/*.json "$dir/samples/conf.d"
	for name in "$dir"/samples/*.json; do
		run "$ctl" config check "$name" # users and directories are those of other machines
		is "$status$err" 0 "the sample ${name##*/} is fine"
	done
	"$sluiced" --schema >"$dir/schema.json"
	validate "the samples are right by the schema" "$dir"/samples/*.json "$dir"/samples/*/*.json
	validate "a file with faults is not" -v "$dir/bad.json"
}

# NAME [-v] FILE...: all of them are right by the schema; with -v none is.
validate()
{
	local name=$1

	shift
	if ! python3 -c 'import jsonschema' 2>/dev/null; then
		skip "$name" "no jsonschema for python3"
		return
	fi
	ok "$name" python3 -c '
import json, jsonschema, re, sys
schema = json.load(open(sys.argv[1]))
names = sys.argv[2:]
want = "-v" not in names
jsonschema.Draft202012Validator.check_schema(schema)
judge = jsonschema.Draft202012Validator(schema)
for name in names:
    if name != "-v":
        conf = json.loads(re.sub(r"(?m)//[^\"]*$", "", open(name).read()))
        assert judge.is_valid(conf) == want, (name, list(judge.iter_errors(conf)))
' "$dir/schema.json" "$@"
}

manual()
{
	local key missing=''

	for key in $(jq -r '[.. | .properties? // empty | keys[]] | unique[]' "$dir/schema.json"); do
		grep -qF "\\fB$key\\fR (" "$build/sluice.json.5" || missing+=" $key"
	done
	is "$missing" '' "sluice.json(5) has every key"
	if ! command -v man groff >/dev/null; then
		skip "and is a manual page without a flaw" "no man, or no groff"
		return
	fi
	run env LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$build/sluice.json.5"
	is "$status$err" 0 "and is a manual page without a flaw"
}

good
trials
several_faults
broken_text
unreadable
several_files
serve_substituted
shown
differences
samples
manual
done_testing
