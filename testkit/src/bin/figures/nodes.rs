//! Measures the daemon with keys on the kernel's HID nodes, in a virtual machine (tests/vm/figures), compared with the same
//! reports through hidapi, and with a bare service that sends these reports.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::slice;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use oathbridge::device::HidKind;
use testkit::bare_hid::{Channel, otp_code, otp_serial};
use testkit::hid_node::HidNode;
use testkit::udev_events::UdevEvents;
use zbus::fdo::DBusProxy;
use zbus::{Connection, OwnedObjectPath};

use super::Failure;
use super::caller::{NAME, ROOT, calculate, call, credential};
use super::rig::{BARE_NAME, Running};
use super::sample::Sample;
use super::signals::{Signals, now};
use super::table::{Goal, Table};

/// The number of codes that one side calculates before the other side does, and the number of such batches.
const CODES_PER_BATCH: usize = 10;
const BATCHES: usize = 20;

/// The number of insertions for each side.
const ROUNDS: usize = 10;

/// The maximum time until a new key has its node, and until the daemon has read it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is measured, and how the keys come and go.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// The configuration of the daemon, which is written.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the lines `plug VENDOR PRODUCT` and `pull` are written, and carried out by the scenario.
    #[arg(long, value_name = "FIFO")]
    hands: Option<PathBuf>,
    /// Where each report of the key is a line that begins with `a report`.
    #[arg(long, value_name = "FILE")]
    reports: Option<PathBuf>,
}

/// A family, by one of its keys.
struct Key {
    name: &'static str,
    ids: &'static str,
    interface: &'static str,
    kind: HidKind,
    account: &'static str,
    /// The configuration with which the daemon uses the key, and the one with which it does not.
    used: &'static str,
    unused: &'static str,
}

const LIMITS: &str = "[limits]\ncodes_per_minute = 1000000\n[pcsc]\nenabled = false\n";

const KEYS: [Key; 2] = [
    Key {
        name: "Nitrokey 3",
        ids: "20a0 42b2",
        interface: "1-1:1.1",
        kind: HidKind::Fido,
        account: "alice",
        used: "[hid]\nfido = true\n",
        unused: "[hid]\nfido = false\n",
    },
    Key {
        name: "OTP slot",
        ids: "1050 0407",
        interface: "1-1:1.0",
        kind: HidKind::Keyboard,
        account: "slot",
        used: "[hid]\nfido = false\n[[hid.otp_slot]]\nserial = 7654321\nslot = 2\naccount = \"slot\"\n",
        unused: "[hid]\nfido = false\n",
    },
];

/// Both families.
pub(crate) async fn measure(place: &Place, table: &mut Table) -> Result<(), Failure> {
    let missing = "the figure nodes needs --config, --hands and --reports";
    let mut bench = Bench {
        connection: Connection::session().await?,
        config: place.config.clone().ok_or(missing)?,
        hands: OpenOptions::new().write(true).open(place.hands.as_ref().ok_or(missing)?)?,
        reports: place.reports.clone().ok_or(missing)?,
    };
    for key in &KEYS {
        bench.codes(key, table).await?;
        bench.insertions(key, table).await?;
    }
    Ok(())
}

struct Bench {
    connection: Connection,
    config: PathBuf,
    hands: File,
    reports: PathBuf,
}

impl Bench {
    async fn configure(&self, of_key: &str) -> Result<(), Failure> {
        fs::write(&self.config, [LIMITS, of_key].concat())?;
        call(&self.connection, ROOT, "Manager", "Reload", &()).await?;
        Ok(())
    }

    /// Plugs the key in. Returns the time at which udev announced the node, and its path.
    async fn plug(&mut self, key: &Key) -> Result<(u64, String), Failure> {
        let (sender, announced) = mpsc::channel();
        let events = UdevEvents::open()?;
        let interface = key.interface;
        thread::spawn(move || {
            let node = events.node(interface);
            // An error means that nothing waits for the node any more.
            let _ = sender.send((now(), node));
        });
        writeln!(self.hands, "plug {}", key.ids)?;
        let (at, node) = tokio::task::spawn_blocking(move || announced.recv_timeout(PATIENCE)).await??;
        Ok((at, node?))
    }

    fn pull(&mut self) -> io::Result<()> {
        writeln!(self.hands, "pull")
    }

    async fn credential(&self, key: &Key) -> Result<OwnedObjectPath, Failure> {
        let begun = Instant::now();
        loop {
            match credential(&self.connection, key.account).await {
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                found => return found,
            }
        }
    }

