//! Users, their seeds, sessions and access tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use oathbridge::otp::{Algorithm, Code, Digits, Period, Step, truncate};

use super::log::Log;
use super::operations::Failure;
use super::plan::Plans;
use super::srp::Exchange;
use super::{Options, Ready, Reuse, texts};

/// The default of `AuthSessionValidity`.
const SESSION_LIFE: Duration = Duration::from_secs(180);

/// The state of a fake Cognito.
#[derive(Debug)]
pub(super) struct State {
    pub(super) plans: Plans,
    pub(super) log: Log,
    pub(super) reuse: Reuse,
    /// The seconds that its clock is ahead of the given clock.
    pub(super) clock_offset: i64,
    /// The secret that the app client must prove, if there is one.
    pub(super) client_secret: Option<String>,
    /// Whether a sign-in asks for the choice of the second factor.
    pub(super) offers_choice: bool,
    /// Whether each new device gets a key.
    pub(super) tracks_devices: bool,
    devices: BTreeSet<String>,
    /// Whether users without a second factor sign in without one.
    pub(super) mfa_is_optional: bool,
    pub(super) issuer: String,
    pub(super) users: BTreeMap<String, User>,
    sessions: BTreeMap<String, Session>,
    exchanges: BTreeMap<String, Pending>,
    tokens: BTreeMap<String, Token>,
    seeds: u32,
}

#[derive(Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) sub: String,
    pub(super) password: String,
    pub(super) seed: Option<Seed>,
    /// Whether the seed was verified, so that a sign-in asks for a code.
    pub(super) enrolled: bool,
    pub(super) device_name: Option<String>,
}

/// A seed, and the time steps whose codes were accepted by any operation.
#[derive(Debug)]
pub(super) struct Seed {
    pub(super) number: u32,
    pub(super) key: Vec<u8>,
    pub(super) used: BTreeSet<u64>,
}

#[derive(Debug)]
struct Session {
    user: String,
    stage: Stage,
    opened: Duration,
    used: bool,
}

/// A sign-in by SRP.
#[derive(Debug)]
struct Pending {
    user: String,
    exchange: Exchange,
    opened: Duration,
}

/// The operation that a session is valid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// AssociateSoftwareToken.
    Setup,
    /// VerifySoftwareToken.
    Associated,
    /// RespondToAuthChallenge with MFA_SETUP.
    Verified,
    /// RespondToAuthChallenge with SELECT_MFA_TYPE.
    Select,
    /// RespondToAuthChallenge with SOFTWARE_TOKEN_MFA.
    Challenge,
}

#[derive(Debug)]
struct Token {
    user: String,
    expires: Duration,
    revoked: bool,
}

