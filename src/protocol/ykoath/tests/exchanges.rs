//! Complete exchanges with a conforming token, byte by byte.

use super::super::error::refused;
use super::super::{Selection, derive, device_id};
use super::{CALCULATE_ALL, LIST, LOCKED, SELECT, Script, Touches, UNLOCKED, bytes, credential, select};
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Command, Response, Status};
use crate::oath::{Credential, Error, KeySlot, Kind, MovingFactor, Touch};
use crate::otp::{Algorithm, Period, Step};

const VALIDATE: &str = "00 A3 00 00 20 75 14 013356628BC89766D4AAE0B6F3681FD85DDC854D 74 08 A0A1A2A3A4A5A6A7";
const PROOF: &str = "75 14 7A64341DACCCCC3A813F22180BEA9DA8E3CFD971 90 00";
const HOST_CHALLENGE: [u8; 8] = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7];
const ALICE: &str = "00 A2 00 01 15 71 09 4157533A616C696365 74 08 0000000000000001";

fn key() -> KeySlot {
    derive(&"correct horse".into(), &[1, 2, 3, 4, 5, 6, 7, 8]).into()
}

/// Selects an unlocked token and calculates one code.
fn calculated(command: &str, answer: &str, of: &Credential, factor: MovingFactor) -> Result<String, Error> {
    let mut script = Script::new(&[(SELECT, UNLOCKED), (command, answer)]);
    let mut session = select(&mut script)?;
    let code = session.calculate(of, factor, &NoProgress);
    script.assert_finished();
    code.map(|code| code.expose().to_owned())
}

#[test]
fn select_of_an_unlocked_token() {
    let mut script = Script::new(&[(SELECT, UNLOCKED)]);
    let session = select(&mut script).unwrap();
    assert!(!session.is_locked());
    let salt = vec![1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(device_id(&salt), "ZoQN2hVOihE8Md0K0y9/Og");
    assert_eq!(
        *session.selection(),
        Selection { version: Some([5, 4, 3]), salt: Some(salt), ..Selection::default() }
    );
}

#[test]
fn a_card_without_the_application() {
    for answer in ["6A82", "6999", "6D00", "6B00", "9000", "6F 02 84 00 90 00"] {
        let mut script = Script::new(&[(SELECT, answer)]);
        assert_eq!(select(&mut script).err(), Some(Error::NoApplication), "{answer}");
    }
    let mut script = Script::new(&[(SELECT, "6F00")]);
    assert!(matches!(select(&mut script).err(), Some(Error::NotSelected(_))));
}

#[test]
fn validate_proves_the_key_to_both_sides() {
    let mut script = Script::new(&[(SELECT, LOCKED), (VALIDATE, PROOF)]);
    let mut session = select(&mut script).unwrap();
    assert!(session.is_locked());
    session.validate_with(&key(), &HOST_CHALLENGE).unwrap();
    assert!(!session.is_locked());
    script.assert_finished();
}

#[test]
fn validate_with_a_wrong_key() {
    for answer in ["6A80", "6984", "6982", "6300"] {
        let mut script = Script::new(&[(SELECT, LOCKED), (VALIDATE, answer)]);
        let mut session = select(&mut script).unwrap();
        assert_eq!(session.validate_with(&key(), &HOST_CHALLENGE), Err(Error::WrongPassword), "{answer}");
        assert!(session.is_locked());
    }
}

#[test]
fn validate_detects_a_token_without_the_key() {
    for answer in [
        "9000",
        "75 00 90 00",
        "75 14 7A64341DACCCCC3A813F22180BEA9DA8E3CFD970 90 00",
        "75 13 7A64341DACCCCC3A813F22180BEA9DA8E3CFD9 90 00",
        // The token returns our own proof.
        "75 14 013356628BC89766D4AAE0B6F3681FD85DDC854D 90 00",
    ] {
        let mut script = Script::new(&[(SELECT, LOCKED), (VALIDATE, answer)]);
        let mut session = select(&mut script).unwrap();
        assert_eq!(session.validate_with(&key(), &HOST_CHALLENGE), Err(Error::Impostor), "{answer}");
        assert!(session.is_locked());
    }
}

#[test]
fn host_challenges_differ() {
    struct Listener(Vec<Vec<u8>>);
    impl Transaction for Listener {
        fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
            self.0.push(command.to_bytes());
            let answer = if self.0.len() == 1 { LOCKED } else { "6A80" };
            Response::from_bytes(&bytes(answer)).map_err(|_| device::Error::Removed)
        }
    }
    let mut card = Listener(Vec::new());
    let mut session = select(&mut card).unwrap();
    assert_eq!(session.validate(&key()), Err(Error::WrongPassword));
    assert_eq!(session.validate(&key()), Err(Error::WrongPassword));
    let challenges: Vec<_> = card.0[1..].iter().map(|sent| sent[29..37].to_vec()).collect();
    assert_ne!(challenges[0], challenges[1]);
    assert_eq!(card.0[1][..27], card.0[2][..27], "the response to the card's challenge");
}

