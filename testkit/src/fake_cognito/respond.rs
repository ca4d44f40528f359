//! Handles one HTTP request; the response may be missing on purpose.

use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, DATE, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::log::Entry;
use super::operations::{Failure, Request, perform};
use super::plan::{Fault, Plan};
use super::state::State;
use super::{Control, Shared, sign, texts};

const TARGET: &str = "AWSCognitoIdentityProviderService.";
const MAX_REQUEST_BYTES: usize = 1 << 20;
/// The number of steps around now in which the log searches for the step of a code.
const LOG_STEP_RANGE: u64 = 20;

/// The connection is closed without a response.
#[derive(Debug)]
pub(super) struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

impl From<io::Error> for Dropped {
    fn from(_: io::Error) -> Self {
        Self
    }
}

pub(super) async fn respond(
    request: hyper::Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_REQUEST_BYTES).collect().await.map_err(|_| Dropped)?.to_bytes();
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/_log") => Ok(plain(StatusCode::OK, shared.state().log.text()?)),
        (&Method::GET, path) if path.ends_with("/.well-known/jwks.json") => {
            Ok(plain(StatusCode::OK, sign::keys()?.to_string()))
        }
        (&Method::POST, "/_control") => Ok(control(&shared, &body)),
        (&Method::POST, _) => {
            let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
            let operation = target.and_then(|target| target.strip_prefix(TARGET)).unwrap_or_default();
            call(operation, &body, &shared).await
        }
        _ => Ok(plain(StatusCode::NOT_FOUND, "not found\n".to_owned())),
    }
}

fn control(shared: &Shared, body: &[u8]) -> Response<Full<Bytes>> {
    let mut state = shared.state();
    let now = state.shifted(shared.clock.unix_time());
    let order: Result<Control, _> = serde_json::from_slice(body);
    let reply = order.map_err(io::Error::from).and_then(|order| order.perform(&mut state, now));
    match reply {
        Ok(value) => plain(StatusCode::OK, format!("{value}\n")),
        Err(error) => plain(StatusCode::BAD_REQUEST, format!("{error}\n")),
    }
}

async fn call(operation: &str, body: &[u8], shared: &Shared) -> Result<Response<Full<Bytes>>, Dropped> {
    let arrived = shared.clock.unix_time();
    let plan = shared.state().plans.next(operation);
    if plan.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(plan.delay_ms)).await;
    }
    drop(shared.held.lock().await);
    let request: Request = serde_json::from_slice(body).unwrap_or_default();
    let answer = answer(&mut shared.state(), operation, &request, &plan, arrived)?;
    match answer {
        Answer::Response { status, content_type, mut extra, body } => {
            extra.extend(plan.retry_after_ms.map(|wait| ("x-amz-retry-after", wait.to_string())));
            let date = shared.state().shifted(shared.clock.unix_time());
            response(status, content_type, extra, body, skewed(date, plan.date_skew))
        }
        Answer::Silence => pending().await,
        Answer::Drop => Err(Dropped),
    }
}

