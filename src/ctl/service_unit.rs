//! The unit of the daemon, as the service manager of the user tells of it (org.freedesktop.systemd1(5)).

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::bus::within;
use super::properties::Properties;

const SERVICE_MANAGER: &str = "org.freedesktop.systemd1";

/// The unit of the daemon.
const UNIT: &str = "oathbridge.service";

/// `ExecMainCode` of a process that ended by itself (CLD_EXITED of waitid(2)).
const EXITED: i32 = 1;

/// Why a unit does not run. Its serialised form is part of the `--json` output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct ServiceUnit {
    /// `LoadState`: `loaded`, `masked`, `not-found` or another word of systemd.
    load_state: String,
    /// `ActiveState`: `active`, `activating`, `inactive`, `failed` or another word of systemd.
    active_state: String,
    /// `Result` of the last run: `success`, `exit-code`, `signal`, `start-limit-hit` or another word of systemd.
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
    /// The unit; `None` without systemd on this bus, and if it does not answer in time.
    pub(super) async fn of_systemd(connection: &Connection, timeout: Duration) -> Option<Self> {
        within(timeout, ask(connection)).await.ok()?.ok()
    }

    fn new(unit: &HashMap<String, OwnedVariant>, service: &HashMap<String, OwnedVariant>) -> Self {
        let (unit, service) = (Properties(unit), Properties(service));
        let code: i32 = service.get("ExecMainCode").unwrap_or_default();
        let status = service.get("ExecMainStatus");
        Self {
            load_state: unit.text("LoadState"),
            active_state: unit.text("ActiveState"),
            result: service.text("Result"),
            exit_status: status.filter(|_| code == EXITED),
            signal: status.filter(|_| code > EXITED),
        }
    }

    /// What keeps the daemon from running, and the next step; `None` if nothing does.
    pub(super) fn fault(&self) -> Option<String> {
        match self.load_state.as_str() {
            "loaded" => self.failure(),
            "masked" => {
                Some("oathbridge.service is masked; run systemctl --user unmask oathbridge".to_owned())
            }
            "not-found" => Some(
                "systemd has no oathbridge.service; install it, or run systemctl --user daemon-reload"
                    .to_owned(),
            ),
            other => Some(format!(
                "systemd cannot use oathbridge.service ({other}); see systemctl --user status oathbridge"
            )),
        }
    }

    fn failure(&self) -> Option<String> {
        let starts_again =
            self.active_state == "activating" && !matches!(self.result.as_str(), "" | "success");
        if self.active_state != "failed" && !starts_again {
            return None;
        }
        let number = |number: Option<i32>| number.map(|number| format!(" {number}")).unwrap_or_default();
        let why = match self.result.as_str() {
            "exit-code" => format!("it ended with exit status{}", number(self.exit_status)),
            "signal" | "core-dump" => format!("signal{} ended it", number(self.signal)),
            "timeout" => "it did not start or stop in time".to_owned(),
            "watchdog" => "it stopped answering systemd".to_owned(),
            "start-limit-hit" => "it was started too often in a short time".to_owned(),
            other => format!("systemd says {other}"),
        };
        let again = if starts_again { ", and systemd starts it again" } else { "" };
        Some(format!("the last start failed because {why}{again}; see journalctl --user -u oathbridge"))
    }
}

async fn ask(connection: &Connection) -> zbus::Result<ServiceUnit> {
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
            ("loaded", "failed", "signal", "signal 9 ended it; "),
            ("loaded", "failed", "core-dump", "signal 9 ended it; "),
            ("loaded", "failed", "timeout", "in time; "),
            ("loaded", "failed", "watchdog", "stopped answering"),
            ("loaded", "failed", "start-limit-hit", "too often"),
            ("loaded", "failed", "resources", "systemd says resources; "),
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
