#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sluicectl deny, allow and explain on pinned maps: what they say is what the kernel program does.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

# Without a default gateway, whose address no test could know.
ctl=(unshare --net "$build/sluicectl")
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
	run "${ctl[@]}" "$@"
	is "$status" "$want" "$*: $want"
}

json()
{
	ok "$1" jq -e "$2" "$dir/out"
}

# NAME FRAME VERDICT
packet()
{
	is "$("$pins" run "$SLUICE_PINS" "$2" 2>&1)" "$3" "$1"
}

add_and_del()
{
	packet "at first nothing is denied" "ip4=10.1.1.1 tcp=80" PASS
	ctl 0 deny add 10.0.0.0/8
	packet "denied from then on" "ip4=10.1.1.1 tcp=80" DROP_DENY
	packet "the next address is not" "ip4=11.0.0.0 tcp=80" PASS
	ctl 1 deny add 10.0.0.0/8
	has "$err" "it is there already, and which" "10.0.0.0/8" "list default" "exist"
	ctl 0 deny add 10.0.0.0/8 exist
	ctl 0 deny add 10.2.3.4/16 reason abuse
	has "$err" "a shorter one that does the same is told, and host bits" "10.0.0.0/8 (drop" \
		"taken as 10.2.0.0/16"
	ctl 0 allow add 10.2.0.0/16
	packet "allow beats deny where both are as long" "ip4=10.2.1.1 tcp=80" PASS_ALLOW
	ctl 0 allow del 10.2.0.0/16
	ctl 0 deny add 10.2.0.0/16 action reject
	is "$out" "10.2.0.0/16: changed" "an entry is changed"
	packet "as it says" "ip4=10.2.1.1 tcp=80" REJECT_DENY
	ctl 0 deny add 10.2.9.0/24 action none
	packet "an exception" "ip4=10.2.9.1 tcp=80" PASS
	ctl 0 deny add 2001:db8::/32 port 443 list web
	packet "for one port" "ip6=2001:db8::1 tcp=443" DROP_DENY
	packet "and for no other" "ip6=2001:db8::1 tcp=80" PASS
	ctl 0 -j deny show
	json "all that there is" '[.entries[].prefix] ==
		["10.0.0.0/8", "10.2.0.0/16", "10.2.9.0/24", "2001:db8::/32"]'
	json "with its rule and hits" '.entries[1] | .action == "reject" and .reason == null and
		.list == "default" and .hits == 1 and .last_hit_s < 60 and .since_s < 60'
	json "hits go on over changes" '.entries[0].hits == 1'
	ctl 0 deny show 10.2.0.0/16
	has "$out" "within a prefix" 10.2.0.0/16 10.2.9.0/24
	ok "and nothing else" test "$(wc -l <"$dir/out")" -eq 3
	ctl 1 deny del 10.2.9.0/25
	has "$err" "what covers it is told" "10.2.9.0/24"
	ctl 0 deny del 10.2.9.0/24
	packet "the exception is gone" "ip4=10.2.9.1 tcp=80" REJECT_DENY
	ctl 0 deny list
	has "$out" "the lists" default web
	ctl 0 deny list del web
	packet "a list is gone" "ip6=2001:db8::1 tcp=443" PASS
	ctl 0 deny flush
	packet "all is" "ip4=10.1.1.1 tcp=80" PASS
}

misuse()
{
	ctl 64 deny add 10.0.0.0/33
	has "$err" "the word is told" "'10.0.0.0/33'"
	ctl 64 deny add 10.0.0.0/8 timout 5s
	has "$err" "a keyword that is none" "'timout'; did you mean 'timeout'?"
	ctl 64 deny add 10.0.0.0/8 timeout
	ctl 64 deny add 10.0.0.0/8 timeout 400d
	ctl 64 deny add 10.0.0.0/8 until 2001-01-01T00:00:00Z
	ctl 64 deny add 10.0.0.0/8 action allow
	ctl 64 deny add 10.0.0.0/8 port 0
	ctl 64 deny add 10.0.0.0/8 dev nothing-there
	ctl 64 deny add 10.0.0.0/8 list ""
	ctl 64 deny add 10.0.0.0/8 list a list b
	ctl 64 deny del 10.0.0.0/8 confirm-within 2h
	run "${ctl[@]}" --pins "$dir/none" deny show
	is "$status" 1 "without pins it fails"
	has "$err" "and says what to do" "sluicectl attach dev" "$dir/none"
	run "${ctl[@]}" -j --pins "$dir/none" deny show
	json "as JSON too" '.error | test("attach")'
}

