//! `status` where no daemon answers, on a bus with a service manager that knows the unit of the daemon.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use oathbridge::dbus::names;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use zbus::{OwnedObjectPath, fdo, interface};

use super::rig::{Rig, Run, finish};
use super::served::Served;

const MANAGER: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "/org/freedesktop/systemd1/unit/oathbridge_2eservice";

/// The object of the service manager, which answers or not.
struct Manager(bool);

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    async fn load_unit(&self, name: &str) -> fdo::Result<OwnedObjectPath> {
        match name {
            _ if !self.0 => std::future::pending().await,
            "oathbridge.service" => Ok(OwnedObjectPath::try_from(UNIT).unwrap()),
            other => Err(fdo::Error::InvalidArgs(other.to_owned())),
        }
    }
}

/// `LoadState` and `ActiveState` of the unit.
struct Unit(&'static str, &'static str);

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn load_state(&self) -> &str {
        self.0
    }

    #[zbus(property)]
    fn active_state(&self) -> &str {
        self.1
    }
}

/// `Result`, `ExecMainCode` and `ExecMainStatus` of the service.
struct Service(&'static str, i32, i32);

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property)]
    fn result(&self) -> &str {
        self.0
    }

    #[zbus(property)]
    fn exec_main_code(&self) -> i32 {
        self.1
    }

    #[zbus(property)]
    fn exec_main_status(&self) -> i32 {
        self.2
    }
}

/// A service manager on the bus.
fn systemd(address: &str, unit: Unit, service: Service) -> Served {
    with_manager(address, Manager(true), unit, service)
}

fn with_manager(address: &str, manager: Manager, unit: Unit, service: Service) -> Served {
    Served::start(address, "org.freedesktop.systemd1", |builder| {
        builder.serve_at(MANAGER, manager).serve_at(UNIT, unit).serve_at(UNIT, service)
    })
}

/// The member `service`.
fn service(words: [&str; 3], exit_status: Option<i32>, signal: Option<i32>) -> Value {
    let [load_state, active_state, result] = words;
    json!({
        "load_state": load_state,
        "active_state": active_state,
        "result": result,
        "exit_status": exit_status,
        "signal": signal,
    })
}

#[test]
fn the_status_says_why_the_service_does_not_run() {
    let rig = Rig::without_daemon();
    for (words, [code, status], line, member) in [
        (
            ["loaded", "failed", "exit-code"],
            [1, 3],
            "the last run failed because it ended with exit status 3; see journalctl --user -u oathbridge, correct the cause, and run systemctl --user reset-failed oathbridge",
            service(["loaded", "failed", "exit-code"], Some(3), None),
        ),
        (
            ["loaded", "activating", "signal"],
            [2, 9],
            "the last run failed because signal 9 ended it, and systemd starts it again; see journalctl --user -u oathbridge",
            service(["loaded", "activating", "signal"], None, Some(9)),
        ),
        (
            ["masked", "inactive", "success"],
            [0, 0],
            "the unit oathbridge.service is masked; run `systemctl --user unmask oathbridge`",
            service(["masked", "inactive", "success"], None, None),
        ),
    ] {
        let [load, active, result] = words;
        let _systemd = systemd(rig.bus(), Unit(load, active), Service(result, code, status));
        let plain = rig.run(&["status"]);
        assert_eq!(plain.code, 10, "{plain:?}");
        assert!(plain.out.starts_with("daemon               not running\n"), "{plain:?}");
        assert!(plain.out.contains(&format!("service              {line}\n")), "{plain:?}");
        assert!(plain.err.contains(&format!("The daemon does not run: {line}.")), "{plain:?}");
        assert!(plain.out.lines().count() <= 10, "{plain:?}");
        let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
        assert_eq!((&found["ok"], &found["service"]), (&json!(false), &member));
    }
}

/// A unit that was never started is no fault, and neither is a bus without systemd.
#[test]
fn the_status_tells_no_fault_of_a_service_that_was_not_started() {
    let rig = Rig::without_daemon();
    let faultless = |loaded: Option<&str>| {
        let plain = rig.run(&["status"]);
        assert_eq!(plain.code, 10, "{plain:?}");
        assert!(
            plain.out.starts_with("daemon               not running, and no call starts it\n"),
            "{plain:?}"
        );
        assert!(!plain.out.contains("service "), "{plain:?}");
        let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
        assert_eq!(found["service"]["load_state"].as_str(), loaded, "{found}");
    };
    faultless(None);
    let _systemd = systemd(rig.bus(), Unit("loaded", "inactive"), Service("success", 0, 0));
    faultless(Some("loaded"));
}

/// A bus that starts the daemon for a call, as the bus of an installed daemon does.
struct Activating(Child, String);

