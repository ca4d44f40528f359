//! The daemon's memory after a request. Only root can read it.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;

use data_encoding::BASE32_NOPAD;
use testkit::client::{Options, memfd};
use zbus::{Fd, OwnedObjectPath};

use super::canaries::files;
use super::{Bench, DAEMON, PASSWORD};

const WRONG_PIN: &str = "canary-wrong-pin-2718281828";

const NEW_KEY: &str = "canary-of-a-new-key-161803398874";
const NEW_PASSWORD: &str = "canary-new-password-1414213562";

/// The writable memory of a process; `None` if this user may not see it.
fn memory(id: u32) -> Option<Vec<Vec<u8>>> {
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).ok()?;
    let file = File::open(format!("/proc/{id}/mem")).ok()?;
    let mut regions = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, flags) = (words.next()?, words.next()?);
        if !flags.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-')?;
        let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let mut bytes = vec![0; usize::try_from(end - start).ok()?];
        // Some regions belong to the kernel.
        if file.read_exact_at(&mut bytes, start).is_ok() {
            regions.push(bytes);
        }
    }
    Some(regions)
}

/// The number of pieces of the secret: the first 24 bytes of every hundred, or the whole of a shorter secret. Six digits
/// within a longer number are no code: memory has times, lengths and ids, and a code would be found there by chance.
fn pieces(regions: &[Vec<u8>], secret: &str) -> usize {
    let is_number = secret.bytes().all(|byte| byte.is_ascii_digit());
    let is_digit = |byte: Option<&u8>| is_number && byte.is_some_and(u8::is_ascii_digit);
    let length = secret.len().min(24);
    let pieces: Vec<&[u8]> = secret.as_bytes().chunks(100).filter_map(|part| part.get(..length)).collect();
    let places = regions
        .iter()
        .flat_map(|region| region.windows(length).enumerate().map(move |place| (region, place)));
    let is_piece = |region: &[u8], (start, window): (usize, &[u8])| {
        pieces.contains(&window)
            && !is_digit(start.checked_sub(1).and_then(|before| region.get(before)))
            && !is_digit(region.get(start + length))
    };
    places.filter(|(region, place)| is_piece(region, *place)).count()
}

#[test]
fn six_digits_within_a_longer_number_are_no_code() {
    let memory = [b"\x06123456\x00, 1234567, 0123456, \"123456\"".to_vec(), b"123456".to_vec()];
    assert_eq!(pieces(&memory, "123456"), 3);
}

/// The number of pieces of each secret that remain, after waiting until it is at most `enough`. Tasks that run after the
/// reply free the memory of a finished request.
pub(super) async fn left(bench: &Bench, secrets: &[&str], enough: usize) -> Vec<usize> {
    let mut left = Vec::new();
    for _ in 0..20 {
        bench.world.client.problems().await.unwrap();
        let memory = memory(bench.process()).unwrap();
        left = secrets.iter().map(|secret| pieces(&memory, secret)).collect();
        if left.iter().all(|count| *count <= enough) {
            break;
        }
    }
    left
}

/// Whether this user may read the memory; prints a message if not.
pub(super) fn may_look(bench: &Bench) -> bool {
    let Some(memory) = memory(bench.process()) else {
        println!("not tested: this user may not read the memory of other processes");
        return false;
    };
    // The environment lies in the memory of every process.
    assert!(pieces(&memory, bench.world.stage.address()) > 0, "what is there is found");
    true
}

#[tokio::test]
async fn secrets_from_descriptors_are_wiped_after_the_request() {
    let bench = Bench::new(DAEMON).await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let (path, first) = bench.user(0).await;
    let (other_path, second) = bench.user(1).await;
    let secrets = [PASSWORD, &first.access_token, &second.session];
    for (path, name, secret) in
        [(path, "access-token", &first.access_token), (other_path, "session", &second.session)]
    {
        let file = memfd(secret.as_bytes()).unwrap();
        let options = [(name, Fd::from(file.as_fd()).into()), ("profile", "fake".into())];
        bench.world.client.verify(&path, options.into()).await.unwrap();
    }
    assert_eq!(left(&bench, &secrets, 0).await, [0; 3], "password, access token, session");
}

