//! The first thing that every method does: who calls, may they, how often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zbus::message::Header;

use super::callers::Departure;
use super::options::Map;
use super::{Bridge, Error, call::put_text, variant};
use crate::access::{Caller, Decision, Permission, Ticket, What, decide};
use crate::operations::{Cancellation, Requester};

/// What a method wants of those who call it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    /// What its callers have to be allowed to do.
    permission: Option<Permission>,
    what: What,
    /// It is open while the screen is locked, and while the computer falls asleep.
    while_locked: bool,
}

impl Door {
    /// Getting a code.
    pub(super) const READ_CODE: Self =
        Self { permission: Some(Permission::ReadCode), what: What::Code, while_locked: false };
    /// Having a code submitted.
    pub(super) const SUBMIT: Self =
        Self { permission: Some(Permission::Submit), what: What::Submission, while_locked: false };
    /// Unlocking a token.
    pub(super) const UNLOCK: Self =
        Self { permission: Some(Permission::Manage), what: What::Unlock, while_locked: false };
    /// Locking tokens, cancelling what somebody else asked for: open to the last.
    pub(super) const SECURE: Self =
        Self { permission: Some(Permission::Manage), what: What::Secure, while_locked: true };
    /// Reloading.
    pub(super) const RELOAD: Self =
        Self { permission: Some(Permission::Manage), what: What::Reload, while_locked: true };
    /// Looking.
    pub(super) const LOOK: Self = Self { permission: None, what: What::Query, while_locked: true };
}

/// A caller who may call, until this is dropped.
#[derive(Debug)]
pub(super) struct Entry<'call> {
    pub(super) header: &'call Header<'call>,
    pub(super) caller: String,
    pub(super) requester: Requester,
    /// What it is called for the limits.
    program: String,
    /// When the call came in, by monotonic time: its caller's patience runs from there.
    pub(super) arrived: Duration,
    door: Door,
    /// It counts against the rates.
    counted: AtomicBool,
    departure: Departure,
    _ticket: Ticket,
}

impl Bridge {
    /// Lets a caller in.
    pub(super) async fn enter<'call>(
        &self,
        header: &'call Header<'call>,
        door: Door,
    ) -> Result<Entry<'call>, Error> {
        let caller = header.sender().map_or_else(String::new, ToString::to_string);
        let departure = self.present.arrive(&caller);
        let arrived = self.flows.clock().monotonic();
        let config = self.config();
        let mut ticket = self.limits.admit(&caller, door.what)?;
        let who = self.identify(&caller).await;
        let identity = who.identity();
        let requester = Requester { kind: identity.kind.word().to_owned(), name: identity.name };
        let denied = match door.permission {
            Some(permission) => {
                let Decision { allowed, reason } = decide(&config.config.access, &who, permission);
                (!allowed).then(|| Error::denied(&requester, permission, reason))
            }
            None => (!who.is_ours).then(Error::other_user),
        };
        if let Some(error) = denied {
            let member = header.member().map_or("", |member| member.as_str());
            if self.limits.deny(&caller) {
                tracing::info!(caller, requester = %show(&requester), outcome = error.full_name(), "{member}");
            }
            return Err(error);
        }
        match self.keeps_out(door) {
            Some(Cancellation::ScreenLocked) => return Err(Error::screen_locked()),
            Some(why) => return Err(why.into()),
            None => {}
        }
        // What a sandbox does is not held against what its terminal does.
        let is_sandboxed = who.facts.as_ref().is_some_and(|facts| facts.is_sandboxed);
        let program = format!("{}{}", if is_sandboxed { "sandboxed " } else { "" }, show(&requester));
        ticket.enter(Some(&program))?;
        let counted = AtomicBool::new(false);
        Ok(Entry { header, caller, requester, program, arrived, door, counted, departure, _ticket: ticket })
    }

    /// Why nobody comes in here now: from the warning before suspend on, which is seconds before the computer stands
    /// still, or while the screen is locked.
    fn keeps_out(&self, door: Door) -> Option<Cancellation> {
        if door.while_locked {
            return None;
        }
        if *self.asleep.borrow() {
            return Some(Cancellation::Suspend);
        }
        let locked = *self.screen_locked.borrow() && !self.config().config.access.while_locked;
        locked.then_some(Cancellation::ScreenLocked)
    }

    /// What happened after the caller came in, and would have cancelled the operation had it begun before.
    pub(super) fn came_too_late(&self, entry: &Entry<'_>) -> Option<Cancellation> {
        let gone = entry.departure.has_happened().then_some(Cancellation::CallerGone);
        gone.or_else(|| self.keeps_out(entry.door))
    }

    /// Counts a request against the rates, once: when its arguments make sense, or when one of them is to be read from
    /// a descriptor.
    pub(super) fn spend(&self, entry: &Entry<'_>) -> Result<(), Error> {
        if entry.counted.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Ok(self.limits.spend(&entry.program, entry.door.what)?)
    }

    /// What the daemon knows of a caller, and what it may do.
    pub(super) async fn caller_info(&self, unique_name: &str) -> Map {
        let who = self.identify(unique_name).await;
        let identity = who.identity();
        let mut map = Map::from([
            ("unique-name".to_owned(), variant(unique_name)),
            ("kind".to_owned(), variant(identity.kind.word())),
            ("name".to_owned(), variant(&identity.name)),
        ]);
        if let Some(facts) = &who.facts {
            put_text(&mut map, "flatpak", facts.flatpak.as_deref());
            put_text(&mut map, "unit", facts.unit.as_deref());
            put_text(&mut map, "executable", facts.executable.as_deref());
            map.insert("sandboxed".to_owned(), facts.is_sandboxed.into());
        }
        for permission in Permission::ALL {
            let Decision { allowed, reason } = decide(&self.config().config.access, &who, permission);
            put_text(&mut map, &permission.to_string(), Some(if allowed { "allow" } else { "deny" }));
            put_text(&mut map, &format!("{permission}-reason"), Some(&reason.to_string()));
        }
        map
    }

    async fn identify(&self, unique_name: &str) -> std::sync::Arc<Caller> {
        match self.connection.get() {
            Some(connection) => self.callers.identify(connection, unique_name).await,
            // Nobody can call before there is a connection.
            None => std::sync::Arc::new(Caller { is_ours: false, facts: None }),
        }
    }
}

/// A requester on one line, for the journal.
pub(super) fn show(requester: &Requester) -> String {
    format!("{}:{}", requester.kind, requester.name)
}
