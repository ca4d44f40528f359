//! `status` where no daemon answers, on a bus with a service manager that knows the unit of the daemon.

use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use zbus::{OwnedObjectPath, connection, fdo, interface};

use super::rig::Rig;

const MANAGER: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "/org/freedesktop/systemd1/unit/oathbridge_2eservice";

/// The object of the service manager.
struct Manager;

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn load_unit(&self, name: &str) -> fdo::Result<OwnedObjectPath> {
        match name {
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

/// A service manager on the bus, until this is dropped. It has a thread, because the tool is waited for in that of the test.
struct Systemd(Option<oneshot::Sender<()>>, Option<thread::JoinHandle<()>>);

impl Systemd {
    fn start(rig: &Rig, unit: Unit, service: Service) -> Self {
        let (up, is_up) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let address = rig.bus().to_owned();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let builder = connection::Builder::address(address.as_str());
                let builder = builder.serve_at(MANAGER, Manager).serve_at(UNIT, unit).serve_at(UNIT, service);
                let _connection = builder.name("org.freedesktop.systemd1").build().await.unwrap();
                up.send(()).unwrap();
                // An error means that the sender was dropped.
                let _ = stopped.await;
            });
        });
        is_up.recv().unwrap();
        Self(Some(stop), Some(thread))
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        drop(self.0.take());
        let joined = self.1.take().map(thread::JoinHandle::join);
        assert!(thread::panicking() || matches!(joined, Some(Ok(()))));
    }
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
            "the last start failed because it ended with exit status 3; see journalctl --user -u oathbridge",
            service(["loaded", "failed", "exit-code"], Some(3), None),
        ),
        (
            ["loaded", "activating", "signal"],
            [2, 9],
            "the last start failed because signal 9 ended it, and systemd starts it again; see journalctl --user -u oathbridge",
            service(["loaded", "activating", "signal"], None, Some(9)),
        ),
        (
            ["masked", "inactive", "success"],
            [0, 0],
            "oathbridge.service is masked; run systemctl --user unmask oathbridge",
            service(["masked", "inactive", "success"], None, None),
        ),
    ] {
        let [load, active, result] = words;
        let _systemd = Systemd::start(&rig, Unit(load, active), Service(result, code, status));
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
    let _systemd = Systemd::start(&rig, Unit("loaded", "inactive"), Service("success", 0, 0));
    faultless(Some("loaded"));
}
