//! One selection of the application, and its commands.

use super::access_key::answer;
use super::chaining::{Channel, Repeat};
use super::error::means_locked;
use super::{Selection, calculate, pin, select, validate};
use crate::clock::Clock;
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Aid, Command, Response};
use crate::oath::{Credential, Error, KeySlot, Kind, MovingFactor, Touch};
use crate::otp::Code;

/// One selection of the OATH application within one transaction.
pub struct Session<'t> {
    pub(super) channel: Channel<'t>,
    pub(super) selection: Selection,
    pub(super) clock: &'t dyn Clock,
    pub(super) locked: bool,
    /// The slot of the key, for tokens whose authorisation ends with the first command. The key may be wiped meanwhile.
    pub(super) keys: Option<KeySlot>,
    /// Whether no command has used the authorisation yet.
    pub(super) fresh: bool,
    /// The slot of the PIN. The PIN may be wiped meanwhile.
    pin: Option<KeySlot>,
}

impl<'t> Session<'t> {
    /// Selects the OATH application. `clock` measures the waits, and gives the time for a list.
    ///
    /// # Errors
    ///
    /// [`Error::NoApplication`] if the card has none; [`Error::Malformed`] or [`Error::Device`] otherwise.
    pub fn select(transaction: &'t mut dyn Transaction, clock: &'t dyn Clock) -> Result<Self, Error> {
        let mut channel = Channel::new(transaction);
        let selection = select(&mut channel)?;
        Ok(Self {
            channel,
            clock,
            locked: selection.challenge.is_some(),
            selection,
            keys: None,
            fresh: false,
            pin: None,
        })
    }

    /// The response to SELECT.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Whether an access key is set and was not validated yet.
    ///
    /// A Nitrokey 3 with a PIN is not locked in this sense: it answers, but hides the credentials that the PIN protects.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Unlocks the application for this session; sends nothing if it is not locked.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if there is no key, [`Error::WrongPassword`] if the token refuses it, [`Error::Impostor`] if the token
    /// cannot prove that it knows the key. After an error the application must be selected again.
    pub fn validate(&mut self, keys: &KeySlot) -> Result<(), Error> {
        let mut challenge = [0; 8];
        getrandom::fill(&mut challenge)
            .map_err(|_| device::Error::Failed("the system provides no random numbers".to_owned()))?;
        self.validate_with(keys, &challenge)
    }

    /// Keeps the slot of a PIN, which is then verified directly before each command that needs it. Sends nothing.
    pub fn use_pin(&mut self, pin: &KeySlot) {
        self.pin = Some(pin.clone());
    }

    /// Calculates one code. For HOTP the token's counter advances, whether or not the code arrives.
    ///
    /// Tells `progress` if the credential is known to require a touch, and that it may if this is unknown. Without a touch the
    /// call blocks for as long as the token waits, up to 35 s.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] before anything is sent if `factor` does not fit the kind of credential; any other
    /// [`Error`] otherwise.
    pub fn calculate(
        &mut self,
        credential: &Credential,
        factor: MovingFactor,
        progress: &dyn Progress,
    ) -> Result<Code, Error> {
        let mut command = calculate::command(credential, factor)?;
        if credential.touch == Touch::Yes {
            progress.touch_needed();
        }
        if self.keys.is_some() && !self.fresh {
            self.renew()?;
        }
        self.fresh = false;
        if credential.is_pin_protected && self.selection.has_pin() {
            self.verify_pin(progress)?;
            command = command.once();
        }
        let harmless = credential.kind != Kind::Hotp && credential.touch != Touch::Yes;
        let repeat = if harmless { Repeat::Allowed } else { Repeat::Never };
        let sent = self.clock.monotonic();
        // A slow answer of any other credential is that of a slow reader.
        progress.touch_possible(credential.touch == Touch::Unknown);
        let response = self.channel.send(&command, repeat, progress);
        progress.touch_possible(false);
        let circumstances = calculate::Circumstances {
            waited: self.clock.monotonic().saturating_sub(sent),
            may_be_increasing: !self.selection.is_trussed(),
        };
        match calculate::parse(response?, credential, (!self.locked).then_some(&circumstances)) {
            Err(Error::UsedAhead) if credential.touch == Touch::No && self.keys.is_some() => {
                Err(self.used_ahead_or_locked())
            }
            code => code,
        }
    }

    pub(super) fn validate_with(&mut self, keys: &KeySlot, challenge: &[u8; 8]) -> Result<(), Error> {
        let Some(cards) = &self.selection.challenge else {
            return Ok(());
        };
        // The key is borrowed before the exchange, because the token may block for ever.
        let lent = keys.lend(|key| (validate::command(key, cards, challenge), answer(key, challenge)));
        let (command, expected) = lent.ok_or(Error::Locked)?;
        let response = self.channel.send(&command?, Repeat::Never, &NoProgress)?;
        validate::check(&expected, &response)?;
        self.locked = false;
        self.keys = Some(keys.clone());
        self.fresh = true;
        Ok(())
    }

    /// Sends a command without effects that requires the authorisation, and renews the authorisation if the token has
    /// dropped it.
    pub(super) fn privileged(&mut self, command: &Command) -> Result<Response, Error> {
        self.fresh = false;
        let response = self.channel.send(command, Repeat::Allowed, &NoProgress)?;
        if self.keys.is_none() || !means_locked(response.status) {
            return Ok(response);
        }
        self.renew()?;
        self.fresh = false;
        self.channel.send(command, Repeat::Allowed, &NoProgress)
    }

    /// Verifies the PIN, which the token does after a touch. The next command uses that up, whichever it is.
    pub(super) fn verify_pin(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        // The PIN is borrowed before the exchange, because the token may block for ever.
        let lent = self.pin.as_ref().and_then(|slot| slot.lend(pin::command));
        let command = lent.ok_or(Error::Locked)??;
        let response = self.channel.send(&command, Repeat::Never, progress)?;
        if pin::is_accepted(&response)? {
            return self.check_after_touch(progress);
        }
        self.selection.attempts_left = self.selection.attempts_left.map(|left| left.saturating_sub(1));
        self.refresh();
        match self.selection.attempts_left {
            Some(0) => Err(Error::PinBlocked),
            left => Err(Error::WrongPin(left)),
        }
    }

    /// Checks that the caller is still there and that the PIN was not wiped during the wait for the touch. Otherwise drops the
    /// authorisation.
    fn check_after_touch(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let is_wiped = self.pin.as_ref().is_none_or(|slot| slot.lend(|_| ()).is_none());
        if !is_wiped && !progress.is_cancelled() {
            return Ok(());
        }
        self.refresh();
        Err(if is_wiped { Error::Locked } else { Error::TouchTimedOut })
    }

    /// Reads the number of attempts left, which only SELECT returns. A failure changes nothing.
    pub(super) fn refresh(&mut self) {
        if let Ok(selection) = select(&mut self.channel) {
            self.selection = selection;
        }
    }

    pub(super) fn renew(&mut self) -> Result<(), Error> {
        self.selection = select(&mut self.channel)?;
        self.locked = self.selection.challenge.is_some();
        match self.keys.clone() {
            Some(keys) => self.validate(&keys),
            None => Ok(()),
        }
    }
}

fn select(channel: &mut Channel<'_>) -> Result<Selection, Error> {
    select::parse(&channel.send(&Aid::OATH.select(), Repeat::Allowed, &NoProgress)?)
}
