//! A connection for questions to the bus.
//!
//! On the main connection, an answer of the bus comes after all calls that wait there. In a flood of calls, each question
//! about a new caller would wait for the flood, and the caller would be unknown after a timeout.

use std::sync::OnceLock;

use tokio::sync::Mutex;
use zbus::address::Address;
use zbus::{Connection, connection};

/// The connection, opened by the first question, and by the first one after it was lost.
#[derive(Debug, Default)]
pub(super) struct Questions {
    bus: OnceLock<Address>,
    connection: Mutex<Option<Connection>>,
}

impl Questions {
    /// Sets the bus.
    pub(super) fn set_bus(&self, bus: Address) {
        // There is one bus, so this is called once.
        let _ = self.bus.set(bus);
    }

    /// The connection; `main` if the bus accepts no other one.
    pub(super) async fn connection(&self, main: &Connection) -> Connection {
        let mut connection = self.connection.lock().await;
        if let Some(open) = connection.as_ref().filter(|connection| !connection.is_closed()) {
            return open.clone();
        }
        let opened = match self.bus.get() {
            Some(bus) => connection::Builder::address(bus.clone()).build().await,
            None => Err(zbus::Error::Unsupported),
        };
        match opened {
            Ok(opened) => connection.insert(opened).clone(),
            Err(error) => {
                tracing::debug!("cannot open another connection to the bus: {error}");
                main.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::bus::PrivateBus;

    use super::*;

    #[tokio::test]
    async fn questions_have_one_connection_of_their_own() {
        let bus = PrivateBus::start().unwrap();
        let address: Address = bus.address().try_into().unwrap();
        let main = connection::Builder::address(address.clone()).build().await.unwrap();
        let questions = Questions::default();
        assert_eq!(
            questions.connection(&main).await.unique_name(),
            main.unique_name(),
            "there is no bus yet"
        );
        questions.set_bus(address);
        let own = questions.connection(&main).await.unique_name().unwrap().clone();
        assert_ne!(Some(&own), main.unique_name());
        assert_eq!(questions.connection(&main).await.unique_name(), Some(&own));
    }

    #[tokio::test]
    async fn a_lost_connection_is_replaced() {
        let bus = PrivateBus::start().unwrap();
        let address: Address = bus.address().try_into().unwrap();
        let main = connection::Builder::address(address.clone()).build().await.unwrap();
        let questions = Questions::default();
        questions.set_bus(address);
        let lost = questions.connection(&main).await;
        lost.clone().close().await.unwrap();
        let next = questions.connection(&main).await;
        assert!(!next.is_closed() && next.unique_name() != main.unique_name());
    }
}
