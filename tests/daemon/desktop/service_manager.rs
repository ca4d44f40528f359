//! The messages of the daemon to the service manager, which is a socket of the test.

use rustix::process::{Pid, Signal, kill_process};
use sd_notify::NotifyState;
use testkit::client::Client;
use testkit::daemon::{Daemon, Stage};
use tokio::net::UnixDatagram;

use super::{DAEMON, EVENT_TIMEOUT, TOKEN};

/// A daemon with a service manager, and the socket of that manager.
struct Managed {
    stage: Stage,
    socket: UnixDatagram,
    client: Client,
    daemon: Option<Daemon>,
}

impl Managed {
    async fn start() -> Self {
        let mut stage = Stage::new(DAEMON).unwrap();
        let path = stage.home().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        stage.set_variable("NOTIFY_SOCKET", path);
        stage.set_variable("WATCHDOG_USEC", "100000");
        stage.use_virtual_tokens(TOKEN).unwrap();
        stage.configure("[pcsc]\nenabled = false\n").unwrap();
        let client = stage.client().await.unwrap();
        let daemon = Some(stage.start(&client).await.unwrap());
        Self { stage, socket, client, daemon }
    }

    /// The next message but those for the watchdog, a line for each assignment.
    async fn next(&self) -> Vec<String> {
        loop {
            let lines = self.any().await;
            if lines != ["WATCHDOG=1"] {
                return lines;
            }
        }
    }

    async fn any(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length =
            tokio::time::timeout(EVENT_TIMEOUT, self.socket.recv(&mut buffer)).await.unwrap().unwrap();
        std::str::from_utf8(&buffer[..length]).unwrap().lines().map(str::to_owned).collect()
    }

    /// All messages up to this one.
    async fn until(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != last) {
            lines.extend(self.next().await);
        }
        lines
    }

    fn hang_up(&self) {
        let id = Pid::from_raw(self.daemon.as_ref().unwrap().id().try_into().unwrap()).unwrap();
        kill_process(id, Signal::HUP).unwrap();
    }
}

/// CLOCK_MONOTONIC, in microseconds.
fn monotonic() -> i128 {
    let NotifyState::MonotonicUsec(now) = NotifyState::monotonic_usec_now().unwrap() else { panic!() };
    now
}

#[tokio::test]
async fn the_status_follows_tokens_and_problems_and_a_reload_is_announced() {
    let mut managed = Managed::start().await;
    let locked = "STATUS=1 token attached, 1 locked";
    let lines = managed.until(locked).await;
    assert!(lines.contains(&"READY=1".to_owned()), "{lines:?}");
    let token = managed.client.find(&[]).await.unwrap().1.pop().unwrap();
    managed.client.unlock(&token, "correct horse").await.unwrap();
    assert_eq!(managed.next().await, ["STATUS=1 token attached"]);

    managed.stage.configure("[pcsc]\nenabled = maybe\n").unwrap();
    let before = monotonic();
    managed.hang_up();
    let lines = managed.next().await;
    let [reloading, time] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(reloading, "RELOADING=1");
    let time: i128 = time.strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!((before..=monotonic()).contains(&time), "{time}");
    let broken = "STATUS=1 token attached; problems: config-invalid";
    let mut lines = [managed.next().await, managed.next().await].concat();
    lines.sort();
    assert_eq!(lines, ["READY=1", broken], "a reload that fails ends, too");

    managed.stage.configure("[pcsc]\nenabled = false\n").unwrap();
    managed.hang_up();
    assert_eq!(managed.next().await[0], "RELOADING=1");
    let mut lines = [managed.next().await, managed.next().await].concat();
    lines.sort();
    assert_eq!(lines, ["READY=1", "STATUS=1 token attached"]);

    while managed.any().await != ["WATCHDOG=1"] {}
    managed.daemon.take().unwrap().terminate().unwrap();
    assert_eq!(managed.next().await, ["STOPPING=1"]);
}
