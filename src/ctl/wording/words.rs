//! Words for what the daemon's properties say: requests, their states, and why a token cannot be read. A word that a later
//! daemon adds has a general one here, so that no word for programs is shown.

/// The kinds of requests, each with its word, and the word before the name of a credential.
const REQUESTS: [(&str, &str, &str); 8] = [
    ("Calculate", "code", "of"),
    ("VerifySoftwareToken", "verification", "of"),
    ("RespondToMfaChallenge", "sign-in", "with"),
    ("Unlock", "unlocking", "of"),
    ("SetPassword", "new password", "of"),
    ("AddCredential", "new credential", "on"),
    ("Remove", "removal", "of"),
    ("Rename", "renaming", "of"),
];

/// The word for a request, from `Operation.Kind`.
pub fn request(kind: &str) -> &'static str {
    let known = REQUESTS.iter().find(|(known, ..)| *known == kind);
    known.map_or("request", |(_, word, _)| word)
}

/// The same with the name of its credential, if that is known.
pub fn request_about(kind: &str, name: Option<&str>) -> String {
    let between = REQUESTS.iter().find(|(known, ..)| *known == kind).map_or("of", |(.., between)| between);
    match name {
        Some(name) => format!("{} {between} {name}", request(kind)),
        None => request(kind).to_owned(),
    }
}

/// What a request is doing, from `Operation.State`.
pub fn state(state: &str) -> &'static str {
    match state {
        "queued" => "waits for its turn",
        "waiting-consent" => "waits for a permission",
        "waiting-token" => "waits for the token",
        "waiting-unlock" => "waits for an unlock",
        "waiting-touch" => "waits for a touch",
        "waiting-step" => "waits for the next code",
        "calculating" => "waits for the code",
        "submitting" => "waits for Cognito",
        "done" => "done",
        "failed" => "failed",
        "cancelled" => "cancelled",
        _ => "in progress",
    }
}

/// The sentence about a token that cannot be read, from `Token.StateReason`; one whose `Token.State` is `busy` has the reason
/// `TokenBusy`. A reason of a transport has the sentence of the daemon.
pub fn unread(token: &str, reason: &str) -> String {
    let (cause, step) = match reason {
        "Malformed" => ("it sent an invalid response", "unplug it and plug it in again"),
        "TokenBusy" => {
            ("another program holds it", "close that program, and the token is read within three seconds")
        }
        "TokenLocked" => (
            "it refuses everything until a password is set on it",
            "set one with `ykman oath access change` and run `oathbridgectl list --refresh`",
        ),
        "NfcRestricted" => (
            "it answers nothing over NFC before its first use over USB",
            "plug it in by USB once, and put it on the reader again",
        ),
        "Unsupported" => (
            "it has no list of credentials, or cannot send all of it",
            "delete some credentials with the program of its vendor and plug it in again, or use another token",
        ),
        "NoSuchCredential" => {
            ("the configuration names no slot of it", "add a section [[hid.otp_slot]] to the configuration")
        }
        "PinBlocked" => {
            ("its PIN was wrong too often and is blocked", "use the program of its vendor to unblock it")
        }
        _ => ("its reading failed", "unplug it and plug it in again"),
    };
    format!("The token {token} cannot be used, because {cause}; {step}.")
}

/// The sentence about a security key whose `Token.State` is `no-oath`, by its vendor.
pub fn without_oath(token: &str, vendor: &str) -> String {
    let step = match vendor {
        "Yubico" => {
            "run `ykman config usb --enable OATH` to switch it on (`ykman config nfc` for a contactless reader) and plug the key in again, or use another token"
        }
        _ => "use the program of its vendor to switch it on, or use another token",
    };
    format!("The application for codes (OATH) of the token {token} is switched off or missing; {step}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_with_its_credential() {
        for (kind, name, expected) in [
            ("Calculate", Some("AWS:alice"), "code of AWS:alice"),
            ("RespondToMfaChallenge", Some("AWS:alice"), "sign-in with AWS:alice"),
            ("Unlock", None, "unlocking"),
            ("Frobnicate", Some("AWS:alice"), "request of AWS:alice"),
        ] {
            assert_eq!(request_about(kind, name), expected);
        }
    }

    #[test]
    fn a_word_of_a_later_daemon_is_not_shown() {
        assert_eq!((request("Frobnicate"), state("waiting-frob")), ("request", "in progress"));
        let unread = unread("YubiKey 5 …2222", "FrobnicationFailed");
        assert!(unread.starts_with("The token YubiKey 5 …2222 cannot be used, because its reading failed; "));
    }
}
