//! The whole token: selects applications, passes commands to them, and pages long responses.

use std::fmt;

use zeroize::Zeroizing;

use super::apdu::{self, Request};
use super::identity::Identity;
use super::oath::{Oath, Reply, Waiting};
use super::spec::TokenSpec;
use crate::iso7816::{Response, Status, status};
use crate::secret::SecretText;

/// The smart card interface of a token: the whole OATH application and, on a YubiKey 5, the identity commands of the
/// management, OTP and PIV applications.
///
/// It is deterministic: the same commands after the same [`TokenSpec`] get the same responses. It accepts any bytes.
pub struct Applet {
    identity: Identity,
    oath: Oath,
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
    waiting: Waiting,
    expected: usize,
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

    fn handle(&mut self, request: Result<Request<'_>, Status>, continuation: u8) -> Outcome {
        let request = match request {
            Ok(request) if request.class == 0 => request,
            Ok(_) => return refuse(status::CLASS_NOT_SUPPORTED),
            Err(status) => return refuse(status),
        };
        if (request.instruction, request.p1) == (SELECT, SELECT_BY_NAME) {
            return self.select(&request);
        }
        let answer = match self.selected {
            Some(Application::Oath) => return self.oath(&request, continuation),
            Some(Application::Management) => self.identity.management(&request),
            Some(Application::Otp) => self.identity.otp(&request),
            Some(Application::Piv) => self.identity.piv(&request),
            None => Err(status::INSTRUCTION_NOT_SUPPORTED),
        };
        self.answer(answer.map(Zeroizing::new), request.expected)
    }

    /// Ends a wait for a touch: returns the response, or 6982 if the token was not touched.
    pub fn complete(&mut self, pending: &Pending, touch: Touch) -> Response {
        let data = match touch {
            Touch::Given => self.oath.finish(&pending.waiting),
            Touch::Missed => Err(status::SECURITY_STATUS_NOT_SATISFIED),
        };
        self.page(data, pending.expected)
    }

    /// The moving factor of the next code of the HOTP credential with this id (`[issuer:]account`).
    pub fn hotp_counter(&self, id: &str) -> Option<u64> {
        self.oath.hotp_counter(id)
    }

    /// Sets another PIN, as another program does.
    pub(super) fn change_pin(&mut self, pin: &SecretText) {
        self.oath.change_pin(pin);
    }

    /// SELECT by name; an unknown application does not change the selection.
    fn select(&mut self, request: &Request<'_>) -> Outcome {
        let is_here =
            |application: &Application| *application == Application::Oath || self.oath.flavour().is_yubikey;
        let Some(application) = Application::named(request.data).filter(is_here) else {
            return refuse(status::NOT_FOUND);
        };
        self.selected = Some(application);
        let data = match application {
            Application::Management => Zeroizing::new(self.identity.select_management()),
            Application::Otp => Zeroizing::new(self.identity.select_otp()),
            Application::Piv => Zeroizing::new(self.identity.select_piv()),
            Application::Oath => self.oath.select(),
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
            Ok(Reply::Touch(waiting)) => Outcome::Touch(Pending { waiting, expected: request.expected }),
            Err(status) => self.answer(Err(status), request.expected),
        }
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
        let applications: [(Self, &[u8]); 4] = [
            (Self::Oath, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01, 0x01]),
            (Self::Otp, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x20, 0x01, 0x01]),
            (Self::Management, &[0xa0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17]),
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
