//! A virtual token for PC/SC programs: serves a token file to vpcd.

use std::error::Error;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use oathbridge::virt::{self, TokenSpec, VirtualToken};
use testkit::pcscd::PrivatePcscd;
use testkit::vpicc;
use tokio::signal::unix::{SignalKind, signal};

/// Serves virtual tokens to a smart card service until it is stopped.
///
/// Without --port it starts its own pcscd, and prints the environment variable with which programs find it. Each reader
/// has a second slot that stays empty, in which yubikey-manager would wait for a card. So name the reader, as in
/// `ykman --reader 'CCID 00 00' oath accounts code`.
#[derive(Parser)]
struct Arguments {
    /// Serve the first token to the vpcd on this port (35963 for a running pcscd).
    #[arg(long)]
    port: Option<u16>,
    /// The token file; the default is the demo token.
    file: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("virtual-token: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let tokens = match &arguments.file {
        Some(file) => virt::parse(&fs::read_to_string(file)?)?,
        None => TokenSpec::demo(),
    };
    let cards: Vec<VirtualToken> = tokens.iter().map(VirtualToken::new).collect();
    if let Some(port) = arguments.port {
        let card = cards.first().ok_or("the file has no token")?;
        let session = card.connect().ok_or("the card is not plugged in")?;
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        return Ok(vpicc::serve(&stream, &session, &|| {})?);
    }
    let mut pcscd = PrivatePcscd::start(cards.len())?;
    for (reader, card) in cards.iter().enumerate() {
        pcscd.insert(reader, card)?;
    }
    println!("PCSCLITE_CSOCK_NAME={}", pcscd.socket().display());
    wait_for_a_signal()?;
    Ok(())
}

/// Waits for SIGINT or SIGTERM; pcscd is then stopped as well.
fn wait_for_a_signal() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(())
    })
}
