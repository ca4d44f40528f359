//! Whether the daemon still answers.

use zbus::Connection;

use super::bridge::Bridge;
use super::names;

impl Bridge {
    /// One round through the daemon: the bus delivers a call to our own connection and its answer, the registry has
    /// heard everything that was told to it, and the objects show it. Doesn't end while one of them hangs.
    ///
    /// # Errors
    ///
    /// When the bus doesn't carry the call.
    pub async fn round(&self) -> zbus::Result<()> {
        if let Some(connection) = self.connection() {
            ping(connection).await?;
        }
        self.caught_up().await;
        self.operations.caught_up().await;
        Ok(())
    }
}

/// A refusal is an answer, too: in a flood nobody else gets more.
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
