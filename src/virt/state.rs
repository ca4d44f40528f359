//! The state of a virtual token, shared by its handles and connections.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::applet::Applet;
use super::change_notifier::ChangeNotifier;
use super::command_log::CommandLog;
use super::fido_side::FidoSide;
use super::nitrokey_pro::NitrokeyProKey;
use super::otp::{Conditions, OtpKey};
use super::spec::{Model, TokenSpec, TouchPolicy};
use super::t0::T0;
use crate::device::Identity;
use crate::sync::IgnorePoison;

/// A fault of one command; the applet does not receive that command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is no response until the token is pulled out.
    Hang,
    /// The response has these bytes, which may be invalid.
    Answer(Vec<u8>),
    /// The token is pulled out during the command.
    Vanish,
    /// There is no fault: the applet receives this command, and the next fault is for a later one.
    Pass,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) serial: u32,
    pub(super) identity: Identity,
    state: Mutex<State>,
    pub(super) changed: Condvar,
    notifier: Arc<ChangeNotifier>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) applet: Applet,
    /// Whether the OATH application refuses everything until a password is set.
    pub(super) wants_password: bool,
    /// Whether the OATH application refuses to list.
    pub(super) has_broken_list: bool,
    /// The answer to reset, if it is not that of the token's make.
    pub(super) atr: Option<&'static [u8]>,
    /// The protocol of the card, if it is T=0.
    pub(super) t0: Option<T0>,
    /// The OTP application, if the token has a slot.
    pub(super) otp: Option<OtpKey>,
    /// The FIDO interface, if the token has one.
    pub(super) fido: Option<FidoSide>,
    /// The slots of a Nitrokey Pro.
    pub(super) nitrokey_pro: Option<NitrokeyProKey>,
    pub(super) plugged: bool,
    pub(super) insertion: u32,
    pub(super) in_transaction: bool,
    /// The number of threads that wait for the end of a transaction.
    pub(super) queued: u32,
    pub(super) delay: Duration,
    /// How long each report over HID takes.
    pub(super) report_delay: Duration,
    /// The number of commands that the token still answers before it waits; `None` if it does not wait.
    pub(super) answers: Option<usize>,
    pub(super) touch_policy: TouchPolicy,
    pub(super) touch_timeout: Duration,
    pub(super) wants_touch: bool,
    pub(super) touched: bool,
    /// Whether the time for the touch is over.
    pub(super) missed: bool,
    pub(super) faults: VecDeque<Fault>,
    pub(super) log: CommandLog,
    /// The number of resets that a program requested.
    pub(super) resets: usize,
}

impl Shared {
    /// The state of a plugged-in token.
    pub(super) fn new(spec: &TokenSpec, touch_timeout: Duration, notifier: Arc<ChangeNotifier>) -> Self {
        let otp = || OtpKey::new(spec.serial, spec.firmware, &spec.otp_slots);
        let pro = || NitrokeyProKey::new(spec.serial, spec.pin.as_ref(), &spec.credentials);
        let state = State {
            applet: Applet::new(spec),
            wants_password: false,
            has_broken_list: false,
            atr: None,
            t0: None,
            otp: (!spec.otp_slots.is_empty()).then(otp),
            fido: FidoSide::of(spec.model),
            nitrokey_pro: (spec.model == Model::NitrokeyPro).then(pro),
            plugged: true,
            insertion: 1,
            in_transaction: false,
            queued: 0,
            delay: spec.delay,
            report_delay: spec.report_delay,
            answers: None,
            touch_policy: spec.touch,
            touch_timeout,
            wants_touch: false,
            touched: false,
            missed: false,
            faults: VecDeque::new(),
            log: CommandLog::default(),
            resets: 0,
        };
        let identity = Identity {
            serial: Some(spec.serial.to_string()),
            firmware: Some(spec.firmware.to_string()),
            is_yubikey: Some(spec.flavour().is_yubikey),
        };
        Self { serial: spec.serial, identity, state: Mutex::new(state), changed: Condvar::new(), notifier }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().ignore_poison()
    }

    /// Waits as long as the token needs for a report.
    pub(super) fn wait_for_report(&self) {
        let delay = self.lock().report_delay;
        if !delay.is_zero() {
            thread::sleep(delay);
        }
    }

    /// Changes the state, and wakes all threads that wait for a change.
    pub(super) fn change(&self, edit: impl FnOnce(&mut State)) {
        edit(&mut self.lock());
        self.changed.notify_all();
        self.notifier.notify();
    }
}

impl State {
    /// Removes the token, which ends its transaction and resets its applet.
    pub(super) fn unplug(&mut self) {
        self.plugged = false;
        self.in_transaction = false;
        self.wants_touch = false;
        self.touched = false;
        self.applet.reset();
        if let Some(otp) = &mut self.otp {
            otp.reset();
        }
        if let Some(fido) = &mut self.fido {
            fido.reset();
        }
        if let Some(key) = &mut self.nitrokey_pro {
            key.reset();
        }
    }

    /// Runs `work` on the FIDO interface, and notes when the token begins or ends a wait for a touch. `None` if the token has
    /// no such interface.
    pub(super) fn with_fido<T>(
        &mut self,
        work: impl FnOnce(&mut FidoSide, &mut Applet, &mut CommandLog, Conditions) -> T,
    ) -> Option<T> {
        let conditions = self.conditions();
        let fido = self.fido.as_mut()?;
        let waited = fido.waits_for_touch();
        let result = work(fido, &mut self.applet, &mut self.log, conditions);
        let waits = fido.waits_for_touch();
        if waits != waited {
            self.wants_touch = waits;
            // A touch before the wait is lost, as on a real token.
            self.touched = false;
        }
        Some(result)
    }

    /// The conditions of an exchange at this moment.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions {
            now: Instant::now(),
            delay: self.delay,
            touch_timeout: self.touch_timeout,
            touch_after: match self.touch_policy {
                TouchPolicy::AfterSeconds(after) => Some(after),
                TouchPolicy::Never => None,
            },
            is_touched: self.touched,
        }
    }

    /// Whether the token has been plugged in without interruption since this insertion.
    pub(super) fn is_here(&self, insertion: u32) -> bool {
        self.plugged && self.insertion == insertion
    }
}
