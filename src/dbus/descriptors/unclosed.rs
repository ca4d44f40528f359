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

/// The share of all connections together whose programs are not known, in shares of one program.
const STRANGERS_SHARES: usize = 2;

/// The descriptors that callers have passed and that are not closed yet.
#[derive(Debug)]
pub(super) struct Unclosed {
    most: usize,
    held: usize,
    /// The running threads.
    pub(super) threads: usize,
    /// The programs that hold any. A connection whose program is not known has its unique name instead.
    programs: HashMap<Arc<str>, Own>,
    /// The number that connections of unknown programs hold.
    strangers: usize,
    /// The connections that became known while they held some: their programs, and the number that still has the name
    /// of the connection.
    known: HashMap<Arc<str>, (Arc<str>, usize)>,
}

/// Those of one program.
#[derive(Debug, Default)]
struct Own {
    held: usize,
    /// With the names that they were counted for.
    waiting: VecDeque<(Arc<str>, OwnedFd)>,
    /// The threads that close one of them.
    closing: usize,
}

impl Unclosed {
    /// None, and at most this many.
    pub(super) fn new(most: usize) -> Self {
        Self { most, held: 0, threads: 0, programs: HashMap::new(), strangers: 0, known: HashMap::new() }
    }

    pub(super) fn count(&mut self, program: &Arc<str>) {
        let payer = match self.known.get_mut(program) {
            Some((payer, count)) => {
                *count += 1;
                Arc::clone(payer)
            }
            None => Arc::clone(program),
        };
        self.held += 1;
        self.strangers += usize::from(is_stranger(&payer));
        self.programs.entry(payer).or_default().held += 1;
    }

    pub(super) fn uncount(&mut self, program: &Arc<str>) {
        let payer = self.payer(program);
        if let Some((_, count)) = self.known.get_mut(program) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.known.remove(program);
            }
        }
        let Some(own) = self.programs.get_mut(&payer) else { return };
        own.held = own.held.saturating_sub(1);
        if own.held == 0 {
            self.programs.remove(&payer);
        }
        self.held = self.held.saturating_sub(1);
        self.strangers = self.strangers.saturating_sub(usize::from(is_stranger(&payer)));
    }

    /// The program of a connection is known: what the connection holds counts for the program from now on.
    pub(super) fn know(&mut self, connection: &str, program: &Arc<str>) {
        if **program == *connection {
            return;
        }
        let Some((connection, own)) = self.programs.remove_entry(connection) else { return };
        self.strangers = self.strangers.saturating_sub(own.held);
        let payer = self.programs.entry(Arc::clone(program)).or_default();
        payer.held += own.held;
        payer.closing += own.closing;
        payer.waiting.extend(own.waiting);
        self.known.insert(connection, (Arc::clone(program), own.held));
    }

    /// The program that pays for what was counted for this name.
    fn payer(&self, name: &Arc<str>) -> Arc<str> {
        Arc::clone(self.known.get(name).map_or(name, |(payer, _)| payer))
    }

    /// Whether a program has no room.
    pub(super) fn is_crowded(&self) -> bool {
        let share = self.share();
        let is_one = || self.programs.values().any(|own| own.held >= share);
        self.held >= share && (self.are_strangers_many() || is_one()) || self.held >= self.most
    }

    /// Whether a program may pass more descriptors.
    pub(super) fn has_room(&self, program: &str) -> bool {
        self.held < self.most
            && self.programs.get(program).is_none_or(|own| own.held < self.share())
            && !(is_stranger(program) && self.are_strangers_many())
    }

    fn are_strangers_many(&self) -> bool {
        self.strangers >= STRANGERS_SHARES * self.share()
    }

    /// Adds a counted descriptor that is to be closed.
    pub(super) fn queue(&mut self, fd: OwnedFd, program: &Arc<str>) {
        let payer = self.payer(program);
        self.programs.entry(payer).or_default().waiting.push_back((Arc::clone(program), fd));
    }

    /// Whether one more thread has something to close.
    pub(super) fn has_work(&self) -> bool {
        let may_strangers = self.may_strangers_close();
        self.programs.iter().any(|(name, own)| own.has_work() && (may_strangers || !is_stranger(name)))
    }

    /// Whether one more thread may close for connections of unknown programs, which together have as many as a program.
    fn may_strangers_close(&self) -> bool {
        let strangers = self.programs.iter().filter(|(name, _)| is_stranger(name));
        strangers.map(|(_, own)| own.closing).sum::<usize>() < THREADS_PER_PROGRAM
    }

    /// The next descriptor for a thread, with the name that it was counted for; without one the thread ends.
    pub(super) fn next(&mut self) -> Option<(Arc<str>, OwnedFd)> {
        // Of the programs with work, the one with the fewest threads.
        let may_strangers = self.may_strangers_close();
        let may_close = |name: &str| may_strangers || !is_stranger(name);
        let with_work = self.programs.iter_mut().filter(|(name, own)| own.has_work() && may_close(name));
        let next = with_work.min_by_key(|(_, own)| own.closing).and_then(|(_, own)| {
            let next = own.waiting.pop_front()?;
            own.closing += 1;
            Some(next)
        });
        self.threads -= usize::from(next.is_none());
        next
    }

    /// A thread has closed a descriptor that was counted for this name.
    pub(super) fn closed(&mut self, program: &Arc<str>) {
        let payer = self.payer(program);
        if let Some(own) = self.programs.get_mut(&payer) {
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

/// Whether this is the unique name of a connection (D-Bus Specification, "Bus names"), and not a program.
fn is_stranger(name: &str) -> bool {
    name.starts_with(':')
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
    fn what_a_connection_holds_counts_for_its_program_as_soon_as_that_is_known() {
        let mut unclosed = Unclosed::new(80);
        unclosed.threads = MAX_THREADS;
        queue(&mut unclosed, ":1.5", 10);
        assert!(!unclosed.has_room(":1.5") && unclosed.has_room(":1.6") && unclosed.has_room("hangs"));
        let (counted_for, _fd) = unclosed.next().unwrap();
        unclosed.know(":1.5", &"hangs".into());
        assert!(!unclosed.has_room("hangs") && unclosed.has_room(":1.5") && unclosed.strangers == 0);
        unclosed.closed(&counted_for);
        while let Some((counted_for, _fd)) = unclosed.next() {
            unclosed.closed(&counted_for);
        }
        assert!(unclosed.programs.is_empty() && unclosed.known.is_empty() && unclosed.held == 0);
    }

    #[test]
    fn connections_that_stay_unknown_leave_room_and_threads_to_programs() {
        let mut unclosed = Unclosed::new(80);
        unclosed.threads = MAX_THREADS;
        for number in 0..20 {
            assert!(unclosed.has_room(":1.99"));
            queue(&mut unclosed, &format!(":1.{number}"), 1);
        }
        assert!(unclosed.is_crowded() && !unclosed.has_room(":1.99") && unclosed.has_room("other"));
        let hanging: Vec<_> = (0..THREADS_PER_PROGRAM).filter_map(|_| unclosed.next()).collect();
        assert_eq!(hanging.len(), THREADS_PER_PROGRAM);
        assert!(!unclosed.has_work());
        queue(&mut unclosed, "other", 1);
        assert_eq!(&*unclosed.next().unwrap().0, "other");
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
