//! PUT, DELETE and RENAME.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::calculate::MISSED_TOUCH;
use super::chaining::Repeat;
use super::error::{means_locked, refused};
use super::{CredentialId, Session, UnusableName, tag};
use crate::device::Progress;
use crate::iso7816::{Command, Response, Status, status, tlv};
use crate::oath::{Credential, CredentialName, Error, Kind, NewCredential};
use crate::otp::{Algorithm, Period};

const PUT: u8 = 0x01;
const DELETE: u8 = 0x02;
const RENAME: u8 = 0x05;

/// The property of PUT that requires a touch for each code.
const REQUIRE_TOUCH: u8 = 0x02;

/// The minimum length of a key in bytes. A shorter one is padded with zeros, which HMAC does as well.
const MIN_KEY: usize = 14;

/// The firmware of a YubiKey 4 whose PUT overwrites a credential if one of both names begins with the other one (yubikey-manager,
/// `ykman/_cli/oath.py`). The range is exclusive.
const CONFUSES_PREFIXES: ([u8; 3], [u8; 3]) = ([4, 0, 0], [4, 3, 5]);

impl From<UnusableName> for Error {
    fn from(_: UnusableName) -> Self {
        Self::UnusableName
    }
}

impl Session<'_> {
    /// Writes a new credential. See [`crate::oath::OathSession::add`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn add(&mut self, new: &NewCredential, progress: &dyn Progress) -> Result<CredentialName, Error> {
        let id = new_id(new.kind, new.period, &new.issuer, &new.account)?;
        if self.selection.is_trussed() && new.algorithm == Algorithm::Sha512 {
            // It answers PUT with success, and each CALCULATE with an error.
            return Err(Error::Unsupported("it calculates no codes with SHA-512"));
        }
        let command = put(&id, new)?;
        self.check_new(&id)?;
        let response = self.change(&command, progress)?;
        match response.status {
            // CanoKey and Nitrokey.
            status::CONDITIONS_NOT_SATISFIED | status::BLOCKED if !self.locked => Err(Error::AlreadyExists),
            status::NO_SPACE => Err(Error::NoSpace),
            status::WRONG_DATA | status::FUNCTION_NOT_SUPPORTED => {
                Err(Error::Unsupported("it takes no credential of this kind"))
            }
            Status::OK => Ok(()),
            status if means_locked(status) => Err(Error::Locked),
            status => Err(refused(PUT, status)),
        }?;
        Ok(id.parse(new.kind == Kind::Hotp))
    }

    /// Deletes a credential. See [`crate::oath::OathSession::remove`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn remove(&mut self, credential: &Credential, progress: &dyn Progress) -> Result<(), Error> {
        // Some tokens answer the deletion of an unknown name with success.
        let mut listed = self.credentials()?.into_iter();
        if !listed.any(|other| other.name.bytes == credential.name.bytes) {
            return Err(Error::NoSuchCredential);
        }
        let mut data = Zeroizing::new(Vec::new());
        tlv::write(&mut data, tag::NAME, &credential.name.bytes);
        let command = Command::new(DELETE, 0, 0, std::mem::take(&mut *data))?;
        let response = self.change(&command, progress)?;
        ended(DELETE, response.status)
    }

    /// Renames a credential. See [`crate::oath::OathSession::rename`].
    ///
    /// # Errors
    ///
    /// See there.
    pub fn rename(
        &mut self,
        credential: &Credential,
        issuer: &str,
        account: &str,
        progress: &dyn Progress,
    ) -> Result<CredentialName, Error> {
        let id = new_id(credential.kind, credential.name.period, issuer, account)?;
        self.check_new(&id)?;
        let mut data = Zeroizing::new(Vec::new());
        tlv::write(&mut data, tag::NAME, &credential.name.bytes);
        tlv::write(&mut data, tag::NAME, id.bytes());
        let command = Command::new(RENAME, 0, 0, std::mem::take(&mut *data))?;
        let response = self.change(&command, progress)?;
        match response.status {
            status::INSTRUCTION_NOT_SUPPORTED => Err(Error::Unsupported("it has no command to rename one")),
            // CanoKey and Nitrokey; the PIN may hide the other credential.
            status::CONDITIONS_NOT_SATISFIED | status::BLOCKED if !self.locked => Err(Error::AlreadyExists),
            status => ended(RENAME, status),
        }?;
        Ok(id.parse(credential.kind == Kind::Hotp))
    }

    /// Checks that no credential has the name. Tokens differ: some overwrite it, and some refuse the command.
    fn check_new(&mut self, id: &CredentialId) -> Result<(), Error> {
        let (after, before) = CONFUSES_PREFIXES;
        let version = self.selection.version.filter(|_| !self.selection.is_trussed());
        let confuses = version.is_some_and(|version| after < version && version < before);
        let is_taken = |other: &[u8]| {
            let begins = other.starts_with(id.bytes()) || id.bytes().starts_with(other);
            other == id.bytes() || confuses && begins
        };
        let listed = self.credentials()?;
        if listed.iter().any(|credential| is_taken(&credential.name.bytes)) {
            return Err(Error::AlreadyExists);
        }
        Ok(())
    }

    /// Sends a command that changes the token, once. Only a Nitrokey may wait for a touch, without saying so; any other slow
    /// answer is that of a slow reader.
    pub(super) fn change(&mut self, command: &Command, progress: &dyn Progress) -> Result<Response, Error> {
        if self.keys.is_some() && !self.fresh {
            self.renew()?;
        }
        self.fresh = false;
        let sent = self.clock.monotonic();
        let may_wait = self.selection.is_trussed();
        progress.touch_possible(may_wait);
        let response = self.channel.send(&command.clone().once(), Repeat::Never, progress);
        progress.touch_possible(false);
        // The card may have been pulled out or reset after it had carried the command out.
        let response = response.map_err(|_| Error::MaybeChanged)?;
        let waited = self.clock.monotonic().saturating_sub(sent);
        if may_wait && means_locked(response.status) && waited >= MISSED_TOUCH {
            return Err(Error::TouchTimedOut);
        }
        Ok(response)
    }
}

