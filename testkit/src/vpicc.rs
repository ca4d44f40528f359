//! A virtual card behind vpcd, the virtual reader of the vsmartcard project.
//!
//! Both sides send frames: a length of two bytes, big-endian, and the data. A frame of one byte from vpcd is a control
//! message, every other frame is a command APDU (`virtualsmartcard/src/vpcd/vpcd.h`).

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::linux::net::TcpStreamExt;

use oathbridge::virt::Session;

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// Serves vpcd until the card is pulled out or vpcd ends.
///
/// Calls `ready` each time the card was powered and has sent its ATR; from then on programs see the card. A fault with an
/// empty response ends the connection, because vpcd would wait for ever for an empty frame. Programs then see the same as
/// for a card that was pulled out: success without data.
///
/// # Errors
///
/// Errors of the socket.
pub fn serve(stream: &TcpStream, session: &Session, ready: &dyn Fn()) -> io::Result<()> {
    let mut powered = false;
    while let Some(frame) = read_frame(stream)? {
        let answer = match *frame {
            [] => Ok(Vec::new()),
            [POWER_ON] => {
                powered = true;
                continue;
            }
            [POWER_OFF | RESET] => {
                let done = if *frame == [RESET] { session.reset() } else { session.power_off() };
                match done {
                    Ok(()) => continue,
                    Err(error) => Err(error),
                }
            }
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

/// The next frame; `None` if vpcd has ended.
fn read_frame(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 2];
    // vpcd writes length and payload separately, so a delayed acknowledgement would cost 40 ms for each command.
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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use oathbridge::virt::{Fault, TokenSpec, VirtualToken};

    use super::*;

    const SELECT: &[u8] = &[0x00, 0xa4, 0x04, 0x00, 0x07, 0xa0, 0x00, 0x00, 0x05, 0x27, 0x21, 0x01];

    /// Runs a test with a card at one end of a connection; the test acts as vpcd at the other end.
    fn with_card(test: impl FnOnce(&VirtualToken, &TcpStream)) {
        let card = VirtualToken::new(&TokenSpec::demo()[0]);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let vpcd = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let session = card.connect().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                serve(&stream, &session, &|| {}).unwrap();
                stream.shutdown(std::net::Shutdown::Both).unwrap();
            });
            test(&card, &vpcd);
            card.unplug();
            vpcd.shutdown(std::net::Shutdown::Both).unwrap_or_default();
        });
    }

    fn ask(vpcd: &TcpStream, frame: &[u8]) -> Option<Vec<u8>> {
        write_frame(vpcd, frame).unwrap();
        read_frame(vpcd).unwrap()
    }

    #[test]
    fn control_messages_and_commands_are_answered() {
        with_card(|card, vpcd| {
            write_frame(vpcd, &[POWER_ON]).unwrap();
            assert_eq!(ask(vpcd, &[GET_ATR]).unwrap()[..2], [0x3b, 0xfd]);
            assert!(ask(vpcd, SELECT).unwrap().ends_with(&[0x90, 0x00]));
            assert!(ask(vpcd, &[0x00, 0xa1, 0x00, 0x00, 0x00]).unwrap().starts_with(&[0x72]));
            for control in [RESET, POWER_OFF] {
                ask(vpcd, SELECT).unwrap();
                write_frame(vpcd, &[control]).unwrap();
                assert_eq!(ask(vpcd, &[0x00, 0xa1, 0x00, 0x00, 0x00]).unwrap(), [0x6d, 0x00]);
            }
            assert_eq!(card.count(0xa4), 3);
        });
    }

    #[test]
    fn short_responses_are_sent_and_empty_ones_end_the_connection() {
        with_card(|card, vpcd| {
            card.fail_next(Fault::Answer(vec![0x42]));
            assert_eq!(ask(vpcd, SELECT).unwrap(), [0x42]);
            card.fail_next(Fault::Answer(Vec::new()));
            assert_eq!(ask(vpcd, SELECT), None);
        });
    }

    #[test]
    fn pulling_the_card_out_during_a_command_ends_the_connection() {
        for fault in [Fault::Vanish, Fault::Hang] {
            with_card(|card, vpcd| {
                card.fail_next(fault.clone());
                write_frame(vpcd, SELECT).unwrap();
                while card.log().is_empty() {
                    thread::yield_now();
                }
                card.unplug();
                assert_eq!(read_frame(vpcd).unwrap(), None);
            });
        }
    }
}
