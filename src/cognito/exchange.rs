//! A connector that lets one request pass and keeps the head of its response.
//!
//! It proves that no byte was sent: either the request never reached the connector, or its connection (name, TCP, proxy,
//! TLS) failed. In every other case the request may have arrived.

use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_cognitoidentityprovider::primitives::{DateTime, DateTimeFormat};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;

use super::cause::Cause;
use crate::clock::Clock;

/// The maximum length of a response body, in bytes. A body from Cognito has a few KiB.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// A longer `Retry-After` is ignored.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// The progress of one request.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    begun: AtomicBool,
    progress: OnceLock<Progress>,
}

/// The proven progress of a request.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    /// There was no connection, so nothing was sent.
    NotConnected(Cause),
    /// The head of a response arrived.
    Answered(Head),
}

/// The used parts of a response's head.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    /// The seconds that the server's clock is ahead of ours.
    pub(super) clock_skew: Option<f64>,
}

impl Exchange {
    /// Whether the request has reached the connector.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    pub(super) fn progress(&self) -> Option<&Progress> {
        self.progress.get()
    }

    pub(super) fn head(&self) -> Option<&Head> {
        match self.progress.get() {
            Some(Progress::Answered(head)) => Some(head),
            _ => None,
        }
    }

    fn reach(&self, progress: Progress) {
        // This is set only once, because there is one request.
        let _ = self.progress.set(progress);
    }
}

/// A wrapper of the SDK's connector.
#[derive(Debug)]
pub(super) struct OneRequest {
    pub(super) inner: SharedHttpConnector,
    pub(super) exchange: Arc<Exchange>,
    pub(super) clock: Arc<dyn Clock>,
}

impl HttpConnector for OneRequest {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The SDK's retries are off. If a later SDK retries all the same, the retry fails here: a code is sent once.
        if self.exchange.begun.swap(true, Ordering::AcqRel) {
            let error = ConnectorError::user("a request with a code is sent only once".into());
            return HttpConnectorFuture::ready(Err(error));
        }
        let (exchange, clock) = (Arc::clone(&self.exchange), Arc::clone(&self.clock));
        let sent = clock.unix_time();
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            match answer.await {
                Ok(response) => {
                    exchange.reach(Progress::Answered(head(&response, sent, clock.unix_time())));
                    Ok(response.map(|body| SdkBody::from_body_1_x(Limited::new(body, MAX_BODY_BYTES))))
                }
                Err(error) => {
                    if let Some(failure) = connect_failure(&error) {
                        exchange.reach(Progress::NotConnected(failure));
                    }
                    Err(error)
                }
            }
        })
    }
}

fn head(response: &HttpResponse, sent: Duration, received: Duration) -> Head {
    let headers = response.headers();
    Head {
        status: response.status().as_u16(),
        request_id: headers.get("x-amzn-requestid").filter(|id| is_request_id(id)).map(str::to_owned),
        retry_after: retry_after(headers),
        clock_skew: clock_skew(headers, sent, received),
    }
}

/// Whether a text has the form of a request id, a UUID; other text must not get into logs.
fn is_request_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// AWS's header has milliseconds, that of RFC 9110 §10.2.3 seconds.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.parse::<u64>().ok();
    let milliseconds = number("x-amz-retry-after").map(Duration::from_millis);
    let wait = milliseconds.or_else(|| number("retry-after").map(Duration::from_secs))?;
    Some(wait.min(MAX_RETRY_AFTER))
}

/// `Date` has whole seconds, so half a second is added. The server wrote it at some time between `sent` and `received`.
/// The error is about half a second and half the time between the two.
fn clock_skew(headers: &Headers, sent: Duration, received: Duration) -> Option<f64> {
    // A response with `Age` comes from a cache, not from the server.
    if headers.contains_key("age") {
        return None;
    }
    let date = DateTime::from_str(headers.get("date")?, DateTimeFormat::HttpDate).ok()?;
    let ours = f64::midpoint(sent.as_secs_f64(), received.as_secs_f64());
    Some(date.as_secs_f64() + 0.5 - ours)
}

fn connect_failure(error: &ConnectorError) -> Option<Cause> {
    // The pool keeps no idle connections, so a connect error never refers to a connection that was used before.
    let connecting = causes(error).any(|cause| {
        cause.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect())
    });
    connecting.then(|| Cause::of(causes(error)))
}

/// An error and its causes. `source` of an `io::Error` does not return the error that it wraps.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> + Clone {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn StdError + 'static)),
        None => cause.source(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::clock::SystemClock;

    #[derive(Debug, Default)]
    struct Counting(Arc<AtomicUsize>);

    impl HttpConnector for Counting {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::Relaxed);
            HttpConnectorFuture::ready(Err(ConnectorError::io("the connection broke".into())))
        }
    }

    #[tokio::test]
    async fn a_second_request_is_refused() {
        let passed = Arc::new(AtomicUsize::new(0));
        let connector = OneRequest {
            inner: SharedHttpConnector::new(Counting(Arc::clone(&passed))),
            exchange: Arc::default(),
            clock: Arc::new(SystemClock::new()),
        };
        assert!(connector.call(HttpRequest::empty()).await.is_err_and(|error| error.is_io()));
        assert!(connector.call(HttpRequest::empty()).await.is_err_and(|error| error.is_user()));
        assert_eq!(passed.load(Ordering::Relaxed), 1);
        // An I/O error that is not a connect error proves nothing.
        assert!(connector.exchange.has_begun() && connector.exchange.progress().is_none());
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> Headers {
        let mut headers = Headers::new();
        for (name, value) in pairs {
            headers.insert(*name, *value);
        }
        headers
    }

    #[test]
    fn the_skew_refers_to_the_middle_of_the_exchange() {
        let at = |later: u64| Duration::from_millis(784_111_777_000 + later);
        let skew = |pairs: &[_]| clock_skew(&headers(pairs), at(0), at(1_000));
        assert_eq!(skew(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(0.0));
        assert_eq!(skew(&[("date", "Sun, 06 Nov 1994 08:51:12 GMT")]), Some(95.0));
        assert_eq!(skew(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("age", "3")]), None);
        assert_eq!(skew(&[("date", "yesterday")]), None);
        assert_eq!(skew(&[]), None);
    }

    #[test]
    fn retry_after_has_two_units_and_a_maximum() {
        assert_eq!(
            retry_after(&headers(&[("x-amz-retry-after", "1500")])),
            Some(Duration::from_millis(1_500))
        );
        assert_eq!(retry_after(&headers(&[("retry-after", "2")])), Some(Duration::from_secs(2)));
        assert_eq!(retry_after(&headers(&[("retry-after", "99999999999")])), Some(MAX_RETRY_AFTER));
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
    }

    #[test]
    fn only_a_uuid_is_a_request_id() {
        assert!(is_request_id("7b0b7a3e-6f1c-4b7e-9c55-0f1f4c0a9c11"));
        assert!(!is_request_id("123456"));
        assert!(!is_request_id("7b0b7a3e-6f1c-4b7e-9c55-0f1f4c0a9c1\u{e9}"));
    }
}
