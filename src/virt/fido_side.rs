//! The key behind a FIDO interface, by the protocol that it has there.

use std::time::Instant;

use super::applet::Applet;
use super::fido::FidoKey;
use super::otp::Conditions;
use super::report_queue::ReportQueue;
use super::spec::Model;
use super::token2_hid::Token2Key;

/// The length of a report in bytes.
pub(super) const REPORT: usize = 64;

/// A key behind a FIDO interface.
#[derive(Debug)]
pub(super) enum FidoSide {
    /// A Nitrokey 3, with CTAPHID.
    Trussed(FidoKey),
    /// A Token2 PIN+, with its own frames.
    Token2(Token2Key),
}

impl FidoSide {
    /// The interface of a model; `None` if it has none.
    pub(super) fn of(model: Model) -> Option<Self> {
        match model {
            Model::Nitrokey3 => Some(Self::Trussed(FidoKey::default())),
            Model::Token2PinPlus => Some(Self::Token2(Token2Key::default())),
            Model::Yubikey5 | Model::NitrokeyPro => None,
        }
    }

    /// Takes a report. Returns the APDU of a complete request, for the log, and whether the key stays plugged in.
    pub(super) fn write(
        &mut self,
        report: &[u8; REPORT],
        applet: &mut Applet,
        conditions: Conditions,
    ) -> (Option<Vec<u8>>, bool) {
        match self {
            Self::Trussed(key) => key.write(report, applet, conditions),
            Self::Token2(key) => key.write(report, applet, conditions),
        }
    }

    /// Carries out what is due.
    pub(super) fn proceed(&mut self, applet: &mut Applet, conditions: Conditions) {
        match self {
            Self::Trussed(key) => key.proceed(applet, conditions),
            Self::Token2(key) => key.proceed(applet, conditions),
        }
    }

    /// The time at which something is due.
    pub(super) fn next_event(&self) -> Option<Instant> {
        match self {
            Self::Trussed(key) => key.next_event(),
            Self::Token2(key) => key.next_event(),
        }
    }

    pub(super) fn outgoing(&mut self) -> &mut ReportQueue {
        match self {
            Self::Trussed(key) => &mut key.outgoing,
            Self::Token2(key) => &mut key.outgoing,
        }
    }

    pub(super) fn waits_for_touch(&self) -> bool {
        match self {
            Self::Trussed(key) => key.waits_for_touch(),
            Self::Token2(key) => key.waits_for_touch(),
        }
    }

    /// The number of complete messages that the key received.
    pub(super) fn messages(&self) -> usize {
        match self {
            Self::Trussed(key) => key.messages,
            Self::Token2(key) => key.messages,
        }
    }

    /// Ends everything.
    pub(super) fn reset(&mut self) {
        match self {
            Self::Trussed(key) => key.reset(),
            Self::Token2(key) => key.reset(),
        }
    }
}
