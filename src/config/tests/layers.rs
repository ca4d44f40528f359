//! Several files: each key comes from the most important file that has it, and the policy restricts the result.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::Folder;
use crate::config::{Error, Loaded, Problem};

#[test]
fn a_user_s_file_extends_the_system_s_key_by_key() {
    let folder = Folder::new();
    folder.write(
        "system/config.toml",
        "[pcsc]\nenabled = false\n[cognito]\nmax_attempts = 1\nfips = true\n\
         [[access.rule]]\ncaller = 'unknown'\nsubmit = 'deny'\n\
         [profiles.work]\nregion = 'eu-central-1'\naccount = 'alice'\n[profiles.home]\nregion = 'us-east-1'\n",
    );
    assert!(folder.load().config.cognito.fips);
    folder.write(
        "user/config.toml",
        "[cognito]\nmax_attempts = 2\n[profiles.work]\naccount = 'bob'\n\
         [[access.rule]]\ncaller = 'unknown'\nread_code = 'allow'\n",
    );
    let config = folder.load().config;
    assert!(!config.pcsc.enabled && config.cognito.fips && config.cognito.max_attempts == 2);
    let work = &config.profiles["work"];
    assert_eq!((work.region.as_str(), work.account.as_deref()), ("eu-central-1", Some("bob")));
    assert_eq!(work.source, format!("{}:3", folder.path("user/config.toml").display()));
    assert!(config.profiles.contains_key("home"));
    // An array is one key.
    assert_eq!(config.access.rules.len(), 1);
    assert_eq!(config.access.rules[0].submit, None);
}

#[test]
fn an_error_names_the_file_that_the_key_comes_from() {
    let folder = Folder::new();
    folder.write("system/config.toml", "\n[cognito]\nmax_attempts = 9\nrequest_timeout = 2\n");
    folder.write("user/config.toml", "[cognito]\nmax_attempts = 1\n");
    let broken = "system/config.toml line 3: \"max_attempts\" in [cognito] must be 1 or 2";
    assert_eq!(folder.sentences(), [broken], "also if the user's file replaces the key");
    folder.write("system/config.toml", "[cognito]\nrequest_timeout = 2\n[profiles.w]\naccount = 'a'\n");
    folder.write("user/config.toml", "[profiles.w]\nissuer = 'b'\n");
    assert_eq!(
        folder.sentences(),
        [
            "system/config.toml line 1: \"connect_timeout\" in [cognito] must be shorter than \"request_timeout\"",
            "user/config.toml line 1: [profiles.w] needs \"region\" (or a \"user_pool_id\" that starts with one)",
        ]
    );
    folder.write("user/config.toml", "[cognito]\nrequest_timeout = 4\n[profiles.w]\nregion = 'us-east-1'\n");
    folder.load();
}

#[test]
fn every_error_is_found_and_a_list_keeps_its_lines() {
    let folder = Folder::new();
    folder.write(
        "user/config.toml",
        "[pcsc]\nenable = true\nenabled = 1\n[[access.rule]]\ncaller = 'x'\nsubmit = 'deny'\n\
         [[access.rule]]\nsubmit = 'deny'\n[[access.rule]]\ncaller = 'unknown'\nsumbit = 'deny'\n",
    );
    folder.write("system/config.toml", "x = = 1\n");
    folder.write("system/policy.toml", "[limits]\n");
    let lines: Vec<_> = folder.errors().iter().filter_map(Error::line).collect();
    let found = folder.sentences();
    assert_eq!(found.len(), 7, "{found:?}");
    for (line, fault) in
        [(2, "\"enable\""), (3, "\"enabled\""), (5, "\"caller\""), (7, "needs \"caller\""), (11, "sumbit")]
    {
        let is_it = |sentence: &String| {
            sentence.starts_with(&format!("user/config.toml line {line}: ")) && sentence.contains(fault)
        };
        assert!(found.iter().any(is_it), "{line} {fault}: {found:?}");
    }
    assert!(lines.contains(&1));
    assert!(
        found
            .iter()
            .any(|sentence| sentence.starts_with("system/policy.toml line 1: unknown section [limits]"))
    );
}

#[test]
fn a_link_that_leads_nowhere_is_an_error() {
    let folder = Folder::new();
    for name in ["user/config.toml", "system/policy.toml"] {
        symlink(folder.path("nothing"), folder.path(name)).unwrap();
        assert_eq!(folder.errors()[0].problem(), &Problem::Dangling, "{name}");
        fs::remove_file(folder.path(name)).unwrap();
        folder.load();
    }
    fs::remove_dir(folder.path("user")).unwrap();
    folder.load();
    symlink(folder.path("nothing"), folder.path("user")).unwrap();
    assert_eq!(folder.errors()[0].problem(), &Problem::Dangling, "the folder");
}

