//! The credential of `AddCredential`, from a URI or a bare seed and from options.

use super::options::Options;
use crate::dbus::error::Error;
use crate::dbus::names;
use crate::oath::{Algorithm, Kind, NewCredential, ObjectId};
use crate::otp::{Digits, Period};
use crate::otpauth;
use crate::secret::SecretText;

/// The options that describe a new credential. They complete a bare seed, and must agree with a URI.
pub(in crate::dbus) struct NewOptions {
    issuer: Option<String>,
    account: Option<String>,
    kind: Option<Kind>,
    algorithm: Option<Algorithm>,
    digits: Option<Digits>,
    period: Option<Period>,
    counter: Option<u32>,
    pub(in crate::dbus) touch: bool,
    /// The credential that has the same seed.
    pub(in crate::dbus) same_seed_as: Option<ObjectId>,
}

impl NewOptions {
    pub(in crate::dbus) fn take(options: &mut Options) -> Result<Self, Error> {
        Ok(Self {
            issuer: options.text("issuer")?,
            account: options.text("account")?,
            kind: word(options, "type", &[Kind::Totp, Kind::Hotp, Kind::Steam], |kind| {
                kind.word().to_owned()
            })?,
            algorithm: word(
                options,
                "algorithm",
                &[Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512],
                Algorithm::to_string,
            )?,
            digits: digits(options.number("digits")?)?,
            period: period(options.number("period")?)?,
            counter: options.number("counter")?,
            touch: options.flag("touch", false)?,
            same_seed_as: credential(options)?,
        })
    }

    /// The credential. `secret` is a URI, or a seed in base32.
    ///
    /// # Errors
    ///
    /// `InvalidArgs` if the secret is neither, if a seed comes without `account`, and if an option contradicts a URI.
    pub(in crate::dbus) fn credential(self, secret: &SecretText) -> Result<NewCredential, Error> {
        if otpauth::is_uri(secret.expose()) {
            let parsed = otpauth::parse(secret.expose()).map_err(refused)?;
            return self.agreed(parsed);
        }
        let key = otpauth::seed(secret.expose()).map_err(refused)?;
        let is_steam = self.kind == Some(Kind::Steam);
        let issuer = self.issuer.unwrap_or_else(|| if is_steam { STEAM } else { "" }.to_owned());
        let kind = self.kind.unwrap_or(if issuer == STEAM { Kind::Steam } else { Kind::Totp });
        Ok(NewCredential {
            kind,
            issuer,
            account: self.account.ok_or_else(|| {
                Error::invalid("A bare seed has no account name; pass the option account, or an otpauth URI")
            })?,
            algorithm: self.algorithm.unwrap_or(Algorithm::Sha1),
            // Codes of Steam have five letters, and tokens store 6 for them.
            digits: self.digits.filter(|_| kind != Kind::Steam).unwrap_or(Digits::SIX),
            period: self.period.unwrap_or(Period::DEFAULT),
            counter: self.counter.unwrap_or(0),
            touch: self.touch,
            key,
        })
    }

    /// The credential of a URI, unless an option contradicts it.
    fn agreed(self, parsed: otpauth::NewCredential) -> Result<NewCredential, Error> {
        let otpauth::NewCredential { issuer, account, secret: key, kind, algorithm, digits, period, counter } =
            parsed;
        let issuer = issuer.unwrap_or_default();
        let counter = u32::try_from(counter).map_err(|_| {
            Error::invalid(
                "The counter of the otpauth URI is above 4294967295; no token takes it, so correct it",
            )
        })?;
        let differs = [
            ("issuer", self.issuer.is_some_and(|wanted| wanted != issuer)),
            ("account", self.account.is_some_and(|wanted| wanted != account)),
            ("type", self.kind.is_some_and(|wanted| wanted != kind)),
            ("algorithm", self.algorithm.is_some_and(|wanted| wanted != algorithm)),
            ("digits", self.digits.is_some_and(|wanted| wanted != digits)),
            ("period", self.period.is_some_and(|wanted| wanted != period)),
            ("counter", self.counter.is_some_and(|wanted| wanted != counter)),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((key, _)) => Err(Error::invalid(format!(
                "The option {key} contradicts the otpauth URI; leave it out, or correct one of them"
            ))),
            None => Ok(NewCredential {
                issuer,
                account,
                kind,
                algorithm,
                digits,
                period,
                counter,
                touch: self.touch,
                key,
            }),
        }
    }
}

/// The issuer of codes with five letters.
const STEAM: &str = "Steam";

fn refused(error: otpauth::Error) -> Error {
    Error::invalid(format!(
        "The secret is no credential because {error}; pass an otpauth URI, or the seed in base32"
    ))
}