#[test]
fn without_a_key_nothing_is_sent() {
    let mut script = Script::new(&[(SELECT, LOCKED)]);
    let mut session = select(&mut script).unwrap();
    assert_eq!(session.validate(&KeySlot::default()), Err(Error::Locked));
    script.assert_finished();
}

#[test]
fn validate_is_not_sent_to_an_unlocked_token() {
    let mut script = Script::new(&[(SELECT, UNLOCKED)]);
    select(&mut script).unwrap().validate(&key()).unwrap();
    script.assert_finished();
}

#[test]
fn credentials_combine_list_and_calculate_all() {
    let mut script = Script::new(&[
        (SELECT, UNLOCKED),
        (
            CALCULATE_ALL,
            "71 09 4157533A616C696365 76 05 08 41397EEA 71 06 546F75636879 7C 01 06 71 03 437472 77 01 06 90 00",
        ),
        (
            LIST,
            "72 0A 21 4157533A616C696365 72 07 22 546F75636879 72 04 11 437472 72 0A 23 537465616D3A626F62 90 00",
        ),
    ]);
    let credentials = select(&mut script).unwrap().credentials().unwrap();
    script.assert_finished();
    let seen: Vec<_> = credentials
        .iter()
        .map(|c| {
            (
                c.name.issuer.as_str(),
                c.name.account.as_str(),
                c.kind,
                c.algorithm,
                c.digits.get(),
                c.digits_known,
                c.touch,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("AWS", "alice", Kind::Totp, Algorithm::Sha1, 8, true, Touch::No),
            ("", "Touchy", Kind::Totp, Algorithm::Sha256, 6, true, Touch::Yes),
            ("", "Ctr", Kind::Hotp, Algorithm::Sha1, 6, true, Touch::Unknown),
            ("Steam", "bob", Kind::Steam, Algorithm::Sha512, 6, false, Touch::Unknown),
        ]
    );
    assert!(credentials.iter().all(|credential| credential.name.period == Period::DEFAULT));
}

/// RFC 6238 appendix B, as truncated responses of the token.
#[test]
fn totp_codes() {
    let alice = credential("AWS:alice", Kind::Totp, Touch::No);
    for (step, sha1, sha256, sha512) in [
        (0x1, ("41397EEA", "94287082"), ("2C78E04E", "46119246"), ("1D3F6530", "90693936")),
        (0x0235_23ec, ("3610F84C", "07081804"), ("5D771326", "68084774"), ("0D6A9E81", "25091201")),
        (0x0273_ef07, ("29116564", "89005924"), ("05790DA0", "91819424"), ("59041A5C", "93441116")),
        (0x27bc_86aa, ("575783AA", "65353130"), ("2E5B55EA", "77737706"), ("3E752212", "47863826")),
    ] {
        for (word, code) in [sha1, sha256, sha512] {
            let command = format!("00 A2 00 01 15 71 09 4157533A616C696365 74 08 {step:016X}");
            let answer = format!("76 05 08 {word} 90 00");
            assert_eq!(
                calculated(&command, &answer, &alice, MovingFactor::Step(Step(step))).as_deref(),
                Ok(code)
            );
        }
    }
}

#[test]
fn the_sent_name_contains_the_period() {
    let bob = credential("60/AWS:bob", Kind::Totp, Touch::No);
    assert_eq!((bob.name.period.seconds(), bob.name.issuer.as_str()), (60, "AWS"));
    let command = "00 A2 00 01 16 71 0A 36302F4157533A626F62 74 08 0000000000000000";
    let code = calculated(command, "76 05 06 4C93CF18 90 00", &bob, MovingFactor::Step(Step(0)));
    assert_eq!(code.as_deref(), Ok("755224"));
}

/// RFC 4226 appendix D, as truncated responses of the token.
#[test]
fn hotp_codes_use_an_empty_challenge() {
    let counter = credential("Ctr", Kind::Hotp, Touch::Unknown);
    for (word, code) in [("4C93CF18", "755224"), ("41397EEA", "287082"), ("082FEF30", "359152")] {
        let answer = format!("76 05 06 {word} 90 00");
        let calculated =
            calculated("00 A2 00 01 07 71 03 437472 74 00", &answer, &counter, MovingFactor::Counter);
        assert_eq!(calculated.as_deref(), Ok(code));
    }
}

#[test]
fn steam_codes_come_from_the_full_response() {
    let bob = credential("Steam:bob", Kind::Steam, Touch::No);
    let command = "00 A2 00 00 15 71 09 537465616D3A626F62 74 08 0000000000000001";
    let full = "75 15 06 75A48A19D4CBE100644E8AC1397EEA747A2D33AB 90 00";
    // 41397EEA in Steam's alphabet of 26 letters, least significant first.
    assert_eq!(calculated(command, full, &bob, MovingFactor::Step(Step(1))).as_deref(), Ok("PV9M4"));
    assert!(matches!(
        calculated(command, "6D00", &bob, MovingFactor::Step(Step(1))),
        Err(Error::Unsupported(_))
    ));
}

#[test]
fn a_full_response_is_truncated_and_its_top_bit_is_cleared() {
    let alice = credential("AWS:alice", Kind::Totp, Touch::No);
    for answer in ["75 15 08 75A48A19D4CBE100644E8AC1397EEA747A2D33AB 90 00", "76 05 08 C1397EEA 90 00"] {
        assert_eq!(calculated(ALICE, answer, &alice, MovingFactor::Step(Step(1))).as_deref(), Ok("94287082"));
    }
}

#[test]
fn progress_reports_a_touch_before_the_command() {
    let touchy = credential("AWS:alice", Kind::Totp, Touch::Yes);
    let mut script = Script::new(&[(SELECT, UNLOCKED), (ALICE, "76 05 08 41397EEA 90 00")]);
    let touches = Touches::default();
    let mut session = select(&mut script).unwrap();
    session.calculate(&touchy, MovingFactor::Step(Step(1)), &touches).unwrap();
    session.calculate(&touchy, MovingFactor::Counter, &touches).unwrap_err();
    assert_eq!(touches.count(), 1, "no touch is reported for a command that is not sent");
}

#[test]
fn status_6985_means_locked_or_not_touched() {
    for (selected, touch, expected) in [
        (UNLOCKED, Touch::Yes, Error::TouchTimedOut),
        (UNLOCKED, Touch::Unknown, Error::TouchTimedOut),
        (UNLOCKED, Touch::No, Error::Locked),
        (LOCKED, Touch::Yes, Error::Locked),
        (LOCKED, Touch::Unknown, Error::Locked),
        (LOCKED, Touch::No, Error::Locked),
    ] {
        // 6982 of a token that is not locked is in `increasing`.
        let refusals = if selected == LOCKED { &["6982", "6985"][..] } else { &["6985"] };
        for refusal in refusals {
            let mut script = Script::new(&[(SELECT, selected), (ALICE, refusal)]);
            let mut session = select(&mut script).unwrap();
            let result = session.calculate(
                &credential("AWS:alice", Kind::Totp, touch),
                MovingFactor::Step(Step(1)),
                &NoProgress,
            );
            assert_eq!(result, Err(expected.clone()), "{touch:?}");
        }
    }
}

#[test]
fn errors_of_a_calculation_are_classified() {
    let alice = credential("AWS:alice", Kind::Totp, Touch::No);
    let result = |answer| calculated(ALICE, answer, &alice, MovingFactor::Step(Step(1)));
    assert_eq!(result("6984"), Err(Error::NoSuchCredential));
    assert_eq!(result("6A82"), Err(Error::NoSuchCredential));
    // A Nitrokey 3 takes a key for SHA-512, and does not calculate with it.
    assert!(matches!(result("6A81"), Err(Error::Unsupported(_))));
    assert!(matches!(result("77 00 90 00"), Err(Error::Unsupported(_))));
    assert!(matches!(result("9000"), Err(Error::Malformed(_))));
    assert!(matches!(result("76 00 90 00"), Err(Error::Malformed(_))));
    assert!(matches!(result("76 04 06 000000 90 00"), Err(Error::Malformed(_))));
    assert!(matches!(result("76 05 0B 00000000 90 00"), Err(Error::Malformed(_))));
    assert!(matches!(result("75 03 06 0000 90 00"), Err(Error::Malformed(_))));
    assert_eq!(result("6F00"), Err(refused(0xa2, Status(0x6f00))));
}

#[test]
fn a_factor_of_the_wrong_kind_is_refused_before_sending() {
    for (kind, factor) in [
        (Kind::Hotp, MovingFactor::Step(Step(1))),
        (Kind::Totp, MovingFactor::Counter),
        (Kind::Steam, MovingFactor::Counter),
    ] {
        let mut script = Script::new(&[(SELECT, UNLOCKED)]);
        let mut session = select(&mut script).unwrap();
        let result = session.calculate(&credential("x", kind, Touch::No), factor, &NoProgress);
        assert!(matches!(result, Err(Error::Unsupported(_))), "{kind:?}");
    }
}
