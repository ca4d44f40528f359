//! Tokens that deviate from the specification, as real ones do.

use super::super::access_key::answer;
use super::super::derive;
use super::{CALCULATE_ALL, LIST, SELECT, Script, UNLOCKED, bytes, credential, select};
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Command, Response};
use crate::oath::{Error, KeySlot, Kind, MovingFactor, OathSession, Touch, UnlockKey};
use crate::otp::{Algorithm, Step};

const LIST_PROPERTIES: &str = "00 A1 00 00 01 01";
const LISTED: &str = "72 0A 21 4157533A616C696365 90 00";

/// Solo 2: the authorisation is valid for one command, each SELECT and VALIDATE has a new challenge, 6985 means locked, and
/// C0 fetches the rest of a response.
struct Solo {
    key: UnlockKey,
    challenge: u8,
    authorised: bool,
    /// Whether it refuses all calculations with 6982, as credentials do that were used with a later step.
    refuses_codes: bool,
    /// Whether it refuses each CALCULATE ALL with 6982.
    refuses_all: bool,
    rest: Vec<u8>,
    sent: Vec<u8>,
}

fn key() -> UnlockKey {
    derive(&"foobar".into(), &[0; 8])
}

impl Solo {
    fn new() -> Self {
        Self {
            key: key(),
            challenge: 0,
            authorised: false,
            refuses_codes: false,
            refuses_all: false,
            rest: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let frame = match (command[1], command[2]) {
            (0xa4, 0x04) => self.select(),
            (0xa3, _) => return self.validate(&command[5..]),
            (0xc0, _) if !self.rest.is_empty() => std::mem::take(&mut self.rest),
            (0xa1 | 0xa2 | 0xa4, _) if !std::mem::take(&mut self.authorised) => return bytes("6985"),
            (0xa2, _) if self.refuses_codes => return bytes("6982"),
            (0xa4, _) if self.refuses_all => return bytes("6982"),
            (0xa1, _) => bytes("720A214157533A616C696365"),
            (0xa2, _) => bytes("76050841397EEA"),
            (0xa4, _) => bytes("71094157533A616C6963657605068041397E"),
            _ => return bytes("6D00"),
        };
        match frame.split_at_checked(16) {
            Some((frame, rest)) if command[1] == 0xa4 && command[2] == 0 => {
                self.rest = rest.to_vec();
                [frame, &[0x61, 0x02]].concat()
            }
            _ => [frame, vec![0x90, 0x00]].concat(),
        }
    }

    fn select(&mut self) -> Vec<u8> {
        self.challenge += 1;
        self.authorised = false;
        [&bytes("7903040404 7108 0000000000000000 7408")[..], &[self.challenge; 8], &bytes("7B0101")].concat()
    }

    fn validate(&mut self, data: &[u8]) -> Vec<u8> {
        let right = data[2..22] == **answer(&self.key, &[self.challenge; 8]);
        self.challenge += 1;
        self.authorised = right;
        if right {
            [&[0x75, 0x14][..], &answer(&self.key, &data[24..32]), &[0x90, 0x00]].concat()
        } else {
            bytes("6A80")
        }
    }
}

impl Transaction for Solo {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        self.sent.push(command.instruction());
        let command = command.to_bytes();
        if command[1] != 0xc0 {
            self.rest.clear();
        }
        Response::from_bytes(&self.answer(&command)).map_err(|_| device::Error::Removed)
    }
}

#[test]
fn an_authorisation_for_one_command_is_renewed_for_the_next() {
    let mut solo = Solo::new();
    let keys = KeySlot::from(key());
    let mut session = select(&mut solo).unwrap();
    session.validate(&keys).unwrap();
    let credentials = session.credentials().unwrap();
    assert_eq!(credentials.len(), 1);
    assert_eq!(credentials[0].touch, Touch::No, "the whole response of CALCULATE ALL must have arrived");
    let renewed = [0xa4, 0xa3];
    let expected = [&[0xa4, 0xa3, 0xa4, 0xa5, 0xa4][..], &renewed, &[0xa4, 0xc0, 0xa1], &renewed, &[0xa1]];
    assert_eq!(solo.sent, expected.concat());
}

