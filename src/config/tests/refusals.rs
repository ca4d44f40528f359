//! The sentences of errors.

use super::{parse, refusal};
use crate::config::profile::PROFILE_KEYS;
use crate::config::{Problem, Profile};

#[test]
fn an_error_is_one_sentence_with_the_line_and_the_nearest_name() {
    let cases = [
        (
            "\n[profiles.work]\nregoin = 'us-east-1'",
            r#"config.toml line 3: unknown key "regoin" in [profiles.work] (did you mean "region"?)"#,
        ),
        (
            "[cognito]\nConnect-Timeout = 3",
            r#"config.toml line 2: unknown key "Connect-Timeout" in [cognito] (did you mean "connect_timeout"?)"#,
        ),
        ("[cognito]\ncolour = 3", r#"config.toml line 2: unknown key "colour" in [cognito]"#),
        ("[pcsc]\n[pscs]", "config.toml line 2: unknown section [pscs] (did you mean [pcsc]?)"),
        ("[[cogntio]]", r#"config.toml line 1: the key "cogntio" is outside of a section"#),
        ("enabled = true", r#"config.toml line 1: the key "enabled" is outside of a section"#),
        ("pcsc = 3", "config.toml line 1: [pcsc] must be a section with its own keys"),
        (
            "[profiles]\nregion = 'x'",
            r#"config.toml line 2: "region" is in [profiles], which needs a name; write [profiles.work], for example"#,
        ),
        ("[profiles]\nwork = 3", "config.toml line 2: [profiles.work] must be a section with its own keys"),
        (
            "[cognito]\n\nmax_attempts = 3",
            r#"config.toml line 3: "max_attempts" in [cognito] must be 1 or 2"#,
        ),
        (
            "[profiles.work]\nclient_id = 'x'",
            r#"config.toml line 1: [profiles.work] needs "region" (or a "user_pool_id" that starts with one)"#,
        ),
        (
            "[profiles.'my work']\nregion = 'us-east-1'",
            "config.toml line 1: the profile name \"my work\" is part of a D-Bus path \
             and must have 1 to 64 letters A-Z, a-z, digits and _ only",
        ),
        (
            "[profiles.w]\nregion = 'us-east-1'\nclient_secret_credential = 'w'",
            r#"config.toml line 1: [profiles.w] needs "client_id", the app client whose secret "client_secret_credential" is"#,
        ),
        (
            "[cognito]\nfips = true\n[profiles.w]\nregion = 'us-east-1'\nendpoint_url = 'https://x.example'",
            r#"config.toml line 3: "endpoint_url" in [profiles.w] excludes "fips" in [cognito]"#,
        ),
        (
            "[cognito]\nrequest_timeout = 3",
            r#"config.toml line 1: "connect_timeout" in [cognito] must be shorter than "request_timeout""#,
        ),
    ];
    for (text, sentence) in cases {
        assert_eq!(refusal(text), sentence);
    }
    let syntax = parse("[pcsc]\nenabled = tru").unwrap_err();
    assert_eq!(syntax.line(), Some(2));
    assert!(matches!(syntax.problem(), Problem::Syntax(_)));
    assert_eq!(parse("[pcsc]\nenabled = true\nenabled = true").unwrap_err().line(), Some(3));
}

#[test]
fn names_from_the_file_are_shortened_to_one_line() {
    let sentence = refusal(&format!("[pcsc]\n\"a\\n\\u001b{}\" = 1", "b".repeat(500)));
    assert_eq!(
        sentence,
        format!(r#"config.toml line 2: unknown key "a\n\u{{1b}}{}" in [pcsc]"#, "b".repeat(37))
    );
}

#[test]
fn wrong_rules_and_limits_are_refused_with_their_lines() {
    for (text, complaint) in [
        (
            "[access]\nprograms = 'ask'",
            "config.toml line 2: \"programs\" can't be \"ask\" yet, which is planned; use \"allow\" or \"deny\"",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\nsubmit = 'ask'",
            "config.toml line 3: \"submit\" can't be \"ask\" yet, which is planned; use \"allow\" or \"deny\"",
        ),
        (
            "[access]\nsandboxed = true",
            "config.toml line 2: \"sandboxed\" in [access] must be \"allow\" or \"deny\"",
        ),
        (
            "[access]\nrule = 'x'",
            "config.toml line 2: [[access.rule]] must be written with double brackets, once for each",
        ),
        (
            "[[access.rule]]\nsubmit = 'deny'",
            "config.toml line 1: [[access.rule]] needs \"caller\": \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'",
            "config.toml line 1: [[access.rule]] decides nothing; give it \"read_code\", \"submit\" or \"manage\"",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\nprofile = 'work'\nsubmit = 'deny'",
            "config.toml line 1: [[access.rule]] is for a profile that no file has; correct \"profile\" or add the profile",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\nprofile = 'w'\nread_code = 'deny'\n[profiles.w]\nregion = 'us-east-1'",
            "config.toml line 1: [[access.rule]] with \"profile\" excludes \"read_code\", which is never about one; use a rule of its own",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\ncredential = 'a'\nmanage = 'deny'",
            "config.toml line 1: [[access.rule]] with \"credential\" excludes \"manage\", which is never about one; use a rule of its own",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\ncredential = '/a'\nread_code = 'deny'",
            "config.toml line 3: \"credential\" in [access.rule] must be the id of a credential: letters, digits and _; * matches any characters",
        ),
        (
            "[[access.rule]]\ncaller = 'host'\nsubmit = 'deny'",
            "config.toml line 2: \"caller\" in [access.rule] must be \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"",
        ),
        (
            "[[access.rule]]\ncaller = 'executable:curl'\nsubmit = 'deny'",
            "config.toml line 2: \"caller\" in [access.rule] must be \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\nsumbit = 'deny'",
            "config.toml line 3: unknown key \"sumbit\" in [access.rule] (did you mean \"submit\"?)",
        ),
        ("[limits]\ncalls = 0", "config.toml line 2: \"calls\" in [limits] must be a number from 1 to 1024"),
        (
            "[limits]\ncalls = 4",
            "config.toml line 1: \"calls_per_client\" in [limits] must not be larger than \"calls\"",
        ),
        (
            "[limits]\nmessage_kib = 2000",
            "config.toml line 2: \"message_kib\" in [limits] must be a number from 16 to 1024",
        ),
        (
            "[notifications]\nenabled = 'no'",
            "config.toml line 2: \"enabled\" in [notifications] must be true or false",
        ),
        (
            "[notifications]\ntouch = 'no'",
            "config.toml line 2: \"touch\" in [notifications] must be true or false",
        ),
    ] {
        assert_eq!(refusal(text), complaint, "{text}");
    }
}

/// The message of serde names all keys of the type.
#[test]
fn the_known_keys_of_a_profile_are_those_of_its_type() {
    let message = toml::from_str::<Profile>("nonsense = 1").unwrap_err().message().to_owned();
    let (_, known) = message.split_once("expected one of ").unwrap();
    assert_eq!(known.split('`').skip(1).step_by(2).collect::<Vec<_>>(), PROFILE_KEYS);
}
