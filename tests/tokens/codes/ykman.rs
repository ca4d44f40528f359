//! The same card gives ykman and the daemon the same codes.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use testkit::client::Options;
use testkit::scenario::Scenario;

use super::{Bench, DAEMON};

/// The code from ykman, through the same pcscd.
fn ykman(bench: &mut Bench, account: &str) -> String {
    let socket = bench.world.pcscd().unwrap().socket();
    let output = Command::new(testkit::ykman::ykman().unwrap())
        // Without a reader's name ykman would also wait for a card in the second slot.
        .args(["--reader", "CCID 00 00", "oath", "accounts", "code", "--single", account])
        .env("XDG_DATA_HOME", socket.with_file_name("data"))
        .env("PCSCLITE_CSOCK_NAME", socket)
        .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn ykman_shows_the_same_codes_before_between_and_after() {
    let mut bench = Bench::of(Scenario::program(DAEMON), "", "").await;
    for (account, period) in [("alice", 30), ("carol", 60)] {
        let path = bench.credential(account).await;
        // Everything must be within one time step, which the second iteration of the loop achieves at the latest.
        loop {
            let begun = unix_time() / period;
            let before = ykman(&mut bench, account);
            let first = bench.client().calculate(&path, Options::new()).await.unwrap();
            let between = ykman(&mut bench, account);
            let second = bench.client().calculate(&path, Options::new()).await.unwrap();
            let after = ykman(&mut bench, account);
            if unix_time() / period == begun {
                assert_eq!([&first.code, &between, &second.code, &after], [&before; 4], "{account}");
                break;
            }
        }
    }
}
