//! One descriptor of a caller.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::fcntl_get_seals;

use super::closers::Closers;

/// A descriptor of a caller. Dropping it never blocks.
#[derive(Debug)]
pub(in crate::dbus) struct Held {
    /// `None` once it is closed or taken.
    fd: Option<OwnedFd>,
    closers: Closers,
    /// The name that it counts for: of its program, else of its connection; empty if neither is known.
    program: Arc<str>,
}

impl Held {
    /// Takes a received descriptor.
    pub(in crate::dbus) fn new(fd: OwnedFd, closers: &Closers) -> Self {
        let program = Arc::default();
        closers.count(&program);
        Self { fd: Some(fd), closers: closers.clone(), program }
    }

    /// Counts it for this program from now on.
    pub(in crate::dbus) fn charge(&mut self, program: &Arc<str>) {
        self.closers.count(program);
        self.closers.uncount(&self.program);
        self.program = Arc::clone(program);
    }

    /// Whether it is a file in memory, which alone has seals (F_GET_SEALS(2const)): reading and closing it cannot block.
    pub(in crate::dbus) fn is_in_memory(&self) -> bool {
        self.fd.as_ref().is_some_and(is_in_memory)
    }

    /// The descriptor itself, which the bus has passed and not a caller.
    pub(in crate::dbus) fn into_inner(mut self) -> Option<OwnedFd> {
        let fd = self.fd.take()?;
        self.closers.uncount(&self.program);
        Some(fd)
    }

    /// The descriptor, for the thread that reads it.
    pub(in crate::dbus) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.fd.take() {
            None => {}
            Some(fd) if is_in_memory(&fd) => {
                drop(fd);
                self.closers.uncount(&self.program);
            }
            Some(fd) => self.closers.close(fd, &self.program),
        }
    }
}

fn is_in_memory(fd: &OwnedFd) -> bool {
    fcntl_get_seals(fd).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_in_memory_are_closed_without_a_thread() {
        let closers = Closers::new();
        let memory = Held::new(crate::secret::sealed(b"x").unwrap(), &closers);
        assert!(memory.is_in_memory() && memory.fd().is_some());
        let (reader, _writer) = std::io::pipe().unwrap();
        assert!(!Held::new(reader.into(), &closers).is_in_memory());
        let (reader, _writer) = std::io::pipe().unwrap();
        assert!(Held::new(reader.into(), &closers).into_inner().is_some());
    }

    #[test]
    fn a_descriptor_counts_for_its_program_until_it_is_closed() {
        let closers = Closers::with_limit(16);
        let held = || Held::new(crate::secret::sealed(b"x").unwrap(), &closers);
        let mut two = [held(), held()];
        assert!(!closers.has_room(""));
        two.iter_mut().for_each(|held| held.charge(&"a".into()));
        assert!(closers.has_room("") && !closers.has_room("a"));
        drop(two);
        assert!(closers.has_room("a"));
    }
}
