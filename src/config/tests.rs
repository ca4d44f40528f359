//! Tests of the whole file: the installed file, and errors.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use toml::de::DeTable;

use super::*;
use crate::{certificates, regular_file};

const SHIPPED: &str = include_str!("../../config/oathbridge.toml");

fn parse(text: &str) -> Result<Config, Error> {
    Config::parse(text, Path::new("config.toml"))
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// A commented-out key starts with `#` without a space; explanations have a space, and the example profile `## `.
fn uncommented(example_too: bool) -> String {
    let line = |line: &str| match (line.strip_prefix("## "), line.strip_prefix('#')) {
        (Some(example), _) if example_too => example.to_owned(),
        (None, Some(key)) if !key.starts_with(' ') => key.to_owned(),
        _ => line.to_owned(),
    };
    SHIPPED.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_file_has_every_key_with_its_default() {
    assert_eq!(parse(SHIPPED).unwrap(), Config::default());
    let text = uncommented(false);
    assert_eq!(parse(&text).unwrap(), Config::default());
    let root = DeTable::parse(&text).unwrap();
    for (name, keys) in [
        ("pcsc", keys_of::<Pcsc>()),
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

/// The keys of a section that serde knows, in order; a rule has no default.
fn keys_of<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("no_such_key = 1").err().unwrap();
    let (_, known) = error.message().rsplit_once("`, expected").unwrap();
    known.split('`').skip(1).step_by(2).filter(|key| *key != "rule").map(str::to_owned).collect()
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
        read_code: None,
        submit: Some(true),
        manage: None,
    };
    assert_eq!(config.access.rules, [rule]);
    let without_examples = Config { profiles: BTreeMap::new(), access: Access::default(), ..config };
    assert_eq!(without_examples, Config::default());
}

#[test]
fn every_key_of_a_section_is_read() {
    let config = parse(
        "[pcsc]\nenabled = false\nignore_readers = ['ACR', 'Gemalto']\n\
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
    };
    assert_eq!(config.cognito, expected);
    assert!(!config.pcsc.enabled);
    assert!(config.pcsc.ignores("ACS ACR122U 00 00") && !config.pcsc.ignores("Yubico YubiKey CCID 00 00"));
}

#[test]
fn an_error_is_one_sentence_with_the_line_and_the_nearest_name() {
    let cases = [
        (
            "\n[profiles.work]\nregoin = 'us-east-1'",
            r#"config.toml line 3: unknown key "regoin" in [profiles.work]; did you mean "region"?"#,
        ),
        (
            "[cognito]\nConnect-Timeout = 3",
            r#"config.toml line 2: unknown key "Connect-Timeout" in [cognito]; did you mean "connect_timeout"?"#,
        ),
        ("[cognito]\ncolour = 3", r#"config.toml line 2: unknown key "colour" in [cognito]"#),
        ("[pcsc]\n[pscs]", "config.toml line 2: unknown section [pscs]; did you mean [pcsc]?"),
        ("[[cogntio]]", r#"config.toml line 1: the key "cogntio" is outside of a section"#),
        ("enabled = true", r#"config.toml line 1: the key "enabled" is outside of a section"#),
        ("pcsc = 3", "config.toml line 1: [pcsc] must be a section with its own keys"),
        (
            "[profiles]\nregion = 'x'",
            "config.toml line 2: [profiles.region] must be a section with its own keys",
        ),
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
fn values_outside_their_range_are_refused_and_not_printed() {
    let cases = [
        ("pcsc", "enabled", vec!["1", "'true'", "[]"]),
        ("pcsc", "ignore_readers", vec!["'ACR'", "['']", "[1]"]),
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

fn write(path: &Path, text: &str, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_first_file_that_exists_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let places = ["user/config.toml", "system/config.toml"].map(|name| directory.path().join(name));
    let load = |explicit: Option<&Path>| Config::load_first(explicit, &places);
    assert_eq!(load(None).unwrap(), Loaded { config: Config::default(), source: None });
    write(&places[1], "[pcsc]\nenabled = false", 0o644);
    assert_eq!(load(None).unwrap().source.as_ref(), Some(&places[1]));
    assert!(!load(None).unwrap().config.pcsc.enabled);
    write(&places[0], "", 0o600);
    assert_eq!(load(None).unwrap(), Loaded { config: Config::default(), source: Some(places[0].clone()) });
    let explicit = directory.path().join("other.toml");
    let missing = load(Some(&explicit)).unwrap_err();
    assert!(missing.is_not_found() && missing.line().is_none(), "{missing}");
    write(&explicit, "[profiles.w]\nregion = 'us-east-1'", 0o600);
    let loaded = load(Some(&explicit)).unwrap();
    assert_eq!(loaded.config.profiles["w"].source, format!("{}:1", explicit.display()));
}

#[test]
fn a_broken_file_is_an_error_and_not_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let places = ["a.toml", "b.toml"].map(|name| directory.path().join(name));
    write(&places[1], "", 0o600);
    let problem = |text: &[u8], mode| {
        fs::write(&places[0], text).unwrap();
        fs::set_permissions(&places[0], fs::Permissions::from_mode(mode)).unwrap();
        Config::load_first(None, &places).unwrap_err().problem().clone()
    };
    assert_eq!(problem(b"", 0o620), Problem::WritableByOthers);
    assert_eq!(problem(b"", 0o602), Problem::WritableByOthers);
    assert_eq!(problem(b"\xff", 0o600), Problem::File(regular_file::Error::NotText));
    let limit = 1 << 20;
    let large = Problem::File(regular_file::Error::TooLarge { limit });
    assert_eq!(problem(&vec![b'\n'; (1 << 20) + 1], 0o600), large);
    assert!(matches!(problem(b"x", 0o600), Problem::Syntax(_)));
    let not_regular = Problem::File(regular_file::Error::NotRegular);
    fs::remove_file(&places[0]).unwrap();
    fs::create_dir(&places[0]).unwrap();
    assert_eq!(Config::load_first(None, &places).unwrap_err().problem(), &not_regular);
    fs::remove_dir(&places[0]).unwrap();
    mknodat(CWD, &places[0], FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(Config::load_first(None, &places).unwrap_err().problem(), &not_regular);
}

#[test]
fn certificate_authorities_are_read_with_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let (file, ca_file) = (directory.path().join("config.toml"), directory.path().join("ca.pem"));
    write(&file, &format!("[cognito]\n\nca_file = '{}'", ca_file.display()), 0o600);
    let refusal = || {
        let error = Config::load(Some(&file)).unwrap_err();
        assert_eq!(error.line(), Some(3), "{error}");
        error.problem().clone()
    };
    let unreadable = regular_file::Error::Unreadable(std::io::ErrorKind::NotFound);
    assert_eq!(refusal(), Problem::CaFile(unreadable.into()));
    mknodat(CWD, &ca_file, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(refusal(), Problem::CaFile(regular_file::Error::NotRegular.into()));
    fs::remove_file(&ca_file).unwrap();
    write(&ca_file, "nothing", 0o600);
    assert_eq!(refusal(), Problem::CaFile(certificates::Error::Empty));
    let pem = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap().cert.pem();
    write(&ca_file, &pem, 0o600);
    let loaded = Config::load(Some(&file)).unwrap();
    // A later change of the file does not affect the loaded configuration.
    fs::remove_file(&ca_file).unwrap();
    assert_eq!(loaded.config.cognito.ca_certificates.unwrap().pem(), pem.as_bytes());
}

#[test]
fn a_foreign_owner_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    write(&path, "", 0o600);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        // Only root can change the owner of a file, so only root can run this test.
        assert!(!rustix::process::geteuid().is_root());
        return;
    }
    assert_eq!(file::read(&path).unwrap_err().problem(), &Problem::ForeignOwner);
}

/// A deterministic generator of random numbers (Marsaglia, xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn no_file_makes_the_parser_panic_or_print_several_lines() {
    const PIECES: &[&str] = &[
        "[", "]", "[[", "\"", "'''", "=", ".", "{", "}", "\n", "\\u0000", "é", "-9", "1e999", "0x", ",",
        "profiles",
    ];
    let whole = uncommented(true);
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut refused) = (0_u32, 0_u32);
    for _ in 0..20_000 {
        let mut bytes = whole.clone().into_bytes();
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(bytes.len());
            match numbers.below(4) {
                0 => bytes[at] = u8::try_from(numbers.below(256)).unwrap(),
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.drain(at..(at + numbers.below(40)).min(bytes.len()))),
                _ => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].bytes()).count()),
            }
            bytes.push(b'\n');
        }
        match parse(&String::from_utf8_lossy(&bytes)) {
            Ok(_) => accepted += 1,
            Err(error) => {
                refused += 1;
                let sentence = error.to_string();
                assert!(!sentence.contains(char::is_control) && sentence.len() < 300, "{sentence:?}");
                assert!(error.line().is_some());
            }
        }
    }
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&format!("pcsc = {}", "[".repeat(100_000))).is_err());
    assert!(parse(&format!("{}pcsc = 1", "a.".repeat(100_000))).is_err());
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
            "[[access.rule]]\ncaller = 'host'\nsubmit = 'deny'",
            "config.toml line 2: \"caller\" in [access.rule] must be \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"",
        ),
        (
            "[[access.rule]]\ncaller = 'executable:curl'\nsubmit = 'deny'",
            "config.toml line 2: \"caller\" in [access.rule] must be \"flatpak:ID\", \"unit:NAME\", \"executable:/PATH\" or \"unknown\"",
        ),
        (
            "[[access.rule]]\ncaller = 'unknown'\nsumbit = 'deny'",
            "config.toml line 3: unknown key \"sumbit\" in [access.rule]; did you mean \"submit\"?",
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
