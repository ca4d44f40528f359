//! `oathbridgectl verify`.

use std::time::Duration;

use serde::Serialize;
use zbus::{Fd, ObjectPath, Variant};

use super::arguments::{AuthorizationArguments, VerifyArguments};
use super::bus::{Bus, Extra, Options};
use super::code::{touch, until_long_enough};
use super::secret_input::Source;
use super::tree::{Credential, Tree};
use super::wait::{Phase, announced};
use super::{Failure, Output, query};
use crate::clock::{Clock, SystemClock};
use crate::dbus::names;
use crate::guard::Guard;
use crate::otp::{Period, Step};
use crate::state_file;

/// The daemon submits no code that ends sooner, unless its configuration says otherwise.
const MIN_SECONDS_LEFT: u32 = 3;

/// What `--json` prints.
#[derive(Serialize)]
struct Json<'reply> {
    status: &'reply str,
    /// Null if Amazon Cognito gave none.
    session: Option<&'reply str>,
    attempts: Option<u32>,
    request_id: Option<String>,
    /// Amazon Cognito's clock minus ours, in seconds.
    clock_skew: Option<f64>,
    /// Null if the profile named it.
    credential: Option<&'reply Credential>,
}

pub(super) async fn run(arguments: &VerifyArguments, json: bool) -> Result<Output, Failure> {
    let (kind, source) = authorization(&arguments.authorization)?;
    let bus = Bus::connect().await?;
    let tree = bus.tree().await?;
    let named = named(&tree, arguments)?;
    let path = named.map_or("/", |credential| credential.path.as_str());
    let path = ObjectPath::try_from(path)
        .map_err(|error| Failure::failed("Naming the credential to the daemon", error))?;

    let secret = source.read(&kind.replace('-', " "))?;
    let mut options = options(arguments);
    options.insert(kind, Variant::Fd(Fd::from(&secret)));
    let timeout = Duration::from_secs(arguments.timeout.into());
    let call = bus.verify(&path, options, timeout);
    let phases = phases(&tree, named.or_else(|| of_profile(&tree, arguments)), timeout);
    let (status, session, extra) = announced(phases, call).await?;

    let session = Some(session.as_str()).filter(|session| !session.is_empty());
    if json {
        let reply = Reply(extra);
        return Output::json(&Json {
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
            "Amazon Cognito answered a session for the next step of the sign-in; use --print-session to see it."
                .to_owned(),
        ]),
        None => output,
    }
}

/// The option of the call, and where its value comes from.
fn authorization(arguments: &AuthorizationArguments) -> Result<(&'static str, Source), Failure> {
    let access_token = Source::given(arguments.access_token_stdin, arguments.access_token_fd);
    let session = Source::given(arguments.session_stdin, arguments.session_fd);
    match (access_token, session) {
        (None, Some(source)) => Ok(("session", source)),
        (given, _) => given.or_else(Source::person).map(|source| ("access-token", source)).ok_or_else(|| {
            Failure::usage(
                "Amazon Cognito wants an access token or a session; pass --access-token-stdin, --access-token-fd, --session-stdin or --session-fd.",
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
        (None, Some(_)) => Err(Failure::usage("--token narrows a search; say which credential to look for.")),
        (None, None) => Ok(None),
    }
}

fn of_profile<'tree>(tree: &'tree Tree, arguments: &VerifyArguments) -> Option<&'tree Credential> {
    let profile = tree.profiles.iter().find(|profile| Some(&profile.name) == arguments.profile.as_ref())?;
    tree.credentials.iter().find(|credential| credential.path == profile.credential)
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
    options
}

/// What the daemon will wait for, one after the other, as far as that can be known from here.
fn phases(tree: &Tree, credential: Option<&Credential>, timeout: Duration) -> Vec<Phase> {
    let step = credential
        .and_then(|credential| {
            until_unspent(credential).or_else(|| until_long_enough(credential, MIN_SECONDS_LEFT))
        })
        .filter(|wait| *wait < timeout)
        .map(|wait| Phase::new("Waiting for the next time step", wait));
    let touch = credential.and_then(|credential| touch(tree, credential, timeout));
    let answer = Phase::new("Waiting for the answer of Amazon Cognito", timeout);
    step.into_iter().chain(touch).chain([answer]).collect()
}

/// How long it is until a step opens that was not used yet; nothing if one is open, or if that can't be known.
fn until_unspent(credential: &Credential) -> Option<Duration> {
    let id = credential.path.strip_prefix(names::ROOT)?.strip_prefix("/credentials/")?;
    let period = Period::new(credential.period).ok()?;
    let now = SystemClock::new().unix_time();
    let step = Step::at(now, period);
    let earliest = Guard::open(state_file::directory()?).earliest(id, step).ok()?;
    (earliest > step).then(|| earliest.start(period).saturating_sub(now))
}

struct Reply(Extra);

impl Reply {
    fn get<T: TryFrom<zbus::OwnedVariant>>(&self, key: &str) -> Option<T> {
        T::try_from(self.0.get(key)?.try_clone().ok()?).ok()
    }
}
