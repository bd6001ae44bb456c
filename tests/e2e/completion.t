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

commands
files
names
done_testing
