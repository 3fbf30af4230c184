# bash completion for davit
#
# Commands and flags come from davit's own help, so that they are always those of the installed version; names of containers
# and images come from the daemon.

_davit_help() {
    davit "$@" --help 2>/dev/null
}

_davit_commands() {
    _davit_help "$@" | awk '/^[A-Z][A-Za-z ]*Commands:$|^Commands:$/ {on = 1; next} /^$/ {on = 0} on && /^  [a-z]/ {print $1}'
}

_davit_flags() {
    _davit_help "$@" | awk '/^ +(-[A-Za-z], )?--/ {for (i = 1; i <= 2; i++) if ($i ~ /^-/) {sub(/,$/, "", $i); print $i}}'
}

_davit_takes_value() {  # FLAG WORDS…: true if FLAG of that command needs a value
    local flag=$1
    shift
    _davit_help "$@" | awk -v flag="$flag" '
        /^ +(-[A-Za-z], )?--/ {
            type = $0; sub(/^ +(-[A-Za-z], )?--[a-z0-9-]+ ?/, "", type)
            long = $1 ~ /^--/ ? $1 : $2; short = $1 ~ /^--/ ? "" : substr($1, 1, 2)
            if ((flag == long || flag == short) && type ~ /^[a-z0-9-]+  /) found = 1
        }
        END {exit !found}'
}

_davit() {
    local cur prev words cword
    _init_completion -n =: || return
    local globals=() command=() positional=0 i word
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $word == -* ]]; then
            if [[ $word != *=* ]] && _davit_takes_value "$word" "${command[@]}"; then
                ((${#command[@]} == 0)) && globals+=("$word" "${words[i + 1]}")
                ((i++))
                ((i == cword)) && { _filedir; return; }
            elif ((${#command[@]} == 0)); then
                globals+=("$word")
            fi
        elif ((${#command[@]} == 0)); then
            command=("$word")
        elif ((${#command[@]} == 1)) && [[ ${command[0]} =~ ^(container|image|context|plugin|system|help)$ ]]; then
            command+=("$word")
        else
            ((positional++))
        fi
    done

    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_davit_flags "${command[@]}")" -- "$cur"))
        return
    fi
    local verb=
    ((${#command[@]} > 0)) && verb=${command[-1]}
    case ${command[*]} in
        "" | container | image | context | plugin | system | help)
            [[ $verb == help ]] && command=()
            COMPREPLY=($(compgen -W "$(_davit_commands "${command[@]}")" -- "$cur"))
            return
            ;;
        "context "*)
            COMPREPLY=($(compgen -W "$(davit "${globals[@]}" context ls -q 2>/dev/null)" -- "$cur"))
            return
            ;;
    esac
    case $verb in
        run | create | rmi | history | save | tag | images)
            ((positional > 0)) && [[ $verb == run || $verb == create ]] && { _filedir; return; }
            COMPREPLY=($(compgen -W "$(davit "${globals[@]}" images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)" -- "$cur"))
            __ltrim_colon_completions "$cur"
            ;;
        exec | attach | stop | kill)
            ((positional > 0)) && [[ $verb == exec ]] && { _filedir; return; }
            COMPREPLY=($(compgen -W "$(davit "${globals[@]}" ps --format '{{.Names}}' 2>/dev/null)" -- "$cur"))
            ;;
        start | rm | logs | wait | inspect)
            local names
            names=$(davit "${globals[@]}" ps -a --format '{{.Names}}' 2>/dev/null)
            [[ ${command[0]} == image ]] && names=
            [[ $verb == inspect && ${command[0]} != container || ${command[0]} == image ]] &&
                names+=" $(davit "${globals[@]}" images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null)"
            COMPREPLY=($(compgen -W "$names" -- "$cur"))
            __ltrim_colon_completions "$cur"
            ;;
        *) _filedir ;;
    esac
}

complete -F _davit davit
