//! Kills the daemon 300 times with SIGKILL around a submission, and at once makes another request with the same
//! credential. No code arrives twice, for both methods before and after the kill.
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
use oathbridge::dbus::names::ROOT;
use testkit::client::{Extra, Options, Refusal};
use testkit::daemon::Daemon;
use testkit::fake_cognito::{Fault, Ready};
use testkit::scenario::{Scenario, World};
use zbus::ObjectPath;

const DAEMON: &str = env!("CARGO_BIN_EXE_oathbridged");

/// A call that submits a code.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    Verify,
    Challenge,
}

/// The call during the kill, the call after it, and their number.
const ROUNDS: [(Call, Call, usize); 4] = [
    (Call::Verify, Call::Verify, 150),
    (Call::Challenge, Call::Challenge, 70),
    (Call::Verify, Call::Challenge, 40),
    (Call::Challenge, Call::Verify, 40),
];

const KILLS: usize = 300;

/// Further credentials for each call, to measure the duration of an undisturbed request.
const UNDISTURBED: usize = 5;

const CREDENTIALS: usize = KILLS + 2 * UNDISTURBED;

/// The minimum number of kills of each kind for each call, so that the test is meaningful.
const MIN_KILLS_OF_EACH_KIND: usize = 10;

/// The seed of the random delays; the environment variable `KILL_SEED` repeats a run, apart from timing.
const SEED: u64 = 0x0a7b_81d6;

/// Too short to wait for another time step, in seconds.
const TIMEOUT: u32 = 9;

/// A daemon that is started and killed, and credentials, each with its own time steps.
struct Bench {
    world: World,
    users: Vec<(String, Ready)>,
}

impl Bench {
    async fn new() -> Self {
        let config = "[pcsc]\nenabled = false\n[limits]\nqueries_per_second = 1000\nall_queries_per_second = 1000\n\
                      [cognito]\nmax_attempts = 1\nmin_seconds_left = 0\n\
                      [profiles.fake]\nregion = 'eu-central-1'\nclient_id = 'client'\n\
                      endpoint_url = 'COGNITO_URL'\n";
        let scenario = Scenario::program(DAEMON).virtual_tokens(&tokens()).config(config);
        let mut world = scenario.start().await.unwrap();
        let mut users = Vec::new();
        for number in 0..CREDENTIALS {
            let account = account(number);
            let path = world.client.credential(&account).await.unwrap();
            users.push((path, world.cognito.ready_user(&account, &key(number)).unwrap()));
        }
        world.daemon.take().unwrap().kill().unwrap();
        Self { world, users }
    }

    /// Starts a daemon and waits until it has read its tokens.
    async fn start(&self) -> Daemon {
        self.world.client.wait_for_name(false).await.unwrap();
        let daemon = self.world.stage.start(&self.world.client).await.unwrap();
        self.world.client.credential(&account(0)).await.unwrap();
        daemon
    }

    /// A request like that of a restarted app: a sign-in has a new session.
    fn request(&self, call: Call, number: usize) -> impl Future<Output = Result<(), Refusal>> + use<> {
        let (path, user) = self.users[number].clone();
        let session = self.world.cognito.challenge(&user.user, None, false).unwrap();
        let client = self.world.client.clone();
        async move {
            let mut options: Options<'_> = [("profile", "fake".into()), ("timeout", TIMEOUT.into())].into();
            if call == Call::Verify {
                options.insert("access-token", user.access_token.as_str().into());
                return client.verify(&path, options).await.map(drop);
            }
            options.insert("challenge-name", "SOFTWARE_TOKEN_MFA".into());
            options.insert("session", session.into());
            options.insert("username", user.user.as_str().into());
            let path = ObjectPath::try_from(path.as_str()).unwrap();
            let tokens: Result<Extra, _> =
                client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(path, options)).await;
            tokens.map(drop)
        }
    }

    /// As [`Bench::request`]. On a busy machine the second that a request has for a start may be over too soon; it
    /// says then that it has sent nothing.
    async fn patiently(&self, call: Call, number: usize) -> Result<(), Refusal> {
        for _ in 0..20 {
            match self.request(call, number).await {
                Err(refusal) if refusal.name == "Timeout" => {}
                result => return result,
            }
        }
        panic!("the machine is too busy");
    }

    /// The number of codes of this user that arrived.
    fn arrived(&self, number: usize) -> usize {
        let name = account(number);
        self.world.cognito.log().iter().filter(|entry| entry.user.as_deref() == Some(&name)).count()
    }

    /// The median duration of the first request of a daemon.
    async fn undisturbed(&self, call: Call) -> Duration {
        let mut times = Vec::new();
        let first = if call == Call::Verify { KILLS } else { KILLS + UNDISTURBED };
        for number in first..first + UNDISTURBED {
            let daemon = self.start().await;
            let begun = Instant::now();
            self.patiently(call, number).await.unwrap();
            times.push(begun.elapsed());
            daemon.kill().unwrap();
        }
        times.sort();
        times[UNDISTURBED / 2]
    }

    /// Kills the daemon within `window` of the start of the request. Returns the state at the kill, and the outcome.
    async fn kill(&self, call: Call, number: usize, window: Duration, random: &mut Random) -> Killed {
        let daemon = self.start().await;
        // Without a response the time between sending and answering is long.
        if random.below(4) == 0 {
            self.world.cognito.fail(Fault::Silence);
        }
        let delay = Duration::from_nanos(random.below(window.as_nanos().try_into().unwrap()));
        let request = tokio::spawn(self.request(call, number));
        // The runtime's timer has a resolution of milliseconds only.
        tokio::task::spawn_blocking(move || thread::sleep(delay)).await.unwrap();
        let answered = request.is_finished();
        daemon.kill().unwrap();
        Killed { delay, answered, result: request.await.unwrap() }
    }
}

