//! The start of a sign-in: InitiateAuth with a password or with SRP, and the proof of SRP.

use std::time::Duration;

use data_encoding::BASE64;
use oathbridge::otp::Algorithm;
use serde_json::{Map, Value, json};

use super::operations::{Reply, Request, add, refuse};
use super::srp::{Choice, Exchange};
use super::state::{Exception, Stage, State};
use super::texts;

const UNKNOWN: Exception =
    Exception { code: "NotAuthorizedException", message: "Incorrect username or password." };

/// InitiateAuth.
pub(super) fn initiate_auth(state: &mut State, request: &Request, now: Duration) -> Reply {
    let parameters = &request.auth_parameters;
    prove_client(state, request, parameters)?;
    let name = text(parameters, "USERNAME");
    match request.auth_flow.as_deref() {
        Some("USER_PASSWORD_AUTH") => {
            let user = state.users.get(name).filter(|user| user.password == text(parameters, "PASSWORD"));
            let name = user.ok_or(UNKNOWN)?.name.clone();
            next_step(state, request, &name, now)
        }
        Some("USER_SRP_AUTH") => ask_for_proof(state, name, text(parameters, "SRP_A"), now),
        _ => refuse("InvalidParameterException", "this fake has USER_PASSWORD_AUTH and USER_SRP_AUTH only"),
    }
}

