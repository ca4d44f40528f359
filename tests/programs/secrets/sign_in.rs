//! The secrets of a sign-in: session, client secret, secret hash, user name and the returned tokens.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use oathbridge::dbus::names::ROOT;
use oathbridge::otp::Algorithm;
use testkit::client::{Extra, Options, Refusal, memfd};
use testkit::fake_cognito::Fault;
use testkit::scenario::World;
use zbus::{Fd, ObjectPath, OwnedVariant, Variant};

use super::canaries::{faults, files, has_code};
use super::{Bench, CLIENT_ID, CLIENT_SECRET, key};

const WRONG_SECRET: &str = "CanaryOfASecretOfAnotherClient161803";
const DEVICE_KEY: &str = "canary-device-0a1b2c3d";
const METADATA: &str = "canary of the client's metadata";

/// A user whose name differs from the account on the token, and the session of a sign-in.
pub(super) struct Visitor {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) session: String,
}

impl Visitor {
    pub(super) async fn new(bench: &Bench, number: usize, choice: bool) -> Self {
        let name = format!("canary-{number}@people.example");
        let path = bench.world.client.credential(&format!("user-{number}")).await.unwrap();
        bench.world.cognito.ready_user(&name, &key(number)).unwrap();
        let session = bench.world.cognito.challenge(&name, Some("canary key"), choice).unwrap();
        Self { path, name, session }
    }

    /// The options of every sign-in.
    pub(super) fn options(&self, profile: &'static str) -> Options<'static> {
        Options::from([
            ("challenge-name", "SOFTWARE_TOKEN_MFA".into()),
            ("username", self.name.clone().into()),
            ("profile", profile.into()),
            ("session", self.session.clone().into()),
        ])
    }

    pub(super) async fn respond(&self, bench: &Bench, options: Options<'_>) -> Result<Extra, Refusal> {
        let path = ObjectPath::try_from(self.path.as_str()).unwrap();
        bench.world.client.call(ROOT, "Cognito", "RespondToMfaChallenge", &(path, options)).await
    }

    /// The secret hash of the app client for this user.
    pub(super) fn hash(&self) -> String {
        hash(&self.name)
    }
}

fn hash(name: &str) -> String {
    let message = format!("{name}{CLIENT_ID}");
    BASE64.encode(&Algorithm::Sha256.hmac(CLIENT_SECRET.as_bytes(), message.as_bytes()))
}

/// The access token, the ID token and the refresh token of a reply.
pub(super) fn tokens(mut reply: Extra) -> [String; 3] {
    if let Some(result) = reply.remove("authentication-result") {
        let mut result: HashMap<String, OwnedVariant> = result.try_into().unwrap();
        return ["access-token", "id-token", "refresh-token"]
            .map(|name| String::try_from(result.remove(name).unwrap()).unwrap());
    }
    let Variant::Fd(fd) = Variant::from(reply.remove("tokens").unwrap()) else { panic!("no descriptor") };
    let mut json = String::new();
    File::from(OwnedFd::try_from(fd).unwrap()).read_to_string(&mut json).unwrap();
    let result: serde_json::Value = serde_json::from_str(&json).unwrap();
    ["AccessToken", "IdToken", "RefreshToken"].map(|name| result[name].as_str().unwrap().to_owned())
}

/// The secrets passed to the daemon, and all texts that it produced.
#[derive(Default)]
struct SignIns {
    secrets: Vec<String>,
    errors: Vec<String>,
}

impl SignIns {
    fn knows(&mut self, visitor: &Visitor) {
        self.secrets.extend([visitor.name.clone(), visitor.session.clone(), visitor.hash()]);
    }

    /// Adds the parts of the tokens, and Cognito's name of the user.
    fn signed_in(&mut self, reply: Extra) {
        let tokens = tokens(reply);
        let claims = tokens[0].split('.').nth(1).unwrap();
        let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let sub = claims["sub"].as_str().unwrap();
        self.secrets.extend([sub.to_owned(), hash(sub)]);
        let parts = tokens.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 20);
        self.secrets.extend(parts.map(str::to_owned));
    }

    fn refused(&mut self, result: Result<Extra, Refusal>) {
        self.errors.push(result.unwrap_err().sentence);
    }

