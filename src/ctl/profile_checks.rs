//! The checks of a new profile, before it is written to the user's configuration.

use super::{Failure, exit};
use crate::config::{Error, Files};

/// Refuses a name that one of the files has already. A profile of the system would be extended, and no new one added.
///
/// # Errors
///
/// A file has the name, or is not usable.
pub(super) fn check_name(files: &Files, name: &str) -> Result<(), Failure> {
    let place = files.place_of_profile(name).map_err(|errors| invalid(files, errors.first()))?;
    place.map_or(Ok(()), |place| {
        Err(unusable(&format!("there is already a profile \"{name}\" at {place}; choose another name")))
    })
}

/// Checks the new text of the user's file, together with the system's file and the administrator's policy. Returns what may
/// be an error of the profile.
pub(super) fn check(files: &Files, text: &str, name: &str) -> Result<Vec<String>, Failure> {
    let loaded = files.check_with(text).map_err(|errors| {
        let before = files.check().err().unwrap_or_default();
        let is_old = |error: &&Error| {
            before.iter().any(|old| (old.file(), old.problem()) == (error.file(), error.problem()))
        };
        match (errors.iter().find(is_old), errors.first()) {
            (None, Some(of_values)) => Failure::of_config(exit::USAGE, of_values),
            (old, _) => invalid(files, old),
        }
    })?;
    let of_profile = || loaded.warnings.iter().filter(|warning| warning.is_of_profile(name));
    match of_profile().find(|warning| warning.is_forbidden()) {
        Some(forbidden) => Err(unusable(&forbidden.reason())),
        None => {
            Ok(of_profile().map(|warning| format!("In profile \"{name}\" {}.", warning.reason())).collect())
        }
    }
}

/// The failure of a command that has changed no file.
pub(super) fn unusable(why: &str) -> Failure {
    Failure::new(exit::FAILED, format!("Nothing was written: {why}."))
}

/// The failure for an error that the files had before.
fn invalid(files: &Files, error: Option<&Error>) -> Failure {
    let is_own = |error: &Error| files.places().first().is_some_and(|own| own == error.file());
    match error {
        Some(error) if is_own(error) => unusable(&format!("correct {error}")),
        Some(error) => unusable(&format!("ask the administrator to correct {error}")),
        None => unusable("the configuration is not valid; see oathbridgectl config check"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_system_s_file_and_the_policy_are_considered_before_anything_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let [user, system, policy] = ["user", "system", "policy"].map(|name| folder.path().join(name));
        fs::write(&system, "[profiles.work]\nregion = 'eu-central-1'\n").unwrap();
        fs::write(&policy, "[cognito]\nallowed_pools = ['eu-central-1_Allowed1']\n").unwrap();
        let owner = rustix::process::geteuid().as_raw();
        let files = Files::over([user, system.clone()]).with_policy(policy, owner);
        let taken = check_name(&files, "work").unwrap_err();
        let place = format!("already a profile \"work\" at {}:1; choose", system.display());
        assert!(taken.sentence().contains(&place), "{taken:?}");
        check_name(&files, "home").unwrap();
        let with_pool =
            |pool: &str| check(&files, &format!("[profiles.home]\nuser_pool_id = '{pool}'\n"), "home");
        with_pool("eu-central-1_Allowed1").unwrap();
        let forbidden = with_pool("eu-central-1_Another1").unwrap_err();
        assert_eq!(
            forbidden.sentence(),
            "Nothing was written: the administrator's policy does not allow \"user_pool_id\" of this profile; use another one."
        );
        // An error of the system's file does not hide its profiles.
        fs::write(&system, "[profiles.work]\nregoin = 'x'\n").unwrap();
        assert!(check_name(&files, "work").unwrap_err().sentence().contains(&place));
        let faulty = with_pool("eu-central-1_Allowed1").unwrap_err();
        let words = format!("Nothing was written: ask the administrator to correct {}", system.display());
        assert!(faulty.sentence().starts_with(&words), "{faulty:?}");
        assert!(faulty.sentence().ends_with("(did you mean \"region\"?)."), "{faulty:?}");
        assert_eq!(faulty.code, exit::FAILED);
    }

    #[test]
    fn a_file_that_the_daemon_refuses_gets_no_profile() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [user, system] = ["user", "system"].map(|name| folder.path().join(name));
        fs::write(&system, "[profiles.work]\nregion = 'eu-central-1'\n").unwrap();
        fs::write(&user, "").unwrap();
        fs::set_permissions(&user, fs::Permissions::from_mode(0o666)).unwrap();
        let files = Files::over([user.clone(), system]);
        let words = format!("Nothing was written: correct {}: other users can write", user.display());
        let text = "[profiles.home]\nregion = 'eu-central-1'\n";
        for failure in [
            check_name(&files, "work").unwrap_err(),
            check_name(&files, "home").unwrap_err(),
            check(&files, text, "home").unwrap_err(),
        ] {
            assert!(failure.sentence().starts_with(&words), "{failure:?}");
            assert_eq!(failure.code, exit::FAILED);
        }
    }

    #[test]
    fn an_error_of_the_values_is_wrong_usage_and_a_contradiction_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let user = folder.path().join("user");
        // The rule is for the profile that is added.
        fs::write(&user, "[[access.rule]]\ncaller = 'unknown'\nsubmit = 'deny'\nprofile = 'home'\n").unwrap();
        let files = Files::over([user.clone()]);
        check_name(&files, "home").unwrap();
        let with = |values: &str| {
            let before = fs::read_to_string(&user).unwrap();
            check(&files, &format!("{before}[profiles.home]\n{values}"), "home")
        };
        assert_eq!(with("region = 'eu-central-1'\n").unwrap(), Vec::<String>::new());
        let wrong = with("region = 'nowhere'\n").unwrap_err();
        assert_eq!(wrong.code, exit::USAGE, "{wrong:?}");
        let told = with("region = 'us-east-1'\nuser_pool_id = 'eu-central-1_AbCdEfGhI'\n").unwrap();
        assert!(told.len() == 1 && told[0].starts_with("In profile \"home\" \"region\" is not "), "{told:?}");
    }
}
