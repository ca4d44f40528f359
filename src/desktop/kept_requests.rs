//! The lock requests in a file of the user's runtime folder, so that a daemon that crashed still knows them.
//!
//! A screen locker that never sets `LockedHint` leaves no other trace of them. The folder ends with the user's last
//! session (XDG Base Directory Specification), and logind uses no id of a session twice before that.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::lock_requests::LockRequests;
use super::logind_state::LogindState;
use crate::state_file::{Content, Error, StateFile};

/// The name of the file.
const NAME: &str = "lock-requests";

impl Content for LockRequests {}

/// The file, and its last content.
#[derive(Debug)]
pub(super) struct KeptRequests {
    /// `None` without a runtime folder.
    file: Option<Arc<StateFile>>,
    last: LockRequests,
}

impl KeptRequests {
    /// The file `lock-requests` in this folder, which is created with the first request.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let file = folder.map(|folder| Arc::new(StateFile::bare(folder, NAME)));
        Self { file, last: LockRequests::default() }
    }

    /// The requests that were kept. If they cannot be read, every session counts as requested to lock.
    pub(super) async fn read(&mut self) -> LockRequests {
        let Some(file) = self.file.clone() else { return LockRequests::default() };
        let path = file.path();
        let read = spawn_blocking(move || file.read()).await;
        self.last = match read {
            Ok(Ok(requests)) => requests,
            Ok(Err(error)) => {
                tracing::warn!(
                    "{} is not usable, because {error}, so the screen counts as locked; run \"loginctl unlock-session\"",
                    path.display()
                );
                LockRequests::unknown()
            }
            // The daemon is ending.
            Err(_) => LockRequests::unknown(),
        };
        self.last.clone()
    }

    /// Writes the requests after each change, until the sender is dropped.
    pub(super) async fn follow(&mut self, mut state: watch::Receiver<LogindState>) -> Option<()> {
        loop {
            let now = state.borrow_and_update().lock_requests.clone();
            if now != self.last && self.write(now.clone()).await {
                self.last = now;
            }
            state.changed().await.ok()?;
        }
    }

    /// Whether the requests were written.
    async fn write(&self, requests: LockRequests) -> bool {
        let Some(file) = self.file.clone() else { return true };
        let path = file.path();
        let replace = move || {
            file.update_or_restart(|content| {
                *content = requests;
                Ok::<_, Error>(())
            })
        };
        let written = spawn_blocking(replace).await;
        if let Ok(Err(error)) = &written {
            tracing::warn!(
                "{} is not usable, because {error}, so a restart of the daemon forgets whether the screen is locked; check it",
                path.display()
            );
        }
        matches!(written, Ok(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use zbus::OwnedObjectPath;
    use zbus::message::Message;

    use super::super::lock_requests::SESSION;
    use super::*;
    use crate::signals::ServiceEvent;

    const ONE: &str = "/org/freedesktop/login1/session/_31";

    fn sessions() -> [OwnedObjectPath; 1] {
        [OwnedObjectPath::try_from(ONE).unwrap()]
    }

    /// Keeps the requests after these signals to the session, as one daemon does.
    async fn keep(folder: &std::path::Path, members: &[&str]) {
        let mut kept = KeptRequests::new(Some(folder.to_owned()));
        let state = watch::Sender::new(LogindState::of(kept.read().await));
        for member in members {
            let signal = Message::signal(ONE, SESSION, *member).build(&()).unwrap();
            state.send_if_modified(|state| state.apply(ServiceEvent::Signal(&signal)));
        }
        let receiver = state.subscribe();
        drop(state);
        kept.follow(receiver).await;
    }

    async fn is_locked(folder: &std::path::Path) -> bool {
        KeptRequests::new(Some(folder.to_owned())).read().await.lock(&sessions())
    }

    #[tokio::test]
    async fn a_request_outlives_the_daemon_and_its_end_does_so_too() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("oathbridge");
        keep(&folder, &[]).await;
        assert!(!folder.exists(), "nothing is written without a request");
        keep(&folder, &["Lock"]).await;
        assert!(is_locked(&folder).await);
        let mode = fs::metadata(folder.join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        keep(&folder, &["Unlock"]).await;
        assert!(!is_locked(&folder).await);
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_locks_until_a_lock_ends() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(NAME), "?").unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(is_locked(directory.path()).await);
        keep(directory.path(), &["Lock"]).await;
        assert!(is_locked(directory.path()).await);
        keep(directory.path(), &["Unlock"]).await;
        assert!(!is_locked(directory.path()).await);
    }
}
