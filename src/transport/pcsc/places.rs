//! Whether all places of pcscd are taken.
//!
//! pcscd has a thread for each context of its clients, 200 at most (`PCSC_MAX_CONTEXT_THREADS`). It closes further connections
//! without an answer, which looks like a refusal of the user. The number of its threads tells both apart, but not exactly: a
//! thread of pcscd may also be that of a reader, of the watch for readers or the first one. From about 195 contexts on a refusal
//! of the user is therefore taken for a lack of places. A pcscd that was started with a lower limit (`--max-thread`) is full
//! with fewer threads, and that is taken for a refusal of the user.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::net::sockopt::socket_peercred;
use rustix::process::Pid;

/// The maximum number of contexts. pcscd has a few threads besides those for contexts.
const PLACES: usize = 200;

/// The name of the process.
const NAME: &str = "pcscd";

/// The process that opened the socket, if pcscd is started by its first client.
const SERVICE_MANAGER: i32 = 1;

/// Whether the service at this socket serves as many contexts as it can. Connects to it only if some pcscd does, because a
/// connection may be an entry in the journal of the system.
pub(super) fn are_taken(socket: &Path) -> bool {
    let full: Vec<i32> =
        services().filter(|id| threads(*id).is_some_and(|threads| threads >= PLACES)).collect();
    !full.is_empty() && peer(socket).is_some_and(|peer| peer == SERVICE_MANAGER || full.contains(&peer))
}

/// The processes of pcscd. Those of another namespace, as in a container with the socket of its host, are not found.
fn services() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter(|id| is_service(*id))
}

fn is_service(id: i32) -> bool {
    fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim_end() == NAME)
}

/// The number of threads, from `/proc/PID/status` (proc_pid_status(5)).
fn threads(id: i32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

/// The process that listens at the socket.
fn peer(socket: &Path) -> Option<i32> {
    let stream = UnixStream::connect(socket).ok()?;
    Some(Pid::as_raw(Some(socket_peercred(&stream).ok()?.pid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threads_of_a_process_are_counted() {
        let own = i32::try_from(std::process::id()).unwrap();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let more = std::thread::spawn(move || wait.recv().is_err());
        assert!(threads(own).unwrap() >= 2);
        drop(end);
        assert!(more.join().unwrap());
        assert!(!is_service(own) && !are_taken(Path::new("/nonexistent/pcscd.comm")));
    }
}
