#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary user runs the gateway as well as root does.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"

nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all
	--no-new-privs)

if [[ $EUID -ne 0 ]]; then
	echo "1..0 # SKIP only root can be somebody else"
	exit 0
fi

# The build may be where nobody may not look.
prepare()
{
	chmod 755 "$dir"
	mkdir "$dir/user"
	cp "$build/sluiced" "$build/sluicectl" "$dir"
	chown 65534:65534 "$dir/user"
}

# What XDG_RUNTIME_DIR is in a login session: the configuration says nothing of a run_dir.
start_as_nobody()
{
	# Not reserved: a port that root keeps bound is not for nobody.
	free_ports 1
	port=${ports[0]}
	start_origin
	make_config "$port" "$origin_port" x '"logs": { "access": { "path": "'"$dir"'/user/log" } }' |
		sed 's/"gateway".*/"gateway": { "workers": 2 },/' >"$dir/sluice.json"
	start "$dir/log" env XDG_RUNTIME_DIR="$dir/user" "${nobody[@]}" "$dir/sluiced" \
		-c "$dir/sluice.json"
	daemon=$pid
	ok "it starts as nobody" wait_for grep -q started "$dir/log"
}

as_nobody()
{
	run env XDG_RUNTIME_DIR="$dir/user" "${nobody[@]}" "$dir/sluicectl" "$@"
}

prepare
start_as_nobody
is "$(awk '/^(Uid|CapEff):/ { print $2 }' "/proc/$daemon/status" | xargs)" \
	"65534 0000000000000000" "it has neither root's id nor a capability"
run curl -sS -m 10 "http://127.0.0.1:$port/hello"
is "$status:$out" "0:hello" "it answers by itself"
run curl -sS -m 10 "http://127.0.0.1:$port/x"
is "$status:$out" "0:origin" "it passes requests on"
as_nobody -j status
is "$status:$(jq .pid "$dir/out" 2>&1)" "0:$daemon" \
	"its owner's sluicectl finds it without an option"
is "$(stat -c '%a %u' "$dir/user/sluice/control.sock")" "660 65534" \
	"the socket is its owner's and group's, nobody else's"
end "$daemon"
is "$status" 0 "it ends in good order"
is "$(wc -l <"$dir/user/log")" 2 "the access log has both requests"
ok "it said nothing alarming" test -z "$(grep -vE ' info (started|stopping|stopped) ' "$dir/log")"
done_testing
