//! Maps the SDK's errors to [`Error`].
//!
//! Cognito uses two of its exceptions for a dozen different reasons, and only their texts differ. The texts are not
//! documented; those in the tables come from issue threads and recorded runs.

use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};

use super::cause::Cause;
use super::error::{Delivered, Error, ErrorKind};
use super::exchange::{Exchange, Progress};

/// Texts of `NotAuthorizedException`, in lower case; the first match decides.
const NOT_AUTHORIZED: [(&str, ErrorKind); 11] = [
    ("password attempts exceeded", ErrorKind::LockedOut),
    ("temporarily locked", ErrorKind::LockedOut),
    ("session is expired", ErrorKind::SessionExpired),
    ("session has expired", ErrorKind::SessionExpired),
    ("session can only be used once", ErrorKind::SessionConsumed),
    ("invalid session", ErrorKind::SessionConsumed),
    ("token has expired", ErrorKind::TokenExpired),
    ("token has been revoked", ErrorKind::TokenExpired),
    ("required scopes", ErrorKind::ScopeMissing),
    ("user is disabled", ErrorKind::AccountState),
    ("user is not enabled", ErrorKind::AccountState),
];

/// The same for `InvalidParameterException`.
const INVALID_PARAMETER: [(&str, ErrorKind); 2] =
    [("delivery config", ErrorKind::NotEnrolled), ("not set up", ErrorKind::NotEnrolled)];

/// Exceptions whose own names say more than any class: those of the pool's Lambda functions, of a pool without a second
/// factor, and of challenges that oathbridge does not answer.
const REJECTIONS: [&str; 8] = [
    "InvalidLambdaResponseException",
    "UnexpectedLambdaException",
    "UserLambdaValidationException",
    "MFAMethodNotFoundException",
    "FeatureUnavailableInTierException",
    "AliasExistsException",
    "InvalidPasswordException",
    "PasswordHistoryPolicyViolationException",
];

/// Classifies `error`, given the progress of its request.
pub(super) fn classify<E, R>(error: &SdkError<E, R>, exchange: &Exchange) -> Error
where
    E: ProvideErrorMetadata,
{
    let head = match exchange.progress() {
        _ if !exchange.has_begun() => return before_the_request(error),
        Some(Progress::NotConnected(cause)) => {
            tracing::warn!("No connection to Cognito, because {cause}; {}", cause.advice());
            return Error::not_connected(*cause);
        }
        Some(Progress::Answered(head)) => head,
        None => return unknown(ErrorKind::OutcomeUnknown),
    };
    let (kind, code) = match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => (ErrorKind::OutcomeUnknown, None),
        SdkError::ServiceError(service) => {
            let code = service.err().code().filter(|code| is_code(code));
            let kind = code.map(|code| kind(code, service.err().message().unwrap_or_default()));
            (kind.unwrap_or(ErrorKind::ServiceUnavailable), code)
        }
        _ => (ErrorKind::ServiceUnavailable, None),
    };
    // A server that failed may have accepted the code before, whatever its body says.
    let kind = if head.status >= 500 { ErrorKind::ServiceUnavailable } else { kind };
    Error { aws_code: code.map(str::to_owned), retry_after: head.retry_after, ..answered(kind) }
}

/// The reason why a request did not reach the connector: a timeout, or the SDK found no endpoint.
fn before_the_request<E, R>(error: &SdkError<E, R>) -> Error {
    match error {
        SdkError::TimeoutError(_) => Error::not_connected(Cause::Timeout),
        _ => Error::unsent(ErrorKind::Config),
    }
}

/// An error of a request whose outcome is unknown.
pub(super) fn unknown(kind: ErrorKind) -> Error {
    Error { kind, delivered: Delivered::Unknown, aws_code: None, retry_after: None, cause: None }
}

/// An error in Cognito's response.
pub(super) fn answered(kind: ErrorKind) -> Error {
    let delivered = match kind {
        ErrorKind::ServiceUnavailable | ErrorKind::OutcomeUnknown => Delivered::Unknown,
        _ => Delivered::Yes,
    };
    Error { kind, delivered, aws_code: None, retry_after: None, cause: None }
}

/// Whether a text has the form of an exception's name. Other text from a server is dropped.
fn is_code(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn kind(code: &str, message: &str) -> ErrorKind {
    match code {
        // The names for a wrong code of VerifySoftwareToken and RespondToAuthChallenge.
        "EnableSoftwareTokenMFAException" | "CodeMismatchException" => ErrorKind::CodeMismatch,
        // Not in the model of VerifySoftwareToken, but AWS sends it for a code that was used before.
        "ExpiredCodeException" => ErrorKind::CodeAlreadyUsed,
        "NotAuthorizedException" => known(&NOT_AUTHORIZED, message).unwrap_or(ErrorKind::NotAuthorized),
        "InvalidParameterException" => {
            known(&INVALID_PARAMETER, message).unwrap_or(ErrorKind::InvalidParameter)
        }
        "TooManyRequestsException" | "LimitExceededException" | "ThrottlingException" | "Throttling" => {
            ErrorKind::Throttled
        }
        "InternalErrorException" => ErrorKind::ServiceUnavailable,
        "SoftwareTokenMFANotFoundException" => ErrorKind::TotpNotEnabled,
        "PasswordResetRequiredException" | "UserNotConfirmedException" | "UserNotFoundException" => {
            ErrorKind::AccountState
        }
        "ResourceNotFoundException"
        | "InvalidUserPoolConfigurationException"
        | "OperationNotEnabledException"
        // Only an administrator of the pool can allow Cognito to send messages.
        | "InvalidEmailRoleAccessPolicyException"
        | "InvalidSmsRoleAccessPolicyException"
        | "InvalidSmsRoleTrustRelationshipException" => ErrorKind::PoolError,
        "ForbiddenException" => ErrorKind::Blocked,
        code => {
            if !REJECTIONS.contains(&code) {
                tracing::warn!(code, "unknown exception of Cognito; please report it");
            }
            ErrorKind::Rejected
        }
    }
}

fn known(texts: &[(&str, ErrorKind)], message: &str) -> Option<ErrorKind> {
    let message = message.to_ascii_lowercase();
    texts.iter().find(|(text, _)| message.contains(text)).map(|(_, kind)| *kind)
}