enum Answer {
    Response {
        status: StatusCode,
        content_type: &'static str,
        extra: Vec<(&'static str, String)>,
        body: String,
    },
    Silence,
    Drop,
}

fn answer(
    state: &mut State,
    operation: &str,
    request: &Request,
    plan: &Plan,
    arrived: Duration,
) -> io::Result<Answer> {
    let now = state.shifted(arrived);
    let mut entry = entry(state, operation, request, now);
    let processed = matches!(plan.fault, Fault::None | Fault::DropAfter | Fault::InternalErrorAfter);
    let answer = if processed {
        let reply = perform(state, operation, request, now);
        entry.outcome = outcome(&reply);
        match (&plan.fault, reply) {
            (Fault::DropAfter, _) => Answer::Drop,
            (Fault::InternalErrorAfter, _) => exception("InternalErrorException", "", None),
            (_, Ok(value)) => success(&value),
            (_, Err(Failure::Exception(error))) => exception(error.code, error.message, None),
            (_, Err(Failure::Broken(error))) => return Err(error),
        }
    } else {
        entry.outcome = name(&plan.fault);
        fault(&plan.fault, request)
    };
    entry.processed = processed;
    state.log.append(entry)?;
    Ok(answer)
}

/// The log entry of a request, before it is processed.
fn entry(state: &State, operation: &str, request: &Request, now: Duration) -> Entry {
    let authorization = request.access_token.as_deref().or(request.session.as_deref());
    let user = authorization.and_then(|text| state.owner(text));
    let response = request.challenge_responses.get("SOFTWARE_TOKEN_MFA_CODE").and_then(Value::as_str);
    let code = request.user_code.as_deref().or(response);
    let seed = user.and_then(|user| state.users.get(user)?.seed.as_ref());
    Entry {
        arrived: now.as_secs_f64(),
        operation: operation.to_owned(),
        user: user.map(str::to_owned),
        code: code.map(str::to_owned),
        seed: seed.map(|seed| seed.number),
        step: seed.and_then(|seed| seed.step_of(code?, now, LOG_STEP_RANGE)),
        device_name: request.friendly_device_name.clone(),
        ..Entry::default()
    }
}

fn outcome(reply: &Result<Value, Failure>) -> String {
    match reply {
        Ok(value) => value.get("Status").and_then(Value::as_str).unwrap_or("SUCCESS").to_owned(),
        Err(Failure::Exception(exception)) => exception.code.to_owned(),
        Err(Failure::Broken(error)) => error.to_string(),
    }
}

fn name(fault: &Fault) -> String {
    match fault {
        Fault::Exception { code, .. } => code.clone(),
        other => format!("{other:?}").split(' ').next().unwrap_or_default().to_owned(),
    }
}

fn fault(fault: &Fault, request: &Request) -> Answer {
    match fault {
        Fault::Exception { code, message, status } => exception(code, message, *status),
        Fault::StatusError => success(&json!({"Status": "ERROR"})),
        Fault::NoStatus => success(&json!({})),
        Fault::Html503 => page(StatusCode::SERVICE_UNAVAILABLE, "text/html", Vec::new()),
        Fault::Garbage => page(StatusCode::OK, "application/x-amz-json-1.1", Vec::new()),
        Fault::Huge => success(&json!({"Status": "SUCCESS", "Padding": "x".repeat(1_100_000)})),
        Fault::Echo => {
            let texts = [&request.access_token, &request.session, &request.user_code];
            let mut echo: Vec<_> = texts.into_iter().flatten().map(String::as_str).collect();
            echo.extend(request.challenge_responses.values().filter_map(Value::as_str));
            exception("NotAuthorizedException", &echo.join(" "), None)
        }
        Fault::Redirect { location } => {
            page(StatusCode::TEMPORARY_REDIRECT, "text/html", vec![("location", location.clone())])
        }
        Fault::Silence => Answer::Silence,
        Fault::None | Fault::DropBefore | Fault::DropAfter | Fault::InternalErrorAfter => Answer::Drop,
    }
}

fn success(value: &Value) -> Answer {
    json_answer(StatusCode::OK, Vec::new(), value)
}

fn exception(code: &str, message: &str, status: Option<u16>) -> Answer {
    let usual = if code == "InternalErrorException" { 500 } else { 400 };
    let status = StatusCode::from_u16(status.unwrap_or(usual)).unwrap_or(StatusCode::BAD_REQUEST);
    let extra = vec![("x-amzn-errortype", format!("{code}:")), ("x-amzn-errormessage", message.to_owned())];
    json_answer(status, extra, &json!({"__type": code, "message": message}))
}

fn json_answer(status: StatusCode, extra: Vec<(&'static str, String)>, value: &Value) -> Answer {
    Answer::Response { status, content_type: "application/x-amz-json-1.1", extra, body: value.to_string() }
}

fn page(status: StatusCode, content_type: &'static str, extra: Vec<(&'static str, String)>) -> Answer {
    let body = "<html><body><h1>Not what you asked for</h1></body></html>".to_owned();
    Answer::Response { status, content_type, extra, body }
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    extra: Vec<(&'static str, String)>,
    body: String,
    date: Duration,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let mut response = plain(status, body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in extra {
        // A message may contain bytes that are invalid in a header; the body has it as well.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    let id = HeaderValue::from_str(&texts::uuid()?).map_err(|_| Dropped)?;
    headers.insert("x-amzn-requestid", id);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + date);
    headers.insert(DATE, HeaderValue::from_str(&date).map_err(|_| Dropped)?);
    Ok(response)
}

fn plain(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

fn skewed(date: Duration, seconds: i64) -> Duration {
    let skew = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { date.saturating_sub(skew) } else { date + skew }
}
