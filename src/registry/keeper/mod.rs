//! The registry's task: it holds the state of the attached devices, and publishes snapshots of it.

mod rescans;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::device::{Device, Waiter};
use super::message::{Message, Origin};
use super::monitors::monitors;
use super::snapshot::{DeviceKey, Snapshot, State};
use super::tokens;
use crate::clock::Clock;
use crate::device::{Attachment, Presence, Problem, Transport};
use crate::task::Task;
use crate::token::{self, Event, Identities, Info, OtpSlots, Token};
use rescans::Rescan;

/// The maximum number of devices of a transport. Each has a thread, and the unit limits them; pcscd has at most 16 readers.
const MAX_DEVICES: usize = 32;

/// The duration of a first reading after which its token is shown before it ends.
const SLOW_READING: Duration = Duration::from_secs(1);

pub(super) struct Keeper {
    transports: Arc<OnceLock<Vec<Arc<dyn Transport>>>>,
    clock: Arc<dyn Clock>,
    identities: Identities,
    otp_slots: OtpSlots,
    snapshots: watch::Sender<Arc<Snapshot>>,
    messages: mpsc::UnboundedSender<Message>,
    devices: BTreeMap<DeviceKey, Device>,
    /// The number of the last attachment.
    attachments: u64,
    /// The problem in the last report of each transport, by index; a transport without a report has no entry.
    reported: BTreeMap<usize, BTreeSet<Problem>>,
    /// The transports with more devices than are used.
    crowded: BTreeSet<usize>,
    version: u64,
    /// The waiters that are answered after the next snapshot has been published.
    answered: Vec<Arc<Waiter>>,
    /// The running rescans, by index of the transport.
    rescans: BTreeMap<usize, Rescan>,
}

impl Keeper {
    pub(super) fn new(
        transports: Arc<OnceLock<Vec<Arc<dyn Transport>>>>,
        clock: Arc<dyn Clock>,
        identities: Identities,
        otp_slots: OtpSlots,
        snapshots: watch::Sender<Arc<Snapshot>>,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        Self {
            transports,
            clock,
            identities,
            otp_slots,
            snapshots,
            messages,
            devices: BTreeMap::new(),
            attachments: 0,
            reported: BTreeMap::new(),
            crowded: BTreeSet::new(),
            version: 0,
            answered: Vec::new(),
            rescans: BTreeMap::new(),
        }
    }

    /// Starts a monitor thread for each transport. Returns one task for each thread, which ends with it, and the keeper's own
    /// task.
    pub(super) fn start(self, inbox: mpsc::UnboundedReceiver<Message>) -> std::io::Result<Vec<Task>> {
        let mut tasks = monitors(self.transports(), &self.messages)?;
        tasks.push(Task::new("registry", self.run(inbox)));
        Ok(tasks)
    }

    fn transports(&self) -> &[Arc<dyn Transport>] {
        self.transports.get().map_or(&[], Vec::as_slice)
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        while let Some(message) = inbox.recv().await {
            if self.handle(message) {
                self.publish();
                self.answered.clear();
            }
        }
    }

    /// Returns whether the state may have changed.
    fn handle(&mut self, message: Message) -> bool {
        use Message::{Barrier, Event, Opened, Presence, ReadingEnded, Rescan, RescanEnded, Slow, Unused};
        let is_change = matches!(message, Opened | Presence(..) | Event(..) | Slow(_) | ReadingEnded(_));
        match message {
            Opened => {}
            Presence(place, presence) => self.reconcile(place, presence),
            Event(origin, _) | Slow(origin) | ReadingEnded(origin) if !self.is_attached(&origin) => {
                return false;
            }
            // It changes no device.
            Event(origin, event) if matches!(*event, token::Event::Begun) => {
                self.await_slow(&origin);
                return false;
            }
            Event(origin, event) => self.apply(&origin, *event),
            Slow(origin) => return self.devices.get_mut(&origin.key).is_some_and(Device::show_slow),
            ReadingEnded(origin) => self.end_reading(&origin),
            Rescan(waiter) => self.request_rescan(waiter),
            RescanEnded(place) => self.end_rescan(place),
            Barrier(waiter) => drop(waiter),
            Unused(includes_cards, answer) => {
                let is_unused = |device: &&Device| device.may_become_token(includes_cards);
                let unused = self.devices.values().filter(is_unused);
                // An error means that the caller has left.
                let _ = answer.send(unused.map(|device| device.token.clone()).collect());
            }
        }
        is_change
    }

    /// Replaces the devices of one transport by the reported ones. A device that is in both keeps its state.
    fn reconcile(&mut self, place: usize, presence: Presence) {
        self.reported.insert(place, presence.problems);
        self.devices.retain(|(transport, id), _| {
            *transport != place || presence.devices.iter().any(|present| present.id == *id)
        });
        let mut attached = self.devices.keys().filter(|(transport, _)| *transport == place).count();
        let mut ignored = 0_usize;
        for attachment in presence.devices {
            let key = (place, attachment.id.clone());
            if self.devices.contains_key(&key) {
                continue;
            }
            if attached >= MAX_DEVICES {
                ignored += 1;
                continue;
            }
            attached += 1;
            self.attach(key, attachment);
        }
        self.note_ignored(place, ignored);
    }

