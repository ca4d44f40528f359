//! A virtual card behind vpcd, the virtual reader of the vsmartcard project.
//!
//! Frames go both ways: a length of two bytes, big-endian, then so many bytes. A frame of one byte from
//! vpcd is a control message, any other one a command APDU (`virtualsmartcard/src/vpcd/vpcd.h`).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;

use oathbridge::virt::Session;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// Answers vpcd until the card is pulled out or vpcd goes.
///
/// `ready` is called each time the card was powered and has given its ATR: from then on programs see it.
/// A fault that leaves the answer empty ends the connection, since vpcd waits for ever on an empty frame;
/// programs see the same as with a card torn out, success without data.
///
/// # Errors
///
/// What the socket reports.
pub fn serve(stream: &TcpStream, session: &Session, ready: &dyn Fn()) -> io::Result<()> {
    let mut powered = false;
    while let Some(frame) = read_frame(stream)? {
        let answer = match *frame {
            [] => Ok(Vec::new()),
            [POWER_ON] => {
                powered = true;
                continue;
            }
            [POWER_OFF | RESET] => match session.reset() {
                Ok(()) => continue,
                Err(error) => Err(error),
            },
            [GET_ATR] => session.atr().map(<[u8]>::to_vec),
            _ => session.exchange(&frame, &|| {}),
        };
        match answer {
            Ok(answer) if !answer.is_empty() => write_frame(stream, &answer)?,
            _ => return Ok(()),
        }
        if *frame == [GET_ATR] && powered {
            ready();
        }
    }
    Ok(())
}

/// The next frame; `None` when vpcd is gone.
fn read_frame(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    // vpcd writes length and payload apart: a delayed acknowledgement would cost 40 ms for each command.
    stream.set_quickack(true)?;
    if let Err(error) = stream.read_exact(&mut length) {
        return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(error) };
    }
    let mut frame = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.set_quickack(true)?;
    stream.read_exact(&mut frame)?;
    Ok(Some(frame))
}

fn write_frame(mut stream: &TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), payload].concat())
}
