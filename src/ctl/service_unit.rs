//! The unit of the daemon, as the service manager of the user tells of it (org.freedesktop.systemd1(5)).

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::bus::within;
use super::properties::Properties;
use super::wording;

const SERVICE_MANAGER: &str = "org.freedesktop.systemd1";

/// The unit of the daemon.
const UNIT: &str = "oathbridge.service";

/// `ExecMainCode` of a process that ended by itself (CLD_EXITED of waitid(2)).
const EXITED: i32 = 1;

/// The most letters of a word of systemd.
const MAX_WORD: usize = 32;

/// Why a unit does not run. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ServiceUnit {
    /// `LoadState`: `loaded`, `masked`, `not-found` or another word of systemd.
    load_state: String,
    /// `ActiveState`: `active`, `activating`, `inactive`, `failed` or another word of systemd.
    active_state: String,
    /// `Result` of the last run: `success`, `exit-code`, `signal`, `start-limit-hit` or another word of systemd; empty
    /// if there is none.
    result: String,
    /// The exit status of the last process; null if a signal ended it, or if none has ended.
    exit_status: Option<i32>,
    /// The number of the signal that ended the last process, or null.
    signal: Option<i32>,
}

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait ServiceManager {
    /// Loads the unit if it is not, because systemd forgets units that do not run.
    #[zbus(no_autostart)]
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
}

impl ServiceUnit {
    /// The unit; `None` without systemd on this bus, and if it does not answer in time or not with words of systemd.
    pub(super) async fn of_systemd(connection: &Connection, timeout: Duration) -> Option<Self> {
        within(timeout, ask(connection)).await.ok()?.ok()?
    }

    /// `None` without a state. On a bus without systemd any program can own its name, so only words are taken.
    fn new(unit: &HashMap<String, OwnedVariant>, service: &HashMap<String, OwnedVariant>) -> Option<Self> {
        let (unit, service) = (Properties(unit), Properties(service));
        let code: i32 = service.get("ExecMainCode").unwrap_or_default();
        let status = service.get("ExecMainStatus");
        Some(Self {
            load_state: word(unit.text("LoadState"))?,
            active_state: word(unit.text("ActiveState"))?,
            result: word(service.text("Result")).unwrap_or_default(),
            exit_status: status.filter(|_| code == EXITED),
            signal: status.filter(|_| code > EXITED),
        })
    }

    /// What keeps the daemon from running, and the next step, as a clause; `None` if nothing does.
    pub(super) fn fault(&self) -> Option<String> {
        match self.load_state.as_str() {
            "loaded" => self.failure(),
            "masked" => Some(wording::MASKED.to_owned()),
            "not-found" => Some(wording::NO_UNIT.to_owned()),
            other => Some(format!(
                "systemd cannot use oathbridge.service ({other}); see systemctl --user status oathbridge"
            )),
        }
    }

    fn failure(&self) -> Option<String> {
        let starts_again =
            self.active_state == "activating" && !matches!(self.result.as_str(), "" | "success");
        let (again, then) = match self.active_state.as_str() {
            // The limit of starts may be reached whatever the result says: systemd keeps that of the last run.
            "failed" => ("", ", correct the cause, and run systemctl --user reset-failed oathbridge"),
            _ if starts_again => (", and systemd starts it again", ""),
            _ => return None,
        };
        let why = self.why();
        Some(format!("the last run failed{why}{again}; see journalctl --user -u oathbridge{then}"))
    }

    /// The words of `Result` are those of `$SERVICE_RESULT` in systemd.exec(5).
    fn why(&self) -> String {
        let number = |number: Option<i32>| number.map(|number| format!(" {number}")).unwrap_or_default();
        match self.result.as_str() {
            "exit-code" => format!(" because it ended with exit status{}", number(self.exit_status)),
            "signal" | "core-dump" => format!(" because signal{} ended it", number(self.signal)),
            "timeout" => " because it did not start or stop in time".to_owned(),
            "watchdog" => " because it stopped answering systemd".to_owned(),
            "start-limit-hit" => " because it was started too often in a short time".to_owned(),
            "oom-kill" => " because it was ended for lack of memory".to_owned(),
            "protocol" => " because it did not take its name on the bus".to_owned(),
            "resources" => " because systemd could not set it up".to_owned(),
            "" | "success" => String::new(),
            other => format!(" with the result {other} of systemd"),
        }
    }
}

/// A word of systemd; `None` for any other text.
fn word(text: String) -> Option<String> {
    let is_word = (1..=MAX_WORD).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    is_word.then_some(text)
}

async fn ask(connection: &Connection) -> zbus::Result<Option<ServiceUnit>> {
    let path = ServiceManagerProxy::new(connection).await?.load_unit(UNIT).await?;
    let properties =
        PropertiesProxy::builder(connection).destination(SERVICE_MANAGER).path(path).build().await?;
    let of = |name| InterfaceName::from_static_str_unchecked(name);
    let unit = properties.get_all(of("org.freedesktop.systemd1.Unit")).await?;
    let service = properties.get_all(of("org.freedesktop.systemd1.Service")).await?;
    Ok(ServiceUnit::new(&unit, &service))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_unit_that_cannot_run_has_a_fault() {
        let unit = |load: &str, active: &str, result: &str| ServiceUnit {
            load_state: load.to_owned(),
            active_state: active.to_owned(),
            result: result.to_owned(),
            exit_status: Some(3),
            signal: Some(9),
        };
        for (active, result) in [
            ("inactive", "success"),
            ("active", "success"),
            ("activating", "success"),
            // It runs again after a failure.
            ("active", "exit-code"),
        ] {
            assert_eq!(unit("loaded", active, result).fault(), None, "{active} {result}");
        }
        for (load, active, result, part) in [
            ("loaded", "failed", "exit-code", "exit status 3; see journalctl --user -u oathbridge"),
            ("loaded", "failed", "exit-code", ", and run systemctl --user reset-failed oathbridge"),
            ("loaded", "failed", "signal", "signal 9 ended it; "),
            ("loaded", "failed", "core-dump", "signal 9 ended it; "),
            ("loaded", "failed", "timeout", "in time; "),
            ("loaded", "failed", "watchdog", "stopped answering"),
            ("loaded", "failed", "start-limit-hit", "too often"),
            ("loaded", "failed", "oom-kill", "lack of memory"),
            ("loaded", "failed", "protocol", "its name on the bus"),
            ("loaded", "failed", "resources", "could not set it up"),
            ("loaded", "failed", "exec-condition", "with the result exec-condition of systemd"),
            ("loaded", "failed", "", "the last run failed; see journalctl"),
            ("loaded", "activating", "exit-code", ", and systemd starts it again; "),
            ("masked", "inactive", "success", "unmask oathbridge"),
            ("not-found", "inactive", "success", "daemon-reload"),
            ("bad-setting", "inactive", "success", "(bad-setting)"),
        ] {
            let fault = unit(load, active, result).fault().unwrap_or_default();
            assert!(fault.contains(part), "{load} {active} {result}: {fault}");
        }
    }
}
