# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_oathbridgectl_global_optspecs
    string join \n json q/quiet h/help V/version
end

function __fish_oathbridgectl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_oathbridgectl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_oathbridgectl_using_subcommand
    set -l cmd (__fish_oathbridgectl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -s V -l version -d 'Print version'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "tokens" -d 'List the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "list" -d 'List the credentials on the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "ls" -d 'List the credentials on the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "accounts" -d 'List the credentials on the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "code" -d 'Print the code of a credential, or all codes that need no touch'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "verify" -d 'Submit a code to Amazon Cognito, which enrols the credential for an account (VerifySoftwareToken)'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "challenge" -d 'Answer the challenge of a sign-in, which is read as JSON from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "sign-in" -d 'Sign in with a password and a code, and print the tokens; runs the AWS CLI'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "profile" -d 'List, add or test the profiles of the configuration'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "watch" -d 'Print a line for a status bar whenever the action that you must take changes'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "cancel" -d 'Cancel a running request'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "add" -d 'Write a new credential to a token, from an otpauth URI or a seed'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "rename" -d 'Give a credential another name'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "remove" -d 'Remove a credential from its token'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "unlock" -d 'Unlock a token with its password or PIN, for as long as it stays attached'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "password" -d 'Set, change or clear the password of a token'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "lock" -d 'Make the daemon forget the passwords and PINs of all tokens, or of one'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "guard" -d 'Show or delete the record of used time steps'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "config" -d 'Check the configuration, or show where each key comes from'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "status" -d 'Show what works and what does not: daemon, tokens, configuration, state'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "complete" -d 'Print names, for the completions of shells'
complete -c oathbridgectl -n "__fish_oathbridgectl_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand tokens" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand tokens" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand tokens" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand list" -l refresh -d 'First make the daemon reload its configuration and read all tokens again'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand list" -s H -l show-hidden -d 'Also list the credentials whose issuer is _hidden'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand list" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand list" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand list" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand ls" -l refresh -d 'First make the daemon reload its configuration and read all tokens again'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand ls" -s H -l show-hidden -d 'Also list the credentials whose issuer is _hidden'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand ls" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand ls" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand ls" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand accounts" -l refresh -d 'First make the daemon reload its configuration and read all tokens again'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand accounts" -s H -l show-hidden -d 'Also list the credentials whose issuer is _hidden'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand accounts" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand accounts" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand accounts" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l token -d 'Search only the token with this id, serial number or end of its serial number' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l min-validity -d 'Wait for the next time step if the current code is valid for less time than this' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l timeout -d 'How long to wait, for example for a touch' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -s H -l show-hidden -d 'Also search, or print, the credentials whose issuer is _hidden'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l copy -d 'Copy the code to the clipboard instead of printing it, until it runs out'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l next -d 'Also print the code of the next time step, on a second line'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l claim -d 'Record the time step as used, so that no other program gets this code with --claim or submits it'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l advance-counter -d 'Use up one code of a counter-based credential (HOTP); required for such a credential'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l set-time -d 'Set the token\'s own clock to the time of this computer, also back; only for tokens that have a clock'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand code" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l token -d 'Search only the token with this id, serial number or end of its serial number' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l profile -d 'Use this profile of the configuration' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l region -d 'Ask Amazon Cognito in this region, for example eu-central-1' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l friendly-device-name -d 'The name of the token in Amazon Cognito; the default is its model and the end of its serial number' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l access-token-fd -d 'Read the access token from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l session-fd -d 'Read the session of a sign-in from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l timeout -d 'How long to wait, for example for a touch or the next time step' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l access-token-stdin -d 'Read the access token from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l session-stdin -d 'Read the session of a sign-in from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l print-session -d 'Also print the session that Amazon Cognito returned, on a second line'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand verify" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l token -d 'Search only the token with this id, serial number or end of its serial number' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l profile -d 'Use this profile of the configuration' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l client-id -d 'The app client; the default is that of the profile' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l region -d 'Ask Amazon Cognito in this region, for example eu-central-1' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l username -d 'The user who signs in; a user name in the challenge has priority' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l client-secret-fd -d 'Read the secret of the app client, if it has one, from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l device-key -d 'The key of a remembered device' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l timeout -d 'How long to wait, for example for a touch or the next time step' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l wait-for-token -d 'Wait until the token is plugged in'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand challenge" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l token -d 'Search only the token with this id, serial number or end of its serial number' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l profile -d 'Use this profile of the configuration; it must have a client_id' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l username -d 'The user who signs in; without it the command asks on the terminal' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l password-fd -d 'Read the password of the user from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l client-secret-fd -d 'Read the secret of the app client, if it has one, from this descriptor; the default is that of the profile' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l identity-pool -d 'Print credentials of this identity pool, in the form of credential_process, instead of tokens' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l timeout -d 'How long to wait, for example for a touch or the next time step' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l password-stdin -d 'Read the password of the user from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l wait-for-token -d 'Wait until the token is plugged in'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand sign-in" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -f -a "list" -d 'List the profiles of the configuration'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -f -a "add" -d 'Add a profile to your configuration; asks for its values unless options give them'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -f -a "test" -d 'Check that a profile is valid, that one credential fits, and that the endpoint\'s name has an address'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and not __fish_seen_subcommand_from list add test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from list" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l user-pool-id -d 'The user pool, for example eu-central-1_AbCdEfGhI' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l region -d 'The region; the default is that of the user pool' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l client-id -d 'The app client, for the sign-in' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l endpoint-url -d 'The endpoint in place of that of the region' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l issuer -d 'The exact issuer of the credential' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l account -d 'The exact account of the credential' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from test" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from test" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the profiles of the configuration'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a profile to your configuration; asks for its values unless options give them'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "test" -d 'Check that a profile is valid, that one credential fits, and that the endpoint\'s name has an address'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand profile; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand watch" -l format -d 'The output format' -r -f -a "plain\t'One sentence per line'
waybar\t'JSON for a custom module of Waybar, one object per line'
json\t'One JSON object per line; the same as --json'"
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand watch" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand watch" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand cancel" -l all -d 'Cancel all running requests'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand cancel" -l list -d 'List the running requests, and cancel none'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand cancel" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand cancel" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand cancel" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l token -d 'The token\'s id or serial number; several of these options write the same seed to several tokens. The default is the only attached token' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l account -d 'The account; needed for a bare seed' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l issuer -d 'The issuer' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l type -d 'The kind of the codes; the default is totp' -r -f -a "totp\t'Codes of the time'
hotp\t'Codes of a counter'
steam\t'Codes of Steam, five letters'"
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l algorithm -d 'The hash algorithm; the default is sha1' -r -f -a "sha1\t'SHA-1, as Amazon Cognito has it'
sha256\t'SHA-256'
sha512\t'SHA-512'"
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l digits -d 'The length of the codes, 6 to 8; the default is 6' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l period -d 'The duration of a code in seconds; the default is 30' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l counter -d 'The first value of the counter of hotp; the default is 0' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l secret-fd -d 'Read the otpauth URI or the seed from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l qr -d 'Read the otpauth URI from the QR code in this PNG, JPEG or WebP file; - is standard input' -r -F
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l touch -d 'Make the token require a touch for each code'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l secret-stdin -d 'Read the otpauth URI or the seed from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l qr-screen -d 'Read the otpauth URI from the QR code on the screen'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand rename" -l token -d 'The token\'s id or serial number, if several have such a credential' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand rename" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand rename" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand rename" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand remove" -l token -d 'The token\'s id or serial number, if several have such a credential' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand remove" -s y -l yes -d 'Do not ask; the credential must then be named by its id, its whole name or its account'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand remove" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand remove" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand remove" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -l password-fd -d 'Read the password or PIN from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -l remember -d 'Store the key that is derived from the password in your keyring, which unlocks the token from then on'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -l allow-last-attempts -d 'Try the PIN although the token blocks it after three more wrong attempts, or fewer'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -l password-stdin -d 'Read the password or PIN from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand unlock" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -l password-fd -d 'Read the new password from this descriptor' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -l current-password-fd -d 'Read the current password from this descriptor; needed for a token that is locked, unless a terminal is there' -r
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -l clear -d 'Clear the password, so that the token has none'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -s y -l yes -d 'Do not ask before the password is cleared'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -l password-stdin -d 'Read the new password from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand password" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand lock" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand lock" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand lock" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -f -a "show" -d 'Show the time steps whose codes were submitted or are about to be submitted'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -f -a "forget" -d 'Delete the recorded time steps of a credential. Its current codes can then be submitted a second time. Amazon Cognito refuses that, and locks the account if it happens often'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and not __fish_seen_subcommand_from show forget help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from show" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from forget" -l yes -d 'Do not ask for confirmation'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from forget" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from forget" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show the time steps whose codes were submitted or are about to be submitted'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "forget" -d 'Delete the recorded time steps of a credential. Its current codes can then be submitted a second time. Amazon Cognito refuses that, and locks the account if it happens often'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand guard; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "check" -d 'Print the errors of the configuration, and what may be an error'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "show" -d 'Print each key of the configuration with its value and the file that it comes from'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and not __fish_seen_subcommand_from check show help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Read this file instead of those of the user and the system, as oathbridged --config does' -r -F
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Read this file instead of those of the user and the system, as oathbridged --config does' -r -F
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Print the errors of the configuration, and what may be an error'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print each key of the configuration with its value and the file that it comes from'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand status" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand status" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand status" -s h -l help -d 'Print help'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand complete" -l json -d 'Print JSON; oathbridgectl(1) describes its structure'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand complete" -s q -l quiet -d 'Print nothing on standard error but failures: no waits, no notes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand complete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "tokens" -d 'List the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "list" -d 'List the credentials on the attached tokens'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "code" -d 'Print the code of a credential, or all codes that need no touch'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "verify" -d 'Submit a code to Amazon Cognito, which enrols the credential for an account (VerifySoftwareToken)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "challenge" -d 'Answer the challenge of a sign-in, which is read as JSON from standard input'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "sign-in" -d 'Sign in with a password and a code, and print the tokens; runs the AWS CLI'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "profile" -d 'List, add or test the profiles of the configuration'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "watch" -d 'Print a line for a status bar whenever the action that you must take changes'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "cancel" -d 'Cancel a running request'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "add" -d 'Write a new credential to a token, from an otpauth URI or a seed'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "rename" -d 'Give a credential another name'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "remove" -d 'Remove a credential from its token'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "unlock" -d 'Unlock a token with its password or PIN, for as long as it stays attached'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "password" -d 'Set, change or clear the password of a token'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "lock" -d 'Make the daemon forget the passwords and PINs of all tokens, or of one'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "guard" -d 'Show or delete the record of used time steps'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "config" -d 'Check the configuration, or show where each key comes from'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "status" -d 'Show what works and what does not: daemon, tokens, configuration, state'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "complete" -d 'Print names, for the completions of shells'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and not __fish_seen_subcommand_from tokens list code verify challenge sign-in profile watch cancel add rename remove unlock password lock guard config status complete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "list" -d 'List the profiles of the configuration'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "add" -d 'Add a profile to your configuration; asks for its values unless options give them'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from profile" -f -a "test" -d 'Check that a profile is valid, that one credential fits, and that the endpoint\'s name has an address'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "show" -d 'Show the time steps whose codes were submitted or are about to be submitted'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from guard" -f -a "forget" -d 'Delete the recorded time steps of a credential. Its current codes can then be submitted a second time. Amazon Cognito refuses that, and locks the account if it happens often'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Print the errors of the configuration, and what may be an error'
complete -c oathbridgectl -n "__fish_oathbridgectl_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Print each key of the configuration with its value and the file that it comes from'

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
