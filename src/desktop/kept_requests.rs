//! The lock requests in a file of the user's runtime folder, so that a daemon that crashed still knows them.
//!
//! A screen locker that never sets `LockedHint` leaves no other trace of them. The folder may outlast the sessions (a
//! user may linger), and logind may use the id of a session again. So what belongs to no session of its list is dropped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};

use super::lock_requests::LockRequests;
use super::logind_state::LogindState;
use crate::state_file::{Content, Error, StateFile};

/// The name of the file.
const NAME: &str = "lock-requests";

/// The pause after a failed write. The folder may be full, or another daemon may hold the lock.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Content for LockRequests {
    fn is_sound(&self) -> bool {
        self.are_possible()
    }
}

/// The file, and its content.
#[derive(Debug)]
pub(super) struct KeptRequests {
    /// `None` without a runtime folder.
    file: Option<Arc<StateFile>>,
    /// `None` during a write, and after one that failed or was interrupted.
    content: Option<LockRequests>,
    /// The write that runs, also after the loss of the bus has interrupted the waiting for it.
    writing: Option<JoinHandle<Result<(), Error>>>,
    /// The error that was logged; it is logged once, not at each attempt.
    logged: Option<Error>,
    retry_interval: Duration,
}

impl KeptRequests {
    /// The file `lock-requests` in this folder, which is created with the first request.
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        let file = folder.map(|folder| Arc::new(StateFile::bare(folder, NAME)));
        Self { file, content: None, writing: None, logged: None, retry_interval: RETRY_INTERVAL }
    }

    /// The requests that were kept. If they cannot be read, every session counts as requested to lock.
    pub(super) async fn read(&mut self) -> LockRequests {
        let Some(file) = self.file.clone() else { return LockRequests::default() };
        let path = file.path();
        let read = spawn_blocking(move || file.read()).await;
        let requests = match read {
            Ok(Ok(requests)) => requests,
            Ok(Err(error)) => {
                tracing::warn!(
                    "{} is not usable, because {error}, so the screen of a session at a seat counts as locked; \
                     run \"loginctl unlock-session\", or remove the file and restart the daemon",
                    path.display()
                );
                LockRequests::unknown()
            }
            // The daemon is ending.
            Err(_) => LockRequests::unknown(),
        };
        self.content = Some(requests.clone());
        requests
    }

    /// Writes the requests after each change, until the sender is dropped.
    pub(super) async fn follow(&mut self, mut state: watch::Receiver<LogindState>) -> Option<()> {
        loop {
            let now = state.borrow_and_update().lock_requests.clone();
            let is_written = Some(&now) == self.content.as_ref() || self.write(now).await;
            tokio::select! {
                changed = state.changed() => changed.ok()?,
                () = tokio::time::sleep(self.retry_interval), if !is_written => {}
            }
        }
    }

    /// Whether the requests were written. An unusable file is replaced, because nothing in it is needed any more.
    async fn write(&mut self, requests: LockRequests) -> bool {
        let Some(file) = self.file.clone() else { return true };
        // It must not overtake this one.
        if let Some(earlier) = &mut self.writing {
            let _ = earlier.await;
        }
        self.content = None;
        let (path, content) = (file.path(), requests.clone());
        let written = self.writing.insert(spawn_blocking(move || file.overwrite(&content))).await;
        self.writing = None;
        let error = written.map_or(None, Result::err);
        if let Some(error) = error
            && self.logged != Some(error)
        {
            tracing::warn!(
                "{} cannot be written, because {error}, so a restart of the daemon may forget whether the screen is locked; \
                 check it",
                path.display()
            );
        }
        self.logged = error;
        if error.is_none() {
            self.content = Some(requests);
        }
        error.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use futures_util::FutureExt;
    use zbus::OwnedObjectPath;
    use zbus::message::Message;

    use super::super::login1::SESSION;
    use super::*;
    use crate::signals::ServiceEvent;

    const ONE: &str = "/org/freedesktop/login1/session/_31";

    fn sessions() -> [OwnedObjectPath; 1] {
        [OwnedObjectPath::try_from(ONE).unwrap()]
    }

    /// Keeps the requests after these signals to the session, as one daemon does.
    async fn keep(folder: &std::path::Path, members: &[&str]) {
        let mut kept = KeptRequests::new(Some(folder.to_owned()));
        let state = watch::Sender::new(LogindState::of(kept.read().await, false));
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

    #[tokio::test]
    async fn an_unlock_replaces_every_file_that_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let file = directory.path().join(NAME);
        let maximum = format!(
            "{{\"version\": 1, \"requested\": {{}}, \"ended\": {{\"{ONE}\": {}}}, \"is_unknown\": false}}",
            u64::MAX
        );
        for text in ["{\"version\": 2}", maximum.as_str()] {
            fs::write(&file, text).unwrap();
            assert!(is_locked(directory.path()).await, "{text}");
            keep(directory.path(), &["Unlock"]).await;
            assert!(!is_locked(directory.path()).await, "{text}");
        }
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("elsewhere", &file).unwrap();
        keep(directory.path(), &["Unlock"]).await;
        assert!(!is_locked(directory.path()).await);
    }

    /// A state with a request, and a daemon that has read no file.
    async fn requested(folder: &std::path::Path) -> (KeptRequests, watch::Sender<LogindState>) {
        let mut kept = KeptRequests::new(Some(folder.to_owned()));
        kept.retry_interval = Duration::from_millis(1);
        let state = watch::Sender::new(LogindState::of(kept.read().await, false));
        request(&state, "Lock");
        (kept, state)
    }

    fn request(state: &watch::Sender<LogindState>, member: &str) {
        let signal = Message::signal(ONE, SESSION, member).build(&()).unwrap();
        state.send_if_modified(|state| state.apply(ServiceEvent::Signal(&signal)));
    }

    async fn until(is_true: impl Fn() -> bool) {
        let waiting = async {
            while !is_true() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it did not become true");
    }

    #[tokio::test]
    async fn a_failed_write_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let (file, lock) = (directory.path().join(NAME), directory.path().join("lock-requests.bare.lock"));
        fs::create_dir_all(file.join("in the way")).unwrap();
        let (mut kept, state) = requested(directory.path()).await;
        let receiver = state.subscribe();
        let following = tokio::spawn(async move { kept.follow(receiver).await });
        // Each attempt creates the file of the lock.
        until(|| lock.exists()).await;
        fs::remove_file(&lock).unwrap();
        until(|| lock.exists()).await;
        fs::remove_dir_all(&file).unwrap();
        until(|| file.is_file()).await;
        drop(state);
        following.await.unwrap();
        assert!(is_locked(directory.path()).await);
    }

    /// Interrupts the first of two writes, as the loss of the bus does, and returns when both have ended.
    fn interrupt(folder: &std::path::Path) {
        let lock = folder.join("lock-requests.bare.lock");
        let held = fs::File::create(&lock).unwrap();
        held.lock().unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
        let writing = async {
            let (mut kept, state) = requested(folder).await;
            {
                let mut first = std::pin::pin!(kept.follow(state.subscribe()));
                assert!(first.as_mut().now_or_never().is_none());
                // An attempt changes the mode. It finds the lock held, and tries again after a pause.
                until(|| fs::metadata(&lock).unwrap().permissions().mode() & 0o777 == 0o600).await;
            }
            request(&state, "Unlock");
            let second = kept.follow(state.subscribe());
            drop((held, state));
            second.await;
        };
        // The end of the runtime waits for the threads.
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(writing);
    }

    #[test]
    fn no_write_overtakes_an_earlier_one() {
        for attempt in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
            interrupt(directory.path());
            let kept: LockRequests = StateFile::bare(directory.path().to_owned(), NAME).read().unwrap();
            assert!(!kept.may_lock(), "attempt {attempt}");
        }
    }
}
