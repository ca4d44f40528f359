//! Words that `oathbridgectl` never shows, because they are for programs on the bus, or of the system.

/// Names of the D-Bus API and words about its calls. `VerifySoftwareToken` is also a name of Amazon Cognito.
const FOREIGN: [&str; 26] = [
    "object",
    "the path",
    "Unix time",
    "(os error",
    "GetResult",
    "the option ",
    "the options ",
    "the result of",
    "call again",
    "this call",
    "the call",
    "leaves the bus",
    "file descriptor",
    "dictionary",
    "D-Bus",
    "FindCredentials",
    "RespondToMfaChallenge",
    "Calculate",
    "waiting-",
    "Malformed",
    "StateReason",
    "aws-code",
    "request-id",
    "retry-at",
    "org.freedesktop",
    "io.github.oathbridge",
];

/// The first of these words in a text.
pub fn word_in(text: &str) -> Option<&'static str> {
    FOREIGN.into_iter().find(|word| text.contains(word))
}
