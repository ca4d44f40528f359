//! 200 times kill -9 around a submission, and at once the same request again: no code arrives twice.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE32_NOPAD;
use testkit::client::{Client, Options, Refusal, Verified};
use testkit::daemon::{Daemon, Stage};
use testkit::fake_cognito::{self, FakeCognito, Fault, Ready};

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

const KILLS: usize = 200;

/// More credentials, to measure how long an undisturbed request takes.
const UNDISTURBED: usize = 5;

/// Kills of each kind that there have to be, so that the test has tested something.
const ENOUGH: usize = 10;

/// Where the random delays begin; `KILL_SEED` in the environment repeats a run, as far as time repeats.
const SEED: u64 = 0x0a7b_81d6;

/// So short that a request can't wait for another time step.
const TIMEOUT: u32 = 9;

/// A daemon that is started and killed, and credentials that each have a time step of their own to lose.
struct Bench {
    stage: Stage,
    client: Client,
    fake: FakeCognito,
    users: Vec<(String, Ready)>,
}

impl Bench {
    async fn new() -> Self {
        let fake = FakeCognito::start(fake_cognito::Options::default()).unwrap();
        let mut stage = Stage::new(DAEMON).unwrap();
        stage.use_virtual_tokens(&tokens()).unwrap();
        let config = format!(
            "[pcsc]\nenabled = false\n[cognito]\nmax_attempts = 1\nmin_seconds_left = 0\n\
             [profiles.fake]\nregion = 'eu-central-1'\nendpoint_url = '{}'\n",
            fake.url()
        );
        stage.configure(&config).unwrap();
        let client = stage.client().await.unwrap();
        let daemon = stage.start(&client).await.unwrap();
        let mut users = Vec::new();
        for number in 0..KILLS + UNDISTURBED {
            let account = account(number);
            let path = client.credential(&account).await.unwrap();
            users.push((path, fake.ready_user(&account, &key(number)).unwrap()));
        }
        daemon.kill().unwrap();
        Self { stage, client, fake, users }
    }

    /// A daemon that has read its tokens.
    async fn start(&self) -> Daemon {
        self.client.wait_for_name(false).await.unwrap();
        let daemon = self.stage.start(&self.client).await.unwrap();
        self.client.credential(&account(0)).await.unwrap();
        daemon
    }

    fn verify(&self, number: usize) -> impl Future<Output = Result<Verified, Refusal>> + use<> {
        let (path, user) = self.users[number].clone();
        let client = self.client.clone();
        async move {
            let token = user.access_token.as_str();
            let options: Options<'_> =
                [("access-token", token.into()), ("profile", "fake".into()), ("timeout", TIMEOUT.into())]
                    .into();
            client.verify(&path, options).await
        }
    }

    /// How many codes of this user arrived.
    fn arrived(&self, number: usize) -> usize {
        let name = account(number);
        self.fake.log().iter().filter(|entry| entry.user.as_deref() == Some(&name)).count()
    }

    /// How long a request takes that is the first one of its daemon: the median.
    async fn undisturbed(&self) -> Duration {
        let mut times = Vec::new();
        for number in KILLS..KILLS + UNDISTURBED {
            let daemon = self.start().await;
            let begun = Instant::now();
            self.verify(number).await.unwrap();
            times.push(begun.elapsed());
            daemon.kill().unwrap();
        }
        times.sort();
        times[UNDISTURBED / 2]
    }
}

/// What the kill met.
#[derive(Debug, Default)]
struct Met {
    /// No code had left.
    before: usize,
    /// A code had left, and no answer had come to the caller.
    during: usize,
    /// The caller had the answer.
    after: usize,
}

#[tokio::test]
async fn no_code_arrives_twice() {
    let seed = std::env::var("KILL_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    let bench = Bench::new().await;
    let window = bench.undisturbed().await.mul_f64(1.6);
    let mut random = Random(seed);
    let mut met = Met::default();
    for number in 0..KILLS {
        let daemon = bench.start().await;
        // An answer that never comes makes the time between sending and answering long.
        if random.below(4) == 0 {
            bench.fake.fail(Fault::Silence);
        }
        let delay = Duration::from_nanos(random.below(window.as_nanos().try_into().unwrap()));
        let request = tokio::spawn(bench.verify(number));
        // The runtime's own timer knows milliseconds only.
        tokio::task::spawn_blocking(move || thread::sleep(delay)).await.unwrap();
        let answered = request.is_finished();
        daemon.kill().unwrap();
        let first = request.await.unwrap();
        let daemon = bench.start().await;
        bench.fake.forget_plans();
        match (bench.arrived(number), answered) {
            (0, _) => met.before += 1,
            (_, false) => met.during += 1,
            (_, true) => met.after += 1,
        }

        let again = bench.verify(number).await;
        let context = format!("KILL_SEED={seed}, kill {number} after {delay:?}: {first:?}, then {again:?}");
        assert!(again.as_ref().err().is_none_or(|refusal| refusal.name == "StepSpent"), "{context}");
        let submissions = bench.fake.submissions();
        assert!(submissions.values().all(|count| *count == 1), "{context}; {submissions:?}");
        assert!(!answered || first.is_ok(), "{context}");
        daemon.kill().unwrap();
    }
    println!("KILL_SEED={seed}, within {window:?}: {met:?}");
    assert!([met.before, met.during, met.after].into_iter().all(|count| count >= ENOUGH), "{met:?}");
}

/// Four tokens: one holds 64 credentials.
fn tokens() -> String {
    let mut text = String::new();
    for number in 0..KILLS + UNDISTURBED {
        if number % 64 == 0 {
            writeln!(text, "[[token]]\nserial = {}\nfirmware = '5.7.1'", 1_000 + number).unwrap();
        }
        let seed = BASE32_NOPAD.encode(&key(number));
        writeln!(text, "[[token.credential]]\naccount = '{}'\nseed = '{seed}'", account(number)).unwrap();
    }
    text
}

fn account(number: usize) -> String {
    format!("user-{number}")
}

/// 32 bytes, as the seeds of AWS have.
fn key(number: usize) -> [u8; 32] {
    format!("oathbridge-kill-seed-number-{number:04}").into_bytes().try_into().unwrap()
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }
}
