//! No field of an event in the journal has a secret, whatever kind of operation it is about. The lines without an id of an
//! event go to standard error and are not read here.

use std::collections::{BTreeSet, HashMap};

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER};
use oathbridge::dbus::names::ROOT;
use oathbridge::logging::events;
use oathbridge::otp::Algorithm;
use testkit::client::{Extra, Options, Refusal};
use testkit::fake_cognito::{Fault, Plan, Ready};
use testkit::scenario::{Scenario, World};
use zbus::{ObjectPath, OwnedVariant};

use super::{Journal, entry, reload};

const PASSWORD: &str = "canary-password-31415926";
const WRONG_PASSWORD: &str = "canary-wrong-password-27182818";
const IN_THE_FILE: &str = "canary-of-the-configuration";
const CLIENT: &str = "1h57kf5cpq17m0eml12EXAMPLE";
const CLIENT_SECRET: &str = "CanaryOfTheAppClientsSecret2718281828";

/// Each credential has its own time steps.
const CREDENTIALS: usize = 12;

const CONFIG: &str = "[pcsc]
enabled = false
[limits]
submissions_per_minute = 1000
[cognito]
max_attempts = 1
min_seconds_left = 0
[profiles.fake]
region = 'eu-central-1'
endpoint_url = 'COGNITO_URL'
client_id = '1h57kf5cpq17m0eml12EXAMPLE'
";

/// The daemon, its journal, and the secrets that it got and gave.
struct Bench {
    world: World,
    journal: Journal,
    secrets: Vec<String>,
    codes: Vec<String>,
    events: BTreeSet<&'static str>,
    used: usize,
}

impl Bench {
    async fn new(journal: Journal) -> Self {
        let scenario = Scenario::inside().virtual_tokens(&tokens()).config(CONFIG);
        let mut secrets: Vec<_> =
            [PASSWORD, WRONG_PASSWORD, IN_THE_FILE, CLIENT_SECRET].map(str::to_owned).into();
        for key in (0..CREDENTIALS).map(key) {
            secrets.extend([BASE32_NOPAD.encode(&key), HEXLOWER.encode(&key), BASE64.encode(&key)]);
            secrets.push(String::from_utf8(key).unwrap());
        }
        let world = scenario.start().await.unwrap();
        Self { world, journal, secrets, codes: Vec::new(), events: BTreeSet::new(), used: 0 }
    }

    /// The events since the last call are exactly these, and have no secret.
    fn check(&mut self, operation: &str, expected: &[&'static str]) {
        let sent = self.world.cognito.log().into_iter().filter_map(|entry| entry.code);
        let codes: BTreeSet<_> = self.codes.iter().cloned().chain(sent).collect();
        let mut found = BTreeSet::new();
        for fields in self.journal.received() {
            found.insert(entry(&fields).0);
            for (name, value) in &fields {
                for secret in &self.secrets {
                    assert!(!value.contains(secret), "{operation}: {name} has {secret}: {value}");
                }
                let mut numbers = value.split(|letter: char| !letter.is_ascii_digit());
                assert!(
                    !numbers.any(|number| codes.contains(number)),
                    "{operation}: {name} has a code: {value}"
                );
            }
        }
        assert_eq!(found, expected.iter().copied().collect(), "{operation}");
        self.events.extend(found);
    }

    /// A credential that was not used, and a user with its seed.
    async fn next(&mut self) -> (String, Ready) {
        let account = format!("user-{}", self.used);
        let path = self.world.client.credential(&account).await.unwrap();
        let user = self.world.cognito.ready_user(&account, &key(self.used)).unwrap();
        self.used += 1;
        self.secrets.extend(parts(&user.access_token));
        self.secrets.push(user.session.clone());
        (path, user)
    }

    async fn unlock(&mut self) {
        let token = self.world.client.find(&[]).await.unwrap().1.remove(0);
        self.world.client.unlock(&token, WRONG_PASSWORD).await.unwrap_err();
        self.check("Unlock with a wrong password", &[]);
        self.world.client.unlock(&token, PASSWORD).await.unwrap();
        self.check("Unlock", &[]);
    }

    async fn calculate(&mut self) {
        let (path, _) = self.next().await;
        for option in ["next", "claim"] {
            let code = self.world.client.calculate(&path, [(option, true.into())].into()).await.unwrap();
            self.codes.extend([code.code].into_iter().chain(code.next));
            self.check(option, &[]);
        }
        self.world.client.calculate(&path, [("claim", true.into())].into()).await.unwrap_err();
        self.check("a second claim", &[]);
    }

    /// `VerifySoftwareToken` with this option, and with this plan of Cognito.
    async fn verify(&mut self, by: &'static str, plan: impl Fn(&Ready) -> Plan) -> Result<(), Refusal> {
        let (path, user) = self.next().await;
        self.world.cognito.plan(plan(&user));
        let secret = if by == "session" { &user.session } else { &user.access_token };
        let options: Options<'_> = [(by, secret.as_str().into()), ("profile", "fake".into())].into();
        let reply = self.world.client.verify(&path, options).await?;
        self.secrets.extend(Some(reply.session).filter(|session| !session.is_empty()));
        Ok(())
    }

    /// `RespondToMfaChallenge`, with a choice or without, and with a fault that repeats the request.
    async fn respond(&mut self, challenge: &'static str, repeats: bool) -> Result<(), Refusal> {
        let (path, user) = self.next().await;
        let session = self.world.cognito.challenge(&user.user, None, challenge == "SELECT_MFA_TYPE").unwrap();
        let message = format!("{}{CLIENT}", user.user);
        self.secrets.push(session.clone());
        self.secrets
            .push(BASE64.encode(&Algorithm::Sha256.hmac(CLIENT_SECRET.as_bytes(), message.as_bytes())));
        if repeats {
            self.world.cognito.fail(Fault::Echo);
        }
        let options = Options::from([
            ("challenge-name", challenge.into()),
            ("session", session.into()),
            ("username", user.user.as_str().into()),
            ("client-secret", CLIENT_SECRET.into()),
            ("profile", "fake".into()),
        ]);
        let path = ObjectPath::try_from(path.as_str()).unwrap();
        let mut reply: Extra =
            self.world.client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(path, options)).await?;
        let tokens: HashMap<String, OwnedVariant> =
            reply.remove("authentication-result").unwrap().try_into().unwrap();
        for name in ["access-token", "id-token", "refresh-token"] {
            let token = <&str>::try_from(&tokens[name]).unwrap();
            self.secrets.extend(parts(token));
        }
        Ok(())
    }
}

