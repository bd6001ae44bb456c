# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # its variables are read by whoever sources it
# For end-to-end tests in bash: TAP, a directory, ports, and processes that end with the test.

set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
build=$(cd "${SLUICE_BUILD:-$top/build}" && pwd) || exit 1
dir=$(mktemp -d "${TMPDIR:-/tmp}/sluice-e2e.XXXXXX")
children=()
facts=0
failed=0

# ---- TAP ----

# Says whether the command after the name holds; what it prints is shown when it does not.
ok()
{
	local name=$1 said

	shift
	facts=$((facts + 1))
	if said=$("$@" 2>&1); then
		echo "ok $facts - $name"
		return 0
	fi
	failed=$((failed + 1))
	echo "not ok $facts - $name"
	printf '%s\n' "$*" "$said" | sed 's/^/#   /'
	# A harness keeps the rest to itself.
	[[ -z ${HARNESS_ACTIVE:-} ]] || printf '# %s\n' "$0 $facts - $name" "  $*" "  $said" >&2
	return 1
}

is()
{
	ok "$3" same "$1" "$2"
}

# The text has all of these words, in any order.
has()
{
	local text=$1 name=$2

	shift 2
	ok "$name" has_all "$text" "$@"
}

same()
{
	[[ $1 == "$2" ]] || { printf 'got  %s\nwant %s\n' "$1" "$2"; return 1; }
}

has_all()
{
	local text=$1 word

	shift
	for word; do
		[[ $text == *"$word"* ]] || { printf "no '%s' in: %s\n" "$word" "$text"; return 1; }
	done
}

skip()
{
	facts=$((facts + 1))
	echo "ok $facts - $1 # SKIP $2"
}

done_testing()
{
	echo "1..$facts"
	exit $((failed > 0))
}

# ---- processes ----

# Runs it with its streams in files: $out, $err and $status are what came of it.
run()
{
	status=0
	timeout 20 "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	out=$(tr -d '\0' <"$dir/out")
	err=$(tr -d '\0' <"$dir/err")
}

# In the background; $pid is its id, LOG takes what it says.  "&" ignores SIGINT: env undoes that.
start()
{
	local log=$1

	shift
	: >"$log" # here and now: whoever waits for a word in it must not find that of the last one
	env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
	pid=$!
	children+=("$pid")
}

# PID [SIGNAL]: exit status in $status; whoever does not end in ten seconds is killed: 137.
end()
{
	local child=$1 turn

	kill -"${2-TERM}" "$child" 2>/dev/null
	for ((turn = 0; turn < 500; turn++)); do
		[[ ${2-} != KILL ]] || break # nothing to wait for, and some tests are about what is next
		kill -0 "$child" 2>/dev/null || break
		sleep 0.02
	done
	kill -KILL "$child" 2>/dev/null
	status=0
	{ wait "$child" || status=$?; } 2>/dev/null
}

# shellcheck disable=SC2317  # the trap calls it
clean_up()
{
	local child

	exec 2>/dev/null # bash would tell of each that was killed
	for child in "${children[@]}"; do
		kill -KILL "$child"
	done
	wait
	rm -rf "$dir"
}

trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# Until the command holds, fifteen seconds at most.
wait_for()
{
	local turn

	for ((turn = 0; turn < 750; turn++)); do
		! "$@" >/dev/null 2>&1 || return 0
		sleep 0.02
	done
	return 1
}

is_open()
{
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# ---- ports ----

# So many free ports into ${ports[@]}.  A process keeps them bound but not listening: a server with
# SO_REUSEADDR and SO_REUSEPORT, of the same user, gets in beside it; nobody else is given them.
reserve()
{
	rm -f "$dir/ports"
	python3 -c '
import os, socket, sys, time
socks = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in socks:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in socks), flush=True)
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.2)
' "$1" >"$dir/ports" </dev/null &
	children+=("$!")
	wait_for test -s "$dir/ports"
	read -ra ports <"$dir/ports"
}

# The same for servers that take no company: free just now, and not given away by the kernel.
free_ports()
{
	read -ra ports < <(python3 -c '
import random, socket, sys
ports = []
while len(ports) < int(sys.argv[1]):
    port = random.randrange(12000, 32000)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        continue
    ports.append(port)
print(*ports)
' "$1")
}

# A server that says "origin" to whatever it is asked, on a port of its own choice: $origin_port.
start_origin()
{
	rm -f "$dir/origin"
	start "$dir/origin" python3 -u -c '
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"origin\n")
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
server.serve_forever()
'
	wait_for test -s "$dir/origin"
	origin_port=$(<"$dir/origin")
}

# Directories of a test are for its own user.
stay_root=
[[ $EUID -ne 0 ]] || stay_root=', "user": "root"'

# A configuration on standard output: LISTEN_PORT ORIGIN_PORT RUN_DIR [MORE_KEYS].
make_config()
{
	cat <<END
{
	"gateway": { "workers": 2, "run_dir": "$3"$stay_root },
	"listeners": { "http": { "address": "127.0.0.1:$1" } },
	"upstreams": { "origin": { "targets": [ "127.0.0.1:$2" ] } },
	"routes": [
		{ "name": "hello", "match": { "path": "/hello" }, "respond": { "body": "hello\n" } },
		{ "name": "origin", "match": { "path": "/*" }, "upstream": "origin" }
	]${4:+, $4}
}
END
}
