//! The responses of Cognito and their classification.

use std::time::Duration;

use oathbridge::cognito::{Delivered, ErrorKind};
use oathbridge::otp::{Code, Digits};
use testkit::fake_cognito::{Fault, Plan};

use crate::rig::{Rig, STEP, code, patient, session, verdict};

/// The 14 exceptions of VerifySoftwareToken, the known texts of the two with several meanings, exceptions that are not in
/// the model, and HTTP statuses with priority over the body.
const EXCEPTIONS: [(&str, &str, Option<u16>, ErrorKind); 40] = [
    ("EnableSoftwareTokenMFAException", "Code mismatch and fail enable", None, ErrorKind::CodeMismatch),
    ("CodeMismatchException", "Invalid code received for user", None, ErrorKind::CodeMismatch),
    ("ForbiddenException", "Request not allowed due to WAF block.", None, ErrorKind::Blocked),
    ("InternalErrorException", "", None, ErrorKind::ServiceUnavailable),
    ("InternalErrorException", "", Some(400), ErrorKind::ServiceUnavailable),
    ("InvalidUserPoolConfigurationException", "", None, ErrorKind::PoolError),
    ("OperationNotEnabledException", "", None, ErrorKind::PoolError),
    ("ResourceNotFoundException", "User pool client does not exist.", None, ErrorKind::PoolError),
    ("PasswordResetRequiredException", "", None, ErrorKind::AccountState),
    ("UserNotConfirmedException", "User is not confirmed.", None, ErrorKind::AccountState),
    ("UserNotFoundException", "User does not exist.", None, ErrorKind::AccountState),
    ("SoftwareTokenMFANotFoundException", "has not been enabled", None, ErrorKind::TotpNotEnabled),
    ("TooManyRequestsException", "Rate exceeded", None, ErrorKind::Throttled),
    ("InvalidParameterException", "1 validation error detected", None, ErrorKind::InvalidParameter),
    ("InvalidParameterException", "Missing required parameter Session", None, ErrorKind::InvalidParameter),
    ("InvalidParameterException", "User has not set up software token mfa", None, ErrorKind::NotEnrolled),
    (
        "InvalidParameterException",
        "User does not have delivery config set to turn on SOFTWARE_TOKEN_MFA",
        None,
        ErrorKind::NotEnrolled,
    ),
    ("NotAuthorizedException", "canary", None, ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "", None, ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Incorrect username or password.", None, ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Unable to verify secret hash for client", None, ErrorKind::NotAuthorized),
    ("NotAuthorizedException", "Password attempts exceeded", None, ErrorKind::LockedOut),
    (
        "NotAuthorizedException",
        "Too many invalid credentials attempts. User temporarily locked. Please try again after few seconds.",
        None,
        ErrorKind::LockedOut,
    ),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session is expired.",
        None,
        ErrorKind::SessionExpired,
    ),
    (
        "NotAuthorizedException",
        "Invalid session for the user, session can only be used once.",
        None,
        ErrorKind::SessionConsumed,
    ),
    ("NotAuthorizedException", "Invalid session for the user.", None, ErrorKind::SessionConsumed),
    ("NotAuthorizedException", "Access Token has expired", None, ErrorKind::TokenExpired),
    ("NotAuthorizedException", "Access Token has been revoked", None, ErrorKind::TokenExpired),
    ("NotAuthorizedException", "Access Token does not have required scopes", None, ErrorKind::ScopeMissing),
    ("NotAuthorizedException", "User is disabled.", None, ErrorKind::AccountState),
    (
        "ExpiredCodeException",
        "Your software token has already been used once.",
        None,
        ErrorKind::CodeAlreadyUsed,
    ),
    ("LimitExceededException", "Attempt limit exceeded", None, ErrorKind::Throttled),
    ("ThrottlingException", "Rate exceeded", None, ErrorKind::Throttled),
    ("MFAMethodNotFoundException", "", None, ErrorKind::Rejected),
    ("UserLambdaValidationException", "canary", None, ErrorKind::Rejected),
    ("FeatureUnavailableInTierException", "", None, ErrorKind::Rejected),
    ("SurpriseException", "canary", None, ErrorKind::Rejected),
    // A server that failed may have accepted the code, whatever its body says.
    ("CodeMismatchException", "", Some(500), ErrorKind::ServiceUnavailable),
    ("TooManyRequestsException", "", Some(503), ErrorKind::ServiceUnavailable),
    ("ServiceUnavailableException", "", Some(503), ErrorKind::ServiceUnavailable),
];

#[tokio::test]
async fn every_exception_has_exactly_one_error_kind() {
    let rig = Rig::new();
    let (client, token) = (rig.client(), rig.token());
    for (number, (code, message, status, kind)) in (1..).zip(EXCEPTIONS) {
        let message = message.to_owned();
        rig.fake.fail(Fault::Exception { code: code.to_owned(), message, status });
        let error = rig.failure(&client, &token).await;
        let delivered = match kind {
            ErrorKind::ServiceUnavailable => Delivered::Unknown,
            _ => Delivered::Yes,
        };
        assert_eq!(verdict(&error), (kind, delivered), "{code} {status:?}");
        assert_eq!(error.aws_code.as_deref(), Some(code));
        assert_eq!(rig.arrived(), number, "{code} was sent more than once");
    }
}

