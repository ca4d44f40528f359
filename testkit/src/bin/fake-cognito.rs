//! fake-cognito: a fake Amazon Cognito on loopback, for demos and tests.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use data_encoding::BASE32_NOPAD;
use testkit::fake_cognito::{FakeCognito, Options, Reuse};

/// A fake Amazon Cognito on loopback. Prints its URL, and then one line of JSON with a user whose software token is
/// associated, an access token and a session. `POST /_control` and `GET /_log` control it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Loopback address and port; port 0 selects a free port.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Name of the user that exists from the start.
    #[arg(long, default_value = "demo")]
    user: String,
    /// File with that user's seed in base32.
    #[arg(long)]
    secret_file: PathBuf,
    /// The response of VerifySoftwareToken to a code that was used before.
    #[arg(long, value_enum, default_value_t)]
    reuse: Reuse,
    /// File to which each request is appended, as a line of JSON, before it is answered.
    #[arg(long)]
    log: Option<PathBuf>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let secret = fs::read_to_string(&arguments.secret_file)?;
    let key = BASE32_NOPAD.decode(secret.trim().trim_end_matches('=').to_ascii_uppercase().as_bytes())?;
    let options = Options {
        listen: arguments.listen,
        reuse: arguments.reuse,
        log_file: arguments.log,
        ..Options::default()
    };
    let fake = FakeCognito::start(options)?;
    let ready = fake.ready_user(&arguments.user, &key)?;
    println!("{}", fake.url());
    println!("{}", serde_json::to_string(&ready)?);
    fake.wait();
    Ok(())
}
