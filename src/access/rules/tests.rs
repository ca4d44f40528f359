use super::*;
use crate::access::Fit;
use crate::config::{Pattern, PolicyAccess};

fn program(executable: &str, unit: &str) -> Caller {
    let facts =
        Facts { unit: Some(unit.to_owned()), executable: Some(executable.to_owned()), ..Facts::default() };
    Caller { is_ours: true, facts: Some(facts) }
}

fn flatpak(id: &str) -> Caller {
    let facts = Facts {
        flatpak: Some(id.to_owned()),
        unit: Some(format!("app-flatpak-{id}-1.scope")),
        executable: None,
        unproved: Some("/app/bin/chat".to_owned()),
        is_sandboxed: true,
    };
    Caller { is_ours: true, facts: Some(facts) }
}

const UNKNOWN: Caller = Caller { is_ours: true, facts: None };

fn rule(caller: CallerPattern, read_code: Option<bool>, submit: Option<bool>) -> AccessRule {
    AccessRule { caller, credential: None, profile: None, read_code, submit, manage: None }
}

#[test]
fn without_rules_programs_are_allowed_and_others_are_denied() {
    let access = Access::default();
    for permission in Permission::ALL {
        let decision = |caller: &Caller| decide(&access, caller, permission, &Subject::none());
        let expected = Decision { verdict: Verdict::Allow, reason: Reason::Programs };
        assert_eq!(decision(&program("/usr/bin/a", "x.service")), expected);
        let expected = Decision { verdict: Verdict::Deny, reason: Reason::Sandboxed };
        assert_eq!(decision(&flatpak("org.a.B")), expected);
        assert_eq!(decision(&UNKNOWN), expected);
        let stranger = Caller { is_ours: false, ..program("/usr/bin/a", "x.service") };
        assert_eq!(decision(&stranger), Decision { verdict: Verdict::Deny, reason: Reason::OtherUser });
    }
}

#[test]
fn the_first_rule_with_a_value_decides() {
    let rules = vec![
        rule(CallerPattern::Flatpak(Pattern::new("org.a.*")), Some(true), None),
        rule(CallerPattern::Executable(Pattern::new("/usr/bin/*")), None, Some(false)),
        rule(CallerPattern::Unit(Pattern::new("x.service")), Some(false), Some(true)),
        rule(CallerPattern::Unknown, Some(true), None),
    ];
    let access = Access { rules, ..Access::default() };
    let by = |caller: &Caller, permission| {
        let Decision { verdict, reason } = decide(&access, caller, permission, &Subject::none());
        (verdict == Verdict::Allow, reason)
    };
    assert_eq!(by(&flatpak("org.a.B"), Permission::ReadCode), (true, Reason::Rule(1)));
    assert_eq!(by(&flatpak("org.a.B"), Permission::Submit), (false, Reason::Sandboxed));
    let curl = program("/usr/bin/curl", "x.service");
    assert_eq!(by(&curl, Permission::Submit), (false, Reason::Rule(2)));
    assert_eq!(by(&curl, Permission::ReadCode), (false, Reason::Rule(3)));
    assert_eq!(by(&curl, Permission::Manage), (true, Reason::Programs));
    assert_eq!(by(&UNKNOWN, Permission::ReadCode), (true, Reason::Rule(4)));
    assert_eq!(by(&UNKNOWN, Permission::Submit), (false, Reason::Sandboxed));
}

/// A service with a mount namespace of its own.
#[test]
fn a_path_that_is_not_proved_matches_only_rules_that_deny() {
    let facts = Facts {
        unit: Some("backup.service".to_owned()),
        unproved: Some("/usr/bin/curl".to_owned()),
        ..Facts::default()
    };
    let caller = Caller { is_ours: true, facts: Some(facts) };
    let rules = [true, false].map(|allows| {
        rule(CallerPattern::Executable(Pattern::new("/usr/bin/*")), Some(allows), Some(allows))
    });
    let access = Access { rules: rules.to_vec(), ..Access::default() };
    let decision = |access: &Access| decide(access, &caller, Permission::ReadCode, &Subject::none());
    assert_eq!(decision(&access), Decision { verdict: Verdict::Deny, reason: Reason::Rule(2) });
    let [allowing, _] = rules;
    let access = Access { rules: vec![allowing], programs: false, ..Access::default() };
    assert_eq!(decision(&access), Decision { verdict: Verdict::Deny, reason: Reason::Programs });
}

