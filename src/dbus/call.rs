//! The steps of every call: look up, admit, identify, decide; then operation, work, publish, audit, reply.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use zbus::Fd;
use zbus::message::Header;

use super::args::{Destination, Passed};
use super::bridge::Bridge;
use super::census::Counted;
use super::client::Client;
use super::descriptors::number_of;
use super::error::Error;
use super::methods::{self, Audience, MethodPolicy};
use super::names;
use super::required_touch::check_touch;
use crate::access::{CallClass, Caller, Charged, Decision, Permission, Permit, Subject, Verdict, decide};
use crate::config::Config;
use crate::flows::{self, Flows, Permits, Target};
use crate::logging::events;
use crate::operations::{Operation, Requester};
use crate::secret::SecretText;

/// An authorized call, until this is dropped.
#[derive(Debug)]
pub(super) struct Call<'call> {
    pub(super) bridge: &'call Arc<Bridge>,
    pub(super) header: &'call Header<'call>,
    pub(super) method: &'static MethodPolicy,
    pub(super) client: Arc<Client>,
    pub(super) requester: Requester,
    caller: Arc<Caller>,
    /// The name of the program for the limits.
    program: String,
    /// The arrival of the call, by monotonic time. The caller's timeout starts there.
    pub(super) arrived: Duration,
    /// Whether the call counts against the rates, and the share of them that a submission holds until this is dropped.
    charged: OnceLock<Option<Charged>>,
    _permit: Permit,
    _counted: Counted,
}

impl<'call> Call<'call> {
    /// Looks the method up, admits the call, identifies its caller, and decides.
    ///
    /// # Errors
    ///
    /// `Busy`, `AccessDenied`, `ScreenLocked`, `Cancelled` while the computer falls asleep, and `Config` while there was no
    /// valid configuration.
    pub(super) async fn authorize(
        bridge: &'call Arc<Bridge>,
        header: &'call Header<'call>,
    ) -> Result<Self, Error> {
        Self::authorize_on(bridge, header, None).await
    }

    /// The same for a method of an operation, whose requester has more permissions.
    pub(super) async fn authorize_on(
        bridge: &'call Arc<Bridge>,
        header: &'call Header<'call>,
        operation: Option<&Operation>,
    ) -> Result<Self, Error> {
        let method = methods::of(header).ok_or_else(Error::internal)?;
        let client = bridge.clients.client(header.sender().map_or("", |sender| sender.as_str()));
        let counted = client.count_call();
        let arrived = bridge.flows.clock().monotonic();
        let mut permit = bridge.clients.limits.admit(client.counts(), method.class)?;
        let who = bridge.identify(&client).await;
        // The configuration decides everything below.
        if who.is_ours && method.mends() {
            bridge.mend().await;
        }
        let identity = who.identity();
        let requester = Requester { kind: identity.kind.word().to_owned(), name: identity.name };
        let is_requester = operation.is_some_and(|operation| operation.request().caller == client.name());
        // Before the rules, which are the defaults while there was no valid configuration.
        if who.is_ours && !method.open_without_config {
            bridge.settings.refusal().map_or(Ok(()), Err)?;
        }
        may_call(bridge, header, method.audience, is_requester, &who, &requester)
            .inspect_err(|error| log_denial(bridge, &client, &requester, method, error))?;
        if let Some((_, error)) = bridge.blocked_by(method) {
            return Err(error);
        }
        let program = who.program();
        permit.admit_program(Some(&program))?;
        Ok(Self {
            bridge,
            header,
            method,
            client,
            requester,
            caller: who,
            program,
            arrived,
            charged: OnceLock::new(),
            _permit: permit,
            _counted: counted,
        })
    }

    /// The caller.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// The program of the caller, by the name that its limits have.
    pub(super) fn program(&self) -> &str {
        &self.program
    }

    /// Decides about what the arguments of a submission name, by the configuration that it is sent with. The result decides
    /// about a credential that turns out later, by the rules and the profiles of that time.
    ///
    /// # Errors
    ///
    /// `AccessDenied`.
    pub(super) fn permit(
        &self,
        config: &Config,
        credential: &Target,
        destination: Destination,
    ) -> Result<Permits, Error> {
        let forbidden = destination.forbidden_by(&config.cognito.allowed);
        let refused = forbidden.map_or(Ok(()), |what| Err(Error::forbidden_destination(what)));
        refused.inspect_err(|error| {
            log_denial(self.bridge, &self.client, &self.requester, self.method, error)
        })?;
        let (bridge, caller) = (Arc::clone(self.bridge), Arc::clone(&self.caller));
        let decide = move |credential: &Target, config: &Config| {
            decide(&config.access, &caller, Permission::Submit, &destination.subject(credential, config))
        };
        allowed(decide(credential, config), &self.requester, Permission::Submit).inspect_err(|error| {
            log_denial(self.bridge, &self.client, &self.requester, self.method, error)
        })?;
        Ok(Permits::new(move |found| {
            let config = &bridge.settings.now().config;
            match decide(&Target::Id(found.id.clone()), config).verdict {
                Verdict::Allow => check_touch(&config.access, found),
                Verdict::Deny => Err(flows::Error::Forbidden),
            }
        }))
    }

    /// Decides about the credential of a code by the policy in force once its token is there.
    pub(super) fn permit_code(&self) -> Permits {
        let bridge = Arc::clone(self.bridge);
        Permits::new(move |found| check_touch(&bridge.settings.now().config.access, found))
    }

    /// Checks whether a new credential may give codes with this requirement of a touch.
    ///
    /// # Errors
    ///
    /// `AccessDenied` if the administrator's policy requires a touch.
    pub(super) fn check_new_touch(&self, touch: bool) -> Result<(), Error> {
        let is_required = self.bridge.settings.now().config.access.policy.require_touch;
        if is_required && !touch { Err(Error::touch_required_by_policy()) } else { Ok(()) }
    }

