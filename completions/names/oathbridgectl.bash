
# The names of credentials, profiles, tokens and requests, from a daemon that runs. Nothing is started and nobody is asked.

# Sets `words` to the words of the line up to the cursor without their quotes, and `quote` to the quote that is open in
# the last one. COMP_WORDS is of no use for that, because a colon ends its words.
_oathbridgectl_words() {
    local line="${COMP_LINE:0:COMP_POINT}" letter word="" in_word="" i
    words=() quote=""
    for ((i = 0; i < ${#line}; i++)); do
        letter="${line:i:1}"
        if [[ -n "$quote" ]]; then
            if [[ "$letter" == "$quote" ]]; then
                quote=""
            elif [[ "$quote$letter" == '"\' ]]; then
                ((++i)); word+="${line:i:1}"
            else
                word+="$letter"
            fi
            continue
        fi
        case "$letter" in
            [\'\"]) quote="$letter" in_word=1 ;;
            \\) ((++i)); word+="${line:i:1}" in_word=1 ;;
            [[:space:]]) [[ -n "$in_word" ]] && words+=("$word"); word="" in_word="" ;;
            [\<\>\|\;\&]) return 1 ;;
            *) word+="$letter" in_word=1 ;;
        esac
    done
    words+=("$word")
}

# Prints the kind of names that may stand at the cursor.
_oathbridgectl_kind() {
    local word last="${#words[@]}" command="" expects=""
    for word in "${words[@]:1:last-2}"; do
        if [[ -n "$expects" ]]; then
            expects=""
            continue
        fi
        case "$word" in
            --profile|--token) expects="${word#--}s" ;;
            --*-fd|--timeout|--min-validity|--region|--username|--client-id|--device-key|--friendly-device-name|\
            --identity-pool|--user-pool-id|--endpoint-url|--issuer|--account|--format) expects=other ;;
            -*) ;;
            *) [[ -z "$command" || "$command" =~ ^(guard|profile)$ ]] && command="$word" ;;
        esac
    done
    case "${expects:-$command}" in
        profiles|tokens) printf '%s' "$expects" ;;
        code|verify|challenge|sign-in|forget) printf credentials ;;
        test) printf profiles ;;
        unlock|lock) printf tokens ;;
        cancel) printf requests ;;
    esac
}

_oathbridgectl_names() {
    local words quote kind name cur before
    # After a redirection bash completes files.
    _oathbridgectl_words || { COMPREPLY=(); return 0; }
    cur="${words[-1]}"
    kind="$(_oathbridgectl_kind)"
    [[ -n "$kind" && "$cur" != -* ]] || return 1
    # A colon ends a word of readline outside of quotes, and only the rest of the word is replaced.
    before=""
    [[ -z "$quote" && "$cur" == *:* ]] && before="${cur%"${cur##*:}"}"
    COMPREPLY=()
    while IFS= read -r name; do
        [[ "$name" == "$cur"* ]] || continue
        name="${name#"$before"}"
        # readline ends an open quote by itself.
        [[ -n "$quote" ]] || name="$(_oathbridgectl_quoted "$name")"
        COMPREPLY+=("$name")
    done < <(timeout 3 oathbridgectl complete "$kind" 2>/dev/null)
    return 0
}

# A name with a backslash before each character that the shell would take for another one. `printf %q` changes letters
# that are not ASCII in the locale C.
_oathbridgectl_quoted() {
    local text="" letter i
    for ((i = 0; i < ${#1}; i++)); do
        letter="${1:i:1}"
        [[ "$letter" == [][[:space:]\\\'\"\`\$\&\|\;\(\)\<\>\*\?\{\}\!\#\~^=] ]] && text+="\\"
        text+="$letter"
    done
    printf '%s' "$text"
}

_oathbridgectl_with_names() {
    _oathbridgectl_names || _oathbridgectl "$@"
}

complete -F _oathbridgectl_with_names -o bashdefault -o default oathbridgectl
