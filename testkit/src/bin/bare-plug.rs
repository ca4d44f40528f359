//! The minimum work to notice and read a token: waits for a card, sends some commands, and prints the times.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use rustix::time::{ClockId, clock_gettime};
use testkit::bare::{self, Reader};

const USAGE: &str = "usage: bare-plug READER [HEADER]..., and a line on standard input for each card";

/// For each line on standard input, waits until the reader is empty and prints `armed`. Then waits for a card and sends it the
/// commands with these headers (8 hexadecimal digits each). Prints two times of the monotonic clock in nanoseconds: when the
/// card was there, and when it had answered all commands.
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let reader = Reader::new(&arguments.next().ok_or(USAGE)?)?;
    let commands: Vec<_> = arguments
        .map(|header| bare::command(parse(&header)?).map_err(Into::into))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let mut output = io::stdout().lock();
    for line in io::stdin().lines() {
        line?;
        reader.wait(false)?;
        writeln!(output, "armed")?;
        output.flush()?;
        reader.wait(true)?;
        let noticed = now();
        if !commands.is_empty() {
            reader.exchange(&commands)?;
        }
        writeln!(output, "{noticed} {}", now())?;
        output.flush()?;
    }
    Ok(())
}

fn parse(header: &str) -> Result<[u8; 4], Box<dyn Error>> {
    let bytes = data_encoding::HEXLOWER.decode(header.as_bytes())?;
    bytes.try_into().map_err(|_| USAGE.into())
}

/// The time of the monotonic clock, which is the same in all processes, in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "this process is dumpable")]
fn now() -> i128 {
    let now = clock_gettime(ClockId::Monotonic);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}
