_oathbridged() {
    local cur="$2" prev="$3"
    case "$prev" in
        --config) COMPREPLY=( $(compgen -f -- "$cur") ) ;;
        --log-level) COMPREPLY=( $(compgen -W "error warn info debug trace" -- "$cur") ) ;;
        *) COMPREPLY=( $(compgen -W "--config --virtual-token --log-level --help --version" -- "$cur") ) ;;
    esac
}
complete -F _oathbridged oathbridged
