//! The one task that knows the attached devices and publishes snapshots of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::snapshot::{Attached, Snapshot, State, credential_id};
use crate::clock::Clock;
use crate::device::{Attachment, DeviceId, Presence, Problem, Transport};
use crate::oath::Credential;
use crate::token::{Error, Event, Identities, Info, Token};

/// When to look again at a device that another program held exclusively while it should have been read.
const HELD_BACKOFF: [u64; 5] = [2, 5, 10, 30, 60];

/// Which device: the transport's place in the list, and its name there.
type Key = (usize, DeviceId);

/// What the keeper hears.
#[derive(Debug)]
pub(super) enum Input {
    Present(usize, Presence),
    News(Key, Event),
    /// Answered when everything before it has been published.
    Barrier(Barrier),
}

/// Answers by being dropped.
#[derive(Debug)]
pub(super) struct Barrier {
    pub(super) _answer: oneshot::Sender<()>,
}

pub(super) struct Keeper {
    transports: Vec<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    identities: Identities,
    snapshots: watch::Sender<Arc<Snapshot>>,
    inputs: mpsc::UnboundedSender<Input>,
    devices: BTreeMap<Key, Device>,
    /// By transport: what it can't do, once it has reported.
    reported: BTreeMap<usize, Option<Problem>>,
    version: u64,
}

/// A device, and the token that it turned out to be.
struct Device {
    token: Token,
    is_read: bool,
    held: usize,
    info: Option<Info>,
    state: State,
    credentials: Vec<Credential>,
}

impl Keeper {
    pub(super) fn new(
        transports: Vec<Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
        identities: Identities,
        snapshots: watch::Sender<Arc<Snapshot>>,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> Self {
        let (devices, reported) = (BTreeMap::new(), BTreeMap::new());
        Self { transports, clock, identities, snapshots, inputs, devices, reported, version: 0 }
    }

    /// Starts a monitor thread for each transport, and the task that hears them.
    pub(super) fn start(self, inbox: mpsc::UnboundedReceiver<Input>) -> std::io::Result<()> {
        for (place, transport) in self.transports.iter().enumerate() {
            let (reports, mut presences) = mpsc::unbounded_channel();
            let transport = Arc::clone(transport);
            thread::Builder::new()
                .name(format!("monitor-{}", transport.name()))
                .spawn(move || transport.watch(reports))?;
            let inputs = self.inputs.clone();
            tokio::spawn(async move {
                while let Some(presence) = presences.recv().await {
                    let _ = inputs.send(Input::Present(place, presence));
                }
            });
        }
        tokio::spawn(self.run(inbox));
        Ok(())
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Input>) {
        while let Some(input) = inbox.recv().await {
            match input {
                Input::Present(place, presence) => self.reconcile(place, presence),
                Input::News(key, event) => self.learn(&key, event),
                Input::Barrier(barrier) => {
                    drop(barrier);
                    continue;
                }
            }
            self.publish();
        }
    }

    /// Makes the devices of one transport those that it reports.
    fn reconcile(&mut self, place: usize, presence: Presence) {
        self.reported.insert(place, presence.problem);
        self.devices.retain(|(transport, id), _| {
            *transport != place || presence.devices.iter().any(|present| present.id == *id)
        });
        for attachment in presence.devices {
            let key = (place, attachment.id.clone());
            if !self.devices.contains_key(&key) {
                self.attach(key, attachment);
            }
        }
    }

    fn attach(&mut self, key: Key, attachment: Attachment) {
        let Some(transport) = self.transports.get(key.0) else { return };
        let (inputs, origin) = (self.inputs.clone(), key.clone());
        // An error means that the daemon is ending.
        let news = move |event| drop(inputs.send(Input::News(origin.clone(), event)));
        let token = Token::attach(
            Arc::clone(transport),
            attachment,
            Arc::clone(&self.clock),
            self.identities.clone(),
            Arc::new(news),
        );
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                tracing::error!("no thread for a token: {error}");
                return;
            }
        };
        let device = Device {
            token,
            is_read: false,
            held: 0,
            info: None,
            state: State::Reading,
            credentials: Vec::new(),
        };
        device.read_after(Duration::ZERO, &self.clock);
        self.devices.insert(key, device);
    }

    fn learn(&mut self, key: &Key, event: Event) {
        if let Event::Selected(info) = event {
            return self.introduce(key, info);
        }
        // News of a device that has gone meanwhile interest nobody.
        let Some(device) = self.devices.get_mut(key) else { return };
        device.is_read = true;
        match event {
            Event::Selected(_) | Event::Held => {}
            Event::Ready(credentials) => {
                (device.credentials, device.state) = (credentials, State::Ready);
                device.held = 0;
            }
            Event::Locked => (device.credentials, device.state) = (Vec::new(), State::Locked),
            Event::Stuck => device.state = State::Stuck,
            Event::NoApplication => tracing::debug!("{} holds no OATH token", key.1),
            Event::Revived => device.read_after(Duration::ZERO, &self.clock),
            Event::Failed(error) => device.fail(error, &key.1, &self.clock),
        }
    }

    /// Names a token for as long as it is attached. The same token in two readers, or two tokens that claim to
    /// be one, get different ids.
    fn introduce(&mut self, key: &Key, info: Info) {
        let taken: BTreeSet<_> = self
            .devices
            .iter()
            .filter(|(other, _)| *other != key)
            .filter_map(|(_, device)| device.info.as_ref().map(|info| info.id.clone()))
            .collect();
        if let Some(device) = self.devices.get_mut(key) {
            let id = unique(&info.id, &taken);
            match &mut device.info {
                Some(known) => known.attempts_left = info.attempts_left,
                None => device.info = Some(Info { id, ..info }),
            }
        }
    }

    fn publish(&mut self) {
        self.version += 1;
        let settled = self.reported.len() == self.transports.len()
            && self.devices.values().all(|device| device.is_read);
        let problems: BTreeSet<_> = self.reported.values().filter_map(|problem| *problem).collect();
        let tokens = self.devices.values().filter_map(Device::view).collect();
        self.snapshots.send_replace(Arc::new(Snapshot { version: self.version, settled, problems, tokens }));
    }
}

