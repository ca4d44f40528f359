//! The arguments of commands that submit codes.

use clap::Args;

use super::values::{descriptor, seconds};

/// Arguments of `verify`.
#[derive(Args, Debug)]
#[command(
    after_help = "Without an option for the access token or the session, oathbridgectl asks for the access token on the\nterminal. Neither can be an argument, because other programs can read arguments."
)]
pub struct VerifyArguments {
    /// The credential, as for code; the default is the credential of the profile.
    pub query: Option<String>,
    /// Search only the token with this id, serial number or end of its serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Use this profile of the configuration.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Ask Amazon Cognito in this region, for example eu-central-1.
    #[arg(long)]
    pub region: Option<String>,
    /// The name of the token in Amazon Cognito; the default is its model and the end of its serial number.
    #[arg(long, value_name = "NAME")]
    pub friendly_device_name: Option<String>,
    /// The source of the access token or the session.
    #[command(flatten)]
    pub authorization: AuthorizationArguments,
    /// Also print the session that Amazon Cognito returned, on a second line.
    #[arg(long)]
    pub print_session: bool,
    /// How long to wait, for example for a touch or the next time step.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    pub timeout: u32,
}

/// The source of the access token or the session.
#[derive(Args, Debug)]
#[group(id = "authorization", multiple = false)]
pub struct AuthorizationArguments {
    /// Read the access token from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor)]
    pub access_token_fd: Option<i32>,
    /// Read the access token from standard input.
    #[arg(long)]
    pub access_token_stdin: bool,
    /// Read the session of a sign-in from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor)]
    pub session_fd: Option<i32>,
    /// Read the session of a sign-in from standard input.
    #[arg(long)]
    pub session_stdin: bool,
}

/// Arguments of `challenge`.
#[derive(Args, Debug)]
#[command(
    after_help = "Reads the JSON that InitiateAuth returned (ChallengeName, Session, ChallengeParameters) and prints\nthe JSON that RespondToAuthChallenge returns, tokens included:\n  aws cognito-idp initiate-auth ... | oathbridgectl challenge --profile work"
)]
pub struct ChallengeArguments {
    /// The credential, as for code; the default is the credential that the profile or the challenge names.
    pub query: Option<String>,
    /// Search only the token with this id, serial number or end of its serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Use this profile of the configuration.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The app client; the default is that of the profile.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Ask Amazon Cognito in this region, for example eu-central-1.
    #[arg(long)]
    pub region: Option<String>,
    /// The user who signs in; a user name in the challenge has priority.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Read the secret of the app client, if it has one, from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor)]
    pub client_secret_fd: Option<i32>,
    /// The key of a remembered device.
    #[arg(long, value_name = "KEY")]
    pub device_key: Option<String>,
    /// Wait until the token is plugged in.
    #[arg(long)]
    pub wait_for_token: bool,
    /// How long to wait, for example for a touch or the next time step.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    pub timeout: u32,
}

/// Arguments of `sign-in`.
#[derive(Args, Debug)]
#[command(
    after_help = "Runs \"aws cognito-idp initiate-auth\" of the AWS CLI with USER_PASSWORD_AUTH and answers the challenge."
)]
pub struct SignInArguments {
    /// The credential, as for code; the default is the credential that the profile or the challenge names.
    pub query: Option<String>,
    /// Search only the token with this id, serial number or end of its serial number.
    #[arg(long, value_name = "ID_OR_SERIAL", requires = "query")]
    pub token: Option<String>,
    /// Use this profile of the configuration; it must have a client_id.
    #[arg(long, value_name = "NAME")]
    pub profile: String,
    /// The user who signs in; without it the command asks on the terminal.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// Read the password of the user from this descriptor.
    #[arg(long, value_name = "N", value_parser = descriptor, conflicts_with = "password_stdin")]
    pub password_fd: Option<i32>,
    /// Read the password of the user from standard input.
    #[arg(long)]
    pub password_stdin: bool,
    /// Read the secret of the app client, if it has one, from this descriptor; the default is that of the profile.
    #[arg(long, value_name = "N", value_parser = descriptor)]
    pub client_secret_fd: Option<i32>,
    /// Print credentials of this identity pool, in the form of credential_process, instead of tokens.
    #[arg(long, value_name = "ID")]
    pub identity_pool: Option<String>,
    /// Wait until the token is plugged in.
    #[arg(long)]
    pub wait_for_token: bool,
    /// How long to wait, for example for a touch or the next time step.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    pub timeout: u32,
}
