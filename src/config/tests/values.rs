//! Values that are accepted or refused.

use super::{parse, refusal};
use crate::config::{Access, CallerPattern};

#[test]
fn values_outside_their_range_are_refused_and_not_printed() {
    let cases = [
        ("pcsc", "enabled", vec!["1", "'true'", "[]"]),
        ("pcsc", "ignore_readers", vec!["'ACR'", "['']", "[1]"]),
        ("hid", "enabled", vec!["1", "'yes'"]),
        ("hid", "fido", vec!["0", "'no'"]),
        (
            "cognito",
            "connect_timeout",
            vec!["0", "61", "-1", "nan", "inf", "1e300", "'3'", "99999999999999999999"],
        ),
        ("cognito", "min_seconds_left", vec!["-0.5", "20.1", "true"]),
        ("cognito", "max_attempts", vec!["0", "3", "1.0", "4294967297"]),
        (
            "cognito",
            "proxy",
            vec!["'proxy:3128'", "'socks5://p'", "'http://me:hunter2@p'", "'http://p/x'", "'http://p:0'"],
        ),
        ("cognito", "ca_file", vec!["'ca.pem'", "'~/ca.pem'"]),
        ("profiles.p", "region", vec!["''", "'us'", "'us-east'", "'US-EAST-1'", "'us-east-1/'", "'a.b-c-1'"]),
        (
            "profiles.p",
            "user_pool_id",
            vec!["'us-east-1'", "'us-east-1_'", "'_abc'", "'us-east-1_a-b'", "'a b_c'"],
        ),
        ("profiles.p", "client_id", vec!["''", "'a-b'", "'a b'"]),
        (
            "profiles.p",
            "client_secret_credential",
            vec!["''", "'.'", "'..'", "'...'", "'a/b'", "'/a'", "'../a'", "'a:b'", "'a b'", "'\u{e4}'", "1"],
        ),
        (
            "profiles.p",
            "endpoint_url",
            vec![
                "'http://192.0.2.1'",
                "'http://localhost:9229'",
                "'http://127.0.0.1.example.com'",
                "'https://me:hunter2@x.example'",
                "'https://x.example/?a=b'",
                "'https://x.example/#a'",
                "'https://x.example:99999'",
                "'https://x.example:'",
                "'ftp://x.example'",
                "'//x.example'",
                "'https:'",
                "'x'",
            ],
        ),
        ("profiles.p", "issuer", vec!["''", "\"a\\nb\"", "1"]),
        ("profiles.p", "token", vec!["'a/b'", "'a-b'", "''"]),
    ];
    for (section, key, values) in cases {
        for value in values {
            let sentence = refusal(&format!("[{section}]\n{key} = {value}"));
            let start = format!("config.toml line 2: \"{key}\" in [{section}] must be ");
            assert!(sentence.starts_with(&start), "{value}: {sentence}");
            assert!(!sentence.contains("hunter2"));
        }
    }
}

#[test]
fn a_slot_has_what_it_needs_and_is_named_once() {
    let slot = |key: &str, value: &str| {
        let values = [("serial", "7"), ("slot", "2"), ("account", "'a'")];
        let others = values.iter().filter(|(name, _)| *name != key);
        let lines: String = others.map(|(name, value)| format!("{name} = {value}\n")).collect();
        format!("[[hid.otp_slot]]\n{key} = {value}\n{lines}")
    };
    for (key, values) in [
        ("serial", vec!["'7'", "-1", "4294967296", "true"]),
        ("slot", vec!["0", "3", "'2'"]),
        ("account", vec!["''", "1", "\"a\\nb\""]),
        ("issuer", vec!["1", "\"a\\nb\""]),
        ("digits", vec!["5", "9", "'6'"]),
        ("period", vec!["0", "3601", "30.0"]),
    ] {
        for value in values {
            let sentence = refusal(&slot(key, value));
            let start = format!("config.toml line 2: \"{key}\" in [hid.otp_slot] must be ");
            assert!(sentence.starts_with(&start), "{key} = {value}: {sentence}");
        }
    }
    let whole = slot("digits", "8");
    assert_eq!(parse(&whole).unwrap().hid.otp_slots[0].period, 30);
    assert!(parse(&format!("{whole}{}", slot("slot", "1"))).is_ok(), "both slots of a key");
    for key in ["serial", "slot", "account"] {
        let without: String =
            whole.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        let expected = format!(
            "config.toml line 1: [[hid.otp_slot]] needs \"{key}\"; a slot has \"serial\", \"slot\" and \"account\""
        );
        assert_eq!(refusal(&without), expected);
    }
    assert_eq!(
        refusal(&format!("{whole}{whole}")),
        "config.toml line 6: [[hid.otp_slot]] names a slot of this key again; give each slot one section"
    );
}

#[test]
fn valid_endpoints_and_regions_are_accepted() {
    for endpoint in
        ["https://x.example", "https://x.example:8443/pool", "http://127.0.0.1:9229", "http://[::1]:1/"]
    {
        let text = format!("[profiles.p]\nregion = 'us-east-1'\nendpoint_url = '{endpoint}'");
        assert_eq!(parse(&text).unwrap().profiles["p"].endpoint_url.as_deref(), Some(endpoint));
    }
    for region in ["us-gov-west-1", "ap-southeast-4", "eusc-de-east-1", "us-isob-east-1", "cn-north-1"] {
        let from_pool = parse(&format!("[profiles.p]\nuser_pool_id = '{region}_AbC123'")).unwrap();
        assert_eq!(from_pool.profiles["p"].region, region);
    }
    let emulator = parse("[profiles.p]\nregion = 'us-east-1'\nuser_pool_id = 'local_5xYz'").unwrap();
    assert_eq!(emulator.profiles["p"].region, "us-east-1");
    assert!(parse("[profiles.p]\nuser_pool_id = 'local_5xYz'").is_err());
}

#[test]
fn rules_have_a_caller_and_a_decision() {
    let text = "[[access.rule]]\ncaller = 'unit:app-*-org.example.App-*.scope'\nread_code = 'deny'\n\
                [[access.rule]]\ncaller = 'unknown'\nmanage = 'allow'\nsubmit = 'deny'\n";
    let rules = parse(text).unwrap().access.rules;
    let CallerPattern::Unit(pattern) = &rules[0].caller else { panic!("{rules:?}") };
    assert!(pattern.matches("app-gnome-org.example.App-4242.scope"));
    assert!(!pattern.matches("app-gnome-org.example.App-4242.scope.evil"));
    assert_eq!((rules[0].read_code, rules[0].submit), (Some(false), None));
    assert_eq!((rules[1].manage, rules[1].submit), (Some(true), Some(false)));
    assert_eq!(parse("access.rule = []").unwrap().access, Access::default());
}