files()
{
	cat >"$dir/list" <<-'END'
		# one
		192.0.2.0/24 ; SBL1
		198.51.100.7/24
		198.51.100.0/24
		2001:db8::/32 action shadow port 80
		203.0.113.1 timeout 1h
	END
	ctl 0 deny add 11.0.0.0/8 list mine
	ctl 0 deny load "$dir/list" list theirs
	has "$out" "what a file changed" "4 added, 0 removed, 0 kept" "1 were there twice" "1 had bits"
	packet "it holds" "ip4=192.0.2.1 tcp=80" DROP_DENY
	packet "a shadow does not" "ip6=2001:db8::1 tcp=80" PASS
	ctl 0 deny save "$dir/saved"
	ctl 0 deny diff "$dir/saved"
	is "$out" "" "what is saved does not differ"
	ctl 0 deny load "$dir/saved"
	has "$out" "and is the same when it is loaded" "0 added, 0 removed, 5 kept"
	ctl 0 deny save -
	is "$out" "$(<"$dir/saved")" "saved again it is the same file"
	ctl 0 deny flush
	ctl 0 deny load "$dir/saved"
	ctl 0 deny save -
	is "$out" "$(<"$dir/saved")" "an empty list becomes what was saved"
	printf '192.0.2.0/24\n192.0.3.0/24\n' >"$dir/list"
	ctl 2 deny diff "$dir/list" list theirs
	has "$out" "a difference" "- 192.0.2.0/24 reason SBL1 list theirs" "+ 192.0.2.0/24 list theirs" \
		"+ 192.0.3.0/24 list theirs" "- 2001:db8::/32 action shadow port 80 list theirs"
	ctl 2 -j deny diff "$dir/list" list theirs
	json "as JSON" '.added == 2 and .removed == 4 and (.changes | length) == 6'
	printf '1.1.1.1\nfoo\n2.2.2.2/33\n' >"$dir/bad"
	ctl 1 deny load "$dir/bad" list theirs
	has "$err" "where a file is bad" "$dir/bad:2: 'foo'" "$dir/bad:3: '2.2.2.2/33'" "2 bad lines"
	packet "nothing of it holds" "ip4=1.1.1.1 tcp=80" PASS
	packet "and nothing is lost" "ip4=192.0.2.1 tcp=80" DROP_DENY
	ctl 0 deny load "$dir/bad" list theirs skip-bad
	packet "skipped, the rest holds" "ip4=1.1.1.1 tcp=80" DROP_DENY
	packet "and has replaced the list" "ip4=192.0.2.1 tcp=80" PASS
	packet "but no other one" "ip4=11.0.0.1 tcp=80" DROP_DENY
	ctl 1 deny load "$dir/nothing-there"
	ctl 64 deny load "$dir/list" format yaml
	ctl 0 deny flush
}

named()
{
	printf '192.0.2.0/24\n198.51.100.0/24\n' >"$dir/feed"
	(cd "$dir" && ctl 0 deny list add feed.v4 feed action reject reason feed force) >"$dir/told"
	ok "a list is made of a file" test "$(grep -c '^ok' "$dir/told")" = 1
	packet "with an action of its own" "ip4=192.0.2.1 tcp=80" REJECT_DENY
	ctl 0 deny list
	has "$out" "it is known where it came from" "feed.v4" "$dir/feed"
	ctl 0 -j deny list show feed.v4
	json "as JSON" ".lists == [{\"list\": \"feed.v4\", \"entries\": 2, \"file\": \"$dir/feed\"}]"
	printf '192.0.2.0/24\n203.0.113.0/24\n' >"$dir/feed"
	ctl 0 deny list reload feed.v4
	has "$out" "reloaded, it is what the file is now" "1 added, 1 removed, 1 kept"
	packet "as it was added" "ip4=203.0.113.1 tcp=80" REJECT_DENY
	ctl 0 deny list del feed.v4
	packet "taken away" "ip4=203.0.113.1 tcp=80" PASS
	ctl 1 deny list reload feed.v4
	has "$err" "it cannot be reloaded" "'feed.v4': no list was added"
	ctl 64 deny list add feed
	has "$err" "a file is missing" "FILE is missing"
	ctl 64 deny list add ../x "$dir/feed"
	has "$err" "a name that is none" "'../x'"
	ctl 1 deny list add feed "$dir/none"
	ctl 64 deny list add feed "$dir/feed" list other
	ctl 64 deny list show feed more
}

