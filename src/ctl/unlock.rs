//! `oathbridgectl unlock`.

use serde::Serialize;
use zbus::Fd;

use super::arguments::UnlockArguments;
use super::bus::Bus;
use super::secret_input::Source;
use super::{Failure, Output, query};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    token: &'tree str,
    /// False if the token was not locked.
    unlocked: bool,
}

pub(super) async fn run(arguments: &UnlockArguments, json: bool) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let token = query::token(&tree, arguments.token.as_deref())?;
    let label = tree.label(token);
    if !token.is_locked() {
        return if json {
            Output::json(&Json { token: &token.id, unlocked: false })
        } else {
            Ok(Output::text("").with_notes([format!("The token {label} is not locked.")]))
        };
    }
    let source = Source::given(arguments.password_stdin, arguments.password_fd).or_else(Source::terminal);
    let source = source.ok_or_else(|| {
        Failure::usage("There is no terminal to ask for the password; add --password-stdin or --password-fd.")
    })?;
    let password = source.read("password")?;
    bus.unlock(&token.path, Fd::from(&password)).await?;
    if json {
        return Output::json(&Json { token: &token.id, unlocked: true });
    }
    Ok(Output::text("")
        .with_notes([format!("The token {label} is unlocked until it is unplugged or locked.")]))
}
