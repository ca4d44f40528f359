//! What can be asked for on the command line.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use super::{Failure, exit};

/// Options that other programs have, and this one refuses: what they are, and what there is instead.
const REFUSED: [(&str, &str); 4] = [
    ("--access-token", "--access-token-stdin or --access-token-fd"),
    ("--session", "--session-stdin or --session-fd"),
    ("--password", "--password-stdin or --password-fd"),
    ("--client-secret", "--client-secret-fd"),
];

/// A longer word in a message of clap's may be a secret that went astray.
const LONGEST_WORD: usize = 64;

/// Codes of OATH tokens, and their proof to Amazon Cognito, through the daemon oathbridged.
#[derive(Debug, Parser)]
#[command(name = "oathbridgectl", version, after_help = exit::HELP, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    /// Print JSON, whose shape is described in oathbridgectl(1).
    #[arg(long, global = true)]
    pub json: bool,
    #[expect(missing_docs, reason = "clap would show them")]
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the tokens that are attached.
    Tokens,
    /// List the credentials on the attached tokens.
    List(ListArguments),
    /// Print the code of a credential.
    Code(CodeArguments),
    /// Prove a credential to Amazon Cognito, which turns it on for an account (VerifySoftwareToken).
    Verify(VerifyArguments),
    /// Answer the challenge of a sign-in, read as JSON from standard input.
    Challenge(ChallengeArguments),
    /// Print a line whenever it changes what a person has to do, for status bars.
    Watch(WatchArguments),
    /// Cancel a running request.
    Cancel(CancelArguments),
    /// Unlock a token with its password, for as long as it stays attached.
    Unlock(UnlockArguments),
    /// Show or forget which time steps were used.
    #[command(subcommand)]
    Guard(GuardCommand),
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Have the daemon read its configuration and all tokens again first.
    #[arg(long)]
    pub refresh: bool,
}

/// Arguments of `code`.
#[derive(Args, Debug)]
pub struct CodeArguments {
    /// Which credential: its id, issuer:account, account or issuer, or else a part of issuer:account.
    pub query: String,
    /// Look only on the token with this id or serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Print the code of the next time step as well, in a second line.
    #[arg(long)]
    pub next: bool,
    /// Wait for the next time step when the code would be valid for less time than this.
    #[arg(long, value_name = "SECONDS")]
    pub min_validity: Option<u32>,
    /// Record the time step as used, so that this code is handed out and submitted only once.
    #[arg(long)]
    pub claim: bool,
    /// Use up one value of a counter-based credential (HOTP), which has no code otherwise.
    #[arg(long)]
    pub advance_counter: bool,
    /// How long to wait, for a touch for example.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = value_parser!(u32).range(1..=900))]
    pub timeout: u32,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without an option that says where the access token or the session comes from, a person at a\nterminal is asked for the access token. Arguments are public, so neither can be one."
)]
pub struct VerifyArguments {
    /// Which credential, as for code; without it the one that the profile names.
    pub query: Option<String>,
    /// Look only on the token with this id or serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Use this profile of the configuration.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Ask Amazon Cognito in this region, for example eu-central-1.
    #[arg(long)]
    pub region: Option<String>,
    /// What Amazon Cognito shall call the token; its model and the end of its serial number otherwise.
    #[arg(long, value_name = "NAME")]
    pub friendly_device_name: Option<String>,
    /// Where the access token or the session comes from.
    #[command(flatten)]
    pub authorization: AuthorizationArguments,
    /// Print the session that Amazon Cognito answers, in a second line.
    #[arg(long)]
    pub print_session: bool,
    /// How long to wait, for a touch or the next time step for example.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = value_parser!(u32).range(1..=900))]
    pub timeout: u32,
}

/// Where the access token or the session comes from.
#[derive(Args, Debug)]
#[group(id = "authorization", multiple = false)]
pub struct AuthorizationArguments {
    /// Read the access token from this descriptor.
    #[arg(long, value_name = "N")]
    pub access_token_fd: Option<i32>,
    /// Read the access token from standard input.
    #[arg(long)]
    pub access_token_stdin: bool,
    /// Read the session of a sign-in from this descriptor.
    #[arg(long, value_name = "N")]
    pub session_fd: Option<i32>,
    /// Read the session of a sign-in from standard input.
    #[arg(long)]
    pub session_stdin: bool,
}

