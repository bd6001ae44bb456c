#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluicectl event: drops that are told one by one, who reads them, and what sampling is afterwards.

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
	run unshare --net "$build/sluicectl" "$@"
	is "$status" "$want" "$*: $want"
}

packet()
{
	"$pins" run "$SLUICE_PINS" "$1" >>"$dir/packets" 2>&1
}

sample()
{
	"$build/sluicectl" -j event sample | jq .sample
}

# WORDS...: a watch in the background, which has begun; what it says is in $dir/watch.
watch()
{
	# Under nohup(1) it would not hear HUP.
	start "$dir/watch" env --default-signal=HUP "$build/sluicectl" event watch "$@"
	wait_for is_watched
}

# shellcheck disable=SC2317  # wait_for calls it, and ok
is_watched()
{
	[[ $("$build/sluicectl" -j event sample | jq .reader) == "$pid" && $(sample) != 0 ]]
}

# shellcheck disable=SC2317  # wait_for calls it
has_line()
{
	grep -q "$1" "$dir/watch"
}

told()
{
	ctl 0 deny add 10.0.0.0/8 list spamhaus reason SBL1
	ctl 0 deny add 2001:db8::/32 action reject list other
	watch
	packet "ip4=10.1.2.3 tcp=443"
	packet "ip4=11.1.2.3 tcp=443"
	packet "ip6=2001:db8::7 udp=53"
	packet "ip4=12.1.2.3 tcp=80,doff=4"
	ok "a drop is told" wait_for has_line 10.1.2.3
	has "$(grep 10.1.2.3 "$dir/watch")" "with all that is known" " tcp port 443 dev lo " "bytes: drop deny_list" \
		"10.0.0.0/8 (drop, list spamhaus, reason SBL1)"
	ok "so is a rejection" wait_for has_line 2001:db8::7
	has "$(grep 2001 "$dir/watch")" "by its own list" "udp port 53" "reject deny_list" "list other"
	ok "and what is malformed" wait_for has_line "malformed_transport"
	ok "what passes is not" test -z "$(grep 11.1.2.3 "$dir/watch")"
	end "$pid" INT
	has "$(<"$dir/watch")" "at the end it sums up" "3 told (1 of 1), 3 shown, 0 left out" "0 lost"
	is "$(sample)" 0 "and no drop is told any more"
}

# Whichever way a watch ends, sampling is what it was.
ends()
{
	local signal

	for signal in INT TERM HUP; do
		watch
		is "$(sample)" 1 "a watch has every drop told"
		end "$pid" "$signal"
		is "$(sample):$((status > 128))" 0:1 "ended by $signal, none is told, as before"
	done
	ctl 0 event sample 50
	has "$out" "sampling is set" "1 of 50 dropped packets"
	watch
	is "$(sample)" 50 "what is set is good enough for a watch"
	end "$pid" TERM
	watch sample 7
	is "$(sample)" 7 "unless it says otherwise"
	end "$pid" TERM
	is "$(sample)" 50 "then it is put back"
	watch sample 7
	ctl 0 event sample 3
	end "$pid" TERM
	is "$(sample)" 3 "what somebody else has set meanwhile stays"
	watch
	end "$pid" KILL
	watch
	ok "one that is killed leaves nothing that is in the way" is_watched
	end "$pid" TERM
	"$build/sluicectl" event watch 2>"$dir/watch" | true &
	wait_for test -e "$SLUICE_PINS/reader"
	"$pins" flood "$SLUICE_PINS" "ip4=10.1.2.3 tcp=443" 100
	ok "one whose reader has gone ends" wait_for test ! -e "$SLUICE_PINS/reader"
	is "$(sample)" 3 "and puts sampling back"
	ctl 0 event sample 0
	is "$out" "no dropped packet is told" "off"
}

