//! The lock of the user's screen, as the daemon or logind tells it.

use std::time::Duration;

use serde::Serialize;
use zbus::Connection;
use zbus::fdo::PropertiesProxy;
use zbus::names::InterfaceName;

use super::bus::within;
use super::proxies::Extra;

/// The lock of the screen, by the words of `GetCallerInfo`. Its serialised form is part of the `--json` output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ScreenLock {
    Unlocked,
    /// The daemon has not learned it and refuses codes, although there may be a logind.
    Unknown,
    LockRequested,
    Locked,
}

impl ScreenLock {
    /// The lock that the daemon tells, if it knows it.
    pub(super) fn of_caller_info(info: &Extra) -> Option<Self> {
        match <&str>::try_from(info.get("screen")?).ok()? {
            "unlocked" => Some(Self::Unlocked),
            "unknown" => Some(Self::Unknown),
            "lock-requested" => Some(Self::LockRequested),
            "locked" => Some(Self::Locked),
            _ => None,
        }
    }

    /// `LockedHint` of the caller's session, or else of the user's session on the display (org.freedesktop.login1(5)).
    pub(super) async fn of_logind(timeout: Duration) -> Option<Self> {
        let interface = InterfaceName::from_static_str_unchecked("org.freedesktop.login1.Session");
        let asking = async {
            let system = Connection::system().await.ok()?;
            let proxy = PropertiesProxy::builder(&system)
                .destination("org.freedesktop.login1")
                .path("/org/freedesktop/login1/session/auto")
                .build();
            proxy.await.ok()?.get(interface, "LockedHint").await.ok()
        };
        let is_locked = bool::try_from(within(timeout, asking).await.ok()??).ok()?;
        Some(if is_locked { Self::Locked } else { Self::Unlocked })
    }

    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Unlocked => "the screen is not locked",
            Self::Unknown => {
                "it is not known whether the screen is locked, so it counts as locked; check systemd-logind and the system bus"
            }
            Self::LockRequested => {
                "the screen was requested to lock; loginctl unlock-session ends the request"
            }
            Self::Locked => "the screen is locked",
        }
    }
}

#[cfg(test)]
mod tests {
    use zbus::{OwnedVariant, Variant};

    use super::*;

    #[test]
    fn a_screen_that_is_not_known_is_told_apart_from_a_system_without_logind() {
        let of = |word: &'static str| {
            let word = OwnedVariant::try_from(Variant::from(word)).unwrap();
            ScreenLock::of_caller_info(&[("screen".to_owned(), word)].into())
        };
        let sentence = of("unknown").unwrap().sentence();
        assert!(sentence.contains("counts as locked"), "{sentence}");
        assert!(of("another").is_none());
        assert!(ScreenLock::of_caller_info(&Extra::new()).is_none());
    }
}