/// Arguments of `challenge`.
#[derive(Args, Debug)]
#[command(
    after_help = "Reads what InitiateAuth answered (ChallengeName, Session, ChallengeParameters) and prints what\nRespondToAuthChallenge answers, tokens included:\n  aws cognito-idp initiate-auth ... | oathbridgectl challenge --profile work"
)]
pub struct ChallengeArguments {
    /// Which credential, as for code; without it the one that the profile or the challenge names.
    pub query: Option<String>,
    /// Look only on the token with this id or serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Use this profile of the configuration.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The app client that signs in, unless the profile names it.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Ask Amazon Cognito in this region, for example eu-central-1.
    #[arg(long)]
    pub region: Option<String>,
    /// Who signs in, unless the challenge says that.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Read the secret of the app client from this descriptor, if it has one.
    #[arg(long, value_name = "N")]
    pub client_secret_fd: Option<i32>,
    /// The key of a remembered device.
    #[arg(long, value_name = "KEY")]
    pub device_key: Option<String>,
    /// Wait for a token that is not plugged in.
    #[arg(long)]
    pub wait_for_token: bool,
    /// How long to wait, for a touch or the next time step for example.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = value_parser!(u32).range(1..=900))]
    pub timeout: u32,
}

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub struct WatchArguments {
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Format::Plain)]
    pub format: Format,
}

/// How `watch` prints.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// A sentence a line.
    Plain,
    /// JSON for a custom module of Waybar, an object a line.
    Waybar,
}

/// Arguments of `cancel`.
#[derive(Args, Debug)]
pub struct CancelArguments {
    /// The request's object path or handle; without it the only one that runs.
    pub operation: Option<String>,
    /// Cancel all of them.
    #[arg(long, conflicts_with = "operation")]
    pub all: bool,
}

/// Arguments of `unlock`.
#[derive(Args, Debug)]
pub struct UnlockArguments {
    /// The token's id or serial number; without it the only one that is locked.
    pub token: Option<String>,
    /// Read the password from this descriptor.
    #[arg(long, value_name = "N", conflicts_with = "password_stdin")]
    pub password_fd: Option<i32>,
    /// Read the password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// What can be done with the single-use record.
#[derive(Debug, Subcommand)]
pub enum GuardCommand {
    /// Show the time steps whose codes were submitted, or are about to be.
    Show,
    /// Forget the time steps of a credential. Its codes of this moment can then be submitted a second time, which
    /// Amazon Cognito refuses, and which locks the account when it happens often.
    Forget(ForgetArguments),
}

/// Arguments of `guard forget`.
#[derive(Args, Debug)]
pub struct ForgetArguments {
    /// The credential's id as guard show prints it, or its name as for code.
    pub credential: String,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
}

/// What became of the command line.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Something to do.
    Arguments(Arguments),
    /// Help or the version, for standard output.
    Answer(String),
    /// What is wrong, for standard error.
    Refusal(String),
}

/// Reads the command line, the program's name included.
pub(super) fn parse(arguments: Vec<OsString>) -> Parsed {
    if let Some(failure) = secret_option(&arguments) {
        return Parsed::Refusal(format!("{}\n", failure.text()));
    }
    match Arguments::try_parse_from(arguments) {
        Ok(arguments) => Parsed::Arguments(arguments),
        Err(error) if error.use_stderr() => Parsed::Refusal(refusal(&error)),
        Err(error) => Parsed::Answer(error.render().to_string()),
    }
}

fn secret_option(arguments: &[OsString]) -> Option<Failure> {
    let is = |argument: &OsString, name: &str| {
        let rest = argument.to_str().and_then(|argument| argument.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let (name, instead) =
        REFUSED.iter().find(|(name, _)| arguments.iter().any(|argument| is(argument, name)))?;
    Some(Failure::usage(format!(
        "There is no option {name}, since every program of this user can read the arguments of the others; use {instead}."
    )))
}

/// Clap's message, without what may be a secret that went astray.
fn refusal(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").map_or(text.clone(), |rest| format!("oathbridgectl: {rest}"));
    let word =
        |word: &str| if word.chars().count() > LONGEST_WORD { "…".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        match parse(arguments.iter().map(OsString::from).collect()) {
            Parsed::Refusal(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn secrets_as_arguments_are_refused_with_the_reason_and_not_repeated() {
        let secret = "s3cret".repeat(20);
        let attached = format!("--access-token={secret}");
        for arguments in [
            &["oathbridgectl", "verify", "--access-token", &secret][..],
            &["oathbridgectl", "verify", &attached],
            &["oathbridgectl", "unlock", "--password", &secret],
            &["oathbridgectl", "verify", "--session", &secret],
            &["oathbridgectl", "verify", "a", &secret],
            &["oathbridgectl", "unlock", "--password-fd", &secret],
        ] {
            let text = refusal(arguments);
            assert!(!text.contains("s3crets3cret"), "{text}");
        }
        assert!(refusal(&["oathbridgectl", "verify", &attached]).contains("--access-token-stdin"));
    }

    #[test]
    fn only_one_way_in_for_a_secret() {
        for arguments in [
            &["oathbridgectl", "verify", "--access-token-stdin", "--session-stdin"][..],
            &["oathbridgectl", "verify", "--access-token-fd", "3", "--session-fd", "4"],
            &["oathbridgectl", "unlock", "--password-fd", "3", "--password-stdin"],
            &["oathbridgectl", "code", "a", "--timeout", "0"],
            &["oathbridgectl", "code", "a", "--timeout", "901"],
        ] {
            assert!(refusal(arguments).contains("--help"), "{arguments:?}");
        }
    }
}
