//! `add` writes one seed to several tokens, and compares their codes with it.

use oathbridge::virt::Fault;

use super::rig::{Rig, Run};

const URI: &str = "otpauth://totp/Shop:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop\n";

fn both(rig: &Rig) -> Run {
    let arguments = ["add", "--token", "1", "--token", "2", "--secret-stdin", "--json"];
    rig.run_with(&arguments, URI)
}

/// Two tokens, the second one with this number of credentials. It holds 32.
fn two(number: usize) -> String {
    let many: String = (0..number).map(|n| format!("{{ account = 'a{n}', seed = 'GEZDGNBV' }},")).collect();
    format!("[[token]]\nserial = 1\n[[token]]\nserial = 2\ncredential = [{many}]\n")
}

#[test]
fn a_seed_is_written_to_several_tokens_and_its_steps_are_shared() {
    let rig = Rig::with_tokens(&two(3));
    let added = both(&rig).json();
    let added = added["added"].as_array().unwrap();
    assert!(added.len() == 2 && added.iter().all(|one| one["checked"] == true), "{added:?}");
    let tokens = rig.run(&["add"]);
    tokens.failed(4, "1 of 32 credentials");
    assert!(tokens.err.contains("4 of 32 credentials"), "{tokens:?}");
    let code = |token| rig.run(&["code", "Shop:bob", "--token", token, "--json"]).json()["code"].clone();
    // A step may end between both.
    assert!((0..3).any(|_| code("1") == code("2")));
    let path = added[0]["credential"].as_str().unwrap();
    rig.use_steps_of(path, 0);
    let shown = rig.run(&["guard", "show", "--json"]).json();
    let seeds: Vec<_> = shown["credentials"].as_array().unwrap().iter().map(|one| &one["seed"]).collect();
    assert!(seeds.len() == 2 && seeds[0] == seeds[1], "{shown}");
}

#[test]
fn if_one_token_fails_no_token_keeps_the_credential() {
    let rig = Rig::with_tokens(&two(32));
    let failed = both(&rig);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("no longer has the new credential"), "{failed:?}");
    rig.run(&["code", "Shop:bob"]).failed(3, "");
}

/// A counter would advance, and a touch needs a person.
#[test]
fn a_credential_whose_check_has_a_cost_is_not_checked() {
    let rig = Rig::with_tokens(&two(0));
    let counter = "otpauth://hotp/carol?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=0";
    for (input, more) in [(counter, &[][..]), (URI, &["--touch"][..])] {
        let arguments = [&["add", "--token", "1", "--secret-stdin", "--json"], more].concat();
        assert_eq!(rig.run_with(&arguments, input).json()["added"][0]["checked"], false, "{input}");
    }
    let code = rig.run(&["code", "carol", "--advance-counter"]);
    assert_eq!(code.out.trim(), "755224", "the first code of RFC 4226: {code:?}");
}

#[test]
fn a_token_that_gives_other_codes_does_not_keep_the_credential() {
    let rig = Rig::with_card();
    let before = rig.run(&["list", "--json"]).json()["credentials"].as_array().unwrap().len();
    let card = rig.cards[0].clone();
    // SELECT, CALCULATE ALL, LIST and PUT, the reading after it, and SELECT before the code.
    for _ in 0..8 {
        card.fail_next(Fault::Pass);
    }
    card.fail_next(Fault::Answer(vec![0x76, 0x05, 0x06, 0x7f, 0xff, 0xff, 0xff, 0x90, 0x00]));
    let failed = rig.run_with(&["add", "--secret-stdin"], URI);
    failed.failed(1, "other codes than the seed");
    assert!(failed.err.contains("no longer has the new credential"), "{failed:?}");
    let after = rig.run(&["list", "--json"]).json()["credentials"].as_array().unwrap().len();
    assert_eq!(before, after);
}

#[test]
fn a_program_that_may_not_read_codes_adds_credentials() {
    let rig = Rig::with_tokens_and_config(
        &two(0),
        "[[access.rule]]\ncaller = 'executable:*'\nread_code = 'deny'\n",
    );
    let added = rig.run_with(&["add", "--token", "1", "--secret-stdin", "--json"], URI).json();
    assert_eq!(added["added"][0]["checked"], false);
}
