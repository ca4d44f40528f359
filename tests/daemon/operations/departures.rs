//! Callers that leave the bus are noticed from the first call on.

use futures_util::StreamExt;
use testkit::daemon::Stage;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::{MessageStream, OwnedMatchRule, connection};

use super::{DAEMON, EVENT_TIMEOUT};

/// A monitor sees what the daemon sends to the bus, in that order.
#[tokio::test]
async fn the_name_is_requested_when_departures_are_signalled_already() {
    let stage = Stage::new(DAEMON).unwrap();
    let monitor = connection::Builder::address(stage.address()).build().await.unwrap();
    let mut messages = MessageStream::from(&monitor);
    let bus = Some("org.freedesktop.DBus");
    let monitoring = Some("org.freedesktop.DBus.Monitoring");
    let everything = (Vec::<&str>::new(), 0_u32);
    monitor
        .call_method(bus, "/org/freedesktop/DBus", monitoring, "BecomeMonitor", &everything)
        .await
        .unwrap();
    let _daemon = stage.spawn().unwrap();
    let mut departures = false;
    loop {
        let message = timeout(EVENT_TIMEOUT, messages.next()).await.unwrap().unwrap().unwrap();
        let header = message.header();
        match header.member().map(|member| member.as_str()) {
            Some("AddMatch") if header.message_type() == Type::MethodCall => {
                let rule: OwnedMatchRule = message.body().deserialize().unwrap();
                departures |= rule.member().is_some_and(|member| member == "NameOwnerChanged")
                    && rule.args().contains(&(2, "".into()));
            }
            Some("RequestName") => break,
            _ => {}
        }
    }
    assert!(departures);
}