#[test]
fn a_policy_that_another_user_can_change_is_refused() {
    let folder = Folder::new();
    folder.write("system/policy.toml", "");
    folder.load();
    let chmod = |name: &str, mode| {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for (name, open, closed) in [("system/policy.toml", 0o664, 0o644), ("system", 0o775, 0o755)] {
        chmod(name, open);
        assert_eq!(folder.errors()[0].problem(), &Problem::PolicyNotOfRoot, "{name}");
        chmod(name, closed);
        folder.load();
    }
    let other = rustix::process::geteuid().as_raw() + 1;
    let files = folder.files().with_policy(folder.path("system/policy.toml"), other);
    assert_eq!(files.check().unwrap_err()[0].problem(), &Problem::PolicyNotOfRoot);
}

#[test]
fn a_policy_wins_over_every_file() {
    let folder = Folder::new();
    let pem = rcgen::generate_simple_self_signed(["x.example".to_owned()]).unwrap().cert.pem();
    folder.write("mine.pem", &pem);
    folder.write(
        "user/config.toml",
        &format!(
            "[access]\nwhile_locked = 'allow'\n[cognito]\nproxy = 'http://mine:1'\nca_file = '{}'\n\
             [profiles.w]\nuser_pool_id = 'eu-central-1_A'\nclient_id = 'c'\nendpoint_url = 'https://x.example'\n",
            folder.path("mine.pem").display()
        ),
    );
    let free = folder.load();
    assert!(free.config.access.while_locked && free.config.cognito.ca_certificates.is_some());
    assert!(free.warnings.is_empty());
    folder.write(
        "system/policy.toml",
        "[access]\nwhile_locked = 'deny'\nprograms = 'deny'\nrequire_touch = true\n\
         [cognito]\nproxy = 'http://theirs:1'\nca_file = ''\nallowed_pools = ['eu-central-1_B*']\nallowed_clients = ['d']\n",
    );
    let Loaded { config, warnings } = folder.load();
    assert!(!config.access.while_locked && !config.access.policy.programs && config.access.policy.sandboxed);
    assert!(config.access.policy.require_touch && !free.config.access.policy.require_touch);
    assert_eq!(config.cognito.proxy.as_deref(), Some("http://theirs:1"));
    assert_eq!(config.cognito.ca_certificates, None);
    let sentences: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let named = ["user_pool_id", "client_id", "endpoint_url"];
    assert_eq!(sentences.len(), named.len(), "{sentences:?}");
    assert!(sentences.iter().zip(named).all(|(sentence, key)| sentence.contains(key)), "{sentences:?}");
}

#[test]
fn a_policy_has_no_rules_for_profiles_and_only_known_keys() {
    let folder = Folder::new();
    folder.write("user/config.toml", "[profiles.w]\nregion = 'us-east-1'\n");
    for (text, complaint) in [
        (
            "[[access.rule]]\ncaller = 'unknown'\nprofile = 'w'\nsubmit = 'deny'\n",
            "because users define profiles",
        ),
        ("[cognito]\nallowed_pool = []\n", "did you mean \"allowed_pools\"?"),
        ("[cognito]\nproxy = ''\n", "must be a URL"),
        ("[cognito]\nallowed_endpoints = ['http://x.example']\n", "must be an array of URLs"),
        ("[pcsc]\nenabled = true\n", "unknown section [pcsc]"),
        ("[access]\nrequire_touch = 'yes'\n", "must be true or false"),
    ] {
        folder.write("system/policy.toml", text);
        let found = folder.sentences();
        assert!(
            found[0].starts_with("system/policy.toml line ") && found[0].contains(complaint),
            "{found:?}"
        );
    }
}

#[test]
fn a_user_cannot_loosen_the_touch_that_a_policy_requires() {
    let folder = Folder::new();
    folder.write("system/policy.toml", "[access]\nrequire_touch = true\n");
    folder.write("user/config.toml", "[access]\nrequire_touch = false\n");
    let found = folder.sentences();
    assert!(found[0].starts_with("user/config.toml line 2: unknown key \"require_touch\""), "{found:?}");
    folder.write("user/config.toml", "[access]\nprograms = 'allow'\n");
    assert!(folder.load().config.access.policy.require_touch);
}

#[test]
fn a_region_that_is_not_that_of_the_pool_is_a_warning() {
    let folder = Folder::new();
    folder.write("user/config.toml", "[profiles.w]\nregion = 'us-east-1'\nuser_pool_id = 'eu-central-1_A'\n");
    let Loaded { config, warnings } = folder.load();
    assert_eq!(config.profiles["w"].region, "us-east-1");
    let place = format!("{}:1", folder.path("user/config.toml").display());
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [format!(
            "{place}: in [profiles.w] \"region\" is not the region of \"user_pool_id\"; correct one of them, unless the pool is replicated"
        )]
    );
}

#[test]
fn shown_values_are_those_in_force() {
    let folder = Folder::new();
    folder.write(
        "user/config.toml",
        "[limits]\nqueries_per_second = 1000\ncalls_per_client = 50\n[access]\nwhile_locked = 'allow'\n",
    );
    let shown = |key: &str| {
        let entries = folder.files().entries().unwrap();
        let entry = entries.into_iter().find(|entry| entry.key == key).unwrap();
        (entry.value, entry.file)
    };
    assert_eq!(shown("limits.all_queries_per_second"), (1000.into(), None));
    assert_eq!(shown("limits.calls_per_program"), (50.into(), None));
    assert_eq!(shown("limits.queries"), (256.into(), None));
    let user = Some(folder.path("user/config.toml"));
    assert_eq!(shown("access.while_locked"), ("allow".into(), user.clone()));
    folder.write("system/policy.toml", "[access]\nwhile_locked = 'allow'\n");
    assert_eq!(shown("access.while_locked"), ("allow".into(), user));
    folder.write("system/policy.toml", "[access]\nwhile_locked = 'deny'\n");
    assert_eq!(shown("access.while_locked"), ("deny".into(), Some(folder.path("system/policy.toml"))));
}
