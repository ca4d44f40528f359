//! The command line: subcommands, options and their help.

mod changes;
mod credentials;
mod profile;
mod submission;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use changes::{CodeKind, Hash, NewArguments, PasswordArguments, RemoveArguments, RenameArguments};
pub(super) use credentials::{CodeArguments, ListArguments};
pub(super) use profile::{AddArguments, ProfileCommand, TestArguments};
pub(super) use submission::{AuthorizationArguments, ChallengeArguments, SignInArguments, VerifyArguments};

use super::{Failure, exit};
use values::descriptor;

/// Options that other programs have and this one refuses, each with its replacement.
const REFUSED: [(&str, &str); 6] = [
    ("--access-token", "--access-token-stdin or --access-token-fd"),
    ("--session", "--session-stdin or --session-fd"),
    ("--password", "--password-stdin or --password-fd"),
    ("--client-secret", "--client-secret-fd"),
    ("--secret", "--secret-stdin or --secret-fd"),
    ("--seed", "--secret-stdin or --secret-fd"),
];

/// Characters of a word in a message of clap; a longer word may be a secret that was passed by mistake.
const MAX_WORD_CHARS: usize = 64;

/// Print codes of OATH tokens and submit them to Amazon Cognito, through the daemon oathbridged.
#[derive(Debug, Parser)]
#[command(name = "oathbridgectl", version, after_help = exit::HELP, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    /// Print JSON; oathbridgectl(1) describes its structure.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print nothing on standard error but failures: no waits, no notes.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[expect(missing_docs, reason = "clap would show them")]
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the attached tokens.
    Tokens,
    /// List the credentials on the attached tokens.
    #[command(visible_aliases = ["ls", "accounts"])]
    List(ListArguments),
    /// Print the code of a credential, or all codes that need no touch.
    Code(CodeArguments),
    /// Submit a code to Amazon Cognito, which enrols the credential for an account (VerifySoftwareToken).
    Verify(VerifyArguments),
    /// Answer the challenge of a sign-in, which is read as JSON from standard input.
    Challenge(ChallengeArguments),
    /// Sign in with a password and a code, and print the tokens; runs the AWS CLI.
    SignIn(SignInArguments),
    /// List, add or test the profiles of the configuration.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Print a line for a status bar whenever the action that you must take changes.
    Watch(WatchArguments),
    /// Cancel a running request.
    Cancel(CancelArguments),
    /// Write a new credential to a token, from an otpauth URI or a seed.
    Add(NewArguments),
    /// Give a credential another name.
    Rename(RenameArguments),
    /// Remove a credential from its token.
    Remove(RemoveArguments),
    /// Unlock a token with its password or PIN, for as long as it stays attached.
    Unlock(UnlockArguments),
    /// Set, change or clear the password of a token.
    Password(PasswordArguments),
    /// Make the daemon forget the passwords and PINs of all tokens, or of one.
    Lock(LockArguments),
    /// Show or delete the record of used time steps.
    #[command(subcommand)]
    Guard(GuardCommand),
    /// Check the configuration, or show where each key comes from.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show what works and what does not: daemon, tokens, configuration, state.
    Status,
    /// Print names, for the completions of shells.
    #[command(hide = true)]
    Complete(CompleteArguments),
}

/// Arguments of `watch`.
#[derive(Args, Debug)]
pub struct WatchArguments {
    /// The output format.
    #[arg(long, value_enum, default_value_t = Format::Plain)]
    pub format: Format,
}

/// Output format of `watch`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// One sentence per line.
    Plain,
    /// JSON for a custom module of Waybar, one object per line.
    Waybar,
    /// One JSON object per line; the same as --json.
    Json,
}

/// Arguments of `cancel`.
#[derive(Args, Debug)]
pub struct CancelArguments {
    /// The request's handle, as --list shows it; the default is the only running request.
    pub operation: Option<String>,
    /// Cancel all running requests.
    #[arg(long, conflicts_with = "operation")]
    pub all: bool,
    /// List the running requests, and cancel none.
    #[arg(long, conflicts_with_all = ["operation", "all"])]
    pub list: bool,
}

