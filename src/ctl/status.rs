//! `oathbridgectl status`: what works and what does not. It does not start the daemon.

use serde::Serialize;

use super::daemon_state::{ANSWER_TIMEOUT, DaemonState};
use super::problem::{self, Problem};
use super::screen_lock::ScreenLock;
use super::service_unit::ServiceUnit;
use super::tree::Tree;
use super::{Failure, Output, exit, state_folder};
use crate::config::{self, Files, Loaded};
use crate::state_file;
use crate::text::escape_invisible;

/// The version of this tool, which is installed with the daemon of the same version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most lines that are printed.
const MAX_LINES: usize = 10;

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether nothing needs to be done.
    ok: bool,
    /// `running`, `silent` (it runs but does not answer), `activatable` (it starts with the next call), `stopped` or `no-bus`.
    daemon: &'static str,
    /// The unit of a daemon that does not answer; null if it answers, or if systemd does not answer.
    service: Option<ServiceUnit>,
    /// Of the running daemon.
    version: Option<String>,
    tool_version: &'static str,
    /// `ok`, `unavailable`, `denied`, `full`, `other-release` (than its library), `disabled`, or null if the daemon has not asked
    /// it, or does not tell.
    pcscd: Option<&'static str>,
    /// Null without a running daemon.
    tokens: Option<Tokens>,
    configuration: Configuration,
    state_folder: StateFolder,
    /// `unlocked`, `locked`, `lock-requested` (logind's signal Lock, without a word of a screen locker), `unknown` (logind
    /// does not answer the daemon, which counts it as locked), or null if logind has not told it to the daemon, or to this
    /// tool if no daemon answers.
    screen: Option<ScreenLock>,
    problems: Vec<Problem>,
    /// A sentence for each unusable token.
    #[serde(skip)]
    unusable: Vec<String>,
    /// Why the session bus is not reachable, if it told that.
    #[serde(skip)]
    no_bus: Option<Failure>,
}

#[derive(Debug, Serialize)]
struct Tokens {
    attached: usize,
    locked: usize,
    unusable: usize,
}

/// The files as this tool reads them. The daemon may have read others.
#[derive(Debug, Serialize)]
struct Configuration {
    valid: bool,
    /// Whether the last reading of the daemon was valid; null if that is not known.
    accepted: Option<bool>,
    /// The first error.
    error: Option<String>,
    warnings: usize,
    policy: Option<String>,
}

#[derive(Debug, Serialize)]
struct StateFolder {
    path: Option<String>,
    fault: Option<String>,
}

impl Configuration {
    /// The files with the outcome of their check, and the objects of the daemon if it runs.
    fn new(files: &Files, checked: Result<Loaded, Vec<config::Error>>, tree: Option<&Tree>) -> Self {
        Self {
            valid: checked.is_ok(),
            accepted: tree.map(|tree| !has(tree, "config-invalid")),
            warnings: checked.as_ref().map_or(0, |loaded| loaded.warnings.len()),
            error: checked.err().and_then(|errors| Some(errors.first()?.to_string())),
            policy: files.policy().map(|path| path.display().to_string()),
        }
    }
}

impl StateFolder {
    fn new() -> Self {
        Self {
            path: state_file::directory().map(|path| path.display().to_string()),
            fault: state_folder::fault().map(|(_, sentence)| sentence),
        }
    }
}

pub(super) async fn run(json: bool) -> Result<Output, Failure> {
    let report = report().await;
    let failure = failure(&report);
    let output = if json { Output::json(&report)? } else { Output::text(text(&report)) };
    Ok(output.with_failure(failure))
}

async fn report() -> Report {
    let files = Files::standard(None);
    let checked = files.check();
    let DaemonState { word, no_bus, unit, version, tree, is_open, screen, uses_pcsc } =
        DaemonState::ask().await;
    let mut report = Report {
        ok: true,
        daemon: word,
        service: unit,
        version,
        tool_version: VERSION,
        pcscd: tree.as_ref().filter(|_| is_open).and_then(|tree| pcscd(tree, uses_pcsc)),
        tokens: tree.as_ref().map(|tree| Tokens {
            attached: tree.tokens.len(),
            locked: tree.locked().count(),
            unusable: tree.unusable().count(),
        }),
        configuration: Configuration::new(&files, checked, tree.as_ref()),
        state_folder: StateFolder::new(),
        screen: match screen {
            Some(of_daemon) => of_daemon,
            None => ScreenLock::of_logind(ANSWER_TIMEOUT).await,
        },
        problems: tree.as_ref().map(problem::problems).unwrap_or_default(),
        unusable: tree.as_ref().map(problem::unusable).unwrap_or_default(),
        no_bus,
    };
    report.ok = (word == "activatable" || (word == "running" && tree.is_some()))
        && service_fault(&report).is_none()
        && report.configuration.valid
        && report.state_folder.fault.is_none()
        && report.screen != Some(ScreenLock::Unknown)
        && report.problems.is_empty()
        && report.unusable.is_empty();
    report
}

