//! Queries against a tree of three tokens.

use super::*;

fn token_of(id: &str, serial: &str, state: &str) -> Token {
    Token {
        id: id.to_owned(),
        name: format!("YubiKey 5 …{}", serial.get(4..).unwrap_or_default()),
        path: format!("/tokens/{id}"),
        vendor: String::new(),
        model: "YubiKey 5".to_owned(),
        family: String::new(),
        serial: serial.to_owned(),
        firmware: String::new(),
        reader: String::new(),
        is_virtual: true,
        transports: Vec::new(),
        state: state.to_owned(),
        state_reason: String::new(),
        pin_set: false,
        attempts_left: -1,
        capabilities: Vec::new(),
        capacity: 0,
        may_hide_more: false,
    }
}

fn credential_of(token: &str, issuer: &str, account: &str) -> Credential {
    let id = format!("{token}_{issuer}{account}");
    Credential {
        path: format!("/credentials/{id}"),
        id,
        name: format!("{issuer}:{account}").trim_start_matches(':').to_owned(),
        issuer: issuer.to_owned(),
        account: account.to_owned(),
        kind: "totp".to_owned(),
        algorithm: "SHA1".to_owned(),
        digits: 6,
        period: 30,
        touch_required: "no".to_owned(),
        token: token.to_owned(),
    }
}

fn tree() -> Tree {
    Tree {
        tokens: vec![token_of("a", "11112222", "ready"), token_of("b", "33334444", "ready")],
        credentials: vec![
            credential_of("a", "GitHub", "alice"),
            credential_of("a", "GitHub", "alice2"),
            credential_of("a", "", "alone"),
            credential_of("b", "AWS", "alice"),
            credential_of("b", "Git", "hub"),
        ],
        ..Tree::default()
    }
}

fn find(query: &str, token: Option<&str>) -> Result<String, u8> {
    credential(&tree(), query, token).map(|found| found.id.clone()).map_err(|failure| failure.code)
}

#[test]
fn an_exact_match_has_priority() {
    for query in ["a_GitHubalice", "/credentials/a_GitHubalice", "GitHub:alice"] {
        assert_eq!(find(query, None), Ok("a_GitHubalice".to_owned()), "{query}");
    }
    assert_eq!(find("hub", None), Ok("b_Github".to_owned()), "an account, and part of three others");
    assert_eq!(find("Git", None), Ok("b_Github".to_owned()), "an issuer, and part of two others");
    assert_eq!(find("alone", None), Ok("a_alone".to_owned()));
}

#[test]
fn a_whole_name_has_priority_over_an_account_that_looks_like_it() {
    let arn = "arn:aws:iam::123456789012:mfa/alex";
    let mut tree = tree();
    tree.credentials = vec![
        credential_of("a", "aws", arn),
        credential_of("a", "aws", &format!("{arn}-2")),
        credential_of("a", "arn", "aws:iam::123456789012:mfa/alex"),
        credential_of("b", "", "alex"),
        credential_of("b", "aws", "alex"),
    ];
    let find = |query: &str| credential(&tree, query, None).map(|found| found.issuer.as_str());
    assert_eq!(find(arn), Ok("arn"));
    assert_eq!(find(&format!("aws:{arn}")), Ok("aws"));
    assert_eq!(find(&format!("{arn}-2")), Ok("aws"), "an account, and the whole name of no other one");
    assert_eq!(find("alex").unwrap_err().code, exit::AMBIGUOUS, "an account is not a whole name");
}

#[test]
fn a_hidden_credential_is_found_by_its_whole_name_only() {
    let mut tree = tree();
    tree.credentials.push(credential_of("b", "_hidden", "carol"));
    tree.credentials.push(credential_of("b", "_hidden", "carl"));
    tree.credentials.push(credential_of("b", "_hiddenShop", "erin"));
    let find = |tree: &Tree, query: &str| credential(tree, query, None).map(|found| found.account.clone());
    for (query, account) in [
        ("b__hiddencarol", "carol"),
        ("_hidden:carol", "carol"),
        ("_hidden:carl", "carl"),
        ("erin", "erin"),
        ("_hid", "erin"),
    ] {
        assert_eq!(find(&tree, query).as_deref(), Ok(account), "{query}");
    }
    for query in ["carol", "_hidden:c", "car"] {
        let failure = find(&tree, query).unwrap_err();
        assert_eq!(failure.code, exit::NOT_FOUND, "{query}");
        assert!(!failure.text().contains("_hidden:carol"), "{}", failure.text());
    }
    let shown = Tree { shows_hidden: true, ..tree };
    assert_eq!(find(&shown, "caro").as_deref(), Ok("carol"));
    assert_eq!(find(&shown, "_hid").unwrap_err().code, exit::AMBIGUOUS);
}

#[test]
fn else_a_part_of_the_name_will_do_in_any_case() {
    assert_eq!(find("aws:AL", None), Ok("b_AWSalice".to_owned()));
    assert_eq!(find("lone", None), Ok("a_alone".to_owned()));
    assert_eq!(find("HUB:ALICE2", None), Ok("a_GitHubalice2".to_owned()));
}

