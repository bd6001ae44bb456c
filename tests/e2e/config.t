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

good
several_faults
broken_text
unreadable
done_testing
