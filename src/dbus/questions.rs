//! A connection for questions to the bus.
//!
//! On the main connection, an answer of the bus comes after all calls that wait there. In a flood of calls, each question
//! about a new caller would wait for the flood, and the caller would be unknown after a timeout.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use zbus::Connection;
use zbus::address::Address;

use super::descriptors::Closers;
use super::inbound::{self, Hearing};

/// The timeout for opening the connection.
const OPEN_TIMEOUT: Duration = Duration::from_secs(2);

/// The time before a connection that could not be opened is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The connection, opened by the first question, and by the first one after it was lost.
#[derive(Debug)]
pub(super) struct Questions {
    bus: OnceLock<Address>,
    last: Mutex<Last>,
    closers: Closers,
}

/// The last attempt to open the connection.
#[derive(Debug, Default)]
enum Last {
    #[default]
    Never,
    Opened(Connection),
    Failed(Instant),
}

impl Questions {
    pub(super) fn new(closers: Closers) -> Self {
        Self { bus: OnceLock::new(), last: Mutex::default(), closers }
    }

    /// Sets the bus.
    pub(super) fn set_bus(&self, bus: Address) {
        // There is one bus, so this is called once.
        let _ = self.bus.set(bus);
    }

    /// The connection; `main` if the bus accepts no other one.
    pub(super) async fn connection(&self, main: &Connection) -> Connection {
        let mut last = self.last.lock().await;
        match &*last {
            Last::Opened(connection) if !connection.is_closed() => return connection.clone(),
            Last::Failed(at) if at.elapsed() < RETRY_INTERVAL => return main.clone(),
            _ => {}
        }
        match timeout(OPEN_TIMEOUT, self.open()).await {
            Ok(Ok(opened)) => {
                *last = Last::Opened(opened.clone());
                return opened;
            }
            Ok(Err(error)) => tracing::debug!("cannot open another connection to the bus: {error}"),
            Err(_) => tracing::debug!("the bus does not answer another connection"),
        }
        *last = Last::Failed(Instant::now());
        main.clone()
    }

    async fn open(&self) -> zbus::Result<Connection> {
        let bus = self.bus.get().ok_or(zbus::Error::Unsupported)?;
        inbound::selective(bus.clone(), &self.closers, Hearing::BUS)?.build().await
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use futures_util::{FutureExt, StreamExt};
    use testkit::bus::PrivateBus;
    use tokio::net::UnixListener;
    use zbus::message::Message;
    use zbus::{Fd, MessageStream, connection, fdo};

    use super::*;
    use crate::dbus::names;

    #[tokio::test]
    async fn questions_have_one_connection_of_their_own() {
        let bus = PrivateBus::start().unwrap();
        let address: Address = bus.address().try_into().unwrap();
        let main = connection::Builder::address(address.clone()).build().await.unwrap();
        let questions = Questions::new(Closers::new());
        questions.set_bus(address);
        let own = questions.connection(&main).await.unique_name().unwrap().clone();
        assert_ne!(Some(&own), main.unique_name());
        assert_eq!(questions.connection(&main).await.unique_name(), Some(&own));
    }

    #[tokio::test]
    async fn while_the_bus_accepts_no_other_connection_the_main_one_serves() {
        let bus = PrivateBus::start().unwrap();
        let main = connection::Builder::address(bus.address()).build().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("bus");
        let silent = UnixListener::bind(&socket).unwrap();
        let questions = Questions::new(Closers::new());
        questions.set_bus(format!("unix:path={}", socket.display()).as_str().try_into().unwrap());
        let (served, accepted) = tokio::join!(questions.connection(&main), silent.accept());
        assert!(accepted.is_ok());
        assert_eq!(served.unique_name(), main.unique_name());
        // The next question does not wait again.
        let served = questions.connection(&main).now_or_never().unwrap();
        assert_eq!(served.unique_name(), main.unique_name());
    }

    #[tokio::test]
    async fn a_lost_connection_is_replaced() {
        let bus = PrivateBus::start().unwrap();
        let address: Address = bus.address().try_into().unwrap();
        let main = connection::Builder::address(address.clone()).build().await.unwrap();
        let questions = Questions::new(Closers::new());
        questions.set_bus(address);
        let lost = questions.connection(&main).await;
        lost.clone().close().await.unwrap();
        let next = questions.connection(&main).await;
        assert!(!next.is_closed() && next.unique_name() != main.unique_name());
    }

    #[tokio::test]
    async fn messages_of_programs_are_dropped() {
        let bus = PrivateBus::start().unwrap();
        let address: Address = bus.address().try_into().unwrap();
        let program = connection::Builder::address(address.clone()).build().await.unwrap();
        let questions = Questions::new(Closers::new());
        questions.set_bus(address);
        let own = questions.connection(&program).await;
        let mut heard = MessageStream::from(&own);
        let noise = |body: &[Fd<'_>]| {
            let signal = Message::signal("/", "com.example.Noise", "Noise");
            signal.destination(own.unique_name().unwrap().clone()).build(&body).unwrap()
        };
        program.send(&noise(&[])).await.unwrap();
        program.send(&noise(&[Fd::from(OwnedFd::from(std::io::pipe().unwrap().0))])).await.unwrap();
        // A round trip of both: the signals have arrived.
        for connection in [&program, &own] {
            let bus = fdo::DBusProxy::new(connection).await.unwrap();
            bus.get_id().await.unwrap();
        }
        while let Some(Some(message)) = heard.next().now_or_never() {
            assert_eq!(message.unwrap().header().sender().unwrap(), names::DRIVER);
        }
    }
}
