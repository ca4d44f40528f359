//! Sentences for arguments that the daemon refuses.

use super::options::with_own_options;
use crate::ctl::asked::Asked;

/// The starts of the daemon's sentences, and the sentences of the tool.
const OWN: [(&str, &str); 6] = [
    (
        "No credential is named",
        "Name a credential (`oathbridgectl list` shows them) or a profile that has one.",
    ),
    ("This is not the path of a credential", "Name a credential; `oathbridgectl list` shows them."),
    ("The app client is not known", "Name the app client: add --client-id ID or --profile NAME."),
    ("The region is not known", "Name the region: add --region REGION or --profile NAME."),
    ("The user name is not known", "Name the user who signs in: add --username NAME."),
    ("The content of the file descriptor is not UTF-8", "The input is not UTF-8 text; pass only the secret."),
];

/// The sentence for refused arguments.
pub(super) fn sentence(said: &str, asked: &Asked) -> Option<String> {
    let own = OWN.iter().find(|(start, _)| said.starts_with(start)).map(|(_, own)| (*own).to_owned());
    let lacking = |key: &str, option: &str| {
        let profile = asked.profile.as_ref()?;
        Some(format!("Profile \"{profile}\" has no {key}; add {option}, or {key} to the profile."))
    };
    match said {
        _ if said.starts_with("The app client is not known") => {
            lacking("client_id", "--client-id ID").or(own)
        }
        _ if said.starts_with("No credential is named") => match &asked.profile {
            Some(profile) => Some(format!(
                "Profile \"{profile}\" names no credential; name one (`oathbridgectl list` shows them), or add an account to the profile."
            )),
            None => own,
        },
        _ if own.is_some() => own,
        _ => Some(with_own_options(&said.replace("Some options do not fit: ", "These options do not fit: "))),
    }
}
