use super::*;
use crate::otp::{Algorithm, Period};

fn error(text: &str) -> SpecError {
    parse(text).unwrap_err()
}

#[test]
fn the_demo_has_a_credential_of_every_kind() {
    let tokens = TokenSpec::demo();
    let [token, nitrokey] = &tokens[..] else { panic!("two tokens") };
    assert_eq!(token.serial, 12_345_678);
    let alice = &token.credentials[0];
    assert_eq!(alice.id(), "AWS Cognito:alice@example.com");
    assert_eq!((alice.algorithm, alice.seed.expose().len()), (Algorithm::Sha1, 32));
    assert!(token.credentials.iter().any(|credential| credential.touch));
    assert!(token.credentials.iter().any(|credential| credential.kind == Kind::Hotp(0)));
    assert!(token.credentials.iter().any(|credential| credential.digits.get() == 8));
    assert!(token.credentials.iter().any(|credential| credential.id() == "60/Example Bank:erin"));
    assert_eq!((token.otp_slots[0].slot, token.otp_slots[0].seed.expose().len()), (2, 20));
    assert_eq!((nitrokey.model, nitrokey.serial), (Model::Nitrokey3, 0x2030_4050));
    assert_eq!(nitrokey.credentials[0].id(), "Example:grace");
}

#[test]
fn missing_keys_have_defaults() {
    let tokens = parse("[[token]]\nserial = 7\n[[token.credential]]\naccount = 'a'\nseed = 'me'").unwrap();
    let token = &tokens[0];
    assert_eq!(token.firmware.to_string(), "5.4.3");
    assert!(token.password.is_none());
    assert_eq!(
        (token.touch, token.delay, token.report_delay),
        (TouchPolicy::AfterSeconds(Duration::from_secs(2)), Duration::ZERO, Duration::ZERO)
    );
    assert_eq!(token.credentials[0].kind, Kind::Totp(Period::DEFAULT));
}

#[test]
fn several_tokens_and_both_touch_policies_are_parsed() {
    let text =
        "[[token]]\nserial = 1\ntouch = 'never'\n[[token]]\nserial = 2\ntouch = { after-seconds = 0.5 }";
    let policies: Vec<_> = parse(text).unwrap().into_iter().map(|token| token.touch).collect();
    assert_eq!(policies, [TouchPolicy::Never, TouchPolicy::AfterSeconds(Duration::from_millis(500))]);
}

#[test]
fn an_error_has_its_line() {
    let cases = [
        ("[[token]]\nserial = 1\nserail = 2", 3, "unknown field `serail`"),
        ("[[token]]\nserial = 1\nfirmware = '4.3.7'", 3, "the first one 5"),
        ("[[token]]\nserial = 1\ntouch = 'soon'", 3, "unknown variant"),
        ("[[token]]\nserial = 1\ntouch = { after-seconds = -1.0 }", 3, "negative"),
        ("[[token]]\n\nserial = 'x'", 3, "expected u32"),
        ("[[token]]\nserial = ", 2, ""),
        (
            "[[token]]\nserial = 1\n[[token.credential]]\naccount = 'a'\nseed = 'me'\ndigits = 9",
            6,
            "6, 7 or 8",
        ),
        ("[[token]]\nserial = 1\n[[token.credential]]\naccount = 'a'\nseed = '1'", 5, "base32"),
        ("[[token]]\nserial = 1\n[[token.credential]]\naccount = 'a'", 3, "missing field `seed`"),
    ];
    for (text, line, message) in cases {
        let error = error(text);
        assert_eq!(error.line, line, "{text}\n{error}");
        assert!(error.message.contains(message), "{text}\n{error}");
    }
}

#[test]
fn contradictions_are_refused() {
    let credential = "\n[[token.credential]]\naccount = 'a'\nseed = 'me'";
    let token = format!("[[token]]\nserial = 1{credential}");
    for (text, message) in [
        (format!("{token}\ncounter = 1"), "TOTP credential has no counter"),
        (format!("{token}\ntype = 'hotp'\nperiod = 30"), "HOTP credential has no period"),
        (format!("{token}\nperiod = 0"), "1 second or more"),
        (format!("{token}\nissuer = 'a:b'"), "must not contain a colon"),
        (format!("{token}\nissuer = '{}'", "x".repeat(63)), "64 bytes"),
        (format!("{token}{credential}"), "two credentials have the name \"a\""),
        (format!("{token}\n[[token]]\nserial = 1"), "serial number 1"),
        ("[[token]]\nserial = 1\npin = '1'".to_owned(), "a YubiKey has no PIN"),
        (
            format!("[[token]]\nserial = 1\nmodel = 'nitrokey-pro'{credential}\ntouch = true"),
            "a slot of a Nitrokey Pro has SHA1",
        ),
        (
            format!("[[token]]\nserial = 1\nmodel = 'token2-pin-plus'{credential}\nalgorithm = 'SHA512'"),
            "an entry of a Token2 key has SHA1 or SHA256",
        ),
        (
            format!("[[token]]\nserial = 1\nmodel = 'nitrokey-3'{credential}\npin = true"),
            "a PIN cannot protect",
        ),
    ] {
        assert!(error(&text).message.contains(message), "{text}\n{}", error(&text));
    }
    let many: String =
        (0..33).map(|n| format!("\n[[token.credential]]\naccount = '{n}'\nseed = 'me'")).collect();
    assert!(error(&format!("[[token]]\nserial = 1{many}")).message.contains("holds at most 32"));
    assert!(parse(&format!("[[token]]\nserial = 1\nfirmware = '5.7.1'{many}")).is_ok());
}

#[test]
fn errors_and_debug_output_contain_no_secret() {
    for text in [
        "password = 1234",
        "pin = 1234",
        "[[token.credential]]\naccount = 'a'\nseed = 1234",
        "x = 'seed1234",
        "seed1234",
    ] {
        let error = error(&format!("[[token]]\nserial = 1\n{text}"));
        assert!(!format!("{error} {error:?}").contains("1234"), "{error:?}");
    }
    let text =
        "[[token]]\nserial = 1\npassword = 'hunter2'\n[[token.credential]]\naccount = 'a'\nseed = 'GEZDGNBV'";
    let shown = format!("{:?}", parse(text).unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains("GEZDGNBV") && !shown.contains("12345"), "{shown}");
}
