//! Services of the desktop, as python-dbusmock plays them.
//!
//! Needs the Debian package python3-dbusmock.

use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Serialize;
use zbus::{Connection, DynamicType, OwnedVariant, connection, fdo};

use crate::bus::PrivateBus;

/// How long a service may take to come.
const START: Duration = Duration::from_secs(20);

const MOCK: &str = "org.freedesktop.DBus.Mock";

/// A call that a service got: when, which method, with what.
pub type Call = (u64, String, Vec<OwnedVariant>);

/// A mocked service; it ends when dropped.
#[derive(Debug)]
pub struct Mock {
    child: Child,
    connection: Connection,
    name: &'static str,
    path: &'static str,
}

impl Mock {
    /// A notification server on a bus.
    ///
    /// # Errors
    ///
    /// When it doesn't come up.
    pub async fn notifications(bus: &str) -> io::Result<Self> {
        let (name, path) = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications");
        Self::start("notification_daemon", bus, name, path).await
    }

    /// logind on a bus that plays the system's.
    ///
    /// # Errors
    ///
    /// When it doesn't come up.
    pub async fn logind(bus: &PrivateBus) -> io::Result<Self> {
        Self::start("logind", bus.address(), "org.freedesktop.login1", "/org/freedesktop/login1").await
    }

    async fn start(template: &str, bus: &str, name: &'static str, path: &'static str) -> io::Result<Self> {
        let connection = connection::Builder::address(bus).build().await.map_err(io::Error::other)?;
        let child = Command::new("/usr/bin/python3")
            .args(["-m", "dbusmock", "--template", template])
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .env("DBUS_SYSTEM_BUS_ADDRESS", bus)
            .stdout(Stdio::null())
            .spawn()?;
        let mock = Self { child, connection, name, path };
        tokio::time::timeout(START, mock.up()).await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        Ok(mock)
    }

    async fn up(&self) -> zbus::Result<()> {
        let bus = fdo::DBusProxy::new(&self.connection).await?;
        while !bus.name_has_owner(self.name.try_into()?).await? {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Calls a method of the mock itself on its main object.
    ///
    /// # Errors
    ///
    /// What it answers.
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
    /// What it answers.
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

    /// The calls that its main object got, oldest first.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub async fn calls(&self) -> zbus::Result<Vec<Call>> {
        self.mock("GetCalls", &()).await?.body().deserialize()
    }

    /// Waits until the calls are as wanted.
    ///
    /// # Errors
    ///
    /// When they aren't within 20 s; the error has them.
    pub async fn until(&self, wanted: impl Fn(&[Call]) -> bool) -> io::Result<Vec<Call>> {
        let mut calls = Vec::new();
        for _ in 0..1000 {
            calls = self.calls().await.map_err(io::Error::other)?;
            if wanted(&calls) {
                return Ok(calls);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(io::Error::other(format!("{calls:?}")))
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        // It may have ended already; then both do nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
