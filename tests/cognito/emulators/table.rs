//! The result of each scenario with each emulator.

use super::server::Emulator;

/// The expected result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The same as with AWS.
    Works,
    /// This result instead.
    Cant(&'static str),
}

use Expected::{Cant, Works};

/// Scenario, cognito-local 5.3.0, moto 5.2.5.
pub(crate) const TABLE: &[(&str, Expected, Expected)] = &[
    ("verify_access_token", Works, Works),
    ("verify_session", Cant("Cognito.InvalidParameter (InvalidParameterException)"), Works),
    ("verify_other_seed", Cant(MISMATCH), Cant(MISMATCH)),
    ("verify_forged_token", Cant("SUCCESS"), Works),
    ("verify_device_name", Works, Cant("no name")),
    ("sign_in", Works, Works),
    ("sign_in_select", Works, Cant("SOFTWARE_TOKEN_MFA, then Cognito.OutcomeUnknown")),
    ("sign_in_other_seed", Works, Works),
    ("sign_in_second_try", Works, Works),
    ("sign_in_step_before", Works, Cant("CodeMismatchException")),
    ("sign_in_same_step", Works, Works),
    ("sign_in_used_code", Cant("tokens"), Cant("tokens")),
    ("sign_in_used_session", Cant("tokens"), Cant("Cognito.PoolError (ResourceNotFoundException)")),
    ("sign_in_client_secret", Works, Cant("InvalidArgs")),
    ("sign_in_secret_hash", Works, Works),
    ("sign_in_wrong_secret", Cant("tokens"), Works),
];

/// AWS has another exception, which has the same name on D-Bus.
const MISMATCH: &str = "Cognito.CodeMismatch (CodeMismatchException)";

pub(crate) fn expected(emulator: Emulator, scenario: &str) -> Option<Expected> {
    let (_, cognito_local, moto) = TABLE.iter().find(|(name, _, _)| *name == scenario)?;
    Some(match emulator {
        Emulator::CognitoLocal => *cognito_local,
        Emulator::Moto => *moto,
    })
}
