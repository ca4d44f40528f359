//! The limit of submissions: which of them count.

use std::os::fd::AsFd;

use futures_util::future::join_all;
use oathbridge::dbus::names::{self, ROOT};
use testkit::client::{Client, Options, Refusal, memfd};
use testkit::scenario::Scenario;
use zbus::{Fd, ObjectPath, Variant};

use super::{Bench, DAEMON};

const SESSION: &str = "a session of a sign-in, long enough";

const TWO: &str = "[limits]\nsubmissions_per_minute = 2\n\
                   [profiles.closed]\nregion = 'eu-central-1'\nendpoint_url = 'http://127.0.0.1:1'\n";

const TOUCHED: &str = "[[token]]
serial = 31415926
touch = 'never'
credential = [{ issuer = 'AWS', account = 'alice', seed = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', touch = true }]
";

/// The name of the error of a submission with this session.
async fn submission(client: &Client, credential: &str, method: &str, session: Variant<'_>) -> String {
    let mut options = Options::from([("session", session), ("region", "eu-central-1".into())]);
    if method == "RespondToMfaChallenge" {
        options.insert("challenge-name", "SOFTWARE_TOKEN_MFA".into());
        options.insert("username", "alice".into());
        options.insert("client-id", "client".into());
    }
    let body = (ObjectPath::try_from(credential).unwrap(), options);
    client.call::<_, ()>(ROOT, "Cognito", method, &body).await.unwrap_err().name
}

#[tokio::test]
async fn a_submission_with_an_invalid_secret_does_not_count() {
    const INVALID: &str = "org.freedesktop.DBus.Error.InvalidArgs";
    let bench = Bench::new("[limits]\nsubmissions_per_minute = 2\n").await;
    let short = memfd(b"short").unwrap();
    let methods = ["VerifySoftwareToken", "RespondToMfaChallenge"];
    for method in methods.into_iter().cycle().take(8) {
        assert_eq!(submission(&bench.client, &bench.alice, method, "short".into()).await, INVALID);
        let with_descriptor =
            submission(&bench.client, &bench.alice, method, Fd::from(short.as_fd()).into()).await;
        assert_eq!(with_descriptor, INVALID, "{method}");
    }
}

/// Submits a code of this credential to a server that is not there.
async fn attempt(client: &Client, credential: &str, more: Options<'_>) -> Refusal {
    let mut options = Options::from([("session", SESSION.into()), ("profile", "closed".into())]);
    options.extend(more);
    let body = (ObjectPath::try_from(credential).unwrap(), options);
    client.call::<_, ()>(ROOT, "Cognito", "VerifySoftwareToken", &body).await.unwrap_err()
}

impl Bench {
    /// A credential that the attached token does not have.
    fn absent(&self) -> String {
        let mut absent = self.alice.clone();
        let last = absent.pop();
        absent.push(if last == Some('0') { '1' } else { '0' });
        absent
    }

    async fn submit_absent(&self) -> String {
        submission(&self.client, &self.absent(), "VerifySoftwareToken", SESSION.into()).await
    }
}

#[tokio::test]
async fn a_submission_that_is_refused_locally_does_not_count_but_an_attempt_to_send_does() {
    let bench = Bench::new(TWO).await;
    for _ in 0..8 {
        assert_eq!(bench.submit_absent().await, "NoSuchCredential");
    }
    for _ in 0..2 {
        assert_eq!(attempt(&bench.client, &bench.alice, Options::new()).await.name, "Network");
    }
    for _ in 0..3 {
        let refusal = attempt(&bench.client, &bench.alice, Options::new()).await;
        assert_eq!(refusal.name, "RateLimited");
        assert!(refusal.sentence.contains("(2 a minute are allowed)"), "{refusal:?}");
    }
}

/// A call that is refused because of the limit must not make room for another one.
#[tokio::test]
async fn a_burst_of_submissions_leaves_the_limit_as_it_is() {
    let bench = Bench::new(TWO).await;
    let burst = join_all((0..6).map(|_| bench.submit_absent())).await;
    assert!(
        burst.iter().all(|name| ["RateLimited", "NoSuchCredential"].contains(&name.as_str())),
        "{burst:?}"
    );
    let attempts = join_all((0..6).map(|_| attempt(&bench.client, &bench.alice, Options::new()))).await;
    let sent = attempts.iter().filter(|refusal| refusal.name != "RateLimited").count();
    assert_eq!(sent, 2, "{attempts:?}");
}

/// Otherwise a program could make the token ask for a touch without end.
#[tokio::test]
async fn a_submission_that_asked_for_a_touch_counts_whatever_its_end() {
    let world = Scenario::program(DAEMON)
        .virtual_tokens(TOUCHED)
        .config(&format!("[pcsc]\nenabled = false\n{}", TWO.replace("= 2", "= 1")))
        .start()
        .await
        .unwrap();
    let alice = world.client.credential("alice").await.unwrap();
    let caller = world.client.connection().unique_name().unwrap().to_string();
    let operation = names::operation(&caller, Some("one"), 0).to_string();
    let call = attempt(&world.client, &alice, Options::from([("handle-token", "one".into())]));
    let cancelling = async {
        let state = || world.client.property::<String>(&operation, "Operation", "State");
        while state().await.ok().as_deref() != Some("waiting-touch") {}
        world.client.call::<_, bool>(&operation, "Operation", "Cancel", &()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let refusal = tokio::select! {
        refusal = call => refusal,
        () = cancelling => return,
    };
    assert_eq!(refusal.name, "Cancelled", "{refusal:?}");
    assert_eq!(attempt(&world.client, &alice, Options::new()).await.name, "RateLimited");
}

#[tokio::test]
async fn a_submission_whose_handle_is_in_use_does_not_count() {
    let bench = Bench::new(TWO).await;
    let absent = bench.alice.replace("/ykoath_", "/ykoath_00");
    let handle = || Options::from([("handle-token", "one".into()), ("wait-for-token", true.into())]);
    let first = attempt(&bench.client, &absent, handle());
    let others = async {
        for _ in 0..6 {
            assert_eq!(attempt(&bench.client, &absent, handle()).await.name, "AlreadyExists");
        }
    };
    tokio::select! {
        biased;
        refusal = first => panic!("the first call ended: {refusal:?}"),
        () = others => {}
    }
}

/// Each of them looks for its token and writes a line to the journal.
#[tokio::test]
async fn submissions_that_are_refused_locally_have_a_limit_of_their_own() {
    let bench = Bench::new(TWO).await;
    let mut refused = 0;
    let said = loop {
        let refusal = attempt(&bench.client, &bench.absent(), Options::new()).await;
        if refusal.name == "RateLimited" {
            break refusal.sentence;
        }
        assert!(refused < 300, "there is no limit");
        refused += 1;
    };
    assert!(refused >= 60, "{refused}");
    assert!(said.contains("refused calls of this kind (60 a minute are allowed)"), "{said}");
}

#[tokio::test]
async fn denials_that_turn_out_within_a_submission_count_as_denials() {
    let rule = "[[access.rule]]\ncaller = 'executable:*'\ncredential = 'ykoath_*'\nsubmit = 'deny'\n";
    let bench = Bench::new(&format!("{rule}{TWO}account = 'alice'\n")).await;
    let mut denied = 0;
    loop {
        let refusal = attempt(&bench.client, "/", Options::new()).await;
        if refusal.name == "RateLimited" {
            break;
        }
        assert_eq!(refusal.name, "AccessDenied");
        denied += 1;
        assert!(denied < 300, "there is no limit");
    }
    let refusal = bench.client.calculate(&bench.alice, Options::new()).await.unwrap_err();
    assert!(refusal.sentence.contains("denied calls (60 a minute are allowed)"), "{refusal:?}");
}
