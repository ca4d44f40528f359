//! The transmission protocol T=0 (ISO/IEC 7816-3 §12.2.1), in which a response with data may need commands of its own.
//!
//! The smart card service leaves them to the program. A command with data carries no Le; the card answers it with `61xx`,
//! and GET RESPONSE fetches the `xx` bytes. A command without data whose Le is not the length of the response is answered
//! with `6Cxx`, and is sent again with the Le `xx`.

use crate::device::Error;
use crate::iso7816::{Command, Response};

const GET_RESPONSE: u8 = 0xc0;

/// Sends a command to a card with T=0 and returns its response.
///
/// The status of the response may still be `61xx`, if the application itself announces more data after the data of the
/// response. Only a command without data is sent twice, because the card has not carried it out when it answers `6Cxx`.
pub(super) fn exchange(
    command: &Command,
    mut send: impl FnMut(&Command) -> Result<Response, Error>,
) -> Result<Response, Error> {
    if command.data_len() == 0 {
        return with_right_le(command, send);
    }
    let response = send(&command.clone().with_le(None))?;
    if !response.status.more_data() || !response.data.is_empty() {
        return Ok(response);
    }
    let fetch = Command::bare(GET_RESPONSE, 0, 0).with_le(Some(response.status.low_byte()));
    with_right_le(&fetch, send)
}

fn with_right_le(
    command: &Command,
    mut send: impl FnMut(&Command) -> Result<Response, Error>,
) -> Result<Response, Error> {
    let response = send(command)?;
    if !response.status.wrong_le() || command.is_once() {
        return Ok(response);
    }
    send(&command.clone().with_le(Some(response.status.low_byte())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::Aid;

    /// The bytes of the commands that get these responses, and the last response.
    fn exchanged(command: &Command, answers: &[&[u8]]) -> (Vec<Vec<u8>>, Response) {
        let mut answers = answers.iter();
        let mut sent = Vec::new();
        let response = exchange(command, |command| {
            sent.push(command.to_bytes());
            Response::from_bytes(answers.next().expect("a further command")).map_err(|_| Error::Removed)
        });
        assert_eq!(answers.count(), 0, "expected commands were not sent");
        (sent, response.unwrap())
    }

    #[test]
    fn the_response_to_a_command_with_data_is_fetched() {
        let select = Aid::OATH.select();
        let bare = select.clone().with_le(None).to_bytes();
        let (sent, response) = exchanged(&select, &[&[0x61, 0x02], &[7, 8, 0x90, 0x00]]);
        assert_eq!(sent, [bare.clone(), vec![0x00, 0xc0, 0x00, 0x00, 0x02]]);
        assert_eq!(response.data, [7, 8]);
        let (sent, _) = exchanged(&select, &[&[0x61, 0x00], &[0x6c, 0x02], &[7, 8, 0x90, 0x00]]);
        assert_eq!(sent.last().unwrap(), &[0x00, 0xc0, 0x00, 0x00, 0x02]);
        // A refusal, and an announcement of the application after its own data.
        for answer in [&[0x6a, 0x82][..], &[7, 0x61, 0x02]] {
            assert_eq!(exchanged(&select, &[answer]).0, std::slice::from_ref(&bare));
        }
    }

    #[test]
    fn a_command_without_data_is_sent_again_with_the_right_le() {
        let list = Command::bare(0xa1, 0, 0);
        let (sent, response) = exchanged(&list, &[&[0x6c, 0x01], &[7, 0x61, 0x05]]);
        assert_eq!(sent, [[0x00, 0xa1, 0x00, 0x00, 0x00], [0x00, 0xa1, 0x00, 0x00, 0x01]]);
        assert!(response.status.more_data());
        // A card that never has the right length is asked twice at most, and an empty 61xx is the application's.
        assert_eq!(exchanged(&list, &[&[0x6c, 0x01], &[0x6c, 0x02]]).0.len(), 2);
        assert_eq!(exchanged(&list, &[&[0x61, 0x05]]).0.len(), 1);
        assert_eq!(exchanged(&list.once(), &[&[0x6c, 0x01]]).0.len(), 1);
    }

    #[test]
    fn a_command_with_data_is_sent_once() {
        let calculate = Command::new(0xa2, 0, 1, vec![0x71, 0x01, 0x61, 0x74, 0x00]).unwrap();
        assert_eq!(exchanged(&calculate, &[&[0x6c, 0x07]]).0.len(), 1);
        let (sent, _) = exchanged(&calculate, &[&[0x61, 0x07], &[0x6c, 0x08], &[0x6c, 0x09]]);
        assert_eq!(sent.iter().filter(|sent| sent.get(1) == Some(&0xa2)).count(), 1);
    }
}