    /// The flows for this caller.
    pub(super) fn flows(&self) -> Flows {
        self.bridge.flows.for_caller(self.client.calculations())
    }

    /// The secret, from the message or from a descriptor.
    pub(super) async fn secret(&self, passed: Passed) -> Result<SecretText, Error> {
        match passed {
            Passed::Text(text) => Ok(text),
            Passed::Descriptor(fd) => self.read(fd).await,
        }
    }

    /// Reads a secret as [`Readers::read`](super::args::Readers::read) does. The request counts against the rates from
    /// here on, even if the secret is invalid, because reading costs more than checking arguments. A submission counts later,
    /// just before its operation begins, so that an invalid secret does not use up the few submissions of a minute.
    pub(super) async fn read(&self, fd: Fd<'_>) -> Result<SecretText, Error> {
        if self.method.class != CallClass::Submission {
            self.charge()?;
        }
        let serial = self.header.primary().serial_num().get();
        let descriptor = number_of(&fd).and_then(|place| self.client.withdraw(serial, place));
        let descriptor = descriptor.ok_or_else(Error::descriptor_used_twice)?;
        self.bridge.clients.read(descriptor, &self.client, &self.program).await
    }

    /// Runs the work at once, and replies after the signals that it implies.
    pub(super) async fn perform<T, E: Into<Error>>(
        self,
        object: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        self.charge()?;
        self.conclude(work, || object.to_owned()).await
    }

    /// Counts the request against the rates, once: after its arguments were checked, or before one of them is read from a
    /// descriptor.
    pub(super) fn charge(&self) -> Result<(), Error> {
        if self.charged.get().is_some() {
            return Ok(());
        }
        let charged = self.bridge.clients.limits.charge(&self.program, self.method.class)?;
        let _ = self.charged.set(charged);
        Ok(())
    }

    /// Takes back the count of a submission that was refused before the token was asked for a code.
    pub(super) fn take_back(&self) {
        if let Some(Some(charged)) = self.charged.get() {
            charged.take_back();
        }
    }

    /// Counts a denial that turned out within the operation, whose line in the journal says so.
    pub(super) fn count_denial(&self) {
        self.bridge.clients.limits.deny(self.client.counts(), self.method.class);
    }

    /// Runs the work, waits until its signals are sent, and logs caller, object and outcome, but never a secret.
    pub(super) async fn conclude<T, E: Into<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
        object: impl FnOnce() -> String,
    ) -> Result<T, Error> {
        let result = work.await.map_err(Into::into);
        self.bridge.caught_up().await;
        if self.method.is_audited() {
            self.log(&object(), result.as_ref().err());
        }
        result
    }

    /// Logs an outcome. The name of an event is fixed where it is logged, so each has its own line here.
    fn log(&self, object: &str, error: Option<&Error>) {
        let outcome = error.map_or_else(|| "done".to_owned(), Error::full_name);
        let (caller, requester, member) = (self.client.name(), show(&self.requester), self.method.member);
        match (self.method.class, error) {
            (_, Some(error)) if error.is_denial() => {
                tracing::info!(name: events::CALL_DENIED, caller, requester, object, outcome, "{member}");
            }
            (CallClass::Submission, None) => {
                tracing::info!(name: events::SUBMISSION_DONE, caller, requester, object, outcome, "{member}");
            }
            (CallClass::Submission, Some(_)) => {
                tracing::info!(name: events::SUBMISSION_FAILED, caller, requester, object, outcome, "{member}");
            }
            _ => tracing::info!(caller, requester, object, outcome, "{member}"),
        }
    }
}

fn may_call(
    bridge: &Bridge,
    header: &Header<'_>,
    audience: Audience,
    is_requester: bool,
    who: &Caller,
    requester: &Requester,
) -> Result<(), Error> {
    let permission = match audience {
        Audience::Everyone if who.is_ours => return Ok(()),
        Audience::Everyone => return Err(Error::other_user()),
        Audience::Requester | Audience::RequesterOr(_) if is_requester => return Ok(()),
        Audience::Requester => return Err(Error::not_the_requester()),
        Audience::Permitted(permission) | Audience::RequesterOr(permission) => permission,
    };
    let subject = match permission {
        // Their arguments name it, and `Call::permit` decides then.
        Permission::Submit => Subject::open(),
        Permission::ReadCode => called_credential(header).map_or_else(Subject::none, Subject::credential),
        Permission::Manage => Subject::none(),
    };
    let decision = decide(&bridge.settings.now().config.access, who, permission, &subject);
    allowed(decision, requester, permission)
}

/// The id of the credential whose object is called.
fn called_credential(header: &Header<'_>) -> Option<String> {
    Some(names::credential_id(header.path()?)?.to_string())
}

fn allowed(decision: Decision, requester: &Requester, permission: Permission) -> Result<(), Error> {
    let Decision { verdict, reason } = decision;
    match verdict {
        Verdict::Allow => Ok(()),
        Verdict::Deny => Err(Error::denied(requester, permission, reason)),
    }
}

/// Logs a refusal, unless there are too many of this client.
fn log_denial(bridge: &Bridge, client: &Client, requester: &Requester, method: &MethodPolicy, error: &Error) {
    if bridge.clients.limits.deny(client.counts(), method.class) {
        let (caller, outcome) = (client.name(), error.full_name());
        let (requester, member) = (show(requester), method.member);
        tracing::info!(name: events::CALL_DENIED, caller, requester, outcome, "{member}");
    }
}

/// A requester on one line, for the journal.
fn show(requester: &Requester) -> String {
    format!("{}:{}", requester.kind, requester.name)
}
