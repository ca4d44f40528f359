//! Checks that the daemon answers.

use zbus::Connection;

use super::bridge::Bridge;
use super::names;

impl Bridge {
    /// One round through the daemon: the bus delivers a call to our own connection and its reply, the registry handles all
    /// pending events, and the objects are up to date. It does not end while one of these hangs.
    ///
    /// # Errors
    ///
    /// The bus does not deliver the call.
    pub async fn round(&self) -> zbus::Result<()> {
        if let Some(connection) = self.connection() {
            ping(connection).await?;
        }
        self.caught_up().await;
        self.operations.caught_up().await;
        Ok(())
    }
}

/// A refusal counts as an answer, because in a flood every caller gets one.
async fn ping(connection: &Connection) -> zbus::Result<()> {
    let own = connection.unique_name().map(|name| name.as_str());
    let peer = Some("org.freedesktop.DBus.Peer");
    match connection.call_method(own, names::ROOT, peer, "Ping", &()).await {
        Err(zbus::Error::MethodError(.., reply))
            if reply.header().sender().map(|sender| sender.as_str()) == own =>
        {
            Ok(())
        }
        result => result.map(drop),
    }
}