/// An error on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl State {
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        Ok(Self {
            plans: Plans::default(),
            log: Log::new(options.log_file.as_deref())?,
            reuse: options.reuse,
            clock_offset: 0,
            client_secret: None,
            offers_choice: false,
            tracks_devices: false,
            devices: BTreeSet::new(),
            mfa_is_optional: false,
            issuer: options.issuer.clone(),
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            exchanges: BTreeMap::new(),
            tokens: BTreeMap::new(),
            seeds: 0,
        })
    }

    /// The fake's own time.
    pub(super) fn shifted(&self, now: Duration) -> Duration {
        let offset = Duration::from_secs(self.clock_offset.unsigned_abs());
        if self.clock_offset < 0 { now.saturating_sub(offset) } else { now + offset }
    }

    pub(super) fn add_user(&mut self, name: &str, password: &str) -> io::Result<()> {
        let user = User {
            name: name.to_owned(),
            sub: texts::uuid()?,
            password: password.to_owned(),
            seed: None,
            enrolled: false,
            device_name: None,
        };
        self.users.insert(name.to_owned(), user);
        Ok(())
    }

    pub(super) fn ready_user(&mut self, name: &str, key: &[u8], now: Duration) -> io::Result<Ready> {
        let password = texts::uuid()?;
        self.add_user(name, &password)?;
        self.associate(name, key.to_vec());
        Ok(Ready {
            user: name.to_owned(),
            password,
            secret: BASE32_NOPAD.encode(key),
            access_token: self.issue_token(name, now)?,
            session: self.open_session(name, Stage::Associated, now)?,
        })
    }

    /// Sets a new seed for a user; the previous enrolment is removed at once.
    pub(super) fn associate(&mut self, name: &str, key: Vec<u8>) {
        self.seeds += 1;
        let number = self.seeds;
        if let Some(user) = self.users.get_mut(name) {
            user.seed = Some(Seed { number, key, used: BTreeSet::new() });
            user.enrolled = false;
        }
    }

    pub(super) fn issue_token(&mut self, user: &str, now: Duration) -> io::Result<String> {
        let sub = self.users.get(user).map_or("", |user| &user.sub);
        let text = texts::access_token(&self.issuer, user, sub, now)?;
        let token = Token { user: user.to_owned(), expires: now + texts::TOKEN_LIFE, revoked: false };
        self.tokens.insert(text.clone(), token);
        Ok(text)
    }

    pub(super) fn id_token(&self, user: &str, client: &str, now: Duration) -> io::Result<String> {
        let sub = self.users.get(user).map_or("", |user| &user.sub);
        texts::id_token(&self.issuer, user, sub, client, now)
    }

    /// The part of the pool's id after the underscore, at the end of its issuer.
    pub(super) fn pool(&self) -> &str {
        self.issuer.rsplit('_').next().unwrap_or_default()
    }

    /// The key for a device that signs in without one, if devices are tracked.
    pub(super) fn meet_device(&mut self, key: &str) -> Result<Option<String>, Failure> {
        if !self.tracks_devices || self.devices.contains(key) {
            return Ok(None);
        }
        if !key.is_empty() {
            let message = "Invalid device key given.";
            return Err(Exception { code: "NotAuthorizedException", message }.into());
        }
        let key = format!("eu-central-1_{}", texts::uuid()?);
        self.devices.insert(key.clone());
        Ok(Some(key))
    }

    pub(super) fn revoke(&mut self, text: &str) {
        if let Some(token) = self.tokens.get_mut(text) {
            token.revoked = true;
        }
    }

    pub(super) fn open_session(&mut self, user: &str, stage: Stage, now: Duration) -> io::Result<String> {
        let text = texts::session()?;
        let session = Session { user: user.to_owned(), stage, opened: now, used: false };
        self.sessions.insert(text.clone(), session);
        Ok(text)
    }

    pub(super) fn open_exchange(
        &mut self,
        block: String,
        user: String,
        exchange: Exchange,
        opened: Duration,
    ) {
        self.exchanges.insert(block, Pending { user, exchange, opened });
    }

    /// Removes and returns the sign-in by SRP with this block: its user and the exchange.
    pub(super) fn take_exchange(&mut self, block: &str, now: Duration) -> Option<(String, Exchange)> {
        let pending = self.exchanges.remove(block)?;
        (pending.opened + SESSION_LIFE >= now).then_some((pending.user, pending.exchange))
    }

    pub(super) fn use_session(&mut self, text: &str) {
        if let Some(session) = self.sessions.get_mut(text) {
            session.used = true;
        }
    }

    /// The user of a valid access token.
    pub(super) fn user_of_token(&self, text: &str, now: Duration) -> Result<String, Exception> {
        let refused = |message| Err(Exception { code: "NotAuthorizedException", message });
        match self.tokens.get(text) {
            Some(token) if token.revoked => refused("Access Token has been revoked"),
            Some(token) if token.expires < now => refused("Access Token has expired"),
            Some(token) => Ok(token.user.clone()),
            None => refused("Invalid Access Token"),
        }
    }

    /// The user of a valid session for `stage`.
    pub(super) fn user_of_session(
        &self,
        text: &str,
        stage: Stage,
        now: Duration,
    ) -> Result<String, Exception> {
        let refused = |message| Err(Exception { code: "NotAuthorizedException", message });
        match self.sessions.get(text) {
            Some(session) if session.used => {
                refused("Invalid session for the user, session can only be used once.")
            }
            Some(session) if session.opened + SESSION_LIFE < now => {
                refused("Invalid session for the user, session is expired.")
            }
            Some(session) if session.stage == stage => Ok(session.user.clone()),
            _ => refused("Invalid session for the user."),
        }
    }

    pub(super) fn sessions(&self) -> Vec<String> {
        self.sessions.keys().cloned().collect()
    }

    /// The user of an access token or session, valid or not.
    pub(super) fn owner(&self, text: &str) -> Option<&str> {
        let token = self.tokens.get(text).map(|token| token.user.as_str());
        token.or_else(|| self.sessions.get(text).map(|session| session.user.as_str()))
    }
}

impl Seed {
    /// The step of a code, within `reach` steps of now, the nearest first.
    pub(super) fn step_of(&self, code: &str, now: Duration, reach: u64) -> Option<u64> {
        let current = Step::at(now, Period::DEFAULT).0;
        let near = (0..=reach).flat_map(|away| [current.saturating_sub(away), current + away]);
        near.into_iter().find(|step| self.code(*step).is_some_and(|ours| ours.expose() == code))
    }

    fn code(&self, step: u64) -> Option<Code> {
        let digest = Algorithm::Sha1.hmac(&self.key, &Step(step).challenge());
        Some(Code::decimal(truncate(&digest)?, Digits::SIX))
    }
}
