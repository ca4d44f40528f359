//! Checks that a new credential gives the codes of its seed.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::fd::OwnedFd;
use std::time::Duration;

use zbus::Variant;
use zeroize::Zeroizing;

use super::Failure;
use super::arguments::{CodeKind, Hash, NewArguments};
use super::bus::Bus;
use super::changes::{TIMEOUT, TIMEOUT_SECONDS};
use super::proxies::Options;
use crate::oath::Kind;
use crate::otp::{Algorithm, Code, Digits, Period, Step, truncate};
use crate::otpauth::{self, NewCredential};

/// What a new credential calculates.
pub(super) struct Proof {
    credential: NewCredential,
}

impl Proof {
    /// The proof of a secret with the options for it. `None` if it cannot be checked without a cost: a code based on a counter
    /// uses one up, and one that requires a touch needs a person.
    ///
    /// # Errors
    ///
    /// Reading the secret fails.
    pub(super) fn of(secret: &OwnedFd, arguments: &NewArguments) -> Result<Option<Self>, Failure> {
        let text = text(secret).map_err(|error| Failure::of_system("Reading the seed", &error))?;
        let credential =
            if otpauth::is_uri(&text) { otpauth::parse(&text).ok() } else { bare(&text, arguments) };
        let free = credential.filter(|credential| credential.kind != Kind::Hotp && !arguments.touch);
        Ok(free.map(|credential| Self { credential }))
    }

    /// Whether the credential at this path gives the code of the seed.
    ///
    /// # Errors
    ///
    /// The code cannot be calculated.
    pub(super) async fn holds(&self, bus: &Bus, path: &str) -> Result<bool, Failure> {
        let timeout = Variant::from(TIMEOUT_SECONDS);
        let options = Options::from([("timeout", timeout), ("interactive", false.into())]);
        let (code, from, ..) = bus.calculate(path, options, TIMEOUT).await?;
        let code = Zeroizing::new(code);
        let NewCredential { secret, kind, algorithm, digits, period, .. } = &self.credential;
        let step = Step::at(Duration::from_secs(from), *period);
        let digest = algorithm.hmac(secret.expose(), &step.challenge());
        let expected = truncate(&digest).map(|number| match kind {
            Kind::Steam => Code::steam(number),
            Kind::Totp | Kind::Hotp => Code::decimal(number, *digits),
        });
        Ok(expected.is_some_and(|expected| expected.expose() == code.as_str()))
    }
}

/// The text of a secret, whose position stays at its start.
fn text(secret: &OwnedFd) -> io::Result<Zeroizing<String>> {
    let mut file = File::from(secret.try_clone()?);
    let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
    file.rewind()?;
    file.read_to_string(&mut text)?;
    file.rewind()?;
    Ok(text)
}

/// The credential of a bare seed, with the defaults of the daemon.
fn bare(text: &str, arguments: &NewArguments) -> Option<NewCredential> {
    let digits = arguments.digits.and_then(|digits| Digits::new(digits.try_into().ok()?).ok());
    let is_steam = arguments.issuer.as_deref() == Some("Steam");
    Some(NewCredential {
        issuer: arguments.issuer.clone(),
        account: arguments.account.clone()?,
        secret: otpauth::seed(text).ok()?,
        kind: match arguments.kind {
            Some(CodeKind::Hotp) => Kind::Hotp,
            Some(CodeKind::Steam) => Kind::Steam,
            None if is_steam => Kind::Steam,
            Some(CodeKind::Totp) | None => Kind::Totp,
        },
        algorithm: match arguments.algorithm {
            Some(Hash::Sha256) => Algorithm::Sha256,
            Some(Hash::Sha512) => Algorithm::Sha512,
            Some(Hash::Sha1) | None => Algorithm::Sha1,
        },
        digits: digits.unwrap_or(Digits::SIX),
        period: arguments.period.map_or(Ok(Period::DEFAULT), Period::new).ok()?,
        counter: arguments.counter.unwrap_or(0).into(),
    })
}
