# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of sluicectl for bash: options, objects, commands, files.

_sluicectl()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local options='-j --json -p --pretty -s --socket -r --run-dir -V --version -h --help'
	local words=() i

	case $before in
	-s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-r | --run-dir)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s | --socket | -r | --run-dir) i=$((i + 1)) ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case ${words[*]} in
	'') mapfile -t COMPREPLY < <(compgen -W 'status config version help' -- "$word") ;;
	status) mapfile -t COMPREPLY < <(compgen -W 'show help' -- "$word") ;;
	config) mapfile -t COMPREPLY < <(compgen -W 'check show diff reload help' -- "$word") ;;
	'config check' | 'config show' | 'config diff' | 'config diff '*)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	*) COMPREPLY=() ;;
	esac
}

complete -o filenames -F _sluicectl sluicectl
