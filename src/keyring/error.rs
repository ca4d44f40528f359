//! The errors of the keyring.

use zbus::fdo;

/// The reason why the keyring was not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No program has the name of the Secret Service, and none could be started.
    #[error("the session bus has no keyring (Secret Service)")]
    Absent,
    /// It has no default collection to store in.
    #[error("the keyring has no default collection")]
    NoCollection,
    /// It is locked, and the user was not asked.
    #[error("the keyring is locked")]
    Locked,
    /// The user refused, or closed the question.
    #[error("the question of the keyring was dismissed")]
    Dismissed,
    /// It did not answer in time.
    #[error("the keyring does not answer")]
    Silent,
    /// It refused, with the name of its error.
    #[error("the keyring refused with {0}")]
    Refused(String),
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        use zbus::DBusError;
        match error.into() {
            fdo::Error::ServiceUnknown(_)
            | fdo::Error::NameHasNoOwner(_)
            | fdo::Error::SpawnServiceNotFound(_) => Self::Absent,
            fdo::Error::NoReply(_) | fdo::Error::TimedOut(_) | fdo::Error::Timeout(_) => Self::Silent,
            fdo::Error::ZBus(error) => match error {
                zbus::Error::MethodError(name, ..) => Self::named(name.as_str()),
                other => Self::Refused(other.to_string()),
            },
            error => Self::named(error.name().as_str()),
        }
    }
}

impl Error {
    fn named(name: &str) -> Self {
        match name {
            "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
            name => Self::Refused(name.to_owned()),
        }
    }
}
