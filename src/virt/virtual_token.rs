//! A virtual token with a simulated user, who plugs it in, touches it and pulls it out, and with faults.

use std::sync::Arc;
use std::time::Duration;

use super::applet::Applet;
use super::change_notifier::ChangeNotifier;
use super::command_log::Header;
use super::fido::FidoFault;
use super::fido_interface::FidoInterface;
use super::fido_side::FidoSide;
use super::keyboard::Keyboard;
use super::otp::OtpFault;
use super::session::Session;
use super::spec::{TokenSpec, TouchPolicy};
use super::state::{Fault, Shared, State};
use super::t0::T0;
use crate::secret::SecretText;
use crate::sync::IgnorePoison;

/// A virtual token with its simulated user. Clones are handles to the same token.
#[derive(Clone, Debug)]
pub struct VirtualToken {
    pub(super) shared: Arc<Shared>,
}

impl VirtualToken {
    /// The time that a YubiKey waits for a touch.
    pub const TOUCH_TIMEOUT: Duration = Duration::from_secs(15);

    /// The answer to reset of an OpenPGP card (version 3).
    pub const OPENPGP_ATR: &'static [u8] = &[
        0x3b, 0xda, 0x18, 0xff, 0x81, 0xb1, 0xfe, 0x75, 0x1f, 0x03, 0x00, 0x31, 0xf5, 0x73, 0xc0, 0x01, 0x60,
        0x00, 0x90, 0x00, 0x1c,
    ];

    /// The answer to reset of a YubiKey on a contactless reader.
    pub const NFC_ATR: &'static [u8] = &[
        0x3b, 0x8d, 0x80, 0x01, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79,
        0xf9,
    ];

    /// A plugged-in token.
    pub fn new(spec: &TokenSpec) -> Self {
        Self::with_notifier(spec, Arc::default())
    }

    pub(super) fn with_notifier(spec: &TokenSpec, notifier: Arc<ChangeNotifier>) -> Self {
        Self { shared: Arc::new(Shared::new(spec, Self::TOUCH_TIMEOUT, notifier)) }
    }

    /// The serial number in its [`TokenSpec`].
    pub fn serial(&self) -> u32 {
        self.shared.serial
    }

    /// Plugs the token in, which is a new insertion; does nothing if it is already plugged in.
    pub fn plug(&self) {
        self.shared.change(|state| {
            if !state.plugged {
                state.plugged = true;
                state.insertion = state.insertion.wrapping_add(1);
            }
        });
    }

    /// Pulls the token out: running commands fail with [`crate::device::Error::Removed`].
    pub fn unplug(&self) {
        self.shared.change(State::unplug);
    }

    /// Touches the token now. If it does not wait for a touch, the touch is lost, as on a real token.
    pub fn touch(&self) {
        self.shared.change(|state| state.touched = true);
    }

    /// Ends the wait for a touch now, as if the token's time for it were over. Only for a wait over the card interface.
    pub fn miss_touch(&self) {
        self.shared.change(|state| state.missed = state.wants_touch);
    }

    /// Waits until the token waits for a touch; `false` after `timeout`.
    pub fn wait_until_it_wants_a_touch(&self, timeout: Duration) -> bool {
        let state = self.shared.lock();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, timeout, |state| !state.wants_touch)
            .ignore_poison();
        state.wants_touch
    }

    /// Waits until the token no longer waits for a touch; `false` after `timeout`.
    pub fn wait_until_it_wants_no_touch(&self, timeout: Duration) -> bool {
        let state = self.shared.lock();
        let (state, _) =
            self.shared.changed.wait_timeout_while(state, timeout, |state| state.wants_touch).ignore_poison();
        !state.wants_touch
    }

    /// Sets the behaviour of the simulated user.
    pub fn set_touch_policy(&self, policy: TouchPolicy) {
        self.shared.change(|state| state.touch_policy = policy);
    }

    /// Sets the time that the token waits for a touch, instead of [`VirtualToken::TOUCH_TIMEOUT`].
    pub fn set_touch_timeout(&self, timeout: Duration) {
        self.shared.change(|state| state.touch_timeout = timeout);
    }

    /// Sets the duration of each command.
    pub fn set_delay(&self, delay: Duration) {
        self.shared.change(|state| state.delay = delay);
    }

    /// Sets the duration of each report over HID, in either direction.
    pub fn set_report_delay(&self, delay: Duration) {
        self.shared.change(|state| state.report_delay = delay);
    }

    /// Lets the token answer so many commands more, and wait at the next one; `None` lets it answer all.
    pub fn answer_only(&self, commands: Option<usize>) {
        self.shared.change(|state| state.answers = commands);
    }

    /// Makes it a card with the protocol T=0, for a reader of the smart card service. Its next insertion shows that.
    pub fn use_t0(&self) {
        self.shared.change(|state| state.t0 = Some(T0::default()));
    }

    /// Makes its OATH application refuse to list and to calculate, without a challenge for a password.
    pub fn want_password(&self) {
        self.shared.change(|state| state.wants_password = true);
    }

    /// Makes its OATH application refuse to list without a reason, or not any more.
    pub fn break_list(&self, is_broken: bool) {
        self.shared.change(|state| state.has_broken_list = is_broken);
    }

    /// Switches its OATH application off, as the configuration of a YubiKey can.
    pub fn switch_oath_off(&self) {
        self.shared.change(|state| state.applet.switch_oath_off());
    }

    /// Gives it another answer to reset, for example that of an unrelated card. Its next insertion shows that.
    pub fn set_atr(&self, atr: &'static [u8]) {
        self.shared.change(|state| state.atr = Some(atr));
    }

    /// Puts another token in its place without an insertion, as during a suspend in which no event is seen. Only the OATH
    /// application is that of the other token.
    pub fn swap(&self, other: &TokenSpec) {
        self.shared.change(|state| state.applet = Applet::new(other));
    }

    /// Sets another PIN, as another program does. All attempts are then left.
    pub fn change_pin(&self, pin: &SecretText) {
        self.shared.change(|state| state.applet.change_pin(pin));
    }

    /// Adds a fault for the next command; a second fault applies to the command after it.
    pub fn fail_next(&self, fault: Fault) {
        self.shared.change(|state| state.faults.push_back(fault));
    }

    /// Adds a fault for the next request to the keyboard interface; a second fault applies to the request after it.
    pub fn fail_next_otp(&self, fault: OtpFault) {
        self.shared.change(|state| {
            if let Some(otp) = &mut state.otp {
                otp.faults.push_back(fault);
            }
        });
    }

    /// The commands of the complete requests to the keyboard interface, oldest first.
    pub fn otp_commands(&self) -> Vec<u8> {
        self.shared.lock().otp.as_ref().map(|otp| otp.commands.clone()).unwrap_or_default()
    }

    /// The numbers of reports that the keyboard interface received, and that it sent.
    pub fn otp_reports(&self) -> (usize, usize) {
        self.shared.lock().otp.as_ref().map(|otp| otp.reports).unwrap_or_default()
    }

    /// Waits until the keyboard interface has received so many reports in all; `false` after `timeout`.
    pub fn wait_for_otp_reports(&self, received: usize, timeout: Duration) -> bool {
        self.wait_for_otp(timeout, |(all, _)| all >= received)
    }

    /// Waits until so many reports of the keyboard interface were read in all; `false` after `timeout`.
    pub fn wait_for_otp_looks(&self, read: usize, timeout: Duration) -> bool {
        self.wait_for_otp(timeout, |(_, all)| all >= read)
    }

    fn wait_for_otp(&self, timeout: Duration, is_enough: impl Fn((usize, usize)) -> bool) -> bool {
        let holds = |state: &State| state.otp.as_ref().is_some_and(|otp| is_enough(otp.reports));
        let state = self.shared.lock();
        let changed = &self.shared.changed;
        let (state, _) = changed.wait_timeout_while(state, timeout, |state| !holds(state)).ignore_poison();
        holds(&state)
    }

    /// The keyboard interface, valid for this insertion; `None` if the token is not plugged in or has no slot.
    pub fn keyboard(&self) -> Option<Keyboard> {
        let insertion = self.insertion().filter(|_| self.has_keyboard())?;
        Some(Keyboard::new(Arc::clone(&self.shared), insertion))
    }

    /// Whether the token has a slot, and with it a keyboard interface.
    pub(super) fn has_keyboard(&self) -> bool {
        self.shared.lock().otp.is_some()
    }

    /// Adds a fault for the next request to the FIDO interface; a second fault applies to the request after it.
    pub fn fail_next_fido(&self, fault: FidoFault) {
        self.shared.change(|state| {
            if let Some(FidoSide::Trussed(key)) = &mut state.fido {
                key.faults.push_back(fault);
            }
        });
    }

    /// Waits until the FIDO interface has received so many complete messages in all; `false` after `timeout`.
    pub fn wait_for_fido_messages(&self, received: usize, timeout: Duration) -> bool {
        let holds = |state: &State| state.fido.as_ref().is_some_and(|fido| fido.messages() >= received);
        let state = self.shared.lock();
        let changed = &self.shared.changed;
        let (state, _) = changed.wait_timeout_while(state, timeout, |state| !holds(state)).ignore_poison();
        holds(&state)
    }

    /// The number of complete messages that the FIDO interface received.
    pub fn fido_messages(&self) -> usize {
        self.shared.lock().fido.as_ref().map_or(0, FidoSide::messages)
    }

    /// The FIDO interface, valid for this insertion; `None` if the token is not plugged in or has none.
    pub fn fido(&self) -> Option<FidoInterface> {
        let insertion = self.insertion().filter(|_| self.has_fido())?;
        Some(FidoInterface::new(Arc::clone(&self.shared), insertion))
    }

    /// Whether the token has a FIDO interface.
    pub(super) fn has_fido(&self) -> bool {
        self.shared.lock().fido.is_some()
    }

    /// The headers of the newest commands, oldest first, at most 4,096.
    pub fn log(&self) -> Vec<Header> {
        self.shared.lock().log.newest()
    }

    /// The number of commands.
    pub fn commands(&self) -> usize {
        self.shared.lock().log.total()
    }

    /// The number of commands with this instruction byte; SELECT and CALCULATE ALL share A4.
    pub fn count(&self, instruction: u8) -> usize {
        self.shared.lock().log.count(instruction)
    }

    /// The number of resets: those that a program requested, but not the power-offs of an unused token.
    pub fn resets(&self) -> usize {
        self.shared.lock().resets
    }

    /// The moving factor of the next code of the HOTP credential with this id (`[issuer:]account`).
    pub fn hotp_counter(&self, id: &str) -> Option<u64> {
        self.shared.lock().applet.hotp_counter(id)
    }

    /// The number of threads that wait for the end of another transaction.
    pub fn queued(&self) -> u32 {
        self.shared.lock().queued
    }

    /// A connection to the token, valid for this insertion; `None` if the token is not plugged in.
    pub fn connect(&self) -> Option<Session> {
        self.insertion().map(|insertion| Session::new(Arc::clone(&self.shared), insertion))
    }

    /// The number of this insertion; `None` if the token is not plugged in.
    pub(super) fn insertion(&self) -> Option<u32> {
        let state = self.shared.lock();
        state.plugged.then_some(state.insertion)
    }
}
