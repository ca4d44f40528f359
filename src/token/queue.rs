//! The queue between the callers of a token and its worker.
//!
//! A job leaves the queue when the worker takes it or when its caller drops its place. A channel would keep the jobs of
//! callers that have left until the worker comes to them, for example after a touch.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::sync::IgnorePoison;

/// Creates a queue of at most `capacity` jobs.
pub(super) fn queue<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared { capacity, state: Mutex::default(), changed: Condvar::new() });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

/// The side of the callers. The queue closes when it is dropped.
pub(super) struct Sender<T>(Arc<Shared<T>>);

/// The side of the worker. The queue closes when it is dropped, and the jobs in it are dropped.
pub(super) struct Receiver<T>(Arc<Shared<T>>);

/// The place of a job. Dropping it removes the job if the worker has not taken it.
pub(super) struct Place<T> {
    shared: Arc<Shared<T>>,
    number: u64,
}

/// The reason that a job is not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The queue is full.
    Full,
    /// The worker has ended.
    Closed,
}

struct Shared<T> {
    capacity: usize,
    state: Mutex<State<T>>,
    /// Notified when a job is queued and when the queue is closed.
    changed: Condvar,
}

struct State<T> {
    /// By the order of arrival.
    jobs: BTreeMap<u64, T>,
    next: u64,
    is_closed: bool,
}

impl<T> Default for State<T> {
    fn default() -> Self {
        Self { jobs: BTreeMap::new(), next: 0, is_closed: false }
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().ignore_poison()
    }

    fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }
}

impl<T> Sender<T> {
    /// Queues a job.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub(super) fn send(&self, job: T) -> Result<Place<T>, Refused> {
        let mut state = self.0.state();
        if state.is_closed {
            return Err(Refused::Closed);
        }
        if state.jobs.len() >= self.0.capacity {
            return Err(Refused::Full);
        }
        let number = state.next;
        state.next += 1;
        state.jobs.insert(number, job);
        self.0.changed.notify_one();
        Ok(Place { shared: Arc::clone(&self.0), number })
    }
}

impl<T> Receiver<T> {
    /// Waits for the next job; `None` if the queue is closed and empty.
    pub(super) fn receive(&self) -> Option<T> {
        let idle = |state: &mut State<T>| state.jobs.is_empty() && !state.is_closed;
        let mut state = self.0.changed.wait_while(self.0.state(), idle).ignore_poison();
        state.jobs.pop_first().map(|(_, job)| job)
    }
}

impl<T> Place<T> {
    /// Removes the job; returns whether the worker had not taken it.
    pub(super) fn leave(&self) -> bool {
        let job = self.shared.state().jobs.remove(&self.number);
        // The job is dropped after the lock was released.
        job.is_some()
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.close();
        let jobs = std::mem::take(&mut self.0.state().jobs);
        drop(jobs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_received_in_their_order_and_without_those_that_left() {
        let (sender, receiver) = queue(8);
        let places: Vec<_> = (0..4).map(|number| sender.send(number).unwrap()).collect();
        assert_eq!(receiver.receive(), Some(0));
        assert!(!places[0].leave(), "the worker has it");
        assert!(places[2].leave());
        assert!(!places[2].leave());
        assert_eq!([receiver.receive(), receiver.receive()], [Some(1), Some(3)]);
    }

    #[test]
    fn only_jobs_in_the_queue_take_room() {
        let (sender, receiver) = queue(2);
        let (first, second) = (sender.send(1).unwrap(), sender.send(2).unwrap());
        assert_eq!(sender.send(3).err(), Some(Refused::Full));
        drop(first);
        let third = sender.send(3).unwrap();
        assert_eq!(receiver.receive(), Some(2));
        let fourth = sender.send(4).unwrap();
        assert_eq!(sender.send(5).err(), Some(Refused::Full));
        drop((second, third, fourth));
    }

    #[test]
    fn a_waiting_worker_ends_with_the_last_caller() {
        let (sender, receiver) = queue::<()>(1);
        let worker = std::thread::spawn(move || receiver.receive());
        drop(sender);
        assert_eq!(worker.join().unwrap(), None);
    }

    #[test]
    fn jobs_are_dropped_with_the_worker() {
        let (sender, receiver) = queue(1);
        let job = Arc::new(());
        let _place = sender.send(Arc::clone(&job)).unwrap();
        drop(receiver);
        assert_eq!(Arc::strong_count(&job), 1);
        assert_eq!(sender.send(job).err(), Some(Refused::Closed));
    }
}