impl Activating {
    fn start(rig: &Rig) -> Self {
        let services = rig.file("services");
        fs::create_dir_all(&services).unwrap();
        let service = format!("[D-BUS Service]\nName={}\nExec=/bin/false\n", names::BUS);
        fs::write(services.join(format!("{}.service", names::BUS)), service).unwrap();
        let policy =
            "<allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/>";
        let configuration = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><servicedir>{}</servicedir>\
             <policy context='default'>{policy}</policy></busconfig>",
            rig.file("activating").display(),
            services.display(),
        );
        fs::write(rig.file("activating.conf"), configuration).unwrap();
        let mut bus = Command::new("dbus-daemon");
        bus.arg("--config-file").arg(rig.file("activating.conf")).args(["--nofork", "--print-address=1"]);
        let mut child =
            bus.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self(child, address.trim_end().to_owned())
    }

    fn run(&self, rig: &Rig, arguments: &[&str]) -> Run {
        let mut tool = rig.tool();
        tool.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", &self.1);
        finish(tool, "")
    }
}

impl Drop for Activating {
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        assert!(thread::panicking() || ended.is_ok());
    }
}

/// The next call does not start a daemon whose unit has failed too often.
#[test]
fn the_status_of_a_daemon_that_a_call_starts_has_the_fault_of_its_unit() {
    let rig = Rig::without_daemon();
    let bus = Activating::start(&rig);
    let manager = systemd(&bus.1, Unit("loaded", "inactive"), Service("success", 0, 0));
    let idle = bus.run(&rig, &["status"]);
    assert!(idle.out.starts_with("daemon               not running; the next call starts it\n"), "{idle:?}");
    assert!(idle.code != 10 && !idle.out.contains("service "), "{idle:?}");
    drop(manager);
    let _manager = systemd(&bus.1, Unit("loaded", "failed"), Service("signal", 2, 9));
    let failed = bus.run(&rig, &["status"]);
    assert_eq!(failed.code, 10, "{failed:?}");
    assert!(failed.out.starts_with("daemon               not running\n"), "{failed:?}");
    assert!(
        failed.err.contains("The daemon does not run: the last run failed because signal 9"),
        "{failed:?}"
    );
    let found: Value = serde_json::from_str(&bus.run(&rig, &["--json", "status"]).out).unwrap();
    assert_eq!((&found["daemon"], &found["ok"]), (&json!("activatable"), &json!(false)));
    assert_eq!(found["service"], service(["loaded", "failed", "signal"], None, Some(9)));
}

/// A silent daemon runs, whatever its unit was before.
#[test]
fn the_status_of_a_silent_daemon_tells_nothing_of_its_unit() {
    let rig = Rig::empty();
    let _systemd = systemd(rig.bus(), Unit("loaded", "failed"), Service("exit-code", 1, 3));
    let daemon = Pid::from_raw(rig.daemon.as_ref().unwrap().id().try_into().unwrap()).unwrap();
    kill_process(daemon, Signal::STOP).unwrap();
    let plain = rig.run(&["status"]);
    kill_process(daemon, Signal::CONT).unwrap();
    assert_eq!(plain.code, 10, "{plain:?}");
    assert!(plain.out.starts_with("daemon               running, but it does not answer\n"), "{plain:?}");
    assert!(
        !plain.out.contains("service ") && plain.err.contains("does not answer; restart it"),
        "{plain:?}"
    );
}

#[test]
fn the_status_does_not_wait_for_a_systemd_that_does_not_answer() {
    let rig = Rig::without_daemon();
    let (unit, service) = (Unit("loaded", "failed"), Service("exit-code", 1, 3));
    let _systemd = with_manager(rig.bus(), Manager(false), unit, service);
    let found = rig.run(&["--json", "status"]);
    assert_eq!(found.code, 10, "{found:?}");
    let found: Value = serde_json::from_str(&found.out).unwrap();
    assert_eq!((&found["daemon"], &found["service"]), (&json!("stopped"), &json!(null)));
}

/// Where there is no systemd, any program can own its name.
#[test]
fn the_status_takes_only_words_from_the_service_manager() {
    let rig = Rig::without_daemon();
    let service_of = |unit, service| {
        let _systemd = systemd(rig.bus(), unit, service);
        let plain = rig.run(&["status"]);
        assert!(!plain.out.contains("nonsense") && !plain.err.contains("nonsense"), "{plain:?}");
        let found: Value = serde_json::from_str(&rig.run(&["--json", "status"]).out).unwrap();
        found["service"].clone()
    };
    for load in ["", "Nonsense, run nonsense", "nonsense-nonsense-nonsense-nonsense"] {
        assert_eq!(service_of(Unit(load, "failed"), Service("signal", 2, 9)), json!(null), "{load}");
    }
    let result = service_of(Unit("loaded", "failed"), Service("nonsense\u{1b}[31m", 0, 0));
    assert_eq!(result["result"], "");
}
