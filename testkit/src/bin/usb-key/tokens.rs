//! The virtual tokens of a key, and which of them is behind each interface.

use std::error::Error;
use std::time::Duration;

use oathbridge::clock::{Clock, SystemClock};
use oathbridge::device::Reports;
use oathbridge::virt::{self, FidoInterface, Session, VirtualToken};

use super::descriptors::Ids;
use super::faults;

/// The vendors whose smart cards are those of a Nitrokey and of a Token2 key.
const NITROKEY: u16 = 0x20a0;
const TOKEN2: u16 = 0x349e;

/// The YubiKey, the Nitrokey 3, the Nitrokey Pro and the Token2 PIN+. The two Nitrokeys report their serial numbers in
/// hexadecimal: 01020304 and 00005f11.
const TOKENS: &str = r#"
[[token]]
serial = 7654321
touch = "never"
[[token.otp-slot]]
slot = 1
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
touch = true
[[token.otp-slot]]
slot = 2
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "carol"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

[[token]]
serial = 16909060
model = "nitrokey-3"
pin = "unknown"
touch = "never"
[[token.credential]]
issuer = "AWS"
account = "alice"
digits = 8
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "bob"
touch = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "frank"
pin = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

[[token]]
serial = 24337
model = "nitrokey-pro"
[[token.credential]]
issuer = "AWS"
account = "alice"
digits = 8
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
account = "counter"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

[[token]]
serial = 86420
model = "token2-pin-plus"
touch = "never"
[[token.credential]]
issuer = "AWS"
account = "alice"
digits = 8
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
issuer = "AWS"
account = "bob"
touch = true
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
[[token.credential]]
account = "counter"
type = "hotp"
seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"#;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// All tokens; a key with these ids shows some of them.
pub(super) struct Tokens {
    ids: Ids,
    yubikey: VirtualToken,
    nitrokey: VirtualToken,
    pro: VirtualToken,
    token2: VirtualToken,
}

impl Tokens {
    /// The tokens of the key in a port. The Nitrokeys and the Token2 key have this PIN.
    pub(super) fn new(ids: Ids, port: u32, pin: Option<&String>) -> Result<Self, Box<dyn Error>> {
        let mut specs = virt::parse(TOKENS)?;
        let [_, nitrokey, pro, token2] = &mut specs[..] else {
            return Err("there are not four tokens".into());
        };
        nitrokey.credentials.retain(|credential| pin.is_some() || !credential.pin);
        for spec in [nitrokey, pro, token2] {
            spec.pin = pin.map(|pin| pin.as_str().into());
        }
        specs.iter_mut().for_each(|spec| spec.serial += port);
        let mut made = specs.iter().map(VirtualToken::new);
        let mut next = || made.next().ok_or("a token is missing");
        let tokens = Self { ids, yubikey: next()?, nitrokey: next()?, pro: next()?, token2: next()? };
        if ids.is_nitrokey_storage() {
            tokens.pro.become_nitrokey_storage();
        }
        Ok(tokens)
    }

    /// The interface with the slots.
    pub(super) fn keyboard(&self) -> Option<Box<dyn Reports>> {
        Some(match self.ids.is_nitrokey_pro() {
            true => Box::new(self.pro.nitrokey_pro()?),
            false => Box::new(self.yubikey.keyboard()?),
        })
    }

    /// The FIDO interface, opened once more.
    pub(super) fn fido(&self) -> Option<FidoInterface> {
        if self.ids.vendor == TOKEN2 { self.token2.fido() } else { self.nitrokey.fido() }
    }

    pub(super) fn card(&self) -> Option<Session> {
        match self.ids.vendor {
            NITROKEY => self.nitrokey.connect(),
            TOKEN2 => self.token2.connect(),
            _ => self.yubikey.connect(),
        }
    }

    /// Touches the tokens, or turns the clock of a Nitrokey Pro a day ahead.
    pub(super) fn press(&self) {
        if self.ids.is_nitrokey_pro() {
            self.pro.set_nitrokey_pro_clock(SystemClock::new().unix_time() + DAY);
            return;
        }
        [&self.yubikey, &self.nitrokey, &self.token2].into_iter().for_each(VirtualToken::touch);
    }

    /// Sets the duration of each command.
    pub(super) fn set_delay(&self, delay: Duration) {
        self.all().for_each(|token| token.set_delay(delay));
    }

    /// Sets the duration of each report over HID.
    pub(super) fn set_report_delay(&self, delay: Duration) {
        self.all().for_each(|token| token.set_report_delay(delay));
    }

    fn all(&self) -> impl Iterator<Item = &VirtualToken> {
        [&self.yubikey, &self.nitrokey, &self.pro, &self.token2].into_iter()
    }

    /// Sets the time that the tokens wait for a touch. Returns whether the key waits for one at all: a Nitrokey Pro does not.
    pub(super) fn set_touch_timeout(&self, timeout: Duration) -> bool {
        if self.ids.is_nitrokey_pro() {
            return false;
        }
        [&self.yubikey, &self.nitrokey, &self.token2]
            .into_iter()
            .for_each(|token| token.set_touch_timeout(timeout));
        true
    }

    /// Adds a fault for the next request over HID to the family that these ids belong to. Returns whether it has this fault.
    pub(super) fn fail_next(&self, word: &str, number: Option<usize>) -> bool {
        let added = if self.ids.is_nitrokey_pro() {
            faults::nitrokey_pro(word, number).map(|fault| self.pro.fail_next_nitrokey_pro(fault))
        } else {
            match self.ids.vendor {
                NITROKEY => faults::fido(word, number).map(|fault| self.nitrokey.fail_next_fido(fault)),
                TOKEN2 => faults::token2(word, number).map(|fault| self.token2.fail_next_token2(fault)),
                _ => faults::otp(word, number).map(|fault| self.yubikey.fail_next_otp(fault)),
            }
        };
        added.is_some()
    }
}
