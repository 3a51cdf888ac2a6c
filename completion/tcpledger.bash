# bash completion for tcpledger-ingest and tcpledger-query.
#
# Nothing is listed here: commands and options are those that the programs' own --help names, the queries those of the database at hand.

# The words of the second and later arguments' help that are options.
_tcpledger_options() {
    "$@" --help 2>/dev/null | sed -n 's/^ *\(-[a-zA-Z], \)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p'
}

_tcpledger_files() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$1"))
}

_tcpledger_query() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]} i db= command=
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -*) ;;
        *) if [ -z "$db" ]; then db=${COMP_WORDS[i]}; elif [ -z "$command" ]; then command=${COMP_WORDS[i]}; fi ;;
        esac
    done
    COMPREPLY=()
    case $prev in
    --format) COMPREPLY=($(compgen -W "table csv json jsonl" -- "$cur")) && return ;;
    --dir) COMPREPLY=($(compgen -W "client server" -- "$cur")) && return ;;
    --gaps) COMPREPLY=($(compgen -W "zero skip" -- "$cur")) && return ;;
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")) && return ;;
    --by) COMPREPLY=($(compgen -W "capture host session second reason" -- "$cur")) && return ;;
    -o | --output) _tcpledger_files "$cur" && return ;;
    --*[a-z])
        # An option with a value that is the user's own: nothing to offer.
        "$program" $command --help 2>/dev/null | grep -qE -- "$prev [A-Z]" && return
        ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_tcpledger_options "$program" $command)" -- "$cur"))
    elif [ -z "$db" ]; then
        _tcpledger_files "$cur"
    elif [ -z "$command" ]; then
        COMPREPLY=($(compgen -W "$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z_-]*\) .*/\1/p')" -- "$cur"))
    elif [ "$command" = run ]; then
        COMPREPLY=($(compgen -W "$("$program" "$db" queries --format csv 2>/dev/null | sed -n '2,$s/,.*//p')" -- "$cur"))
    fi
}

_tcpledger_ingest() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    COMPREPLY=()
    case $prev in
    -i | --interface)
        COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur"))
        return
        ;;
    --vlan) COMPREPLY=($(compgen -W "key" -- "$cur")) && return ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_tcpledger_options "$program")" -- "$cur"))
    else
        _tcpledger_files "$cur"
    fi
}

complete -F _tcpledger_query tcpledger-query
complete -F _tcpledger_ingest tcpledger-ingest
