#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary user runs the gateway as well as root does; and root's gateway becomes such a user.

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

an_ordinary_user()
{
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
}

# ---- without a session ----

# A directory in /tmp that everybody can name, and that only its owner may have made.
without_a_session()
{
	local uid=$((3000000 + $$)) shared as_user

	shared=/tmp/sluice-$uid
	as_user=(env -u XDG_RUNTIME_DIR setpriv --reuid="$uid" --regid="$uid" --clear-groups)
	free_ports 1
	make_config "${ports[0]}" "$origin_port" x | sed 's/"gateway".*/"gateway": {},/' >"$dir/tmp.json"
	start "$dir/log" "${as_user[@]}" "$dir/sluiced" -c "$dir/tmp.json"
	ok "without a session it starts" wait_for grep -q started "$dir/log"
	run "${as_user[@]}" "$dir/sluicectl" -j status
	is "$status:$(jq .pid "$dir/out" 2>&1)" "0:$pid" "and its user's sluicectl finds it"
	is "$(stat -c '%a %u' "$shared")" "700 $uid" "in a directory of its own"
	end "$pid"
	rm -rf "$shared"
	mkdir -m 777 "$shared"
	start "$dir/log" "${as_user[@]}" "$dir/sluiced" -c "$dir/tmp.json"
	ok "where somebody else has made that directory, it starts" wait_for grep -q started "$dir/log"
	has "$(<"$dir/log")" "it warns" "warn control.open run_dir=$shared" "ours alone"
	is "$(ls -A "$shared")" "" "and puts nothing there"
	end "$pid"
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
		"$shared/control.sock"
	chmod 777 "$shared/control.sock"
	run "${as_user[@]}" "$dir/sluicectl" status
	has "$status:$err" "sluicectl does not ask a stranger either" /run/sluice/control.sock
	rm -rf "$shared"
}

# ---- started as root ----

# Ports below 1024 that nobody has, into ${low[@]}.
low_ports()
{
	read -ra low < <(python3 -c '
import random, socket
ports = []
while len(ports) < 2:
    port = random.randrange(600, 1000)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    ports.append(port) if port not in ports else None
print(*ports)
')
}

# USER [LISTENER...]: the configuration of a daemon that root starts.
configure()
{
	local user=$1 port listeners=

	shift
	for port; do
		listeners+=", \"low$port\": \"127.0.0.1:$port\""
	done
	make_config "$port0" "$origin_port" "$dir/run" '"logs": { "access": { "path":
		"'"$dir/logs/access"'" } }' |
		sed "s|, \"user\": \"root\"|, \"state_dir\": \"$dir/state\"${user:+, $user}|; s|\(127.0.0.1:$port0\" }\)|\1$listeners|" \
			>"$dir/new.json"
	mv "$dir/new.json" "$dir/root.json"
}

