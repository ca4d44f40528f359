//! The whole token: selects applications, passes commands to them, and pages long responses.

use std::fmt;

use zeroize::Zeroizing;

use super::apdu::{self, Request};
use super::identity::Identity;
use super::oath::{Oath, Reply, Waiting};
use super::spec::{Model, TokenSpec};
use super::token2::{self, Token2};
use crate::iso7816::{Response, Status, status};
use crate::secret::SecretText;

/// The smart card interface of a token: the whole OATH application and, on a YubiKey 5, the identity commands of the
/// management, OTP and PIV applications.
///
/// It is deterministic: the same commands after the same [`TokenSpec`] get the same responses. It accepts any bytes.
pub struct Applet {
    identity: Identity,
    oath: Oath,
    /// The application of a Token2 key, which has no OATH.
    token2: Option<Token2>,
    /// Whether the OATH application is switched off.
    is_oath_off: bool,
    selected: Option<Application>,
    /// The data that SEND REMAINING fetches next.
    rest: Zeroizing<Vec<u8>>,
}

/// The outcome of a command.
#[derive(Debug)]
pub enum Outcome {
    /// The response.
    Answer(Response),
    /// The token waits for a touch; [`Applet::complete`] returns the response.
    Touch(Pending),
}

/// A command that waits for a touch.
pub struct Pending {
    work: Work,
    expected: usize,
}

enum Work {
    Oath(Waiting),
    Token2(token2::Waiting),
}

/// The outcome of waiting for a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// The token was touched in time.
    Given,
    /// The token was not touched in time.
    Missed,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Application {
    Management,
    Otp,
    Piv,
    Oath,
    Token2,
}

const SELECT: u8 = 0xa4;
const SELECT_BY_NAME: u8 = 0x04;
const SEND_REMAINING: u8 = 0xa5;

impl Applet {
    /// A token without a selected application.
    pub fn new(spec: &TokenSpec) -> Self {
        Self {
            identity: Identity { serial: spec.serial, firmware: spec.firmware },
            oath: Oath::new(spec),
            token2: (spec.model == Model::Token2PinPlus).then(|| Token2::new(spec)),
            is_oath_off: false,
            selected: None,
            rest: Zeroizing::default(),
        }
    }

