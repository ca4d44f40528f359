//! The operations without HTTP: JSON request in, JSON response out.

use std::io;
use std::time::Duration;

use data_encoding::BASE32_NOPAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::sign_in::{initiate_auth, prove_client, tokens, verify_password};
use super::state::{Exception, Stage, State, User};
use super::{Reuse, texts};

/// The members of all operations' requests.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) access_token: Option<String>,
    pub(super) session: Option<String>,
    pub(super) user_code: Option<String>,
    pub(super) friendly_device_name: Option<String>,
    pub(super) auth_flow: Option<String>,
    pub(super) auth_parameters: Map<String, Value>,
    challenge_name: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) challenge_responses: Map<String, Value>,
}

/// The reason why there is no success.
#[derive(Debug)]
pub(super) enum Failure {
    /// An exception of the API.
    Exception(Exception),
    /// A failure of the fake itself.
    Broken(io::Error),
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

pub(super) type Reply = Result<Value, Failure>;

const INVALID_CODE: Exception = Exception {
    code: "InvalidParameterException",
    message: "1 validation error detected: Value at 'userCode' failed to satisfy constraint: Member must \
              satisfy regular expression pattern: [0-9]+",
};

/// Performs one request. `now` is the fake's own time.
pub(super) fn perform(state: &mut State, operation: &str, request: &Request, now: Duration) -> Reply {
    match operation {
        "InitiateAuth" => initiate_auth(state, request, now),
        "AssociateSoftwareToken" => associate(state, request, now),
        "VerifySoftwareToken" => verify(state, request, now),
        "RespondToAuthChallenge" => respond_to_challenge(state, request, now),
        "GetUser" => get_user(state, request, now),
        _ => refuse("UnknownOperationException", "this fake has no such operation"),
    }
}

fn associate(state: &mut State, request: &Request, now: Duration) -> Reply {
    let user = authorize(state, request, Stage::Setup, now)?;
    let key = texts::seed()?;
    let mut reply = json!({"SecretCode": BASE32_NOPAD.encode(&key)});
    state.associate(&user, key);
    if let Some(session) = &request.session {
        state.use_session(session);
        add(&mut reply, "Session", json!(state.open_session(&user, Stage::Associated, now)?));
    }
    Ok(reply)
}

fn verify(state: &mut State, request: &Request, now: Duration) -> Reply {
    let code = request.user_code.as_deref().unwrap_or_default();
    let name = authorize(state, request, Stage::Associated, now)?;
    let reuse = state.reuse;
    let Some(user) = state.users.get_mut(&name) else {
        return refuse("UserNotFoundException", "User does not exist.");
    };
    match accept_code(user, code, now)? {
        Spent::Wrong => {
            refuse("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
        }
        Spent::Again => answer_to_reuse(reuse),
        Spent::Now => {
            user.enrolled = true;
            user.device_name.clone_from(&request.friendly_device_name);
            let mut reply = json!({"Status": "SUCCESS"});
            if let Some(session) = &request.session {
                state.use_session(session);
                add(&mut reply, "Session", json!(state.open_session(&name, Stage::Verified, now)?));
            }
            Ok(reply)
        }
    }
}

fn respond_to_challenge(state: &mut State, request: &Request, now: Duration) -> Reply {
    let response = |name: &str| request.challenge_responses.get(name).and_then(Value::as_str);
    let stage = match request.challenge_name.as_deref().unwrap_or_default() {
        "PASSWORD_VERIFIER" => return verify_password(state, request, now),
        "MFA_SETUP" => Stage::Verified,
        "SELECT_MFA_TYPE" => Stage::Select,
        "SOFTWARE_TOKEN_MFA" => Stage::Challenge,
        _ => return refuse("InvalidParameterException", "this fake has no such challenge"),
    };
    let session = request.session.as_deref().unwrap_or_default();
    let name = state.user_of_session(session, stage, now)?;
    let proved = prove_client(state, request, &request.challenge_responses);
    let Some(user) = state.users.get_mut(&name) else {
        return refuse("UserNotFoundException", "User does not exist.");
    };
    if !response("USERNAME").is_some_and(|given| given == user.name || given == user.sub) {
        return refuse("InvalidParameterException", "Missing required parameter USERNAME");
    }
    proved?;
    if stage == Stage::Select {
        if response("ANSWER") != Some("SOFTWARE_TOKEN_MFA") {
            return refuse("InvalidParameterException", "this fake has software tokens only");
        }
        let device = user.device_name.clone().unwrap_or_default();
        let parameters = json!({"USER_ID_FOR_SRP": user.sub, "FRIENDLY_DEVICE_NAME": device});
        state.use_session(session);
        let next = state.open_session(&name, Stage::Challenge, now)?;
        return Ok(challenge("SOFTWARE_TOKEN_MFA", &parameters, &next));
    }
    if stage == Stage::Challenge {
        match accept_code(user, response("SOFTWARE_TOKEN_MFA_CODE").unwrap_or_default(), now)? {
            Spent::Wrong => return refuse("CodeMismatchException", "Invalid code received for user"),
            Spent::Again => return answer_to_reuse(Reuse::Expired),
            Spent::Now => {}
        }
    }
    state.use_session(session);
    tokens(state, request, &name, now)
}

fn challenge(name: &str, parameters: &Value, session: &str) -> Value {
    json!({"ChallengeName": name, "ChallengeParameters": parameters, "Session": session})
}

fn get_user(state: &State, request: &Request, now: Duration) -> Reply {
    let token = request.access_token.as_deref().unwrap_or_default();
    let name = state.user_of_token(token, now)?;
    let Some(user) = state.users.get(&name) else {
        return refuse("UserNotFoundException", "User does not exist.");
    };
    let mut reply = json!({
        "Username": user.name,
        "UserAttributes": [{"Name": "sub", "Value": user.sub}],
    });
    if user.enrolled {
        add(&mut reply, "UserMFASettingList", json!(["SOFTWARE_TOKEN_MFA"]));
        add(&mut reply, "PreferredMfaSetting", json!("SOFTWARE_TOKEN_MFA"));
    }
    Ok(reply)
}

/// The user of the access token or the session; the request must have exactly one of them.
fn authorize(state: &State, request: &Request, stage: Stage, now: Duration) -> Result<String, Exception> {
    match (&request.access_token, &request.session) {
        (Some(token), None) => state.user_of_token(token, now),
        (None, Some(session)) => state.user_of_session(session, stage, now),
        _ => Err(Exception {
            code: "InvalidParameterException",
            message: "Either an access token or a session is required, but not both.",
        }),
    }
}

enum Spent {
    Wrong,
    Again,
    Now,
}

/// Accepts a code of the current, the previous or the next time step, once.
fn accept_code(user: &mut User, code: &str, now: Duration) -> Result<Spent, Exception> {
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(INVALID_CODE);
    }
    let Some(seed) = &mut user.seed else {
        let message = "User has not set up software token mfa";
        return Err(Exception { code: "InvalidParameterException", message });
    };
    Ok(match seed.step_of(code, now, 1) {
        None => Spent::Wrong,
        Some(step) if seed.used.insert(step) => Spent::Now,
        Some(_) => Spent::Again,
    })
}

fn answer_to_reuse(reuse: Reuse) -> Reply {
    match reuse {
        Reuse::Expired => refuse("ExpiredCodeException", "Your software token has already been used once."),
        Reuse::EnableMfa => {
            refuse("EnableSoftwareTokenMFAException", "Code mismatch and fail enable Software Token MFA")
        }
        Reuse::StatusError => Ok(json!({"Status": "ERROR"})),
    }
}

pub(super) fn add(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

pub(super) fn refuse(code: &'static str, message: &'static str) -> Reply {
    Err(Exception { code, message }.into())
}
