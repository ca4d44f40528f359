//! A system bus that is there, and does not tell the daemon whether logind is.

use std::fs;
use std::future::pending;
use std::path::PathBuf;
use std::time::Duration;

use testkit::dbusmock::Mock;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use zbus::connection::Builder;
use zbus::{Guid, fdo, interface};

use super::start::{answer, refusal, screen};
use super::{Bench, until};

/// What the bus does with a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// It never answers.
    Silent,
    /// It accepts and closes, as at a limit of connections.
    HangsUp,
    /// It says hello, and never answers more.
    Deaf,
    /// It does not tell the owner of a name.
    Refuses,
}

struct Bus(Fault);

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> &str {
        ":1.7"
    }

    async fn add_match(&self, _rule: String) {
        if self.0 == Fault::Deaf {
            pending::<()>().await;
        }
    }

    fn get_name_owner(&self, _name: String) -> fdo::Result<String> {
        Err(fdo::Error::LimitsExceeded("not now".to_owned()))
    }
}

async fn serve(stream: UnixStream, fault: Fault) {
    match fault {
        Fault::HangsUp => drop(stream),
        Fault::Silent => pending().await,
        _ => {
            let stream = stream.into_std().unwrap();
            let bus = Builder::unix_stream(stream).server(Guid::generate()).p2p();
            let _served = bus.serve_at("/org/freedesktop/DBus", Bus(fault)).build().await;
            pending().await
        }
    }
}

/// A bus with this fault, in the place of the system bus.
fn break_bus(bench: &mut Bench, fault: Fault) -> (PathBuf, JoinHandle<()>) {
    let bus = bench.system_mut().unwrap();
    let socket = PathBuf::from(bus.address().strip_prefix("unix:path=").unwrap());
    bus.stop().unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, fault));
        }
    });
    (socket, serving)
}

/// There may be a logind on it. Once the bus says that there is none, no screen is locked.
#[testkit::test]
async fn a_bus_that_does_not_tell_of_logind_locks_until_it_does() {
    for fault in [Fault::HangsUp, Fault::Refuses, Fault::Deaf, Fault::Silent] {
        let mut bench = Bench::prepare("").await;
        if matches!(fault, Fault::Deaf | Fault::Silent) {
            bench.stage.set_logind_timeout(Duration::from_secs(2));
        }
        let (socket, serving) = break_bus(&mut bench, fault);
        bench.start_daemon().await.unwrap();
        let sentence = refusal(&bench).await;
        assert!(sentence.contains("systemctl status systemd-logind"), "{fault:?}: {sentence}");
        assert_eq!(screen(&bench).await, "unknown", "{fault:?}");
        serving.abort();
        fs::remove_file(&socket).unwrap();
        bench.system_mut().unwrap().start_again().unwrap();
        bench.until_found_unlocked().await;
    }
}

/// A container has none.
#[testkit::test]
async fn a_bus_that_is_gone_after_it_was_silent_locks_nothing() {
    let mut bench = Bench::prepare("").await;
    bench.stage.set_logind_timeout(Duration::from_secs(2));
    let (_, serving) = break_bus(&mut bench, Fault::Silent);
    bench.start_daemon().await.unwrap();
    refusal(&bench).await;
    serving.abort();
    bench.until_found_unlocked().await;
}

/// The screen that logind has not told may be locked, although its next bus has no logind yet.
#[testkit::test]
async fn a_new_bus_without_logind_does_not_unlock_what_logind_has_not_told() {
    let mut bench = Bench::prepare("").await;
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    answer(&logind, "raise dbus.exceptions.DBusException('not now')").await;
    bench.start_daemon().await.unwrap();
    refusal(&bench).await;
    drop(logind);
    bench.system_mut().unwrap().stop().unwrap();
    until("the loss is told", async || bench.stage.log().unwrap().contains("bus is not reachable")).await;
    refusal(&bench).await;
    bench.system_mut().unwrap().start_again().unwrap();
    until("its return is told", async || bench.stage.log().unwrap().contains("reachable again")).await;
    for _ in 0..10 {
        refusal(&bench).await;
    }
    let logind = Mock::logind(bench.system().unwrap()).await.unwrap();
    answer(&logind, "ret = []").await;
    bench.until_found_unlocked().await;
}