/// A credential that was used with a later step refuses step 0 as well.
#[test]
fn a_refused_code_after_the_password_is_a_later_step_only_if_step_0_is_refused_too() {
    for (refuses_all, expected) in [(true, Error::UsedAhead), (false, Error::Locked)] {
        let mut solo = Solo { refuses_codes: true, refuses_all, ..Solo::new() };
        let keys = KeySlot::from(key());
        let mut session = select(&mut solo).unwrap();
        session.validate(&keys).unwrap();
        let credential = credential("AWS:alice", Kind::Totp, Touch::No);
        let result = session.calculate(&credential, MovingFactor::Step(Step(1)), &NoProgress);
        assert_eq!(result, Err(expected));
    }
}

/// LIST has just shown that the token is authorised.
#[test]
fn the_second_step_of_calculate_all_is_sent_once() {
    let mut solo = Solo { refuses_all: true, ..Solo::new() };
    let keys = KeySlot::from(key());
    let mut session = select(&mut solo).unwrap();
    session.validate(&keys).unwrap();
    assert_eq!(session.credentials().unwrap()[0].touch, Touch::Unknown);
    let after_list = solo.sent.rsplit(|instruction| *instruction == 0xa1).next();
    assert_eq!(after_list, Some(&[0xa4][..]));
}

/// A code and the next code are two commands.
#[test]
fn each_code_has_its_own_authorisation() {
    let mut solo = Solo::new();
    let keys = KeySlot::from(key());
    let mut session = select(&mut solo).unwrap();
    session.validate(&keys).unwrap();
    let credential = session.credentials().unwrap().remove(0);
    for step in [1, 2] {
        let code = session.calculate(&credential, MovingFactor::Step(Step(step)), &NoProgress).unwrap();
        assert_eq!(code.expose(), "94287082");
    }
    assert!(!session.is_locked());
}

/// The keys can be wiped while the token is busy.
#[test]
fn a_wiped_key_does_not_renew_the_authorisation() {
    let mut solo = Solo::new();
    let keys = KeySlot::from(key());
    let mut session = select(&mut solo).unwrap();
    session.validate(&keys).unwrap();
    let credential = session.credentials().unwrap().remove(0);
    keys.wipe();
    let factor = MovingFactor::Step(Step(1));
    assert_eq!(session.calculate(&credential, factor, &NoProgress).err(), Some(Error::Locked));
    assert_eq!(solo.sent.iter().filter(|instruction| **instruction == 0xa3).count(), 3);
    assert_eq!(solo.sent.last(), Some(&0xa4), "no further command is sent");
}

#[test]
fn without_the_key_the_token_is_locked() {
    let mut solo = Solo::new();
    let mut session = select(&mut solo).unwrap();
    assert_eq!(session.credentials(), Err(Error::Locked));
    assert_eq!(solo.sent, [0xa4, 0xa4]);
}

#[test]
fn a_nitrokey_3_with_a_pin_has_no_salt_and_no_calculate_all() {
    let mut script = Script::new(&[
        (SELECT, "79 03 04 0E 00 82 01 08 8F 04 01 02 03 04 90 00"),
        (CALCULATE_ALL, "6D00"),
        (
            LIST_PROPERTIES,
            "72 0B 21 4157533A616C696365 01 72 06 F1 50617373 04 72 05 11 437472 06 72 05 31 526576 00 90 00",
        ),
    ]);
    let mut session = select(&mut script).unwrap();
    assert!(!session.is_locked());
    let selection = session.selection();
    assert_eq!((selection.salt.as_deref(), selection.serial.as_deref()), (None, Some(&[1, 2, 3, 4][..])));
    assert_eq!((selection.attempts_left, selection.version), (Some(8), Some([4, 14, 0])));
    let credentials = session.credentials().unwrap();
    script.assert_finished();
    let names: Vec<_> = credentials.iter().map(|credential| credential.name.account.as_str()).collect();
    assert_eq!(names, ["alice", "Ctr"], "password entries and reverse HOTP are skipped");
    let touches: Vec<_> = credentials.iter().map(|credential| credential.touch).collect();
    assert_eq!(touches, [Touch::Yes, Touch::Yes], "the PIN of the second one requires a touch");
    assert_eq!([false, true], [0, 1].map(|place: usize| credentials[place].is_pin_protected));
    assert!(credentials.iter().all(|credential| !credential.digits_known));
}

