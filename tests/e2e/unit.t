#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The systemd unit that is installed: systemd understands it, and finds little that it exposes.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

# 0 is a service that can do nothing, 10 one that can do anything; ours has a network to serve.
most=2.4
unit=$dir/root/lib/systemd/system/sluiced.service

if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP systemd-analyze is not there (package systemd)"
	exit 0
fi

# Below a prefix of the test's own, so that the program that the unit names is there.
installed()
{
	"$top/tools/packaging/install-files" "$build" "$dir/dest" "$dir/root" 2>"$dir/err"
	mv "$dir/dest$dir/root" "$dir/root"
	ok "the unit is installed" test -s "$unit"
	run systemd-analyze verify --man=no "$unit"
	is "$status:$err" "0:" "systemd has no complaint about it"
	is "$(sed -n 's/^\(User\|\(Ambient\)\?Capabilit[A-Za-z]*\)=//p' "$unit" | xargs)" \
		"sluice CAP_NET_BIND_SERVICE CAP_NET_BIND_SERVICE" "a user and a capability are all it has"
	is "$(grep ^SystemCallFilter= "$unit" | tail -n 1)" \
		"SystemCallFilter=capset seccomp landlock_create_ruleset landlock_restrict_self" \
		"the last word on system calls allows what a worker's sandbox is made with"
}

exposes_little()
{
	local exposure

	run systemd-analyze security --no-pager --offline=true "$unit"
	exposure=$(sed -nE 's/.*Overall exposure level for .*: ([0-9.]+) .*/\1/p' "$dir/out")
	echo "# exposure ${exposure:-unknown}"
	ok "its exposure is $most at the most" awk -v e="$exposure" -v most="$most" \
		'BEGIN { exit !(e != "" && e <= most) }'
}

# What it takes for granted: the user, and the places that its own configuration names.
has_what_it_needs()
{
	local conf=$dir/dest/etc/sluice/sluice.json

	if [[ $EUID -eq 0 ]] && command -v systemd-sysusers >/dev/null; then
		mkdir -p "$dir/image/etc"
		run systemd-sysusers --root="$dir/image" "$dir/root/lib/sysusers.d/sluice.conf"
		is "$status:$(cut -d: -f1,6,7 "$dir/image/etc/passwd")" "0:sluice:/:/usr/sbin/nologin" \
			"systemd-sysusers makes the user"
	else
		skip "systemd-sysusers makes the user" "only as root, where it is installed"
	fi
	is "$(jq -r .gateway.user "$conf")" "$(sed -n 's/^User=//p' "$unit")" \
		"the configuration names the same user: root's start by hand becomes it too"
	is "$(dirname "$(jq -r .logs.access.path "$conf")")" \
		"/var/log/$(sed -n 's/^LogsDirectory=//p' "$unit")" "logs go where the unit makes room"
}

installed
exposes_little
has_what_it_needs
done_testing