/// What systemd tells of a daemon that does not run. A silent daemon runs, so the state of its unit is no fault.
fn service_fault(report: &Report) -> Option<String> {
    report.service.as_ref().filter(|_| report.daemon != "silent").and_then(ServiceUnit::fault)
}

fn pcscd(tree: &Tree, is_used: Option<bool>) -> Option<&'static str> {
    match is_used {
        _ if has(tree, "pcscd-unavailable") => Some("unavailable"),
        _ if has(tree, "pcscd-denied") => Some("denied"),
        _ if has(tree, "pcscd-full") => Some("full"),
        _ if has(tree, "pcscd-version") => Some("other-release"),
        Some(false) => Some("disabled"),
        Some(true) => Some("ok"),
        None => None,
    }
}

fn has(tree: &Tree, word: &str) -> bool {
    tree.problems.iter().any(|problem| problem == word)
}

fn failure(report: &Report) -> Option<Failure> {
    if let Some(fault) = service_fault(report) {
        return Some(Failure::new(exit::UNREACHABLE, format!("The daemon does not run: {fault}.")));
    }
    match report.daemon {
        "no-bus" => Some(report.no_bus.clone().unwrap_or_else(|| {
            Failure::new(
                exit::UNREACHABLE,
                "The session bus is not reachable; log in to a desktop session, or set DBUS_SESSION_BUS_ADDRESS.",
            )
        })),
        "stopped" => Some(Failure::new(
            exit::UNREACHABLE,
            "The daemon is not running, and no call starts it; install its unit, or run oathbridged in this session.",
        )),
        "silent" => Some(Failure::new(
            exit::UNREACHABLE,
            "The daemon does not answer; restart it with systemctl --user restart oathbridge.",
        )),
        _ if !report.ok => {
            Some(Failure::new(exit::FAILED, "Something needs to be corrected; see the lines above."))
        }
        _ => None,
    }
}

fn text(report: &Report) -> String {
    let daemon = match (report.daemon, &report.version) {
        ("running", Some(version)) if version != VERSION => {
            format!("running, version {version}; this tool has version {VERSION}")
        }
        ("running", version) => format!("running, version {}", version.as_deref().unwrap_or("unknown")),
        ("silent", _) => "running, but it does not answer".to_owned(),
        ("activatable" | "stopped", _) if service_fault(report).is_some() => "not running".to_owned(),
        ("activatable", _) => "not running; the next call starts it".to_owned(),
        ("stopped", _) => "not running, and no call starts it".to_owned(),
        _ => "unknown, because the session bus is not reachable".to_owned(),
    };
    let tokens = report.tokens.as_ref().map_or_else(unknown, tokens);
    let state = match (&report.state_folder.fault, &report.state_folder.path) {
        (Some(fault), _) => fault.clone(),
        (None, path) => path.clone().unwrap_or_default(),
    };
    let session = report.screen.map_or("unknown, because logind has not told it", ScreenLock::sentence);
    let mut lines = vec![
        ("daemon", daemon),
        ("service", service_fault(report).unwrap_or_default()),
        ("pcscd", report.pcscd.map_or_else(unknown, str::to_owned)),
        ("tokens", tokens),
        ("configuration files", configuration(&report.configuration)),
        ("policy", report.configuration.policy.clone().unwrap_or_else(|| "none".to_owned())),
        ("state folder", state),
        ("session", session.to_owned()),
    ];
    lines.retain(|(name, value)| *name != "service" || !value.is_empty());
    let problems = [report.unusable.clone(), problem::distinct(&report.problems)].concat();
    let problems = problem::lines(problems, MAX_LINES.saturating_sub(lines.len()));
    lines.extend(problems.into_iter().map(|advice| ("problem", advice)));
    lines.iter().map(|(name, value)| format!("{name:<20} {}\n", escape_invisible(value))).collect()
}

fn tokens(tokens: &Tokens) -> String {
    let Tokens { attached, locked, unusable } = tokens;
    match unusable {
        0 => format!("{attached} attached, {locked} locked"),
        unusable => format!("{attached} attached, {locked} locked, {unusable} unusable"),
    }
}

fn configuration(files: &Configuration) -> String {
    match (&files.error, files.accepted) {
        (Some(error), _) => format!("not valid: {error}"),
        (None, Some(false)) => {
            "valid, but the daemon has not read them; run systemctl --user reload oathbridge".to_owned()
        }
        (None, _) if files.warnings > 0 => "valid, with warnings; see oathbridgectl config check".to_owned(),
        (None, _) => "valid".to_owned(),
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}
