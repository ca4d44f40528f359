//! The least that a name on the bus costs: what the daemon's start is measured against.

use std::error::Error;

/// Takes the name that it is given, serves nothing, and waits to be killed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: bare-zbus NAME")?;
    let _connection = zbus::connection::Builder::session().name(name).build().await?;
    std::future::pending().await
}
