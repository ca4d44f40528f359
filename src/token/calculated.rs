//! The code, or the two codes, of one request.

use crate::clock::Clock;
use crate::device::{self, Progress};
use crate::oath::{self, CodeRequest, CodeResult, Credential, OathSession};

/// Calculates the codes in this session.
pub(super) fn calculated(
    session: &mut dyn OathSession,
    request: &CodeRequest,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<CodeResult, oath::Error> {
    let credential: &Credential = &request.credential;
    if request.set_time {
        session.allow_set_time();
    }
    let mut factor = request.factor(clock);
    let mut code = session.calculate(credential, factor, progress);
    let is_late = matches!(code, Err(oath::Error::Device(device::Error::Reset)));
    // A token with a clock of its own was too late for the step. In this session its PIN need not be verified again.
    if is_late && session.description().own_clock && request.factor(clock) != factor {
        factor = request.factor(clock);
        code = session.calculate(credential, factor, progress);
    }
    let code = code?;
    // The second code may require another touch, so it is not requested after a cancellation.
    let next = request.next_factor(factor).filter(|_| !progress.is_cancelled());
    let next = next.map(|factor| session.calculate(credential, factor, progress)).transpose()?;
    Ok(CodeResult { code, step: factor.step(), next })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;
    use crate::device::NoProgress;
    use crate::oath::{Algorithm, CredentialName, KeySlot, Kind, MovingFactor, SelfDescription, Touch, When};
    use crate::otp::{Code, Digits, Period, Step};

    /// A session whose first code takes 30 s, and is too late for its step.
    struct Late {
        clock: Arc<ManualClock>,
        own_clock: bool,
        asked: Vec<MovingFactor>,
    }

    impl OathSession for Late {
        fn description(&self) -> SelfDescription {
            SelfDescription { own_clock: self.own_clock, ..SelfDescription::default() }
        }

        fn is_locked(&self) -> bool {
            false
        }

        fn unlock(&mut self, _keys: &KeySlot) -> Result<(), oath::Error> {
            Ok(())
        }

        fn list(&mut self) -> Result<Vec<Credential>, oath::Error> {
            Ok(Vec::new())
        }

        fn calculate(
            &mut self,
            _credential: &Credential,
            factor: MovingFactor,
            _progress: &dyn Progress,
        ) -> Result<Code, oath::Error> {
            self.asked.push(factor);
            if self.asked.len() > 1 {
                return Ok(Code::decimal(7, Digits::SIX));
            }
            self.clock.advance(Duration::from_secs(30));
            Err(device::Error::Reset.into())
        }
    }

    fn request(when: When) -> CodeRequest {
        let name = CredentialName {
            bytes: b"totp 0".to_vec(),
            issuer: String::new(),
            account: "alice".to_owned(),
            period: Period::DEFAULT,
        };
        let credential = Credential {
            name,
            kind: Kind::Totp,
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            digits_known: true,
            touch: Touch::No,
            is_pin_protected: true,
        };
        CodeRequest { credential, when, with_next: false, set_time: false }
    }

    #[test]
    fn a_token_with_a_clock_that_was_too_late_gives_the_code_of_the_next_step() {
        let step = |step| MovingFactor::Step(Step(step));
        for (own_clock, when, expected, asked) in [
            (true, When::Now, Ok(Some(Step(101))), vec![step(100), step(101)]),
            (false, When::Now, Err(device::Error::Reset.into()), vec![step(100)]),
            (true, When::NotBefore(Step(200)), Err(device::Error::Reset.into()), vec![step(200)]),
        ] {
            let clock = Arc::new(ManualClock::at(Duration::from_secs(3_000)));
            let mut session = Late { clock: clock.clone(), own_clock, asked: Vec::new() };
            let result = calculated(&mut session, &request(when), &*clock, &NoProgress);
            assert_eq!(result.map(|result| result.step), expected);
            assert_eq!(session.asked, asked);
        }
    }
}
