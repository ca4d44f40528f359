_oathbridgectl() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="oathbridgectl"
                ;;
            oathbridgectl,accounts)
                cmd="oathbridgectl__subcmd__list"
                ;;
            oathbridgectl,add)
                cmd="oathbridgectl__subcmd__add"
                ;;
            oathbridgectl,cancel)
                cmd="oathbridgectl__subcmd__cancel"
                ;;
            oathbridgectl,challenge)
                cmd="oathbridgectl__subcmd__challenge"
                ;;
            oathbridgectl,code)
                cmd="oathbridgectl__subcmd__code"
                ;;
            oathbridgectl,complete)
                cmd="oathbridgectl__subcmd__complete"
                ;;
            oathbridgectl,config)
                cmd="oathbridgectl__subcmd__config"
                ;;
            oathbridgectl,guard)
                cmd="oathbridgectl__subcmd__guard"
                ;;
            oathbridgectl,help)
                cmd="oathbridgectl__subcmd__help"
                ;;
            oathbridgectl,list)
                cmd="oathbridgectl__subcmd__list"
                ;;
            oathbridgectl,lock)
                cmd="oathbridgectl__subcmd__lock"
                ;;
            oathbridgectl,ls)
                cmd="oathbridgectl__subcmd__list"
                ;;
            oathbridgectl,password)
                cmd="oathbridgectl__subcmd__password"
                ;;
            oathbridgectl,profile)
                cmd="oathbridgectl__subcmd__profile"
                ;;
            oathbridgectl,remove)
                cmd="oathbridgectl__subcmd__remove"
                ;;
            oathbridgectl,rename)
                cmd="oathbridgectl__subcmd__rename"
                ;;
            oathbridgectl,sign-in)
                cmd="oathbridgectl__subcmd__sign__subcmd__in"
                ;;
            oathbridgectl,status)
                cmd="oathbridgectl__subcmd__status"
                ;;
            oathbridgectl,tokens)
                cmd="oathbridgectl__subcmd__tokens"
                ;;
            oathbridgectl,unlock)
                cmd="oathbridgectl__subcmd__unlock"
                ;;
            oathbridgectl,verify)
                cmd="oathbridgectl__subcmd__verify"
                ;;
            oathbridgectl,watch)
                cmd="oathbridgectl__subcmd__watch"
                ;;
            oathbridgectl__subcmd__config,check)
                cmd="oathbridgectl__subcmd__config__subcmd__check"
                ;;
            oathbridgectl__subcmd__config,help)
                cmd="oathbridgectl__subcmd__config__subcmd__help"
                ;;
            oathbridgectl__subcmd__config,show)
                cmd="oathbridgectl__subcmd__config__subcmd__show"
                ;;
            oathbridgectl__subcmd__config__subcmd__help,check)
                cmd="oathbridgectl__subcmd__config__subcmd__help__subcmd__check"
                ;;
            oathbridgectl__subcmd__config__subcmd__help,help)
                cmd="oathbridgectl__subcmd__config__subcmd__help__subcmd__help"
                ;;
            oathbridgectl__subcmd__config__subcmd__help,show)
                cmd="oathbridgectl__subcmd__config__subcmd__help__subcmd__show"
                ;;
            oathbridgectl__subcmd__guard,forget)
                cmd="oathbridgectl__subcmd__guard__subcmd__forget"
                ;;
            oathbridgectl__subcmd__guard,help)
                cmd="oathbridgectl__subcmd__guard__subcmd__help"
                ;;
            oathbridgectl__subcmd__guard,show)
                cmd="oathbridgectl__subcmd__guard__subcmd__show"
                ;;
            oathbridgectl__subcmd__guard__subcmd__help,forget)
                cmd="oathbridgectl__subcmd__guard__subcmd__help__subcmd__forget"
                ;;
            oathbridgectl__subcmd__guard__subcmd__help,help)
                cmd="oathbridgectl__subcmd__guard__subcmd__help__subcmd__help"
                ;;
            oathbridgectl__subcmd__guard__subcmd__help,show)
                cmd="oathbridgectl__subcmd__guard__subcmd__help__subcmd__show"
                ;;
            oathbridgectl__subcmd__help,add)
                cmd="oathbridgectl__subcmd__help__subcmd__add"
                ;;
            oathbridgectl__subcmd__help,cancel)
                cmd="oathbridgectl__subcmd__help__subcmd__cancel"
                ;;
            oathbridgectl__subcmd__help,challenge)
                cmd="oathbridgectl__subcmd__help__subcmd__challenge"
                ;;
            oathbridgectl__subcmd__help,code)
                cmd="oathbridgectl__subcmd__help__subcmd__code"
                ;;
            oathbridgectl__subcmd__help,complete)
                cmd="oathbridgectl__subcmd__help__subcmd__complete"
                ;;
            oathbridgectl__subcmd__help,config)
                cmd="oathbridgectl__subcmd__help__subcmd__config"
                ;;
            oathbridgectl__subcmd__help,guard)
                cmd="oathbridgectl__subcmd__help__subcmd__guard"
                ;;
            oathbridgectl__subcmd__help,help)
                cmd="oathbridgectl__subcmd__help__subcmd__help"
                ;;
            oathbridgectl__subcmd__help,list)
                cmd="oathbridgectl__subcmd__help__subcmd__list"
                ;;
            oathbridgectl__subcmd__help,lock)
                cmd="oathbridgectl__subcmd__help__subcmd__lock"
                ;;
            oathbridgectl__subcmd__help,password)
                cmd="oathbridgectl__subcmd__help__subcmd__password"
                ;;
            oathbridgectl__subcmd__help,profile)
                cmd="oathbridgectl__subcmd__help__subcmd__profile"
                ;;
            oathbridgectl__subcmd__help,remove)
                cmd="oathbridgectl__subcmd__help__subcmd__remove"
                ;;
            oathbridgectl__subcmd__help,rename)
                cmd="oathbridgectl__subcmd__help__subcmd__rename"
                ;;
            oathbridgectl__subcmd__help,sign-in)
                cmd="oathbridgectl__subcmd__help__subcmd__sign__subcmd__in"
                ;;
            oathbridgectl__subcmd__help,status)
                cmd="oathbridgectl__subcmd__help__subcmd__status"
                ;;
            oathbridgectl__subcmd__help,tokens)
                cmd="oathbridgectl__subcmd__help__subcmd__tokens"
                ;;
            oathbridgectl__subcmd__help,unlock)
                cmd="oathbridgectl__subcmd__help__subcmd__unlock"
                ;;
            oathbridgectl__subcmd__help,verify)
                cmd="oathbridgectl__subcmd__help__subcmd__verify"
                ;;
            oathbridgectl__subcmd__help,watch)
                cmd="oathbridgectl__subcmd__help__subcmd__watch"
                ;;
            oathbridgectl__subcmd__help__subcmd__config,check)
                cmd="oathbridgectl__subcmd__help__subcmd__config__subcmd__check"
                ;;
            oathbridgectl__subcmd__help__subcmd__config,show)
                cmd="oathbridgectl__subcmd__help__subcmd__config__subcmd__show"
                ;;
            oathbridgectl__subcmd__help__subcmd__guard,forget)
                cmd="oathbridgectl__subcmd__help__subcmd__guard__subcmd__forget"
                ;;
            oathbridgectl__subcmd__help__subcmd__guard,show)
                cmd="oathbridgectl__subcmd__help__subcmd__guard__subcmd__show"
                ;;
            oathbridgectl__subcmd__help__subcmd__profile,add)
                cmd="oathbridgectl__subcmd__help__subcmd__profile__subcmd__add"
                ;;
            oathbridgectl__subcmd__help__subcmd__profile,list)
                cmd="oathbridgectl__subcmd__help__subcmd__profile__subcmd__list"
                ;;
            oathbridgectl__subcmd__help__subcmd__profile,test)
                cmd="oathbridgectl__subcmd__help__subcmd__profile__subcmd__test"
                ;;
            oathbridgectl__subcmd__profile,add)
                cmd="oathbridgectl__subcmd__profile__subcmd__add"
                ;;
            oathbridgectl__subcmd__profile,help)
                cmd="oathbridgectl__subcmd__profile__subcmd__help"
                ;;
            oathbridgectl__subcmd__profile,list)
                cmd="oathbridgectl__subcmd__profile__subcmd__list"
                ;;
            oathbridgectl__subcmd__profile,test)
                cmd="oathbridgectl__subcmd__profile__subcmd__test"
                ;;
            oathbridgectl__subcmd__profile__subcmd__help,add)
                cmd="oathbridgectl__subcmd__profile__subcmd__help__subcmd__add"
                ;;
            oathbridgectl__subcmd__profile__subcmd__help,help)
                cmd="oathbridgectl__subcmd__profile__subcmd__help__subcmd__help"
                ;;
            oathbridgectl__subcmd__profile__subcmd__help,list)
                cmd="oathbridgectl__subcmd__profile__subcmd__help__subcmd__list"
                ;;
            oathbridgectl__subcmd__profile__subcmd__help,test)
                cmd="oathbridgectl__subcmd__profile__subcmd__help__subcmd__test"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        oathbridgectl)
            opts="-q -h -V --json --quiet --help --version tokens list ls accounts code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__add)
            opts="-q -h --token --account --issuer --type --algorithm --digits --period --counter --touch --secret-fd --secret-stdin --qr --qr-screen --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --account)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --issuer)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --type)
                    COMPREPLY=($(compgen -W "totp hotp steam" -- "${cur}"))
                    return 0
                    ;;
                --algorithm)
                    COMPREPLY=($(compgen -W "sha1 sha256 sha512" -- "${cur}"))
                    return 0
                    ;;
                --digits)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --period)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --counter)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --secret-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --qr)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__cancel)
            opts="-q -h --all --list --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__challenge)
            opts="-q -h --token --profile --client-id --region --username --client-secret-fd --device-key --wait-for-token --timeout --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --profile)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --client-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --region)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --username)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --client-secret-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --device-key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__code)
            opts="-H -q -h --token --show-hidden --copy --next --min-validity --claim --advance-counter --set-time --timeout --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --min-validity)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__complete)
            opts="-q -h --json --quiet --help credentials profiles tokens requests"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config)
            opts="-q -h --json --quiet --help check show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__check)
            opts="-q -h --config --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__help)
            opts="check show help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__help__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__config__subcmd__show)
            opts="-q -h --config --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard)
            opts="-q -h --json --quiet --help show forget help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__forget)
            opts="-q -h --yes --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__help)
            opts="show forget help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__help__subcmd__forget)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__help__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__guard__subcmd__show)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help)
            opts="tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__add)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__cancel)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__challenge)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__code)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__complete)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__config)
            opts="check show"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__config__subcmd__check)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__config__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__guard)
            opts="show forget"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__guard__subcmd__forget)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__guard__subcmd__show)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__lock)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__password)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__profile)
            opts="list add test"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__profile__subcmd__add)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__profile__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__profile__subcmd__test)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__remove)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__rename)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__sign__subcmd__in)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__status)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__tokens)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__unlock)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__verify)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__help__subcmd__watch)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__list)
            opts="-H -q -h --refresh --show-hidden --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__lock)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__password)
            opts="-y -q -h --clear --yes --password-fd --password-stdin --current-password-fd --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --password-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --current-password-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile)
            opts="-q -h --json --quiet --help list add test help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__add)
            opts="-q -h --user-pool-id --region --client-id --endpoint-url --issuer --account --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --user-pool-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --region)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --client-id)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --endpoint-url)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --issuer)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --account)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__help)
            opts="list add test help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__help__subcmd__add)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__help__subcmd__help)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__help__subcmd__list)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__help__subcmd__test)
            opts=""
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 4 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__list)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__profile__subcmd__test)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 3 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__remove)
            opts="-y -q -h --token --yes --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__rename)
            opts="-q -h --token --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__sign__subcmd__in)
            opts="-q -h --token --profile --username --password-fd --password-stdin --client-secret-fd --identity-pool --wait-for-token --timeout --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --profile)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --username)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --password-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --client-secret-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --identity-pool)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__status)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__tokens)
            opts="-q -h --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__unlock)
            opts="-q -h --remember --allow-last-attempts --password-fd --password-stdin --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --password-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__verify)
            opts="-q -h --token --profile --region --friendly-device-name --access-token-fd --access-token-stdin --session-fd --session-stdin --print-session --timeout --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --token)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --profile)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --region)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --friendly-device-name)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --access-token-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --session-fd)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --timeout)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
        oathbridgectl__subcmd__watch)
            opts="-q -h --format --json --quiet --help"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 2 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --format)
                    COMPREPLY=($(compgen -W "plain waybar json" -- "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _oathbridgectl -o nosort -o bashdefault -o default oathbridgectl
else
    complete -F _oathbridgectl -o bashdefault -o default oathbridgectl
fi

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
