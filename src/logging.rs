//! Logs to standard error, which goes to the journal. Logs never contain a secret.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Libraries that handle access tokens and codes; they never log below `info`.
const CAPPED: [&str; 5] = ["aws", "hyper", "h2", "rustls", "zbus"];

/// How much to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(LevelFilter);

impl Default for Level {
    fn default() -> Self {
        Self(LevelFilter::INFO)
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(word: &str) -> Result<Self, UnknownLevel> {
        match word {
            "error" => Ok(Self(LevelFilter::ERROR)),
            "warn" => Ok(Self(LevelFilter::WARN)),
            "info" => Ok(Self(LevelFilter::INFO)),
            "debug" => Ok(Self(LevelFilter::DEBUG)),
            "trace" => Ok(Self(LevelFilter::TRACE)),
            _ => Err(UnknownLevel),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not one of the five levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the level must be error, warn, info, debug or trace")]
pub struct UnknownLevel;

/// Starts logging. Only the first call in a process has an effect.
pub fn start(level: Level) {
    let capped = level.0.min(LevelFilter::INFO);
    let targets = CAPPED
        .iter()
        .fold(Targets::new().with_default(level.0), |targets, prefix| targets.with_target(*prefix, capped));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_span_events(FmtSpan::NONE)
        // The journal adds its own time.
        .without_time();
    // An error means that a test in the same process has already started logging.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}