# FIELDS of the status of each thread, one line for all that are alike.
status_of()
{
	cat /proc/"$1"/task/*/status | grep -E "^($2):" | sort -u | tr '\t' ' ' | sed 's/ *$//'
}

as_who()
{
	local uid=$1

	shift
	run setpriv --reuid="$uid" --regid="$uid" --clear-groups "$dir/sluicectl" -r "$dir/run" "$@"
}

# The same of the thread that reads the configuration: workers have less (sandbox.t).
status_of_main()
{
	grep -E "^($2):" "/proc/$1/status" | sort | tr '\t' ' '
}

is_nobody_now()
{
	is "$(status_of "$1" 'Uid|Gid|Groups')" "Gid: 65534 65534 65534 65534
Groups: 65534
Uid: 65534 65534 65534 65534" "$2: user and groups of every thread are nobody's"
	is "$(status_of_main "$1" 'Cap...|NoNewPrivs')" "CapAmb: 0000000000000400
CapBnd: 0000000000000400
CapEff: 0000000000000400
CapInh: 0000000000000400
CapPrm: 0000000000000400
NoNewPrivs: 1" "$2: CAP_NET_BIND_SERVICE is all that is left, and nothing can be gained"
	is "$(stat -c %u "/proc/$1/mem")" 0 "$2: its memory is root's to read"
}

start_as_root()
{
	free_ports 1
	port0=${ports[0]}
	low_ports
	mkdir "$dir/logs"
	chown 65534:65534 "$dir/logs"
	configure '"user": "nobody"'
	start "$dir/log" "$dir/sluiced" -c "$dir/root.json"
	daemon=$pid
	ok "started as root, it starts" wait_for grep -q started "$dir/log"
	has "$(<"$dir/log")" "it says whom it has become" "user user=nobody uid=65534 gid=65534"
	is_nobody_now "$daemon" "nobody"
	run curl -sS -m 10 "http://127.0.0.1:$port0/x"
	is "$status:$out" "0:origin" "it passes requests on"
	is "$(stat -c '%a %u' "$dir/run" "$dir/run/control.sock")" "755 65534
660 65534" "its run_dir was made, and is its own"
	is "$(stat -c '%a %u' "$dir/state" "$dir/state/sluice.db" | xargs)" "700 65534 600 65534" \
		"so was its state_dir"
}

reaches_it()
{
	run "$dir/sluicectl" -j -r "$dir/run" status
	is "$status:$(jq .pid "$dir/out" 2>&1)" "0:$daemon" "root's sluicectl reaches it"
	as_who 65534 -j status
	is "$status:$(jq .pid "$dir/out" 2>&1)" "0:$daemon" "and so does its own user's"
	as_who 65533 -j status
	is "$status" 77 "nobody else's does"
}

# PORT TEXT
serves()
{
	run curl -sS -m 10 "http://127.0.0.1:$1/hello"
	is "$status:$out" "0:hello" "$2"
}

reloads()
{
	configure '"user": "nobody"' "${low[0]}"
	run "$dir/sluicectl" -r "$dir/run" config reload
	is "$status" 0 "a reload that brings a port below 1024 succeeds"
	serves "${low[0]}" "and that port is served"
	mv "$dir/logs/access" "$dir/logs/access.1"
	run "$dir/sluicectl" -r "$dir/run" log reopen
	is "$status:$(stat -c %u "$dir/logs/access")" "0:65534" "logs are opened anew"
	configure '"user": "nobody", "group": "nogroup"' "${low[0]}"
	run "$dir/sluicectl" -r "$dir/run" config reload
	has "$status:$out" "a change of the group is told to need a restart" "0:" "/gateway/group"
}

# What only root may open is told with the user who may not, and changes nothing.
is_refused()
{
	chown 0:0 "$dir/logs"
	mv "$dir/logs/access" "$dir/logs/access.2"
	run "$dir/sluicectl" -r "$dir/run" log reopen
	is "$status" 1 "a log in a directory of root's is not opened anew"
	has "$err" "the message tells who may not, and what to do" \
		"Permission denied for user nobody" chown
	chown 65534:65534 "$dir/logs"
	echo -n '/*' >"$dir/key"
	chmod 600 "$dir/key"
	configure '"user": "nobody"' "${low[0]}"
	# shellcheck disable=SC2016  # the daemon's own substitution
	sed -i 's|"path": "/\*"|"path": "${file:'"$dir"'/key}"|' "$dir/root.json"
	run "$dir/sluicectl" -r "$dir/run" config reload
	has "$status:$out$err" "a key of root's neither" "$dir/key" \
		"Permission denied for user nobody: it needs chown or chmod"
	configure '"user": "nobody"' "${low[0]}"
	chmod 600 "$dir/root.json"
	run "$dir/sluicectl" -r "$dir/run" config reload
	has "$status:$out$err" "and a configuration of root's neither" \
		"$dir/root.json: Permission denied for user nobody"
	chmod 644 "$dir/root.json"
	serves "${low[0]}" "it goes on"
}

is_upgraded()
{
	local old=$daemon

	kill -USR2 "$old"
	ok "an upgrade as that user succeeds" wait_for eval \
		"! kill -0 $old && $dir/sluicectl -r $dir/run status"
	daemon=$("$dir/sluicectl" -j -r "$dir/run" status | jq .pid)
	children+=("$daemon")
	is_nobody_now "$daemon" "upgraded"
	configure '"user": "nobody"' "${low[@]}"
	run "$dir/sluicectl" -r "$dir/run" config reload
	is "$status:$(jq -R . <<<"$err")" '0:""' "its reload has no complaint"
	serves "${low[1]}" "and it can still bring a port below 1024"
	kill "$daemon"
	ok "it ends" wait_for eval "! kill -0 $daemon"
	ok "and leaves no socket behind" test ! -e "$dir/run/control.sock"
	is "$(grep -cE ' (warn|error) ' "$dir/log")" "$(grep -cE \
		'error="Permission denied|reload.refused|needs a restart' "$dir/log")" \
		"it has complained of what was refused, and of nothing else"
}

# NAME USER TEXT [COMMAND...]: started by the command, it says the text.
says()
{
	local name=$1 user=$2 text=$3

	shift 3
	configure "$user"
	start "$dir/log" "$@" "$dir/sluiced" -c "$dir/root.json"
	ok "$name: it starts" wait_for grep -q started "$dir/log"
	has "$(<"$dir/log")" "$name: it says '$text'" "$text"
	daemon=$pid
}

# A run_dir below what somebody else owns, whose link leads to where root alone may write.
follows_nobody()
{
	mkdir "$dir/roots" "$dir/theirs"
	ln -s "$dir/roots" "$dir/theirs/way"
	chown -h 65533:65533 "$dir/theirs" "$dir/theirs/way"
	configure '"user": "nobody"'
	sed -i "s|$dir/run|$dir/theirs/way/run|" "$dir/root.json"
	start "$dir/log" "$dir/sluiced" -c "$dir/root.json"
	ok "a way that others have laid: it starts" wait_for grep -q started "$dir/log"
	has "$(<"$dir/log")" "it says that it may not make its run_dir there" \
		"warn control.open run_dir=$dir/theirs/way/run" "Permission denied"
	is "$(ls -A "$dir/roots")" "" "and root has made nothing there either"
	end "$pid"
}

others()
{
	says "a group" '"user": "nobody", "group": "daemon"' "user=nobody uid=65534 gid=1"
	is "$(status_of "$daemon" 'Gid|Groups')" "Gid: 1 1 1 1
Groups: 1" "a group: that one instead of the user's"
	end "$daemon"
	configure '"user": "nobody"'
	sed -i "s|\"127.0.0.1:$origin_port\"|\"localhost:$origin_port\"|" "$dir/root.json"
	start "$dir/log" "$dir/sluiced" -c "$dir/root.json"
	wait_for grep -q started "$dir/log"
	is "$(status_of "$pid" 'Uid|CapEff|NoNewPrivs' | grep -v 0400)" "CapEff: 0000000000000000
NoNewPrivs: 1
Uid: 65534 65534 65534 65534" "what looks up names, and began before, has no capability at all"
	end "$pid"
	follows_nobody
	says "without a user" "" "warn user.root"
	end "$daemon"
	says "root" '"user": "root"' started
	is "$(status_of "$daemon" Uid):$(grep -c warn "$dir/log")" "Uid: 0 0 0 0:0" \
		"root: it stays, without a warning"
	end "$daemon"
	rm -rf "$dir/run" "$dir/logs"
	chmod 777 "$dir"
	mkdir -m 777 "$dir/logs"
	says "nobody, who cannot change" '"user": "daemon"' "warn user.ignored user=daemon uid=65534" \
		"${nobody[@]}"
	end "$daemon"
	says "nobody, as it says" '"user": "nobody"' started "${nobody[@]}"
	is "$(grep -c warn "$dir/log")" 0 "nobody, as it says: without a warning"
	end "$daemon"
	configure '"user": "no-such-user"'
	run "$dir/sluiced" -c "$dir/root.json"
	is "$status" 1 "a user that there is not ends with 1"
	has "$err" "the message names it, its key and a way out" "user=no-such-user" \
		/gateway/user useradd
	configure '"user": "nobody", "group": "no-such-group"'
	run "$dir/sluiced" -c "$dir/root.json"
	has "$status:$err" "and so does a group that there is not" "1:" "group=no-such-group" \
		/gateway/group
}

# A leak checker traces its process, which nobody but root may here.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
prepare
an_ordinary_user
without_a_session
start_as_root
reaches_it
reloads
is_refused
is_upgraded
others
done_testing
