//! Lost, late and wrong answers: the error is correct, and no code is sent twice.

use std::net::TcpListener;

use testkit::client::Refusal;
use testkit::fake_cognito::Fault;

use super::{Bench, ONE_ATTEMPT};

#[testkit::test]
async fn a_code_that_may_have_arrived_is_not_sent_again() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    for (fault, error) in [
        (Fault::DropBefore, "OutcomeUnknown"),
        (Fault::DropAfter, "OutcomeUnknown"),
        (Fault::NoStatus, "OutcomeUnknown"),
        (Fault::InternalErrorAfter, "ServiceUnavailable"),
        (Fault::Html503, "ServiceUnavailable"),
        (Fault::Garbage, "ServiceUnavailable"),
        (Fault::StatusError, "CodeMismatch"),
        (Fault::exception("EnableSoftwareTokenMFAException", ""), "CodeMismatch"),
        (Fault::exception("TooManyRequestsException", ""), "Throttled"),
        (Fault::exception("NotAuthorizedException", "Access Token has been revoked"), "TokenExpired"),
        (
            Fault::exception("InvalidParameterException", "User has not set up software token mfa"),
            "NotEnrolled",
        ),
        (Fault::exception("SoftwareTokenMFANotFoundException", ""), "TotpNotEnabled"),
        (Fault::exception("SurpriseException", ""), "Rejected"),
    ] {
        assert_sent_once(&bench, fault, error).await;
    }
    bench.assert_single_use();
}

/// Submits a code that meets this fault, and once more.
async fn assert_sent_once(bench: &Bench, fault: Fault, error: &str) {
    let fresh = bench.fresh().await;
    let step = bench.world.step().unwrap();
    bench.world.cognito.fail(fault.clone());
    let arrived = bench.arrived();
    let refusal = bench.verify(&fresh).await.unwrap_err();
    assert_eq!(refusal.name, format!("Cognito.{error}"), "{fault:?}");
    assert_eq!(bench.arrived(), arrived + 1, "{fault:?} was answered with a retry");
    assert_eq!(bench.world.cognito.log().pop().unwrap().step, Some(step));
    let again = bench.verify(&fresh).await.unwrap_err();
    assert_eq!((again.name.as_str(), bench.arrived()), ("StepSpent", arrived + 1), "{fault:?}");
}

/// The timeout is in real time, and long enough for a busy machine to send the code.
#[testkit::test]
async fn a_code_without_an_answer_is_not_sent_again() {
    let bench = Bench::new(&format!("{ONE_ATTEMPT}connect_timeout = 9.0\nrequest_timeout = 10.0\n")).await;
    assert_sent_once(&bench, Fault::Silence, "OutcomeUnknown").await;
}

/// The sentence and the log name the cause of a connection that failed.
fn assert_cause(bench: &Bench, refusal: &Refusal, cause: &str) {
    assert!(refusal.sentence.contains(cause), "{refusal:?}");
    let log = bench.world.stage.log().unwrap();
    assert!(log.contains(&format!("No connection to Cognito, because {cause};")), "{log}");
}

#[testkit::test]
async fn a_code_that_was_not_sent_may_be_sent_in_the_same_step() {
    // No server listens there any more.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!(
        "{ONE_ATTEMPT}[profiles.closed]\nregion = 'eu-central-1'\nendpoint_url = 'http://{nobody}'\n"
    );
    let bench = Bench::new(&config).await;
    let fresh = bench.fresh().await;
    let step = bench.world.step().unwrap();
    for _ in 0..2 {
        let refusal = bench.verify_at("closed", &fresh).await.unwrap_err();
        assert_eq!(refusal.name, "Network", "{refusal:?}");
        assert_cause(&bench, &refusal, "the connection was refused");
    }
    assert_eq!(bench.arrived(), 0);
    bench.verify(&fresh).await.unwrap();
    assert_eq!(bench.world.cognito.log().pop().unwrap().step, Some(step));
}

#[testkit::test]
async fn a_server_without_tls_is_refused() {
    let bench = Bench::new(ONE_ATTEMPT).await;
    // The port of the fake is known only after its start, so the daemon gets it with Reload.
    let config = format!(
        "{ONE_ATTEMPT}[profiles.secure]\nregion = 'eu-central-1'\nendpoint_url = 'https://localhost:{}'\n",
        bench.world.cognito.address().port()
    );
    bench.world.stage.configure(&config).unwrap();
    bench.world.client.call::<_, ()>(oathbridge::dbus::names::ROOT, "Manager", "Reload", &()).await.unwrap();
    let fresh = bench.fresh().await;
    let refusal = bench.verify_at("secure", &fresh).await.unwrap_err();
    assert_eq!(refusal.name, "Tls", "{refusal:?}");
    assert_cause(&bench, &refusal, "the TLS handshake failed");
    assert_eq!(bench.arrived(), 0);
}
