//! Sentences for the errors below the daemon's own prefix.

use std::time::Duration;

use crate::ctl::asked::{Asked, Details, Task};
use crate::ctl::{local_time, profile};
use crate::state_file;

/// The name of the single-use record in the daemon's sentence.
const RECORD: &str = "the file guard.json in the state folder of oathbridge";

/// The sentence for the error with this name, without the prefix; `None` if that of the daemon will do.
pub(super) fn sentence(
    name: &str,
    said: &str,
    asked: &Asked,
    details: &Details,
    now: Duration,
) -> Option<String> {
    match name {
        "NoSuchProfile" => asked
            .profile
            .as_ref()
            .map(|name| profile::unknown_sentence(name, asked.profiles.iter().map(String::as_str))),
        "Ambiguous" => Some(ambiguous(said, asked)),
        "ConfirmationRequired" => Some(format!(
            "{} is counter-based and each code uses one up; add --advance-counter to go on.",
            credential(asked)
        )),
        "TouchRequired" => Some(format!(
            "{} wants a touch; run `oathbridgectl code` with its name and touch the token.",
            credential(asked)
        )),
        "StepSpent" | "RateLimited" | "Cognito.Throttled" => {
            too_early(name, said, asked, details.retry_at.map(|at| local_time::until(at, now)))
        }
        "Busy" => {
            Some("The daemon has too many requests at the moment; try again in a few seconds.".to_owned())
        }
        "StateUnavailable" => Some(no_record(said)),
        "NoSuchCredential" | "TokenLocked" => asked.profile.as_ref().map(|profile| {
            said.replace("credential of the profile", &format!("credential of profile \"{profile}\""))
        }),
        "Timeout" => asked.timeout.map(|seconds| {
            format!("No code was sent within {seconds} s; try again with a longer --timeout.")
        }),
        "Cancelled" => Some(
            said.replace("call again if the code is still needed", "try again if you still need the code"),
        ),
        "Cognito.Rejected" => Some(rejected(details)),
        _ => None,
    }
}

/// `retry` says when to try again.
fn too_early(name: &str, said: &str, asked: &Asked, retry: Option<String>) -> Option<String> {
    Some(match (name, retry) {
        ("StepSpent", Some(when)) => format!("This code was already used; try again {when}."),
        ("StepSpent", None) => "This code was already used; wait for the next one and try again.".to_owned(),
        ("RateLimited", retry) => too_often(said, asked, retry),
        (_, Some(when)) => format!("Cognito receives too many requests at the moment; try again {when}."),
        (_, None) => return None,
    })
}

fn ambiguous(said: &str, asked: &Asked) -> String {
    const NAME_ONE: &str = "name a credential (`oathbridgectl list` shows them)";
    let count = said.split(' ').next().filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    match (&asked.profile, count) {
        (Some(profile), Some(count)) => format!(
            "{count} credentials fit profile \"{profile}\"; {NAME_ONE}, or name the token in the profile."
        ),
        _ if said.contains("device name") => format!(
            "No attached token has the device name that Cognito sent; {NAME_ONE}, or a profile that has one."
        ),
        _ => "Name a credential (`oathbridgectl list` shows them) or a profile that has one.".to_owned(),
    }
}

/// The daemon refuses requests without starting them, or the codes of a credential that Cognito refused.
fn too_often(said: &str, asked: &Asked, retry: Option<String>) -> String {
    if let Some(when) = retry {
        if said.starts_with("The token refused too many passwords") {
            return format!("The token refused too many passwords; try again {when}.");
        }
        let credential = credential(asked);
        return format!(
            "Cognito refused too many codes of {credential} and would lock the account; try again {when}."
        );
    }
    let purpose = match asked.task {
        Task::Code => "for a code",
        Task::Submit => "to submit a code",
        Task::Unlock => "to unlock a token",
        Task::Change => "to change a token",
        Task::Other => "of this kind",
    };
    let words = said.split("in ").skip(1).filter_map(|rest| rest.split(' ').next());
    let seconds = words.filter_map(|word| word.parse::<u64>().ok()).last();
    let when = seconds.map_or_else(|| "in a minute".to_owned(), |seconds| format!("in {seconds} s"));
    let (what, limit) = said.split_once(" (").unwrap_or((said, ""));
    let limit = limit.split_once(" allowed)").map(|(limit, _)| format!(" ({limit} allowed)"));
    let what = match what.strip_prefix("There were too many ") {
        Some("calls") => "requests".to_owned(),
        Some("denied calls") => "denied requests".to_owned(),
        Some("refused calls of this kind") => format!("refused requests {purpose}"),
        Some("calls of this kind by all programs") => format!("requests of all programs {purpose}"),
        _ => format!("requests {purpose}"),
    };
    format!("Too many {what}{}; try again {when}.", limit.unwrap_or_default())
}

