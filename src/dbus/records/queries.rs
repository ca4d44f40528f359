//! Calls that zbus answers by itself: for properties, the tree and introspection data. Few queries of a client are
//! answered at once, and the others wait here, because their replies are long and would delay those of other clients.

use std::collections::{HashMap, VecDeque};

use zbus::message::Message;

use crate::access::{Permit, Refusal};
use crate::dbus::census::Counted;

/// The number of queries of one client that are answered at once.
const MAX_QUERIES_AT_ONCE: usize = 4;

/// The permits of a query until its reply is sent.
type Held = (Permit, Counted);

/// The running queries of one client.
#[derive(Debug, Default)]
pub(in crate::dbus) struct Queries {
    /// The delivered queries whose replies are not sent yet, by serial number.
    delivered: HashMap<u32, Held>,
    waiting: VecDeque<(Message, Held)>,
}

impl Queries {
    /// Whether this query may be answered now; otherwise it is released later.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] for a serial number that waits for its reply; a correct client does not reuse it before that.
    pub(in crate::dbus) fn admit(&mut self, query: &Message, held: Held) -> Result<bool, Refusal> {
        if self.delivered.contains_key(&serial(query)) {
            return Err(Refusal::Busy);
        }
        let is_now = self.delivered.len() < MAX_QUERIES_AT_ONCE;
        if is_now {
            self.delivered.insert(serial(query), held);
        } else {
            self.waiting.push_back((query.clone(), held));
        }
        Ok(is_now)
    }

    /// Records that the reply to this call was sent. Returns the next query.
    pub(in crate::dbus) fn answered(&mut self, serial_number: u32) -> Option<Message> {
        self.delivered.remove(&serial_number)?;
        let (next, held) = self.waiting.pop_front()?;
        self.delivered.insert(serial(&next), held);
        Some(next)
    }
}

impl Queries {
    /// Drops all queries, because their replies cannot be delivered.
    pub(in crate::dbus) fn clear(&mut self) {
        self.delivered.clear();
        self.waiting.clear();
    }
}

fn serial(query: &Message) -> u32 {
    query.primary_header().serial_num().get()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access::{CallClass, ConnectionCounts, Limits};
    use crate::clock::SystemClock;
    use crate::config;
    use crate::dbus::census::{Census, Item};

    fn query() -> Message {
        Message::method_call("/", "Ping").build(&()).unwrap()
    }

    fn held(limits: &Limits) -> Held {
        let permit = limits.admit(&Arc::<ConnectionCounts>::default(), CallClass::Query).unwrap();
        (permit, Census::default().count(Item::Query))
    }

    #[test]
    fn few_queries_are_answered_at_once_and_the_others_wait_in_order() {
        let limits = Limits::new(config::Limits::default(), Arc::new(SystemClock::new()));
        let mut queries = Queries::default();
        let all: Vec<_> = (0..7).map(|_| query()).collect();
        let answers: Vec<_> = all.iter().map(|query| queries.admit(query, held(&limits)).unwrap()).collect();
        assert_eq!(answers, [true, true, true, true, false, false, false]);
        assert_eq!(queries.admit(&all[0], held(&limits)), Err(Refusal::Busy), "one number, one reply");
        assert!(queries.answered(serial(&all[6])).is_none(), "this query waits");
        assert_eq!(queries.answered(serial(&all[2])).map(|next| serial(&next)), Some(serial(&all[4])));
        assert_eq!(queries.answered(serial(&all[0])).map(|next| serial(&next)), Some(serial(&all[5])));
        assert_eq!(queries.admit(&query(), held(&limits)), Ok(false));
    }

    #[test]
    fn an_answered_query_is_removed() {
        let limits = Limits::new(config::Limits::default(), Arc::new(SystemClock::new()));
        let mut queries = Queries::default();
        let mut open = VecDeque::new();
        for query in (0..20).map(|_| query()) {
            if queries.admit(&query, held(&limits)).unwrap() {
                open.push_back(query);
            }
        }
        let mut answered = 0;
        while let Some(query) = open.pop_front() {
            open.extend(queries.answered(serial(&query)));
            answered += 1;
        }
        assert!(answered == 20 && queries.delivered.is_empty() && queries.waiting.is_empty(), "{answered}");
    }
}
