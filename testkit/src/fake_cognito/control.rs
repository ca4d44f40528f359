//! The control requests, for scripts.

use std::io;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::state::{Stage, State};
use super::{Plan, Ready, Reuse, texts};

/// One control request, as JSON: `{"plan": {"fault": "status-error"}}`, `{"forget-plans": {}}`, and so on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Control {
    /// Adds a plan.
    Plan(Plan),
    /// Removes the remaining plans.
    ForgetPlans {},
    /// Sets the seconds that the fake's clock is ahead.
    ClockOffset(i64),
    /// Sets the response of VerifySoftwareToken to a code that was used before.
    Reuse(Reuse),
    /// Creates a user with a seed, or replaces the user of that name; the response has the members of [`Ready`].
    ReadyUser {
        /// The user's name.
        name: String,
        /// The seed in base32 without padding; the default is a new seed of 32 bytes.
        secret: Option<String>,
    },
    /// Issues another access token and another session of a user; the response has `access_token` and `session`.
    Issue {
        /// The user's name.
        user: String,
    },
}

impl Control {
    /// Performs the control request. `now` is the fake's own time.
    pub(super) fn perform(self, state: &mut State, now: Duration) -> io::Result<Value> {
        match self {
            Self::Plan(plan) => state.plans.add(plan),
            Self::ForgetPlans {} => state.plans.clear(),
            Self::ClockOffset(seconds) => state.clock_offset = seconds,
            Self::Reuse(reuse) => state.reuse = reuse,
            Self::ReadyUser { name, secret } => {
                let key = secret.map_or_else(texts::seed, |secret| key(&secret))?;
                let ready: Ready = state.ready_user(&name, &key, now)?;
                return Ok(serde_json::to_value(ready)?);
            }
            Self::Issue { user } => {
                let token = state.issue_token(&user, now)?;
                let session = state.open_session(&user, Stage::Associated, now)?;
                return Ok(json!({"access_token": token, "session": session}));
            }
        }
        Ok(json!({}))
    }
}

fn key(secret: &str) -> io::Result<Vec<u8>> {
    BASE32_NOPAD.decode(secret.as_bytes()).map_err(|error| io::Error::other(error.to_string()))
}
