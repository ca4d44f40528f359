//! The events of a worker, with the lengths of codes that only the codes have shown.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::pin::Listed;
use super::{Event, EventSink};
use crate::oath::{CodeResult, Credential, Kind};
use crate::otp::Digits;

/// Reports the events of one token.
pub(super) struct Reports {
    events: EventSink,
    /// Whether another token is in the place of this one. Its events are not those of this one.
    is_replaced: Cell<bool>,
    /// The list that was reported, while it is the last event about the credentials.
    listed: RefCell<Option<Listed>>,
    /// The lengths of codes that the token did not list, by the name of the credential.
    lengths: RefCell<BTreeMap<Vec<u8>, Digits>>,
}

impl Reports {
    pub(super) fn new(events: EventSink) -> Self {
        let (listed, lengths) = (RefCell::default(), RefCell::default());
        Self { events, is_replaced: Cell::new(false), listed, lengths }
    }

    /// Whether [`Event::Replaced`] was reported.
    pub(super) fn is_replaced(&self) -> bool {
        self.is_replaced.get()
    }

    /// Reports an event. [`Event::Replaced`] is the last one.
    pub(super) fn send(&self, event: Event) {
        if self.is_replaced.get() {
            return;
        }
        self.is_replaced.set(matches!(event, Event::Replaced));
        let event = match event {
            Event::Ready(listed) => Event::Ready(self.corrected(listed)),
            event => event,
        };
        match &event {
            Event::Ready(listed) => drop(self.listed.replace(Some(listed.clone()))),
            // They say nothing about the credentials.
            Event::Begun | Event::Selected(_) | Event::Held | Event::Stuck | Event::Revived => {}
            Event::Locked
            | Event::NoApplication
            | Event::WithoutOath(_)
            | Event::Replaced
            | Event::Failed(_) => drop(self.listed.take()),
        }
        (self.events)(event);
    }

    /// Reports the list again if a code has another length than the token listed.
    pub(super) fn code(&self, credential: &Credential, result: &CodeResult) {
        let length =
            u8::try_from(result.code.expose().len()).ok().and_then(|length| Digits::new(length).ok());
        let Some(length) = length.filter(|length| {
            !credential.digits_known && credential.kind != Kind::Steam && credential.digits != *length
        }) else {
            return;
        };
        self.lengths.borrow_mut().insert(credential.name.bytes.clone(), length);
        let listed = self.listed.borrow().clone();
        if let Some(listed) = listed {
            self.send(Event::Ready(listed));
        }
    }

    /// The list with the lengths that codes have shown. Forgets those of credentials that are no longer listed.
    fn corrected(&self, mut listed: Listed) -> Listed {
        let mut lengths = self.lengths.borrow_mut();
        lengths.retain(|name, _| listed.credentials.iter().any(|credential| credential.name.bytes == *name));
        for credential in listed.credentials.iter_mut().filter(|credential| !credential.digits_known) {
            if let Some(length) = lengths.get(&credential.name.bytes) {
                (credential.digits, credential.digits_known) = (*length, true);
            }
        }
        listed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::oath::{Algorithm, CredentialName, Touch};
    use crate::otp::{Code, Period};
    use crate::token::Error;

    fn credential(account: &str, digits_known: bool) -> Credential {
        let name = CredentialName {
            bytes: account.into(),
            issuer: String::new(),
            account: account.to_owned(),
            period: Period::DEFAULT,
        };
        Credential {
            name,
            kind: Kind::Totp,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            digits_known,
            touch: Touch::No,
            is_pin_protected: false,
        }
    }

    fn listed(credentials: &[Credential]) -> Event {
        Event::Ready(Listed { credentials: credentials.to_vec(), may_hide_more: false })
    }

    fn code(digits: u8) -> CodeResult {
        CodeResult { code: Code::decimal(7, Digits::new(digits).unwrap()), step: None, next: None }
    }

    /// The lengths in each list that was reported since the last look.
    fn lengths(events: &mpsc::Receiver<Event>) -> Vec<Vec<u8>> {
        let lengths = |event| match event {
            Event::Ready(listed) => Some(listed.credentials.iter().map(|one| one.digits.get()).collect()),
            _ => None,
        };
        events.try_iter().filter_map(lengths).collect()
    }

    #[test]
    fn a_code_corrects_the_length_that_the_token_did_not_list() {
        let (sink, events) = mpsc::channel();
        let reports = Reports::new(Arc::new(move |event| drop(sink.send(event))));
        let all = [credential("a", false), credential("b", false), credential("c", true)];
        reports.send(listed(&all));
        reports.code(&all[0], &code(6));
        reports.code(&all[2], &code(8));
        reports.code(&Credential { kind: Kind::Steam, ..credential("b", false) }, &code(5));
        assert_eq!(lengths(&events), [[6, 6, 6]], "nothing is new");
        reports.code(&all[0], &code(8));
        assert_eq!(lengths(&events), [[8, 6, 6]]);
        reports.send(listed(&all));
        assert_eq!(lengths(&events), [[8, 6, 6]], "a later list does not forget it");
        reports.send(Event::Failed(Error::Busy));
        reports.code(&all[1], &code(7));
        assert_eq!(lengths(&events), Vec::<Vec<u8>>::new(), "an old list does not end an error");
        reports.send(listed(&all[..1]));
        reports.send(listed(&all));
        assert_eq!(lengths(&events), [vec![8], vec![8, 6, 6]], "what is gone is forgotten");
    }

    #[test]
    fn nothing_is_reported_after_another_token_took_the_place() {
        let (sink, events) = mpsc::channel();
        let reports = Reports::new(Arc::new(move |event| drop(sink.send(event))));
        reports.send(Event::Replaced);
        reports.send(Event::Locked);
        assert!(matches!(events.try_iter().collect::<Vec<_>>()[..], [Event::Replaced]));
        assert!(reports.is_replaced());
    }
}
