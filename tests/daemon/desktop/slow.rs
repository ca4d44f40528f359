//! A slow notification server.

use std::path::Path;

use testkit::client::Options;
use testkit::dbusmock::Mock;

use super::notifications::{of, text};
use super::{Bench, until};

const INTERFACE: &str = "org.freedesktop.Notifications";

/// Makes the server answer the first Notify after three seconds, with id 71; later ones have id 72. Until then the server
/// answers nothing, so a file signals the start of the call.
async fn slow_down(server: &Mock, begun: &Path) {
    let code = format!(
        "import time\nself.shown = getattr(self, 'shown', 70) + 1\nif self.shown == 71:\n  open('{}', 'w').close()\n  time.sleep(3)\nret = args[1] or self.shown",
        begun.display()
    );
    server.mock("AddMethod", &(INTERFACE, "Notify", "susssasa{sv}i", "u", code)).await.unwrap();
}

async fn until_begun(begun: &Path) {
    until("something is shown", async || begun.exists()).await;
}

fn number(call: &testkit::dbusmock::Call, argument: usize) -> u32 {
    let value = call.2[argument].try_clone().unwrap();
    u32::try_from(&*value)
        .or_else(|_| i32::try_from(&*value).map(|number| number.try_into().unwrap()))
        .unwrap()
}

#[testkit::test]
async fn a_notification_that_is_shown_late_is_removed() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let begun = bench.stage.home().join("begun");
    slow_down(&server, &begun).await;
    let bench = bench.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    until_begun(&begun).await;
    bench.card.touch();
    call.await.unwrap().unwrap();
    let calls = server.until(|calls| of(calls, "CloseNotification").len() == 1).await.unwrap();
    assert_eq!(number(of(&calls, "CloseNotification")[0], 0), 71);
}

#[testkit::test]
async fn a_notification_replaces_one_that_is_shown_late() {
    let bench = Bench::prepare("").await;
    let server = Mock::notifications(bench.stage.address()).await.unwrap();
    let begun = bench.stage.home().join("begun");
    slow_down(&server, &begun).await;
    let bench = bench.start().await;
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    until_begun(&begun).await;
    bench.card.touch();
    call.await.unwrap().unwrap();
    let call = bench.calculating("alice", Options::new()).await;
    bench.wants_a_touch().await;
    // Every shown notification is closed or replaced when the last request has ended.
    let calls = server.until(|calls| of(calls, "Notify").len() == 2).await.unwrap();
    assert_eq!(text(of(&calls, "Notify")[1], 3), "Touch YubiKey 5");
    bench.card.touch();
    call.await.unwrap().unwrap();
    let closed = |calls: &[testkit::dbusmock::Call], id| {
        of(calls, "CloseNotification").iter().any(|call| number(call, 0) == id)
    };
    server
        .until(|calls| {
            let replaced = of(calls, "Notify").iter().any(|call| number(call, 1) == 71);
            closed(calls, 71) && (replaced || closed(calls, 72))
        })
        .await
        .unwrap();
}
