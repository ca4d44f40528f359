//! Valid responses with random damage from a deterministic generator.

use super::super::derive;
use super::{LOCKED, UNLOCKED, bytes, select};
use crate::device::{self, NoProgress, Progress, Transaction};
use crate::iso7816::{Command, Response};
use crate::oath::{Kind, MovingFactor};
use crate::otp::Step;

/// The maximum number of commands of a session: no response may cause an endless loop.
const MAX_COMMANDS: usize = 2_000;

/// Xorshift64: the same responses in every run.
struct Generator(u64);

impl Generator {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

struct HostileCard {
    generator: Generator,
    commands: usize,
    hotp_calculations: usize,
}

impl HostileCard {
    fn new(seed: u64) -> Self {
        let generator = Generator(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self { generator, commands: 0, hotp_calculations: 0 }
    }

    fn valid_answer(&mut self, command: &[u8]) -> Vec<u8> {
        bytes(match (command[1], command[2]) {
            (0xa4, 4) => [UNLOCKED, LOCKED][self.generator.below(2)],
            (0xa4, _) => {
                "71094157533A616C696365760508 41397EEA 7106546F75636879 7C0106 7103437472 770106 9000"
            }
            (0xa1, _) => {
                "720A214157533A616C696365 720721546F75636879 720411437472 720A21537465616D3A626F62 9000"
            }
            (0xa2, _) => "76050641397EEA 9000",
            (0xa3, _) => "75147A64341DACCCCC3A813F22180BEA9DA8E3CFD971 9000",
            _ => "71034374727701069000",
        })
    }

    fn mutate(&mut self, answer: &mut Vec<u8>) {
        for _ in 0..self.generator.below(3) {
            let at = self.generator.below(answer.len().max(1));
            match self.generator.below(7) {
                0 => answer.truncate(at),
                1 => answer.insert(at.min(answer.len()), self.generator.byte()),
                2 => answer.extend(answer.clone().get(at..).unwrap_or_default().to_vec()),
                3 => drop(answer.splice(0..at.min(answer.len()), [])),
                4 => answer.splice(at..at, vec![self.generator.byte(); 300]).for_each(drop),
                _ => {
                    if let Some(byte) = answer.get_mut(at) {
                        *byte = self.generator.byte();
                    }
                }
            }
        }
        if self.generator.below(8) == 0 {
            let status = [0x61, self.generator.byte()];
            answer.truncate(answer.len().saturating_sub(2));
            answer.extend(status);
        }
    }
}

impl Transaction for HostileCard {
    fn transmit(&mut self, command: &Command, _: &dyn Progress) -> Result<Response, device::Error> {
        self.commands += 1;
        assert!(self.commands < MAX_COMMANDS, "the session sends commands without end");
        let command = command.to_bytes();
        if command[1] == 0xa2 && command.ends_with(&[0x74, 0x00, 0x00]) {
            self.hotp_calculations += 1;
        }
        let mut answer = self.valid_answer(&command);
        self.mutate(&mut answer);
        Response::from_bytes(&answer).map_err(|_| device::Error::Removed)
    }
}

#[test]
fn damaged_responses_do_not_panic() {
    let key = derive(&"foobar".into(), &[0; 8]).into();
    let (mut selected, mut listed, mut calculated) = (0, 0, 0);
    for seed in 0..20_000 {
        let mut card = HostileCard::new(seed);
        let mut expected_hotp = 0;
        let Ok(mut session) = select(&mut card) else { continue };
        selected += 1;
        let _ = session.validate(&key);
        let credentials = session.credentials().unwrap_or_default();
        listed += usize::from(!credentials.is_empty());
        assert!(credentials.len() <= 1_024);
        for credential in &credentials {
            assert!((1..=64).contains(&credential.name.bytes.len()));
            let shown = [credential.name.issuer.as_str(), &credential.name.account].concat();
            assert!(!shown.contains(char::is_control));
        }
        for credential in credentials.iter().take(4) {
            let hotp = credential.kind == Kind::Hotp;
            expected_hotp += usize::from(hotp);
            let factor = if hotp { MovingFactor::Counter } else { MovingFactor::Step(Step(seed)) };
            if let Ok(code) = session.calculate(credential, factor, &NoProgress) {
                calculated += 1;
                assert!((4..=10).contains(&code.expose().len()));
            }
        }
        assert_eq!(card.hotp_calculations, expected_hotp, "the counter advances once for each request");
    }
    // The test is only meaningful if many responses pass the first checks.
    assert!(selected > 5_000 && listed > 3_000 && calculated > 3_000, "{selected} {listed} {calculated}");
}
