//! The reader of YKOATH responses (`src/protocol/ykoath/`).

use std::collections::BTreeSet;

use oathbridge::device::NoProgress;
use oathbridge::iso7816::tlv;
use oathbridge::oath::{Credential, Kind, MovingFactor, OathSession, UnlockKey};
use oathbridge::otp::{Code, Step};
use oathbridge::protocol::ykoath::Session;
use oathbridge::secret::SecretBytes;

use super::super::fuzz_clock::FuzzClock;
use super::ykoath_card::{KEY, ScriptedCard};

/// The most commands of a session: each may be sent twice, has at most 300 continuations, and may be followed by a
/// renewed authorisation.
const MAX_COMMANDS: usize = 20_000;

/// The longest list, the longest name in bytes, and the longest response.
const MAX_CREDENTIALS: usize = 1_024;
const MAX_NAME: usize = 64;
const MAX_RESPONSE: usize = 65_536;

/// The longest salt in bytes, and the longest serial number in hexadecimal digits.
const MAX_SALT: usize = 64;
const MAX_SERIAL: usize = 32;

/// The credentials whose codes a run calculates.
const CALCULATED: usize = 3;

const CODE_TAGS: [u8; 2] = [0x75, 0x76];

/// Whether each listed credential gave a code.
pub fn run(bytes: &[u8]) -> bool {
    let mut card = ScriptedCard::new(bytes);
    let codes = session(&mut card);
    assert!(card.commands <= MAX_COMMANDS, "{} commands in one session", card.commands);
    codes
}

fn session(card: &mut ScriptedCard) -> bool {
    let Some(credentials) = list(card) else { return false };
    check_list(&credentials);
    let mut all = !credentials.is_empty();
    for credential in credentials.iter().take(CALCULATED) {
        let counts = card.counts;
        let code = calculate(card, credential);
        let expected = usize::from(credential.kind == Kind::Hotp);
        assert!(card.counts - counts <= expected, "a counter was advanced twice");
        if let Some(code) = &code {
            check_code(credential, code, &card.data);
        }
        all &= code.is_some();
    }
    all
}

/// One session, as the worker of a token has it: selected, unlocked, listed.
fn list(card: &mut ScriptedCard) -> Option<Vec<Credential>> {
    let clock = FuzzClock::default();
    let mut session = Session::select(card, &clock).ok()?;
    let description = session.description();
    let salt = description.salt.unwrap_or_else(|| vec![0]);
    assert!((1..=MAX_SALT).contains(&salt.len()), "a salt of {} bytes", salt.len());
    let serial = description.serial.unwrap_or_else(|| "0".to_owned());
    assert!((1..=MAX_SERIAL).contains(&serial.len()), "a serial number of {} letters", serial.len());
    unlock(&mut session)?;
    session.list().ok()
}

fn calculate(card: &mut ScriptedCard, credential: &Credential) -> Option<Code> {
    let clock = FuzzClock::default();
    let mut session = Session::select(card, &clock).ok()?;
    unlock(&mut session)?;
    let factor =
        if credential.kind == Kind::Hotp { MovingFactor::Counter } else { MovingFactor::Step(Step(1)) };
    OathSession::calculate(&mut session, credential, factor, &NoProgress).ok()
}

fn unlock(session: &mut Session<'_>) -> Option<()> {
    let was_locked = OathSession::is_locked(session);
    let keys = UnlockKey::new(SecretBytes::new(KEY.to_vec())).into();
    let unlocked = session.unlock(&keys).ok();
    assert!(
        !was_locked || unlocked.is_none() || !OathSession::is_locked(session),
        "unlocked and locked at once"
    );
    unlocked
}

fn check_list(credentials: &[Credential]) {
    assert!(credentials.len() <= MAX_CREDENTIALS, "a list of {} credentials", credentials.len());
    let names: BTreeSet<_> = credentials.iter().map(|credential| &credential.name.bytes).collect();
    assert_eq!(names.len(), credentials.len(), "two credentials of one name");
    for credential in credentials {
        assert!((1..=MAX_NAME).contains(&credential.name.bytes.len()), "a name of an impossible length");
        assert!((4..=10).contains(&credential.digits.get()), "a code of an impossible length");
        for text in [&credential.name.issuer, &credential.name.account] {
            assert!(!text.contains(char::is_control), "a control character");
        }
    }
}

/// A code has the length that its own response names, whatever else the response has.
fn check_code(credential: &Credential, code: &Code, response: &[u8]) {
    assert!(response.len() <= MAX_RESPONSE, "a response of {} bytes", response.len());
    let element = tlv::read(response).flatten().find(|element| CODE_TAGS.contains(&element.tag));
    let digits = element.and_then(|element| element.value.first().copied());
    let text = code.expose();
    match credential.kind {
        Kind::Steam => assert!(text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        Kind::Totp | Kind::Hotp => {
            assert_eq!(digits.map(usize::from), Some(text.len()), "a code of another length");
            assert!((4..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
