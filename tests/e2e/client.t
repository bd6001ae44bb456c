#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluicectl client, and what explain says of credit and punishments: on pinned maps.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

pins=$build/tests/unit/kern/pins
export SLUICE_PINS=/sys/fs/bpf/sluice-test-$$
unset SSH_CONNECTION

if [[ $(findmnt -no FSTYPE /sys/fs/bpf) != bpf ]]; then
	echo "1..0 # SKIP no BPF file system at /sys/fs/bpf"
	exit 0
fi
run "$pins" make "$SLUICE_PINS"
if [[ $status -eq 77 ]]; then
	echo "1..0 # SKIP $err"
	exit 0
fi
trap 'rm -rf "$SLUICE_PINS"; clean_up' EXIT

# WANT WORDS...: sluicectl ends with that status; the name is what it was asked.
ctl()
{
	local want=$1

	shift
	run "$build/sluicectl" -r "$dir/none" "$@"
	is "$status" "$want" "$*: $want"
}

json()
{
	ok "$1" jq -e "$2" "$dir/out"
}

# FRAME NR
flood()
{
	"$pins" flood "$SLUICE_PINS" "$1" "$2"
}

credit()
{
	ctl 0 -j client show 10.1.2.3
	json "without limits there is none" '.client == "10.1.2.3" and .limits == [] and .punishment == null
		and .entry == null'
	ctl 0 limit set packets 6/m burst 10
	ctl 0 -j client show 10.1.2.3
	json "at first all of it is left" '.limits == [{"limit": "packets", "per_s": 0.1, "burst": 10,
		"left": 10, "used": 0, "ahead_ms": 0}] or (.limits[0].left == 10 and .limits[0].used == 0)'
	flood "ip4=10.1.2.3 tcp=80" 4
	ctl 0 -j client show 10.1.2.3
	json "four packets are six left, and forty seconds" '.limits[0] | .left == 6 and .used > 0.3 and
		.used <= 0.4 and .ahead_ms > 30000 and .ahead_ms <= 40000'
	ctl 0 client show 10.1.2.3
	has "$out" "for people" "limit of packets" "burst 10, left now 6"
	ctl 0 explain 10.1.2.3
	has "$out" "explain says the same" "within the client's limits" "burst 10, left now 6"
	ctl 0 -j client show 10.1.2.4
	json "its neighbour has all of it" '.limits[0].left == 10'
	flood "ip4=10.1.2.3 tcp=80" 20
	flood "ip4=10.1.2.4 tcp=80" 3
	ctl 0 -j explain 10.1.2.3
	json "used up" '.limits[0] | .left == 0 and .used > 0.9'
	ctl 0 client forget 10.1.2.3
	has "$out" "it is given back" "10.1.2.3: 1 of its credits forgotten"
	ctl 0 -j client show 10.1.2.3
	json "all of it" '.limits[0].left == 10'
	ctl 0 -j client show 10.1.2.4
	json "the neighbour's is what it was" '.limits[0].left == 7'
	ctl 0 -j client forget 10.1.2.3
	json "there was nothing more" '. == {"client": "10.1.2.3", "credits": 0, "punishment": false}'
}

punished()
{
	ctl 0 punish add 10.1.2.3 timeout 1h reason login
	ctl 0 deny add 10.0.0.0/8 action shadow list trial
	ctl 0 deny add 10.1.0.0/16 action none list exceptions
	flood "ip4=10.1.2.3 tcp=80" 3
	ctl 0 -j client show 10.1.2.3
	json "a punishment, its cause and hits" '.punishment | .is_on and .reason == "login" and
		.request_id == "sluicectl" and .hits == 3 and .left_ms > 3500000'
	json "and what the lists say" \
		'.entry == {"prefix": "10.1.0.0/16", "action": "none", "list": "exceptions"}'
	ctl 0 client show 10.1.2.3
	has "$out" "for people" "punished for login, request sluicectl: 3 hits" "ends in" \
		"listed: 10.1.0.0/16 (none"
	ctl 0 explain 10.1.2.3
	has "$out" "explain names the request" "is dropped: punished" "for login, request sluicectl: 3 hits"
	ctl 0 -j explain 10.1.2.3
	json "as JSON" '.punishment | .reason == "login" and .request_id == "sluicectl" and .hits == 3'
	ctl 0 client forget 10.1.2.3
	ctl 0 -j client show 10.1.2.3
	json "forgetting credit is not mercy" '.punishment.is_on'
	ctl 0 client forget 10.1.2.3 --punishment
	has "$out" "unless it is said" "and its punishment"
	ctl 0 -j client show 10.1.2.3
	json "then it never was" '.punishment == null'
}

hardest()
{
	ctl 0 -j client top
	json "nobody" '.clients == [] and .has_daemon == false'
	ctl 0 punish add 10.7.0.1
	ctl 0 punish add 10.7.0.2
	flood "ip4=10.7.0.2 tcp=80" 5
	flood "ip4=10.7.0.1 tcp=80" 2
	ctl 0 -j client top
	json "who is punished, by hits" '[.clients[] | [.client, .hits, .punished]] ==
		[["10.7.0.2", 5, true], ["10.7.0.1", 2, true]]'
	ctl 0 client top 1
	ok "so many" test "$(wc -l <"$dir/out")" -eq 2
	has "$err" "what is not in it is said" "no daemon answers"
	ctl 0 deny add 12.0.0.0/8
	start "$dir/top" "$build/sluicectl" -r "$dir/none" -j client top for 3s
	wait_for test -e "$SLUICE_PINS/reader"
	flood "ip4=12.0.0.1 tcp=80" 9
	wait "$pid"
	ok "who is dropped while it looks is first" jq -e '.clients[0] | .client == "12.0.0.1" and
		.drops == 9 and .punished == false' "$dir/top"
	is "$("$build/sluicectl" -j event sample | jq -c .)" '{"sample":0,"reader":null}' \
		"afterwards nothing more is told"
	reserve 1
	start_origin
	make_config "${ports[0]}" "$origin_port" "$dir/run" >"$dir/sluice.json"
	start "$dir/log" "$build/sluiced" -c "$dir/sluice.json"
	wait_for grep -q started "$dir/log"
	exec 5<>"/dev/tcp/127.0.0.1/${ports[0]}"
	printf 'GET /hello HTTP/1.1\r\nHost: a\r\n\r\n' >&5
	read -r _ <&5
	run "$build/sluicectl" -r "$dir/run" -j client top
	json "who is connected to the daemon, and for how many requests" '.has_daemon and
		(.clients[] | select(.client == "127.0.0.1") | .connections == 1 and .requests == 1)'
	exec 5>&-
	end "$pid"
}

misuse()
{
	ctl 64 client show
	ctl 64 client show 10.0.0.0/8
	has "$err" "an address is wanted" "'10.0.0.0/8' is a prefix"
	ctl 64 client show nothing
	ctl 64 client forget 10.0.0.0/8
	has "$err" "one client" "'10.0.0.0/8' is more than one client"
	ctl 0 limit client v4 24 v6 48
	ctl 0 client forget 10.0.0.0/24
	has "$out" "which may be a prefix" "10.0.0.0/24: 0"
	ctl 0 -j client show 10.0.0.7
	json "and is shown as one" '.client == "10.0.0.0/24"'
	ctl 64 client top 0
	ctl 64 client top 5 for
	ctl 64 client top for 2d
	ctl 64 client top many
	ctl 64 client forget 10.1.1.1 punishmint
	has "$err" "the word" "'punishmint'; did you mean 'punishment'?"
	ctl 1 -P "$dir/none" client top
}

credit
punished
hardest
misuse
done_testing