#[tokio::test]
async fn a_response_that_is_not_from_cognito_leaves_the_outcome_unknown() {
    let rig = Rig::new();
    let (client, token) = (rig.client(), rig.token());
    for (number, (fault, kind)) in (1..).zip([
        (Fault::Html503, ErrorKind::ServiceUnavailable),
        (Fault::Garbage, ErrorKind::ServiceUnavailable),
        (Fault::Huge, ErrorKind::ServiceUnavailable),
        (Fault::InternalErrorAfter, ErrorKind::ServiceUnavailable),
        (Fault::NoStatus, ErrorKind::OutcomeUnknown),
        (Fault::exception("", ""), ErrorKind::ServiceUnavailable),
        // An error code has no digits; other text from a server is dropped.
        (Fault::exception(code(STEP).expose(), ""), ErrorKind::ServiceUnavailable),
        (Fault::exception(&"canary".repeat(20), ""), ErrorKind::ServiceUnavailable),
    ]) {
        rig.fake.fail(fault.clone());
        let error = rig.failure(&client, &token).await;
        assert_eq!(verdict(&error), (kind, Delivered::Unknown), "{fault:?}");
        assert_eq!(rig.arrived(), number, "{fault:?}");
    }
}

#[tokio::test]
async fn http_200_with_status_error_means_a_wrong_code() {
    let rig = Rig::new();
    rig.fake.fail(Fault::StatusError);
    let error = rig.failure(&rig.client(), &rig.token()).await;
    assert_eq!(verdict(&error), (ErrorKind::CodeMismatch, Delivered::Yes));
    assert_eq!((error.aws_code, rig.arrived()), (None, 1));
}

#[tokio::test]
async fn secrets_in_the_text_of_a_server_are_not_passed_on() {
    let rig = Rig::new();
    for authorization in [rig.token(), rig.session()] {
        rig.fake.fail(Fault::Echo);
        let error = rig.failure(&rig.client(), &authorization).await;
        assert_eq!(verdict(&error), (ErrorKind::NotAuthorized, Delivered::Yes));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::new();
    let elsewhere = Rig::new();
    rig.fake.fail(Fault::Redirect { location: elsewhere.fake.url() });
    let error = rig.failure(&rig.client(), &rig.token()).await;
    assert_eq!(verdict(&error), (ErrorKind::ServiceUnavailable, Delivered::Unknown));
    assert_eq!((rig.arrived(), elsewhere.arrived()), (1, 0));
}

#[tokio::test]
async fn a_success_has_session_request_id_and_clock_skew() {
    let rig = Rig::new();
    let answer = rig.verify(&rig.token()).await;
    assert_eq!(answer.request_id.map(|id| id.len()), Some(36));
    // Both clocks stand still at a full second; the resolution of `Date` adds half a second.
    assert_eq!(answer.clock_skew, Some(0.5));
    assert!(answer.result.unwrap().session.is_none());

    let rig = Rig::new();
    let answer = rig.verify(&rig.session()).await;
    assert!(answer.result.unwrap().session.is_some());
    let entry = &rig.fake.log()[0];
    assert_eq!(entry.device_name.as_deref(), Some("YubiKey 5C"));
    assert_eq!((entry.user.as_deref(), entry.step), (Some("alice"), Some(STEP)));
}

#[tokio::test]
async fn a_skewed_server_clock_is_detected_on_success_and_on_errors() {
    let rig = Rig::new();
    for (date_skew, fault) in [(95, Fault::None), (-3_600, Fault::exception("SurpriseException", ""))] {
        rig.fake.plan(Plan { date_skew, ..Plan::from(fault) });
        let answer = rig.verify(&rig.token()).await;
        let skew = i32::try_from(date_skew).unwrap();
        assert_eq!(answer.clock_skew, Some(f64::from(skew) + 0.5));
    }
}

#[tokio::test]
async fn a_code_that_is_not_six_digits_is_not_sent() {
    let rig = Rig::new();
    for code in [Code::decimal(1, Digits::new(8).unwrap()), Code::steam(1)] {
        let answer = rig.client().verify_software_token(&rig.token(), &code, "").await;
        let error = answer.result.unwrap_err();
        assert_eq!(verdict(&error), (ErrorKind::InvalidParameter, Delivered::No));
    }
    assert_eq!(rig.arrived(), 0);
}

#[tokio::test]
async fn one_client_can_make_many_requests() {
    let rig = Rig::new();
    let client = rig.client_at(&rig.fake.url(), &patient());
    let second = session(&rig.fake.session("alice").unwrap());
    for (authorization, step) in [(rig.session(), STEP), (second, STEP + 1)] {
        let answer = client.verify_software_token(&authorization, &code(step), "").await;
        answer.result.unwrap();
    }
    assert_eq!(rig.fake.log()[0].device_name, None);
}

#[tokio::test]
async fn retry_after_of_the_server_is_returned() {
    let rig = Rig::new();
    let throttled = Fault::exception("TooManyRequestsException", "Rate exceeded");
    rig.fake.plan(Plan { retry_after_ms: Some(1_500), ..Plan::from(throttled) });
    let error = rig.failure(&rig.client(), &rig.token()).await;
    assert_eq!(error.retry_after, Some(Duration::from_millis(1_500)));
}