/// Arguments of `unlock`.
#[derive(Args, Debug)]
pub struct UnlockArguments {
    /// The token's id or serial number; the default is the only locked token.
    pub token: Option<String>,
    /// Store the key that is derived from the password in your keyring, which unlocks the token from then on.
    #[arg(long)]
    pub remember: bool,
    /// Try the PIN although the token blocks it after three more wrong attempts, or fewer.
    #[arg(long)]
    pub allow_last_attempts: bool,
    /// Read the password or PIN from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor, conflicts_with = "password_stdin")]
    pub password_fd: Option<i32>,
    /// Read the password or PIN from standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// Arguments of `complete`.
#[derive(Args, Debug)]
pub struct CompleteArguments {
    /// The kind of the names.
    pub names: Names,
}

/// The kinds of names that a shell completes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Names {
    /// The names of credentials.
    Credentials,
    /// The names of profiles.
    Profiles,
    /// The serial numbers of tokens, or their ids.
    Tokens,
    /// The handles of running requests.
    Requests,
}

/// Arguments of `lock`.
#[derive(Args, Debug)]
pub struct LockArguments {
    /// The token's id or serial number; the default is all tokens.
    pub token: Option<String>,
}

/// The subcommands of `guard`.
#[derive(Debug, Subcommand)]
pub enum GuardCommand {
    /// Show the time steps whose codes were submitted or are about to be submitted.
    Show,
    /// Delete the recorded time steps of a credential. Its current codes can then be submitted a second time. Amazon
    /// Cognito refuses that, and locks the account if it happens often.
    Forget(ForgetArguments),
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the errors of the configuration, and what may be an error.
    Check(FileArguments),
    /// Print each key of the configuration with its value and the file that it comes from.
    Show(FileArguments),
}

/// Arguments of the subcommands of `config`.
#[derive(Args, Debug)]
pub struct FileArguments {
    /// Read this file instead of those of the user and the system, as oathbridged --config does.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Arguments of `guard forget`.
#[derive(Args, Debug)]
pub struct ForgetArguments {
    /// The credential's id as printed by guard show, or its name as for code.
    pub credential: String,
    /// Do not ask for confirmation.
    #[arg(long)]
    pub yes: bool,
}

impl Command {
    /// The descriptors that the caller names by their numbers.
    pub(super) fn descriptors(&self) -> Vec<i32> {
        let named = match self {
            Self::Verify(arguments) => {
                let AuthorizationArguments { access_token_fd, session_fd, .. } = arguments.authorization;
                [access_token_fd, session_fd]
            }
            Self::Challenge(arguments) => [arguments.client_secret_fd, None],
            Self::SignIn(arguments) => [arguments.password_fd, arguments.client_secret_fd],
            Self::Unlock(arguments) => [arguments.password_fd, None],
            Self::Password(arguments) => [arguments.password_fd, arguments.current_password_fd],
            Self::Add(arguments) => [arguments.secret_fd, None],
            _ => [None, None],
        };
        named.into_iter().flatten().collect()
    }
}

/// The result of parsing the command line.
#[derive(Debug)]
pub(super) enum Parsed {
    /// A valid command.
    Arguments(Arguments),
    /// Help or the version, for standard output.
    Answer(String),
    /// The error, for standard error.
    Refusal(String),
}

/// Parses the command line; the first argument is the program's name.
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
        "There is no option {name}, because other programs of this user can read arguments; use {instead}."
    )))
}

/// The message of clap, without words that may be a secret passed by mistake.
fn refusal(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").map_or(text.clone(), |rest| format!("oathbridgectl: {rest}"));
    let word =
        |word: &str| if word.chars().count() > MAX_WORD_CHARS { "…".to_owned() } else { word.to_owned() };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
