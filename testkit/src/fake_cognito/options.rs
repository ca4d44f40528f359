//! The settings of a fake Cognito.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use oathbridge::clock::{Clock, SystemClock};
use serde::{Deserialize, Serialize};

/// The settings of a fake Cognito.
#[derive(Clone, Debug)]
pub struct Options {
    /// Loopback address and port; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The response of VerifySoftwareToken to a code that was used before.
    pub reuse: Reuse,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// A file to which each log entry is appended before its request is answered.
    pub log_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::new(SystemClock::new()),
            reuse: Reuse::default(),
            issuer: "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_FaKe00001".to_owned(),
            log_file: None,
        }
    }
}

/// The possible responses to a code that was used before; the one of AWS for VerifySoftwareToken is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// `ExpiredCodeException`, as RespondToAuthChallenge does.
    #[default]
    Expired,
    /// `EnableSoftwareTokenMFAException`, as for a wrong code.
    EnableMfa,
    /// HTTP 200 with `Status: ERROR`.
    StatusError,
}
