#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Completion in bash: options, objects, commands, files, words and the names of a running daemon.

# shellcheck source=tests/e2e/lib/sluice.sh
source "$(dirname "$0")/lib/sluice.sh"
# shellcheck source=tools/sluicectl/sluicectl.bash
source "$top/tools/sluicectl/sluicectl.bash"

# What TAB offers behind these words, the last of which is begun; in one line.
offers()
{
	COMP_WORDS=("$build/sluicectl" "$@")
	COMP_CWORD=$#
	_sluicectl
	echo "${COMPREPLY[*]}"
}

commands()
{
	is "$(offers st)" "status" "an object is completed"
	is "$(offers '')" "$("$build/sluicectl" -j help | jq -r '.commands[].object' | uniq | xargs)" \
		"all objects are offered"
	is "$(offers config ch)" "check" "a command is completed"
	has "$(offers log '')" "commands are those of the object, and help" level reopen help
	is "$(offers log level '')" "error warn info debug" "words that the grammar lists"
	is "$(offers log level d)" "debug" "one of them"
	is "$(offers log level debug '')" "" "nothing behind the last argument"
	is "$(offers status show '')" "" "nothing where there are no arguments"
	is "$(offers version h)" "help" "help is a command of each object"
	is "$(offers -j -r "$dir" conf)" "config" "options before it do not matter"
	is "$(offers status --js)" "--json" "an option is completed"
	is "$(offers nothing '')" "" "an unknown object offers nothing"
}

files()
{
	touch "$dir/sluice.json"
	mkdir "$dir/some"
	is "$(offers config check "$dir/sl")" "$dir/sluice.json" "a file where FILE stands"
	is "$(offers config diff "$dir/sluice.json" "$dir/sl")" "$dir/sluice.json" "and where NEW stands"
	is "$(offers -r "$dir/so")" "$dir/some" "a directory behind -r"
	is "$(offers -c "$dir/sl")" "$dir/sluice.json" "a file behind -c"
	is "$(offers -c "$dir/sluice.json" route match G)" "GET" "which is no word of the command"
	is "$(offers --socket "$dir/sl")" "$dir/sluice.json" "a file behind --socket"
}

# By the words that arguments have in the grammar.
names()
{
	reserve 1
	start_origin
	make_config "${ports[0]}" "$origin_port" "$dir/run" >"$dir/live.json"
	start "$dir/log" "$build/sluiced" -c "$dir/live.json"
	wait_for grep -q started "$dir/log"
	is "$(_sluicectl_argument "$build/sluicectl" UPSTREAM '' -r "$dir/run")" origin \
		"an upstream's name, of the daemon that the options say"
	is "$(_sluicectl_argument "$build/sluicectl" '[LISTENER]' h -r "$dir/run")" http \
		"a listener's name"
	is "$(_sluicectl_argument "$build/sluicectl" UPSTREAM '' -r "$dir/none")" "" \
		"without a daemon there is none, and no complaint"
	end "$pid"
}

keywords()
{
	local words keyword

	is "$(offers deny add 10.0.0.0/8 act)" action "a keyword is completed"
	is "$(offers deny add 10.0.0.0/8 action '')" "drop reject shadow none" "its value"
	is "$(offers allow add 10.0.0.0/8 timeout 5s action m)" manage "by what the list is"
	is "$(offers deny add 10.0.0.0/8 dev l)" lo "an interface"
	is "$(offers deny load "$dir/sluice.json" format j)" json "a format"
	is "$(offers deny test "$dir/sluice.json" pcap "$dir/sl")" "$dir/sluice.json" "a capture is a file"
	is "$(offers event watch re)" reason "where keywords are all there is"
	is "$(offers event watch reason pu)" punished "a reason"
	is "$(offers deny add 10.0.0.0/8 port '')" "" "nothing for a number"
	for words in "deny show" "deny add 10.0.0.0/8" "deny del 10.0.0.0/8" "deny flush" \
		"deny load $dir/sluice.json" "deny diff $dir/sluice.json" "deny lookup 10.1.1.1" \
		"deny test $dir/sluice.json" "event watch" "attach dev lo"; do
		read -ra words <<<"$words"
		for keyword in $(offers "${words[@]}" ''); do
			run "$build/sluicectl" -P "$dir/none" "${words[@]}" "$keyword"
			ok "${words[*]} knows '$keyword'" test -z "$(grep -E 'unknown|ambiguous' <<<"$err")"
		done
	done
}

# Names of lists, out of pinned maps.
lists()
{
	local pins=/sys/fs/bpf/sluice-test-$$

	if ! "$build/tests/unit/kern/pins" make "$pins" 2>"$dir/why"; then
		skip "names of lists" "$(<"$dir/why")"
		return
	fi
	"$build/sluicectl" -P "$pins" deny add 10.0.0.0/8 list spamhaus >"$dir/added"
	"$build/sluicectl" -P "$pins" deny add 11.0.0.0/8 list mine force >"$dir/added"
	is "$(offers -P "$pins" deny show list sp)" spamhaus "a list's name"
	is "$(offers -P "$pins" deny list reload m)" mine "where a list is meant"
	is "$(offers deny list re)" reload "a command of lists"
	is "$(offers deny list add some "$dir/sl")" "$dir/sluice.json" "its file"
	is "$(offers deny list add some "$dir/sluice.json" act)" action "its keywords"
	is "$(offers -P "$pins" event watch list s)" spamhaus "of a watch as well"
	rm -rf "$pins"
}

commands
files
keywords
lists
names
done_testing
