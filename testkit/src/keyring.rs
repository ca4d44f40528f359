//! GNOME Keyring, as the keyring of a private bus.
//!
//! Needs the Debian package gnome-keyring, which may be unpacked only.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zbus::{connection, fdo};

/// The timeout for the start of the keyring.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the Secret Service.
const NAME: &str = "org.freedesktop.secrets";

/// A keyring that holds nothing and is unlocked. It ends on drop.
#[derive(Debug)]
pub struct Keyring {
    child: Child,
    _home: tempfile::TempDir,
}

impl Keyring {
    /// Starts the keyring on a bus.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub async fn start(bus: &str) -> io::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets", "--control-directory"])
            .arg(home.path())
            .env("HOME", home.path())
            .env("XDG_DATA_HOME", home.path())
            .env("XDG_RUNTIME_DIR", home.path())
            .env("DBUS_SESSION_BUS_ADDRESS", bus)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // The password of the collection "login", which it makes; its end is the end of the input.
        child.stdin.take().map(|mut input| input.write_all(b"keyring")).transpose()?;
        let keyring = Self { child, _home: home };
        let connection = connection::Builder::address(bus).build().await.map_err(io::Error::other)?;
        let names = fdo::DBusProxy::new(&connection).await.map_err(io::Error::other)?;
        let up = async {
            while !names.name_has_owner(NAME.try_into()?).await? {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok::<_, zbus::Error>(())
        };
        tokio::time::timeout(START_TIMEOUT, up).await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        Ok(keyring)
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // It has ended already if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