explained()
{
	ctl 0 deny add 10.0.0.0/8 list wide
	ctl 0 deny add 10.1.0.0/16 reason abuse timeout 1h
	ctl 0 deny add 10.1.2.0/24 port 25
	packet "a hit" "ip4=10.1.2.3 tcp=80" DROP_DENY
	ctl 0 explain 10.1.2.3 port 80
	has "$out" "the verdict, and what decides" "is dropped" "10.1.0.0/16: drop, list default, reason abuse" \
		"1 hits" "ends in" "a longer prefix decides" "for another port"
	ctl 0 -j explain 10.1.2.3 port 25
	json "as JSON" '.entry.prefix == "10.1.2.0/24" and (.others | length) == 2'
	ctl 0 allow add 10.1.2.3 action manage
	ctl 0 explain 10.1.2.3
	has "$out" "a management address" "passes: a management address"
	ctl 0 explain 12.1.1.1
	has "$out" "an address without entries" "12.1.1.1 passes"
	ctl 0 deny lookup 10.1.2.3
	ok "lookup: every entry" test "$(wc -l <"$dir/out")" -eq 4
	ctl 2 deny lookup 12.1.1.1
	ctl 64 explain 10.0.0.0/8
	ctl 0 deny flush
	ctl 0 allow flush
}

timeouts()
{
	ctl 0 deny add 10.0.0.0/8 timeout 3s
	packet "until its end" "ip4=10.1.1.1 tcp=80" DROP_DENY
	wait_for is_empty
	packet "then no more" "ip4=10.1.1.1 tcp=80" PASS
}

# shellcheck disable=SC2317  # wait_for calls it, and no_trial
is_empty()
{
	[[ $("${ctl[@]}" -j deny show) == '{"entries":[]}' ]]
}

safety()
{
	export SSH_CONNECTION="198.51.100.7 50000 192.0.2.1 22"
	ctl 1 deny add 198.51.100.0/24
	has "$err" "one's own connection" "198.51.100.7" "SSH" "force"
	packet "is not cut off" "ip4=198.51.100.7 tcp=22" PASS
	ctl 0 deny add 198.51.100.0/24 port 80
	echo 0.0.0.0/0 >"$dir/list"
	ctl 1 deny load "$dir/list"
	ctl 0 deny add 198.51.100.0/24 force confirm-within 1m
	has "$err" "on trial, and how to go on" "deny confirm" "deny revert"
	packet "a trial holds" "ip4=198.51.100.7 tcp=22" DROP_DENY
	ctl 1 deny add 1.1.1.1
	ctl 0 deny revert
	packet "reverted" "ip4=198.51.100.7 tcp=22" PASS
	ctl 1 deny confirm
	ctl 0 deny add 198.51.100.0/24 force confirm-within 1s
	wait_for no_trial
	packet "by itself" "ip4=198.51.100.7 tcp=22" PASS
	ctl 0 deny add 9.9.9.9 confirm-within 1m
	packet "the one before went on" "ip4=198.51.100.7 tcp=80" DROP_DENY
	ctl 0 deny confirm
	packet "confirmed" "ip4=9.9.9.9 tcp=22" DROP_DENY
	ctl 0 deny flush
	unset SSH_CONNECTION
	run unshare --net sh -c 'ip link add v0 type veth peer v1 && ip addr add 10.9.0.2/24 dev v0 &&
		ip link set v0 up && ip route add default via 10.9.0.1 && exec "$@"' - \
		"$build/sluicectl" deny add 10.0.0.0/8
	is "$status" 1 "nor is the default gateway"
	has "$err" "which is told" "the default gateway, 10.9.0.1"
	run unshare --net sh -c 'ip link add v0 type veth peer v1 && ip link set v0 up &&
		ip addr add 2001:db8:9::2/64 dev v0 nodad &&
		ip -6 route add default via 2001:db8:9::1 && exec "$@"' - \
		"$build/sluicectl" deny add 2001:db8::/32
	is "$status" 1 "nor is that of IPv6"
	has "$err" "which is told, too" "the default gateway of IPv6, 2001:db8:9::1"
}

# shellcheck disable=SC2317
no_trial()
{
	[[ $("${ctl[@]}" -j deny show 198.51.100.0/24) != *'"port":null'* ]]
}

add_and_del
misuse
files
named
explained
timeouts
safety
done_testing
