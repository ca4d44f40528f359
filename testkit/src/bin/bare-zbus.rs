//! The minimum work to own a name on the bus, for comparison with the start of the daemon.

use std::error::Error;

/// Takes the name in its argument, and serves nothing until it is killed.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: bare-zbus NAME")?;
    let _connection = zbus::connection::Builder::session().name(name).build().await?;
    std::future::pending().await
}
