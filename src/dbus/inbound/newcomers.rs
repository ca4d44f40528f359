//! Messages that wait until their connections are identified.
//!
//! Connections that are not identified yet share one quota. A program that opens connections all the time can use it
//! up, and then the first messages of others wait here for a moment, until they count for their own programs.

use std::collections::VecDeque;
use std::sync::Arc;

use super::intake::Arrived;
use crate::access::CallClass;
use crate::dbus::client::Client;

/// The number of messages that wait, of all connections and of one.
const MAX_MESSAGES: usize = 256;
const MAX_MESSAGES_PER_CLIENT: usize = 4;

/// The number of waiting messages from which one connection may have only one of them.
const MANY_MESSAGES: usize = MAX_MESSAGES / 2;

/// The maximum length of a message that waits, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// What becomes of a message whose client is not identified yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It waits.
    Waits,
    /// There is no room for it, and it must not overtake earlier messages of its client.
    Refused,
    /// There is no room for it, and no earlier message of its client waits.
    Passes,
}

/// The messages that wait. Those that lock or cancel have places of their own, and overtake the other ones.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    securing: Queue,
    others: Queue,
}

impl Newcomers {
    /// The messages that wait for the same places as one of this class.
    pub(super) fn of(&mut self, class: CallClass) -> &mut Queue {
        if class == CallClass::Secure { &mut self.securing } else { &mut self.others }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.securing.0.is_empty() && self.others.0.is_empty()
    }

    /// The oldest message whose client is identified now.
    pub(super) fn next(&mut self) -> Option<Arrived> {
        self.securing.next().or_else(|| self.others.next())
    }
}

/// The messages that wait for the same places, oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<(Arc<Client>, Arrived)>);

impl Queue {
    /// Whether a message of this client waits, so that a later one must not overtake it.
    pub(super) fn has(&self, client: &Arc<Client>) -> bool {
        self.0.iter().any(|(waiting, _)| Arc::ptr_eq(waiting, client))
    }

    /// Where a message belongs, which may be too long or one too many.
    pub(super) fn place(&self, client: &Arc<Client>, arrived: &Arrived) -> Place {
        let own = self.0.iter().filter(|(waiting, _)| Arc::ptr_eq(waiting, client)).count();
        let is_long = arrived.message.data().bytes().len() > MAX_BYTES;
        let most = if self.0.len() < MANY_MESSAGES { MAX_MESSAGES_PER_CLIENT } else { 1 };
        match is_long || own >= most || self.0.len() >= MAX_MESSAGES {
            true if own > 0 => Place::Refused,
            true => Place::Passes,
            false => Place::Waits,
        }
    }

    /// Keeps a counted message whose place this is until its client is identified.
    pub(super) fn keep(&mut self, client: Arc<Client>, mut arrived: Arrived) {
        arrived.is_counted = true;
        self.0.push_back((client, arrived));
    }

    /// The oldest message whose client is identified now. Those of clients that have left are dropped.
    fn next(&mut self) -> Option<Arrived> {
        self.0.retain(|(client, _)| !client.left().is_cancelled());
        let place = self.0.iter().position(|(client, _)| client.counts().is_identified())?;
        self.0.remove(place).map(|(_, arrived)| arrived)
    }
}

#[cfg(test)]
mod tests {
    use zbus::connection::socket::ReadHalf;

    use super::super::length::Begun;
    use super::super::wire::{connected, send};
    use super::super::{intake, length};
    use super::*;
    use crate::access::Limits;
    use crate::clock::ManualClock;
    use crate::config;
    use crate::dbus::census::Census;
    use crate::dbus::descriptors::Closers;

    /// The place of a message, which is kept if it waits.
    fn put(queue: &mut Queue, client: &Arc<Client>, arrived: Arrived) -> Place {
        let place = queue.place(client, &arrived);
        if place == Place::Waits {
            queue.keep(Arc::clone(client), arrived);
        }
        place
    }

