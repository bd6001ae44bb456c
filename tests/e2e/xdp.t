#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real packets through an attached kernel half: a client's namespace, a gate's, and a veth between.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

gate=sluice-g$$
client=sluice-c$$
export SLUICE_PINS=/sys/fs/bpf/sluice-test-$$
clients_pins=$SLUICE_PINS-client

# shellcheck disable=SC2317  # the trap calls it
clean()
{
	in_gate "$build/sluicectl" detach all >"$dir/clean" 2>&1
	in_client "$build/sluicectl" -P "$clients_pins" detach all >"$dir/clean" 2>&1
	ip netns del "$gate" 2>/dev/null
	ip netns del "$client" 2>/dev/null
}

# "ip netns exec" would mount another /sys, without the pins.
in_gate()
{
	nsenter --net="/run/netns/$gate" "$@"
}

in_client()
{
	nsenter --net="/run/netns/$client" "$@"
}

ctl()
{
	in_gate "$build/sluicectl" "$@"
}

run_ctl()
{
	run nsenter --net="/run/netns/$gate" "$build/sluicectl" "$@"
}

from_client()
{
	in_client python3 "$top/tests/e2e/lib/xdppeer.py" "$@"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# NAMESPACE DEVICE NUMBER: addresses of IPv4 and IPv6.
# shellcheck disable=SC2317  # ok calls it
address()
{
	ip -n "$1" addr add "10.99.0.$3/24" dev "$2" &&
		ip -n "$1" addr add "fd99::$3/64" dev "$2" nodad &&
		ip -n "$1" link set "$2" up && ip -n "$1" link set lo up
}

set_up()
{
	trap 'clean; clean_up' EXIT
	[[ $(id -u) == 0 ]] || skip_all "network namespaces and XDP need root"
	grep -q '^[^ ]* /sys/fs/bpf bpf' /proc/mounts || skip_all "no BPF file system at /sys/fs/bpf"
	ip netns add "$gate" 2>/dev/null || skip_all "no network namespace can be made"
	ip netns add "$client"
	ip link add g0 netns "$gate" type veth peer name c0 netns "$client" ||
		skip_all "no veth can be made"
	ok "the gate has addresses" address "$gate" g0 1
	ok "the client has addresses" address "$client" c0 2
	start "$dir/serve.log" nsenter --net="/run/netns/$gate" \
		python3 "$top/tests/e2e/lib/xdppeer.py" serve "$dir/came"
	ok "the gate serves" wait_for test -s "$dir/came"
}

# WHAT WANT: every kind of packet of the client's, and what becomes of it.
all_kinds()
{
	is "$(from_client tcp 10.99.0.1)" "$2" "$1: TCP is $2"
	is "$(from_client udp 10.99.0.1 10)" "$2" "$1: UDP is $2"
	is "$(from_client tcp fd99::1)" "$2" "$1: TCP over IPv6 is $2"
	is "$(from_client udp fd99::1 10)" "$2" "$1: UDP over IPv6 is $2"
}

# ACTION: of both its addresses.
# shellcheck disable=SC2317  # ok calls it
deny()
{
	ctl deny add 10.99.0.2 action "$1" && ctl deny add fd99::2 action "$1"
}

# ADDRESS: packets that its entry has decided about.
# shellcheck disable=SC2317  # eval calls it
hits()
{
	ctl -j deny show "$1" | jq '[.. | .hits? // 0] | add'
}

# MODE: this kernel may have no VLAN devices, so the frames are made by hand, with one tag and two.
tagged()
{
	local before

	for tags in 1 2; do
		before=$(hits 10.99.0.2)
		from_client tagged c0 10.99.0.2 "$tags"
		ok "$1, denied: so is it with VLAN tags ($tags)" \
			wait_for eval "((\$(hits 10.99.0.2) == $before + 1))"
	done
}

# MODE: the main rows of the table of verdicts.
verdicts()
{
	ok "$1: attached" ctl attach dev g0 mode "$1"
	all_kinds "$1, nothing denied" served
	is "$(from_client udp 10.99.0.1 4000)" served "$1, nothing denied: fragments are served"
	ok "$1: the client is denied" deny drop
	all_kinds "$1, denied" silent
	is "$(from_client udp 10.99.0.1 4000)" silent "$1, denied: fragments are silent"
	is "$(from_client udp fd99::1 4000)" silent "$1, denied: those of IPv6 too"
	tagged "$1"
	ok "$1: part of it is allowed" ctl allow add 10.99.0.2
	is "$(from_client tcp 10.99.0.1)" served "$1: allow beats deny"
	ok "$1: hits are counted" test "$(hits fd99::2)" -gt 2
	ctl allow flush >"$dir/flush" && ctl deny flush >"$dir/flush"
	ok "$1: the client is rejected" deny reject
	all_kinds "$1, rejected" refused
	ctl deny flush >"$dir/flush"
	all_kinds "$1, nothing denied again" served
}

# shellcheck disable=SC2317  # wait_for calls it
is_flooded()
{
	(($(hits 10.99.0.2) > 1000))
}

# shellcheck disable=SC2317  # wait_for calls it
has_more()
{
	[[ $(<"$dir/came") != "$came" ]]
}

# Nothing of sluice runs here: what is attached was left by a process that has ended.
stays()
{
	deny drop >"$dir/deny"
	is "$(from_client tcp 10.99.0.1)" silent "who attached has ended, and denials hold"
	start "$dir/flood.log" nsenter --net="/run/netns/$client" \
		python3 "$top/tests/e2e/lib/xdppeer.py" flood 10.99.0.1
	wait_for is_flooded
	came=$(<"$dir/came")
	for _ in 1 2 3 4 5; do
		has "$(ctl attach dev g0)" "the program is replaced under a flood" "program replaced"
	done
	is "$(<"$dir/came")" "$came" "not one denied packet has passed"
	ctl detach dev g0 >"$dir/detach"
	ok "detached, the flood arrives" wait_for has_more
	end "$pid"
	has "$(ctl attach)" "it is known to be detached" g0 detached
	is "$(ctl attach dev g0 mode generic >"$dir/attach"; from_client tcp 10.99.0.1)" silent \
		"attached again, the lists of before hold"
	ctl deny flush >"$dir/flush"
}

refusals()
{
	run_ctl attach dev none0
	has "$status:$err" "an interface that is not there" 1: none0
	run_ctl attach dev g0 mode fast
	has "$status:$err" "a mode that is none" 64: fast
	run_ctl attach dev g0 prefixes 0
	has "$status:$err" "room for nothing" 64: "'0'"
	run_ctl -P "$clients_pins" attach dev g0
	has "$status:$err" "an interface that is taken" 1: sl_gate
	mkdir "$dir/plain"
	run_ctl -P "$dir/plain" attach dev g0
	has "$status:$err" "pins in a directory of another file system" 1: "BPF file system"
	ok "which stays where it was" test -d "$dir/plain"
	ctl deny add 10.99.0.0/24 force >"$dir/deny"
	SSH_CONNECTION="10.99.0.2 5 10.99.0.1 22" run_ctl attach dev g0
	has "$status:$err" "cutting this SSH session off" 1: 10.99.0.2 force
	SSH_CONNECTION="10.99.0.2 5 10.99.0.1 22" run_ctl attach dev g0 force
	is "$status" 0 "unless it is meant so"
	ctl deny flush >"$dir/flush"
	ip -n "$gate" route add default via 10.99.0.2
	ctl deny add 10.99.0.0/24 force >"$dir/deny"
	run_ctl attach dev g0
	has "$status:$err" "cutting the default gateway off" 1: 10.99.0.2 gateway
	ip -n "$gate" route del default
	ctl deny flush >"$dir/flush"
}

limits()
{
	has "$(ctl limit set connections 5/m burst 2)" "connections are limited" 5/m "burst 2"
	is "$(from_client tcp 10.99.0.1)" served "the first connection of a burst of two"
	is "$(from_client tcp 10.99.0.1)" served "the second"
	is "$(from_client tcp 10.99.0.1)" silent "the third is beyond it"
	is "$(from_client udp 10.99.0.1 10)" served "UDP is not limited by it"
	is "$(from_client tcp fd99::1)" served "nor is another client"
	ctl switch shadow on >"$dir/switch"
	is "$(from_client tcp 10.99.0.1)" served "in shadow it only counts"
	ctl switch shadow off >"$dir/switch"
	ctl limit del all
	is "$(from_client tcp 10.99.0.1)" served "lifted"
	is "$(ctl -j limit | jq -c .connections)" null "and shown as no limit"
	run_ctl limit set bytes 10M/s burst 1
	has "$status:$err" "a burst that is too small" 64: "at least"
	run_ctl limit set packets 5/d
	has "$status:$err" "a rate that is none" 64: 5/d
	run_ctl limit client v4 33
	has "$status:$err" "a length that is none" 64: "1 to 32"
	run_ctl limit client v4 0
	has "$status:$err" "everybody is no client" 64: "1 to 32"
	ctl -j limit >"$dir/before"
	run_ctl limit client v4 20 v6 99
	has "$status:$err" "a length that is none, behind a good one" 64: "1 to 64"
	is "$(ctl -j limit)" "$(<"$dir/before")" "which has no effect then"
	has "$(ctl limit client v4 24 v6 48)" "a client can be a prefix" "IPv4 /24" "IPv6 /48"
	deny drop >"$dir/deny"
	ctl switch enforce off >"$dir/switch"
	is "$(from_client tcp 10.99.0.1)" served "with enforcement off everything passes"
	ctl switch enforce on >"$dir/switch"
	is "$(from_client tcp 10.99.0.1)" silent "on again, lists hold again"
	ctl deny flush >"$dir/flush"
}

syn_flood()
{
	in_gate sysctl -qw net.ipv4.tcp_syncookies=1
	run_ctl switch cookies on
	has "$status:$err" "cookies that the stack would not take" 1: tcp_syncookies=2
	in_gate sysctl -qw net.ipv4.tcp_syncookies=2
	has "$(ctl limit set syns 1/h burst 1)" "all clients together are limited" syns "burst 1"
	is "$(from_client tcp 10.99.0.1)" served "the first connection of all"
	is "$(from_client tcp fd99::1)" silent "the second is another client's, and too many"
	run_ctl switch cookies on
	if [[ $err == *CONFIG_SYN_COOKIES* ]]; then
		echo "# no cookies: $err"
	else
		for address in 10.99.0.1 fd99::1 10.99.0.1; do
			is "$(from_client tcp $address)" served "$address: let in by its cookie"
		done
		is "$(from_client udp 10.99.0.1 10)" served "UDP needs none"
		has "$(ctl switch)" "the switch is shown" "cookies    on"
		ctl switch cookies off >"$dir/switch"
	fi
	is "$(from_client tcp 10.99.0.1)" silent "without cookies there is no answer"
	ctl limit del syns
	is "$(from_client tcp 10.99.0.1)" served "lifted"
}

# The clients' end has a program as well: native XDP on veth sends answers to nobody else.
set_up
verdicts generic
stays
refusals
limits
syn_flood
ctl detach dev g0 >"$dir/detach"
ok "the other end can take native answers" \
	in_client "$build/sluicectl" -P "$clients_pins" attach dev c0 mode native
verdicts native
syn_flood
has "$(ctl detach all)" "all is detached" all
ok "no pin is left" test ! -e "$SLUICE_PINS"
all_kinds "detached" served
done_testing
