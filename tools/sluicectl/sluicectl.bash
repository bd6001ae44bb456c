# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion of sluicectl for bash.  What there is to complete, sluicectl itself tells: "-j help"
# has every object, command and argument, and a running daemon its names.

# One line for each: OBJECT COMMAND|null ARGUMENTS.
_sluicectl_grammar()
{
	"$1" -j help 2>/dev/null | grep -o '{"object":[^}]*}' |
		sed -E 's/.*"object":"([^"]*)","command":"?([^",]*)"?,"arguments":"([^"]*)".*/\1 \2 \3/'
}

_sluicectl_options()
{
	"$1" -j help 2>/dev/null | grep -o '"letter":"[^"]*","name":"[^"]*"' |
		sed -E 's/"letter":"([^"]*)","name":"([^"]*)"/-\1 --\2/'
}

# Names of the objects of a list of "status": CTL LIST [OPTION...].
_sluicectl_names()
{
	local ctl=$1 list=$2

	shift 2
	"$ctl" -j "$@" status 2>/dev/null | grep -oE "\"$list\":\[(\{[^}]*\},?)*\]" |
		grep -o '"name":"[^"]*"' | cut -d'"' -f4
}

# Names of the pinned lists: CTL OBJECT [OPTION...], where OBJECT is deny or allow.
_sluicectl_lists()
{
	local ctl=$1 object=$2

	shift 2
	"$ctl" -j "$@" "$object" list 2>/dev/null | grep -o '"list":"[^"]*"' | cut -d'"' -f4
}

# The keywords of OBJECT COMMAND.
_sluicectl_keywords()
{
	local entry='timeout until reason action port dev list'

	case "$1 $2" in
	*' show' | *' lookup' | *' del') echo list port dev action ;;&
	*' del') echo exist force confirm-within ;;
	*' add') echo "$entry exist force confirm-within" ;;
	*' flush') echo list action force confirm-within ;;
	*' load' | *' list') echo "$entry format skip-bad force confirm-within" ;;
	*' diff') echo "$entry format skip-bad" ;;
	*' test') echo "$entry format skip-bad pcap access-log top" ;;
	'event watch') echo from reason list port dev count for sample rate ;;
	'attach dev') echo mode prefixes force ;;
	'punish add') echo timeout reason force ;;
	'jwt verify') echo jwks issuer audience alg typ at leeway max-age ;;
	esac
}

# What may stand behind a keyword: CTL OBJECT KEYWORD WORD [OPTION...].  False: it has no value.
_sluicectl_value()
{
	local ctl=$1 object=$2 keyword=$3 word=$4

	shift 4
	case $keyword in
	list)
		[[ $object != event ]] || object=deny
		compgen -W "$(_sluicectl_lists "$ctl" "$object" "$@")" -- "$word"
		;;
	dev) compgen -W "$(cd /sys/class/net && echo *)" -- "$word" ;;
	action)
		case $object in
		allow) compgen -W 'allow manage' -- "$word" ;;
		*) compgen -W 'drop reject shadow none' -- "$word" ;;
		esac
		;;
	format) compgen -W 'auto plain csv ipset nft json' -- "$word" ;;
	mode) compgen -W 'auto native generic' -- "$word" ;;
	pcap | access-log | jwks) compgen -f -- "$word" ;;
	reason)
		[[ $object != event ]] || compgen -W 'deny_list punished connection_limit packet_limit
			byte_limit' -- "$word"
		;;
	alg)
		compgen -W 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384
			HS512' -- "$word"
		;;
	issuer | audience | typ | at | leeway | max-age) ;;
	timeout | until | port | top | confirm-within | from | count | for | sample | rate | \
		prefixes) ;;
	*) return 1 ;;
	esac
	return 0
}

# What may stand for an argument as the grammar has it: CTL ARGUMENT WORD [OPTION...].
_sluicectl_argument()
{
	local ctl=$1 argument=${2//[\[\]]/} word=$3

	shift 3
	argument=${argument%...}
	case $argument in
	FILE | OLD | NEW) compgen -f -- "$word" ;;
	KIND) compgen -W 'connections packets bytes' -- "$word" ;;
	'KIND|all') compgen -W 'connections packets bytes all' -- "$word" ;;
	IFACE) compgen -W "$(cd /sys/class/net && echo *)" -- "$word" ;;
	DIR) compgen -d -- "$word" ;;
	UPSTREAM) compgen -W "$(_sluicectl_names "$ctl" upstreams "$@")" -- "$word" ;;
	LISTENER) compgen -W "$(_sluicectl_names "$ctl" listeners "$@")" -- "$word" ;;
	NAME) compgen -W "$(_sluicectl_lists "$ctl" deny "$@")" -- "$word" ;;
	METHOD) compgen -W 'GET HEAD POST PUT PATCH DELETE OPTIONS' -- "$word" ;;
	*'|'*) compgen -W "${argument//|/ }" -- "$word" ;;
	esac
}

_sluicectl()
{
	local ctl=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
	local before=${COMP_WORDS[COMP_CWORD - 1]} words=() where=() i arguments

	COMPREPLY=()
	case $before in
	-c | --config | -s | --socket)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	-r | --run-dir | -P | --pins)
		mapfile -t COMPREPLY < <(compgen -d -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_options "$ctl")" -- "$word")
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-c | --config) i=$((i + 1)) ;;
		-s | --socket | -r | --run-dir | -P | --pins)
			where+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
			i=$((i + 1))
			;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	case ${#words[@]} in
	0) mapfile -t COMPREPLY < <(
		compgen -W "$(_sluicectl_grammar "$ctl" | cut -d' ' -f1)" -- "$word" | uniq) ;;
	1) mapfile -t COMPREPLY < <(compgen -W "$(_sluicectl_grammar "$ctl" |
		awk -v o="${words[0]}" '$1 == o && $2 != "null" { print $2; n++ }
			END { if (n) print "help" }')" -- "$word") ;;
	*)
		read -ra arguments < <(_sluicectl_grammar "$ctl" |
			awk -v o="${words[0]}" -v c="${words[1]}" '$1 == o && $2 == c {
				$1 = $2 = ""; print }')
		i=$((${#words[@]} - 2))
		if [[ ${arguments[*]} == *'[KEYWORD...]' && $i -ge $((${#arguments[@]} - 1)) ]]; then
			# A keyword's value, or else the next keyword; the prefix of "show" may be left out.
			if [[ $i -ge ${#arguments[@]} || (${arguments[0]} == '[PREFIX]' && $i -gt 0) ]] &&
				mapfile -t COMPREPLY < <(
				_sluicectl_value "$ctl" "${words[0]}" "$before" "$word" "${where[@]}" ||
					echo //) && [[ ${COMPREPLY[0]-} != // ]]; then
				return
			fi
			mapfile -t COMPREPLY < <(
				compgen -W "$(_sluicectl_keywords "${words[0]}" "${words[1]}")" -- "$word")
			return
		fi
		[[ $i -lt ${#arguments[@]} || ${#arguments[@]} -eq 0 ]] || return
		mapfile -t COMPREPLY < <(
			_sluicectl_argument "$ctl" "${arguments[i]-}" "$word" "${where[@]}")
		;;
	esac
}

complete -o filenames -F _sluicectl sluicectl
