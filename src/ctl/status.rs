//! `oathbridgectl status`: what works and what does not. It does not start the daemon.

use std::time::Duration;

use serde::Serialize;
use zbus::Connection;
use zbus::fdo::{DBusProxy, PropertiesProxy};
use zbus::names::InterfaceName;

use super::bus::{Bus, within};
use super::problem::{self, Problem};
use super::proxies::Extra;
use super::screen_lock::ScreenLock;
use super::tree::Tree;
use super::{Failure, Output, exit, state_folder};
use crate::config::Files;
use crate::dbus::names;
use crate::state_file;
use crate::text::escape_invisible;

/// The version of this tool, which is installed with the daemon of the same version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most lines that are printed.
const MAX_LINES: usize = 10;

/// The time for an answer that needs no token.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The time for the list of tokens. The daemon reads attached tokens for up to three seconds.
const LIST_TIMEOUT: Duration = Duration::from_secs(4);

/// The output of `--json`.
#[derive(Debug, Serialize)]
struct Report {
    /// Whether nothing needs to be done.
    ok: bool,
    /// `running`, `silent` (it runs but does not answer), `activatable` (it starts with the next call), `stopped` or `no-bus`.
    daemon: &'static str,
    /// Of the running daemon.
    version: Option<String>,
    tool_version: &'static str,
    /// `ok`, `unavailable`, `denied`, `disabled` (by the files), or null if the daemon has not asked it.
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

pub(super) async fn run(json: bool) -> Result<Output, Failure> {
    let report = report().await;
    let failure = failure(&report);
    let output = if json { Output::json(&report)? } else { Output::text(text(&report)) };
    Ok(output.with_failure(failure))
}

async fn report() -> Report {
    let files = Files::standard(None);
    let checked = files.check();
    let Daemon { state, no_bus, version, tree, is_open, screen } = daemon().await;
    let is_enabled = checked.as_ref().map_or(true, |loaded| loaded.config.pcsc.enabled);
    let fault = state_folder::fault().map(|(_, sentence)| sentence);
    let mut report = Report {
        ok: true,
        daemon: state,
        version,
        tool_version: VERSION,
        pcscd: tree.as_ref().filter(|_| is_open).map(|tree| pcscd(tree, is_enabled)),
        tokens: tree.as_ref().map(|tree| Tokens {
            attached: tree.tokens.len(),
            locked: tree.locked().count(),
            unusable: tree.unusable().count(),
        }),
        configuration: Configuration {
            valid: checked.is_ok(),
            accepted: tree.as_ref().map(|tree| !has(tree, "config-invalid")),
            warnings: checked.as_ref().map_or(0, |loaded| loaded.warnings.len()),
            error: checked.err().and_then(|errors| Some(errors.first()?.to_string())),
            policy: files.policy().map(|path| path.display().to_string()),
        },
        state_folder: StateFolder {
            path: state_file::directory().map(|path| path.display().to_string()),
            fault,
        },
        screen: match screen {
            Some(of_daemon) => of_daemon,
            None => ScreenLock::of_logind(ANSWER_TIMEOUT).await,
        },
        problems: tree.as_ref().map(problem::problems).unwrap_or_default(),
        unusable: tree.as_ref().map(problem::unusable).unwrap_or_default(),
        no_bus,
    };
    report.ok = (state == "activatable" || (state == "running" && tree.is_some()))
        && report.configuration.valid
        && report.state_folder.fault.is_none()
        && report.screen != Some(ScreenLock::Unknown)
        && report.problems.is_empty()
        && report.unusable.is_empty();
    report
}

/// The daemon as it answers.
#[derive(Default)]
struct Daemon {
    state: &'static str,
    no_bus: Option<Failure>,
    version: Option<String>,
    tree: Option<Tree>,
    /// Whether it uses tokens. Without a valid configuration it refuses calls, and shows only properties.
    is_open: bool,
    /// `None` without an answer; in it, what logind has told the daemon.
    screen: Option<Option<ScreenLock>>,
}

async fn daemon() -> Daemon {
    let with = |state| Daemon { state, ..Daemon::default() };
    let bus = match within(ANSWER_TIMEOUT, Bus::join()).await {
        Ok(Ok(bus)) => bus,
        Ok(Err(failure)) => return Daemon { no_bus: Some(failure), ..with("no-bus") },
        Err(_) => return with("no-bus"),
    };
    let names = within(ANSWER_TIMEOUT, async {
        let proxy = DBusProxy::new(bus.connection()).await?;
        let runs = proxy.name_has_owner(names::BUS.try_into()?).await?;
        let starts = proxy.list_activatable_names().await?.iter().any(|name| name.as_str() == names::BUS);
        zbus::Result::Ok((runs, starts))
    });
    match names.await {
        Ok(Ok((true, _))) => running(&bus).await,
        Ok(Ok((false, true))) => with("activatable"),
        Ok(Ok((false, false))) => with("stopped"),
        _ => with("no-bus"),
    }
}

/// The version and the objects of the running daemon.
async fn running(bus: &Bus) -> Daemon {
    let Ok(version) = within(ANSWER_TIMEOUT, property(bus.connection(), "Version")).await else {
        return Daemon { state: "silent", ..Daemon::default() };
    };
    let (tree, is_open) = match within(LIST_TIMEOUT, bus.tree()).await {
        Ok(Ok(tree)) => (Some(tree), true),
        _ => (within(ANSWER_TIMEOUT, bus.tree_of_properties()).await.ok().and_then(Result::ok), false),
    };
    let info = within(ANSWER_TIMEOUT, bus.caller_info()).await.ok().and_then(Result::ok);
    // The daemon tells a sandboxed program nothing of the screen, but logind may.
    let is_sandboxed =
        |info: &Extra| info.get("sandboxed").is_some_and(|value| bool::try_from(value) == Ok(true));
    let screen = info.filter(|info| !is_sandboxed(info)).map(|info| ScreenLock::of_caller_info(&info));
    Daemon { state: "running", version, tree, is_open, screen, no_bus: None }
}

async fn property<T: TryFrom<zbus::OwnedVariant>>(connection: &Connection, name: &str) -> Option<T> {
    let interface = InterfaceName::from_static_str_unchecked("io.github.oathbridge.OathBridge1.Manager");
    let asking = async {
        let proxy = PropertiesProxy::builder(connection).destination(names::BUS).path(names::ROOT).build();
        proxy.await.ok()?.get(interface, name).await.ok()
    };
    T::try_from(asking.await?).ok()
}

fn pcscd(tree: &Tree, is_enabled: bool) -> &'static str {
    match is_enabled {
        _ if has(tree, "pcscd-unavailable") => "unavailable",
        _ if has(tree, "pcscd-denied") => "denied",
        false => "disabled",
        true => "ok",
    }
}

fn has(tree: &Tree, word: &str) -> bool {
    tree.problems.iter().any(|problem| problem == word)
}

fn failure(report: &Report) -> Option<Failure> {
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
        ("pcscd", report.pcscd.map_or_else(unknown, str::to_owned)),
        ("tokens", tokens),
        ("configuration files", configuration(&report.configuration)),
        ("policy", report.configuration.policy.clone().unwrap_or_else(|| "none".to_owned())),
        ("state folder", state),
        ("session", session.to_owned()),
    ];
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