    /// Every way to pass a secret, and both ways to get the tokens.
    async fn successes(&mut self, bench: &Bench) {
        for number in 0..4 {
            let visitor = Visitor::new(bench, number, number == 3).await;
            self.knows(&visitor);
            let mut options = visitor.options(if number == 3 { "kept" } else { "fake" });
            let (session, secret) = (memfd(visitor.session.as_bytes()), memfd(CLIENT_SECRET.as_bytes()));
            let (session, secret) = (session.unwrap(), secret.unwrap());
            match number {
                0 => {
                    options.insert("client-secret", CLIENT_SECRET.into());
                    options.insert("device-key", DEVICE_KEY.into());
                    options.insert("client-metadata", HashMap::from([("reason", METADATA)]).into());
                }
                1 => {
                    options.insert("session", Variant::Fd(Fd::from(session.as_fd())));
                    options.insert("client-secret", Variant::Fd(Fd::from(secret.as_fd())));
                    options.insert("tokens-as-fd", true.into());
                }
                2 => drop(options.insert("secret-hash", visitor.hash().into())),
                _ => drop(options.insert("challenge-name", "SELECT_MFA_TYPE".into())),
            }
            self.signed_in(visitor.respond(bench, options).await.unwrap());
        }
    }

    /// Servers that repeat the request in every place of a response.
    async fn failures(&mut self, bench: &Bench) {
        for number in 4.. {
            let visitor = Visitor::new(bench, number, number == 4).await;
            let repeated = [&visitor.session, CLIENT_SECRET, &visitor.name, &visitor.hash()].join(" ");
            let Some(fault) = faults(&repeated).get(number - 4).cloned() else { break };
            self.knows(&visitor);
            bench.world.cognito.fail(fault);
            let mut options = visitor.options("kept");
            if number == 4 {
                options.insert("challenge-name", "SELECT_MFA_TYPE".into());
            }
            self.refused(visitor.respond(bench, options).await);
        }
        let visitor = Visitor::new(bench, 14, false).await;
        self.knows(&visitor);
        bench.world.cognito.fail(Fault::Echo);
        let mut options = visitor.options("fake");
        options.insert("client-secret", WRONG_SECRET.into());
        self.refused(visitor.respond(bench, options).await);
    }

    async fn arguments(&mut self, bench: &Bench) {
        let visitor = Visitor::new(bench, 15, false).await;
        self.knows(&visitor);
        let short = visitor.session.split_at(19).0.to_owned();
        for (key, value) in [
            ("session", short.as_str()),
            ("challenge-name", visitor.session.as_str()),
            ("client-secret", "canary secret of no shape"),
            ("secret-hash", "canary hash of no shape"),
            ("device-key", "canary key of no shape"),
            ("username", "canary name of no shape"),
            ("profile", "canary_profile"),
            ("handle-token", "canary handle of no shape"),
            ("region", "canary-region"),
        ] {
            let mut options = visitor.options("kept");
            options.insert(key, value.into());
            let result = visitor.respond(bench, options).await;
            // The name of a profile is not secret, and the error contains the missing one.
            if key != "profile" {
                self.secrets.push(value.to_owned());
                self.refused(result);
            }
        }
    }
}

/// The arguments of all processes.
fn command_lines() -> String {
    let mut text = String::new();
    for entry in fs::read_dir("/proc").unwrap() {
        // Processes may end meanwhile.
        let line = fs::read(entry.unwrap().path().join("cmdline")).unwrap_or_default();
        text += &String::from_utf8_lossy(&line).replace('\0', " ");
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn no_secret_of_a_sign_in_is_in_logs_errors_or_files() {
    let bench = Bench::with_pcscd().await;
    bench.world.cognito.set_client_secret(CLIENT_SECRET);
    bench.unlock().await;
    let mut told = SignIns::default();
    told.successes(&bench).await;
    told.failures(&bench).await;
    told.arguments(&bench).await;
    let arguments = command_lines();
    assert!(arguments.contains("--log-level=trace"), "{arguments}");
    let codes: Vec<_> = bench.world.cognito.log().into_iter().filter_map(|entry| entry.code).collect();
    assert_eq!(codes.len(), 13, "4 successes, 8 faults after the choice's, 1 wrong secret");
    told.secrets.extend(bench.world.cognito.sessions());
    let World { daemon, stage, .. } = bench.world;
    daemon.unwrap().terminate().unwrap();

    let log = stage.log().unwrap();
    assert!(log.contains("TRACE") && log.contains("RespondToMfaChallenge"), "nothing was logged: {log}");
    let state = files(&stage.state());
    assert!(state.contains("spent"), "{state}");
    let SignIns { mut secrets, errors } = told;
    secrets.extend([CLIENT_SECRET, WRONG_SECRET, DEVICE_KEY, METADATA].map(str::to_owned));
    let places = [("log", log), ("state", state), ("errors", errors.join("\n")), ("arguments", arguments)];
    for (place, text) in places {
        for secret in &secrets {
            assert!(!text.contains(secret), "{place} has {secret}");
        }
        for code in &codes {
            assert!(place == "arguments" || !has_code(&text, code), "{place} has the code {code}");
        }
    }
}
