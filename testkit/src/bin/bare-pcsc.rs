//! The minimum work for a code from a token, for comparison with the daemon's `Calculate`.

use std::env;
use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

use testkit::bare::Reader;

const USAGE: &str = "usage: bare-pcsc READER CREDENTIAL, and on standard input how many codes to calculate";

/// For each number on standard input, calculates this number of codes and prints the duration of each in nanoseconds.
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(reader), Some(credential)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let reader = Reader::new(&reader)?;
    let mut output = io::stdout().lock();
    for line in io::stdin().lines() {
        for _ in 0..line?.trim().parse()? {
            let start = Instant::now();
            reader.code(&credential)?;
            writeln!(output, "{}", start.elapsed().as_nanos())?;
        }
    }
    Ok(())
}