impl Device {
    fn fail(&mut self, error: Error, id: &DeviceId, clock: &Arc<dyn Clock>) {
        tracing::warn!("{id} could not be read: {error}");
        if error == Error::Busy
            && let Some(seconds) = HELD_BACKOFF.get(self.held).or(HELD_BACKOFF.last())
        {
            self.held += 1;
            self.read_after(Duration::from_secs(*seconds), clock);
        }
        self.state = State::Error(error);
    }

    fn read_after(&self, delay: Duration, clock: &Arc<dyn Clock>) {
        let (token, clock) = (self.token.downgrade(), Arc::clone(clock));
        tokio::spawn(async move {
            if !delay.is_zero() {
                clock.sleep(delay).await;
            }
            if let Some(token) = token.upgrade() {
                // What went wrong arrives as an event.
                let _ = token.read().await;
            }
        });
    }

    fn view(&self) -> Option<(String, Arc<Attached>)> {
        let info = self.info.clone()?;
        let id = info.id.clone();
        let credentials = self
            .credentials
            .iter()
            .map(|credential| (credential_id(&id, &credential.name), credential.clone()))
            .collect();
        let (state, token) = (self.state.clone(), self.token.clone());
        Some((id, Arc::new(Attached { info, state, credentials, token })))
    }
}

fn unique(id: &str, taken: &BTreeSet<String>) -> String {
    let mut candidate = id.to_owned();
    let mut count = 1;
    while taken.contains(&candidate) {
        count += 1;
        candidate = format!("{id}_{count}");
    }
    candidate
}
