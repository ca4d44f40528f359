//! `oathbridgectl unlock`.

use std::time::Duration;

use serde::Serialize;
use zbus::{Fd, Variant};

use super::arguments::UnlockArguments;
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::follow::Follower;
use super::proxies::Options;
use super::secret_input::Source;
use super::style::Style;
use super::{Failure, Output, problem, query};

/// How long to wait for the token, and for the touch that a PIN requires.
const TIMEOUT_SECONDS: u32 = 90;
const TIMEOUT: Duration = Duration::from_secs(TIMEOUT_SECONDS as u64);

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'tree> {
    name: &'tree str,
    token: &'tree str,
    /// False if the token was not locked.
    unlocked: bool,
}

pub(super) async fn run(arguments: &UnlockArguments, style: Style) -> Result<Output, Failure> {
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let token = query::token(&tree, arguments.token.as_deref())?;
    let label = tree.label(token);
    // The daemon decides about a token that another program holds, which may have let go of it.
    let is_held = token.state == "busy";
    if let Some(sentence) = problem::unusable_of(&tree, [token]).into_iter().next().filter(|_| !is_held) {
        return Err(Failure::new(problem::code(token), sentence));
    }
    if !token.is_locked() && !is_held && !arguments.remember {
        return if style.json {
            Output::json(&Json { name: &token.name, token: &token.id, unlocked: false })
        } else {
            Ok(Output::text("").with_notes([format!("The token {label} is not locked.")]))
        };
    }
    let source = Source::given(arguments.password_stdin, arguments.password_fd).or_else(Source::terminal);
    let name = if token.pin_set { "PIN" } else { "password" };
    let source = source.ok_or_else(|| {
        let sentence =
            format!("There is no terminal to ask for the {name}; add --password-stdin or --password-fd.");
        Failure::usage(sentence)
    })?;
    let secret = source.read(name)?;
    let follower = Follower::new(&bus, &tree, None, TIMEOUT).await?.quietly(style.quiet);
    let mut options = Options::from([("timeout", Variant::from(TIMEOUT_SECONDS))]);
    if arguments.allow_last_attempts {
        options.insert("allow-last-attempts", true.into());
    }
    if arguments.remember {
        options.insert("remember", true.into());
    }
    Follower::add_handle(&mut options);
    let asked = Asked { task: Task::Unlock, ..Asked::default() };
    follower.during(&asked, bus.unlock(&token.path, Fd::from(&secret), options, TIMEOUT)).await?;
    if style.json {
        return Output::json(&Json { name: &token.name, token: &token.id, unlocked: true });
    }
    let end = match arguments.remember {
        true => "is unlocked, and your keyring unlocks it from now on.",
        false => "is unlocked until it is unplugged or locked.",
    };
    Ok(Output::text("").with_notes([format!("The token {label} {end}")]))
}