    /// The answer to reset.
    pub fn atr(&self) -> &'static [u8] {
        self.oath.flavour().atr
    }

    /// Power off or a reset: no application is selected any more, so OATH is locked again.
    pub fn reset(&mut self) {
        self.selected = None;
        self.oath.power_off();
        self.token2.iter_mut().for_each(Token2::reset);
        self.rest = Zeroizing::default();
    }

    /// Handles one command APDU over CCID, short or extended; accepts any bytes.
    pub fn respond(&mut self, command: &[u8]) -> Outcome {
        let continuation = self.oath.flavour().continuation;
        self.handle(apdu::read(command), continuation)
    }

    /// Handles one command APDU over the FIDO interface, which goes to the OATH application; accepts any bytes.
    pub(super) fn respond_to_message(&mut self, command: &[u8]) -> Outcome {
        self.selected = Some(Application::Oath);
        // There is no Le, and it does not limit the pages.
        let request = apdu::read(command).map(|request| Request { expected: usize::MAX, ..request });
        self.handle(request, SEND_REMAINING)
    }

    /// Handles one command APDU of a Token2 key over its FIDO interface; accepts any bytes.
    pub(super) fn respond_to_token2(&mut self, command: &[u8]) -> Outcome {
        // There is no SELECT, and no Le.
        match apdu::read(command) {
            Ok(request) => self.token2(&Request { expected: usize::MAX, ..request }, true),
            Err(status) => refuse(status),
        }
    }

    fn handle(&mut self, request: Result<Request<'_>, Status>, continuation: u8) -> Outcome {
        let request = match request {
            Ok(request) if request.class == 0 || self.selected == Some(Application::Token2) => request,
            Ok(_) => return refuse(status::CLASS_NOT_SUPPORTED),
            Err(status) => return refuse(status),
        };
        if (request.instruction, request.p1) == (SELECT, SELECT_BY_NAME) {
            return self.select(&request);
        }
        let answer = match self.selected {
            Some(Application::Oath) => return self.oath(&request, continuation),
            Some(Application::Token2) => return self.token2(&request, false),
            Some(Application::Management) => self.identity.management(&request),
            Some(Application::Otp) => self.identity.otp(&request),
            Some(Application::Piv) => self.identity.piv(&request),
            None => Err(status::INSTRUCTION_NOT_SUPPORTED),
        };
        self.answer(answer.map(Zeroizing::new), request.expected)
    }

    /// Ends a wait for a touch: returns the response, or 6982 if the token was not touched.
    pub fn complete(&mut self, pending: &Pending, touch: Touch) -> Response {
        let data = match (touch, &pending.work, &mut self.token2) {
            (Touch::Given, Work::Token2(waiting), Some(token2)) => token2.finish(waiting),
            (Touch::Missed, Work::Token2(_), _) => Err(status::TOUCH_TIMED_OUT),
            (Touch::Given, Work::Oath(waiting), _) => self.oath.finish(waiting),
            _ => Err(status::SECURITY_STATUS_NOT_SATISFIED),
        };
        self.page(data, pending.expected)
    }

    /// The moving factor of the next code of the HOTP credential with this id (`[issuer:]account`).
    pub fn hotp_counter(&self, id: &str) -> Option<u64> {
        match &self.token2 {
            Some(token2) => token2.counter(id),
            None => self.oath.hotp_counter(id),
        }
    }

    /// Sets another PIN, as another program does.
    pub(super) fn change_pin(&mut self, pin: &SecretText) {
        self.oath.change_pin(pin);
    }

    /// Switches the OATH application off.
    pub(super) fn switch_oath_off(&mut self) {
        self.is_oath_off = true;
    }

    /// Takes the command for the serial number of a Token2 key away.
    pub(super) fn hide_token2_serial(&mut self) {
        self.token2.iter_mut().for_each(Token2::hide_serial);
    }

    /// Sets a PIN of a Token2 key with so many attempts left, or removes it, as another program does.
    pub(super) fn set_token2_attempts(&mut self, attempts: Option<u8>) {
        self.token2.iter_mut().for_each(|token2| token2.set_attempts(attempts));
    }

    /// Makes each page of the list of a Token2 key say that another one follows, or not any more.
    pub(super) fn set_endless_pages(&mut self, has_endless_pages: bool) {
        self.token2.iter_mut().for_each(|token2| token2.set_endless_pages(has_endless_pages));
    }

    /// SELECT by name; an unknown application does not change the selection.
    fn select(&mut self, request: &Request<'_>) -> Outcome {
        let is_here = |application: &Application| match application {
            Application::Token2 => self.token2.is_some(),
            Application::Oath => self.token2.is_none() && !self.is_oath_off,
            _ => self.oath.flavour().is_yubikey,
        };
        let Some(application) = Application::named(request.data).filter(is_here) else {
            return refuse(status::NOT_FOUND);
        };
        self.selected = Some(application);
        let data = match application {
            Application::Management => Zeroizing::new(self.identity.select_management()),
            Application::Otp => Zeroizing::new(self.identity.select_otp()),
            Application::Piv => Zeroizing::new(self.identity.select_piv()),
            Application::Oath => self.oath.select(),
            Application::Token2 => Zeroizing::default(),
        };
        self.answer(Ok(data), request.expected)
    }

    fn oath(&mut self, request: &Request<'_>, continuation: u8) -> Outcome {
        if request.instruction == continuation {
            let rest = std::mem::take(&mut self.rest);
            return self.answer(Ok(rest), request.expected);
        }
        match self.oath.command(request) {
            Ok(Reply::Data(data)) => self.answer(Ok(data), request.expected),
            Ok(Reply::Touch(waiting)) => {
                Outcome::Touch(Pending { work: Work::Oath(waiting), expected: request.expected })
            }
            Err(status) => self.answer(Err(status), request.expected),
        }
    }

    fn token2(&mut self, request: &Request<'_>, is_hid: bool) -> Outcome {
        if request.class == 0 && request.instruction == self.oath.flavour().continuation {
            let rest = std::mem::take(&mut self.rest);
            return self.answer(Ok(rest), request.expected);
        }
        let Some(token2) = &mut self.token2 else { return refuse(status::INSTRUCTION_NOT_SUPPORTED) };
        let data = match token2.command(request, is_hid) {
            Ok(token2::Reply::Touch(waiting)) if token2.needs_touch(&waiting) => {
                return Outcome::Touch(Pending { work: Work::Token2(waiting), expected: request.expected });
            }
            Ok(token2::Reply::Touch(waiting)) => token2.finish(&waiting),
            Ok(token2::Reply::Data(data)) => Ok(data),
            Err(status) => Err(status),
        };
        self.answer(data, request.expected)
    }

    fn answer(&mut self, data: Result<Zeroizing<Vec<u8>>, Status>, expected: usize) -> Outcome {
        Outcome::Answer(self.page(data, expected))
    }

    /// The first page of a response. The rest is kept for SEND REMAINING, and an older rest is dropped.
    fn page(&mut self, data: Result<Zeroizing<Vec<u8>>, Status>, expected: usize) -> Response {
        self.rest = Zeroizing::default();
        let data = match data {
            Ok(data) => data,
            Err(status) => return Response { data: Vec::new(), status },
        };
        let length = expected.min(self.oath.flavour().page);
        let Some((page, rest)) = data.split_at_checked(length).filter(|(_, rest)| !rest.is_empty()) else {
            return Response { data: data.to_vec(), status: Status::OK };
        };
        self.rest = Zeroizing::new(rest.to_vec());
        Response { data: page.to_vec(), status: status::more_data(rest.len()) }
    }
}

impl Application {
    /// The application whose name begins with `name`, which has 5 bytes (the vendor's id) or more.
    fn named(name: &[u8]) -> Option<Self> {
        let applications: [(Self, &[u8]); 5] = [
            (Self::Oath, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01, 0x01]),
            (Self::Otp, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01, 0x01]),
            (Self::Management, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17]),
            (Self::Token2, &[0xf0, 0x00, 0x00, 0x01, 0x4f, 0x74, 0x70, 0x01]),
            (Self::Piv, &[0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00]),
        ];
        let (application, _) =
            applications.into_iter().find(|(_, instance)| name.len() >= 5 && instance.starts_with(name))?;
        Some(application)
    }
}

fn refuse(status: Status) -> Outcome {
    Outcome::Answer(Response { data: Vec::new(), status })
}

impl fmt::Debug for Applet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applet").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

#[cfg(test)]
mod tests;
