//! The daemon's signals, in the order of arrival.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use futures_util::StreamExt;
use oathbridge::dbus::names;
use tokio::sync::mpsc;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, ObjectPath, OwnedVariant, Variant};

use super::last_part;

/// The timeout for the next signal.
const SIGNAL_TIMEOUT: Duration = Duration::from_secs(30);

/// One signal. Interfaces have the last parts of their names; interfaces other than ours are left out.
#[derive(Debug)]
pub enum Event {
    /// `InterfacesAdded`.
    Added {
        /// The path of the object.
        path: String,
        /// The interfaces.
        interfaces: BTreeSet<String>,
    },
    /// `InterfacesRemoved`.
    Removed {
        /// The path of the object.
        path: String,
        /// The interfaces.
        interfaces: BTreeSet<String>,
    },
    /// `PropertiesChanged`.
    Changed {
        /// The path of the object.
        path: String,
        /// The interface.
        interface: String,
        /// The new values.
        properties: HashMap<String, OwnedVariant>,
    },
}

impl Event {
    /// The path without the root: `tokens/…`.
    pub fn place(&self) -> &str {
        let (Self::Added { path, .. } | Self::Removed { path, .. } | Self::Changed { path, .. }) = self;
        path.strip_prefix(names::ROOT).unwrap_or(path).trim_start_matches('/')
    }

    /// The new value of a property, if this event changes it and it has that type.
    pub fn value<T: TryFrom<OwnedVariant>>(&self, name: &str) -> Option<T> {
        let Self::Changed { properties, .. } = self else { return None };
        let value = properties.get(name)?.try_clone().ok()?;
        T::try_from(value).ok()
    }

    /// The event of a signal of the daemon; `None` for other messages.
    pub fn of(message: &Message) -> Option<Self> {
        let header = message.header();
        let body = message.body();
        match header.member()?.as_str() {
            "InterfacesAdded" => {
                type Added<'m> = (ObjectPath<'m>, HashMap<String, HashMap<String, Variant<'m>>>);
                let (path, interfaces): Added<'_> = body.deserialize().ok()?;
                let interfaces = interfaces.keys().filter_map(|name| last_part(name)).collect();
                Some(Self::Added { path: path.to_string(), interfaces })
            }
            "InterfacesRemoved" => {
                let (path, interfaces): (ObjectPath<'_>, Vec<String>) = body.deserialize().ok()?;
                let interfaces = interfaces.iter().filter_map(|name| last_part(name)).collect();
                Some(Self::Removed { path: path.to_string(), interfaces })
            }
            "PropertiesChanged" => {
                type Changed = (String, HashMap<String, OwnedVariant>, Vec<String>);
                let (interface, properties, _): Changed = body.deserialize().ok()?;
                let interface = last_part(&interface)?;
                Some(Self::Changed { path: header.path()?.to_string(), interface, properties })
            }
            _ => None,
        }
    }
}

/// The signals since the creation of this value, in a queue.
#[derive(Debug)]
pub struct Signals {
    events: mpsc::UnboundedReceiver<Event>,
}

impl Signals {
    pub(super) async fn of(connection: &Connection) -> zbus::Result<Self> {
        let rule =
            MatchRule::builder().msg_type(Type::Signal).path_namespace(names::ROOT).build()?.to_owned();
        let mut stream = MessageStream::for_match_rule(rule, connection, None).await?;
        let (sender, events) = mpsc::unbounded_channel();
        // A stream that is not polled would block the connection.
        tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Some(event) = Event::of(&message)
                    && sender.send(event).is_err()
                {
                    return;
                }
            }
        });
        Ok(Self { events })
    }

    /// The next signal.
    ///
    /// # Errors
    ///
    /// The timeout of 30 s passed.
    pub async fn next(&mut self) -> io::Result<Event> {
        match tokio::time::timeout(SIGNAL_TIMEOUT, self.events.recv()).await {
            Ok(Some(event)) => Ok(event),
            Ok(None) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "there was no signal")),
        }
    }

    /// All signals up to and including the first one for which `fits` is true.
    ///
    /// # Errors
    ///
    /// There was no signal for 30 s before one fits; the error contains the signals.
    pub async fn until(&mut self, fits: impl Fn(&Event) -> bool) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Ok(event) => events.push(event),
                Err(error) => return Err(io::Error::new(error.kind(), format!("{error} after {events:?}"))),
            }
            if events.last().is_some_and(&fits) {
                return Ok(events);
            }
        }
    }

    /// The queued signals.
    pub fn waiting(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}