#[test]
fn an_old_or_stubborn_nitrokey_3_lists_without_properties() {
    let plain = (LIST, "72 0A 21 4157533A616C696365 90 00");
    for (version, refusal) in [("04 04 04", None), ("04 0B 00", Some("6700")), ("04 10 00", Some("6A80"))] {
        let selected = format!("79 03 {version} 71 08 0102030405060708 8F 04 01 02 03 04 90 00");
        let mut steps = vec![(SELECT, &*selected), (CALCULATE_ALL, "6D00")];
        steps.extend(refusal.map(|refusal| (LIST_PROPERTIES, refusal)));
        steps.push(plain);
        let mut script = Script::new(&steps);
        let credentials = select(&mut script).unwrap().credentials().unwrap();
        assert_eq!((credentials.len(), credentials[0].touch), (1, Touch::Unknown), "{version}");
        script.assert_finished();
    }
}

/// Its salt is new at every SELECT.
#[test]
fn a_nitrokey_3_is_known_by_its_serial_number_alone() {
    let mut script =
        Script::new(&[(SELECT, "79 03 04 10 00 71 08 0102030405060708 8F 04 0A 02 03 04 90 00")]);
    let description = select(&mut script).unwrap().description();
    assert_eq!((description.salt, description.serial.as_deref()), (None, Some("0a020304")));
}

#[test]
fn list_is_enough_if_calculate_all_fails() {
    // A corrupt credential; a truncated response; unknown elements.
    for answer in ["6581", "6F00", "71 09 41 90 00", "8E 01 00 90 00"] {
        let mut script = Script::new(&[(SELECT, UNLOCKED), (CALCULATE_ALL, answer), (LIST, LISTED)]);
        let credentials = select(&mut script).unwrap().credentials().unwrap();
        assert_eq!((credentials.len(), credentials[0].touch), (1, Touch::Unknown), "{answer}");
        script.assert_finished();
    }
}

#[test]
fn a_list_that_is_refused_without_a_challenge_wants_a_password_to_be_set() {
    let mut script = Script::new(&[(SELECT, UNLOCKED), (CALCULATE_ALL, "6982"), (LIST, "6982")]);
    assert_eq!(select(&mut script).unwrap().credentials(), Err(Error::PasswordUnset));
}

#[test]
fn unknown_elements_are_skipped_and_the_first_duplicate_is_used() {
    let mut script = Script::new(&[
        (SELECT, "8E 00 7B 01 01 71 00 79 03 01 02 03 90 00"),
        // 77 without digits; a name without a result; a result without a name; a name that is too long.
        (
            CALCULATE_ALL,
            &format!(
                "7C 01 06 71 01 61 8E 02 00 00 77 00 71 01 62 71 01 63 7C 01 07 71 41 {} 7C 01 06 71 01 63 76 05 06 00000000 90 00",
                "61".repeat(65)
            ),
        ),
        (
            LIST,
            &format!(
                "72 02 11 61 8E 00 72 02 21 62 72 02 22 63 72 02 23 63 72 01 21 72 00 72 02 24 64 72 42 21 {} 90 00",
                "61".repeat(65)
            ),
        ),
    ]);
    let mut session = select(&mut script).unwrap();
    assert_eq!(session.selection().salt, None, "an empty salt identifies nothing");
    let seen: Vec<_> = session
        .credentials()
        .unwrap()
        .into_iter()
        .map(|c| (c.name.account, c.algorithm, c.touch, c.digits_known))
        .collect();
    assert_eq!(
        seen,
        [
            ("a".to_owned(), Algorithm::Sha1, Touch::Unknown, false),
            ("b".to_owned(), Algorithm::Sha1, Touch::Unknown, false),
            ("c".to_owned(), Algorithm::Sha256, Touch::Yes, true),
        ]
    );
}
