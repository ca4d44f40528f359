//! The other processes: the bare service, and who floods. Each is this test program again, as a test that is ignored
//! otherwise; the flooder from a copy, since the daemon knows programs by their files.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use oathbridge::dbus::names;
use testkit::programs;
use zbus::message::{Message, Type};
use zbus::{MessageStream, OwnedVariant, connection, fdo, interface};

use super::{BARE, CREDENTIAL, connect};

const CALLS: usize = 50_000;

/// Where a process finds its bus, what it floods, and how.
const BUS: &str = "OATHBRIDGE_FLOOD_BUS";
const NAME: &str = "OATHBRIDGE_FLOOD_NAME";
const PATH: &str = "OATHBRIDGE_FLOOD_PATH";
const METHOD: &str = "OATHBRIDGE_FLOOD_METHOD";

/// A process of ours; killed when dropped.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(role: &str, variables: &[(&str, &str)], program: &std::path::Path) -> Self {
        let mut command = Command::new(program);
        command.args(["--exact", role, "--ignored"]).envs(variables.iter().copied());
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    /// Waits until it has done its work.
    pub(crate) async fn done(mut self) {
        while self.0.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(self.0.wait().unwrap().success());
    }
}

/// The least that refusing costs: it answers Busy to every call, under the names of our methods.
struct Busy;

fn busy() -> fdo::Error {
    fdo::Error::LimitsExceeded("Busy.".to_owned())
}

#[interface(name = "io.github.oathbridge.OathBridge1.Credential")]
impl Busy {
    async fn calculate(&self, _options: HashMap<String, OwnedVariant>) -> fdo::Result<()> {
        Err(busy())
    }
}

struct BusyManager;

#[interface(name = "io.github.oathbridge.OathBridge1.Manager")]
impl BusyManager {
    async fn find_credentials(&self, _attributes: HashMap<String, String>) -> fdo::Result<()> {
        Err(busy())
    }
}

struct BusyTree;

#[interface(name = "org.freedesktop.DBus.ObjectManager")]
impl BusyTree {
    async fn get_managed_objects(&self) -> fdo::Result<()> {
        Err(busy())
    }
}

/// Starts the bare service.
pub(crate) async fn bare(address: &str, credential: &str) -> Process {
    let own = std::env::current_exe().unwrap();
    let process = Process::start("roles::serve_busy", &[(BUS, address), (PATH, credential)], &own);
    let connection = connect(address).await;
    let bus = fdo::DBusProxy::new(&connection).await.unwrap();
    while !bus.name_has_owner(BARE.try_into().unwrap()).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    process
}

#[tokio::test]
#[ignore = "run by the other tests, in a process of its own"]
async fn serve_busy() {
    let (address, credential) = (std::env::var(BUS).unwrap(), std::env::var(PATH).unwrap());
    let builder = connection::Builder::address(address.as_str()).serve_at(credential.as_str(), Busy);
    let builder = builder.serve_at(names::ROOT, BusyManager).serve_at(names::ROOT, BusyTree);
    let _connection = builder.name(BARE).build().await.unwrap();
    std::future::pending().await
}

/// Starts a program that nobody knows, which makes all calls at once.
pub(crate) fn flood(
    folder: &std::path::Path,
    address: &str,
    name: &str,
    path: &str,
    method: &str,
) -> Process {
    let program = folder.join("flooder");
    if !program.exists() {
        programs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    }
    let variables = [(BUS, address), (NAME, name), (PATH, path), (METHOD, method)];
    Process::start("roles::make_all_calls", &variables, &program)
}

/// Sends all calls without waiting for a reply, and waits for all replies then.
#[tokio::test]
#[ignore = "run by the other tests, in a process of its own"]
async fn make_all_calls() {
    let variable = |name| std::env::var(name).unwrap();
    let connection = connect(&variable(BUS)).await;
    let (name, path, method) = (variable(NAME), variable(PATH), variable(METHOD));
    let mut messages = MessageStream::from(&connection);
    let replies = tokio::spawn(async move {
        let mut count = 0;
        while count < CALLS {
            let message = messages.next().await.unwrap().unwrap();
            count += usize::from(matches!(message.message_type(), Type::Error | Type::MethodReturn));
        }
    });
    let call = || Message::method_call(path.as_str(), method.as_str()).destination(name.as_str());
    for _ in 0..CALLS {
        let call = match method.as_str() {
            "GetManagedObjects" => call().interface("org.freedesktop.DBus.ObjectManager").build(&()),
            "Introspect" => call().interface("org.freedesktop.DBus.Introspectable").build(&()),
            "FindCredentials" => call().interface(names::MANAGER).build(&HashMap::<String, String>::new()),
            _ => call().interface(CREDENTIAL).build(&HashMap::<String, OwnedVariant>::new()),
        };
        connection.send(&call.unwrap()).await.unwrap();
    }
    replies.await.unwrap();
}