/// The state of a request at the kill.
struct Killed {
    delay: Duration,
    answered: bool,
    result: Result<(), Refusal>,
}

/// The numbers of kills by the state of the request.
#[derive(Debug, Default)]
struct Met {
    /// No code was sent yet.
    before: usize,
    /// A code was sent, and the caller had no reply yet.
    during: usize,
    /// The caller had the reply.
    after: usize,
}

impl Met {
    /// The factor for the window, so that there are enough kills of each kind.
    fn count(&mut self, arrived: usize, answered: bool) -> f64 {
        let (count, correction) = match (arrived, answered) {
            (0, _) => (&mut self.before, 1.05),
            (_, false) => (&mut self.during, 1.0),
            (_, true) => (&mut self.after, 0.95),
        };
        *count += 1;
        correction
    }
}

#[tokio::test]
async fn no_code_arrives_twice() {
    let seed = std::env::var("KILL_SEED").map_or(SEED, |seed| seed.parse().unwrap());
    let bench = Bench::new().await;
    let mut windows = [
        bench.undisturbed(Call::Verify).await.mul_f64(1.6),
        bench.undisturbed(Call::Challenge).await.mul_f64(1.6),
    ];
    let mut random = Random(seed);
    let mut met = [Met::default(), Met::default()];
    let rounds = ROUNDS.iter().flat_map(|(first, then, times)| std::iter::repeat_n((*first, *then), *times));
    for (number, (first, then)) in rounds.enumerate() {
        let killed = bench.kill(first, number, windows[first as usize], &mut random).await;
        let daemon = bench.start().await;
        bench.world.cognito.forget_plans();
        // The load of the machine may have been different when the window was measured.
        let correction = met[first as usize].count(bench.arrived(number), killed.answered);
        windows[first as usize] = windows[first as usize].mul_f64(correction);

        let again = bench.patiently(then, number).await;
        let Killed { delay, answered, result } = killed;
        let context = format!(
            "KILL_SEED={seed}, kill {number} {delay:?} after {first:?}: {result:?}, then {then:?}: {again:?}"
        );
        assert!(again.as_ref().err().is_none_or(|refusal| refusal.name == "StepSpent"), "{context}");
        let submissions = bench.world.cognito.submissions();
        assert!(submissions.values().all(|count| *count == 1), "{context}; {submissions:?}");
        assert!(!answered || result.is_ok(), "{context}");
        daemon.kill().unwrap();
    }
    println!("KILL_SEED={seed}, within {windows:?}: {met:?}");
    for Met { before, during, after } in &met {
        assert!([before, during, after].into_iter().all(|count| *count >= MIN_KILLS_OF_EACH_KIND), "{met:?}");
    }
}

/// Five tokens, because one token holds 64 credentials.
fn tokens() -> String {
    let mut text = String::new();
    for number in 0..CREDENTIALS {
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

/// A seed of 32 bytes, like those of AWS.
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
