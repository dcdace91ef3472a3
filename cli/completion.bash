# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Completion for backstopctl: verbs and options are those that the program names itself.

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
        elif [[ $verb == post ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _backstopctl backstopctl
