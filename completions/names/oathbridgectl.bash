
# The names of credentials, profiles and tokens, from a daemon that runs. Nothing is started and nobody is asked.
_oathbridgectl_names() {
    local kind="" word cur
    case "${COMP_WORDS[COMP_CWORD-1]}" in
        --profile) kind=profiles ;;
        --token) kind=tokens ;;
        -*) return 1 ;;
        *)
            for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
                case "$word" in
                    code|verify|challenge|sign-in|forget) kind=credentials; break ;;
                    unlock|lock) kind=tokens; break ;;
                esac
            done
            ;;
    esac
    # A colon ends a word of bash, and names contain colons.
    cur="${COMP_LINE:0:COMP_POINT}"
    cur="${cur##*[[:space:]]}"
    [[ -n "$kind" && "$cur" != -* ]] || return 1
    local before="${cur%"${cur##*:}"}" name
    COMPREPLY=()
    while IFS= read -r name; do
        printf -v name %q "$name"
        [[ "$name" == "$cur"* ]] && COMPREPLY+=( "${name#"$before"}" )
    done < <(timeout 3 oathbridgectl complete "$kind" 2>/dev/null)
    return 0
}

_oathbridgectl_with_names() {
    _oathbridgectl_names || _oathbridgectl "$@"
}

complete -F _oathbridgectl_with_names oathbridgectl
