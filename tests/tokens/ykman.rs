//! Yubico's own tool accepts the virtual token as a YubiKey, through a real pcscd.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_in_result,
    clippy::unwrap_used,
    reason = "helpers of tests may fail, too"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oathbridge::otp::{Algorithm, Code, Digits, Period, Step, truncate};
use oathbridge::virt::{self, VirtualToken};
use testkit::pcscd::PrivatePcscd;

/// The key of RFC 6238, which is shorter than 52 characters but has published codes.
const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const KEY: &[u8] = b"12345678901234567890";

/// A token in a private pcscd, and the tool.
struct Bench {
    ykman: PathBuf,
    card: VirtualToken,
    pcscd: PrivatePcscd,
}

impl Bench {
    fn new(credentials: &str) -> Self {
        let ykman = testkit::ykman::ykman().unwrap();
        let file = format!("[[token]]\nserial = 31415926\ntouch = {{ after-seconds = 0.0 }}\n{credentials}");
        let card = VirtualToken::new(&virt::parse(&file).unwrap()[0]);
        let mut pcscd = PrivatePcscd::start(1).unwrap();
        pcscd.insert(0, &card).unwrap();
        Self { ykman, card, pcscd }
    }

    /// The output of the tool, or its error.
    fn try_ykman(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.ykman)
            // Without a reader's name ykman would also wait for a card in the second slot.
            .args(["--reader", "CCID 00 00"])
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", self.pcscd.socket())
            // The tool stores passwords with a key from a keyring; it must not use the developer's keyring.
            .env("XDG_DATA_HOME", self.pcscd.socket().with_file_name("data"))
            .env("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    fn ykman(&self, arguments: &[&str]) -> String {
        self.try_ykman(arguments).unwrap_or_else(|error| panic!("ykman {arguments:?}: {error}"))
    }

    /// Gets a code, and compares it with the correct codes before and after.
    fn assert_code(&self, arguments: &[&str], algorithm: Algorithm, key: &[u8], digits: u8, period: u32) {
        let before = totp(algorithm, key, digits, period);
        let shown = self.ykman(arguments);
        let after = totp(algorithm, key, digits, period);
        let code = shown.split_whitespace().last().unwrap();
        assert!([&before, &after].into_iter().any(|right| right == code), "{code}, not {before} or {after}");
    }
}

fn totp(algorithm: Algorithm, key: &[u8], digits: u8, period: u32) -> String {
    let now: Duration = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let step = Step::at(now, Period::new(period).unwrap());
    hotp(algorithm, key, digits, step.challenge())
}

fn hotp(algorithm: Algorithm, key: &[u8], digits: u8, factor: [u8; 8]) -> String {
    let word = truncate(&algorithm.hmac(key, &factor)).unwrap();
    Code::decimal(word, Digits::new(digits).unwrap()).expose().to_owned()
}

#[test]
fn ykman_detects_a_yubikey() {
    let bench = Bench::new("");
    let info = bench.ykman(&["info"]);
    for line in ["Serial number: 31415926", "Firmware version: 5.4.3", "Form factor: Keychain (USB-A)"] {
        assert!(info.contains(line), "{info}");
    }
    let oath = bench.ykman(&["oath", "info"]);
    assert!(oath.contains("OATH version:        5.4.3"), "{oath}");
    assert!(oath.contains("Password protection: disabled"), "{oath}");
}

