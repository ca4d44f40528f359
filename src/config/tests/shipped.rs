//! The installed file, and a file with every key.

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::DeTable;

use super::{SHIPPED, parse, uncommented};
use crate::config::{
    Access, AccessRule, Allowed, CallerPattern, Cognito, Config, Hid, Limits, Notifications, OtpSlot,
    Pattern, Pcsc, Profile,
};

#[test]
fn the_shipped_file_has_every_key_with_its_default() {
    assert_eq!(parse(SHIPPED).unwrap(), Config::default());
    let text = uncommented(false);
    assert_eq!(parse(&text).unwrap(), Config::default());
    let root = DeTable::parse(&text).unwrap();
    for (name, keys) in [
        ("pcsc", keys_of::<Pcsc>()),
        ("hid", keys_of::<Hid>()),
        ("access", keys_of::<Access>()),
        ("limits", keys_of::<Limits>()),
        ("notifications", keys_of::<Notifications>()),
        ("cognito", keys_of::<Cognito>()),
    ] {
        let section = root.get_ref().get(name).unwrap().get_ref().as_table().unwrap();
        let mut shown: Vec<_> = section.keys().map(|key| (key.span().start, key.get_ref())).collect();
        shown.sort_unstable();
        assert_eq!(shown.iter().map(|(_, key)| key.to_string()).collect::<Vec<_>>(), keys, "[{name}]");
    }
}

/// The keys of a section that serde knows, in order; a rule and a slot have no default.
fn keys_of<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no_such_key = 1").err().unwrap();
    let (_, known) = error.message().rsplit_once("`, expected").unwrap();
    known
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|key| !["rule", "otp_slot"].contains(key))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_shipped_example_is_a_profile_with_every_key() {
    let text = uncommented(true);
    let config = parse(&text).unwrap();
    let line = text.lines().position(|line| line == "[profiles.work]").unwrap() + 1;
    let expected = Profile {
        region: "eu-central-1".into(),
        user_pool_id: Some("eu-central-1_AbCdEfGhI".into()),
        client_id: Some("1h57kf5cpq17m0eml12EXAMPLE".into()),
        client_secret_credential: Some("work-client-secret".into()),
        endpoint_url: Some("http://127.0.0.1:9229".into()),
        issuer: Some("Example".into()),
        account: Some("me@example.com".into()),
        token: Some("ykoath_0011223344556677".into()),
        source: format!("config.toml:{line}"),
    };
    assert_eq!(config.profiles.get("work"), Some(&expected));
    let rule = AccessRule {
        caller: CallerPattern::Flatpak(Pattern::new("com.example.App")),
        credential: Some(Pattern::new("ykoath_0011223344556677_*")),
        profile: Some("work".into()),
        read_code: None,
        submit: Some(true),
        manage: None,
    };
    assert_eq!(config.access.rules, [rule]);
    let slot = OtpSlot {
        serial: 12_345_678,
        slot: 2,
        issuer: "Example".into(),
        account: "me@example.com".into(),
        digits: 6,
        period: 30,
    };
    assert_eq!(config.hid.otp_slots, [slot]);
    let (profiles, access, hid) = (BTreeMap::new(), Access::default(), Hid::default());
    let without_examples = Config { profiles, access, hid, ..config };
    assert_eq!(without_examples, Config::default());
}

#[test]
fn every_key_of_a_section_is_read() {
    let config = parse(
        "[pcsc]\nenabled = false\nignore_readers = ['ACR', 'Gemalto']\n\
         [hid]\nenabled = false\nfido = false\n[[hid.otp_slot]]\nserial = 7\nslot = 1\naccount = 'a'\ndigits = 8\nperiod = 60\n\
         [cognito]\nconnect_timeout = 0.5\nrequest_timeout = 20\nmax_attempts = 1\nmin_seconds_left = 1.25\n\
         early_next_step = true\nfips = true\ndual_stack = true\nproxy = 'http://[::1]:3128'\nca_file = '/ca.pem'\n\
         [notifications]\nenabled = false\nunlock = false",
    );
    let config = config.unwrap();
    let told = Notifications { enabled: false, touch: true, unlock: false, insert: true };
    assert_eq!(config.notifications, told);
    let expected = Cognito {
        connect_timeout: Duration::from_millis(500),
        request_timeout: Duration::from_secs(20),
        max_attempts: 1,
        min_seconds_left: Duration::from_millis(1_250),
        early_next_step: true,
        fips: true,
        dual_stack: true,
        proxy: Some("http://[::1]:3128".into()),
        ca_file: Some("/ca.pem".into()),
        ca_certificates: None,
        allowed: Allowed::default(),
    };
    assert_eq!(config.cognito, expected);
    assert!(!config.hid.enabled && !config.hid.fido);
    let (issuer, account) = (String::new(), "a".into());
    assert_eq!(
        config.hid.otp_slots,
        [OtpSlot { serial: 7, slot: 1, issuer, account, digits: 8, period: 60 }]
    );
    assert!(!config.pcsc.enabled);
    assert!(config.pcsc.ignores("ACS ACR122U 00 00") && !config.pcsc.ignores("Yubico YubiKey CCID 00 00"));
}
