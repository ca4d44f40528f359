//! The descriptors that are not closed yet, by program.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The number of threads. Each may hang for as long as a caller's file system does.
pub(super) const MAX_THREADS: usize = 8;

/// The number of threads that close descriptors of one program at a time.
const THREADS_PER_PROGRAM: usize = 2;

/// The share of one program: this fraction of what all programs together may hold.
const PROGRAM_SHARE: usize = 8;

/// The descriptors that callers have passed and that are not closed yet.
#[derive(Debug)]
pub(super) struct Unclosed {
    most: usize,
    held: usize,
    /// The running threads.
    pub(super) threads: usize,
    /// The programs that hold any. Connections that are not identified yet share the empty name.
    programs: HashMap<Arc<str>, Own>,
}

/// Those of one program.
#[derive(Debug, Default)]
struct Own {
    held: usize,
    waiting: VecDeque<OwnedFd>,
    /// The threads that close one of them.
    closing: usize,
}

impl Unclosed {
    /// None, and at most this many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: 0, threads: 0, programs: HashMap::new() }
    }

    pub(super) fn count(&mut self, program: &Arc<str>) {
        self.held += 1;
        self.programs.entry(Arc::clone(program)).or_default().held += 1;
    }

    pub(super) fn uncount(&mut self, program: &Arc<str>) {
        let Some(own) = self.programs.get_mut(program) else { return };
        own.held = own.held.saturating_sub(1);
        if own.held == 0 {
            self.programs.remove(program);
        }
        self.held = self.held.saturating_sub(1);
    }

    /// Whether a program has no room.
    pub(super) fn is_crowded(&self) -> bool {
        let share = self.share();
        self.held >= share && self.programs.values().any(|own| own.held >= share) || self.held >= self.most
    }

    /// Whether a program may pass more descriptors.
    pub(super) fn has_room(&self, program: &str) -> bool {
        self.held < self.most && self.programs.get(program).is_none_or(|own| own.held < self.share())
    }

    /// Adds a counted descriptor that is to be closed.
    pub(super) fn queue(&mut self, fd: OwnedFd, program: &Arc<str>) {
        self.programs.entry(Arc::clone(program)).or_default().waiting.push_back(fd);
    }

    /// Whether one more thread has something to close.
    pub(super) fn has_work(&self) -> bool {
        self.programs.values().any(Own::has_work)
    }

    /// The next descriptor for a thread; without one the thread ends.
    pub(super) fn next(&mut self) -> Option<(Arc<str>, OwnedFd)> {
        // Of the programs with work, the one with the fewest threads.
        let with_work = self.programs.iter_mut().filter(|(_, own)| own.has_work());
        let next = with_work.min_by_key(|(_, own)| own.closing).and_then(|(program, own)| {
            let fd = own.waiting.pop_front()?;
            own.closing += 1;
            Some((Arc::clone(program), fd))
        });
        self.threads -= usize::from(next.is_none());
        next
    }

    /// A thread has closed a descriptor of this program.
    pub(super) fn closed(&mut self, program: &Arc<str>) {
        if let Some(own) = self.programs.get_mut(program) {
            own.closing = own.closing.saturating_sub(1);
        }
        self.uncount(program);
    }

    fn share(&self) -> usize {
        (self.most / PROGRAM_SHARE).max(1)
    }
}

impl Own {
    fn has_work(&self) -> bool {
        self.closing < THREADS_PER_PROGRAM && !self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(unclosed: &mut Unclosed, name: &str, count: usize) {
        for _ in 0..count {
            let program = name.into();
            unclosed.count(&program);
            unclosed.queue(std::io::pipe().unwrap().0.into(), &program);
        }
    }

    #[test]
    fn a_program_whose_closes_hang_leaves_room_and_threads_to_others() {
        let mut unclosed = Unclosed::new(800);
        queue(&mut unclosed, "hangs", 99);
        unclosed.threads = MAX_THREADS;
        assert!(!unclosed.is_crowded() && unclosed.has_room("hangs"));
        queue(&mut unclosed, "hangs", 1);
        assert!(unclosed.is_crowded() && !unclosed.has_room("hangs") && unclosed.has_room("other"));
        let hanging: Vec<_> = (0..THREADS_PER_PROGRAM).filter_map(|_| unclosed.next()).collect();
        assert_eq!(hanging.len(), THREADS_PER_PROGRAM);
        assert!(!unclosed.has_work());
        queue(&mut unclosed, "other", 1);
        let (other, _fd) = unclosed.next().unwrap();
        assert_eq!(&*other, "other");
        unclosed.closed(&other);
        assert!(unclosed.next().is_none());
        assert_eq!(unclosed.threads, MAX_THREADS - 1);
        // The first of the hanging ones is closed after all, and its thread goes on with the next one.
        unclosed.closed(&"hangs".into());
        assert!(unclosed.has_room("hangs") && !unclosed.is_crowded());
        assert_eq!(&*unclosed.next().unwrap().0, "hangs");
    }

    #[test]
    fn all_programs_together_are_limited_and_nothing_stays_of_those_that_hold_none() {
        let mut unclosed = Unclosed::new(80);
        let programs: Vec<Arc<str>> = (0..8).map(|number| number.to_string().into()).collect();
        for program in programs.iter().cycle().take(80) {
            assert!(unclosed.has_room("other"));
            unclosed.count(program);
        }
        assert!(unclosed.is_crowded() && !unclosed.has_room("other"));
        for program in programs.iter().cycle().take(80) {
            unclosed.uncount(program);
        }
        assert!(unclosed.programs.is_empty() && unclosed.held == 0 && !unclosed.is_crowded());
    }
}