    /// `Calculate` of the daemon and of a bare service, and the same reports.
    async fn codes(&mut self, key: &Key, table: &mut Table) -> Result<(), Failure> {
        self.configure(key.used).await?;
        let (_, path) = self.plug(key).await?;
        let credential = self.credential(key).await?;
        let mut node = HidNode::open(&path, key.kind)?;
        let mut bare: Box<dyn FnMut() -> io::Result<String>> = match key.kind {
            HidKind::Fido => {
                let mut channel = Channel::allocate(&mut node)?;
                Box::new(move || channel.code("AWS:alice"))
            }
            _ => Box::new(move || otp_code(&mut node, 2)),
        };
        let service = self.serve(key, &path).await?;
        let mut times: [Sample; 3] = Default::default();
        for _ in 0..BATCHES {
            let [ours, theirs, services] = &mut times;
            self.batch(NAME, &credential, ours).await?;
            for _ in 0..CODES_PER_BATCH {
                let start = Instant::now();
                bare()?;
                theirs.add_time(start.elapsed());
            }
            self.batch(BARE_NAME, &credential, services).await?;
        }
        let [ours, theirs, services] = times;
        let what = format!("Calculate, {}, 5 ms a report, to a bare service", key.name);
        table.compare(&what, "ms", slice::from_ref(&ours), &services, Goal::AtMost(1.25));
        let what = format!("Calculate, {}, 5 ms a report, to bare hidapi", key.name);
        table.compare(&what, "ms", &[ours], &theirs, Goal::AtMost(1.25));
        drop((bare, service));
        let mut signals = Signals::subscribe(&self.connection).await?;
        self.pull()?;
        signals.removed().await
    }

    async fn batch(
        &self,
        name: &str,
        credential: &OwnedObjectPath,
        times: &mut Sample,
    ) -> Result<(), Failure> {
        for _ in 0..CODES_PER_BATCH {
            let start = Instant::now();
            calculate(&self.connection, name, credential).await?;
            times.add_time(start.elapsed());
        }
        Ok(())
    }

    /// A service that sends the same reports to the node, at the path of the daemon's credential.
    async fn serve(&self, key: &Key, node: &str) -> Result<Running, Failure> {
        let path = self.credential(key).await?;
        let source =
            if key.kind == HidKind::Fido { ["fido", node, "AWS:alice"] } else { ["slot", node, "2"] };
        let program = env::current_exe()?.with_file_name("bare-service");
        let running = Running::new(Command::new(program).args([BARE_NAME, path.as_str()]).args(source))?;
        let bus = DBusProxy::new(&self.connection).await?;
        while !bus.name_has_owner(BARE_NAME.try_into()?).await? {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(running)
    }

    /// The time from udev's message until the token is ready, and until the same reports are done. The daemon knows the token.
    async fn insertions(&mut self, key: &Key, table: &mut Table) -> Result<(), Failure> {
        let mut signals = Signals::subscribe(&self.connection).await?;
        let [mut ours, mut theirs] = [Sample::default(), Sample::default()];
        let [mut reports, mut bare_reports] = [0, 0];
        for _ in 0..ROUNDS {
            self.configure(key.used).await?;
            let (announced, _) = self.plug(key).await?;
            ours.add_time(Duration::from_nanos(signals.ready().await?.saturating_sub(announced)));
            reports = lines(&self.reports)?;
            self.pull()?;
            signals.removed().await?;
            self.configure(key.unused).await?;
            let (announced, path) = self.plug(key).await?;
            read(&path, key.kind)?;
            theirs.add_time(Duration::from_nanos(now().saturating_sub(announced)));
            bare_reports = lines(&self.reports)?;
            self.pull()?;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let what = format!("plug-in to ready, {}, {reports} reports, bare {bare_reports}", key.name);
        table.compare(&what, "ms", &[ours], &theirs, Goal::AtMost(1.3));
        Ok(())
    }
}

/// The reports that the daemon sends and reads for a key that it knows.
fn read(path: &str, kind: HidKind) -> io::Result<()> {
    let mut node = HidNode::open(path, kind)?;
    match kind {
        HidKind::Fido => Channel::allocate(&mut node)?.list().map(drop),
        _ => otp_serial(&mut node).map(drop),
    }
}

/// The number of reports of the key since it was plugged in.
fn lines(file: &Path) -> io::Result<usize> {
    Ok(fs::read_to_string(file)?.lines().filter(|line| line.starts_with("a report")).count())
}