    async fn message(body: usize) -> Arrived {
        let (mut bus, mut half, _directory) = connected();
        send(&mut bus, ":1.1", body);
        assert!(half.can_pass_unix_fd());
        let mut begun: Begun = length::first(&half).await.unwrap();
        intake::receive(&mut half, &mut begun, 1 << 20, 0, (&Closers::new(), &Arc::default()))
            .await
            .unwrap()
            .unwrap()
    }

    #[tokio::test]
    async fn a_message_waits_until_its_client_is_identified_or_has_left() {
        let clock = Arc::new(ManualClock::at(std::time::Duration::ZERO));
        let limits = Limits::new(config::Limits::default(), clock);
        let census = Census::default();
        let [stays, known, leaves] =
            [":1.1", ":1.2", ":1.3"].map(|name| Arc::new(Client::new(name, &census)));
        let mut newcomers = Queue::default();
        for client in [&stays, &known, &leaves, &known] {
            assert_eq!(put(&mut newcomers, client, message(1).await), Place::Waits);
        }
        assert!(newcomers.next().is_none());
        limits.know(known.counts(), "a");
        leaves.leave();
        assert!(newcomers.next().is_some() && newcomers.has(&known));
        assert!(newcomers.next().is_some() && !newcomers.has(&known));
        assert!(newcomers.next().is_none() && newcomers.has(&stays) && !newcomers.has(&leaves));
    }

    #[tokio::test]
    async fn few_and_short_messages_wait_and_none_overtakes_an_earlier_one() {
        let census = Census::default();
        let client = |name: &str| Arc::new(Client::new(name, &census));
        let (mut newcomers, one) = (Queue::default(), client("one"));
        assert_eq!(put(&mut newcomers, &one, message(MAX_BYTES).await), Place::Passes);
        for _ in 0..MAX_MESSAGES_PER_CLIENT {
            assert_eq!(put(&mut newcomers, &one, message(1).await), Place::Waits);
        }
        for bytes in [1, MAX_BYTES] {
            assert_eq!(put(&mut newcomers, &one, message(bytes).await), Place::Refused);
        }
        for number in MAX_MESSAGES_PER_CLIENT..MAX_MESSAGES {
            let client = client(&number.to_string());
            assert_eq!(put(&mut newcomers, &client, message(1).await), Place::Waits);
            let second = (number >= MANY_MESSAGES).then_some(message(1).await);
            let second = second.map(|second| put(&mut newcomers, &client, second));
            assert!(second.is_none_or(|second| second == Place::Refused));
        }
        assert_eq!(put(&mut newcomers, &client("last"), message(1).await), Place::Passes);
    }

    /// A program that fills all other places keeps no new connection from locking.
    #[tokio::test]
    async fn messages_that_lock_or_cancel_have_places_of_their_own_and_go_first() {
        let limits =
            Limits::new(config::Limits::default(), Arc::new(ManualClock::at(std::time::Duration::ZERO)));
        let census = Census::default();
        let client = Arc::new(Client::new(":1.1", &census));
        let mut newcomers = Newcomers::default();
        for number in 0..MAX_MESSAGES {
            let other = Arc::new(Client::new(&format!(":1.{number}"), &census));
            assert_eq!(put(newcomers.of(CallClass::Query), &other, message(1).await), Place::Waits);
        }
        assert_eq!(put(newcomers.of(CallClass::Code), &client, message(1).await), Place::Passes);
        assert_eq!(put(newcomers.of(CallClass::Secure), &client, message(2).await), Place::Waits);
        newcomers.of(CallClass::Query).0.push_front((Arc::clone(&client), message(1).await));
        limits.know(client.counts(), "a");
        let lengths = [(); 3].map(|()| newcomers.next().map(|next| next.message.data().bytes().len()));
        assert!(lengths[0] > lengths[1] && lengths[1].is_some() && lengths[2].is_none(), "{lengths:?}");
        assert!(!newcomers.is_empty());
    }
}
