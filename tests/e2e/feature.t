#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What this kernel can do, as sluicectl finds out.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

ctl=$build/sluicectl

# NAME: its state in the JSON of the last run.
state()
{
	jq -r --arg name "$1" '.features[] | select(.name == $name) | .state' <<<"$out"
}

everybody()
{
	run "$ctl" feature probe
	is "$status" 0 "what the gateway needs is there"
	has "$out" "the table" "ok  kernel" "ok  io_uring" nofile kTLS BPF bpf_loop "ring buffer" bpffs
	run "$ctl" -j feature probe
	is "$(jq -r .complete <<<"$out")" true "JSON says the same"
	is "$(jq -r '[.features[] | select(.state != "ok") | .effect] | any(. == null)' <<<"$out")" \
		false "whatever is missing has an effect"
	run setarch --uname-2.6 "$ctl" -j feature probe
	is "$status:$(state kernel)" 1:missing "a kernel that is too old is said so, and the status is 1"
}

misuse()
{
	run "$ctl" feature probe lo
	has "$status:$err" "a word that is none" 64: "'lo'"
	run "$ctl" feature probe dev
	has "$status:$err" "no interface" 64: interface
	run "$ctl" feature probe dev none0
	has "$status:$err" "an interface that is not there" 1: none0
}

# In a network namespace of its own, where nobody's lo is touched.
interface()
{
	if ! unshare --net true 2>/dev/null; then
		skip "XDP is tried" "a network namespace needs root"
		return
	fi
	run unshare --net "$ctl" -j feature probe dev lo
	if [[ $(state BPF) != ok ]]; then
		skip "XDP is tried" "BPF programs cannot be loaded here"
		return
	fi
	is "$(state "XDP generic"):$(state "XDP native")" ok:missing "XDP is tried: lo has generic only"
	run unshare --net "$ctl" feature probe dev lo
	has "$out" "why, in the driver's words, and what it costs" "native mode" "Effect: mode generic"
	run setpriv --reuid 65534 --clear-groups "$ctl" -j feature probe
	is "$status:$(state BPF):$(state "ring buffer")" 0:missing:unknown \
		"without capabilities it says what cannot be seen"
}

everybody
misuse
interface
done_testing