#[test]
fn credentials_are_added_listed_calculated_renamed_and_deleted() {
    let bench = Bench::new("");
    let add = |options: &[&str], name: &str| {
        bench.ykman(&[&["oath", "accounts", "add"], options, &[name, SEED]].concat());
    };
    add(&["--issuer", "AWS Cognito"], "alice@example.com");
    add(&["--algorithm", "SHA256", "--digits", "8", "--period", "60"], "carol");
    add(&["--algorithm", "SHA512", "--touch"], "bob");
    add(&["--oath-type", "HOTP", "--counter", "7"], "dave");
    assert_eq!(
        bench.ykman(&["oath", "accounts", "list"]),
        "AWS Cognito:alice@example.com\nbob\n60/carol\ndave\n"
    );

    let code = |name| ["oath", "accounts", "code", "--single", name];
    bench.assert_code(&code("alice@example.com"), Algorithm::Sha1, KEY, 6, 30);
    bench.assert_code(&code("carol"), Algorithm::Sha256, KEY, 8, 60);
    bench.assert_code(&code("bob"), Algorithm::Sha512, KEY, 6, 30);
    for counter in 7..9_u64 {
        let right = hotp(Algorithm::Sha1, KEY, 6, counter.to_be_bytes());
        assert_eq!(bench.ykman(&code("dave")).trim(), right);
        assert_eq!(bench.card.hotp_counter("dave"), Some(counter + 1));
    }
    let all = bench.ykman(&["oath", "accounts", "code"]);
    assert!(all.contains("[Requires Touch]") && all.contains("[HOTP Account]"), "{all}");
    assert_eq!(bench.card.hotp_counter("dave"), Some(9), "a list of codes moves no counter");

    bench.ykman(&["oath", "accounts", "rename", "--force", "carol", "Example:erin"]);
    bench.ykman(&["oath", "accounts", "delete", "--force", "bob"]);
    let list = bench.ykman(&["oath", "accounts", "list"]);
    assert_eq!(list, "AWS Cognito:alice@example.com\ndave\n60/Example:erin\n");
}

#[test]
fn a_password_locks_the_token() {
    let bench = Bench::new(&format!("[[token.credential]]\naccount = 'alice'\nseed = '{SEED}'"));
    let code = ["oath", "accounts", "code", "--single", "alice"];
    bench.assert_code(&code, Algorithm::Sha1, KEY, 6, 30);
    bench.ykman(&["oath", "access", "change", "--new-password", "correct horse"]);
    assert!(bench.ykman(&["oath", "info"]).contains("Password protection: enabled"));

    let with = |password| ["oath", "accounts", "code", "--password", password, "--single", "alice"];
    let error = bench.try_ykman(&with("wrong")).unwrap_err();
    assert!(error.contains("Authentication to the YubiKey failed"), "{error}");
    bench.assert_code(&with("correct horse"), Algorithm::Sha1, KEY, 6, 30);

    bench.ykman(&["oath", "access", "change", "--password", "correct horse", "--clear"]);
    bench.assert_code(&code, Algorithm::Sha1, KEY, 6, 30);
}

#[test]
fn a_full_token_pages_its_list() {
    let credentials: String = (0..32)
        .map(|n| format!("[[token.credential]]\naccount = 'number {n:02}'\nseed = '{SEED}'\n"))
        .collect();
    let bench = Bench::new(&credentials);
    assert_eq!(bench.ykman(&["oath", "accounts", "list"]).lines().count(), 32);
    assert!(bench.card.count(0xa5) > 0, "the list needs more than one response");
    let error = bench.try_ykman(&["oath", "accounts", "add", "--force", "one more", SEED]).unwrap_err();
    assert!(error.contains("No space left"), "{error}");
}

#[test]
fn the_card_and_pcscd_can_be_removed_and_restarted() {
    let mut bench = Bench::new("");
    let info = ["info"];
    assert!(bench.ykman(&info).contains("31415926"));
    bench.pcscd.kill().unwrap();
    assert!(bench.try_ykman(&info).is_err());
    bench.pcscd.restart().unwrap();
    assert!(bench.ykman(&info).contains("31415926"));
    bench.pcscd.stop().unwrap();
    assert!(!bench.pcscd.socket().exists(), "SIGTERM lets pcscd clean up");
    bench.pcscd.restart().unwrap();
    assert!(bench.ykman(&info).contains("31415926"));
}
