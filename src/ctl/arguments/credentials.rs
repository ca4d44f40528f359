//! Arguments of `list` and `code`.

use clap::Args;

use super::values::{any_seconds, seconds};

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// First make the daemon reload its configuration and read all tokens again.
    #[arg(long)]
    pub refresh: bool,
    /// Also list the credentials whose issuer is _hidden.
    #[arg(long, short = 'H')]
    pub show_hidden: bool,
}

/// Arguments of `code`.
#[derive(Args, Debug)]
pub struct CodeArguments {
    /// The credential: its id, issuer:account, account or issuer, or else a part of issuer:account. Without it, every code
    /// is printed that needs neither a touch nor a counter.
    pub query: Option<String>,
    /// Search only the token with this id, serial number or end of its serial number.
    #[arg(long, value_name = "ID_OR_SERIAL")]
    pub token: Option<String>,
    /// Also search, or print, the credentials whose issuer is _hidden.
    #[arg(long, short = 'H')]
    pub show_hidden: bool,
    /// Copy the code to the clipboard instead of printing it, until it runs out.
    #[arg(long, requires = "query", conflicts_with = "next")]
    pub copy: bool,
    /// Also print the code of the next time step, on a second line.
    #[arg(long, requires = "query")]
    pub next: bool,
    /// Wait for the next time step if the current code is valid for less time than this.
    #[arg(long, value_name = "SECONDS", value_parser = any_seconds, requires = "query")]
    pub min_validity: Option<u32>,
    /// Record the time step as used, so that no other program gets this code with --claim or submits it.
    #[arg(long, requires = "query")]
    pub claim: bool,
    /// Use up one code of a counter-based credential (HOTP); required for such a credential.
    #[arg(long, requires = "query")]
    pub advance_counter: bool,
    /// Set the token's own clock to the time of this computer, also back; only for tokens that have a clock.
    #[arg(long, requires = "query")]
    pub set_time: bool,
    /// How long to wait, for example for a touch.
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = seconds)]
    pub timeout: u32,
}
