//! The transmission protocol T=0 of a card, as programs see it through PC/SC (ISO/IEC 7816-3 §12.2.1).

use crate::iso7816::{Response, Status};

const GET_RESPONSE: u8 = 0xc0;

/// Answer to reset: T=0, with the historical bytes of a JavaCard of Yubico.
pub(super) const ATR: &[u8] = &[
    0x3b, 0x6e, 0x00, 0x00, 0x80, 0x73, 0xc8, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79,
    0x00,
];

/// The response that the host has not fetched yet.
#[derive(Debug, Default)]
pub(super) struct T0 {
    /// The header of the command without data that had the wrong Le, or of GET RESPONSE.
    awaited: [u8; 4],
    response: Option<Response>,
}

impl T0 {
    /// The response of the card itself to a command, without its application; `None` if the application is asked.
    pub(super) fn kept(&mut self, command: &[u8]) -> Option<Response> {
        let response = self.response.take()?;
        match command {
            [header @ .., le] if command.len() == 5 && *header == self.awaited => {
                Some(self.limited(response, *le))
            }
            _ => None,
        }
    }

    /// The answer that the host gets for the response of the application.
    pub(super) fn answer(&mut self, command: &[u8], response: Response) -> Response {
        match command {
            _ if response.data.is_empty() => response,
            [header @ .., le] if command.len() == 5 => {
                self.awaited.copy_from_slice(header);
                self.limited(response, *le)
            }
            _ => {
                self.awaited = [0, GET_RESPONSE, 0, 0];
                let announced = Status(0x6100 | length(&response));
                self.response = Some(response);
                Response { data: Vec::new(), status: announced }
            }
        }
    }

    /// The response, or `6Cxx` if Le is longer than it.
    fn limited(&mut self, response: Response, le: u8) -> Response {
        let expected = if le == 0 { 256 } else { usize::from(le) };
        if expected <= response.data.len() {
            return response;
        }
        let status = Status(0x6c00 | length(&response));
        self.response = Some(response);
        Response { data: Vec::new(), status }
    }
}

/// The length of the data in one byte, in which 256 is 0.
fn length(response: &Response) -> u16 {
    u16::try_from(response.data.len()).unwrap_or_default() & 0xff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::status;

    fn response(data: &[u8]) -> Response {
        Response { data: data.to_vec(), status: Status::OK }
    }

    #[test]
    fn a_response_to_a_command_with_data_is_kept_for_get_response() {
        let mut card = T0::default();
        let select = [0x00, 0xa4, 0x04, 0x00, 0x01, 0xa0];
        assert_eq!(card.answer(&select, response(&[7, 8])).status, Status(0x6102));
        assert_eq!(card.kept(&[0, GET_RESPONSE, 0, 0, 0]).unwrap().status, Status(0x6c02));
        assert_eq!(card.kept(&[0, GET_RESPONSE, 0, 0, 2]).unwrap().data, [7, 8]);
        assert_eq!(card.kept(&[0, GET_RESPONSE, 0, 0, 2]), None);
        card.answer(&select, response(&[7, 8]));
        assert_eq!(card.kept(&select), None, "another command drops the response");
        assert_eq!(card.kept(&[0, GET_RESPONSE, 0, 0, 2]), None);
    }

    #[test]
    fn a_command_without_data_must_have_the_right_le() {
        let mut card = T0::default();
        let list = |le| [0x00, 0xa1, 0x00, 0x00, le];
        assert_eq!(card.answer(&list(0), response(&[7; 5])).status, Status(0x6c05));
        assert_eq!(card.kept(&list(5)).unwrap().data, [7; 5]);
        assert_eq!(card.answer(&list(0), response(&[7; 256])).data.len(), 256);
        let refusal = Response { data: Vec::new(), status: status::NOT_FOUND };
        assert_eq!(card.answer(&list(0), refusal.clone()), refusal);
    }
}
