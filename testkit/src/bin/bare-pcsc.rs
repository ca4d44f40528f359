//! The least that a code from a token costs: what the daemon's `Calculate` is measured against.

use std::env;
use std::error::Error;
use std::ffi::CString;
use std::io::{self, Write};
use std::time::{Instant, SystemTime};

use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};

const SELECT: &[u8] = &[0x00, 0xa4, 0x04, 0x00, 0x07, 0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01, 0x00];
const USAGE: &str = "usage: bare-pcsc READER CREDENTIAL, and on standard input how many codes to calculate";

/// For each number on standard input so many codes, and for each code a line with its nanoseconds.
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(reader), Some(credential)) = (arguments.next(), arguments.next()) else {
        return Err(USAGE.into());
    };
    let reader = CString::new(reader)?;
    let context = Context::establish(Scope::User)?;
    let mut output = io::stdout().lock();
    for line in io::stdin().lines() {
        for _ in 0..line?.trim().parse()? {
            let start = Instant::now();
            code(&context, &reader, &credential)?;
            writeln!(output, "{}", start.elapsed().as_nanos())?;
        }
    }
    Ok(())
}

fn code(context: &Context, reader: &CString, credential: &str) -> Result<(), Box<dyn Error>> {
    let mut card = context.connect(reader, ShareMode::Shared, Protocols::T0 | Protocols::T1)?;
    let transaction = card.transaction()?;
    let mut buffer = [0; 258];
    transaction.transmit(SELECT, &mut buffer)?;
    let answer = transaction.transmit(&calculate(credential)?, &mut buffer)?;
    let is_code = matches!(answer, [0x76, 0x05, 6, .., 0x90, 0x00]);
    transaction.end(Disposition::LeaveCard).map_err(|(_, error)| error)?;
    card.disconnect(Disposition::LeaveCard).map_err(|(_, error)| error)?;
    if is_code { Ok(()) } else { Err("this is no code of six digits".into()) }
}

/// CALCULATE, truncated, of this moment's time step.
fn calculate(credential: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let step = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() / 30;
    let length = u8::try_from(credential.len())?;
    let name = [&[0x71, length], credential.as_bytes()].concat();
    let data = [&name, [0x74, 8].as_slice(), &step.to_be_bytes()].concat();
    Ok([[0x00, 0xa2, 0x00, 0x01, u8::try_from(data.len())?].as_slice(), &data, &[0x00]].concat())
}