one_reader()
{
	watch
	ctl 1 event watch for 10ms
	has "$err" "there is one reader, and its process is named" "process $pid watches"
	ctl 0 event sample
	has "$out" "which can be asked for" "process $pid watches"
	end "$pid" TERM
	ctl 0 event watch for 10ms
	has "$err" "afterwards another can" "0 told"
	ok "nothing is left of it" test ! -e "$SLUICE_PINS/reader"
}

# ARGUMENTS...: the sources that a watch shows of five drops.
shown()
{
	watch -j "$@"
	packet "ip4=10.1.2.3 tcp=443"
	packet "ip4=10.1.9.9 udp=80"
	packet "ip6=2001:db8::7 udp=53"
	packet "ip4=13.1.1.1 tcp=80"
	packet "ip4=12.1.2.3 tcp=80,doff=4"
	end "$pid" INT
	jq -rs '[.[].source // empty] | join(" ")' "$dir/watch"
}

filters()
{
	"$build/sluicectl" punish add 13.1.1.1 reason login >"$dir/punish"
	is "$(shown)" "10.1.2.3 10.1.9.9 2001:db8::7 13.1.1.1 12.1.2.3" "everything"
	is "$(jq -r 'select(.source == "13.1.1.1") | .reason + " " + .why + " " + .request_id' \
		"$dir/watch")" "punished login sluicectl" "a punishment's cause is told"
	ok "each line is an object with the entry that hit" jq -se '.[0] | .time[-1:] == "Z" and
		.protocol == "tcp" and .port == 443 and .dev == "lo" and .bytes > 0 and .action == "drop" and
		.reason == "deny_list" and .prefix == "10.0.0.0/8" and .list == "spamhaus" and .why == "SBL1"' \
		"$dir/watch"
	ok "the last one sums up" jq -se '.[-1].watched |
		.seen == 5 and .shown == 5 and .hidden == 0 and .lost == 0 and .sample == 1' "$dir/watch"
	is "$(shown from 10.1.0.0/16)" "10.1.2.3 10.1.9.9" "from a prefix"
	is "$(shown from 2001:db8::7)" "2001:db8::7" "from an address"
	is "$(shown reason punished)" "13.1.1.1" "for a reason"
	is "$(shown port 80)" "10.1.9.9 13.1.1.1 12.1.2.3" "to a port"
	is "$(shown list other)" "2001:db8::7" "by a list"
	is "$(shown dev lo reason malformed_t)" "12.1.2.3" "two at once"
	is "$(shown count 2)" "10.1.2.3 10.1.9.9" "so many"
	is "$(shown --count=1)" "10.1.2.3" "written as an option"
}

# More at once than the ring has room for, while nobody reads it.
lost()
{
	watch rate 100
	kill -STOP "$pid"
	"$pins" flood "$SLUICE_PINS" "ip4=10.1.2.3 tcp=443" 9000 >"$dir/flood"
	kill -CONT "$pid"
	end "$pid" INT
	ok "what the ring had no room for is counted" grep -Eq ' [1-9][0-9]{3} lost' "$dir/watch"
	ok "the printing has a limit" grep -Eq ' [12]00 shown, [1-9][0-9]{3} left out' "$dir/watch"
}

misuse()
{
	ctl 64 event sample x
	has "$err" "the word is told" "'x'"
	ctl 64 event sample 1001M
	ctl 64 event watch fro 10.0.0.0/8 form 1
	has "$err" "an unknown keyword" "'form'"
	ctl 64 event watch from 10.0.0.0/33
	ctl 64 event watch reason nothing
	ctl 64 event watch dev nothing-there
	ctl 64 event watch for 2d
	ctl 64 event watch count 0
	ctl 64 event watch count 1 count 1
	ctl 64 event watch rate
	ctl 64 event watch port 70000
	ctl 64 event show
	echo "event watch" >"$dir/batch"
	ctl 64 -j batch file "$dir/batch"
	has "$out" "a batch has to go on" "'count' or 'for' is missing"
	ctl 1 -P "$dir/none" event watch
	has "$err" "without pins it says what to do" "sluicectl attach dev"
}

told
ends
one_reader
filters
lost
misuse
done_testing