/// `systemctl reload` runs busctl in the daemon's own unit.
#[test]
fn a_rule_lets_systemctl_reload_a_daemon_that_denies_programs() {
    let own = CallerPattern::Unit(Pattern::new("oathbridge.service"));
    let rules = vec![AccessRule { manage: Some(true), ..rule(own, None, None) }];
    let access = Access { rules, programs: false, ..Access::default() };
    let by = |unit| {
        let caller = program("/usr/bin/busctl", unit);
        decide(&access, &caller, Permission::Manage, &Subject::none()).verdict
    };
    assert_eq!(by("oathbridge.service"), Verdict::Allow);
    assert_eq!(by("other.service"), Verdict::Deny);
}

#[test]
fn callers_that_are_shown_as_unknown_match_the_rule_for_unknown() {
    let access = Access { rules: vec![rule(CallerPattern::Unknown, Some(true), None)], ..Access::default() };
    let sandboxed = |unit: Option<&str>| {
        let facts = Facts { unit: unit.map(str::to_owned), is_sandboxed: true, ..Facts::default() };
        Caller { is_ours: true, facts: Some(facts) }
    };
    for (caller, expected) in [
        (UNKNOWN, true),
        (sandboxed(None), true),
        (sandboxed(Some("session-2.scope")), true),
        (sandboxed(Some("libpod-1.scope")), false),
        (flatpak("org.a.B"), false),
        (program("/usr/bin/curl", "session-2.scope"), false),
    ] {
        assert_eq!(caller.identity().kind == Kind::Unknown, expected, "{caller:?}");
        assert_eq!(
            decide(&access, &caller, Permission::ReadCode, &Subject::none()).reason == Reason::Rule(1),
            expected,
            "{caller:?}"
        );
    }
}

/// An application chooses the names of its executables, and other programs may put it into any unit.
#[test]
fn a_flatpak_application_is_identified_by_its_id_only() {
    let rules = vec![
        rule(CallerPattern::Unit(Pattern::new("*")), Some(true), Some(true)),
        rule(CallerPattern::Executable(Pattern::new("*")), Some(true), Some(true)),
    ];
    let access = Access { rules, ..Access::default() };
    assert_eq!(
        decide(&access, &flatpak("org.a.B"), Permission::Submit, &Subject::none()).verdict,
        Verdict::Deny
    );
}

fn scoped(credential: Option<&str>, profile: Option<&str>, allow: bool) -> AccessRule {
    AccessRule {
        credential: credential.map(Pattern::new),
        profile: profile.map(str::to_owned),
        ..rule(CallerPattern::Executable(Pattern::new("*")), Some(allow), Some(allow))
    }
}

fn submission(credential: Option<&str>, profiles: &[(&str, Fit)]) -> Subject {
    let profiles = profiles.iter().map(|(name, fit)| ((*name).to_owned(), *fit)).collect();
    Subject::submission(credential.map(str::to_owned), profiles)
}

#[test]
fn a_rule_for_a_credential_decides_about_that_credential_only() {
    let curl = program("/usr/bin/curl", "x.service");
    for (allow, others) in [(true, Verdict::Deny), (false, Verdict::Allow)] {
        let rules = vec![scoped(Some("t_*"), None, allow)];
        let access = Access { rules, programs: !allow, ..Access::default() };
        let by = |subject: &Subject| decide(&access, &curl, Permission::ReadCode, subject).verdict;
        assert_eq!(by(&Subject::credential("t_0011".to_owned())), Verdict::allow_if(allow));
        assert_eq!(by(&Subject::credential("u_0011".to_owned())), others);
        assert_eq!(by(&Subject::none()), others);
        // Until the credential is known, the call is allowed if it may be allowed.
        assert_eq!(by(&Subject::open()), Verdict::Allow);
    }
}