fn rejected(details: &Details) -> String {
    match &details.aws_code {
        Some(code) => format!(
            "Cognito refused with {code}; look up this error code in the documentation of Amazon Cognito, or ask the administrator of the user pool."
        ),
        None => "Cognito refused without a reason; ask the administrator of the user pool.".to_owned(),
    }
}

/// The credential as the subject of a sentence.
fn credential(asked: &Asked) -> String {
    asked.account.as_ref().map_or_else(|| "This credential".to_owned(), |account| format!("`{account}`"))
}

/// Names the file, which only the tool knows as the user writes it.
fn no_record(said: &str) -> String {
    let why = said.split_once("(").and_then(|(_, rest)| Some(rest.rsplit_once(");")?.0));
    let file = record();
    match why.map(|why| why.strip_prefix("it is not writable: ").ok_or(why)) {
        Some(Ok(why)) => format!(
            "Nothing was submitted because the single-use record can't be written: {file} ({why}); correct its permissions, or free disk space."
        ),
        Some(Err(why)) => format!(
            "Nothing was submitted because the single-use record can't be used: {file} ({why}); repair or remove it."
        ),
        None => said.replace(RECORD, &file),
    }
}

/// The file of the single-use record, as a person writes it.
fn record() -> String {
    let file = state_file::directory().map(|folder| folder.join("guard.json"));
    let home = std::env::home_dir();
    match (file, home) {
        (Some(file), Some(home)) => match file.strip_prefix(&home) {
            Ok(rest) => format!("~/{}", rest.display()),
            Err(_) => file.display().to_string(),
        },
        (Some(file), None) => file.display().to_string(),
        (None, _) => RECORD.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn asked() -> Asked {
        Asked {
            task: Task::Submit,
            account: Some("dave".to_owned()),
            profile: Some("wrk".to_owned()),
            profiles: vec!["dave".to_owned(), "work".to_owned()],
            timeout: Some(90),
        }
    }

    fn own(name: &str, said: &str, retry_at: Option<u64>) -> String {
        let details = Details { retry_at, ..Details::default() };
        sentence(name, said, &asked(), &details, NOW).unwrap()
    }

    #[test]
    fn the_sentences_use_what_the_user_typed() {
        assert_eq!(own("NoSuchProfile", "", None), "There is no profile \"wrk\"; did you mean \"work\"?");
        assert_eq!(
            own("ConfirmationRequired", "", None),
            "`dave` is counter-based and each code uses one up; add --advance-counter to go on."
        );
        assert!(
            own("StepSpent", "", Some(1_800_000_012))
                .starts_with("This code was already used; try again in 12 s (at ")
        );
        assert_eq!(
            own(
                "RateLimited",
                "There were too many calls of this kind (10 a minute are allowed); try again in 6 s.",
                None
            ),
            "Too many requests to submit a code (10 a minute are allowed); try again in 6 s."
        );
        for (what, shown) in [
            ("calls", "requests"),
            ("denied calls", "denied requests"),
            ("refused calls of this kind", "refused requests to submit a code"),
            ("calls of this kind by all programs", "requests of all programs to submit a code"),
        ] {
            let said = format!("There were too many {what} (60 a minute are allowed); try again in 6 s.");
            let shown = format!("Too many {shown} (60 a minute are allowed); try again in 6 s.");
            assert_eq!(own("RateLimited", &said, None), shown);
        }
        let said = "Nothing was submitted because the single-use record is not usable (it is not writable: permission denied); repair.";
        let own_record = own("StateUnavailable", said, None);
        assert!(
            own_record.contains("can't be written: ")
                && own_record.contains("guard.json (permission denied); ")
        );
        assert_eq!(
            own(
                "NoSuchCredential",
                "No attached token has the credential of the profile (account \"a\"); add it.",
                None
            ),
            "No attached token has the credential of profile \"wrk\" (account \"a\"); add it."
        );
        assert!(own("Timeout", "", None).contains("within 90 s"));
        assert!(
            own("Ambiguous", "2 credentials match the profile; pass.", None)
                .starts_with("2 credentials fit profile \"wrk\"")
        );
        assert_eq!(sentence("TokenBusy", "Any.", &asked(), &Details::default(), NOW), None);
    }
}
