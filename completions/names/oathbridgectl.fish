
# The names of credentials, profiles, tokens and requests, from a daemon that runs. Nothing is started and nobody is asked.
function __oathbridgectl_names
    timeout 3 oathbridgectl complete $argv 2>/dev/null
end
for command in code verify challenge sign-in
    complete -c oathbridgectl -n "__fish_seen_subcommand_from $command" -f -a "(__oathbridgectl_names credentials)"
end
complete -c oathbridgectl -n "__fish_seen_subcommand_from forget" -f -a "(__oathbridgectl_names credentials)"
complete -c oathbridgectl -n "__fish_seen_subcommand_from profile; and __fish_seen_subcommand_from test" -f -a "(__oathbridgectl_names profiles)"
complete -c oathbridgectl -n "__fish_seen_subcommand_from cancel" -f -a "(__oathbridgectl_names requests)"
complete -c oathbridgectl -n "__fish_seen_subcommand_from unlock lock" -f -a "(__oathbridgectl_names tokens)"
complete -c oathbridgectl -n "__fish_seen_subcommand_from verify challenge sign-in" -l profile -x -a "(__oathbridgectl_names profiles)"
complete -c oathbridgectl -n "__fish_seen_subcommand_from code verify challenge sign-in" -l token -x -a "(__oathbridgectl_names tokens)"
