//! The responses of Cognito to a challenge, and their classification.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use oathbridge::cognito::{Delivered, ErrorKind, Proof, Responded, Respondent, Session};
use oathbridge::secret::SecretText;
use testkit::fake_cognito::Fault;

use crate::rig::{Rig, STEP, code, verdict};

/// The exceptions of RespondToAuthChallenge with their class, some with several texts.
const EXCEPTIONS: [(&str, &str, ErrorKind); 33] = [
    ("AliasExistsException", "", ErrorKind::Rejected),
    ("CodeMismatchException", "Invalid code received for user", ErrorKind::CodeMismatch),
    ("ExpiredCodeException", "Your software token has already been used once.", ErrorKind::CodeAlreadyUsed),
    ("ForbiddenException", "Request not allowed due to WAF block.", ErrorKind::Blocked),
    ("InternalErrorException", "", ErrorKind::ServiceUnavailable),
    ("InvalidEmailRoleAccessPolicyException", "", ErrorKind::PoolError),
    ("InvalidLambdaResponseException", "canary", ErrorKind::Rejected),
    ("InvalidParameterException", "Missing required parameter USERNAME", ErrorKind::InvalidParameter),
    ("InvalidParameterException", "User has not set up software token mfa", ErrorKind::NotEnrolled),
    ("InvalidPasswordException", "", ErrorKind::Rejected),
    ("InvalidSmsRoleAccessPolicyException", "", ErrorKind::PoolError),
    ("InvalidSmsRoleTrustRelationshipException", "", ErrorKind::PoolError),
    ("InvalidUserPoolConfigurationException", "", ErrorKind::PoolError),
    ("MFAMethodNotFoundException", "", ErrorKind::Rejected),
    ("NotAuthorizedException", "canary", ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Incorrect username or password.", ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Unable to verify secret hash for client", ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Invalid device key given.", ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Password attempts exceeded", ErrorKind::LockedOut),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
        ErrorKind::SessionExpired,
    ),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
        ErrorKind::SessionConsumed,
    ),
    ("NotAuthorizedException", "User is disabled.", ErrorKind::AccountState),
    ("OperationNotEnabledException", "", ErrorKind::PoolError),
    ("PasswordHistoryPolicyViolationException", "", ErrorKind::Rejected),
    ("PasswordResetRequiredException", "", ErrorKind::AccountState),
    ("ResourceNotFoundException", "User pool client does not exist.", ErrorKind::PoolError),
    ("SoftwareTokenMFANotFoundException", "", ErrorKind::TotpNotEnabled),
    ("TooManyRequestsException", "Rate exceeded", ErrorKind::Throttled),
    ("UnexpectedLambdaException", "canary", ErrorKind::Rejected),
    ("UserLambdaValidationException", "canary", ErrorKind::Rejected),
    ("UserNotConfirmedException", "User is not confirmed.", ErrorKind::AccountState),
    ("UserNotFoundException", "User does not exist.", ErrorKind::AccountState),
    ("SurpriseException", "canary", ErrorKind::Rejected),
];

fn respondent() -> Respondent {
    let (client, user) = ("client".to_owned(), "alice".to_owned());
    Respondent::new(client, user, Proof::None, None, HashMap::new()).unwrap()
}

fn session(rig: &Rig) -> Session {
    let text = rig.fake.challenge("alice", None, false).unwrap();
    Session::parse(SecretText::from(text.as_str())).unwrap()
}

#[tokio::test]
async fn every_exception_has_exactly_one_error_kind() {
    let rig = Rig::new();
    let (client, session, respondent) = (rig.client(), session(&rig), respondent());
    for (number, (name, message, kind)) in (1..).zip(EXCEPTIONS) {
        rig.fake.fail(Fault::exception(name, message));
        let answer = client.answer_with_code(&respondent, &session, &code(STEP)).await;
        let error = answer.result.unwrap_err();
        rig.assert_discreet(&error);
        let delivered = match kind {
            ErrorKind::ServiceUnavailable => Delivered::Unknown,
            _ => Delivered::Yes,
        };
        assert_eq!(verdict(&error), (kind, delivered), "{name} {message}");
        assert_eq!(error.aws_code.as_deref(), Some(name));
        assert_eq!(rig.arrived(), number, "{name} was sent more than once");
    }
}

#[test]
fn every_exception_of_the_model_is_in_the_table() {
    let rows: BTreeSet<_> = EXCEPTIONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let modelled = modelled();
    let missing: Vec<_> = modelled.difference(&rows).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    let invented: Vec<_> = rows.difference(&modelled).collect();
    assert_eq!(invented, ["SurpriseException"]);
    assert_eq!(modelled.len(), 24);
}

#[tokio::test]
async fn a_response_without_tokens_and_challenge_leaves_the_outcome_unknown() {
    let rig = Rig::new();
    for (fault, kind) in [
        (Fault::NoStatus, ErrorKind::OutcomeUnknown),
        (Fault::StatusError, ErrorKind::OutcomeUnknown),
        (Fault::Garbage, ErrorKind::ServiceUnavailable),
        (Fault::Html503, ErrorKind::ServiceUnavailable),
        (Fault::InternalErrorAfter, ErrorKind::ServiceUnavailable),
    ] {
        rig.fake.fail(fault.clone());
        let answer = rig.client().answer_with_code(&respondent(), &session(&rig), &code(STEP)).await;
        assert_eq!(verdict(&answer.result.unwrap_err()), (kind, Delivered::Unknown), "{fault:?}");
    }
}

#[tokio::test]
async fn secrets_in_the_text_of_a_server_are_not_passed_on() {
    let rig = Rig::new();
    let session = session(&rig);
    rig.fake.fail(Fault::Echo);
    let answer = rig.client().answer_with_code(&respondent(), &session, &code(STEP)).await;
    let error = answer.result.unwrap_err();
    rig.assert_discreet(&error);
    assert_eq!(verdict(&error), (ErrorKind::NotAuthorized, Delivered::Yes));
    let answer = rig.client().answer_with_code(&respondent(), &session, &code(STEP)).await;
    assert!(matches!(answer.result, Ok(Responded::Tokens(_))));
}

/// The exceptions of RespondToAuthChallenge in the source of the SDK, whose enumeration may grow in a new version.
fn modelled() -> BTreeSet<String> {
    let source = sdk().join("src/operation/respond_to_auth_challenge.rs");
    let source = fs::read_to_string(source).unwrap();
    let name = |line: &str| {
        let (name, _) = line.trim_start().strip_prefix('"')?.split_once("\" => ")?;
        name.ends_with("Exception").then(|| name.to_owned())
    };
    source.lines().filter_map(name).collect()
}

/// The folder of the SDK's source.
fn sdk() -> PathBuf {
    // Packages of other platforms may be missing.
    let platform = format!("--filter-platform={}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "aws-sdk-cognitoidentityprovider").unwrap();
    PathBuf::from(sdk["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}
