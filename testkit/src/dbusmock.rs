//! Mock desktop services from python-dbusmock.
//!
//! Needs the Debian packages python3-dbus and python3-gi, and python3-dbusmock, which may be unpacked only.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use zbus::{Connection, DynamicType, OwnedVariant, connection, fdo};

use crate::bus::PrivateBus;
use crate::installed::file_of_package;
use crate::patience::until;

/// The timeout for the start of a service.
const START_TIMEOUT: Duration = Duration::from_secs(60);

const MOCK: &str = "org.freedesktop.DBus.Mock";

/// A recorded call of a service: time, method, arguments.
pub type Call = (u64, String, Vec<OwnedVariant>);

/// A mock service, stopped on drop.
#[derive(Debug)]
pub struct Mock {
    child: Child,
    connection: Connection,
    name: &'static str,
    path: &'static str,
}

impl Mock {
    /// Starts a notification server on a bus.
    ///
    /// # Errors
    ///
    /// The service does not start.
    pub async fn notifications(bus: &str) -> io::Result<Self> {
        let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
        Self::start("notification_daemon", bus, name, path).await
    }

    /// Starts logind on a bus that stands for the system bus.
    ///
    /// # Errors
    ///
    /// The service does not start.
    pub async fn logind(bus: &PrivateBus) -> io::Result<Self> {
        Self::start("logind", bus.address(), "org.freedesktop.login1", "/org/freedesktop/login1").await
    }

    async fn start(template: &str, bus: &str, name: &'static str, path: &'static str) -> io::Result<Self> {
        let connection = connection::Builder::address(bus).build().await.map_err(io::Error::other)?;
        let child = Command::new("/usr/bin/python3")
            .args(["-m", "dbusmock", "--template", template])
            .env("PYTHONPATH", modules())
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
            .stdout(Stdio::null())
            .spawn()?;
        let mock = Self { child, connection, name, path };
        tokio::time::timeout(START_TIMEOUT, mock.up())
            .await
            .map_err(io::Error::other)?
            .map_err(io::Error::other)?;
        Ok(mock)
    }

    async fn up(&self) -> zbus::Result<()> {
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        while !bus.name_has_owner(self.name.try_into()?).await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The unique name of the connection of the test's own calls.
    pub fn caller(&self) -> Option<String> {
        self.connection.unique_name().map(ToString::to_string)
    }

    /// Calls a method of the mock itself on its main object.
    ///
    /// # Errors
    ///
    /// The error reply of the service.
    pub async fn mock<B>(&self, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: Serialize + DynamicType,
    {
        self.call(self.path, MOCK, method, body).await
    }

    /// Calls any method of the service.
    ///
    /// # Errors
    ///
    /// The error reply of the service.
    pub async fn call<B>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<zbus::Message>
    where
        B: Serialize + DynamicType,
    {
        self.connection.call_method(Some(self.name), path, Some(interface), method, body).await
    }

    /// The calls of its main object, oldest first.
    ///
    /// # Errors
    ///
    /// The service is not running.
    pub async fn calls(&self) -> zbus::Result<Vec<Call>> {
        self.mock("GetCalls", &()).await?.body().deserialize()
    }

    /// Waits until `wanted` is true for the calls.
    ///
    /// # Errors
    ///
    /// The service is not running, or [`until`] gave up; the error contains the calls.
    pub async fn until(&self, wanted: impl Fn(&[Call]) -> bool) -> io::Result<Vec<Call>> {
        let mut last = Ok(Vec::new());
        let has_ended = async || {
            last = self.calls().await;
            last.as_ref().map_or(true, |calls| wanted(calls))
        };
        let waited = until("the service has the calls that the test waits for", has_ended).await;
        let calls = last.map_err(io::Error::other)?;
        waited.map_err(|error| io::Error::new(error.kind(), format!("{error}; its calls: {calls:?}")))?;
        Ok(calls)
    }
}

/// The folder of Python packages with dbusmock.
fn modules() -> PathBuf {
    let package = file_of_package("/usr/lib/python3/dist-packages/dbusmock");
    package.parent().map(Path::to_path_buf).unwrap_or_default()
}

impl Drop for Mock {
    fn drop(&mut self) {
        // If the process has already ended, both calls do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