/// The value that has this word.
fn word<T: Copy>(
    options: &mut Options,
    key: &'static str,
    values: &[T],
    word: impl Fn(&T) -> String,
) -> Result<Option<T>, Error> {
    let Some(text) = options.text(key)? else { return Ok(None) };
    let value = values.iter().find(|value| word(value) == text);
    let words: Vec<_> = values.iter().map(word).collect();
    value.copied().map(Some).ok_or_else(|| {
        Error::invalid(format!("The option {key} has an unknown value; pass one of {}", words.join(", ")))
    })
}

fn digits(number: Option<u32>) -> Result<Option<Digits>, Error> {
    let Some(number) = number else { return Ok(None) };
    let digits = u8::try_from(number).ok().filter(|digits| (6..=8).contains(digits));
    let digits = digits.and_then(|digits| Digits::new(digits).ok());
    digits.map(Some).ok_or_else(|| Error::invalid("The option digits must be 6, 7 or 8; pass one of them"))
}

fn period(number: Option<u32>) -> Result<Option<Period>, Error> {
    let refused = |_| Error::invalid("The option period must be 1 or more seconds; pass such a number");
    number.map(Period::new).transpose().map_err(refused)
}

fn credential(options: &mut Options) -> Result<Option<ObjectId>, Error> {
    let Some(path) = options.object("same-seed-as")? else { return Ok(None) };
    let id = names::credential_id(&path);
    id.map(Some).ok_or_else(|| {
        Error::invalid("The option same-seed-as is not the path of a credential; pass one below credentials/")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dbus::args::Map;

    const SEED: &str = "GEZDGNBVGY3TQOJQ";
    const URI: &str = "otpauth://totp/AWS:alice?secret=GEZDGNBVGY3TQOJQ&digits=8";

    fn added(secret: &str, pairs: &[(&str, zbus::Variant<'_>)]) -> Result<NewCredential, Error> {
        let map: Map =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.try_to_owned().unwrap())).collect();
        let mut options = Options::new(map);
        let new = NewOptions::take(&mut options)?;
        options.finish()?;
        new.credential(&SecretText::new(secret.to_owned()))
    }

    #[test]
    fn options_complete_a_bare_seed() {
        let new = added(SEED, &[("account", "bob".into())]).unwrap();
        assert_eq!((new.issuer.as_str(), new.account.as_str(), new.kind), ("", "bob", Kind::Totp));
        let all = [
            ("issuer", "VPN".into()),
            ("account", "bob".into()),
            ("type", "hotp".into()),
            ("algorithm", "SHA256".into()),
            ("digits", 7_u32.into()),
            ("counter", 9_u32.into()),
            ("touch", true.into()),
        ];
        let new = added(SEED, &all).unwrap();
        assert_eq!((new.kind, new.algorithm, new.digits.get()), (Kind::Hotp, Algorithm::Sha256, 7));
        assert_eq!((new.counter, new.touch), (9, true));
        let steam = [("account", "me".into()), ("type", "steam".into()), ("digits", 8_u32.into())];
        let steam = added(SEED, &steam).unwrap();
        assert_eq!((steam.kind, steam.issuer.as_str(), steam.digits.get()), (Kind::Steam, "Steam", 6));
        let by_issuer = added(SEED, &[("account", "me".into()), ("issuer", "Steam".into())]).unwrap();
        assert_eq!(by_issuer.kind, Kind::Steam);
    }

    #[test]
    fn options_must_agree_with_a_uri() {
        let new = added(URI, &[("touch", true.into()), ("digits", 8_u32.into())]).unwrap();
        assert_eq!((new.account.as_str(), new.digits.get(), new.touch), ("alice", 8, true));
        for (key, value) in [
            ("issuer", "Other".into()),
            ("account", "bob".into()),
            ("type", "hotp".into()),
            ("algorithm", "SHA512".into()),
            ("digits", 6_u32.into()),
            ("period", 60_u32.into()),
            ("counter", 1_u32.into()),
        ] {
            let error = added(URI, &[(key, value)]).unwrap_err();
            assert!(error.sentence().contains(&format!("{key} contradicts")), "{error:?}");
        }
    }

    #[test]
    fn values_that_no_token_takes_are_refused() {
        for (key, value) in [
            ("type", "motp".into()),
            ("algorithm", "MD5".into()),
            ("digits", 5_u32.into()),
            ("period", 0_u32.into()),
            ("same-seed-as", zbus::ObjectPath::try_from("/").unwrap().into()),
        ] {
            let error = added(SEED, &[("account", "bob".into()), (key, value)]).unwrap_err();
            assert!(error.sentence().contains(key), "{error:?}");
        }
        assert!(added(SEED, &[]).unwrap_err().sentence().contains("account"));
        assert!(!added("otpauth://totp/x?secret=0", &[]).unwrap_err().sentence().contains("secret=0"));
    }
}