#[test]
fn several_matches_are_an_error_until_the_token_is_named() {
    assert_eq!(find("alice", None), Err(exit::AMBIGUOUS));
    assert_eq!(find("alice", Some("33334444")), Ok("b_AWSalice".to_owned()));
    assert_eq!(find("alice", Some("b")), Ok("b_AWSalice".to_owned()));
    for name in ["4444", "…4444", "YubiKey 5 …4444"] {
        assert_eq!(find("alice", Some(name)), Ok("b_AWSalice".to_owned()), "{name}");
    }
    assert_eq!(find("alice", Some("3333")), Err(exit::NOT_FOUND));
    assert_eq!(find("GitHub", None), Err(exit::AMBIGUOUS));
    let text = credential(&tree(), "alice", None).unwrap_err().text();
    assert!(text.contains("\n  GitHub:alice  YubiKey 5 …2222  a_GitHubalice\n"), "{text}");
}

#[test]
fn an_empty_query_matches_nothing_and_a_long_one_is_not_printed() {
    assert_eq!(find("", None), Err(exit::NOT_FOUND));
    assert_eq!(find("bob", None), Err(exit::NOT_FOUND));
    let secret = "eyJ".repeat(40);
    let text = credential(&tree(), &secret, None).unwrap_err().text();
    assert!(!text.contains(&secret) && text.contains("AWS:alice"), "{text}");
}

#[test]
fn a_similar_name_is_proposed_unless_it_is_ambiguous() {
    let text = |query| credential(&tree(), query, None).unwrap_err().text();
    assert_eq!(text("alnoe"), "oathbridgectl: No credential matches \"alnoe\"; did you mean \"alone\"?");
    assert!(text("AWS:alcie").ends_with("did you mean \"AWS:alice\"?"));
    assert!(text("alcie").contains("name one of these:\n  "), "two credentials have this account");
}

#[test]
fn a_missing_credential_may_be_on_a_locked_token() {
    let mut tree = tree();
    tree.tokens.push(token_of("c", "", "locked"));
    assert_eq!(credential(&tree, "bob", None).unwrap_err().code, exit::LOCKED);
    assert_eq!(credential(&tree, "bob", Some("a")).unwrap_err().code, exit::NOT_FOUND);
    assert_eq!(token(&tree, None).unwrap().id, "c");
    tree.tokens.push(token_of("d", "", "locked"));
    assert_eq!(token(&tree, None).unwrap_err().code, exit::AMBIGUOUS);
    assert_eq!(token(&tree, Some("/tokens/d")).unwrap().id, "d");
}

#[test]
fn a_token_that_hides_credentials_counts_as_locked() {
    let mut tree = tree();
    tree.tokens[1].may_hide_more = true;
    assert_eq!(credential(&tree, "bob", None).unwrap_err().code, exit::LOCKED);
    assert_eq!(token(&tree, None).unwrap().id, "b");
}

#[test]
fn without_tokens_the_failure_lists_the_problems() {
    let tree = Tree { problems: vec!["pcscd-unavailable".to_owned()], ..Tree::default() };
    let failure = credential(&tree, "bob", None).unwrap_err();
    assert_eq!(failure.code, exit::NOT_FOUND);
    assert!(failure.text().contains("sudo systemctl start pcscd.socket"), "{}", failure.text());
    assert_eq!(token(&tree, None).unwrap_err(), failure);
    let tree = Tree { tokens: vec![token_of("a", "11112222", "error")], ..Tree::default() };
    let text = credential(&tree, "bob", None).unwrap_err().text();
    assert!(text.contains("\n  The token YubiKey 5 …2222 cannot be used, "), "{text}");
}

#[test]
fn the_failure_names_a_card_that_another_program_holds() {
    let held = Token { name: "in ACS 00".to_owned(), ..token_of("reader_0", "", "busy") };
    let tree = Tree { tokens: vec![held], ..Tree::default() };
    let text = credential(&tree, "bob", None).unwrap_err().text();
    let why = "The token in ACS 00 cannot be used, because another program holds it; ";
    assert!(text.contains(why), "{text}");
}

#[test]
fn the_failure_names_the_tokens_that_cannot_be_used() {
    let mut tree = tree();
    tree.tokens.push(token_of("c", "55556666", "stuck"));
    tree.tokens.push(token_of("d", "77778888", "error"));
    let text = |query: &str, token: Option<&str>| credential(&tree, query, token).unwrap_err().text();
    let first = "oathbridgectl: No usable token has a credential that matches ";
    for query in ["bob", "alonee"] {
        let text = text(query, None);
        assert!(text.starts_with(first) && text.contains("…6666 stopped answering"), "{text}");
        assert_eq!(text.contains("Did you mean \"alone\"?"), query == "alonee", "{text}");
        assert!(text.contains("…8888 cannot be used"), "{text}");
    }
    for (reason, problem, step) in [
        ("HidDenied", "hid-denied-keyboard", "70-oathbridge-keyboard.rules"),
        ("PcscDenied", "pcscd-denied", "polkit"),
        ("PcscUnavailable", "pcscd-unavailable", "sudo systemctl start pcscd.socket"),
    ] {
        let mut denied = tree.clone();
        denied.tokens[3].state_reason = reason.to_owned();
        denied.problems = vec![problem.to_owned()];
        let text = credential(&denied, "bob", None).unwrap_err().text();
        let line = text.lines().find(|line| line.contains("…8888 cannot be used, because the ")).unwrap();
        assert!(line.contains(step), "{line}");
    }
    // Only those that are asked.
    let one = text("bob", Some("d"));
    assert!(one.contains("…8888 cannot be used") && !one.contains("…6666"), "{one}");
    assert!(!text("bob", Some("b")).contains(first));
    tree.tokens[0].state = "locked".to_owned();
    let failure = credential(&tree, "bob", None).unwrap_err();
    assert_eq!(failure.code, exit::LOCKED);
    assert!(failure.text().contains("…8888 cannot be used"), "{}", failure.text());
}