fn ask_for_proof(state: &mut State, name: &str, public: &str, now: Duration) -> Reply {
    let pool = state.pool().to_owned();
    let user = state.users.get(name).ok_or(UNKNOWN)?;
    let identity = (pool.as_str(), user.sub.as_str(), user.password.as_str());
    let Some(exchange) = Exchange::begin(identity, public, Choice::random()?) else {
        return refuse("InvalidParameterException", "SRP_A is no value of an SRP client");
    };
    let block = exchange.block();
    let parameters = json!({
        "USERNAME": user.sub, "USER_ID_FOR_SRP": user.sub,
        "SALT": exchange.salt(), "SRP_B": exchange.public(), "SECRET_BLOCK": block,
    });
    let name = user.name.clone();
    state.open_exchange(block, name, exchange, now);
    // There is no session; the secret block identifies the sign-in.
    Ok(json!({"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters}))
}

/// RespondToAuthChallenge with PASSWORD_VERIFIER.
pub(super) fn verify_password(state: &mut State, request: &Request, now: Duration) -> Reply {
    let responses = &request.challenge_responses;
    prove_client(state, request, responses)?;
    let block = text(responses, "PASSWORD_CLAIM_SECRET_BLOCK");
    let (name, exchange) = state.take_exchange(block, now).ok_or(UNKNOWN)?;
    let user = state.users.get(&name).ok_or(UNKNOWN)?;
    let given = text(responses, "USERNAME");
    let signature = text(responses, "PASSWORD_CLAIM_SIGNATURE");
    if (given != user.name && given != user.sub)
        || !exchange.is_proof(signature, text(responses, "TIMESTAMP"))
    {
        return Err(UNKNOWN.into());
    }
    next_step(state, request, &name, now)
}

/// The step after the password: a second factor, or tokens.
fn next_step(state: &mut State, request: &Request, name: &str, now: Duration) -> Reply {
    let user = state.users.get(name).ok_or(UNKNOWN)?;
    let mut parameters = json!({"USER_ID_FOR_SRP": user.sub});
    let (challenge, stage) = if user.enrolled && state.offers_choice {
        add(&mut parameters, "MFAS_CAN_CHOOSE", json!("[\"SMS_MFA\",\"SOFTWARE_TOKEN_MFA\"]"));
        ("SELECT_MFA_TYPE", Stage::Select)
    } else if user.enrolled {
        add(&mut parameters, "FRIENDLY_DEVICE_NAME", json!(user.device_name.clone().unwrap_or_default()));
        ("SOFTWARE_TOKEN_MFA", Stage::Challenge)
    } else if state.mfa_is_optional {
        return tokens(state, request, name, now);
    } else {
        add(&mut parameters, "MFAS_CAN_SETUP", json!("[\"SOFTWARE_TOKEN_MFA\"]"));
        ("MFA_SETUP", Stage::Setup)
    };
    let session = state.open_session(name, stage, now)?;
    Ok(json!({"ChallengeName": challenge, "ChallengeParameters": parameters, "Session": session}))
}

/// The tokens at the end of a sign-in.
pub(super) fn tokens(state: &mut State, request: &Request, name: &str, now: Duration) -> Reply {
    let client = request.client_id.as_deref().unwrap_or_default();
    let device = state.meet_device(text(&request.challenge_responses, "DEVICE_KEY"))?;
    let token = state.issue_token(name, now)?;
    let mut result = json!({
        "AccessToken": token, "IdToken": state.id_token(name, client, now)?,
        "RefreshToken": format!("refresh.{token}"), "ExpiresIn": texts::TOKEN_LIFE.as_secs(), "TokenType": "Bearer",
    });
    if let Some(key) = device {
        add(&mut result, "NewDeviceMetadata", json!({"DeviceKey": key, "DeviceGroupKey": "-FaKeGroup"}));
    }
    Ok(json!({"AuthenticationResult": result, "ChallengeParameters": {}}))
}

/// Checks the proof of an app client with a secret, which is required in each step.
pub(super) fn prove_client(
    state: &State,
    request: &Request,
    given: &Map<String, Value>,
) -> Result<(), Exception> {
    let Some(secret) = &state.client_secret else { return Ok(()) };
    let message = format!("{}{}", text(given, "USERNAME"), request.client_id.as_deref().unwrap_or_default());
    let digest = Algorithm::Sha256.hmac(secret.as_bytes(), message.as_bytes());
    if text(given, "SECRET_HASH") == BASE64.encode(&digest) {
        return Ok(());
    }
    Err(Exception { code: "NotAuthorizedException", message: "Unable to verify secret hash for client" })
}

fn text<'a>(map: &'a Map<String, Value>, name: &str) -> &'a str {
    map.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that panics has failed"
)]
mod tests {
    use super::super::operations::{Failure, perform};
    use super::super::{Options, srp};
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);
    const TIME: &str = "Fri Jan 15 08:00:00 UTC 2027";

    fn state() -> State {
        let mut state = State::new(&Options::default()).unwrap();
        state.add_user("alice", "open sesame").unwrap();
        state
    }

    fn parsed(request: Value) -> Request {
        serde_json::from_value(request).unwrap()
    }

    fn call(
        state: &mut State,
        operation: &str,
        request: Value,
        now: Duration,
    ) -> Result<Value, &'static str> {
        perform(state, operation, &parsed(request), now).map_err(|failure| match failure {
            Failure::Exception(exception) => exception.message,
            Failure::Broken(error) => panic!("{error}"),
        })
    }

    /// Prepares the request with the proof for this password; the test sends it.
    fn proof(state: &mut State, password: &str) -> Value {
        let sub = state.users["alice"].sub.clone();
        let (public, prove) = srp::tests::client((state.pool(), &sub, password));
        let start = json!({
            "AuthFlow": "USER_SRP_AUTH", "ClientId": "app",
            "AuthParameters": {"USERNAME": "alice", "SRP_A": public},
        });
        let asked = call(state, "InitiateAuth", start, NOW).unwrap();
        assert_eq!(asked["ChallengeName"], "PASSWORD_VERIFIER");
        let given = |name: &str| asked["ChallengeParameters"][name].as_str().unwrap();
        assert_eq!((given("USERNAME"), given("USER_ID_FOR_SRP")), (sub.as_str(), sub.as_str()));
        let signature = prove(given("SALT"), given("SRP_B"), given("SECRET_BLOCK"), TIME);
        json!({
            "ChallengeName": "PASSWORD_VERIFIER", "ClientId": "app",
            "ChallengeResponses": {
                "USERNAME": sub, "TIMESTAMP": TIME, "PASSWORD_CLAIM_SIGNATURE": signature,
                "PASSWORD_CLAIM_SECRET_BLOCK": given("SECRET_BLOCK"),
            },
        })
    }

    #[test]
    fn a_proof_has_the_result_of_a_password_and_is_valid_once() {
        let mut state = state();
        let step = |state: &mut State| {
            let proof = proof(state, "open sesame");
            let next = call(state, "RespondToAuthChallenge", proof.clone(), NOW).unwrap();
            assert_eq!(call(state, "RespondToAuthChallenge", proof, NOW), Err(UNKNOWN.message));
            next
        };
        assert_eq!(step(&mut state)["ChallengeName"], "MFA_SETUP");
        state.mfa_is_optional = true;
        assert_eq!(step(&mut state)["AuthenticationResult"]["TokenType"], "Bearer");
        state.users.get_mut("alice").unwrap().enrolled = true;
        assert_eq!(step(&mut state)["ChallengeName"], "SOFTWARE_TOKEN_MFA");
        state.offers_choice = true;
        assert_eq!(step(&mut state)["ChallengeName"], "SELECT_MFA_TYPE");
    }

    #[test]
    fn a_wrong_or_late_password_is_refused() {
        let mut state = state();
        let wrong = proof(&mut state, "open, sesame");
        assert_eq!(call(&mut state, "RespondToAuthChallenge", wrong, NOW), Err(UNKNOWN.message));
        let mut another = proof(&mut state, "open sesame");
        another["ChallengeResponses"]["USERNAME"] = json!("bob");
        assert_eq!(call(&mut state, "RespondToAuthChallenge", another, NOW), Err(UNKNOWN.message));
        let late = proof(&mut state, "open sesame");
        let later = NOW + Duration::from_secs(181);
        assert_eq!(call(&mut state, "RespondToAuthChallenge", late, later), Err(UNKNOWN.message));
        let nobody =
            json!({"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "eve", "SRP_A": "5"}});
        assert_eq!(call(&mut state, "InitiateAuth", nobody, NOW), Err("Incorrect username or password."));
    }

    #[test]
    fn an_app_client_with_a_secret_proves_it_in_both_steps() {
        let mut state = state();
        let mut unproved = proof(&mut state, "open sesame");
        state.client_secret = Some("secret".to_owned());
        let refusal = Err("Unable to verify secret hash for client");
        assert_eq!(call(&mut state, "RespondToAuthChallenge", unproved.clone(), NOW), refusal);
        let start =
            json!({"AuthFlow": "USER_SRP_AUTH", "AuthParameters": {"USERNAME": "alice", "SRP_A": "5"}});
        assert_eq!(call(&mut state, "InitiateAuth", start, NOW), refusal);
        let sub = &state.users["alice"].sub;
        let hash = BASE64.encode(&Algorithm::Sha256.hmac(b"secret", format!("{sub}app").as_bytes()));
        unproved["ChallengeResponses"]["SECRET_HASH"] = json!(hash);
        assert!(call(&mut state, "RespondToAuthChallenge", unproved, NOW).is_ok());
    }
}
