//! Logs to standard error, which goes to the journal. Logs never contain a secret.
//!
//! In the journal each line has the priority of its level, from a prefix of the line. The few lines of [`events`] have
//! an id as well, for which a line has no form, so they go to the socket of the journal.

pub mod events;
mod journal;
mod native;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::text::shown_up_to;

/// Libraries that handle access tokens and codes; they never log below `info`.
const CAPPED: [&str; 5] = ["aws", "hyper", "h2", "rustls", "zbus"];

/// The maximum length of a line, in characters.
const MAX_LINE_CHARS: usize = 2_000;

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
    start_with(level, Stderr::new());
}

/// The same as in the journal, for a test that has the socket of the journal.
pub fn start_in_journal(level: Level, socket: PathBuf) {
    start_with(level, Stderr { journal: Some(socket) });
}

fn start_with(level: Level, output: Stderr) {
    let capped = level.0.min(LevelFilter::INFO);
    let targets = CAPPED
        .iter()
        .fold(Targets::new().with_default(level.0), |targets, prefix| targets.with_target(*prefix, capped));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(output)
        .with_ansi(false)
        .with_span_events(FmtSpan::NONE)
        // The journal adds its own time.
        .without_time();
    // An error means that a test in the same process has already started logging.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}

/// Prints the sentence with which a program ends, as one line with the priority of an error.
pub fn print_error(sentence: &str) {
    // Without standard error nobody can read the sentence.
    let _ = Stderr::new().lines(tracing::Level::ERROR).write_all(sentence.as_bytes());
}

/// Prints the errors of the arguments like [`print_error`], and everything else as clap does; then ends the program.
pub fn exit_with(error: &clap::Error) -> ! {
    if error.use_stderr() && journal::has_stderr() {
        print_error(error.to_string().trim_end());
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// Prints the message of each panic like [`print_error`].
pub fn print_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("there is no message");
        let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
        print_error(&format!("the program panicked{place}: {message}"));
    }));
}

/// Standard error, as the target of the formatter.
struct Stderr {
    /// The socket of the journal, if standard error is the journal's stream.
    journal: Option<PathBuf>,
}

impl Stderr {
    fn new() -> Self {
        Self { journal: journal::has_stderr().then(|| PathBuf::from(native::SOCKET)) }
    }

    fn lines(&self, level: tracing::Level) -> Lines<'_, io::Stderr> {
        let prefix = if self.journal.is_some() { journal::prefix(level) } else { "" };
        Lines { prefix, entry: None, output: io::stderr() }
    }
}

impl<'journal> MakeWriter<'journal> for Stderr {
    type Writer = Lines<'journal, io::Stderr>;

    fn make_writer(&'journal self) -> Self::Writer {
        self.lines(tracing::Level::INFO)
    }

    fn make_writer_for(&'journal self, event: &Metadata<'_>) -> Self::Writer {
        let entry = self.journal.as_deref().zip(events::id(event.name()));
        Lines { entry, ..self.lines(*event.level()) }
    }
}

/// Writes each event as one line without hidden characters, whatever text of callers, tokens and servers it has. So no
/// text begins a line, and none can set a priority.
struct Lines<'journal, W> {
    prefix: &'static str,
    /// The socket of the journal and the id, for an event that has one.
    entry: Option<(&'journal Path, &'static str)>,
    output: W,
}

impl<W> Lines<'_, W> {
    /// Whether the text is now an entry of the journal with an id.
    fn has_sent(&self, text: &str) -> bool {
        let priority = self.prefix.trim_matches(['<', '>']);
        self.entry.is_some_and(|(socket, id)| native::send(socket, id, priority, text).is_ok())
    }
}

impl<W: Write> Write for Lines<'_, W> {
    /// Takes one whole event, as the formatter passes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = shown_up_to(text.strip_suffix('\n').unwrap_or(&text), MAX_LINE_CHARS);
        // A line without its id is better than none.
        if !self.has_sent(&text) {
            // In one piece, because other threads write too.
            self.output.write_all(format!("{}{text}\n", self.prefix).as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_one_line_of_limited_length() {
        let written = |event: &str| {
            let mut lines = Lines { prefix: "<5>", entry: None, output: Vec::new() };
            lines.write_all(event.as_bytes()).unwrap();
            String::from_utf8(lines.output).unwrap()
        };
        assert_eq!(written(" INFO caller=a\u{202e}\n<0>b\n"), "<5> INFO caller=a\\u{202e}\\u{a}<0>b\n");
        let long = written(&format!("{}\n", "x".repeat(60_000)));
        assert_eq!((long.chars().count(), long.lines().count()), (MAX_LINE_CHARS + 5, 1));
    }

    #[test]
    fn an_event_with_an_id_is_a_line_only_if_the_journal_does_not_take_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let written = || {
            let mut lines = Lines { prefix: "<4>", entry: Some((&path, "id")), output: Vec::new() };
            lines.write_all(b"WARN a\nb\n").unwrap();
            String::from_utf8(lines.output).unwrap()
        };
        assert_eq!(written(), "<4>WARN a\\u{a}b\n");
        let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        assert_eq!(written(), "");
        let mut entry = [0; 200];
        let length = socket.recv(&mut entry).unwrap();
        let entry = String::from_utf8_lossy(&entry[..length]);
        assert!(entry.ends_with("WARN a\\u{a}b\n"), "{entry}");
        assert!(entry.contains("PRIORITY\n\u{1}\0\0\0\0\0\0\u{0}4\n"), "{entry}");
    }
}
