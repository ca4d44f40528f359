//! `oathbridgectl verify`.

use std::time::Duration;

use serde::Serialize;
use zbus::{Fd, ObjectPath, Variant};

use super::arguments::{AuthorizationArguments, VerifyArguments};
use super::asked::{Asked, Task};
use super::bus::Bus;
use super::follow::Follower;
use super::proxies::{Extra, Options};
use super::secret_input::{self, Source};
use super::style::Style;
use super::tree::{Credential, Tree};
use super::{Failure, Output, query};

/// The output of `--json`.
#[derive(Serialize)]
struct Json<'reply> {
    /// Null if the profile named the credential.
    name: Option<&'reply str>,
    status: &'reply str,
    /// Null if Amazon Cognito returned none.
    session: Option<&'reply str>,
    attempts: Option<u32>,
    request_id: Option<String>,
    /// Amazon Cognito's clock minus the clock of this computer, in seconds.
    clock_skew: Option<f64>,
    /// Null if the profile named it.
    credential: Option<&'reply Credential>,
}

pub(super) async fn run(arguments: &VerifyArguments, style: Style) -> Result<Output, Failure> {
    let (kind, source) = authorization(&arguments.authorization)?;
    check_output(arguments, style)?;
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let named = named(&tree, arguments)?;
    check(arguments, kind)?;
    let asked = Asked {
        task: Task::Submit,
        account: named.map(|credential| credential.account.clone()),
        profile: arguments.profile.clone(),
        profiles: tree.profiles.iter().map(|profile| profile.name.clone()).collect(),
        timeout: Some(arguments.timeout),
    };
    let path = named.map_or("/", |credential| credential.path.as_str());
    let path = ObjectPath::try_from(path)
        .map_err(|error| Failure::failed("Naming the credential to the daemon", error))?;

    let secret = source.read(&kind.replace('-', " "))?;
    let mut options = options(arguments);
    options.insert(kind, Variant::Fd(Fd::from(&secret)));
    let timeout = Duration::from_secs(arguments.timeout.into());
    let follower = Follower::new(&bus, &tree, named, timeout).await?.quietly(style.quiet);
    let (status, session, extra) = follower.during(&asked, bus.verify(&path, options, timeout)).await?;

    let session = Some(session.as_str()).filter(|session| !session.is_empty());
    if style.json {
        let reply = Reply(extra);
        return Output::json(&Json {
            name: named.map(|credential| credential.name.as_str()),
            status: &status,
            session,
            attempts: reply.get("attempts"),
            request_id: reply.get("request-id"),
            clock_skew: reply.get("clock-skew"),
            credential: named,
        });
    }
    Ok(text(&status, session, arguments.print_session))
}

fn text(status: &str, session: Option<&str>, print_session: bool) -> Output {
    let mut output = Output::text(format!("{status}\n"));
    match session {
        Some(session) if print_session => {
            output.text.push_str(session);
            output.text.push('\n');
            output
        }
        Some(_) => output.with_notes([
            "Amazon Cognito returned a session for the next step of the sign-in; add --print-session to print it."
                .to_owned(),
        ]),
        None => output,
    }
}

/// Refuses to lose the session, before a code is used up for it.
fn check_output(arguments: &VerifyArguments, style: Style) -> Result<(), Failure> {
    if arguments.print_session || style.json { secret_input::check_output("session") } else { Ok(()) }
}

/// The option of the D-Bus call, and the source of its value.
fn authorization(arguments: &AuthorizationArguments) -> Result<(&'static str, Source), Failure> {
    let access_token = Source::given(arguments.access_token_stdin, arguments.access_token_fd);
    let session = Source::given(arguments.session_stdin, arguments.session_fd);
    match (access_token, session) {
        (None, Some(source)) => Ok(("session", source)),
        (given, _) => given.or_else(Source::terminal).map(|source| ("access-token", source)).ok_or_else(|| {
            Failure::usage(
                "Amazon Cognito requires an access token or a session; add --access-token-stdin, --access-token-fd, --session-stdin or --session-fd.",
            )
        }),
    }
}

fn named<'tree>(
    tree: &'tree Tree,
    arguments: &VerifyArguments,
) -> Result<Option<&'tree Credential>, Failure> {
    match (&arguments.query, &arguments.token) {
        (Some(query), token) => query::credential(tree, query, token.as_deref()).map(Some),
        (None, Some(_)) => {
            Err(Failure::usage("--token needs a credential; name the credential to search for."))
        }
        (None, None) => Ok(None),
    }
}

/// Refuses what cannot succeed, before the user is asked for a secret.
fn check(arguments: &VerifyArguments, kind: &str) -> Result<(), Failure> {
    let has_profile = arguments.profile.is_some();
    match kind {
        _ if arguments.query.is_none() && !has_profile => Err(Failure::usage(
            "Name a credential (`oathbridgectl list` shows them) or a profile that has one.",
        )),
        "session" if !has_profile && arguments.region.is_none() => {
            Err(Failure::usage("Name the region: add --region REGION or --profile NAME."))
        }
        _ => Ok(()),
    }
}

fn options(arguments: &VerifyArguments) -> Options<'_> {
    let mut options = Options::from([("timeout", Variant::from(arguments.timeout))]);
    let texts = [
        ("profile", &arguments.profile),
        ("region", &arguments.region),
        ("friendly-device-name", &arguments.friendly_device_name),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            options.insert(key, text.as_str().into());
        }
    }
    Follower::add_handle(&mut options);
    options
}

struct Reply(Extra);

impl Reply {
    fn get<T: TryFrom<zbus::OwnedVariant>>(&self, key: &str) -> Option<T> {
        T::try_from(self.0.get(key)?.try_clone().ok()?).ok()
    }
}
