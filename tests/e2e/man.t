#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manual pages are well-formed and tell what the programs tell; make install puts them in place.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

pages=$top/tools

# PAGE: as a reader sees it, without a line end that was not written.
render()
{
	groff -man -Tascii -P-cbou -rLL=200n -rHY=0 "$1" 2>&1
}

# Lines of a section that begin an entry.
entries()
{
	render "$1" | sed -n "/^$2\$/,/^[A-Z]/s/^       \([^ ].*\)/\1/p" |
		sed -E 's/   .*//' # a short entry has its text behind it
}

well_formed()
{
	local page

	for page in "$pages/packaging/sluiced.8" "$pages/sluicectl/sluicectl.8" \
		"$build/sluice.json.5"; do
		run groff -man -Tutf8 -ww -b "$page"
		is "$status:$err" "0:" "$(basename "$page") is well-formed"
	done
}

# Both ways: nothing is missing, and nothing is there that is not.
commands()
{
	"$build/sluicectl" help | sed -n '/^  /{/^  -/q;s/^  \([^ ].*[^ ]\)   *[^ ].*/\1/p}' |
		sed -E 's/ +$//; s/  .*//' | sort >"$dir/told"
	entries "$pages/sluicectl/sluicectl.8" COMMANDS | sort >"$dir/written"
	ok "sluicectl has commands to be compared" test "$(wc -l <"$dir/told")" -ge 5
	ok "sluicectl.8 has the commands of the help" diff "$dir/told" "$dir/written"
}

# PROGRAM PAGE: "-j, --json" and "-s, --socket PATH", in the page as in the help.
options()
{
	"$build/$1" --help | grep -oE '^ +((-[a-zA-Z],)? +)?--[a-z-]+( [A-Z]+)?' | sed -E 's/^ +//' |
		sort >"$dir/told"
	entries "$2" OPTIONS | sort >"$dir/written"
	ok "$1 has options to be compared" test "$(wc -l <"$dir/told")" -ge 5
	ok "$(basename "$2") has the options of --help" diff "$dir/told" "$dir/written"
}

variables()
{
	"$build/sluiced" --schema | jq -r \
		'.properties.logs.properties.access.anyOf[1].properties.format.description' |
		grep -oE '\$[a-z_0-9]+' | sort >"$dir/told"
	grep -oE '\$[a-z_0-9]+' "$pages/packaging/sluiced.8" | sort -u >"$dir/written"
	ok "there are variables to be compared" test "$(wc -l <"$dir/told")" -gt 20
	ok "sluiced.8 has the variables of the schema" diff "$dir/told" "$dir/written"
	sed -n '/^## Formats/,/^## /p' "$top/userspace/observe/README.md" | grep '^|' |
		grep -oE '\$[a-z_0-9]+' | sort -u >"$dir/written"
	ok "and so has the page of the folder" diff "$dir/told" "$dir/written"
}

installed()
{
	local place

	run "$pages/packaging/install-files" "$build" "$dir/root" /opt/sluice
	is "$status:$err" "0:" "the files can be installed"
	for place in opt/sluice/share/man/man8/sluiced.8 opt/sluice/share/man/man8/sluicectl.8 \
		opt/sluice/share/bash-completion/completions/sluicectl etc/logrotate.d/sluice; do
		ok "$place is in its place" test -s "$dir/root/$place"
	done
	ok "logrotate calls what was installed" \
		grep -q '^[[:space:]]*/opt/sluice/bin/sluicectl -r /run/sluice log reopen' \
		"$dir/root/etc/logrotate.d/sluice"
	echo mine >"$dir/root/etc/logrotate.d/sluice"
	run "$pages/packaging/install-files" "$build" "$dir/root" /opt/sluice
	is "$(<"$dir/root/etc/logrotate.d/sluice")" mine "one that was changed stays"
}

well_formed
commands
options sluicectl "$pages/sluicectl/sluicectl.8"
options sluiced "$pages/packaging/sluiced.8"
variables
installed
done_testing