/// The token is behind a real pcscd, so that the daemon's process has no other copy.
#[tokio::test]
async fn a_new_seed_and_a_new_password_are_wiped_after_the_request() {
    let bench = Bench::with_pcscd().await;
    if !may_look(&bench) {
        return;
    }
    let client = &bench.world.client;
    let token = client.find(&[]).await.unwrap().1.remove(0);
    bench.unlock().await;
    let seed = BASE32_NOPAD.encode(NEW_KEY.as_bytes());
    let uri = format!("otpauth://totp/canary?secret={seed}");
    for (account, secret) in [("bare", seed.as_str()), ("", uri.as_str())] {
        let mut options = Options::new();
        if !account.is_empty() {
            options.insert("account", account.into());
        }
        let secret = Fd::from(memfd(secret.as_bytes()).unwrap());
        let added: OwnedObjectPath =
            client.call(&token, "Token", "AddCredential", &(secret, options)).await.unwrap();
        client.calculate(added.as_str(), Options::new()).await.unwrap();
    }
    let current = Fd::from(memfd(PASSWORD.as_bytes()).unwrap());
    let options = Options::from([("confirm", true.into()), ("current", current.into())]);
    let new = Fd::from(memfd(NEW_PASSWORD.as_bytes()).unwrap());
    client.call::<_, ()>(&token, "Token", "SetPassword", &(new, options)).await.unwrap();
    let secrets = [NEW_KEY, seed.as_str(), PASSWORD, NEW_PASSWORD];
    assert_eq!(left(&bench, &secrets, 0).await, [0; 4], "key, seed, old and new password");
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains("TRACE") && secrets.iter().all(|secret| !log.contains(secret)), "{log}");
    let state = files(&bench.world.stage.state());
    assert!(secrets.iter().all(|secret| !state.contains(secret)), "{state}");
}

/// zbus reads into a buffer of 4 KiB, which keeps the last messages until later ones overwrite them.
#[tokio::test]
async fn a_secret_in_a_message_remains_only_in_the_bus_buffer() {
    let bench = Bench::new(DAEMON).await;
    if !may_look(&bench) {
        return;
    }
    bench.unlock().await;
    let (path, user) = bench.user(0).await;
    let token = user.access_token.as_str();
    let options = [("access-token", token.into()), ("profile", "fake".into())];
    bench.world.client.verify(&path, options.into()).await.unwrap();
    let one_copy = token.len().div_ceil(100);
    let left = left(&bench, &[token], one_copy).await;
    println!("{left:?} of {one_copy} pieces of the access token are left");
    assert!(left[0] <= one_copy, "there is more than one copy: {left:?}");
}

/// The key is behind a real pcscd, so that the daemon's process has no other copy of the PIN.
#[tokio::test]
async fn a_pin_is_kept_in_one_copy_until_the_token_is_locked() {
    let bench = Bench::with_pin().await;
    if !may_look(&bench) {
        return;
    }
    let client = &bench.world.client;
    let token = client.find(&[]).await.unwrap().1.remove(0);
    client.unlock(&token, PASSWORD).await.unwrap();
    let credential = client.credential("protected").await.unwrap();
    client.calculate(&credential, Options::new()).await.unwrap();
    assert_eq!(left(&bench, &[PASSWORD], 1).await, [1], "while the token is unlocked");
    client.call::<_, ()>(&token, "Token", "Lock", &()).await.unwrap();
    assert_eq!(left(&bench, &[PASSWORD], 0).await, [0], "after Lock");
    client.unlock(&token, WRONG_PIN).await.unwrap_err();
    assert_eq!(left(&bench, &[PASSWORD, WRONG_PIN], 0).await, [0, 0], "after a wrong PIN");
    for secret in [PASSWORD, WRONG_PIN] {
        assert!(!bench.world.stage.log().unwrap().contains(secret), "{secret} is in the log");
    }
}

#[tokio::test]
async fn variables_that_make_the_sdk_log_bodies_are_removed() {
    let bench = Bench::new(DAEMON).await;
    let Ok(environment) = fs::read(format!("/proc/{}/environ", bench.process())) else {
        println!("not tested: this user may not read the environment of other processes");
        return;
    };
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("RUST_LOG=") && !environment.contains("LOG_S"), "{environment}");
}
