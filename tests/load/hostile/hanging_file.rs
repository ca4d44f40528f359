//! A file of a user-space file system that does not answer the daemon when it closes the file.
//!
//! This is the least of the protocol of fuse(4), version 7.31 (`linux/fuse.h`): the file is the root of its file
//! system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const READ: u32 = 15;
const RELEASE: u32 = 18;
const FLUSH: u32 = 25;
const INIT: u32 = 26;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

const NOT_SUPPORTED: i32 = -38;

/// The maximum length of a request: a write of 4 KiB, and room for its headers.
const MAX_REQUEST_BYTES: usize = 16 * 1024;

/// The mounted file, unmounted on drop.
pub(crate) struct HangingFile {
    file: NamedTempFile,
    server: Arc<Server>,
}

struct Server {
    device: File,
    /// The process whose closes hang.
    hanging: AtomicU32,
    /// The closes that wait.
    held: Mutex<Vec<u64>>,
}

impl HangingFile {
    /// Mounts the file.
    ///
    /// # Errors
    ///
    /// This user may not mount, or there is no fuse(4).
    pub(crate) fn mount() -> io::Result<Self> {
        let file = NamedTempFile::new()?;
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse")?;
        // mount(8) alone inherits it, as its standard input.
        let options = "fd=0,rootmode=100600,user_id=0,group_id=0";
        let mut mount = Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", options, "hanging"]).stdin(device.try_clone()?);
        let mounted = mount.arg(file.path()).output()?;
        if !mounted.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&mounted.stderr).into_owned()));
        }
        let server = Arc::new(Server { device, hanging: AtomicU32::new(0), held: Mutex::default() });
        let serving = Arc::clone(&server);
        thread::spawn(move || while serving.serve().is_ok() {});
        Ok(Self { file, server })
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Lets the closes of this process hang.
    pub(crate) fn hang(&self, process: u32) {
        self.server.hanging.store(process, Ordering::SeqCst);
    }

    /// Answers all closes that hang, and returns their number. None hangs afterwards.
    pub(crate) fn release(&self) -> usize {
        self.hang(0);
        let held = std::mem::take(&mut *self.server.held());
        for unique in &held {
            self.server.answer(*unique, 0, &[]).unwrap();
        }
        held.len()
    }
}

impl Drop for HangingFile {
    fn drop(&mut self) {
        self.release();
        // A failure leaves a mount in the temporary folder.
        let _ = Command::new("umount").arg("--lazy").arg(self.file.path()).status();
    }
}

impl Server {
    /// Answers one request.
    fn serve(&self) -> io::Result<()> {
        let mut request = [0; MAX_REQUEST_BYTES];
        let length = (&self.device).read(&mut request)?;
        let request = &request[..length];
        let (operation, unique, thread) = (word(request, 4), long(request, 8), word(request, 32));
        match operation {
            FORGET | BATCH_FORGET | INTERRUPT => Ok(()),
            FLUSH => {
                let mut held = self.held();
                if self.hangs(thread) {
                    held.push(unique);
                    return Ok(());
                }
                drop(held);
                self.answer(unique, 0, &[])
            }
            INIT => self.answer(unique, 0, &init()),
            GETATTR => self.answer(unique, 0, &attributes()),
            OPEN => self.answer(unique, 0, &[0; 16]),
            READ | RELEASE => self.answer(unique, 0, &[]),
            _ => self.answer(unique, NOT_SUPPORTED, &[]),
        }
    }

    /// Whether this thread is one of the process whose closes hang.
    fn hangs(&self, thread: u32) -> bool {
        let process = self.hanging.load(Ordering::SeqCst);
        process != 0 && PathBuf::from(format!("/proc/{process}/task/{thread}")).exists()
    }

    fn answer(&self, unique: u64, error: i32, body: &[u8]) -> io::Result<()> {
        (&self.device).write_all(&[&header(body.len(), error, unique), body].concat())
    }

    fn held(&self) -> MutexGuard<'_, Vec<u64>> {
        self.held.lock().unwrap()
    }
}

/// The header of an answer with a body of this length.
fn header(body: usize, error: i32, unique: u64) -> Vec<u8> {
    let length = u32::try_from(16 + body).unwrap();
    [&length.to_ne_bytes()[..], &error.to_ne_bytes(), &unique.to_ne_bytes()].concat()
}

/// Version 7.31, without any flag; the rest of the 64 bytes is zero, except the maximum length of a write.
fn init() -> Vec<u8> {
    let mut body = words(&[7, 31, 0, 0, 0, 4_096]);
    body.resize(64, 0);
    body
}

/// Valid for no time: inode 1, a regular file without content that has one name.
fn attributes() -> Vec<u8> {
    let mut body = vec![0; 104];
    body[16] = 1;
    let mode = words(&[0o100_600, 1]);
    body[76..84].copy_from_slice(&mode);
    body
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn word(request: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(request[at..at + 4].try_into().unwrap())
}

fn long(request: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(request[at..at + 8].try_into().unwrap())
}

/// The closes of this process do not hang, and those of the other one do.
#[test]
fn a_close_hangs_until_it_is_answered() {
    let Ok(file) = HangingFile::mount() else {
        println!("not tested: mounting a user-space file system needs root and /dev/fuse");
        return;
    };
    drop(File::open(file.path()).unwrap());
    assert_eq!(fs::read(file.path()).unwrap(), b"");
    file.hang(std::process::id());
    let opened = File::open(file.path()).unwrap();
    let closing = thread::spawn(move || drop(opened));
    let begun = Instant::now();
    while file.server.held().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not hang");
        thread::yield_now();
    }
    assert!(!closing.is_finished());
    assert_eq!(file.release(), 1);
    closing.join().unwrap();
}
