//! The one task that knows the attached devices and publishes snapshots of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use tokio::sync::{mpsc, oneshot, watch};

use super::device::{Device, Waiter};
use super::snapshot::{DeviceKey, Snapshot};
use super::tokens;
use crate::clock::Clock;
use crate::device::{Attachment, Presence, Problem, Transport};
use crate::task::Task;
use crate::token::{Event, Identities, Info, Token};

/// What the keeper hears.
#[derive(Debug)]
pub(super) enum Input {
    Present(usize, Presence),
    News(DeviceKey, Event),
    /// A reading of this device is over, and its events have come before this.
    ReadingEnded(DeviceKey),
    /// A call misses a token. Answered when the transports have looked at what is attached and the devices that could not
    /// be read have been read again.
    Wanted(Waiter),
    /// This transport has looked; what it found has come before this.
    Looked(usize),
    /// Answered when everything before it has been published.
    Barrier(Waiter),
}

pub(super) struct Keeper {
    transports: Vec<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    identities: Identities,
    snapshots: watch::Sender<Arc<Snapshot>>,
    inputs: mpsc::UnboundedSender<Input>,
    devices: BTreeMap<DeviceKey, Device>,
    /// By transport: what it can't do, once it has reported.
    reported: BTreeMap<usize, Option<Problem>>,
    version: u64,
    /// Answered when the next snapshot is out.
    answered: Vec<Arc<Waiter>>,
    /// The transports that look at the moment.
    looks: BTreeMap<usize, Look>,
}

/// A transport compares what is attached with what it reported.
struct Look {
    waiters: Vec<Arc<Waiter>>,
    /// Those that came after it had begun: they need another one.
    next: Vec<Arc<Waiter>>,
}

impl Keeper {
    pub(super) fn new(
        transports: Vec<Arc<dyn Transport>>,
        clock: Arc<dyn Clock>,
        identities: Identities,
        snapshots: watch::Sender<Arc<Snapshot>>,
        inputs: mpsc::UnboundedSender<Input>,
    ) -> Self {
        Self {
            transports,
            clock,
            identities,
            snapshots,
            inputs,
            devices: BTreeMap::new(),
            reported: BTreeMap::new(),
            version: 0,
            answered: Vec::new(),
            looks: BTreeMap::new(),
        }
    }

    /// Starts a monitor thread for each transport. One task ends with each thread, another keeps the snapshots.
    pub(super) fn start(self, inbox: mpsc::UnboundedReceiver<Input>) -> std::io::Result<Vec<Task>> {
        let mut tasks = Vec::new();
        for (place, transport) in self.transports.iter().enumerate() {
            let name = format!("monitor-{}", transport.name());
            let (transport, inputs) = (Arc::clone(transport), self.inputs.clone());
            let (alive, ended) = oneshot::channel::<()>();
            let watch = move || {
                let _alive = alive;
                transport.watch(&mut |presence| inputs.send(Input::Present(place, presence)).is_ok());
            };
            thread::Builder::new().name(name.clone()).spawn(watch)?;
            tasks.push(Task::new(name, async move { drop(ended.await) }));
        }
        tasks.push(Task::new("registry", self.run(inbox)));
        Ok(tasks)
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Input>) {
        while let Some(input) = inbox.recv().await {
            match input {
                Input::Present(place, presence) => self.reconcile(place, presence),
                Input::News(key, event) => self.learn(&key, event),
                Input::ReadingEnded(key) => self.end_reading(&key),
                Input::Wanted(waiter) => {
                    self.want(waiter);
                    continue;
                }
                Input::Looked(place) => {
                    self.end_look(place);
                    continue;
                }
                Input::Barrier(waiter) => {
                    drop(waiter);
                    continue;
                }
            }
            self.publish();
            self.answered.clear();
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

    fn attach(&mut self, key: DeviceKey, attachment: Attachment) {
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
        let mut device = Device::new(token, Arc::clone(&self.clock));
        device.read(self.reading_ended(&key));
        self.devices.insert(key, device);
    }

    fn learn(&mut self, key: &DeviceKey, event: Event) {
        if let Event::Selected(info) = event {
            return self.introduce(key, info);
        }
        let ended = self.reading_ended(key);
        // News of a device that has gone meanwhile interest nobody.
        let Some(device) = self.devices.get_mut(key) else { return };
        match &event {
            Event::NoApplication => tracing::debug!("{} holds no OATH token", key.1),
            Event::Failed(error) => tracing::warn!("{} could not be read: {error}", key.1),
            _ => {}
        }
        let is_revived = matches!(event, Event::Revived);
        device.learn(event);
        if is_revived {
            device.read(ended);
        } else {
            device.retry(ended);
        }
    }

    fn end_reading(&mut self, key: &DeviceKey) {
        let ended = self.reading_ended(key);
        if let Some(device) = self.devices.get_mut(key) {
            self.answered.append(&mut device.end_reading());
            device.retry(ended);
        }
    }

    /// A call misses a token. Each transport keeps the waiter until it has looked, and each failed device until it has been
    /// read again.
    fn want(&mut self, waiter: Waiter) {
        let waiter = Arc::new(waiter);
        self.devices.values_mut().for_each(|device| device.want(&waiter));
        for place in 0..self.transports.len() {
            match self.looks.get_mut(&place) {
                Some(look) => look.next.push(Arc::clone(&waiter)),
                None => self.look(place, vec![Arc::clone(&waiter)]),
            }
        }
    }

    fn look(&mut self, place: usize, waiters: Vec<Arc<Waiter>>) {
        let Some(transport) = self.transports.get(place) else { return };
        let (transport, inputs) = (Arc::clone(transport), self.inputs.clone());
        tokio::task::spawn_blocking(move || {
            transport.look_again();
            // An error means that the daemon is ending.
            let _ = inputs.send(Input::Looked(place));
        });
        self.looks.insert(place, Look { waiters, next: Vec::new() });
    }

    fn end_look(&mut self, place: usize) {
        let Some(Look { waiters, next }) = self.looks.remove(&place) else { return };
        // This is the answer: what the transport found has been published.
        drop(waiters);
        if !next.is_empty() {
            self.look(place, next);
        }
    }

    fn reading_ended(&self, key: &DeviceKey) -> impl FnOnce() + Send + 'static {
        let (inputs, key) = (self.inputs.clone(), key.clone());
        // An error means that the daemon is ending.
        move || drop(inputs.send(Input::ReadingEnded(key)))
    }

    /// Finds the token of a device, which then keeps that token as long as it is attached.
    fn introduce(&mut self, key: &DeviceKey, info: Info) {
        let id = tokens::name(key, &info.id, &self.devices);
        let Some(device) = self.devices.get_mut(key) else { return };
        match &mut device.info {
            Some(known) => known.attempts_left = info.attempts_left,
            None => device.info = Some(Info { id, ..info }),
        }
    }

    fn publish(&mut self) {
        self.version += 1;
        let settled = self.reported.len() == self.transports.len()
            && self.devices.values().all(|device| device.is_read);
        let problems: BTreeSet<_> = self.reported.values().filter_map(|problem| *problem).collect();
        let tokens = tokens::view(&self.devices);
        self.snapshots.send_replace(Arc::new(Snapshot { version: self.version, settled, problems, tokens }));
    }
}
