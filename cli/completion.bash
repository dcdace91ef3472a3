# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for backstopctl and backstopd: verbs and options are those that the programs name
# themselves.

_backstopctl_options() {
    "$1" ${2:+"$2"} --help 2>/dev/null | grep -oE -- '(^|[ ,])--[a-z-]+' | tr -d ' ,' | sort -u
}

_backstopctl() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local verb='' words='' i
    local verbs
    verbs=$("$program" --help 2>/dev/null | sed -n '/^Options/q; s/^  \([a-z][a-z-]*\) .*/\1/p')
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ " ${verbs//$'\n'/ } " == *" ${COMP_WORDS[i]} "* ]]; then
            verb=${COMP_WORDS[i]}
            break
        fi
    done
    case $before in
    -o | --output) words='table json' ;;
    --side) words='long short' ;;
    *)
        if [[ $current == -* ]]; then
            words=$(_backstopctl_options "$program" "$verb")
        elif [[ -z $verb ]]; then
            words=$verbs
        elif [[ $verb == clock ]]; then
            words=adopt
        elif [[ $verb == post ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _backstopctl backstopctl

_backstopd() {
    local program=${COMP_WORDS[0]} current=${COMP_WORDS[COMP_CWORD]} words='log' i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == log ]]; then
            words=$("$program" --help 2>/dev/null | sed -n 's/^  backstopd log \([a-z]*\) .*/\1/p')
            [[ ${COMP_WORDS[i + 1]} == diff && $COMP_CWORD -gt $((i + 1)) ]] && words=''
        fi
    done
    if [[ $current == -* ]]; then
        words=$(_backstopctl_options "$program" '')
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    if [[ ${#COMPREPLY[@]} -eq 0 ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
}

complete -F _backstopd backstopd
