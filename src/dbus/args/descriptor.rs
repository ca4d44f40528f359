//! Secrets in file descriptors, which are invisible to monitors of the bus.

use std::collections::HashMap;
use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zbus::Fd;

use super::source::{read_all, too_slow};
use crate::clock::Clock;
use crate::dbus::census::Counted;
use crate::dbus::descriptors::Held;
use crate::dbus::error::Error;
use crate::secret::SecretText;
use crate::sync::IgnorePoison;

/// The timeout for reading a descriptor, and for the wait before it is read.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of descriptors of one connection that are read at once. Reading a network file may hang for ever, so each
/// descriptor is read on a thread.
pub(in crate::dbus) const DESCRIPTORS_PER_CALLER: usize = 2;

/// The number of descriptors of one program that are read at once. So one program with many connections cannot take all
/// threads.
const DESCRIPTORS_PER_PROGRAM: usize = 4;

/// The number of descriptors of all callers that are read at once.
const MAX_READS: usize = 16;

/// A secret in a call.
pub(in crate::dbus) enum Passed {
    /// In the message.
    Text(SecretText),
    /// In a descriptor, not read yet.
    Descriptor(Fd<'static>),
}

/// The permits to read descriptors.
#[derive(Debug)]
pub(in crate::dbus) struct Readers {
    all: Arc<Semaphore>,
    /// The permits of the programs whose descriptors are read now.
    programs: Mutex<HashMap<String, Weak<Semaphore>>>,
    clock: Arc<dyn Clock>,
}

/// The permits to read one descriptor: of its connection, of its program, and of all programs.
type Permits = [OwnedSemaphorePermit; 3];

impl Readers {
    pub(in crate::dbus) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_READS)), programs: Mutex::default(), clock }
    }

    /// Reads a secret of a program: a regular file or memfd from its start, a pipe or socket to its end. Removes one final line
    /// break.
    ///
    /// # Errors
    ///
    /// `InvalidArgs` for other kinds of descriptors, more than 64 KiB, empty content, content that is not UTF-8, and a writer
    /// that takes longer than two seconds. `Busy` if it waits for two seconds while others are read.
    pub(in crate::dbus) async fn read(
        &self,
        (descriptor, counted): (Held, Counted),
        own: &Arc<Semaphore>,
        program: &str,
    ) -> Result<SecretText, Error> {
        let permits = match descriptor.is_in_memory() {
            true => None,
            false => Some(self.permits(own, program).await?),
        };
        // The thread sees the end of this pipe when the caller leaves or the time is over.
        let (end, _waits) = pipe_with(PipeFlags::CLOEXEC).map_err(|_| Error::internal())?;
        let reading = tokio::task::spawn_blocking(move || {
            // Held by the thread, so that a thread that hangs counts.
            let _held = (permits, counted);
            descriptor.fd().map_or_else(|| Err(Error::internal()), |fd| read_all(fd, &end))
        });
        let read = tokio::select! {
            biased;
            read = reading => read,
            () = self.clock.sleep(READ_TIMEOUT) => return Err(too_slow()),
        };
        let mut bytes = read.map_err(|_| Error::internal())??;
        if bytes.is_empty() {
            return Err(Error::invalid("The file descriptor is empty; write the secret to it"));
        }
        SecretText::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| {
            Error::invalid("The content of the file descriptor is not UTF-8 text; write the secret as text")
        })
    }

    /// Waits for the permits. The caller's own limits come first, so that its waiting descriptors do not delay other callers.
    async fn permits(&self, own: &Arc<Semaphore>, program: &str) -> Result<Permits, Error> {
        let (own, program, all) = (Arc::clone(own), self.program(program), Arc::clone(&self.all));
        let permits = async {
            Ok([own.acquire_owned().await?, program.acquire_owned().await?, all.acquire_owned().await?])
        };
        let mut permits = pin!(permits);
        let permits = tokio::select! {
            biased;
            permits = &mut permits => permits,
            // Without a timer if none has to be awaited.
            () = ready(()) => tokio::select! {
                biased;
                permits = &mut permits => permits,
                () = self.clock.sleep(READ_TIMEOUT) => return Err(Error::busy()),
            },
        };
        permits.map_err(|_: tokio::sync::AcquireError| Error::internal())
    }

    /// The permits of a program. They exist while one of its descriptors is read or waits.
    fn program(&self, name: &str) -> Arc<Semaphore> {
        let mut programs = self.programs.lock().ignore_poison();
        if let Some(known) = programs.get(name).and_then(Weak::upgrade) {
            return known;
        }
        programs.retain(|_, permits| permits.strong_count() > 0);
        let permits = Arc::new(Semaphore::new(DESCRIPTORS_PER_PROGRAM));
        programs.insert(name.to_owned(), Arc::downgrade(&permits));
        permits
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{PipeReader, Write, pipe};
    use std::os::fd::OwnedFd;

    use futures_util::FutureExt;

    use super::*;
    use crate::clock::ManualClock;
    use crate::dbus::census::{Census, Item};
    use crate::dbus::descriptors::Closers;
    use crate::secret::sealed;

    fn written(text: &str) -> PipeReader {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(text.as_bytes()).unwrap();
        reader
    }

    async fn read(readers: &Readers, own: &Own, fd: impl Into<OwnedFd>) -> Result<String, Error> {
        let held = Held::new(fd.into(), &Closers::new());
        let counted = Census::default().count(Item::Descriptor);
        readers.read((held, counted), &own.0, own.1).await.map(|secret| secret.expose().to_owned())
    }

    /// Permits that are never returned, like those of descriptors that hang; as many as there are at once.
    async fn hang(readers: &Readers, own: &Own) -> Vec<Permits> {
        let mut hanging = Vec::new();
        while let Some(permits) = readers.permits(&own.0, own.1).now_or_never() {
            hanging.push(permits.unwrap());
        }
        hanging
    }

    /// The permits of a connection, and its program.
    type Own = (Arc<Semaphore>, &'static str);

    fn caller(program: &'static str) -> Own {
        (Arc::new(Semaphore::new(DESCRIPTORS_PER_CALLER)), program)
    }

    fn readers() -> (Readers, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Duration::ZERO));
        (Readers::new(clock.clone()), clock)
    }

    async fn time_is_over(clock: &ManualClock) {
        clock.wait_for_sleeper(READ_TIMEOUT).await;
        clock.advance(READ_TIMEOUT);
    }

    #[tokio::test]
    async fn descriptors_that_hang_delay_only_their_own_caller() {
        let (readers, clock) = readers();
        let (one, two) = (caller("a"), caller("a"));
        let _hanging = hang(&readers, &one).await;
        let (other, in_memory) = tokio::join!(
            read(&readers, &two, written("other")),
            read(&readers, &one, sealed(b"in memory").unwrap()),
        );
        assert_eq!((other.as_deref(), in_memory.as_deref()), (Ok("other"), Ok("in memory")));
        let (own, ()) = tokio::join!(read(&readers, &one, written("third")), time_is_over(&clock));
        assert_eq!(own, Err(Error::busy()));
    }

    #[tokio::test]
    async fn a_program_with_many_connections_leaves_threads_to_others() {
        let (readers, clock) = readers();
        let connections: Vec<_> = std::iter::repeat_with(|| caller("a")).take(2 * MAX_READS).collect();
        let mut hanging = Vec::new();
        for connection in &connections {
            hanging.extend(hang(&readers, connection).await);
        }
        assert_eq!(hanging.len(), DESCRIPTORS_PER_PROGRAM);
        assert_eq!(read(&readers, &caller("b"), written("other")).await.as_deref(), Ok("other"));
        let more = caller("a");
        let (own, ()) = tokio::join!(read(&readers, &more, written("own")), time_is_over(&clock));
        assert_eq!(own, Err(Error::busy()));
        drop(hanging);
        assert_eq!(read(&readers, &caller("a"), written("own")).await.as_deref(), Ok("own"));
    }

    #[tokio::test]
    async fn a_descriptor_waits_while_too_many_are_read() {
        let (readers, clock) = readers();
        let mut hanging = Vec::new();
        for program in ["a", "b", "c", "d"] {
            hanging.extend(hang(&readers, &caller(program)).await);
            hanging.extend(hang(&readers, &caller(program)).await);
        }
        assert_eq!(hanging.len(), MAX_READS);
        let (file, other) = (File::open("/proc/self/comm").unwrap(), caller("e"));
        let (refused, ()) = tokio::join!(read(&readers, &other, file), time_is_over(&clock));
        assert_eq!(refused, Err(Error::busy()));
        let released = async { drop(hanging.pop()) };
        let (secret, ()) = tokio::join!(read(&readers, &other, written("at last")), released);
        assert_eq!(secret.as_deref(), Ok("at last"));
    }

    #[tokio::test]
    async fn the_thread_ends_when_the_time_is_over_or_the_caller_leaves() {
        let (readers, clock) = readers();
        let (reader, _writer) = pipe().unwrap();
        let again = reader.try_clone().unwrap();
        let own = caller("a");
        let (late, ()) = tokio::join!(read(&readers, &own, reader), time_is_over(&clock));
        assert_eq!(late, Err(too_slow()));
        let leaves = clock.wait_for_sleeper(READ_TIMEOUT);
        tokio::select! {
            biased;
            _ = read(&readers, &own, again) => unreachable!(),
            () = leaves => {}
        }
        let all = u32::try_from(MAX_READS).unwrap();
        let _permits = readers.all.acquire_many(all).await.unwrap();
    }
}