    /// Logs once that devices are ignored. The report in which one of the others is missing attaches them.
    fn note_ignored(&mut self, place: usize, ignored: usize) {
        if ignored == 0 {
            self.crowded.remove(&place);
        } else if self.crowded.insert(place) {
            tracing::warn!(
                "{ignored} devices are ignored, because {MAX_DEVICES} others of their kind are attached; unplug some"
            );
        }
    }

    fn attach(&mut self, key: DeviceKey, attachment: Attachment) {
        let Some(transport) = self.transports().get(key.0).map(Arc::clone) else { return };
        let (messages, name) = (self.messages.clone(), transport.name());
        self.attachments += 1;
        let origin = Origin { key: key.clone(), attachment: self.attachments };
        let from = origin.clone();
        // An error means that the daemon is ending.
        let sink = move |event| drop(messages.send(Message::Event(from.clone(), Box::new(event))));
        let token = Token::attach(
            transport,
            attachment.clone(),
            Arc::clone(&self.clock),
            self.identities.clone(),
            self.otp_slots.clone(),
            Arc::new(sink),
        );
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                tracing::error!("cannot start the thread of a token: {error}");
                return;
            }
        };
        let mut device = Device::new(token, attachment, name, origin.attachment, Arc::clone(&self.clock));
        device.read(self.reading_ended(&origin));
        self.devices.insert(key, device);
    }

    /// Whether the device was neither detached nor attached again since it sent a message.
    fn is_attached(&self, origin: &Origin) -> bool {
        self.devices.get(&origin.key).is_some_and(|device| device.number == origin.attachment)
    }

    fn apply(&mut self, origin: &Origin, event: Event) {
        let key = &origin.key;
        match event {
            Event::Selected(info) => return self.introduce(key, info),
            Event::Replaced => return self.replace(key),
            _ => {}
        }
        let ended = self.reading_ended(origin);
        let Some(device) = self.devices.get_mut(key) else { return };
        match &event {
            Event::WithoutOath(_) if device.state != State::NoOath => {
                tracing::info!("the OATH application of {} is switched off or missing", key.1);
            }
            Event::NoApplication | Event::Failed(token::Error::Unclear) => {
                tracing::debug!("{} holds no OATH token", key.1)
            }
            // Once for each reason, because the reading is repeated until it succeeds.
            Event::Failed(token::Error::Busy) if device.state == State::Busy => {}
            Event::Failed(error) if device.state != State::Error(error.clone()) => {
                tracing::warn!("{} could not be read: {error}", key.1);
            }
            _ => {}
        }
        let is_revived = matches!(event, Event::Revived);
        device.apply(event);
        if is_revived {
            device.read(ended);
        } else {
            device.retry(ended);
        }
    }

    /// Shows the device if its first reading takes long.
    fn await_slow(&mut self, origin: &Origin) {
        let Some(device) = self.devices.get_mut(&origin.key) else { return };
        let (clock, messages, origin) = (Arc::clone(&self.clock), self.messages.clone(), origin.clone());
        let over = device.begin_first_reading();
        tokio::spawn(async move {
            tokio::select! {
                // An error means that the daemon is ending.
                () = clock.sleep(SLOW_READING) => drop(messages.send(Message::Slow(origin))),
                // The device has dropped the sender.
                _ = over => {}
            }
        });
    }

    /// Attaches the device again, because another token is in its place.
    fn replace(&mut self, key: &DeviceKey) {
        tracing::info!("the token in {} was replaced by another one", key.1);
        if let Some(mut device) = self.devices.remove(key) {
            self.answered.append(&mut device.end_reading());
            self.attach(key.clone(), device.attachment);
        }
    }

    fn end_reading(&mut self, origin: &Origin) {
        let ended = self.reading_ended(origin);
        if let Some(device) = self.devices.get_mut(&origin.key) {
            self.answered.append(&mut device.end_reading());
            device.retry(ended);
        }
    }

    fn reading_ended(&self, origin: &Origin) -> impl FnOnce() + Send + 'static {
        let (messages, origin) = (self.messages.clone(), origin.clone());
        // An error means that the daemon is ending.
        move || drop(messages.send(Message::ReadingEnded(origin)))
    }

    /// Assigns a token to a device at its first selection. The assignment does not change while the device is attached.
    fn introduce(&mut self, key: &DeviceKey, info: Info) {
        let id = tokens::assign_id(key, &info.id, &self.devices);
        let Some(device) = self.devices.get_mut(key) else { return };
        match &mut device.info {
            Some(known) => {
                (known.pin_set, known.attempts_left) = (info.pin_set, info.attempts_left);
            }
            None => device.info = Some(Info { id, ..info }),
        }
    }

    fn publish(&mut self) {
        self.version += 1;
        let has_all = self.transports.get().is_some_and(|transports| transports.len() == self.reported.len());
        let settled = has_all && self.devices.values().all(|device| device.is_read);
        let of_devices = self.devices.values().filter_map(Device::problem);
        let problems = self.reported.values().flatten().copied().chain(of_devices).collect();
        let tokens = tokens::view(&self.devices);
        self.snapshots.send_replace(Arc::new(Snapshot { version: self.version, settled, problems, tokens }));
    }
}

#[cfg(test)]
mod tests;