/// The result of a command with this status word.
fn ended(instruction: u8, status: Status) -> Result<(), Error> {
    match status {
        Status::OK => Ok(()),
        status::DATA_INVALID | status::NOT_FOUND => Err(Error::NoSuchCredential),
        status if means_locked(status) => Err(Error::Locked),
        status => Err(refused(instruction, status)),
    }
}

/// The name of a new or renamed credential.
pub(super) fn name(kind: Kind, period: Period, issuer: &str, account: &str) -> Result<CredentialName, Error> {
    Ok(new_id(kind, period, issuer, account)?.parse(kind == Kind::Hotp))
}

fn new_id(kind: Kind, period: Period, issuer: &str, account: &str) -> Result<CredentialId, UnusableName> {
    let issuer = Some(issuer);
    let id = match kind {
        Kind::Hotp => CredentialId::hotp(issuer, account),
        Kind::Totp | Kind::Steam => CredentialId::totp(period, issuer, account),
    }?;
    // The issuer is what makes codes those of Steam.
    let is_steam = kind != Kind::Hotp && id.parse(false).issuer == STEAM;
    if is_steam == (kind == Kind::Steam) { Ok(id) } else { Err(UnusableName) }
}

/// The issuer of credentials whose codes have five letters.
const STEAM: &str = "Steam";

/// 71 name, 73 type, digits and key, 78 properties, 7A counter, in this order.
fn put(id: &CredentialId, new: &NewCredential) -> Result<Command, Error> {
    let kind = if new.kind == Kind::Hotp { 0x10 } else { 0x20 };
    let algorithm = match new.algorithm {
        Algorithm::Sha1 => 1,
        Algorithm::Sha256 => 2,
        Algorithm::Sha512 => 3,
    };
    let key = prepared(new);
    let mut value = Zeroizing::new(Vec::with_capacity(2 + key.len()));
    value.extend([kind | algorithm, new.digits.get()]);
    value.extend_from_slice(&key);
    // Growing the buffer later would leave an unwiped copy of the key.
    let mut data = Zeroizing::new(Vec::with_capacity(Command::MAX_DATA));
    tlv::write(&mut data, tag::NAME, id.bytes());
    tlv::write(&mut data, tag::KEY, &value);
    if new.touch {
        // Not a tag with a length, unlike the others.
        data.extend([tag::PROPERTY, REQUIRE_TOUCH]);
    }
    if new.kind == Kind::Hotp && new.counter > 0 {
        tlv::write(&mut data, tag::COUNTER, &new.counter.to_be_bytes());
    }
    Ok(Command::new(PUT, 0, 0, std::mem::take(&mut *data))?)
}

/// The key as HMAC uses it: a key that is longer than the block of the hash is hashed.
fn prepared(new: &NewCredential) -> Zeroizing<Vec<u8>> {
    let key = new.key.expose();
    match new.algorithm {
        Algorithm::Sha1 if key.len() > 64 => return Zeroizing::new(Sha1::digest(key).to_vec()),
        Algorithm::Sha256 if key.len() > 64 => return Zeroizing::new(Sha256::digest(key).to_vec()),
        Algorithm::Sha512 if key.len() > 128 => return Zeroizing::new(Sha512::digest(key).to_vec()),
        _ => {}
    }
    let mut padded = Zeroizing::new(Vec::with_capacity(key.len().max(MIN_KEY)));
    padded.extend_from_slice(key);
    padded.resize(key.len().max(MIN_KEY), 0);
    padded
}