#[test]
fn a_rule_for_a_profile_refuses_what_may_belong_to_it_and_allows_what_does() {
    let curl = program("/usr/bin/curl", "x.service");
    for (allow, hidden) in [(true, Verdict::Deny), (false, Verdict::Deny)] {
        let rules = vec![scoped(None, Some("work"), allow)];
        let access = Access { rules, programs: !allow, ..Access::default() };
        let by = |fit| {
            let subject = submission(Some("t_0011"), &[("work", fit), ("home", Fit::Yes)]);
            decide(&access, &curl, Permission::Submit, &subject).verdict
        };
        assert_eq!(by(Fit::Yes), Verdict::allow_if(allow));
        assert_eq!(by(Fit::No), Verdict::allow_if(!allow));
        assert_eq!(by(Fit::Hidden), hidden);
        let by = |subject: &Subject| decide(&access, &curl, Permission::Submit, subject).verdict;
        // A profile that is newer than the call's configuration.
        assert_eq!(by(&submission(Some("t_0011"), &[("home", Fit::Yes)])), hidden);
        assert_eq!(by(&Subject::credential("t_0011".to_owned())), Verdict::allow_if(!allow));
    }
}

#[test]
fn a_rule_for_both_decides_where_both_fit() {
    let curl = program("/usr/bin/curl", "x.service");
    let access = Access { rules: vec![scoped(Some("t_*"), Some("work"), false)], ..Access::default() };
    let by = |credential, fit| {
        let subject = submission(credential, &[("work", fit)]);
        decide(&access, &curl, Permission::Submit, &subject).verdict
    };
    assert_eq!(by(Some("t_1"), Fit::Yes), Verdict::Deny);
    assert_eq!(by(Some("u_1"), Fit::Yes), Verdict::Allow);
    assert_eq!(by(Some("t_1"), Fit::No), Verdict::Allow);
    assert_eq!(by(None, Fit::Yes), Verdict::Allow, "it is decided again");
}

fn by(access: &Access, caller: &Caller, permission: Permission) -> (bool, Reason) {
    let Decision { verdict, reason } = decide(access, caller, permission, &Subject::none());
    (verdict == Verdict::Allow, reason)
}

#[test]
fn nothing_that_the_policy_denies_is_allowed() {
    let curl = program("/usr/bin/curl", "x.service");
    let allowing = |policy| Access {
        programs: true,
        sandboxed: true,
        rules: vec![rule(CallerPattern::Executable(Pattern::new("*")), Some(true), Some(true))],
        policy,
        ..Access::default()
    };
    let denying = vec![rule(CallerPattern::Executable(Pattern::new("*/curl")), Some(false), None)];
    let access = allowing(PolicyAccess { rules: denying, ..PolicyAccess::default() });
    assert_eq!(by(&access, &curl, Permission::ReadCode), (false, Reason::PolicyRule(1)));
    assert_eq!(by(&access, &curl, Permission::Submit), (true, Reason::Rule(1)), "the policy says nothing");
    let access = allowing(PolicyAccess { programs: false, ..PolicyAccess::default() });
    assert_eq!(by(&access, &curl, Permission::Submit), (false, Reason::Policy));
    assert_eq!(by(&access, &flatpak("org.a.B"), Permission::Submit), (true, Reason::Sandboxed));
    let access = allowing(PolicyAccess { sandboxed: false, ..PolicyAccess::default() });
    assert_eq!(by(&access, &flatpak("org.a.B"), Permission::Submit), (false, Reason::Policy));
    assert_eq!(by(&access, &UNKNOWN, Permission::Submit), (false, Reason::Policy));
}

#[test]
fn a_rule_of_the_policy_that_allows_leaves_denying_to_rules_of_the_configuration() {
    let app = flatpak("org.a.B");
    let allowing = vec![rule(CallerPattern::Flatpak(Pattern::new("org.a.*")), Some(true), Some(true))];
    let policy = PolicyAccess { sandboxed: false, rules: allowing, ..PolicyAccess::default() };
    let denying = vec![rule(CallerPattern::Flatpak(Pattern::new("*")), None, Some(false))];
    let access = Access { policy, rules: denying, ..Access::default() };
    assert_eq!(by(&access, &app, Permission::ReadCode), (true, Reason::PolicyRule(1)));
    assert_eq!(by(&access, &app, Permission::Submit), (false, Reason::Rule(1)));
    assert_eq!(by(&access, &app, Permission::Manage), (false, Reason::Policy));
}
