//! The SDK and its libraries log no token, session or code, even at the level trace.
//!
//! This runs in its own process, because tracing caches the enabled log lines per process.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use testkit::fake_cognito::Fault;
use testkit::own_process;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{Rig, STEP, code};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Whether the code occurs as a separate word; its digits may occur in a duration.
fn has_code(text: &str) -> bool {
    let digits = code(STEP);
    text.match_indices(digits.expose()).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

#[test]
fn trace_logs_contain_no_secrets() {
    own_process::run("cognito_logs::trace_of_a_verification").unwrap();
}

/// Messages of exceptions are not covered: the SDK logs them at this level, whatever their content. The programs limit
/// the level of the SDK for that reason.
#[tokio::test]
#[ignore = "run by trace_logs_contain_no_secrets: all other tests would write to its log"]
async fn trace_of_a_verification() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(log.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let rig = Rig::new();
    let next = rig.verify(&rig.session()).await.result.unwrap().session.unwrap();
    rig.fake.fail(Fault::StatusError);
    rig.verify(&rig.token()).await.result.unwrap_err();
    rig.fake.fail(Fault::DropAfter);
    rig.verify(&rig.token()).await.result.unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("TRACE") && text.contains("VerifySoftwareToken"), "nothing was logged");
    for secret in [&rig.ready.access_token, &rig.ready.session, next.expose()] {
        assert!(!text.contains(secret));
    }
    assert!(!has_code(&text));
    assert!(has_code(&format!("\"UserCode\":\"{}\"", code(STEP).expose())));
}
