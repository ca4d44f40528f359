//! Searches logs, errors and files for every secret that was passed through the daemon.

use std::fs;
use std::path::Path;

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER};
use testkit::client::Options;
use testkit::fake_cognito::Fault;
use testkit::scenario::World;

use super::{Bench, CREDENTIALS, PASSWORD, key};

const WRONG_PASSWORD: &str = "canary-wrong-password";

/// Whether a code occurs in the text as a separate word; its digits may be part of a duration or a hash.
pub(super) fn has_code(text: &str, code: &str) -> bool {
    text.match_indices(code).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

/// The texts of all files below a folder.
pub(super) fn files(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &files(&path);
        } else {
            text += &String::from_utf8_lossy(&fs::read(path).unwrap());
        }
    }
    text
}

/// Faults in which Cognito repeats the request's secrets, and other faults.
pub(super) fn faults(secret: &str) -> Vec<Fault> {
    let echo = |code: &str| Fault::exception(code, secret);
    vec![
        Fault::Echo,
        Fault::StatusError,
        Fault::DropAfter,
        Fault::InternalErrorAfter,
        Fault::Garbage,
        echo("NotAuthorizedException"),
        echo("SurpriseException"),
        Fault::exception(secret, ""),
        Fault::Redirect { location: format!("http://127.0.0.1:9/{secret}") },
    ]
}

/// The secrets passed to the daemon, and all texts that it produced.
#[derive(Default)]
struct Exchange {
    secrets: Vec<String>,
    errors: Vec<String>,
    /// Of the first credential, which is only calculated.
    codes: Vec<String>,
}

impl Exchange {
    async fn refused(&mut self, bench: &Bench, path: &str, options: Options<'_>) {
        self.errors.push(bench.world.client.verify(path, options).await.unwrap_err().sentence);
    }

    async fn passwords_and_codes(&mut self, bench: &Bench) {
        let token = bench.world.client.find(&[]).await.unwrap().1.remove(0);
        self.errors.push(bench.world.client.unlock(&token, WRONG_PASSWORD).await.unwrap_err().sentence);
        bench.unlock().await;
        let (path, _) = bench.user(0).await;
        for options in [Options::new(), [("next", true.into())].into()] {
            let code = bench.world.client.calculate(&path, options).await.unwrap();
            self.codes.extend([code.code].into_iter().chain(code.next));
        }
        // The first claim of a time step is granted, and the second one refused.
        let again = loop {
            match bench.world.client.calculate(&path, [("claim", true.into())].into()).await {
                Ok(code) => self.codes.push(code.code),
                Err(refusal) => break refusal,
            }
        };
        self.errors.push(again.sentence);
        self.secrets.extend([PASSWORD.to_owned(), WRONG_PASSWORD.to_owned()]);
    }

    async fn submissions(&mut self, bench: &Bench) {
        let (path, user) = bench.user(1).await;
        let options = [("session", user.session.as_str().into()), ("profile", "fake".into())];
        let reply = bench.world.client.verify(&path, options.into()).await.unwrap();
        self.secrets.extend([user.session, reply.session]);
        for number in 2.. {
            let (path, user) = bench.user(number).await;
            let token = user.access_token.as_str();
            let Some(fault) = faults(token).get(number - 2).cloned() else { break };
            bench.world.cognito.fail(fault);
            let options = [("access-token", token.into()), ("profile", "fake".into())];
            self.refused(bench, &path, options.into()).await;
            self.secrets.push(user.access_token);
        }
    }

    async fn arguments(&mut self, bench: &Bench) {
        let (path, user) = bench.user(CREDENTIALS - 1).await;
        let (token, session) = (user.access_token.as_str(), user.session.as_str());
        let broken = token.replace('.', "..");
        let short = session.split_at(19).0;
        let bad: [Options<'_>; 5] = [
            [("access-token", token.into()), ("session", session.into())].into(),
            [("access-token", broken.as_str().into()), ("profile", "fake".into())].into(),
            [("session", short.into()), ("profile", "fake".into())].into(),
            [("access-token", token.into()), ("region", "nowhere".into())].into(),
            [("access-token", token.into()), ("nonsense", true.into())].into(),
        ];
        for options in bad {
            self.refused(bench, &path, options).await;
        }
        let parts = token.split('.').chain([short]).map(str::to_owned);
        self.secrets.extend(parts.chain([session.to_owned()]));
    }
}

#[tokio::test]
async fn no_secret_is_in_logs_errors_or_files() {
    let bench = Bench::with_pcscd().await;
    let mut exchange = Exchange::default();
    exchange.passwords_and_codes(&bench).await;
    exchange.submissions(&bench).await;
    exchange.arguments(&bench).await;
    let mut codes: Vec<_> = bench.world.cognito.log().into_iter().filter_map(|entry| entry.code).collect();
    assert_eq!(codes.len(), 10, "submissions");
    assert!(exchange.codes.len() >= 4, "calculated, with its successor, claimed");
    let World { daemon, stage, .. } = bench.world;
    daemon.unwrap().terminate().unwrap();

    let log = stage.log().unwrap();
    assert!(log.contains("TRACE") && log.contains("VerifySoftwareToken"), "nothing was logged: {log}");
    let state = files(&stage.state());
    assert!(state.contains("spent") && state.contains("\"version\""), "{state}");
    let Exchange { mut secrets, errors, codes: calculated } = exchange;
    codes.extend(calculated);
    for number in 0..CREDENTIALS {
        let key = key(number);
        secrets.extend([BASE32_NOPAD.encode(&key), HEXLOWER.encode(&key), BASE64.encode(&key)]);
        secrets.push(String::from_utf8(key.to_vec()).unwrap());
    }
    for (place, text) in [("log", log), ("state", state), ("errors", errors.join("\n"))] {
        for secret in &secrets {
            assert!(!text.contains(secret), "{place} has {secret}");
        }
        for code in &codes {
            assert!(!has_code(&text, code), "{place} has the code {code}");
        }
    }
}

#[test]
fn the_search_finds_a_code_in_a_text() {
    for text in ["UserCode\":\"123456\"", "code=123456 sent", "123456"] {
        assert!(has_code(text, "123456"), "{text}");
    }
    for text in ["0.123456", "a123456", "123456789"] {
        assert!(!has_code(text, "123456"), "{text}");
    }
}