/// The parts of a token, each of which is a secret.
fn parts(token: &str) -> impl Iterator<Item = String> {
    token.split('.').filter(|part| part.len() > 20).map(str::to_owned)
}

fn key(number: usize) -> Vec<u8> {
    format!("canary-seed-of-the-journal-{number:05}").into_bytes()
}

fn tokens() -> String {
    let credential = |number| {
        let seed = BASE32_NOPAD.encode(&key(number));
        format!("[[token.credential]]\naccount = 'user-{number}'\nseed = '{seed}'\n")
    };
    let credentials: String = (0..CREDENTIALS).map(credential).collect();
    format!("[[token]]\nserial = 31415926\npassword = '{PASSWORD}'\n{credentials}")
}

#[testkit::test]
async fn no_field_has_a_secret_after_any_operation() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::start("trace".parse().unwrap(), folder.path());
    let mut bench = Bench::new(journal).await;
    bench.unlock().await;
    bench.calculate().await;

    bench.verify("access-token", |_| Plan { date_skew: 95, ..Plan::default() }).await.unwrap();
    let clock = [events::CLOCK_WRONG, events::PROBLEM_BEGUN, events::SUBMISSION_DONE];
    bench.check("VerifySoftwareToken with an access token", &clock);
    bench.verify("session", |_| Plan::default()).await.unwrap();
    bench.check("VerifySoftwareToken with a session", &[events::PROBLEM_OVER, events::SUBMISSION_DONE]);
    let echo = |_: &Ready| Plan::from(Fault::Echo);
    let named = |user: &Ready| Plan::from(Fault::exception(&user.access_token, &user.access_token));
    bench.verify("access-token", echo).await.unwrap_err();
    bench.check("a response that repeats the request", &[events::SUBMISSION_FAILED]);
    bench.verify("access-token", named).await.unwrap_err();
    bench.check("an error that is named like the access token", &[events::SUBMISSION_FAILED]);

    bench.world.cognito.set_client_secret(CLIENT_SECRET);
    for challenge in ["SOFTWARE_TOKEN_MFA", "SELECT_MFA_TYPE"] {
        bench.respond(challenge, false).await.unwrap();
        bench.check(challenge, &[events::SUBMISSION_DONE]);
        bench.respond(challenge, true).await.unwrap_err();
        bench.check("a response that repeats the challenge", &[events::SUBMISSION_FAILED]);
    }

    reload(&bench.world, &format!("client_secret = '{IN_THE_FILE}'\n")).await.unwrap_err();
    bench.check("Reload of a broken file", &[events::CONFIG_REFUSED, events::PROBLEM_BEGUN]);
    let (path, user) = bench.next().await;
    reload(&bench.world, "[pcsc]\nenabled = false\n[access]\nprograms = 'deny'\n").await.unwrap();
    bench.check("Reload", &[events::PROBLEM_OVER]);
    let options: Options<'_> =
        [("access-token", user.access_token.as_str().into()), ("region", "eu-central-1".into())].into();
    bench.world.client.verify(&path, options).await.unwrap_err();
    bench.check("a submission that is denied", &[events::CALL_DENIED]);
    let all: BTreeSet<_> = events::IDS.iter().map(|(name, _)| *name).collect();
    assert_eq!(bench.events, all, "an event was never looked at");
}
