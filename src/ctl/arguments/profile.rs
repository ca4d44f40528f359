//! The arguments of `profile`.

use clap::{Args, Subcommand};

/// The subcommands of `profile`.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List the profiles of the configuration.
    List,
    /// Add a profile to your configuration; asks for its values unless options give them.
    Add(AddArguments),
    /// Check that a profile is valid, that one credential fits, and that the endpoint's name has an address.
    Test(TestArguments),
}

/// Arguments of `profile add`.
#[derive(Args, Debug)]
pub struct AddArguments {
    /// The name of the new profile.
    pub name: String,
    /// The user pool, for example eu-central-1_AbCdEfGhI.
    #[arg(long, value_name = "ID")]
    pub user_pool_id: Option<String>,
    /// The region; the default is that of the user pool.
    #[arg(long)]
    pub region: Option<String>,
    /// The app client, for the sign-in.
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The endpoint in place of that of the region.
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The exact issuer of the credential.
    #[arg(long, value_name = "NAME")]
    pub issuer: Option<String>,
    /// The exact account of the credential.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}

/// Arguments of `profile test`.
#[derive(Args, Debug)]
pub struct TestArguments {
    /// The name of the profile.
    pub name: String,
}
