//! The system resources of a process.

use std::fs;
use std::io;

/// The resources of a process, from proc_pid_status(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Open file descriptors; `None` if only root may see them. The daemon is closed to other programs of its user.
    pub descriptors: Option<usize>,
    /// Threads.
    pub threads: usize,
    /// Resident memory in KiB.
    pub memory: usize,
    /// The peak of the resident memory, in KiB.
    pub peak: usize,
}

impl Resources {
    /// Reads the resources of a running process of this user.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub fn of(process: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let number = |key: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
            value.and_then(|value| value.parse().ok()).ok_or(io::ErrorKind::InvalidData)
        };
        Ok(Self {
            descriptors: match fs::read_dir(format!("/proc/{process}/fd")) {
                Ok(entries) => Some(entries.count()),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
                Err(error) => return Err(error),
            },
            threads: number("Threads:")?,
            memory: number("VmRSS:")?,
            peak: number("VmHWM:")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_of_a_process_is_positive() {
        let own = Resources::of(std::process::id()).unwrap();
        let counts = [own.descriptors.unwrap(), own.threads, own.memory];
        assert!(counts.iter().all(|count| *count > 0) && own.peak >= own.memory, "{own:?}");
    }
}
