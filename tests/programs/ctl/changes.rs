//! `add`, `rename` and `remove`.

use super::rig::Rig;

const URI: &str = "otpauth://totp/Shop:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Shop\n";
const SEED: &str = "gezd gnbv gy3t qojq";

#[test]
fn a_credential_is_added_renamed_and_removed() {
    let rig = Rig::start();
    let token = rig.run(&["tokens", "--json"]).json()["tokens"][0]["serial"].as_str().unwrap().to_owned();
    rig.run(&["add", "--token", &token]).failed(2, "--secret-stdin");
    let added = rig.run_with(&["add", "--token", &token, "--secret-stdin"], URI);
    assert_eq!((added.code, added.out.as_str()), (0, ""), "{added:?}");
    assert!(added.err.contains("Added Shop:bob to"), "{}", added.err);
    assert!(!added.err.contains("GEZDGNBV") && !rig.log().contains("GEZDGNBV"));
    assert_eq!(rig.run(&["code", "Shop:bob"]).code, 0);
    let again = rig.run_with(&["add", "--token", &token, "--secret-stdin"], URI);
    again.failed(1, "has a credential of this name");

    let renamed = rig.run(&["rename", "Shop:bob", "Shop:bobby", "--json"]).json();
    assert_eq!(
        (renamed["old_name"].as_str(), renamed["name"].as_str()),
        (Some("Shop:bob"), Some("Shop:bobby"))
    );
    let list = rig.run(&["list", "--json"]).json();
    assert!(!list["credentials"].as_array().unwrap().iter().any(|one| one["name"] == "Shop:bob"));
    assert_eq!(rig.run(&["code", "bobby"]).code, 0);
    rig.run(&["rename", "bobby", "Shop:"]).failed(2, "no account");

    rig.run(&["remove", "bobby"]).failed(2, "--yes");
    assert_eq!(rig.run(&["code", "bobby"]).code, 0);
    // The credential that was meant may be gone already.
    rig.run(&["remove", "bobb", "--yes"]).failed(2, "the whole name");
    assert_eq!(rig.run(&["code", "bobby"]).code, 0);
    let removed = rig.run(&["remove", "bobby", "--yes", "--json"]).json();
    assert_eq!(removed["removed"], true);
    rig.run(&["code", "bobby"]).failed(3, "");
}

/// An export of Google Authenticator: `one` and `Shop:two`, each with the seed `1234567890`.
const EXPORT: &str = concat!(
    "otpauth-migration://offline?data=",
    "ChcKCjEyMzQ1Njc4OTASA29uZSABKAEwAgodCgoxMjM0NTY3ODkwEgN0d28aBFNob3AgAS",
    "gBMAIQARgBIAA%3D"
);

#[test]
fn each_account_of_an_export_becomes_a_credential() {
    let rig = Rig::start();
    let token = rig.run(&["tokens", "--json"]).json()["tokens"][0]["serial"].as_str().unwrap().to_owned();
    let added = rig.run_with(&["add", "--token", &token, "--secret-stdin", "--json"], EXPORT).json();
    assert_eq!(added["added"].as_array().unwrap().len(), 2, "{added}");
    for name in ["one", "Shop:two"] {
        assert_eq!(rig.run(&["code", name]).code, 0, "{name}");
    }
    let damaged =
        rig.run_with(&["add", "--token", &token, "--secret-stdin"], "otpauth-migration://offline?data=AAAA");
    damaged.failed(2, "export");
}

#[test]
fn a_bare_seed_takes_its_properties_from_options() {
    let rig = Rig::start();
    let token = rig.run(&["tokens", "--json"]).json()["tokens"][0]["serial"].as_str().unwrap().to_owned();
    let add = |more: &[&str]| {
        rig.run_with(&[&["add", "--token", &token, "--secret-stdin", "--json"], more].concat(), SEED)
    };
    rig.run_with(&["add", "--token", &token, "--secret-stdin"], SEED).failed(2, "--account");
    let added =
        add(&["--account", "carol", "--issuer", "VPN", "--digits", "8", "--algorithm", "sha256"]).json();
    assert_eq!(added["added"].as_array().unwrap().len(), 1);
    let list = rig.run(&["list", "--json"]).json();
    let carol =
        list["credentials"].as_array().unwrap().iter().find(|one| one["name"] == "VPN:carol").unwrap();
    assert_eq!(carol["algorithm"], "SHA256");
    assert_eq!(carol["id"], added["added"][0]["credential"]);
    rig.run_with(&["add", "--seed", SEED], "").failed(2, "can read arguments");
    rig.run_with(&["add", "--token", &token, "--secret-stdin"], "not base32!").failed(2, "base32");
}
